package aws

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	awssdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"

	"github.com/microfox-ai/aiwctl/dispatch"
)

// attribute changes one of a queue's.
func (f *fakeAWS) attribute(queue, name, value string) *fakeAWS {
	f.queues[queue][name] = value
	return f
}

// unmap deletes the mapping of a function.
func (f *fakeAWS) unmap(function string) *fakeAWS {
	f.mappings = slices.DeleteFunc(f.mappings, func(m types.EventSourceMappingConfiguration) bool {
		return *m.FunctionArn == functionARN(function)
	})
	return f
}

func findings(inv *Inventory) []string {
	var out []string
	for _, p := range inv.Findings {
		out = append(out, p.Severity+": "+string(p.Kind)+": "+p.Object)
	}
	return out
}

func wantFindings(t *testing.T, inv *Inventory, want ...string) {
	t.Helper()
	if got := findings(inv); !slices.Equal(got, want) {
		t.Errorf("findings = %q, want %q", got, want)
	}
}

// text is the text of a worker's problem of a kind.
func text(t *testing.T, w *Worker, kind ProblemKind) string {
	t.Helper()
	for _, p := range slices.Concat(w.Problems, w.Notes) {
		if p.Kind == kind {
			return p.Text
		}
	}
	t.Fatalf("%s has no %q: %v %v", w.ID, kind, w.Problems, w.Notes)
	return ""
}

func wantIn(t *testing.T, text string, wants ...string) {
	t.Helper()
	for _, want := range wants {
		if !strings.Contains(text, want) {
			t.Errorf("%q does not say %q", text, want)
		}
	}
}

// typescriptConfig is what a workers API of the TypeScript system answers.
const typescriptConfig = `{"version":"1.0.0","stage":"prod","region":"eu-west-1",
 "workers":{
  "scraper-two":{"queueUrl":"https://sqs.eu-west-1.amazonaws.com/111122223333/p-a1b2c3d4e5f6789-scraper-two-prod","region":"eu-west-1","group":"default"},
  "two":{"queueUrl":"https://sqs.eu-west-1.amazonaws.com/111122223333/p-a1b2c3d4e5f6789-scraper-two-prod-x","region":"eu-west-1","group":"scraper"},
  "foo":{"queueUrl":"https://sqs.eu-west-1.amazonaws.com/111122223333/p-a1b2c3d4e5f6789-foo-prod","region":"eu-west-1","group":"default"},
  "smartDemo":{"queueUrl":"https://sqs.eu-west-1.amazonaws.com/111122223333/p-a1b2c3d4e5f6789-smartDemo-prod","region":"eu-west-1","group":"default"}},
 "schemas":{
  "foo":{"$schema":"https://json-schema.org/draft/2020-12/schema","type":"object",
   "properties":{"url":{"type":"string"},"depth":{"default":3,"type":"number"}},"required":["url","depth"],"additionalProperties":false},
  "lost":{"type":"object"}},
 "queues":[
  {"id":"nightly","steps":[
    {"workerId":"foo","delaySeconds":30,"hasChain":true},
    {"workerId":"smartDemo","requiresApproval":true,"hasResume":true,"hitlTitle":"Check it","hitlInputSchema":{"type":"object"}},
    {"workerId":"foo","hasLoop":true}],
   "schedule":{"rate":["cron(0 3 * * ? *)","rate(1 hour)"],"enabled":false,"input":{"a":1}}},
  {"id":"broken","steps":[{"workerId":"nobody"}],"schedule":"rate(5 minutes)"},
  {"id":"parked","steps":[{"workerId":"lost"}],"schedule":{"enabled":true}},
  7]}`

