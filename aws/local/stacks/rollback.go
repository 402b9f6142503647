package stacks

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// why is the reason of a stack that goes back.
func why(failed *resource, err error) string {
	switch {
	case failed == nil:
		return reasonOf(err)
	case failed.status == createFailed:
		return fmt.Sprintf("The following resource(s) failed to create: [%s]. ", failed.id)
	default:
		return fmt.Sprintf("The following resource(s) failed to update: [%s]. ", failed.id)
	}
}

// rollBackCreation takes away what was made of a stack that cannot be made.
func (w *work) rollBackCreation(ctx context.Context, failed *resource, err error) {
	reason := why(failed, err)
	switch {
	case w.to.onFailure == "DELETE":
		w.event(w.st, nil, deleteInProgress, reason+"Delete requested by user.")
		w.remove(ctx, w.st, nil)
		return
	case w.to.noRollback:
		w.event(w.st, nil, createFailed, reason)
		return
	}
	w.event(w.st, nil, rollbackInProgress, reason+"Rollback requested by user.")
	bad, err := w.destroyAll(ctx, w.st, nil)
	switch {
	case errors.Is(err, errEnded):
	case len(bad) > 0:
		w.event(w.st, nil, rollbackFailed, "The following resource(s) failed to delete: ["+strings.Join(bad, ", ")+"]. ")
	default:
		w.mu.Lock()
		w.st.outputs = nil
		w.mu.Unlock()
		w.event(w.st, nil, rollbackComplete, "")
	}
}

// destroyAll deletes every resource of a stack that is there, but for those to be kept, and
// says which could not be deleted.
func (s *Service) destroyAll(ctx context.Context, st *stack, retained []string) (bad []string, err error) {
	s.mu.Lock()
	list := s.surplus(st, nil)
	rolledBack := st.status == rollbackInProgress
	s.mu.Unlock()
	for _, r := range list {
		policy := r.deletion
		switch {
		case slices.Contains(retained, r.id):
			policy = "Retain"
		case rolledBack: // what was just made holds nothing yet that somebody may want
			policy = ""
		}
		if err := s.destroy(ctx, st, r, policy); errors.Is(err, errEnded) {
			return nil, err
		} else if err != nil {
			bad = append(bad, r.id)
		}
	}
	return bad, nil
}

// remove deletes a stack whose state says so already.
func (s *Service) remove(ctx context.Context, st *stack, retained []string) {
	bad, err := s.destroyAll(ctx, st, retained)
	switch {
	case errors.Is(err, errEnded):
		return
	case len(bad) > 0:
		s.event(st, nil, deleteFailed, "The following resource(s) failed to delete: ["+strings.Join(bad, ", ")+"]. ")
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	st.outputs, st.deleted, st.deleting = nil, s.cfg.Now(), false
	st.changeSets = nil
	s.eventLocked(st, nil, deleteComplete, "")
}

// rollBackUpdate makes the stack again what it was before.
func (w *work) rollBackUpdate(ctx context.Context, failed *resource, err error, before desired) {
	reason := why(failed, err)
	if w.to.noRollback {
		w.event(w.st, nil, updateFailed, reason)
		return
	}
	w.mu.Lock()
	w.st.present = before
	cancelled := w.st.cancelled
	w.st.cancelled = false
	w.mu.Unlock()
	if cancelled {
		reason = "User Initiated"
	}
	w.event(w.st, nil, updateRollbackInProgress, reason)
	w.spare = nil
	w.goBack(ctx)
}

// goBack undoes what w.undo says, from its end.
func (w *work) goBack(ctx context.Context) {
	for len(w.undo) > 0 {
		last := w.undo[len(w.undo)-1]
		err := w.undoOne(ctx, last)
		if errors.Is(err, errEnded) {
			return
		}
		if err != nil {
			w.mu.Lock()
			w.st.undo, w.st.spare = w.undo, w.spare
			w.mu.Unlock()
			w.event(w.st, nil, updateRollbackFailed, "The following resource(s) failed to update: ["+last.id+"]. ")
			return
		}
		w.undo = w.undo[:len(w.undo)-1]
	}
	w.event(w.st, nil, updateRollbackCleanup, "")
	kept := func(r *resource) string {
		if r.deletion == "RetainExceptOnCreate" {
			return ""
		}
		return r.deletion
	}
	if !w.clean(ctx, deletionOrder(w.spare), kept) {
		return
	}
	w.mu.Lock()
	w.st.undo, w.st.spare = nil, nil
	e := w.evaluation(w.st, &w.st.present, w.st.made)
	if outputs, err := w.resolveOutputs(w.st, &w.st.present, e); err == nil {
		w.st.outputs = outputs
	}
	w.mu.Unlock()
	w.event(w.st, nil, updateRollbackComplete, "")
}

// undoOne makes one resource what it was.
func (w *work) undoOne(ctx context.Context, u undo) error {
	if !w.pause(ctx) {
		return errEnded
	}
	w.mu.Lock()
	now := w.st.resources[u.id]
	w.mu.Unlock()
	switch {
	case now == nil:
		return nil
	case u.old == nil || u.old.physical != now.physical:
		// It was made by the update, and is deleted in the end.
		if now.physical != "" {
			w.spare = append(w.spare, now)
		}
		w.mu.Lock()
		if u.old == nil && now.physical == "" {
			delete(w.st.resources, u.id)
		}
		if u.old != nil {
			w.st.resources[u.id] = u.old
		}
		w.mu.Unlock()
		if u.old != nil {
			w.event(w.st, u.old, updateInProgress, "")
			w.event(w.st, u.old, updateComplete, "")
		}
		return nil
	}
	old := *u.old
	w.event(w.st, &old, updateInProgress, "")
	if err := w.change(ctx, now, &old); err != nil {
		if ctx.Err() != nil {
			return errEnded
		}
		w.mu.Lock()
		w.st.resources[u.id] = now
		w.mu.Unlock()
		w.event(w.st, now, updateFailed, reasonOf(err))
		return err
	}
	w.mu.Lock()
	w.st.resources[u.id] = &old
	w.mu.Unlock()
	w.event(w.st, &old, updateComplete, "")
	return nil
}
