package jobview

import (
	"cmp"
	"encoding/json"
	"strings"
	"time"

	tea "charm.land/bubbletea/v2"

	"github.com/microfox-ai/aiwctl/aws/jobs"
	"github.com/microfox-ai/aiwctl/tui/cell"
	"github.com/microfox-ai/aiwctl/tui/jsonview"
	"github.com/microfox-ai/aiwctl/tui/screen"
)

// Actions implements screen.Screen.
func (s *Screen) Actions() []screen.Action {
	found := ""
	if s.life == nil || !s.life.Found() {
		found = "the job was not found"
	}
	worker := ""
	if _, ok := s.env.Worker(s.workerID()); !ok {
		worker = "its worker is not known"
	}
	var actions []screen.Action
	if s.detail != nil {
		actions = append(actions, screen.Action{ID: "close", Keys: []string{"esc", "enter"}, Label: "close", Help: "Close what is open and go back to its pane.", Run: do(func() { s.detail = nil })})
	} else {
		actions = append(actions,
			screen.Action{ID: "next-pane", Keys: []string{"tab"}, Label: "next pane", Help: "Give the keys to the next of timeline, lines, result and input.", Refused: found, Run: do(func() { s.turn(1) })},
			screen.Action{ID: "previous-pane", Keys: []string{"shift+tab"}, Help: "Give the keys to the pane before.", Hidden: true, Refused: found, Run: do(func() { s.turn(-1) })},
			screen.Action{ID: "open", Keys: []string{"enter"}, Label: "open", Help: "Read what is under the cursor whole: a line, an event; of a child or parent job its own screen.", Refused: cmp.Or(found, s.nothingUnder()), Run: s.open},
		)
	}
	actions = append(actions,
		screen.Action{ID: "retry", Keys: []string{"n"}, Label: "retry as new job", Help: "Open the dispatch screen with this job's input and metadata, to be sent as a new job.", Refused: cmp.Or(found, worker, s.notAgain()), Run: s.retry, Command: s.retryCommand()},
		screen.Action{ID: "dead-letters", Keys: []string{"x"}, Label: "dead letter", Help: "Open its message in the dead letters, to be looked at and replayed.", Refused: cmp.Or(found, s.notDead()), Run: s.openDead, Command: s.deadCommand()},
		screen.Action{ID: "logs", Keys: []string{"l"}, Label: "logs", Help: "The worker's log around this time, other jobs too.", Refused: worker, Run: s.openLogs, Command: s.logsCommand("")},
		screen.Action{ID: "invocation", Keys: []string{"L"}, Label: "invocation", Help: "All lines of the invocation under the cursor, or of the last attempt.", Refused: cmp.Or(worker, s.noRequest()), Run: s.openInvocation, Command: s.logsCommand(s.request())},
		screen.Action{ID: "worker", Keys: []string{"w"}, Label: "worker", Help: "Everything about its worker.", Refused: worker, Run: func() tea.Cmd { return screen.Send(screen.OpenWorker{WorkerID: s.workerID()}) }, Command: s.workerCommand()},
		screen.Action{ID: "open-related", Keys: []string{"o"}, Help: "Open the job under the cursor: a child, its parent, what it was replayed as. Without one its parent.", Hidden: true, Refused: s.noRelated(), Run: s.openRelated},
		screen.Action{ID: "look-again", Keys: []string{"r"}, Label: "look again", Help: "Look for it again everywhere. Where it is said to be dead the dead-letter queue is looked into, which raises the receive counts there.", Refused: s.looking(), Run: s.lookAgain, Command: s.command},
		screen.Action{ID: "further-back", Keys: []string{"b"}, Label: "further back", Help: "Search the logs further back: 7 days, 30, 90, all.", Hidden: found == "", Refused: s.notFurther(), Run: s.lookBack, Command: s.backCommand()},
		screen.Action{ID: "search", Keys: []string{"/"}, Label: "search lines", Help: "Show only log lines of it that contain a text; esc shows all.", Refused: found, Run: s.openSearch},
		screen.Action{ID: "copy", Keys: []string{"y"}, Help: "Copy the job as JSON, as `aiwctl job -o json` prints it; while a line or an event is open, that.", Hidden: true, Refused: found, Run: s.copyJSON},
		screen.Action{ID: "copy-command", Keys: []string{"Y"}, Help: "Copy the aiwctl command that tells the same.", Hidden: true, Run: func() tea.Cmd {
			return screen.Send(screen.Copy{What: "the command", Text: s.command()})
		}},
	)
	if s.detail == nil && s.filter.Shown() {
		actions = append(actions, screen.Action{ID: "all-lines", Keys: []string{"esc"}, Help: "Show all lines again.", Hidden: true, Run: do(s.clear)})
	}
	return append(actions,
		screen.Action{Keys: []string{"j", "k"}, Help: "Next and previous row of the pane; also the arrow keys.", Hidden: true},
		screen.Action{Keys: []string{"g", "G"}, Help: "First and last row; at the last line new ones are followed.", Hidden: true},
		screen.Action{Keys: []string{"ctrl+d", "ctrl+u"}, Help: "Half a page down and up; pgdown and pgup for a whole one.", Hidden: true},
		screen.Action{Keys: []string{"left", "right", "0"}, Help: "Scroll long lines sideways; 0 goes back to their beginning.", Hidden: true},
	)
}

