package runtime

import (
	"encoding/json"
	"time"

	"github.com/microfox-ai/aiwctl/dispatch"
)

// DefaultGroup is the deployment group of a worker that names none.
const DefaultGroup = dispatch.DefaultGroup

// The defaults of a worker's settings.
const (
	DefaultTimeout         = 300 * time.Second
	DefaultMemoryMB        = 512
	DefaultRetention       = 14 * 24 * time.Hour
	DefaultMaxReceiveCount = 3
	DefaultBatchSize       = 1
)

// The limits of AWS that New checks. Sources: Lambda quotas (timeout, memory,
// layers), CreateEventSourceMapping (BatchSize, MaximumBatchingWindowInSeconds,
// MaximumConcurrency), SetQueueAttributes (VisibilityTimeout,
// MessageRetentionPeriod, RedrivePolicy).
const (
	maxTimeout           = 900 * time.Second
	minMemoryMB          = 128
	maxMemoryMB          = 10240
	maxVisibilityTimeout = 43200 * time.Second
	minRetention         = 60 * time.Second
	maxRetention         = 1209600 * time.Second
	maxMaxReceiveCount   = 1000
	maxBatchSize         = 10000
	maxFIFOBatchSize     = 10
	maxBatchWindow       = 300 * time.Second
	minConcurrencyCap    = 2
	maxConcurrencyCap    = 1000
	maxLayers            = 5

	// freeBatchSize is the largest batch that needs no batching window, and
	// defaultBatchWindow the window of a larger one whose author named none.
	freeBatchSize      = 10
	defaultBatchWindow = time.Second

	// maxIDLength leaves 27 of the 80 characters of a queue name to the service
	// and the stage: <service>-<id>-dlq-<stage>; 22 with the .fifo of FIFO queues.
	maxIDLength = 48
	// adviceVisibility is AWS's advice for a queue that feeds a function: six
	// times the function's timeout.
	adviceVisibility = 6
)

// Option changes a setting of a worker. Of several for one setting the last wins.
type Option func(*settings)

// settings is everything about a worker that is not its handler.
type settings struct {
	description  string
	group        string
	timeout      time.Duration
	memoryMB     int
	visibility   time.Duration // 0: follows from timeout
	maxReceive   int
	retention    time.Duration
	dlqRetention time.Duration // 0: as retention
	batchSize    int
	batchWindow  time.Duration // -1: follows from batchSize
	concurrency  int
	fifo         bool
	inputSchema  json.RawMessage
	outputSchema json.RawMessage
	examples     []any
	hideOutput   bool
	client       *dispatch.Client
	engine       dispatch.SchemaEngine
	layers       []string
	environment  []string
	secrets      []string
	calls        []string
	permissions  []dispatch.Permission
	reserved     int // 0: none
	schedules    []workerSchedule
	tries        int // handler runs within one delivery; 0 and 1: no retry
	patterns     []RetryPattern
	backoff      Backoff // nil: DefaultBackoff
	middleware   []Middleware
}

// WithDescription says in a sentence what the worker does. It is shown by the
// console and in the manifest. Default: none.
func WithDescription(text string) Option {
	return func(s *settings) { s.description = text }
}

// WithGroup puts the worker into a deployment group: workers of one group are
// deployed as one stack. At most 12 letters, digits and dashes, no dash first; "core"
// is taken, in any letter case and with dashes in it.
// Default: DefaultGroup.
func WithGroup(name string) Option {
	return func(s *settings) { s.group = name }
}

// WithTimeout sets the timeout of the Lambda function, in whole seconds from 1 s
// to 900 s. The handler's context ends a little earlier: a tenth of it, at most
// one second. Default: DefaultTimeout.
func WithTimeout(d time.Duration) Option {
	return func(s *settings) { s.timeout = d }
}

// WithMemory sets the memory of the Lambda function in megabytes, 128 to 10240.
// Lambda gives CPU in proportion: 1769 MB is one core. Default: DefaultMemoryMB.
func WithMemory(megabytes int) Option {
	return func(s *settings) { s.memoryMB = megabytes }
}

// WithBatchSize sets how many messages one invocation gets at most, 1 to 10000,
// for a FIFO queue 1 to 10. The jobs of a batch run one after the other and share
// the function's timeout. Default: DefaultBatchSize.
func WithBatchSize(n int) Option {
	return func(s *settings) { s.batchSize = n }
}

// WithBatchWindow sets how long messages are gathered until a batch is full, whole
// seconds up to 5 minutes. Lambda insists on at least a second when the batch size
// is above 10, and allows none for a FIFO queue. Default: one second when the batch
// size is above 10, else none.
func WithBatchWindow(d time.Duration) Option {
	return func(s *settings) { s.batchWindow = d }
}

