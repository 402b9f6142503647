package stacks

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/microfox-ai/aiwctl/aws/local/wire"
)

// The limits of templates, in bytes: in a request, and in S3.
const (
	maxTemplateBody = 51_200
	maxTemplate     = 1_000_000
)

// template is a template that has been read.
type template struct {
	body        string
	description string
	metadata    any
	parameters  map[string]parameter
	mappings    map[string]any
	conditions  map[string]any
	outputs     map[string]map[string]any
	resources   map[string]*described
	// order is the resources in the order of their dependencies.
	order []string
}

type parameter struct {
	Type, Description string
	Default           *string
	NoEcho            bool
	Allowed           []string
}

// described is a resource as a template describes it.
type described struct {
	kind                string
	properties          map[string]any
	metadata            any
	condition           string
	deletion, replacing string // DeletionPolicy and UpdateReplacePolicy
	dependsOn           []string
	needs               []string // other resources, by logical id, sorted
}

func validation(format string, args ...any) *wire.Error {
	return wire.Errorf("ValidationError", format, args...)
}

// parse reads a template and refuses what CloudFormation refuses before it does anything.
func (s *Service) parse(body string) (*template, error) {
	doc, err := document(body)
	if err != nil {
		return nil, err
	}
	t := &template{
		body: body, parameters: map[string]parameter{}, outputs: map[string]map[string]any{}, resources: map[string]*described{},
		mappings: object(doc["Mappings"]), conditions: object(doc["Conditions"]), metadata: doc["Metadata"],
	}
	t.description, _ = doc["Description"].(string)
	for name := range doc {
		if !slices.Contains([]string{"AWSTemplateFormatVersion", "Description", "Metadata", "Parameters", "Rules", "Mappings", "Conditions", "Transform", "Resources", "Outputs"}, name) {
			return nil, validation("Invalid template property or properties [%s]", name)
		}
	}
	if doc["Transform"] != nil {
		return nil, validation("the local endpoint knows no transform")
	}
	if err := t.readParameters(object(doc["Parameters"])); err != nil {
		return nil, err
	}
	if len(object(doc["Resources"])) == 0 {
		return nil, validation("Template format error: At least one Resources member must be defined.")
	}
	var unknown []string
	for id, v := range object(doc["Resources"]) {
		d, err := readResource(id, v)
		if err != nil {
			return nil, err
		}
		kind, ok := s.cfg.Kinds[d.kind]
		if !ok {
			unknown = append(unknown, d.kind)
		}
		for _, name := range kind.Required {
			if d.properties[name] == nil {
				return nil, validation("Properties validation failed for resource %s with message:\n[#: required key [%s] not found]", id, name)
			}
		}
		t.resources[id] = d
	}
	if len(unknown) > 0 {
		slices.Sort(unknown)
		return nil, validation("Template format error: Unrecognized resource types: [%s]", strings.Join(slices.Compact(unknown), ", "))
	}
	for name, v := range object(doc["Outputs"]) {
		out := object(v)
		if out["Value"] == nil {
			return nil, validation("Template format error: Every Outputs member must contain a Value object")
		}
		t.outputs[name] = out
	}
	return t, t.link()
}

// document reads JSON or YAML.
func document(body string) (map[string]any, error) {
	text := strings.TrimSpace(body)
	if !strings.HasPrefix(text, "{") {
		return yamlDocument(text)
	}
	decoder := json.NewDecoder(bytes.NewReader([]byte(text)))
	decoder.UseNumber()
	var doc map[string]any
	if err := decoder.Decode(&doc); err != nil {
		return nil, validation("Template format error: JSON not well-formed. %v", err)
	}
	return doc, nil
}

func object(v any) map[string]any { m, _ := v.(map[string]any); return m }

func (t *template) readParameters(all map[string]any) error {
	for name, v := range all {
		p := parameter{}
		fields := object(v)
		p.Type, _ = fields["Type"].(string)
		if p.Type == "" {
			return validation("Template format error: Every Parameters object must contain a Type member.")
		}
		p.Description, _ = fields["Description"].(string)
		if d, has := fields["Default"]; has {
			text := scalar(d)
			p.Default = &text
		}
		p.NoEcho = scalar(fields["NoEcho"]) == "true"
		if list, ok := fields["AllowedValues"].([]any); ok {
			for _, one := range list {
				p.Allowed = append(p.Allowed, scalar(one))
			}
		}
		t.parameters[name] = p
	}
	return nil
}

