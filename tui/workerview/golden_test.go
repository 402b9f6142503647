package workerview_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/microfox-ai/aiwctl/aws"
	"github.com/microfox-ai/aiwctl/aws/logs"
	"github.com/microfox-ai/aiwctl/tui/screen"
	"github.com/microfox-ai/aiwctl/tui/screentest"
)

// sizes are those of the body in terminals of 60x20, 80x24, 120x40 and 200x50.
func sizes() [][2]int { return [][2]int{{60, 15}, {80, 19}, {120, 35}, {200, 45}} }

func TestGoldenParts(t *testing.T) {
	t.Parallel()
	for _, size := range sizes() {
		for _, key := range []string{"1", "2", "3", "4", "5"} {
			t.Run(fmt.Sprintf("%s-%d", key, size[0]), func(t *testing.T) {
				t.Parallel()
				f := &fake{lines: runs("completed", "failed", "retrying", "timed out", "running", "no job", "completed")}
				s, _, _ := open(t, f, size[0], size[1], whole)
				screentest.Press(s, key)
				screentest.Golden(t, fmt.Sprintf("part%s-%d", key, size[0]), s.View(size[0], size[1]), size[0], size[1])
			})
		}
	}
}

// fakeOf is what a fake is made of, for each size anew.
type fakeOf struct {
	describe, read, ask error
	lines               []logs.Line
	noReading           bool
}

func TestGoldenStates(t *testing.T) {
	t.Parallel()
	lines := runs("completed", "failed", "timed out")
	for name, test := range map[string]struct {
		fake    fakeOf
		prepare func(screen.Env)
		part    string // on a small screen
		after   func(screen.Env)
	}{
		"loading":      {fakeOf{}, func(screen.Env) {}, "1", nil},
		"stage-failed": {fakeOf{}, func(env screen.Env) { env.Data.Err = denied("Lambda", "ListEventSourceMappings") }, "1", nil},
		"no-worker":    {fakeOf{}, func(env screen.Env) { put(env) }, "1", nil},
		"asking-2":     {fakeOf{noReading: true}, whole, "2", nil},
		"asking-3":     {fakeOf{noReading: true}, whole, "3", nil},
		"no-jobs":      {fakeOf{}, whole, "3", nil},
		"denied-cloudwatch": {
			fakeOf{lines: lines, ask: denied("CloudWatch", "GetMetricData")}, whole, "2", nil,
		},
		"denied-logs":   {fakeOf{read: denied("CloudWatch Logs", "FilterLogEvents")}, whole, "3", nil},
		"denied-lambda": {fakeOf{lines: lines, describe: denied("Lambda", "GetFunctionConcurrency")}, whole, "4", nil},
		"denied-sqs": {fakeOf{lines: lines}, func(env screen.Env) {
			w := worker()
			w.Queue, w.DLQ = &aws.Queue{Name: w.Queue.Name, URL: w.Queue.URL}, &aws.Queue{Name: w.DLQ.Name, URL: w.DLQ.URL}
			w.Problems = []aws.Problem{{Severity: "warning", Kind: aws.ProblemQueueUnread, Text: "queue aiw-fail-demo could not be read: access denied: sqs:GetQueueAttributes is missing from role ops"}}
			put(env, w)
		}, "1", nil},
		"stale": {fakeOf{lines: lines}, whole, "1", func(env screen.Env) {
			env.Data.At = env.Now().Add(-95 * time.Second)
			env.Data.Err = errors.New("get the depth of aiw-fail-demo in us-east-1: dial tcp 127.0.0.1:4566: connect: connection refused")
		}},
		"gone": {fakeOf{lines: lines}, whole, "1", func(env screen.Env) { put(env) }},
		"bare": {fakeOf{}, func(env screen.Env) {
			put(env, aws.Worker{ID: "fail"})
		}, "1", nil},
		"bare-4": {fakeOf{}, func(env screen.Env) { put(env, aws.Worker{ID: "fail"}) }, "4", nil},
		"bare-5": {fakeOf{}, func(env screen.Env) { put(env, aws.Worker{ID: "fail"}) }, "5", nil},
		"paused": {fakeOf{lines: lines}, func(env screen.Env) {
			w := worker()
			w.Mapping.State, w.DLQ.Depth.Visible = "Disabled", 0
			put(env, w)
		}, "1", nil},
		"old-row": {fakeOf{lines: lines}, func(env screen.Env) {
			whole(env)
			env.Data.Inventory.Workers[0].Queue.Depth.At = env.Now().Add(-3 * time.Minute)
		}, "1", nil},
	} {
		for _, size := range sizes() {
			t.Run(fmt.Sprintf("%s-%d", name, size[0]), func(t *testing.T) {
				t.Parallel()
				f := &fake{describe: test.fake.describe, read: test.fake.read, ask: test.fake.ask, lines: test.fake.lines, noReading: test.fake.noReading}
				s, env, _ := open(t, f, size[0], size[1], test.prepare)
				screentest.Press(s, test.part)
				if test.after != nil {
					test.after(env)
					s.Update(screen.DataChanged{})
				}
				screentest.Golden(t, fmt.Sprintf("%s-%d", name, size[0]), s.View(size[0], size[1]), size[0], size[1])
			})
		}
	}
}
