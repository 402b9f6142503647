package logview_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/x/ansi"
	"go.uber.org/goleak"

	"github.com/microfox-ai/aiwctl/aws"
	"github.com/microfox-ai/aiwctl/aws/logs"
	"github.com/microfox-ai/aiwctl/tui/logview"
	"github.com/microfox-ai/aiwctl/tui/screen"
	"github.com/microfox-ai/aiwctl/tui/screentest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// source is a tail whose items a test hands out one by one.
type source struct {
	items   chan any // []logs.Line, logs.State, or an error that ends it
	queries []logs.Query
}

// past is a source that also reads ranges that have ended, and has live sessions.
type past struct{ *source }

func (f past) CanLive() bool { return true }

func (f past) Read(ctx context.Context, q logs.Query, fn func([]logs.Line) error) error {
	err := f.Follow(ctx, q, func(logs.State) {}, fn)
	if errors.Is(err, errRead) {
		return nil
	}
	return err
}

var errRead = errors.New("read to its end")

func newSource() *source { return &source{items: make(chan any, 64)} }

func (f *source) Follow(ctx context.Context, q logs.Query, onState func(logs.State), fn func([]logs.Line) error) error {
	f.queries = append(f.queries, q)
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case item := <-f.items:
			switch item := item.(type) {
			case []logs.Line:
				if err := fn(item); err != nil {
					return err
				}
			case logs.State:
				onState(item)
			case error:
				return item
			}
		}
	}
}

// tail is a logs screen and its source.
type tail struct {
	*logview.Screen
	t     testing.TB
	env   *screen.Env
	src   *source
	clock time.Time
	next  tea.Cmd // fetches the next item of the stream
}

func worker(id string) aws.Worker {
	return aws.Worker{
		ID: id, Function: &aws.Function{Name: "aiw-demo-worker-" + id, LogGroup: "/aws/lambda/aiw-demo-worker-" + id},
		Queue: &aws.Queue{Name: "aiw-" + id + "-demo", MaxReceiveCount: 3, Depth: aws.Depth{Visible: 4, InFlight: 1, At: screentest.Now()}},
	}
}

func open(t testing.TB, ask screen.OpenLogs) *tail {
	t.Helper()
	env := screentest.Env(t)
	env.Data.Inventory = &aws.Inventory{Workers: []aws.Worker{worker("orders"), worker("mail")}}
	return openIn(t, env, ask)
}

func openIn(t testing.TB, env screen.Env, ask screen.OpenLogs) *tail {
	t.Helper()
	f := &tail{t: t, env: &env, src: newSource(), clock: screentest.Now()}
	env.Now = func() time.Time { return f.clock }
	f.Screen = logview.New(env, past{f.src}, ask)
	t.Cleanup(f.Close)
	f.next = f.Init()
	return f
}

// feed lets the tail bring items, one after another.
func (f *tail) feed(items ...any) {
	f.t.Helper()
	for _, item := range items {
		if f.next == nil {
			f.t.Fatal("the stream is not followed")
		}
		f.src.items <- item
		reply, ok := f.next().(screen.Reply)
		if !ok {
			f.t.Fatal("the stream brought no reply")
		}
		f.next = f.Update(reply)
	}
}

// press presses keys; what begins with ' is typed. Searches run to their end.
func (f *tail) press(keys ...string) []tea.Msg {
	var out []tea.Msg
	for _, key := range keys {
		names := []string{key}
		if typed, ok := strings.CutPrefix(key, "'"); ok {
			names = strings.Split(typed, "")
		}
		for _, name := range names {
			out = append(out, screentest.Settle(f.Screen, screentest.Press(f.Screen, name))...)
		}
	}
	return out
}

func (f *tail) text(width, height int) string { return ansi.Strip(f.View(width, height)) }

func wants(t *testing.T, frame string, parts ...string) {
	t.Helper()
	for _, part := range parts {
		if !strings.Contains(frame, part) {
			t.Errorf("%q is not to be read in\n%s", part, frame)
		}
	}
}

