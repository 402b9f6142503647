package redrive

import (
	"context"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/smithy-go"

	"github.com/microfox-ai/aiwctl/aws"
	"github.com/microfox-ai/aiwctl/aws/redrive/journal"
	"github.com/microfox-ai/aiwctl/aws/redrive/letter"
)

// interrupted replays until some were sent, and says where the journal is.
func interrupted(t *testing.T, w *world, dir string, r Replay) string {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	was := w.fault
	w.fault = func(op string) fault {
		if op == "send" && w.calls[op] == 2 {
			cancel()
		}
		return fault{}
	}
	rep, err := journalled(w, dir).Replay(ctx, r)
	w.fault = was
	if !errors.Is(err, context.Canceled) || !rep.Unfinished || rep.Journal == "" {
		t.Fatalf("%+v %v", rep, err)
	}
	return rep.Journal
}

// Interrupted, and gone on with at once: nothing is in flight, nothing waited for.
func TestResumeAfterAnInterrupt(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w, dir := newWorld(), t.TempDir()
		w.put(dlqURL, 95)
		w.queue(dlqURL).messages[50].body = strings.Repeat("x", batchBytes+1) // skipped
		path := interrupted(t, w, dir, Replay{Worker: orders(), All: true, Concurrency: 1})
		e := journalled(w, dir)
		left, err := e.Unfinished()
		if err != nil || len(left) != 1 || left[0].Header.Worker != "orders" || left[0].Header.Queue != "orders-dlq" || left[0].Header.Count != 95 {
			t.Fatalf("%+v %v", left, err)
		}
		sent, _ := w.bodies(srcURL)
		began := time.Now()
		var states []string
		rep, err := e.Resume(t.Context(), Resume{Path: path, OnState: func(s string) { states = append(states, s) }})
		p, ok := errors.AsType[*PartialError](err)
		if !ok || p.Cause != nil || rep.Before != len(sent) || rep.Before+rep.Replayed != 94 || rep.Skipped != 1 || rep.Unfinished || rep.Journal != path {
			t.Errorf("%+v %v", rep, err)
		}
		if d := time.Since(began); d > 5*time.Second {
			t.Errorf("it took %v", d)
		}
		if len(states) > 0 && states[len(states)-1] != "" {
			t.Errorf("it still waits: %q", states)
		}
		if last := w.actions[len(w.actions)-1]; last.Journal != path || last.Name != "dlq.replay" {
			t.Errorf("the guard was told %+v", last)
		}
		st, err := journal.Read(path)
		if err != nil || st.End == nil || st.End.Moved != rep.Replayed || st.End.Skipped != 1 {
			t.Errorf("the journal's end: %+v %v", st.End, err)
		}
		if _, err := e.Resume(t.Context(), Resume{Path: path}); err == nil || !strings.Contains(err.Error(), "nothing to go on with") {
			t.Errorf("once more: %v", err)
		}
	})
}

// What was skipped stays skipped, although its reason has gone meanwhile.
func TestResumeKeepsWhatWasSkipped(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w, dir := newWorld(), t.TempDir()
		w.put(dlqURL, 45)
		for _, m := range w.queue(dlqURL).messages[:3] {
			m.body += strings.Repeat(" ", 100)
		}
		w.queue(srcURL).maxBytes = 100
		path := interrupted(t, w, dir, Replay{Worker: orders(), All: true, Concurrency: 1})
		w.queue(srcURL).maxBytes = 0
		rep, err := journalled(w, dir).Resume(t.Context(), Resume{Path: path})
		if err != nil || rep.Before+rep.Replayed != 42 {
			t.Errorf("%+v %v", rep, err)
		}
		if left, hidden := w.bodies(dlqURL); len(left) != 3 || hidden != 0 {
			t.Errorf("%d left, %d hidden", len(left), hidden)
		}
	})
}

