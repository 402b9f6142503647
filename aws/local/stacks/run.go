package stacks

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/microfox-ai/aiwctl/aws/local/wire"
)

// work is one change of a stack.
type work struct {
	*Service
	st       *stack
	to       desired
	creating bool
	undo     []undo
	spare    []*resource // those of which others have taken the place
	active   map[string]bool
}

// undo is how a resource was before: nil when it was not there.
type undo struct {
	id  string
	old *resource
}

// errEnded is that the service was closed in the middle.
var errEnded = errors.New("the local endpoint is shutting down")

// begin starts to make a stack what is desired; callers hold mu.
func (s *Service) begin(st *stack, to desired, creating bool, token string) error {
	st.token, st.cancelled = token, false
	status := updateInProgress
	if creating {
		status = createInProgress
	} else {
		st.updated = s.cfg.Now()
	}
	w := &work{Service: s, st: st, to: to, creating: creating, active: map[string]bool{}}
	before := st.present
	if err := s.start(func(ctx context.Context) { w.run(ctx, before) }); err != nil {
		return err
	}
	s.eventLocked(st, nil, status, "User Initiated")
	st.present = to
	return nil
}

func (w *work) run(ctx context.Context, before desired) {
	failed, err := w.forward(ctx)
	switch {
	case errors.Is(err, errEnded):
		return
	case err == nil:
		w.complete(ctx)
	case w.creating:
		w.rollBackCreation(ctx, failed, err)
	default:
		w.rollBackUpdate(ctx, failed, err, before)
	}
	w.mu.Lock()
	deleting := w.st.deleting && !w.st.busy()
	if deleting {
		w.eventLocked(w.st, nil, deleteInProgress, "User Initiated")
	}
	w.mu.Unlock()
	if deleting {
		w.remove(ctx, w.st, nil)
	}
}

// forward does everything that can fail. failed is the resource that did, if one did.
func (w *work) forward(ctx context.Context) (failed *resource, err error) {
	for _, id := range w.to.t.order {
		if !w.pause(ctx) {
			return nil, errEnded
		}
		if failed, err = w.apply(ctx, id); err != nil {
			return failed, err
		}
	}
	if !w.pause(ctx) {
		return nil, errEnded
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.st.outputs, err = w.resolveOutputs(w.st, &w.to, w.evaluation(w.st, &w.to, w.st.made))
	return nil, err
}

// apply makes one resource what the template says.
func (w *work) apply(ctx context.Context, id string) (*resource, error) {
	w.mu.Lock()
	d := w.to.t.resources[id]
	e := w.evaluation(w.st, &w.to, w.st.made)
	holds, err := e.active(d.condition)
	old := w.st.resources[id]
	if old != nil && old.gone() {
		old = nil
	}
	next := &resource{
		id: id, kind: d.kind, stackTags: w.to.tags, needs: d.needs, metadata: d.metadata, deletion: d.deletion, replacing: d.replacing, at: w.cfg.Now(),
	}
	if err == nil && holds {
		next.properties, err = e.properties(d)
	}
	cancelled := w.st.cancelled
	w.mu.Unlock()
	if !holds && err == nil {
		return nil, nil
	}
	w.active[id] = true
	var c *change
	if err == nil {
		if c = w.compare(old, d, next.properties, w.to.tags); c == nil {
			return nil, nil
		}
	}
	switch {
	case old == nil:
		return next, w.create(ctx, next, nil, err, cancelled)
	case err == nil && c.replaced:
		kind := w.cfg.Kinds[d.kind]
		if kind.Name != "" && next.properties[kind.Name] != nil && same(old.properties[kind.Name], next.properties[kind.Name]) {
			err = fmt.Errorf("CloudFormation cannot update a stack when a custom-named resource requires replacing. Rename %s and update the stack again.", scalar(next.properties[kind.Name])) //nolint:staticcheck,revive // AWS's own words
		}
		return next, w.create(ctx, next, old, err, cancelled)
	case err == nil && !c.touches():
		next.physical, next.attributes, next.status = old.physical, old.attributes, old.status
		w.put(next, old)
		return nil, nil
	}
	return next, w.update(ctx, old, next, err, cancelled)
}

// put makes next what the stack has, and remembers what it had.
func (w *work) put(next, old *resource) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.st.resources[next.id] = next
	w.undo = append(w.undo, undo{next.id, old})
}

// create makes a resource, in the place of old where that is not nil. already is why it
// cannot be made, if that is known.
func (w *work) create(ctx context.Context, next, old *resource, already error, cancelled bool) error {
	begun, done, fails, reason := createInProgress, createComplete, createFailed, ""
	if old != nil {
		begun, done, fails = updateInProgress, updateComplete, updateFailed
		reason = "Requested update requires the creation of a new physical resource; hence creating one."
	}
	w.put(next, old)
	if cancelled {
		w.event(w.st, next, fails, "Resource creation cancelled")
		return errors.New("the change was cancelled")
	}
	w.event(w.st, next, begun, reason)
	if !w.pause(ctx) {
		return errEnded
	}
	made, err := Made{}, already
	if kind := w.cfg.Kinds[next.kind]; err == nil {
		made, err = kind.Create(ctx, w.given(next))
	}
	if err != nil {
		return w.failed(ctx, next, fails, err)
	}
	w.mu.Lock()
	next.physical, next.attributes = made.ID, made.Attributes
	if old != nil {
		w.spare = append(w.spare, old)
	}
	w.mu.Unlock()
	w.event(w.st, next, begun, "Resource creation Initiated")
	w.event(w.st, next, done, "")
	return nil
}

