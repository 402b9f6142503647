package logview

import (
	"cmp"

	tea "charm.land/bubbletea/v2"

	"github.com/microfox-ai/aiwctl/aws/logs"
	"github.com/microfox-ai/aiwctl/tui/screen"
)

// Actions implements screen.Screen.
func (s *Screen) Actions() []screen.Action {
	switch {
	case s.input != nil:
		return s.inputActions()
	case s.menu != nil:
		return s.menuActions()
	case s.detail != nil:
		return s.detailActions()
	}
	actions := s.readActions()
	actions = append(actions, s.chooseActions()...)
	actions = append(actions, s.takeActions()...)
	actions = append(actions, s.elsewhere()...)
	return append(actions,
		screen.Action{ID: "oldest", Keys: []string{"g"}, Help: "Go to the oldest line.", Hidden: true, Run: do(s.pane.ToStart)},
		screen.Action{Keys: []string{"j", "k"}, Help: "Next and previous line; also the arrow keys. Moving up ends following.", Hidden: true},
		screen.Action{Keys: []string{"ctrl+d", "ctrl+u"}, Help: "Half a page down and up; pgdown and pgup for a whole one.", Hidden: true},
		screen.Action{Keys: []string{"left", "right", "0"}, Help: "Scroll long lines sideways; 0 goes back to their beginning.", Hidden: true},
		screen.Action{ID: "line-end", Keys: []string{"$"}, Help: "Scroll sideways to the end of the line under the cursor.", Hidden: true, Run: do(s.toLineEnd)},
	)
}

// readActions are for reading: searching, following, folding.
func (s *Screen) readActions() []screen.Action {
	none := ""
	if s.pane.Current().None() {
		none = "there is no line under the cursor"
	}
	noSearch := ""
	if s.pane.Buf.Search().Empty() {
		noSearch = "nothing is searched for: " + s.env.Key(screen.KindLogs, "search", "/") + " searches"
	}
	var actions []screen.Action
	again := screen.Action{ID: "read-again", Keys: []string{"R"}, Label: "read again", Help: "Read the logs again from where they began.", Run: s.restart}
	if again.Hidden = s.tail.ended == nil; !again.Hidden {
		actions = append(actions, again)
	}
	actions = append(actions,
		screen.Action{ID: "search", Keys: []string{"/"}, Label: "search", Help: "Search for a text; ~ in front makes it a regular expression. Enter goes to the newest match for somebody who follows, else to the next.", Run: s.search.Open},
		screen.Action{ID: "next-match", Keys: []string{"n"}, Label: "next", Help: "Go to the next match; past the last it goes on from the oldest.", Hidden: noSearch != "", Refused: noSearch, Run: s.next(false)},
		screen.Action{ID: "previous-match", Keys: []string{"N"}, Label: "previous", Help: "Go back to the match before.", Hidden: noSearch != "", Refused: noSearch, Run: s.next(true)},
	)
	if s.search.Shown() {
		actions = append(actions, screen.Action{ID: "end-search", Keys: []string{"esc"}, Label: "end search", Help: "Forget what is searched for.", Run: s.endSearch})
	}
	actions = append(actions,
		screen.Action{ID: "filter", Keys: []string{"&"}, Label: "filter", Help: "Show only lines with a text, ~ a regular expression, or @ a field of their JSON (@user.id=7); ! in front: without it. && joins several.", Command: func() string { return s.command("-f") }, Run: s.filter.Open},
		screen.Action{ID: "level", Keys: []string{"v"}, Label: "level " + levelName(s.choice.level), Help: "Show only lines of a level and above: info, warn, error, then all again.", Command: func() string { return s.command() }, Run: s.nextLevel},
		s.pauseAction(),
		screen.Action{ID: "follow", Keys: []string{"G", "end"}, Label: "follow", Help: "Go to the newest line and follow.", Hidden: s.pane.Follow, Command: func() string { return s.command("-f") }, Run: do(s.pane.ToEnd)},
		screen.Action{ID: "open", Keys: []string{"enter"}, Label: "open", Help: "Read the line under the cursor whole, its JSON indented; of an invocation all figures.", Refused: none, Run: do(s.open)},
		s.foldAction(),
	)
	if s.pane.Folded() {
		noFold := ""
		if s.pane.Current().Group == nil {
			noFold = "the line belongs to no invocation"
		}
		actions = append(actions,
			screen.Action{ID: "toggle-fold", Keys: []string{"tab"}, Label: "open or close", Help: "Show the lines of the invocation under the cursor, or fold them.", Refused: noFold, Run: do(func() { s.pane.Toggle() })},
			screen.Action{ID: "open-folds", Keys: []string{"Z"}, Help: "Show the lines of all invocations below them, or fold all.", Hidden: true, Run: do(s.pane.OpenAll)})
	}
	actions = append(actions, screen.Action{ID: "wrap", Keys: []string{"w"}, Label: "wrap", Help: "Wrap long lines, or cut them; left and right scroll cut ones.", Run: do(s.toggleWrap)})
	if again.Hidden {
		actions = append(actions, again)
	}
	return actions
}

