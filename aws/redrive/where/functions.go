package where

import (
	"encoding/base64"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/expr-lang/expr"
	"github.com/expr-lang/expr/vm/runtime"
)

// budget is what is left of the work that one evaluation may do: bytes of text made,
// and steps of loops. The library bounds neither.
type budget int

const (
	maxWork  = 8 << 20
	stepWork = 8 // so that one loop over the largest message passes
	jsonWork = 8 // for a byte of JSON, which takes more to read than to copy
)

var errBudget = &cannot{"the evaluation takes too long for this letter"}

func (b *budget) spend(n int) error {
	if *b -= budget(n); *b < 0 {
		return errBudget
	}
	return nil
}

// cannot is why an expression gives nothing for a letter, without a word of it.
type cannot struct{ text string }

func (e *cannot) Error() string { return e.text }

// own is a function that the patcher puts into a tree. Its name has a space, so that
// nobody can write it.
type own struct {
	call func(args ...any) (any, error)
	// sign is a nil function of its signature, for the checker.
	sign any
	// spends is whether its first argument is the budget.
	spends bool
}

const (
	fnMember  = " member"
	fnTruth   = " truth"
	fnList    = " list"
	fnSeconds = " seconds"
	fnAdd     = " add"
	fnConcat  = " concat"
	fnStep    = " step"
)

// owns are our functions by name. Those named as one of the library's, after the
// space, stand in for it.
var owns = map[string]own{
	fnMember:  {call: func(a ...any) (any, error) { return member(a[0], a[1]) }, sign: new(func(any, any) any)},
	fnTruth:   {call: func(a ...any) (any, error) { return truth(a[0]) }, sign: new(func(any) bool)},
	fnList:    {call: func(a ...any) (any, error) { return list(a[0]) }, sign: new(func(any) any)},
	fnSeconds: {call: func(a ...any) (any, error) { return seconds(a[0]) }, sign: new(func(any) time.Duration)},
	fnAdd: {spends: true, sign: new(func(*budget, any, any) any), call: func(a ...any) (any, error) {
		if x, ok := a[1].(string); ok {
			if y, ok := a[2].(string); ok {
				return concat(a[0].(*budget), x, y)
			}
		}
		return runtime.Add(a[1], a[2]), nil
	}},
	fnConcat: {spends: true, sign: new(func(*budget, string, string) string), call: func(a ...any) (any, error) {
		return concat(a[0].(*budget), a[1].(string), a[2].(string))
	}},
	fnStep: {spends: true, sign: new(func(*budget) bool), call: func(a ...any) (any, error) {
		return true, a[0].(*budget).spend(stepWork)
	}},
	" duration": {call: func(a ...any) (any, error) { return seconds(a[0]) }, sign: new(func(any) time.Duration)},
	" date": {sign: new(func(string) time.Time), call: func(a ...any) (any, error) {
		at, ok := parseDate(a[0].(string))
		if !ok {
			return nil, &cannot{"the value is no date"}
		}
		return at, nil
	}},
	" string": {sign: new(func(any) string), call: func(a ...any) (any, error) { return scalarText(a[0]) }},
	" upper": {spends: true, sign: new(func(*budget, string) string), call: func(a ...any) (any, error) {
		s := a[1].(string)
		return strings.ToUpper(s), a[0].(*budget).spend(len(s))
	}},
	" lower": {spends: true, sign: new(func(*budget, string) string), call: func(a ...any) (any, error) {
		s := a[1].(string)
		return strings.ToLower(s), a[0].(*budget).spend(len(s))
	}},
	" split": {spends: true, sign: new(func(*budget, string, string) []string), call: func(a ...any) (any, error) {
		s, by := a[1].(string), a[2].(string)
		const header = 16 // of each part
		if err := a[0].(*budget).spend(header * (strings.Count(s, by) + 1)); err != nil {
			return nil, err
		}
		return strings.Split(s, by), nil
	}},
	" fromBase64": {spends: true, sign: new(func(*budget, string) string), call: func(a ...any) (any, error) {
		s := a[1].(string)
		if err := a[0].(*budget).spend(len(s)); err != nil {
			return nil, err
		}
		out, err := base64.StdEncoding.DecodeString(s)
		if err != nil {
			return nil, &cannot{"the value is no base64"}
		}
		return string(out), nil
	}},
	" fromJSON": {spends: true, sign: new(func(*budget, string) any), call: func(a ...any) (any, error) {
		s := a[1].(string)
		if err := a[0].(*budget).spend(jsonWork * len(s)); err != nil {
			return nil, err
		}
		v, err := decode([]byte(s))
		if err != nil || s == "" {
			return nil, &cannot{"the value is not JSON"}
		}
		return v, nil
	}},
	" keys":   {spends: true, sign: new(func(*budget, any) []any), call: func(a ...any) (any, error) { return entries(a[0].(*budget), a[1], false) }},
	" values": {spends: true, sign: new(func(*budget, any) []any), call: func(a ...any) (any, error) { return entries(a[0].(*budget), a[1], true) }},
}

// ownFunctions makes them known to the library.
var ownFunctions = func() []expr.Option {
	out := make([]expr.Option, 0, len(owns))
	for _, name := range slices.Sorted(maps.Keys(owns)) {
		out = append(out, expr.Function(name, owns[name].call, owns[name].sign))
	}
	return out
}()

// result is the type of what an own function gives.
func (o own) result() reflect.Type { return reflect.TypeOf(o.sign).Elem().Out(0) }

