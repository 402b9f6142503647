package jobs_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode"

	"github.com/microfox-ai/aiwctl/aws/audit"
	"github.com/microfox-ai/aiwctl/aws/jobs"
	"github.com/microfox-ai/aiwctl/aws/redrive"
)

func TestLives(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		lines    []string
		state    jobs.State
		attempts string // number and outcome of each
		err      string
		story    string
	}{
		"completed": {
			lines: []string{
				begins("r1"), marker("r1"), event("job.started", "r1", 1, ""), event("job.progress", "r1", 1, `,"percent":50,"note":"half"`),
				`{"level":"WARN","msg":"try 1 of 3 failed (busy), the next one starts in 1s: 429","jobId":"j","workerId":"w","requestId":"r1","attempt":1,"pattern":"busy","try":1,"delayMs":1000,"error":{"message":"429"}}`,
				event("job.completed", "r1", 1, `,"durationMs":2500,"output":{"n":1}`), event("job.webhook", "r1", 1, `,"webhookUrl":"https://x.example","webhookStatus":503,"webhookAttempts":1`), ends("r1"), report("r1", ""),
			},
			state: "completed", attempts: "1 completed",
			story: lines("2 attempt 1: begins, request r1", "3 progress: 50% half", "4 try: try 1 of 3 failed, the next one starts in 1s: 429", "5 ended 1: completed after 2.5s",
				"6 webhook: not delivered, status 503, https://x.example: m"),
		},
		"tried again, put off, completed": {
			lines: []string{
				begins("r1"), marker("r1"), event("job.started", "r1", 1, ""), event("job.retrying", "r1", 1, `,"durationMs":10,"delayMs":2000,"error":{"message":"no host","name":"NetError"}`), ends("r1"), report("r1", ""),
				marker("r2"), event("job.started", "r2", 2, ""), event("job.deferred", "r2", 2, `,"delayMs":4000`),
				marker("r3"), event("job.started", "r3", 2, ""), event("job.completed", "r3", 2, ""),
			},
			state: "completed", attempts: "1 failed, 2 deferred, 2 completed",
			story: lines("2 attempt 1: begins, request r1", "3 ended 1: failed after 10ms, again in 2s: NetError: no host", "7 attempt 2: begins, request r2", "8 ended 2: deferred, again in 4s",
				"10 attempt 2: begins, request r3", "11 ended 2: completed"),
		},
		"failed for good": {
			lines: []string{marker("r1"), event("job.started", "r1", 1, ""), event("job.failed", "r1", 1, `,"error":{"message":"no such order","name":"PermanentError"}`)},
			state: "failed", attempts: "1 failed", err: "no such order",
			story: lines("1 attempt 1: begins, request r1", "2 ended 1: failed: PermanentError: no such order"),
		},
		"timed out, another attempt left": {
			lines: []string{marker("r1"), event("job.started", "r1", 1, ""), "2026-01-02T03:00:02.000Z r1 Task timed out after 3.00 seconds", report("r1", "Status: timeout")},
			state: "retrying", attempts: "1 timed out", err: "Task timed out after 3.00 seconds",
			story: lines("1 attempt 1: begins, request r1", "2 ended 1: timed out after 3s: Task timed out after 3.00 seconds"),
		},
		"out of memory, twice": {
			lines: []string{
				marker("r1"), "RequestId: r1 Error: Runtime exited with error: signal: killed\nRuntime.ExitError", report("r1", "Status: error\tError Type: Runtime.OutOfMemory"),
				marker("r2"), "RequestId: r2 Error: Runtime exited with error: signal: killed\nRuntime.ExitError", report("r2", "Status: error\tError Type: Runtime.OutOfMemory"),
			},
			state: "crashed", attempts: "1 out of memory, 2 out of memory", err: "Runtime exited with error: signal: killed (all of its memory was in use)",
			story: lines("0 attempt 1: begins, request r1", "1 ended 1: out of memory after 3s: Runtime exited with error: signal: killed (all of its memory was in use)",
				"3 attempt 2: begins, request r2", "4 ended 2: out of memory after 3s: Runtime exited with error: signal: killed (all of its memory was in use)"),
		},
		"panicked": {
			lines: []string{begins("r1"), marker("r1"), event("job.started", "r1", 2, ""), "panic: boom", "RequestId: r1 Error: Runtime exited with error: exit status 2\nRuntime.ExitError"},
			state: "crashed", attempts: "2 crashed", err: "panic: boom",
			story: lines("2 attempt 2: begins, request r1", "4 ended 2: crashed: panic: boom"),
		},
		"its end is missing": {
			lines: []string{marker("r1"), event("job.started", "r1", 1, "")},
			state: "unknown", attempts: "1 unknown",
			story: lines("1 attempt 1: begins, request r1", "1 ended 1: its end is not in the log"),
		},
		"TypeScript, completed": {
			lines: []string{
				begins("r1"), node("r1", "INFO", marker("r1")), node("r1", "INFO", "[Worker] Job status updated to running: { jobId: 'j', workerId: 'w' }"),
				node("r1", "WARN", `[WARN] [w] [j] [worker-retry] Retrying handler (attempt 2/3): no host {"delayMs":1000}`),
				node("r1", "INFO", "[Worker] Queue job step updated {\n  queueId: 'q',\n  queueJobId: 'qj',\n  stepIndex: 0,\n  workerId: 'w',\n  status: 'completed'\n}"),
				node("r1", "INFO", "[Worker] Job completed: {\n  jobId: 'j',\n  workerId: 'w',\n  output: { a: [Object] }\n}"),
				node("r1", "INFO", "[Worker] Webhook callback successful: { jobId: 'j', workerId: 'w', status: 200 }"), ends("r1"), report("r1", ""),
			},
			state: "completed", attempts: "1 completed",
			story: lines("1 attempt 1: begins, request r1", "3 try: try 1 of 3 failed, the next one starts in 1s: no host", "4 step: queue q, run qj: the step is completed",
				"5 ended 1: completed after 3s", "6 webhook: delivered, status 200"),
		},
		"TypeScript, failed, its redelivery skipped": {
			lines: []string{
				begins("r1"), node("r1", "INFO", marker("r1")), node("r1", "ERROR", "[Worker] Job status updated to failed: { jobId: 'j', workerId: 'w' }"),
				node("r1", "ERROR", "[Worker] Error processing SQS record: {\n  jobId: 'j',\n  workerId: 'w',\n  error: 'no host',\n  stack: 'TypeError: no host\\n' +\n    '    at x'\n}"), ends("r1"), report("r1", ""),
				begins("r2"), node("r2", "INFO", marker("r2")), node("r2", "INFO", "[Worker] Skipping already terminal job (idempotent): { jobId: 'j', workerId: 'w', status: 'failed' }"), ends("r2"), report("r2", ""),
			},
			state: "failed", attempts: "1 failed", err: "no host",
			story: lines("1 attempt 1: begins, request r1", "3 ended 1: failed after 3s: TypeError: no host", "7 skipped: a delivery left it alone: it was recorded as failed before"),
		},
		"a batch in which another job fails": {
			lines: []string{
				begins("r1"), marker("r1"), strings.Replace(marker("r1"), `"j"`, `"k"`, 1), strings.Replace(event("job.failed", "r1", 1, `,"error":{"message":"not mine"}`), `"j"`, `"k"`, 1),
				event("job.completed", "r1", 1, ""), report("r1", ""),
			},
			state: "completed", attempts: "1 completed", story: lines("1 attempt 1: begins, request r1", "4 ended 1: completed after 3s"),
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			life := newWorld("w").say("w", 0, tt.lines...).find(t, "j")
			var attempts []string
			for _, a := range life.Attempts {
				attempts = append(attempts, fmt.Sprint(a.Number, " ", a.Outcome))
			}
			message := ""
			if life.Error != nil {
				message = life.Error.Message
			}
			if life.State != tt.state || strings.Join(attempts, ", ") != tt.attempts || message != tt.err || life.WorkerID != "w" {
				t.Errorf("%s of %s, attempts %q, error %q\nwant %s, %q, %q", life.State, life.WorkerID, attempts, message, tt.state, tt.attempts, tt.err)
			}
			if got := story(life); got != tt.story {
				t.Errorf("got\n%s\nwant\n%s", got, tt.story)
			}
			if !slices.ContainsFunc(life.Missing, func(s string) bool { return strings.HasPrefix(s, "no store is given") }) {
				t.Errorf("missing: %q", life.Missing)
			}
			// However many of its lines come later, the life is told the same.
			for cut := range tt.lines {
				before := newWorld("w").say("w", 0, tt.lines[:cut]...).find(t, "j")
				was, told := story(before), before.With(life.Lines(), start.Add(time.Hour))
				if told.State != life.State || story(told) != tt.story || fmt.Sprint(told.Error) != fmt.Sprint(life.Error) || len(told.Attempts) != len(life.Attempts) || len(told.Lines()) != len(life.Lines()) {
					t.Errorf("with %d lines before: %s, %d lines\n%s\nwant\n%s", cut, told.State, len(told.Lines()), story(told), tt.story)
				}
				if again := told.With(life.Lines(), start.Add(time.Hour)); story(again) != tt.story || len(again.Lines()) != len(life.Lines()) {
					t.Errorf("told again with the same lines:\n%s", story(again))
				}
				if story(before) != was {
					t.Error("the life that was told from has changed")
				}
			}
		})
	}
}

