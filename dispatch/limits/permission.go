package limits

import (
	"errors"
	"fmt"
	"strings"

	"github.com/microfox-ai/aiwctl/dispatch"
)

// Permission says what is wrong with what a worker wants its role to allow. Source: IAM's
// reference of JSON policy elements, Action and Resource.
func Permission(p dispatch.Permission) error {
	var errs []error
	if len(p.Actions) == 0 {
		errs = append(errs, errors.New("a permission without actions: name them, such as dynamodb:PutItem"))
	}
	if len(p.Resources) == 0 {
		errs = append(errs, fmt.Errorf("a permission for %s without resources: name their ARNs, or * where the actions have none", list(p.Actions)))
	}
	for _, action := range p.Actions {
		service, name, _ := strings.Cut(action, ":")
		if !consistsOf(service, "-") || !consistsOf(name, "*?") {
			errs = append(errs, fmt.Errorf("a permission for %q: IAM wants a service and its action, such as dynamodb:PutItem or s3:Get*", cut(action)))
		}
	}
	for _, resource := range p.Resources {
		if err := arnPattern(resource); err != nil {
			errs = append(errs, fmt.Errorf("a permission on %q: %w", cut(resource), err))
		}
	}
	return errors.Join(errs...)
}

func arnPattern(text string) error {
	if text == "*" {
		return nil
	}
	rest := strings.NewReplacer(region, "region", accountID, "account", "${service}", "service", "${stage}", "stage").Replace(text)
	switch {
	case strings.Contains(rest, "${"):
		return fmt.Errorf("of ${...} only %s, %s, ${service} and ${stage} are filled in", region, accountID)
	case strings.ContainsFunc(rest, func(r rune) bool { return r <= ' ' || r > '~' }):
		return errors.New("an ARN has no spaces and ASCII characters only")
	case !strings.HasPrefix(rest, "arn:") || strings.Count(rest, ":") < 5:
		return errors.New("IAM wants an ARN, arn:aws:<service>:<region>:<account>:<resource>, or *")
	}
	return nil
}

func list(actions []string) string {
	if len(actions) == 0 {
		return "nothing"
	}
	return cut(strings.Join(actions, ", "))
}
