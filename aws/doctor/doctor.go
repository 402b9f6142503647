// Package doctor finds out why a stage cannot be read or acted upon: the network,
// the clock, the credentials, every permission, the deployment's own problems, the
// workers API, and this machine.
//
// It changes nothing. A permission to write is never tried by writing, and no
// message is ever received.
package doctor

import (
	"context"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/microfox-ai/aiwctl/aws"
)

// Stage is what a diagnosis needs of an *aws.Stage.
type Stage interface {
	Target() aws.Target
	Endpoints(ctx context.Context) []aws.ServiceEndpoint
	Reach(ctx context.Context, endpoint string) (*http.Response, error)
	Credentials(ctx context.Context) (aws.CredentialsInfo, error)
	Identity(ctx context.Context) (aws.Identity, error)
	Inventory(ctx context.Context) (*aws.Inventory, error)
	SQS() aws.SQSReader
	Logs() aws.LogsReader
	Lambda() aws.LambdaReader
	CloudWatch() aws.MetricsReader
	CloudFormation() aws.CloudFormationReader
	WorkersAPI() aws.APIInfo
	API() *http.Client
	Simulate(ctx context.Context, callerARN string, actions []string, resource string) ([]aws.SimulatedDecision, error)
}

// Status is how a check ended.
type Status string

// The statuses of a check.
const (
	OK      Status = "ok"
	Info    Status = "info" // good to know, nothing to do
	Warning Status = "warning"
	Error   Status = "error"
	// Unknown is a check that ended without an answer: it may do better when run again.
	Unknown Status = "unknown"
	// NotTried is a check that was left out on purpose; its text says why.
	NotTried Status = "not tried"
)

// Section groups checks. A section's checks depend on those before it.
type Section string

// The sections, in their order: what has to be put right first comes first.
const (
	SectionNetwork  Section = "network"
	SectionClock    Section = "clock"
	SectionIdentity Section = "identity"
	SectionRead     Section = "permissions to read"
	SectionAct      Section = "permissions to act"
	SectionWorkers  Section = "workers"
	SectionAPI      Section = "workers API"
	SectionMachine  Section = "this machine"
)

// Check is one thing that was looked at.
type Check struct {
	Section Section `json:"section"`
	// Name is what was looked at: a host, an IAM action, a worker.
	Name   string `json:"name"`
	Status Status `json:"status"`
	// Text is what was found.
	Text string `json:"text"`
	// Remedy is what to do about it; empty when there is nothing to do.
	Remedy string `json:"remedy,omitempty"`
	// Permission is set in the two sections of permissions.
	Permission *Permission `json:"permission,omitempty"`
}

// Report is a diagnosis.
type Report struct {
	Region  string    `json:"region"`
	Stage   string    `json:"stage"`
	Account string    `json:"account,omitempty"`
	ARN     string    `json:"arn,omitempty"`
	At      time.Time `json:"at"`
	Checks  []Check   `json:"checks"`
	// MissingPolicy allows what was denied and nothing else; nil when nothing was.
	// What an explicit denial, the organisation or a permissions boundary stands
	// against is not in it: to allow it once more would not help.
	MissingPolicy *Policy `json:"missingPolicy,omitempty"`
	Summary       Summary `json:"summary"`
}

// Summary counts the checks by their status.
type Summary struct {
	Outcome  Outcome `json:"outcome"`
	OK       int     `json:"ok"`
	Info     int     `json:"info"`
	Warnings int     `json:"warnings"`
	Errors   int     `json:"errors"`
	Unknown  int     `json:"unknown"`
	NotTried int     `json:"notTried"`
	// First is what to look at first; nil when all is well.
	First *Check `json:"first,omitempty"`
}

// Outcome is a diagnosis in a word.
type Outcome string

// The outcomes, from best to worst.
const (
	Fine       Outcome = "fine"       // warnings at most
	Incomplete Outcome = "incomplete" // no error, but some checks ended without an answer
	Failed     Outcome = "failed"     // there is an error
	Denied     Outcome = "denied"     // no credentials, or no permission to read
)

// Options configures Run. The zero value works.
type Options struct {
	// Timeout bounds one call; zero means 4 s. Discovery, which is many calls, gets
	// twice that, and a whole diagnosis 15/4 of it.
	Timeout time.Duration
	// Getenv reads the keys of the workers API, the proxy's variables and where
	// state is kept; nil means that none is set.
	Getenv func(string) string
	// Now is this machine's clock; nil means time.Now.
	Now func() time.Time
	// OnSection, when not nil, is given each section as soon as it and all before it
	// are known, from the goroutine of Run.
	OnSection func(Section, []Check)
}

