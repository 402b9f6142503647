package pattern

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
)

// textPattern is a pattern of terms. Terms are found anywhere in the message,
// also inside words: ERROR matches "ERRORCODE".
type textPattern struct {
	include, exclude, optional []term
}

// term is one term, phrase or regular expression.
type term struct {
	text string
	re   *regexp.Regexp
}

func (t term) in(message string) bool {
	if t.re != nil {
		return t.re.MatchString(message)
	}
	return strings.Contains(message, t.text)
}

func (p *textPattern) match(message string) bool {
	for _, t := range p.include {
		if !t.in(message) {
			return false
		}
	}
	for _, t := range p.exclude {
		if t.in(message) {
			return false
		}
	}
	// AWS ignores the optional terms when there are terms of another kind.
	if len(p.optional) == 0 || len(p.include) > 0 || len(p.exclude) > 0 {
		return true
	}
	for _, t := range p.optional {
		if t.in(message) {
			return true
		}
	}
	return false
}

func parseText(text string) (matcher, error) {
	p := &textPattern{}
	s := &scanner{text: text}
	for {
		s.space()
		if s.done() {
			return p, nil
		}
		into := &p.include
		switch {
		case s.take("-"):
			into = &p.exclude
		case s.take("?"):
			into = &p.optional
		}
		t, err := textTerm(s)
		if err != nil {
			return nil, err
		}
		// A blank phrase is AWS's way of saying "everything".
		if t.re == nil && strings.TrimSpace(t.text) == "" {
			t.text = ""
		}
		*into = append(*into, t)
	}
}

func textTerm(s *scanner) (term, error) {
	switch {
	case s.peek() == '"':
		text, err := s.quoted()
		return term{text: text}, err
	case s.peek() == '%':
		re, err := s.regex()
		return term{re: re}, err
	}
	start := s.at
	for !s.done() && !isSpace(s.peek()) {
		s.at++
	}
	word := s.text[start:s.at]
	if word == "" {
		return term{}, errors.New("a - or ? stands alone: write it directly before a term")
	}
	for i := range len(word) {
		if !isWord(word[i]) {
			return term{}, fmt.Errorf("Invalid character(s) in term '%s': put it in double quotes", word) //nolint:staticcheck // AWS's own words
		}
	}
	return term{text: word}, nil
}
