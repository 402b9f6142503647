package tui

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/aws/smithy-go/encoding/cbor"

	"github.com/microfox-ai/aiwctl/aws"
	"github.com/microfox-ai/aiwctl/aws/local/cwlogs"
	"github.com/microfox-ai/aiwctl/aws/local/queues"
)

// cloud is AWS as far as the console reads it, without a network: the SDK's
// requests are answered by the local endpoint's own services, within a bubble of
// synctest. It can go wrong in every way that AWS and a network do.
type cloud struct {
	broker *queues.Broker
	sqs    http.Handler
	said   *cwlogs.Service
	logs   http.Handler

	mu    sync.Mutex
	key   string           // the access key it takes
	off   bool             // the event source mapping is disabled
	more  []string         // further queues that functions read
	wrong map[string]wrong // by call, as "sqs:GetQueueAttributes"; "*" is every call
	seen  map[string]int   // calls, by the same names
}

// wrong is what becomes of a call.
type wrong string

const (
	fails     wrong = "InternalFailure"
	throttles wrong = "ThrottlingException"
	denies    wrong = "AccessDeniedException"
	expired   wrong = "ExpiredTokenException"
	silent    wrong = "silent" // no answer, ever
	refused   wrong = "refused"
	slow      wrong = "slow" // answered two seconds later
)

const (
	cloudKey   = "FIRST"
	cloudQueue = "shop-orders-live"
	cloudGroup = "/aws/lambda/shop-live-workerOrders"
	chaosARN   = "arn:aws:lambda:eu-west-1:000000000000:function:shop-live-workerOrders"
)

func newCloud(t testing.TB) *cloud {
	t.Helper()
	c := &cloud{key: cloudKey, wrong: map[string]wrong{}, seen: map[string]int{}}
	c.broker = queues.New(queues.Config{BaseURL: func() string { return "https://sqs.eu-west-1.amazonaws.com" }, Region: "eu-west-1"})
	t.Cleanup(c.broker.Close)
	c.sqs = c.broker.Handler()
	_, dlq, err := c.broker.CreateQueue("shop-orders-dlq-live", map[string]string{"MessageRetentionPeriod": "1209600"})
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := c.broker.CreateQueue(cloudQueue, map[string]string{
		"RedrivePolicy": fmt.Sprintf(`{"deadLetterTargetArn":%q,"maxReceiveCount":3}`, dlq), "VisibilityTimeout": "180",
	}); err != nil {
		t.Fatal(err)
	}
	c.said = cwlogs.New(cwlogs.Config{Region: "eu-west-1"})
	c.logs = c.said.Handler()
	return c
}

// set has a call go wrong from now on; the empty wrong heals it.
func (c *cloud) set(call string, w wrong) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if w == "" {
		delete(c.wrong, call)
		return
	}
	c.wrong[call] = w
}

