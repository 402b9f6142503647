package aws

import (
	"context"
	"sync"
)

// fetchWidth bounds the calls of one kind that are under way at once.
const fetchWidth = 8

// hopeless is how many calls may be denied, or go unanswered, before the rest
// of a fan-out without a single success is spared.
const hopeless = 2 * fetchWidth

// callEach makes n calls, at most fetchWidth at once, and waits for them. It
// returns the error of each. It stops starting calls when ctx has ended, when
// the credentials are refused, and when hopeless of them failed as denied or
// unanswered and none succeeded; the calls spared get that error too. Asking
// five hundred times for what is denied would help nobody.
func callEach(ctx context.Context, n int, call func(i int) error) []error {
	errs := make([]error, n)
	var (
		wg        sync.WaitGroup
		mu        sync.Mutex
		succeeded bool
		failures  int
		stop      error
	)
	stopped := func() error {
		mu.Lock()
		defer mu.Unlock()
		if stop == nil {
			stop = ctx.Err()
		}
		return stop
	}
	done := func(err error) {
		kind, _ := Classify(err)
		mu.Lock()
		defer mu.Unlock()
		switch kind {
		case KindNone:
			succeeded = true
		case KindAuth:
			stop = err
		case KindDenied, KindNetwork:
			if failures++; failures >= hopeless && !succeeded {
				stop = err
			}
		case KindThrottled, KindNotFound, KindInvalid, KindOther:
		}
	}
	next := make(chan int)
	for range min(n, fetchWidth) {
		wg.Go(func() {
			for i := range next {
				if errs[i] = stopped(); errs[i] == nil {
					errs[i] = call(i)
					done(errs[i])
				}
			}
		})
	}
	for i := range n {
		next <- i
	}
	close(next)
	wg.Wait()
	return errs
}
