package jobstore_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/microfox-ai/aiwctl/runtime/jobstore"
)

// Two deliveries of one message: one runs the job, the other finds it running and
// then done.
func ExampleStore() {
	ctx := context.Background()
	var store jobstore.Store = jobstore.NewMemory()
	delivery := func(owner string) jobstore.Claim {
		return jobstore.Claim{JobID: "job-1", WorkerID: "echo", Owner: owner, Lease: time.Now().Add(time.Minute)}
	}
	one, _ := store.Claim(ctx, delivery("request-1"))
	two, _ := store.Claim(ctx, delivery("request-2"))
	fmt.Println(one.Decision == jobstore.ClaimedJob, two.Decision == jobstore.Busy)

	err := store.Update(ctx, "job-1", jobstore.Update{Owner: "request-2", Status: jobstore.Failed})
	fmt.Println(errors.Is(err, jobstore.ErrLeaseLost))

	err = store.Update(ctx, "job-1", jobstore.Update{Owner: "request-1", Status: jobstore.Completed, Output: json.RawMessage(`"hello"`)})
	again, _ := store.Claim(ctx, delivery("request-3"))
	fmt.Println(err, again.Decision == jobstore.Done, string(again.Before.Output))
	// Output:
	// true true
	// true
	// <nil> true "hello"
}
