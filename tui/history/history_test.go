package history_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/x/ansi"
	"go.uber.org/goleak"

	"github.com/microfox-ai/aiwctl/aws"
	"github.com/microfox-ai/aiwctl/aws/audit"
	trail "github.com/microfox-ai/aiwctl/aws/history"
	"github.com/microfox-ai/aiwctl/tui/history"
	"github.com/microfox-ai/aiwctl/tui/screen"
	"github.com/microfox-ai/aiwctl/tui/screentest"
	"github.com/microfox-ai/aiwctl/tui/theme"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// paper is a trail in memory.
type paper struct {
	actions    []trail.Action
	unreadable []string
	err        error
	stampErr   error
	stamp      int
	reads      []int // how many were asked for
	everywhere bool
}

func (p *paper) Newest(_ context.Context, most int, everywhere bool) (trail.Page, error) {
	p.reads, p.everywhere = append(p.reads, most), everywhere
	if p.err != nil {
		return trail.Page{}, p.err
	}
	page := trail.Page{Unreadable: p.unreadable, UnreadableCount: len(p.unreadable)}
	for _, a := range p.actions {
		if !everywhere && a.Stage != "demo" {
			continue
		}
		if page.More = len(page.Actions) == most; page.More {
			break
		}
		page.Actions = append(page.Actions, a)
	}
	return page, nil
}

func (p *paper) Stamp() (string, error) { return fmt.Sprint(p.stamp), p.stampErr }

// action is one of this stage, some minutes ago.
func action(id, name, object string, minutes, done, failed int, ids ...string) trail.Action {
	at := screentest.Now().Add(-time.Duration(minutes) * time.Minute)
	outcome := audit.OutcomeDone
	if failed > 0 {
		outcome = audit.OutcomeFailed
	}
	return trail.Action{Entry: audit.Entry{Ended: new(at.Add(1200 * time.Millisecond)), Record: audit.Record{
		ID: id, Time: at, Who: "arn:aws:sts::000000000000:assumed-role/ops/kim", Account: "000000000000", Region: "us-east-1", Stage: "demo",
		Endpoint: "http://127.0.0.1:4566", Host: "desk", User: "kim", PID: 4711, Action: name, Object: object, Count: done + failed, IDs: ids,
		Outcome: outcome, Done: new(done), Failed: new(failed), DurationMS: 1200,
	}}}
}

// killed is an action without an end.
func killed(a trail.Action, remedy string) trail.Action {
	a.Ended, a.Outcome, a.Done, a.Failed, a.DurationMS = nil, audit.OutcomeNoEnd, nil, nil, 0
	a.Journal = "/home/kim/.local/state/aiwctl/journals/replay-orders-20260302.jsonl"
	a.Remedy = remedy
	return a
}

func week() *paper {
	failed := action("a3", "dlq.delete", "aiw-orders-dlq-demo", 60, 7, 3)
	failed.ErrorKind = string(aws.KindThrottled)
	other := action("a7", "dlq.replay", "aiw-orders-dlq-prod", 4000, 12, 0)
	other.Stage, other.Region, other.Endpoint = "prod", "eu-west-1", ""
	running := action("a0", "dlq.replay", "aiw-mail-dlq-demo", 0, 0, 0)
	running.Ended, running.Outcome, running.Count = nil, audit.OutcomeUnderWay, 400
	lost := killed(action("a5", "dlq.import", "aiw-mail-demo", 1500, 1, 0), "")
	lost.Journal, lost.Finished = "/x/import.jsonl", true
	return &paper{actions: []trail.Action{
		running,
		action("a1", "dispatch", "orders", 3, 1, 0, "job-1772420585000-k3x9q0a1b"),
		killed(action("a2", "dlq.replay", "aiw-orders-dlq-demo", 20, 2, 0, "5f3c0001", "5f3c0002"), "aiwctl dlq resume replay-orders-20260302"),
		failed,
		action("a4", "workers.pause", "orders", 125, 1, 0, "6f1d-uuid"),
		lost,
		action("a6", "dlq.replay", "aiw-mail-dlq-demo", 3000, 1, 0, "5f3c0009"),
		other,
	}}
}

