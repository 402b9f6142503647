package functions

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"
)

// mapped is a stage with a function, a queue, and a mapping between them.
func mapped(t *testing.T, visibility time.Duration, maxReceive int, spec Mapping, change ...func(*Function)) (*stage, string) {
	t.Helper()
	s := newStage(t)
	s.function("f", append([]func(*Function){func(f *Function) { f.Timeout = visibility }}, change...)...)
	s.queues.make(testQueue, visibility, maxReceive)
	spec.FunctionName, spec.QueueARN, spec.Enabled = "f", testQueue, true
	uuid, err := s.PutMapping(spec)
	if err != nil {
		t.Fatal(err)
	}
	return s, uuid
}

func (s *stage) receives(body string) int {
	n := 0
	for _, line := range s.logs.lines() {
		if strings.HasPrefix(line, "message "+body+" receive ") {
			n++
		}
	}
	return n
}

func (s *stage) result(uuid string) string {
	for _, status := range s.Mappings() {
		if status.UUID == uuid {
			return status.LastResult
		}
	}
	return ""
}

func TestSuccessDeletesTheBatch(t *testing.T) {
	t.Parallel()
	s, uuid := mapped(t, 10*time.Second, 0, Mapping{})
	s.queues.send(testQueue, "a", "b", "c")
	eventually(t, "the deletion", func() bool { return len(s.queues.deleted(testQueue)) == 3 })
	if left := s.queues.left(testQueue); len(left) != 0 {
		t.Errorf("left %q", left)
	}
	eventually(t, "the result", func() bool { return s.result(uuid) == "OK" })
	if !s.logs.contains("message b receive 1") {
		t.Errorf("log %q", s.logs.lines())
	}
}

// TestBatchAnswers goes through what a function can answer, row by row: which
// messages are deleted after the first invocation.
func TestBatchAnswers(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name    string
		report  bool
		bodies  []string
		deleted []string
	}{
		{"no failures", true, []string{"a", "b"}, []string{"a", "b"}},
		{"one failure", true, []string{"a", "fail", "b"}, []string{"a", "b"}},
		{"all failures", true, []string{"fail", "fail"}, nil},
		{"function error", true, []string{"a", "throw"}, nil},
		{"function error, not reporting", false, []string{"a", "throw"}, nil},
		{"crash", true, []string{"a", "exit"}, nil},
		{"failure, not reporting", false, []string{"a", "fail"}, []string{"a", "fail"}},
		{"null", true, []string{"a", "answer null"}, []string{"a", "answer null"}},
		{"wrong key", true, []string{"a", `answer {"batchItemFailures":[{"ItemIdentifier":"id-1"}]}`}, nil},
		{"empty id", true, []string{"a", `answer {"batchItemFailures":[{"itemIdentifier":""}]}`}, nil},
		{"null id", true, []string{"a", `answer {"batchItemFailures":[{"itemIdentifier":null}]}`}, nil},
		{"foreign id", true, []string{"a", `answer {"batchItemFailures":[{"itemIdentifier":"id-9"}]}`}, nil},
		{"number", true, []string{"a", `answer 7`}, nil},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			s, uuid := mapped(t, 20*time.Second, 0, Mapping{ReportBatchItemFailures: test.report})
			s.queues.send(testQueue, test.bodies...)
			eventually(t, "the result", func() bool { return s.result(uuid) != resultNone })
			if got := s.queues.deleted(testQueue); !slices.Equal(got, test.deleted) {
				t.Errorf("deleted %q, want %q", got, test.deleted)
			}
			whole := len(test.deleted) == 0 && test.name != "all failures"
			if got := s.result(uuid); (got == resultFailed) != whole {
				t.Errorf("result %q", got)
			}
		})
	}
}

func TestFailedMessagesComeBackAfterTheVisibilityTimeout(t *testing.T) {
	t.Parallel()
	const visibility = 1500 * time.Millisecond
	s, _ := mapped(t, visibility, 3, Mapping{ReportBatchItemFailures: true})
	began := time.Now()
	s.queues.send(testQueue, "fail")
	eventually(t, "the dead letter", func() bool { return len(s.queues.dead(testQueue)) == 1 })
	if took := time.Since(began); took < 3*visibility {
		t.Errorf("three receives took %s; messages came back before their visibility timeout", took)
	}
	if n := s.receives("fail"); n != 3 {
		t.Errorf("delivered %d times, want maxReceiveCount, 3", n)
	}
}

func TestTimedOutBatchIsNotDeleted(t *testing.T) {
	t.Parallel()
	s, uuid := mapped(t, 300*time.Millisecond, 2, Mapping{ReportBatchItemFailures: true})
	s.queues.send(testQueue, "sleep 10s")
	eventually(t, "the dead letter", func() bool { return len(s.queues.dead(testQueue)) == 1 })
	eventually(t, "the result", func() bool { return s.result(uuid) == resultFailed })
	if got := s.queues.deleted(testQueue); len(got) != 0 {
		t.Errorf("deleted %q", got)
	}
}

