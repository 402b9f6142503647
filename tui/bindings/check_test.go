package bindings

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/microfox-ai/aiwctl/aws/settings"
)

// small is a console of two screens.
const small = `dead-letters	replay	R	writes	Replay the marked messages.
dead-letters	replay-all	A	writes	Replay all.
dead-letters	mark	space	-	Mark the message.
dead-letters	more	m	-	Look for more.
dead-letters	close	esc	-	Close what is open.
dead-letters	open	esc enter	-	Another state's.
dead-letters	-	j k	-	Next and previous row; also the arrow keys.
dispatch	send	ctrl+s	typing,writes	Send the job.
dispatch	edit	e	-	Type.
everywhere	help	?	typing	Help.
everywhere	quit	q	-	Quit.
everywhere	palette	: ctrl+p	typing	Palette.
everywhere	back	esc	-	Back.
`

func check(t *testing.T, keys string) (bound string, faults []string) {
	t.Helper()
	table, err := Parse(small)
	if err != nil {
		t.Fatal(err)
	}
	file, err := settings.Parse("/x/config.yaml", []byte("keys:\n"+keys))
	if err != nil {
		t.Fatal(err)
	}
	keymap, wrong := Check(table, file)
	var lines []string
	if keymap != nil {
		for kind, actions := range keymap.Bound {
			for id, keys := range actions {
				lines = append(lines, fmt.Sprintf("%s %s=%s", kind, id, strings.Join(keys, ",")))
			}
		}
	}
	slices.Sort(lines)
	for _, e := range wrong {
		faults = append(faults, e.Error())
	}
	return strings.Join(lines, "; "), faults
}

func TestCheck(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		keys   string
		bound  string
		faults []string
	}{
		{keys: "", bound: ""},
		{keys: "  dead-letters: {replay: ctrl+r, mark: [space, M]}\n  everywhere: {help: F1}", bound: "dead-letters mark=space,M; dead-letters replay=ctrl+r; everywhere help=f1"},
		{keys: "  dead-letters: {replay: []}", bound: "dead-letters replay="},
		// Two that change places, and a key that its owner has given up.
		{keys: "  dead-letters: {replay: A, replay-all: R}", bound: "dead-letters replay-all=R; dead-letters replay=A"},
		{keys: "  dead-letters: {mark: [space, m], more: M}", bound: "dead-letters mark=space,m; dead-letters more=M"},
		{keys: "  everywhere: {quit: Q}\n  dead-letters: {more: q}", bound: "dead-letters more=q; everywhere quit=Q"},
		// The same key on another screen, and its own, which another state shares.
		{keys: "  dead-letters: {more: e}\n  dispatch: {edit: m}", bound: "dead-letters more=e; dispatch edit=m"},
		{keys: "  dead-letters: {close: [esc, c]}", bound: "dead-letters close=esc,c"},
		{keys: "  dispatch: {send: alt+s}", bound: "dispatch send=alt+s"},
		{keys: "  everywhere: {palette: P}", bound: "everywhere palette=P"},

		{keys: "  dead-leters: {replay: x}", faults: []string{`config.yaml:2:3: keys: there is no screen "dead-leters"; did you mean dead-letters?`}},
		{keys: "  nowhere: {replay: x}", faults: []string{`"nowhere"; there are: dead-letters, dispatch, everywhere`}},
		{keys: "  dead-letters: {replai: x}", faults: []string{`2:18: keys: dead-letters has no action "replai"; did you mean replay?`}},
		{keys: "  dead-letters: {send: x}", faults: []string{`has no action "send"; dispatch has`}},
		{keys: "  dead-letters: {frobnicate: x}", faults: []string{"`aiwctl config keys` lists"}},
		{keys: "  dead-letters: {replay: [x, ctrl+i], mark: M}", bound: "dead-letters mark=M", faults: []string{"2:30: keys: terminals cannot tell ctrl+i from tab"}},
		{keys: "  dead-letters: {replay: ctrl+c}", faults: []string{"2:26: keys: ctrl+c always quits"}},
		{keys: "  dispatch: {send: s}", faults: []string{"send of dispatch works while typing, and s is typed"}},
		{keys: "  dead-letters: {replay: m}", faults: []string{"2:26: keys: m for replay of dead-letters is taken: dead-letters has it for more; bind that to another key as well"}},
		{keys: "  dead-letters: {replay: j}", faults: []string{"taken: dead-letters has it (Next and previous row; also the arrow keys)"}},
		{keys: "  dead-letters: {replay: down}", faults: []string{"it moves the cursor"}},
		{keys: "  dead-letters: {replay: x, more: x}", bound: "dead-letters replay=x", faults: []string{"2:35: keys: x for more of dead-letters is taken: dead-letters has it for replay, by line 2"}},
		{keys: "  dead-letters: {replay: '?'}", faults: []string{"? for replay of dead-letters is taken: everywhere has it for help"}},
		{keys: "  dead-letters: {replay: esc}", faults: []string{"dead-letters has it for close"}},
		{keys: "  everywhere: {help: m}", faults: []string{"m for help of everywhere is taken: dead-letters has it for more"}},
		{keys: "  everywhere: {help: x}\n  dead-letters: {replay: x}", bound: "everywhere help=x", faults: []string{"3:26: keys: x for replay of dead-letters is taken: everywhere has it for help, by line 2"}},
		// The first is no good, so its action keeps the key that the second wants.
		{keys: "  dead-letters: {replay: ctrl+m, more: R}", faults: []string{"ctrl+m", "2:40: keys: R for more of dead-letters is taken: dead-letters has it for replay"}},
		// As before, through three.
		{keys: "  dead-letters: {replay: A, replay-all: space, mark: j}", faults: []string{"2:26: keys: A", "2:41: keys: space", "2:54: keys: j"}},
		{keys: "  dead-letters: {replay: 3.5, mark: {a: b}}", faults: []string{"2:26: a key of replay is a text", "2:37: a key of mark is a text"}},
		{keys: "  dead-letters: {replay: \"\\u202e\"}", faults: []string{"is no key"}},
	} {
		t.Run(test.keys, func(t *testing.T) {
			t.Parallel()
			bound, faults := check(t, test.keys)
			if bound != test.bound || len(faults) != len(test.faults) {
				t.Fatalf("bound %q, want %q; faults:\n%s\nwant:\n%s", bound, test.bound, strings.Join(faults, "\n"), strings.Join(test.faults, "\n"))
			}
			for i, want := range test.faults {
				if !strings.Contains(faults[i], want) {
					t.Errorf("fault %q, want %q", faults[i], want)
				}
			}
		})
	}
}

// A table is read as it was written.
func TestTable(t *testing.T) {
	t.Parallel()
	actions, err := Parse(small)
	if err != nil {
		t.Fatal(err)
	}
	again, err := Parse(Format(actions))
	if err != nil || fmt.Sprint(again) != fmt.Sprint(actions) {
		t.Errorf("%v\n%v\n%v", err, again, actions)
	}
	if _, err := Parse("a\tb\n"); err == nil {
		t.Error("half a line is a table")
	}
	if len(Table()) == 0 {
		t.Error("the console has no actions")
	}
}
