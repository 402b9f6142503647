// Package replay is the screen on which dead letters are moved: the plan of a replay
// or a deletion with what a check says of each message, its progress, what became of
// each, and an interrupted one gone on with.
package replay

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	tea "charm.land/bubbletea/v2"

	"github.com/microfox-ai/aiwctl/aws"
	"github.com/microfox-ai/aiwctl/aws/redrive"
	"github.com/microfox-ai/aiwctl/aws/redrive/journal"
	"github.com/microfox-ai/aiwctl/tui/cell"
	"github.com/microfox-ai/aiwctl/tui/prompt"
	"github.com/microfox-ai/aiwctl/tui/screen"
	"github.com/microfox-ai/aiwctl/tui/table"
)

// phase is how far the screen is.
type phase int

const (
	planning phase = iota // looking, checking, reading the journal
	ready                 // the plan is shown
	running
	ended
)

// The purposes of requests.
const (
	forWork     = "work" // the session: its one request from look to report
	forJournals = "journals"
)

// Screen is one replay or deletion, or one that goes on.
type Screen struct {
	env      screen.Env
	engine   Engine
	ask      screen.PlanReplay
	requests *screen.Requests
	session  *session
	worker   aws.Worker

	phase   phase
	plan    *plan
	options options
	choice  int // the option under the cursor
	typing  *prompt.Prompt
	refusal string // why what was typed was not taken
	waits   string // what is being waited for
	askedAt time.Time
	err     error // of the plan, or of what was moved

	// Of a replay that goes on.
	resuming bool
	journal  string // asked for; empty: the latest
	states   []*journal.State
	state    *journal.State

	rows   map[string]*row
	list   []*row
	table  *table.Model[*row]
	filter *prompt.Prompt
	bad    bool // only what did not go well is listed

	total, done, failed  int
	startedAt, firstAt   time.Time
	endedAt              time.Time
	stopping, inMessages bool
	report               redrive.Report

	width, height int
}

// New returns the screen of a replay, or a deletion, that is asked for.
func New(env screen.Env, engine Engine, ask screen.PlanReplay) *Screen {
	s := newScreen(env, engine)
	s.ask = ask
	return s
}

// Interrupted returns the screen of a replay that was interrupted.
func Interrupted(env screen.Env, engine Engine, ask screen.OpenReplay) *Screen {
	s := newScreen(env, engine)
	s.resuming, s.journal = true, ask.Journal
	return s
}

func newScreen(env screen.Env, engine Engine) *Screen {
	s := &Screen{
		env: env, engine: engine, requests: env.Requests(), rows: map[string]*row{},
		typing: prompt.New(env.Theme, ">"), filter: prompt.New(env.Theme, "/"), askedAt: env.Now(),
	}
	s.table = table.New(env.Theme, table.Config[*row]{
		Columns: s.columns(), ID: func(r *row) string { return r.id }, Text: (*row).text,
		Sort: -1, Default: worstFirst, DefaultName: "what needs a look",
	})
	return s
}

// Kind implements screen.Screen.
func (s *Screen) Kind() screen.Kind { return screen.KindReplay }

// Title implements screen.Screen.
func (s *Screen) Title() string {
	switch {
	case s.resuming:
		return "Interrupted replay"
	case s.ask.Delete:
		return "Delete dead letters"
	}
	return "Replay"
}

// Status implements screen.Statuser.
func (s *Screen) Status() string {
	switch s.phase {
	case ready:
		if s.plan != nil && s.plan.held > 0 {
			return fmt.Sprintf("%s held back from others meanwhile", cell.Plural(s.plan.held, "message"))
		}
	case running:
		return fmt.Sprintf("%s of %s", cell.Count(s.done), cell.Count(s.total))
	case planning, ended:
	}
	return ""
}

// verb is what is done, noun what it is called.
func (s *Screen) verb() string {
	if s.ask.Delete {
		return "delete"
	}
	return "replay"
}

func (s *Screen) noun() string {
	switch {
	case s.ask.Delete:
		return "deletion"
	case s.state != nil:
		return cell.Clean(s.state.Header.Kind)
	}
	return "replay"
}

// past is what was done to a message.
func (s *Screen) past() string {
	switch {
	case s.ask.Delete:
		return "deleted"
	case s.state != nil && s.state.Header.Kind == "import":
		return "imported"
	}
	return "replayed"
}

func (s *Screen) workerName() string { return cell.Clean(s.workerID()) }

// workerID is the worker's, as it is.
func (s *Screen) workerID() string {
	if s.state != nil {
		return s.state.Header.Worker
	}
	return s.ask.WorkerID
}

// Busy implements screen.Busier.
func (s *Screen) Busy() string {
	if s.phase != running {
		return ""
	}
	return fmt.Sprintf("a %s of %s of %s", s.noun(), cell.Plural(s.total, "message"), s.workerName())
}

// Progress implements screen.Progresser.
func (s *Screen) Progress() (done, total int) {
	if s.phase != running {
		return 0, 0
	}
	return s.done, max(s.total, 1)
}

// Init implements screen.Screen.
func (s *Screen) Init() tea.Cmd {
	if s.resuming {
		return s.readJournals()
	}
	return s.begin()
}

