package deploy

import (
	"context"

	"github.com/microfox-ai/aiwctl/aws"
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
	// write lends write access, through the guard.
	write(context.Context, aws.Action, func(context.Context, aws.DeployWriter) error) error
}

// stageAccess is a stage's.
type stageAccess struct{ *aws.Stage }

func (s stageAccess) write(ctx context.Context, a aws.Action, fn func(context.Context, aws.DeployWriter) error) error {
	return s.Guard().Deploy(ctx, a, fn)
}
