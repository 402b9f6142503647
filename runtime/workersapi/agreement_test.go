package workersapi_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"github.com/microfox-ai/aiwctl/dispatch"
	"github.com/microfox-ai/aiwctl/dispatch/fullschema"
	"github.com/microfox-ai/aiwctl/runtime"
	"github.com/microfox-ai/aiwctl/runtime/workersapi"
)

// clip is an input whose schema is inferred: closed, with unions and formats.
type clip struct {
	URL   string              `json:"url"`
	Width int                 `json:"width"`
	Tags  []string            `json:"tags,omitempty"`
	Crop  *struct{ X, Y int } `json:"crop,omitempty"`
	More  map[string]int      `json:"more,omitempty"`
}

// The author's own, where closed objects tell the forms apart.
const shapeSchema = `{"oneOf":[
	{"type":"object","properties":{"r":{"type":"number","default":1}},"required":["r"],"additionalProperties":false},
	{"type":"object","properties":{"w":{"type":"number"},"h":{"type":"number"}},"additionalProperties":false},
	{"type":"string","format":"uri","pattern":"^https"}]}`

// FuzzTheWorkerWouldRefuseItToo: what the API refuses for its schema, the worker
// itself refuses.
func FuzzTheWorkerWouldRefuseItToo(f *testing.F) {
	var refused bool
	app, err := runtime.NewApp(
		runtime.AppConfig{
			Output: io.Discard, Getenv: func(string) string { return "" },
			OnOutcome: func(_ context.Context, o runtime.Outcome) {
				_, refused = errors.AsType[*dispatch.ValidationError](o.Err)
			},
		},
		runtime.Must(runtime.New("clip", func(context.Context, *runtime.Job[clip]) (int, error) { return 0, nil })),
		runtime.Must(runtime.New("shape", func(context.Context, *runtime.Job[any]) (int, error) { return 0, nil }, runtime.WithInputSchema(json.RawMessage(shapeSchema)), runtime.WithSchemaEngine(fullschema.Engine{}))),
	)
	if err != nil {
		f.Fatal(err)
	}
	api := workersapi.New(workersapi.Config{Manifest: app.Manifest(), SchemaEngine: fullschema.Engine{}, Output: io.Discard, Getenv: func(string) string { return "" }, SQS: noQueues{}})
	for _, input := range []string{
		`{"url":"u","width":1}`, `{"url":"u","width":1.0,"new":{}}`, `{"URL":"u","width":1}`, `{"url":"u","width":1,"crop":null,"tags":null}`, `{"url":7}`,
		`{"url":"u","width":1,"crop":{"X":1,"Y":2,"Z":3},"more":{"a":1.5}}`, `null`, `[]`, ``, `{`, `{"url":"u","url":1,"width":1}`,
		`{"w":1}`, `{"r":1}`, `{}`, `{"r":"x"}`, `{"w":1,"r":1}`, `"https://example.com/%"`, `"http://example.com"`, `"https:// "`, `7`,
	} {
		f.Add(input)
	}
	f.Fuzz(func(t *testing.T, input string) {
		for _, id := range []string{"clip", "shape"} {
			message := `{"workerId":"` + id + `","jobId":"j","input":` + input + `}`
			w := httptest.NewRecorder()
			api.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), "POST", "/workers/trigger", strings.NewReader(message)))
			if w.Code != http.StatusBadRequest || !strings.Contains(w.Body.String(), `"violations"`) {
				continue
			}
			refused = false
			if _, err := app.HandleSQS(t.Context(), events.SQSEvent{Records: []events.SQSMessage{{MessageId: "m", Body: message}}}); err != nil {
				t.Fatal(err)
			}
			if !refused {
				t.Errorf("worker %s takes %s, and the API answers %s", id, input, w.Body)
			}
		}
	})
}

// noQueues is a stage without queues: what passes the checks is answered with 404.
type noQueues struct{ workersapi.SQSAPI }

func (noQueues) GetQueueUrl(context.Context, *sqs.GetQueueUrlInput, ...func(*sqs.Options)) (*sqs.GetQueueUrlOutput, error) { //nolint:revive // the SDK's name
	return nil, errors.New("there are no queues")
}
