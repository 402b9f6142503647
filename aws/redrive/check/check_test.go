package check_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/microfox-ai/aiwctl/aws"
	"github.com/microfox-ai/aiwctl/aws/redrive/check"
	"github.com/microfox-ai/aiwctl/aws/redrive/letter"
)

const orderSchema = `{"type":"object","properties":{"order":{"type":"integer"},"note":{"type":"string"},"kind":{"enum":["a","b"]}},
"required":["order"],"additionalProperties":false}`

func worker(runtime, handler string) aws.Worker {
	w := aws.Worker{
		ID: "orders", InputSchema: json.RawMessage(orderSchema),
		Queue: &aws.Queue{Name: "shop-orders-prod"},
	}
	if runtime != "" {
		w.Function = &aws.Function{Name: "f", Runtime: runtime, Handler: handler}
	}
	w.TolerantSchema = !strings.HasPrefix(runtime, "provided")
	return w
}

var runtimes = map[string]aws.Worker{
	"ts":      worker("nodejs22.x", "handler.orders"),
	"own":     worker("provided.al2023", "worker.orders"),
	"own all": worker("provided.al2023", "bootstrap"),
	"unknown": worker("", ""),
}

func letterOf(body string) *letter.Letter {
	l := &letter.Letter{ID: "m"}
	l.SetBody(body)
	return l
}

func body(with string) string {
	const usual = `{"workerId":"orders","jobId":"job-1","input":{"order":1},"context":{},"metadata":{}`
	return usual + with + "}"
}

const (
	noContext = `{"workerId":"orders","jobId":"job-1","input":{"order":1},"metadata":{}}`
	noJobID   = `{"workerId":"orders","input":{"order":1},"context":{},"metadata":{}}`
	noWorker  = `{"jobId":"job-1","input":{"order":1},"context":{}}`
	other     = `{"workerId":"emails","jobId":"job-1","input":{"order":1},"context":{}}`
	oddID     = `{"workerId":"orders","jobId":true,"input":{"order":1},"context":{}}`
)

func input(text string) string {
	return `{"workerId":"orders","jobId":"job-1","input":` + text + `,"context":{}}`
}

// brief is the problems as "kind" or "kind!" when it blocks.
func brief(ps []check.Problem) string {
	out := make([]string, len(ps))
	for i, p := range ps {
		out[i] = string(p.Kind)
		if p.Blocks {
			out[i] += "!"
		}
	}
	return strings.Join(out, ", ")
}

