package functions

import (
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	awssdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
	"github.com/aws/smithy-go"
)

func (s *stage) client() *lambda.Client {
	transport := &http.Transport{}
	s.t.Cleanup(transport.CloseIdleConnections)
	return lambda.New(lambda.Options{
		Region: "us-east-1", BaseEndpoint: awssdk.String(s.url), HTTPClient: &http.Client{Transport: transport},
		Credentials:      credentials.NewStaticCredentialsProvider("local", "local", ""),
		RetryMaxAttempts: 1,
	})
}

func TestListAndGetFunctions(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
	s := newStage(t, func(c *Config) { c.Now = func() time.Time { return now } })
	for i := range 5 {
		s.function(fmt.Sprintf("f%d", i), func(f *Function) {
			f.MemoryMB, f.Timeout, f.Description = 512, 1500*time.Millisecond, "does things"
			f.Env = append(f.Env, "STAGE=demo", "WORKERS_API_KEY=hidden-1", "DB=postgres://u:hidden-2@db/x", "STRIPE_SECRET=hidden-3")
			f.ReservedConcurrency = 7
		})
	}
	client := s.client()
	var names []string
	pages := 0
	p := lambda.NewListFunctionsPaginator(client, &lambda.ListFunctionsInput{MaxItems: awssdk.Int32(2)})
	for p.HasMorePages() {
		out, err := p.NextPage(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		pages++
		for _, f := range out.Functions {
			names = append(names, *f.FunctionName)
			if f.State != "" || f.LastUpdateStatus != "" {
				t.Errorf("%s is listed with its state, which Lambda tells of one function at a time", *f.FunctionName)
			}
		}
	}
	if pages != 3 || !slices.Equal(names, []string{"f0", "f1", "f2", "f3", "f4"}) {
		t.Errorf("%d pages: %v", pages, names)
	}

	got, err := client.GetFunction(t.Context(), &lambda.GetFunctionInput{FunctionName: awssdk.String("arn:aws:lambda:us-east-1:000000000000:function:f3")})
	if err != nil {
		t.Fatal(err)
	}
	c := got.Configuration
	if *c.FunctionArn != "arn:aws:lambda:us-east-1:000000000000:function:f3" || *c.MemorySize != 512 || *c.Timeout != 2 ||
		c.State != types.StateActive || c.LastUpdateStatus != types.LastUpdateStatusSuccessful || *c.LastModified != "2026-11-23T12:00:00.000+0000" ||
		*c.LoggingConfig.LogGroup != "/aws/lambda/f3" || c.LoggingConfig.LogFormat != types.LogFormatText ||
		c.Runtime != "provided.al2023" || *c.Version != "$LATEST" || *c.Handler != "worker.test" || c.CodeSize == 0 || *c.Description != "does things" {
		t.Errorf("configuration %+v", c)
	}
	if *got.Concurrency.ReservedConcurrentExecutions != 7 || !strings.HasPrefix(*got.Code.Location, "file:///") {
		t.Errorf("concurrency %+v, code %+v", got.Concurrency, got.Code)
	}
	if v := c.Environment.Variables; v["STAGE"] != "demo" || strings.Contains(fmt.Sprint(v), "hidden") || len(v) != 2 {
		t.Errorf("environment %v", v)
	}

	short, err := client.GetFunctionConfiguration(t.Context(), &lambda.GetFunctionConfigurationInput{FunctionName: awssdk.String("f3"), Qualifier: awssdk.String("$LATEST")})
	if err != nil || *short.RevisionId != *c.RevisionId {
		t.Errorf("got %v, %v", short, err)
	}
	limit, err := client.GetFunctionConcurrency(t.Context(), &lambda.GetFunctionConcurrencyInput{FunctionName: awssdk.String("f3")})
	if err != nil || awssdk.ToInt32(limit.ReservedConcurrentExecutions) != 7 {
		t.Errorf("reserved concurrency %+v, %v, want 7", limit, err)
	}
	_, err = client.GetFunction(t.Context(), &lambda.GetFunctionInput{FunctionName: awssdk.String("nope")})
	if e, ok := errors.AsType[*types.ResourceNotFoundException](err); !ok || e.ErrorMessage() != "Function not found: arn:aws:lambda:us-east-1:000000000000:function:nope" {
		t.Errorf("got %v", err)
	}
	_, err = client.ListAliases(t.Context(), &lambda.ListAliasesInput{FunctionName: awssdk.String("f3")})
	if e, ok := errors.AsType[smithy.APIError](err); !ok || e.ErrorCode() != "UnknownOperationException" || !strings.Contains(e.ErrorMessage(), "/aliases") {
		t.Errorf("got %v", err)
	}
}

func TestInvokeOverTheAPI(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	s.function("f")
	client := s.client()
	call := func(in lambda.InvokeInput) (*lambda.InvokeOutput, error) {
		in.FunctionName = awssdk.String("f")
		return client.Invoke(t.Context(), &in)
	}
	out, err := call(lambda.InvokeInput{Payload: []byte(`{"do":"echo","text":"hi"}`), LogType: types.LogTypeTail})
	if err != nil {
		t.Fatal(err)
	}
	if out.StatusCode != 200 || string(out.Payload) != `{"text":"hi"}` || out.FunctionError != nil || *out.ExecutedVersion != "$LATEST" {
		t.Errorf("got %+v %s", out, out.Payload)
	}
	tail, err := base64.StdEncoding.DecodeString(awssdk.ToString(out.LogResult))
	if err != nil || !strings.HasPrefix(string(tail), "START RequestId: ") || !strings.Contains(string(tail), "\nREPORT RequestId: ") {
		t.Errorf("log tail %q, %v", tail, err)
	}

	out, err = call(lambda.InvokeInput{Payload: []byte(`{"do":"error","text":"no"}`)})
	if err != nil || awssdk.ToString(out.FunctionError) != "Unhandled" || !strings.Contains(string(out.Payload), `"errorMessage":"no"`) || out.LogResult != nil {
		t.Errorf("got %+v, %v", out, err)
	}

	out, err = call(lambda.InvokeInput{InvocationType: types.InvocationTypeDryRun, Payload: []byte(`{"do":"print","text":"dry run","size":1}`)})
	if err != nil || out.StatusCode != 204 {
		t.Errorf("got %+v, %v", out, err)
	}
	out, err = call(lambda.InvokeInput{InvocationType: types.InvocationTypeEvent, Payload: []byte(`{"do":"print","text":"the event","size":1}`)})
	if err != nil || out.StatusCode != 202 || len(out.Payload) != 0 {
		t.Errorf("got %+v, %v", out, err)
	}
	eventually(t, "the asynchronous invocation", func() bool { return s.logs.contains("line 0 of the event") })
	if s.logs.contains("dry run") {
		t.Error("a dry run ran")
	}

	_, err = call(lambda.InvokeInput{Payload: []byte(`{`)})
	if _, ok := errors.AsType[*types.InvalidRequestContentException](err); !ok {
		t.Errorf("got %v", err)
	}
	_, err = call(lambda.InvokeInput{Payload: make([]byte, MaxPayload+1)})
	if _, ok := errors.AsType[*types.RequestTooLargeException](err); !ok {
		t.Errorf("got %v", err)
	}
}

func TestEventSourceMappingsOverTheAPI(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	var uuids []string
	for i := range 3 {
		name := fmt.Sprintf("f%d", i)
		s.function(name)
		arn := fmt.Sprintf("%s%d", testQueue, i)
		s.queues.make(arn, 30*time.Second, 0)
		uuid, err := s.PutMapping(Mapping{FunctionName: name, QueueARN: arn, ReportBatchItemFailures: i == 1, MaximumConcurrency: 4, Enabled: true})
		if err != nil {
			t.Fatal(err)
		}
		uuids = append(uuids, uuid)
	}
	client := s.client()
	list := func(in lambda.ListEventSourceMappingsInput) (found []string) {
		t.Helper()
		p := lambda.NewListEventSourceMappingsPaginator(client, &in)
		for p.HasMorePages() {
			out, err := p.NextPage(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			for _, mp := range out.EventSourceMappings {
				found = append(found, *mp.UUID)
			}
		}
		return found
	}
	if got := list(lambda.ListEventSourceMappingsInput{MaxItems: awssdk.Int32(2)}); len(got) != 3 || !slices.IsSorted(got) {
		t.Errorf("all: %v", got)
	}
	if got := list(lambda.ListEventSourceMappingsInput{FunctionName: awssdk.String("f1")}); !slices.Equal(got, uuids[1:2]) {
		t.Errorf("by function: %v", got)
	}
	if got := list(lambda.ListEventSourceMappingsInput{EventSourceArn: awssdk.String(testQueue + "2")}); !slices.Equal(got, uuids[2:]) {
		t.Errorf("by queue: %v", got)
	}

	one, err := client.GetEventSourceMapping(t.Context(), &lambda.GetEventSourceMappingInput{UUID: &uuids[1]})
	if err != nil {
		t.Fatal(err)
	}
	if *one.State != "Enabled" || *one.BatchSize != 10 || *one.FunctionArn != "arn:aws:lambda:us-east-1:000000000000:function:f1" || *one.EventSourceArn != testQueue+"1" ||
		!slices.Equal(one.FunctionResponseTypes, []types.FunctionResponseType{"ReportBatchItemFailures"}) || *one.ScalingConfig.MaximumConcurrency != 4 ||
		time.Since(*one.LastModified).Abs() > time.Minute || *one.LastProcessingResult != "No records processed" {
		t.Errorf("got %+v", one)
	}

	updated, err := client.UpdateEventSourceMapping(t.Context(), &lambda.UpdateEventSourceMappingInput{
		UUID: &uuids[1], Enabled: awssdk.Bool(false), BatchSize: awssdk.Int32(20), MaximumBatchingWindowInSeconds: awssdk.Int32(2),
		FunctionResponseTypes: []types.FunctionResponseType{}, ScalingConfig: &types.ScalingConfig{},
	})
	if err != nil || *updated.State != "Disabling" { // as Lambda answers: it is not done yet
		t.Fatalf("%+v, %v", updated, err)
	}
	one, err = client.GetEventSourceMapping(t.Context(), &lambda.GetEventSourceMappingInput{UUID: &uuids[1]})
	if err != nil {
		t.Fatal(err)
	}
	if *one.State != "Disabled" || *one.BatchSize != 20 || *one.MaximumBatchingWindowInSeconds != 2 || len(one.FunctionResponseTypes) != 0 || one.ScalingConfig != nil {
		t.Errorf("got %+v", one)
	}

	_, err = client.UpdateEventSourceMapping(t.Context(), &lambda.UpdateEventSourceMappingInput{UUID: &uuids[1], MaximumBatchingWindowInSeconds: awssdk.Int32(0)})
	if _, ok := errors.AsType[*types.InvalidParameterValueException](err); !ok {
		t.Errorf("got %v", err)
	}
	// What a queue has become cannot keep a mapping from being disabled.
	s.queues.remove(testQueue + "2")
	if _, err = client.UpdateEventSourceMapping(t.Context(), &lambda.UpdateEventSourceMappingInput{UUID: &uuids[2], Enabled: awssdk.Bool(false)}); err != nil {
		t.Error(err)
	}
	_, err = client.GetEventSourceMapping(t.Context(), &lambda.GetEventSourceMappingInput{UUID: awssdk.String("nope")})
	if _, ok := errors.AsType[*types.ResourceNotFoundException](err); !ok {
		t.Errorf("got %v", err)
	}
	_, err = client.ListEventSourceMappings(t.Context(), &lambda.ListEventSourceMappingsInput{FunctionName: awssdk.String("nope")})
	if _, ok := errors.AsType[*types.ResourceNotFoundException](err); !ok {
		t.Errorf("got %v", err)
	}
}
