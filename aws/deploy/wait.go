package deploy

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/microfox-ai/aiwctl/aws"
)

// The pace of looking again: quick at first, as small changes are, then kinder.
const (
	firstPause = time.Second
	lastPause  = 6 * time.Second
	// weather is how long reading may fail, throttled or for want of an answer, before waiting
	// is given up. The SDK has tried each call several times by then.
	weather = 3 * time.Minute
)

// errNotYet is returned by a look that has to be repeated.
var errNotYet = errors.New("not yet")

// until repeats a look until it returns something else than errNotYet. What may be
// different a moment later is borne for a while. The error is an *InterruptedError of the
// stack when ctx has ended.
func (d *Deployer) until(ctx context.Context, stack string, look func(context.Context) error) error {
	pause := firstPause
	var bad time.Time // since when every look failed
	for {
		err := look(ctx)
		if ctx.Err() != nil && err != nil {
			return &InterruptedError{Stack: shortName(stack), Err: context.Cause(ctx)}
		}
		switch kind, _ := aws.Classify(err); {
		case errors.Is(err, errNotYet):
			bad = time.Time{}
		case err != nil && (kind == aws.KindThrottled || kind == aws.KindNetwork):
			if bad.IsZero() {
				bad = time.Now()
			}
			if time.Since(bad) > weather {
				return fmt.Errorf("%w; CloudFormation goes on with stack %s by itself: running the same again waits for it and finishes the job", err, shortName(stack))
			}
			pause = lastPause
		default:
			return err
		}
		if err := sleep(ctx, jitter(pause)); err != nil {
			return &InterruptedError{Stack: shortName(stack), Err: err}
		}
		pause = min(pause*5/4, lastPause)
	}
}

// jitter is a pause, a fifth longer or shorter: many who wait do not ask at once.
func jitter(d time.Duration) time.Duration {
	return d*4/5 + rand.N(d*2/5) //nolint:gosec // no secret hangs on it
}

// sleep waits; its error is the context's.
func sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// denied is whether a permission is missing.
func denied(err error) bool {
	kind, _ := aws.Classify(err)
	return kind == aws.KindDenied
}
