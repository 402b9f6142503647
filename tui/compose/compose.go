// Package compose is the dispatch screen: a form made from the worker's schema and the
// JSON text beside it, which is the only thing that is sent. It says while one types
// what does not fit, where the job would go and how long its message is, and what
// became of the job that was sent.
package compose

import (
	"context"
	"fmt"
	"strings"
	"time"

	tea "charm.land/bubbletea/v2"

	"github.com/microfox-ai/aiwctl/aws"
	"github.com/microfox-ai/aiwctl/dispatch"
	"github.com/microfox-ai/aiwctl/tui/cell"
	"github.com/microfox-ai/aiwctl/tui/compose/editor"
	"github.com/microfox-ai/aiwctl/tui/compose/form"
	"github.com/microfox-ai/aiwctl/tui/compose/options"
	"github.com/microfox-ai/aiwctl/tui/compose/recent"
	"github.com/microfox-ai/aiwctl/tui/prompt"
	"github.com/microfox-ai/aiwctl/tui/screen"
	"github.com/microfox-ai/aiwctl/tui/theme"
)

// Source plans and sends jobs; *aws.Stage is one.
type Source interface {
	Dispatch(ctx context.Context, r aws.DispatchRequest) (aws.DispatchResult, error)
	PlanDispatch(ctx context.Context, r aws.DispatchRequest) (aws.DispatchResult, error)
}

// textLimit is how many bytes the editor takes: the input alone may not be
// longer than the whole message.
const textLimit = dispatch.MaxMessageBytes

// The purposes of requests.
const (
	forSend     = "send"
	forCheck    = "check"
	forPause    = "pause"
	forPlan     = "plan"
	forDryRun   = "dry-run"
	forEditor   = "editor"
	forValue    = "value"
	forList     = "list"
	forTemplate = "template"
)

// side is one of the two ways of editing the input.
type side int

const (
	sideForm side = iota
	sideText
)

// Screen is the dispatch screen of one worker.
type Screen struct {
	env      screen.Env
	source   Source
	kept     Recall
	drafts   *Drafts
	workerID string
	requests *screen.Requests

	editor *editor.Editor // has the text
	pane   *form.Pane
	side   side // which has the keys, or gets them back
	opts   options.Options
	begun  bool   // the editor was filled
	filled string // what it was filled with: that is no draft
	note   string // one word to the person, until the next edit

	schema     *dispatch.Schema // nil: no schema is known
	schemaErr  error            // the worker's schema cannot be used
	schemaRead bool
	worker     aws.Worker // as the schema was read from it
	known      bool       // the stage has the worker now

	checked    int // the version of the text that the violations belong to
	violations []dispatch.Violation
	size       int // of the whole message in bytes; zero when it cannot be told
	tried      int // the version of the text that was refused when it was to be sent

	plan    *aws.DispatchResult // where it would go; nil until it is known
	planErr error               // why it could not be sent, whatever the input

	list    *recent.List   // what was sent before; nil when it is not on the screen
	listErr error          // of what is kept on this machine
	naming  *prompt.Prompt // for a template's name; nil when none is asked for
	saving  string         // the input that gets the name

	result  *aws.DispatchResult // of the last job that was sent
	sentAs  int                 // the version of the text that was sent
	sending int                 // the version of the text that is being sent
	err     error               // of the last dispatch
	unsent  bool                // err kept it from being sent

	width int // as View will be called with
}

// New returns the dispatch screen of a worker. Drafts keeps what was typed when
// the screen is left; kept has what was sent before, and may be nil.
func New(env screen.Env, source Source, kept Recall, drafts *Drafts, ask screen.OpenDispatch) *Screen {
	s := &Screen{
		env: env, source: source, kept: kept, drafts: drafts, workerID: ask.WorkerID,
		requests: env.Requests(), editor: editor.New(env.Theme, textLimit), pane: form.New(env.Theme, textLimit),
		checked: -1, tried: -1,
	}
	draft, known := drafts.get(s.workerID)
	if known && ask.Input == "" {
		s.opts = draft.opts
	}
	s.prefill(ask)
	s.readWorker()
	switch {
	case ask.Input != "" && known && draft.text != ask.Input:
		s.fill(draft.text)
		s.editor.Replace(pretty(ask.Input))
		s.filled = s.editor.Text()
		s.note = "ctrl+z brings back what you typed for this worker before"
		s.check()
	case ask.Input != "":
		s.fill(pretty(ask.Input))
	case known:
		s.fill(draft.text)
	case s.known:
		s.fill(s.start())
		s.pane.Propose()
	}
	return s
}