func (s *Screen) foldAction() screen.Action {
	fold := screen.Action{
		ID: "fold", Keys: []string{"z"}, Label: "fold", Run: do(func() { s.pane.SetFolded(!s.pane.Folded()) }),
		Help:    "One row for each invocation: outcome, duration, memory, lines, job; again for all lines in the order of time.",
		Command: func() string { return s.foldCommand() },
	}
	if s.pane.Folded() {
		fold.Label = "unfold"
	}
	return fold
}

// foldCommand leaves out the flags that choose among lines, which the command does not
// take together with invocations.
func (s *Screen) foldCommand() string {
	args := append([]string{"logs"}, s.tail.ids...)
	if id := first(s.tail.jobID, s.choice.jobID); id != "" {
		args = append(args, "--job", id)
	}
	return screen.Command(append(args, "-f", "--invocations")...)
}

func (s *Screen) pauseAction() screen.Action {
	pause := screen.Action{ID: "pause", Keys: []string{"p"}, Label: "pause", Help: "Show no new lines until it is pressed again; they are kept.", Run: s.togglePause}
	if s.inflow.paused {
		pause.Label = "go on"
	} else if !s.tail.until.IsZero() {
		pause.Refused = "nothing new comes of a time that has ended"
	}
	return pause
}

// chooseActions choose what is read and what is shown of it.
func (s *Screen) chooseActions() []screen.Action {
	of := s.subject()
	job := screen.Action{ID: "only-job", Keys: []string{"O"}, Label: "only its job", Hidden: true, Help: "Show only the lines of the job under the cursor, or of all jobs again.", Refused: of.noJob(), Run: s.onlyJob}
	if s.choice.jobID != "" || s.tail.jobID != "" {
		job.Label, job.Refused, job.Hidden = "all jobs", "", false
	} else if of.jobID != "" {
		job.Command = func() string { return s.command("--job", of.jobID) }
	}
	request := screen.Action{ID: "only-invocation", Keys: []string{"i"}, Label: "only this invocation", Hidden: true, Help: "Show only the lines of the invocation under the cursor, or of all again.", Refused: of.noRequest(), Run: s.onlyInvocation}
	if s.choice.requestID != "" || s.tail.requestID != "" {
		request.Label, request.Refused, request.Hidden = "all invocations", "", false
	} else if of.requestID != "" {
		request.Command = func() string { return s.command("--request", of.requestID) }
	}
	actions := []screen.Action{
		{ID: "range", Keys: []string{"t"}, Label: "time", Help: "Read the last 5 minutes, 15 minutes, hour, 6 hours, 24 hours, or another time.", Command: func() string { return s.command() }, Run: s.openRange},
		{ID: "go-to-time", Keys: []string{"@"}, Label: "go to time", Help: "Go to a time in what was read: 14:05, or 5m for five minutes ago.", Hidden: true, Run: s.askTime},
		{ID: "columns", Keys: []string{"c"}, Label: "columns", Help: "Choose the columns: time here or in UTC, worker, level, job, request.", Hidden: true, Run: s.openColumns},
		{ID: "workers", Keys: []string{"W"}, Label: "workers", Help: "Hide and show workers, or read another one as well.", Hidden: len(s.tail.ids) < 2, Run: s.openWorkers},
		job, request,
		{ID: "live", Keys: []string{"L"}, Label: "live", Help: "Follow with CloudWatch's Live Tail, for lines within a second; it costs money by the minute and asks before. Again: without.", Hidden: true, Refused: s.canLive(), Command: func() string { return s.command("-f", "--live") }, Run: s.toggleLive},
	}
	actions = append(actions, s.workerKeys()...)
	if !s.search.Shown() && (s.filter.Shown() || s.choice.any()) {
		actions = append(actions, screen.Action{ID: "all-lines", Keys: []string{"esc"}, Label: "all lines", Help: "Take back the filter, the level and what else was chosen.", Run: s.showAll})
	} else if !s.search.Shown() && s.pane.Marks() > 0 {
		actions = append(actions, screen.Action{ID: "unmark", Keys: []string{"esc"}, Label: "unmark", Help: "Take all marks away.", Run: do(s.pane.Unmark)})
	}
	return actions
}

