package deadletters_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	awssdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/charmbracelet/x/ansi"
	"go.uber.org/goleak"

	"github.com/microfox-ai/aiwctl/aws"
	"github.com/microfox-ai/aiwctl/aws/redrive"
	"github.com/microfox-ai/aiwctl/aws/redrive/letter"
	"github.com/microfox-ai/aiwctl/dispatch"
	"github.com/microfox-ai/aiwctl/tui/deadletters"
	"github.com/microfox-ai/aiwctl/tui/screen"
	"github.com/microfox-ai/aiwctl/tui/screentest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// engine is a dead-letter queue in memory.
type engine struct {
	letters  []letter.Letter
	warnings []string
	depth    int
	peekErr  error
	peeks    int
	limits   []int
	asked    []redrive.Replay
	fail     map[string]string
	hold     chan struct{} // when set, the second message waits for it
}

func (e *engine) Peek(_ context.Context, _ aws.Worker, limit int) (redrive.Listing, error) {
	e.peeks++
	e.limits = append(e.limits, limit)
	if e.peekErr != nil {
		return redrive.Listing{}, e.peekErr
	}
	depth := max(e.depth, len(e.letters))
	return redrive.Listing{
		Letters: e.letters, Depth: aws.Depth{Visible: depth},
		Complete: depth <= len(e.letters), Warnings: e.warnings,
	}, nil
}

func (e *engine) Replay(ctx context.Context, r redrive.Replay) (redrive.Report, error) {
	e.asked = append(e.asked, r)
	ids := r.IDs
	if r.All {
		ids = nil
		for _, l := range e.letters {
			ids = append(ids, l.ID)
		}
	}
	var report redrive.Report
	for i, id := range ids {
		if e.hold != nil && i == 1 {
			select {
			case <-e.hold:
			case <-ctx.Done():
				return report, &redrive.PartialError{Verb: "replay", Queue: "aiw-orders-dlq-demo", Report: report, Cause: ctx.Err()}
			}
		}
		result := redrive.Result{ID: id, Status: redrive.StatusReplayed, NewID: "new-" + id}
		if why := e.fail[id]; why != "" {
			result = redrive.Result{ID: id, Status: redrive.StatusFailed, Error: why}
			report.Failed++
			report.Problems = append(report.Problems, result)
		} else {
			report.Replayed++
		}
		r.OnResult(result)
	}
	if report.Problems != nil {
		return report, &redrive.PartialError{Verb: "replay", Queue: "aiw-orders-dlq-demo", Report: report}
	}
	return report, nil
}

func deadLetter(i int, body string) letter.Letter {
	l := letter.Letter{
		ID: fmt.Sprintf("5f3c%04d-8d1e-4b2a-9c3d-0123456789ab", i), Body: body,
		SentAt:        screentest.Now().Add(-time.Duration(i*i) * time.Minute),
		FirstReceived: screentest.Now().Add(-time.Duration(i*i) * time.Minute / 2), ReceiveCount: 3 + i,
	}
	var envelope struct {
		WorkerID string          `json:"workerId"`
		JobID    string          `json:"jobId"`
		Input    json.RawMessage `json:"input"`
	}
	if err := json.Unmarshal([]byte(body), &envelope); err != nil {
		l.ParseErr = errors.New("line 1, column 1: this is not JSON")
		return l
	}
	l.Message = &dispatch.Message{WorkerID: envelope.WorkerID, JobID: envelope.JobID, Input: envelope.Input}
	return l
}

func letters() []letter.Letter {
	job := func(i int, input string) letter.Letter {
		return deadLetter(i, fmt.Sprintf(`{"workerId":"orders","jobId":"job-%d","input":%s,"context":{"requestId":"r-%d"},"metadata":{},"timestamp":"2026-03-02T03:04:05.000Z"}`, i, input, i))
	}
	tagged := job(1, `{"url":"https://media.example/one.mp4","tags":["a","b"],"retries":0,"fast":true,"note":null}`)
	tagged.Attributes = map[string]types.MessageAttributeValue{"source": {DataType: awssdk.String("String"), StringValue: awssdk.String("checkout")}}
	return []letter.Letter{
		tagged, job(2, `{"url":"https://media.example/two.mp4"}`), deadLetter(3, "hello,\nthis is no job"), job(4, `{"url":"https://slow.example/four.mp4"}`),
	}
}

func id(i int) string { return fmt.Sprintf("5f3c%04d-8d1e-4b2a-9c3d-0123456789ab", i) }

