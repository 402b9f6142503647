package jobs

import (
	"context"
	"fmt"
	"time"

	"github.com/microfox-ai/aiwctl/runtime"
)

// SlowInput is the input of Slow.
type SlowInput struct {
	Steps int `json:"steps,omitempty" jsonschema:"how many steps, 5 by default"`
	// StepMS is the length of a step in milliseconds; zero means 500.
	StepMS int `json:"stepMs,omitempty" jsonschema:"the length of a step in milliseconds, 500 by default"`
}

// SlowOutput is the output of Slow.
type SlowOutput struct {
	Steps  int   `json:"steps"`
	TookMS int64 `json:"tookMs"`
}

// Slow works in steps and reports each: in its log, and in the job's record where
// there is a store. Everything it waits for, it waits for together with its
// context: that is how a job stops in time.
var Slow = runtime.Must(runtime.New("slow", slow,
	runtime.WithDescription("Works in steps and reports progress"),
	runtime.WithExample(SlowInput{Steps: 5, StepMS: 500}),
	runtime.WithTimeout(30*time.Second),
	runtime.WithVisibilityTimeout(30*time.Second),
	runtime.WithMemory(128),
	runtime.WithMaxReceiveCount(2),
	runtime.WithBackoff(runtime.Constant(2*time.Second)),
	runtime.WithMaximumConcurrency(2),
))

func slow(ctx context.Context, job *runtime.Job[SlowInput]) (SlowOutput, error) {
	steps, step := job.Input.Steps, time.Duration(job.Input.StepMS)*time.Millisecond
	if steps <= 0 {
		steps = 5
	}
	if step <= 0 {
		step = 500 * time.Millisecond
	}
	start := time.Now()
	ticker := time.NewTicker(step)
	defer ticker.Stop()
	for i := range steps {
		select {
		case <-ticker.C:
			job.Progress(ctx, 100*float64(i+1)/float64(steps), fmt.Sprintf("step %d of %d", i+1, steps))
		case <-ctx.Done():
			return SlowOutput{}, fmt.Errorf("stopped in step %d of %d: %w", i+1, steps, ctx.Err())
		}
	}
	return SlowOutput{Steps: steps, TookMS: time.Since(start).Milliseconds()}, nil
}