// What keeps a journal from being gone on with is said, nothing is touched, and
// the journal is not held.
func TestResumeRefused(t *testing.T) {
	t.Parallel()
	denied := &smithy.GenericAPIError{Code: "AccessDenied", Message: "no"}
	for name, tt := range map[string]struct {
		edits bool
		to    func(t *testing.T, w *world, e *Engine, path string)
		is    error
		says  string
	}{
		"it runs": {is: journal.ErrRunning, to: func(t *testing.T, _ *world, _ *Engine, path string) {
			j, _, err := journal.Open(path)
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = j.Close() })
		}},
		"another region": {is: ErrOtherTarget, says: "stage test", to: func(_ *testing.T, _ *world, e *Engine, _ string) {
			e.target = func() aws.Target { return aws.Target{Region: "eu-west-1", EndpointURL: "http://127.0.0.1:1"} }
		}},
		"another endpoint": {is: ErrOtherTarget, says: "at http://127.0.0.1:1", to: func(_ *testing.T, _ *world, e *Engine, _ string) {
			e.target = func() aws.Target { return aws.Target{} }
		}},
		"edits gone": {is: fs.ErrNotExist, says: "edited messages", edits: true, to: func(t *testing.T, _ *world, _ *Engine, path string) {
			edits, err := filepath.Glob(filepath.Join(filepath.Dir(path), "*"+editsEnding))
			if err != nil || len(edits) != 1 {
				t.Fatal(edits, err)
			}
			if err := os.Remove(edits[0]); err != nil {
				t.Fatal(err)
			}
		}},
		"read-only":   {is: aws.ErrReadOnly, to: func(_ *testing.T, w *world, _ *Engine, _ string) { w.readOnly = true }},
		"not allowed": {is: denied, to: func(_ *testing.T, w *world, _ *Engine, _ string) { w.refused = denied }},
		"no depth of the DLQ": {is: denied, to: func(_ *testing.T, w *world, _ *Engine, _ string) {
			w.fault = func(string) fault { return fault{before: denied} }
		}},
		"no depth of the destination": {is: denied, to: func(_ *testing.T, w *world, _ *Engine, _ string) {
			n := 0
			w.fault = func(op string) fault {
				if n++; op == "attributes" && n%2 == 0 {
					return fault{before: denied}
				}
				return fault{}
			}
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w, dir := newWorld(), t.TempDir()
				w.put(dlqURL, 95)
				r := Replay{Worker: orders(), All: true, Concurrency: 1}
				if tt.edits {
					s := selected(t, engine(w), Choice{IDs: ids(1, 95), Edited: []letter.Letter{{ID: "m-00070", Body: "{}"}}})
					r = Replay{Selection: s, Concurrency: 1}
				}
				path := interrupted(t, w, dir, r)
				calls := w.calls["send"] + w.calls["delete"] + w.calls["receive"]
				e := journalled(w, dir)
				tt.to(t, w, e, path)
				for range 2 { // as a person tries again
					rep, err := e.Resume(t.Context(), Resume{Path: path})
					if !errors.Is(err, tt.is) || !strings.Contains(err.Error(), tt.says) || rep.Replayed != 0 {
						t.Errorf("%+v %v, want %v", rep, err, tt.is)
					}
				}
				if n := w.calls["send"] + w.calls["delete"] + w.calls["receive"]; n != calls {
					t.Errorf("%d calls were made", n-calls)
				}
				if st, err := journal.Read(path); err != nil || st.End != nil {
					t.Errorf("the journal is lost: %+v %v", st, err)
				}
			})
		})
	}
}

