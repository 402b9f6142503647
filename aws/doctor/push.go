package doctor

import (
	"cmp"
	"slices"
	"strings"

	"github.com/microfox-ai/aiwctl/aws"
	"github.com/microfox-ai/aiwctl/aws/deploy/project"
)

// Push is the purpose of who deploys a stage. It has a policy of its own, made of the stage's
// names rather than of what is found: most of it need not be there yet.
const Push Purpose = "push"

// PushScope is what a stage is deployed under.
type PushScope struct {
	Service, Stage string
	Region         string
	// Account is empty when it is not known; a pattern stands for it then.
	Account string
	// Bucket is the bucket of artifacts; empty means project.BucketName.
	Bucket string
}

// PushAction is an action that pushing needs.
type PushAction struct {
	Action string `json:"action"`
	// Use is what it is for, after "to".
	Use string `json:"use"`
}

// pushGroup are actions on one kind of thing.
type pushGroup struct {
	sid     string
	on      func(PushScope) []string
	when    map[string]map[string][]string
	actions []PushAction
	// onFunctions limits the actions to mappings of the stage's functions.
	onFunctions bool
}

func (s PushScope) arn(service, rest string) string {
	return "arn:" + aws.Partition(s.Region) + ":" + service + ":" + s.Region + ":" + s.account() + ":" + rest
}

func (s PushScope) account() string { return cmp.Or(s.Account, "*") }

func (s PushScope) bucket() string {
	return "arn:" + aws.Partition(s.Region) + ":s3:::" + cmp.Or(s.Bucket, project.BucketName(s.account(), s.Region))
}

// stackNames are the names that the stage's stacks may have: with a group's and with
// project.ForeignSuffix.
func (s PushScope) stackNames() []string {
	return []string{
		s.Service + "-" + s.Stage, s.Service + "-" + s.Stage + project.ForeignSuffix,
		s.Service + "-*-" + s.Stage, s.Service + "-*-" + s.Stage + project.ForeignSuffix,
	}
}

// functionNames are patterns of the names of the stage's functions.
func (s PushScope) functionNames() []string {
	return []string{s.Service + "-" + s.Stage + "-*", s.Service + "-*-" + s.Stage + "-*"}
}

// generated is a pattern of the names that CloudFormation makes of a stack's: it cuts long ones
// to 24 characters.
func (s PushScope) generated() string {
	name := s.Service + "-"
	return name[:min(len(name), 24)] + "*"
}

func each(names []string, arn func(string) string) []string {
	out := make([]string, len(names))
	for i, n := range names {
		out[i] = arn(n)
	}
	return out
}

func anywhere(PushScope) []string { return []string{"*"} }

