package aws

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	awssdk "github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/smithy-go/middleware"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"github.com/microfox-ai/aiwctl/dispatch"
)

// errNoLiveTail is what a stage made for a test without a live tail answers.
var errNoLiveTail = errors.New("no live tail is to be had here")

// LiveTail opens a Live Tail session of CloudWatch Logs over at most ten log groups, named by
// their ARNs. It is billed by the minute for as long as it is open, so close the stream.
// It lasts until then, until ctx ends, or for three hours.
// https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_StartLiveTail.html
func (s *Stage) LiveTail(ctx context.Context, arns []string) (*cloudwatchlogs.StartLiveTailEventStream, error) {
	if s.api.live == nil {
		return nil, errNoLiveTail
	}
	out, err := s.api.live(ctx, &cloudwatchlogs.StartLiveTailInput{LogGroupIdentifiers: arns})
	if err != nil {
		return nil, fmt.Errorf("start a live tail: %w", err)
	}
	return out.GetStream(), nil
}

type startLiveTail func(context.Context, *cloudwatchlogs.StartLiveTailInput, ...func(*cloudwatchlogs.Options)) (*cloudwatchlogs.StartLiveTailOutput, error)

// newLiveTail makes the client of LiveTail. It has no time limit for a whole answer. With an
// endpoint of one's own there is no host with the prefix "stream-", so none is asked for.
func newLiveTail(cfg awssdk.Config, base *string, c *countingClient) startLiveTail {
	return cloudwatchlogs.NewFromConfig(cfg, func(o *cloudwatchlogs.Options) {
		o.HTTPClient = c.endless()
		if base == nil {
			return
		}
		o.BaseEndpoint = base
		o.APIOptions = append(o.APIOptions, func(stack *middleware.Stack) error {
			return stack.Initialize.Add(middleware.InitializeMiddlewareFunc("PlainHost",
				func(ctx context.Context, in middleware.InitializeInput, next middleware.InitializeHandler) (middleware.InitializeOutput, middleware.Metadata, error) {
					return next.HandleInitialize(smithyhttp.DisableEndpointHostPrefix(ctx, true), in)
				}), middleware.Before)
		})
	}).StartLiveTail
}

// endlessClient is a countingClient whose answers may take for ever.
type endlessClient struct {
	counter *countingClient
	next    dispatch.Doer
}

// Do implements the SDK's HTTPClient.
func (c endlessClient) Do(r *http.Request) (*http.Response, error) {
	c.counter.n.Add(1)
	return c.next.Do(r)
}

func (c *countingClient) endless() awssdk.HTTPClient {
	next := c.plain
	if b, ok := next.(*awshttp.BuildableClient); ok {
		next = b.WithTimeout(0).WithTransportOptions(func(tr *http.Transport) { tr.ResponseHeaderTimeout = callTimeout })
	}
	return endlessClient{counter: c, next: dispatch.StableHTTPClient(next)}
}
