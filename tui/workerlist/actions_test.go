package workerlist_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/x/ansi"
	"go.uber.org/goleak"

	"github.com/microfox-ai/aiwctl/aws"
	"github.com/microfox-ai/aiwctl/tui/screen"
	"github.com/microfox-ai/aiwctl/tui/screentest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// fakeStage pauses in two steps, as AWS does.
type fakeStage struct {
	asked []aws.PauseRequest
	stage string // what was confirmed
	err   error
	same  bool // nothing had to be changed
}

func (f *fakeStage) Pause(ctx context.Context, r aws.PauseRequest) (aws.PauseResult, error) {
	f.asked = append(f.asked, r)
	f.stage, _ = aws.Confirmed(ctx)
	if f.err != nil {
		return aws.PauseResult{}, f.err
	}
	under, done := "Disabling", "Disabled"
	if r.Resume {
		under, done = "Enabling", "Enabled"
	}
	if !f.same {
		r.OnState(under)
		r.OnState(under)
	}
	r.OnState(done)
	return aws.PauseResult{WorkerID: r.Worker.ID, Changed: !f.same, Mappings: []aws.MappingState{{State: done}}}, nil
}

// question is what a key asks.
func question(t *testing.T, s screen.Screen, key string) screen.Confirm {
	t.Helper()
	msgs := screentest.Settle(s, screentest.Press(s, key))
	if len(msgs) == 1 {
		if ask, ok := msgs[0].(screen.Confirm); ok {
			return ask
		}
	}
	t.Fatalf("%s brought %v, want a question", key, msgs)
	return screen.Confirm{}
}

// tasks are the task lines among messages.
func tasks(msgs []tea.Msg) string {
	var out []string
	for _, msg := range msgs {
		if task, ok := msg.(screen.Task); ok {
			text := task.Text
			if task.Err != nil {
				text += ": " + task.Err.Error()
			}
			out = append(out, text)
		}
	}
	return strings.Join(out, "\n")
}

func TestPauseAndResume(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name, keys string
		stage      fakeStage
		title      string
		command    string
		want       string
	}{
		{
			"pause", "/ e c h o enter",
			fakeStage{},
			"Pause echo?", "aiwctl workers pause echo",
			"pause echo: AWS has accepted it, the mapping is disabling\necho is paused: its mapping is disabled",
		},
		{
			"resume", "/ o r d e r s enter",
			fakeStage{},
			"Resume orders?", "aiwctl workers resume orders",
			"resume orders: AWS has accepted it, the mapping is enabling\norders is resumed: its mapping is enabled",
		},
		{
			"already", "/ e c h o enter",
			fakeStage{same: true},
			"Pause echo?", "aiwctl workers pause echo",
			"pause echo: AWS has accepted it, the mapping is disabled\necho was paused already: its mapping is disabled",
		},
		{"refused", "/ e c h o enter", fakeStage{err: errors.New("denied")}, "Pause echo?", "aiwctl workers pause echo", "pause echo: denied"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			fake := test.stage
			s, _ := newScreenOn(t, stage(), &fake, 120, 35)
			for key := range strings.FieldsSeq(test.keys) {
				screentest.Settle(s, screentest.Press(s, key))
			}
			ask := question(t, s, "P")
			if ask.Title != test.title || ask.Command != test.command || ask.Write == nil || ask.Yes != nil {
				t.Errorf("asked %+v", ask)
			}
			if text := strings.Join(ask.Lines, "\n"); !strings.Contains(text, "demo in us-east-1 at 127.0.0.1:4566, account 000000000000") {
				t.Errorf("the question does not say where: %s", text)
			}
			if len(fake.asked) != 0 {
				t.Fatal("it was done before the question was answered")
			}
			msgs := screentest.Settle(s, ask.Write("demo"))
			if got := tasks(msgs); got != test.want {
				t.Errorf("said:\n%s\nwant:\n%s", got, test.want)
			}
			if fake.stage != "demo" || len(fake.asked) != 1 || !fake.asked[0].Wait || fake.asked[0].Resume != (test.name == "resume") {
				t.Errorf("asked AWS %+v, confirmed %q", fake.asked, fake.stage)
			}
			if s.Busy() != "" {
				t.Errorf("still busy with %q", s.Busy())
			}
		})
	}
}

