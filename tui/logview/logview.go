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
	lookBack = 15 * time.Minute
	// lagFrom is the lag that is worth a word.
	lagFrom = 3 * time.Second
)

// The purposes of requests.
const (
	forFollow = "follow"
	forSearch = "search"
)

// Screen is the logs screen.
type Screen struct {
	env      screen.Env
	source   Source
	ask      screen.OpenLogs
	requests *screen.Requests
	zone     *time.Location // the clock's

	pane   *pane
	filter *prompt.Prompt
	badRE  error // of the regular expression being typed
	level  logs.Level
	wrap   bool
	job    *job    // nil unless one job is shown
	detail *detail // nil unless something is open

	colours map[string]int // worker id -> its place in theme.Sources
	missing []string       // workers without a known log group

	started bool
	opened  time.Time
	state   logs.State
	stateAt time.Time
	ended   error   // why the tail ended, which it does only when it cannot go on
	paused  *buffer // what came while paused; nil while not
}

// New returns the logs screen of workers, or of one job.
func New(env screen.Env, source Source, ask screen.OpenLogs) *Screen {
	s := &Screen{
		env: env, source: source, ask: ask, requests: env.Requests(), zone: env.Now().Location(),
		pane: newPane(newBuffer(capacity)), filter: prompt.New(env.Theme, "/"),
		colours: map[string]int{}, opened: env.Now(),
	}
	for i, id := range ask.WorkerIDs {
		s.colours[id] = i
	}
	if ask.JobID != "" {
		s.job = newJob(ask.JobID, strings.Join(ask.WorkerIDs, ", "))
	}
	return s
}

// Kind implements screen.Screen.
func (s *Screen) Kind() screen.Kind { return screen.KindLogs }

// Title implements screen.Screen.
func (s *Screen) Title() string {
	switch {
	case s.job != nil:
		return "Job " + shortID(s.job.id)
	case len(s.ask.WorkerIDs) == 1:
		return cell.Clean(s.ask.WorkerIDs[0]) + " logs"
	}
	return fmt.Sprintf("Logs of %d workers", len(s.ask.WorkerIDs))
}

// Status implements screen.Statuser.
func (s *Screen) Status() string {
	parts := []string{s.doing()}
	if s.state.Lag > lagFrom && s.ended == nil {
		parts = append(parts, "behind by "+cell.Age(s.state.Lag))
	}
	if s.level > logs.LevelNone {
		parts = append(parts, s.level.String()+" and above")
	}
	b := s.pane.buf
	switch {
	case b.filter.empty():
		parts = append(parts, cell.Plural(b.all.len(), "line"))
	case b.searching():
		parts = append(parts, "searching "+cell.Plural(b.all.len(), "line"))
	default:
		parts = append(parts, cell.Count(b.shown.len())+" of "+cell.Plural(b.all.len(), "line"))
	}
	if b.dropped > 0 {
		parts = append(parts, cell.Count(b.dropped)+" older dropped")
	}
	return strings.Join(parts, " "+theme.GlyphDot+" ")
}

// doing is what the tail does, in a word.
func (s *Screen) doing() string {
	switch {
	case s.ended != nil:
		return "ended"
	case s.paused != nil:
		return "paused, " + cell.Count(s.paused.all.len()+s.paused.dropped) + " new"
	case !s.started:
		return "not reading"
	case s.state.Err != nil:
		return "interrupted"
	case !s.pane.follow && s.pane.fresh > 0:
		return cell.Count(s.pane.fresh) + " new below, G follows"
	case !s.pane.follow:
		return "scrolled, G follows"
	}
	return "following"
}

// Init implements screen.Screen.
func (s *Screen) Init() tea.Cmd { return s.start() }

// Close implements screen.Screen.
func (s *Screen) Close() { s.requests.Close() }

// Typing implements screen.Screen.
func (s *Screen) Typing() bool { return s.filter.Typing() }

