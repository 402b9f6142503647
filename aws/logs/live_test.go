package logs_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	awssdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs/types"
	"github.com/aws/smithy-go"

	"github.com/microfox-ai/aiwctl/aws/local/cwlogs"
	"github.com/microfox-ai/aiwctl/aws/logs"
)

// session is a live session of a test.
type session struct {
	arns   []string
	events chan types.StartLiveTailResponseStream
	mu     sync.Mutex
	err    error
	closed bool
}

func (s *session) Events() <-chan types.StartLiveTailResponseStream { return s.events }

func (s *session) Close() error { s.end(nil); return nil }

func (s *session) Err() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.err
}

func (s *session) end(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.closed {
		s.closed, s.err = true, err
		close(s.events)
	}
}

// send sends the events that can be seen, as an update.
func (s *session) send(sampled bool, group string, events ...event) {
	u := types.LiveTailSessionUpdate{SessionMetadata: &types.LiveTailSessionMetadata{Sampled: sampled}}
	for _, e := range events {
		u.SessionResults = append(u.SessionResults, types.LiveTailSessionLogEvent{
			LogGroupIdentifier: awssdk.String("111122223333:" + group), LogStreamName: &e.stream, Message: &e.text, Timestamp: awssdk.Int64(e.at.UnixMilli()),
		})
	}
	s.events <- &types.StartLiveTailResponseStreamMemberSessionUpdate{Value: u}
}

// DescribeLogGroups knows the groups that events were put into.
func (c *cloud) DescribeLogGroups(_ context.Context, in *cloudwatchlogs.DescribeLogGroupsInput, _ ...func(*cloudwatchlogs.Options)) (*cloudwatchlogs.DescribeLogGroupsOutput, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	out := &cloudwatchlogs.DescribeLogGroupsOutput{}
	for name := range c.groups {
		if strings.HasPrefix(name, *in.LogGroupNamePrefix) {
			out.LogGroups = append(out.LogGroups, types.LogGroup{LogGroupName: &name, Arn: awssdk.String("arn:aws:logs:eu-west-1:111122223333:log-group:" + name + ":*")})
		}
	}
	return out, nil
}

// opener opens sessions that begin at once.
type opener struct {
	sessions []*session
	refuse   error
}

func (o *opener) open(_ context.Context, arns []string) (logs.LiveTail, error) {
	if o.refuse != nil {
		return nil, o.refuse
	}
	s := &session{arns: arns, events: make(chan types.StartLiveTailResponseStream, 1)}
	s.events <- &types.StartLiveTailResponseStreamMemberSessionStart{}
	o.sessions = append(o.sessions, s)
	return s, nil
}

func (o *opener) last() *session { return o.sessions[len(o.sessions)-1] }

// write puts an event and returns it.
func (c *cloud) write(group, text string) event {
	return event{id: c.put(group, "s", time.Now(), 0, text), stream: "s", text: text, at: time.Now().Truncate(time.Millisecond)}
}

