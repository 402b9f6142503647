package jobview_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/microfox-ai/aiwctl/aws/jobs"
	"github.com/microfox-ai/aiwctl/aws/redrive"
	"github.com/microfox-ai/aiwctl/aws/redrive/letter"
	"github.com/microfox-ai/aiwctl/dispatch"
	"github.com/microfox-ai/aiwctl/tui/screen"
	"github.com/microfox-ai/aiwctl/tui/screentest"
)

// completed is the whole life of a job that needed two attempts.
func completed() *world {
	w := newWorld("orders", "mail").say("orders", 1,
		begins("r-1"), marker("r-1"), event("job.started", "r-1", 1, ""), app("INFO", "r-1", "charging the card", `,"amount":1250`),
		event("job.progress", "r-1", 1, `,"percent":40,"note":"card"`), app("WARN", "r-1", "the bank is slow", ""),
		event("job.retrying", "r-1", 1, `,"durationMs":2310,"delayMs":4000,"error":{"name":"BankError","message":"429 Too Many Requests from https://bank.example"}`), ends("r-1"), report("r-1", ""),
		begins("r-2"), marker("r-2"), event("job.started", "r-2", 2, ""), app("DEBUG", "r-2", "again", ""),
		event("job.completed", "r-2", 2, `,"durationMs":1402,"output":{"receipt":"r-77","items":[{"sku":"a","n":2},{"sku":"b","n":1}],"paid":true}`),
		event("job.webhook", "r-2", 2, `,"webhookUrl":"https://hooks.example/done","webhookStatus":200,"webhookAttempts":1`), ends("r-2"), report("r-2", ""))
	w.record = &jobs.Record{
		WorkerID: "orders", Status: "completed", Input: json.RawMessage(`{"order":"o-1","items":[{"sku":"a","n":2}]}`), CreatedAt: start, UpdatedAt: start.Add(14 * time.Second), CompletedAt: start.Add(14 * time.Second),
		Metadata: map[string]any{"tenant": "t-1", "__trigger": map[string]any{"type": "worker", "parentJobId": "job-parent", "parentWorkerId": "mail"}},
		Children: []jobs.Child{{JobID: "job-1772420590000-child", WorkerID: "mail", Awaited: true}},
	}
	w.kids["job-1772420590000-child"] = jobs.Record{Status: "completed"}
	return w
}

func running() *world {
	return newWorld("orders").say("orders", 40, begins("r-1"), marker("r-1"), event("job.started", "r-1", 1, ""), app("INFO", "r-1", "rendering 240 frames", ""),
		event("job.progress", "r-1", 1, `,"percent":25,"note":"frame 60"`), event("job.progress", "r-1", 1, `,"percent":62.5,"note":"frame 150 of 240"`))
}

func retrying() *world {
	return newWorld("orders").say("orders", 50, begins("r-1"), marker("r-1"), event("job.started", "r-1", 1, ""),
		event("job.retrying", "r-1", 1, `,"durationMs":310,"delayMs":20000,"error":{"name":"NetError","message":"no such host"}`), ends("r-1"), report("r-1", ""))
}

// dead failed for good; its message is in the dead-letter queue.
func dead() *world {
	w := newWorld("orders").say("orders", 10, begins("r-1"), marker("r-1"), event("job.started", "r-1", 3, ""), app("ERROR", "r-1", "no such order", ""),
		event("job.failed", "r-1", 3, `,"durationMs":812,"error":{"name":"PermanentError","message":"order o-13 does not exist","stack":"orders.charge\n\t/app/charge.go:41\norders.handle\n\t/app/main.go:12"}`), ends("r-1"), report("r-1", ""))
	w.letters = []letter.Letter{deadLetter()}
	return w
}

func deadLetter() letter.Letter {
	l := letter.Letter{ID: "5f3c0001-8d1e-4b2a-9c3d-0123456789ab", ReceiveCount: 4, SentAt: start, Message: &dispatch.Message{
		JobID: jobID, WorkerID: "orders", Input: json.RawMessage(`{"order":"o-13"}`),
		Metadata: map[string]any{"tenant": "t-1", "__trigger": map[string]any{"type": "api", "at": start.Format(time.RFC3339)}},
	}}
	return l
}

func replayed() *world {
	w := dead()
	w.letters = nil
	w.sent = []redrive.Sent{{At: start.Add(45 * time.Second), MessageID: "m-1", NewMessageID: "m-2", JobID: jobID, NewJobID: "job-1772420630000-again", Worker: "orders", Journal: "j-1"}}
	return w
}

func again() *world {
	w := replayed()
	w.sent[0].NewJobID = ""
	return w
}

func timedOut() *world {
	return newWorld("orders").say("orders", 10, begins("r-1"), marker("r-1"), event("job.started", "r-1", 3, ""),
		"2026-03-02T03:03:18.000Z r-1 Task timed out after 3.00 seconds", ends("r-1"), report("r-1", "Status: timeout"))
}

