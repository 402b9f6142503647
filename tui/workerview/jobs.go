package workerview

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	tea "charm.land/bubbletea/v2"

	"github.com/microfox-ai/aiwctl/aws/logs"
	"github.com/microfox-ai/aiwctl/dispatch"
	"github.com/microfox-ai/aiwctl/tui/cell"
	"github.com/microfox-ai/aiwctl/tui/chart"
	"github.com/microfox-ai/aiwctl/tui/notice"
	"github.com/microfox-ai/aiwctl/tui/screen"
	"github.com/microfox-ai/aiwctl/tui/table"
	"github.com/microfox-ai/aiwctl/tui/theme"
)

// The bounds of a look at the jobs. It is done in steps back in time, so that the newest
// are there whatever the rest costs, and ends when one of the bounds is reached.
const (
	jobsSpan     = 15 * time.Minute
	mostLines    = 5000
	enoughJobs   = 150
	jobsEvery    = time.Minute
	jobsFree     = 10 * time.Second // where calls cost nothing
	mostJobsText = 400              // of an error, in bytes
)

func jobSteps() []time.Duration {
	return []time.Duration{20 * time.Second, 2 * time.Minute, jobsSpan}
}

// jobRow is one delivery of a job, or an invocation of which no job is known.
type jobRow struct {
	key     string
	job     string // empty: the lines name none
	request string
	at      time.Time
	outcome string
	attempt int
	took    time.Duration
	err     string
	// clean forms
	name, when string
}

// jobPanel is the recent jobs.
type jobPanel struct {
	table   *table.Model[jobRow]
	read    bool // once
	since   time.Time
	cut     bool // there are more in that time than were read
	err     error
	askedAt time.Time
	readAt  time.Time
}

// recent is what a look at the logs has found.
type recent struct {
	rows  []jobRow
	since time.Time
	cut   bool
}

func (s *Screen) askJobs(now bool) tea.Cmd {
	p := &s.jobs
	sources := logs.Sources(*s.worker)
	if s.sources.Logs == nil || len(sources) == 0 || s.requests.Live(forJobs) {
		return nil
	}
	every := jobsEvery
	if s.env.Stage.Loopback {
		every = jobsFree
	}
	at := s.env.Now()
	if !p.askedAt.IsZero() && at.Sub(p.askedAt) < every && !now {
		return nil
	}
	p.askedAt = at
	reader := s.sources.Logs
	return s.requests.Start(forJobs, timeout, func(ctx context.Context) (any, error) {
		return lookAtJobs(ctx, reader, sources, at)
	})
}

var errEnough = errors.New("enough lines")

// lookAtJobs reads the logs back in time, step by step. On an error the result has the
// steps before it.
func lookAtJobs(ctx context.Context, reader Logs, sources []logs.Source, now time.Time) (recent, error) {
	var steps [][]logs.Line // the newest first
	until, total, begun := time.Time{}, 0, 0
	out := recent{since: now}
	var failed error
	for _, back := range jobSteps() {
		since := now.Add(-back)
		var lines []logs.Line
		err := reader.Read(ctx, logs.Query{Sources: sources, Since: since, Until: until}, func(page []logs.Line) error {
			lines = append(lines, page...)
			for i := range page {
				if page[i].Runs() && page[i].Kind == logs.KindMarker {
					begun++
				}
			}
			if total += len(page); total >= mostLines {
				return errEnough
			}
			return nil
		})
		steps = append(steps, lines)
		if err != nil && !errors.Is(err, errEnough) {
			failed = err
			break
		}
		out.since = since
		if err != nil || begun >= enoughJobs {
			out.cut = err != nil || back != jobsSpan
			break
		}
		until = since
	}
	slices.Reverse(steps)
	out.rows = rowsOf(slices.Concat(steps...), now)
	return out, failed
}

