package workerview_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/aws/smithy-go"
	"go.uber.org/goleak"

	"github.com/microfox-ai/aiwctl/aws"
	"github.com/microfox-ai/aiwctl/aws/health"
	"github.com/microfox-ai/aiwctl/aws/logs"
	"github.com/microfox-ai/aiwctl/aws/metrics"
	"github.com/microfox-ai/aiwctl/tui/screen"
	"github.com/microfox-ai/aiwctl/tui/screentest"
	"github.com/microfox-ai/aiwctl/tui/workerview"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// denied is how AWS refuses.
func denied(service, operation string) error {
	return &smithy.OperationError{ServiceID: service, OperationName: operation, Err: &smithy.GenericAPIError{Code: "AccessDeniedException", Message: "not authorized"}}
}

// fake is AWS as far as the screen reads it.
type fake struct {
	mu                  sync.Mutex
	describe, read, ask error
	lines               []logs.Line
	queries             []logs.Query
	questions           []metrics.Question
	described           int
	paused              []aws.PauseRequest
	confirmed           string
	noReading           bool
}

func (f *fake) Describe(_ context.Context, w aws.Worker) (aws.Worker, []error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.described++
	if f.describe != nil {
		return w, []error{&aws.SourceError{Source: aws.SourceFunctions, Err: fmt.Errorf("function %s: %w", w.Function.Name, f.describe)}}
	}
	fn := *w.Function
	fn.State, fn.ReservedConcurrency = "Active", new(2)
	w.Function = &fn
	w.Notes = append(w.Notes, aws.Problem{Severity: "info", Kind: aws.NoteReserved, Text: "2 instances are reserved for the function"})
	return w, nil
}

func (f *fake) Pause(ctx context.Context, r aws.PauseRequest) (aws.PauseResult, error) {
	f.mu.Lock()
	f.paused = append(f.paused, r)
	f.confirmed, _ = aws.Confirmed(ctx)
	f.mu.Unlock()
	r.OnState("Disabling")
	r.OnState("Disabled")
	return aws.PauseResult{WorkerID: r.Worker.ID, Changed: true, Mappings: []aws.MappingState{{State: "Disabled"}}}, nil
}

// Read implements workerview.Logs.
func (f *fake) Read(_ context.Context, q logs.Query, fn func([]logs.Line) error) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.queries = append(f.queries, q)
	if f.read != nil {
		return f.read
	}
	var page []logs.Line
	for _, l := range f.lines {
		if !l.Time.Before(q.Since) && (q.Until.IsZero() || l.Time.Before(q.Until)) {
			page = append(page, l)
		}
	}
	if len(page) == 0 {
		return nil
	}
	return fn(page)
}

// cloudwatch implements workerview.Metrics.
type cloudwatch struct{ *fake }

func (c cloudwatch) Read(_ context.Context, workers []aws.Worker, q metrics.Question) (map[string]*metrics.Worker, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.questions = append(c.questions, q)
	now := screentest.Now()
	m := &metrics.Worker{At: now, Since: q.Since.Truncate(time.Minute), Period: metrics.PeriodFor(now, q.Since)}
	failed := func(s *metrics.Series) { s.State = metrics.Failed }
	slots := []*metrics.Series{
		&m.Queue.Visible, &m.Queue.Oldest, &m.DLQ.Visible, &m.Function.Invocations, &m.Function.Errors, &m.Function.Throttles,
		&m.Function.DurationMax, &m.Function.DurationP50, &m.Function.DurationP95,
	}
	if c.ask != nil {
		for _, s := range slots {
			failed(s)
		}
		return map[string]*metrics.Worker{workers[0].ID: m}, fmt.Errorf("read 19 metrics in us-east-1: %w", c.ask)
	}
	for k, s := range slots {
		s.State = metrics.Complete
		n := int(now.Sub(m.Since) / m.Period)
		for i := range n {
			if i%17 == 3 || k == 5 && i < n-3 {
				continue
			}
			v := float64((i*i*7 + k*31) % (40 + 10*k))
			if k >= 6 {
				v *= 20
			}
			s.Points = append(s.Points, metrics.Point{At: m.Since.Add(time.Duration(i) * m.Period), Value: v})
		}
	}
	return map[string]*metrics.Worker{workers[0].ID: m}, nil
}

// runs are the lines of deliveries of jobs, one a minute back in time.
func runs(outcomes ...string) []logs.Line {
	var out []logs.Line
	for i := len(outcomes) - 1; i >= 0; i-- {
		at := screentest.Now().Add(-time.Duration(i)*time.Minute - 10*time.Second)
		request := fmt.Sprintf("1234567%d-0000-4000-8000-00000000000%d", i, i)
		job := fmt.Sprintf("job-%d-of-an-order-that-has-a-long-id", i)
		stream := fmt.Sprintf("stream-%d", i)
		say := func(after time.Duration, text string) {
			out = append(out, logs.Parse("/aws/lambda/fn", stream, "fail", fmt.Sprintf("%d-%s", len(out), stream), at.Add(after), text))
		}
		say(0, "START RequestId: "+request+" Version: $LATEST")
		if outcomes[i] != "no job" {
			say(time.Millisecond, fmt.Sprintf(`[AIWORKER_RUN] {"jobId":%q,"workerId":"fail","awsRequestId":%q}`, job, request))
		}
		event := func(name, more string) {
			say(20*time.Millisecond, fmt.Sprintf(`{"time":%q,"level":"INFO","msg":"x","event":%q,"jobId":%q,"workerId":"fail","requestId":%q,"attempt":2,"durationMs":18.5%s}`, at.Format(time.RFC3339Nano), name, job, request, more))
		}
		status := ""
		switch outcomes[i] {
		case "completed":
			event("job.completed", "")
		case "failed", "retrying":
			event("job."+outcomes[i], `,"error":{"name":"ValidationError","message":"order 7 is odd\u001b]52;c;cHduZWQ=\u0007"}`)
		case "timed out":
			say(3*time.Second, at.Add(3*time.Second).UTC().Format("2006-01-02T15:04:05.000Z")+" "+request+" Task timed out after 3.00 seconds")
			status = "\tStatus: timeout"
		case "running":
			continue
		}
		say(25*time.Millisecond, "END RequestId: "+request)
		say(26*time.Millisecond, "REPORT RequestId: "+request+"\tDuration: 25.10 ms\tBilled Duration: 26 ms\tMemory Size: 128 MB\tMax Memory Used: 40 MB"+status)
	}
	return out
}

