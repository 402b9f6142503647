package stacks

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/microfox-ai/aiwctl/aws/local/wire"
)

// The states of stacks and resources that others are compared with.
const (
	reviewInProgress   = "REVIEW_IN_PROGRESS"
	createInProgress   = "CREATE_IN_PROGRESS"
	createComplete     = "CREATE_COMPLETE"
	createFailed       = "CREATE_FAILED"
	rollbackInProgress = "ROLLBACK_IN_PROGRESS"
	rollbackComplete   = "ROLLBACK_COMPLETE"
	rollbackFailed     = "ROLLBACK_FAILED"

	updateInProgress         = "UPDATE_IN_PROGRESS"
	updateCleanup            = "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS"
	updateComplete           = "UPDATE_COMPLETE"
	updateFailed             = "UPDATE_FAILED"
	updateRollbackInProgress = "UPDATE_ROLLBACK_IN_PROGRESS"
	updateRollbackCleanup    = "UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS"
	updateRollbackComplete   = "UPDATE_ROLLBACK_COMPLETE"
	updateRollbackFailed     = "UPDATE_ROLLBACK_FAILED"

	deleteInProgress = "DELETE_IN_PROGRESS"
	deleteComplete   = "DELETE_COMPLETE"
	deleteFailed     = "DELETE_FAILED"
	deleteSkipped    = "DELETE_SKIPPED"
)

// stackType is what the events of a stack itself are of.
const stackType = "AWS::CloudFormation::Stack"

// stack is a stack; all of it is under Service.mu.
type stack struct {
	id, name       string
	status, reason string
	created        time.Time
	updated        time.Time
	deleted        time.Time

	present    desired
	outputs    []output
	resources  map[string]*resource
	events     []event // the newest last
	changeSets []*changeSet
	// changeSet is the ARN of the one that was executed last.
	changeSet string
	token     string // ClientRequestToken of the present change

	// cancelled asks the change that is under way to fail; deleting asks for the stack to be
	// deleted after it.
	cancelled, deleting bool
	// undo is what an update's rollback has still to do when it has failed.
	undo []undo
	// spare are resources to be deleted when that rollback is done.
	spare []*resource
}

// desired is what a stack is to be.
type desired struct {
	t            *template
	parameters   map[string]string
	tags         map[string]string
	capabilities []string
	role         string
	// noRollback keeps what was made when something fails; onFailure is DELETE where a stack
	// that cannot be made is deleted.
	noRollback bool
	onFailure  string
}

type output struct{ key, value, description, export string }

// resource is a resource that is, was, or is about to be; replaced when its content changes,
// while its status is set in place.
type resource struct {
	id, physical, kind  string
	status, reason      string
	at                  time.Time
	properties          map[string]any
	attributes          map[string]any
	stackTags           map[string]string
	needs               []string
	metadata            any
	deletion, replacing string
}

func (r *resource) gone() bool { return r.status == deleteComplete || r.status == deleteSkipped }

type event struct {
	id                 string
	at                 time.Time
	logical, physical  string
	kind               string
	status, reason     string
	properties         string
	clientRequestToken string
}

// event notes what happens to a resource, or to the stack itself where r is nil.
func (s *Service) event(st *stack, r *resource, status, reason string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.eventLocked(st, r, status, reason)
}

func (s *Service) eventLocked(st *stack, r *resource, status, reason string) {
	now := s.cfg.Now()
	e := event{id: wire.NewID(), at: now, logical: st.name, physical: st.id, kind: stackType, status: status, reason: reason, clientRequestToken: st.token}
	if r == nil {
		st.status, st.reason = status, reason
	} else {
		r.status, r.reason, r.at = status, reason, now
		e.logical, e.physical, e.kind = r.id, r.physical, r.kind
		e.id = fmt.Sprintf("%s-%s-%s", r.id, status, now.UTC().Format(timeFormat))
		e.properties = text(r.properties)
	}
	st.events = append(st.events, e)
}

// find is the stack of a name, or of an ARN, which may be that of a deleted one; callers hold
// mu.
func (s *Service) find(nameOrID string) *stack {
	for _, st := range slices.Backward(s.stacks) {
		if st.id == nameOrID || st.name == nameOrID && st.status != deleteComplete {
			return st
		}
	}
	return nil
}

func (s *Service) arn(kind, name string) string {
	return fmt.Sprintf("arn:aws:cloudformation:%s:%s:%s/%s/%s", s.cfg.Region, s.cfg.Account, kind, name, wire.NewID())
}

