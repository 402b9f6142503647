package workerview_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/x/ansi"

	"github.com/microfox-ai/aiwctl/aws"
	"github.com/microfox-ai/aiwctl/aws/logs"
	"github.com/microfox-ai/aiwctl/tui/screen"
	"github.com/microfox-ai/aiwctl/tui/screentest"
	"github.com/microfox-ai/aiwctl/tui/theme"
	"github.com/microfox-ai/aiwctl/tui/workerview"
)

// press presses keys and returns what the last of them asked the root for.
func press(s screen.Screen, keys string) any {
	var got any
	for key := range strings.FieldsSeq(keys) {
		got = nil
		for _, msg := range screentest.Settle(s, screentest.Press(s, key)) {
			got = msg
		}
	}
	return got
}

func TestKeys(t *testing.T) {
	t.Parallel()
	job := func(n int) screen.OpenJob {
		return screen.OpenJob{
			JobID: fmt.Sprintf("job-%d-of-an-order-that-has-a-long-id", n), WorkerID: "fail",
			Since: screentest.Now().Add(-time.Duration(n)*time.Minute - 10*time.Second - time.Minute),
		}
	}
	for _, test := range []struct {
		keys string
		want any
	}{
		{"d", screen.OpenDispatch{WorkerID: "fail"}},
		{"l", screen.OpenLogs{WorkerIDs: []string{"fail"}}},
		{"x", screen.OpenDead{WorkerID: "fail"}},
		{"y", screen.Copy{What: "the queue URL of fail", Text: "http://127.0.0.1:4566/000000000000/aiw-fail-demo"}},
		{"p", screen.PauseRefresh{}},
		{"r", screen.Refresh{Discover: true}},
		{"enter", nil}, // the overview has nothing to open
		{"3 enter", job(0)},
		{"tab tab j enter", job(1)},
		{"shift+tab shift+tab shift+tab G k enter", job(2)},
		{"3 G enter", screen.OpenLogs{WorkerIDs: []string{"fail"}, RequestID: "12345673-0000-4000-8000-000000000003", Since: screentest.Now().Add(-3*time.Minute - 10*time.Second - time.Minute)}},
		{"3 1 enter", nil},
		{"t t t t", nil},
	} {
		for _, size := range sizes() {
			t.Run(fmt.Sprintf("%s-%d", test.keys, size[0]), func(t *testing.T) {
				t.Parallel()
				s, _, _ := open(t, &fake{lines: runs("completed", "failed", "timed out", "no job")}, size[0], size[1], whole)
				if got := press(s, test.keys); fmt.Sprintf("%#v", got) != fmt.Sprintf("%#v", test.want) {
					t.Errorf("got %#v, want %#v", got, test.want)
				}
				screentest.Frame(t, s.View(size[0], size[1]), size[0], size[1])
			})
		}
	}
}

// shown is which part is on the screen, by a text of its own.
func shown(s screen.Screen, width, height int) string {
	frame := ansi.Strip(s.View(width, height))
	for part, text := range map[string]string{
		"overview": "› x looks at them", "charts": "longest ", "jobs": "OUTCOME", "config": "Event source mapping", "schemas": `"input": {`,
	} {
		if strings.Contains(frame, text) {
			return part
		}
	}
	return "none"
}

func TestPartsGoRound(t *testing.T) {
	t.Parallel()
	s, _, _ := open(t, &fake{lines: runs("completed")}, 80, 19, whole)
	got := shown(s, 80, 19)
	for range 5 {
		press(s, "tab")
		got += " " + shown(s, 80, 19)
	}
	press(s, "shift+tab")
	if got += " " + shown(s, 80, 19); got != "overview charts jobs config schemas overview schemas" {
		t.Errorf("the parts come as %s", got)
	}
}

func TestZoom(t *testing.T) {
	t.Parallel()
	s, _, _ := open(t, &fake{lines: runs("completed")}, 200, 45, whole)
	press(s, "4 z")
	frame := ansi.Strip(s.View(200, 45))
	if strings.Contains(frame, "OUTCOME") || !strings.Contains(frame, "SSE-SQS") {
		t.Errorf("zoomed:\n%s", frame)
	}
	press(s, "esc")
	if frame = ansi.Strip(s.View(200, 45)); !strings.Contains(frame, "OUTCOME") {
		t.Errorf("after esc:\n%s", frame)
	}
	// Where one part is shown at a time there is nothing to zoom.
	s.Update(screen.Resized{Width: 80, Height: 19})
	for _, a := range s.Actions() {
		if a.ID == "zoom" {
			t.Error("z is offered on a small screen")
		}
	}
}

