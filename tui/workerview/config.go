package workerview

import (
	"fmt"
	"strings"
	"time"

	"github.com/microfox-ai/aiwctl/aws"
	"github.com/microfox-ai/aiwctl/tui/cell"
	"github.com/microfox-ai/aiwctl/tui/notice"
	"github.com/microfox-ai/aiwctl/tui/theme"
)

// configLines are what the worker is made of.
func (s *Screen) configLines(width int) []string {
	b := &sheet{theme: s.env.Theme, width: width}
	w := s.worker
	for _, err := range s.describing {
		b.lines = append(b.lines, notice.Lines(s.env.Theme, err, width, 3)...)
	}
	s.mapping(b)
	s.function(b, w.Function)
	queue(b, "Queue", w.Queue, w.Function)
	queue(b, "Dead-letter queue", w.DLQ, nil)
	s.chains(b)
	if w.Group != "" || s.env.Data.Inventory != nil {
		b.head("Worker", "")
		b.field("group", cell.Clean(w.Group), theme.ToneText)
		if inv := s.env.Data.Inventory; inv != nil {
			b.field("read from", cell.Clean(strings.Join(inv.Sources, ", ")), theme.ToneDim)
		}
	}
	return b.lines
}

func (s *Screen) mapping(b *sheet) {
	m := s.worker.Mapping
	if m == nil {
		b.head("Event source mapping", "")
		b.say("None is known: nothing delivers jobs to it, or Lambda may not be read.", 2, theme.ToneDim)
		return
	}
	b.head("Event source mapping", cell.Clean(m.UUID))
	state := cell.Clean(m.State)
	if now := s.pauser.State(s.worker); now != "" && !strings.EqualFold(now, m.State) {
		state += " " + theme.GlyphCrumb + " " + now
	}
	b.field("state", state, s.mappingTone())
	b.field("why", cell.Clean(m.Reason), theme.ToneDim)
	size := fmt.Sprintf("%d", m.BatchSize)
	if m.BatchingWindow > 0 {
		size += " within " + duration(m.BatchingWindow)
	}
	b.field("batch", size, theme.ToneText)
	most := "no limit of its own"
	if m.MaximumConcurrency > 0 {
		most = fmt.Sprintf("at most %d at once", m.MaximumConcurrency)
	}
	b.field("concurrency", most, theme.ToneText)
	partial, tone := "reported one by one", theme.ToneText
	if !m.ReportsBatchItemFailures {
		partial, tone = "of whole batches only: ReportBatchItemFailures is off", theme.ToneWarn
	}
	b.field("failures", partial, tone)
	b.field("last result", cell.Clean(m.LastResult), theme.ToneText)
	for _, f := range m.Filters {
		b.field("filter", cell.Clean(f), theme.ToneText)
	}
	b.field("changed", when(m.LastModified, s.env.Now()), theme.ToneDim)
}

func (s *Screen) function(b *sheet, f *aws.Function) {
	switch {
	case f == nil:
		b.head("Function", "")
		b.say("Not known: it was not found, or Lambda may not be read.", 2, theme.ToneDim)
		return
	case f.Derived:
		b.head("Function", cell.Clean(f.Name))
		b.say("Only its name is known, as deployments name it: Lambda could not be read.", 2, theme.ToneWarn)
		b.field("log group", cell.Clean(f.LogGroup), theme.ToneText)
		return
	}
	name := cell.Clean(f.Name)
	if f.Qualifier != "" {
		name += ":" + cell.Clean(f.Qualifier)
	}
	b.head("Function", name)
	state, tone := cell.Clean(f.State), theme.ToneText
	if f.StateReason != "" {
		state += ": " + cell.Clean(f.StateReason)
	}
	if f.State != "" && f.State != "Active" {
		tone = theme.ToneWarn
	}
	b.field("state", state, tone)
	if f.LastUpdate != "" && f.LastUpdate != "Successful" {
		b.field("last update", strings.TrimSuffix(cell.Clean(f.LastUpdate)+": "+cell.Clean(f.LastUpdateReason), ": "), theme.ToneWarn)
	}
	b.field("timeout", duration(f.Timeout), theme.ToneText)
	b.field("memory", fmt.Sprintf("%d MB", f.MemoryMB), theme.ToneText)
	if n := f.ReservedConcurrency; n != nil {
		text, tone := fmt.Sprintf("%d reserved", *n), theme.ToneText
		if *n == 0 {
			text, tone = "0 reserved: the function is stopped", theme.ToneBad
		}
		b.field("concurrency", text, tone)
	}
	var kind []string
	for _, part := range []string{f.Runtime, f.Architecture, f.PackageType} {
		if part != "" {
			kind = append(kind, cell.Clean(part))
		}
	}
	b.field("runtime", strings.Join(kind, ", "), theme.ToneText)
	b.field("handler", cell.Clean(f.Handler), theme.ToneText)
	b.field("deployed", when(f.LastModified, s.env.Now()), theme.ToneDim)
	b.field("log group", cell.Clean(f.LogGroup), theme.ToneText)
	b.field("environment", cell.Clean(strings.Join(f.EnvNames, ", ")), theme.ToneText)
}

