// Package history is the screen of what was written to AWS from this machine: every
// dispatch, replay, deletion, import, pause and resume, with what came of it.
package history

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	tea "charm.land/bubbletea/v2"

	"github.com/microfox-ai/aiwctl/aws/audit"
	trail "github.com/microfox-ai/aiwctl/aws/history"
	"github.com/microfox-ai/aiwctl/tui/cell"
	"github.com/microfox-ai/aiwctl/tui/jsonview"
	"github.com/microfox-ai/aiwctl/tui/prompt"
	"github.com/microfox-ai/aiwctl/tui/screen"
	"github.com/microfox-ai/aiwctl/tui/table"
	"github.com/microfox-ai/aiwctl/tui/theme"
)

// Trail is the trail of writes; a trail.Trail is one.
type Trail interface {
	// Newest reads the newest most actions, of this stage or of every one.
	Newest(ctx context.Context, most int, everywhere bool) (trail.Page, error)
	// Stamp changes whenever something is written to the trail.
	Stamp() (string, error)
}

const (
	// firstMost is how many actions are read at first; each wish for more reads
	// moreTimes as many, up to mostMost.
	firstMost, moreTimes, mostMost = 500, 4, 20_000
	readTimeout                    = time.Minute
	// lookEvery is how often is looked whether the trail has changed.
	lookEvery = 2 * time.Second
)

// The purposes of requests.
const (
	forRead  = "read"
	forStamp = "stamp"
)

// errNoTrail is for a stage that keeps none.
var errNoTrail = errors.New("no trail is kept")

// Screen is the history screen.
type Screen struct {
	env      screen.Env
	trail    Trail // nil: none is kept
	requests *screen.Requests
	zone     *time.Location // the clock's

	table  *table.Model[row]
	filter *prompt.Prompt
	open   *jsonview.View // of the action that is read whole; nil unless one is
	opened row

	most       int
	everywhere bool
	bad        bool // only what did not end well

	page *trail.Page // nil until it was read once
	rows []row       // of the page
	// unfinished actions can be gone on with; lost ones ended nobody knows how.
	unfinished, lost int
	err              error
	stamp            string
	lookAt           time.Time // when is looked next whether it has changed
	stale            bool      // it has changed since the reading under way began
	asked            bool      // a person asked for the reading under way
	began            time.Time
}

// New returns the history screen. A nil trail is a stage that keeps none.
func New(env screen.Env, t Trail, _ screen.OpenHistory) *Screen {
	s := &Screen{
		env: env, trail: t, requests: env.Requests(), zone: env.Now().Location(),
		filter: prompt.New(env.Theme, "/"), most: firstMost, began: env.Now(),
	}
	s.table = s.newTable()
	return s
}

// Kind implements screen.Screen.
func (s *Screen) Kind() screen.Kind { return screen.KindHistory }

// Title implements screen.Screen.
func (s *Screen) Title() string { return "History" }

// Status implements screen.Statuser.
func (s *Screen) Status() string {
	parts := []string{"this stage"}
	if s.everywhere {
		parts[0] = "all stages"
	}
	if s.bad {
		parts = append(parts, "what did not end well")
	}
	if s.page != nil {
		shown, all := len(s.table.Rows()), cell.Plural(len(s.page.Actions), "action")
		switch {
		case shown != len(s.page.Actions):
			all = cell.Count(shown) + " of " + all
		case s.page.More:
			all = "newest " + all
		}
		parts = append(parts, all, s.table.SortName())
	}
	if s.requests.Live(forRead) {
		parts = append(parts, "reading")
	}
	return strings.Join(parts, " "+theme.GlyphDot+" ")
}

// Init implements screen.Screen.
func (s *Screen) Init() tea.Cmd { return s.read() }

// Close implements screen.Screen.
func (s *Screen) Close() { s.requests.Close() }

// Typing implements screen.Screen.
func (s *Screen) Typing() bool { return s.filter.Typing() }

// reading is what one reading brings.
type reading struct {
	page  trail.Page
	rows  []row
	stamp string
}

