package deploy

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	awssdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"

	"github.com/microfox-ai/aiwctl/aws/deploy/project"
)

// draft is a plan in the making.
type draft struct {
	d      *Deployer
	p      *Plan
	bucket bucket
	// exists is whether the bucket is there.
	exists  bool
	stacks  map[string]*stack // all of the account
	records *records          // nil when there is no bucket, or it could not be read
}

// Plan finds out what would be done to bring the stage to in. It writes nothing. The error is
// of a call that failed; what stands against the plan itself is in its Refusals.
func (d *Deployer) Plan(ctx context.Context, in Input) (*Plan, error) {
	p := in.Project
	dr, err := d.begin(ctx, Push, p.Service, p.Stage)
	if err != nil {
		return nil, err
	}
	dr.p.of.input = in
	dr.p.Artifacts = artifactsOf(p)
	if err := dr.artifacts(ctx); err != nil {
		return nil, err
	}
	var refusals []Refusal
	if dr.p.Secrets, refusals, err = d.planSecrets(ctx, p, in.Secrets); err != nil {
		return nil, err
	}
	dr.p.Refusals = append(dr.p.Refusals, refusals...)
	docs := make([]wanted, len(in.Documents))
	for i, doc := range in.Documents {
		docs[i] = wanted{name: doc.Stack.Name, group: doc.Stack.Group, service: doc.Stack.Service, body: doc.Body}
	}
	if err := dr.bring(ctx, docs); err != nil {
		return nil, err
	}
	for _, s := range dr.p.Secrets {
		if s.Action == Update && s.Unread == "" {
			dr.note("secret %s changes: functions that run already keep the value that they started with until Lambda starts them anew", s.Ref)
		}
	}
	return dr.p, nil
}

// begin reads what every plan needs.
func (d *Deployer) begin(ctx context.Context, kind Kind, service, stage string) (*draft, error) {
	t := d.api.Target()
	if t.Stage != stage {
		return nil, fmt.Errorf("plan the %s of %s: it is of stage %q, and the target is stage %q", kind, service, stage, t.Stage)
	}
	id, err := d.api.Identity(ctx)
	if err != nil {
		return nil, err
	}
	b := d.bucket(id.Account)
	dr := &draft{d: d, bucket: b, p: &Plan{
		Kind: kind, Service: service, Stage: stage, Account: id.Account, Region: t.Region, Bucket: BucketPlan{Name: b.name}, Stacks: []StackPlan{},
	}}
	dr.p.of.by = id.ARN
	var refusal string
	if dr.exists, refusal, err = d.lookBucket(ctx, b); err != nil {
		return nil, err
	}
	dr.p.Bucket.Make = !dr.exists
	if refusal != "" {
		dr.refuse(b.name, "%s", refusal)
		dr.exists = false
	}
	if dr.stacks, err = d.stacks(ctx); err != nil {
		return nil, err
	}
	if dr.exists {
		if dr.records, err = d.records(ctx, b, service, stage); err != nil {
			return nil, err
		}
	}
	return dr, nil
}

func (dr *draft) refuse(object, format string, args ...any) {
	dr.p.Refusals = append(dr.p.Refusals, Refusal{Object: object, Text: fmt.Sprintf(format, args...)})
}

func (dr *draft) note(format string, args ...any) {
	dr.p.Notes = append(dr.p.Notes, fmt.Sprintf(format, args...))
}

// artifactsOf are the zip files that a project needs, each once, sorted by key.
func artifactsOf(p *project.Project) []ArtifactPlan {
	byKey := map[string]*ArtifactPlan{}
	add := func(a project.Artifact, ids []string) {
		if a.Key == "" {
			return
		}
		if byKey[a.Key] == nil {
			byKey[a.Key] = &ArtifactPlan{Key: a.Key, SHA256: a.SHA256, Size: a.Size, file: a.File}
		}
		byKey[a.Key].Workers = append(byKey[a.Key].Workers, ids...)
	}
	for i := range p.Programs {
		var ids []string
		for _, w := range p.Programs[i].Manifest.Workers {
			ids = append(ids, w.ID)
		}
		add(p.Programs[i].Artifact, ids)
	}
	add(p.API, nil)
	var out []ArtifactPlan
	for _, key := range slices.Sorted(maps.Keys(byKey)) {
		slices.Sort(byKey[key].Workers)
		out = append(out, *byKey[key])
	}
	return out
}

// artifacts finds which are in the bucket.
func (dr *draft) artifacts(ctx context.Context) error {
	return each(ctx, len(dr.p.Artifacts), func(ctx context.Context, i int) error {
		a := &dr.p.Artifacts[i]
		if !dr.exists {
			a.Upload = true
			return nil
		}
		size := a.Size
		if a.file == "" {
			size = -1
		}
		has, err := dr.d.has(ctx, dr.bucket, a.Key, size)
		a.Upload = !has
		return err
	})
}

