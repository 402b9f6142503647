package deploy

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/microfox-ai/aiwctl/aws/deploy/project"
)

func TestPush(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	synctest.Test(t, func(t *testing.T) {
		w := newWorld("test")
		var events []Event
		o := Options{OnEvent: func(e Event) { events = append(events, e) }, Revision: "abc123", Version: "1.2.3"}
		d := newDeployer(w, o)
		p, err := d.Plan(t.Context(), s.input())
		if err != nil {
			t.Fatal(err)
		}
		for _, op := range w.trace {
			if strings.HasPrefix(op, "Put") || strings.HasPrefix(op, "Create") {
				t.Errorf("planning called %s", op)
			}
		}
		if n, _ := p.Uploads(); p.Nothing() || n != 4 || !p.Bucket.Make || len(p.Stacks) != 3 || p.Stacks[2].Name != "shop-test" || p.Stacks[0].Action != Create {
			t.Errorf("plan %+v", p)
		}
		res, err := d.Apply(t.Context(), p, Confirmed{})
		if err != nil {
			t.Fatal(err)
		}
		if res.Uploaded != 4 || res.APIURL != "https://api.example/test" || res.Deployment.Outcome != Done || res.Deployment.By != "arn:aws:iam::"+account+":user/ada" || res.Deployment.Revision != "abc123" {
			t.Errorf("result %+v", res)
		}
		if w.public || w.bucket != project.BucketName(account, region) {
			t.Errorf("bucket %q, public %v", w.bucket, w.public)
		}
		if got := *w.params["/shop/test/SMTP_PASSWORD"].Value; got != "hunter2" {
			t.Errorf("stored %q", got)
		}
		key := *w.params["/shop/test/WORKERS_API_KEY"].Value
		if len(key) != 64 {
			t.Errorf("the API key is %q", key)
		}
		if len(w.queues) != 6 || len(w.sets) != 0 {
			t.Errorf("queues %v, change sets %d", w.queues, len(w.sets))
		}
		// Each event once, in order, with its worker.
		var told []string
		for _, e := range events {
			if e.Kind == EventStack && e.Stack == "shop-test" {
				told = append(told, e.Status+" "+e.Resource+" "+e.Worker)
			}
			for _, secret := range []string{"hunter2", key} {
				if strings.Contains(fmt.Sprintf("%+v", e), secret) {
					t.Errorf("event %+v has a secret", e)
				}
			}
		}
		if want := []string{
			"CREATE_IN_PROGRESS shop-test ", "CREATE_COMPLETE ApiFunction ", "CREATE_COMPLETE WorkerMailDlq mail",
			"CREATE_COMPLETE WorkerMailFunction mail", "CREATE_COMPLETE WorkerMailQueue mail", "CREATE_COMPLETE shop-test ",
		}; !slices.Equal(told, want) {
			t.Errorf("told %q", told)
		}

		// The same again: nothing is done, nothing is called that writes.
		w.trace = nil
		p, res, err = push(t.Context(), w, s, Confirmed{}, o)
		if err != nil || !p.Nothing() || res.Deployment.ID != "" {
			t.Fatalf("the second push: nothing %v, %+v, %v", p.Nothing(), res, err)
		}
		if n := w.count("PutObject") + w.count("CreateChangeSet") + w.count("PutParameter"); n != 0 {
			t.Errorf("the second push wrote: %q", w.trace)
		}

		// The next version: a worker changes, one comes, a group goes, and its queue is empty.
		p, res, err = push(t.Context(), w, s.next(), Confirmed{}, o)
		if err != nil {
			t.Fatal(err)
		}
		if len(p.Queues) != 2 || p.Queues[1].Queue != "shop-nightly-report-test" || p.Queues[0].Needs || p.Queues[0].Text != "dead-letter queue shop-nightly-report-dlq-test of worker report is deleted; it is empty" {
			t.Errorf("queues %+v", p.Queues)
		}
		if got := *w.params["/shop/test/SMTP_PASSWORD"].Value; got != "hunter3" || *w.params["/shop/test/WORKERS_API_KEY"].Value != key {
			t.Errorf("the secret is %q, or the key has changed", got)
		}
		if w.named("shop-nightly-test") != nil || len(w.queues) != 6 || len(w.gone) != 0 {
			t.Errorf("after the next version: %v, lost %v", w.queues, w.gone)
		}
		if !strings.Contains(strings.Join(p.Notes, "\n"), "secret ssm:/shop/test/SMTP_PASSWORD changes") {
			t.Errorf("notes %q", p.Notes)
		}
		st, err := d.Status(t.Context(), "shop", 0)
		if err != nil {
			t.Fatal(err)
		}
		if st.Current.ID != res.Deployment.ID || len(st.Deployments) != 2 || len(st.Stacks) != 2 || st.APIURL == "" || st.APIKeyRef != "ssm:/shop/test/WORKERS_API_KEY" || st.Stacks[1].Deployment != st.Current.ID {
			t.Errorf("status %+v", st)
		}
		if ws := st.Stacks[1].Workers; len(ws) != 2 || ws[0].ID != "bill" || len(ws[0].SHA256) != 64 {
			t.Errorf("workers %+v", ws)
		}
	})
}
