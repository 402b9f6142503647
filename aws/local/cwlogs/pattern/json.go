package pattern

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"unicode/utf8"
)

// jsonPattern is { conditions on fields }. A message that is not a JSON object
// never matches.
type jsonPattern struct {
	e *expression[any]
	// needs are texts without which a message cannot match, so that most messages
	// need not be decoded.
	needs []string
}

func (p *jsonPattern) match(message string) bool {
	if !strings.HasPrefix(strings.TrimLeft(message, " \t\r\n"), "{") {
		return false
	}
	for _, text := range p.needs {
		// A backslash may stand for any character of the text.
		if !strings.Contains(message, text) && !strings.Contains(message, `\`) {
			return false
		}
	}
	d := json.NewDecoder(strings.NewReader(message))
	d.UseNumber()
	var root any
	if d.Decode(&root) != nil {
		return false
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return false
	}
	return p.e.holds(root)
}

func parseJSON(text string) (matcher, error) {
	s := &scanner{text: text, at: 1}
	e, err := parseExpression(s, 0, jsonCondition)
	if err != nil {
		return nil, err
	}
	if s.space(); !s.take("}") {
		return nil, fmt.Errorf("expected && or || or } before %s", s.next())
	}
	if s.space(); !s.done() {
		return nil, fmt.Errorf("nothing may follow }, but %s does", s.next())
	}
	return &jsonPattern{e: e, needs: e.requires()}, nil
}

func jsonCondition(s *scanner) (leaf func(any) bool, needs string, err error) {
	path, err := s.selector()
	if err != nil {
		return nil, "", err
	}
	s.space()
	switch {
	case s.keyword("IS"):
		leaf, err = jsonIs(s, path)
		return leaf, "", err
	case s.keyword("NOT"):
		if s.space(); !s.keyword("EXISTS") {
			return nil, "", fmt.Errorf("expected EXISTS after NOT, before %s", s.next())
		}
		return func(root any) bool { return len(path.find(root)) == 0 }, "", nil
	}
	c, err := s.comparison()
	if err != nil {
		return nil, "", err
	}
	// A number can be written in many ways, and invalid UTF-8 is replaced when a
	// message is decoded.
	if c.op == opEqual && c.number == nil && c.re == nil && !strings.ContainsRune(c.text, utf8.RuneError) {
		needs = c.text
	}
	return func(root any) bool {
		for _, v := range path.find(root) {
			// Only strings and numbers are compared; for anything else, also for
			// a field that is missing, neither = nor != holds.
			switch v := v.(type) {
			case string:
				if c.holds(v) {
					return true
				}
			case json.Number:
				if c.holds(v.String()) {
					return true
				}
			}
		}
		return false
	}, needs, nil
}

func jsonIs(s *scanner, path selector) (func(any) bool, error) {
	s.space()
	var want any
	switch {
	case s.keyword("TRUE"):
		want = true
	case s.keyword("FALSE"):
		want = false
	case s.keyword("NULL"):
	default:
		return nil, fmt.Errorf("expected TRUE, FALSE or NULL after IS, before %s", s.next())
	}
	return func(root any) bool {
		for _, v := range path.find(root) {
			switch v.(type) {
			case bool, nil: // comparing anything else with == could panic
				if v == want {
					return true
				}
			}
		}
		return false
	}, nil
}

// selector is a path into a JSON value.
type selector []step

// step goes one level down: to a property, to an element, or to all of either.
type step struct {
	name  string
	index int
	array bool
	all   bool
}

// selector reads $.name, $.name[0], $.name[*] and $.['any name'].
func (s *scanner) selector() (selector, error) {
	if !s.take("$") {
		return nil, fmt.Errorf("expected a field such as $.name before %s", s.next())
	}
	var path selector
	for {
		switch {
		case s.take(".[") || s.take("["):
			st, err := s.bracket()
			if err != nil {
				return nil, err
			}
			if st.array && len(path) == 0 {
				return nil, errors.New("an element such as [0] must follow a property")
			}
			path = append(path, st)
		case s.take(".*"):
			path = append(path, step{all: true})
		case s.take("."):
			start := s.at
			for !s.done() && (isWord(s.peek()) || s.peek() == '-') {
				s.at++
			}
			if s.at == start {
				return nil, fmt.Errorf("expected a property name before %s", s.next())
			}
			path = append(path, step{name: s.text[start:s.at]})
		default:
			if len(path) == 0 {
				return nil, fmt.Errorf("expected a property such as .name after $, before %s", s.next())
			}
			return path, nil
		}
	}
}

// bracket reads what follows [.
func (s *scanner) bracket() (step, error) {
	end := strings.IndexByte(s.rest(), ']')
	if q := s.peek(); q == '\'' || q == '"' {
		if end = strings.Index(s.rest(), string(q)+"]"); end > 0 {
			name := s.rest()[1:end]
			s.at += end + 2
			return step{name: name}, nil
		}
	}
	if end < 0 {
		return step{}, errors.New("a [ is not closed")
	}
	inside := s.rest()[:end]
	s.at += end + 1
	if inside == "*" {
		return step{array: true, all: true}, nil
	}
	n, err := strconv.ParseUint(inside, 10, 31)
	if err != nil {
		return step{}, fmt.Errorf("[%s] is not an element's number", inside)
	}
	return step{array: true, index: int(n)}, nil
}

// find returns the values a selector leads to.
func (p selector) find(root any) []any {
	found := []any{root}
	for _, st := range p {
		var next []any
		for _, v := range found {
			next = st.down(next, v)
		}
		found = next
	}
	return found
}

func (st step) down(into []any, v any) []any {
	switch v := v.(type) {
	case map[string]any:
		switch {
		case st.array:
		case st.all:
			for _, child := range v {
				into = append(into, child)
			}
		default:
			if child, ok := v[st.name]; ok {
				into = append(into, child)
			}
		}
	case []any:
		switch {
		case !st.array:
		case st.all:
			into = append(into, v...)
		case st.index < len(v):
			into = append(into, v[st.index])
		}
	}
	return into
}
