package deadletters

import (
	"context"
	"errors"
	"strings"
	"sync"
	"time"

	"github.com/microfox-ai/aiwctl/aws/redrive/check"
	"github.com/microfox-ai/aiwctl/aws/redrive/letter"
	"github.com/microfox-ai/aiwctl/tui/cell"
)

const (
	// previewLength bounds how much of a body is looked at for its preview.
	previewLength = 200
	// bodiesKept bounds the bodies in memory; those of further messages are kept in
	// a temporary file.
	bodiesKept = 48 << 20
)

// item is one dead letter as the screen keeps it. It is made beside Bubble Tea's
// goroutine and not changed afterwards, but for what is the screen's. Its texts are
// clean, but for the ids.
type item struct {
	id, jobID, workerID string
	name                string // the job's id, else the message's, clean
	worker, preview     string
	source              string
	odd                 bool // not a job
	sentAt, received    time.Time
	receives            int
	size                int
	// letter is nil when the body is in the shelf's file.
	letter *letter.Letter
	// problems are what a check found, of what the letter alone says.
	problems []check.Problem
	// said is why it died by the message itself; empty when it does not say.
	said string

	// fate and cause are the screen's. cause is why it died, nil when that is not known.
	fate  *fate
	cause *cause
}

// fate is what became of a message since it was looked at.
type fate struct {
	status, fault, newID, newJobID string
	gone                           bool
}

func newItem(l *letter.Letter) *item {
	it := &item{
		id: l.ID, jobID: l.JobID(), workerID: l.WorkerID(), name: cell.Clean(l.ID), source: cell.Clean(queueOf(l.Source)),
		sentAt: l.SentAt, received: l.FirstReceived, receives: l.ReceiveCount, size: l.Size(), letter: l,
	}
	if a, ok := l.Attributes[attrError]; ok && a.StringValue != nil {
		it.said = *a.StringValue
	}
	if m := l.Message; m != nil {
		if m.JobID != "" {
			it.name = cell.Clean(m.JobID)
		}
		it.worker = cell.Clean(m.WorkerID)
		it.preview = clip(string(m.Input))
		return it
	}
	it.odd = true
	why := clip(l.Body)
	if l.ParseErr != nil {
		why = cell.Clean(l.ParseErr.Error())
	}
	it.preview = "not a job: " + why
	return it
}

// attrError is the attribute in which the runtime says why a job is a dead letter.
const attrError = "AIWorkerError"

func clip(s string) string {
	if len(s) > previewLength {
		s = s[:previewLength]
	}
	return cell.Clean(s)
}

// queueOf is a queue's name in its ARN.
func queueOf(arn string) string { return arn[strings.LastIndexByte(arn, ':')+1:] }

// gone is whether the message has left the dead-letter queue.
func (it *item) gone() bool { return it.fate != nil && it.fate.gone }

// shelf keeps the bodies of one look: as many as may be in memory, the others in a
// temporary file. It is safe for concurrent use.
type shelf struct {
	most int // zero: bodiesKept

	mu     sync.Mutex
	bytes  int
	over   letter.Spool
	closed bool
}

// put makes the item of a letter, which is the shelf's from now on.
func (s *shelf) put(l letter.Letter, checker *check.Checker) (*item, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil, context.Canceled
	}
	it := newItem(&l)
	it.problems = problems(checker, &l, "")
	most := s.most
	if most == 0 {
		most = bodiesKept
	}
	if s.bytes+2*it.size > most {
		it.letter = nil
		return it, s.over.Add(l)
	}
	s.bytes += 2*it.size + 1024 // the body once more, read as a job
	return it, nil
}

var errForgotten = errors.New("the message is not kept any more: look again")

// get is a message whose body is not in memory: the file is read until it comes.
func (s *shelf) get(ctx context.Context, id string) (*letter.Letter, error) {
	var found *letter.Letter
	err := s.each(func(l *letter.Letter) bool {
		if l.ID == id {
			found = new(*l)
		}
		return found == nil && ctx.Err() == nil
	})
	switch {
	case err != nil:
		return nil, err
	case found == nil && ctx.Err() != nil:
		return nil, ctx.Err()
	case found == nil:
		return nil, errForgotten
	}
	return found, nil
}

// each is every message whose body is not in memory. A letter is fn's only until the
// next.
func (s *shelf) each(fn func(*letter.Letter) bool) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return errForgotten
	}
	for l, err := range s.over.All() {
		if err != nil {
			return err
		}
		if !fn(l) {
			break
		}
	}
	return nil
}

// close removes the file. It may wait for a read of it, so it is not for Bubble Tea's
// goroutine.
func (s *shelf) close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = true
	_ = s.over.Close() // a temporary file without a name
}

// problems judges a letter as if it were sent now.
func problems(c *check.Checker, l *letter.Letter, status string) []check.Problem {
	if c == nil || l == nil {
		return nil
	}
	return c.Letter(l, check.Facts{Status: status})
}
