package stages_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/x/ansi"
	"go.uber.org/goleak"

	"github.com/microfox-ai/aiwctl/aws"
	"github.com/microfox-ai/aiwctl/tui/screen"
	"github.com/microfox-ai/aiwctl/tui/screentest"
	"github.com/microfox-ai/aiwctl/tui/stages"
	"github.com/microfox-ai/aiwctl/tui/theme"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func offer() stages.Offer {
	return stages.Offer{
		File: "/home/ada/.config/aiwctl/config.yaml", Exists: true,
		Stages: []stages.Stage{
			{
				Choice: screen.Choice{Stage: "checkout"}, Name: "checkout", Stage: "prod", Profile: "ops", Region: "eu-west-1", Service: "checkout",
				Account: "111122223333", Protected: true, Default: true,
			},
			{Choice: screen.Choice{Stage: "billing"}, Name: "billing", Stage: "prod", Profile: "finance", Region: "eu-west-1", Account: "444455556666", Protected: true, ReadOnly: true},
			{Choice: screen.Choice{Stage: "qa"}, Name: "qa", Stage: "qa", Profile: "ops-qa", Region: "eu-central-1", ReadOnly: true},
			{Choice: screen.Choice{Stage: "lost"}, Name: "lost", Stage: "lost", Profile: "gone", Problem: `open the stage: there is no profile "gone"`},
			{Choice: screen.Choice{Stage: "mine"}, Name: "mine", Stage: "mine", Region: "us-east-1", Endpoint: "http://127.0.0.1:4566"},
		},
		Profiles: []stages.Profile{{Name: "default", Region: "us-east-1"}, {Name: "ops", Region: "eu-west-1", Account: "111122223333"}, {Name: "sandbox"}},
	}
}

type picker struct {
	t *testing.T
	s *stages.Screen
	w int
	h int
	// out are the messages for the root.
	out []tea.Msg
}

func open(t *testing.T, env screen.Env, cfg stages.Config, width, height int) *picker {
	t.Helper()
	s := stages.New(env, cfg)
	t.Cleanup(s.Close)
	s.Update(screen.Resized{Width: width, Height: height})
	p := &picker{t: t, s: s, w: width, h: height}
	p.out = screentest.Settle(s, s.Init())
	return p
}

func (p *picker) press(keys ...string) {
	for _, key := range keys {
		p.out = append(p.out, screentest.Settle(p.s, screentest.Press(p.s, key))...)
	}
}

func (p *picker) frame() string {
	p.t.Helper()
	frame := p.s.View(p.w, p.h)
	screentest.Frame(p.t, frame, p.w, p.h)
	return ansi.Strip(frame)
}

func offers(o stages.Offer, err error) func(context.Context) (stages.Offer, error) {
	return func(context.Context) (stages.Offer, error) { return o, err }
}

// config is that of a console on qa.
func config() stages.Config {
	return stages.Config{Offers: offers(offer(), nil), Current: screen.Choice{Stage: "qa"}, Accounts: map[screen.Choice]string{{Stage: "mine"}: "000000000000"}}
}

func TestGolden(t *testing.T) {
	t.Parallel()
	expired := &aws.CredentialsError{Profile: "ops", Expired: true, Remedy: "the SSO session has expired or was never begun: run `aws sso login --profile ops`", Err: errors.New("token has expired")}
	for name, state := range map[string]struct {
		cfg     func(*stages.Config)
		prepare func(*picker)
	}{
		"list":    {},
		"problem": {prepare: func(p *picker) { p.press("j") }},
		"filter":  {prepare: func(p *picker) { p.press("/", "o", "p", "s") }},
		"nothing": {prepare: func(p *picker) { p.press("/", "z", "z", "enter") }},
		"empty": {cfg: func(c *stages.Config) {
			c.Offers, c.Current = offers(stages.Offer{File: "/home/ada/.config/aiwctl/config.yaml"}, nil), screen.Choice{Begun: true, Stage: "demo"}
		}},
		"broken": {cfg: func(c *stages.Config) {
			c.Offers = offers(stages.Offer{}, errors.New("/home/ada/.config/aiwctl/config.yaml:3:1: a stage has no key \"regoin\"; did you mean region?"))
		}},
		"fixed": {cfg: func(c *stages.Config) {
			c.Offers, c.Fixed, c.Current = nil, true, screen.Choice{Begun: true, Stage: "demo"}
		}},
		"connecting": {prepare: func(p *picker) {
			p.s.Update(screen.Switching{Choice: screen.Choice{Stage: "checkout"}, Since: screentest.Now().Add(-4 * time.Second)})
		}},
		"failed": {prepare: func(p *picker) {
			p.s.Update(screen.Switching{Choice: screen.Choice{Stage: "checkout"}, Err: expired})
		}},
		"form": {prepare: func(p *picker) { p.press("G", "enter", "tab", "tab", "e", "u") }},
		"form-wrong": {prepare: func(p *picker) {
			p.press("n", "tab", "tab", "ctrl+u", "E", "U", "enter")
		}},
		"form-failed": {prepare: func(p *picker) {
			p.press("n")
			p.s.Update(screen.Switching{Choice: screen.Choice{Stage: "checkout"}, Err: expired})
		}},
	} {
		for _, size := range [][2]int{{60, 20}, {80, 24}, {120, 40}, {200, 50}} {
			t.Run(fmt.Sprintf("%s-%d", name, size[0]), func(t *testing.T) {
				t.Parallel()
				cfg := config()
				if state.cfg != nil {
					state.cfg(&cfg)
				}
				p := open(t, screentest.Env(t), cfg, size[0], size[1]-5)
				if state.prepare != nil {
					state.prepare(p)
				}
				screentest.Golden(t, fmt.Sprintf("%s-%d", name, size[0]), p.s.View(p.w, p.h), p.w, p.h)
			})
		}
	}
}