func TestScrolling(t *testing.T) {
	t.Parallel()
	s, _, _ := open(t, &fake{}, 80, 19, whole)
	press(s, "4 G")
	if frame := ansi.Strip(s.View(80, 19)); !strings.Contains(frame, "read from") || !strings.Contains(s.Status(), " of ") {
		t.Errorf("G does not show the end, %q:\n%s", s.Status(), frame)
	}
	press(s, "g j j k ctrl+d ctrl+u")
	if frame := ansi.Strip(s.View(80, 19)); !strings.Contains(frame, "state        Enabled") || strings.Contains(frame, "Event source mapping") {
		t.Errorf("one line down:\n%s", frame)
	}
}

func TestPause(t *testing.T) {
	t.Parallel()
	f := &fake{}
	s, _, _ := open(t, f, 120, 35, whole)
	ask, ok := press(s, "P").(screen.Confirm)
	if !ok || ask.Title != "Pause fail?" || ask.Command != "aiwctl workers pause fail" || !strings.Contains(strings.Join(ask.Lines, "\n"), "3 waiting, 1 in flight") {
		t.Fatalf("P asks %+v", ask)
	}
	// Each step by hand: the screen shows where AWS is, and asks to stay until it has it.
	cmd := ask.Write("demo")
	if s.Busy() != "pause fail" {
		t.Errorf("before AWS has it: busy with %q", s.Busy())
	}
	var said []string
	for cmd != nil {
		next := cmd
		cmd = nil
		for _, msg := range screentest.Run(next) {
			switch msg := msg.(type) {
			case screen.Reply:
				cmd = tea.Batch(cmd, s.Update(msg))
			case screen.Task:
				said = append(said, msg.Text)
				if len(said) == 1 && s.Busy() != "" {
					t.Errorf("AWS has it, and it is busy with %q", s.Busy())
				}
			}
		}
		if frame := ansi.Strip(s.View(120, 35)); len(said) == 1 && !strings.Contains(frame, "Enabled › Disabl") {
			t.Errorf("the mapping's way is not shown:\n%s", frame)
		}
	}
	if got := strings.Join(said, "; "); got != "pause fail: AWS has accepted it, the mapping is disabling; fail is paused: its mapping is disabled" {
		t.Errorf("said %s", got)
	}
	if len(f.paused) != 1 || f.confirmed != "demo" {
		t.Errorf("asked AWS %+v, confirmed %q", f.paused, f.confirmed)
	}
}

func TestCopyJSON(t *testing.T) {
	t.Parallel()
	s, _, _ := open(t, &fake{}, 120, 35, whole)
	copied, ok := press(s, "Y").(screen.Copy)
	var got struct {
		ID, State string
		Function  struct {
			EnvNames []string `json:"envNames"`
			Reserved int      `json:"reservedConcurrency"`
		}
		Queue struct{ Encryption string }
	}
	if err := json.Unmarshal([]byte(copied.Text), &got); !ok || err != nil || got.ID != "fail" || got.State != "dead letters +1 in 2 min" ||
		len(got.Function.EnvNames) != 2 || got.Function.Reserved != 2 || got.Queue.Encryption != "SSE-SQS" {
		t.Errorf("copied %+v, %v: %s", got, err, copied.Text)
	}
}

func TestActionsSayWhyNot(t *testing.T) {
	t.Parallel()
	s, env, _ := open(t, &fake{}, 120, 35, func(env screen.Env) { put(env, aws.Worker{ID: "fail"}) })
	why := func() map[string]string {
		out := map[string]string{}
		for _, a := range s.Actions() {
			if a.Run != nil && a.ID == "" && a.Keys[0] != "esc" {
				t.Errorf("%v has no id", a.Keys)
			}
			out[a.ID] = a.Refused
		}
		return out
	}
	got := why()
	for id, want := range map[string]string{
		"dead-letters": "has no dead-letter queue", "logs": "function of fail is not known", "copy-queue-url": "was not found",
		"pause-worker": "no event source mapping", "time-range": "neither its queue nor its function", "dispatch": "",
	} {
		if !strings.Contains(got[id], want) || (want == "") != (got[id] == "") {
			t.Errorf("%s is refused with %q, want %q", id, got[id], want)
		}
	}
	put(env)
	s.Update(screen.DataChanged{})
	if got := why(); !strings.Contains(got["dispatch"], "gone from the stage") {
		t.Errorf("of a worker that has gone: %v", got)
	}
}

