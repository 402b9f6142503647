package compose_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/x/ansi"
	"go.uber.org/goleak"

	"github.com/microfox-ai/aiwctl/aws"
	"github.com/microfox-ai/aiwctl/dispatch"
	"github.com/microfox-ai/aiwctl/tui/compose"
	"github.com/microfox-ai/aiwctl/tui/screen"
	"github.com/microfox-ai/aiwctl/tui/screentest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const schema = `{
  "type": "object",
  "properties": {
    "url": {"type": "string", "description": "where the video is, http or https"},
    "quality": {"enum": ["low", "high"], "default": "high"},
    "tags": {"type": "array", "items": {"type": "string"}},
    "crop": {"type": "object", "properties": {"x": {"type": "integer", "minimum": 0}, "y": {"type": "integer"}}, "required": ["x"]}
  },
  "required": ["url"],
  "additionalProperties": false
}`

// sender remembers what was sent.
type sender struct {
	sent    []aws.DispatchRequest
	err     error
	audit   error // the job was sent, its record was not written
	planErr error
	queue   bool // it goes to the queue
}

func (f *sender) Dispatch(_ context.Context, r aws.DispatchRequest) (aws.DispatchResult, error) {
	if f.err != nil {
		return aws.DispatchResult{}, f.err
	}
	f.sent = append(f.sent, r)
	return aws.DispatchResult{
		Result:   dispatch.Result{Status: dispatch.StatusQueued, JobID: fmt.Sprintf("job-1795471915568-abc%d", len(f.sent)), MessageID: "m-1"},
		WorkerID: r.Worker.ID, Via: aws.ViaTrigger, SentAt: screentest.Now(),
	}, f.audit
}

func worker(schema string) aws.Worker {
	return aws.Worker{ID: "video-processing", Queue: &aws.Queue{Name: "aiw-video-processing-demo"}, InputSchema: json.RawMessage(schema)}
}

func (f *sender) PlanDispatch(_ context.Context, r aws.DispatchRequest) (aws.DispatchResult, error) {
	if f.planErr != nil {
		return aws.DispatchResult{}, f.planErr
	}
	if f.queue {
		return aws.DispatchResult{WorkerID: r.Worker.ID, Via: aws.ViaQueue, To: "https://sqs.eu-west-1.amazonaws.com/000000000000/q", Message: r.Input}, nil
	}
	return aws.DispatchResult{
		Result:   dispatch.Result{Status: aws.StatusPlanned, JobID: "job-1795471915568-abc0"},
		WorkerID: r.Worker.ID, Via: aws.ViaTrigger, To: "http://127.0.0.1:4566", QueueURL: "http://127.0.0.1:4566/q", Message: r.Input,
	}, nil
}

// setup is what a test begins with.
type setup struct {
	workers  []aws.Worker // nil: the stage was not read yet
	sender   *sender
	drafts   *compose.Drafts
	input    string
	metadata string
	again    string
	recall   compose.Recall
	readOnly bool
	guarded  bool // the stage is protected
	editor   string
}

func (u setup) open(t testing.TB) (*compose.Screen, *screen.Env) {
	t.Helper()
	env := screentest.Env(t)
	if u.workers != nil {
		env.Data.Inventory = &aws.Inventory{Workers: u.workers}
	}
	env.Stage.ReadOnly = u.readOnly
	if u.sender == nil {
		u.sender = &sender{}
	}
	if u.drafts == nil {
		u.drafts = compose.NewDrafts()
	}
	env.Stage.Protected.Needed = u.guarded
	env.Getenv = func(name string) string { return map[string]string{"EDITOR": u.editor}[name] }
	env.Exec = func(c tea.ExecCommand, done tea.ExecCallback) tea.Cmd {
		return func() tea.Msg { return done(c.Run()) }
	}
	s := compose.New(env, u.sender, u.recall, u.drafts, screen.OpenDispatch{WorkerID: "video-processing", Input: u.input, Metadata: u.metadata, Again: u.again})
	t.Cleanup(s.Close)
	screentest.Settle(s, s.Init())
	return s, &env
}

// press presses keys, and types what begins with '. It returns what the root was
// asked for by all of them.
func press(s *compose.Screen, keys ...string) []tea.Msg {
	var out []tea.Msg
	for _, key := range keys {
		names := []string{key}
		if typed, ok := strings.CutPrefix(key, "'"); ok {
			names = strings.Split(typed, "")
		}
		for _, name := range names {
			if name == " " {
				name = "space"
			}
			out = append(out, screentest.Settle(s, screentest.Press(s, name))...)
		}
	}
	return out
}

func text(s *compose.Screen, width, height int) string { return ansi.Strip(s.View(width, height)) }

func wants(t *testing.T, frame string, parts ...string) {
	t.Helper()
	for _, part := range parts {
		if !strings.Contains(frame, part) {
			t.Errorf("%q is not to be read in\n%s", part, frame)
		}
	}
}

func lastTask(msgs []tea.Msg) (last screen.Task) {
	for _, msg := range msgs {
		if task, ok := msg.(screen.Task); ok {
			last = task
		}
	}
	return last
}

func find[T any](msgs []tea.Msg) (found T, ok bool) {
	for _, msg := range msgs {
		if m, is := msg.(T); is {
			return m, true
		}
	}
	return found, false
}

func TestWhatDoesNotFitIsNotSent(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		input string
		says  string
		at    string // the place the cursor is put on
	}{
		"a wrong type":       {`{"url": 7}`, "1 problem, the cursor is on the first", "2:10"},
		"a missing property": {`{}`, "1 problem", "1:1"},
		"no JSON":            {`{"url": }`, "this is not JSON", "1:9"},
		"after wide letters": {"{\n  \"日本語\": 1,\n  \"url\": \"x\"\n}", "1 problem", "2:3"},
		"nothing at all":     {" ", "this is not JSON", "1:"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := &sender{}
			s, _ := setup{workers: []aws.Worker{worker(schema)}, sender: f, input: test.input}.open(t)
			press(s, "esc")
			press(s, "ctrl+s")
			if len(f.sent) != 0 {
				t.Fatalf("it was sent: %s", f.sent[0].Input)
			}
			wants(t, text(s, 120, 35), "✗ not sent  "+test.says)
			if !strings.HasPrefix(s.Status(), test.at) {
				t.Errorf("the cursor is at %s, want %s", s.Status(), test.at)
			}
			if !s.Typing() {
				t.Error("it cannot be corrected at once: the editor has not the focus")
			}
		})
	}
}

func TestNextProblemGoesAround(t *testing.T) {
	t.Parallel()
	s, _ := setup{workers: []aws.Worker{worker(schema)}, input: `{"url":7,"quality":"best","crop":{"x":-1}}`}.open(t)
	press(s, "ctrl+t", "ctrl+home")
	var places []string
	for range 4 {
		press(s, "ctrl+n")
		place, _, _ := strings.Cut(s.Status(), " ")
		places = append(places, place)
	}
	if want := []string{"2:10", "3:14", "5:10", "2:10"}; !slices.Equal(places, want) {
		t.Errorf("went to %v, want %v", places, want)
	}
}

func TestSendingAndFollowing(t *testing.T) {
	t.Parallel()
	f := &sender{}
	s, _ := setup{workers: []aws.Worker{worker(schema)}, sender: f}.open(t)
	press(s, "'https://media.example/a.mp4", "alt+enter") // also what a terminal makes of esc and enter in quick succession
	if len(f.sent) != 0 {
		t.Fatalf("alt+enter sent %d jobs", len(f.sent))
	}
	msgs := press(s, "ctrl+s")
	if len(f.sent) != 1 {
		t.Fatalf("sent %d jobs", len(f.sent))
	}
	if got := f.sent[0]; got.Worker.ID != "video-processing" || !strings.Contains(string(got.Input), `"https://media.example/a.mp4"`) {
		t.Errorf("sent %s to %s", got.Input, got.Worker.ID)
	}
	if _, refreshed := find[screen.Refresh](msgs); !refreshed {
		t.Error("the depths are not read again")
	}
	if got := lastTask(msgs); got.Text != "sent job-1795471915568-abc1 to video-processing" || !got.Done || got.Err != nil {
		t.Errorf("the task line says %+v", got)
	}
	// The same once more within a moment is a key that was held.
	if press(s, "ctrl+s"); len(f.sent) != 1 {
		t.Error("the job was sent twice by a key that was held")
	}
	since := screentest.Now().Add(-5 * time.Second)
	if ask, _ := find[screen.OpenLogs](press(s, "l")); fmt.Sprint(ask) != fmt.Sprint(screen.OpenLogs{WorkerIDs: []string{"video-processing"}, JobID: "job-1795471915568-abc1", Since: since}) {
		t.Errorf("l asks for %+v", ask)
	}
	if ask, _ := find[screen.OpenJob](press(s, "enter")); ask != (screen.OpenJob{JobID: "job-1795471915568-abc1", WorkerID: "video-processing", Since: since}) {
		t.Errorf("enter asks for %+v", ask)
	}
	// Back at the screen the result still stands, and after a while the same
	// may be sent again.
	wants(t, text(s, 120, 35), "sent job-1795471915568-abc1")
	if msgs := press(s, "e", "end", "left", "left", "backspace", "'x", "ctrl+s"); len(f.sent) != 2 {
		t.Errorf("another input was not sent: %d jobs, %v\n%s", len(f.sent), msgs, text(s, 120, 35))
	}
}

func TestSendIsAWriteAndKnowsWhenItCannot(t *testing.T) {
	t.Parallel()
	action := func(s *compose.Screen) screen.Action {
		for _, a := range s.Actions() {
			if slices.Contains(a.Keys, "ctrl+s") {
				return a
			}
		}
		t.Fatal("there is no ctrl+s")
		return screen.Action{}
	}
	s, env := setup{workers: []aws.Worker{worker(schema)}, readOnly: true}.open(t)
	if a := action(s); !a.Writes || !a.WhileTyping || a.Refused != "" {
		t.Errorf("send is %+v", a)
	}
	wants(t, text(s, 120, 35), "read-only stage")
	env.Data.Inventory = &aws.Inventory{}
	s.Update(screen.DataChanged{})
	if a := action(s); !strings.Contains(a.Refused, "no worker video-processing") {
		t.Errorf("refused with %q after the worker went", a.Refused)
	}
	s, _ = setup{}.open(t)
	if a := action(s); a.Refused == "" {
		t.Error("not refused before the stage was read")
	}
}

func TestNothingTypedIsLost(t *testing.T) {
	t.Parallel()
	t.Run("a failed dispatch", func(t *testing.T) {
		t.Parallel()
		f := &sender{err: errors.New("connection refused")}
		s, _ := setup{workers: []aws.Worker{worker(schema)}, sender: f}.open(t)
		msgs := press(s, "'abc", "ctrl+s")
		if lastTask(msgs).Err == nil {
			t.Error("the failure is not in the error list")
		}
		wants(t, text(s, 120, 35), `"url": "abc"`, "connection refused", "ctrl+s tries again")
		f.err = nil
		if press(s, "ctrl+s"); len(f.sent) != 1 {
			t.Error("it could not be sent again")
		}
		if frame := text(s, 120, 35); strings.Contains(frame, "connection refused") {
			t.Errorf("the error is still shown:\n%s", frame)
		}
	})
	t.Run("leaving", func(t *testing.T) {
		t.Parallel()
		u := setup{workers: []aws.Worker{worker(schema)}, drafts: compose.NewDrafts()}
		s, _ := u.open(t)
		press(s, "'abc")
		s.Close()
		s, _ = u.open(t)
		wants(t, text(s, 120, 35), `"url": "abc"`)
	})
	t.Run("esc keeps the text", func(t *testing.T) {
		t.Parallel()
		s, _ := setup{workers: []aws.Worker{worker(schema)}}.open(t)
		press(s, "'abc", "esc")
		if s.Typing() {
			t.Error("esc does not leave the editor")
		}
		wants(t, text(s, 120, 35), `"url": "abc"`)
	})
	t.Run("another input", func(t *testing.T) {
		t.Parallel()
		u := setup{workers: []aws.Worker{worker(schema)}, drafts: compose.NewDrafts()}
		s, _ := u.open(t)
		press(s, "'abc")
		s.Close()
		u.input = `{"url":"https://from.example/a-dead-letter"}`
		s, _ = u.open(t)
		wants(t, text(s, 120, 35), "a-dead-letter", "ctrl+z brings back")
		press(s, "ctrl+z")
		wants(t, text(s, 120, 35), `"url": "abc"`)
		s.Close()
		u.input = ""
		s, _ = u.open(t)
		wants(t, text(s, 120, 35), `"url": "abc"`)
	})
	t.Run("starting over", func(t *testing.T) {
		t.Parallel()
		s, _ := setup{workers: []aws.Worker{worker(schema)}}.open(t)
		press(s, "'abc", "esc", "R")
		if frame := text(s, 120, 35); strings.Contains(frame, "abc") {
			t.Errorf("it did not start over:\n%s", frame)
		}
		press(s, "ctrl+z")
		wants(t, text(s, 120, 35), `"url": "abc"`)
	})
	t.Run("the worker goes", func(t *testing.T) {
		t.Parallel()
		s, env := setup{workers: []aws.Worker{worker(schema)}}.open(t)
		press(s, "'abc")
		env.Data.Inventory = &aws.Inventory{}
		s.Update(screen.DataChanged{})
		wants(t, text(s, 120, 35), `"url": "abc"`, "has no worker video-processing now")
	})
}

func TestADispatchThatWasSentButNotRecorded(t *testing.T) {
	t.Parallel()
	f := &sender{audit: errors.New("write the audit record: disk full")}
	s, _ := setup{workers: []aws.Worker{worker(schema)}, sender: f}.open(t)
	msgs := press(s, "ctrl+s")
	if lastTask(msgs).Err == nil {
		t.Error("the failure is not in the error list")
	}
	frame := text(s, 120, 35)
	wants(t, frame, "sent job-1795471915568-abc1", "disk full")
	if strings.Contains(frame, "tries again") {
		t.Errorf("it invites to send a second job:\n%s", frame)
	}
}

func TestADispatchThatWasNotAnswered(t *testing.T) {
	t.Parallel()
	s, _ := setup{workers: []aws.Worker{worker(schema)}, sender: &sender{err: context.DeadlineExceeded}}.open(t)
	press(s, "ctrl+s")
	wants(t, text(s, 120, 35), "may have been sent all the same")
}

func TestTheEditorOpensOnceTheStageIsKnown(t *testing.T) {
	t.Parallel()
	s, env := setup{}.open(t)
	wants(t, text(s, 120, 35), "Looking for video-processing")
	env.Data.Inventory = &aws.Inventory{Workers: []aws.Worker{worker(schema)}}
	screentest.Settle(s, s.Update(screen.DataChanged{}))
	wants(t, text(s, 120, 35), `"url": ""`, "fits the schema")
	press(s, "'abc")
	env.Data.Inventory = &aws.Inventory{Workers: []aws.Worker{worker(strings.Replace(schema, `"url": {"type": "string"`, `"url": {"type": "integer"`, 1))}}
	screentest.Settle(s, s.Update(screen.DataChanged{}))
	wants(t, text(s, 120, 35), `"url": "abc"`, "1 problem")
}

func TestFormat(t *testing.T) {
	t.Parallel()
	s, _ := setup{workers: []aws.Worker{worker("")}}.open(t)
	press(s, "ctrl+end", "ctrl+u", `'{"a":[1,2]}`)
	press(s, "ctrl+o")
	wants(t, text(s, 120, 35), "    1,", "formatted")
	press(s, "ctrl+z")
	wants(t, text(s, 120, 35), `{"a":[1,2]}`)
	press(s, "end", "backspace", "ctrl+o")
	wants(t, text(s, 120, 35), `{"a":[1,2]`, "not JSON yet")
}

func TestAPasteOverTheLimitIsTold(t *testing.T) {
	t.Parallel()
	s, _ := setup{workers: []aws.Worker{worker("")}}.open(t)
	screentest.Settle(s, s.Update(tea.PasteMsg{Content: strings.Repeat("x", dispatch.MaxMessageBytes)}))
	wants(t, text(s, 60, 15), "not inserted: SQS takes 1,048,576 bytes", "   1 {}")
}

// A long text is checked beside the typing, and only the newest check counts.
func TestALongTextIsCheckedWhenTypingPauses(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := &sender{}
		s, _ := setup{workers: []aws.Worker{worker(schema)}, sender: f}.open(t)
		press(s, "ctrl+t")
		cmd := s.Update(tea.PasteMsg{Content: strings.Repeat("x", 64<<10)})
		wants(t, text(s, 120, 35), "checking")
		if press(s, "ctrl+s"); len(f.sent) != 0 {
			t.Error("it was sent before it was checked")
		}
		old := cmd
		cmd = s.Update(tea.PasteMsg{Content: "\"more"})
		if msgs := screentest.Settle(s, old); len(msgs) != 0 {
			t.Errorf("the replaced check did something: %v", msgs)
		}
		wants(t, text(s, 120, 35), "checking")
		screentest.Settle(s, cmd)
		wants(t, text(s, 120, 35), "not JSON yet")
	})
}

