package aws

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	awssdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
)

// ErrNoMapping says that nothing reads a worker's queue, so that there is nothing
// to pause and nothing to resume.
var ErrNoMapping = errors.New("no event source mapping")

// settleEvery is the pace at which a mapping's state is read while it changes. AWS
// takes some seconds to half a minute.
const settleEvery = time.Second

// busyPatience is how long an update waits for a mapping that AWS is still
// changing, and therefore does not take updates for.
const busyPatience = time.Minute

// PauseRequest pauses workers or lets them go on.
type PauseRequest struct {
	Worker Worker
	// Resume lets it go on instead.
	Resume bool
	// Wait returns only when AWS has done it: jobs that are under way then have
	// ended. Without it AWS has accepted it, and does it within a minute.
	Wait bool
	// OnState is told the mappings' state while it is waited for; nil means nobody is.
	OnState func(state string)
}

// PauseResult is what became of a worker's mappings.
type PauseResult struct {
	WorkerID string `json:"workerId"`
	// Changed is false when they were in the wanted state already, or on their way
	// there.
	Changed  bool           `json:"changed"`
	Mappings []MappingState `json:"mappings"`
}

// MappingState is an event source mapping before and after.
type MappingState struct {
	UUID     string `json:"uuid"`
	Function string `json:"function"`
	Before   string `json:"before"`
	// State is Lambda's: Enabled, Disabled, or on the way there Enabling, Disabling,
	// Updating.
	State string `json:"state"`
}

// States are the states in a word or two; those of several mappings that differ
// follow each other.
func (r *PauseResult) States() string {
	var states []string
	for _, m := range r.Mappings {
		if !slices.Contains(states, m.State) {
			states = append(states, m.State)
		}
	}
	return strings.Join(states, ", ")
}

// Pause disables every event source mapping that reads the worker's queue, or
// enables them, through the guard; of a queue that push has taken over from another
// function, only the mapping of the new one is enabled. Jobs under way go on; messages wait in the queue,
// for as long as its retention lets them.
//
// Nothing is written when they all are in the wanted state. The error wraps
// ErrNoMapping when there is none. When ctx ends while it waits the result says how
// far AWS has got, beside the error.
func (s *Stage) Pause(ctx context.Context, r PauseRequest) (PauseResult, error) {
	res, err := s.PlanPause(ctx, r)
	if err != nil {
		return res, err
	}
	verb, name, _, done := r.words()
	if res.Changed {
		var ids []string
		for _, m := range res.Mappings {
			ids = append(ids, m.UUID)
		}
		changed := 0
		action := Action{Name: name, Object: r.Worker.ID, Count: len(ids), IDs: ids, Tally: func() (int, int) { return changed, len(ids) - changed }}
		err := s.guard.Do(ctx, action, func(ctx context.Context, w Writer) error {
			for i := range res.Mappings {
				m := &res.Mappings[i]
				if !r.wants(m.State) {
					state, err := s.updateMapping(ctx, w, m.UUID, r.Resume)
					if err != nil {
						return fmt.Errorf("%s worker %q: mapping %s: %w", verb, r.Worker.ID, m.UUID, err)
					}
					m.State = state
				}
				changed++
			}
			return nil
		})
		if err != nil {
			res.Changed = changed > 0
			return res, err
		}
	}
	for r.Wait {
		settled := !slices.ContainsFunc(res.Mappings, func(m MappingState) bool { return m.State != done })
		if r.OnState != nil {
			r.OnState(res.States())
		}
		if settled {
			break
		}
		if err := pause(ctx, settleEvery); err != nil {
			return res, fmt.Errorf("%s worker %q: AWS has accepted it, and it is still %s: %w", verb, r.Worker.ID, strings.ToLower(res.States()), err)
		}
		if err := s.readStates(ctx, &r.Worker, &res); err != nil {
			if kind, _ := Classify(err); ctx.Err() == nil && kind.Transient() {
				continue
			}
			return res, fmt.Errorf("%s worker %q: AWS has accepted it, and whether it is done cannot be read: %w", verb, r.Worker.ID, err)
		}
	}
	return res, nil
}

