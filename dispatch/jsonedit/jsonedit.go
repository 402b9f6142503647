// Package jsonedit changes JSON text in place: what a change does not concern keeps
// its spelling, its order and its white space, and what is added is laid out as its
// neighbours are.
package jsonedit

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/microfox-ai/aiwctl/dispatch/internal/jsontext"
)

// ErrNoPlace is wrapped by the errors of changes for which the text has no place: an
// item behind the end of its array, a member of a number, a path that is not there.
var ErrNoPlace = errors.New("the text has no such place")

// SyntaxError is a text that is not JSON.
type SyntaxError struct {
	// Line and Column (in characters) are one-based.
	Line, Column int
	// Message says what is wrong, without control characters.
	Message string
}

// Error is place and message.
func (e *SyntaxError) Error() string {
	return fmt.Sprintf("line %d, column %d: %s", e.Line, e.Column, e.Message)
}

// Doc is a JSON text and where everything stands in it. It never changes: a change
// is another text. It belongs to one goroutine at a time.
//
// A path leads from the root to a value, by names of members and indexes of items.
// Of members with the same name it means the last, whose value counts.
type Doc struct {
	text   string
	parsed *jsontext.Parsed
}

// Parse reads a text. Its error is a *SyntaxError.
func Parse(text string) (*Doc, error) {
	parsed, problem := jsontext.Parse([]byte(text))
	if problem != nil {
		line, column := jsontext.NewLocator([]byte(text)).At(problem.Off)
		return nil, &SyntaxError{Line: line, Column: column, Message: problem.Message}
	}
	return &Doc{text: text, parsed: parsed}, nil
}

// Text is the text as it was given.
func (d *Doc) Text() string { return d.text }

// Value is the text of the value at a path; ok is false where there is none.
func (d *Doc) Value(path []string) (raw string, ok bool) {
	start, end, ok := d.Span(path)
	return d.text[start:end], ok
}

// Span is where the value at a path stands, in bytes; ok is false where there is none.
func (d *Doc) Span(path []string) (start, end int, ok bool) {
	n := d.node(path)
	if n == nil {
		return 0, 0, false
	}
	return n.Off, n.End, true
}

func (d *Doc) node(path []string) *jsontext.Node {
	n := &d.parsed.Root
	for _, token := range path {
		if n = n.Child(token); n == nil {
			return nil
		}
	}
	return n
}

// Set puts a value, given as JSON text, at a path and returns the new text. A member
// that is not there is added, and so are the objects it belongs to; behind gives the
// names of members that it should follow, of which the last one present counts, and it
// comes first when none is. Nil puts it at the end. The index that equals an array's
// length adds an item. The error wraps ErrNoPlace, or is a *SyntaxError of raw.
func (d *Doc) Set(path []string, raw string, behind []string) (string, error) {
	if _, err := Parse(raw); err != nil {
		return "", err
	}
	raw = strings.TrimSpace(raw)
	at := &d.parsed.Root
	for i, token := range path {
		kid := at.Child(token)
		if kid != nil {
			at = kid
			continue
		}
		rest := path[i+1:]
		for j := len(rest) - 1; j >= 0; j-- {
			raw = "{" + quoted(rest[j]) + ":" + raw + "}"
		}
		if len(rest) > 0 {
			behind = nil
		}
		return d.add(at, token, raw, behind)
	}
	return d.text[:at.Off] + d.shaped(raw, at.Off) + d.text[at.End:], nil
}

// add puts a member, or an item at the end, into the container at.
func (d *Doc) add(at *jsontext.Node, token, raw string, behind []string) (string, error) {
	switch d.text[at.Off] {
	case '{':
		index := len(at.Kids)
		if behind != nil {
			index = 0
			for i := range at.Kids {
				if slices.Contains(behind, at.Kids[i].Key) {
					index = i + 1
				}
			}
		}
		return d.insert(at, index, quoted(token), raw), nil
	case '[':
		if token == strconv.Itoa(len(at.Kids)) {
			return d.insert(at, len(at.Kids), "", raw), nil
		}
	}
	return "", fmt.Errorf("%w: %s", ErrNoPlace, jsontext.QuoteShort(token))
}

// InsertItem puts a value into the array at a path, before the item with that index;
// the array's length puts it at the end. The error wraps ErrNoPlace, or is a
// *SyntaxError of raw.
func (d *Doc) InsertItem(path []string, index int, raw string) (string, error) {
	if _, err := Parse(raw); err != nil {
		return "", err
	}
	at := d.node(path)
	if at == nil || d.text[at.Off] != '[' || index < 0 || index > len(at.Kids) {
		return "", fmt.Errorf("%w: item %d", ErrNoPlace, index)
	}
	return d.insert(at, index, "", strings.TrimSpace(raw)), nil
}

// Remove takes a member, with every other of its name, or an item out. The error
// wraps ErrNoPlace.
func (d *Doc) Remove(path []string) (string, error) {
	if len(path) == 0 || d.node(path) == nil {
		return "", fmt.Errorf("%w: nothing to remove", ErrNoPlace)
	}
	parent := d.node(path[:len(path)-1])
	text := d.without(parent, path[len(path)-1])
	if d.text[parent.Off] == '[' {
		return text, nil
	}
	next, err := Parse(text)
	if err != nil {
		return "", err
	}
	if next.node(path) != nil {
		return next.Remove(path)
	}
	return text, nil
}

func (d *Doc) without(parent *jsontext.Node, token string) string {
	kid := parent.Child(token)
	i := slices.IndexFunc(parent.Kids, func(n jsontext.Node) bool { return n.Off == kid.Off })
	switch {
	case len(parent.Kids) == 1:
		return d.text[:parent.Off+1] + d.text[parent.End-1:]
	case i+1 < len(parent.Kids):
		return d.text[:begin(kid)] + d.text[begin(&parent.Kids[i+1]):]
	}
	return d.text[:parent.Kids[i-1].End] + d.text[kid.End:]
}

// Move exchanges an item with the one so many places behind it, or before it when by
// is negative. The error wraps ErrNoPlace.
func (d *Doc) Move(path []string, by int) (string, error) {
	if len(path) > 0 {
		parent := d.node(path[:len(path)-1])
		i, err := strconv.Atoi(path[len(path)-1])
		j := i + by
		if err == nil && parent != nil && d.text[parent.Off] == '[' && min(i, j) >= 0 && max(i, j) < len(parent.Kids) {
			a, b := &parent.Kids[min(i, j)], &parent.Kids[max(i, j)]
			if i == j {
				return d.text, nil
			}
			return d.text[:a.Off] + d.text[b.Off:b.End] + d.text[a.End:b.Off] + d.text[a.Off:a.End] + d.text[b.End:], nil
		}
	}
	return "", fmt.Errorf("%w: nothing to move there", ErrNoPlace)
}

// begin is where a member or an item begins.
func begin(n *jsontext.Node) int {
	if n.KeyOff >= 0 {
		return n.KeyOff
	}
	return n.Off
}

func quoted(name string) string {
	out, err := jsontext.Marshal(name)
	if err != nil {
		return strconv.QuoteToASCII(name) // a text can always be written
	}
	return string(out)
}
