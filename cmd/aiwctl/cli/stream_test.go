package cli

import (
	"encoding/json"
	"testing"

	"github.com/microfox-ai/aiwctl/dispatch"
	"github.com/microfox-ai/aiwctl/examples/workers/jobs"
	"github.com/microfox-ai/aiwctl/runtime"
)

// What the stream sends fits the workers it sends it to, and each of them gets
// something, but for the one that runs by the clock.
func TestStreamFitsTheWorkers(t *testing.T) {
	t.Parallel()
	app, err := runtime.NewApp(runtime.AppConfig{}, jobs.All()...)
	if err != nil {
		t.Fatal(err)
	}
	schemas, idle := map[string]*dispatch.Schema{}, map[string]bool{}
	for _, w := range app.Manifest().Workers {
		if schemas[w.ID], err = dispatch.CompileSchema(w.InputSchema); err != nil {
			t.Fatal(err)
		}
		idle[w.ID] = len(w.Schedules) == 0
	}
	for round := range 12 {
		for _, job := range demoScript(round, "http://127.0.0.1:1/published") {
			idle[job.worker] = false
			text, err := json.Marshal(job.input)
			if err != nil {
				t.Fatal(err)
			}
			schema, ok := schemas[job.worker]
			if !ok {
				t.Fatalf("round %d: there is no worker %q", round, job.worker)
			}
			if violations := schema.Validate(text); len(violations) > 0 {
				t.Errorf("round %d: %s with %s: %+v", round, job.worker, text, violations)
			}
		}
	}
	for id, none := range idle {
		if none {
			t.Errorf("worker %q gets nothing", id)
		}
	}
}
