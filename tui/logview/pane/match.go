package pane

import (
	"regexp"
	"strings"

	"github.com/microfox-ai/aiwctl/aws/logs"
)

// Matcher looks for a text in lines. The zero value matches every line.
type Matcher struct {
	text   string // lower case
	re     *regexp.Regexp
	invert bool
}

// ParseMatcher reads what a person typed: a text to look for in any case, with a ~ in
// front a regular expression, with a ! before that the lines without it. An expression
// that is not finished yet is an error.
func ParseMatcher(typed string) (Matcher, error) {
	var m Matcher
	rest, inverted := strings.CutPrefix(typed, "!")
	pattern, isRegexp := strings.CutPrefix(rest, "~")
	switch {
	case isRegexp && pattern != "":
		re, err := regexp.Compile("(?i)" + pattern)
		if err != nil {
			return m, err
		}
		m.re, m.invert = re, inverted
	case !isRegexp && rest != "":
		m.text, m.invert = strings.ToLower(rest), inverted
	}
	return m, nil
}

// Empty is whether it matches every line.
func (m *Matcher) Empty() bool { return m.text == "" && m.re == nil }

// Same is whether two match the same lines.
func (m *Matcher) Same(o *Matcher) bool {
	if (m.re == nil) != (o.re == nil) || (m.re != nil && m.re.String() != o.re.String()) {
		return false
	}
	return m.text == o.text && m.invert == o.invert
}

// Matches looks at what is shown of a line and at the whole of it, since ids and fields
// that are not shown are often what somebody looks for.
func (m *Matcher) Matches(l *logs.Line) bool {
	if m.Empty() {
		return true
	}
	return (m.finds(l.Raw) || (l.Text != l.Raw && m.finds(l.Text))) != m.invert
}

func (m *Matcher) finds(s string) bool {
	if m.re != nil {
		return m.re.MatchString(s)
	}
	return indexFold(s, m.text) >= 0
}

// cost is how much work a line is, in bytes: what one chunk of a search may do is
// bounded by it.
func (m *Matcher) cost(l *logs.Line) int {
	switch {
	case m.re != nil:
		// An expression takes some thirty times as long as a text.
		return lineCost + 30*(len(l.Raw)+len(l.Text))
	case m.text != "":
		return lineCost + len(l.Raw) + len(l.Text)
	}
	return lineCost
}

// lineCost is that of looking at a line at all: it is somewhere in memory.
const lineCost = 400

// Hit is a part of a text that a Matcher finds, in bytes.
type Hit struct{ From, To int }

// What is searched for hits to show is bounded: a line may be 256 KiB long.
const (
	hitsWithin = 16 << 10
	hitsMost   = 100
)

// Hits are the places in a text that it matches, in order.
func (m *Matcher) Hits(text string) []Hit {
	if m.invert || m.Empty() {
		return nil
	}
	text = text[:min(len(text), hitsWithin)]
	var out []Hit
	if m.re != nil {
		for _, at := range m.re.FindAllStringIndex(text, hitsMost) {
			if at[1] > at[0] {
				out = append(out, Hit{at[0], at[1]})
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
		i := indexFold(text[at:], m.text)
		if i < 0 {
			break
		}
		out = append(out, Hit{at + i, at + i + len(m.text)})
		at += i + len(m.text)
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
