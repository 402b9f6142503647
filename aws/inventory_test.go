package aws

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	awssdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
	"github.com/aws/smithy-go"

	"github.com/microfox-ai/aiwctl/dispatch"
)

func mustInventory(t *testing.T, s *Stage) *Inventory {
	t.Helper()
	inv, err := s.Inventory(t.Context())
	if err != nil {
		t.Fatalf("Inventory: %v", err)
	}
	return inv
}

func ids(inv *Inventory) []string {
	var out []string
	for _, w := range inv.Workers {
		out = append(out, w.ID)
	}
	return out
}

func kinds(w *Worker) []string {
	var out []string
	for _, p := range w.Problems {
		out = append(out, p.Severity+": "+string(p.Kind))
	}
	return out
}

func wantIDs(t *testing.T, inv *Inventory, want ...string) {
	t.Helper()
	if got := ids(inv); !slices.Equal(got, want) {
		t.Fatalf("workers = %q, want %q", got, want)
	}
}

func wantKinds(t *testing.T, w *Worker, want ...string) {
	t.Helper()
	if got := kinds(w); !slices.Equal(got, want) {
		t.Errorf("problems of %s = %q, want %q", w.ID, got, want)
	}
}

func find(t *testing.T, inv *Inventory, id string) *Worker {
	t.Helper()
	w, ok := inv.Worker(id)
	if !ok {
		t.Fatalf("no worker %q among %q", id, ids(inv))
	}
	return w
}

func TestInventoryJoinsEverySource(t *testing.T) {
	t.Parallel()
	f := newFakeAWS().worker("p-x", "video-processing", "prod", "nodejs20.x").worker("p-x", "echo", "prod", "provided.al2023")
	f.queues["p-x-echo-prod"]["ApproximateNumberOfMessages"] = "7"
	f.queues["p-x-echo-prod"]["ApproximateNumberOfMessagesNotVisible"] = "2"
	f.queues["p-x-echo-prod"]["ApproximateNumberOfMessagesDelayed"] = "1"
	f.queues["p-x-echo-dlq-prod"]["ApproximateNumberOfMessages"] = "4"
	fn := f.functions["p-x-prod-workerEcho"]
	fn.LoggingConfig = &types.LoggingConfig{LogGroup: awssdk.String("/custom/echo")}
	f.functions["p-x-prod-workerEcho"] = fn
	api := newWorkersAPI(t, configFor("echo", "video-processing"))
	s := f.stage(Target{BaseURL: api.URL}, Options{})

	inv := mustInventory(t, s)
	wantIDs(t, inv, "echo", "video-processing")
	if want := []string{SourceConfig, SourceMappings, SourceFunctions}; !slices.Equal(inv.Sources, want) {
		t.Errorf("Sources = %q, want %q", inv.Sources, want)
	}
	if len(inv.Warnings) > 0 {
		t.Errorf("Warnings = %v, want none", inv.Warnings)
	}
	echo := find(t, inv, "echo")
	if got, want := echo.Queue.Depth, (Depth{Visible: 7, InFlight: 2, Delayed: 1, At: testNow()}); got != want {
		t.Errorf("depth = %+v, want %+v", got, want)
	}
	if echo.DLQ == nil || echo.DLQ.Name != "p-x-echo-dlq-prod" || echo.DLQ.Depth.Visible != 4 {
		t.Errorf("DLQ = %+v, want p-x-echo-dlq-prod with 4 messages", echo.DLQ)
	}
	if echo.Function.LogGroup != "/custom/echo" || echo.Function.Timeout != 5*time.Minute || echo.Function.LastModified.Year() != 2026 {
		t.Errorf("function = %+v, want the settings Lambda gives", echo.Function)
	}
	if echo.Mapping.UUID != "uuid-p-x-prod-workerEcho" || echo.Queue.MaxReceiveCount != 3 || echo.Queue.VisibilityTimeout != 6*time.Minute {
		t.Errorf("mapping = %+v, queue = %+v", echo.Mapping, echo.Queue)
	}
	if echo.TolerantSchema {
		t.Error("the schema of a compiled worker is tolerant, want strict")
	}
	video := find(t, inv, "video-processing")
	if !video.TolerantSchema || video.InputSchema == nil || video.Group != "default" {
		t.Errorf("TypeScript worker = %+v, want its schema, tolerant, group default", video)
	}
	wantKinds(t, video)
	if got := s.Target().Stage; got != "prod" {
		t.Errorf("Target().Stage = %q, want what workers/config says", got)
	}
	// 1 page of mappings, 1 of functions, 1 list of the service's queues, 4 queues:
	// nothing is asked twice.
	for op, want := range map[string]int{"ListEventSourceMappings": 1, "ListFunctions": 1, "GetQueueAttributes": 4, "GetFunctionConfiguration": 0, "GetQueueUrl": 0, "ListQueues": 1, "ListDeadLetterSourceQueues": 0} {
		if got := f.count(op); got != want {
			t.Errorf("%s was called %d times, want %d", op, got, want)
		}
	}
	text, err := json.Marshal(inv)
	if err != nil || strings.Contains(string(text), "hunter2") {
		t.Errorf("the inventory holds a function's environment (%v)", err)
	}
}

