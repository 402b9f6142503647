package logview_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	tea "charm.land/bubbletea/v2"

	"github.com/microfox-ai/aiwctl/aws"
	"github.com/microfox-ai/aiwctl/aws/logs"
	"github.com/microfox-ai/aiwctl/tui/logview"
	"github.com/microfox-ai/aiwctl/tui/screen"
	"github.com/microfox-ai/aiwctl/tui/screentest"
	"github.com/microfox-ai/aiwctl/tui/theme"
)

func TestSearching(t *testing.T) {
	t.Parallel()
	f := open(t, screen.OpenLogs{WorkerIDs: []string{"orders"}})
	f.feed(numbered(0, 120), logs.State{Groups: 1})
	under := func() string {
		t.Helper()
		for line := range strings.SplitSeq(f.text(80, 19), "\n") {
			if text, ok := strings.CutPrefix(line, theme.GlyphCursor); ok {
				return strings.TrimSpace(text[strings.Index(text, "line"):])
			}
		}
		return ""
	}
	f.press("/", "'~ne 1.\\.")
	wants(t, f.text(80, 19), "10 matches")
	wants(t, f.Status(), "following")
	for _, step := range []struct{ key, under, note string }{
		{"enter", "line 19.", "10 of 10"}, // the newest, for somebody who follows
		{"N", "line 18.", "9 of 10"},
		{"N", "line 17.", "8 of 10"},
		{"n", "line 18.", "9 of 10"},
		{"n", "line 19.", "10 of 10"},
		{"n", "line 10.", "1 of 10, went on from the oldest"},
		{"N", "line 19.", "10 of 10, went on from the newest"},
	} {
		f.press(step.key)
		wants(t, f.text(80, 19), step.note)
		if got := under(); got != step.under {
			t.Errorf("%s leads to %q, want %q", step.key, got, step.under)
		}
	}
	if slices.Contains(strings.Fields(f.Status()), "following") {
		t.Error("it follows while a match is read")
	}
	// Lines that come are searched, too, and move nothing.
	f.feed([]logs.Line{at("orders", 1, "line 13. again")})
	wants(t, f.text(80, 19), "10 of 11")
	// A new search from here goes to the next match.
	f.press("/", "backspace", "backspace", "backspace", "backspace", "'2", "enter")
	if got := under(); got != "line 20." {
		t.Errorf("a search from line 19 leads to %q", got)
	}
	f.press("esc")
	hides(t, f.text(80, 19), "/ ")
	for _, a := range f.Actions() {
		if slices.Contains(a.Keys, "n") && !strings.Contains(a.Refused, "/ searches") {
			t.Errorf("n without a search is refused with %q", a.Refused)
		}
	}
}

func TestFilterAndSearchAreTwoThings(t *testing.T) {
	t.Parallel()
	f := open(t, both())
	f.feed(someLines())
	f.press("&", "'job", "enter", "/", "'smtp", "enter")
	wants(t, f.text(80, 19), "& job", "3 of 8", "no match")
	f.press("esc")
	wants(t, f.text(80, 19), "& job")
	hides(t, f.text(80, 19), "/ smtp")
	f.press("esc")
	wants(t, f.text(80, 19), "smtp: 451")
	for typed, lines := range map[string]string{
		"@ms=1204": "1 of 8", "@event=job.started": "1 of 8", "!@event": "6 of 8", "@ms>1000 && slow": "1 of 8", "job && !completed": "2 of 8",
		"!~job|smtp": "4 of 8", "@attempt=1 && @durationMs<=4800": "1 of 8",
	} {
		f.press("&", "'"+typed, "enter")
		if got := f.text(120, 35); !strings.Contains(got, lines) {
			t.Errorf("%q does not keep %s:\n%s", typed, lines, got)
		}
		f.press("esc")
	}
	f.press("&", "'@ms=", "backspace", "'>")
	wants(t, f.text(120, 35), "& @ms>")
}

