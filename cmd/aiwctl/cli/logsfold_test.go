package cli

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/microfox-ai/aiwctl/aws/logs"
)

// runOf are the lines of one invocation, which took 12 ms.
func runOf(at time.Time, request, job string) []logs.Line {
	var lines []logs.Line
	for i, text := range []string{
		"START RequestId: " + request + " Version: $LATEST",
		fmt.Sprintf(`[AIWORKER_RUN] {"jobId":%q,"workerId":"w","awsRequestId":%q}`, job, request),
		"END RequestId: " + request,
		"REPORT RequestId: " + request + "\tDuration: 12.00 ms\tBilled Duration: 13 ms\tMemory Size: 128 MB\tMax Memory Used: 40 MB\tInit Duration: 99.50 ms\t",
	} {
		lines = append(lines, logs.Parse("/aws/lambda/w", "s", "w", fmt.Sprint(request, i), at.Add(time.Duration(i)*time.Millisecond), text))
	}
	return lines
}

// locked is a buffer that is read while it is written.
type locked struct {
	mu sync.Mutex
	b  strings.Builder
}

func (l *locked) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *locked) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// Followed, an invocation is told when it is over, without another line that says so,
// and one under way when the tail ends; --request chooses.
func TestInvocationsAreFollowed(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		a, _, _ := testApp("", nil)
		stdout := &locked{}
		a.Out, a.Now = stdout, time.Now
		out := &logPrinter{app: a, format: formatTable, stream: true}
		under := runOf(time.Now().Add(time.Second), "22222222-2222-4222-8222-222222222222", "j-2")[:2]
		err := a.invocations(t.Context(), logsFlags{follow: true}, logs.Query{}, out, func(_ context.Context, _ logs.Query, fn func([]logs.Line) error) error {
			if err := fn(append(runOf(time.Now(), "11111111-1111-4111-8111-111111111111", "j-1"), under...)); err != nil {
				return err
			}
			if got := stdout.String(); got != "" {
				t.Errorf("told before it was over: %s", got)
			}
			time.Sleep(5 * time.Second) // of the bubble
			synctest.Wait()
			if got := stdout.String(); !strings.Contains(got, "ok            12ms      13ms      40/128 MB  99.5ms    11111111") || strings.Count(got, "\n") != 1 {
				t.Errorf("while it is followed: %q", got)
			}
			return context.Canceled
		})
		if !errors.Is(err, context.Canceled) {
			t.Errorf("%v", err)
		}
		if got := stdout.String(); !strings.Contains(got, "running") || !strings.Contains(got, "22222222") || strings.Count(got, "\n") != 2 {
			t.Errorf("at the end: %q", got)
		}
	})
}

func TestInvocationsOfTheRequest(t *testing.T) {
	t.Parallel()
	a, stdout, _ := testApp("", nil)
	at := time.Date(2026, 3, 4, 5, 0, 0, 0, time.UTC)
	read := func(_ context.Context, _ logs.Query, fn func([]logs.Line) error) error {
		return fn(append(runOf(at, "r-1", "j-1"), runOf(at, "r-2", "j-2")...))
	}
	a.global.output = "jsonl"
	out := &logPrinter{app: a, format: formatJSONL}
	if err := a.invocations(t.Context(), logsFlags{requestID: "r-2"}, logs.Query{}, out, read); err != nil {
		t.Fatal(err)
	}
	if got := stdout.String(); strings.Count(got, "\n") != 1 || !strings.Contains(got, `"requestId":"r-2"`) || !strings.Contains(got, `"durationMs":12,"billedMs":13,"initMs":99.5,"memoryMB":128,"maxMemoryMB":40`) {
		t.Errorf("%s", got)
	}
	if err := a.invocations(t.Context(), logsFlags{requestID: "r-3"}, logs.Query{}, out, read); exitCode(t.Context(), err) != exitNothing {
		t.Errorf("of a request that is not there: %v", err)
	}
}