func TestLoading(t *testing.T) {
	t.Parallel()
	s := stages.New(screentest.Env(t), config())
	defer s.Close()
	s.Init() // what it starts has not come back
	screentest.Golden(t, "loading-80", s.View(80, 19), 80, 19)
}

func TestKeys(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		keys string
		want string // what the root is asked for, as %+v has it
		says string // on the screen
	}{
		// The cursor begins on the stage that is shown.
		{"enter", "SwitchStage{Choice:{Stage:qa}}", ""},
		{"g enter", "SwitchStage{Choice:{Stage:checkout}}", ""},
		{"/ b i l l enter enter", "SwitchStage{Choice:{Stage:billing}}", ""},
		{"/ q esc enter", "SwitchStage{Choice:{Stage:qa}}", ""},
		{"/ z z z enter esc enter", "SwitchStage{Choice:{Stage:qa}}", ""}, // esc clears the filter
		{"g y", "Copy{What:the command for checkout Text:aiwctl --stage checkout}", ""},
		{"G enter", "", "Another stage"}, // a profile is no stage yet
		{"G enter enter", "SwitchStage{Choice:{Profile:sandbox}}", ""},
		{"G enter l i v e tab tab e u - c tab enter", "SwitchStage{Choice:{Stage:live Profile:sandbox Region:eu-central-1}}", ""},
		{"G k enter enter", "SwitchStage{Choice:{Profile:ops Region:eu-west-1}}", ""},
		{"n ctrl+u c h e tab enter", "SwitchStage{Choice:{Stage:checkout}}", ""},
		{"n ctrl+u enter", "", "name a stage, a profile, a region or an endpoint"},
		{"n a space b enter", "", "a name has no spaces"},
		{"n down down E U enter", "", "a region is written like eu-west-1"},
		{"n up f t p enter", "", "an endpoint is an http or https URL"},
		{"n down down down shift+tab e u - w e s t - 3 enter", "SwitchStage{Choice:{Stage:qa Region:eu-west-3}}", ""},
		{"n esc enter", "SwitchStage{Choice:{Stage:qa}}", ""},
		{"n q", "", "qaq"}, // a letter of a name like any other
	} {
		t.Run(test.keys, func(t *testing.T) {
			t.Parallel()
			p := open(t, screentest.Env(t), config(), 120, 35)
			p.press(strings.Fields(test.keys)...)
			got := ""
			for _, msg := range p.out {
				got += said(msg)
			}
			if got != test.want {
				t.Errorf("asked for %q, want %q", got, test.want)
			}
			if frame := p.frame(); !strings.Contains(frame, test.says) {
				t.Errorf("%q is not in:\n%s", test.says, frame)
			}
		})
	}
}

// said is a message without what is empty.
func said(msg tea.Msg) string {
	switch msg := msg.(type) {
	case screen.SwitchStage:
		var parts []string
		for _, f := range []struct{ name, value string }{
			{"Stage", msg.Choice.Stage}, {"Profile", msg.Choice.Profile}, {"Region", msg.Choice.Region}, {"EndpointURL", msg.Choice.EndpointURL},
		} {
			if f.value != "" {
				parts = append(parts, f.name+":"+f.value)
			}
		}
		return "SwitchStage{Choice:{" + strings.Join(parts, " ") + "}}"
	case screen.Copy:
		return fmt.Sprintf("Copy%+v", msg)
	}
	return fmt.Sprintf("%T%+v", msg, msg)
}

