package template

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"reflect"
	"slices"
	"strings"

	"github.com/microfox-ai/aiwctl/aws/deploy/project"
)

// Kind is what becomes of a resource or of a property.
type Kind string

// The kinds of changes.
const (
	Added   Kind = "added"
	Changed Kind = "changed"
	Removed Kind = "removed"
)

// Replacement says whether a change makes a resource anew, and deletes the one that was there.
type Replacement string

// The zero value is a change in place.
const (
	InPlace    Replacement = ""
	MayReplace Replacement = "may" // it depends on more than the template, or this package does not know
	Replaces   Replacement = "yes"
)

// Changes is what differs between two templates of a stack.
type Changes []Change

// Change is what becomes of one resource.
type Change struct {
	Kind Kind `json:"kind"`
	// Replacement is of a Changed resource.
	Replacement Replacement `json:"replacement,omitempty"`
	// Worker is whose it is; empty for the workers API's and what is of the whole stack.
	Worker string `json:"worker,omitempty"`
	// API says that it is the workers API's.
	API bool `json:"api,omitempty"`
	// What is the resource in a word or two, such as queue; Name is what it is called in AWS,
	// or LogicalID when AWS makes up a name.
	What string `json:"what"`
	Name string `json:"name"`
	// Was is what it was called before, when that was something else.
	Was string `json:"was,omitempty"`
	// LogicalID and Type are the template's; Type is empty for what is no resource.
	LogicalID string `json:"logicalId"`
	Type      string `json:"type,omitempty"`
	// Properties are what differs of a Changed resource.
	Properties []Property `json:"properties,omitempty"`
}

// Property is a difference within a resource.
type Property struct {
	// Path leads to it, such as RedrivePolicy.maxReceiveCount. It is "code" for a function's
	// program, "variable NAME" for one of its variables and "allows" for what a policy allows.
	Path string `json:"path"`
	Kind Kind   `json:"kind"`
	// Before and After are the values as text; empty where there is none, and of a variable
	// that is the author's own: Hidden is then true.
	Before      string      `json:"before,omitempty"`
	After       string      `json:"after,omitempty"`
	Hidden      bool        `json:"hidden,omitempty"`
	Replacement Replacement `json:"replacement,omitempty"`
}

// Compare tells what differs between the template that a stack has and the one that it is to
// have. An empty old template is that of a stack that does not exist, an empty new one that of
// a stack that is to go. The values of variables are never in the result, but for those that
// say where queues are and what the runtime is told. Which changes replace a resource is
// what CloudFormation documents for the types that this package writes.
func Compare(old, wanted []byte) (Changes, error) {
	before, err := readTemplate(old)
	if err != nil {
		return nil, fmt.Errorf("read the template that is deployed: %w", err)
	}
	after, err := readTemplate(wanted)
	if err != nil {
		return nil, fmt.Errorf("read the template that is to be deployed: %w", err)
	}
	c := comparison{before: before, after: after, changes: map[string]*Change{}}
	for _, id := range slices.Sorted(maps.Keys(union(before.Resources, after.Resources))) {
		c.resource(id)
	}
	c.foldDeployments()
	c.follow()
	c.rest()
	out := make(Changes, 0, len(c.changes))
	for _, change := range c.changes {
		out = append(out, *change)
	}
	slices.SortFunc(out, compareChanges)
	return out, nil
}

// parsed is a template as it is read.
type parsed struct {
	Metadata, Parameters, Conditions, Mappings, Outputs map[string]any
	Resources                                           map[string]parsedResource
	// workers are the prefixes of workers' logical ids, to their ids.
	workers map[string]string
}

type parsedResource struct {
	Type       string
	Properties map[string]any
	// What else decides over its life.
	DeletionPolicy, UpdateReplacePolicy, Condition any
}

