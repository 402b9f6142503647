// Package screen is the door between the console's root model and its screens:
// what a screen is, what its constructor gets (Env), the actions that keys, help
// and footer are made of, how work outside Bubble Tea's goroutine comes back
// (Requests, Reply), and the messages by which screens ask for one another
// without importing each other.
//
// # Which messages reach a screen
//
//   - Reply: its own only, always, also while it is hidden or a dialog is open.
//   - DataChanged, ThemeChanged, Resized, Tick, Task and every message the root does
//     not know (a blinking cursor's, say): always.
//   - Key presses and pastes: only while it is the visible screen and no dialog
//     is open. A key goes to the dialog, else to the focused input (Typing), else
//     to the screen's Actions, else to the root's own keys (q, esc, ?, !), else to
//     Update. So an input may use every key but ctrl+c, and a screen takes esc for
//     itself by listing it among its Actions.
//   - Everything else is the root's.
//
// # Text from outside
//
// Names, bodies, log lines and error texts may hold escape sequences. They pass
// logs.Sanitize before they are measured or styled, and package cell cuts them by
// width.
package screen

import (
	"context"
	"time"

	tea "charm.land/bubbletea/v2"

	"github.com/microfox-ai/aiwctl/aws"
)

// Screen is one screen of the console. All methods run on Bubble Tea's one
// goroutine; none may do I/O.
type Screen interface {
	// Kind says what kind of screen this is.
	Kind() Kind
	// Title is the screen's breadcrumb.
	Title() string
	// Init is called once, when the screen is opened.
	Init() tea.Cmd
	// Update handles a message. Replies and timers reach a screen whether or
	// not it is visible; key presses only when it is, and only those that no
	// action took (or every one while Typing).
	Update(msg tea.Msg) tea.Cmd
	// View renders the screen into exactly width by height cells. Resized told
	// Update of the same size before.
	View(width, height int) string
	// Actions lists what can be done now.
	Actions() []Action
	// Typing is true while an input has the focus: keys then go to Update
	// before any action, except those of actions marked WhileTyping.
	Typing() bool
	// Close cancels whatever the screen has under way.
	Close()
}

// Statuser is a screen that has a word to say at the right end of the title
// line: how the list is sorted, whether a tail follows. Plain text.
type Statuser interface{ Status() string }

// Busier is a screen that must not be left by accident. Busy names what would be
// interrupted ("a replay of 12 messages"), or is empty; the root then asks before
// it closes the screen or quits.
type Busier interface{ Busy() string }

// Progresser is a screen with work whose end can be seen: the root shows how far it
// is in the terminal's tab. Total is zero while nothing is under way.
type Progresser interface{ Progress() (done, total int) }

// Keeper is a screen that can be opened again as it is: on another stage, say. What
// Keep returns is handed to Restore of a new screen that the same message opened,
// before its Init; it must not hold anything of the stage.
type Keeper interface {
	Keep() any
	Restore(kept any)
}

// Action is something a person can do, as data: the key table, the help, the
// footer, the palette and read-only mode are all made from it.
type Action struct {
	// ID names the action within its kind of screen, in lower case with hyphens:
	// "replay-all". By it the configuration file binds other keys to it, so it stays.
	// Empty: the keys cannot be changed and the palette does not have it.
	ID string
	// Keys are Bubble Tea key names: "d", "ctrl+s", "enter", "space".
	Keys []string
	// Label is a word or two for the footer; Help a sentence for the help.
	Label, Help string
	// Writes marks an action that changes something in AWS: it is refused with a
	// reason on a read-only stage.
	Writes bool
	// WhileTyping keeps the action alive while an input has the focus.
	WhileTyping bool
	// Hidden keeps it out of the footer, not out of the help.
	Hidden bool
	// Refused, when not empty, is why the action cannot be done now: its key
	// shows the reason in the task line, and the footer leaves it out.
	Refused string
	// Command is the command line that does the same, for help, palette and whoever
	// wants it in a script: Command("dlq", "replay", id). Nil when there is none.
	Command func() string
	// Run does it. Nil only describes keys that Update handles, for the help.
	Run func() tea.Cmd
}

// Back leaves the visible screen. Owner, when set, is the screen that asks: it
// is closed only while it is the visible one.
type Back struct{ Owner ID }

// Task tells the footer's task line of something started or ended. A task that
// was not started may end: its text is shown all the same.
type Task struct {
	// ID pairs a start with its end.
	ID string
	// Text says what, with the thing's name: "replay 3 messages of orders-dlq".
	Text string
	Done bool
	Err  error
}

// Confirm asks a person before something that cannot be taken back. Yes is run when
// they agree.
type Confirm struct {
	Title string
	// Lines say what will happen: stage, object, count.
	Lines []string
	// Verb is the agreeing button: "Replay 3". The default is always Cancel.
	Verb string
	// Command is the command line that does the same; may be empty.
	Command string
	Yes     func() tea.Cmd
	// Write is set instead of Yes by what writes to the stage. On a protected stage
	// the person types its name, which Write is handed for Confirmed; on others
	// Write is handed nothing.
	Write func(stage string) tea.Cmd
	// Protected, when not nil, counts instead of StageInfo.Protected: of a write to
	// queues that may be another stage's.
	Protected *aws.Protected
}

// Confirmed is the context of a write that a person has agreed to. Stage is what
// Confirm.Write was handed.
func Confirmed(ctx context.Context, stage string) context.Context {
	if stage == "" {
		return ctx
	}
	return aws.Confirm(ctx, stage)
}

// Copy asks for text to be put on the clipboard; What names it for the task line.
type Copy struct{ What, Text string }

// Refresh asks for the stage to be read again now; Discover also looks for
// workers that came or went.
type Refresh struct{ Discover bool }

// PauseRefresh stops the periodic refresh, or starts it again.
type PauseRefresh struct{}

// DataChanged says that Env.Data holds a new reading, or a new state of it.
type DataChanged struct{}

// ThemeChanged says that Env.Theme changed in place: drop what was rendered.
type ThemeChanged struct{}

// Resized is the size that View will be called with.
type Resized struct{ Width, Height int }

// Tick comes about once a second, for ages and elapsed times.
type Tick struct{ Now time.Time }
