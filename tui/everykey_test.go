package tui

import (
	"flag"
	"fmt"
	"hash/fnv"
	"maps"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/charmbracelet/x/ansi"

	"github.com/microfox-ai/aiwctl/tui/screen"
)

// Every key is pressed in every screen, dialog and input, in the states that the
// screens' own keys lead to. Screens are found by the messages that open them and keys
// by their Actions, so that a new one is pressed too.

// deep goes two of any of a screen's keys before every key is pressed, instead of one of
// some of them: there are hundreds of such states.
var deep = flag.Bool("deep", false, "press every key in all states that one and two keys lead to")

// place is a state of the console: a screen, and the keys that were pressed in it.
type place struct {
	kind    screen.Kind
	setting setting
	mode    string // "data", "opening", "failing"
	keys    []string
}

func (p place) String() string {
	return strings.TrimSpace(string(p.kind) + " " + p.mode + " " + strings.Join(p.keys, " "))
}

// with runs fn on a console of its own that is at the place; fn is not run when there
// is no such screen.
func (p place) with(t *testing.T, fn func(*person)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		someone := newPerson(t, p.setting)
		someone.pass(2 * time.Second)
		if p.mode == "failing" {
			someone.cloud.set("*", fails)
		}
		if !someone.goTo(p.kind) {
			return
		}
		if p.mode != "opening" {
			someone.pass(4 * time.Second)
		}
		for _, key := range p.keys {
			someone.frame() // screens learn their size from being drawn
			someone.tap(key)
			someone.pass(time.Second) // nobody reads a question sooner
		}
		someone.settle()
		someone.frame()
		fn(someone)
	})
}

// found is what a place is: what can be done there.
type found struct {
	there   bool
	look    look
	dialog  string // what kind of dialog is open
	title   string
	typing  bool
	actions []screen.Action
	global  []screen.Action
}

func (p place) find(t *testing.T) (f found) {
	t.Helper()
	p.with(t, func(someone *person) {
		f = someone.here(p.kind)
		f.look = someone.look()
	})
	return f
}

// here is what can be done now; there says whether this is a screen of that kind.
func (p *person) here(kind screen.Kind) found {
	return found{
		there: p.m.visible().Kind() == kind, title: p.m.visible().Title(), typing: p.m.visible().Typing(),
		actions: p.offered(), global: p.everywhere(), dialog: p.dialog(),
	}
}

// kind of place, for what may happen there.
func (f found) in() string {
	switch {
	case f.dialog != "":
		return "dialog"
	case f.typing:
		return "input"
	}
	return "screen"
}

// signature tells states apart by what can be done in them.
func (f found) signature() string {
	if f.dialog != "" {
		return f.dialog
	}
	parts := []string{f.in(), f.title}
	for _, a := range f.actions {
		parts = append(parts, fmt.Sprint(a.Keys, a.Refused != ""))
	}
	return strings.Join(parts, "\x00")
}

// allKeys are printable ASCII and the keys with names, beside those of the actions.
func allKeys(more ...screen.Action) []string {
	var keys []string
	for r := '!'; r <= '~'; r++ {
		keys = append(keys, string(r))
	}
	keys = append(keys, "space", "enter", "esc", "tab", "shift+tab", "backspace", "delete", "up", "down", "left", "right",
		"home", "end", "pgup", "pgdown", "shift+up", "shift+down", "shift+left", "shift+right", "alt+enter", "alt+left", "alt+right",
		"ctrl+home", "ctrl+end", "alt+b", "alt+x")
	for r := 'a'; r <= 'z'; r++ {
		keys = append(keys, "ctrl+"+string(r))
	}
	for _, a := range more {
		for _, key := range a.Keys {
			if !slices.Contains(keys, key) {
				keys = append(keys, key)
			}
		}
	}
	return keys
}

// state is a place and what it is.
type state struct {
	place
	found
}

// explore finds the places of one kind of screen: its modes, and where one key of its
// own leads from its data, itself or a dialog.
func explore(t *testing.T, kind screen.Kind) map[string]state {
	t.Helper()
	states, seen := map[string]state{}, map[string]bool{}
	note := func(p place) (found, bool) {
		f := p.find(t)
		if !f.there || f.look.quit || seen[f.signature()] {
			return f, false
		}
		seen[f.signature()] = true
		states[p.String()] = state{p, f}
		return f, true
	}
	first, _ := note(place{kind: kind, mode: "data"})
	if !first.there {
		return nil
	}
	for _, p := range []place{
		{kind: kind, mode: "opening"}, {kind: kind, mode: "failing"}, {kind: kind, mode: "data", setting: setting{empty: true}},
	} {
		note(p)
	}
	var next func(from found, keys []string, depth int)
	next = func(from found, keys []string, depth int) {
		for _, a := range append(slices.Clone(from.actions), from.global...) {
			if a.Run == nil || a.Refused != "" {
				continue
			}
			p := place{kind: kind, mode: "data", keys: append(slices.Clone(keys), a.Keys[0])}
			// A filter is what people type into most.
			if !*deep && a.Keys[0] != "/" && !p.turn("") {
				continue
			}
			f, fresh := note(p)
			if fresh && depth > 1 && f.in() == "screen" && f.title == from.title {
				next(f, p.keys, depth-1)
			}
		}
	}
	steps := 1
	if *deep {
		steps = 2
	}
	next(first, nil, steps)
	return states
}

