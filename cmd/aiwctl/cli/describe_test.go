package cli

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/charmbracelet/x/ansi"

	"github.com/microfox-ai/aiwctl/aws"
	"github.com/microfox-ai/aiwctl/aws/detail"
	"github.com/microfox-ai/aiwctl/aws/health"
)

// What is wrong stands first, and nothing is wider than 80 columns but what must
// not be cut.
func TestDescriptionOfAWorker(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC)
	w := aws.Worker{
		ID: "check-orders", Group: "shop", Description: "Checks \x1b[31morders\u202e",
		Queue: &aws.Queue{
			Name: "p-x-check-orders-prod", URL: "https://sqs.eu-west-1.amazonaws.com/111122223333/p-x-check-orders-prod-with-a-long-name",
			VisibilityTimeout: 6 * time.Minute, Retention: 14 * 24 * time.Hour, MaxReceiveCount: 3, Encryption: "SSE-SQS",
			Depth: aws.Depth{Visible: 12, At: at},
		},
		Function: &aws.Function{
			Name: "p-x-prod-workerCheckOrders", Qualifier: "live", Runtime: "nodejs20.x", Architecture: "arm64", PackageType: "Zip", State: "Active",
			LogGroup: "/one/for/all", LogFormat: "JSON", Timeout: 5 * time.Minute, MemoryMB: 512, ReservedConcurrency: new(2),
			EnvNames: []string{"ENVIRONMENT", "WORKER_QUEUE_URL_MAIL"},
		},
		Mapping: &aws.Mapping{UUID: "uuid-1", State: "Disabled", BatchSize: 10, BatchingWindow: 5 * time.Second, MaximumConcurrency: 4, Filters: []string{`{"body":{"a":[1]}}`}},
		Problems: []aws.Problem{
			{Severity: "error", Kind: aws.ProblemMappingDisabled, Text: "the event source mapping is disabled (by a user, last changed 2026-03-04 05:06 UTC): nothing reads queue p-x-check-orders-prod"},
		},
		Notes: []aws.Problem{{Severity: "info", Text: "worth knowing"}},
	}
	inv := &aws.Inventory{
		Sources: []string{"workers/config"},
		Chains: []aws.Chain{{
			ID: "nightly",
			Steps: []aws.ChainStep{
				{WorkerID: "check-orders", Delay: 30 * time.Second, RequiresApproval: true, HITLTitle: "Look at it"},
				{WorkerID: "mail"},
			},
			Schedules: []aws.ChainSchedule{{Rate: "cron(0 3 * * ? *)", Disabled: true}},
		}},
		Findings: []aws.Problem{
			{Severity: "error", Object: "nightly", Text: "step 2 of chain nightly is worker \"mail\", which is nowhere"},
			{Severity: "warning", Object: "somebody-else", Text: "another's"},
		},
	}
	d := detail.Of(&w, inv, new(health.Judge(health.Input{Worker: &w, Now: w.Queue.Depth.At})))
	b := &description{}
	b.worker(&w, &d)
	var out tableWriter
	for _, row := range b.rows {
		out.row(row...)
	}
	var text strings.Builder
	if err := out.writeTo(&text); err != nil {
		t.Fatal(err)
	}
	const want = `worker        check-orders, group shop
              Checks orders
state         stalled: mapping disabled
              12 messages wait, and the event source mapping that would run them
              is disabled
error         the event source mapping is disabled (by a user, last changed
              2026-03-04 05:06 UTC): nothing reads queue p-x-check-orders-prod
error         step 2 of chain nightly is worker "mail", which is nowhere
queue         12 visible, 0 in flight, 0 delayed
              https://sqs.eu-west-1.amazonaws.com/111122223333/p-x-check-orders-prod-with-a-long-name
              visibility timeout 6m (1.2x the function's timeout), retention 14
              days, dead after 3 receives, SSE-SQS
dead letters  -
mapping       Disabled, batches of 10 within 5s, whole batches only, at most 4
              at once
              uuid-1
              filter {"body":{"a":[1]}}
function      p-x-prod-workerCheckOrders:live, Active
              nodejs20.x, arm64, Zip
              timeout 5m, 512 MB, reserved concurrency 2
environment   ENVIRONMENT, WORKER_QUEUE_URL_MAIL
log group     /one/for/all (JSON)
chain         nightly, step 1 of 2, delayed by 30s, waits for approval "Look at
              it", then mail
              starts by cron(0 3 * * ? *), switched off
note          worth knowing
`
	if text.String() != want {
		t.Errorf("described as\n%s\nwant\n%s", text.String(), want)
	}
	for line := range strings.Lines(text.String()) {
		if line = strings.TrimRight(line, "\n"); ansi.StringWidth(line) > describeWidth && !strings.Contains(line, "https://") {
			t.Errorf("%d columns: %s", ansi.StringWidth(line), line)
		}
	}
	data, err := json.Marshal(d)
	if err != nil {
		t.Fatal(err)
	}
	for _, part := range []string{
		`"dlq":null`, `"batchingWindowSeconds":5`, `"reservedConcurrency":2`, `"retentionSeconds":1209600`,
		`"chains":[{"id":"nightly","step":1,"steps":2,"delaySeconds":30,"requiresApproval":true,"title":"Look at it","next":"mail"`, `"sources":["workers/config"]`,
	} {
		if !strings.Contains(string(data), part) {
			t.Errorf("%s lacks %s", data, part)
		}
	}
}

func TestStandardInputIsOneThing(t *testing.T) {
	t.Parallel()
	a, _, _ := testApp(`{}`, map[string]string{"AIWCTL_MANIFEST": "-"})
	_, _, err := a.readInput(t.Context(), inputFlags{file: "-"}, nil)
	if exitCode(t.Context(), err) != exitUsage || !strings.Contains(err.Error(), "manifest") {
		t.Errorf("err = %v, want a usage error that names the manifest", err)
	}
}