func outOfMemory() *world {
	w := newWorld("orders")
	for i, req := range []string{"r-1", "r-2", "r-3"} {
		w.say("orders", float64(5+10*i), begins(req), marker(req), "RequestId: "+req+" Error: Runtime exited with error: signal: killed\nRuntime.ExitError", ends(req),
			"REPORT RequestId: "+req+"\tDuration: 900.00 ms\tBilled Duration: 901 ms\tMemory Size: 256 MB\tMax Memory Used: 256 MB\tStatus: error\tError Type: Runtime.OutOfMemory")
	}
	return w
}

func huge() *world {
	items := make([]string, 6000)
	for i := range items {
		items[i] = fmt.Sprintf(`{"n":%d,"name":"item %d"}`, i, i)
	}
	return newWorld("orders").say("orders", 10, marker("r-1"), event("job.started", "r-1", 1, ""),
		event("job.completed", "r-1", 1, `,"durationMs":1402,"output":[`+strings.Join(items, ",")+`]`))
}

func unclear() *world {
	return newWorld("orders").say("orders", -7200, marker("r-1"), event("job.started", "r-1", 1, ""))
}

func typescript() *world {
	node := func(text string) string { return "2026-03-02T03:03:18.678Z\tr-1\tINFO\t" + text }
	return newWorld("orders").say("orders", 10, begins("r-1"), node(marker("r-1")),
		node("[INFO] [orders] ["+jobID+"] charging the card "), node("[WARN] [orders] ["+jobID+"] [worker-retry] Retrying handler (attempt 2/3): no host {\"delayMs\":1000}"),
		node("[Worker] Job completed: {\n  jobId: '"+jobID+"',\n  workerId: 'orders',\n  output: { a: [Object] }\n}"),
		node("[Worker] Webhook callback successful: { jobId: '"+jobID+"', workerId: 'orders', status: 200 }"), ends("r-1"), report("r-1", ""))
}

func TestGolden(t *testing.T) {
	t.Parallel()
	ask := screen.OpenJob{JobID: jobID}
	states := map[string]struct {
		world func() *world
		keys  []string
		ask   screen.OpenJob
		with  func(c *console)
	}{
		"loading":   {world: func() *world { return newWorld("orders") }},
		"searching": {world: func() *world { w := newWorld("orders", "mail", "video"); w.held = true; return w }},
		"unknown":   {world: func() *world { return newWorld("orders", "mail") }},
		"sign":      {world: func() *world { return newWorld("orders") }, ask: screen.OpenJob{JobID: "job-mine", WorkerID: "orders", Since: screentest.Now()}},
		"failed-to-look": {world: func() *world {
			w := newWorld("orders")
			w.fail = errors.New("look up job: the store at redis://cache.example does not answer")
			return w
		}},
		"waiting": {world: func() *world {
			w := newWorld("orders")
			w.record = &jobs.Record{WorkerID: "orders", Status: "queued", Input: json.RawMessage(`{"order":"o-1"}`), CreatedAt: start, UpdatedAt: start}
			return w
		}},
		"running":          {world: running},
		"completed":        {world: completed},
		"completed-lines":  {world: completed, keys: []string{"tab"}},
		"completed-result": {world: completed, keys: []string{"tab", "tab"}},
		"completed-input":  {world: completed, keys: []string{"shift+tab"}},
		"line-open":        {world: completed, keys: []string{"tab", "g", "j", "j", "j", "enter"}},
		"search":           {world: completed, keys: []string{"/", "'bank"}},
		"retrying":         {world: retrying},
		"dead":             {world: dead},
		"dead-error":       {world: dead, keys: []string{"tab", "tab"}},
		"replayed":         {world: replayed},
		"replayed-same-id": {world: again},
		"timed-out":        {world: timedOut},
		"out-of-memory":    {world: outOfMemory},
		"huge":             {world: huge, keys: []string{"tab", "tab"}},
		"denied": {world: func() *world {
			w := completed()
			w.denied = true
			return w
		}},
		"no-log-group": {world: func() *world { w := completed(); w.noGroup = true; return w }},
		"unclear":      {world: unclear},
		"typescript":   {world: typescript},
		"tail-failed": {world: running, with: func(c *console) {
			c.feed(errorState())
			c.pass(2 * time.Second)
		}},
	}
	for name, state := range states {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w, ask := state.world(), ask
			if state.ask.JobID != "" {
				ask = state.ask
			}
			run(t, w, ask, func(c *console) {
				if name == "loading" {
					c = unread(c)
				}
				c.press(state.keys...)
				if state.with != nil {
					state.with(c)
				}
				for _, size := range [][2]int{{60, 15}, {80, 19}, {120, 35}, {200, 45}} {
					c.Update(screen.Resized{Width: size[0], Height: size[1]})
					screentest.Golden(t, fmt.Sprintf("%s-%d", name, size[0]), c.View(size[0], size[1]), size[0], size[1])
				}
			})
		})
	}
}