// rowsOf folds lines into deliveries, the newest first.
func rowsOf(lines []logs.Line, now time.Time) []jobRow {
	type ended struct {
		took time.Duration
		err  dispatch.JobError
	}
	ends := map[string]ended{}
	for i := range lines {
		l := &lines[i]
		if e, ok := l.Ending(); ok && !e.Whole && l.JobID != "" {
			end := ended{err: e.Error}
			if l.Event != nil {
				end.took = time.Duration(l.Event.DurationMS * float64(time.Millisecond))
			}
			ends[l.RequestID+" "+l.JobID] = end
		}
	}
	var rows []jobRow
	for _, inv := range logs.Fold(lines, now) {
		row := jobRow{key: inv.RequestID, request: inv.RequestID, at: inv.Start, outcome: inv.Outcome, took: inv.Duration()}
		if inv.Error != nil {
			row.err = errorText(*inv.Error)
		}
		if len(inv.Jobs) == 0 {
			row.name = "request " + cell.Clean(inv.RequestID)
			rows = append(rows, row)
			continue
		}
		for _, j := range inv.Jobs {
			one := row
			one.job, one.name, one.key = j.JobID, cell.Clean(j.JobID), inv.RequestID+" "+j.JobID
			one.outcome, one.attempt = j.Outcome, j.Attempt
			if len(inv.Jobs) > 1 {
				one.took = 0 // the invocation's is not the job's
			}
			if end, ok := ends[one.key]; ok {
				if end.took > 0 {
					one.took = end.took
				}
				if text := errorText(end.err); text != "" {
					one.err = text
				}
			}
			if !unhappy(one.outcome) {
				one.err = ""
			}
			rows = append(rows, one)
		}
	}
	for i := range rows {
		rows[i].when = rows[i].at.In(now.Location()).Format("15:04:05")
	}
	slices.SortStableFunc(rows, func(a, b jobRow) int {
		return cmp.Or(b.at.Compare(a.at), cmp.Compare(a.key, b.key))
	})
	return rows
}

func errorText(e dispatch.JobError) string {
	text := e.Message
	if e.Name != "" && !strings.HasPrefix(text, e.Name) {
		text = strings.TrimSuffix(e.Name+": "+text, ": ")
	}
	if len(text) > mostJobsText {
		text = text[:mostJobsText]
	}
	return cell.Clean(text)
}

// unhappy is whether an outcome has an error that is worth telling.
func unhappy(outcome string) bool {
	switch outcome {
	case logs.StatusCompleted, logs.OutcomeOK, logs.OutcomeRunning, logs.OutcomeSkipped, logs.OutcomeUnknown:
		return false
	}
	return true
}

func outcomeTone(outcome string) theme.Tone {
	switch outcome {
	case logs.StatusCompleted, logs.OutcomeOK:
		return theme.ToneGood
	case logs.StatusFailed, logs.OutcomeError, logs.OutcomeTimedOut, logs.OutcomeCrashed, logs.OutcomeOutOfMemory:
		return theme.ToneBad
	case logs.OutcomeRetrying:
		return theme.ToneWarn
	case logs.OutcomeRunning:
		return theme.ToneInfo
	}
	return theme.ToneDim
}

func (p *jobPanel) take(reply screen.Reply, now time.Time) {
	p.err = reply.Err
	r, ok := reply.Payload.(recent)
	if !ok || reply.Err != nil && len(r.rows) == 0 {
		return
	}
	p.read, p.readAt, p.since, p.cut = true, now, r.since, r.cut
	p.table.SetRows(r.rows)
}

func jobTable() table.Config[jobRow] {
	return table.Config[jobRow]{
		Columns: []table.Column[jobRow]{
			{Title: "WHEN", Min: 8, Cell: func(r jobRow) table.Cell { return table.Cell{Text: r.when, Tone: theme.ToneDim} }},
			{Title: "JOB", Min: 12, Max: 26, Grow: true, KeepEnd: true, Cell: func(r jobRow) table.Cell { return table.Cell{Text: r.name} }},
			{Title: "OUTCOME", Min: 9, Cell: func(r jobRow) table.Cell { return table.Cell{Text: r.outcome, Tone: outcomeTone(r.outcome)} }},
			{Title: "TOOK", Min: 5, Right: true, Priority: 1, Cell: func(r jobRow) table.Cell {
				if r.took <= 0 {
					return table.Cell{Text: "–", Tone: theme.ToneFaint}
				}
				return table.Cell{Text: chart.Text(chart.Seconds, r.took.Seconds())}
			}},
			{Title: "TRY", Right: true, Priority: 3, Cell: func(r jobRow) table.Cell {
				if r.attempt == 0 {
					return table.Cell{Text: "–", Tone: theme.ToneFaint}
				}
				return table.Cell{Text: strconv.Itoa(r.attempt)}
			}},
			{Title: "ERROR", Min: 14, Grow: true, Priority: 2, Cell: func(r jobRow) table.Cell { return table.Cell{Text: r.err, Tone: theme.ToneDim} }},
		},
		ID: func(r jobRow) string { return r.key }, Text: func(r jobRow) string { return r.name }, Sort: -1,
	}
}

