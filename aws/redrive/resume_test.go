package redrive

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/microfox-ai/aiwctl/aws"
	"github.com/microfox-ai/aiwctl/aws/redrive/journal"
	"github.com/microfox-ai/aiwctl/aws/redrive/letter"
)

// cut is what a process leaves that is killed at some instant: the queues, and the
// files of its journal.
type cut struct {
	name  string
	w     *world
	at    time.Time
	files map[string][]byte
	// written is when a file was last seen to change: the file system knows another
	// time than the bubble.
	written time.Time
}

// cuts makes a cut before and after each call that w gets from now on.
func cuts(t *testing.T, w *world, dir string) *[]cut {
	t.Helper()
	var (
		all     []cut
		written = time.Now()
		size    int
	)
	take := func(when, op string) {
		if op == "attributes" && w.calls[op]%20 != 1 {
			return // they change nothing, and a canary makes hundreds
		}
		c := cut{name: fmt.Sprintf("%s %s %d", when, op, w.calls[op]), w: w.clone(), at: time.Now(), files: map[string][]byte{}}
		entries, err := os.ReadDir(dir)
		if err != nil {
			t.Error(err)
		}
		for _, e := range entries {
			if c.files[e.Name()], err = os.ReadFile(filepath.Join(dir, e.Name())); err != nil {
				t.Error(err)
			}
		}
		if n := len(slices.Concat(slices.Collect(maps.Values(c.files))...)); n != size {
			size, written = n, time.Now()
		}
		c.written = written
		if len(c.files) > 0 {
			all = append(all, c)
		}
	}
	w.fault = func(op string) fault { take("before", op); return fault{} }
	w.done = func(op string) { take("after", op) }
	return &all
}

