// Package sqsclient makes the SQS client of a function when it is first needed: a
// function that never calls SQS never loads the SDK's configuration.
package sqsclient

import (
	"context"
	"strings"
	"sync"

	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"github.com/microfox-ai/aiwctl/dispatch"
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
	// Region is used where neither environment nor profile names one.
	Region string

	mu     sync.Mutex
	client API
}

// NewLazy returns a Lazy; client nil means one made from the environment.
func NewLazy(client API, region string) *Lazy { return &Lazy{Region: region, client: client} }

// Get returns the client. After an error the next call tries again.
func (l *Lazy) Get(ctx context.Context) (API, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.client != nil {
		return l.client, nil
	}
	cfg, err := config.LoadDefaultConfig(ctx, config.WithDefaultRegion(l.Region))
	if err != nil {
		return nil, err
	}
	// After loading: with AWS_CA_BUNDLE set, LoadDefaultConfig refuses a client
	// that it cannot give a transport to.
	cfg.HTTPClient = dispatch.StableHTTPClient(cfg.HTTPClient)
	l.client = sqs.NewFromConfig(cfg)
	return l.client, nil
}

// QueueName is the last part of a queue's URL or ARN.
func QueueName(urlOrARN string) string {
	return urlOrARN[strings.LastIndexAny(urlOrARN, "/:")+1:]
}
