package screentest

import (
	"strings"
	"testing"
	"time"

	tea "charm.land/bubbletea/v2"

	"github.com/microfox-ai/aiwctl/tui/screen"
)

// Person drives one screen as the root does, in the time of a synctest bubble:
// commands run beside the keys, and replies come when they come.
type Person struct {
	t      testing.TB
	screen screen.Screen
	msgs   chan tea.Msg

	// Asks are the questions the screen has asked, Out whatever else it sent to the
	// root.
	Asks []screen.Confirm
	Out  []tea.Msg
}

// Drive opens a screen and lets a moment pass.
func Drive(t testing.TB, s screen.Screen, width, height int) *Person {
	t.Helper()
	t.Cleanup(s.Close)
	p := &Person{t: t, screen: s, msgs: make(chan tea.Msg, 1000)}
	p.Send(screen.Resized{Width: width, Height: height})
	p.Run(s.Init())
	p.Pass(200 * time.Millisecond)
	return p
}

// Send hands the screen a message.
func (p *Person) Send(msg tea.Msg) { p.Run(p.screen.Update(msg)) }

// Press presses keys, and lets a moment pass after each. The word yes agrees to what
// was asked last.
func (p *Person) Press(keys string) {
	p.t.Helper()
	for key := range strings.FieldsSeq(keys) {
		if key != "yes" {
			p.Run(Press(p.screen, key))
		} else {
			p.Agree("")
		}
		p.Pass(350 * time.Millisecond)
	}
}

// Agree agrees to what was asked last. Stage is what was typed.
func (p *Person) Agree(stage string) {
	p.t.Helper()
	if len(p.Asks) == 0 {
		p.t.Fatal("nothing was asked")
	}
	p.Run(p.Asks[len(p.Asks)-1].Write(stage))
}

// Last is what was sent to the root last; nil when nothing was.
func (p *Person) Last() tea.Msg {
	if len(p.Out) == 0 {
		return nil
	}
	return p.Out[len(p.Out)-1]
}

// Run runs a command beside everything else.
func (p *Person) Run(cmd tea.Cmd) {
	if cmd == nil {
		return
	}
	go func() {
		switch msg := cmd().(type) {
		case nil:
		case tea.BatchMsg:
			for _, one := range msg {
				p.Run(one)
			}
		default:
			p.msgs <- msg
		}
	}()
}

// Pass lets time go by.
func (p *Person) Pass(d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	for {
		select {
		case msg := <-p.msgs:
			switch msg := msg.(type) {
			case screen.Reply:
				p.Send(msg)
			case screen.Confirm:
				p.Asks = append(p.Asks, msg)
			default:
				p.Out = append(p.Out, msg)
			}
		case <-timer.C:
			return
		}
	}
}
