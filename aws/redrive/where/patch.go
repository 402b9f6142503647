package where

import (
	"reflect"
	"time"

	"github.com/expr-lang/expr/ast"
	"github.com/expr-lang/expr/file"
)

var (
	anyType      = reflect.TypeFor[any]()
	boolType     = reflect.TypeFor[bool]()
	stringType   = reflect.TypeFor[string]()
	intType      = reflect.TypeFor[int]()
	floatType    = reflect.TypeFor[float64]()
	durationType = reflect.TypeFor[time.Duration]()
	timeType     = reflect.TypeFor[time.Time]()
)

// typeNotes are the types of nodes that the patcher has made or changed. They do not
// stand in the nodes themselves: the checker does not look at the arguments of a call
// that has a type already.
type typeNotes map[ast.Node]reflect.Type

// patcher turns a tree of the library's language into one of ours. It is a single
// visitor, because the library checks the tree before each, and that check would
// leave types in the calls of an earlier one.
type patcher struct {
	types typeNotes
	err   error
	// counts is whether the tree asks for the budget.
	counts bool
}

// booleans are the functions whose predicate must give a boolean.
var booleans = map[string]bool{
	"all": true, "any": true, "none": true, "one": true, "count": true, "filter": true,
	"find": true, "findIndex": true, "findLast": true, "findLastIndex": true,
}

// Visit implements ast.Visitor. The children of the node have been visited.
func (p *patcher) Visit(node *ast.Node) {
	switch n := (*node).(type) {
	case *ast.ChainNode: // every member is optional here
		p.types[n.Node] = p.typeOf(n.Node)
		ast.Patch(node, n.Node)
	case *ast.MemberNode:
		p.member(node, n)
	case *ast.UnaryNode:
		if n.Operator == "!" || n.Operator == "not" {
			p.boolean(&n.Node)
		}
	case *ast.ConditionalNode:
		p.boolean(&n.Cond)
	case *ast.BinaryNode:
		p.binary(node, n)
	case *ast.PredicateNode:
		p.step(n)
	case *ast.BuiltinNode:
		p.builtin(node, n)
	}
}

func (p *patcher) fail(n ast.Node, format string, args ...any) {
	if p.err == nil {
		p.err = problemAt(n, format, args...)
	}
}

func (p *patcher) typeOf(n ast.Node) reflect.Type {
	if t, ok := p.types[n]; ok {
		return t
	}
	if t := n.Type(); t != nil {
		return t
	}
	return anyType
}

// call replaces a node by a call of an own function.
func (p *patcher) call(node *ast.Node, name string, args ...ast.Node) {
	at := (*node).Location()
	if owns[name].spends {
		p.counts = true
		args = append([]ast.Node{placed(&ast.IdentifierNode{Value: nameBudget}, at)}, args...)
	}
	made := &ast.CallNode{Callee: placed(&ast.IdentifierNode{Value: name}, at), Arguments: args}
	p.types[made] = owns[name].result()
	ast.Patch(node, made)
}

func placed(n ast.Node, at file.Location) ast.Node {
	n.SetLocation(at)
	return n
}

func (p *patcher) member(node *ast.Node, n *ast.MemberNode) {
	t := p.typeOf(n.Node)
	switch t.Kind() {
	case reflect.Interface, reflect.Map, reflect.Slice, reflect.Array:
		p.call(node, fnMember, n.Node, n.Property)
	default:
		p.fail(n, "%s has no members", aType(t.String()))
	}
}

// boolean has null count as false.
func (p *patcher) boolean(node *ast.Node) {
	if p.typeOf(*node) == anyType {
		p.call(node, fnTruth, *node)
	}
}

// step counts the steps of a loop, which can stand in another.
func (p *patcher) step(n *ast.PredicateNode) {
	if _, counted := n.Node.(*ast.SequenceNode); counted {
		return // the tree has nodes that are visited twice
	}
	body := n.Node
	count := body
	p.call(&count, fnStep)
	sequence := &ast.SequenceNode{Nodes: []ast.Node{count, body}}
	p.types[sequence] = p.typeOf(body)
	ast.Patch(&n.Node, sequence)
}

