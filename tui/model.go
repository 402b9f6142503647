package tui

import (
	"net/url"
	"strconv"
	"strings"
	"time"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/colorprofile"

	"github.com/microfox-ai/aiwctl/tui/cell"
	"github.com/microfox-ai/aiwctl/tui/chrome"
	"github.com/microfox-ai/aiwctl/tui/dialog"
	"github.com/microfox-ai/aiwctl/tui/live"
	"github.com/microfox-ai/aiwctl/tui/palette"
	"github.com/microfox-ai/aiwctl/tui/screen"
	"github.com/microfox-ai/aiwctl/tui/theme"
)

// Model is the root: it routes messages and draws what stands around a screen.
type Model struct {
	cfg      Config // its Backend is the stage that is shown
	work     *screen.Work
	env      screen.Env // what every screen gets, but for the ID
	openers  openers
	source   *live.Source
	sourceID screen.ID
	// requests are the root's own, whatever the stage: its tick, connecting.
	requests *screen.Requests

	// visit counts the stages that were shown. switching is how going over to
	// another one goes.
	visit     int
	switching screen.Switching
	// typed is what was typed and not sent, by the stage it is for.
	typed map[stageKey]*stageText

	stack   []opened // the visible one is the last
	dialogs []dialog.Dialog
	tasks   chrome.Tasks
	// lastCopy is what was copied last, as long as nothing else was.
	lastCopy copied
	lastID   screen.ID
	// commands is what was chosen in the palette.
	commands palette.History

	width, height int
	mono, ascii   bool
	ground        ground
	blurred       bool
	// reportsStatus is set when the terminal wants to know what the program does.
	// ending is set once the console was told to end.
	reportsStatus, ending bool
}

type opened struct {
	id     screen.ID
	screen screen.Screen
	// ask is the message that opened it; nil for the first one.
	ask tea.Msg
}

const rootID screen.ID = 1

// The purposes of the root's requests.
const (
	forTick    = "tick"
	forConnect = "connect"
	forCopy    = "copy"
	forSave    = "save"
)

func newModel(cfg Config, work *screen.Work) *Model {
	m := &Model{
		cfg: cfg, work: work,
		lastID: rootID,
		mono:   cfg.NoColor || cfg.Getenv("NO_COLOR") != "",
		ascii:  asciiOnly(cfg),
		ground: groundFrom(cfg.Getenv("COLORFGBG")),
		// A size to begin with: the terminal's own comes before the first frame.
		width: 80, height: 24,
	}
	m.env = screen.Env{
		ID:     rootID,
		Theme:  m.newTheme(),
		Work:   work,
		Now:    cfg.Now,
		Getenv: cfg.Getenv,
		Keys:   cfg.Keys,
	}
	m.requests = m.env.Requests()
	m.keyFaults(cfg.KeyFaults)
	m.arrive(cfg.Backend, begunOn(cfg.Stage))
	return m
}

func stageInfo(b Backend) *screen.StageInfo {
	t := b.Stage.Target()
	info := &screen.StageInfo{
		Name: t.Stage, Region: t.Region, Profile: t.Profile,
		ReadOnly: t.ReadOnly, Loopback: t.Loopback(), Protected: b.Stage.Protected(),
		Locked: b.Unlock != nil && !t.ReadOnly,
	}
	if t.EndpointURL != "" {
		info.Endpoint = t.EndpointURL
		if u, err := url.Parse(t.EndpointURL); err == nil && u.Host != "" {
			info.Endpoint = u.Host
		}
	}
	return info
}

// ground is the terminal's background.
type ground int

const (
	unknownGround ground = iota // it has not said, and may never
	darkGround
	lightGround
)

// groundFrom reads what some terminals say before they are asked: the colours' numbers,
// the background's last, of which 7 and 15 are light.
func groundFrom(colorfgbg string) ground {
	_, last, found := strings.Cut(colorfgbg, ";")
	if i := strings.LastIndexByte(last, ';'); i >= 0 {
		last = last[i+1:]
	}
	switch n, err := strconv.Atoi(last); {
	case !found || err != nil || n < 0 || n > 15:
		return unknownGround
	case n == 7 || n == 15:
		return lightGround
	}
	return darkGround
}