// readWorker takes over what the stage now says of the worker: it may become
// known only after the screen was opened, and be deployed again while somebody
// types.
func (s *Screen) readWorker() {
	w, ok := s.env.Worker(s.workerID)
	s.known = ok
	if !ok {
		return
	}
	same := string(w.InputSchema) == string(s.worker.InputSchema) && w.TolerantSchema == s.worker.TolerantSchema
	s.worker = w
	if !s.schemaRead || !same {
		s.schemaRead = true
		s.schema, s.schemaErr = w.Schema()
		s.checked = -1
	}
	s.pane.Extras(s.opts.Rows(s.worker))
}

// start is what the editor begins with.
func (s *Screen) start() string {
	if s.schema == nil {
		return "{}"
	}
	return string(s.schema.Skeleton())
}

// fill begins with a text. Typing begins in the form, where there is one.
func (s *Screen) fill(text string) {
	s.begun, s.filled = true, text
	s.editor.SetText(text)
	s.check()
	s.editor.Goto(s.firstValue())
	s.pane.Begin()
	s.focus(s.firstSide())
}

// firstSide is the form, unless there is nothing to be said in it.
func (s *Screen) firstSide() side {
	if s.schema == nil || s.editor.Size() <= checkNow && !s.pane.Usable() {
		return sideText
	}
	return sideForm
}

// focus gives the keys to a side.
func (s *Screen) focus(to side) {
	s.side = to
	if s.editor.Pause(); to == sideForm {
		s.editor.Blur()
		s.pane.Focus()
		s.followPane()
		return
	}
	s.pane.Blur()
	s.editor.Focus()
}

// blur takes the keys from both: the text is only read then.
func (s *Screen) blur() {
	s.editor.Blur()
	s.pane.Blur()
}

// firstValue is where typing most likely begins: the first value in the text.
func (s *Screen) firstValue() (line, column int) {
	text := s.editor.Text()
	lines := strings.SplitN(text, "\n", 21)
	for i, text := range lines[:min(len(lines), 20)] {
		text = cell.Clean(text)
		for _, empty := range []string{`: ""`, `: 0`, `: {}`, `: []`, `: null`, `: false`} {
			if at := strings.LastIndex(text, empty); at > 0 {
				column = at + 3
				if empty[2] != '0' && empty[2] != 'n' && empty[2] != 'f' {
					column++ // between the quotes, or the brackets
				}
				return i + 1, column
			}
		}
	}
	return 1, 1
}

// Kind implements screen.Screen.
func (s *Screen) Kind() screen.Kind { return screen.KindDispatch }

// Title implements screen.Screen.
func (s *Screen) Title() string { return "Dispatch to " + cell.Clean(s.workerID) }

// Status implements screen.Statuser.
func (s *Screen) Status() string {
	if !s.begun {
		return ""
	}
	line, column := s.editor.Position()
	status := fmt.Sprintf("%d:%d %s %s", line, column, theme.GlyphDot, cell.Plural(s.editor.Size(), "byte"))
	if problems, _ := s.counts(); problems > 0 && s.current() {
		status += " " + theme.GlyphDot + " " + cell.Plural(problems, "problem")
	}
	return status
}

// Busy implements screen.Busier.
func (s *Screen) Busy() string {
	if s.requests.Live(forSend) {
		return "the dispatch to " + cell.Clean(s.workerID)
	}
	if s.requests.Live(forEditor) || s.requests.Live(forValue) {
		return "what your editor has open" // it comes back with the next messages
	}
	return ""
}

