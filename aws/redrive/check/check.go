// Package check says what would become of a dead letter if it were sent now: what
// would be refused, die again, or be swallowed without a run, is named before
// anything is sent.
//
// It knows two runtimes. Functions with a nodejs runtime are workers of the
// TypeScript system, whose traps it names; those with a provided runtime are of this
// project's library, which has few of them. Where Lambda could not be read, or says
// something else, both are possible, and a trap of one of them is said and does not
// block.
package check

import (
	"cmp"
	"slices"
	"strings"

	"github.com/microfox-ai/aiwctl/aws"
	"github.com/microfox-ai/aiwctl/aws/redrive/letter"
	"github.com/microfox-ai/aiwctl/dispatch"
)

// Kind names a Problem in a short phrase, for a table.
type Kind string

// The problems of a letter, most serious first.
const (
	KindTooLarge     Kind = "too large"
	KindNotAJob      Kind = "not a job"
	KindNoContext    Kind = "no context"
	KindWrongWorker  Kind = "another worker's job"
	KindNoWorkerID   Kind = "no worker id"
	KindNoJobID      Kind = "no job id"
	KindSwallowed    Kind = "recorded as failed"
	KindCompleted    Kind = "recorded as completed"
	KindInvalidInput Kind = "input does not fit the schema"
	KindCallback     Kind = "a webhook, not a job"
	KindQueueStep    Kind = "step of a queue run"
)

// The problems of a worker as a whole, most serious first.
const (
	KindNoQueue         Kind = "no queue"
	KindNoFunction      Kind = "no function"
	KindFunctionFailed  Kind = "function failed"
	KindNoMapping       Kind = "no mapping"
	KindMappingDisabled Kind = "mapping disabled"
	KindFailuresLost    Kind = "failures not reported"
	KindSharedQueue     Kind = "queue shared"
	KindSchema          Kind = "schema not usable"
)

// Problem is something that sending would run into.
type Problem struct {
	Kind Kind `json:"kind"`
	// Blocks is whether it is certain, and not merely likely, that the letter would be
	// refused, die again or be swallowed. It is then not to be sent unless forced.
	Blocks bool `json:"blocks"`
	// Text is what is wrong and what follows, in one sentence, free of control
	// characters. Of the letter it quotes its worker's id, and what the violations of
	// a schema quote.
	Text string `json:"text"`
	// Hint is what to do about it; may be empty.
	Hint string `json:"hint,omitempty"`
}

// The hints.
const (
	HintNewJobID    = "--new-job-id"
	HintRunAgain    = "it has done its work already; to do it a second time: --new-job-id"
	HintEditInput   = "edit the input: aiwctl dlq export"
	HintEditMessage = "edit the message: aiwctl dlq export"
)

// Facts is what is known of a letter besides the letter.
type Facts struct {
	// Status is what the job's record or its log lines say became of it: "completed",
	// "failed", or empty when neither is known.
	Status string
	// NewJobID is whether the letter is to be sent under a new job id.
	NewJobID bool
}

// The values of Facts.Status.
const (
	StatusCompleted = "completed"
	StatusFailed    = "failed"
)

// Options are a Checker's.
type Options struct {
	// DestinationMaxBytes is what the destination takes; zero means
	// dispatch.MaxMessageBytes.
	DestinationMaxBytes int
	// ToOther is whether the destination is another queue than the worker's own. Who
	// reads it is not known: nothing but the size is checked then.
	ToOther bool
}

// Checker checks the letters of one worker. It is safe for concurrent use.
type Checker struct {
	worker  aws.Worker
	opts    Options
	runtime runtimeKind
	// serves is the one worker that the function runs; empty when not known.
	serves    string
	schema    *dispatch.Schema
	schemaErr error
}

// New makes a checker of what is sent to a worker's queue. The worker's schema is
// compiled here; one that cannot be is a problem of Worker.
func New(w aws.Worker, opts Options) *Checker {
	opts.DestinationMaxBytes = cmp.Or(opts.DestinationMaxBytes, dispatch.MaxMessageBytes)
	c := &Checker{worker: w, opts: opts, runtime: runtimeOf(w.Function, w.InputSchema != nil)}
	if !opts.ToOther {
		c.schema, c.schemaErr = w.Schema()
	}
	// Discovery names a worker after its queue when nothing says its id.
	if w.Queue == nil || w.ID != w.Queue.Name && w.ID != w.Queue.ARN {
		c.serves = w.ID
	}
	if c.runtime == ours {
		// Its function says by its handler whose jobs it takes; without, it takes those
		// of every worker in its program.
		c.serves, _ = strings.CutPrefix(w.Function.Handler, ownHandler)
		if c.serves == w.Function.Handler {
			c.serves = ""
		}
	}
	return c
}

// ownHandler begins the handler of a function of this project's runtime that serves
// one worker's queue.
const ownHandler = "worker."

// runtimeKind is whose worker a function is.
type runtimeKind int

const (
	unknown runtimeKind = iota
	typescript
	ours
)

func runtimeOf(f *aws.Function, schema bool) runtimeKind {
	switch {
	case f == nil || f.Derived:
		return unknown
	case strings.HasPrefix(f.Runtime, "nodejs"):
		return typescript
	case strings.HasPrefix(f.Runtime, "provided") && (strings.HasPrefix(f.Handler, ownHandler) || schema):
		return ours // other programs in Go have this runtime too
	}
	return unknown
}

// ifTypeScript begins a sentence about a worker that may be one of the TypeScript
// system: for such a one it is certain, else it is said so.
func (c *Checker) ifTypeScript(sentence string) string {
	if c.runtime == unknown {
		return "if this is a worker of the TypeScript system, " + sentence
	}
	return sentence
}

// Letter is what stands in a letter's way, blocking problems first and then the most
// serious; nil when nothing does.
func (c *Checker) Letter(l *letter.Letter, f Facts) []Problem {
	var found []Problem
	add := func(p Problem, is bool) {
		if is {
			found = append(found, p)
		}
	}
	add(c.tooLarge(l))
	switch {
	case c.opts.ToOther:
	case l.Message == nil:
		add(c.notAJob(l))
	default:
		callback := c.isCallback(l.Message)
		add(c.wrongWorker(l.Message))
		add(c.callback(callback, f))
		if !callback {
			add(c.noContext(l.Message))
			add(c.noJobID(l.Message, f))
			add(c.recorded(l.Message, f))
			add(c.invalidInput(l.Message))
			add(c.queueStep(l, f))
		}
	}
	slices.SortStableFunc(found, func(a, b Problem) int {
		switch {
		case a.Blocks == b.Blocks:
			return 0
		case a.Blocks:
			return -1
		}
		return 1
	})
	return found
}
