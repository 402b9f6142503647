package health

import (
	"fmt"
	"math"
	"strconv"
	"time"
)

// number is a sum of CloudWatch's as a count: never negative, never not a number.
func number(v float64) int {
	if !(v > 0) { // a NaN, too
		return 0
	}
	return int(math.Round(min(v, 1e15)))
}

// count writes a number with its thousands apart.
func count(n int) string {
	text := strconv.Itoa(max(0, n))
	for i := len(text) - 3; i > 0; i -= 3 {
		text = text[:i] + "," + text[i:]
	}
	return text
}

func plural(n int, one string) string {
	if n == 1 {
		return "1 " + one
	}
	return count(n) + " " + one + "s"
}

// rate writes a change a minute with two digits that count: a word that changes with
// every reading cannot be read.
func rate(v float64) string {
	v = max(0, v)
	if v < 1 {
		return strconv.FormatFloat(math.Max(0.1, math.Round(v*10)/10), 'f', -1, 64)
	}
	unit := math.Pow(10, math.Max(0, math.Floor(math.Log10(v))-1))
	return count(number(math.Round(v/unit) * unit))
}

// span writes a duration in one unit.
func span(d time.Duration) string {
	const day = 24 * time.Hour
	switch d = max(0, d); {
	case d < 90*time.Second:
		return fmt.Sprintf("%d s", int(math.Round(d.Seconds())))
	case d < 90*time.Minute:
		return fmt.Sprintf("%d min", int(math.Round(d.Minutes())))
	case d < 2*day:
		return fmt.Sprintf("%d h", int(math.Round(d.Hours())))
	case d < 100*day:
		return fmt.Sprintf("%d d", int(math.Round(d.Hours()/24)))
	}
	return "months"
}
