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
	// Sources colours log lines by where they came from, in turn.
	Sources []lipgloss.Style

	plain, selected [toneCount]lipgloss.Style
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

// Paint is the style of a tone, on the cursor's row or off it.
func (t *Theme) Paint(tone Tone, selected bool) lipgloss.Style {
	if tone < 0 || tone >= toneCount {
		tone = ToneText
	}
	if selected {
		return t.selected[tone]
	}
	return t.plain[tone]
}

// palette is the colours of one background.
type palette struct {
	dim, faint, accent, good, warn, bad, info color.Color
	selection, chip, onChip, match            color.Color
	sources                                   []color.Color
}

func colours(dark bool) palette {
	pick := lipgloss.LightDark(dark)
	c := func(light, dark string) color.Color {
		return pick(lipgloss.Color(light), lipgloss.Color(dark))
	}
	return palette{
		dim:       c("#5C6370", "#9AA3B2"),
		faint:     c("#8A909C", "#626B7A"),
		accent:    c("#0B6E8F", "#6CC4DC"),
		good:      c("#2E7D32", "#8CC98F"),
		warn:      c("#9A6200", "#E5B567"),
		bad:       c("#B3261E", "#F2777A"),
		info:      c("#2F5FB3", "#8AB4F8"),
		selection: c("#DCE6F0", "#2B3443"),
		chip:      c("#9A6200", "#E5B567"),
		onChip:    c("#FFFFFF", "#1B1E24"),
		match:     c("#FFE08A", "#6B5A1E"),
		sources: []color.Color{
			c("#0B6E8F", "#6CC4DC"), c("#7A4FB0", "#C5A3F0"), c("#2E7D32", "#8CC98F"),
			c("#9A6200", "#E5B567"), c("#2F5FB3", "#8AB4F8"), c("#A0407A", "#E79BC4"),
			c("#3F7A70", "#7FD1C2"), c("#8A5A2B", "#D9A679"),
		},
	}
}

// New builds a theme for a dark or light background.
func New(dark, ascii bool) *Theme {
	p := colours(dark)
	s := lipgloss.NewStyle()
	fg := func(c color.Color) lipgloss.Style { return s.Foreground(c) }

	t := &Theme{
		Dark: dark, ASCII: ascii,
		Text: s, Dim: fg(p.dim), Faint: fg(p.faint), Bold: s.Bold(true),
		Accent: fg(p.accent), Good: fg(p.good), Warn: fg(p.warn), Bad: fg(p.bad), Info: fg(p.info),
		Title: s.Bold(true), Crumb: fg(p.dim), Header: fg(p.dim), Key: fg(p.accent), Tag: fg(p.dim),
		Selected: s.Background(p.selection), Marked: fg(p.accent).Bold(true), Cursor: fg(p.accent),
		Border: fg(p.faint), Dialog: fg(p.accent), Input: s,
		JSONKey: fg(p.accent), JSONString: fg(p.good), JSONNumber: fg(p.warn), JSONLiteral: fg(p.info),
		Match:    s.Background(p.match),
		ReadOnly: s.Foreground(p.onChip).Background(p.chip).Bold(true),
		Button:   fg(p.dim), ButtonOn: s.Foreground(p.onChip).Background(p.accent).Bold(true),
		ButtonDanger: s.Foreground(p.onChip).Background(p.bad).Bold(true),
	}
	for _, c := range p.sources {
		t.Sources = append(t.Sources, fg(c))
	}
	t.plain = [toneCount]lipgloss.Style{
		ToneText: t.Text, ToneDim: t.Dim, ToneFaint: t.Faint, ToneBold: t.Bold, ToneAccent: t.Accent,
		ToneGood: t.Good, ToneWarn: t.Warn, ToneBad: t.Bad, ToneInfo: t.Info,
	}
	for i := range t.plain {
		t.selected[i] = t.plain[i].Background(p.selection)
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
		Match: reverse, ReadOnly: reverse, Button: s, ButtonOn: reverse, ButtonDanger: reverse,
		Sources: []lipgloss.Style{s, bold},
	}
	t.plain = [toneCount]lipgloss.Style{
		ToneText: s, ToneDim: s, ToneFaint: s, ToneBold: bold, ToneAccent: bold,
		ToneGood: s, ToneWarn: bold, ToneBad: bold, ToneInfo: s,
	}
	for i := range t.plain {
		t.selected[i] = t.plain[i].Reverse(true)
	}
	return t
}
