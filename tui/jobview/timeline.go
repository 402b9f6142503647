package jobview

import (
	"fmt"
	"strings"

	"github.com/microfox-ai/aiwctl/aws/jobs"
	"github.com/microfox-ai/aiwctl/aws/logs"
	"github.com/microfox-ai/aiwctl/tui/cell"
	"github.com/microfox-ai/aiwctl/tui/moves"
	"github.com/microfox-ai/aiwctl/tui/theme"
)

// row is a line of the timeline: something that happened, or something to know about
// how it is told.
type row struct {
	id    string
	event *jobs.Event   // nil for what did not happen
	memo  *jobs.Attempt // of the attempt that ended
	text  string        // of what did not happen
	head  bool          // begins a group of those
	tone  theme.Tone
}

// timeline is what happened to the job in order, and below it what is not known and
// where was looked. The cursor stays with its row while the job is told again; until
// somebody moves it, it is on what happened last.
type timeline struct {
	life   *jobs.Life
	rows   []row
	events int // how many of the rows happened
	wide   [2]int
	width  int // that the rows were made for
	height int
	cursor int
	top    int
	held   bool
}

func (t *timeline) set(life *jobs.Life) {
	t.life = life
	width := max(t.width, 60) // of the last frame; the next may have another
	t.width = 0
	t.layout(width)
}

// current is the row under the cursor; nil when there is none.
func (t *timeline) current() *row {
	if t.cursor < 0 || t.cursor >= len(t.rows) {
		return nil
	}
	return &t.rows[t.cursor]
}

func (t *timeline) key(name string) {
	by, ok := moves.By(name, t.height, len(t.rows))
	if !ok {
		return
	}
	t.cursor += by
	t.held = true
	t.clamp()
}

func (t *timeline) clamp() {
	t.cursor = max(0, min(t.cursor, len(t.rows)-1))
	t.top = min(t.top, t.cursor)
	t.top = max(t.top, t.cursor-t.height+1)
	t.top = max(0, min(t.top, len(t.rows)-t.height))
}

// layout makes the rows for a width.
func (t *timeline) layout(width int) {
	if t.life == nil || width == t.width {
		return
	}
	was := ""
	if r := t.current(); r != nil {
		was = r.id
	}
	t.width, t.rows, t.wide = width, t.rows[:0], [2]int{}
	began := t.life.Began()
	memory := map[string]*jobs.Attempt{}
	for i := range t.life.Attempts {
		memory[t.life.Attempts[i].RequestID] = &t.life.Attempts[i]
	}
	for i := range t.life.Events {
		e := &t.life.Events[i]
		r := row{id: e.Kind + e.At.String() + e.RequestID + e.Text, event: e, tone: toneOf(e)}
		if e.Kind == jobs.EventEnded {
			r.memo = memory[e.RequestID]
		}
		t.wide[0] = max(t.wide[0], len(cell.Offset(e.At.Sub(began)))+1)
		t.wide[1] = max(t.wide[1], cell.Width(label(e)))
		t.rows = append(t.rows, r)
	}
	t.events = len(t.rows)
	t.note("sources disagree", t.life.Disagreements, theme.ToneWarn)
	t.note("not known", t.life.Missing, theme.ToneDim)
	t.note("looked at", looked(t.life), theme.ToneFaint)
	if !t.held {
		t.cursor = max(0, t.events-1)
		return
	}
	for i := range t.rows {
		if t.rows[i].id == was {
			t.cursor = i
			break
		}
	}
}

// note adds sentences, wrapped.
func (t *timeline) note(title string, sentences []string, tone theme.Tone) {
	if len(sentences) == 0 {
		return
	}
	if len(t.rows) > 0 {
		t.rows = append(t.rows, row{id: title + "-"})
	}
	t.rows = append(t.rows, row{id: title, text: title, head: true, tone: tone})
	for _, s := range sentences {
		for i, line := range cell.Wrap(cell.Clean(s), max(10, t.width-5)) {
			mark := "  "
			if i == 0 {
				mark = theme.GlyphDot + " "
			}
			t.rows = append(t.rows, row{id: fmt.Sprint(title, s, i), text: "  " + mark + line, tone: tone})
		}
	}
}

