package resources

import (
	"context"
	"fmt"

	"github.com/microfox-ai/aiwctl/aws/local/rules"
	"github.com/microfox-ai/aiwctl/aws/local/stacks"
)

func (r *Resources) rule() stacks.Kind {
	arn := func(name string) string {
		return fmt.Sprintf("arn:aws:events:%s:%s:rule/%s", r.cfg.Region, r.cfg.Account, name)
	}
	return stacks.Kind{
		Create: func(_ context.Context, s stacks.Resource) (stacks.Made, error) {
			name := nameOf(s, "Name", 64)
			if !r.names.take("rule " + name) {
				return stacks.Made{}, exists("AWS::Events::Rule", name)
			}
			if err := r.cfg.Rules.Put(ruleOf(s, arn(name))); err != nil {
				r.names.free("rule " + name)
				return stacks.Made{}, err
			}
			return stacks.Made{ID: name, Attributes: map[string]any{"Arn": arn(name)}}, nil
		},
		Update: func(_ context.Context, _, s stacks.Resource) (stacks.Made, error) {
			return stacks.Made{}, r.cfg.Rules.Put(ruleOf(s, arn(s.PhysicalID)))
		},
		Delete: func(_ context.Context, s stacks.Resource) error {
			r.cfg.Rules.Remove(arn(s.PhysicalID))
			r.names.free("rule " + s.PhysicalID)
			return nil
		},
		Replaced: []string{"Name", "EventBusName"}, Name: "Name", Tagged: true,
	}
}

func ruleOf(s stacks.Resource, arn string) rules.Rule {
	rule := rules.Rule{ARN: arn, Schedule: text(s.Properties["ScheduleExpression"]), Disabled: text(s.Properties["State"]) == "DISABLED"}
	for _, one := range list(s.Properties["Targets"]) {
		target := object(one)
		transformer := object(target["InputTransformer"])
		t := rules.Target{
			ARN: text(target["Arn"]), Group: text(object(target["SqsParameters"])["MessageGroupId"]),
			Input: text(target["Input"]), Template: text(transformer["InputTemplate"]), Paths: map[string]string{},
		}
		for name, path := range object(transformer["InputPathsMap"]) {
			t.Paths[name] = text(path)
		}
		rule.Targets = append(rule.Targets, t)
	}
	return rule
}
