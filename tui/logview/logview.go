// Package logview is the logs screen: the tail of one or several workers, or the
// lines of one job with how it ended.
package logview

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	tea "charm.land/bubbletea/v2"

	"github.com/microfox-ai/aiwctl/aws"
	"github.com/microfox-ai/aiwctl/aws/logs"
	"github.com/microfox-ai/aiwctl/tui/cell"
	"github.com/microfox-ai/aiwctl/tui/jsonview"
	"github.com/microfox-ai/aiwctl/tui/prompt"
	"github.com/microfox-ai/aiwctl/tui/screen"
	"github.com/microfox-ai/aiwctl/tui/theme"
)

// Source follows logs; *logs.Reader is one.
type Source interface {
	Follow(ctx context.Context, q logs.Query, onState func(logs.State), fn func([]logs.Line) error) error
}

const (
	// lookBack is where a tail begins when nobody says.
	lookBack  = 15 * time.Minute
	forFollow = "follow"
)

// Screen is the logs screen.
type Screen struct {
	env      screen.Env
	source   Source
	ask      screen.OpenLogs
	requests *screen.Requests

	pane   *pane
	filter *prompt.Prompt
	badRE  error // of the regular expression being typed
	level  logs.Level
	job    *job // nil unless one job is shown
	detail *detail

	colours map[string]int // worker id -> its place in theme.Sources
	missing []string       // workers without a known log group

	started  bool
	opened   time.Time
	state    logs.State
	stateAt  time.Time
	ended    error // why the tail ended, which it does only when it cannot go on
	paused   bool
	held     []logs.Line // came while paused
	heldOver int         // and went, since even that is bounded

	width, height int
}

// detail is one line opened to be read whole.
type detail struct {
	line *logs.Line
	view *jsonview.View
}

// New returns the logs screen of workers, or of one job.
func New(env screen.Env, source Source, ask screen.OpenLogs) *Screen {
	s := &Screen{
		env: env, source: source, ask: ask, requests: env.Requests(),
		pane: newPane(newBuffer(capacity)), filter: prompt.New(env.Theme, "/"),
		colours: map[string]int{}, opened: env.Now(),
	}
	for i, id := range ask.WorkerIDs {
		s.colours[id] = i
	}
	if ask.JobID != "" {
		s.job = newJob(ask.JobID, strings.Join(ask.WorkerIDs, ", "), s.maxReceives())
	}
	return s
}

func (s *Screen) maxReceives() int {
	most := 0
	for _, id := range s.ask.WorkerIDs {
		if w, ok := s.env.Worker(id); ok && w.Queue != nil {
			most = max(most, w.Queue.MaxReceiveCount)
		}
	}
	return most
}

// Title implements screen.Screen.
func (s *Screen) Title() string {
	if s.job != nil {
		return "Job " + cell.Clean(s.job.id)
	}
	if len(s.ask.WorkerIDs) == 1 {
		return cell.Clean(s.ask.WorkerIDs[0]) + " logs"
	}
	return fmt.Sprintf("Logs of %d workers", len(s.ask.WorkerIDs))
}

// Status implements screen.Statuser.
func (s *Screen) Status() string {
	var parts []string
	switch {
	case s.ended != nil:
		parts = append(parts, "ended")
	case s.paused:
		parts = append(parts, "paused, "+cell.Count(len(s.held)+s.heldOver)+" new")
	case !s.pane.follow && s.pane.fresh > 0:
		parts = append(parts, cell.Count(s.pane.fresh)+" new below, G follows")
	case !s.pane.follow:
		parts = append(parts, "scrolled, G follows")
	case s.state.Err != nil:
		parts = append(parts, "interrupted")
	default:
		parts = append(parts, "following")
	}
	if s.state.Lag > 3*time.Second {
		parts = append(parts, "behind by "+cell.Age(s.state.Lag))
	}
	if b := s.pane.buf; b.filter.empty() {
		parts = append(parts, cell.Plural(b.all.len(), "line"))
	} else {
		parts = append(parts, cell.Count(b.shown.len())+" of "+cell.Plural(b.all.len(), "line"))
	}
	if s.pane.buf.dropped > 0 {
		parts = append(parts, cell.Count(s.pane.buf.dropped)+" older dropped")
	}
	return strings.Join(parts, " "+theme.GlyphDot+" ")
}

