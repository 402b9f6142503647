package template

import (
	"cmp"
	"slices"
	"strings"
)

// compareChanges puts changes in the order in which they are told: workers by id, the workers
// API, the stack; of each, what jobs pass through first.
func compareChanges(a, b Change) int {
	return cmp.Or(
		cmp.Compare(area(a), area(b)), cmp.Compare(a.Worker, b.Worker), cmp.Compare(rank(a.Type), rank(b.Type)),
		cmp.Compare(a.What, b.What), cmp.Compare(a.Name, b.Name), cmp.Compare(a.LogicalID, b.LogicalID),
	)
}

func area(c Change) int {
	switch {
	case c.Worker != "":
		return 0
	case c.API:
		return 1
	}
	return 2
}

func rank(kind string) int {
	order := []string{
		"AWS::SQS::Queue", "AWS::Lambda::Function", "AWS::Lambda::EventSourceMapping", "AWS::Events::Rule", "AWS::IAM::Role",
	}
	if i := slices.Index(order, kind); i >= 0 {
		return i
	}
	return len(order)
}

// heading is what a change is told under.
func heading(c Change) string {
	switch area(c) {
	case 0:
		return "worker " + c.Worker
	case 1:
		return "workers API"
	}
	return "stack"
}

// Text tells the changes in plain lines, worker by worker; nothing when there are none. A line
// begins with + for what is added, ~ for what is changed in place, -/+ for what is made anew and
// - for what is removed.
func (c Changes) Text() string {
	var out strings.Builder
	last := ""
	for _, change := range c {
		if c.goesWithout(change) {
			continue
		}
		if h := heading(change); h != last {
			out.WriteString(h + "\n")
			last = h
		}
		out.WriteString("  " + change.sign() + " " + change.What + " " + change.Name + change.remark() + "\n")
		for _, p := range change.Properties {
			out.WriteString("      " + p.String() + "\n")
		}
	}
	return out.String()
}

// goesWithout says that a change goes without saying: the outputs of what comes or goes, and the
// metadata of a stack that does.
func (c Changes) goesWithout(change Change) bool {
	if change.Kind == Changed || change.What != "output" && change.What != "metadata" {
		return false
	}
	return slices.ContainsFunc(c, func(other Change) bool {
		return other.Type != "" && other.Kind == change.Kind && heading(other) == heading(change) || change.What == "metadata" && other.Type != "" && other.Kind == change.Kind
	})
}

func (c Change) sign() string {
	switch {
	case c.Kind == Added:
		return "+"
	case c.Kind == Removed:
		return "-"
	case c.Replacement == Replaces:
		return "-/+"
	}
	return "~"
}

func (c Change) remark() string {
	switch c.Replacement {
	case Replaces:
		return " (made anew; " + cmp.Or(c.Was, "the one that is there") + " is deleted)"
	case MayReplace:
		return " (may be made anew)"
	case InPlace:
	}
	return ""
}

// String is the property in one line.
func (p Property) String() string {
	out := p.Path
	switch {
	case p.Path == allows && p.Kind == Added:
		return "now allows " + p.After
	case p.Path == allows && p.Kind == Removed:
		return "no longer allows " + p.Before
	case p.Path == takenOnBy && p.Kind == Added:
		return "may now be taken on by " + p.After
	case p.Path == takenOnBy && p.Kind == Removed:
		return "may no longer be taken on by " + p.Before
	case p.Hidden, p.Before == "" && p.After == "":
		out += " " + string(p.Kind)
	case p.Kind == Added:
		out += ": + " + p.After
	case p.Kind == Removed:
		out += ": - " + p.Before
	case p.Before == "":
		out += ": " + p.After
	default:
		out += ": " + p.Before + " -> " + p.After
	}
	switch p.Replacement {
	case Replaces:
		out += " (replaces it)"
	case MayReplace:
		out += " (may replace it)"
	case InPlace:
	}
	return out
}