// asciiOnly is whether only ASCII characters are drawn: asked for, or for a terminal
// whose font is known to lack others.
func asciiOnly(cfg Config) bool {
	if v := cfg.Getenv("AIWCTL_ASCII"); v != "" && !cfg.ASCII {
		on, err := strconv.ParseBool(v)
		return on || err != nil
	}
	return cfg.ASCII || plainTerminal(cfg.Getenv)
}

func (m *Model) newTheme() *theme.Theme {
	switch {
	case m.mono:
		return theme.NewMono(m.ascii)
	case m.ground == unknownGround:
		return theme.NewUnknown(m.ascii)
	}
	return theme.New(m.ground == darkGround, m.ascii)
}

// Init implements tea.Model.
func (m *Model) Init() tea.Cmd {
	cmds := []tea.Cmd{m.source.Init(), m.push(nil, m.openers.workers, nil), m.tick()}
	if !plainTerminal(m.cfg.Getenv) {
		cmds = append(cmds, tea.RequestBackgroundColor, tea.RequestProgramStatusSupport)
	}
	return tea.Batch(cmds...)
}

// push puts a screen on top of the others. Restore, when not nil, is told of it before
// it begins.
func (m *Model) push(ask tea.Msg, open func(screen.Env) screen.Screen, restore func(screen.Screen)) tea.Cmd {
	m.lastID++
	env := m.env
	env.ID = m.lastID
	next := open(env)
	if next == nil {
		return nil
	}
	m.stack = append(m.stack, opened{id: env.ID, screen: next, ask: ask})
	if restore != nil {
		restore(next)
	}
	cmds := []tea.Cmd{next.Update(m.resized()), next.Init()}
	if next.Kind() == screen.KindStages {
		cmds = append(cmds, next.Update(m.switching))
	}
	return m.stamp(tea.Batch(cmds...))
}

// tick drives ages and elapsed times; nobody looks at them while the terminal
// has not the focus.
func (m *Model) tick() tea.Cmd {
	every := time.Second
	if m.blurred {
		every = 5 * time.Second
	}
	return m.requests.After(forTick, every)
}

// visible is the screen a person sees.
func (m *Model) visible() screen.Screen { return m.stack[len(m.stack)-1].screen }

// Update implements tea.Model.
func (m *Model) Update(msg tea.Msg) (tea.Model, tea.Cmd) {
	if old, ok := msg.(stamped); ok {
		if msg = m.unstamp(old); msg == nil {
			return m, nil
		}
	}
	switch msg := msg.(type) {
	case tea.KeyPressMsg:
		return m, m.key(msg)
	case tea.PasteMsg:
		return m, m.paste(msg)
	case tea.WindowSizeMsg:
		m.width, m.height = msg.Width, msg.Height
		return m, m.broadcast(m.resized())
	case screen.Reply:
		return m, m.reply(msg)
	case tea.BlurMsg, tea.FocusMsg:
		_, m.blurred = msg.(tea.BlurMsg)
		return m, m.toSource(msg)
	case screen.Refresh, screen.PauseRefresh:
		return m, m.toSource(msg)
	case tea.ProgramStatusSupportMsg:
		m.reportsStatus = true
		return m, nil
	case tea.BackgroundColorMsg:
		m.ground = lightGround
		if msg.IsDark() {
			m.ground = darkGround
		}
		return m, m.retheme()
	case tea.ColorProfileMsg:
		if !m.mono && msg.Profile <= colorprofile.ASCII {
			m.mono = true
			return m, m.retheme()
		}
		return m, nil
	case screen.Back:
		if msg.Owner == 0 || m.stack[len(m.stack)-1].id == msg.Owner {
			return m, m.close()
		}
		return m, nil
	case screen.Task:
		m.tasks.Apply(msg, m.env.Now())
		return m, m.broadcast(msg)
	case screen.Confirm:
		m.dialogs = append(m.dialogs, m.question(msg))
		return m, nil
	case screen.SwitchStage:
		return m, m.switchTo(msg.Choice)
	case unlock:
		return m, m.unlocked(msg)
	case screen.CancelSwitch:
		return m, m.giveUp()
	case screen.Copy:
		return m, m.copy(msg)
	}
	if cmd, ok := m.open(msg); ok {
		return m, cmd
	}
	return m, m.broadcast(msg)
}

// question is the dialog that asks: a write to a protected stage wants its name.
func (m *Model) question(ask screen.Confirm) dialog.Dialog {
	is := m.env.Stage.Protected
	if ask.Protected != nil {
		is = *ask.Protected
	}
	switch {
	case ask.Write == nil:
	case is.Needed:
		return dialog.NewNamed(ask, is.Name, is.Why, m.env.Now)
	default:
		ask.Yes = func() tea.Cmd { return ask.Write("") }
	}
	return dialog.NewConfirm(ask, m.env.Now)
}

