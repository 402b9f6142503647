package deadletters

import (
	"errors"
	"fmt"
	"strings"

	"github.com/microfox-ai/aiwctl/tui/cell"
	"github.com/microfox-ai/aiwctl/tui/notice"
	"github.com/microfox-ai/aiwctl/tui/screen"
	"github.com/microfox-ai/aiwctl/tui/theme"
)

const (
	// wideFrom is the width from which list and panes stand side by side, threeFrom
	// that from which body, error and log do.
	wideFrom, threeFrom = 110, 160
	sideEffect          = "Looking receives every message once: that raises its receive count, and hides it from everybody else for the moment."
)

// View implements screen.Screen.
func (s *Screen) View(width, height int) string {
	t := s.env.Theme
	switch {
	case s.editing != nil:
		return s.editView(width, height)
	case s.items == nil && s.err != nil:
		return notice.Failed(t, "Could not look into "+s.queueName(), s.err, s.keyName("look", "r")+" tries again, q goes back.", width, height)
	case s.items == nil && !s.requests.Live(forLook) && s.env.Data.Inventory != nil:
		return notice.Failed(t, "No such worker", errors.New("the stage has no worker "+cell.Clean(s.workerID)+" any more"), "q goes back.", width, height)
	case s.items == nil || len(s.items) == 0 && s.requests.Live(forLook):
		return notice.Waiting(t, "Looking into "+s.queueName(), sideEffect, max(0, s.now.Sub(s.askedAt)), width, height)
	case len(s.items) == 0 && s.err == nil:
		return notice.Empty(t, "No dead letters in "+s.queueName()+".", s.emptyAdvice(), width, height)
	}
	lines := s.above(width)
	height = max(1, height-len(lines))
	switch {
	case s.level == inGroups && len(s.groups.Rows()) == 0, s.level == inLetters && len(s.letters.Rows()) == 0:
		lines = append(lines, notice.Empty(t, "No message matches the filter.", s.noMatch(), width, height))
	case s.level == inGroups:
		lines = append(lines, s.groupsView(width, height)...)
	case width >= threeFrom:
		lines = append(lines, s.threeColumns(width, height)...)
	case width >= wideFrom:
		lines = append(lines, s.sideBySide(width, height)...)
	default:
		lines = append(lines, s.stacked(width, height)...)
	}
	return strings.Join(lines, "\n")
}

func (s *Screen) noMatch() []string {
	advice := []string{fmt.Sprintf("%s were looked at. %s clears it.", cell.Plural(len(s.items), "message"), s.keyName("leave", "esc"))}
	if s.unclear > 0 {
		advice = append(advice, s.unclearText())
	}
	return advice
}

func (s *Screen) unclearText() string {
	text := fmt.Sprintf("The expression could not be evaluated on %s", cell.Plural(s.unclear, "message"))
	if s.unclearErr != nil {
		text += ": " + cell.Clean(s.unclearErr.Error())
	}
	return text + "."
}

func (s *Screen) emptyAdvice() []string {
	advice := []string{}
	for _, w := range s.warnings {
		advice = append(advice, cell.Clean(w))
	}
	if depth := s.depth.Total(); depth > 0 {
		advice = append(advice, fmt.Sprintf("SQS counts about %s there: they may be in flight elsewhere, or the count may be old.", cell.Plural(depth, "message")))
	}
	return append(advice, s.keyName("look", "r")+" looks again, q goes back.")
}

