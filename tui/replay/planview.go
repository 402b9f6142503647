package replay

import (
	"fmt"
	"strings"

	"github.com/microfox-ai/aiwctl/tui/cell"
	"github.com/microfox-ai/aiwctl/tui/notice"
	"github.com/microfox-ai/aiwctl/tui/screen"
	"github.com/microfox-ai/aiwctl/tui/theme"
)

func (s *Screen) cleanNotes() []string {
	var notes []string
	for _, n := range s.plan.notes {
		notes = append(notes, cell.Clean(n))
	}
	return notes
}

func (s *Screen) sideBySide(width, height int) string {
	left := width * 48 / 100
	right := width - left - 3
	plan := cell.Box(s.planLines(left), left, height)
	list := s.messages(right, height)
	bar := s.env.Theme.Border
	if s.inMessages {
		bar = s.env.Theme.Accent
	}
	sep := " " + bar.Render(theme.GlyphBar) + " "
	lines := strings.Split(plan, "\n")
	for i := range lines {
		lines[i] += sep + list[i]
	}
	return strings.Join(lines, "\n")
}

// planAbove puts as many messages under the plan as there is room for.
func (s *Screen) planAbove(width, height int) string {
	lines := s.planLines(width)
	rest := height - len(lines) - 1
	if rest < 4 {
		return cell.Box(lines, width, height)
	}
	lines = strings.Split(cell.Box(lines, width, len(lines)), "\n")
	lines = append(lines, s.env.Theme.Border.Render(strings.Repeat(theme.GlyphRule, width)))
	return strings.Join(append(lines, s.messages(width, rest)...), "\n")
}

// planLines say what would happen, and how.
func (s *Screen) planLines(width int) []string {
	t := s.env.Theme
	fact := func(name, value string) string {
		return " " + t.Dim.Render(cell.Fit(name, 8)) + cell.Cut(value, width-10)
	}
	what := cell.Plural(s.plan.count, "message")
	if s.plan.about {
		what = "about " + what
	}
	head := t.Bold.Render(what) + t.Dim.Render(" of "+s.workerName())
	if s.plan.edits > 0 {
		head += t.Accent.Render(fmt.Sprintf(", %s edited", cell.Count(s.plan.edits)))
	}
	lines := []string{" " + head}
	if s.ask.Chosen != "" {
		lines = append(lines, fact("which", cell.Clean(s.ask.Chosen)))
	}
	if s.ask.Delete {
		lines = append(lines, fact("from", cell.Clean(s.worker.DLQ.Name)))
	} else {
		lines = append(lines, fact("from", cell.Clean(s.worker.DLQ.Name)+t.Dim.Render(" → ")+cell.Clean(s.target())))
	}
	lines = append(lines, fact("stage", s.stageText()))
	lines = append(lines, s.verdict(width)...)
	for i, note := range s.cleanNotes() {
		if i == 2 {
			lines = append(lines, " "+t.Warn.Render(fmt.Sprintf("! and %d more notes", len(s.plan.notes)-i)))
			break
		}
		lines = append(lines, " "+t.Warn.Render(cell.Cut("! "+note, width-2)))
	}
	lines = append(lines, "")
	lines = append(lines, s.optionText(width)...)
	lines = append(lines, "")
	lines = append(lines, s.commandLines(width)...)
	enter := s.keyName("start", "enter") + " asks, then " + s.verb() + "s. Nothing is changed before."
	lines = append(lines, " "+t.Dim.Render(cell.Cut(enter, width-2)))
	return lines
}

// commandLines are the command that does the same, as far as three lines hold it.
func (s *Screen) commandLines(width int) []string {
	t := s.env.Theme
	command := s.command()
	if command == "" {
		return nil
	}
	var lines []string
	parts := cell.Wrap(cell.Clean(command), width-10)
	for i, part := range parts {
		name := ""
		if i == 0 {
			name = "command"
		}
		if i == 2 && len(parts) > 3 {
			part += " " + cell.Ellipsis
		}
		if i == 3 {
			break
		}
		lines = append(lines, " "+t.Dim.Render(cell.Fit(name, 8)+cell.Cut(part, width-10)))
	}
	return lines
}

// keyName is the key of an action, for texts that name it.
func (s *Screen) keyName(id, standard string) string {
	return s.env.Key(screen.KindReplay, id, standard)
}

