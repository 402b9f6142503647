package aws

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/microfox-ai/aiwctl/dispatch"
)

// The values of DispatchResult.Via.
const (
	ViaTrigger = "trigger"
	ViaQueue   = "queue"
)

// StatusPlanned is the Status of a dispatch that was planned and not sent.
const StatusPlanned = "planned"

// ErrMode is returned when a dispatch's mode and its target exclude each other:
// ModeLocal with a stage in AWS, ModeRemote with one on this machine.
var ErrMode = errors.New("mode not possible here")

// DispatchRequest is one job to send.
type DispatchRequest struct {
	Worker Worker
	// Input is JSON text, checked against the worker's schema unless Force.
	// Empty means {}.
	Input json.RawMessage
	// Force sends input that does not fit the schema; the violations become
	// warnings. Text that is no JSON is refused all the same.
	Force bool
	// Mode: auto (or empty) sends through the workers API when its base URL is
	// known and no delay is asked for, else straight to the queue; local refuses
	// any target that is not on this machine; remote refuses one that is.
	Mode dispatch.Mode
	// JobID names the job; empty means a new id.
	JobID string
	// WebhookURL gets the completion callback; empty means none.
	WebhookURL string
	// Metadata is the caller's own; nil is sent as {}.
	Metadata map[string]any
	// Delay hides the message for that long, at most dispatch.MaxDelay. Only a
	// standard queue has it.
	Delay time.Duration
}

// DispatchResult says what was sent and how.
type DispatchResult struct {
	dispatch.Result
	WorkerID string `json:"workerId"`
	QueueURL string `json:"queueUrl"`
	Via      string `json:"via"` // ViaTrigger or ViaQueue
	// To is where the message goes, without credentials: the queue's URL, or the
	// workers API's.
	To       string               `json:"-"`
	SentAt   time.Time            `json:"sentAt"` // to follow the job from
	Warnings []dispatch.Violation `json:"warnings,omitempty"`
	Message  json.RawMessage      `json:"message"` // the SQS body
}

// Dispatch validates and sends a job, through the guard. Input that does not
// fit the schema, or is no JSON, is a *dispatch.ValidationError, a message over
// dispatch.MaxMessageBytes is dispatch.ErrTooLarge, a mode that excludes the
// target is ErrMode, and a delay that is not possible is dispatch.ErrDelay;
// nothing is sent then.
//
// When the error wraps only ErrAudit the job was sent: the result is complete.
func (s *Stage) Dispatch(ctx context.Context, r DispatchRequest) (DispatchResult, error) {
	p, err := s.plan(r)
	if err != nil {
		return DispatchResult{}, err
	}
	res := p.result
	action := Action{Name: "dispatch", Object: res.WorkerID, Count: 1, IDs: []string{res.JobID}}
	err = s.guard.Do(ctx, action, func(ctx context.Context, w Writer) error {
		res.SentAt = s.opts.Now()
		id, err := p.send(ctx, w)
		if err != nil {
			return fmt.Errorf("dispatch %q: %w", res.WorkerID, err)
		}
		res.MessageID, res.Status = id, dispatch.StatusQueued
		return nil
	})
	if err != nil && res.Status != dispatch.StatusQueued {
		return DispatchResult{}, err
	}
	return res, err
}

// PlanDispatch is Dispatch without sending: what would be sent, where to. Its
// errors are Dispatch's. SentAt is now, MessageID empty, Status StatusPlanned.
func (s *Stage) PlanDispatch(_ context.Context, r DispatchRequest) (DispatchResult, error) {
	p, err := s.plan(r)
	return p.result, err
}

// planned is a dispatch ready to go.
type planned struct {
	result DispatchResult
	send   func(context.Context, Writer) (messageID string, err error)
}

