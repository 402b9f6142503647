package metrics

import (
	"context"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"github.com/microfox-ai/aiwctl/aws/local/queues"
)

const (
	// historyMinutes is how far back datapoints go.
	historyMinutes = 180
	// mostDurations is how many durations of a function are kept of one minute.
	// Percentiles are exact up to it, and those of a random sample beyond.
	mostDurations = 512
	// mostNames bounds the queues and the functions that are measured: who makes
	// more of them for a test wants no charts.
	mostNames = 5000
)

// RecorderConfig configures NewRecorder. Queues is needed.
type RecorderConfig struct {
	Queues Queues
	// Now is the clock; nil means time.Now.
	Now func() time.Time
}

// Recorder remembers what CloudWatch would: of each of the last three hours'
// minutes how the queues were at its end, and what ran. It is safe for concurrent
// use. It implements the meter of package functions.
type Recorder struct {
	queues Queues
	now    func() time.Time

	mu        sync.Mutex
	ofQueue   map[string]*queueHistory
	functions map[string]*functionHistory
}

// NewRecorder makes a Recorder. It panics without queues, since nothing could work.
func NewRecorder(cfg RecorderConfig) *Recorder {
	if cfg.Queues == nil {
		panic("metrics.NewRecorder: Queues is needed")
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	return &Recorder{queues: cfg.Queues, now: cfg.Now, ofQueue: map[string]*queueHistory{}, functions: map[string]*functionHistory{}}
}

// Run looks at the queues at the end of every minute, until ctx ends.
func (r *Recorder) Run(ctx context.Context) {
	timer := time.NewTimer(0)
	defer timer.Stop()
	<-timer.C
	for {
		now := r.now()
		timer.Reset(now.Truncate(time.Minute).Add(time.Minute).Sub(now))
		select {
		case <-timer.C:
			r.Sample()
		case <-ctx.Done():
			return
		}
	}
}

// queueHistory is what is known of a queue's past.
type queueHistory struct {
	minutes []queueMinute // oldest first
	last    queues.Measure
}

type queueMinute struct {
	at int64 // minutes since 1970
	queues.Measure
}

// Sample notes how the queues are, for the minute that has just ended. Run calls
// it; tests may.
func (r *Recorder) Sample() {
	names := r.queues.Names()
	minute := r.now().Unix()/60 - 1
	there := make(map[string]bool, len(names))
	for _, name := range names[:min(len(names), mostNames)] {
		m, ok := r.queues.Measure(name) // takes the queue's lock, not ours
		if !ok {
			continue
		}
		there[name] = true
		r.mu.Lock()
		h := r.ofQueue[name]
		if h == nil {
			h = &queueHistory{}
			r.ofQueue[name] = h
		}
		h.note(minute, m)
		r.mu.Unlock()
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	for name := range r.ofQueue {
		if !there[name] {
			delete(r.ofQueue, name)
		}
	}
	for name, f := range r.functions {
		if f.running == 0 && (len(f.minutes) == 0 || f.minutes[len(f.minutes)-1].at < minute-historyMinutes) {
			delete(r.functions, name)
		}
	}
}

func (h *queueHistory) note(minute int64, m queues.Measure) {
	one := queueMinute{at: minute, Measure: since(h.last, m)}
	h.last = m
	if n := len(h.minutes); n > 0 && h.minutes[n-1].at >= minute {
		return // the clock was put back
	}
	h.minutes = append(h.minutes, one)
	if extra := len(h.minutes) - historyMinutes; extra > 0 {
		h.minutes = slices.Delete(h.minutes, 0, extra)
	}
}

// since turns m's counters into what was added to them. A queue that was deleted
// and made again counts from nothing.
func since(last, m queues.Measure) queues.Measure {
	if m.Sent >= last.Sent && m.Received >= last.Received && m.Deleted >= last.Deleted {
		m.Sent, m.Received, m.Deleted = m.Sent-last.Sent, m.Received-last.Received, m.Deleted-last.Deleted
	}
	return m
}

// queue is a queue's minutes, the present one last; false when there is no such queue.
func (r *Recorder) queue(name string) ([]queueMinute, bool) {
	m, ok := r.queues.Measure(name)
	if !ok {
		return nil, false
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	minute := r.now().Unix() / 60
	h := r.ofQueue[name]
	if h == nil {
		return []queueMinute{{at: minute, Measure: m}}, true
	}
	return append(slices.Clone(h.minutes), queueMinute{at: minute, Measure: since(h.last, m)}), true
}

// functionHistory is what is known of a function's past.
type functionHistory struct {
	minutes []functionMinute // oldest first; those in which nothing happened are missing
	running int
}

type functionMinute struct {
	at                             int64
	invocations, errors, throttles int
	concurrent                     int // the most that ran at once
	durations                      []float32
	sum, least, most               float64 // milliseconds
}

// Began implements functions.Meter.
func (r *Recorder) Began(function string) {
	r.change(function, r.now(), func(h *functionHistory, m *functionMinute) {
		h.running++
		m.concurrent = max(m.concurrent, h.running)
	})
}

// Ended implements functions.Meter. The datapoint is of the minute in which the
// invocation began, as Lambda has it.
func (r *Recorder) Ended(function string, began time.Time, took time.Duration, failed bool) {
	ms := float64(took) / float64(time.Millisecond)
	r.change(function, began, func(h *functionHistory, m *functionMinute) {
		h.running = max(0, h.running-1)
		m.concurrent = max(m.concurrent, 1)
		m.invocations++
		if failed {
			m.errors++
		}
		if m.invocations == 1 {
			m.least, m.most = ms, ms
		}
		m.sum, m.least, m.most = m.sum+ms, min(m.least, ms), max(m.most, ms)
		if len(m.durations) < mostDurations {
			m.durations = append(m.durations, float32(ms))
		} else if i := rand.IntN(m.invocations); i < mostDurations { //nolint:gosec // a sample, not a secret
			m.durations[i] = float32(ms)
		}
	})
}

// Throttled implements functions.Meter.
func (r *Recorder) Throttled(function string) {
	r.change(function, r.now(), func(_ *functionHistory, m *functionMinute) { m.throttles++ })
}

func (r *Recorder) change(function string, at time.Time, f func(*functionHistory, *functionMinute)) {
	minute := at.Unix() / 60
	r.mu.Lock()
	defer r.mu.Unlock()
	h := r.functions[function]
	if h == nil {
		if len(r.functions) >= mostNames {
			return
		}
		h = &functionHistory{}
		r.functions[function] = h
	}
	f(h, h.minute(minute))
}

// minute finds or makes a minute. Invocations end in any order, so it may be an
// earlier one than the last.
func (h *functionHistory) minute(at int64) *functionMinute {
	i := len(h.minutes)
	for i > 0 && h.minutes[i-1].at > at {
		i--
	}
	if i > 0 && h.minutes[i-1].at == at {
		return &h.minutes[i-1]
	}
	h.minutes = slices.Insert(h.minutes, i, functionMinute{at: at})
	if len(h.minutes) > historyMinutes && i > 0 {
		h.minutes = slices.Delete(h.minutes, 0, 1)
		i--
	}
	return &h.minutes[i]
}

// function are a function's minutes. They may be read until the lock is let go:
// use calls f with it held.
func (r *Recorder) function(name string, f func([]functionMinute)) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if h := r.functions[name]; h != nil {
		f(h.minutes)
	}
}