// Names are ambiguous: worker foo-dlq beside the DLQ of worker foo, and worker
// scraper-two of a service beside worker two of its group scraper.
func TestInventoryNeverTrustsNames(t *testing.T) {
	t.Parallel()
	t.Run("worker foo-dlq is a worker, foo's DLQ is what its policy names", func(t *testing.T) {
		t.Parallel()
		f := newFakeAWS().
			queue("p-x-foo-prod", "foo-dead-letters", 0).queue("foo-dead-letters", "", 2).
			function("p-x-prod-workerFoo", "nodejs20.x", "p-x-foo-prod", nil).
			queue("p-x-foo-dlq-prod", "foo-dead-letters", 5).
			function("p-x-prod-workerFooDlq", "nodejs20.x", "p-x-foo-dlq-prod", nil)
		for name, s := range map[string]*Stage{
			"config":     f.stage(Target{BaseURL: newWorkersAPI(t, configFor("foo", "foo-dlq")).URL}, Options{}),
			"AWS alone":  f.stage(Target{Service: "p-x", Stage: "prod"}, Options{}),
			"no service": f.stage(Target{Stage: "prod"}, Options{}),
		} {
			inv := mustInventory(t, s)
			wantIDs(t, inv, "foo", "foo-dlq")
			if got := find(t, inv, "foo").DLQ.Name; got != "foo-dead-letters" {
				t.Errorf("%s: DLQ of foo = %s, want foo-dead-letters", name, got)
			}
			if got := find(t, inv, "foo-dlq").Queue.Depth.Visible; got != 5 {
				t.Errorf("%s: depth of worker foo-dlq = %d, want its own queue's 5", name, got)
			}
		}
	})
	t.Run("a function that reads a DLQ does not make it a worker", func(t *testing.T) {
		t.Parallel()
		f := newFakeAWS().worker("p-x", "foo", "prod", "nodejs20.x").
			function("p-x-prod-dlqAlarm", "nodejs20.x", "p-x-foo-dlq-prod", nil)
		wantIDs(t, mustInventory(t, f.stage(Target{Stage: "prod"}, Options{})), "foo")
	})
	t.Run("one queue as worker and DLQ is shown and is an error", func(t *testing.T) {
		t.Parallel()
		f := newFakeAWS().worker("p-x", "foo", "prod", "nodejs20.x").
			function("p-x-prod-workerFooDlq", "nodejs20.x", "p-x-foo-dlq-prod", nil)
		inv := mustInventory(t, f.stage(Target{BaseURL: newWorkersAPI(t, configFor("foo", "foo-dlq")).URL}, Options{}))
		wantIDs(t, inv, "foo", "foo-dlq")
		w := find(t, inv, "foo-dlq")
		wantKinds(t, w, "error: queue is a dead-letter queue", "warning: no dead-letter queue")
		if !strings.Contains(w.Problems[0].Text, "foo") {
			t.Errorf("problem %q does not name the worker whose dead letters are taken", w.Problems[0].Text)
		}
	})
	t.Run("the function's name tells group and worker apart", func(t *testing.T) {
		t.Parallel()
		one := newFakeAWS().worker("p-x", "scraper-two", "prod", "nodejs20.x")
		wantIDs(t, mustInventory(t, one.stage(Target{Service: "p-x", Stage: "prod"}, Options{})), "scraper-two")
		two := newFakeAWS().worker("p-x-scraper", "two", "prod", "nodejs20.x")
		wantIDs(t, mustInventory(t, two.stage(Target{Service: "p-x", Stage: "prod"}, Options{})), "two")
	})
	t.Run("where the names do not agree, the queue's name is the id", func(t *testing.T) {
		t.Parallel()
		f := newFakeAWS().queue("orders-intake-prod", "", 0).function("orders-consumer", "python3.13", "orders-intake-prod", nil)
		wantIDs(t, mustInventory(t, f.stage(Target{Service: "orders", Stage: "prod"}, Options{})), "orders-intake-prod")
	})
	t.Run("our own function says which worker it runs", func(t *testing.T) {
		t.Parallel()
		f := newFakeAWS().queue("anything", "", 0).function("whatever", "provided.al2023", "anything", nil)
		fn := f.functions["whatever"]
		fn.Handler = awssdk.String("worker.thumb-nails")
		f.functions["whatever"] = fn
		wantIDs(t, mustInventory(t, f.stage(Target{}, Options{})), "thumb-nails")
	})
}

