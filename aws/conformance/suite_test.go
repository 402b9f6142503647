// Package conformance holds package aws and its rooms to what AWS does, by one suite
// that runs against endpoints which different people wrote: aws/local, in this
// process, in every `go test`; and any other, whose URL is in
// AIWCTL_CONFORMANCE_ENDPOINT, where the suite makes a stage of its own with the plain
// SDK. `make conformance` runs it against both, the other one being moto's server.
//
// What an endpoint does otherwise than AWS is a row of testdata/differences.json, with
// the reason. A failure without a row fails the suite, and so does a row that explains
// no failure any more.
package conformance

import (
	"context"
	_ "embed"
	"encoding/json"
	"fmt"
	"os"
	"reflect"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// endpointEnv names the endpoint to judge instead of aws/local.
const endpointEnv = "AIWCTL_CONFORMANCE_ENDPOINT"

// check is something that must hold on every endpoint. Its name is said in the test's
// output and in testdata/differences.json.
type check struct {
	name string
	run  func(*probe, *stage)
}

// Checks that change the stage come after those that read it as it was made.
func checks() []check {
	var all []check
	for _, group := range [][]check{discovery(), failures(), letters(), logReading(), writing()} {
		all = append(all, group...)
	}
	return all
}

func TestConformance(t *testing.T) {
	t.Parallel()
	e := newEndpoint(t)
	rows := differences(t, e.name)
	s := newStage(t, e)
	used := make([]bool, len(rows))
	for _, c := range checks() {
		t.Run(c.name, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
			defer cancel()
			p := &probe{ctx: ctx, dir: t.TempDir()}
			p.run(c, s)
			for _, failure := range p.failures {
				if row := explain(rows, c.name, failure); row >= 0 {
					used[row] = true
					t.Logf("known of %s: %s\n%s", e.name, rows[row].Why, failure)
					continue
				}
				t.Error(failure)
			}
		})
	}
	for i, row := range rows {
		if !used[i] {
			t.Errorf("the table explains a difference of %s that there is not: %s: %s", e.name, row.Check, row.Says)
		}
	}
}

// difference is a row of the table: what one endpoint does otherwise than AWS.
type difference struct {
	// Endpoint is aws/local or moto.
	Endpoint string `json:"endpoint"`
	// Check names the check that fails there, Says a part of the failure.
	Check string `json:"check"`
	Says  string `json:"says"`
	// Why is the reason, and what AWS does.
	Why string `json:"why"`
}

//go:embed testdata/differences.json
var differencesTable []byte

// differences are the rows of one endpoint.
func differences(t *testing.T, endpoint string) []difference {
	t.Helper()
	var all, own []difference
	if err := json.Unmarshal(differencesTable, &all); err != nil {
		t.Fatalf("testdata/differences.json: %v", err)
	}
	names := make(map[string]bool)
	for _, c := range checks() {
		if names[c.name] {
			t.Fatalf("two checks are called %q", c.name)
		}
		names[c.name] = true
	}
	for _, row := range all {
		switch {
		case row.Endpoint != ourName && row.Endpoint != otherName:
			t.Fatalf("testdata/differences.json: there is no endpoint %q", row.Endpoint)
		case !names[row.Check]:
			t.Fatalf("testdata/differences.json: there is no check %q", row.Check)
		case row.Says == "" || row.Why == "":
			t.Fatalf("testdata/differences.json: a row of %q does not say what differs, and why", row.Check)
		case row.Endpoint == endpoint:
			own = append(own, row)
		}
	}
	return own
}

// explain finds the row that explains a failure; -1 when none does.
func explain(rows []difference, check, failure string) int {
	for i, row := range rows {
		if row.Check == check && strings.Contains(failure, row.Says) {
			return i
		}
	}
	return -1
}

// probe is one run of a check.
type probe struct {
	ctx      context.Context
	dir      string // of its own
	failures []string
}

// stop ends a check that cannot go on.
type stop struct{}

func (p *probe) run(c check, s *stage) {
	defer func() {
		if r := recover(); r != nil && r != any(stop{}) {
			panic(r)
		}
	}()
	c.run(p, s)
}

func (p *probe) failf(format string, args ...any) {
	p.failures = append(p.failures, fmt.Sprintf(format, args...))
}

// must ends the check when err is not nil.
func (p *probe) must(what string, err error) {
	if err != nil {
		p.failf("%s: %v", what, err)
		panic(stop{})
	}
}

func (p *probe) equal(what string, got, want any) {
	if !reflect.DeepEqual(got, want) {
		p.failf("%s: got %#v, want %#v", what, got, want)
	}
}

// until polls until ok says so, for as long as a slow endpoint may need.
func (p *probe) until(what string, ok func() bool) {
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	patience := time.NewTimer(time.Minute)
	defer patience.Stop()
	for !ok() {
		select {
		case <-tick.C:
		case <-patience.C:
			p.failf("%s: not within a minute", what)
			panic(stop{})
		case <-p.ctx.Done():
			p.must(what, p.ctx.Err())
		}
	}
}

// other is the endpoint that the environment names, without a slash at its end;
// empty when it names none.
func other() string { return strings.TrimSuffix(os.Getenv(endpointEnv), "/") }
