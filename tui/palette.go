package tui

import (
	"cmp"
	"strings"

	tea "charm.land/bubbletea/v2"

	"github.com/microfox-ai/aiwctl/aws"
	"github.com/microfox-ai/aiwctl/dispatch"
	"github.com/microfox-ai/aiwctl/tui/cell"
	"github.com/microfox-ai/aiwctl/tui/palette"
	"github.com/microfox-ai/aiwctl/tui/screen"
)

// palette opens the palette, over whatever is there.
func (m *Model) palette() tea.Cmd {
	m.dialogs = append(m.dialogs, palette.New(m.env.Theme, palette.Config{
		Entries: m.entries, Guess: m.guessJob, History: &m.commands,
	}))
	return nil
}

// entries are what the palette offers: what the visible screen can do, the screens,
// and each worker with what can be opened of it.
func (m *Model) entries() []palette.Entry {
	var entries []palette.Entry
	for _, a := range m.possible() {
		if a.ID != "" && a.Run != nil {
			entries = append(entries, m.entry(a, m.again(a.ID)))
		}
	}
	entries = append(entries, m.places()...)
	if inv := m.env.Data.Inventory; inv != nil {
		for i := range inv.Workers {
			entries = append(entries, m.ofWorker(&inv.Workers[i])...)
		}
	}
	return entries
}

// entry is an action's.
func (m *Model) entry(a screen.Action, run func() tea.Cmd) palette.Entry {
	e := palette.Entry{
		Name: a.ID, Keys: a.Keys, Help: cmp.Or(a.Help, a.Label), Refused: a.Refused, Command: a.Command,
		Run: func(string) tea.Cmd { return run() },
	}
	if label := strings.ToLower(cell.Clean(a.Label)); label != "" && label != a.ID {
		e.Aliases = []string{label}
	}
	if a.Writes && m.env.Stage.ReadOnly {
		e.Refused = "this stage is read-only"
	}
	return e
}

// again does the visible screen's action of an ID as it is by then: what it is about
// may have changed since the palette was opened.
func (m *Model) again(id string) func() tea.Cmd {
	return func() tea.Cmd {
		for _, a := range m.actions() {
			if a.ID == id && a.Run != nil {
				return m.act(a)
			}
		}
		m.tasks.Refuse(id+": this cannot be done any more", m.env.Now())
		return nil
	}
}

// places are the screens and the root's own actions.
func (m *Model) places() []palette.Entry {
	command := func(args ...string) func() string {
		return func() string { return screen.Command(args...) }
	}
	run := func(fn func() tea.Cmd) func(string) tea.Cmd {
		return func(string) tea.Cmd { return fn() }
	}
	list := []palette.Entry{
		{Name: "workers", Aliases: []string{"w", "home"}, Help: "All workers of the stage.", Command: command("workers"), Run: run(m.home)},
		{
			Name: "job", Aliases: []string{"j"}, Wants: "ID", Help: "Where a job is and what happened to it. Its id can also be typed or pasted alone.",
			Run: openJob,
		},
		{Name: "history", Aliases: []string{"audit"}, Help: "What was written from this machine: dispatches, replays, deletions.", Command: command("history"), Run: run(m.ask(screen.OpenHistory{}))},
		{Name: "resume", Aliases: []string{"replay", "interrupted"}, Help: "The interrupted replay, to look at and to finish.", Command: command("dlq", "resume"), Run: run(m.ask(screen.OpenReplay{}))},
	}
	if m.env.Stage.Locked {
		list = append(list, palette.Entry{
			Name: "write", Aliases: []string{"unlock"}, Help: "Allow writes to this stage, after a question: the console was opened to look.",
			Run: run(func() tea.Cmd { return m.askUnlock(screen.Action{}) }),
		})
	}
	for _, a := range m.globals() {
		if a.ID == idPalette || a.ID == idBack && len(m.stack) == 1 {
			continue
		}
		e := m.entry(a, a.Run)
		e.Aliases = nil
		switch a.ID {
		case idQuit:
			// q leaves one screen; who types the word means all of them.
			e.Help, e.Aliases, e.Run = "Quit, whatever screen this is.", []string{"q", "exit"}, run(m.quit)
			if len(m.stack) > 1 {
				e.Keys = []string{"ctrl+c"}
			}
		case idStages:
			e.Aliases = []string{"ctx", "context", "profile", "region"}
			e.Command = command("config", "stages")
		case idHelp:
			e.Aliases = []string{"keys", "?"}
		}
		list = append(list, e)
	}
	for i := range list {
		list[i].Weight = 1 // where they lead is the same on every screen
	}
	return list
}

// ofWorker are what can be opened of a worker.
func (m *Model) ofWorker(w *aws.Worker) []palette.Entry {
	id, name := w.ID, cell.Clean(w.ID)
	open := func(verb, help, refused string, writes bool, command []string, msg tea.Msg) palette.Entry {
		a := screen.Action{
			ID: verb + " " + name, Help: help, Refused: refused, Writes: writes, Run: m.ask(msg),
			Command: func() string { return screen.Command(command...) },
		}
		return m.entry(a, func() tea.Cmd { return m.act(a) })
	}
	noLogs, noDead := "", ""
	if w.Function == nil {
		noLogs = "the function of " + name + " is not known"
	}
	if w.DLQ == nil {
		noDead = name + " has no dead-letter queue"
	}
	dead := open("dead", "Its dead letters: look, edit, replay.", noDead, false, []string{"dlq", "peek", id}, screen.OpenDead{WorkerID: id})
	dead.Aliases = []string{"dlq " + name, "x " + name}
	return []palette.Entry{
		open("worker", "Why it is in its state, configuration, schemas, charts.", "", false, []string{"workers", "describe", id}, screen.OpenWorker{WorkerID: id}),
		open("logs", "Its log lines as they come.", noLogs, false, []string{"logs", id, "-f"}, screen.OpenLogs{WorkerIDs: []string{id}}),
		dead,
		open("dispatch", "Send a job to it.", "", true, []string{"dispatch", id}, screen.OpenDispatch{WorkerID: id}),
	}
}

func openJob(id string) tea.Cmd { return screen.Send(screen.OpenJob{JobID: strings.TrimSpace(id)}) }

// guessJob offers a word as a job's id: one that looks like those that are made here
// and elsewhere, or that has a digit and is too long to be a name somebody types.
func (m *Model) guessJob(word string) (palette.Entry, bool) {
	long := len(word) >= 8 && len(word) <= 256 && strings.ContainsAny(word, "0123456789")
	if !long && !dispatch.LooksLikeJobID(word) {
		return palette.Entry{}, false
	}
	return palette.Entry{
		Name: "job " + word, Help: "Where this job is and what happened to it.",
		Command: func() string { return screen.Command("job", word) },
		Run:     func(string) tea.Cmd { return openJob(word) },
	}, true
}
