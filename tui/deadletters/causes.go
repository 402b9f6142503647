package deadletters

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	tea "charm.land/bubbletea/v2"

	"github.com/microfox-ai/aiwctl/aws/redrive/check"
	"github.com/microfox-ai/aiwctl/aws/redrive/why"
	"github.com/microfox-ai/aiwctl/tui/cell"
	"github.com/microfox-ai/aiwctl/tui/screen"
	"github.com/microfox-ai/aiwctl/tui/table"
	"github.com/microfox-ai/aiwctl/tui/theme"
)

// The names of groups whose messages died of nobody knows what.
const (
	groupPending = "not known yet"
	groupNoJob   = "not a job"
)

// cause is why a job died. Its texts are clean, Message and Stack may have several
// lines.
type cause struct {
	failure   why.Failure
	signature string
	text      string
}

func newCause(f why.Failure) *cause {
	return &cause{failure: f, signature: f.Signature(), text: cell.Clean(f.Text())}
}

// joined is what logs and records say of the jobs that were asked about.
type joined struct {
	causes map[string]*cause // by job id
	status map[string]string
	notes  []string
	// problems are those that depend on what is recorded of a job, by message id.
	problems map[string][]check.Problem
}

// causesTimeout is more than the search gives itself.
const causesTimeout = 2 * time.Minute

// findCauses asks why the messages died of which that is not known. It goes on beside
// everything else.
func (s *Screen) findCauses() tea.Cmd {
	w, ok := s.env.Worker(s.workerID)
	if !ok {
		return nil
	}
	var jobs []why.Job
	for _, it := range s.items {
		if it.jobID != "" && s.causes[it.jobID] == nil {
			jobs = append(jobs, why.Job{ID: it.jobID, From: it.sentAt})
		}
	}
	said := make(map[string]string)
	for _, it := range s.items {
		if it.said != "" {
			said[it.id] = it.said
		}
	}
	engine, items, checker := s.engine, s.items, s.checkerFor(w)
	s.causesAt = s.env.Now()
	return s.requests.Start(forCauses, causesTimeout, func(ctx context.Context) (any, error) {
		out := joined{causes: map[string]*cause{}, status: map[string]string{}, problems: map[string][]check.Problem{}}
		for id, text := range said {
			out.causes[id] = newCause(why.Failure{Kind: why.KindError, Message: cell.Clean(text), Via: "message"})
		}
		if len(jobs) == 0 {
			return out, nil
		}
		found, err := engine.Why(ctx, w, jobs)
		for id, f := range found.Failures {
			out.causes[id] = newCause(f)
		}
		for id, status := range found.Status {
			out.status[id] = status
		}
		out.notes = found.Notes
		for _, it := range items {
			if status := out.status[it.jobID]; status != "" && it.letter != nil {
				out.problems[it.id] = problems(checker, it.letter, status)
			}
		}
		return out, err
	})
}

func (s *Screen) tookCauses(reply screen.Reply) tea.Cmd {
	found, _ := reply.Payload.(joined)
	for id, c := range found.causes {
		s.causes[id] = c
	}
	for id, status := range found.status {
		s.status[id] = status
	}
	s.causeNotes = found.notes
	s.causesErr = reply.Err
	s.causesDone = true
	s.join()
	for id, p := range found.problems {
		s.problems[id] = p
	}
	return tea.Batch(s.settle(), s.show())
}

// join has every message know its cause.
func (s *Screen) join() {
	for _, it := range s.items {
		it.cause = nil
		if it.jobID != "" {
			it.cause = s.causes[it.jobID]
		}
		if it.cause == nil && it.said != "" {
			it.cause = s.causes[it.id] // by the message itself
		}
	}
}

// groupOf names the group of a message.
func (s *Screen) groupOf(it *item) string { return it.groupName(s.causesPending()) }

// groupName names the group of a message; pending is whether causes may still come.
func (it *item) groupName(pending bool) string {
	switch {
	case it.cause != nil:
		return it.cause.signature
	case it.jobID == "":
		return groupNoJob
	case pending:
		return groupPending
	}
	return why.Unknown
}

// causesPending is whether causes may still come.
func (s *Screen) causesPending() bool {
	return s.requests.Live(forCauses) || s.requests.Live(forLook) || !s.causesDone
}

// group is messages that died of the same thing, as far as they pass the filter.
type group struct {
	name        string
	count       int
	gone        int
	first, last time.Time
	workers     []string
	example     *cause
	jobs        []string
	known       bool
}

// groups are those of some messages.
func (s *Screen) groupsOf(items []*item) []group {
	at := map[string]int{}
	var list []group
	pending := s.causesPending()
	for _, it := range items {
		name := it.groupName(pending)
		i, ok := at[name]
		if !ok {
			i = len(list)
			at[name] = i
			list = append(list, group{name: name})
		}
		g := &list[i]
		g.count++
		if it.gone() {
			g.gone++
		}
		when := it.sentAt
		if c := it.cause; c != nil {
			g.known = true
			if g.example == nil {
				g.example = c
			}
			if !c.failure.At.IsZero() {
				when = c.failure.At
			}
		}
		if !when.IsZero() {
			if g.first.IsZero() || when.Before(g.first) {
				g.first = when
			}
			if when.After(g.last) {
				g.last = when
			}
		}
		if it.worker != "" && len(g.workers) < 5 && !slices.Contains(g.workers, it.worker) {
			g.workers = append(g.workers, it.worker)
		}
		if len(g.jobs) < 5 {
			g.jobs = append(g.jobs, it.name)
		}
	}
	return list
}

