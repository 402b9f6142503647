package local

import (
	"fmt"
	"strings"

	"github.com/microfox-ai/aiwctl/dispatch"
	"github.com/microfox-ai/aiwctl/dispatch/limits"
)

// defaultVisibilitySeconds is what a queue has whose worker names no visibility timeout.
const defaultVisibilitySeconds = 30

// checkWorker refuses what AWS refuses in a worker's names and settings, before anything has
// changed: a deployment that fails in its middle would leave half of the old
// programs and half of the new ones.
func (s *Server) checkWorker(w dispatch.ManifestWorker) error {
	if err := limits.WorkerID(w.ID); err != nil {
		return fmt.Errorf("worker %q: %w", w.ID, err)
	}
	if name := s.dlqName(w); len(name) > limits.QueueName {
		return fmt.Errorf("the name of the dead-letter queue %s of worker %q has %d characters, and SQS allows %d: use a shorter id, service or stage", name, w.ID, len(name), limits.QueueName)
	}
	if name := s.functionName(w.ID); len(name) > limits.FunctionName {
		return fmt.Errorf("the name of the function %s of worker %q has %d characters, and Lambda allows %d: use a shorter id, service or stage", name, w.ID, len(name), limits.FunctionName)
	}
	if wrong := limits.Settings(w); len(wrong) > 0 {
		return fmt.Errorf("worker %q %s", w.ID, strings.Join(wrong, "; it "))
	}
	return nil
}

// checkConflicts refuses workers that would share a queue or a function.
func checkConflicts(workers []worker) error {
	ids := make(map[string]worker)
	names := make(map[string]worker)
	for _, w := range workers {
		if other, taken := ids[w.ID]; taken {
			return fmt.Errorf("two programs contain a worker %q: %q and %q: rename one", w.ID, other.program.Name, w.program.Name)
		}
		ids[w.ID] = w
		if other, taken := names[dispatch.FunctionKey(w.ID)]; taken {
			return fmt.Errorf("workers %q of %q and %q of %q would share one function name: rename one", other.ID, other.program.Name, w.ID, w.program.Name)
		}
		names[dispatch.FunctionKey(w.ID)] = w
	}
	for _, w := range workers {
		if other, taken := ids[w.ID+"-dlq"]; taken {
			return fmt.Errorf("worker %q of %q would share the dead-letter queue of worker %q of %q: rename one", other.ID, other.program.Name, w.ID, w.program.Name)
		}
	}
	return nil
}