func TestOpeningWithAFilter(t *testing.T) {
	t.Parallel()
	f := open(t, screen.OpenLogs{WorkerIDs: []string{"orders", "mail"}, Filter: "!~smtp|job", RequestID: "r-1"})
	f.feed(someLines())
	wants(t, f.text(80, 19), "& !~smtp|job", "plain print")
	hides(t, f.text(80, 19), "451")
	wants(t, f.Title(), "of request 1")
	if q := f.src.queries[0]; q.RequestID != "r-1" || q.JobID != "" {
		t.Errorf("it asked for %+v", q)
	}
	// All invocations: what is read changes.
	f.next = screentest.Press(f.Screen, "i")
	f.feed(someLines())
	if q := f.src.queries[1]; q.RequestID != "" {
		t.Errorf("it asked for %+v", q)
	}
	f = open(t, jobAsk())
	f.feed(someLines())
	wants(t, f.Title(), "orders logs of job hryp0zoyr")
	if q := f.src.queries[0]; q.JobID != "job-1795471915568-hryp0zoyr" {
		t.Errorf("it asked for %+v", q)
	}
	f.next = screentest.Press(f.Screen, "O")
	f.feed(someLines())
	if q := f.src.queries[1]; q.JobID != "" {
		t.Errorf("it asked for %+v", q)
	}
}

func TestOnlyAJobOrAnInvocation(t *testing.T) {
	t.Parallel()
	f := open(t, both())
	f.feed(invocations())
	f.press("g", "j", "O")
	wants(t, f.text(120, 35), "only job job-1795471915568-hryp0zoyr", "job retrying")
	hides(t, f.text(120, 35), "slow upstream")
	f.press("O")
	wants(t, f.text(120, 35), "slow upstream")
	f.press("g", "i")
	wants(t, f.text(120, 35), "only request r-1", "job completed")
	hides(t, f.text(120, 35), "job retrying", "slow upstream")
	f.press("esc")
	wants(t, f.text(120, 35), "job retrying", "slow upstream")
	f.press("G", "k", "k")
	for _, a := range f.Actions() {
		if slices.Contains(a.Keys, "O") && a.Refused == "" {
			t.Error("a line without a job is not refused")
		}
	}
}

func TestFolding(t *testing.T) {
	t.Parallel()
	f := open(t, both())
	f.feed(invocations())
	f.press("z")
	frame := f.text(120, 35)
	wants(t, frame, "+ 03:03:05.000 orders completed        3.1s    88/128 MB    billed 3.1s   4 lines", "timed out", "126/128 MB", "1 warning", "retrying", "attempt 2", "running", "a line between invocations")
	hides(t, frame, "job started", "slow upstream")
	f.press("g", "tab")
	wants(t, f.text(120, 35), "- 03:03:05.000 orders completed", "│ 03:03:05.100 orders INFO  hryp0zoyr job started")
	hides(t, f.text(120, 35), "slow upstream")
	f.press("Z")
	wants(t, f.text(120, 35), "slow upstream")
	f.press("Z")
	hides(t, f.text(120, 35), "slow upstream", "job started")
	// It goes on while lines come.
	f.press("G")
	f.feed([]logs.Line{at("orders", 3, event("job.failed", "r-3", 1, `,"error":{"message":"broken"}`)), at("orders", 2, "REPORT RequestId: r-3\tDuration: 2000.00 ms\tBilled Duration: 2000 ms\tMemory Size: 128 MB\tMax Memory Used: 64 MB\t")})
	wants(t, f.text(120, 35), "failed", "64/128 MB", "1 error")
	f.feed([]logs.Line{at("mail", 1, "START RequestId: m-2 Version: $LATEST")})
	wants(t, f.text(120, 35), theme.GlyphCursor+"+ 03:04:04.000 mail   running")
	// A filter keeps the invocations with a line that it keeps, and says how many.
	f.press("&", "'slow", "enter")
	wants(t, f.text(120, 35), "1 of 4 lines")
	hides(t, f.text(120, 35), "completed")
	f.press("esc", "g", "j", "y")
	copied := f.press("y")
	if len(copied) != 1 || !strings.Contains(copied[0].(screen.Copy).Text, "slow upstream") || copied[0].(screen.Copy).What != "the invocation's 4 lines" {
		t.Errorf("y asked for %v", copied)
	}
	f.press("enter")
	wants(t, f.text(120, 35), "the invocation", "timed out", "126 MB used of 128 MB", "m-1")
	f.press("esc", "z")
	wants(t, f.text(120, 35), "job started", "slow upstream")
}

