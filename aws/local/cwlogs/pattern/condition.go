package pattern

import (
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

// operator compares a field with a value.
type operator string

const (
	opEqual        operator = "="
	opNotEqual     operator = "!="
	opLess         operator = "<"
	opLessEqual    operator = "<="
	opGreater      operator = ">"
	opGreaterEqual operator = ">="
)

// comparison is an operator and what it compares with.
type comparison struct {
	op operator
	// number is set for a bare number.
	number *float64
	re     *regexp.Regexp
	// text is the value without its wildcards.
	text           string
	prefix, suffix bool // an asterisk after, before the text
}

// comparison reads an operator and a value.
func (s *scanner) comparison() (comparison, error) {
	var c comparison
	switch {
	case s.take("!="), s.take("=!"): // AWS's examples write both
		c.op = opNotEqual
	case s.take("<="):
		c.op = opLessEqual
	case s.take(">="):
		c.op = opGreaterEqual
	case s.take("="):
		c.op = opEqual
	case s.take("<"):
		c.op = opLess
	case s.take(">"):
		c.op = opGreater
	default:
		return c, fmt.Errorf("expected one of = != < <= > >= before %s", s.next())
	}
	s.space()
	switch s.peek() {
	case '%':
		re, err := s.regex()
		if err != nil {
			return c, err
		}
		if s.regexes > maxRegex {
			return c, fmt.Errorf("at most %d regular expressions are allowed", maxRegex)
		}
		c.re = re
	case '"':
		text, err := s.quoted()
		if err != nil {
			return c, err
		}
		c.wildcards(text)
	default:
		text := s.bare()
		if text == "" {
			return c, fmt.Errorf("expected a value before %s", s.next())
		}
		if n, ok := number(text); ok {
			c.number = &n
		}
		c.wildcards(text)
	}
	ordering := c.op != opEqual && c.op != opNotEqual
	if ordering && c.number == nil {
		return c, errors.New("< <= > >= compare with numbers only")
	}
	return c, nil
}

// wildcards takes the asterisks off both ends. Inside a word an asterisk is
// only itself: AWS's example is Ev*ent.
func (c *comparison) wildcards(text string) {
	c.text = text
	if strings.Trim(text, "*") == "" && text != "" {
		c.text, c.prefix, c.suffix = "", true, true
		return
	}
	c.text, c.suffix = strings.CutPrefix(c.text, "*")
	c.text, c.prefix = strings.CutSuffix(c.text, "*")
}

// holds compares a field's text.
func (c *comparison) holds(field string) bool {
	if c.number != nil {
		if n, ok := number(field); ok {
			return compareNumbers(c.op, n, *c.number)
		}
		return c.op == opNotEqual
	}
	var equal bool
	switch {
	case c.re != nil:
		equal = c.re.MatchString(field)
	case c.prefix && c.suffix:
		equal = strings.Contains(field, c.text)
	case c.prefix:
		equal = strings.HasPrefix(field, c.text)
	case c.suffix:
		equal = strings.HasSuffix(field, c.text)
	default:
		equal = field == c.text
	}
	return equal == (c.op == opEqual)
}

func compareNumbers(op operator, a, b float64) bool {
	switch op {
	case opEqual:
		return a == b
	case opNotEqual:
		return a != b
	case opLess:
		return a < b
	case opLessEqual:
		return a <= b
	case opGreater:
		return a > b
	case opGreaterEqual:
		return a >= b
	default:
		return false
	}
}

// number reads a number as AWS defines one: a sign, digits with a decimal
// point, and an exponent. ParseFloat alone would also take "inf" and "0x1p3".
func number(text string) (float64, bool) {
	digits := false
	for i := range len(text) {
		switch c := text[i]; {
		case '0' <= c && c <= '9':
			digits = true
		case c != '+' && c != '-' && c != '.' && c != 'e' && c != 'E':
			return 0, false
		}
	}
	if !digits {
		return 0, false
	}
	n, err := strconv.ParseFloat(text, 64)
	return n, err == nil
}

// requires lists texts that must all be there for the expression to hold.
func (e *expression[T]) requires() []string {
	if e.needs != "" {
		return []string{e.needs}
	}
	if e.or && len(e.subs) != 1 {
		return nil
	}
	var all []string
	for _, sub := range e.subs {
		all = append(all, sub.requires()...)
	}
	return all
}

// maxNesting bounds parentheses; a pattern is too short to need more.
const maxNesting = 100

// expression is a tree of conditions over values of type T.
type expression[T any] struct {
	// leaf decides; nil means an inner node.
	leaf func(T) bool
	// needs is a text without which a leaf cannot hold; empty means none is known.
	needs string
	// or says that one of subs is enough; otherwise all must hold.
	or   bool
	subs []*expression[T]
}

func (e *expression[T]) holds(v T) bool {
	if e.leaf != nil {
		return e.leaf(v)
	}
	for _, sub := range e.subs {
		if sub.holds(v) == e.or {
			return e.or
		}
	}
	return !e.or
}

// parseExpression reads conditions joined by && and ||, with parentheses.
// && binds more tightly.
func parseExpression[T any](s *scanner, depth int, condition func(*scanner) (leaf func(T) bool, needs string, err error)) (*expression[T], error) {
	if depth > maxNesting {
		return nil, errors.New("parentheses are nested too deeply")
	}
	primary := func() (*expression[T], error) {
		s.space()
		if !s.take("(") {
			leaf, needs, err := condition(s)
			return &expression[T]{leaf: leaf, needs: needs}, err
		}
		e, err := parseExpression(s, depth+1, condition)
		if err != nil {
			return nil, err
		}
		if !s.take(")") {
			return nil, fmt.Errorf("expected ) before %s", s.next())
		}
		return e, nil
	}
	either := &expression[T]{or: true}
	for {
		all := &expression[T]{}
		for {
			e, err := primary()
			if err != nil {
				return nil, err
			}
			all.subs = append(all.subs, e)
			if s.space(); !s.take("&&") {
				break
			}
		}
		either.subs = append(either.subs, all)
		if s.space(); !s.take("||") {
			return either, nil
		}
	}
}
