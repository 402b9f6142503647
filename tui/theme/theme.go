// Package theme is the console's palette and the styles made from it. No style
// is made while rendering.
//
// Colour carries meaning only: red for what is lost or failing, amber for what
// needs a look, green for work that goes on, one accent for where the cursor
// and the keys are. Whatever a colour says is said by a word or a mark too, so
// that nothing is lost with NO_COLOR.
package theme

import (
	"image/color"

	"charm.land/lipgloss/v2"
)

// Theme holds every style the console uses.
type Theme struct {
	Dark bool
	// Mono is set when the terminal gets no colours: meaning is then carried by
	// words, bold and reverse.
	Mono bool
	// ASCII is set when the terminal should not be sent box-drawing characters.
	// The root replaces the glyphs of this package in the finished frame (see
	// ToASCII), so that nobody else has to care.
	ASCII bool

	Text, Dim, Faint, Bold                       lipgloss.Style
	Accent, Good, Warn, Bad, Info                lipgloss.Style
	Title, Crumb, Header, Key, Tag               lipgloss.Style
	Selected, Marked, Cursor                     lipgloss.Style
	Border, Dialog, Input                        lipgloss.Style
	JSONKey, JSONString, JSONNumber, JSONLiteral lipgloss.Style
	// Match is a search hit inside other text.
	Match lipgloss.Style
	// ReadOnly is the mark in the header; Button and ButtonOn are a dialog's.
	ReadOnly, Button, ButtonOn, ButtonDanger lipgloss.Style
	// Protected is the bar of a stage that is protected.
	Protected lipgloss.Style
	// Sources colours log lines by where they came from, in turn.
	Sources []lipgloss.Style

	plain, selected [toneCount]Pen
}

// Tone is what a piece of text means, for rows that are drawn both plain and
// under the cursor.
type Tone int

// The tones.
const (
	ToneText Tone = iota
	ToneDim
	ToneFaint
	ToneBold
	ToneAccent
	ToneGood
	ToneWarn
	ToneBad
	ToneInfo
	toneCount
)

// Paint is the pen of a tone, on the cursor's row or off it.
func (t *Theme) Paint(tone Tone, selected bool) *Pen {
	if tone < 0 || tone >= toneCount {
		tone = ToneText
	}
	if selected {
		return &t.selected[tone]
	}
	return &t.plain[tone]
}

// palette is the colours of one background.
type palette struct {
	dim, faint, accent, good, warn, bad, info color.Color
	// selection lies under text, match under a search hit; nil reverses it instead.
	selection, match color.Color
	chip, onChip     color.Color
	sources          []color.Color
}

// background is what the colours are read on.
type background int

const (
	light background = iota
	dark
	either
)

func colours(on background) palette {
	c := func(onLight, onDark, onEither string) color.Color {
		return lipgloss.Color([]string{onLight, onDark, onEither}[on])
	}
	// Every colour is one of the 256 that tmux and older terminals know, so that
	// none is bent into another on the way. Those for either background are of the
	// middle, where both black and white are far away.
	p := palette{
		dim:    c("#585858", "#a8a8a8", "#767676"),
		faint:  c("#767676", "#808080", "#767676"),
		accent: c("#005f87", "#5fd7d7", "#0087af"),
		good:   c("#005f00", "#87d787", "#008700"),
		warn:   c("#875f00", "#d7af5f", "#af5f00"),
		bad:    c("#af0000", "#ff8787", "#d70000"),
		info:   c("#005faf", "#87afff", "#5f5fff"),
		chip:   c("#875f00", "#d7af5f", "#875f00"),
		onChip: c("#ffffff", "#121212", "#ffffff"),
		sources: []color.Color{
			c("#005f87", "#5fd7d7", "#0087af"), c("#875faf", "#d7afff", "#8787af"), c("#005f00", "#87d787", "#008700"),
			c("#875f00", "#d7af5f", "#af5f00"), c("#005faf", "#87afff", "#5f5fff"), c("#af005f", "#ffafd7", "#d7005f"),
			c("#5f5f00", "#afd787", "#878700"), c("#af0000", "#ffaf5f", "#af5f5f"),
		},
	}
	if on != either {
		p.selection, p.match = c("#e4e4e4", "#303030", ""), c("#ffd787", "#5f5f00", "")
	}
	return p
}

