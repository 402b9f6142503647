package dispatch

import (
	"encoding/json"
	"fmt"
)

// DefaultGroup is the deployment group of a worker that names none.
const DefaultGroup = "default"

// ManifestVersion is the version of the Manifest document this module writes.
const ManifestVersion = 1

// Manifest is what a worker binary says about itself: the document printed by
// `WORKERS manifest`, read by the local endpoint and by deployment.
type Manifest struct {
	// Version is ManifestVersion. A reader refuses a higher one.
	Version int `json:"version"`
	// Workers lists the workers the binary contains, sorted by ID.
	Workers []ManifestWorker `json:"workers"`
	// Problems are the reasons for which the program cannot run; there are none in the
	// manifest of one that can. A program that prints some exits with 1.
	Problems []ManifestProblem `json:"problems,omitempty"`
}

// ManifestProblem is a setting of a program that is not allowed.
type ManifestProblem struct {
	// Source is where the worker is made; see ManifestWorker. May be empty.
	Source string `json:"source,omitempty"`
	// Worker is the worker's id, as the author wrote it; may be empty.
	Worker string `json:"worker,omitempty"`
	// Text says what is wrong.
	Text string `json:"text"`
}

func (p ManifestProblem) String() string {
	s := p.Text
	if p.Worker != "" {
		s = fmt.Sprintf("worker %q: %s", p.Worker, s)
	}
	if p.Source != "" {
		s = p.Source + ": " + s
	}
	return s
}

// ManifestWorker describes one worker of a Manifest. Durations are whole
// seconds, since that is the unit of Lambda and SQS.
type ManifestWorker struct {
	// ID is the worker's id.
	ID string `json:"id"`
	// Group is the deployment group, "default" unless the author named one.
	Group string `json:"group"`
	// Source is where the worker is made, as file:line, relative to the program's module;
	// empty when it is not known. It is for messages.
	Source string `json:"source,omitempty"`
	// Description says in a sentence what the worker does; may be empty.
	Description string `json:"description,omitempty"`
	// InputSchema and OutputSchema are JSON Schemas; empty accepts everything.
	InputSchema  json.RawMessage `json:"inputSchema,omitempty"`
	OutputSchema json.RawMessage `json:"outputSchema,omitempty"`
	// TimeoutSeconds is the Lambda function's timeout, 1 to 900.
	TimeoutSeconds int `json:"timeoutSeconds"`
	// MemoryMB is the Lambda function's memory, 128 to 10240.
	MemoryMB int `json:"memoryMB"`
	// SQS is how the worker's queue and its event source mapping are set up.
	SQS SQSSetting `json:"sqs"`
	// Layers are ARNs of Lambda layers, in their order.
	Layers []string `json:"layers,omitempty"`
	// Environment names the variables that the worker needs; never their values.
	Environment []string `json:"environment,omitempty"`
	// Secrets names those variables that the worker needs and whose values are secret:
	// a deployment hands the function a reference to each, never the value.
	Secrets []string `json:"secrets,omitempty"`
	// Calls are the ids of the workers whose queues the worker sends to.
	Calls []string `json:"calls,omitempty"`
	// Permissions are what the function's role allows beyond what every worker needs.
	Permissions []Permission `json:"permissions,omitempty"`
	// ReservedConcurrency reserves so many concurrent executions for the function, and
	// caps it at them; zero means none. It takes them from what the account has.
	ReservedConcurrency int `json:"reservedConcurrency,omitempty"`
	// Schedules run the worker by the clock.
	Schedules []ScheduleSetting `json:"schedules,omitempty"`
}

// Permission allows a function's role some actions on some resources.
type Permission struct {
	// Actions are IAM's, such as dynamodb:PutItem.
	Actions []string `json:"actions"`
	// Resources are ARNs, in which ${aws:region}, ${aws:accountId}, ${service} and
	// ${stage} stand for what they say.
	Resources []string `json:"resources"`
}

// ScheduleSetting runs a worker by the clock; see ScheduledRun for what it sends.
type ScheduleSetting struct {
	// Expression is EventBridge's: rate(5 minutes) or cron(0 9 ? * MON-FRI *), in
	// UTC; package schedule reads it.
	Expression string `json:"expression"`
	// Input is the job's input; empty means {}.
	Input json.RawMessage `json:"input,omitempty"`
	// Disabled deploys the schedule switched off.
	Disabled bool `json:"disabled,omitempty"`
}

// SQSSetting is how a worker's queue and its event source mapping are set up.
type SQSSetting struct {
	// VisibilityTimeoutSeconds is the queue's visibility timeout; at least the
	// function's timeout, else Lambda refuses the mapping.
	VisibilityTimeoutSeconds int `json:"visibilityTimeoutSeconds"`
	// MaxReceiveCount is how often a message is delivered before it goes to the
	// dead-letter queue.
	MaxReceiveCount int `json:"maxReceiveCount"`
	// RetentionSeconds is how long the queue keeps a message.
	RetentionSeconds int `json:"retentionSeconds"`
	// DLQRetentionSeconds is how long the dead-letter queue keeps a message.
	DLQRetentionSeconds int `json:"dlqRetentionSeconds"`
	// BatchSize is how many messages one invocation gets at most.
	BatchSize int `json:"batchSize"`
	// MaximumBatchingWindowSeconds is how long messages are gathered for a batch, 0
	// to 300; Lambda wants at least 1 for a batch size above 10.
	MaximumBatchingWindowSeconds int `json:"maximumBatchingWindowSeconds,omitempty"`
	// MaximumConcurrency caps concurrent invocations; zero means no cap.
	// AWS allows 2 to 1000.
	MaximumConcurrency int `json:"maximumConcurrency,omitempty"`
	// FIFO makes the queue and its dead-letter queue FIFO queues with
	// content-based deduplication. Their names end in ".fifo".
	FIFO bool `json:"fifo,omitempty"`
}
