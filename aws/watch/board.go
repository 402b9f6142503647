// Package watch looks at a stage again and again: it keeps what was read, remembers
// how it was before, judges it, and says what to read next so that the calls stay
// within their limit and the metrics within their price.
//
// It makes no call itself. The console and `aiwctl workers --watch` do what it plans,
// each in its own way, and tell it what came of it.
package watch

import (
	"errors"
	"slices"
	"time"

	"github.com/microfox-ai/aiwctl/aws"
	"github.com/microfox-ai/aiwctl/aws/health"
	"github.com/microfox-ai/aiwctl/aws/metrics"
)

const (
	// sampleEvery is the least time between two readings that are remembered, and
	// remembered how many there are: health looks back ten minutes.
	sampleEvery = 12 * time.Second
	remembered  = 60
	// judgedFor is how long a verdict holds without a new reading.
	judgedFor = 30 * time.Second
)

// Config configures New. The zero value reads without limit and asks CloudWatch
// nothing.
type Config struct {
	// MaxCalls is how many calls a minute may be made; zero means any number.
	MaxCalls int
	// Metrics is whether CloudWatch is asked.
	Metrics bool
	// Free is whether nothing costs anything, as with a local endpoint: CloudWatch is
	// then asked as often as queues are read.
	Free bool
}

// Board is what is known of a stage. It is not safe for concurrent use: one
// goroutine owns it, and hands copies of workers to those that read.
type Board struct {
	cfg    Config
	inv    *aws.Inventory
	queues int // how many inv has
	// known is what is remembered of the workers of inv, by id.
	known map[string]*memory

	discoveredAt time.Time
	// cut is whether the last discovery had more calls to make than the limit allowed
	// in its time.
	cut bool
	// cursor is the worker of inv that is read next when not all are.
	cursor int
	// tokens are the metrics that may be asked for, as of filledAt.
	tokens       float64
	filledAt     time.Time
	measuredAt   time.Time
	metricsError error
}

// memory is what is remembered of one worker.
type memory struct {
	samples  []health.Sample // oldest first
	metrics  *metrics.Worker
	measured time.Time // when CloudWatch was last asked
	past     bool      // the samples begin with what CloudWatch had
	verdict  *health.Verdict
	judgedAt time.Time
	dirty    bool // something is new since then
}

// New returns a Board on which nothing stands.
func New(cfg Config) *Board {
	return &Board{cfg: cfg, known: map[string]*memory{}, tokens: firstMetrics}
}

// Inventory is the stage as last read; nil before Discovered. It is never changed in
// place.
func (b *Board) Inventory() *aws.Inventory { return b.inv }

// Discovered takes over a new inventory. Workers that a source knew which could not be
// read this time have not gone: they are kept as they were.
func (b *Board) Discovered(inv *aws.Inventory, now time.Time) {
	b.discoveredAt = now
	b.cut = slices.ContainsFunc(inv.Warnings, func(err error) bool { return errors.Is(err, aws.ErrPaced) })
	if b.inv != nil && len(inv.Warnings) > 0 {
		there := make(map[string]bool, len(inv.Workers))
		for i := range inv.Workers {
			there[inv.Workers[i].ID] = true
		}
		grown := *inv
		grown.Workers = slices.Clone(inv.Workers)
		for i := range b.inv.Workers {
			if !there[b.inv.Workers[i].ID] {
				grown.Workers = append(grown.Workers, b.inv.Workers[i])
			}
		}
		inv = &grown
	}
	b.inv, b.queues = inv, 0
	there := make(map[string]bool, len(inv.Workers))
	for i := range inv.Workers {
		b.queues += queuesOf(&inv.Workers[i])
		there[inv.Workers[i].ID] = true
		b.note(&inv.Workers[i])
	}
	for id := range b.known {
		if !there[id] {
			delete(b.known, id)
		}
	}
}

// Refreshed puts new depths into the inventory there is by now, which may be newer
// than the one the reading began with. It returns the time of the newest.
func (b *Board) Refreshed(read []aws.Worker) (newest time.Time) {
	if b.inv == nil || len(read) == 0 {
		return newest
	}
	fresh := make(map[string]*aws.Worker, len(read))
	for i := range read {
		fresh[read[i].ID] = &read[i]
	}
	inv := *b.inv
	inv.Workers = slices.Clone(b.inv.Workers)
	for i := range inv.Workers {
		w := &inv.Workers[i]
		got, ok := fresh[w.ID]
		if !ok {
			continue
		}
		// Only the depths are new; the rest belongs to discovery.
		w.Queue, w.DLQ = deeper(w.Queue, got.Queue), deeper(w.DLQ, got.DLQ)
		for _, q := range []*aws.Queue{w.Queue, w.DLQ} {
			if q != nil && q.Depth.At.After(newest) {
				newest = q.Depth.At
			}
		}
		b.note(w)
	}
	b.inv = &inv
	return newest
}

