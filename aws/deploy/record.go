package deploy

import "time"

// Outcome is what came of a deployment.
type Outcome string

// The outcomes. One that begun and has no end was killed, or is under way.
const (
	Begun       Outcome = "begun"
	Done        Outcome = "done"
	Failed      Outcome = "failed"
	Interrupted Outcome = "interrupted"
)

// Deployment is the record of one, as it is kept in the bucket. It has no secret in it.
type Deployment struct {
	Version int `json:"version"` // 1
	// ID sorts by time: 20261128T110203Z-9f2c41.
	ID      string `json:"id"`
	Kind    Kind   `json:"kind"`
	Service string `json:"service"`
	Stage   string `json:"stage"`
	// To is the deployment that a roll-back went to.
	To string `json:"to,omitempty"`
	// By is who, as AWS knows them; Revision the source's; Tool this program's version.
	By       string    `json:"by,omitempty"`
	Revision string    `json:"revision,omitempty"`
	Tool     string    `json:"tool,omitempty"`
	Begun    time.Time `json:"begun"`
	// Ended is zero until it has.
	Ended   time.Time `json:"ended,omitzero"`
	Outcome Outcome   `json:"outcome"`
	// Error is why it failed.
	Error string `json:"error,omitempty"`
	// Stacks are all of the stage, those that were kept too.
	Stacks  []DeployedStack  `json:"stacks,omitempty"`
	Workers []DeployedWorker `json:"workers,omitempty"`
	// Queues are those that went with messages in them, as confirmed.
	Queues []QueueLoss `json:"queues,omitempty"`
}

// DeployedStack is a stack in the record of a deployment.
type DeployedStack struct {
	Name   string `json:"name"`
	Group  string `json:"group,omitempty"`
	Action Action `json:"action"`
	// Template is the key of its template in the bucket; empty for one that was deleted.
	Template string `json:"template,omitempty"`
}

// DeployedWorker is a worker in the record of a deployment.
type DeployedWorker struct {
	ID    string `json:"id"`
	Group string `json:"group,omitempty"`
	// Artifact is the key of its zip file in the bucket, SHA256 its hash.
	Artifact string `json:"artifact"`
	SHA256   string `json:"sha256"`
}
