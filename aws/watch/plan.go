package watch

import (
	"cmp"
	"math"
	"slices"
	"time"

	"github.com/microfox-ai/aiwctl/aws"
	"github.com/microfox-ai/aiwctl/aws/metrics"
)

const (
	// Every is the time between two readings of a stage in AWS, and EveryFree of one
	// that costs nothing.
	Every     = 5 * time.Second
	EveryFree = 2 * time.Second
	// discoverEvery is the least time between two discoveries, and discoverShare the
	// share of the calls that they may take: each reads every queue.
	discoverEvery = 60 * time.Second
	discoverShare = 0.1
	// readShare is the share of the limit that depths are read with; the rest is for
	// retries and for what else reads.
	readShare = 0.9
	// otherShare of it goes to workers that are not on the screen.
	otherShare = 0.25

	// MetricsPerMinute is how many metrics CloudWatch is asked for in the long run:
	// $0.72 a day. firstMetrics is how many may be asked for at once at the beginning,
	// which is $0.05, and mostMetrics later on.
	MetricsPerMinute = 50
	firstMetrics     = 5000
	mostMetrics      = 500
	// metricsEvery is the least time between two questions.
	metricsEvery     = time.Minute
	metricsEveryFree = 10 * time.Second
	// shownFactor is how much sooner CloudWatch is asked about a worker on the screen.
	shownFactor = 4
)

// queuesOf is how many calls it takes to read a worker's depths.
func queuesOf(w *aws.Worker) int {
	n := 0
	for _, q := range []*aws.Queue{w.Queue, w.DLQ} {
		if q != nil {
			n++
		}
	}
	return n
}

// Queues is how many calls it takes to read everything once.
func (b *Board) Queues() int { return b.queues }

// allowance is how many calls one reading may make, when the next comes in so long.
func (b *Board) allowance(every time.Duration) int {
	if b.cfg.MaxCalls <= 0 {
		return 1 << 30
	}
	return max(2, int(readShare*float64(b.cfg.MaxCalls)*every.Minutes()))
}

// Round is about how long it takes until every worker that is not on the screen was
// read again.
func (b *Board) Round() time.Duration {
	n, most := b.Queues(), b.allowance(Every)
	if n <= most {
		return Every
	}
	return time.Duration(float64(n)/(otherShare*float64(most))*Every.Seconds()) * time.Second
}

// DiscoverDue is whether it is time to look for workers that came or went.
func (b *Board) DiscoverDue(now time.Time) bool {
	wait := discoverEvery
	if b.cfg.MaxCalls > 0 && !b.cut {
		wait = max(wait, time.Duration(float64(b.Queues())/(discoverShare*float64(b.cfg.MaxCalls))*float64(time.Minute)))
	}
	return b.inv == nil || now.Sub(b.discoveredAt) >= wait || now.Before(b.discoveredAt)
}

// DiscoverTimeout is how long a discovery may take, when its calls have to wait for
// their turn. Of the first one nobody knows yet how many they are: where it is cut
// short, the next one comes soon and takes its time.
func (b *Board) DiscoverTimeout(least time.Duration) time.Duration {
	if b.cfg.MaxCalls <= 0 {
		return least
	}
	return least + time.Duration(2*float64(b.Queues())/float64(b.cfg.MaxCalls)*float64(time.Minute))
}

