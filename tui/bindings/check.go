package bindings

import (
	"fmt"
	"slices"
	"strings"

	"github.com/microfox-ai/aiwctl/aws/settings"
	"github.com/microfox-ai/aiwctl/tui/screen"
)

// Check makes a keymap of what a file binds. What is wrong is left out of it, and told
// with its place; the keymap is nil when nothing is bound.
//
// A binding is left out whole when one of its keys is no good, or is taken: by another
// action of the same screen, by one that works everywhere, by one that was bound
// earlier in the file. Keys that actions share of their own, in states of a screen that
// are never there together, are nobody's fault.
func Check(table []Action, file *settings.File) (*screen.Keymap, []*settings.Error) {
	c := &checker{table: table, file: file}
	c.faults = append(c.faults, file.KeyFaults...)
	for _, b := range file.Keys {
		if w, ok := c.wish(b); ok {
			c.wishes = append(c.wishes, w)
		}
	}
	for c.leaveOutOne() {
	}
	slices.SortStableFunc(c.faults, func(a, b *settings.Error) int {
		if a.Line != b.Line {
			return a.Line - b.Line
		}
		return a.Column - b.Column
	})
	if len(c.wishes) == 0 {
		return nil, c.faults
	}
	bound := map[screen.Kind]map[string][]string{}
	for _, w := range c.wishes {
		if bound[w.Kind] == nil {
			bound[w.Kind] = map[string][]string{}
		}
		bound[w.Kind][w.ID] = w.keys
	}
	return &screen.Keymap{Bound: bound}, c.faults
}

type checker struct {
	table  []Action
	file   *settings.File
	wishes []wish // in the file's order
	faults []*settings.Error
}

// wish is a binding of an action that there is, to keys that there are.
type wish struct {
	Action
	at   settings.Word // where it is written
	keys []string
	ats  []settings.Word // where each key is written
}

func (c *checker) fault(at settings.Word, format string, args ...any) {
	c.faults = append(c.faults, c.file.Fault(at, "keys: "+fmt.Sprintf(format, args...)))
}

// wish finds what a binding is about.
func (c *checker) wish(b settings.Binding) (w wish, ok bool) {
	var kinds, ids []string
	for _, a := range c.table {
		if !slices.Contains(kinds, string(a.Kind)) {
			kinds = append(kinds, string(a.Kind))
		}
		if string(a.Kind) == b.Screen.Text && a.ID != "" {
			ids = append(ids, a.ID)
			if a.ID == b.Action.Text {
				w.Action, ok = a, true
			}
		}
	}
	switch {
	case ok:
	case !slices.Contains(kinds, b.Screen.Text):
		c.fault(b.Screen, "there is no screen %q%s", b.Screen.Text, nearest(b.Screen.Text, kinds))
		return w, false
	default:
		c.fault(b.Action, "%s has no action %q%s", b.Screen.Text, b.Action.Text, c.elsewhere(b, ids))
		return w, false
	}
	w.at = b.Action
	for _, k := range b.Keys {
		key, err := KeyName(k.Text)
		switch {
		case err != nil:
			c.fault(k, "%v", err)
			return w, false
		case w.WhileTyping && w.Kind != screen.KindEverywhere && types(key) && !slices.Contains(w.Keys, key):
			c.fault(k, "%s of %s works while typing, and %s is typed: choose a key with ctrl or alt, or one like f1", w.ID, w.Kind, key)
			return w, false
		}
		if !slices.Contains(w.keys, key) {
			w.keys, w.ats = append(w.keys, key), append(w.ats, k)
		}
	}
	return w, true
}

// elsewhere says what may have been meant by an action that a screen has not.
func (c *checker) elsewhere(b settings.Binding, ids []string) string {
	if text := settings.DidYouMean(b.Action.Text, ids); text != "" {
		return text
	}
	for _, a := range c.table {
		if a.ID == b.Action.Text {
			return fmt.Sprintf("; %s has", a.Kind)
		}
	}
	return "; `aiwctl config keys` lists what there is"
}

func nearest(word string, known []string) string {
	if text := settings.DidYouMean(word, known); text != "" {
		return text
	}
	return "; there are: " + strings.Join(known, ", ")
}

// leaveOutOne takes out the first binding that cannot stay; it is false when all can.
// What it takes out gives its action's own keys back, which others may have wanted.
func (c *checker) leaveOutOne() bool {
	for i, w := range c.wishes {
		for k, key := range w.keys {
			why := c.taken(w, i, key)
			if why == "" {
				continue
			}
			c.fault(w.ats[k], "%s for %s of %s is taken: %s", key, w.ID, w.Kind, why)
			c.wishes = slices.Delete(c.wishes, i, i+1)
			return true
		}
	}
	return false
}

// taken says who has a key that the i-th wish wants; empty when nobody has.
func (c *checker) taken(w wish, i int, key string) string {
	if slices.Contains(w.Keys, key) {
		return "" // its own: who shares it does so by design
	}
	if moves(key) {
		return "it moves the cursor"
	}
	for _, a := range c.table {
		global := a.Kind == screen.KindEverywhere
		if a.Kind == w.Kind && a.ID == w.ID && a.ID != "" || a.Kind != w.Kind && !global && w.Kind != screen.KindEverywhere {
			continue
		}
		keys, at := a.Keys, -1
		for j, other := range c.wishes {
			if a.ID != "" && other.Kind == a.Kind && other.ID == a.ID {
				keys, at = other.keys, j
			}
		}
		if !slices.Contains(keys, key) || at > i {
			continue // what is bound to it later in the file is told then
		}
		return c.holder(a, at)
	}
	return ""
}

func (c *checker) holder(a Action, at int) string {
	if a.ID == "" {
		return fmt.Sprintf("%s has it (%s)", a.Kind, strings.TrimSuffix(a.Help, "."))
	}
	text := fmt.Sprintf("%s has it for %s", a.Kind, a.ID)
	if at >= 0 {
		return fmt.Sprintf("%s, by line %d", text, c.wishes[at].at.Line)
	}
	return text + "; bind that to another key as well"
}

// moves is whether a key moves the cursor on every screen.
func moves(key string) bool {
	switch key {
	case "up", "down", "left", "right", "pgup", "pgdown", "home", "end":
		return true
	}
	return false
}
