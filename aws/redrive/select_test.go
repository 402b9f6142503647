package redrive

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"github.com/microfox-ai/aiwctl/aws"
	"github.com/microfox-ai/aiwctl/aws/redrive/letter"
	"github.com/microfox-ai/aiwctl/aws/redrive/where"
	"github.com/microfox-ai/aiwctl/aws/redrive/why"
	"github.com/microfox-ai/aiwctl/dispatch"
)

// selected selects, or ends the test.
func selected(t *testing.T, e *Engine, c Choice) *Selection {
	t.Helper()
	s, err := e.Select(t.Context(), orders(), c)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// chosenIDs are the ids of a selection, in the order in which they are told.
func chosenIDs(t *testing.T, s *Selection) []string {
	t.Helper()
	var ids []string
	for c, err := range s.Letters() {
		if err != nil {
			t.Fatal(err)
		}
		ids = append(ids, c.ID)
	}
	return ids
}

// hiddenIDs are the ids of the messages of a queue that nobody can see.
func (w *world) hiddenIDs(url string) []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	var ids []string
	for _, m := range w.queue(url).messages {
		if m.visible.After(time.Now()) {
			ids = append(ids, m.id)
		}
	}
	slices.Sort(ids)
	return ids
}

func filter(t *testing.T, text string) *where.Filter {
	t.Helper()
	f, err := where.Compile(text)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// What was chosen is hidden until Release, everything else visible again at once.
func TestSelect(t *testing.T) {
	t.Parallel()
	const n = 47
	for name, tt := range map[string]struct {
		choice  Choice
		want    []string // nil: all
		missing []string
		unclear int
		seen    int
	}{
		"all":           {seen: n},
		"some":          {choice: Choice{IDs: []string{"m-00031", "m-00004"}}, want: []string{"m-00004", "m-00031"}, seen: n},
		"one twice":     {choice: Choice{IDs: []string{"m-00002", "m-00002"}}, want: []string{"m-00002"}, seen: n},
		"missing":       {choice: Choice{IDs: []string{"z", "m-00001", "a"}}, want: []string{"m-00001"}, missing: []string{"a", "z"}, seen: n},
		"where":         {choice: Choice{Where: filter(t, "input.n in [3, 7]")}, want: []string{"m-00003", "m-00007"}, seen: n},
		"unclear":       {choice: Choice{Where: filter(t, "input.n > 45 or input.n.x")}, want: []string{"m-00046", "m-00047"}, unclear: n - 2, seen: n},
		"ids and where": {choice: Choice{IDs: []string{"m-00003", "m-00004"}, Where: filter(t, "input.n != 3")}, want: []string{"m-00004"}, seen: n},
		"limit":         {choice: Choice{Limit: 12}, want: ids(1, 12), seen: 12},
	} {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld()
			w.put(dlqURL, n)
			s := selected(t, engine(w), tt.choice)
			want := tt.want
			if want == nil {
				want = ids(1, n)
			}
			got := slices.Sorted(slices.Values(chosenIDs(t, s)))
			if !slices.Equal(got, want) || s.Count != len(want) || s.Edits != 0 {
				t.Errorf("%s: chose %q, count %d, want %q", name, got, s.Count, want)
			}
			if !slices.Equal(s.Missing, tt.missing) || s.Unclear != tt.unclear || (s.UnclearErr != nil) != (tt.unclear > 0) {
				t.Errorf("%s: missing %q, unclear %d: %v", name, s.Missing, s.Unclear, s.UnclearErr)
			}
			byID := len(tt.choice.IDs) > 0 && len(tt.missing) == 0 // these were all that could be chosen
			if s.Seen > tt.seen || s.Depth.Visible != n || s.Complete != (s.Seen == n || byID) {
				t.Errorf("%s: seen %d of %d, complete %v", name, s.Seen, s.Depth.Visible, s.Complete)
			}
			// Three leases later.
			time.Sleep(3 * lookLease)
			if hidden := w.hiddenIDs(dlqURL); !slices.Equal(hidden, want) || s.Held() != len(want) || s.Lease() != lookLease {
				t.Errorf("%s: %q are hidden, %d held", name, hidden, s.Held())
			}
			for range 2 {
				if err := s.Release(t.Context()); err != nil {
					t.Errorf("%s: release: %v", name, err)
				}
			}
			if hidden := w.hiddenIDs(dlqURL); len(hidden) > 0 || s.Held() != 0 {
				t.Errorf("%s: after the release %q are hidden", name, hidden)
			}
			for _, m := range w.queue(dlqURL).messages {
				if m.received > 1 {
					t.Errorf("%s: %s was received %d times", name, m.id, m.received)
				}
			}
		})
	}
}