func readTemplate(body []byte) (*parsed, error) {
	t := &parsed{workers: map[string]string{}}
	if len(bytes.TrimSpace(body)) == 0 {
		return t, nil
	}
	dec := json.NewDecoder(bytes.NewReader(body))
	dec.UseNumber()
	if err := dec.Decode(t); err != nil {
		return nil, err
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("there is more than one JSON value")
	}
	for _, r := range t.Resources {
		if id, ok := tagsOf(r.Properties["Tags"])[project.TagWorker].(string); ok && id != "" {
			t.workers[project.LogicalID(id, "")] = id
		}
	}
	return t, nil
}

// tagsOf are a resource's tags by key.
func tagsOf(v any) map[string]any {
	tags, _ := v.([]any)
	out := map[string]any{}
	for _, tag := range tags {
		m, _ := tag.(map[string]any)
		if key, ok := m["Key"].(string); ok {
			out[key] = m["Value"]
		}
	}
	return out
}

func union[V any](a, b map[string]V) map[string]V {
	out := maps.Clone(a)
	if out == nil {
		out = map[string]V{}
	}
	maps.Copy(out, b)
	return out
}

// comparison is under way.
type comparison struct {
	before, after *parsed
	changes       map[string]*Change // by logical id
}

func (c *comparison) resource(id string) {
	old, had := c.before.Resources[id]
	wanted, has := c.after.Resources[id]
	switch {
	case !had:
		c.changes[id] = c.after.describe(id, Added)
	case !has:
		c.changes[id] = c.before.describe(id, Removed)
	case old.Type != wanted.Type:
		change := c.after.describe(id, Changed)
		change.Replacement = Replaces
		change.Properties = []Property{{Path: "Type", Kind: Changed, Before: shown(old.Type), After: shown(wanted.Type), Replacement: Replaces}}
		c.changes[id] = change
	default:
		d := differ{before: c.before, after: c.after, kind: old.Type}
		d.resource(old, wanted)
		if len(d.found) > 0 {
			c.change(id, d.found...)
		}
	}
}

// change adds what differs to a Changed resource.
func (c *comparison) change(id string, properties ...Property) {
	change := c.changes[id]
	if change == nil {
		change = c.after.describe(id, Changed)
		if was := shown(c.before.name(id)); was != change.Name {
			change.Was = was
		}
		c.changes[id] = change
	}
	for _, p := range properties {
		change.Properties = append(change.Properties, p)
		change.Replacement = stronger(change.Replacement, p.Replacement)
	}
}

func stronger(a, b Replacement) Replacement {
	if a == Replaces || b == Replaces {
		return Replaces
	}
	return cmp.Or(a, b)
}

// foldDeployments makes one change of the API's deployment that goes and the one that takes
// its place: API Gateway has a stage serve another one.
func (c *comparison) foldDeployments() {
	const kind = "AWS::ApiGateway::Deployment"
	var added, removed []string
	for id, change := range c.changes {
		switch {
		case change.Type == kind && change.Kind == Added:
			added = append(added, id)
		case change.Type == kind && change.Kind == Removed:
			removed = append(removed, id)
		}
	}
	if len(added) == 1 && len(removed) == 1 {
		c.changes[added[0]].Kind = Changed
		delete(c.changes, removed[0])
	}
}

// follow notes what changes because it refers to something that is made anew, until nothing
// else does.
func (c *comparison) follow() {
	told := map[[2]string]bool{}
	for again := true; again; {
		again = false
		for _, id := range slices.Sorted(maps.Keys(c.after.Resources)) {
			if change := c.changes[id]; change != nil && (change.Kind != Changed || change.Type == "") {
				continue
			}
			r := c.after.Resources[id]
			for _, property := range slices.Sorted(maps.Keys(r.Properties)) {
				for _, target := range references(r.Properties[property]) {
					key, to := [2]string{id + "." + property, target}, c.changes[target]
					if target == id || to == nil || to.Kind != Changed || to.Replacement != Replaces || told[key] {
						continue
					}
					told[key] = true
					again = true
					c.change(id, Property{
						Path: shown(property), Kind: Changed, After: shown(to.What + " " + to.Name + ", which is made anew"),
						Replacement: replacementOf(r.Type, property),
					})
				}
			}
		}
	}
}

