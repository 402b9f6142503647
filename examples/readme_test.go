// Package examples_test holds the README to its word.
package examples_test

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	goruntime "runtime"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"

	"github.com/microfox-ai/aiwctl/aws/local"
	"github.com/microfox-ai/aiwctl/dispatch"
)

var goBlock = regexp.MustCompile("(?s)```go\n(package main\n.*?)```")

// buildReadme builds the complete program of the README, in a directory of its own
// and with this module's packages.
func buildReadme(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile("../README.md")
	if err != nil {
		t.Fatal(err)
	}
	programs := goBlock.FindAllStringSubmatch(string(text), -1)
	if len(programs) != 1 {
		t.Fatalf("the README has %d complete programs, want one", len(programs))
	}
	dir := t.TempDir()
	source := filepath.Join(dir, "main.go")
	if err := os.WriteFile(source, []byte(programs[0][1]), 0o600); err != nil {
		t.Fatal(err)
	}
	binary := filepath.Join(dir, "shout")
	if goruntime.GOOS == "windows" {
		binary += ".exe"
	}
	if out, err := exec.CommandContext(t.Context(), "go", "build", "-o", binary, source).CombinedOutput(); err != nil {
		t.Fatalf("the README's program does not build: %v\n%s", err, out)
	}
	return binary
}

func TestReadmeProgram(t *testing.T) {
	t.Parallel()
	binary := buildReadme(t)

	out, err := exec.CommandContext(t.Context(), binary, "run", "shout", `{"text":"hi"}`).Output()
	if err != nil || strings.TrimSpace(string(out)) != `{"text":"HI"}` {
		t.Errorf("run shout = %s, %v", out, err)
	}

	// And deployed, as aiwctl dev does it: trigger, queue, function, log.
	server, err := local.Start(t.Context(), local.Config{
		Listen: "127.0.0.1:0", Programs: []local.Program{{Name: "the README's program", Command: []string{binary}}},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		if err := server.Close(ctx); err != nil {
			t.Error(err)
		}
	})
	client, err := dispatch.NewClient(dispatch.Config{BaseURL: server.Endpoint(), Getenv: func(string) string { return "" }})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := client.Dispatch(t.Context(), "shout", map[string]string{"text": "hi"}, dispatch.WithJobID("job-readme")); err != nil {
		t.Fatal(err)
	}
	waitForLine(t, server.Endpoint(), `"output":{"text":"HI"}`)
}

// waitForLine waits for a line of the worker's log that completes the job.
func waitForLine(t *testing.T, endpoint, want string) {
	t.Helper()
	cfg, err := config.LoadDefaultConfig(t.Context(), config.WithRegion("us-east-1"),
		config.WithCredentialsProvider(credentials.NewStaticCredentialsProvider("local", "local", "")))
	if err != nil {
		t.Fatal(err)
	}
	logs := cloudwatchlogs.NewFromConfig(cfg, func(o *cloudwatchlogs.Options) { o.BaseEndpoint = &endpoint })
	group, pattern := "/aws/lambda/aiw-dev-workerShout", `{ $.jobId = "job-readme" && $.event = "job.completed" }`
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		out, err := logs.FilterLogEvents(ctx, &cloudwatchlogs.FilterLogEventsInput{LogGroupName: &group, FilterPattern: &pattern})
		if err != nil {
			t.Fatalf("read the log: %v", err)
		}
		if len(out.Events) > 0 {
			if line := *out.Events[0].Message; !strings.Contains(line, want) {
				t.Errorf("completed with %s, want %s", line, want)
			}
			return
		}
		select {
		case <-ctx.Done():
			t.Fatal("the job was not completed")
		case <-tick.C:
		}
	}
}
