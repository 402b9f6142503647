package runtime_test

import (
	"context"
	"fmt"
	"io"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"github.com/microfox-ai/aiwctl/runtime"
	"github.com/microfox-ai/aiwctl/runtime/jobstore"
)

// A job that waits for something else does not sleep, which would cost the
// function's time: it comes back later, and has not failed.
func ExampleSnooze() {
	type Order struct {
		ID string `json:"id"`
	}
	deliver := runtime.Must(runtime.New("deliver", func(_ context.Context, job *runtime.Job[Order]) (string, error) {
		return "", fmt.Errorf("order %s is not paid: %w", job.Input.ID, runtime.Snooze(time.Hour))
	}))

	app, err := runtime.NewApp(runtime.AppConfig{
		Output: io.Discard,
		Store:  jobstore.NewMemory(),
		OnOutcome: func(_ context.Context, o runtime.Outcome) {
			fmt.Println(o.Kind, o.Final)
			fmt.Println(o.Err)
		},
	}, deliver)
	if err != nil {
		panic(err)
	}
	_, _ = app.HandleSQS(context.Background(), events.SQSEvent{Records: []events.SQSMessage{
		{MessageId: "m1", Body: `{"workerId":"deliver","jobId":"job-1","input":{"id":"A-7"}}`},
	}})
	// Output:
	// snoozed false
	// order A-7 is not paid: snoozed for 1h0m0s
}
