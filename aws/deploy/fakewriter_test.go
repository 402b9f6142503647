package deploy

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	cfn "github.com/aws/aws-sdk-go-v2/service/cloudformation/types"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
	ssmtypes "github.com/aws/aws-sdk-go-v2/service/ssm/types"

	"github.com/microfox-ai/aiwctl/aws"
)

// fakeWriter writes to a world.
type fakeWriter struct {
	aws.DeployWriter
	w *world
}

func (f fakeWriter) CreateChangeSet(ctx context.Context, in *cloudformation.CreateChangeSetInput, _ ...func(*cloudformation.Options)) (*cloudformation.CreateChangeSetOutput, error) {
	w := f.w
	return call(ctx, w, "CreateChangeSet", func() (*cloudformation.CreateChangeSetOutput, error) {
		_, key, _ := strings.Cut(*in.TemplateURL, ".amazonaws.com/"+w.bucket+"/")
		text, ok := w.objects[key]
		if !ok {
			return nil, apiError("ValidationError", "S3 error: Access Denied: "+*in.TemplateURL)
		}
		s := w.named(*in.StackName)
		if in.ChangeSetType == cfn.ChangeSetTypeCreate {
			switch {
			case s == nil:
				s = &fakeStack{
					name: *in.StackName, id: fmt.Sprintf("arn:aws:cloudformation:%s:%s:stack/%s/%d", region, account, *in.StackName, len(w.stacks)),
					created: time.Now(), resources: map[string]resource{},
				}
				w.stacks = append(w.stacks, s)
				s.become("REVIEW_IN_PROGRESS", "User Initiated")
			case s.status != "REVIEW_IN_PROGRESS":
				return nil, apiError("AlreadyExistsException", "Stack "+s.name+" already exists and cannot be created again")
			}
		} else if s == nil {
			return nil, notThere(*in.StackName)
		} else if conditionOf(s.status) != whole {
			return nil, apiError("ValidationError", "Stack:"+s.id+" is in "+s.status+" state and can not be updated.")
		}
		set := &fakeSet{
			name: *in.ChangeSetName, id: fmt.Sprintf("arn:aws:cloudformation:%s:%s:changeSet/%s/%d", region, account, *in.ChangeSetName, len(w.sets)),
			stack: s, kind: in.ChangeSetType, template: string(text), made: time.Now(), status: "CREATE_COMPLETE", tags: map[string]string{},
		}
		for _, t := range in.Tags {
			set.tags[*t.Key] = *t.Value
		}
		for _, other := range w.sets {
			if other.stack == s && other.name == set.name {
				return nil, apiError("AlreadyExistsException", "ChangeSet "+set.name+" already exists")
			}
		}
		set.changes = changesOf(s, set.template)
		if s.template == set.template && maps.Equal(s.tags, set.tags) {
			set.status, set.reason = "FAILED", "The submitted information didn't contain changes. Submit different information to create a change set."
		}
		w.sets = append(w.sets, set)
		return &cloudformation.CreateChangeSetOutput{Id: &set.id, StackId: &s.id}, nil
	})
}

func changesOf(s *fakeStack, template string) []cfn.Change {
	old, _ := parseBody([]byte(s.template))
	next, _ := parseBody([]byte(template))
	goes := going(old, next)
	var out []cfn.Change
	add := func(logical, kind string, action cfn.ChangeAction, replacement cfn.Replacement) {
		out = append(out, cfn.Change{ResourceChange: &cfn.ResourceChange{
			LogicalResourceId: &logical, ResourceType: &kind, Action: action, Replacement: replacement, PhysicalResourceId: new(s.resources[logical].physical),
		}})
	}
	for _, logical := range slices.Sorted(maps.Keys(next.Resources)) {
		n := next.Resources[logical]
		o, was := old.Resources[logical]
		replaced := goes[logical]
		switch {
		case !was:
			add(logical, n.Type, cfn.ChangeActionAdd, "")
		case replaced:
			add(logical, n.Type, cfn.ChangeActionModify, cfn.ReplacementTrue)
		case fmt.Sprint(o) != fmt.Sprint(n):
			add(logical, n.Type, cfn.ChangeActionModify, cfn.ReplacementFalse)
		}
	}
	for _, logical := range slices.Sorted(maps.Keys(old.Resources)) {
		if _, stays := next.Resources[logical]; !stays {
			add(logical, old.Resources[logical].Type, cfn.ChangeActionRemove, "")
		}
	}
	return out
}

