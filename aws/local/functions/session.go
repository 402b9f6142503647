package functions

import (
	"context"
	"errors"
	"sync"
)

// phase is where a program is in its talk with the Runtime API.
type phase int

const (
	phaseInit       phase = iota // started, has not asked for work yet
	phaseReady                   // waits for an invocation
	phaseRunning                 // has one
	phaseResponding              // is sending its answer
	phaseResponded               // has answered, has not asked again
	phaseEnded                   // the process is gone, or about to be
)

// Refusals of the Runtime API.
var (
	errTransition = errors.New("state transition is not allowed")
	errForeignID  = errors.New("invalid request ID")
)

// session is the Runtime API's view of one process: which request it may make
// next. The environment hands invocations in and learns of progress through
// ready; HTTP handlers call the rest.
type session struct {
	ready chan struct{}    // a token each time the program becomes ready
	hand  chan *invocation // to the handler that waits in next
	over  chan struct{}    // closed by end

	mu        sync.Mutex
	phase     phase
	inv       *invocation
	lastID    string
	answer    *answer
	initError []byte // what the program posted to init/error
	sigterm   bool   // it registered as an extension: it wants a SIGTERM before the SIGKILL
}

// answer is what a program posted for an invocation.
type answer struct {
	payload       []byte
	functionError string
	errorType     string // set when the platform made the error
}

func newSession() *session {
	return &session{
		ready: make(chan struct{}, 1),
		hand:  make(chan *invocation, 1),
		over:  make(chan struct{}),
	}
}

// next is the program asking for an invocation; it blocks until there is one.
func (s *session) next(ctx context.Context) (*invocation, error) {
	s.mu.Lock()
	switch s.phase {
	case phaseRunning:
		// The answer to the last request was lost on the way; Lambda repeats it.
		inv := s.inv
		s.mu.Unlock()
		return inv, nil
	case phaseInit, phaseResponded:
		s.phase = phaseReady
		s.ready <- struct{}{} // never blocks: the environment takes each before the next can come
	case phaseReady: // the last request for work was given up
	case phaseResponding, phaseEnded:
		s.mu.Unlock()
		return nil, errTransition
	}
	s.mu.Unlock()
	select {
	case inv := <-s.hand:
		return inv, nil
	case <-s.over:
		return nil, errTransition
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// deliver gives the ready program an invocation.
func (s *session) deliver(inv *invocation) {
	s.mu.Lock()
	defer s.mu.Unlock()
	select {
	case <-s.hand: // one that nobody came for
	default:
	}
	s.phase, s.inv, s.lastID, s.answer = phaseRunning, inv, inv.id, nil
	s.hand <- inv
}

// begin is the start of the answer to invocation id.
func (s *session) begin(id string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case id != s.lastID:
		return errForeignID
	case s.phase != phaseRunning:
		return errTransition
	}
	s.phase = phaseResponding
	return nil
}

// finish is the end of it; nil means that the answer broke off.
func (s *session) finish(a *answer) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.phase != phaseResponding {
		return
	}
	if a == nil {
		s.phase = phaseRunning
		return
	}
	s.phase, s.answer = phaseResponded, a
}

// failInit is the program saying that it cannot start.
func (s *session) failInit(payload []byte) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.phase != phaseInit {
		return errTransition
	}
	s.initError = payload
	return nil
}

// register is the program registering as an extension, which it may while it starts.
func (s *session) register() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.phase != phaseInit {
		return errTransition
	}
	s.sigterm = true
	return nil
}

func (s *session) wantsSIGTERM() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.sigterm
}

// answered is what the program has posted for the present invocation, or nil.
func (s *session) answered() *answer {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.answer
}

func (s *session) initFailure() []byte {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.initError
}

// end makes every waiting and later request fail.
func (s *session) end() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.phase != phaseEnded {
		s.phase = phaseEnded
		close(s.over)
	}
}