func readResource(id string, v any) (*described, error) {
	fields := object(v)
	d := &described{properties: object(fields["Properties"]), metadata: fields["Metadata"]}
	d.kind, _ = fields["Type"].(string)
	if d.kind == "" {
		return nil, validation("Template format error: [/Resources/%s] Every Resources object must contain a Type member.", id)
	}
	for i := range len(id) {
		if c := id[i]; (c < '0' || c > '9') && (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') {
			return nil, validation("Template format error: Resource name %s is non alphanumeric.", id)
		}
	}
	if d.properties == nil {
		d.properties = map[string]any{}
	}
	d.condition, _ = fields["Condition"].(string)
	d.deletion, _ = fields["DeletionPolicy"].(string)
	d.replacing, _ = fields["UpdateReplacePolicy"].(string)
	switch on := fields["DependsOn"].(type) {
	case string:
		d.dependsOn = []string{on}
	case []any:
		for _, one := range on {
			d.dependsOn = append(d.dependsOn, scalar(one))
		}
	}
	return d, nil
}

// link finds what needs what, and the order that follows from it.
func (t *template) link() error {
	missing := map[string]bool{}
	for _, id := range slices.Sorted(maps.Keys(t.resources)) {
		d := t.resources[id]
		seen := map[string]bool{}
		t.references(d.properties, func(name, attribute string) {
			switch {
			case t.resources[name] != nil:
				seen[name] = true
			case !t.isParameter(name) || attribute != "":
				missing[name] = true
			}
		})
		for _, on := range d.dependsOn {
			if t.resources[on] == nil {
				missing[on] = true
			}
			seen[on] = true
		}
		d.needs = slices.Sorted(maps.Keys(seen))
	}
	if len(missing) > 0 {
		return validation("Template format error: Unresolved resource dependencies [%s] in the Resources block of the template", strings.Join(slices.Sorted(maps.Keys(missing)), ", "))
	}
	for _, out := range t.outputs {
		t.references(out["Value"], func(name, attribute string) {
			if t.resources[name] == nil && (!t.isParameter(name) || attribute != "") {
				missing[name] = true
			}
		})
	}
	if len(missing) > 0 {
		return validation("Template format error: Unresolved resource dependencies [%s] in the Outputs block of the template", strings.Join(slices.Sorted(maps.Keys(missing)), ", "))
	}
	return t.sort()
}

func (t *template) isParameter(name string) bool {
	_, ok := t.parameters[name]
	return ok || strings.HasPrefix(name, "AWS::")
}

// sort puts the resources in the order of their dependencies, else of their names.
func (t *template) sort() error {
	const begun, done = 1, 2
	state := map[string]int{}
	var visit func(id string) bool
	visit = func(id string) bool {
		if state[id] != 0 {
			return state[id] == done
		}
		state[id] = begun
		for _, other := range t.resources[id].needs {
			if !visit(other) {
				return false
			}
		}
		state[id] = done
		t.order = append(t.order, id)
		return true
	}
	for _, id := range slices.Sorted(maps.Keys(t.resources)) {
		if !visit(id) {
			var circle []string
			for other, at := range state {
				if at == begun {
					circle = append(circle, other)
				}
			}
			slices.Sort(circle)
			return validation("Circular dependency between resources: [%s]", strings.Join(circle, ", "))
		}
	}
	return nil
}

// references tells of every parameter and resource that a value names; attribute is empty for Ref.
func (t *template) references(v any, found func(name, attribute string)) {
	switch v := v.(type) {
	case []any:
		for _, one := range v {
			t.references(one, found)
		}
	case map[string]any:
		if len(v) == 1 {
			if name, ok := v["Ref"].(string); ok {
				found(name, "")
				return
			}
			if at, ok := v["Fn::GetAtt"]; ok {
				name, attribute := getAtt(at)
				found(name, attribute)
				return
			}
			if sub, ok := v["Fn::Sub"]; ok {
				text, own := subParts(sub)
				for _, name := range subNames(text) {
					if _, has := own[name]; !has {
						name, attribute, _ := strings.Cut(name, ".")
						found(name, attribute)
					}
				}
				t.references(map[string]any(own), found)
				return
			}
		}
		for _, one := range v {
			t.references(one, found)
		}
	}
}

// getAtt takes the two forms of Fn::GetAtt apart.
func getAtt(v any) (name, attribute string) {
	switch v := v.(type) {
	case string:
		name, attribute, _ = strings.Cut(v, ".")
	case []any:
		if len(v) == 2 {
			name, attribute = scalar(v[0]), scalar(v[1])
		}
	}
	return name, attribute
}

// scalar is a text, number or boolean as a text.
func scalar(v any) string {
	switch v := v.(type) {
	case nil:
		return ""
	case string:
		return v
	default:
		return fmt.Sprint(v)
	}
}

// capabilities are what a client must agree to before a stack of the template is made.
func (t *template) capabilities() []string {
	var needed []string
	for _, d := range t.resources {
		if !strings.HasPrefix(d.kind, "AWS::IAM::") {
			continue
		}
		if d.properties["RoleName"] != nil {
			return []string{"CAPABILITY_NAMED_IAM"}
		}
		needed = []string{"CAPABILITY_IAM"}
	}
	return needed
}
