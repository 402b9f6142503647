package logs

import (
	"context"
	"sync"
	"time"
)

// DefaultCallRate is how many calls a second a Reader makes at most unless it is
// told otherwise: FilterLogEvents allows five a second for a whole account and region
// (ten in a few regions), and others want to read as well.
// https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/cloudwatch_limits_cwl.html
const DefaultCallRate = 4

const (
	// cutFactor is what a throttled call leaves of the rate, and cutOften how often it
	// is cut at most: calls that were under way together are throttled together.
	cutFactor = 0.7
	cutOften  = time.Second
	// regain is how long a rate of nothing takes to come back to the full one; near the rate
	// at which CloudWatch refused last it is carefulTimes as long, until that is remembered no more.
	regain       = 20 * time.Second
	carefulTimes = 8
	carefulFor   = 15 * time.Second
	// slowest is the rate below which it is never cut, in calls a second.
	slowest = 0.5
	// throttledFor is how long after a refusal the budget counts as throttled.
	throttledFor = 10 * time.Second
	// sharesMost bounds the groups that are remembered.
	sharesMost = 4096
)

// budget is the calls that may be made, shared between log groups. A call goes to
// the waiting group that was served longest ago, so a group with many pages takes
// what the others leave and no more than its share while they want theirs. When
// CloudWatch throttles, the rate is cut by a factor, and grows again in equal steps: the
// quota belongs to the whole account, whose other users are not known.
type budget struct {
	mu    sync.Mutex
	most  float64 // calls a second
	burst float64

	rate   float64 // now
	tokens float64
	at     time.Time // of the last refill; zero before the first
	cutAt  time.Time // zero before the first refusal
	cutOff float64   // the rate then

	shares  map[string]*share
	waiting int
	turn    uint64
	timer   *time.Timer
}

// share is one log group's part in a budget.
type share struct {
	served  uint64 // the turn in which it was served last
	waiters []chan struct{}
}

func newBudget(perSecond float64, burst int) *budget {
	b := float64(max(burst, 1))
	return &budget{most: perSecond, rate: perSecond, burst: b, tokens: b, shares: map[string]*share{}}
}

// wait returns when the group may make a call. Its error is ctx's.
func (b *budget) wait(ctx context.Context, group string) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	b.mu.Lock()
	s := b.shares[group]
	if s == nil {
		s = &share{}
		b.shares[group] = s
	}
	if b.waiting == 0 && b.refill(time.Now()) >= 1 {
		b.tokens--
		b.serve(s)
		b.mu.Unlock()
		return nil
	}
	ready := make(chan struct{})
	s.waiters = append(s.waiters, ready)
	b.waiting++
	b.grant()
	b.mu.Unlock()
	select {
	case <-ready:
		return nil
	case <-ctx.Done():
		b.leave(s, ready)
		return ctx.Err()
	}
}

// leave takes back a wait. A call that was granted meanwhile goes to somebody else.
func (b *budget) leave(s *share, ready chan struct{}) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for i, w := range s.waiters {
		if w == ready {
			s.waiters = append(s.waiters[:i:i], s.waiters[i+1:]...)
			b.waiting--
			if b.waiting == 0 && b.timer != nil {
				b.timer.Stop()
				b.timer = nil
			}
			return
		}
	}
	b.tokens++
	b.grant()
}

func (b *budget) serve(s *share) {
	b.turn++
	s.served = b.turn
	if len(b.shares) > sharesMost {
		for g, s := range b.shares {
			if len(s.waiters) == 0 {
				delete(b.shares, g)
			}
		}
	}
}

// refill counts what has come in since the last time. The lock is held.
func (b *budget) refill(now time.Time) float64 {
	if !b.at.IsZero() {
		passed := now.Sub(b.at).Seconds()
		step := b.most * passed / regain.Seconds()
		if b.rate+step > 0.85*b.cutOff && now.Sub(b.cutAt) < carefulFor {
			step /= carefulTimes
		}
		b.rate = min(b.most, b.rate+step)
		b.tokens = min(b.burst, b.tokens+passed*b.rate)
	}
	b.at = now
	return b.tokens
}

// grant lets those go whose turn it is, and comes back when the next one's is.
// The lock is held.
func (b *budget) grant() {
	// A token that is due now may lack a billionth.
	for b.waiting > 0 && b.refill(time.Now()) >= 1-1e-9 {
		var next *share
		for _, s := range b.shares {
			if len(s.waiters) > 0 && (next == nil || s.served < next.served) {
				next = s
			}
		}
		b.tokens--
		b.waiting--
		close(next.waiters[0])
		next.waiters = next.waiters[1:]
		b.serve(next)
	}
	if b.waiting == 0 || b.timer != nil {
		return
	}
	wait := time.Duration((1 - b.tokens) / b.rate * float64(time.Second))
	b.timer = time.AfterFunc(max(wait, time.Microsecond), func() {
		b.mu.Lock()
		defer b.mu.Unlock()
		b.timer = nil
		b.grant()
	})
}

// throttled tells that CloudWatch refused a call.
func (b *budget) throttled() {
	b.mu.Lock()
	defer b.mu.Unlock()
	now := time.Now()
	b.refill(now)
	if !b.cutAt.IsZero() && now.Sub(b.cutAt) < cutOften {
		return
	}
	b.cutAt, b.cutOff = now, b.rate
	b.rate = min(b.most, max(b.rate*cutFactor, slowest))
	b.tokens = min(b.tokens, 1)
}

// isThrottled reports whether CloudWatch refused a call of late.
func (b *budget) isThrottled() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return !b.cutAt.IsZero() && time.Since(b.cutAt) < throttledFor
}
