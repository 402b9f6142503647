package prompt_test

import (
	"reflect"
	"slices"
	"testing"

	"charm.land/bubbles/v2/key"
	"charm.land/bubbles/v2/textinput"
	tea "charm.land/bubbletea/v2"
	"pgregory.net/rapid"

	"github.com/microfox-ai/aiwctl/tui/prompt"
	"github.com/microfox-ai/aiwctl/tui/screentest"
	"github.com/microfox-ai/aiwctl/tui/theme"
)

func opened(text string) *prompt.Prompt {
	p := prompt.New(theme.New(true, false), "/")
	p.Set(text)
	p.Open()
	return p
}

func press(p *prompt.Prompt, keys ...string) {
	for _, k := range keys {
		p.Update(screentest.Key(k))
	}
}

func TestDeleteWordForward(t *testing.T) {
	t.Parallel()
	for _, key := range []string{"alt+d", "alt+delete", "ctrl+delete"} {
		for _, tt := range []struct {
			text string
			at   int
			want string
		}{
			{"", 0, ""},
			{"ab", 1, "a"}, // bubbles panics
			{"a ", 1, "a"}, // and here
			{"ab c", 1, "a c"},
			{"abc d", 1, "a d"},
			{"a  日本 b", 1, "a b"},
			{"ab", 2, "ab"},
		} {
			p := opened(tt.text)
			press(p, "home")
			press(p, slices.Repeat([]string{"right"}, tt.at)...)
			press(p, key)
			if p.Value() != tt.want {
				t.Errorf("%s in %q at %d: %q, want %q", key, tt.text, tt.at, p.Value(), tt.want)
			}
			press(p, "x") // the cursor stays where it was
			if want := string([]rune(tt.want)[:tt.at]) + "x" + string([]rune(tt.want)[tt.at:]); p.Value() != want {
				t.Errorf("%s in %q at %d and x: %q, want %q", key, tt.text, tt.at, p.Value(), want)
			}
		}
	}
	p := opened("ab")
	p.Leave()
	if press(p, "alt+d"); p.Value() != "ab" {
		t.Errorf("without the focus: %q", p.Value())
	}
}

// Whatever is pressed, pasted and drawn, nothing panics.
func TestAnyKeys(t *testing.T) {
	t.Parallel()
	keys := []string{"a", "b", "日", "space", "space", "left", "left", "right", "alt+delete", "esc", "enter"}
	bindings := reflect.ValueOf(textinput.DefaultKeyMap())
	for i := range bindings.NumField() {
		b, ok := bindings.Field(i).Interface().(key.Binding)
		if !ok {
			t.Fatalf("%s is no binding", bindings.Type().Field(i).Name)
		}
		keys = append(keys, b.Keys()...)
	}
	keys = slices.DeleteFunc(keys, func(k string) bool { return k == "ctrl+v" }) // it reads the desktop's clipboard
	rapid.Check(t, func(t *rapid.T) {
		p := opened(rapid.SampledFrom([]string{"", " ", "a", "a b", "a  b ", "日本 語"}).Draw(t, "text"))
		for range rapid.IntRange(1, 30).Draw(t, "steps") {
			switch k := rapid.SampledFrom(append(keys, "paste")).Draw(t, "key"); k {
			case "paste":
				p.Update(tea.PasteMsg{Content: rapid.SampledFrom([]string{" x\ty\n", "\x1b[31m", "é"}).Draw(t, "pasted")})
			default:
				press(p, k)
			}
			if !p.Typing() {
				p.Open()
			}
			p.View("note", rapid.IntRange(1, 40).Draw(t, "width"))
		}
	})
}
