package aws

import (
	"encoding/json"
	"errors"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aws/smithy-go"

	"github.com/microfox-ai/aiwctl/aws/audit"
	"github.com/microfox-ai/aiwctl/dispatch"
)

const textSchema = `{"type":"object","properties":{"text":{"type":"string"},"tone":{"type":"string","default":"calm"}},"required":["text","tone"],"additionalProperties":false}`

func echoWorker() Worker {
	return Worker{ID: "echo", InputSchema: json.RawMessage(textSchema), TolerantSchema: true, Queue: &Queue{Name: "p-x-echo-prod", URL: queueURL("p-x-echo-prod")}}
}

func TestDispatchToTheQueue(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "audit.jsonl")
	f := newFakeAWS()
	s := f.stage(Target{}, Options{AuditPath: path})
	res, err := s.Dispatch(t.Context(), DispatchRequest{
		Worker: echoWorker(), Input: json.RawMessage(`{"text":"hi"}`), JobID: "job-1", Delay: 90 * time.Second,
		WebhookURL: "https://hook.example/x", Metadata: map[string]any{"why": "test"},
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(f.sent) != 1 || *f.sent[0].QueueUrl != queueURL("p-x-echo-prod") || f.sent[0].DelaySeconds != 90 {
		t.Fatalf("sent = %+v, want one message to the worker's queue after 90 s", f.sent)
	}
	m, err := dispatch.ParseMessage([]byte(*f.sent[0].MessageBody))
	if err != nil {
		t.Fatal(err)
	}
	if m.WorkerID != "echo" || m.JobID != "job-1" || string(m.Input) != `{"text":"hi"}` || m.WebhookURL != "https://hook.example/x" ||
		m.Metadata["why"] != "test" || !m.Timestamp.Equal(testNow()) {
		t.Errorf("message = %+v", m)
	}
	if res.Via != ViaQueue || res.MessageID != "message-1" || res.Status != dispatch.StatusQueued || res.JobID != "job-1" ||
		res.QueueURL != queueURL("p-x-echo-prod") || !res.SentAt.Equal(testNow()) || string(res.Message) != *f.sent[0].MessageBody {
		t.Errorf("result = %+v", res)
	}
	if e := readAudit(t, path)[0]; e.Action != "dispatch" || e.Object != "echo" || e.IDs[0] != "job-1" || e.Outcome != audit.OutcomeDone {
		t.Errorf("audit = %+v", e)
	}
}

func TestDispatchThroughTheTrigger(t *testing.T) {
	t.Parallel()
	api := newWorkersAPI(t, configFor("echo"))
	api.key = "the-key"
	path := filepath.Join(t.TempDir(), "audit.jsonl")
	f := newFakeAWS()
	s := f.stage(Target{BaseURL: api.URL}, Options{AuditPath: path, Getenv: envOf(map[string]string{"WORKERS_API_KEY": "the-key"})})
	w := echoWorker()
	w.Queue = nil // the API knows the queue
	res, err := s.Dispatch(t.Context(), DispatchRequest{Worker: w, Input: json.RawMessage(`{"text":"hi"}`)})
	if err != nil {
		t.Fatal(err)
	}
	if res.Via != ViaTrigger || res.MessageID != "from-trigger" || len(f.sent) > 0 {
		t.Errorf("result = %+v, %d messages sent to the queue, want the trigger's", res, len(f.sent))
	}
	if got := api.triggered(); len(got) != 1 || !strings.Contains(got[0], res.JobID) || got[0] != string(res.Message) {
		t.Errorf("the trigger got %q, want %s", got, res.Message)
	}
	if e := readAudit(t, path)[0]; e.Outcome != audit.OutcomeDone || e.IDs[0] != res.JobID {
		t.Errorf("audit = %+v", e)
	}
	if text, _ := json.Marshal(readAudit(t, path)); strings.Contains(string(text), "the-key") {
		t.Error("the audit trail holds the key")
	}
}

func TestDispatchRefusals(t *testing.T) {
	t.Parallel()
	api := newWorkersAPI(t, configFor("echo", "video-processing"))
	api.key = "right"
	fifo := echoWorker()
	fifo.Queue = &Queue{Name: "e.fifo", URL: queueURL("e.fifo"), FIFO: true}
	unknown := Worker{ID: "ehco"}
	rightKey := map[string]string{"WORKERS_TRIGGER_API_KEY": "right"}
	for _, tt := range []struct {
		name    string
		target  Target
		env     map[string]string
		request DispatchRequest
		want    []string // parts of the error
		is      error
		kind    ErrorKind
		attempt bool // it is refused by the other side
	}{
		{name: "no worker", want: []string{"no worker"}, kind: KindOther},
		{name: "input does not fit", request: DispatchRequest{Worker: echoWorker(), Input: json.RawMessage(`{"text":7}`)}, want: []string{"/text"}, kind: KindInvalid},
		{name: "no JSON", request: DispatchRequest{Worker: echoWorker(), Input: json.RawMessage(`{"text":`)}, want: []string{"echo"}, kind: KindInvalid},
		{name: "no JSON, forced", request: DispatchRequest{Worker: Worker{ID: "echo", Queue: fifo.Queue}, Input: json.RawMessage(`{nope}`), Force: true}, want: []string{"echo"}, kind: KindInvalid},
		{name: "too large", request: DispatchRequest{Worker: echoWorker(), Input: json.RawMessage(`{"text":"` + strings.Repeat("x", dispatch.MaxMessageBytes) + `"}`)}, want: []string{"1048576"}, is: dispatch.ErrTooLarge, kind: KindInvalid},
		{name: "delay too long", request: DispatchRequest{Worker: echoWorker(), Delay: 16 * time.Minute}, want: []string{"16m0s", "15m0s"}, is: dispatch.ErrDelay, kind: KindInvalid},
		{name: "delay on FIFO", request: DispatchRequest{Worker: fifo, Delay: time.Second}, want: []string{"FIFO"}, is: dispatch.ErrDelay, kind: KindInvalid},
		{name: "delay without a queue", target: Target{BaseURL: api.URL}, request: DispatchRequest{Worker: unknown, Delay: time.Second}, want: []string{"queue"}, is: dispatch.ErrDelay, kind: KindInvalid},
		{name: "nowhere to send", request: DispatchRequest{Worker: unknown}, want: []string{"ehco", "--base-url"}, kind: KindOther},
		{name: "local, but AWS", request: DispatchRequest{Worker: echoWorker(), Input: json.RawMessage(`{"text":""}`), Mode: dispatch.ModeLocal}, want: []string{"mode local", "AWS"}, kind: KindOther},
		{name: "local, but deployed", target: Target{BaseURL: "https://prod.example", EndpointURL: "http://127.0.0.1:1"}, request: DispatchRequest{Worker: echoWorker(), Mode: dispatch.ModeLocal}, want: []string{"mode local", "prod.example"}, kind: KindOther},
		{name: "remote, but here", target: Target{EndpointURL: "http://127.0.0.1:1"}, request: DispatchRequest{Worker: echoWorker(), Mode: dispatch.ModeRemote}, want: []string{"mode remote", "127.0.0.1"}, kind: KindOther},
		{name: "unknown mode", request: DispatchRequest{Worker: echoWorker(), Mode: "both"}, want: []string{`"both"`, "auto"}, kind: KindOther},
		{name: "bad base URL", target: Target{BaseURL: "ftp://x"}, request: DispatchRequest{Worker: echoWorker(), Input: json.RawMessage(`{"text":""}`)}, want: []string{"echo"}, kind: KindOther},
		{name: "read-only", target: Target{ReadOnly: true}, request: DispatchRequest{Worker: echoWorker(), Input: json.RawMessage(`{"text":""}`)}, want: []string{"read-only"}, is: ErrReadOnly, kind: KindDenied},
		{name: "wrong key", target: Target{BaseURL: api.URL}, env: map[string]string{"WORKERS_TRIGGER_API_KEY": " ", "WORKERS_API_KEY": "wrong"}, request: DispatchRequest{Worker: unknown}, want: []string{"came from WORKERS_API_KEY"}, kind: KindAuth, attempt: true},
		{name: "derived key", target: Target{BaseURL: api.URL}, env: map[string]string{"MICROFOX_PROJECT_ID": "p"}, request: DispatchRequest{Worker: unknown}, want: []string{"derived from MICROFOX_PROJECT_ID"}, kind: KindAuth, attempt: true},
		{name: "no key", target: Target{BaseURL: api.URL}, request: DispatchRequest{Worker: unknown}, want: []string{"no key was sent", "WORKERS_TRIGGER_API_KEY"}, kind: KindAuth, attempt: true},
		{name: "unknown worker", target: Target{BaseURL: api.URL}, env: rightKey, request: DispatchRequest{Worker: unknown}, want: []string{"ehco", "workers/config could not be read"}, is: dispatch.ErrUnknownWorker, kind: KindNotFound, attempt: true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			f := newFakeAWS()
			s := f.stage(tt.target, Options{Getenv: envOf(tt.env)})
			res, err := s.Dispatch(t.Context(), tt.request)
			if err == nil || len(f.sent) > 0 || res.JobID != "" {
				t.Fatalf("result %+v, %v, %d sent: want a refusal and nothing sent", res, err, len(f.sent))
			}
			for _, part := range tt.want {
				if !strings.Contains(err.Error(), part) {
					t.Errorf("error %q does not say %q", err, part)
				}
			}
			if tt.is != nil && !errors.Is(err, tt.is) {
				t.Errorf("error %v is not %v", err, tt.is)
			}
			if kind, _ := Classify(err); kind != tt.kind {
				t.Errorf("kind = %q, want %q", kind, tt.kind)
			}
			if strings.Contains(err.Error(), "wrong") {
				t.Errorf("error %q holds the key", err)
			}
			if tt.kind == KindInvalid && tt.is == nil {
				if _, ok := errors.AsType[*dispatch.ValidationError](err); !ok {
					t.Errorf("error %v is no *dispatch.ValidationError", err)
				}
			}
			if _, planErr := s.PlanDispatch(t.Context(), tt.request); !tt.attempt && !errors.Is(err, ErrReadOnly) && planErr == nil {
				t.Error("PlanDispatch plans what Dispatch refuses")
			}
		})
	}
}