var completed = []string{marker("r1"), event("job.started", "r1", 1, ""), event("job.completed", "r1", 1, "")}

// Who sent it is told by the audit trail, a stamp in its message, or its id; the worker
// that a source names is searched first, and no other when it is the one.
func TestSentAndSearched(t *testing.T) {
	t.Parallel()
	t.Run("audit", func(t *testing.T) {
		t.Parallel()
		w := newWorld("v", "w").say("w", 1, completed...)
		entry := audit.Record{Time: start, Who: "arn:aws:iam::1:user/ops", Region: "eu-west-1", Stage: "prod", Action: "dispatch", Object: "w", IDs: []string{"j"}, Outcome: audit.OutcomeDone}
		other := entry
		other.Stage, other.Who = "test", "somebody else"
		w.wrote(t, other, audit.Record{Time: start, Region: "eu-west-1", Stage: "prod", Action: "dlq.delete", IDs: []string{"jj", "j2"}}, entry)
		life := w.find(t, "j")
		if o := life.Sent; o == nil || o.How != "dispatch" || o.By != "arn:aws:iam::1:user/ops" || !o.At.Equal(start) || o.From != "audit trail" || life.TotalMS != 3000 {
			t.Errorf("%+v, %v ms", life.Sent, life.TotalMS)
		}
		if !slices.Equal(w.searched, []string{"/aws/lambda/w"}) {
			t.Errorf("searched %q", w.searched)
		}
	})
	t.Run("stamp", func(t *testing.T) {
		t.Parallel()
		w := newWorld("v", "w").say("w", 1, completed...)
		w.record = &jobs.Record{WorkerID: "w", Status: "completed", Output: []byte(`{"n":1}`), UpdatedAt: start.Add(3 * time.Second), CompletedAt: start.Add(3 * time.Second), Metadata: map[string]any{"__trigger": map[string]any{
			"type": "worker", "parentJobId": "p", "parentWorkerId": "pw",
		}}, Children: []jobs.Child{{JobID: "c", WorkerID: "cw", Awaited: true}}}
		w.children["c"] = jobs.Record{Status: "running"}
		life := w.find(t, "j")
		if o := life.Sent; o == nil || o.How != "worker" || o.ParentJobID != "p" || o.ParentWorkerID != "pw" || string(life.Output) != `{"n":1}` {
			t.Errorf("%+v", life.Sent)
		}
		if !strings.Contains(story(life), "child: c of cw, waited for, running") || len(life.Missing) > 0 || len(life.Disagreements) > 0 {
			t.Errorf("%s\nmissing %q, %q", story(life), life.Missing, life.Disagreements)
		}
	})
	t.Run("id", func(t *testing.T) {
		t.Parallel()
		id := fmt.Sprintf("job-%d-abc", start.UnixMilli())
		w := newWorld("v", "w")
		for _, s := range completed {
			w.say("w", 1, strings.Replace(s, `"j"`, `"`+id+`"`, 1))
		}
		life := w.find(t, id, func(r *jobs.Request) { r.Since = start.Add(30 * time.Minute) }) // after all of it
		if o := life.Sent; o == nil || !o.At.Equal(start) || o.From != "job id" || life.State != "completed" {
			t.Errorf("%s %+v", life.State, life.Sent)
		}
		if life = w.find(t, id, func(r *jobs.Request) { r.Since, r.Extend = start.Add(30*time.Minute), false }); life.Found() {
			t.Errorf("found although it was not to be searched for so far back: %s", story(life))
		}
	})
	t.Run("a wrong hint", func(t *testing.T) {
		t.Parallel()
		w := newWorld("v", "w").say("w", 1, completed...)
		w.record = &jobs.Record{WorkerID: "v", Status: "completed", UpdatedAt: start}
		if life := w.find(t, "j"); life.WorkerID != "w" || life.State != "completed" {
			t.Errorf("%s of %s", life.State, life.WorkerID)
		}
	})
	t.Run("named", func(t *testing.T) {
		t.Parallel()
		w := newWorld("v").say("w", 1, completed...)
		if life := w.find(t, "j", func(r *jobs.Request) { r.Named = true }); life.Found() || w.looks != 1 {
			t.Errorf("%s, %d looks", story(life), w.looks)
		}
	})
}