func queue(b *sheet, title string, q *aws.Queue, f *aws.Function) {
	if q == nil {
		b.head(title, "")
		b.say("Not known: there is none, or it could not be found.", 2, theme.ToneDim)
		return
	}
	b.head(title, cell.Clean(q.Name))
	b.field("url", cell.Clean(q.URL), theme.ToneText)
	if q.VisibilityTimeout == 0 && q.Retention == 0 {
		b.say("Its attributes could not be read.", 2, theme.ToneWarn)
		return
	}
	hidden := duration(q.VisibilityTimeout)
	if f != nil && f.Timeout > 0 {
		hidden += fmt.Sprintf(" (%.3gx the function's timeout)", float64(q.VisibilityTimeout)/float64(f.Timeout))
	}
	b.field("visibility", hidden, theme.ToneText)
	b.field("retention", duration(q.Retention), theme.ToneText)
	if q.MaxReceiveCount > 0 {
		b.field("redrive", fmt.Sprintf("to %s after %s", cell.Clean(q.DeadLetterARN[strings.LastIndexByte(q.DeadLetterARN, ':')+1:]), cell.Plural(q.MaxReceiveCount, "receive")), theme.ToneText)
	}
	if q.RedriveAllow != "" {
		b.field("may be used", strings.TrimSpace(cell.Clean(q.RedriveAllow)+" "+cell.Clean(strings.Join(q.AllowedSources, ", "))), theme.ToneText)
	}
	if q.MaxMessageBytes > 0 {
		b.field("largest", cell.Count(q.MaxMessageBytes)+" bytes", theme.ToneText)
	}
	encryption := cell.Clean(q.Encryption)
	if encryption == "" {
		encryption = "none"
	}
	b.field("encryption", encryption, theme.ToneText)
	if q.FIFO {
		b.field("kind", "FIFO", theme.ToneText)
	}
}

func (s *Screen) chains(b *sheet) {
	inv := s.env.Data.Inventory
	if inv == nil {
		return
	}
	places := inv.Places(s.id)
	if len(places) == 0 {
		return
	}
	b.head("Chains", cell.Count(len(places)))
	for _, p := range places {
		steps := make([]string, len(p.Chain.Steps))
		for i, step := range p.Chain.Steps {
			steps[i] = cell.Clean(step.WorkerID)
			if i == p.Step {
				steps[i] = "[" + steps[i] + "]"
			}
			if step.RequiresApproval {
				steps[i] += " (waits for approval)"
			}
		}
		b.field(cell.Clean(p.Chain.ID), strings.Join(steps, " "+theme.GlyphCrumb+" "), theme.ToneText)
		for _, at := range p.Chain.Schedules {
			text := "starts by " + cell.Clean(at.Rate)
			if at.Disabled {
				text += ", switched off"
			}
			b.field("", text, theme.ToneDim)
		}
	}
}

// when is a time in words that do not change while they are looked at.
func when(at, now time.Time) string {
	if at.IsZero() {
		return ""
	}
	return at.In(now.Location()).Format("2006-01-02 15:04:05")
}
