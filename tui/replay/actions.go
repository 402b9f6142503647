package replay

import (
	"fmt"
	"time"

	tea "charm.land/bubbletea/v2"

	"github.com/microfox-ai/aiwctl/aws/redrive"
	"github.com/microfox-ai/aiwctl/tui/cell"
	"github.com/microfox-ai/aiwctl/tui/screen"
	"github.com/microfox-ai/aiwctl/tui/table"
)

// Actions implements screen.Screen.
func (s *Screen) Actions() []screen.Action {
	if s.typing.Typing() {
		return nil
	}
	var actions []screen.Action
	switch s.phase {
	case planning:
		if s.err != nil {
			actions = append(actions, screen.Action{ID: "again", Keys: []string{"r"}, Label: "try again", Help: "Look at the messages again.", Run: s.Init})
		}
		return actions
	case ready:
		actions = s.planActions()
	case running:
		stopping := ""
		if s.stopping {
			stopping = "it is stopping already"
		}
		actions = append(actions, screen.Action{
			ID: "stop", Keys: []string{"X"}, Label: "stop", Refused: stopping, Run: s.stop,
			Help: "Stop: what was sent is deleted from the dead-letter queue, the rest stays there and is let go; it can be gone on with.",
		})
	case ended:
		if s.report.Unfinished {
			actions = append(actions, screen.Action{ID: "go-on", Keys: []string{"R"}, Label: "go on", Help: "Go on where it ended, by its journal.", Writes: true, Run: s.goOn, Command: func() string {
				return screen.Command("dlq", "resume", journalID(s.report.Journal))
			}})
		}
	}
	if s.phase != ready || s.inMessages {
		actions = append(actions, s.messageActions()...)
	}
	return actions
}

func (s *Screen) planActions() []screen.Action {
	if s.resuming {
		return s.resumeActions()
	}
	nothing, choosing := "", ""
	n := s.goes()
	switch {
	case s.waits == rechecking:
		nothing = "the check is under way"
	case s.plan.err != nil:
		nothing = "the check failed: r looks again"
	case n == 0 && !s.plan.about:
		nothing = "there is nothing to " + s.verb()
	}
	label := s.verb() + " " + cell.Count(n)
	lines := s.optionLines()
	if s.inMessages {
		choosing = s.env.Key(screen.KindReplay, "messages", "tab") + " goes to the plan first"
	}
	toggle := screen.Action{ID: "messages", Keys: []string{"tab"}, Label: "messages", Help: "Give the moving keys to the messages, and back to the plan.", Run: s.do(func() { s.inMessages = true })}
	if s.inMessages {
		toggle.Label, toggle.Run = "plan", s.do(func() { s.inMessages = false })
	}
	untyped := choosing
	if untyped == "" && lines[s.choice].set == nil {
		untyped = "it has no other values than those that space goes through"
	}
	actions := []screen.Action{
		{ID: "start", Keys: []string{"enter"}, Label: label, Help: "Ask, then do it. Nothing is changed before you agree.", Writes: true, Refused: nothing, Command: s.command, Run: s.agree},
		toggle,
		{ID: "change", Keys: []string{"space", "right"}, Label: "change", Help: "Change the option under the cursor to its next value.", Refused: choosing, Run: func() tea.Cmd { return s.change(1) }},
		{ID: "change-back", Keys: []string{"left"}, Help: "Change the option under the cursor to the value before.", Hidden: true, Refused: choosing, Run: func() tea.Cmd { return s.change(-1) }},
		{ID: "type", Keys: []string{"e"}, Label: "type", Help: "Type the value of the option under the cursor.", Refused: untyped, Run: s.typeOption},
		{ID: "copy-command", Keys: []string{"Y"}, Help: "Copy the command that does the same.", Hidden: true, Run: s.copyCommand},
		{ID: "again", Keys: []string{"r"}, Help: "Look at the messages again, and check them again.", Hidden: true, Run: s.begin},
	}
	if s.inMessages {
		actions = append(actions, screen.Action{ID: "plan", Keys: []string{"esc"}, Help: "Back to the plan.", Hidden: true, Run: s.do(s.escape)})
	} else {
		actions = append(actions, screen.Action{Keys: []string{"j", "k"}, Help: "Next and previous option; also the arrow keys.", Hidden: true})
	}
	return actions
}

