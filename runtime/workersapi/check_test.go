package workersapi

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/microfox-ai/aiwctl/dispatch"
)

// videoSchema is as the runtime infers one from Go types: closed.
const videoSchema = `{"$schema":"https://json-schema.org/draft/2020-12/schema","type":"object","required":["url","width"],"additionalProperties":false,
	"properties":{"url":{"type":"string"},"width":{"type":"integer","minimum":1},"tags":{"type":"array","items":{"type":"string"}}}}`

func checkedManifest() dispatch.Manifest {
	return dispatch.Manifest{Version: 1, Workers: []dispatch.ManifestWorker{
		{ID: "video", InputSchema: json.RawMessage(videoSchema)},
		{ID: "free"},
		{ID: "null", InputSchema: json.RawMessage("null")},
		// An author's own: without additionalProperties, {"a":1} would fit both forms.
		{ID: "forms", InputSchema: json.RawMessage(`{"oneOf":[
			{"type":"object","properties":{"a":{"type":"integer"}},"additionalProperties":false},
			{"type":"object","properties":{"b":{"type":"integer"}},"required":["b"],"additionalProperties":false},
			{"type":"object","properties":{"c":{"type":"integer"}},"additionalProperties":false,"minProperties":1}]}`)},
		{ID: "broken", InputSchema: json.RawMessage(`{"type":"strin"}`)},
		{ID: "outside", InputSchema: json.RawMessage(`{"$ref":"https://example.com/schema.json"}`)},
	}}
}

func checkedStage() stage {
	urls := map[string]string{}
	for _, m := range checkedManifest().Workers {
		urls["aiw-"+m.ID+"-demo"] = "http://q/" + m.ID
	}
	return newStage(demoConfig(checkedManifest()), &fakeSQS{urls: urls}, nil)
}