// do makes an action's Run of something that needs no command.
func do(fn func()) func() tea.Cmd {
	return func() tea.Cmd { fn(); return nil }
}

// turn gives the keys to another pane.
func (s *Screen) turn(by int) {
	at := (s.pane + by + paneCount) % paneCount
	s.pane = at
	if at != paneTimeline {
		s.beside = at
	}
}

func (s *Screen) openSearch() tea.Cmd {
	s.pane, s.beside, s.detail = paneLines, paneLines, nil
	return s.filter.Open()
}

func (s *Screen) clear() {
	s.filter.Clear()
	s.lines.setFilter("")
}

// nothingUnder is why nothing can be opened.
func (s *Screen) nothingUnder() string {
	switch s.pane {
	case paneTimeline:
		if r := s.timeline.current(); r != nil && (r.event != nil || r.text != "") {
			return ""
		}
	case paneLines:
		if s.lines.current() != nil {
			return ""
		}
	default:
		return "it is shown whole"
	}
	return "there is nothing under the cursor"
}

func (s *Screen) open() tea.Cmd {
	switch s.pane {
	case paneTimeline:
		r := s.timeline.current()
		if r.event != nil && r.event.JobID != "" {
			return s.openRelated()
		}
		s.detail = s.rowDocument(r)
	case paneLines:
		s.lines.follow = false
		s.detail = s.lineDocument(s.lines.current())
	}
	return nil
}

// related is the other job that the row under the cursor is about, else its parent.
func (s *Screen) related() (jobID, workerID string) {
	if s.pane == paneTimeline {
		if r := s.timeline.current(); r != nil && r.event != nil && r.event.JobID != "" {
			return r.event.JobID, r.event.WorkerID
		}
	}
	if s.life == nil {
		return "", ""
	}
	if o := s.life.Sent; o != nil {
		return cmp.Or(o.ParentJobID, o.ReplayOf), o.ParentWorkerID
	}
	return "", ""
}

func (s *Screen) noRelated() string {
	if id, _ := s.related(); id != "" {
		return ""
	}
	return "no other job is under the cursor, and it has no parent that is known"
}

func (s *Screen) openRelated() tea.Cmd {
	id, worker := s.related()
	ask := screen.OpenJob{JobID: id, WorkerID: worker}
	if began := s.life.Began(); !began.IsZero() {
		// A parent began before, how long is not known.
		ask.Since = began.Add(-24 * time.Hour)
	}
	return screen.Send(ask)
}

// notAgain is why the job cannot be sent again.
func (s *Screen) notAgain() string {
	if s.life != nil && len(s.life.Input) > 0 {
		return ""
	}
	return "its input is not known: it has no record that could be read, and its message was not found in the dead-letter queue"
}