func TestWhatCannotBeDoneSaysWhy(t *testing.T) {
	t.Parallel()
	s, _ := newScreen(t, stage(), 120, 35)
	screentest.Press(s, "G") // search: no mapping, no function, no dead-letter queue
	refused := map[string]string{}
	for _, a := range s.Actions() {
		refused[a.ID] = a.Refused
	}
	for id, want := range map[string]string{
		"pause-worker": "no event source mapping of search is known", "logs": "function of search is not known",
		"dead-letters": "search has no dead-letter queue", "findings": "nothing is wrong",
		"worker": "", "dispatch": "",
	} {
		if got := refused[id]; !strings.Contains(got, want) || (got == "") != (want == "") {
			t.Errorf("%s is refused with %q, want %q", id, got, want)
		}
	}
}

func TestActionsHaveIDsAndCommands(t *testing.T) {
	t.Parallel()
	s, _ := newScreen(t, stage(), 120, 35)
	screentest.Press(s, "space")
	screentest.Press(s, "space")
	seen := map[string]bool{}
	commands := map[string]string{}
	for _, a := range s.Actions() {
		if a.Run != nil && (a.ID == "" || seen[a.ID]) {
			t.Errorf("action %v has the id %q", a.Keys, a.ID)
		}
		seen[a.ID] = true
		if a.Command != nil {
			commands[a.ID] = a.Command()
		}
	}
	want := map[string]string{
		"worker": "aiwctl workers describe orders", "dispatch": "aiwctl dispatch orders", "logs": "aiwctl logs invoices mail -f",
		"dead-letters": "aiwctl dlq peek orders", "findings": "aiwctl workers", "pause-worker": "aiwctl workers resume orders",
	}
	if fmt.Sprint(commands) != fmt.Sprint(want) {
		t.Errorf("commands %v\nwant     %v", commands, want)
	}
}

func withFindings(env screen.Env) {
	load(env, stage()[:3])
	env.Data.Inventory.Findings = []aws.Problem{
		{Severity: "error", Kind: aws.FindingChainStep, Object: "nightly", Text: "step 2 of chain nightly is worker \"mail\x1b[31m\", which workers/config does not list: the run ends there, and its job stays as it is; deploy that worker, or correct the chain"},
		{Severity: "warning", Kind: aws.FindingOrphanDLQ, Object: "aiw-old-dlq-demo", Text: "aiw-old-dlq-demo is a dead-letter queue of no worker"},
	}
	env.Data.Inventory.Warnings = []error{errors.New("read workers/config: 401 Unauthorized")}
	env.Data.Inventory.Chains = []aws.Chain{{ID: "nightly", Steps: []aws.ChainStep{{WorkerID: "echo"}, {WorkerID: "mail\x1b[2J", RequiresApproval: true}}, Schedules: []aws.ChainSchedule{{Rate: "rate(1 day)"}}}}
}

func TestFindingsPanel(t *testing.T) {
	t.Parallel()
	for _, size := range [][2]int{{60, 15}, {80, 19}, {120, 35}, {200, 45}} {
		s, env := newScreen(t, nil, size[0], size[1])
		withFindings(env)
		s.Update(screen.DataChanged{})
		if got := screentest.Settle(s, screentest.Press(s, "f")); len(got) != 0 {
			t.Errorf("f brought %v", got)
		}
		screentest.Golden(t, fmt.Sprintf("findings-panel-%d", size[0]), s.View(size[0], size[1]), size[0], size[1])
		screentest.Press(s, "G")
		if frame := ansi.Strip(s.View(size[0], size[1])); !strings.Contains(frame, "rate(1 day)") {
			t.Errorf("G does not show the end:\n%s", frame)
		}
		// The keys of the list do nothing behind it.
		for _, key := range []string{"d", "x", "l", "enter", "space", "P", "j", "k"} {
			if got := screentest.Settle(s, screentest.Press(s, key)); len(got) != 0 {
				t.Errorf("%s brought %v", key, got)
			}
		}
		if got := screentest.Settle(s, screentest.Press(s, "y")); len(got) != 1 || strings.ContainsRune(got[0].(screen.Copy).Text, '\x1b') || !strings.Contains(got[0].(screen.Copy).Text, "aiw-old-dlq-demo") {
			t.Errorf("y brought %v", got)
		}
		screentest.Press(s, "esc")
		if frame := ansi.Strip(s.View(size[0], size[1])); !strings.Contains(frame, "WORKER") {
			t.Errorf("esc does not go back:\n%s", frame)
		}
	}
}

