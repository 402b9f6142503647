package dispatch

import (
	"context"
	"math/rand/v2"
	"net/http"
	"strconv"
	"strings"
	"time"
)

const (
	// DefaultRetries is how often a send is tried again, after the first try.
	DefaultRetries = 3
	// DefaultTimeout bounds a remote send, all its tries included.
	DefaultTimeout = 2 * time.Minute
	// DefaultTryTimeout bounds one call of the workers API or of SQS.
	DefaultTryTimeout = 30 * time.Second

	// The pause before a further try grows from shortestBackoff to longestBackoff.
	shortestBackoff = 250 * time.Millisecond
	longestBackoff  = 5 * time.Second
	// longestRetryAfter is how long a server may make a send wait.
	longestRetryAfter = 30 * time.Second
)

// retryCount is what a setting of retries means: zero is the default, and below
// zero none.
func retryCount(setting int) int {
	switch {
	case setting == 0:
		return DefaultRetries
	case setting < 0:
		return 0
	}
	return setting
}

// backoff is the pause after try n, from 1. It doubles, and half of it is random,
// so that callers who failed together do not come back together.
func backoff(n int) time.Duration {
	d := min(shortestBackoff<<min(max(n-1, 0), 10), longestBackoff)
	return d/2 + rand.N(d/2+1) //nolint:gosec // jitter need not be unpredictable
}

// pause waits, and reports whether there is time for another try after it. It does
// not wait for what ctx would cut off.
func pause(ctx context.Context, d time.Duration) bool {
	if end, ok := ctx.Deadline(); ok && time.Until(end) <= d {
		return false
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return ctx.Err() == nil
	case <-ctx.Done():
		return false
	}
}

// retryAfter reads the header of that name: seconds, or a date (RFC 9110, 10.2.3).
// Zero means that there is none, or none that can be read.
func retryAfter(h http.Header, now time.Time) time.Duration {
	text := strings.TrimSpace(h.Get("Retry-After"))
	if text == "" {
		return 0
	}
	if seconds, err := strconv.ParseUint(text, 10, 31); err == nil {
		return time.Duration(seconds) * time.Second
	}
	at, err := http.ParseTime(text)
	if err != nil {
		return 0
	}
	return max(at.Sub(now), 0)
}
