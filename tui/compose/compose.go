// Package compose is the dispatch screen: a JSON editor that starts from the
// worker's schema and says while one types what does not fit it, and what became
// of the job that was sent.
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
	"github.com/microfox-ai/aiwctl/tui/screen"
	"github.com/microfox-ai/aiwctl/tui/theme"
)

// Source sends jobs; *aws.Stage is one.
type Source interface {
	Dispatch(ctx context.Context, r aws.DispatchRequest) (aws.DispatchResult, error)
}

// textLimit is how many bytes the editor takes: the input alone may not be
// longer than the whole message.
const textLimit = dispatch.MaxMessageBytes

// The purposes of requests.
const (
	forSend  = "send"
	forCheck = "check"
	forPause = "pause"
)

// Screen is the dispatch screen of one worker.
type Screen struct {
	env      screen.Env
	source   Source
	drafts   *Drafts
	workerID string
	requests *screen.Requests

	editor *editor.Editor
	begun  bool   // the editor was filled
	filled string // what it was filled with: that is no draft
	note   string // one word to the person, until the next edit

	schema     *dispatch.Schema // nil: no schema is known
	schemaErr  error            // the worker's schema cannot be used
	schemaRead bool
	worker     aws.Worker // as the schema was read from it
	known      bool       // the stage has the worker now
	outline    []outlineLine

	checked    int // the version of the text that the violations belong to
	violations []dispatch.Violation
	tried      int // the version of the text that was refused when it was to be sent

	result  *aws.DispatchResult // of the last job that was sent
	sentAs  int                 // the version of the text that was sent
	sending int                 // the version of the text that is being sent
	err     error               // of the last dispatch
	unsent  bool                // err kept it from being sent
}

// New returns the dispatch screen of a worker. Drafts keeps what was typed when
// the screen is left.
func New(env screen.Env, source Source, drafts *Drafts, ask screen.OpenDispatch) *Screen {
	s := &Screen{
		env: env, source: source, drafts: drafts, workerID: ask.WorkerID,
		requests: env.Requests(), editor: editor.New(env.Theme, textLimit), checked: -1, tried: -1,
	}
	s.editor.Focus()
	draft, kept := drafts.get(s.workerID)
	switch {
	case ask.Input != "" && kept && draft != ask.Input:
		s.fill(draft)
		s.editor.Replace(pretty(ask.Input))
		s.filled = s.editor.Text()
		s.note = "ctrl+z brings back what you typed for this worker before"
	case ask.Input != "":
		s.fill(pretty(ask.Input))
	case kept:
		s.fill(draft)
	}
	s.readWorker()
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
		s.outline = outline(w.InputSchema)
		s.checked = -1
	}
	if !s.begun {
		s.fill(s.start())
	}
	s.check()
}

// start is what the editor begins with.
func (s *Screen) start() string {
	if s.schema == nil {
		return "{}"
	}
	return string(s.schema.Skeleton())
}

func (s *Screen) fill(text string) {
	s.begun, s.filled = true, text
	s.editor.SetText(text)
	s.editor.Goto(s.firstValue())
	s.check()
}

// firstValue is where typing most likely begins: the first value in the text.
func (s *Screen) firstValue() (line, column int) {
	lines := cell.CleanLines(s.editor.Text())
	for i, text := range lines[:min(len(lines), 20)] {
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
	return fmt.Sprintf("%d:%d %s %s", line, column, theme.GlyphDot, cell.Plural(s.editor.Size(), "byte"))
}

// Busy implements screen.Busier.
func (s *Screen) Busy() string {
	if s.requests.Live(forSend) {
		return "the dispatch to " + cell.Clean(s.workerID)
	}
	return ""
}

// Init implements screen.Screen.
func (s *Screen) Init() tea.Cmd { return s.changed() }

// Close implements screen.Screen.
func (s *Screen) Close() {
	s.keep()
	s.requests.Close()
}

// keep stores what was typed.
func (s *Screen) keep() {
	if text := s.editor.Text(); s.begun && text != s.filled {
		s.drafts.put(s.workerID, text)
	}
}

// Typing implements screen.Screen.
func (s *Screen) Typing() bool { return s.editor.Focused() }

// Update implements screen.Screen.
func (s *Screen) Update(msg tea.Msg) tea.Cmd {
	switch msg := msg.(type) {
	case screen.Reply:
		return s.reply(msg)
	case screen.DataChanged:
		s.readWorker()
		return s.changed()
	case screen.ThemeChanged:
		s.editor.Restyle()
	case tea.PasteMsg:
		if s.begun {
			s.editor.Focus()
			return s.edited(s.editor.Insert(msg.Content))
		}
	case tea.KeyPressMsg:
		switch {
		case !s.begun:
		case s.editor.Focused():
			return s.edited(s.editor.Key(msg))
		default:
			s.editor.Move(readingKey(msg.String()))
		}
	}
	return nil
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

// edited follows an edit.
func (s *Screen) edited(err error) tea.Cmd {
	if err != nil {
		s.note = fmt.Sprintf("not inserted: SQS takes %s bytes, the text has %s", commas(textLimit), commas(s.editor.Size()))
		return nil
	}
	if s.editor.Version() != s.checked {
		s.note = ""
	}
	return s.changed()
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
	case forSend:
		return s.sent(reply)
	}
	return next
}

// since is how long ago a time was, never negative: clocks differ.
func (s *Screen) since(at time.Time) time.Duration { return max(0, s.env.Now().Sub(at)) }
