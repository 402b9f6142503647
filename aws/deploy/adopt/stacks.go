package adopt

import (
	"context"
	"fmt"
	"slices"

	"github.com/microfox-ai/aiwctl/aws/deploy/project"
)

// isOurs is whether a stack was made by a deployment of the project.
func isOurs(st *stack, p *project.Project) bool {
	stage, has := st.tags[project.TagStage]
	return st.tags[project.TagProject] == p.Service && (!has || stage == p.Stage)
}

// StackSuffix decides what follows the names of the project's stacks: nothing, or
// project.ForeignSuffix when stacks of ours have it already, or when another tool's stack has
// one of the names and no stack of ours has the plain ones. foreign are the stacks of others
// that have a name of the project's. It does not change p.
func StackSuffix(ctx context.Context, s Reader, p *project.Project) (suffix string, foreign []Existing, err error) {
	suffix, foreign, _, err = stackSuffix(ctx, s, p)
	return suffix, foreign, err
}

func stackSuffix(ctx context.Context, s Reader, p *project.Project) (suffix string, foreign []Existing, ours []string, err error) {
	plain := *p
	plain.StackSuffix = ""
	stacks := plain.Stacks()
	names := make([]string, 0, 2*len(stacks))
	for _, st := range stacks {
		names = append(names, st.Name, st.Name+project.ForeignSuffix)
	}
	read := make([]*stack, len(names))
	if err := each(ctx, len(names), func(ctx context.Context, i int) (err error) {
		read[i], err = readStack(ctx, s, names[i])
		return err
	}); err != nil {
		return "", nil, nil, err
	}
	var oursPlain, oursSuffixed []string
	var foreignPlain, foreignSuffixed []Existing
	for i, st := range read {
		if st == nil {
			continue
		}
		mine, others := &oursPlain, &foreignPlain
		if i%2 == 1 {
			mine, others = &oursSuffixed, &foreignSuffixed
		}
		if isOurs(st, p) {
			*mine = append(*mine, st.name)
			continue
		}
		st.tags[tagCloudFormation] = st.name
		*others = append(*others, Existing{Kind: KindStack, Name: st.name, Stack: st.name, Tool: toolOf(st.tags)})
	}
	if len(oursSuffixed) > 0 || len(oursPlain) == 0 && len(foreignPlain) > 0 {
		return project.ForeignSuffix, append(foreignPlain, foreignSuffixed...), oursSuffixed, nil
	}
	return "", foreignPlain, oursPlain, nil
}

// settleStacks decides on p's StackSuffix, and gives the names of the stacks that are ours.
func (a *Adoption) settleStacks(ctx context.Context) (ours []string, err error) {
	suffix, foreign, ours, err := stackSuffix(ctx, a.s, a.p)
	if err != nil {
		return nil, err
	}
	a.p.StackSuffix, a.Existing = suffix, foreign
	a.deployed = len(ours) > 0
	for _, name := range a.o.Stacks {
		if !slices.Contains(ours, name) {
			ours = append(ours, name)
		}
	}
	return ours, nil
}

// stackProblem says why another's stack is in the way; empty when it is not.
func (a *Adoption) stackProblem(e *Existing) string {
	for _, st := range a.p.Stacks() {
		if st.Name != e.Name {
			continue
		}
		// Ours would have this very name.
		if st.Base() {
			return fmt.Sprintf("%s: choose another service with --service", e)
		}
		return fmt.Sprintf("%s: call group %s differently", e, st.Group)
	}
	if a.deployed || a.o.All || len(a.o.Adopt) > 0 {
		return ""
	}
	return fmt.Sprintf("%s: with --adopt, ours is called %s%s and stands beside it", e, e.Name, project.ForeignSuffix)
}
