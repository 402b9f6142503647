package schedule_test

import (
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/microfox-ai/aiwctl/dispatch/schedule"
)

// minute is how the tests write times.
const minute = "Mon 2006-01-02 15:04"

func at(t testing.TB, text string) time.Time {
	t.Helper()
	parsed, err := time.ParseInLocation("2006-01-02 15:04", text, time.UTC)
	if err != nil {
		t.Fatal(err)
	}
	return parsed
}

func parse(t testing.TB, expression string) *schedule.Schedule {
	t.Helper()
	s, err := schedule.Parse(expression)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// The examples of AWS's documentation: EventBridge user guide, "Setting a schedule
// pattern", and EventBridge Scheduler user guide, "Schedule types".
func TestDocumentedExamples(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		expression, from string
		want             []string
	}{
		{"cron(0 10 * * ? *)", "2026-01-01 10:00", []string{"Fri 2026-01-02 10:00", "Sat 2026-01-03 10:00"}},
		{"cron(15 12 * * ? *)", "2026-01-01 00:00", []string{"Thu 2026-01-01 12:15", "Fri 2026-01-02 12:15"}},
		{"cron(0 18 ? * MON-FRI *)", "2026-01-02 18:00", []string{"Mon 2026-01-05 18:00", "Tue 2026-01-06 18:00"}},
		{"cron(0 8 1 * ? *)", "2026-01-02 00:00", []string{"Sun 2026-02-01 08:00", "Sun 2026-03-01 08:00"}},
		{"cron(0/15 * * * ? *)", "2026-01-01 00:01", []string{"Thu 2026-01-01 00:15", "Thu 2026-01-01 00:30", "Thu 2026-01-01 00:45", "Thu 2026-01-01 01:00"}},
		{"cron(0/10 * ? * MON-FRI *)", "2026-01-02 23:45", []string{"Fri 2026-01-02 23:50", "Mon 2026-01-05 00:00"}},
		{"cron(0/5 8-17 ? * MON-FRI *)", "2026-01-02 17:50", []string{"Fri 2026-01-02 17:55", "Mon 2026-01-05 08:00"}},
		// From ten in the evening to two in the morning, on weekdays: on Monday
		// morning too, although that night began on Sunday.
		{"cron(0/30 20-2 ? * MON-FRI *)", "2026-01-02 23:30", []string{"Mon 2026-01-05 00:00", "Mon 2026-01-05 00:30", "Mon 2026-01-05 01:00", "Mon 2026-01-05 01:30", "Mon 2026-01-05 02:00", "Mon 2026-01-05 02:30", "Mon 2026-01-05 20:00"}},
		{"cron(15 10 ? * 6L 2022-2023)", "2022-01-01 00:00", []string{"Fri 2022-01-28 10:15", "Fri 2022-02-25 10:15", "Fri 2022-03-25 10:15", "Fri 2022-04-29 10:15"}},
		{"cron(1/10 * * * ? *)", "2026-01-01 00:00", []string{"Thu 2026-01-01 00:01", "Thu 2026-01-01 00:11", "Thu 2026-01-01 00:21"}},
		{"cron(0 0 3W * ? *)", "2026-01-01 00:00", []string{"Fri 2026-01-02 00:00", "Tue 2026-02-03 00:00"}},
		{"cron(0 0 ? * 3#2 *)", "2026-01-01 00:00", []string{"Tue 2026-01-13 00:00", "Tue 2026-02-10 00:00"}},
		{"cron(0 0 1-15 JAN,FEB,MAR ? *)", "2026-01-15 00:00", []string{"Sun 2026-02-01 00:00"}},
		{"rate(1 minute)", "2026-01-01 00:00", []string{"Thu 2026-01-01 00:01", "Thu 2026-01-01 00:02"}},
		{"rate(5 minutes)", "2026-01-01 00:02", []string{"Thu 2026-01-01 00:07"}},
		{"rate(1 hour)", "2026-01-01 23:30", []string{"Fri 2026-01-02 00:30"}},
		{"rate(7 days)", "2026-01-01 00:00", []string{"Thu 2026-01-08 00:00"}},
	} {
		s := parse(t, tt.expression)
		if s.String() != tt.expression {
			t.Errorf("%s is called %s", tt.expression, s)
		}
		next := at(t, tt.from)
		for _, want := range tt.want {
			if next = s.Next(next); next.Format(minute) != want {
				t.Errorf("%s: %s, want %s", tt.expression, next.Format(minute), want)
				break
			}
		}
	}
}

