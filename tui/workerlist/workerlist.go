// Package workerlist is the console's first screen: every worker of the stage
// with what is in its queues, those that need a person first.
package workerlist

import (
	"fmt"
	"strings"
	"time"

	tea "charm.land/bubbletea/v2"

	"github.com/microfox-ai/aiwctl/aws"
	"github.com/microfox-ai/aiwctl/tui/cell"
	"github.com/microfox-ai/aiwctl/tui/pausing"
	"github.com/microfox-ai/aiwctl/tui/prompt"
	"github.com/microfox-ai/aiwctl/tui/screen"
	"github.com/microfox-ai/aiwctl/tui/table"
)

// Screen is the workers screen. It reads nothing itself: the root's source keeps
// Env.Data up to date.
type Screen struct {
	env      screen.Env
	requests *screen.Requests
	pauser   *pausing.Pauser
	table    *table.Model[row]
	filter   *prompt.Prompt
	// findings is the panel over the list; nil while it is closed.
	findings *findings
	// errors and warnings count the workers in such a state.
	errors, warnings int
	// want is the worker to put the cursor on as soon as it is there; empty for none.
	want   string
	opened time.Time

	width, height int
}

// New returns the workers screen. Stage pauses and resumes workers.
func New(env screen.Env, stage pausing.Stage) *Screen {
	s := &Screen{
		env:      env,
		requests: env.Requests(),
		filter:   prompt.New(env.Theme, "/"),
		opened:   env.Now(),
		table: table.New(env.Theme, table.Config[row]{
			Columns:     columns(),
			ID:          func(r row) string { return r.worker.ID },
			Text:        func(r row) string { return r.id + " " + states(r.verdict) + " " + r.worker.Group },
			Sort:        -1,
			Default:     byNeed,
			DefaultName: "attention",
		}),
	}
	s.pauser = pausing.New(env, stage, s.requests)
	s.load()
	return s
}

// Kind implements screen.Screen.
func (s *Screen) Kind() screen.Kind { return screen.KindWorkers }

// Title implements screen.Screen.
func (s *Screen) Title() string { return "Workers" }

// Status implements screen.Statuser.
func (s *Screen) Status() string {
	if s.env.Data.Inventory == nil {
		return ""
	}
	if s.findings != nil {
		return s.findings.status()
	}
	var parts []string
	if marked, hidden := s.table.Marks(); hidden > 0 {
		parts = append(parts, fmt.Sprintf("%d marked, %d of them hidden", marked, hidden))
	} else if marked > 0 {
		parts = append(parts, fmt.Sprintf("%d marked", marked))
	}
	if s.errors > 0 {
		parts = append(parts, cell.Count(s.errors)+" failing") // as the header calls them; errors are what ! lists
	}
	if s.warnings > 0 {
		parts = append(parts, cell.Plural(s.warnings, "warning"))
	}
	return strings.Join(append(parts, "by "+s.table.SortName()), separator)
}

// Init implements screen.Screen.
func (s *Screen) Init() tea.Cmd { return nil }

// Close implements screen.Screen.
func (s *Screen) Close() { s.requests.Close() }

// Busy implements screen.Busier.
func (s *Screen) Busy() string { return s.pauser.Busy() }

// Typing implements screen.Screen.
func (s *Screen) Typing() bool { return s.filter.Typing() }

// Update implements screen.Screen.
func (s *Screen) Update(msg tea.Msg) tea.Cmd {
	switch msg := msg.(type) {
	case screen.Reply:
		next, live := s.requests.Take(msg)
		if !live {
			return nil
		}
		cmd, _ := s.pauser.Update(msg)
		s.load()
		return tea.Batch(cmd, next)
	case screen.DataChanged:
		s.load()
		return nil
	case screen.ThemeChanged:
		s.table.Invalidate()
		s.filter.Restyle()
		return nil
	case screen.Resized:
		s.width, s.height = msg.Width, msg.Height
		s.resize()
		return nil
	case tea.KeyPressMsg:
		switch {
		case s.filter.Typing():
			cmd := s.filter.Update(msg)
			s.table.SetFilter(s.filter.Value())
			return cmd
		case s.findings != nil:
			s.findings.key(msg.String())
		case s.table.Key(msg.String()):
			s.want = ""
		}
		return nil
	}
	cmd := s.filter.Update(msg)
	if _, pasted := msg.(tea.PasteMsg); pasted {
		s.table.SetFilter(s.filter.Value())
	}
	return cmd
}

// load makes the rows from the last reading.
func (s *Screen) load() {
	data := s.env.Data
	s.table.SetDim(data.Stale())
	if data.Inventory == nil {
		s.table.SetRows(nil)
		return
	}
	now := s.env.Now()
	workers := data.Inventory.Workers
	rows := make([]row, len(workers))
	s.errors, s.warnings = 0, 0
	for i := range workers {
		w := &workers[i]
		trend := data.Trends[w.ID]
		before, ok := trend.Earlier(arrowReadings)
		rows[i] = row{
			worker: w, id: cell.Clean(w.ID), counts: screen.CountsOf(w), before: before, hasBefore: ok,
			verdict: verdictOf(data, w, now), trend: trend, changing: s.pauser.State(w),
		}
		switch rows[i].verdict.Severity {
		case aws.SeverityError:
			s.errors++
		case aws.SeverityWarning:
			s.warnings++
		case aws.SeverityOK, aws.SeverityInfo:
		}
		if q := w.Queue; q != nil && !q.Depth.At.IsZero() && data.At.Sub(q.Depth.At) > oldReading {
			rows[i].age = cell.Age(now.Sub(q.Depth.At))
		}
	}
	s.table.SetRows(rows)
	if s.want != "" && s.table.Select(s.want) {
		s.want = ""
	}
}

// kept is what Keep hands over: nothing of the stage but the name of a worker, which
// another stage of the same project has, too.
type kept struct {
	filter   string
	sort     int
	reversed bool
	worker   string
}

// Keep implements screen.Keeper.
func (s *Screen) Keep() any {
	k := kept{filter: s.filter.Value(), worker: s.want}
	k.sort, k.reversed = s.table.Sort()
	if r, ok := s.table.Selected(); ok && s.table.Held() {
		k.worker = r.worker.ID
	}
	return k
}

// Restore implements screen.Keeper.
func (s *Screen) Restore(state any) {
	k, ok := state.(kept)
	if !ok {
		return
	}
	s.filter.Set(k.filter)
	s.table.SetFilter(s.filter.Value())
	s.table.SetSort(k.sort, k.reversed)
	if k.worker != "" && !s.table.Select(k.worker) {
		s.want = k.worker
	}
}
