// Package deadletters is the screen for a worker's dead letters: look at them,
// read their bodies, mark some, send them back to the queue they came from.
package deadletters

import (
	"context"
	"fmt"
	"strings"
	"time"

	tea "charm.land/bubbletea/v2"

	"github.com/microfox-ai/aiwctl/aws"
	"github.com/microfox-ai/aiwctl/aws/redrive"
	"github.com/microfox-ai/aiwctl/tui/cell"
	"github.com/microfox-ai/aiwctl/tui/jsonview"
	"github.com/microfox-ai/aiwctl/tui/prompt"
	"github.com/microfox-ai/aiwctl/tui/screen"
	"github.com/microfox-ai/aiwctl/tui/table"
	"github.com/microfox-ai/aiwctl/tui/theme"
)

// Engine looks into a dead-letter queue and replays what is in it;
// *redrive.Engine is one.
type Engine interface {
	Peek(ctx context.Context, w aws.Worker, limit int) (redrive.Listing, error)
	Replay(ctx context.Context, r redrive.Replay) (redrive.Report, error)
}

const (
	// firstLook is how many messages the first look asks for; every further one
	// that asks for more doubles it.
	firstLook   = 50
	lookTimeout = time.Minute
)

// The purposes of requests.
const (
	forLook   = "look"
	forReplay = "replay"
)

// Screen is the dead-letters screen of one worker.
type Screen struct {
	env      screen.Env
	engine   Engine
	workerID string
	requests *screen.Requests

	table  *table.Model[row]
	body   *jsonview.View
	filter *prompt.Prompt

	limit    int
	listing  *redrive.Listing // nil until the first look has succeeded
	lookedAt time.Time
	askedAt  time.Time
	err      error    // of the last look
	warnings []string // of the last look or replay
	results  map[string]redrive.Result
	replay   *replaying

	inBody        bool // the body has the keys, not the list
	width, height int
}

// New returns the dead-letters screen of a worker.
func New(env screen.Env, engine Engine, ask screen.OpenDead) *Screen {
	s := &Screen{
		env: env, engine: engine, workerID: ask.WorkerID, requests: env.Requests(),
		body: jsonview.New(env.Theme), filter: prompt.New(env.Theme, "/"),
		limit: firstLook, results: map[string]redrive.Result{},
	}
	s.table = table.New(env.Theme, table.Config[row]{
		Columns:     s.columns(),
		ID:          func(r row) string { return r.letter.ID },
		Text:        row.text,
		Sort:        -1,
		Default:     newestFirst,
		DefaultName: "newest",
	})
	return s
}

// Kind implements screen.Screen.
func (s *Screen) Kind() screen.Kind { return screen.KindDead }

// Title implements screen.Screen.
func (s *Screen) Title() string { return cell.Clean(s.workerID) + " dead letters" }

// Status implements screen.Statuser.
func (s *Screen) Status() string {
	if s.listing == nil {
		return ""
	}
	var parts []string
	if marked, hidden := s.table.Marks(); hidden > 0 {
		parts = append(parts, fmt.Sprintf("%d marked, %d of them hidden", marked, hidden))
	} else if marked > 0 {
		parts = append(parts, fmt.Sprintf("%d marked", marked))
	}
	seen := cell.Plural(len(s.listing.Letters), "message")
	if depth := s.listing.Depth.Total(); depth > len(s.listing.Letters) {
		seen = fmt.Sprintf("%s of about %s", cell.Count(len(s.listing.Letters)), cell.Plural(depth, "message"))
	}
	parts = append(parts, seen, "looked "+cell.Age(s.env.Now().Sub(s.lookedAt))+" ago")
	return strings.Join(parts, " "+theme.GlyphDot+" ")
}

// Busy implements screen.Busier.
func (s *Screen) Busy() string {
	if s.replay == nil {
		return ""
	}
	return "a replay of " + cell.Plural(s.replay.total, "message") + " of " + cell.Clean(s.workerID)
}