func TestTriggerChecksTheMessage(t *testing.T) {
	t.Parallel()
	const instead = `. Send {"workerId":"video","body":{"workerId":"video","jobId":"...","input":{...}}}; to send any text, add ?validate=off`
	const good = `{"url":"u","width":3}`
	for _, tt := range []struct {
		name, target, body string
		status             int
		says               string // of the error
		sent               string
	}{
		{name: "a job", body: `{"workerId":"video","body":{"workerId":"video","jobId":"j","input":` + good + `,"context":{}}}`, status: 200, sent: `{"workerId":"video","jobId":"j","input":` + good + `,"context":{}}`},
		{name: "as text", body: `{"workerId":"video","body":"{\"jobId\": \"j\", \"input\":{\"url\":\"u\",\"width\":3}}"}`, status: 200, sent: `{"jobId": "j", "input":{"url":"u","width":3}}`},
		{name: "as messageBody", body: `{"workerId":"video","messageBody":"{\"jobId\":\"j\",\"input\":{\"url\":\"u\",\"width\":3}}"}`, status: 200, sent: `{"jobId":"j","input":{"url":"u","width":3}}`},
		{name: "as the whole request", body: `{"workerId":"video","jobId":"j","input":` + good + `}`, status: 200, sent: `{"workerId":"video","jobId":"j","input":` + good + `}`},
		{name: "worker in the query", target: "/workers/trigger?workerId=video", body: `{"jobId":"j","input":` + good + `}`, status: 200, sent: `{"jobId":"j","input":` + good + `}`},
		{name: "an id in digits", body: `{"workerId":"video","body":{"jobId":7,"input":` + good + `}}`, status: 200, sent: `{"jobId":7,"input":` + good + `}`},
		{name: "3.0 is whole", body: `{"workerId":"video","body":{"jobId":"j","input":{"url":"u","width":3.0}}}`, status: 200, sent: `{"jobId":"j","input":{"url":"u","width":3.0}}`},
		{name: "a property more", body: `{"workerId":"video","body":{"jobId":"j","input":{"url":"u","width":3,"new":1}}}`, status: 200, sent: `{"jobId":"j","input":{"url":"u","width":3,"new":1}}`},
		{name: "no schema", body: `{"workerId":"free","body":{"jobId":"j","input":[1]}}`, status: 200, sent: `{"jobId":"j","input":[1]}`},
		{name: "no input, no schema", body: `{"workerId":"free","body":{"jobId":"j"}}`, status: 200, sent: `{"jobId":"j"}`},
		{name: "null for a schema", body: `{"workerId":"null","body":{"jobId":"j","input":1}}`, status: 200, sent: `{"jobId":"j","input":1}`},
		{name: "only the closed forms tell apart", body: `{"workerId":"forms","body":{"jobId":"j","input":{"a":1}}}`, status: 200, sent: `{"jobId":"j","input":{"a":1}}`},
		{name: "a schema that cannot be used", body: `{"workerId":"broken","body":{"jobId":"j","input":1}}`, status: 200, sent: `{"jobId":"j","input":1}`},
		{name: "a schema that is elsewhere", body: `{"workerId":"outside","body":{"jobId":"j","input":1}}`, status: 200, sent: `{"jobId":"j","input":1}`},

		{name: "text", body: `{"workerId":"video","body":"hello"}`, status: 400, says: "The message is not a job: the body is text and not JSON (5 bytes), expected a JSON object"},
		{name: "raw text", target: "/workers/trigger?workerId=video", body: `hello`, status: 400, says: "text and not JSON"},
		{name: "an array", body: `{"workerId":"video","body":[1]}`, status: 400, says: "The message is not a job: the body is a JSON array, expected a JSON object" + instead},
		{name: "null", body: `{"workerId":"video","body":null}`, status: 400, says: "the body is JSON null"},
		{name: "half a message", body: `{"workerId":"video","body":"{\"jobId\":"}`, status: 400, says: "not valid JSON at byte"},
		{name: "a worker that is none", body: `{"workerId":"video","body":{"jobId":"j","workerId":{}}}`, status: 400, says: `field "workerId" is a JSON object`},
		{name: "no job id", body: `{"workerId":"video","body":{"input":` + good + `}}`, status: 400, says: "The message has no jobId, by which the job is found again" + instead},
		{name: "an empty job id", body: `{"workerId":"video","body":{"jobId":" ","input":` + good + `}}`, status: 400, says: "no jobId"},
		{name: "job id null", body: `{"workerId":"video","body":{"jobId":null,"input":` + good + `}}`, status: 400, says: "no jobId"},
		{name: "another worker", body: `{"workerId":"video","body":{"workerId":"free","jobId":"j"}}`, status: 400, says: `The message is for worker "free", and the request for worker "video": name the same in both` + instead},
		{name: "unknown worker without a job id", body: `{"workerId":"none","body":{}}`, status: 400, says: "no jobId"},
		{name: "unknown worker", body: `{"workerId":"none","body":{"jobId":"j"}}`, status: 404, says: "Queue does not exist or not accessible"},
		{name: "a dead-letter queue", body: `{"workerId":"video-dlq","body":{"jobId":"j"}}`, status: 400, says: `There is no worker "video-dlq", that is the dead-letter queue of worker "video"`},
		{name: "too large", target: "/workers/trigger?workerId=free", body: `{"jobId":"j","input":"` + strings.Repeat("x", dispatch.MaxMessageBytes) + `"}`, status: 413, says: "Message too large"},

		{name: "off: text", target: "/workers/trigger?validate=off", body: `{"workerId":"video","body":"hello"}`, status: 200, sent: "hello"},
		{name: "off: no job id", target: "/workers/trigger?validate=off", body: `{"workerId":"video","body":{"input":7}}`, status: 200, sent: `{"input":7}`},
		{name: "off: another worker", target: "/workers/trigger?validate=off", body: `{"workerId":"video","body":{"workerId":"free"}}`, status: 200, sent: `{"workerId":"free"}`},
		{name: "another value is not off", target: "/workers/trigger?validate=maybe", body: `{"workerId":"video","body":"hello"}`, status: 400, says: "not a job"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s := checkedStage()
			target := tt.target
			if target == "" {
				target = "/workers/trigger"
			}
			w := s.do(t, "POST", target, tt.body, nil)
			var answer apiError
			if err := json.Unmarshal(w.Body.Bytes(), &answer); err != nil {
				t.Fatal(err)
			}
			if w.Code != tt.status || !strings.Contains(answer.Error, tt.says) || tt.says == "" && answer.Error != "" {
				t.Errorf("answer = %d %s\nwant %d with %q", w.Code, w.Body, tt.status, tt.says)
			}
			if got := s.sqs.messages(); got != tt.sent {
				t.Errorf("sent %q, want %q", got, tt.sent)
			}
			if refused := w.Code != 200 && w.Code != 404; refused != strings.Contains(s.log.text(), "trigger refuses a message") {
				t.Errorf("status %d and log %s", w.Code, s.log.text())
			}
		})
	}
}

