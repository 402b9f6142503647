package doctor

import (
	"slices"

	"github.com/microfox-ai/aiwctl/aws"
)

// Purpose is what a permission is needed for.
type Purpose string

// The purposes.
const (
	Read Purpose = "read" // to see the stage, its logs and its dead letters
	Act  Purpose = "act"  // to send, replay, delete, pause
)

// object is what an action is done to: the unit in which a policy is written.
type object int

const (
	anything    object = iota // IAM knows no resource for the action: "*"
	queues                    // the workers' queues and their dead-letter queues
	deadLetters               // the dead-letter queues
	functions
	logGroups
	mappings
	keys       // the KMS keys of encrypted queues
	stacks     // the stage's stack with the workers API
	parameters // where the key of the workers API is kept, in SSM
	secrets    // or in Secrets Manager
)

// permission is an IAM action that this program needs.
type permission struct {
	action  string
	purpose Purpose
	on      object
	// calls are the operations of package aws that need it. An action none of whose
	// calls exists is not needed, and is not asked for.
	calls []string
	// optional is true when only a flag needs it: being denied is then a warning.
	optional bool
	// use is what it is for, after "to".
	use string
}

// needsNoPermission are calls that AWS lets everybody make.
var needsNoPermission = []string{"sts.GetCallerIdentity"}

// moveTask is what SQS wants beside a move task's own action, on the dead-letter
// queue: the caller's right to do by hand what SQS does for it.
// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-configure-dead-letter-queue-redrive.html
var moveTask = []string{"sqs.StartMessageMoveTask", "sqs.CancelMessageMoveTask", "sqs.ListMessageMoveTasks"}