// open pushes the screen a message asks for; ok is false for other messages.
func (m *Model) open(msg tea.Msg) (tea.Cmd, bool) {
	if _, again := msg.(screen.OpenStages); again && m.visible().Kind() == screen.KindStages {
		return nil, true
	}
	before := len(m.stack)
	cmd := m.push(msg, m.opener(msg), nil)
	return cmd, len(m.stack) > before
}

// opener makes the screen that a message asks for, or none.
func (m *Model) opener(msg tea.Msg) func(screen.Env) screen.Screen {
	return func(env screen.Env) screen.Screen {
		s, _ := m.openers.open(env, msg)
		return s
	}
}

// close leaves the visible screen; the first one stays.
func (m *Model) close() tea.Cmd {
	if len(m.stack) == 1 {
		return nil
	}
	kind := m.visible().Kind()
	m.visible().Close()
	m.stack = m.stack[:len(m.stack)-1]
	if kind == screen.KindStages {
		return m.giveUp() // nobody would see how it goes
	}
	return nil
}

// reply hands a reply to its owner, wherever that is, and drops it when the
// owner has been closed, or belongs to a stage that was left.
func (m *Model) reply(reply screen.Reply) tea.Cmd {
	switch reply.Owner {
	case m.sourceID:
		return m.toSource(reply)
	case rootID:
		return m.own(reply)
	}
	for _, o := range m.stack {
		if o.id == reply.Owner {
			return m.stamp(o.screen.Update(reply))
		}
	}
	return nil
}

// own takes the replies to the root's requests.
func (m *Model) own(reply screen.Reply) tea.Cmd {
	if _, live := m.requests.Take(reply); !live {
		return nil
	}
	switch reply.Purpose {
	case forTick:
		return tea.Batch(m.tick(), m.broadcast(screen.Tick{Now: m.env.Now()}))
	case forConnect:
		return m.connected(reply)
	case forUnfinished:
		return m.offerUnfinished(reply)
	case forCopy:
		return m.copyEnded(reply)
	case forSave:
		return m.saved(reply)
	}
	return nil
}

func (m *Model) toSource(msg tea.Msg) tea.Cmd {
	data := m.env.Data
	before, next, began := data.Err, data.NextAt, data.Inventory == nil
	cmd, changed := m.source.Update(msg)
	switch now := m.env.Now(); {
	case data.Err != nil && (before == nil || data.NextAt != next): // a reading has ended
		m.tasks.Last(readingStage, data.Err, now)
	case data.Err == nil && before != nil:
		m.tasks.Over(readingStage, now)
	}
	m.tasks.Rename(stageLabel(m.env.Stage))
	if account := m.env.Stage.Account; account != "" {
		m.cfg.accounts[m.cfg.current.Key()] = account
	}
	if began && data.Inventory != nil {
		// Only now it is certain what the stage is called, which journals go by.
		cmd = tea.Batch(cmd, m.findUnfinished())
	}
	if changed {
		return tea.Batch(cmd, m.broadcast(screen.DataChanged{}))
	}
	return cmd
}

// readingStage is what a failure to read the stage is called.
const readingStage = "read the stage"

// stageLabel tells the stages of a session apart, in a few words.
func stageLabel(is *screen.StageInfo) string {
	label := cell.Clean(is.Called())
	for _, part := range []string{is.Profile, is.Region} {
		if part = cell.Clean(part); part != "" {
			label += " " + theme.GlyphDot + " " + part
		}
	}
	return label
}

// broadcast hands a message to every screen, whether or not it is visible.
func (m *Model) broadcast(msg tea.Msg) tea.Cmd {
	cmds := make([]tea.Cmd, 0, len(m.stack))
	for _, o := range m.stack {
		cmds = append(cmds, o.screen.Update(msg))
	}
	m.tellDialogs(msg)
	return m.stamp(tea.Batch(cmds...))
}

func (m *Model) retheme() tea.Cmd {
	*m.env.Theme = *m.newTheme()
	return m.broadcast(screen.ThemeChanged{})
}

func (m *Model) resized() screen.Resized {
	w, h := m.body()
	return screen.Resized{Width: w, Height: h}
}
