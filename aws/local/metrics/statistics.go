package metrics

import (
	"math"
	"slices"
	"strconv"
	"strings"
)

// samples are the values of one period, as far as a statistic needs them.
type samples struct {
	count, sum, least, most float64
	values                  []weighted
}

// weighted is a value that occurred so often.
type weighted struct{ value, weight float64 }

// single is one sample.
func single(v float64) samples {
	return samples{count: 1, sum: v, least: v, most: v, values: []weighted{{v, 1}}}
}

// add takes another period's samples in.
func (s *samples) add(o samples) {
	if o.count == 0 {
		return
	}
	if s.count == 0 {
		s.least, s.most = o.least, o.most
	}
	s.count, s.sum = s.count+o.count, s.sum+o.sum
	s.least, s.most = min(s.least, o.least), max(s.most, o.most)
	s.values = append(s.values, o.values...)
}

// statistic is one number made of samples; there is at least one of them.
func (s *samples) statistic(name string) float64 {
	switch name {
	case "SampleCount":
		return s.count
	case "Sum":
		return s.sum
	case "Average":
		return s.sum / s.count
	case "Minimum":
		return s.least
	case "Maximum":
		return s.most
	}
	p, _ := percentile(name)
	return s.percentile(p)
}

// percentile is the smallest value that at least p percent of the samples do not
// exceed.
func (s *samples) percentile(p float64) float64 {
	values := slices.SortedFunc(slices.Values(s.values), func(a, b weighted) int {
		switch {
		case a.value < b.value:
			return -1
		case a.value > b.value:
			return 1
		}
		return 0
	})
	total := 0.0
	for _, v := range values {
		total += v.weight
	}
	want, seen := math.Max(total*p/100, math.SmallestNonzeroFloat64), 0.0
	for _, v := range values {
		if seen += v.weight; seen >= want-1e-9 {
			return v.value
		}
	}
	return s.most
}

// percentile reads p50, p99.9, p100.
func percentile(stat string) (float64, bool) {
	text, ok := strings.CutPrefix(stat, "p")
	if !ok {
		return 0, false
	}
	p, err := strconv.ParseFloat(text, 64)
	return p, err == nil && p >= 0 && p <= 100
}

// computed is whether a statistic is computed here. AWS has others.
func computed(stat string) bool {
	switch stat {
	case "SampleCount", "Sum", "Average", "Minimum", "Maximum":
		return true
	}
	_, ok := percentile(stat)
	return ok
}
