package runtime

import (
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"slices"

	"github.com/microfox-ai/aiwctl/dispatch"
	"github.com/microfox-ai/aiwctl/dispatch/schedule"
	"github.com/microfox-ai/aiwctl/runtime/internal/jsonlog"
)

// workerSchedule is a schedule whose input has not been checked yet.
type workerSchedule struct {
	expression string
	input      any // of the handler's input type; nil means {}
	given      bool
	disabled   bool
	encoded    json.RawMessage
}

// ScheduleOption changes a schedule of a worker.
type ScheduleOption func(*workerSchedule)

// ScheduleInput sets the input of the schedule's jobs, of the handler's input type.
// New refuses one that does not fit the worker's schema. Default: {}.
func ScheduleInput(input any) ScheduleOption {
	return func(s *workerSchedule) { s.input, s.given = input, true }
}

// ScheduleDisabled deploys the schedule switched off.
func ScheduleDisabled() ScheduleOption {
	return func(s *workerSchedule) { s.disabled = true }
}

// WithSchedule runs the worker by the clock: rate(5 minutes), rate(1 day) or
// cron(0 9 ? * MON-FRI *), in UTC; package schedule says what is allowed. Each run
// is a job in the worker's queue like any other, with
// metadata.__trigger = {type: "schedule", at}. Several options add up.
//
// EventBridge runs a schedule at least once: with a Store a run that comes twice is
// still one job. Locally the endpoint runs schedules while it is up.
func WithSchedule(expression string, opts ...ScheduleOption) Option {
	ws := workerSchedule{expression: expression}
	for _, o := range opts {
		if o != nil {
			o(&ws)
		}
	}
	return func(s *settings) { s.schedules = append(s.schedules, ws) }
}

// checkSchedules reads the expressions, and encodes the inputs and checks them
// against the schema, which may be nil when there is none to check against.
func (s *settings) checkSchedules(input *schema, t reflect.Type) error {
	var errs []error
	s.schedules = slices.Clone(s.schedules)
	for i := range s.schedules {
		ws := &s.schedules[i]
		parsed, err := schedule.Parse(ws.expression)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		ws.expression = parsed.String()
		if err := ws.check(input, t); err != nil {
			errs = append(errs, fmt.Errorf("schedule %q: %w", ws.expression, err))
		}
	}
	return errors.Join(errs...)
}

func (ws *workerSchedule) check(input *schema, t reflect.Type) error {
	text := json.RawMessage("{}")
	if ws.given {
		if ws.input == nil || !reflect.TypeOf(ws.input).AssignableTo(t) {
			return fmt.Errorf("its input is of type %T, the worker's of type %v", ws.input, t)
		}
		var err error
		if text, err = jsonlog.Encode(ws.input); err != nil {
			return fmt.Errorf("encode its input: %w", err)
		}
		ws.encoded = text
	}
	switch {
	case input == nil: // its own error has been reported
		return nil
	case input.inferred != nil && ws.given:
		return nil // what a type writes fits what was inferred from it
	case input.inferred != nil:
		if missing := input.inferred.missing(); missing != "" {
			return fmt.Errorf("its input {} does not fit the worker: %s; give it one with ScheduleInput", missing)
		}
		return nil
	}
	violations, _, err := input.validate(text)
	if err != nil {
		return fmt.Errorf("check its input: %w", err)
	}
	if len(violations) > 0 {
		return fmt.Errorf("its input %s does not fit the worker: %s", jsonlog.Truncate(string(text), 200), describeViolations(violations))
	}
	return nil
}

func (s settings) scheduleSettings() []dispatch.ScheduleSetting {
	var out []dispatch.ScheduleSetting
	for _, ws := range s.schedules {
		out = append(out, dispatch.ScheduleSetting{Expression: ws.expression, Input: ws.encoded, Disabled: ws.disabled})
	}
	return out
}
