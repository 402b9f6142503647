package logs_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"slices"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/smithy-go"

	"github.com/microfox-ai/aiwctl/aws/logs"
)

// tail is a Follow under way in a synctest bubble.
type tail struct {
	stop   context.CancelFunc
	done   chan error
	mu     sync.Mutex
	lines  []logs.Line
	times  []time.Time // when each batch came
	states []logs.State
}

func follow(t *testing.T, r *logs.Reader, q logs.Query) *tail {
	t.Helper()
	ctx, stop := context.WithCancel(t.Context())
	f := &tail{stop: stop, done: make(chan error, 1)}
	go func() {
		f.done <- r.Follow(ctx, q, func(s logs.State) {
			f.mu.Lock()
			defer f.mu.Unlock()
			f.states = append(f.states, s)
		}, func(lines []logs.Line) error {
			f.mu.Lock()
			defer f.mu.Unlock()
			if !slices.IsSortedFunc(lines, func(a, b logs.Line) int { return a.Time.Compare(b.Time) }) {
				t.Errorf("a batch is not in order: %q", texts(lines))
			}
			f.lines = append(f.lines, lines...)
			f.times = append(f.times, time.Now())
			return nil
		})
	}()
	return f
}

// sofar is the lines that have come.
func (f *tail) sofar() []logs.Line {
	synctest.Wait()
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.lines)
}

// state is the latest that was told.
func (f *tail) state() logs.State {
	synctest.Wait()
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.states[len(f.states)-1]
}

// end waits, stops the tail and returns what came.
func (f *tail) end(t *testing.T, after time.Duration) []logs.Line {
	t.Helper()
	time.Sleep(after) // a synctest bubble: the clock is not real
	f.stop()
	if err := <-f.done; !errors.Is(err, context.Canceled) {
		t.Errorf("Follow ended with %v", err)
	}
	for i := 1; i < len(f.times)-1; i++ { // the end waits for nothing
		if d := f.times[i].Sub(f.times[i-1]); d < 100*time.Millisecond {
			t.Errorf("batches %v apart", d)
		}
	}
	return f.lines
}

// write is a writer of ten groups whose events share milliseconds, arrive up to
// a minute late, and come with failures.
func TestFollowDeliversEachLineOnce(t *testing.T) {
	t.Parallel()
	for _, size := range []int{1, 13, 10_000} {
		t.Run(fmt.Sprintf("pages of %d", size), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				rng := rand.New(rand.NewPCG(1, uint64(size)))
				c := newCloud()
				c.pageSize = size
				luck := rand.New(rand.NewPCG(2, uint64(size)))
				c.fail = func(int, *cloudwatchlogs.FilterLogEventsInput) error {
					if luck.IntN(10) == 0 {
						return throttled()
					}
					return nil
				}
				want := map[string]bool{}
				groups := []string{"a", "b", "c"}
				for range 300 { // before the tail begins
					want[c.put(groups[rng.IntN(3)], "s", time.Now().Add(-time.Duration(rng.IntN(600))*time.Second), 0, "old")] = true
				}
				f := follow(t, fastReader(c), logs.Query{Sources: source("a", "b", "c"), Since: time.Now().Add(-time.Hour)})
				for range 120 {
					for range 5 {
						at := time.Now().Add(time.Duration(rng.IntN(3)) * time.Millisecond)
						delay := time.Duration(rng.IntN(60_000)) * time.Millisecond
						if rng.IntN(2) == 0 {
							delay = 0
						}
						want[c.put(groups[rng.IntN(3)], "s", at, delay, "new")] = true
					}
					time.Sleep(time.Second)
				}
				got := map[string]int{}
				for _, l := range f.end(t, 5*time.Minute) {
					got[l.ID]++
				}
				for id := range want {
					if got[id] != 1 {
						t.Errorf("%s came %d times", id, got[id])
					}
				}
				if len(got) != len(want) {
					t.Errorf("%d lines came, %d were written", len(got), len(want))
				}
			})
		})
	}
}

func TestFollowWaitsForAGroup(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := newCloud()
		f := follow(t, fastReader(c), logs.Query{Sources: source("g")})
		time.Sleep(time.Minute)
		c.put("g", "s", time.Now(), 0, "first")
		got := texts(f.end(t, 5*time.Second))
		if !slices.Equal(got, []string{"first"}) {
			t.Errorf("got %q", got)
		}
		for _, s := range f.states {
			if s.Err != nil {
				t.Errorf("a function that never ran is called an error: %v", s.Err)
			}
		}
	})
}

// No failure ends a tail: not a missing permission, not a network that is gone, not a service that is ill.
func TestFollowTellsFailureAndRecovers(t *testing.T) {
	t.Parallel()
	for name, failure := range map[string]error{
		"denied":                &smithy.GenericAPIError{Code: "AccessDeniedException", Message: "no"},
		"network":               &net.OpError{Op: "dial", Net: "tcp", Err: syscall.ENETUNREACH},
		"ill":                   &smithy.GenericAPIError{Code: "InternalFailure", Message: "oops", Fault: smithy.FaultServer},
		"throttled for minutes": throttled(),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) { tellsAndRecovers(t, failure) })
		})
	}
}

