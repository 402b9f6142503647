package settings

import (
	"fmt"
	"net/url"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/microfox-ai/aiwctl/aws"
)

// Flags are what a command line says; what is empty or nil was not said.
type Flags struct {
	Target   aws.Target
	ReadOnly *bool
}

// Unsaid is the Origin of a value that nothing says: the default holds.
const Unsaid = "default"

// Value is a part of the target with where it comes from.
type Value struct {
	Field  Field  `json:"field"`
	Value  string `json:"value"`
	Origin string `json:"origin"` // "--region", "AIWCTL_REGION", "config.yaml:12 stage checkout", ...
}

// Resolved is a target with the origin of its values.
type Resolved struct {
	// Target is for aws.Open, with Getenv.
	Target aws.Target
	// Protection is for aws.Options; its Protected depends on the stage's name, which
	// the stage itself may say.
	Protection aws.Protection
	// Entry is the stage of the file that is used; empty when none is.
	Entry string
	// File is the file's path; empty when there is none.
	File string
	// Values has every field but Protected, in the order of the constants, for
	// people: without passwords. Prefix, Tags and Manifest are among them only where
	// something says them.
	Values []Value
}

// Value is the value of a field.
func (r *Resolved) Value(f Field) Value {
	for _, v := range r.Values {
		if v.Field == f {
			return v
		}
	}
	return Value{Field: f}
}

// variables are the environment variables of a field: ours, then others'.
func variables(f Field) (own string, others []string) {
	switch f {
	case Stage:
		return "AIWCTL_STAGE", nil
	case Profile:
		return "AIWCTL_PROFILE", []string{"AWS_PROFILE"}
	case Region:
		return "AIWCTL_REGION", []string{"AWS_REGION", "AWS_DEFAULT_REGION"}
	case Service:
		return "AIWCTL_SERVICE", nil
	case Prefix:
		return "AIWCTL_PREFIX", nil
	case Tags:
		return "AIWCTL_TAGS", nil
	case Manifest:
		return "AIWCTL_MANIFEST", nil
	case BaseURL:
		return "AIWCTL_BASE_URL", []string{"WORKER_BASE_URL", "WORKERS_TRIGGER_API_URL", "WORKERS_CONFIG_API_URL", "NEXT_PUBLIC_WORKER_BASE_URL"}
	case EndpointURL:
		return "AIWCTL_ENDPOINT_URL", []string{"AWS_ENDPOINT_URL"}
	case ReadOnly:
		return "AIWCTL_READ_ONLY", nil
	case Protected:
	}
	return "", nil
}

// Getenv is getenv without our own variables of a target, which Resolve has taken
// into account: give it to aws.Open with the target, so that a flag that says no
// stays no.
func Getenv(getenv func(string) string) func(string) string {
	return func(name string) string {
		for _, f := range []Field{Stage, Profile, Region, Service, Prefix, Tags, Manifest, BaseURL, EndpointURL, ReadOnly} {
			if own, _ := variables(f); own == name {
				return ""
			}
		}
		return getenv(name)
	}
}

// resolver decides for one field after the other.
type resolver struct {
	f      *File
	flags  Flags
	getenv func(string) string
	entry  *Entry
	// byName is how the entry was named; empty when it is the file's default.
	byName string
	// local is set when the endpoint is on this machine and not by the file's own
	// top: then what the top says of stages in AWS does not count.
	local bool
	out   Resolved
}

// Resolve decides for every part of the target: flag, AIWCTL_*, the named stage of
// the file, the file's own values, AWS's variables, in this order. What is left
// empty is for AWS's files, the stage itself and the defaults (see aws.Target). A
// stage that is no entry of the file is one all the same.
//
// For an endpoint on this machine neither the file's default stage nor its own
// profile, region, service and base URL count: they are of a stage in AWS.
func (f *File) Resolve(flags Flags, getenv func(string) string) Resolved {
	r := &resolver{f: f, flags: flags, getenv: getenv}
	r.out.File = f.Path
	name, origin := flags.Target.Stage, "--stage"
	if name == "" {
		name, origin = getenv("AIWCTL_STAGE"), "AIWCTL_STAGE"
	}
	switch {
	case name != "":
		if r.entry = f.Entry(name); r.entry != nil {
			r.byName = origin
		}
	case f.Default != "" && !(aws.Target{EndpointURL: r.given(EndpointURL)}).Loopback():
		r.entry = f.Entry(f.Default)
	}
	if r.entry != nil {
		r.out.Entry = r.entry.Name
	}

	endpoint, byTop := r.pick(EndpointURL)
	r.local = (aws.Target{EndpointURL: endpoint.Value}).Loopback() && !byTop
	t := &r.out.Target
	for _, field := range []struct {
		name Field
		into *string
	}{{Profile, &t.Profile}, {Region, &t.Region}, {Service, &t.Service}, {Prefix, &t.Prefix}, {Tags, &t.Tags}, {Manifest, &t.Manifest}, {BaseURL, &t.BaseURL}, {EndpointURL, &t.EndpointURL}} {
		v, _ := r.pick(field.name)
		*field.into = v.Value
		if v.Value != "" || !rare(field.name) {
			r.out.Values = append(r.out.Values, v)
		}
	}
	r.stage(name, origin)
	r.readOnly()
	r.ambient()
	r.protection()
	for i := range r.out.Values {
		v := &r.out.Values[i]
		if u, err := url.Parse(v.Value); err == nil && u.User != nil {
			v.Value = u.Redacted()
		}
	}
	return r.out
}

// rare is whether a field is told only where it has a value: few stages have it.
func rare(f Field) bool { return f == Prefix || f == Tags || f == Manifest }

