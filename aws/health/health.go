// Package health judges workers: what is the matter with one, in words and with
// evidence, from its configuration, its depths over time and CloudWatch's numbers.
// It reads nothing and knows no clock: the same input gives the same verdict.
//
// docs/health.md has the words with what stands behind them.
package health

import (
	"cmp"
	"math/bits"
	"slices"
	"time"

	"github.com/microfox-ai/aiwctl/aws"
	"github.com/microfox-ai/aiwctl/aws/metrics"
)

// Kind names a condition. The values are part of the interface.
type Kind string

// The conditions, the most urgent first among those of equal severity.
const (
	Broken    Kind = "broken"
	Stalled   Kind = "stalled"
	Rising    Kind = "dead letters rising"
	TimingOut Kind = "timing out"
	Failing   Kind = "failing"
	Unguarded Kind = "unguarded"
	Unknown   Kind = "unknown"
	Throttled Kind = "throttled"
	Overdue   Kind = "overdue"
	Growing   Kind = "growing"
	Dead      Kind = "dead letters"
	Paused    Kind = "paused"
	Backlog   Kind = "backlog"
	Check     Kind = "check"
	Draining  Kind = "draining"
	Waiting   Kind = "waiting"
	Delayed   Kind = "delayed"
	Healthy   Kind = "healthy"
	Idle      Kind = "idle"
)

// urgency is a kind's place in that list; -1 when it is not there. Lists are sorted by it
// again and again.
func (k Kind) urgency() int {
	switch k {
	case Broken:
		return 0
	case Stalled:
		return 1
	case Rising:
		return 2
	case TimingOut:
		return 3
	case Failing:
		return 4
	case Unguarded:
		return 5
	case Unknown:
		return 6
	case Throttled:
		return 7
	case Overdue:
		return 8
	case Growing:
		return 9
	case Dead:
		return 10
	case Paused:
		return 11
	case Backlog:
		return 12
	case Check:
		return 13
	case Draining:
		return 14
	case Waiting:
		return 15
	case Delayed:
		return 16
	case Healthy:
		return 17
	case Idle:
		return 18
	}
	return -1
}

// Reason is one thing that is true of a worker.
type Reason struct {
	Kind Kind `json:"kind"`
	// State is the condition in a few words: "failing: 12 of 15 invocations".
	State    string       `json:"state"`
	Severity aws.Severity `json:"severity"`
	// Evidence says what was seen, in a sentence without a full stop.
	Evidence string `json:"evidence,omitempty"`
	// Advice is what to do next; empty when there is nothing.
	Advice string `json:"advice,omitempty"`
}

// Verdict is how a worker is: the most serious reason, and the others after it.
type Verdict struct {
	Reason
	// More are the further reasons, the more serious first.
	More []Reason `json:"more,omitempty"`
	// PerMinute is how fast the number of waiting messages changes; nil when the
	// readings do not tell, zero when it is steady.
	PerMinute *float64 `json:"perMinute,omitempty"`
	// Oldest is how long the oldest message has waited, as CloudWatch says; nil when
	// it does not.
	Oldest *time.Duration `json:"-"`
	// Missing says what could not be judged, and why.
	Missing []string `json:"missing,omitempty"`
}

// Has is whether a condition is among the reasons.
func (v *Verdict) Has(k Kind) bool {
	return v != nil && (v.Kind == k || slices.ContainsFunc(v.More, func(r Reason) bool { return r.Kind == k }))
}

// Sample is one reading of a worker's depths. A number below zero was not read.
type Sample struct {
	At       time.Time
	Visible  int
	InFlight int
	// Dead is every message of the dead-letter queue.
	Dead int
}

// SampleOf is a worker's last reading; false when its queue was never read.
func SampleOf(w *aws.Worker) (Sample, bool) {
	if w.Queue == nil || w.Queue.Depth.At.IsZero() {
		return Sample{}, false
	}
	d := w.Queue.Depth
	s := Sample{At: d.At, Visible: d.Visible, InFlight: d.InFlight, Dead: -1}
	if w.DLQ != nil && !w.DLQ.Depth.At.IsZero() {
		s.Dead = w.DLQ.Depth.Total()
	}
	return s, true
}

// Past are the readings that CloudWatch has: what was visible each minute, in the
// queue and in the dead-letter queue. It has no messages in flight among them, so
// dead letters at which somebody looked are missing.
func Past(m *metrics.Worker) []Sample {
	if m == nil {
		return nil
	}
	dead := make(map[int64]int, len(m.DLQ.Visible.Points))
	for _, p := range m.DLQ.Visible.Points {
		dead[p.At.Unix()] = number(p.Value)
	}
	out := make([]Sample, 0, len(m.Queue.Visible.Points))
	for _, p := range m.Queue.Visible.Points {
		s := Sample{At: p.At, Visible: number(p.Value), InFlight: -1, Dead: -1}
		if n, ok := dead[p.At.Unix()]; ok {
			s.Dead = n
			delete(dead, p.At.Unix())
		}
		out = append(out, s)
	}
	for at, n := range dead { // the queue itself may be idle
		out = append(out, Sample{At: time.Unix(at, 0), Visible: -1, InFlight: -1, Dead: n})
	}
	return out
}

