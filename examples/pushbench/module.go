package main

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
)

// variant is a shape of a module.
type variant struct {
	name, title       string
	programs, workers int // workers are those of each program
}

const programHead = `package main

import (
	"context"
	"time"

	"github.com/microfox-ai/aiwctl/runtime"
)

type order struct {
	Number int      ` + "`json:\"number\"`" + `
	Lines  []string ` + "`json:\"lines\"`" + `
}

type receipt struct {
	Text string ` + "`json:\"text\"`" + `
}

func handle(_ context.Context, job *runtime.Job[order]) (receipt, error) {
	return receipt{job.ID}, nil
}

func main() {
	runtime.Main(
`

// write writes the module, which needs what this one needs, at the same versions.
func (b *bench) write(root string) error {
	mod, err := os.ReadFile(filepath.Join(root, "go.mod"))
	if err != nil {
		return err
	}
	text := regexp.MustCompile(`(?m)^module .*$`).ReplaceAllString(string(mod), "module example.test/pushbench")
	text += fmt.Sprintf("\nrequire github.com/microfox-ai/aiwctl v0.0.0\n\nreplace github.com/microfox-ai/aiwctl => %q\n", root)
	sum, err := os.ReadFile(filepath.Join(root, "go.sum"))
	if err != nil {
		return err
	}
	files := map[string]string{"go.mod": text, "go.sum": string(sum)}
	for p := range b.programs {
		var w strings.Builder
		w.WriteString(programHead)
		for i := range b.workers {
			fmt.Fprintf(&w, "\t\truntime.Must(runtime.New(\"worker-%d-%d\", handle, runtime.WithTimeout(%d*time.Second))),\n", p, i, 30+i)
		}
		w.WriteString("\t)\n}\n")
		files[fmt.Sprintf("workers/program%d/main.go", p)] = w.String()
	}
	for name, text := range files {
		path := filepath.Join(b.module(), name)
		if err := os.MkdirAll(filepath.Dir(path), 0o750); err != nil {
			return err
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			return err
		}
	}
	return nil
}

func (b *bench) module() string { return filepath.Join(b.temp, "module") }
