package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/microfox-ai/aiwctl/aws"
	"github.com/microfox-ai/aiwctl/aws/deploy"
	"github.com/microfox-ai/aiwctl/aws/deploy/adopt"
	"github.com/microfox-ai/aiwctl/aws/deploy/emit"
	"github.com/microfox-ai/aiwctl/aws/deploy/project"
	"github.com/microfox-ai/aiwctl/dispatch"
)

// pushRig is an aiwctl whose push works with fakes: one program with two workers.
type pushRig struct {
	*App
	stdout, stderr *bytes.Buffer
	deployer       *fakeDeployer
	// trail is what was done, in its order.
	trail []string
	// problems are of check, missing of environ, collisions of adopt.
	problems, missing, collisions project.Problems
	// beyond are of limits.
	beyond  project.Problems
	secrets []deploy.Secret
	adopted *adoption
	// next is what the templates of a plan adopt.
	next map[string]project.Adopted
	// built is the project as it was built; options are the deployer's.
	built   *project.Project
	environ environOptions
	options deploy.Options
	adopts  adopt.Options
}

func (r *pushRig) did(what string) { r.trail = append(r.trail, what) }

func newPushRig(t *testing.T, in string) *pushRig {
	t.Helper()
	state := t.TempDir()
	r := &pushRig{deployer: &fakeDeployer{plan: newPlan()}, adopted: noAdoption()}
	r.deployer.rig = r
	r.App, r.stdout, r.stderr = testApp(in, map[string]string{"XDG_STATE_HOME": state, "HOME": state, "AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "AWS_EC2_METADATA_DISABLED": "true"})
	r.InTTY = in != ""
	r.tools = &pushTools{
		scan: func(_ context.Context, patterns []string, _ project.Arch, _ string, _ func(string)) ([]project.Program, error) {
			r.did("scan " + strings.Join(patterns, " "))
			return []project.Program{{Package: "example.com/shop/workers", Dir: "workers", Manifest: dispatch.Manifest{Workers: []dispatch.ManifestWorker{{ID: "bill"}, {ID: "ship"}}}}}, nil
		},
		check:  func(*project.Project) project.Problems { r.did("check"); return r.problems },
		limits: func(*project.Project) project.Problems { return r.beyond },
		environ: func(_ *project.Project, o environOptions) ([]deploy.Secret, project.Problems, error) {
			r.environ = o
			return r.secrets, r.missing, nil
		},
		account: func(context.Context, *aws.Stage) (string, error) { return "123456789012", nil },
		build: func(_ context.Context, p *project.Project, _ string, step func(string)) error {
			r.did("build")
			step("building workers")
			r.built = p
			p.API = project.Artifact{File: "/nonexistent", SHA256: "00ff", Size: 5, Key: "k"}
			return nil
		},
		documents: func(p *project.Project) ([]deploy.Document, error) {
			r.did("documents")
			return []deploy.Document{{Stack: p.Stacks()[0], Body: []byte("{}")}}, nil
		},
		serverless: func(*project.Project) ([]emit.File, error) {
			return []emit.File{{Path: "serverless.yml", Body: []byte("service: shop\n")}}, nil
		},
		artifact: func(a project.Artifact) string { return "artifacts/" + a.SHA256 + ".zip" },
		changes:  func(v any) string { return v.(string) },
		adopt: func(_ context.Context, _ *aws.Stage, _ *project.Project, o adopt.Options) (*adoption, error) {
			r.adopts = o
			if len(r.collisions) > 0 {
				return nil, r.collisions
			}
			return r.adopted, nil
		},
		giveBack: func(_ context.Context, _ *aws.Stage, adopted map[string]project.Adopted, _ adopt.Options) ([]string, error) {
			r.did("give back " + strings.Join(releasedIDs(adopted), " "))
			return []string{"given back"}, nil
		},
		adopted: func(context.Context, *aws.Stage, ...string) (map[string]project.Adopted, error) {
			return maps.Clone(r.adopted.released), nil
		},
		adopts:   func([]byte) (map[string]project.Adopted, error) { return r.next, nil },
		revision: func(context.Context) string { return "abc123" },
		deployer: func(_ *aws.Stage, o deploy.Options) deployer { r.options = o; return r.deployer },
	}
	return r
}

// noAdoption is one of a project that no other tool's queues matter to.
func noAdoption() *adoption {
	none := func(context.Context) error { return nil }
	return &adoption{pending: func() bool { return false }, fit: none, change: none, verify: none}
}

// newPlan is a plan of a first deployment.
func newPlan() *deploy.Plan {
	return &deploy.Plan{
		Kind: deploy.Push, Service: "shop", Stage: "dev", Account: "123456789012", Region: "eu-west-1",
		Bucket:    deploy.BucketPlan{Name: "aiwctl-artifacts-123456789012-eu-west-1", Make: true},
		Artifacts: []deploy.ArtifactPlan{{Key: "a", Size: 6_100_000, Workers: []string{"bill", "ship"}, Upload: true}, {Key: "b", Size: 6_100_000}},
		Secrets:   []deploy.SecretPlan{{Ref: "ssm:/shop/dev/MAIL_KEY", Action: deploy.Create, Workers: []string{"bill"}}, {Ref: "ssm:/shop/dev/WORKERS_API_KEY", Action: deploy.Keep}},
		Stacks:    []deploy.StackPlan{{Name: "shop-dev", Action: deploy.Create, Workers: []string{"ship", "bill"}, Changes: "worker bill\n  + queue shop-bill-dev\n"}},
		Notes:     []string{"worth knowing"},
	}
}

// emptyPlan is one of which nothing is to be done.
func emptyPlan() *deploy.Plan {
	p := newPlan()
	p.Bucket.Make, p.Secrets, p.Notes = false, nil, nil
	p.Artifacts[0].Upload = false
	p.Stacks[0].Action, p.Stacks[0].Changes = deploy.Keep, nil
	return p
}

// run runs a command line; --stage dev, --service shop and a region are added.
func (r *pushRig) run(t *testing.T, args ...string) int {
	t.Helper()
	return r.Run(t.Context(), append(args, "--stage", "dev", "--service", "shop", "--region", "eu-west-1"))
}

// want checks the exit code and what was said; a text that begins with ! must not be.
func (r *pushRig) want(t *testing.T, code, want int, said ...string) {
	t.Helper()
	if code != want {
		t.Errorf("exit code %d, want %d", code, want)
	}
	all := r.stdout.String() + r.stderr.String()
	for _, text := range said {
		no, is := strings.CutPrefix(text, "!")
		if strings.Contains(all, no) == is {
			t.Errorf("said %q: %v\nstdout: %s\nstderr: %s", no, !is, r.stdout, r.stderr)
		}
	}
}

type fakeDeployer struct {
	rig    *pushRig
	plan   *deploy.Plan
	err    error // of planning
	result *deploy.Result
	failed error // of applying
	// failures, unless there are none, are failed of one deployment after the other.
	failures []error
	events   []deploy.Event
	status   *deploy.Status
	smoked   *deploy.Smoked

	agreed deploy.Confirmed
	inputs map[string]json.RawMessage
	asked  string // what was planned
}

func (f *fakeDeployer) StackNames(_ context.Context, service string) ([]string, error) {
	return []string{service + "-dev", service + "-gone-dev"}, nil
}

func (f *fakeDeployer) Plan(_ context.Context, in deploy.Input) (*deploy.Plan, error) {
	f.rig.did("plan")
	f.asked = "push of " + in.Project.Service
	return f.plan, f.err
}

func (f *fakeDeployer) PlanRollback(_ context.Context, service, id string) (*deploy.Plan, error) {
	f.asked = "rollback of " + service + " to " + id
	return f.plan, f.err
}

func (f *fakeDeployer) PlanRemove(_ context.Context, service string) (*deploy.Plan, error) {
	f.asked = "remove of " + service
	return f.plan, f.err
}

func (f *fakeDeployer) Apply(_ context.Context, _ *deploy.Plan, c deploy.Confirmed) (*deploy.Result, error) {
	f.rig.did("apply")
	f.agreed = c
	for _, e := range f.events {
		f.rig.options.OnEvent(e)
	}
	if len(f.failures) > 0 {
		f.failed, f.failures = f.failures[0], f.failures[1:]
	}
	if f.result == nil && f.failed == nil {
		f.result = &deploy.Result{Deployment: deploy.Deployment{ID: "20260304T050607Z-9f2c41"}, Uploaded: 1, Bytes: 6_100_000, APIURL: "https://x.example.com/dev"}
	}
	return f.result, f.failed
}

func (f *fakeDeployer) Status(context.Context, string, int) (*deploy.Status, error) {
	return f.status, f.err
}

func (f *fakeDeployer) Smoke(_ context.Context, _ string, s deploy.Smoke) (*deploy.Smoked, error) {
	f.rig.did("smoke")
	f.inputs = s.Inputs
	if f.smoked == nil {
		return &deploy.Smoked{APIURL: "https://x.example.com/dev"}, nil
	}
	return f.smoked, nil
}

func TestPush(t *testing.T) {
	t.Parallel()
	r := newPushRig(t, "y\n")
	code := r.run(t, "push")
	r.want(t, code, exitDone,
		"push of shop in stage dev: account 123456789012, eu-west-1",
		"stack shop-dev is made, with 2 workers\n  worker bill\n    + queue shop-bill-dev\n",
		"bucket aiwctl-artifacts-123456789012-eu-west-1 is made",
		"uploads: 1 of 2 artifacts, 6.1 MB\n    6.1 MB  bill, ship",
		"secret +   ssm:/shop/dev/MAIL_KEY, read by bill", "secrets: 1 of 2 stored as they are", "note: worth knowing",
		"Push to stage dev of shop: make 1 stack, upload 6.1 MB, store 1 secret? [y/N]",
		"20260304T050607Z-9f2c41", "bill, ship", "https://x.example.com/dev",
		"next:\n  aiwctl --region eu-west-1 --service shop --stage dev workers\n")
	if want := []string{"scan ./workers/...", "check", "build", "documents", "plan", "apply", "smoke"}; !slices.Equal(r.trail, want) {
		t.Errorf("did %v, want %v", r.trail, want)
	}
	if strings.Contains(r.stdout.String(), "MAIL_KEY") || strings.Contains(r.stderr.String(), "20260304T050607Z-9f2c41") {
		t.Errorf("the plan is on standard output, or the result is not: %s", r.stdout)
	}
	p := r.built
	if p.Bucket != "aiwctl-artifacts-123456789012-eu-west-1" || p.Account != "123456789012" || p.Arch != project.ARM64 ||
		p.APIKey.String() != "ssm:/shop/dev/WORKERS_API_KEY" || p.Alarms != nil || p.LogRetentionDays != 0 {
		t.Errorf("pushed %+v", p)
	}
	if r.options.Revision != "abc123" || r.options.Version == "" {
		t.Errorf("on record will be %+v", r.options)
	}
}

func TestPushFlags(t *testing.T) {
	t.Parallel()
	r := newPushRig(t, "")
	code := r.run(t, "push", "./a", "./b/...", "--yes", "--arch", "amd64", "--bucket", "mine", "--log-retention", "90", "--alarm-topic", "arn:aws:sns:eu-west-1:1:ops",
		"--open-api", "--adopt", "bill", "--adopt", "ship=old-ship", "--plain", "FEATURE_KEY", "--env-file", "x.env", "--delete-queue", "q1", "--continue-rollback", "--skip-resource", "shop-dev/WorkerBillQueue", "-o", "json")
	r.want(t, code, exitDone, `"status": "done"`, `"apiUrl": "https://x.example.com/dev"`)
	p := r.built
	if p.Bucket != "mine" || r.options.Bucket != "mine" || p.Arch != project.AMD64 || !p.APIKey.IsZero() || p.LogRetentionDays != 90 || p.Alarms == nil || p.Alarms.TopicARN != "arn:aws:sns:eu-west-1:1:ops" {
		t.Errorf("pushed %+v", p)
	}
	if r.trail[0] != "scan ./a ./b/..." || !slices.Equal(r.environ.Plain, []string{"FEATURE_KEY"}) || !slices.Equal(r.environ.Files, []string{"x.env"}) {
		t.Errorf("did %v with %+v", r.trail, r.environ)
	}
	if want := []adopt.Request{{Worker: "bill"}, {Worker: "ship", Queue: "old-ship"}}; !slices.Equal(r.adopts.Adopt, want) {
		t.Errorf("adopts %+v", r.adopts)
	}
	c := r.deployer.agreed
	if !c.ContinueRollback || !slices.Equal(c.Queues, []string{"q1"}) || !slices.Equal(c.SkipResources["shop-dev"], []string{"WorkerBillQueue"}) {
		t.Errorf("agreed to %+v", c)
	}
}

func TestPushCommandLines(t *testing.T) {
	t.Parallel()
	for line, want := range map[string]string{
		"push --arch mips":                           "--arch mips: Lambda has arm64 and amd64",
		"push --emit terraform --out x":              "it takes cloudformation or serverless",
		"push --emit serverless":                     "--emit needs --out DIR",
		"push --out x":                               "--out is for --emit",
		"push --emit serverless --out x --adopt all": "--adopt and --smoke do not go with it",
		"push --smoke x --dry-run":                   "choose one",
		"push --smoke /nonexistent/x":                "--smoke: open /nonexistent/x",
		"push --log-retention -1":                    "is negative",
		"push --adopt =x":                            "write a worker's id, ID=QUEUE, or all",
		"push --skip-resource x":                     "write it as STACK/RESOURCE",
		"push --skip-resource s/x":                   "is for --continue-rollback",
		"push rollback a b":                          `"b" is one argument too many`,
		"push status -n 0":                           "show one deployment at least",
	} {
		t.Run(line, func(t *testing.T) {
			t.Parallel()
			r := newPushRig(t, "")
			code := r.run(t, strings.Fields(line)...)
			r.want(t, code, exitUsage, want)
			if len(r.trail) > 0 {
				t.Errorf("did %v", r.trail)
			}
		})
	}
}

func TestPushNeedsAStageAndAService(t *testing.T) {
	t.Parallel()
	r := newPushRig(t, "")
	code := r.Run(t.Context(), []string{"push", "--service", "shop"})
	r.want(t, code, exitUsage, "which stage? Name it with --stage, AIWCTL_STAGE or in the config file")

	// A service that nothing names is called after the module, which is told.
	r = newPushRig(t, "")
	code = r.Run(t.Context(), []string{"push", "--stage", "dev", "--region", "eu-west-1", "--yes"})
	r.want(t, code, exitDone, "service aiwctl, after the module github.com/microfox-ai/aiwctl; --service names another")
	if r.built.Service != "aiwctl" {
		t.Errorf("service %s", r.built.Service)
	}
	for module, want := range map[string]string{
		"example.com/Shop_2": "shop-2", "shop": "shop", "example.com/shop/v2": "shop", "example.com/9lives": "lives", "example.com/___": "workers", "v2": "v2",
	} {
		if got := serviceName(lastElement(module)); got != want {
			t.Errorf("the service of %s is %s, want %s", module, got, want)
		}
	}
}

// Everything that is wrong is told at once, before the build.
func TestPushTellsAllProblems(t *testing.T) {
	t.Parallel()
	r := newPushRig(t, "")
	r.problems = project.Problems{{Place: "workers/main.go:12", Worker: "bill", Text: "its queue's name is too long"}}
	r.missing = project.Problems{{Worker: "ship", Text: "CARRIER has no value: set it in .env or .env.dev"}}
	smoke := filepath.Join(t.TempDir(), "smoke.json")
	if err := os.WriteFile(smoke, []byte(`{"nobody": {}}`), 0o600); err != nil {
		t.Fatal(err)
	}
	code := r.run(t, "push", "--yes", "--smoke", smoke)
	r.want(t, code, exitUsage, "aiwctl: this cannot be deployed, for 3 reasons:\n  workers/main.go:12: worker \"bill\": its queue's name is too long\n"+
		"  worker \"ship\": CARRIER has no value: set it in .env or .env.dev\n", `worker "nobody": --smoke has an input for it, and no package has such a worker`)
	if slices.Contains(r.trail, "build") {
		t.Errorf("it was built all the same: %v", r.trail)
	}

	// What programs say of their own workers comes with what is wrong with the others.
	r = newPushRig(t, "")
	r.tools.scan = func(context.Context, []string, project.Arch, string, func(string)) ([]project.Program, error) {
		return []project.Program{{Package: "example.com/shop/workers", Manifest: dispatch.Manifest{Workers: []dispatch.ManifestWorker{{ID: "bill", Source: "bill.go:3"}, {ID: "Bill", Source: "bill.go:4"}}}}},
			project.Problems{{Place: "ship.go:7", Worker: "ship", Text: "timeout 20m0s: Lambda allows whole seconds from 1s to 900s"}}
	}
	r.tools.checkPart = project.CheckPart
	r.missing = project.Problems{{Worker: "bill", Text: "TAX has no value"}}
	code = r.run(t, "push", "--yes")
	r.want(t, code, exitUsage, "for 7 reasons:", `bill.go:3: worker "bill": it cannot be told from worker "Bill" (bill.go:4)`, `ship.go:7: worker "ship": timeout 20m0s`,
		`worker "bill": TAX has no value`)
	if !r.environ.Part {
		t.Error("names that refused workers may declare were to be known")
	}
	if slices.Contains(r.trail, "build") {
		t.Errorf("it was built all the same: %v", r.trail)
	}

	r = newPushRig(t, "")
	r.beyond = project.Problems{{Text: "stack shop-dev has 517 resources"}}
	code = r.run(t, "push", "--yes")
	r.want(t, code, exitUsage, "for 1 reason:\n  stack shop-dev has 517 resources")
	if slices.Contains(r.trail, "build") {
		t.Errorf("it was built all the same: %v", r.trail)
	}

	r = newPushRig(t, "")
	r.collisions = project.Problems{{Worker: "bill", Text: "queue shop-bill-dev belongs to another tool"}}
	code = r.run(t, "push", "--yes")
	r.want(t, code, exitUsage, "for 1 reason:", "queue shop-bill-dev belongs to another tool")
	if slices.Contains(r.trail, "build") {
		t.Errorf("it was built all the same: %v", r.trail)
	}
}

func TestPushDryRun(t *testing.T) {
	t.Parallel()
	r := newPushRig(t, "")
	code := r.run(t, "push", "--dry-run", "--read-only")
	r.want(t, code, exitDone, "dry run: nothing was changed")
	if !strings.Contains(r.stdout.String(), "stack shop-dev is made") || slices.Contains(r.trail, "apply") {
		t.Errorf("printed %q, did %v", r.stdout, r.trail)
	}
	r = newPushRig(t, "")
	r.adopted.steps = []adopt.Step{{Worker: "bill", Text: "the old mapping is disabled"}}
	code = r.run(t, "push", "--dry-run", "-o", "json")
	r.want(t, code, exitDone)
	var plan struct {
		Stacks []struct{ Name, Action string }
		Adopt  []adoptStep
	}
	if err := json.Unmarshal(r.stdout.Bytes(), &plan); err != nil || len(plan.Stacks) != 1 || plan.Stacks[0].Action != "create" || len(plan.Adopt) != 1 || plan.Adopt[0].Worker != "bill" {
		t.Errorf("printed %s: %v", r.stdout, err)
	}
}

func TestPushOfWhatIsThere(t *testing.T) {
	t.Parallel()
	r := newPushRig(t, "")
	r.deployer.plan = emptyPlan()
	code := r.run(t, "push")
	r.want(t, code, exitDone, "nothing to do: the stage is as it should be", "uploads: none, the bucket has all 2 artifacts", "!? [y/N]")
	if slices.Contains(r.trail, "apply") || slices.Contains(r.trail, "smoke") {
		t.Errorf("did %v", r.trail)
	}
	r = newPushRig(t, "")
	r.deployer.plan = emptyPlan()
	code = r.run(t, "push", "-o", "json")
	r.want(t, code, exitDone, `"status": "unchanged"`)
}

func TestPushAsks(t *testing.T) {
	t.Parallel()
	r := newPushRig(t, "n\n")
	code := r.run(t, "push")
	r.want(t, code, exitFailed, "not confirmed; nothing was done")

	r = newPushRig(t, "")
	code = r.run(t, "push")
	r.want(t, code, exitUsage, "nobody is there to be asked", "add --yes, or --dry-run to look first")

	r = newPushRig(t, "")
	code = r.run(t, "push", "--yes", "--read-only")
	r.want(t, code, exitDenied, "read-only")
	if len(r.trail) > 0 {
		t.Errorf("did %v before it was refused", r.trail)
	}

	// A protected stage wants its name.
	r = newPushRig(t, "prod\n")
	code = r.Run(t.Context(), strings.Fields("push --stage prod --service shop --region eu-west-1"))
	r.want(t, code, exitDone, "Type the stage's name, prod:")
	r = newPushRig(t, "")
	code = r.Run(t.Context(), strings.Fields("push --stage prod --service shop --region eu-west-1 --yes"))
	r.want(t, code, exitDenied, "--yes alone is not enough")
	r = newPushRig(t, "")
	code = r.Run(t.Context(), strings.Fields("push --stage prod --service shop --region eu-west-1 --yes --confirm-stage prod"))
	r.want(t, code, exitDone)
}

func TestPushThatDeletesMessages(t *testing.T) {
	t.Parallel()
	plan := func(r *pushRig) {
		r.deployer.plan.Queues = []deploy.QueueLoss{
			{Queue: "shop-old-dev", Needs: true, Text: "queue shop-old-dev of worker old is deleted with about 3 messages (3 waiting)"},
			{Queue: "shop-old-dlq-dev", Text: "dead-letter queue shop-old-dlq-dev of worker old is deleted; it is empty"},
		}
	}
	r := newPushRig(t, "")
	plan(r)
	code := r.run(t, "push", "--yes")
	r.want(t, code, exitDenied, "queue shop-old-dev of worker old is deleted with about 3 messages (3 waiting): move its messages away, or agree to lose them with --delete-queue shop-old-dev")
	if slices.Contains(r.trail, "apply") {
		t.Errorf("did %v", r.trail)
	}

	r = newPushRig(t, "")
	plan(r)
	code = r.run(t, "push", "--yes", "--delete-queue", "shop-old-dev")
	r.want(t, code, exitDone)

	r = newPushRig(t, "shop-old-dev\ny\n")
	plan(r)
	code = r.run(t, "push")
	r.want(t, code, exitDone, "These messages are lost. Type the queue's name, shop-old-dev:")
	if !slices.Equal(r.deployer.agreed.Queues, []string{"shop-old-dev"}) {
		t.Errorf("agreed to %+v", r.deployer.agreed)
	}

	r = newPushRig(t, "yes\ny\n")
	plan(r)
	code = r.run(t, "push")
	r.want(t, code, exitFailed, "not confirmed; nothing was done")
}

func TestPushRefused(t *testing.T) {
	t.Parallel()
	for _, args := range [][]string{{"push", "--yes"}, {"push", "--dry-run"}} {
		r := newPushRig(t, "")
		r.deployer.plan.Refusals = []deploy.Refusal{{Object: "shop-dev", Text: "stack shop-dev exists, and another tool has made it"}}
		code := r.run(t, args...)
		r.want(t, code, exitFailed, "refused: stack shop-dev exists, and another tool has made it")
		if slices.Contains(r.trail, "apply") {
			t.Errorf("did %v", r.trail)
		}
	}
	r := newPushRig(t, "")
	r.deployer.plan.Refusals = []deploy.Refusal{{Object: "shop-dev", Text: "stack shop-dev could not be rolled back", Continue: true}}
	r.want(t, r.run(t, "push", "--yes", "--continue-rollback"), exitDone)
}

func TestPushThatEndsOtherwise(t *testing.T) {
	t.Parallel()
	stack := &deploy.StackError{Stack: "shop-dev", Status: "UPDATE_ROLLBACK_COMPLETE", RolledBack: true, Cause: &deploy.Event{Resource: "WorkerBillFunction", Type: "AWS::Lambda::Function", Worker: "bill", Reason: "limit exceeded"}}
	done := deploy.Event{Kind: deploy.EventStack, Stack: "shop-media-dev", Type: stackType, Status: "CREATE_COMPLETE"}
	for name, tc := range map[string]struct {
		err    error
		events []deploy.Event
		code   int
		said   []string
	}{
		"a stack that fails": {stack, nil, exitFailed, []string{"WorkerBillFunction (AWS::Lambda::Function) of worker bill: limit exceeded", "it is again what it was before", `"status": "failed"`}},
		"after another one":  {stack, []deploy.Event{done}, exitPartly, []string{"limit exceeded"}},
		"interrupted":        {&deploy.InterruptedError{Stack: "shop-dev", Err: context.Canceled}, nil, exitInterrupted, []string{"CloudFormation goes on with stack shop-dev by itself; running the same again waits for it and finishes the job", `"status": "interrupted"`}},
		"stale":              {deploy.ErrStale, nil, exitFailed, []string{"the stage has changed since the plan was made: run it again, to see the new plan"}},
		"queues filled":      {&deploy.QueuesError{Queues: []deploy.QueueLoss{{Queue: "q", Text: "queue q"}}}, nil, exitDenied, []string{"confirm each queue by its name: q"}},
		"any other":          {errors.New("boom"), nil, exitFailed, []string{"aiwctl: boom"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newPushRig(t, "")
			r.deployer.failed, r.deployer.events, r.deployer.result = tc.err, tc.events, &deploy.Result{}
			r.want(t, r.run(t, "push", "--yes", "-o", "json"), tc.code, tc.said...)
			if slices.Contains(r.trail, "smoke") {
				t.Error("what failed was tested")
			}
		})
	}
	// Nothing was begun: there is no result to print.
	r := newPushRig(t, "")
	r.deployer.failed = errors.New("the audit trail cannot be written")
	r.want(t, r.run(t, "push", "--yes", "-o", "json"), exitFailed, "the audit trail cannot be written")
	if r.stdout.Len() > 0 {
		t.Errorf("printed %s", r.stdout)
	}
}

func TestPushEvents(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC)
	events := []deploy.Event{
		{Kind: deploy.EventStep, Text: "making bucket b"},
		{Kind: deploy.EventUpload, Resource: "shop/dev/artifacts/3f.zip", Worker: "bill", Bytes: 1, Total: 6_100_000},
		{Kind: deploy.EventUpload, Resource: "shop/dev/artifacts/3f.zip", Worker: "bill", Bytes: 6_100_000, Total: 6_100_000},
		{Kind: deploy.EventStack, Stack: "shop-dev", Resource: "WorkerBillQueue", Type: "AWS::SQS::Queue", Worker: "bill", Status: "CREATE_IN_PROGRESS"},
		{Kind: deploy.EventStack, Stack: "shop-dev", Resource: "WorkerBillQueue", Type: "AWS::SQS::Queue", Worker: "bill", Status: "CREATE_IN_PROGRESS", Reason: "Resource creation Initiated"},
		{Kind: deploy.EventStack, Stack: "shop-dev", Resource: "ApiFunction", Type: "AWS::Lambda::Function", Status: "CREATE_FAILED", Reason: "no\x1b[31m room\nat all"},
		{Kind: deploy.EventStack, Stack: "shop-dev", Resource: "shop-dev", Type: stackType, Status: "ROLLBACK_COMPLETE"},
		{Kind: deploy.EventWarning, Text: "careful"},
	}
	for _, tty := range []bool{false, true} {
		r := newPushRig(t, "")
		r.ErrTTY = tty
		r.Now = func() time.Time { now = now.Add(time.Second); return now }
		e := r.newPushEvents()
		for _, ev := range events {
			e.event(ev)
		}
		e.done()
		var lines []string
		for line := range strings.Lines(r.stderr.String()) {
			line = line[strings.LastIndexByte(line, '\r')+1:]
			if fields := strings.Fields(line); len(fields) > 1 {
				lines = append(lines, strings.Join(fields[1:], " "))
			}
		}
		want := []string{
			"making bucket b", "uploaded bill, 6.1 MB",
			"CREATE_IN_PROGRESS worker bill WorkerBillQueue (SQS::Queue)",
			"CREATE_FAILED stack shop-dev ApiFunction (Lambda::Function) no room at all",
			"ROLLBACK_COMPLETE stack shop-dev", "warning: careful",
		}
		if !slices.Equal(lines, want) {
			t.Errorf("on a terminal: %v: said\n%q\nwant\n%q", tty, lines, want)
		}
		if drawn := strings.Contains(r.stderr.String(), "uploading bill: 0% of 6.1 MB"); drawn != tty {
			t.Errorf("on a terminal: %v; progress is drawn: %v: %q", tty, drawn, r.stderr)
		}
	}
}

func TestPushSmoke(t *testing.T) {
	t.Parallel()
	smoke := filepath.Join(t.TempDir(), "smoke.json")
	if err := os.WriteFile(smoke, []byte(`{"bill": {"order": 1}}`), 0o600); err != nil {
		t.Fatal(err)
	}
	failed := &deploy.Smoked{Missing: []string{"ship"}, Jobs: []deploy.SmokeJob{{Worker: "bill", Status: "failed", Duration: 1200 * time.Millisecond, Err: errors.New("boom"), Error: "boom"}}}
	r := newPushRig(t, "")
	code := r.run(t, "push", "--yes", "--smoke", smoke)
	r.want(t, code, exitDone)
	if string(r.deployer.inputs["bill"]) != `{"order": 1}` {
		t.Errorf("sent %s", r.deployer.inputs)
	}

	r = newPushRig(t, "")
	r.deployer.smoked = failed
	code = r.run(t, "push", "--yes", "--smoke", smoke)
	r.want(t, code, exitPartly, "it is deployed, and the smoke test failed:\n  the workers API does not list ship\n  the job of worker bill: boom", "smoke bill", "smoke bill   boom")

	// Without --smoke it is asked all the same, and tells.
	r = newPushRig(t, "")
	r.deployer.smoked = &deploy.Smoked{Missing: []string{"ship"}}
	code = r.run(t, "push", "--yes")
	r.want(t, code, exitDone, "aiwctl: warning: the workers API does not list ship")

	// With it, a stage that is as it should be is tested too.
	r = newPushRig(t, "")
	r.deployer.plan = emptyPlan()
	code = r.run(t, "push", "--yes", "--smoke", smoke)
	r.want(t, code, exitDone)
	if !slices.Contains(r.trail, "smoke") {
		t.Errorf("did %v", r.trail)
	}
	if err := os.WriteFile(smoke, []byte(`[]`), 0o600); err != nil {
		t.Fatal(err)
	}
	r = newPushRig(t, "")
	code = r.run(t, "push", "--yes", "--smoke", smoke)
	r.want(t, code, exitUsage, "it is to be a JSON object of inputs by worker id")
}

// Queues of another tool's are handed over when our functions are there.
func TestPushAdopts(t *testing.T) {
	t.Parallel()
	r := newPushRig(t, "")
	pending := true
	r.adopted = &adoption{
		steps:    []adopt.Step{{Worker: "bill", Text: "the mapping of shop-dev-workerBill is disabled"}},
		warnings: project.Problems{{Worker: "bill", Text: "its queue keeps messages for a day only"}},
		released: map[string]project.Adopted{"gone": {Queue: "q"}},
		pending:  func() bool { return pending },
		fit:      func(context.Context) error { r.did("fit"); return nil },
		change:   func(context.Context) error { r.did("switch"); pending = false; return nil },
		verify:   func(context.Context) error { r.did("verify"); return nil },
	}
	r.deployer.plan = emptyPlan() // even where the stacks are as they should be
	code := r.run(t, "push", "--yes", "--adopt", "bill")
	r.want(t, code, exitDone, "hand over bill: the mapping of shop-dev-workerBill is disabled", "note: worker \"bill\": its queue keeps messages for a day only")
	if want := []string{"shop-dev", "shop-gone-dev"}; !slices.Equal(r.adopts.Stacks, want) {
		t.Errorf("what the stacks %q have adopted was asked for, want %q", r.adopts.Stacks, want)
	}
	if want := []string{"give back gone", "fit", "apply", "switch", "documents", "plan", "apply", "verify", "smoke"}; !slices.Equal(r.trail[len(r.trail)-len(want):], want) {
		t.Errorf("did %v, want it to end with %v", r.trail, want)
	}
}

// A hand-over that is cut off between the two functions says so.
func TestPushAdoptsByHalf(t *testing.T) {
	t.Parallel()
	const says = "the hand-over is not finished: its queues may have no reader until this is run again"
	for name, tt := range map[string]struct {
		change error
		failed []error // of the deployments
		says   string
		code   int
	}{
		"before":     {nil, []error{errors.New("no room")}, "!" + says, exitFailed},
		"in between": {errors.New("no room"), nil, "no room\n" + says, exitFailed},
		"after":      {nil, []error{nil, &deploy.InterruptedError{Stack: "shop-dev", Err: context.Canceled}}, says, exitInterrupted},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newPushRig(t, "")
			r.adopted.pending = func() bool { return true }
			r.adopted.change = func(context.Context) error { return tt.change }
			r.deployer.failures = tt.failed
			r.want(t, r.run(t, "push", "--yes", "--adopt", "bill"), tt.code, tt.says)
		})
	}
}

