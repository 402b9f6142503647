// Package external gives a text to the person's own editor and takes it back.
package external

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	goruntime "runtime"
	"strings"

	tea "charm.land/bubbletea/v2"

	"github.com/microfox-ai/aiwctl/tui/screen"
)

// Edit returns a command that opens text in $VISUAL, else $EDITOR, else vi (notepad on
// Windows), in a file that only this person can read and that ends with name:
// "input.json". The Reply of purpose has the edited text as a string.
//
// When the editor ends with an error, the Reply has it, and the text as far as the
// file can be read: it is for the caller to keep it or not. The file is removed unless
// its text could not be read.
func Edit(env screen.Env, r *screen.Requests, purpose, name, text string) tea.Cmd {
	editor := Editor(env.Getenv)
	return r.Suspend(purpose, func(t screen.Terminal) (any, error) {
		return edit(editor, name, text, t)
	})
}

// Editor is the command line of the person's editor.
func Editor(getenv func(string) string) string {
	for _, name := range []string{"VISUAL", "EDITOR"} {
		if v := strings.TrimSpace(getenv(name)); v != "" {
			return v
		}
	}
	if goruntime.GOOS == "windows" {
		return "notepad"
	}
	return "vi"
}

func edit(editor, name, text string, t screen.Terminal) (string, error) {
	dir, err := os.MkdirTemp("", "aiwctl-") // 0700
	if err != nil {
		return text, fmt.Errorf("open %s: make a file for the editor: %w", editor, err)
	}
	path := filepath.Join(dir, filepath.Base(name))
	keep := false
	defer func() {
		if !keep {
			_ = os.RemoveAll(dir) // a temporary directory: the system's own cleaning takes what is left
		}
	}()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		return text, fmt.Errorf("open %s: write a file for the editor: %w", editor, err)
	}
	ran := run(editor, path, t)
	edited, err := os.ReadFile(path)
	if err != nil {
		keep = true
		return text, errors.Join(ran, fmt.Errorf("read what %s wrote: %w", editor, err))
	}
	got := string(edited)
	if !strings.HasSuffix(text, "\n") { // an editor ends the last line; the text had none
		got = strings.TrimSuffix(strings.TrimSuffix(got, "\n"), "\r")
	}
	return got, ran
}

// run runs an editor as git does: a command line of the shell.
func run(editor, path string, t screen.Terminal) error {
	var cmd *exec.Cmd
	if goruntime.GOOS == "windows" {
		words := strings.Fields(editor)
		cmd = exec.Command(words[0], append(words[1:], path)...) //nolint:gosec // the person's own editor
	} else {
		cmd = exec.Command("sh", "-c", editor+` "$@"`, editor, path) //nolint:gosec // the person's own editor
	}
	cmd.Stdin, cmd.Stdout, cmd.Stderr = t.In, t.Out, t.Err
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("%s: %w (set EDITOR to another one)", editor, err)
	}
	return nil
}