func TestMarksAndCopies(t *testing.T) {
	t.Parallel()
	f := open(t, screen.OpenLogs{WorkerIDs: []string{"orders"}})
	f.feed(numbered(0, 50))
	f.text(80, 19)
	copied := func(key string) string {
		t.Helper()
		for _, msg := range f.press(key) {
			if c, ok := msg.(screen.Copy); ok {
				return c.What + ": " + c.Text
			}
		}
		return ""
	}
	if got := copied("y"); got != "the log line: line 49." {
		t.Errorf("y copies %q", got)
	}
	if got := copied("Y"); !strings.HasPrefix(got, "19 visible log lines: line 31.\nline 32.") || !strings.HasSuffix(got, "line 49.") {
		t.Errorf("Y copies %q", got)
	}
	f.press("space", "k", "k", "space", "g", "space")
	wants(t, f.text(80, 19), "3 marked, Y copies them")
	if got := copied("Y"); got != "3 marked log lines: line 0.\nline 47.\nline 49." {
		t.Errorf("Y copies %q", got)
	}
	f.press("space")
	wants(t, f.text(80, 19), "2 marked")
	f.press("esc")
	hides(t, f.text(80, 19), "marked")
	f.feed([]logs.Line{at("orders", 1, strings.Repeat("x", 2<<20))})
	f.press("G")
	if msgs := f.press("y"); len(msgs) != 1 || !strings.Contains(fmt.Sprint(msgs[0]), "S saves to a file") {
		t.Error("two megabytes were copied")
	}
}

