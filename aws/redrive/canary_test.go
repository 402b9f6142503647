package redrive

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

	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	logtypes "github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs/types"

	"github.com/microfox-ai/aiwctl/aws"
	"github.com/microfox-ai/aiwctl/aws/logs"
	"github.com/microfox-ai/aiwctl/aws/redrive/why"
	"github.com/microfox-ai/aiwctl/dispatch"
)

// consume makes every message that is sent leave its queue after a while: done, or
// back to the dead-letter queue when it is said to die.
func (w *world) consume(after time.Duration, dies func(m *fakeMessage) bool) {
	w.onSend = func(url string, m *fakeMessage) {
		go func() {
			time.Sleep(after) // in a synctest bubble
			w.mu.Lock()
			defer w.mu.Unlock()
			q := w.queue(url)
			q.messages = slices.DeleteFunc(q.messages, func(x *fakeMessage) bool { return x == m })
			if dies(m) {
				w.queue(dlqURL).messages = append(w.queue(dlqURL).messages, &fakeMessage{id: m.id, body: m.body, system: m.system})
			}
		}()
	}
}

func never(*fakeMessage) bool { return false }

// canaries replays all with a canary, streaming or from a selection.
func canaries(t *testing.T, e *Engine, selection bool, r Replay) (ran, error) {
	t.Helper()
	if selection {
		r.Selection = selected(t, e, Choice{})
	} else {
		r.Worker, r.All = orders(), true
	}
	return replayWith(t.Context(), e, r)
}

func bothWays(t *testing.T, test func(t *testing.T, selection bool)) {
	t.Helper()
	for name, selection := range map[string]bool{"streaming": false, "selection": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) { test(t, selection) })
		})
	}
}

// When the canaries' queue is empty and none has died, they have completed.
func TestCanaryDrained(t *testing.T) {
	t.Parallel()
	bothWays(t, func(t *testing.T, selection bool) {
		w := newWorld()
		w.put(dlqURL, 95)
		w.consume(20*time.Second, never)
		began := time.Now()
		first, rest := 0, time.Duration(0)
		was := w.onSend
		w.onSend = func(url string, m *fakeMessage) {
			if since := time.Since(began); since < 19*time.Second {
				first++
			} else if rest == 0 {
				rest = since
			}
			was(url, m)
		}
		rep, err := canaries(t, engine(w), selection, Replay{Canary: 3})
		if err != nil || rep.Replayed != 95 || len(rep.Warnings) != 0 {
			t.Errorf("%d replayed, %q, %v", rep.Replayed, rep.Warnings, err)
		}
		if first != 3 || rest < 20*time.Second || rest > 25*time.Second {
			t.Errorf("%d were sent first, the rest after %v", first, rest)
		}
		if left, _ := w.bodies(dlqURL); len(left) != 0 {
			t.Errorf("%d are left", len(left))
		}
		time.Sleep(time.Minute) // the consumers end
	})
}

// A canary that dies again ends it: the others are untouched, and to be seen.
func TestCanaryComesBack(t *testing.T) {
	t.Parallel()
	for name, after := range map[string]time.Duration{"slowly": 5 * time.Second, "at once": 0} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			bothWays(t, func(t *testing.T, selection bool) {
				w := newWorld()
				w.put(dlqURL, 40)
				var dead string
				w.consume(after, func(m *fakeMessage) bool {
					if dead == "" {
						dead = m.body
					}
					return m.body == dead
				})
				rep, err := canaries(t, engine(w), selection, Replay{Canary: 3})
				c, ok := errors.AsType[*CanaryError](err)
				if !ok || c.Sent != 3 || len(c.Bad) != 1 || c.Bad[0].Status != StatusCameBack {
					t.Fatalf("%d replayed, %v", rep.Replayed, err)
				}
				if c.Bad[0].JobID != jobIDs([]string{dead})[0] || !strings.Contains(err.Error(), c.Bad[0].JobID) || !strings.Contains(err.Error(), "nothing more was sent") {
					t.Errorf("it was %s, and the error says %v", dead, err)
				}
				if left, hidden := w.bodies(dlqURL); len(left) != 38 || hidden != 0 || rep.Replayed != 3 || rep.Failed != 0 {
					t.Errorf("%d left, %d hidden, report %+v", len(left), hidden, rep.Report)
				}
				time.Sleep(time.Minute)
			})
		})
	}
}

// Of a canary that nobody takes nothing is known in time.
func TestCanaryTimesOut(t *testing.T) {
	t.Parallel()
	bothWays(t, func(t *testing.T, selection bool) {
		w := newWorld()
		w.put(dlqURL, 40)
		began := time.Now()
		rep, err := canaries(t, engine(w), selection, Replay{Canary: 2, CanaryTimeout: 90 * time.Second})
		c, ok := errors.AsType[*CanaryError](err)
		if !ok || len(c.Bad) != 2 || !strings.Contains(err.Error(), "has not ended within 1m30s") {
			t.Errorf("%v", err)
		}
		if d := time.Since(began); d < 90*time.Second || d > 100*time.Second {
			t.Errorf("after %v", d)
		}
		if left, hidden := w.bodies(dlqURL); len(left) != 38 || hidden != 0 || rep.Replayed != 2 {
			t.Errorf("%d left, %d hidden, %d replayed", len(left), hidden, rep.Replayed)
		}
	})
}

