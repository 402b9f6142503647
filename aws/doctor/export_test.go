package doctor

import (
	"slices"

	"github.com/microfox-ai/aiwctl/aws"
)

// ActionsFor is the table's actions of a purpose, for tests.
func ActionsFor(p Purpose) (out []string) {
	for _, x := range permissions() {
		if x.purpose == p {
			out = append(out, x.action)
		}
	}
	return out
}

// Optional is whether only a flag needs an action, for tests.
func Optional(action string) bool {
	return slices.ContainsFunc(permissions(), func(p permission) bool { return p.action == action && p.optional })
}

// UnknownCalls is unknownCalls, for tests.
func UnknownCalls(ops []aws.Operation) []string { return unknownCalls(ops) }

// Pattern is pattern, for tests.
func Pattern(names []string) string { return pattern(names) }

// UnknownPushCalls is unknownPushCalls, for tests.
func UnknownPushCalls(ops []aws.Operation) []string { return unknownPushCalls(ops) }