// takeActions take lines along.
func (s *Screen) takeActions() []screen.Action {
	none, nothing := "", ""
	if s.pane.Current().None() {
		none = "there is no line under the cursor"
	}
	if s.pane.Buf.Len() == 0 {
		nothing = "there is no line yet"
	}
	return []screen.Action{
		{ID: "mark", Keys: []string{"space"}, Help: "Mark the line under the cursor, or all lines of the invocation, for copying.", Hidden: true, Refused: none, Run: do(s.mark)},
		{ID: "copy", Keys: []string{"y"}, Label: "copy", Help: "Copy the line under the cursor; of an invocation all its lines.", Hidden: true, Refused: none, Run: s.copyRow},
		{ID: "copy-lines", Keys: []string{"Y"}, Label: "copy lines", Help: "Copy the marked lines, or those on the screen when none is marked.", Hidden: true, Refused: none, Run: s.copyMany},
		{ID: "save", Keys: []string{"S"}, Label: "save", Help: "Save the lines to a new file: as JSON lines when its name ends in .jsonl, else as they were logged.", Refused: nothing, Command: func() string { return s.command("--save", s.fileName()) }, Run: s.askFile},
	}
}

// elsewhere are the other screens.
func (s *Screen) elsewhere() []screen.Action {
	of := s.subject()
	if of.jobID == "" && s.tail.jobID != "" {
		of = subject{jobID: s.tail.jobID, workerID: s.worker(), at: s.tail.since.Add(lookBack)}
	}
	refused := of.noJob()
	if s.pane.Current().None() && of.jobID == "" {
		refused = "there is no line under the cursor"
	}
	actions := []screen.Action{
		{ID: "open-job", Keys: []string{"o"}, Label: "its job", Help: "Open the job that the line under the cursor belongs to.", Refused: refused, Command: s.jobCommand(of), Run: func() tea.Cmd { return openJob(of) }},
	}
	worker := s.worker()
	noWorker := ""
	if worker == "" {
		noWorker = "which worker? Go to a line of one"
	}
	return append(actions,
		screen.Action{ID: "dispatch", Keys: []string{"d"}, Label: "dispatch", Help: "Dispatch a job to the line's worker.", Hidden: true, Refused: noWorker, Run: func() tea.Cmd {
			return screen.Send(screen.OpenDispatch{WorkerID: worker})
		}},
		screen.Action{ID: "dead-letters", Keys: []string{"x"}, Label: "dead letters", Help: "The dead letters of the line's worker.", Hidden: true, Refused: noWorker, Run: func() tea.Cmd {
			return screen.Send(screen.OpenDead{WorkerID: worker})
		}},
	)
}

func (s *Screen) mark() {
	s.pane.Hold()
	s.pane.Mark()
}

func (s *Screen) toggleWrap() { s.wrap, s.pane.Shift = !s.wrap, 0 }

// toLineEnd scrolls sideways until the end of the line under the cursor is seen.
func (s *Screen) toLineEnd() {
	l := s.pane.Current().Line()
	if l == nil || s.wrap || s.width == 0 {
		return
	}
	room := max(roomLeast, s.width-s.layout(s.width).width())
	_, cells := advance(l.Text, shiftMost)
	s.pane.Shift = max(0, cells-room+2)
}

// shiftMost is how far to the right the end of a line is looked for, in cells.
const shiftMost = 32 << 10

// do makes an action's Run of something that needs no command.
func do(fn func()) func() tea.Cmd {
	return func() tea.Cmd { fn(); return nil }
}

func levelName(l logs.Level) string { return cmp.Or(l.String(), "all") }