// With as many canaries as messages there is nothing to wait for.
func TestCanaryOfAll(t *testing.T) {
	t.Parallel()
	for _, n := range []int{25, 30} {
		bothWays(t, func(t *testing.T, selection bool) {
			w := newWorld()
			w.put(dlqURL, 25)
			began := time.Now()
			rep, err := canaries(t, engine(w), selection, Replay{Canary: n})
			if err != nil || rep.Replayed != 25 || time.Since(began) > 10*time.Second {
				t.Errorf("%d replayed after %v, %v", rep.Replayed, time.Since(began), err)
			}
		})
	}
}

// A message that is skipped says nothing of the others: another is sent first.
func TestCanaryIsNotSkipped(t *testing.T) {
	t.Parallel()
	for name, skipped := range map[string]int{"fewer than the canaries": 1, "as many": 2, "a whole batch": 10, "more": 25} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			bothWays(t, func(t *testing.T, selection bool) {
				w := newWorld()
				w.put(dlqURL, 60)
				for _, m := range w.queue(dlqURL).messages[:skipped] {
					m.body = "not a job" // cannot have a new job id
				}
				w.consume(time.Second, func(*fakeMessage) bool { return true }) // all die
				rep, err := canaries(t, engine(w), selection, Replay{Canary: 2, NewJobIDs: true})
				c, ok := errors.AsType[*CanaryError](err)
				if !ok || c.Sent != 2 || len(c.Bad) == 0 {
					t.Errorf("%d skipped, %d replayed without a canary, %v", rep.Skipped, rep.Replayed, err)
				}
				if rep.Replayed != 2 {
					t.Errorf("%d were sent", rep.Replayed)
				}
				time.Sleep(time.Minute)
				if left, hidden := w.bodies(dlqURL); len(left) != 60 || hidden != 0 {
					t.Errorf("%d left, %d hidden", len(left), hidden)
				}
			})
		})
	}
}

// The queue is deep, other jobs die meanwhile: the canaries are told by their ids,
// and the dead letters are not received again and again.
func TestCanaryAmongOthersThatDie(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		w.put(dlqURL, 30)
		other := false
		w.consume(40*time.Second, never)
		was := w.onSend
		w.onSend = func(url string, m *fakeMessage) {
			if !other {
				other = true
				go func() {
					time.Sleep(5 * time.Second) // in a synctest bubble
					w.mu.Lock()
					defer w.mu.Unlock()
					w.put(dlqURL, 3)
				}()
			}
			was(url, m)
		}
		rep, err := replay(t, w, Replay{Worker: orders(), All: true, Canary: 2})
		if err != nil || rep.Replayed != 30 {
			t.Errorf("%d replayed, %q, %v", rep.Replayed, rep.Warnings, err)
		}
		most := 0
		for _, m := range w.queue(dlqURL).messages {
			most = max(most, m.received)
		}
		if left, hidden := w.bodies(dlqURL); len(left) != 3 || hidden != 0 || most > 5 {
			t.Errorf("%d left, %d hidden, received up to %d times", len(left), hidden, most)
		}
		time.Sleep(time.Minute)
	})
}

// A record says that a job has completed while its queue is still full of others.
func TestCanaryByRecord(t *testing.T) {
	t.Parallel()
	for status, good := range map[string]bool{"completed": true, "failed": false} {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld()
			w.put(dlqURL, 30)
			w.put(srcURL, 5) // nobody takes them
			began, endless := time.Now(), false
			e := engineWith(w, w, Config{Dir: NoJournal, Records: func(ctx context.Context, id string) (why.Record, bool, error) {
				if _, bounded := ctx.Deadline(); !bounded {
					endless = true
				}
				if id != "job-1" && id != "job-2" {
					return why.Record{}, false, nil
				}
				if time.Since(began) < 10*time.Second {
					return why.Record{Status: "failed", At: began.Add(-time.Hour)}, true, nil // as it died
				}
				return why.Record{Status: status, At: time.Now(), Error: &dispatch.JobError{Message: "out of stock"}}, true, nil
			}})
			rep, err := replayWith(t.Context(), e, Replay{Worker: orders(), All: true, Canary: 2})
			if good && (err != nil || rep.Replayed != 30) {
				t.Errorf("%d replayed, %v", rep.Replayed, err)
			}
			c, _ := errors.AsType[*CanaryError](err)
			if !good && (c == nil || rep.Replayed != 2 || !strings.Contains(err.Error(), "failed again: out of stock")) {
				t.Errorf("%d replayed, %v", rep.Replayed, err)
			}
			if endless {
				t.Error("the store was asked without an end to it")
			}
			if d := time.Since(began); d < 10*time.Second || d > 15*time.Second {
				t.Errorf("%s after %v", status, d)
			}
		})
	}
}