func (s *Screen) resumeActions() []screen.Action {
	if s.state == nil {
		return []screen.Action{{ID: "again", Keys: []string{"r"}, Label: "look again", Help: "Read the journals again.", Run: s.readJournals}}
	}
	one := ""
	if len(s.states) < 2 {
		one = "there is no other"
	}
	return []screen.Action{
		{ID: "start", Keys: []string{"enter"}, Label: "finish it", Help: "Ask, then finish what was interrupted.", Writes: true, Command: s.command, Run: s.agreeResume},
		{ID: "next", Keys: []string{"right", "tab"}, Label: "next", Help: "The next one that was interrupted.", Refused: one, Run: s.do(func() { s.other(1) })},
		{ID: "previous", Keys: []string{"left", "shift+tab"}, Help: "The one before.", Hidden: true, Refused: one, Run: s.do(func() { s.other(-1) })},
		{ID: "again", Keys: []string{"r"}, Help: "Read the journals again.", Hidden: true, Run: s.readJournals},
		{ID: "copy-command", Keys: []string{"Y"}, Help: "Copy the command that does the same.", Hidden: true, Run: s.copyCommand},
	}
}

// messageActions are those of the list.
func (s *Screen) messageActions() []screen.Action {
	selected, found := s.table.Selected()
	noJob := ""
	switch {
	case !found:
		noJob = "there is no message under the cursor"
	case selected.job() == "":
		noJob = "the message is not a job"
	}
	open := screen.Action{ID: "open-job", Keys: []string{"o"}, Label: "its job", Help: "The job's life, under its new id where it has one.", Refused: noJob, Run: func() tea.Cmd { return s.openJob(selected) }}
	if s.phase != ready {
		open.Keys = []string{"enter", "o"}
	}
	label := "failures"
	if s.bad {
		label = "all"
	}
	actions := []screen.Action{
		open,
		{ID: "failures", Keys: []string{"f"}, Label: label, Help: "List only what did not, or will not, go well; once more lists all.", Run: s.do(func() { s.bad = !s.bad; s.arrange() })},
		{ID: "filter", Keys: []string{"/"}, Label: "filter", Help: "List only messages that contain a text; esc clears it.", Run: s.filter.Open},
		{ID: "copy-id", Keys: []string{"y"}, Help: "Copy the job's id, the new one where it has one.", Hidden: true, Refused: noJob, Run: func() tea.Cmd {
			return screen.Send(screen.Copy{What: "the job's id", Text: selected.job()})
		}},
		{ID: "sort", Keys: []string{"s"}, Help: "Sort by the next column.", Hidden: true, Run: s.do(s.table.NextSort)},
		{ID: "reverse", Keys: []string{"S"}, Help: "Reverse the order.", Hidden: true, Run: s.do(s.table.Reverse)},
	}
	if s.phase == ended {
		path, none := s.report.Journal, ""
		what := "the journal's path"
		if s.report.Export != "" {
			path, what = s.report.Export, "the file's path"
		}
		if path == "" {
			none = "there is no file"
		}
		actions = append(actions, screen.Action{ID: "copy-path", Keys: []string{"Y"}, Help: "Copy the path of the journal, or of the file that keeps what was deleted.", Hidden: true, Refused: none, Run: func() tea.Cmd {
			return screen.Send(screen.Copy{What: what, Text: path})
		}})
	}
	if s.filter.Shown() && s.phase != ready {
		actions = append(actions, screen.Action{ID: "clear", Keys: []string{"esc"}, Help: "Clear the filter.", Hidden: true, Run: s.do(s.escape)})
	}
	return append(actions, table.Moves()...)
}

func (s *Screen) escape() {
	if s.filter.Shown() {
		s.filter.Clear()
		s.arrange()
		return
	}
	s.inMessages = false
}

// do makes an action's Run of something that needs no command.
func (s *Screen) do(fn func()) func() tea.Cmd {
	return func() tea.Cmd {
		fn()
		return nil
	}
}

func (s *Screen) openJob(r *row) tea.Cmd {
	ask := screen.OpenJob{JobID: r.job(), WorkerID: s.workerID()}
	if !s.startedAt.IsZero() {
		ask.Since = s.startedAt.Add(-time.Minute)
	} else if !r.sentAt.IsZero() {
		ask.Since = r.sentAt.Add(-time.Minute)
	}
	return screen.Send(ask)
}

func (s *Screen) copyCommand() tea.Cmd {
	text := s.command()
	if text == "" {
		return screen.Send(screen.Task{ID: s.taskID() + "-copy", Text: "no command line of a bearable length names these messages", Done: true})
	}
	return screen.Send(screen.Copy{What: "the command", Text: text})
}

// rechecking is what is being waited for while an option is checked.
const rechecking = "checking again"

// change takes the next value of the option under the cursor.
func (s *Screen) change(by int) tea.Cmd {
	option := s.optionLines()[s.choice]
	option.step(by)
	s.refusal = ""
	s.changed(option)
	return nil
}

