package deploy

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// What CloudFormation could not do is told with its first cause, and the next push goes on from there.
func TestStackFails(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	synctest.Test(t, func(t *testing.T) {
		w := newWorld("test")
		w.breaks["WorkerMailFunction"] = "The role cannot be assumed\x1b[2J"
		_, res, err := push(t.Context(), w, s, Confirmed{}, Options{})
		want := "stack shop-test is ROLLBACK_COMPLETE: WorkerMailFunction (AWS::Lambda::Function) of worker mail: The role cannot be assumed [2J: " +
			"nothing of it is in use: put right what failed, and push again, which makes it anew"
		if failed, ok := errors.AsType[*StackError](err); !ok || err.Error() != want || failed.RolledBack {
			t.Fatalf("err =\n%v\nwant\n%s", err, want)
		}
		if res.Deployment.Outcome != Failed || res.Deployment.Error != want {
			t.Errorf("record %+v", res.Deployment)
		}
		st, err := newDeployer(w, Options{}).Status(t.Context(), "shop", 0)
		if err != nil || st.Current != nil || st.Stacks[2].Good || !st.Stacks[2].Settled {
			t.Fatalf("status %+v, %v", st, err)
		}
		if ev := st.Stacks[2].Events; len(ev) == 0 || !slices.ContainsFunc(ev, func(e Event) bool { return e.Failed() && e.Worker == "mail" }) {
			t.Errorf("events %+v", ev)
		}
		delete(w.breaks, "WorkerMailFunction")
		p, _, err := push(t.Context(), w, s, Confirmed{}, Options{})
		if err != nil || p.Stacks[2].Action != Replace || p.Stacks[0].Action != Keep {
			t.Fatalf("the next push: %v, %+v", err, p)
		}
		if want := "stack shop-test is ROLLBACK_COMPLETE: it was never made whole; what is left of it is deleted, and it is made anew"; !slices.Contains(p.Notes, want) {
			t.Errorf("notes %q", p.Notes)
		}

		// An update that fails leaves what was.
		before := w.named("shop-test").template
		w.breaks["WorkerBillQueue"] = "Queue limit"
		_, _, err = push(t.Context(), w, clone(s).next(), Confirmed{}, Options{})
		want = "stack shop-test is UPDATE_ROLLBACK_COMPLETE: WorkerBillQueue (AWS::SQS::Queue) of worker bill: Queue limit; it is again what it was before: put right what failed, and push again"
		if failed, ok := errors.AsType[*StackError](err); !ok || err.Error() != want || !failed.RolledBack || w.named("shop-test").template != before {
			t.Fatalf("err =\n%v\nwant\n%s", err, want)
		}
		// The group that was to go is still there: stacks that go are deleted last.
		if w.named("shop-nightly-test") == nil {
			t.Error("the group is gone although the base stack failed")
		}

		// Rolling back after it goes to the last deployment that was done, not to the one before.
		d := newDeployer(w, Options{})
		p, err = d.PlanRollback(t.Context(), "shop", "")
		if err != nil || p.To != p.From || p.Stacks[0].Action != Update {
			t.Fatalf("plan %+v, %v", p, err)
		}
		if _, err := d.Apply(t.Context(), p, Confirmed{}); err != nil {
			t.Fatal(err)
		}
		// All but the secret is as it was.
		if p, err = d.Plan(t.Context(), s.input()); err != nil || p.Nothing() || slices.ContainsFunc(p.Stacks, func(s StackPlan) bool { return s.Action != Keep }) || p.Secrets[0].Action != Update {
			t.Errorf("after the roll-back: %+v, %v", p, err)
		}

		// A roll-back that fails is gone on with when a person agrees.
		w.breaks["rollback"] = "Internal failure"
		if _, _, err = push(t.Context(), w, clone(s).next(), Confirmed{}, Options{}); err == nil || !strings.HasSuffix(err.Error(), "see to the cause, and have the roll-back continued (--continue-rollback)") {
			t.Fatalf("err = %v", err)
		}
		w.breaks = map[string]string{}
		_, _, err = push(t.Context(), w, clone(s).next(), Confirmed{ContinueRollback: true, SkipResources: map[string][]string{"shop-test": {"WorkerBillQueue"}}}, Options{})
		if err != nil || w.count("ContinueUpdateRollback WorkerBillQueue") != 1 || w.named("shop-test").status != "UPDATE_COMPLETE" {
			t.Fatalf("err = %v", err)
		}
	})
}