func hides(t *testing.T, frame string, parts ...string) {
	t.Helper()
	for _, part := range parts {
		if strings.Contains(frame, part) {
			t.Errorf("%q is still to be read in\n%s", part, frame)
		}
	}
}

// at is a line of a worker, so many seconds before now.
func at(worker string, ago float64, message string) logs.Line {
	when := screentest.Now().Add(-time.Duration(ago * float64(time.Second)))
	return logs.Parse("/aws/lambda/aiw-demo-worker-"+worker, "2026/03/02/[$LATEST]abc", worker, fmt.Sprint(worker, ago, message), when, message)
}

func event(name, request string, attempt int, more string) string {
	level := "INFO"
	if name == "job.failed" {
		level = "ERROR"
	}
	return fmt.Sprintf(`{"time":"2026-03-02T03:04:00Z","level":%q,"msg":"%s","event":"%s","jobId":"job-1795471915568-hryp0zoyr","workerId":"orders","requestId":"%s","attempt":%d,"maxAttempts":3%s}`,
		level, strings.ReplaceAll(name, ".", " "), name, request, attempt, more)
}

const marker = `[AIWORKER_RUN] {"jobId":"job-1795471915568-hryp0zoyr","workerId":"orders","awsRequestId":"r-1"}`

func someLines() []logs.Line {
	return []logs.Line{
		at("orders", 9, "START RequestId: r-1 Version: $LATEST"),
		at("orders", 8.9, marker),
		at("orders", 8.8, event("job.started", "r-1", 1, "")),
		at("mail", 7, `{"level":"warn","msg":"slow upstream","ms":1204}`),
		at("orders", 6, "plain print of the worker with a long tail that does not fit a narrow terminal, so that it is cut or wrapped"),
		at("mail", 5, `{"level":"error","msg":"smtp: 451 try later","to":"someone@mail.example"}`),
		at("orders", 4, event("job.completed", "r-1", 1, `,"durationMs":4800,"output":{"ok":true}`)),
		at("orders", 3.9, "END RequestId: r-1"),
	}
}

func both() screen.OpenLogs { return screen.OpenLogs{WorkerIDs: []string{"orders", "mail"}} }

func jobAsk() screen.OpenLogs {
	return screen.OpenLogs{WorkerIDs: []string{"orders"}, JobID: "job-1795471915568-hryp0zoyr", Since: screentest.Now().Add(-time.Minute)}
}

func numbered(from, to int) []logs.Line {
	var lines []logs.Line
	for i := from; i < to; i++ {
		lines = append(lines, at("orders", float64(1000-i), fmt.Sprintf("line %d.", i)))
	}
	return lines
}

// aboveEdge is a frame without its bottom line, which counts.
func aboveEdge(frame string) string { return frame[:strings.LastIndexByte(frame, '\n')] }

func TestFollowYieldsAndReturns(t *testing.T) {
	t.Parallel()
	f := open(t, screen.OpenLogs{WorkerIDs: []string{"orders"}})
	f.feed(numbered(0, 100))
	frame := f.text(80, 19)
	wants(t, frame, "line 99.", "line 81.")
	wants(t, f.Status(), "following", "100 lines")
	f.press("k")
	before := aboveEdge(f.text(80, 19))
	f.feed(numbered(100, 150))
	if after := aboveEdge(f.text(80, 19)); after != before {
		t.Errorf("the screen ran away under somebody who reads:\n%s\nbefore:\n%s", after, before)
	}
	wants(t, f.Status(), "50 new below", "150 lines")
	wants(t, f.text(80, 19), "▼ 50 new below, G follows", "line 99 of 150")
	f.press("G")
	wants(t, f.text(80, 19), "line 149.")
	wants(t, f.Status(), "following")
	f.feed(numbered(150, 151))
	wants(t, f.text(80, 19), "line 150.")
	// Late lines come above and do not move what is read.
	f.press("ctrl+u")
	before = aboveEdge(f.text(80, 19))
	f.feed(numbered(0, 5))
	if after := aboveEdge(f.text(80, 19)); after != before {
		t.Errorf("late lines moved the window:\n%s\nbefore:\n%s", after, before)
	}
}

