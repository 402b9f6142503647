package aws

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"github.com/microfox-ai/aiwctl/aws/audit"
)

// ErrReadOnly is returned by a write on a read-only target.
var ErrReadOnly = errors.New("this target is read-only")

// ErrLocked is returned by a write before Stage.Unlock. It is an ErrReadOnly.
var ErrLocked = fmt.Errorf("%w until somebody allows writes", ErrReadOnly)

// errLoanOver is returned by a Writer that was kept after its Guard.Do.
var errLoanOver = errors.New("write access has ended with the guarded action it was lent to")

// whoPatience is how long a first write waits for STS before it begins: who wrote
// is half of an audit trail, and a console that was killed cannot say it any more.
// whoTimeout is how long the record of its end waits, beyond the write itself.
const (
	whoPatience = time.Second
	whoTimeout  = 3 * time.Second
)

// Action describes a write to the guard and to the audit trail.
type Action struct {
	Name   string // "dispatch", "dlq.replay", ...
	Object string // the worker or the queue
	Count  int
	// IDs are the first few hundred of what is written to; Journal names the file
	// that has them all, where there is one.
	IDs     []string
	Journal string
	// Queues are the queues that are written to, by name, URL or ARN, where they may be of
	// another stage than the target: a person can name any.
	Queues []string
	// Tally says, when the action has ended, how many were done and how many were
	// not. Nil means: all when there was no error, unknown when there was.
	Tally func() (done, failed int)
}

// Guard is the only holder of write access. The zero value refuses every write.
// It is safe for concurrent use.
type Guard struct {
	writer      Writer
	readOnly    bool
	readOnlyWhy string
	// locked refuses every write, until it is lifted.
	locked     atomic.Bool
	protection Protection
	trail      func() (*audit.Log, error)
	target     func() Target
	// who names the caller; it may call STS and must end when its context does.
	who    func(context.Context) Identity
	now    func() time.Time
	getenv func(string) string
	// deployClients are the clients that Deploy lends.
	deployClients func() *deployClients
}

// ReadOnly reports whether every write is refused.
func (g *Guard) ReadOnly() bool { return g.readOnly || g.writer == nil || g.locked.Load() }

// Do runs a write: it refuses on a read-only target and on a protected stage whose
// name was not confirmed (see Confirm), puts on record what is about to be done,
// gives fn write access for as long as fn runs, and records what came of it.
//
// The error wraps ErrReadOnly or ErrProtected when the write was refused, and
// ErrAudit when the trail could not be begun (nothing was written) or could not be
// completed (fn's own error, if any, is wrapped as well).
func (g *Guard) Do(ctx context.Context, a Action, fn func(context.Context, Writer) error) error {
	return g.do(ctx, a, func(ctx context.Context) error {
		return (&lentWriter{w: g.writer}).run(ctx, fn)
	})
}

// do is Do with a function that has its write access already.
func (g *Guard) do(ctx context.Context, a Action, fn func(context.Context) error) error {
	if err := g.Check(ctx, a); err != nil {
		return err
	}
	trail, err := g.trail()
	if err != nil {
		return fmt.Errorf("%s %s: %w", a.Name, a.Object, err)
	}

	// A cancelled write is on record too, so this outlives ctx.
	whoCtx, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	identity := g.identify(whoCtx)
	record := g.record(a)
	record.Event, record.Time = audit.EventBegin, g.now().UTC()
	patience := time.NewTimer(whoPatience)
	select {
	case <-identity.done:
		record.Who, record.Account = identity.ARN, identity.Account
	case <-patience.C: // at 03:00 a slow STS must not stand before a replay
	}
	patience.Stop()
	if err := trail.Append(record); err != nil {
		return fmt.Errorf("%s %s: %w: nothing was written: %w: make room, make the file writable, or set XDG_STATE_HOME to another place", a.Name, a.Object, ErrAudit, err)
	}

	start := g.now()
	err = fn(ctx)

	record.Event, record.Outcome, record.DurationMS = audit.EventEnd, audit.OutcomeDone, g.now().Sub(start).Milliseconds()
	if err != nil {
		record.Outcome = audit.OutcomeFailed
		if errors.Is(err, context.Canceled) {
			record.Outcome = audit.OutcomeCancelled
		}
		kind, _ := Classify(err)
		record.ErrorKind = string(kind)
	}
	switch {
	case a.Tally != nil:
		done, failed := a.Tally()
		record.Done, record.Failed = &done, &failed
	case err == nil:
		record.Done, record.Failed = new(a.Count), new(0)
	}
	late := time.AfterFunc(whoTimeout, stop)
	<-identity.done
	late.Stop()
	record.Who, record.Account = identity.ARN, identity.Account
	record.Time = g.now().UTC()
	if aerr := trail.Append(record); aerr != nil {
		return errors.Join(err, fmt.Errorf("%w: %s of %s was attempted, and its end is not on record: %w", ErrAudit, a.Name, a.Object, aerr))
	}
	return err
}

// caller is who we are, to be read when done is closed.
type caller struct {
	Identity
	done chan struct{}
}

// identify asks who we are.
func (g *Guard) identify(ctx context.Context) *caller {
	c := &caller{done: make(chan struct{})}
	go func() {
		defer close(c.done)
		c.Identity = g.who(ctx)
	}()
	return c
}

// record is what both records of an action have.
func (g *Guard) record(a Action) audit.Record {
	t := g.target()
	r := audit.Record{
		ID: audit.NewID(), Region: t.Region, Stage: t.Stage, Service: t.Service, Profile: t.Profile,
		Action: a.Name, Object: a.Object, Count: a.Count, IDs: a.IDs, Journal: a.Journal,
	}
	if t.EndpointURL != "" {
		r.Endpoint = redactURL(t.EndpointURL)
	}
	onThisMachine(&r, g.getenv)
	return r
}

// Writer is write access to the stage, lent for the length of one Guard.Do.
type Writer interface {
	SendMessage(context.Context, *sqs.SendMessageInput, ...func(*sqs.Options)) (*sqs.SendMessageOutput, error)
	SendMessageBatch(context.Context, *sqs.SendMessageBatchInput, ...func(*sqs.Options)) (*sqs.SendMessageBatchOutput, error)
	DeleteMessageBatch(context.Context, *sqs.DeleteMessageBatchInput, ...func(*sqs.Options)) (*sqs.DeleteMessageBatchOutput, error)
	StartMessageMoveTask(context.Context, *sqs.StartMessageMoveTaskInput, ...func(*sqs.Options)) (*sqs.StartMessageMoveTaskOutput, error)
	CancelMessageMoveTask(context.Context, *sqs.CancelMessageMoveTaskInput, ...func(*sqs.Options)) (*sqs.CancelMessageMoveTaskOutput, error)
	UpdateEventSourceMapping(context.Context, *lambda.UpdateEventSourceMappingInput, ...func(*lambda.Options)) (*lambda.UpdateEventSourceMappingOutput, error)
}
