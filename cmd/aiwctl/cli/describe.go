package cli

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/charmbracelet/x/ansi"

	"github.com/microfox-ai/aiwctl/aws"
	"github.com/microfox-ai/aiwctl/aws/detail"
	"github.com/microfox-ai/aiwctl/aws/health"
)

// describeWidth is the width that a description keeps to, except where a URL or a
// name is longer: cut in two it could not be copied.
const describeWidth = 80

func (a *App) workersDescribe(ctx context.Context, name string) error {
	s, inv, err := a.discover(ctx)
	if err != nil {
		return err
	}
	w, err := pickWorker(inv, name)
	if err != nil {
		return err
	}
	w, warnings := s.Describe(ctx, w)
	a.warn(&aws.Inventory{Warnings: warnings})
	board := boardOf(s, &workersFlags{})
	board.Discovered(&aws.Inventory{Workers: []aws.Worker{w}}, a.Now())
	a.measure(ctx, s, board, nil, func(err error) { a.warnErr("CloudWatch's numbers could not be read", err) })
	d := detail.Of(&w, inv, new(board.Verdict(w.ID, a.Now())))
	return a.print(d, func(t *tableWriter) {
		b := &description{}
		b.worker(&w, &d)
		for _, row := range b.rows {
			t.row(row...)
		}
		for _, schema := range []struct {
			name string
			text []byte
		}{{"input schema", w.InputSchema}, {"output schema", w.OutputSchema}} {
			if len(schema.text) > 0 {
				t.line("\n" + schema.name + ":\n" + plain(indentJSON(schema.text)))
			}
		}
	})
}

// description is rows of a label and a text, the text broken at spaces.
type description struct{ rows [][]string }

// labelWidth is the longest label's.
const labelWidth = len("dead letters")

// say adds a text under a label; empty texts are left out.
func (b *description) say(label, text string) {
	line, first := "", true
	put := func() {
		b.rows = append(b.rows, []string{label, line})
		label, line, first = "", "", true
	}
	for word := range strings.FieldsSeq(oneLine(text, 0)) {
		if !first && ansi.StringWidth(line)+1+ansi.StringWidth(word) > describeWidth-labelWidth-2 {
			put()
		}
		if first {
			line, first = word, false
			continue
		}
		line += " " + word
	}
	if !first {
		put()
	}
}

// list is a text of the parts that are not empty.
func list(parts ...string) string {
	var out []string
	for _, p := range parts {
		if p != "" {
			out = append(out, p)
		}
	}
	return strings.Join(out, ", ")
}

// worker says why the worker is as it is first, then what it is made of.
func (b *description) worker(w *aws.Worker, d *detail.Worker) {
	group := ""
	if d.Group != "" {
		group = "group " + d.Group
	}
	b.say("worker", list(d.ID, group))
	b.say("", d.Description)
	b.say("state", d.State)
	if !slices.ContainsFunc(d.Problems, func(p aws.Problem) bool { return p.Text == d.Evidence }) {
		b.say("", d.Evidence)
	}
	for _, r := range d.Reasons {
		if r.Kind != health.Broken && r.Kind != health.Unguarded && r.Kind != health.Check { // told below
			b.say("also", list(r.State, r.Evidence))
		}
	}
	for _, p := range slices.Concat(d.Problems, d.Findings) {
		b.say(p.Severity, p.Text)
	}
	b.queue("queue", w.Queue, w.Function)
	b.queue("dead letters", w.DLQ, nil)
	b.mapping(w.Mapping)
	b.function(w.Function)
	for _, c := range d.Chains {
		b.chain(&c)
	}
	for _, n := range d.Notes {
		b.say("note", n.Text)
	}
}

