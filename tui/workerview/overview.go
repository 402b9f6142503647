package workerview

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/microfox-ai/aiwctl/aws"
	"github.com/microfox-ai/aiwctl/aws/health"
	"github.com/microfox-ai/aiwctl/tui/cell"
	"github.com/microfox-ai/aiwctl/tui/screen"
	"github.com/microfox-ai/aiwctl/tui/theme"
	"github.com/microfox-ai/aiwctl/tui/tones"
)

const separator = " " + theme.GlyphDot + " "

// oldReading is how old the worker's reading may be beside the stage's before it is said.
const oldReading = 30 * time.Second

// headline is the worker's state in one line, whatever part is looked at.
func (s *Screen) headline(width int) string {
	t, v := s.env.Theme, s.verdict
	tone := tones.OfReason(&v.Reason)
	text := cell.Clean(v.State)
	for i := range v.More {
		text += separator + cell.Clean(v.More[i].State)
	}
	before := ""
	switch state := s.pauser.State(s.worker); {
	case s.gone:
		before, tone = "gone from the stage, as last seen"+separator, theme.ToneFaint
	case state != "":
		before = "mapping " + strings.ToLower(state) + separator
	case s.env.Data.Stale():
		before, tone = "as it was "+cell.Age(s.env.Now().Sub(s.env.Data.At))+" ago"+separator, theme.ToneFaint
	default:
		if age := s.age(); age != "" {
			before, tone = "read "+age+" ago"+separator, theme.ToneFaint
		}
	}
	return cell.Fit(" "+t.Bold.Render(s.name)+"  "+t.Warn.Render(before)+t.Paint(tone, false).Render(text), width)
}

// age is how old the worker's reading is, where that is older than the stage's.
func (s *Screen) age() string {
	q := s.worker.Queue
	if q == nil || q.Depth.At.IsZero() || s.env.Data.At.Sub(q.Depth.At) <= oldReading {
		return ""
	}
	return cell.Age(s.env.Now().Sub(q.Depth.At))
}

// overviewLines say why the worker is as it is, and what to do; then what it has.
func (s *Screen) overviewLines(width int) []string {
	b := &sheet{theme: s.env.Theme, width: width}
	w, v := s.worker, s.verdict
	told := map[string]bool{}
	for _, r := range append([]health.Reason{v.Reason}, v.More...) {
		told[r.Evidence] = true
		b.say(theme.GlyphMark+" "+cell.Clean(r.State), 1, tones.OfReason(&r))
		if r.Evidence != "" && r.Kind != health.Idle {
			b.say(cell.Clean(r.Evidence), 3, theme.ToneText)
		}
		if todo := s.advice(&r); todo != "" {
			b.say(theme.GlyphCrumb+" "+todo, 3, theme.ToneAccent)
		}
	}
	b.lines = append(b.lines, "")
	s.depths(b, w)
	b.field("mapping", s.mappingText(), s.mappingTone())
	if f := w.Function; f != nil {
		b.field("function", functionText(f), theme.ToneText)
	} else {
		b.field("function", "not known", theme.ToneFaint)
	}
	if inv := s.env.Data.Inventory; inv != nil {
		for _, p := range inv.Places(w.ID) {
			text := p.String()
			if next := p.Next(); next != nil {
				text += ", then " + cell.Clean(next.WorkerID)
			}
			b.field("chain", text, theme.ToneText)
		}
	}
	b.field("about", cell.Clean(w.Description), theme.ToneDim)
	first := true
	problem := func(severity, text string, tone theme.Tone) {
		if text == "" || told[text] {
			return
		}
		told[text] = true
		if first {
			b.lines = append(b.lines, "")
			first = false
		}
		b.say(severity+": "+cell.Clean(text), 1, tone)
	}
	all := append(slices.Clone(w.Problems), s.findings()...)
	slices.SortStableFunc(all, func(a, b aws.Problem) int {
		return aws.Severity(b.Severity).Rank() - aws.Severity(a.Severity).Rank()
	})
	for _, p := range all {
		problem(p.Severity, p.Text, tones.OfReason(&health.Reason{Severity: aws.Severity(p.Severity)}))
	}
	for _, p := range w.Notes {
		problem("note", p.Text, theme.ToneDim)
	}
	for _, text := range v.Missing {
		problem("not known", text, theme.ToneFaint)
	}
	return b.lines
}

// findings are the stage's that name this worker.
func (s *Screen) findings() []aws.Problem {
	var out []aws.Problem
	inv := s.env.Data.Inventory
	if inv == nil {
		return nil
	}
	about := map[string]bool{s.id: true}
	for _, p := range inv.Places(s.id) {
		about[p.Chain.ID] = true
	}
	for _, f := range inv.Findings {
		if about[f.Object] {
			out = append(out, f)
		}
	}
	return out
}

