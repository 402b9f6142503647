package dispatch

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"
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
	// WORKER_BASE_URL, WORKERS_TRIGGER_API_URL, WORKERS_CONFIG_API_URL, in this
	// order. Without any, a remote dispatch fails with ErrNoBaseURL.
	BaseURL string
	// TriggerKey for the API; empty means WORKERS_TRIGGER_API_KEY,
	// WORKERS_API_KEY, the key derived from MICROFOX_PROJECT_ID, in this order.
	TriggerKey string
	// Mode is the mode of a dispatch without WithMode; empty means ModeAuto.
	Mode Mode
	// HTTPClient calls the trigger; nil means one with a 30 s timeout.
	HTTPClient *http.Client
	// Logger gets one debug line for every job sent, and the warnings of
	// validation; nil means none. Inputs and keys are never logged.
	Logger *slog.Logger
	// Schema gives a worker's input schema; nil, or a nil Schema, means no check
	// beyond JSON itself. An error stops the dispatch.
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
	trigger, err := NewTrigger(base, key, cfg.HTTPClient)
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
	m, _, err := c.prepare(ctx, workerID, input, opts)
	if err != nil {
		return nil, fmt.Errorf("prepare job for worker %q: %w", workerID, err)
	}
	return m, nil
}

// Dispatch sends a job with a Go value as its input. A nil input, and one that
// is JSON null, is {}.
func (c *Client) Dispatch(ctx context.Context, workerID string, input any, opts ...Option) (Result, error) {
	raw, err := marshalPlain(input)
	if err != nil {
		return Result{}, fmt.Errorf("dispatch to worker %q: write the input as JSON: %w", workerID, err)
	}
	if string(raw) == "null" {
		raw = nil
	}
	return c.DispatchRaw(ctx, workerID, raw, opts...)
}

// DispatchRaw sends a job with JSON text as its input; empty is {}. The input is
// validated before anything is sent. The errors are those of NewMessage,
// ErrNoBaseURL, and the sender's.
func (c *Client) DispatchRaw(ctx context.Context, workerID string, input json.RawMessage, opts ...Option) (Result, error) {
	m, o, err := c.prepare(ctx, workerID, input, opts)
	if err != nil {
		return Result{}, fmt.Errorf("dispatch to worker %q: %w", workerID, err)
	}
	sender, mode, err := c.sender(o.mode)
	if err != nil {
		return Result{}, fmt.Errorf("dispatch to worker %q: %w", workerID, err)
	}
	id, err := sender.Send(ctx, m, o.delay)
	if err != nil {
		return Result{}, fmt.Errorf("dispatch job %q: %w", m.JobID, err)
	}
	c.cfg.Logger.DebugContext(ctx, "job dispatched",
		"workerId", workerID, "jobId", m.JobID, "messageId", id, "mode", string(mode))
	return Result{MessageID: id, Status: StatusQueued, JobID: m.JobID}, nil
}

func (c *Client) prepare(ctx context.Context, workerID string, input json.RawMessage, opts []Option) (*Message, options, error) {
	o := options{mode: c.cfg.Mode}
	for _, opt := range opts {
		if opt != nil {
			opt(&o)
		}
	}
	if err := o.check(workerID); err != nil {
		return nil, o, err
	}
	if len(bytes.TrimSpace(input)) == 0 {
		input = json.RawMessage("{}")
	}
	if err := c.validate(ctx, workerID, input, o); err != nil {
		return nil, o, err
	}
	now := c.cfg.Now()
	m := &Message{
		WorkerID:   workerID,
		JobID:      o.jobID,
		Input:      bytes.Clone(input),
		Context:    o.context,
		WebhookURL: o.webhookURL,
		Metadata:   o.metadata,
		Timestamp:  now.UTC().Truncate(time.Millisecond),
		MaxTokens:  o.maxTokens,
	}
	if m.JobID == "" {
		m.JobID = NewJobID(now)
	}
	if o.userID != "" {
		// Where the deployed clients put it, and where workers look first.
		m.Context = withMember(m.Context, fieldUserID, o.userID)
	}
	if _, err := m.body(); err != nil {
		return nil, o, err
	}
	return m, o, nil
}

func (c *Client) validate(ctx context.Context, workerID string, input json.RawMessage, o options) error {
	var schema *Schema // nil checks the syntax only
	if c.cfg.Schema != nil && !o.unchecked {
		var err error
		if schema, err = c.cfg.Schema(ctx, workerID); err != nil {
			return fmt.Errorf("look up its input schema: %w", err)
		}
	}
	violations := schema.Validate(input)
	if !Valid(violations) {
		return &ValidationError{WorkerID: workerID, Violations: violations}
	}
	for _, v := range violations {
		c.cfg.Logger.WarnContext(ctx, "input has a doubtful part",
			"workerId", workerID, "pointer", v.Pointer, "keyword", v.Keyword, "problem", v.Message)
	}
	return nil
}

// checkWebhook refuses a URL that no worker could call.
func checkWebhook(text string) error {
	u, err := url.Parse(text)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		return errors.New("the webhook URL must be an absolute http or https URL")
	}
	return nil
}

// check refuses options that make no sense, before anything else is done.
func (o *options) check(workerID string) error {
	if strings.TrimSpace(workerID) == "" {
		return errors.New("the worker's id is empty")
	}
	if err := checkMode(o.mode); err != nil {
		return err
	}
	if o.webhookURL != "" {
		if err := checkWebhook(o.webhookURL); err != nil {
			return err
		}
	}
	if o.maxTokens != nil && *o.maxTokens < 0 {
		return fmt.Errorf("a token budget of %d is below zero", *o.maxTokens)
	}
	return checkDelay(o.delay)
}
