package environ

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/microfox-ai/aiwctl/aws/deploy/project"
	"github.com/microfox-ai/aiwctl/dispatch/limits"
)

// apiKey is the variable of the workers API's key, which a deployment makes itself.
const apiKey = "WORKERS_API_KEY" //nolint:gosec // a name, not a key

// maxParameter is how long the value of a standard parameter may be. Source: PutParameter in
// the API reference of Systems Manager.
const maxParameter = 4096

// Options change what Resolve takes a value for.
type Options struct {
	// Plain are names of variables that are no secrets although they look so.
	Plain []string
	// Part says that the project lacks workers which could not be asked what they declare.
	Part bool
}

// Resolve finds the values of what the workers of p declare, and of nothing else. Of the
// variables, by worker id and name, those are references whose value is a reference itself, or
// secret: because a worker says so (WithSecrets), or because name or value look so. The secrets
// are the values behind the latter, sorted by name: they have to be stored under their
// references before a function starts. problems are the names without a value, by worker, and the values
// that cannot be deployed; none of them shows a value. Names that project.Check refuses are
// left out, and told by it alone.
func (f *Files) Resolve(p *project.Project, o Options) (variables map[string]map[string]project.Value, secrets []Secret, problems project.Problems) {
	r := resolver{files: f, p: p, declared: map[string]*declaration{}}
	for _, w := range p.Workers() {
		r.declare(w, w.Environment, false)
		r.declare(w, w.Secrets, true)
	}
	r.takePlain(o.Plain, o.Part)
	variables = map[string]map[string]project.Value{}
	for _, name := range slices.Sorted(maps.Keys(r.declared)) {
		d := r.declared[name]
		value, ok := r.value(d)
		if !ok {
			continue
		}
		for _, w := range d.workers {
			if variables[w.ID] == nil {
				variables[w.ID] = map[string]project.Value{}
			}
			variables[w.ID][name] = value
		}
	}
	return variables, r.secrets, r.problems.Sorted()
}

// declaration is a variable and who wants it.
type declaration struct {
	name    string
	workers []project.Worker // by id
	// secretIn is the worker that declares it secret; nil: none does.
	secretIn *project.Worker
	// plain says that a person declared it plain.
	plain bool
}

type resolver struct {
	files    *Files
	p        *project.Project
	declared map[string]*declaration
	secrets  []Secret
	problems project.Problems
}

func (r *resolver) declare(w project.Worker, names []string, secret bool) {
	for _, name := range names {
		if limits.Variable(name) != nil {
			continue
		}
		d := r.declared[name]
		if d == nil {
			d = &declaration{name: name}
			r.declared[name] = d
		}
		if !slices.ContainsFunc(d.workers, func(o project.Worker) bool { return o.ID == w.ID }) {
			d.workers = append(d.workers, w)
		}
		if secret && d.secretIn == nil {
			d.secretIn = &w
		}
	}
}

func (r *resolver) takePlain(names []string, part bool) {
	for _, name := range names {
		switch d := r.declared[name]; {
		case d == nil && part:
		case d == nil:
			r.refuse("", "%s is said to be plain, and no worker declares it: correct the name", name)
		case d.secretIn != nil:
			r.refuse("", "%s is said to be plain, and worker %q (%s) declares it with WithSecrets: change one of them", name, d.secretIn.ID, d.secretIn.Place())
		default:
			d.plain = true
		}
	}
}

func (r *resolver) refuse(place, format string, args ...any) {
	r.problems = append(r.problems, project.Problem{Place: place, Text: fmt.Sprintf(format, args...)})
}

// missing tells each worker's author of a name without a value.
func (r *resolver) missing(d *declaration, what string) {
	stored := project.Ref{Store: project.SSM, Name: project.ParameterName(r.p.Service, r.p.Stage, d.name)}
	for _, w := range d.workers {
		r.problems = append(r.problems, project.Problem{Place: w.Place(), Worker: w.ID, Text: fmt.Sprintf(
			"it needs %s, which %s: set it in %s, or write there where the value is kept, such as %s=%s", d.name, what, r.files.best(), d.name, stored)})
	}
}

// value is what a variable is set to; false after a problem.
func (r *resolver) value(d *declaration) (project.Value, bool) {
	text, from, found := r.files.Lookup(d.name)
	switch {
	case !found && d.name == apiKey && !r.p.APIKey.IsZero():
		return project.Value{Ref: r.p.APIKey}, true
	case !found:
		r.missing(d, "has no value (looked for in "+r.files.places()+")")
		return project.Value{}, false
	case text == "":
		r.missing(d, "is empty in "+from)
		return project.Value{}, false
	}
	// What is wrong with a value is where it was found, unless that is the shell.
	place, source := from, ""
	if from == shellName {
		place, source = "", " in "+shellName
	}
	ref, err := project.ParseRef(text)
	switch {
	case err == nil:
		return project.Value{Ref: ref}, true
	case !errors.Is(err, project.ErrNoRef):
		r.refuse(place, "the value of %s%s: %v", d.name, source, err)
		return project.Value{}, false
	case !utf8.ValidString(text) || strings.ContainsRune(text, 0):
		r.refuse(place, "the value of %s%s is no text in UTF-8", d.name, source)
		return project.Value{}, false
	}
	if d.plain {
		if what := secretValue(text); what != "" {
			r.refuse(place, "%s is said to be plain, and there is %s%s: a value like that goes into no template", d.name, what, source)
			return project.Value{}, false
		}
	}
	if d.secretIn == nil && (d.plain || looksSecret(d.name, text) == "") {
		return project.Value{Text: text}, true
	}
	return r.secret(d, text, from, place, source)
}

// secret keeps a value to be stored.
func (r *resolver) secret(d *declaration, text, from, place, source string) (project.Value, bool) {
	advice := "keep it in Secrets Manager, and write " + d.name + "=secretsmanager:NAME instead"
	switch {
	case len(text) > maxParameter:
		r.refuse(place, "the value of %s%s has %d bytes, and a parameter of Systems Manager holds %d: %s", d.name, source, len(text), maxParameter, advice)
		return project.Value{}, false
	case strings.Contains(text, "{{"):
		// Systems Manager reads it as the name of another parameter.
		r.refuse(place, "the value of %s%s holds {{, which Systems Manager refuses in a parameter: %s", d.name, source, advice)
		return project.Value{}, false
	}
	ref := project.Ref{Store: project.SSM, Name: project.ParameterName(r.p.Service, r.p.Stage, d.name)}
	s := NewSecret(d.name, text, ref)
	s.From = from
	for _, w := range d.workers {
		s.Workers = append(s.Workers, w.ID)
	}
	r.secrets = append(r.secrets, s)
	return project.Value{Ref: ref}, true
}