// ids are the ids that put gives.
func ids(from, to int) []string {
	var out []string
	for i := from; i <= to; i++ {
		out = append(out, fmt.Sprintf("m-%05d", i))
	}
	return out
}

// A few ids among very many: it need not look at all of them.
func TestSelectEndsWhenAllWereFound(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		all := w.put(dlqURL, 5000)
		s := selected(t, engine(w), Choice{IDs: []string{all[7], all[30]}})
		if s.Count != 2 || len(s.Missing) != 0 || w.calls["receive"] > 4*DefaultConcurrency {
			t.Errorf("chose %d in %d receives", s.Count, w.calls["receive"])
		}
		if err := s.Release(t.Context()); err != nil {
			t.Error(err)
		}
	})
}

func TestSelectEdits(t *testing.T) {
	t.Parallel()
	text := func(v string) map[string]types.MessageAttributeValue {
		return map[string]types.MessageAttributeValue{"tenant": {DataType: new("String"), StringValue: new(v)}}
	}
	for name, tt := range map[string]struct {
		edits   []letter.Letter
		body    string // of m-00002 as it is sent
		tenant  string
		changed bool
		missing []string
		wrong   string
	}{
		"spelled otherwise": {
			edits: []letter.Letter{{ID: "m-00002", Attributes: text("a"), Body: "{ \"jobId\" : \"job-2\",\n \"input\":{\"n\":2}, \"workerId\":\"\\u006frders\" }"}},
			body:  `{"workerId":"orders","jobId":"job-2","input":{"n":2}}`, tenant: "a",
		},
		"a body": {
			edits: []letter.Letter{{ID: "m-00002", Attributes: text("a"), Body: `{"workerId":"orders","jobId":"job-2","input":{"n":12345678901234567890}}`}},
			body:  `{"workerId":"orders","jobId":"job-2","input":{"n":12345678901234567890}}`, tenant: "a", changed: true,
		},
		"an attribute, the body spelled otherwise": {
			edits: []letter.Letter{{ID: "m-00002", Attributes: text("b"), Body: `{ "workerId":"orders","jobId":"job-2","input":{"n":2}}`}},
			body:  `{"workerId":"orders","jobId":"job-2","input":{"n":2}}`, tenant: "b", changed: true,
		},
		"no attributes": {
			edits: []letter.Letter{{ID: "m-00002", Body: `{"workerId":"orders","jobId":"job-2","input":{"n":2}}`}},
			body:  `{"workerId":"orders","jobId":"job-2","input":{"n":2}}`, changed: true,
		},
		"no JSON": {
			edits: []letter.Letter{{ID: "m-00002", Attributes: text("a"), Body: "plain"}},
			body:  "plain", tenant: "a", changed: true,
		},
		"not in the queue": {
			edits: []letter.Letter{{ID: "gone", Body: "{}"}, {ID: "m-00002", Attributes: text("a"), Body: "1"}},
			body:  "1", tenant: "a", changed: true, missing: []string{"gone"},
		},
		"without an id": {edits: []letter.Letter{{ID: "m-00002"}, {Body: "{}"}}, wrong: "message 2 of the file has no id"},
		"an id twice":   {edits: []letter.Letter{{ID: "m-00002"}, {ID: "m-00002"}}, wrong: "m-00002 is twice in the file"},
	} {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld()
			w.put(dlqURL, 3)
			for _, m := range w.queue(dlqURL).messages {
				m.attributes = text("a")
			}
			s, err := engine(w).Select(t.Context(), orders(), Choice{Edited: tt.edits})
			if tt.wrong != "" {
				if err == nil || !strings.Contains(err.Error(), tt.wrong) || w.calls["receive"] != 0 {
					t.Errorf("%s: %v", name, err)
				}
				return
			}
			if err != nil {
				t.Fatal(name, err)
			}
			if s.Count != 1 || s.Edits != boolInt(tt.changed) || !slices.Equal(s.Missing, tt.missing) {
				t.Errorf("%s: count %d, edits %d, missing %q", name, s.Count, s.Edits, s.Missing)
			}
			for c, err := range s.Letters() {
				if err != nil {
					t.Fatal(err)
				}
				if (c.Edit != nil) != tt.changed || tt.changed && c.Edit.Body != tt.body {
					t.Errorf("%s: edit %+v", name, c.Edit)
				}
			}
			rep, err := engine(w).Replay(t.Context(), Replay{Selection: s, Force: true})
			if rep.Replayed != 1 || (err != nil) != (tt.missing != nil) {
				t.Errorf("%s: %+v %v", name, rep, err)
			}
			m := w.queue(srcURL).messages[0]
			if m.body != tt.body || str(m.attributes["tenant"].StringValue) != tt.tenant {
				t.Errorf("%s: sent %s %v", name, m.body, m.attributes)
			}
		})
	}
}

