package jobview_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/microfox-ai/aiwctl/aws/jobs"
	"github.com/microfox-ai/aiwctl/aws/logs"
	"github.com/microfox-ai/aiwctl/aws/redrive"
	"github.com/microfox-ai/aiwctl/aws/redrive/letter"
	"github.com/microfox-ai/aiwctl/tui/screen"
	"github.com/microfox-ai/aiwctl/tui/screentest"
)

// errStop ends a tail by itself.
var errStop = errors.New("follow log group: expired token")

// A job that was sent just now is waited for, followed to its end, looked at once more,
// and then left alone.
func TestFollowedFromItsFirstLineToItsEnd(t *testing.T) {
	t.Parallel()
	w := newWorld("orders")
	run(t, w, screen.OpenJob{JobID: jobID, WorkerID: "orders", Since: screentest.Now()}, func(c *console) {
		c.has("Waiting for a sign of job " + jobID)
		if w.looks != 0 || w.finds[0].DLQ != jobs.DLQNever {
			t.Error("the dead-letter queue was looked into for a job that was sent just now")
		}
		c.feed(w.lines(t, "orders", 60, begins("r-1"), marker("r-1"), event("job.started", "r-1", 1, "")))
		c.has("running for 0s, attempt 1 of 3", "attempt 1  begins, request r-1", "lines 3")
		c.pass(5 * time.Second)
		c.has("running for 3s, attempt 1 of 3") // its start is 2 s later than the clock of the screen
		c.feed(w.lines(t, "orders", 66, event("job.progress", "r-1", 1, `,"percent":40,"note":"card"`)))
		c.has("40%  card")
		if done, total := c.Progress(); done != 40 || total != 100 {
			t.Errorf("progress %d of %d", done, total)
		}
		finds := len(w.finds)
		w.say("orders", 60, begins("r-1"), marker("r-1"), event("job.started", "r-1", 1, ""))
		w.say("orders", 67, event("job.completed", "r-1", 1, `,"durationMs":1402,"output":{"paid":true}`), report("r-1", ""))
		c.feed(w.lines(t, "orders", 67, event("job.completed", "r-1", 1, `,"durationMs":1402,"output":{"paid":true}`)))
		c.has("completed", "in 1.4s, attempt 1 of 3", `"paid": true`)
		if w.tailing != 1 || len(w.finds) != finds {
			t.Error("the last lines are not waited for")
		}
		c.feed(w.lines(t, "orders", 68, report("r-1", "")))
		c.pass(3 * time.Second)
		c.has("71 of 256 MB", "lines 6")
		if w.tailing != 0 || len(w.finds) != finds+1 {
			t.Errorf("after the end %d tails and %d looks more", w.tailing, len(w.finds)-finds)
		}
		c.pass(2 * time.Minute)
		if w.tailing != 0 || len(w.finds) != finds+1 {
			t.Error("a job that has ended is looked at again")
		}
	})
}

// What no tail tells is looked for again, without raising receive counts.
func TestLookedForAgainWhileItHasNotEnded(t *testing.T) {
	t.Parallel()
	w := running()
	run(t, w, screen.OpenJob{JobID: jobID}, func(c *console) {
		if len(w.finds) != 1 || len(w.tails) != 1 || w.tails[0].JobID != jobID || w.tails[0].Since.After(start) {
			t.Fatalf("%d looks, tails %+v", len(w.finds), w.tails)
		}
		c.pass(29 * time.Second)
		if len(w.finds) != 1 {
			t.Error("looked again too early")
		}
		w.record = &jobs.Record{WorkerID: "orders", Status: "running", Input: json.RawMessage(`{"n":1}`), UpdatedAt: now(), CreatedAt: start}
		c.pass(2 * time.Second)
		if len(w.finds) != 2 || w.finds[1].DLQ != jobs.DLQNever || w.tailing != 1 {
			t.Errorf("%d looks, %d tails", len(w.finds), w.tailing)
		}
		c.has(`"n": 1`)
		// A line that came before the look is not lost by it.
		c.feed(w.lines(t, "orders", 46, event("job.progress", "r-1", 1, `,"percent":80,"note":"frame 190"`)))
		c.pass(31 * time.Second)
		c.has("80%  frame 190")
	})
}