// cloud is CloudWatch Logs with one log group.
type cloud struct {
	aws.LogsReader
	mu     sync.Mutex
	events []logtypes.FilteredLogEvent
}

func (c *cloud) say(text string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.events = append(c.events, logtypes.FilteredLogEvent{
		EventId: new(fmt.Sprint(len(c.events))), LogStreamName: new("s"), Message: &text, Timestamp: new(time.Now().UnixMilli()),
	})
}

func (c *cloud) FilterLogEvents(_ context.Context, in *cloudwatchlogs.FilterLogEventsInput, _ ...func(*cloudwatchlogs.Options)) (*cloudwatchlogs.FilterLogEventsOutput, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	out := &cloudwatchlogs.FilterLogEventsOutput{}
	for _, e := range c.events {
		if in.StartTime == nil || *e.Timestamp >= *in.StartTime {
			out.Events = append(out.Events, e)
		}
	}
	return out, nil
}

// The worker's log says how a canary ended, under its new job id.
func TestCanaryByLog(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		line string
		good bool
	}{
		"completed": {`{"event":"job.completed","jobId":%q,"workerId":"orders","level":"info","msg":"job completed"}`, true},
		"failed":    {`{"event":"job.failed","jobId":%q,"workerId":"orders","level":"error","msg":"job failed","willRetry":false,"error":{"message":"out of stock"}}`, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w, c := newWorld(), &cloud{}
				w.put(dlqURL, 30)
				w.put(srcURL, 5) // nobody takes them
				worker := orders()
				worker.Function = &aws.Function{Name: "orders", LogGroup: "/orders"}
				began := time.Now()
				sent := 0
				w.onSend = func(_ string, m *fakeMessage) {
					if sent++; sent <= 2 {
						id := jobIDs([]string{m.body})[0]
						time.AfterFunc(10*time.Second, func() { c.say(fmt.Sprintf(tt.line, id)) })
					}
				}
				e := engineWith(w, w, Config{Dir: NoJournal, Logs: logs.NewReader(c, logs.WithCallRate(1e6, 1e6))})
				rep, err := replayWith(t.Context(), e, Replay{Worker: worker, All: true, Canary: 2, NewJobIDs: true, Force: true})
				if tt.good && (err != nil || rep.Replayed != 30) {
					t.Errorf("%d replayed, %v", rep.Replayed, err)
				}
				bad, _ := errors.AsType[*CanaryError](err)
				if !tt.good && (bad == nil || rep.Replayed != 2 || !strings.Contains(err.Error(), "failed again: out of stock")) {
					t.Errorf("%d replayed, %v", rep.Replayed, err)
				}
				if d := time.Since(began); d < 10*time.Second || d > 20*time.Second {
					t.Errorf("after %v", d)
				}
			})
		})
	}
}

// Interrupted while it waits for a canary: nothing more is sent, nothing hidden.
func TestCanaryInterrupted(t *testing.T) {
	t.Parallel()
	bothWays(t, func(t *testing.T, selection bool) {
		w := newWorld()
		w.put(dlqURL, 40)
		ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
		defer cancel()
		time.AfterFunc(30*time.Second, cancel)
		e := journalled(w, t.TempDir())
		r := Replay{Worker: orders(), All: true, Canary: 2}
		if selection {
			r = Replay{Selection: selected(t, e, Choice{}), Canary: 2}
		}
		var states []string
		r.OnState = func(s string) { states = append(states, s) }
		rep, err := replayWith(ctx, e, r)
		if !errors.Is(err, context.Canceled) || rep.Replayed != 2 || !rep.Unfinished {
			t.Errorf("%+v %v", rep.Report, err)
		}
		if left, hidden := w.bodies(dlqURL); len(left) != 38 || hidden != 0 {
			t.Errorf("%d left, %d hidden", len(left), hidden)
		}
		if !slices.Contains(states, "canary: 0 of 2 done") || states[len(states)-1] != "" {
			t.Errorf("states %q", states)
		}
	})
}

// A canary that could not be deleted, and that SQS delivers once more, is not sent
// once more.
func TestCanaryDeliveredTwice(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		w.put(dlqURL, 30)
		w.consume(time.Second, never)
		sent := map[string]int{}
		was := w.onSend
		w.onSend = func(url string, m *fakeMessage) { sent[m.body]++; was(url, m) }
		w.fault = func(op string) fault {
			if op == "delete" && w.calls[op] <= tries {
				return fault{before: throttled()}
			}
			w.queue(dlqURL).again = w.calls["delete"] >= tries
			return fault{}
		}
		rep, err := replay(t, w, Replay{Worker: orders(), All: true, Canary: 2})
		if err != nil || rep.Replayed != 30 {
			t.Errorf("%+v %v", rep.Report, err)
		}
		for body, n := range sent {
			if n > 1 {
				t.Errorf("%s was sent %d times", body, n)
			}
		}
		time.Sleep(time.Minute)
	})
}
