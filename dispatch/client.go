package dispatch

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"time"

	"github.com/microfox-ai/aiwctl/dispatch/internal/jsontext"
)

// Mode says where a job runs.
type Mode string

// The modes of a Client.
const (
	// ModeAuto is local when the client has a local sender, NODE_ENV is
	// "development" and WORKERS_LOCAL_MODE is not "false"; else remote.
	ModeAuto Mode = "auto"
	// ModeLocal hands the job to Config.Local.
	ModeLocal Mode = "local"
	// ModeRemote hands the job to Config.Remote.
	ModeRemote Mode = "remote"
)

// StatusQueued is the only Status a dispatch returns.
const StatusQueued = "queued"

// Result is what a dispatch returns.
type Result struct {
	// MessageID is the sender's id of the message.
	MessageID string `json:"messageId"`
	// Status is StatusQueued.
	Status string `json:"status"`
	// JobID names the job in logs, job stores and webhooks.
	JobID string `json:"jobId"`
}

// Sender hands one message to a worker's queue. Implementations are safe for
// concurrent use, refuse a message over MaxMessageBytes with ErrTooLarge, and a
// delay they cannot keep with ErrDelay.
type Sender interface {
	Send(ctx context.Context, m *Message, delay time.Duration) (messageID string, err error)
}

// Config configures a Client. The zero value reads the environment.
type Config struct {
	// Remote sends in ModeRemote; nil means the HTTP trigger named by BaseURL.
	Remote Sender
	// Local sends in ModeLocal; nil means local mode is refused.
	Local Sender
	// BaseURL of the stage's API, in any form TriggerURL takes; empty means
	// WORKER_BASE_URL, WORKERS_TRIGGER_API_URL, WORKERS_CONFIG_API_URL,
	// NEXT_PUBLIC_WORKER_BASE_URL, in this order. Without any, a remote dispatch
	// fails with ErrNoBaseURL.
	BaseURL string
	// TriggerKey for the API; empty means WORKERS_TRIGGER_API_KEY,
	// WORKERS_API_KEY, the key derived from MICROFOX_PROJECT_ID, in this order.
	TriggerKey string
	// Mode is the mode of a dispatch without WithMode; empty means ModeAuto.
	Mode Mode
	// HTTPClient calls the trigger; nil means one of net/http's defaults. Each try
	// is bounded by DefaultTryTimeout in any case.
	HTTPClient *http.Client
	// Retries is how often the trigger is called again after a failure that may
	// pass, and how often DispatchMany sends again what SQS did not take; see
	// Trigger.Send and DispatchMany. Zero means DefaultRetries; any number below
	// zero switches retries off.
	Retries int
	// Timeout bounds each remote send, all its tries included; zero and below mean
	// DefaultTimeout. A job in local mode is bounded by its worker's timeout.
	Timeout time.Duration
	// Tracer makes a span around each send, and its trace context is put into the
	// message's context unless WithContext put one there. Nil means no tracing,
	// and then nothing is spent on it.
	Tracer Tracer
	// Logger gets one debug line for every job sent, a warning for every further
	// try, and the warnings of validation; nil means none. Inputs and keys are
	// never logged.
	Logger *slog.Logger
	// Schema gives a worker's input schema; nil, or a nil Schema, means no check
	// beyond JSON itself. An error stops the dispatch. DispatchMany asks once.
	Schema func(ctx context.Context, workerID string) (*Schema, error)
	// Getenv reads the environment; nil means os.Getenv.
	Getenv func(string) string
	// Now is the clock; nil means time.Now.
	Now func() time.Time
}

// Client dispatches jobs. Make one with NewClient; it is safe for concurrent use.
type Client struct {
	cfg Config
	// remoteErr says why there is no remote sender; nil when there is one.
	remoteErr error
}