// member is base.key or base[key]: null where the base is null or has no such member.
func member(base, key any) (any, error) {
	switch b := base.(type) {
	case nil:
		return nil, nil
	case map[string]any:
		if name, ok := key.(string); ok {
			return b[name], nil
		}
		return nil, &cannot{"the members of an object have names, and " + aValue(key) + " is none"}
	case []any:
		i, err := index(key, len(b))
		if err != nil || i < 0 {
			return nil, err
		}
		return b[i], nil
	case []string:
		i, err := index(key, len(b))
		if err != nil || i < 0 {
			return nil, err
		}
		return b[i], nil
	case []int:
		i, err := index(key, len(b))
		if err != nil || i < 0 {
			return nil, err
		}
		return b[i], nil
	}
	return nil, &cannot{aValue(base) + " has no members"}
}

// index is where an element is, counted from the end when negative; -1: nowhere.
func index(key any, length int) (int, error) {
	i, ok := key.(int)
	if !ok {
		return -1, &cannot{"an array's elements have numbers: use any(..., .name == 1), or [0] for the first"}
	}
	if i < 0 {
		i += length
	}
	if i < 0 || i >= length {
		return -1, nil
	}
	return i, nil
}

func truth(v any) (any, error) {
	switch v := v.(type) {
	case nil:
		return false, nil
	case bool:
		return v, nil
	}
	return nil, &cannot{aValue(v) + " stands where a boolean is needed"}
}

// list refuses what the library would take for an array, or fail on without a word.
func list(v any) (any, error) {
	switch v.(type) {
	case []any, []string, []int:
		return v, nil
	}
	return nil, &cannot{"an array is needed, and this is " + aValue(v)}
}

// seconds reads a duration: a text such as "1d12h", or a number of seconds. Null
// stays null.
func seconds(v any) (any, error) {
	switch v := v.(type) {
	case nil:
		return nil, nil
	case time.Duration:
		return v, nil
	case int:
		return float64Seconds(float64(v))
	case float64:
		return float64Seconds(v)
	case string:
		if d, ok := parseDuration(v); ok {
			return d, nil
		}
		return nil, &cannot{"the value is no duration"}
	}
	return nil, &cannot{aValue(v) + " is no duration"}
}

var errLongDuration = &cannot{"the duration is too long"}

func float64Seconds(s float64) (any, error) {
	const most = float64(1<<63-1) / float64(time.Second)
	if !(s > -most && s < most) { // NaN is neither
		return nil, errLongDuration
	}
	return time.Duration(s * float64(time.Second)), nil
}

// parseDuration is time.ParseDuration with days in front: "2d", "1d12h".
func parseDuration(text string) (time.Duration, bool) {
	text = strings.TrimSpace(text)
	days, rest, found := strings.Cut(text, "d")
	if !found {
		days, rest = "0", text
	}
	n, err := strconv.ParseFloat(days, 64)
	if err != nil || found && strings.ContainsAny(days, "eExXpPiInN_") {
		return 0, false
	}
	var d time.Duration
	if rest != "" {
		if d, err = time.ParseDuration(rest); err != nil || found && (rest[0] == '-' || rest[0] == '+') {
			return 0, false
		}
	} else if !found {
		return 0, false
	}
	const most = float64(1<<62) / float64(24*time.Hour)
	if n < -most || n > most || d > 1<<62 || d < -(1<<62) {
		return 0, false
	}
	whole := time.Duration(n * float64(24*time.Hour))
	if strings.HasPrefix(days, "-") {
		return whole - d, true
	}
	return whole + d, true
}

// dateLayouts are the forms of a date; without a zone it is UTC.
var dateLayouts = []string{time.DateOnly, time.RFC3339, time.DateTime, "2006-01-02T15:04:05", "2006-01-02T15:04", "2006-01-02 15:04"}

func parseDate(text string) (time.Time, bool) {
	for _, layout := range dateLayouts {
		if at, err := time.Parse(layout, strings.TrimSpace(text)); err == nil {
			return at, true
		}
	}
	return time.Time{}, false
}

func concat(b *budget, x, y string) (any, error) {
	if err := b.spend(len(x) + len(y)); err != nil {
		return nil, err
	}
	return x + y, nil
}

// scalarText writes a value that is no array and no object, which could be of any
// length.
func scalarText(v any) (any, error) {
	switch v := v.(type) {
	case string:
		return v, nil
	case nil:
		return "null", nil
	case time.Time:
		return v.UTC().Format(time.RFC3339), nil
	case bool, int, float64, time.Duration:
		return fmt.Sprint(v), nil
	}
	return nil, &cannot{aValue(v) + " cannot be written as a text"}
}

// entries are the names or the values of an object, in the order of the names.
func entries(b *budget, v any, values bool) (any, error) {
	object, ok := v.(map[string]any)
	if !ok {
		return nil, &cannot{aValue(v) + " is no object"}
	}
	const entry = 32
	if err := b.spend(entry * len(object)); err != nil {
		return nil, err
	}
	out := make([]any, 0, len(object))
	for _, name := range slices.Sorted(maps.Keys(object)) {
		if values {
			out = append(out, object[name])
		} else {
			out = append(out, name)
		}
	}
	return out, nil
}

// isCannot finds our own words in an error of the library.
func isCannot(err error) (*cannot, bool) { return errors.AsType[*cannot](err) }
