package tui

import (
	"bytes"
	"context"
	"io"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	tea "charm.land/bubbletea/v2"
)

// terminal is what a program wrote, and a way to wait for it.
type terminal struct {
	mu      sync.Mutex
	out     bytes.Buffer
	written chan struct{} // one token when something was written since the last look
}

func newTerminal() *terminal { return &terminal{written: make(chan struct{}, 1)} }

func (o *terminal) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	select {
	case o.written <- struct{}{}:
	default:
	}
	return o.out.Write(p)
}

func (o *terminal) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.out.String()
}

// await waits until a text was written.
func (o *terminal) await(t *testing.T, text string) {
	t.Helper()
	deadline := time.After(2 * time.Minute)
	for !strings.Contains(o.String(), text) {
		select {
		case <-o.written:
		case <-deadline:
			t.Fatalf("%q was never drawn; got %q", text, o.String())
		}
	}
}

// restored checks that the terminal is left as it was: the screen of before,
// with a cursor, without the modes the console had switched on.
func restored(t *testing.T, out string) {
	t.Helper()
	for _, mode := range []struct{ name, on, off string }{
		{"alternate screen", "\x1b[?1049h", "\x1b[?1049l"},
		{"hidden cursor", "\x1b[?25l", "\x1b[?25h"},
		{"bracketed paste", "\x1b[?2004h", "\x1b[?2004l"},
		{"focus reports", "\x1b[?1004h", "\x1b[?1004l"},
	} {
		on, off := strings.LastIndex(out, mode.on), strings.LastIndex(out, mode.off)
		if on < 0 {
			t.Errorf("%s: was never switched on", mode.name)
		}
		if off < on {
			t.Errorf("%s: was not undone", mode.name)
		}
	}
}

func config(in io.Reader, out io.Writer) Config {
	return Config{
		Backend: Backend{Stage: newStage(), Logs: fakeLogs{}, Redrive: fakeDead{}}, In: in, Out: out, Getenv: noEnv,
		Options: []tea.ProgramOption{
			tea.WithWindowSize(100, 30), tea.WithEnvironment([]string{"TERM=xterm-256color"}),
		},
	}
}

func TestRunAndQuitByKey(t *testing.T) {
	t.Parallel()
	for name, keys := range map[string]string{"q": "q", "ctrl+c": "\x03"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			in, keyboard := io.Pipe()
			out := newTerminal()
			cfg := config(in, out)
			var final *Model
			cfg.onEnd = func(m *Model) { final = m }
			ended := make(chan error, 1)
			go func() { ended <- Run(t.Context(), cfg) }()
			out.await(t, "orders")
			if _, err := io.WriteString(keyboard, "j"); err != nil {
				t.Fatal(err)
			}
			if _, err := io.WriteString(keyboard, keys); err != nil {
				t.Fatal(err)
			}
			if err := <-ended; err != nil {
				t.Fatal(err)
			}
			_ = keyboard.Close()
			restored(t, out.String())
			if final.env.Data.Inventory == nil || final.env.Stage.Account == "" {
				t.Error("the final model has not read the stage")
			}
		})
	}
}

func TestRunEndsWithItsContext(t *testing.T) {
	t.Parallel()
	in, keyboard := io.Pipe()
	defer func() { _ = keyboard.Close() }()
	out := newTerminal()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	ended := make(chan error, 1)
	go func() { ended <- Run(ctx, config(in, out)) }()
	out.await(t, "orders")
	cancel()
	if err := <-ended; err != nil {
		t.Fatal(err)
	}
	restored(t, out.String())
}

// A process of its own is told to end by a signal: see TestRunEndsOnSignals.
const childEnv = "AIWCTL_TEST_CONSOLE"

func TestRunEndsOnSignals(t *testing.T) {
	if os.Getenv(childEnv) != "" {
		in, keyboard := io.Pipe()
		defer func() { _ = keyboard.Close() }()
		if err := Run(t.Context(), config(in, os.Stdout)); err != nil {
			t.Fatal(err)
		}
		return
	}
	t.Parallel()
	for _, signal := range []syscall.Signal{syscall.SIGTERM, syscall.SIGINT} {
		t.Run(signal.String(), func(t *testing.T) {
			t.Parallel()
			out := newTerminal()
			child := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestRunEndsOnSignals$")
			child.Env = append(os.Environ(), childEnv+"=1")
			child.Stdout = out
			if err := child.Start(); err != nil {
				t.Fatal(err)
			}
			out.await(t, "orders")
			if err := child.Process.Signal(signal); err != nil {
				t.Skipf("this system has no such signal: %v", err)
			}
			if err := child.Wait(); err != nil {
				t.Errorf("the console ended badly: %v", err)
			}
			restored(t, out.String())
		})
	}
}

func TestRunRefusesAnIncompleteConfig(t *testing.T) {
	t.Parallel()
	if err := Run(t.Context(), Config{}); err == nil {
		t.Error("a console without a stage was started")
	}
}
