package deploy

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/s3"
	s3types "github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
)

// PlanRemove is Plan for a stage that is not to be there any more: its stacks, parameters,
// artifacts and records. The bucket stays, and so do adopted queues. The error is ErrNotDeployed, or
// of a call that failed.
func (d *Deployer) PlanRemove(ctx context.Context, service string) (*Plan, error) {
	stage := d.api.Target().Stage
	dr, err := d.begin(ctx, Remove, service, stage)
	if err != nil {
		return nil, err
	}
	gone := ofStage(dr.stacks, service, stage)
	slices.Reverse(gone) // the base stack first: nobody sends any more
	if err := dr.remove(ctx, gone); err != nil {
		return nil, err
	}
	of := &dr.p.of
	if of.parameters, err = d.parameters(ctx, service, stage); err != nil {
		if !denied(err) {
			return nil, err
		}
		dr.note("%v: parameters below /%s/%s stay", err, service, stage)
	}
	if dr.exists {
		if of.objects, err = d.list(ctx, dr.bucket, prefixOf(service, stage)); err != nil {
			return nil, err
		}
	}
	of.leftovers = len(of.parameters) + len(of.objects)
	if len(gone) == 0 && of.leftovers == 0 {
		return nil, fmt.Errorf("remove stage %s of %s in %s: %w", stage, service, dr.p.Region, ErrNotDeployed)
	}
	for _, name := range of.parameters {
		dr.p.Secrets = append(dr.p.Secrets, SecretPlan{Ref: "ssm:" + name, Action: Delete})
	}
	if n := len(of.objects); n > 0 {
		dr.note("%d objects below s3://%s/%s are deleted: artifacts, templates and records; the bucket stays", n, dr.bucket.name, prefixOf(service, stage))
	}
	return dr.p, nil
}

// removeStage deletes stacks first, then what only they needed.
func (r *run) removeStage(ctx context.Context) error {
	for i := range r.p.Stacks {
		if err := r.stack(ctx, &r.p.Stacks[i]); err != nil {
			return err
		}
	}
	for _, name := range r.p.of.parameters {
		r.step("deleting parameter %s", name)
		if _, err := r.w.DeleteParameter(ctx, &ssm.DeleteParameterInput{Name: &name}); err != nil && code(err) != "ParameterNotFound" {
			return fmt.Errorf("delete parameter %s: %w", name, err)
		}
	}
	objects := r.p.of.objects
	if len(objects) > 0 {
		r.step("deleting %d objects in bucket %s", len(objects), r.bucket.name)
	}
	for batch := range slices.Chunk(objects, 1000) { // as many as a call takes
		in := &s3.DeleteObjectsInput{Bucket: &r.bucket.name, ExpectedBucketOwner: &r.bucket.account, Delete: &s3types.Delete{Quiet: new(true)}}
		for _, key := range batch {
			in.Delete.Objects = append(in.Delete.Objects, s3types.ObjectIdentifier{Key: &key})
		}
		out, err := r.w.DeleteObjects(ctx, in)
		if err != nil {
			return fmt.Errorf("delete objects in bucket %s: %w", r.bucket.name, err)
		}
		if n := len(out.Errors); n > 0 {
			var first []string
			for _, e := range out.Errors[:min(n, 3)] {
				first = append(first, fmt.Sprintf("%s: %s", deref(e.Key), deref(e.Message)))
			}
			return fmt.Errorf("delete objects in bucket %s: %d stay: %s", r.bucket.name, n, clean(strings.Join(first, "; ")))
		}
	}
	r.rec.Ended, r.rec.Outcome = r.d.opts.Now().UTC(), Done
	return nil
}

func deref(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}