// Close implements screen.Screen. What is held is let go by the session, whose
// context ends here.
func (s *Screen) Close() { s.requests.Close() }

// Typing implements screen.Screen.
func (s *Screen) Typing() bool { return s.filter.Typing() || s.typing.Typing() }

// begin chooses the messages. Without the worker, which is the case before the stage
// was first read, it waits for DataChanged.
func (s *Screen) begin() tea.Cmd {
	w, ok := s.env.Worker(s.ask.WorkerID)
	if !ok {
		if s.env.Data.Inventory != nil {
			s.err = errors.New("the stage has no worker " + s.workerName() + " now")
		}
		return nil
	}
	if w.DLQ == nil || w.Queue == nil && !s.ask.Delete {
		s.err = errors.New("its queue and its dead-letter queue are not both known: refresh the workers")
		return nil
	}
	s.worker, s.askedAt, s.err, s.phase, s.plan, s.waits = w, s.env.Now(), nil, planning, nil, ""
	s.rows, s.list = map[string]*row{}, nil
	s.table.SetRows(nil)
	next := &session{engine: s.engine, worker: w, ask: s.ask, orders: make(chan order, 1), done: make(chan struct{})}
	if s.session != nil {
		next.after = s.session.done
	}
	s.session = next
	return s.requests.Stream(forWork, s.session.run)
}

// Update implements screen.Screen.
func (s *Screen) Update(msg tea.Msg) tea.Cmd {
	switch msg := msg.(type) {
	case screen.Reply:
		return s.reply(msg)
	case screen.DataChanged:
		if s.phase == planning && s.worker.ID == "" && !s.resuming {
			s.err = nil
			return s.begin()
		}
		return nil
	case screen.Tick:
		s.table.Invalidate() // ages
		return nil
	case screen.ThemeChanged:
		s.table.Invalidate()
		s.filter.Restyle()
		s.typing.Restyle()
		return nil
	case screen.Resized:
		s.width, s.height = msg.Width, msg.Height
		return nil
	case tea.KeyPressMsg:
		return s.key(msg)
	}
	if _, pasted := msg.(tea.PasteMsg); pasted && !s.Typing() {
		return nil
	}
	if s.typing.Typing() {
		return s.typing.Update(msg)
	}
	cmd := s.filter.Update(msg)
	s.arrange()
	return cmd
}

func (s *Screen) key(msg tea.KeyPressMsg) tea.Cmd {
	name := msg.String()
	switch {
	case s.typing.Typing():
		return s.typed(msg)
	case s.filter.Typing():
		cmd := s.filter.Update(msg)
		s.arrange()
		return cmd
	case s.phase == ready && !s.inMessages && !s.resuming:
		s.moveOption(name)
	case s.phase != planning:
		s.table.Key(name)
	}
	return nil
}

func (s *Screen) moveOption(name string) {
	last := len(s.optionLines()) - 1
	switch name {
	case "j", "down":
		s.choice++
	case "k", "up":
		s.choice--
	case "g", "home":
		s.choice = 0
	case "G", "end":
		s.choice = last
	}
	s.choice = max(0, min(s.choice, last))
}

func (s *Screen) reply(reply screen.Reply) tea.Cmd {
	next, live := s.requests.Take(reply)
	if !live {
		return nil
	}
	if reply.Purpose == forJournals {
		return s.tookJournals(reply)
	}
	if reply.More {
		return tea.Batch(next, s.took(reply.Payload))
	}
	return s.over(reply.Err)
}

// took takes what a session says.
func (s *Screen) took(payload any) tea.Cmd {
	switch payload := payload.(type) {
	case string:
		s.waits = cell.Clean(payload)
	case plan:
		s.takePlan(&payload)
	case steps:
		return s.takeSteps(payload)
	case task:
		s.done, s.total = payload.moved, max(payload.of, payload.moved)
		return s.tell()
	case redrive.Report:
		s.report = payload
	}
	return nil
}

func (s *Screen) takePlan(p *plan) {
	first := s.plan == nil
	s.plan, s.phase, s.waits = p, ready, ""
	if first {
		s.table.SetFilter("")
	}
	s.rows, s.list = make(map[string]*row, len(p.rows)), p.rows
	for _, r := range p.rows {
		if s.ask.Delete && r.status == statusWaits {
			r.status = statusGoes
		}
		s.rows[r.id] = r
	}
	s.total = p.count
	s.arrange()
}

// arrange lists what the filter lets through.
func (s *Screen) arrange() {
	rows := s.list
	if s.bad {
		rows = nil
		for _, r := range s.list {
			if !r.good() {
				rows = append(rows, r)
			}
		}
	}
	s.table.SetFilter(s.filter.Value())
	s.table.SetRows(rows)
}

// blockedText is what a check keeps from being sent, in words.
func (s *Screen) blockedText() (n int, text string) {
	var parts []string
	for kind, count := range s.plan.blocked {
		n += count
		parts = append(parts, fmt.Sprintf("%s %s", cell.Count(count), cell.Clean(string(kind))))
	}
	slices.Sort(parts)
	return n, strings.Join(parts, ", ")
}