// Init implements screen.Screen.
func (s *Screen) Init() tea.Cmd { return s.look() }

// Close implements screen.Screen.
func (s *Screen) Close() { s.requests.Close() }

// Typing implements screen.Screen.
func (s *Screen) Typing() bool { return s.filter.Typing() }

// look receives what is in the queue. Without the worker, which is the case
// before the stage was first read, it does nothing: DataChanged tries again.
func (s *Screen) look() tea.Cmd {
	w, ok := s.env.Worker(s.workerID)
	if !ok {
		return nil
	}
	limit, engine := s.limit, s.engine
	s.askedAt = s.env.Now()
	return s.requests.Start(forLook, lookTimeout, func(ctx context.Context) (any, error) {
		return engine.Peek(ctx, w, limit)
	})
}

// Update implements screen.Screen.
func (s *Screen) Update(msg tea.Msg) tea.Cmd {
	cmd := s.update(msg)
	s.show()
	return cmd
}

func (s *Screen) update(msg tea.Msg) tea.Cmd {
	switch msg := msg.(type) {
	case screen.Reply:
		return s.reply(msg)
	case screen.DataChanged:
		if s.listing == nil && s.err == nil && !s.requests.Live(forLook) {
			return s.look()
		}
		return nil
	case screen.Tick:
		s.table.Invalidate() // ages
		return nil
	case screen.ThemeChanged:
		s.table.Invalidate()
		s.filter.Restyle()
		return nil
	case screen.Resized:
		s.width, s.height = msg.Width, msg.Height
		return nil
	case tea.KeyPressMsg:
		return s.key(msg)
	}
	cmd := s.filter.Update(msg)
	if _, pasted := msg.(tea.PasteMsg); pasted {
		s.table.SetFilter(s.filter.Value())
	}
	return cmd
}

func (s *Screen) key(msg tea.KeyPressMsg) tea.Cmd {
	if s.filter.Typing() {
		cmd := s.filter.Update(msg)
		s.table.SetFilter(s.filter.Value())
		return cmd
	}
	name := msg.String()
	switch {
	case name == "J" || name == "shift+down":
		s.body.Scroll(1)
	case name == "K" || name == "shift+up":
		s.body.Scroll(-1)
	case s.inBody:
		s.body.Key(name)
	default:
		s.table.Key(name)
	}
	return nil
}

func (s *Screen) reply(reply screen.Reply) tea.Cmd {
	next, live := s.requests.Take(reply)
	if !live {
		return nil
	}
	switch reply.Purpose {
	case forLook:
		listing, ok := reply.Payload.(redrive.Listing)
		s.err = reply.Err
		if ok && (reply.Err == nil || len(listing.Letters) > 0) {
			s.listing, s.lookedAt = &listing, s.env.Now()
			s.warnings = listing.Warnings
			s.results = map[string]redrive.Result{}
		}
		s.load()
		if reply.Err != nil {
			return screen.Send(screen.Task{ID: s.task("look"), Text: "look at the dead letters of " + s.workerID, Done: true, Err: reply.Err})
		}
		return nil
	case forReplay:
		return tea.Batch(next, s.progress(reply))
	}
	return next
}

func (s *Screen) task(what string) string { return fmt.Sprintf("%s-%d", what, s.env.ID) }

// load makes the rows from the last look and what became of them since.
func (s *Screen) load() {
	if s.listing == nil {
		s.table.SetRows(nil)
		return
	}
	rows := make([]row, len(s.listing.Letters))
	for i := range s.listing.Letters {
		letter := &s.listing.Letters[i]
		rows[i] = newRow(letter)
		if result, ok := s.results[letter.ID]; ok {
			rows[i].result = &result
		}
	}
	s.table.SetRows(rows)
}

// show puts the letter under the cursor into the body.
func (s *Screen) show() {
	r, ok := s.table.Selected()
	if !ok {
		s.body.Set("", nil, "")
		s.inBody = false
		return
	}
	s.body.Set(r.letter.ID, fields(r, s.env.Now()), r.letter.Body)
}