// wanted is a stack that is to be there.
type wanted struct {
	name, group, service string
	body                 []byte
}

// bring plans what makes the stage's stacks those that are wanted, and no others.
func (dr *draft) bring(ctx context.Context, docs []wanted) error {
	plans := make([]StackPlan, len(docs))
	losses := make([][]QueueLoss, len(docs))
	refusals := make([][]Refusal, len(docs))
	err := each(ctx, len(docs), func(ctx context.Context, i int) (err error) {
		plans[i], losses[i], refusals[i], err = dr.stackPlan(ctx, docs[i])
		return err
	})
	if err != nil {
		return err
	}
	named := map[string]bool{}
	for i := range docs {
		named[docs[i].name] = true
		dr.add(plans[i], losses[i], refusals[i])
	}
	var gone []*stack
	for _, s := range ofStage(dr.stacks, dr.p.Service, dr.p.Stage) {
		if !named[s.name] {
			gone = append(gone, s)
		}
	}
	if err := dr.remove(ctx, gone); err != nil {
		return err
	}
	return dr.history(ctx)
}

func (dr *draft) add(s StackPlan, losses []QueueLoss, refusals []Refusal) {
	dr.p.Stacks = append(dr.p.Stacks, s)
	dr.p.Queues = append(dr.p.Queues, losses...)
	dr.p.Refusals = append(dr.p.Refusals, refusals...)
	if s.Waits {
		dr.note("stack %s is %s: a deployment is under way, which is waited for before anything else is done to it", s.Name, s.Status)
	}
	if s.Action == Replace {
		dr.note("stack %s is %s: it was never made whole; what is left of it is deleted, and it is made anew", s.Name, s.Status)
	}
}

// stackPlan plans one stack.
func (dr *draft) stackPlan(ctx context.Context, doc wanted) (s StackPlan, losses []QueueLoss, refusals []Refusal, err error) {
	next, err := parseBody(doc.body)
	if err != nil {
		return s, nil, nil, fmt.Errorf("the new template of stack %s: %w", doc.name, err)
	}
	if doc.body = []byte(canonical(doc.body)); len(doc.body) == 0 {
		return s, nil, nil, fmt.Errorf("the new template of stack %s is empty", doc.name)
	}
	now := dr.stacks[doc.name]
	s = StackPlan{
		Name: doc.name, Group: doc.group, Action: Create, Status: now.state(), Workers: workersOf(next).ids(),
		service: doc.service, body: doc.body, sha: hash(doc.body),
	}
	if now == nil {
		s.Changes, err = dr.compare(doc.name, nil, doc.body)
		return s, nil, nil, err
	}
	s.id, s.updated = now.id, now.updated
	foreign, err := dr.foreign(ctx, now)
	if err != nil {
		return s, nil, nil, err
	}
	if foreign != "" {
		return s, nil, []Refusal{{Object: now.name, Text: foreign}}, nil
	}
	is := conditionOf(now.status)
	if is == absent {
		s.Changes, err = dr.compare(doc.name, nil, doc.body)
		return s, nil, nil, err
	}
	text, err := dr.d.template(ctx, now)
	if err != nil {
		return s, nil, nil, err
	}
	old, err := parseBody(text)
	if err != nil {
		return s, nil, []Refusal{{Object: now.name, Text: fmt.Sprintf("stack %s has a template that aiwctl has not written: %v", now.name, err)}}, nil
	}
	switch is {
	case unmade:
		s.Action = Replace
		if losses, err = dr.d.losses(ctx, now, old, nil); err == nil {
			s.Changes, err = dr.compare(doc.name, nil, doc.body)
		}
		return s, losses, nil, err
	case stuck:
		refusals = []Refusal{dr.d.stuckRefusal(ctx, now)}
	case undeleted:
		refusals = []Refusal{{Object: now.name, Text: fmt.Sprintf("stack %s was to be deleted, and that failed (%s): see to what is named there, delete the stack in CloudFormation, and push again", now.name, now.reason)}}
	case busy:
		s.Waits = true
	case whole, absent:
	}
	s.Action = Update
	if is == whole && sameTemplate(text, doc.body) {
		s.Action = Keep
		return s, nil, refusals, nil
	}
	if losses, err = dr.d.losses(ctx, now, old, going(old, next)); err == nil {
		s.Changes, err = dr.compare(doc.name, text, doc.body)
	}
	return s, losses, refusals, err
}

func (dr *draft) compare(name string, old, next []byte) (any, error) {
	if dr.d.opts.Compare == nil {
		return nil, nil
	}
	changes, err := dr.d.opts.Compare(old, next)
	if err != nil {
		return nil, fmt.Errorf("compare the templates of stack %s: %w", name, err)
	}
	return changes, nil
}

