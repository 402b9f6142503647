package replay

import (
	"errors"
	"fmt"
	"strings"

	"github.com/microfox-ai/aiwctl/aws/redrive"
	"github.com/microfox-ai/aiwctl/tui/cell"
	"github.com/microfox-ai/aiwctl/tui/notice"
	"github.com/microfox-ai/aiwctl/tui/screen"
	"github.com/microfox-ai/aiwctl/tui/theme"
)

// wideFrom is the width from which plan and messages stand side by side.
const wideFrom = 110

// View implements screen.Screen.
func (s *Screen) View(width, height int) string {
	t := s.env.Theme
	again := s.keyName("again", "r") + " tries again, q goes back."
	switch {
	case s.phase == planning && s.err != nil:
		return notice.Failed(t, "Could not plan the "+s.noun(), s.err, again, width, height)
	case s.phase == planning && s.resuming:
		return notice.Waiting(t, "Reading the journals", "They say how far each replay got.", s.env.Now().Sub(s.askedAt), width, height)
	case s.phase == planning:
		what := "Looking at what is to be " + s.past()
		if s.waits != "" {
			what = strings.ToUpper(s.waits[:1]) + s.waits[1:]
		}
		return notice.Waiting(t, what, "The messages are hidden from everybody else from now on, until they are moved or you leave.", s.env.Now().Sub(s.askedAt), width, height)
	case s.phase == ready && s.resuming && s.state == nil:
		return notice.Empty(t, "Nothing to go on with.", []string{errGone.Error() + ".", s.keyName("again", "r") + " looks again, q goes back."}, width, height)
	case s.phase == ready && s.resuming:
		return cell.Box(s.journalLines(width), width, height)
	case s.phase == ready && s.plan.count == 0 && len(s.list) == 0 && !s.plan.about:
		return notice.Empty(t, "There is nothing to "+s.verb()+".", append(append([]string{}, s.cleanNotes()...), "The messages may be in flight elsewhere, or gone. "+s.keyName("again", "r")+" looks again, q goes back."), width, height)
	case s.phase == ready && width >= wideFrom:
		return s.sideBySide(width, height)
	case s.phase == ready && !s.inMessages:
		return s.planAbove(width, height)
	}
	lines := s.above(width, height)
	return strings.Join(append(lines, s.messages(width, height-len(lines))...), "\n")
}

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
	enter := s.keyName("start", "enter") + " asks, then " + s.verb() + "s. Nothing is moved before."
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

// messages is the list.
func (s *Screen) messages(width, height int) []string {
	t := s.env.Theme
	if height <= 0 {
		return nil
	}
	var lines []string
	if s.filter.Shown() {
		lines = append(lines, s.filter.View(fmt.Sprintf("%d of %d", len(s.table.Rows()), len(s.list)), width))
	}
	rest := height - len(lines)
	if len(s.table.Rows()) == 0 {
		what, advice := "No message is listed yet.", []string{"They are listed as it is known what became of them."}
		switch {
		case s.bad:
			what, advice = "Nothing went wrong so far.", []string{s.keyName("failures", "f") + " lists all."}
		case s.filter.Value() != "":
			what, advice = "No message matches the filter.", []string{"esc clears it."}
		case s.phase == ready && s.plan.about:
			what, advice = "The messages were not looked at one by one.", []string{"They are received, checked and sent in one go, since there are so many."}
		}
		return append(lines, strings.Split(notice.Empty(t, what, advice, width, rest), "\n")...)
	}
	s.table.SetSize(width, rest)
	return append(lines, strings.Split(s.table.View(), "\n")...)
}

// above are the lines over the messages: how far it is, or how it ended.
func (s *Screen) above(width, height int) []string {
	switch s.phase {
	case running:
		return s.progressLines(width)
	case ended:
		return s.endLines(width, max(3, height/2))
	case planning, ready:
	}
	t := s.env.Theme
	return []string{cell.Fit(" "+t.Bold.Render(cell.Plural(s.plan.count, "message"))+t.Dim.Render(" of "+s.workerName()+"; "+s.keyName("messages", "tab")+" goes back to the plan"), width)}
}

