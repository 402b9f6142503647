package runtime

import "time"

// RetryPattern is a kind of error after which the handler runs again within the
// same delivery.
type RetryPattern struct {
	// Name stands in the log.
	Name string
	// Match recognises the error; it is never called with nil.
	Match func(error) bool
	// Delay is how long to wait before the given try, which counts from 2; nil
	// means not at all.
	Delay func(try int) time.Duration
}

// Backoff is how long a job waits for its next delivery after the given attempt,
// counted from 1, has failed with err.
type Backoff func(attempt int, err error) time.Duration
