package stacks

import (
	"maps"
	"slices"
	"strings"
)

// The words of change sets.
const (
	actionAdd    = "Add"
	actionModify = "Modify"
	actionRemove = "Remove"

	scopeProperties = "Properties"
	scopeTags       = "Tags"
	scopeMetadata   = "Metadata"
)

// change is what becomes of one resource.
type change struct {
	action, id, physical, kind string
	replaced                   bool
	scope                      []string
	details                    []detail
}

// detail is one property that changes.
type detail struct {
	attribute, name string
	before, after   string
	recreation      string
	dynamic         bool // its new value is known only once another resource is there
}

// compare says what has to be done to a resource to make it what the template says; nil is
// nothing at all.
func (s *Service) compare(r *resource, d *described, properties map[string]any, tags map[string]string) *change {
	if r == nil {
		return &change{action: actionAdd, kind: d.kind}
	}
	kind := s.cfg.Kinds[d.kind]
	c := &change{action: actionModify, id: r.id, physical: r.physical, kind: d.kind}
	names := maps.Clone(properties)
	if names == nil {
		names = map[string]any{}
	}
	maps.Copy(names, r.properties)
	for _, name := range slices.Sorted(maps.Keys(names)) {
		if same(r.properties[name], properties[name]) {
			continue
		}
		d := detail{attribute: scopeProperties, name: name, before: text(r.properties[name]), after: text(properties[name]), recreation: "Never"}
		if name == scopeTags {
			d.attribute, d.name = scopeTags, ""
		}
		if slices.Contains(kind.Replaced, name) {
			d.recreation, c.replaced = "Always", true
		}
		d.dynamic = strings.Contains(d.after, later)
		c.details = append(c.details, d)
	}
	if kind.Tagged && !maps.Equal(r.stackTags, tags) && !slices.ContainsFunc(c.details, func(d detail) bool { return d.attribute == scopeTags }) {
		c.details = append(c.details, detail{attribute: scopeTags, recreation: "Never"})
	}
	if !same(r.metadata, d.metadata) {
		c.details = append(c.details, detail{attribute: scopeMetadata, recreation: "Never"})
	}
	if r.deletion != d.deletion {
		c.details = append(c.details, detail{attribute: "DeletionPolicy", before: r.deletion, after: d.deletion, recreation: "Never"})
	}
	if r.replacing != d.replacing {
		c.details = append(c.details, detail{attribute: "UpdateReplacePolicy", before: r.replacing, after: d.replacing, recreation: "Never"})
	}
	for _, one := range c.details {
		if !slices.Contains(c.scope, one.attribute) {
			c.scope = append(c.scope, one.attribute)
		}
	}
	if len(c.details) == 0 {
		return nil
	}
	return c
}

// touches says whether a change is one of the resource itself, and not only of what the
// stack notes of it.
func (c *change) touches() bool {
	return slices.Contains(c.scope, scopeProperties) || slices.Contains(c.scope, scopeTags)
}

// plan is what has to be done to make a stack what is desired, without doing it; callers
// hold mu. outputs says whether they change.
func (s *Service) plan(st *stack, d *desired) (changes []*change, outputs bool, err error) {
	fresh := map[string]bool{}
	active := map[string]bool{}
	e := s.evaluation(st, d, func(id string) (string, map[string]any, bool) {
		if fresh[id] {
			return later, nil, true
		}
		if !active[id] {
			return "", nil, false
		}
		return st.made(id)
	})
	var retyped []string
	for _, id := range d.t.order {
		desc := d.t.resources[id]
		holds, err := e.active(desc.condition)
		if err != nil {
			return nil, false, err
		}
		if !holds {
			continue
		}
		active[id] = true
		properties, err := e.properties(desc)
		if err != nil {
			return nil, false, err
		}
		r := st.resources[id]
		if r != nil && r.gone() {
			r = nil
		}
		if r != nil && r.kind != desc.kind {
			retyped = append(retyped, id)
			continue
		}
		c := s.compare(r, desc, properties, d.tags)
		if c == nil {
			continue
		}
		c.id = id
		fresh[id] = c.action == actionAdd || c.replaced
		changes = append(changes, c)
	}
	if len(retyped) > 0 {
		return nil, false, validation("Update of resource type is not permitted. The new template modifies resource type of the following resources: [%s]", strings.Join(retyped, ", "))
	}
	for _, r := range s.surplus(st, active) {
		changes = append(changes, &change{action: actionRemove, id: r.id, physical: r.physical, kind: r.kind})
	}
	after, err := s.resolveOutputs(st, d, e)
	return changes, !slices.Equal(after, st.outputs), err
}

// surplus are the resources that are there and not among those wanted, in the order of
// their deletion.
func (s *Service) surplus(st *stack, wanted map[string]bool) []*resource {
	var list []*resource
	for id, r := range st.resources {
		if !wanted[id] && !r.gone() {
			list = append(list, r)
		}
	}
	return deletionOrder(list)
}
