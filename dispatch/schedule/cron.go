package schedule

import (
	"errors"
	"fmt"
	"math/bits"
	"strconv"
	"strings"
	"time"
)

const (
	firstYear, lastYear = 1970, 2199
	// daysOfWeek is how many days a week has.
	daysOfWeek = 7
)

// field is what one field of a cron expression may hold.
type field struct {
	name       string
	low, high  int
	names      []string // from low on
	wildcards  string   // for messages
	mayWrap    bool
	increments bool
}

// fields are the six, in their order.
func fields() [6]field {
	months := []string{"JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"}
	days := []string{"SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"}
	return [6]field{
		{"minutes", 0, 59, nil, ", - * /", true, true},
		{"hours", 0, 23, nil, ", - * /", true, true},
		{"day-of-month", 1, 31, nil, ", - * ? / L W", true, true},
		{"month", 1, 12, months, ", - * /", true, true},
		{"day-of-week", 1, daysOfWeek, days, ", - * ? L #", true, false},
		{"year", firstYear, lastYear, nil, ", - * /", false, true},
	}
}

// allowed says what the field may hold.
func (f field) allowed() string {
	values := fmt.Sprintf("%d-%d", f.low, f.high)
	if f.names != nil {
		values += fmt.Sprintf(" or %s-%s", f.names[0], f.names[len(f.names)-1])
	}
	return fmt.Sprintf("the %s field takes %s and the wildcards %s", f.name, values, f.wildcards)
}

// set is a set of small numbers.
type set [4]uint64

func (s *set) add(n int)      { s[n/64] |= 1 << (n % 64) }
func (s *set) has(n int) bool { return s[n/64]&(1<<(n%64)) != 0 }

// from is the lowest member from n on, or -1.
func (s *set) from(n int) int {
	for word := n / 64; word < len(s); word++ {
		w := s[word]
		if word == n/64 {
			w &= ^uint64(0) << (n % 64)
		}
		if w != 0 {
			return word*64 + bits.TrailingZeros64(w)
		}
	}
	return -1
}

// cron is a parsed cron expression. Years are kept as their distance from
// firstYear.
type cron struct {
	minutes, hours, months, years set
	day                           dayRule
}

// dayRule is the one of the two day fields that decides.
type dayRule struct {
	kind dayKind
	days set // of the month, or of the week (1 is Sunday)
	// n is the day of the month of W, and the day of the week of L and #; nth is
	// the number after #.
	n, nth int
}

type dayKind int

const (
	daysOfMonth dayKind = iota
	lastOfMonth
	nearestWeekday
	daysInWeek
	lastInMonth
	nthInMonth
)

func parseCron(text string) (cron, error) {
	var c cron
	parts := strings.Fields(text)
	if len(parts) != 6 {
		return c, fmt.Errorf("a cron expression has six fields (minutes hours day-of-month month day-of-week year), this one has %d", len(parts))
	}
	all := fields()
	if (parts[2] == "?") == (parts[4] == "?") {
		return c, errors.New("exactly one of day-of-month and day-of-week must be ?: EventBridge goes by one of them only")
	}
	for i, into := range [6]*set{0: &c.minutes, 1: &c.hours, 3: &c.months, 5: &c.years} {
		if into == nil {
			continue // the day fields, below
		}
		if err := all[i].parse(parts[i], into); err != nil {
			return c, err
		}
	}
	var err error
	if parts[4] == "?" {
		c.day, err = parseDayOfMonth(all[2], parts[2])
	} else {
		c.day, err = parseDayOfWeek(all[4], parts[4])
	}
	return c, err
}

func parseDayOfMonth(f field, text string) (dayRule, error) {
	if text == "L" {
		return dayRule{kind: lastOfMonth}, nil
	}
	if day, ok := strings.CutSuffix(text, "W"); ok {
		n, err := f.value(day)
		if err != nil {
			return dayRule{}, f.wrong(text, "W follows one day of the month, such as 15W")
		}
		return dayRule{kind: nearestWeekday, n: n}, nil
	}
	r := dayRule{kind: daysOfMonth}
	return r, f.parse(text, &r.days)
}

func parseDayOfWeek(f field, text string) (dayRule, error) {
	if text == "L" { // the week's last day
		r := dayRule{kind: daysInWeek}
		r.days.add(daysOfWeek)
		return r, nil
	}
	if day, ok := strings.CutSuffix(text, "L"); ok {
		n, err := f.value(day)
		if err != nil {
			return dayRule{}, f.wrong(text, "L stands alone or follows one day of the week, such as 6L for the month's last Friday")
		}
		return dayRule{kind: lastInMonth, n: n}, nil
	}
	if day, nth, ok := strings.Cut(text, "#"); ok {
		n, err := f.value(day)
		k, err2 := strconv.Atoi(nth)
		if err != nil || err2 != nil || k < 1 || k > 5 || len(nth) != 1 {
			return dayRule{}, f.wrong(text, "# stands between one day of the week and a number from 1 to 5, such as 3#2 for the second Tuesday")
		}
		return dayRule{kind: nthInMonth, n: n, nth: k}, nil
	}
	r := dayRule{kind: daysInWeek}
	return r, f.parse(text, &r.days)
}

func (f field) wrong(text, why string) error {
	return fmt.Errorf("%s %q: %s (%s)", f.name, shorten(text), why, f.allowed())
}

