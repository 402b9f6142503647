package runtimetest_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/microfox-ai/aiwctl/runtime"
	"github.com/microfox-ai/aiwctl/runtime/runtimetest"
)

// exampleT takes the place of a test's *testing.T.
type exampleT struct{ testing.TB }

func (exampleT) Helper()                  {}
func (exampleT) Cleanup(func())           {}
func (exampleT) Context() context.Context { return context.Background() }

var errOutOfStock = errors.New("out of stock")

// restock succeeds in its second attempt.
func restock(_ context.Context, job *runtime.Job[string]) (string, error) {
	if job.Attempt == 1 {
		return "", errOutOfStock
	}
	return job.Input + " is there", nil
}

// Run delivers one message. In a test, t is the test's *testing.T.
func ExampleRun() {
	t := exampleT{}
	worker := runtime.Must(runtime.New("restock", restock))

	_, err := runtimetest.Run(t, worker, "tea", runtimetest.WithAttempt(1, 3))
	fmt.Println("first:", errors.Is(err, errOutOfStock))
	out, err := runtimetest.Run(t, worker, "tea", runtimetest.WithAttempt(2, 3))
	fmt.Println("second:", out, err)
	// Output:
	// first: true
	// second: tea is there <nil>
}

// A Harness delivers messages until they have come to their end, and time jumps over
// the waits. In a test, t is the test's *testing.T.
func ExampleStart() {
	t := exampleT{}
	worker := runtime.Must(runtime.New("restock", restock, runtime.WithBackoff(runtime.Constant(time.Hour))))

	job := runtimetest.Start(t, worker).Run("restock", "tea")
	for _, d := range job.Deliveries {
		fmt.Println(d.At.Round(time.Minute), d.Kind, d.Err)
	}
	fmt.Println(job.Record.Status, string(job.Record.Output))
	// Output:
	// 0s retrying out of stock
	// 1h0m0s completed <nil>
	// completed "tea is there"
}
