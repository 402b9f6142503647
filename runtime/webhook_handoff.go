package runtime

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"time"

	"github.com/microfox-ai/aiwctl/dispatch"
	"github.com/microfox-ai/aiwctl/runtime/internal/jsonlog"
	"github.com/microfox-ai/aiwctl/runtime/jobstore"
	"github.com/microfox-ai/aiwctl/runtime/webhook"
)

const (
	// handoffField is the field of a message by which the runtime knows a callback that
	// an earlier invocation could not deliver.
	handoffField = "webhookDelivery"
	// handoffPurpose names the key that protects the field.
	handoffPurpose = "aiworker webhook hand-off 1"

	// A callback that was handed on is tried after handoffBase, and after each
	// delivery that fails twice as long after, at most handoffLimit, unless
	// AppConfig.WebhookBackoff says otherwise.
	handoffBase  = 30 * time.Second
	handoffLimit = 15 * time.Minute
)

// handoff is a callback that is to be tried again.
type handoff struct {
	// JobID and WorkerID are the message's; they stand here too because the message's
	// own are not protected.
	JobID    string `json:"jobId"`
	WorkerID string `json:"workerId"`
	// URL is the receiver's, and ID the event's.
	URL string `json:"url"`
	ID  string `json:"id"`
	// Status is the payload's.
	Status webhook.Status `json:"status"`
	// Payload is the request's body. FromRecord says that its output was too long for
	// a message and stands in the job's record.
	Payload    json.RawMessage `json:"payload"`
	FromRecord bool            `json:"outputFromRecord,omitempty"`
	// Tries is how often it was tried before it was handed on, and Since when first.
	Tries int       `json:"tries"`
	Since time.Time `json:"since"`

	raw []byte // what mac protects
	mac []byte
	// unreadable is why the field cannot be read; nil when it can.
	unreadable error
}

// sealed is the field's value: the JSON of a handoff, and the HMAC of its bytes.
type sealed struct {
	Callback json.RawMessage `json:"callback"`
	MAC      []byte          `json:"mac,omitempty"`
}

// handoffKeys are the keys of the field: one for each webhook secret, else one from
// the secret that receivers of the deployed system know workers by, so that who can
// write to the queue and knows neither cannot have a result vouched for. Without
// a secret nothing vouches for a result.
func handoffKeys(secrets []webhook.Secret, workflowSecret string) [][]byte {
	keys := make([][]byte, 0, len(secrets)+1)
	for _, s := range secrets {
		keys = append(keys, s.Derive(handoffPurpose))
	}
	if len(keys) == 0 && workflowSecret != "" {
		keys = append(keys, handoffMAC([]byte(workflowSecret), []byte(handoffPurpose)))
	}
	return keys
}

func handoffMAC(key, raw []byte) []byte {
	h := hmac.New(sha256.New, key)
	_, _ = h.Write(raw)
	return h.Sum(nil)
}

// parseHandoff tells a callback that was handed on from a job. A field that cannot
// be read is a callback too: run as a job, it would do that job once more.
func parseHandoff(m *dispatch.Message) (*handoff, bool) {
	raw, ok := m.Extra[handoffField]
	if !ok {
		return nil, false
	}
	h := &handoff{}
	var s sealed
	if err := json.Unmarshal(raw, &s); err != nil {
		h.unreadable = err
		return h, true
	}
	// Whoever passes a message on may write its JSON with other spaces.
	var compact bytes.Buffer
	if err := json.Compact(&compact, s.Callback); err != nil {
		h.unreadable = err
		return h, true
	}
	if err := json.Unmarshal(compact.Bytes(), h); err != nil {
		h.unreadable = err
		return h, true
	}
	h.raw, h.mac = compact.Bytes(), s.MAC
	return h, true
}

// check refuses a callback that this worker has not handed on itself.
func (s *webhookSender) check(h *handoff, jobID, workerID string) error {
	switch {
	case h.unreadable != nil:
		return fmt.Errorf("the message's field %s cannot be read: %w", handoffField, h.unreadable)
	case h.JobID != jobID || h.WorkerID != workerID || h.ID == "":
		return fmt.Errorf("the message's field %s belongs to another job", handoffField)
	case h.Status != webhookSuccess && h.Status != webhookError:
		return fmt.Errorf("the message's field %s has an unknown status", handoffField)
	case len(s.handoffKeys) == 0:
		return nil
	}
	for _, key := range s.handoffKeys {
		if hmac.Equal(h.mac, handoffMAC(key, h.raw)) {
			return nil
		}
	}
	return fmt.Errorf("the message's field %s is not protected with this worker's webhook secret: it was written by somebody else, or under a secret that has been replaced (keep the old one beside the new one until the queue is empty)", handoffField)
}

