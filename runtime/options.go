package runtime

import (
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"strings"
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

// The limits of AWS that New checks. Sources: Lambda quotas (timeout, memory),
// CreateEventSourceMapping (BatchSize, MaximumConcurrency), SetQueueAttributes
// (VisibilityTimeout, MessageRetentionPeriod, RedrivePolicy).
const (
	maxTimeout           = 900 * time.Second
	minMemoryMB          = 128
	maxMemoryMB          = 10240
	maxVisibilityTimeout = 43200 * time.Second
	minRetention         = 60 * time.Second
	maxRetention         = 1209600 * time.Second
	maxMaxReceiveCount   = 1000
	maxBatchSize         = 10000
	minConcurrencyCap    = 2
	maxConcurrencyCap    = 1000

	// maxIDLength leaves 27 of the 80 characters of a queue name to the service
	// and the stage: <service>-<id>-dlq-<stage>.
	maxIDLength = 48
	// maxGroupLength is what a deployment keeps of a group in a service name.
	maxGroupLength = 12
	// coreGroup is the deployment's own group, which holds the workers API.
	coreGroup = "core"
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
	concurrency  int
	inputSchema  json.RawMessage
	outputSchema json.RawMessage
	examples     []any
	hideOutput   bool
	client       *dispatch.Client
	layers       []string
	environment  []string
	schedules    []dispatch.ScheduleSetting
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
// deployed as one stack. At most 12 letters, digits and dashes; "core" is taken.
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

// WithBatchSize sets how many messages one invocation gets at most, 1 to 10000.
// The jobs of a batch run one after the other and share the function's timeout.
// Default: DefaultBatchSize.
func WithBatchSize(n int) Option {
	return func(s *settings) { s.batchSize = n }
}

// WithVisibilityTimeout sets how long SQS hides a message that was delivered,
// which is also how long a failed job waits for its next attempt. Whole seconds,
// at most 12 hours and never below the function's timeout, since Lambda refuses
// such a mapping. Default: six times the timeout, as AWS advises, at most 12 hours.
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
// standard queue the time counts from the message's first send, so it should not
// be below the queue's own retention. Default: as WithRetention.
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

// WithInputSchema replaces the inferred input schema with a JSON Schema (draft
// 2020-12 or 7). It is enforced as it is written. Close its objects with
// additionalProperties:false: encoding/json fills a struct's field from a
// property of any letter case, so what the schema does not know can still arrive.
func WithInputSchema(schema json.RawMessage) Option {
	return func(s *settings) { s.inputSchema = schema }
}

// WithOutputSchema replaces the inferred output schema with a JSON Schema (draft
// 2020-12 or 7).
func WithOutputSchema(schema json.RawMessage) Option {
	return func(s *settings) { s.outputSchema = schema }
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
		group:      DefaultGroup,
		timeout:    DefaultTimeout,
		memoryMB:   DefaultMemoryMB,
		maxReceive: DefaultMaxReceiveCount,
		retention:  DefaultRetention,
		batchSize:  DefaultBatchSize,
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
	return s
}

var (
	idPattern    = regexp.MustCompile(`^[A-Za-z0-9_-]+$`)
	groupPattern = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9-]*$`)
)

func validateID(id string) error {
	switch {
	case id == "":
		return errors.New("the id is empty: it names the queue, so choose a short one such as \"resize-image\"")
	case len(id) > maxIDLength:
		return fmt.Errorf("the id has %d characters; at most %d leave room for service and stage in a queue name of 80", len(id), maxIDLength)
	case !idPattern.MatchString(id):
		return errors.New("the id may hold letters, digits, - and _ only, as SQS allows in a queue name")
	case !strings.ContainsFunc(id, isAlphanumeric):
		return errors.New("the id needs a letter or a digit: it names a Lambda function")
	}
	return nil
}

// validate reports every setting that AWS would refuse, so that the author hears
// of it at start and not from a half-finished deployment.
func (s settings) validate() error {
	var errs []error
	refuse := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }

	if err := validateGroup(s.group); err != nil {
		errs = append(errs, err)
	}
	if s.timeout < time.Second || s.timeout > maxTimeout || !wholeSeconds(s.timeout) {
		refuse("timeout %v: Lambda allows whole seconds from 1s to 900s", s.timeout)
	}
	if s.memoryMB < minMemoryMB || s.memoryMB > maxMemoryMB {
		refuse("memory %d MB: Lambda allows %d to %d", s.memoryMB, minMemoryMB, maxMemoryMB)
	}
	switch {
	case s.visibility < 0 || s.visibility > maxVisibilityTimeout || !wholeSeconds(s.visibility):
		refuse("visibility timeout %v: SQS allows whole seconds up to 12h", s.visibility)
	case s.visibility < s.timeout:
		refuse("visibility timeout %v is below the function's timeout %v: Lambda refuses such a queue, and a running job would be delivered a second time", s.visibility, s.timeout)
	}
	if s.maxReceive < 1 || s.maxReceive > maxMaxReceiveCount {
		refuse("max receive count %d: SQS allows 1 to %d", s.maxReceive, maxMaxReceiveCount)
	}
	if !legalRetention(s.retention) {
		refuse("retention %v: SQS allows whole seconds from 1m to 336h (14 days)", s.retention)
	}
	if !legalRetention(s.dlqRetention) {
		refuse("dead-letter queue retention %v: SQS allows whole seconds from 1m to 336h (14 days)", s.dlqRetention)
	}
	if s.batchSize < 1 || s.batchSize > maxBatchSize {
		refuse("batch size %d: Lambda allows 1 to %d", s.batchSize, maxBatchSize)
	}
	if s.concurrency != 0 && (s.concurrency < minConcurrencyCap || s.concurrency > maxConcurrencyCap) {
		refuse("maximum concurrency %d: Lambda allows %d to %d, or 0 for no cap", s.concurrency, minConcurrencyCap, maxConcurrencyCap)
	}
	return errors.Join(errs...)
}

func validateGroup(group string) error {
	switch {
	case strings.EqualFold(group, coreGroup):
		return fmt.Errorf("group %q is taken: it is the deployment's own group for the workers API", group)
	case len(group) > maxGroupLength:
		return fmt.Errorf("group %q has %d characters; at most %d fit into a service name", group, len(group), maxGroupLength)
	case !groupPattern.MatchString(group):
		return fmt.Errorf("group %q: letters, digits and - only, a letter or digit first", group)
	}
	return nil
}

func legalRetention(d time.Duration) bool {
	return d >= minRetention && d <= maxRetention && wholeSeconds(d)
}

func wholeSeconds(d time.Duration) bool { return d%time.Second == 0 }

func isAlphanumeric(r rune) bool {
	return r >= '0' && r <= '9' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z'
}
