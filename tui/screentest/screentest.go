// Package screentest drives screens in tests: keys in, commands run by hand,
// frames compared with what they should look like.
package screentest

import (
	"context"
	"flag"
	"os"
	"path/filepath"
	"reflect"
	"strconv"
	"strings"
	"testing"
	"time"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/x/ansi"

	"github.com/microfox-ai/aiwctl/tui/cell"
	"github.com/microfox-ai/aiwctl/tui/screen"
	"github.com/microfox-ai/aiwctl/tui/theme"
)

var update = flag.Bool("update", false, "rewrite the golden files in testdata")

// Updating is whether the tests were told to rewrite what they compare with.
func Updating() bool { return *update }

// Now is the time it is in tests.
func Now() time.Time { return time.Date(2026, time.March, 2, 3, 4, 5, 0, time.UTC) }

// Env returns an Env for a screen under test, with work that ends with the test.
func Env(t testing.TB) screen.Env {
	t.Helper()
	work := screen.NewWork(context.Background())
	t.Cleanup(func() {
		if !work.Close(5 * time.Second) {
			t.Error("the screen left work behind")
		}
	})
	return screen.Env{
		ID:     1,
		Theme:  theme.New(true, false),
		Stage:  &screen.StageInfo{Name: "demo", Region: "us-east-1", Endpoint: "127.0.0.1:4566", Account: "000000000000", Loopback: true},
		Data:   &screen.Snapshot{Trends: map[string]*screen.Trend{}},
		Work:   work,
		Now:    Now,
		Getenv: func(string) string { return "" },
	}
}

// Key makes a key press from Bubble Tea's name of it: "a", "G", "space",
// "enter", "esc", "tab", "up", "ctrl+c", "pgdown", "f1".
func Key(name string) tea.KeyPressMsg {
	var mod tea.KeyMod
	rest := name
	for {
		switch {
		case strings.HasPrefix(rest, "ctrl+"):
			mod |= tea.ModCtrl
			rest = strings.TrimPrefix(rest, "ctrl+")
			continue
		case strings.HasPrefix(rest, "alt+"):
			mod |= tea.ModAlt
			rest = strings.TrimPrefix(rest, "alt+")
			continue
		case strings.HasPrefix(rest, "shift+"):
			mod |= tea.ModShift
			rest = strings.TrimPrefix(rest, "shift+")
			continue
		}
		break
	}
	named := map[string]rune{
		"enter": tea.KeyEnter, "esc": tea.KeyEscape, "tab": tea.KeyTab, "backspace": tea.KeyBackspace,
		"up": tea.KeyUp, "down": tea.KeyDown, "left": tea.KeyLeft, "right": tea.KeyRight,
		"pgup": tea.KeyPgUp, "pgdown": tea.KeyPgDown, "home": tea.KeyHome, "end": tea.KeyEnd,
		"delete": tea.KeyDelete,
	}
	if code, ok := named[rest]; ok {
		return tea.KeyPressMsg{Code: code, Mod: mod}
	}
	if n, err := strconv.Atoi(strings.TrimPrefix(rest, "f")); err == nil && rest[0] == 'f' && n >= 1 && n <= 20 {
		return tea.KeyPressMsg{Code: tea.KeyF1 + rune(n-1), Mod: mod}
	}
	if rest == "space" {
		return tea.KeyPressMsg{Code: tea.KeySpace, Text: " ", Mod: mod}
	}
	r := []rune(rest)[0]
	if mod != 0 {
		return tea.KeyPressMsg{Code: r, Mod: mod}
	}
	return tea.KeyPressMsg{Code: r, Text: rest}
}

// Press does what the root does with a key for one screen: its input while it is
// typing, else its actions, else Update.
func Press(s screen.Screen, name string) tea.Cmd {
	msg := Key(name)
	for _, action := range s.Actions() {
		if action.Run == nil || action.Refused != "" || (s.Typing() && !action.WhileTyping) {
			continue
		}
		for _, key := range action.Keys {
			if key == msg.String() {
				return action.Run()
			}
		}
	}
	return s.Update(msg)
}