func TestPauseKeepsWhatComes(t *testing.T) {
	t.Parallel()
	f := open(t, screen.OpenLogs{WorkerIDs: []string{"orders"}})
	f.feed(numbered(0, 3))
	f.press("p")
	f.feed(numbered(3, 6))
	hides(t, f.text(80, 19), "line 3.")
	wants(t, f.text(80, 19), "paused: 3 new lines")
	wants(t, f.Status(), "paused, 3 new")
	f.press("p")
	wants(t, f.text(80, 19), "line 5.")
	hides(t, f.text(80, 19), "paused")
}

func TestFilteringWhileLinesCome(t *testing.T) {
	t.Parallel()
	f := open(t, both())
	f.feed(someLines())
	f.press("&", "'smtp")
	if !f.Typing() {
		t.Fatal("the filter has not the focus")
	}
	hides(t, f.text(80, 19), "plain print")
	wants(t, f.text(80, 19), "smtp: 451", "1 of 8")
	f.feed([]logs.Line{at("mail", 1, "smtp: 250 ok"), at("mail", 1, "something else")})
	wants(t, f.text(80, 19), "smtp: 250", "2 of 10")
	hides(t, f.text(80, 19), "something else")
	f.press("enter", "v", "v")
	wants(t, f.text(80, 19), "smtp: 451")
	hides(t, f.text(80, 19), "smtp: 250")
	f.press("esc")
	wants(t, f.text(80, 19), "plain print", "something else")
	// A key that means something to the screen is only text here.
	f.press("&", "'qpwG")
	wants(t, f.text(80, 19), "& qpwG")
	f.press("esc")
	if f.Typing() {
		t.Error("esc does not leave the filter")
	}
}

func TestMatchesAreMarked(t *testing.T) {
	t.Parallel()
	f := open(t, both())
	f.feed(someLines())
	f.press("&", "'smtp", "enter", "g")
	match := f.env.Theme.Match.Render("smtp")
	if !strings.Contains(f.View(120, 35), match) {
		t.Error("what the filter found is not marked")
	}
	f.press("w")
	if !strings.Contains(f.View(120, 35), match) {
		t.Error("what the filter found is not marked in wrapped lines")
	}
}

func TestLinesOpen(t *testing.T) {
	t.Parallel()
	f := open(t, both())
	f.feed(someLines())
	f.press("k", "k", "enter")
	wants(t, f.text(80, 19), "the log line", `"msg": "smtp: 451 try later"`, "worker", "mail", "03:04:00.000 UTC")
	if got := f.press("y"); fmt.Sprint(got) != fmt.Sprint([]tea.Msg{screen.Copy{What: "the log line", Text: `{"level":"error","msg":"smtp: 451 try later","to":"someone@mail.example"}`}}) {
		t.Errorf("y asked for %v", got)
	}
	f.press("N")
	wants(t, f.text(80, 19), "plain print")
	f.press("n", "n")
	wants(t, f.text(80, 19), `"event": "job.completed"`)
	f.feed(numbered(990, 999))
	wants(t, f.text(80, 19), `"event": "job.completed"`)
	f.press("q")
	hides(t, f.text(80, 19), "the log line")
	f.press("&", "'aiworker", "enter", "enter")
	wants(t, f.text(80, 19), "[AIWORKER_RUN]", `"awsRequestId": "r-1"`)
}