func TestDaysOfTheMonth(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ day, from, want string }{
		{"L * ?", "2026-02-01 00:00", "Sat 2026-02-28 00:00"},
		{"L * ?", "2028-02-01 00:00", "Tue 2028-02-29 00:00"},
		{"31 * ?", "2026-03-31 00:00", "Sun 2026-05-31 00:00"},
		{"29 2 ?", "2026-01-01 00:00", "Tue 2028-02-29 00:00"},
		{"29 2 ?", "2096-03-01 00:00", "Fri 2104-02-29 00:00"},  // 2100 has none
		{"15W * ?", "2026-08-01 00:00", "Fri 2026-08-14 00:00"}, // the 15th is a Saturday
		{"16W * ?", "2026-08-01 00:00", "Mon 2026-08-17 00:00"}, // and the 16th a Sunday
		{"1W * ?", "2026-07-31 00:00", "Mon 2026-08-03 00:00"},  // not into July
		{"31W * ?", "2027-01-15 00:00", "Fri 2027-01-29 00:00"}, // nor into February
		{"31W 5 ?", "2026-05-01 00:00", "Fri 2026-05-29 00:00"},
		{"30W 2-3 ?", "2026-01-31 00:00", "Mon 2026-03-30 00:00"}, // February has no 30th
		{"? * 1#5", "2026-01-01 00:00", "Sun 2026-03-29 00:00"},
		{"? * SAT#1", "2026-01-04 00:00", "Sat 2026-02-07 00:00"},
		{"? * sunL", "2026-01-26 00:00", "Sun 2026-02-22 00:00"},
		{"? * L", "2026-01-01 00:00", "Sat 2026-01-03 00:00"},
		{"? * FRI-SUN", "2026-01-05 00:00", "Fri 2026-01-09 00:00"},
		{"? * 7-1", "2026-01-04 00:00", "Sat 2026-01-10 00:00"},
		{"? NOV-FEB MON", "2026-02-23 00:00", "Mon 2026-11-02 00:00"},
		{"28-3 * ?", "2026-01-04 00:00", "Wed 2026-01-28 00:00"},
		{"*/10 * ?", "2026-01-02 00:00", "Sun 2026-01-11 00:00"},
		{"5-20/10 * ?", "2026-01-16 00:00", "Thu 2026-02-05 00:00"},
	} {
		expression := "cron(0 0 " + tt.day + " *)"
		if got := parse(t, expression).Next(at(t, tt.from)).Format(minute); got != tt.want {
			t.Errorf("%s after %s: %s, want %s", expression, tt.from, got, tt.want)
		}
	}
}

func TestWhatIsNotDueIsAlwaysLater(t *testing.T) {
	t.Parallel()
	s := parse(t, "cron(30 12 * * ? *)")
	zone := time.FixedZone("", -8*3600)
	from := time.Date(2026, 1, 1, 4, 30, 0, 1, zone) // a nanosecond after it was due
	if got := s.Next(from); got.Format(minute) != "Fri 2026-01-02 12:30" || got.Location() != time.UTC {
		t.Errorf("after %s: %s", from, got)
	}
	if got := s.Next(from.Add(-2)); got.Format(minute) != "Thu 2026-01-01 12:30" {
		t.Errorf("a nanosecond before: %s", got)
	}
	for _, never := range []string{"cron(0 0 30 2 ? *)", "cron(0 0 1 1 ? 2025)", "cron(0 0 31W 4 ? *)"} {
		if got := parse(t, never).Next(at(t, "2026-01-01 00:00")); !got.IsZero() {
			t.Errorf("%s is due at %s", never, got)
		}
	}
	if got := parse(t, "cron(0 0 1 1 ? *)").Next(at(t, "2199-01-01 00:00")); !got.IsZero() {
		t.Errorf("after the last year: %s", got)
	}
	if got := parse(t, "cron(0 0 1 1 ? *)").Next(time.Time{}).Format(minute); got != "Thu 1970-01-01 00:00" {
		t.Errorf("before the first year: %s", got)
	}
	var zero schedule.Schedule
	if got := zero.Next(from); !got.IsZero() {
		t.Errorf("the zero value is due at %s", got)
	}
}

