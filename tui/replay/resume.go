package replay

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"

	tea "charm.land/bubbletea/v2"

	"github.com/microfox-ai/aiwctl/aws"
	"github.com/microfox-ai/aiwctl/aws/redrive"
	"github.com/microfox-ai/aiwctl/aws/redrive/journal"
	"github.com/microfox-ai/aiwctl/tui/cell"
	"github.com/microfox-ai/aiwctl/tui/screen"
)

// journals are what can be gone on with, and where their files are.
type journals struct {
	states []*journal.State
	dir    string
}

func (s *Screen) readJournals() tea.Cmd {
	engine := s.engine
	s.err, s.phase = nil, planning
	return s.requests.Start(forJournals, 0, func(context.Context) (any, error) {
		dir, err := engine.Dir()
		if err != nil {
			return nil, err
		}
		states, err := engine.Unfinished()
		return journals{states, dir}, err
	})
}

func (s *Screen) tookJournals(reply screen.Reply) tea.Cmd {
	found, _ := reply.Payload.(journals)
	s.err = reply.Err
	if len(found.states) == 0 {
		if s.err == nil {
			s.phase, s.state = ready, nil
		}
		return nil
	}
	s.err = nil // what can be read is there
	s.states, s.state, s.phase = found.states, found.states[0], ready
	for _, st := range found.states {
		path := journal.Path(found.dir, st.Header.ID)
		if s.journal != "" && (path == s.journal || filepath.Base(path) == filepath.Base(s.journal) || st.Header.ID == s.journal) {
			s.state = st
		}
	}
	s.journal = journal.Path(found.dir, s.state.Header.ID)
	s.count()
	return nil
}

// other goes to the next journal that can be gone on with, or the one before.
func (s *Screen) other(by int) {
	dir := filepath.Dir(s.journal)
	for i, st := range s.states {
		if st == s.state {
			s.state = s.states[((i+by)%len(s.states)+len(s.states))%len(s.states)]
			break
		}
	}
	s.journal = journal.Path(dir, s.state.Header.ID)
	s.count()
}

func (s *Screen) count() { s.total = max(0, s.state.Header.Count-tallyOf(s.state).deleted) }

// tally is how far a journal got.
type tally struct{ sent, unknown, deleted, skipped int }

func tallyOf(st *journal.State) tally {
	var t tally
	for m := range st.Messages() {
		switch {
		case m.Deleted:
			t.deleted++
		case m.Sent:
			t.sent++
		case m.Tried:
			t.unknown++
		case m.Skipped:
			t.skipped++
		}
	}
	return t
}

// agree asks before it goes on.
func (s *Screen) agreeResume() tea.Cmd {
	h, t := s.state.Header, tallyOf(s.state)
	path, engine := s.journal, s.engine
	return screen.Send(screen.Confirm{
		Title: fmt.Sprintf("Finish the %s of %s?", s.noun(), s.workerName()),
		Lines: []string{
			"stage  " + s.stageText(),
			"queue  " + cell.Clean(h.Queue),
			"",
			fmt.Sprintf("%s were sent and are deleted here; %s that may have been sent are sent; the rest goes on as it was asked for.",
				cell.Plural(t.sent, "message"), cell.Count(t.unknown)),
		},
		Verb: "Finish", Command: s.command(), Protected: s.protected(redrive.QueuesOf(s.state)),
		Write: func(stage string) tea.Cmd {
			if s.phase != ready {
				return nil
			}
			s.started()
			stream := s.requests.Stream(forWork, func(ctx context.Context, emit func(any) error) error {
				return resume(ctx, engine, path, stage, emit)
			})
			return tea.Batch(stream, s.tell())
		},
	})
}

// goOn looks at the journal of what has just ended early.
func (s *Screen) goOn() tea.Cmd {
	s.resuming, s.journal, s.state, s.states = true, s.report.Journal, nil, nil
	s.ask.Delete, s.inMessages = false, false
	s.report, s.stopping, s.done, s.failed = redrive.Report{}, false, 0, 0
	s.rows, s.list = map[string]*row{}, nil
	s.arrange()
	return s.readJournals()
}

// protected is whether a write to queues wants a stage's name, which may be another's
// than the one that is looked at.
func (s *Screen) protected(queues []string) *aws.Protected {
	p := s.engine.Protected(queues...)
	if !p.Needed {
		return nil
	}
	return &p
}

var errGone = errors.New("nothing can be gone on with: no replay or import of this stage was interrupted")