func TestInventoryFiltersServiceAndStage(t *testing.T) {
	t.Parallel()
	f := newFakeAWS().
		worker("p-x", "echo", "prod", "nodejs20.x").worker("p-x", "echo", "staging", "nodejs20.x").
		worker("p-x", "echo", "non-prod", "nodejs20.x").worker("p-y", "echo", "prod", "nodejs20.x").
		queue("plain", "", 0).function("plain-reader", "python3.13", "plain", nil)
	for _, tt := range []struct {
		name   string
		target Target
		want   []string
	}{
		{"service and stage", Target{Service: "p-x", Stage: "prod"}, []string{"echo"}},
		{"the other stage", Target{Service: "p-x", Stage: "non-prod"}, []string{"echo"}},
		{"stage alone: two services, so names that differ", Target{Stage: "prod"}, []string{"p-x-echo-prod", "p-y-echo-prod"}},
		{"neither: everything, plain queues too", Target{}, []string{"p-x-echo-non-prod", "p-x-echo-prod", "p-x-echo-staging", "p-y-echo-prod", "plain"}},
		{"unknown stage", Target{Stage: "prdo"}, nil},
		{"unknown service", Target{Service: "p-z"}, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			wantIDs(t, mustInventory(t, f.stage(tt.target, Options{})), tt.want...)
		})
	}
}

