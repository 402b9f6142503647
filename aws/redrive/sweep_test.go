package redrive

import (
	"context"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
)

// unanswered is what the SDK says of a call that was not answered in time.
func unanswered() error { return context.DeadlineExceeded }

// The depth that SQS tells is approximate, or old: what is there is found all the
// same, and a look is not called complete that is not.
func TestSweepWithAWrongDepth(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		n     int
		depth func(call, visible, hidden int) (int, int)
		says  int // what the first depth said
	}{
		"too low":             {n: 95, says: 30, depth: func(call, v, h int) (int, int) { return pick(call == 1, 30, v), h }},
		"too high":            {n: 35, says: 200, depth: func(_, v, h int) (int, int) { return v + 165, h }},
		"far too high":        {n: 3, says: 5003, depth: func(_, v, h int) (int, int) { return v + 5000, h }},
		"zero at first":       {n: 35, says: 0, depth: func(call, v, h int) (int, int) { return pick(call == 1, 0, v), pick(call == 1, 0, h) }},
		"zero":                {n: 35, says: 0, depth: func(int, int, int) (int, int) { return 0, 0 }},
		"zero, and it is so":  {n: 0, says: 0, depth: func(int, int, int) (int, int) { return 0, 0 }},
		"of a moment ago":     {n: 95, says: 95, depth: func(_, _, _ int) (int, int) { return 95, 0 }},
		"not one was counted": {n: 1, says: 0, depth: func(int, int, int) (int, int) { return 0, 0 }},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w := newWorld()
				want := w.put(dlqURL, tt.n)
				call := 0
				w.depth = func(_ string, visible, hidden int) (int, int) { call++; return tt.depth(call, visible, hidden) }
				began := time.Now()
				got, err := engine(w).Peek(t.Context(), orders(), 0)
				if err != nil {
					t.Fatal(err)
				}
				var seen []string
				for _, l := range got.Letters {
					seen = append(seen, l.ID)
				}
				if !slices.Equal(seen, want) || got.Depth.Visible != tt.says {
					t.Errorf("%d of %d seen, depth %+v", len(seen), tt.n, got.Depth)
				}
				if complete := tt.n >= tt.says; got.Complete != complete || (len(got.Warnings) > 0) == complete {
					t.Errorf("complete %v, %q", got.Complete, got.Warnings)
				}
				if d := time.Since(began); d > 6*time.Second {
					t.Errorf("it took %v", d)
				}
			})
		})
	}
}

func pick(first bool, a, b int) int {
	if first {
		return a
	}
	return b
}

// No worker asks for what another has: ten thousand messages are a thousand
// receives, and few more.
func TestSweepAsksForNoMoreThanItNeeds(t *testing.T) {
	t.Parallel()
	const n = 10_000
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		w.put(dlqURL, n)
		w.fault = func(string) fault { w.delay(time.Millisecond); return fault{} }
		began := time.Now()
		s := selected(t, engine(w), Choice{})
		if s.Count != n || !s.Complete || w.calls["receive"] > n/10+5 || w.calls["attributes"] > 5 {
			t.Errorf("%d seen, %v", s.Count, w.calls)
		}
		if d := time.Since(began); d > 3*time.Second {
			t.Errorf("it took %v: a worker waited for what another had", d)
		}
		w.fault = nil
		if err := s.Release(t.Context()); err != nil || w.calls["visibility"] != n/10 {
			t.Errorf("%v, %v", w.calls, err)
		}
	})
	synctest.Test(t, func(t *testing.T) {
		const n = n / 5
		w := newWorld()
		w.put(dlqURL, n)
		rep, err := engine(w).Replay(t.Context(), Replay{Worker: orders(), All: true})
		if err != nil || rep.Replayed != n || w.calls["receive"] > n/10+5 || w.calls["send"] != n/10 || w.calls["delete"] != n/10 || w.calls["visibility"] > 0 {
			t.Errorf("streaming: %d replayed, %v, %v", rep.Replayed, w.calls, err)
		}
	})
}

