// Package deadletters is the screen for a worker's dead letters: what they died of,
// in groups; each with its body, error and log lines; marked, filtered, edited, and
// handed on to be replayed or deleted.
package deadletters

import (
	"context"
	"fmt"
	"strings"
	"time"

	tea "charm.land/bubbletea/v2"

	"github.com/microfox-ai/aiwctl/aws"
	"github.com/microfox-ai/aiwctl/aws/logs"
	"github.com/microfox-ai/aiwctl/aws/redrive"
	"github.com/microfox-ai/aiwctl/aws/redrive/check"
	"github.com/microfox-ai/aiwctl/aws/redrive/letter"
	"github.com/microfox-ai/aiwctl/aws/redrive/where"
	"github.com/microfox-ai/aiwctl/aws/redrive/why"
	"github.com/microfox-ai/aiwctl/tui/cell"
	"github.com/microfox-ai/aiwctl/tui/jsonview"
	"github.com/microfox-ai/aiwctl/tui/prompt"
	"github.com/microfox-ai/aiwctl/tui/screen"
	"github.com/microfox-ai/aiwctl/tui/table"
	"github.com/microfox-ai/aiwctl/tui/theme"
)

// Engine looks into a dead-letter queue and says why what is in it died;
// *redrive.Engine is one.
type Engine interface {
	Look(ctx context.Context, w aws.Worker, limit int, each func([]letter.Letter) (more bool, err error)) (*redrive.Look, error)
	Why(ctx context.Context, w aws.Worker, jobs []why.Job) (why.Found, error)
	Attempt(ctx context.Context, w aws.Worker, jobID, requestID string, about time.Time) ([]logs.Line, error)
	Replays(ids ...string) ([]redrive.Sent, error)
}

// The purposes of requests.
const (
	forLook    = "look"
	forCauses  = "causes"
	forFilter  = "filter"
	forBody    = "body"    // of a message whose body is not in memory
	forRest    = "rest"    // the cursor rests on a message
	forAttempt = "attempt" // the log lines of its last attempt
	forBefore  = "before"  // whether it was replayed before
	forEditor  = "editor"  // the person's own
	forCheck   = "check"   // of an edit that is large
)

// level is what the list shows.
type level int

const (
	inGroups level = iota
	inLetters
)

// Screen is the dead-letters screen of one worker.
type Screen struct {
	env      screen.Env
	engine   Engine
	edits    *Edits
	workerID string
	requests *screen.Requests
	sought   screen.OpenDead // the message to begin with, until it was found

	limit, bodies     int     // how many messages to look for; how many bytes of bodies to keep in memory, zero: the usual
	items, fresh      []*item // fresh are those of a look under way
	shelf, freshShelf *shelf
	byID              map[string]*item
	progressive       bool // the first look is under way, and what it saw is shown
	whole             bool // a look has ended
	depth             aws.Depth
	seenAll           bool
	warnings          []string
	lookedAt, askedAt time.Time
	now               time.Time // what ages are counted from, as of the last Tick
	err               error     // of the last look
	note              string

	causes     map[string]*cause // by job id, or by message id where the message says it
	status     map[string]string // what is recorded of a job
	problems   map[string][]check.Problem
	causeNotes []string
	causesErr  error
	causesDone bool
	causesAt   time.Time
	checker    *check.Checker
	checked    string // what checker was made of

	level   level
	flat    bool
	group   string // of which the messages are listed
	groups  *table.Model[group]
	letters *table.Model[*item]

	text, expr *prompt.Prompt
	where      *where.Filter // the last expression that could be read
	whereErr   error         // of what is typed
	offer      offer         // completions of the expression
	passed     map[string]bool
	filtered   string // what passed is of; empty: nothing is filtered
	unclear    int
	unclearErr error

	marks  map[string]bool
	ranged span
	// markedIn is how many are marked in each group; nil: to be counted.
	markedIn map[string]int

	pane    pane
	inPane  bool
	body    *jsonview.View
	side    scroller // the error
	log     scroller
	changes scroller
	loaded  *letter.Letter // the one whose body is not in memory
	loadErr error
	attempt attempt
	before  map[string][]redrive.Sent
	under   string // the message the panes show
	editing *editing
	width   int
	height  int
	cache   [4]drawn // the panes' lines
}

// New returns the dead-letters screen of a worker. Edits keeps what was changed when
// the screen is left.
func New(env screen.Env, engine Engine, edits *Edits, ask screen.OpenDead) *Screen {
	s := &Screen{
		env: env, engine: engine, edits: edits, workerID: ask.WorkerID, requests: env.Requests(), sought: ask, now: env.Now(),
		body: jsonview.New(env.Theme), text: prompt.New(env.Theme, "/"), expr: prompt.New(env.Theme, "where"),
		limit: firstLook, causes: map[string]*cause{}, status: map[string]string{}, problems: map[string][]check.Problem{},
		marks: map[string]bool{}, before: map[string][]redrive.Sent{}, byID: map[string]*item{},
	}
	s.letters = table.New(env.Theme, table.Config[*item]{
		Columns: s.letterColumns(), ID: func(it *item) string { return it.id }, Text: func(it *item) string { return it.name },
		Sort: -1, Default: newestFirst, DefaultName: "newest", Marked: s.marked,
	})
	s.groups = table.New(env.Theme, table.Config[group]{
		Columns: s.groupColumns(), ID: func(g group) string { return g.name }, Text: func(g group) string { return g.name },
		Sort: -1, Default: biggestFirst, DefaultName: "biggest", Marked: s.groupMarked,
	})
	return s
}

