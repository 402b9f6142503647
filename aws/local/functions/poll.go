package functions

import (
	"context"
	"time"

	"github.com/aws/aws-lambda-go/events"
)

const (
	// longPoll is how long a poller waits for messages at a time.
	longPoll = 20 * time.Second
	// receiveMax is the most messages that one receive gets from SQS.
	receiveMax = 10
	// problemPause is how long a poller waits when the queue or the function is missing.
	problemPause = 500 * time.Millisecond
)

// poll takes batches from the queue and has them worked on, until ctx ends.
func (mp *mapping) poll(ctx context.Context) {
	spec := mp.snapshot() // a change of it starts another poller
	var rest []events.SQSMessage
	for mp.gate.enter(ctx, spec.concurrency()) {
		if !mp.waitForFunction(ctx, spec) {
			mp.gate.leave(outcomeNone)
			return
		}
		b := new(batch)
		var err error
		rest, err = mp.gather(ctx, spec, b, rest)
		if err != nil {
			mp.queueTrouble(ctx, spec, err)
		}
		if len(b.messages) == 0 {
			mp.gate.leave(outcomeNone)
			if err == nil {
				mp.gate.quiet()
			}
			continue
		}
		mp.gate.working(1)
		if !mp.m.run(func() {
			o := mp.process(spec, b)
			mp.gate.working(-1)
			mp.gate.leave(o)
		}) {
			mp.gate.working(-1)
			mp.gate.leave(outcomeNone)
			return
		}
	}
}

// waitForFunction returns when the function is there and not backing off from
// failing to start: messages that are received for nothing come nearer to the
// dead-letter queue. False means that ctx ended.
func (mp *mapping) waitForFunction(ctx context.Context, spec Mapping) bool {
	for {
		wait := problemPause
		if p := mp.m.pool(spec.FunctionName); p == nil {
			mp.trouble("Function not found: " + spec.FunctionName)
		} else {
			var failing bool
			if failing, wait = p.health(); wait <= 0 && (!failing || mp.gate.busy() == 0) {
				return ctx.Err() == nil
			}
			wait = max(wait, firstBackoff/10) // one batch at a time finds out whether it starts again
		}
		if !sleep(ctx, wait) {
			return false
		}
	}
}

// queueTrouble notes a failed receive and waits before the next.
func (mp *mapping) queueTrouble(ctx context.Context, spec Mapping, err error) {
	if ctx.Err() != nil {
		return
	}
	if _, missing := mp.m.cfg.Queues.VisibilityTimeout(spec.QueueARN); missing != nil {
		mp.trouble("Queue not found: " + queueName(spec.QueueARN))
	} else {
		mp.trouble("Receiving failed: " + err.Error())
	}
	sleep(ctx, problemPause)
}

// gather fills b from rest, then from the queue. It returns what did not fit.
func (mp *mapping) gather(ctx context.Context, spec Mapping, b *batch, rest []events.SQSMessage) ([]events.SQSMessage, error) {
	rest, err := mp.take(spec, b, rest)
	if err != nil || len(rest) > 0 {
		return rest, err
	}
	var closing time.Time
	if len(b.messages) > 0 {
		closing = time.Now().Add(spec.Window)
	}
	for len(b.messages) < spec.BatchSize {
		wait := longPoll
		if !closing.IsZero() {
			if wait = time.Until(closing); wait <= 0 {
				break
			}
		}
		got, err := mp.m.cfg.Queues.Receive(ctx, spec.QueueARN, min(receiveMax, spec.BatchSize-len(b.messages)), wait)
		if len(got) > 0 || err == nil {
			mp.trouble("")
		}
		// What was received is worked on, even when the mapping has just been disabled.
		var takeErr error
		rest, takeErr = mp.take(spec, b, got)
		if err == nil {
			err = takeErr
		}
		if err != nil || len(rest) > 0 || ctx.Err() != nil {
			return rest, err
		}
		if len(b.messages) == 0 {
			return nil, nil // nothing came
		}
		if closing.IsZero() {
			closing = time.Now().Add(spec.Window)
		}
	}
	return rest, nil
}

// take puts messages into b until it is full, and returns the others.
func (mp *mapping) take(spec Mapping, b *batch, messages []events.SQSMessage) ([]events.SQSMessage, error) {
	for i, msg := range messages {
		if len(b.messages) >= spec.BatchSize {
			return messages[i:], nil
		}
		ok, err := b.add(mp.m.complete(msg, spec.QueueARN))
		if err != nil {
			return messages[i+1:], err
		}
		if !ok {
			return messages[i:], nil
		}
	}
	return nil, nil
}

// process invokes the function with a batch and deletes what is done. Messages
// that are not deleted come back when their visibility timeout has run out, not
// before, as in Lambda.
func (mp *mapping) process(spec Mapping, b *batch) outcome {
	log := mp.m.cfg.Logger.With("function", spec.FunctionName, "queue", queueName(spec.QueueARN))
	result, err := mp.m.Invoke(mp.m.life, spec.FunctionName, b.event())
	if err != nil {
		mp.processed("PROBLEM: " + err.Error())
		if mp.m.life.Err() == nil {
			log.Warn("a batch could not be delivered", "messages", len(b.messages), "error", err)
		}
		if isThrottled(err) {
			return outcomeThrottled
		}
		return outcomeFailed
	}
	if result.FunctionError != "" {
		mp.processed(resultFailed)
		return outcomeFailed
	}
	var failed map[string]bool
	if spec.ReportBatchItemFailures {
		if failed, err = b.failures(result.Payload); err != nil {
			log.Warn("the function's batch response makes no sense; the whole batch has failed", "requestId", result.RequestID, "error", err)
			mp.processed(resultFailed)
			return outcomeFailed
		}
	}
	if done := b.receipts(failed); len(done) > 0 {
		if err := mp.m.cfg.Queues.Delete(spec.QueueARN, done); err != nil {
			log.Warn("finished messages could not be deleted and will come again", "messages", len(done), "error", err)
			mp.processed("PROBLEM: Deleting messages failed")
			return outcomeOK
		}
	}
	mp.processed(resultOK)
	return outcomeOK
}

// sleep waits; false means that ctx ended first.
func sleep(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}