// foreign says why a stack that has one of our names is not ours; empty when it is.
func (dr *draft) foreign(ctx context.Context, s *stack) (string, error) {
	switch service, stage := s.tag(project.TagProject), s.tag(project.TagStage); {
	case service == dr.p.Service && stage == dr.p.Stage:
		return "", nil
	case service != "":
		return fmt.Sprintf("stack %s belongs to aiwctl's project %q, stage %q: choose another name for this one with --service", s.name, clean(service), clean(stage)), nil
	case conditionOf(s.status) == absent:
		// Nothing was made of it yet, and it has no tags before something is. Whose it
		// is, is told by the change sets that wait.
		sets, err := dr.d.changeSets(ctx, s)
		if err != nil {
			return "", err
		}
		if len(sets) == 0 || slices.ContainsFunc(sets, func(c changeSet) bool { return strings.HasPrefix(c.name, changeSetPrefix) }) {
			return "", nil
		}
	}
	return fmt.Sprintf("stack %s exists, and another tool has made it: choose another name with --service or --stage, or take its workers over with --adopt, which keeps their queues", s.name), nil
}

// stuckRefusal names what a roll-back failed for.
func (d *Deployer) stuckRefusal(ctx context.Context, s *stack) Refusal {
	var names []string
	if resources, err := d.resources(ctx, s); err == nil {
		for _, r := range resources {
			if r.status == "UPDATE_FAILED" {
				names = append(names, r.logical+" ("+r.kind+")")
			}
		}
	}
	of := ""
	if len(names) > 0 {
		of = " because of " + strings.Join(names, ", ")
	}
	return Refusal{Object: s.name, Continue: true, Text: fmt.Sprintf(
		"stack %s could not be rolled back%s (%s): see to the cause and have the roll-back continued (--continue-rollback), leaving out resources that cannot be put right (--skip-resource)", s.name, of, s.reason)}
}

// remove plans stacks that go.
func (dr *draft) remove(ctx context.Context, gone []*stack) error {
	plans := make([]StackPlan, len(gone))
	losses := make([][]QueueLoss, len(gone))
	err := each(ctx, len(gone), func(ctx context.Context, i int) error {
		s := gone[i]
		plans[i] = StackPlan{
			Name: s.name, Group: groupOf(s, dr.p.Service), Action: Delete, Status: s.status, Waits: conditionOf(s.status) == busy,
			id: s.id, updated: s.updated,
		}
		text, err := dr.d.template(ctx, s)
		if err != nil {
			return err
		}
		old, err := parseBody(text)
		if err != nil {
			return fmt.Errorf("the template of stack %s: %w", s.name, err)
		}
		if losses[i], err = dr.d.losses(ctx, s, old, nil); err != nil {
			return err
		}
		if len(text) > 0 {
			plans[i].Changes, err = dr.compare(s.name, text, nil)
		}
		return err
	})
	if err != nil {
		return err
	}
	for i := range gone {
		dr.add(plans[i], losses[i], nil)
	}
	return nil
}

// groupOf is the group of a stack, as far as its service's name says it.
func groupOf(s *stack, service string) string {
	return strings.TrimPrefix(strings.TrimPrefix(s.tag(project.TagService), service), "-")
}

// history says which deployment the stage is at, and whether what it will be is on record.
func (dr *draft) history(ctx context.Context) error {
	if dr.records == nil {
		return nil
	}
	newest, err := dr.records.read(ctx, 0)
	if err != nil {
		return err
	}
	done, err := dr.records.newest(ctx, func(rec *Deployment) bool { return rec.Outcome == Done })
	if err != nil {
		return err
	}
	if done != nil {
		dr.p.From = done.ID
	}
	if newest != nil && newest.Outcome == Begun {
		dr.note("deployment %s of %s has no end on record: it was killed, or is still under way elsewhere; what it left is gone on with", newest.ID, clean(newest.By))
	}
	want := map[string]string{}
	for i := range dr.p.Stacks {
		if s := &dr.p.Stacks[i]; s.Action != Delete {
			want[s.Name] = templateKey(dr.p.Service, dr.p.Stage, s.sha)
		}
	}
	if dr.p.Kind != Remove && (done == nil || !maps.Equal(done.templates(), want)) {
		dr.p.of.leftovers++
	}
	return nil
}

// changeSet is one that waits, or has been executed.
type changeSet struct{ name, id, status string }

func (d *Deployer) changeSets(ctx context.Context, s *stack) ([]changeSet, error) {
	var out []changeSet
	in := &cloudformation.ListChangeSetsInput{StackName: &s.id}
	for {
		page, err := d.api.CloudFormation().ListChangeSets(ctx, in)
		if err != nil {
			if missing(err) {
				return nil, nil
			}
			return nil, fmt.Errorf("list the change sets of stack %s: %w", s.name, err)
		}
		for _, c := range page.Summaries {
			out = append(out, changeSet{awssdk.ToString(c.ChangeSetName), awssdk.ToString(c.ChangeSetId), string(c.Status)})
		}
		if in.NextToken = page.NextToken; awssdk.ToString(in.NextToken) == "" {
			return out, nil
		}
	}
}
