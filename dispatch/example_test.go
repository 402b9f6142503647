package dispatch_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"time"

	"github.com/microfox-ai/aiwctl/dispatch"
	"github.com/microfox-ai/aiwctl/dispatch/fullschema"
)

func ExampleClient_Dispatch() {
	// A stage's API; in real life WORKER_BASE_URL names it.
	stage := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprint(w, `{"ok":true,"messageId":"5fea7756-0ea4-451a-a703-a558b933e274"}`)
	}))
	defer stage.Close()

	client, err := dispatch.NewClient(dispatch.Config{BaseURL: stage.URL, TriggerKey: "the stage's key"})
	if err != nil {
		fmt.Println(err)
		return
	}
	input := map[string]any{"url": "https://example.com/video.mp4"}
	result, err := client.Dispatch(context.Background(), "video-processing", input,
		dispatch.WithJobID("job-42"),
		dispatch.WithMetadata(map[string]any{"source": "nightly"}),
	)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(result.JobID, result.Status, result.MessageID)
	// Output: job-42 queued 5fea7756-0ea4-451a-a703-a558b933e274
}

func ExampleClient_NewMessage() {
	client, err := dispatch.NewClient(dispatch.Config{
		Now: func() time.Time { return time.UnixMilli(1767225600000) },
		Schema: func(context.Context, string) (*dispatch.Schema, error) {
			return dispatch.CompileSchema(json.RawMessage(`{"type":"object","properties":{"url":{"type":"string"}},"required":["url"]}`))
		},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	ctx := context.Background()

	m, err := client.NewMessage(ctx, "video-processing", json.RawMessage(`{"url": "https://example.com"}`), dispatch.WithJobID("job-42"))
	if err != nil {
		fmt.Println(err)
		return
	}
	body, _ := m.MarshalJSON()
	fmt.Println(string(body))

	_, err = client.NewMessage(ctx, "video-processing", json.RawMessage(`{"url": 7}`))
	invalid, _ := errors.AsType[*dispatch.ValidationError](err)
	fmt.Println(invalid.Violations[0])
	// Output:
	// {"workerId":"video-processing","jobId":"job-42","input":{"url":"https://example.com"},"context":{},"metadata":{},"timestamp":"2026-01-01T00:00:00.000Z"}
	// line 1, column 9: /url: must be a string, is a number (7)
}

func ExampleParseMessage() {
	m, err := dispatch.ParseMessage([]byte(`{"workerId":"echo","jobId":"job-42","input":{"id":12345678901234567890},"context":{"userId":"u-1"},"trace":"abc"}`))
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(m.WorkerID, m.JobID, m.EffectiveUserID(), string(m.Input), string(m.Extra["trace"]))

	_, err = dispatch.ParseMessage([]byte(`[1, 2]`))
	fmt.Println(err)
	// Output:
	// echo job-42 u-1 {"id":12345678901234567890} "abc"
	// read message: the body is a JSON array, expected a JSON object
}

func ExampleSchema_Validate() {
	schema, err := fullschema.Compile(json.RawMessage(`{
		"type": "object",
		"properties": {
			"url": {"type": "string", "format": "uri"},
			"quality": {"enum": ["low", "high"]}
		},
		"required": ["url", "quality"]
	}`))
	if err != nil {
		fmt.Println(err)
		return
	}
	typed := "{\n  \"url\": 7,\n  \"quality\": \"best\"\n}"
	for _, v := range schema.Validate([]byte(typed)) {
		fmt.Printf("%d:%d %s %s\n", v.Line, v.Column, v.Pointer, v.Message)
	}
	fmt.Println(schema.Validate([]byte(`{"url": }`))[0])
	// Output:
	// 2:10 /url must be a string, is a number (7)
	// 3:14 /quality must be "low" or "high", is a string ("best")
	// line 1, column 9: unexpected "}", expected a value
}

func ExampleSchema_Skeleton() {
	schema, err := fullschema.Compile(json.RawMessage(`{
		"type": "object",
		"properties": {
			"retries": {"type": "integer", "default": 3},
			"url": {"type": "string", "format": "uri"},
			"comment": {"type": "string"}
		},
		"required": ["url"]
	}`))
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(string(schema.Skeleton()))
	// Output:
	// {
	//   "url": "https://example.com",
	//   "retries": 3
	// }
}

func ExampleTriggerURL() {
	for _, base := range []string{
		"https://abc123.execute-api.eu-west-1.amazonaws.com/prod",
		"https://abc123.execute-api.eu-west-1.amazonaws.com/prod/workers/config?debug=1",
	} {
		url, _ := dispatch.TriggerURL(base)
		fmt.Println(url)
	}
	// Output:
	// https://abc123.execute-api.eu-west-1.amazonaws.com/prod/workers/trigger
	// https://abc123.execute-api.eu-west-1.amazonaws.com/prod/workers/trigger
}

func ExampleQueueURLEnv() {
	fmt.Println(dispatch.QueueURLEnv("video-processing"))
	// Output: WORKER_QUEUE_URL_VIDEO_PROCESSING
}
