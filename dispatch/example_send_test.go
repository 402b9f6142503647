package dispatch_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"time"

	"github.com/microfox-ai/aiwctl/dispatch"
)

// memory is a sender that keeps the jobs it gets.
type memory struct{ jobs []*dispatch.Message }

func (s *memory) Send(_ context.Context, m *dispatch.Message, _ time.Duration) (string, error) {
	s.jobs = append(s.jobs, m)
	return fmt.Sprintf("message-%d", len(s.jobs)), nil
}

func ExampleWithIdempotencyKey() {
	queue := &memory{}
	client, err := dispatch.NewClient(dispatch.Config{Remote: queue})
	if err != nil {
		fmt.Println(err)
		return
	}
	// A webhook of the shop's arrives twice: the two messages are one job, which a
	// worker with a job store runs once.
	for range 2 {
		result, err := client.Dispatch(context.Background(), "send-receipt", map[string]any{"order": 17},
			dispatch.WithIdempotencyKey("order-17-paid"))
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Println(result.MessageID, result.JobID == dispatch.JobIDForKey("send-receipt", "order-17-paid"))
	}
	// Output:
	// message-1 true
	// message-2 true
}

func ExampleWithMessageGroup() {
	queue := &memory{} // in real life an SQS sender whose queue is a FIFO queue
	client, err := dispatch.NewClient(dispatch.Config{Remote: queue})
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, status := range []string{"ordered", "paid", "shipped"} {
		if _, err := client.Dispatch(context.Background(), "notify", map[string]any{"status": status},
			dispatch.WithMessageGroup("customer-7")); err != nil {
			fmt.Println(err)
			return
		}
	}
	for _, job := range queue.jobs {
		fmt.Println(job.GroupID, string(job.Input))
	}
	// Output:
	// customer-7 {"status":"ordered"}
	// customer-7 {"status":"paid"}
	// customer-7 {"status":"shipped"}
}

func ExampleClient_DispatchMany() {
	schema, err := dispatch.CompileSchema(json.RawMessage(`{"type":"object","properties":{"url":{"type":"string"}},"required":["url"]}`))
	if err != nil {
		fmt.Println(err)
		return
	}
	// In real life: dispatch.NewSQS(sqs.NewFromConfig(cfg), queueURL).
	client, err := dispatch.NewClient(dispatch.Config{
		Remote: &memory{},
		Schema: func(context.Context, string) (*dispatch.Schema, error) { return schema, nil },
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	items := []dispatch.Item{
		{Input: map[string]any{"url": "https://example.com/1.mp4"}, Options: []dispatch.Option{dispatch.WithIdempotencyKey("video-1")}},
		{Input: map[string]any{"url": 2}},
		{Input: map[string]any{"url": "https://example.com/3.mp4"}},
	}
	results, err := client.DispatchMany(context.Background(), "video-processing", items,
		dispatch.WithUserID("u-1"),    // for all of them
		dispatch.WithInvalidSkipped(), // send the others all the same
		dispatch.WithParallel(1))      // one after the other
	fmt.Println(err)
	for i, r := range results {
		fmt.Println(i, r.MessageID, r.Err == nil)
	}
	// Output:
	// dispatch to worker "video-processing": 1 of 3 jobs not sent
	//   item 1: input for worker "video-processing" is invalid: line 1, column 8: /url: must be a string, is a number (2)
	// 0 message-1 true
	// 1  false
	// 2 message-2 true
}

func ExampleItems() {
	items := dispatch.Items(slices.Values([]string{"a", "b"}))
	fmt.Println(len(items), items[1].Input)
	// Output: 2 b
}

// ResizeInput is what callers and the worker share: the contract's package holds
// it, and callers link nothing else of the worker.
type ResizeInput struct {
	URL   string `json:"url"`
	Width int    `json:"width"`
}

func ExampleContract() {
	schema, err := dispatch.CompileSchema(json.RawMessage(`{"type":"object","properties":{"width":{"type":"integer","minimum":1}}}`))
	if err != nil {
		fmt.Println(err)
		return
	}
	resize := dispatch.NewContract[ResizeInput]("resize-image", schema)

	queue := &memory{}
	client, err := dispatch.NewClient(dispatch.Config{Remote: queue})
	if err != nil {
		fmt.Println(err)
		return
	}
	ctx := context.Background()
	if _, err := resize.Send(ctx, client, ResizeInput{URL: "https://example.com/1.png", Width: 200}); err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(queue.jobs[0].WorkerID, string(queue.jobs[0].Input))

	_, err = resize.Send(ctx, client, ResizeInput{URL: "https://example.com/1.png"})
	fmt.Println(err)
	// Output:
	// resize-image {"url":"https://example.com/1.png","width":200}
	// dispatch to worker "resize-image": input for worker "resize-image" is invalid: line 1, column 44: /width: must be at least 1, is 0
}

func ExampleTrigger_Send() {
	answers := []int{http.StatusTooManyRequests, http.StatusServiceUnavailable, http.StatusOK}
	stage := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(answers[0])
		fmt.Fprint(w, `{"ok":true,"messageId":"m-1"}`)
		answers = answers[1:]
	}))
	defer stage.Close()

	trigger, err := dispatch.NewTrigger(stage.URL, "the stage's key", nil,
		dispatch.TriggerRetries(2), dispatch.TriggerTryTimeout(5*time.Second))
	if err != nil {
		fmt.Println(err)
		return
	}
	id, err := trigger.Send(context.Background(), &dispatch.Message{WorkerID: "echo", JobID: "job-42"}, 0)
	fmt.Println(id, err)
	// Output: m-1 <nil>
}

func ExampleStatusError() {
	stage := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusBadRequest)
		fmt.Fprint(w, `{"error":"input is invalid","violations":[{"pointer":"/url","keyword":"type","message":"must be a string, is a number (7)"}]}`)
	}))
	defer stage.Close()

	client, err := dispatch.NewClient(dispatch.Config{BaseURL: stage.URL})
	if err != nil {
		fmt.Println(err)
		return
	}
	_, err = client.Dispatch(context.Background(), "video-processing", map[string]any{"url": 7})
	// The same, whether the client or the stage's API has found it.
	if invalid, ok := errors.AsType[*dispatch.ValidationError](err); ok {
		fmt.Println(invalid)
	}
	if status, ok := errors.AsType[*dispatch.StatusError](err); ok {
		fmt.Println(status.StatusCode)
	}
	// Output:
	// input for worker "video-processing" is invalid: /url: must be a string, is a number (7)
	// 400
}