// given is a field by flag or by the environment.
func (r *resolver) given(f Field) string {
	if v, _ := r.flag(f); v != "" {
		return v
	}
	own, others := variables(f)
	for _, name := range append([]string{own}, others...) {
		if v := r.getenv(name); v != "" {
			return v
		}
	}
	return ""
}

func (r *resolver) flag(f Field) (text, origin string) {
	t := r.flags.Target
	switch f {
	case Profile:
		return t.Profile, "--profile"
	case Region:
		return t.Region, "--region"
	case Service:
		return t.Service, "--service"
	case Prefix:
		return t.Prefix, "--prefix"
	case Tags:
		return t.Tags, "--tag"
	case Manifest:
		return t.Manifest, "--manifest"
	case BaseURL:
		return t.BaseURL, "--base-url"
	case EndpointURL:
		return t.EndpointURL, "--endpoint-url"
	case Stage, ReadOnly, Protected:
	}
	return "", ""
}

// pick decides for a field as far as the file goes; top is whether the file's own
// value was taken.
func (r *resolver) pick(f Field) (v Value, top bool) {
	if text, origin := r.flag(f); text != "" {
		return Value{f, text, origin}, false
	}
	own, _ := variables(f)
	if text := r.getenv(own); text != "" {
		return Value{f, text, own}, false
	}
	if r.entry != nil {
		if v, ok := r.entry.values[f]; ok {
			return Value{f, v.text, r.ofEntry(v.line)}, false
		}
	}
	if v, ok := r.f.top[f]; ok && !r.local && (f == EndpointURL || !r.ambientLocal()) {
		return Value{f, v.text, r.at(v.line)}, true
	}
	return Value{Field: f}, false
}

// ambientLocal is whether AWS_ENDPOINT_URL, which comes after the file, names an
// endpoint on this machine and is what will be used.
func (r *resolver) ambientLocal() bool {
	if _, ok := r.f.top[EndpointURL]; ok || r.entry != nil && r.entry.values[EndpointURL].text != "" {
		return false
	}
	t := aws.Target{}.Resolve(r.getenv)
	return t.Loopback()
}

// at is a place in the file.
func (r *resolver) at(line int) string { return filepath.Base(r.f.Path) + ":" + strconv.Itoa(line) }

func (r *resolver) ofEntry(line int) string { return r.at(line) + " stage " + r.entry.Name }

func (r *resolver) stage(name, origin string) {
	v := Value{Stage, name, origin}
	if r.entry != nil {
		if own, ok := r.entry.values[Stage]; ok {
			v.Value, v.Origin = own.text, r.ofEntry(own.line)
		} else {
			v.Value = r.entry.Name
			if r.byName == "" {
				v.Origin = r.at(r.f.defaultAt.line) + " default"
			}
		}
	}
	if v.Value == "" {
		v.Origin = ""
	}
	r.out.Target.Stage = v.Value
	r.out.Values = append(r.out.Values, v)
}

func (r *resolver) readOnly() {
	v := Value{ReadOnly, "false", Unsaid}
	env := r.getenv("AIWCTL_READ_ONLY")
	switch {
	case r.flags.ReadOnly != nil:
		v.Value, v.Origin = strconv.FormatBool(*r.flags.ReadOnly), "--read-only"
	case env != "":
		v.Value, v.Origin = strconv.FormatBool(aws.ReadOnlyFrom(env)), "AIWCTL_READ_ONLY"
	default:
		if r.entry != nil {
			if own, ok := r.entry.values[ReadOnly]; ok {
				v.Value, v.Origin = own.text, r.ofEntry(own.line)
				break
			}
		}
		if own, ok := r.f.top[ReadOnly]; ok {
			v.Value, v.Origin = own.text, r.at(own.line)
		}
	}
	r.out.Target.ReadOnly = v.Value == "true"
	r.out.Values = append(r.out.Values, v)
}

// ambient lets the target take what AWS's variables say, and notes where each
// value came from.
func (r *resolver) ambient() {
	t := r.out.Target.Resolve(Getenv(r.getenv))
	r.out.Target = t
	for i := range r.out.Values {
		v := &r.out.Values[i]
		var now string
		switch v.Field {
		case Profile:
			now = t.Profile
		case Region:
			now = t.Region
		case BaseURL:
			now = t.BaseURL
		case EndpointURL:
			now = t.EndpointURL
		case Stage, Service, Prefix, Tags, Manifest, ReadOnly, Protected:
			continue
		}
		if v.Value != "" || now == "" {
			continue
		}
		_, others := variables(v.Field)
		for _, name := range others {
			if r.getenv(name) == now {
				v.Value, v.Origin = now, name
				break
			}
		}
		if v.Value == "" { // a variable whose value was put in order
			v.Value, v.Origin = now, strings.Join(others, " or ")
		}
	}
	order := []Field{Stage, Profile, Region, Service, Prefix, Tags, Manifest, BaseURL, EndpointURL, ReadOnly}
	slices.SortStableFunc(r.out.Values, func(a, b Value) int { return slices.Index(order, a.Field) - slices.Index(order, b.Field) })
}

func (r *resolver) protection() {
	p := &r.out.Protection
	p.Patterns = r.f.patterns
	if r.f.patterns != nil {
		p.Origin = fmt.Sprintf("%s protected", r.at(r.f.patternsAt))
	}
	if r.entry == nil {
		return
	}
	p.Name = r.entry.Name
	if v, ok := r.entry.values[Protected]; ok {
		p.Always, p.Never, p.Origin = v.isTrue(), !v.isTrue(), r.ofEntry(v.line)+" protected: "+v.text
	}
}