// shown is a history screen.
type shown struct {
	*history.Screen
	t     testing.TB
	env   *screen.Env
	clock time.Time
}

func open(t testing.TB, p *paper) *shown {
	t.Helper()
	s := &shown{t: t, clock: screentest.Now()}
	env := screentest.Env(t)
	env.Now = func() time.Time { return s.clock }
	env.Data.Inventory = &aws.Inventory{Workers: []aws.Worker{
		{ID: "orders", Queue: &aws.Queue{Name: "aiw-orders-demo"}, DLQ: &aws.Queue{Name: "aiw-orders-dlq-demo"}},
		{ID: "mail", Queue: &aws.Queue{Name: "aiw-mail-demo"}, DLQ: &aws.Queue{Name: "aiw-mail-dlq-demo"}},
	}}
	s.env = &env
	var source history.Trail
	if p != nil {
		source = p
	}
	s.Screen = history.New(env, source, screen.OpenHistory{})
	t.Cleanup(s.Close)
	screentest.Settle(s.Screen, s.Init())
	return s
}

func (s *shown) press(keys ...string) []tea.Msg {
	var out []tea.Msg
	for _, key := range keys {
		names := []string{key}
		if typed, ok := strings.CutPrefix(key, "'"); ok {
			names = strings.Split(typed, "")
		}
		for _, name := range names {
			out = screentest.Settle(s.Screen, screentest.Press(s.Screen, name))
		}
	}
	return out
}

func (s *shown) tick(seconds int) {
	for range seconds {
		s.clock = s.clock.Add(time.Second)
		screentest.Settle(s.Screen, s.Update(screen.Tick{Now: s.clock}))
	}
}

func (s *shown) text() string { return ansi.Strip(s.View(200, 45)) }

func (s *shown) has(texts ...string) {
	s.t.Helper()
	for _, text := range texts {
		if !strings.Contains(s.text(), text) {
			s.t.Errorf("the screen does not say %q:\n%s", text, s.text())
		}
	}
}

func TestGolden(t *testing.T) {
	t.Parallel()
	states := map[string]struct {
		paper *paper
		keys  []string
		early bool
	}{
		"loading":   {paper: week(), early: true},
		"no-trail":  {},
		"empty":     {paper: &paper{}},
		"empty-all": {paper: &paper{}, keys: []string{"a"}},
		"data":      {paper: week()},
		"all":       {paper: week(), keys: []string{"a", "G"}},
		"failed":    {paper: week(), keys: []string{"f"}},
		"well":      {paper: &paper{actions: week().actions[3:5]}, keys: []string{"f", "j"}},
		"filter":    {paper: week(), keys: []string{"/", "'replay"}},
		"no-match":  {paper: week(), keys: []string{"/", "'zzz", "enter"}},
		"open":      {paper: week(), keys: []string{"j", "j", "enter"}},
		"corrupt":   {paper: &paper{actions: week().actions[1:2], unreadable: []string{"/home/kim/.local/state/aiwctl/audit.jsonl, byte 812", "…"}}},
		"denied":    {paper: &paper{err: fmt.Errorf("read the audit trail /home/kim/.local/state/aiwctl/audit.jsonl: %w", os.ErrPermission)}},
	}
	for name, state := range states {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var s *shown
			if state.early {
				env := screentest.Env(t)
				s = &shown{t: t, Screen: history.New(env, state.paper, screen.OpenHistory{})}
				t.Cleanup(s.Close)
				s.Init()
			} else {
				s = open(t, state.paper)
			}
			s.press(state.keys...)
			for _, size := range [][2]int{{60, 15}, {80, 19}, {120, 35}, {200, 45}} {
				s.Update(screen.Resized{Width: size[0], Height: size[1]})
				screentest.Golden(t, fmt.Sprintf("%s-%d", name, size[0]), s.View(size[0], size[1]), size[0], size[1])
			}
		})
	}
}

