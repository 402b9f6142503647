package tui

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	tea "charm.land/bubbletea/v2"

	"github.com/microfox-ai/aiwctl/tui/bindings"
	"github.com/microfox-ai/aiwctl/tui/screen"
	"github.com/microfox-ai/aiwctl/tui/screentest"
)

const howToUpdate = "run `go test ./tui -run TestKeyTable -update` and commit tui/bindings/table.txt"

// The table by which people bind keys has every action of every screen. It is written
// from two sides: the screens' sources, which have the actions of all states, and the
// screens as they run, which have what is computed.
func TestKeyTable(t *testing.T) {
	rows := readActions(t)
	for _, a := range runActions(t) {
		rows = append(rows, tableRow{Action: a, at: "the screen as it runs"})
	}
	var table []tableRow
	for _, kind := range append(bindings.Kinds(), "") {
		for _, a := range rows {
			if a.Kind == kind || kind == "" && !slices.Contains(bindings.Kinds(), a.Kind) {
				table = merged(table, a)
			}
		}
	}
	lawful(t, table)
	var actions []bindings.Action
	for _, a := range table {
		if a.ID == "" && len(a.Keys) == 0 {
			continue
		}
		actions = append(actions, a.Action)
	}
	got, path := bindings.Format(actions), filepath.Join("bindings", "table.txt")
	if screentest.Updating() {
		if err := os.WriteFile(path, []byte(got), 0o600); err != nil {
			t.Fatal(err)
		}
		return
	}
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if want := string(text); got != want {
		t.Errorf("the table of actions is not what the screens have; %s:\n%s", howToUpdate, tableDifference(want, got))
	}
}

// merged adds a row, or what it says to the row of the same action.
func merged(table []tableRow, a tableRow) []tableRow {
	for i := range table {
		b := &table[i]
		if a.Kind != b.Kind || a.ID != b.ID || a.ID == "" && (!slices.Equal(a.Keys, b.Keys) || a.Help != b.Help && a.at == b.at) {
			continue
		}
		for _, key := range a.Keys {
			if !slices.Contains(b.Keys, key) {
				b.Keys = append(b.Keys, key)
			}
		}
		b.WhileTyping, b.Writes = b.WhileTyping || a.WhileTyping, b.Writes || a.Writes
		if b.Help == "" {
			b.Help = a.Help
		}
		return table
	}
	return append(table, a)
}

// lawful holds actions to what the table and the people who read it rely on.
func lawful(t *testing.T, table []tableRow) {
	t.Helper()
	id := regexp.MustCompile(`^[a-z0-9]+(-[a-z0-9]+)*$`)
	everywhere := map[string]string{}
	for _, a := range table {
		if a.Kind == screen.KindEverywhere {
			for _, key := range a.Keys {
				everywhere[key] = a.ID
			}
		}
	}
	for _, a := range table {
		if a.ID != "" && !id.MatchString(a.ID) {
			t.Errorf("%s: %s %q: an ID is in lower case with hyphens", a.at, a.Kind, a.ID)
		}
		if a.ID != "" && len(a.Keys) == 0 {
			t.Errorf("%s: %s %s: its keys are not to be found: write them as a literal, Keys: []string{\"x\"}", a.at, a.Kind, a.ID)
		}
		for _, key := range a.Keys {
			if name, err := bindings.KeyName(key); a.ID != "" && (err != nil || name != key) {
				t.Errorf("%s: %s %s: its key %q is no good: %v %s", a.at, a.Kind, a.ID, key, err, name)
			}
			global := everywhere[key]
			// An inner state may be left by the keys that leave a screen, and ctrl+p is
			// the palette's only where nobody else wants it.
			if a.Kind != screen.KindEverywhere && global != "" && global != idBack && global != idQuit && key != "ctrl+p" {
				t.Errorf("%s: %s %s takes %s, which is %s everywhere", a.at, a.Kind, a.ID, key, global)
			}
		}
	}
}

// tableDifference are the lines that only one of two texts has.
func tableDifference(before, after string) string {
	var b strings.Builder
	lines := func(text string) []string { return strings.Split(text, "\n") }
	for _, line := range lines(before) {
		if !slices.Contains(lines(after), line) {
			fmt.Fprintf(&b, "-%s\n", line)
		}
	}
	for _, line := range lines(after) {
		if !slices.Contains(lines(before), line) {
			fmt.Fprintf(&b, "+%s\n", line)
		}
	}
	if b.Len() == 0 {
		return "the order of the lines\n"
	}
	return b.String()
}

// runActions opens every screen there is, presses each of its keys once, and notes the
// actions it has by then.
func runActions(t *testing.T) []bindings.Action {
	t.Helper()
	opening := []tea.Msg{
		nil, // the first screen
		screen.OpenWorker{WorkerID: "fail"},
		screen.OpenDispatch{WorkerID: "fail"},
		screen.OpenJob{JobID: "job-1", WorkerID: "fail"},
		screen.OpenLogs{WorkerIDs: []string{"fail", "orders"}},
		screen.OpenDead{WorkerID: "fail"},
		screen.OpenReplay{},
		screen.OpenHistory{},
		screen.OpenStages{},
	}
	var all []bindings.Action
	note := func(c *console) {
		kind := c.m.visible().Kind()
		for _, a := range c.m.actions() {
			if a.ID != "" || a.Run == nil {
				all = append(all, bindings.Action{Kind: kind, ID: a.ID, Keys: a.Keys, WhileTyping: a.WhileTyping, Writes: a.Writes, Help: a.Help})
			}
		}
	}
	visit := func(msg tea.Msg, keys ...string) (next []string) {
		synctest.Test(t, func(t *testing.T) {
			c := open(t, Config{}, 120, 40)
			c.press("wait")
			if msg != nil {
				c.send(msg)
				if len(c.m.stack) == 1 {
					return // nobody opens that
				}
				c.press("wait")
			}
			c.press(keys...)
			note(c)
			for _, a := range c.m.possible() {
				if a.Run != nil && a.Refused == "" && len(a.Keys) > 0 {
					next = append(next, a.Keys[0])
				}
			}
		})
		return next
	}
	for _, msg := range opening {
		for _, key := range visit(msg) {
			visit(msg, key)
		}
	}
	return all
}
