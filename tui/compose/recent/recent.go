// Package recent is the list of what was dispatched to a worker before, and of its
// templates, to choose from.
package recent

import (
	"strings"
	"time"

	"github.com/microfox-ai/aiwctl/aws/recall"
	"github.com/microfox-ai/aiwctl/tui/cell"
	"github.com/microfox-ai/aiwctl/tui/notice"
	"github.com/microfox-ai/aiwctl/tui/theme"
)

// List is a list of templates, then of what was sent. Make one with New; it waits until
// Show has told it what there is.
type List struct {
	theme *theme.Theme
	now   func() time.Time
	keeps int // how many are kept; zero when none are
	jobs  []recall.Job
	read  bool
	at    int
	top   int
}

// New returns a list that waits. Keeps is how many inputs this machine keeps for each
// worker.
func New(t *theme.Theme, now func() time.Time, keeps int) *List {
	return &List{theme: t, now: now, keeps: keeps}
}

// Show takes over what there is. The cursor stays where it is: on the newest at first.
func (l *List) Show(templates, sent []recall.Job) {
	first := !l.read
	l.read = true
	l.jobs = append(append([]recall.Job(nil), templates...), sent...)
	if first && len(sent) > 0 {
		l.at = len(templates)
	}
	l.at = max(0, min(l.at, len(l.jobs)-1))
}

// Chosen is the job under the cursor; ok is false when there is none.
func (l *List) Chosen() (job recall.Job, ok bool) {
	if l.at >= len(l.jobs) {
		return recall.Job{}, false
	}
	return l.jobs[l.at], true
}

// Move handles the keys that move the cursor.
func (l *List) Move(name string) {
	to := l.at
	switch name {
	case "j", "down":
		to++
	case "k", "up":
		to--
	case "g", "home":
		to = 0
	case "G", "end":
		to = len(l.jobs) - 1
	case "pgdown":
		to += 10
	case "pgup":
		to -= 10
	}
	l.at = max(0, min(to, len(l.jobs)-1))
}

// View draws the list, and below it the input under the cursor, as far as there is
// room. Err is what of the list could not be read; may be nil.
func (l *List) View(err error, width, height int) string {
	t := l.theme
	switch {
	case !l.read && err != nil:
		return notice.Failed(t, "What was sent before cannot be read", err, "esc goes back to the input.", width, height)
	case !l.read:
		return notice.Waiting(t, "Reading what was sent before", "", 0, width, height)
	case len(l.jobs) == 0 && err == nil:
		advice := []string{"What is sent to this worker from this machine is kept here, for it to be sent again.", "t saves the input as a template. esc goes back to the input."}
		if l.keeps == 0 {
			advice[0] = "What is sent is not kept: " + recall.EnvMost + " says so. Templates are."
		}
		return notice.Empty(t, "Nothing was sent to this worker yet", advice, width, height)
	}
	lines := []string{" " + t.Dim.Render(cell.Cut(l.head(), width-1))}
	if err != nil {
		lines = append(lines, notice.Lines(t, err, width, 2)...)
	}
	preview := 0
	if height >= 12 {
		preview = min(height/2, 12)
	}
	room := max(1, height-len(lines)-preview)
	l.top = max(0, min(l.top, l.at))
	l.top = max(l.top, l.at-room+1)
	for i := l.top; i < len(l.jobs) && i < l.top+room; i++ {
		lines = append(lines, l.row(l.jobs[i], i == l.at, width))
	}
	if preview > 0 {
		lines = append(lines, t.Faint.Render(strings.Repeat(theme.GlyphRule, width)))
		for i, line := range cell.CleanLines(l.jobs[l.at].Input) {
			if i == preview {
				break
			}
			lines = append(lines, " "+t.Text.Render(line))
		}
	}
	return cell.Box(lines, width, height)
}

func (l *List) head() string {
	return "templates, then what was sent from this machine; inputs may hold personal data, " + recall.EnvMost + "=off keeps none"
}

func (l *List) row(j recall.Job, here bool, width int) string {
	t := l.theme
	cursor := " "
	if here {
		cursor = t.Cursor.Render(theme.GlyphCursor)
	}
	tone := func(tone theme.Tone, text string) string { return t.Paint(tone, here).Render(text) }
	head := tone(theme.ToneAccent, cell.Fit("template", 9)) + tone(theme.ToneBold, cell.Fit(cell.Clean(j.Name), 28))
	if j.Name == "" {
		age := cell.Age(max(0, l.now().Sub(j.At))) + " ago"
		head = tone(theme.ToneDim, cell.Fit(age, 9)) + tone(theme.ToneText, cell.Fit(cell.Clean(j.JobID), 28))
	}
	if j.Unchecked {
		head += tone(theme.ToneWarn, " ! did not fit")
	}
	line := cursor + " " + head + tone(theme.ToneText, "  ") + tone(theme.ToneDim, first(j.Input))
	if w := cell.Width(line); here && w < width {
		line += t.Paint(theme.ToneText, true).Render(strings.Repeat(" ", width-w))
	}
	return cell.Fit(line, width)
}

// first is the beginning of an input in one line, without the white space of JSON.
func first(input string) string {
	const most = 400
	return cell.Clean(strings.Join(strings.Fields(input[:min(len(input), most)]), " "))
}
