package functions

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/microfox-ai/aiwctl/aws/local/wire"
)

// pool holds the execution environments of one program of one function. When the
// function gets another program, the pool is retired and a new one takes its place.
type pool struct {
	m     *Manager
	spec  Function
	limit int

	retired chan struct{} // closed: no new invocations, idle environments end
	kill    chan struct{} // closed: busy environments end too
	empty   chan struct{} // closed: retired, and the last environment has ended

	mu        sync.Mutex
	isRetired bool
	count     int            // environments, idle or busy
	idle      []*environment // the one used last is at the end
	waiters   []chan struct{}
	backoff   backoff
}

// backoff keeps a program that cannot start from being started all the time.
type backoff struct {
	failures int
	until    time.Time
	result   Result // of the last attempt
}

const (
	firstBackoff = 250 * time.Millisecond
	maxBackoff   = 10 * time.Second
)

var errRetired = errors.New("the function has been replaced")

func newPool(m *Manager, spec Function) *pool {
	limit := DefaultConcurrency
	if spec.ReservedConcurrency > 0 {
		limit = spec.ReservedConcurrency
	}
	return &pool{
		m: m, spec: spec, limit: limit,
		retired: make(chan struct{}), kill: make(chan struct{}), empty: make(chan struct{}),
	}
}

// submit hands inv to an idle environment, or to a new one, or waits for one.
func (p *pool) submit(ctx context.Context, inv *invocation) error {
	var patience <-chan time.Time
	for {
		e, wait, err := p.acquire(inv)
		if err != nil {
			return err
		}
		switch {
		case e != nil:
			select {
			case e.work <- inv:
				return nil
			case <-e.gone: // it ended in the very moment we took it
				continue
			}
		case wait == nil:
			return nil // answered already
		}
		if patience == nil {
			timer := time.NewTimer(p.m.cfg.ThrottleWait)
			defer timer.Stop()
			patience = timer.C
		}
		select {
		case <-wait:
			continue
		case <-p.m.life.Done():
			err = errClosed
		case <-ctx.Done():
			err = ctx.Err()
		case <-patience:
			err = throttled()
		}
		p.forget(wait)
		return err
	}
}

func throttled() error {
	return wire.NewError(throttledCode, "Rate Exceeded.").WithStatus(http.StatusTooManyRequests)
}

const throttledCode = "TooManyRequestsException"

func isThrottled(err error) bool {
	e, ok := errors.AsType[*wire.Error](err)
	return ok && e.Code == throttledCode
}

// acquire takes an idle environment or starts one. Where all are busy it returns
// what to wait for. While the program backs off from failing to start, inv gets
// the last failure again, and nothing is returned.
func (p *pool) acquire(inv *invocation) (*environment, chan struct{}, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case p.isRetired:
		return nil, nil, errRetired
	case len(p.idle) > 0:
		e := p.idle[len(p.idle)-1]
		p.idle = p.idle[:len(p.idle)-1]
		return e, nil, nil
	case time.Now().Before(p.backoff.until):
		inv.result = p.backoff.result
		p.begin(inv)
		p.end(inv)
		return nil, nil, nil
	case p.count < p.limit:
		e := newEnvironment(p)
		if !p.m.run(e.run) {
			return nil, nil, errClosed
		}
		p.count++
		return e, nil, nil
	case p.spec.ReservedConcurrency > 0:
		return nil, nil, throttled()
	}
	wait := make(chan struct{})
	p.waiters = append(p.waiters, wait)
	return nil, wait, nil
}

// begin notes that inv runs now.
func (p *pool) begin(inv *invocation) {
	inv.began = p.m.cfg.Now()
	p.m.cfg.Meter.Began(p.spec.Name)
}

// end gives inv's result to whoever waits for it.
func (p *pool) end(inv *invocation) {
	p.m.cfg.Meter.Ended(p.spec.Name, inv.began, inv.took, inv.result.FunctionError != "")
	close(inv.done)
}

// forget gives up waiting; when the signal had come already, the next in line gets it.
func (p *pool) forget(wait chan struct{}) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if i := slices.Index(p.waiters, wait); i >= 0 {
		p.waiters = slices.Delete(p.waiters, i, i+1)
		return
	}
	p.wake()
}

func (p *pool) wake() {
	if len(p.waiters) > 0 {
		close(p.waiters[0])
		p.waiters = p.waiters[1:]
	}
}

// put makes e available for the next invocation.
func (p *pool) put(e *environment) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.idle = append(p.idle, e)
	p.wake()
}

// withdraw takes e from the idle ones and refuses work that is on its way to it.
func (p *pool) withdraw(e *environment) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.idle = slices.DeleteFunc(p.idle, func(other *environment) bool { return other == e })
	close(e.gone)
}

// leave makes room for another environment: e has ended.
func (p *pool) leave(e *environment) {
	p.mu.Lock()
	defer p.mu.Unlock()
	select {
	case <-e.gone:
	default:
		close(e.gone)
	}
	p.count--
	p.wake()
	if p.isRetired && p.count == 0 {
		close(p.empty)
	}
}

// started notes whether the program came up, for the backoff.
func (p *pool) started(ok bool, result Result) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if ok {
		p.backoff = backoff{}
		return
	}
	delay := maxBackoff
	if p.backoff.failures < 6 {
		delay = min(maxBackoff, firstBackoff<<p.backoff.failures)
	}
	p.backoff = backoff{failures: p.backoff.failures + 1, until: time.Now().Add(delay), result: result}
}

// health says whether the last start failed, and for how long there will be no other.
func (p *pool) health() (failing bool, wait time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.backoff.failures > 0, time.Until(p.backoff.until)
}

// retire ends the pool: at once what is idle, what is busy when it is done, or
// when drain is over, or ctx, or the manager.
func (p *pool) retire(ctx context.Context, drain time.Duration) {
	p.mu.Lock()
	p.isRetired = true
	close(p.retired)
	for len(p.waiters) > 0 {
		p.wake()
	}
	if p.count == 0 {
		close(p.empty)
	}
	p.mu.Unlock()

	timer := time.NewTimer(drain)
	defer timer.Stop()
	select {
	case <-p.empty:
		return
	case <-timer.C:
	case <-ctx.Done():
	case <-p.m.life.Done():
	}
	close(p.kill)
	<-p.empty
}
