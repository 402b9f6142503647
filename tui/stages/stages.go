// Package stages is the picker of the stage that the console shows: those that the
// config file names, the profiles of AWS's files, and any other by hand. It connects
// to nothing itself: the root does (screen.SwitchStage), and tells how that goes.
package stages

import (
	"context"
	"fmt"
	"strings"
	"time"

	tea "charm.land/bubbletea/v2"

	"github.com/microfox-ai/aiwctl/tui/cell"
	"github.com/microfox-ai/aiwctl/tui/prompt"
	"github.com/microfox-ai/aiwctl/tui/screen"
	"github.com/microfox-ai/aiwctl/tui/table"
	"github.com/microfox-ai/aiwctl/tui/theme"
)

const (
	forOffers   = "offers"
	readTimeout = 15 * time.Second
)

// Screen is the picker.
type Screen struct {
	env      screen.Env
	cfg      Config
	requests *screen.Requests

	table  *table.Model[row]
	filter *prompt.Prompt
	form   *form // nil: the list has the focus

	offer   Offer
	read    bool // the offer was read
	asked   bool // a person asked for the reading under way
	err     error
	started time.Time
	// going is how going over to another stage goes.
	going screen.Switching

	width, height int
}

// New returns the picker.
func New(env screen.Env, cfg Config) *Screen {
	s := &Screen{
		env: env, cfg: cfg, requests: env.Requests(),
		table: table.New(env.Theme, table.Config[row]{
			Columns: columns(), Sort: -1, DefaultName: "as named",
			ID: func(r row) string { return r.id },
			Text: func(r row) string {
				marks, _ := r.marks()
				return strings.Join([]string{r.name, r.leads, r.profile, r.region, r.account, r.other, marks}, " ")
			},
		}),
		filter: prompt.New(env.Theme, "/"),
		read:   cfg.Offers == nil,
	}
	s.load()
	return s
}

// Kind implements screen.Screen.
func (s *Screen) Kind() screen.Kind { return screen.KindStages }

// Title implements screen.Screen.
func (s *Screen) Title() string { return "Stages" }

// Status implements screen.Statuser.
func (s *Screen) Status() string {
	if !s.read || s.cfg.Fixed {
		return ""
	}
	return fmt.Sprintf("%s %s %s", cell.Plural(len(s.offer.Stages), "stage"), theme.GlyphDot, cell.Plural(len(s.offer.Profiles), "profile"))
}

// Init implements screen.Screen.
func (s *Screen) Init() tea.Cmd { return s.fetch() }

// fetch reads what there is to choose from.
func (s *Screen) fetch() tea.Cmd {
	if s.cfg.Offers == nil {
		return nil
	}
	s.started = s.env.Now()
	offers := s.cfg.Offers
	return s.requests.Start(forOffers, readTimeout, func(ctx context.Context) (any, error) { return offers(ctx) })
}

// again reads for a person, who is told: what was read may be what was there.
func (s *Screen) again() tea.Cmd {
	cmd := s.fetch()
	s.asked = cmd != nil
	return cmd
}

// Close implements screen.Screen.
func (s *Screen) Close() { s.requests.Close() }

// Typing implements screen.Screen.
func (s *Screen) Typing() bool { return s.form != nil || s.filter.Typing() }

// Update implements screen.Screen.
func (s *Screen) Update(msg tea.Msg) tea.Cmd {
	switch msg := msg.(type) {
	case screen.Reply:
		return s.reply(msg)
	case screen.Switching:
		s.going = msg
		s.resize()
		return nil
	case screen.DataChanged:
		s.load() // the account may be known now
		return nil
	case screen.ThemeChanged:
		s.table.Invalidate()
		s.filter.Restyle()
		if s.form != nil {
			s.form.restyle()
		}
		return nil
	case screen.Resized:
		s.width, s.height = msg.Width, msg.Height
		s.resize()
		return nil
	case tea.KeyPressMsg:
		switch {
		case s.form != nil:
			return s.form.update(msg)
		case s.filter.Typing():
			lost := len(s.table.Rows()) == 0
			cmd := s.filter.Update(msg)
			s.refilter()
			if lost {
				s.table.Select(s.currentRow())
			}
			return cmd
		}
		s.table.Key(msg.String())
		return nil
	case tea.PasteMsg:
		if s.form != nil {
			return s.form.update(msg)
		}
		cmd := s.filter.Update(msg)
		s.refilter()
		return cmd
	}
	return nil
}

func (s *Screen) refilter() {
	s.table.SetFilter(s.filter.Value())
	s.resize()
}

func (s *Screen) reply(reply screen.Reply) tea.Cmd {
	if _, live := s.requests.Take(reply); !live {
		return nil
	}
	s.err = reply.Err
	asked := s.asked
	s.asked = false
	if offer, ok := reply.Payload.(Offer); ok && reply.Err == nil {
		first := !s.read
		s.offer, s.read = offer, true
		s.load()
		if first {
			s.table.Select(s.currentRow())
		}
		s.table.Hold()
	}
	s.resize()
	if !asked || reply.Err != nil {
		return nil
	}
	return screen.Send(screen.Task{ID: "stages", Text: "the config file and AWS's files were read again", Done: true})
}

// currentRow is the row of the stage that is shown.
func (s *Screen) currentRow() string {
	for _, r := range s.table.Rows() {
		if r.current {
			return r.id
		}
	}
	return ""
}

// connecting is whether a stage is being connected to.
func (s *Screen) connecting() bool { return !s.going.Since.IsZero() }