// looked says where was looked, and how that went.
func looked(l *jobs.Life) []string {
	by := map[string][]string{}
	var order []string
	for _, src := range l.Sources {
		said := src.Status
		if src.Note != "" {
			said += ", " + src.Note
		}
		if by[said] == nil {
			order = append(order, said)
		}
		by[said] = append(by[said], src.Name)
	}
	out := make([]string, 0, len(order))
	for _, said := range order {
		names := by[said]
		if len(names) > 4 {
			names = append(names[:3:3], fmt.Sprintf("%d more", len(names)-3))
		}
		out = append(out, strings.Join(names, ", ")+": "+said)
	}
	return out
}

// lines renders what is on the screen. Now, when not empty, is what goes on at this
// moment; it stands behind what happened.
func (t *timeline) lines(th *theme.Theme, width, height int, focused bool, now string) []string {
	t.layout(width)
	if now != "" {
		height--
	}
	t.height = max(1, height)
	t.clamp()
	var out []string
	for i := t.top; i < len(t.rows) && len(out) < t.height; i++ {
		out = append(out, t.render(th, &t.rows[i], width, focused && i == t.cursor))
	}
	if now != "" {
		at := max(0, min(t.events-t.top, len(out)))
		line := cell.Fit(" "+strings.Repeat(" ", t.wide[0])+"  "+th.Info.Render(cell.Fit("now", t.wide[1])+"  "+now), width)
		out = append(out[:at:at], append([]string{line}, out[at:]...)...)
	}
	return out
}

func (t *timeline) render(th *theme.Theme, r *row, width int, selected bool) string {
	paint := func(tone theme.Tone, s string) string { return th.Paint(tone, selected).Render(s) }
	mark := paint(theme.ToneText, " ")
	if selected {
		mark = paint(theme.ToneAccent, theme.GlyphCursor)
	}
	if r.event == nil {
		return mark + paint(r.tone, cell.Fit(r.text, width-1))
	}
	e := r.event
	head := cell.FitRight("+"+cell.Offset(e.At.Sub(t.life.Began())), t.wide[0])
	kind := cell.Fit(label(e), t.wide[1])
	room := width - 1 - t.wide[0] - 2 - t.wide[1] - 2
	if room < 1 {
		return cell.Fit(mark+head+"  "+kind, width)
	}
	return mark + paint(theme.ToneFaint, head+"  ") + paint(theme.ToneDim, kind+"  ") + paint(r.tone, cell.Fit(head1(said(r), room), room))
}

// head1 is enough of a long text for a number of cells.
func head1(s string, cells int) string { return s[:min(len(s), boundary(s, cells*8+8))] }

// boundary is the largest beginning of a character at or before at.
func boundary(s string, at int) int {
	if at >= len(s) {
		return len(s)
	}
	for at > 0 && s[at]&0xc0 == 0x80 {
		at--
	}
	return at
}

// said is what a row says: of an attempt that ended the memory too.
func said(r *row) string {
	if r.event == nil {
		return strings.TrimSpace(r.text)
	}
	text := cell.Clean(r.event.Text)
	if m := r.memo; m != nil && m.MaxMemoryMB > 0 {
		memory := fmt.Sprintf("%d of %d MB", m.MaxMemoryMB, m.MemoryMB)
		// Before the error, which may be long.
		if before, after, ok := strings.Cut(text, ": "); ok {
			return before + ", " + memory + ": " + after
		}
		return text + ", " + memory
	}
	return text
}

// label names what happened, in a word or two.
func label(e *jobs.Event) string {
	if (e.Kind == jobs.EventAttempt || e.Kind == jobs.EventEnded) && e.Attempt > 0 {
		return fmt.Sprintf("attempt %d", e.Attempt)
	}
	if e.Kind == jobs.EventEnded {
		return "attempt"
	}
	return cell.Clean(e.Kind)
}

func toneOf(e *jobs.Event) theme.Tone {
	switch e.Kind {
	case jobs.EventEnded:
		switch e.Outcome {
		case logs.StatusCompleted:
			return theme.ToneGood
		case logs.OutcomeDeferred:
			return theme.ToneText
		case logs.OutcomeUnknown:
			return theme.ToneWarn
		}
		return theme.ToneBad
	case jobs.EventDead:
		return theme.ToneBad
	case jobs.EventTry:
		return theme.ToneWarn
	case jobs.EventReplayed:
		return theme.ToneInfo
	}
	return theme.ToneText
}
