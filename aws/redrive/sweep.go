package redrive

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"github.com/microfox-ai/aiwctl/aws"
	"github.com/microfox-ai/aiwctl/aws/redrive/letter"
)

// sweep receives what is in a queue, each message once, with several workers.
//
// It asks for as many messages as the queue's depth said there are and no more, so
// that no worker waits in a long poll for what another has received. When they are
// all there, the depth is read again: zero ends the sweep, anything else is asked
// for too. Depths are approximate, and so two long polls in a row that bring
// nothing end it as well, unless messages are hidden by a receive whose answer was
// lost, or by a process that was killed: those are waited for.
type sweep struct {
	e       *Engine
	url     string
	name    string
	lease   *lease
	most    int // how many messages are wanted; zero: all
	expect  int // how many there should be
	workers int
	// hidden is until when messages may be hidden that will come back to us; zero
	// when there are none.
	hidden time.Time
	// full is set when SQS has no more room for messages in flight.
	full bool

	mu      sync.Mutex
	change  *sync.Cond
	seen    map[key]bool
	asked   int  // messages asked for and not yet answered
	doubt   int  // long polls in a row that brought nothing
	repeats int  // answers in a row that brought only what was seen before
	waiting bool // for what is hidden; one worker is enough for that
	stopped bool
	err     error
}

const (
	// batchMost is SQS's limit of entries in a batch, and of messages in an answer.
	batchMost = 10
	// longPoll, in seconds, makes SQS ask all of its servers; it is answered as soon
	// as there is something. More would delay an interrupt.
	longPoll    = 1
	doubtToStop = 2
	repeatsMost = 20
	// tries is how often a call that failed for a passing reason is made.
	tries = 6
)

// workersFor is how many workers a number of messages is worth.
func workersFor(n, most int, ordered bool) int {
	if ordered { // the order within a group would be lost
		return 1
	}
	return min(max((n+batchMost-1)/batchMost, 1), most)
}

// run calls take with each batch of messages not seen before, from several
// goroutines, until the queue has no more, enough were seen, stop is called or
// ctx ends. It returns the error that ended it, nil when ctx did.
func (s *sweep) run(ctx context.Context, take func([]letter.Letter)) error {
	s.seen = make(map[key]bool, min(s.expect, 1<<17))
	s.change = sync.NewCond(&s.mu)
	defer context.AfterFunc(ctx, s.stop)()
	var wg sync.WaitGroup
	for range max(s.workers, 1) {
		wg.Go(func() {
			for s.receive(ctx, take) {
			}
		})
	}
	wg.Wait()
	return s.err
}

// stop ends the sweep after the batches under way.
func (s *sweep) stop() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.stopped = true
	if s.change != nil {
		s.change.Broadcast()
	}
}

func (s *sweep) fail(err error) {
	s.mu.Lock()
	if s.err == nil {
		s.err = err
	}
	s.mu.Unlock()
	s.stop()
}

// next reserves the next receive: how many messages, and whether it is to find out
// if there are any. It waits while others may bring all that is left. n is zero
// when the sweep is over.
func (s *sweep) next() (n int, probe bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for !s.stopped {
		n = batchMost
		if s.most > 0 {
			n = min(s.most-len(s.seen)-s.asked, batchMost)
		}
		switch {
		case n > 0 && s.doubt == 0 && !s.waiting && s.expect > len(s.seen)+s.asked:
			s.asked += n
			return n, false
		case s.asked > 0:
			s.change.Wait()
		case n <= 0:
			s.stopped = true
			s.change.Broadcast()
		default:
			s.asked += n
			return n, true
		}
	}
	return 0, false
}

// receive makes one receive and hands on what is new. It returns false when
// the sweep is over.
func (s *sweep) receive(ctx context.Context, take func([]letter.Letter)) bool {
	n, probe := s.next()
	if n == 0 || ctx.Err() != nil {
		return false
	}
	if probe && s.over(ctx) {
		s.stop()
		return false
	}
	received, err := s.call(ctx, n)
	if errors.As(err, new(*types.OverLimit)) {
		s.answered(n, nil, false)
		s.mu.Lock()
		s.full = true
		s.mu.Unlock()
		s.stop()
		return false
	}
	if err != nil {
		s.answered(n, nil, probe)
		if ctx.Err() == nil {
			s.fail(err)
		}
		return false
	}
	if fresh := s.answered(n, received, probe); len(fresh) > 0 {
		take(fresh)
	}
	return true
}

