package cell

import (
	"fmt"
	"strconv"
	"time"
)

// Count writes a number in at most seven cells: 1,204 · 123,456 · 1.2M.
func Count(n int) string {
	switch {
	case n < 0:
		return "-" + Count(-n)
	case n >= 1_000_000_000:
		return fmt.Sprintf("%.1fG", float64(n)/1e9)
	case n >= 1_000_000:
		return fmt.Sprintf("%.1fM", float64(n)/1e6)
	case n >= 1000:
		return fmt.Sprintf("%d,%03d", n/1000, n%1000)
	}
	return strconv.Itoa(n)
}

// Age writes a duration in its largest unit, in at most four cells: 2s, 14m, 3h, 12d.
func Age(d time.Duration) string {
	switch {
	case d < time.Second:
		return "0s"
	case d < time.Minute:
		return fmt.Sprintf("%ds", int(d.Seconds()))
	case d < time.Hour:
		return fmt.Sprintf("%dm", int(d.Minutes()))
	case d < 48*time.Hour:
		return fmt.Sprintf("%dh", int(d.Hours()))
	}
	return fmt.Sprintf("%dd", int(d.Hours()/24))
}

// Offset is a duration after a beginning, exact enough to be compared and short enough for
// a column: 1.204s, 12.3s, 2m5s, 3d4h. One below zero, as clocks differ, is 0s.
func Offset(d time.Duration) string {
	switch {
	case d < 0:
		return "0s"
	case d < 10*time.Second:
		return fmt.Sprintf("%.4gs", d.Round(time.Millisecond).Seconds())
	case d < time.Minute:
		return d.Round(100 * time.Millisecond).String()
	case d < 24*time.Hour:
		return d.Round(time.Second).String()
	}
	return fmt.Sprintf("%dd%dh", int(d.Hours())/24, int(d.Hours())%24)
}

// Plural is "1 worker", "12 workers": for nouns that take an s.
func Plural(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return Count(n) + " " + noun + "s"
}