func TestBatchSizeAndWindow(t *testing.T) {
	t.Parallel()
	s, _ := mapped(t, 20*time.Second, 0, Mapping{BatchSize: 25, Window: time.Second})
	for i := range 25 {
		s.queues.send(testQueue, fmt.Sprintf("m%d", i))
	}
	eventually(t, "the deletion", func() bool { return len(s.queues.deleted(testQueue)) == 25 })
	// A full batch does not wait for the end of its window, so nothing was split.
	if n := countPrefix(s.logs.lines(), "START"); n != 1 {
		t.Errorf("%d invocations for one batch", n)
	}

	one, _ := mapped(t, 20*time.Second, 0, Mapping{BatchSize: 1})
	one.queues.send(testQueue, "a", "b", "c")
	eventually(t, "the deletion", func() bool { return len(one.queues.deleted(testQueue)) == 3 })
	if n := countPrefix(one.logs.lines(), "START"); n != 3 {
		t.Errorf("%d invocations for three batches of one", n)
	}
}

func countPrefix(lines []string, prefix string) int {
	n := 0
	for _, line := range lines {
		if strings.HasPrefix(line, prefix) {
			n++
		}
	}
	return n
}

func TestPayloadCapSplitsBatches(t *testing.T) {
	t.Parallel()
	s, _ := mapped(t, 20*time.Second, 0, Mapping{BatchSize: 10})
	big := strings.Repeat("x", 1<<20-1000)
	s.queues.send(testQueue, big, big, big, big, big, big, big, big)
	eventually(t, "the deletion", func() bool { return len(s.queues.deleted(testQueue)) == 8 })
	// The program prints each body, which makes many lines; START lines count batches.
	if n := countPrefix(s.logs.lines(), "START"); n != 2 {
		t.Errorf("%d invocations, want 2: six messages fit into 6 MB", n)
	}
}

func TestMaximumConcurrency(t *testing.T) {
	t.Parallel()
	s, _ := mapped(t, 20*time.Second, 0, Mapping{BatchSize: 1, MaximumConcurrency: 2})
	for range 6 {
		s.queues.send(testQueue, "sleep 150ms")
	}
	most := 0
	eventually(t, "the deletion", func() bool {
		most = max(most, s.Mappings()[0].Running)
		return len(s.queues.deleted(testQueue)) == 6
	})
	if most > 2 {
		t.Errorf("%d batches at once", most)
	}
	if n := len(s.logs.names()); n > 2 {
		t.Errorf("%d environments", n)
	}
}

func TestDisablingLetsTheInvocationEnd(t *testing.T) {
	t.Parallel()
	s, uuid := mapped(t, 20*time.Second, 0, Mapping{BatchSize: 1})
	s.queues.send(testQueue, "sleep 2s")
	eventually(t, "the invocation", func() bool { return s.Mappings()[0].Running == 1 && s.logs.contains("message sleep") })
	spec := s.Mappings()[0].Mapping
	spec.Enabled = false
	if again, err := s.PutMapping(spec); err != nil || again != uuid {
		t.Fatalf("got %s, %v; the mapping between the same ends keeps its UUID", again, err)
	}
	if state := s.Mappings()[0].State; state != "Disabling" {
		t.Errorf("state %s", state)
	}
	eventually(t, "the end of the invocation", func() bool { return s.Mappings()[0].State == "Disabled" })
	if got := s.queues.deleted(testQueue); len(got) != 1 {
		t.Errorf("deleted %q", got)
	}
	s.queues.send(testQueue, "later")
	spec.Enabled = true
	if n := s.receives("later"); n != 0 {
		t.Errorf("a disabled mapping delivered %d times", n)
	}
	if _, err := s.PutMapping(spec); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the delivery", func() bool { return s.receives("later") == 1 })
	if err := s.RemoveMapping(uuid); err != nil {
		t.Fatal(err)
	}
	if err := s.RemoveMapping(uuid); code(t, err) != "ResourceNotFoundException" {
		t.Errorf("got %v", err)
	}
}

func TestMissingQueueAndFunctionAreProblems(t *testing.T) {
	t.Parallel()
	s, _ := mapped(t, 20*time.Second, 0, Mapping{})
	s.queues.remove(testQueue)
	problem := func() bool { return strings.HasPrefix(s.Mappings()[0].LastResult, "PROBLEM: ") }
	eventually(t, "the problem", problem)
	if got := s.Mappings()[0]; !strings.Contains(got.LastResult, "Queue not found: jobs") || got.State != "Enabled" {
		t.Errorf("got %+v", got)
	}
	s.queues.make(testQueue, 20*time.Second, 0)
	s.queues.send(testQueue, "back")
	eventually(t, "the delivery", func() bool { return s.receives("back") == 1 })
	eventually(t, "the recovery", func() bool { return !problem() })

	if err := s.Remove(t.Context(), "f"); err != nil {
		t.Fatal(err)
	}
	s.queues.send(testQueue, "one", "two")
	eventually(t, "the problem", problem)
	s.function("f")
	s.queues.send(testQueue, "three")
	eventually(t, "the delivery", func() bool { return s.receives("three") == 1 })
}