func TestKeepAndRestore(t *testing.T) {
	t.Parallel()
	s, _ := newScreen(t, stage(), 120, 35)
	for key := range strings.FieldsSeq("/ e enter s S j j") {
		screentest.Settle(s, screentest.Press(s, key))
	}
	before := s.Status()
	want := screentest.Settle(s, screentest.Press(s, "d"))
	// Another one, whose stage has not been read yet.
	again, env := newScreen(t, nil, 120, 35)
	again.Restore(s.Keep())
	again.Restore("nonsense")
	load(env, stage())
	again.Update(screen.DataChanged{})
	if got := screentest.Settle(again, screentest.Press(again, "d")); fmt.Sprint(got) != fmt.Sprint(want) || again.Status() != before {
		t.Errorf("after Restore d opens %v, %s; want %v, %s", got, again.Status(), want, before)
	}
}

// A change stays marked for some readings, and one that was taken back is none.
func TestArrowsStay(t *testing.T) {
	t.Parallel()
	s, env := newScreen(t, nil, 120, 20)
	arrows := ""
	for _, n := range []int{5, 5, 9, 9, 9, 9, 9, 9, 4, 9, 9} {
		load(env, []aws.Worker{worker("w", n, 0, 0, 0)})
		s.Update(screen.DataChanged{})
		frame := ansi.Strip(s.View(120, 20))
		switch {
		case strings.Contains(frame, "▲"):
			arrows += "^"
		case strings.Contains(frame, "▼"):
			arrows += "v"
		default:
			arrows += "-"
		}
	}
	if arrows != "--^^^^--v--" {
		t.Errorf("arrows %s", arrows)
	}
}

// At rest nothing moves: the same reading again is the same frame, and the trend moves
// once a minute.
func TestAtRestTheFrameStays(t *testing.T) {
	t.Parallel()
	s, env := newScreen(t, stage(), 200, 45)
	load(env, stage())
	s.Update(screen.DataChanged{})
	before := s.View(200, 45)
	for range 5 {
		load(env, stage())
		s.Update(screen.DataChanged{})
		s.Update(screen.Tick{Now: env.Now()})
	}
	if s.View(200, 45) != before {
		t.Error("the frame changed although nothing did")
	}
}

// Until a discovery has seen it, the row says what AWS has said, and P undoes it.
func TestAfterAPauseTheRowWaitsForTheReading(t *testing.T) {
	t.Parallel()
	s, env := newScreen(t, []aws.Worker{worker("echo", 0, 0, 0, 0)}, 120, 20)
	label := func() string {
		for _, a := range s.Actions() {
			if a.ID == "pause-worker" {
				return a.Label + a.Refused
			}
		}
		return ""
	}
	said := func() string { return strings.Split(ansi.Strip(s.View(120, 20)), "\n")[1] }
	screentest.Settle(s, question(t, s, "P").Write(""))
	s.Update(screen.DataChanged{}) // depths only: the mapping is as it was
	if got := said(); !strings.Contains(got, " disabled · ") || label() != "resume worker" {
		t.Errorf("after the pause: %s, %s", got, label())
	}
	w := worker("echo", 0, 0, 0, 0)
	w.Mapping.State = "Disabled"
	load(env, []aws.Worker{w})
	s.Update(screen.DataChanged{})
	if got := said(); strings.Contains(got, " disabled · ") || !strings.Contains(got, "paused: mapping disabled") || label() != "resume worker" {
		t.Errorf("after the reading: %s, %s", got, label())
	}
	w = worker("echo", 0, 0, 0, 0) // somebody else resumed it
	load(env, []aws.Worker{w})
	s.Update(screen.DataChanged{})
	if got := said(); !strings.Contains(got, " idle ") || label() != "pause worker" {
		t.Errorf("later: %s, %s", got, label())
	}
}
