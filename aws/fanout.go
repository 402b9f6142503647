package aws

import (
	"context"
	"sync"
)

// fetchWidth bounds the calls of one kind that are under way at once: Lambda's
// limits are low (15 a second for most of its reads, for a whole account).
const fetchWidth = 8

// queueWidth is fetchWidth for SQS, which has no such limit.
const queueWidth = 32

// hopeless is how many calls may be denied, or go unanswered, before the rest
// of a fan-out without a single success is spared.
const hopeless = 2 * fetchWidth

// callEach is callWide at fetchWidth.
func callEach(ctx context.Context, n int, call func(i int) error) []error {
	return callWide(ctx, fetchWidth, n, call)
}

// callWide makes n calls, at most width at once, and waits for them. Each time one is
// throttled although it was tried again, half as many may be under way from then on.
// It returns the error of each. It stops starting calls when ctx has ended, when
// the credentials are refused, and when hopeless of them failed as denied or
// unanswered and none succeeded; the calls spared get that error too. Asking
// five hundred times for what is denied would help nobody.
func callWide(ctx context.Context, width, n int, call func(i int) error) []error {
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
		case KindThrottled:
			width = max(1, width/2)
		case KindNotFound, KindInvalid, KindOther:
		}
	}
	tooMany := func(worker int) bool {
		mu.Lock()
		defer mu.Unlock()
		return worker >= width
	}
	next := make(chan int)
	for worker := range min(n, width) {
		wg.Go(func() {
			for i := range next {
				if errs[i] = stopped(); errs[i] == nil {
					errs[i] = call(i)
					done(errs[i])
				}
				if tooMany(worker) { // never the first
					return
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
