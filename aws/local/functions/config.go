package functions

import (
	"cmp"
	"fmt"
	"log/slog"
	"regexp"
	"slices"
	"time"

	"github.com/microfox-ai/aiwctl/aws/local/wire"
)

// Limits and defaults of Lambda (https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html),
// and a few that are ours because a developer's machine is not a cloud.
const (
	// DefaultTimeout is a function's timeout unless it says otherwise, as in Lambda.
	DefaultTimeout = 3 * time.Second
	// MaxTimeout is the longest timeout that Lambda allows.
	MaxTimeout = 15 * time.Minute
	// DefaultMemoryMB is a function's memory unless it says otherwise, as in Lambda.
	DefaultMemoryMB = 128
	// DefaultRuntime is the Lambda runtime that compiled Go programs are deployed on.
	DefaultRuntime = "provided.al2023"
	// DefaultBatchSize is an event source mapping's batch size unless it says otherwise, as in Lambda.
	DefaultBatchSize = 10
	// MaxPayload is the largest invocation payload and the largest answer: 6 MiB,
	// and the 100 bytes that Lambda allows on top of it.
	MaxPayload = 6<<20 + 100
	// DefaultConcurrency is how many environments one function may have here at
	// once. In Lambda an account has 1,000 for all its functions.
	DefaultConcurrency = 32
	// DefaultMappingConcurrency is how many batches one event source mapping works
	// on at once unless MaximumConcurrency says otherwise. In Lambda it is 1,000.
	DefaultMappingConcurrency = 10
)

// Config configures New. Queues, Logs and RuntimeAPI must be set.
type Config struct {
	// Region and Account are part of ARNs and of function environments; empty
	// means us-east-1 and 000000000000.
	Region, Account string
	// Queues is where event source mappings get messages from.
	Queues Queues
	// Logs is where the functions' output goes.
	Logs Logs
	// Meter is told of invocations; nil means nobody is.
	Meter Meter
	// Now is the clock for what is shown and logged; nil means time.Now. Timeouts
	// use the real clock.
	Now func() time.Time
	// Logger gets what an operator of the endpoint should know; nil means none.
	Logger *slog.Logger
	// RuntimeAPI is the host:port of the listener that serves RuntimeHandler. It is
	// called when a process is started, so the listener may come after New.
	RuntimeAPI func() string
	// BaseEnv is added to every function's environment, KEY=value. A function's own
	// Env wins over it; it wins over the defaults (region, dummy credentials,
	// AWS_ENDPOINT_URL, TZ), but not over what the Runtime API needs (AWS_LAMBDA_*,
	// _HANDLER, LAMBDA_TASK_ROOT).
	BaseEnv []string
	// IdleTimeout ends an environment that has had nothing to do for so long; zero
	// means five minutes.
	IdleTimeout time.Duration
	// DrainTimeout is how long Put and Remove let running invocations of the old
	// program go on before they are killed; zero means five seconds.
	DrainTimeout time.Duration
	// InitTimeout is how long a program may take from its start until it asks for
	// its first invocation; zero means ten seconds, as in Lambda.
	InitTimeout time.Duration
	// ThrottleWait is how long Invoke waits for an environment when all that the
	// function may have are busy and it has no reserved concurrency; zero means ten
	// seconds. (Lambda, with its 1,000, refuses at once.)
	ThrottleWait time.Duration
	// Faults makes delivery worse on purpose.
	Faults Faults
}

