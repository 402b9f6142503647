package deploy

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
	"unicode"

	awssdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"
	"github.com/aws/smithy-go"

	"github.com/microfox-ai/aiwctl/aws/deploy/project"
)

// stack is a stack as CloudFormation describes it.
type stack struct {
	name, id, status, reason string
	tags, outputs            map[string]string
	// updated is when it was changed last; changeSet the name of the change set that
	// did, where CloudFormation says so.
	updated   time.Time
	changeSet string
}

// key is one of a stack's tags; empty for a stack that is not there.
func (s *stack) tag(key string) string {
	if s == nil {
		return ""
	}
	return s.tags[key]
}

// state is its status; empty for a stack that is not there.
func (s *stack) state() string {
	if s == nil {
		return ""
	}
	return s.status
}

// deployment is the id of the deployment that changed it last; empty when it is not known. It
// is not a tag, as a stack's tags are its resources' too: each deployment would change
// every one.
func (s *stack) deployment() string {
	id, ok := strings.CutPrefix(s.changeSet, changeSetPrefix)
	parts := strings.SplitN(id, "-", 3) // the third is the attempt's number
	if !ok || len(parts) < 2 {
		return ""
	}
	return parts[0] + "-" + parts[1]
}

func described(t types.Stack) *stack {
	s := &stack{
		name: awssdk.ToString(t.StackName), id: awssdk.ToString(t.StackId),
		status: string(t.StackStatus), reason: clean(awssdk.ToString(t.StackStatusReason)),
		tags: map[string]string{}, outputs: map[string]string{},
		updated: awssdk.ToTime(t.CreationTime),
	}
	if at := awssdk.ToTime(t.LastUpdatedTime); !at.IsZero() {
		s.updated = at
	}
	for _, tag := range t.Tags {
		s.tags[awssdk.ToString(tag.Key)] = awssdk.ToString(tag.Value)
	}
	for _, o := range t.Outputs {
		s.outputs[awssdk.ToString(o.OutputKey)] = awssdk.ToString(o.OutputValue)
	}
	// arn:aws:cloudformation:REGION:ACCOUNT:changeSet/NAME/UUID
	if _, rest, ok := strings.Cut(awssdk.ToString(t.ChangeSetId), ":changeSet/"); ok {
		s.changeSet, _, _ = strings.Cut(rest, "/")
	}
	return s
}

// stacks are those that may be of a stage by their names, and those with the names that are given, by
// name. They are listed, and then described one by one: a policy can be limited to a
// stage's stacks for all but the list.
func (d *Deployer) stacks(ctx context.Context, service, stage string, more ...string) (map[string]*stack, error) {
	names := map[string]bool{}
	for _, name := range more {
		names[name] = true
	}
	in := &cloudformation.ListStacksInput{StackStatusFilter: slices.DeleteFunc(types.StackStatus("").Values(), func(s types.StackStatus) bool { return s == types.StackStatusDeleteComplete })}
	for {
		page, err := d.api.CloudFormation().ListStacks(ctx, in)
		if err != nil {
			return nil, fmt.Errorf("list the stacks in %s: %w", d.api.Target().Region, err)
		}
		for _, s := range page.StackSummaries {
			if name := awssdk.ToString(s.StackName); strings.HasPrefix(name, service+"-") && strings.Contains(name, "-"+stage) {
				names[name] = true
			}
		}
		if in.NextToken = page.NextToken; awssdk.ToString(in.NextToken) == "" {
			break
		}
	}
	sorted := slices.Sorted(maps.Keys(names))
	read := make([]*stack, len(sorted))
	err := each(ctx, len(sorted), func(ctx context.Context, i int) (err error) {
		read[i], err = d.stack(ctx, sorted[i])
		return err
	})
	out := map[string]*stack{}
	for _, s := range read {
		if s != nil {
			out[s.name] = s
		}
	}
	return out, err
}

// stack reads one, by name or id; nil when it is not there.
func (d *Deployer) stack(ctx context.Context, name string) (*stack, error) {
	out, err := d.api.CloudFormation().DescribeStacks(ctx, &cloudformation.DescribeStacksInput{StackName: &name})
	if err != nil {
		if missing(err) {
			return nil, nil
		}
		return nil, fmt.Errorf("read stack %s: %w", shortName(name), err)
	}
	if len(out.Stacks) == 0 {
		return nil, nil
	}
	s := described(out.Stacks[0])
	if s.status == string(types.StackStatusDeleteComplete) {
		return nil, nil
	}
	return s, nil
}

