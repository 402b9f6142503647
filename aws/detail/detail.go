// Package detail is a worker as it is told whole: by `aiwctl workers describe -o json`, and
// by the console when somebody copies it. The field names are part of the interface.
package detail

import (
	"encoding/json"
	"time"

	"github.com/microfox-ai/aiwctl/aws"
	"github.com/microfox-ai/aiwctl/aws/health"
)

// Worker is a worker. Times are in seconds.
type Worker struct {
	ID          string `json:"id"`
	Group       string `json:"group,omitempty"`
	Description string `json:"description,omitempty"`
	// Kind to Missing are the verdict.
	Kind          health.Kind     `json:"kind"`
	State         string          `json:"state"`
	Severity      string          `json:"severity"`
	Evidence      string          `json:"evidence,omitempty"`
	Advice        string          `json:"advice,omitempty"`
	Reasons       []health.Reason `json:"reasons,omitempty"`
	Missing       []string        `json:"missing,omitempty"`
	OldestSeconds *int64          `json:"oldestSeconds"`
	Queue         *Queue          `json:"queue"`
	DLQ           *Queue          `json:"dlq"`
	Function      *Function       `json:"function"`
	Mapping       *Mapping        `json:"mapping"`
	Chains        []Chain         `json:"chains,omitempty"`
	InputSchema   json.RawMessage `json:"inputSchema,omitempty"`
	OutputSchema  json.RawMessage `json:"outputSchema,omitempty"`
	Problems      []aws.Problem   `json:"problems,omitempty"`
	Notes         []aws.Problem   `json:"notes,omitempty"`
	// Findings are the stage's that name this worker or a chain it is in.
	Findings []aws.Problem `json:"findings,omitempty"`
	// Sources are what the stage was read from.
	Sources []string `json:"sources"`
}

// Queue is a queue of a worker.
type Queue struct {
	Name string `json:"name"`
	URL  string `json:"url"`
	ARN  string `json:"arn"`
	FIFO bool   `json:"fifo,omitempty"`
	// The counts are null when they could not be read.
	Visible           *int     `json:"visible"`
	InFlight          *int     `json:"inFlight"`
	Delayed           *int     `json:"delayed"`
	VisibilityTimeout float64  `json:"visibilityTimeoutSeconds"`
	Retention         float64  `json:"retentionSeconds"`
	MaxReceiveCount   int      `json:"maxReceiveCount,omitempty"`
	DeadLetterARN     string   `json:"deadLetterArn,omitempty"`
	MaxMessageBytes   int      `json:"maxMessageBytes,omitempty"`
	Encryption        string   `json:"encryption,omitempty"`
	RedriveAllow      string   `json:"redriveAllow,omitempty"`
	AllowedSources    []string `json:"allowedSources,omitempty"`
}

// Function is what runs a worker. Environment variables are told by name only.
type Function struct {
	Name             string     `json:"name"`
	ARN              string     `json:"arn,omitempty"`
	Qualifier        string     `json:"qualifier,omitempty"`
	Runtime          string     `json:"runtime,omitempty"`
	Architecture     string     `json:"architecture,omitempty"`
	PackageType      string     `json:"packageType,omitempty"`
	State            string     `json:"state,omitempty"`
	StateReason      string     `json:"stateReason,omitempty"`
	LastUpdate       string     `json:"lastUpdate,omitempty"`
	LastUpdateReason string     `json:"lastUpdateReason,omitempty"`
	Handler          string     `json:"handler,omitempty"`
	LogGroup         string     `json:"logGroup"`
	LogFormat        string     `json:"logFormat,omitempty"`
	Timeout          float64    `json:"timeoutSeconds"`
	MemoryMB         int        `json:"memoryMB"`
	Reserved         *int       `json:"reservedConcurrency,omitempty"`
	LastModified     *time.Time `json:"lastModified,omitempty"`
	EnvNames         []string   `json:"envNames,omitempty"`
	// Derived is true when only the names are known.
	Derived bool `json:"derived,omitempty"`
}

// Mapping is the event source mapping of a worker.
type Mapping struct {
	UUID                     string     `json:"uuid"`
	State                    string     `json:"state"`
	Reason                   string     `json:"reason,omitempty"`
	LastModified             *time.Time `json:"lastModified,omitempty"`
	LastResult               string     `json:"lastResult,omitempty"`
	BatchSize                int        `json:"batchSize"`
	BatchingWindow           float64    `json:"batchingWindowSeconds,omitempty"`
	ReportsBatchItemFailures bool       `json:"reportsBatchItemFailures"`
	MaximumConcurrency       int        `json:"maximumConcurrency,omitempty"`
	Filters                  []string   `json:"filters,omitempty"`
}