// whyNot says why nothing is known of the messages of a group.
func (s *Screen) whyNot(name string) string {
	switch name {
	case groupPending:
		return "logs and job records are still being read"
	case groupNoJob:
		return "their bodies name no job, and so no log line tells of them"
	case why.Unknown:
		if s.causesErr != nil {
			return cell.Clean(s.causesErr.Error())
		}
		if len(s.causeNotes) > 0 {
			return cell.Clean(strings.Join(s.causeNotes, "; "))
		}
		return "no log line and no job record tells of their failure: the logs may have expired, or never been written"
	}
	return ""
}

// biggestFirst has causes that are known before those that are not.
func biggestFirst(a, b group) int {
	if a.known != b.known {
		if a.known {
			return -1
		}
		return 1
	}
	return cmp.Or(cmp.Compare(b.count, a.count), b.last.Compare(a.last), cmp.Compare(a.name, b.name))
}

func (s *Screen) groupColumns() []table.Column[group] {
	age := func(at time.Time) table.Cell {
		if at.IsZero() {
			return table.Cell{Text: "–", Tone: theme.ToneFaint}
		}
		return table.Cell{Text: s.age(at), Tone: theme.ToneDim}
	}
	return []table.Column[group]{
		{
			Title: "COUNT", Right: true, Min: 5,
			Cell:    func(g group) table.Cell { return table.Cell{Text: cell.Count(g.count), Tone: theme.ToneBold} },
			Compare: func(a, b group) int { return cmp.Compare(b.count, a.count) },
		},
		{
			Title: "CAUSE", Min: 24, Grow: true,
			Cell: func(g group) table.Cell {
				if g.known {
					text := cell.Clean(g.name)
					if g.gone > 0 {
						text = fmt.Sprintf("(%s moved) %s", cell.Count(g.gone), text)
					}
					return table.Cell{Text: text, Tone: theme.ToneBad}
				}
				return table.Cell{Text: g.name + ": " + s.whyNot(g.name), Tone: theme.ToneWarn}
			},
			Compare: func(a, b group) int { return cmp.Compare(a.name, b.name) },
		},
		{
			Title: "LAST", Right: true, Min: 4,
			Cell:    func(g group) table.Cell { return age(g.last) },
			Compare: func(a, b group) int { return b.last.Compare(a.last) },
		},
		{
			Title: "FIRST", Right: true, Min: 5, Priority: 1,
			Cell:    func(g group) table.Cell { return age(g.first) },
			Compare: func(a, b group) int { return a.first.Compare(b.first) },
		},
		{
			Title: "WORKERS", Min: 8, Max: 24, Priority: 3,
			Cell: func(g group) table.Cell {
				return table.Cell{Text: strings.Join(g.workers, ", "), Tone: theme.ToneDim}
			},
		},
		{
			Title: "EXAMPLE", Min: 14, Max: 36, KeepEnd: true, Priority: 2,
			Cell: func(g group) table.Cell { return table.Cell{Text: g.jobs[0], Tone: theme.ToneDim} },
		},
	}
}

// groupLines tell of the group under the cursor.
func (s *Screen) groupLines(g group, width int) []string {
	t := s.env.Theme
	var lines []string
	add := func(style func(...string) string, text string) {
		for _, line := range cell.Wrap(text, width) {
			lines = append(lines, style(line))
		}
	}
	of := cell.Count(max(s.depth.Total(), len(s.items)))
	about := fmt.Sprintf("%s of %s", cell.Count(g.count), of)
	if !s.seenAll {
		about = fmt.Sprintf("%s of %s seen of about %s", cell.Count(g.count), cell.Count(len(s.items)), of)
	}
	if !g.known {
		add(t.Bold.Render, about+" died of nobody knows what:")
		add(t.Warn.Render, s.whyNot(g.name))
	} else {
		f := g.example.failure
		add(t.Bold.Render, about+" died of it, by "+viaText(f.Via)+"; one of them said:")
		add(t.Bad.Render, g.example.text)
		for _, line := range cell.CleanLines(f.Stack) {
			if strings.TrimSpace(line) != "" {
				add(t.Dim.Render, strings.TrimRight(line, " "))
			}
		}
	}
	lines = append(lines, "")
	add(t.Dim.Render, "jobs     "+strings.Join(g.jobs, ", "))
	if len(g.workers) > 0 {
		add(t.Dim.Render, "workers  "+strings.Join(g.workers, ", "))
	}
	return lines
}

func viaText(via string) string {
	switch via {
	case why.ViaLogs:
		return "the logs"
	case why.ViaRecord:
		return "the job record"
	case "message":
		return "the message itself"
	}
	return "what is known"
}
