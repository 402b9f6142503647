// Package jobs holds the demo's workers: small, real code that shows what a
// worker looks like and how each way of ending looks from outside.
//
//	echo              answers at once, ten messages to a batch
//	video-processing  fails on hosts that do not exist, for good on what is no URL
//	flaky             fails first and succeeds on a later delivery
//	fail              always fails on some inputs, for good on others
//	slow              takes its time and reports progress
//	timeout           does not stop when its time is up, so Lambda kills it
//	summarize         asks a model, tries again in the same delivery, counts tokens
//	publish           starts jobs of other workers and waits for one of them
//	digest            runs once a minute, and is put off until its figures are there
//
// Timeouts, visibility timeouts and backoffs are a few seconds, so that one can
// watch a job fail, come back and end up in the dead-letter queue. Real workers
// leave them at their defaults.
package jobs

import "github.com/microfox-ai/aiwctl/runtime"

// All returns the demo's workers.
func All() []runtime.Runner {
	return []runtime.Runner{Echo, VideoProcessing, Flaky, Fail, Slow, Timeout, Summarize, Publish, Digest}
}
