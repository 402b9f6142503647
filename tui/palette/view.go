package palette

import (
	"fmt"
	"strings"

	"github.com/microfox-ai/aiwctl/tui/cell"
	"github.com/microfox-ai/aiwctl/tui/dialog"
	"github.com/microfox-ai/aiwctl/tui/theme"
)

const (
	// around is what stands around the rows: the frame, the input, two rules, two
	// lines of help, two of the command, the hints.
	around   = 10
	rowsMost = 16
)

// View implements dialog.Dialog. Its size depends on the terminal's only, so that
// nothing moves while somebody types.
func (p *Palette) View(t *theme.Theme, width, height int) string {
	if p.dark != t.Dark || p.mono != t.Mono {
		p.dark, p.mono = t.Dark, t.Mono
		p.input.Restyle()
	}
	width = min(width-2, 100)
	inner := width - 4
	page := max(1, min(height-around, rowsMost))
	p.scroll(page)

	lines := []string{p.input.View(p.count(), inner), p.rule(t, inner)}
	lines = append(lines, p.rows(t, inner, page)...)
	lines = append(lines, p.rule(t, inner))
	lines = append(lines, p.foot(t, inner)...)
	return dialog.Frame(t, "Go to, or do", lines, width)
}

func (p *Palette) rule(t *theme.Theme, inner int) string {
	return t.Border.Render(strings.Repeat(theme.GlyphRule, inner))
}

func (p *Palette) count() string {
	if p.text() == "" {
		return cell.Count(len(p.all))
	}
	return fmt.Sprintf("%s of %s", cell.Count(len(p.shown)), cell.Count(len(p.all)))
}

// scroll keeps the cursor on the screen.
func (p *Palette) scroll(page int) {
	p.top = min(p.top, p.chosen)
	p.top = max(p.top, p.chosen-page+1)
	p.top = max(0, min(p.top, len(p.shown)-page))
}

func (p *Palette) rows(t *theme.Theme, inner, page int) []string {
	lines := make([]string, page)
	if len(p.shown) == 0 {
		lines[0] = "  " + t.Bold.Render("Nothing has that name.")
		if page > 1 {
			lines[1] = "  " + t.Dim.Render(cell.Cut("Type a screen, a worker, what this screen can do, or job and an id.", inner-2))
		}
		return lines
	}
	end := min(p.top+page, len(p.shown))
	names, keys := 12, 0
	for _, r := range p.shown[p.top:end] {
		names = max(names, cell.Width(r.title()))
		keys = max(keys, cell.Width(dialog.Keys(r.Keys)))
	}
	names, keys = min(names, inner*45/100), min(keys, 16)
	typed := newPattern(p.text())
	for i, r := range p.shown[p.top:end] {
		lines[i] = p.row(t, r, typed, p.top+i == p.chosen, names, keys, inner)
	}
	return lines
}

func (p *Palette) row(t *theme.Theme, r row, typed pattern, chosen bool, names, keys, inner int) string {
	plain, told := theme.ToneText, theme.ToneDim
	about := r.Help
	if r.Refused != "" {
		plain, told, about = theme.ToneFaint, theme.ToneFaint, "not now: "+r.Refused
	}
	mark := " "
	if chosen {
		mark = theme.GlyphCursor
	}
	paint := func(tone theme.Tone, text string) string { return t.Paint(tone, chosen).Render(text) }
	title := clean(r.title(), names)
	name := ""
	switch at := places(typed, r.name); {
	case r.argument != "":
		name = paint(plain, title)
	case r.Wants != "":
		name = emphasised(paint, plain, title, at) + paint(theme.ToneFaint, " "+r.Wants)
	default:
		name = emphasised(paint, plain, title, at)
	}
	name += paint(plain, strings.Repeat(" ", max(0, names-cell.Width(name))))
	room := inner - 2 - cell.Width(name) - 2
	right := ""
	if keys > 0 {
		room -= keys + 2
		right = paint(plain, "  ") + paint(theme.ToneAccent, cell.FitRight(dialog.Keys(r.Keys), keys))
	}
	return t.Cursor.Render(mark) + paint(plain, " ") + name + paint(plain, "  ") + paint(told, cell.Fit(cell.Clean(about), room)) + right
}

// emphasised draws a name with the letters that were typed set off.
func emphasised(paint func(theme.Tone, string) string, plain theme.Tone, title string, at []int) string {
	for _, r := range title {
		if r > 0x7e && r != '…' { // a letter of several parts is not taken apart
			at = nil
			break
		}
	}
	var b strings.Builder
	runes := []rune(title)
	for i, next := 0, 0; i < len(runes); {
		hit := next < len(at) && at[next] == i
		from := i
		for i < len(runes) && (next < len(at) && at[next] == i) == hit {
			if hit {
				next++
			}
			i++
		}
		tone := plain
		if hit {
			tone = theme.ToneAccent
		}
		b.WriteString(paint(tone, string(runes[from:i])))
	}
	return b.String()
}

// foot says what the entry under the cursor does, and which command does the same.
func (p *Palette) foot(t *theme.Theme, inner int) []string {
	var told, command []string
	hints := []string{"tab completes", "esc closes"}
	if r, ok := p.current(); ok {
		about, style := cell.Clean(r.Help), t.Text
		if r.Refused != "" {
			about, style = strings.TrimSpace(about+" Not now: "+cell.Clean(r.Refused)+"."), t.Warn
		}
		for _, line := range atMost(about, inner, 2) {
			told = append(told, style.Render(line))
		}
		hints = append([]string{"enter does it"}, hints...)
		if r.Wants != "" && r.argument == "" {
			hints = []string{"enter, then its " + strings.ToLower(r.Wants), "esc closes"}
		}
		if r.Command != nil {
			for _, line := range dialog.CommandLines(r.Command(), inner, 2) {
				command = append(command, t.Faint.Render(line))
			}
			hints = append([]string{"ctrl+y copies"}, hints...)
		}
	}
	lines := append(padded(told, 2), padded(command, 2)...)
	return append(lines, t.Faint.Render(cell.FitRight(dialog.Hints(inner, hints...), inner)))
}

// padded are n lines, the last of them empty where there are fewer.
func padded(lines []string, n int) []string {
	for len(lines) < n {
		lines = append(lines, "")
	}
	return lines
}

// atMost wraps a text into so many lines, the last of which says when there is more.
func atMost(text string, width, most int) []string {
	if text == "" {
		return nil
	}
	lines := cell.Wrap(text, width)
	if len(lines) > most {
		lines = append(lines[:most-1:most-1], cell.Cut(strings.Join(lines[most-1:], " "), width))
	}
	return lines
}
