package tui

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/charmbracelet/x/ansi"

	"github.com/microfox-ai/aiwctl/aws/logs"
	"github.com/microfox-ai/aiwctl/aws/redrive"
	"github.com/microfox-ai/aiwctl/aws/redrive/journal"
)

// From the workers to the cause, an edit and its replay, through the engine that the
// console has and the SQS of the local endpoint: eight keys beyond what is typed.
func TestFromARedRowToAnEditedReplay(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		cloud, p := newCloud(t), newProfile(t)
		cloud.send(t, "shop-orders-dlq-live", 2)
		s := cloud.stage(t, p)
		dir := t.TempDir()
		c := open(t, Config{Backend: Backend{Stage: s, Logs: logs.For(s), Redrive: redrive.New(s, redrive.Config{Dir: dir})}}, 120, 40)
		c.pass(5 * time.Second)
		c.press("x")
		c.pass(time.Minute) // the look, and the logs, which know nothing
		c.says("in the groups", "2 no reason found")
		c.press("enter", "j", "e")
		c.press("ctrl+k", `"`, "j", "-", "9", `"`)
		c.says("in the editor", "changes", `+ "jobId": "j-9"`)
		c.press("ctrl+s", "R")
		c.pass(5 * time.Second)
		c.says("on the plan", "1 message of orders, 1 edited", "shop-orders-dlq-live → shop-orders-live")
		c.press("enter", "wait")
		c.says("asked", "Replay 1 message of orders?", "1 message as edited")
		c.press("y")
		c.pass(10 * time.Second)
		c.says("in the end", "✓ 1 message replayed", "✓ replayed", "journal")
		if left, err := journal.Unfinished(dir); err != nil || len(left) != 0 {
			t.Errorf("%d journals are unfinished: %v", len(left), err)
		}
		c.press("q", "wait")
		c.says("back among the messages", "✓ replayed")
		c.press("r")
		c.pass(time.Minute)
		c.says("looked again", "1 message ·")
		c.press("q", "q", "q")
		c.pass(30 * time.Second)
		c.says("among the workers", "dead letters")
	})
}

// What a process left behind that was killed is offered once, at the start.
func TestAnInterruptedReplayIsOffered(t *testing.T) {
	t.Parallel()
	for _, keys := range []string{"wait y wait", "wait esc wait"} {
		synctest.Test(t, func(t *testing.T) {
			dir := t.TempDir()
			j, err := journal.Create(dir, journal.Header{
				ID: "20260302-000405-abcdef", Kind: "replay", Time: time.Now().Add(-3 * time.Hour), Worker: "orders\x1b[2J",
				Queue: "aiw-orders-dlq-demo", Count: 12, Stage: "demo", Region: "us-east-1", Request: []byte(`{}`),
			})
			if err != nil {
				t.Fatal(err)
			}
			st, err := journal.Read(j.Path())
			if err != nil {
				t.Fatal(err)
			}
			st.LastWrite = time.Now().Add(-3 * time.Hour)
			dead := fakeDead{unfinished: []*journal.State{st}, dir: dir}
			running := open(t, Config{Backend: Backend{Redrive: dead}}, 80, 24)
			running.pass(time.Second)
			if len(running.m.dialogs) != 0 {
				t.Error("a replay that still runs is offered")
			}
			if err := j.Close(); err != nil {
				t.Fatal(err)
			}
			c := open(t, Config{Backend: Backend{Redrive: dead}}, 80, 24)
			c.pass(100 * time.Millisecond)
			c.says("at the start", "Interrupted replay", "12 messages of orders was interrupted 3h ago")
			c.press("y") // in flight before anybody could read it
			if len(c.m.dialogs) != 1 {
				t.Fatal("a key in flight answered")
			}
			c.press(strings.Fields(keys)...)
			frame := ansi.Strip(c.frame())
			if looks := strings.Contains(frame, "› Interrupted replay"); looks != strings.Contains(keys, "y") {
				t.Errorf("%s led to:\n%s", keys, frame)
			}
		})
	}
}