func TestPushEmit(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	zip := filepath.Join(dir, "a.zip")
	if err := os.WriteFile(zip, []byte("zip"), 0o600); err != nil {
		t.Fatal(err)
	}
	out := filepath.Join(dir, "out")
	run := func(args ...string) (*pushRig, int) {
		r := newPushRig(t, "")
		r.tools.build = func(_ context.Context, p *project.Project, _ string, _ func(string)) error {
			p.API = project.Artifact{File: zip, SHA256: "4a70fe9aa6436e02c2dea340fbd1e352e4ef2d8ce6ca52ad25d4b95471fc8bf2", Size: 3}
			p.Programs[0].Artifact = p.API
			return nil
		}
		r.secrets = []deploy.Secret{{Ref: project.Ref{Store: project.SSM, Name: "/shop/dev/MAIL_KEY"}, Reveal: func() string { return "hush" }}}
		return r, r.run(t, append([]string{"push", "--out", out}, args...)...)
	}
	r, code := run("--emit", "cloudformation", "--dry-run")
	r.want(t, code, exitDone, "would be written")
	if _, err := os.Stat(out); err == nil {
		t.Error("a dry run writes")
	}
	r, code = run("--emit", "cloudformation", "--read-only")
	r.want(t, code, exitDone, filepath.Join(out, "shop-dev.json"), filepath.Join(out, "artifacts", "4a70fe9aa6436e02c2dea340fbd1e352e4ef2d8ce6ca52ad25d4b95471fc8bf2.zip"),
		"these have to be stored, in SSM as SecureString:\n  ssm:/shop/dev/MAIL_KEY\n  ssm:/shop/dev/WORKERS_API_KEY\n", "!hush")
	if slices.Contains(r.trail, "plan") {
		t.Errorf("did %v", r.trail)
	}
	r, code = run("--emit", "serverless")
	r.want(t, code, exitDone, "serverless.yml", "shop-dev.json", "removed")
	if err := os.WriteFile(filepath.Join(out, "serverless.yml"), []byte("mine"), 0o600); err != nil {
		t.Fatal(err)
	}
	r, code = run("--emit", "serverless")
	r.want(t, code, exitFailed, "aiwctl did not write these files, or they were changed since: serverless.yml")
}

