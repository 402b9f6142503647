// Package jobview is the screen of one job: where it is and how that is known, what
// happened to it in order, its log lines, what it was given and what came of it. While
// it has not ended it is followed, and told again as its lines come.
package jobview

import (
	"context"
	"strings"
	"time"

	tea "charm.land/bubbletea/v2"

	"github.com/microfox-ai/aiwctl/aws/jobs"
	"github.com/microfox-ai/aiwctl/aws/logs"
	"github.com/microfox-ai/aiwctl/tui/cell"
	"github.com/microfox-ai/aiwctl/tui/prompt"
	"github.com/microfox-ai/aiwctl/tui/screen"
	"github.com/microfox-ai/aiwctl/tui/theme"
)

// Finder finds out what became of a job; *jobs.Finder is one.
type Finder interface {
	Find(ctx context.Context, req jobs.Request) (*jobs.Life, error)
}

// Tail follows logs; *logs.Reader is one.
type Tail interface {
	Follow(ctx context.Context, q logs.Query, onState func(logs.State), fn func([]logs.Line) error) error
}

// The panes, in the order in which tab goes through them.
const (
	paneTimeline = iota
	paneLines
	paneResult
	paneInput
	paneCount
)

// Screen is the screen of one job.
type Screen struct {
	env      screen.Env
	finder   Finder
	tail     Tail
	ask      screen.OpenJob
	requests *screen.Requests
	zone     *time.Location // the clock's
	opened   time.Time

	search searching
	follow following

	life    *jobs.Life // nil until it was looked for once
	foundAt time.Time  // when it was last looked for

	pane     int // that has the keys
	beside   int // what a screen with two columns shows beside the timeline
	timeline *timeline
	lines    *linesPane
	result   *document
	input    *document
	filter   *prompt.Prompt
	detail   *document // nil unless something is open; it takes its pane's place
	columns  int       // of the last frame: 1, 2, or 4 panes at once
}

// New returns the screen of a job.
func New(env screen.Env, finder Finder, tail Tail, ask screen.OpenJob) *Screen {
	ask.JobID = strings.TrimSpace(ask.JobID)
	s := &Screen{
		env: env, finder: finder, tail: tail, ask: ask, requests: env.Requests(), zone: env.Now().Location(),
		opened: env.Now(), beside: paneLines, columns: 1,
		timeline: &timeline{}, lines: newLines(), filter: prompt.New(env.Theme, "/"),
		result: newDocument(env.Theme, "result"), input: newDocument(env.Theme, "input"),
	}
	s.search.named = ask.WorkerID != ""
	s.search.since = s.opened.Add(-backs[0].ago)
	if !ask.Since.IsZero() {
		s.search.since = ask.Since.Add(-sinceBefore)
	}
	return s
}

// Kind implements screen.Screen.
func (s *Screen) Kind() screen.Kind { return screen.KindJob }

// Title implements screen.Screen.
func (s *Screen) Title() string { return "Job " + shortID(s.ask.JobID) }

// shortID is the end of a job's id, which is what tells jobs apart.
func shortID(id string) string {
	if i := strings.LastIndexByte(id, '-'); i >= 0 && i < len(id)-1 && len(id) > 20 {
		id = cell.Ellipsis + id[i+1:]
	}
	return cell.Cut(cell.Clean(id), 24)
}

// Status implements screen.Statuser.
func (s *Screen) Status() string {
	var parts []string
	switch {
	case s.requests.Live(forFind):
		parts = append(parts, "looking")
	case s.follow.err != nil:
		parts = append(parts, "not followed any more")
	case s.follow.state.Err != nil && s.requests.Live(forFollow):
		parts = append(parts, "following, interrupted")
	case s.requests.Live(forFollow):
		parts = append(parts, "following")
	}
	if s.follow.state.Throttled && s.requests.Live(forFollow) {
		parts = append(parts, "slowed down by AWS")
	}
	if s.life != nil && !s.requests.Live(forFollow) {
		parts = append(parts, "looked "+cell.Age(s.env.Now().Sub(s.foundAt))+" ago")
	}
	return strings.Join(parts, " "+theme.GlyphDot+" ")
}