// message makes the message that hands a callback on.
func (s *webhookSender) message(h handoff, jobContext map[string]any) (string, error) {
	raw, err := jsonlog.Encode(h)
	if err != nil {
		return "", fmt.Errorf("encode the callback: %w", err)
	}
	write := func(mac []byte) (string, error) {
		field, err := jsonlog.Encode(sealed{Callback: raw, MAC: mac})
		if err != nil {
			return "", fmt.Errorf("encode the callback: %w", err)
		}
		m := &dispatch.Message{
			WorkerID: h.WorkerID, JobID: h.JobID, Context: jobContext, Timestamp: s.now(),
			Extra: map[string]json.RawMessage{handoffField: field},
		}
		body, err := m.MarshalJSON()
		return string(body), err
	}
	body, err := write(nil)
	if err != nil || len(s.handoffKeys) == 0 {
		return body, err
	}
	// The MAC is of what a receiver of the message reads, which may be spelled
	// differently from what was written: SQS does not take every character.
	m, err := dispatch.ParseMessage([]byte(body))
	if err != nil {
		return "", err
	}
	read, _ := parseHandoff(m) // it is there: it was written above
	if read.unreadable != nil {
		return "", fmt.Errorf("read back the callback: %w", read.unreadable)
	}
	return write(handoffMAC(s.handoffKeys[0], read.raw))
}

// handOn puts a callback that was not delivered into the worker's own queue, as a
// message that comes after a while. It reports whether the queue took it.
func (d *delivery) handOn(c callback, p webhookPayload, r sendResult, took time.Duration, before int) bool {
	s := d.batch.app.webhook
	w := jobstore.Webhook{Attempts: before + r.tries, Status: r.status, Error: errorText(r.err)}
	h := handoff{
		JobID: d.jobID, WorkerID: d.workerID, URL: d.msg.WebhookURL, ID: c.id, Status: p.Status,
		Payload: c.body, Tries: w.Attempts, Since: s.now().UTC().Truncate(time.Millisecond),
	}
	body, err := s.message(h, d.traceContext())
	if err == nil && len(body) > dispatch.MaxMessageBytes {
		if body, err = d.messageWithoutOutput(h, p); errors.Is(err, errTooLong) {
			d.webhookLost(fmt.Sprintf("%v; %v", r.err, err), d.msg.WebhookURL, w)
			return true
		}
	}
	wait := min(max(r.wait, d.handoffWait(1)), maxDelay)
	if err == nil {
		err = d.batch.app.queue.send(d.batch.ctx, d.rec, body, nil, wait)
	}
	attrs := webhookAttrs(c, r, took)
	if err != nil {
		d.recordWebhook(w)
		d.event(slog.LevelError, fmt.Sprintf("webhook not delivered: %s; nor could it be handed on to a later message: %s", errorText(r.err), errorText(err)),
			dispatch.EventWebhook, attrs...)
		return false
	}
	w.Pending = true
	d.recordWebhook(w)
	d.event(slog.LevelWarn, "webhook not delivered yet, a message in the queue will try again: "+errorText(r.err),
		dispatch.EventWebhook, append(attrs, delayAttr(wait))...)
	return true
}

// errTooLong is a callback that can only be sent at once, or never.
var errTooLong = errors.New("the payload is too long for a message that would try again")

// messageWithoutOutput is the message of a callback whose output stands in the job's
// record.
func (d *delivery) messageWithoutOutput(h handoff, p webhookPayload) (string, error) {
	rec, err := d.jobRecord()
	switch {
	case err != nil:
		return "", fmt.Errorf("read the output, with which the message is too long, from the job store: %w", err)
	case rec == nil || rec.Status != jobstore.Completed || len(rec.Output) == 0 || len(p.Output) == 0:
		return "", fmt.Errorf("%w, and no job store has its output", errTooLong)
	}
	p.Output = nil
	c, err := d.batch.app.webhook.callback(h.URL, h.ID, p)
	if err != nil {
		return "", err
	}
	h.Payload, h.FromRecord = c.body, true
	body, err := d.batch.app.webhook.message(h, d.traceContext())
	if err == nil && len(body) > dispatch.MaxMessageBytes {
		err = fmt.Errorf("%w, even without its output", errTooLong)
	}
	return body, err
}

// traceContext is the context of a message that hands a callback on: whose job it is,
// and its trace.
func (d *delivery) traceContext() map[string]any {
	m := maps.Clone(orEmpty(d.quietMessage().Context))
	if tracer := d.batch.app.cfg.Tracer; tracer != nil && d.span != nil {
		tracer.Inject(d.span, func(name, value string) { m[name] = value })
	}
	return m
}