func TestLive(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c, o := newCloud(), &opener{}
		c.put("g", "s", time.Now().Add(-time.Second), 0, "before")
		r := logs.NewReader(c, logs.WithLive(o.open))
		f := follow(t, r, logs.Query{Sources: source("g", "not yet"), Live: true, Original: true})
		time.Sleep(10 * time.Second)
		synctest.Wait()
		if s := o.last(); !slices.Equal(s.arns, []string{"arn:aws:logs:eu-west-1:111122223333:log-group:g"}) {
			t.Fatalf("a session over %q", s.arns)
		}
		// One comes by the session at once, and by polling once more; of three that look alike the
		// session brings two; one it leaves out.
		began, calls := time.Now(), c.called()
		o.last().send(false, "g", c.write("g", "prompt"))
		if got := texts(f.sofar()); !slices.Equal(got, []string{"before", "prompt"}) {
			t.Errorf("after %v: %q", time.Since(began), got)
		}
		twin := c.write("g", "twin")
		c.put("g", "s", twin.at, 0, "twin")
		c.put("g", "s", twin.at, 0, "twin")
		o.last().send(false, "g", twin, twin)
		c.write("g", "left out")
		time.Sleep(time.Minute)
		got := texts(f.sofar())
		slices.Sort(got)
		if want := []string{"before", "left out", "prompt", "twin", "twin", "twin"}; !slices.Equal(got, want) {
			t.Errorf("got %q, want %q", got, want)
		}
		// The group that is carried is asked every fifteen seconds, the other as ever.
		if n := c.called() - calls; n > 45 {
			t.Errorf("%d calls in a minute", n)
		}
		for _, s := range f.states {
			if s.Lag > 0 || s.Err != nil {
				t.Errorf("a tail that is well says %+v", s)
			}
		}
		// Sampling: polling takes over at its usual pace.
		c.write("g", "sampled away")
		o.last().send(true, "g")
		time.Sleep(3 * time.Second)
		lines := f.sofar()
		if got := lines[len(lines)-1]; got.Text != "sampled away" || got.Original != "sampled away" {
			t.Errorf("3 s after a sampled update the last line is %+v", got)
		}
		if s := f.state(); !s.Sampled {
			t.Errorf("the state says %+v", s)
		}
		// After three hours the session ends, and another begins at once.
		first := o.last()
		first.end(&types.SessionTimeoutException{})
		synctest.Wait()
		if len(o.sessions) != 2 || o.last() == first {
			t.Fatalf("%d sessions", len(o.sessions))
		}
		f.end(t, time.Second)
		if !o.last().closed {
			t.Error("the session is still open: it costs money")
		}
	})
}

// Where live tail is denied, the tail goes on without it and says so.
func TestLiveDenied(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := newCloud()
		o := &opener{refuse: &smithy.GenericAPIError{Code: "AccessDeniedException", Message: "no"}}
		c.put("g", "s", time.Now(), 0, "x")
		f := follow(t, logs.NewReader(c, logs.WithLive(o.open)), logs.Query{Sources: source("g"), Live: true})
		time.Sleep(5 * time.Second)
		c.put("g", "s", time.Now(), 0, "y")
		if got := texts(f.end(t, 5*time.Second)); !slices.Equal(got, []string{"x", "y"}) {
			t.Errorf("got %q", got)
		}
		if s := f.state(); s.Err == nil || !strings.Contains(s.Err.Error(), "live tail") {
			t.Errorf("the state says %+v", s)
		}
	})
}

func TestLiveOverHTTP(t *testing.T) {
	t.Parallel()
	svc, s := localStage(t, cwlogs.Config{LiveEvery: 10 * time.Millisecond, LiveLasts: 2 * time.Second})
	put(svc, "/aws/lambda/w", "s", "before")
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	stop := errors.New("enough")
	// Polling is so slow that what comes in time has come by the sessions.
	seen := map[string]int{}
	opened := 0
	r := logs.For(s, logs.WithPolling(time.Hour, time.Hour), logs.WithLive(func(ctx context.Context, arns []string) (logs.LiveTail, error) {
		tail, err := logs.LiveOf(s)(ctx, arns)
		if opened++; err == nil {
			go put(svc, "/aws/lambda/w", "s", fmt.Sprint("in session ", opened))
		}
		return tail, err
	}))
	err := r.Follow(ctx, logs.Query{Sources: []logs.Source{{WorkerID: "w", Group: "/aws/lambda/w"}}, Live: true}, nil, func(lines []logs.Line) error {
		for i := range lines {
			seen[lines[i].Text]++
		}
		if len(seen) == 3 {
			return stop
		}
		return nil
	})
	if !errors.Is(err, stop) || seen["before"] != 1 || seen["in session 1"] != 1 || seen["in session 2"] != 1 {
		t.Errorf("saw %v, %v", seen, err)
	}
}
