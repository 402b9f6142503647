package local_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	awssdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"github.com/microfox-ai/aiwctl/aws/local"
	"github.com/microfox-ai/aiwctl/dispatch"
)

func TestJobs(t *testing.T) {
	t.Parallel()
	s := start(t, local.Config{Programs: []local.Program{program(manifest(t))}})

	t.Run("a job runs and its lines are in the log", func(t *testing.T) {
		t.Parallel()
		c := connect(t, s, dispatch.StableHTTPClient)
		c.send(t, "echo", "job-1", `{"text":"hi there"}`)
		lines := c.waitFor(t, "aiw-demo-workerEcho", `{ $.event = "job.completed" && $.jobId = "job-1" }`)
		var done dispatch.JobEvent
		if err := json.Unmarshal([]byte(lines[0]), &done); err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(string(done.Output), `"hi there"`) || done.Attempt != 1 || done.MaxAttempts == 0 {
			t.Errorf("the job completed with %s, attempt %d of %d", done.Output, done.Attempt, done.MaxAttempts)
		}
		marker := c.waitFor(t, "aiw-demo-workerEcho", `"[AIWORKER_RUN]" "job-1"`)
		if !strings.Contains(marker[0], done.RequestID) {
			t.Errorf("the marker %s does not name request %s", marker[0], done.RequestID)
		}
		for _, kind := range []string{"START", "END", "REPORT"} {
			c.waitFor(t, "aiw-demo-workerEcho", fmt.Sprintf(`"%s RequestId: %s"`, kind, done.RequestID))
		}
	})

	t.Run("a job that always fails ends in the dead-letter queue", func(t *testing.T) {
		t.Parallel()
		c := connect(t, s, dispatch.StableHTTPClient)
		c.send(t, "fail", "job-2", `{"order":7}`)
		m := c.receive(t, "aiw-fail-dlq-demo")
		if !strings.Contains(*m.Body, `"job-2"`) {
			t.Errorf("the dead letter is %s", *m.Body)
		}
		// The dead letter can be there before the last line is.
		failed := c.waitFor(t, "aiw-demo-workerFail", `{ $.event = "job.failed" && $.jobId = "job-2" && $.error.message = "*odd*" }`)
		retrying := c.search(t, "aiw-demo-workerFail", `{ $.event = "job.retrying" && $.jobId = "job-2" }`)
		if len(retrying) != 1 || len(failed) != 1 {
			t.Errorf("%d attempts were to be retried and %d were final, want 1 and 1", len(retrying), len(failed))
		}
		c.wantEmpty(t, "aiw-fail-demo")
	})

	t.Run("a job that takes too long is killed", func(t *testing.T) {
		t.Parallel()
		c := connect(t, s, dispatch.StableHTTPClient)
		c.send(t, "timeout", "job-3", `{"sleepMs":60000}`)
		c.receive(t, "aiw-timeout-dlq-demo")
		eventually(t, "two timeouts in the log", func() bool {
			return len(c.search(t, "aiw-demo-workerTimeout", `"Task timed out after 1.00 seconds"`)) == 2
		})
	})

	t.Run("a later delivery succeeds", func(t *testing.T) {
		t.Parallel()
		c := connect(t, s, dispatch.StableHTTPClient)
		c.send(t, "flaky", "job-4", `{"succeedOn":2}`)
		c.waitFor(t, "aiw-demo-workerFlaky", `{ $.event = "job.completed" && $.jobId = "job-4" && $.attempt = 2 }`)
		c.wantEmpty(t, "aiw-flaky-demo")
		c.wantEmpty(t, "aiw-flaky-dlq-demo")
	})
}

func (c clients) receive(t *testing.T, queue string) types.Message {
	t.Helper()
	url := c.queueURL(t, queue)
	var got types.Message
	eventually(t, "a message in "+queue, func() bool {
		out, err := c.sqs.ReceiveMessage(t.Context(), &sqs.ReceiveMessageInput{QueueUrl: url, WaitTimeSeconds: 1})
		if err != nil {
			t.Fatal(err)
		}
		if len(out.Messages) == 0 {
			return false
		}
		got = out.Messages[0]
		return true
	})
	return got
}

