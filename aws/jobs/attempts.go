package jobs

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"github.com/microfox-ai/aiwctl/aws/logs"
	"github.com/microfox-ai/aiwctl/aws/redrive/why"
	"github.com/microfox-ai/aiwctl/dispatch"
)

const (
	// longestRun is how long a Lambda invocation can take.
	longestRun = 15 * time.Minute
	// attemptLines is how many lines of an attempt are kept to explain its end, and
	// progressEvents how many reports of progress are shown of it.
	attemptLines   = 2_000
	progressEvents = 20
)

// delivery is one delivery of the job, as its lines tell of it.
type delivery struct {
	Attempt
	lines    []logs.Line
	number   int // as SQS counts; zero: not told
	skipped  bool
	status   string // of a skipped one: what the job is recorded as
	progress int
	report   *logs.Report
	final    bool
	oom      bool
	// whole is the end of the invocation; the job's own end goes before it.
	whole string
	last  time.Time
}

// attempts makes deliveries of the lines.
func (s *search) attempts() {
	byRequest := map[string]*delivery{}
	var order []*delivery
	for i := range s.lines.lines {
		l := &s.lines.lines[i]
		if l.JobID != "" && l.JobID != s.key {
			continue
		}
		d := byRequest[l.RequestID]
		if d == nil {
			if l.JobID != s.key {
				continue
			}
			if !l.Runs() || l.RequestID == "" {
				s.mentioned(l)
				continue
			}
			d = &delivery{}
			d.RequestID, d.WorkerID, d.LogGroup, d.LogStream, d.Start = l.RequestID, l.WorkerID, l.Group, text(l.Stream), l.Time
			byRequest[l.RequestID] = d
			order = append(order, d)
		}
		s.observe(d, l)
	}
	n := 0
	for _, d := range order {
		if !d.skipped {
			n++
		}
		s.close(d, n)
	}
}

// mentioned is a line that names the job and is of no delivery of it.
func (s *search) mentioned(l *logs.Line) {
	m, told := l.Moment()
	switch {
	case told && m.Kind == logs.MomentWebhook: // a callback that an earlier invocation handed on
		s.moment(&delivery{Attempt: Attempt{RequestID: l.RequestID}}, l, &m)
	case l.Kind == logs.KindMarker:
		s.origin(&Sent{At: l.Time, How: "api"}, fromLog)
	case len(l.Text) > 8 && l.Text[:8] == "[queue] ":
		s.origin(&Sent{At: l.Time, How: "queue"}, fromLog)
	}
}

func (s *search) observe(d *delivery, l *logs.Line) {
	if len(d.lines) < attemptLines || !idle(l) && len(d.lines) < 2*attemptLines {
		d.lines = append(d.lines, *l)
	}
	if l.Time.After(d.last) {
		d.last = l.Time
	}
	if l.Kind == logs.KindReport {
		d.report = l.Report
		d.MemoryMB, d.MaxMemoryMB = l.Report.MemoryMB, l.Report.MaxMemoryMB
	}
	if e := l.Event; e != nil && l.JobID == s.key {
		if e.Attempt > 0 {
			d.number = e.Attempt
		}
		if e.WorkerID != "" {
			d.WorkerID = e.WorkerID
		}
		if e.MaxAttempts > 0 {
			s.life.MaxAttempts = e.MaxAttempts
		}
		switch e.Event {
		case dispatch.EventStarted:
			d.Start, d.Tries = l.Time, max(d.Tries, 1)
		case dispatch.EventProgress:
			s.progressed(d, l)
		case dispatch.EventCompleted, dispatch.EventRetrying, dispatch.EventFailed, dispatch.EventDeferred:
			d.DurationMS, d.RetryInMS = positive(e.DurationMS), positive(e.DelayMS)
			s.output(e.Output, e.OutputBytes)
		case dispatch.EventSkipped:
			d.status = e.JobStatus
			s.output(e.Output, e.OutputBytes)
		}
	}
	if m, ok := l.Moment(); ok {
		s.moment(d, l, &m)
	}
	e, ok := l.Ending()
	if !ok {
		return
	}
	switch {
	case e.Whole:
		d.wholeEnd(l, &e)
	case l.JobID == s.key:
		d.ownEnd(l, &e)
	}
}

