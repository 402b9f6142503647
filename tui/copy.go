package tui

import (
	"context"
	"path/filepath"
	"time"

	tea "charm.land/bubbletea/v2"

	"github.com/microfox-ai/aiwctl/aws"
	"github.com/microfox-ai/aiwctl/tui/cell"
	"github.com/microfox-ai/aiwctl/tui/clipboard"
	"github.com/microfox-ai/aiwctl/tui/dialog"
	"github.com/microfox-ai/aiwctl/tui/screen"
)

// copier puts text where a person can paste it from; *clipboard.System is one.
type copier interface {
	Copy(ctx context.Context, text string) clipboard.Result
}

const (
	// copyTimeout is how long a clipboard's tool may take.
	copyTimeout = 5 * time.Second
	// copyAgain is how soon the same text has to be copied again to mean that it did not
	// arrive.
	copyAgain = 15 * time.Second
)

// copied is what became of a text.
type copied struct {
	ask    screen.Copy
	result clipboard.Result
	at     time.Time
}

// copy hands a text over, outside Update: it may take a program.
func (m *Model) copy(ask screen.Copy) tea.Cmd {
	last := m.lastCopy
	if last.ask == ask && !last.result.Confirmed() && m.env.Now().Sub(last.at) < copyAgain {
		m.lastCopy = copied{}
		return m.offerFile(ask, "It was sent to the terminal, which does not say whether it took it.")
	}
	to := m.cfg.clipboard
	return m.requests.Start(forCopy, copyTimeout, func(ctx context.Context) (any, error) {
		return copied{ask: ask, result: to.Copy(ctx, ask.Text)}, nil
	})
}

// copyEnded says what became of a text, and offers a way out when it went nowhere.
func (m *Model) copyEnded(reply screen.Reply) tea.Cmd {
	now := m.env.Now()
	done, ok := reply.Payload.(copied)
	if !ok { // the tool is at fault, and said how
		m.tasks.Fail("copy", reply.Err, now)
		return nil
	}
	done.at, m.lastCopy = now, copied{}
	what := cell.Clean(done.ask.What)
	if done.result.Err != nil {
		return m.offerFile(done.ask, done.result.Err.Error()+".")
	}
	m.lastCopy = done
	words := done.result.Words(what)
	if !done.result.Confirmed() {
		words += " " + "(copied again, it is offered as a file)"
	}
	m.tasks.Say(words, now)
	if done.result.Terminal {
		return tea.SetClipboard(done.ask.Text)
	}
	return nil
}

// offerFile asks whether a text that did not arrive should be saved.
func (m *Model) offerFile(ask screen.Copy, why string) tea.Cmd {
	state, err := aws.StateDir(m.cfg.Getenv)
	if err != nil {
		m.tasks.Fail("copy "+cell.Clean(ask.What)+": "+why, err, m.env.Now())
		return nil
	}
	dir, now := filepath.Join(state, "copies"), m.env.Now()
	m.dialogs = append(m.dialogs, dialog.NewConfirm(screen.Confirm{
		Title: "Save " + ask.What + " to a file?",
		Lines: []string{why, "A file in " + dir + " would be readable by you alone."},
		Verb:  "Save",
		Yes: func() tea.Cmd {
			return m.requests.Start(forSave, copyTimeout, func(context.Context) (any, error) {
				return clipboard.Save(dir, ask.Text, now)
			})
		},
	}, m.env.Now))
	return nil
}

func (m *Model) saved(reply screen.Reply) tea.Cmd {
	path, _ := reply.Payload.(string)
	if reply.Err != nil {
		m.tasks.Fail("copy", reply.Err, m.env.Now())
		return nil
	}
	m.tasks.Say("saved to "+cell.Clean(path), m.env.Now())
	return nil
}