func TestInventoryFindsProblems(t *testing.T) {
	t.Parallel()
	type account = *fakeAWS
	mapping := func(f account) *types.EventSourceMappingConfiguration { return &f.mappings[0] }
	setFunction := func(f account, change func(*types.FunctionConfiguration)) {
		fn := f.functions["p-x-prod-workerEcho"]
		change(&fn)
		f.functions["p-x-prod-workerEcho"] = fn
	}
	for _, tt := range []struct {
		name   string
		damage func(account, *dispatch.WorkersConfig)
		want   []string
	}{
		{"nothing", func(account, *dispatch.WorkersConfig) {}, nil},
		{"mapping disabled", func(f account, _ *dispatch.WorkersConfig) { mapping(f).State = awssdk.String("Disabled") }, []string{"error: mapping disabled"}},
		{"mapping being made", func(f account, _ *dispatch.WorkersConfig) { mapping(f).State = awssdk.String("Creating") }, []string{"warning: mapping changing"}},
		{"no mapping", func(f account, _ *dispatch.WorkersConfig) { f.mappings = nil }, []string{"error: no mapping"}},
		{"two mappings", func(f account, _ *dispatch.WorkersConfig) { f.function("other", "nodejs20.x", "p-x-echo-prod", nil) }, []string{"warning: several mappings"}},
		{"function gone", func(f account, _ *dispatch.WorkersConfig) { delete(f.functions, "p-x-prod-workerEcho") }, []string{"error: function does not exist"}},
		{"runs longer than the message is hidden", func(f account, _ *dispatch.WorkersConfig) {
			setFunction(f, func(fn *types.FunctionConfiguration) { fn.Timeout = awssdk.Int32(361) })
		}, []string{"warning: visibility too short"}},
		{"one at a time needs no partial failures", func(f account, _ *dispatch.WorkersConfig) { mapping(f).FunctionResponseTypes = nil }, nil},
		{"a batch does", func(f account, _ *dispatch.WorkersConfig) {
			mapping(f).FunctionResponseTypes, mapping(f).BatchSize = nil, awssdk.Int32(10)
		}, []string{"warning: failures not reported"}},
		{"our handler always does", func(f account, _ *dispatch.WorkersConfig) {
			mapping(f).FunctionResponseTypes = nil
			setFunction(f, func(fn *types.FunctionConfiguration) { fn.Runtime = "provided.al2023" })
		}, []string{"error: failures not reported"}},
		{"no DLQ", func(f account, _ *dispatch.WorkersConfig) { delete(f.queues["p-x-echo-prod"], "RedrivePolicy") }, []string{"warning: no dead-letter queue"}},
		{"DLQ deleted", func(f account, _ *dispatch.WorkersConfig) { delete(f.queues, "p-x-echo-dlq-prod") }, []string{"error: dead-letter queue does not exist"}},
		{"DLQ of another account, denied", func(f account, _ *dispatch.WorkersConfig) {
			f.queues["p-x-echo-prod"]["RedrivePolicy"] = `{"deadLetterTargetArn":"arn:aws:sqs:eu-west-1:999999999999:theirs","maxReceiveCount":"5"}`
			f.fail["GetQueueAttributes theirs"] = &smithy.GenericAPIError{Code: denied}
		}, []string{"warning: dead-letter queue elsewhere", "warning: dead-letter queue not readable"}},
		{"one attempt", func(f account, _ *dispatch.WorkersConfig) {
			f.queues["p-x-echo-prod"]["RedrivePolicy"] = fmt.Sprintf(`{"deadLetterTargetArn":%q,"maxReceiveCount":"1"}`, queueARN("p-x-echo-dlq-prod"))
		}, []string{"warning: one attempt only"}},
		{"queue deleted", func(f account, _ *dispatch.WorkersConfig) { delete(f.queues, "p-x-echo-prod") }, []string{"error: queue does not exist"}},
		{"queue denied", func(f account, _ *dispatch.WorkersConfig) {
			f.fail["GetQueueAttributes p-x-echo-prod"] = &smithy.GenericAPIError{Code: denied}
		}, []string{"warning: queue not readable"}},
		{"the API found no queue", func(_ account, c *dispatch.WorkersConfig) { delete(c.Workers, "echo") }, []string{"error: no queue"}},
		{"the API is a development server's", func(_ account, c *dispatch.WorkersConfig) {
			c.Workers["echo"] = dispatch.WorkersConfigEntry{QueueURL: "local://echo", Region: "local"}
		}, []string{"error: no queue"}},
		{"two workers on one queue", func(_ account, c *dispatch.WorkersConfig) { c.Workers["zwei"] = c.Workers["echo"] }, []string{"error: queue shared"}},
		{"the most serious first", func(f account, _ *dispatch.WorkersConfig) {
			delete(f.queues["p-x-echo-prod"], "RedrivePolicy")
			mapping(f).State = awssdk.String("Disabled")
		}, []string{"error: mapping disabled", "warning: no dead-letter queue"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			f, cfg := newFakeAWS().worker("p-x", "echo", "prod", "nodejs20.x"), configFor("echo")
			tt.damage(f, &cfg)
			inv := mustInventory(t, f.stage(Target{BaseURL: newWorkersAPI(t, cfg).URL}, Options{}))
			wantKinds(t, find(t, inv, "echo"), tt.want...)
		})
	}
}