func boolInt(b bool) int {
	if b {
		return 1
	}
	return 0
}

// Release works as well for somebody whose context has ended.
func TestSelectReleaseAfterTheEnd(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		w.put(dlqURL, 30)
		ctx, cancel := context.WithCancel(t.Context())
		s, err := engine(w).Select(ctx, orders(), Choice{})
		if err != nil {
			t.Fatal(err)
		}
		cancel()
		if err := s.Release(ctx); err != nil || len(w.hiddenIDs(dlqURL)) != 0 {
			t.Errorf("%v, hidden %q", err, w.hiddenIDs(dlqURL))
		}
	})
}

// Whatever ends a selection before there is one, nothing stays hidden.
func TestSelectFails(t *testing.T) {
	t.Parallel()
	denied := errors.New("no")
	for name, tt := range map[string]struct {
		worker aws.Worker
		fault  func(w *world, cancel func(), op string) fault
		is     error
	}{
		"no DLQ":   {worker: aws.Worker{ID: "orders"}, is: ErrNoQueue},
		"no depth": {worker: orders(), is: denied, fault: func(*world, func(), string) fault { return fault{before: denied} }},
		"interrupted": {worker: orders(), is: context.Canceled, fault: func(w *world, cancel func(), _ string) fault {
			if w.calls["receive"] == 3 {
				cancel()
			}
			return fault{}
		}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld()
				w.put(dlqURL, 200)
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				if tt.fault != nil {
					w.fault = func(op string) fault { return tt.fault(w, cancel, op) }
				}
				s, err := engine(w).Select(ctx, tt.worker, Choice{})
				if !errors.Is(err, tt.is) {
					t.Errorf("err = %v, want %v", err, tt.is)
				}
				if s != nil && s.Count != 0 || len(w.hiddenIDs(dlqURL)) != 0 {
					t.Errorf("%+v, hidden %q", s, w.hiddenIDs(dlqURL))
				}
			})
		})
	}
}

// More than fits into memory goes to a temporary file, and nothing else does.
func TestSelectWithoutRoom(t *testing.T) {
	t.Setenv("TMPDIR", filepath.Join(t.TempDir(), "not-there"))
	for _, large := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld()
			w.put(dlqURL, 40)
			if large {
				for _, m := range w.queue(dlqURL).messages {
					m.body = strings.Repeat("x", 1<<20)
				}
			}
			s, err := engine(w).Select(t.Context(), orders(), Choice{})
			switch {
			case large && !errors.Is(err, os.ErrNotExist):
				t.Errorf("large: %v", err)
			case !large && (err != nil || s.Count != 40):
				t.Errorf("small: %v", err)
			case !large:
				err = s.Release(t.Context())
				if err != nil {
					t.Error(err)
				}
			}
			if hidden := w.hiddenIDs(dlqURL); len(hidden) != 0 {
				t.Errorf("large %v: %d are hidden", large, len(hidden))
			}
		})
	}
}