func positive(f float64) float64 {
	if f >= 0 && f < 1e12 {
		return f
	}
	return 0
}

func (d *delivery) ownEnd(l *logs.Line, e *logs.Ending) {
	switch e.How {
	case logs.HowCompleted:
		d.Outcome = logs.StatusCompleted
	case logs.HowFailed:
		d.Outcome, d.final = logs.StatusFailed, e.Final
	case logs.HowDeferred:
		d.Outcome = logs.OutcomeDeferred
	case logs.HowSkipped:
		d.skipped, d.Outcome = true, logs.OutcomeSkipped
		if d.status == "" {
			d.status = e.Stored
		}
	case logs.HowUnsaid, logs.HowTimedOut, logs.HowCrashed, logs.HowThrew:
		return
	}
	d.End = l.Time
}

func (d *delivery) wholeEnd(l *logs.Line, e *logs.Ending) {
	d.oom = d.oom || e.OutOfMemory
	switch {
	case e.How == logs.HowTimedOut:
		d.whole = logs.StatusTimedOut
	case e.How == logs.HowCrashed && d.whole != logs.StatusTimedOut:
		d.whole = logs.StatusCrashed
	case e.How == logs.HowFailed && d.whole == "":
		d.whole = logs.StatusFailed
	default:
		return
	}
	if d.End.IsZero() {
		d.End = l.Time
	}
}

// progressed notes a report of progress. Of many, the first ones and the last stay.
func (s *search) progressed(d *delivery, l *logs.Line) {
	said := fmt.Sprintf("%.4g%%", l.Event.Percent)
	if l.Event.Note != "" {
		said += " " + l.Event.Note
	}
	d.Progress = &Progress{At: l.Time.UTC(), Percent: max(0, min(100, l.Event.Percent)), Note: short(text(l.Event.Note), 500)}
	e := Event{At: l.Time, Kind: EventProgress, Text: said, RequestID: d.RequestID, Source: fromLog}
	if d.progress++; d.progress > progressEvents {
		for i, was := range slices.Backward(s.life.Events) {
			if was.Kind == EventProgress && was.RequestID == d.RequestID {
				s.life.Events = slices.Delete(s.life.Events, i, i+1)
				break
			}
		}
	}
	s.event(e)
}

func (s *search) moment(d *delivery, l *logs.Line, m *logs.Moment) {
	e := Event{At: l.Time, RequestID: d.RequestID, Source: fromLog}
	switch m.Kind {
	case logs.MomentTry:
		d.Tries = max(d.Tries, m.Try+1)
		e.Kind, e.Text = EventTry, fmt.Sprintf("try %d", m.Try)
		if m.Tries > 0 {
			e.Text += fmt.Sprintf(" of %d", m.Tries)
		}
		e.Text += " failed"
		if m.Delay > 0 {
			e.Text += fmt.Sprintf(", the next one starts in %v", m.Delay.Round(time.Millisecond))
		}
		if why := errorText(&m.Error); why != "" {
			e.Text += ": " + why
		}
	case logs.MomentWebhook:
		e.Kind, e.Text = EventWebhook, webhookText(m)
		if w := s.life.Webhook; w == nil || !w.At.After(l.Time) {
			attempts := m.Attempts
			if w != nil {
				attempts += w.Attempts
			}
			s.life.Webhook = &Webhook{
				Delivered: m.Delivered, Pending: m.Pending, Attempts: attempts, Status: m.Status, Error: short(text(m.Error.Message), 500), At: l.Time, From: fromLog,
			}
		}
	case logs.MomentStep:
		e.Kind, e.Text = EventStep, m.Text
	}
	s.event(e)
}

