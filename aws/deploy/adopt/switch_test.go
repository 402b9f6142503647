package adopt_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/microfox-ai/aiwctl/aws/deploy/adopt"
	"github.com/microfox-ai/aiwctl/aws/deploy/project"
)

// push is what package deploy does around an Adoption.
func push(t *testing.T, a *account, p *project.Project, o adopt.Options) error {
	t.Helper()
	ad, err := adopt.Prepare(t.Context(), a, a, p, o)
	if err != nil {
		return err
	}
	if _, err := adopt.GiveBack(t.Context(), a, a, ad.Released, o); err != nil {
		return err
	}
	if err := ad.Fit(t.Context()); err != nil {
		return err
	}
	if err := a.deploy(t, p); err != nil {
		return err
	}
	if ad.Pending() {
		if err := ad.Switch(t.Context()); err != nil {
			return err
		}
		if err := a.deploy(t, p); err != nil {
			return err
		}
	}
	return ad.Verify(t.Context())
}

// old and ours are the functions of worker echo.
const old, ours = "p-x-prod-workerEcho", "p-x-prod-workerEcho-go"

func TestTheSwitch(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		a := newAccount()
		a.typescript("p-x", "echo")
		a.queues["p-x-echo-prod"]["VisibilityTimeout"] = "30"
		p := of(worker("echo", "default"))
		var events []string
		err := push(t, a, p, adopt.Options{All: true, OnEvent: func(s string) { events = append(events, s) }})
		if err != nil {
			t.Fatal(err)
		}
		want := []string{
			"set p-x-echo-prod VisibilityTimeout=1800",
			"deploy p-x-prod-aiwctl",
			ours + " Disabled",
			"enable uuid-" + old + ": false",
			old + " Disabled",
			`set p-x-echo-prod RedrivePolicy={"deadLetterTargetArn":"arn:aws:sqs:eu-west-1:111122223333:p-x-echo-dlq-prod","maxReceiveCount":3}`,
			"deploy p-x-prod-aiwctl",
			ours + " Enabled",
		}
		if !slices.Equal(a.log, want) {
			t.Errorf("done:\n%s\nwant:\n%s", strings.Join(a.log, "\n"), strings.Join(want, "\n"))
		}
		if !slices.Equal(events, []string{`worker "echo": disabling the mapping of function ` + old, "queue p-x-echo-prod: the mapping is disabling"}) {
			t.Errorf("events %q", events)
		}

		// Pushed again, without --adopt: nothing is left to do, and it is known whose the queue is.
		a.log = nil
		again := of(worker("echo", "default"))
		got := prepared(t, a, again, adopt.Options{})
		if len(got.Steps) > 0 || got.Pending() || !again.Adopted["echo"].Live || again.StackSuffix != "-aiwctl" || len(got.Warnings) != 1 {
			t.Errorf("steps %q, warnings %v, adopted %+v", steps(got), got.Warnings, again.Adopted)
		}
		if got.Fit(t.Context()) != nil || got.Switch(t.Context()) != nil || len(a.log) > 0 {
			t.Errorf("written again: %q", a.log)
		}
	})
}

// Killed before any write, and run again with the same words: it finishes, the two functions
// never read the queue at the same time, and ours is never enabled before the old one is off.
func TestASwitchThatIsKilledIsFinishedByTheNextPush(t *testing.T) {
	t.Parallel()
	for dieAt := 1; ; dieAt++ {
		finished := false
		synctest.Test(t, func(t *testing.T) {
			a := newAccount()
			a.typescript("p-x", "echo")
			a.queues["p-x-echo-prod"]["VisibilityTimeout"] = "30"
			a.dieAt = dieAt
			err := push(t, a, of(worker("echo", "default")), adopt.Options{All: true})
			if finished = err == nil; finished {
				return
			}
			if !errors.Is(err, errKilled) {
				t.Fatalf("killed at write %d: %v", dieAt, err)
			}
			if r := a.readers("p-x-echo-prod"); len(r) > 1 {
				t.Errorf("killed at write %d: %q read the queue", dieAt, r)
			}
			a.dieAt = 0
			p := of(worker("echo", "default"))
			if err := push(t, a, p, adopt.Options{All: true}); err != nil {
				t.Fatalf("after a kill at write %d: %v", dieAt, err)
			}
			if r := a.readers("p-x-echo-prod"); !slices.Equal(r, []string{ours}) || !p.Adopted["echo"].Live {
				t.Errorf("after a kill at write %d: %q read the queue", dieAt, r)
			}
			off, on := slices.Index(a.log, old+" Disabled"), slices.Index(a.log, ours+" Enabled")
			if off < 0 || on < off {
				t.Errorf("after a kill at write %d:\n%s", dieAt, strings.Join(a.log, "\n"))
			}
			if !strings.Contains(a.queues["p-x-echo-prod"]["RedrivePolicy"], `"maxReceiveCount":3`) {
				t.Errorf("after a kill at write %d: %s", dieAt, a.queues["p-x-echo-prod"]["RedrivePolicy"])
			}
		})
		if finished {
			if dieAt < 5 {
				t.Errorf("there are only %d writes", dieAt-1)
			}
			return
		}
	}
}