func TestPushRollback(t *testing.T) {
	t.Parallel()
	r := newPushRig(t, "y\n")
	r.deployer.plan.Kind, r.deployer.plan.To = deploy.Rollback, "20260101T000000Z-aaaaaa"
	code := r.run(t, "push", "rollback")
	r.want(t, code, exitDone, "rollback of shop in stage dev: account 123456789012, eu-west-1, back to deployment 20260101T000000Z-aaaaaa", "Roll back stage dev of shop: make 1 stack")
	if r.deployer.asked != "rollback of shop to " || !slices.Equal(r.trail, []string{"apply"}) {
		t.Errorf("asked for %q, did %v", r.deployer.asked, r.trail)
	}
	r = newPushRig(t, "")
	code = r.run(t, "push", "rollback", "20260101T000000Z-aaaaaa", "--dry-run")
	r.want(t, code, exitDone, "dry run: nothing was changed")
	if r.deployer.asked != "rollback of shop to 20260101T000000Z-aaaaaa" || len(r.trail) > 0 {
		t.Errorf("asked for %q, did %v", r.deployer.asked, r.trail)
	}
	for err, text := range map[error]string{deploy.ErrNoEarlier: "there is no earlier deployment on record", deploy.ErrNotDeployed: "the stage is not deployed"} {
		r = newPushRig(t, "")
		r.deployer.err = err
		r.want(t, r.run(t, "push", "rollback", "--yes"), exitNothing, "aiwctl: "+text)
	}
}