func TestInventoryShowsWhatConfigLacks(t *testing.T) {
	t.Parallel()
	f := newFakeAWS().worker("p-x", "echo", "prod", "nodejs20.x").worker("p-x", "forgotten", "prod", "nodejs20.x").
		worker("p-x", "echo", "staging", "nodejs20.x").worker("p-other", "echo", "prod", "nodejs20.x").worker("p-x-y", "deep", "prod", "nodejs20.x")
	inv := mustInventory(t, f.stage(Target{BaseURL: newWorkersAPI(t, configFor("echo")).URL}, Options{}))
	// p-x-y may be a group of p-x or another project: only --service says.
	wantIDs(t, inv, "echo", "forgotten")
	wantKinds(t, find(t, inv, "forgotten"), "warning: not in workers/config")
}

func TestInventoryGoesOnWhenASourceFails(t *testing.T) {
	t.Parallel()
	deny := &smithy.GenericAPIError{Code: "AccessDeniedException", Message: "User: arn:aws:sts::1:assumed-role/ops-read/me is not authorized to perform: lambda:ListEventSourceMappings on resource: * because no identity-based policy allows it"}
	account := func() *fakeAWS { return newFakeAWS().worker("p-x", "echo", "prod", "nodejs20.x") }
	warned := func(t *testing.T, inv *Inventory, source string, kind ErrorKind) {
		t.Helper()
		for _, w := range inv.Warnings {
			if e, ok := errors.AsType[*SourceError](w); ok && e.Source == source {
				if got, _ := Classify(w); got != kind {
					t.Errorf("warning %v is of kind %q, want %q", w, got, kind)
				}
				return
			}
		}
		t.Errorf("no warning about %s in %v", source, inv.Warnings)
	}
	t.Run("Lambda denied", func(t *testing.T) {
		t.Parallel()
		f := account()
		f.fail["ListEventSourceMappings"] = deny
		inv := mustInventory(t, f.stage(Target{BaseURL: newWorkersAPI(t, configFor("echo")).URL}, Options{}))
		warned(t, inv, SourceMappings, KindDenied)
		echo := find(t, inv, "echo")
		wantKinds(t, echo) // that there is no mapping is not known
		if echo.Function == nil || !echo.Function.Derived || echo.Function.LogGroup != "/aws/lambda/p-x-prod-workerEcho" {
			t.Errorf("function = %+v, want the derived log group", echo.Function)
		}
		if !echo.TolerantSchema {
			t.Error("the schema is strict though nobody knows who wrote it")
		}
	})
	t.Run("functions denied", func(t *testing.T) {
		t.Parallel()
		f := account()
		f.fail["ListFunctions"], f.fail["GetFunctionConfiguration"] = deny, deny
		inv := mustInventory(t, f.stage(Target{BaseURL: newWorkersAPI(t, configFor("echo")).URL}, Options{}))
		warned(t, inv, SourceFunctions, KindDenied)
		if fn := find(t, inv, "echo").Function; fn == nil || fn.Name != "p-x-prod-workerEcho" || !fn.Derived {
			t.Errorf("function = %+v, want its name from the mapping", fn)
		}
	})
	t.Run("only listing functions denied", func(t *testing.T) {
		t.Parallel()
		f := account()
		f.fail["ListFunctions"] = deny
		inv := mustInventory(t, f.stage(Target{}, Options{}))
		if len(inv.Warnings) > 0 || find(t, inv, "echo").Function.MemoryMB != 512 {
			t.Errorf("warnings %v, want the function read by name", inv.Warnings)
		}
	})
	t.Run("workers API down", func(t *testing.T) {
		t.Parallel()
		gone := httptest.NewServer(http.NotFoundHandler())
		gone.Close()
		inv := mustInventory(t, account().stage(Target{BaseURL: gone.URL, Stage: "prod"}, Options{}))
		warned(t, inv, SourceConfig, KindNetwork)
		wantIDs(t, inv, "echo")
	})
	t.Run("wrong key names its variable and hides the key", func(t *testing.T) {
		t.Parallel()
		api := newWorkersAPI(t, configFor("echo"))
		api.key = "right"
		s := account().stage(Target{BaseURL: api.URL, Stage: "prod"}, Options{Getenv: envOf(map[string]string{"WORKERS_API_KEY": "wrong-secret"})})
		inv := mustInventory(t, s)
		warned(t, inv, SourceConfig, KindAuth)
		if text := inv.Warnings[0].Error(); !strings.Contains(text, "WORKERS_API_KEY") || strings.Contains(text, "wrong-secret") {
			t.Errorf("warning %q: want the variable's name and not the key", text)
		}
	})
	t.Run("one queue denied of three", func(t *testing.T) {
		t.Parallel()
		f := account().worker("p-x", "b", "prod", "nodejs20.x").worker("p-x", "c", "prod", "nodejs20.x")
		f.queues["p-x-c-prod"]["ApproximateNumberOfMessages"] = "9"
		f.fail["GetQueueAttributes p-x-b-prod"] = &smithy.GenericAPIError{Code: denied}
		inv := mustInventory(t, f.stage(Target{Stage: "prod"}, Options{}))
		warned(t, inv, SourceQueues, KindDenied)
		wantIDs(t, inv, "b", "c", "echo")
		if d := find(t, inv, "c").Queue.Depth.Visible; d != 9 {
			t.Errorf("depth of c = %d, want 9", d)
		}
		b := find(t, inv, "b")
		if !b.Queue.Depth.At.IsZero() || b.Queue.URL != queueURL("p-x-b-prod") {
			t.Errorf("queue of b = %+v, want its URL and no depth", b.Queue)
		}
	})
	t.Run("neither API nor Lambda: queues by name", func(t *testing.T) {
		t.Parallel()
		f := account().worker("p-x", "echo", "staging", "nodejs20.x")
		f.fail["ListEventSourceMappings"] = deny
		inv := mustInventory(t, f.stage(Target{Stage: "prod"}, Options{}))
		wantIDs(t, inv, "p-x-echo-prod")
		if !slices.Equal(inv.Sources, []string{SourceQueues}) {
			t.Errorf("Sources = %q", inv.Sources)
		}
	})
	t.Run("nothing at all", func(t *testing.T) {
		t.Parallel()
		f := account()
		f.fail["ListEventSourceMappings"], f.fail["ListQueues"] = deny, deny
		_, err := f.stage(Target{Stage: "prod"}, Options{}).Inventory(t.Context())
		if _, ok := errors.AsType[*DiscoveryError](err); !ok {
			t.Fatalf("err = %v, want a *DiscoveryError", err)
		}
		for _, want := range []string{SourceConfig, "--base-url", SourceMappings, SourceQueues, testRegion, "prod"} {
			if !strings.Contains(err.Error(), want) {
				t.Errorf("error %q does not say %q", err, want)
			}
		}
		kind, hint := Classify(err)
		if want := "access denied: lambda:ListEventSourceMappings is missing from role ops-read"; kind != KindDenied || hint != want {
			t.Errorf("Classify = %q, %q, want denied, %q", kind, hint, want)
		}
	})
	t.Run("cancelled", func(t *testing.T) {
		t.Parallel()
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if _, err := account().stage(Target{}, Options{}).Inventory(ctx); !errors.Is(err, context.Canceled) {
			t.Errorf("err = %v, want context.Canceled", err)
		}
	})
}

