package project

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/microfox-ai/aiwctl/dispatch"
	"github.com/microfox-ai/aiwctl/dispatch/limits"
)

// Check says everything for which p cannot be deployed, or for which AWS would refuse it in
// the middle of a deployment: names, settings, what the workers declare. It makes no call, so
// that what only AWS knows, such as whether a name is taken, is not looked at. The problems
// are sorted by place and worker; nil means that there are none.
func Check(p *Project) Problems {
	c := &checker{p: p, workers: map[string]Worker{}, alike: map[string]bool{}}
	c.programs()
	c.stageAndWorkers()
	for _, w := range c.unique {
		c.variables(w)
	}
	return c.problems.Sorted()
}

// CheckPart adds to the problems that some programs have with their workers what is wrong
// with the others, so that all of it is told at once. p has the programs that have answered,
// with the workers that are right; whether the ids that these call exist cannot be known.
func CheckPart(p *Project, refused Problems) Problems {
	c := &checker{p: p, part: true, problems: slices.Clone(refused), workers: map[string]Worker{}, alike: map[string]bool{}}
	c.stageAndWorkers()
	for _, problem := range refused {
		// Whatever its group is, its names are not shorter than those of the default one.
		if _, known := c.workers[problem.Worker]; !known && limits.WorkerID(problem.Worker) == nil {
			c.lengths(Worker{ManifestWorker: dispatch.ManifestWorker{ID: problem.Worker, Source: problem.Place}})
		}
	}
	return c.problems.Sorted()
}

// stageAndWorkers checks the stage, and everything about its workers but their variables' values.
func (c *checker) stageAndWorkers() {
	c.stage()
	c.ids()
	c.groups()
	c.names()
	for _, w := range c.unique {
		c.settings(w)
		c.declared(w)
	}
}

// checker gathers the problems of a project.
type checker struct {
	p        *Project
	problems Problems
	part     bool // there are workers that p does not have
	// unique are the workers whose id is one, each once, sorted by id, and workers the same
	// by id.
	unique  []Worker
	workers map[string]Worker
	// alike are the ids of those that cannot be told from another one.
	alike map[string]bool
}

// stageProblem notes what is wrong with no worker in particular.
func (c *checker) stageProblem(format string, args ...any) {
	c.problems = append(c.problems, Problem{Text: fmt.Sprintf(format, args...)})
}

func (c *checker) problem(w Worker, format string, args ...any) {
	c.problems = append(c.problems, Problem{Place: w.Place(), Worker: w.ID, Text: fmt.Sprintf(format, args...)})
}

// each notes an error, or each of several that were joined.
func (c *checker) each(w Worker, err error) {
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		for _, e := range joined.Unwrap() {
			c.each(w, e)
		}
	} else if err != nil {
		c.problem(w, "%v", err)
	}
}

// Place is where the worker is made, as file:line, or the package of its program where the
// program does not tell.
func (w Worker) Place() string {
	if w.Program == nil {
		return w.Source
	}
	return cmp.Or(w.Program.Places[w.Source], w.Source, w.Program.Package, w.Program.Dir)
}

// named is a worker in a sentence about another one.
func named(w Worker) string {
	if place := w.Place(); place != "" {
		return fmt.Sprintf("worker %q (%s)", w.ID, place)
	}
	return fmt.Sprintf("worker %q", w.ID)
}

// programs checks that there are workers, and that this aiwctl knows what they say.
func (c *checker) programs() {
	if len(c.p.Programs) == 0 {
		c.stageProblem("there are no worker programs: name packages whose program calls runtime.Main")
	}
	for i := range c.p.Programs {
		program := &c.p.Programs[i]
		text := ""
		switch {
		case program.Manifest.Version > dispatch.ManifestVersion:
			text = fmt.Sprintf("the program has a manifest of version %d, and this aiwctl knows up to %d: update aiwctl", program.Manifest.Version, dispatch.ManifestVersion)
		case len(program.Manifest.Workers) == 0:
			text = "the program contains no workers: give them to runtime.Main"
		default:
			continue
		}
		c.problems = append(c.problems, Problem{Place: cmp.Or(program.Package, program.Dir), Text: text})
	}
}

// Sorted returns the problems by place, where line 9 comes before line 10, and by worker, each
// once; nil when there are none. It changes p.
func (p Problems) Sorted() Problems {
	slices.SortFunc(p, func(a, b Problem) int {
		fileA, lineA := splitPlace(a.Place)
		fileB, lineB := splitPlace(b.Place)
		return cmp.Or(cmp.Compare(fileA, fileB), cmp.Compare(lineA, lineB), cmp.Compare(a.Worker, b.Worker), cmp.Compare(a.Text, b.Text))
	})
	return slices.Compact(p)
}

func splitPlace(place string) (file string, line int) {
	if i := strings.LastIndexByte(place, ':'); i >= 0 {
		if n, err := strconv.Atoi(place[i+1:]); err == nil {
			return place[:i], n
		}
	}
	return place, 0
}