// thaw puts a cut's files into a directory and says which is the journal. It is then
// as long after the cut as later says: in a bubble of its own, all begin at one time.
func (c *cut) thaw(t *testing.T, later time.Duration) (dir, path string) {
	t.Helper()
	time.Sleep(time.Until(c.at.Add(later)))
	dir = t.TempDir()
	for name, text := range c.files {
		file := filepath.Join(dir, name)
		if err := os.WriteFile(file, text, 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chtimes(file, c.written, c.written); err != nil {
			t.Fatal(err)
		}
		if strings.HasSuffix(name, ".jsonl") {
			path = file
		}
	}
	return dir, path
}

// underWay is how many messages the journal of a cut says may have been sent.
func underWay(t *testing.T, path string) int {
	t.Helper()
	st, err := journal.Read(path)
	if err != nil {
		t.Fatal(err)
	}
	return st.Count(func(m *journal.Message) bool { return m.Tried })
}

// Killed at any call, and gone on with: every message is moved, none is lost, and
// there are two of none but those that were under way, in a FIFO queue of none.
func TestResumeAfterAnyCall(t *testing.T) {
	t.Parallel()
	const n = 35
	fifo := fifoWorker()
	for name, tt := range map[string]struct {
		worker aws.Worker
		replay Replay
		choice *Choice
		later  time.Duration
	}{
		"all":               {worker: orders(), replay: Replay{All: true}},
		"all, later":        {worker: orders(), replay: Replay{All: true}, later: time.Hour},
		"one by one":        {worker: orders(), replay: Replay{All: true, Concurrency: 1}},
		"slowly":            {worker: orders(), replay: Replay{All: true, Rate: 20}},
		"by id":             {worker: orders(), replay: Replay{IDs: ids(3, 30)}},
		"fifo":              {worker: fifo, replay: Replay{All: true}},
		"fifo, later":       {worker: fifo, replay: Replay{All: true}, later: 4 * time.Minute},
		"new ids":           {worker: orders(), replay: Replay{All: true, NewJobIDs: true}},
		"selection":         {worker: orders(), choice: &Choice{}},
		"selection, canary": {worker: orders(), choice: &Choice{IDs: ids(3, 30)}, replay: Replay{Canary: 2}},
		"canary":            {worker: orders(), replay: Replay{All: true, Canary: 2}},
		"selection, later":  {worker: orders(), choice: &Choice{IDs: ids(3, 30)}, later: time.Hour},
		"edits": {worker: orders(), choice: &Choice{
			IDs: ids(3, 30), Edited: []letter.Letter{{ID: "m-00003", Body: `{"jobId":"job-3","edited":true}`}, {ID: "m-00022", Body: `{"jobId":"job-22","edited":true}`}},
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var all *[]cut
			var total int
			synctest.Test(t, func(t *testing.T) {
				w, dir := newWorld(), t.TempDir()
				w.put(tt.worker.DLQ.URL, n)
				for i, m := range w.queue(tt.worker.DLQ.URL).messages {
					if isFIFO(tt.worker.DLQ.URL) {
						m.system["MessageGroupId"] = fmt.Sprintf("g%d", i%3)
					}
				}
				r := tt.replay
				r.Worker = tt.worker
				e := journalled(w, dir)
				if tt.choice != nil {
					s, err := e.Select(t.Context(), tt.worker, *tt.choice)
					if err != nil {
						t.Fatal(err)
					}
					r.Selection = s
				}
				if r.Canary > 0 {
					w.consume(100*time.Second, never)
					time.AfterFunc(35*time.Second, func() { // another's, so that the queue is looked at
						w.mu.Lock()
						defer w.mu.Unlock()
						w.put(dlqURL, 1)
					})
				}
				all = cuts(t, w, dir)
				rep, err := e.Replay(t.Context(), r)
				if err != nil {
					t.Fatal(err)
				}
				total = rep.Replayed
				time.Sleep(2 * time.Minute) // consumers end
			})
			if len(*all) < 10 {
				t.Fatalf("only %d cuts", len(*all))
			}
			for i := range *all {
				c := &(*all)[i]
				synctest.Test(t, func(t *testing.T) { c.resume(t, tt.worker, tt.later, total, tt.replay.Canary > 0) })
			}
		})
	}
}

// resume goes on after a cut and judges what there is then. total is how many
// messages the replay was about.
func (c *cut) resume(t *testing.T, worker aws.Worker, later time.Duration, total int, consumed bool) {
	t.Helper()
	dir, path := c.thaw(t, later)
	maybe := underWay(t, path)
	began := time.Now()
	var told []Result
	e := journalled(c.w, dir)
	if consumed { // canaries are tried until they have completed
		c.w.queue(worker.Queue.URL).messages = nil
		c.w.consume(time.Second, never)
	}
	rep, err := e.Resume(t.Context(), Resume{Path: path, OnResult: func(r Result) { told = append(told, r) }})
	// A FIFO queue forgets what it has taken: what may be there is then not sent again.
	skipped := map[string]bool{}
	for _, p := range rep.Problems {
		skipped[p.JobID] = true
	}
	most := 0
	if isFIFO(worker.Queue.URL) && later > dedupWindow {
		most = maybe
	}
	if (err == nil) != (rep.Skipped == 0) || rep.Skipped > most || rep.Before+rep.Replayed+rep.Skipped != total || len(told) != rep.Replayed+rep.Skipped || rep.Unfinished {
		t.Errorf("%s: %d before, %d replayed, %d skipped, %d told of %d: %v", c.name, rep.Before, rep.Replayed, rep.Skipped, len(told), total, err)
	}
	if d := time.Since(began); d > lookLease+15*time.Second || later > 0 && d > 10*time.Second {
		t.Errorf("%s: it took %v", c.name, d)
	}
	time.Sleep(lookLease) // what the killed run held and was not asked for comes back by itself
	left, hidden := c.w.bodies(worker.DLQ.URL)
	if hidden != 0 {
		t.Errorf("%s: %d are hidden", c.name, hidden)
	}
	count := map[string]int{}
	doubled := 0
	sent, _ := c.w.bodies(worker.Queue.URL)
	for _, body := range sent {
		id := body
		if m := c.w.queue(worker.Queue.URL); len(m.dedup) == 0 { // by job, as edits change bodies
			id = jobIDs([]string{body})[0]
		}
		if count[id]++; count[id] > 1 {
			doubled++
		}
	}
	if isFIFO(worker.Queue.URL) {
		maybe = 0
	}
	if doubled > maybe || len(count) < total-rep.Skipped && !consumed {
		t.Errorf("%s: %d of %d sent, %d doubled, %d could be", c.name, len(count), total, doubled, maybe)
	}
	for _, body := range left {
		if id := jobIDs([]string{body})[0]; count[id] > 0 && !skipped[id] {
			t.Errorf("%s: %s is in both queues", c.name, id)
		}
	}
	if edits := len(slices.DeleteFunc(sent, func(b string) bool { return !strings.Contains(b, "edited") })); len(c.files) > 1 && edits < 2 {
		t.Errorf("%s: %d of 2 edited messages", c.name, edits)
	}
	if unfinished, err := e.Unfinished(); err != nil || len(unfinished) != 0 {
		t.Errorf("%s: still unfinished: %d, %v", c.name, len(unfinished), err)
	}
	if files, err := filepath.Glob(filepath.Join(dir, "*"+editsEnding)); err != nil || len(files) != 0 {
		t.Errorf("%s: %q stays", c.name, files)
	}
}

// written makes a journal as old as it is in the bubble.
func written(t *testing.T, path string, ago time.Duration) {
	t.Helper()
	when := time.Now().Add(-ago)
	if err := os.Chtimes(path, when, when); err != nil {
		t.Fatal(err)
	}
}