// NewClient returns a Client. It fails for an unknown mode and a malformed
// Config.BaseURL. What the environment lacks or has wrong is an error of the
// dispatch that needs it.
func NewClient(cfg Config) (*Client, error) {
	if cfg.Mode == "" {
		cfg.Mode = ModeAuto
	}
	if err := checkMode(cfg.Mode); err != nil {
		return nil, fmt.Errorf("new dispatch client: %w", err)
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	if cfg.Getenv == nil {
		cfg.Getenv = os.Getenv
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.Timeout <= 0 {
		cfg.Timeout = DefaultTimeout
	}
	c := &Client{cfg: cfg}
	if cfg.Remote != nil {
		return c, nil
	}
	base, key := cfg.BaseURL, cfg.TriggerKey
	if base == "" {
		base = BaseURLFromEnv(cfg.Getenv)
	}
	if key == "" {
		key = TriggerKeyFromEnv(cfg.Getenv)
	}
	trigger, err := NewTrigger(base, key, cfg.HTTPClient, TriggerRetries(cfg.Retries), TriggerLogger(cfg.Logger))
	switch {
	case err == nil:
		c.cfg.Remote = trigger
	case cfg.BaseURL != "":
		return nil, fmt.Errorf("new dispatch client: %w", err)
	default:
		c.remoteErr = err
	}
	return c, nil
}

func checkMode(m Mode) error {
	switch m {
	case ModeAuto, ModeLocal, ModeRemote:
		return nil
	}
	return fmt.Errorf("unknown mode %q: use %s, %s or %s", m, ModeAuto, ModeLocal, ModeRemote)
}

// sender picks the sender of a mode.
func (c *Client) sender(m Mode) (Sender, Mode, error) {
	if err := checkMode(m); err != nil {
		return nil, "", err
	}
	if m == ModeAuto {
		m = ModeRemote
		if c.cfg.Local != nil && c.cfg.Getenv(envNodeEnv) == "development" && c.cfg.Getenv(envLocalMode) != "false" {
			m = ModeLocal
		}
	}
	switch {
	case m == ModeLocal && c.cfg.Local == nil:
		return nil, "", errors.New("local mode: this client has no local sender")
	case m == ModeLocal:
		return c.cfg.Local, m, nil
	case c.remoteErr != nil:
		return nil, "", c.remoteErr
	}
	return c.cfg.Remote, m, nil
}

// NewMessage builds, and validates, the message a dispatch would send, without
// sending it. The errors are *ValidationError, ErrTooLarge, ErrDelay and those
// of options that make no sense.
func (c *Client) NewMessage(ctx context.Context, workerID string, input json.RawMessage, opts ...Option) (*Message, error) {
	o := c.options(opts)
	m, _, err := c.message(ctx, workerID, bytes.Clone(input), o, c.schemaOf(ctx, workerID))
	if err != nil {
		return nil, fmt.Errorf("prepare job for worker %q: %w", workerID, err)
	}
	return m, nil
}

// Dispatch sends a job with a Go value as its input. A nil input, and one that
// is JSON null, is {}. A json.RawMessage is JSON text already.
func (c *Client) Dispatch(ctx context.Context, workerID string, input any, opts ...Option) (Result, error) {
	raw, err := inputText(input)
	if err != nil {
		return Result{}, fmt.Errorf("dispatch to worker %q: %w", workerID, err)
	}
	return c.DispatchRaw(ctx, workerID, raw, opts...)
}

// inputText writes an input; empty for one that is JSON null. JSON text is taken as
// it is, and checked by whoever makes the message.
func inputText(input any) (json.RawMessage, error) {
	if raw, ok := input.(json.RawMessage); ok {
		if string(bytes.TrimSpace(raw)) == "null" {
			return nil, nil
		}
		return raw, nil
	}
	raw, err := jsontext.Marshal(input)
	if err != nil {
		return nil, fmt.Errorf("write the input as JSON: %w", err)
	}
	if string(raw) == "null" {
		return nil, nil
	}
	return raw, nil
}

// DispatchRaw sends a job with JSON text as its input; empty is {}. The input is
// validated before anything is sent. The errors are those of NewMessage,
// ErrNoBaseURL, and the sender's.
func (c *Client) DispatchRaw(ctx context.Context, workerID string, input json.RawMessage, opts ...Option) (Result, error) {
	o := c.options(opts)
	m, body, err := c.message(ctx, workerID, bytes.Clone(input), o, c.schemaOf(ctx, workerID))
	if err != nil {
		return Result{}, fmt.Errorf("dispatch to worker %q: %w", workerID, err)
	}
	sender, mode, err := c.sender(o.mode)
	if err != nil {
		return Result{}, fmt.Errorf("dispatch to worker %q: %w", workerID, err)
	}
	return c.send(ctx, sender, mode, m, body, o.delay)
}

// send hands one message to a sender. body is what the message is written as.
func (c *Client) send(ctx context.Context, sender Sender, mode Mode, m *Message, body []byte, delay time.Duration) (Result, error) {
	ctx, cancel := c.bounded(ctx, mode)
	defer cancel()
	ctx, end := c.startSend(ctx, mode, m.WorkerID, attrConversation, m.JobID)
	m, _ = c.withTrace(ctx, m, body, MaxMessageBytes-len(body))
	id, err := sender.Send(ctx, m, delay)
	end(err)
	if err != nil {
		return Result{}, fmt.Errorf("dispatch job %q: %w", m.JobID, err)
	}
	return c.sent(ctx, mode, m, id), nil
}

// bounded is ctx with the end of a remote send.
func (c *Client) bounded(ctx context.Context, mode Mode) (context.Context, context.CancelFunc) {
	if mode != ModeRemote {
		return ctx, func() {}
	}
	return context.WithTimeout(ctx, c.cfg.Timeout)
}

// sent logs and returns what became of a message.
func (c *Client) sent(ctx context.Context, mode Mode, m *Message, id string) Result {
	if c.cfg.Logger.Enabled(ctx, slog.LevelDebug) {
		c.cfg.Logger.DebugContext(ctx, "job dispatched",
			"workerId", m.WorkerID, "jobId", m.JobID, "messageId", id, "mode", string(mode))
	}
	return Result{MessageID: id, Status: StatusQueued, JobID: m.JobID}
}
