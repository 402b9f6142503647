package doctor

import "github.com/microfox-ai/aiwctl/aws"

// ActionsFor is the table's actions of a purpose, for tests.
func ActionsFor(p Purpose) (out []string) {
	for _, x := range permissions() {
		if x.purpose == p && !x.optional {
			out = append(out, x.action)
		}
	}
	return out
}

// UnknownCalls is unknownCalls, for tests.
func UnknownCalls(ops []aws.Operation) []string { return unknownCalls(ops) }

// Pattern is pattern, for tests.
func Pattern(names []string) string { return pattern(names) }
