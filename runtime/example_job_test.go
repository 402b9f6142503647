package runtime_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/microfox-ai/aiwctl/dispatch"
	"github.com/microfox-ai/aiwctl/runtime"
	"github.com/microfox-ai/aiwctl/runtime/jobstore"
)

// askModel stands for a call of a language model. It answers well once it is told
// what was wrong.
func askModel(_ context.Context, _, hint string) (string, error) {
	if hint == "" {
		return `{"colour": "blu`, nil
	}
	return `{"colour": "blue"}`, nil
}

type Colour struct {
	Colour string `json:"colour"`
}

// A model that does not answer with JSON is asked again at once, with what was wrong;
// one that is overloaded after a while. The tries share the time of one delivery.
func ExampleWithRetry() {
	worker := runtime.Must(runtime.New("colour", func(ctx context.Context, job *runtime.Job[string]) (Colour, error) {
		var answer Colour
		hint := ""
		if job.LastError != nil {
			hint = "Your last answer was refused: " + job.LastError.Error()
		}
		fmt.Printf("try %d, hint %q\n", job.Try, hint)
		text, err := askModel(ctx, job.Input, hint)
		if err != nil {
			return answer, err
		}
		return answer, json.Unmarshal([]byte(text), &answer)
	}, runtime.WithRetry(3, runtime.BadJSON(), runtime.RateLimit(), runtime.Overloaded())))

	runOne(worker, `"What colour is the sky?"`)
	// Output:
	// try 1, hint ""
	// try 2, hint "Your last answer was refused: unexpected end of JSON input"
	// {"colour":"blue"}
}

// Custom recognises what only the author knows.
func ExampleCustom() {
	errLocked := errors.New("the account is locked by another job")
	worker := runtime.Must(runtime.New("book", func(_ context.Context, job *runtime.Job[int]) (string, error) {
		if job.Try == 1 {
			return "", errLocked
		}
		return fmt.Sprintf("booked %d in try %d", job.Input, job.Try), nil
	}, runtime.WithRetry(5, runtime.Custom("locked", func(err error) bool { return errors.Is(err, errLocked) }, 10*time.Millisecond))))

	runOne(worker, `7`)
	// Output: "booked 7 in try 2"
}

// A failed attempt is delivered again later: here after half a minute, then a
// minute, then two, and never later than ten minutes.
func ExampleWithBackoff() {
	worker, err := runtime.New("greet", greet, runtime.WithBackoff(runtime.Exponential(30*time.Second, 10*time.Minute)))
	fmt.Println(worker.ID(), err)
	// Output: greet <nil>
}

// A Backoff can look at the error.
func ExampleBackoff() {
	errMaintenance := errors.New("down for maintenance")
	backoff := runtime.Backoff(func(attempt int, err error) time.Duration {
		if errors.Is(err, errMaintenance) {
			return time.Hour
		}
		return runtime.DefaultBackoff(attempt, err)
	})
	fmt.Println(backoff(1, errMaintenance), backoff(1, errors.New("other")) <= 5*time.Second)
	// Output: 1h0m0s true
}

// A middleware serves workers of every type, since it sees JSON.
func ExampleWithMiddleware() {
	logged := func(ctx context.Context, inv *runtime.Invocation, next runtime.Next) (json.RawMessage, error) {
		output, err := next(ctx, inv)
		fmt.Printf("%s: %s -> %s, %v\n", inv.WorkerID, inv.Input, output, err)
		return output, err
	}
	worker := runtime.Must(runtime.New("greet", greet, runtime.WithMiddleware(logged)))
	runOne(worker, `{"name":"Ada"}`)
	// Output:
	// greet: {"name":"Ada"} -> {"greeting":"Hello, Ada"}, <nil>
	// {"greeting":"Hello, Ada"}
}

// A job can start jobs of other workers. In production the message goes to the other
// worker's queue; here it runs in this process.
func ExampleJob_Dispatch() {
	thumbnail := runtime.Must(runtime.New("thumbnail", func(_ context.Context, job *runtime.Job[string]) (string, error) {
		trigger := job.Metadata["__trigger"].(map[string]any)
		fmt.Println("thumbnail of", job.Input, "for", trigger["parentWorkerId"])
		return job.Input + ".png", nil
	}))
	upload := runtime.Must(runtime.New("upload", func(ctx context.Context, job *runtime.Job[string]) (string, error) {
		_, err := job.Dispatch(ctx, "thumbnail", job.Input,
			dispatch.WithIdempotencyKey(job.Input)) // once, however often this job is tried
		return "uploaded", err
	}))
	app, err := runtime.NewApp(runtime.AppConfig{Output: io.Discard}, upload, thumbnail)
	if err != nil {
		fmt.Println(err)
		return
	}
	client, err := dispatch.NewClient(dispatch.Config{Local: app.Sender(), Mode: dispatch.ModeLocal})
	if err != nil {
		fmt.Println(err)
		return
	}
	result, err := client.Dispatch(context.Background(), "upload", "cat.jpg", dispatch.WithJobID("job-42"))
	fmt.Println(result.JobID, err)
	// Output:
	// thumbnail of cat.jpg for upload
	// job-42 <nil>
}

// An awaited job's output is seen in the job store.
func ExampleJob_DispatchAwait() {
	double := runtime.Must(runtime.New("double", func(_ context.Context, job *runtime.Job[int]) (int, error) {
		return 2 * job.Input, nil
	}))
	sum := runtime.Must(runtime.New("sum", func(ctx context.Context, job *runtime.Job[int]) (int, error) {
		var doubled int
		if _, err := job.DispatchAwait(ctx, "double", job.Input, &doubled); err != nil {
			return 0, err
		}
		return doubled + 1, nil
	}))
	app, err := runtime.NewApp(runtime.AppConfig{Store: jobstore.NewMemory()}, sum, double)
	if err != nil {
		fmt.Println(err)
		return
	}
	app.Run(context.Background(), []string{"run", "sum", "20"}, nil, os.Stdout, io.Discard)
	// Output: 41
}

// A job that has used up its token budget has failed for good.
func ExampleJob_UseTokens() {
	worker := runtime.Must(runtime.New("model", func(ctx context.Context, job *runtime.Job[int]) (string, error) {
		for range job.Input {
			if err := job.UseTokens(ctx, 400, 100); err != nil {
				return "", err
			}
			used, limit, _ := job.Budget()
			fmt.Println("used", used, "of", limit)
		}
		return "done", nil
	}))
	app, err := runtime.NewApp(runtime.AppConfig{Output: io.Discard}, worker)
	if err != nil {
		fmt.Println(err)
		return
	}
	client, err := dispatch.NewClient(dispatch.Config{Local: app.Sender(), Mode: dispatch.ModeLocal})
	if err != nil {
		fmt.Println(err)
		return
	}
	_, err = client.Dispatch(context.Background(), "model", 5, dispatch.WithMaxTokens(1000))
	fmt.Println(errors.Is(err, runtime.ErrTokenBudget))
	// Output:
	// used 500 of 1000
	// used 1000 of 1000
	// true
}

// runOne is what "WORKERS run ..." does.
func runOne(worker runtime.Runner, input string) {
	app, err := runtime.NewApp(runtime.AppConfig{}, worker)
	if err != nil {
		fmt.Println(err)
		return
	}
	app.Run(context.Background(), []string{"run", worker.ID(), input}, nil, os.Stdout, io.Discard)
}