func (s *Screen) changed(o option) {
	if o.rechecks && s.session != nil && !s.plan.about {
		s.waits = rechecking
		s.session.order(order{options: s.options})
	}
	s.table.Invalidate()
}

func (s *Screen) typeOption() tea.Cmd {
	s.typing.Clear()
	s.refusal = ""
	return s.typing.Open()
}

// typed is a key for the value of an option. What is refused stays, with the reason.
func (s *Screen) typed(msg tea.KeyPressMsg) tea.Cmd {
	switch msg.String() {
	case "enter":
		option := s.optionLines()[s.choice]
		if err := option.set(s.typing.Value()); err != nil {
			s.refusal = cell.Clean(err.Error())
			return nil
		}
		s.refusal = ""
		s.typing.Clear()
		s.changed(option)
		return nil
	case "esc":
		s.refusal = ""
	}
	return s.typing.Update(msg)
}

// goes is how many messages would be moved.
func (s *Screen) goes() int {
	n := s.plan.count
	if blocked, _ := s.blockedText(); !s.options.force && !s.ask.Delete {
		n -= blocked
	}
	return n
}

// agree asks, with everything that will happen.
func (s *Screen) agree() tea.Cmd {
	n := s.goes()
	what := cell.Plural(n, "message")
	if s.plan.about {
		what = "about " + what
	}
	title := "Replay " + what + " of " + s.workerName() + "?"
	lines := []string{"stage  " + s.stageText(), "from   " + cell.Clean(s.worker.DLQ.Name)}
	if s.ask.Delete {
		title = "Delete " + what + " of " + s.workerName() + "?"
		if s.options.noCopy {
			lines = append(lines, "", "Nothing is kept of them: they are gone for good.")
		} else {
			lines = append(lines, "", "Each is first written to a file, from which dlq import brings it back.")
		}
	} else {
		lines = append(lines, "to     "+cell.Clean(s.target()), "")
		lines = append(lines, s.agreeNotes()...)
	}
	queues := []string{s.worker.DLQ.Name}
	if s.worker.Queue != nil {
		queues = append(queues, s.worker.Queue.Name)
	}
	if s.options.to != "" {
		queues = append(queues, s.options.to)
	}
	verb := "Replay " + cell.Count(n)
	if s.ask.Delete {
		verb = "Delete " + cell.Count(n)
	}
	o := s.options
	return screen.Send(screen.Confirm{
		Title: title, Lines: lines, Verb: verb, Command: s.command(), Protected: s.protected(queues),
		Write: func(stage string) tea.Cmd {
			if s.phase != ready || s.session == nil {
				return nil
			}
			s.started()
			s.session.order(order{options: o, start: true, stage: stage})
			return s.tell()
		},
	})
}

func (s *Screen) agreeNotes() []string {
	o := s.options
	var lines []string
	blocked, text := s.blockedText()
	switch {
	case o.native:
		lines = append(lines, "AWS moves everything that is there, as it is.")
	case blocked > 0 && o.force:
		lines = append(lines, fmt.Sprintf("%s among them will die again, or be swallowed: %s.", cell.Count(blocked), text))
	case blocked > 0:
		lines = append(lines, fmt.Sprintf("%s more would die again, or be swallowed, and stay: %s.", cell.Count(blocked), text))
	}
	if s.plan.edits > 0 {
		lines = append(lines, cell.Plural(s.plan.edits, "message")+" as edited; the original stays until the copy is accepted.")
	}
	if o.canary > 0 {
		lines = append(lines, cell.Plural(o.canary, "message")+" first; the others when these have completed.")
	}
	if !o.native {
		lines = append(lines, "Each is sent first, and deleted here once the send was accepted.")
	}
	return lines
}

// started says that it begins.
func (s *Screen) started() {
	s.phase, s.startedAt, s.firstAt = running, s.env.Now(), time.Time{}
	s.done, s.failed, s.stopping, s.err, s.report = 0, 0, false, nil, redrive.Report{}
	s.inMessages = true
	s.bad = false
	if !s.resuming {
		s.total = s.plan.count
	}
	s.arrange()
}

// stop ends it where it is; its report still comes.
func (s *Screen) stop() tea.Cmd {
	s.stopping = true
	s.requests.Interrupt(forWork)
	return s.tell()
}

func (s *Screen) target() string {
	switch {
	case s.options.to != "":
		return lastPart(s.options.to)
	case s.worker.Queue != nil:
		return s.worker.Queue.Name
	}
	return "the queue they came from"
}

func (s *Screen) stageText() string {
	stage := s.env.Stage
	text := stage.Name + " in " + stage.Region
	if stage.Endpoint != "" {
		text += " at " + stage.Endpoint
	}
	if stage.Account != "" {
		text += ", account " + stage.Account
	}
	return cell.Clean(text)
}