func tellsAndRecovers(t *testing.T, failure error) {
	t.Helper()
	c := newCloud()
	broken := true
	c.fail = func(_ int, in *cloudwatchlogs.FilterLogEventsInput) error {
		if broken && *in.LogGroupName == "bad" {
			return failure
		}
		return nil
	}
	c.put("good", "s", time.Now(), 0, "good")
	c.put("bad", "s", time.Now(), 0, "bad")
	f := follow(t, fastReader(c), logs.Query{Sources: source("good", "bad")})
	time.Sleep(2 * time.Minute)
	if got := texts(f.sofar()); !slices.Equal(got, []string{"good"}) {
		t.Errorf("while one group fails: %q", got)
	}
	last := f.state()
	if last.Err == nil || last.RetryIn <= 0 || last.RetryIn > 30*time.Second {
		t.Errorf("state while failing: %+v", last)
	}
	if last.Lag < time.Minute {
		t.Errorf("lag %v after two minutes of failure", last.Lag)
	}
	calls := 0
	c.locked(func() { calls, broken = c.calls, false })
	if got := texts(f.end(t, time.Minute)); !slices.Equal(got, []string{"good", "bad"}) {
		t.Errorf("after recovery: %q", got)
	}
	last = f.state()
	if last.Err != nil || last.Lag != 0 {
		t.Errorf("state after recovery: %+v", last)
	}
	if n := c.called() - calls; n < 20 {
		t.Errorf("only %d calls in the minute after recovery", n)
	}
}

func TestFollowSpendsAFewCallsASecond(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := newCloud()
		var groups []string
		for i := range 40 {
			groups = append(groups, fmt.Sprintf("g%02d", i))
			c.put(groups[i], "s", time.Now(), 0, "x")
		}
		f := follow(t, logs.NewReader(c), logs.Query{Sources: source(groups...)})
		got := f.end(t, time.Minute)
		if len(got) != 40 {
			t.Errorf("%d lines of 40", len(got))
		}
		if c.calls > 4*60+4 {
			t.Errorf("%d calls in a minute", c.calls)
		}
		// A quiet group alone is asked every two seconds.
		c = newCloud()
		f = follow(t, logs.NewReader(c), logs.Query{Sources: source("quiet")})
		f.end(t, time.Minute)
		if c.calls < 25 || c.calls > 40 {
			t.Errorf("%d calls in a minute for a quiet group", c.calls)
		}
	})
}

func TestFollowIsPromptAndEndsWithTheCallersError(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := newCloud()
		stop := errors.New("stop")
		var sent time.Time
		time.AfterFunc(30*time.Second, func() { sent = time.Now(); c.put("g", "s", sent, 0, "x") })
		err := logs.NewReader(c).Follow(t.Context(), logs.Query{Sources: source("g")}, nil, func([]logs.Line) error { return stop })
		if !errors.Is(err, stop) {
			t.Errorf("err = %v", err)
		}
		if d := time.Since(sent); d > 2100*time.Millisecond {
			t.Errorf("the line came after %v", d)
		}
	})
}

// A job's tail among other jobs in the same streams, whose events arrive in any
// order: exactly its lines, each once.
func TestFollowJobAmongOthers(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		rng := rand.New(rand.NewPCG(3, 4))
		c := newCloud()
		var want []string
		since := time.Now()
		f := follow(t, fastReader(c), logs.Query{Sources: source("g"), JobID: "job-55", Since: since})
		for i := range 100 {
			v := &invocation{c: c, group: "g", stream: fmt.Sprintf("s%d", i%4), req: fmt.Sprintf("r%d", i), at: time.Now()}
			v.delay = func() time.Duration { return time.Duration(rng.IntN(30_000)) * time.Millisecond }
			job := fmt.Sprintf("job-%d", i)
			var ids []string
			ids = append(ids, v.start(), v.marker(job), v.event("job.started", job, 1, ""), v.event("job.completed", job, 1, ""))
			end := v.end()
			ids = append(ids, end[0], end[1])
			if i == 55 {
				want = ids
			}
			time.Sleep(250 * time.Millisecond)
		}
		var got []string
		for _, l := range f.end(t, 2*time.Minute) {
			got = append(got, l.ID)
		}
		slices.Sort(got)
		if !slices.Equal(got, want) {
			t.Errorf("got %q, want %q", got, want)
		}
	})
}

// A tail that begins long after the job searches for its past, then goes on.
func TestFollowJobFromItsPast(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := newCloud()
		v := &invocation{c: c, group: "g", stream: "s", req: "r1", at: time.Now()}
		want := []string{v.start(), v.marker("j"), v.event("job.retrying", "j", 1, "")}
		end := v.end()
		want = append(want, end[0], end[1])
		time.Sleep(3 * time.Minute)
		w := &invocation{c: c, group: "g", stream: "s", req: "r2", at: time.Now()}
		w.start()
		w.marker("other")
		w.end()
		f := follow(t, fastReader(c), logs.Query{Sources: source("g"), JobID: "j"})
		time.Sleep(time.Minute)
		w.req, w.at = "r3", time.Now()
		want = append(want, w.start(), w.say("bare"), w.marker("j"), w.event("job.completed", "j", 2, ""))
		var got []string
		for _, l := range f.end(t, time.Minute) {
			got = append(got, l.ID)
		}
		if !slices.Equal(got, want) {
			t.Errorf("got %q, want %q", got, want)
		}
	})
}

