package workersapi

import (
	"encoding/json"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/aws/aws-lambda-go/lambda"

	"github.com/microfox-ai/aiwctl/dispatch"
)

const fuzzKey = "a-key-that-nobody-guesses"

// No event makes the function panic, lets anybody in without the key, or tells it.
func FuzzLambdaEvent(f *testing.F) {
	for _, tt := range lambdaEvents() {
		f.Add([]byte(tt.event))
	}
	for _, event := range []string{
		``, `{}`, `null`, `[]`, `{"Records":[]}`, `{"requestContext":{"http":{}}}`, `{"httpMethod":"\u0000"}`,
		`{"httpMethod":"GET","path":"//evil.example.com/docs.json","headers":{"":"","a b":"\r\n"}}`,
		`{"httpMethod":"POST","path":"/workers/trigger","isBase64Encoded":true,"body":"e30="}`,
		`{"version":"2.0","rawPath":"%zz","rawQueryString":"%zz;&=","requestContext":{"stage":"/../","http":{"method":"GET"}}}`,
	} {
		f.Add([]byte(event))
	}
	f.Fuzz(func(t *testing.T, event []byte) {
		s := newStage(Config{Manifest: checkedManifest(), Service: "aiw"}, &fakeSQS{}, map[string]string{"WORKERS_API_KEY": fuzzKey})
		out, err := lambda.NewHandler(LambdaHandler(s.h)).Invoke(t.Context(), event)
		if s.sqs.messages() != "" || len(s.sqs.taken()) > 0 {
			t.Fatalf("%q got past the key", event)
		}
		if err != nil {
			return
		}
		var answer lambdaAnswer
		if err := json.Unmarshal(out, &answer); err != nil {
			t.Fatalf("%q: %s: %v", event, out, err)
		}
		if !json.Valid([]byte(answer.Body)) || answer.Headers["Content-Type"] != "application/json" {
			t.Fatalf("%q: answer %+v", event, answer)
		}
		switch answer.StatusCode {
		case 200:
			if !strings.Contains(answer.Body, `"openapi"`) {
				t.Fatalf("%q: answer %s without a key", event, answer.Body)
			}
		case 400, 401, 404, 405:
		default:
			t.Fatalf("%q: status %d", event, answer.StatusCode)
		}
	})
}

// Whatever is posted, the answer is JSON of bounded size, and what is accepted with
// the checks on is what the deployed system would have sent, and a job.
func FuzzTriggerBody(f *testing.F) {
	for _, body := range []string{
		``, `{}`, `null`, `[]`, `plain`, `{"workerId":"video","body":{"jobId":"j","input":{"url":"u","width":1}}}`,
		`{"workerId":"video","body":"{\"jobId\":\"j\",\"input\":{\"url\":\"u\",\"width\":1e0}}","messageBody":7}`,
		`{"workerId":"free","messageBody":"{\"jobId\":1,\"workerId\":\"free\",\"maxTokens\":{}}","body":[]}`,
		`{"workerId":"forms","jobId":"j","input":{"a":1,"b":2}}`, `{"workerId":"free","body":{"jobId":"\ud800","input":1e999999999}}`,
		`{"workerId":"free","body":{"jobId":"j","jobId":"","input":{},"input":null}}`, "{\"workerId\":\"free\",\"body\":{\"jobId\":\"\xff\"}}",
		`{"workerId":"video","body":{"jobId":"j","input":` + strings.Repeat(`[`, 2000) + strings.Repeat(`]`, 2000) + `}}`,
	} {
		f.Add([]byte(body), "video")
		f.Add([]byte(body), "")
	}
	f.Fuzz(func(t *testing.T, body []byte, workerID string) {
		post := func(extra string) (int, string, string) {
			s := checkedStage()
			target := "/workers/trigger?workerId=" + url.QueryEscape(workerID) + extra
			w := httptest.NewRecorder()
			s.h.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), "POST", target, strings.NewReader(string(body))))
			if !json.Valid(w.Body.Bytes()) || w.Body.Len() > 1<<20 {
				t.Fatalf("%q: answer %.1000s", body, w.Body)
			}
			if log := s.log.text(); strings.ContainsAny(strings.TrimSuffix(log, "\n"), "\x1b\r") || !utf8.ValidString(log) {
				t.Fatalf("%q: log %q", body, log)
			}
			return w.Code, w.Body.String(), s.sqs.messages()
		}
		status, answer, sent := post("")
		statusOff, answerOff, sentOff := post("&validate=off")
		if statusOff == 400 && (status != 400 || answer != answerOff) {
			t.Fatalf("%q: %d %s, without the checks %d %s", body, status, answer, statusOff, answerOff)
		}
		if status != 200 {
			if sent != "" {
				t.Fatalf("%q: status %d, and sent", body, status)
			}
			return
		}
		if statusOff != 200 || sent != sentOff {
			t.Fatalf("%q: sent %q, without the checks %d %q", body, sent, statusOff, sentOff)
		}
		m, err := dispatch.ParseMessage([]byte(sent))
		if err != nil || m.JobID == "" {
			t.Fatalf("%q: sent %q: %v", body, sent, err)
		}
	})
}

// A schema within the document is JSON again, whatever it was.
func FuzzEmbed(f *testing.F) {
	for _, shape := range shapes() {
		f.Add([]byte(shape.schema))
	}
	f.Add([]byte(`{"$schema":"http://json-schema.org/draft-04/schema#","exclusiveMinimum":true,"$id":"%","$ref":"#/items/9","items":[]}`))
	f.Fuzz(func(t *testing.T, schema []byte) {
		if !json.Valid(schema) {
			return
		}
		if out := embed(schema, "/components/schemas/x.input"); !json.Valid(out) {
			t.Fatalf("%s became %s", schema, out)
		}
	})
}
