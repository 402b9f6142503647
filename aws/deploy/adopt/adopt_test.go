package adopt_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/microfox-ai/aiwctl/aws/deploy/adopt"
	"github.com/microfox-ai/aiwctl/aws/deploy/project"
	"github.com/microfox-ai/aiwctl/dispatch"
)

// refused is Prepare where it has to say no; the text is what a person reads.
func refused(t *testing.T, a *account, p *project.Project, o adopt.Options) string {
	t.Helper()
	_, err := adopt.Prepare(t.Context(), a, a, p, o)
	if _, ok := errors.AsType[project.Problems](err); !ok {
		t.Fatalf("err = %v, want problems", err)
	}
	if len(a.log) > 0 {
		t.Errorf("it was refused, and this was written: %q", a.log)
	}
	return err.Error()
}

func prepared(t *testing.T, a *account, p *project.Project, o adopt.Options) *adopt.Adoption {
	t.Helper()
	got, err := adopt.Prepare(t.Context(), a, a, p, o)
	if err != nil {
		t.Fatal(err)
	}
	return got
}

func steps(a *adopt.Adoption) (out []string) {
	for _, s := range a.Steps {
		out = append(out, s.Worker+": "+s.Text)
	}
	return out
}

func TestAnEmptyAccountHasNothingInTheWay(t *testing.T) {
	t.Parallel()
	a, p := newAccount(), of(worker("echo", "default"), worker("bill", "billing"))
	got := prepared(t, a, p, adopt.Options{})
	if len(got.Existing)+len(got.Steps)+len(got.Warnings) > 0 || got.Pending() || p.StackSuffix != "" || len(p.Adopted) > 0 {
		t.Errorf("%+v, project %+v", got, p)
	}
	// Deployed, all of it is ours.
	if err := a.deploy(t, p); err != nil {
		t.Fatal(err)
	}
	if got := prepared(t, a, p, adopt.Options{Adopt: []adopt.Request{{Worker: "echo"}}}); len(got.Existing)+len(got.Steps) > 0 || len(p.Adopted) > 0 {
		t.Errorf("%+v", got.Existing)
	}
}

// Without --adopt every collision is named, and what --adopt would do.
func TestWithoutAdoptACollisionIsRefused(t *testing.T) {
	t.Parallel()
	a := newAccount()
	a.typescript("p-x", "echo")
	text := refused(t, a, of(worker("echo", "default"), worker("new", "default")), adopt.Options{})
	want := strings.Join([]string{
		"stack p-x-prod exists already, made by the Serverless Framework, as the TypeScript tools deploy: with --adopt, ours is called p-x-prod-aiwctl and stands beside it",
		`worker "echo": queue p-x-echo-prod exists already, made by the Serverless Framework, as the TypeScript tools deploy (stack p-x-prod); function p-x-prod-workerEcho reads it (enabled); it holds 2 messages: --adopt echo keeps it and its dead-letter queue, and has function p-x-prod-workerEcho-go read it instead`,
		`worker "echo": dead-letter queue p-x-echo-dlq-prod exists already, made by the Serverless Framework, as the TypeScript tools deploy (stack p-x-prod): --adopt echo leaves it as it is`,
		`worker "echo": function p-x-prod-workerEcho exists already, made by the Serverless Framework, as the TypeScript tools deploy (stack p-x-prod): --adopt echo leaves it as it is`,
	}, "\n")
	if text != want {
		t.Errorf("got:\n%s\nwant:\n%s", text, want)
	}
	found, err := adopt.Find(t.Context(), a, of(worker("echo", "default")))
	if err != nil || len(found) != 4 || found[1].Kind != adopt.KindQueue || found[1].Depth.Total() != 2 || found[1].Stack != "p-x-prod" {
		t.Errorf("Find: %+v, %v", found, err)
	}
}