func (c clients) depth(t *testing.T, queue string) int {
	t.Helper()
	names := []types.QueueAttributeName{
		types.QueueAttributeNameApproximateNumberOfMessages,
		types.QueueAttributeNameApproximateNumberOfMessagesNotVisible,
	}
	out, err := c.sqs.GetQueueAttributes(t.Context(), &sqs.GetQueueAttributesInput{QueueUrl: c.queueURL(t, queue), AttributeNames: names})
	if err != nil {
		t.Fatal(err)
	}
	total := 0
	for _, name := range names {
		n, err := strconv.Atoi(out.Attributes[string(name)])
		if err != nil {
			t.Fatal(err)
		}
		total += n
	}
	return total
}

// wantEmpty waits, since a message is deleted after its job's last log line.
func (c clients) wantEmpty(t *testing.T, queue string) {
	t.Helper()
	eventually(t, queue+" to be empty", func() bool { return c.depth(t, queue) == 0 })
}

func TestWorkersAPI(t *testing.T) {
	t.Parallel()
	const key = "the-key-of-the-stage"
	s := start(t, local.Config{Programs: []local.Program{program(nil)}, APIKey: key})
	c := connect(t, s, dispatch.StableHTTPClient)
	do := func(method, path, header, body string) (int, string) {
		t.Helper()
		r, err := http.NewRequestWithContext(t.Context(), method, s.Endpoint()+path, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		if header != "" {
			r.Header.Set(header, key)
		}
		res, err := c.http.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		text, err := io.ReadAll(res.Body)
		if err != nil {
			t.Fatal(err)
		}
		return res.StatusCode, string(text)
	}

	const trigger = `{"workerId":"echo","body":{"workerId":"echo","jobId":"job-api","input":{"text":"over HTTP"},"context":{},"metadata":{}}}`
	if status, body := do("POST", "/workers/trigger", "", trigger); status != http.StatusUnauthorized || !strings.Contains(body, "Unauthorized") {
		t.Errorf("without the key: %d %s", status, body)
	}
	if status, body := do("POST", "/workers/trigger", "x-workers-trigger-key", trigger); status != http.StatusOK || !strings.Contains(body, `"messageId"`) {
		t.Errorf("with the key: %d %s", status, body)
	}
	c.waitFor(t, "aiw-demo-workerEcho", `{ $.event = "job.completed" && $.jobId = "job-api" }`)

	for _, path := range []string{"/workers/config", "/demo/workers/config"} {
		status, body := do("GET", path, "x-workers-config-key", "")
		var cfg dispatch.WorkersConfig
		if err := json.Unmarshal([]byte(body), &cfg); err != nil || status != http.StatusOK {
			t.Fatalf("GET %s: %d %s", path, status, body)
		}
		ids := slices.Sorted(maps.Keys(cfg.Workers))
		if want := []string{"digest", "echo", "fail", "flaky", "flood", "pid", "publish", "slow", "summarize", "timeout", "video-processing"}; !slices.Equal(ids, want) {
			t.Errorf("GET %s lists %v, want %v", path, ids, want)
		}
		if cfg.Stage != "demo" || cfg.Workers["echo"].QueueURL != s.Endpoint()+"/000000000000/aiw-echo-demo" {
			t.Errorf("GET %s: stage %q, queue %q", path, cfg.Stage, cfg.Workers["echo"].QueueURL)
		}
	}
	if status, body := do("GET", "/docs.json", "", ""); status != http.StatusOK || !strings.Contains(body, `"openapi"`) {
		t.Errorf("GET /docs.json: %d %s", status, body)
	}
	if status, body := do("POST", "/workers/trigger", "x-workers-trigger-key", strings.Repeat("x", 11<<20)); status != http.StatusRequestEntityTooLarge {
		t.Errorf("a body of 11 MiB: %d %.200s", status, body)
	}
}

// Everything with the plain SDK, as another program would use the endpoint.
func TestPlainSDK(t *testing.T) {
	t.Parallel()
	s := start(t, local.Config{Programs: []local.Program{program(nil)}})
	c := connect(t, s, nil)
	ctx := t.Context()

	who, err := c.sts.GetCallerIdentity(ctx, &sts.GetCallerIdentityInput{})
	if err != nil || *who.Account != "000000000000" || *who.Arn != "arn:aws:iam::000000000000:user/local" {
		t.Errorf("GetCallerIdentity: %+v, %v", who, err)
	}
	if _, err := c.sts.GetSessionToken(ctx, &sts.GetSessionTokenInput{}); err == nil || !strings.Contains(err.Error(), "GetCallerIdentity") {
		t.Errorf("GetSessionToken: %v, want a refusal that names what is served", err)
	}

	list, err := c.sqs.ListQueues(ctx, &sqs.ListQueuesInput{QueueNamePrefix: awssdk.String("aiw-echo")})
	if err != nil || !slices.Equal(list.QueueUrls, []string{s.Endpoint() + "/000000000000/aiw-echo-demo", s.Endpoint() + "/000000000000/aiw-echo-dlq-demo"}) {
		t.Errorf("ListQueues: %v, %v", list, err)
	}
	attributes, err := c.sqs.GetQueueAttributes(ctx, &sqs.GetQueueAttributesInput{
		QueueUrl: c.queueURL(t, "aiw-fail-demo"), AttributeNames: []types.QueueAttributeName{"All"},
	})
	if err != nil || attributes.Attributes["VisibilityTimeout"] != "3" ||
		!strings.Contains(attributes.Attributes["RedrivePolicy"], `arn:aws:sqs:us-east-1:000000000000:aiw-fail-dlq-demo`) {
		t.Errorf("the queue's attributes are %v, %v", attributes, err)
	}

	functions, err := c.lambda.ListFunctions(ctx, &lambda.ListFunctionsInput{})
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, f := range functions.Functions {
		names = append(names, *f.FunctionName)
	}
	if len(names) != 12 || !slices.Contains(names, "aiw-demo-workerVideoProcessing") || !slices.Contains(names, "aiw-demo-api") {
		t.Errorf("the functions are %v", names)
	}
	mappings, err := c.lambda.ListEventSourceMappings(ctx, &lambda.ListEventSourceMappingsInput{FunctionName: awssdk.String("aiw-demo-workerEcho")})
	if err != nil || len(mappings.EventSourceMappings) != 1 || awssdk.ToInt32(mappings.EventSourceMappings[0].BatchSize) != 10 {
		t.Errorf("the mappings of echo are %+v, %v", mappings, err)
	}

	invoked, err := c.lambda.Invoke(ctx, &lambda.InvokeInput{
		FunctionName: awssdk.String("aiw-demo-workerEcho"),
		Payload:      []byte(`{"Records":[{"messageId":"m1","body":"{\"workerId\":\"echo\",\"jobId\":\"job-invoked\",\"input\":{\"text\":\"x\"}}"}]}`),
	})
	if err != nil || invoked.FunctionError != nil || strings.Contains(string(invoked.Payload), "m1") {
		t.Errorf("Invoke: %+v, %v", invoked, err)
	}
	c.waitFor(t, "aiw-demo-workerEcho", `{ $.jobId = "job-invoked" && $.event = "job.completed" }`)

	c.send(t, "video-processing", "job-video", `{"url":"https://example.com/a.mp4"}`)
	c.waitFor(t, "aiw-demo-workerVideoProcessing", `{ $.jobId = "job-video" && $.event = "job.completed" && $.output.processedUrl = "https://example.com/a-processed.mp4" }`)
}

func TestSetPrograms(t *testing.T) {
	t.Parallel()
	s := start(t, local.Config{Programs: []local.Program{program(manifest(t, "echo", "slow"))}})
	c := connect(t, s, dispatch.StableHTTPClient)
	ctx := t.Context()
	c.send(t, "echo", "job-before", `{"text":"x"}`)
	c.waitFor(t, "aiw-demo-workerEcho", `{ $.jobId = "job-before" && $.event = "job.completed" }`)
	c.wantEmpty(t, "aiw-echo-demo")

	// Paused, and with a message that waits.
	mapping := func() *lambda.ListEventSourceMappingsOutput {
		out, err := c.lambda.ListEventSourceMappings(ctx, &lambda.ListEventSourceMappingsInput{FunctionName: awssdk.String("aiw-demo-workerEcho")})
		if err != nil {
			t.Fatal(err)
		}
		return out
	}
	uuid := mapping().EventSourceMappings[0].UUID
	if _, err := c.lambda.UpdateEventSourceMapping(ctx, &lambda.UpdateEventSourceMappingInput{UUID: uuid, Enabled: awssdk.Bool(false)}); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the mapping to be disabled", func() bool { return *mapping().EventSourceMappings[0].State == "Disabled" })
	c.send(t, "echo", "job-waiting", `{"text":"x"}`)

	// Programs that cannot be used change nothing.
	broken := program(nil)
	broken.Command = []string{filepath.Join(t.TempDir(), "missing")}
	if err := s.SetPrograms(ctx, []local.Program{broken}); err == nil || !strings.Contains(err.Error(), broken.Name) {
		t.Errorf("SetPrograms with a program that does not exist: %v", err)
	}
	for says, change := range map[string]func(*dispatch.ManifestWorker){
		"a timeout of 901 s":                 func(w *dispatch.ManifestWorker) { w.TimeoutSeconds = 901 },
		"64 MB of memory":                    func(w *dispatch.ManifestWorker) { w.MemoryMB = 64 },
		"a maxReceiveCount of 1001":          func(w *dispatch.ManifestWorker) { w.SQS.MaxReceiveCount = 1001 },
		"a batch size of 10001":              func(w *dispatch.ManifestWorker) { w.SQS.BatchSize = 10001 },
		"a maximum concurrency of 1":         func(w *dispatch.ManifestWorker) { w.SQS.MaximumConcurrency = 1 },
		"a retention of 59 s: ":              func(w *dispatch.ManifestWorker) { w.SQS.RetentionSeconds = 59 },
		"59 s in its dead-letter queue":      func(w *dispatch.ManifestWorker) { w.SQS.DLQRetentionSeconds = 59 },
		"a visibility timeout of 5 s":        func(w *dispatch.ManifestWorker) { w.TimeoutSeconds, w.SQS.VisibilityTimeoutSeconds = 6, 5 },
		"default of 30 s is too short":       func(w *dispatch.ManifestWorker) { w.TimeoutSeconds, w.SQS.VisibilityTimeoutSeconds = 31, 0 },
		"has 81 characters, and SQS allows":  func(w *dispatch.ManifestWorker) { w.ID = strings.Repeat("x-", 34) },
		"characters, and Lambda allows 64: ": func(w *dispatch.ManifestWorker) { w.ID = strings.Repeat("x", 50) },
	} {
		m := manifest(t, "echo", "flaky")
		change(&m.Workers[1])
		if err := s.SetPrograms(ctx, []local.Program{program(m)}); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("want an error that says %q, got %v", says, err)
		}
		if _, err := c.lambda.GetFunction(ctx, &lambda.GetFunctionInput{FunctionName: awssdk.String("aiw-demo-workerFlaky")}); err == nil {
			t.Fatalf("refused for %q, and yet deployed in part", says)
		}
	}

	if err := s.SetPrograms(ctx, []local.Program{program(manifest(t, "echo", "flaky"))}); err != nil {
		t.Fatal(err)
	}
	if state := *mapping().EventSourceMappings[0].State; state != "Disabled" {
		t.Errorf("after the replacement the paused mapping is %s", state)
	}
	if n := c.depth(t, "aiw-echo-demo"); n != 1 {
		t.Errorf("after the replacement %d messages wait, want 1", n)
	}
	if c.depth(t, "aiw-slow-demo") != 0 { // it must still be there
		t.Error("the queue of a worker that is gone has messages")
	}
	if _, err := c.lambda.GetFunction(ctx, &lambda.GetFunctionInput{FunctionName: awssdk.String("aiw-demo-workerSlow")}); err == nil {
		t.Error("the function of a worker that is gone is still there")
	}
	if lines := c.search(t, "aiw-demo-workerEcho", `"job-before"`); len(lines) == 0 {
		t.Error("the log of before is gone")
	}
	if _, err := c.lambda.UpdateEventSourceMapping(ctx, &lambda.UpdateEventSourceMappingInput{UUID: uuid, Enabled: awssdk.Bool(true)}); err != nil {
		t.Fatal(err)
	}
	c.waitFor(t, "aiw-demo-workerEcho", `{ $.jobId = "job-waiting" && $.event = "job.completed" }`)
	c.send(t, "flaky", "job-new", `{"succeedOn":1}`)
	c.waitFor(t, "aiw-demo-workerFlaky", `{ $.jobId = "job-new" && $.event = "job.completed" }`)

	if err := s.SetPrograms(ctx, nil); err != nil {
		t.Fatal(err)
	}
	res, err := c.http.Get(s.Endpoint() + "/workers/config")
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if body, _ := io.ReadAll(res.Body); res.StatusCode != http.StatusNotFound || !bytes.Contains(body, []byte("no worker program")) {
		t.Errorf("the workers API without programs: %d %s", res.StatusCode, body)
	}
}