// A queue that the deployment before did not read has a reader afterwards; one that has been
// given back is not taken again.
func TestPushRollbackOfAHandOver(t *testing.T) {
	t.Parallel()
	bill := project.Adopted{Queue: "old-bill", Mappings: []string{"uuid"}, Function: "old"}
	live := bill
	live.Live = true
	for _, tt := range []struct {
		name      string
		now, next map[string]project.Adopted
		code      int
		trail     []string
		says      string
	}{
		{"to before it", map[string]project.Adopted{"bill": live}, nil, exitDone, []string{"give back bill", "apply"}, "hand over bill: enable the mapping by which function old has read it"},
		{"to the middle of it", map[string]project.Adopted{"bill": live}, map[string]project.Adopted{"bill": bill}, exitDone, []string{"give back bill", "apply"}, "hand over bill: "},
		{"to after it", map[string]project.Adopted{"bill": live}, map[string]project.Adopted{"bill": live}, exitDone, []string{"apply"}, "!hand over"},
		{
			"of a giving back", nil,
			map[string]project.Adopted{"bill": live},
			exitFailed, nil,
			`refused: worker "bill" has read queue old-bill in that deployment, which function old reads now: push the code of then with --adopt bill instead`,
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			r := newPushRig(t, "")
			r.deployer.plan.Kind = deploy.Rollback
			r.adopted.released, r.next = tt.now, tt.next
			r.want(t, r.run(t, "push", "rollback", "--yes"), tt.code, tt.says)
			if !slices.Equal(r.trail, tt.trail) {
				t.Errorf("did %v, want %v", r.trail, tt.trail)
			}
		})
	}
}

