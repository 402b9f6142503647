package functions

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"github.com/microfox-ai/aiwctl/aws/local/dice"
)

// Faults makes delivery worse on purpose, within what SQS and Lambda allow
// themselves: at least once, in any order, late, and by processes that may die at
// any moment. The zero value makes nothing worse. Messages of FIFO queues are
// neither doubled nor held back; their functions are killed like others.
type Faults struct {
	// Duplicate is the share of received messages, 0 to 1, that are delivered a
	// second time, by another invocation, while or after the first works on them.
	Duplicate float64
	// Delay is the share of received messages that are held back while their
	// visibility timeout runs.
	Delay float64
	// MaxDelay is how long a message is held back, or its duplicate comes later, at
	// most; zero means one second.
	MaxDelay time.Duration
	// Reorder is the share of receives whose messages are shuffled.
	Reorder float64
	// Kill is the share of invocations whose process is killed at a random moment
	// within KillWithin of their start, if they still run then.
	Kill float64
	// KillWithin is the latest moment of a kill; zero means 50 ms.
	KillWithin time.Duration
	// Seed makes the choices repeatable, as far as concurrency lets them be; zero
	// takes a new one every time.
	Seed uint64
}

// Validate says what is wrong with the shares and durations.
func (f Faults) Validate() error {
	for name, share := range map[string]float64{"duplicate": f.Duplicate, "delay": f.Delay, "reorder": f.Reorder, "kill": f.Kill} {
		if !(share >= 0 && share <= 1) { // not a number is neither
			return fmt.Errorf("the fault %s is %v: it is a share from 0 to 1", name, share)
		}
	}
	if f.MaxDelay < 0 || f.KillWithin < 0 {
		return errors.New("max-delay and kill-within are not below zero")
	}
	return nil
}

func (f Faults) none() bool { return f.Duplicate+f.Delay+f.Reorder+f.Kill == 0 }

// killer returns a channel on which a kill comes, and what ends the waiting for
// it. The channel is nil when this invocation is spared.
func (m *Manager) killer() (<-chan time.Time, func() bool) {
	f := m.cfg.Faults
	if m.dice == nil || !m.dice.Hit(f.Kill) {
		return nil, func() bool { return true }
	}
	timer := time.NewTimer(m.dice.Within(f.KillWithin))
	return timer.C, timer.Stop
}

// faultyQueues delivers what the queues have, worse.
type faultyQueues struct {
	Queues
	faults Faults
	dice   *dice.Dice

	mu   sync.Mutex
	held map[string][]heldMessage // by queue ARN
}

// heldMessage is received, and delivered later.
type heldMessage struct {
	due time.Time
	msg events.SQSMessage
}

func newFaultyQueues(q Queues, f Faults, d *dice.Dice) *faultyQueues {
	return &faultyQueues{Queues: q, faults: f, dice: d, held: map[string][]heldMessage{}}
}

// Receive implements Queues.
func (q *faultyQueues) Receive(ctx context.Context, queueARN string, most int, wait time.Duration) ([]events.SQSMessage, error) {
	if isFIFO(queueARN) {
		return q.Queues.Receive(ctx, queueARN, most, wait)
	}
	end := time.Now().Add(wait)
	for {
		out, next := q.due(queueARN, most)
		if len(out) > 0 {
			return out, nil
		}
		left := max(time.Until(end), 0)
		inner := left
		if !next.IsZero() {
			inner = min(left, max(time.Until(next), 0))
		}
		got, err := q.Queues.Receive(ctx, queueARN, most, inner)
		out = q.spoil(queueARN, got)
		if len(out) > 0 || err != nil || left == 0 {
			return out, err
		}
	}
}

// due takes what has been held long enough, and says when the next will have been.
func (q *faultyQueues) due(queueARN string, most int) (out []events.SQSMessage, next time.Time) {
	q.mu.Lock()
	defer q.mu.Unlock()
	now := time.Now()
	kept := q.held[queueARN][:0]
	for _, h := range q.held[queueARN] {
		switch {
		case len(out) < most && !h.due.After(now):
			out = append(out, h.msg)
		default:
			kept = append(kept, h)
			if next.IsZero() || h.due.Before(next) {
				next = h.due
			}
		}
	}
	q.held[queueARN] = kept
	return out, next
}

// spoil holds back some of the messages and doubles others.
func (q *faultyQueues) spoil(queueARN string, got []events.SQSMessage) []events.SQSMessage {
	out := got[:0:0]
	for _, msg := range got {
		late := time.Now().Add(q.dice.Within(q.faults.MaxDelay))
		switch {
		case q.dice.Hit(q.faults.Delay):
			q.hold(queueARN, heldMessage{due: late, msg: msg})
		case q.dice.Hit(q.faults.Duplicate):
			q.hold(queueARN, heldMessage{due: late, msg: msg})
			out = append(out, msg)
		default:
			out = append(out, msg)
		}
	}
	if q.dice.Hit(q.faults.Reorder) {
		q.dice.Shuffle(len(out), func(i, j int) { out[i], out[j] = out[j], out[i] })
	}
	return out
}

func (q *faultyQueues) hold(queueARN string, h heldMessage) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.held[queueARN] = append(q.held[queueARN], h)
}
