package deploy

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	awssdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"
)

// errUnderWay is of a call that CloudFormation refused because it is at work on the stack, although it
// did not say so before: what a run that was killed has begun shows after a moment.
var errUnderWay = errors.New("CloudFormation is at work on the stack")

// stack brings one stack to what the plan says, from whatever it is now.
func (r *run) stack(ctx context.Context, s *StackPlan) error {
	if s.Action == Keep {
		return nil
	}
	const attempts = 3
	for i := 1; ; i++ {
		err := r.stackOnce(ctx, s, i)
		if !errors.Is(err, errUnderWay) || i == attempts {
			return err
		}
		if err := sleep(ctx, jitter(3*time.Second)); err != nil {
			return &InterruptedError{Stack: s.Name, Err: err}
		}
	}
}

// underWay is whether CloudFormation refused a call because it is at work on the stack.
func underWay(err error) bool {
	switch code(err) {
	case "InvalidChangeSetStatus", "InvalidChangeSetStatusException", "AlreadyExistsException", "OperationInProgressException":
		return true
	case "ValidationError", "ValidationException":
		return strings.Contains(err.Error(), "_IN_PROGRESS")
	}
	return false
}

// marked is err, as errUnderWay when it says that.
func marked(err error) error {
	if underWay(err) {
		return fmt.Errorf("%w: %w", errUnderWay, err)
	}
	return err
}

func (r *run) stackOnce(ctx context.Context, s *StackPlan, attempt int) error {
	now, err := r.ready(ctx, s)
	if err != nil {
		return err
	}
	if s.Action == Delete {
		if now == nil {
			return nil
		}
		return r.deleteStack(ctx, now)
	}
	switch conditionOf(now.state()) {
	case stuck:
		if now, err = r.continueRollback(ctx, now); err != nil {
			return err
		}
	case unmade:
		r.step("stack %s is %s: deleting what is left of it", now.name, now.status)
		if err := r.deleteStack(ctx, now); err != nil {
			return err
		}
		now = nil
	case undeleted:
		return &StackError{Stack: now.name, Status: now.status, Next: "its deletion failed (" + now.reason + "): see to the cause, delete the stack in CloudFormation, and push again"}
	case absent, busy, whole:
	}
	return r.change(ctx, s, now, attempt)
}

// ready is the stack as it is once nothing is under way; nil when there is none. The error is
// ErrStale when it is neither what it was when the plan was made nor what the plan wants: somebody else
// has changed it, and nobody has seen what this plan would do to that.
func (r *run) ready(ctx context.Context, s *StackPlan) (*stack, error) {
	now, err := r.d.stack(ctx, s.Name)
	if err != nil {
		return nil, err
	}
	waited := now != nil && conditionOf(now.status) == busy
	if waited {
		r.step("stack %s is %s: waiting for what is under way", now.name, now.status)
		if now, err = r.settled(ctx, r.follow(now, s.body), nil); err != nil {
			return nil, err
		}
	}
	if now == nil && s.Action == Delete || s.Waits || r.asPlanned(s, now) {
		return now, nil
	}
	if s.Action != Delete && now != nil {
		text, err := r.d.template(ctx, now)
		if err != nil {
			return nil, err
		}
		if sameTemplate(text, s.body) {
			return now, nil
		}
	}
	return nil, fmt.Errorf("%w: stack %s was %s, and is %s, changed by %s: look at what would be done now, and confirm that",
		ErrStale, s.Name, orNone(s.Status), orNone(now.state()), deploymentOr(now))
}

// asPlanned is whether a stack is what it was when the plan was made.
func (r *run) asPlanned(s *StackPlan, now *stack) bool {
	if now == nil {
		return s.id == ""
	}
	return now.id == s.id && now.updated.Equal(s.updated) && now.status == s.Status
}

func orNone(status string) string {
	if status == "" {
		return "not there"
	}
	return status
}

func deploymentOr(s *stack) string {
	if s != nil && s.deployment() != "" {
		return "deployment " + s.deployment()
	}
	return "somebody else"
}

// follow is a follower of a stack, which tells the person of its events.
func (r *run) follow(s *stack, template []byte) *follower {
	b, _ := parseBody(template) // without it resources are of no worker
	return &follower{d: r.d, id: s.id, name: s.name, of: workersOf(b), tell: r.tell}
}