func TestReplays(t *testing.T) {
	t.Parallel()
	w := newWorld("w").say("w", 0, marker("r1"), event("job.failed", "r1", 2, `,"error":{"message":"boom"}`))
	w.sent = []redrive.Sent{{At: start.Add(time.Minute), MessageID: "m1", NewMessageID: "m2", JobID: "j", NewJobID: "job-new", Worker: "w", Journal: "20260102"}}
	life := w.find(t, "j")
	if len(life.Replays) != 1 || life.Replays[0].NewJobID != "job-new" || life.State != "failed" || !strings.HasSuffix(story(life), "60 replayed: replayed as job-new, as message m2") {
		t.Errorf("%s, %+v\n%s", life.State, life.Replays, story(life))
	}
	if life = w.find(t, "job-new"); life.Sent == nil || life.Sent.ReplayOf != "j" || life.Sent.How != "replay" || life.State != "sent" || life.WorkerID != "w" || !life.Found() {
		t.Errorf("the new one: %s of %s, %+v", life.State, life.WorkerID, life.Sent)
	}
	// Under its own id it is on its way again, until a delivery is seen.
	w.sent[0].NewJobID = ""
	if life = w.find(t, "j"); life.State != "sent" || life.Error != nil || life.StateFrom != "journal" {
		t.Errorf("%s by %s", life.State, life.StateFrom)
	}
	w.say("w", 70, marker("r2"), event("job.completed", "r2", 1, ""))
	if life = w.find(t, "j"); life.State != "completed" || len(life.Attempts) != 2 {
		t.Errorf("%s, %d attempts", life.State, len(life.Attempts))
	}
	// An older journal has no job ids, and the record knows the message.
	w.sent[0].JobID = ""
	w.record = &jobs.Record{WorkerID: "w", Status: "completed", MessageID: "m1", UpdatedAt: start.Add(71 * time.Second), CompletedAt: start.Add(71 * time.Second)}
	if life = w.find(t, "j"); len(life.Replays) != 1 {
		t.Errorf("asked %q", w.asked)
	}
}

