package adopt

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/microfox-ai/aiwctl/aws/deploy/project"
)

// PlanGiveBack says what GiveBack would do with a worker's queue. It reads nothing.
func PlanGiveBack(id string, ad project.Adopted) []Step {
	if len(ad.Mappings) == 0 {
		return []Step{{id, fmt.Sprintf("queue %s stays, and nobody reads it: nothing did before it was adopted", ad.Queue)}}
	}
	steps := []Step{{id, fmt.Sprintf("disable our mapping of queue %s, and wait until it is off", ad.Queue)}}
	if ad.Was != nil {
		steps = append(steps, Step{id, fmt.Sprintf("queue %s: visibility timeout %d s and maxReceiveCount %d again", ad.Queue, ad.Was.VisibilityTimeoutSeconds, ad.Was.MaxReceiveCount)})
	}
	return append(steps, Step{id, fmt.Sprintf("enable the mapping by which function %s has read it", ad.Function)})
}

// GiveBack lets the functions that have read adopted queues read them again: our mapping is
// disabled, and when it is off the old one is enabled. It comes before our stacks change or go:
// what was adopted stands in them, so that after a kill it is done again and finishes. Old
// mappings that are gone, with their stack, are told in notes: the queue then has no reader
// once ours is removed.
func GiveBack(ctx context.Context, s Reader, guard Guard, adopted map[string]project.Adopted, o Options) (notes []string, err error) {
	a := &Adoption{s: s, guard: guard, o: o}
	for _, id := range slices.Sorted(maps.Keys(adopted)) {
		note, err := a.giveBack(ctx, id, adopted[id])
		if note != "" {
			notes = append(notes, note)
		}
		if err != nil {
			return notes, fmt.Errorf("give queue %s back: %w", adopted[id].Queue, err)
		}
	}
	return notes, nil
}

func (a *Adoption) giveBack(ctx context.Context, id string, ad project.Adopted) (note string, err error) {
	f, err := a.read(ctx, ad.QueueURL)
	if errors.Is(err, errGone) {
		return fmt.Sprintf("worker %q: queue %s is gone: there is nothing to give back", id, ad.Queue), nil
	} else if err != nil {
		return "", err
	}
	var ours, old []Mapping
	for _, m := range f.mappings {
		switch {
		case slices.Contains(ad.Mappings, m.UUID):
			old = append(old, m)
		case strings.HasSuffix(m.Function, "-go"): // as project.FunctionName calls it
			if m.State != "Disabled" {
				ours = append(ours, m)
			}
		}
	}
	if len(old) == 0 {
		return fmt.Sprintf("worker %q: the mapping that has fed function %s from queue %s is gone: nobody reads the queue once ours is removed", id, ad.Function, ad.Queue), nil
	}
	if len(ours) > 0 {
		a.event("worker %q: disabling our mapping of queue %s", id, ad.Queue)
		if err := a.turn(ctx, actionGiveBack, id, f, ours, false); err != nil {
			return "", err
		}
	}
	if ad.Was != nil && f.dlqARN != "" && f.setting != *ad.Was {
		if err := setQueue(ctx, a.guard, actionGiveBack, id, f, *ad.Was); err != nil {
			return "", err
		}
	}
	off := slices.DeleteFunc(old, func(m Mapping) bool { return m.State == "Enabled" })
	if len(off) == 0 {
		return "", nil
	}
	a.event("worker %q: enabling the mapping of function %s again", id, off[0].Function)
	return "", a.turn(ctx, actionGiveBack, id, f, off, true)
}
