package theme_test

import (
	"image/color"
	"math"
	"reflect"
	"strings"
	"testing"

	"charm.land/lipgloss/v2"
	"pgregory.net/rapid"

	"github.com/microfox-ai/aiwctl/tui/cell"
	"github.com/microfox-ai/aiwctl/tui/theme"
)

// contrast is WCAG's ratio of two colours.
// https://www.w3.org/TR/WCAG21/#dfn-contrast-ratio
func contrast(a, b color.Color) float64 {
	la, lb := luminance(a), luminance(b)
	return (max(la, lb) + 0.05) / (min(la, lb) + 0.05)
}

func luminance(c color.Color) float64 {
	r, g, b, _ := c.RGBA()
	linear := func(v uint32) float64 {
		x := float64(v) / 0xffff
		if x <= 0.04045 {
			return x / 12.92
		}
		return math.Pow((x+0.055)/1.055, 2.4)
	}
	return 0.2126*linear(r) + 0.7152*linear(g) + 0.0722*linear(b)
}

// styles are all of a theme by name, those of rows included.
func styles(t *theme.Theme) map[string]lipgloss.Style {
	all := map[string]lipgloss.Style{}
	v := reflect.ValueOf(*t)
	for i := range v.NumField() {
		field := v.Type().Field(i)
		if !field.IsExported() {
			continue
		}
		switch value := v.Field(i).Interface().(type) {
		case lipgloss.Style:
			all[field.Name] = value
		case []lipgloss.Style:
			for k, s := range value {
				all[field.Name+string(rune('0'+k))] = s
			}
		}
	}
	for tone := theme.ToneText; tone <= theme.ToneInfo; tone++ {
		for _, on := range []bool{false, true} {
			name := "row"
			if on {
				name = "selected row"
			}
			all[name+" "+string(rune('0'+int(tone)))] = t.Paint(tone, on).Style()
		}
	}
	return all
}

func isSet(c color.Color) bool {
	_, none := c.(lipgloss.NoColor)
	return c != nil && !none
}

// Everything that is written can be read: on the background that the terminal says it
// has, and on any while it has not said.
func TestContrast(t *testing.T) {
	t.Parallel()
	white, black := color.Gray{Y: 0xff}, color.Gray{Y: 0}
	// Terminals are rarely quite black: this is the lightest dark background in wide use.
	grey := color.Gray{Y: 0x1e}
	for name, tt := range map[string]struct {
		theme *theme.Theme
		// on are the backgrounds, text what text needs there at least.
		on   []color.Gray
		text float64
	}{
		"dark":    {theme.New(true, false), []color.Gray{black, grey}, 4.5},
		"light":   {theme.New(false, false), []color.Gray{white}, 4.5},
		"unknown": {theme.NewUnknown(false), []color.Gray{black, white}, 3},
	} {
		for style, s := range styles(tt.theme) {
			for _, on := range tt.on {
				text := color.Color(black) // the terminal's own
				if luminance(on) < 0.2 {
					text = white
				}
				if isSet(s.GetForeground()) {
					text = s.GetForeground()
				}
				below := color.Color(on)
				if isSet(s.GetBackground()) {
					below = s.GetBackground()
				}
				least := tt.text
				if strings.Contains(style, "Faint") || style == "Border" || strings.HasSuffix(style, "row 2") {
					least = 3
				}
				if got := contrast(text, below); got < least {
					t.Errorf("%s theme: %s has a contrast of %.2f on %v, want %.1f", name, style, got, on.Y, least)
				}
			}
		}
	}
}

func TestMonoHasNoColours(t *testing.T) {
	t.Parallel()
	for name, s := range styles(theme.NewMono(false)) {
		if isSet(s.GetForeground()) || isSet(s.GetBackground()) {
			t.Errorf("%s is coloured", name)
		}
	}
}

// Every glyph is one cell, and has an ASCII character of one cell to stand for it.
func TestASCII(t *testing.T) {
	t.Parallel()
	glyphs := theme.GlyphCursor + theme.GlyphMark + theme.GlyphUp + theme.GlyphDown + theme.GlyphDone + theme.GlyphFailed +
		theme.GlyphBusy + theme.GlyphDot + theme.GlyphCrumb + theme.GlyphRule + theme.GlyphBar + theme.Sparks + cell.Ellipsis
	for _, g := range glyphs {
		plain := theme.ToASCII(string(g))
		if cell.Width(string(g)) != 1 || len(plain) != 1 || plain[0] > 0x7e {
			t.Errorf("%q becomes %q", g, plain)
		}
	}
	if got := theme.ToASCII("日本 é"); got != "日本 é" {
		t.Errorf("letters were changed: %q", got)
	}
}

// A pen writes what lipgloss does, whatever the text.
func TestPen(t *testing.T) {
	t.Parallel()
	themes := []*theme.Theme{theme.New(true, false), theme.New(false, false), theme.NewUnknown(false), theme.NewMono(false)}
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.StringOf(rapid.RuneFrom([]rune("ab ~日é\u200d👩\x1b[31m\u0301\t\n\r"))).Draw(t, "text")
		for _, th := range themes {
			for tone := theme.ToneText; tone <= theme.ToneInfo; tone++ {
				for _, selected := range []bool{false, true} {
					pen := th.Paint(tone, selected)
					if got, want := pen.Render(text), pen.Style().Render(text); got != want {
						t.Fatalf("tone %d wrote %q, lipgloss %q", tone, got, want)
					}
				}
			}
		}
	})
}
