package dispatch

import (
	"context"
	"errors"
	"fmt"
	"iter"
	goruntime "runtime"
	"strings"
	"sync/atomic"
	"time"

	"github.com/microfox-ai/aiwctl/dispatch/internal/jsontext"
)

// DefaultParallel is how many sends DispatchMany has under way at the same time.
const DefaultParallel = 8

// ErrNotSent is the error of an Item whose job was not sent because others of the
// call are invalid.
var ErrNotSent = errors.New("not sent, because other jobs of the call are invalid")

// Item is one job of DispatchMany.
type Item struct {
	// Input is what Dispatch takes: a Go value, or JSON as a json.RawMessage. Nil
	// is {}. It must not change while DispatchMany runs.
	Input any
	// Options come after those of the call and win over them. WithMode,
	// WithInvalidSkipped and WithParallel belong to the call.
	Options []Option
}

// Items makes an Item of each input: Items(slices.Values(inputs)).
func Items[In any](inputs iter.Seq[In]) []Item {
	var items []Item
	for in := range inputs {
		items = append(items, Item{Input: in})
	}
	return items
}

// ItemResult is what became of one Item.
type ItemResult struct {
	// Result is that of the dispatch. Its JobID is set whenever the job got one,
	// and its Status is empty when it was not sent.
	Result
	// Err says why the job was not sent, or that nobody knows whether it was; nil
	// when it was.
	Err error
}

// ManyError is DispatchMany's error when some jobs were not sent. errors.Is and
// errors.As look into the errors of all of them.
type ManyError struct {
	// WorkerID is the worker the jobs were for.
	WorkerID string
	// Total is how many jobs there were.
	Total int
	// Failed holds the jobs that were not sent, in the order of the items. Those
	// held back for the others' sake (ErrNotSent) are among them.
	Failed []ItemError
}

// ItemError is why one Item was not sent.
type ItemError struct {
	// Index is the Item's place, from 0.
	Index int
	Err   error
}

// Error is "item <index>: <what happened>".
func (e *ItemError) Error() string { return fmt.Sprintf("item %d: %v", e.Index, e.Err) }

// Unwrap is what happened.
func (e *ItemError) Unwrap() error { return e.Err }

// Error says how many jobs were not sent, and why the first of them were not.
func (e *ManyError) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "dispatch to worker %q: %d of %s not sent", e.WorkerID, len(e.Failed), jsontext.Count(e.Total, "job", "jobs"))
	listed := 0
	for i := range e.Failed {
		if errors.Is(e.Failed[i].Err, ErrNotSent) {
			continue
		}
		if listed == maxErrorLines {
			fmt.Fprintf(&b, "\n  and more")
			break
		}
		listed++
		b.WriteString("\n  " + e.Failed[i].Error())
	}
	return b.String()
}

// Unwrap is the errors of the jobs that were not sent.
func (e *ManyError) Unwrap() []error {
	list := make([]error, len(e.Failed))
	for i := range e.Failed {
		list[i] = &e.Failed[i]
	}
	return list
}

// manyError is the error of what is wrong among results; nil when nothing is.
func manyError(workerID string, results []ItemResult) error {
	e := &ManyError{WorkerID: workerID, Total: len(results)}
	for i := range results {
		if err := results[i].Err; err != nil {
			e.Failed = append(e.Failed, ItemError{Index: i, Err: err})
		}
	}
	if len(e.Failed) == 0 {
		return nil
	}
	return e
}

// DispatchMany sends many jobs to one worker. Every input is validated before
// anything is sent, and one that does not fit keeps all from being sent; see
// WithInvalidSkipped. Two jobs with one id, or one idempotency key, do not fit.
//
// A sender that is a BatchSender, such as SQS, gets the jobs in batches of up to
// MaxBatch messages and MaxMessageBytes; any other gets them one by one. Several
// sends are under way at the same time, see WithParallel, so the jobs arrive in no
// order; only those of one message group are sent one batch after the other, in the
// order of the items. What the sender did not take through no fault of the message
// is sent again, Config.Retries times, with growing pauses, and never together with
// what was taken.
//
// There is one result for each item, in their order. The error is a *ManyError if
// any job was not sent, also when ctx ended before. Without results, it concerns
// the call as a whole: nothing was sent.
func (c *Client) DispatchMany(ctx context.Context, workerID string, items []Item, opts ...Option) ([]ItemResult, error) {
	call := c.options(opts)
	sender, mode, err := c.sender(call.mode)
	if err != nil {
		return nil, fmt.Errorf("dispatch to worker %q: %w", workerID, err)
	}
	if err := call.check(workerID); err != nil {
		return nil, fmt.Errorf("dispatch to worker %q: %w", workerID, err)
	}
	results := make([]ItemResult, len(items))
	jobs := c.prepareMany(ctx, workerID, items, opts, call, results)
	if !call.skipInvalid && len(jobs) < len(items) {
		for i := range results {
			if results[i].Err == nil {
				results[i].Err = ErrNotSent
			}
		}
		return results, manyError(workerID, results)
	}
	run := manyRun{client: c, sender: sender, mode: mode, workerID: workerID, results: results}
	run.send(ctx, jobs, call.parallel)
	return results, manyError(workerID, results)
}

// manyJob is an item on its way.
type manyJob struct {
	index   int
	message *Message
	body    []byte
	delay   time.Duration
}

// prepareChunk is how many items a goroutine prepares at a time.
const prepareChunk = 32

// prepareMany makes the messages, on every processor, since validation is most of
// the work on this side. It returns those that can be sent, in order, and writes
// the errors of the others into results.
func (c *Client) prepareMany(ctx context.Context, workerID string, items []Item, opts []Option, call options, results []ItemResult) []manyJob {
	schema := c.schemaOf(ctx, workerID)
	made := make([]manyJob, len(items))
	prepare := func(i int) {
		o := c.options(append(opts[:len(opts):len(opts)], items[i].Options...))
		if o.mode != call.mode {
			results[i].Err = fmt.Errorf("the mode %s belongs to the whole call, which has %s", o.mode, call.mode)
			return
		}
		input, err := inputText(items[i].Input)
		if err != nil {
			results[i].Err = err
			return
		}
		m, body, err := c.message(ctx, workerID, input, o, schema)
		if err != nil {
			results[i].Err = err
			return
		}
		made[i] = manyJob{index: i, message: m, body: body, delay: o.delay}
	}
	var next atomic.Int64
	var wg crew
	for range min(goruntime.GOMAXPROCS(0), (len(items)+prepareChunk-1)/prepareChunk) {
		wg.Go(func() {
			for {
				start := int(next.Add(prepareChunk)) - prepareChunk
				if start >= len(items) {
					return
				}
				for i := start; i < min(start+prepareChunk, len(items)); i++ {
					prepare(i)
				}
			}
		})
	}
	wg.Wait()
	return withoutTwins(made, results)
}

// withoutTwins keeps the jobs that were made, and of several with one id the first.
func withoutTwins(made []manyJob, results []ItemResult) []manyJob {
	first := make(map[string]int, len(made))
	kept := made[:0]
	for i, job := range made {
		if job.message == nil {
			continue
		}
		id := job.message.JobID
		if twin, ok := first[id]; ok {
			results[i].Err = fmt.Errorf("it is the same job as item %d (%s): an id or idempotency key may stand once in a call", twin, jsontext.QuoteShort(id))
			continue
		}
		first[id] = i
		results[i].JobID = id
		kept = append(kept, job)
	}
	return kept
}
