package dispatch

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
	// maxQuoted is how many characters of a value stand in a message.
	maxQuoted = 60
	// maxListed is how many allowed values stand in a message.
	maxListed = 12
)

// quoteShort quotes text for a message: shortened, control characters escaped.
func quoteShort(s string) string {
	return strconv.Quote(shorten(s, maxQuoted))
}

// shorten keeps at most n characters.
func shorten(s string, n int) string {
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

// printable replaces what could act on a terminal or break a line.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if r == utf8.RuneError || !unicode.IsPrint(r) {
			return '\ufffd'
		}
		return r
	}, s)
}

// typeName is a JSON type with its article.
func typeName(name string) string {
	switch name {
	case "null":
		return "null"
	case "array", "object", "integer":
		return "an " + name
	}
	return "a " + name
}

// describe says what a JSON value is.
func describe(v any) string {
	switch v := v.(type) {
	case map[string]any:
		return "an object"
	case []any:
		return "an array"
	case string:
		return "a string (" + quoteShort(v) + ")"
	case bool:
		return "a boolean (" + strconv.FormatBool(v) + ")"
	case json.Number:
		return "a number (" + shorten(string(v), maxQuoted) + ")"
	}
	return "null"
}

// literal writes a JSON value for a message.
func literal(v any) string {
	switch v := v.(type) {
	case string:
		return quoteShort(v)
	case json.Number:
		return shorten(string(v), maxQuoted)
	}
	out, err := marshalPlain(v)
	if err != nil {
		return describe(v)
	}
	return printable(shorten(string(out), maxQuoted))
}

// alternatives lists what is allowed: a, b or c.
func alternatives(all []string) string {
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

// ratio writes an exact number as a person would.
func ratio(r *big.Rat) string {
	if r.IsInt() {
		return shorten(r.Num().String(), maxQuoted)
	}
	digits, _ := r.FloatPrec()
	text := strings.TrimRight(r.FloatString(min(digits, 20)), "0")
	if text == "0." || text == "-0." {
		f, _ := r.Float64()
		return strconv.FormatFloat(f, 'g', -1, 64)
	}
	return strings.TrimSuffix(text, ".")
}

// count writes a number of things.
func count(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return strconv.Itoa(n) + " " + many
}
