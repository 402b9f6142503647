package runtimetest

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/microfox-ai/aiwctl/dispatch"
	"github.com/microfox-ai/aiwctl/runtime"
	"github.com/microfox-ai/aiwctl/runtime/internal/memqueue"
	"github.com/microfox-ai/aiwctl/runtime/jobstore"
)

// maxDeliveries is how many deliveries one Settle makes before it gives up: a worker
// that snoozes for ever would never let it end.
const maxDeliveries = 1000

// Config configures a Harness. The zero value works.
type Config struct {
	// App is the configuration of the program. Its Store is one in memory unless
	// given (NoStore: none), its SQS and Now are the harness's own, its Output is
	// shown when the test fails unless given, and its WebhookClient records
	// webhooks unless given. Its Getenv knows nothing unless given.
	App runtime.AppConfig
	// NoStore runs the workers without a job store.
	NoStore bool
	// Timeout is the time until a function's deadline; zero means the worker's own.
	Timeout time.Duration
	// Receiver answers webhooks; nil answers 200. try counts
	// the requests to its URL, from 1.
	Receiver func(w Webhook, try int) (status int)
}

// Harness is a stage of workers in the test. Make one with Start.
type Harness struct {
	t      testing.TB
	cfg    Config
	broker *memqueue.Broker
	client *dispatch.Client
	apps   map[string]*runtime.App // by the worker whose queue they serve
	limits map[string]time.Duration
	log    lockedBuffer
	began  time.Time

	mu         sync.Mutex
	changed    *sync.Cond // a flight has begun to wait, or has ended
	skew       time.Duration
	flights    map[*flight]bool
	deliveries []*Delivery
	webhooks   []Webhook
}

// Start makes a harness for the given workers, each with the settings it was made
// with. The log of the workers is shown when the test fails.
func Start(t testing.TB, workers ...runtime.Runner) *Harness {
	t.Helper()
	return StartConfig(t, Config{}, workers...)
}

// StartConfig is Start with a configuration.
func StartConfig(t testing.TB, cfg Config, workers ...runtime.Runner) *Harness {
	t.Helper()
	h, err := newHarness(t, cfg, workers, nil, false)
	if err != nil {
		t.Fatal(err)
	}
	return h
}

// newHarness makes a harness. maxReceive overrides the setting of the workers that
// it knows, and unknown keeps it from them.
func newHarness(t testing.TB, cfg Config, workers []runtime.Runner, maxReceive func(id string) (int, bool), unknown bool) (*Harness, error) {
	h := &Harness{
		t: t, cfg: cfg, apps: make(map[string]*runtime.App, len(workers)), limits: make(map[string]time.Duration, len(workers)),
		flights: make(map[*flight]bool), began: time.Now(),
	}
	h.changed = sync.NewCond(&h.mu)
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("log of the workers:\n%s", h.Log())
		}
	})

	app := cfg.App
	if app.Getenv == nil {
		app.Getenv = func(string) string { return "" }
	}
	if app.Output == nil {
		app.Output = &h.log
	}
	switch {
	case cfg.NoStore:
		app.Store = nil
	case app.Store == nil:
		app.Store = jobstore.NewMemory()
	}
	h.cfg.App.Store = app.Store
	if app.WebhookClient == nil {
		app.WebhookClient = &http.Client{Transport: receiver{h}}
	}
	all, err := runtime.NewApp(app, workers...)
	if err != nil {
		return nil, err
	}
	var queues []memqueue.Queue
	for _, w := range all.Manifest().Workers {
		q := memqueue.Queue{Worker: w.ID, FIFO: w.SQS.FIFO, MaxReceive: w.SQS.MaxReceiveCount, Visibility: time.Duration(w.SQS.VisibilityTimeoutSeconds) * time.Second}
		if maxReceive != nil {
			if n, ok := maxReceive(w.ID); ok {
				q.MaxReceive = n
			}
		}
		queues = append(queues, q)
		h.limits[w.ID] = cfg.Timeout
		if cfg.Timeout <= 0 {
			h.limits[w.ID] = time.Duration(w.TimeoutSeconds) * time.Second
		}
	}
	h.broker = memqueue.New(h.Now, 0, queues...)

	observe := app.OnOutcome
	app.OnOutcome = func(ctx context.Context, o runtime.Outcome) {
		h.observe(ctx, o)
		if observe != nil {
			observe(ctx, o)
		}
	}
	app.SQS, app.Now = h.broker, h.Now
	getenv := app.Getenv
	for _, q := range queues {
		app.Getenv = h.broker.Getenv(getenv, q.Worker)
		if unknown {
			known := app.Getenv
			app.Getenv = func(name string) string {
				if name == "AIWORKER_MAX_RECEIVE_COUNT" {
					return ""
				}
				return known(name)
			}
		}
		if h.apps[q.Worker], err = runtime.NewApp(app, workers...); err != nil {
			return nil, err
		}
	}
	h.client, err = dispatch.NewClient(dispatch.Config{
		Remote: queue{h.broker}, Mode: dispatch.ModeRemote, Tracer: app.Tracer, Now: h.Now,
		Getenv: func(string) string { return "" },
	})
	return h, err
}