func TestDispatchToUnknownWorkerNamesTheOthers(t *testing.T) {
	t.Parallel()
	api := newWorkersAPI(t, configFor("echo", "video-processing"))
	s := newFakeAWS().stage(Target{BaseURL: api.URL}, Options{})
	_, err := s.Dispatch(t.Context(), DispatchRequest{Worker: Worker{ID: "ehco"}})
	if err == nil || !strings.Contains(err.Error(), "echo, video-processing") {
		t.Errorf("err = %v, want the workers there are", err)
	}
}

func TestDispatchTolerance(t *testing.T) {
	t.Parallel()
	send := func(w Worker, input string, force bool) (DispatchResult, error) {
		return newFakeAWS().stage(Target{}, Options{}).Dispatch(t.Context(), DispatchRequest{Worker: w, Input: json.RawMessage(input), Force: force})
	}
	strict := echoWorker()
	strict.TolerantSchema = false
	if _, err := send(strict, `{"text":"hi"}`, false); err == nil {
		t.Error("a strict schema let a required property be left out")
	}
	if res, err := send(strict, `{"text":"hi"}`, true); err != nil || len(res.Warnings) == 0 || !res.Warnings[0].Warning {
		t.Errorf("forced: %v, warnings %+v, want it sent with a warning", err, res.Warnings)
	}
	if res, err := send(echoWorker(), `{"text":"hi"}`, false); err != nil || len(res.Warnings) > 0 {
		t.Errorf("tolerant: %v, %+v: a property with a default need not be given", err, res.Warnings)
	}
	if res, err := send(echoWorker(), `{"text":"hi","more":1}`, false); err != nil || len(res.Warnings) != 1 {
		t.Errorf("tolerant: %v, %+v, want one warning about the property nobody knows", err, res.Warnings)
	}
	if res, err := send(Worker{ID: "echo", Queue: strict.Queue}, ``, false); err != nil || !strings.Contains(string(res.Message), `"input":{}`) {
		t.Errorf("no schema, no input: %v, %s, want {} sent", err, res.Message)
	}
	broken := echoWorker()
	broken.InputSchema = json.RawMessage(`{"type":"no such type"}`)
	if res, err := send(broken, `{"anything":1}`, false); err != nil || len(res.Warnings) == 0 || !strings.Contains(res.Warnings[0].Message, "not checked") {
		t.Errorf("broken schema: %v, %+v, want it sent with a warning", err, res.Warnings)
	}
}