// above are the lines over the list.
func (s *Screen) above(width int) []string {
	t := s.env.Theme
	var lines []string
	line := func(text string) { lines = append(lines, cell.Fit(" "+text, width)) }
	busy := t.Info.Render(theme.GlyphBusy)
	switch {
	case s.err != nil:
		lines = append(lines, notice.Lines(t, s.err, width, 2)...)
	case s.requests.Live(forLook) && s.progressive:
		line(busy + t.Dim.Render(fmt.Sprintf(" looking: %s so far", cell.Plural(len(s.items), "message"))))
	case s.requests.Live(forLook):
		line(busy + t.Dim.Render(fmt.Sprintf(" looking again: %s so far", cell.Plural(len(s.fresh), "message"))))
	case s.requests.Live(forCauses):
		line(busy + t.Dim.Render(fmt.Sprintf(" reading why they died, from logs and job records  %s", s.age(s.causesAt))))
	case s.note != "":
		line(t.Warn.Render("! " + s.note))
	case len(s.warnings) > 0:
		text := cell.Clean(s.warnings[0])
		if n := len(s.warnings); n > 1 {
			text += fmt.Sprintf(" (and %d more)", n-1)
		}
		line(t.Warn.Render("! " + text))
	case s.causesErr != nil || len(s.causeNotes) > 0:
		text := "not every cause is known: "
		if len(s.causeNotes) > 0 {
			text += cell.Clean(s.causeNotes[0])
		} else {
			text += cell.Clean(s.causesErr.Error())
		}
		line(t.Warn.Render("! " + text))
	case s.ranged.anchor != "":
		line(t.Accent.Render(fmt.Sprintf("%s in the range: %s or %s marks them, %s gives it up",
			cell.Plural(s.ranged.len(), "message"), s.keyName("mark-range", "v"), s.keyName("mark", "space"), s.keyName("leave", "esc"))))
	default:
		text := "Each look raises the receive counts."
		if !s.seenAll {
			text = "Some were not seen: " + s.keyName("look-more", "m") + " looks for ten times as many. " + text
		}
		line(t.Faint.Render(text))
	}
	passing := fmt.Sprintf("%s of %s", cell.Count(len(s.passing())), cell.Count(len(s.items)))
	if s.filtering() {
		passing = "filtering"
	}
	if s.text.Shown() {
		lines = append(lines, s.text.View(passing, width))
	}
	if s.expr.Shown() {
		if s.text.Shown() {
			passing = ""
		}
		lines = append(lines, s.expr.View(passing, width))
		lines = append(lines, s.exprLines(width)...)
	}
	return lines
}

// exprLines say what is wrong with the expression, or what it can go on with.
func (s *Screen) exprLines(width int) []string {
	t := s.env.Theme
	switch {
	case len(s.offer.words) > 0 && s.expr.Typing():
		var parts []string
		from := max(0, s.offer.at-3)
		for i, word := range s.offer.words[from:] {
			word = cell.Clean(word)
			if from+i == s.offer.at {
				parts = append(parts, t.Accent.Render("["+word+"]"))
				continue
			}
			parts = append(parts, t.Dim.Render(word))
		}
		text := strings.Join(parts, " ")
		if s.offer.help != "" {
			text = t.Text.Render(s.offer.help) + "  " + text
		}
		return []string{cell.Fit("   "+text, width)}
	case s.whereErr != nil:
		text := cell.Clean(s.whereErr.Error())
		if s.where != nil {
			text += "; " + s.where.String() + " still filters"
		}
		var lines []string
		for i, part := range cell.Wrap(theme.GlyphFailed+" "+text, width-4) {
			if i == 2 {
				break
			}
			lines = append(lines, cell.Fit("   "+t.Warn.Render(part), width))
		}
		return lines
	case s.unclear > 0:
		return []string{cell.Fit("   "+t.Warn.Render("! "+s.unclearText()), width)}
	case s.expr.Typing() && s.expr.Value() == "":
		return []string{cell.Fit("   "+t.Dim.Render(`error contains "timeout" and age < "2h"; tab lists the fields`), width)}
	}
	return nil
}

// groupsView is the groups, and below more of the one under the cursor.
func (s *Screen) groupsView(width, height int) []string {
	t := s.env.Theme
	rows := len(s.groups.Rows()) + 1
	list := min(rows, max(4, height/2))
	if height-list < 4 {
		list = height
	}
	s.groups.SetSize(width, list)
	lines := strings.Split(s.groups.View(), "\n")
	if list == height {
		return lines
	}
	lines = append(lines, t.Border.Render(strings.Repeat(theme.GlyphRule, width)))
	g, ok := s.groups.Selected()
	rest := height - list - 1
	if !ok {
		return append(lines, strings.Split(cell.Box(nil, width, rest), "\n")...)
	}
	more := s.groupLines(g, width-2)
	for i := range more {
		more[i] = " " + more[i]
	}
	return append(lines, strings.Split(cell.Box(more, width, rest), "\n")...)
}

