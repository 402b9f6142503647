package logview

import (
	"cmp"

	tea "charm.land/bubbletea/v2"

	"github.com/microfox-ai/aiwctl/aws/logs"
	"github.com/microfox-ai/aiwctl/tui/screen"
)

// Actions implements screen.Screen.
func (s *Screen) Actions() []screen.Action {
	if s.detail != nil {
		return s.detailActions()
	}
	none := ""
	if s.pane.current() == nil {
		none = "there is no line under the cursor"
	}
	var actions []screen.Action
	if s.ended != nil {
		actions = append(actions, screen.Action{Keys: []string{"R"}, Label: "follow again", Help: "Read the logs again from where they began.", Run: s.restart})
	}
	if s.job != nil {
		actions = append(actions, s.jobActions()...)
	}
	actions = append(actions,
		screen.Action{Keys: []string{"/"}, Label: "filter", Help: "Show only lines that contain a text; ~ in front makes it a regular expression, ! in front of that the lines without it.", Run: s.filter.Open},
		screen.Action{Keys: []string{"v"}, Label: "level " + levelName(s.level), Help: "Show only lines of a level and above: info, warn, error, then all again.", Run: s.nextLevel},
		s.pauseAction(),
		screen.Action{Keys: []string{"G"}, Label: "follow", Help: "Go to the newest line and follow.", Hidden: s.pane.follow, Run: do(s.pane.toEnd)},
		screen.Action{Keys: []string{"enter"}, Label: "open", Help: "Read the line under the cursor whole, its JSON indented.", Refused: none, Run: do(s.open)},
		screen.Action{Keys: []string{"w"}, Label: "wrap", Help: "Wrap long lines, or cut them; left and right scroll cut ones.", Run: do(s.toggleWrap)},
		screen.Action{Keys: []string{"o"}, Label: "its job", Help: "Follow the job that the line under the cursor belongs to.", Hidden: s.job != nil, Refused: cmp.Or(none, noJob(s.pane.current())), Run: func() tea.Cmd { return openJob(s.pane.current()) }},
		screen.Action{Keys: []string{"y"}, Help: "Copy the line under the cursor.", Hidden: true, Refused: none, Run: s.copy},
	)
	if s.filter.Shown() || s.level > logs.LevelNone {
		actions = append(actions, screen.Action{Keys: []string{"esc"}, Label: "all lines", Help: "Clear the filter and the level.", Run: s.showAll})
	}
	if len(s.ask.WorkerIDs) == 1 {
		actions = append(actions, screen.Action{Keys: []string{"d"}, Help: "Dispatch a job to the worker.", Hidden: true, Run: func() tea.Cmd {
			return screen.Send(screen.OpenDispatch{WorkerID: s.ask.WorkerIDs[0]})
		}})
		if s.job == nil || !s.job.failed() {
			actions = append(actions, s.deadAction(true))
		}
	}
	return append(actions,
		screen.Action{Keys: []string{"g"}, Help: "Go to the oldest line.", Hidden: true, Run: do(s.pane.toStart)},
		screen.Action{Keys: []string{"j", "k"}, Help: "Next and previous line; also the arrow keys. Moving up ends following.", Hidden: true},
		screen.Action{Keys: []string{"ctrl+d", "ctrl+u"}, Help: "Half a page down and up; pgdown and pgup for a whole one.", Hidden: true},
		screen.Action{Keys: []string{"left", "right", "0"}, Help: "Scroll long lines sideways; 0 goes back to their beginning.", Hidden: true},
	)
}

// jobActions come first: what a person wants of a job that has ended.
func (s *Screen) jobActions() []screen.Action {
	var actions []screen.Action
	if s.job.outcome != nil {
		actions = append(actions, screen.Action{Keys: []string{"r"}, Label: s.job.resultLabel(), Help: "Read what the job gave back, or its error with the stack.", Run: do(s.openOutcome)})
	}
	if s.job.failed() && len(s.ask.WorkerIDs) == 1 {
		actions = append(actions, s.deadAction(false))
	}
	return actions
}

func (s *Screen) deadAction(hidden bool) screen.Action {
	worker := s.ask.WorkerIDs[0]
	return screen.Action{Keys: []string{"x"}, Label: "dead letters", Help: "The worker's dead letters.", Hidden: hidden, Run: func() tea.Cmd {
		return screen.Send(screen.OpenDead{WorkerID: worker})
	}}
}

func (s *Screen) pauseAction() screen.Action {
	pause := screen.Action{Keys: []string{"p"}, Label: "pause", Help: "Show no new lines until p is pressed again; they are kept.", Run: s.togglePause}
	if s.paused != nil {
		pause.Label = "go on"
	}
	return pause
}

// do makes an action's Run of something that needs no command.
func do(fn func()) func() tea.Cmd {
	return func() tea.Cmd { fn(); return nil }
}

func levelName(l logs.Level) string {
	if l == logs.LevelNone {
		return "all"
	}
	return l.String()
}
