package deploy

import (
	"context"
	"testing"
	"testing/synctest"
	"time"
)

// A deployment that was killed is under way while CloudFormation is, and then was interrupted; one
// that runs elsewhere is waited for.
func TestStatusOfAKilledDeployment(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	synctest.Test(t, func(t *testing.T) {
		w := newWorld("test")
		if _, _, err := push(t.Context(), w, s, Confirmed{}, Options{}); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Minute)
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		w.kill, w.hard = cancel, true
		w.during = func(op string) {
			if op == "ExecuteChangeSet" {
				time.AfterFunc(2500*time.Millisecond, func() {
					w.mu.Lock()
					defer w.mu.Unlock()
					w.killed = true
					cancel()
				})
			}
		}
		if _, _, err := push(ctx, w, clone(s).next(), Confirmed{}, Options{}); err == nil {
			t.Fatal("not killed")
		}
		w.during, w.hard = nil, false
		d := newDeployer(w, Options{})
		st, err := d.Status(t.Context(), "shop", 0)
		if err != nil {
			t.Fatal(err)
		}
		media := st.Stacks[0]
		if st.Deployments[0].Outcome != Begun || media.Settled || media.Status != "UPDATE_IN_PROGRESS" || len(media.Events) == 0 || media.Events[0].Status != "UPDATE_IN_PROGRESS" || media.Group != "media" {
			t.Errorf("status %+v, of stack %+v", st.Deployments[0], media)
		}
		if st.Current == nil || st.Current.ID != st.Deployments[1].ID {
			t.Errorf("current %+v", st.Current)
		}
		time.Sleep(time.Hour)
		if st, err = d.Status(t.Context(), "shop", 0); err != nil || st.Deployments[0].Outcome != Interrupted || !st.Stacks[0].Settled {
			t.Errorf("status %+v, %v", st, err)
		}

		// Pushing what is deployed in part completes it.
		p, res, err := push(t.Context(), w, clone(s).next(), Confirmed{}, Options{})
		if err != nil || p.Stacks[0].Action != Keep || p.Stacks[1].Action != Update || res.Deployment.Outcome != Done {
			t.Errorf("plan %+v, result %+v, %v", p, res, err)
		}

		// All is deployed and the end is not on record: it is put there, and nothing else is done.
		newest := d.bucket(account)
		recs, err := d.records(t.Context(), newest, "shop", "test")
		if err != nil {
			t.Fatal(err)
		}
		delete(w.objects, recs.keys[len(recs.keys)-1])
		w.trace = nil
		p, res, err = push(t.Context(), w, clone(s).next(), Confirmed{}, Options{})
		if err != nil || p.Nothing() || res.Deployment.Outcome != Done || w.count("CreateChangeSet") != 0 {
			t.Errorf("plan %+v, result %+v, %v", p, res, err)
		}
	})
}

// Two who push at once: the second waits, and is told that what it planned for is no more.
func TestTwoAtOnce(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	synctest.Test(t, func(t *testing.T) {
		w := newWorld("test")
		if _, _, err := push(t.Context(), w, s, Confirmed{}, Options{}); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Minute)
		done := make(chan error)
		go func() {
			_, _, err := push(t.Context(), w, clone(s).next(), Confirmed{}, Options{})
			done <- err
		}()
		time.Sleep(5 * time.Second)
		other := clone(s)
		other.versions["resize"] = "9"
		p, err := newDeployer(w, Options{}).Plan(t.Context(), other.input())
		if err != nil || !p.Stacks[0].Waits || p.Nothing() {
			t.Fatalf("plan %+v, %v", p, err)
		}
		if err := <-done; err != nil {
			t.Errorf("the first: %v", err)
		}
	})
}