func (f fakeWriter) DeleteChangeSet(ctx context.Context, in *cloudformation.DeleteChangeSetInput, _ ...func(*cloudformation.Options)) (*cloudformation.DeleteChangeSetOutput, error) {
	return call(ctx, f.w, "DeleteChangeSet", func() (*cloudformation.DeleteChangeSetOutput, error) {
		if c := f.w.set(*in.ChangeSetName); c != nil && c.state() == cfn.ChangeSetStatusCreateInProgress {
			return nil, apiError("InvalidChangeSetStatus", "Cannot delete ChangeSet in status CREATE_IN_PROGRESS")
		}
		f.w.sets = slices.DeleteFunc(f.w.sets, func(c *fakeSet) bool { return c.id == *in.ChangeSetName })
		return &cloudformation.DeleteChangeSetOutput{}, nil
	})
}

func (f fakeWriter) ExecuteChangeSet(ctx context.Context, in *cloudformation.ExecuteChangeSetInput, _ ...func(*cloudformation.Options)) (*cloudformation.ExecuteChangeSetOutput, error) {
	return call(ctx, f.w, "ExecuteChangeSet", func() (*cloudformation.ExecuteChangeSetOutput, error) {
		c := f.w.set(*in.ChangeSetName)
		if c == nil {
			return nil, apiError("ChangeSetNotFound", "ChangeSet does not exist")
		}
		if c.state() != cfn.ChangeSetStatusCreateComplete || len(c.stack.todo) > 0 {
			return nil, apiError("InvalidChangeSetStatus", "ChangeSet cannot be executed in its current status")
		}
		f.w.sets = slices.DeleteFunc(f.w.sets, func(o *fakeSet) bool { return o.stack == c.stack })
		f.w.execute(c)
		return &cloudformation.ExecuteChangeSetOutput{}, nil
	})
}

// execute schedules what CloudFormation does with a change set.
func (w *world) execute(c *fakeSet) {
	s := c.stack
	word := "UPDATE"
	if c.kind == cfn.ChangeSetTypeCreate {
		word = "CREATE"
	}
	template, tags := s.template, s.tags
	next, _ := parseBody([]byte(c.template))
	goes := going(must(parseBody([]byte(s.template))), next)
	steps := []func(){func() {
		s.changeSet, s.updated = c.id, time.Now()
		if word == "CREATE" {
			s.updated = time.Time{}
		}
		s.template, s.tags = c.template, c.tags
		s.become(word+"_IN_PROGRESS", "User Initiated")
	}}
	made := map[string]resource{}
	var old []resource
	for _, change := range c.changes {
		rc := change.ResourceChange
		logical, kind := *rc.LogicalResourceId, *rc.ResourceType
		if rc.Action == cfn.ChangeActionRemove {
			old = append(old, s.resources[logical])
			continue
		}
		if why := w.breaks[logical]; why != "" {
			steps = append(steps, func() {
				s.event(logical, "", kind, word+"_FAILED", why)
				s.event("Other", "", kind, word+"_FAILED", "Resource creation cancelled")
			}, func() {
				back := "ROLLBACK"
				if word == "UPDATE" {
					back = "UPDATE_ROLLBACK"
				}
				s.become(back+"_IN_PROGRESS", "The following resource(s) failed to create: ["+logical+"].")
				s.template, s.tags = template, tags
				for l, r := range made {
					w.unmake(s, r)
					if s.resources[l].physical == r.physical {
						delete(s.resources, l)
					}
				}
				if word == "CREATE" {
					s.template, s.tags = c.template, c.tags
				}
			}, func() {
				switch {
				case word == "CREATE":
					s.become("ROLLBACK_COMPLETE", "")
				case w.breaks["rollback"] != "":
					s.resources[logical] = resource{logical, "f", kind, "UPDATE_FAILED"}
					s.become("UPDATE_ROLLBACK_FAILED", w.breaks["rollback"])
				default:
					s.become("UPDATE_ROLLBACK_COMPLETE", "")
				}
			})
			s.operation(steps...)
			return
		}
		steps = append(steps, func() {
			if _, there := s.resources[logical]; there && !goes[logical] {
				s.event(logical, s.resources[logical].physical, kind, "UPDATE_COMPLETE", "")
				return
			}
			if was, there := s.resources[logical]; there {
				old = append(old, was)
			}
			r := resource{logical, logical + "-made", kind, "CREATE_COMPLETE"}
			if kind == queueType {
				r.physical = queueURL(text(next.Resources[logical].Properties.QueueName))
				if _, exists := w.queues[r.physical]; exists {
					panic("queue " + r.physical + " exists already")
				}
				w.queues[r.physical] = 0
			}
			s.resources[logical], made[logical] = r, r
			s.event(logical, r.physical, kind, "CREATE_COMPLETE", "")
		})
	}
	if word == "CREATE" {
		steps = append(steps, func() { s.become("CREATE_COMPLETE", "") })
	} else {
		steps = append(steps, func() { s.become("UPDATE_COMPLETE_CLEANUP_IN_PROGRESS", "") }, func() {
			for _, r := range old {
				w.unmake(s, r)
				if s.resources[r.logical].physical == r.physical {
					delete(s.resources, r.logical)
				}
				s.event(r.logical, r.physical, r.kind, "DELETE_COMPLETE", "")
			}
			s.become("UPDATE_COMPLETE", "")
		})
	}
	s.operation(steps...)
}

