package adopt

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	awssdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"github.com/microfox-ai/aiwctl/aws/deploy/project"
)

// verify says what a worker adopts with a queue, or why it cannot.
func (a *Adoption) verify(ctx context.Context, w project.Worker, e *Existing) (project.Adopted, *facts, project.Problems, error) {
	f := e.facts
	if f.fifo != w.SQS.FIFO {
		return project.Adopted{}, nil, project.Problems{problem(w, "--adopt %s: queue %s is %s and the worker's is to be %s: change the worker's queue options, or let it have a queue of its own", w.ID, f.name, fifoWord(f.fifo), fifoWord(w.SQS.FIFO))}, nil
	}
	if f.dlqARN == "" {
		return project.Adopted{}, nil, project.Problems{problem(w, "--adopt %s: queue %s has no dead-letter queue: a job that always fails would be tried until the queue forgets it (%s), and then be lost. Give it a redrive policy%s, and push again", w.ID, f.name, days(f.retention), where(e))}, nil
	}
	var problems project.Problems
	if f.kmsKey != "" && !strings.HasPrefix(f.kmsKey, "alias/aws/") && !allows(w, "kms:Decrypt") {
		problems = append(problems, problem(w, "--adopt %s: queue %s is encrypted with the key %s, which the new function may not use: declare kms:Decrypt on it among the worker's permissions", w.ID, f.name, f.kmsKey))
	}
	ad := project.Adopted{Queue: f.name, QueueARN: f.arn, QueueURL: f.url, DLQ: nameOf(f.dlqARN), DLQARN: f.dlqARN, Stack: e.Stack}
	out, err := a.s.SQS().GetQueueUrl(ctx, &sqs.GetQueueUrlInput{QueueName: &ad.DLQ})
	if err == nil {
		ad.DLQURL = awssdk.ToString(out.QueueUrl)
		_, err = readQueue(ctx, a.s, ad.DLQURL)
	}
	if err != nil {
		if isGone(err) {
			problems = append(problems, problem(w, "--adopt %s: the dead-letter queue %s that queue %s names does not exist: SQS would keep what fails in the queue, for ever. Make it%s, or name another one", w.ID, ad.DLQ, f.name, where(e)))
			return ad, f, problems, nil
		}
		return ad, f, nil, fmt.Errorf("find the dead-letter queue of %s: %w", f.name, err)
	}
	ours := a.function(w)
	for _, m := range f.mappings {
		if m.Function == ours {
			continue
		}
		ad.Mappings = append(ad.Mappings, m.UUID)
		if ad.Function == "" || m.enabled() {
			ad.Function = m.Function
		}
	}
	return ad, f, problems, nil
}

// where says where a queue's settings are to be changed.
func where(e *Existing) string {
	if e.Stack == "" {
		return ""
	}
	return " in stack " + e.Stack
}

// allows is whether a worker's own permissions have an action.
func allows(w project.Worker, action string) bool {
	for _, p := range w.Permissions {
		if slices.Contains(p.Actions, action) || slices.Contains(p.Actions, "kms:*") {
			return true
		}
	}
	return false
}

func nameOf(arn string) string { return arn[strings.LastIndexByte(arn, ':')+1:] }

func days(d time.Duration) string {
	if n := d / (24 * time.Hour); n > 1 {
		return fmt.Sprintf("%d days", n)
	}
	return d.String()
}

// visibility is what a queue's visibility timeout has to become for the worker; zero when it
// may stay. Lambda refuses a mapping whose queue hides a message for less time than
// the function may take.
// https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-configure.html
func visibility(w project.Worker, f *facts) int {
	if f.setting.VisibilityTimeoutSeconds >= w.TimeoutSeconds {
		return 0
	}
	return max(w.SQS.VisibilityTimeoutSeconds, w.TimeoutSeconds)
}

// receives is what a queue's maxReceiveCount has to become; zero when it may stay. The
// worker's runtime counts attempts up to its manifest's number.
func receives(w project.Worker, f *facts) int {
	if f.dlqARN == "" || w.SQS.MaxReceiveCount == 0 || f.setting.MaxReceiveCount == w.SQS.MaxReceiveCount {
		return 0
	}
	return w.SQS.MaxReceiveCount
}

// plan says what Fit and Switch will write. What the queues were is noted here, since it
// stands in the template that the first deployment brings.
func (a *Adoption) plan() {
	step := func(w project.Worker, format string, args ...any) {
		a.Steps = append(a.Steps, Step{Worker: w.ID, Text: fmt.Sprintf(format, args...)})
	}
	for _, w := range a.p.Workers() {
		ad, ok := a.p.Adopted[w.ID]
		if !ok {
			continue
		}
		f := a.found[w.ID]
		if ad.Was == nil && (visibility(w, f) > 0 || receives(w, f) > 0) {
			ad.Was = new(f.setting)
			a.p.Adopted[w.ID] = ad
		}
		if n := visibility(w, f); n > 0 {
			step(w, "queue %s: visibility timeout %d s becomes %d s, since its function may take %d s", ad.Queue, f.setting.VisibilityTimeoutSeconds, n, w.TimeoutSeconds)
		}
		if !ad.Live {
			step(w, "deploy function %s with its mapping of queue %s disabled", a.function(w), ad.Queue)
		}
		for _, m := range a.others(w) {
			step(w, "disable the mapping by which function %s reads queue %s, and wait until it is off", m.Function, ad.Queue)
		}
		if n := receives(w, f); n > 0 {
			step(w, "queue %s: maxReceiveCount %d becomes %d, so that a job is tried as often as the worker says", ad.Queue, f.setting.MaxReceiveCount, n)
		}
		if !ad.Live {
			step(w, "enable ours, by a second deployment: messages wait in the queue meanwhile")
		}
		if ad.Stack != "" {
			a.warn(w, "queue %s belongs to stack %s: removing that stack deletes it with the messages in it (docs/migration.md says how to keep it)", ad.Queue, ad.Stack)
		}
	}
}

// isOurs is whether a mapping is of a worker's function, be it the one of the group that the
// worker was in before: that goes with the group's stack.
func (a *Adoption) isOurs(w project.Worker, m Mapping) bool {
	return m.Function == a.function(w) || a.owned[string(KindFunction)+m.Function]
}

// others are the mappings that read a worker's queue and are not ours, and are not off.
func (a *Adoption) others(w project.Worker) []Mapping {
	var out []Mapping
	for _, m := range a.found[w.ID].mappings {
		if !a.isOurs(w, m) && m.State != "Disabled" && m.State != "Deleting" {
			out = append(out, m)
		}
	}
	return out
}

func isGone(err error) bool {
	return errors.Is(err, errGone) || notFound(err)
}