func TestStartRefuses(t *testing.T) {
	t.Parallel()
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = taken.Close() })
	two := []local.Program{program(manifest(t, "echo")), program(manifest(t, "echo", "slow"))}
	two[1].Name = "example.test/others"
	newer := manifest(t, "echo")
	newer.Version = 99
	similar := manifest(t, "echo")
	similar.Workers = append(similar.Workers, similar.Workers[0])
	similar.Workers[1].ID = "ECHO"
	dlq := manifest(t, "echo")
	dlq.Workers = append(dlq.Workers, dlq.Workers[0])
	dlq.Workers[1].ID = "echo-dlq"
	never := filepath.Join(t.TempDir(), "never")

	for _, tt := range []struct {
		name string
		cfg  local.Config
		says []string
	}{
		{"a taken port", local.Config{Listen: taken.Addr().String()}, []string{taken.Addr().String(), "--listen", "taken"}},
		{"no port", local.Config{Listen: "localhost"}, []string{"--listen", `"localhost"`}},
		{"a stage that cannot be part of a name", local.Config{Stage: "a b"}, []string{"stage", `"a b"`}},
		{"one id twice", local.Config{Programs: two}, []string{`"echo"`, "example.test/workers", "example.test/others"}},
		{"ids too similar", local.Config{Programs: []local.Program{program(similar)}}, []string{`"echo"`, `"ECHO"`, "function name"}},
		{"an id like a dead-letter queue", local.Config{Programs: []local.Program{program(dlq)}}, []string{`"echo"`, `"echo-dlq"`}},
		{"a manifest of the future", local.Config{Programs: []local.Program{program(newer)}}, []string{"99", "update"}},
		{"an empty manifest", local.Config{Programs: []local.Program{program(&dispatch.Manifest{Version: 1})}}, []string{"no workers", "example.test/workers"}},
		{"a program that fails", local.Config{Programs: []local.Program{program(nil)}, Env: []string{asWorker + "=broken"}}, []string{"exit status 3", "the configuration is missing", "example.test/workers"}},
		{"a program that is no worker", local.Config{Programs: []local.Program{program(nil)}, Env: []string{asWorker + "=chatter"}}, []string{"not a manifest", "runtime.Main"}},
		{"a program that is not there", local.Config{Programs: []local.Program{{Name: "p", Command: []string{never}}}}, []string{never}},
		{"a program without a command", local.Config{Programs: []local.Program{{Name: "p"}}}, []string{`"p"`, "command"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if tt.cfg.Listen == "" {
				tt.cfg.Listen = "127.0.0.1:0"
			}
			s, err := local.Start(t.Context(), tt.cfg)
			if err == nil {
				t.Fatal("it started", s.Close(t.Context()))
			}
			for _, word := range tt.says {
				if !strings.Contains(err.Error(), word) {
					t.Errorf("the error does not say %q: %v", word, err)
				}
			}
		})
	}
}

