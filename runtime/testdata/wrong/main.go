// Command wrong is a worker program whose settings are not allowed.
package main

import (
	"context"
	"errors"
	"time"

	"github.com/microfox-ai/aiwctl/runtime"
)

func echo(_ context.Context, job *runtime.Job[string]) (string, error) {
	return job.Input, nil
}

var (
	good = runtime.Must(runtime.New("good", echo))

	// Not given to Main: the program would panic all the same.
	_ = runtime.Must(
		runtime.New("slow", echo, runtime.WithTimeout(20*time.Minute), runtime.WithMemory(1),
			runtime.WithVisibilityTimeout(time.Hour)))

	dotted = runtime.Must(runtime.New("a.b", echo))
)

func configured() (*runtime.Worker[string, string], error) {
	return nil, errors.New("read the settings: no such file")
}

var broken = runtime.Must(configured())

func main() {
	runtime.Main(good, dotted, broken,
		runtime.Must(runtime.New("twice", echo)),
		runtime.Must(runtime.New("twice", echo)))
}
