package aws

import (
	"bytes"
	"encoding/json"
	"fmt"
	"time"

	"github.com/microfox-ai/aiwctl/dispatch"
	"github.com/microfox-ai/aiwctl/dispatch/fullschema"
)

// Worker is one worker of a stage, joined from every source that knows it.
type Worker struct {
	ID string `json:"id"`
	// Group is the deployment group, "default" when there is none, empty when
	// no source says.
	Group string `json:"group,omitempty"`
	// Queue is the worker's queue; nil when it could not be found.
	Queue *Queue `json:"queue,omitempty"`
	// DLQ is the queue named by Queue's RedrivePolicy; nil when there is none.
	DLQ *Queue `json:"dlq,omitempty"`
	// Function and Mapping are what runs the worker; nil when not found or not
	// permitted to be read. When Lambda may not be read but the worker's queue
	// is named as deployments name it, Function holds the names that follow from
	// it, and its Derived is true.
	Function *Function `json:"function,omitempty"`
	Mapping  *Mapping  `json:"mapping,omitempty"`
	// InputSchema is nil when no source has one: the input is then unchecked.
	InputSchema json.RawMessage `json:"inputSchema,omitempty"`
	// TolerantSchema marks a schema published by the TypeScript system, to be
	// compiled with dispatch.TolerateOutputMode.
	TolerantSchema bool `json:"tolerantSchema,omitempty"`
	// OutputSchema and Description are known of workers that are written with our
	// runtime, from workers/config or a manifest.
	OutputSchema json.RawMessage `json:"outputSchema,omitempty"`
	Description  string          `json:"description,omitempty"`
	// Problems are what is wrong with the deployment, most serious first.
	Problems []Problem `json:"problems,omitempty"`
	// Notes are what is worth knowing of the deployment and not wrong.
	Notes []Problem `json:"notes,omitempty"`
}

// Schema compiles the worker's input schema, as tolerantly as its source needs.
// It is nil, which checks that a text is JSON and nothing more, when the worker
// has no schema.
func (w Worker) Schema() (*dispatch.Schema, error) {
	if len(bytes.TrimSpace(w.InputSchema)) == 0 {
		return nil, nil
	}
	var opts []dispatch.SchemaOption
	if w.TolerantSchema {
		opts = append(opts, dispatch.TolerateOutputMode())
	}
	schema, err := fullschema.Compile(w.InputSchema, opts...)
	if err != nil {
		return nil, fmt.Errorf("the schema of worker %q cannot be used: %w", w.ID, err)
	}
	return schema, nil
}

// Queue is an SQS queue with the attributes that matter here.
type Queue struct {
	Name              string        `json:"name"`
	URL               string        `json:"url"`
	ARN               string        `json:"arn"`
	FIFO              bool          `json:"fifo,omitempty"`
	VisibilityTimeout time.Duration `json:"visibilityTimeout"`
	Retention         time.Duration `json:"retention"`
	// MaxReceiveCount and DeadLetterARN are the queue's RedrivePolicy; zero and
	// empty when it has none.
	MaxReceiveCount int    `json:"maxReceiveCount,omitempty"`
	DeadLetterARN   string `json:"deadLetterArn,omitempty"`
	// RedriveAllow is the permission of the queue's RedriveAllowPolicy: allowAll,
	// denyAll or byQueue; empty when it has none, which SQS takes for allowAll.
	// AllowedSources are the ARNs of byQueue.
	RedriveAllow   string   `json:"redriveAllow,omitempty"`
	AllowedSources []string `json:"allowedSources,omitempty"`
	// MaxMessageBytes is the largest message the queue takes; zero when unread.
	MaxMessageBytes int `json:"maxMessageBytes,omitempty"`
	// Encryption is SSE-SQS, or SSE-KMS with the key's name; empty when the queue is not
	// encrypted at rest, or unread.
	Encryption string `json:"encryption,omitempty"`
	Depth      Depth  `json:"depth"`
}

// Depth is how many messages a queue holds. SQS calls these numbers
// approximate: they settle about a minute after the last change.
type Depth struct {
	Visible  int `json:"visible"`
	InFlight int `json:"inFlight"`
	Delayed  int `json:"delayed"`
	// At is when it was read; zero means it never was.
	At time.Time `json:"at"`
}

// Total is every message in the queue.
func (d Depth) Total() int { return d.Visible + d.InFlight + d.Delayed }

