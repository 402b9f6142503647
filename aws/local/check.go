package local

import (
	"fmt"
	"time"

	"github.com/microfox-ai/aiwctl/aws/local/functions"
	"github.com/microfox-ai/aiwctl/dispatch"
)

// What AWS refuses in a worker's settings is refused here, before anything has
// changed: a deployment that fails in its middle would leave half of the old
// programs and half of the new ones. The limits are those of SQS's and Lambda's
// API references.
const (
	maxQueueName         = 80
	maxFunctionName      = 64
	maxVisibilitySeconds = 12 * 60 * 60
	// defaultVisibilitySeconds is what a queue has whose worker names no timeout.
	defaultVisibilitySeconds = 30
)

func (s *Server) checkWorker(w dispatch.ManifestWorker) error {
	switch {
	case !namePart.MatchString(w.ID):
		return fmt.Errorf("the worker id %q becomes part of a queue's name: use letters, digits, - and _ only", w.ID)
	case dispatch.FunctionKey(w.ID) == "worker":
		return fmt.Errorf("the worker id %q needs a letter or a digit", w.ID)
	}
	if name := s.dlqName(w); len(name) > maxQueueName {
		return fmt.Errorf("the name of the dead-letter queue %s of worker %q has %d characters, and SQS allows %d: use a shorter id, service or stage", name, w.ID, len(name), maxQueueName)
	}
	if name := s.functionName(w.ID); len(name) > maxFunctionName {
		return fmt.Errorf("the name of the function %s of worker %q has %d characters, and Lambda allows %d: use a shorter id, service or stage", name, w.ID, len(name), maxFunctionName)
	}
	maxBatch := 10000
	if w.SQS.FIFO {
		maxBatch = 10
	}
	for _, r := range []struct {
		what           string
		value          int
		least, most    int
		zeroForDefault bool
	}{
		{"a timeout of %d s", w.TimeoutSeconds, 1, int(functions.MaxTimeout / time.Second), false},
		{"%d MB of memory", w.MemoryMB, 128, 10240, true},
		{"a maxReceiveCount of %d", w.SQS.MaxReceiveCount, 1, 1000, false},
		{"a batch size of %d", w.SQS.BatchSize, 1, maxBatch, true},
		{"a batching window of %d s", w.SQS.MaximumBatchingWindowSeconds, 0, 300, true},
		{"a maximum concurrency of %d", w.SQS.MaximumConcurrency, 2, 1000, true},
		{"a retention of %d s", w.SQS.RetentionSeconds, 60, 1209600, true},
		{"a retention of %d s in its dead-letter queue", w.SQS.DLQRetentionSeconds, 60, 1209600, true},
		{"a visibility timeout of %d s", w.SQS.VisibilityTimeoutSeconds, w.TimeoutSeconds, maxVisibilitySeconds, true},
	} {
		if r.zeroForDefault && r.value == 0 {
			continue
		}
		if r.value < r.least || r.value > r.most {
			return fmt.Errorf("worker %q has "+r.what+": it must be %d to %d", w.ID, r.value, r.least, r.most)
		}
	}
	if w.SQS.VisibilityTimeoutSeconds == 0 && w.TimeoutSeconds > defaultVisibilitySeconds {
		return fmt.Errorf("worker %q has a timeout of %d s and no visibility timeout: SQS's default of %d s is too short for it", w.ID, w.TimeoutSeconds, defaultVisibilitySeconds)
	}
	if w.SQS.FIFO && w.SQS.MaximumBatchingWindowSeconds > 0 {
		return fmt.Errorf("worker %q has a batching window of %d s, and Lambda allows none for a FIFO queue", w.ID, w.SQS.MaximumBatchingWindowSeconds)
	}
	return checkSchedules(w)
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
