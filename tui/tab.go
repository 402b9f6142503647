package tui

import (
	"strconv"
	"strings"

	tea "charm.land/bubbletea/v2"

	"github.com/microfox-ai/aiwctl/tui/chrome"
	"github.com/microfox-ai/aiwctl/tui/dialog"
	"github.com/microfox-ai/aiwctl/tui/screen"
)

// tab says in the terminal's own tab or taskbar which stage this is, what is wrong with
// it, and how far something is that has an end. Bubble Tea takes all of it back when the
// console ends.
func (m *Model) tab(view *tea.View) {
	if plainTerminal(m.cfg.Getenv) {
		return // it has no title, and some show what they do not know
	}
	view.WindowTitle = chrome.WindowTitle(m.env.Stage, m.env.Data)
	done, total := m.progress()
	if total > 0 && m.progressBars() {
		view.ProgressBar = tea.NewProgressBar(tea.ProgressBarDefault, done*100/total)
	}
	if !m.reportsStatus {
		return
	}
	view.ProgramStatus = &tea.ProgramStatus{State: tea.ProgramStateIdle, App: "aiwctl"}
	switch {
	case m.ending:
	case len(m.dialogs) > 0 && asks(m.dialogs[len(m.dialogs)-1]):
		view.ProgramStatus.State, view.ProgramStatus.Kind = tea.ProgramStateBlocked, tea.ProgramStatusKindQuestion
	case total > 0:
		view.ProgramStatus.State = tea.ProgramStateWorking
		view.ProgramStatus.HasProgress, view.ProgramStatus.Progress = true, done*100/total
	case m.tasks.Running() > 0:
		view.ProgramStatus.State = tea.ProgramStateWorking
	}
}

// asks is whether a dialog waits for an answer.
func asks(d dialog.Dialog) bool {
	switch d.(type) {
	case *dialog.Confirm, *dialog.Named, *quitting:
		return true
	}
	return false
}

// progress is how far what has an end is: the visible screen's, else that of the one
// before it.
func (m *Model) progress() (done, total int) {
	for i := len(m.stack) - 1; i >= 0; i-- {
		if p, ok := m.stack[i].screen.(screen.Progresser); ok {
			if done, total = p.Progress(); total > 0 {
				return min(max(done, 0), total), total
			}
		}
	}
	return 0, 0
}

// plainTerminal is whether the terminal knows no titles and draws few characters: the
// console of a Linux machine without a desktop.
func plainTerminal(getenv func(string) string) bool {
	term := getenv("TERM")
	return term == "linux" || term == "dumb" || strings.HasPrefix(term, "vt1") || strings.HasPrefix(term, "vt2")
}

// progressBars is whether the terminal may be sent a progress bar (OSC 9;4). Most ignore
// what they do not know, but some take every OSC 9 for a notification and would show one
// for each step.
// https://iterm2.com/documentation-escape-codes.html, https://conemu.github.io/en/AnsiEscapeCodes.html#OSC_Operating_system_commands
func (m *Model) progressBars() bool {
	getenv := m.cfg.Getenv
	switch getenv("TERM_PROGRAM") {
	case "iTerm.app":
		return versionAtLeast(getenv("TERM_PROGRAM_VERSION"), 3, 6)
	case "Apple_Terminal", "vscode":
		return false
	}
	return !strings.HasPrefix(getenv("TERM"), "rxvt")
}

// versionAtLeast reads the first two numbers of a version.
func versionAtLeast(version string, major, minor int) bool {
	first, rest, _ := strings.Cut(version, ".")
	second, _, _ := strings.Cut(rest, ".")
	a, err := strconv.Atoi(first)
	b, _ := strconv.Atoi(second)
	return err == nil && (a > major || a == major && b >= minor)
}
