package why_test

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/microfox-ai/aiwctl/aws/logs"
)

// lake is a LogReader over lines in memory. It hands out the lines of the groups
// asked for within the time asked for, a page at a time.
type lake struct {
	lines []logs.Line
	page  int                      // lines a page; zero: all at once
	delay time.Duration            // before each page
	fail  func(q logs.Query) error // nil: nothing fails
	mu    sync.Mutex
	asked []logs.Query
}

func (f *lake) Read(ctx context.Context, q logs.Query, fn func([]logs.Line) error) error {
	f.mu.Lock()
	f.asked = append(f.asked, q)
	f.mu.Unlock()
	if f.fail != nil {
		if err := f.fail(q); err != nil {
			return err
		}
	}
	var page []logs.Line
	send := func() error {
		if f.delay > 0 {
			select {
			case <-ctx.Done():
				return ctx.Err()
			case <-time.After(f.delay):
			}
		}
		err := fn(page)
		page = nil
		return err
	}
	for i := range f.lines {
		l := f.lines[i]
		if l.Time.Before(q.Since) || !q.Until.IsZero() && l.Time.After(q.Until) || l.Group != q.Sources[0].Group {
			continue
		}
		if page = append(page, l); len(page) == f.page {
			if err := send(); err != nil {
				return err
			}
		}
	}
	if len(page) > 0 || f.delay > 0 {
		return send()
	}
	return nil
}

const group = "/aws/lambda/w"

var (
	start   = time.Date(2026, 1, 2, 3, 0, 0, 0, time.UTC)
	sources = []logs.Source{{WorkerID: "w", Group: group}}
)

// script is the lines of one log stream, a second apart.
type script struct{ lines []logs.Line }

func (s *script) say(texts ...string) *script {
	for _, text := range texts {
		n := len(s.lines)
		s.lines = append(s.lines, logs.Parse(group, "s", "w", fmt.Sprint(n), start.Add(time.Duration(n)*time.Second), text))
	}
	return s
}

// The shapes of lines.

func marker(job, req string) string {
	return `[AIWORKER_RUN] {"jobId":"` + job + `","workerId":"w","awsRequestId":"` + req + `"}`
}

func event(name, job, req string, attempt int, more string) string {
	return fmt.Sprintf(`{"time":"2026-01-02T03:04:05Z","level":"ERROR","msg":"m","event":"%s","jobId":"%s","workerId":"w","requestId":"%s","attempt":%d%s}`,
		name, job, req, attempt, more)
}

func node(req, level, text string) string {
	return "2026-01-02T03:04:05.678Z\t" + req + "\t" + level + "\t" + text
}

func nodeJSON(req, level, fields string) string {
	return `{"timestamp":"2026-01-02T03:04:05.678Z","level":"` + level + `","requestId":"` + req + `",` + fields + `}`
}

func timedOut(req string) string {
	return "2026-01-02T03:04:05.678Z " + req + " Task timed out after 3.00 seconds\n\n"
}

func exited(req, how string) string {
	return "RequestId: " + req + " Error: Runtime exited with error: " + how + "\nRuntime.ExitError"
}

func report(req, status string, used int) string {
	s := fmt.Sprintf("REPORT RequestId: %s\tDuration: 3000.00 ms\tBilled Duration: 3000 ms\tMemory Size: 128 MB\tMax Memory Used: %d MB", req, used)
	if status != "" {
		s += "\tStatus: " + status
	}
	return s
}

// dump is what Node 20 prints for a failed job.
func dump(job, err, stack string) string {
	return "[Worker] Error processing SQS record: {\n  jobId: '" + job + "',\n  workerId: 'w',\n  error: " + err + ",\n  stack: " + stack + "\n}"
}

const nodeStack = "\"TypeError: Cannot read properties of undefined (reading 'name')\\n\" +\n" +
	"    '    at bar (/var/task/w.js:1:44)\\n' +\n" +
	"    '    at Object.<anonymous> (/var/task/w.js:2:5)'"

func status(job, to string) string {
	return "[Worker] Job status updated to " + to + ": { jobId: '" + job + "', workerId: 'w' }"
}
