package external_test

import (
	"io"
	"os"
	"path/filepath"
	goruntime "runtime"
	"strings"
	"testing"

	tea "charm.land/bubbletea/v2"

	"github.com/microfox-ai/aiwctl/tui/external"
	"github.com/microfox-ai/aiwctl/tui/screen"
	"github.com/microfox-ai/aiwctl/tui/screentest"
)

// edited edits a text with an editor that is a line of the shell.
func edited(t *testing.T, editor, text string) screen.Reply {
	t.Helper()
	if goruntime.GOOS == "windows" {
		t.Skip("the editors of this test are lines of a POSIX shell")
	}
	t.Setenv("TMPDIR", t.TempDir())
	env := screentest.Env(t)
	env.Getenv = func(name string) string { return map[string]string{"EDITOR": editor}[name] }
	env.Exec = func(c tea.ExecCommand, done tea.ExecCallback) tea.Cmd {
		return func() tea.Msg {
			c.SetStdout(io.Discard)
			c.SetStderr(io.Discard)
			return done(c.Run())
		}
	}
	r := env.Requests()
	reply, ok := external.Edit(env, r, "edit", "input.json", text)().(screen.Reply)
	if !ok {
		t.Fatal("no reply came back")
	}
	if _, live := r.Take(reply); !live {
		t.Error("the reply is nobody's")
	}
	left, err := filepath.Glob(filepath.Join(os.TempDir(), "aiwctl-*"))
	if err != nil || len(left) > 0 {
		t.Errorf("left behind: %q %v", left, err)
	}
	return reply
}

func TestEditReturnsWhatTheEditorWrote(t *testing.T) {
	reply := edited(t, `sh -c 'grep -q 1 "$1" && printf "{\"n\":2}\n" > "$1"' x`, `{"n":1}`)
	if reply.Err != nil || reply.Payload != `{"n":2}` {
		t.Errorf("got %q, %v", reply.Payload, reply.Err)
	}
}

func TestEditorsFileIsTheirsAlone(t *testing.T) {
	reply := edited(t, `sh -c 'ls -l "$1" | cut -c1-10 > "$1"' x`, "x")
	if reply.Err != nil || reply.Payload != "-rw-------" {
		t.Errorf("got %q, %v", reply.Payload, reply.Err)
	}
}

func TestEditorThatFailsLosesNothing(t *testing.T) {
	reply := edited(t, `sh -c 'printf changed > "$1"; exit 3' x`, "before")
	if reply.Err == nil || !strings.Contains(reply.Err.Error(), "EDITOR") || reply.Payload != "changed" {
		t.Errorf("got %q, %v", reply.Payload, reply.Err)
	}
}

func TestEditorThatIsNotThere(t *testing.T) {
	reply := edited(t, "/nowhere/editor", "before")
	if reply.Err == nil || reply.Payload != "before" {
		t.Errorf("got %q, %v", reply.Payload, reply.Err)
	}
}
