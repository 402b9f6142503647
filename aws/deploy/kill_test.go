package deploy

import (
	"context"
	"errors"
	"maps"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// scenario is something that is done to a stage, and may be killed.
type scenario struct {
	before func(t *testing.T, w *world, s shop) // what was there
	do     func(ctx context.Context, w *world, s shop) error
}

func pushed(versions ...func(shop) shop) func(*testing.T, *world, shop) {
	return func(t *testing.T, w *world, s shop) {
		t.Helper()
		for _, v := range versions {
			if _, _, err := push(t.Context(), w, v(s), Confirmed{}, Options{}); err != nil {
				t.Fatal(err)
			}
		}
		w.queues[queueURL("shop-mail-test")] = 7 // jobs that wait
		w.queues[queueURL("shop-media-resize-dlq-test")] = 2
		w.queues[queueURL("shop-nightly-report-test")] = 3 // the group's that goes
	}
}

func first(s shop) shop { return s }

// full are the queues that have messages then.
func full() Confirmed {
	return Confirmed{Queues: []string{"shop-mail-test", "shop-media-resize-dlq-test", "shop-nightly-report-test"}}
}

func scenarios() map[string]scenario {
	return map[string]scenario{
		"the first push": {
			before: func(*testing.T, *world, shop) {},
			do: func(ctx context.Context, w *world, s shop) error {
				_, _, err := push(ctx, w, s, Confirmed{}, Options{})
				return err
			},
		},
		"the next push": {
			before: pushed(first),
			do: func(ctx context.Context, w *world, s shop) error {
				_, _, err := push(ctx, w, s.next(), Confirmed{Queues: []string{"shop-nightly-report-test"}}, Options{})
				return err
			},
		},
		"a push after one that could not be made": {
			before: func(t *testing.T, w *world, s shop) {
				w.breaks["WorkerMailFunction"] = "no"
				if _, _, err := push(t.Context(), w, s, Confirmed{}, Options{}); err == nil {
					t.Fatal("it was made")
				}
				delete(w.breaks, "WorkerMailFunction")
			},
			do: func(ctx context.Context, w *world, s shop) error {
				_, _, err := push(ctx, w, s, Confirmed{}, Options{})
				return err
			},
		},
		"a roll-back": {
			before: func(t *testing.T, w *world, s shop) {
				pushed(first)(t, w, s)
				delete(w.queues, queueURL("shop-nightly-report-test"))
				w.queues[queueURL("shop-nightly-report-test")] = 0
				if _, _, err := push(t.Context(), w, s.next(), Confirmed{}, Options{}); err != nil {
					t.Fatal(err)
				}
			},
			do: func(ctx context.Context, w *world, _ shop) error {
				d := newDeployer(w, Options{})
				p, err := d.PlanRollback(ctx, "shop", firstID(w))
				if err != nil {
					return err
				}
				_, err = d.Apply(ctx, p, Confirmed{})
				return err
			},
		},
		"a removal": {
			before: pushed(first),
			do: func(ctx context.Context, w *world, _ shop) error {
				d := newDeployer(w, Options{})
				p, err := d.PlanRemove(ctx, "shop")
				if errors.Is(err, ErrNotDeployed) && w.killed {
					return nil // it had finished
				}
				if err != nil {
					return err
				}
				_, err = d.Apply(ctx, p, full())
				return err
			},
		},
	}
}

// firstID is the id of the oldest deployment.
func firstID(w *world) string {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, key := range slices.Sorted(maps.Keys(w.objects)) {
		if id, ok := strings.CutPrefix(key, "shop/test/deployments/"); ok {
			return strings.TrimSuffix(id, ".json")
		}
	}
	return ""
}

// Whatever is killed at whichever call, before the call has its effect or after it, with or without
// time to say so: running the same again finishes the job, and no queue is lost that would
// not have been.
func TestKilledAtEveryCall(t *testing.T) {
	t.Parallel()
	for name, sc := range scenarios() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			base := newShop(t)
			var want string
			var lost map[string]int
			calls, before := 0, 0
			run := func(killAt int, after, hard bool) (killed bool) {
				synctest.Test(t, func(t *testing.T) {
					w := newWorld("test")
					sc.before(t, w, clone(base))
					time.Sleep(time.Minute)
					before = len(w.trace)
					ctx, cancel := context.WithCancel(t.Context())
					defer cancel()
					if killAt > 0 {
						w.killAt, w.after, w.hard, w.kill = before+killAt, after, hard, cancel
					}
					err := sc.do(ctx, w, clone(base))
					killed = w.killed
					if !killed {
						if err != nil {
							t.Fatalf("undisturbed: %v", err)
						}
						if want = w.state(); killAt == 0 {
							calls, lost = len(w.trace)-before, w.gone
						}
						return
					}
					begun := time.Now()
					w.hard = false
					if err == nil {
						t.Errorf("killed at call %d (%s): no error", killAt, w.trace[w.killAt-1])
					}
					if err := sc.do(t.Context(), w, clone(base)); err != nil {
						t.Errorf("killed at call %d (%s, after %v, hard %v): running it again: %v", killAt, w.trace[w.killAt-1], after, hard, err)
					}
					if got := w.state(); got != want {
						t.Errorf("killed at call %d (%s, after %v, hard %v): the end is\n%s\nwant\n%s", killAt, w.trace[w.killAt-1], after, hard, got, want)
					}
					for url, n := range w.gone {
						if lost[url] != n {
							t.Errorf("killed at call %d: queue %s is lost with %d messages", killAt, url, n)
						}
					}
					if took := time.Since(begun); took > 5*time.Minute {
						t.Errorf("killed at call %d: running it again took %s", killAt, took)
					}
				})
				return killed
			}
			run(0, false, false)
			if calls < 10 {
				t.Fatalf("only %d calls", calls)
			}
			for n := 1; ; n++ {
				killed := run(n, false, true)
				killed = run(n, true, true) || killed
				killed = run(n, true, false) || killed
				if !killed {
					break
				}
			}
		})
	}
}

func clone(s shop) shop {
	s.versions, s.groups, s.secrets = maps.Clone(s.versions), maps.Clone(s.groups), maps.Clone(s.secrets)
	return s
}

// Ctrl-C comes back at once, and says what goes on without it.
func TestInterrupted(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	synctest.Test(t, func(t *testing.T) {
		w := newWorld("test")
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		w.during = func(op string) {
			if op == "ExecuteChangeSet" {
				time.AfterFunc(2500*time.Millisecond, cancel)
			}
		}
		begun := time.Now()
		_, res, err := push(ctx, w, s, Confirmed{}, Options{})
		if _, ok := errors.AsType[*InterruptedError](err); !ok || !errors.Is(err, context.Canceled) {
			t.Fatalf("err = %v", err)
		}
		if want := "interrupted: CloudFormation goes on with stack shop-media-test by itself; running the same again waits for it and finishes the job"; err.Error() != want {
			t.Errorf("says %q", err)
		}
		if res.Deployment.Outcome != Interrupted || time.Since(begun) > 10*time.Second {
			t.Errorf("result %+v after %s", res, time.Since(begun))
		}
		p, err := newDeployer(w, Options{}).Plan(t.Context(), s.input())
		if err != nil {
			t.Fatal(err)
		}
		if !p.Stacks[0].Waits || !strings.Contains(strings.Join(p.Notes, "\n"), "stack shop-media-test is CREATE_IN_PROGRESS: a deployment is under way, which is waited for") {
			t.Errorf("plan %+v", p)
		}
	})
}
