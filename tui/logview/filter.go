package logview

import (
	"regexp"
	"strings"

	"github.com/microfox-ai/aiwctl/aws/logs"
)

// filter decides which lines are shown. The zero value keeps all.
type filter struct {
	level  logs.Level
	text   string // lower case
	re     *regexp.Regexp
	invert bool
}

// parseFilter reads what a person typed: a text to look for in any case, with a
// ~ in front a regular expression, with a ! before that the lines without it.
// A regular expression that is not finished yet is an error; the text before it
// stays in force.
func parseFilter(typed string, level logs.Level) (filter, error) {
	f := filter{level: level}
	rest, inverted := strings.CutPrefix(typed, "!")
	pattern, isRegexp := strings.CutPrefix(rest, "~")
	switch {
	case isRegexp && pattern != "":
		re, err := regexp.Compile("(?i)" + pattern)
		if err != nil {
			return f, err
		}
		f.re, f.invert = re, inverted
	case !isRegexp && rest != "":
		f.text, f.invert = strings.ToLower(rest), inverted
	}
	return f, nil
}

// empty is whether every line is kept.
func (f *filter) empty() bool { return f.level == logs.LevelNone && f.text == "" && f.re == nil }

// same is whether two filters keep the same lines.
func (f *filter) same(g *filter) bool {
	if (f.re == nil) != (g.re == nil) || (f.re != nil && f.re.String() != g.re.String()) {
		return false
	}
	return f.level == g.level && f.text == g.text && f.invert == g.invert
}

// keeps looks at what is shown of a line and at the whole of it, since ids and
// fields that are not shown are often what somebody looks for.
func (f *filter) keeps(l *logs.Line) bool {
	// A line without a level, a START or a bare print, is not below any: it goes
	// when somebody asks for a level.
	if f.level > logs.LevelNone && l.Level < f.level {
		return false
	}
	if f.re == nil && f.text == "" {
		return true
	}
	return (f.finds(l.Raw) || (l.Text != l.Raw && f.finds(l.Text))) != f.invert
}

func (f *filter) finds(s string) bool {
	if f.re != nil {
		return f.re.MatchString(s)
	}
	return indexFold(s, f.text) >= 0
}

// cost is how much work a line is, in bytes: what one chunk of a search may do
// is bounded by it.
func (f *filter) cost(l *logs.Line) int {
	switch {
	case f.re != nil:
		// An expression takes some twenty times as long as a text.
		return 64 + 20*(len(l.Raw)+len(l.Text))
	case f.text != "":
		return 64 + len(l.Raw) + len(l.Text)
	}
	return 16
}

// hit is a part of a text that the filter looks for, in bytes.
type hit struct{ from, to int }

// What is searched for hits to show is bounded: a line may be 256 KiB long.
const (
	hitsWithin = 16 << 10
	hitsMost   = 100
)

// hits are the places in a text that made the filter keep it, in order.
func (f *filter) hits(text string) []hit {
	if f.invert || (f.re == nil && f.text == "") {
		return nil
	}
	text = text[:min(len(text), hitsWithin)]
	var out []hit
	if f.re != nil {
		for _, at := range f.re.FindAllStringIndex(text, hitsMost) {
			if at[1] > at[0] {
				out = append(out, hit{at[0], at[1]})
			}
		}
		return out
	}
	if !ascii(text) {
		low := strings.ToLower(text)
		if len(low) != len(text) {
			return nil // the places in one are not those in the other
		}
		text = low
	}
	for at := 0; len(out) < hitsMost; {
		i := indexFold(text[at:], f.text)
		if i < 0 {
			break
		}
		out = append(out, hit{at + i, at + i + len(f.text)})
		at += i + len(f.text)
	}
	return out
}

func ascii(s string) bool {
	for i := range len(s) {
		if s[i] >= 0x80 {
			return false
		}
	}
	return true
}

// indexFold is strings.Index in any case; low, which is not empty, is lower case
// already. ASCII is searched without a copy, since a search goes through a
// hundred thousand lines.
func indexFold(s, low string) int {
	first := low[0]
	if first >= 0x80 || !ascii(s) {
		return strings.Index(strings.ToLower(s), low)
	}
	upper := first
	if 'a' <= first && first <= 'z' {
		upper -= 'a' - 'A'
	}
	for i := 0; i+len(low) <= len(s); i++ {
		if s[i] != first && s[i] != upper {
			continue
		}
		j := 1
		for j < len(low) && lower(s[i+j]) == low[j] {
			j++
		}
		if j == len(low) {
			return i
		}
	}
	return -1
}

func lower(c byte) byte {
	if 'A' <= c && c <= 'Z' {
		return c + 'a' - 'A'
	}
	return c
}

// nextLevel is what the level key goes through.
func nextLevel(l logs.Level) logs.Level {
	switch l {
	case logs.LevelNone, logs.LevelDebug:
		return logs.LevelInfo
	case logs.LevelInfo:
		return logs.LevelWarn
	case logs.LevelWarn:
		return logs.LevelError
	default:
		return logs.LevelNone
	}
}