// change makes and executes a change set; now is nil when there is no stack.
func (r *run) change(ctx context.Context, s *StackPlan, now *stack, attempt int) error {
	kind := types.ChangeSetTypeUpdate
	if conditionOf(now.state()) == absent {
		kind = types.ChangeSetTypeCreate
	}
	if now != nil {
		if err := r.clear(ctx, now); err != nil {
			return err
		}
	}
	set, err := r.makeChangeSet(ctx, s, kind, attempt)
	if err != nil {
		return err
	}
	if set.empty {
		r.result.Unchanged = append(r.result.Unchanged, s.Name)
		r.step("stack %s: CloudFormation finds nothing to change", s.Name)
		return r.dropChangeSet(ctx, set)
	}
	if err := r.checkChanges(ctx, s, set); err != nil {
		return errors.Join(err, r.dropChangeSet(ctx, set))
	}
	before, err := r.d.stack(ctx, set.stackID)
	if err != nil {
		return err
	}
	if before == nil {
		return fmt.Errorf("%w: stack %s is not there any more", ErrStale, s.Name)
	}
	follower := r.follow(before, s.body)
	if err := follower.skip(ctx); err != nil && !denied(err) {
		return err
	}
	r.step("changing stack %s: %s", s.Name, set.summary())
	if _, err := r.w.ExecuteChangeSet(ctx, &cloudformation.ExecuteChangeSetInput{ChangeSetName: &set.id, ClientRequestToken: &set.name}); err != nil {
		err = fmt.Errorf("execute change set %s of stack %s: %w", set.name, s.Name, marked(err))
		if errors.Is(err, errUnderWay) {
			err = errors.Join(err, r.dropChangeSet(ctx, set))
		}
		return err
	}
	after, err := r.settled(ctx, follower, before)
	if err != nil {
		return err
	}
	if after == nil || !asWanted(after.status) {
		return failure(s.Name, after, follower.first)
	}
	return nil
}

// failure is a stack that is not what it should be.
func failure(name string, now *stack, cause *Event) error {
	e := &StackError{Stack: name, Status: orNone(now.state()), Cause: cause}
	switch {
	case now == nil:
		e.Next = "somebody has deleted it: run the same again"
	case now.status == "UPDATE_ROLLBACK_COMPLETE":
		e.RolledBack = true
		e.Next = "put right what failed, and push again"
	case conditionOf(now.status) == unmade:
		e.Next = "nothing of it is in use: put right what failed, and push again, which makes it anew"
	case conditionOf(now.status) == stuck:
		e.Next = "see to the cause, and have the roll-back continued (--continue-rollback)"
	case conditionOf(now.status) == undeleted:
		e.Next = "see to the cause (" + now.reason + "), and remove it again"
	}
	return e
}

// clear removes change sets that an earlier run has left; those that are being made are left,
// as they cannot be deleted.
func (r *run) clear(ctx context.Context, now *stack) error {
	sets, err := r.d.changeSets(ctx, now)
	if err != nil {
		if denied(err) {
			return nil // what is left does no harm
		}
		return err
	}
	for _, set := range sets {
		if !strings.HasPrefix(set.name, changeSetPrefix) || strings.HasSuffix(set.status, "_IN_PROGRESS") || strings.HasSuffix(set.status, "_PENDING") {
			continue
		}
		_, err := r.w.DeleteChangeSet(ctx, &cloudformation.DeleteChangeSetInput{ChangeSetName: &set.id})
		if err != nil && !missing(err) && code(err) != "InvalidChangeSetStatus" {
			return fmt.Errorf("delete the change set %s that an earlier deployment left at stack %s: %w", set.name, now.name, err)
		}
	}
	return nil
}

// deleteStack deletes a stack and waits for it. It looks first what is in its queues.
func (r *run) deleteStack(ctx context.Context, now *stack) error {
	text, err := r.d.template(ctx, now)
	if err != nil {
		return err
	}
	old, err := parseBody(text)
	if err != nil {
		return fmt.Errorf("the template of stack %s: %w", now.name, err)
	}
	losses, err := r.d.losses(ctx, now, old, nil)
	if err != nil {
		return err
	}
	if bad := unconfirmed(losses, r.c); len(bad) > 0 {
		return &QueuesError{bad}
	}
	f := r.follow(now, text)
	if err := f.skip(ctx); err != nil && !denied(err) {
		return err
	}
	r.step("deleting stack %s", now.name)
	if _, err := r.w.DeleteStack(ctx, &cloudformation.DeleteStackInput{StackName: &now.id, ClientRequestToken: awssdk.String(changeSetPrefix + r.rec.ID)}); err != nil {
		return fmt.Errorf("delete stack %s: %w", now.name, marked(err))
	}
	after, err := r.settled(ctx, f, now)
	if err != nil {
		return err
	}
	if after != nil {
		return failure(now.name, after, f.first)
	}
	return nil
}

// continueRollback goes on with a roll-back that failed.
func (r *run) continueRollback(ctx context.Context, now *stack) (*stack, error) {
	if !r.c.ContinueRollback {
		return nil, &RefusedError{[]Refusal{r.d.stuckRefusal(ctx, now)}}
	}
	skip := slices.Clone(r.c.SkipResources[now.name])
	f := r.follow(now, nil)
	if err := f.skip(ctx); err != nil && !denied(err) {
		return nil, err
	}
	r.step("continuing the roll-back of stack %s", now.name)
	if _, err := r.w.ContinueUpdateRollback(ctx, &cloudformation.ContinueUpdateRollbackInput{StackName: &now.id, ResourcesToSkip: skip}); err != nil {
		return nil, fmt.Errorf("continue the roll-back of stack %s: %w", now.name, err)
	}
	after, err := r.settled(ctx, f, now)
	if err != nil {
		return nil, err
	}
	if conditionOf(after.state()) != whole {
		return nil, failure(now.name, after, f.first)
	}
	return after, nil
}
