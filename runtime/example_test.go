package runtime_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/aws/aws-lambda-go/events"

	"github.com/microfox-ai/aiwctl/dispatch"
	"github.com/microfox-ai/aiwctl/runtime"
)

type GreetInput struct {
	Name string `json:"name" jsonschema:"whom to greet"`
}

type GreetOutput struct {
	Greeting string `json:"greeting"`
}

func greet(ctx context.Context, job *runtime.Job[GreetInput]) (GreetOutput, error) {
	job.Log.InfoContext(ctx, "greeting", "name", job.Input.Name)
	return GreetOutput{Greeting: "Hello, " + job.Input.Name}, nil
}

// A worker is a typed function with an id. The program that holds it calls Main.
func ExampleNew() {
	worker, err := runtime.New("greet", greet, runtime.WithDescription("Greets"))
	if err != nil {
		fmt.Println(err)
		return
	}
	app, err := runtime.NewApp(runtime.AppConfig{}, worker)
	if err != nil {
		fmt.Println(err)
		return
	}
	// What "WORKERS run greet ..." does.
	app.Run(context.Background(), []string{"run", "greet", `{"name":"Ada"}`}, nil, os.Stdout, io.Discard)
	// Output: {"greeting":"Hello, Ada"}
}

// Wrong settings are found when the worker is made, not by a deployment.
func ExampleNew_settings() {
	_, err := runtime.New("greet", greet, runtime.WithMemory(64), runtime.WithGroup("core"))
	fmt.Println(err)
	// Output:
	// worker "greet": group "core" is taken: it is the deployment's own group for the workers API
	// memory 64 MB: Lambda allows 128 to 10240
}

// The response names the messages that SQS must deliver again.
func ExampleApp_HandleSQS() {
	worker := runtime.Must(runtime.New("greet", greet))
	app, err := runtime.NewApp(runtime.AppConfig{Output: io.Discard}, worker)
	if err != nil {
		fmt.Println(err)
		return
	}
	resp, err := app.HandleSQS(context.Background(), events.SQSEvent{Records: []events.SQSMessage{
		{MessageId: "m1", Body: `{"workerId":"greet","jobId":"j1","input":{"name":"Ada"}}`},
		{MessageId: "m2", Body: `{"workerId":"greet","jobId":"j2","input":{"name":7}}`},
	}})
	text, _ := json.Marshal(resp)
	fmt.Println(string(text), err)
	// Output: {"batchItemFailures":[{"itemIdentifier":"m2"}]} <nil>
}

// An error that no further attempt would cure is marked, and ends the job at once.
func ExamplePermanent() {
	err := runtime.Permanent(errors.New("the account is closed"))
	fmt.Println(err, runtime.IsPermanent(fmt.Errorf("charge: %w", err)))
	// Output: the account is closed true
}

// A manifest says what a program contains.
func ExampleApp_Manifest() {
	app, err := runtime.NewApp(runtime.AppConfig{}, runtime.Must(runtime.New("greet", greet)))
	if err != nil {
		fmt.Println(err)
		return
	}
	w := app.Manifest().Workers[0]
	fmt.Println(w.ID, w.TimeoutSeconds, w.SQS.VisibilityTimeoutSeconds, strings.Contains(string(w.InputSchema), "whom to greet"))
	// Output: greet 300 1800 true
}

// Must is for workers that live in a package-level variable, next to their types.
func ExampleMust() {
	worker := runtime.Must(runtime.New("greet", greet))
	fmt.Println(worker.ID())

	defer func() { fmt.Println(recover()) }()
	runtime.Must(runtime.New("greet people", greet))
	// Output:
	// greet
	// worker "greet people": the id may hold letters, digits, - and _ only, as SQS allows in a queue name
}

// Whoever types a job for the worker starts with the example.
func ExampleWithExample() {
	worker := runtime.Must(runtime.New("greet", greet, runtime.WithExample(GreetInput{Name: "Ada"})))
	app, err := runtime.NewApp(runtime.AppConfig{}, worker)
	if err != nil {
		fmt.Println(err)
		return
	}
	schema, err := dispatch.CompileSchema(app.Manifest().Workers[0].InputSchema)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(string(schema.Skeleton()))
	// Output:
	// {
	//   "name": "Ada"
	// }
}

// In local mode a dispatch runs the job in this process.
func ExampleWorker_Dispatch() {
	worker := runtime.Must(runtime.New("greet", func(_ context.Context, job *runtime.Job[GreetInput]) (GreetOutput, error) {
		fmt.Println("greeting", job.Input.Name)
		return GreetOutput{Greeting: "Hello, " + job.Input.Name}, nil
	}))
	result, err := worker.Dispatch(context.Background(), GreetInput{Name: "Ada"},
		dispatch.WithMode(dispatch.ModeLocal), dispatch.WithJobID("job-42"))
	fmt.Println(result.Status, result.JobID, err)
	// Output:
	// greeting Ada
	// queued job-42 <nil>
}
