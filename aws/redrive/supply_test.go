package redrive

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/microfox-ai/aiwctl/aws"
)

// What was chosen is moved as it is held, and nothing is received a second time.
func TestReplaySelection(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		w.put(dlqURL, 500)
		want := slices.Concat(ids(3, 250), ids(400, 420))
		s := selected(t, engine(w), Choice{IDs: want, Where: filter(t, "input.n != 5")})
		want = slices.DeleteFunc(want, func(id string) bool { return id == "m-00005" })
		receives := 0
		w.set(func() { receives = w.calls["receive"] })
		time.Sleep(5 * time.Minute) // somebody thinks about it
		rep, err := replayWith(t.Context(), engine(w), Replay{Selection: s})
		if err != nil || rep.Replayed != len(want) || len(rep.Warnings) != 0 {
			t.Errorf("%+v %v", rep.Report, err)
		}
		var moved []string
		for _, r := range rep.Results {
			moved = append(moved, r.ID)
		}
		slices.Sort(moved)
		if !slices.Equal(moved, want) {
			t.Errorf("moved %q", moved)
		}
		if n := w.calls["receive"]; n != receives {
			t.Errorf("%d more receives", n-receives)
		}
		left, hidden := w.bodies(dlqURL)
		if sent, _ := w.bodies(srcURL); len(sent) != len(want) || len(left) != 500-len(want) || hidden != 0 || s.Held() != 0 {
			t.Errorf("%d sent, %d left, %d hidden", len(sent), len(left), hidden)
		}
		a := w.actions[0]
		if a.Name != "dlq.replay" || a.Object != "orders-dlq" || a.Count != len(want) || !slices.Equal(a.IDs, want[:auditIDs]) {
			t.Errorf("the guard was told of %d: %+v", len(a.IDs), a)
		}
		// It has been used up.
		if rep, err := engine(w).Replay(t.Context(), Replay{Selection: s}); err == nil || rep.Replayed != 0 || w.calls["receive"] != receives {
			t.Errorf("once more: %+v %v", rep, err)
		}
	})
}

// A lease that could not be extended: the message may be another reader's by now.
func TestReplaySelectionHeldTooLong(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		w.put(dlqURL, 25)
		s := selected(t, engine(w), Choice{})
		down := true
		w.set(func() {
			w.fault = func(op string) fault {
				if op == "visibility" && down {
					return fault{before: throttled()}
				}
				return fault{}
			}
		})
		time.Sleep(2 * time.Minute)
		w.set(func() { down = false })
		rep, err := replayWith(t.Context(), engine(w), Replay{Selection: s})
		p, ok := errors.AsType[*PartialError](err)
		if !ok || p.Cause != nil || rep.Failed != 25 || rep.Replayed != 0 || len(rep.Results) != 25 || !said(rep.Problems, "held too long") {
			t.Errorf("%+v %v", rep.Report, err)
		}
		left, hidden := w.bodies(dlqURL)
		if len(left) != 25 || hidden != 0 || w.calls["send"] != 0 {
			t.Errorf("%d left, %d hidden, %d sends", len(left), hidden, w.calls["send"])
		}
	})
}

// A target that may not be written to: nothing is asked of SQS but the depth.
func TestReplayReadOnly(t *testing.T) {
	t.Parallel()
	bothWays(t, func(t *testing.T, selection bool) {
		w := newWorld()
		w.put(dlqURL, 25)
		r := Replay{Worker: orders(), All: true}
		if selection {
			r = Replay{Selection: selected(t, engine(w), Choice{})}
		}
		receives := w.calls["receive"]
		w.set(func() { w.readOnly = true })
		rep, err := replayWith(t.Context(), journalled(w, t.TempDir()), r)
		if !errors.Is(err, aws.ErrReadOnly) || rep.Replayed != 0 || w.calls["receive"] != receives || w.calls["send"]+w.calls["delete"] != 0 {
			t.Errorf("%+v %v %v", rep.Report, err, w.calls)
		}
		if hidden := w.hiddenIDs(dlqURL); len(hidden) != 0 {
			t.Errorf("%q stay hidden", hidden)
		}
	})
}

// Interrupted in the middle of a selection: what was not reached is visible again.
func TestReplaySelectionInterrupted(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		w.put(dlqURL, 300)
		s := selected(t, engine(w), Choice{})
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		w.fault = func(op string) fault {
			if op == "send" && w.calls[op] == 3 {
				cancel()
			}
			return fault{}
		}
		rep, err := replayWith(ctx, engine(w), Replay{Selection: s, Concurrency: 2})
		left, hidden := w.bodies(dlqURL)
		sent, _ := w.bodies(srcURL)
		if !errors.Is(err, context.Canceled) || len(sent) != rep.Replayed || len(sent)+len(left) != 300 || hidden != 0 || len(sent) == 0 || len(left) == 0 {
			t.Errorf("%d sent, %d left, %d hidden, %v", len(sent), len(left), hidden, err)
		}
	})
}