var (
	idPattern = regexp.MustCompile(`^[a-z][a-z0-9]*(-[a-z0-9]+)*$`)
	// moving are the letters that move somewhere, with ctrl held down.
	moving = []string{"ctrl+d", "ctrl+u", "ctrl+f", "ctrl+b", "ctrl+n", "ctrl+p", "ctrl+e", "ctrl+y", "ctrl+a", "ctrl+k", "ctrl+j", "ctrl+h", "ctrl+l"}
)

// mentioned are the keys that the help names: those of the table, and those that a
// sentence of it speaks of.
func (f found) mentioned() map[string]bool {
	keys := map[string]bool{"ctrl+c": true}
	for _, a := range append(slices.Clone(f.actions), f.global...) {
		for _, key := range a.Keys {
			keys[key] = true
		}
		words := strings.FieldsFunc(a.Help, func(r rune) bool { return strings.ContainsRune(" ,;.:()", r) })
		for _, word := range words {
			keys[word] = true
		}
		if strings.Contains(a.Help, "arrow") {
			for _, key := range []string{"up", "down", "left", "right"} {
				keys[key] = true
			}
		}
	}
	// What the help says of every list and text.
	for of, same := range map[string][]string{
		"j": {"down", "pgdown"}, "k": {"up", "pgup"}, "g": {"home", "ctrl+home"}, "G": {"end", "ctrl+end"}, "J": {"shift+down"}, "K": {"shift+up"},
		"ctrl+d": {"pgdown", "ctrl+f"}, "ctrl+u": {"pgup", "ctrl+b"},
	} {
		if keys[of] {
			for _, key := range same {
				keys[key] = true
			}
		}
	}
	return keys
}

// effects says of each key of a kind of screen whether it ever did anything.
type effects struct {
	mu   sync.Mutex
	done map[string]bool
}

// had is whether a key did something somewhere.
func (e *effects) had(kind screen.Kind, key string) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.done[string(kind)+": "+key]
}

func (e *effects) note(kind screen.Kind, key string, did bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	at := string(kind) + ": " + key
	e.done[at] = e.done[at] || did
}

func TestEveryKey(t *testing.T) {
	t.Parallel()
	effects := &effects{done: map[string]bool{}}
	t.Run("in", func(t *testing.T) {
		for kind := range places() {
			t.Run(string(kind), func(t *testing.T) {
				t.Parallel()
				found := explore(t, kind)
				if found == nil {
					t.Fatal("the console has no such screen")
				}
				for _, name := range slices.Sorted(maps.Keys(found)) {
					t.Run(name, func(t *testing.T) {
						t.Parallel()
						pressAll(t, found[name].place, found[name].found, effects)
					})
				}
			})
		}
	})
	for _, key := range slices.Sorted(maps.Keys(effects.done)) {
		if kind, key, _ := strings.Cut(key, ": "); !effects.had(screen.Kind(kind), key) && !actsAfter(t, screen.Kind(kind), key) {
			t.Errorf("%s: %s is in the help and did nothing in any state", kind, key)
		}
	}
}

// actsAfter says whether a key does something after another of the screen's own, with one
// of its action's other keys between: "left" in the pane that "tab" leads to, after "right".
func actsAfter(t *testing.T, kind screen.Kind, key string) (did bool) {
	t.Helper()
	p := place{kind: kind, mode: "data"}
	f := p.find(t)
	var siblings []string
	for _, a := range f.actions {
		if slices.Contains(a.Keys, key) {
			siblings = a.Keys
		}
	}
	for _, first := range f.actions {
		if first.Run == nil || first.Refused != "" {
			continue
		}
		between := append([]string{""}, siblings...)
		for len(between) > 0 {
			p.with(t, func(someone *person) {
				someone.tap(first.Keys[0])
				someone.frame()
				for len(between) > 0 { // what does nothing leaves the state as it is
					sibling := between[0]
					between = between[1:]
					if sibling != "" {
						someone.tap(sibling)
					}
					now := someone.here(kind)
					if !now.there || now.in() != "screen" {
						return
					}
					before := someone.look()
					if someone.tapShown(key) != before.frame || someone.look() != before {
						did, between = true, nil
					}
				}
			})
		}
		if did {
			return true
		}
	}
	return false
}

