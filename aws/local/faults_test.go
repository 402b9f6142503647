package local_test

import (
	"errors"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/smithy-go"

	"github.com/microfox-ai/aiwctl/aws/local"
	"github.com/microfox-ai/aiwctl/aws/local/faults"
	"github.com/microfox-ai/aiwctl/dispatch"
)

// The faults of the API meet clients of SQS and those of no other service.
func TestFaultsOfTheAPI(t *testing.T) {
	t.Parallel()
	s := start(t, local.Config{Faults: faults.Faults{API: faults.API{Throttle: 1}}})
	c := connect(t, s, dispatch.StableHTTPClient)
	_, err := c.sqs.ListQueues(t.Context(), &sqs.ListQueuesInput{}, func(o *sqs.Options) { o.RetryMaxAttempts = 1 })
	if api, ok := errors.AsType[smithy.APIError](err); !ok || api.ErrorCode() != "RequestThrottled" {
		t.Errorf("SQS: got %v", err)
	}
	if _, err := c.sts.GetCallerIdentity(t.Context(), &sts.GetCallerIdentityInput{}); err != nil {
		t.Errorf("STS: %v", err)
	}
	if _, err := c.lambda.ListFunctions(t.Context(), &lambda.ListFunctionsInput{}); err != nil {
		t.Errorf("Lambda: %v", err)
	}
}

func TestFaultsAreChecked(t *testing.T) {
	t.Parallel()
	_, err := local.Start(t.Context(), local.Config{Listen: "127.0.0.1:0", Faults: faults.Faults{API: faults.API{Cut: 2}}})
	if err == nil {
		t.Error("a share of 2 was taken")
	}
}
