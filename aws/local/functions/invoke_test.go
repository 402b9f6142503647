package functions

import (
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/microfox-ai/aiwctl/aws/local/wire"
)

func TestEchoIsLoggedAsLambdaDoes(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	s.function("echo", func(f *Function) { f.MemoryMB = 512 })

	first := s.invoke("echo", order{Do: "echo", Text: "hé <&>"})
	if got := string(first.Payload); got != `{"text":"hé <&>"}` || first.FunctionError != "" {
		t.Fatalf("got %s, error %q", got, first.FunctionError)
	}
	second := s.invoke("echo", order{Do: "echo"})

	lines := s.logs.lines()
	patterns := []string{
		`^INIT_START Runtime Version: provided:al2023\.local\tRuntime Version ARN: arn:aws:lambda:us-east-1::runtime:local$`,
		`^START RequestId: ` + first.RequestID + ` Version: \$LATEST$`,
		`^END RequestId: ` + first.RequestID + `$`,
		`^REPORT RequestId: ` + first.RequestID + `\tDuration: \d+\.\d\d ms\tBilled Duration: \d+ ms\tMemory Size: 512 MB\t(Max Memory Used: [1-9]\d* MB\t)?Init Duration: \d+\.\d\d ms\t$`,
		`^START RequestId: ` + second.RequestID + ` Version: \$LATEST$`,
		`^END RequestId: ` + second.RequestID + `$`,
		`^REPORT RequestId: ` + second.RequestID + `\tDuration: \d+\.\d\d ms\tBilled Duration: \d+ ms\tMemory Size: 512 MB\t(Max Memory Used: [1-9]\d* MB\t)?$`,
	}
	if len(lines) != len(patterns) {
		t.Fatalf("%d lines, want %d:\n%s", len(lines), len(patterns), strings.Join(lines, "\n"))
	}
	for i, pattern := range patterns {
		if !regexp.MustCompile(pattern).MatchString(lines[i]) {
			t.Errorf("line %d: %q does not match %s", i, lines[i], pattern)
		}
	}
	want := regexp.MustCompile(`^/aws/lambda/echo \d{4}/\d\d/\d\d/\[\$LATEST\][0-9a-f]{32}$`)
	if names := s.logs.names(); len(names) != 1 || !want.MatchString(names[0]) {
		t.Errorf("log streams %q", names)
	}
	if tail := string(second.LogTail); tail != strings.Join(lines[4:], "\n")+"\n" {
		t.Errorf("log tail %q", tail)
	}
}

func TestFunctionErrorKeepsTheProcess(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	s.function("f")
	before := s.invoke("f", order{Do: "pid"})
	result := s.invoke("f", order{Do: "error", Text: "no such host"})
	after := s.invoke("f", order{Do: "pid"})

	var body struct{ ErrorMessage, ErrorType string }
	if err := json.Unmarshal(result.Payload, &body); err != nil {
		t.Fatal(err)
	}
	if result.FunctionError != "Unhandled" || body.ErrorMessage != "no such host" || body.ErrorType != "errorString" {
		t.Errorf("got %q %+v", result.FunctionError, body)
	}
	if string(before.Payload) != string(after.Payload) {
		t.Errorf("the process changed from %s to %s", before.Payload, after.Payload)
	}
}

func TestCrashReplacesTheEnvironment(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ do, wantPayload, wantLine string }{
		{"exit", `"errorType":"Runtime.ExitError","errorMessage":"RequestId: ID Error: Runtime exited with error: exit status 1"`, "about to exit"},
		{"panic", `"errorMessage":"boom"`, `"errorMessage":"boom"`},
	} {
		t.Run(test.do, func(t *testing.T) {
			t.Parallel()
			s := newStage(t)
			s.function("f")
			before := s.invoke("f", order{Do: "pid"})
			result := s.invoke("f", order{Do: test.do, Text: "boom"})
			if got := strings.ReplaceAll(string(result.Payload), result.RequestID, "ID"); result.FunctionError != "Unhandled" || !strings.Contains(got, test.wantPayload) {
				t.Errorf("got %q %s", result.FunctionError, got)
			}
			lines := s.logs.of(result.RequestID)
			if len(lines) < 5 || !strings.Contains(strings.Join(lines, "\n"), test.wantLine) {
				t.Fatalf("log: %q", lines)
			}
			n := len(lines)
			if want := "RequestId: " + result.RequestID + " Error: Runtime exited with error: exit status 1\nRuntime.ExitError"; lines[n-3] != want {
				t.Errorf("got %q, want %q", lines[n-3], want)
			}
			if !strings.HasSuffix(lines[n-1], "\tStatus: error\tError Type: Runtime.ExitError") {
				t.Errorf("report %q", lines[n-1])
			}
			after := s.invoke("f", order{Do: "pid"})
			if after.FunctionError != "" || string(before.Payload) == string(after.Payload) {
				t.Errorf("process before %s, after %s %s", before.Payload, after.FunctionError, after.Payload)
			}
			if streams := s.logs.names(); len(streams) != 2 || streams[0] == streams[1] {
				t.Errorf("log streams %q", streams)
			}
		})
	}
}