// jobsStatus counts.
func (s *Screen) jobsStatus() string {
	p := &s.jobs
	if !p.read {
		return ""
	}
	bad := 0
	for _, r := range p.table.Rows() {
		if outcomeTone(r.outcome) == theme.ToneBad {
			bad++
		}
	}
	text := cell.Plural(len(p.table.Rows()), "run")
	if bad > 0 {
		text += ", " + cell.Count(bad) + " failed"
	}
	span := "last " + strconv.Itoa(int(jobsSpan.Minutes())) + " min"
	if p.cut || s.env.Now().Sub(p.since) < jobsSpan {
		span = "since " + p.since.In(s.env.Now().Location()).Format("15:04:05")
	}
	if p.cut {
		text += ", not all"
	}
	return text + separator + span
}

// jobLines draws the panel in exactly width by height cells.
func (s *Screen) jobLines(width, height int) []string {
	t, p := s.env.Theme, &s.jobs
	box := func(text string) []string { return strings.Split(text, "\n") }
	refresh := s.env.Key(screen.KindWorker, "refresh", "r")
	switch {
	case s.sources.Logs == nil:
		return box(notice.Empty(t, "The logs are not read.", []string{"This console was opened without a log reader."}, width, height))
	case len(logs.Sources(*s.worker)) == 0:
		return box(notice.Empty(t, "Its function is not known.", []string{"Recent jobs are told from the function's log group."}, width, height))
	case !p.read && p.err != nil:
		return box(notice.Failed(t, "The logs could not be read", p.err, "The rest of the screen does without them. "+refresh+" tries again.", width, height))
	case !p.read:
		return box(notice.Waiting(t, "Looking for recent jobs", "In the function's log group, the last "+strconv.Itoa(int(jobsSpan.Minutes()))+" minutes.", 0, width, height))
	}
	p.table.SetDim(p.err != nil)
	var lines []string
	if p.err != nil {
		lines = notice.Lines(t, fmt.Errorf("as it was %s ago: %w", cell.Age(s.env.Now().Sub(p.readAt)), p.err), width, 2)
	}
	if len(p.table.Rows()) == 0 {
		lines = append(lines, box(notice.Empty(t, "No job in the last "+strconv.Itoa(int(jobsSpan.Minutes()))+" minutes.",
			[]string{s.env.Key(screen.KindWorker, "dispatch", "d") + " sends one; " + s.env.Key(screen.KindWorker, "logs", "l") + " opens its logs, which go further back."}, width, height-len(lines)))...)
		return lines
	}
	below := 0
	if height-len(lines) >= 9 {
		below = jobDetail
	}
	p.table.SetSize(width, height-len(lines)-below)
	lines = append(lines, strings.Split(p.table.View(), "\n")...)
	if below > 0 {
		lines = append(lines, s.jobDetail(width)...)
	}
	return lines
}

// jobDetail is how many lines tell of the job under the cursor.
const jobDetail = 4

// jobDetail tells what the table has no room for: the whole id, and the whole error.
func (s *Screen) jobDetail(width int) []string {
	t := s.env.Theme
	r, ok := s.jobs.table.Selected()
	lines := []string{""}
	if ok {
		head := t.Bold.Render(r.name)
		if r.job != "" {
			head += t.Faint.Render(separator + "request " + cell.Clean(r.request))
		}
		lines = append(lines, " "+head)
		text, tone := r.err, outcomeTone(r.outcome)
		if text == "" {
			text, tone = r.outcome, theme.ToneDim
			if r.took > 0 {
				text += " in " + chart.Text(chart.Seconds, r.took.Seconds())
			}
		}
		wrapped := cell.Wrap(text, width-4)
		if len(wrapped) > 2 {
			wrapped = []string{wrapped[0], cell.Cut(strings.Join(wrapped[1:], " "), width-4)}
		}
		for _, line := range wrapped {
			lines = append(lines, "   "+t.Paint(tone, false).Render(line))
		}
	}
	return strings.Split(cell.Box(lines, width, jobDetail), "\n")
}

// openJob opens the delivery under the cursor.
func (s *Screen) openJob() tea.Cmd {
	r, ok := s.jobs.table.Selected()
	if !ok {
		return nil
	}
	s.jobs.table.Hold()
	if r.job == "" {
		return screen.Send(screen.OpenLogs{WorkerIDs: []string{s.id}, RequestID: r.request, Since: r.at.Add(-time.Minute)})
	}
	return screen.Send(screen.OpenJob{JobID: r.job, WorkerID: s.id, Since: r.at.Add(-time.Minute)})
}
