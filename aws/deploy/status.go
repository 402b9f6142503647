package deploy

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/microfox-ai/aiwctl/aws/deploy/project"
)

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

// DefaultDeployments is how many deployments Status reads unless told otherwise.
const DefaultDeployments = 10

// Status reads what a service's stage is made of, with its last n deployments; n zero means
// DefaultDeployments. The error is ErrNotDeployed or of a call that failed; what merely
// could not be read besides is in the notes.
func (d *Deployer) Status(ctx context.Context, service string, n int) (*Status, error) {
	t := d.api.Target()
	id, err := d.api.Identity(ctx)
	if err != nil {
		return nil, err
	}
	all, err := d.stacks(ctx, service, t.Stage)
	if err != nil {
		return nil, err
	}
	out := &Status{Service: service, Stage: t.Stage, Account: id.Account, Region: t.Region, Stacks: []StackStatus{}}
	stacks := ofStage(all, service, t.Stage)
	if len(stacks) == 0 {
		return nil, fmt.Errorf("stage %s of %s in %s: %w: `aiwctl push --stage %s` deploys it", t.Stage, service, t.Region, ErrNotDeployed, t.Stage)
	}
	busyNow := slices.ContainsFunc(stacks, func(s *stack) bool { return conditionOf(s.status) == busy })
	if err := d.readDeployments(ctx, out, cmp.Or(n, DefaultDeployments), busyNow); err != nil {
		if ctx.Err() != nil {
			return nil, err
		}
		out.Notes = append(out.Notes, fmt.Sprintf("the records of deployments could not be read: %v", err))
	}
	out.Stacks = make([]StackStatus, len(stacks))
	err = each(ctx, len(stacks), func(ctx context.Context, i int) error {
		var err error
		out.Stacks[i], err = d.stackStatus(ctx, stacks[i], service, out.madeBy(stacks[i]))
		return err
	})
	if base := baseOf(all, service, t.Stage); base != nil {
		out.APIURL, out.APIKeyRef = clean(base.outputs[project.OutputAPIURL]), clean(base.outputs[project.OutputAPIKey])
	}
	return out, err
}

// readDeployments reads the last deployments, and finds the one that the stage is at.
func (d *Deployer) readDeployments(ctx context.Context, out *Status, n int, busyNow bool) error {
	recs, err := d.records(ctx, d.bucket(out.Account), out.Service, out.Stage)
	if err != nil {
		return err
	}
	if out.Deployments, err = recs.last(ctx, n); err != nil {
		return err
	}
	for i := range out.Deployments {
		rec := &out.Deployments[i]
		// The newest may be under way: on this machine or another one, with CloudFormation or before it.
		if rec.Outcome == Begun && (i > 0 || !busyNow && d.opts.Now().Sub(rec.Begun) > killedAfter) {
			rec.Outcome = Interrupted
		}
		if out.Current == nil && rec.Outcome == Done {
			out.Current = rec
		}
	}
	if out.Current == nil {
		out.Current, err = recs.newest(ctx, func(rec *Deployment) bool { return rec.Outcome == Done })
	}
	return err
}

// madeBy is the deployment that made a stack what it is: the current one of the stage, or the one
// after it that got as far as this stack, and no further.
func (out *Status) madeBy(s *stack) *Deployment {
	for i := range out.Deployments {
		rec := &out.Deployments[i]
		if rec.ID == s.deployment() && rec.Outcome != Failed && (out.Current == nil || rec.ID > out.Current.ID) {
			return rec
		}
	}
	return out.Current
}

// killedAfter is how long a deployment may go without CloudFormation being at work before it
// is taken to be dead: uploads take minutes at most.
const killedAfter = 30 * time.Minute

// statusEvents is how many events of a stack that is not well are shown.
const statusEvents = 20

func (d *Deployer) stackStatus(ctx context.Context, s *stack, service string, made *Deployment) (StackStatus, error) {
	is := conditionOf(s.status)
	out := StackStatus{
		Name: s.name, Group: groupOf(s, service), Status: s.status, Reason: s.reason,
		Settled: is != busy, Good: is == whole && s.status != "UPDATE_FAILED", Updated: s.updated, Deployment: s.deployment(),
	}
	if made != nil {
		for _, known := range made.Stacks {
			if known.Name == s.name {
				out.Group = known.Group
			}
		}
		for _, w := range made.Workers {
			if w.Group == out.Group {
				out.Workers = append(out.Workers, WorkerStatus{ID: w.ID, Artifact: w.Artifact, SHA256: w.SHA256})
			}
		}
	}
	if out.Good && s.status != "UPDATE_ROLLBACK_COMPLETE" {
		return out, nil
	}
	var of workers
	if text, err := d.template(ctx, s); err == nil {
		if b, err := parseBody(text); err == nil {
			of = workersOf(b)
		}
	}
	f := &follower{d: d, id: s.id, name: s.name, of: of, tell: func(e Event) { out.Events = append(out.Events, e) }}
	if err := f.next(ctx); err != nil {
		return out, err
	}
	out.Events = out.Events[max(0, len(out.Events)-statusEvents):]
	return out, nil
}