func TestStaleRepliesAreDropped(t *testing.T) {
	t.Parallel()
	w := newWorld("orders")
	w.held = true
	run(t, w, screen.OpenJob{JobID: jobID}, func(c *console) {
		c.has("Looking for job", "searching the logs: 1 of 3 log groups")
		// Other owners' and older replies say nothing here.
		life := &jobs.Life{JobID: "another", State: jobs.StateCompleted, Events: []jobs.Event{{Kind: jobs.EventSent}}}
		for _, reply := range []screen.Reply{
			{Owner: 99, Purpose: "find", Gen: 1, Payload: life}, {Owner: 1, Purpose: "find", Gen: 0, Payload: life}, {Owner: 1, Purpose: "tell", Gen: 1, Payload: life},
		} {
			c.do(c.Update(reply))
			c.settle()
		}
		c.has("Looking for job")
		// Searching further back replaces the look that is under way.
		c.w.say("orders", 10, begins("r-1"), marker("r-1"), event("job.started", "r-1", 1, ""), event("job.completed", "r-1", 1, ""))
		close(w.hold)
		c.settle()
		c.has("completed")
	})
}

func TestTroubleWhileFollowing(t *testing.T) {
	t.Parallel()
	w := running()
	run(t, w, screen.OpenJob{JobID: jobID}, func(c *console) {
		c.feed(errorState())
		c.has("throttled", "Trying again in 8s", "running for")
		if s := c.Status(); !strings.Contains(s, "interrupted") || !strings.Contains(s, "slowed down") {
			t.Errorf("status %q", s)
		}
		c.feed(logs.State{})
		c.hasNot("throttled")
		c.feed(errStop)
		c.has("expired token", "running for")
		if s := c.Status(); !strings.Contains(s, "not followed any more") {
			t.Errorf("status %q", s)
		}
		w.fail = errors.New("the store does not answer")
		c.press("r")
		c.has("the store does not answer", "running for")
		w.fail = nil
		c.press("r")
		c.hasNot("the store does not answer", "expired token")
		if w.tailing != 1 {
			t.Error("it is not followed again")
		}
	})
}

func TestAReplayFromHereIsSeen(t *testing.T) {
	t.Parallel()
	w := dead()
	run(t, w, screen.OpenJob{JobID: jobID}, func(c *console) {
		c.has("FAILED", "dead: its message is in aiw-orders-dlq-demo", `"order": "o-13"`)
		looks := w.looks
		c.do(c.Update(screen.Task{ID: "replay-orders", Text: "replay", Done: false}))
		c.settle()
		if len(w.finds) != 1 {
			t.Error("looked again before anything was done")
		}
		w.letters, w.sent = nil, []redrive.Sent{{At: now(), MessageID: "5f3c0001", NewMessageID: "m-2", JobID: jobID, Worker: "orders", Journal: "j"}}
		c.do(c.Update(screen.Task{ID: "replay-orders", Text: "replay", Done: true}))
		c.settle()
		c.has("replayed, waiting in its queue for 0s", `"order": "o-13"`) // its input is still known
		if w.looks != looks || w.tailing != 1 {
			t.Errorf("%d looks into the queue more, %d tails", w.looks-looks, w.tailing)
		}
	})
}

// Where no journal is kept, the lines of a replay tell of it.
func TestAReplayIsSeenByItsLines(t *testing.T) {
	t.Parallel()
	w := dead()
	run(t, w, screen.OpenJob{JobID: jobID}, func(c *console) {
		c.do(c.Update(screen.Task{ID: "replay-orders", Text: "replay", Done: true}))
		c.settle()
		c.has("FAILED")
		if w.tailing != 1 {
			t.Fatal("it is not followed")
		}
		c.pass(5 * time.Second)
		c.feed(w.lines(t, "orders", 65, begins("r-9"), marker("r-9"), event("job.started", "r-9", 1, "")))
		c.has("running for", "attempt 1 of 3")
		c.pass(40 * time.Second)
		again := []string{begins("r-9"), marker("r-9"), event("job.started", "r-9", 1, ""), event("job.completed", "r-9", 1, `,"output":1`), report("r-9", "")}
		w.say("orders", 65, again...)
		c.feed(w.lines(t, "orders", 65, again...))
		c.pass(4 * time.Second)
		c.has("completed")
		if w.tailing != 0 {
			t.Error("it is still followed")
		}
	})
	run(t, dead(), screen.OpenJob{JobID: jobID}, func(c *console) {
		c.do(c.Update(screen.Task{ID: "pause", Text: "pause", Done: true}))
		c.settle()
		c.pass(32 * time.Second)
		if c.w.tailing != 0 || len(c.w.finds) != 2 {
			t.Errorf("%d tails, %d looks for a job that nothing happened to", c.w.tailing, len(c.w.finds))
		}
	})
}

