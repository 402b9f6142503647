package aws

import (
	"net"
	"net/http"
	"sync/atomic"
	"time"

	awssdk "github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"

	"github.com/microfox-ai/aiwctl/dispatch"
)

// Every call ends. Twenty seconds is the longest SQS itself lets a receive
// wait, so callTimeout never cuts an honest answer.
const (
	connectTimeout = 5 * time.Second
	callTimeout    = 30 * time.Second
)

// idleConnsPerHost keeps the connections of one bounded refresh (queueWidth
// queues at a time, beside logs and functions) open between two refreshes.
const idleConnsPerHost = 2 * queueWidth

// newSDKClient is the SDK's own client with our timeouts. It stays a
// BuildableClient until the configuration is loaded, since AWS_CA_BUNDLE is
// refused by any other kind.
func newSDKClient() *awshttp.BuildableClient {
	return awshttp.NewBuildableClient().
		WithDialerOptions(func(d *net.Dialer) { d.Timeout = connectTimeout }).
		WithTransportOptions(func(tr *http.Transport) { tr.MaxIdleConnsPerHost = idleConnsPerHost }).
		WithTimeout(callTimeout)
}

// countingClient counts the requests that leave for AWS, retries included, and keeps
// those that read the stage to their pace: that is what AWS limits and bills.
type countingClient struct {
	next   dispatch.Doer
	plain  dispatch.Doer // what next is made of
	pacer  *pacer
	n, sqs atomic.Uint64
}

var _ awssdk.HTTPClient = (*countingClient)(nil)

// Do implements the SDK's HTTPClient.
func (c *countingClient) Do(r *http.Request) (*http.Response, error) {
	if err := c.pacer.take(r.Context()); err != nil {
		return nil, err
	}
	c.n.Add(1)
	if isSQS(r.Header.Get("X-Amz-Target")) {
		c.sqs.Add(1)
	}
	return c.next.Do(r)
}

// newAPIClient is for the workers API, which is no AWS endpoint and is not
// counted as one. A redirect is not followed: it would carry the key along.
func newAPIClient() *http.Client {
	tr := http.DefaultTransport.(*http.Transport).Clone()
	tr.DialContext = (&net.Dialer{Timeout: connectTimeout, KeepAlive: callTimeout}).DialContext
	return &http.Client{
		Timeout:       callTimeout,
		Transport:     tr,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}