func TestErrorsNameFieldAndWhatIsAllowed(t *testing.T) {
	t.Parallel()
	for expression, want := range map[string]string{
		"":                                  "rate(N unit) or cron(",
		"5 minutes":                         "rate(N unit) or cron(",
		"every(5 minutes)":                  "rate(N unit) or cron(",
		"rate(5 minutes":                    "rate(N unit) or cron(",
		"rate(minutes)":                     "a number and a unit",
		"rate(0 minutes)":                   "whole number from 1",
		"rate(-5 minutes)":                  "whole number from 1",
		"rate(1.5 hours)":                   "whole number from 1",
		"rate(1 minutes)":                   `must be "minute" with the number 1`,
		"rate(5 minute)":                    `must be "minutes" with the number 5`,
		"rate(5 seconds)":                   "minute, hour or day",
		"rate(2000000000 days)":             "longer than can be reckoned with",
		"cron(0 9 * * *)":                   "six fields",
		"cron(0 9 * * * *)":                 "exactly one of day-of-month and day-of-week must be ?",
		"cron(0 9 ? * ? *)":                 "exactly one of day-of-month and day-of-week must be ?",
		"cron(60 9 * * ? *)":                `minutes "60": 60 is out of range (the minutes field takes 0-59 and the wildcards , - * /)`,
		"cron(0 24 * * ? *)":                "hours field takes 0-23",
		"cron(0 9 0 * ? *)":                 "day-of-month field takes 1-31 and the wildcards , - * ? / L W",
		"cron(0 9 32 * ? *)":                "day-of-month field takes 1-31",
		"cron(0 9 * 13 ? *)":                "month field takes 1-12 or JAN-DEC",
		"cron(0 9 * JANUARY ? *)":           "month field takes",
		"cron(0 9 ? * 0 *)":                 "day-of-week field takes 1-7 or SUN-SAT",
		"cron(0 9 ? * MON/2 *)":             "list the days instead",
		"cron(0 9 * * ? 1969)":              "year field takes 1970-2199",
		"cron(0 9 * * ? 2030-2026)":         "the range ends before it begins",
		"cron(0/0 9 * * ? *)":               "increment after / must be a number from 1 to 59",
		"cron(0/x 9 * * ? *)":               "increment after /",
		"cron(1-2-3 9 * * ? *)":             "a range stands between two values",
		"cron(0 9 LW * ? *)":                "W follows one day of the month",
		"cron(0 9 1-5W * ? *)":              "W follows one day of the month",
		"cron(0 9 L-3 * ? *)":               "a range stands between two values",
		"cron(0 9 1,L * ? *)":               "not a value of this field",
		"cron(0 9 ? * 8L *)":                "6L for the month's last Friday",
		"cron(0 9 ? * 3#6 *)":               "3#2 for the second Tuesday",
		"cron(0 9 ? * 3#1,6#3 *)":           "3#2 for the second Tuesday",
		"cron(0 ? * * ? *)":                 "hours field takes 0-23 and the wildcards , - * /",
		"cron(+5 9 * * ? *)":                "not a value of this field",
		"cron(1,,2 9 * * ? *)":              "not a value of this field",
		"cron(0 9 * * ? " + many(300) + ")": "EventBridge allows 256",
	} {
		s, err := schedule.Parse(expression)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: schedule %v, error %v, want one with %q", expression, s, err, want)
		}
	}
}