// redeliverWebhook tries a callback that was handed on. What goes wrong is written to
// the log and to the record here; the outcome says whether the message is done with.
func (d *delivery) redeliverWebhook(h *handoff) outcome {
	var err error
	if d.def, err = d.batch.worker(d.workerID); err == nil {
		err = d.batch.app.webhook.check(h, d.jobID, d.workerID)
	}
	if err != nil {
		err = &messageError{err}
		d.event(slog.LevelError, "webhook refused: "+errorText(err), dispatch.EventWebhook, slog.Any("error", jobError(err)))
		o := outcome{err: err, final: true, done: d.buried(jobError(err), true)}
		if !o.done {
			d.hide(0)
		}
		return o
	}
	if err := d.batch.mayStart(d.rec); err != nil {
		back := d.comeBack(redelivery{attempts: d.carried.Attempts, waiting: true})
		d.event(slog.LevelWarn, "webhook put off: "+errorText(err), dispatch.EventWebhook, slog.Any("error", jobError(err)))
		return outcome{err: err, done: back.done}
	}
	shown := slog.String("webhookUrl", loggableURL(h.URL))
	rec, err := d.jobRecord()
	if err != nil && h.FromRecord {
		return d.webhookFailed(h, callback{shown: shown.Value.String()}, sendResult{err: fmt.Errorf("read the output from the job store: %w", err)}, 0, h.Tries)
	}
	before := h.Tries
	if rec != nil {
		if rec.Webhook != nil {
			before = max(before, rec.Webhook.Attempts)
		}
		if why := overtaken(h, rec); why != "" {
			d.event(slog.LevelInfo, "webhook not sent: "+why, dispatch.EventWebhook, shown)
			return outcome{final: true, done: true}
		}
		// The job runs once more: its record is to say of that run's callback alone.
		if h.Status == webhookError && rec.Status != jobstore.Failed {
			d.unstored = true
		}
	}
	if h.FromRecord {
		if rec == nil || len(rec.Output) == 0 {
			d.webhookLost("its output is no longer in the job store", h.URL, jobstore.Webhook{Attempts: before})
			return outcome{final: true, done: true}
		}
		if h.Payload, err = withOutput(h.Payload, rec.Output); err != nil {
			d.webhookLost(err.Error(), h.URL, jobstore.Webhook{Attempts: before})
			return outcome{final: true, done: true}
		}
	}
	return d.sendHandoff(h, before)
}

// overtaken says why an event need not be sent any more: the caller has heard it, or
// something newer.
func overtaken(h *handoff, rec *jobstore.Record) string {
	completed := rec.Status == jobstore.Completed
	switch {
	case h.Status == webhookError && completed:
		return "the job has been completed since it failed"
	case h.Status == webhookSuccess && completed && rec.Webhook != nil && rec.Webhook.Delivered:
		return "it was delivered before"
	}
	return ""
}

// withOutput puts the output into a payload that was handed on without.
func withOutput(payload, output json.RawMessage) (json.RawMessage, error) {
	var p webhookPayload
	dec := json.NewDecoder(bytes.NewReader(payload))
	dec.UseNumber()
	if err := dec.Decode(&p); err != nil {
		return nil, fmt.Errorf("read the payload that was handed on: %w", err)
	}
	p.Output = output
	return jsonlog.Encode(p)
}

func (d *delivery) sendHandoff(h *handoff, before int) outcome {
	c := callback{shown: loggableURL(h.URL), id: h.ID, body: h.Payload}
	var err error
	if c.target, err = parseWebhookURL(h.URL); err != nil {
		d.webhookEnd(c, sendResult{err: err, final: true}, 0, before)
		return outcome{final: true, done: true}
	}
	ctx := d.batch.ctx
	if tracer := d.batch.app.cfg.Tracer; tracer != nil {
		ctx = tracer.Extract(ctx, func(name string) string {
			value, _ := d.msg.Context[name].(string)
			return value
		})
	}
	began := time.Now()
	r := d.sendCallback(ctx, c)
	if r.err == nil || r.final {
		d.webhookEnd(c, r, time.Since(began), before)
		return outcome{final: true, done: true}
	}
	return d.webhookFailed(h, c, r, time.Since(began), before)
}

// webhookFailed has SQS deliver the message again, or move it to the dead-letter
// queue, from where a replay tries again.
func (d *delivery) webhookFailed(h *handoff, c callback, r sendResult, took time.Duration, before int) outcome {
	last := d.lastReceive()
	w := jobstore.Webhook{Attempts: before + r.tries, Status: r.status, Error: errorText(r.err), Pending: !last}
	d.recordWebhook(w)
	attrs := webhookAttrs(c, r, took)
	o := outcome{err: fmt.Errorf("deliver a webhook: %w", r.err), final: last}
	if last {
		d.hide(0)
		d.event(slog.LevelError, fmt.Sprintf("webhook not delivered since %s, its message goes to the dead-letter queue; replay it there to try again: %s", h.Since.Format(time.RFC3339), errorText(r.err)),
			dispatch.EventWebhook, attrs...)
		return o
	}
	// The first wait was the message's delay.
	wait := max(r.wait, d.handoffWait(d.receives+1))
	if d.hide(wait) {
		attrs = append(attrs, delayAttr(wait))
	}
	d.event(slog.LevelWarn, "webhook not delivered yet, SQS will deliver its message again: "+errorText(r.err), dispatch.EventWebhook, attrs...)
	return o
}

// handoffWait is how long a callback waits for its next message, or delivery, after so
// many of them.
func (d *delivery) handoffWait(times int) (wait time.Duration) {
	if b := d.batch.app.cfg.WebhookBackoff; b != nil {
		defer func() {
			// A backoff that panics must not keep a callback from being handed on.
			if recover() != nil {
				wait = exponential(handoffBase, handoffLimit, times)
			}
		}()
		return max(b(times, nil), 0) // whoever waits knows how long it may
	}
	return exponential(handoffBase, handoffLimit, times)
}
