// Package stage is a stage whose log groups a program fills as it likes: CloudWatch Logs over
// HTTP, made worse on purpose, and as much of SQS and Lambda as it takes for `aiwctl` to find
// the workers that the groups are of.
package stage

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/microfox-ai/aiwctl/aws/local/cwlogs"
	"github.com/microfox-ai/aiwctl/aws/local/functions"
	"github.com/microfox-ai/aiwctl/aws/local/queues"
)

// Config says how bad the endpoint is. The zero value is good.
type Config struct {
	// Workers is how many there are: w0, w1 and so on.
	Workers int
	// Throttled is the part of FilterLogEvents calls that is refused.
	Throttled float64
	// Cut has every page end after a number of events of its own, between 1 and 10,000,
	// small ones as likely as large ones.
	Cut bool
	// Seed makes the choices.
	Seed uint64
}

// Stage is one that is served.
type Stage struct {
	// URL is its endpoint.
	URL  string
	Logs *cwlogs.Service
	// Calls is how many times FilterLogEvents was called, and Refused how often it throttled.
	Calls, Refused atomic.Int64

	cfg    Config
	broker *queues.Broker
	sqs    http.Handler
	server *http.Server
	end    context.CancelFunc

	mu  sync.Mutex
	rng *rand.Rand
}

// Group is a worker's log group.
func Group(worker int) string { return fmt.Sprintf("/aws/lambda/chaos-prod-workerW%d", worker) }

// Names are the ids of n workers.
func Names(n int) []string {
	out := make([]string, n)
	for i := range out {
		out[i] = fmt.Sprintf("w%d", i)
	}
	return out
}

func queue(worker int) string { return fmt.Sprintf("chaos-w%d-prod", worker) }

const arnOf = "arn:aws:%s:us-east-1:000000000000:%s"

// Serve serves a stage on a free port of this machine.
func Serve(cfg Config) (*Stage, error) {
	s := &Stage{cfg: cfg, rng: rand.New(rand.NewPCG(cfg.Seed, 1))} //nolint:gosec // chaos that can be repeated
	l, err := (&net.ListenConfig{}).Listen(context.Background(), "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("serve a stage: %w", err)
	}
	s.URL = "http://" + l.Addr().String()
	s.Logs = cwlogs.New(cwlogs.Config{MaxEvents: 2_000_000, MaxBytes: 1 << 30})
	broker := queues.New(queues.Config{BaseURL: func() string { return s.URL }})
	s.broker, s.sqs = broker, broker.Handler()
	for i := range cfg.Workers {
		if _, _, err := broker.CreateQueue(queue(i), nil); err != nil {
			return nil, fmt.Errorf("serve a stage: %w", err)
		}
		s.Logs.EnsureGroup(Group(i))
	}
	ctx, end := context.WithCancel(context.Background())
	s.end = end
	s.server = &http.Server{Handler: s, ReadHeaderTimeout: 10 * time.Second, BaseContext: func(net.Listener) context.Context { return ctx }}
	go func() { _ = s.server.Serve(l) }() // it ends with Close
	return s, nil
}

// Close ends it.
func (s *Stage) Close() error {
	s.end()
	s.broker.Close()
	return s.server.Close()
}

// ServeHTTP implements http.Handler.
func (s *Stage) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	target := r.Header.Get("X-Amz-Target")
	switch {
	case target == cwlogs.Target+".FilterLogEvents":
		s.filter(w, r)
	case strings.HasPrefix(target, cwlogs.Target):
		s.Logs.Handler().ServeHTTP(w, r)
	case strings.HasPrefix(target, "AmazonSQS"):
		s.sqs.ServeHTTP(w, r)
	case strings.HasPrefix(r.URL.Path, "/2015-03-31/event-source-mappings"):
		s.answer(w, "EventSourceMappings", func(i int) map[string]any {
			return map[string]any{
				"UUID": fmt.Sprint("m", i), "State": "Enabled", "BatchSize": 10, "FunctionResponseTypes": []string{"ReportBatchItemFailures"},
				"EventSourceArn": fmt.Sprintf(arnOf, "sqs", queue(i)), "FunctionArn": fmt.Sprintf(arnOf, "lambda", "function:"+function(i)),
			}
		})
	case strings.HasPrefix(r.URL.Path, "/2015-03-31/functions"):
		s.answer(w, "Functions", func(i int) map[string]any {
			return map[string]any{
				"FunctionName": function(i), "FunctionArn": fmt.Sprintf(arnOf, "lambda", "function:"+function(i)), "Timeout": 30, "MemorySize": 128,
				"Environment": map[string]any{"Variables": map[string]string{"STAGE": "prod", "AIWORKER_SERVICE": "chaos"}},
			}
		})
	default:
		http.Error(w, "there is nothing of that kind here", http.StatusNotFound)
	}
}

func function(worker int) string { return strings.TrimPrefix(Group(worker), "/aws/lambda/") }

func (s *Stage) answer(w http.ResponseWriter, name string, item func(int) map[string]any) {
	list := make([]map[string]any, s.cfg.Workers)
	for i := range list {
		list[i] = item(i)
	}
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(map[string]any{name: list}) // a client that has gone is no concern of ours
}

// filter answers FilterLogEvents, or refuses, with pages of a size that comes by chance.
func (s *Stage) filter(w http.ResponseWriter, r *http.Request) {
	s.Calls.Add(1)
	s.mu.Lock()
	refused := s.rng.Float64() < s.cfg.Throttled
	limit := int(math.Exp(s.rng.Float64() * math.Log(10_000)))
	s.mu.Unlock()
	if refused {
		s.Refused.Add(1)
		w.Header().Set("Content-Type", "application/x-amz-json-1.1")
		w.WriteHeader(http.StatusBadRequest)
		_, _ = io.WriteString(w, `{"__type":"ThrottlingException","message":"Rate exceeded"}`)
		return
	}
	if s.cfg.Cut {
		var in map[string]any
		if json.NewDecoder(r.Body).Decode(&in) == nil {
			in["limit"] = limit
			text, err := json.Marshal(in)
			if err == nil {
				r.Body, r.ContentLength = io.NopCloser(bytes.NewReader(text)), int64(len(text))
			}
		}
	}
	s.Logs.Handler().ServeHTTP(w, r)
}

// Write puts an event into a worker's group.
func (s *Stage) Write(worker int, stream string, at time.Time, text string) {
	s.Logs.Append(Group(worker), stream, functions.LogEvent{Time: at, Message: text})
}
