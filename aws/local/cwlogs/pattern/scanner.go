package pattern

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
)

// scanner walks over a pattern's text.
type scanner struct {
	text string
	at   int
	// regexes counts the regular expressions read so far.
	regexes int
}

func (s *scanner) done() bool { return s.at >= len(s.text) }

// peek is the next byte, or 0 at the end.
func (s *scanner) peek() byte {
	if s.done() {
		return 0
	}
	return s.text[s.at]
}

func (s *scanner) rest() string { return s.text[s.at:] }

// take consumes token if it comes next.
func (s *scanner) take(token string) bool {
	if !strings.HasPrefix(s.rest(), token) {
		return false
	}
	s.at += len(token)
	return true
}

// keyword consumes a word in any case, if it comes next and ends there.
func (s *scanner) keyword(word string) bool {
	end := s.at + len(word)
	if end > len(s.text) || !strings.EqualFold(s.text[s.at:end], word) {
		return false
	}
	if end < len(s.text) && isWord(s.text[end]) {
		return false
	}
	s.at = end
	return true
}

func (s *scanner) space() {
	for !s.done() && isSpace(s.text[s.at]) {
		s.at++
	}
}

// next shows what comes next in an error.
func (s *scanner) next() string {
	if s.done() {
		return "the end"
	}
	rest := s.rest()
	return fmt.Sprintf("%q", rest[:min(len(rest), 12)])
}

// quoted reads a phrase in double quotes. A backslash keeps the next character.
func (s *scanner) quoted() (string, error) {
	s.at++
	var b strings.Builder
	for !s.done() {
		c := s.text[s.at]
		s.at++
		switch {
		case c == '"':
			return b.String(), nil
		case c == '\\' && !s.done():
			b.WriteByte(s.text[s.at])
			s.at++
		default:
			b.WriteByte(c)
		}
	}
	return "", errors.New("a double quote is not closed")
}

// regex reads %expression%. AWS allows a small alphabet, without parentheses.
func (s *scanner) regex() (*regexp.Regexp, error) {
	s.at++
	end := strings.IndexByte(s.rest(), '%')
	if end < 0 {
		return nil, errors.New("a regular expression is not closed with %")
	}
	expr := s.rest()[:end]
	s.at += end + 1
	if expr == "" {
		return nil, errors.New("a regular expression is empty")
	}
	for i := 0; i < len(expr); i++ {
		c := expr[i]
		if c == '\\' && i+1 < len(expr) && expr[i+1] > ' ' && expr[i+1] < 0x7f {
			i++
			continue
		}
		if !isWord(c) && !strings.ContainsRune(`:#=@/;,-^$?[]{}|\*+.`, rune(c)) {
			return nil, fmt.Errorf("a regular expression cannot contain %q", c)
		}
	}
	re, err := regexp.Compile(expr)
	if err != nil {
		return nil, fmt.Errorf("a regular expression cannot be read: %w", err)
	}
	s.regexes++
	return re, nil
}

// bare reads an unquoted value; empty when there is none.
func (s *scanner) bare() string {
	start := s.at
	for !s.done() && (isWord(s.text[s.at]) || strings.IndexByte(`.*+-/:`, s.text[s.at]) >= 0) {
		s.at++
	}
	return s.text[start:s.at]
}

func isSpace(c byte) bool { return c == ' ' || c == '\t' || c == '\n' || c == '\r' }

func isWord(c byte) bool {
	return c == '_' || '0' <= c && c <= '9' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z'
}
