package runtime

import (
	"slices"

	"github.com/microfox-ai/aiwctl/dispatch"
)

// What a worker says of what it needs: a deployment makes its function, its role and its
// variables by it.

// WithLayers adds Lambda layers to the function, by the ARNs of their versions
// (arn:aws:lambda:<region>:<account>:layer:<name>:<version>) and in their order, at
// most 5. ${aws:region} and ${aws:accountId} may stand for region and account, which a
// deployment fills in. Several options add up. Default: none.
func WithLayers(arns ...string) Option {
	return func(s *settings) { s.layers = append(s.layers, arns...) }
}

// WithEnvironment names variables that the worker needs, such as the address of a
// service; a deployment finds their values. The names stand in the manifest, the
// values never do. In Lambda the log gets a warning at start for each one that is
// missing: only the handler knows whether it can do without. Letters, digits and _,
// a letter first; the names that Lambda reserves for itself (AWS_, LAMBDA_) and those that
// a deployment sets by itself (ENVIRONMENT, STAGE, NODE_ENV, and what begins with AIWORKER_, WORKER_QUEUE_URL_ or
// WORKER_DLQ_URL_) are refused. Several options
// add up. Default: none.
func WithEnvironment(names ...string) Option {
	return func(s *settings) { s.environment = appendNew(s.environment, names) }
}

// WithSecrets names variables as WithEnvironment does, whose values are secret: a deployment
// hands the function a reference to each, AIWORKER_SECRET_<NAME>, and the value is read when
// the function starts (see LoadSecrets). It is in no template and in no function's
// configuration. A name is either here or in WithEnvironment. Several options add up.
// Default: none.
func WithSecrets(names ...string) Option {
	return func(s *settings) { s.secrets = appendNew(s.secrets, names) }
}

// WithCalls names the workers that the handler starts jobs of with Job.Dispatch and
// Job.DispatchAwait: a deployment gives the function the URLs of their queues, and its role
// leave to send to them and to no others. A dispatch to another worker is tried all the
// same, with a warning in the log the first time: in a stage that something else has
// deployed it may be allowed. The worker itself needs no mention. Several options add up.
// Default: none.
func WithCalls(ids ...string) Option {
	return func(s *settings) { s.calls = appendNew(s.calls, ids) }
}

// WithPermission allows the function's role actions of IAM (dynamodb:PutItem, s3:Get*) on
// resources: ARNs or *, in which ${aws:region}, ${aws:accountId}, ${service} and ${stage}
// stand for what they say. What every worker needs, such as its own queues, its log and its
// secrets, it has by itself. Several options add up. Default: none.
func WithPermission(actions []string, resources ...string) Option {
	p := dispatch.Permission{Actions: slices.Clone(actions), Resources: slices.Clone(resources)}
	return func(s *settings) { s.permissions = append(s.permissions, p) }
}

// WithReservedConcurrency reserves so many concurrent executions for the function, at least
// 1, and caps it at them. They are taken from what the account has in the region, of which
// Lambda keeps 100 for functions without any. With fewer than WithMaximumConcurrency Lambda
// would throttle deliveries, which count as receives, so that is refused. Zero, the default,
// reserves none.
func WithReservedConcurrency(n int) Option {
	return func(s *settings) { s.reserved = n }
}

// appendNew leaves out what is there already.
func appendNew(list, more []string) []string {
	for _, name := range more {
		if !slices.Contains(list, name) {
			list = append(list, name)
		}
	}
	return list
}