// PlanPause says what Pause would find: Changed is whether it would write.
func (s *Stage) PlanPause(ctx context.Context, r PauseRequest) (PauseResult, error) {
	verb, _, _, _ := r.words()
	res := PauseResult{WorkerID: r.Worker.ID}
	if r.Worker.Queue == nil || r.Worker.Queue.ARN == "" {
		return res, fmt.Errorf("%s worker %q: %w: its queue was not found", verb, r.Worker.ID, ErrNoMapping)
	}
	found, err := s.mappingsOf(ctx, r.Worker.Queue)
	if err != nil {
		return res, fmt.Errorf("%s worker %q: read its event source mappings: %w", verb, r.Worker.ID, err)
	}
	if r.Resume && slices.ContainsFunc(found, func(m mapped) bool { return m.function.adopter() }) {
		// The function that the queue was taken over from stays off.
		found = slices.DeleteFunc(found, func(m mapped) bool { return !m.function.adopter() })
	}
	if len(found) == 0 {
		return res, fmt.Errorf("%s worker %q: %w: nothing reads queue %s, so there is nothing to %s", verb, r.Worker.ID, ErrNoMapping, r.Worker.Queue.Name, verb)
	}
	for _, m := range found {
		res.Mappings = append(res.Mappings, MappingState{UUID: m.UUID, Function: m.function.name, Before: m.State, State: m.State})
		res.Changed = res.Changed || !r.wants(m.State)
	}
	return res, nil
}

// words are the request's: what is done, as the audit trail has it, what AWS says
// while it does it and when it has.
func (r *PauseRequest) words() (verb, action, under, done string) {
	if r.Resume {
		return "resume", "workers.resume", "Enabling", "Enabled"
	}
	return "pause", "workers.pause", "Disabling", "Disabled"
}

// wants is whether a state is the wanted one, or leads there by itself.
func (r *PauseRequest) wants(state string) bool {
	_, _, under, done := r.words()
	return state == under || state == done
}

// mappingsOf reads the mappings of one queue.
func (s *Stage) mappingsOf(ctx context.Context, q *Queue) ([]mapped, error) {
	in := &lambda.ListEventSourceMappingsInput{EventSourceArn: awssdk.String(q.ARN)}
	var out []mapped
	for {
		page, err := s.api.lambda.ListEventSourceMappings(ctx, in)
		if err != nil {
			return nil, err
		}
		for i := range page.EventSourceMappings {
			m := &page.EventSourceMappings[i]
			if awssdk.ToString(m.EventSourceArn) == q.ARN {
				out = append(out, mapped{function: functionFromARN(awssdk.ToString(m.FunctionArn)), Mapping: Mapping{UUID: awssdk.ToString(m.UUID), State: awssdk.ToString(m.State)}})
			}
		}
		if in.Marker = page.NextMarker; awssdk.ToString(in.Marker) == "" {
			return out, nil
		}
	}
}

// readStates reads the present states. A mapping that is gone is an error: what was
// asked for cannot come true.
func (s *Stage) readStates(ctx context.Context, w *Worker, res *PauseResult) error {
	now, err := s.mappingsOf(ctx, w.Queue)
	if err != nil {
		return err
	}
	for i := range res.Mappings {
		at := slices.IndexFunc(now, func(m mapped) bool { return m.UUID == res.Mappings[i].UUID })
		if at < 0 {
			return &types.ResourceNotFoundException{Message: awssdk.String("the event source mapping " + res.Mappings[i].UUID + " was deleted meanwhile")}
		}
		res.Mappings[i].State = now[at].State
	}
	return nil
}

// updateMapping enables or disables a mapping. One that AWS is still changing takes
// no update: it is tried again for a while.
// https://docs.aws.amazon.com/lambda/latest/api/API_UpdateEventSourceMapping.html
func (s *Stage) updateMapping(ctx context.Context, w Writer, uuid string, enabled bool) (state string, err error) {
	for deadline := s.opts.Now().Add(busyPatience); ; {
		out, err := w.UpdateEventSourceMapping(ctx, &lambda.UpdateEventSourceMappingInput{UUID: &uuid, Enabled: &enabled})
		if err == nil {
			return awssdk.ToString(out.State), nil
		}
		if _, busy := errors.AsType[*types.ResourceInUseException](err); !busy || !s.opts.Now().Before(deadline) {
			return "", err
		}
		if perr := pause(ctx, settleEvery); perr != nil {
			return "", errors.Join(perr, err)
		}
	}
}

// pause waits; the error is ctx's.
func pause(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