// Next are the workers whose depths are to be read now: those on the screen first, the
// others in turn, as far as the limit of calls goes. Every is the time until the next
// reading, free how many calls are left of this minute.
func (b *Board) Next(shown []string, every time.Duration, free int) []aws.Worker {
	if b.inv == nil {
		return nil
	}
	workers := b.inv.Workers
	most := min(b.allowance(every), free)
	if b.Queues() <= most {
		return slices.Clone(workers)
	}
	index := make(map[string]int, len(workers))
	for i := range workers {
		index[workers[i].ID] = i
	}
	var out []aws.Worker
	taken := make(map[int]bool)
	left := most
	take := func(i, limit int) bool {
		if taken[i] {
			return true
		}
		if n := queuesOf(&workers[i]); n > limit {
			return false
		}
		taken[i] = true
		left -= queuesOf(&workers[i])
		out = append(out, workers[i])
		return true
	}
	// More rows on the screen than the limit allows take turns, too: the longest
	// unread first.
	onScreen := make([]int, 0, len(shown))
	for _, id := range shown {
		if i, ok := index[id]; ok {
			onScreen = append(onScreen, i)
		}
	}
	slices.SortStableFunc(onScreen, func(x, y int) int { return readAt(&workers[x]).Compare(readAt(&workers[y])) })
	others := int(otherShare * float64(most))
	for _, i := range onScreen {
		if !take(i, left-others) {
			break
		}
	}
	for range workers {
		b.cursor = (b.cursor + 1) % len(workers)
		if !take(b.cursor, left) {
			b.cursor = (b.cursor + len(workers) - 1) % len(workers)
			break
		}
	}
	return out
}

// readAt is when a worker's queue was last read.
func readAt(w *aws.Worker) time.Time {
	if w.Queue == nil {
		return time.Time{}
	}
	return w.Queue.Depth.At
}

// NextMetrics are the workers about which CloudWatch is to be asked now, and what;
// nothing when it is too soon. They count as asked.
func (b *Board) NextMetrics(shown []string, now time.Time) ([]aws.Worker, metrics.Question) {
	if !b.cfg.Metrics || b.inv == nil {
		return nil, metrics.Question{}
	}
	every := metricsEvery
	if b.cfg.Free {
		every = metricsEveryFree
	}
	if !b.measuredAt.IsZero() && now.Sub(b.measuredAt) < every && !now.Before(b.measuredAt) {
		return nil, metrics.Question{}
	}
	first := b.measuredAt.IsZero()
	if !first {
		b.tokens = min(b.tokens+max(0, now.Sub(b.filledAt).Minutes())*MetricsPerMinute, max(b.tokens, mostMetrics))
	}
	b.filledAt, b.measuredAt = now, now
	onScreen := make(map[string]bool, len(shown))
	for _, id := range shown {
		onScreen[id] = true
	}
	type turn struct {
		worker int
		age    time.Duration
	}
	turns := make([]turn, len(b.inv.Workers))
	for i := range b.inv.Workers {
		id := b.inv.Workers[i].ID
		at := b.known[id].measured
		age := now.Sub(at)
		switch {
		case at.IsZero():
			age = math.MaxInt64
		case onScreen[id]:
			age *= shownFactor
		}
		turns[i] = turn{i, age}
	}
	slices.SortStableFunc(turns, func(x, y turn) int { return cmp.Compare(y.age, x.age) })
	var out []aws.Worker
	q := metrics.Question{Set: metrics.ForWatch}
	if first {
		q.Set = metrics.ForHealth
	}
	for _, t := range turns {
		w := b.inv.Workers[t.worker]
		cost := float64(q.Cost([]aws.Worker{w}))
		if !b.cfg.Free && b.tokens < cost {
			break
		}
		b.tokens = max(0, b.tokens-cost)
		b.known[w.ID].measured = now
		out = append(out, w)
	}
	return out, q
}

// PerDay is about what a day of watching costs in dollars, at so many calls a minute
// to SQS, without free tiers; zero where nothing costs anything.
func (b *Board) PerDay(callsPerMinute float64) float64 {
	if b.cfg.Free {
		return 0
	}
	const minutes = 24 * 60
	dollars := callsPerMinute * minutes * aws.PricePerSQSCall
	if b.cfg.Metrics && b.inv != nil {
		asked := min(MetricsPerMinute, float64(metrics.Question{Set: metrics.ForWatch}.Cost(b.inv.Workers)))
		dollars += asked * minutes * aws.PricePerMetric
	}
	return dollars
}
