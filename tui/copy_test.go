package tui

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/charmbracelet/x/ansi"

	"github.com/microfox-ai/aiwctl/tui/clipboard"
	"github.com/microfox-ai/aiwctl/tui/screen"
)

// fakeClipboard notes what it is given.
type fakeClipboard struct {
	result clipboard.Result
	got    []string
	takes  time.Duration
}

func (f *fakeClipboard) Copy(ctx context.Context, text string) clipboard.Result {
	timer := time.NewTimer(f.takes)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
		return clipboard.Result{Terminal: true}
	}
	f.got = append(f.got, text)
	if f.result == (clipboard.Result{}) {
		return clipboard.Result{Tool: "xclip", Terminal: true}
	}
	return f.result
}

// sent is whether a text was sent to the terminal.
func (c *console) sent(text string) bool {
	for _, msg := range c.out {
		if strings.HasSuffix(fmt.Sprintf("%T", msg), "setClipboardMsg") && strings.Contains(fmt.Sprint(msg), text) {
			return true
		}
	}
	return false
}

const queueURL = "http://127.0.0.1:4566/000000000000/aiw-fail-demo"

func TestCopySaysSo(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		result clipboard.Result
		says   string
		sent   bool
	}{
		"tool":     {clipboard.Result{Tool: "wl-copy", Terminal: true}, "✓ copied the queue URL of fail (wl-copy)", true},
		"too long": {clipboard.Result{Tool: "wl-copy"}, "✓ copied the queue URL of fail (wl-copy)", false},
		"terminal": {clipboard.Result{Terminal: true}, "✓ sent to the terminal, which does not say whether it took it (OSC 52): the queue URL of fail", true},
		"tmux":     {clipboard.Result{Tmux: true}, "✓ sent to tmux and its terminal, which does not say", false},
		"nowhere":  {clipboard.Result{Err: errors.New("149 KB is more than terminals take")}, "149 KB is more than terminals take.", false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				board := &fakeClipboard{result: tt.result}
				c := open(t, Config{clipboard: board, Getenv: env("XDG_STATE_HOME", t.TempDir())}, 160, 30)
				c.press("wait", "y", "wait")
				c.says("after y", tt.says)
				if len(board.got) != 1 || board.got[0] != queueURL || c.sent(queueURL) != tt.sent {
					t.Errorf("it was given %q, the terminal was sent it: %v", board.got, c.sent(queueURL))
				}
			})
		})
	}
}

// What did not arrive, or may not have, can be had as a file.
func TestCopyToAFile(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		result clipboard.Result
		keys   string
	}{
		"failed":          {clipboard.Result{Err: errors.New("this terminal has no clipboard")}, "wait y wait"},
		"asked for twice": {clipboard.Result{Terminal: true}, "wait y wait y wait"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			synctest.Test(t, func(t *testing.T) {
				c := open(t, Config{clipboard: &fakeClipboard{result: tt.result}, Getenv: env("XDG_STATE_HOME", dir)}, 120, 30)
				c.press(strings.Fields(tt.keys)...)
				c.says("then", "Save the queue URL of fail to a file?")
				c.press("esc", "wait")
				if files, _ := filepath.Glob(filepath.Join(dir, "aiwctl", "copies", "*")); len(files) > 0 {
					t.Error("Cancel saved it")
				}
				c.press(strings.Fields(tt.keys)...)
				c.press("y", "wait")
				files, _ := filepath.Glob(filepath.Join(dir, "aiwctl", "copies", "*"))
				if len(files) != 1 {
					t.Fatalf("files: %v\n%s", files, ansi.Strip(c.frame()))
				}
				if text, err := os.ReadFile(files[0]); err != nil || string(text) != queueURL {
					t.Errorf("%q, %v", text, err)
				}
				c.says("at last", "saved to "+dir[:10])
			})
		})
	}
}

// A tool that hangs holds nothing up, and what it was given is not said to be copied.
func TestCopyHangs(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := open(t, Config{clipboard: &fakeClipboard{takes: time.Hour}}, 120, 30)
		c.press("wait", "y", "j")
		if strings.Contains(ansi.Strip(c.frame()), "copied") {
			t.Error("it says that it was copied")
		}
		c.pass(10 * time.Second)
		if !c.sent(queueURL) {
			t.Error("the terminal was not sent it")
		}
		c.send(screen.Copy{What: "e\x1b[2Jvil", Text: "x"})
		c.pass(time.Second)
		c.frame()
	})
}
