package tui

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/x/ansi"

	"github.com/microfox-ai/aiwctl/aws/settings"
	"github.com/microfox-ai/aiwctl/tui/bindings"
	"github.com/microfox-ai/aiwctl/tui/screen"
)

// keymap is what a file binds to the actions of a doer and of everywhere.
func keymap(t *testing.T, text string) (*screen.Keymap, []error) {
	t.Helper()
	table := bindings.Table()
	table = slices.DeleteFunc(table, func(a bindings.Action) bool { return a.Kind != screen.KindEverywhere })
	for _, a := range newDoer(0).actions {
		table = append(table, bindings.Action{Kind: "probe", ID: a.ID, Keys: a.Keys, WhileTyping: a.WhileTyping, Writes: a.Writes, Help: a.Help})
	}
	file, err := settings.Parse("/home/me/config.yaml", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return checked(table, file)
}

func checked(table []bindings.Action, file *settings.File) (*screen.Keymap, []error) {
	keys, wrong := bindings.Check(table, file)
	var faults []error
	for _, e := range wrong {
		faults = append(faults, e)
	}
	return keys, faults
}

// openBound is a console with a doer, on keys that a file binds.
func openBound(t *testing.T, text string) (*console, *doer) {
	t.Helper()
	keys, faults := keymap(t, text)
	c := open(t, Config{Keys: keys, KeyFaults: faults}, 100, 30)
	c.press("wait")
	return c, openDoer(t, c)
}

const bound = `keys:
  probe: {mark: [space, m], purge-all: ctrl+r, undo: [], format: alt+f}
  everywhere: {help: f1, quit: Q, errors: E, palette: f2}
`

// The bound key does it, the standard one nothing any more, and every text shows the
// bound one.
func TestRebound(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		keys string
		done string
		says []string
		not  []string
	}{
		{keys: "m space", done: "mark mark"},
		{keys: "ctrl+r D", done: "purge"},
		{keys: "alt+f ctrl+o", done: "format"},
		{keys: "u", says: []string{"ctrl+r purge", "alt+f format", "f1 help", "Q back"}, not: []string{"D purge", "? help", "q back", "undo"}},
		{keys: "f1", says: []string{"space m", "ctrl+r", "alt+f", "f1", "f2", "E"}, not: []string{"ctrl+p"}},
		{keys: "f1 f1 m", done: "mark"}, // the key that opened the help closes it
		{keys: "f1 ? q m", done: "mark"},
		{keys: "?", not: []string{"Everywhere"}},
		{keys: "f2", says: []string{"Go to, or do", "space m", "ctrl+r"}},
		{keys: ":", not: []string{"Go to, or do"}},
		{keys: "ctrl+p", not: []string{"Go to, or do"}},
		{keys: "f2 u n d o enter", says: []string{"nothing was done"}}, // without a key, it has its name
		{keys: "E", says: []string{"Nothing has failed."}},
		{keys: "E E m", done: "mark"},
		{keys: "q", says: []string{"Doer"}},
	} {
		t.Run(test.keys, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				c, d := openBound(t, bound)
				c.press(strings.Fields(test.keys)...)
				if got := strings.Join(d.done, " "); got != test.done || c.quit {
					t.Errorf("did %q, want %q; quit %v", got, test.done, c.quit)
				}
				c.says("then", test.says...)
				c.silentAbout("then", test.not...)
			})
		})
	}
	synctest.Test(t, func(t *testing.T) {
		c, _ := openBound(t, bound)
		c.send(screen.Task{ID: "1", Text: "replay", Done: true, Err: errors.New("denied")})
		c.says("after a failure", "denied E errors")
		c.press("Q", "Q")
		if !c.quit {
			t.Error("Q twice does not quit")
		}
	})
	synctest.Test(t, func(t *testing.T) {
		c, _ := openBound(t, bound)
		c.send(tea.WindowSizeMsg{Width: 40, Height: 10})
		c.says("a small terminal", "Q quits.")
		c.press("q")
		if c.quit {
			t.Error("q quits though Q is bound to it")
		}
		c.press("Q")
		if !c.quit {
			t.Error("Q does not quit")
		}
	})
}

// A key that types is typed wherever something is typed, whatever it is bound to; one
// that types nothing works there.
func TestReboundWhileTyping(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c, d := openBound(t, "keys:\n  everywhere: {palette: P, help: f1}\n")
		d.typing = true
		c.press("P")
		if len(c.m.dialogs) > 0 || !d.saw(tea.KeyPressMsg{Code: 'P', Text: "P"}) {
			t.Error("P was not typed")
		}
		c.press("f1")
		c.says("f1", "Everywhere")
		c.press("esc")
		d.typing = false
		c.press("P")
		c.says("P", "Go to, or do")
	})
}

// Faulty bindings are left out and told; the console opens, with the others.
func TestFaultyBindings(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c, d := openBound(t, `keys:
  probe: {mark: D, purge-all: ctrl+m, format: f, undo: U}
  nowhere: {x: y}
  everywhere: {help: u}
`)
		c.send(tea.WindowSizeMsg{Width: 200, Height: 40})
		c.says("the task line", "config: /home/me/config.yaml:2:17: keys: D for mark of probe is taken", "! errors")
		c.press("!")
		c.says("the list",
			"/home/me/config.yaml:2:17: keys: D for mark of probe is taken: probe has it for purge-all",
			"/home/me/config.yaml:2:31: keys: terminals cannot tell ctrl+m from enter",
			"/home/me/config.yaml:2:47: keys: format of probe works while typing, and f is typed",
			"/home/me/config.yaml:3:3: keys: there is no screen \"nowhere\"",
		)
		c.press("esc")
		c.press("space", "D", "ctrl+o", "U")
		if got := strings.Join(d.done, " "); got != "mark purge format" {
			t.Errorf("did %q", got)
		}
		c.says("U", "undo: nothing was done")
		// u was undo's, which has given it up: the help may have it.
		c.press("u")
		c.says("u", "Everywhere")
	})
	synctest.Test(t, func(t *testing.T) {
		c, _ := openBound(t, "keys:\n  everywhere: {help: [], quit: [], palette: []}\n")
		frame := ansi.Strip(c.frame())
		if strings.Contains(frame, "help") || strings.Contains(frame, "q back") {
			t.Errorf("the footer names keys that there are not:\n%s", frame)
		}
		if key := c.m.env.Key(screen.KindEverywhere, idHelp, "?"); key != ":help" {
			t.Errorf("texts name the help's key %q", key)
		}
		c.press("?", "q", ":", "ctrl+c")
		if !c.quit {
			t.Error("ctrl+c does not quit")
		}
	})
}

// Every action of the table is there under the name that the file would use, and what
// its own keys are is no fault.
func TestTableBindsToItself(t *testing.T) {
	t.Parallel()
	var text strings.Builder
	text.WriteString("keys:\n")
	for _, kind := range bindings.Kinds() {
		head := "  " + string(kind) + ":\n"
		for _, a := range bindings.Table() {
			if a.Kind != kind || a.ID == "" {
				continue
			}
			text.WriteString(head + "    " + a.ID + ": ['" + strings.ReplaceAll(strings.Join(a.Keys, "','"), "''", "") + "']\n")
			head = ""
		}
	}
	file, err := settings.Parse("c.yaml", []byte(text.String()))
	if err != nil {
		t.Fatal(err)
	}
	if _, faults := checked(bindings.Table(), file); len(faults) > 0 {
		t.Errorf("%v\n%s", faults, text.String())
	}
}
