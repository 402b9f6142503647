package dispatch

import "encoding/json"

// WorkersConfig is the answer of GET {base}/workers/config (version "1.0.0"):
// what a deployed stage says about its workers.
type WorkersConfig struct {
	// Version of the document, "1.0.0".
	Version string `json:"version"`
	// Stage as API Gateway or the function's environment names it.
	Stage string `json:"stage"`
	// Region of the stage.
	Region string `json:"region"`
	// Workers by id. A worker whose queue could not be found is missing here
	// without a word, unless Errors names it.
	Workers map[string]WorkersConfigEntry `json:"workers"`
	// Schemas holds the input schema of every worker that has one. The
	// TypeScript system publishes Zod output schemas here: see
	// TolerateOutputMode.
	Schemas map[string]json.RawMessage `json:"schemas"`
	// Queues holds the multi-step queues (id, steps, schedule) as they came.
	Queues []json.RawMessage `json:"queues"`
	// AttemptedQueueNames and Errors are present only with ?debug=1 and a key.
	AttemptedQueueNames []string             `json:"attemptedQueueNames,omitempty"`
	Errors              []WorkersConfigError `json:"errors,omitempty"`
}

// WorkersConfigEntry is one worker of a WorkersConfig.
type WorkersConfigEntry struct {
	// QueueURL is the worker's SQS queue.
	QueueURL string `json:"queueUrl"`
	// Region of the queue.
	Region string `json:"region"`
	// Group is the deployment group, "default" when the worker named none.
	Group string `json:"group"`

	// The TypeScript system does not say what follows: there these fields are
	// empty, and empty means unknown.

	// DLQURL is the queue for messages that failed too often.
	DLQURL string `json:"dlqUrl,omitempty"`
	// FunctionName is the Lambda function that runs the worker, as FunctionName
	// makes it; nobody has asked Lambda whether it exists.
	FunctionName string `json:"functionName,omitempty"`
	// TimeoutSeconds and MemoryMB are the function's, as the worker's author set
	// them.
	TimeoutSeconds int `json:"timeoutSeconds,omitempty"`
	MemoryMB       int `json:"memoryMB,omitempty"`
	// MaxReceiveCount is how often a message is delivered before it goes to the
	// dead-letter queue: what the queue's redrive policy says where it was read,
	// else what the worker's author set.
	MaxReceiveCount int `json:"maxReceiveCount,omitempty"`
	// OutputSchema is the JSON Schema of the worker's output. The input's is in
	// WorkersConfig.Schemas.
	OutputSchema json.RawMessage `json:"outputSchema,omitempty"`
	// Description says in a sentence what the worker does.
	Description string `json:"description,omitempty"`
}

// WorkersConfigError says why a worker is missing from a WorkersConfig, or why its
// dead-letter queue is.
type WorkersConfigError struct {
	// WorkerID is the worker and QueueName the queue that was looked for.
	WorkerID  string `json:"workerId"`
	QueueName string `json:"queueName"`
	// Name is the AWS error's name, and Message its text.
	Name    string `json:"name,omitempty"`
	Message string `json:"message"`
}
