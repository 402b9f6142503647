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
	s, client, _ := serve(t, cwlogs.Config{LiveEvery: 5 * time.Millisecond, LiveLasts: 200 * time.Millisecond})
	fill(s, "a", "s", "before the session")
	fill(s, "b", "s")
	fill(s, "c", "s")
	stream, err := liveTail(t, client, &cloudwatchlogs.StartLiveTailInput{
		LogGroupIdentifiers: []string{arn("a"), arn("b")}, LogEventFilterPattern: awssdk.String(`-"not this"`),
	})
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	sampled, begun := false, false
	for event := range stream.Events() {
		switch e := event.(type) {
		case *types.StartLiveTailResponseStreamMemberSessionStart:
			begun = true
			if !slices.Equal(e.Value.LogGroupIdentifiers, []string{arn("a"), arn("b")}) || awssdk.ToString(e.Value.SessionId) == "" {
				t.Errorf("the session says %+v", e.Value)
			}
			fill(s, "a", "s", "one", "not this")
			fill(s, "b", "s2", "two")
			fill(s, "c", "s", "of another group")
		case *types.StartLiveTailResponseStreamMemberSessionUpdate:
			for _, r := range e.Value.SessionResults {
				got = append(got, awssdk.ToString(r.LogGroupIdentifier)+" "+awssdk.ToString(r.LogStreamName)+" "+awssdk.ToString(r.Message))
			}
			if e.Value.SessionMetadata.Sampled {
				sampled = true
				if n := len(e.Value.SessionResults); n != 500 {
					t.Errorf("a sampled update has %d events", n)
				}
			}
			if len(got) == 2 { // then more than fits
				many := make([]string, 1200)
				for i := range many {
					many[i] = fmt.Sprint("many ", i)
				}
				fill(s, "a", "s", many...)
			}
		}
	}
	if _, ok := errors.AsType[*types.SessionTimeoutException](stream.Err()); !ok {
		t.Errorf("the session ended with %v", stream.Err())
	}
	if want := []string{"000000000000:a s one", "000000000000:b s2 two"}; !begun || len(got) < 2 || !slices.Equal(got[:2], want) {
		t.Errorf("got %q, want %q first", got, want)
	}
	// They may have come in two updates.
	if n := len(got); n < 502 || n > 1202 || !sampled && n != 1202 {
		t.Errorf("got %d events, sampled: %t", n, sampled)
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