func TestInventoryRefusesTheAPIOfAnotherStage(t *testing.T) {
	t.Parallel()
	cfg := configFor("echo")
	cfg.Stage = "staging"
	api := newWorkersAPI(t, cfg)
	f := newFakeAWS().worker("p-x", "echo", "prod", "provided.al2023")
	s := f.stage(Target{BaseURL: api.URL, Stage: "prod"}, Options{})
	inv := mustInventory(t, s)
	if len(inv.Warnings) != 1 || !strings.Contains(inv.Warnings[0].Error(), "staging") {
		t.Fatalf("Warnings = %v, want one that names the API's stage", inv.Warnings)
	}
	res, err := s.Dispatch(t.Context(), DispatchRequest{Worker: *find(t, inv, "echo"), Input: json.RawMessage(`{}`)})
	if err != nil || res.Via != ViaQueue || len(api.triggered()) > 0 {
		t.Errorf("dispatch went via %q (%v), want the queue: the API is another stage's", res.Via, err)
	}
}

// A DLQ URL keeps the host by which the worker's own queue was reached.
func TestInventoryReachesDLQsBehindAnEndpoint(t *testing.T) {
	t.Parallel()
	cfg := configFor("echo")
	cfg.Workers["echo"] = dispatch.WorkersConfigEntry{QueueURL: "http://localhost:9324/" + testAccount + "/p-x-echo-prod", Region: "us-east-1"}
	f := newFakeAWS().worker("p-x", "echo", "prod", "nodejs20.x")
	inv := mustInventory(t, f.stage(Target{BaseURL: newWorkersAPI(t, cfg).URL, EndpointURL: "http://127.0.0.1:4566"}, Options{}))
	echo := find(t, inv, "echo")
	if want := "http://localhost:9324/" + testAccount + "/p-x-echo-dlq-prod"; echo.DLQ.URL != want {
		t.Errorf("DLQ URL = %s, want %s", echo.DLQ.URL, want)
	}
	if echo.Mapping == nil {
		t.Error("the mapping was not joined though the region's name is all that differs")
	}
}