func TestEscGivesUpConnecting(t *testing.T) {
	t.Parallel()
	for _, keys := range []string{"esc", "n esc", "/ q enter esc"} {
		p := open(t, screentest.Env(t), config(), 120, 35)
		fields := strings.Fields(keys)
		p.press(fields[:len(fields)-1]...)
		p.s.Update(screen.Switching{Choice: screen.Choice{Stage: "checkout"}, Since: screentest.Now()})
		p.press("esc")
		if len(p.out) != 1 || p.out[0] != tea.Msg(screen.CancelSwitch{}) {
			t.Errorf("%s: the root was asked for %v", keys, p.out)
		}
		p.s.Update(screen.Switching{})
		if frame := p.frame(); strings.Contains(frame, "connecting") {
			t.Errorf("%s: it was given up and still says that it connects:\n%s", keys, frame)
		}
	}
}

// A console that has one stage says so and offers nothing.
func TestFixed(t *testing.T) {
	t.Parallel()
	env := screentest.Env(t)
	p := open(t, env, stages.Config{Fixed: true, Current: screen.Choice{Begun: true, Stage: "demo"}}, 100, 20)
	for _, a := range p.s.Actions() {
		if (a.ID == "open" || a.ID == "other") && a.Refused == "" {
			t.Errorf("%s is not refused", a.ID)
		}
		if a.Command != nil {
			t.Errorf("%s has a command, which would open another stage", a.ID)
		}
	}
	if frame := p.frame(); !strings.Contains(frame, "demo") || !strings.Contains(frame, "there is no other to go to") {
		t.Errorf("it does not say so:\n%s", frame)
	}
}

// What was read stays when reading it again fails; late replies are dropped.
func TestReadAgain(t *testing.T) {
	t.Parallel()
	failing := false
	cfg := config()
	cfg.Offers = func(context.Context) (stages.Offer, error) {
		if failing {
			return stages.Offer{}, errors.New("config.yaml:3:1: this is no YAML")
		}
		return offer(), nil
	}
	p := open(t, screentest.Env(t), cfg, 120, 35)
	failing = true
	p.press("r")
	if frame := p.frame(); !strings.Contains(frame, "checkout") || !strings.Contains(frame, "this is no YAML") {
		t.Errorf("after a failure:\n%s", frame)
	}
	p.s.Update(screen.Reply{Owner: 1, Purpose: "offers", Gen: 1, Payload: stages.Offer{}})
	p.s.Update(screen.Reply{Owner: 9, Purpose: "offers", Gen: 2, Payload: stages.Offer{}})
	if frame := p.frame(); !strings.Contains(frame, "checkout") {
		t.Errorf("a late reply was taken:\n%s", frame)
	}
	failing = false
	p.press("r")
	if frame := p.frame(); strings.Contains(frame, "no YAML") {
		t.Errorf("the failure is over and still there:\n%s", frame)
	}
}

// The cursor stays on the row that a person chose while accounts become known, sizes
// and themes change.
func TestSelectionStays(t *testing.T) {
	t.Parallel()
	env := screentest.Env(t)
	p := open(t, env, config(), 120, 35)
	p.press("g", "j")
	env.Stage.Account = "999900001111"
	p.s.Update(screen.DataChanged{})
	p.s.Update(screen.Resized{Width: 60, Height: 10})
	*env.Theme = *theme.New(false, false)
	p.s.Update(screen.ThemeChanged{})
	p.s.Update(screen.Resized{Width: 120, Height: 35})
	p.press("r")
	if got := said(p.out[0]); !strings.Contains(got, "were read again") {
		t.Errorf("reading again says %s", got)
	}
	p.press("y")
	if got := said(p.out[len(p.out)-1]); !strings.Contains(got, "--stage billing") {
		t.Errorf("the cursor went elsewhere: %s", got)
	}
	if frame := p.frame(); !strings.Contains(frame, "999900001111") {
		t.Errorf("the account that AWS told is not there:\n%s", frame)
	}
}

func TestHostileNames(t *testing.T) {
	t.Parallel()
	evil := "e\x1b]0;t\x07\x1b[2J\r\u202e\u009b31m\u200d日本👩‍🚒\u0301"
	o := stages.Offer{
		File: evil, Exists: true,
		Stages:   []stages.Stage{{Choice: screen.Choice{Stage: evil}, Name: evil, Stage: evil, Profile: evil, Region: evil, Service: evil, Endpoint: evil, Account: evil, Problem: evil}},
		Profiles: []stages.Profile{{Name: evil, Region: evil, Account: evil}},
	}
	for width := 60; width <= 200; width += 9 {
		p := open(t, screentest.Env(t), stages.Config{Offers: offers(o, nil), Current: screen.Choice{Stage: evil}}, width, 20)
		p.frame()
		p.press("G", "enter", "tab", "tab")
		p.frame()
		p.s.Update(screen.Switching{Choice: screen.Choice{Stage: evil}, Since: screentest.Now()})
		p.frame()
		p.s.Update(screen.Switching{Choice: screen.Choice{Stage: evil}, Err: errors.New(evil)})
		p.frame()
	}
}
