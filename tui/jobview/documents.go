package jobview

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/microfox-ai/aiwctl/aws/jobs"
	"github.com/microfox-ai/aiwctl/aws/logs"
	"github.com/microfox-ai/aiwctl/tui/cell"
	"github.com/microfox-ai/aiwctl/tui/jsonview"
	"github.com/microfox-ai/aiwctl/tui/theme"
)

// document is something to be read whole: fields, and a text that is mostly JSON.
type document struct {
	what string // for the rule above it and the task line
	view *jsonview.View
	body string // for the clipboard
	text content
	line *logs.Line // when it is one
}

func newDocument(t *theme.Theme, what string) *document {
	return &document{what: what, view: jsonview.New(t)}
}

// content is what a document shows. Note, when not empty, says why there is no body.
type content struct {
	fields []jsonview.Field
	body   string
	note   string
}

func (d *document) set(c content) {
	d.text, d.body = c, c.body
	body := c.body
	if body == "" {
		body = c.note
	}
	d.view.Set(d.what, filled(c.fields...), body)
}

// filled leaves out the fields without a value.
func filled(fields ...jsonview.Field) []jsonview.Field {
	out := make([]jsonview.Field, 0, len(fields))
	for _, f := range fields {
		if f.Value != "" {
			out = append(out, f)
		}
	}
	return out
}

// resultOf is what came of a job: its output, or its error with the stack.
func resultOf(l *jobs.Life) content {
	var c content
	if l.State.Ended() {
		c.fields = append(c.fields, jsonview.Field{Name: "ended", Value: string(l.State) + from(l.StateFrom)})
	}
	if n := len(l.Attempts); n > 0 {
		a := &l.Attempts[n-1]
		if a.DurationMS > 0 {
			c.fields = append(c.fields, jsonview.Field{Name: "took", Value: took(a.DurationMS)})
		}
		if a.MaxMemoryMB > 0 {
			c.fields = append(c.fields, jsonview.Field{Name: "memory", Value: fmt.Sprintf("%d of %d MB", a.MaxMemoryMB, a.MemoryMB)})
		}
		c.fields = append(c.fields, jsonview.Field{Name: "request", Value: a.RequestID})
	}
	if w := l.Webhook; w != nil {
		c.fields = append(c.fields, jsonview.Field{Name: "webhook", Value: webhook(w)})
	}
	switch {
	case l.Error != nil && l.State != jobs.StateCompleted:
		c.body = errorText(l)
		if l.Error.Stack != "" {
			c.body += "\n\n" + l.Error.Stack
		}
	case len(l.Output) > 0:
		c.body = string(l.Output)
	case l.OutputBytes > 0:
		c.note = fmt.Sprintf("Its output of %s bytes is not recorded: it was too long, or its worker keeps it out of the log.", cell.Count(l.OutputBytes))
	case l.State == jobs.StateCompleted:
		c.note = "It gave nothing back, or its output is recorded nowhere."
	case !l.State.Ended():
		c.note = "It has not ended, as far as is known."
	default:
		c.note = "Why is not known."
	}
	return c
}

// inputOf is what a job was given.
func inputOf(l *jobs.Life) content {
	if len(l.Input) == 0 {
		return content{note: "Not known. " + noInput(l)}
	}
	return content{
		fields: []jsonview.Field{{Name: "from", Value: "the " + l.InputFrom}, {Name: "metadata", Value: string(l.Metadata)}},
		body:   string(l.Input),
	}
}

// noInput is why a job's input is not known.
func noInput(l *jobs.Life) string {
	switch {
	case l.DeadLetter != nil:
		return "Its message is in the dead-letter queue, and could not be read as a job's."
	case l.State.Ended() && l.State != jobs.StateCompleted:
		return "Only its record, or its message in the dead-letter queue, has the input, and neither was found."
	}
	return "Only its record has the input, and it was not found. Its message is gone, or on its way."
}

func webhook(w *jobs.Webhook) string {
	said := "not delivered"
	switch {
	case w.Delivered:
		said = "delivered"
	case w.Pending:
		said = "not delivered yet, will be tried again"
	}
	if w.Status > 0 {
		said += fmt.Sprintf(", status %d", w.Status)
	}
	if w.Attempts > 1 {
		said += fmt.Sprintf(", %d tries", w.Attempts)
	}
	if w.Error != "" && !w.Delivered {
		said += ": " + w.Error
	}
	return said
}

// errorText is a job's error, on as many lines as it has.
func errorText(l *jobs.Life) string {
	e := l.Error
	switch {
	case e == nil:
		return ""
	case e.Name == "" || e.Name == "Error" || strings.HasPrefix(e.Message, e.Name):
		return e.Message
	case e.Message == "":
		return e.Name
	}
	return e.Name + ": " + e.Message
}

// from says how something is known.
func from(source string) string {
	if source == "" {
		return ""
	}
	return ", as the " + source + " says"
}

func millis(ms float64) time.Duration { return time.Duration(ms * float64(time.Millisecond)) }

// lineDocument opens a log line to be read whole.
func (s *Screen) lineDocument(l *logs.Line) *document {
	d := newDocument(s.env.Theme, "log line")
	d.line = l
	prefix, body := divide(l.Raw)
	d.set(content{fields: []jsonview.Field{
		{Name: "time", Value: l.Time.In(s.zone).Format("2006-01-02 15:04:05.000 MST")},
		{Name: "level", Value: l.Level.String()},
		{Name: "worker", Value: l.WorkerID},
		{Name: "job", Value: l.JobID},
		{Name: "request", Value: l.RequestID},
		{Name: "stream", Value: l.Stream},
		{Name: "text", Value: prefix},
	}, body: body})
	d.body = strings.TrimRight(l.Raw, "\n")
	return d
}

// rowDocument opens a row of the timeline.
func (s *Screen) rowDocument(r *row) *document {
	d := newDocument(s.env.Theme, "timeline")
	if r.event == nil {
		d.set(content{body: said(r)})
		return d
	}
	e := r.event
	d.set(content{fields: []jsonview.Field{
		{Name: "time", Value: e.At.In(s.zone).Format("2006-01-02 15:04:05.000 MST")},
		{Name: "what", Value: label(e)},
		{Name: "request", Value: e.RequestID},
		{Name: "job", Value: e.JobID},
		{Name: "worker", Value: e.WorkerID},
		{Name: "from", Value: e.Source},
	}, body: said(r)})
	return d
}

// divide takes a line apart that ends in JSON with other text before it.
func divide(raw string) (prefix, body string) {
	raw = strings.TrimSpace(raw)
	for _, open := range []string{"{", "["} {
		if i := strings.Index(raw, open); i > 0 && json.Valid([]byte(raw[i:])) {
			return strings.TrimSpace(raw[:i]), raw[i:]
		}
	}
	return "", raw
}
