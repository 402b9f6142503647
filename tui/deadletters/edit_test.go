package deadletters_test

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	tea "charm.land/bubbletea/v2"

	"github.com/microfox-ai/aiwctl/aws/redrive"
	"github.com/microfox-ai/aiwctl/tui/deadletters"
	"github.com/microfox-ai/aiwctl/tui/screen"
	"github.com/microfox-ai/aiwctl/tui/screentest"
)

func TestEditing(t *testing.T) {
	t.Parallel()
	in(t, full(), func(p *person) {
		p.Press("t j j j j") // job-5, whose url is a number
		p.says("✗ input does not fit")
		p.Press("e")
		p.says("line 2: /url must be a string", "✗ 1 violation", "nothing changed so far")
		p.Press(`ctrl+k " f i n e "`)
		p.says("✓ fits the schema", "-   \"url\": 13", "+   \"url\": \"fine\"", "-1 +1")
		p.Press("ctrl+s")
		p.says("✓ edited, runs", "1 edited")
		p.Press("R")
		plan := p.plan()
		want := strings.Replace(letters()[4].Body, `{"url":13}`, `{"url":"fine"}`, 1)
		if len(plan.Edited) != 1 || plan.Edited[0].ID != id(5) || plan.Edited[0].Body != want {
			t.Errorf("asked for %+v, want the body with nothing but the input changed", plan)
		}
		// The edits go along with all that is replayed together.
		p.Press("A")
		if plan := p.plan(); plan.All || len(plan.IDs) != 6 || len(plan.Edited) != 1 {
			t.Errorf("all is %+v, want those seen, with the edit", plan)
		}
		p.Press("u")
		p.says("✗ input does not fit")
		p.Press("u")
		p.says("✓ edited, runs")
		p.Send(screen.Fates{WorkerID: "orders", Fates: []screen.Fate{{MessageID: id(5), Status: redrive.StatusReplayed, NewMessageID: "new-5"}}})
		p.says("✓ replayed")
		if strings.Contains(p.s.Status(), "edited") {
			t.Error("the edit outlived its replay")
		}
		for _, a := range p.s.Actions() {
			if a.ID == "replay" && a.Refused == "" {
				t.Error("what was moved can be asked for again")
			}
		}
	})
}

func TestAnEditOutlivesTheScreenAndALook(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		e, edits := full(), deadletters.NewEdits()
		p := screentest.Drive(t, newScreen(t, e, edits), 120, 35)
		p.Press("t e x")
		s := newScreen(t, e, edits)
		p2 := screentest.Drive(t, s, 120, 35)
		if got := s.Status(); strings.Contains(got, "edited") {
			t.Errorf("the first screen is still in the editor: %s", got)
		}
		p.Press("esc")
		p2.Press("t r")
		if got := s.Status(); !strings.Contains(got, "1 edited") {
			t.Errorf("the status says %q", got)
		}
		p2.Press("R")
		if task, ok := p2.Last().(screen.Task); !ok || task.Err == nil || !strings.Contains(task.Err.Error(), "not JSON") {
			t.Errorf("an edit that is no JSON led to %#v", p2.Last())
		}
	})
}

func TestAnEditThatIsNoJSONStaysInTheEditor(t *testing.T) {
	t.Parallel()
	in(t, full(), func(p *person) {
		p.Press("t e { ctrl+s")
		p.says("not JSON yet: esc leaves it as it is")
		if !p.s.Typing() {
			t.Fatal("the editor closed")
		}
		p.Press("esc")
		p.says("✗ edited, not JSON")
		p.Press("e")
		p.says("not JSON yet")
	})
}

func TestWhatIsNoJobIsEditedWhole(t *testing.T) {
	t.Parallel()
	in(t, full(), func(p *person) {
		p.Press("t j j e X ctrl+s R")
		if plan := p.plan(); len(plan.Edited) != 1 || plan.Edited[0].Body != "X"+letters()[2].Body {
			t.Errorf("asked for %+v", plan)
		}
	})
}

func TestALargeBody(t *testing.T) {
	t.Parallel()
	list := letters()
	list[0] = job(1, `{"data":"`+strings.Repeat("aé日", 1<<16)+`"}`)
	in(t, &engine{letters: list}, func(p *person) {
		p.Press("t")
		screentest.Frame(t, p.s.View(120, 35), 120, 35)
		p.Press("tab G esc e x")
		p.Pass(time.Second)
		screentest.Frame(t, p.s.View(120, 35), 120, 35)
	})
}

// The person's own editor gets the input and gives it back; what it fails at loses
// nothing.
func TestTheOwnEditor(t *testing.T) {
	t.Parallel()
	for editor, want := range map[string]string{
		`sed -i.bak 's/13/"good"/'`: `+   "url": "good"`,
		"false":                     "set EDITOR to another one",
	} {
		synctest.Test(t, func(t *testing.T) {
			is := env(t, 6)
			is.Getenv = func(name string) string { return map[string]string{"EDITOR": editor}[name] }
			is.Exec = func(cmd tea.ExecCommand, then tea.ExecCallback) tea.Cmd {
				return func() tea.Msg { return then(cmd.Run()) }
			}
			s := deadletters.New(is, full(), deadletters.NewEdits(), screen.OpenDead{WorkerID: "orders"})
			p := person{screentest.Drive(t, s, 120, 35), t, s}
			p.Press("t j j j j e ctrl+e")
			p.Pass(10 * time.Second)
			p.says(want, "input of job-5")
		})
	}
}