func TestSaving(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	f := open(t, both())
	lines := someLines()
	lines[4].Original = "plain \x1b[1mprint\x1b[0m\n"
	f.feed(lines)
	f.press("&", "'plain", "enter", "S")
	wants(t, f.text(80, 19), "save to", "logs-20260302-030405.log", "1 line shown, tab: all 8")
	empty := func() {
		for range 40 {
			f.press("backspace")
		}
	}
	read := func(name string) string {
		t.Helper()
		text, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	done := func(msgs []tea.Msg) screen.Task {
		t.Helper()
		for _, msg := range msgs {
			if task, ok := msg.(screen.Task); ok && task.Done {
				return task
			}
		}
		t.Fatalf("nothing was told of the end: %v", msgs)
		return screen.Task{}
	}
	save := func(name string) screen.Task {
		empty()
		f.Update(tea.PasteMsg{Content: filepath.Join(dir, name)})
		return done(f.press("enter"))
	}
	if task := save("shown.log"); task.Err != nil || task.Text != "saved 1 line to "+filepath.Join(dir, "shown.log") {
		t.Errorf("it says %+v", task)
	}
	if got := read("shown.log"); got != "plain \x1b[1mprint\x1b[0m\n" {
		t.Errorf("the file has %q", got)
	}
	if f.Typing() {
		t.Error("the question stays")
	}
	f.press("S", "tab")
	wants(t, f.text(80, 19), "all 8 lines")
	if task := save("all.jsonl"); task.Err != nil {
		t.Error(task.Err)
	}
	if got := read("all.jsonl"); strings.Count(got, "\n") != 8 || !strings.HasPrefix(got, `{"time":"2026-03-02T03:03:56Z","workerId":"orders"`) || !strings.Contains(got, `"raw":"plain \u001b[1mprint`) {
		t.Errorf("the file has %s", got)
	}
	f.press("S")
	if task := save("shown.log"); task.Err == nil || !strings.Contains(task.Err.Error(), "exists, and is not written over") || read("shown.log") == "" {
		t.Errorf("a file that exists: %+v", task)
	}
	f.press("S")
	if task := save("none/x.log"); task.Err == nil {
		t.Error("a directory that is not there")
	}
	f.press("S")
	empty()
	f.press("enter")
	wants(t, f.text(80, 19), "a file needs a name")
	f.press("esc")
	hides(t, f.text(80, 19), "save to")
}

func TestWorkersAreHiddenAndAdded(t *testing.T) {
	t.Parallel()
	f := open(t, both())
	f.env.Data.Inventory = &aws.Inventory{Workers: []aws.Worker{worker("orders"), worker("mail"), worker("slow")}}
	f.feed(someLines())
	f.press("2")
	wants(t, f.text(80, 19), "2 mail hidden", "plain print")
	hides(t, f.text(80, 19), "451")
	f.press("2")
	wants(t, f.text(80, 19), "451")
	f.press("W", "space")
	wants(t, f.text(80, 19), "orders  hidden", "slow  not read", "451")
	hides(t, f.text(80, 19), "plain print")
	f.next = screentest.Press(f.Screen, "3")
	hides(t, f.text(80, 19), "not read")
	f.feed([]logs.Line{at("slow", 3, "from the third"), at("orders", 2, "from the first")})
	wants(t, f.text(80, 19), "slow     from the third", "1 orders hidden")
	wants(t, f.Title(), "Logs of 3 workers")
	if q := f.src.queries[1]; len(q.Sources) != 3 {
		t.Errorf("it reads %+v", q.Sources)
	}
}

func TestRanges(t *testing.T) {
	t.Parallel()
	now := screentest.Now()
	for keys, want := range map[string][2]time.Time{
		"t 1":                  {now.Add(-5 * time.Minute)},
		"t j j enter":          {now.Add(-time.Hour)},
		"t 6 '2h enter":        {now.Add(-2 * time.Hour)},
		"t 6 '02:00.. enter":   {now.Add(-64*time.Minute - 5*time.Second)},
		"t 6 '2h..1h enter":    {now.Add(-2 * time.Hour), now.Add(-time.Hour)},
		"t 6 '01:04:05..1h ok": {now.Add(-2 * time.Hour), now.Add(-time.Hour)},
	} {
		f := open(t, both())
		f.feed(someLines())
		names := strings.Fields(strings.ReplaceAll(keys, " ok", " enter"))
		f.press(names[:len(names)-1]...)
		f.next = screentest.Press(f.Screen, names[len(names)-1])
		f.feed(someLines(), someLines())
		if q := f.src.queries[1]; !q.Since.Equal(want[0]) || !q.Until.Equal(want[1]) {
			t.Errorf("%s reads from %v to %v", keys, q.Since, q.Until)
		}
		if !want[1].IsZero() {
			wants(t, f.Status(), "reading")
			f.feed(errRead)
			wants(t, f.Status(), "read whole", "16 lines")
			hides(t, f.text(80, 19), "ended")
		}
	}
	f := open(t, both())
	f.feed(someLines())
	for typed, why := range map[string]string{"never": "neither a duration", "1h..2h": "ends before it begins", "1h..x": "neither a duration"} {
		f.press("t", "6", "'"+typed, "enter")
		wants(t, strings.Join(strings.Fields(f.text(120, 35)), " "), why)
		f.press("esc")
	}
	f.feed(numbered(900, 940))
	f.press("@", "'03:02:30", "enter")
	wants(t, f.text(80, 19), theme.GlyphCursor+"03:02:30 orders   line 905.")
	f.press("@", "'2h", "enter")
	wants(t, f.text(80, 19), "was not read: t reads further back")
}

func TestLiveTellsItsPrice(t *testing.T) {
	t.Parallel()
	f := open(t, both())
	f.env.Stage.Loopback = false
	f.feed(someLines())
	msgs := f.press("L")
	ask, ok := msgs[0].(screen.Confirm)
	if !ok || !strings.Contains(strings.Join(ask.Lines, " "), "1 live session, about $0.01 a minute") || ask.Command == "" {
		t.Fatalf("L asked for %+v", msgs)
	}
	f.next = ask.Yes()
	f.feed(someLines())
	if !f.src.queries[1].Live {
		t.Error("it is not live")
	}
	wants(t, f.Status(), "live")
	f.next = screentest.Press(f.Screen, "L")
	f.feed(someLines())
	if f.src.queries[2].Live {
		t.Error("it stays live")
	}
	// A source without live sessions says so.
	env := screentest.Env(t)
	s := logview.New(env, newSource(), both())
	for _, a := range s.Actions() {
		if slices.Contains(a.Keys, "L") && a.Refused == "" {
			t.Error("a source without live sessions is not refused")
		}
	}
	s.Close()
}

func TestColumns(t *testing.T) {
	t.Parallel()
	f := open(t, both())
	f.feed(someLines())
	f.press("c", "1", "3", "6", "esc")
	wants(t, f.text(80, 19), " slow upstream ms=1204")
	hides(t, f.text(80, 19), "03:03:58", "mail  ")
	f.press("c", "1", "2", "4", "5", "esc")
	wants(t, f.text(80, 19), "03:03:56Z hryp0zoyr 1         job started")
	// Sideways, the text stays where it is while lines come.
	f.press("w", "w", "right", "right")
	f.feed(numbered(995, 997))
	f.press("G")
	f.feed([]logs.Line{at("orders", 1, strings.Repeat("0123456789", 20))})
	wants(t, f.text(80, 19), "…3456789")
	f.press("$")
	wants(t, f.text(80, 19), "456789  ")
	hides(t, f.text(80, 19), "789…")
}

func TestKeptOnAnotherStage(t *testing.T) {
	t.Parallel()
	f := open(t, both())
	f.feed(someLines())
	f.press("&", "'job", "enter", "/", "'started", "enter", "v", "w", "z", "c", "2", "esc")
	g := open(t, both())
	g.Restore(f.Keep())
	g.feed(someLines())
	wants(t, g.text(80, 19), "& job", "/ started", "Z orders")
	wants(t, g.Status(), "info and above", "folded")
	g.Restore("something else")
}

func TestWhatIsDoneElsewhere(t *testing.T) {
	t.Parallel()
	f := open(t, both())
	f.feed(someLines())
	f.press("g", "j")
	for key, want := range map[string]tea.Msg{
		"d": screen.OpenDispatch{WorkerID: "orders"}, "x": screen.OpenDead{WorkerID: "orders"},
	} {
		if msgs := f.press(key); len(msgs) != 1 || fmt.Sprint(msgs[0]) != fmt.Sprint(want) {
			t.Errorf("%s asked for %v", key, msgs)
		}
	}
	f.press("&", "'a'b && @x=1", "enter", "v")
	var commands []string
	for _, a := range f.Actions() {
		if a.Command != nil {
			commands = append(commands, a.Command())
		}
	}
	all := strings.Join(commands, "\n")
	wants(t, all,
		`aiwctl logs orders mail --since 2026-03-02T02:49:05Z --level info --grep '(?i)a'\''b' --field x=1 -f`+"\n",
		"--save logs-20260302-030405.log", "--invocations", "-f --live")
}

func TestAFlood(t *testing.T) {
	t.Parallel()
	f := open(t, screen.OpenLogs{WorkerIDs: []string{"orders"}})
	var lines []logs.Line
	for i := range 9_000 {
		lines = append(lines, at("orders", 1000-float64(i)/100, fmt.Sprintf("line %d.", i)))
	}
	// What comes at once is taken in bit by bit, keys between.
	f.src.items <- lines
	reply, _ := f.next().(screen.Reply)
	cmd := f.Update(reply)
	wants(t, f.Status(), "2,000 lines")
	f.press("k")
	batch, ok := cmd().(tea.BatchMsg)
	if !ok {
		t.Fatal("there is nothing to go on with")
	}
	f.next = batch[0]
	screentest.Settle(f.Screen, batch[1])
	wants(t, f.Status(), "9,000 lines")
	f.press("p")
	f.feed([]logs.Line{at("orders", 1, "held")}, errors.New("over"))
	f.press("p")
	wants(t, f.Status(), "9,001 lines")
}