func TestTriggerListsViolations(t *testing.T) {
	t.Parallel()
	s := checkedStage()
	// Lines are those of the input in the request, though it is sent without line breaks.
	body := `{"workerId":"video","body":{"jobId":"j","input":{
  "url": 7,
  "tags": ["a",
    "b", 8],
  "more": true
}}}`
	w := s.do(t, "POST", "/workers/trigger", body, nil)
	const want = `{"error":"The input does not fit the schema of worker \"video\" (to send it all the same, add ?validate=off)","violations":[` +
		`{"pointer":"","keyword":"required","message":"missing required property \"width\"","line":1,"column":1},` +
		`{"pointer":"/url","keyword":"type","message":"must be a string, is a number (7)","line":2,"column":10},` +
		`{"pointer":"/tags/2","keyword":"type","message":"must be a string, is a number (8)","line":4,"column":10}]}`
	if w.Code != http.StatusBadRequest || w.Body.String() != want {
		t.Errorf("answer = %d\n%s\nwant\n%s", w.Code, w.Body, want)
	}
	if sent := s.sqs.messages(); sent != "" {
		t.Errorf("sent %q", sent)
	}

	// A message without an input is one with {}, as for the worker.
	if w := s.do(t, "POST", "/workers/trigger", `{"workerId":"video","body":{"jobId":"j"}}`, nil); w.Code != 400 || strings.Count(w.Body.String(), `"required"`) != 2 {
		t.Errorf("without input: %d %s", w.Code, w.Body)
	}
	if w := s.do(t, "POST", "/workers/trigger", `{"workerId":"video","body":{"jobId":"j","input":null}}`, nil); w.Code != 400 || !strings.Contains(w.Body.String(), "is null") {
		t.Errorf("null for an input: %d %s", w.Code, w.Body)
	}
	if w := s.do(t, "POST", "/workers/trigger", `{"workerId":"forms","body":{"jobId":"j","input":{"z":1}}}`, nil); w.Code != 400 {
		t.Errorf("what no form allows: %d %s", w.Code, w.Body)
	}
}

// However much is wrong, the answer stays within what Lambda can return (6 MB).
func TestTriggerAnswersAreBounded(t *testing.T) {
	t.Parallel()
	many := strings.TrimSuffix(strings.Repeat("1,", 50_000), ",")
	long := strings.Repeat("k", 300_000)
	for name, input := range map[string]string{
		"many violations": `{"url":"u","width":1,"tags":[` + many + `]}`,
		"a long value":    `{"url":"u","width":"` + long + `"}`,
		"a long name":     `{"a":1,"` + long + `":{}}`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := checkedManifest()
			m.Workers[1].InputSchema = json.RawMessage(`{"additionalProperties":{"type":"string"}}`)
			s := newStage(demoConfig(m), &fakeSQS{}, nil)
			id := "video"
			if name == "a long name" {
				id = "free"
			}
			w := s.do(t, "POST", "/workers/trigger", fmt.Sprintf(`{"workerId":%q,"body":{"jobId":"j","input":%s}}`, id, input), nil)
			var answer apiError
			if err := json.Unmarshal(w.Body.Bytes(), &answer); err != nil || w.Code != http.StatusBadRequest {
				t.Fatalf("status %d, %v", w.Code, err)
			}
			if n := len(answer.Violations); n == 0 || n > maxListed || w.Body.Len() > 256<<10 {
				t.Errorf("%d violations in %d bytes", n, w.Body.Len())
			}
		})
	}
}

