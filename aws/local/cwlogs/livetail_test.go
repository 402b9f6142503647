package cwlogs_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	awssdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs/types"
	"github.com/aws/smithy-go/middleware"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"github.com/microfox-ai/aiwctl/aws/local/cwlogs"
)

// liveTail opens a session without the host's prefix, which a loopback address cannot have.
func liveTail(t *testing.T, client *cloudwatchlogs.Client, in *cloudwatchlogs.StartLiveTailInput) (*cloudwatchlogs.StartLiveTailEventStream, error) {
	t.Helper()
	out, err := client.StartLiveTail(t.Context(), in, func(o *cloudwatchlogs.Options) {
		o.APIOptions = append(o.APIOptions, func(s *middleware.Stack) error {
			return s.Initialize.Add(middleware.InitializeMiddlewareFunc("plain",
				func(ctx context.Context, in middleware.InitializeInput, next middleware.InitializeHandler) (middleware.InitializeOutput, middleware.Metadata, error) {
					return next.HandleInitialize(smithyhttp.DisableEndpointHostPrefix(ctx, true), in)
				}), middleware.Before)
		})
	})
	if err != nil {
		return nil, err
	}
	t.Cleanup(func() { _ = out.GetStream().Close() })
	return out.GetStream(), nil
}

func arn(group string) string { return "arn:aws:logs:us-east-1:000000000000:log-group:" + group }

func TestLiveTail(t *testing.T) {
	t.Parallel()
	s, client, _ := serve(t, cwlogs.Config{LiveEvery: 5 * time.Millisecond})
	fill(s, "a", "s", "before the session")
	fill(s, "b", "s")
	fill(s, "c", "s")
	stream, err := liveTail(t, client, &cloudwatchlogs.StartLiveTailInput{
		LogGroupIdentifiers: []string{arn("a"), arn("b")}, LogEventFilterPattern: awssdk.String(`-"not this"`),
	})
	if err != nil {
		t.Fatal(err)
	}
	start, ok := (<-stream.Events()).(*types.StartLiveTailResponseStreamMemberSessionStart)
	if !ok || !slices.Equal(start.Value.LogGroupIdentifiers, []string{arn("a"), arn("b")}) || awssdk.ToString(start.Value.SessionId) == "" {
		t.Fatalf("the session begins with %+v", start)
	}
	fill(s, "a", "s", "one", "not this")
	fill(s, "b", "s2", "two")
	fill(s, "c", "s", "of another group")
	var got []string
	// Each of the two waits for events that have been put, so it ends however late updates are.
	for len(got) < 2 {
		results, sampled := nextUpdate(t, stream)
		if sampled {
			t.Errorf("an update of %d events is sampled", len(results))
		}
		got = append(got, results...)
	}
	if want := []string{"000000000000:a s one", "000000000000:b s2 two"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}

	many := make([]string, 1200) // more than an update holds
	for i := range many {
		many[i] = fmt.Sprint("many ", i)
	}
	fill(s, "a", "s", many...)
	// They may come in several updates, and all of them when each holds 500 at most.
	for n, sampled := 0, false; n < len(many) && !sampled; {
		var results []string
		results, sampled = nextUpdate(t, stream)
		if sampled && len(results) != 500 {
			t.Errorf("a sampled update has %d events", len(results))
		}
		if n += len(results); n > len(many) {
			t.Errorf("got %d events of %d", n, len(many))
		}
	}
}

// nextUpdate waits for the events of an update, as "group stream message".
func nextUpdate(t *testing.T, stream *cloudwatchlogs.StartLiveTailEventStream) (results []string, sampled bool) {
	t.Helper()
	event := <-stream.Events()
	update, ok := event.(*types.StartLiveTailResponseStreamMemberSessionUpdate)
	if !ok {
		t.Fatalf("got %+v for an update, and %v", event, stream.Err())
	}
	for _, r := range update.Value.SessionResults {
		results = append(results, awssdk.ToString(r.LogGroupIdentifier)+" "+awssdk.ToString(r.LogStreamName)+" "+awssdk.ToString(r.Message))
	}
	return results, update.Value.SessionMetadata.Sampled
}

func TestLiveTailEnds(t *testing.T) {
	t.Parallel()
	s, client, _ := serve(t, cwlogs.Config{LiveEvery: 5 * time.Millisecond, LiveLasts: 20 * time.Millisecond})
	fill(s, "a", "s")
	stream, err := liveTail(t, client, &cloudwatchlogs.StartLiveTailInput{LogGroupIdentifiers: []string{arn("a")}})
	if err != nil {
		t.Fatal(err)
	}
	for range stream.Events() {
	}
	if _, ok := errors.AsType[*types.SessionTimeoutException](stream.Err()); !ok {
		t.Errorf("the session ended with %v", stream.Err())
	}
}

func TestLiveTailRefuses(t *testing.T) {
	t.Parallel()
	s, client, _ := serve(t, cwlogs.Config{})
	fill(s, "a", "s")
	var eleven []string
	for range 11 {
		eleven = append(eleven, arn("a"))
	}
	for _, tt := range []struct {
		code, says string
		in         cloudwatchlogs.StartLiveTailInput
	}{
		{"ResourceNotFoundException", "group does not exist", cloudwatchlogs.StartLiveTailInput{LogGroupIdentifiers: []string{arn("none")}}},
		{"InvalidParameterException", "asterisk", cloudwatchlogs.StartLiveTailInput{LogGroupIdentifiers: []string{arn("a") + ":*"}}},
		{"InvalidParameterException", "equal to 10", cloudwatchlogs.StartLiveTailInput{LogGroupIdentifiers: eleven}},
		{"InvalidParameterException", "", cloudwatchlogs.StartLiveTailInput{LogGroupIdentifiers: []string{arn("a")}, LogEventFilterPattern: awssdk.String(`"open`)}},
		{"InvalidParameterException", "single", cloudwatchlogs.StartLiveTailInput{LogGroupIdentifiers: []string{arn("a"), arn("a")}, LogStreamNames: []string{"s"}}},
	} {
		_, err := liveTail(t, client, &tt.in)
		if err == nil {
			t.Errorf("%s was not answered", tt.code)
			continue
		}
		wantCode(t, err, tt.code, tt.says)
	}
}