func (s *Screen) retry() tea.Cmd {
	return screen.Send(screen.OpenDispatch{WorkerID: s.workerID(), Input: string(s.life.Input), Metadata: s.metadata(), Again: s.life.JobID})
}

// metadata is the job's, without what says where that one came from.
func (s *Screen) metadata() string {
	var fields map[string]json.RawMessage
	if len(s.life.Metadata) == 0 || json.Unmarshal(s.life.Metadata, &fields) != nil {
		return ""
	}
	delete(fields, "__trigger")
	if len(fields) == 0 {
		return ""
	}
	text, err := json.Marshal(fields)
	if err != nil {
		return ""
	}
	return string(text)
}

func (s *Screen) notDead() string {
	switch {
	case s.life == nil || s.life.DeadLetter != nil:
		return ""
	case s.life.State == jobs.StateCompleted:
		return "it completed: it is not dead"
	case !s.life.State.Ended():
		return "it is not dead: " + string(s.life.State)
	}
	for _, m := range s.life.Missing {
		if strings.Contains(m, "dead-letter queue") {
			return cell.Clean(m)
		}
	}
	return "its message was not found in the dead-letter queue"
}

func (s *Screen) openDead() tea.Cmd {
	return screen.Send(screen.OpenDead{WorkerID: s.workerID(), JobID: s.life.JobID, MessageID: s.life.DeadLetter.MessageID})
}

// around is the time that is looked at.
func (s *Screen) around() time.Time {
	if l := s.lines.current(); s.pane == paneLines && l != nil {
		return l.Time.UTC().Add(-sinceBefore)
	}
	if r := s.timeline.current(); s.pane == paneTimeline && r != nil && r.event != nil && !r.event.At.IsZero() && s.timeline.held {
		return r.event.At.Add(-sinceBefore)
	}
	if s.life != nil && !s.life.Began().IsZero() {
		return s.life.Began().Add(-sinceBefore)
	}
	return s.search.since
}

func (s *Screen) openLogs() tea.Cmd {
	return screen.Send(screen.OpenLogs{WorkerIDs: []string{s.workerID()}, Since: s.around()})
}

// request is the invocation that is meant: of the row or line under the cursor, else the
// last.
func (s *Screen) request() string {
	if l := s.lines.current(); s.pane == paneLines && l != nil && l.RequestID != "" {
		return l.RequestID
	}
	if r := s.timeline.current(); s.pane == paneTimeline && r != nil && r.event != nil && r.event.RequestID != "" {
		return r.event.RequestID
	}
	if a := s.last(); a != nil {
		return a.RequestID
	}
	return ""
}

func (s *Screen) noRequest() string {
	if s.request() != "" {
		return ""
	}
	return "no invocation of it is known"
}

func (s *Screen) openInvocation() tea.Cmd {
	id := s.request()
	since := s.around()
	for i := range s.life.Attempts {
		if a := &s.life.Attempts[i]; a.RequestID == id {
			since = a.Start.Add(-sinceBefore)
		}
	}
	return screen.Send(screen.OpenLogs{WorkerIDs: []string{s.workerID()}, RequestID: id, Since: since})
}

// looking is why a look cannot begin now.
func (s *Screen) looking() string {
	switch {
	case !s.search.begun:
		return "the workers of the stage are not known yet"
	case s.requests.Live(forFind):
		return "a look is under way"
	}
	return ""
}

func (s *Screen) notFurther() string {
	if _, _, ok := s.furtherBack(); !ok {
		return "the logs were searched to their beginning"
	}
	return s.looking()
}

// copyJSON copies what is open, else the job as the command prints it.
func (s *Screen) copyJSON() tea.Cmd {
	if s.detail != nil {
		return screen.Send(screen.Copy{What: "the " + s.detail.what, Text: s.detail.body})
	}
	text, err := jsonview.Copied(s.life)
	if err != nil {
		return screen.Send(screen.Task{ID: "copy-job", Text: "copy the job as JSON", Done: true, Err: err})
	}
	return screen.Send(screen.Copy{What: "the job as JSON", Text: text})
}
