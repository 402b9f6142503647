package adopt

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"github.com/microfox-ai/aiwctl/aws"
	"github.com/microfox-ai/aiwctl/aws/deploy/project"
)

// settleEvery is the pace at which a mapping's state is read while it changes.
const settleEvery = time.Second

// defaultPatience is how long AWS may take for it; it takes half a minute as a rule.
const defaultPatience = 5 * time.Minute

// The names of the actions in the audit trail.
const (
	actionFit      = "push.adopt.fit"
	actionSwitch   = "push.adopt.switch"
	actionGiveBack = "push.adopt.giveback"
)

// Fit sets the queues' visibility timeouts to what their functions need, where they are less,
// and the number of attempts of those whose mapping is ours already. It comes before the
// stacks, since Lambda refuses a mapping of a queue that hides messages for too short a time.
func (a *Adoption) Fit(ctx context.Context) error {
	for _, w := range a.p.Workers() {
		ad, ok := a.p.Adopted[w.ID]
		if !ok {
			continue
		}
		f := a.found[w.ID]
		want := project.QueueSetting{VisibilityTimeoutSeconds: visibility(w, f)}
		if ad.Live {
			want.MaxReceiveCount = receives(w, f)
		}
		if err := a.set(ctx, w.ID, want); err != nil {
			return err
		}
	}
	return nil
}

// set changes a queue's attributes, those of want that are not zero.
func (a *Adoption) set(ctx context.Context, id string, want project.QueueSetting) error {
	if want == (project.QueueSetting{}) {
		return nil
	}
	return setQueue(ctx, a.guard, actionFit, id, a.found[id], want)
}

func setQueue(ctx context.Context, g Guard, action, id string, f *facts, want project.QueueSetting) error {
	attributes := make(map[string]string)
	if n := want.VisibilityTimeoutSeconds; n > 0 {
		attributes["VisibilityTimeout"] = strconv.Itoa(n)
	}
	if n := want.MaxReceiveCount; n > 0 {
		policy, err := json.Marshal(map[string]any{"deadLetterTargetArn": f.dlqARN, "maxReceiveCount": n})
		if err != nil {
			return fmt.Errorf("write the redrive policy of %s: %w", f.name, err)
		}
		attributes["RedrivePolicy"] = string(policy)
	}
	err := g.Deploy(ctx, aws.Action{Name: action, Object: id, Count: 1, Queues: []string{f.url}}, func(ctx context.Context, w aws.DeployWriter) error {
		_, err := w.SetQueueAttributes(ctx, &sqs.SetQueueAttributesInput{QueueUrl: &f.url, Attributes: attributes})
		return err
	})
	if err != nil {
		return fmt.Errorf("worker %q: set %s of queue %s: %w", id, strings.Join(slices.Sorted(maps.Keys(attributes)), " and "), f.name, err)
	}
	if want.VisibilityTimeoutSeconds > 0 {
		f.setting.VisibilityTimeoutSeconds = want.VisibilityTimeoutSeconds
	}
	if want.MaxReceiveCount > 0 {
		f.setting.MaxReceiveCount = want.MaxReceiveCount
	}
	return nil
}

// Pending reports whether some queue is still to be switched: its mapping is not Live, or
// somebody else reads it too.
func (a *Adoption) Pending() bool {
	for _, w := range a.p.Workers() {
		if ad, ok := a.p.Adopted[w.ID]; ok && (!ad.Live || len(a.others(w)) > 0) {
			return true
		}
	}
	return false
}

// Switch disables the mappings that have read the adopted queues, waits until they are off,
// and sets Live in p.Adopted; the stacks are then to be deployed once more, which enables
// ours. Between the two nobody reads the queues, and messages wait in them. Our
// functions have to be deployed before. Doing it again is no harm.
func (a *Adoption) Switch(ctx context.Context) error {
	for _, w := range a.p.Workers() {
		ad, ok := a.p.Adopted[w.ID]
		if !ok {
			continue
		}
		f, err := a.read(ctx, ad.QueueURL)
		if err != nil {
			return fmt.Errorf("worker %q: %w", w.ID, err)
		}
		f.stack = ad.Stack
		a.found[w.ID] = f
		if !slices.ContainsFunc(f.mappings, func(m Mapping) bool { return m.Function == a.function(w) }) {
			// With neither of them nobody would read the queue.
			return fmt.Errorf("worker %q: no mapping feeds function %s from queue %s: the old one was left enabled: push again", w.ID, a.function(w), ad.Queue)
		}
		if others := a.others(w); len(others) > 0 {
			a.event("worker %q: disabling the mapping of function %s", w.ID, others[0].Function)
			if err := a.turn(ctx, actionSwitch, w.ID, f, others, false); err != nil {
				return err
			}
		}
		if n := receives(w, f); n > 0 {
			if err := a.set(ctx, w.ID, project.QueueSetting{MaxReceiveCount: n}); err != nil {
				return err
			}
		}
		ad.Live = true
		a.p.Adopted[w.ID] = ad
	}
	return nil
}

