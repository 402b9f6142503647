package screen

import (
	"time"

	tea "charm.land/bubbletea/v2"

	"github.com/microfox-ai/aiwctl/aws"
	"github.com/microfox-ai/aiwctl/aws/health"
	"github.com/microfox-ai/aiwctl/tui/theme"
)

// Env is what the root gives to a screen's constructor, beside the message that
// asked for the screen and the data sources it declares interfaces for:
//
//	func New(env screen.Env, source Source, ask screen.OpenLogs) screen.Screen
//
// The pointers are shared by all screens and changed in place by the root, on
// Bubble Tea's goroutine: read them while updating or rendering, never from a
// command.
type Env struct {
	// ID is this screen's own: the owner of its replies.
	ID ID
	// Theme may change while the console runs, when the terminal says what its
	// background is; ThemeChanged tells of it.
	Theme *theme.Theme
	// Stage is where we are. Account is filled in once AWS has told it.
	Stage *StageInfo
	// Data is the stage's workers as last read; never nil. DataChanged tells of
	// a new reading.
	Data *Snapshot
	// Work is the console's lifetime; screens use it through Requests.
	Work *Work
	// Now is the clock.
	Now func() time.Time
	// Getenv reads the environment: EDITOR and the like.
	Getenv func(string) string
	// Keys is what a person has bound to actions; nil means nothing.
	Keys *Keymap
	// Exec hands the terminal to something else for a while; nil means tea.Exec.
	Exec func(tea.ExecCommand, tea.ExecCallback) tea.Cmd
}

// Requests returns the request controller of the screen. Call it once, keep it,
// and close it in the screen's Close.
func (e Env) Requests() *Requests {
	r := NewRequests(e.Work, e.ID)
	r.exec = e.Exec
	return r
}

// Key is the first key of an action, for texts that name it: standard, unless a
// person has bound another one. One that is bound to no key has its name in the
// palette.
func (e Env) Key(kind Kind, id, standard string) string {
	keys := e.Keys.Keys(kind, id, []string{standard})
	if len(keys) == 0 {
		return ":" + id
	}
	return keys[0]
}

// Worker finds a worker in the last reading. The value is a copy that commands
// may use.
func (e Env) Worker(id string) (aws.Worker, bool) {
	if e.Data == nil || e.Data.Inventory == nil {
		return aws.Worker{}, false
	}
	w, ok := e.Data.Inventory.Worker(id)
	if !ok {
		return aws.Worker{}, false
	}
	return *w, true
}

// StageInfo says which stage this is.
type StageInfo struct {
	Name    string
	Region  string
	Profile string
	// Endpoint is host:port when every AWS endpoint is replaced; else empty.
	Endpoint string
	// Account is empty until AWS has told it.
	Account  string
	ReadOnly bool
	// Locked is set while every write is refused because nobody has asked for writes
	// yet; the root asks at the first action that writes. It is not set with ReadOnly.
	Locked   bool
	Loopback bool
	// Protected says whether writes want the stage's name: Confirm.Write gets it.
	Protected aws.Protected
}

// Called is what people call the stage: its name in the config file, else its own.
func (s *StageInfo) Called() string {
	if s.Protected.Name != "" {
		return s.Protected.Name
	}
	return s.Name
}

// Snapshot is the stage's workers as last read, with how the reading goes.
type Snapshot struct {
	// Inventory is nil until the first discovery has succeeded. It is never
	// changed in place: a new reading brings a new one.
	Inventory *aws.Inventory
	// At is when the newest depths were read; zero before.
	At time.Time
	// Err is why the last reading failed or was partial; nil when it was whole.
	// What was read before is still there.
	Err error
	// FailingSince is when Err began.
	FailingSince time.Time
	// NextAt is when the next reading is due.
	NextAt time.Time
	// Paused is set while a person has stopped the refresh.
	Paused bool
	// CallsPerMinute is how many AWS API calls were made in the last minute.
	CallsPerMinute uint64
	// MaxCalls is the limit of calls a minute; zero means none. DollarsPerDay is about
	// what looking costs; zero where nothing does.
	MaxCalls      int
	DollarsPerDay float64
	// Health says how each worker is, by id. MetricsErr is why CloudWatch did not tell
	// all of it; nil when it did or was not asked.
	Health     map[string]*health.Verdict
	MetricsErr error
	// Shown are the ids of the workers on the screen, which are read first; the
	// screen that shows them keeps it up to date.
	Shown []string
	// Trends holds the history of workers by id.
	Trends map[string]*Trend
}

// Stale reports whether the data on the screen is older than it should be.
func (s *Snapshot) Stale() bool { return s.Err != nil && s.Inventory != nil }

// Counts are the numbers of one worker at one time.
type Counts struct{ Visible, InFlight, Delayed, Dead int }

// Backlog is every message in the worker's queue.
func (c Counts) Backlog() int { return c.Visible + c.InFlight + c.Delayed }

// CountsOf reads a worker's numbers. Dead letters that somebody is looking at
// are in flight in their queue, and still dead.
func CountsOf(w *aws.Worker) Counts {
	var c Counts
	if w.Queue != nil {
		c.Visible, c.InFlight, c.Delayed = w.Queue.Depth.Visible, w.Queue.Depth.InFlight, w.Queue.Depth.Delayed
	}
	if w.DLQ != nil {
		c.Dead = w.DLQ.Depth.Total()
	}
	return c
}

// Trend is one worker's recent past in this console.
type Trend struct {
	// Samples are the newest readings, oldest first.
	Samples []Counts
	// ReadAt is when the newest was read.
	ReadAt time.Time
	// Minutes are how many messages waited or were in flight in each of the last minutes
	// of the clock, oldest first, the present one last: the most of each, and before this
	// console began what CloudWatch knows. Negative: not known.
	Minutes []int
}

// Before is the reading before the newest; ok is false when there is none.
func (t *Trend) Before() (c Counts, ok bool) {
	if t == nil || len(t.Samples) < 2 {
		return Counts{}, false
	}
	return t.Samples[len(t.Samples)-2], true
}

// Earlier is the reading some readings before the newest, or the oldest there is; ok is
// false when there is none before the newest.
func (t *Trend) Earlier(readings int) (c Counts, ok bool) {
	if t == nil || len(t.Samples) < 2 {
		return Counts{}, false
	}
	return t.Samples[max(0, len(t.Samples)-1-readings)], true
}

// Send is the command that sends one message: the way to use the navigation
// messages of this package.
func Send(msg tea.Msg) tea.Cmd { return func() tea.Msg { return msg } }