// SQS has no room for more messages in flight: that is no failure, and not all.
func TestSweepOverLimit(t *testing.T) {
	t.Parallel()
	bothWays(t, func(t *testing.T, selection bool) {
		w := newWorld()
		w.put(dlqURL, 300)
		w.fault = func(op string) fault {
			if op == "receive" && w.calls[op] > 12 {
				return fault{before: &types.OverLimit{}}
			}
			return fault{}
		}
		if selection {
			s := selected(t, engine(w), Choice{})
			if s.Count != 120 || s.Complete || !strings.Contains(strings.Join(s.Warnings, " "), "120 messages of \"orders-dlq\" are in flight: SQS allows no more") {
				t.Errorf("%d chosen, complete %v, %q", s.Count, s.Complete, s.Warnings)
			}
			if err := s.Release(t.Context()); err != nil {
				t.Error(err)
			}
		} else {
			rep, err := replay(t, w, Replay{Worker: orders(), All: true})
			if err == nil || rep.Replayed != 120 || rep.Unseen != 180 {
				t.Errorf("%+v %v", rep.Report, err)
			}
		}
		if hidden := w.hiddenIDs(dlqURL); len(hidden) != 0 {
			t.Errorf("%d stay hidden", len(hidden))
		}
	})
}

// The answer to a receive was lost: what it hid is waited for, until its lease has
// ended and no longer.
func TestSweepWaitsForALostAnswer(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		lose     int // which receive's answer
		stolen   bool
		at, most time.Duration
	}{
		"the first":              {lose: 1, at: 29 * time.Second, most: 34 * time.Second},
		"the last":               {lose: 5, at: 29 * time.Second, most: 34 * time.Second},
		"of nothing":             {lose: 6, most: 5 * time.Second},
		"somebody else's by now": {lose: 2, stolen: true, at: 29 * time.Second, most: 36 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w := newWorld()
				w.put(dlqURL, 45)
				w.fault = func(op string) fault {
					if op != "receive" || w.calls[op] != tt.lose {
						return fault{}
					}
					if tt.stolen {
						q := w.queue(dlqURL)
						q.messages[len(q.messages)-1].visible = time.Now().Add(time.Hour)
					}
					return fault{after: unanswered()}
				}
				began := time.Now()
				rep, err := replay(t, w, Replay{Worker: orders(), All: true, Concurrency: 1})
				d := time.Since(began)
				if want := 45 - boolInt(tt.stolen); rep.Replayed != want || rep.Unseen != 45-want || (err == nil) == tt.stolen {
					t.Errorf("%+v %v", rep.Report, err)
				}
				if d < tt.at || d > tt.most {
					t.Errorf("it took %v", d)
				}
			})
		})
	}
	// A look hides for longer.
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		w.put(dlqURL, 45)
		w.fault = func(op string) fault {
			if op == "receive" && w.calls[op] == 3 {
				return fault{after: unanswered()}
			}
			return fault{}
		}
		began := time.Now()
		got, err := engine(w).Peek(t.Context(), orders(), 0)
		if d := time.Since(began); err != nil || len(got.Letters) != 45 || !got.Complete || d < 59*time.Second || d > 64*time.Second {
			t.Errorf("%d letters after %v, %v", len(got.Letters), d, err)
		}
	})
}

// What others hide is not waited for.
func TestSweepDoesNotWaitForOthers(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		w.put(dlqURL, 45)
		for _, m := range w.queue(dlqURL).messages[:20] {
			m.visible = time.Now().Add(20 * time.Second)
		}
		began := time.Now()
		rep, err := replay(t, w, Replay{Worker: orders(), All: true})
		if d := time.Since(began); rep.Replayed != 25 || rep.Unseen != 20 || err == nil || d > 5*time.Second {
			t.Errorf("%+v after %v, %v", rep.Report, d, err)
		}
	})
}