// A stage that somebody else has deployed with the TypeScript system: retention of
// 14 days everywhere, the timeout and a minute as visibility timeout, a worker whose
// queue the API could not look up, and names that say two things.
func TestInventoryOfATypeScriptStage(t *testing.T) {
	t.Parallel()
	const service = "p-a1b2c3d4e5f6789"
	f := newFakeAWS().
		worker(service, "foo", "prod", "nodejs20.x").
		worker(service, "scraper-two", "prod", "nodejs20.x").
		worker(service, "smartDemo", "prod", "nodejs20.x")
	for name := range f.queues {
		f.attribute(name, "MessageRetentionPeriod", "1209600")
	}
	// The queue of worker two in group scraper, by a name that is nobody's pattern.
	f.queue(service+"-scraper-two-prod-x", service+"-scraper-two-dlq-prod", 0).
		function(service+"-scraper-prod-workerTwo", "nodejs20.x", service+"-scraper-two-prod-x", map[string]string{"ENVIRONMENT": "prod"})
	var cfg dispatch.WorkersConfig
	if err := json.Unmarshal([]byte(typescriptConfig), &cfg); err != nil {
		t.Fatal(err)
	}
	inv := mustInventory(t, f.stage(Target{BaseURL: newWorkersAPI(t, cfg).URL}, Options{}))
	wantIDs(t, inv, "foo", "lost", "scraper-two", "smartDemo", "two")
	wantKinds(t, find(t, inv, "foo"))
	wantKinds(t, find(t, inv, "smartDemo"))
	wantKinds(t, find(t, inv, "lost"), "error: no queue")
	if got := find(t, inv, "smartDemo").Function.Name; got != service+"-prod-workerSmartdemo" {
		t.Errorf("function of smartDemo = %s", got)
	}
	// The group and the dead-letter queue are what the sources say.
	if two := find(t, inv, "two"); two.Group != "scraper" || two.DLQ.Name != service+"-scraper-two-dlq-prod" || two.Function.Name != service+"-scraper-prod-workerTwo" {
		t.Errorf("worker two = %+v", two)
	}
	wantIn(t, text(t, find(t, inv, "foo"), NoteVisibility), "6m", "30m")
	wantIn(t, text(t, find(t, inv, "foo"), NoteRetention), "14 days")

	schema, err := find(t, inv, "foo").Schema()
	if err != nil {
		t.Fatal(err)
	}
	// Zod's output schema requires what has a default and refuses what is more; the
	// worker does neither.
	if vs := schema.Validate([]byte(`{"url":"u","more":1}`)); !dispatch.Valid(vs) || len(vs) != 1 {
		t.Errorf("violations of an input that the worker accepts: %v, want a warning about more", vs)
	}
	if vs := schema.Validate([]byte(`{"depth":1}`)); dispatch.Valid(vs) {
		t.Error("an input without url is accepted")
	}

	wantFindings(t, inv, "error: chain names an unknown worker: broken")
	wantIn(t, inv.Findings[0].Text, `step 1`, `"nobody"`, "no run of it can start")
	if len(inv.Warnings) != 1 || !strings.Contains(inv.Warnings[0].Error(), "queues[3]") {
		t.Errorf("Warnings = %v, want one that names queues[3]", inv.Warnings)
	}
	places := inv.Places("foo")
	if len(places) != 2 || places[0].String() != "step 1 of 3 of chain nightly" || places[1].Next() != nil {
		t.Fatalf("Places(foo) = %v", places)
	}
	next := places[0].Next()
	if next.WorkerID != "smartDemo" || !next.RequiresApproval || next.HITLTitle != "Check it" || places[0].Chain.Steps[0].Delay != 30*time.Second {
		t.Errorf("the step after foo = %+v", next)
	}
	if s := places[0].Chain.Schedules; len(s) != 2 || !s[1].Disabled || s[0].Rate != "cron(0 3 * * ? *)" || string(s[0].Input) != `{"a":1}` {
		t.Errorf("schedules = %+v", s)
	}
	if s := inv.Places("lost")[0].Chain.Schedules; len(s) != 0 {
		t.Errorf("a schedule without a rate is %+v, want none: it is deployed as nothing", s)
	}
}

// A worker whose queue the API cannot look up is missing from its answer without a
// word, unless somebody with the key asks why.
func TestInventoryAsksTheAPIWhatItLacks(t *testing.T) {
	t.Parallel()
	cfg := configFor("echo")
	cfg.Errors = []dispatch.WorkersConfigError{{WorkerID: "silent", QueueName: "p-x-silent-prod", Name: "QueueDoesNotExist", Message: "no such queue"}}
	api := newWorkersAPI(t, cfg)
	api.key = "k"
	f := newFakeAWS().worker("p-x", "echo", "prod", "nodejs20.x")
	inv := mustInventory(t, f.stage(Target{BaseURL: api.URL}, Options{Getenv: envOf(map[string]string{"WORKERS_API_KEY": "k"})}))
	wantIDs(t, inv, "echo", "silent")
	wantIn(t, text(t, find(t, inv, "silent"), ProblemNoQueue), "QueueDoesNotExist no such queue")
}

