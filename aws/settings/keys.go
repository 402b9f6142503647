package settings

import (
	"errors"
	"strings"
	"unicode"

	"github.com/goccy/go-yaml/ast"
)

// Word is a word of the file with its place.
type Word struct {
	Text         string
	Line, Column int
}

// Binding is what the section keys says of one action of the console: the keys that do
// it instead of its own. Which screens, actions and keys there are is not known here.
type Binding struct {
	Screen, Action Word
	// Keys may be empty: then no key does it.
	Keys []Word
}

// Fault is an Error about a word of the file.
func (f *File) Fault(at Word, text string) *Error {
	return &Error{Path: f.Path, Line: at.Line, Column: at.Column, Text: text}
}

// keys reads the section:
//
//	keys:
//	  dead-letters: {replay: ctrl+r, mark: [space, m]}
//	  everywhere:
//	    help: f1
//
// What is wrong in it is told by who opens the console, and keeps nobody from a stage:
// a fault is kept, what is right is read. A secret is an error here as everywhere.
func (r *reader) keys(f *File, p pair) error {
	screens, err := r.mapping(p.value, "keys")
	if err != nil {
		return f.fault(err)
	}
	for _, s := range screens {
		actions, err := r.mapping(s.value, "keys of "+s.key)
		if err != nil {
			if err := f.fault(err); err != nil {
				return err
			}
			continue
		}
		for _, a := range actions {
			keys, err := r.keyNames(a)
			if err != nil {
				if err := f.fault(err); err != nil {
					return err
				}
				continue
			}
			f.Keys = append(f.Keys, Binding{Screen: word(s), Action: word(a), Keys: keys})
		}
	}
	return nil
}

// fault keeps an error of the section keys, unless it is one that has to be told.
func (f *File) fault(err error) error {
	e, ok := errors.AsType[*Error](err)
	if !ok || e.secret {
		return err
	}
	f.KeyFaults = append(f.KeyFaults, e)
	return nil
}

// keyNames reads the keys of an action: a name, or a list of names.
func (r *reader) keyNames(a pair) ([]Word, error) {
	nodes := []ast.Node{a.value}
	if list, ok := a.value.(*ast.SequenceNode); ok {
		nodes = list.Values
	}
	var keys []Word
	for _, n := range nodes {
		one := pair{key: "a key of " + a.key, at: n.GetToken(), value: n}
		k := word(one)
		if n, ok := n.(*ast.IntegerNode); ok { // a digit is a key
			k.Text = n.GetToken().Value
			keys = append(keys, k)
			continue
		}
		v, err := r.text(one)
		if err != nil {
			return nil, err
		}
		if strings.ContainsFunc(strings.TrimSpace(v.text), unicode.IsSpace) {
			return nil, r.errorf(n.GetToken(), "%q is no key: several are a list, [%s]", v.text, strings.Join(strings.Fields(v.text), ", "))
		}
		k.Text = v.text
		keys = append(keys, k)
	}
	return keys, nil
}

// word is a pair's key with its place.
func word(p pair) Word {
	w := Word{Text: p.key}
	if p.at != nil && p.at.Position != nil {
		w.Line, w.Column = p.at.Position.Line, p.at.Position.Column
	}
	return w
}
