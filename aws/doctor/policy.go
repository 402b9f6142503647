package doctor

import (
	"context"
	"encoding/json"
	"maps"
	"slices"
	"strings"
)

// maxPolicy is how many characters IAM takes in a managed policy, white space not
// counted.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html
const maxPolicy = 6144

// Policy is an IAM policy document.
type Policy struct {
	Version   string      `json:"Version"`
	Statement []Statement `json:"Statement"`
}

// Statement is one statement of a Policy.
type Statement struct {
	Sid       string                         `json:"Sid"`
	Effect    string                         `json:"Effect"`
	Action    []string                       `json:"Action"`
	Resource  []string                       `json:"Resource"`
	Condition map[string]map[string][]string `json:"Condition,omitempty"`
}

// size is what IAM counts.
func (p *Policy) size() int {
	text, err := json.Marshal(p)
	if err != nil {
		return maxPolicy + 1 // strings always encode
	}
	return len(text)
}

// PolicyInfo says how good a policy's resources are.
type PolicyInfo struct {
	// Patterns is true when there are too many names to list, so that patterns stand
	// for them, which may match more than the stage has.
	Patterns bool
	// Guessed says why the stage's own resources are not known; nil when they are.
	Guessed error
}

// PolicyFor is the least policy for a purpose: for Act it holds what Read needs,
// too, since nothing is acted upon before it was found. Discovery and STS are asked
// for the names to put in; without them, it has wider patterns.
func PolicyFor(ctx context.Context, s Stage, o Options, purpose Purpose) (*Policy, PolicyInfo) {
	ctx, cancel := context.WithTimeout(ctx, o.whole())
	defer cancel()
	d := newDiagnosis(ctx, s, o)
	d.work.Wait()
	objects := d.objects()
	policy, level := objects.policy(func(p permission) bool { return purpose == Act || p.purpose == Read })
	return policy, PolicyInfo{Patterns: level > 0, Guessed: d.inventory().err}
}

// missing is the policy of what was denied and an Allow would help with.
func (o *objects) missing(checks []Check) *Policy {
	denied := make(map[string]bool)
	for _, c := range checks {
		p := c.Permission
		if p != nil && p.Decision == DecisionDenied && (denial{policy: p.Policy, explicit: p.Explicit}).helps() {
			denied[p.Action] = true
		}
	}
	if len(denied) == 0 {
		return nil
	}
	policy, _ := o.policy(func(p permission) bool { return denied[p.action] })
	return policy
}

// policy writes the wanted permissions, one statement for each kind of object. It
// lists names while IAM takes so many characters, then patterns, wider by level.
func (o *objects) policy(want func(permission) bool) (policy *Policy, level int) {
	for level = 0; ; level++ {
		policy = o.policyAt(want, level)
		if level == widest || policy.size() <= maxPolicy {
			return policy, level
		}
	}
}

func (o *objects) policyAt(want func(permission) bool, level int) *Policy {
	policy := &Policy{Version: "2012-10-17", Statement: []Statement{}}
	for _, kind := range []object{anything, queues, deadLetters, functions, logGroups, mappings, keys, stacks, parameters, secrets} {
		s := Statement{Sid: sid(kind), Effect: "Allow"}
		for _, p := range o.needed {
			if p.on == kind && want(p) {
				s.Action = append(s.Action, p.action)
			}
		}
		if len(s.Action) == 0 {
			continue
		}
		slices.Sort(s.Action)
		s.Resource = o.patterns(kind, level)
		switch {
		case kind == keys:
			s.Condition = map[string]map[string][]string{"StringEquals": {"kms:ViaService": {"sqs." + o.region + "." + dnsSuffix(o.region)}}}
		case kind == mappings && (level > 0 || len(o.by[mappings]) == 0):
			// Mappings have no names to make a pattern of, but their functions do.
			s.Condition = map[string]map[string][]string{"ArnLike": {"lambda:FunctionArn": o.patterns(functions, level)}}
		}
		if slices.Contains(s.Action, "logs:StartLiveTail") {
			// It names log groups without the suffix.
			for _, r := range s.Resource {
				s.Resource = append(s.Resource, strings.TrimSuffix(r, ":*"))
			}
		}
		policy.Statement = append(policy.Statement, s)
	}
	return policy
}

func sid(kind object) string {
	switch kind {
	case queues:
		return "AiwctlQueues"
	case deadLetters:
		return "AiwctlDeadLetters"
	case functions:
		return "AiwctlFunctions"
	case logGroups:
		return "AiwctlLogs"
	case mappings:
		return "AiwctlMappings"
	case keys:
		return "AiwctlKeys"
	case stacks:
		return "AiwctlStacks"
	case parameters:
		return "AiwctlParameters"
	case secrets:
		return "AiwctlSecrets"
	case anything:
	}
	return "AiwctlAnywhere"
}

func dnsSuffix(region string) string {
	if strings.HasPrefix(region, "cn-") {
		return "amazonaws.com.cn"
	}
	return "amazonaws.com"
}

// widest is the level at which every name of a kind is one "*".
const widest = 4

// patterns are the ARNs of a kind's resources: at level 0 each, then one for those
// that agree in the first two parts of their names, in the first, in nothing but
// what they happen to share, and at last one for all.
func (o *objects) patterns(kind object, level int) []string {
	if kind == anything {
		return []string{"*"}
	}
	rs := o.by[kind]
	if kind == deadLetters && len(rs) == 0 {
		rs = o.by[queues] // it is not known which of them hold dead letters
	}
	prefix, suffix := o.shape(kind)
	if len(rs) == 0 {
		name := "*"
		if o.service != "" && (kind == queues || kind == deadLetters || kind == functions) {
			name = o.service + "-*"
		} else if o.service != "" && kind == logGroups {
			name = "/aws/lambda/" + o.service + "-*"
		} else if o.service != "" && kind == stacks {
			name = o.service + "-*"
		}
		return []string{prefix + name + suffix}
	}
	names := make(map[resource][]string) // by what they agree in
	for _, r := range rs {
		key := resource{prefix: r.prefix, suffix: r.suffix}
		switch level {
		case 0:
			key.name = r.name
		case 1, 2:
			parts := strings.SplitN(r.name, "-", 4-level)
			key.name = strings.Join(parts[:len(parts)-1], "-")
			if len(parts) < 4-level {
				key.name = r.name
			}
		}
		names[key] = append(names[key], r.name)
	}
	var out []string
	for _, key := range slices.SortedFunc(maps.Keys(names), func(a, b resource) int { return strings.Compare(a.arn(), b.arn()) }) {
		name := "*"
		if level < widest && (kind != mappings || level == 0) {
			name = pattern(names[key])
		}
		out = append(out, key.prefix+name+key.suffix)
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// pattern is what all names match: what they begin and end with, cut back to whole
// parts, so that tomorrow's worker matches as well.
func pattern(names []string) string {
	first := slices.Min(names)
	last := slices.Max(names)
	if first == last {
		return first
	}
	head := 0
	for head < len(first) && head < len(last) && first[head] == last[head] {
		head++
	}
	head = strings.LastIndexAny(first[:head], "-/") + 1
	tail := len(first) - head
	for _, n := range names {
		same := 0
		for same < tail && same < len(n)-head && first[len(first)-1-same] == n[len(n)-1-same] {
			same++
		}
		tail = same
	}
	end := first[len(first)-tail:]
	if i := strings.IndexAny(end, "-/"); i >= 0 {
		end = end[i:]
	} else {
		end = ""
	}
	return first[:head] + "*" + end
}
