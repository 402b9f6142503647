// Command workers is the worker program of the demo: one binary that holds all of
// its workers. In Lambda it is a function, on a terminal
//
//	go run ./examples/workers manifest
//	go run ./examples/workers run echo '{"text":"hi"}'
//
// show what it holds and run a single job.
package main

import (
	"github.com/microfox-ai/aiwctl/examples/workers/jobs"
	"github.com/microfox-ai/aiwctl/runtime"
)

func main() { runtime.Main(jobs.All()...) }