// What was sent and not deleted is hidden by somebody else when the journal is gone
// on with: it may not be called moved.
func TestResumeWhileOthersLook(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w, dir := newWorld(), t.TempDir()
		w.put(dlqURL, 12)
		w.fault = func(op string) fault { return fault{entry: op == "delete"} } // always the first of a batch
		rep, err := journalled(w, dir).Replay(t.Context(), Replay{Worker: orders(), All: true, Concurrency: 1})
		if rep.Replayed != 11 || rep.Failed != 1 || !rep.Unfinished || err == nil {
			t.Fatalf("%+v %v", rep, err)
		}
		w.fault = nil
		time.Sleep(10 * time.Minute)
		look, err := engine(w).Look(t.Context(), orders(), 0, func([]letter.Letter) (bool, error) { return true, nil })
		if err != nil || look.Held() != 1 {
			t.Fatal(look, err)
		}
		written(t, rep.Journal, 10*time.Minute)
		e := journalled(w, dir)
		again, err := e.Resume(t.Context(), Resume{Path: rep.Journal})
		if err == nil || !again.Unfinished || again.Before != 11 {
			t.Errorf("a message is in both queues, and it says %+v %v", again, err)
		}
		if err := look.Release(t.Context()); err != nil {
			t.Error(err)
		}
		if again.Unfinished {
			again, err = e.Resume(t.Context(), Resume{Path: rep.Journal})
		}
		left, _ := w.bodies(dlqURL)
		sent, _ := w.bodies(srcURL)
		if err != nil || len(left) != 0 || len(sent) != 12 || again.Before+again.Replayed != 12 {
			t.Errorf("%d left, %d sent, %+v %v", len(left), len(sent), again, err)
		}
	})
}

// A process that ends between a journal's first line and its choice has done nothing.
func TestResumeOfAJournalWithoutItsChoice(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w, dir := newWorld(), t.TempDir()
		w.put(dlqURL, 95)
		path := interrupted(t, w, dir, Replay{Worker: orders(), IDs: ids(1, 95), Concurrency: 1})
		st, err := journal.Read(path)
		if err != nil {
			t.Fatal(err)
		}
		h := st.Header
		h.ID = "other"
		j, err := journal.Create(dir, h)
		if err != nil {
			t.Fatal(err)
		}
		if err := j.Close(); err != nil {
			t.Fatal(err)
		}
		before := w.calls["send"]
		rep, err := journalled(w, dir).Resume(t.Context(), Resume{Path: journal.Path(dir, "other")})
		if w.calls["send"] != before {
			t.Errorf("it sent what nobody chose")
		}
		if err == nil {
			t.Errorf("95 were to be moved, and it says %+v", rep)
		}
	})
}

// A journal that nobody understands is said to be one.
func TestResumeOfAStrangeRequest(t *testing.T) {
	t.Parallel()
	w, dir := newWorld(), t.TempDir()
	j, err := journal.Create(dir, journal.Header{ID: "x", Kind: kindReplay, Stage: "test", Endpoint: "http://127.0.0.1:1", Request: json.RawMessage(`{"worker":3}`)})
	if err != nil {
		t.Fatal(err)
	}
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if _, err := journalled(w, dir).Resume(t.Context(), Resume{Path: j.Path()}); err == nil || !strings.Contains(err.Error(), "the journal x cannot be gone on with") {
			t.Error(err)
		}
	}
	if _, err := journalled(w, dir).Resume(t.Context(), Resume{Path: filepath.Join(dir, "none")}); !errors.Is(err, fs.ErrNotExist) {
		t.Error(err)
	}
	if got, err := engine(w).Unfinished(); err != nil || got != nil {
		t.Errorf("without journals: %v %v", got, err)
	}
}

// What was under way when the process was killed may be there twice: it is counted.
func TestResumeTellsWhatMayBeThereTwice(t *testing.T) {
	t.Parallel()
	var all *[]cut
	synctest.Test(t, func(t *testing.T) {
		w, dir := newWorld(), t.TempDir()
		w.put(dlqURL, 35)
		all = cuts(t, w, dir)
		if _, err := journalled(w, dir).Replay(t.Context(), Replay{Worker: orders(), All: true, Concurrency: 1}); err != nil {
			t.Fatal(err)
		}
	})
	i := slices.IndexFunc(*all, func(c cut) bool { return c.name == "after send 2" })
	synctest.Test(t, func(t *testing.T) {
		c := &(*all)[i]
		dir, path := c.thaw(t, 0)
		rep, err := journalled(c.w, dir).Resume(t.Context(), Resume{Path: path})
		if sent, _ := c.w.bodies(srcURL); err != nil || rep.MaybeTwice != 10 || len(sent) != 45 {
			t.Errorf("%d sent, %d maybe twice, %v", len(sent), rep.MaybeTwice, err)
		}
	})
}