func TestKeys(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		keys []string
		want any
	}{
		"repeat a dispatch":    {[]string{"j", "R"}, screen.OpenDispatch{WorkerID: "orders"}},
		"its job":              {[]string{"j", "o"}, screen.OpenJob{JobID: "job-1772420585000-k3x9q0a1b", WorkerID: "orders", Since: screentest.Now().Add(-3 * time.Minute)}},
		"finish a replay":      {[]string{"j", "j", "R"}, screen.OpenReplay{Journal: "/home/kim/.local/state/aiwctl/journals/replay-orders-20260302.jsonl"}},
		"repeat a deletion":    {[]string{"j", "j", "j", "R"}, screen.OpenDead{WorkerID: "orders"}},
		"repeat a pause":       {[]string{"j", "j", "j", "j", "R"}, screen.OpenWorker{WorkerID: "orders"}},
		"repeat one message":   {[]string{"G", "R"}, screen.OpenDead{WorkerID: "mail", MessageID: "5f3c0009"}},
		"of another stage":     {[]string{"a", "G", "R"}, nil},
		"no job":               {[]string{"o"}, nil},
		"command":              {[]string{"G", "Y"}, screen.Copy{What: "the command", Text: "aiwctl dlq replay aiw-mail-dlq-demo --id 5f3c0009"}},
		"command of a pause":   {[]string{"G", "k", "k", "Y"}, screen.Copy{What: "the command", Text: "aiwctl workers pause orders"}},
		"command that ends it": {[]string{"j", "j", "Y"}, screen.Copy{What: "the command", Text: "aiwctl dlq resume replay-orders-20260302"}},
		"from the open one":    {[]string{"j", "enter", "R"}, screen.OpenDispatch{WorkerID: "orders"}},
		"filtered":             {[]string{"/", "'pause", "enter", "R"}, screen.OpenWorker{WorkerID: "orders"}},
		"found by an id":       {[]string{"/", "'k3x9q0", "enter", "o"}, screen.OpenJob{JobID: "job-1772420585000-k3x9q0a1b", WorkerID: "orders", Since: screentest.Now().Add(-3 * time.Minute)}},
		"worst first":          {[]string{"s", "s", "s", "s", "s", "g", "R"}, screen.OpenReplay{Journal: "/home/kim/.local/state/aiwctl/journals/replay-orders-20260302.jsonl"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			msgs := open(t, week()).press(test.keys...)
			var got any
			if len(msgs) > 0 {
				got = msgs[0]
			}
			if len(msgs) > 1 || !reflect.DeepEqual(got, test.want) {
				t.Errorf("%v led to %#v, want %#v", test.keys, msgs, test.want)
			}
		})
	}
}

// The action table is whole in every state, and commands can be made.
func TestActionTable(t *testing.T) {
	t.Parallel()
	for name, p := range map[string]*paper{"none": nil, "empty": {}, "data": week()} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := open(t, p)
			for _, keys := range [][]string{nil, {"j", "j"}, {"enter"}, {"esc", "/", "'orders", "enter"}} {
				s.press(keys...)
				taken := map[string]bool{}
				for _, a := range s.Actions() {
					for _, key := range a.Keys {
						if taken[key] {
							t.Errorf("%s has two meanings", key)
						}
						taken[key] = true
					}
					if !strings.HasSuffix(a.Help, ".") {
						t.Errorf("help of %v: %q", a.Keys, a.Help)
					}
					if a.Command != nil && !strings.HasPrefix(a.Command(), "aiwctl ") {
						t.Errorf("command of %s: %s", a.ID, a.Command())
					}
				}
			}
		})
	}
}

// A command is only given for what it would do again, no more.
func TestNoCommandForAPart(t *testing.T) {
	t.Parallel()
	part := action("a1", "dlq.delete", "aiw-orders-dlq-demo", 3, 400, 0, "m-1", "m-2")
	s := open(t, &paper{actions: []trail.Action{part}})
	i := slices.IndexFunc(s.Actions(), func(a screen.Action) bool { return a.ID == "copy-command" })
	if got := s.Actions()[i].Refused; got != "the trail does not have all it was done to" {
		t.Errorf("refused with %q", got)
	}
	s.press("enter")
	s.has("The first 2 of 400 it was written to:", "m-2")
}

