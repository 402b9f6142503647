package deploy

import (
	"errors"
	"fmt"
	"strings"
)

// ErrNotDeployed is returned where a stage has no stack.
var ErrNotDeployed = errors.New("the stage is not deployed")

// ErrNoEarlier is returned by PlanRollback when there is no deployment to go back to.
var ErrNoEarlier = errors.New("there is no earlier deployment on record")

// ErrStale is returned by Apply when the stage is not any more what the plan was made
// of: nothing was done to the stack that it names.
var ErrStale = errors.New("the stage has changed since the plan was made")

// RefusedError is returned by Apply for a plan with refusals.
type RefusedError struct{ Refusals []Refusal }

// QueuesError is returned by Apply when queues with messages in them would go and have not
// been confirmed by name. Nothing was done to the stacks that have them.
type QueuesError struct{ Queues []QueueLoss }

// StackError is a stack that could not be brought to its template.
type StackError struct {
	Stack string
	// Status is what the stack is now, in CloudFormation's words.
	Status string
	// Cause is the first event that failed by itself; nil when CloudFormation told none.
	Cause *Event
	// RolledBack is true when the stack is again what it was before.
	RolledBack bool
	// Next says what to do.
	Next string
}

// InterruptedError is returned when the context ended while CloudFormation was at work: it
// goes on, and running the same again waits for it and finishes.
type InterruptedError struct {
	// Stack is the one that is under way; empty when none is.
	Stack string
	Err   error
}

func (e *RefusedError) Error() string {
	lines := make([]string, len(e.Refusals))
	for i, r := range e.Refusals {
		lines[i] = r.Text
	}
	return strings.Join(lines, "\n")
}

func (e *QueuesError) Error() string {
	var b strings.Builder
	b.WriteString("queues would be deleted with messages in them:")
	names := make([]string, len(e.Queues))
	for i, q := range e.Queues {
		b.WriteString("\n  " + q.Text)
		names[i] = q.Queue
	}
	fmt.Fprintf(&b, "\nmove the messages away, or confirm each queue by its name: %s", strings.Join(names, ", "))
	return b.String()
}

func (e *StackError) Error() string {
	text := fmt.Sprintf("stack %s is %s", e.Stack, e.Status)
	if c := e.Cause; c != nil {
		text += fmt.Sprintf(": %s (%s)", c.Resource, c.Type)
		if c.Worker != "" {
			text += " of worker " + c.Worker
		}
		text += ": " + c.Reason
	}
	if e.RolledBack {
		text += "; it is again what it was before"
	}
	if e.Next != "" {
		text += ": " + e.Next
	}
	return text
}

func (e *InterruptedError) Error() string {
	if e.Stack == "" {
		return "interrupted: running the same again finishes the job"
	}
	return fmt.Sprintf("interrupted: CloudFormation goes on with stack %s by itself; running the same again waits for it and finishes the job", e.Stack)
}

// Unwrap is the context's error.
func (e *InterruptedError) Unwrap() error { return e.Err }
