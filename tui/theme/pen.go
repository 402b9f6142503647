package theme

import (
	"strings"

	"charm.land/lipgloss/v2"
)

// Pen writes text in a style. It writes what lipgloss does, from what that writes around
// any text, found out once: lipgloss looks at forty properties and measures the text each
// time, which was most of the cost of a frame. The zero Pen has no style.
type Pen struct {
	before, after string
	nothing       string // an empty text
	style         lipgloss.Style
}

// newPen is the pen of a style that sets colours and attributes of letters only: no size,
// padding or border, and nothing else that depends on the text.
func newPen(style lipgloss.Style) Pen {
	const probe = "~"
	p := Pen{style: style, nothing: style.Render("")}
	p.before, p.after, _ = strings.Cut(style.Render(probe), probe)
	return p
}

// Style is what the pen writes in.
func (p *Pen) Style() lipgloss.Style { return p.style }

// Render writes a text.
func (p *Pen) Render(text string) string {
	switch {
	case text == "":
		return p.nothing
	case strings.ContainsAny(text, "\n\r\t"): // lines are made equally long, tabs spaces
		return p.style.Render(text)
	}
	return p.before + text + p.after
}
