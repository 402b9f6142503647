package conformance

import (
	"archive/zip"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"path/filepath"
	"strings"
	"testing"
	"time"

	awssdk "github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	lambdatypes "github.com/aws/aws-sdk-go-v2/service/lambda/types"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"github.com/microfox-ai/aiwctl/aws"
	"github.com/microfox-ai/aiwctl/aws/local"
	"github.com/microfox-ai/aiwctl/aws/local/functions"
	"github.com/microfox-ai/aiwctl/dispatch"
)

const (
	// region is one that nothing else of a conformance run uses, so that the stage is
	// alone in it.
	region = "eu-central-1"

	ourName   = "aws/local"
	otherName = "moto"
)

// endpoint is AWS as somebody wrote it, with plain clients of the SDK.
type endpoint struct {
	name string
	url  string
	http *http.Client

	sqs    *sqs.Client
	logs   *cloudwatchlogs.Client
	lambda *lambda.Client

	seeder
}

// seeder makes what the endpoints make in different ways: functions and what feeds
// them. aws/local makes functions of worker programs only, so it is seeded through its
// Go API; every other endpoint through Lambda's.
type seeder interface {
	function(context.Context, functionSpec) error
	removeFunction(ctx context.Context, name string) error
	// mapping returns the UUID of an event source mapping.
	mapping(context.Context, mappingSpec) (string, error)
}

type functionSpec struct {
	name, runtime, handler string
	timeout, memory        int
	env, tags              map[string]string
}

type mappingSpec struct {
	function, queueARN string
	batch, concurrency int
	report, enabled    bool
}

// newEndpoint is what the environment names, else aws/local.
func newEndpoint(t *testing.T) *endpoint {
	t.Helper()
	transport := &http.Transport{MaxIdleConnsPerHost: 16}
	t.Cleanup(transport.CloseIdleConnections)
	e := &endpoint{name: otherName, url: other(), http: &http.Client{Transport: transport, Timeout: 30 * time.Second}}
	var server *local.Server
	if e.url == "" {
		var err error
		if server, err = local.Start(t.Context(), local.Config{Listen: "127.0.0.1:0", Region: region, Stage: stageName, Service: service}); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), time.Minute)
			defer cancel()
			if err := server.Close(ctx); err != nil {
				t.Error(err)
			}
		})
		e.name, e.url = ourName, server.Endpoint()
	}
	keys := credentials.NewStaticCredentialsProvider("local", "local", "")
	client := dispatch.StableHTTPClient(e.http)
	e.sqs = sqs.New(sqs.Options{BaseEndpoint: &e.url, Region: region, HTTPClient: client, Credentials: keys})
	e.logs = cloudwatchlogs.New(cloudwatchlogs.Options{BaseEndpoint: &e.url, Region: region, HTTPClient: client, Credentials: keys})
	e.lambda = lambda.New(lambda.Options{BaseEndpoint: &e.url, Region: region, HTTPClient: client, Credentials: keys})
	if server != nil {
		e.seeder = localSeeder{server.Functions()}
	} else {
		e.seeder = &lambdaSeeder{e: e, keys: keys}
	}
	return e
}

// open opens the stage that package aws reads and writes.
func (e *endpoint) open(ctx context.Context, t aws.Target, auditDir string) (*aws.Stage, error) {
	t.EndpointURL = e.url
	if t.Region == "" {
		t.Region = region
	}
	return aws.Open(ctx, t, aws.Options{
		HTTPClient: e.http, AuditPath: filepath.Join(auditDir, "audit.jsonl"), Getenv: func(string) string { return "" },
	})
}

type localSeeder struct{ *functions.Manager }

func (s localSeeder) function(ctx context.Context, f functionSpec) error {
	env := make([]string, 0, len(f.env))
	for name, value := range f.env {
		env = append(env, name+"="+value)
	}
	return s.Put(ctx, functions.Function{
		Name: f.name, Runtime: f.runtime, Handler: f.handler, Env: env, Tags: f.tags, MemoryMB: f.memory, Timeout: time.Duration(f.timeout) * time.Second,
		// No message is ever sent to a queue that an enabled mapping reads.
		Command: []string{"never-started"},
	})
}

