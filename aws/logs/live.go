package logs

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"time"

	awssdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs/types"

	"github.com/microfox-ai/aiwctl/aws"
)

const (
	// LiveGroups is how many log groups one live session takes.
	LiveGroups = 10
	// LivePrice is what a minute of one live session costs, in dollars; the first
	// 1,800 minutes of a month are free. https://aws.amazon.com/cloudwatch/pricing/
	LivePrice = 0.01
	// liveEvery is how often a group that a live session carries is polled all the same:
	// live tail samples, drops what is not fetched in time, and says nothing of the
	// time before it began.
	liveEvery = 15 * time.Second
	// sampledFor is how long after a sampled update polling keeps its usual pace.
	sampledFor = 30 * time.Second
	// liveMemory is how long it is remembered which lines came by which way.
	liveMemory = 3 * time.Minute
)

// LiveTail is a live session: the SDK's event stream.
type LiveTail interface {
	Events() <-chan types.StartLiveTailResponseStream
	Close() error
	Err() error
}

// OpenLive opens a live session over log groups, named by their ARNs.
type OpenLive func(ctx context.Context, arns []string) (LiveTail, error)

// LiveOf is OpenLive for a stage.
func LiveOf(s *aws.Stage) OpenLive {
	return func(ctx context.Context, arns []string) (LiveTail, error) {
		stream, err := s.LiveTail(ctx, arns)
		if err != nil {
			return nil, err
		}
		return stream, nil
	}
}

// WithLive has Follow open live sessions for queries that are Live. Without it they are
// only polled.
func WithLive(open OpenLive) Option {
	return func(r *Reader) { r.live = open }
}

// CanLive is whether queries that are Live get live sessions.
func (r *Reader) CanLive() bool { return r.live != nil }

// liveRunner keeps one live session open, over up to LiveGroups groups.
type liveRunner struct {
	fw    *follower
	tails []*tail
	self  *tail // what the reporter knows it by
}

// runLive starts the sessions; they end with ctx.
func (fw *follower) runLive(ctx context.Context, wg *sync.WaitGroup, pages chan<- []Line) {
	if !fw.q.Live || fw.r.live == nil {
		return
	}
	for from := 0; from < len(fw.tails); from += LiveGroups {
		r := &liveRunner{fw: fw, tails: fw.tails[from:min(from+LiveGroups, len(fw.tails))], self: &tail{}}
		wg.Go(func() { r.run(ctx, pages) })
	}
}

func (r *liveRunner) run(ctx context.Context, pages chan<- []Line) {
	for failures := 0; ctx.Err() == nil; {
		lines, err := r.session(ctx, pages)
		for _, t := range r.tails {
			// From here to the next session polling alone finds the lines.
			t.live.Store(false)
			t.stir()
		}
		if ctx.Err() != nil {
			return
		}
		if _, over := errors.AsType[*types.SessionTimeoutException](err); over {
			continue // after three hours; the next one begins at once
		}
		if lines {
			failures = 0
		}
		failures++
		wait := r.fw.r.backoff.after(failures)
		if err != nil {
			r.fw.report.fail(r.self, throttledFailures, fmt.Errorf("live tail: %w", err), wait)
		}
		if sleep(ctx, wait) != nil {
			return
		}
	}
}

// session opens one session and hands on its lines. went is true when it began.
func (r *liveRunner) session(ctx context.Context, pages chan<- []Line) (went bool, err error) {
	arns, tails, err := r.groups(ctx)
	if err != nil || len(arns) == 0 {
		return false, err
	}
	stream, err := r.fw.r.live(ctx, arns)
	if err != nil {
		return false, err
	}
	stop := context.AfterFunc(ctx, func() { _ = stream.Close() })
	defer func() {
		stop()
		_ = stream.Close() // it ends the billing; nothing is left to be done about an error
	}()
	for event := range stream.Events() {
		switch e := event.(type) {
		case *types.StartLiveTailResponseStreamMemberSessionStart:
			went = true
			r.fw.report.goes(r.self)
			for _, t := range tails {
				t.live.Store(true)
			}
		case *types.StartLiveTailResponseStreamMemberSessionUpdate:
			if m := e.Value.SessionMetadata; m != nil && m.Sampled {
				r.sampled(tails)
			}
			if lines := r.lines(tails, e.Value.SessionResults); len(lines) > 0 {
				select {
				case pages <- lines:
				case <-ctx.Done():
					return went, ctx.Err()
				}
			}
		}
	}
	if err := stream.Err(); err != nil {
		return went, err
	}
	return went, errLiveCut
}

var errLiveCut = errors.New("the session ended without a word")

// groups are the ARNs of the groups that exist; those that do not are left to polling.
func (r *liveRunner) groups(ctx context.Context) (arns []string, tails []*tail, err error) {
	for _, t := range r.tails {
		in := &cloudwatchlogs.DescribeLogGroupsInput{LogGroupNamePrefix: &t.src.Group}
		out, err := r.fw.r.api.DescribeLogGroups(ctx, in)
		if err != nil {
			return nil, nil, fmt.Errorf("look up log group %q: %w", t.src.Group, err)
		}
		// The name itself sorts before all that begin with it.
		for i := range out.LogGroups {
			if g := &out.LogGroups[i]; awssdk.ToString(g.LogGroupName) == t.src.Group {
				arns, tails = append(arns, strings.TrimSuffix(awssdk.ToString(g.Arn), ":*")), append(tails, t)
			}
		}
	}
	return arns, tails, nil
}

// sampled has polling fill in what live tail leaves out.
func (r *liveRunner) sampled(tails []*tail) {
	until := time.Now().Add(sampledFor)
	r.fw.report.samples(until)
	for _, t := range tails {
		t.sampled.Store(until.UnixNano())
		t.stir()
	}
}

// lines parses an update and leaves out what polling has brought.
func (r *liveRunner) lines(tails []*tail, events []types.LiveTailSessionLogEvent) []Line {
	out := make([]Line, 0, len(events))
	for i := range events {
		e := &events[i]
		group := awssdk.ToString(e.LogGroupIdentifier)
		for _, t := range tails {
			// A name, an ARN, or account:name.
			if name := t.src.Group; group != name && !strings.HasSuffix(group, ":"+name) {
				continue
			}
			at, message, stream := awssdk.ToInt64(e.Timestamp), awssdk.ToString(e.Message), awssdk.ToString(e.LogStreamName)
			n, fresh := t.ways.count(stream, at, message, byLive)
			if !fresh {
				break
			}
			id := "live/" + stream + "/" + strconv.FormatInt(at, 10) + "/" + strconv.FormatUint(n, 36)
			l := Parse(t.src.Group, stream, t.src.WorkerID, id, time.UnixMilli(at), message)
			if r.fw.q.Original {
				l.Original = message
			}
			out = append(out, l)
			break
		}
	}
	return out
}

// paced is how long a tail that is read to its end waits, given its own interval.
func (t *tail) paced(interval time.Duration) time.Duration {
	if t.live.Load() && time.Now().UnixNano() > t.sampled.Load() {
		return liveEvery
	}
	return interval
}

// stir has a tail poll soon.
func (t *tail) stir() {
	select {
	case t.wake <- struct{}{}:
	default:
	}
}

// rest is sleep that a stir ends.
func (t *tail) rest(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.wake:
	case <-timer.C:
	}
	return nil
}