func TestWhatIsAdopted(t *testing.T) {
	t.Parallel()
	a := newAccount()
	a.typescript("p-x", "echo")
	a.typescript("p-x", "video")
	a.queues["p-x-echo-prod"]["VisibilityTimeout"] = "30"
	p := of(worker("echo", "default"), worker("video", "default"), worker("new", "default"))
	got := prepared(t, a, p, adopt.Options{All: true})
	want := project.Adopted{
		Queue: "p-x-echo-prod", QueueARN: queueARN("p-x-echo-prod"), QueueURL: base + "p-x-echo-prod",
		DLQ: "p-x-echo-dlq-prod", DLQARN: queueARN("p-x-echo-dlq-prod"), DLQURL: base + "p-x-echo-dlq-prod",
		Function: "p-x-prod-workerEcho", Stack: "p-x-prod",
	}
	echo := p.Adopted["echo"]
	if !slices.Equal(echo.Mappings, []string{"uuid-p-x-prod-workerEcho"}) || echo.Was == nil || *echo.Was != (project.QueueSetting{VisibilityTimeoutSeconds: 30, MaxReceiveCount: 1}) {
		t.Errorf("echo: %+v, was %+v", echo, echo.Was)
	}
	echo.Mappings, echo.Was = nil, nil
	if got, w := echo, want; got.Queue != w.Queue || got.QueueARN != w.QueueARN || got.QueueURL != w.QueueURL || got.DLQ != w.DLQ || got.DLQARN != w.DLQARN || got.DLQURL != w.DLQURL || got.Function != w.Function || got.Stack != w.Stack || got.Live {
		t.Errorf("echo: %+v, want %+v", got, w)
	}
	if _, ok := p.Adopted["video"]; !ok || len(p.Adopted) != 2 || p.StackSuffix != "-aiwctl" || p.Stacks()[0].Name != "p-x-prod-aiwctl" || !got.Pending() {
		t.Errorf("adopted %v, suffix %q, pending %v", p.Adopted, p.StackSuffix, got.Pending())
	}
	wantSteps := []string{
		"echo: queue p-x-echo-prod: visibility timeout 30 s becomes 1800 s, since its function may take 300 s",
		"echo: deploy function p-x-prod-workerEcho-go with its mapping of queue p-x-echo-prod disabled",
		"echo: disable the mapping by which function p-x-prod-workerEcho reads queue p-x-echo-prod, and wait until it is off",
		"echo: queue p-x-echo-prod: maxReceiveCount 1 becomes 3, so that a job is tried as often as the worker says",
		"echo: enable ours, by a second deployment: messages wait in the queue meanwhile",
	}
	if s := steps(got); !slices.Equal(s[:5], wantSteps) || len(s) != 9 {
		t.Errorf("steps:\n%s", strings.Join(s, "\n"))
	}
	if len(got.Warnings) != 2 || !strings.Contains(got.Warnings[0].String(), "belongs to stack p-x-prod: removing that stack deletes it") {
		t.Errorf("warnings %v", got.Warnings)
	}
	if len(a.log) > 0 {
		t.Errorf("looking has written %q", a.log)
	}
}

