package adopt

import (
	"context"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/microfox-ai/aiwctl/aws"
)

// starter is the name of a function by which the TypeScript system starts a multi-step queue:
// <service>-<stage>-queue<Name>.
var starter = regexp.MustCompile(`-queue([A-Z][A-Za-z0-9]*)$`)

// warnOfSteps says where a stack has multi-step queues. The TypeScript system's worker hands its
// output to the next step by itself, which ours does not: taken over, such a worker ends the
// run without a word.
func (a *Adoption) warnOfSteps(ctx context.Context) error {
	stacks := make(map[string][]string) // to the workers whose queues they own
	for _, w := range a.p.Workers() {
		if ad, ok := a.p.Adopted[w.ID]; ok && ad.Stack != "" && !ad.Live {
			stacks[ad.Stack] = append(stacks[ad.Stack], w.ID)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(stacks)) {
		has := make(map[string]bool)
		if err := readOwned(ctx, a.s, name, has); err != nil {
			if kind, _ := aws.Classify(err); kind != aws.KindDenied && !noSuchStack(err) {
				return err
			}
			continue // it is more than taking a queue over needs
		}
		var queues []string
		for key := range has {
			if m := starter.FindStringSubmatch(key); m != nil && strings.HasPrefix(key, string(KindFunction)) {
				queues = append(queues, m[1])
			}
		}
		if len(queues) == 0 {
			continue
		}
		slices.Sort(queues)
		for _, id := range stacks[name] {
			w, _ := a.worker(id)
			a.warn(w, "stack %s has the multi-step queues %s: when the worker is a step of one, leave it with the TypeScript tools, since the new function does not start the next step", name, strings.Join(queues, ", "))
		}
	}
	return nil
}
