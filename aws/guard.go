package aws

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
)

// ErrReadOnly is returned by a write on a read-only target.
var ErrReadOnly = errors.New("this target is read-only")

// errLoanOver is returned by a Writer that was kept after its Guard.Do.
var errLoanOver = errors.New("write access has ended with the guarded action it was lent to")

// whoTimeout is how long the audit line of a first write waits for STS, beyond
// the write itself.
const whoTimeout = 3 * time.Second

// Action describes a write to the guard and to the audit trail.
type Action struct {
	Name   string `json:"action"` // "dispatch", "dlq.replay", ...
	Object string `json:"object"` // the worker or the queue
	Count  int    `json:"count"`
	// IDs are the first few hundred of what is written to; Journal names the file
	// that has them all, where there is one.
	IDs     []string `json:"ids,omitempty"`
	Journal string   `json:"journal,omitempty"`
}

// Guard is the only holder of write access. The zero value refuses every write.
// It is safe for concurrent use.
type Guard struct {
	writer   Writer
	readOnly bool
	audit    auditLog
	target   func() Target
	// who names the caller; it may call STS and must end when its context does.
	who func(context.Context) Identity
	now func() time.Time
}

// ReadOnly reports whether every write is refused.
func (g *Guard) ReadOnly() bool { return g.readOnly || g.writer == nil }

// Do runs a write: it refuses on a read-only target, gives fn write access for
// as long as fn runs, and records the action with its outcome in the audit
// trail.
//
// The error wraps ErrReadOnly when the write was refused, and ErrAudit when the
// trail could not be opened (nothing was written) or could not be completed
// (fn's own error, if any, is wrapped as well).
func (g *Guard) Do(ctx context.Context, a Action, fn func(context.Context, Writer) error) error {
	if g.ReadOnly() {
		return fmt.Errorf("%s %s: %w: leave out --read-only and AIWCTL_READ_ONLY to allow writes", a.Name, a.Object, ErrReadOnly)
	}
	file, err := g.audit.open()
	if err != nil {
		return fmt.Errorf("%s %s: %w", a.Name, a.Object, err)
	}

	// Who we are is asked for while the write is under way, not before it: at
	// 03:00 a slow STS must not stand before a replay. A cancelled write is on
	// record too, so this outlives ctx.
	whoCtx, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	whoDone := make(chan Identity, 1)
	go func() { whoDone <- g.who(whoCtx) }()

	start := g.now()
	loan := &lentWriter{w: g.writer}
	err = loan.run(ctx, fn)

	t := g.target()
	entry := AuditEntry{
		Time: start.UTC(), Action: a, Outcome: OutcomeDone, DurationMS: g.now().Sub(start).Milliseconds(),
		Region: t.Region, Stage: t.Stage, Service: t.Service,
	}
	if t.EndpointURL != "" {
		entry.Endpoint = redactURL(t.EndpointURL)
	}
	if err != nil {
		entry.Outcome = OutcomeFailed
		if errors.Is(err, context.Canceled) {
			entry.Outcome = OutcomeCancelled
		}
		entry.ErrorKind, _ = Classify(err)
	}
	patience := time.AfterFunc(whoTimeout, stop)
	id := <-whoDone
	patience.Stop()
	entry.Who, entry.Account = id.ARN, id.Account

	if auditErr := g.audit.write(file, entry); auditErr != nil {
		return errors.Join(err, auditErr)
	}
	return err
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