func newScreen(t *testing.T, e *engine, width, height int) (*deadletters.Screen, screen.Env) {
	t.Helper()
	env := screentest.Env(t)
	env.Data.Inventory = &aws.Inventory{Workers: []aws.Worker{{
		ID:    "orders",
		Queue: &aws.Queue{Name: "aiw-orders-demo", URL: "http://127.0.0.1:4566/000000000000/aiw-orders-demo"},
		DLQ:   &aws.Queue{Name: "aiw-orders-dlq-demo", Depth: aws.Depth{Visible: len(e.letters)}},
	}}}
	s := deadletters.New(env, e, screen.OpenDead{WorkerID: "orders"})
	t.Cleanup(s.Close)
	s.Update(screen.Resized{Width: width, Height: height})
	return s, env
}

// look opens the screen and lets the first look end.
func look(t *testing.T, e *engine, width, height int) *deadletters.Screen {
	t.Helper()
	s, _ := newScreen(t, e, width, height)
	screentest.Settle(s, s.Init())
	return s
}

// press presses keys and returns what was asked of the root by the last one.
func press(s *deadletters.Screen, keys string) []any {
	var out []any
	for key := range strings.FieldsSeq(keys) {
		out = nil
		for _, msg := range screentest.Settle(s, screentest.Press(s, key)) {
			out = append(out, msg)
		}
	}
	return out
}

// confirm presses keys that must lead to a question.
func confirm(t *testing.T, s *deadletters.Screen, keys string) screen.Confirm {
	t.Helper()
	msgs := press(s, keys)
	if len(msgs) != 1 {
		t.Fatalf("%s led to %v, want a question", keys, msgs)
	}
	ask, ok := msgs[0].(screen.Confirm)
	if !ok {
		t.Fatalf("%s led to %#v, want a question", keys, msgs[0])
	}
	return ask
}

func TestGolden(t *testing.T) {
	t.Parallel()
	states := map[string]struct {
		engine engine
		keys   string
		early  bool // before the first look has ended
	}{
		"loading": {early: true},
		"empty":   {},
		"data":    {engine: engine{letters: letters(), depth: 12}},
		"text":    {engine: engine{letters: letters()}, keys: "j j"},
		"warned":  {engine: engine{letters: letters(), warnings: []string{"aiw-orders-dlq-demo has a redrive policy of its own: after 5 receives a message goes on to aiw-graveyard"}}, keys: "space space / s l o w"},
		"denied":  {engine: engine{peekErr: errors.New("peek aiw-orders-dlq-demo in us-east-1: access denied: sqs:ReceiveMessage is missing from role ops-read")}},
	}
	for name, state := range states {
		for _, size := range [][2]int{{60, 15}, {80, 19}, {120, 35}} {
			t.Run(fmt.Sprintf("%s-%d", name, size[0]), func(t *testing.T) {
				t.Parallel()
				e := state.engine
				s, _ := newScreen(t, &e, size[0], size[1])
				cmd := s.Init()
				if !state.early {
					screentest.Settle(s, cmd)
				}
				press(s, state.keys)
				screentest.Golden(t, fmt.Sprintf("%s-%d", name, size[0]), s.View(size[0], size[1]), size[0], size[1])
			})
		}
	}
}

func TestReplayAsksWithCountAndTarget(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name, keys string
		verb       string
		says       []string
		ids        []string
		all        bool
	}{
		{"the one under the cursor", "j R", "Replay 1", []string{"aiw-orders-dlq-demo", "aiw-orders-demo", "demo in us-east-1"}, []string{id(2)}, false},
		{"the marked", "space space R", "Replay 2", nil, []string{id(1), id(2)}, false},
		{"marked and hidden by the filter", "space / s l o w enter R", "Replay 1", []string{"1 marked message is hidden"}, []string{id(1)}, false},
		{"inverted", "space i R", "Replay 3", []string{"1 message among them cannot be read as a job"}, []string{id(2), id(3), id(4)}, false},
		{"all marked in the filter", "/ t w o enter a R", "Replay 1", nil, []string{id(2)}, false},
		{"all", "A", "Replay 12", []string{"seen here or not"}, nil, true},
		{"all in the filter", "/ m e d i a enter A", "Replay 2", []string{`All that match "media"`}, []string{id(1), id(2)}, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			e := &engine{letters: letters(), depth: 12}
			s := look(t, e, 120, 35)
			ask := confirm(t, s, test.keys)
			text := ask.Title + "\n" + strings.Join(ask.Lines, "\n")
			if ask.Verb != test.verb {
				t.Errorf("the button says %q, want %q", ask.Verb, test.verb)
			}
			for _, want := range test.says {
				if !strings.Contains(text, want) {
					t.Errorf("the question does not say %q:\n%s", want, text)
				}
			}
			if len(e.asked) != 0 {
				t.Fatal("messages were replayed before anybody agreed")
			}
			screentest.Settle(s, ask.Write(""))
			if len(e.asked) != 1 || e.asked[0].All != test.all || !slices.Equal(e.asked[0].IDs, test.ids) {
				t.Errorf("replayed %+v, want ids %v, all %v", e.asked, test.ids, test.all)
			}
		})
	}
}