// read reads the trail again. What is shown stays until that is done.
func (s *Screen) read() tea.Cmd {
	if s.trail == nil {
		s.err = errNoTrail
		return nil
	}
	t, most, everywhere := s.trail, s.most, s.everywhere
	s.stale = false
	return s.requests.Start(forRead, readTimeout, func(ctx context.Context) (any, error) {
		stamp, err := t.Stamp() // before: what is written meanwhile is read again
		if err != nil {
			return nil, fmt.Errorf("look at the audit trail: %w", err)
		}
		page, err := t.Newest(ctx, most, everywhere)
		return reading{page, rowsOf(page.Actions), stamp}, err
	})
}

// again reads for a person, who is told: what was read may be what was there.
func (s *Screen) again() tea.Cmd {
	s.asked = true
	return s.read()
}

// look looks whether the trail has changed.
func (s *Screen) look() tea.Cmd {
	s.lookAt = s.env.Now().Add(lookEvery)
	if s.trail == nil || s.requests.Live(forStamp) {
		return nil
	}
	t := s.trail
	return s.requests.Start(forStamp, readTimeout, func(context.Context) (any, error) { return t.Stamp() })
}

// Update implements screen.Screen.
func (s *Screen) Update(msg tea.Msg) tea.Cmd {
	switch msg := msg.(type) {
	case screen.Reply:
		return s.reply(msg)
	case screen.Task:
		if msg.Done {
			return s.look()
		}
	case screen.Tick:
		if !msg.Now.Before(s.lookAt) {
			return s.look()
		}
	case screen.ThemeChanged:
		s.filter.Restyle()
		s.table.Invalidate()
	case tea.KeyPressMsg:
		return s.key(msg)
	case tea.PasteMsg:
		if s.filter.Typing() {
			cmd := s.filter.Update(msg)
			s.table.SetFilter(s.filter.Value())
			return cmd
		}
	}
	return nil
}

func (s *Screen) reply(reply screen.Reply) tea.Cmd {
	if _, live := s.requests.Take(reply); !live {
		return nil
	}
	if reply.Purpose == forStamp {
		stamp, ok := reply.Payload.(string)
		switch {
		case reply.Err != nil || !ok || stamp == s.stamp:
			// A trail that cannot be looked at is told of by the next reading.
		case s.requests.Live(forRead):
			s.stale = true
		default:
			return s.read()
		}
		return nil
	}
	got, ok := reply.Payload.(reading)
	s.err = reply.Err
	var told tea.Cmd
	if s.asked && reply.Err == nil {
		told = screen.Send(screen.Task{ID: "history", Text: "the trail was read again", Done: true})
	}
	s.asked = false
	if ok && reply.Err == nil {
		s.stamp, s.page, s.rows = got.stamp, &got.page, got.rows
		s.count()
		s.show()
	}
	if s.stale {
		return tea.Batch(told, s.read())
	}
	return told
}

// count counts what needs a look.
func (s *Screen) count() {
	s.unfinished, s.lost = 0, 0
	for i := range s.rows {
		switch a := &s.rows[i]; {
		case a.Remedy != "":
			s.unfinished++
		case a.Outcome == audit.OutcomeNoEnd && !a.Finished:
			s.lost++
		}
	}
}

// show gives the table its rows.
func (s *Screen) show() {
	if s.page == nil {
		return
	}
	rows := s.rows
	if s.bad {
		rows = slices.DeleteFunc(slices.Clone(rows), func(r row) bool { return r.EndedWell() })
	}
	s.table.SetRows(rows)
	if s.open != nil {
		for _, r := range rows {
			if r.id == s.opened.id {
				s.read1(r) // it may have ended since
			}
		}
	}
}

func (s *Screen) key(msg tea.KeyPressMsg) tea.Cmd {
	name := msg.String()
	switch {
	case s.filter.Typing():
		switch name {
		case "up", "down", "pgup", "pgdown":
			s.table.Key(name)
			return nil
		}
		cmd := s.filter.Update(msg)
		s.table.SetFilter(s.filter.Value())
		return cmd
	case s.open != nil:
		s.open.Key(name)
	default:
		s.table.Key(name)
	}
	return nil
}
