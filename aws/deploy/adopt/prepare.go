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

// Prepare says what of a project's names exists already, and settles p: StackSuffix, and
// Adopted with what earlier deployments have adopted and what is asked for now. It reads
// only. guard may be nil where nothing will be written, as for a dry run.
//
// The error is project.Problems when something is in the way, or when what was asked for
// cannot be adopted; all of it is told at once. The Adoption is returned beside these, for
// whoever shows what exists.
func Prepare(ctx context.Context, s Reader, guard Guard, p *project.Project, o Options) (*Adoption, error) {
	a := &Adoption{p: p, s: s, guard: guard, o: o, found: make(map[string]*facts), Released: make(map[string]project.Adopted)}
	p.Adopted = make(map[string]project.Adopted)
	var problems project.Problems
	stacks, err := a.settleStacks(ctx)
	if err != nil {
		return nil, fmt.Errorf("look for what exists already: %w", err)
	}
	if err := a.settle(ctx, stacks, &problems); err != nil {
		return nil, fmt.Errorf("look for what exists already: %w", err)
	}
	if len(problems) > 0 {
		return a, problems
	}
	return a, nil
}

func (a *Adoption) settle(ctx context.Context, stacks []string, problems *project.Problems) error {
	known, owned, err := readOurs(ctx, a.s, stacks)
	if err != nil {
		return err
	}
	a.owned = owned
	if err := a.remember(ctx, known); err != nil {
		return err
	}
	if a.Existing, err = a.find(ctx, a.Existing); err != nil {
		return err
	}
	adopted, ps := a.choose()
	*problems = append(*problems, ps...)
	for _, id := range slices.Sorted(maps.Keys(adopted)) {
		w, _ := a.worker(id)
		ad, f, ps, err := a.verify(ctx, w, adopted[id])
		if err != nil {
			return err
		}
		*problems = append(*problems, ps...)
		if len(ps) == 0 {
			a.p.Adopted[id], a.found[id] = ad, f
		}
	}
	*problems = append(*problems, a.collisions(adopted)...)
	a.plan()
	return a.warnOfSteps(ctx)
}

// Find says which of the project's queues, dead-letter queues, functions and stacks exist
// in the account and are not the project's own. It changes nothing, and adopts nothing.
func Find(ctx context.Context, s Reader, p *project.Project) ([]Existing, error) {
	look := *p
	a, err := Prepare(ctx, s, nil, &look, Options{})
	if _, found := errors.AsType[project.Problems](err); err != nil && !found {
		return nil, err
	}
	return a.Existing, nil
}

// Load reads what stacks have adopted from their templates, by worker. It is for who
// removes a stage and has no code of it.
func Load(ctx context.Context, s Reader, stacks ...string) (map[string]project.Adopted, error) {
	out := make(map[string]project.Adopted)
	for _, name := range stacks {
		adopted, err := readAdopted(ctx, s, name)
		if err != nil {
			return nil, err
		}
		maps.Copy(out, adopted)
	}
	return out, nil
}

// readOurs reads what our stacks have adopted, and what they have.
func readOurs(ctx context.Context, s Reader, stacks []string) (known map[string]project.Adopted, owned map[string]bool, err error) {
	known, owned = make(map[string]project.Adopted), make(map[string]bool)
	for _, name := range stacks {
		adopted, err := readAdopted(ctx, s, name)
		if err != nil {
			return nil, nil, err
		}
		maps.Copy(known, adopted)
		if err := readOwned(ctx, s, name, owned); err != nil {
			return nil, nil, err
		}
	}
	return known, owned, nil
}

// remember keeps what earlier deployments have adopted, as far as it is still so.
func (a *Adoption) remember(ctx context.Context, known map[string]project.Adopted) error {
	exists := make(map[string]bool) // the stacks that own the queues
	for _, id := range slices.Sorted(maps.Keys(known)) {
		ad := known[id]
		w, ok := a.worker(id)
		switch {
		case !ok:
			a.Released[id] = ad
			a.warn(w, "worker %q is no longer in the code: its queue %s stays, and nothing would read it: the mapping that fed it before is enabled again first", id, ad.Queue)
			continue
		case a.owned[string(KindQueue)+ad.Queue]:
			continue // it was imported into our own stack
		}
		f, err := a.read(ctx, ad.QueueURL)
		if errors.Is(err, errGone) {
			a.warn(w, "queue %s, which it had adopted, is gone: it gets queues of its own, and messages that were in the other are lost", ad.Queue)
			continue
		} else if err != nil {
			return err
		}
		if ad.Stack != "" && !exists[ad.Stack] {
			st, err := readStack(ctx, a.s, ad.Stack)
			if err != nil {
				return err
			}
			if exists[ad.Stack] = st != nil; st == nil {
				ad.Stack = "" // it was removed and has left the queue: nobody else's template has it
			}
		}
		for _, m := range f.mappings {
			// Somebody else who reads the queue is to be switched off as well.
			if !a.isOurs(w, m) && m.enabled() && !slices.Contains(ad.Mappings, m.UUID) {
				ad.Mappings = append(slices.Clone(ad.Mappings), m.UUID)
			}
		}
		a.p.Adopted[id], a.found[id] = ad, f
	}
	return nil
}