// A dead-letter queue is looked into only when that can tell something, since it
// raises receive counts; what was not looked into is said.
func TestDeadLetters(t *testing.T) {
	t.Parallel()
	failed := []string{marker("r1"), event("job.failed", "r1", 2, `,"error":{"message":"boom"}`)}
	tried := []string{marker("r1"), event("job.retrying", "r1", 1, `,"delayMs":90000,"error":{"message":"boom"}`)}
	has := func(list []string, part string) bool {
		return slices.ContainsFunc(list, func(s string) bool { return strings.Contains(s, part) })
	}
	for name, tt := range map[string]struct {
		lines   []string
		letters int // the last one is the job's, if ours
		ours    bool
		change  func(*world)
		dlq     jobs.DLQ
		looks   int
		missing string
		state   jobs.State
		found   bool
	}{
		"completed":            {lines: completed, ours: true, letters: 1, state: "completed"},
		"completed, asked":     {lines: completed, ours: true, letters: 1, dlq: jobs.DLQAlways, looks: 1, state: "completed", found: true},
		"dead":                 {lines: failed, ours: true, letters: 3, looks: 1, state: "failed", found: true},
		"dead, never":          {lines: failed, ours: true, letters: 3, dlq: jobs.DLQNever, state: "failed", missing: "was not looked into"},
		"dead, gone":           {lines: failed, letters: 3, looks: 1, state: "failed", missing: "not in the dead-letter queue"},
		"dead, many others":    {lines: failed, letters: 3, change: func(w *world) { w.complete = false }, looks: 1, state: "failed", missing: "not among the 2 messages of about 3"},
		"dead, queue empty":    {lines: failed, change: func(w *world) { w.workers[0].DLQ.Depth.At = start.Add(2 * time.Minute) }, state: "failed", missing: "not in the dead-letter queue"},
		"dead a moment ago":    {lines: failed, ours: true, letters: 1, change: func(w *world) { w.workers[0].DLQ.Depth.At = start.Add(2 * time.Second) }, looks: 1, state: "failed", found: true},
		"dead, onward":         {lines: failed, ours: true, letters: 1, change: func(w *world) { w.workers[0].DLQ.DeadLetterARN = "arn:x" }, state: "failed", missing: "redrive policy of its own"},
		"dead, denied":         {lines: failed, change: func(w *world) { w.lookErr = errors.New("access denied") }, looks: 1, state: "failed", missing: "could not be read: access denied"},
		"tried, and not since": {lines: tried, ours: true, letters: 1, looks: 1, state: "failed", found: true},
		"its next is overdue":  {lines: tried, letters: 1, looks: 1, state: "retrying", missing: "its next delivery was due by 2026-01-02 03:02:31Z"},
		"its next is not due":  {lines: tried, ours: true, letters: 1, change: func(w *world) { w.workers[0].Queue.VisibilityTimeout = 2 * time.Hour }, state: "retrying"},
		"never ran":            {ours: true, letters: 1, looks: 1, state: "failed", found: true},
		"nowhere":              {letters: 1, looks: 1, state: "unknown"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld("w").say("w", 0, tt.lines...)
			for n := range tt.letters {
				w.letters = append(w.letters, dead(fmt.Sprint("m", n), fmt.Sprint("other", n), "{}"))
			}
			if tt.ours {
				w.letters[tt.letters-1] = dead("mine", "j", `{"__trigger":{"type":"schedule","at":"2026-01-02T03:00:00.000Z"}}`)
			}
			if tt.change != nil {
				tt.change(w)
			}
			life := w.find(t, "j", func(r *jobs.Request) {
				r.DLQ = tt.dlq
				if !w.complete {
					r.DLQLimit = 2
				}
			})
			if w.looks != tt.looks || life.State != tt.state || (life.DeadLetter != nil) != tt.found || tt.missing != "" && !has(life.Missing, tt.missing) {
				t.Errorf("%d looks, %s, letter %+v, missing %q", w.looks, life.State, life.DeadLetter, life.Missing)
			}
			if tt.found && (life.DeadLetter.MessageID != "mine" || life.DeadLetter.Queue != "w-dlq" || life.Sent == nil || life.Sent.How != "schedule" ||
				!strings.Contains(story(life), "dead-lettered: in w-dlq, message mine, received 3 times, looks included")) {
				t.Errorf("%+v, %+v\n%s", life.DeadLetter, life.Sent, story(life))
			}
			if disagrees := name == "completed, asked"; disagrees != (len(life.Disagreements) > 0) {
				t.Errorf("disagreements %q", life.Disagreements)
			}
		})
	}
}