func TestInventoryAsksForManyFunctionsByList(t *testing.T) {
	t.Parallel()
	f := newFakeAWS()
	for i := range 120 {
		f.worker("p-x", fmt.Sprintf("w%03d", i), "prod", "nodejs20.x")
	}
	for i := range 1000 { // somebody else's, sorted before ours
		name := fmt.Sprintf("a-%04d", i)
		f.functions[name] = types.FunctionConfiguration{FunctionName: awssdk.String(name), FunctionArn: awssdk.String(functionARN(name))}
	}
	inv := mustInventory(t, f.stage(Target{Service: "p-x"}, Options{}))
	if len(inv.Workers) != 120 || f.count("GetFunctionConfiguration") != 0 {
		t.Errorf("%d workers, %d single reads, want 120 and none", len(inv.Workers), f.count("GetFunctionConfiguration"))
	}
	few := newFakeAWS().worker("p-x", "echo", "prod", "nodejs20.x")
	few.functions = map[string]types.FunctionConfiguration{"p-x-prod-workerEcho": few.functions["p-x-prod-workerEcho"]}
	for i := range 1000 {
		name := fmt.Sprintf("a-%04d", i)
		few.functions[name] = types.FunctionConfiguration{FunctionName: awssdk.String(name), FunctionArn: awssdk.String(functionARN(name))}
	}
	mustInventory(t, few.stage(Target{Service: "p-x"}, Options{}))
	if calls := few.count("ListFunctions") + few.count("GetFunctionConfiguration"); calls > 2 {
		t.Errorf("%d calls for one function among a thousand, want at most 2", calls)
	}
}

func TestInventoryFindsAWorkerByItsQueues(t *testing.T) {
	t.Parallel()
	inv := mustInventory(t, newFakeAWS().worker("p-x", "echo", "prod", "nodejs20.x").stage(Target{Stage: "prod"}, Options{}))
	for _, name := range []string{"echo", "p-x-echo-prod", "p-x-echo-dlq-prod", queueURL("p-x-echo-prod"), queueURL("p-x-echo-dlq-prod")} {
		if w, ok := inv.Worker(name); !ok || w.ID != "echo" {
			t.Errorf("Worker(%q) = %v, %t, want echo", name, w, ok)
		}
	}
	if _, ok := inv.Worker("p-x-echo"); ok {
		t.Error("a part of a name finds a worker")
	}
}

