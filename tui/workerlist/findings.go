package workerlist

import (
	"fmt"
	"slices"
	"strings"

	tea "charm.land/bubbletea/v2"

	"github.com/microfox-ai/aiwctl/aws"
	"github.com/microfox-ai/aiwctl/aws/health"
	"github.com/microfox-ai/aiwctl/tui/cell"
	"github.com/microfox-ai/aiwctl/tui/moves"
	"github.com/microfox-ai/aiwctl/tui/screen"
	"github.com/microfox-ai/aiwctl/tui/theme"
	"github.com/microfox-ai/aiwctl/tui/tones"
)

// findings is the panel that tells whole what the list has one line for: what is wrong
// with the stage, what could not be read, and the chains.
type findings struct {
	theme *theme.Theme
	data  *screen.Snapshot

	top           int
	width, height int
	lines         []string
}

// count is how much of a stage there is to tell.
func findingsOf(data *screen.Snapshot) (wrong, rest int) {
	if data.Inventory == nil {
		return 0, 0
	}
	for _, f := range data.Inventory.Findings {
		if f.Severity == aws.SeverityInfo.String() {
			rest++
		} else {
			wrong++
		}
	}
	wrong += len(data.Inventory.Warnings)
	if data.MetricsErr != nil {
		wrong++
	}
	return wrong, rest + len(data.Inventory.Chains)
}

func (s *Screen) findingsLabel() string {
	if n, _ := findingsOf(s.env.Data); n > 0 {
		return cell.Plural(n, "finding")
	}
	return "findings"
}

// notReadYet refuses what needs a reading of the stage.
const notReadYet = "the stage was not read yet"

func (s *Screen) noFindings() string {
	if s.env.Data.Inventory == nil {
		return notReadYet
	}
	if wrong, rest := findingsOf(s.env.Data); wrong+rest == 0 {
		return "all was read, nothing is wrong with the stage itself, no chains"
	}
	return ""
}

func (s *Screen) openFindings() { s.findings = &findings{theme: s.env.Theme, data: s.env.Data} }

func (s *Screen) findingsActions() []screen.Action {
	leave := s.do(func() { s.findings = nil })
	f := s.findings
	return []screen.Action{
		{ID: "findings", Keys: []string{"f"}, Label: "workers", Help: "Back to the list of workers.", Run: leave},
		{Keys: []string{"esc"}, Help: "Back to the list of workers.", Hidden: true, Run: leave},
		{
			ID: "copy-findings", Keys: []string{"y"}, Label: "copy", Help: "Copy all of it as text.",
			Run: func() tea.Cmd { return screen.Send(screen.Copy{What: "the findings", Text: f.text()}) },
		},
		{
			ID: "refresh", Keys: []string{"r"}, Label: "refresh", Help: "Read the stage again now, and look for workers that came or went.",
			Run: func() tea.Cmd { return screen.Send(screen.Refresh{Discover: true}) },
		},
		{Keys: []string{"j", "k"}, Help: "Scroll; also the arrow keys.", Hidden: true},
		{Keys: []string{"g", "G"}, Help: "The beginning and the end.", Hidden: true},
		{Keys: []string{"ctrl+d", "ctrl+u"}, Help: "Half a page down and up; pgdown and pgup for a whole one.", Hidden: true},
	}
}

func (f *findings) status() string {
	if len(f.lines) <= f.height || f.height <= 0 {
		return "findings"
	}
	return fmt.Sprintf("findings %s %d-%d of %d", theme.GlyphDot, f.top+1, min(len(f.lines), f.top+f.height), len(f.lines))
}

func (f *findings) key(key string) {
	by, _ := moves.By(key, f.height, len(f.lines))
	f.top += by
	f.clamp()
}

func (f *findings) clamp() { f.top = max(0, min(f.top, len(f.lines)-f.height)) }

// item is one thing to tell.
type item struct {
	tone theme.Tone
	head string
	text []string // each a paragraph
}

// section is items of one kind.
type section struct {
	title string
	items []item
}

func (f *findings) sections() []section {
	var wrong, unread, chains section
	wrong.title, unread.title, chains.title = "Wrong with the stage", "Could not be read", "Chains"
	inv := f.data.Inventory
	if inv == nil {
		return nil
	}
	for _, p := range inv.Findings {
		tone := tones.OfReason(&health.Reason{Severity: aws.Severity(p.Severity)})
		head := p.Severity + separator + string(p.Kind)
		if p.Object != "" {
			head += separator + p.Object
		}
		wrong.items = append(wrong.items, item{tone, cell.Clean(head), []string{cell.Clean(p.Text)}})
	}
	errs := slices.Clone(inv.Warnings)
	if f.data.MetricsErr != nil {
		errs = append(errs, f.data.MetricsErr)
	}
	for _, err := range errs {
		kind, hint := aws.Classify(err)
		i := item{tone: theme.ToneWarn, head: "not read" + separator + string(kind), text: []string{cell.Clean(err.Error())}}
		if hint != "" {
			i.text = append(i.text, "Do: "+cell.Clean(hint))
		}
		unread.items = append(unread.items, i)
	}
	for i := range inv.Chains {
		chains.items = append(chains.items, chainItem(&inv.Chains[i]))
	}
	return []section{wrong, unread, chains}
}

// chainItem is a chain: its steps in order, and what starts it.
func chainItem(c *aws.Chain) item {
	steps := make([]string, len(c.Steps))
	for i, step := range c.Steps {
		steps[i] = cell.Clean(step.WorkerID)
		if step.Delay > 0 {
			steps[i] += " after " + step.Delay.String()
		}
		if step.RequiresApproval {
			steps[i] += " (waits for approval)"
		}
	}
	i := item{tone: theme.ToneBold, head: cell.Clean(c.ID), text: []string{strings.Join(steps, " "+theme.GlyphCrumb+" ")}}
	for _, at := range c.Schedules {
		text := "starts by " + cell.Clean(at.Rate)
		if at.Timezone != "" {
			text += " " + cell.Clean(at.Timezone)
		}
		if at.Disabled {
			text += ", switched off"
		}
		i.text = append(i.text, text)
	}
	return i
}

// text is all of it without colours, for the clipboard.
func (f *findings) text() string {
	var b strings.Builder
	for _, part := range f.sections() {
		if len(part.items) == 0 {
			continue
		}
		b.WriteString(part.title + "\n")
		for _, i := range part.items {
			b.WriteString("  " + i.head + "\n")
			for _, text := range i.text {
				b.WriteString("    " + text + "\n")
			}
		}
	}
	return b.String()
}

func (f *findings) view(width, height int) string {
	t := f.theme
	f.width, f.height = width, height
	f.lines = f.lines[:0]
	for _, part := range f.sections() {
		if len(part.items) == 0 {
			continue
		}
		if len(f.lines) > 0 {
			f.lines = append(f.lines, "")
		}
		f.lines = append(f.lines, " "+t.Title.Render(part.title)+t.Faint.Render("  "+cell.Count(len(part.items))))
		for _, i := range part.items {
			f.lines = append(f.lines, "  "+t.Paint(i.tone, false).Render(i.head))
			for _, text := range i.text {
				for _, line := range cell.Wrap(text, width-6) {
					f.lines = append(f.lines, "    "+line)
				}
			}
		}
	}
	if len(f.lines) == 0 {
		f.lines = append(f.lines, " "+t.Dim.Render("Nothing is wrong with the stage any more, and all of it could be read."))
	}
	f.clamp()
	return cell.Box(f.lines[f.top:], width, height)
}
