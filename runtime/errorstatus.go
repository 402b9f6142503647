package runtime

import (
	"reflect"
	"strings"
	"time"
)

// statusOf is the HTTP status that an error, or one that it wraps, stands for; 0
// when none says. API clients do not agree on a form, so the common ones are
// tried in turn on each error of the chain, the outermost first.
func statusOf(err error) int {
	status := 0
	walkErrors(err, func(e error) bool {
		status = ownStatus(e)
		return status == 0
	})
	return status
}

func ownStatus(err error) int {
	switch e := err.(type) { //nolint:errorlint // the chain is walked by the caller
	case interface{ StatusCode() int }:
		return plausible(int64(e.StatusCode()))
	case interface{ HTTPStatusCode() int }:
		return plausible(int64(e.HTTPStatusCode()))
	}
	for _, name := range []string{"StatusCode", "HTTPStatusCode"} {
		if f := ownField(err, name); f.IsValid() && f.CanInt() {
			return plausible(f.Int())
		}
	}
	return 0
}

// ownField is an exported field of the struct that an error is, or points to; the
// zero Value when there is none.
func ownField(err error, name string) reflect.Value {
	v := reflect.ValueOf(err)
	if v.Kind() == reflect.Pointer {
		v = v.Elem()
	}
	if v.Kind() != reflect.Struct {
		return reflect.Value{}
	}
	field, ok := v.Type().FieldByName(name)
	if !ok || !field.IsExported() || len(field.Index) != 1 {
		return reflect.Value{}
	}
	return v.FieldByIndex(field.Index)
}

// plausible drops a number that is no HTTP status, such as the zero of a request
// that got no answer.
func plausible(status int64) int {
	if status < 100 || status > 599 {
		return 0
	}
	return int(status)
}

// retryAfter is how long an error, or one that it wraps, asks to wait: by a method or
// an exported field RetryAfter. Zero is as good as none: a server that says so has
// not thought about it.
func retryAfter(err error) (after time.Duration, ok bool) {
	walkErrors(err, func(e error) bool {
		if m, has := e.(interface{ RetryAfter() time.Duration }); has {
			after = m.RetryAfter()
		} else if f := ownField(e, "RetryAfter"); f.IsValid() {
			after, _ = f.Interface().(time.Duration)
		}
		return after <= 0
	})
	return max(after, 0), after > 0
}

// walkErrors visits err and what it wraps, depth first, until visit returns false.
func walkErrors(err error, visit func(error) bool) bool {
	for err != nil {
		if !visit(err) {
			return false
		}
		switch e := err.(type) { //nolint:errorlint // this is the walk
		case interface{ Unwrap() []error }:
			for _, part := range e.Unwrap() {
				if !walkErrors(part, visit) {
					return false
				}
			}
			return true
		case interface{ Unwrap() error }:
			err = e.Unwrap()
		default:
			return true
		}
	}
	return true
}

// hasWords reports whether one of the phrases stands in the text between word
// boundaries, whatever its letter case.
func hasWords(text string, phrases ...string) bool {
	text = strings.ToLower(text)
	for _, phrase := range phrases {
		for at := 0; ; {
			i := strings.Index(text[at:], phrase)
			if i < 0 {
				break
			}
			start := at + i
			end := start + len(phrase)
			if !wordByte(text, start-1) && !wordByte(text, end) {
				return true
			}
			at = end
		}
	}
	return false
}

func wordByte(s string, i int) bool {
	if i < 0 || i >= len(s) {
		return false
	}
	c := s[i]
	return c == '_' || c >= 0x80 || isAlphanumeric(rune(c))
}
