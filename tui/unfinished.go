package tui

import (
	"context"
	"fmt"
	"time"

	tea "charm.land/bubbletea/v2"

	"github.com/microfox-ai/aiwctl/aws/redrive/journal"
	"github.com/microfox-ai/aiwctl/tui/cell"
	"github.com/microfox-ai/aiwctl/tui/screen"
)

const (
	forUnfinished = "unfinished"
	// journalsTimeout bounds reading the journals: files of this machine, perhaps on a
	// network's disk.
	journalsTimeout = 30 * time.Second
)

// interrupted is a replay, or an import, that can be gone on with.
type interrupted struct {
	state *journal.State
	path  string
	more  int // others besides
}

// findUnfinished looks, once, for what was interrupted.
func (m *Model) findUnfinished() tea.Cmd {
	engine := m.openers.redrive
	return m.requests.Start(forUnfinished, journalsTimeout, func(context.Context) (any, error) {
		states, err := engine.Unfinished()
		if len(states) == 0 {
			return nil, err
		}
		dir, err := engine.Dir()
		if err != nil {
			return nil, err
		}
		var found interrupted
		for _, st := range states {
			path := journal.Path(dir, st.Header.ID)
			switch {
			case journal.Running(path): // by another process, which will end it
			case found.state == nil:
				found.state, found.path = st, path
			default:
				found.more++
			}
		}
		if found.state == nil {
			return nil, nil
		}
		return found, nil
	})
}

// offerUnfinished asks whether to look at what was interrupted.
func (m *Model) offerUnfinished(reply screen.Reply) tea.Cmd {
	if reply.Err != nil {
		m.tasks.Record("look for interrupted replays", reply.Err, m.env.Now())
		return nil
	}
	found, ok := reply.Payload.(interrupted)
	if !ok {
		return nil
	}
	h := found.state.Header
	at := found.state.LastWrite
	if at.IsZero() {
		at = h.Time
	}
	lines := []string{
		fmt.Sprintf("A %s of %s of %s was interrupted %s ago.", h.Kind, cell.Plural(h.Count, "message"), h.Worker, cell.Age(max(0, m.env.Now().Sub(at)))),
		"", "What was sent is known and will not be sent again. Looking at it changes nothing.",
	}
	if found.more > 0 {
		lines = append(lines, fmt.Sprintf("There are %d more.", found.more))
	}
	return m.stamp(screen.Send(screen.Confirm{
		Title: "Interrupted " + h.Kind, Lines: lines, Verb: "Look at it", Command: screen.Command("dlq", "resume", h.ID),
		Yes: func() tea.Cmd { return screen.Send(screen.OpenReplay{Journal: found.path}) },
	}))
}