// paneLines draws one pane in exactly that size, under a line with its name.
func (s *Screen) paneLines(p pane, it *item, width, height int) []string {
	s.body.SetSize(width, height)
	switch p {
	case paneBody:
		l := s.letterOf(it)
		switch {
		case l != nil:
			s.body.Set(it.id, s.fields(it), l.Body)
		case s.loadErr != nil:
			s.body.Set(it.id, s.fields(it), "its body could not be read: "+s.loadErr.Error())
		default:
			s.body.Set(it.id, s.fields(it), "reading its body")
		}
		return s.body.Lines()
	case paneChanges:
		return s.changes.window(s.lines(p, it, width), width, height)
	case paneError:
		return s.side.window(s.lines(p, it, width), width, height)
	case paneLog:
	}
	return s.log.window(s.lines(p, it, width), width, height)
}

// head is the line over a pane: its name, or all names with the one that is shown.
func (s *Screen) head(width int, names ...pane) string {
	t := s.env.Theme
	var parts []string
	for _, p := range names {
		switch {
		case p == s.pane && s.inPane:
			parts = append(parts, t.Accent.Render("["+p.name()+"]"))
		case p == s.pane || len(names) == 1:
			parts = append(parts, t.Bold.Render("["+p.name()+"]"))
		default:
			parts = append(parts, t.Faint.Render(" "+p.name()+" "))
		}
	}
	note := ""
	if first, last, total := s.body.Position(); s.pane == paneBody && len(names) > 1 && total > last-first+1 && last > 0 {
		note = t.Faint.Render(fmt.Sprintf("%d–%d of %d ", first, last, total))
	}
	return cell.Ends(strings.Join(parts, ""), note, width)
}

func (s *Screen) bar() string {
	style := s.env.Theme.Border
	if s.inPane {
		style = s.env.Theme.Accent
	}
	return " " + style.Render(theme.GlyphBar) + " "
}

func (s *Screen) sideBySide(width, height int) []string {
	left := width * 46 / 100
	right := width - left - 3
	s.letters.SetSize(left, height)
	list := strings.Split(s.letters.View(), "\n")
	it, _ := s.letters.Selected()
	detail := s.paneLines(s.pane, it, right, height-1)
	detail = append([]string{s.head(right, s.panes()...)}, detail...)
	sep := s.bar()
	lines := make([]string, height)
	for i := range lines {
		lines[i] = list[i] + sep + detail[i]
	}
	return lines
}

// threeColumns are the list, the body or what was changed in it, and the error over
// the log.
func (s *Screen) threeColumns(width, height int) []string {
	left := width * 36 / 100
	middle := (width - left - 6) / 2
	right := width - left - middle - 6
	s.letters.SetSize(left, height)
	list := strings.Split(s.letters.View(), "\n")
	it, _ := s.letters.Selected()
	main, names := paneBody, []pane{paneBody}
	if s.edits.get(it.id) != nil {
		names = append(names, paneChanges)
		if s.pane != paneBody {
			main = paneChanges
		}
	}
	body := append([]string{s.head(middle, names...)}, s.paneLines(main, it, middle, height-1)...)
	top := max(3, min(height/2, len(s.lines(paneError, it, right))+2))
	side := append([]string{s.head(right, paneError)}, s.paneLines(paneError, it, right, top-2)...)
	side = append(side, strings.Repeat(" ", right), s.head(right, paneLog))
	side = append(side, s.paneLines(paneLog, it, right, height-top-1)...)
	sep := s.bar()
	lines := make([]string, height)
	for i := range lines {
		lines[i] = list[i] + sep + body[i] + sep + side[i]
	}
	return lines
}

func (s *Screen) stacked(width, height int) []string {
	t := s.env.Theme
	// The list gets what it needs, at most two fifths.
	list := min(len(s.letters.Rows())+1, max(4, height*2/5))
	rest := max(1, height-list-2)
	s.letters.SetSize(width, list)
	lines := strings.Split(s.letters.View(), "\n")
	style := t.Border
	if s.inPane {
		style = t.Accent
	}
	lines = append(lines, style.Render(strings.Repeat(theme.GlyphRule, width)))
	it, _ := s.letters.Selected()
	detail := s.paneLines(s.pane, it, width-2, rest)
	lines = append(lines, cell.Fit(" "+s.head(width-2, s.panes()...), width))
	for _, line := range detail {
		lines = append(lines, " "+line+" ")
	}
	return lines[:min(len(lines), height)]
}

// keyName is the key of an action, for texts that name it.
func (s *Screen) keyName(id, standard string) string {
	return s.env.Key(screen.KindDead, id, standard)
}
