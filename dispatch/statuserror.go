package dispatch

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/microfox-ai/aiwctl/dispatch/internal/jsontext"
)

// StatusError is a non-2xx answer of the workers API.
//
// errors.Is finds ErrUnauthorized in a 401 and a 403, and ErrUnknownWorker in a
// 404 for a trigger. errors.As finds a *ValidationError in a 400 that lists what
// is wrong with the input, as this module's workers API does.
type StatusError struct {
	// Op is what was being done, such as `trigger worker "echo"`.
	Op string
	// StatusCode is the HTTP status, such as 404.
	StatusCode int
	// Status is the status line, such as "404 Not Found".
	Status string
	// Body is the start of the answer as it came (at most 4 KiB), the key that
	// was sent cut out. It is not safe to print; Error makes it so.
	Body string
	// Location is where a redirect points; it was not followed.
	Location string
	// RetryAfter is how long the server asks to wait; zero when it does not say.
	RetryAfter time.Duration
	// Invalid is what the API found wrong with the input, safe to print; nil when
	// the answer does not say. Its violations have no line and column.
	Invalid *ValidationError
}

// Error is "<op>: <status> [- <body>]", on one line, with a hint where the answer
// has a well-known cause. Of an answer that lists violations it gives these.
func (e *StatusError) Error() string {
	text := e.Op + ": " + jsontext.Printable(cmp.Or(strings.TrimSpace(e.Status), fmt.Sprint(e.StatusCode)))
	if e.Invalid != nil {
		text += " - " + e.violations()
	} else if body := oneLine(e.Body); body != "" {
		text += " - " + body
	}
	switch {
	case e.Location != "":
		text += fmt.Sprintf(" (a redirect to %s, not followed: use that as the base URL)", jsontext.QuoteShort(e.Location))
	case e.StatusCode == http.StatusForbidden && strings.Contains(e.Body, "Missing Authentication Token"):
		text += " (API Gateway answers so for a path it does not have: check the base URL and its stage)"
	case e.StatusCode == http.StatusUnauthorized || e.StatusCode == http.StatusForbidden:
		text += " (check " + envKey + ")"
	}
	return text
}

// violations is the first of them, on one line.
func (e *StatusError) violations() string {
	const most = 5
	var list []string
	left := 0
	for _, v := range e.Invalid.Violations {
		switch {
		case v.Warning:
		case v.More > 0 || len(list) == most:
			left += max(v.More, 1)
		default:
			list = append(list, v.String())
		}
	}
	text := "the input is invalid: " + strings.Join(list, "; ")
	if left > 0 {
		text += fmt.Sprintf("; and %d more", left)
	}
	return text
}

// Is tells the sentinel errors of this package apart by the status.
func (e *StatusError) Is(target error) bool {
	switch e.StatusCode {
	case http.StatusUnauthorized, http.StatusForbidden:
		return errors.Is(target, ErrUnauthorized)
	case http.StatusNotFound:
		return errors.Is(target, ErrUnknownWorker) && strings.HasPrefix(e.Op, "trigger ")
	}
	return false
}

// Unwrap is Invalid, so that a caller need not care who found the violations.
func (e *StatusError) Unwrap() error {
	if e.Invalid == nil {
		return nil
	}
	return e.Invalid
}

// violationsIn reads the violations out of an answer {"error", "violations"}; nil
// when it lists none. They come from outside: their texts are made safe to print.
func violationsIn(body []byte, workerID string, clean func(string) string) *ValidationError {
	var answer struct {
		Violations []Violation `json:"violations"`
	}
	if json.Unmarshal(body, &answer) != nil {
		return nil
	}
	// As many as this package lists itself: errors, warnings, one more of each.
	kept := answer.Violations[:min(len(answer.Violations), 2*jsontext.MaxFindings+2)]
	if Valid(kept) {
		return nil
	}
	for i := range kept {
		v := &kept[i]
		v.Pointer, v.Keyword, v.Message = oneLine(clean(v.Pointer)), oneLine(clean(v.Keyword)), oneLine(clean(v.Message))
		v.Line, v.Column, v.More = max(v.Line, 0), max(v.Column, 0), min(max(v.More, 0), 1<<30)
	}
	return &ValidationError{WorkerID: workerID, Violations: slices.Clip(kept)}
}

// oneLine makes text from outside safe to print: one line, nothing that acts on
// a terminal, not too long.
func oneLine(text string) string {
	const most = 500
	return jsontext.Shorten(jsontext.Printable(strings.Join(strings.FieldsFunc(text, unicode.IsSpace), " ")), most)
}