// Queues and functions by arbitrary names, and nothing but AWS to ask.
func TestInventoryOfPlainQueuesAndFunctions(t *testing.T) {
	t.Parallel()
	f := newFakeAWS().
		queue("orders-intake", "orders-poison", 3).queue("orders-poison", "", 2).
		function("intake_handler", "python3.13", "orders-intake", nil).
		queue("orders-mail.fifo", "", 0).attribute("orders-mail.fifo", "FifoQueue", "true").
		function("mailer", "java21", "orders-mail.fifo", nil).
		// Nobody reads these:
		queue("orders-forgotten", "orders-forgotten-dlq", 9).queue("orders-forgotten-dlq", "", 0).
		queue("orders-polled", "", 5).attribute("orders-polled", "ApproximateNumberOfMessagesNotVisible", "2").
		queue("orders-empty", "", 0).
		// Dead-letter queues that have lost their queue, one by its policy, one by name:
		queue("orders-heap", "", 4).attribute("orders-heap", "RedriveAllowPolicy", fmt.Sprintf(`{"redrivePermission":"byQueue","sourceQueueArns":[%q]}`, queueARN("orders-old"))).
		queue("orders-old-dlq", "", 0).
		// The dead-letter queue of somebody else:
		queue("orders-shared", "", 1).queue("billing", "orders-shared", 0)
	f.attribute("orders-poison", "MessageRetentionPeriod", "1209600").attribute("orders-forgotten-dlq", "MessageRetentionPeriod", "1209600")

	inv := mustInventory(t, f.stage(Target{Prefix: "orders-"}, Options{}))
	wantIDs(t, inv, "orders-empty", "orders-forgotten", "orders-intake", "orders-mail.fifo", "orders-polled")
	intake := find(t, inv, "orders-intake")
	wantKinds(t, intake)
	if intake.DLQ.Name != "orders-poison" || intake.Function.Name != "intake_handler" || intake.Queue.Depth.Visible != 3 {
		t.Errorf("orders-intake = %+v", intake)
	}
	wantKinds(t, find(t, inv, "orders-forgotten"), "error: queue without function")
	wantIn(t, text(t, find(t, inv, "orders-forgotten"), ProblemNoFunction), "9 messages", "4 days")
	wantKinds(t, find(t, inv, "orders-polled"), "warning: no dead-letter queue", "warning: queue without function")
	wantIn(t, text(t, find(t, inv, "orders-polled"), ProblemNoFunction), "something other than Lambda")
	wantKinds(t, find(t, inv, "orders-empty"), "warning: no dead-letter queue", "warning: queue without function")
	wantKinds(t, find(t, inv, "orders-mail.fifo"), "warning: no dead-letter queue")
	wantFindings(t, inv, "warning: orphan dead-letter queue: orders-heap", "info: orphan dead-letter queue: orders-old-dlq")
	wantIn(t, inv.Findings[0].Text, "RedriveAllowPolicy names orders-old", "4 messages", "aiwctl dlq peek orders-heap")

	// Without a filter nothing bounds the search, and no queue is listed.
	f.calls = make(map[string]int)
	inv = mustInventory(t, f.stage(Target{}, Options{}))
	wantIDs(t, inv, "orders-intake", "orders-mail.fifo")
	if n := f.count("ListQueues"); n > 0 {
		t.Errorf("the queues of the whole region were listed, in %d calls", n)
	}
}

// A mapping was deleted, or a function was never wired.
func TestInventoryFindsWhatLostItsMapping(t *testing.T) {
	t.Parallel()
	f := newFakeAWS().worker("p-x", "echo", "prod", "nodejs20.x").worker("p-x", "cut-off", "prod", "nodejs20.x").
		worker("p-x", "echo", "non-prod", "nodejs20.x").worker("p-x", "gone", "non-prod", "nodejs20.x").
		unmap("p-x-prod-workerCutOff").unmap("p-x-non-prod-workerGone")
	for name, target := range map[string]Target{
		"service and stage":              {Service: "p-x", Stage: "prod"},
		"the names reveal their service": {Stage: "prod"},
	} {
		inv := mustInventory(t, f.stage(target, Options{}))
		if got := ids(inv); !slices.Equal(got, []string{"cut-off", "echo"}) {
			t.Fatalf("%s: workers = %q", name, got)
		}
		lost := find(t, inv, "cut-off")
		wantKinds(t, lost, "error: no mapping")
		wantIn(t, lost.Problems[0].Text, "p-x-cut-off-prod", "its function p-x-prod-workerCutOff is there")
		if lost.DLQ == nil || lost.DLQ.Name != "p-x-cut-off-dlq-prod" || lost.Function == nil {
			t.Errorf("%s: cut-off = %+v, want its dead-letter queue and its function", name, lost)
		}
		wantFindings(t, inv)
	}
	t.Run("a function that says which worker it runs, without a queue", func(t *testing.T) {
		t.Parallel()
		f := newFakeAWS().worker("p-x", "echo", "prod", "provided.al2023").function("odd", "provided.al2023", "none", map[string]string{"STAGE": "prod"}).unmap("odd")
		fn := f.functions["odd"]
		fn.Handler = awssdk.String("worker.lonely")
		f.functions["odd"] = fn
		inv := mustInventory(t, f.stage(Target{Stage: "prod"}, Options{}))
		wantIDs(t, inv, "echo", "lonely")
		wantKinds(t, find(t, inv, "lonely"), "error: no queue")
		wantIn(t, find(t, inv, "lonely").Problems[0].Text, "odd", "lonely")
	})
	t.Run("another project's queue is not ours because it begins alike", func(t *testing.T) {
		t.Parallel()
		f := newFakeAWS().worker("p-x", "echo", "prod", "nodejs20.x").worker("p-xy", "echo", "prod", "nodejs20.x").queue("p-xy-lost-prod", "", 1)
		wantIDs(t, mustInventory(t, f.stage(Target{Service: "p-x", Stage: "prod"}, Options{})), "echo")
	})
	t.Run("where Lambda cannot be asked, nobody says that nothing reads a queue", func(t *testing.T) {
		t.Parallel()
		f := newFakeAWS().worker("p-x", "echo", "prod", "nodejs20.x").queue("p-x-lost-prod", "", 1)
		f.fail["ListEventSourceMappings"] = apiError("Lambda", "x", denied, "no")
		inv := mustInventory(t, f.stage(Target{BaseURL: newWorkersAPI(t, configFor("echo")).URL}, Options{}))
		wantIDs(t, inv, "echo")
		wantKinds(t, find(t, inv, "echo"))
	})
	t.Run("listing denied is a warning", func(t *testing.T) {
		t.Parallel()
		f := newFakeAWS().worker("p-x", "echo", "prod", "nodejs20.x")
		f.fail["ListQueues"] = apiError("SQS", "ListQueues", denied, "not authorized to perform: sqs:ListQueues")
		inv := mustInventory(t, f.stage(Target{Service: "p-x"}, Options{}))
		wantIDs(t, inv, "echo")
		if len(inv.Warnings) != 1 {
			t.Fatalf("Warnings = %v, want one", inv.Warnings)
		}
		wantIn(t, inv.Warnings[0].Error(), "queues that no function reads are not shown")
	})
}

