package workerview

import (
	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/x/ansi"

	"github.com/microfox-ai/aiwctl/tui/screen"
	"github.com/microfox-ai/aiwctl/tui/table"
)

func plain(line string) string { return ansi.Strip(line) }

// Actions implements screen.Screen.
func (s *Screen) Actions() []screen.Action {
	refresh := screen.Action{
		ID: "refresh", Keys: []string{"r"}, Label: "refresh", Help: "Read the stage, the function, the logs and CloudWatch again now.",
		Run: s.refresh,
	}
	if s.worker == nil {
		return []screen.Action{refresh}
	}
	w := s.worker
	none, noDead, noLogs, noQueue := "", "", "", ""
	if s.gone {
		none = s.name + " is gone from the stage"
		noDead, noLogs = none, none
	}
	if noDead == "" && w.DLQ == nil {
		noDead = s.name + " has no dead-letter queue"
	}
	if noLogs == "" && w.Function == nil {
		noLogs = "the function of " + s.name + " is not known"
	}
	if w.Queue == nil {
		noQueue = "the queue of " + s.name + " was not found"
	}
	actions := []screen.Action{}
	if s.focus == jobs {
		a := screen.Action{ID: "job", Keys: []string{"enter"}, Label: "open job", Help: "The life of the job under the cursor; the log of an invocation that names none.", Run: s.openJob}
		if r, ok := s.jobs.table.Selected(); !ok {
			a.Refused = "there is no job under the cursor"
		} else if r.job != "" {
			a.Command = func() string { return screen.Command("job", r.job, "--worker", s.id) }
		}
		actions = append(actions, a)
	}
	actions = append(actions,
		screen.Action{
			ID: "next-part", Keys: []string{"tab"}, Label: "next part", Help: "Go to the next part of the screen: overview, charts, jobs, configuration, schemas.",
			Run: s.do(func() { s.look((s.focus + 1) % sectionCount) }),
		},
		screen.Action{
			ID: "dispatch", Keys: []string{"d"}, Label: "dispatch", Help: "Send a job to this worker.", Writes: true, Refused: none,
			Command: func() string { return screen.Command("dispatch", s.id) },
			Run:     func() tea.Cmd { return screen.Send(screen.OpenDispatch{WorkerID: s.id}) },
		},
		screen.Action{
			ID: "logs", Keys: []string{"l"}, Label: "logs", Help: "Its logs.", Refused: noLogs,
			Command: func() string { return screen.Command("logs", s.id, "-f") },
			Run:     func() tea.Cmd { return screen.Send(screen.OpenLogs{WorkerIDs: []string{s.id}}) },
		},
		screen.Action{
			ID: "dead-letters", Keys: []string{"x"}, Label: "dead letters", Help: "Its dead letters: look, then replay.", Refused: noDead,
			Command: func() string { return screen.Command("dlq", "peek", s.id) },
			Run:     func() tea.Cmd { return screen.Send(screen.OpenDead{WorkerID: s.id}) },
		},
		s.pauser.Action(w, none),
		screen.Action{
			ID: "time-range", Keys: []string{"t"}, Label: "time range", Help: "Charts of the next time range: 1 h, 3 h, 24 h, 7 days. Each look asks CloudWatch, which costs a fraction of a cent.",
			Refused: s.noCharts(), Run: s.nextReach,
		},
		refresh,
		screen.Action{
			ID: "previous-part", Keys: []string{"shift+tab"}, Help: "Go to the part before.", Hidden: true,
			Run: s.do(func() { s.look((s.focus + sectionCount - 1) % sectionCount) }),
		},
		screen.Action{
			ID: "copy-queue-url", Keys: []string{"y"}, Help: "Copy the URL of its queue.", Hidden: true, Refused: noQueue,
			Run: func() tea.Cmd {
				return screen.Send(screen.Copy{What: "the queue URL of " + s.name, Text: w.Queue.URL})
			},
		},
		screen.Action{
			ID: "copy-json", Keys: []string{"Y"}, Help: "Copy all that is known of it as JSON.", Hidden: true,
			Command: func() string { return screen.Command("workers", "describe", s.id, "-o", "json") },
			Run:     s.copyJSON,
		},
		s.pauseRefresh(),
	)
	if s.large() {
		zoom := screen.Action{ID: "zoom", Keys: []string{"z"}, Label: "zoom", Help: "Give the part the whole screen, and back.", Run: s.do(func() { s.zoom = !s.zoom })}
		actions = append(actions, zoom)
		if s.zoom {
			actions = append(actions, screen.Action{Keys: []string{"esc"}, Help: "Back to all parts.", Hidden: true, Run: s.do(func() { s.zoom = false })})
		}
	}
	for i := range sectionCount {
		actions = append(actions, screen.Action{
			ID: "part-" + []string{"overview", "charts", "jobs", "configuration", "schemas"}[i], Keys: []string{string(rune('1' + i))},
			Help: "Go to: " + i.title() + ".", Hidden: true, Run: s.do(func() { s.look(i) }),
		})
	}
	switch s.focus {
	case jobs:
		return append(actions, table.Moves()...)
	case charts, sectionCount:
		return actions
	case overview, config, schemas:
	}
	return append(actions,
		screen.Action{Keys: []string{"j", "k"}, Help: "Scroll; also the arrow keys.", Hidden: true},
		screen.Action{Keys: []string{"g", "G"}, Help: "The beginning and the end.", Hidden: true},
		screen.Action{Keys: []string{"ctrl+d", "ctrl+u"}, Help: "Half a page down and up; pgdown and pgup for a whole one.", Hidden: true},
	)
}

func (s *Screen) noCharts() string {
	switch {
	case s.sources.Metrics == nil:
		return "CloudWatch is not asked"
	case s.worker.Queue == nil && s.worker.Function == nil:
		return "neither its queue nor its function is known"
	}
	return ""
}

func (s *Screen) pauseRefresh() screen.Action {
	a := screen.Action{
		ID: "pause-refresh", Keys: []string{"p"}, Label: "pause", Help: "Stop reading the stage again and again.",
		Run: func() tea.Cmd { return screen.Send(screen.PauseRefresh{}) },
	}
	if s.env.Data.Paused {
		a.Label, a.Help = "go on", "Go on reading the stage."
	}
	return a
}

// look gives a part the keys.
func (s *Screen) look(which section) {
	s.focus = which
	if which == config || which == schemas {
		s.lower = which
	}
}

func (s *Screen) do(fn func()) func() tea.Cmd {
	return func() tea.Cmd {
		fn()
		return nil
	}
}

func (s *Screen) refresh() tea.Cmd {
	return tea.Batch(screen.Send(screen.Refresh{Discover: true}), s.ask(true))
}