func (s localSeeder) removeFunction(ctx context.Context, name string) error {
	return s.Remove(ctx, name)
}

func (s localSeeder) mapping(_ context.Context, m mappingSpec) (string, error) {
	return s.PutMapping(functions.Mapping{
		FunctionName: m.function, QueueARN: m.queueARN, BatchSize: m.batch, MaximumConcurrency: m.concurrency,
		ReportBatchItemFailures: m.report, Enabled: m.enabled,
	})
}

// lambdaSeeder makes functions by Lambda's API, which wants a role.
type lambdaSeeder struct {
	e    *endpoint
	keys awssdk.CredentialsProvider
	role string
}

func (s *lambdaSeeder) function(ctx context.Context, f functionSpec) error {
	if s.role == "" {
		var err error
		if s.role, err = s.makeRole(ctx, "conformance-suite"); err != nil {
			return err
		}
	}
	var code bytes.Buffer
	archive := zip.NewWriter(&code)
	w, err := archive.Create("bootstrap")
	if err == nil {
		_, err = io.WriteString(w, "#!/bin/sh\n")
	}
	if err == nil {
		err = archive.Close()
	}
	if err != nil {
		return err
	}
	_, err = s.e.lambda.CreateFunction(ctx, &lambda.CreateFunctionInput{
		FunctionName: &f.name, Runtime: lambdatypes.Runtime(f.runtime), Handler: &f.handler, Role: &s.role,
		Timeout: new(int32(f.timeout)), MemorySize: new(int32(f.memory)), Environment: &lambdatypes.Environment{Variables: f.env},
		Code: &lambdatypes.FunctionCode{ZipFile: code.Bytes()}, Tags: f.tags,
	})
	return err
}

// makeRole asks IAM, in its Query protocol: a module for one call would be too much.
func (s *lambdaSeeder) makeRole(ctx context.Context, name string) (string, error) {
	form := url.Values{
		"Action": {"CreateRole"}, "Version": {"2010-05-08"}, "RoleName": {name}, "Path": {"/"},
		"AssumeRolePolicyDocument": {`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"lambda.amazonaws.com"},"Action":"sts:AssumeRole"}]}`},
	}.Encode()
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, s.e.url+"/", strings.NewReader(form))
	if err != nil {
		return "", err
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	keys, err := s.keys.Retrieve(ctx)
	if err != nil {
		return "", err
	}
	sum := sha256.Sum256([]byte(form))
	if err := v4.NewSigner().SignHTTP(ctx, keys, r, hex.EncodeToString(sum[:]), "iam", region, time.Now()); err != nil {
		return "", err
	}
	resp, err := s.e.http.Do(r)
	if err != nil {
		return "", err
	}
	defer func() { _ = resp.Body.Close() }()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		return "", err
	}
	_, after, _ := strings.Cut(string(text), "<Arn>")
	arn, _, ok := strings.Cut(after, "</Arn>")
	if !ok {
		return "", fmt.Errorf("make a role: status %d: %s", resp.StatusCode, text)
	}
	return arn, nil
}

func (s *lambdaSeeder) removeFunction(ctx context.Context, name string) error {
	_, err := s.e.lambda.DeleteFunction(ctx, &lambda.DeleteFunctionInput{FunctionName: &name})
	return err
}

func (s *lambdaSeeder) mapping(ctx context.Context, m mappingSpec) (string, error) {
	in := &lambda.CreateEventSourceMappingInput{
		FunctionName: &m.function, EventSourceArn: &m.queueARN, BatchSize: new(int32(m.batch)), Enabled: &m.enabled,
	}
	if m.report {
		in.FunctionResponseTypes = []lambdatypes.FunctionResponseType{lambdatypes.FunctionResponseTypeReportBatchItemFailures}
	}
	if m.concurrency > 0 {
		in.ScalingConfig = &lambdatypes.ScalingConfig{MaximumConcurrency: new(int32(m.concurrency))}
	}
	out, err := s.e.lambda.CreateEventSourceMapping(ctx, in)
	if err != nil {
		return "", err
	}
	return awssdk.ToString(out.UUID), nil
}
