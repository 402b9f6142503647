package redrive

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"github.com/microfox-ai/aiwctl/aws"
)

// sweep receives what is in a queue, each message once, with several workers.
//
// SQS answers a short poll from some of its servers only, so one empty answer
// means little. A sweep ends when as many messages as the queue's depth said
// were seen and two answers in a row, one of them to a long poll, were empty;
// or after three empty long polls, since the depth is approximate.
type sweep struct {
	queue queue
	url   string
	name  string
	lease *lease
	// most is how many messages are wanted; expect how many there should be.
	most, expect int

	mu        sync.Mutex
	seen      map[string]bool
	asked     int // messages asked for and not yet answered
	empty     int // empty answers in a row
	emptyLong int // those of them to a long poll
	stopped   bool
	err       error
}

const (
	longPoll    = 1 // seconds; more would delay an interrupt
	emptyToStop = 3
)

// workersFor is how many workers a number of messages is worth.
func workersFor(n int, fifo bool) int {
	if fifo { // the order within a group would be lost
		return 1
	}
	return min(max(n/50, 1), workersMost)
}

// run calls take with each batch of messages not seen before, from several
// goroutines, until the queue has no more, enough were seen, stop is called or
// ctx ends. It returns the error that ended it, nil when ctx did.
func (s *sweep) run(ctx context.Context, workers int, take func([]types.Message)) error {
	s.seen = map[string]bool{}
	var wg sync.WaitGroup
	for range workers {
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
}

func (s *sweep) fail(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.stopped = true
	if s.err == nil {
		s.err = err
	}
}

// ask reserves the next receive: how many messages, how long to wait.
func (s *sweep) ask() (n, wait int32) {
	s.mu.Lock()
	defer s.mu.Unlock()
	n = batchMost
	if s.most > 0 {
		// What others have asked for may come: whoever gets less asks again.
		n = int32(min(s.most-len(s.seen)-s.asked, batchMost)) //nolint:gosec // at most ten
	}
	if s.stopped || n <= 0 {
		return 0, 0
	}
	s.asked += int(n)
	if s.empty > 0 {
		wait = longPoll
	}
	return n, wait
}

// receive makes one receive and hands on what is new. It returns false when
// the sweep is over.
func (s *sweep) receive(ctx context.Context, take func([]types.Message)) bool {
	if ctx.Err() != nil {
		return false
	}
	n, wait := s.ask()
	if n == 0 {
		return false
	}
	messages, err := s.call(ctx, n, wait)
	if err != nil {
		s.answered(n, nil, wait)
		if ctx.Err() == nil {
			s.fail(err)
		}
		return false
	}
	fresh := s.answered(n, messages, wait)
	if len(fresh) > 0 {
		take(fresh)
	}
	return true
}

// call receives, with a few tries. It is not given up when ctx ends: the answer
// may hold messages, which would stay hidden with nobody to release them.
func (s *sweep) call(ctx context.Context, n, wait int32) ([]types.Message, error) {
	for try := 1; ; try++ {
		cctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), callTimeout)
		until := time.Now().Add(leaseTime)
		out, err := s.queue.ReceiveMessage(cctx, &sqs.ReceiveMessageInput{
			QueueUrl: &s.url, MaxNumberOfMessages: n, WaitTimeSeconds: wait,
			VisibilityTimeout:           seconds(leaseTime),
			MessageAttributeNames:       []string{"All"},
			MessageSystemAttributeNames: []types.MessageSystemAttributeName{types.MessageSystemAttributeNameAll},
		})
		cancel()
		if err == nil {
			for i := range out.Messages {
				m := &out.Messages[i]
				s.lease.add(str(m.MessageId), str(m.ReceiptHandle), until)
			}
			return out.Messages, nil
		}
		err = fmt.Errorf("receive from %q: %w", s.name, err)
		if try == 5 || !transient(err) {
			return nil, err
		}
		if sleep(ctx, backoff(try)) != nil {
			return nil, err
		}
	}
}

// answered books an answer and returns the messages not seen before.
func (s *sweep) answered(n int32, messages []types.Message, wait int32) []types.Message {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.asked -= int(n)
	fresh := messages[:0]
	for i := range messages {
		if id := str(messages[i].MessageId); !s.seen[id] {
			s.seen[id] = true
			fresh = append(fresh, messages[i])
		}
	}
	if len(fresh) > 0 {
		s.empty, s.emptyLong = 0, 0
		return fresh
	}
	s.empty++
	if wait > 0 {
		s.emptyLong++
	}
	if s.emptyLong >= emptyToStop || s.emptyLong > 0 && s.empty > 1 && len(s.seen) >= s.expect {
		s.stopped = true
	}
	return nil
}

func transient(err error) bool {
	kind, _ := aws.Classify(err)
	return kind.Transient()
}

// backoff is how long to wait after a number of failures, with jitter.
func backoff(failures int) time.Duration {
	d := min(100*time.Millisecond<<min(failures-1, 10), 3*time.Second)
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