func TestWaitJob(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := newCloud()
		sent := time.Now()
		time.AfterFunc(10*time.Second, func() {
			v := &invocation{c: c, group: "g", stream: "s", req: "r1", at: time.Now()}
			v.start()
			v.marker("j")
			v.event("job.retrying", "j", 1, `,"error":{"message":"not yet"}`)
			v.end()
		})
		time.AfterFunc(40*time.Second, func() {
			v := &invocation{c: c, group: "g", stream: "s", req: "r2", at: time.Now()}
			v.start()
			v.marker("j")
			v.event("job.completed", "j", 2, `,"durationMs":1500,"output":{"ok":true}`)
		})
		var shown []string
		out, err := fastReader(c).WaitJob(t.Context(), logs.Query{Sources: source("g"), JobID: "j", Since: sent, MinLevel: logs.LevelInfo}, 3,
			func(l logs.Line) { shown = append(shown, l.Text) })
		if err != nil {
			t.Fatal(err)
		}
		if out.Status != logs.StatusCompleted || out.Attempt != 2 || string(out.Output) != `{"ok":true}` || out.Duration != 1500*time.Millisecond || out.RequestID != "r2" {
			t.Errorf("outcome %+v", out)
		}
		if want := []string{`job.retrying attempt=1 error="not yet"`, `job.completed attempt=2 duration=1.5s output={"ok":true}`}; !slices.Equal(shown, want) {
			t.Errorf("shown %q", shown)
		}
	})
}

func TestWaitJobGivesUp(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := newCloud()
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		_, err := fastReader(c).WaitJob(ctx, logs.Query{Sources: source("g"), JobID: "j", Since: time.Now()}, 3, nil)
		if !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("err = %v", err)
		}
		denied := &smithy.GenericAPIError{Code: "AccessDeniedException", Message: "no"}
		c.fail = func(int, *cloudwatchlogs.FilterLogEventsInput) error { return denied }
		begin := time.Now()
		_, err = fastReader(c).WaitJob(t.Context(), logs.Query{Sources: source("g"), JobID: "j", Since: time.Now()}, 3, nil)
		if !errors.Is(err, denied) || time.Since(begin) > 10*time.Second {
			t.Errorf("err = %v after %v", err, time.Since(begin))
		}
	})
}

// The tail of a job whose streams are minutes behind at times, each in its own
// order as CloudWatch has them, with many lines in one millisecond, bare prints
// that name nobody, pages of any size and throttling: exactly the job's lines,
// each once.
func TestFollowJobThroughBadWeather(t *testing.T) {
	t.Parallel()
	for _, size := range []int{1, 7, 1000} {
		t.Run(fmt.Sprintf("pages of %d", size), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				rng, luck := rand.New(rand.NewPCG(5, uint64(size))), rand.New(rand.NewPCG(6, uint64(size)))
				c := newCloud()
				c.pageSize = size
				c.fail = func(int, *cloudwatchlogs.FilterLogEventsInput) error {
					if luck.IntN(8) == 0 {
						return throttled()
					}
					return nil
				}
				f := follow(t, fastReader(c), logs.Query{Sources: source("g", "h"), JobID: "job-mine", Since: time.Now()})
				behind := map[string]time.Time{} // when a stream's latest line can be seen
				var want []string
				for i := range 80 {
					v := &invocation{c: c, group: []string{"g", "h"}[i%2], stream: fmt.Sprintf("s%d", i%6), req: fmt.Sprintf("r%d", i), at: time.Now()}
					key := v.group + v.stream
					v.delay = func() time.Duration {
						v.at = v.at.Add(-time.Millisecond * time.Duration(rng.IntN(2))) // often the same one again
						if due := time.Now().Add(time.Duration(rng.IntN(20_000)) * time.Millisecond); due.After(behind[key]) && rng.IntN(4) == 0 {
							behind[key] = due
						}
						return max(time.Until(behind[key]), 0)
					}
					job := fmt.Sprintf("job-%d", i)
					if i%20 == 13 { // four attempts, in streams that serve others too
						job = "job-mine"
					}
					ids := []string{
						v.start(), v.marker(job), v.event("job.started", job, 1, ""), v.say("a bare print of " + v.req),
						v.say("another"), v.event("job.retrying", job, 1, ""),
					}
					end := v.end()
					if job == "job-mine" {
						want = append(want, append(ids, end[0], end[1])...)
					}
					time.Sleep(250 * time.Millisecond)
				}
				var got []string
				for _, l := range f.end(t, 3*time.Minute) {
					got = append(got, l.ID)
				}
				slices.Sort(got)
				slices.Sort(want)
				if !slices.Equal(got, want) {
					t.Errorf("got %d lines, want %d:\n%q\n%q", len(got), len(want), got, want)
				}
			})
		})
	}
}
