package deadletters

import (
	"context"
	"errors"
	"fmt"

	tea "charm.land/bubbletea/v2"

	"github.com/microfox-ai/aiwctl/aws/redrive"
	"github.com/microfox-ai/aiwctl/tui/cell"
	"github.com/microfox-ai/aiwctl/tui/screen"
)

// replaying is a replay under way.
type replaying struct {
	total, done, failed int
	stopping            bool
	report              *redrive.Report
}

func (p *replaying) text(worker string) string {
	text := fmt.Sprintf("replay %s of %s: %s of %s", cell.Plural(p.total, "message"), worker, cell.Count(p.done), cell.Count(p.total))
	if p.failed > 0 {
		text += fmt.Sprintf(", %s failed", cell.Count(p.failed))
	}
	if p.stopping {
		text += ", stopping"
	}
	return text
}

// chosen are the letters a replay of the marked ones is about: those marked,
// else the one under the cursor, without those that were replayed already.
func (s *Screen) chosen() []row {
	return waiting(s.table.MarkedOrSelected())
}

func waiting(rows []row) []row {
	var left []row
	for _, r := range rows {
		if !r.replayed() {
			left = append(left, r)
		}
	}
	return left
}

// askMarked asks whether to replay the chosen letters.
func (s *Screen) askMarked() tea.Cmd {
	rows := s.chosen()
	var notes []string
	if _, hidden := s.table.Marks(); hidden > 0 {
		notes = append(notes, fmt.Sprintf("%s hidden by the filter.", areMarked(hidden)))
	}
	return s.ask(rows, len(rows), redrive.Replay{IDs: ids(rows)}, "", notes)
}

func areMarked(n int) string {
	if n == 1 {
		return "1 marked message is"
	}
	return cell.Count(n) + " marked messages are"
}

// askAll asks whether to replay everything: what matches the filter when there
// is one, else all that is in the queue, seen or not.
func (s *Screen) askAll() tea.Cmd {
	rows := waiting(s.table.Rows())
	if filter := s.table.Filter(); filter != "" {
		return s.ask(rows, len(rows), redrive.Replay{IDs: ids(rows)},
			fmt.Sprintf("All that match %q.", filter), nil)
	}
	count := max(len(rows), s.depth())
	note := "All that are in the queue when the replay begins, seen here or not."
	return s.ask(rows, count, redrive.Replay{All: true}, note, nil)
}

// depth is how many dead letters there are as far as anybody knows.
func (s *Screen) depth() int {
	if w, ok := s.env.Worker(s.workerID); ok && w.DLQ != nil && w.DLQ.Depth.At.After(s.lookedAt) {
		return w.DLQ.Depth.Total()
	}
	if s.listing != nil {
		return s.listing.Depth.Total()
	}
	return 0
}

func ids(rows []row) []string {
	list := make([]string, len(rows))
	for i, r := range rows {
		list[i] = r.letter.ID
	}
	return list
}

// ask asks before a replay. Rows are the letters known to be among those
// replayed.
func (s *Screen) ask(rows []row, count int, r redrive.Replay, which string, notes []string) tea.Cmd {
	w, ok := s.env.Worker(s.workerID)
	if !ok || w.Queue == nil || w.DLQ == nil {
		return screen.Send(screen.Task{
			ID: s.task("replay"), Text: "replay dead letters of " + s.workerID, Done: true,
			Err: errors.New("its queue and its dead-letter queue are not both known: refresh the workers"),
		})
	}
	r.Worker = w
	what := cell.Plural(count, "message")
	stage := s.env.Stage.Name + " in " + s.env.Stage.Region
	if s.env.Stage.Endpoint != "" {
		stage += " at " + s.env.Stage.Endpoint
	}
	if s.env.Stage.Account != "" {
		stage += ", account " + s.env.Stage.Account
	}
	lines := []string{
		"stage  " + stage,
		"from   " + w.DLQ.Name,
		"to     " + w.Queue.Name,
		"",
	}
	if which != "" {
		lines = append(lines, which)
	}
	lines = append(lines, notes...)
	odd := 0
	for _, row := range rows {
		if row.odd {
			odd++
		}
	}
	if odd > 0 {
		lines = append(lines, cell.Plural(odd, "message")+" among them cannot be read as a job and will most likely come back.")
	}
	lines = append(lines, "Each is sent first, and deleted here once the send was accepted.")
	return screen.Send(screen.Confirm{
		Title: "Replay " + what + " of " + s.workerID + "?",
		Lines: lines,
		Verb:  "Replay " + cell.Count(count),
		Write: func(stage string) tea.Cmd { return s.start(r, count, stage) },
	})
}

// start begins a replay. Each result comes back as it is known, the report at
// the end, also of a replay that was stopped or failed half-way. Stage is what was
// typed to agree, where the stage is protected.
func (s *Screen) start(r redrive.Replay, count int, stage string) tea.Cmd {
	if s.replay != nil {
		return nil
	}
	s.replay = &replaying{total: count}
	engine := s.engine
	stream := s.requests.Stream(forReplay, func(ctx context.Context, emit func(any) error) error {
		r.OnResult = func(result redrive.Result) {
			_ = emit(result) // fails when nobody looks any more; the replay's own context ends it
		}
		report, err := engine.Replay(screen.Confirmed(ctx, stage), r)
		_ = emit(report)
		return err
	})
	return tea.Batch(stream, screen.Send(screen.Task{ID: s.task("replay"), Text: s.replay.text(s.workerID)}))
}

// stop ends a replay where it is; its report still comes.
func (s *Screen) stop() tea.Cmd {
	if s.replay == nil {
		return nil
	}
	s.replay.stopping = true
	s.requests.Interrupt(forReplay)
	return screen.Send(screen.Task{ID: s.task("replay"), Text: s.replay.text(s.workerID)})
}

// progress takes a replay's replies.
func (s *Screen) progress(reply screen.Reply) tea.Cmd {
	p := s.replay
	if p == nil {
		return nil
	}
	if reply.More {
		switch payload := reply.Payload.(type) {
		case redrive.Result:
			s.results[payload.ID] = payload
			p.done++
			if payload.Status != redrive.StatusReplayed {
				p.failed++
			}
			p.total = max(p.total, p.done)
		case redrive.Report:
			p.report = &payload
		}
		s.load()
		return screen.Send(screen.Task{ID: s.task("replay"), Text: p.text(s.workerID)})
	}
	s.replay = nil
	s.table.ClearMarks()
	s.load()
	return tea.Batch(screen.Send(s.ended(p, reply.Err)), screen.Send(screen.Refresh{}))
}

// ended is the last word on a replay.
func (s *Screen) ended(p *replaying, err error) screen.Task {
	replayed := p.done - p.failed
	if p.report != nil {
		replayed = p.report.Replayed
		s.warnings = p.report.Warnings
	}
	task := screen.Task{
		ID: s.task("replay"), Done: true, Err: err,
		Text: fmt.Sprintf("replayed %s of %s", cell.Plural(replayed, "message"), s.workerID),
	}
	if err == nil {
		return task
	}
	partial, _ := errors.AsType[*redrive.PartialError](err)
	if p.stopping && errors.Is(err, context.Canceled) && (partial == nil || len(partial.Report.Problems) == 0) {
		task.Err = nil
		task.Text += ", then stopped"
		return task
	}
	task.Text = "replay of " + cell.Plural(p.total, "message") + " of " + s.workerID
	return task
}