func TestLetter(t *testing.T) {
	t.Parallel()
	failed, completed, renamed := check.Facts{Status: "failed"}, check.Facts{Status: "completed"}, check.Facts{NewJobID: true}
	for name, tc := range map[string]struct {
		body  string
		facts check.Facts
		// want by runtime; those that are not named are as "".
		want map[string]string
	}{
		"a job":                    {body: body(``)},
		"text":                     {body: `hello`, want: map[string]string{"": "not a job!", "unknown": "not a job"}},
		"array":                    {body: `[1]`, want: map[string]string{"": "not a job!", "unknown": "not a job"}},
		"cut off":                  {body: `{"jobId":"x`, want: map[string]string{"": "not a job!", "unknown": "not a job"}},
		"not a job, renamed":       {body: `null`, facts: renamed, want: map[string]string{"": "not a job!", "unknown": "not a job"}},
		"odd id":                   {body: oddID, want: map[string]string{"": "not a job", "own": "not a job!", "own all": "not a job!"}},
		"no context":               {body: noContext, want: map[string]string{"ts": "no context!", "unknown": "no context"}},
		"null context":             {body: `{"workerId":"orders","jobId":"j","input":{"order":1},"context":null}`, want: map[string]string{"ts": "no context!", "unknown": "no context"}},
		"odd context":              {body: `{"workerId":"orders","jobId":"j","input":{"order":1},"context":"x"}`},
		"no job id":                {body: noJobID, want: map[string]string{"": "no job id", "ts": "no job id!"}},
		"no job id, renamed":       {body: noJobID, facts: renamed},
		"no job id, failed":        {body: noJobID, facts: failed, want: map[string]string{"": "no job id", "ts": "no job id!"}},
		"no worker id":             {body: noWorker, want: map[string]string{"own all": "no worker id!"}},
		"another worker's":         {body: other, want: map[string]string{"": "another worker's job", "own": "another worker's job!"}},
		"failed":                   {body: body(``), facts: failed, want: map[string]string{"ts": "recorded as failed!", "unknown": "recorded as failed"}},
		"failed, renamed":          {body: body(``), facts: check.Facts{Status: "failed", NewJobID: true}},
		"completed":                {body: body(``), facts: completed, want: map[string]string{"": "recorded as completed!"}},
		"completed, renamed":       {body: body(``), facts: check.Facts{Status: "completed", NewJobID: true}},
		"missing property":         {body: input(`{}`), want: map[string]string{"": "input does not fit the schema!"}},
		"no input":                 {body: `{"workerId":"orders","jobId":"j","context":{}}`, want: map[string]string{"": "input does not fit the schema!"}},
		"wrong type":               {body: input(`{"order":"x"}`), want: map[string]string{"": "input does not fit the schema!"}},
		"additional property":      {body: input(`{"order":1,"x":2}`), want: map[string]string{"own": "input does not fit the schema", "own all": "input does not fit the schema"}},
		"additional and wrong":     {body: input(`{"order":"1","x":2}`), want: map[string]string{"": "input does not fit the schema!"}},
		"queue step":               {body: input(`{"order":1,"__workerQueue":{"id":"q"}}`), want: map[string]string{"own": "input does not fit the schema", "own all": "input does not fit the schema"}},
		"queue step, renamed":      {body: input(`{"order":1,"__workerQueue":{"id":"q"}}`), facts: renamed, want: map[string]string{"": "step of a queue run", "own": "input does not fit the schema, step of a queue run", "own all": "input does not fit the schema, step of a queue run"}},
		"queue in metadata":        {body: `{"workerId":"orders","jobId":"j","input":{"order":1},"context":{},"metadata":{"__workerQueue":{}}}`, facts: renamed, want: map[string]string{"": "step of a queue run"}},
		"queue only mentioned":     {body: input(`{"order":1,"note":"__workerQueue"}`), facts: renamed},
		"webhook":                  {body: `{"workerId":"orders","jobId":"j","context":{},"webhookDelivery":{}}`, facts: completed, want: map[string]string{"ts": "recorded as completed!, input does not fit the schema!"}},
		"webhook, renamed":         {body: `{"workerId":"orders","jobId":"j","context":{},"webhookDelivery":{}}`, facts: renamed, want: map[string]string{"": "a webhook, not a job!", "ts": "input does not fit the schema!"}},
		"several, blocking first":  {body: `{"workerId":"emails","jobId":"j","input":{}}`, facts: failed, want: map[string]string{"ts": "no context!, recorded as failed!, input does not fit the schema!, another worker's job", "own": "another worker's job!, input does not fit the schema!", "own all": "input does not fit the schema!, another worker's job", "unknown": "input does not fit the schema!, another worker's job, no context, recorded as failed"}},
		"unknown status is no end": {body: body(``), facts: check.Facts{Status: "running"}},
	} {
		for runtime, w := range runtimes {
			t.Run(name+"/"+runtime, func(t *testing.T) {
				t.Parallel()
				want, ok := tc.want[runtime]
				if !ok {
					want = tc.want[""]
				}
				got := check.New(w, check.Options{}).Letter(letterOf(tc.body), tc.facts)
				if brief(got) != want {
					t.Errorf("got  %s\nwant %s", brief(got), want)
				}
				for _, p := range got {
					printable(t, p)
				}
			})
		}
	}
}

func printable(t *testing.T, p check.Problem) {
	t.Helper()
	if p.Text == "" || strings.ContainsFunc(p.Text+p.Hint, func(r rune) bool { return r < ' ' || r >= 0x7f && r < 0xa0 || r == '\u202e' }) {
		t.Errorf("%q", p.Text)
	}
}

func TestTexts(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		runtime, body string
		facts         check.Facts
		text, hint    string
	}{
		{"ts", body(``), check.Facts{Status: "failed"}, "its job is recorded as failed: the runtime skips a job with such a record, and SQS deletes the message as if it had run", "--new-job-id"},
		{"unknown", body(``), check.Facts{Status: "failed"}, "its job is recorded as failed: if this is a worker of the TypeScript system, the runtime skips a job with such a record, and SQS deletes the message as if it had run", "--new-job-id"},
		{"own", body(`,"webhookUrl":"https://x.test/"`), check.Facts{Status: "completed"}, "its job is recorded as completed: the worker does not run it, sends its webhook if that was never delivered, and SQS deletes the message", check.HintRunAgain},
		{"own", other, check.Facts{}, `it is for worker "emails", and this is the queue of worker "orders": the worker refuses it, and it would die again`, "send it to that worker's queue"},
		{"own", input(`{"order":"x","note":3,"kind":"z"}`), check.Facts{}, `its input does not fit the schema: /order: must be an integer, is a string ("x"); /note: must be a string, is a number (3); and 1 more`, check.HintEditInput},
		{"ts", input(`{"order":"x"}`), check.Facts{}, `its input does not fit the schema: /order: must be an integer, is a string ("x"); the runtime does not check it, and the handler would get it as it is`, check.HintEditInput},
		{"own", noJobID, check.Facts{}, "it has no job id: the job would run under the id of its new message, which nothing links with this letter", "--new-job-id"},
	} {
		got := check.New(runtimes[tc.runtime], check.Options{}).Letter(letterOf(tc.body), tc.facts)
		if len(got) != 1 || got[0].Text != tc.text || got[0].Hint != tc.hint {
			t.Errorf("%s %s:\n got %+v\nwant %s (%s)", tc.runtime, tc.body, got, tc.text, tc.hint)
		}
	}
}

