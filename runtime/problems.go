package runtime

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"sync"

	"github.com/microfox-ai/aiwctl/dispatch"
)

// problem is a reason for which a worker cannot be: New's error, or NewApp's. As text it is
// the reason alone, with the worker's id.
type problem struct {
	at  codeLine
	id  string // empty: not of one worker
	err error
}

func (p *problem) Error() string {
	if p.id == "" {
		return p.err.Error()
	}
	return fmt.Sprintf("worker %q: %v", p.id, p.err)
}

func (p *problem) Unwrap() error { return p.err }

// manifest is the problem in the manifest, once for each thing that is wrong.
func (p *problem) manifest(ps places) []dispatch.ManifestProblem {
	var out []dispatch.ManifestProblem
	for _, err := range parts(p.err) {
		out = append(out, dispatch.ManifestProblem{Source: ps.text(p.at), Worker: p.id, Text: err.Error()})
	}
	return out
}

// parts are the errors that errors.Join has put together, however deep.
func parts(err error) []error {
	joined, ok := err.(interface{ Unwrap() []error }) //nolint:errorlint // an error that wraps a joined one has words of its own
	if !ok {
		return []error{err}
	}
	var out []error
	var lines []string
	for _, e := range joined.Unwrap() {
		out = append(out, parts(e)...)
		lines = append(lines, e.Error())
	}
	if strings.Join(lines, "\n") != err.Error() { // fmt.Errorf with several %w
		return []error{err}
	}
	return out
}

// refusals are the workers that Must would have panicked about, in a program that is asked
// for its manifest. It is the one variable of the package, because Must knows no App: a
// worker that no App gets would make the program panic all the same.
var refusals struct {
	sync.Mutex
	problems []*problem
}

// manifestWanted says whether the program was started to print its manifest.
func manifestWanted() bool {
	return len(os.Args) > 1 && os.Args[len(os.Args)-1] == commandManifest
}

// remember keeps the error of a worker for the manifest, and returns what is known of it.
func remember(err error, at codeLine) *definition {
	var p *problem
	if !errors.As(err, &p) {
		p = &problem{at: at, err: err} // not New's
	}
	refusals.Lock()
	defer refusals.Unlock()
	refusals.problems = append(refusals.problems, p)
	return &definition{id: p.id, at: p.at, settings: newSettings(nil), refused: true}
}

// remembered are what remember has kept.
func remembered() []*problem {
	refusals.Lock()
	defer refusals.Unlock()
	return append([]*problem(nil), refusals.problems...)
}

// reportProblems prints the manifest with everything that is wrong with it.
func (a *App) reportProblems(stdout, stderr io.Writer) int {
	ps := newPlaces()
	m := a.Manifest()
	for _, p := range a.problems {
		m.Problems = append(m.Problems, p.manifest(ps)...)
	}
	for _, p := range m.Problems {
		fmt.Fprintln(stderr, p)
	}
	text, err := json.MarshalIndent(m, "", "  ")
	if err == nil {
		_, err = fmt.Fprintf(stdout, "%s\n", text)
	}
	if err != nil {
		fmt.Fprintf(stderr, "print the manifest: %v\n", err)
	}
	return exitFailed
}
