package local

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"

	"github.com/microfox-ai/aiwctl/aws/local/cwlogs"
	"github.com/microfox-ai/aiwctl/aws/local/faults"
	"github.com/microfox-ai/aiwctl/aws/local/gateway"
	"github.com/microfox-ai/aiwctl/aws/local/metrics"
	"github.com/microfox-ai/aiwctl/aws/local/parameters"
	"github.com/microfox-ai/aiwctl/aws/local/secrets"
	"github.com/microfox-ai/aiwctl/aws/local/wire"
)

// sqsTarget is the prefix of X-Amz-Target in requests for SQS.
const sqsTarget = "AmazonSQS"

// router sends each request to the service it is for.
type router struct {
	sqs, logs, metrics, tagging, runtime, lambda, sts, s3, ssm, secrets, api, apis, info http.Handler
	unknown                                                                              *wire.Service
	// stagePrefix is the path below which API Gateway serves the stage.
	stagePrefix string
}

func (s *Server) routes() http.Handler {
	rt := &router{
		sqs:         faults.Handler(s.queues, s.cfg.Faults.API),
		logs:        s.logs.Handler(),
		metrics:     metrics.Handler(metrics.Config{Recorder: s.metrics, Logger: s.cfg.Logger}),
		tagging:     s.taggingHandler(),
		runtime:     s.functions.RuntimeHandler(),
		lambda:      s.functions.APIHandler(),
		sts:         wire.Recover(s.cfg.Logger, writeSTSError, http.HandlerFunc(s.serveSTS)),
		s3:          s.objects.Handler(),
		ssm:         parameters.New(parameters.Config{Region: s.cfg.Region, Account: s.cfg.Account, Logger: s.cfg.Logger}).Handler(),
		secrets:     secrets.New(secrets.Config{Region: s.cfg.Region, Account: s.cfg.Account, Logger: s.cfg.Logger}).Handler(),
		api:         wire.Recover(s.cfg.Logger, gateway.WriteError, http.HandlerFunc(s.serveWorkersAPI)),
		apis:        s.apis.Handler(s.proxy()),
		info:        s.infoRoutes(),
		unknown:     &wire.Service{Logger: s.cfg.Logger},
		stagePrefix: "/" + s.cfg.Stage,
	}
	return newHosts(s.cfg.Listen, s.listener.Addr()).guard(rt)
}

func (rt *router) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	rt.choose(r).ServeHTTP(w, r)
}

func (rt *router) choose(r *http.Request) http.Handler {
	if target := r.Header.Get("X-Amz-Target"); target != "" {
		switch service, _, _ := strings.Cut(target, "."); service {
		case sqsTarget:
			return rt.sqs
		case cwlogs.Target:
			return rt.logs
		case metrics.Target:
			return rt.metrics
		case taggingTarget:
			return rt.tagging
		case parameters.Target:
			return rt.ssm
		case secrets.Target:
			return rt.secrets
		default:
			return rt.unknown
		}
	}
	path := r.URL.Path
	switch {
	case signedFor(r, "s3"): // whatever the path: it begins with a bucket's name
		return rt.s3
	case strings.HasPrefix(path, "/env-"):
		return rt.runtime
	case strings.HasPrefix(path, gateway.Prefix):
		return rt.apis
	case strings.HasPrefix(path, metrics.Path):
		return rt.metrics
	case isDated(path):
		return rt.lambda
	case isWorkersAPI(path), isWorkersAPI(strings.TrimPrefix(path, rt.stagePrefix)):
		return rt.api
	case r.Method == http.MethodPost:
		return rt.sts
	default:
		return rt.info
	}
}

// signedFor says whether a request was signed for a service: by the scope of its credentials,
// in its header or, where a URL was signed, in its query.
func signedFor(r *http.Request, service string) bool {
	_, scope, found := strings.Cut(r.Header.Get("Authorization"), "Credential=")
	if !found {
		scope = r.URL.Query().Get("X-Amz-Credential")
	}
	scope, _, _ = strings.Cut(scope, ",")
	return strings.HasSuffix(strings.TrimSpace(scope), "/"+service+"/aws4_request")
}

// isDated recognizes the REST APIs of Lambda: their paths begin with the date of
// a version, such as /2015-03-31/.
func isDated(path string) bool {
	const form = "/0000-00-00/"
	if len(path) < len(form) {
		return false
	}
	for i := range len(form) {
		if digit := '0' <= path[i] && path[i] <= '9'; digit != (form[i] == '0') || !digit && path[i] != form[i] {
			return false
		}
	}
	return true
}

func isWorkersAPI(path string) bool {
	return path == "/docs.json" || strings.HasPrefix(path, "/workers/") || strings.HasPrefix(path, "/queues/")
}

// infoRoutes are for people, and for scripts that wait until the endpoint is up.
func (s *Server) infoRoutes() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		// A client that has gone away is no concern of ours.
		_, _ = io.WriteString(w, s.index())
	})
	mux.HandleFunc("GET /health", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(map[string]any{
			"status":    "ok",
			"stage":     s.cfg.Stage,
			"service":   s.cfg.Service,
			"region":    s.cfg.Region,
			"account":   s.cfg.Account,
			"functions": len(s.functions.Functions()),
			"services":  []string{"sqs", "logs", "cloudwatch", "lambda", "sts", "resourcegroupstaggingapi", "s3", "cloudformation", "ssm", "secretsmanager"},
		})
	})
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		http.Error(w, fmt.Sprintf("There is nothing at %s %q. See %s/", r.Method, r.URL.Path, s.endpoint), http.StatusNotFound)
	})
	return mux
}

func (s *Server) index() string {
	var b strings.Builder
	fmt.Fprintf(&b, `This is the local AWS endpoint of aiwctl: SQS, CloudWatch Logs, Lambda, STS and the
metrics of SQS and Lambda for development, in memory, with worker programs that really run. Stage %q, service %q.

Use it from another terminal:

`, s.cfg.Stage, s.cfg.Service)
	for _, kv := range s.Environment() {
		fmt.Fprintf(&b, "  export %s\n", kv)
	}
	// Version 1 of the AWS CLI overlooks AWS_ENDPOINT_URL for SQS.
	fmt.Fprintf(&b, "\n  aiwctl workers\n  aws --endpoint-url %s sqs list-queues\n", s.endpoint)
	if list := s.functions.Functions(); len(list) > 0 {
		b.WriteString("\nFunctions:\n\n")
		for _, f := range list {
			fmt.Fprintf(&b, "  %s\n", f.Name)
		}
	}
	return b.String()
}