func webhookText(m *logs.Moment) string {
	said := "not delivered"
	switch {
	case m.Delivered:
		said = "delivered"
	case m.Pending:
		said = "not delivered yet"
	}
	if m.Status > 0 {
		said += fmt.Sprintf(", status %d", m.Status)
	}
	if m.Attempts > 1 {
		said += fmt.Sprintf(", %d tries", m.Attempts)
	}
	if m.URL != "" {
		said += ", " + m.URL
	}
	if why := errorText(&m.Error); why != "" && !m.Delivered {
		said += ": " + why
	} else if !m.Delivered && m.Text != "" && m.Error.Message == "" {
		said += ": " + m.Text
	}
	return said
}

// close makes an attempt, or an event, of a delivery whose lines are all there. n
// counts the attempts.
func (s *search) close(d *delivery, n int) {
	if d.skipped {
		because := "another delivery has it"
		if d.status == "completed" || d.status == "failed" {
			because = "it was recorded as " + d.status + " before"
		}
		s.event(Event{At: d.Start, Kind: EventSkipped, Text: "a delivery left it alone: " + because, Attempt: d.number, RequestID: d.RequestID, Source: fromLog})
		return
	}
	a := &d.Attempt
	a.Number = cmp.Or(d.number, n)
	switch {
	case a.Outcome != "":
	case d.whole == logs.StatusCrashed && d.oom:
		a.Outcome = logs.OutcomeOutOfMemory
	case d.whole != "":
		a.Outcome = d.whole
	case d.report == nil && s.now.Sub(a.Start) < longestRun:
		a.Outcome = logs.OutcomeRunning
	default:
		a.Outcome = logs.OutcomeUnknown
	}
	if a.DurationMS == 0 && d.report != nil && a.Outcome != logs.OutcomeUnknown {
		a.DurationMS = float64(d.report.Duration.Microseconds()) / 1000
	}
	switch a.Outcome {
	case logs.StatusFailed, logs.StatusTimedOut, logs.StatusCrashed, logs.OutcomeOutOfMemory, logs.OutcomeDeferred:
		if f, ok := why.Explain(s.req.JobID, d.lines); ok {
			a.Error = shownError(&dispatch.JobError{Name: f.Name, Message: f.Message, Stack: f.Stack})
		}
	}
	s.event(Event{At: a.Start, Kind: EventAttempt, Text: "begins, request " + a.RequestID, Attempt: a.Number, RequestID: a.RequestID, Source: fromLog})
	if a.Outcome != logs.OutcomeRunning {
		at := a.End
		if at.IsZero() {
			at = d.last
		}
		s.event(Event{At: at, Kind: EventEnded, Text: a.said(), Attempt: a.Number, RequestID: a.RequestID, Outcome: a.Outcome, Source: fromLog})
	}
	s.life.Attempts = append(s.life.Attempts, *a)
	s.hint(a.WorkerID)
	if a.WorkerID != "" {
		s.life.WorkerID = text(a.WorkerID)
	}
}

// said is how an attempt ended, in words.
func (a *Attempt) said() string {
	said := a.Outcome
	if a.Outcome == logs.OutcomeUnknown {
		said = "its end is not in the log"
	}
	if a.DurationMS > 0 {
		said += " after " + duration(a.DurationMS)
	}
	if a.RetryInMS > 0 {
		said += ", again in " + duration(a.RetryInMS)
	}
	if why := errorText(a.Error); why != "" {
		said += ": " + why
	}
	return said
}

func duration(ms float64) string {
	d := time.Duration(ms * float64(time.Millisecond))
	switch {
	case d >= time.Minute:
		return d.Round(time.Second).String()
	case d >= time.Second:
		return d.Round(10 * time.Millisecond).String()
	}
	return d.Round(time.Millisecond / 100).String()
}