func TestBrokenProgramDoesNotUseUpMessages(t *testing.T) {
	t.Parallel()
	s, _ := mapped(t, 100*time.Millisecond, 0, Mapping{BatchSize: 1}, func(f *Function) { f.Env = []string{programVariable + "=exit"} })
	s.queues.send(testQueue, "a")
	eventually(t, "four starts", func() bool { return len(s.logs.names()) >= 4 })
	// 250 ms, 500 ms and 1 s of backoff lie between four starts; without it there
	// would have been one for each visibility timeout.
	s.queues.mu.Lock()
	count := s.queues.queues[testQueue].messages[0].count
	s.queues.mu.Unlock()
	if count > 5 {
		t.Errorf("received %d times for %d starts", count, len(s.logs.names()))
	}
}

func TestThrottledBatchComesBack(t *testing.T) {
	t.Parallel()
	s, uuid := mapped(t, 5*time.Second, 0, Mapping{BatchSize: 1}, func(f *Function) { f.ReservedConcurrency = 1 })
	s.queues.send(testQueue, "sleep 3s")
	eventually(t, "the first", func() bool { return s.logs.contains("message sleep") })
	s.queues.send(testQueue, "waiting")
	eventually(t, "the throttling", func() bool { return strings.Contains(s.result(uuid), "TooManyRequestsException") })
	if left := s.queues.left(testQueue); len(left) == 0 {
		t.Error("the throttled message was deleted")
	}
	eventually(t, "the second receive", func() bool { return s.logs.contains("waiting receive 2") })
}

func TestMappingsThatAreRefused(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	s.function("f", func(f *Function) { f.Timeout = time.Minute })
	s.queues.make(testQueue, 30*time.Second, 0)
	const long, fifo = testQueue + "-long", testQueue + ".fifo"
	s.queues.make(long, 2*time.Minute, 0)
	s.queues.make(fifo, 2*time.Minute, 0)
	tests := []struct {
		name    string
		spec    Mapping
		code    string
		message string
	}{
		{"visibility", Mapping{QueueARN: testQueue}, "InvalidParameterValueException", "Queue visibility timeout: 30 seconds is less than Function timeout: 60 seconds"},
		{"no queue", Mapping{QueueARN: testQueue + "x"}, "InvalidParameterValueException", "AWS.SimpleQueueService.NonExistentQueue"},
		{"no function", Mapping{FunctionName: "g", QueueARN: long}, "ResourceNotFoundException", "Function not found"},
		{"window needed", Mapping{QueueARN: long, BatchSize: 11}, "InvalidParameterValueException", "Maximum batch window in seconds must be greater than 0"},
		{"batch size", Mapping{QueueARN: long, BatchSize: 10001, Window: time.Second}, "InvalidParameterValueException", "Batch size"},
		{"window", Mapping{QueueARN: long, Window: 301 * time.Second}, "InvalidParameterValueException", "batching window"},
		{"FIFO window", Mapping{QueueARN: fifo, Window: time.Second}, "InvalidParameterValueException", "FIFO"},
		{"concurrency", Mapping{QueueARN: long, MaximumConcurrency: 1}, "InvalidParameterValueException", "MaximumConcurrency"},
	}
	for _, test := range tests {
		test.spec.FunctionName = cmp.Or(test.spec.FunctionName, "f")
		_, err := s.PutMapping(test.spec)
		if code(t, err) != test.code || !strings.Contains(err.Error(), test.message) {
			t.Errorf("%s: got %v", test.name, err)
		}
	}
	if len(s.Mappings()) != 0 {
		t.Errorf("mappings %v", s.Mappings())
	}
}

func TestBatchEvent(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	b := new(batch)
	for _, body := range []string{`{"a":"<b>"}`, "second"} {
		if ok, err := b.add(s.complete(events.SQSMessage{MessageId: "1", ReceiptHandle: "r", Body: body}, testQueue)); !ok || err != nil {
			t.Fatal(ok, err)
		}
	}
	const record = `{"messageId":"1","receiptHandle":"r","body":%s,"md5OfBody":"","md5OfMessageAttributes":"","attributes":{},"messageAttributes":{},` +
		`"eventSourceARN":"arn:aws:sqs:us-east-1:000000000000:jobs","eventSource":"aws:sqs","awsRegion":"us-east-1"}`
	want := `{"Records":[` + fmt.Sprintf(record, `"{\"a\":\"<b>\"}"`) + "," + fmt.Sprintf(record, `"second"`) + `]}`
	if got := string(b.event()); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}
