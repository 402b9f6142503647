package dispatch

import (
	"errors"
	"fmt"
	"time"
)

// The conditions a caller may want to tell apart, with errors.Is.
var (
	// ErrNoBaseURL: a remote dispatch, and nothing says where the workers API is.
	ErrNoBaseURL = errors.New("no base URL of the workers API is set")
	// ErrUnauthorized: the workers API refused the key, or wants one.
	ErrUnauthorized = errors.New("unauthorized")
	// ErrUnknownWorker: the stage has no queue for this worker.
	ErrUnknownWorker = errors.New("unknown worker")
	// ErrTooLarge: the message is over MaxMessageBytes.
	ErrTooLarge = errors.New("message too large")
	// ErrDelay: the delay is outside 0 to MaxDelay, or the sender has no delays.
	ErrDelay = errors.New("delay not possible")
)

const (
	// MaxMessageBytes is the longest body SQS takes: 1 MiB, since August 2025.
	MaxMessageBytes = 1 << 20
	// MaxDelay is the longest delay of one SQS message.
	MaxDelay = 900 * time.Second
)

// body writes the message and refuses one that SQS would refuse.
func (m *Message) body() ([]byte, error) { return m.bodyOf(false) }

// bodyOf is body; checked as in write.
func (m *Message) bodyOf(checked bool) ([]byte, error) {
	out, err := m.write(checked)
	if err != nil {
		return nil, err
	}
	if len(out) > MaxMessageBytes {
		return nil, fmt.Errorf("job %q for worker %q: %w: %d bytes, SQS takes %d; store large input elsewhere and send a reference to it",
			m.JobID, m.WorkerID, ErrTooLarge, len(out), MaxMessageBytes)
	}
	return out, nil
}

// checkDelay refuses a delay that SQS would refuse.
func checkDelay(d time.Duration) error {
	if d < 0 || d > MaxDelay {
		return fmt.Errorf("%w: %s is outside 0 to %d seconds", ErrDelay, d, int(MaxDelay/time.Second))
	}
	return nil
}
