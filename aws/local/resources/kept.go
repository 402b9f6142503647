package resources

import (
	"context"
	"fmt"
	"strings"
	"sync"

	"github.com/microfox-ai/aiwctl/aws/local/stacks"
)

// names are those of what is nowhere but in the stacks, so that nothing is there twice.
type names struct {
	mu    sync.Mutex
	taken map[string]bool
}

// take says whether a name was free.
func (n *names) take(name string) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.taken[name] {
		return false
	}
	n.taken[name] = true
	return true
}

func (n *names) free(name string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	delete(n.taken, name)
}

func (r *Resources) role() stacks.Kind {
	return stacks.Kind{
		Create: func(_ context.Context, s stacks.Resource) (stacks.Made, error) {
			name := nameOf(s, "RoleName", 64)
			if !r.names.take("role " + name) {
				return stacks.Made{}, exists("AWS::IAM::Role", name)
			}
			path := text(s.Properties["Path"])
			if path == "" {
				path = "/"
			}
			return stacks.Made{ID: name, Attributes: map[string]any{
				"Arn": fmt.Sprintf("arn:aws:iam::%s:role%s%s", r.cfg.Account, path, name), "RoleId": "AROA" + randomText(17),
			}}, nil
		},
		Delete:   func(_ context.Context, s stacks.Resource) error { r.names.free("role " + s.PhysicalID); return nil },
		Replaced: []string{"RoleName", "Path"}, Required: []string{"AssumeRolePolicyDocument"}, Name: "RoleName", Tagged: true,
	}
}

func (r *Resources) managedPolicy() stacks.Kind {
	return stacks.Kind{
		Create: func(_ context.Context, s stacks.Resource) (stacks.Made, error) {
			name := nameOf(s, "ManagedPolicyName", 128)
			if !r.names.take("policy " + name) {
				return stacks.Made{}, exists("AWS::IAM::ManagedPolicy", name)
			}
			arn := fmt.Sprintf("arn:aws:iam::%s:policy/%s", r.cfg.Account, name)
			return stacks.Made{ID: arn, Attributes: map[string]any{"PolicyArn": arn}}, nil
		},
		Delete: func(_ context.Context, s stacks.Resource) error {
			_, name, _ := strings.Cut(s.PhysicalID, ":policy/")
			r.names.free("policy " + name)
			return nil
		},
		Replaced: []string{"ManagedPolicyName", "Description", "Path"}, Required: []string{"PolicyDocument"}, Name: "ManagedPolicyName",
	}
}

func (r *Resources) alarm() stacks.Kind {
	return stacks.Kind{
		Create: func(_ context.Context, s stacks.Resource) (stacks.Made, error) {
			name := nameOf(s, "AlarmName", 255)
			if !r.names.take("alarm " + name) {
				return stacks.Made{}, exists("AWS::CloudWatch::Alarm", name)
			}
			arn := fmt.Sprintf("arn:aws:cloudwatch:%s:%s:alarm:%s", r.cfg.Region, r.cfg.Account, name)
			return stacks.Made{ID: name, Attributes: map[string]any{"Arn": arn}}, nil
		},
		Delete:   func(_ context.Context, s stacks.Resource) error { r.names.free("alarm " + s.PhysicalID); return nil },
		Replaced: []string{"AlarmName"}, Required: []string{"ComparisonOperator", "EvaluationPeriods"}, Name: "AlarmName", Tagged: true,
	}
}

// kept are the types that have no effect here.
func (r *Resources) kept() map[string]stacks.Kind {
	keep := func(replaced, required []string) stacks.Kind {
		return stacks.Kind{
			Create: func(_ context.Context, s stacks.Resource) (stacks.Made, error) {
				name := madeName(s, 128)
				return stacks.Made{ID: name, Attributes: map[string]any{"Id": name}}, nil
			},
			Replaced: replaced, Required: required,
		}
	}
	permission := []string{"Action", "FunctionName", "Principal"}
	return map[string]stacks.Kind{
		"AWS::SQS::QueuePolicy":                    keep(nil, []string{"PolicyDocument", "Queues"}),
		"AWS::IAM::Policy":                         keep([]string{"PolicyName"}, []string{"PolicyDocument", "PolicyName"}),
		"AWS::Lambda::Permission":                  keep(append(permission, "SourceArn", "SourceAccount"), permission),
		"AWS::Lambda::EventInvokeConfig":           keep([]string{"FunctionName", "Qualifier"}, []string{"FunctionName", "Qualifier"}),
		"AWS::CloudFormation::WaitConditionHandle": keep(nil, nil),
	}
}