func TestHostileIDs(t *testing.T) {
	t.Parallel()
	for runtime, w := range runtimes {
		l := letterOf(`{"workerId":"a\u001b[31m\u202e` + strings.Repeat("x", 5000) + `","jobId":"j","input":{"\u001b[31m\u202e":1,"order":"\u0007"},"context":{}}`)
		for _, p := range check.New(w, check.Options{}).Letter(l, check.Facts{}) {
			printable(t, p)
			if len(p.Text) > 1000 {
				t.Errorf("%s: %d bytes of text", runtime, len(p.Text))
			}
		}
	}
}

func TestSize(t *testing.T) {
	t.Parallel()
	c := check.New(runtimes["own"], check.Options{DestinationMaxBytes: 100})
	l := letterOf(body(``))
	want := fmt.Sprintf("with its attributes it has %d bytes, and the queue takes 100", l.Size())
	if l.Size() <= 100 {
		l = letterOf(body(`,"metadata":{"pad":"` + strings.Repeat("x", 100) + `"}`))
		want = fmt.Sprintf("with its attributes it has %d bytes, and the queue takes 100", l.Size())
	}
	if got := c.Letter(l, check.Facts{}); brief(got) != "too large!" || got[0].Text != want {
		t.Errorf("%+v", got)
	}
	if got := check.New(runtimes["own"], check.Options{}).Letter(l, check.Facts{}); got != nil {
		t.Errorf("with SQS's own limit: %+v", got)
	}
}

func TestToAnotherQueue(t *testing.T) {
	t.Parallel()
	w := runtimes["ts"]
	w.Problems = []aws.Problem{{Kind: aws.ProblemNoMapping, Text: "none"}}
	c := check.New(w, check.Options{ToOther: true, DestinationMaxBytes: 50})
	if got := c.Letter(letterOf(`hello`), check.Facts{Status: "failed"}); got != nil {
		t.Errorf("%+v", got)
	}
	if got := c.Letter(letterOf(strings.Repeat("x", 51)), check.Facts{}); brief(got) != "too large!" {
		t.Errorf("%+v", got)
	}
	if got := c.Worker(); got != nil {
		t.Errorf("%+v", got)
	}
}

func TestWorkerNamedAfterItsQueue(t *testing.T) {
	t.Parallel()
	w := runtimes["ts"]
	w.ID = w.Queue.Name
	if got := check.New(w, check.Options{}).Letter(letterOf(body(``)), check.Facts{}); got != nil {
		t.Errorf("nobody knows that it is another worker's: %+v", got)
	}
}

func TestWorker(t *testing.T) {
	t.Parallel()
	for want, kinds := range map[string][]aws.ProblemKind{
		"":                         {aws.ProblemSingleAttempt, aws.ProblemUnlisted, aws.ProblemNoDLQ},
		"no queue!":                {aws.ProblemNoQueue},
		"no mapping":               {aws.ProblemNoMapping, aws.ProblemSingleAttempt},
		"no function!":             {aws.ProblemFunctionGone},
		"function failed!":         {aws.ProblemFunctionFailed},
		"mapping disabled":         {aws.ProblemMappingDisabled},
		"failures not reported":    {aws.ProblemPartialFailures},
		"no mapping, queue shared": {aws.ProblemSameQueue, aws.ProblemNoMapping},
	} {
		w := runtimes["own"]
		w.Problems = nil
		for _, k := range kinds {
			w.Problems = append(w.Problems, aws.Problem{Kind: k, Text: "something is so"})
		}
		got := check.New(w, check.Options{}).Worker()
		if brief(got) != want {
			t.Errorf("%v: got %s, want %s", kinds, brief(got), want)
		}
		for _, p := range got {
			printable(t, p)
			if !strings.HasPrefix(p.Text, "something is so; ") {
				t.Error(p.Text)
			}
		}
	}
}

func TestSchemaThatCannotBeCompiled(t *testing.T) {
	t.Parallel()
	w := runtimes["own"]
	w.InputSchema = json.RawMessage(`{"type":"banana"}`)
	c := check.New(w, check.Options{})
	if got := c.Worker(); brief(got) != "schema not usable" {
		t.Errorf("%+v", got)
	}
	if got := c.Letter(letterOf(body(``)), check.Facts{}); got != nil {
		t.Errorf("%+v", got)
	}
	w.InputSchema = nil
	if got := check.New(w, check.Options{}).Worker(); got != nil {
		t.Errorf("no schema: %+v", got)
	}
}

func TestConcurrentLetters(t *testing.T) {
	t.Parallel()
	c := check.New(runtimes["ts"], check.Options{})
	l := letterOf(input(`{"order":"x"}`))
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 100 {
				if got := c.Letter(l, check.Facts{Status: "failed"}); len(got) != 2 {
					t.Errorf("%+v", got)
					return
				}
			}
		})
	}
	wg.Wait()
}
