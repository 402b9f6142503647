package deadletters

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	tea "charm.land/bubbletea/v2"

	"github.com/microfox-ai/aiwctl/tui/cell"
	"github.com/microfox-ai/aiwctl/tui/screen"
)

// askMarked asks for the replay, or the deletion, of the messages that are marked,
// else of the one, or the group, under the cursor.
func (s *Screen) askMarked(remove bool) tea.Cmd {
	if s.ranged.anchor != "" {
		s.endRange()
	}
	ask := screen.PlanReplay{WorkerID: s.workerID, Delete: remove}
	list := s.chosen()
	switch marked, hidden := s.markCounts(); {
	case hidden > 0:
		ask.Chosen = fmt.Sprintf("%s marked, %s of them hidden by the filter", cell.Count(marked), cell.Count(hidden))
	case marked > 0:
		ask.Chosen = cell.Count(marked) + " marked"
	case s.level == inGroups:
		g, _ := s.groups.Selected()
		ask.Chosen, ask.Where = s.groupWords(g.name)
	}
	return s.ask(ask, list)
}

// askAll asks for the replay of all: what is listed where there is a filter or a group
// is open, else everything in the queue, seen or not.
func (s *Screen) askAll(remove bool) tea.Cmd {
	ask := screen.PlanReplay{WorkerID: s.workerID, Delete: remove}
	inGroup := s.level == inLetters && s.group != ""
	list := waiting(s.shown())
	switch edits := s.edits.count(s.byID); {
	case inGroup:
		ask.Chosen, ask.Where = s.groupWords(s.group)
	case s.filtered != "":
		ask.Chosen, ask.Where = "all that match "+s.filterWords(), s.filterWhere()
	case edits > 0 && !remove:
		// Everything in the queue would go as it is there.
		ask.Chosen = fmt.Sprintf("all %s that were seen, since %s edited", cell.Count(len(list)), cell.Count(edits))
	default:
		ask.All = true
		ask.Chosen = "all that are in the queue when it begins, seen here or not"
	}
	return s.ask(ask, list)
}

func (s *Screen) groupWords(name string) (words, expression string) {
	words = "all that died of " + strconv.Quote(cell.Clean(name))
	if s.filtered != "" {
		return words + " and match " + s.filterWords(), ""
	}
	if name == groupPending || name == groupNoJob {
		return "all " + name, ""
	}
	if s.causeNamed(name) {
		expression = "group == " + strconv.Quote(name)
	}
	return words, expression
}

// causeNamed is whether a group is of a cause that is known.
func (s *Screen) causeNamed(name string) bool {
	for _, c := range s.causes {
		if c.signature == name {
			return true
		}
	}
	return false
}

// filterWords say what is filtered by.
func (s *Screen) filterWords() string {
	var parts []string
	if text := s.text.Value(); text != "" {
		parts = append(parts, strconv.Quote(text))
	}
	if s.where != nil {
		parts = append(parts, s.where.String())
	}
	return strings.Join(parts, " and ")
}

// filterWhere is an expression that is the filter; a text looks in more places than one
// can.
func (s *Screen) filterWhere() string {
	if s.text.Value() != "" || s.where == nil {
		return ""
	}
	return s.where.String()
}

// ask opens the plan. Edits go with their messages; one that cannot be sent keeps all
// of them here.
func (s *Screen) ask(ask screen.PlanReplay, list []*item) tea.Cmd {
	if !ask.All {
		for _, it := range list {
			ask.IDs = append(ask.IDs, it.id)
			is := s.edits.get(it.id)
			if is == nil || ask.Delete {
				continue
			}
			l, err := is.letter()
			if err != nil {
				s.level, s.group = inLetters, ""
				s.arrange()
				s.letters.Select(it.id)
				return s.cannot(fmt.Errorf("%s: %w; %s goes on editing, %s takes it back", it.name, err, s.keyName("edit", "e"), s.keyName("undo-edit", "u")))
			}
			ask.Edited = append(ask.Edited, l)
		}
		if len(ask.IDs) == 0 {
			return s.cannot(errors.New("what was chosen was moved already: " + s.keyName("look", "r") + " looks again"))
		}
	}
	return screen.Send(ask)
}

// cannot says why nothing is planned.
func (s *Screen) cannot(err error) tea.Cmd {
	return screen.Send(screen.Task{ID: s.task("replay"), Text: "replay dead letters of " + s.workerID, Done: true, Err: err})
}

// openLogs asks for the log lines of the job under the cursor.
func (s *Screen) openLogs() tea.Cmd {
	it, ok := s.letters.Selected()
	if !ok {
		return nil
	}
	ask := screen.OpenLogs{WorkerIDs: []string{s.workerID}, JobID: it.jobID}
	if !it.sentAt.IsZero() {
		ask.Since = it.sentAt.Add(-time.Minute)
	}
	return screen.Send(ask)
}

// openJob asks for the job's life, under the id under which it was sent again.
func (s *Screen) openJob() tea.Cmd {
	it, ok := s.letters.Selected()
	if !ok {
		return nil
	}
	ask := screen.OpenJob{JobID: it.jobID, WorkerID: s.workerID}
	if it.fate != nil && it.fate.newJobID != "" {
		ask.JobID = it.fate.newJobID
	}
	if !it.sentAt.IsZero() {
		ask.Since = it.sentAt.Add(-time.Minute)
	}
	return screen.Send(ask)
}

// openDispatch asks for the dispatch screen with the input as it stands here, to send
// it as a job of its own.
func (s *Screen) openDispatch() tea.Cmd {
	it, ok := s.letters.Selected()
	if !ok {
		return nil
	}
	l := s.letterOf(it)
	if l == nil || l.Message == nil {
		return nil
	}
	ask := screen.OpenDispatch{WorkerID: s.workerID, Input: string(l.Message.Input), Again: it.jobID}
	if is := s.edits.get(it.id); is != nil && !is.body {
		ask.Input = is.text
	}
	return screen.Send(ask)
}

// command is the command that shows the same.
func (s *Screen) command() string {
	switch {
	case s.where != nil && s.text.Value() == "" && s.level == inGroups:
		return screen.Command("dlq", "why", s.workerID, "--where", s.where.String())
	case s.level == inGroups:
		return screen.Command("dlq", "why", s.workerID)
	case s.where != nil:
		return screen.Command("dlq", "peek", s.workerID, "--where", s.where.String())
	case s.group != "" && s.causeNamed(s.group):
		return screen.Command("dlq", "peek", s.workerID, "--where", "group == "+strconv.Quote(s.group))
	}
	return screen.Command("dlq", "peek", s.workerID, "-n", strconv.Itoa(max(1, len(s.items))))
}

// moveCommand is the command that moves what R or D is about, as far as a line holds
// it.
func (s *Screen) moveCommand(verb string) string {
	if list := s.chosen(); len(list) > 0 && len(list) <= 8 {
		args := []string{"dlq", verb, s.workerID}
		for _, it := range list {
			args = append(args, "--id", it.id)
		}
		return screen.Command(args...)
	}
	if g, ok := s.groups.Selected(); ok && s.level == inGroups && len(s.marks) == 0 && s.causeNamed(g.name) {
		return screen.Command("dlq", verb, s.workerID, "--where", "group == "+strconv.Quote(g.name))
	}
	if where := s.filterWhere(); where != "" {
		return screen.Command("dlq", verb, s.workerID, "--where", where)
	}
	return screen.Command("dlq", verb, s.workerID, "--all")
}
