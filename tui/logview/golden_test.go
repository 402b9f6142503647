package logview_test

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

// invocations are lines of four invocations of two workers: one completed, one failed
// and tried again, one timed out, one running.
func invocations() []logs.Line {
	report := func(request, took, billed string, used int, more string) string {
		return fmt.Sprintf("REPORT RequestId: %s\tDuration: %s ms\tBilled Duration: %s ms\tMemory Size: 128 MB\tMax Memory Used: %d MB\t%s", request, took, billed, used, more)
	}
	mail := func(request, text string) string {
		return fmt.Sprintf(`{"level":%q,"msg":%q,"requestId":%q}`, "warn", text, request)
	}
	return []logs.Line{
		at("orders", 60, "START RequestId: r-1 Version: $LATEST"),
		at("orders", 59.9, event("job.started", "r-1", 1, "")),
		at("mail", 59, "START RequestId: m-1 Version: $LATEST"),
		at("mail", 58, mail("m-1", "slow upstream")),
		at("orders", 57, event("job.completed", "r-1", 1, `,"durationMs":2900,"output":{"ok":true}`)),
		at("orders", 56.9, report("r-1", "3102.10", "3103", 88, "")),
		at("mail", 29, "2026-03-02T03:03:36.000Z m-1 Task timed out after 30.00 seconds"),
		at("mail", 28.9, report("m-1", "30000.00", "30000", 126, "Status: timeout")),
		at("orders", 20, "START RequestId: r-2 Version: $LATEST"),
		at("orders", 19, event("job.retrying", "r-2", 2, `,"error":{"message":"upstream is down","name":"HTTPError"}`)),
		at("orders", 18.9, report("r-2", "940.00", "941", 61, "")),
		at("orders", 15, "a line between invocations"),
		at("orders", 5, "START RequestId: r-3 Version: $LATEST"),
		at("orders", 4, event("job.started", "r-3", 1, "")),
	}
}

func TestGolden(t *testing.T) {
	t.Parallel()
	denied := errors.New("read /aws/lambda/aiw-demo-worker-orders in us-east-1: access denied: logs:FilterLogEvents is missing from role ops-read")
	healthy := logs.State{Groups: 2}
	for name, state := range map[string]struct {
		ask   screen.OpenLogs
		bare  bool // the stage was not read yet
		items []any
		keys  []string
		last  string // a key that reads anew
		after []any
	}{
		"loading":     {ask: both(), bare: true},
		"unknown":     {ask: screen.OpenLogs{WorkerIDs: []string{"gone"}}},
		"waiting":     {ask: both()},
		"empty":       {ask: screen.OpenLogs{WorkerIDs: []string{"orders"}}, items: []any{healthy}},
		"empty-job":   {ask: jobAsk(), items: []any{healthy}},
		"data":        {ask: both(), items: []any{someLines(), healthy}},
		"one":         {ask: screen.OpenLogs{WorkerIDs: []string{"orders"}}, items: []any{someLines()}},
		"denied":      {ask: both(), items: []any{logs.State{Err: denied, RetryIn: 8 * time.Second}}},
		"interrupted": {ask: both(), items: []any{someLines(), logs.State{Err: denied, RetryIn: 8 * time.Second}}},
		"throttled":   {ask: both(), items: []any{someLines(), logs.State{Groups: 2, Behind: 1, Lag: 42 * time.Second, Throttled: true}}},
		"ended":       {ask: both(), items: []any{someLines(), errors.New("follow: internal fault: nil map")}},
		"failed":      {ask: both(), items: []any{errors.New("follow: internal fault: nil map")}},
		"paused":      {ask: both(), items: []any{someLines()}, keys: []string{"p"}, after: []any{numbered(0, 3)}},
		"new-below":   {ask: both(), items: []any{numbered(0, 60)}, keys: []string{"k", "k"}, after: []any{numbered(60, 72)}},
		"scrolled":    {ask: both(), items: []any{someLines()}, keys: []string{"k", "k", "right"}},
		"searching":   {ask: both(), items: []any{someLines()}, keys: []string{"/", "'job"}},
		"found":       {ask: both(), items: []any{someLines()}, keys: []string{"/", "'job", "enter", "N"}},
		"not-found":   {ask: both(), items: []any{someLines()}, keys: []string{"/", "'nothing", "enter"}},
		"wraps":       {ask: both(), items: []any{someLines()}, keys: []string{"/", "'job", "enter", "n"}},
		"filtered":    {ask: both(), items: []any{someLines()}, keys: []string{"&", "'job", "enter", "/", "'output", "enter"}},
		"no-match":    {ask: both(), items: []any{someLines()}, keys: []string{"&", "'nothing", "enter"}},
		"unfinished":  {ask: both(), items: []any{someLines()}, keys: []string{"&", "'~smtp|("}},
		"errors":      {ask: both(), items: []any{someLines()}, keys: []string{"v", "v", "v"}},
		"only-job":    {ask: both(), items: []any{someLines()}, keys: []string{"g", "j", "O"}},
		"wrapped":     {ask: both(), items: []any{someLines()}, keys: []string{"w"}},
		"marked":      {ask: both(), items: []any{someLines()}, keys: []string{"k", "space", "k", "k", "space"}},
		"open":        {ask: both(), items: []any{someLines()}, keys: []string{"k", "enter"}},
		"folded":      {ask: both(), items: []any{invocations()}, keys: []string{"z"}},
		"fold-open":   {ask: both(), items: []any{invocations()}, keys: []string{"z", "g", "tab", "/", "'upstream", "enter"}},
		"invocation":  {ask: both(), items: []any{invocations()}, keys: []string{"z", "g", "enter"}},
		"workers":     {ask: both(), items: []any{someLines()}, keys: []string{"W", "j", "space"}},
		"hidden":      {ask: both(), items: []any{someLines()}, keys: []string{"2"}},
		"columns":     {ask: both(), items: []any{someLines()}, keys: []string{"c", "2", "5"}},
		"range":       {ask: both(), items: []any{someLines()}, keys: []string{"t"}},
		"typed-range": {ask: both(), items: []any{someLines()}, keys: []string{"t", "6", "'never", "enter"}},
		"past":        {ask: both(), items: []any{someLines()}, keys: []string{"t", "6", "'02:00..03:00"}, last: "enter", after: []any{someLines(), errRead}},
		"saving":      {ask: both(), items: []any{someLines()}, keys: []string{"S"}},
	} {
		for _, size := range [][2]int{{60, 15}, {80, 19}, {120, 35}, {200, 45}} {
			t.Run(fmt.Sprintf("%s-%d", name, size[0]), func(t *testing.T) {
				t.Parallel()
				env := screentest.Env(t)
				if !state.bare {
					env.Data.Inventory = &aws.Inventory{Workers: []aws.Worker{worker("orders"), worker("mail"), worker("slow")}}
				}
				f := openIn(t, env, state.ask)
				f.feed(state.items...)
				f.View(size[0], size[1])
				f.press(state.keys...)
				if state.last != "" {
					f.next = screentest.Press(f.Screen, state.last)
				}
				f.feed(state.after...)
				screentest.Golden(t, fmt.Sprintf("%s-%d", name, size[0]), f.View(size[0], size[1]), size[0], size[1])
			})
		}
	}
}
