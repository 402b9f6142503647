package tui

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	tea "charm.land/bubbletea/v2"

	"github.com/microfox-ai/aiwctl/tui/dialog"
	"github.com/microfox-ai/aiwctl/tui/live"
	"github.com/microfox-ai/aiwctl/tui/screen"
)

const (
	// connectTimeout is how long connecting to another stage may take.
	connectTimeout = 20 * time.Second
	// leaveGrace is how long the work on a stage that was left may take to end.
	leaveGrace = 5 * time.Second
)

// errNoOther is why a console that has no Connect stays where it is.
var errNoOther = errors.New("this console has one stage only: it was opened on a stage of its own, such as the demo's; run `aiwctl --stage NAME` for another")

// begunOn is the stage that the console begins with.
func begunOn(s Stage) screen.Choice {
	t := s.Target()
	return screen.Choice{
		Begun: true, Stage: t.Stage, Profile: t.Profile, Region: t.Region, Service: t.Service, EndpointURL: t.EndpointURL,
	}
}

// arrive makes a stage the one that is shown. Everything that is of a stage begins
// anew: what was read, the clock that reads, the owners of replies.
func (m *Model) arrive(b Backend, choice screen.Choice) {
	m.visit++
	m.cfg.Backend, m.cfg.current = b, choice
	m.openers = openersFor(m.cfg, m.typedOn(b.Stage.Target()))
	m.env.Stage = stageInfo(b)
	m.tasks.On(stageLabel(m.env.Stage), m.env.Now())
	m.env.Data = &screen.Snapshot{Trends: map[string]*screen.Trend{}}
	m.env.Work = m.work.Part()
	m.lastID++
	env := m.env
	env.ID = m.lastID
	m.sourceID = env.ID
	m.source = live.New(env, b.Stage, b.Metrics)
}

// switchTo connects to another stage, after asking when going there would interrupt
// something.
func (m *Model) switchTo(choice screen.Choice) tea.Cmd {
	if m.cfg.Connect == nil {
		return m.notSwitched(choice, errNoOther)
	}
	return m.unlessBusy(choice, func() tea.Cmd { return m.connect(choice) })
}

// unlessBusy goes on at once when nothing would be interrupted, else when a person
// agrees.
func (m *Model) unlessBusy(choice screen.Choice, goOn func() tea.Cmd) tea.Cmd {
	busy := busynessOf(m.stack)
	if len(busy) == 0 {
		return goOn()
	}
	m.dialogs = append(m.dialogs, dialog.NewConfirm(screen.Confirm{
		Title: "Go to " + choice.Name() + " and interrupt it?",
		Lines: []string{"Under way: " + strings.Join(busy, ", ") + ".", "Leaving this stage stops it where it is."},
		Verb:  "Go", Command: screen.Command(choice.Args()...),
		Yes: goOn,
	}, m.env.Now))
	return nil
}

func (m *Model) busyScreens() []screen.ID {
	var ids []screen.ID
	for _, o := range m.stack {
		if busyness(o.screen) != "" {
			ids = append(ids, o.id)
		}
	}
	return ids
}

// connection is a stage that answered.
type connection struct {
	choice  screen.Choice
	backend Backend
	// agreed are the screens that a person has agreed to interrupt.
	agreed []screen.ID
}

func (m *Model) connect(choice screen.Choice) tea.Cmd {
	m.switching = screen.Switching{Choice: choice, Since: m.env.Now()}
	m.tasks.Apply(screen.Task{ID: forConnect, Text: "connect to " + choice.Name()}, m.env.Now())
	open, agreed := m.cfg.Connect, m.busyScreens()
	var got *connection
	start := m.requests.Start(forConnect, connectTimeout, func(ctx context.Context) (any, error) {
		b, err := open(ctx, choice)
		if err == nil {
			err = b.validate()
		}
		if err != nil {
			return nil, err
		}
		got = &connection{choice, b, agreed}
		return got, nil
	})
	return tea.Batch(m.broadcast(m.switching), func() tea.Msg {
		msg := start()
		if msg == nil && got != nil {
			got.backend.close() // it was given up, a moment too late
		}
		return msg
	})
}

func (b Backend) close() {
	if b.Close != nil {
		b.Close()
	}
}

// giveUp stops connecting.
func (m *Model) giveUp() tea.Cmd {
	if m.switching.Since.IsZero() {
		return nil
	}
	m.requests.Cancel(forConnect)
	m.tasks.Apply(screen.Task{ID: forConnect, Text: "gave up connecting to " + m.switching.Choice.Name(), Done: true}, m.env.Now())
	m.switching = screen.Switching{}
	return m.broadcast(m.switching)
}

