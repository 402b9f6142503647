package logs

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	awssdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs/types"
	"github.com/microfox-ai/aiwctl/aws"
)

// Reader reads logs. One Reader shares one budget of calls between everything
// that is read through it, fairly between log groups: FilterLogEvents is limited to
// a few calls a second for a whole account and region. When AWS throttles, the
// pace is lowered, and raised again bit by bit. It is safe for concurrent use.
type Reader struct {
	api     aws.LogsReader
	budget  *budget
	fast    time.Duration
	slow    time.Duration
	backoff backoff
	live    OpenLive // nil: none
}

// Option changes a Reader.
type Option func(*Reader)

// WithCallRate sets how many calls a second are made at most, and how many may
// come at once. The default is DefaultCallRate, and four. A rate that is not above
// zero is ignored.
func WithCallRate(perSecond float64, burst int) Option {
	return func(r *Reader) {
		if perSecond > 0 {
			r.budget = newBudget(perSecond, burst)
		}
	}
}

// WithPolling sets how often a tail asks: every fast while lines flow, slowing
// down to every slow while none do. The default is 500 ms and 2 s.
func WithPolling(fast, slow time.Duration) Option {
	return func(r *Reader) { r.fast, r.slow = fast, max(slow, fast) }
}

// NewReader returns a Reader.
func NewReader(api aws.LogsReader, opts ...Option) *Reader {
	r := &Reader{
		api:     api,
		budget:  newBudget(DefaultCallRate, 4),
		fast:    500 * time.Millisecond,
		slow:    2 * time.Second,
		backoff: backoff{first: 500 * time.Millisecond, most: 30 * time.Second},
	}
	for _, o := range opts {
		o(r)
	}
	return r
}

// For returns a Reader for a stage, at a pace that suits it unless opts say
// otherwise: an endpoint on this machine costs nothing and has no account-wide limit.
func For(s *aws.Stage, opts ...Option) *Reader {
	if s.Target().Loopback() {
		opts = append([]Option{WithCallRate(100, 20), WithPolling(200*time.Millisecond, time.Second)}, opts...)
	}
	return NewReader(s.Logs(), opts...)
}

// callTimeout bounds one call. A page is at most 1 MB.
const callTimeout = 30 * time.Second

// call makes one paced call. missing is true when there is no such group (or
// stream): a function that never ran has none.
func (r *Reader) call(ctx context.Context, in *cloudwatchlogs.FilterLogEventsInput) (out *cloudwatchlogs.FilterLogEventsOutput, missing bool, err error) {
	if err := r.budget.wait(ctx, *in.LogGroupName); err != nil {
		return nil, false, err
	}
	cctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	out, err = r.api.FilterLogEvents(cctx, in, once)
	if err == nil {
		return out, false, nil
	}
	if ctx.Err() != nil {
		return nil, false, ctx.Err()
	}
	if _, ok := errors.AsType[*types.ResourceNotFoundException](err); ok {
		return nil, true, nil
	}
	if kind, _ := aws.Classify(err); kind == aws.KindThrottled {
		r.budget.throttled()
	}
	return nil, false, fmt.Errorf("read log group %q: %w", *in.LogGroupName, err)
}

// once turns the SDK's own retries off: they would spend calls that the budget does not
// know of, and hide from it that AWS throttles.
func once(o *cloudwatchlogs.Options) { o.Retryer = awssdk.NopRetryer{} }

// How often Read tries a page, and one that is throttled: that passes for sure.
const (
	readTries      = 5
	throttledTries = 12
)

// pageRetrying is page with a few tries for what passes by itself.
func (r *Reader) pageRetrying(ctx context.Context, c *cursor) ([]Line, error) {
	for try := 1; ; try++ {
		lines, err := c.page(ctx, r)
		if err == nil || ctx.Err() != nil {
			return lines, err
		}
		if kind, _ := aws.Classify(err); kind == aws.KindInvalid && c.renew() {
			continue
		}
		if try >= tries(err) {
			return nil, err
		}
		if err := sleep(ctx, r.backoff.after(try)); err != nil {
			return nil, err
		}
	}
}

// tries is how often a call that fails like this is made before it is given up.
func tries(err error) int {
	switch kind, _ := aws.Classify(err); {
	case kind == aws.KindThrottled:
		return throttledTries
	case kind.Transient():
		return readTries
	}
	return 1
}

// backoff doubles from first to most, each wait between half of it and all.
type backoff struct{ first, most time.Duration }

func (b backoff) after(failures int) time.Duration {
	d := b.most
	if failures < 20 {
		d = min(b.first<<(failures-1), b.most)
	}
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