// Kind implements screen.Screen.
func (s *Screen) Kind() screen.Kind { return screen.KindDead }

// Title implements screen.Screen.
func (s *Screen) Title() string {
	title := cell.Clean(s.workerID) + " dead letters"
	switch {
	case s.editing != nil:
		title += " " + theme.GlyphCrumb + " edit " + s.editing.name
	case s.level == inLetters && s.group != "":
		title += " " + theme.GlyphCrumb + " " + cell.Cut(cell.Clean(s.group), 40)
	}
	return title
}

// Status implements screen.Statuser.
func (s *Screen) Status() string {
	if s.editing != nil {
		return s.editing.position()
	}
	if s.items == nil {
		return ""
	}
	var parts []string
	if marked, hidden := s.markCounts(); hidden > 0 {
		parts = append(parts, fmt.Sprintf("%s marked, %s hidden by the filter", cell.Count(marked), cell.Count(hidden)))
	} else if marked > 0 {
		parts = append(parts, cell.Count(marked)+" marked")
	}
	if n := s.edits.count(s.byID); n > 0 {
		parts = append(parts, cell.Count(n)+" edited")
	}
	seen := cell.Plural(len(s.items), "message")
	if depth := s.depth.Total(); depth > len(s.items) {
		seen = fmt.Sprintf("%s of about %s", cell.Count(len(s.items)), cell.Plural(depth, "message"))
	}
	parts = append(parts, seen)
	if s.whole {
		parts = append(parts, "looked "+s.age(s.lookedAt)+" ago")
	}
	return strings.Join(parts, " "+theme.GlyphDot+" ")
}

// Busy implements screen.Busier. Nobody can leave by a key meanwhile, but a stage that was
// connected to may arrive just before the text does.
func (s *Screen) Busy() string {
	if s.requests.Live(forEditor) {
		return "what your editor has open"
	}
	return ""
}

// kept is what another screen of the same worker begins with.
type kept struct {
	text, expr string
	flat       bool
}

// Keep implements screen.Keeper.
func (s *Screen) Keep() any { return kept{s.text.Value(), s.expr.Value(), s.flat} }

// Restore implements screen.Keeper.
func (s *Screen) Restore(from any) {
	k, ok := from.(kept)
	if !ok {
		return
	}
	s.text.Set(k.text)
	s.expr.Set(k.expr)
	s.readExpr()
	s.setFlat(k.flat)
}

// Init implements screen.Screen.
func (s *Screen) Init() tea.Cmd { return s.look() }

// Close implements screen.Screen.
func (s *Screen) Close() {
	s.keepEdit()
	s.requests.Close()
	for _, kept := range []*shelf{s.shelf, s.freshShelf} {
		if kept != nil {
			kept.close()
		}
	}
}

// Typing implements screen.Screen.
func (s *Screen) Typing() bool { return s.text.Typing() || s.expr.Typing() || s.editing != nil }

// Update implements screen.Screen.
func (s *Screen) Update(msg tea.Msg) tea.Cmd {
	cmd := s.update(msg)
	return tea.Batch(cmd, s.show())
}

func (s *Screen) update(msg tea.Msg) tea.Cmd {
	switch msg := msg.(type) {
	case screen.Reply:
		return s.reply(msg)
	case screen.DataChanged:
		if s.items == nil && s.err == nil && !s.requests.Live(forLook) {
			return s.look()
		}
		return nil
	case screen.Fates:
		if msg.WorkerID == s.workerID {
			s.tookFates(msg.Fates)
		}
		return nil
	case screen.Tick:
		s.now = s.env.Now()
		s.letters.Invalidate() // ages
		s.groups.Invalidate()
		s.redraw()
		return nil
	case screen.ThemeChanged:
		s.letters.Invalidate()
		s.groups.Invalidate()
		s.text.Restyle()
		s.expr.Restyle()
		s.redraw()
		if s.editing != nil {
			s.editing.editor.Restyle()
		}
		return nil
	case screen.Resized:
		s.width, s.height = msg.Width, msg.Height
		return nil
	case tea.PasteMsg:
		return s.pasted(msg)
	case tea.KeyPressMsg:
		return s.key(msg)
	}
	return tea.Batch(s.text.Update(msg), s.expr.Update(msg))
}

