package jobs

import (
	"context"
	"fmt"
	"time"

	"github.com/microfox-ai/aiwctl/runtime"
)

// FailInput is the input of Fail.
type FailInput struct {
	Order int `json:"order" jsonschema:"the number of the order; odd ones fail"`
	// Poison makes the worker panic.
	Poison bool `json:"poison,omitempty" jsonschema:"makes the worker panic"`
}

// FailOutput is the output of Fail.
type FailOutput struct {
	Booked int `json:"booked"`
}

// Fail books orders with an even number. Orders with an odd number fail in every
// attempt and end in the dead-letter queue, and so does a message that makes the
// worker panic: the panic of one job does not disturb the others. An order without
// a number fails for good in its first attempt, since no other would find one.
var Fail = runtime.Must(runtime.New("fail", book,
	runtime.WithDescription("Books orders; odd numbers always fail"),
	runtime.WithExample(FailInput{Order: 12}),
	runtime.WithTimeout(3*time.Second),
	runtime.WithVisibilityTimeout(3*time.Second),
	runtime.WithMemory(128),
	runtime.WithMaxReceiveCount(2),
	runtime.WithBackoff(runtime.Constant(time.Second)),
	runtime.WithBatchSize(5),
))

func book(_ context.Context, job *runtime.Job[FailInput]) (FailOutput, error) {
	if job.Input.Order <= 0 {
		return FailOutput{}, runtime.Permanent(fmt.Errorf("there is no order %d: numbers begin with 1", job.Input.Order))
	}
	findStock(job.Input).items--
	if job.Input.Order%2 != 0 {
		return FailOutput{}, fmt.Errorf("order %d cannot be booked: its number is odd, and only even orders exist; replay it with an even number", job.Input.Order)
	}
	return FailOutput{Booked: job.Input.Order}, nil
}

type stock struct{ items int }

// findStock has the bug that a poisoned order finds: it returns nil where its
// caller expects something.
func findStock(in FailInput) *stock {
	if in.Poison {
		return nil
	}
	return &stock{items: 100}
}
