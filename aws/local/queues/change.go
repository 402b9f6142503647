package queues

import "time"

// remove deletes a message by receipt handle. Deleting it again succeeds. In a
// standard queue a handle from an earlier receive succeeds too, and deletes
// nothing; in a FIFO queue it has expired, as it has once the visibility timeout
// is over. Source: API reference, DeleteMessage.
func (q *queue) remove(handle string, now int64) error {
	m, current, err := q.find(handle)
	if err != nil {
		return err
	}
	if m == nil {
		q.deletedN++
		return nil
	}
	if q.fifo != nil && (!current || m.state != inFlight || m.due <= now) {
		return invalidValue(handle, "ReceiptHandle", "The receipt handle has expired.")
	}
	if current {
		q.drop(m)
	}
	q.deletedN++
	return nil
}

// setVisibility hides a received message for so long from now; zero shows it.
//
// A message that is visible again is refused with MessageNotInflight, as the API
// reference says. AWS has been seen to accept the call and do nothing.
func (q *queue) setVisibility(handle string, timeout time.Duration, now int64) error {
	m, current, err := q.find(handle)
	switch {
	case err != nil:
		return err
	case m == nil:
		return invalidValue(handle, "ReceiptHandle", "Message does not exist or is not available for visibility timeout change.")
	case !current || m.state != inFlight || m.due <= now:
		return errNotInFlight()
	case now+int64(timeout)-m.hiddenSince > int64(maxVisibility):
		return invalidValue(int(timeout/time.Second), "VisibilityTimeout",
			"Total VisibilityTimeout for the message is beyond the limit [43200 seconds]")
	}
	m.due = now + int64(timeout)
	q.hidden.fix(m.heapAt)
	return nil
}

func checkVisibility(seconds int) error {
	if seconds < 0 || seconds > int(maxVisibility/time.Second) {
		return invalidValue(seconds, "VisibilityTimeout", "Must be between 0 and 43200, if provided.")
	}
	return nil
}

// change runs f with the queue locked, and then serves those who wait.
func (q *queue) change(f func(now int64) error) error {
	now := q.broker.now()
	q.mu.Lock()
	defer q.unlock()
	if q.ended {
		return errNoQueue()
	}
	err := f(now)
	q.settle(now)
	return err
}
