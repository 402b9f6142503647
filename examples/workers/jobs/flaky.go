package jobs

import (
	"context"
	"fmt"
	"time"

	"github.com/microfox-ai/aiwctl/runtime"
)

// FlakyInput is the input of Flaky.
type FlakyInput struct {
	// SucceedOn is the delivery that succeeds; zero means the second.
	SucceedOn int `json:"succeedOn,omitempty" jsonschema:"the delivery that succeeds, the second by default"`
	// OutageMS makes every delivery fail until that many milliseconds after the
	// job was dispatched, as in an outage: longer than the deliveries take, it sends
	// the job to the dead-letter queue, and a replay afterwards gets it through.
	OutageMS int `json:"outageMs,omitempty" jsonschema:"how long after the dispatch the service is down"`
}

// FlakyOutput is the output of Flaky.
type FlakyOutput struct {
	// Attempts is how many deliveries it took.
	Attempts int `json:"attempts"`
}

// Flaky fails at first and succeeds on a later delivery of the same message, as a
// job does that calls a service with a bad day. An ordinary error is enough: SQS
// delivers the message again, here after one second and then after two.
var Flaky = runtime.Must(runtime.New("flaky", flaky,
	runtime.WithDescription("Fails at first and succeeds on a later delivery"),
	runtime.WithExample(FlakyInput{SucceedOn: 2}),
	runtime.WithTimeout(3*time.Second),
	runtime.WithVisibilityTimeout(3*time.Second),
	runtime.WithMemory(128),
	runtime.WithMaxReceiveCount(3),
	runtime.WithBackoff(runtime.Exponential(time.Second, 3*time.Second)),
))

func flaky(_ context.Context, job *runtime.Job[FlakyInput]) (FlakyOutput, error) {
	outage := time.Duration(job.Input.OutageMS) * time.Millisecond
	if back := job.SentAt.Add(outage); outage > 0 && time.Now().Before(back) {
		return FlakyOutput{}, fmt.Errorf("the service is down; it is back at %s, and a replay then succeeds", back.UTC().Format(time.TimeOnly))
	}
	succeedOn := job.Input.SucceedOn
	if outage > 0 {
		succeedOn = 1 // the outage was all that was wrong
	}
	if succeedOn <= 0 {
		succeedOn = 2
	}
	if job.Attempt < succeedOn {
		return FlakyOutput{}, fmt.Errorf("the service did not answer (delivery %d; delivery %d will do)", job.Attempt, succeedOn)
	}
	return FlakyOutput{Attempts: job.Attempt}, nil
}
