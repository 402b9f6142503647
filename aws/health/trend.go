package health

import (
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/microfox-ai/aiwctl/aws"
)

// trend judges how the number of waiting messages changes.
func (j *judge) trend() {
	if j.stale {
		return
	}
	visible := j.w.Queue.Depth.Visible
	t, ok := fit(j.samples, j.Now.Add(-trendWindow))
	if ok {
		j.verdict.PerMinute = &t.perMinute
	}
	growing := ok && t.perMinute >= was(j, Growing, slowest, slowestEnd) && visible >= was(j, Growing, fewest, fewestEnd) && float64(visible) >= t.level
	draining := ok && -t.perMinute >= was(j, Draining, slowest, slowestEnd) && visible >= was(j, Draining, fewest, fewestEnd) && float64(visible) <= t.level
	seen := ""
	if ok {
		seen = fmt.Sprintf("%s waiting, %s %s ago (%d readings)", count(visible), count(t.first), span(t.over), t.points)
	}
	switch {
	case growing:
		j.add(Reason{Growing, "backlog growing " + rate(t.perMinute) + "/min", aws.SeverityWarning, seen, "aiwctl workers describe " + j.w.ID})
	case draining:
		left := time.Duration(float64(visible) / -t.perMinute * float64(time.Minute))
		j.add(Reason{Kind: Draining, State: "drains in " + span(left) + " at " + rate(-t.perMinute) + "/min", Severity: aws.SeverityInfo, Evidence: seen})
	case visible >= was(j, Backlog, many, manyEnd):
		text := plural(visible, "message") + " waiting"
		if ok {
			text += ", steady for " + span(t.over)
		}
		j.add(Reason{Backlog, "backlog " + count(visible), aws.SeverityWarning, text, "aiwctl workers describe " + j.w.ID})
	}
}

// slope is a trend.
type slope struct {
	perMinute float64
	level     float64 // the median
	first     int     // what the first reading had
	over      time.Duration
	points    int
}

// mostPoints bounds the readings that a trend is taken from: it looks at each pair.
const mostPoints = 16

// fit is the trend of the visible messages since a time: the median of the slopes
// between any two readings (Theil and Sen), which irregular readings and a few wrong
// ones do not move. A change within the noise is a trend of zero. False means that
// there are too few readings.
func fit(samples []Sample, since time.Time) (slope, bool) {
	var seen []Sample
	for _, s := range samples {
		if s.Visible >= 0 && !s.At.Before(since) {
			seen = append(seen, s)
		}
	}
	if len(seen) < trendPoints {
		return slope{}, false
	}
	first, last := seen[0], seen[len(seen)-1]
	t := slope{first: first.Visible, over: last.At.Sub(first.At), points: len(seen)}
	if t.over < trendSpan {
		return slope{}, false
	}
	if !slices.ContainsFunc(seen, func(s Sample) bool { return s.Visible != first.Visible }) {
		t.level = float64(first.Visible) // most workers of a large stage have nothing to do
		return t, true
	}
	seen = thin(seen)
	levels := make([]float64, len(seen))
	slopes := make([]float64, 0, len(seen)*(len(seen)-1)/2)
	for i, a := range seen {
		levels[i] = float64(a.Visible)
		for _, b := range seen[i+1:] {
			if minutes := b.At.Sub(a.At).Minutes(); minutes > 0 {
				slopes = append(slopes, float64(b.Visible-a.Visible)/minutes)
			}
		}
	}
	t.level = median(levels)
	t.perMinute = median(slopes)
	if change := math.Abs(t.perMinute) * t.over.Minutes(); change < max(noiseFloor, noiseShare*t.level) {
		t.perMinute = 0
	}
	return t, true
}

// thin divides many readings into as many stretches as may be looked at, and takes
// from each the one in the middle, by its number: a wrong one has no weight.
func thin(seen []Sample) []Sample {
	if len(seen) <= mostPoints {
		return seen
	}
	out := make([]Sample, mostPoints)
	for i := range out {
		part := slices.Clone(seen[i*len(seen)/mostPoints : (i+1)*len(seen)/mostPoints])
		slices.SortStableFunc(part, func(a, b Sample) int { return a.Visible - b.Visible })
		out[i] = part[(len(part)-1)/2]
	}
	return out
}

func median(values []float64) float64 {
	if len(values) == 0 {
		return 0
	}
	slices.Sort(values)
	n := len(values)
	return (values[(n-1)/2] + values[n/2]) / 2
}
