package logview

import (
	"maps"

	tea "charm.land/bubbletea/v2"

	"github.com/microfox-ai/aiwctl/aws/logs"
	"github.com/microfox-ai/aiwctl/tui/logview/pane"
)

// choice is what is chosen by keys of what is read, beside the filter that is typed.
type choice struct {
	level            logs.Level
	jobID, requestID string
	hidden           map[string]bool // workers
}

func (c *choice) any() bool {
	return c.level > logs.LevelNone || c.jobID != "" || c.requestID != "" || len(c.hidden) > 0
}

// refilter shows what the typed filter and the choice keep. While an expression is
// unfinished the filter before stays in force.
func (s *Screen) refilter() tea.Cmd {
	f, err := pane.ParseFilter(s.filter.Value())
	s.badFilter = err
	if err != nil {
		return nil
	}
	f.Level, f.JobID, f.RequestID, f.Hidden = s.choice.level, s.choice.jobID, s.choice.requestID, s.choice.hidden
	if f.Same(s.pane.Buf.Filter()) {
		return nil
	}
	s.pane.SetFilter(f)
	return s.searchOn()
}

// searchOn has the next chunk of filtering and searching done in an update of its own,
// so that keys come between.
func (s *Screen) searchOn() tea.Cmd {
	if !s.pane.Buf.Busy() {
		s.requests.Cancel(forSearch)
		return nil
	}
	return s.requests.After(forSearch, 0)
}

// research searches for what is typed.
func (s *Screen) research() tea.Cmd {
	m, err := pane.ParseMatcher(s.search.Value())
	s.badSearch, s.wrapped = err, ""
	if err != nil || m.Same(s.pane.Buf.Search()) {
		return nil
	}
	s.pane.SetSearch(m)
	return s.searchOn()
}

// searchKey is a key in the search's prompt. Once it is finished the cursor goes to the
// newest match for somebody who follows, else to the next one.
func (s *Screen) searchKey(name string) tea.Cmd {
	cmd := s.research()
	if name != "enter" || s.badSearch != nil {
		return cmd
	}
	s.backward = s.pane.Follow
	s.stepped(s.pane.Step(s.backward, true))
	return tea.Batch(cmd, s.searchOn())
}

func (s *Screen) next(back bool) func() tea.Cmd {
	return func() tea.Cmd {
		s.backward = back
		s.stepped(s.pane.Step(back, false))
		return s.searchOn()
	}
}

// stepped says what a step went past.
func (s *Screen) stepped(step pane.Step) {
	switch step {
	case pane.StepWrapped:
		s.wrapped = "went on from the oldest"
		if s.backward {
			s.wrapped = "went on from the newest"
		}
	case pane.StepDone:
		s.wrapped = ""
	case pane.StepNone, pane.StepWaiting:
	}
}

func (s *Screen) endSearch() tea.Cmd {
	s.search.Clear()
	return s.research()
}

func (s *Screen) nextLevel() tea.Cmd {
	s.choice.level = nextLevel(s.choice.level)
	return s.refilter()
}

// nextLevel is what the level key goes through.
func nextLevel(l logs.Level) logs.Level {
	switch l {
	case logs.LevelNone, logs.LevelDebug:
		return logs.LevelInfo
	case logs.LevelInfo:
		return logs.LevelWarn
	case logs.LevelWarn:
		return logs.LevelError
	default:
		return logs.LevelNone
	}
}

// showAll takes back the typed filter and the choice.
func (s *Screen) showAll() tea.Cmd {
	s.filter.Clear()
	s.choice = choice{}
	return s.refilter()
}

// onlyJob keeps the lines of one job, or shows the others again. Of a tail that reads
// one job only the others have to be read.
func (s *Screen) onlyJob() tea.Cmd {
	switch {
	case s.tail.jobID != "":
		s.tail.jobID = ""
		return s.restart()
	case s.choice.jobID != "":
		s.choice.jobID = ""
	default:
		s.choice.jobID = s.subject().jobID
	}
	return s.refilter()
}

func (s *Screen) onlyInvocation() tea.Cmd {
	switch {
	case s.tail.requestID != "":
		s.tail.requestID = ""
		return s.restart()
	case s.choice.requestID != "":
		s.choice.requestID = ""
	default:
		s.choice.requestID = s.subject().requestID
	}
	return s.refilter()
}

// toggleWorker hides the lines of a worker, or shows them again.
func (s *Screen) toggleWorker(id string) tea.Cmd {
	hidden := maps.Clone(s.choice.hidden)
	if hidden == nil {
		hidden = map[string]bool{}
	}
	if hidden[id] {
		delete(hidden, id)
	} else {
		hidden[id] = true
	}
	s.choice.hidden = hidden
	return s.refilter()
}