func TestDispatchCompilesASchemaOnce(t *testing.T) {
	t.Parallel()
	s := newFakeAWS().stage(Target{}, Options{})
	first, err := s.schema(echoWorker())
	if err != nil {
		t.Fatal(err)
	}
	if again, _ := s.schema(echoWorker()); again != first {
		t.Error("the same schema was compiled twice")
	}
	changed := echoWorker()
	changed.InputSchema = json.RawMessage(`{"type":"array"}`)
	if other, _ := s.schema(changed); other == first || len(other.Validate([]byte(`[]`))) > 0 {
		t.Error("a schema that changed was not compiled again")
	}
	strict := echoWorker()
	strict.TolerantSchema = false
	if other, _ := s.schema(strict); len(other.Validate([]byte(`{"text":""}`))) == 0 {
		t.Error("the tolerant schema was used for the strict one")
	}
}

func TestDispatchToFIFO(t *testing.T) {
	t.Parallel()
	f := newFakeAWS()
	w := Worker{ID: "echo", Queue: &Queue{Name: "e.fifo", URL: queueURL("e.fifo"), FIFO: true}}
	if _, err := f.stage(Target{}, Options{}).Dispatch(t.Context(), DispatchRequest{Worker: w, JobID: "job-1"}); err != nil {
		t.Fatal(err)
	}
	if in := f.sent[0]; in.MessageGroupId == nil || *in.MessageGroupId != "job-1" || *in.MessageDeduplicationId != "job-1" {
		t.Errorf("sent %+v, want what a FIFO queue insists on", in)
	}
}

