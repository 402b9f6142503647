package project

import (
	"slices"
	"strings"

	"github.com/microfox-ai/aiwctl/dispatch"
	"github.com/microfox-ai/aiwctl/dispatch/limits"
)

// retentions are the times, in days, that CloudWatch Logs keeps lines for. Source:
// PutRetentionPolicy in its API reference.
func retentions() []int {
	return []int{1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653}
}

// stage checks what is of all workers.
func (c *checker) stage() {
	p := c.p
	switch {
	case p.Service == "":
		c.stageProblem("the service has no name: name it with --service")
	case !isStackWord(p.Service) || !isLetter(p.Service[0]):
		c.stageProblem("the service %q: CloudFormation allows letters, digits and - in the name of a stack, a letter first", p.Service)
	case hasPrefixFold(p.Service, "aws"), hasPrefixFold(p.Service, "ssm"):
		// Its secrets are called /<service>/<stage>/<name>. Source: PutParameter in the API
		// reference of Systems Manager.
		c.stageProblem("the service %q: Systems Manager keeps names that begin with aws or ssm for itself, and the stage's secrets would have one", p.Service)
	}
	switch {
	case p.Stage == "":
		c.stageProblem("the stage has no name: name it with --stage")
	case !isStackWord(p.Stage):
		c.stageProblem("the stage %q: CloudFormation allows letters, digits and - in the name of a stack", p.Stage)
	}
	if p.Arch != "" && p.Arch != ARM64 && p.Arch != AMD64 {
		c.stageProblem("the architecture %q: Lambda has %s and %s", p.Arch, ARM64, AMD64)
	}
	if p.LogRetentionDays != 0 && !slices.Contains(retentions(), p.LogRetentionDays) {
		c.stageProblem("a log retention of %d days: CloudWatch Logs has %s", p.LogRetentionDays, numbers(retentions()))
	}
	c.alarms()
}

func (c *checker) alarms() {
	a := c.p.Alarms
	if a == nil {
		return
	}
	if a.AgeSeconds < 0 {
		c.stageProblem("alarms on an age of %d s: it must be 1 or more, or 0 for 15 minutes", a.AgeSeconds)
	}
	if a.TopicARN == "" {
		return
	}
	parts := strings.Split(a.TopicARN, ":")
	switch {
	case len(parts) != 6 || parts[0] != "arn" || parts[2] != "sns" || parts[5] == "":
		c.stageProblem("the alarms' topic %q: CloudWatch wants the ARN of an SNS topic, arn:aws:sns:<region>:<account>:<name>", a.TopicARN)
	case c.p.Region != "" && parts[3] != c.p.Region:
		c.stageProblem("the alarms' topic is in %s, and alarms in %s can tell topics of their own region only", parts[3], c.p.Region)
	}
}

// groups checks the deployment groups, which become services and stacks.
func (c *checker) groups() {
	services := map[string]Worker{} // by the service, in small letters; the first worker
	refused := map[string]bool{}
	for _, w := range c.unique {
		if w.Group == "" || w.Group == dispatch.DefaultGroup || refused[w.Group] {
			continue
		}
		if err := limits.Group(w.Group); err != nil {
			refused[w.Group] = true
			c.problem(w, "%v", err)
			continue
		}
		service := GroupService(c.p.Service, w.Group)
		other, taken := services[strings.ToLower(service)]
		switch {
		case !taken:
			services[strings.ToLower(service)] = w
		case other.Group != w.Group:
			refused[w.Group] = true
			c.problem(w, "its group %q and group %q of %s would both be the service %s: rename one", w.Group, other.Group, named(other), service)
		}
	}
}

// isStackWord reports whether text may stand in the name of a stack. Source: CreateStack in
// the API reference of CloudFormation.
func isStackWord(text string) bool {
	for i := range len(text) {
		if c := text[i]; c != '-' && !isLetter(c) && (c < '0' || c > '9') {
			return false
		}
	}
	return text != ""
}

func isLetter(c byte) bool { return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' }

func hasPrefixFold(text, prefix string) bool {
	return len(text) >= len(prefix) && strings.EqualFold(text[:len(prefix)], prefix)
}