// pace is when messages were sent, since it began.
func pace(w *world) *[]time.Duration {
	var at []time.Duration
	began := time.Now()
	w.onSend = func(string, *fakeMessage) { at = append(at, time.Since(began)) }
	return &at
}

// most is the largest number of times within any window.
func most(at []time.Duration, window time.Duration) int {
	n := 0
	for i, j := 0, 0; j < len(at); j++ {
		for at[j]-at[i] >= window {
			i++
		}
		n = max(n, j-i+1)
	}
	return n
}

func TestRate(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		rate  float64
		batch int // at once at most
		held  int // hidden at once at most
	}{{0.5, 1, 20}, {2, 1, 20}, {12, 2, 20}, {50, 10, 20}, {200, 10, 40}} {
		t.Run(fmt.Sprint(tt.rate), func(t *testing.T) {
			t.Parallel()
			bothWays(t, func(t *testing.T, selection bool) {
				w := newWorld()
				n := int(tt.rate * 20)
				w.put(dlqURL, n)
				r := Replay{Worker: orders(), All: true, Rate: tt.rate}
				if selection {
					r = Replay{Selection: selected(t, engine(w), Choice{}), Rate: tt.rate}
				}
				held := 0
				w.done = func(op string) {
					if op != "send" || selection {
						return
					}
					hidden := 0
					for _, m := range w.queue(dlqURL).messages {
						if m.visible.After(time.Now()) {
							hidden++
						}
					}
					held = max(held, hidden)
				}
				at := pace(w)
				rep, err := replayWith(t.Context(), engine(w), r)
				if err != nil || rep.Replayed != n {
					t.Fatalf("%+v %v", rep.Report, err)
				}
				took := (*at)[n-1].Seconds()
				if want := float64(n-tt.batch) / tt.rate; took < want*0.95 || took > want*1.05 {
					t.Errorf("%d took %.1f s, want %.1f", n, took, want)
				}
				if m, limit := most(*at, time.Second), int(tt.rate)+tt.batch; m > max(limit, 1) {
					t.Errorf("%d within a second, want %d", m, limit)
				}
				if m := most(*at, time.Millisecond); m > tt.batch {
					t.Errorf("%d at once, want %d", m, tt.batch)
				}
				if held > tt.held {
					t.Errorf("%d were hidden at once", held)
				}
				for _, m := range w.queue(dlqURL).messages {
					t.Errorf("%s is left", m.id)
				}
			})
		})
	}
}

// A deadline that a rate cannot keep is no success, and says what it is.
func TestRateAndADeadline(t *testing.T) {
	t.Parallel()
	bothWays(t, func(t *testing.T, selection bool) {
		w := newWorld()
		w.put(dlqURL, 60)
		r := Replay{Worker: orders(), All: true, Rate: 2}
		if selection {
			r = Replay{Selection: selected(t, engine(w), Choice{}), Rate: 2}
		}
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		rep, err := replayWith(ctx, engine(w), r)
		if !errors.Is(err, context.DeadlineExceeded) || rep.Replayed < 19 || rep.Replayed > 21 {
			t.Errorf("%d replayed, %v", rep.Replayed, err)
		}
		for _, p := range rep.Problems {
			if strings.Contains(p.Error, "%!") {
				t.Fatalf("%+v", p)
			}
		}
		left, hidden := w.bodies(dlqURL)
		if len(left)+rep.Replayed != 60 || hidden != 0 {
			t.Errorf("%d left, %d hidden", len(left), hidden)
		}
	})
}

// Of a message group nothing overtakes what was refused, however it is cut into
// batches.
func TestFIFOKeepsItsOrder(t *testing.T) {
	t.Parallel()
	for name, rate := range map[string]float64{"at once": 0, "slowly": 3} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w, worker := newWorld(), fifoWorker()
				w.put(worker.DLQ.URL, 30)
				for i, m := range w.queue(worker.DLQ.URL).messages {
					m.system["MessageGroupId"] = fmt.Sprintf("g%d", i/10)
				}
				w.refuse = func(body string) bool { return slices.Contains([]string{"job-3", "job-14"}, jobIDs([]string{body})[0]) }
				rep, err := replay(t, w, Replay{Worker: worker, All: true, Rate: rate})
				sent, _ := w.bodies(worker.Queue.URL)
				got := jobIDs(sent)
				slices.Sort(got)
				var want []string
				for _, i := range []int{1, 2, 11, 12, 13, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30} {
					want = append(want, fmt.Sprintf("job-%d", i))
				}
				slices.Sort(want)
				if !slices.Equal(got, want) || rep.Replayed != len(want) || err == nil {
					t.Errorf("sent %q, %d replayed, %v", got, rep.Replayed, err)
				}
			})
		})
	}
}
