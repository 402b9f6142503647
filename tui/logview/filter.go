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

func (f *filter) keeps(l *logs.Line) bool {
	// A line without a level, a START or a bare print, is not below any: it goes
	// when somebody asks for a level.
	if f.level > logs.LevelNone && l.Level < f.level {
		return false
	}
	switch {
	case f.re != nil:
		return (f.re.MatchString(l.Text) || f.re.MatchString(l.Raw)) != f.invert
	case f.text != "":
		return (containsFold(l.Text, f.text) || containsFold(l.Raw, f.text)) != f.invert
	}
	return true
}

// containsFold is strings.Contains in any case; low is lower case already. The
// ASCII path makes no copy, since it runs over a hundred thousand lines when the
// filter changes.
func containsFold(s, low string) bool {
	if len(low) > len(s) {
		return false
	}
	for i := range len(s) {
		if s[i] >= 0x80 {
			return strings.Contains(strings.ToLower(s), low)
		}
	}
	first := low[0]
	for i := 0; i+len(low) <= len(s); i++ {
		if lower(s[i]) != first {
			continue
		}
		j := 1
		for j < len(low) && lower(s[i+j]) == low[j] {
			j++
		}
		if j == len(low) {
			return true
		}
	}
	return false
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
