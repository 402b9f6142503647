package deploy

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/microfox-ai/aiwctl/aws/deploy/project"
)

// PlanRollback is Plan for the deployment with this id, or, when it is empty, for the one
// before that which made the stage what it is. Secrets are not rolled back. The error is
// ErrNotDeployed, ErrNoEarlier, or of a call that failed.
func (d *Deployer) PlanRollback(ctx context.Context, service, id string) (*Plan, error) {
	stage := d.api.Target().Stage
	dr, err := d.begin(ctx, Rollback, service, stage)
	if err != nil {
		return nil, err
	}
	if len(ofStage(dr.stacks, service, stage)) == 0 {
		return nil, fmt.Errorf("roll stage %s of %s in %s back: %w", stage, service, dr.p.Region, ErrNotDeployed)
	}
	if dr.records == nil {
		return nil, fmt.Errorf("roll stage %s of %s back: %w: bucket %s has none", stage, service, ErrNoEarlier, dr.bucket.name)
	}
	to, err := dr.rollbackTo(ctx, id)
	if err != nil {
		return nil, err
	}
	dr.p.To, dr.p.of.record = to.ID, to
	docs, err := dr.documentsOf(ctx, to)
	if err != nil {
		return nil, err
	}
	if err := dr.needed(ctx, docs); err != nil {
		return nil, err
	}
	if err := dr.bring(ctx, docs); err != nil {
		return nil, err
	}
	dr.note("secrets are not rolled back: functions read the values that are stored now")
	return dr.p, nil
}

// rollbackTo finds the deployment to go back to.
func (dr *draft) rollbackTo(ctx context.Context, id string) (*Deployment, error) {
	if id != "" {
		rec, err := dr.records.newest(ctx, func(rec *Deployment) bool { return rec.ID == id })
		switch {
		case err != nil:
			return nil, err
		case rec == nil:
			return nil, fmt.Errorf("roll back to deployment %q: it is not among the last of %s: `aiwctl push status` lists them", id, project.StackName(dr.p.Service, dr.p.Stage))
		case len(rec.templates()) == 0 || rec.Outcome != Done:
			return nil, fmt.Errorf("roll back to deployment %s: its outcome is %q, and only one that is done can be gone back to", id, rec.Outcome)
		}
		return rec, nil
	}
	now, err := dr.deployed(ctx)
	if err != nil {
		return nil, err
	}
	// A roll-back counts as the deployment that it went to: rolling back twice goes back by two.
	before := ""
	rec, err := dr.records.newest(ctx, func(rec *Deployment) bool {
		if rec.Outcome != Done || before != "" && rec.ID >= before {
			return false
		}
		if !maps.Equal(rec.templates(), now) {
			return true // what is deployed came after it, whole or in part
		}
		before = rec.ID
		if rec.To != "" {
			before = rec.To
		}
		return false
	})
	if err != nil {
		return nil, err
	}
	if rec == nil {
		return nil, fmt.Errorf("roll stage %s of %s back: %w; `aiwctl push status` lists what there is, and any that is done can be named", dr.p.Stage, dr.p.Service, ErrNoEarlier)
	}
	return rec, nil
}

// deployed are the stacks that are there, and the keys that their templates have in the bucket. The template
// itself is looked at, not who deployed it: a stack may be of another deployment than the
// record says when one was killed or rolled back.
func (dr *draft) deployed(ctx context.Context) (map[string]string, error) {
	stacks := ofStage(dr.stacks, dr.p.Service, dr.p.Stage)
	keys := make([]string, len(stacks))
	err := each(ctx, len(stacks), func(ctx context.Context, i int) error {
		text, err := dr.d.template(ctx, stacks[i])
		if err != nil {
			return err
		}
		keys[i] = templateKey(dr.p.Service, dr.p.Stage, hash([]byte(canonical(text))))
		return nil
	})
	out := map[string]string{}
	for i, s := range stacks {
		out[s.name] = keys[i]
	}
	return out, err
}

// documentsOf are the templates of a deployment, from the bucket.
func (dr *draft) documentsOf(ctx context.Context, rec *Deployment) ([]wanted, error) {
	var stacks []DeployedStack
	for _, s := range rec.Stacks {
		if s.Template != "" {
			stacks = append(stacks, s)
		}
	}
	docs := make([]wanted, len(stacks))
	err := each(ctx, len(docs), func(ctx context.Context, i int) error {
		s := stacks[i]
		text, err := dr.d.get(ctx, dr.bucket, s.Template)
		if err != nil {
			return fmt.Errorf("roll back to deployment %s: %w", rec.ID, err)
		}
		if templateKey(dr.p.Service, dr.p.Stage, hash(text)) != s.Template {
			return fmt.Errorf("roll back to deployment %s: s3://%s/%s is not what its name says: it has been changed", rec.ID, dr.bucket.name, s.Template)
		}
		docs[i] = wanted{name: s.Name, group: s.Group, service: project.GroupService(dr.p.Service, s.Group), body: text}
		return nil
	})
	return docs, err
}

// needed finds whether the artifacts of templates are still there.
func (dr *draft) needed(ctx context.Context, docs []wanted) error {
	of := map[string][]string{}
	for _, doc := range docs {
		b, err := parseBody(doc.body)
		if err != nil {
			return fmt.Errorf("the template of stack %s: %w", doc.name, err)
		}
		for key, ids := range b.artifacts(workersOf(b)) {
			of[key] = append(of[key], ids...)
		}
	}
	for _, key := range slices.Sorted(maps.Keys(of)) {
		slices.Sort(of[key])
		dr.p.Artifacts = append(dr.p.Artifacts, ArtifactPlan{Key: key, SHA256: shaOfKey(key), Workers: of[key]})
	}
	if err := dr.artifacts(ctx); err != nil {
		return err
	}
	for i := range dr.p.Artifacts {
		a := &dr.p.Artifacts[i]
		if !a.Upload {
			continue
		}
		a.Upload = false // there is nothing to upload it from
		of := ""
		if len(a.Workers) > 0 {
			of = " of " + strings.Join(a.Workers, ", ")
		}
		dr.refuse(a.Key, "artifact s3://%s/%s%s is not in the bucket any more: check out the source of that deployment and push it instead", dr.bucket.name, a.Key, of)
	}
	return nil
}