// WithFIFO gives the worker FIFO queues, whose messages are delivered in the order
// in which they were sent, one at a time within a message group. Their names end
// in ".fifo", and they drop a second message of the same text within five minutes.
// A message cannot have a delay of its own. A failed job holds up its group until
// it is completed, or has failed for good. Default: standard queues.
func WithFIFO() Option {
	return func(s *settings) { s.fifo = true }
}

// WithVisibilityTimeout sets how long SQS hides a message that was delivered: how
// long a job waits whose function was killed, or may not change that time (see
// WithBackoff for how long others do). Whole seconds, at most 12 hours and never
// below the function's timeout, since Lambda refuses such a mapping. Default: six times the timeout, as AWS advises, at most 12 hours.
func WithVisibilityTimeout(d time.Duration) Option {
	return func(s *settings) { s.visibility = d }
}

// WithMaxReceiveCount sets how often a message is delivered before SQS moves it
// to the dead-letter queue, 1 to 1000. A delivery that Lambda throttles counts,
// so 1 loses jobs that never ran. Default: DefaultMaxReceiveCount.
func WithMaxReceiveCount(n int) Option {
	return func(s *settings) { s.maxReceive = n }
}

// WithMaximumConcurrency caps the concurrent invocations that the queue causes,
// 2 to 1000. Zero, the default, is no cap.
func WithMaximumConcurrency(n int) Option {
	return func(s *settings) { s.concurrency = n }
}

// WithRetention sets how long the queue keeps a message, whole seconds from one
// minute to 14 days. Default: DefaultRetention.
func WithRetention(d time.Duration) Option {
	return func(s *settings) { s.retention = d }
}

// WithDLQRetention sets how long the dead-letter queue keeps a message. On a
// standard queue the time counts from the message's first send, on a FIFO queue from
// the move. Less than WithRetention is allowed, since failed jobs usually move soon;
// but a job that has waited longer than that in a backlog and then fails is gone
// from a standard dead-letter queue before anybody could look at it. Default: as
// WithRetention.
func WithDLQRetention(d time.Duration) Option {
	return func(s *settings) { s.dlqRetention = d }
}

// WithExample gives an input that works, of the handler's input type. It stands
// under "examples" in the input schema, and the console and aiwctl start with the
// first one when somebody types a job for the worker. Default: they start with
// the required properties, empty.
func WithExample(input any) Option {
	return func(s *settings) { s.examples = append(s.examples, input) }
}

// WithInputSchema replaces the inferred input schema with a JSON Schema. It is
// enforced as it is written, and New refuses one that needs WithSchemaEngine and has
// none. Close its objects with additionalProperties:false: encoding/json fills a struct's field from a
// property of any letter case, so what the schema does not know can still arrive.
func WithInputSchema(schema json.RawMessage) Option {
	return func(s *settings) { s.inputSchema = schema }
}

// WithOutputSchema replaces the inferred output schema with a JSON Schema, which is
// enforced as it is written; see WithInputSchema.
func WithOutputSchema(schema json.RawMessage) Option {
	return func(s *settings) { s.outputSchema = schema }
}

// WithSchemaEngine gives the engine that checks an author's own schema which says
// more than package dispatch checks by itself (see dispatch.CompileSchema), such as
// oneOf, the format email or a draft before 2020-12: fullschema.Engine{}. It makes the program larger and its start slower
// by a few milliseconds, so inferred schemas do without. Default: none.
func WithSchemaEngine(e dispatch.SchemaEngine) Option {
	return func(s *settings) { s.engine = e }
}

// WithoutOutputLog keeps the job's output out of the log: the completion line
// then only says how long it was. Use it for personal data.
func WithoutOutputLog() Option {
	return func(s *settings) { s.hideOutput = true }
}

// WithClient makes Worker.Dispatch send through the given client instead of one
// configured from the environment. Local mode is then what that client makes of it.
func WithClient(c *dispatch.Client) Option {
	return func(s *settings) { s.client = c }
}

func newSettings(opts []Option) settings {
	s := settings{
		batchWindow: -1,
		group:       DefaultGroup,
		timeout:     DefaultTimeout,
		memoryMB:    DefaultMemoryMB,
		maxReceive:  DefaultMaxReceiveCount,
		retention:   DefaultRetention,
		batchSize:   DefaultBatchSize,
	}
	for _, o := range opts {
		if o != nil {
			o(&s)
		}
	}
	if s.visibility == 0 {
		s.visibility = min(adviceVisibility*s.timeout, maxVisibilityTimeout)
	}
	if s.dlqRetention == 0 {
		s.dlqRetention = s.retention
	}
	if s.batchWindow == -1 {
		s.batchWindow = 0
		if s.batchSize > freeBatchSize && !s.fifo {
			s.batchWindow = defaultBatchWindow
		}
	}
	return s
}