func many(n int) string { return strings.Repeat("2,", n) + "2" }

// numbers writes a field of a few values, ranges and increments, with names where
// the field has them.
func numbers(low, high int, wrap, steps bool) *rapid.Generator[string] {
	value := rapid.IntRange(low, high)
	return rapid.Custom(func(t *rapid.T) string {
		var items []string
		for range rapid.IntRange(1, 3).Draw(t, "items") {
			a, b := value.Draw(t, "a"), value.Draw(t, "b")
			if b < a && !wrap {
				a, b = b, a
			}
			item := rapid.SampledFrom([]string{"*", strconv.Itoa(a), strconv.Itoa(a), fmt.Sprintf("%d-%d", a, b)}).Draw(t, "item")
			if steps && rapid.Bool().Draw(t, "stepped") {
				item += fmt.Sprintf("/%d", rapid.IntRange(1, min(high, 40)).Draw(t, "step"))
			}
			items = append(items, item)
		}
		return strings.Join(items, ",")
	})
}

// Next finds what somebody finds who asks the model at every minute.
func TestNextAgainstEveryMinute(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		dayOfMonth, dayOfWeek := "?", "?"
		if rapid.Bool().Draw(t, "by month") {
			dayOfMonth = rapid.OneOf(numbers(1, 31, true, true), rapid.Just("L"), rapid.Map(rapid.IntRange(1, 31), func(n int) string { return strconv.Itoa(n) + "W" })).Draw(t, "day of month")
		} else {
			dayOfWeek = rapid.OneOf(numbers(1, 7, true, false), rapid.Just("L"),
				rapid.Map(rapid.IntRange(1, 7), func(n int) string { return strconv.Itoa(n) + "L" }),
				rapid.Map(rapid.IntRange(11, 75), func(n int) string { return fmt.Sprintf("%d#%d", max(n/10, 1), n%5+1) })).Draw(t, "day of week")
		}
		fields := []string{
			numbers(0, 59, true, true).Draw(t, "minutes"), numbers(0, 23, true, true).Draw(t, "hours"), dayOfMonth,
			numbers(1, 12, true, true).Draw(t, "months"), dayOfWeek, numbers(2026, 2028, false, true).Draw(t, "years"),
		}
		expression := "cron(" + strings.Join(fields, " ") + ")"
		s, err := schedule.Parse(expression)
		if err != nil {
			t.Fatal(err)
		}
		from := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC).Add(time.Duration(rapid.Int64Range(0, int64(3*365*24*time.Hour)).Draw(t, "from")))
		got := s.Next(from)
		want, found := walk(fields, from, 40*24*60)
		switch {
		case found && !got.Equal(want):
			t.Fatalf("%s after %s: %s, want %s", expression, from, got, want)
		case !found && !got.IsZero() && !due(fields, got):
			t.Fatalf("%s after %s: %s, which it does not name", expression, from, got)
		case !found && !got.IsZero() && got.Before(from.Add(40*24*time.Hour)):
			t.Fatalf("%s after %s: %s, and nothing is due within 40 days", expression, from, got)
		}
	})
}

// walk asks the model minute by minute.
func walk(fields []string, from time.Time, minutes int) (time.Time, bool) {
	t := from.Truncate(time.Minute)
	for range minutes {
		if t = t.Add(time.Minute); due(fields, t) {
			return t, true
		}
	}
	return time.Time{}, false
}