func TestRollback(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	synctest.Test(t, func(t *testing.T) {
		w := newWorld("test")
		step := func(s shop) string {
			t.Helper()
			_, res, err := push(t.Context(), w, s, Confirmed{}, Options{})
			if err != nil {
				t.Fatal(err)
			}
			time.Sleep(time.Minute)
			return res.Deployment.ID
		}
		back := func(id string) *Plan {
			t.Helper()
			d := newDeployer(w, Options{})
			p, err := d.PlanRollback(t.Context(), "shop", id)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := d.Apply(t.Context(), p, Confirmed{}); err != nil {
				t.Fatal(err)
			}
			time.Sleep(time.Minute)
			return p
		}
		one := step(clone(s))
		d := newDeployer(w, Options{})
		if _, err := d.PlanRollback(t.Context(), "shop", ""); !errors.Is(err, ErrNoEarlier) || !strings.HasPrefix(err.Error(), "roll stage test of shop back: there is no earlier deployment on record; `aiwctl push status` lists") {
			t.Errorf("err = %v", err)
		}
		two := step(clone(s).next())
		third := clone(s).next()
		third.versions["mail"] = "3"
		three := step(third)

		if p := back(""); p.To != two || p.From != three {
			t.Errorf("back to %s from %s, want %s from %s", p.To, p.From, two, three)
		}
		// Again: by two, and the group is there again.
		p := back("")
		if p.To != one || w.named("shop-nightly-test") == nil {
			t.Errorf("back to %s, want %s", p.To, one)
		}
		if want := "secrets are not rolled back: functions read the values that are stored now"; !slices.Contains(p.Notes, want) {
			t.Errorf("notes %q", p.Notes)
		}
		if _, err := d.PlanRollback(t.Context(), "shop", ""); !errors.Is(err, ErrNoEarlier) {
			t.Errorf("err = %v", err)
		}
		// Forward to a named one; what its queues hold is looked at as for a push.
		w.queues[queueURL("shop-nightly-report-test")] = 5
		if p, err := d.PlanRollback(t.Context(), "shop", three); err != nil || len(p.Unconfirmed(Confirmed{})) != 1 {
			t.Errorf("plan %+v, %v", p, err)
		}
		w.queues[queueURL("shop-nightly-report-test")] = 0
		back(three)

		if _, err := d.PlanRollback(t.Context(), "shop", "nonesuch"); err == nil || err.Error() != `roll back to deployment "nonesuch": it is not among the last of shop-test: `+"`aiwctl push status` lists them" {
			t.Errorf("err = %v", err)
		}
		w.breaks["WorkerMailQueue"] = "no"
		fourth := clone(third)
		fourth.versions["fax"] = "1"
		w.breaks["WorkerFaxQueue"] = "no"
		_, res, err := push(t.Context(), w, fourth, Confirmed{}, Options{})
		if err == nil {
			t.Fatal("it was made")
		}
		if _, err := d.PlanRollback(t.Context(), "shop", res.Deployment.ID); err == nil || !strings.HasSuffix(err.Error(), `its outcome is "failed", and only one that is done can be gone back to`) {
			t.Errorf("err = %v", err)
		}

		// An artifact that somebody has deleted.
		for key := range w.objects {
			if key == clone(s).input().Project.Programs[0].Artifact.Key {
				delete(w.objects, key)
			}
		}
		p, err = d.PlanRollback(t.Context(), "shop", one)
		if err != nil || len(p.Refusals) != 1 || !strings.HasSuffix(p.Refusals[0].Text, ".zip of mail is not in the bucket any more: check out the source of that deployment and push it instead") {
			t.Errorf("refusals %+v, %v", p, err)
		}
		// A template that somebody has changed.
		for key := range w.objects {
			if strings.Contains(key, "/templates/") {
				w.objects[key] = []byte(`{"Resources":{}}`)
			}
		}
		if _, err := d.PlanRollback(t.Context(), "shop", one); err == nil || !strings.HasSuffix(err.Error(), "is not what its name says: it has been changed") {
			t.Errorf("err = %v", err)
		}
	})
}

