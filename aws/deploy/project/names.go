package project

import (
	"strings"

	"github.com/microfox-ai/aiwctl/dispatch"
	"github.com/microfox-ai/aiwctl/dispatch/limits"
)

// The names of what a deployment makes in AWS. Queues, functions and stacks are called as
// the TypeScript system calls them, so that a console and a dispatcher of either find
// those of the other.

// GroupService is the service of a deployment group, see dispatch.GroupService.
func GroupService(service, group string) string { return dispatch.GroupService(service, group) }

// StackName is the CloudFormation stack of a service.
func StackName(service, stage string) string { return service + "-" + stage }

// QueueName and DLQName are a worker's queues.
func QueueName(service, stage string, w dispatch.ManifestWorker) string {
	return service + "-" + w.ID + "-" + stage + fifoSuffix(w)
}

// DLQName is the worker's dead-letter queue.
func DLQName(service, stage string, w dispatch.ManifestWorker) string {
	return service + "-" + w.ID + "-dlq-" + stage + fifoSuffix(w)
}

// fifoSuffix is what SQS insists on in the name of a FIFO queue.
func fifoSuffix(w dispatch.ManifestWorker) string {
	if w.SQS.FIFO {
		return ".fifo"
	}
	return ""
}

// FunctionName is a worker's function; an adopted worker's ends in -go, since the one that
// it takes over from has the name.
func FunctionName(service, stage, workerID string, adopted bool) string {
	name := dispatch.FunctionName(service, stage, workerID)
	if adopted {
		name += "-go"
	}
	return name
}

// APIFunctionName is the function of the workers API.
func APIFunctionName(service, stage string) string { return service + "-" + stage + "-api" }

// LogGroup is a function's log group.
func LogGroup(function string) string { return "/aws/lambda/" + function }

// LogicalID is what a worker's parts are called within a template: Worker and the id in
// camel case, followed by the part, such as Queue.
func LogicalID(workerID, part string) string {
	return "Worker" + strings.TrimPrefix(dispatch.FunctionKey(workerID), "worker") + part
}

// ParameterName is the parameter of SSM in which a stage's secret is kept.
func ParameterName(service, stage, name string) string {
	return "/" + service + "/" + stage + "/" + name
}

// BucketName is the bucket of artifacts that a deployment makes unless another is named: one
// for each account and region.
func BucketName(account, region string) string { return "aiwctl-artifacts-" + account + "-" + region }

// The limits of AWS on names.
const (
	MaxFunctionName = limits.FunctionName
	MaxQueueName    = limits.QueueName
	MaxStackName    = limits.StackName
)

// The tags of a stage's stacks, queues and functions. STAGE is the Serverless Framework's,
// which the TypeScript system deploys with.
const (
	TagStage   = "STAGE"
	TagProject = "aiwctl:project" // the project's service, which groups share
	TagService = "aiwctl:service"
	TagWorker  = "aiwctl:worker"
)

// The outputs of a stage's stacks, by which a console finds what cannot be told from names.
const (
	// OutputAPIURL is the base URL of the workers API; in the base stack.
	OutputAPIURL = "WorkersApiUrl"
	// OutputAPIKey is a Ref to the key of the workers API, as text; absent when it is open.
	OutputAPIKey = "WorkersApiKeyRef" //nolint:gosec // where a key is, not a key
	// OutputQueueURL and OutputDLQURL follow a LogicalID: WorkerEchoQueueUrl.
	OutputQueueURL = "QueueUrl"
	OutputDLQURL   = "DlqUrl"
)
