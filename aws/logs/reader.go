package logs

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs/types"
	"golang.org/x/time/rate"

	"github.com/microfox-ai/aiwctl/aws"
)

// Reader reads logs. One Reader shares one budget of calls between everything
// that is read through it: FilterLogEvents is limited to a few calls a second
// for a whole account and region. It is safe for concurrent use.
type Reader struct {
	api     aws.LogsReader
	limiter *rate.Limiter
	fast    time.Duration
	slow    time.Duration
	backoff backoff
}

// Option changes a Reader.
type Option func(*Reader)

// WithCallRate sets how many calls a second are made at most, and how many may
// come at once. The default is 4 and 4.
func WithCallRate(perSecond float64, burst int) Option {
	return func(r *Reader) { r.limiter = rate.NewLimiter(rate.Limit(perSecond), max(burst, 1)) }
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
		limiter: rate.NewLimiter(4, 4),
		fast:    500 * time.Millisecond,
		slow:    2 * time.Second,
		backoff: backoff{first: 500 * time.Millisecond, most: 30 * time.Second},
	}
	for _, o := range opts {
		o(r)
	}
	return r
}

// For returns a Reader for a stage, at a pace that suits it: an endpoint on
// this machine costs nothing and has no account-wide limit.
func For(s *aws.Stage) *Reader {
	if s.Target().Loopback() {
		return NewReader(s.Logs(), WithCallRate(100, 20), WithPolling(200*time.Millisecond, time.Second))
	}
	return NewReader(s.Logs())
}

// callTimeout bounds one call. A page is at most 1 MB.
const callTimeout = 30 * time.Second

// call makes one paced call. missing is true when there is no such group (or
// stream): a function that never ran has none.
func (r *Reader) call(ctx context.Context, in *cloudwatchlogs.FilterLogEventsInput) (out *cloudwatchlogs.FilterLogEventsOutput, missing bool, err error) {
	if err := r.limiter.Wait(ctx); err != nil {
		if ctx.Err() != nil {
			return nil, false, ctx.Err()
		}
		// The limiter refuses at once when ctx ends before its turn would come.
		<-ctx.Done()
		return nil, false, ctx.Err()
	}
	cctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	out, err = r.api.FilterLogEvents(cctx, in)
	if err == nil {
		return out, false, nil
	}
	if ctx.Err() != nil {
		return nil, false, ctx.Err()
	}
	if _, ok := errors.AsType[*types.ResourceNotFoundException](err); ok {
		return nil, true, nil
	}
	return nil, false, fmt.Errorf("read log group %q: %w", *in.LogGroupName, err)
}

// readTries is how often Read tries a page; the SDK's own retries come on top.
const readTries = 5

// pageRetrying is page with a few tries for what passes by itself.
func (r *Reader) pageRetrying(ctx context.Context, c *cursor) ([]Line, error) {
	for try := 1; ; try++ {
		lines, err := c.page(ctx, r)
		if err == nil || ctx.Err() != nil || try == readTries || !transient(err) {
			return lines, err
		}
		if err := sleep(ctx, r.backoff.after(try)); err != nil {
			return nil, err
		}
	}
}

func transient(err error) bool {
	kind, _ := aws.Classify(err)
	return kind.Transient()
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
