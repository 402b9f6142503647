package jobs_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs/types"
	"github.com/aws/smithy-go"
	"go.uber.org/goleak"

	"github.com/microfox-ai/aiwctl/aws"
	"github.com/microfox-ai/aiwctl/aws/audit"
	"github.com/microfox-ai/aiwctl/aws/jobs"
	"github.com/microfox-ai/aiwctl/aws/logs"
	"github.com/microfox-ai/aiwctl/aws/redrive"
	"github.com/microfox-ai/aiwctl/aws/redrive/letter"
	"github.com/microfox-ai/aiwctl/dispatch"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var start = time.Date(2026, 1, 2, 3, 0, 0, 0, time.UTC)

// world is a stage in memory: its logs, what is dead, what was replayed.
type world struct {
	events   map[string][]types.FilteredLogEvent // by group
	denied   map[string]bool                     // groups
	mu       sync.Mutex
	searched []string // groups, as they were searched by a pattern
	letters  []letter.Letter
	looks    int
	lookErr  error
	complete bool
	sent     []redrive.Sent
	asked    []string // of Replays
	record   *jobs.Record
	recErr   error
	children map[string]jobs.Record
	workers  []aws.Worker
	audit    string
	kept     time.Duration // by every log group
}

func newWorld(ids ...string) *world {
	w := &world{events: map[string][]types.FilteredLogEvent{}, denied: map[string]bool{}, complete: true, children: map[string]jobs.Record{}}
	for _, id := range ids {
		w.workers = append(w.workers, aws.Worker{
			ID: id, Function: &aws.Function{Name: id, LogGroup: "/aws/lambda/" + id},
			Queue: &aws.Queue{Name: id, URL: "https://sqs/" + id, MaxReceiveCount: 2},
			DLQ:   &aws.Queue{Name: id + "-dlq", URL: "https://sqs/" + id + "-dlq"},
		})
	}
	return w
}

// say writes lines to a worker's log, a second apart, beginning at a second.
func (w *world) say(worker string, second int, texts ...string) *world {
	group := "/aws/lambda/" + worker
	for i, s := range texts {
		at := start.Add(time.Duration(second+i) * time.Second).UnixMilli()
		w.events[group] = append(w.events[group], types.FilteredLogEvent{
			EventId: new(fmt.Sprint(worker, len(w.events[group]))), LogStreamName: new("s"), Message: new(s), Timestamp: &at, IngestionTime: &at,
		})
	}
	return w
}

// FilterLogEvents knows terms in quotes.
func (w *world) FilterLogEvents(_ context.Context, in *cloudwatchlogs.FilterLogEventsInput, _ ...func(*cloudwatchlogs.Options)) (*cloudwatchlogs.FilterLogEventsOutput, error) {
	if w.denied[*in.LogGroupName] {
		return nil, &smithy.GenericAPIError{Code: "AccessDeniedException", Message: "not authorized to perform: logs:FilterLogEvents"}
	}
	out := &cloudwatchlogs.FilterLogEventsOutput{}
	term := ""
	if in.FilterPattern != nil {
		term = strings.Trim(*in.FilterPattern, `"`)
		w.mu.Lock()
		w.searched = append(w.searched, *in.LogGroupName)
		w.mu.Unlock()
	}
	for _, e := range w.events[*in.LogGroupName] {
		if !strings.Contains(*e.Message, term) || in.StartTime != nil && *e.Timestamp < *in.StartTime || in.EndTime != nil && *e.Timestamp > *in.EndTime {
			continue
		}
		out.Events = append(out.Events, e)
	}
	return out, nil
}

func (w *world) DescribeLogGroups(context.Context, *cloudwatchlogs.DescribeLogGroupsInput, ...func(*cloudwatchlogs.Options)) (*cloudwatchlogs.DescribeLogGroupsOutput, error) {
	return nil, errors.New("not asked for")
}

func (w *world) Look(_ context.Context, _ aws.Worker, limit int, each func([]letter.Letter) (bool, error)) (*redrive.Look, error) {
	w.looks++
	if w.lookErr != nil {
		return &redrive.Look{}, w.lookErr
	}
	seen := w.letters[:min(limit, len(w.letters))]
	_, err := each(seen)
	return &redrive.Look{Seen: len(seen), Complete: w.complete, Depth: aws.Depth{Visible: len(w.letters)}}, err
}