// Chain is a worker's place in a chain.
type Chain struct {
	ID string `json:"id"`
	// Step counts from 1 up to Steps.
	Step             int                 `json:"step"`
	Steps            int                 `json:"steps"`
	Delay            float64             `json:"delaySeconds,omitempty"`
	RequiresApproval bool                `json:"requiresApproval,omitempty"`
	Title            string              `json:"title,omitempty"`
	Loops            bool                `json:"loops,omitempty"`
	Next             string              `json:"next,omitempty"`
	Schedules        []aws.ChainSchedule `json:"schedules,omitempty"`
}

// Of tells of a worker: w and its verdict, and what inv has about its chains and the
// stage.
func Of(w *aws.Worker, inv *aws.Inventory, v *health.Verdict) Worker {
	d := Worker{
		ID: w.ID, Group: w.Group, Description: w.Description, Kind: v.Kind, State: v.State, Severity: v.Severity.String(),
		Evidence: v.Evidence, Advice: v.Advice, Reasons: v.More, Missing: v.Missing,
		Queue: queueOf(w.Queue), DLQ: queueOf(w.DLQ),
		InputSchema: w.InputSchema, OutputSchema: w.OutputSchema, Problems: w.Problems, Notes: w.Notes, Sources: inv.Sources,
	}
	if v.Oldest != nil {
		d.OldestSeconds = new(int64(*v.Oldest / time.Second))
	}
	if f := w.Function; f != nil {
		d.Function = &Function{
			Name: f.Name, ARN: f.ARN, Qualifier: f.Qualifier, Runtime: f.Runtime, Architecture: f.Architecture, PackageType: f.PackageType,
			State: f.State, StateReason: f.StateReason, LastUpdate: f.LastUpdate, LastUpdateReason: f.LastUpdateReason,
			Handler: f.Handler, LogGroup: f.LogGroup, LogFormat: f.LogFormat,
			Timeout: f.Timeout.Seconds(), MemoryMB: f.MemoryMB, Reserved: f.ReservedConcurrency,
			LastModified: moment(f.LastModified), EnvNames: f.EnvNames, Derived: f.Derived,
		}
	}
	if m := w.Mapping; m != nil {
		d.Mapping = &Mapping{
			UUID: m.UUID, State: m.State, Reason: m.Reason, LastModified: moment(m.LastModified), LastResult: m.LastResult,
			BatchSize: m.BatchSize, BatchingWindow: m.BatchingWindow.Seconds(), ReportsBatchItemFailures: m.ReportsBatchItemFailures,
			MaximumConcurrency: m.MaximumConcurrency, Filters: m.Filters,
		}
	}
	chains := map[string]bool{w.ID: true}
	for _, p := range inv.Places(w.ID) {
		chains[p.Chain.ID] = true
		step := p.Chain.Steps[p.Step]
		c := Chain{
			ID: p.Chain.ID, Step: p.Step + 1, Steps: len(p.Chain.Steps), Delay: step.Delay.Seconds(),
			RequiresApproval: step.RequiresApproval, Title: step.HITLTitle, Loops: step.HasLoop, Schedules: p.Chain.Schedules,
		}
		if next := p.Next(); next != nil {
			c.Next = next.WorkerID
		}
		d.Chains = append(d.Chains, c)
	}
	for _, f := range inv.Findings {
		if chains[f.Object] {
			d.Findings = append(d.Findings, f)
		}
	}
	return d
}

func queueOf(q *aws.Queue) *Queue {
	if q == nil {
		return nil
	}
	d := &Queue{
		Name: q.Name, URL: q.URL, ARN: q.ARN, FIFO: q.FIFO,
		VisibilityTimeout: q.VisibilityTimeout.Seconds(), Retention: q.Retention.Seconds(),
		MaxReceiveCount: q.MaxReceiveCount, DeadLetterARN: q.DeadLetterARN, MaxMessageBytes: q.MaxMessageBytes, Encryption: q.Encryption,
		RedriveAllow: q.RedriveAllow, AllowedSources: q.AllowedSources,
	}
	d.Visible, d.InFlight, d.Delayed = DepthOf(q)
	return d
}

// DepthOf is a queue's depth, nil where it was not read.
func DepthOf(q *aws.Queue) (visible, inFlight, delayed *int) {
	if q == nil || q.Depth.At.IsZero() {
		return nil, nil, nil
	}
	return new(q.Depth.Visible), new(q.Depth.InFlight), new(q.Depth.Delayed)
}

// moment is a time, nil when it is not known.
func moment(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}
