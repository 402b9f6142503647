package deploy

import (
	"time"

	"github.com/microfox-ai/aiwctl/aws/deploy/project"
)

// Kind is what a plan or a deployment is.
type Kind string

// The kinds.
const (
	Push     Kind = "push"
	Rollback Kind = "rollback"
	Remove   Kind = "remove"
)

// Plan is what would be done to a stage, and why it cannot be. Making one reads only.
type Plan struct {
	Kind    Kind   `json:"kind"`
	Service string `json:"service"`
	Stage   string `json:"stage"`
	Account string `json:"account"`
	Region  string `json:"region"`
	// To is the deployment that a roll-back goes to; From the one that made the stage what it
	// is, empty when that is not known.
	To   string `json:"to,omitempty"`
	From string `json:"from,omitempty"`

	Bucket BucketPlan `json:"bucket"`
	// Artifacts are all that the stage needs, sorted by key.
	Artifacts []ArtifactPlan `json:"artifacts,omitempty"`
	// Secrets are those that push stores, and the key of the workers API, sorted by
	// reference. Values are in none.
	Secrets []SecretPlan `json:"secrets,omitempty"`
	// Stacks are in the order in which they are worked on.
	Stacks []StackPlan `json:"stacks"`
	// Queues are those that would be deleted or replaced.
	Queues []QueueLoss `json:"queues,omitempty"`
	// Refusals are why the plan cannot be applied; empty when it can.
	Refusals []Refusal `json:"refusals,omitempty"`
	// Notes are worth knowing.
	Notes []string `json:"notes,omitempty"`

	// of is what Apply needs beside the above.
	of planned
}

// Nothing is whether applying the plan would change nothing.
func (p *Plan) Nothing() bool {
	if p.Bucket.Make && p.Kind != Remove {
		return false
	}
	for _, a := range p.Artifacts {
		if a.Upload {
			return false
		}
	}
	for _, s := range p.Secrets {
		if s.Action != Keep {
			return false
		}
	}
	for i := range p.Stacks {
		if p.Stacks[i].Action != Keep || p.Stacks[i].Waits {
			return false
		}
	}
	return p.of.leftovers == 0
}

// Uploads is how many artifacts would be uploaded, and their bytes.
func (p *Plan) Uploads() (n int, bytes int64) {
	for _, a := range p.Artifacts {
		if a.Upload {
			n, bytes = n+1, bytes+a.Size
		}
	}
	return n, bytes
}

// Unconfirmed are the queues that need a name typed and have not got it.
func (p *Plan) Unconfirmed(c Confirmed) []QueueLoss { return unconfirmed(p.Queues, c) }

// Action is what becomes of something.
type Action string

// The actions.
const (
	Keep    Action = "keep"    // nothing is to be done
	Create  Action = "create"  // it is not there
	Update  Action = "update"  // it is changed
	Replace Action = "replace" // what is there cannot be used: it is deleted and made anew
	Delete  Action = "delete"
)

// BucketPlan is the bucket of artifacts.
type BucketPlan struct {
	Name string `json:"name"`
	// Make is true when it is not there yet.
	Make bool `json:"make,omitempty"`
}

// ArtifactPlan is a zip file that functions are made of.
type ArtifactPlan struct {
	Key    string `json:"key"`
	SHA256 string `json:"sha256"`
	Size   int64  `json:"size"`
	// Workers are the ids of those that it contains; the workers API's has none.
	Workers []string `json:"workers,omitempty"`
	// Upload is false when the bucket has it.
	Upload bool `json:"upload"`

	file string
}

// SecretPlan is a secret that push stores.
type SecretPlan struct {
	Ref string `json:"ref"`
	// Action is Keep, Create or Update; where the stored value could not be read, Update.
	Action Action `json:"action"`
	// Unread is why the stored value could not be read; empty when it could.
	Unread  string   `json:"unread,omitempty"`
	Workers []string `json:"workers,omitempty"`

	ref project.Ref
	// reveal is nil for the key of the workers API, which push makes.
	reveal func() string
}

// StackPlan is one CloudFormation stack.
type StackPlan struct {
	Name  string `json:"name"`
	Group string `json:"group,omitempty"` // empty for the base stack
	// Action is Keep, Create, Update, Replace (the stack was never made whole, or its
	// making was undone) or Delete.
	Action Action `json:"action"`
	// Status is CloudFormation's; empty when there is no stack.
	Status string `json:"status,omitempty"`
	// Waits is true when something is under way, which is waited for first.
	Waits bool `json:"waits,omitempty"`
	// Changes are what Options.Compare said; nil when there is nothing to compare.
	Changes any `json:"changes,omitempty"`
	// Workers are the ids of those that it has afterwards.
	Workers []string `json:"workers,omitempty"`

	service string
	id      string    // the stack's
	updated time.Time // when it was changed last
	body    []byte    // the new template
	sha     string    // body's
}

// Template is the template that the stack has afterwards; nil when it is deleted.
func (s *StackPlan) Template() []byte { return s.body }

// QueueLoss is a queue that would be deleted or replaced.
type QueueLoss struct {
	// Queue is its name.
	Queue string `json:"queue"`
	// Worker is the worker's id; DLQ is true for its dead-letter queue.
	Worker string `json:"worker,omitempty"`
	DLQ    bool   `json:"dlq,omitempty"`
	Stack  string `json:"stack"`
	// Replaced is true when a queue takes its place; messages do not move.
	Replaced bool `json:"replaced,omitempty"`
	// Visible, InFlight and Delayed are SQS's approximate numbers of messages.
	Visible  int `json:"visible"`
	InFlight int `json:"inFlight"`
	Delayed  int `json:"delayed"`
	// Unread is why they could not be read; such a queue is taken to hold messages.
	Unread string `json:"unread,omitempty"`
	// Needs is true when the queue's name has to be confirmed.
	Needs bool `json:"needsName"`
	// Text says what is in it.
	Text string `json:"text"`

	url, logical string
}

// Refusal is why a plan cannot be applied.
type Refusal struct {
	// Object is the stack, bucket or parameter.
	Object string `json:"object"`
	// Text says what is wrong with it, and what to do. It stands alone.
	Text string `json:"text"`
	// Continue is true when Confirmed.ContinueRollback lifts it.
	Continue bool `json:"continue,omitempty"`
}

// planned is what a plan keeps for Apply.
type planned struct {
	input Input
	// by is who we are.
	by string
	// leftovers is how much there is to do that is not in the plan: a record to complete,
	// parameters and objects to remove.
	leftovers int
	// record is the deployment that a roll-back goes to.
	record *Deployment
	// parameters and objects are what a removal deletes beside stacks.
	parameters, objects []string
}