// deeper is the queue with the newer depth of the two.
func deeper(q, read *aws.Queue) *aws.Queue {
	if q == nil || read == nil || read.Depth.At.Before(q.Depth.At) {
		return q
	}
	fresh := *q
	fresh.Depth = read.Depth
	return &fresh
}

// note remembers a worker's reading.
func (b *Board) note(w *aws.Worker) {
	m := b.known[w.ID]
	if m == nil {
		m = &memory{}
		b.known[w.ID] = m
	}
	m.dirty = true
	s, ok := health.SampleOf(w)
	if !ok {
		return
	}
	if n := len(m.samples); n > 0 {
		switch last := m.samples[n-1].At; {
		case s.At.Equal(last):
			return // it could not be read again
		case s.At.Before(last): // the clock was put back: what was seen then is of no use
			m.samples = m.samples[:0]
		case n > 1 && last.Sub(m.samples[n-2].At) < sampleEvery:
			m.samples = m.samples[:n-1] // the reading before the last is near enough
		}
	}
	m.samples = append(m.samples, s)
	if extra := len(m.samples) - remembered; extra > 0 {
		m.samples = slices.Delete(m.samples, 0, extra)
	}
}

// Measured takes over what CloudWatch said of the workers that were asked about, and
// why it did not say all of it.
func (b *Board) Measured(got map[string]*metrics.Worker, err error) {
	b.metricsError = err
	for id, m := range got {
		k := b.known[id]
		if k == nil {
			continue
		}
		if old := k.metrics; old != nil && m.Function.Invocations.State == metrics.Failed && m.Queue.Oldest.State != metrics.Complete {
			continue // what it said before is still worth something, until it is old
		}
		k.metrics, k.dirty = m, true
		if past := health.Past(m); len(past) > 0 && !k.past {
			k.past = true
			var seen []health.Sample
			for _, s := range past {
				if len(k.samples) == 0 || s.At.Before(k.samples[0].At) {
					seen = append(seen, s)
				}
			}
			slices.SortFunc(seen, func(a, b health.Sample) int { return a.At.Compare(b.At) })
			k.samples = append(seen, k.samples...)
			if extra := len(k.samples) - remembered; extra > 0 {
				k.samples = slices.Delete(k.samples, 0, extra)
			}
		}
	}
}

// MetricsError is why CloudWatch did not say all that it was last asked; nil when it
// did.
func (b *Board) MetricsError() error { return b.metricsError }

// Samples are the readings of a worker that are remembered, oldest first, those of
// CloudWatch before this board's own. The caller must not keep or change them.
func (b *Board) Samples(id string) []health.Sample {
	if k := b.known[id]; k != nil {
		return k.samples
	}
	return nil
}

// Verdict is how a worker is; idle when there is none of that id.
func (b *Board) Verdict(id string, now time.Time) health.Verdict {
	k := b.known[id]
	if k == nil || b.inv == nil {
		return health.Verdict{Reason: health.Reason{Kind: health.Idle, State: string(health.Idle), Severity: aws.SeverityOK}}
	}
	if k.verdict != nil && !k.dirty && now.Sub(k.judgedAt) < judgedFor && !now.Before(k.judgedAt) {
		return *k.verdict
	}
	i := slices.IndexFunc(b.inv.Workers, func(w aws.Worker) bool { return w.ID == id })
	if i < 0 {
		return health.Verdict{}
	}
	return b.judge(&b.inv.Workers[i], k, now)
}

func (b *Board) judge(w *aws.Worker, k *memory, now time.Time) health.Verdict {
	v := health.Judge(health.Input{
		Worker: w, Now: now, Samples: k.samples, Metrics: k.metrics, Previous: k.verdict,
		StaleAfter: max(health.DefaultStaleAfter, 2*b.Round()),
	})
	k.verdict, k.judgedAt, k.dirty = &v, now, false
	return v
}

// Verdicts are all of them, by id.
func (b *Board) Verdicts(now time.Time) map[string]*health.Verdict {
	out := make(map[string]*health.Verdict, len(b.known))
	if b.inv == nil {
		return out
	}
	for i := range b.inv.Workers {
		w := &b.inv.Workers[i]
		k := b.known[w.ID]
		if k.verdict == nil || k.dirty || now.Sub(k.judgedAt) >= judgedFor || now.Before(k.judgedAt) {
			b.judge(w, k, now)
		}
		out[w.ID] = k.verdict
	}
	return out
}
