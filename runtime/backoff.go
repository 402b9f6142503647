package runtime

import (
	"time"
)

// Backoff is how long a job waits for its next delivery after the given attempt,
// counted from 1, has failed with err.
type Backoff func(attempt int, err error) time.Duration

const (
	defaultBackoffBase  = 5 * time.Second
	defaultBackoffLimit = 15 * time.Minute
)

// WithBackoff sets how long a job waits for its next delivery after an attempt
// has failed: the message stays hidden for that long, rounded up to whole seconds.
// Whatever b returns is kept between zero and the 12 hours that SQS hides a message
// at most. Nil means DefaultBackoff. An error that
// says how long to wait, by a method RetryAfter() time.Duration or a field of that
// name and type, is believed instead. Default: DefaultBackoff.
func WithBackoff(b Backoff) Option {
	return func(s *settings) { s.backoff = b }
}

// DefaultBackoff is the Backoff of a worker that names none: Exponential from 5
// seconds, at most 15 minutes.
func DefaultBackoff(attempt int, _ error) time.Duration {
	return exponential(defaultBackoffBase, defaultBackoffLimit, attempt)
}

// Exponential waits for base after the first attempt and twice as long after each
// further one, at most for limit. A random part of up to a quarter is taken off,
// so that jobs that failed together do not come back together.
func Exponential(base, limit time.Duration) Backoff {
	return func(attempt int, _ error) time.Duration { return exponential(base, limit, attempt) }
}

// Constant waits for d after each attempt.
func Constant(d time.Duration) Backoff {
	return func(int, error) time.Duration { return d }
}

func exponential(base, limit time.Duration, attempt int) time.Duration {
	d := min(base, limit)
	for range attempt - 1 {
		if d <= 0 || d >= limit {
			break
		}
		// Halving the limit cannot overflow, doubling d can.
		if d > limit/2 {
			d = limit
		} else {
			d *= 2
		}
	}
	return d - jitter(d/4)
}

// backoffAfter is how long a job waits for its next delivery after the given
// attempt has failed with err: 0 to 12 hours.
func (s *settings) backoffAfter(attempt int, err error) (d time.Duration) {
	attempt = max(attempt, 1)
	defer func() {
		// A backoff that panics must not keep a failure from being recorded.
		if recover() != nil {
			d = DefaultBackoff(attempt, err)
		}
		d = min(max(d, 0), maxVisibilityTimeout)
	}()
	if after, ok := retryAfter(err); ok {
		return after
	}
	if s.backoff == nil {
		return DefaultBackoff(attempt, err)
	}
	return s.backoff(attempt, err)
}
