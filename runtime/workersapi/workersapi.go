// Package workersapi is the HTTP API of a stage: it puts jobs into the workers'
// queues and says which workers there are. It runs as a Lambda function behind
// API Gateway or a function URL, or as a plain http.Handler.
package workersapi

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"github.com/microfox-ai/aiwctl/dispatch"
	"github.com/microfox-ai/aiwctl/runtime/internal/jsonlog"
	"github.com/microfox-ai/aiwctl/runtime/internal/sqsclient"
)

const (
	pathTrigger = "/workers/trigger"
	pathConfig  = "/workers/config"
	pathDocs    = "/docs.json"

	headerTriggerKey = "x-workers-trigger-key"
	headerConfigKey  = "x-workers-config-key"

	// maxRequestBytes leaves room for the envelope around the longest message, and
	// for the backslashes before its quotes when it comes as text.
	maxRequestBytes = 2*dispatch.MaxMessageBytes + 64<<10

	queueCallTimeout = 5 * time.Second

	defaultStage  = "prod"
	defaultRegion = "us-east-1"
)

// SQSAPI is what the API needs of the SDK's SQS client.
type SQSAPI = sqsclient.API

// Config configures the workers API. Empty fields are read from the
// environment of the function.
type Config struct {
	// Manifest lists the workers of the stage.
	Manifest dispatch.Manifest
	// Stage is used where API Gateway does not name one; empty means ENVIRONMENT,
	// STAGE, "prod", in this order.
	Stage string
	// Region is what the API says of itself; empty means AWS_REGION,
	// AWS_DEFAULT_REGION, "us-east-1", in this order.
	Region string
	// Service is the first part of queue names; empty means AIWORKER_SERVICE.
	Service string
	// Key guards trigger and config; empty means WORKERS_API_KEY.
	Key string
	// TriggerKey and ConfigKey guard one of them when there is no Key; empty means
	// WORKERS_TRIGGER_API_KEY and WORKERS_CONFIG_API_KEY. An endpoint without any
	// key is public.
	TriggerKey, ConfigKey string
	// SQS sends the messages; nil means a client made from the environment when
	// the first request needs it.
	SQS SQSAPI
	// Output gets the trigger marker and, without a Logger, the log; nil means
	// os.Stdout.
	Output io.Writer
	Logger *slog.Logger
	// Getenv reads the environment; nil means os.Getenv.
	Getenv func(string) string
}

// api serves the workers API.
type api struct {
	cfg Config
	out *jsonlog.Writer
	log *slog.Logger
	sqs *sqsclient.Lazy
}

// New returns the workers API of a stage:
//
//	POST /workers/trigger   puts a message into a worker's queue
//	GET  /workers/config    the workers, their queues and input schemas
//	GET  /docs.json         an OpenAPI document
//
// Paths, statuses, bodies and headers are those of the deployed system, whose
// clients use it unchanged. Trigger and config want a key where one is
// configured; keys are compared in constant time.
func New(cfg Config) http.Handler {
	if cfg.Getenv == nil {
		cfg.Getenv = os.Getenv
	}
	if cfg.Output == nil {
		cfg.Output = os.Stdout
	}
	env := cfg.Getenv
	cfg.Stage = cmp.Or(cfg.Stage, env("ENVIRONMENT"), env("STAGE"), defaultStage)
	cfg.Region = cmp.Or(cfg.Region, env("AWS_REGION"), env("AWS_DEFAULT_REGION"), defaultRegion)
	cfg.Service = cmp.Or(cfg.Service, env("AIWORKER_SERVICE"))
	// A key for everything wins over the older keys, as in the deployed system.
	key := cmp.Or(cfg.Key, env("WORKERS_API_KEY"))
	cfg.TriggerKey = cmp.Or(key, cfg.TriggerKey, env("WORKERS_TRIGGER_API_KEY"))
	cfg.ConfigKey = cmp.Or(key, cfg.ConfigKey, env("WORKERS_CONFIG_API_KEY"))

	a := &api{cfg: cfg, out: jsonlog.NewWriter(cfg.Output), log: cfg.Logger, sqs: sqsclient.NewLazy(cfg.SQS, cfg.Region)}
	if a.log == nil {
		a.log = jsonlog.New(a.out, false)
	}
	if (cfg.TriggerKey == "") != (cfg.ConfigKey == "") {
		a.log.Warn("only one endpoint of the workers API has a key, the other is public; set WORKERS_API_KEY to guard both")
	}
	return a
}