func (c Config) withDefaults() Config {
	c.Region = cmp.Or(c.Region, "us-east-1")
	c.Account = cmp.Or(c.Account, "000000000000")
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Meter == nil {
		c.Meter = noMeter{}
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	orDuration(&c.IdleTimeout, 5*time.Minute)
	orDuration(&c.DrainTimeout, 5*time.Second)
	orDuration(&c.InitTimeout, 10*time.Second)
	orDuration(&c.ThrottleWait, 10*time.Second)
	orDuration(&c.Faults.MaxDelay, time.Second)
	orDuration(&c.Faults.KillWithin, 50*time.Millisecond)
	return c
}

func orDuration(d *time.Duration, otherwise time.Duration) {
	if *d <= 0 {
		*d = otherwise
	}
}

// Function is a program that is run as a Lambda function.
type Function struct {
	// Name is the function's name: letters, digits, - and _, at most 64.
	Name string
	// Handler becomes _HANDLER.
	Handler string
	// Command starts the program: an executable that uses aws-lambda-go (or anything
	// that speaks the Runtime API over HTTP), and its arguments.
	Command []string
	// Dir is the working directory and LAMBDA_TASK_ROOT; empty means the current one
	// and the executable's.
	Dir string
	// Env is the function's environment, KEY=value.
	Env []string
	// Timeout ends an invocation: the process group is killed. Zero means
	// DefaultTimeout; at most MaxTimeout. The Lambda API shows whole seconds, rounded up.
	Timeout time.Duration
	// MemoryMB is what the program is told it has, and what the API shows; it is not
	// enforced. Zero means DefaultMemoryMB.
	MemoryMB int
	// LogGroup is where output goes; empty means /aws/lambda/<Name>.
	LogGroup string
	// Runtime, Architecture and Description are shown by the API. Empty means
	// DefaultRuntime, this machine's (x86_64 or arm64), and none.
	Runtime, Architecture, Description string
	// ReservedConcurrency, when above zero, is how many invocations may run at once;
	// further ones are refused with TooManyRequestsException, as in Lambda. Zero
	// means DefaultConcurrency, and further invocations wait for a while first.
	ReservedConcurrency int
	// Tags are shown by the API, with those that were given through it.
	Tags map[string]string
	// Owner says what the function belongs to: the ARN of a stack, or nothing, which is
	// whoever runs the manager. Tags and variables of a function with an owner are shown
	// exactly as they are given.
	Owner string
	// Role is shown by the API; empty means one that is called local.
	Role string
	// CodeSHA256 (base64) and CodeSize, in bytes, are those of the archive that the program
	// is from; zero means that the API shows the executable's.
	CodeSHA256 string
	CodeSize   int64
}

var functionName = regexp.MustCompile(`^[a-zA-Z0-9_-]{1,64}$`)

func (f Function) withDefaults() Function {
	f.Command, f.Env = slices.Clone(f.Command), slices.Clone(f.Env)
	orDuration(&f.Timeout, DefaultTimeout)
	f.MemoryMB = cmp.Or(f.MemoryMB, DefaultMemoryMB)
	f.LogGroup = cmp.Or(f.LogGroup, "/aws/lambda/"+f.Name)
	f.Runtime = cmp.Or(f.Runtime, DefaultRuntime)
	f.Architecture = cmp.Or(f.Architecture, machine())
	return f
}

func (f Function) validate() error {
	switch {
	case !functionName.MatchString(f.Name):
		return wire.Errorf("InvalidParameterValueException", "function name %q: only letters, digits, - and _ are allowed, at most 64 of them", f.Name)
	case len(f.Command) == 0 || f.Command[0] == "":
		return wire.Errorf("InvalidParameterValueException", "function %s has no command to run", f.Name)
	case f.Timeout > MaxTimeout:
		return wire.Errorf("InvalidParameterValueException", "function %s: the timeout %s is above %s, the longest that Lambda allows", f.Name, f.Timeout, MaxTimeout)
	case f.MemoryMB < 128 || f.MemoryMB > 10240:
		return wire.Errorf("InvalidParameterValueException", "function %s: the memory %d MB is not between 128 and 10240", f.Name, f.MemoryMB)
	}
	return nil
}

// timeoutSeconds is the timeout as the Lambda API shows it.
func (f Function) timeoutSeconds() int {
	return int((f.Timeout + time.Second - 1) / time.Second)
}

// Mapping is an event source mapping: it feeds a function from a queue.
type Mapping struct {
	// UUID identifies the mapping. PutMapping ignores it and returns the one that the
	// mapping has.
	UUID string
	// FunctionName and QueueARN say which function is fed from which queue.
	FunctionName, QueueARN string
	// BatchSize is how many messages an invocation gets at most: 1 to 10,000 (10 for
	// FIFO queues); above 10 a Window of at least a second is needed. Zero means
	// DefaultBatchSize.
	BatchSize int
	// Window is how long messages are gathered for a batch: whole seconds, up to
	// 300. Zero means not at all; FIFO queues have none.
	Window time.Duration
	// ReportBatchItemFailures says that the function's answer names the messages
	// that failed. Without it the answer is ignored and every message of a batch that
	// did not fail as a whole is deleted.
	ReportBatchItemFailures bool
	// MaximumConcurrency is how many batches are worked on at once: 2 to 1,000. Zero
	// means DefaultMappingConcurrency.
	MaximumConcurrency int
	// Enabled says whether the queue is polled.
	Enabled bool
	// Owner says what the mapping belongs to, as a Function's does.
	Owner string
}

// MappingStatus is a mapping and what has become of it.
type MappingStatus struct {
	Mapping
	// State is Enabled, Disabling (disabled, an invocation is still running) or
	// Disabled. A mapping whose queue or function has gone stays Enabled: Lambda's
	// API reference has no other state for it, and LastResult says what is wrong.
	State string
	// Reason says why the state is what it is: USER_INITIATED.
	Reason string
	// LastResult is "No records processed", "OK" or "PROBLEM: ...".
	LastResult string
	// Modified is when the mapping was last changed.
	Modified time.Time
	// Running is how many invocations it has under way.
	Running int
}

func (m Mapping) withDefaults() Mapping {
	m.BatchSize = cmp.Or(m.BatchSize, DefaultBatchSize)
	return m
}

func (m Mapping) validate() error {
	fifo := isFIFO(m.QueueARN)
	switch {
	case m.BatchSize < 1 || m.BatchSize > 10000:
		return wire.Errorf("InvalidParameterValueException", "Batch size %d is not between 1 and 10000", m.BatchSize)
	case m.Window < 0 || m.Window > 300*time.Second:
		return wire.Errorf("InvalidParameterValueException", "Maximum batching window %s is not between 0 and 300 seconds", m.Window)
	case fifo && m.Window > 0:
		return wire.NewError("InvalidParameterValueException", "Batching window is not supported for FIFO queues")
	case fifo && m.BatchSize > 10:
		return wire.NewError("InvalidParameterValueException", "Batch size for FIFO queues cannot be above 10")
	case m.BatchSize > 10 && m.Window < time.Second:
		return wire.NewError("InvalidParameterValueException", "Maximum batch window in seconds must be greater than 0 if maximum batch size is greater than 10")
	case m.MaximumConcurrency != 0 && (m.MaximumConcurrency < 2 || m.MaximumConcurrency > 1000):
		return wire.Errorf("InvalidParameterValueException", "MaximumConcurrency %d is not between 2 and 1000", m.MaximumConcurrency)
	}
	return nil
}

func (m Mapping) concurrency() int {
	if m.MaximumConcurrency > 0 {
		return m.MaximumConcurrency
	}
	return DefaultMappingConcurrency
}

// Result is what an invocation gave.
type Result struct {
	// Payload is the function's answer, or the error as {"errorType","errorMessage",...}.
	Payload []byte
	// FunctionError is empty when the function succeeded, else "Unhandled".
	FunctionError string
	// LogTail is the last 4 KB of the invocation's log.
	LogTail []byte
	// RequestID names the invocation in the log.
	RequestID string
}

func (m *Manager) functionARN(name string) string {
	return fmt.Sprintf("arn:aws:lambda:%s:%s:function:%s", m.cfg.Region, m.cfg.Account, name)
}