// Function is the Lambda function that runs a worker.
type Function struct {
	Name    string `json:"name"`
	ARN     string `json:"arn"`
	Runtime string `json:"runtime,omitempty"`
	// State is AWS's word (Pending, Active, Inactive, Failed); empty when the
	// call that found the function does not say: ListFunctions never does, see
	// Stage.Describe. StateReason is AWS's sentence about it.
	State       string `json:"state,omitempty"`
	StateReason string `json:"stateReason,omitempty"`
	// LastUpdate is what became of the last deployment of the function
	// (Successful, Failed, InProgress), known where State is.
	LastUpdate       string `json:"lastUpdate,omitempty"`
	LastUpdateReason string `json:"lastUpdateReason,omitempty"`
	// Handler is the function's handler setting.
	Handler  string `json:"handler,omitempty"`
	LogGroup string `json:"logGroup"`
	// LogFormat is Text or JSON: what Lambda itself writes there. Empty means unknown.
	LogFormat string `json:"logFormat,omitempty"`
	// Architecture is arm64 or x86_64; PackageType is Zip or Image.
	Architecture string `json:"architecture,omitempty"`
	PackageType  string `json:"packageType,omitempty"`
	// Qualifier is the version or alias that the mapping names; empty means $LATEST.
	Qualifier    string        `json:"qualifier,omitempty"`
	Timeout      time.Duration `json:"timeout"`
	MemoryMB     int           `json:"memoryMB"`
	LastModified time.Time     `json:"lastModified"`
	// ReservedConcurrency is how many instances the function may have; zero stops
	// it, nil means that nothing is reserved or nobody asked: Stage.Describe does.
	ReservedConcurrency *int `json:"reservedConcurrency,omitempty"`
	// EnvNames are the names of the function's environment variables, sorted, without
	// their values; nil when there are none or nobody may read them.
	EnvNames []string `json:"envNames,omitempty"`
	// Derived is true when only Name and LogGroup are known, built as a
	// deployment builds them, because Lambda could not be read.
	Derived bool `json:"derived,omitempty"`
}

// Mapping is the event source mapping that feeds a function from a queue.
type Mapping struct {
	UUID string `json:"uuid"`
	// State is AWS's word: Enabled, Disabled, Enabling, Creating, ...
	State string `json:"state"`
	// Reason is why it is in that state: USER_INITIATED, or Lambda's sentence.
	Reason string `json:"reason,omitempty"`
	// LastModified is when it was last changed, which includes its state.
	LastModified time.Time `json:"lastModified,omitzero"`
	// LastResult is what Lambda says of its last poll; often empty for queues.
	LastResult string `json:"lastResult,omitempty"`
	BatchSize  int    `json:"batchSize"`
	// BatchingWindow is how long messages are gathered for a batch.
	BatchingWindow time.Duration `json:"batchingWindow,omitempty"`
	// ReportsBatchItemFailures is whether AWS honours a partial batch response.
	ReportsBatchItemFailures bool `json:"reportsBatchItemFailures"`
	// MaximumConcurrency is zero when there is no cap.
	MaximumConcurrency int `json:"maximumConcurrency,omitempty"`
	// Filters are its filter patterns: a message that none of them matches is
	// deleted without being run.
	Filters []string `json:"filters,omitempty"`
}

// Inventory is what discovery found.
type Inventory struct {
	Workers []Worker  `json:"workers"`
	At      time.Time `json:"at"`
	// Sources names where it came from: "workers/config", "event source mappings".
	Sources []string `json:"sources"`
	// Chains are the multi-step queues of workers/config, by ID.
	Chains []Chain `json:"chains,omitempty"`
	// Findings are what is wrong with the stage and with no one worker of it, most
	// serious first.
	Findings []Problem `json:"findings,omitempty"`
	// Warnings are sources that could not be read; the rest is still good.
	Warnings []error `json:"-"`
}

// Worker finds a worker by id, else by queue name or queue URL (its own or its
// DLQ's).
func (inv *Inventory) Worker(name string) (*Worker, bool) {
	for i := range inv.Workers {
		if inv.Workers[i].ID == name {
			return &inv.Workers[i], true
		}
	}
	for i := range inv.Workers {
		for _, q := range []*Queue{inv.Workers[i].Queue, inv.Workers[i].DLQ} {
			if q != nil && (q.Name == name || q.URL == name) {
				return &inv.Workers[i], true
			}
		}
	}
	return nil, false
}
