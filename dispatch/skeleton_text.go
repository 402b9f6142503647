package dispatch

import (
	"regexp/syntax"
	"slices"
	"strings"
	"unicode/utf8"
)

// text makes a string: the first candidate that fits every pattern and both
// lengths, else the first of all.
func (k *sketcher) text(m merged) string {
	least, _ := m.integer("minLength")
	most, bounded := m.integer("maxLength")
	format, _ := m.find("format")
	name, _ := format.value.(string)

	var patterns []func(string) bool
	var fitted []string // made for one of the patterns
	candidates := formatSamples(name)
	for _, part := range m.parts {
		source, ok := part.object()["pattern"].(string)
		if !ok {
			continue
		}
		if match, ok := k.schema.check.Pattern(source); ok {
			patterns = append(patterns, match)
		}
		fitted = append(fitted, patternSample(source))
	}
	if len(candidates) == 0 {
		candidates = []string{""}
	}
	if len(patterns) > 0 {
		candidates = append(candidates,
			"a", "A", "0", "abc", "ABC", "123", "a1", "a-b", "example", "00:00", "2026-01-01",
			"https://example.com", "user@example.com", "00000000-0000-4000-8000-000000000000", "Passw0rd!")
		candidates = append(candidates, fitted...)
		// A beginning and an end, each with its own pattern.
		candidates = append(candidates, strings.Join(fitted, ""))
	}
	// A candidate that is too short may do when it is made longer.
	for _, c := range slices.Clone(candidates) {
		if n := utf8.RuneCountInString(c); n < least {
			filler := "x"
			if c != "" {
				filler = c[len(c)-1:]
			}
			candidates = append(candidates, c+strings.Repeat(filler, least-n))
		}
	}
	for _, c := range candidates {
		n := utf8.RuneCountInString(c)
		if n < least || bounded && n > most {
			continue
		}
		if !slices.ContainsFunc(patterns, func(match func(string) bool) bool { return !match(c) }) {
			return c
		}
	}
	return candidates[0]
}

// formatSamples are values of a string format, of JSON Schema or of Zod; none for
// an unknown one.
func formatSamples(name string) []string {
	switch name {
	case "uri", "url", "iri", "uri-reference", "iri-reference", "uri-template":
		return []string{"https://example.com"}
	case "email", "idn-email":
		return []string{"user@example.com"}
	case "date-time":
		return []string{"2026-01-01T00:00:00Z", "2026-01-01T00:00:00"}
	case "date":
		return []string{"2026-01-01"}
	case "time":
		return []string{"00:00:00Z", "00:00:00"} // Zod's has no zone
	case "duration":
		return []string{"PT1M"}
	case "uuid", "guid":
		return []string{
			"00000000-0000-4000-8000-000000000000", "00000000-0000-7000-8000-000000000000",
			"00000000-0000-6000-8000-000000000000", "00000000-0000-1000-8000-000000000000",
		}
	case "hostname", "idn-hostname":
		return []string{"example.com"}
	case "ipv4":
		return []string{"127.0.0.1"}
	case "ipv6":
		return []string{"::1"}
	case "cidrv4":
		return []string{"192.0.2.0/24"}
	case "cidrv6":
		return []string{"2001:db8::/32"}
	case "e164":
		return []string{"+12025550100"}
	case "semver":
		return []string{"1.0.0"}
	}
	return nil
}

// patternSample makes a short text that fits a regular expression, if Go can read
// that; it looks neither around nor back, so the caller checks it.
func patternSample(source string) string {
	re, err := syntax.Parse(source, syntax.Perl)
	if err != nil {
		return ""
	}
	var b strings.Builder
	writeMatch(&b, re.Simplify())
	return b.String()
}

func writeMatch(b *strings.Builder, re *syntax.Regexp) {
	if b.Len() > maxSketchValues {
		return
	}
	switch re.Op { //nolint:exhaustive // the other operators match the empty text
	case syntax.OpLiteral:
		b.WriteString(string(re.Rune))
	case syntax.OpCharClass:
		b.WriteRune(pickRune(re.Rune))
	case syntax.OpAnyChar, syntax.OpAnyCharNotNL:
		b.WriteByte('a')
	case syntax.OpCapture, syntax.OpPlus, syntax.OpAlternate:
		if len(re.Sub) > 0 {
			writeMatch(b, re.Sub[0])
		}
	case syntax.OpRepeat:
		for range re.Min {
			writeMatch(b, re.Sub[0])
		}
	case syntax.OpConcat:
		for _, sub := range re.Sub {
			writeMatch(b, sub)
		}
	}
}

// pickRune takes a plain character out of a class, given as pairs of bounds.
func pickRune(ranges []rune) rune {
	for _, plain := range "a0A-_" {
		for i := 0; i+1 < len(ranges); i += 2 {
			if ranges[i] <= plain && plain <= ranges[i+1] {
				return plain
			}
		}
	}
	if len(ranges) == 0 {
		return 'a'
	}
	return ranges[0]
}
