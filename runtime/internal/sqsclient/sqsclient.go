// Package sqsclient makes the SQS client of a function when it is first needed, from
// the environment that Lambda gives it.
//
// It does without the SDK's config package: that links the clients of SSO, STS and
// the sign-in service, two megabytes and a quarter of the time that a function needs
// to start, for credentials that no function has. Outside Lambda, where a profile
// may be meant, a program hands in a client of its own.
package sqsclient

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net/http"
	"os"
	"strconv"
	"strings"
	"sync"

	awssdk "github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/credentials/endpointcreds"
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
	// Region is used where the environment names none.
	Region string

	getenv func(string) string
	mu     sync.Mutex
	client API
}

// NewLazy returns a Lazy; client nil means one made from the environment, and
// getenv nil os.Getenv.
func NewLazy(client API, region string, getenv func(string) string) *Lazy {
	if getenv == nil {
		getenv = os.Getenv
	}
	return &Lazy{Region: region, client: client, getenv: getenv}
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
	provider, err := l.credentials()
	if err != nil {
		return nil, err
	}
	client, err := l.httpClient()
	if err != nil {
		return nil, err
	}
	region := l.Region
	for _, name := range []string{"AWS_DEFAULT_REGION", "AWS_REGION"} {
		if value := l.getenv(name); value != "" {
			region = value
		}
	}
	cfg := awssdk.Config{Region: region, Credentials: awssdk.NewCredentialsCache(provider), HTTPClient: dispatch.StableHTTPClient(client)}
	return sqs.NewFromConfig(cfg, func(o *sqs.Options) {
		if endpoint := l.endpoint(); endpoint != "" {
			o.BaseEndpoint = &endpoint
		}
		if l.isTrue("AWS_USE_FIPS_ENDPOINT") {
			o.EndpointOptions.UseFIPSEndpoint = awssdk.FIPSEndpointStateEnabled
		}
		if l.isTrue("AWS_USE_DUALSTACK_ENDPOINT") {
			o.EndpointOptions.UseDualStackEndpoint = awssdk.DualStackEndpointStateEnabled
		}
	}), nil
}

func (l *Lazy) isTrue(name string) bool {
	yes, err := strconv.ParseBool(l.getenv(name))
	return err == nil && yes
}

// endpoint is the one that the environment names, as every SDK reads it.
func (l *Lazy) endpoint() string {
	if l.isTrue("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS") {
		return ""
	}
	if own := l.getenv("AWS_ENDPOINT_URL_SQS"); own != "" {
		return own
	}
	return l.getenv("AWS_ENDPOINT_URL")
}

// credentials are the function's: in variables, or behind the address that Lambda
// and ECS name. Source: AWS SDKs and Tools reference, "Container credential provider".
func (l *Lazy) credentials() (awssdk.CredentialsProvider, error) {
	id, secret := l.getenv("AWS_ACCESS_KEY_ID"), l.getenv("AWS_SECRET_ACCESS_KEY")
	if id != "" && secret != "" {
		return credentials.NewStaticCredentialsProvider(id, secret, l.getenv("AWS_SESSION_TOKEN")), nil
	}
	address := l.getenv("AWS_CONTAINER_CREDENTIALS_FULL_URI")
	if path := l.getenv("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI"); path != "" {
		address = "http://169.254.170.2" + path
	}
	if address == "" {
		return nil, errors.New("there are no AWS credentials in the environment (AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY): " +
			"outside Lambda set them, as aws configure export-credentials --format env prints them, or give the App an SQS client of its own")
	}
	return endpointcreds.New(address, func(o *endpointcreds.Options) {
		o.AuthorizationToken = l.getenv("AWS_CONTAINER_AUTHORIZATION_TOKEN")
		if file := l.getenv("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE"); file != "" {
			o.AuthorizationTokenProvider = endpointcreds.TokenProviderFunc(func() (string, error) {
				text, err := os.ReadFile(file)
				return strings.TrimSpace(string(text)), err
			})
		}
	}), nil
}

// httpClient trusts the authorities of AWS_CA_BUNDLE, where that is set.
func (l *Lazy) httpClient() (awssdk.HTTPClient, error) {
	client := awshttp.NewBuildableClient()
	path := l.getenv("AWS_CA_BUNDLE")
	if path == "" {
		return client, nil
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("read AWS_CA_BUNDLE: %w", err)
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(text) {
		return nil, fmt.Errorf("AWS_CA_BUNDLE names %s, which holds no certificate in PEM form", path)
	}
	return client.WithTransportOptions(func(t *http.Transport) {
		if t.TLSClientConfig == nil {
			t.TLSClientConfig = &tls.Config{MinVersion: tls.VersionTLS12}
		}
		t.TLSClientConfig.RootCAs = pool
	}), nil
}

// QueueName is the last part of a queue's URL or ARN.
func QueueName(urlOrARN string) string {
	return urlOrARN[strings.LastIndexAny(urlOrARN, "/:")+1:]
}
