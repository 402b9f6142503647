// Package logview is the logs screen: the tail of one or several workers, to be read,
// searched, folded and saved. What is kept and where the cursor is is package pane's.
package logview

import (
	"context"
	"fmt"
	"time"

	tea "charm.land/bubbletea/v2"

	"github.com/microfox-ai/aiwctl/aws/logs"
	"github.com/microfox-ai/aiwctl/tui/cell"
	"github.com/microfox-ai/aiwctl/tui/logview/pane"
	"github.com/microfox-ai/aiwctl/tui/prompt"
	"github.com/microfox-ai/aiwctl/tui/screen"
)

// Source follows logs; *logs.Reader is one.
type Source interface {
	Follow(ctx context.Context, q logs.Query, onState func(logs.State), fn func([]logs.Line) error) error
}

// Past is a Source that also reads a range of time that has ended, which others are not
// asked for.
type Past interface {
	Read(ctx context.Context, q logs.Query, fn func([]logs.Line) error) error
}

// Live is a Source that may have live sessions for queries that are Live.
type Live interface{ CanLive() bool }

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
	forInflow = "inflow"
	forSave   = "save"
)

// Screen is the logs screen.
type Screen struct {
	env      screen.Env
	source   Source
	requests *screen.Requests
	zone     *time.Location // the clock's
	opened   time.Time

	tail   tail
	inflow inflow
	pane   *pane.Pane

	search, filter       *prompt.Prompt
	badSearch, badFilter error  // of an expression that is being typed
	wrapped              string // what the latest step went past
	backward             bool   // it went up
	choice               choice

	wrap bool
	cols columns

	// At most one of these is open, over the lines or in their place.
	menu   *menu
	input  *input
	detail *detail

	width int // of the latest frame
}

// New returns the logs screen of workers.
func New(env screen.Env, source Source, ask screen.OpenLogs) *Screen {
	s := &Screen{
		env: env, source: source, requests: env.Requests(), zone: env.Now().Location(),
		pane: pane.New(pane.NewBuffer(pane.Capacity)), opened: env.Now(),
		search: prompt.New(env.Theme, "/"), filter: prompt.New(env.Theme, "&"),
		cols: standardColumns(),
		tail: tail{ids: ask.WorkerIDs, jobID: ask.JobID, requestID: ask.RequestID, since: ask.Since},
	}
	if s.tail.since.IsZero() {
		s.tail.since = s.opened.Add(-lookBack)
	}
	s.filter.Set(ask.Filter)
	s.refilter()
	return s
}

// Kind implements screen.Screen.
func (s *Screen) Kind() screen.Kind { return screen.KindLogs }

// Title implements screen.Screen.
func (s *Screen) Title() string {
	title := fmt.Sprintf("Logs of %d workers", len(s.tail.ids))
	if len(s.tail.ids) == 1 {
		title = cell.Clean(s.tail.ids[0]) + " logs"
	}
	switch {
	case s.tail.jobID != "":
		title += " of job " + shortID(s.tail.jobID)
	case s.tail.requestID != "":
		title += " of request " + shortID(s.tail.requestID)
	}
	return title
}

// Init implements screen.Screen.
func (s *Screen) Init() tea.Cmd { return s.start() }

// Close implements screen.Screen.
func (s *Screen) Close() { s.requests.Close() }

// Typing implements screen.Screen.
func (s *Screen) Typing() bool {
	return s.filter.Typing() || s.search.Typing() || s.input != nil
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
		s.search.Restyle()
		if s.input != nil {
			s.input.prompt.Restyle()
		}
	case tea.KeyPressMsg:
		return s.key(msg)
	case tea.PasteMsg:
		return s.typed(msg)
	}
	return nil
}

func (s *Screen) key(msg tea.KeyPressMsg) tea.Cmd {
	name := msg.String()
	switch {
	case s.Typing():
		switch name {
		case "up", "down", "pgup", "pgdown":
			s.pane.Key(name)
			return nil
		}
		return s.typed(msg)
	case s.menu != nil:
		s.menu.pressed(name)
	case s.detail != nil:
		s.detail.view.Key(name)
	default:
		s.pane.Key(name)
	}
	return nil
}

// typed gives a key or a paste to the input that has the focus.
func (s *Screen) typed(msg tea.Msg) tea.Cmd {
	key, _ := msg.(tea.KeyPressMsg)
	switch {
	case s.input != nil:
		return s.inputKey(msg, key.String())
	case s.filter.Typing():
		return tea.Batch(s.filter.Update(msg), s.refilter())
	case s.search.Typing():
		cmd := s.search.Update(msg)
		return tea.Batch(cmd, s.searchKey(key.String()))
	}
	return nil
}

func (s *Screen) reply(reply screen.Reply) tea.Cmd {
	next, live := s.requests.Take(reply)
	switch {
	case !live:
		return nil
	case reply.Purpose == forSearch:
		s.stepped(s.pane.Advance())
		return s.searchOn()
	case reply.Purpose == forInflow:
		return s.pour()
	case reply.Purpose == forSave:
		return s.saved(reply)
	}
	return tea.Batch(next, s.follow(reply))
}

// kept is what stays of a screen that is opened again on another stage.
type kept struct {
	filter, search string
	level          logs.Level
	wrap, folded   bool
	cols           columns
}

// Keep implements screen.Keeper.
func (s *Screen) Keep() any {
	return kept{
		filter: s.filter.Value(), search: s.search.Value(), level: s.choice.level,
		wrap: s.wrap, folded: s.pane.Folded(), cols: s.cols,
	}
}

// Restore implements screen.Keeper.
func (s *Screen) Restore(was any) {
	k, ok := was.(kept)
	if !ok {
		return
	}
	s.filter.Set(k.filter)
	s.search.Set(k.search)
	s.choice.level, s.wrap, s.cols = k.level, k.wrap, k.cols
	s.pane.SetFolded(k.folded)
	s.refilter()
	s.research()
}