func TestRefusals(t *testing.T) {
	t.Parallel()
	fifo := worker("echo", "default")
	fifo.SQS.FIFO = true
	ask := func(values ...string) adopt.Options {
		requests, all, err := adopt.ParseRequests(values)
		if err != nil {
			t.Fatal(err)
		}
		return adopt.Options{Adopt: requests, All: all}
	}
	for name, tt := range map[string]struct {
		change  func(*account)
		worker  dispatch.ManifestWorker
		options adopt.Options
		want    string
	}{
		"no such worker":                  {nil, worker("echo", "default"), ask("ecko"), "--adopt ecko: no worker has this id: there are echo"},
		"no such queue":                   {nil, worker("other", "default"), ask("other"), `worker "other": --adopt other: there is no queue p-x-other-prod: name another with --adopt other=QUEUE, or leave --adopt away: the worker then gets its own`},
		"a named queue that there is not": {nil, worker("echo", "default"), ask("echo=nowhere"), `worker "echo": --adopt echo=nowhere: there is no queue nowhere in this account and region`},
		"no dead-letter queue": {
			func(a *account) { delete(a.queues["p-x-echo-prod"], "RedrivePolicy") }, worker("echo", "default"), ask("echo"),
			`worker "echo": --adopt echo: queue p-x-echo-prod has no dead-letter queue: a job that always fails would be tried until the queue forgets it (14 days), and then be lost. Give it a redrive policy in stack p-x-prod, and push again`,
		},
		"a dead-letter queue that is gone": {
			func(a *account) { delete(a.queues, "p-x-echo-dlq-prod") }, worker("echo", "default"), ask("echo"),
			`worker "echo": --adopt echo: the dead-letter queue p-x-echo-dlq-prod that queue p-x-echo-prod names does not exist: SQS would keep what fails in the queue, for ever. Make it in stack p-x-prod, or name another one`,
		},
		"standard, and to be FIFO": {
			nil, fifo, ask("echo"),
			`worker "echo": --adopt echo: queue p-x-echo-prod is standard and the worker's is to be FIFO: change the worker's queue options, or let it have a queue of its own`,
		},
		"a key of one's own": {
			func(a *account) { a.queues["p-x-echo-prod"]["KmsMasterKeyId"] = "1234" }, worker("echo", "default"), ask("all"),
			`worker "echo": --adopt echo: queue p-x-echo-prod is encrypted with the key 1234, which the new function may not use: declare kms:Decrypt on it among the worker's permissions`,
		},
		"a function alone": {
			func(a *account) { clear(a.queues) }, worker("echo", "default"), ask("all"),
			`worker "echo": function p-x-prod-workerEcho exists already, made by the Serverless Framework, as the TypeScript tools deploy (stack p-x-prod): there is no queue to adopt with it: delete it, or choose another service with --service`,
		},
		"a dead-letter queue alone": {
			func(a *account) { delete(a.queues, "p-x-echo-prod") }, worker("echo", "default"), ask("all"),
			`worker "echo": dead-letter queue p-x-echo-dlq-prod exists already, made by the Serverless Framework, as the TypeScript tools deploy (stack p-x-prod): there is no queue that it belongs to: delete it once it is empty`,
		},
		"the API's function": {
			func(a *account) { a.functions["p-x-prod-api"] = true }, worker("echo", "default"), ask("all"),
			`function p-x-prod-api exists already, made by nobody known: choose another service with --service, or remove it`,
		},
		"both stacks are another's": {
			func(a *account) {
				a.stacks["p-x-prod-aiwctl"] = &fakeStack{tags: map[string]string{"aiwctl:project": "q"}}
			}, worker("echo", "default"), ask("all"),
			`stack p-x-prod-aiwctl exists already, made by aiwctl for project q: choose another service with --service`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := newAccount()
			a.typescript("p-x", "echo")
			if tt.change != nil {
				tt.change(a)
			}
			text := refused(t, a, of(tt.worker), tt.options)
			if !slices.Contains(strings.Split(text, "\n"), tt.want) {
				t.Errorf("got:\n%s\nwant among it:\n%s", text, tt.want)
			}
		})
	}
	for _, bad := range []string{"", "=q", "echo="} {
		if _, _, err := adopt.ParseRequests([]string{bad}); err == nil || !strings.Contains(err.Error(), "ID=QUEUE, or all") {
			t.Errorf("--adopt %q: %v", bad, err)
		}
	}
	allowed := worker("echo", "default")
	allowed.Permissions = []dispatch.Permission{{Actions: []string{"kms:Decrypt"}, Resources: []string{"*"}}}
	a := newAccount()
	a.typescript("p-x", "echo")
	a.queues["p-x-echo-prod"]["KmsMasterKeyId"] = "1234"
	prepared(t, a, of(allowed), ask("all"))
}

// All of it is told at once.
func TestEveryRefusalIsToldAtOnce(t *testing.T) {
	t.Parallel()
	a := newAccount()
	a.typescript("p-x", "echo")
	a.typescript("p-x", "video")
	delete(a.queues["p-x-echo-prod"], "RedrivePolicy")
	text := refused(t, a, of(worker("echo", "default"), worker("video", "default")), adopt.Options{Adopt: []adopt.Request{{Worker: "echo"}, {Worker: "nope"}}})
	for _, part := range []string{"--adopt nope", "no dead-letter queue", "--adopt video keeps it"} {
		if !strings.Contains(text, part) {
			t.Errorf("%q is missing in:\n%s", part, text)
		}
	}
}

// A group that was the only one of its build has no suffix in the names of the TypeScript
// system: that is where its jobs go.
func TestAQueueUnderAnotherLayout(t *testing.T) {
	t.Parallel()
	a := newAccount()
	a.typescript("p-x", "bill")
	p := of(worker("bill", "billing"))
	text := refused(t, a, p, adopt.Options{}) // for the stack
	if strings.Contains(text, "queue") {
		t.Errorf("a queue of another name is in the way:\n%s", text)
	}
	delete(a.stacks, "p-x-prod")
	got := prepared(t, a, p, adopt.Options{})
	if len(p.Adopted) > 0 || len(got.Warnings) != 1 || !strings.Contains(got.Warnings[0].String(), "where billing is the only group; its messages would stay there: --adopt bill takes it over") {
		t.Errorf("adopted %v, warnings %v", p.Adopted, got.Warnings)
	}
	for _, o := range []adopt.Options{{All: true}, {Adopt: []adopt.Request{{Worker: "bill"}}}, {Adopt: []adopt.Request{{Worker: "bill", Queue: "p-x-bill-prod"}}}} {
		prepared(t, a, p, o)
		if p.Adopted["bill"].Queue != "p-x-bill-prod" {
			t.Errorf("%+v: adopted %+v", o, p.Adopted)
		}
	}
	// Any queue can be named.
	a.queue("legacy-dead", "", 0)
	a.queue("legacy", "legacy-dead", 7)
	prepared(t, a, p, adopt.Options{Adopt: []adopt.Request{{Worker: "bill", Queue: "legacy"}}})
	if ad := p.Adopted["bill"]; ad.Queue != "legacy" || ad.DLQ != "legacy-dead" || ad.Function != "" || len(ad.Mappings) > 0 {
		t.Errorf("adopted %+v", ad)
	}
}