func tasks(msgs []any) (last screen.Task, refreshed bool) {
	for _, msg := range msgs {
		switch msg := msg.(type) {
		case screen.Task:
			last = msg
		case screen.Refresh:
			refreshed = true
		}
	}
	return last, refreshed
}

func TestReplayTellsWhatBecameOfEachMessage(t *testing.T) {
	t.Parallel()
	e := &engine{letters: letters(), fail: map[string]string{id(2): "send to aiw-orders-demo: throttled"}}
	s := look(t, e, 120, 35)
	ask := confirm(t, s, "a R")
	var msgs []any
	for _, msg := range screentest.Settle(s, ask.Write("")) {
		msgs = append(msgs, msg)
	}
	last, refreshed := tasks(msgs)
	if !last.Done || last.Err == nil || !strings.Contains(last.Err.Error(), "throttled") {
		t.Errorf("the last word is %+v, want the failure", last)
	}
	if !refreshed {
		t.Error("the depths were not read again after the replay")
	}
	frame := ansi.Strip(s.View(120, 35))
	if strings.Count(frame, "✓ replayed") != 4 { // three rows, and the body of the first
		t.Errorf("not every replayed message says so:\n%s", frame)
	}
	if !strings.Contains(frame, "✗ failed: send") {
		t.Errorf("the failed message does not say so:\n%s", frame)
	}
	// What was replayed is not replayed again; what failed may be.
	ask = confirm(t, s, "a R")
	screentest.Settle(s, ask.Write(""))
	if got := e.asked[1].IDs; !slices.Equal(got, []string{id(2)}) {
		t.Errorf("the second replay was of %v, want only the one that failed", got)
	}
}

func TestAReplayThatWorkedSaysSo(t *testing.T) {
	t.Parallel()
	e := &engine{letters: letters()}
	s := look(t, e, 80, 19)
	ask := confirm(t, s, "A")
	var msgs []any
	for _, msg := range screentest.Settle(s, ask.Write("")) {
		msgs = append(msgs, msg)
	}
	last, _ := tasks(msgs)
	if !last.Done || last.Err != nil || last.Text != "replayed 4 messages of orders" {
		t.Errorf("the last word is %+v", last)
	}
	if s.Busy() != "" {
		t.Errorf("still busy with %s", s.Busy())
	}
}

func TestAReplayCanBeStopped(t *testing.T) {
	t.Parallel()
	e := &engine{letters: letters(), hold: make(chan struct{})}
	s := look(t, e, 120, 35)
	ask := confirm(t, s, "A")
	// The first result comes, the second message waits.
	var stream []screen.Reply
	for _, msg := range screentest.Run(ask.Write("")) {
		if reply, ok := msg.(screen.Reply); ok {
			stream = append(stream, reply)
		}
	}
	if len(stream) != 1 {
		t.Fatalf("%d replies, want the first result", len(stream))
	}
	next := s.Update(stream[0])
	if busy := s.Busy(); !strings.Contains(busy, "a replay of 4 messages") {
		t.Errorf("busy with %q", busy)
	}
	for _, a := range s.Actions() {
		if slices.Contains(a.Keys, "R") && a.Refused == "" {
			t.Error("a second replay is not refused while one is under way")
		}
	}
	press(s, "X")
	var msgs []any
	for _, msg := range screentest.Settle(s, next) {
		msgs = append(msgs, msg)
	}
	last, _ := tasks(msgs)
	if !last.Done || last.Err != nil || last.Text != "replayed 1 message of orders, then stopped" {
		t.Errorf("the last word is %+v", last)
	}
}

func TestLookingAgain(t *testing.T) {
	t.Parallel()
	e := &engine{letters: letters()}
	s := look(t, e, 80, 19)
	press(s, "j r m")
	if !slices.Equal(e.limits, []int{50, 50, 100}) {
		t.Errorf("looked for %v messages, want 50, 50, 100", e.limits)
	}
	e.peekErr = errors.New("expired token")
	msgs := press(s, "r")
	if last, _ := tasks(msgs); last.Err == nil {
		t.Error("a look that failed is not in the error list")
	}
	frame := ansi.Strip(s.View(80, 19))
	if !strings.Contains(frame, "expired token") || !strings.Contains(frame, "job-1") {
		t.Errorf("want the error and the letters of before:\n%s", frame)
	}
	e.peekErr = nil
	press(s, "r")
	if frame := ansi.Strip(s.View(80, 19)); strings.Contains(frame, "expired token") {
		t.Errorf("the error is still shown after a look that worked:\n%s", frame)
	}
}