// permissions is the table of what this program needs. Whether an action can be
// limited to a resource is the Service Authorization Reference's to say.
// https://docs.aws.amazon.com/service-authorization/latest/reference/reference_policies_actions-resources-contextkeys.html
func permissions() []permission {
	all := []permission{
		{action: "lambda:ListEventSourceMappings", purpose: Read, calls: []string{"lambda.ListEventSourceMappings"}, use: "find which function reads which queue"},
		{action: "lambda:ListFunctions", purpose: Read, calls: []string{"lambda.ListFunctions"}, use: "read the functions in few calls"},
		{action: "lambda:GetFunctionConfiguration", purpose: Read, on: functions, calls: []string{"lambda.GetFunctionConfiguration"}, use: "read a function's timeout and log group"},
		{action: "lambda:GetFunction", purpose: Read, on: functions, calls: []string{"lambda.GetFunction"}, use: "read a function's settings and tags"},
		{action: "lambda:GetFunctionConcurrency", purpose: Read, on: functions, calls: []string{"lambda.GetFunctionConcurrency"}, optional: true, use: "read a function's reserved concurrency"},
		{action: "lambda:GetEventSourceMapping", purpose: Read, on: mappings, calls: []string{"lambda.GetEventSourceMapping"}, use: "see whether a mapping is enabled"},
		{action: "lambda:ListTags", purpose: Read, on: functions, calls: []string{"lambda.ListTags"}, use: "choose functions by tag"},
		{action: "tag:GetResources", purpose: Read, calls: []string{"resourcegroupstaggingapi.GetResources"}, optional: true, use: "choose workers by tag"},
		{action: "cloudformation:DescribeStacks", purpose: Read, on: stacks, calls: []string{"cloudformation.DescribeStacks"}, optional: true, use: "find the workers API of a stage that push has deployed"},
		{action: "sqs:ListQueues", purpose: Read, calls: []string{"sqs.ListQueues"}, use: "find queues when nothing else names them"},
		{action: "sqs:ListQueueTags", purpose: Read, on: queues, calls: []string{"sqs.ListQueueTags"}, optional: true, use: "choose queues by tag"},
		{action: "sqs:GetQueueUrl", purpose: Read, on: queues, calls: []string{"sqs.GetQueueUrl"}, use: "find a queue by its name"},
		{action: "sqs:GetQueueAttributes", purpose: Read, on: queues, calls: append([]string{"sqs.GetQueueAttributes"}, moveTask...), use: "read depths and redrive policies"},
		{action: "sqs:ListDeadLetterSourceQueues", purpose: Read, on: queues, calls: []string{"sqs.ListDeadLetterSourceQueues"}, use: "find whose dead letters a queue holds"},
		{action: "sqs:ReceiveMessage", purpose: Read, on: deadLetters, calls: append([]string{"sqs.ReceiveMessage"}, moveTask...), use: "look into dead letters"},
		{action: "sqs:ChangeMessageVisibility", purpose: Read, on: deadLetters, calls: []string{"sqs.ChangeMessageVisibilityBatch", "sqs.ChangeMessageVisibility"}, use: "let go of dead letters that were looked at"},
		{action: "logs:DescribeLogGroups", purpose: Read, calls: []string{"cloudwatchlogs.DescribeLogGroups"}, use: "find log groups"},
		{action: "logs:DescribeLogStreams", purpose: Read, on: logGroups, calls: []string{"cloudwatchlogs.DescribeLogStreams"}, use: "find log streams"},
		{action: "logs:FilterLogEvents", purpose: Read, on: logGroups, calls: []string{"cloudwatchlogs.FilterLogEvents"}, use: "read logs"},
		{action: "logs:GetLogEvents", purpose: Read, on: logGroups, calls: []string{"cloudwatchlogs.GetLogEvents"}, use: "read logs"},
		{action: "logs:StartLiveTail", purpose: Read, on: logGroups, calls: []string{"cloudwatchlogs.StartLiveTail"}, optional: true, use: "follow logs with --live"},
		{action: "cloudwatch:GetMetricData", purpose: Read, calls: []string{"cloudwatch.GetMetricData"}, use: "read ages and charts"},

		{action: "sqs:SendMessage", purpose: Act, on: queues, calls: []string{"sqs.SendMessage", "sqs.SendMessageBatch", "sqs.StartMessageMoveTask"}, use: "dispatch, replay and import"},
		{action: "sqs:DeleteMessage", purpose: Act, on: deadLetters, calls: append([]string{"sqs.DeleteMessage", "sqs.DeleteMessageBatch"}, moveTask...), use: "delete what was replayed"},
		{action: "sqs:PurgeQueue", purpose: Act, on: queues, calls: []string{"sqs.PurgeQueue"}, use: "purge a queue"},
		{action: "sqs:StartMessageMoveTask", purpose: Act, on: deadLetters, calls: []string{"sqs.StartMessageMoveTask"}, use: "have SQS move dead letters (--native)"},
		{action: "sqs:CancelMessageMoveTask", purpose: Act, on: deadLetters, calls: []string{"sqs.CancelMessageMoveTask"}, use: "stop such a move"},
		// Only who starts moves asks after them, and SQS wants sqs:DeleteMessage too.
		{action: "sqs:ListMessageMoveTasks", purpose: Act, on: deadLetters, calls: []string{"sqs.ListMessageMoveTasks"}, use: "watch such a move"},
		{action: "lambda:UpdateEventSourceMapping", purpose: Act, on: mappings, calls: []string{"lambda.UpdateEventSourceMapping"}, use: "pause and resume a worker"},
	}
	made := make(map[string]bool)
	for _, op := range aws.Operations() {
		made[op.String()] = true
	}
	return slices.DeleteFunc(all, func(p permission) bool {
		return !slices.ContainsFunc(p.calls, func(c string) bool { return made[c] })
	})
}

// keyPermissions are needed where queues are encrypted with a key of one's own.
// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-key-management.html
func keyPermissions() []permission {
	return []permission{
		{action: "kms:Decrypt", purpose: Read, on: keys, use: "look into messages of encrypted queues"},
		{action: "kms:GenerateDataKey", purpose: Act, on: keys, use: "send to encrypted queues"},
	}
}

// secretPermissions are needed where a stack says where the key of the workers API is kept.
func secretPermissions() []permission {
	const use = "read the key of the workers API"
	return []permission{
		{action: "ssm:GetParameter", purpose: Read, on: parameters, calls: []string{"ssm.GetParameter"}, optional: true, use: use},
		{action: "secretsmanager:GetSecretValue", purpose: Read, on: secrets, calls: []string{"secretsmanager.GetSecretValue"}, optional: true, use: use},
	}
}

// Unknown lists the calls of package aws that the table does not know, sorted. It is
// empty, which a test sees to.
func unknownCalls(ops []aws.Operation) []string {
	known := slices.Clone(needsNoPermission)
	for _, p := range slices.Concat(permissions(), secretPermissions()) {
		known = append(known, p.calls...)
	}
	var out []string
	for _, op := range ops {
		if !slices.Contains(known, op.String()) {
			out = append(out, op.String())
		}
	}
	return out
}