func (w *work) update(ctx context.Context, old, next *resource, already error, cancelled bool) error {
	next.physical, next.attributes = old.physical, old.attributes
	w.put(next, old)
	if cancelled {
		w.event(w.st, next, updateFailed, "Resource update cancelled")
		return errors.New("the change was cancelled")
	}
	w.event(w.st, next, updateInProgress, "")
	if !w.pause(ctx) {
		return errEnded
	}
	err := already
	if err == nil {
		err = w.change(ctx, old, next)
	}
	if err != nil {
		return w.failed(ctx, next, updateFailed, err)
	}
	w.event(w.st, next, updateComplete, "")
	return nil
}

// change has a resource changed in place.
func (w *work) change(ctx context.Context, old, next *resource) error {
	kind := w.cfg.Kinds[next.kind]
	if kind.Update == nil {
		return nil
	}
	made, err := kind.Update(ctx, w.given(old), w.given(next))
	if err != nil {
		return err
	}
	if made.Attributes != nil {
		w.mu.Lock()
		next.attributes = made.Attributes
		w.mu.Unlock()
	}
	return nil
}

// failed notes why a resource could not be made what it should be.
func (w *work) failed(ctx context.Context, r *resource, status string, err error) error {
	if ctx.Err() != nil {
		return errEnded
	}
	w.event(w.st, r, status, reasonOf(err))
	return err
}

// reasonOf is an error in the words of a resource's handler.
func reasonOf(err error) string {
	e, internal := wire.AsError(err)
	switch {
	case internal || e.Code == "ValidationError":
		if e.Code == "ValidationError" {
			return e.Message
		}
		return err.Error()
	case e.Code == "Kept": // words that CloudFormation itself says
		return e.Message
	}
	code := "InvalidRequest"
	switch {
	case strings.Contains(e.Code, "Exist") && !strings.Contains(e.Code, "NotExist") && !strings.Contains(e.Code, "DoesNotExist"), e.HTTPStatus() == http.StatusConflict, e.Code == "QueueNameExists":
		code = "AlreadyExists"
	case e.HTTPStatus() == http.StatusNotFound:
		code = "NotFound"
	case !e.SenderFault:
		code = "GeneralServiceException"
	}
	return fmt.Sprintf("Resource handler returned message: %q (RequestToken: %s, HandlerErrorCode: %s)", e.Message, wire.NewID(), code)
}

// given is a resource as a Kind gets it.
func (w *work) given(r *resource) Resource { return w.Service.given(w.st, r) }

func (s *Service) given(st *stack, r *resource) Resource {
	return Resource{
		Stack: st.name, StackID: st.id, LogicalID: r.id, PhysicalID: r.physical, Properties: r.properties, StackTags: r.stackTags,
	}
}

// complete ends a change that has succeeded: what is not wanted any more is deleted.
func (w *work) complete(ctx context.Context) {
	if w.creating {
		w.event(w.st, nil, createComplete, "")
		return
	}
	w.event(w.st, nil, updateCleanup, "")
	w.mu.Lock()
	surplus := w.surplus(w.st, w.active)
	w.mu.Unlock()
	if w.clean(ctx, deletionOrder(w.spare), func(r *resource) string { return r.replacing }) &&
		w.clean(ctx, surplus, func(r *resource) string { return r.deletion }) {
		w.event(w.st, nil, updateComplete, "")
	}
}

// clean deletes resources that the stack has no use for, unless their policy keeps them;
// what cannot be deleted is left. False says that the service has ended.
func (w *work) clean(ctx context.Context, list []*resource, policy func(*resource) string) bool {
	for _, r := range list {
		if err := w.destroy(ctx, w.st, r, policy(r)); errors.Is(err, errEnded) {
			return false
		}
		w.mu.Lock()
		if w.st.resources[r.id] == r {
			delete(w.st.resources, r.id)
		}
		w.mu.Unlock()
	}
	return true
}

// destroy deletes one resource, unless its policy keeps it.
func (s *Service) destroy(ctx context.Context, st *stack, r *resource, policy string) error {
	if !s.pause(ctx) {
		return errEnded
	}
	if policy == "Retain" || policy == "RetainExceptOnCreate" {
		s.event(st, r, deleteSkipped, "")
		return nil
	}
	s.event(st, r, deleteInProgress, "")
	if !s.pause(ctx) {
		return errEnded
	}
	if kind := s.cfg.Kinds[r.kind]; kind.Delete != nil && r.physical != "" {
		if err := kind.Delete(ctx, s.given(st, r)); err != nil {
			if ctx.Err() != nil {
				return errEnded
			}
			s.event(st, r, deleteFailed, reasonOf(err))
			return err
		}
	}
	s.event(st, r, deleteComplete, "")
	return nil
}
