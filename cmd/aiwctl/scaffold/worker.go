package scaffold

import (
	"cmp"
	"context"
	"path"
	"strings"
	"time"

	"github.com/microfox-ai/aiwctl/runtime"
)

// Worker is a worker to be written.
type Worker struct {
	// ID is the worker's id, as runtime.New takes it.
	ID string
	// Description says in a sentence what the worker does; empty leaves a sentence to be
	// replaced.
	Description string
	// Timeout, MemoryMB, Group and Schedule are settings of runtime.New; zero leaves the
	// runtime's default.
	Timeout  time.Duration
	MemoryMB int
	Group    string
	Schedule string
}

// input stands for the Input of a new worker: its settings are judged with it.
type input struct {
	Name string `json:"name"`
}

// Validate reports every setting that runtime.New refuses, in its words.
func (w Worker) Validate() error {
	opts := []runtime.Option{}
	if w.Timeout != 0 {
		opts = append(opts, runtime.WithTimeout(w.Timeout))
	}
	if w.MemoryMB != 0 {
		opts = append(opts, runtime.WithMemory(w.MemoryMB))
	}
	if w.Group != "" {
		opts = append(opts, runtime.WithGroup(w.Group))
	}
	if w.Schedule != "" {
		opts = append(opts, runtime.WithSchedule(w.Schedule, runtime.ScheduleInput(input{Name: "everybody"})))
	}
	_, err := runtime.New(w.ID, func(context.Context, *runtime.Job[input]) (input, error) { return input{}, nil }, opts...)
	return err
}

// Dir is the name of the worker's directory: its id, unless Go would not look into a
// directory of that name.
func (w Worker) Dir() string {
	name := strings.Trim(w.ID, "-_")
	switch name {
	case "testdata", "vendor", "internal":
		name += "-worker"
	}
	return name
}

// Files are the files of the worker in dir, such as workers/greet. importable is how `go run` is told
// of the package, such as ./workers/greet.
func (w Worker) Files(dir, importable string) ([]File, error) {
	if err := w.Validate(); err != nil {
		return nil, err
	}
	data := struct {
		Worker
		Dir, Package string
	}{w, path.Base(dir), importable}
	data.Description = cmp.Or(w.Description, "Greets whoever the job names")
	var files []File
	for _, name := range []string{"main.go", "worker.go", "worker_test.go"} {
		f, err := render(name+".tmpl", path.Join(dir, name), data)
		if err != nil {
			return nil, err
		}
		files = append(files, f)
	}
	return files, nil
}
