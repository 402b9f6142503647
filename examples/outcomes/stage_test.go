// Package outcomes_test holds the worker library to its table of outcomes: each row
// is a test that puts messages into the queue of a local stage, whose worker program
// is this test binary, and looks at everything that is left behind: the job's record,
// queue and dead-letter queue, webhooks, log, and how often the handler ran.
package outcomes_test

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	awssdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"go.uber.org/goleak"

	"github.com/microfox-ai/aiwctl/aws/local"
	"github.com/microfox-ai/aiwctl/dispatch"
	"github.com/microfox-ai/aiwctl/runtime/jobstore"
	"github.com/microfox-ai/aiwctl/runtime/webhook"
)

const (
	service   = "outcomes"
	stageName = "test"

	// patience is how long a test waits for what must come, however busy the machine is.
	patience = 3 * time.Minute
	// atOnce is how many tests run at the same time where nobody says: they mostly
	// wait.
	atOnce = 16
)

// TestMain lets the test binary be the worker program.
func TestMain(m *testing.M) {
	if isWorker(os.Args) {
		os.Exit(runWorker(context.Background(), os.Args[1:]))
	}
	flag.Parse()
	told := false
	flag.Visit(func(f *flag.Flag) { told = told || f.Name == "test.parallel" })
	if !told {
		if err := flag.Set("test.parallel", strconv.Itoa(atOnce)); err != nil {
			panic(err)
		}
	}
	goleak.VerifyTestMain(m)
}

// stage is a local stage with the workers of this program, and all that can be seen
// of it from outside.
type stage struct {
	dir    string // shared with the worker processes
	server *local.Server
	sqs    *sqs.Client
	logs   *cloudwatchlogs.Client
	lambda *lambda.Client
	http   *http.Client
	store  jobstore.Store
	*receiver
}

// start brings up a stage of the test's own; env is added to what its workers have.
func start(t *testing.T, env ...string) *stage {
	t.Helper()
	s := &stage{dir: t.TempDir()}
	secret := webhook.NewSecret()
	s.receiver = newReceiver(t, secret)
	records := filepath.Join(s.dir, "records")
	var err error
	if s.store, err = jobstore.Open("file:" + records); err != nil {
		t.Fatal(err)
	}
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	s.server, err = local.Start(t.Context(), local.Config{
		Listen: "127.0.0.1:0", Service: service, Stage: stageName, StateDir: records,
		Programs: []local.Program{{Name: "outcomes", Command: []string{exe}}},
		Env: append([]string{
			envDir + "=" + s.dir, envHold + "=" + s.url + "/hold/", "WORKER_WEBHOOK_SECRET=" + secret.Reveal(),
		}, env...),
	})
	if err != nil {
		t.Fatal(err)
	}
	transport := &http.Transport{MaxIdleConnsPerHost: 4}
	t.Cleanup(func() {
		// The test's context is over by now, which Close must bear.
		if err := s.server.Close(t.Context()); err != nil {
			t.Error(err)
		}
		transport.CloseIdleConnections()
	})
	s.http = &http.Client{Transport: transport, Timeout: patience}
	cfg := awssdk.Config{
		Region:       "us-east-1",
		BaseEndpoint: new(s.server.Endpoint()),
		Credentials:  credentials.NewStaticCredentialsProvider("local", "local", ""),
		HTTPClient:   dispatch.StableHTTPClient(s.http),
	}
	s.sqs, s.logs, s.lambda = sqs.NewFromConfig(cfg), cloudwatchlogs.NewFromConfig(cfg), lambda.NewFromConfig(cfg)
	return s
}

// eventually polls until a condition holds.
func eventually(t *testing.T, what string, holds func() bool) {
	t.Helper()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	deadline := time.After(patience)
	for !holds() {
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatalf("waited %v in vain for %s", patience, what)
		}
	}
}

// queue and dlq are the URLs of a worker's queues.
func (s *stage) queue(worker string) string { return s.queueURL(worker, "") }
func (s *stage) dlq(worker string) string   { return s.queueURL(worker, "-dlq") }

func (s *stage) queueURL(worker, kind string) string {
	url := s.server.Endpoint() + "/000000000000/" + service + "-" + worker + kind + "-" + stageName
	if worker == workerLine {
		url += ".fifo"
	}
	return url
}

func function(worker string) string { return dispatch.FunctionName(service, stageName, worker) }

// body is the message of a job as some other program may write it: SQS and the
// runtime must leave it as it is.
func (s *stage) body(worker, jobID string, do ...string) string {
	input, err := json.Marshal(Input{Do: do})
	if err != nil {
		panic(err)
	}
	return s.bodyWith(worker, jobID, string(input))
}

func (s *stage) bodyWith(worker, jobID, input string) string {
	return fmt.Sprintf("{ \"jobId\": %q,\t\"input\":%s, \"workerId\":%q,\n \"webhookUrl\":%q, \"context\":{\"userId\":\"u-1\"}, \"metadata\":{\"order\":1.50}, \"zeta\":\"<\u00e4&>\" }\n",
		jobID, input, worker, s.url+"/done")
}

