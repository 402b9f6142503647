package deploy

import (
	"context"
	"net/http"

	"github.com/microfox-ai/aiwctl/aws"
	"github.com/microfox-ai/aiwctl/aws/logs"
)

// access is what a deployer needs of a stage.
type access interface {
	Target() aws.Target
	Identity(context.Context) (aws.Identity, error)
	CloudFormation() aws.CloudFormationReader
	S3() aws.S3Reader
	Parameters() aws.ParameterReader
	Secrets() aws.SecretReader
	SQS() aws.SQSReader
	API() *http.Client
	Inventory(context.Context) (*aws.Inventory, error)
	Dispatch(context.Context, aws.DispatchRequest) (aws.DispatchResult, error)
	// waitJob follows a job to its end.
	waitJob(ctx context.Context, q logs.Query, maxReceives int) (logs.Outcome, error)
	// write lends write access, through the guard.
	write(context.Context, aws.Action, func(context.Context, aws.DeployWriter) error) error
}

// stageAccess is a stage's.
type stageAccess struct {
	*aws.Stage
	guard *aws.Guard
}

func (s stageAccess) write(ctx context.Context, a aws.Action, fn func(context.Context, aws.DeployWriter) error) error {
	return s.guard.Deploy(ctx, a, fn)
}

func (s stageAccess) waitJob(ctx context.Context, q logs.Query, maxReceives int) (logs.Outcome, error) {
	return logs.For(s.Stage).WaitJob(ctx, q, maxReceives, nil)
}