// advice is what to do about a reason: the key that does it here, and the command.
func (s *Screen) advice(r *health.Reason) string {
	key := func(id, standard, does string) string {
		return s.env.Key(screen.KindWorker, id, standard) + " " + does
	}
	here := ""
	switch r.Kind {
	case health.Rising, health.Dead:
		here = key("dead-letters", "x", "looks at them")
	case health.Failing, health.TimingOut, health.Overdue:
		here = key("logs", "l", "shows its logs")
	case health.Stalled, health.Paused:
		if w := s.worker; w.Mapping != nil && strings.HasPrefix(strings.ToLower(w.Mapping.State), "disabl") {
			here = key("pause-worker", "P", "lets it go on")
		}
	default:
	}
	advice := cell.Clean(r.Advice)
	if strings.HasPrefix(advice, "aiwctl workers describe ") {
		advice = "" // that is this screen
	}
	switch {
	case here == "":
		return advice
	case advice == "":
		return here
	}
	return here + ", or " + advice
}

func (s *Screen) depths(b *sheet, w *aws.Worker) {
	switch q := w.Queue; {
	case q == nil:
		b.field("queue", "not found: nothing can be sent to it", theme.ToneBad)
	case q.Depth.At.IsZero():
		b.field("queue", "its depth could not be read", theme.ToneWarn)
	default:
		text := fmt.Sprintf("%s visible, %s in flight, %s delayed", cell.Count(q.Depth.Visible), cell.Count(q.Depth.InFlight), cell.Count(q.Depth.Delayed))
		if s.verdict.Oldest != nil && *s.verdict.Oldest > 0 {
			text += ", the oldest " + cell.Age(*s.verdict.Oldest)
		}
		if p := s.verdict.PerMinute; p != nil && (*p >= 1 || *p <= -1) {
			text += fmt.Sprintf(", %+.0f a minute", *p)
		}
		b.field("queue", text, theme.ToneText)
	}
	switch q := w.DLQ; {
	case q == nil:
		b.field("dead letters", "no dead-letter queue is known", theme.ToneFaint)
	case q.Depth.At.IsZero():
		b.field("dead letters", "could not be read", theme.ToneWarn)
	case q.Depth.Total() == 0:
		b.field("dead letters", "none", theme.ToneText)
	default:
		b.field("dead letters", cell.Count(q.Depth.Total()), theme.ToneBad)
	}
}

func (s *Screen) mappingText() string {
	m := s.worker.Mapping
	if m == nil {
		return "none is known: nothing is delivered, or Lambda may not be read"
	}
	text := cell.Clean(m.State)
	if state := s.pauser.State(s.worker); state != "" && !strings.EqualFold(state, m.State) {
		text += " " + theme.GlyphCrumb + " " + state
	}
	text += fmt.Sprintf(", batches of %d", m.BatchSize)
	if m.MaximumConcurrency > 0 {
		text += fmt.Sprintf(", at most %d at once", m.MaximumConcurrency)
	}
	return text
}

func (s *Screen) mappingTone() theme.Tone {
	m := s.worker.Mapping
	switch {
	case m == nil:
		return theme.ToneFaint
	case strings.EqualFold(m.State, "Enabled"):
		return theme.ToneText
	}
	return theme.ToneWarn
}

func functionText(f *aws.Function) string {
	parts := []string{cell.Clean(f.Name)}
	if f.State != "" && f.State != "Active" {
		parts = append(parts, cell.Clean(f.State))
	}
	if f.Derived {
		parts = append(parts, "named as deployments name it: Lambda could not be read")
	}
	if f.Timeout > 0 {
		parts = append(parts, "timeout "+duration(f.Timeout))
	}
	if f.MemoryMB > 0 {
		parts = append(parts, fmt.Sprintf("%d MB", f.MemoryMB))
	}
	return strings.Join(parts, ", ")
}

// duration is a duration without the zeros at the end of Go's, in days where it is whole
// days.
func duration(d time.Duration) string {
	const day = 24 * time.Hour
	if d > day && d%day == 0 {
		return fmt.Sprintf("%d days", d/day)
	}
	text := d.String()
	if strings.HasSuffix(text, "m0s") {
		text = strings.TrimSuffix(text, "0s")
	}
	if strings.HasSuffix(text, "h0m") {
		text = strings.TrimSuffix(text, "0m")
	}
	return text
}

// schemaText is both schemas as one document; empty when there is none.
func schemaText(w *aws.Worker) string {
	in, out := strings.TrimSpace(string(w.InputSchema)), strings.TrimSpace(string(w.OutputSchema))
	if in == "" && out == "" {
		return ""
	}
	if in != "" && !json.Valid([]byte(in)) || out != "" && !json.Valid([]byte(out)) {
		return "input\n" + in + "\n\noutput\n" + out
	}
	var parts []string
	if in != "" {
		parts = append(parts, `"input":`+in)
	}
	if out != "" {
		parts = append(parts, `"output":`+out)
	}
	return "{" + strings.Join(parts, ",") + "}"
}
