package stacks

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/microfox-ai/aiwctl/aws/local/wire"
)

// namespace is the XML namespace of CloudFormation's answers.
const namespace = "http://cloudformation.amazonaws.com/doc/2010-05-15/"

// operation answers a request with what is written as XML; nil is an empty result.
type operation func(params url.Values) (any, error)

// operations are those that are served.
func (s *Service) operations() map[string]operation {
	ops := map[string]operation{}
	handle := func(name string, op operation) { ops[name] = op }
	handle("CreateStack", s.createStack)
	handle("UpdateStack", s.updateStack)
	handle("DeleteStack", s.deleteStack)
	handle("CancelUpdateStack", s.cancelUpdateStack)
	handle("ContinueUpdateRollback", s.continueUpdateRollback)
	handle("DescribeStacks", s.describeStacks)
	handle("ListStacks", s.listStacks)
	handle("DescribeStackEvents", s.describeStackEvents)
	handle("ListStackResources", s.listStackResources)
	handle("DescribeStackResources", s.describeStackResources)
	handle("GetTemplate", s.getTemplate)
	handle("GetTemplateSummary", s.getTemplateSummary)
	handle("ValidateTemplate", s.validateTemplate)
	handle("CreateChangeSet", s.createChangeSet)
	handle("DescribeChangeSet", s.describeChangeSet)
	handle("ExecuteChangeSet", s.executeChangeSet)
	handle("DeleteChangeSet", s.deleteChangeSet)
	handle("ListChangeSets", s.listChangeSets)
	return ops
}

// Answer serves one request of the Query protocol.
func (s *Service) Answer(w http.ResponseWriter, action string, params url.Values) {
	err := error(wire.Errorf("InvalidAction", "the local endpoint does not serve %s of CloudFormation", action))
	if op, ok := s.operations()[action]; ok {
		var result any
		if result, err = op(params); err == nil {
			if result == nil {
				result = struct{}{}
			}
			err = wire.WriteQuery(w, namespace, action, result)
		}
	}
	if err == nil {
		return
	}
	if _, internal := wire.AsError(err); internal {
		s.cfg.Logger.Error("operation failed", "service", "cloudformation", "operation", action, "error", err)
	}
	// It fails only on an answer that cannot be written as XML, and this can.
	_ = wire.WriteQueryError(w, namespace, err)
}

type stackIDResult struct {
	StackID string `xml:"StackId"`
}

func (s *Service) createStack(params url.Values) (any, error) {
	name := params.Get("StackName")
	if err := checkName("stackName", name); err != nil {
		return nil, err
	}
	to, err := s.wanted(params, nil)
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if st := s.find(name); st != nil {
		return nil, wire.Errorf("AlreadyExistsException", "Stack [%s] already exists", name)
	}
	st := s.newStack(name)
	if err := s.begin(st, to, true, params.Get("ClientRequestToken")); err != nil {
		return nil, err
	}
	return stackIDResult{st.id}, nil
}

func (s *Service) updateStack(params url.Values) (any, error) {
	name := params.Get("StackName")
	if err := checkName("stackName", name); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	st := s.find(name)
	if st == nil {
		return nil, validation("Stack [%s] does not exist", name)
	}
	if err := st.updatable(); err != nil {
		return nil, err
	}
	to, err := s.wanted(params, st)
	if err != nil {
		return nil, err
	}
	changes, outputs, err := s.plan(st, &to)
	if err != nil {
		return nil, err
	}
	if len(changes) == 0 && !outputs {
		return nil, validation("No updates are to be performed.")
	}
	if err := s.begin(st, to, false, params.Get("ClientRequestToken")); err != nil {
		return nil, err
	}
	st.changeSets = nil
	return stackIDResult{st.id}, nil
}

func (s *Service) deleteStack(params url.Values) (any, error) {
	name := params.Get("StackName")
	if err := checkName("stackName", name); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	st := s.find(name)
	if st == nil || st.status == deleteComplete || st.status == deleteInProgress {
		return nil, nil // nothing is there to be deleted, or it is being
	}
	retained := texts(params, "RetainResources")
	switch {
	case len(retained) > 0 && st.status != deleteFailed:
		return nil, validation("Invalid operation on stack [%s]. A stack's resources can be retained only when it is in the DELETE_FAILED state.", st.id)
	case st.status == createInProgress || st.status == rollbackInProgress:
		st.cancelled, st.deleting = true, true
		return nil, nil
	case st.busy():
		return nil, validation("Stack [%s] cannot be deleted while in status %s", st.id, st.status)
	}
	if err := s.start(func(ctx context.Context) { s.remove(ctx, st, retained) }); err != nil {
		return nil, err
	}
	st.token = params.Get("ClientRequestToken")
	s.eventLocked(st, nil, deleteInProgress, "User Initiated")
	return nil, nil
}

func (s *Service) cancelUpdateStack(params url.Values) (any, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	st := s.find(params.Get("StackName"))
	switch {
	case st == nil:
		return nil, validation("Stack [%s] does not exist", params.Get("StackName"))
	case st.status != updateInProgress:
		return nil, validation("CancelUpdateStack cannot be called from current stack status")
	}
	st.cancelled = true
	return nil, nil
}

func (s *Service) continueUpdateRollback(params url.Values) (any, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	st := s.find(params.Get("StackName"))
	switch {
	case st == nil:
		return nil, validation("Stack [%s] does not exist", params.Get("StackName"))
	case st.status != updateRollbackFailed:
		return nil, validation("Stack:%s is in %s state and can not be continued to rollback.", st.id, st.status)
	}
	skipped := texts(params, "ResourcesToSkip")
	for _, id := range skipped {
		if !slices.ContainsFunc(st.undo, func(u undo) bool { return u.id == id }) {
			return nil, validation("Resource with logical id [%s] does not exist, or is in a state that cannot be skipped", id)
		}
	}
	left := slices.DeleteFunc(slices.Clone(st.undo), func(u undo) bool { return slices.Contains(skipped, u.id) })
	w := &work{Service: s, st: st, to: st.present, undo: left, spare: st.spare, active: map[string]bool{}}
	if err := s.start(w.goBack); err != nil {
		return nil, err
	}
	for _, id := range skipped {
		if r := st.resources[id]; r != nil {
			s.eventLocked(st, r, updateComplete, "Resource skipped during rollback")
		}
	}
	s.eventLocked(st, nil, updateRollbackInProgress, "User Initiated")
	return struct{}{}, nil
}

func (s *Service) validateTemplate(params url.Values) (any, error) {
	body, err := s.body(params, nil)
	if err != nil {
		return nil, err
	}
	t, err := s.parse(body)
	if err != nil {
		return nil, err
	}
	out := validated{Description: t.description, Capabilities: t.capabilities()}
	if len(out.Capabilities) > 0 {
		out.CapabilitiesReason = "The following resource(s) require capabilities: [AWS::IAM::Role]"
	}
	out.Parameters = t.shownParameters()
	return out, nil
}

// url.Values of a stack that must be there, by the words of the operation that asks.
func (s *Service) mustFind(name string) (*stack, error) {
	if st := s.find(name); st != nil {
		return st, nil
	}
	return nil, validation("Stack with id %s does not exist", strings.TrimSpace(name))
}