// turn says whether it is a key's turn in this place, without -deep: of the keys that no
// action has, each of the states that a key leads to gets a sixth, and all of them
// together every one. Whether a place has a turn at all is asked with no key.
func (p place) turn(key string) bool {
	h := fnv.New32a()
	_, _ = h.Write([]byte(key + "\x00" + p.String()))
	return h.Sum32()%6 == 0
}

func pressAll(t *testing.T, p place, f found, effects *effects) {
	if f.in() == "screen" {
		wellFormed(t, f)
	}
	table := map[string]bool{}
	for i, a := range append(slices.Clone(f.actions), f.global...) {
		for _, key := range a.Keys {
			if i < len(f.actions) || a.Run != nil { // what is said of all lists and texts is no promise of each
				table[key] = true
			}
		}
	}
	mentioned := f.mentioned()
	rest := allKeys(f.actions...)
	if !*deep && f.in() != "input" && len(p.keys) > 0 {
		rest = slices.DeleteFunc(rest, func(key string) bool { return !table[key] && !p.turn(key) })
	}
	again := "" // a key that did nothing where another had been pressed before
	for len(rest) > 0 {
		p.with(t, func(someone *person) {
			someone.below = f.in() == "dialog"
			before, was := someone.look(), someone.here(p.kind).signature()
			began := before
			for len(rest) > 0 {
				key := rest[0]
				shown := before.frame
				if table[key] && !effects.had(p.kind, key) {
					shown = someone.tapShown(key) // "reading", where an answer takes time
				} else {
					someone.tap(key)
				}
				after := someone.look()
				changed := after != before || shown != before.frame
				switch f.in() {
				case "input":
					// A second refusal looks like the first: press it where none was.
					if (len(key) == 1 || key == "space") && !changed && again != key && rest[0] == key {
						again = key
						return
					}
					typed(t, key, before, after)
				case "dialog":
					inDialog(t, key, before, after)
				case "screen":
					if table[key] {
						effects.note(p.kind, key, changed)
					} else if changed && !mentioned[key] {
						t.Errorf("%s is not in the help and does something:\n%s", key, whatChanged(before, after))
					}
				}
				rest = rest[1:]
				if after.quit || after.writes != before.writes {
					return // begin again from where this began
				}
				if someone.here(p.kind).signature() != was {
					if !someone.back(p.kind, was, began) {
						return
					}
					after = someone.look()
				}
				before = after
			}
		})
	}
	if f.in() == "screen" {
		pressPairs(t, p, f, effects)
	}
}

// back leaves where a key led to, the way a person does; it is false when that does not
// lead to where this began, as far as anyone can see: what was a state is one again,
// and a console need not be opened for it.
func (p *person) back(kind screen.Kind, was string, began look) bool {
	for _, key := range []string{"backspace", "esc"} {
		if key == "esc" == began.typing {
			continue // it leaves an input, and backspace takes from one
		}
		p.tap(key)
		if p.quit {
			return false
		}
		now := p.look()
		now.said = began.said
		if now == began && p.here(kind).signature() == was {
			return true
		}
	}
	return false
}

// pressPairs presses what did nothing after each key of the same action: one that goes up
// does nothing at the top.
func pressPairs(t *testing.T, p place, f found, effects *effects) {
	for _, a := range f.actions {
		for _, key := range a.Keys {
			others := slices.DeleteFunc(slices.Clone(a.Keys), func(other string) bool { return other == key })
			for len(others) > 0 && !effects.had(p.kind, key) {
				p.with(t, func(someone *person) {
					was := someone.here(p.kind).signature()
					for len(others) > 0 && !effects.had(p.kind, key) && someone.here(p.kind).signature() == was {
						someone.tap(others[0])
						others = others[1:]
						before := someone.look()
						shown := someone.tapShown(key)
						effects.note(p.kind, key, someone.look() != before || shown != before.frame)
					}
				})
			}
		}
	}
}

// typed judges a key pressed in an input: text stays text.
func typed(t *testing.T, key string, before, after look) {
	t.Helper()
	if len(key) > 1 && key != "space" {
		return
	}
	switch {
	case after.quit:
		t.Errorf("typing %s quits", key)
	case after.depth != before.depth || after.title != before.title:
		t.Errorf("typing %s leaves for %q", key, after.title)
	case after.dialogs != before.dialogs:
		t.Errorf("typing %s opens or closes a dialog", key)
	case after.writes != before.writes:
		t.Errorf("typing %s writes to the stage", key)
	case after.said != before.said:
		t.Errorf("typing %s does something beside changing the text", key)
	case !after.typing:
		t.Errorf("typing %s ends the typing", key)
	case after == before:
		t.Errorf("typing %s changes nothing and is not refused with a word", key)
	}
}

