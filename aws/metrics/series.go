package metrics

import (
	"time"
)

// Point is a datapoint: the statistic of the period that began At.
type Point struct {
	At    time.Time `json:"at"`
	Value float64   `json:"value"`
}

// State says how far a metric is known.
type State string

// The states of a metric.
const (
	// NotAsked is the zero value.
	NotAsked State = ""
	// Complete is what CloudWatch answered wholly, even with no datapoint.
	Complete State = "complete"
	// Partial is an answer of which a part is missing: CloudWatch said so, or a page
	// could not be read.
	Partial State = "partial"
	// Failed is no answer.
	Failed State = "failed"
)

// Series is one metric over time.
type Series struct {
	// Points are the datapoints, oldest first, none twice.
	Points []Point `json:"points"`
	State  State   `json:"state"`
}

// Sum adds the datapoints of counts since a time. It is not known when CloudWatch
// did not answer wholly; no datapoint is zero.
func (s Series) Sum(since time.Time) (sum float64, known bool) {
	for _, p := range s.Points {
		if !p.At.Before(since) {
			sum += p.Value
		}
	}
	return sum, s.State == Complete
}

// Max is the greatest datapoint since a time; false when there is none.
func (s Series) Max(since time.Time) (greatest float64, ok bool) {
	for _, p := range s.Points {
		if !p.At.Before(since) && (!ok || p.Value > greatest) {
			greatest, ok = p.Value, true
		}
	}
	return greatest, ok
}

// Last is the newest datapoint that is not older than a time; false when there is
// none: then the metric is unknown.
func (s Series) Last(since time.Time) (Point, bool) {
	if n := len(s.Points); n > 0 && !s.Points[n-1].At.Before(since) {
		return s.Points[n-1], true
	}
	return Point{}, false
}
