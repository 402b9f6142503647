package tui

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/x/ansi"

	"github.com/microfox-ai/aiwctl/tui/screen"
	"github.com/microfox-ai/aiwctl/tui/screentest"
)

// questions are what a screen may ask.
func questions() map[string]screen.Confirm {
	return map[string]screen.Confirm{
		"short": {
			Title: "Replay 3 messages?", Verb: "Replay 3",
			Lines:   []string{"3 messages of aiw-fail-dlq-demo go to aiw-fail-demo.", "Stage demo, account 000000000000."},
			Command: screen.Command("dlq", "replay", "fail", "--id", "m-1", "--id", "m-2", "--id", "m-3"),
		},
		"long": {
			Title: "Delete what matches, for good, and not only what is on the screen?", Verb: "Delete 1,204",
			Lines:   strings.Split(strings.Repeat("A line of what will happen, of the length that they have.\n", 30), "\n"),
			Command: screen.Command("dlq", "delete", "fail", "--where", strings.Repeat("input.customer.id == 'c-1' && ", 12)+"true"),
		},
		"bare": {Title: "Leave and interrupt it?", Verb: "Leave", Lines: []string{"Under way: a replay of 12 messages."}},
	}
}

func TestQuestionGolden(t *testing.T) {
	t.Parallel()
	for name, ask := range questions() {
		for _, kind := range []string{"confirm", "named"} {
			for _, size := range [][2]int{{60, 20}, {80, 24}, {120, 40}, {200, 50}} {
				t.Run(fmt.Sprintf("%s-%s-%d", kind, name, size[0]), func(t *testing.T) {
					t.Parallel()
					synctest.Test(t, func(t *testing.T) {
						stage := newStage()
						stage.protection.Always, stage.protection.Origin = kind == "named", "config.yaml:3 stage demo"
						c := open(t, Config{Backend: Backend{Stage: stage}}, size[0], size[1])
						c.press("wait")
						asked := ask
						asked.Write = func(string) tea.Cmd { return nil }
						c.send(asked)
						screentest.Golden(t, fmt.Sprintf("question-%s-%s-%d", kind, name, size[0]), c.frame(), size[0], size[1])
					})
				})
			}
		}
	}
}

// Every dialog without colours and with ASCII characters only, down to the smallest
// terminal there is.
func TestDialogsMonoAndASCII(t *testing.T) {
	t.Parallel()
	open1 := map[string]func(*console){
		"help":    func(c *console) { c.press("?") },
		"narrow":  func(c *console) { c.press("?", "/"); c.typed("dead") },
		"palette": func(c *console) { c.press(":"); c.typed("or") },
		"errors":  func(c *console) { c.press("!") },
		"confirm": func(c *console) { c.send(questions()["long"]) },
	}
	for name, prepare := range open1 {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				c := open(t, Config{ASCII: true, NoColor: true}, 80, 24)
				c.press("wait")
				prepare(c)
				frame := c.frame()
				if strings.Contains(frame, "38;") || strings.Contains(frame, "48;") {
					t.Error("there are colours")
				}
				for _, r := range frame {
					if r > 0x7e {
						t.Fatalf("%q is not ASCII:\n%s", r, ansi.Strip(frame))
					}
				}
				screentest.Golden(t, "ascii-"+name+"-80", frame, 80, 24)
				for w := minWidth; w < 210; w += 13 {
					for h := minHeight; h < 55; h += 7 {
						c.send(tea.WindowSizeMsg{Width: w, Height: h})
						if frame := ansi.Strip(c.frame()); !strings.Contains(frame, "+-") || !strings.Contains(frame, "esc") && name != "confirm" {
							t.Errorf("at %dx%d the dialog is not whole:\n%s", w, h, frame)
						}
					}
				}
			})
		})
	}
}

func TestQuestionCopiesItsCommand(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		named bool
		keys  string
		says  string
	}{
		{false, "wait c", "c copies"},
		{true, "wait ctrl+y", "ctrl+y copies the command"},
	} {
		t.Run(test.keys, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				stage := newStage()
				stage.protection.Always = test.named
				c := open(t, Config{Backend: Backend{Stage: stage}}, 80, 24)
				c.press("wait")
				written := false
				ask := questions()["short"]
				ask.Write = func(string) tea.Cmd { written = true; return nil }
				c.send(ask)
				c.says("the question", "$ aiwctl dlq replay fail --id m-1", test.says)
				c.press(strings.Fields(test.keys)...)
				only(c, screen.Copy{What: "the command", Text: ask.Command})
				if written || len(c.m.dialogs) != 1 {
					t.Error("copying answered the question")
				}
				// Without a command the keys are nothing, or letters of a name.
				bare := questions()["bare"]
				bare.Write = ask.Write
				c.press("esc")
				c.send(bare)
				c.press(strings.Fields(test.keys)...)
				if n := len(asked[screen.Copy](c)); n != 1 || written {
					t.Errorf("%d copies, written %v", n, written)
				}
			})
		})
	}
}

