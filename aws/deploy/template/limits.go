package template

import (
	"cmp"
	"strings"

	"github.com/microfox-ai/aiwctl/aws/deploy/project"
)

// AWS's limits. Sources: CloudFormation user guide, "CloudFormation quotas"; Lambda developer
// guide, "Lambda quotas"; IAM user guide, "IAM and AWS STS quotas"; EventBridge API reference,
// InputTransformer.
const (
	maxResources = 500
	maxOutputs   = 200
	maxBody      = 1 << 20

	// maxVariables is for a function's variables as JSON, which is how Lambda measures them.
	maxVariables   = 4096
	maxDescription = 256

	// maxRolePolicies is for the policies within a role, maxManagedPolicy for one beside it; in
	// characters without white space.
	maxRolePolicies    = 10240
	maxManagedPolicy   = 6144
	maxManagedPolicies = 10
	maxRoleDescription = 1000
	// policyOverhead is what a policy has beside its resources.
	policyOverhead = 300

	maxInputTemplate = 8192
)

// checkSize notes what of the stack's template exceeds CloudFormation's limits.
func (b *builder) checkSize(body []byte) {
	advice := "move some of its workers into deployment groups (runtime.WithGroup), which are stacks of their own"
	if n := len(b.resources); n > maxResources {
		b.problem("", "stack %s has %d resources, and CloudFormation allows %d: %s", b.stack.Name, n, maxResources, advice)
	}
	if n := len(b.outputs); n > maxOutputs {
		b.problem("", "stack %s has %d outputs, and CloudFormation allows %d: %s", b.stack.Name, n, maxOutputs, advice)
	}
	if n := len(body); n > maxBody {
		b.problem("", "the template of stack %s has %d bytes, and CloudFormation allows %d: %s", b.stack.Name, n, maxBody, advice)
	}
}

// policySize is the length of a policy when it is in AWS.
func (b *builder) policySize(statements list) int {
	text, err := marshal(b.filled(policy(statements)))
	if err != nil {
		return 0 // what cannot be written is told where it is
	}
	return len(text)
}

// estimate is what a value of a template becomes in AWS, or a text of about its length.
func (b *builder) estimate(v any) string {
	text, _ := b.filled(v).(string)
	return text
}

// filled replaces what CloudFormation replaces.
func (b *builder) filled(v any) any {
	switch v := v.(type) {
	case object:
		if text, ok := v["Fn::Sub"].(string); ok && len(v) == 1 {
			return b.pseudo(text)
		}
		if id, ok := v["Ref"].(string); ok && len(v) == 1 {
			return b.pseudo("https://sqs.${AWS::Region}.${AWS::URLSuffix}/${AWS::AccountId}/" + b.queueCalled(id))
		}
		out := make(object, len(v))
		for key, value := range v {
			out[key] = b.filled(value)
		}
		return out
	case list:
		out := make(list, len(v))
		for i := range v {
			out[i] = b.filled(v[i])
		}
		return out
	}
	return v
}

// queueCalled is the name of the queue that a resource of this stack makes.
func (b *builder) queueCalled(id string) string {
	if b.queueNames == nil {
		b.queueNames = map[string]string{}
		for _, w := range b.stack.Workers {
			q := b.queueOf(w.ID)
			b.queueNames[project.LogicalID(w.ID, partQueue)], b.queueNames[project.LogicalID(w.ID, partDLQ)] = q.name, q.dlq
		}
	}
	return cmp.Or(b.queueNames[id], id)
}

// pseudo fills in CloudFormation's pseudo parameters; a region or account that is not known is
// as long as the longest.
func (b *builder) pseudo(text string) string {
	region, account := b.p.Region, b.p.Account
	if region == "" {
		region = "ap-southeast-1"
	}
	if account == "" {
		account = "123456789012"
	}
	partition, suffix := "aws", "amazonaws.com"
	if strings.HasPrefix(region, "cn-") {
		partition, suffix = "aws-cn", "amazonaws.com.cn"
	}
	if strings.HasPrefix(region, "us-gov-") {
		partition = "aws-us-gov"
	}
	return strings.NewReplacer("${AWS::Region}", region, "${AWS::AccountId}", account, "${AWS::Partition}", partition,
		"${AWS::URLSuffix}", suffix, "${!", "${").Replace(text)
}