const defaultTimeout = 4 * time.Second

func (o Options) withDefaults() Options {
	if o.Timeout <= 0 {
		o.Timeout = defaultTimeout
	}
	if o.Getenv == nil {
		o.Getenv = func(string) string { return "" }
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	return o
}

// whole is how long everything may take together.
func (o Options) whole() time.Duration { return o.withDefaults().Timeout * 15 / 4 }

// diagnosis is one Run under way. What several sections need is found out once, and
// each of these functions waits for it.
type diagnosis struct {
	s      Stage
	o      Options
	target aws.Target
	work   sync.WaitGroup

	network   func() []reached
	identity  func() caller
	inventory func() discovered
	objects   func() *objects
	decisions func() []Check
}

// Run makes every check, all at once where they do not depend on each other, and
// returns when the last has ended: within 15/4 of the timeout, even when
// nothing answers. When ctx ends first, what is known by then is returned.
func Run(ctx context.Context, s Stage, o Options) *Report {
	ctx, cancel := context.WithTimeout(ctx, o.whole())
	defer cancel()
	d := newDiagnosis(ctx, s, o)
	d.decisions = begin(&d.work, func() []Check { return d.decideAll(ctx) })
	sections := []struct {
		name Section
		run  func() []Check
	}{
		{SectionNetwork, d.checkNetwork},
		{SectionClock, d.checkClock},
		{SectionIdentity, func() []Check { return d.identity().checks }},
		{SectionRead, func() []Check { return d.permissionsFor(Read) }},
		{SectionAct, func() []Check { return d.permissionsFor(Act) }},
		{SectionWorkers, d.checkWorkers},
		{SectionAPI, func() []Check { return d.checkAPI(ctx) }},
		{SectionMachine, d.checkMachine},
	}
	results := make([]func() []Check, len(sections))
	for i, section := range sections {
		results[i] = begin(&d.work, section.run)
	}
	report := &Report{Region: d.target.Region, At: d.o.Now()}
	for i, section := range sections {
		checks := results[i]()
		for j := range checks {
			checks[j].Section = section.name
		}
		report.Checks = append(report.Checks, checks...)
		if o.OnSection != nil {
			o.OnSection(section.name, checks)
		}
	}
	d.work.Wait()
	who := d.identity()
	report.Stage = s.Target().Stage // discovery may have learned it
	report.Account, report.ARN = who.Account, who.ARN
	report.MissingPolicy = d.objects().missing(report.Checks)
	report.Summary = summarize(report.Checks, who.refused)
	return report
}

func newDiagnosis(ctx context.Context, s Stage, o Options) *diagnosis {
	d := &diagnosis{s: s, o: o.withDefaults(), target: s.Target()}
	// In this order: each needs those before it.
	d.network = begin(&d.work, func() []reached { return d.reachAll(ctx) })
	d.identity = begin(&d.work, func() caller { return d.askIdentity(ctx) })
	d.inventory = begin(&d.work, func() discovered { return d.discover(ctx) })
	d.objects = begin(&d.work, func() *objects { return d.collect(ctx) })
	return d
}

// begin runs fn and returns a function that waits for its result.
func begin[T any](work *sync.WaitGroup, fn func() T) func() T {
	var result T
	done := make(chan struct{})
	work.Go(func() {
		defer close(done)
		result = fn()
	})
	return func() T {
		<-done
		return result
	}
}

// summarize counts; refused is whether the credentials were.
func summarize(checks []Check, refused bool) Summary {
	s := Summary{Outcome: Fine}
	denied := refused
	for _, c := range checks {
		switch c.Status {
		case OK:
			s.OK++
		case Info:
			s.Info++
		case Warning:
			s.Warnings++
		case Error:
			s.Errors++
			denied = denied || c.Section == SectionRead && c.Permission != nil && c.Permission.Decision == DecisionDenied
		case Unknown:
			s.Unknown++
		case NotTried:
			s.NotTried++
		}
	}
	switch {
	case denied:
		s.Outcome = Denied
	case s.Errors > 0:
		s.Outcome = Failed
	case s.Unknown > 0:
		s.Outcome = Incomplete
	}
	for _, status := range []Status{Error, Warning, Unknown} {
		if i := slices.IndexFunc(checks, func(c Check) bool { return c.Status == status }); i >= 0 {
			s.First = new(checks[i])
			break
		}
	}
	return s
}

// ask bounds one call.
func (d *diagnosis) ask(ctx context.Context, call func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, d.o.Timeout)
	defer cancel()
	return call(ctx)
}