// pushGroups is the table of what pushing needs: the calls of a deployment, and what
// CloudFormation does in the caller's name for the resources of the template. What that is
// stands with each type in CloudFormation's registry (handlers, permissions); a test holds the
// table to it.
func pushGroups() []pushGroup {
	functions := func(s PushScope) []string {
		return each(s.functionNames(), func(n string) string { return s.arn("lambda", "function:"+n) })
	}
	return []pushGroup{
		{sid: "PushAnywhere", on: anywhere, actions: []PushAction{
			{"cloudformation:ListStacks", "find the stage's stacks, those of groups that are gone among them"},
			{"lambda:ListEventSourceMappings", "see what reads a queue that exists already"},
			{"logs:DescribeLogGroups", "see which log groups there are"},
			{"sqs:ListQueues", "see which of the queues' names are taken"},
			{"tag:GetResources", "say whose a queue is that exists already"},
		}},
		{sid: "PushStacks", on: func(s PushScope) []string {
			return each(s.stackNames(), func(n string) string { return s.arn("cloudformation", "stack/"+n+"/*") })
		}, actions: []PushAction{
			{"cloudformation:ContinueUpdateRollback", "bring a stack to rest whose roll-back has failed"},
			{"cloudformation:CreateChangeSet", "find out what a deployment changes"},
			{"cloudformation:DeleteChangeSet", "take back a change set that is not carried out"},
			{"cloudformation:DeleteStack", "remove a stage, or a stack that was never made"},
			{"cloudformation:DescribeChangeSet", "read what a deployment changes"},
			{"cloudformation:DescribeStackEvents", "follow a deployment, and say why it failed"},
			{"cloudformation:DescribeStacks", "see which stacks there are, and their outputs"},
			{"cloudformation:ExecuteChangeSet", "carry a deployment out"},
			{"cloudformation:GetTemplate", "compare with what is deployed"},
			{"cloudformation:ListChangeSets", "see what a deployment that was killed has left"},
			{"cloudformation:ListStackResources", "see what a stack has"},
			{"cloudformation:TagResource", "tag the stacks, by which they are known as the stage's"},
			{"cloudformation:UntagResource", "take a tag off a stack"},
		}},
		{sid: "PushBucket", on: func(s PushScope) []string { return []string{s.bucket()} }, actions: []PushAction{
			{"s3:CreateBucket", "make the bucket of artifacts, once"},
			{"s3:ListBucket", "see whether the bucket is there, and list deployments"},
			{"s3:PutBucketPublicAccessBlock", "keep the bucket private"},
			{"s3:PutBucketTagging", "tag the bucket"},
		}},
		{sid: "PushArtifacts", on: func(s PushScope) []string {
			return []string{s.bucket() + "/" + s.Service + "/" + s.Stage + "/*"}
		}, actions: []PushAction{
			{"s3:DeleteObject", "delete artifacts, templates and records when the stage is removed"},
			{"s3:GetObject", "read records, and have Lambda and CloudFormation read artifacts and templates"},
			{"s3:PutObject", "upload artifacts, templates and records"},
		}},
		{sid: "PushSecrets", on: func(s PushScope) []string {
			return []string{s.arn("ssm", "parameter/"+s.Service+"/"+s.Stage+"/*")}
		}, actions: []PushAction{
			{"ssm:AddTagsToResource", "tag the stage's secrets"},
			{"ssm:DeleteParameter", "delete them when the stage is removed"},
			{"ssm:GetParameter", "leave those alone that have not changed, and call the workers API"},
			{"ssm:GetParametersByPath", "find them when the stage is removed"},
			{"ssm:ListTagsForResource", "see which of them push has made"},
			{"ssm:PutParameter", "store the stage's secrets, and make the key of its workers API"},
		}},
		{sid: "PushQueues", on: func(s PushScope) []string {
			names := []string{s.Service + "-*-" + s.Stage, s.Service + "-*-" + s.Stage + ".fifo"}
			return each(names, func(n string) string { return s.arn("sqs", n) })
		}, actions: []PushAction{
			{"sqs:CreateQueue", "make queues and dead-letter queues"},
			{"sqs:DeleteQueue", "remove those of workers that are gone"},
			{"sqs:GetQueueAttributes", "read depths and settings before anything is removed or taken over"},
			{"sqs:GetQueueUrl", "find a queue by its name"},
			{"sqs:ListQueueTags", "read a queue's tags"},
			{"sqs:SetQueueAttributes", "change settings, and let schedules send"},
			{"sqs:TagQueue", "tag queues"},
			{"sqs:UntagQueue", "take a tag off a queue"},
		}},
		{sid: "PushFunctions", on: functions, actions: []PushAction{
			{"lambda:AddPermission", "let API Gateway and schedules start a function"},
			{"lambda:CreateFunction", "make functions"},
			{"lambda:DeleteFunction", "remove those of workers that are gone"},
			{"lambda:DeleteFunctionConcurrency", "give reserved concurrency back"},
			{"lambda:GetFunction", "wait until a function is ready"},
			{"lambda:GetFunctionCodeSigningConfig", "read a function, as CloudFormation does"},
			{"lambda:GetFunctionConfiguration", "see which of the functions' names are taken"},
			{"lambda:GetFunctionRecursionConfig", "read a function, as CloudFormation does"},
			{"lambda:GetFunctionScalingConfig", "read a function, as CloudFormation does"},
			{"lambda:GetPolicy", "read who may start a function"},
			{"lambda:GetRuntimeManagementConfig", "read a function, as CloudFormation does"},
			{"lambda:PutFunctionConcurrency", "reserve concurrency"},
			{"lambda:RemovePermission", "take back who may start a function"},
			{"lambda:UpdateFunctionCode", "deploy the code"},
			{"lambda:UpdateFunctionConfiguration", "change timeout, memory and variables"},
		}},
		{sid: "PushLambdaTags", on: func(s PushScope) []string {
			return append(functions(s), s.arn("lambda", "event-source-mapping:*"))
		}, actions: []PushAction{
			{"lambda:ListTags", "read the tags of functions and mappings"},
			{"lambda:TagResource", "tag functions and mappings"},
			{"lambda:UntagResource", "take a tag off them"},
		}},
		{sid: "PushLayers", on: func(s PushScope) []string {
			return []string{"arn:" + aws.Partition(s.Region) + ":lambda:*:*:layer:*"}
		}, actions: []PushAction{
			{"lambda:GetLayerVersion", "give a function the layers that its worker names"},
		}},
		{sid: "PushMappings", on: anywhere, onFunctions: true, actions: []PushAction{
			{"lambda:CreateEventSourceMapping", "have a function read its queue"},
			{"lambda:DeleteEventSourceMapping", "stop that when a worker is gone"},
			{"lambda:GetEventSourceMapping", "wait until a mapping is on or off"},
			{"lambda:UpdateEventSourceMapping", "change batches, and switch a queue from another function to ours"},
		}},
		{sid: "PushRoles", on: func(s PushScope) []string {
			prefix := "arn:" + aws.Partition(s.Region) + ":iam::" + s.account() + ":"
			return []string{prefix + "role/" + s.generated(), prefix + "policy/" + s.generated()}
		}, actions: []PushAction{
			{"iam:AttachRolePolicy", "give a role what its group's functions share"},
			{"iam:CreatePolicy", "make that policy"},
			{"iam:CreatePolicyVersion", "change it"},
			{"iam:CreateRole", "make each function's role"},
			{"iam:DeletePolicy", "remove a policy with its stack"},
			{"iam:DeletePolicyVersion", "remove the versions before"},
			{"iam:DeleteRole", "remove a role with its function"},
			{"iam:DeleteRolePolicy", "remove what a role allowed"},
			{"iam:DetachRolePolicy", "take a policy off a role"},
			{"iam:GetPolicy", "read a policy"},
			{"iam:GetPolicyVersion", "read a policy"},
			{"iam:GetRole", "read a role"},
			{"iam:GetRolePolicy", "read what a role allows"},
			{"iam:ListAttachedRolePolicies", "read what a role allows"},
			{"iam:ListEntitiesForPolicy", "see who has a policy before it goes"},
			{"iam:ListPolicyVersions", "find the versions of a policy"},
			{"iam:ListRolePolicies", "read what a role allows"},
			{"iam:PutRolePolicy", "say what a worker's function may do"},
			{"iam:TagRole", "tag roles"},
			{"iam:UntagRole", "take a tag off a role"},
			{"iam:UpdateAssumeRolePolicy", "change who a role is for"},
			{"iam:UpdateRole", "change a role"},
			{"iam:UpdateRoleDescription", "change a role's description"},
		}},
		{sid: "PushPassRole", on: func(s PushScope) []string {
			return []string{"arn:" + aws.Partition(s.Region) + ":iam::" + s.account() + ":role/" + s.generated()}
		}, when: map[string]map[string][]string{"StringEquals": {"iam:PassedToService": {"lambda.amazonaws.com"}}}, actions: []PushAction{
			{"iam:PassRole", "give a function its role"},
		}},
		{sid: "PushSchedules", on: func(s PushScope) []string { return []string{s.arn("events", "rule/"+s.generated())} }, actions: []PushAction{
			{"events:DeleteRule", "remove a schedule"},
			{"events:DescribeRule", "read a schedule"},
			{"events:ListTagsForResource", "read a schedule's tags"},
			{"events:ListTargetsByRule", "read what a schedule does"},
			{"events:PutRule", "make a schedule"},
			{"events:PutTargets", "say what a schedule does"},
			{"events:RemoveTargets", "take that back"},
			{"events:TagResource", "tag a schedule"},
			{"events:UntagResource", "take a tag off a schedule"},
		}},
		{sid: "PushAPI", on: func(s PushScope) []string {
			prefix := "arn:" + aws.Partition(s.Region) + ":apigateway:" + s.Region + "::"
			return []string{prefix + "/restapis", prefix + "/restapis/*", prefix + "/tags/*"}
		}, actions: []PushAction{
			{"apigateway:DELETE", "remove parts of the workers API"},
			{"apigateway:GET", "read the workers API"},
			{"apigateway:PATCH", "change it"},
			{"apigateway:POST", "make it"},
			{"apigateway:PUT", "make its methods and tags"},
		}},
		{sid: "PushLogs", on: func(s PushScope) []string {
			return each(s.functionNames(), func(n string) string { return s.arn("logs", "log-group:"+project.LogGroup(n)+"*") })
		}, actions: []PushAction{
			{"logs:CreateLogGroup", "make each function's log group"},
			{"logs:DeleteLogGroup", "remove it with its function"},
			{"logs:DeleteRetentionPolicy", "keep lines for ever"},
			{"logs:DescribeIndexPolicies", "read a log group, as CloudFormation does"},
			{"logs:GetDataProtectionPolicy", "read a log group, as CloudFormation does"},
			{"logs:ListTagsForResource", "read a log group's tags"},
			{"logs:PutRetentionPolicy", "say how long lines are kept"},
			{"logs:TagResource", "tag log groups"},
			{"logs:UntagResource", "take a tag off a log group"},
		}},
		{sid: "PushAlarms", on: func(s PushScope) []string {
			return []string{s.arn("cloudwatch", "alarm:"+s.Service+"-*")}
		}, actions: []PushAction{
			{"cloudwatch:DeleteAlarms", "remove alarms"},
			{"cloudwatch:DescribeAlarms", "read alarms"},
			{"cloudwatch:ListTagsForResource", "read an alarm's tags"},
			{"cloudwatch:PutMetricAlarm", "make alarms, when they are asked for"},
			{"cloudwatch:TagResource", "tag alarms"},
			{"cloudwatch:UntagResource", "take a tag off an alarm"},
		}},
	}
}