// due is the model: what a person does who reads the fields with a calendar.
func due(fields []string, t time.Time) bool {
	if !named(fields[0], t.Minute(), 0, 59) || !named(fields[1], t.Hour(), 0, 23) ||
		!named(fields[3], int(t.Month()), 1, 12) || !named(fields[5], t.Year(), 1970, 2199) {
		return false
	}
	last := t.AddDate(0, 0, 1-t.Day()).AddDate(0, 1, -1).Day()
	dom, dow, weekday := fields[2], fields[4], int(t.Weekday())+1
	switch {
	case dom == "L":
		return t.Day() == last
	case strings.HasSuffix(dom, "W"):
		n, _ := strconv.Atoi(strings.TrimSuffix(dom, "W"))
		if n > last {
			return false
		}
		for _, away := range []int{0, -1, 1, -2, 2} { // the nearest weekday of this month
			day := t.AddDate(0, 0, n+away-t.Day())
			if day.Month() == t.Month() && day.Weekday() != time.Saturday && day.Weekday() != time.Sunday {
				return day.Day() == t.Day()
			}
		}
		return false
	case dom != "?":
		return named(dom, t.Day(), 1, 31)
	case dow == "L":
		return weekday == 7
	case strings.HasSuffix(dow, "L"):
		return dow[:1] == strconv.Itoa(weekday) && t.Day()+7 > last
	case strings.Contains(dow, "#"):
		nth := 0
		for day := 1; day <= t.Day(); day++ {
			if t.AddDate(0, 0, day-t.Day()).Weekday() == t.Weekday() {
				nth++
			}
		}
		return dow == fmt.Sprintf("%d#%d", weekday, nth)
	}
	return named(dow, weekday, 1, 7)
}

// named reports whether a list of values, ranges and increments names n.
func named(list string, n, low, high int) bool {
	for item := range strings.SplitSeq(list, ",") {
		span, stepText, stepped := strings.Cut(item, "/")
		step := 1
		if stepped {
			step, _ = strconv.Atoi(stepText)
		}
		from, to := low, high
		if a, b, ranged := strings.Cut(span, "-"); ranged {
			from, _ = strconv.Atoi(a)
			to, _ = strconv.Atoi(b)
		} else if span != "*" {
			from, _ = strconv.Atoi(span)
			if !stepped {
				to = from
			}
		}
		value := from
		for range (to-from+high-low+1)%(high-low+1)/step + 1 {
			if value == n {
				return true
			}
			if value += step; value > high {
				value -= high - low + 1
			}
		}
	}
	return false
}

// Whatever Parse takes, Next copes with: it moves on, and to a whole minute of a
// year that exists.
func FuzzParse(f *testing.F) {
	for _, seed := range []string{
		"rate(1 minute)", "rate(5 minutes)", "rate(7 days)", "cron(0 10 * * ? *)", "cron(0/30 20-2 ? * MON-FRI *)",
		"cron(15 10 ? * 6L 2022-2023)", "cron(0 0 3W * ? *)", "cron(0 0 ? * 3#2 *)", "cron(0 0 30 2 ? *)", "cron(1,2,3-5/2 */3 L JAN-FEB ? 1970/7)",
	} {
		f.Add(seed, int64(1767225600))
	}
	f.Fuzz(func(t *testing.T, expression string, unix int64) {
		s, err := schedule.Parse(expression)
		if err != nil {
			if s != nil || err.Error() == "" {
				t.Fatalf("%v with error %q", s, err)
			}
			return
		}
		from := time.Unix(unix%(1<<33), 0)
		next := s.Next(from)
		if next.IsZero() {
			return
		}
		if !next.After(from) || next.Year() > 2199 && strings.HasPrefix(s.String(), "cron") {
			t.Fatalf("%s after %s: %s", s, from, next)
		}
		if again := parse(t, s.String()).Next(from); !again.Equal(next) {
			t.Fatalf("%s read again: %s, first %s", s, again, next)
		}
	})
}

func BenchmarkNext(b *testing.B) {
	from := at(b, "2026-01-01 00:00")
	for _, expression := range []string{"cron(0/15 * * * ? *)", "cron(0 0 29 2 ? *)", "cron(0 0 30 2 ? *)"} {
		s := parse(b, expression)
		b.Run(expression, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				s.Next(from)
			}
		})
	}
}
