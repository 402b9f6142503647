package journal_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/microfox-ai/aiwctl/aws/redrive/journal"
)

func put(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func names(t *testing.T, dir string) []string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, e := range entries {
		out = append(out, e.Name())
	}
	return out
}

func TestNewID(t *testing.T) {
	t.Parallel()
	a := journal.NewID(begin.In(time.FixedZone("", 7200)))
	if len(a) != len("20260504-101112-abcdef") || !strings.HasPrefix(a, "20260504-101112-") {
		t.Errorf("id %q", a)
	}
	if b := journal.NewID(begin); a == b {
		t.Errorf("twice %q", a)
	}
	if later := journal.NewID(begin.Add(time.Second)); later < a {
		t.Errorf("%q is before %q", later, a)
	}
}

func TestUnfinished(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	at := func(id string, after time.Duration) *journal.Journal {
		h := header(id)
		h.Time = begin.Add(after)
		j, err := journal.Create(dir, h)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = j.Close() }) // mostly a second time
		return j
	}
	write(t, at("a-oldest", 0), journal.Record{Skipped: []string{"x"}})
	write(t, at("b-ended", time.Hour), end())
	write(t, at("c-newest", 3*time.Hour), journal.Record{Skipped: []string{"x"}})
	at("d-running", 2*time.Hour)
	write(t, at("e-same-time", 2*time.Hour), journal.Record{Skipped: []string{"x"}})
	// Ended in a way that the file's last bytes do not show.
	both := end()
	both.Deleted = []string{"x"}
	write(t, at("f-ended-otherwise", time.Hour), both)
	long := at("g-long-record", time.Minute)
	write(t, long, journal.Record{Skipped: []string{strings.Repeat(`{"end":`, 1000)}})
	put(t, journal.Path(dir, "h-empty"), "")
	put(t, journal.Path(dir, "i-torn-header"), `{"version":1`)
	put(t, journal.Path(dir, "j-broken"), "hello\n")
	put(t, journal.Path(dir, "k-newer"), `{"version":9}`+"\n")
	put(t, filepath.Join(dir, "a-oldest.edits"), "{}\n")
	put(t, filepath.Join(dir, "notes.txt"), "{}\n")
	if err := os.Mkdir(journal.Path(dir, "l-directory"), 0o700); err != nil {
		t.Fatal(err)
	}

	states, err := journal.Unfinished(dir)
	var got []string
	for _, st := range states {
		got = append(got, st.Header.ID)
		if st.LastWrite.IsZero() {
			t.Errorf("%s was never written", st.Header.ID)
		}
	}
	if want := []string{"c-newest", "e-same-time", "d-running", "g-long-record", "a-oldest"}; !slices.Equal(got, want) {
		t.Errorf("unfinished are %q, want %q", got, want)
	}
	if err == nil || !strings.Contains(err.Error(), "j-broken.jsonl: it is no journal") || !strings.Contains(err.Error(), "k-newer.jsonl: it is of format 9") ||
		strings.Count(err.Error(), ".jsonl") != 2 {
		t.Errorf("what cannot be read: %v", err)
	}
}

func TestNoJournals(t *testing.T) {
	t.Parallel()
	missing := filepath.Join(t.TempDir(), "missing")
	if states, err := journal.Unfinished(missing); err != nil || len(states) > 0 {
		t.Errorf("%v, %v", states, err)
	}
	if err := journal.Prune(missing); err != nil {
		t.Error(err)
	}
	file := filepath.Join(t.TempDir(), "file")
	put(t, file, "")
	_, err := journal.Unfinished(file)
	if err := errors.Join(err, journal.Prune(file)); err == nil || strings.Count(err.Error(), "list the journals: ") != 2 {
		t.Errorf("a file: %v", err)
	}
}

func TestPrune(t *testing.T) {
	t.Parallel()
	const keep = 50
	dir := t.TempDir()
	text := func(last string) string { return `{"version":1,"id":"x"}` + "\n" + last + "\n" }
	ended := text(`{"end":{"time":"2026-05-04T10:11:12Z","moved":3,"skipped":0,"failed":0}}`)
	var want []string
	stays := func(name, content string) {
		put(t, filepath.Join(dir, name), content)
		want = append(want, name)
	}
	goes := func(name, content string) { put(t, filepath.Join(dir, name), content) }

	// Older than all that are ended, and not ended.
	stays("2025-unfinished.jsonl", text(`{"sent":[["a","b"]]}`))
	stays("2025-unfinished.edits", "{}")
	stays("2025-broken.jsonl", "hello\n")
	stays("2025-broken.edits", "{}")
	stays("2025-empty.jsonl", "")
	stays("2025-empty.edits", "{}")
	stays("2025-torn-end.jsonl", strings.TrimSuffix(ended, "\n"))
	stays("notes.txt", ended)
	for i := range 7 {
		goes(fmt.Sprintf("2026-%03d.jsonl", i), ended)
	}
	goes("2026-003.edits", "{}") // of a pruned one
	for i := range keep {
		stays(fmt.Sprintf("2026-%03d.jsonl", 100+i), ended)
	}
	goes("2026-120.edits", "{}") // of an ended one
	goes("2024-gone.edits", "{}")
	goes("2027-gone.edits", "{}")
	running := create(t, dir, "2025-running")
	stays("2025-running.edits", "{}")
	want = append(want, filepath.Base(running.Path()))

	slices.Sort(want)
	for range 2 {
		if err := journal.Prune(dir); err != nil {
			t.Error(err)
		}
		if got := names(t, dir); !slices.Equal(got, want) {
			t.Fatalf("left are %q\nwant %q", got, want)
		}
	}
	// What this program ends is known as ended.
	write(t, running, end())
	if err := journal.Prune(dir); err != nil {
		t.Error(err)
	}
	if got := names(t, dir); slices.Contains(got, "2025-running.jsonl") || slices.Contains(got, "2025-running.edits") || len(got) != len(want)-2 {
		t.Errorf("left are %q", got)
	}
}
