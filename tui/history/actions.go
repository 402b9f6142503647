package history

import (
	"cmp"
	"fmt"
	"strings"
	"time"

	tea "charm.land/bubbletea/v2"

	"github.com/microfox-ai/aiwctl/aws"
	"github.com/microfox-ai/aiwctl/tui/cell"
	"github.com/microfox-ai/aiwctl/tui/jsonview"
	"github.com/microfox-ai/aiwctl/tui/screen"
	"github.com/microfox-ai/aiwctl/tui/table"
)

// Actions implements screen.Screen.
func (s *Screen) Actions() []screen.Action {
	r, found := s.current()
	none := ""
	if !found {
		none = "there is no action under the cursor"
	}
	noTrail, unread := "", ""
	if s.trail == nil {
		noTrail = "no trail is kept here"
	}
	if s.page == nil {
		unread = cmp.Or(noTrail, "the trail was not read yet")
	}
	var actions []screen.Action
	if s.open != nil {
		actions = append(actions, screen.Action{ID: "close", Keys: []string{"esc", "enter"}, Label: "close", Help: "Back to the list.", Run: do(func() { s.open = nil })})
	} else {
		actions = append(actions, screen.Action{ID: "open", Keys: []string{"enter"}, Label: "open", Help: "Read the action whole: counts, error, ids, the command that did it.", Refused: none, Run: do(func() { s.read1(r) })})
	}
	repeat := screen.Action{ID: "repeat", Keys: []string{"R"}, Label: "repeat", Help: "Open the screen where it was done; of a replay that did not end, the one that finishes it.", Refused: cmp.Or(none, s.noRepeat(r)), Run: func() tea.Cmd { return s.repeat(r) }}
	if r.Remedy != "" {
		repeat.Label = "finish it"
		repeat.Command = func() string { return cell.Clean(r.Remedy) }
	} else if c := command(r); c != "" {
		repeat.Command = func() string { return c }
	}
	stages := screen.Action{ID: "all-stages", Keys: []string{"a"}, Label: "all stages", Help: "What was written to every stage, or to this one only.", Refused: noTrail, Run: s.toggleStages, Command: func() string { return screen.Command("history") }}
	if s.everywhere {
		stages.Label, stages.Command = "this stage", func() string { return screen.Command("history", "--here") }
	}
	failed := screen.Action{ID: "failed", Keys: []string{"f"}, Label: "failed", Help: "Only what did not end well, or at all; and all again.", Refused: unread, Run: do(func() { s.bad = !s.bad; s.show() }), Command: func() string { return screen.Command("history", "--here", "--failed") }}
	if s.bad {
		failed.Label = "all results"
	}
	actions = append(actions, repeat,
		screen.Action{ID: "open-job", Keys: []string{"o"}, Label: "its job", Help: "Open the job that was dispatched.", Refused: cmp.Or(none, s.noJob(r)), Run: func() tea.Cmd {
			return screen.Send(screen.OpenJob{JobID: r.IDs[0], WorkerID: r.Object, Since: r.Time})
		}, Command: s.jobCommand(r)},
		stages, failed,
		screen.Action{ID: "filter", Keys: []string{"/"}, Label: "filter", Help: "Show only actions that contain a text: in their names, results, ids, who did it.", Refused: unread, Run: s.openFilter},
		screen.Action{ID: "more", Keys: []string{"m"}, Label: "more", Help: "Read older actions too.", Hidden: s.page == nil || !s.page.More, Refused: cmp.Or(noTrail, s.noMore()), Run: s.more, Command: func() string { return screen.Command("history", "--here", "-n", fmt.Sprint(s.most*moreTimes)) }},
		screen.Action{ID: "refresh", Keys: []string{"r"}, Help: "Read the trail again now; when it changes that is done by itself.", Hidden: true, Refused: noTrail, Run: s.again, Command: func() string { return screen.Command("history", "--here") }},
		screen.Action{ID: "copy", Keys: []string{"y"}, Help: "Copy the action as JSON, as `aiwctl history -o json` prints it.", Hidden: true, Refused: none, Run: func() tea.Cmd { return copyJSON(r) }},
		screen.Action{ID: "copy-command", Keys: []string{"Y"}, Help: "Copy the command that did it, or that finishes it.", Hidden: true, Refused: cmp.Or(none, noCommand(r)), Run: func() tea.Cmd {
			return screen.Send(screen.Copy{What: "the command", Text: cmp.Or(cell.Clean(r.Remedy), command(r))})
		}},
	)
	if s.open != nil {
		return append(actions, screen.Action{Keys: []string{"j", "k", "ctrl+d", "ctrl+u", "g", "G"}, Help: "Scroll.", Hidden: true})
	}
	if s.filter.Shown() {
		actions = append(actions, screen.Action{ID: "clear", Keys: []string{"esc"}, Help: "Clear the filter.", Hidden: true, Run: do(func() {
			s.filter.Clear()
			s.table.SetFilter("")
		})})
	}
	actions = append(actions,
		screen.Action{ID: "sort", Keys: []string{"s"}, Help: "Sort by the next column.", Hidden: true, Run: do(func() { s.table.NextSort() })},
		screen.Action{ID: "reverse", Keys: []string{"S"}, Help: "Reverse the order.", Hidden: true, Run: do(func() { s.table.Reverse() })},
	)
	return append(actions, table.Moves()...)
}

