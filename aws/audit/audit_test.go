package audit

import (
	"fmt"
	"os"
	"path/filepath"
	goruntime "runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

func at(minute int) time.Time { return time.Date(2026, 3, 4, 5, minute, 0, 0, time.UTC) }

func begin(id string, minute int) Record {
	return Record{ID: id, Event: EventBegin, Time: at(minute), Region: "eu-west-1", Stage: "prod", Action: "dlq.replay", Object: "orders-dlq", Count: 2, IDs: []string{"m-1"}}
}

func end(id string, minute int, outcome string) Record {
	r := begin(id, minute)
	r.Event, r.Outcome, r.IDs, r.Done, r.Failed = EventEnd, outcome, nil, new(2), new(0)
	r.DurationMS = 1000
	return r
}

func appendAll(t *testing.T, l *Log, records ...Record) {
	t.Helper()
	for _, r := range records {
		if err := l.Append(r); err != nil {
			t.Fatal(err)
		}
	}
}

func read(t *testing.T, path string) History {
	t.Helper()
	h, err := Read(path, time.Time{}, nil)
	if err != nil {
		t.Fatal(err)
	}
	return h
}

func (h History) words() []string {
	var out []string
	for _, e := range h.Entries {
		out = append(out, e.ID+" "+e.Outcome)
	}
	return out
}

func TestActionsAreJoined(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "state", "audit.jsonl")
	l := New(path)
	mine, dead := begin("mine", 3), begin("dead", 1)
	mine.Host, _ = os.Hostname()
	mine.PID = os.Getpid()
	dead.Host, dead.PID = mine.Host, 1<<22+1 // above what Linux gives out
	elsewhere := begin("elsewhere", 4)
	elsewhere.Host, elsewhere.PID = mine.Host+"-not", os.Getpid()
	who := end("ok", 0, OutcomeDone)
	who.Who = "arn:aws:sts::1:assumed-role/ops/me"
	appendAll(t, l, begin("ok", 0), dead, who, mine, elsewhere, begin("bad", 5), end("bad", 5, OutcomeFailed))
	h := read(t, path)
	if got := h.words(); !slices.Equal(got, []string{"bad failed", "elsewhere did not end", "mine under way", "dead did not end", "ok done"}) {
		t.Errorf("history: %q", got)
	}
	ok := h.Entries[4]
	if !ok.Time.Equal(at(0)) || ok.Ended == nil || *ok.Done != 2 || len(ok.IDs) != 1 || ok.Who == "" {
		t.Errorf("joined: %+v", ok)
	}
	if goruntime.GOOS != "windows" {
		if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%v, %v", info.Mode(), err)
		}
	}
	since, err := Read(path, at(3), func(r Record) bool { return r.ID != "bad" })
	if err != nil || !slices.Equal(since.words(), []string{"elsewhere did not end", "mine under way"}) {
		t.Errorf("since, kept: %q, %v", since.words(), err)
	}
	if none, err := Read(filepath.Join(t.TempDir(), "nothing", "audit.jsonl"), time.Time{}, nil); err != nil || len(none.Entries) > 0 {
		t.Errorf("of no trail: %+v, %v", none, err)
	}
}

// What a process left that was cut off spoils neither the next record nor the
// reading of the others; so do lines that are no records, and those of the first
// versions are read.
func TestCutOffLines(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "audit.jsonl")
	l := New(path)
	old := `{"time":"2026-03-04T05:01:00Z","region":"r","stage":"s","action":"dispatch","object":"echo","count":1,"outcome":"done","durationMs":5}`
	text := old + "\n" + "{\"id\":\"x\",\"event\":\"middle\"}\n[]\n\x00\x00\x00\n\n" + `{"id":"half","event":"be`
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	appendAll(t, l, begin("next", 2), end("next", 2, OutcomeDone))
	h := read(t, path)
	if got := h.words(); !slices.Equal(got, []string{"next done", " done"}) {
		t.Errorf("history: %q", got)
	}
	if h.UnreadableCount != 4 || len(h.Unreadable) != 4 || !strings.HasSuffix(h.Unreadable[3], "audit.jsonl:6") {
		t.Errorf("unreadable: %d, %q", h.UnreadableCount, h.Unreadable)
	}
}

// Each Log has a file of its own, as each process has.
func TestWritersDoNotMix(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "audit.jsonl")
	var wg sync.WaitGroup
	for w := range 8 {
		l := New(path)
		l.rotateAt = 20_000 // several times, while all of them write
		wg.Go(func() {
			for i := range 20 {
				r := begin(fmt.Sprintf("%d-%d", w, i), 0)
				r.Object = strings.Repeat("x", 900)
				if err := l.Append(r); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	h := read(t, path)
	ids := map[string]bool{}
	for _, e := range h.Entries {
		ids[e.ID] = true
	}
	if len(h.Entries) != 160 || len(ids) != 160 || h.UnreadableCount != 0 {
		t.Errorf("%d entries, %d ids, %d unreadable; want 160, 160, 0", len(h.Entries), len(ids), h.UnreadableCount)
	}
	files, err := filepath.Glob(filepath.Join(filepath.Dir(path), "audit*.jsonl"))
	if err != nil || len(files) < 6 {
		t.Errorf("%d files, %v: it was not rotated", len(files), err)
	}
	for _, f := range files {
		if info, err := os.Stat(f); err != nil || info.Size() > 21_500 {
			t.Errorf("%s has grown on to %d (%v)", f, info.Size(), err)
		}
	}
	if h, err := Read(path, time.Now().Add(time.Hour), nil); err != nil || len(h.Entries) > 0 {
		t.Errorf("of the future: %d, %v", len(h.Entries), err)
	}
}

func TestAppendFails(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	paths := []string{filepath.Join(file, "audit.jsonl"), t.TempDir()}
	if _, err := os.Stat("/dev/full"); err == nil {
		paths = append(paths, "/dev/full")
	}
	for _, path := range paths {
		if err := New(path).Append(begin("a", 0)); err == nil {
			t.Errorf("%s: no error", path)
		}
	}
	if err := New("").Append(begin("a", 0)); err != nil {
		t.Errorf("no trail: %v", err)
	}
}