// Init implements screen.Screen.
func (s *Screen) Init() tea.Cmd { return s.start() }

// Close implements screen.Screen.
func (s *Screen) Close() { s.requests.Close() }

// Typing implements screen.Screen.
func (s *Screen) Typing() bool { return s.filter.Typing() }

// start begins to follow. Without the workers, which is the case before the
// stage was first read, it does nothing: DataChanged tries again.
func (s *Screen) start() tea.Cmd {
	if s.started || s.env.Data.Inventory == nil {
		return nil
	}
	s.started = true
	var workers []aws.Worker
	for _, id := range s.ask.WorkerIDs {
		w, ok := s.env.Worker(id)
		if !ok || w.Function == nil {
			s.missing = append(s.missing, cell.Clean(id))
			continue
		}
		workers = append(workers, w)
	}
	sources := logs.Sources(workers...)
	if len(sources) == 0 {
		s.ended = errors.New("no function of " + strings.Join(s.missing, ", ") + " is known, so there is no log group to read")
		return nil
	}
	if s.job != nil {
		s.job.watch = logs.NewJob(s.job.id, s.maxReceives())
	}
	q := logs.Query{Sources: sources, Since: s.ask.Since, JobID: s.ask.JobID}
	if q.Since.IsZero() {
		q.Since = s.env.Now().Add(-lookBack)
	}
	source := s.source
	return s.requests.Stream(forFollow, func(ctx context.Context, emit func(any) error) error {
		return source.Follow(ctx, q,
			func(st logs.State) { _ = emit(st) }, // a failed emit ends the batch that follows
			func(lines []logs.Line) error { return emit(lines) })
	})
}

// Update implements screen.Screen.
func (s *Screen) Update(msg tea.Msg) tea.Cmd {
	switch msg := msg.(type) {
	case screen.Reply:
		return s.reply(msg)
	case screen.DataChanged:
		return s.start()
	case screen.ThemeChanged:
		s.filter.Restyle()
		return nil
	case screen.Resized:
		s.width, s.height = msg.Width, msg.Height
		return nil
	case screen.Tick:
		return nil
	case tea.KeyPressMsg:
		return s.key(msg)
	}
	cmd := s.filter.Update(msg)
	if _, pasted := msg.(tea.PasteMsg); pasted {
		s.refilter()
	}
	return cmd
}

func (s *Screen) key(msg tea.KeyPressMsg) tea.Cmd {
	switch {
	case s.filter.Typing():
		cmd := s.filter.Update(msg)
		s.refilter()
		return cmd
	case s.detail != nil:
		s.detail.view.Key(msg.String())
	default:
		s.pane.key(msg.String())
	}
	return nil
}

func (s *Screen) reply(reply screen.Reply) tea.Cmd {
	next, live := s.requests.Take(reply)
	if !live {
		return nil
	}
	switch payload := reply.Payload.(type) {
	case []logs.Line:
		s.take(payload)
	case logs.State:
		s.state, s.stateAt = payload, s.env.Now()
	}
	if !reply.More {
		s.ended = reply.Err
		if s.ended == nil {
			s.ended = errors.New("the tail ended by itself")
		}
	}
	return next
}

func (s *Screen) take(lines []logs.Line) {
	if s.job != nil {
		for i := range lines {
			s.job.observe(&lines[i])
		}
	}
	if !s.paused {
		s.pane.add(lines)
		return
	}
	s.held = append(s.held, lines...)
	if over := len(s.held) - capacity; over > 0 {
		s.held = append(s.held[:0:0], s.held[over:]...)
		s.heldOver += over
	}
}

func (s *Screen) togglePause() {
	s.paused = !s.paused
	if s.paused {
		return
	}
	s.pane.add(s.held)
	s.pane.buf.dropped += s.heldOver
	s.held, s.heldOver = nil, 0
}

// refilter shows what the typed filter and the level keep. While a regular
// expression is unfinished the one before stays in force.
func (s *Screen) refilter() {
	f, err := parseFilter(s.filter.Value(), s.level)
	s.badRE = err
	if err == nil {
		s.pane.setFilter(f)
	}
}