func TestPages(t *testing.T) {
	t.Parallel()
	s := start(t, local.Config{APIKey: "not-for-everybody"})
	c := connect(t, s, nil)
	host := strings.TrimPrefix(s.Endpoint(), "http://")
	_, port, err := net.SplitHostPort(host)
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name, method, path, host string
		header                   map[string]string
		status                   int
		says                     string
	}{
		{"index", "GET", "/", "", nil, 200, "AWS_ENDPOINT_URL=" + s.Endpoint()},
		{"health", "GET", "/health", "", nil, 200, `"status":"ok"`},
		{"nothing", "GET", "/favicon.ico", "", nil, 404, "There is nothing"},
		{"unknown service", "POST", "/", "", map[string]string{"X-Amz-Target": "DynamoDB_20120810.ListTables"}, 400, "UnknownOperationException"},
		{"unknown form", "POST", "/", "", map[string]string{"Content-Type": "application/x-www-form-urlencoded"}, 400, "MissingAction"},
		{"localhost", "GET", "/health", "localhost:" + port, nil, 200, "ok"},
		{"a name below localhost", "GET", "/health", "sqs.localhost", nil, 200, "ok"},
		{"another loopback address", "GET", "/health", "[::1]:" + port, nil, 200, "ok"},
		{"a rebound name", "GET", "/health", "attacker.example:" + port, nil, 403, "local endpoint"},
		{"a rebound name, SQS", "POST", "/", "attacker.example", map[string]string{"X-Amz-Target": "AmazonSQS.ListQueues"}, 403, "local endpoint"},
		{"a name that ends like ours", "GET", "/health", "notlocalhost", nil, 403, "local endpoint"},
		{"an address of elsewhere", "GET", "/health", "192.0.2.1", nil, 403, "local endpoint"},
		{"a page of another site", "POST", "/2015-03-31/functions/f/invocations", "", map[string]string{"Origin": "https://attacker.example"}, 403, "other sites"},
		{"a page of another site, without origin", "GET", "/health", "", map[string]string{"Sec-Fetch-Site": "cross-site"}, 403, "other sites"},
		{"a page of nowhere", "POST", "/workers/trigger", "", map[string]string{"Origin": "null"}, 403, "other sites"},
		{"a page of this machine", "GET", "/health", "", map[string]string{"Origin": "http://localhost:3000"}, 200, "ok"},
		{"an environment that is not there", "GET", "/env-1/2018-06-01/runtime/invocation/next", "", nil, 404, "environment"},
		{"Lambda", "GET", "/2015-03-31/functions/nope", "", nil, 404, "Function not found"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			r, err := http.NewRequestWithContext(t.Context(), tt.method, s.Endpoint()+tt.path, nil)
			if err != nil {
				t.Fatal(err)
			}
			r.Host = tt.host
			for k, v := range tt.header {
				r.Header.Set(k, v)
			}
			res, err := c.http.Do(r)
			if err != nil {
				t.Fatal(err)
			}
			defer res.Body.Close()
			body, err := io.ReadAll(res.Body)
			if err != nil {
				t.Fatal(err)
			}
			if res.StatusCode != tt.status || !strings.Contains(string(body), tt.says) {
				t.Errorf("%d %s, want %d with %q", res.StatusCode, body, tt.status, tt.says)
			}
			if strings.Contains(string(body), "not-for-everybody") {
				t.Error("the key of the workers API is shown")
			}
		})
	}
}

