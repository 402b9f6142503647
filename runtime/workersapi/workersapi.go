package workersapi

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

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
	// Service is the first part of the names of queues and functions; empty means
	// AIWORKER_SERVICE.
	Service string
	// GroupServices says that the names of a deployment group's workers begin with the
	// group's service (dispatch.GroupService), as push deploys them, instead of with Service;
	// false means what AIWORKER_GROUP_SERVICES says: true or nothing.
	GroupServices bool
	// Key guards trigger and config; empty means WORKERS_API_KEY.
	Key string
	// TriggerKey and ConfigKey guard one of them when there is no Key; empty means
	// WORKERS_TRIGGER_API_KEY and WORKERS_CONFIG_API_KEY. An endpoint without any
	// key is public.
	TriggerKey, ConfigKey string
	// SchemaEngine checks inputs against schemas that say more than package dispatch
	// checks by itself; nil means that the inputs of such workers are left to the
	// workers.
	SchemaEngine dispatch.SchemaEngine
	// SQS sends the messages and is asked about queues that the environment does
	// not name (WORKER_QUEUE_URL_<ID>, WORKER_DLQ_URL_<ID>). It needs
	// sqs:SendMessage, sqs:GetQueueUrl and sqs:GetQueueAttributes. Nil means a client
	// made from the environment when the first request needs it.
	SQS SQSAPI
	// Output gets the trigger marker and, without a Logger, the log; nil means
	// os.Stdout.
	Output io.Writer
	// Logger gets what goes wrong; nil means JSON lines on Output.
	Logger *slog.Logger
	// Getenv reads the environment; nil means os.Getenv.
	Getenv func(string) string
}

// api serves the workers API.
type api struct {
	cfg     Config
	out     *jsonlog.Writer
	log     *slog.Logger
	sqs     *sqsclient.Lazy
	workers map[string]*worker
	lookups lookups
	// schemas are the workers' parts of the OpenAPI document, which do not change.
	schemas func() workerSchemas
}

// New returns the workers API of a stage. See the package documentation for what
// it answers.
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
	cfg.GroupServices = cfg.GroupServices || env("AIWORKER_GROUP_SERVICES") == "true"
	// A key for everything wins over the older keys, as in the deployed system.
	key := cmp.Or(cfg.Key, env("WORKERS_API_KEY"))
	cfg.TriggerKey = cmp.Or(key, cfg.TriggerKey, env("WORKERS_TRIGGER_API_KEY"))
	cfg.ConfigKey = cmp.Or(key, cfg.ConfigKey, env("WORKERS_CONFIG_API_KEY"))

	a := &api{
		cfg: cfg, out: jsonlog.NewWriter(cfg.Output), log: cfg.Logger, sqs: sqsclient.NewLazy(cfg.SQS, cfg.Region, cfg.Getenv),
		workers: make(map[string]*worker, len(cfg.Manifest.Workers)),
	}
	if a.log == nil {
		a.log = jsonlog.New(a.out, false)
	}
	if (cfg.TriggerKey == "") != (cfg.ConfigKey == "") {
		a.log.Warn("only one endpoint of the workers API has a key, the other is public; set WORKERS_API_KEY to guard both")
	}
	a.cfg.Manifest.Workers = slices.Clone(cfg.Manifest.Workers)
	for i := range a.cfg.Manifest.Workers {
		m := &a.cfg.Manifest.Workers[i]
		m.InputSchema, m.OutputSchema = a.usable(m.ID, "input", m.InputSchema), a.usable(m.ID, "output", m.OutputSchema)
		a.workers[m.ID] = newWorker(*m, cfg.SchemaEngine)
	}
	a.schemas = sync.OnceValue(func() workerSchemas { return describeWorkers(a.cfg.Manifest.Workers) })
	return a
}

// usable is a schema of the manifest, or nil where it is none at all: written
// into an answer, text that is not JSON would spoil the answer for every worker.
func (a *api) usable(workerID, what string, schema json.RawMessage) json.RawMessage {
	switch text := bytes.TrimSpace(schema); {
	case len(text) == 0, string(text) == "null":
		return nil
	case (text[0] == '{' || text[0] == 't' || text[0] == 'f') && json.Valid(text):
		return text
	}
	a.log.Warn("a schema in the manifest is neither an object nor a boolean and is left out", "workerId", workerID, "schema", what)
	return nil
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
	Error      string      `json:"error"`
	QueueName  string      `json:"queueName,omitempty"`
	Message    string      `json:"message,omitempty"`
	Violations []violation `json:"violations,omitempty"`
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