func (s *Screen) progressLines(width int) []string {
	t := s.env.Theme
	doing := map[string]string{"replayed": "replaying", "deleted": "deleting", "imported": "importing"}[s.past()]
	text := t.Info.Render(theme.GlyphBusy+" "+doing) + fmt.Sprintf(" %s of %s", cell.Count(s.done), cell.Plural(s.total, "message"))
	if s.failed > 0 {
		text += t.Bad.Render(fmt.Sprintf(" %s %s failed", theme.GlyphDot, cell.Count(s.failed)))
	}
	if rate, left := s.left(); rate > 0 {
		text += t.Dim.Render(fmt.Sprintf(" %s %.3g/s", theme.GlyphDot, rate))
		if s.done < s.total {
			text += t.Dim.Render(fmt.Sprintf(" %s %s left", theme.GlyphDot, cell.Age(left)))
		}
	}
	lines := []string{cell.Fit(" "+text, width), cell.Fit(" "+s.bar(width-9)+fmt.Sprintf(" %3d%%", s.percent()), width)}
	state := ""
	switch {
	case s.stopping:
		state = t.Warn.Render("! stopping: what was sent is deleted here, the rest is let go")
	case strings.HasPrefix(s.waits, "canary"):
		state = t.Info.Render(theme.GlyphBusy) + " " + s.canaryText()
	case s.waits != "":
		state = t.Info.Render(theme.GlyphBusy) + " " + s.waits
	default:
		state = t.Dim.Render("Leaving the screen stops it; so does " + s.keyName("stop", "X") + ".")
	}
	return append(lines, cell.Fit(" "+state, width))
}

// canaryText says how the canaries are: "canary: 1 of 2 done" is the engine's word.
func (s *Screen) canaryText() string {
	return fmt.Sprintf("%s sent, waiting for them to complete (%s); the others follow then", canariesWord(s.options.canary), s.waits)
}

func canariesWord(n int) string {
	switch n {
	case 0:
		return "canaries"
	case 1:
		return "1 canary"
	}
	return cell.Count(n) + " canaries"
}

func (s *Screen) percent() int {
	if s.total == 0 {
		return 0
	}
	return s.done * 100 / s.total
}

func (s *Screen) bar(width int) string {
	width = max(4, width)
	full := 0
	if s.total > 0 {
		full = min(width, width*s.done/s.total)
	}
	t := s.env.Theme
	return t.Accent.Render(strings.Repeat("█", full)) + t.Faint.Render(strings.Repeat(theme.GlyphRule, width-full))
}

// endLines say how it ended, what is left of it, and where that stands.
func (s *Screen) endLines(width, most int) []string {
	t, r := s.env.Theme, s.report
	var parts []string
	add := func(n int, word string) {
		if n > 0 {
			parts = append(parts, cell.Count(n)+" "+word)
		}
	}
	parts = append(parts, cell.Plural(r.Replayed, "message")+" "+s.past())
	add(r.Before, "before")
	add(r.Skipped, "skipped")
	add(r.Failed, "failed")
	add(r.MaybeTwice, "perhaps sent twice")
	add(r.Unseen, "not seen")
	switch {
	case r.CameBack == nil:
	case *r.CameBack == 0:
		parts = append(parts, "none came back")
	default:
		parts = append(parts, fmt.Sprintf("%s came back", cell.Count(*r.CameBack)))
	}
	text := strings.Join(parts, ", ")
	head := t.Good.Render(theme.GlyphDone + " " + text)
	canary, isCanary := errors.AsType[*redrive.CanaryError](s.err)
	switch {
	case s.stopped():
		head = t.Warn.Render("! stopped: " + text)
	case isCanary:
		head = t.Bad.Render(theme.GlyphFailed + " " + text)
	case s.err != nil && r.Replayed == 0:
		head = t.Bad.Render(theme.GlyphFailed + " " + text)
	case s.err != nil || r.Skipped > 0 || r.Failed > 0:
		head = t.Warn.Render("! " + text)
	}
	lines := []string{cell.Fit(" "+head, width)}
	line := func(text string) { lines = append(lines, cell.Fit(" "+text, width)) }
	partial, isPartial := errors.AsType[*redrive.PartialError](s.err)
	switch {
	case isCanary:
		lines = append(lines, notice.Lines(t, canary, width, 2)...)
	case s.stopped():
	case isPartial && partial.Cause != nil:
		lines = append(lines, notice.Lines(t, partial.Cause, width, 3)...)
	case s.err != nil && !isPartial:
		lines = append(lines, notice.Lines(t, s.err, width, 3)...)
	}
	for i, w := range r.Warnings {
		if i == 2 {
			line(t.Warn.Render(fmt.Sprintf("! and %d more notes", len(r.Warnings)-i)))
			break
		}
		line(t.Warn.Render("! " + cell.Clean(w)))
	}
	if r.Unfinished {
		line(t.Warn.Render("! not finished: " + s.keyName("go-on", "R") + " goes on where it ended, also after the console was closed"))
	}
	if r.Export != "" {
		line(t.Dim.Render("kept in ") + cell.Clean(r.Export))
	}
	if r.Journal != "" {
		line(t.Dim.Render("journal ") + t.Dim.Render(cell.Clean(r.Journal)))
	}
	if len(lines) > most {
		lines = lines[:most]
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