// newStack is a stack of which nothing is there yet; callers hold mu.
func (s *Service) newStack(name string) *stack {
	st := &stack{id: s.arn("stack", name), name: name, created: s.cfg.Now(), resources: map[string]*resource{}}
	s.stacks = append(s.stacks, st)
	return st
}

func (st *stack) busy() bool {
	return strings.HasSuffix(st.status, "_IN_PROGRESS") && st.status != reviewInProgress
}

// updatable refuses an update of a stack in a state that has none.
func (st *stack) updatable() error {
	switch st.status {
	case createComplete, updateComplete, updateRollbackComplete, updateFailed, createFailed:
		return nil
	}
	return validation("Stack:%s is in %s state and can not be updated.", st.id, st.status)
}

// evaluation resolves what is desired of a stack with what known says of its resources; callers
// hold mu while it is used.
func (s *Service) evaluation(st *stack, d *desired, known func(id string) (physical string, attributes map[string]any, ok bool)) *evaluation {
	parameters := maps.Clone(d.parameters)
	if parameters == nil {
		parameters = map[string]string{}
	}
	maps.Copy(parameters, map[string]string{
		"AWS::AccountId": s.cfg.Account, "AWS::Region": s.cfg.Region, "AWS::StackName": st.name, "AWS::StackId": st.id,
		"AWS::Partition": "aws", "AWS::URLSuffix": "amazonaws.com",
	})
	inactive := func(id string) error {
		return validation("Template format error: Unresolved resource dependencies [%s] in the Resources block of the template", id)
	}
	return &evaluation{
		t: d.t, parameters: parameters, rewrite: s.cfg.Rewrite, imported: s.export,
		ref: func(id string) (any, error) {
			physical, _, ok := known(id)
			if !ok {
				return nil, inactive(id)
			}
			return physical, nil
		},
		attribute: func(id, name string) (any, error) {
			physical, attributes, ok := known(id)
			if !ok {
				return nil, inactive(id)
			}
			if physical == later {
				return later, nil
			}
			if v, ok := attributes[name]; ok {
				return v, nil
			}
			return nil, validation("Template error: resource %s does not support attribute type %s in Fn::GetAtt", id, name)
		},
	}
}

// made is known for a stack as it stands.
func (st *stack) made(id string) (string, map[string]any, bool) {
	r := st.resources[id]
	if r == nil || r.gone() {
		return "", nil, false
	}
	return r.physical, r.attributes, true
}

// export is what some stack exports under a name.
func (s *Service) export(name string) (string, error) {
	for _, st := range s.stacks {
		for _, o := range st.outputs {
			if o.export == name && st.status != deleteComplete {
				return o.value, nil
			}
		}
	}
	return "", validation("No export named %s found.", name)
}

// resolveOutputs are the outputs of what is desired; callers hold mu.
func (s *Service) resolveOutputs(st *stack, d *desired, e *evaluation) ([]output, error) {
	var all []output
	for _, key := range slices.Sorted(maps.Keys(d.t.outputs)) {
		fields := d.t.outputs[key]
		if holds, err := e.active(scalar(fields["Condition"])); err != nil || !holds {
			if err != nil {
				return nil, err
			}
			continue
		}
		v, err := e.value(fields["Value"])
		if err != nil {
			return nil, err
		}
		export, err := e.value(object(fields["Export"])["Name"])
		if err != nil {
			return nil, err
		}
		o := output{key: key, value: s.cfg.Rewrite(scalar(v)), description: scalar(fields["Description"]), export: scalar(export)}
		for _, other := range s.stacks {
			if o.export == "" || other == st || other.status == deleteComplete {
				continue
			}
			if slices.ContainsFunc(other.outputs, func(theirs output) bool { return theirs.export == o.export }) {
				return nil, validation("Export with name %s is already exported by stack %s. Rollback requested by user.", o.export, other.name)
			}
		}
		all = append(all, o)
	}
	return all, nil
}

// deletionOrder puts resources so that each comes before what it needs.
func deletionOrder(list []*resource) []*resource {
	var order []*resource
	done := map[*resource]bool{}
	var visit func(r *resource)
	visit = func(r *resource) {
		if done[r] {
			return
		}
		done[r] = true
		for _, other := range list {
			if slices.Contains(r.needs, other.id) {
				visit(other)
			}
		}
		order = append(order, r)
	}
	list = slices.Clone(list)
	slices.SortStableFunc(list, func(a, b *resource) int { return strings.Compare(a.id, b.id) })
	for _, r := range list {
		visit(r)
	}
	slices.Reverse(order)
	return order
}