// over is whether there is nothing to probe for: the depth that SQS tells says so,
// or two long polls did. Whoever calls it is the only one who asks for anything.
func (s *sweep) over(ctx context.Context) bool {
	s.mu.Lock()
	seen, doubt, hidden := len(s.seen), s.doubt, s.hidden
	s.mu.Unlock()
	if seen == 0 && doubt == 0 {
		return false // a depth of zero may be old: ask once
	}
	attributes, err := s.e.attributes(ctx, s.url)
	if err != nil {
		return doubt >= doubtToStop
	}
	depth := depthOf(attributes)
	// What others hide comes back within our own lease at the latest, if it was
	// our own receive, or that of a killed process, that hid it.
	if time.Now().Before(hidden) && depth.InFlight > s.lease.staying() {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.waiting, s.doubt = true, 0 // polls that bring nothing say nothing meanwhile
		return false
	}
	s.mu.Lock()
	s.waiting = false
	s.mu.Unlock()
	// Of a depth that was too low once, zero proves nothing: it may be a minute old.
	if depth.Visible == 0 && (seen == s.expect || doubt > 0) || doubt >= doubtToStop {
		return true
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.expect = max(s.expect, seen+depth.Visible)
	return false
}

// call receives, with a few tries. It is not given up when ctx ends: the answer
// may hold messages, which would stay hidden with nobody to release them.
func (s *sweep) call(ctx context.Context, n int) ([]letter.Letter, error) {
	for try := 1; ; try++ {
		cctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), callTimeout)
		until := time.Now().Add(s.lease.time)
		out, err := s.e.queue.ReceiveMessage(cctx, &sqs.ReceiveMessageInput{
			QueueUrl: &s.url, MaxNumberOfMessages: int32(n), WaitTimeSeconds: longPoll, //nolint:gosec // at most ten
			VisibilityTimeout:           seconds(s.lease.time),
			MessageAttributeNames:       []string{"All"},
			MessageSystemAttributeNames: []types.MessageSystemAttributeName{types.MessageSystemAttributeNameAll},
		}, once)
		cancel()
		if err == nil {
			letters := make([]letter.Letter, len(out.Messages))
			for i := range out.Messages {
				m := &out.Messages[i]
				s.lease.add(str(m.MessageId), str(m.ReceiptHandle), until)
				letters[i] = letter.FromSQS(m)
			}
			return letters, nil
		}
		kind, _ := aws.Classify(err)
		if kind == aws.KindNetwork {
			// It may have been answered to nobody, which hides what it had.
			s.mu.Lock()
			s.hidden = time.Now().Add(s.lease.time + time.Second)
			s.mu.Unlock()
		}
		err = fmt.Errorf("receive from %q: %w", s.name, err)
		if try == tries || !kind.Transient() {
			return nil, err
		}
		if sleep(ctx, backoff(try)) != nil {
			return nil, err
		}
	}
}

// answered books an answer and returns the messages not seen before.
func (s *sweep) answered(n int, received []letter.Letter, probe bool) []letter.Letter {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.asked -= n
	fresh := received[:0]
	for i := range received {
		if k := keyOf(received[i].ID); !s.seen[k] {
			s.seen[k] = true
			fresh = append(fresh, received[i])
		}
	}
	switch {
	case len(fresh) > 0:
		s.doubt, s.repeats = 0, 0
	case len(received) > 0 && s.repeats < repeatsMost:
		s.repeats++ // SQS may deliver twice, and says nothing by it
	case probe:
		s.doubt++
	default:
		s.doubt = max(s.doubt, 1) // the next to ask is alone
	}
	s.change.Broadcast()
	return fresh
}

func transient(err error) bool {
	kind, _ := aws.Classify(err)
	return kind.Transient()
}

// backoff is how long to wait after a number of failures, with jitter.
func backoff(failures int) time.Duration {
	d := min(50*time.Millisecond<<min(failures-1, 10), 3*time.Second)
	return d/2 + rand.N(d/2+1) //nolint:gosec // jitter need not be unpredictable
}

func sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}
