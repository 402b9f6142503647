package stages

import (
	"strings"
	"time"

	"github.com/microfox-ai/aiwctl/tui/cell"
	"github.com/microfox-ai/aiwctl/tui/notice"
	"github.com/microfox-ai/aiwctl/tui/theme"
)

// below are the lines under the list: how connecting goes, else what is known of the
// row under the cursor, else how stages get their names.
func (s *Screen) below(width int) []string {
	t := s.env.Theme
	switch {
	case s.connecting():
		since := ""
		if d := s.env.Now().Sub(s.going.Since); d >= 2*time.Second {
			since = "  " + cell.Age(d)
		}
		return []string{
			"", cell.Fit(" "+t.Info.Render(theme.GlyphBusy)+" connecting to "+t.Bold.Render(cell.Clean(s.going.Choice.Name()))+t.Faint.Render(since), width),
			cell.Fit("   "+t.Dim.Render("This stage stays until the other one has answered."), width),
		}
	case s.going.Err != nil:
		lines := []string{"", cell.Fit(" "+t.Bad.Render(theme.GlyphFailed+" "+cell.Clean(s.going.Choice.Name())+" was not connected to; this stage stays"), width)}
		return append(lines, notice.Lines(t, s.going.Err, width, 4)...)
	case s.cfg.Fixed:
		return s.hint(width, "This console was opened on a stage of its own, so there is no other to go to. `aiwctl --stage NAME` opens one in AWS.")
	case s.err != nil && s.read:
		return append([]string{""}, notice.Lines(t, s.err, width, 3)...)
	}
	if selected, ok := s.table.Selected(); ok && selected.stage != nil && selected.stage.Problem != "" {
		return s.hint(width, cell.Clean(selected.stage.Problem))
	}
	if len(s.offer.Stages) == 0 || !s.offer.Exists {
		if s.offer.File == "" {
			return s.hint(width, "No stage has a name. `aiwctl config --help` shows how the config file gives them one.")
		}
		return s.hint(width, "No stage has a name. "+cell.Clean(s.offer.File)+" gives them one, with profile and region: `aiwctl config --help` shows how.")
	}
	return s.hint(width, "Named in "+cell.Clean(s.offer.File)+"; `aiwctl config` shows where each value comes from.")
}

func (s *Screen) hint(width int, text string) []string {
	lines := []string{""}
	for _, part := range cell.Wrap(text, max(8, width-2)) {
		lines = append(lines, cell.Fit(" "+s.env.Theme.Dim.Render(part), width))
	}
	return lines
}

func (s *Screen) above(width int) []string {
	if !s.filter.Shown() {
		return nil
	}
	note := cell.Count(len(s.table.Rows())) + " of " + cell.Count(s.table.Total())
	return []string{s.filter.View(note, width)}
}

func (s *Screen) resize() {
	s.table.SetSize(s.width, s.height-len(s.above(s.width))-len(s.below(s.width)))
}

// View implements screen.Screen.
func (s *Screen) View(width, height int) string {
	t := s.env.Theme
	if s.form != nil {
		below := s.below(width)
		if !s.connecting() && s.going.Err == nil {
			below = nil
		}
		form := s.form.view(width, height-len(below))
		return cell.Box(append(form, below...), width, height)
	}
	waiting := s.env.Now().Sub(s.started)
	switch {
	case !s.read && s.err != nil:
		advice := s.env.Key(s.Kind(), "reload", "r") + " reads it again, " + s.env.Key(s.Kind(), "other", "n") + " names a stage by hand. This stage stays as it is."
		return notice.Failed(t, "The stages could not be read", s.err, advice, width, height)
	case !s.read:
		return notice.Waiting(t, "reading the config file and AWS's profiles", "", waiting, width, height)
	}
	s.width, s.height = width, height
	s.resize()
	lines := s.above(width)
	if len(s.table.Rows()) == 0 {
		room := max(1, height-len(lines)-len(s.below(width)))
		empty := notice.Empty(t, "Nothing contains "+s.filter.Value(), []string{"esc clears the filter."}, width, room)
		lines = append(lines, strings.Split(empty, "\n")...)
	} else {
		lines = append(lines, strings.Split(s.table.View(), "\n")...)
	}
	return cell.Box(append(lines, s.below(width)...), width, height)
}