// Once our stack is there it is remembered, and --adopt need not be said again.
func TestASwitchIsFinishedWithoutAdopt(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		a := newAccount()
		a.typescript("p-x", "echo")
		a.dieAt = 2 // the first deployment, and then nothing
		if err := push(t, a, of(worker("echo", "default")), adopt.Options{All: true}); !errors.Is(err, errKilled) {
			t.Fatal(err)
		}
		if r := a.readers("p-x-echo-prod"); !slices.Equal(r, []string{old}) {
			t.Fatalf("%q read the queue", r)
		}
		a.dieAt = 0
		if err := push(t, a, of(worker("echo", "default")), adopt.Options{}); err != nil {
			t.Fatal(err)
		}
		if r := a.readers("p-x-echo-prod"); !slices.Equal(r, []string{ours}) {
			t.Errorf("%q read the queue", r)
		}
	})
}

// Somebody deploys the TypeScript stage again, and its mapping is on: the next push says so and
// disables it.
func TestAnOldMappingThatIsBackIsDisabledAgain(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		a, p := taken(t)
		a.mappings[0].state = "Enabled"
		a.mappings = append(a.mappings, &mapping{"uuid-x", "p-x-echo-prod", "somebody", "Enabled"})
		ad := prepared(t, a, p, adopt.Options{})
		if err := ad.Verify(t.Context()); err == nil || !strings.Contains(err.Error(), "function "+old+" reads queue p-x-echo-prod as well") || !strings.Contains(err.Error(), "push again") {
			t.Errorf("Verify: %v", err)
		}
		if !ad.Pending() || len(ad.Steps) != 2 || !slices.Contains(p.Adopted["echo"].Mappings, "uuid-x") {
			t.Errorf("pending %v, steps %q, mappings %q", ad.Pending(), steps(ad), p.Adopted["echo"].Mappings)
		}
		if err := push(t, a, p, adopt.Options{}); err != nil {
			t.Fatal(err)
		}
		if r := a.readers("p-x-echo-prod"); !slices.Equal(r, []string{ours}) {
			t.Errorf("%q read the queue", r)
		}
	})
}

// taken is an account in which echo was taken over.
func taken(t *testing.T) (*account, *project.Project) {
	t.Helper()
	a := newAccount()
	a.typescript("p-x", "echo")
	p := of(worker("echo", "default"))
	if err := push(t, a, p, adopt.Options{All: true}); err != nil {
		t.Fatal(err)
	}
	a.log = nil
	return a, of(worker("echo", "default"))
}

// The worker's timeout grows after it was taken over: Lambda would refuse the mapping.
func TestAnAdoptedQueueFollowsItsWorker(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		a, p := taken(t)
		w := &p.Programs[0].Manifest.Workers[0]
		w.TimeoutSeconds, w.SQS.VisibilityTimeoutSeconds, w.SQS.MaxReceiveCount = 900, 5400, 5
		if err := push(t, a, p, adopt.Options{}); err != nil {
			t.Fatal(err)
		}
		if a.log[0] != `set p-x-echo-prod RedrivePolicy={"deadLetterTargetArn":"arn:aws:sqs:eu-west-1:111122223333:p-x-echo-dlq-prod","maxReceiveCount":5} VisibilityTimeout=5400` {
			t.Errorf("%q", a.log)
		}
		if was := p.Adopted["echo"].Was; was == nil || was.MaxReceiveCount != 1 {
			t.Errorf("what it was at first is forgotten: %+v", was)
		}
	})
}

// Removed with its queues retained, the TypeScript stack owns them no more, and ours goes on.
func TestAStackThatIsGoneAndHasLeftItsQueues(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		a, p := taken(t)
		delete(a.stacks, "p-x-prod")
		delete(a.functions, old)
		a.mappings = slices.DeleteFunc(a.mappings, func(m *mapping) bool { return m.function == old })
		ad := prepared(t, a, p, adopt.Options{})
		if len(ad.Warnings)+len(ad.Steps) > 0 || p.Adopted["echo"].Stack != "" || !p.Adopted["echo"].Live || p.StackSuffix != "-aiwctl" {
			t.Errorf("warnings %v, steps %q, adopted %+v", ad.Warnings, steps(ad), p.Adopted)
		}
	})
}