// missing is whether CloudFormation says that a stack or change set does not exist: for a stack
// it is a ValidationError like many others.
func missing(err error) bool {
	api, ok := errors.AsType[smithy.APIError](err)
	if !ok {
		return false
	}
	switch api.ErrorCode() {
	case "ChangeSetNotFound", "ChangeSetNotFoundException":
		return true
	case "ValidationError", "ValidationException":
		return strings.Contains(api.ErrorMessage(), "does not exist")
	}
	return false
}

// shortName is a stack's name, of its name or id.
func shortName(nameOrID string) string {
	if _, rest, ok := strings.Cut(nameOrID, ":stack/"); ok {
		nameOrID, _, _ = strings.Cut(rest, "/")
	}
	return nameOrID
}

// ofStage are the stacks of a stage, by its tags: groups by name, then the base stack.
func ofStage(all map[string]*stack, service, stage string) []*stack {
	var out []*stack
	for _, s := range all {
		if s.tag(project.TagProject) == service && s.tag(project.TagStage) == stage {
			out = append(out, s)
		}
	}
	slices.SortFunc(out, func(a, b *stack) int {
		if a.base() != b.base() {
			if a.base() {
				return 1
			}
			return -1
		}
		return strings.Compare(a.name, b.name)
	})
	return out
}

// StackNames are the names of the stacks that a stage has, sorted, by what their tags say: also
// those of groups that the code no longer has. There are none where nothing is deployed.
func (d *Deployer) StackNames(ctx context.Context, service string) ([]string, error) {
	stage := d.api.Target().Stage
	all, err := d.stacks(ctx, service, stage)
	if err != nil {
		return nil, err
	}
	var names []string
	for _, s := range ofStage(all, service, stage) {
		names = append(names, s.name)
	}
	slices.Sort(names)
	return names, nil
}

// base is whether it is a stage's base stack. Its name does not say so: it may have a suffix.
func (s *stack) base() bool {
	return s.tag(project.TagService) != "" && s.tag(project.TagService) == s.tag(project.TagProject)
}

// baseOf is the base stack of a stage; nil when there is none.
func baseOf(all map[string]*stack, service, stage string) *stack {
	for _, s := range ofStage(all, service, stage) {
		if s.base() {
			return s
		}
	}
	return nil
}

// template is a stack's own template, as it was given.
func (d *Deployer) template(ctx context.Context, s *stack) ([]byte, error) {
	out, err := d.api.CloudFormation().GetTemplate(ctx, &cloudformation.GetTemplateInput{StackName: &s.id, TemplateStage: types.TemplateStageOriginal})
	if err != nil {
		if missing(err) {
			return nil, nil
		}
		return nil, fmt.Errorf("read the template of stack %s: %w", s.name, err)
	}
	return []byte(awssdk.ToString(out.TemplateBody)), nil
}

// resource is a part of a stack.
type resource struct{ logical, physical, kind, status string }

// resources are those of a stack that are there.
func (d *Deployer) resources(ctx context.Context, s *stack) ([]resource, error) {
	var out []resource
	in := &cloudformation.ListStackResourcesInput{StackName: &s.id}
	for {
		page, err := d.api.CloudFormation().ListStackResources(ctx, in)
		if err != nil {
			if missing(err) {
				return nil, nil
			}
			return nil, fmt.Errorf("list the resources of stack %s: %w", s.name, err)
		}
		for _, r := range page.StackResourceSummaries {
			if r.ResourceStatus == types.ResourceStatusDeleteComplete || awssdk.ToString(r.PhysicalResourceId) == "" {
				continue
			}
			out = append(out, resource{awssdk.ToString(r.LogicalResourceId), awssdk.ToString(r.PhysicalResourceId), awssdk.ToString(r.ResourceType), string(r.ResourceStatus)})
		}
		if in.NextToken = page.NextToken; awssdk.ToString(in.NextToken) == "" {
			return out, nil
		}
	}
}

// clean drops control characters from AWS's words, which reach a terminal.
func clean(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return ' '
		}
		return r
	}, s)
}
