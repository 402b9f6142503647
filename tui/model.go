package tui

import (
	"net/url"
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
	env     screen.Env // what every screen gets, but for the ID
	openers openers
	source  *live.Source
	// requests are the root's own: its tick.
	requests *screen.Requests

	stack   []opened // the visible one is the last
	dialogs []dialog.Dialog
	tasks   chrome.Tasks
	lastID  screen.ID
	// commands is what was chosen in the palette.
	commands palette.History

	width, height int
	mono, ascii   bool
	blurred       bool
}

type opened struct {
	id     screen.ID
	screen screen.Screen
}

const (
	rootID   screen.ID = 1
	sourceID screen.ID = 2
)

const forTick = "tick"

func newModel(cfg Config, work *screen.Work) *Model {
	m := &Model{
		openers: openersFor(cfg),
		lastID:  sourceID,
		mono:    cfg.NoColor || cfg.Getenv("NO_COLOR") != "",
		ascii:   cfg.ASCII || cfg.Getenv("AIWCTL_ASCII") != "",
		// A size to begin with: the terminal's own comes before the first frame.
		width: 80, height: 24,
	}
	m.env = screen.Env{
		Theme:  m.newTheme(true),
		Stage:  stageInfo(cfg.Stage),
		Data:   &screen.Snapshot{Trends: map[string]*screen.Trend{}},
		Work:   work,
		Now:    cfg.Now,
		Getenv: cfg.Getenv,
		Keys:   cfg.Keys,
	}
	env := m.env
	env.ID = rootID
	m.requests = env.Requests()
	env.ID = sourceID
	m.source = live.New(env, cfg.Stage, cfg.Metrics)
	m.keyFaults(cfg.KeyFaults)
	return m
}

func stageInfo(s Stage) *screen.StageInfo {
	t := s.Target()
	info := &screen.StageInfo{
		Name: t.Stage, Region: t.Region, Profile: t.Profile,
		ReadOnly: t.ReadOnly, Loopback: t.Loopback(), Protected: s.Protected(),
	}
	if t.EndpointURL != "" {
		info.Endpoint = t.EndpointURL
		if u, err := url.Parse(t.EndpointURL); err == nil && u.Host != "" {
			info.Endpoint = u.Host
		}
	}
	return info
}

func (m *Model) newTheme(dark bool) *theme.Theme {
	if m.mono {
		return theme.NewMono(m.ascii)
	}
	return theme.New(dark, m.ascii)
}

// Init implements tea.Model.
func (m *Model) Init() tea.Cmd {
	m.nextID()
	env := m.env
	env.ID = m.lastID
	first := m.openers.workers(env)
	m.stack = append(m.stack, opened{id: env.ID, screen: first})
	return tea.Batch(tea.RequestBackgroundColor, m.source.Init(), first.Init(), m.tick())
}

func (m *Model) nextID() { m.lastID++ }

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
	case tea.BackgroundColorMsg:
		return m, m.retheme(msg.IsDark())
	case tea.ColorProfileMsg:
		if !m.mono && msg.Profile <= colorprofile.ASCII {
			m.mono = true
			return m, m.retheme(m.env.Theme.Dark)
		}
		return m, nil
	case screen.Back:
		if msg.Owner == 0 || m.stack[len(m.stack)-1].id == msg.Owner {
			return m, m.close()
		}
		return m, nil
	case screen.Task:
		m.tasks.Apply(msg, m.env.Now())
		return m, nil
	case screen.Confirm:
		m.dialogs = append(m.dialogs, m.question(msg))
		return m, nil
	case screen.Copy:
		m.tasks.Say("copied "+cell.Clean(msg.What), m.env.Now())
		return m, tea.SetClipboard(msg.Text)
	}
	if cmd, ok := m.open(msg); ok {
		return m, cmd
	}
	return m, m.broadcast(msg)
}

// question is the dialog that asks: a write to a protected stage wants its name.
func (m *Model) question(ask screen.Confirm) dialog.Dialog {
	is := m.env.Stage.Protected
	switch {
	case ask.Write == nil:
	case is.Needed:
		return dialog.NewNamed(ask, is.Name, is.Why, m.env.Now)
	default:
		ask.Yes = func() tea.Cmd { return ask.Write("") }
	}
	return dialog.NewConfirm(ask, m.env.Now)
}

// open pushes the screen a message asks for.
func (m *Model) open(msg tea.Msg) (tea.Cmd, bool) {
	env := m.env
	env.ID = m.lastID + 1
	next, ok := m.openers.open(env, msg)
	if !ok {
		return nil, false
	}
	m.nextID()
	m.stack = append(m.stack, opened{id: env.ID, screen: next})
	return tea.Batch(next.Update(m.resized()), next.Init()), true
}

// close leaves the visible screen; the first one stays.
func (m *Model) close() tea.Cmd {
	if len(m.stack) == 1 {
		return nil
	}
	m.visible().Close()
	m.stack = m.stack[:len(m.stack)-1]
	return nil
}

// reply hands a reply to its owner, wherever that is, and drops it when the
// owner has been closed.
func (m *Model) reply(reply screen.Reply) tea.Cmd {
	switch reply.Owner {
	case sourceID:
		return m.toSource(reply)
	case rootID:
		if _, live := m.requests.Take(reply); !live {
			return nil
		}
		return tea.Batch(m.tick(), m.broadcast(screen.Tick{Now: m.env.Now()}))
	}
	for _, o := range m.stack {
		if o.id == reply.Owner {
			return o.screen.Update(reply)
		}
	}
	return nil
}

func (m *Model) toSource(msg tea.Msg) tea.Cmd {
	data := m.env.Data
	since := data.FailingSince
	cmd, changed := m.source.Update(msg)
	if data.Err != nil && data.FailingSince != since {
		m.tasks.Record("read the stage", data.Err, m.env.Now())
	}
	if changed {
		return tea.Batch(cmd, m.broadcast(screen.DataChanged{}))
	}
	return cmd
}

// broadcast hands a message to every screen, whether or not it is visible.
func (m *Model) broadcast(msg tea.Msg) tea.Cmd {
	cmds := make([]tea.Cmd, 0, len(m.stack))
	for _, o := range m.stack {
		cmds = append(cmds, o.screen.Update(msg))
	}
	m.tellDialogs(msg)
	return tea.Batch(cmds...)
}

func (m *Model) retheme(dark bool) tea.Cmd {
	*m.env.Theme = *m.newTheme(dark)
	return m.broadcast(screen.ThemeChanged{})
}

func (m *Model) resized() screen.Resized {
	w, h := m.body()
	return screen.Resized{Width: w, Height: h}
}