func TestAnAdoptedQueueThatIsGone(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		a, p := taken(t)
		// The TypeScript stack is removed with all it had.
		delete(a.stacks, "p-x-prod")
		clear(a.queues)
		delete(a.functions, old)
		a.mappings = nil
		ad := prepared(t, a, p, adopt.Options{})
		if len(p.Adopted) > 0 || !strings.Contains(ad.Warnings.Error(), "queue p-x-echo-prod, which it had adopted, is gone: it gets queues of its own") || p.StackSuffix != "-aiwctl" {
			t.Errorf("adopted %+v, warnings %v, suffix %q", p.Adopted, ad.Warnings, p.StackSuffix)
		}
	})
}

// A worker leaves the code: the function that had its queue before gets it back first.
func TestAReleasedWorkerIsGivenBack(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		a, _ := taken(t)
		p := of(worker("new", "default"))
		ad := prepared(t, a, p, adopt.Options{})
		if len(ad.Released) != 1 || !strings.Contains(ad.Warnings.Error(), `worker "echo" is no longer in the code`) {
			t.Fatalf("released %+v, warnings %v", ad.Released, ad.Warnings)
		}
		if err := push(t, a, p, adopt.Options{}); err != nil {
			t.Fatal(err)
		}
		if r := a.readers("p-x-echo-prod"); !slices.Equal(r, []string{old}) {
			t.Errorf("%q read the queue", r)
		}
	})
}

// The code drops a group whose worker has adopted its queue, or has the worker elsewhere.
func TestAGroupThatGoes(t *testing.T) {
	t.Parallel()
	service := project.GroupService("p-x", "billing")
	queue, before := service+"-bill-prod", project.FunctionName(service, "prod", "bill", false)
	for name, row := range map[string]struct {
		code   *project.Project
		reader string
	}{
		"with its worker": {of(worker("echo", "default")), before},
		"to another one":  {of(worker("echo", "default"), worker("bill", "default")), project.FunctionName("p-x", "prod", "bill", true)},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				a := newAccount()
				a.typescript("p-x", "echo")
				a.typescript(service, "bill")
				if err := push(t, a, of(worker("echo", "default"), worker("bill", "billing")), adopt.Options{All: true}); err != nil {
					t.Fatal(err)
				}
				if r := a.readers(queue); !slices.Equal(r, []string{before + "-go"}) || len(a.stackNames()) != 2 {
					t.Fatalf("%q read the queue; stacks %q", r, a.stackNames())
				}
				if err := push(t, a, row.code, adopt.Options{Stacks: a.stackNames()}); err != nil {
					t.Fatal(err)
				}
				if r := a.readers(queue); !slices.Equal(r, []string{row.reader}) {
					t.Errorf("%q read the queue, want %s", r, row.reader)
				}
				for _, m := range row.code.Adopted["bill"].Mappings {
					if m != "uuid-"+before {
						t.Errorf("it would be given back to %s", m)
					}
				}
			})
		})
	}
}

func TestGiveBack(t *testing.T) {
	t.Parallel()
	for dieAt := 1; ; dieAt++ {
		finished := false
		synctest.Test(t, func(t *testing.T) {
			a, _ := taken(t)
			adopted, err := adopt.Load(t.Context(), a, "p-x-prod-aiwctl", "p-x-nothing-prod")
			if err != nil || len(adopted) != 1 {
				t.Fatalf("%+v, %v", adopted, err)
			}
			plan := adopt.PlanGiveBack("echo", adopted["echo"])
			if len(plan) != 3 || plan[2].Text != "enable the mapping by which function "+old+" has read it" {
				t.Errorf("plan %+v", plan)
			}
			a.dieAt = dieAt
			_, err = adopt.GiveBack(t.Context(), a, a, adopted, adopt.Options{})
			if finished = err == nil; !finished && !errors.Is(err, errKilled) {
				t.Fatal(err)
			}
			a.dieAt = 0
			if notes, err := adopt.GiveBack(t.Context(), a, a, adopted, adopt.Options{}); err != nil || len(notes) > 0 {
				t.Fatalf("after a kill at write %d: %q, %v", dieAt, notes, err)
			}
			if r := a.readers("p-x-echo-prod"); !slices.Equal(r, []string{old}) {
				t.Errorf("%q read the queue", r)
			}
			if off, on := slices.Index(a.log, ours+" Disabled"), slices.Index(a.log, old+" Enabled"); off < 0 || on < off {
				t.Errorf("killed at write %d:\n%s", dieAt, strings.Join(a.log, "\n"))
			}
			if !strings.Contains(a.queues["p-x-echo-prod"]["RedrivePolicy"], `"maxReceiveCount":1`) {
				t.Errorf("the queue is not as it was: %v", a.queues["p-x-echo-prod"])
			}
		})
		if finished {
			return
		}
	}
}

