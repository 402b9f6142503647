// Package sqsclient makes the SQS client of a function when it is first needed, from
// the environment that Lambda gives it: see awsenv.
package sqsclient

import (
	"context"
	"fmt"
	"os"
	"strings"
	"sync"

	awssdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"github.com/microfox-ai/aiwctl/dispatch"
	"github.com/microfox-ai/aiwctl/runtime/internal/awsenv"
)

// API is what a worker program needs of the SDK's SQS client.
type API interface {
	SendMessage(ctx context.Context, in *sqs.SendMessageInput, optFns ...func(*sqs.Options)) (*sqs.SendMessageOutput, error)
	SendMessageBatch(ctx context.Context, in *sqs.SendMessageBatchInput, optFns ...func(*sqs.Options)) (*sqs.SendMessageBatchOutput, error)
	ChangeMessageVisibility(ctx context.Context, in *sqs.ChangeMessageVisibilityInput, optFns ...func(*sqs.Options)) (*sqs.ChangeMessageVisibilityOutput, error)
	GetQueueUrl(ctx context.Context, in *sqs.GetQueueUrlInput, optFns ...func(*sqs.Options)) (*sqs.GetQueueUrlOutput, error)
	GetQueueAttributes(ctx context.Context, in *sqs.GetQueueAttributesInput, optFns ...func(*sqs.Options)) (*sqs.GetQueueAttributesOutput, error)
}

// Lazy is a client that is made when Get is first called. It is safe for
// concurrent use.
type Lazy struct {
	// Region is used where the environment names none.
	Region string

	env    awsenv.Getenv
	mu     sync.Mutex
	client API
}

// NewLazy returns a Lazy; client nil means one made from the environment, and
// getenv nil os.Getenv.
func NewLazy(client API, region string, getenv func(string) string) *Lazy {
	if getenv == nil {
		getenv = os.Getenv
	}
	return &Lazy{Region: region, client: client, env: getenv}
}

// Get returns the client. After an error the next call tries again.
func (l *Lazy) Get(context.Context) (API, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.client != nil {
		return l.client, nil
	}
	client, err := l.open()
	if err != nil {
		return nil, fmt.Errorf("make an SQS client: %w", err)
	}
	l.client = client
	return client, nil
}

func (l *Lazy) open() (API, error) {
	provider, err := l.env.Credentials()
	if err != nil {
		return nil, err
	}
	client, err := l.env.HTTPClient()
	if err != nil {
		return nil, err
	}
	cfg := awssdk.Config{Region: l.env.Region(l.Region), Credentials: awssdk.NewCredentialsCache(provider), HTTPClient: dispatch.StableHTTPClient(client)}
	return sqs.NewFromConfig(cfg, func(o *sqs.Options) {
		if endpoint := l.env.Endpoint("SQS"); endpoint != "" {
			o.BaseEndpoint = &endpoint
		}
		if l.env.IsTrue("AWS_USE_FIPS_ENDPOINT") {
			o.EndpointOptions.UseFIPSEndpoint = awssdk.FIPSEndpointStateEnabled
		}
		if l.env.IsTrue("AWS_USE_DUALSTACK_ENDPOINT") {
			o.EndpointOptions.UseDualStackEndpoint = awssdk.DualStackEndpointStateEnabled
		}
	}), nil
}

// QueueName is the last part of a queue's URL or ARN.
func QueueName(urlOrARN string) string {
	return urlOrARN[strings.LastIndexAny(urlOrARN, "/:")+1:]
}