// rest tells what differs outside of resources.
func (c *comparison) rest() {
	for _, section := range []struct {
		name, what string
		old, now   map[string]any
	}{
		{"Parameters", "parameter", c.before.Parameters, c.after.Parameters},
		{"Conditions", "condition", c.before.Conditions, c.after.Conditions},
		{"Mappings", "mapping", c.before.Mappings, c.after.Mappings},
		{"Outputs", "output", c.before.Outputs, c.after.Outputs},
		{"Metadata", "metadata", c.before.Metadata, c.after.Metadata},
	} {
		for key := range union(section.old, section.now) {
			was, had := section.old[key]
			is, has := section.now[key]
			if had && has && reflect.DeepEqual(was, is) {
				continue
			}
			id := section.name + "." + key
			change := &Change{Kind: Changed, What: section.what, Name: shown(key), LogicalID: shown(id)}
			if section.name == "Outputs" {
				change.Worker = shown(cmp.Or(c.after.owner(key, parsedResource{}), c.before.owner(key, parsedResource{})))
				change.API = key == project.OutputAPIURL || key == project.OutputAPIKey
			}
			switch {
			case !had:
				change.Kind = Added
			case !has:
				change.Kind = Removed
			default:
				d := differ{before: c.before, after: c.after}
				d.walk("", was, is, InPlace)
				change.Properties = d.found
			}
			c.changes[id] = change
		}
	}
}

// owner is the worker that a resource, or an output, is of: its tag says so, or its logical id,
// which is that of a worker followed by a part. Of two workers the one counts with which the rest
// is a part: WorkerEchoQueuePolicy is of echo, though there may be an echo-queue.
func (t *parsed) owner(id string, r parsedResource) string {
	if worker, ok := tagsOf(r.Properties["Tags"])[project.TagWorker].(string); ok {
		return worker
	}
	best, exact := "", false
	for prefix := range t.workers {
		part, is := strings.CutPrefix(id, prefix)
		known := is && isPart(part)
		if is && (known && !exact || known == exact && len(prefix) > len(best)) {
			best, exact = prefix, known
		}
	}
	return t.workers[best]
}

// isPart says that a worker's resource or output may be called so.
func isPart(part string) bool {
	return slices.Contains([]string{
		partFunction, partLogGroup, partRole, partQueue, partDLQ, partMapping, partSchedule, partSender, partPermission, partDepthAlarm,
		partAgeAlarm, project.OutputQueueURL, project.OutputDLQURL,
	}, strings.TrimRight(part, "0123456789"))
}

func (t *parsed) describe(id string, kind Kind) *Change {
	r := t.Resources[id]
	worker := t.owner(id, r)
	return &Change{
		Kind: kind, Worker: shown(worker), API: worker == "" && strings.HasPrefix(id, "Api"),
		What: what(id, r), Name: shown(t.name(id)), LogicalID: shown(id), Type: shown(r.Type),
	}
}

// name is what a resource is called in AWS, or its logical id.
func (t *parsed) name(id string) string {
	properties := t.Resources[id].Properties
	for _, key := range []string{"QueueName", "FunctionName", "LogGroupName", "AlarmName", "RoleName", "ScheduleExpression", "Name"} {
		if name, ok := properties[key].(string); ok && name != "" {
			return name
		}
	}
	// What only joins others is called after what it is for.
	for _, key := range []string{"EventSourceArn", "Queues"} {
		for _, target := range references(properties[key]) {
			if name, ok := t.Resources[target].Properties["QueueName"].(string); ok && name != "" {
				return name
			}
		}
		if arn, ok := properties[key].(string); ok && arn != "" {
			return arn[strings.LastIndexByte(arn, ':')+1:]
		}
	}
	if part, ok := properties["PathPart"].(string); ok {
		return part
	}
	if method, ok := properties["HttpMethod"].(string); ok {
		for _, target := range references(properties["ResourceId"]) {
			if part, ok := t.Resources[target].Properties["PathPart"].(string); ok {
				return method + " " + part
			}
		}
	}
	return id
}