// Where there is nothing to go back to, it is said, and ours goes on until it is removed.
func TestGiveBackToNobody(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		a, _ := taken(t)
		adopted, err := adopt.Load(t.Context(), a, "p-x-prod-aiwctl")
		if err != nil {
			t.Fatal(err)
		}
		a.mappings = slices.DeleteFunc(a.mappings, func(m *mapping) bool { return m.function == old })
		notes, err := adopt.GiveBack(t.Context(), a, a, adopted, adopt.Options{})
		if err != nil || len(notes) != 1 || !strings.Contains(notes[0], "nobody reads the queue once ours is removed") || len(a.log) > 0 {
			t.Errorf("%q, %v, written %q", notes, err, a.log)
		}
		clear(a.queues)
		if notes, err := adopt.GiveBack(t.Context(), a, a, adopted, adopt.Options{}); err != nil || !strings.Contains(fmt.Sprint(notes), "is gone: there is nothing to give back") {
			t.Errorf("%q, %v", notes, err)
		}
		none := adopted["echo"]
		none.Mappings = nil
		if plan := adopt.PlanGiveBack("echo", none); len(plan) != 1 || !strings.Contains(plan[0].Text, "nobody reads it") {
			t.Errorf("plan %+v", plan)
		}
	})
}

// The old mapping stays on while ours is not there: somebody must read the queue.
func TestTheOldMappingStaysUntilOursIsThere(t *testing.T) {
	t.Parallel()
	a := newAccount()
	a.typescript("p-x", "echo")
	ad := prepared(t, a, of(worker("echo", "default")), adopt.Options{All: true})
	err := ad.Switch(t.Context())
	if err == nil || !strings.Contains(err.Error(), "the old one was left enabled: push again") || len(a.log) > 0 {
		t.Errorf("%v, written %q", err, a.log)
	}
}

func TestPatienceWithLambda(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		a := newAccount()
		a.typescript("p-x", "echo")
		a.busy = 3 // Lambda is still changing the mapping
		if err := push(t, a, of(worker("echo", "default")), adopt.Options{All: true}); err != nil {
			t.Fatal(err)
		}

		// A mapping that never comes on.
		a, p := taken(t)
		stuck := a.mappings[1]
		stuck.state = "Updating"
		start := time.Now()
		err := prepared(t, a, p, adopt.Options{Patience: time.Minute}).Verify(t.Context())
		if err == nil || !strings.Contains(err.Error(), "it is still updating after 1m0s: push again, which goes on from here") || time.Since(start) > 2*time.Minute {
			t.Errorf("%v after %s", err, time.Since(start))
		}
		ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
		defer cancel()
		if err := prepared(t, a, p, adopt.Options{}).Verify(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("interrupted: %v", err)
		}
	})
}

// The TypeScript system renames what it has when a group is added; each worker is taken over
// under the name that its queue has.
func TestSeveralWorkersOneAfterAnother(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		a := newAccount()
		a.typescript("p-x", "echo")
		a.typescript("p-x", "video")
		// First echo alone; video is not written in Go yet.
		if err := push(t, a, of(worker("echo", "default")), adopt.Options{Adopt: []adopt.Request{{Worker: "echo"}}}); err != nil {
			t.Fatal(err)
		}
		if r := a.readers("p-x-video-prod"); !slices.Equal(r, []string{"p-x-prod-workerVideo"}) {
			t.Errorf("%q read video's queue", r)
		}
		// Then video; without --adopt it is refused, and echo is not in the way any more.
		both := of(worker("echo", "default"), worker("video", "default"))
		if text := refused(t, clone(a), both, adopt.Options{}); !strings.Contains(text, "--adopt video") || strings.Contains(text, "echo") {
			t.Error(text)
		}
		if err := push(t, a, both, adopt.Options{Adopt: []adopt.Request{{Worker: "video"}}}); err != nil {
			t.Fatal(err)
		}
		for q, want := range map[string]string{"p-x-echo-prod": ours, "p-x-video-prod": "p-x-prod-workerVideo-go"} {
			if r := a.readers(q); !slices.Equal(r, []string{want}) {
				t.Errorf("%q read %s", r, q)
			}
		}
		if got := slices.Sorted(maps.Keys(both.Adopted)); !slices.Equal(got, []string{"echo", "video"}) {
			t.Errorf("adopted %q", got)
		}
	})
}

// clone is the account with an empty log.
func clone(a *account) *account {
	b := *a
	b.log = nil
	return &b
}
