package jsontext

import (
	"encoding/json"
	"math/big"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

const (
	// MaxQuoted is how many characters of a value stand in a message.
	MaxQuoted = 60
	// maxListed is how many allowed values stand in a message.
	maxListed = 12
)

// QuoteShort quotes text for a message: shortened, control characters escaped.
func QuoteShort(s string) string {
	return strconv.Quote(Shorten(s, MaxQuoted))
}

// Shorten keeps at most n characters.
func Shorten(s string, n int) string {
	if len(s) <= n {
		return s
	}
	kept := 0
	for i := range s {
		if kept == n {
			return s[:i] + "…"
		}
		kept++
	}
	return s
}

// Printable replaces what could act on a terminal or break a line.
func Printable(s string) string {
	return strings.Map(func(r rune) rune {
		if r == utf8.RuneError || !unicode.IsPrint(r) {
			return '\ufffd'
		}
		return r
	}, s)
}

// TypeName is a JSON type with its article.
func TypeName(name string) string {
	switch name {
	case "null":
		return "null"
	case "array", "object", "integer":
		return "an " + name
	}
	return "a " + name
}

// Describe says what a JSON value is.
func Describe(v any) string {
	switch v := v.(type) {
	case map[string]any:
		return "an object"
	case []any:
		return "an array"
	case string:
		return "a string (" + QuoteShort(v) + ")"
	case bool:
		return "a boolean (" + strconv.FormatBool(v) + ")"
	case json.Number:
		return "a number (" + Shorten(string(v), MaxQuoted) + ")"
	}
	return "null"
}

// Literal writes a JSON value for a message.
func Literal(v any) string {
	switch v := v.(type) {
	case string:
		return QuoteShort(v)
	case json.Number:
		return Shorten(string(v), MaxQuoted)
	}
	out, err := Marshal(v)
	if err != nil {
		return Describe(v)
	}
	return Printable(Shorten(string(out), MaxQuoted))
}

// Alternatives lists what is allowed: a, b or c.
func Alternatives(all []string) string {
	all = slices.Compact(slices.Clone(all))
	total := len(all)
	if total > maxListed {
		return strings.Join(all[:maxListed], ", ") + ", … (" + strconv.Itoa(total) + " in all)"
	}
	if total == 1 {
		return all[0]
	}
	return strings.Join(all[:total-1], ", ") + " or " + all[total-1]
}

// Ratio writes an exact number as a person would.
func Ratio(r *big.Rat) string {
	if r.IsInt() {
		return Shorten(r.Num().String(), MaxQuoted)
	}
	digits, _ := r.FloatPrec()
	text := strings.TrimRight(r.FloatString(min(digits, 20)), "0")
	if text == "0." || text == "-0." {
		f, _ := r.Float64()
		return strconv.FormatFloat(f, 'g', -1, 64)
	}
	return strings.TrimSuffix(text, ".")
}

// Count writes a number of things.
func Count(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return strconv.Itoa(n) + " " + many
}
