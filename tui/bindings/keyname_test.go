package bindings

import (
	"strings"
	"testing"
)

func TestKeyName(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"R": "R", "r": "r", "?": "?", "+": "+", "é": "é", " ": "space",
		"ctrl+r": "ctrl+r", "Ctrl+R": "ctrl+r", "control+r": "ctrl+r", "ctrl+alt+r": "ctrl+alt+r", "alt+ctrl+r": "ctrl+alt+r",
		"alt+r": "alt+r", "alt+shift+r": "alt+shift+r", `ctrl+\`: `ctrl+\`, "ctrl+]": "ctrl+]", "alt++": "alt++", "ctrl+j": "ctrl+j",
		"F1": "f1", "f12": "f12", "shift+f5": "shift+f5", "ctrl+up": "ctrl+up", "shift+tab": "shift+tab",
		"Enter": "enter", "return": "enter", "Escape": "esc", "PageDown": "pgdown", "del": "delete", "spacebar": "space",
		"ctrl+space": "ctrl+space", "alt+enter": "alt+enter", "option+x": "alt+x",
	} {
		if got, err := KeyName(text); err != nil || got != want {
			t.Errorf("%q is %q, %v; want %q", text, got, err, want)
		}
	}
	for text, want := range map[string]string{
		"":             "is no key",
		"rr":           "is no key",
		"f99":          "is no key",
		"super+r":      "before + stands ctrl, alt or shift",
		"ctrl+":        "is no key",
		"ctrl+foo":     "is no key",
		"ctrl+c":       "always quits",
		"CTRL+C":       "always quits",
		"ctrl+i":       "cannot tell ctrl+i from tab",
		"ctrl+m":       "cannot tell ctrl+m from enter",
		"ctrl+[":       "from esc",
		"ctrl+h":       "from backspace",
		"shift+r":      "write R",
		"ctrl+shift+r": "from ctrl+r",
		"ctrl+1":       "most terminals cannot send ctrl+1",
		"ctrl+/":       "most terminals cannot send",
		"ctrl+enter":   "most terminals cannot send",
		"shift+enter":  "most terminals cannot send",
		"ctrl+tab":     "most terminals cannot send",
		"alt+R":        "as alt+shift+r",
		"\x07":         "is no key",
		"\u202e":       "is no key",
	} {
		if got, err := KeyName(text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q is %q, %v; want an error with %q", text, got, err, want)
		}
	}
}

// What is a key's name stays one, whoever writes it.
func FuzzKeyName(f *testing.F) {
	for _, text := range []string{"ctrl+r", "alt++", "+", "ctrl+alt+shift+x", "F1", "é", "\xff"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		name, err := KeyName(text)
		if err != nil {
			return
		}
		if again, err := KeyName(name); err != nil || again != name {
			t.Errorf("%q is %q, and that is %q, %v", text, name, again, err)
		}
	})
}
