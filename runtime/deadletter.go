package runtime

import (
	"log/slog"
	"strings"

	"github.com/microfox-ai/aiwctl/dispatch"
	"github.com/microfox-ai/aiwctl/runtime/internal/jsonlog"
)

const (
	// attrError is the message attribute of a dead letter that says why it is one.
	attrError = "AIWorkerError"
	// maxAttrError keeps it short: a queue is read by more people than a log.
	maxAttrError = 512
)

// bury copies the message of a job that has failed for good to the worker's
// dead-letter queue, so that it need not be delivered until SQS moves it there
// itself, and reports whether it did. The function must know the queue and be
// allowed to send to it.
func (d *delivery) bury(je *dispatch.JobError) bool {
	if d.local() || d.def == nil {
		return false
	}
	q := d.batch.app.queue
	url := strings.TrimSpace(q.getenv(dispatch.DLQURLEnv(d.def.id)))
	if url == "" {
		return false
	}
	attrs := messageAttributes(&d.rec)
	// What a replay of the dead letter must not inherit.
	delete(attrs, attrCarried)
	delete(attrs, attrError)
	reason := stringAttribute(shortError(je))
	attrs[attrError] = reason
	if len(attrs) > maxAttributes || messageSize(d.rec.Body, attrs) > dispatch.MaxMessageBytes {
		delete(attrs, attrError)
	}
	err := q.copyTo(d.batch.ctx, url, &d.rec, attrs)
	if _, with := attrs[attrError]; err != nil && with && refused(err) {
		// The queue may take less than SQS does.
		delete(attrs, attrError)
		err = q.copyTo(d.batch.ctx, url, &d.rec, attrs)
	}
	if err != nil {
		d.events.LogAttrs(d.batch.ctx, slog.LevelWarn, "the message was not copied to the dead-letter queue; SQS moves it there after its last delivery",
			slog.Any("error", jobError(err)))
		return false
	}
	return true
}

// shortError is an error's name and message as an attribute may hold them: no
// stack, one line, and no character that SQS refuses.
func shortError(je *dispatch.JobError) string {
	text := je.Message
	if je.Name != "" && je.Name != "Error" {
		text = je.Name + ": " + text
	}
	text = strings.Map(func(r rune) rune {
		switch {
		case r < ' ' || r == 0x7f:
			return ' '
		case r == 0xFFFE || r == 0xFFFF:
			return '\uFFFD'
		}
		return r
	}, strings.ToValidUTF8(text, "\uFFFD"))
	if text = strings.TrimSpace(jsonlog.Truncate(text, maxAttrError)); text == "" {
		return "unknown"
	}
	return text
}