func must(b body, _ error) body { return b }

func queueURL(name string) string {
	return "https://sqs." + region + ".amazonaws.com/" + account + "/" + name
}

// unmake deletes what a resource is.
func (w *world) unmake(_ *fakeStack, r resource) {
	if r.kind != queueType {
		return
	}
	if n := w.queues[r.physical]; n > 0 {
		w.gone[r.physical] = n
	}
	delete(w.queues, r.physical)
}

func (f fakeWriter) DeleteStack(ctx context.Context, in *cloudformation.DeleteStackInput, _ ...func(*cloudformation.Options)) (*cloudformation.DeleteStackOutput, error) {
	w := f.w
	return call(ctx, w, "DeleteStack", func() (*cloudformation.DeleteStackOutput, error) {
		s := w.named(*in.StackName)
		if s == nil || len(s.todo) > 0 {
			return &cloudformation.DeleteStackOutput{}, nil
		}
		s.operation(func() { s.become("DELETE_IN_PROGRESS", "User Initiated") }, func() {
			if why := w.breaks["delete "+s.name]; why != "" {
				s.event("WorkerAQueue", "q", queueType, "DELETE_FAILED", why)
				s.become("DELETE_FAILED", why)
				return
			}
			for _, r := range s.resources {
				w.unmake(s, r)
			}
			s.become("DELETE_COMPLETE", "")
		})
		return &cloudformation.DeleteStackOutput{}, nil
	})
}

func (f fakeWriter) ContinueUpdateRollback(ctx context.Context, in *cloudformation.ContinueUpdateRollbackInput, _ ...func(*cloudformation.Options)) (*cloudformation.ContinueUpdateRollbackOutput, error) {
	return call(ctx, f.w, "ContinueUpdateRollback "+strings.Join(in.ResourcesToSkip, ","), func() (*cloudformation.ContinueUpdateRollbackOutput, error) {
		s := f.w.named(*in.StackName)
		s.operation(func() { s.become("UPDATE_ROLLBACK_IN_PROGRESS", "") }, func() {
			for l, r := range s.resources {
				if r.status == "UPDATE_FAILED" {
					delete(s.resources, l)
				}
			}
			s.become("UPDATE_ROLLBACK_COMPLETE", "")
		})
		return &cloudformation.ContinueUpdateRollbackOutput{}, nil
	})
}

func (f fakeWriter) CreateBucket(ctx context.Context, in *s3.CreateBucketInput, _ ...func(*s3.Options)) (*s3.CreateBucketOutput, error) {
	w := f.w
	return call(ctx, w, "CreateBucket", func() (*s3.CreateBucketOutput, error) {
		switch {
		case w.bucket == *in.Bucket && w.owner == account:
			return nil, apiError("BucketAlreadyOwnedByYou", "yours")
		case w.bucket == *in.Bucket:
			return nil, apiError("BucketAlreadyExists", "theirs")
		case in.CreateBucketConfiguration == nil || string(in.CreateBucketConfiguration.LocationConstraint) != region:
			return nil, apiError("IllegalLocationConstraintException", "where?")
		}
		w.bucket, w.owner, w.at, w.public = *in.Bucket, account, region, true
		return &s3.CreateBucketOutput{}, nil
	})
}