// Verify waits until our mappings are enabled, and sees to it that no other reads the queues.
func (a *Adoption) Verify(ctx context.Context) error {
	var failed []error
	for _, w := range a.p.Workers() {
		ad, ok := a.p.Adopted[w.ID]
		if !ok || !ad.Live {
			continue
		}
		ours := a.function(w)
		err := a.await(ctx, ad.QueueARN, func(ms []Mapping) (string, bool) {
			for _, m := range ms {
				if m.Function == ours {
					return m.State, m.State == "Enabled"
				}
			}
			return "not there", false
		})
		if err != nil {
			failed = append(failed, fmt.Errorf("worker %q: the mapping of function %s: %w", w.ID, ours, err))
			continue
		}
		now, err := readMappings(ctx, a.s, ad.QueueARN)
		if err != nil {
			failed = append(failed, fmt.Errorf("worker %q: %w", w.ID, err))
			continue
		}
		for _, m := range now {
			if m.Function != ours && m.enabled() {
				failed = append(failed, fmt.Errorf("worker %q: function %s reads queue %s as well, so that jobs are shared between both: push again, which disables it", w.ID, m.Function, ad.Queue))
			}
		}
	}
	return errors.Join(failed...)
}

// turn enables or disables mappings of one queue and waits until Lambda has done so.
func (a *Adoption) turn(ctx context.Context, action, id string, f *facts, mappings []Mapping, enabled bool) error {
	verb, done := "disable", "Disabled"
	if enabled {
		verb, done = "enable", "Enabled"
	}
	var ids []string
	for _, m := range mappings {
		ids = append(ids, m.UUID)
	}
	err := a.guard.Deploy(ctx, aws.Action{Name: action, Object: id, Count: len(ids), IDs: ids, Queues: []string{f.url}}, func(ctx context.Context, w aws.DeployWriter) error {
		for _, uuid := range ids {
			if err := a.update(ctx, w, uuid, enabled); err != nil {
				return fmt.Errorf("%s mapping %s: %w", verb, uuid, err)
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("worker %q: %w", id, err)
	}
	err = a.await(ctx, f.arn, func(ms []Mapping) (string, bool) {
		for _, m := range ms {
			if slices.Contains(ids, m.UUID) && m.State != done {
				return m.State, false
			}
		}
		return done, true
	})
	if err != nil {
		return fmt.Errorf("worker %q: %s the mapping of function %s: %w", id, verb, mappings[0].Function, err)
	}
	return nil
}

// update enables or disables a mapping. One that Lambda is still changing takes no update: it
// is tried again.
func (a *Adoption) update(ctx context.Context, w aws.DeployWriter, uuid string, enabled bool) error {
	deadline := time.Now().Add(a.patience())
	for {
		_, err := w.UpdateEventSourceMapping(ctx, &lambda.UpdateEventSourceMappingInput{UUID: &uuid, Enabled: &enabled})
		if _, busy := errors.AsType[*types.ResourceInUseException](err); !busy || time.Now().After(deadline) {
			return err
		}
		if perr := pause(ctx); perr != nil {
			return errors.Join(perr, err)
		}
	}
}

// await reads a queue's mappings until done says so; state is what they are until then.
func (a *Adoption) await(ctx context.Context, queueARN string, done func([]Mapping) (state string, ok bool)) error {
	deadline := time.Now().Add(a.patience())
	last := ""
	for {
		now, err := readMappings(ctx, a.s, queueARN)
		if kind, _ := aws.Classify(err); err != nil && (!kind.Transient() || ctx.Err() != nil) {
			return err
		}
		if err == nil {
			state, ok := done(now)
			if ok {
				return nil
			}
			if state != last {
				a.event("queue %s: the mapping is %s", nameOf(queueARN), strings.ToLower(state))
				last = state
			}
			if time.Now().After(deadline) {
				return fmt.Errorf("it is still %s after %s: push again, which goes on from here", strings.ToLower(state), a.patience())
			}
		}
		if err := pause(ctx); err != nil {
			return err
		}
	}
}

func (a *Adoption) patience() time.Duration {
	if a.o.Patience > 0 {
		return a.o.Patience
	}
	return defaultPatience
}

func (a *Adoption) event(format string, args ...any) {
	if a.o.OnEvent != nil {
		a.o.OnEvent(fmt.Sprintf(format, args...))
	}
}

// pause waits for settleEvery; the error is ctx's.
func pause(ctx context.Context) error {
	timer := time.NewTimer(settleEvery)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