// A job that nothing knows is searched for further back, then at all workers, to the
// beginning of the logs, and no further.
func TestFurtherBack(t *testing.T) {
	t.Parallel()
	w := newWorld("orders", "mail")
	run(t, w, screen.OpenJob{JobID: "order-13", WorkerID: "mail", Since: screentest.Now().Add(-time.Hour)}, func(c *console) {
		c.pass(150 * time.Second) // nothing came
		c.has("Nothing knows job order-13", "Searched: the log of mail since 2026-03-02 02:03:05", "b searches 24 hours back, at all workers; r looks again")
		if w.tailing != 0 {
			t.Error("a job that nothing knows is waited for")
		}
		for _, want := range []string{"7 days", "30 days", "90 days", "to the beginning"} {
			c.press("b")
			c.has("Searched: all workers' logs since", "b searches "+want)
		}
		c.press("b")
		c.has("Searched: all workers' logs, back to their beginning")
		c.hasNot("b searches")
		finds := len(w.finds)
		if last := w.finds[finds-1]; !last.Since.IsZero() || last.Named || len(last.Workers) != 2 {
			t.Errorf("asked for %+v", last)
		}
		c.press("b")
		if len(w.finds) != finds {
			t.Error("searched before the beginning")
		}
		if msgs := c.press("Y"); len(msgs) != 1 || msgs[0].(screen.Copy).Text != "aiwctl job order-13 --since 1970-01-01" {
			t.Errorf("Y led to %v", msgs)
		}
	})
}

func TestHostileTexts(t *testing.T) {
	t.Parallel()
	evil := "\x1b]52;c;ZXZpbA==\a\x1b[2J\u202eevil\r\n\tjob"
	quoted, _ := json.Marshal(evil)
	w := newWorld("orders").say("orders", 10, marker("r-1"), event("job.started", "r-1", 1, ""), evil, app("ERROR", "r-1", "a\\u001b[31mb", `,"x":`+string(quoted)),
		event("job.failed", "r-1", 3, `,"error":{"name":`+string(quoted)+`,"message":`+string(quoted)+`,"stack":`+string(quoted)+`}`))
	l := deadLetter()
	l.ID, l.Message.Input, l.Message.Metadata = evil, json.RawMessage(`{"a":`+string(quoted)+`}`), map[string]any{evil: evil}
	w.letters = []letter.Letter{l}
	w.record = &jobs.Record{WorkerID: "orders", Status: "failed", Children: []jobs.Child{{JobID: evil, WorkerID: evil}}}
	run(t, w, screen.OpenJob{JobID: jobID}, func(c *console) {
		for _, size := range [][2]int{{60, 15}, {120, 35}, {200, 45}} {
			for _, keys := range [][]string{nil, {"g", "j", "j", "j", "enter"}, {"esc", "tab", "g", "j", "j", "enter"}, {"esc", "tab"}, {"tab"}, {"/", "'[31m"}, {"esc", "esc", "tab", "tab"}} {
				c.press(keys...)
				c.Update(screen.Resized{Width: size[0], Height: size[1]})
				screentest.Frame(t, c.View(size[0], size[1]), size[0], size[1])
			}
		}
		for _, msg := range c.press("y") {
			if text := msg.(screen.Copy).Text; strings.ContainsAny(text, "\x1b\a\u202e\r") || !json.Valid([]byte(text)) {
				t.Errorf("copied %q", text)
			}
		}
	})
	run(t, newWorld("orders"), screen.OpenJob{JobID: evil, WorkerID: "orders"}, func(c *console) {
		screentest.Frame(t, c.View(80, 19), 80, 19)
		screentest.Harmless(t, c.Title()+c.Status())
	})
}

// A tail as fast as it gets: each line once, in order, the life told from all of them.
func TestTenThousandLines(t *testing.T) {
	t.Parallel()
	w := newWorld("orders").say("orders", 0, begins("r-1"), marker("r-1"), event("job.started", "r-1", 1, ""))
	run(t, w, screen.OpenJob{JobID: jobID}, func(c *console) {
		all := manyLines(10_000)
		for at := 0; at < len(all); at += 500 {
			c.feed(all[at : at+500])
			c.feed(all[max(0, at-100) : at+500]) // a tail that begins anew brings some twice
		}
		c.has("lines 10,003", "line 9999")
		c.press("tab", "g")
		c.has("1–", "AIWORKER_RUN")
		c.feed(w.lines(t, "orders", 60, event("job.completed", "r-1", 1, `,"output":1`)))
		c.has("completed", "lines 10,004", "AIWORKER_RUN") // the lines stay where they are read
		c.press("/", "'LINE 77", "enter")
		c.has("lines 111 of 10,004")
		c.press("esc", "G")
		c.hasNot("of 10,004 ─[")
	})
}