func TestPushRemove(t *testing.T) {
	t.Parallel()
	r := newPushRig(t, "")
	p := r.deployer.plan
	p.Kind, p.Artifacts, p.Secrets = deploy.Remove, nil, nil
	p.Stacks[0].Action = deploy.Delete
	r.adopted.released = map[string]project.Adopted{"bill": {Queue: "old-bill", Mappings: []string{"uuid"}, Function: "old"}}
	code := r.run(t, "push", "remove", "--yes")
	r.want(t, code, exitDone, "stack shop-dev is deleted", "remove stage dev of shop: delete 1 stack", "hand over bill: ", "!next:")
	if want := []string{"give back bill", "apply"}; !slices.Equal(r.trail, want) {
		t.Errorf("did %v, want %v", r.trail, want)
	}
	r = newPushRig(t, "")
	r.deployer.err = deploy.ErrNotDeployed
	r.want(t, r.run(t, "push", "remove", "--yes"), exitNothing, "the stage is not deployed")
}

func TestPushStatus(t *testing.T) {
	t.Parallel()
	r := newPushRig(t, "")
	now := r.Now()
	r.deployer.status = &deploy.Status{
		Service: "shop", Stage: "dev", APIURL: "https://x.example.com/dev", Notes: []string{"the bucket could not be read"},
		Stacks: []deploy.StackStatus{{
			Name: "shop-dev", Status: "UPDATE_IN_PROGRESS", Updated: now.Add(-time.Minute), Deployment: "d2", Workers: []deploy.WorkerStatus{{ID: "bill"}, {ID: "ship"}},
			Events: []deploy.Event{{Time: now.Add(-5 * time.Second), Resource: "WorkerBillQueue", Type: "AWS::SQS::Queue", Status: "UPDATE_IN_PROGRESS"}},
		}},
		Deployments: []deploy.Deployment{{ID: "d2", Kind: deploy.Rollback, To: "d1", Begun: now.Add(-time.Hour), Outcome: deploy.Failed, Error: "no\nroom", Revision: "abc123", By: "user/ada"}},
	}
	code := r.run(t, "push", "status")
	r.want(t, code, exitDone, "shop-dev  UPDATE_IN_PROGRESS  1m", "bill, ship", "workers API: https://x.example.com/dev", "5s  UPDATE_IN_PROGRESS  WorkerBillQueue (SQS::Queue)",
		"rollback to d1", "1h ago", "failed: no room", "abc123", "user/ada", "warning: the bucket could not be read")
	r = newPushRig(t, "")
	r.deployer.err = deploy.ErrNotDeployed
	r.want(t, r.run(t, "push", "status"), exitNothing, "aiwctl: the stage is not deployed")
}