func TestTriggerSaysOnceThatASchemaIsUnusable(t *testing.T) {
	t.Parallel()
	s := checkedStage()
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			if w := s.do(t, "POST", "/workers/trigger", `{"workerId":"broken","body":{"jobId":"j","input":1}}`, nil); w.Code != 200 {
				t.Errorf("answer = %d %s", w.Code, w.Body)
			}
		})
	}
	wg.Wait()
	if n := strings.Count(s.log.text(), "cannot be used"); n != 1 {
		t.Errorf("said %d times: %s", n, s.log.text())
	}
}

func TestSchemasThatAreNoJSON(t *testing.T) {
	t.Parallel()
	m := dispatch.Manifest{Workers: []dispatch.ManifestWorker{
		{ID: "bad", InputSchema: json.RawMessage(`{"type":`), OutputSchema: json.RawMessage(`7`)},
		{ID: "good", InputSchema: json.RawMessage(` true `)},
	}}
	s := newStage(demoConfig(m), &fakeSQS{urls: map[string]string{"aiw-bad-demo": "http://q/bad", "aiw-good-demo": "http://q/good"}}, nil)
	for _, target := range []string{"/workers/config", "/docs.json"} {
		if w := s.do(t, "GET", target, "", nil); w.Code != 200 || !json.Valid(w.Body.Bytes()) || !strings.Contains(w.Body.String(), `good`) {
			t.Errorf("%s: %d %s", target, w.Code, w.Body)
		}
	}
	if w := s.do(t, "POST", "/workers/trigger", `{"workerId":"bad","body":{"jobId":"j","input":1}}`, nil); w.Code != 200 {
		t.Errorf("trigger: %d %s", w.Code, w.Body)
	}
	if n := strings.Count(s.log.text(), "left out"); n != 2 || len(m.Workers[0].InputSchema) == 0 {
		t.Errorf("log = %s; the caller's manifest is %v", s.log.text(), m)
	}
}

func TestTriggerToAFIFOQueue(t *testing.T) {
	t.Parallel()
	m := dispatch.Manifest{Workers: []dispatch.ManifestWorker{{ID: "ordered", SQS: dispatch.SQSSetting{FIFO: true}}, {ID: "free"}}}
	s := newStage(demoConfig(m), &fakeSQS{urls: map[string]string{"aiw-ordered-demo.fifo": "http://q/ordered.fifo", "aiw-free-demo": "http://q/free"}}, nil)
	for _, body := range []string{`{"workerId":"ordered","body":{"jobId":"j-1"}}`, `{"workerId":"free","body":{"jobId":"j-1"}}`, `{"workerId":"ordered","body":"text"}`, `{"workerId":"ordered","body":"text"}`} {
		if w := s.do(t, "POST", "/workers/trigger?validate=off", body, nil); w.Code != 200 {
			t.Errorf("%s: %d %s", body, w.Code, w.Body)
		}
	}
	if got := s.sqs.ids; len(got) != 4 || got[0] != "j-1 j-1" || got[1] != " " || got[2] == " " || got[2] == got[3] {
		t.Errorf("groups and deduplication ids: %q", got)
	}
	if got := configOf(t, s, "/workers/config", nil).Workers["ordered"]; got.QueueURL != "http://q/ordered.fifo" || got.FunctionName != "aiw-demo-workerOrdered" {
		t.Errorf("worker = %+v", got)
	}
}