// A FIFO queue shows of a message group no more than what one receive brings.
func TestSelectOfAFIFOQueue(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		worker := fifoWorker()
		w.put(worker.DLQ.URL, 25)
		for i, m := range w.queue(worker.DLQ.URL).messages {
			m.system["MessageGroupId"] = "g"
			if i > 20 {
				m.system["MessageGroupId"] = "h"
			}
		}
		s, err := engine(w).Select(t.Context(), worker, Choice{})
		if err != nil {
			t.Fatal(err)
		}
		want := slices.Concat(ids(1, 10), ids(22, 25))
		if got := chosenIDs(t, s); !slices.Equal(got, want) || s.Complete || !strings.Contains(strings.Join(s.Warnings, " "), "message group") {
			t.Errorf("%q, complete %v, %q", got, s.Complete, s.Warnings)
		}
		rep, err := engine(w).Replay(t.Context(), Replay{Selection: s})
		if err != nil || rep.Replayed != len(want) {
			t.Errorf("%+v %v", rep, err)
		}
		if left, hidden := w.bodies(worker.DLQ.URL); len(left) != 11 || hidden != 0 {
			t.Errorf("%d left, %d hidden", len(left), hidden)
		}
	})
}

func fifoWorker() aws.Worker {
	return aws.Worker{ID: "f", Queue: &aws.Queue{Name: "f.fifo", URL: "http://sqs/f.fifo"}, DLQ: &aws.Queue{Name: "f-dlq.fifo", URL: "http://sqs/f-dlq.fifo"}}
}

// Why they died: the job's record, else what the message itself says.
func TestSelectWhy(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		w.put(dlqURL, 6)
		for i, m := range w.queue(dlqURL).messages {
			if i < 3 {
				m.attributes = map[string]types.MessageAttributeValue{attrError: {DataType: new("String"), StringValue: new("order " + fmt.Sprint(i) + " is gone\x1b[2J")}}
			}
		}
		records := func(_ context.Context, id string) (why.Record, bool, error) {
			if id != "job-1" {
				return why.Record{}, false, nil
			}
			return why.Record{Status: "failed", Error: &dispatch.JobError{Message: "out of stock"}, At: time.Now()}, true, nil
		}
		e := engineWith(w, w, Config{Dir: NoJournal, Records: records})
		s := selected(t, e, Choice{Why: true})
		got := map[string]string{}
		for c, err := range s.Letters() {
			if err != nil {
				t.Fatal(err)
			}
			if c.Failure != nil {
				got[c.ID] = c.Failure.Text() + " via " + c.Failure.Via
			}
		}
		want := map[string]string{"m-00001": "out of stock via record", "m-00002": "order 1 is gone via message", "m-00003": "order 2 is gone via message"}
		if !maps.Equal(got, want) {
			t.Errorf("%q", got)
		}
		groups, err := s.Groups()
		counts := map[string]int{}
		for _, g := range groups {
			counts[g.Signature] = g.Count
		}
		if err != nil || !maps.Equal(counts, map[string]int{"order <n> is gone": 2, "out of stock": 1, why.Unknown: 3}) {
			t.Errorf("%v %v", counts, err)
		}
		if err := s.Release(t.Context()); err != nil {
			t.Error(err)
		}
		for text, want := range map[string][]string{
			`error contains "is gone"`:     {"m-00002", "m-00003"},
			`group == "order <n> is gone"`: {"m-00002", "m-00003"},
			`error == ""`:                  {"m-00004", "m-00005", "m-00006"},
		} {
			s := selected(t, e, Choice{Where: filter(t, text)})
			if got := chosenIDs(t, s); !slices.Equal(got, want) {
				t.Errorf("%s: %q", text, got)
			}
			if err := s.Release(t.Context()); err != nil {
				t.Error(err)
			}
		}
		// Nobody asks why.
		s = selected(t, e, Choice{IDs: []string{"m-00001", "m-00002"}})
		for c, err := range s.Letters() {
			if err != nil {
				t.Fatal(err)
			}
			if c.Failure != nil {
				t.Errorf("%s: %+v", c.ID, c.Failure)
			}
		}
		if err := s.Release(t.Context()); err != nil {
			t.Error(err)
		}
	})
}