// choose says which workers are to be adopted now, and by which queue.
func (a *Adoption) choose() (map[string]*Existing, project.Problems) {
	out := make(map[string]*Existing)
	var problems project.Problems
	if a.o.All {
		for i := range a.Existing {
			e := &a.Existing[i]
			if e.Kind == KindQueue && (out[e.Worker] == nil || e.Collides()) {
				out[e.Worker] = e
			}
		}
	}
	for _, r := range a.o.Adopt {
		w, ok := a.worker(r.Worker)
		if !ok {
			problems = append(problems, project.Problem{Text: fmt.Sprintf("--adopt %s: no worker has this id: there are %s", r, strings.Join(a.ids(), ", "))})
			continue
		}
		if had, ok := a.p.Adopted[w.ID]; ok {
			if r.Queue != "" && r.Queue != had.Queue {
				problems = append(problems, problem(w, "--adopt %s: it has adopted %s already: release that first, by a push without the worker", r, had.Queue))
			}
			continue
		}
		found := a.queueOf(w, r.Queue)
		switch {
		case found != nil:
			out[w.ID] = found
		case r.Queue != "":
			problems = append(problems, problem(w, "--adopt %s: there is no queue %s in this account and region", r, r.Queue))
		case !a.own[w.ID]:
			problems = append(problems, problem(w, "--adopt %s: there is no queue %s: name another with --adopt %s=QUEUE, or leave --adopt away: the worker then gets its own", r, a.queueName(w), w.ID))
		}
	}
	return out, problems
}

// queueOf is the queue that a worker can adopt: the named one, else the one in its way, else
// one under another layout.
func (a *Adoption) queueOf(w project.Worker, name string) *Existing {
	var found *Existing
	for i := range a.Existing {
		e := &a.Existing[i]
		switch {
		case e.Kind != KindQueue || e.Worker != w.ID:
		case name != "":
			if e.Name == name {
				return e
			}
		case found == nil || e.Collides():
			found = e
		}
	}
	return found
}

// collisions are what is in the way and is not being adopted.
func (a *Adoption) collisions(adopted map[string]*Existing) project.Problems {
	var out project.Problems
	for i := range a.Existing {
		e := &a.Existing[i]
		w, _ := a.worker(e.Worker)
		switch {
		case e.Kind == KindStack:
			if text := a.stackProblem(e); text != "" {
				out = append(out, project.Problem{Text: text})
			}
		case adopted[e.Worker] != nil:
		case !e.Collides():
			a.warn(w, "%s: %s; its messages would stay there: --adopt %s takes it over", e, e.Layout, w.ID)
		default:
			out = append(out, problem(w, "%s: %s", e, a.remedy(e)))
		}
	}
	return out
}

// remedy says what to do about what is in the way.
func (a *Adoption) remedy(e *Existing) string {
	w, ok := a.worker(e.Worker)
	queue := (*Existing)(nil)
	if ok {
		queue = a.queueOf(w, "")
	}
	switch {
	case !ok:
		return "choose another service with --service, or remove it"
	case queue == nil && e.Kind == KindDLQ:
		return "there is no queue that it belongs to: delete it once it is empty"
	case queue == nil:
		return "there is no queue to adopt with it: delete it, or choose another service with --service"
	case e.Kind == KindQueue:
		text := fmt.Sprintf("--adopt %s keeps it and its dead-letter queue, and has function %s read it", w.ID, a.function(w))
		if len(e.Mappings) > 0 {
			text += " instead"
		}
		return text
	}
	return fmt.Sprintf("--adopt %s leaves it as it is", w.ID)
}

func (a *Adoption) worker(id string) (project.Worker, bool) {
	for _, w := range a.p.Workers() {
		if w.ID == id && id != "" {
			return w, true
		}
	}
	return project.Worker{}, false
}

func (a *Adoption) ids() []string {
	var out []string
	for _, w := range a.p.Workers() {
		out = append(out, w.ID)
	}
	return out
}

// function is the worker's function once it has adopted its queue.
func (a *Adoption) function(w project.Worker) string {
	return project.FunctionName(project.GroupService(a.p.Service, w.Group), a.p.Stage, w.ID, true)
}

func (a *Adoption) queueName(w project.Worker) string {
	return project.QueueName(project.GroupService(a.p.Service, w.Group), a.p.Stage, w.ManifestWorker)
}

func (a *Adoption) warn(w project.Worker, format string, args ...any) {
	a.Warnings = append(a.Warnings, problem(w, format, args...))
}

func problem(w project.Worker, format string, args ...any) project.Problem {
	return project.Problem{Worker: w.ID, Text: fmt.Sprintf(format, args...)}
}