func TestALinesJob(t *testing.T) {
	t.Parallel()
	f := open(t, both())
	f.feed(someLines())
	f.press("g", "j")
	msgs := f.press("o")
	want := screen.OpenJob{WorkerID: "orders", JobID: "job-1795471915568-hryp0zoyr", Since: screentest.Now().Add(-8900*time.Millisecond - 15*time.Minute)}
	if len(msgs) != 1 || fmt.Sprint(msgs[0]) != fmt.Sprint(want) {
		t.Errorf("o asked for %v, want %v", msgs, want)
	}
	f.press("j", "j", "j")
	for _, a := range f.Actions() {
		if slices.Contains(a.Keys, "o") && a.Refused == "" {
			t.Error("a line without a job is not refused")
		}
	}
}

func TestStatesOfTheTail(t *testing.T) {
	t.Parallel()
	f := open(t, both())
	f.feed(someLines(), logs.State{Err: errors.New("throttled"), RetryIn: 5 * time.Second})
	wants(t, f.Status(), "interrupted")
	f.clock = f.clock.Add(2 * time.Second)
	wants(t, f.text(80, 19), "throttled", "Trying again in 3s.", "plain print")
	f.feed(logs.State{Lag: 40 * time.Second})
	wants(t, f.Status(), "behind by 40s")
	hides(t, f.Status(), "following") // only when it is
	hides(t, f.text(80, 19), "throttled")
	f.feed(errors.New("follow: internal fault"))
	wants(t, f.Status(), "ended")
	wants(t, f.text(80, 19), "internal fault", "R reads again", "plain print")
	f.next = screentest.Press(f.Screen, "R")
	f.feed(someLines())
	wants(t, f.Status(), "following", "8 lines")
	hides(t, f.text(80, 19), "internal fault")
}

func TestTheTailBeginsOnceTheStageIsKnown(t *testing.T) {
	t.Parallel()
	env := screentest.Env(t)
	f := openIn(t, env, both())
	if f.next != nil {
		t.Fatal("it reads before it knows where")
	}
	// The snapshot is shared by all screens and changed in place.
	env.Data.Inventory = &aws.Inventory{Workers: []aws.Worker{{ID: "orders"}}}
	if f.Update(screen.DataChanged{}) != nil {
		t.Fatal("it reads without a log group")
	}
	wants(t, f.text(80, 19), "No log group to read", "orders, mail")
	env.Data.Inventory = &aws.Inventory{Workers: []aws.Worker{worker("orders")}}
	f.next = f.Update(screen.DataChanged{})
	f.feed(someLines())
	wants(t, f.text(80, 19), "no log group is known of mail", "plain print")
	if f.Update(screen.DataChanged{}) != nil {
		t.Error("it reads twice")
	}
	if q := f.src.queries[0]; len(q.Sources) != 1 || !q.Since.Equal(screentest.Now().Add(-15*time.Minute)) {
		t.Errorf("it asked for %+v", q)
	}
}

func TestStaleRepliesAreDropped(t *testing.T) {
	t.Parallel()
	f := open(t, both())
	f.feed(someLines())
	for _, reply := range []screen.Reply{
		{Owner: 1, Purpose: "follow", Gen: 77, Payload: numbered(0, 9), More: true},
		{Owner: 2, Purpose: "follow", Gen: 1, Payload: numbered(0, 9), More: true},
		{Owner: 1, Purpose: "search", Gen: 1},
	} {
		if f.Update(reply) != nil {
			t.Errorf("%+v was taken", reply)
		}
	}
	wants(t, f.Status(), "8 lines")
}

func TestTimesAreTheClocks(t *testing.T) {
	t.Parallel()
	env := screentest.Env(t)
	env.Data.Inventory = &aws.Inventory{Workers: []aws.Worker{worker("orders")}}
	env.Now = func() time.Time { return screentest.Now().In(time.FixedZone("X", 2*3600)) }
	s := logview.New(env, newSource(), screen.OpenLogs{WorkerIDs: []string{"orders"}})
	t.Cleanup(s.Close)
	cmd := s.Init()
	_ = cmd // never run: nothing is read
	wants(t, ansi.Strip(s.View(80, 19)), "From 04:49:05 on.")
}
