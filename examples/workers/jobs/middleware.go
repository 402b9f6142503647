package jobs

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/microfox-ai/aiwctl/runtime"
)

// logTrigger is middleware that says in the job's log who started it, when that
// was another job or a schedule. Middleware sees JSON and no types, so one serves
// every worker.
func logTrigger(ctx context.Context, inv *runtime.Invocation, next runtime.Next) (json.RawMessage, error) {
	if by := startedBy(inv.Metadata); by != "" && inv.Try == 1 {
		inv.Log.InfoContext(ctx, "started by "+by)
	}
	return next(ctx, inv)
}

// startedBy reads what the runtime and the schedules put into a job's metadata.
func startedBy(metadata map[string]any) string {
	trigger, _ := metadata["__trigger"].(map[string]any)
	switch trigger["type"] {
	case "schedule":
		return "its schedule"
	case "worker":
		return fmt.Sprintf("%v of worker %v", trigger["parentJobId"], trigger["parentWorkerId"])
	}
	return ""
}
