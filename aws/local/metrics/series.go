package metrics

import "time"

// minuteSamples are the samples of one minute.
type minuteSamples struct {
	at int64 // minutes since 1970
	samples
}

// series are the minutes of a metric, oldest first, those without samples left
// out. Nothing means that there is no such metric, which AWS answers with no
// datapoint and without an error.
//
// Sources: SQS developer guide, "Available CloudWatch metrics for Amazon SQS";
// Lambda developer guide, "Types of metrics for Lambda functions".
func (r *Recorder) series(m *metricStat) []minuteSamples {
	if len(m.Metric.Dimensions) != 1 { // other dimensions, or more, are another metric
		return nil
	}
	d := m.Metric.Dimensions[0]
	switch m.Metric.Namespace + " " + d.Name {
	case "AWS/SQS QueueName":
		return r.ofSQS(m, d.Value)
	case "AWS/Lambda FunctionName":
		return r.ofLambda(m, d.Value)
	}
	return nil
}

func (r *Recorder) ofSQS(m *metricStat, queue string) []minuteSamples {
	unit := "Count"
	var value func(queueMinute) float64
	switch m.Metric.MetricName {
	case "ApproximateAgeOfOldestMessage":
		unit, value = "Seconds", func(m queueMinute) float64 { return float64(m.Oldest / time.Second) }
	case "ApproximateNumberOfMessagesVisible":
		value = func(m queueMinute) float64 { return float64(m.Visible) }
	case "ApproximateNumberOfMessagesNotVisible":
		value = func(m queueMinute) float64 { return float64(m.InFlight) }
	case "ApproximateNumberOfMessagesDelayed":
		value = func(m queueMinute) float64 { return float64(m.Delayed) }
	case "NumberOfMessagesSent":
		value = func(m queueMinute) float64 { return float64(m.Sent) }
	case "NumberOfMessagesReceived":
		value = func(m queueMinute) float64 { return float64(m.Received) }
	case "NumberOfMessagesDeleted":
		value = func(m queueMinute) float64 { return float64(m.Deleted) }
	}
	if value == nil || m.Unit != "" && m.Unit != unit {
		return nil
	}
	minutes, _ := r.queue(queue)
	out := make([]minuteSamples, len(minutes))
	for i, one := range minutes {
		out[i] = minuteSamples{one.at, single(value(one))}
	}
	return out
}

func (r *Recorder) ofLambda(m *metricStat, function string) []minuteSamples {
	unit := "Count"
	var of func(*functionMinute) samples
	ran := func(f *functionMinute) bool { return f.invocations > 0 || f.throttles > 0 }
	switch m.Metric.MetricName {
	case "Invocations":
		of = func(f *functionMinute) samples { return ones(f.invocations, f.invocations, ran(f)) }
	case "Errors":
		of = func(f *functionMinute) samples { return ones(f.errors, f.invocations, ran(f)) }
	case "Throttles":
		of = func(f *functionMinute) samples { return ones(f.throttles, f.throttles+f.invocations, ran(f)) }
	case "ConcurrentExecutions":
		of = func(f *functionMinute) samples {
			if f.concurrent == 0 {
				return samples{}
			}
			return single(float64(f.concurrent))
		}
	case "Duration":
		unit, of = "Milliseconds", func(f *functionMinute) samples {
			s := samples{count: float64(f.invocations), sum: f.sum, least: f.least, most: f.most}
			for _, d := range f.durations {
				s.values = append(s.values, weighted{float64(d), float64(f.invocations) / float64(len(f.durations))})
			}
			return s
		}
	}
	if of == nil || m.Unit != "" && m.Unit != unit {
		return nil
	}
	var out []minuteSamples
	r.function(function, func(minutes []functionMinute) {
		for i := range minutes {
			if s := of(&minutes[i]); s.count > 0 {
				out = append(out, minuteSamples{minutes[i].at, s})
			}
		}
	})
	return out
}

// ones are total samples of which n are one and the others zero. A minute with
// nothing but throttled invocations has a sample of zero, too.
func ones(n, total int, ran bool) samples {
	if !ran {
		return samples{}
	}
	total = max(total, 1)
	s := samples{count: float64(total), sum: float64(n), most: 1}
	if n == 0 {
		s.most = 0
	} else {
		s.values = append(s.values, weighted{1, float64(n)})
	}
	if zeros := total - n; zeros > 0 {
		s.values = append(s.values, weighted{0, float64(zeros)})
	} else {
		s.least = 1
	}
	return s
}
