package where

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/expr-lang/expr"
	"github.com/expr-lang/expr/conf"
	"github.com/expr-lang/expr/parser"
	"github.com/expr-lang/expr/vm"

	"github.com/microfox-ai/aiwctl/aws/redrive/letter"
)

// MaxText is how long an expression may be, in bytes.
const MaxText = 8 << 10

const (
	// maxNodes is how many operators, names and values an expression may have; a list
	// as long as MaxText allows has 4,096.
	maxNodes = 5000
	// maxElements is how many array elements one evaluation may make.
	maxElements = 1 << 20
)

// Filter is a compiled expression. It is safe for concurrent use.
type Filter struct {
	text    string
	program *vm.Program
	uses    map[string]bool
}

// Facts is what an expression may ask of a letter that the letter itself does not
// know.
type Facts struct {
	// Error is the text of the job's failure, and Group its signature; empty when
	// not known.
	Error, Group string
	// Now is the moment that age and now() are about; zero means the present one.
	Now time.Time
}

// Compile reads an expression. Its error says in words what is wrong and at which
// column; it is free of control characters.
func Compile(text string) (f *Filter, err error) {
	defer func() {
		// A panic in the library is an expression it cannot deal with, not our end.
		if v := recover(); v != nil {
			f, err = nil, errors.New("the expression cannot be read: write it in a simpler way")
		}
	}()
	switch {
	case strings.TrimSpace(text) == "":
		return nil, errors.New(`the expression is empty: write one such as age > "1h"`)
	case len(text) > MaxText:
		return nil, fmt.Errorf("the expression has %d bytes, and may have %d", len(text), MaxText)
	}
	options := languageOptions()
	tree, err := parser.ParseWithConfig(text, configOf(options))
	if err != nil {
		return nil, explainCompile(text, err)
	}
	s := survey{uses: make(map[string]bool)}
	if err := s.look(tree.Node, 0); err != nil {
		return nil, explainCompile(text, err)
	}
	p := &patcher{types: make(typeNotes)}
	program, err := expr.Compile(text, append(options, expr.Patch(p))...)
	if p.err != nil {
		err = p.err
	}
	if err != nil {
		return nil, explainCompile(text, err)
	}
	if p.counts {
		s.uses[nameBudget] = true
	}
	return &Filter{text: text, program: program, uses: s.uses}, nil
}

// languageOptions are what makes the library's language this package's, as far as
// options can.
func languageOptions() []expr.Option {
	return append([]expr.Option{expr.Env(environment), expr.AsBool(), expr.MaxNodes(maxNodes)}, ownFunctions...)
}

func configOf(options []expr.Option) *conf.Config {
	c := conf.CreateNew()
	for _, option := range options {
		option(c)
	}
	return c
}

// NeedsFailure is whether the expression asks for the job's failure: for error or
// group.
func (f *Filter) NeedsFailure() bool { return f.uses[nameError] || f.uses[nameGroup] }

// String is the expression as it was given.
func (f *Filter) String() string { return f.text }

// Match is whether the expression chooses the letter. With an error it does not: the
// letter lacks what the expression needs, or has it as another type. The error says
// where in the expression, and quotes nothing of the letter.
func (f *Filter) Match(l *letter.Letter, facts Facts) (chosen bool, err error) {
	defer func() {
		// The library catches its own panics; this one would be ours, on a letter that
		// somebody else has written.
		if v := recover(); v != nil {
			chosen, err = false, errors.New("the expression cannot be evaluated for this letter")
		}
	}()
	machine := vm.VM{MemoryBudget: maxElements}
	out, err := machine.Run(f.program, f.values(l, facts))
	if err != nil {
		return false, explainMatch(f.text, err)
	}
	chosen, _ = out.(bool) // the program ends with a cast
	return chosen, nil
}