func TestTimeoutKillsTheProcess(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	s.function("f", func(f *Function) { f.Timeout = 2 * time.Second })
	pid := s.invoke("f", order{Do: "pid"})
	began := time.Now()
	result := s.invoke("f", order{Do: "block", Text: "the handler"})
	if took := time.Since(began); took < 2*time.Second || took > time.Minute {
		t.Errorf("took %s", took)
	}
	want := fmt.Sprintf(`{"errorType":"Sandbox.Timedout","errorMessage":"RequestId: %s Error: Task timed out after 2.00 seconds"}`, result.RequestID)
	if string(result.Payload) != want || result.FunctionError != "Unhandled" {
		t.Errorf("got %s", result.Payload)
	}
	lines := s.logs.of(result.RequestID)
	if len(lines) != 5 || lines[1] != "blocked in the handler" {
		t.Fatalf("log %q", lines)
	}
	if !regexp.MustCompile(`^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z ` + result.RequestID + ` Task timed out after 2\.00 seconds$`).MatchString(lines[2]) {
		t.Errorf("timeout line %q", lines[2])
	}
	if !strings.Contains(lines[4], "\tDuration: 2000.00 ms\tBilled Duration: 2000 ms\t") || !strings.HasSuffix(lines[4], "\tStatus: timeout") {
		t.Errorf("report %q", lines[4])
	}
	if again := s.invoke("f", order{Do: "pid"}); string(again.Payload) == string(pid.Payload) {
		t.Error("the process survived its timeout")
	}
}

func TestOutputStaysInsideItsInvocation(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	s.function("f")
	var wg sync.WaitGroup
	for i := range 4 {
		wg.Go(func() {
			for j := range 20 {
				name := fmt.Sprintf("run %d-%d", i, j)
				result := s.invoke("f", order{Do: "print", Text: name, Size: 50})
				var mine []string
				for _, line := range strings.Split(strings.TrimSuffix(string(result.LogTail), "\n"), "\n") {
					if !strings.HasPrefix(line, "START") && !strings.HasPrefix(line, "END") && !strings.HasPrefix(line, "REPORT") {
						mine = append(mine, line)
					}
				}
				if len(mine) != 51 || mine[0] != "line 0 of "+name || mine[49] != "line 49 of "+name || mine[50] != "no newline at the end" {
					t.Errorf("%s: %d lines: %q", name, len(mine), mine)
				}
			}
		})
	}
	wg.Wait()
}

func TestLongLinesAreCut(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	s.function("f")
	const size = 300 << 10
	result := s.invoke("f", order{Do: "long", Size: size})
	lines := s.logs.of(result.RequestID)
	if len(lines) != 5 {
		t.Fatalf("%d lines", len(lines))
	}
	for _, line := range lines[1:3] {
		if len(line) > maxLine || !utf8.ValidString(line) {
			t.Errorf("a line of %d bytes, valid UTF-8: %t", len(line), utf8.ValidString(line))
		}
	}
	if got := len(lines[1]) + len(lines[2]); got != size {
		t.Errorf("%d bytes of %d", got, size)
	}
}

func TestPayloadLimits(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	s.function("f")
	text := strings.Repeat("a", 6<<20-200)
	if got := s.invoke("f", order{Do: "length", Text: text}); string(got.Payload) != fmt.Sprint(len(text)) {
		t.Errorf("got %.100s", got.Payload)
	}
	if _, err := s.Invoke(t.Context(), "f", make([]byte, MaxPayload+1)); code(t, err) != "RequestTooLargeException" {
		t.Errorf("got %v", err)
	}
	if got := s.invoke("f", order{Do: "big", Size: 6<<20 - 2}); len(got.Payload) != 6<<20 || got.FunctionError != "" {
		t.Errorf("got %d bytes, error %q", len(got.Payload), got.FunctionError)
	}
	got := s.invoke("f", order{Do: "big", Size: 6<<20 + 200})
	if got.FunctionError != "Unhandled" || !strings.Contains(string(got.Payload), "Function.ResponseSizeTooLarge") {
		t.Errorf("got %q %.200s", got.FunctionError, got.Payload)
	}
	if got := s.invoke("f", order{Do: "echo", Text: "still there"}); got.FunctionError != "" {
		t.Errorf("after too large an answer: %s", got.Payload)
	}
}

func TestStreamedAnswerThatBreaksIsAnError(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	s.function("f")
	got := s.invoke("f", order{Do: "stream"})
	if got.FunctionError != "Unhandled" || !strings.Contains(string(got.Payload), "the source dried up") {
		t.Errorf("got %q %s", got.FunctionError, got.Payload)
	}
}