// What a deployment did is shown like any other write, and says where it is done again.
func TestDeployments(t *testing.T) {
	t.Parallel()
	push := action("a1", "push", "aiw-demo", 3, 2, 0, "20261128T110203Z-9f2c41")
	s := open(t, &paper{actions: []trail.Action{push, action("a2", "push.adopt.switch", "orders", 5, 1, 0), action("a3", "what.else", "?", 6, 1, 0)}})
	s.has("push", "aiw-demo", "2 done", "push.adopt.switch", "what.else")
	for id, want := range map[string]string{
		"repeat":       "it was done to the whole stage: `aiwctl push status` shows what it is made of",
		"copy-command": "it was done where the code is: `aiwctl push` there does it again",
	} {
		i := slices.IndexFunc(s.Actions(), func(a screen.Action) bool { return a.ID == id })
		if got := s.Actions()[i].Refused; got != want {
			t.Errorf("%s: refused with %q", id, got)
		}
	}
	s.press("enter")
	s.has("20261128T110203Z-9f2c41")
}

// A write from here or from elsewhere shows within two seconds, and at once when a task
// ends; the cursor stays, and what is read whole is what it was.
func TestANewWriteShows(t *testing.T) {
	t.Parallel()
	p := week()
	s := open(t, p)
	s.press("j", "j")
	s.tick(10)
	if len(p.reads) != 1 {
		t.Errorf("read %d times although nothing was written", len(p.reads))
	}
	p.actions = append([]trail.Action{action("b1", "workers.resume", "mail", 0, 1, 0)}, p.actions...)
	p.stamp++
	s.tick(2)
	s.has("workers.resume")
	if len(p.reads) != 2 {
		t.Errorf("read %d times", len(p.reads))
	}
	if got := s.press("R"); !reflect.DeepEqual(got, []tea.Msg{screen.OpenReplay{Journal: week().actions[2].Journal}}) {
		t.Errorf("the cursor moved: %v", got)
	}
	s.press("enter")
	s.has("did not end (killed?)", "finish it")
	p.actions[3].Outcome, p.actions[3].Remedy, p.actions[3].Finished = audit.OutcomeNoEnd, "", true
	p.stamp++
	screentest.Settle(s.Screen, s.Update(screen.Task{ID: "resume", Done: true}))
	s.has("finished since")
}

func TestFailuresKeepWhatIsShown(t *testing.T) {
	t.Parallel()
	p := week()
	s := open(t, p)
	p.err = errors.New("read the audit trail: input/output error")
	s.press("r")
	s.has("input/output error", "workers.pause")
	p.err = nil
	p.stampErr = errors.New("stale file handle")
	s.press("r")
	s.has("stale file handle", "workers.pause")
	p.stampErr = nil
	s.press("r")
	if strings.Contains(s.text(), "stale file handle") {
		t.Error("the error stays although the trail was read")
	}
	// A reply of an older reading, or another screen's, says nothing.
	for _, reply := range []screen.Reply{{Owner: 1, Purpose: "read", Gen: 1}, {Owner: 9, Purpose: "read", Gen: 3}} {
		screentest.Settle(s.Screen, s.Update(reply))
	}
	s.has("workers.pause")
}

func TestMore(t *testing.T) {
	t.Parallel()
	p := &paper{}
	for i := range 3000 {
		p.actions = append(p.actions, action(fmt.Sprint("a", i), "dispatch", "orders", i, 1, 0, fmt.Sprint("job-", i)))
	}
	s := open(t, p)
	if got := s.Status(); !strings.Contains(got, "newest 500 actions") {
		t.Errorf("status %q", got)
	}
	s.press("m")
	s.press("m")
	if want := []int{500, 2000, 8000}; !slices.Equal(p.reads, want) || !strings.Contains(s.Status(), "3,000 actions") {
		t.Errorf("read %v, want %v; status %q", p.reads, want, s.Status())
	}
	s.press("m")
	if len(p.reads) != 3 {
		t.Error("read for more although there are no older ones")
	}
}

func TestCopyIsTheCommandsJSON(t *testing.T) {
	t.Parallel()
	s := open(t, week())
	msgs := s.press("j", "j", "y")
	var got struct {
		audit.Entry
		Remedy string `json:"remedy"`
	}
	if err := json.Unmarshal([]byte(msgs[0].(screen.Copy).Text), &got); err != nil || got.ID != "a2" || got.Remedy == "" || got.Outcome != audit.OutcomeNoEnd {
		t.Errorf("%v: %+v", err, got)
	}
}