// PushPolicy is the least policy for deploying a stage, rolling it back and removing it, and
// what each of its actions is for, in its order. Where AWS knows names, it is limited to those
// of the stage. Where long names make it more than IAM takes, patterns stand for the actions
// that only read.
func PushPolicy(s PushScope) (*Policy, []PushAction) {
	policy := &Policy{Version: "2012-10-17"}
	var explained []PushAction
	for _, g := range pushGroups() {
		st := Statement{Sid: g.sid, Effect: "Allow", Resource: g.on(s), Condition: g.when}
		if g.onFunctions {
			st.Condition = map[string]map[string][]string{"ArnLike": {"lambda:FunctionArn": each(s.functionNames(), func(n string) string { return s.arn("lambda", "function:"+n) })}}
		}
		for _, a := range g.actions {
			st.Action = append(st.Action, a.Action)
		}
		explained = append(explained, g.actions...)
		policy.Statement = append(policy.Statement, st)
	}
	if policy.size() > maxPolicy {
		for i := range policy.Statement {
			if st := &policy.Statement[i]; !slices.Contains(st.Resource, "*") {
				st.Action = condensed(st.Action)
			}
		}
	}
	return policy, explained
}

// condensed has sqs:Get* for sqs:GetQueueUrl, and so on.
func condensed(actions []string) []string {
	var out []string
	for _, a := range actions {
		service, name, _ := strings.Cut(a, ":")
		for _, verb := range []string{"Get", "List", "Describe"} {
			if strings.HasPrefix(name, verb) {
				a = service + ":" + verb + "*"
			}
		}
		out = append(out, a)
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// pushCalls are the actions of calls whose names are not theirs.
// https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazons3.html
var pushCalls = map[string]string{
	"s3:HeadBucket": "s3:ListBucket", "s3:HeadObject": "s3:GetObject", "s3:ListObjectsV2": "s3:ListBucket",
	"s3:DeleteObjects": "s3:DeleteObject", "s3:PutPublicAccessBlock": "s3:PutBucketPublicAccessBlock",
}

// unknownPushCalls lists the calls of a deployment for which the table has no action, sorted.
func unknownPushCalls(ops []aws.Operation) []string {
	_, all := PushPolicy(PushScope{})
	var out []string
	for _, op := range ops {
		action := op.Service + ":" + op.Name
		action = cmp.Or(pushCalls[action], action)
		if !slices.ContainsFunc(all, func(a PushAction) bool { return strings.EqualFold(a.Action, action) }) {
			out = append(out, op.String())
		}
	}
	return out
}