// A callback that fails is handed on to a message of its own, which is no delivery of
// the job, neither in the log nor in the dead-letter queue.
func TestHandedOnWebhook(t *testing.T) {
	t.Parallel()
	w := newWorld("w").say("w", 0, append(slices.Clone(completed),
		`{"level":"WARN","msg":"webhook not delivered yet, a message in the queue will try again: 503","event":"job.webhook","jobId":"j","requestId":"r1","webhookAttempts":1,"webhookStatus":503,"error":{"message":"503"}}`,
		begins("r2"), `{"level":"WARN","msg":"webhook not delivered yet, SQS will deliver its message again: 503","event":"job.webhook","jobId":"j","requestId":"r2","webhookAttempts":1,"webhookStatus":503,"error":{"message":"503"}}`,
	)...)
	l := dead("m1", "j", "{}")
	l.SetBody(strings.Replace(l.Body, `"input":{}`, `"input":{},"webhookDelivery":{"callback":"x"}`, 1))
	w.letters = append(w.letters, l)
	life := w.find(t, "j", func(r *jobs.Request) { r.DLQ = jobs.DLQAlways })
	if life.State != "completed" || len(life.Attempts) != 1 || life.DeadLetter != nil || life.Webhook == nil || life.Webhook.Delivered || life.Webhook.Attempts != 2 || len(life.Disagreements) > 0 {
		t.Errorf("%s, %d attempts, letter %+v, webhook %+v, %q", life.State, len(life.Attempts), life.DeadLetter, life.Webhook, life.Disagreements)
	}
	for _, want := range []string{"3 webhook: not delivered yet, status 503: 503", "5 webhook: not delivered yet", "its webhook was given up: w-dlq, message m1"} {
		if !strings.Contains(story(life), want) {
			t.Errorf("no %q in\n%s", want, story(life))
		}
	}
}

