package form

import (
	"fmt"
	"slices"
	"strings"

	"charm.land/lipgloss/v2"

	"github.com/microfox-ai/aiwctl/dispatch"
	"github.com/microfox-ai/aiwctl/tui/cell"
	"github.com/microfox-ai/aiwctl/tui/theme"
)

const (
	// nameMost is how wide the column of names is at most; messageMost how many rows a
	// violation takes, inputMost a value that is typed.
	nameMost    = 26
	messageMost = 2
	inputMost   = 8
	// shownMost is how many bytes of a value are looked at: of a long one only the
	// beginning is seen.
	shownMost = 400
	// helpFrom is the height from which the pane has rows for what is asked for.
	helpFrom = 9
	helpRows = 3
)

// Lines draws the part of the form around the cursor: exactly height lines, each width
// cells wide.
func (p *Pane) Lines(width, height int) []string {
	var out []string
	if p.frozen != "" {
		head := theme.GlyphFailed + " "
		for _, line := range limited(cell.Clean("the form waits for JSON: "+p.frozen), width-3, 2) {
			out = append(out, " "+p.theme.Bad.Render(head+line))
			head = "  "
		}
	}
	help := 0
	if height >= helpFrom && p.focused {
		help = helpRows + 1
	}
	room := max(1, height-len(out)-help)
	p.page = max(1, room-1)
	out = append(out, p.window(width, room)...)
	for len(out) < height-help {
		out = append(out, "")
	}
	if help > 0 {
		out = append(out, p.theme.Faint.Render(strings.Repeat(theme.GlyphRule, width)))
		out = append(out, p.help(width)...)
	}
	for len(out) < height {
		out = append(out, "")
	}
	for i := range out {
		out[i] = cell.Fit(out[i], width)
	}
	return out[:height]
}

// window draws rows so that the one under the cursor is whole on the screen.
func (p *Pane) window(width, room int) []string {
	if len(p.rows) == 0 {
		return []string{" " + p.theme.Dim.Render("nothing to fill in")}
	}
	p.top = max(0, min(p.top, p.at))
	names := p.names(width)
	drawn := make(map[int][]string, room)
	row := func(i int) []string { // each once
		lines, ok := drawn[i]
		if !ok {
			lines = p.row(i, width, names)
			drawn[i] = lines
		}
		return lines
	}
	heights := 0
	for i := p.at; i >= p.top; i-- {
		heights += len(row(i))
		if heights > room {
			p.top = min(i+1, p.at)
			break
		}
	}
	var out []string
	i := p.top
	for ; i < len(p.rows) && len(out) < room; i++ {
		out = append(out, row(i)...)
	}
	if i == len(p.rows) { // no empty rows at the end while there are some above
		for p.top > 0 {
			above := row(p.top - 1)
			if len(out)+len(above) > room {
				break
			}
			out = append(slices.Clone(above), out...)
			p.top--
		}
	}
	if len(out) > room {
		out = out[:room]
	}
	return out
}

// names is how wide the column of names is.
func (p *Pane) names(width int) int {
	wide := 8
	for i, r := range p.rows {
		if i > p.at+200 {
			break
		}
		w := 2*r.depth + cell.Width(p.name(r)) + 1
		wide = max(wide, w)
	}
	return min(wide, nameMost, max(8, width*2/5))
}

func (p *Pane) name(r row) string {
	switch r.kind {
	case rowField:
		f := r.field
		switch {
		case f.Depth == 0:
			return "input"
		case f.Item:
			return "#" + f.Name
		case f.Name == "":
			return `""`
		}
		return cell.Clean(f.Name)
	case rowExtra:
		return p.extras[r.extra].Label
	case rowAddItem, rowAddMember, rowHead:
	}
	return ""
}

