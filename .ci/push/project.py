"""The project that is pushed: a Go module with three worker programs."""

import os
import subprocess

MAIN = """package main

import (
	"context"
	"time"

	"github.com/microfox-ai/aiwctl/runtime"
)

type input struct {{
	Text string `json:"text,omitempty"`
}}

type output struct {{
	Text string `json:"text"`
}}

func handle(_ context.Context, job *runtime.Job[input]) (output, error) {{
	return output{{Text: "{id}: " + job.Input.Text}}, nil
}}

func main() {{
	runtime.Main({workers})
}}

var _ = time.Second
"""


class Project:
    """A module below a directory; write changes it."""

    def __init__(self, directory, root):
        self.directory = directory
        os.makedirs(directory)
        with open(os.path.join(root, "go.mod"), encoding="utf-8") as f:
            required = f.read().split("\n\n", 2)[2]  # what the library itself requires
        self._write("go.mod", "module example.test/shop\n\ngo 1.26.0\n\n"
                    "require github.com/microfox-ai/aiwctl v0.0.0\n\n"
                    f"replace github.com/microfox-ai/aiwctl => {root}\n\n{required}")
        with open(os.path.join(root, "go.sum"), encoding="utf-8") as f:
            self._write("go.sum", f.read())

    def _write(self, name, text):
        path = os.path.join(self.directory, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w", encoding="utf-8") as f:
            f.write(text)

    def program(self, name, **workers):
        """Writes workers/NAME with workers by id, each with its options in Go."""
        made = ",\n\t\t".join(
            f'runtime.Must(runtime.New("{worker.replace("_", "-")}", handle{"".join(", " + o for o in options)}))'
            for worker, options in workers.items())
        self._write(f"workers/{name}/main.go", MAIN.format(id=name, workers=f"\n\t\t{made},\n\t"))

    def remove(self, name):
        os.remove(os.path.join(self.directory, "workers", name, "main.go"))

    def env(self, name, text):
        self._write(name, text)

    def tidy(self):
        subprocess.run(["go", "mod", "tidy"], cwd=self.directory, check=True, capture_output=True,
                       env={**os.environ, "GOFLAGS": "-mod=mod"})