func (w *world) Replays(ids ...string) ([]redrive.Sent, error) {
	w.asked = ids
	var out []redrive.Sent
	for _, s := range w.sent {
		if slices.Contains(ids, s.JobID) || slices.Contains(ids, s.NewJobID) || slices.Contains(ids, s.MessageID) {
			out = append(out, s)
		}
	}
	return out, nil
}

func (w *world) find(t *testing.T, id string, change ...func(*jobs.Request)) *jobs.Life {
	t.Helper()
	req := jobs.Request{JobID: id, Workers: w.workers, Since: start.Add(-time.Hour), Extend: true}
	for _, c := range change {
		c(&req)
	}
	cfg := jobs.Config{
		Logs: logs.NewReader(w, logs.WithCallRate(1e6, 1e6)), Letters: w, Audit: w.audit,
		Target: aws.Target{Region: "eu-west-1", Stage: "prod"}, Now: func() time.Time { return start.Add(time.Hour) },
	}
	if w.kept > 0 {
		cfg.Retention = func(context.Context, string) (time.Duration, error) { return w.kept, nil }
	}
	if w.record != nil || w.recErr != nil || len(w.children) > 0 {
		cfg.Record = func(_ context.Context, asked string) (jobs.Record, bool, error) {
			if asked != id {
				r, ok := w.children[asked]
				return r, ok, nil
			}
			if w.record == nil {
				return jobs.Record{}, false, w.recErr
			}
			return *w.record, true, w.recErr
		}
	}
	life, err := jobs.New(cfg).Find(t.Context(), req)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := json.Marshal(life); err != nil {
		t.Fatal(err)
	}
	return life
}

// wrote writes the audit trail.
func (w *world) wrote(t *testing.T, records ...audit.Record) {
	t.Helper()
	w.audit = filepath.Join(t.TempDir(), "audit.jsonl")
	trail := audit.New(w.audit)
	for _, r := range records {
		if err := trail.Append(r); err != nil {
			t.Fatal(err)
		}
	}
}

// story is a life's events on one line each: the offset in seconds, what, and the
// text.
func story(life *jobs.Life) string {
	var b strings.Builder
	for _, e := range life.Events {
		what := e.Kind
		if e.Attempt > 0 {
			what += fmt.Sprint(" ", e.Attempt)
		}
		fmt.Fprintf(&b, "%g %s: %s\n", e.At.Sub(start).Seconds(), what, e.Text)
	}
	return strings.TrimSuffix(b.String(), "\n")
}

func lines(s ...string) string { return strings.Join(s, "\n") }

// The shapes of lines.

func marker(req string) string {
	return `[AIWORKER_RUN] {"jobId":"j","workerId":"w","awsRequestId":"` + req + `"}`
}

func event(name, req string, attempt int, more string) string {
	return fmt.Sprintf(`{"level":"INFO","msg":"m","event":"%s","jobId":"j","workerId":"w","requestId":"%s","attempt":%d,"maxAttempts":2%s}`, name, req, attempt, more)
}

func node(req, level, text string) string {
	return "2026-01-02T03:04:05.678Z\t" + req + "\t" + level + "\t" + text
}

func begins(req string) string { return "START RequestId: " + req + " Version: $LATEST" }
func ends(req string) string   { return "END RequestId: " + req }

func report(req, more string) string {
	return "REPORT RequestId: " + req + "\tDuration: 3000.00 ms\tBilled Duration: 3000 ms\tMemory Size: 128 MB\tMax Memory Used: 51 MB\t" + more
}

func dead(id, job, metadata string) letter.Letter {
	l := letter.Letter{ID: id, ReceiveCount: 3, SentAt: start}
	l.SetBody(`{"workerId":"w","jobId":"` + job + `","input":{},"metadata":` + metadata + `}`)
	return l
}

func failure(message string) *dispatch.JobError { return &dispatch.JobError{Message: message} }
