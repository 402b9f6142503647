package check

import (
	"slices"

	"github.com/microfox-ai/aiwctl/aws"
)

// ofWorker are the problems of a deployment that matter to who sends to it. Discovery
// finds the last two and that of the mapping only where Lambda could be read, so that
// nothing here is a guess.
var ofWorker = []struct {
	found  aws.ProblemKind
	kind   Kind
	blocks bool
	so     string
	hint   string
}{
	{aws.ProblemNoQueue, KindNoQueue, true, "there is nothing to send to", ""},
	{aws.ProblemQueueGone, KindNoQueue, true, "there is nothing to send to", ""},
	{aws.ProblemFunctionGone, KindNoFunction, true, "what is sent would never run", "deploy the worker first"},
	{aws.ProblemFunctionFailed, KindFunctionFailed, true, "what is sent would not run", "deploy the worker first"},
	{aws.ProblemNoMapping, KindNoMapping, false, "unless a program outside of Lambda does, what is sent would never run", "deploy the worker"},
	{aws.ProblemMappingDisabled, KindMappingDisabled, false, "what is sent waits until it is enabled, at most for the queue's retention", "enable the mapping"},
	{aws.ProblemPartialFailures, KindFailuresLost, false, "a job that fails again would be lost, or run with others a second time", ""},
	{aws.ProblemSameQueue, KindSharedQueue, false, "another worker may take what is sent", ""},
}

// Worker is what stands in the way of everything that is sent to the worker, blocking
// problems first; nil when nothing does, and when the destination is another queue.
func (c *Checker) Worker() []Problem {
	if c.opts.ToOther {
		return nil
	}
	var out []Problem
	for _, known := range ofWorker {
		i := slices.IndexFunc(c.worker.Problems, func(p aws.Problem) bool { return p.Kind == known.found })
		if i < 0 {
			continue
		}
		out = append(out, Problem{
			Kind: known.kind, Blocks: known.blocks, Hint: known.hint,
			Text: clean(c.worker.Problems[i].Text) + "; " + known.so,
		})
	}
	if c.schemaErr != nil {
		out = append(out, Problem{Kind: KindSchema, Text: "inputs are not checked: " + clean(c.schemaErr.Error())})
	}
	for _, text := range c.schema.Warnings() {
		out = append(out, Problem{Kind: KindSchema, Text: "a part of the schema is not checked: " + clean(text)})
	}
	return out
}
