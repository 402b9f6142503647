package runtime

import (
	"context"
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

// webhookPayload is the body of a completion webhook.
type webhookPayload = webhook.Payload

const (
	webhookSuccess = webhook.StatusSuccess
	webhookError   = webhook.StatusError
)

// notify tells the caller what came of the job, if the message asks for it, and
// writes the result to the log and to the job's record. A callback that fails
// never fails the job. It reports whether the callback is settled: there is none,
// it was delivered or refused for good, or a message in the queue will see to it.
func (d *delivery) notify(p webhookPayload) bool {
	if d.msg.WebhookURL == "" {
		return true
	}
	p.JobID, p.WorkerID, p.Metadata = d.jobID, d.workerID, d.finalMetadata()
	return d.callBack(webhookID(d.workerID, d.jobID, d.rec.MessageId, p.Status), p, 0)
}

// notifyAgain is notify for a job that an earlier delivery has completed, as its
// record says, without a word that the caller has heard of it.
func (d *delivery) notifyAgain(rec *jobstore.Record) bool {
	if d.msg.WebhookURL == "" || rec == nil || rec.Status != jobstore.Completed {
		return true
	}
	before := 0
	if w := rec.Webhook; w != nil {
		if w.Delivered || w.Pending || w.Status != 0 && !mayPass(w.Status) {
			return true
		}
		before = w.Attempts
	}
	p := webhookPayload{JobID: d.jobID, WorkerID: d.workerID, Status: webhookSuccess, Output: rec.Output, Metadata: recordMetadata(d.msg.Metadata, rec)}
	if len(rec.Output) == 0 && rec.OutputBytes > 0 {
		d.webhookLost("the output was too long for the job store, so that it cannot be sent again", d.msg.WebhookURL, jobstore.Webhook{Attempts: before})
		return true
	}
	// The message of the delivery that completed the job, so that a receiver knows the
	// event for the same.
	return d.callBack(webhookID(d.workerID, d.jobID, rec.MessageID, webhookSuccess), p, before)
}

// keepForWebhook has SQS deliver the message of a completed job again, for the sake of
// its callback alone: the record keeps the job from running again. Without a record
// the callback is lost, which is better than a job that is done twice.
func (d *delivery) keepForWebhook(o outcome) outcome {
	if d.owner == "" || d.unstored || d.local() {
		return o
	}
	o.done = false
	d.hide(d.handoffWait(d.receives))
	return o
}

// recordMetadata is finalMetadata, as a record remembers it.
func recordMetadata(message map[string]any, rec *jobstore.Record) map[string]any {
	m := maps.Clone(orEmpty(message))
	maps.Copy(m, rec.Metadata)
	if p := rec.Progress; p != nil {
		m["progress"] = p.Percent
		if p.Message != "" {
			m["progressMessage"] = p.Message
		}
	}
	if t := rec.Tokens; t != nil {
		m["tokenUsage"] = *t
	}
	return m
}

// callBack sends an event, and hands it on when it could not be delivered. before is
// how often it was tried by earlier deliveries.
func (d *delivery) callBack(id string, p webhookPayload, before int) bool {
	c, err := d.batch.app.webhook.callback(d.msg.WebhookURL, id, p)
	if err != nil {
		d.webhookEnd(c, sendResult{err: err, final: true}, 0, before)
		return true
	}
	began := time.Now()
	r := d.sendCallback(d.batch.ctx, c)
	if r.err == nil || r.final {
		d.webhookEnd(c, r, time.Since(began), before)
		return true
	}
	return d.handOn(c, p, r, time.Since(began), before)
}

// callback makes the request's parts. Without an error all of them are there.
func (s *webhookSender) callback(target, id string, p webhookPayload) (callback, error) {
	c := callback{shown: loggableURL(target), id: id}
	if p.Error != nil && !s.stack {
		p.Error = &dispatch.JobError{Message: p.Error.Message, Name: p.Error.Name}
	}
	p.Metadata = orEmpty(p.Metadata)
	var err error
	if c.target, err = parseWebhookURL(target); err != nil {
		return c, err
	}
	if c.body, err = jsonlog.Encode(p); err != nil {
		return c, fmt.Errorf("encode the webhook's payload: %w", err)
	}
	return c, nil
}

// sendCallback is webhookSender.send within a span.
func (d *delivery) sendCallback(ctx context.Context, c callback) sendResult {
	ctx, end := d.startSpan(ctx, dispatch.Span{
		Name: "webhook " + d.workerID, Kind: dispatch.SpanClient,
		Attributes: map[string]string{
			"http.request.method": "POST", "server.address": c.target.Hostname(), "url.path": c.target.Path,
			attrConversation: jsonlog.Truncate(d.jobID, jsonlog.MaxID),
		},
	})
	r := d.batch.app.webhook.send(ctx, c)
	end(r.err)
	return r
}

// webhookEnd records that an event was delivered, or that nothing more is done for it.
func (d *delivery) webhookEnd(c callback, r sendResult, took time.Duration, before int) {
	d.recordWebhook(jobstore.Webhook{Delivered: r.err == nil, Attempts: before + r.tries, Status: r.status, Error: errorText(r.err)})
	attrs := webhookAttrs(c, r, took)
	if r.err != nil {
		d.event(slog.LevelWarn, "webhook not delivered, and not tried again: "+jsonlog.Truncate(r.err.Error(), 300), dispatch.EventWebhook, attrs...)
		return
	}
	d.event(slog.LevelInfo, "webhook delivered", dispatch.EventWebhook, attrs...)
}

// webhookLost records that an event will never arrive.
func (d *delivery) webhookLost(why, target string, w jobstore.Webhook) {
	w.Error = why
	d.recordWebhook(w)
	d.event(slog.LevelError, "webhook lost: "+why, dispatch.EventWebhook, slog.String("webhookUrl", loggableURL(target)), slog.Int("webhookAttempts", w.Attempts))
}

func webhookAttrs(c callback, r sendResult, took time.Duration) []slog.Attr {
	attrs := []slog.Attr{slog.String("webhookUrl", c.shown), slog.Int("webhookAttempts", r.tries), milliseconds(took)}
	if r.status != 0 {
		attrs = append(attrs, slog.Int("webhookStatus", r.status))
	}
	if r.err != nil {
		attrs = append(attrs, slog.Any("error", jobError(r.err)))
	}
	return attrs
}

func errorText(err error) string {
	if err == nil {
		return ""
	}
	return jsonlog.Truncate(err.Error(), 300)
}

// recordWebhook writes what became of a callback to the job's record, whoever has
// the job by now. The record is not worth a second try: without it, the callback
// is sent once more should the job's message come again.
func (d *delivery) recordWebhook(w jobstore.Webhook) {
	store := d.batch.app.store
	if store == nil || d.unstored {
		return
	}
	w.At = d.batch.app.cfg.Now().UTC()
	ctx, cancel := d.briefly()
	defer cancel()
	err := store.Update(ctx, d.jobID, jobstore.Update{Webhook: &w})
	if err != nil && !errors.Is(err, jobstore.ErrNotFound) {
		d.storeFailed(fmt.Errorf("record what became of the webhook: %w", err))
	}
}

// jobRecord returns the job's record; nil without a store, or without a record.
func (d *delivery) jobRecord() (*jobstore.Record, error) {
	store := d.batch.app.store
	if store == nil || d.unstored {
		return nil, nil
	}
	ctx, cancel := d.briefly()
	defer cancel()
	rec, err := store.Get(ctx, d.jobID)
	if errors.Is(err, jobstore.ErrNotFound) {
		return nil, nil
	}
	return rec, err
}

// briefly is a context for one call of the store, which a shutdown does not end.
func (d *delivery) briefly() (context.Context, context.CancelFunc) {
	limit := time.Now().Add(storeTimeout)
	if deadline := d.batch.deadline; !deadline.IsZero() && deadline.Before(limit) {
		limit = deadline
	}
	return context.WithDeadline(context.WithoutCancel(d.batch.ctx), limit)
}
