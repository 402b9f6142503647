package audit

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"
)

// writeTrail writes a trail of n actions, some of which overlap, did not end, or are of
// the first versions, over several files, with lines between them that are no records.
func writeTrail(t testing.TB, n int) (path string) {
	t.Helper()
	dir := t.TempDir()
	path = filepath.Join(dir, "audit.jsonl")
	dice := rand.New(rand.NewPCG(1, uint64(n)))
	var b strings.Builder
	when := at(0)
	files := 0
	line := func(r Record) {
		when = when.Add(time.Second)
		if r.Event != EventEnd {
			r.Time = when
		}
		text, err := jsonLine(r)
		if err != nil {
			t.Fatal(err)
		}
		b.WriteString(text + "\n")
	}
	var open []Record
	for i := range n {
		r := begin(fmt.Sprint("a", i), 0)
		switch dice.IntN(10) {
		case 0: // of the first versions
			r.ID, r.Event, r.Outcome = "", "", OutcomeDone
			line(r)
		case 1: // killed
			r.Stage = "other"
			line(r)
			if i < 1000 {
				b.WriteString("{\"id\":\"cut\n\n")
			}
		default:
			line(r)
			open = append(open, r)
		}
		for len(open) > dice.IntN(4) {
			at := dice.IntN(len(open))
			e := end(open[at].ID, 0, OutcomeDone)
			e.Time = when
			line(e)
			open = append(open[:at], open[at+1:]...)
		}
		if i%(n/3+1) == n/3 {
			name := filepath.Join(dir, fmt.Sprintf("audit-20260304-0%d0000-abcdef.jsonl", files))
			files++
			if err := os.WriteFile(name, []byte(b.String()), 0o600); err != nil {
				t.Fatal(err)
			}
			b.Reset()
		}
	}
	if err := os.WriteFile(path, []byte(b.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// However many of the newest are read, they are the first ones of what Read tells.
func TestNewestIsTheBeginningOfAll(t *testing.T) {
	t.Parallel()
	path := writeTrail(t, 3000)
	prod := func(r Record) bool { return r.Stage == "prod" }
	for _, keep := range []func(Record) bool{nil, prod} {
		all, err := Read(path, time.Time{}, keep)
		if err != nil {
			t.Fatal(err)
		}
		for _, most := range []int{0, 1, 7, 500, len(all.Entries) - 1, len(all.Entries), 10_000} {
			got, more, err := Newest(t.Context(), path, most, keep)
			want := all.Entries[:min(most, len(all.Entries))]
			if err != nil || more != (len(all.Entries) > most) || len(got.Entries) != len(want) || len(want) > 0 && !reflect.DeepEqual(got.Entries, want) {
				t.Fatalf("most %d: %d actions, more %v, %v; want %d", most, len(got.Entries), more, err, len(want))
			}
			if !more && got.UnreadableCount != all.UnreadableCount {
				t.Errorf("%d unreadable lines, want %d", got.UnreadableCount, all.UnreadableCount)
			}
		}
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if _, _, err := Newest(ended, path, 10, nil); !errors.Is(err, context.Canceled) {
		t.Errorf("err = %v", err)
	}
}

func TestNewestOfNothing(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "none", "audit.jsonl")
	if h, more, err := Newest(t.Context(), path, 10, nil); len(h.Entries) > 0 || more || err != nil {
		t.Errorf("%v, %v, %v", h, more, err)
	}
	before, err := Stamp(path)
	if err != nil {
		t.Fatal(err)
	}
	appendAll(t, New(path), begin("a", 1))
	if after, err := Stamp(path); after == before || err != nil {
		t.Errorf("stamp %q and %q, %v", before, after, err)
	}
	// An end whose begin is in a file that is gone.
	appendAll(t, New(path), end("b", 2, OutcomeFailed))
	h, _, err := Newest(t.Context(), path, 10, nil)
	if got := h.words(); err != nil || !reflect.DeepEqual(got, []string{"b failed", "a did not end"}) {
		t.Errorf("%q, %v", got, err)
	}
}

// Mentioning tells of an id what Read does.
func TestMentioning(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "audit.jsonl")
	first, second, other := begin("a", 1), begin("b", 3), begin("c", 4)
	first.IDs, second.IDs, other.IDs = []string{"job-1", "job-<&>"}, []string{"job-1"}, []string{"job-11", "xjob-1"}
	appendAll(t, New(path), first, end("a", 2, OutcomeDone), second, other, end("c", 5, OutcomeDone), end("b", 6, OutcomeFailed))
	for id, want := range map[string]string{"job-1": "[b failed a done]", "job-<&>": "[a done]", "job-11": "[c done]", "job": "[]", "": "[]"} {
		h, err := Mentioning(path, id, nil)
		if got := fmt.Sprint(h.words()); err != nil || got != want {
			t.Errorf("%q: %s, %v; want %s", id, got, err, want)
		}
	}
	if h, err := Mentioning(path, "job-1", func(r Record) bool { return r.ID == "a" }); err != nil || len(h.Entries) != 1 {
		t.Errorf("%q, %v", h.words(), err)
	}
}

func BenchmarkMentioning(b *testing.B) {
	path := writeTrail(b, 100_000)
	for b.Loop() {
		if _, err := Mentioning(path, "job-1", nil); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkNewest reads the newest 500 of a trail of 100,000 actions; BenchmarkRead all.
func BenchmarkNewest(b *testing.B) {
	path := writeTrail(b, 100_000)
	for b.Loop() {
		if h, _, err := Newest(context.Background(), path, 500, nil); err != nil || len(h.Entries) != 500 {
			b.Fatal(err)
		}
	}
}

func BenchmarkRead(b *testing.B) {
	path := writeTrail(b, 100_000)
	for b.Loop() {
		if _, err := Read(path, time.Time{}, nil); err != nil {
			b.Fatal(err)
		}
	}
}

func jsonLine(r Record) (string, error) {
	text, err := json.Marshal(r)
	return string(text), err
}
