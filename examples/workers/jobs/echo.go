package jobs

import (
	"context"
	"time"

	"github.com/microfox-ai/aiwctl/runtime"
)

// EchoInput is the input of Echo.
type EchoInput struct {
	Text string `json:"text" jsonschema:"what to say"`
}

// EchoOutput is the output of Echo.
type EchoOutput struct {
	Text string `json:"text"`
	// At is when the worker answered.
	At time.Time `json:"at"`
	// Attempt is above 1 when the message was delivered before.
	Attempt int `json:"attempt"`
}

// Echo answers with what it was told. It is quick, so one invocation takes ten
// messages at a time.
var Echo = runtime.Must(runtime.New("echo", echo,
	runtime.WithDescription("Answers with what it was told"),
	runtime.WithExample(EchoInput{Text: "hello"}),
	runtime.WithTimeout(10*time.Second),
	runtime.WithVisibilityTimeout(10*time.Second),
	runtime.WithMemory(128),
	runtime.WithBatchSize(10),
))

func echo(ctx context.Context, job *runtime.Job[EchoInput]) (EchoOutput, error) {
	job.Log.InfoContext(ctx, "echoing", "characters", len(job.Input.Text))
	return EchoOutput{Text: job.Input.Text, At: time.Now().UTC(), Attempt: job.Attempt}, nil
}
