package replay_test

import (
	"time"

	tea "charm.land/bubbletea/v2"

	"github.com/microfox-ai/aiwctl/tui/screen"
)

func (p *person) run(cmd tea.Cmd) {
	if cmd == nil {
		return
	}
	go func() {
		switch msg := cmd().(type) {
		case nil:
		case tea.BatchMsg:
			for _, one := range msg {
				p.run(one)
			}
		default:
			p.msgs <- msg
		}
	}()
}

// pass lets time go by.
func (p *person) pass(d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	for {
		select {
		case msg := <-p.msgs:
			switch msg := msg.(type) {
			case screen.Reply:
				p.run(p.s.Update(msg))
			case screen.Confirm:
				p.asks = append(p.asks, msg)
			default:
				p.out = append(p.out, msg)
			}
		case <-timer.C:
			return
		}
	}
}
