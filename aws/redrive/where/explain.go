package where

import (
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"unicode"

	"github.com/expr-lang/expr/file"
)

// maxMessage bounds what is taken over from the library.
const maxMessage = 400

// explainCompile says what is wrong with an expression, and where.
func explainCompile(text string, err error) error {
	if own, ok := errors.AsType[*problem](err); ok {
		return errors.New(place(text, own.at.From) + clean(own.text, 2*maxMessage))
	}
	if ofLibrary, ok := errors.AsType[*file.Error](err); ok {
		return errors.New(place(text, ofLibrary.From) + words(ofLibrary.Message))
	}
	return errors.New(words(err.Error()))
}

// explainMatch says why an expression gives nothing for a letter. What the library
// says may quote the letter, so that only what is known not to is passed on.
func explainMatch(text string, err error) error {
	at := ""
	message := err.Error()
	if ofLibrary, ok := errors.AsType[*file.Error](err); ok {
		at, message = place(text, ofLibrary.From), ofLibrary.Message
	}
	if own, ok := isCannot(err); ok {
		return errors.New(at + own.text)
	}
	for _, known := range failures() {
		if m := known.pattern.FindStringSubmatch(message); m != nil {
			return errors.New(at + known.say(m[1:]))
		}
	}
	return errors.New(at + "this cannot be evaluated for the letter")
}

// place is the position of a character, counted from one; empty for none.
func place(text string, offset int) string {
	line, column, i := 1, 1, 0
	for _, r := range text {
		if i >= offset {
			break
		}
		i++
		column++
		if r == '\n' {
			line, column = line+1, 1
		}
	}
	if strings.Contains(text, "\n") {
		return fmt.Sprintf("line %d, column %d: ", line, column)
	}
	return fmt.Sprintf("column %d: ", column)
}

// saying puts a message of the library into words of ours.
type saying struct {
	pattern *regexp.Regexp
	say     func(parts []string) string
}

// aGoType matches the name of a type of Go, as %T and %v write it.
const aGoType = `(<nil>|nil|unknown|[\w.]+|map\[string\]interface \{\}|map\[string\]struct \{\}|\[\][\w.]+(?: \{\})?|interface \{\})`

// The patterns are compiled when the first mistake is made: every start of the
// program would pay for them otherwise.

// failures are messages of an evaluation. None of their parts is a value.
var failures = sync.OnceValue(func() []saying {
	return []saying{
		{regexp.MustCompile(`^invalid operation: ` + aGoType + ` (<|>|<=|>=|\+|-|\*|/|%) ` + aGoType + `$`), func(p []string) string {
			return operation(p[1], p[0], p[2])
		}},
		{regexp.MustCompile(`^interface conversion: interface \{\} is ` + aGoType + `, not ` + aGoType + `$`), func(p []string) string {
			return aType(p[0]) + " stands where " + aType(p[1]) + " is needed"
		}},
		{regexp.MustCompile(`^operator "in" not defined on ` + aGoType + `$`), func(p []string) string {
			return `"in" needs an array or an object, and this is ` + aType(p[0])
		}},
		{regexp.MustCompile(`^invalid argument for (\w+) \(type ` + aGoType + `\)$`), func(p []string) string {
			return p[0] + "() cannot be asked of " + aType(p[1])
		}},
		{regexp.MustCompile(`^cannot (?:get|take)(?: \w+)? from (invalid|\w+)$`), func([]string) string { return "an array or an object is needed" }},
		{regexp.MustCompile(`^invalid operation: (int|float|bool)\(`), func(p []string) string {
			if p[0] == "bool" {
				return "the expression gives no boolean"
			}
			return "the value cannot be read as a number"
		}},
		{regexp.MustCompile(`^memory budget exceeded$`), func([]string) string { return "the evaluation makes too many elements for this letter" }},
		{regexp.MustCompile(`^runtime error: integer divide by zero$`), func([]string) string { return "a number cannot be divided by zero" }},
		{regexp.MustCompile(`^error parsing regexp: `), func([]string) string { return "the value is no regular expression" }},
	}
})

