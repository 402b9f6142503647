package metrics

import (
	"time"
)

// Queue is what CloudWatch says of a queue. What was not asked for has the state
// NotAsked.
type Queue struct {
	Visible  Series `json:"visible"`
	InFlight Series `json:"inFlight"`
	Delayed  Series `json:"delayed"`
	// Oldest is the age of the oldest message in seconds: of a dead letter since it
	// was moved. Messages of a standard queue that were received three times or more
	// are left out, so that looking often makes an age vanish.
	Oldest Series `json:"oldestSeconds"`
	// Sent leaves out dead letters that SQS moves; Received counts every receive.
	Sent     Series `json:"sent"`
	Received Series `json:"received"`
	Deleted  Series `json:"deleted"`
}

// Function is what CloudWatch says of a function. Throttled invocations are neither
// Invocations nor Errors.
type Function struct {
	Invocations Series `json:"invocations"`
	Errors      Series `json:"errors"`
	Throttles   Series `json:"throttles"`
	// Durations are in milliseconds; a function that is ended by its timeout has the
	// timeout.
	DurationP50 Series `json:"durationP50"`
	DurationP95 Series `json:"durationP95"`
	DurationMax Series `json:"durationMax"`
	Concurrent  Series `json:"concurrent"`
}

// Worker is what CloudWatch says of a worker: zero where it has no queue or function.
type Worker struct {
	// At is when it was asked, and Since from when on.
	At    time.Time `json:"at"`
	Since time.Time `json:"since"`
	// Period is the time of one datapoint.
	Period   time.Duration `json:"period"`
	Queue    Queue         `json:"queue"`
	DLQ      Queue         `json:"dlq"`
	Function Function      `json:"function"`
}

// Set is a choice of metrics.
type Set int

// The sets.
const (
	// ForHealth is what a judgement needs of which nobody has seen the last minutes:
	// eight metrics a worker.
	ForHealth Set = iota
	// ForWatch is what a judgement needs beside depths that are read again and again:
	// five metrics a worker.
	ForWatch
	// ForCharts is everything.
	ForCharts
	// ForAge is the age of the oldest message alone, of queues and dead-letter queues.
	ForAge
)

// part is which of a worker's three a metric is of.
type part int

const (
	ofQueue part = iota
	ofDLQ
	ofFunction
)

// metric is one that can be asked for.
type metric struct {
	part part
	name string
	stat string
	sets []Set
	slot func(*Worker) *Series
}

func (m metric) in(set Set) bool {
	for _, s := range m.sets {
		if s == set {
			return true
		}
	}
	return set == ForCharts
}

// catalogue is every metric there is.
func catalogue() []metric {
	every, now := []Set{ForHealth, ForWatch}, []Set{ForHealth}
	const (
		visible  = "ApproximateNumberOfMessagesVisible"
		inFlight = "ApproximateNumberOfMessagesNotVisible"
		delayed  = "ApproximateNumberOfMessagesDelayed"
		oldest   = "ApproximateAgeOfOldestMessage"
		sent     = "NumberOfMessagesSent"
		received = "NumberOfMessagesReceived"
		deleted  = "NumberOfMessagesDeleted"
	)
	return []metric{
		{ofQueue, oldest, "Maximum", []Set{ForHealth, ForWatch, ForAge}, func(w *Worker) *Series { return &w.Queue.Oldest }},
		{ofQueue, visible, "Maximum", now, func(w *Worker) *Series { return &w.Queue.Visible }},
		{ofQueue, inFlight, "Maximum", nil, func(w *Worker) *Series { return &w.Queue.InFlight }},
		{ofQueue, delayed, "Maximum", nil, func(w *Worker) *Series { return &w.Queue.Delayed }},
		{ofQueue, sent, "Sum", nil, func(w *Worker) *Series { return &w.Queue.Sent }},
		{ofQueue, received, "Sum", nil, func(w *Worker) *Series { return &w.Queue.Received }},
		{ofQueue, deleted, "Sum", now, func(w *Worker) *Series { return &w.Queue.Deleted }},
		{ofDLQ, visible, "Maximum", now, func(w *Worker) *Series { return &w.DLQ.Visible }},
		{ofDLQ, oldest, "Maximum", []Set{ForAge}, func(w *Worker) *Series { return &w.DLQ.Oldest }},
		{ofDLQ, sent, "Sum", nil, func(w *Worker) *Series { return &w.DLQ.Sent }},
		{ofDLQ, received, "Sum", nil, func(w *Worker) *Series { return &w.DLQ.Received }},
		{ofDLQ, deleted, "Sum", nil, func(w *Worker) *Series { return &w.DLQ.Deleted }},
		{ofFunction, "Invocations", "Sum", every, func(w *Worker) *Series { return &w.Function.Invocations }},
		{ofFunction, "Errors", "Sum", every, func(w *Worker) *Series { return &w.Function.Errors }},
		{ofFunction, "Throttles", "Sum", every, func(w *Worker) *Series { return &w.Function.Throttles }},
		{ofFunction, "Duration", "Maximum", every, func(w *Worker) *Series { return &w.Function.DurationMax }},
		{ofFunction, "Duration", "p50", nil, func(w *Worker) *Series { return &w.Function.DurationP50 }},
		{ofFunction, "Duration", "p95", nil, func(w *Worker) *Series { return &w.Function.DurationP95 }},
		{ofFunction, "ConcurrentExecutions", "Maximum", nil, func(w *Worker) *Series { return &w.Function.Concurrent }},
	}
}

// most is how many datapoints a chart gets, about.
const most = 180

// PeriodFor is the period with which a time of that length is read: a minute, or as
// much more as keeps it to about 180 datapoints, and not less than CloudWatch still
// has: a minute for 15 days, five minutes for 63, an hour for 455. Now is for the
// latter.
func PeriodFor(now, since time.Time) time.Duration {
	length := now.Sub(since)
	stored := time.Minute
	switch day := 24 * time.Hour; {
	case length > 63*day:
		stored = time.Hour
	case length > 15*day:
		stored = 5 * time.Minute
	}
	for _, p := range []time.Duration{
		time.Minute, 5 * time.Minute, 15 * time.Minute, time.Hour, 6 * time.Hour, 24 * time.Hour,
	} {
		if p >= stored && length <= most*p {
			return p
		}
	}
	return 24 * time.Hour
}
