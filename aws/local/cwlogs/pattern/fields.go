package pattern

import (
	"errors"
	"fmt"
	"strings"
)

// fieldsPattern is [ip, user, ..., status=4*]: the message's words by position.
type fieldsPattern struct {
	// head is matched from the first word; tail from the last, after an
	// ellipsis.
	head, tail []field
	ellipsis   bool
}

// field is one position. Its expression sees all words of its message.
type field struct {
	name string
	e    *expression[[]string]
}

func (p *fieldsPattern) match(message string) bool {
	words := splitFields(message)
	named := len(p.head) + len(p.tail)
	if len(words) < named || len(words) > named && !p.ellipsis {
		return false
	}
	// The words an ellipsis stands for have no name: leave them out, so that a
	// field's number is its position.
	if extra := len(words) - named; extra > 0 {
		words = append(words[:len(p.head):len(p.head)], words[len(p.head)+extra:]...)
	}
	for _, fields := range [][]field{p.head, p.tail} {
		for _, f := range fields {
			if f.e != nil && !f.e.holds(words) {
				return false
			}
		}
	}
	return true
}

// splitFields takes a message apart at spaces. What stands between brackets or
// double quotes is one field, without them.
func splitFields(message string) []string {
	var words []string
	for i := 0; i < len(message); {
		if isSpace(message[i]) {
			i++
			continue
		}
		var closing byte
		switch message[i] {
		case '[':
			closing = ']'
		case '"':
			closing = '"'
		}
		if closing != 0 {
			if end := strings.IndexByte(message[i+1:], closing); end >= 0 {
				words = append(words, message[i+1:i+1+end])
				i += end + 2
				continue
			}
		}
		start := i
		for i < len(message) && !isSpace(message[i]) {
			i++
		}
		words = append(words, message[start:i])
	}
	return words
}

func parseFields(text string) (matcher, error) {
	if !strings.HasSuffix(text, "]") {
		return nil, errors.New("the pattern starts with [ and must end with ]")
	}
	p := &fieldsPattern{}
	s := &scanner{text: text, at: 1}
	positions := make(map[string]int)
	position := 0
	for {
		s.space()
		if s.take("...") {
			if p.ellipsis {
				return nil, errors.New("only one ellipsis is allowed")
			}
			p.ellipsis = true
		} else {
			f, err := s.field(positions, position)
			if err != nil {
				return nil, err
			}
			position++
			if p.ellipsis {
				p.tail = append(p.tail, f)
			} else {
				p.head = append(p.head, f)
			}
		}
		s.space()
		if s.take(",") {
			continue
		}
		if !s.take("]") {
			return nil, fmt.Errorf("expected , or ] before %s", s.next())
		}
		if !s.done() {
			return nil, fmt.Errorf("nothing may follow ], but %s does", s.next())
		}
		return p, nil
	}
}

// field reads a name and conditions; both may be missing. Conditions name the
// field again: [status = 4* && status != 403].
func (s *scanner) field(positions map[string]int, position int) (field, error) {
	var f field
	start := s.at
	parens := strings.HasPrefix(s.rest(), "(")
	for !s.done() && (isWord(s.peek()) || s.peek() == '-') {
		s.at++
	}
	f.name = s.text[start:s.at]
	if f.name != "" {
		positions[f.name] = position
	}
	s.space()
	if !parens && (f.name == "" || s.peek() == ',' || s.peek() == ']') {
		return f, nil
	}
	s.at = start
	e, err := parseExpression(s, 0, func(s *scanner) (func([]string) bool, string, error) {
		s.space()
		start := s.at
		for !s.done() && (isWord(s.peek()) || s.peek() == '-') {
			s.at++
		}
		name := s.text[start:s.at]
		if name == "" {
			return nil, "", fmt.Errorf("expected a field's name before %s", s.next())
		}
		at, ok := positions[name]
		if !ok {
			at = position
		}
		s.space()
		c, err := s.comparison()
		if err != nil {
			return nil, "", err
		}
		return func(words []string) bool { return c.holds(words[at]) }, "", nil
	})
	f.e = e
	return f, err
}
