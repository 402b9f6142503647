package jobs

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"path"
	"strings"
	"time"

	"github.com/microfox-ai/aiwctl/runtime"
)

// VideoInput is the input of VideoProcessing.
type VideoInput struct {
	URL string `json:"url" jsonschema:"where the video is, http or https"`
}

// VideoOutput is the output of VideoProcessing.
type VideoOutput struct {
	ProcessedURL string `json:"processedUrl"`
}

// Resolver says whether a host exists.
type Resolver interface {
	LookupHost(ctx context.Context, host string) (addrs []string, err error)
}

// VideoProcessing works on the video at a URL. Hosts are looked up in
// ExampleHosts, so the demo needs no network: example.com, example.org and
// example.net exist, all others do not.
var VideoProcessing = runtime.Must(NewVideoProcessing(ExampleHosts{}))

// NewVideoProcessing makes the worker with another resolver, such as
// net.DefaultResolver.
func NewVideoProcessing(hosts Resolver) (*runtime.Worker[VideoInput, VideoOutput], error) {
	return runtime.New("video-processing",
		func(ctx context.Context, job *runtime.Job[VideoInput]) (VideoOutput, error) {
			return processVideo(ctx, hosts, job)
		},
		runtime.WithDescription("Processes the video at a URL"),
		runtime.WithExample(VideoInput{URL: "https://media.example.com/clips/1.mp4"}),
		runtime.WithTimeout(10*time.Second),
		runtime.WithVisibilityTimeout(10*time.Second),
		runtime.WithMaxReceiveCount(2),
		runtime.WithBackoff(runtime.Constant(2*time.Second)),
		runtime.WithMiddleware(logTrigger),
	)
}

func processVideo(ctx context.Context, hosts Resolver, job *runtime.Job[VideoInput]) (VideoOutput, error) {
	u, err := url.Parse(job.Input.URL)
	if err != nil {
		// No second attempt makes a URL of it: do not ask for one.
		return VideoOutput{}, runtime.Permanent(fmt.Errorf("read the URL: %w", err))
	}
	if u.Scheme != "http" && u.Scheme != "https" {
		return VideoOutput{}, runtime.Permanent(fmt.Errorf("the URL %q is neither http nor https", job.Input.URL))
	}
	if _, err := hosts.LookupHost(ctx, u.Hostname()); err != nil {
		// A name server can be wrong for a while, so this is worth another attempt.
		return VideoOutput{}, fmt.Errorf("find the host of the video: %w", err)
	}
	job.Progress(ctx, 50, "host found, processing")

	ext := path.Ext(u.Path)
	u.Path = strings.TrimSuffix(u.Path, ext) + "-processed" + ext
	u.User, u.RawPath, u.RawQuery, u.Fragment = nil, "", "", ""
	return VideoOutput{ProcessedURL: u.String()}, nil
}

// errNoSuchHost is what ExampleHosts says of a host it does not know.
var errNoSuchHost = errors.New("no such host")

// ExampleHosts knows the domains that are reserved for examples (RFC 2606) and
// nothing else. It asks no name server.
type ExampleHosts struct{}

// LookupHost implements Resolver.
func (ExampleHosts) LookupHost(_ context.Context, host string) ([]string, error) {
	host = strings.ToLower(strings.TrimSuffix(host, "."))
	for _, domain := range []string{"example.com", "example.org", "example.net"} {
		if host == domain || strings.HasSuffix(host, "."+domain) {
			// An address reserved for documentation (RFC 5737).
			return []string{"192.0.2.1"}, nil
		}
	}
	return nil, fmt.Errorf("host %q does not exist: %w (the demo knows example.com, example.org and example.net)", host, errNoSuchHost)
}
