package project

import (
	"fmt"
	"strings"
)

// Problem is a reason for which a project cannot be deployed. All of them are told at once,
// before anything is built for deployment.
type Problem struct {
	// Place is where the worker is made, as file:line relative to the directory that was
	// scanned, or the program's package when that is not known; empty for what is of no program.
	Place string
	// Worker is the worker's id; empty for what is of none.
	Worker string
	// Text says what is wrong, and what to do.
	Text string
}

func (p Problem) String() string {
	var b strings.Builder
	if p.Place != "" {
		b.WriteString(p.Place + ": ")
	}
	if p.Worker != "" {
		fmt.Fprintf(&b, "worker %q: ", p.Worker)
	}
	b.WriteString(p.Text)
	return b.String()
}

// Problems is an error made of them.
type Problems []Problem

func (p Problems) Error() string {
	lines := make([]string, len(p))
	for i := range p {
		lines[i] = p[i].String()
	}
	return strings.Join(lines, "\n")
}