func TestLooksWhenTheStageIsKnown(t *testing.T) {
	t.Parallel()
	e := &engine{letters: letters()}
	s, env := newScreen(t, e, 80, 19)
	inventory := env.Data.Inventory
	env.Data.Inventory = nil
	screentest.Settle(s, s.Init())
	if e.peeks != 0 {
		t.Fatal("it looked before it knew where")
	}
	env.Data.Inventory = inventory
	screentest.Settle(s, s.Update(screen.DataChanged{}))
	screentest.Settle(s, s.Update(screen.DataChanged{}))
	if e.peeks != 1 {
		t.Errorf("%d looks, want 1: looking is not free", e.peeks)
	}
}

func TestFollowUps(t *testing.T) {
	t.Parallel()
	s := look(t, &engine{letters: letters()}, 80, 19)
	for keys, want := range map[string]any{
		"g l":   screen.OpenLogs{WorkerIDs: []string{"orders"}, JobID: "job-1", Since: screentest.Now().Add(-2 * time.Minute)},
		"g j e": screen.OpenDispatch{WorkerID: "orders", Input: `{"url":"https://media.example/two.mp4"}`},
		"g j y": screen.Copy{What: "the body of job-2", Text: letters()[1].Body},
	} {
		msgs := press(s, keys)
		if len(msgs) != 1 || fmt.Sprintf("%#v", msgs[0]) != fmt.Sprintf("%#v", want) {
			t.Errorf("%s asked for %#v, want %#v", keys, msgs, want)
		}
	}
	for _, a := range s.Actions() {
		if slices.Contains(a.Keys, "R") && !a.Writes {
			t.Error("replay is not marked as a write")
		}
	}
}

func TestTheBodyScrolls(t *testing.T) {
	t.Parallel()
	s := look(t, &engine{letters: letters()}, 80, 15)
	if frame := ansi.Strip(s.View(80, 15)); !strings.Contains(frame, "message") {
		t.Fatalf("the body does not begin with its fields:\n%s", frame)
	}
	press(s, "tab G")
	frame := ansi.Strip(s.View(80, 15))
	if !strings.Contains(frame, "timestamp") || !strings.Contains(frame, "▌ job-1") {
		t.Errorf("want the end of the body, and the cursor where it was:\n%s", frame)
	}
	press(s, "esc j")
	if frame := ansi.Strip(s.View(80, 15)); !strings.Contains(frame, "▌ job-2") {
		t.Errorf("the list has not the keys back:\n%s", frame)
	}
}

func TestHostileMessagesAreHarmless(t *testing.T) {
	t.Parallel()
	evil := "\x1b]52;c;cHduZWQ=\x07\x1b[2J\r\u202e\u009b31m\x00\ttext"
	list := letters()
	quoted, err := json.Marshal(map[string]string{"k\x1b[31m": evil})
	if err != nil {
		t.Fatal(err)
	}
	list[0].Body, list[0].Message.JobID, list[0].Message.WorkerID = string(quoted), evil, evil
	list[0].Message.Input = json.RawMessage("{\"a\":\"\u009b31m\u202e\"}")
	list[1].Body = "{\"a\":\"\u009b31m\u202e\u0085\"}"
	list[2].Body, list[2].ParseErr = evil+"\n"+evil, errors.New(evil)
	list[3].Attributes = map[string]types.MessageAttributeValue{evil: {StringValue: &evil}}
	for _, width := range []int{60, 80, 120} {
		s := look(t, &engine{letters: list, warnings: []string{evil}}, width, 30)
		for range list {
			screentest.Frame(t, s.View(width, 30), width, 30)
			press(s, "j")
		}
		ask := confirm(t, s, "R")
		_ = ask
	}
}

func TestALargeBody(t *testing.T) {
	t.Parallel()
	list := letters()
	list[0].Body = `{"data":"` + strings.Repeat("aé日", 1<<18) + `"}`
	s := look(t, &engine{letters: list}, 120, 35)
	screentest.Frame(t, s.View(120, 35), 120, 35)
	press(s, "tab G")
	screentest.Frame(t, s.View(120, 35), 120, 35)
}
