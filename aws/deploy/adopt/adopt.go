// Package adopt takes over queues that another tool has made. It says what of a project's
// names exists in the account already and is not the project's own, refuses to collide
// with it, and brings a worker's queue from the function that has read it to ours, and
// back, so that no message is lost.
//
// A deployment goes through it like this:
//
//	a, err := adopt.Prepare(ctx, stage, p, options) // reads; settles p.Adopted and p.StackSuffix
//	a.Steps, a.Warnings                             // are shown with the plan
//	a.Fit(ctx)                                      // the queues' visibility timeouts, before the stacks
//	// the stacks of p: the mappings of p.Adopted that are not Live come disabled
//	if a.Pending() {
//		a.Switch(ctx)                           // the old mappings off; p.Adopted becomes Live
//		// the stacks of p once more: our mappings are enabled
//	}
//	a.Verify(ctx)
//
// Killed anywhere in between, all of it is done again and finishes: what was adopted stands
// in the stacks' metadata, and whether a mapping is enabled in Lambda.
package adopt

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/microfox-ai/aiwctl/aws"
	"github.com/microfox-ai/aiwctl/aws/deploy/project"
)

// Reader is what is asked of a stage; *aws.Stage is one.
type Reader interface {
	Target() aws.Target
	CloudFormation() aws.CloudFormationReader
	SQS() aws.SQSReader
	Lambda() aws.LambdaReader
	Tags() aws.TagsReader
}

// Guard is the write access of a deployment; *aws.Guard is one.
type Guard interface {
	Deploy(context.Context, aws.Action, func(context.Context, aws.DeployWriter) error) error
}

// Options are how a project's names are settled. The zero value adopts nothing that was not
// adopted before.
type Options struct {
	// Adopt are the workers whose queues are to be taken over.
	Adopt []Request
	// All takes over every worker's queue that there is.
	All bool
	// Stacks are the stage's stacks that exist, also those of groups that the code no longer
	// has: what they have adopted is kept for a worker that is elsewhere now, and else Released.
	Stacks []string
	// OnEvent is told what is being done and waited for; nil means nobody is.
	OnEvent func(text string)
	// Patience is how long AWS may take to disable or enable a mapping; zero means five
	// minutes.
	Patience time.Duration
}

// Request asks for one worker's queue.
type Request struct {
	Worker string
	// Queue is the queue's name; empty means the one that has the worker's name.
	Queue string
}

func (r Request) String() string {
	if r.Queue == "" {
		return r.Worker
	}
	return r.Worker + "=" + r.Queue
}

// ParseRequests reads the values of --adopt: a worker's id, ID=QUEUE, or all.
func ParseRequests(values []string) (requests []Request, all bool, err error) {
	for _, v := range values {
		id, queue, named := strings.Cut(v, "=")
		switch {
		case v == "all":
			all = true
		case id == "" || named && queue == "":
			return nil, false, fmt.Errorf("--adopt %q: write a worker's id, ID=QUEUE, or all", v)
		default:
			requests = append(requests, Request{Worker: id, Queue: queue})
		}
	}
	return requests, all, nil
}

// Step is something that is written besides the stacks, for the plan.
type Step struct {
	Worker string
	Text   string
}

// Adoption is what was settled for a project. Make one with Prepare.
type Adoption struct {
	// Existing is what was found of the project's names and is not the project's own.
	Existing []Existing
	// Steps are what Fit and Switch write, in their order; none when all is in place.
	Steps []Step
	// Warnings are no reason not to deploy.
	Warnings project.Problems
	// Released are the workers that were adopted and are no longer in the code, by id. Their
	// queues stay; GiveBack lets the old functions read them again, and comes before the
	// stacks.
	Released map[string]project.Adopted

	p     *project.Project
	s     Reader
	guard Guard
	o     Options
	found map[string]*facts // of adopted workers, by id
	// owned is what our stacks have, as kind and name.
	owned map[string]bool
	// deployed is whether stacks of ours exist already, own which workers have queues of theirs.
	deployed bool
	own      map[string]bool
}