// Progress implements screen.Progresser.
func (s *Screen) Progress() (done, total int) {
	if p := s.progress(); p != nil {
		return int(p.Percent), 100
	}
	return 0, 0
}

// progress is how far the running attempt is; nil when nothing says.
func (s *Screen) progress() *jobs.Progress {
	if s.life == nil || s.life.State != jobs.StateRunning {
		return nil
	}
	if a := s.last(); a != nil {
		return a.Progress
	}
	return nil
}

// last is the newest attempt; nil when there is none.
func (s *Screen) last() *jobs.Attempt {
	if s.life == nil || len(s.life.Attempts) == 0 {
		return nil
	}
	return &s.life.Attempts[len(s.life.Attempts)-1]
}

// workerID is whose the job is, as far as is known.
func (s *Screen) workerID() string {
	if s.life != nil && s.life.WorkerID != "" {
		return s.life.WorkerID
	}
	return s.ask.WorkerID
}

// Init implements screen.Screen.
func (s *Screen) Init() tea.Cmd { return s.begin() }

// Close implements screen.Screen.
func (s *Screen) Close() { s.requests.Close() }

// Typing implements screen.Screen.
func (s *Screen) Typing() bool { return s.filter.Typing() }

// Update implements screen.Screen.
func (s *Screen) Update(msg tea.Msg) tea.Cmd {
	switch msg := msg.(type) {
	case screen.Reply:
		return s.reply(msg)
	case screen.DataChanged:
		return s.begin()
	case screen.Tick:
		return s.tick(msg.Now)
	case screen.Task:
		return s.written(msg)
	case screen.ThemeChanged:
		s.filter.Restyle()
	case tea.KeyPressMsg:
		s.key(msg)
	case tea.PasteMsg:
		if s.filter.Typing() {
			cmd := s.filter.Update(msg)
			s.lines.setFilter(s.filter.Value())
			return cmd
		}
	}
	return nil
}

func (s *Screen) reply(reply screen.Reply) tea.Cmd {
	next, live := s.requests.Take(reply)
	if !live {
		return nil
	}
	var more tea.Cmd
	switch reply.Purpose {
	case forFind:
		more = s.foundSome(reply)
	case forFollow:
		more = s.followed(reply)
	case forTell:
		more = s.toldAgain(reply)
	}
	return tea.Batch(next, more)
}

// setLife shows a life. What it was given does not change, so that what one look knew
// of it is not lost by another that did not look everywhere.
func (s *Screen) setLife(life *jobs.Life) {
	if old := s.life; old != nil && life.Input == nil && old.Input != nil {
		life.Input, life.Metadata, life.InputFrom = old.Input, old.Metadata, old.InputFrom
	}
	s.life = life
	s.lines.add(life.Lines())
	s.timeline.set(life)
	s.result.set(resultOf(life))
	s.input.set(inputOf(life))
}

// key moves in the pane that has the keys.
func (s *Screen) key(msg tea.KeyPressMsg) {
	name := msg.String()
	switch {
	case s.filter.Typing():
		switch name {
		case "up", "down", "pgup", "pgdown":
			s.lines.key(name)
			return
		}
		_ = s.filter.Update(msg) // its cursor does not blink, so it has no command
		s.lines.setFilter(s.filter.Value())
	case s.detail != nil:
		s.detail.view.Key(name)
	default:
		switch s.pane {
		case paneTimeline:
			s.timeline.key(name)
		case paneLines:
			s.lines.key(name)
		case paneResult:
			s.result.view.Key(name)
		case paneInput:
			s.input.view.Key(name)
		}
	}
}