func queue(name string, visible, inFlight int) *aws.Queue {
	return &aws.Queue{
		Name: name, URL: "http://127.0.0.1:4566/000000000000/" + name, ARN: "arn:aws:sqs:us-east-1:000000000000:" + name,
		VisibilityTimeout: 18 * time.Second, Retention: 14 * 24 * time.Hour, Encryption: "SSE-SQS", MaxMessageBytes: 262144,
		Depth: aws.Depth{Visible: visible, InFlight: inFlight, At: screentest.Now()},
	}
}

func worker() aws.Worker {
	w := aws.Worker{
		ID: "fail", Group: "default", Description: "Books orders; odd numbers always fail",
		Queue: queue("aiw-fail-demo", 3, 1), DLQ: queue("aiw-fail-dlq-demo", 9, 0),
		Function: &aws.Function{
			Name: "aiw-demo-workerFail", ARN: "arn:fn", Runtime: "provided.al2023", Architecture: "arm64", PackageType: "Zip", Handler: "worker.fail",
			LogGroup: "/aws/lambda/aiw-demo-workerFail", Timeout: 3 * time.Second, MemoryMB: 128,
			LastModified: screentest.Now().Add(-50 * time.Hour), EnvNames: []string{"ENVIRONMENT", "WORKER_QUEUE_URL_MAIL"},
		},
		Mapping: &aws.Mapping{
			UUID: "86fc2478-9b98-47fe-8524-9f2608acf689", State: "Enabled", BatchSize: 5, BatchingWindow: 2 * time.Second,
			ReportsBatchItemFailures: true, MaximumConcurrency: 4, Filters: []string{`{"body":{"kind":["order"]}}`}, LastResult: "OK",
		},
		InputSchema:  []byte(`{"type":"object","properties":{"order":{"type":"integer","description":"the number; odd ones fail"}},"required":["order"]}`),
		OutputSchema: []byte(`{"type":"object","properties":{"booked":{"type":"boolean"}}}`),
		Problems:     []aws.Problem{{Severity: "warning", Kind: aws.ProblemSingleAttempt, Text: "a job is dead after one failure"}},
		Notes:        []aws.Problem{{Severity: "info", Kind: aws.NoteRetention, Text: "dead letters keep the age they had as jobs"}},
	}
	w.Queue.DeadLetterARN, w.Queue.MaxReceiveCount = w.DLQ.ARN, 3
	return w
}

func verdict() *health.Verdict {
	age, rate := 40*time.Minute, 3.0
	return &health.Verdict{
		Reason: health.Reason{Kind: health.Rising, State: "dead letters +1 in 2 min", Severity: aws.SeverityError, Evidence: "9 dead letters, 2 min ago there were 8", Advice: "aiwctl dlq why fail"},
		More: []health.Reason{{
			Kind: health.Failing, State: "failing: 3 of 20 invocations", Severity: aws.SeverityWarning,
			Evidence: "3 of 20 invocations failed in the last 15 min", Advice: "aiwctl logs fail --level error",
		}},
		Oldest: &age, PerMinute: &rate, Missing: []string{"CloudWatch did not tell of every throttle: they are not judged"},
	}
}

// put is a reading of a stage with workers.
func put(env screen.Env, workers ...aws.Worker) {
	env.Data.Inventory = &aws.Inventory{
		Workers: workers, At: env.Now(), Sources: []string{"workers/config", "event source mappings"},
		Chains:   []aws.Chain{{ID: "nightly", Steps: []aws.ChainStep{{WorkerID: "echo"}, {WorkerID: "fail"}, {WorkerID: "mail", RequiresApproval: true}}, Schedules: []aws.ChainSchedule{{Rate: "rate(1 day)"}}}},
		Findings: []aws.Problem{{Severity: "error", Kind: aws.FindingChainStep, Object: "nightly", Text: "step 3 of chain nightly is worker \"mail\", which workers/config does not list"}},
	}
	env.Data.At = env.Now()
}

func sources(f *fake) workerview.Sources {
	return workerview.Sources{Stage: f, Logs: f, Metrics: cloudwatch{f}}
}

// open opens the screen as the root does; with its replies, unless the fake holds them.
func open(t testing.TB, f *fake, width, height int, prepare func(screen.Env)) (*workerview.Screen, screen.Env, []any) {
	t.Helper()
	env := screentest.Env(t)
	prepare(env)
	s := workerview.New(env, sources(f), screen.OpenWorker{WorkerID: "fail"})
	t.Cleanup(s.Close)
	s.Update(screen.Resized{Width: width, Height: height})
	cmd := s.Init()
	var out []any
	if !f.noReading {
		for _, msg := range screentest.Settle(s, cmd) {
			out = append(out, msg)
		}
	}
	return s, env, out
}

func whole(env screen.Env) {
	put(env, worker())
	env.Data.Health = map[string]*health.Verdict{"fail": verdict()}
}
