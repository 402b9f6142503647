// Package workerview is the screen of one worker: why it is in its state, its charts, its
// recent jobs with their outcome, what it is made of, and its schemas. On a large screen
// they stand side by side, on a small one behind each other.
package workerview

import (
	"context"
	"slices"
	"time"

	tea "charm.land/bubbletea/v2"

	"github.com/microfox-ai/aiwctl/aws"
	"github.com/microfox-ai/aiwctl/aws/health"
	"github.com/microfox-ai/aiwctl/aws/logs"
	"github.com/microfox-ai/aiwctl/aws/metrics"
	"github.com/microfox-ai/aiwctl/tui/cell"
	"github.com/microfox-ai/aiwctl/tui/jsonview"
	"github.com/microfox-ai/aiwctl/tui/pausing"
	"github.com/microfox-ai/aiwctl/tui/screen"
	"github.com/microfox-ai/aiwctl/tui/table"
)

// Stage is what the screen asks of a stage; *aws.Stage is one.
type Stage interface {
	pausing.Stage
	Describe(ctx context.Context, w aws.Worker) (described aws.Worker, warnings []error)
}

// Logs reads the lines that tell of jobs; *logs.Reader is one.
type Logs interface {
	Read(ctx context.Context, q logs.Query, fn func([]logs.Line) error) error
}

// Metrics asks CloudWatch; *metrics.Reader is one.
type Metrics interface {
	Read(ctx context.Context, workers []aws.Worker, q metrics.Question) (map[string]*metrics.Worker, error)
}

// Sources are where the screen reads from.
type Sources struct {
	Stage Stage
	// Logs and Metrics may be nil: the panels say so.
	Logs    Logs
	Metrics Metrics
}

// The purposes of requests.
const (
	forDescribe = "describe"
	forJobs     = "jobs"
	forCharts   = "charts"
)

const (
	timeout = 20 * time.Second
	// describeEvery is how often Lambda is asked about the function: two calls.
	describeEvery = time.Minute
)

// section is a part of the screen.
type section int

const (
	overview section = iota
	charts
	jobs
	config
	schemas
	sectionCount
)

func (s section) title() string {
	return [...]string{"Overview", "Charts", "Jobs", "Configuration", "Schemas"}[s]
}

// Screen is one worker's screen.
type Screen struct {
	env      screen.Env
	sources  Sources
	requests *screen.Requests
	pauser   *pausing.Pauser

	id   string
	name string // the id, clean
	// worker is as last seen; nil when it never was. Gone is set when the last reading of
	// the stage has it no more.
	worker *aws.Worker
	gone   bool
	// verdict is how it is, nil like worker.
	verdict *health.Verdict

	described   *aws.Worker // what Lambda told of it; nil before
	describing  []error     // what it did not tell
	describedAt time.Time   // when it was last asked

	focus section
	lower section // config or schemas: which of them the board shows
	zoom  bool
	// viewed is whether the screen was drawn since the last tick: hidden, it asks
	// nothing that costs.
	viewed bool
	opened time.Time

	overview pane
	config   pane
	schema   *jsonview.View
	charts   chartPanel
	jobs     jobPanel

	width, height int
}

// New returns the screen of a worker.
func New(env screen.Env, sources Sources, ask screen.OpenWorker) *Screen {
	s := &Screen{
		env: env, sources: sources, requests: env.Requests(), id: ask.WorkerID, name: cell.Clean(ask.WorkerID),
		schema: jsonview.New(env.Theme), opened: env.Now(), lower: config, viewed: true,
	}
	s.pauser = pausing.New(env, sources.Stage, s.requests)
	s.jobs.table = table.New(env.Theme, jobTable())
	s.load()
	return s
}

// Kind implements screen.Screen.
func (s *Screen) Kind() screen.Kind { return screen.KindWorker }

// Title implements screen.Screen.
func (s *Screen) Title() string { return s.name }

// Status implements screen.Statuser.
func (s *Screen) Status() string {
	if s.worker == nil || s.board() {
		return ""
	}
	s.part(s.focus, s.width, s.height-len(s.head(s.width))) // where it is follows from its size
	return s.statusOf(s.focus)
}

// Init implements screen.Screen.
func (s *Screen) Init() tea.Cmd { return s.ask(false) }

// Close implements screen.Screen.
func (s *Screen) Close() { s.requests.Close() }

// Busy implements screen.Busier.
func (s *Screen) Busy() string { return s.pauser.Busy() }

// Typing implements screen.Screen.
func (s *Screen) Typing() bool { return false }

// kept is what Keep hands over.
type kept struct {
	focus, lower section
	zoom         bool
	reach        int
}

// Keep implements screen.Keeper.
func (s *Screen) Keep() any { return kept{s.focus, s.lower, s.zoom, s.charts.reach} }