func TestWithoutPermissionToReadTagsNobodyIsNamed(t *testing.T) {
	t.Parallel()
	a := newAccount()
	a.typescript("p-x", "echo")
	a.denied["GetResources"] = true
	got := prepared(t, a, of(worker("echo", "default")), adopt.Options{All: true})
	if !strings.Contains(got.Warnings.Error(), "GetResources") {
		t.Errorf("warnings %v", got.Warnings)
	}
	a.denied["ListQueues"] = true
	if _, err := adopt.Prepare(t.Context(), a, a, of(worker("echo", "default")), adopt.Options{}); err == nil || !strings.Contains(err.Error(), "list the queues named p-x-") {
		t.Errorf("err = %v", err)
	}
}

func TestStackSuffix(t *testing.T) {
	t.Parallel()
	ours, ts := map[string]string{"aiwctl:project": "p-x", "STAGE": "prod"}, map[string]string{"STAGE": "prod"}
	for name, tt := range map[string]struct {
		stacks  map[string]map[string]string
		want    string
		foreign []string
	}{
		"nothing":                  {},
		"ours":                     {stacks: map[string]map[string]string{"p-x-prod": ours}},
		"another tool's":           {map[string]map[string]string{"p-x-prod": ts}, "-aiwctl", []string{"p-x-prod"}},
		"beside another tool's":    {map[string]map[string]string{"p-x-prod": ts, "p-x-prod-aiwctl": ours}, "-aiwctl", []string{"p-x-prod"}},
		"the other tool's is gone": {map[string]map[string]string{"p-x-prod-aiwctl": ours}, "-aiwctl", nil},
		"only a group's":           {map[string]map[string]string{"p-x-billing-prod": ts}, "-aiwctl", []string{"p-x-billing-prod"}},
		"killed after the group":   {map[string]map[string]string{"p-x-prod": ts, "p-x-billing-prod-aiwctl": ours}, "-aiwctl", []string{"p-x-prod"}},
		"a group's, and ours":      {map[string]map[string]string{"p-x-billing-prod": ts, "p-x-prod": ours}, "", []string{"p-x-billing-prod"}},
		"another stage's of ours":  {map[string]map[string]string{"p-x-prod": {"aiwctl:project": "p-x", "STAGE": "pro"}}, "-aiwctl", []string{"p-x-prod"}},
	} {
		a := newAccount()
		for n, tags := range tt.stacks {
			a.stacks[n] = &fakeStack{tags: tags}
		}
		p := of(worker("echo", "default"), worker("bill", "billing"))
		got, foreign, err := adopt.StackSuffix(t.Context(), a, p)
		var names []string
		for _, e := range foreign {
			names = append(names, e.Name)
		}
		if err != nil || got != tt.want || !slices.Equal(names, tt.foreign) {
			t.Errorf("%s: %q, %q, %v; want %q, %q", name, got, names, err, tt.want, tt.foreign)
		}
	}
	// A group that has another's stack in its way, where ours have the plain names already.
	a := newAccount()
	a.stacks["p-x-prod"] = &fakeStack{tags: ours, template: "{}"}
	a.stacks["p-x-billing-prod"] = &fakeStack{tags: ts}
	text := refused(t, a, of(worker("echo", "default"), worker("bill", "billing")), adopt.Options{All: true})
	if !strings.Contains(text, "call group billing differently") {
		t.Error(text)
	}
	a.denied["DescribeStacks"] = true
	if _, _, err := adopt.StackSuffix(t.Context(), a, of()); err == nil || !strings.Contains(err.Error(), "read stack p-x-prod") {
		t.Errorf("err = %v", err)
	}
}
