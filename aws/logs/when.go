package logs

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// ParseTime reads a duration ago (days included, as in 1d12h) or a point in time: a
// date, a time of day, or both; today and yesterday are dates. Times without a zone are
// in now's. CloudWatch knows no time before 1970: nothing is earlier than that.
func ParseTime(now time.Time, s string) (time.Time, error) {
	if ago, ok := parseAgo(s); ok {
		return latest(now.Add(-ago), time.Unix(0, 0)), nil
	}
	for _, layout := range []string{time.RFC3339Nano, "2006-01-02T15:04:05", "2006-01-02 15:04:05", "2006-01-02T15:04", "2006-01-02 15:04", "2006-01-02"} {
		if t, err := time.ParseInLocation(layout, s, now.Location()); err == nil {
			return latest(t, time.Unix(0, 0)), nil
		}
	}
	if t, ok := parseDay(now, s); ok {
		return t, nil
	}
	return time.Time{}, fmt.Errorf("%q is neither a duration such as 15m, 2h or 3d nor a time such as %s, 14:05 or 'yesterday 14:05'", s, now.Format(time.RFC3339))
}

// parseDay reads "today", "yesterday", "14:05" and "yesterday 14:05:30".
func parseDay(now time.Time, s string) (time.Time, bool) {
	day, clock, both := strings.Cut(strings.TrimSpace(s), " ")
	back := 0
	switch day {
	case "today":
	case "yesterday":
		back = -1
	default:
		if both {
			return time.Time{}, false
		}
		clock, both = day, true
	}
	var of time.Time
	if both {
		var err error
		if of, err = time.Parse("15:04:05", clock); err != nil {
			if of, err = time.Parse("15:04", clock); err != nil {
				return time.Time{}, false
			}
		}
	}
	y, m, d := now.Date()
	return time.Date(y, m, d+back, of.Hour(), of.Minute(), of.Second(), 0, now.Location()), true
}

// parseAgo reads a duration with days, its sign ignored.
func parseAgo(s string) (time.Duration, bool) {
	s = strings.TrimPrefix(s, "-")
	var ago time.Duration
	if days, rest, ok := strings.Cut(s, "d"); ok {
		n, err := strconv.ParseUint(days, 10, 16)
		if err != nil {
			return 0, false
		}
		ago, s = time.Duration(n)*24*time.Hour, rest
		if s == "" {
			return ago, true
		}
	}
	d, err := time.ParseDuration(s)
	return ago + d, err == nil && d >= 0
}

func latest(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}