func (m *Model) notSwitched(choice screen.Choice, err error) tea.Cmd {
	m.switching = screen.Switching{Choice: choice, Err: err}
	task := screen.Task{ID: forConnect, Text: "connect to " + choice.Name(), Done: true, Err: err}
	if m.visible().Kind() == screen.KindStages {
		m.tasks.Listed(task, m.env.Now())
	} else {
		m.tasks.Apply(task, m.env.Now())
	}
	return m.broadcast(m.switching)
}

// connected goes over to a stage that answered.
func (m *Model) connected(reply screen.Reply) tea.Cmd {
	if reply.Err != nil {
		return m.notSwitched(m.switching.Choice, reply.Err)
	}
	got, _ := reply.Payload.(*connection)
	asked := func(id screen.ID) bool { return slices.Contains(got.agreed, id) }
	if !slices.ContainsFunc(m.busyScreens(), func(id screen.ID) bool { return !asked(id) }) {
		return m.goOver(got.backend, got.choice)
	}
	// Something began meanwhile. Whoever does not want it interrupted may ask again.
	m.tasks.Apply(screen.Task{ID: forConnect, Text: "connected to " + got.choice.Name() + ", and did not go there", Done: true}, m.env.Now())
	m.switching = screen.Switching{}
	return tea.Batch(m.broadcast(m.switching), m.letGo(nil, got.backend), m.switchTo(got.choice))
}

// goOver leaves the stage that is shown and opens the same screens, in the same order
// and as they were, on another one.
func (m *Model) goOver(b Backend, choice screen.Choice) tea.Cmd {
	left, work, before := m.cfg.Backend, m.env.Work, m.stack
	from := m.env.Stage.Called()
	m.source.Close()
	for _, o := range before {
		o.screen.Close()
	}
	work.End()
	m.dialogs, m.stack = nil, nil
	m.switching = screen.Switching{}

	m.arrive(b, choice)
	m.tasks.Apply(screen.Task{ID: forConnect, Text: "went from " + from + " to " + m.env.Stage.Called(), Done: true}, m.env.Now())
	cmds := []tea.Cmd{m.letGo(work, left), m.source.Init()}
	for _, o := range before {
		if o.screen.Kind() == screen.KindStages {
			continue
		}
		open := m.openers.workers
		if o.ask != nil {
			open = m.opener(o.ask)
		}
		cmds = append(cmds, m.push(o.ask, open, func(next screen.Screen) { keep(o.screen, next) }))
	}
	return tea.Batch(cmds...)
}

// keep hands over what a screen was like to the one that takes its place.
func keep(old, next screen.Screen) {
	was, ok := old.(screen.Keeper)
	will, also := next.(screen.Keeper)
	if ok && also {
		will.Restore(was.Keep())
	}
}

// letGo returns a command that closes a backend when the work on it has ended.
func (m *Model) letGo(work *screen.Work, b Backend) tea.Cmd {
	if b.Close == nil {
		return nil
	}
	return m.requests.Start(fmt.Sprintf("leave %d", m.visit), 0, func(context.Context) (any, error) {
		if work != nil {
			work.Close(leaveGrace)
		}
		b.Close()
		return nil, nil
	})
}

// stamped is a message of a screen that means its stage: it is worth nothing, or
// something else, once that has been left.
type stamped struct {
	visit int
	stage string
	msg   tea.Msg
}

// stamp marks the messages of a command, so that none that is under way while the
// stage is left is taken for one of the next stage's.
func (m *Model) stamp(cmd tea.Cmd) tea.Cmd {
	if cmd == nil {
		return nil
	}
	return stampWith(stamped{visit: m.visit, stage: stageLabel(m.env.Stage)}, cmd)
}

func stampWith(mark stamped, cmd tea.Cmd) tea.Cmd {
	if cmd == nil {
		return nil
	}
	return func() tea.Msg {
		switch msg := cmd().(type) {
		case tea.BatchMsg:
			for i := range msg {
				msg[i] = stampWith(mark, msg[i])
			}
			return msg
		case screen.Confirm, screen.Task:
			mark.msg = msg
			return mark
		default:
			return msg
		}
	}
}

// unstamp is the message, or what is left of it when its stage has been left: nobody
// is asked about another stage, and the end of something says of which it was.
func (m *Model) unstamp(old stamped) tea.Msg {
	if old.visit == m.visit {
		return old.msg
	}
	if task, ok := old.msg.(screen.Task); ok && (task.Done || task.Err != nil) {
		m.tasks.ApplyLate(old.stage, task, m.env.Now())
	}
	return nil
}
