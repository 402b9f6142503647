package metrics

import (
	"context"
	"time"

	"github.com/microfox-ai/aiwctl/aws/local/queues"
	"github.com/microfox-ai/aiwctl/aws/local/wire"
)

// input is GetMetricData's, without what changes nothing here: the order and the
// number of datapoints, of which there is one, and the time zone of labels.
type input struct {
	MetricDataQueries  []query
	StartTime, EndTime *wire.Time
	NextToken          string
}

type query struct {
	ID         string `json:"Id"`
	MetricStat *metricStat
	Expression string
	Label      string
	ReturnData *bool
}

type metricStat struct {
	Metric metric
	Period *int
	Stat   string
	Unit   string
}

type metric struct {
	Namespace, MetricName string
	Dimensions            []dimension
}

type dimension struct{ Name, Value string }

type output struct {
	MetricDataResults []result
	Messages          []string // none: AWS has the list all the same
}

type result struct {
	ID         string `json:"Id"`
	Label      string
	Timestamps []wire.Time
	Values     []float64
	StatusCode string
}

// kind is a metric of SQS. Source: developer guide, "Available CloudWatch metrics
// for Amazon SQS".
type kind struct {
	unit  string
	value func(queues.Measure) float64
}

func kindOf(name string) (kind, bool) {
	switch name {
	case "ApproximateAgeOfOldestMessage":
		return kind{"Seconds", func(m queues.Measure) float64 { return float64(m.Oldest / time.Second) }}, true
	case "ApproximateNumberOfMessagesVisible":
		return kind{"Count", func(m queues.Measure) float64 { return float64(m.Visible) }}, true
	case "ApproximateNumberOfMessagesNotVisible":
		return kind{"Count", func(m queues.Measure) float64 { return float64(m.InFlight) }}, true
	case "ApproximateNumberOfMessagesDelayed":
		return kind{"Count", func(m queues.Measure) float64 { return float64(m.Delayed) }}, true
	}
	return kind{}, false
}

func (s *service) getMetricData(_ context.Context, in *input) (*output, error) {
	if err := in.check(); err != nil {
		return nil, err
	}
	out := &output{MetricDataResults: []result{}, Messages: []string{}}
	now := s.now()
	for _, q := range in.MetricDataQueries {
		if q.ReturnData != nil && !*q.ReturnData {
			continue
		}
		r := result{ID: q.ID, Label: q.Label, Timestamps: []wire.Time{}, Values: []float64{}, StatusCode: "Complete"}
		if r.Label == "" {
			r.Label = q.MetricStat.Metric.MetricName
		}
		at := q.MetricStat.at(now)
		if !at.Before(in.StartTime.Truncate(time.Minute)) && at.Before(in.EndTime.Time) {
			if value, ok := s.read(q.MetricStat); ok {
				r.Timestamps, r.Values = append(r.Timestamps, wire.Time{Time: at}), append(r.Values, value)
			}
		}
		out.MetricDataResults = append(out.MetricDataResults, r)
	}
	return out, nil
}

// at is when the period began that a moment belongs to. SQS has a datapoint a
// minute, so shorter periods are empty but for their first.
func (m *metricStat) at(now time.Time) time.Time {
	return now.UTC().Truncate(max(time.Duration(*m.Period)*time.Second, time.Minute))
}

// read is the present value; false means that there is no such metric, which AWS
// answers with no datapoint and without an error.
func (s *service) read(m *metricStat) (float64, bool) {
	k, ok := kindOf(m.Metric.MetricName)
	if !ok || m.Metric.Namespace != "AWS/SQS" || m.Unit != "" && m.Unit != k.unit {
		return 0, false
	}
	// Other dimensions, or fewer, are another metric.
	if d := m.Metric.Dimensions; len(d) != 1 || d[0].Name != "QueueName" {
		return 0, false
	}
	measure, ok := s.queues.Measure(m.Metric.Dimensions[0].Value)
	if !ok {
		return 0, false
	}
	if m.Stat == "SampleCount" {
		return 1, true
	}
	return k.value(measure), true // of one sample every statistic is that sample
}
