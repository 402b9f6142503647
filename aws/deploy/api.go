package deploy

import "context"

// Plan finds out what would be done to bring the stage to in. It writes nothing. The error is
// of a call that failed; what stands against the plan itself is in its Refusals.
func (d *Deployer) Plan(ctx context.Context, in Input) (*Plan, error) { return nil, errTodo }

// PlanRollback is Plan for the deployment with this id, or, when it is empty, for the one
// before that which made the stage what it is. Secrets are not rolled back. The error is
// ErrNotDeployed, ErrNoEarlier, or of a call that failed.
func (d *Deployer) PlanRollback(ctx context.Context, service, id string) (*Plan, error) {
	return nil, errTodo
}

// PlanRemove is Plan for a stage that is not to be there any more: its stacks, parameters,
// artifacts and records. The bucket stays, and so do adopted queues. The error is ErrNotDeployed, or
// of a call that failed.
func (d *Deployer) PlanRemove(ctx context.Context, service string) (*Plan, error) {
	return nil, errTodo
}

// Result is what Apply did.
type Result struct {
	// Deployment is the record; its ID is empty when nothing was to be done.
	Deployment Deployment `json:"deployment"`
	Uploaded   int        `json:"uploaded"`
	Bytes      int64      `json:"bytes"`
	// Unchanged are stacks of which CloudFormation said that nothing changes.
	Unchanged []string `json:"unchanged,omitempty"`
	APIURL    string   `json:"apiUrl,omitempty"`
}

// Apply does what a plan says, through the guard, whose errors are returned as they are. The
// result is not nil when something was done, whatever the error: a *RefusedError, a *QueuesError,
// ErrStale, a *StackError, an *InterruptedError, or of a call that failed. Whatever
// ended it, planning and applying again finishes the job.
func (d *Deployer) Apply(ctx context.Context, p *Plan, c Confirmed) (*Result, error) {
	return nil, errTodo
}

// Status reads what a service's stage is made of, with its last n deployments; n zero means 10. The
// error is ErrNotDeployed or of a call that failed.
func (d *Deployer) Status(ctx context.Context, service string, n int) (*Status, error) {
	return nil, errTodo
}

// Smoke tests a deployed stage: whether its workers API answers and lists the workers that are
// deployed, and whether jobs complete. The error is of a test that could not be made.
func (d *Deployer) Smoke(ctx context.Context, service string, s Smoke) (*Smoked, error) {
	return nil, errTodo
}
