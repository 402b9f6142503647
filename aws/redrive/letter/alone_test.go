package letter

import (
	"encoding/json"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"
)

func TestActs(t *testing.T) {
	t.Parallel()
	for r := range rune(unicode.MaxRune + 1) {
		if want := unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r); acts(r) != want {
			t.Errorf("%U acts: %v", r, !want)
		}
	}
}

// Every byte, at every place of the eight that are looked at together.
func TestPlain(t *testing.T) {
	t.Parallel()
	for c := range rune(0x180) {
		odd := c == '"' || c == '\\' || acts(c)
		for at := range 20 {
			s := strings.Repeat("a", at) + string(c) + `~!#[]^ {}`
			want := len(s)
			if odd {
				want = at
			}
			if got := plain(s, 0); got != want {
				t.Errorf("%q ends at %d, want %d", s, got, want)
			}
			if got := plain(s+s, at); odd && got != at || !odd && got != 2*len(s) {
				t.Errorf("%q from %d ends at %d", s+s, at, got)
			}
		}
	}
}

// alone says it slowly.
func alone(body string) bool {
	if body == "" || !strings.ContainsAny(body[:1], "{[") || !strings.ContainsAny(body[len(body)-1:], "}]") {
		return false
	}
	for _, r := range body {
		if acts(r) || breaks(r) || r == utf8.RuneError {
			return false
		}
	}
	return json.Valid([]byte(body))
}

func FuzzStandsAlone(f *testing.F) {
	for _, body := range []string{
		`{}`, `[]`, `[ ]`, `{"a":1}`, `{"a":1,}`, `{,}`, `{"a"}`, `{"a":}`, `{a:1}`, `{'a':1}`, `{"a":1 "b":2}`, `{"a":1}}`, `{} {}`, `{ "a" : [ 1 , 2 ] } `,
		`[1,2,]`, `[,1]`, `[1 2]`, `[`, `[1`, `[1,`, `{`, `{"`, `{"a`, `{"a"`, `{"a":1`, `{"a":1,`, `{"a":1,"b`, `[]]`, `[{}]`, `[[],[[]]]`,
		`[0]`, `[-0]`, `[01]`, `[-]`, `[1.]`, `[.5]`, `[1.5e]`, `[1.5e+]`, `[1.5E-07]`, `[1e5]`, `[+1]`, `[1e]`, `[0x1]`, `[-01]`, `[1e05]`, `[00]`, `[0.0]`,
		`[true]`, `[false]`, `[null]`, `[tru]`, `[nul`, `[truefalse]`, `[NaN]`,
		`["\u00e5"]`, `["\u00E5"]`, `["\u00g0"]`, `["\u00"]`, `["\u`, `["\`, `["\x"]`, `["\"\\\/\b\f\n\r\t"]`, `["a]`, `["å😀"]`, "[\"\xff\"]", "[\"\ufffd\"]", "[\"\u2028\"]",
		"[\n]", "[\"\n\"]", "[\"\u009b\"]", "[\"\u202e\"]", "\ufeff{}", `"a"`, `5`, ``, ` {}`,
	} {
		f.Add(body)
	}
	f.Fuzz(func(t *testing.T, body string) {
		got, want := standsAlone(body), alone(body)
		if got == want {
			return
		}
		if want && strings.Count(body, "[")+strings.Count(body, "{") > 64 {
			return // too deep, perhaps
		}
		t.Errorf("%q stands alone: %v, want %v", body, got, want)
	})
}

// encoding/json reads lines of 10,000 levels, and the line is one.
func TestDeepest(t *testing.T) {
	t.Parallel()
	for depth, want := range map[int]bool{1: true, 60: true, 70: false, 10_000: false, 3_000_000: false} {
		if got := standsAlone(strings.Repeat("[", depth) + strings.Repeat("]", depth)); got != want {
			t.Errorf("%d levels stand alone: %v", depth, got)
		}
	}
}
