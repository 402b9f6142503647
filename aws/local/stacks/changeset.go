package stacks

import (
	"context"
	"net/url"
	"slices"
	"time"

	"github.com/microfox-ai/aiwctl/aws/local/wire"
)

// noChanges is the reason of a change set that has nothing to change.
const noChanges = "The submitted information didn't contain changes. Submit different information to create a change set."

// The states of change sets.
const (
	changeSetPending  = "CREATE_PENDING"
	changeSetComplete = "CREATE_COMPLETE"
	changeSetFailed   = "FAILED"

	executionUnavailable = "UNAVAILABLE"
	executionAvailable   = "AVAILABLE"
	executionInProgress  = "EXECUTE_IN_PROGRESS"
	executionComplete    = "EXECUTE_COMPLETE"
	executionFailed      = "EXECUTE_FAILED"
)

// changeSet is what would become of a stack; it is under Service.mu.
type changeSet struct {
	id, name, description string
	status, reason        string
	execution             string
	created               time.Time
	creating              bool
	to                    desired
	changes               []*change
}

func (s *Service) createChangeSet(params url.Values) (any, error) {
	name, setName := params.Get("StackName"), params.Get("ChangeSetName")
	if err := checkName("stackName", name); err != nil {
		return nil, err
	}
	if err := checkName("changeSetName", setName); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	st := s.find(name)
	creating := false
	switch kind := params.Get("ChangeSetType"); kind {
	case "CREATE":
		creating = true
		if st != nil && st.status != reviewInProgress {
			return nil, validation("Stack [%s] already exists and cannot be created again with the changeSet [%s].", name, setName)
		}
	case "", "UPDATE":
		if st == nil {
			return nil, validation("Stack [%s] does not exist", name)
		}
		if err := st.updatable(); err != nil {
			return nil, err
		}
	default:
		return nil, validation("the local endpoint knows no change sets of type %s", kind)
	}
	if st != nil && slices.ContainsFunc(st.changeSets, func(c *changeSet) bool { return c.name == setName }) {
		return nil, wire.Errorf("AlreadyExistsException", "ChangeSet %s already exists for stack %s", setName, st.name)
	}
	to, err := s.wanted(params, st)
	if err != nil {
		return nil, err
	}
	if st == nil {
		st = s.newStack(name)
		s.eventLocked(st, nil, reviewInProgress, "User Initiated")
	}
	c := &changeSet{
		id: s.arn("changeSet", setName), name: setName, description: params.Get("Description"),
		status: changeSetPending, execution: executionUnavailable, created: s.cfg.Now(), creating: creating, to: to,
	}
	if err := s.start(func(ctx context.Context) { s.compute(ctx, st, c) }); err != nil {
		return nil, err
	}
	st.changeSets = append(st.changeSets, c)
	return struct {
		ID      string `xml:"Id"`
		StackID string `xml:"StackId"`
	}{c.id, st.id}, nil
}

// compute finds out what a change set would change.
func (s *Service) compute(ctx context.Context, st *stack, c *changeSet) {
	if !s.pause(ctx) {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	changes, outputs, err := s.plan(st, &c.to)
	switch {
	case err != nil:
		e, _ := wire.AsError(err)
		c.status, c.reason = changeSetFailed, e.Message
	case len(changes) == 0 && !outputs:
		c.status, c.reason = changeSetFailed, noChanges
	default:
		c.changes, c.status, c.execution = changes, changeSetComplete, executionAvailable
	}
}

// changeSetOf finds a change set by its ARN, or by its name and its stack's; callers hold mu.
func (s *Service) changeSetOf(params url.Values) (*stack, *changeSet, error) {
	name := params.Get("ChangeSetName")
	if err := checkName("changeSetName", name); err != nil {
		return nil, nil, err
	}
	for _, st := range slices.Backward(s.stacks) {
		for _, c := range st.changeSets {
			if c.id == name || c.name == name && s.find(params.Get("StackName")) == st {
				return st, c, nil
			}
		}
	}
	if stackName := params.Get("StackName"); stackName != "" && s.find(stackName) == nil {
		return nil, nil, validation("Stack [%s] does not exist", stackName)
	}
	return nil, nil, wire.NotFound("ChangeSetNotFound", "ChangeSet [%s] does not exist", name)
}

func (s *Service) executeChangeSet(params url.Values) (any, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	st, c, err := s.changeSetOf(params)
	if err != nil {
		return nil, err
	}
	if c.execution != executionAvailable {
		status := c.status
		if c.status == changeSetComplete {
			status = c.execution
		}
		return nil, wire.Errorf("InvalidChangeSetStatus", "ChangeSet [%s] cannot be executed in its current status of [%s]", c.id, status)
	}
	if !c.creating {
		if err := st.updatable(); err != nil {
			return nil, err
		}
	}
	to := c.to
	if params.Get("DisableRollback") == "true" {
		to.noRollback = true
	}
	if err := s.begin(st, to, c.creating, params.Get("ClientRequestToken")); err != nil {
		return nil, err
	}
	c.execution, st.changeSet = executionInProgress, c.id
	// The others were made for a stack that is not like this any more.
	st.changeSets = []*changeSet{c}
	return struct{}{}, nil
}

func (s *Service) deleteChangeSet(params url.Values) (any, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	st, c, err := s.changeSetOf(params)
	if err != nil {
		// One that is gone is no error, as long as its stack is named by a name that is known.
		if e, _ := wire.AsError(err); e.Code == "ChangeSetNotFound" && params.Get("StackName") != "" {
			return struct{}{}, nil
		}
		return nil, err
	}
	if c.execution == executionInProgress && st.busy() {
		return nil, wire.Errorf("InvalidChangeSetStatus", "An operation on this ChangeSet is currently in progress.")
	}
	st.changeSets = slices.DeleteFunc(st.changeSets, func(other *changeSet) bool { return other == c })
	return struct{}{}, nil
}

// executed is the execution status as it is by now.
func (c *changeSet) executed(st *stack) string {
	if c.execution != executionInProgress || st.busy() {
		return c.execution
	}
	switch st.status {
	case createComplete, updateComplete:
		return executionComplete
	}
	return executionFailed
}