// CONTRACT: a worker may be called foo-dlq. Its queue has a name that looks like
// the dead-letter queue of foo, and must not be taken for it while anything says
// otherwise.
func TestAWorkerMayBeNamedLikeADeadLetterQueue(t *testing.T) {
	t.Parallel()
	// foo's own dead-letter queue, as deployments name it, is the queue's name of
	// worker foo-dlq in stage prod: they differ in the policy alone.
	f := newFakeAWS().worker("p-x", "foo", "prod", "nodejs20.x").
		queue("p-x-bar-dlq-prod", "p-x-bar-dlq-dlq-prod", 0).queue("p-x-bar-dlq-dlq-prod", "", 0)
	f.attribute("p-x-bar-dlq-dlq-prod", "MessageRetentionPeriod", "1209600")
	inv := mustInventory(t, f.stage(Target{Service: "p-x", Stage: "prod"}, Options{}))
	// p-x-bar-dlq-prod has a dead-letter queue of its own: it gets jobs.
	wantIDs(t, inv, "foo", "p-x-bar-dlq-prod")
	wantFindings(t, inv)
	s := f.stage(Target{Service: "p-x", Stage: "prod"}, Options{})
	s.manifest = &dispatch.Manifest{Version: 1, Workers: []dispatch.ManifestWorker{{ID: "bar-dlq"}}}
	wantIDs(t, mustInventory(t, s), "bar-dlq", "foo")
}

// 500 workers with their dead-letter queues cost what their number makes
// necessary, and no call more.
func TestInventoryCountsItsCalls(t *testing.T) {
	t.Parallel()
	f := newFakeAWS()
	f.pageSize = 100
	var workers []string
	for i := range 500 {
		id := fmt.Sprintf("w%03d", i)
		workers = append(workers, id)
		f.worker("p-x", id, "prod", "nodejs20.x")
	}
	s := f.stage(Target{BaseURL: newWorkersAPI(t, configFor(workers...)).URL}, Options{})
	inv := mustInventory(t, s)
	if len(inv.Workers) != 500 || len(inv.Warnings) > 0 {
		t.Fatalf("%d workers, warnings %v", len(inv.Workers), inv.Warnings)
	}
	want := map[string]int{
		"ListEventSourceMappings": 5,    // 100 a page
		"ListFunctions":           10,   // 50 a page
		"ListQueues":              1,    // 1,000 a page: is there a queue that nobody reads?
		"GetQueueAttributes":      1000, // one for each queue: SQS has no way of asking for several
	}
	if !mapsEqual(f.calls, want) {
		t.Errorf("calls = %v, want %v", f.calls, want)
	}
	f.calls = make(map[string]int)
	names, err := s.Names(t.Context())
	if err != nil || !slices.Equal(names, workers) {
		t.Errorf("Names = %d, %v", len(names), err)
	}
	if want := map[string]int{"ListEventSourceMappings": 5}; !mapsEqual(f.calls, want) {
		t.Errorf("the ids alone cost %v, want %v", f.calls, want)
	}
}

func mapsEqual(a, b map[string]int) bool { return fmt.Sprint(a) == fmt.Sprint(b) }
