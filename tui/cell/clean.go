package cell

import (
	"strings"

	"github.com/microfox-ai/aiwctl/aws/logs"
)

// Clean makes text from outside safe to show on one line (see logs.Sanitize), and of a
// width that terminals agree on.
func Clean(s string) string { return evenWidth(logs.Sanitize(s, false)) }

// CleanLines is Clean for text of several lines.
func CleanLines(s string) []string { return strings.Split(evenWidth(logs.Sanitize(s, true)), "\n") }

// The characters that make one picture of several, or another one of the one before.
const (
	joinerZWJ = '\u200d'
	emojiLook = '\ufe0f' // variation selector 16
	textLook  = '\ufe0e' // variation selector 15
	keycap    = '\u20e3'
)

// evenWidth takes composed pictures apart. One terminal draws a family of three people in
// two cells, the next one in six, by whether it knows the composition; Bubble Tea renders
// for either, and is told which only by some. The pictures by themselves, without tints and
// looks, are of one width everywhere.
func evenWidth(s string) string {
	if !composed(s) {
		return s
	}
	var b strings.Builder
	var before rune
	for _, r := range s {
		switch {
		case r == emojiLook, r == textLook, r == keycap, r >= 0x1f3fb && r <= 0x1f3ff: // the last are tints of skin
			continue
		case r == joinerZWJ && pictures(before):
			continue
		}
		b.WriteRune(r)
		before = r
	}
	return b.String()
}

// composed is a cheap look for anything that evenWidth changes.
func composed(s string) bool {
	for i := 0; i+2 < len(s); i++ {
		switch s[i] {
		case 0xe2: // U+200D, U+20E3
			if s[i+1] == 0x80 && s[i+2] == 0x8d || s[i+1] == 0x83 && s[i+2] == 0xa3 {
				return true
			}
		case 0xef: // U+FE0E, U+FE0F
			if s[i+1] == 0xb8 && (s[i+2] == 0x8e || s[i+2] == 0x8f) {
				return true
			}
		case 0xf0: // U+1F3FB and the following
			if s[i+1] == 0x9f && s[i+2] == 0x8f {
				return true
			}
		}
	}
	return false
}

// pictures is whether a character may be part of a composed picture: letters, which
// joiners shape too, are not.
func pictures(r rune) bool { return r >= 0x2190 && r < 0x2c00 || r >= 0x1f000 && r < 0x20000 }