func TestSourcesDisagree(t *testing.T) {
	t.Parallel()
	at := func(second int) time.Time { return start.Add(time.Duration(second) * time.Second) }
	timedOut := []string{marker("r1"), event("job.started", "r1", 2, ""), "2026-01-02T03:00:02.000Z r1 Task timed out after 3.00 seconds"}
	for name, tt := range map[string]struct {
		lines  []string
		record jobs.Record
		state  jobs.State
		from   string
		said   string // empty: they agree
	}{
		"agree":                        {lines: completed, record: jobs.Record{Status: "completed", UpdatedAt: at(2), CompletedAt: at(2)}, state: "completed", from: "log"},
		"timed out, and nobody told":   {lines: timedOut, record: jobs.Record{Status: "running", UpdatedAt: at(1)}, state: "timed out", from: "log", said: "still running"},
		"the record is later":          {lines: completed, record: jobs.Record{Status: "failed", UpdatedAt: at(9), CompletedAt: at(9), Error: failure("later")}, state: "failed", from: "record", said: "the log says completed"},
		"the log is later":             {lines: []string{"x", "y", "z", completed[0], completed[1], completed[2]}, record: jobs.Record{Status: "failed", UpdatedAt: at(1), CompletedAt: at(1)}, state: "completed", from: "log", said: "failed"},
		"the log ends before":          {lines: completed[:2], record: jobs.Record{Status: "completed", UpdatedAt: at(9), CompletedAt: at(9)}, state: "completed", from: "record"},
		"no log":                       {record: jobs.Record{WorkerID: "w", Status: "failed", CreatedAt: at(0), UpdatedAt: at(9), CompletedAt: at(9), Error: failure("boom")}, state: "failed", from: "record"},
		"no log, running, lease over":  {record: jobs.Record{WorkerID: "w", Status: "running", CreatedAt: at(0), UpdatedAt: at(1), LeaseUntil: at(60)}, state: "unknown", from: "record"},
		"no log, running":              {record: jobs.Record{WorkerID: "w", Status: "running", CreatedAt: at(0), UpdatedAt: at(1), LeaseUntil: start.Add(2 * time.Hour)}, state: "running", from: "record"},
		"no log, waits for its second": {record: jobs.Record{WorkerID: "w", Status: "queued", CreatedAt: at(0), UpdatedAt: at(1), LastError: failure("boom")}, state: "retrying", from: "record"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld("w").say("w", 0, tt.lines...)
			w.record = &tt.record
			life := w.find(t, "j")
			if life.State != tt.state || life.StateFrom != tt.from || (tt.said == "") != (len(life.Disagreements) == 0) || tt.said != "" && !strings.Contains(life.Disagreements[0], tt.said) {
				t.Errorf("%s by %s, %q", life.State, life.StateFrom, life.Disagreements)
			}
			if !life.Found() {
				t.Error("not found")
			}
			if life.State == "failed" && tt.record.Error != nil && (life.Error == nil || life.Error.Message != tt.record.Error.Message) {
				t.Errorf("error %+v", life.Error)
			}
		})
	}
}