// queue sends into the broker.
type queue struct{ broker *memqueue.Broker }

// Send implements dispatch.Sender.
func (q queue) Send(_ context.Context, m *dispatch.Message, delay time.Duration) (string, error) {
	body, err := m.MarshalJSON()
	if err != nil {
		return "", err
	}
	return q.broker.Put(memqueue.Message{Worker: m.WorkerID, Body: string(body), Group: m.GroupID, Delay: delay})
}

// Now is the clock of the stage.
func (h *Harness) Now() time.Time {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.now()
}

func (h *Harness) now() time.Time { return time.Now().Add(h.skew) }

// Store is the job store of the stage; nil with Config.NoStore.
func (h *Harness) Store() jobstore.Store { return h.cfg.App.Store }

// Log is what the workers have logged, unless Config.App.Output got it.
func (h *Harness) Log() string { return h.log.text() }

// Dispatch sends a job to a worker's queue, where it stays until Settle. The input is
// a Go value and is not checked before; the worker does. An error fails the test.
func (h *Harness) Dispatch(workerID string, input any, opts ...dispatch.Option) dispatch.Result {
	h.t.Helper()
	result, err := h.client.Dispatch(h.t.Context(), workerID, input, opts...)
	if err != nil {
		h.t.Fatal(err)
	}
	return result
}

// Send puts a message of any form into a worker's queue, for what no client would
// send.
func (h *Harness) Send(workerID, body string) {
	h.t.Helper()
	if _, err := h.broker.Put(memqueue.Message{Worker: workerID, Body: body}); err != nil {
		h.t.Fatal(err)
	}
}

// Run dispatches a job, settles, and reports what came of it.
func (h *Harness) Run(workerID string, input any, opts ...dispatch.Option) Report {
	h.t.Helper()
	result := h.Dispatch(workerID, input, opts...)
	h.Settle()
	return h.Report(result.JobID)
}

// Settle delivers messages until no queue holds one: they are deleted or dead. It
// fails the test after a thousand deliveries.
func (h *Harness) Settle() {
	h.t.Helper()
	h.settle(func() bool { return false })
}

// Webhook is a completion webhook that was sent, delivered or not.
type Webhook struct {
	// At is when it was sent, by the clock of the stage since its start.
	At time.Duration
	// URL, Header and Body are the request's; Status is how it was answered.
	URL    string
	Header http.Header
	Body   []byte
	Status int
}

// JobID is the job that the webhook tells of.
func (w Webhook) JobID() string {
	var payload struct {
		JobID string `json:"jobId"`
	}
	_ = json.Unmarshal(w.Body, &payload) // what cannot be read is of no job
	return payload.JobID
}

// receiver takes the place of the network.
type receiver struct{ h *Harness }

// RoundTrip implements http.RoundTripper.
func (r receiver) RoundTrip(req *http.Request) (*http.Response, error) {
	var body []byte
	if req.Body != nil {
		var err error
		body, err = io.ReadAll(req.Body)
		if err = errors.Join(err, req.Body.Close()); err != nil {
			return nil, err
		}
	}
	h := r.h
	h.mu.Lock()
	w := Webhook{At: h.now().Sub(h.began), URL: req.URL.String(), Header: req.Header.Clone(), Body: body, Status: http.StatusOK}
	try := 1
	for _, before := range h.webhooks {
		if before.URL == w.URL {
			try++
		}
	}
	h.mu.Unlock()
	if h.cfg.Receiver != nil {
		w.Status = h.cfg.Receiver(w, try)
	}
	h.mu.Lock()
	h.webhooks = append(h.webhooks, w)
	h.mu.Unlock()
	return &http.Response{
		StatusCode: w.Status, Status: fmt.Sprintf("%d %s", w.Status, http.StatusText(w.Status)),
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: http.Header{}, Body: http.NoBody, Request: req,
	}, nil
}

// lockedBuffer is a log that a handler may still write to when the test has gone on
// without it, because it ran on after its deadline.
type lockedBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

func (b *lockedBuffer) text() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return strings.TrimSpace(b.buf.String())
}