// queue describes a queue; f is the function that reads it, nil for dead letters.
func (b *description) queue(label string, q *aws.Queue, f *aws.Function) {
	if q == nil {
		b.say(label, "-")
		return
	}
	depth := "not read"
	if !q.Depth.At.IsZero() {
		depth = fmt.Sprintf("%d visible, %d in flight, %d delayed", q.Depth.Visible, q.Depth.InFlight, q.Depth.Delayed)
	}
	kind := ""
	if q.FIFO {
		kind = "FIFO"
	}
	b.say(label, list(depth, kind))
	b.say("", q.URL)
	if q.VisibilityTimeout == 0 && q.Retention == 0 {
		return // not read
	}
	hidden := "visibility timeout " + duration(q.VisibilityTimeout)
	if f != nil && f.Timeout > 0 {
		hidden += fmt.Sprintf(" (%.3gx the function's timeout)", float64(q.VisibilityTimeout)/float64(f.Timeout))
	}
	dead := ""
	if q.MaxReceiveCount > 0 {
		dead = fmt.Sprintf("dead after %d receives", q.MaxReceiveCount)
	}
	encryption := "not encrypted at rest"
	if q.Encryption != "" {
		encryption = q.Encryption
	}
	b.say("", list(hidden, "retention "+duration(q.Retention), dead, encryption))
}

func (b *description) mapping(m *aws.Mapping) {
	if m == nil {
		b.say("mapping", "-")
		return
	}
	size, partial, most, result := fmt.Sprintf("batches of %d", m.BatchSize), "whole batches only", "", ""
	if m.BatchingWindow > 0 {
		size += " within " + duration(m.BatchingWindow)
	}
	if m.ReportsBatchItemFailures {
		partial = "partial batch responses"
	}
	if m.MaximumConcurrency > 0 {
		most = fmt.Sprintf("at most %d at once", m.MaximumConcurrency)
	}
	if m.LastResult != "" {
		result = "last result: " + m.LastResult
	}
	b.say("mapping", list(m.State, size, partial, most))
	b.say("", list(m.UUID, result))
	for _, f := range m.Filters {
		b.say("", "filter "+f)
	}
}

func (b *description) function(f *aws.Function) {
	switch {
	case f == nil:
		b.say("function", "-")
		return
	case f.Derived:
		b.say("function", f.Name+" (named as deployments name it; Lambda could not be read)")
	default:
		name := f.Name
		if f.Qualifier != "" {
			name += ":" + f.Qualifier
		}
		reserved, handler, update := "", "", ""
		if f.ReservedConcurrency != nil {
			reserved = fmt.Sprintf("reserved concurrency %d", *f.ReservedConcurrency)
		}
		if f.Handler != "" {
			handler = "handler " + f.Handler
		}
		if f.LastUpdate != "" && f.LastUpdate != "Successful" {
			update = "last update " + f.LastUpdate
		}
		b.say("function", list(name, f.State, update))
		b.say("", list(f.Runtime, f.Architecture, f.PackageType, handler))
		b.say("", list("timeout "+duration(f.Timeout), fmt.Sprintf("%d MB", f.MemoryMB), reserved))
		if !f.LastModified.IsZero() {
			b.say("deployed", f.LastModified.Local().Format(time.DateTime))
		}
	}
	b.say("environment", strings.Join(f.EnvNames, ", "))
	group := orDash(f.LogGroup)
	if f.LogFormat != "" {
		group += " (" + f.LogFormat + ")"
	}
	b.say("log group", group)
}

func (b *description) chain(c *detail.Chain) {
	approval, delay, loops, next := "", "", "", "the last"
	if c.RequiresApproval {
		approval = "waits for approval"
		if c.Title != "" {
			approval += fmt.Sprintf(" %q", c.Title)
		}
	}
	if c.Delay > 0 {
		delay = "delayed by " + duration(time.Duration(c.Delay*float64(time.Second)))
	}
	if c.Loops {
		loops = "may run several times"
	}
	if c.Next != "" {
		next = "then " + c.Next
	}
	b.say("chain", list(fmt.Sprintf("%s, step %d of %d", c.ID, c.Step, c.Steps), delay, approval, loops, next))
	for _, s := range c.Schedules {
		off := ""
		if s.Disabled {
			off = "switched off"
		}
		b.say("", list("starts by "+s.Rate, s.Timezone, off))
	}
}

// duration is a duration without the zeros at the end of Go's, in days where it is
// whole days.
func duration(d time.Duration) string {
	const day = 24 * time.Hour
	if d > day && d%day == 0 {
		return fmt.Sprintf("%d days", d/day)
	}
	s := d.String()
	if strings.HasSuffix(s, "m0s") {
		s = strings.TrimSuffix(s, "0s")
	}
	if strings.HasSuffix(s, "h0m") {
		s = strings.TrimSuffix(s, "0m")
	}
	return s
}
