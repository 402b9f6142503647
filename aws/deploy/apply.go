package deploy

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/microfox-ai/aiwctl/aws"
	"github.com/microfox-ai/aiwctl/aws/deploy/project"
)

// Result is what Apply did.
type Result struct {
	// Deployment is the record; its ID is empty when nothing was to be done.
	Deployment Deployment `json:"deployment"`
	Uploaded   int        `json:"uploaded"`
	Bytes      int64      `json:"bytes"`
	// Unchanged are stacks of which CloudFormation said that nothing changes.
	Unchanged []string `json:"unchanged,omitempty"`
	// APIURL is the base URL of the workers API, from the base stack's outputs.
	APIURL string `json:"apiUrl,omitempty"`
}

// run is a plan being applied.
type run struct {
	d      *Deployer
	p      *Plan
	c      Confirmed
	w      aws.DeployWriter
	bucket bucket
	rec    Deployment
	result Result

	// telling is held while somebody is told of an event, and guards what it counts.
	telling sync.Mutex
}

// Apply does what a plan says, through the guard, whose errors are returned as they are. The
// result is not nil when something was done, whatever the error: a *RefusedError, a *QueuesError,
// ErrStale, a *StackError, an *InterruptedError, or of a call that failed. Whatever
// ended it, planning and applying again finishes the job.
func (d *Deployer) Apply(ctx context.Context, p *Plan, c Confirmed) (*Result, error) {
	if refused := slices.DeleteFunc(slices.Clone(p.Refusals), func(r Refusal) bool { return r.Continue && c.ContinueRollback }); len(refused) > 0 {
		return nil, &RefusedError{refused}
	}
	if queues := p.Unconfirmed(c); len(queues) > 0 {
		return nil, &QueuesError{queues}
	}
	if p.Nothing() {
		return &Result{}, nil
	}
	r := &run{d: d, p: p, c: c, bucket: d.bucket(p.Account)}
	r.rec = Deployment{
		Version: recordVersion, ID: d.newID(), Kind: p.Kind, Service: p.Service, Stage: p.Stage, To: p.To,
		By: p.of.by, Revision: d.opts.Revision, Tool: d.opts.Version, Begun: d.opts.Now().UTC(), Outcome: Begun,
		Workers: p.workers(),
	}
	for _, q := range p.Queues {
		if q.Needs {
			r.rec.Queues = append(r.rec.Queues, q)
		}
	}
	action := aws.Action{Name: string(Push), Object: project.StackName(p.Service, p.Stage), Count: len(p.Stacks), IDs: []string{r.rec.ID}}
	if p.Kind != Push {
		action.Name += "." + string(p.Kind)
	}
	for _, q := range p.Queues {
		action.Queues = append(action.Queues, q.Queue)
	}
	begun := false
	err := d.api.write(ctx, action, func(ctx context.Context, w aws.DeployWriter) error {
		begun, r.w = true, w
		return r.all(ctx)
	})
	if !begun {
		return nil, err
	}
	r.result.Deployment = r.rec
	return &r.result, err
}

// all does everything, in an order in which each step needs only those before it.
func (r *run) all(ctx context.Context) error {
	var err error
	if r.p.Kind == Remove {
		err = r.removeStage(ctx)
	} else {
		err = r.bring(ctx)
	}
	// What the context ended is told as such, wherever it was noticed.
	if _, told := errors.AsType[*InterruptedError](err); !told && err != nil && ctx.Err() != nil {
		err = &InterruptedError{Err: errors.Join(context.Cause(ctx), err)}
	}
	return err
}

// bring makes the stage what the plan says.
func (r *run) bring(ctx context.Context) error {
	if r.p.Bucket.Make || r.p.From == "" && !r.bucket.named {
		verb := "seeing to" // what a run that was killed has made may lack its settings
		if r.p.Bucket.Make {
			verb = "making"
		}
		r.step("%s bucket %s", verb, r.bucket.name)
		if err := makeBucket(ctx, r.w, r.bucket); err != nil {
			return err
		}
	}
	if err := r.upload(ctx); err != nil {
		return err
	}
	for i := range r.p.Stacks {
		s := &r.p.Stacks[i]
		of := DeployedStack{Name: s.Name, Group: s.Group, Action: s.Action}
		if s.Action != Delete {
			of.Template = templateKey(r.p.Service, r.p.Stage, s.sha)
		}
		r.rec.Stacks = append(r.rec.Stacks, of)
	}
	// From here on the record says what was begun.
	if err := r.writeRecord(ctx); err != nil {
		return err
	}
	err := r.secretsAndStacks(ctx)
	r.end(ctx, err)
	if werr := r.writeEnd(ctx); werr != nil {
		err = errors.Join(err, werr)
	}
	return err
}

func (r *run) secretsAndStacks(ctx context.Context) error {
	for i := range r.p.Secrets {
		s := &r.p.Secrets[i]
		if s.Action == Keep {
			continue
		}
		r.step("storing secret %s", s.Ref)
		if err := r.storeSecret(ctx, s); err != nil {
			return err
		}
	}
	for i := range r.p.Stacks {
		if err := r.stack(ctx, &r.p.Stacks[i]); err != nil {
			return err
		}
	}
	for i := range r.p.Stacks {
		if s := &r.p.Stacks[i]; s.Group == "" && s.Action != Delete {
			base, err := r.d.stack(ctx, s.Name)
			if err != nil {
				return err
			}
			if base != nil {
				r.result.APIURL = clean(base.outputs[project.OutputAPIURL])
			}
		}
	}
	return nil
}

// end says in the record what came of it.
func (r *run) end(ctx context.Context, err error) {
	r.rec.Ended = r.d.opts.Now().UTC()
	switch {
	case err == nil:
		r.rec.Outcome = Done
	case ctx.Err() != nil:
		r.rec.Outcome = Interrupted
	default:
		r.rec.Outcome, r.rec.Error = Failed, clean(err.Error())
	}
}

// endPatience is how long a record's end may take once nobody waits for it any more.
const endPatience = 3 * time.Second

// writeEnd writes the record's end, for a run that was interrupted too.
func (r *run) writeEnd(ctx context.Context) error {
	if ctx.Err() != nil {
		var stop context.CancelFunc
		ctx, stop = context.WithTimeout(context.WithoutCancel(ctx), endPatience)
		defer stop()
	}
	return r.writeRecord(ctx)
}

// workers are those of the plan's stacks, for the record.
func (p *Plan) workers() []DeployedWorker {
	var out []DeployedWorker
	for i := range p.Stacks {
		s := &p.Stacks[i]
		b, err := parseBody(s.body)
		if s.Action == Delete || err != nil {
			continue
		}
		for key, ids := range b.artifacts(workersOf(b)) {
			for _, id := range ids {
				out = append(out, DeployedWorker{ID: id, Group: s.Group, Artifact: key, SHA256: shaOfKey(key)})
			}
		}
	}
	slices.SortFunc(out, func(a, b DeployedWorker) int { return cmp.Compare(a.ID, b.ID) })
	return out
}

// tell tells of an event.
func (r *run) tell(e Event) {
	r.telling.Lock()
	defer r.telling.Unlock()
	if e.Time.IsZero() {
		e.Time = r.d.opts.Now()
	}
	r.d.opts.OnEvent(e)
}

func (r *run) step(format string, args ...any) {
	r.tell(Event{Kind: EventStep, Text: fmt.Sprintf(format, args...)})
}

func (r *run) warn(format string, args ...any) {
	r.tell(Event{Kind: EventWarning, Text: fmt.Sprintf(format, args...)})
}