// verdict is what the check says of all.
func (s *Screen) verdict(width int) []string {
	t := s.env.Theme
	if s.ask.Delete {
		return nil
	}
	one := func(text string) []string {
		return []string{" " + t.Dim.Render(cell.Fit("check", 8)) + cell.Cut(text, width-10)}
	}
	blocked, text := s.blockedText()
	switch {
	case s.plan.err != nil:
		return append(one(t.Bad.Render("could not be made")), notice.Lines(t, s.plan.err, width, 2)...)
	case s.waits == rechecking:
		return one(t.Info.Render(theme.GlyphBusy + " " + rechecking))
	case s.options.native:
		return one(t.Warn.Render("none: AWS moves everything as it is"))
	case s.plan.about && s.ask.Delete:
		return nil
	case s.plan.about:
		return one(t.Dim.Render("each as it is sent; what is certain to die again is skipped"))
	case blocked > 0 && s.options.force:
		return one(t.Bad.Render("! " + text + ": sent all the same"))
	case blocked > 0:
		return one(t.Warn.Render("! " + text + ": skipped"))
	}
	missing := ""
	if n := len(s.plan.missing); n > 0 {
		missing = t.Warn.Render(fmt.Sprintf(", %s not to be seen now", cell.Count(n)))
	}
	return one(t.Good.Render(theme.GlyphDone+" nothing stands in their way") + missing)
}

func (s *Screen) optionText(width int) []string {
	t := s.env.Theme
	var lines []string
	options := s.optionLines()
	s.choice = min(s.choice, len(options)-1)
	for i, o := range options {
		under := i == s.choice && !s.inMessages
		if under && s.typing.Typing() {
			lines = append(lines, s.typing.View(o.name, width))
			continue
		}
		marker, tone := "  ", t.Text
		if under {
			marker, tone = t.Accent.Render(theme.GlyphCursor)+" ", t.Bold
		}
		text := marker + tone.Render(cell.Fit(o.name, 12)) + " " + tone.Render(o.value)
		if under {
			text += t.Faint.Render("  " + o.help)
		}
		lines = append(lines, cell.Cut(text, width))
	}
	if s.refusal != "" {
		lines = append(lines, " "+t.Bad.Render(cell.Cut(theme.GlyphFailed+" "+s.refusal, width-2)))
	}
	if s.ask.All && len(s.ask.Edited) == 0 && s.plan.count > 10_000 && !s.options.native && !s.ask.Delete {
		lines = append(lines, " "+t.Warn.Render(cell.Cut("! so many go faster by AWS itself: the last option", width-2)))
	}
	return lines
}

// journalLines are the plan of a replay that goes on.
func (s *Screen) journalLines(width int) []string {
	t, h, n := s.env.Theme, s.state.Header, tallyOf(s.state)
	fact := func(name, value string) string {
		return " " + t.Dim.Render(cell.Fit(name, 12)) + cell.Cut(value, width-14)
	}
	head := fmt.Sprintf("A %s of %s of %s was interrupted %s ago.", s.noun(), cell.Plural(h.Count, "message"), s.workerName(), cell.Age(s.env.Now().Sub(s.state.LastWrite)))
	lines := []string{"", " " + t.Bold.Render(cell.Cut(head, width-2)), ""}
	if len(s.states) > 1 {
		lines = append(lines, fact("one of", cell.Count(len(s.states))+" that were interrupted: right and left go through them"))
	}
	left := max(0, h.Count-n.deleted-n.sent-n.unknown-n.skipped)
	lines = append(lines,
		fact("queue", cell.Clean(h.Queue)),
		fact("stage", s.stageText()),
		fact("begun", cell.Age(s.env.Now().Sub(h.Time))+" ago"),
		fact("moved", cell.Count(n.deleted)),
		fact("sent", cell.Count(n.sent)+t.Dim.Render(": deleted from the dead-letter queue, and not sent again")),
		fact("not known", cell.Count(n.unknown)+t.Dim.Render(": being sent when it ended; sent again")),
		fact("skipped", cell.Count(n.skipped)),
		fact("left", cell.Count(left)),
		fact("journal", t.Dim.Render(cell.Clean(s.journal))),
	)
	lines = append(lines, s.commandLines(width)...)
	lines = append(lines, "",
		" "+t.Dim.Render(cell.Cut(s.keyName("start", "enter")+" asks, then finishes it as it was asked for. What another process runs now is refused.", width-2)),
	)
	return lines
}
