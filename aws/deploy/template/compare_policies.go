package template

import (
	"maps"
	"slices"
	"strings"
)

// The paths of what policies say.
const (
	allows    = "allows"
	takenOnBy = "may be taken on by"
)

// isPolicy says that a property holds policies.
func isPolicy(key string) bool {
	return key == "Policies" || key == "PolicyDocument" || key == "AssumeRolePolicyDocument"
}

// policies notes what policies allow now, and no longer do: the actions on each resource, so
// that an order, or how statements are divided, is no difference.
func (d *differ) policies(key string, was, is any) {
	old, now := d.before.grants(was), d.after.grants(is)
	word := allows
	if key == "AssumeRolePolicyDocument" {
		word = takenOnBy
	}
	found := len(d.found)
	for _, target := range slices.Sorted(maps.Keys(union(old, now))) {
		if gained := without(now[target], old[target]); len(gained) > 0 {
			d.add(Property{Path: word, Kind: Added, After: strings.Join(gained, ", ") + target})
		}
		if lost := without(old[target], now[target]); len(lost) > 0 {
			d.add(Property{Path: word, Kind: Removed, Before: strings.Join(lost, ", ") + target})
		}
	}
	if len(d.found) == found {
		d.add(Property{Path: key, Kind: Changed}) // written otherwise, and the same
	}
}

// without are the sorted actions that are not among others.
func without(actions, others []string) []string {
	return slices.DeleteFunc(uniq(actions), func(a string) bool { return slices.Contains(others, a) })
}

// grants are what policies allow and deny: what is acted on, and the rest of its sentence, to
// the actions.
func (t *parsed) grants(v any) map[string][]string {
	out := map[string][]string{}
	for _, document := range asList(v) {
		m, _ := document.(map[string]any)
		if inner, found := m["PolicyDocument"]; found {
			m, _ = inner.(map[string]any)
		}
		for _, s := range asList(m["Statement"]) {
			statement, _ := s.(map[string]any)
			t.statement(out, statement)
		}
	}
	return out
}

func (t *parsed) statement(out map[string][]string, s map[string]any) {
	effect := ""
	if s["Effect"] != "Allow" {
		effect = t.text(s["Effect"]) + " "
	}
	suffix := ""
	if c := s["Condition"]; c != nil {
		suffix = " if " + t.text(c)
	}
	if p := s["Principal"]; p != nil {
		suffix = " to " + t.text(principal(p)) + suffix
	}
	actions, not := s["Action"], ""
	if actions == nil {
		actions, not = s["NotAction"], "all but "
	}
	resources, notOn := s["Resource"], ""
	if n := s["NotResource"]; n != nil {
		resources, notOn = n, "all but "
	}
	on := []string{""}
	for i, resource := range asList(resources) {
		if i == 0 {
			on = nil
		}
		on = append(on, " on "+notOn+t.text(resource))
	}
	for _, target := range on {
		for _, action := range asList(actions) {
			out[target+suffix] = append(out[target+suffix], effect+not+t.text(action))
		}
	}
}

// principal is a principal without what says that it is a service.
func principal(p any) any {
	if m, ok := p.(map[string]any); ok && len(m) == 1 && m["Service"] != nil {
		return m["Service"]
	}
	return p
}

// asList is a value that IAM takes alone or in a list.
func asList(v any) []any {
	switch v := v.(type) {
	case nil:
		return nil
	case []any:
		return v
	}
	return []any{v}
}

// what is a resource in a word or two.
func what(id string, r parsedResource) string {
	switch r.Type {
	case "AWS::SQS::Queue":
		if strings.HasSuffix(id, partDLQ) {
			return "dead-letter queue"
		}
		return "queue"
	case "AWS::Lambda::Function":
		return "function"
	case "AWS::Lambda::EventSourceMapping":
		return "event source mapping of"
	case "AWS::Lambda::Permission":
		return "permission to call"
	case "AWS::Logs::LogGroup":
		return "log group"
	case "AWS::IAM::Role":
		return "role"
	case "AWS::IAM::ManagedPolicy":
		return "policy"
	case "AWS::SQS::QueuePolicy":
		return "policy of queue"
	case "AWS::Events::Rule":
		return "schedule"
	case "AWS::CloudWatch::Alarm":
		return "alarm"
	case "AWS::ApiGateway::RestApi":
		return "REST API"
	case "AWS::ApiGateway::Deployment":
		return "deployment"
	case "AWS::ApiGateway::Resource":
		return "path"
	case "AWS::ApiGateway::Method":
		return "method"
	}
	return shown(r.Type)
}
