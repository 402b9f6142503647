package limits

import (
	"fmt"

	"github.com/microfox-ai/aiwctl/dispatch"
	"github.com/microfox-ai/aiwctl/dispatch/schedule"
)

const (
	maxTimeoutSeconds    = 900
	maxVisibilitySeconds = 12 * 60 * 60
	// defaultVisibilitySeconds is what a queue has whose worker names no timeout.
	defaultVisibilitySeconds = 30
	maxBatchSize             = 10000
	// freeBatchSize is the largest batch that needs no window, and of a FIFO queue the largest.
	freeBatchSize = 10
	maxLayers     = 5
	// maxScheduleInput is what EventBridge takes for the input of a target: PutTargets in
	// its API reference. What a deployment wraps around a worker's input has its part of it.
	maxScheduleInput = 8192 - 256
)

// Settings says everything in the worker's settings that AWS would refuse, or would do in
// another way than is meant, each as what the worker has: "has a timeout of 0 s: ...". Zero
// is AWS's default wherever that has one. Names are not looked at, nor whom the worker calls.
// Sources: the API references of Lambda (CreateFunction, CreateEventSourceMapping) and SQS
// (SetQueueAttributes).
func Settings(w dispatch.ManifestWorker) []string {
	var out []string
	has := func(format string, args ...any) { out = append(out, "has "+fmt.Sprintf(format, args...)) }
	maxBatch := maxBatchSize
	if w.SQS.FIFO {
		maxBatch = freeBatchSize
	}
	for _, r := range []struct {
		what           string
		value          int
		least, most    int
		zeroForDefault bool
	}{
		{"a timeout of %d s", w.TimeoutSeconds, 1, maxTimeoutSeconds, false},
		{"%d MB of memory", w.MemoryMB, 128, 10240, true},
		{"a maxReceiveCount of %d", w.SQS.MaxReceiveCount, 1, 1000, false},
		{"a batch size of %d", w.SQS.BatchSize, 1, maxBatch, true},
		{"a batching window of %d s", w.SQS.MaximumBatchingWindowSeconds, 0, 300, true},
		{"a maximum concurrency of %d", w.SQS.MaximumConcurrency, 2, 1000, true},
		{"a retention of %d s", w.SQS.RetentionSeconds, 60, 1209600, true},
		{"a retention of %d s in its dead-letter queue", w.SQS.DLQRetentionSeconds, 60, 1209600, true},
		{"a visibility timeout of %d s", w.SQS.VisibilityTimeoutSeconds, w.TimeoutSeconds, maxVisibilitySeconds, true},
	} {
		if (!r.zeroForDefault || r.value != 0) && (r.value < r.least || r.value > r.most) {
			has(r.what+": it must be %d to %d", r.value, r.least, r.most)
		}
	}
	if w.SQS.VisibilityTimeoutSeconds == 0 && w.TimeoutSeconds > defaultVisibilitySeconds {
		has("a timeout of %d s and no visibility timeout: SQS's default of %d s is too short for it", w.TimeoutSeconds, defaultVisibilitySeconds)
	}
	if w.SQS.FIFO && w.SQS.MaximumBatchingWindowSeconds > 0 {
		has("a batching window of %d s, and Lambda allows none for a FIFO queue", w.SQS.MaximumBatchingWindowSeconds)
	}
	if !w.SQS.FIFO && w.SQS.BatchSize > freeBatchSize && w.SQS.MaximumBatchingWindowSeconds == 0 {
		has("a batch size of %d and no batching window: above %d Lambda wants one of at least 1 s", w.SQS.BatchSize, freeBatchSize)
	}
	if text := Reserved(w.ReservedConcurrency, w.SQS.MaximumConcurrency); text != "" {
		has("%s", text)
	}
	if len(w.Layers) > maxLayers {
		has("%d layers: Lambda allows %d", len(w.Layers), maxLayers)
	}
	for _, s := range w.Schedules {
		if _, err := schedule.Parse(s.Expression); err != nil {
			has("a schedule that EventBridge refuses: %v", err)
		}
		if n := len(s.Input); n > maxScheduleInput {
			has("a schedule whose input has %d bytes: EventBridge takes %d", n, maxScheduleInput)
		}
	}
	return out
}

// Reserved says what is wrong with the reserved concurrency of a function whose queue causes
// at most so many invocations at a time; empty when nothing is.
func Reserved(reserved, maximum int) string {
	switch {
	case reserved < 0:
		return fmt.Sprintf("a reserved concurrency of %d: it must be 1 or more, or 0 for none", reserved)
	case reserved > 0 && reserved < maximum:
		// Lambda's guide, "Configuring maximum concurrency for Amazon SQS event sources".
		return fmt.Sprintf("a reserved concurrency of %d below its maximum concurrency of %d: Lambda would throttle deliveries, "+
			"and each of those counts as a receive: reserve at least %d", reserved, maximum, maximum)
	}
	return ""
}