// attribute is a message attribute that every message is sent with.
const (
	attribute      = "origin"
	attributeValue = "the test"
)

func attributes() map[string]types.MessageAttributeValue {
	return map[string]types.MessageAttributeValue{attribute: {DataType: new("String"), StringValue: new(attributeValue)}}
}

// send puts messages into the queue of a worker, at most ten and all at once. In a
// FIFO queue the part of a job's id before the dash is its group.
func (s *stage) send(t *testing.T, worker string, bodies ...string) {
	t.Helper()
	in := &sqs.SendMessageBatchInput{QueueUrl: new(s.queue(worker))}
	for i, body := range bodies {
		e := types.SendMessageBatchRequestEntry{Id: new(strconv.Itoa(i)), MessageBody: &body, MessageAttributes: attributes()}
		if worker == workerLine {
			m, err := dispatch.ParseMessage([]byte(body))
			if err != nil {
				t.Fatal(err)
			}
			group, _, _ := strings.Cut(m.JobID, "-")
			e.MessageGroupId = &group
		}
		in.Entries = append(in.Entries, e)
	}
	out, err := s.sqs.SendMessageBatch(t.Context(), in)
	if err != nil || len(out.Failed) > 0 {
		t.Fatalf("send: %v %+v", err, out)
	}
}

// depth is how many messages a queue holds, visible or not.
func (s *stage) depth(t *testing.T, url string) int {
	t.Helper()
	out, err := s.sqs.GetQueueAttributes(t.Context(), &sqs.GetQueueAttributesInput{QueueUrl: &url, AttributeNames: []types.QueueAttributeName{
		types.QueueAttributeNameApproximateNumberOfMessages,
		types.QueueAttributeNameApproximateNumberOfMessagesDelayed,
		types.QueueAttributeNameApproximateNumberOfMessagesNotVisible,
	}})
	if err != nil {
		t.Fatal(err)
	}
	sum := 0
	for _, text := range out.Attributes {
		n, err := strconv.Atoi(text)
		if err != nil {
			t.Fatal(err)
		}
		sum += n
	}
	return sum
}

// settled waits until nothing more can happen to the jobs of a worker: its queue is
// empty, and no invocation is under way.
func (s *stage) settled(t *testing.T, worker string) {
	t.Helper()
	count := func(line string) int { return len(s.search(t, worker, `"`+line+` RequestId:"`)) }
	eventually(t, "the jobs of worker "+worker+" to be over", func() bool {
		// An invocation may send a message, and a message start an invocation.
		began := count("START")
		return began == count("REPORT") && s.depth(t, s.queue(worker)) == 0 && began == count("START")
	})
}

// search returns the lines of a worker's log that match a filter pattern.
func (s *stage) search(t *testing.T, worker, pattern string) []string {
	t.Helper()
	var lines []string
	pages := cloudwatchlogs.NewFilterLogEventsPaginator(s.logs, &cloudwatchlogs.FilterLogEventsInput{
		LogGroupName: new("/aws/lambda/" + function(worker)), FilterPattern: &pattern,
	})
	for pages.HasMorePages() {
		out, err := pages.NextPage(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range out.Events {
			lines = append(lines, awssdk.ToString(e.Message))
		}
	}
	return lines
}

// events are the job's events, in the order of the log.
func (s *stage) events(t *testing.T, worker, jobID string) []dispatch.JobEvent {
	t.Helper()
	var events []dispatch.JobEvent
	for _, line := range s.search(t, worker, fmt.Sprintf(`{ $.jobId = %q && $.event = "job.*" }`, jobID)) {
		var e dispatch.JobEvent
		if err := json.Unmarshal([]byte(line), &e); err != nil {
			t.Fatalf("read the log line %q: %v", line, err)
		}
		events = append(events, e)
	}
	return events
}

// eventNames are the events without the "job." before each.
func eventNames(events []dispatch.JobEvent) string {
	names := make([]string, len(events))
	for i, e := range events {
		names[i] = strings.TrimPrefix(e.Event, "job.")
	}
	return strings.Join(names, " ")
}

// runs are the runs of a job's handler.
func (s *stage) runs(t *testing.T, jobID string) []handlerRun {
	t.Helper()
	all, err := readRuns(s.dir)
	if err != nil {
		t.Fatal(err)
	}
	var own []handlerRun
	for _, r := range all {
		if r.Job == jobID {
			own = append(own, r)
		}
	}
	return own
}

// record is the job's record; nil when there is none.
func (s *stage) record(t *testing.T, jobID string) *jobstore.Record {
	t.Helper()
	r, err := s.store.Get(t.Context(), jobID)
	if errors.Is(err, jobstore.ErrNotFound) {
		return nil
	}
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// untilRecord waits for the job's record to be in a state.
func (s *stage) untilRecord(t *testing.T, jobID string, want jobstore.Status) *jobstore.Record {
	t.Helper()
	var r *jobstore.Record
	eventually(t, fmt.Sprintf("job %s to be %s", jobID, want), func() bool {
		r = s.record(t, jobID)
		return r != nil && r.Status == want
	})
	return r
}
