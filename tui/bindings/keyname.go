package bindings

import (
	"fmt"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// KeyName is a key as the console calls it: "ctrl+r", "R", "f1", "space". It takes the
// usual other spellings, and refuses what is no key, what every terminal takes for
// another one, and what most cannot send.
func KeyName(text string) (string, error) {
	if utf8.RuneCountInString(text) == 1 {
		r, _ := utf8.DecodeRuneInString(text)
		switch {
		case r == ' ':
			return "space", nil
		case !unicode.IsPrint(r):
			return "", fmt.Errorf("%q is no key", text)
		}
		return text, nil
	}
	mods, base, err := parts(text)
	if err != nil {
		return "", err
	}
	has := func(mod string) bool { return slices.Contains(mods, mod) }
	letter := utf8.RuneCountInString(base) == 1
	if !letter {
		base = named(strings.ToLower(base))
		if base == "" {
			return "", fmt.Errorf("%q is no key: they are written R, ctrl+r, alt+r, f1, enter, tab, space, esc, up, pgdown, home, delete", text)
		}
	}
	if letter && has("ctrl") {
		base = strings.ToLower(base)
		if other, ok := sameAs()[base]; ok && len(mods) == 1 {
			return "", fmt.Errorf("terminals cannot tell %s from %s: write %s, or choose another key", text, other, other)
		}
	}
	switch {
	case has("ctrl") && base == "c" && len(mods) == 1:
		return "", fmt.Errorf("%s always quits: choose another key", text)
	case has("ctrl") && has("shift") && letter:
		return "", fmt.Errorf("terminals cannot tell %s from ctrl+%s: choose another key", text, base)
	case has("ctrl") && letter && (base < "a" || base > "z") && base != "]" && base != `\`:
		return "", fmt.Errorf("most terminals cannot send %s: choose another key", text)
	case letter && !has("ctrl") && !has("alt"): // shift
		return "", fmt.Errorf("shift is part of a letter: write %s", strings.ToUpper(base))
	case letter && has("alt") && !has("ctrl") && unicode.IsUpper([]rune(base)[0]):
		return "", fmt.Errorf("write %s as alt+shift+%s", text, strings.ToLower(base))
	case len(mods) > 0 && slices.Contains([]string{"enter", "tab", "backspace", "esc", "space"}, base):
		one := strings.Join(mods, "+")
		fine := base == "tab" && one == "shift" || base == "space" && one == "ctrl" || one == "alt" && base != "tab" && base != "esc"
		if !fine {
			return "", fmt.Errorf("most terminals cannot send %s: choose another key", text)
		}
	}
	return strings.Join(append(mods, base), "+"), nil
}

// sameAs are keys that terminals send as ctrl and a letter.
func sameAs() map[string]string {
	return map[string]string{"i": "tab", "m": "enter", "[": "esc", "h": "backspace", "@": "ctrl+space"}
}

// parts takes the modifiers off a key, in the order in which they are written.
func parts(text string) (mods []string, base string, err error) {
	base = text
	found := map[string]bool{}
	for {
		before, after, ok := strings.Cut(base, "+")
		if !ok || before == "" || after == "" {
			break
		}
		mod := strings.ToLower(before)
		switch mod {
		case "control", "ctl":
			mod = "ctrl"
		case "option", "opt":
			mod = "alt"
		case "ctrl", "alt", "shift":
		default:
			return nil, "", fmt.Errorf("%q is no key: before + stands ctrl, alt or shift", text)
		}
		found[mod] = true
		base = after
	}
	for _, mod := range []string{"ctrl", "alt", "shift"} {
		if found[mod] {
			mods = append(mods, mod)
		}
	}
	return mods, base, nil
}

// named is a key that has a name; empty when there is no such key.
func named(name string) string {
	switch name {
	case "return":
		return "enter"
	case "escape":
		return "esc"
	case "spacebar":
		return "space"
	case "pageup", "page-up":
		return "pgup"
	case "pagedown", "page-down", "pgdn":
		return "pgdown"
	case "del":
		return "delete"
	case "ins":
		return "insert"
	case "enter", "tab", "backspace", "esc", "space", "up", "down", "left", "right", "pgup", "pgdown", "home", "end", "delete", "insert":
		return name
	}
	if n, ok := strings.CutPrefix(name, "f"); ok {
		for i := 1; i <= 20; i++ {
			if n == fmt.Sprint(i) {
				return name
			}
		}
	}
	return ""
}

// types is whether a key, by its name, puts a character into an input.
func types(key string) bool { return key == "space" || utf8.RuneCountInString(key) == 1 }