func TestInventoryOfAnotherRegion(t *testing.T) {
	t.Parallel()
	cfg := configFor("echo")
	cfg.Workers["echo"] = dispatch.WorkersConfigEntry{QueueURL: "https://sqs.ap-south-1.amazonaws.com/" + testAccount + "/p-x-echo-prod", Region: "ap-south-1"}
	f := newFakeAWS().worker("p-x", "echo", "prod", "nodejs20.x")
	f.mappings = nil
	f.queues["p-x-echo-prod"]["QueueArn"] = "arn:aws:sqs:ap-south-1:" + testAccount + ":p-x-echo-prod"
	f.queues["p-x-echo-prod"]["RedrivePolicy"] = strings.ReplaceAll(f.queues["p-x-echo-prod"]["RedrivePolicy"], testRegion, "ap-south-1")
	inv := mustInventory(t, f.stage(Target{BaseURL: newWorkersAPI(t, cfg).URL}, Options{}))
	if len(inv.Warnings) != 1 || !strings.Contains(inv.Warnings[0].Error(), "--region ap-south-1") {
		t.Errorf("Warnings = %v, want one that names the region", inv.Warnings)
	}
	wantKinds(t, find(t, inv, "echo")) // its mappings are there, not here
	if want := []string{"ap-south-1", "ap-south-1"}; !slices.Equal(f.regions, want) {
		t.Errorf("queues were asked for in %q, want %q", f.regions, want)
	}
}

// An endpoint may name its queues otherwise than their ARNs suggest.
func TestInventoryAsksForAQueuesURL(t *testing.T) {
	t.Parallel()
	f := newFakeAWS().queue("odd", "", 6).function("reader", "nodejs20.x", "odd", nil)
	f.hosts = "https://sqs." + testRegion + ".amazonaws.com/"
	inv := mustInventory(t, f.stage(Target{EndpointURL: "http://10.0.0.1:9324"}, Options{}))
	w := find(t, inv, "odd")
	if w.Queue.URL != queueURL("odd") || w.Queue.Depth.Visible != 6 {
		t.Errorf("queue = %+v, want the URL the endpoint gives", w.Queue)
	}
}

func TestInventoryReadsTheVersionAMappingNames(t *testing.T) {
	t.Parallel()
	f := newFakeAWS().worker("p-x", "echo", "prod", "nodejs20.x")
	f.mappings[0].FunctionArn = awssdk.String(functionARN("p-x-prod-workerEcho") + ":live")
	inv := mustInventory(t, f.stage(Target{Stage: "prod"}, Options{}))
	if w := find(t, inv, "echo"); w.Function == nil || w.Function.Derived || f.count("GetFunctionConfiguration") != 1 {
		t.Errorf("function = %+v after %d reads, want the alias's own settings", w.Function, f.count("GetFunctionConfiguration"))
	}
}

func TestRetentionInWords(t *testing.T) {
	t.Parallel()
	for d, want := range map[time.Duration]string{96 * time.Hour: "4 days", 24 * time.Hour: "1 day", 36 * time.Hour: "36h0m0s", 0: "0s"} {
		if got := days(d); got != want {
			t.Errorf("days(%s) = %q, want %q", d, got, want)
		}
	}
}

func TestInventoryLearnsTheStageOfFunctions(t *testing.T) {
	t.Parallel()
	f := newFakeAWS().worker("p-x", "echo", "demo", "nodejs20.x").worker("p-x", "slow", "demo", "nodejs20.x")
	s := f.stage(Target{}, Options{})
	mustInventory(t, s)
	if got := s.Target().Stage; got != "demo" {
		t.Errorf("stage = %q, want what every function says", got)
	}
	f.worker("p-x", "echo", "staging", "nodejs20.x")
	mustInventory(t, s)
	if got := s.Target().Stage; got != DefaultStage {
		t.Errorf("stage = %q, want the default where functions disagree", got)
	}
}
