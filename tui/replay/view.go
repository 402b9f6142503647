package replay

import (
	"errors"
	"fmt"
	"strings"

	"github.com/microfox-ai/aiwctl/aws/redrive"
	"github.com/microfox-ai/aiwctl/tui/cell"
	"github.com/microfox-ai/aiwctl/tui/notice"
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
	unreached := min(s.unreached(), r.Failed) // left where they are, as the others are that nobody counts
	add(r.Failed-unreached, "failed")
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