// row draws one row with what is wrong below it.
func (p *Pane) row(i, width, names int) []string {
	t := p.theme
	r := p.rows[i]
	here := i == p.at
	cursor := " "
	if here {
		cursor = t.Cursor.Render(theme.GlyphCursor)
		if !p.focused {
			cursor = t.Faint.Render(theme.GlyphCursor)
		}
	}
	margin := strings.Repeat("  ", r.depth)
	value := names + 4
	switch r.kind {
	case rowHead:
		return []string{"", " " + t.Dim.Render("OPTIONS")}
	case rowAddItem:
		return []string{cursor + "  " + margin + p.tone(here).Render("+ add an item") + p.enter(here)}
	case rowAddMember:
		line := cursor + "  " + margin + p.tone(here).Render("+ add a property")
		if here && p.input != nil {
			return p.typing(line+" ", width-cell.Width(line)-2, cell.Width(line)+1)
		}
		return []string{line}
	case rowField, rowExtra:
	}
	name, mark, wrong := p.head(r)
	style := t.Text
	if p.frozen != "" && r.kind == rowField {
		style = t.Faint
	}
	if here && p.focused {
		style = t.Bold
	}
	head := cursor + mark + " " + cell.Fit(margin+style.Render(cell.Cut(name, max(3, names-len(margin)-1)))+p.star(r), names) + " "
	room := max(4, width-value)
	var lines []string
	if here && p.focused && p.input != nil {
		lines = p.typing(head, room, value)
	} else {
		lines = []string{head + p.value(r, room, here)}
	}
	for _, w := range wrong {
		for _, part := range limited(w.text, max(8, width-value-3), messageMost) {
			lines = append(lines, strings.Repeat(" ", value)+w.style.Render(part))
		}
	}
	return lines
}

func (p *Pane) tone(here bool) lipgloss.Style {
	if here && p.focused {
		return p.theme.Accent
	}
	return p.theme.Faint
}

func (p *Pane) enter(here bool) string {
	if here && p.focused {
		return p.theme.Dim.Render("  enter")
	}
	return ""
}

// star marks what is required.
func (p *Pane) star(r row) string {
	if r.kind == rowField && r.field.Required && r.field.Depth > 0 {
		return p.theme.Accent.Render("*")
	}
	return ""
}

type complaint struct {
	text  string
	style lipgloss.Style
}

// head is a row's name, the mark before it, and what is wrong with it.
func (p *Pane) head(r row) (name, mark string, wrong []complaint) {
	t := p.theme
	name, mark = p.name(r), " "
	if r.kind == rowExtra {
		if problem := p.extras[r.extra].Problem; problem != "" {
			mark = t.Bad.Render(theme.GlyphFailed)
			wrong = append(wrong, complaint{cell.Clean(problem), t.Bad})
		}
		return name, mark, wrong
	}
	f := r.field
	if container(f) && f.Present {
		mark = t.Faint.Render(theme.GlyphDown)
		if p.folded[f.Pointer] {
			mark = t.Faint.Render(theme.GlyphCrumb)
		}
	}
	if p.frozen != "" {
		return name, mark, nil
	}
	for _, v := range p.wrong[f.Pointer] {
		style := t.Bad
		if v.Warning {
			style = t.Warn
		}
		wrong = append(wrong, complaint{cell.Clean(v.Message), style})
		if mark = t.Bad.Render(theme.GlyphFailed); v.Warning {
			mark = t.Warn.Render("!")
		}
	}
	if len(wrong) == 0 && p.folded[f.Pointer] {
		if n := p.below(f); n > 0 {
			mark = t.Bad.Render(theme.GlyphFailed)
			wrong = append(wrong, complaint{cell.Plural(n, "problem") + " inside", t.Bad})
		}
	}
	if len(wrong) == 0 && f.Required && !f.Present && f.Depth > 0 {
		mark = t.Bad.Render(theme.GlyphFailed)
	}
	return name, mark, wrong
}

// below is how many problems there are inside a field.
func (p *Pane) below(f *dispatch.Field) int {
	n := 0
	for pointer, vs := range p.wrong {
		if strings.HasPrefix(pointer, f.Pointer+"/") {
			n += len(vs)
		}
	}
	return n
}

// typing draws the text that is being typed, from column value on.
func (p *Pane) typing(head string, room, value int) []string {
	rows := p.input.editor.Rows(room, inputMost)
	lines := p.input.editor.Lines(max(2, room), max(1, rows))
	for i := range lines {
		if i == 0 {
			lines[i] = head + lines[i]
		} else {
			lines[i] = strings.Repeat(" ", value) + lines[i]
		}
	}
	if rows == 1 && p.input.editor.Size() == 0 {
		if proposal := p.proposal(); proposal != "" {
			lines[0] = head + p.input.editor.Lines(2, 1)[0] + p.theme.Faint.Render(cell.Cut(proposal, max(1, room-3)))
		}
	}
	return lines
}

