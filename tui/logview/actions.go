package logview

import (
	"cmp"
	"strings"
	"time"

	tea "charm.land/bubbletea/v2"

	"github.com/microfox-ai/aiwctl/aws/logs"
	"github.com/microfox-ai/aiwctl/tui/jsonview"
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
	pause := screen.Action{Keys: []string{"p"}, Label: "pause", Help: "Show no new lines until p is pressed again; they are kept.", Run: do(s.togglePause)}
	if s.paused {
		pause.Label = "go on"
	}
	actions := []screen.Action{
		{Keys: []string{"/"}, Label: "filter", Help: "Show only lines that contain a text; ~ in front makes it a regular expression, ! in front of that the lines without it.", Run: s.filter.Open},
		{Keys: []string{"v"}, Label: "level " + levelName(s.level), Help: "Show only lines of a level and above: info, warn, error, then all again.", Run: do(func() { s.level = nextLevel(s.level); s.refilter() })},
		pause,
		{Keys: []string{"enter"}, Label: "open", Help: "Read the line under the cursor whole, its JSON indented.", Refused: none, Run: do(s.open)},
		{Keys: []string{"w"}, Label: "wrap", Help: "Wrap long lines, or cut them; left and right scroll cut ones.", Run: do(func() { s.pane.wrap, s.pane.shift = !s.pane.wrap, 0 })},
		{Keys: []string{"y"}, Help: "Copy the line under the cursor.", Hidden: true, Refused: none, Run: s.copyLine},
		{Keys: []string{"o"}, Label: "its job", Help: "Follow the job that the line under the cursor belongs to.", Hidden: s.job != nil, Refused: cmp.Or(none, s.noJob()), Run: s.openJob},
	}
	if len(s.ask.WorkerIDs) == 1 {
		worker := s.ask.WorkerIDs[0]
		actions = append(actions,
			screen.Action{Keys: []string{"x"}, Label: "dead letters", Help: "The worker's dead letters.", Hidden: s.job == nil || !s.job.failed(), Run: func() tea.Cmd {
				return screen.Send(screen.OpenDead{WorkerID: worker})
			}},
			screen.Action{Keys: []string{"d"}, Label: "dispatch", Help: "Dispatch a job to the worker.", Hidden: true, Run: func() tea.Cmd {
				return screen.Send(screen.OpenDispatch{WorkerID: worker})
			}})
	}
	if s.filter.Shown() || s.level > logs.LevelNone {
		actions = append(actions, screen.Action{Keys: []string{"esc"}, Help: "Clear the filter and the level.", Hidden: true, Run: do(func() {
			s.filter.Clear()
			s.level = logs.LevelNone
			s.refilter()
		})})
	}
	return append(actions,
		screen.Action{Keys: []string{"G"}, Label: "follow", Help: "Go to the newest line and follow.", Hidden: s.pane.follow, Run: do(s.pane.toEnd)},
		screen.Action{Keys: []string{"g"}, Help: "Go to the oldest line.", Hidden: true, Run: do(s.pane.toStart)},
		screen.Action{Keys: []string{"j", "k"}, Help: "Next and previous line; also the arrow keys. Moving up ends following.", Hidden: true},
		screen.Action{Keys: []string{"ctrl+d", "ctrl+u"}, Help: "Half a page down and up; pgdown and pgup for a whole one.", Hidden: true},
		screen.Action{Keys: []string{"left", "right"}, Help: "Scroll long lines sideways.", Hidden: true},
	)
}

func (s *Screen) detailActions() []screen.Action {
	closeDetail := do(func() { s.detail = nil })
	return []screen.Action{
		{Keys: []string{"esc", "enter"}, Label: "back to the lines", Help: "Close the line.", Run: closeDetail},
		{Keys: []string{"q"}, Help: "Close the line.", Hidden: true, Run: closeDetail},
		{Keys: []string{"n"}, Label: "next line", Help: "Open the next line.", Run: do(func() { s.pane.move(1); s.open() })},
		{Keys: []string{"N"}, Label: "previous", Help: "Open the previous line.", Run: do(func() { s.pane.move(-1); s.open() })},
		{Keys: []string{"y"}, Label: "copy", Help: "Copy the line.", Run: s.copyLine},
		{Keys: []string{"j", "k"}, Help: "Scroll.", Hidden: true},
	}
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

// open shows the line under the cursor whole. It stays put while it is read.
func (s *Screen) open() {
	l := s.pane.current()
	if l == nil {
		return
	}
	s.pane.follow = false
	view := jsonview.New(s.env.Theme)
	var fields []jsonview.Field
	for _, f := range []jsonview.Field{
		{Name: "time", Value: l.Time.Local().Format(time.RFC3339Nano)},
		{Name: "worker", Value: l.WorkerID},
		{Name: "level", Value: l.Level.String()},
		{Name: "job", Value: l.JobID},
		{Name: "request", Value: l.RequestID},
		{Name: "stream", Value: l.Stream},
	} {
		if f.Value != "" {
			fields = append(fields, f)
		}
	}
	view.Set("line", fields, l.Raw)
	s.detail = &detail{line: l, view: view}
}

func (s *Screen) copyLine() tea.Cmd {
	l := s.pane.current()
	if s.detail != nil {
		l = s.detail.line
	}
	if l == nil {
		return nil
	}
	return screen.Send(screen.Copy{What: "the log line", Text: strings.TrimRight(l.Raw, "\n")})
}

func (s *Screen) noJob() string {
	if l := s.pane.current(); l != nil && l.JobID != "" && l.WorkerID != "" {
		return ""
	}
	return "the line names no job"
}

func (s *Screen) openJob() tea.Cmd {
	l := s.pane.current()
	return screen.Send(screen.OpenLogs{WorkerIDs: []string{l.WorkerID}, JobID: l.JobID, Since: l.Time.Add(-lookBack)})
}