func TestRemove(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	synctest.Test(t, func(t *testing.T) {
		w := newWorld("test")
		if _, _, err := push(t.Context(), w, s, Confirmed{}, Options{}); err != nil {
			t.Fatal(err)
		}
		w.objects["shop/prod/artifacts/x.zip"] = []byte("another stage's")
		w.params["/shop/test/BY_HAND"] = w.params["/shop/test/SMTP_PASSWORD"]
		w.params["/shop/prod/SMTP_PASSWORD"] = w.params["/shop/test/SMTP_PASSWORD"]
		w.queues[queueURL("shop-mail-test")] = 7
		w.queues["https://sqs/adopted"] = 9
		d := newDeployer(w, Options{})
		p, err := d.PlanRemove(t.Context(), "shop")
		if err != nil {
			t.Fatal(err)
		}
		if p.Stacks[0].Name != "shop-test" || len(p.Queues) != 6 || len(p.Secrets) != 2 || p.Secrets[0].Action != Delete {
			t.Errorf("plan %+v", p)
		}
		if _, err := d.Apply(t.Context(), p, Confirmed{}); err == nil || !strings.Contains(err.Error(), "queue shop-mail-test of worker mail is deleted with about 7 messages (7 waiting)") {
			t.Errorf("err = %v", err)
		}
		w.breaks["delete shop-test"] = "The queue is locked"
		_, err = d.Apply(t.Context(), p, Confirmed{Queues: []string{"shop-mail-test"}})
		if want := "stack shop-test is DELETE_FAILED: WorkerAQueue (AWS::SQS::Queue): The queue is locked: see to the cause (The queue is locked), and remove it again"; err == nil || err.Error() != want {
			t.Errorf("err =\n%v\nwant\n%s", err, want)
		}
		delete(w.breaks, "delete shop-test")
		if p, err = d.PlanRemove(t.Context(), "shop"); err != nil {
			t.Fatal(err)
		}
		if _, err = d.Apply(t.Context(), p, Confirmed{Queues: []string{"shop-mail-test"}}); err != nil {
			t.Fatal(err)
		}
		if len(w.objects) != 1 || len(w.params) != 2 || len(w.queues) != 1 || w.bucket == "" {
			t.Errorf("left: %d objects, %d parameters, %v, bucket %q", len(w.objects), len(w.params), w.queues, w.bucket)
		}
		if _, err := d.PlanRemove(t.Context(), "shop"); !errors.Is(err, ErrNotDeployed) {
			t.Errorf("err = %v", err)
		}
	})
}

// A stage of which nothing was made yet is removed too.
func TestRemoveWhatWasNeverMade(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	synctest.Test(t, func(t *testing.T) {
		w := newWorld("test")
		w.fail["ExecuteChangeSet"] = apiError("AccessDenied", "no")
		if _, _, err := push(t.Context(), w, s, Confirmed{}, Options{}); err == nil || w.named("shop-media-test").status != "REVIEW_IN_PROGRESS" {
			t.Fatalf("err = %v", err)
		}
		d := newDeployer(w, Options{})
		p, err := d.PlanRemove(t.Context(), "shop")
		if err != nil || len(p.Stacks) != 1 {
			t.Fatalf("plan %+v, %v", p, err)
		}
		if _, err := d.Apply(t.Context(), p, Confirmed{}); err != nil || w.named("shop-media-test") != nil || len(w.objects) != 0 {
			t.Errorf("err = %v, %d objects", err, len(w.objects))
		}
	})
}

// AWS that throttles and does not answer is borne; what may not be read is done without.
func TestBadWeather(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	synctest.Test(t, func(t *testing.T) {
		w := newWorld("test")
		bad := time.Time{}
		w.during = func(op string) {
			if op == "ExecuteChangeSet" {
				bad = time.Now().Add(time.Minute)
			}
			delete(w.fail, "DescribeStacks")
			if time.Now().Before(bad) && op == "DescribeStacks" {
				w.fail["DescribeStacks"] = apiError("Throttling", "Rate exceeded")
			}
		}
		if _, _, err := push(t.Context(), w, s, Confirmed{}, Options{}); err != nil {
			t.Errorf("throttled: %v", err)
		}
		w.during = nil
		delete(w.fail, "DescribeStacks")
		denied := apiError("AccessDenied", "User: x is not authorized to perform: cloudformation:DescribeStackEvents")
		w.fail["DescribeStackEvents"], w.fail["ListChangeSets"] = denied, denied
		w.fail["GetParameter"] = apiError("AccessDeniedException", "no")
		var warned []string
		p, _, err := push(t.Context(), w, clone(s).next(), Confirmed{}, Options{OnEvent: func(e Event) {
			if e.Kind == EventWarning {
				warned = append(warned, e.Text)
			}
		}})
		if err != nil || len(warned) == 0 {
			t.Errorf("denied: %v, warned %q", err, warned)
		}
		if p.Secrets[0].Action != Update || p.Secrets[0].Unread == "" {
			t.Errorf("secrets %+v", p.Secrets)
		}
		key := *w.params["/shop/test/WORKERS_API_KEY"].Value
		if len(key) != 64 {
			t.Errorf("key %q", key)
		}
	})
}

// What stops for good is given up, and it is said how to go on.
func TestThrottledForGood(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	synctest.Test(t, func(t *testing.T) {
		w := newWorld("test")
		w.during = func(op string) {
			if op == "ExecuteChangeSet" {
				w.fail["DescribeStacks"] = apiError("Throttling", "Rate exceeded")
			}
		}
		_, _, err := push(t.Context(), w, s, Confirmed{}, Options{})
		if err == nil || !strings.HasSuffix(err.Error(), "CloudFormation goes on with stack shop-media-test by itself: running the same again waits for it and finishes the job") {
			t.Errorf("err = %v", err)
		}
	})
}