// Run runs a command and every command of a batch or sequence, and returns the
// messages in order. Commands that wait for time, such as timers, must not be
// given to it outside a synctest bubble.
func Run(cmd tea.Cmd) []tea.Msg {
	if cmd == nil {
		return nil
	}
	msg := cmd()
	if msg == nil {
		return nil
	}
	if batch, ok := msg.(tea.BatchMsg); ok {
		var all []tea.Msg
		for _, c := range batch {
			all = append(all, Run(c)...)
		}
		return all
	}
	// A sequence's type is not exported; it is a slice of commands all the same.
	if v := reflect.ValueOf(msg); v.Kind() == reflect.Slice && v.Type().Elem() == reflect.TypeFor[tea.Cmd]() {
		var all []tea.Msg
		for i := range v.Len() {
			all = append(all, Run(v.Index(i).Interface().(tea.Cmd))...)
		}
		return all
	}
	return []tea.Msg{msg}
}

// Settle runs a command and feeds the screen's own replies back to it until
// nothing is under way. It returns the messages that were for the root.
func Settle(s screen.Screen, cmd tea.Cmd) []tea.Msg {
	var out []tea.Msg
	queue := Run(cmd)
	for len(queue) > 0 {
		msg := queue[0]
		queue = queue[1:]
		if reply, ok := msg.(screen.Reply); ok {
			queue = append(queue, Run(s.Update(reply))...)
			continue
		}
		out = append(out, msg)
	}
	return out
}

// Golden compares a frame, without its colours, with testdata/NAME.golden, and
// checks that it fills exactly width by height cells and holds no control
// characters. Run the tests with -update to rewrite the file.
func Golden(t *testing.T, name, frame string, width, height int) {
	t.Helper()
	Frame(t, frame, width, height)
	var b strings.Builder
	for line := range strings.SplitSeq(ansi.Strip(frame), "\n") {
		b.WriteString(strings.TrimRight(line, " "))
		b.WriteByte('\n')
	}
	got := b.String()
	path := filepath.Join("testdata", name+".golden")
	if *update {
		if err := os.MkdirAll("testdata", 0o750); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(got), 0o600); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatalf("%v (run the tests with -update to write it)", err)
	}
	if got != string(want) {
		t.Errorf("%s differs from what it should look like.\ngot:\n%s\nwant:\n%s", path, got, want)
	}
}

// Frame checks that a frame fills exactly width by height cells and holds no
// control character but the colours' escape sequences.
func Frame(t testing.TB, frame string, width, height int) {
	t.Helper()
	lines := strings.Split(frame, "\n")
	if len(lines) != height {
		t.Errorf("the frame has %d lines, want %d", len(lines), height)
	}
	for i, line := range lines {
		if w := cell.Width(line); w != width {
			t.Errorf("line %d is %d cells wide, want %d: %q", i+1, w, width, ansi.Strip(line))
		}
	}
	Harmless(t, frame)
}

// Harmless checks that a frame holds no control character and no escape
// sequence but those that colour text.
func Harmless(t testing.TB, frame string) {
	t.Helper()
	for i := 0; i < len(frame); i++ {
		c := frame[i]
		if c == '\x1b' {
			end := strings.IndexFunc(frame[i:], func(r rune) bool { return r >= '@' && r <= '~' && r != '[' })
			if end < 0 || !strings.HasPrefix(frame[i:], "\x1b[") || frame[i+end] != 'm' {
				t.Fatalf("an escape sequence that is not a colour reached the frame: %q", frame[i:min(len(frame), i+20)])
			}
			i += end
			continue
		}
		if (c < 0x20 && c != '\n') || c == 0x7f {
			t.Fatalf("control character %q reached the frame near %q", c, frame[max(0, i-20):min(len(frame), i+20)])
		}
	}
	for _, r := range frame {
		if r >= 0x80 && r < 0xa0 {
			t.Fatalf("control character %U reached the frame", r)
		}
	}
}