func (f fakeWriter) PutPublicAccessBlock(ctx context.Context, in *s3.PutPublicAccessBlockInput, _ ...func(*s3.Options)) (*s3.PutPublicAccessBlockOutput, error) {
	return call(ctx, f.w, "PutPublicAccessBlock", func() (*s3.PutPublicAccessBlockOutput, error) {
		c := in.PublicAccessBlockConfiguration
		f.w.public = !*c.BlockPublicAcls || !*c.BlockPublicPolicy || !*c.IgnorePublicAcls || !*c.RestrictPublicBuckets
		return &s3.PutPublicAccessBlockOutput{}, nil
	})
}

func (f fakeWriter) PutBucketTagging(ctx context.Context, _ *s3.PutBucketTaggingInput, _ ...func(*s3.Options)) (*s3.PutBucketTaggingOutput, error) {
	return call(ctx, f.w, "PutBucketTagging", func() (*s3.PutBucketTaggingOutput, error) {
		return &s3.PutBucketTaggingOutput{}, nil
	})
}

func (f fakeWriter) PutObject(ctx context.Context, in *s3.PutObjectInput, _ ...func(*s3.Options)) (*s3.PutObjectOutput, error) {
	text, err := io.ReadAll(in.Body)
	if err != nil {
		return nil, err
	}
	return call(ctx, f.w, "PutObject", func() (*s3.PutObjectOutput, error) {
		if err := (fakeS3{f.w}).owned(in.ExpectedBucketOwner); err != nil {
			return nil, err
		}
		if f.w.public {
			panic("code goes to a bucket that is not private")
		}
		if sum(text) != *in.ChecksumSHA256 {
			return nil, apiError("BadDigest", "The SHA256 you specified did not match the calculated checksum.")
		}
		f.w.objects[*in.Key] = text
		return &s3.PutObjectOutput{}, nil
	})
}

func (f fakeWriter) DeleteObjects(ctx context.Context, in *s3.DeleteObjectsInput, _ ...func(*s3.Options)) (*s3.DeleteObjectsOutput, error) {
	return call(ctx, f.w, "DeleteObjects", func() (*s3.DeleteObjectsOutput, error) {
		for _, o := range in.Delete.Objects {
			delete(f.w.objects, *o.Key)
		}
		return &s3.DeleteObjectsOutput{}, nil
	})
}

func (f fakeWriter) PutParameter(ctx context.Context, in *ssm.PutParameterInput, _ ...func(*ssm.Options)) (*ssm.PutParameterOutput, error) {
	w := f.w
	return call(ctx, w, "PutParameter", func() (*ssm.PutParameterOutput, error) {
		overwrite := in.Overwrite != nil && *in.Overwrite
		_, exists := w.params[*in.Name]
		switch {
		case overwrite && len(in.Tags) > 0:
			return nil, apiError("ValidationException", "Invalid request: tags and overwrite can't be used together.")
		case exists && !overwrite:
			return nil, &ssmtypes.ParameterAlreadyExists{}
		case in.Type != ssmtypes.ParameterTypeSecureString:
			panic("a secret that is not kept as one")
		}
		w.params[*in.Name] = ssmtypes.Parameter{Name: in.Name, Value: in.Value}
		if !exists {
			w.tagged[*in.Name] = map[string]string{}
			for _, t := range in.Tags {
				w.tagged[*in.Name][*t.Key] = *t.Value
			}
		}
		return &ssm.PutParameterOutput{}, nil
	})
}

func (f fakeWriter) DeleteParameter(ctx context.Context, in *ssm.DeleteParameterInput, _ ...func(*ssm.Options)) (*ssm.DeleteParameterOutput, error) {
	return call(ctx, f.w, "DeleteParameter", func() (*ssm.DeleteParameterOutput, error) {
		if _, ok := f.w.params[*in.Name]; !ok {
			return nil, &ssmtypes.ParameterNotFound{}
		}
		delete(f.w.params, *in.Name)
		return &ssm.DeleteParameterOutput{}, nil
	})
}

// shop is a project named shop, of programs and groups: a worker's version is what its code is.
type shop struct {
	dir      string
	versions map[string]string // worker -> version
	groups   map[string]string // worker -> group
	secrets  map[string]string // name -> value
}

func marshal(v any) []byte {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return b
}