// inDialog judges a key pressed in a dialog: nothing gets to the screen below, and only
// an answer is one.
func inDialog(t *testing.T, key string, before, after look) {
	t.Helper()
	if key == "ctrl+c" {
		return
	}
	if after.quit {
		t.Errorf("%s in a dialog quits", key)
	}
	answer := key == "y" || key == "enter"
	if !answer && after.writes != before.writes {
		t.Errorf("%s in a dialog writes to the stage", key)
	}
	if !answer && (after.body != before.body || after.title != before.title || after.depth != before.depth) {
		t.Errorf("%s in a dialog reaches the screen below:\n%s", key, whatChanged(before, after))
	}
}

// wellFormed judges a table of actions.
func wellFormed(t *testing.T, f found) {
	t.Helper()
	by, ids := map[string]string{}, map[string]bool{}
	for i, a := range append(slices.Clone(f.actions), f.global...) {
		name := strings.Join(a.Keys, " ")
		if len(a.Keys) == 0 || strings.TrimSpace(a.Help) == "" {
			t.Errorf("action %q (%s) lacks keys or help", a.Label, name)
		}
		if !a.Hidden && a.Label == "" && a.Run != nil {
			t.Errorf("%s is shown in the footer and has no label", name)
		}
		if a.ID != "" {
			if !idPattern.MatchString(a.ID) {
				t.Errorf("%s: the ID %q is not lower case with hyphens", name, a.ID)
			}
			if ids[a.ID] {
				t.Errorf("two actions have the ID %q", a.ID)
			}
			ids[a.ID] = true
		}
		for _, key := range a.Keys {
			if a.Writes && slices.Contains(moving, key) {
				t.Errorf("%s writes, and is a key that moves elsewhere", key)
			}
			// The screen's own keys come before the root's: esc for an inner state, say.
			if other, taken := by[key]; taken && i < len(f.actions) {
				t.Errorf("%s is both %q and %q", key, other, a.Help)
			}
			by[key] = a.Help
		}
	}
}

// whatChanged shows what changed, for a message.
func whatChanged(before, after look) string {
	if before.frame == after.frame {
		return fmt.Sprintf("screens %d -> %d, dialogs %d -> %d, messages %d -> %d, writes %d -> %d, quit %v",
			before.depth, after.depth, before.dialogs, after.dialogs, before.said, after.said, before.writes, after.writes, after.quit)
	}
	var b strings.Builder
	is := strings.Split(after.frame, "\n")
	for i, line := range strings.Split(before.frame, "\n") {
		if i < len(is) && line != is[i] {
			fmt.Fprintf(&b, "- %s\n+ %s\n", ansi.Strip(line), ansi.Strip(is[i]))
		}
	}
	return b.String()
}

// On a read-only stage whatever writes is refused with that reason, whichever screen it
// is on, and no key at all writes.
func TestEveryWriteIsRefusedWhenReadOnly(t *testing.T) {
	t.Parallel()
	for kind := range places() {
		t.Run(string(kind), func(t *testing.T) {
			t.Parallel()
			p := place{kind: kind, mode: "data", setting: setting{readOnly: true}}
			f := p.find(t)
			if !f.there {
				t.Skip("the console has no such screen, or not on a read-only stage")
			}
			rest := allKeys(f.actions...)
			for len(rest) > 0 {
				p.with(t, func(someone *person) {
					for len(rest) > 0 {
						key := rest[0]
						rest = rest[1:]
						before := someone.look()
						someone.tap(key)
						someone.pass(time.Second)
						if someone.quit {
							return
						}
						for _, a := range f.actions {
							if a.Writes && slices.Contains(a.Keys, key) {
								if frame := ansi.Strip(someone.frame()); !strings.Contains(frame, "this stage is read-only") || someone.depth() != before.depth {
									t.Errorf("%s was not refused with the reason:\n%s", key, frame)
								}
							}
						}
						for _, yes := range []string{"y", "tab", "enter"} {
							if len(someone.m.dialogs) > 0 {
								someone.tap(yes)
								someone.pass(time.Second)
							}
						}
						if n := someone.cloud.wrote(); n > 0 {
							t.Fatalf("%s wrote to a read-only stage", key)
						}
						if after := someone.look(); after.depth != before.depth || after.dialogs > 0 || after.typing != before.typing {
							return
						}
					}
				})
			}
		})
	}
}
