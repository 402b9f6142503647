// Package schedule reads the schedule expressions of Amazon EventBridge and says
// when they are due: rate(5 minutes) and cron(0 9 ? * MON-FRI *), in UTC.
//
// What is accepted is what AWS documents, so that an expression which is read
// here is one that can be deployed. Source: EventBridge user guide, "Setting a
// schedule pattern for scheduled rules".
package schedule

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

// maxExpression is the longest schedule expression that EventBridge takes.
// Source: PutRule, ScheduleExpression.
const maxExpression = 256

// Schedule is a parsed expression. Make one with Parse; it is immutable and safe
// for concurrent use. The zero value is never due.
type Schedule struct {
	text  string
	every time.Duration // of a rate; zero: cron says when
	cron  cron
}

// Parse reads an expression. The errors name the field that is wrong and what is
// allowed there.
//
// rate(N unit) wants a whole number from 1 and one of minute, hour, day for 1 and
// minutes, hours, days for more. cron(minutes hours day-of-month month day-of-week
// year) wants six fields:
//
//	minutes       0-59              , - * /
//	hours         0-23              , - * /
//	day-of-month  1-31              , - * ? / L W
//	month         1-12 or JAN-DEC   , - * /
//	day-of-week   1-7 or SUN-SAT    , - * ? L #
//	year          1970-2199         , - * /
//
// Exactly one of the two day fields is ?, and the other one decides. A range may
// wrap: 20-2 hours goes on after midnight, FRI-MON over the weekend; only years do
// not. L is the month's last day or, as a day of the week, Saturday; 6L is the
// month's last Friday, 15W the weekday nearest to the 15th within the month, and
// 3#2 the second Tuesday. L, W and # stand alone in their field. A rule begins
// anew with each hour or day: 0/25 minutes are 0, 25 and 50 of every hour.
func Parse(expression string) (*Schedule, error) {
	s, err := parse(expression)
	if err != nil {
		return nil, fmt.Errorf("schedule %q: %w", shorten(expression), err)
	}
	return s, nil
}

func parse(expression string) (*Schedule, error) {
	text := strings.TrimSpace(expression)
	if len(text) > maxExpression {
		return nil, fmt.Errorf("it has %d characters; EventBridge allows %d", len(text), maxExpression)
	}
	kind, rest, found := strings.Cut(text, "(")
	inner, closed := strings.CutSuffix(rest, ")")
	if !found || !closed || kind != "rate" && kind != "cron" {
		return nil, errors.New("it must be rate(N unit) or cron(minutes hours day-of-month month day-of-week year), such as rate(5 minutes) or cron(0 9 ? * MON-FRI *)")
	}
	s := &Schedule{text: text}
	var err error
	if kind == "rate" {
		s.every, err = parseRate(inner)
	} else {
		s.cron, err = parseCron(inner)
	}
	if err != nil {
		return nil, err
	}
	return s, nil
}

func parseRate(text string) (time.Duration, error) {
	fields := strings.Fields(text)
	if len(fields) != 2 {
		return 0, errors.New("a rate is a number and a unit, such as rate(1 hour) or rate(5 minutes)")
	}
	n, err := strconv.ParseUint(fields[0], 10, 31)
	if err != nil || n == 0 {
		return 0, fmt.Errorf("the number %q of the rate must be a whole number from 1", fields[0])
	}
	singular := strings.TrimSuffix(fields[1], "s")
	var unit time.Duration
	switch singular {
	case "minute":
		unit = time.Minute
	case "hour":
		unit = time.Hour
	case "day":
		unit = 24 * time.Hour
	default:
		return 0, fmt.Errorf("the unit %q of the rate must be minute, hour or day, or their plural for more than 1", fields[1])
	}
	want := singular
	if n > 1 {
		want += "s"
	}
	if fields[1] != want {
		return 0, fmt.Errorf("the unit of the rate must be %q with the number %d: EventBridge wants the singular for 1 and the plural otherwise", want, n)
	}
	if n > uint64(math.MaxInt64/unit) {
		return 0, fmt.Errorf("the rate of %d %s is longer than can be reckoned with", n, want)
	}
	return time.Duration(n) * unit, nil
}

// String is the expression as it was given, without spaces around it.
func (s *Schedule) String() string { return s.text }

// Next is the first time after the given one at which the schedule is due, in
// UTC; the zero time when it never is again. A rate counts from the time that is
// given, as EventBridge counts from the moment at which a rule is made: pass the
// last due time to get the one after it.
func (s *Schedule) Next(after time.Time) time.Time {
	after = after.UTC()
	if s.every > 0 {
		return after.Add(s.every)
	}
	return s.cron.next(after)
}

// shorten keeps a long expression from filling a message.
func shorten(text string) string {
	const most = 80
	if len(text) <= most {
		return text
	}
	return text[:most] + "..."
}
