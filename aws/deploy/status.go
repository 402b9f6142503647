package deploy

import "time"

// Status is what a stage is made of.
type Status struct {
	Service string `json:"service"`
	Stage   string `json:"stage"`
	Account string `json:"account"`
	Region  string `json:"region"`
	// Current is the deployment that made it what it is; nil when there is no record of it.
	Current *Deployment   `json:"current,omitempty"`
	Stacks  []StackStatus `json:"stacks"`
	// APIURL is the workers API's base URL, APIKeyRef where its key is; both from the base
	// stack's outputs, and empty without.
	APIURL    string `json:"apiUrl,omitempty"`
	APIKeyRef string `json:"apiKeyRef,omitempty"`
	// Deployments are the last ones, newest first. Those that have begun and are not under
	// way any more have the outcome Interrupted.
	Deployments []Deployment `json:"deployments,omitempty"`
	// Notes say what could not be read.
	Notes []string `json:"notes,omitempty"`
}

// StackStatus is one CloudFormation stack of a stage.
type StackStatus struct {
	Name  string `json:"name"`
	Group string `json:"group,omitempty"`
	// Status and Reason are CloudFormation's.
	Status string `json:"status"`
	Reason string `json:"reason,omitempty"`
	// Settled is false while something is under way; Good is true when the stack is whole.
	Settled bool `json:"settled"`
	Good    bool `json:"good"`
	// Updated is when it was changed last.
	Updated time.Time `json:"updated"`
	// Deployment is the id of the deployment that changed it last; empty when it is not known.
	Deployment string         `json:"deployment,omitempty"`
	Workers    []WorkerStatus `json:"workers,omitempty"`
	// Events are the last ones of what is under way, or of what failed; oldest first.
	Events []Event `json:"events,omitempty"`
}

// WorkerStatus is a worker as deployed.
type WorkerStatus struct {
	ID string `json:"id"`
	// Artifact is the key of its zip file in the bucket; SHA256 its hash.
	Artifact string `json:"artifact,omitempty"`
	SHA256   string `json:"sha256,omitempty"`
}
