package jobs

import (
	"context"
	"time"

	"github.com/microfox-ai/aiwctl/runtime"
)

// TimeoutInput is the input of Timeout.
type TimeoutInput struct {
	// SleepMS is how long the job sleeps, in milliseconds.
	SleepMS int `json:"sleepMs" jsonschema:"how long to sleep; the function is killed after 3000"`
}

// TimeoutOutput is the output of Timeout.
type TimeoutOutput struct {
	SleptMS int64 `json:"sleptMs"`
}

// Timeout does what a worker must not do: it sleeps without looking at its
// context. Asked to sleep longer than its three seconds, it is killed by Lambda,
// which shows as "Task timed out" in the log, and the message comes back. Slow
// shows how it is done right.
var Timeout = runtime.Must(runtime.New("timeout", overrun,
	runtime.WithDescription("Sleeps on when its time is up, so Lambda kills it"),
	runtime.WithExample(TimeoutInput{SleepMS: 500}),
	runtime.WithTimeout(3*time.Second),
	runtime.WithVisibilityTimeout(4*time.Second),
	runtime.WithMemory(128),
	runtime.WithMaxReceiveCount(2),
	runtime.WithBackoff(runtime.Constant(time.Second)),
))

func overrun(_ context.Context, job *runtime.Job[TimeoutInput]) (TimeoutOutput, error) {
	start := time.Now()
	time.Sleep(time.Duration(job.Input.SleepMS) * time.Millisecond)
	return TimeoutOutput{SleptMS: time.Since(start).Milliseconds()}, nil
}