// ServeHTTP implements http.Handler.
func (a *api) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var (
		method string
		serve  http.HandlerFunc
	)
	switch strings.TrimSuffix(r.URL.Path, "/") {
	case pathTrigger:
		method, serve = http.MethodPost, a.serveTrigger
	case pathConfig:
		method, serve = http.MethodGet, a.serveConfig
	case pathDocs:
		method, serve = http.MethodGet, a.serveDocs
	default:
		writeJSON(w, http.StatusNotFound, apiError{Error: "Not found"})
		return
	}
	if r.Method != method {
		w.Header().Set("Allow", method)
		writeJSON(w, http.StatusMethodNotAllowed, apiError{Error: "Method not allowed"})
		return
	}
	serve(w, r)
}

// apiError is the body of every answer that is not a success.
type apiError struct {
	Error     string `json:"error"`
	QueueName string `json:"queueName,omitempty"`
	Message   string `json:"message,omitempty"`
}

func writeJSON(w http.ResponseWriter, status int, v any) {
	body, err := jsonlog.Encode(v)
	if err != nil {
		status, body = http.StatusInternalServerError, json.RawMessage(`{"error":"Failed to encode the answer"}`)
	}
	h := w.Header()
	h.Set("Content-Type", "application/json")
	h.Set("Access-Control-Allow-Origin", "*")
	w.WriteHeader(status)
	_, _ = io.Copy(w, bytes.NewReader(body)) // a client that has gone is not our error
}

// authorized compares digests, so that neither content nor length of the key
// shows in the time it takes. HTTP drops the spaces around a header's value, so
// those around the configured key, such as a line feed from a file, cannot count;
// a key of nothing but spaces still guards, and nobody can give it.
func authorized(given, want string) bool {
	if want == "" {
		return true
	}
	trimmed := strings.TrimSpace(want)
	g, w := sha256.Sum256([]byte(strings.TrimSpace(given))), sha256.Sum256([]byte(trimmed))
	return subtle.ConstantTimeCompare(g[:], w[:]) == 1 && trimmed != ""
}

// gatewayStage carries the stage that API Gateway named for a request.
type gatewayStage struct{}

func (a *api) stage(ctx context.Context) string {
	stage, _ := ctx.Value(gatewayStage{}).(string)
	return cmp.Or(stage, a.cfg.Stage)
}

func (a *api) queueName(ctx context.Context, workerID string) string {
	return a.cfg.Service + "-" + workerID + "-" + a.stage(ctx)
}

// queueURL finds a worker's queue: the variable of the deployment first, then SQS.
// fromEnv says which. An empty URL without an error is an answer without one.
func (a *api) queueURL(ctx context.Context, workerID string) (url string, fromEnv bool, err error) {
	if url := a.cfg.Getenv(dispatch.QueueURLEnv(workerID)); url != "" {
		return url, true, nil
	}
	client, err := a.sqs.Get(ctx)
	if err != nil {
		return "", false, err
	}
	ctx, cancel := context.WithTimeout(ctx, queueCallTimeout)
	defer cancel()
	name := a.queueName(ctx, workerID)
	out, err := client.GetQueueUrl(ctx, &sqs.GetQueueUrlInput{QueueName: &name})
	if err != nil {
		return "", false, err
	}
	if out.QueueUrl == nil {
		return "", false, nil
	}
	return *out.QueueUrl, false, nil
}