// Input is what a verdict depends on. Worker and Now are needed.
type Input struct {
	Worker *aws.Worker
	Now    time.Time
	// Samples are earlier readings in any order; the worker's own is added.
	Samples []Sample
	// Metrics is what CloudWatch said; nil when it was not asked.
	Metrics *metrics.Worker
	// Previous is the verdict before this one, so that words do not flap; nil means
	// none.
	Previous *Verdict
	// StaleAfter is how old a reading may be; zero means DefaultStaleAfter.
	StaleAfter time.Duration
}

// The thresholds, all of them. Where a condition has two, the second is where it
// ends once it was there.
const (
	// DefaultStaleAfter is how old a reading may be before nothing is known.
	DefaultStaleAfter = 5 * time.Minute
	// metricsAfter is how old CloudWatch's answer may be to be judged by, and
	// metricsFresh how old to say what is going on now.
	metricsAfter, metricsFresh = time.Hour, 5 * time.Minute
	// trendWindow is how far back the trend of a queue is taken from, and trendSpan
	// the least that the readings must span. SQS's counts settle within a minute.
	trendWindow = 10 * time.Minute
	trendSpan   = 2 * time.Minute
	trendPoints = 4
	// noiseFloor and noiseShare (of the level) are changes that are no trend.
	noiseFloor, noiseShare = 5.0, 0.05
	// slowest is the least change a minute that is told.
	slowest, slowestEnd = 1.0, 0.5
	// fewest is the least backlog that grows or drains.
	fewest, fewestEnd = 20, 10
	// many is a backlog that is worth a look even when it is steady.
	many, manyEnd = 100, 70
	// stallSpan is how long nothing must have been taken.
	stallSpan   = 2 * time.Minute
	stallPoints = 3
	// deadWindow is how far back a rise of the dead letters is looked for.
	deadWindow = 10 * time.Minute
	// failWindow is how far back invocations are counted.
	failWindow               = 15 * time.Minute
	failShare, failShareEnd  = 0.10, 0.05
	failCount, failCountMany = 3, 2 // the latter where half of them fail
	failMost                 = 0.50
	// throttleWindow is how far back throttles are counted.
	throttleWindow                  = 5 * time.Minute
	throttleShare, throttleShareEnd = 0.05, 0.02
	throttleCount                   = 3
	// atTimeout is the share of the timeout that the longest invocation reaches.
	atTimeout = 0.99
	// overdue is how long a message may wait.
	overdue, overdueEnd = 15 * time.Minute, 10 * time.Minute
	// overdueLost is the share of the retention period after which it is urgent.
	overdueLost = 0.5
	// ageWindow is how old CloudWatch's newest age may be.
	ageWindow = 10 * time.Minute
)

// Judge says how a worker is.
func Judge(in Input) Verdict {
	j := &judge{Input: in, w: in.Worker}
	if j.StaleAfter <= 0 {
		j.StaleAfter = DefaultStaleAfter
	}
	if m := in.Metrics; m != nil && !m.At.IsZero() && in.Now.Sub(m.At) <= metricsAfter {
		j.m, j.fresh = m, in.Now.Sub(m.At) <= metricsFresh
	}
	j.samples = j.readings()
	j.deployment()
	j.known()
	j.dead()
	j.stalled()
	j.invocations()
	j.age()
	j.trend()
	slices.SortStableFunc(j.reasons, func(a, b Reason) int {
		return cmp.Or(b.Severity.Rank()-a.Severity.Rank(), a.Kind.urgency()-b.Kind.urgency())
	})
	// A warning of the deployment is told, and does not hide that jobs run.
	if len(j.reasons) == 0 || j.reasons[0].Kind == Check {
		if calm := j.calm(); len(j.reasons) == 0 || calm.Kind != Idle {
			j.reasons = slices.Insert(j.reasons, 0, calm)
		}
	}
	j.verdict.Reason, j.verdict.More = j.reasons[0], j.reasons[1:]
	return j.verdict
}

// Row is a worker with its verdict, for Compare.
type Row struct {
	ID            string
	Verdict       *Verdict
	Dead, Backlog int
}

// Compare orders workers by their need of attention, the most urgent first. A
// backlog counts by its magnitude only, so that a list does not dance with every job.
func Compare(a, b Row) int {
	return cmp.Or(
		b.Verdict.Severity.Rank()-a.Verdict.Severity.Rank(),
		a.Verdict.Kind.urgency()-b.Verdict.Kind.urgency(),
		cmp.Compare(b.Dead, a.Dead),
		cmp.Compare(magnitude(b.Backlog), magnitude(a.Backlog)),
		cmp.Compare(a.ID, b.ID),
	)
}

func magnitude(n int) int { return bits.Len(uint(max(0, n))) / 2 }
