package redrive

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func TestWatch(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		n, back, others int // messages, copies that die again, dead letters of others
		after           time.Duration
		least, most     time.Duration
	}{
		"none":            {n: 20, least: time.Minute, most: 65 * time.Second},
		"some":            {n: 20, back: 3, after: 10 * time.Second, least: time.Minute, most: 65 * time.Second},
		"among others":    {n: 20, back: 3, others: 50, after: 10 * time.Second, least: time.Minute, most: 65 * time.Second},
		"others only":     {n: 20, others: 50, least: time.Minute, most: 65 * time.Second},
		"all":             {n: 20, back: 20, after: 10 * time.Second, least: 10 * time.Second, most: 15 * time.Second},
		"all, and others": {n: 20, back: 20, others: 9, after: 10 * time.Second, least: 10 * time.Second, most: 15 * time.Second},
		"at once":         {n: 20, back: 20, least: 0, most: 5 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			bothWays(t, func(t *testing.T, selection bool) {
				w := newWorld()
				w.put(dlqURL, tt.n)
				died := 0
				w.consume(tt.after, func(*fakeMessage) bool {
					if died++; died == 1 {
						w.put(dlqURL, tt.others)
					}
					return died <= tt.back
				})
				r := Replay{Worker: orders(), All: true, Watch: time.Minute}
				if selection {
					r = Replay{Selection: selected(t, engine(w), Choice{}), Watch: time.Minute}
				}
				var states []string
				r.OnState = func(s string) { states = append(states, s) }
				began := time.Now()
				rep, err := replayWith(t.Context(), engine(w), r)
				d := time.Since(began)
				if rep.CameBack == nil || *rep.CameBack != tt.back || rep.Replayed != tt.n || (err == nil) != (tt.back == 0) {
					t.Errorf("%+v %v", rep.Report, err)
				}
				if err != nil && !strings.Contains(err.Error(), "came back") {
					t.Errorf("%v", err)
				}
				if d < tt.least || d > tt.most {
					t.Errorf("it took %v", d)
				}
				var back []string
				for _, p := range rep.Problems {
					if p.Status == StatusCameBack {
						back = append(back, p.ID)
					}
				}
				slices.Sort(back)
				if back = slices.Compact(back); len(back) != tt.back || tt.back > 0 && !strings.HasPrefix(back[0], "m-") {
					t.Errorf("these came back: %q", back)
				}
				left, hidden := w.bodies(dlqURL)
				if len(left) != tt.back+tt.others || hidden != 0 {
					t.Errorf("%d left, %d hidden", len(left), hidden)
				}
				for _, m := range w.queue(dlqURL).messages {
					if m.received > 3 {
						t.Errorf("%s was received %d times", m.id, m.received)
					}
				}
				if states[len(states)-1] != "" || !slices.ContainsFunc(states, func(s string) bool { return strings.HasPrefix(s, "watching for ") }) {
					t.Errorf("states %q", states)
				}
				time.Sleep(time.Minute)
			})
		})
	}
}

// Nobody watches: nothing is said of what came back.
func TestNoWatch(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		w.put(dlqURL, 5)
		rep, err := replay(t, w, Replay{Worker: orders(), All: true})
		if err != nil || rep.CameBack != nil {
			t.Errorf("%+v %v", rep.Report, err)
		}
	})
}

// Interrupted while it watches: everything was moved, and there is nothing to go on
// with.
func TestWatchInterrupted(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w, dir := newWorld(), t.TempDir()
		w.put(dlqURL, 20)
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		time.AfterFunc(10*time.Second, cancel)
		died := 0
		w.consume(time.Second, func(*fakeMessage) bool { died++; return died < 20 }) // not all come back
		rep, err := replayWith(ctx, journalled(w, dir), Replay{Worker: orders(), All: true, Watch: time.Minute})
		p, ok := errors.AsType[*PartialError](err)
		if !ok || !errors.Is(err, context.Canceled) || rep.Replayed != 20 {
			t.Fatalf("%+v %v", rep.Report, err)
		}
		if strings.Contains(err.Error(), "the rest is still there") {
			t.Errorf("there is no rest: %v", err)
		}
		if rep.Unfinished || p.Report.Unfinished {
			t.Errorf("unfinished: %+v", rep.Report)
		}
		if _, hidden := w.bodies(dlqURL); hidden != 0 {
			t.Errorf("%d hidden", hidden)
		}
		time.Sleep(time.Minute)
	})
}

// The last look cannot be made: that is said, and no number.
func TestWatchCannotSee(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		w.put(dlqURL, 20)
		began := time.Now()
		w.consume(time.Second, func(*fakeMessage) bool { return true })
		w.fault = func(op string) fault {
			if time.Since(began) > 500*time.Millisecond && op == "receive" {
				return fault{before: throttled()}
			}
			return fault{}
		}
		rep, err := replayWith(t.Context(), engine(w), Replay{Worker: orders(), All: true, Watch: 20 * time.Second})
		if rep.CameBack != nil || rep.Replayed != 20 || !strings.Contains(strings.Join(rep.Warnings, " "), "could not be read") || err != nil {
			t.Errorf("%+v %v", rep.Report, err)
		}
		time.Sleep(time.Minute)
	})
}