// Init implements screen.Screen.
func (s *Screen) Init() tea.Cmd { return tea.Batch(s.changed(), s.replan()) }

// Close implements screen.Screen.
func (s *Screen) Close() {
	s.keep()
	s.requests.Close()
}

// keep stores what was typed.
func (s *Screen) keep() {
	if text := s.editor.Text(); s.begun && (text != s.filled || s.opts.Any()) {
		s.drafts.put(s.workerID, draft{text, s.opts})
	}
}

// Typing implements screen.Screen.
func (s *Screen) Typing() bool {
	switch {
	case s.naming != nil:
		return true
	case s.list != nil:
		return false
	}
	return s.editor.Focused() || s.pane.Focused()
}

// Update implements screen.Screen.
func (s *Screen) Update(msg tea.Msg) tea.Cmd {
	switch msg := msg.(type) {
	case screen.Reply:
		return s.reply(msg)
	case screen.DataChanged:
		s.readWorker()
		if !s.begun && s.known {
			s.fill(s.start())
			s.pane.Propose()
		}
		return tea.Batch(s.changed(), s.replan())
	case screen.Resized:
		s.width = msg.Width
	case screen.ThemeChanged:
		s.editor.Restyle()
		s.pane.Restyle()
		if s.naming != nil {
			s.naming.Restyle()
		}
	case tea.PasteMsg:
		return s.paste(msg)
	case tea.KeyPressMsg:
		return s.key(msg)
	default:
		if s.naming != nil {
			return s.naming.Update(msg)
		}
	}
	return nil
}

func (s *Screen) key(msg tea.KeyPressMsg) tea.Cmd {
	switch {
	case s.naming != nil:
		return s.naming.Update(msg)
	case s.list != nil:
		s.list.Move(msg.String())
	case !s.begun:
	case s.editor.Focused():
		cmd := s.edited(s.editor.Key(msg))
		s.pane.Follow(s.editor.Offset())
		return cmd
	case s.pane.Focused():
		switch msg.String() {
		case "ctrl+z":
			s.editor.Undo()
			return s.changed()
		case "ctrl+y", "ctrl+shift+z":
			s.editor.Redo()
			return s.changed()
		}
		return s.formed(s.pane.Key(msg))
	case s.side == sideForm:
		s.pane.Move(readingKey(msg.String()))
		s.followPane()
	default:
		s.editor.Move(readingKey(msg.String()))
		s.pane.Follow(s.editor.Offset())
	}
	return nil
}

func (s *Screen) paste(msg tea.PasteMsg) tea.Cmd {
	switch {
	case s.naming != nil:
		return s.naming.Update(msg)
	case s.list != nil || !s.begun:
		return nil
	case s.pane.Focused():
		return s.formed(s.pane.Paste(msg.Content))
	}
	s.focus(sideText)
	return s.edited(s.editor.Insert(msg.Content))
}

// readingKey makes a key that moves within the editor of one that moves within
// lists: without the focus, the text is only read.
func readingKey(name string) string {
	switch name {
	case "j":
		return "down"
	case "k":
		return "up"
	case "g":
		return "ctrl+home"
	case "G":
		return "ctrl+end"
	case "up", "down", "home", "end", "pgup", "pgdown":
		return name
	}
	return ""
}

func (s *Screen) reply(reply screen.Reply) tea.Cmd {
	next, live := s.requests.Take(reply)
	if !live {
		return nil
	}
	switch reply.Purpose {
	case forPause:
		return s.checkBeside()
	case forCheck:
		s.found(reply)
	case forPlan:
		s.planned(reply)
	case forDryRun:
		return s.dryRan(reply)
	case forSend:
		return s.sent(reply)
	case forEditor, forValue:
		return s.edit(reply)
	case forList:
		s.listed(reply)
	case forTemplate:
		return s.saved(reply)
	}
	return next
}

// since is how long ago a time was, never negative: clocks differ.
func (s *Screen) since(at time.Time) time.Duration { return max(0, s.env.Now().Sub(at)) }
