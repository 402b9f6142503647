// Package pattern reads and applies the filter patterns of CloudWatch Logs:
// terms in text, conditions on JSON fields, and conditions on space-delimited
// fields.
//
// It follows AWS's own description, "Filter pattern syntax for metric filters,
// subscription filters, filter log events, and Live Tail"
// (https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/FilterAndPatternSyntax.html),
// from which the examples in its tests are taken. Where that description leaves
// a question open, a comment here says what was decided.
package pattern

import (
	"fmt"
	"strings"
)

// MaxLength is the longest pattern AWS accepts, in bytes.
const MaxLength = 1024

// maxRegex is how many regular expressions a JSON or space-delimited pattern
// may contain.
const maxRegex = 2

// Pattern is a filter pattern ready to use. The zero value matches everything.
// It is safe for concurrent use.
type Pattern struct {
	m matcher
}

// matcher decides about one message.
type matcher interface {
	match(message string) bool
}

// SyntaxError says why a pattern was refused.
type SyntaxError struct {
	// Pattern is the text that was refused.
	Pattern string
	// Reason says what is wrong with it.
	Reason string
}

func (e *SyntaxError) Error() string {
	return fmt.Sprintf("Invalid filter pattern: %s", e.Reason)
}

// Parse reads a pattern. An empty one matches every message. The error is a
// *SyntaxError.
func Parse(text string) (*Pattern, error) {
	if len(text) > MaxLength {
		return nil, &SyntaxError{Pattern: text, Reason: fmt.Sprintf("it is %d bytes long and at most %d are allowed", len(text), MaxLength)}
	}
	trimmed := strings.TrimSpace(text)
	var (
		m   matcher
		err error
	)
	switch {
	case trimmed == "":
		return &Pattern{}, nil
	case trimmed[0] == '{':
		m, err = parseJSON(trimmed)
	case trimmed[0] == '[':
		m, err = parseFields(trimmed)
	default:
		m, err = parseText(trimmed)
	}
	if err != nil {
		return nil, &SyntaxError{Pattern: text, Reason: err.Error()}
	}
	return &Pattern{m: m}, nil
}

// Match reports whether a log message fits the pattern.
func (p *Pattern) Match(message string) bool {
	return p.m == nil || p.m.match(message)
}