func TestCommands(t *testing.T) {
	t.Parallel()
	s, _, _ := open(t, &fake{lines: runs("completed")}, 120, 35, whole)
	press(s, "3")
	got := map[string]string{}
	for _, a := range s.Actions() {
		if a.Command != nil {
			got[a.ID] = a.Command()
		}
	}
	want := map[string]string{
		"job": "aiwctl job job-0-of-an-order-that-has-a-long-id --worker fail", "dispatch": "aiwctl dispatch fail", "logs": "aiwctl logs fail -f",
		"dead-letters": "aiwctl dlq peek fail", "pause-worker": "aiwctl workers pause fail", "copy-json": "aiwctl workers describe fail -o json",
	}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("commands %v\nwant     %v", got, want)
	}
}

// A job that comes does not move the cursor from the one a person looks at.
func TestTheCursorStaysWithItsJob(t *testing.T) {
	t.Parallel()
	f := &fake{lines: runs("completed", "failed")}
	s, _, _ := open(t, f, 80, 19, whole)
	want := fmt.Sprint(press(s, "3 j enter"))
	late := runs("completed")
	for i := range late {
		late[i].Time = late[i].Time.Add(5 * time.Second)
		late[i].RequestID = strings.Replace(late[i].RequestID, "1234", "9999", 1)
	}
	f.mu.Lock()
	f.lines = append(f.lines, late...)
	f.mu.Unlock()
	press(s, "r")
	if got := fmt.Sprint(press(s, "enter")); got != want {
		t.Errorf("after another look enter opens %s, want %s", got, want)
	}
}

// What it costs: nothing while it is hidden or the refresh is paused, and otherwise one
// question a minute to CloudWatch, one look at the logs, one at the function.
func TestThePaceOfAsking(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name            string
		loopback        bool
		view, pause     bool
		least, most     int
		leastQ, mostQ   int
		describe, reads int
	}{
		{name: "in AWS", view: true, leastQ: 5, mostQ: 6, describe: 6, reads: 18},
		{name: "hidden", leastQ: 1, mostQ: 1, describe: 1, reads: 3},
		{name: "paused", view: true, pause: true, leastQ: 1, mostQ: 1, describe: 1, reads: 3},
		{name: "on this machine", loopback: true, view: true, leastQ: 15, mostQ: 21, describe: 6, reads: 90},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				f := &fake{lines: runs("completed")}
				env := screentest.Env(t)
				env.Now = time.Now
				env.Stage.Loopback = test.loopback
				whole(env)
				s := workerview.New(env, sources(f), screen.OpenWorker{WorkerID: "fail"})
				defer s.Close()
				screentest.Settle(s, s.Init())
				env.Data.Paused = test.pause
				for range 300 {
					time.Sleep(time.Second)
					if test.view {
						s.View(60, 15)
					}
					screentest.Settle(s, s.Update(screen.Tick{Now: env.Now()}))
				}
				if n := len(f.questions); n < test.leastQ || n > test.mostQ {
					t.Errorf("%d questions to CloudWatch in five minutes, want %d to %d", n, test.leastQ, test.mostQ)
				}
				if f.described > test.describe || len(f.queries) > test.reads+3 || len(f.queries) < test.reads/2 {
					t.Errorf("described %d times (want at most %d), %d reads of logs (want about %d)", f.described, test.describe, len(f.queries), test.reads)
				}
			})
		})
	}
}

// The newest jobs are there whatever a busy worker writes, and the look has an end.
func TestABusyWorkerIsLookedAtInPart(t *testing.T) {
	t.Parallel()
	var lines []logs.Line
	one := runs("completed")
	for i := range 2000 {
		for _, l := range one {
			l.Time = screentest.Now().Add(-time.Duration(2000-i) * 300 * time.Millisecond)
			l.RequestID = fmt.Sprintf("%08d-0000-4000-8000-000000000000", i)
			if l.JobID != "" {
				l.JobID = fmt.Sprintf("job-%d", i)
			}
			lines = append(lines, l)
		}
	}
	f := &fake{lines: lines}
	s, _, _ := open(t, f, 200, 45, whole)
	frame := ansi.Strip(s.View(200, 45))
	if len(f.queries) != 2 || !strings.Contains(frame, "not all · since 03:02:05") || !strings.Contains(frame, "job-1999 ") {
		t.Errorf("%d reads:\n%s", len(f.queries), frame)
	}
}