// Restore implements screen.Keeper.
func (s *Screen) Restore(state any) {
	if k, ok := state.(kept); ok {
		s.focus, s.lower, s.zoom, s.charts.reach = k.focus, k.lower, k.zoom, k.reach
	}
}

// Update implements screen.Screen.
func (s *Screen) Update(msg tea.Msg) tea.Cmd {
	switch msg := msg.(type) {
	case screen.Reply:
		return s.reply(msg)
	case screen.DataChanged:
		first := s.worker == nil
		s.load()
		if first && s.worker != nil {
			return s.ask(false)
		}
		return nil
	case screen.Tick:
		if !s.viewed || s.env.Data.Paused {
			return nil
		}
		s.viewed = false
		return s.ask(false)
	case screen.ThemeChanged:
		s.jobs.table.Invalidate()
		s.charts.drawn = nil
		s.load()
		return nil
	case screen.Resized:
		s.width, s.height = msg.Width, msg.Height
		return nil
	case tea.KeyPressMsg:
		s.key(msg.String())
	}
	return nil
}

func (s *Screen) key(key string) {
	switch s.focus {
	case overview:
		s.overview.key(key)
	case config:
		s.config.key(key)
	case schemas:
		s.schema.Key(key)
	case jobs:
		s.jobs.table.Key(key)
	case charts, sectionCount:
	}
}

// ask starts the requests that are due, or all of them at once.
func (s *Screen) ask(now bool) tea.Cmd {
	if s.worker == nil || s.gone {
		return nil
	}
	return tea.Batch(s.askDescribe(now), s.askJobs(now), s.askCharts(now))
}

func (s *Screen) askDescribe(now bool) tea.Cmd {
	f := s.worker.Function
	due := s.describedAt.IsZero() || s.env.Now().Sub(s.describedAt) >= describeEvery
	if f == nil || f.Derived || s.requests.Live(forDescribe) || !due && !now {
		return nil
	}
	w, stage := *s.worker, s.sources.Stage
	return s.requests.Start(forDescribe, timeout, func(ctx context.Context) (any, error) {
		described, warnings := stage.Describe(ctx, w)
		return description{described, warnings}, nil
	})
}

// description is what Describe has returned.
type description struct {
	worker   aws.Worker
	warnings []error
}

func (s *Screen) reply(reply screen.Reply) tea.Cmd {
	next, live := s.requests.Take(reply)
	if !live {
		return nil
	}
	if cmd, ours := s.pauser.Update(reply); ours {
		s.load()
		return tea.Batch(cmd, next)
	}
	switch reply.Purpose {
	case forDescribe:
		s.describedAt = s.env.Now()
		s.describing = nil
		if d, ok := reply.Payload.(description); ok {
			s.describing = d.warnings
			if len(d.warnings) == 0 || s.described == nil {
				s.described = &d.worker
			}
		} else if reply.Err != nil {
			s.describing = []error{reply.Err}
		}
		s.load()
	case forJobs:
		s.jobs.take(reply, s.env.Now())
	case forCharts:
		s.charts.take(reply)
	}
	return next
}

// load takes over the last reading.
func (s *Screen) load() {
	data := s.env.Data
	if data.Inventory != nil {
		w, ok := s.env.Worker(s.id)
		s.gone = !ok
		if ok {
			s.id, s.name = w.ID, cell.Clean(w.ID)
			s.worker = &w
			if s.described != nil {
				s.worker = withDescription(w, s.described)
			}
		}
	}
	if s.worker == nil {
		return
	}
	if v := data.Health[s.id]; v != nil {
		s.verdict = v
	} else if s.verdict == nil || !s.gone {
		v := health.Judge(health.Input{Worker: s.worker, Now: s.env.Now()})
		s.verdict = &v
	}
	s.overview.set(s.overviewLines)
	s.config.set(s.configLines)
	s.schema.Set("schemas of "+s.id, nil, schemaText(s.worker))
}

// withDescription is a worker as last seen, with what Lambda told of its function. What
// changes from reading to reading, and the mapping's state, is the reading's.
func withDescription(w aws.Worker, d *aws.Worker) *aws.Worker {
	if w.Function == nil || d.Function == nil || w.Function.Name != d.Function.Name {
		return &w
	}
	w.Function = d.Function
	w.Problems = joined(w.Problems, d.Problems)
	w.Notes = joined(w.Notes, d.Notes)
	return &w
}

// joined are problems, and those of more that are of the function: the others may have
// been put right since.
func joined(problems, more []aws.Problem) []aws.Problem {
	out := slices.Clone(problems)
	for _, p := range more {
		if aws.OfFunction(p.Kind) && !slices.Contains(out, p) {
			out = append(out, p)
		}
	}
	return out
}