func (s *Stage) plan(r DispatchRequest) (planned, error) {
	w := r.Worker
	if w.ID == "" {
		return planned{}, errors.New("dispatch: no worker named")
	}
	fail := func(format string, args ...any) (planned, error) {
		return planned{}, fmt.Errorf("dispatch %q: %w", w.ID, fmt.Errorf(format, args...))
	}
	if r.Delay < 0 || r.Delay > dispatch.MaxDelay {
		return fail("%w: %s is out of range: SQS allows 0 to %s", dispatch.ErrDelay, r.Delay, dispatch.MaxDelay)
	}
	via, err := s.route(r)
	if err != nil {
		return fail("%w", err)
	}
	input := r.Input
	if len(bytes.TrimSpace(input)) == 0 {
		input = json.RawMessage("{}")
	}
	warnings, err := s.check(w, input, r.Force)
	if err != nil {
		return planned{}, err
	}
	now := s.opts.Now()
	m := &dispatch.Message{
		WorkerID: w.ID, JobID: cmp.Or(r.JobID, dispatch.NewJobID(now)), Input: input,
		WebhookURL: r.WebhookURL, Metadata: r.Metadata, Timestamp: now, Unchecked: r.Force,
	}
	body, err := m.MarshalJSON()
	if err != nil {
		return fail("write the message: %w", err)
	}
	if len(body) > dispatch.MaxMessageBytes {
		return fail("%w: it is %d bytes long and SQS takes %d: put large data in a store and send its address",
			dispatch.ErrTooLarge, len(body), dispatch.MaxMessageBytes)
	}
	p := planned{result: DispatchResult{
		Result:   dispatch.Result{Status: StatusPlanned, JobID: m.JobID},
		WorkerID: w.ID, Via: via, SentAt: now, Warnings: warnings, Message: body,
	}}
	if w.Queue != nil {
		p.result.QueueURL = w.Queue.URL
	}
	p.result.To = p.result.QueueURL
	if via == ViaTrigger {
		p.result.To = redacted(s.apiBase())
		p.send, err = s.triggerSend(m)
		if err != nil {
			return fail("%w", err)
		}
		return p, nil
	}
	p.send = queueSend(*w.Queue, m, r.Delay)
	return p, nil
}

// route chooses how a job is sent, and refuses what the mode does not allow.
func (s *Stage) route(r DispatchRequest) (via string, err error) {
	base := s.apiBase()
	via = ViaTrigger
	if base == "" || r.Delay > 0 || !s.serves(r.Worker) {
		via = ViaQueue
	}
	if via == ViaQueue {
		switch {
		case r.Worker.Queue == nil && r.Delay > 0 && base != "":
			return "", fmt.Errorf("%w: it needs the worker's queue, which was not found; without it the workers API can send the job", dispatch.ErrDelay)
		case r.Worker.Queue == nil:
			return "", errors.New("no queue was found for this worker and no base URL of the workers API is known: pass --base-url")
		case r.Worker.Queue.FIFO && r.Delay > 0:
			return "", fmt.Errorf("%w: queue %s is FIFO, where a message cannot have its own", dispatch.ErrDelay, r.Worker.Queue.Name)
		}
	}
	target, here := s.Target().EndpointURL, s.Target().Loopback()
	if via == ViaTrigger {
		target, here = base, loopbackURL(base)
	}
	switch r.Mode {
	case "", dispatch.ModeAuto:
	case dispatch.ModeLocal:
		if !here {
			return "", fmt.Errorf("%w: mode local, but the job would go to %s, which is not on this machine", ErrMode, cmp.Or(redacted(target), "AWS"))
		}
	case dispatch.ModeRemote:
		if here {
			return "", fmt.Errorf("%w: mode remote, but the job would go to %s, which is on this machine", ErrMode, redacted(target))
		}
	default:
		return "", fmt.Errorf("mode %q: want %s, %s or %s", r.Mode, dispatch.ModeAuto, dispatch.ModeLocal, dispatch.ModeRemote)
	}
	return via, nil
}

func redacted(target string) string {
	if target == "" {
		return ""
	}
	return redactURL(target)
}

// apiBase is the base URL of the workers API, empty when there is none or it
// serves another stage than the target's.
func (s *Stage) apiBase() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.learned.foreignAPI != "" {
		return ""
	}
	return cmp.Or(s.target.BaseURL, s.learned.api.Base)
}