func TestExpiredLogs(t *testing.T) {
	t.Parallel()
	for days, want := range map[int]string{1: "its log lines have expired: it is from 2025-12-29 03:00:00Z, and log group /aws/lambda/w keeps 1 days", 7: "no log line since"} {
		w := newWorld("v", "w")
		w.kept = time.Duration(days) * 24 * time.Hour
		w.record = &jobs.Record{WorkerID: "w", Status: "completed", CreatedAt: start.Add(-4 * 24 * time.Hour), UpdatedAt: start, CompletedAt: start}
		if life := w.find(t, "j"); !slices.ContainsFunc(life.Missing, func(s string) bool { return strings.HasPrefix(s, want) }) {
			t.Errorf("kept for %d days: %q", days, life.Missing)
		}
	}
}

func TestDeniedLogs(t *testing.T) {
	t.Parallel()
	w := newWorld("u", "v", "w").say("w", 0, completed...)
	w.denied["/aws/lambda/u"], w.denied["/aws/lambda/v"] = true, true
	life := w.find(t, "j")
	denied := 0
	for _, src := range life.Sources {
		if src.Status == jobs.SourceDenied {
			denied++
		}
	}
	if life.State != "completed" || denied != 2 || !slices.ContainsFunc(life.Missing, func(s string) bool { return strings.Contains(s, "2 log groups") && strings.Contains(s, "denied") }) {
		t.Errorf("%s, %+v, %q", life.State, life.Sources, life.Missing)
	}
}

// Whatever a log, a record or a message says, nothing of it acts on a terminal.
func TestHostileTexts(t *testing.T) {
	t.Parallel()
	const evil = "\x1b[2J\u202e\u009b1mx\r"
	w := newWorld("w").say("w", 0, marker("r1"), event("job.progress", "r1", 1, `,"note":"\u001b[2J\u202e\r"`), event("job.failed", "r1", 2, `,"error":{"message":"\u001b[2Jx","name":"\u0007"}`))
	w.record = &jobs.Record{
		WorkerID: evil, Status: evil, Error: failure(evil), Metadata: map[string]any{"__trigger": map[string]any{"type": evil, "parentJobId": evil}},
		Children: []jobs.Child{{JobID: evil, WorkerID: evil}}, Webhook: &jobs.Webhook{Error: evil, At: start},
	}
	w.letters = append(w.letters, dead(evil, "j", "{}"))
	w.sent = []redrive.Sent{{JobID: "j", NewJobID: evil, MessageID: evil, NewMessageID: evil, Journal: evil, At: start}}
	life := w.find(t, "j")
	texts := append(append([]string{life.WorkerID, string(life.State), life.Sent.How, life.Sent.ParentJobID, life.Webhook.Error}, life.Missing...), life.Disagreements...)
	for _, e := range life.Events {
		texts = append(texts, e.Text)
	}
	for _, s := range life.Sources {
		texts = append(texts, s.Name, s.Note)
	}
	texts = append(texts, life.Children[0].JobID, life.DeadLetter.MessageID, life.Replays[0].NewJobID, life.Error.Message, life.Error.Name)
	for _, s := range texts {
		if strings.ContainsFunc(s, func(r rune) bool { return unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r) }) {
			t.Errorf("%q acts on a terminal", s)
		}
	}
	if len(life.Events) < 6 {
		t.Errorf("%s", story(life))
	}
}