// do makes an action's Run of something that needs no command.
func do(fn func()) func() tea.Cmd {
	return func() tea.Cmd { fn(); return nil }
}

// current is the action that is read, else the one under the cursor.
func (s *Screen) current() (row, bool) {
	if s.open != nil {
		return s.opened, true
	}
	return s.table.Selected()
}

func (s *Screen) openFilter() tea.Cmd {
	s.open = nil
	return s.filter.Open()
}

func (s *Screen) toggleStages() tea.Cmd {
	s.everywhere = !s.everywhere
	s.open, s.page, s.rows, s.began = nil, nil, nil, s.env.Now() // what is shown is of other stages
	s.table = s.newTable()
	return s.read()
}

func (s *Screen) noMore() string {
	switch {
	case s.page == nil || !s.page.More:
		return "there are no older ones"
	case s.most >= mostMost:
		return fmt.Sprintf("%s are shown: `aiwctl history -n 0` prints all", cell.Count(len(s.page.Actions)))
	}
	return ""
}

func (s *Screen) more() tea.Cmd {
	s.most = min(s.most*moreTimes, mostMost)
	return s.read()
}

// here reports whether an action was done to the stage that is shown.
func (s *Screen) here(r row) bool {
	at := s.env.Stage
	endpoint := r.Endpoint
	if _, host, ok := strings.Cut(endpoint, "://"); ok {
		endpoint = strings.TrimSuffix(host, "/")
	}
	return r.Stage == at.Name && r.Region == at.Region && endpoint == at.Endpoint
}

// worker is whose object an action was done to: a worker's id, or its queue's name.
func (s *Screen) worker(r row) string {
	if s.env.Data.Inventory == nil {
		return ""
	}
	named := func(q *aws.Queue) bool { return q != nil && q.Name == r.Object }
	for i := range s.env.Data.Inventory.Workers {
		if w := &s.env.Data.Inventory.Workers[i]; w.ID == r.Object || named(w.DLQ) || named(w.Queue) {
			return w.ID
		}
	}
	return ""
}

// noRepeat is why an action's screen cannot be opened.
func (s *Screen) noRepeat(r row) string {
	switch {
	case !s.here(r):
		return "it was done on " + r.At() + ", which is not the stage that is shown"
	case r.Remedy != "":
		return ""
	case isPush(r):
		return "it was done to the whole stage: `aiwctl push status` shows what it is made of"
	case s.worker(r) == "":
		return "no worker of this stage is " + cell.Clean(r.Object) + ", or has such a queue"
	}
	return ""
}

func (s *Screen) repeat(r row) tea.Cmd {
	worker := s.worker(r)
	switch {
	case r.Remedy != "":
		return screen.Send(screen.OpenReplay{Journal: r.Journal})
	case r.Record.Action == "dispatch":
		return screen.Send(screen.OpenDispatch{WorkerID: worker})
	case strings.HasPrefix(r.Record.Action, "dlq."):
		ask := screen.OpenDead{WorkerID: worker}
		if len(r.IDs) == 1 {
			ask.MessageID = r.IDs[0]
		}
		return screen.Send(ask)
	}
	return screen.Send(screen.OpenWorker{WorkerID: worker})
}

func (s *Screen) noJob(r row) string {
	switch {
	case r.Record.Action != "dispatch" || len(r.IDs) == 0:
		return "no job was dispatched by it"
	case !s.here(r):
		return "it was done on " + r.At() + ", which is not the stage that is shown"
	}
	return ""
}

func (s *Screen) jobCommand(r row) func() string {
	if s.noJob(r) != "" {
		return nil
	}
	return func() string { return screen.Command("job", r.IDs[0], "--since", r.Time.UTC().Format(time.RFC3339)) }
}

func noCommand(r row) string {
	switch {
	case r.Remedy != "" || command(r) != "":
		return ""
	case isPush(r):
		return "it was done where the code is: `aiwctl push` there does it again"
	}
	return "the trail does not have all it was done to"
}

// isPush reports whether an action is a deployment's, which no screen of the console does.
func isPush(r row) bool {
	return r.Record.Action == "push" || strings.HasPrefix(r.Record.Action, "push.")
}

// copyJSON copies an action as the command prints it.
func copyJSON(r row) tea.Cmd {
	text, err := jsonview.Copied(r.Action)
	if err != nil {
		return screen.Send(screen.Task{ID: "copy-action", Text: "copy the action as JSON", Done: true, Err: err})
	}
	return screen.Send(screen.Copy{What: "the action as JSON", Text: text})
}
