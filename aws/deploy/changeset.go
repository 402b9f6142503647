package deploy

import (
	"context"
	"fmt"
	"strings"

	awssdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"

	"github.com/microfox-ai/aiwctl/aws/deploy/project"
)

// madeSet is a change set that CloudFormation has made.
type madeSet struct {
	id, name, stackID string
	kind              types.ChangeSetType
	// empty is true when nothing would change.
	empty   bool
	changes []types.ResourceChange
}

// makeChangeSet makes one and waits until it can be read.
func (r *run) makeChangeSet(ctx context.Context, s *StackPlan, kind types.ChangeSetType, attempt int) (*madeSet, error) {
	set := &madeSet{name: changeSetPrefix + r.rec.ID, kind: kind}
	if attempt > 1 {
		set.name += fmt.Sprintf("-%d", attempt)
	}
	in := &cloudformation.CreateChangeSetInput{
		StackName: &s.Name, ChangeSetName: &set.name, ChangeSetType: kind,
		TemplateURL: awssdk.String(r.bucket.templateURL(templateKey(r.p.Service, r.p.Stage, s.sha))),
		// The roles of functions have names of our own, by which a policy for this program can be written.
		Capabilities: []types.Capability{types.CapabilityCapabilityNamedIam},
		Description:  awssdk.String(strings.TrimSpace("aiwctl " + string(r.p.Kind) + " " + r.d.opts.Revision)),
		ClientToken:  &set.name,
		Tags: []types.Tag{
			{Key: awssdk.String(project.TagProject), Value: &r.p.Service},
			{Key: awssdk.String(project.TagService), Value: &s.service},
			{Key: awssdk.String(project.TagStage), Value: &r.p.Stage},
		},
	}
	if kind == types.ChangeSetTypeCreate {
		in.OnStackFailure = types.OnStackFailureRollback // what failed can be read afterwards
	}
	out, err := r.w.CreateChangeSet(ctx, in)
	if err != nil {
		return nil, fmt.Errorf("make a change set for stack %s: %w", s.Name, marked(err))
	}
	set.id, set.stackID = awssdk.ToString(out.Id), awssdk.ToString(out.StackId)
	err = r.d.until(ctx, s.Name, func(ctx context.Context) error { return r.readChangeSet(ctx, s.Name, set) })
	if err != nil {
		if i, ok := err.(*InterruptedError); ok { //nolint:errorlint // until's own
			i.Stack = "" // nothing was executed
		}
		return nil, err
	}
	return set, nil
}

// readChangeSet reads all of a change set; errNotYet while it is being made.
func (r *run) readChangeSet(ctx context.Context, stack string, set *madeSet) error {
	set.changes = nil
	in := &cloudformation.DescribeChangeSetInput{ChangeSetName: &set.id, StackName: &set.stackID}
	for {
		page, err := r.d.api.CloudFormation().DescribeChangeSet(ctx, in)
		if err != nil {
			return fmt.Errorf("read the change set of stack %s: %w", stack, err)
		}
		reason := clean(awssdk.ToString(page.StatusReason))
		switch page.Status {
		case types.ChangeSetStatusCreateComplete:
		case types.ChangeSetStatusCreatePending, types.ChangeSetStatusCreateInProgress:
			return errNotYet
		case types.ChangeSetStatusFailed:
			// CloudFormation has two sentences for it, and no code.
			if strings.Contains(reason, "didn't contain changes") || strings.Contains(reason, "No updates are to be performed") {
				set.empty = true
				return nil
			}
			return fmt.Errorf("CloudFormation cannot change stack %s: %s", stack, reason)
		default:
			return fmt.Errorf("%w: the change set of stack %s is %s: somebody else is deploying; push again", ErrStale, stack, page.Status)
		}
		for _, c := range page.Changes {
			if c.ResourceChange != nil {
				set.changes = append(set.changes, *c.ResourceChange)
			}
		}
		if in.NextToken = page.NextToken; awssdk.ToString(in.NextToken) == "" {
			return nil
		}
	}
}

// dropChangeSet deletes a change set that is not executed.
func (r *run) dropChangeSet(ctx context.Context, set *madeSet) error {
	_, err := r.w.DeleteChangeSet(ctx, &cloudformation.DeleteChangeSetInput{ChangeSetName: &set.id, StackName: &set.stackID})
	if err != nil && !missing(err) {
		return fmt.Errorf("delete change set %s: %w", set.name, err)
	}
	return nil
}

// checkChanges holds what CloudFormation would do against what a person has agreed to: no queue goes
// that the plan did not name, and none that has messages by now unless it was confirmed.
func (r *run) checkChanges(ctx context.Context, s *StackPlan, set *madeSet) error {
	var losses []QueueLoss
	for _, c := range set.changes {
		replaced, goes := losesQueue(c)
		if !goes {
			continue
		}
		logical := awssdk.ToString(c.LogicalResourceId)
		known := false
		for _, q := range r.p.Queues {
			if q.Stack == s.Name && q.logical == logical {
				q.Replaced, known = replaced, true
				losses = append(losses, q)
			}
		}
		if !known {
			return fmt.Errorf("%w: CloudFormation would delete or replace queue %s (%s) of stack %s, which the plan does not say: look at what would be done now, and confirm that",
				ErrStale, clean(awssdk.ToString(c.PhysicalResourceId)), logical, s.Name)
		}
	}
	r.d.count(ctx, losses)
	if bad := unconfirmed(losses, r.c); len(bad) > 0 {
		return &QueuesError{bad}
	}
	return nil
}

// losesQueue is whether a change deletes a queue, alone or for another in its place.
func losesQueue(c types.ResourceChange) (replaced, goes bool) {
	if awssdk.ToString(c.ResourceType) != queueType {
		return false, false
	}
	switch c.Action {
	case types.ChangeActionRemove:
		return false, c.PolicyAction != types.PolicyActionRetain
	case types.ChangeActionModify, types.ChangeActionDynamic:
		// Conditional: CloudFormation knows only when it does it.
		return true, c.Replacement != "" && c.Replacement != types.ReplacementFalse && c.PolicyAction != types.PolicyActionReplaceAndRetain
	default:
		return false, false
	}
}

// summary counts the changes.
func (set *madeSet) summary() string {
	if set.kind == types.ChangeSetTypeCreate {
		return fmt.Sprintf("%d resources are made", len(set.changes))
	}
	var added, changed, replaced, removed int
	for _, c := range set.changes {
		switch {
		case c.Action == types.ChangeActionAdd:
			added++
		case c.Action == types.ChangeActionRemove:
			removed++
		case c.Replacement == types.ReplacementTrue:
			replaced++
		default:
			changed++
		}
	}
	return fmt.Sprintf("%d added, %d changed, %d replaced, %d removed", added, changed, replaced, removed)
}
