// Package stacks is CloudFormation as far as deployments use it: templates, stacks, change
// sets and events, over its Query protocol. What a type of resource is made of is the
// business of whoever gives the Kinds.
//
// A stack is changed in the background, one resource after another in the order of their
// dependencies, as slowly as Config.Pace says; Close ends that. There are no nested stacks,
// stack sets, drift, imports, macros or dynamic references. Facts about the service are
// those of its API reference and user guide (https://docs.aws.amazon.com/AWSCloudFormation/latest/).
package stacks

import (
	"cmp"
	"context"
	"io"
	"log/slog"
	"sync"
	"time"

	"github.com/microfox-ai/aiwctl/aws/local/wire"
)

// Version is the version of the API, by which requests of the Query protocol are told from
// those of other services.
const Version = "2010-05-15"

// DefaultPace is the pause before each step of a stack's change.
const DefaultPace = 2 * time.Millisecond

// Config configures New.
type Config struct {
	// Region and Account are what the service claims to be in; empty means us-east-1
	// and 000000000000.
	Region, Account string
	// Kinds are the types of resources, by name: AWS::SQS::Queue.
	Kinds map[string]Kind
	// Template opens what a TemplateURL names; nil means that there is none.
	Template func(url string) (io.ReadCloser, error)
	// Rewrite is what becomes of a text that an intrinsic function has made, such as a URL
	// that AWS serves and this endpoint serves elsewhere; nil leaves it as it is.
	Rewrite func(text string) string
	// Pace is the pause before each step of a stack's change; zero means DefaultPace.
	Pace time.Duration
	// Now is the clock for what is shown; nil means time.Now.
	Now func() time.Time
	// Logger gets faults of ours; nil means none.
	Logger *slog.Logger
}

// Kind is a type of resource. All functions are called without a lock held, one after the
// other for one stack. What AWS refuses is a *wire.Error.
type Kind struct {
	// Create makes the resource.
	Create func(context.Context, Resource) (Made, error)
	// Update changes it in place from what it was; nil means that nothing has to be done.
	// A zero Made leaves what Create or the last Update has returned.
	Update func(ctx context.Context, before, after Resource) (Made, error)
	// Delete takes it away; one that is gone already is no error. nil: nothing to be done.
	Delete func(context.Context, Resource) error
	// Replaced are the properties whose change makes another resource instead.
	Replaced []string
	// Required are the properties that must be there.
	Required []string
	// Name is the property that names the resource: one that is named so cannot be replaced.
	Name string
	// Tagged says that the tags of the stack are put on the resource.
	Tagged bool
}

// Resource is what a Kind makes.
type Resource struct {
	// Stack and StackID are the name and the ARN of its stack.
	Stack, StackID string
	LogicalID      string
	// PhysicalID is what Create has called it; empty for Create.
	PhysicalID string
	// Properties are those of the template, with everything resolved.
	Properties map[string]any
	// StackTags are the tags of the stack.
	StackTags map[string]string
}

// Made is a resource that was made.
type Made struct {
	// ID is its physical id, which Ref gives.
	ID string
	// Attributes are what Fn::GetAtt gives.
	Attributes map[string]any
}

// Service is one CloudFormation. It is safe for concurrent use.
type Service struct {
	cfg Config

	life    context.Context
	end     context.CancelFunc
	running sync.WaitGroup

	mu     sync.Mutex
	closed bool
	// stacks are in the order of their making; deleted ones stay, as they do in AWS for 90 days.
	stacks []*stack
}

// New makes a service without stacks.
func New(cfg Config) *Service {
	cfg.Region = cmp.Or(cfg.Region, "us-east-1")
	cfg.Account = cmp.Or(cfg.Account, "000000000000")
	cfg.Pace = cmp.Or(cfg.Pace, DefaultPace)
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.Rewrite == nil {
		cfg.Rewrite = func(text string) string { return text }
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	s := &Service{cfg: cfg}
	s.life, s.end = context.WithCancel(context.Background())
	return s
}

// Close ends the changes that are under way where they stand, and waits for the step that
// each of them is in. It may be called again.
func (s *Service) Close() {
	s.mu.Lock()
	s.closed = true
	s.mu.Unlock()
	s.end()
	s.running.Wait()
}

// start runs f in the background; callers hold mu.
func (s *Service) start(f func(context.Context)) error {
	if s.closed {
		return &wire.Error{Code: "ServiceUnavailable", Message: "the local endpoint is shutting down", Status: 503}
	}
	s.running.Go(func() { f(s.life) })
	return nil
}

// pause waits for the pace; false says that the service has ended.
func (s *Service) pause(ctx context.Context) bool {
	timer := time.NewTimer(s.cfg.Pace)
	defer timer.Stop()
	select {
	case <-timer.C:
		return ctx.Err() == nil
	case <-ctx.Done():
		return false
	}
}
