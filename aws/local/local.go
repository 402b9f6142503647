// Package local is an AWS endpoint inside this process, for the demo, for
// development and for tests: SQS, CloudWatch Logs, the parts of Lambda, STS and
// CloudWatch that the console reads, and what a deployment needs of S3 and
// CloudFormation, spoken over AWS's own protocols, and worker
// binaries run for real behind an event source mapping. It is not for
// production: there, SQS and Lambda are themselves.
//
// The endpoint runs programs and asks nobody for credentials, so it answers only
// requests that were addressed to this machine or to the host it listens on: a
// web page whose name an attacker points at 127.0.0.1 is refused by its Host
// header, and a script of another site by its Origin header.
package local

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"regexp"
	"sync"
	"time"

	"github.com/microfox-ai/aiwctl/aws/local/cwlogs"
	"github.com/microfox-ai/aiwctl/aws/local/faults"
	"github.com/microfox-ai/aiwctl/aws/local/functions"
	"github.com/microfox-ai/aiwctl/aws/local/gateway"
	"github.com/microfox-ai/aiwctl/aws/local/metrics"
	"github.com/microfox-ai/aiwctl/aws/local/objects"
	"github.com/microfox-ai/aiwctl/aws/local/queues"
	"github.com/microfox-ai/aiwctl/aws/local/rules"
	"github.com/microfox-ai/aiwctl/aws/local/stacks"
	"github.com/microfox-ai/aiwctl/dispatch"
)

// DefaultListen is where the endpoint listens unless told otherwise.
const DefaultListen = "127.0.0.1:4566"

// Config configures Start. The zero value serves AWS's protocols with no workers.
type Config struct {
	// Listen is a host:port; empty means DefaultListen; port 0 takes a free one.
	Listen string
	// Region and Account are what the endpoint claims to be; empty means
	// us-east-1 and 000000000000.
	Region, Account string
	// Stage and Service name queues and functions as a deployment would:
	// <service>-<worker>-<stage>. Empty means "dev" and "aiw".
	Stage, Service string
	// Programs are the worker binaries to run.
	Programs []Program
	// Env is added to every function's environment, KEY=value. It wins over what
	// the endpoint itself puts there.
	Env []string
	// APIKey guards the workers API; empty means it is open.
	APIKey string
	// Logger gets what an operator of the endpoint should know; nil means none.
	Logger *slog.Logger
	// StateDir is where the workers keep job records (AIWORKER_STORE); empty means
	// a private directory that ends with the endpoint.
	StateDir string
	// Faults makes SQS and Lambda worse on purpose, for trying out workers and what
	// else speaks to them.
	Faults faults.Faults
	// StackPace is the pause before each step of a change of a CloudFormation stack; zero
	// means stacks.DefaultPace.
	StackPace time.Duration
}

// Program is a worker binary: a program that calls runtime.Main.
type Program struct {
	// Name names it in messages: the package's path.
	Name string
	// Command starts it; the manifest is asked for by adding "manifest".
	Command []string
	// Manifest is what it contains; nil means ask it.
	Manifest *dispatch.Manifest
}

// namePart is what queue and function names can be made of.
var namePart = regexp.MustCompile(`^[a-zA-Z0-9_-]+$`)

func (c Config) withDefaults() Config {
	c.Listen = cmp.Or(c.Listen, DefaultListen)
	c.Region = cmp.Or(c.Region, "us-east-1")
	c.Account = cmp.Or(c.Account, "000000000000")
	c.Stage = cmp.Or(c.Stage, "dev")
	c.Service = cmp.Or(c.Service, "aiw")
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	return c
}

func (c Config) validate() error {
	for what, name := range map[string]string{"stage": c.Stage, "service": c.Service} {
		if !namePart.MatchString(name) {
			return fmt.Errorf("start the local endpoint: the %s %q becomes part of queue and function names: use letters, digits, - and _ only", what, name)
		}
	}
	if err := c.Faults.Validate(); err != nil {
		return fmt.Errorf("start the local endpoint: %w", err)
	}
	return nil
}

// Server is a running endpoint. Start makes it, Close ends it.
type Server struct {
	cfg      Config
	listener net.Listener
	endpoint string // URL, without a slash at the end
	address  string // host:port for programs on this machine
	http     *http.Server
	serving  sync.WaitGroup
	end      context.CancelFunc // ends requests that are still waiting

	queues    *queues.Broker
	logs      *cwlogs.Service
	functions *functions.Manager
	schedules *scheduler
	metrics   *metrics.Recorder
	objects   *objects.Store
	stacks    *stacks.Service
	rules     *rules.Service
	apis      gateway.APIs
	manifest  *manifestFile

	// deploying is held while programs are replaced.
	deploying sync.Mutex
	closed    bool // under deploying

	closing   sync.Once
	closedErr error
}