func TestHostileTexts(t *testing.T) {
	t.Parallel()
	evil := "\x1b]52;c;ZXZpbA==\a\x1b[2J\u202eevil\r\n\tx"
	a := action(evil, evil, evil, 3, 1, 0, evil)
	a.Who, a.User, a.Host, a.Profile, a.ErrorKind, a.Outcome = evil, evil, evil, evil, evil, evil
	b := killed(a, "aiwctl dlq resume "+evil)
	b.ID, b.Journal = "b", evil
	s := open(t, &paper{actions: []trail.Action{a, b}, unreadable: []string{evil}})
	for _, keys := range [][]string{nil, {"enter"}, {"esc", "j", "enter"}, {"esc", "/", "'evil", "enter"}} {
		s.press(keys...)
		for _, size := range [][2]int{{60, 15}, {120, 35}, {300, 60}} {
			screentest.Frame(t, s.View(size[0], size[1]), size[0], size[1])
		}
	}
	for _, key := range []string{"y", "Y"} {
		for _, msg := range s.press(key) {
			if text := msg.(screen.Copy).Text; strings.ContainsAny(text, "\x1b\a\u202e\r") {
				t.Errorf("%s copied %q", key, text)
			}
		}
	}
	screentest.Harmless(t, s.Title()+s.Status())
}

func TestThemesAndSizes(t *testing.T) {
	t.Parallel()
	s := open(t, week())
	coloured := ansi.Strip(s.View(120, 35))
	*s.env.Theme = *theme.NewMono(true)
	s.Update(screen.ThemeChanged{})
	if got := ansi.Strip(s.View(120, 35)); got != coloured {
		t.Errorf("without colours the frame says something else:\n%s", got)
	}
	if ascii := theme.ToASCII(coloured); strings.ContainsFunc(ascii, func(r rune) bool { return r > 0x7e }) {
		t.Errorf("not ASCII:\n%s", ascii)
	}
	for width := 60; width <= 300; width += 9 {
		for height := 10; height <= 60; height += 7 {
			screentest.Frame(t, s.View(width, height), width, height)
		}
	}
}

// The real trail: what is written to it while it is shown.
func TestTheTrailOfThisMachine(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "audit.jsonl")
	target := aws.Target{Stage: "demo", Region: "us-east-1", EndpointURL: "http://127.0.0.1:4566"}
	s := &shown{t: t, clock: screentest.Now()}
	env := screentest.Env(t)
	env.Now = func() time.Time { return s.clock }
	s.Screen = history.New(env, trail.Trail{Path: path, Target: target}, screen.OpenHistory{})
	t.Cleanup(s.Close)
	screentest.Settle(s.Screen, s.Init())
	s.has("Nothing was written to this stage")
	log := audit.New(path)
	record := action("x1", "dispatch", "orders", 1, 1, 0, "job-1").Record
	record.Event, record.Outcome, record.PID, record.Host = audit.EventBegin, "", 1, "another"
	other := record
	other.ID, other.Stage, other.Object = "x2", "prod", "payments"
	for _, r := range []audit.Record{record, other} {
		if err := log.Append(r); err != nil {
			t.Fatal(err)
		}
	}
	s.tick(3)
	s.has("dispatch", "orders", "did not end (killed?)", "1 action did not end")
	if strings.Contains(s.text(), "payments") {
		t.Error("another stage's action is shown")
	}
	record.Event, record.Outcome = audit.EventEnd, audit.OutcomeDone
	if err := log.Append(record); err != nil {
		t.Fatal(err)
	}
	s.tick(3)
	s.has("1 done")
	s.press("a")
	s.has("payments")
}

// BenchmarkView is a key and the frame after it with 20,000 actions, at 200x50.
func BenchmarkView(b *testing.B) {
	p := &paper{}
	for i := range 20_000 {
		p.actions = append(p.actions, action(fmt.Sprint("a", i), "dispatch", "orders", i, 1, 0, fmt.Sprint("job-", i)))
	}
	s := open(b, p)
	s.press("m", "m", "m")
	cost := screentest.Cost(b)
	for i := 0; b.Loop(); i++ {
		s.press([]string{"j", "k"}[i%2])
		_ = s.View(200, 45)
	}
	cost()
}
