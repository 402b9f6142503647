package logview_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/microfox-ai/aiwctl/aws"
	"github.com/microfox-ai/aiwctl/aws/logs"
	"github.com/microfox-ai/aiwctl/tui/screen"
	"github.com/microfox-ai/aiwctl/tui/screentest"
	"github.com/microfox-ai/aiwctl/tui/theme"
)

// Without colours every state says the same words.
func TestWithoutColours(t *testing.T) {
	t.Parallel()
	for _, keys := range []string{"", "k", "/ ~job enter", "& @event enter", "v v", "z", "z Z", "1", "W", "c", "t", "S", "space", "enter", "p", "w"} {
		f := open(t, both())
		f.feed(invocations(), logs.State{Groups: 2, Behind: 1, Lag: 9 * time.Second, Throttled: true})
		f.text(120, 35)
		f.press(strings.Fields(keys)...)
		coloured := f.text(120, 35)
		*f.env.Theme = *theme.NewMono(true)
		f.Update(screen.ThemeChanged{})
		if mono := f.text(120, 35); mono != coloured {
			t.Errorf("after %q it is without colours\n%s\nwith them\n%s", keys, mono, coloured)
		}
		if strings.ContainsAny(theme.ToASCII(f.text(120, 35)), theme.GlyphCursor+theme.GlyphMark+theme.GlyphBar+theme.GlyphDown) {
			t.Errorf("after %q a glyph has no ASCII character", keys)
		}
		*f.env.Theme = *theme.New(false, false)
		f.Update(screen.ThemeChanged{})
		screentest.Frame(t, f.View(80, 19), 80, 19)
	}
}

// hostile are lines that want to do something to the terminal, or are just large.
func hostile(t testing.TB, worker string) []logs.Line {
	t.Helper()
	quoted, err := json.Marshal(evil)
	if err != nil {
		t.Fatal(err)
	}
	request := string(quoted)
	return []logs.Line{
		at(worker, 6, "START RequestId: "+evil+" Version: $LATEST"),
		at(worker, 5, evil), at(worker, 4, evil+"\n"+evil), at(worker, 3, strings.Repeat("日本e\u0301", 40000)),
		at(worker, 3, strings.Repeat("x", 256<<10)), at(worker, 3, strings.Repeat("\u0301", 2000)),
		at(worker, 2, fmt.Sprintf(`{"level":"error","msg":%s,"event":"job.failed","jobId":%s,"requestId":%s,"error":{"message":%s,"name":%s}}`, quoted, quoted, request, quoted, quoted)),
	}
}

const evil = "\x1b]52;c;cHduZWQ=\x07\x1b[2J\r\u202e\u009b31m\x00\ttext \u0301日本"

func TestHostileLinesAreHarmless(t *testing.T) {
	t.Parallel()
	env := screentest.Env(t)
	env.Data.Inventory = &aws.Inventory{Workers: []aws.Worker{worker(evil), worker("o" + evil)}}
	for _, ask := range []screen.OpenLogs{
		{WorkerIDs: []string{evil, "gone" + evil}}, {WorkerIDs: []string{evil}, JobID: evil}, {WorkerIDs: []string{evil}, RequestID: evil, Filter: "!" + evil},
	} {
		f := openIn(t, env, ask)
		f.feed(hostile(t, evil), logs.State{Err: errors.New(evil), RetryIn: time.Second})
		for _, keys := range []string{
			"", "k", "k", "enter", "n", "esc", "w", "right", "w right right $", "/ x enter n N", "& t enter esc esc", "v v v esc", "esc", "space", "z", "Z", "g", "enter", "esc",
			"k tab", "/ ~日. enter N N", "c 4 5 esc", "W", "esc", "t", "esc", "O", "O", "1", "1", "z", "S", "esc", "@ ' enter", "esc", "i",
		} {
			if keys == "O" || keys == "i" { // may read anew, which brings nothing here
				f.next = screentest.Press(f.Screen, keys)
			} else {
				f.press(strings.Fields(keys)...)
			}
			for _, size := range [][2]int{{60, 15}, {80, 19}, {120, 35}, {200, 45}, {300, 60}} {
				screentest.Frame(t, f.View(size[0], size[1]), size[0], size[1])
			}
			screentest.Harmless(t, f.Title()+f.Status())
		}
	}
}

// Every state survives every size, the smallest included.
func TestEverySize(t *testing.T) {
	t.Parallel()
	for _, keys := range []string{"", "k", "z Z k", "W", "c", "t", "t 6", "S", "/ a", "& ~(", "p", "1", "g j O", "enter", "space", "w k k"} {
		f := open(t, both())
		f.feed(invocations(), logs.State{Groups: 2, Behind: 1, Lag: 9 * time.Second, Throttled: true})
		f.press(strings.Fields(keys)...)
		for height := 1; height < 30; height += 3 {
			for _, width := range []int{60, 79, 80, 119, 300} {
				screentest.Frame(t, f.View(width, height), width, height)
			}
		}
	}
}

func TestSavingOnAFullDisk(t *testing.T) {
	t.Parallel()
	if _, err := os.Stat("/dev/full"); err != nil {
		t.Skip("there is no /dev/full here")
	}
	f := open(t, both())
	f.feed(someLines())
	f.press("S")
	for range 40 {
		f.press("backspace")
	}
	// A device exists, and is not written over either.
	msgs := f.press("'/dev/full", "enter")
	var end screen.Task
	for _, msg := range msgs {
		if task, ok := msg.(screen.Task); ok && task.Done {
			end = task
		}
	}
	if end.Err == nil || !strings.Contains(end.Err.Error(), "not written over") {
		t.Errorf("it says %+v", end)
	}
}