// calls are the names of the calls made so far, sorted.
func (c *cloud) calls() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	var names []string
	for name := range c.seen {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// RoundTrip implements http.RoundTripper.
func (c *cloud) RoundTrip(r *http.Request) (*http.Response, error) {
	var body []byte
	if r.Body != nil {
		body, _ = io.ReadAll(r.Body)
		_ = r.Body.Close()
	}
	call := callName(r, body)
	c.mu.Lock()
	c.seen[call]++
	w := c.wrong[call]
	if w == "" {
		w = c.wrong["*"]
	}
	if !strings.Contains(r.Header.Get("Authorization"), "Credential="+c.key+"/") {
		w = expired
	}
	c.mu.Unlock()
	switch w {
	case "":
	case slow:
		time.Sleep(2 * time.Second)
	case silent:
		<-r.Context().Done()
		return nil, r.Context().Err()
	case refused:
		return nil, &url.Error{Op: r.Method, URL: r.URL.Redacted(), Err: &net.OpError{Op: "dial", Net: "tcp", Err: syscall.ECONNREFUSED}}
	default:
		return refusal(r, call, w), nil
	}
	rec := httptest.NewRecorder()
	again := r.Clone(r.Context())
	again.Body, again.RequestURI = io.NopCloser(bytes.NewReader(body)), "/"
	c.answer(rec, again, call)
	resp := rec.Result()
	resp.Request = r
	return resp, nil
}

func (c *cloud) answer(w http.ResponseWriter, r *http.Request, call string) {
	switch service, op, _ := strings.Cut(call, ":"); {
	case service == "sqs":
		c.sqs.ServeHTTP(w, r)
	case service == "logs":
		c.logs.ServeHTTP(w, r)
	case op == "ListEventSourceMappings":
		fmt.Fprintf(w, `{"EventSourceMappings":[%s%s]}`, c.mapping(), c.further())
	case op == "GetEventSourceMapping":
		fmt.Fprint(w, c.mapping())
	case op == "UpdateEventSourceMapping":
		var in struct{ Enabled *bool }
		_ = json.NewDecoder(r.Body).Decode(&in)
		c.mu.Lock()
		c.off = in.Enabled != nil && !*in.Enabled
		c.mu.Unlock()
		fmt.Fprint(w, c.mapping())
	case op == "ListFunctions":
		fmt.Fprintf(w, `{"Functions":[%s]}`, cloudFunction)
	case op == "GetFunctionConfiguration":
		fmt.Fprint(w, cloudFunction)
	case service == "cloudformation": // the stage was deployed by something else
		w.Header().Set("Content-Type", "text/xml")
		w.WriteHeader(http.StatusBadRequest)
		fmt.Fprint(w, `<ErrorResponse><Error><Type>Sender</Type><Code>ValidationError</Code><Message>Stack with id shop-live does not exist</Message></Error></ErrorResponse>`)
	case service == "sts":
		w.Header().Set("Content-Type", "text/xml")
		fmt.Fprint(w, `<GetCallerIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><GetCallerIdentityResult>
			<Arn>arn:aws:iam::000000000000:user/ops</Arn><UserId>x</UserId><Account>000000000000</Account></GetCallerIdentityResult></GetCallerIdentityResponse>`)
	case service == "cloudwatch":
		w.Header().Set("Smithy-Protocol", "rpc-v2-cbor")
		w.Header().Set("Content-Type", "application/cbor")
		_, _ = w.Write(cbor.Encode(cbor.Map{"MetricDataResults": cbor.List{}, "Messages": cbor.List{}}))
	default:
		http.Error(w, "no such call: "+call, http.StatusNotImplemented)
	}
}

// mapping is the event source mapping, as Lambda writes it.
func (c *cloud) mapping() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	state := map[bool]string{false: "Enabled", true: "Disabled"}[c.off]
	return fmt.Sprintf(`{"UUID":"u-1","EventSourceArn":"arn:aws:sqs:eu-west-1:000000000000:%s","FunctionArn":%q,
		"State":%q,"BatchSize":1,"FunctionResponseTypes":["ReportBatchItemFailures"]}`, cloudQueue, chaosARN, state)
}

// further are the mappings of further queues.
func (c *cloud) further() string {
	var b strings.Builder
	for i, queue := range c.more {
		fmt.Fprintf(&b, `,{"UUID":"m-%d","EventSourceArn":"arn:aws:sqs:eu-west-1:000000000000:%s","FunctionArn":"%s%d","State":"Enabled","BatchSize":1}`, i, queue, chaosARN, i)
	}
	return b.String()
}

const cloudFunction = `{"FunctionName":"shop-live-workerOrders","FunctionArn":"` + chaosARN + `","Runtime":"provided.al2023","Handler":"worker.orders",
	"Timeout":30,"MemorySize":256,"LastModified":"2026-11-23T12:00:00.000+0000","State":"Active","Environment":{"Variables":{"STAGE":"live"}},
	"LoggingConfig":{"LogGroup":"` + cloudGroup + `"}}`

// callName is a call in IAM's spelling.
func callName(r *http.Request, body []byte) string {
	target := r.Header.Get("X-Amz-Target")
	_, op, _ := strings.Cut(target, ".")
	switch path := strings.TrimRight(r.URL.Path, "/"); {
	case strings.HasPrefix(target, "AmazonSQS."):
		return "sqs:" + op
	case strings.HasPrefix(target, cwlogs.Target+"."):
		return "logs:" + op
	case strings.Contains(path, "/operation/"):
		return "cloudwatch:" + path[strings.LastIndexByte(path, '/')+1:]
	case strings.HasSuffix(path, "/event-source-mappings"):
		return "lambda:ListEventSourceMappings"
	case strings.Contains(path, "/event-source-mappings/"):
		if r.Method == http.MethodPut {
			return "lambda:UpdateEventSourceMapping"
		}
		return "lambda:GetEventSourceMapping"
	case strings.HasSuffix(path, "/functions"):
		return "lambda:ListFunctions"
	case strings.HasSuffix(path, "/configuration"):
		return "lambda:GetFunctionConfiguration"
	case r.Method == http.MethodGet:
		return "lambda:Get" + path[strings.LastIndexByte(path, '/')+1:]
	}
	form, _ := url.ParseQuery(string(body))
	if action := form.Get("Action"); action == "DescribeStacks" {
		return "cloudformation:" + action
	}
	return "sts:" + form.Get("Action")
}

