package logs

import (
	"sync"
	"time"

	"github.com/microfox-ai/aiwctl/aws"
)

// State is how a tail is doing.
type State struct {
	// Err is the latest failure of a log group that is failing now; nil: healthy. That
	// CloudWatch throttles now and then is no failure; that it does so
	// throttledFailures times in a row for one group is.
	Err error
	// RetryIn is when that group is asked again.
	RetryIn time.Duration
	// Lag is how long ago the group that is furthest behind was last read to its
	// end; zero while all of them are read at the usual interval.
	Lag time.Duration
	// Behind is how many of the Groups lag.
	Behind, Groups int
	// Throttled is true when CloudWatch refused calls in the last ten seconds: the
	// pace is lower than it might be.
	Throttled bool
	// Sampled is true while live tail leaves out lines since there are too many; they
	// are read by the usual way, a little later.
	Sampled bool
}

// same reports whether a person would see no difference.
func (s State) same(o State) bool {
	return s.Err == o.Err && //nolint:errorlint // the very error that was told
		(s.Lag-o.Lag).Abs() < time.Second && s.Behind == o.Behind && s.Throttled == o.Throttled && s.Sampled == o.Sampled
}

// throttledFailures is from how many throttled calls in a row on it is called a failure.
const throttledFailures = 4

// reporter tells how the tails are doing. A tail that is not in read has no age:
// the search, and live sessions.
type reporter struct {
	mu        sync.Mutex
	onState   func(State)
	throttled func() bool
	errs      map[*tail]error
	read      map[*tail]time.Time // last read to its end
	sampled   time.Time           // until when lines are said to be left out
	told      State
	ever      bool
}

func (p *reporter) fail(t *tail, failures int, err error, retryIn time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if kind, _ := aws.Classify(err); kind == aws.KindThrottled && failures < throttledFailures {
		p.refresh()
		return
	}
	p.errs[t] = err
	s := p.state()
	s.Err, s.RetryIn = err, retryIn
	p.tell(s)
}

// goes tells that a tail gets pages again.
func (p *reporter) goes(t *tail) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if _, failing := p.errs[t]; failing {
		delete(p.errs, t)
		p.refresh()
	}
}

// ok tells that a tail was read to its end.
func (p *reporter) ok(t *tail) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.errs, t)
	if _, aged := p.read[t]; aged {
		p.read[t] = time.Now()
	}
	p.refresh()
}

// samples tells that live tail leaves lines out.
func (p *reporter) samples(until time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.sampled = until
	p.refresh()
}

func (p *reporter) tick() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.refresh()
}

// refresh tells the state when it is another one than was told last.
func (p *reporter) refresh() {
	if s := p.state(); !p.ever || !s.same(p.told) {
		p.tell(s)
	}
}

func (p *reporter) tell(s State) {
	p.told, p.ever = s, true
	if p.onState != nil {
		p.onState(s)
	}
}

func (p *reporter) state() State {
	now := time.Now()
	s := State{Groups: len(p.read), Throttled: p.throttled(), Sampled: now.Before(p.sampled)}
	for t, at := range p.read {
		// A group that live tail carries is read seldom, and is not behind for that.
		after := lagAfter
		if t.live.Load() {
			after += liveEvery
		}
		if age := now.Sub(at); age >= after {
			s.Behind++
			s.Lag = max(s.Lag, age)
		}
	}
	for _, err := range p.errs { // another group is still failing
		if s.Err == nil || err == p.told.Err { //nolint:errorlint // the very error that was told
			s.Err, s.RetryIn = err, p.told.RetryIn
		}
	}
	return s
}