func (s *Screen) pasted(msg tea.PasteMsg) tea.Cmd {
	switch {
	case s.editing != nil:
		return s.edited(s.editing.editor.Insert(msg.Content))
	case s.text.Typing():
		cmd := s.text.Update(msg)
		return tea.Batch(cmd, s.refilter())
	case s.expr.Typing():
		cmd := s.expr.Update(msg)
		return tea.Batch(cmd, s.exprChanged())
	}
	return nil
}

func (s *Screen) key(msg tea.KeyPressMsg) tea.Cmd {
	name := msg.String()
	switch {
	case s.editing != nil:
		return s.edited(s.editing.editor.Key(msg))
	case s.text.Typing():
		cmd := s.text.Update(msg)
		return tea.Batch(cmd, s.refilter())
	case s.expr.Typing():
		return s.exprKey(msg)
	case s.level == inGroups:
		s.groups.Key(name)
	case name == "J":
		s.scroll(1)
	case name == "K":
		s.scroll(-1)
	case s.inPane:
		s.paneKey(name)
	default:
		s.letters.Key(name)
		s.extend()
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
		return tea.Batch(next, s.tookLook(reply))
	case forCauses:
		return s.tookCauses(reply)
	case forFilter:
		s.tookFilter(reply)
	case forBody:
		s.loaded, _ = reply.Payload.(*letter.Letter)
		s.loadErr = reply.Err
		s.redraw()
	case forRest:
		return s.rested()
	case forAttempt:
		s.tookAttempt(reply)
	case forBefore:
		s.tookBefore(reply)
	case forEditor:
		return s.tookEditor(reply)
	case forCheck:
		s.tookCheck(reply)
	}
	return next
}

func (s *Screen) task(what string) string { return fmt.Sprintf("%s-%d", what, s.env.ID) }

// arrange lists what passes the filter, in groups or one by one.
func (s *Screen) arrange() {
	passing := s.passing()
	s.markedIn = nil
	if s.level == inGroups {
		s.groups.SetRows(s.groupsOf(passing))
		return
	}
	list := passing
	if s.group != "" {
		pending := s.causesPending()
		list = make([]*item, 0, len(passing))
		for _, it := range passing {
			name := it.groupName(pending)
			if name == s.group || name == groupPending && s.group == why.Unknown { // it is looked for once more
				list = append(list, it)
			}
		}
		if at, ok := s.letters.Selected(); ok && len(list) == 0 && s.group == groupPending && s.byID[at.id] != nil {
			// It is known now why they died: whoever reads one of them goes on in its group.
			s.letters.Hold()
			s.group = s.byID[at.id].groupName(pending)
			s.arrange()
			return
		}
		if len(list) == 0 && s.filtered == "" {
			// None of them is there any more.
			s.level, s.group, s.inPane = inGroups, "", false
			s.groups.SetRows(s.groupsOf(passing))
			return
		}
	}
	if s.ranged.anchor != "" {
		s.ranged.index = nil // the rows are others, or in another order
	}
	s.letters.SetRows(list)
	s.extend()
}

// setFlat lists all messages in one list, or in groups.
func (s *Screen) setFlat(flat bool) {
	s.flat, s.group, s.inPane = flat, "", false
	s.level = inGroups
	if flat {
		s.level = inLetters
	}
	s.cancelRange()
	s.arrange()
}

// openGroup lists the messages of the group under the cursor.
func (s *Screen) openGroup() {
	g, ok := s.groups.Selected()
	if !ok {
		return
	}
	s.groups.Hold()
	s.level, s.group, s.inPane = inLetters, g.name, false
	s.arrange()
}

// tookFates takes what became of messages on another screen.
func (s *Screen) tookFates(fates []screen.Fate) {
	for _, f := range fates {
		it := s.byID[f.MessageID]
		gone := f.Status == redrive.StatusReplayed || f.Status == redrive.StatusDeleted || f.Status == redrive.StatusCameBack
		if gone {
			s.edits.drop(f.MessageID)
			delete(s.marks, f.MessageID)
		}
		if it == nil {
			continue
		}
		it.fate = &fate{status: f.Status, fault: cell.Clean(f.Error), newID: f.NewMessageID, newJobID: f.NewJobID, gone: gone}
	}
	s.redraw()
	s.arrange()
}

// checkerFor makes the checker of a worker, once as long as it stays what it is.
func (s *Screen) checkerFor(w aws.Worker) *check.Checker {
	is := w.ID + string(w.InputSchema)
	if w.Function != nil {
		is += w.Function.Runtime + w.Function.State
	}
	if s.checker == nil || s.checked != is {
		s.checker, s.checked = check.New(w, check.Options{}), is
	}
	return s.checker
}

// problemsOf is what a check says of a message as it would be sent now.
func (s *Screen) problemsOf(it *item) []check.Problem {
	if p, ok := s.problems[it.id]; ok {
		return p
	}
	return it.problems
}

// queueName is the dead-letter queue's, when it is known.
func (s *Screen) queueName() string {
	if w, ok := s.env.Worker(s.workerID); ok && w.DLQ != nil {
		return cell.Clean(w.DLQ.Name)
	}
	return "the dead-letter queue of " + strings.TrimSpace(cell.Clean(s.workerID))
}
