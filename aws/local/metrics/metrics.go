// Package metrics is the part of CloudWatch that tells how queues and functions
// are: GetMetricData for the metrics of SQS and Lambda that a console draws and
// judges by. It remembers three hours, a datapoint a minute. The present minute says
// what is true at the moment of the call, where AWS's datapoints are up to some
// minutes late; a queue that nobody uses has its metrics, too, which AWS stops after
// six hours. A minute in which a function did not run has no datapoint, as in AWS.
package metrics

import (
	"log/slog"
	"net/http"
	"time"

	"github.com/microfox-ai/aiwctl/aws/local/queues"
	"github.com/microfox-ai/aiwctl/aws/local/wire"
)

// Target is CloudWatch's name in requests: the prefix of X-Amz-Target in the JSON
// protocol, which boto3 and the AWS CLI speak.
const Target = "GraniteServiceVersion20100801"

// Path begins the path of requests in RPC v2 CBOR, which the SDKs of Go and others
// speak.
const Path = "/service/" + Target + "/"

// Queues is what is measured: a *queues.Broker.
type Queues interface {
	// Measure measures the queue of a name; false means that there is none.
	Measure(name string) (queues.Measure, bool)
	// Names are the names of all queues.
	Names() []string
}

// Config configures Handler. Recorder or Queues is needed.
type Config struct {
	// Recorder has the past; somebody runs it.
	Recorder *Recorder
	// Queues is measured without a past, when there is no Recorder.
	Queues Queues
	// Now is the clock for Queues; nil means time.Now.
	Now func() time.Time
	// Logger gets faults of ours; nil means none.
	Logger *slog.Logger
}

// Handler serves GetMetricData in both protocols. It panics without queues, since
// nothing could work.
func Handler(cfg Config) http.Handler {
	if cfg.Recorder == nil {
		cfg.Recorder = NewRecorder(RecorderConfig{Queues: cfg.Queues, Now: cfg.Now})
	}
	s := &service{recorder: cfg.Recorder}
	protocol := func(v wire.Version, op wire.Operation) *wire.Service {
		p := &wire.Service{
			Target: Target, Namespace: "com.amazonaws.cloudwatch", Version: v,
			QueryCompatible: true, MaxBody: maxBody, Logger: cfg.Logger,
		}
		p.Handle("GetMetricData", op)
		return p
	}
	asJSON := protocol(wire.JSON10, wire.JSON(s.getMetricData))
	asCBOR := protocol(wire.RPCv2CBOR, wire.CBOR(s.getMetricData))
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("X-Amz-Target") != "" {
			asJSON.ServeHTTP(w, r)
			return
		}
		asCBOR.ServeHTTP(w, r)
	})
}

// maxBody is the largest request that is read: 500 queries are 200 KB.
const maxBody = 1 << 20

type service struct{ recorder *Recorder }
