package deploy

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	awssdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"
)

// follower tells the events of what is done to a stack, each once, in their order.
type follower struct {
	d     *Deployer
	id    string // the stack's
	name  string
	of    workers
	tell  func(Event)
	last  string // the id of the newest event that was told
	first *Event // the first event that failed by itself
	deaf  bool   // events cannot be read
}

// skip passes over what has happened already.
func (f *follower) skip(ctx context.Context) error {
	out, err := f.d.api.CloudFormation().DescribeStackEvents(ctx, &cloudformation.DescribeStackEventsInput{StackName: &f.id})
	if err != nil {
		if missing(err) {
			return nil
		}
		return fmt.Errorf("read the events of stack %s: %w", f.name, err)
	}
	if len(out.StackEvents) > 0 {
		f.last = awssdk.ToString(out.StackEvents[0].EventId)
	}
	return nil
}

// next tells what has happened since. CloudFormation gives the newest first; without a last
// event it is what has happened since the operation that is under way was begun.
func (f *follower) next(ctx context.Context) error {
	var fresh []types.StackEvent
	in := &cloudformation.DescribeStackEventsInput{StackName: &f.id}
pages:
	for {
		page, err := f.d.api.CloudFormation().DescribeStackEvents(ctx, in)
		if err != nil {
			if missing(err) {
				break
			}
			return fmt.Errorf("read the events of stack %s: %w", f.name, err)
		}
		for _, e := range page.StackEvents {
			if f.last != "" && awssdk.ToString(e.EventId) == f.last {
				break pages
			}
			fresh = append(fresh, e)
			if f.last == "" && beginsOperation(e) {
				break pages
			}
		}
		if in.NextToken = page.NextToken; awssdk.ToString(in.NextToken) == "" {
			break
		}
	}
	if len(fresh) > 0 {
		f.last = awssdk.ToString(fresh[0].EventId)
	}
	for _, e := range slices.Backward(fresh) {
		event := f.event(e)
		if f.first == nil && event.Failed() {
			first := event
			f.first = &first
		}
		if f.tell != nil {
			f.tell(event)
		}
	}
	return nil
}

// beginsOperation is whether an event is that of a stack with which somebody begun something.
func beginsOperation(e types.StackEvent) bool {
	if awssdk.ToString(e.PhysicalResourceId) != awssdk.ToString(e.StackId) {
		return false
	}
	switch e.ResourceStatus {
	case types.ResourceStatusCreateInProgress, types.ResourceStatusUpdateInProgress, types.ResourceStatusDeleteInProgress:
		return true
	default:
		return string(e.ResourceStatus) == "REVIEW_IN_PROGRESS"
	}
}

// event is one of CloudFormation's in our words.
func (f *follower) event(e types.StackEvent) Event {
	out := Event{
		Time: awssdk.ToTime(e.Timestamp), Kind: EventStack, Stack: f.name,
		Resource: clean(awssdk.ToString(e.LogicalResourceId)), Type: clean(awssdk.ToString(e.ResourceType)),
		Status: string(e.ResourceStatus), Reason: clean(awssdk.ToString(e.ResourceStatusReason)),
	}
	if awssdk.ToString(e.PhysicalResourceId) != f.id {
		out.Worker = f.of.worker(out.Resource)
	}
	var b strings.Builder
	b.WriteString(out.Status + " " + out.Resource + " (" + out.Type + ")")
	if out.Worker != "" {
		b.WriteString(" of worker " + out.Worker)
	}
	if out.Reason != "" {
		b.WriteString(": " + out.Reason)
	}
	out.Text = b.String()
	return out
}

// startPatience is how long CloudFormation may take to show that it has begun what it was told to do.
const startPatience = time.Minute

// settled waits until nothing is under way for a stack, telling its events; nil when it is gone. before,
// when not nil, is the stack before something was begun: CloudFormation may still show
// it so for a moment.
func (r *run) settled(ctx context.Context, f *follower, before *stack) (s *stack, err error) {
	begun := before == nil
	since, last := time.Now(), f.last
	err = r.d.until(ctx, f.id, func(ctx context.Context) error {
		var err error
		if s, err = r.d.stack(ctx, f.id); err != nil {
			return err
		}
		// The stack was looked at first: its events are all there when it has settled.
		if err := r.events(ctx, f); err != nil {
			return err
		}
		switch {
		case s == nil:
			return nil
		case conditionOf(s.status) == busy:
			begun = true
			return errNotYet
		case begun || f.last != last || s.status != before.status || s.changeSet != before.changeSet || !s.updated.Equal(before.updated):
			return nil
		case time.Since(since) > startPatience:
			return nil
		}
		return errNotYet
	})
	return s, err
}

// events tells what is new. Without permission to read them there are none.
func (r *run) events(ctx context.Context, f *follower) error {
	if f.deaf {
		return nil
	}
	err := f.next(ctx)
	if err != nil && denied(err) && ctx.Err() == nil {
		f.deaf = true
		r.warn("%v: what happens is not told", err)
		return nil
	}
	return err
}