// refusal is an error as AWS sends it, in the protocol of the call.
func refusal(r *http.Request, call string, w wrong) *http.Response {
	status, message := http.StatusInternalServerError, "We encountered an internal error. Please try again."
	switch w {
	case fails, silent, refused, slow:
	case throttles:
		status, message = http.StatusBadRequest, "Rate exceeded"
	case expired:
		status, message = http.StatusForbidden, "The security token included in the request is expired"
	case denies:
		status = http.StatusForbidden
		message = "User: arn:aws:iam::000000000000:user/ops is not authorized to perform: " + call + " on resource: * because no identity-based policy allows the " + call + " action"
	}
	resp := &http.Response{StatusCode: status, Header: http.Header{}, Request: r}
	var body []byte
	switch {
	case strings.HasPrefix(call, "sts:"), strings.HasPrefix(call, "cloudformation:"):
		resp.Header.Set("Content-Type", "text/xml")
		body = fmt.Appendf(nil, `<ErrorResponse><Error><Type>Sender</Type><Code>%s</Code><Message>%s</Message></Error></ErrorResponse>`, w, message)
	case strings.HasPrefix(call, "cloudwatch:"):
		resp.Header.Set("Smithy-Protocol", "rpc-v2-cbor")
		resp.Header.Set("Content-Type", "application/cbor")
		body = cbor.Encode(cbor.Map{"__type": cbor.String(w), "message": cbor.String(message)})
	default:
		resp.Header.Set("Content-Type", "application/x-amz-json-1.0")
		resp.Header.Set("X-Amzn-ErrorType", string(w))
		body = fmt.Appendf(nil, `{"__type":%q,"message":%q}`, w, message)
	}
	resp.Body, resp.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
	return resp
}

// send puts jobs into the queue, or into its dead-letter queue.
func (c *cloud) send(t testing.TB, queue string, n int) {
	t.Helper()
	for i := range n {
		c.put(t, queue, fmt.Sprintf(`{"jobId":"j-%d"}`, i))
	}
}

// put puts one message into a queue.
func (c *cloud) put(t testing.TB, queue, text string) {
	t.Helper()
	body := fmt.Sprintf(`{"QueueUrl":"https://sqs.eu-west-1.amazonaws.com/000000000000/%s","MessageBody":%q}`, queue, text)
	r := httptest.NewRequestWithContext(context.Background(), http.MethodPost, "/", strings.NewReader(body))
	r.Header.Set("X-Amz-Target", "AmazonSQS.SendMessage")
	r.Header.Set("Content-Type", "application/x-amz-json-1.0")
	rec := httptest.NewRecorder()
	c.sqs.ServeHTTP(rec, r)
	if rec.Code != http.StatusOK {
		t.Fatalf("send: %s", rec.Body)
	}
}

// profile is the AWS credentials file of a person, whose keys can be renewed.
type profile struct{ dir string }

func newProfile(t testing.TB) profile {
	t.Helper()
	p := profile{dir: t.TempDir()}
	p.renew(t, cloudKey)
	return p
}

func (p profile) renew(t testing.TB, key string) {
	t.Helper()
	text := "[ops]\nregion = eu-west-1\naws_access_key_id = " + key + "\naws_secret_access_key = notakey\n"
	if err := os.WriteFile(filepath.Join(p.dir, "credentials"), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// stage opens the cloud's stage, as somebody with that profile does.
func (c *cloud) stage(t testing.TB, p profile) *aws.Stage {
	t.Helper()
	return c.stageOf(t, p, aws.Target{Profile: "ops", Stage: "live"}, aws.Options{AuditPath: aws.NoAudit})
}

// stageOf opens it with a target and options of one's own.
func (c *cloud) stageOf(t testing.TB, p profile, target aws.Target, o aws.Options) *aws.Stage {
	t.Helper()
	env := map[string]string{
		"AWS_SHARED_CREDENTIALS_FILE": filepath.Join(p.dir, "credentials"),
		"AWS_CONFIG_FILE":             filepath.Join(p.dir, "none"),
	}
	o.HTTPClient, o.Now = &http.Client{Transport: c}, time.Now
	o.Getenv = func(name string) string { return env[name] }
	s, err := aws.Open(t.Context(), target, o)
	if err != nil {
		t.Fatal(err)
	}
	return s
}
