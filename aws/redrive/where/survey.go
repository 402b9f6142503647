package where

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/expr-lang/expr/ast"
	"github.com/expr-lang/expr/file"
)

const (
	// maxVisits bounds the walks over a tree. In a < b < c the library has b twice,
	// so that such comparisons inside each other double with every level.
	maxVisits = 4 * maxNodes
	// maxCalls is how deep functions may stand inside each other: checking one with
	// two forms looks at its arguments twice.
	maxCalls = 8
)

// functions are those of the library that an expression may call. Left out is what
// can fill the memory (replace, repeat, concat, reduce, ...), depends on the order
// of a map or on the machine (groupBy, timezone, ...), or chooses nothing.
var functions = map[string]bool{
	"all": true, "any": true, "none": true, "one": true, "count": true, "filter": true, "map": true, "sum": true,
	"find": true, "findIndex": true, "findLast": true, "findLastIndex": true,
	"first": true, "last": true, "take": true, "get": true, "len": true, "keys": true, "values": true,
	"min": true, "max": true, "abs": true, "ceil": true, "floor": true, "round": true,
	"int": true, "float": true, "string": true, "type": true,
	"trim": true, "trimPrefix": true, "trimSuffix": true, "upper": true, "lower": true, "split": true,
	"indexOf": true, "lastIndexOf": true, "hasPrefix": true, "hasSuffix": true,
	"fromJSON": true, "fromBase64": true, "now": true, "date": true, "duration": true,
}

// Functions lists the functions that an expression may call, sorted. The slice is
// the caller's own.
func Functions() []string { return slices.Sorted(maps.Keys(functions)) }

// survey looks through an expression before it is checked: what this package does
// not allow never reaches the checker.
type survey struct {
	uses   map[string]bool
	visits int
}

// problem is something wrong with the expression itself.
type problem struct {
	at   file.Location
	text string
}

func (p *problem) Error() string { return p.text }

func problemAt(n ast.Node, format string, args ...any) *problem {
	return &problem{at: n.Location(), text: fmt.Sprintf(format, args...)}
}

func (s *survey) look(n ast.Node, calls int) error {
	if s.visits++; s.visits > maxVisits {
		return problemAt(n, "the expression is too complex")
	}
	switch n := n.(type) {
	case *ast.IdentifierNode:
		if _, known := environment[n.Value]; !known || n.Value[0] == ' ' {
			return unknownName(n)
		}
		s.uses[n.Value] = true
	case *ast.BuiltinNode:
		if calls++; calls > maxCalls {
			return problemAt(n, "functions stand more than %d deep inside each other", maxCalls)
		}
		if !functions[n.Name] {
			return unknownFunction(n, n.Name)
		}
		if n.Name == "now" {
			s.uses[nameNow] = true
		}
	case *ast.CallNode:
		if callee, ok := n.Callee.(*ast.IdentifierNode); ok {
			return unknownFunction(callee, callee.Value)
		}
		return problemAt(n, "methods cannot be called")
	case *ast.VariableDeclaratorNode:
		return problemAt(n, "variables (let) cannot be used")
	case *ast.SequenceNode:
		return problemAt(n, "there can be one expression only, without a semicolon")
	}
	for _, child := range children(n) {
		if err := s.look(child, calls); err != nil {
			return err
		}
	}
	return nil
}

// children are the nodes below a node, in the order of the text.
func children(n ast.Node) []ast.Node {
	switch n := n.(type) {
	case *ast.UnaryNode:
		return []ast.Node{n.Node}
	case *ast.BinaryNode:
		return []ast.Node{n.Left, n.Right}
	case *ast.ChainNode:
		return []ast.Node{n.Node}
	case *ast.MemberNode:
		return []ast.Node{n.Node, n.Property}
	case *ast.SliceNode:
		out := []ast.Node{n.Node}
		for _, bound := range []ast.Node{n.From, n.To} {
			if bound != nil {
				out = append(out, bound)
			}
		}
		return out
	case *ast.BuiltinNode:
		return n.Arguments
	case *ast.PredicateNode:
		return []ast.Node{n.Node}
	case *ast.ConditionalNode:
		return []ast.Node{n.Cond, n.Exp1, n.Exp2}
	case *ast.ArrayNode:
		return n.Nodes
	case *ast.MapNode:
		return n.Pairs
	case *ast.PairNode:
		return []ast.Node{n.Key, n.Value}
	}
	return nil
}

func unknownName(n *ast.IdentifierNode) error {
	names := make([]string, len(fields))
	for i, f := range fields {
		names[i] = f.Name
	}
	hint := ""
	switch like := alike(n.Value, names); {
	case functions[n.Value]:
		return problemAt(n, "%s is a function: call it, as in %s(...)", n.Value, n.Value)
	case like != "":
		hint = fmt.Sprintf("did you mean %s? ", like)
	case n.Value == "null" || n.Value == "undefined":
		hint = "what is not there is called nil; "
	}
	return problemAt(n, "unknown name %q: %sthe names are %s; a text stands in quotes", n.Value, hint, strings.Join(names, ", "))
}

func unknownFunction(n ast.Node, name string) error {
	known, hint := Functions(), ""
	if like := alike(name, known); like != "" {
		hint = fmt.Sprintf("did you mean %s? ", like)
	}
	return problemAt(n, "unknown function %q: %sthe functions are %s", name, hint, strings.Join(known, ", "))
}

// alike is the name that differs in case, or as the snake_case of it; empty: none.
func alike(name string, known []string) string {
	bare := strings.ReplaceAll(name, "_", "")
	for _, k := range known {
		if strings.EqualFold(bare, k) {
			return k
		}
	}
	return ""
}