func (p *patcher) builtin(node *ast.Node, n *ast.BuiltinNode) {
	if loops := booleans[n.Name] || n.Name == "map" || n.Name == "sum"; loops && len(n.Arguments) > 0 {
		if p.typeOf(n.Arguments[0]) == anyType {
			p.call(&n.Arguments[0], fnList, n.Arguments[0])
		}
	}
	if booleans[n.Name] && len(n.Arguments) > 1 {
		if predicate, ok := n.Arguments[1].(*ast.PredicateNode); ok {
			if body, ok := predicate.Node.(*ast.SequenceNode); ok {
				p.boolean(&body.Nodes[1])
			}
		}
		return
	}
	switch n.Name {
	case "now":
		if len(n.Arguments) > 0 {
			p.fail(n, "now() takes nothing")
			return
		}
		ast.Patch(node, &ast.IdentifierNode{Value: nameNow})
		p.types[*node] = timeType
	case "duration", "date":
		if len(n.Arguments) != 1 {
			p.fail(n, "%s() takes one value", n.Name)
			return
		}
		made := n.Arguments[0]
		if n.Name == "date" && p.date(&made) || n.Name == "duration" && p.constant(&made) {
			*node = made
			return
		}
		p.call(node, " "+n.Name, n.Arguments[0])
	default:
		if _, ours := owns[" "+n.Name]; ours {
			p.call(node, " "+n.Name, n.Arguments...)
		}
	}
}

func (p *patcher) binary(node *ast.Node, n *ast.BinaryNode) {
	l, r := p.typeOf(n.Left), p.typeOf(n.Right)
	switch n.Operator {
	case "and", "&&", "or", "||":
		p.boolean(&n.Left)
		p.boolean(&n.Right)
	case "==", "!=", "<", ">", "<=", ">=":
		p.types[n] = boolType
		switch {
		case l == durationType:
			p.duration(&n.Right)
		case r == durationType:
			p.duration(&n.Left)
		case l == timeType:
			p.date(&n.Right)
		case r == timeType:
			p.date(&n.Left)
		}
	case "+", "-":
		p.sum(node, n, l, r)
	}
}

func (p *patcher) sum(node *ast.Node, n *ast.BinaryNode, l, r reflect.Type) {
	plus := n.Operator == "+"
	switch {
	case l == timeType && (r == stringType || isNumber(r) || plus && r == anyType):
		p.duration(&n.Right)
		p.types[n] = timeType
	case r == timeType && plus && (l == stringType || isNumber(l) || l == anyType):
		p.duration(&n.Left)
		p.types[n] = timeType
	case l == timeType && (r == durationType || r == timeType), r == timeType && l == durationType:
		p.types[n] = timeType
		if r == l {
			p.types[n] = durationType
		}
	case l == durationType:
		p.duration(&n.Right)
		p.types[n] = durationType
	case r == durationType:
		p.duration(&n.Left)
		p.types[n] = durationType
	case plus && l == stringType && r == stringType:
		p.call(node, fnConcat, n.Left, n.Right)
	case plus && (l == anyType || r == anyType):
		p.call(node, fnAdd, n.Left, n.Right)
	}
}

func isNumber(t reflect.Type) bool { return t == intType || t == floatType }

// duration makes a duration of a text or a number, as far as it can be one.
func (p *patcher) duration(node *ast.Node) {
	if _, null := (*node).(*ast.NilNode); null || p.constant(node) {
		return
	}
	if t := p.typeOf(*node); t == anyType || t == stringType || isNumber(t) {
		p.call(node, fnSeconds, *node)
	}
}

// constant is duration for what stands in the expression itself, and reports whether
// it did, or complained.
func (p *patcher) constant(node *ast.Node) bool {
	var given any
	switch n := (*node).(type) {
	case *ast.StringNode:
		given = n.Value
	case *ast.IntegerNode:
		given = n.Value
	case *ast.FloatNode:
		given = n.Value
	default:
		return false
	}
	v, err := seconds(given)
	if err != nil {
		p.fail(*node, `%s is no duration: write it as "90m", "36h", "2d" or "1d12h", or as a number of seconds`, quoted(given))
		return true
	}
	ast.Patch(node, &ast.ConstantNode{Value: v})
	p.types[*node] = durationType
	return true
}

// date makes a time of a text in the expression, and reports whether it did, or
// complained.
func (p *patcher) date(node *ast.Node) bool {
	n, ok := (*node).(*ast.StringNode)
	if !ok {
		return false
	}
	at, ok := parseDate(n.Value)
	if !ok {
		p.fail(n, `%s is no date: write it as "2026-03-01" or "2026-03-01T12:30:00Z"`, quoted(n.Value))
		return true
	}
	ast.Patch(node, &ast.ConstantNode{Value: at})
	p.types[*node] = timeType
	return true
}
