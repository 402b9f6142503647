// Package redrive looks into dead-letter queues and moves what is in them: back to
// the queue it came from, into a file, out of a file, away.
//
// SQS cannot peek: to look at a message is to receive it, which hides it for a
// while and raises its receive count. This package makes every message it
// received and did not move visible again, also when it is interrupted.
//
// Moving is sending first and deleting afterwards, and only what the send
// accepted. What was done is kept in a journal, so that a process that was killed
// can be gone on with (Resume): messages that were sent are then deleted and not
// sent again. To a FIFO queue nothing is sent twice; to a standard queue it can
// happen to the messages that were under way when the process died, ten for each
// batch that may be under way at once.
package redrive

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	awssdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"github.com/microfox-ai/aiwctl/aws"
	"github.com/microfox-ai/aiwctl/aws/logs"
	"github.com/microfox-ai/aiwctl/aws/redrive/why"
)

const (
	// lookLease and moveLease are how long a received message stays hidden unless
	// its lease is extended; what a killed process held comes back after this
	// time. A look holds its messages longer than a move, and extends less often.
	lookLease = 60 * time.Second
	moveLease = 30 * time.Second
	// DefaultConcurrency is how many batches are under way at once.
	DefaultConcurrency = 16
	// callTimeout bounds a call that must not be given up when ctx ends,
	// cleanupTimeout everything that is done after ctx has ended.
	callTimeout    = 30 * time.Second
	cleanupTimeout = time.Minute
)

// Config sets up an Engine. The zero value works.
type Config struct {
	// Dir is where journals and exports are kept; empty means replays below
	// aws.StateDir. NoJournal ("-") keeps none: what is killed then cannot be gone
	// on with.
	Dir string
	// Logs says why jobs died and how replayed ones ended; nil means logs.For the
	// stage.
	Logs *logs.Reader
	// Records has the job records, where there is a store; nil means none.
	Records why.Records
	// Getenv is for XDG_STATE_HOME and HOME; nil means os.Getenv.
	Getenv func(string) string
}

// NoJournal is the Config.Dir that keeps no journal.
const NoJournal = "-"

// Engine looks, moves and goes on. It is safe for concurrent use, but two looks at
// one queue at a time hide messages from each other.
type Engine struct {
	queue  queue
	guard  guard
	target func() aws.Target
	logs   *logs.Reader
	cfg    Config
	// protected is Guard.ProtectedFor; nil in tests.
	protected func(queues ...string) aws.Protected
}

// queue is the part of SQS that looking needs.
type queue interface {
	GetQueueAttributes(context.Context, *sqs.GetQueueAttributesInput, ...func(*sqs.Options)) (*sqs.GetQueueAttributesOutput, error)
	ListDeadLetterSourceQueues(context.Context, *sqs.ListDeadLetterSourceQueuesInput, ...func(*sqs.Options)) (*sqs.ListDeadLetterSourceQueuesOutput, error)
	ListMessageMoveTasks(context.Context, *sqs.ListMessageMoveTasksInput, ...func(*sqs.Options)) (*sqs.ListMessageMoveTasksOutput, error)
	ReceiveMessage(context.Context, *sqs.ReceiveMessageInput, ...func(*sqs.Options)) (*sqs.ReceiveMessageOutput, error)
	ChangeMessageVisibilityBatch(context.Context, *sqs.ChangeMessageVisibilityBatchInput, ...func(*sqs.Options)) (*sqs.ChangeMessageVisibilityBatchOutput, error)
}

// guard lends write access.
type guard interface {
	Do(context.Context, aws.Action, func(context.Context, aws.Writer) error) error
	// Check is whether Do would refuse.
	Check(context.Context, aws.Action) error
}

// New returns an Engine for a stage.
func New(s *aws.Stage, cfg Config) *Engine {
	if cfg.Logs == nil {
		cfg.Logs = logs.For(s)
	}
	e := newEngine(s.SQS(), s.Guard(), s.Target, cfg)
	e.protected = s.Guard().ProtectedFor
	return e
}

func newEngine(q queue, g guard, target func() aws.Target, cfg Config) *Engine {
	if cfg.Getenv == nil {
		cfg.Getenv = os.Getenv
	}
	return &Engine{queue: q, guard: g, target: target, logs: cfg.Logs, cfg: cfg}
}

// Dir is where journals and exports are kept; empty when none are.
func (e *Engine) Dir() (string, error) {
	switch e.cfg.Dir {
	case NoJournal:
		return "", nil
	case "":
		dir, err := aws.StateDir(e.cfg.Getenv)
		return filepath.Join(dir, "replays"), err
	}
	return e.cfg.Dir, nil
}

// once turns the SDK's retries off: those here know what is at stake in each call,
// and begin sooner.
func once(o *sqs.Options) { o.Retryer = awssdk.NopRetryer{} }

// key is a message id in sixteen bytes: of a hundred thousand ids the texts would
// be most of what a replay needs to keep in memory.
type key [16]byte

func keyOf(id string) (k key) {
	if len(id) == 36 && id[8] == '-' && id[13] == '-' && id[18] == '-' && id[23] == '-' {
		var raw [32]byte
		copy(raw[:], id[:8])
		copy(raw[8:], id[9:13])
		copy(raw[12:], id[14:18])
		copy(raw[16:], id[19:23])
		copy(raw[20:], id[24:])
		if _, err := hex.Decode(k[:], raw[:]); err == nil {
			return k
		}
	}
	sum := sha256.Sum256([]byte(id))
	copy(k[:], sum[:])
	return k
}

func isFIFO(url string) bool { return strings.HasSuffix(url, ".fifo") }

// queueName is the last part of a queue's URL or ARN.
func queueName(s string) string { return s[strings.LastIndexAny(s, "/:")+1:] }

func plural(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return strconv.Itoa(n) + " " + many
}

func messages(n int) string { return plural(n, "message", "messages") }

func str(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}

// ErrNoQueue says that a worker has no dead-letter queue, or none to send to.
var ErrNoQueue = errors.New("no queue")

// deadLetterQueue is the worker's DLQ, or an error that says what to do.
func deadLetterQueue(w *aws.Worker) (*aws.Queue, error) {
	if w.DLQ == nil {
		return nil, fmt.Errorf("%w: worker %q has no dead-letter queue: its queue has no redrive policy, or the queue the policy names could not be read", ErrNoQueue, w.ID)
	}
	return w.DLQ, nil
}