// proposal says what an empty value stands for.
func (p *Pane) proposal() string {
	r := p.rows[p.at]
	switch r.kind {
	case rowExtra:
		return p.extras[r.extra].Empty
	case rowAddMember:
		return "its name, then enter"
	case rowField:
		return p.absent(r.field)
	case rowAddItem, rowHead:
	}
	return ""
}

// absent is what stands for a value that the text does not have.
func (p *Pane) absent(f *dispatch.Field) string {
	switch {
	case f.Present:
		if string(f.Value) == "null" {
			return "null"
		}
		return ""
	case f.Default != nil:
		return "default " + cell.Clean(compact(f.Default))
	case f.Required:
		return "required"
	}
	return "not set"
}

// value draws a value that nobody types.
func (p *Pane) value(r row, room int, here bool) string {
	t := p.theme
	if r.kind == rowExtra {
		x := p.extras[r.extra]
		switch {
		case len(x.Choices) > 0:
			return p.choice(cell.Clean(x.Value), here, t.Text)
		case x.Value == "":
			return t.Faint.Render(cell.Cut(x.Empty, room))
		}
		return t.Text.Render(cell.Cut(cell.Clean(x.Value), room))
	}
	f := r.field
	style := p.style(f)
	switch {
	case !f.Present && f.Required:
		return t.Bad.Render("required") + p.addable(f, here)
	case !f.Present:
		text := p.absent(f)
		if !typed(f) && !container(f) {
			return p.choice(text, here, t.Faint)
		}
		return t.Faint.Render(cell.Cut(text, room)) + p.addable(f, here)
	case container(f) && isContainer(f):
		text := t.Dim.Render(count(f))
		if len(f.Variants) > 1 {
			text = p.choice(cell.Clean(f.Variants[f.Variant]), here, t.Text) + "  " + text
		}
		if f.More > 0 {
			text += t.Dim.Render(fmt.Sprintf(", %s more in the JSON only", cell.Count(f.More)))
		}
		return text
	case len(values(f)) > 0:
		text := p.plain(f)
		if i := chosen(f); i >= 0 && i < len(f.Labels) && f.Labels[i] != "" {
			text += " (" + cell.Clean(f.Labels[i]) + ")"
		}
		return p.choice(cell.Cut(text, max(3, room-4)), here, style)
	}
	return style.Render(cell.Cut(p.plain(f), room))
}

func (p *Pane) addable(f *dispatch.Field, here bool) string {
	if !container(f) || !here || !p.focused {
		return ""
	}
	return p.theme.Dim.Render("  enter adds it")
}

// choice draws a value with the arrows that change it.
func (p *Pane) choice(text string, here bool, style lipgloss.Style) string {
	if !here || !p.focused {
		return style.Render(text)
	}
	return p.theme.Accent.Render("← ") + style.Render(text) + p.theme.Accent.Render(" →")
}

// plain is a value in one line.
func (p *Pane) plain(f *dispatch.Field) string {
	raw := f.Value
	if !rawly(f) && len(raw) > 0 && raw[0] == '"' {
		text := beginning(raw)
		if text == "" {
			return `""`
		}
		return cell.Clean(strings.ReplaceAll(text, "\n", "↓"))
	}
	text := compact(raw[:min(len(raw), shownMost)])
	return cell.Clean(text)
}

func (p *Pane) style(f *dispatch.Field) lipgloss.Style {
	t := p.theme
	if p.frozen != "" || len(f.Value) == 0 {
		return t.Faint
	}
	switch c := f.Value[0]; {
	case string(f.Value) == `""`:
		return t.Faint
	case c == '"':
		return t.JSONString
	case c == '-' || c >= '0' && c <= '9':
		return t.JSONNumber
	case c == 't' || c == 'f' || c == 'n':
		return t.JSONLiteral
	}
	return t.Text
}

func count(f *dispatch.Field) string {
	if f.Value[0] == '[' {
		return cell.Plural(f.Length, "item")
	}
	if f.Length == 1 {
		return "1 property"
	}
	return cell.Count(f.Length) + " properties"
}

// limited wraps text into at most most lines, the last cut.
func limited(text string, width, most int) []string {
	lines := cell.Wrap(text, width)
	if len(lines) > most {
		lines = append(lines[:most-1:most-1], cell.Cut(strings.Join(lines[most-1:], " "), width))
	}
	return lines
}