// serves is whether the workers API may be given a worker's jobs: one that was named may, one
// that was found by itself only where it sends to the worker's own queue.
func (s *Stage) serves(w Worker) bool {
	if s.target.BaseURL != "" {
		return true
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	queue, ok := s.learned.apiQueues[w.ID]
	return ok && (w.Queue == nil || w.Queue.Name == queue)
}

// queueSend sends straight to the worker's queue.
func queueSend(q Queue, m *dispatch.Message, delay time.Duration) func(context.Context, Writer) (string, error) {
	return func(ctx context.Context, w Writer) (string, error) {
		return dispatch.NewSQS(w, func(context.Context, string) (string, error) { return q.URL, nil }).Send(ctx, m, delay)
	}
}

// triggerSend sends through the workers API. It needs no Writer; that it runs
// within Guard.Do is what guards it.
func (s *Stage) triggerSend(m *dispatch.Message) (func(context.Context, Writer) (string, error), error) {
	base := s.apiBase()
	if _, err := dispatch.NewTrigger(base, "", s.api.http); err != nil {
		return nil, err
	}
	return func(ctx context.Context, _ Writer) (string, error) {
		key, err := s.apiKey(ctx, dispatch.TriggerKeyFromEnv) // it may have to be read
		if err != nil {
			return "", err
		}
		trigger, err := dispatch.NewTrigger(base, key, s.api.http)
		if err != nil {
			return "", err
		}
		id, err := trigger.Send(ctx, m, 0)
		status, ok := errors.AsType[*dispatch.StatusError](err)
		if !ok {
			return id, err
		}
		switch {
		case keyRefused(status):
			return "", fmt.Errorf("%w: %s", err, s.keyAdvice("WORKERS_TRIGGER_API_KEY"))
		case status.StatusCode == http.StatusNotFound:
			return "", fmt.Errorf("%w: %s", err, s.knownWorkers(ctx, base))
		}
		return "", err
	}, nil
}

// keyRefused is whether the workers API refused the key. API Gateway's 403 for a
// path it does not have speaks of a missing token, and means another thing.
func keyRefused(e *dispatch.StatusError) bool {
	return e.StatusCode == http.StatusUnauthorized ||
		e.StatusCode == http.StatusForbidden && !strings.Contains(e.Body, "Missing Authentication Token")
}

// keyAdvice says where a refused key came from, never the key. One that was read by
// reference is read again next time.
func (s *Stage) keyAdvice(own string) string {
	order := []string{own, "WORKERS_API_KEY", "MICROFOX_PROJECT_ID"}
	for i, name := range order {
		if strings.TrimSpace(s.opts.Getenv(name)) == "" {
			continue
		}
		from := "the key sent came from " + name
		if i == len(order)-1 {
			from = "the key sent was derived from " + name
		}
		return from + ": it is not this stage's (looked for in " + strings.Join(order, ", ") + ")"
	}
	if ref := s.WorkersAPI().KeyRef; ref != "" {
		s.forgetAPI()
		return "the key sent came from " + clean(ref) + ": the API's function was started with another one, or that was changed since"
	}
	return "no key was sent: set WORKERS_API_KEY to the stage's key (looked for in " + strings.Join(order, ", ") + ")"
}

// knownWorkers ends the message about an unknown worker.
func (s *Stage) knownWorkers(ctx context.Context, base string) string {
	s.mu.Lock()
	ids := slices.Clone(s.learned.workers)
	s.mu.Unlock()
	if ids == nil {
		cfg, err := s.fetchConfig(ctx)
		if err != nil {
			return fmt.Sprintf("is %s the base URL of the stage's workers API? Its workers/config could not be read either", redactURL(base))
		}
		ids = configIDs(cfg)
	}
	if len(ids) == 0 {
		return "the workers API knows no worker"
	}
	const most = 20
	text := strings.Join(ids[:min(len(ids), most)], ", ")
	if len(ids) > most {
		text += fmt.Sprintf(" and %d more", len(ids)-most)
	}
	return "the workers API knows " + text
}

// compiledSchema is a worker's schema as it was compiled last.
type compiledSchema struct {
	raw      string
	tolerant bool
	schema   *dispatch.Schema
	err      error
}

// check validates input. A schema that cannot be compiled is a warning: the
// worker itself will judge.
func (s *Stage) check(w Worker, input json.RawMessage, force bool) ([]dispatch.Violation, error) {
	var warnings []dispatch.Violation
	schema, err := s.schema(w) // a nil schema checks that the text is JSON
	if err != nil {
		warnings = append(warnings, schemaWarning("the input was not checked: "+err.Error()))
	}
	for _, text := range schema.Warnings() {
		warnings = append(warnings, schemaWarning(text))
	}
	var bad []dispatch.Violation
	for _, v := range schema.Validate(input) {
		switch {
		case v.Warning:
			warnings = append(warnings, v)
		case force && v.Keyword != "syntax":
			v.Warning = true
			warnings = append(warnings, v)
		default:
			bad = append(bad, v)
		}
	}
	if len(bad) > 0 {
		return nil, &dispatch.ValidationError{WorkerID: w.ID, Violations: bad}
	}
	return warnings, nil
}

func schemaWarning(text string) dispatch.Violation {
	return dispatch.Violation{Keyword: "schema", Message: text, Line: 1, Column: 1, Warning: true}
}

// schema is Worker.Schema, compiled once for as long as it stays the same.
func (s *Stage) schema(w Worker) (*dispatch.Schema, error) {
	raw := string(w.InputSchema)
	s.mu.Lock()
	defer s.mu.Unlock()
	if c, ok := s.schemas[w.ID]; ok && c.raw == raw && c.tolerant == w.TolerantSchema {
		return c.schema, c.err
	}
	c := compiledSchema{raw: raw, tolerant: w.TolerantSchema}
	c.schema, c.err = w.Schema()
	s.schemas[w.ID] = c
	return c.schema, c.err
}
