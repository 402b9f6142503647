// Package jobs holds the demo's workers: small, real code that shows what a
// worker looks like and how each way of ending looks from outside.
//
//	echo              answers at once, ten messages to a batch
//	video-processing  fails on hosts that do not exist
//	flaky             fails first and succeeds on a later delivery
//	fail              always fails on some inputs, for good on others
//	slow              takes its time and reports progress
//	timeout           does not stop when its time is up, so Lambda kills it
//
// Timeouts and visibility timeouts are a few seconds, so that one can watch a job
// fail, come back and end up in the dead-letter queue. Real workers leave them at
// their defaults.
package jobs

import "github.com/microfox-ai/aiwctl/runtime"

// All returns the demo's workers.
func All() []runtime.Runner {
	return []runtime.Runner{Echo, VideoProcessing, Flaky, Fail, Slow, Timeout}
}