// start begins to follow. As long as no log group is known, which is the case
// before the stage was first read, it does nothing: DataChanged tries again.
func (s *Screen) start() tea.Cmd {
	if s.started || s.env.Data.Inventory == nil {
		return nil
	}
	var workers []aws.Worker
	s.missing = nil
	receives := 0
	for _, id := range s.ask.WorkerIDs {
		w, ok := s.env.Worker(id)
		if !ok || w.Function == nil {
			s.missing = append(s.missing, cell.Clean(id))
			continue
		}
		workers = append(workers, w)
		if w.Queue != nil {
			receives = max(receives, w.Queue.MaxReceiveCount)
		}
	}
	sources := logs.Sources(workers...)
	if len(sources) == 0 {
		return nil
	}
	s.started = true
	if s.job != nil {
		s.job.expect(receives)
	}
	q := logs.Query{Sources: sources, Since: s.since(), JobID: s.ask.JobID}
	source := s.source
	return s.requests.Stream(forFollow, func(ctx context.Context, emit func(any) error) error {
		return source.Follow(ctx, q,
			func(st logs.State) { _ = emit(st) }, // a failed emit ends the batch that follows
			func(lines []logs.Line) error { return emit(lines) })
	})
}

// restart begins anew after the tail has ended.
func (s *Screen) restart() tea.Cmd {
	f := s.pane.buf.filter
	s.pane.buf = newBuffer(capacity)
	s.pane.buf.filter = f
	s.pane.toEnd()
	if s.job != nil {
		s.job = newJob(s.job.id, s.job.worker)
	}
	s.started, s.ended, s.paused, s.state = false, nil, nil, logs.State{}
	return s.start()
}

func (s *Screen) since() time.Time {
	if s.ask.Since.IsZero() {
		return s.opened.Add(-lookBack)
	}
	return s.ask.Since
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
	case tea.KeyPressMsg:
		return s.key(msg)
	case tea.PasteMsg:
		if s.filter.Typing() {
			return tea.Batch(s.filter.Update(msg), s.refilter())
		}
	}
	return nil
}

func (s *Screen) key(msg tea.KeyPressMsg) tea.Cmd {
	name := msg.String()
	switch {
	case s.filter.Typing():
		switch name {
		case "up", "down", "pgup", "pgdown":
			s.pane.key(name)
			return nil
		}
		return tea.Batch(s.filter.Update(msg), s.refilter())
	case s.detail != nil:
		s.detail.view.Key(name)
	default:
		s.pane.key(name)
	}
	return nil
}

func (s *Screen) reply(reply screen.Reply) tea.Cmd {
	next, live := s.requests.Take(reply)
	switch {
	case !live:
		return nil
	case reply.Purpose == forSearch:
		s.pane.search()
		return s.searchOn()
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
	if s.paused == nil {
		s.pane.add(lines)
		return
	}
	for i := range lines {
		s.paused.add(&lines[i])
	}
}

func (s *Screen) togglePause() tea.Cmd {
	if s.paused == nil {
		s.paused = newBuffer(capacity)
		return nil
	}
	held := s.paused
	s.paused = nil
	s.pane.buf.dropped += held.dropped
	for i := range held.all.len() {
		s.pane.insert(held.all.at(i))
	}
	s.pane.clamp()
	return nil
}

func (s *Screen) toggleWrap() { s.wrap, s.pane.shift = !s.wrap, 0 }

func (s *Screen) nextLevel() tea.Cmd {
	s.level = nextLevel(s.level)
	return s.refilter()
}

func (s *Screen) showAll() tea.Cmd {
	s.filter.Clear()
	s.level = logs.LevelNone
	return s.refilter()
}

// refilter shows what the typed filter and the level keep. While a regular
// expression is unfinished the one before stays in force.
func (s *Screen) refilter() tea.Cmd {
	f, err := parseFilter(s.filter.Value(), s.level)
	s.badRE = err
	if err != nil || f.same(&s.pane.buf.filter) {
		return nil
	}
	s.pane.setFilter(f)
	return s.searchOn()
}

// searchOn has the next chunk of a search done in an update of its own, so that
// keys come between.
func (s *Screen) searchOn() tea.Cmd {
	if !s.pane.buf.searching() {
		s.requests.Cancel(forSearch)
		return nil
	}
	return s.requests.After(forSearch, 0)
}
