package screen

import (
	"context"
	"fmt"
	"time"

	tea "charm.land/bubbletea/v2"
)

// ID names an owner of replies: a screen that was opened, or a part of the root.
// No two owners of one console share an ID, so that a reply can never land in
// another screen of the same kind. Zero is nobody.
type ID uint64

// Reply is how the result of work outside Bubble Tea's goroutine comes back. The
// root hands it to its Owner only, whether or not that is visible or a dialog is
// open, and drops it when the owner has been closed.
type Reply struct {
	Owner   ID
	Purpose string
	// Gen tells the live request of a purpose from those it replaced. Use
	// Requests.Take to check it.
	Gen     uint64
	Payload any
	Err     error
	// More is true for an item of a stream that goes on.
	More bool
}

// Requests keeps at most one live request per purpose for one owner. Starting a
// purpose again cancels the one before, and Take drops the replies of all but
// the newest. It is used on Bubble Tea's goroutine only; the functions given to
// it run on others and must not touch the screen: they return a payload.
//
//	func (s *Screen) load() tea.Cmd {
//		return s.requests.Start("load", 10*time.Second, func(ctx context.Context) (any, error) {
//			return s.source.Load(ctx)
//		})
//	}
//
//	func (s *Screen) Update(msg tea.Msg) tea.Cmd {
//		if msg, ok := msg.(screen.Reply); ok {
//			next, live := s.requests.Take(msg)
//			if !live {
//				return nil
//			}
//			switch msg.Purpose { ... }
//			return next
//		}
//		...
//	}
type Requests struct {
	work  *Work
	owner ID
	gen   uint64
	live  map[string]*request
	exec  func(tea.ExecCommand, tea.ExecCallback) tea.Cmd // nil: tea.Exec
}

type request struct {
	gen    uint64
	cancel context.CancelFunc // ends the function
	gone   chan struct{}      // closed when nobody wants the reply any more
	items  chan Reply         // a stream's replies; nil otherwise
}

// NewRequests returns the requests of one owner. Screens get theirs from
// Env.Requests.
func NewRequests(work *Work, owner ID) *Requests {
	return &Requests{work: work, owner: owner, live: make(map[string]*request)}
}

// begin registers a new request and lets go of the one it replaces.
func (r *Requests) begin(purpose string, timeout time.Duration) (*request, context.Context) {
	r.Cancel(purpose)
	r.gen++
	var (
		ctx    context.Context
		cancel context.CancelFunc
	)
	if timeout > 0 {
		ctx, cancel = context.WithTimeout(r.work.ctx, timeout)
	} else {
		ctx, cancel = context.WithCancel(r.work.ctx)
	}
	q := &request{gen: r.gen, cancel: cancel, gone: make(chan struct{})}
	r.live[purpose] = q
	return q, ctx
}

// Start returns a command that runs fn and brings back its result as a Reply.
// The context ends after timeout (zero: never), when the purpose is started
// again or cancelled, and when the owner or the console closes. A panic in fn
// comes back as an error.
func (r *Requests) Start(purpose string, timeout time.Duration, fn func(context.Context) (any, error)) tea.Cmd {
	q, ctx := r.begin(purpose, timeout)
	reply := Reply{Owner: r.owner, Purpose: purpose, Gen: q.gen}
	work := r.work
	return func() tea.Msg {
		if !work.enter() {
			return nil
		}
		defer work.leave()
		defer q.cancel()
		reply.Payload, reply.Err = guarded(purpose, func() (any, error) { return fn(ctx) })
		select {
		case <-q.gone:
			return nil
		default:
			return reply
		}
	}
}

// After returns a command that brings back an empty Reply after d. It is a
// purpose like any other: starting it again, or Cancel, stops the timer.
func (r *Requests) After(purpose string, d time.Duration) tea.Cmd {
	return r.Start(purpose, 0, func(ctx context.Context) (any, error) {
		timer := time.NewTimer(d)
		defer timer.Stop()
		select {
		case <-timer.C:
		case <-ctx.Done():
		}
		return nil, nil
	})
}

// Stream returns a command that runs fn, each emit of which comes back as a
// Reply with More set, in order; then one last Reply carries fn's error. Emit
// waits until the screen has taken the item before, so a slow terminal holds
// back the source instead of filling memory; it fails when the stream is
// cancelled. Take returns the command that fetches the next item: a screen that
// drops it stops the stream.
func (r *Requests) Stream(purpose string, fn func(ctx context.Context, emit func(payload any) error) error) tea.Cmd {
	q, ctx := r.begin(purpose, 0)
	q.items = make(chan Reply)
	reply := Reply{Owner: r.owner, Purpose: purpose, Gen: q.gen}
	work := r.work
	send := func(item Reply) error {
		select {
		case q.items <- item:
			return nil
		case <-q.gone:
			return context.Canceled
		case <-work.ctx.Done():
			return work.ctx.Err()
		}
	}
	next := r.next(q)
	return func() tea.Msg {
		if !work.enter() {
			return nil
		}
		go func() {
			defer work.leave()
			defer q.cancel()
			last := reply
			_, last.Err = guarded(purpose, func() (any, error) {
				return nil, fn(ctx, func(payload any) error {
					item := reply
					item.Payload, item.More = payload, true
					return send(item)
				})
			})
			_ = send(last) // nobody is left to read it when this fails
		}()
		return next()
	}
}

// next is the command that waits for a stream's next reply.
func (r *Requests) next(q *request) tea.Cmd {
	work := r.work
	return func() tea.Msg {
		if !work.enter() {
			return nil
		}
		defer work.leave()
		select {
		case reply := <-q.items:
			return reply
		case <-q.gone:
		case <-work.ctx.Done():
		}
		return nil
	}
}

// Take reports whether a reply belongs to the live request of its purpose. A
// reply that does not must be ignored. For a stream that goes on, next fetches
// its next item and has to be returned from Update; otherwise next is nil and
// the purpose is free again.
func (r *Requests) Take(reply Reply) (next tea.Cmd, live bool) {
	q, ok := r.live[reply.Purpose]
	if !ok || q.gen != reply.Gen || reply.Owner != r.owner {
		return nil, false
	}
	if reply.More {
		return r.next(q), true
	}
	q.cancel()
	delete(r.live, reply.Purpose)
	return nil, true
}

// Live reports whether a purpose is under way.
func (r *Requests) Live(purpose string) bool {
	_, ok := r.live[purpose]
	return ok
}

// Interrupt ends the context of a purpose and still brings back its reply: for
// work whose partial result matters.
func (r *Requests) Interrupt(purpose string) {
	if q, ok := r.live[purpose]; ok {
		q.cancel()
	}
}

// Cancel ends a purpose; its reply is dropped.
func (r *Requests) Cancel(purpose string) {
	if q, ok := r.live[purpose]; ok {
		q.cancel()
		close(q.gone)
		delete(r.live, purpose)
	}
}

// Close cancels every purpose.
func (r *Requests) Close() {
	for purpose := range r.live {
		r.Cancel(purpose)
	}
}

// guarded turns a panic into an error: a fault in one panel's request must not
// take the terminal down with it.
func guarded(purpose string, fn func() (any, error)) (payload any, err error) {
	defer func() {
		if fault := recover(); fault != nil {
			payload, err = nil, fmt.Errorf("%s: internal fault: %v", purpose, fault)
		}
	}()
	return fn()
}