func TestEnvironment(t *testing.T) {
	t.Parallel()
	s := start(t, local.Config{Region: "eu-central-1", APIKey: "secret-key"})
	base := "WORKER_BASE_URL=" + s.Endpoint()
	if slices.Contains(s.Environment(), base) {
		t.Errorf("%s is there, and no program serves it", base)
	}
	if err := s.SetPrograms(t.Context(), []local.Program{program(manifest(t, "echo"))}); err != nil {
		t.Fatal(err)
	}
	got := s.Environment()
	for _, want := range []string{
		"AWS_ENDPOINT_URL=" + s.Endpoint(), "AWS_REGION=eu-central-1", "AWS_DEFAULT_REGION=eu-central-1",
		"AWS_ACCESS_KEY_ID=local", "AWS_SECRET_ACCESS_KEY=local", base, "AIWCTL_STAGE=demo",
	} {
		if !slices.Contains(got, want) {
			t.Errorf("%s is missing from %q", want, got)
		}
	}
}

func TestListenOnNames(t *testing.T) {
	t.Parallel()
	for listen, begins := range map[string]string{
		"localhost:0": "http://localhost:", "0.0.0.0:0": "http://127.0.0.1:", ":0": "http://127.0.0.1:",
	} {
		s, err := local.Start(t.Context(), local.Config{Listen: listen})
		if err != nil {
			t.Fatal(err)
		}
		if !strings.HasPrefix(s.Endpoint(), begins) {
			t.Errorf("listening on %s the endpoint is %s", listen, s.Endpoint())
		}
		c := connect(t, s, nil)
		if _, err := c.sqs.ListQueues(t.Context(), &sqs.ListQueuesInput{}); err != nil {
			t.Error(err)
		}
		if err := s.Close(t.Context()); err != nil {
			t.Error(err)
		}
		if err := s.SetPrograms(t.Context(), nil); err == nil {
			t.Error("programs were set after Close")
		}
	}
}