// New builds a theme for a dark or light background.
func New(isDark, ascii bool) *Theme {
	if isDark {
		return build(dark, ascii)
	}
	return build(light, ascii)
}

// NewUnknown builds a theme that can be read on any background: for terminals that have
// not said what theirs is, and those that never will.
func NewUnknown(ascii bool) *Theme { return build(either, ascii) }

func build(on background, ascii bool) *Theme {
	p := colours(on)
	s := lipgloss.NewStyle()
	fg := func(c color.Color) lipgloss.Style { return s.Foreground(c) }
	over := func(s lipgloss.Style, c color.Color) lipgloss.Style {
		if c == nil {
			return s.Reverse(true)
		}
		return s.Background(c)
	}

	t := &Theme{
		Dark: on != light, ASCII: ascii,
		Text: s, Dim: fg(p.dim), Faint: fg(p.faint), Bold: s.Bold(true),
		Accent: fg(p.accent), Good: fg(p.good), Warn: fg(p.warn), Bad: fg(p.bad), Info: fg(p.info),
		Title: s.Bold(true), Crumb: fg(p.dim), Header: fg(p.dim), Key: fg(p.accent), Tag: fg(p.dim),
		Selected: over(s, p.selection), Marked: fg(p.accent).Bold(true), Cursor: fg(p.accent),
		Border: fg(p.faint), Dialog: fg(p.accent), Input: s,
		JSONKey: fg(p.accent), JSONString: fg(p.good), JSONNumber: fg(p.warn), JSONLiteral: fg(p.info),
		Match:     over(s, p.match),
		ReadOnly:  s.Foreground(p.onChip).Background(p.chip).Bold(true),
		Protected: s.Foreground(lipgloss.Color("#ffffff")).Background(lipgloss.Color("#af0000")).Bold(true),
		Button:    fg(p.dim), ButtonOn: s.Foreground(p.onChip).Background(p.accent).Bold(true),
		ButtonDanger: s.Foreground(p.onChip).Background(p.bad).Bold(true),
	}
	for _, c := range p.sources {
		t.Sources = append(t.Sources, fg(c))
	}
	plain := [toneCount]lipgloss.Style{
		ToneText: t.Text, ToneDim: t.Dim, ToneFaint: t.Faint, ToneBold: t.Bold, ToneAccent: t.Accent,
		ToneGood: t.Good, ToneWarn: t.Warn, ToneBad: t.Bad, ToneInfo: t.Info,
	}
	for i, style := range plain {
		selected := over(style, p.selection)
		if p.selection == nil && Tone(i) != ToneBold && Tone(i) != ToneBad {
			// Reversed, colours would stand side by side as blocks. What is wrong may: the row
			// in trouble is the first, and so the one that the cursor is on.
			selected = s.Reverse(true)
		}
		t.plain[i], t.selected[i] = newPen(style), newPen(selected)
	}
	return t
}

// NewMono builds a theme without colours.
func NewMono(ascii bool) *Theme {
	s := lipgloss.NewStyle()
	bold, reverse := s.Bold(true), s.Reverse(true)
	t := &Theme{
		Dark: true, Mono: true, ASCII: ascii,
		Text: s, Dim: s, Faint: s, Bold: bold,
		Accent: bold, Good: s, Warn: bold, Bad: bold, Info: s,
		Title: bold, Crumb: s, Header: s, Key: bold, Tag: s,
		Selected: reverse, Marked: bold, Cursor: bold,
		Border: s, Dialog: s, Input: s,
		JSONKey: bold, JSONString: s, JSONNumber: s, JSONLiteral: s,
		Match: reverse, ReadOnly: reverse, Protected: reverse.Bold(true), Button: s, ButtonOn: reverse, ButtonDanger: reverse,
		Sources: []lipgloss.Style{s, bold},
	}
	plain := [toneCount]lipgloss.Style{
		ToneText: s, ToneDim: s, ToneFaint: s, ToneBold: bold, ToneAccent: bold,
		ToneGood: s, ToneWarn: bold, ToneBad: bold, ToneInfo: s,
	}
	for i, style := range plain {
		t.plain[i], t.selected[i] = newPen(style), newPen(style.Reverse(true))
	}
	return t
}