func TestLateAndFailedReplies(t *testing.T) {
	t.Parallel()
	f := &fake{lines: runs("completed")}
	s, env, _ := open(t, f, 80, 19, whole)
	// A reply of an older question is dropped.
	press(s, "2")
	first := screentest.Run(screentest.Press(s, "t"))
	press(s, "t")
	for _, msg := range first {
		s.Update(msg)
	}
	if got := s.Status(); !strings.HasPrefix(got, "24 h · by 15m") {
		t.Errorf("after a late reply of another range: %q", got)
	}
	// A failure keeps the old numbers, and what is asked again heals it.
	f.mu.Lock()
	f.ask, f.read = denied("CloudWatch", "GetMetricData"), errors.New("throttled")
	f.mu.Unlock()
	press(s, "r")
	if frame := ansi.Strip(s.View(80, 19)); !strings.Contains(frame, "cloudwatch:GetMetricData") && !strings.Contains(frame, "denied") || !strings.Contains(frame, "invocations") {
		t.Errorf("after a failure:\n%s", frame)
	}
	press(s, "3")
	if frame := ansi.Strip(s.View(80, 19)); !strings.Contains(frame, "throttled") || !strings.Contains(frame, "completed") {
		t.Errorf("after a failure:\n%s", frame)
	}
	f.mu.Lock()
	f.ask, f.read = nil, nil
	f.mu.Unlock()
	press(s, "r")
	for _, part := range []string{"2", "3"} {
		press(s, part)
		if frame := ansi.Strip(s.View(80, 19)); strings.Contains(frame, "✗") {
			t.Errorf("healed:\n%s", frame)
		}
	}
	_ = env
}

// Looking costs money where CloudWatch is AWS's, and the screen says how much.
func TestThePriceIsSaid(t *testing.T) {
	t.Parallel()
	s, env, _ := open(t, &fake{}, 80, 19, whole)
	press(s, "2")
	if got := s.Status(); got != "1 h · by 1m" {
		t.Errorf("on this machine: %q", got)
	}
	env.Stage.Loopback = false
	if got := s.Status(); got != "1 h · by 1m · $0.0002 a look" {
		t.Errorf("in AWS: %q", got)
	}
}

func TestHostileTexts(t *testing.T) {
	t.Parallel()
	evil := "evil\x1b]52;c;cHduZWQ=\x07\x1b[2J\rname\u202e\x9b31m\x00"
	prepare := func(env screen.Env) {
		w := worker()
		w.ID, w.Group, w.Description = "fail", evil, evil
		w.Queue.Name, w.Queue.URL, w.Queue.Encryption, w.Queue.DeadLetterARN, w.Queue.RedriveAllow = evil, evil, evil, evil, evil
		w.Mapping.State, w.Mapping.Reason, w.Mapping.LastResult, w.Mapping.UUID, w.Mapping.Filters = evil, evil, evil, evil, []string{evil}
		f := w.Function
		f.Name, f.Runtime, f.Handler, f.LogGroup, f.EnvNames, f.Qualifier = evil, evil, evil, evil, []string{evil}, evil
		w.InputSchema, w.OutputSchema = []byte(evil), []byte(`{"a":"\u001b[2J`+"\u202e"+`"}`)
		w.Problems = []aws.Problem{{Severity: "error", Kind: aws.ProblemKind(evil), Text: evil}}
		w.Notes = w.Problems
		put(env, w)
		env.Data.Inventory.Chains[0].ID, env.Data.Inventory.Findings[0].Object, env.Data.Inventory.Findings[0].Text = evil, evil, evil
		env.Data.Inventory.Chains[0].Steps[2].WorkerID = evil
	}
	f := &fake{lines: runs("failed", "timed out", "no job"), describe: errors.New(evil), ask: nil}
	for _, size := range sizes() {
		for _, mono := range []bool{false, true} {
			s, env, _ := open(t, f, size[0], size[1], prepare)
			if mono {
				*env.Theme = *theme.NewMono(true)
				s.Update(screen.ThemeChanged{})
			}
			for _, part := range []string{"1", "2", "3", "4", "5"} {
				press(s, part)
				screentest.Frame(t, s.View(size[0], size[1]), size[0], size[1])
			}
			env.Data.Err = errors.New(evil)
			s.Update(screen.DataChanged{})
			screentest.Frame(t, s.View(size[0], size[1]), size[0], size[1])
		}
	}
}