// parse reads a list of values, ranges and increments.
func (f field) parse(text string, into *set) error {
	for item := range strings.SplitSeq(text, ",") {
		if err := f.parseItem(item, into); err != nil {
			return err
		}
	}
	return nil
}

func (f field) parseItem(item string, into *set) error {
	span, stepText, stepped := strings.Cut(item, "/")
	step := 1
	if stepped {
		if !f.increments {
			return f.wrong(item, "increments are not allowed here: list the days instead, such as MON,WED,FRI")
		}
		n, err := number(stepText)
		if err != nil || n < 1 || n > f.high {
			return f.wrong(item, fmt.Sprintf("the increment after / must be a number from 1 to %d", f.high))
		}
		step = n
	}
	low, high := f.low, f.high
	from, to, ranged := strings.Cut(span, "-")
	switch {
	case span == "*":
	case ranged:
		var err, err2 error
		low, err = f.value(from)
		high, err2 = f.value(to)
		if err != nil || err2 != nil {
			return f.wrong(item, "a range stands between two values, such as "+f.example())
		}
		if high < low {
			if !f.mayWrap {
				return f.wrong(item, "the range ends before it begins")
			}
			high += f.high - f.low + 1
		}
	default:
		n, err := f.value(span)
		if err != nil {
			return f.wrong(item, err.Error())
		}
		low = n
		if !stepped {
			high = n
		}
	}
	for n := low; n <= high; n += step {
		m := n
		if m > f.high {
			m -= f.high - f.low + 1
		}
		into.add(f.index(m))
	}
	return nil
}

// index is where a value stands in a set.
func (f field) index(n int) int {
	if f.low == firstYear {
		return n - firstYear
	}
	return n
}

func (f field) example() string {
	if f.names != nil {
		return f.names[1] + "-" + f.names[5]
	}
	return fmt.Sprintf("%d-%d", f.low, f.low+5)
}

// value reads one value: a number, or a name of any letter case.
func (f field) value(text string) (int, error) {
	for i, name := range f.names {
		if strings.EqualFold(name, text) {
			return f.low + i, nil
		}
	}
	n, err := number(text)
	switch {
	case err != nil:
		return 0, errors.New("it is not a value of this field")
	case n < f.low || n > f.high:
		return 0, fmt.Errorf("%d is out of range", n)
	}
	return n, nil
}

// number reads digits and nothing else.
func number(text string) (int, error) {
	n, err := strconv.ParseUint(text, 10, 16)
	return int(n), err
}

// next is the first minute after the given time, in UTC, that the expression
// names.
func (c *cron) next(after time.Time) time.Time {
	if after.Year() < firstYear {
		after = time.Date(firstYear, 1, 1, 0, 0, 0, -1, time.UTC)
	}
	t := after.Truncate(time.Minute).Add(time.Minute)
	for t.Year() <= lastYear {
		year := c.years.from(t.Year() - firstYear)
		if year < 0 {
			break
		}
		if year += firstYear; year != t.Year() {
			t = time.Date(year, 1, 1, 0, 0, 0, 0, time.UTC)
		}
		month := c.months.from(int(t.Month()))
		if month < 0 {
			t = time.Date(t.Year()+1, 1, 1, 0, 0, 0, 0, time.UTC)
			continue
		}
		if time.Month(month) != t.Month() {
			t = time.Date(t.Year(), time.Month(month), 1, 0, 0, 0, 0, time.UTC)
		}
		if !c.day.fits(t) {
			t = midnight(t, 1)
			continue
		}
		hour := c.hours.from(t.Hour())
		if hour < 0 {
			t = midnight(t, 1)
			continue
		}
		if hour != t.Hour() {
			t = midnight(t, 0).Add(time.Duration(hour) * time.Hour)
		}
		minute := c.minutes.from(t.Minute())
		if minute < 0 {
			t = t.Truncate(time.Hour).Add(time.Hour)
			continue
		}
		return t.Truncate(time.Hour).Add(time.Duration(minute) * time.Minute)
	}
	return time.Time{}
}

// midnight begins the day that is so many days after t's.
func midnight(t time.Time, days int) time.Time {
	return time.Date(t.Year(), t.Month(), t.Day()+days, 0, 0, 0, 0, time.UTC)
}

// fits reports whether the rule names the day of t.
func (r *dayRule) fits(t time.Time) bool {
	day := t.Day()
	last := time.Date(t.Year(), t.Month()+1, 0, 0, 0, 0, 0, time.UTC).Day()
	week := int(t.Weekday()) + 1
	switch r.kind {
	case daysOfMonth:
		return r.days.has(day)
	case lastOfMonth:
		return day == last
	case nearestWeekday:
		return r.n <= last && day == weekdayNear(t, r.n, last)
	case daysInWeek:
		return r.days.has(week)
	case lastInMonth:
		return week == r.n && day > last-daysOfWeek
	default: // nthInMonth
		return week == r.n && (day-1)/daysOfWeek+1 == r.nth
	}
}

// weekdayNear is the weekday nearest to day n of t's month, within that month.
func weekdayNear(t time.Time, n, last int) int {
	switch time.Date(t.Year(), t.Month(), n, 0, 0, 0, 0, time.UTC).Weekday() { //nolint:exhaustive // the others are weekdays
	case time.Saturday:
		if n == 1 {
			return n + 2
		}
		return n - 1
	case time.Sunday:
		if n == last {
			return n - 2
		}
		return n + 1
	}
	return n
}