// mistakes are messages about the expression itself, whose text may be quoted.
var mistakes = sync.OnceValue(func() []saying {
	return []saying{
		{regexp.MustCompile(`^unexpected token EOF$|^unexpected end of expression$`), func([]string) string { return "the expression ends too early" }},
		{regexp.MustCompile(`^unexpected token \w+\("="\)$`), func([]string) string { return `"=" is not expected here: values are compared with ==` }},
		{regexp.MustCompile(`^unexpected token \w+\((".*")\)$`), func(p []string) string {
			token, err := strconv.Unquote(p[0])
			if err != nil {
				token = p[0]
			}
			return quoted(token) + " is not expected here"
		}},
		{regexp.MustCompile(`^unexpected token (\w+)$`), func([]string) string { return "an empty text is not expected here" }},
		{regexp.MustCompile(`^literal not terminated$`), func([]string) string { return "a text is not closed with a quote" }},
		{regexp.MustCompile(`^unrecognized character: \S+ '(.+)'`), func(p []string) string { return quoted(p[0]) + " is not expected here" }},
		{regexp.MustCompile(`^unrecognized character: (U\+\w+)$`), func(p []string) string { return "the character " + p[0] + " is not expected here" }},
		{regexp.MustCompile(`^Operator \((.+)\) and coalesce expressions`), func(p []string) string {
			return "?? and " + p[0] + " stand together: put one of them in parentheses"
		}},
		{regexp.MustCompile(`^invalid integer literal: .*out of range`), func([]string) string { return "the number is too large" }},
		{regexp.MustCompile(`^compilation failed: expression exceeds maximum allowed nodes$`), func([]string) string { return "the expression is too complex" }},
		{regexp.MustCompile(`^invalid operation: (\S+) \(mismatched types ` + aGoType + ` and ` + aGoType + `\)$`), func(p []string) string {
			return operation(p[0], p[1], p[2])
		}},
		{regexp.MustCompile(`^invalid operation: (\S+) \(mismatched type ` + aGoType + `\)$`), func(p []string) string {
			return quoted(p[0]) + " cannot be asked of " + aType(p[1])
		}},
		{regexp.MustCompile(`^expected bool, but got ` + aGoType + `$`), func(p []string) string {
			return "the expression gives " + aType(p[0]) + ", and must give a boolean: compare it with something"
		}},
		{regexp.MustCompile(`^non-bool expression \(type ` + aGoType + `\) used as condition$`), func(p []string) string {
			return aType(p[0]) + " stands where a boolean is needed"
		}},
		{regexp.MustCompile(`^predicate should return boolean \(got ` + aGoType + `\)$`), func(p []string) string {
			return aType(p[0]) + " stands where a boolean is needed"
		}},
		{regexp.MustCompile(`^builtin (\w+) takes only array \(got ` + aGoType + `\)$`), func(p []string) string {
			return p[0] + "() needs an array, and this is " + aType(p[1])
		}},
		{regexp.MustCompile(`^cannot use ` + aGoType + ` as (?:argument \(type|type) ` + aGoType + `\)? (?:to call ?(\w+)|in array|in map key)`), func(p []string) string {
			return aType(p[0]) + " stands where " + aType(p[1]) + " is needed"
		}},
		{regexp.MustCompile(`^(not enough|too many) arguments to call ?(\w+)$`), func(p []string) string { return p[1] + "() has " + p[0] + " values" }},
		{regexp.MustCompile(`^error parsing regexp: (.*)$`), func(p []string) string { return "the regular expression cannot be read: " + p[0] }},
	}
})

// words says in words what the library says of an expression. Its positions and its
// picture of the place are left out, and so is a stack.
func words(message string) string {
	message, _, _ = strings.Cut(message, "\n")
	message = strings.Join(strings.Fields(message), " ")
	for _, known := range mistakes() {
		if m := known.pattern.FindStringSubmatch(message); m != nil {
			return clean(known.say(m[1:]), maxMessage)
		}
	}
	return clean(message, maxMessage)
}

func operation(operator, left, right string) string {
	l, r := aType(left), aType(right)
	switch operator {
	case "==", "!=", "<", ">", "<=", ">=":
		return fmt.Sprintf("%s cannot be compared with %s (%s)", l, r, operator)
	}
	return fmt.Sprintf("%q cannot stand between %s and %s", operator, l, r)
}

// aType names a type of Go as a user knows it, with an article.
func aType(name string) string {
	switch strings.TrimPrefix(name, "*") {
	case "string":
		return "a text"
	case "int", "int64", "float64", "uint8":
		return "a number"
	case "bool":
		return "a boolean"
	case "time.Duration":
		return "a duration"
	case "time.Time", "struct":
		return "a time"
	case "nil", "<nil>", "zero":
		return "null"
	case "unknown", "interface {}":
		return "this"
	case "map":
		return "an object"
	case "slice", "array":
		return "an array"
	case "func":
		return "a function"
	}
	switch {
	case strings.HasPrefix(name, "map["):
		return "an object"
	case strings.HasPrefix(name, "[]"):
		return "an array"
	}
	return "another value"
}

// aValue is aType for a value.
func aValue(v any) string { return aType(fmt.Sprintf("%T", v)) }

// quoted is a piece of the expression for a message.
func quoted(v any) string {
	const most = 60
	s, ok := v.(string)
	if !ok {
		return fmt.Sprint(v)
	}
	return `"` + clean(s, most) + `"`
}

// clean keeps what a terminal shows, and not too much of it.
func clean(s string, most int) string {
	n := 0
	var b strings.Builder
	for _, r := range strings.ToValidUTF8(s, "\uFFFD") {
		if n++; n > most {
			b.WriteString("...")
			break
		}
		if unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r) || r == '\u2028' || r == '\u2029' {
			r = ' '
		}
		b.WriteRune(r)
	}
	return b.String()
}