// Start listens and runs the programs. A taken port is an error that names the
// --listen flag. When ctx ends before it is done it undoes everything and
// returns; afterwards ctx means nothing to the server.
func Start(ctx context.Context, cfg Config) (*Server, error) {
	cfg = cfg.withDefaults()
	if err := cfg.validate(); err != nil {
		return nil, err
	}
	s := &Server{cfg: cfg}
	if err := s.listen(ctx); err != nil {
		return nil, err
	}
	var err error
	if s.manifest, err = newManifestFile(); err != nil {
		return nil, errors.Join(fmt.Errorf("start the local endpoint: %w", err), s.listener.Close())
	}
	s.queues = queues.New(queues.Config{
		Region: cfg.Region, Account: cfg.Account, Logger: cfg.Logger,
		BaseURL: s.Endpoint,
	})
	s.logs = cwlogs.New(cwlogs.Config{Region: cfg.Region, Account: cfg.Account, Logger: cfg.Logger})
	s.metrics = metrics.NewRecorder(metrics.RecorderConfig{Queues: s.queues})
	s.functions = functions.New(functions.Config{
		Region: cfg.Region, Account: cfg.Account, Logger: cfg.Logger,
		Queues: s.queues, Logs: s.logs, Faults: cfg.Faults.Delivery, Meter: s.metrics,
		RuntimeAPI: func() string { return s.address },
		BaseEnv:    s.stackEnv(),
	})
	s.startStacks()
	s.schedules = newScheduler(s.sendScheduled, cfg.Logger)
	s.serve()
	if err := s.SetPrograms(ctx, cfg.Programs); err != nil {
		return nil, errors.Join(err, s.Close(ctx))
	}
	return s, nil
}

// Functions is the Lambda of the endpoint, for seeding it with functions that belong to no
// worker program. SetPrograms takes away what is not of its programs.
func (s *Server) Functions() *functions.Manager { return s.functions }

// Endpoint is the URL for AWS clients, which is also the base URL of the workers API.
func (s *Server) Endpoint() string { return s.endpoint }

// Environment is what another program needs in order to use the endpoint, as
// KEY=value. The credentials are dummies, which AWS clients insist on. The key of
// the workers API is not among it, and neither is its URL while no program serves it: a stage
// that was deployed here says itself where its own is.
func (s *Server) Environment() []string {
	env := []string{
		"AWS_ENDPOINT_URL=" + s.endpoint,
		"AWS_REGION=" + s.cfg.Region,
		"AWS_DEFAULT_REGION=" + s.cfg.Region, // version 1 of the AWS CLI reads this one only
		"AWS_ACCESS_KEY_ID=local",
		"AWS_SECRET_ACCESS_KEY=local",
		"AIWCTL_STAGE=" + s.cfg.Stage,
		"AIWCTL_STORE=" + s.JobStore(),
	}
	if s.functions.Has(s.apiFunctionName()) {
		env = append(env, "WORKER_BASE_URL="+s.endpoint)
	}
	return env
}

// JobStore is where the workers keep their job records, as AIWORKER_STORE says it.
func (s *Server) JobStore() string { return jobStore(s.cfg, s.manifest) }

func jobStore(cfg Config, m *manifestFile) string {
	return "file:" + cmp.Or(cfg.StateDir, m.stateDir())
}

// killGrace is how long Close waits at least for processes that it has killed,
// so that none outlives it even when its context is over.
const killGrace = 3 * time.Second

// Close kills the programs, with everything they have started, ends the
// requests that are waiting, and stops listening. It waits for all of it until
// ctx ends; for the killed processes it waits a few seconds even then. A second
// call returns what the first one did.
func (s *Server) Close(ctx context.Context) error {
	s.closing.Do(func() { s.closedErr = s.close(ctx) })
	return s.closedErr
}

func (s *Server) close(ctx context.Context) error {
	kill, cancel := context.WithTimeout(context.WithoutCancel(ctx), killGrace)
	defer cancel()
	patient := ctx
	if deadline, ok := ctx.Deadline(); ctx.Err() != nil || ok && time.Until(deadline) < killGrace {
		patient = kill
	}
	// What makes functions goes before them, and they before the rest: their processes are
	// clients of this server. A SetPrograms that is under way fails soon after.
	s.stacks.Close()
	s.rules.Close()
	errs := []error{s.functions.Close(patient)}
	s.deploying.Lock()
	s.closed = true
	s.deploying.Unlock()
	s.schedules.close()
	s.queues.Close()
	s.end()
	if err := s.http.Shutdown(kill); err != nil {
		errs = append(errs, s.http.Close())
	}
	s.serving.Wait()
	errs = append(errs, s.manifest.remove())
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("close the local endpoint: %w", err)
	}
	return nil
}