// Without colours and with ASCII only, nothing is lost: the words say it.
func TestMonoAndASCII(t *testing.T) {
	t.Parallel()
	s, env, _ := open(t, &fake{lines: runs("completed", "failed")}, 200, 45, whole)
	*env.Theme = *theme.NewMono(true)
	s.Update(screen.ThemeChanged{})
	frame := s.View(200, 45)
	if strings.Contains(frame, "\x1b[38") || strings.Contains(frame, "\x1b[48") {
		t.Error("there are colours with NO_COLOR")
	}
	if ascii := theme.ToASCII(ansi.Strip(frame)); strings.ContainsFunc(ascii, func(r rune) bool { return r > 0x7e }) {
		t.Errorf("in ASCII mode:\n%s", ascii)
	}
}

func TestAnySize(t *testing.T) {
	t.Parallel()
	s, _, _ := open(t, &fake{lines: runs("completed", "failed")}, 80, 19, whole)
	for width := 60; width <= 300; width += 37 {
		for _, height := range []int{10, 17, 28, 44} {
			s.Update(screen.Resized{Width: width, Height: height})
			press(s, "tab")
			_ = s.Status()
			screentest.Frame(t, s.View(width, height), width, height)
		}
	}
}

func TestAtRestTheFrameStays(t *testing.T) {
	t.Parallel()
	f := &fake{lines: runs("completed", "failed")}
	s, env, _ := open(t, f, 200, 45, whole)
	before := s.View(200, 45)
	for range 3 {
		whole(env)
		s.Update(screen.DataChanged{})
		s.Update(screen.Tick{Now: env.Now()})
		press(s, "r")
	}
	if s.View(200, 45) != before {
		t.Error("the frame changed although nothing did")
	}
}

func TestKeepAndRestore(t *testing.T) {
	t.Parallel()
	s, _, _ := open(t, &fake{}, 80, 19, whole)
	press(s, "2 t t")
	env := screentest.Env(t)
	whole(env)
	f := &fake{}
	again := workerview.New(env, sources(f), screen.OpenWorker{WorkerID: "fail"})
	again.Restore(s.Keep())
	again.Restore(3)
	again.Update(screen.Resized{Width: 80, Height: 19})
	screentest.Settle(again, again.Init())
	if got := shown(again, 80, 19); got != "charts" || !strings.HasPrefix(again.Status(), "24 h") {
		t.Errorf("restored: %s, %q", got, again.Status())
	}
}

func BenchmarkWorkerView(b *testing.B) {
	outcomes := make([]string, 9)
	for i := range outcomes {
		outcomes[i] = []string{"completed", "failed", "retrying"}[i%3]
	}
	b.Run("same data", func(b *testing.B) {
		s, _, _ := open(b, &fake{lines: runs(outcomes...)}, 200, 45, whole)
		b.ReportAllocs()
		cost := screentest.Cost(b)
		for b.Loop() {
			_ = s.View(200, 45)
		}
		cost()
	})
	b.Run("new reading", func(b *testing.B) {
		s, _, _ := open(b, &fake{lines: runs(outcomes...)}, 200, 45, whole)
		b.ReportAllocs()
		cost := screentest.Cost(b)
		for b.Loop() {
			s.Update(screen.DataChanged{})
			_ = s.View(200, 45)
		}
		cost()
	})
	b.Run("key", func(b *testing.B) {
		s, _, _ := open(b, &fake{lines: runs(outcomes...)}, 200, 45, whole)
		screentest.Press(s, "3")
		b.ReportAllocs()
		i := 0
		cost := screentest.Cost(b)
		for b.Loop() {
			screentest.Press(s, []string{"j", "k"}[i%2])
			_ = s.View(200, 45)
			i++
		}
		cost()
	})
}
