// Package terminal is a real terminal that a program types into and reads: tmux, with a
// server of its own.
package terminal

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"time"
)

// Terminal is a terminal that runs a command. Close it.
type Terminal struct {
	tmux string
	dir  string // holds its socket and its configuration
}

// ErrNoTmux is returned by Start where tmux is not on PATH.
var ErrNoTmux = errors.New("tmux is not on PATH: install it (Debian: apt-get install tmux; macOS: brew install tmux)")

const session = "console"

// Size is a terminal's, in cells.
type Size struct{ Width, Height int }

// Start runs a shell command in a new terminal. Background, "#rrggbb", is what the
// terminal answers a program that asks for its background; empty: it does not answer.
func Start(ctx context.Context, size Size, background, command string) (*Terminal, error) {
	tmux, err := exec.LookPath("tmux")
	if err != nil {
		return nil, ErrNoTmux
	}
	// A socket of its own for each, since the server of one takes a moment to end.
	dir, err := os.MkdirTemp("", "tmux-")
	if err != nil {
		return nil, err
	}
	t := &Terminal{tmux: tmux, dir: dir}
	options := "set-option -s escape-time 0\nset-option -g status off\n" +
		"set-option -g remain-on-exit on\n" // its last words are worth reading
	if background != "" {
		options += "set-option -g window-style bg=" + background + "\n"
	}
	if err := os.WriteFile(filepath.Join(dir, "conf"), []byte(options), 0o600); err != nil {
		return nil, errors.Join(err, os.RemoveAll(dir))
	}
	if _, err := t.run(ctx, "-f", filepath.Join(dir, "conf"), "new-session", "-d", "-s", session, "-x", fmt.Sprint(size.Width), "-y", fmt.Sprint(size.Height), command); err != nil {
		return nil, errors.Join(err, os.RemoveAll(dir))
	}
	return t, nil
}

func (t *Terminal) run(ctx context.Context, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, t.tmux, append([]string{"-S", filepath.Join(t.dir, "socket")}, args...)...) //nolint:gosec // it runs tmux
	cmd.Env = append(os.Environ(), "LC_ALL=C.UTF-8", "TMUX=")
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	if err := cmd.Run(); err != nil {
		return "", fmt.Errorf("tmux %s: %w: %s", args[0], err, strings.TrimSpace(errs.String()))
	}
	return out.String(), nil
}

// Press presses a key, by Bubble Tea's name of it: "x", "enter", "ctrl+s".
func (t *Terminal) Press(ctx context.Context, key string) error {
	if len(key) == 1 {
		return t.Type(ctx, key)
	}
	named := map[string]string{
		"enter": "Enter", "esc": "Escape", "space": "Space", "tab": "Tab", "shift+tab": "BTab", "backspace": "BSpace", "delete": "DC",
		"up": "Up", "down": "Down", "left": "Left", "right": "Right", "home": "Home", "end": "End", "pgup": "PPage", "pgdown": "NPage",
	}
	name := key
	switch letter, ctrl := strings.CutPrefix(key, "ctrl+"); {
	case ctrl:
		name = "C-" + letter
	case named[key] != "":
		name = named[key]
	}
	_, err := t.run(ctx, "send-keys", "-t", session, name)
	return err
}

// Type types a text.
func (t *Terminal) Type(ctx context.Context, text string) error {
	_, err := t.run(ctx, "send-keys", "-t", session, "-l", "--", text)
	return err
}

// Screen is what the terminal shows, with the escape sequences that colour it.
func (t *Terminal) Screen(ctx context.Context) (string, error) {
	return t.run(ctx, "capture-pane", "-e", "-N", "-p", "-t", session)
}

var sequence = regexp.MustCompile("\x1b\\[[0-9;]*m")

// Plain takes the colours off a screen.
func Plain(screen string) string { return sequence.ReplaceAllString(screen, "") }

// Await waits until seen says of a screen, with its colours, that it shows what somebody
// waits for, and returns it. It looks again and again, since nothing tells when a screen
// has changed.
func (t *Terminal) Await(ctx context.Context, most time.Duration, seen func(coloured string) bool) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, most)
	defer cancel()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	last := ""
	for {
		screen, err := t.Screen(ctx)
		if err == nil {
			last = screen
			if seen(screen) {
				return screen, nil
			}
		} else if ctx.Err() == nil {
			return last, err
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return last, fmt.Errorf("it was not on the screen within %v, which shows:\n%s", most, Plain(last))
		}
	}
}

// Close ends the terminal and what runs in it.
func (t *Terminal) Close() error {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	_, err := t.run(ctx, "kill-server")
	return errors.Join(err, os.RemoveAll(t.dir))
}