func TestConcurrentInvocationsHaveProcessesOfTheirOwn(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	s.function("f")
	var mu sync.Mutex
	pids := map[string]int{}
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			result := s.invoke("f", order{Do: "pid", Sleep: "2s"})
			mu.Lock()
			defer mu.Unlock()
			pids[string(result.Payload)]++
		})
	}
	wg.Wait()
	if len(pids) != 4 {
		t.Errorf("processes %v", pids)
	}
	if again := s.invoke("f", order{Do: "pid"}); pids[string(again.Payload)] == 0 {
		t.Error("a warm environment was not used again")
	}
}

func TestConcurrencyLimits(t *testing.T) {
	t.Parallel()
	meter := &fakeMeter{}
	s := newStage(t, func(c *Config) { c.Meter = meter })
	s.function("reserved", func(f *Function) { f.ReservedConcurrency = 1 })
	busy := make(chan Result)
	go func() { busy <- s.invoke("reserved", order{Do: "echo", Sleep: "3s"}) }()
	eventually(t, "the invocation", func() bool { return s.logs.contains("START") })
	if _, err := s.Invoke(t.Context(), "reserved", []byte(`{"do":"echo"}`)); code(t, err) != "TooManyRequestsException" {
		t.Errorf("got %v", err)
	}
	<-busy
	if !slices.Contains(meter.told, "throttled reserved") {
		t.Errorf("the meter was told %q", meter.told)
	}

	// Without a reservation the function has a limit too, but waits.
	p := s.pool("reserved")
	p.mu.Lock()
	p.spec.ReservedConcurrency = 0
	p.mu.Unlock()
	var wg sync.WaitGroup
	for range 5 {
		wg.Go(func() {
			if got := s.invoke("reserved", order{Do: "echo", Sleep: "10ms"}); got.FunctionError != "" {
				t.Errorf("got %s", got.Payload)
			}
		})
	}
	wg.Wait()
}

func TestFunctionEnvironment(t *testing.T) {
	s := newStage(t, func(c *Config) {
		c.Region = "eu-west-1"
		c.BaseEnv = []string{"STAGE=demo", "WHO=base", "AWS_LAMBDA_FUNCTION_NAME=forged"}
	})
	t.Setenv("AWS_SESSION_TOKEN", "parents-secret")
	t.Setenv("AWS_ACCESS_KEY_ID", "parents-key")
	t.Setenv("GITHUB_TOKEN", "parents-token")
	s.function("f", func(f *Function) { f.Env = append(f.Env, "WHO=function"); f.MemoryMB = 256 })
	result := s.invoke("f", order{Do: "env"})
	var env []string
	if err := json.Unmarshal(result.Payload, &env); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"AWS_LAMBDA_FUNCTION_NAME=f", "AWS_LAMBDA_FUNCTION_VERSION=$LATEST", "AWS_LAMBDA_FUNCTION_MEMORY_SIZE=256",
		"AWS_LAMBDA_LOG_GROUP_NAME=/aws/lambda/f", "AWS_LAMBDA_LOG_FORMAT=Text", "AWS_REGION=eu-west-1", "AWS_DEFAULT_REGION=eu-west-1",
		"AWS_ACCESS_KEY_ID=local", "AWS_SECRET_ACCESS_KEY=local", "AWS_ENDPOINT_URL=" + s.url, "TZ=:UTC",
		"_HANDLER=worker.test", "STAGE=demo", "WHO=function",
	} {
		if !slices.Contains(env, want) {
			t.Errorf("%s is missing", want)
		}
	}
	if all := strings.Join(env, "\n"); strings.Contains(all, "parents-") {
		t.Errorf("the parent's secrets were inherited:\n%s", all)
	}
	streams := s.logs.names()
	if want := "AWS_LAMBDA_LOG_STREAM_NAME=" + strings.TrimPrefix(streams[0], "/aws/lambda/f "); !slices.Contains(env, want) {
		t.Errorf("%s is missing", want)
	}
}

func TestInvocationContext(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	s.function("f")
	result, err := s.Manager.invoke(t.Context(), "arn:aws:lambda:us-east-1:000000000000:function:f:$LATEST", []byte(`{"do":"context"}`), `{"custom":{"who":"tests"}}`)
	if err != nil {
		t.Fatal(err)
	}
	var got struct {
		ARN, ID, Client string
		Left            float64
	}
	if err := json.Unmarshal(result.Payload, &got); err != nil {
		t.Fatal(err)
	}
	if got.ARN != "arn:aws:lambda:us-east-1:000000000000:function:f" || got.ID != result.RequestID || got.Client != "tests" {
		t.Errorf("got %+v", got)
	}
	if got.Left < 15 || got.Left > 20 {
		t.Errorf("%.1f seconds left of 20", got.Left)
	}
}

// code is the error code of a refusal.
func code(t testing.TB, err error) string {
	t.Helper()
	if err == nil {
		return ""
	}
	e, internal := wire.AsError(err)
	if internal {
		t.Logf("not an API error: %v", err)
	}
	return e.Code
}
