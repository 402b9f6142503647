package runtime_test

import (
	"context"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/microfox-ai/aiwctl/runtime"
)

// manifest prints what a deployment reads of a worker.
func manifestOf(worker runtime.Runner) {
	app, err := runtime.NewApp(runtime.AppConfig{}, worker)
	if err != nil {
		fmt.Println(err)
		return
	}
	w := app.Manifest().Workers[0]
	fmt.Println("layers:", w.Layers)
	fmt.Println("environment:", w.Environment)
	for _, s := range w.Schedules {
		fmt.Println("schedule:", s.Expression, string(s.Input), s.Disabled)
	}
	fmt.Println("batch:", w.SQS.BatchSize, w.SQS.MaximumBatchingWindowSeconds, "fifo:", w.SQS.FIFO)
}

// A worker can run by the clock, with an input of its own for each schedule.
func ExampleWithSchedule() {
	manifestOf(runtime.Must(runtime.New("greet", greet,
		runtime.WithSchedule("rate(1 hour)", runtime.ScheduleInput(GreetInput{Name: "Ada"})),
		runtime.WithSchedule("cron(0 9 ? * MON-FRI *)", runtime.ScheduleInput(GreetInput{Name: "Grace"}), runtime.ScheduleDisabled()),
	)))
	_, err := runtime.New("greet", greet, runtime.WithSchedule("rate(1 hour)"))
	fmt.Println(err)
	// Output:
	// layers: []
	// environment: []
	// schedule: rate(1 hour) {"name":"Ada"} false
	// schedule: cron(0 9 ? * MON-FRI *) {"name":"Grace"} true
	// batch: 1 0 fifo: false
	// worker "greet": schedule "rate(1 hour)": its input {} does not fit the worker: the property "name" is required; give it one with ScheduleInput
}

// What the function needs beside its code stands with the worker.
func ExampleWithEnvironment() {
	manifestOf(runtime.Must(runtime.New("greet", greet,
		runtime.WithEnvironment("GREETER_API_KEY"),
		runtime.WithLayers("arn:aws:lambda:eu-west-1:123456789012:layer:phrases:2"))))
	_, err := runtime.New("greet", greet, runtime.WithEnvironment("AWS_REGION"))
	fmt.Println(err)
	// Output:
	// layers: [arn:aws:lambda:eu-west-1:123456789012:layer:phrases:2]
	// environment: [GREETER_API_KEY]
	// batch: 1 0 fifo: false
	// worker "greet": environment variable "AWS_REGION": Lambda reserves names that begin with AWS_ and LAMBDA_ for itself
}

// Large batches need time to fill.
func ExampleWithBatchWindow() {
	manifestOf(runtime.Must(runtime.New("greet", greet, runtime.WithBatchSize(100), runtime.WithBatchWindow(20*time.Second))))
	_, err := runtime.New("greet", greet, runtime.WithBatchSize(100), runtime.WithBatchWindow(0))
	fmt.Println(err)
	// Output:
	// layers: []
	// environment: []
	// batch: 100 20 fifo: false
	// worker "greet": batch size 100: above 10 Lambda wants a batching window of at least 1s
}

// Jobs of one message group run in the order in which they were sent.
func ExampleWithFIFO() {
	manifestOf(runtime.Must(runtime.New("greet", greet, runtime.WithFIFO(), runtime.WithBatchSize(10))))
	// Output:
	// layers: []
	// environment: []
	// batch: 10 0 fifo: true
}

// Folder contains itself; its schema refers to itself.
type Folder struct {
	Name    string   `json:"name" jsonschema:"without slashes"`
	Folders []Folder `json:"folders,omitempty"`
}

func ExampleNew_recursiveInput() {
	count := runtime.Must(runtime.New("count", func(_ context.Context, job *runtime.Job[Folder]) (int, error) {
		var all func(Folder) int
		all = func(f Folder) int {
			n := 1
			for _, inner := range f.Folders {
				n += all(inner)
			}
			return n
		}
		return all(job.Input), nil
	}))
	app, err := runtime.NewApp(runtime.AppConfig{Output: io.Discard}, count)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(string(app.Manifest().Workers[0].InputSchema))
	app.Run(context.Background(), []string{"run", "count", `{"name":"a","folders":[{"name":"b"},{"name":"c","folders":[{"name":"d"}]}]}`}, nil, os.Stdout, io.Discard)
	app.Run(context.Background(), []string{"run", "count", `{"name":"a","folders":[{"name":7}]}`}, nil, os.Stdout, os.Stdout)
	// Output:
	// {"$schema":"https://json-schema.org/draft/2020-12/schema","type":"object","properties":{"name":{"type":"string","description":"without slashes"},"folders":{"type":["null","array"],"items":{"$ref":"#/$defs/Folder"}}},"required":["name"],"additionalProperties":false,"$defs":{"Folder":{"type":"object","properties":{"name":{"type":"string","description":"without slashes"},"folders":{"type":["null","array"],"items":{"$ref":"#/$defs/Folder"}}},"required":["name"],"additionalProperties":false}}}
	// 4
	// the input does not fit worker "count":
	//   1:32 /folders/0/name: must be a string, is a number (7)
}