func TestHostileNamesAndTextsAreHarmless(t *testing.T) {
	t.Parallel()
	evil := "\x1b]52;c;cHduZWQ=\x07\x1b[2J\r\u202e\u009b31m\x00\ttext"
	name, err := json.Marshal(evil)
	if err != nil {
		t.Fatal(err)
	}
	bad := worker(fmt.Sprintf(`{"type":"object","properties":{%s:{"enum":[%s],"description":%s}},"required":[%s]}`, name, name, name, name))
	bad.Queue.Name = evil
	f := &sender{}
	s, _ := setup{workers: []aws.Worker{bad}, sender: f, input: "{\"a\u202e\":\"\u009b31m\u202e" + evil + "\"}"}.open(t)
	f.err = errors.New(evil)
	for _, size := range [][2]int{{60, 15}, {80, 19}, {120, 35}, {200, 45}} {
		screentest.Frame(t, s.View(size[0], size[1]), size[0], size[1])
	}
	press(s, "ctrl+s", "esc", "ctrl+s")
	screentest.Frame(t, s.View(80, 19), 80, 19)
}

// A schema may refer to itself in every way.
func TestSchemasThatReferToThemselves(t *testing.T) {
	t.Parallel()
	for _, raw := range []string{
		`{"$ref":"#/$defs/a","$defs":{"a":{"type":"array","items":{"$ref":"#/$defs/a"}}}}`,
		`{"properties":{"next":{"$ref":"#/$defs/n"}},"$defs":{"n":{"anyOf":[{"$ref":"#/$defs/n"},{"type":"null"}]}}}`,
		`{"properties":{"tree":{"$ref":"#/$defs/t"}},"$defs":{"t":{"type":"object","properties":{"kids":{"type":"array","items":{"$ref":"#/$defs/t"}}}}}}`,
	} {
		s, _ := setup{workers: []aws.Worker{worker(raw)}}.open(t)
		screentest.Frame(t, s.View(120, 35), 120, 35)
	}
}

func BenchmarkComposeFrame(b *testing.B) {
	for name, input := range map[string]string{
		"skeleton": "",
		"100KiB":   `{"url":"x","tags":[` + strings.Repeat(`"a tag of some length",`, 4500) + `"end"]}`,
	} {
		b.Run(name, func(b *testing.B) {
			s, _ := setup{workers: []aws.Worker{worker(schema)}, input: input}.open(b)
			press(s, "ctrl+end")
			for b.Loop() {
				if s.View(200, 50) == "" {
					b.Fatal("no frame")
				}
			}
		})
	}
}
