package adopt

import (
	"context"
	"fmt"
	"maps"
	"slices"

	awssdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"github.com/microfox-ai/aiwctl/aws"
	"github.com/microfox-ai/aiwctl/aws/deploy/project"
	"github.com/microfox-ai/aiwctl/dispatch"
)

// find adds to found the queues and functions that have a name of the project's, beside what
// our stacks have.
func (a *Adoption) find(ctx context.Context, found []Existing) ([]Existing, error) {
	urls, err := readQueueNames(ctx, a.s, a.p.Service+"-")
	if err != nil {
		return nil, err
	}
	if err := a.namedQueues(ctx, urls); err != nil {
		return nil, err
	}
	a.own = make(map[string]bool)
	queues, functions := a.candidates(urls)
	found = slices.Grow(found, len(queues))
	read := make([]*facts, len(queues))
	if err := each(ctx, len(queues), func(ctx context.Context, i int) (err error) {
		read[i], err = a.read(ctx, urls[queues[i].Name])
		return err
	}); err != nil {
		return nil, err
	}
	arns := make([]string, len(functions))
	if err := each(ctx, len(functions), func(ctx context.Context, i int) (err error) {
		arns[i], err = readFunction(ctx, a.s, functions[i].Name)
		return err
	}); err != nil {
		return nil, err
	}
	first := len(found)
	for i, e := range queues {
		e.ARN, e.facts, e.Mappings, e.Depth = read[i].arn, read[i], read[i].mappings, read[i].depth
		found = append(found, e)
	}
	for i, e := range functions {
		if e.ARN = arns[i]; e.ARN != "" {
			found = append(found, e)
		}
	}
	return found, a.whose(ctx, found[first:])
}

// namedQueues adds the queues that --adopt names, which need not begin as the others do.
func (a *Adoption) namedQueues(ctx context.Context, urls map[string]string) error {
	for _, r := range a.o.Adopt {
		if r.Queue == "" || urls[r.Queue] != "" {
			continue
		}
		out, err := a.s.SQS().GetQueueUrl(ctx, &sqs.GetQueueUrlInput{QueueName: &r.Queue})
		if err != nil {
			if notFound(err) {
				continue
			}
			return fmt.Errorf("find queue %s: %w", r.Queue, err)
		}
		urls[r.Queue] = awssdk.ToString(out.QueueUrl)
	}
	return nil
}

// candidates are the queues that exist and the functions that may, of the workers that have
// adopted nothing yet.
func (a *Adoption) candidates(urls map[string]string) (queues, functions []Existing) {
	for _, w := range a.p.Workers() {
		if _, adopted := a.p.Adopted[w.ID]; adopted {
			continue
		}
		service := project.GroupService(a.p.Service, w.Group)
		queue := func(kind Kind, name, layout string) {
			switch {
			case a.owned[string(KindQueue)+name]:
				a.own[w.ID] = a.own[w.ID] || kind == KindQueue && layout == ""
			case urls[name] != "":
				queues = append(queues, Existing{Kind: kind, Name: name, Worker: w.ID, Layout: layout})
			}
		}
		queue(KindQueue, project.QueueName(service, a.p.Stage, w.ManifestWorker), "")
		queue(KindDLQ, project.DLQName(service, a.p.Stage, w.ManifestWorker), "")
		layouts := a.layouts(w)
		for _, name := range slices.Sorted(maps.Keys(layouts)) {
			queue(KindQueue, name, layouts[name])
		}
		if name := project.FunctionName(service, a.p.Stage, w.ID, false); !a.owned[string(KindFunction)+name] {
			functions = append(functions, Existing{Kind: KindFunction, Name: name, Worker: w.ID})
		}
	}
	if name := project.APIFunctionName(a.p.Service, a.p.Stage); !a.owned[string(KindFunction)+name] {
		functions = append(functions, Existing{Kind: KindFunction, Name: name})
	}
	return queues, functions
}

// layouts are the names that a worker's queue may have under another layout of the TypeScript
// system, and why. A group that is the only one of a build has no suffix there; adding
// a second one renames its queues.
func (a *Adoption) layouts(w project.Worker) map[string]string {
	out := make(map[string]string)
	other := w.ManifestWorker
	other.SQS.FIFO = !other.SQS.FIFO
	service := project.GroupService(a.p.Service, w.Group)
	out[project.QueueName(service, a.p.Stage, other)] = "it is the worker's name, of a queue that is " + fifoWord(other.SQS.FIFO)
	if w.Group != "" && w.Group != dispatch.DefaultGroup {
		out[project.QueueName(a.p.Service, a.p.Stage, w.ManifestWorker)] = fmt.Sprintf("the TypeScript tools call the worker's queue so where %s is the only group", w.Group)
	}
	for _, r := range a.o.Adopt {
		if r.Worker == w.ID && r.Queue != "" && r.Queue != a.queueName(w) {
			out[r.Queue] = "--adopt names it"
		}
	}
	return out
}

func fifoWord(fifo bool) string {
	if fifo {
		return "FIFO"
	}
	return "standard"
}

// whose fills in who made what was found. Without the permission to read tags it is left
// open.
func (a *Adoption) whose(ctx context.Context, found []Existing) error {
	arns := make(map[string]bool, len(found))
	for i := range found {
		arns[found[i].ARN] = true
	}
	delete(arns, "")
	if len(arns) == 0 {
		return nil
	}
	tags, err := readTags(ctx, a.s, slices.Sorted(maps.Keys(arns)))
	if err != nil {
		if kind, _ := aws.Classify(err); kind != aws.KindDenied {
			return err
		}
		a.warn(project.Worker{}, "whose the queues and functions are that exist already is not known: %s", aws.Brief(err))
		return nil
	}
	for i := range found {
		e := &found[i]
		t := tags[e.ARN]
		e.Stack, e.Tool = t[tagCloudFormation], toolOf(t)
		if e.facts != nil {
			e.facts.stack = e.Stack
		}
	}
	return nil
}

// read reads a queue and what reads it.
func (a *Adoption) read(ctx context.Context, url string) (*facts, error) {
	q, err := readQueue(ctx, a.s, url)
	if err != nil {
		return nil, err
	}
	mappings, err := readMappings(ctx, a.s, q.arn)
	if err != nil {
		return nil, err
	}
	return &facts{queueFacts: *q, mappings: mappings}, nil
}