func TestHelpGolden(t *testing.T) {
	t.Parallel()
	for name, keys := range map[string]string{"chosen": "? j", "narrowed": "? / m a r k", "none": "? / x y z", "end": "? G"} {
		for _, size := range [][2]int{{60, 20}, {80, 24}, {120, 40}, {200, 50}} {
			t.Run(fmt.Sprintf("%s-%d", name, size[0]), func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					c := open(t, Config{}, size[0], size[1])
					c.press("wait")
					openDoer(t, c)
					for _, key := range strings.Fields(keys) {
						c.press(key)
						c.frame()
					}
					screentest.Golden(t, fmt.Sprintf("help-%s-%d", name, size[0]), c.frame(), size[0], size[1])
				})
			})
		}
	}
}

func TestHelpKeys(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		keys   string
		done   string
		closed bool
		says   string
	}{
		{keys: "? enter", done: "mark", closed: true},
		{keys: "? j enter", done: "purge", closed: true},
		{keys: "? j y", says: "copied the command"},
		{keys: "? j", says: "$ aiwctl dlq delete orders --all"},
		{keys: "? j j enter", says: "Not now: nothing was done."},
		{keys: "? y"},
		{keys: "? G k k k k k enter"}, // a description of keys
		{keys: "? / i n d e n enter", says: "Indent it."}, // enter keeps what was typed
		{keys: "? / i n d e n enter enter", done: "format", closed: true},
		{keys: "? / i n d e n down up enter enter", done: "format", closed: true},
		{keys: "? / x y z", says: "No action says that."},
		{keys: "? / x y z esc enter", done: "mark", closed: true},
		{keys: "? / i n d e n enter esc j enter", done: "purge", closed: true},
		{keys: "? / q ? j y", says: "No action says that."},
		{keys: "? down up enter", done: "mark", closed: true},
		{keys: "? pgdown pgup enter", done: "mark", closed: true},
		{keys: "? G g enter", done: "mark", closed: true},
		{keys: "? q", closed: true},
		{keys: "? ?", closed: true},
		{keys: "? esc", closed: true},
		{keys: "? u", says: "Take it back."}, // the screen's own keys do nothing
		{keys: "? / e r r o r s enter enter", says: "Nothing has failed."},
		{keys: "? / w h a t space c a n enter enter", closed: true}, // the help of the help
	} {
		t.Run(test.keys, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				c := open(t, Config{}, 100, 30)
				c.press("wait")
				d := openDoer(t, c)
				c.press(strings.Fields(test.keys)...)
				if got := strings.Join(d.done, " "); got != test.done {
					t.Errorf("did %q, want %q", got, test.done)
				}
				if closed := len(c.m.dialogs) == 0; closed != test.closed {
					t.Errorf("closed: %v\n%s", closed, ansi.Strip(c.frame()))
				}
				c.says("then", test.says)
				if len(c.m.stack) != 2 || c.quit {
					t.Error("the screen was left")
				}
			})
		})
	}
	t.Run("read-only", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			stage := newStage()
			stage.target.ReadOnly = true
			c := open(t, Config{Backend: Backend{Stage: stage}}, 100, 30)
			c.press("wait")
			d := openDoer(t, c)
			c.press("?", "j", "enter")
			c.says("the help", "Refused: this stage is read-only.")
			if len(d.done) > 0 {
				t.Errorf("did %q", d.done)
			}
		})
	})
}

// Each action of the help is reached by going down, and seen.
func TestHelpScrolls(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := open(t, Config{}, 60, 15)
		c.press("wait", "?")
		seen := map[string]bool{}
		for range 40 {
			lines := strings.Split(ansi.Strip(c.frame()), "\n")
			marked := 0
			for _, line := range lines {
				if _, rest, ok := strings.Cut(line, "│ ▌ "); ok {
					seen[strings.Fields(rest)[0]] = true
					marked++
				}
			}
			if marked == 0 {
				t.Fatalf("the cursor is off the screen:\n%s", ansi.Strip(c.frame()))
			}
			c.press("j")
		}
		for _, key := range []string{"d", "/", "S", "g", "?", ":", "!", "esc", "ctrl+c", "enter", "c"} {
			if !seen[key] {
				t.Errorf("%s was never under the cursor", key)
			}
		}
	})
}