func TestPlanDispatchSendsNothing(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "audit.jsonl")
	f := newFakeAWS()
	s := f.stage(Target{ReadOnly: true}, Options{AuditPath: path})
	res, err := s.PlanDispatch(t.Context(), DispatchRequest{Worker: echoWorker(), Input: json.RawMessage(`{"text":"hi"}`)})
	if err != nil || len(f.sent) > 0 || f.count("SendMessage") > 0 {
		t.Fatalf("%v, %d sent", err, len(f.sent))
	}
	if res.Status != StatusPlanned || res.MessageID != "" || res.Via != ViaQueue || res.QueueURL == "" || !strings.HasPrefix(res.JobID, "job-") || len(res.Message) == 0 {
		t.Errorf("plan = %+v", res)
	}
}

func TestDispatchFailsWithAWSsError(t *testing.T) {
	t.Parallel()
	f := newFakeAWS()
	f.fail["SendMessage"] = &smithy.GenericAPIError{Code: denied, Message: "User: arn:aws:sts::1:assumed-role/ops-read/me is not authorized to perform: sqs:sendmessage"}
	_, err := f.stage(Target{}, Options{}).Dispatch(t.Context(), DispatchRequest{Worker: echoWorker(), Input: json.RawMessage(`{"text":"hi"}`)})
	if kind, hint := Classify(err); kind != KindDenied || hint != "access denied: sqs:SendMessage is missing from role ops-read" {
		t.Errorf("Classify(%v) = %q, %q", err, kind, hint)
	}
	if err == nil || !strings.Contains(err.Error(), "p-x-echo-prod") {
		t.Errorf("err = %v, want the queue named", err)
	}
}
