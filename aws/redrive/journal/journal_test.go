package journal_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/microfox-ai/aiwctl/aws/redrive/journal"
)

var begin = time.Date(2026, 5, 4, 10, 11, 12, 0, time.UTC)

func header(id string) journal.Header {
	return journal.Header{
		ID: id, Kind: "replay", Time: begin, Region: "eu-west-1", Stage: "test", Endpoint: "http://127.0.0.1:1", Worker: "orders", Queue: "orders-dlq",
		Count: 7, Lease: time.Minute, Request: json.RawMessage(`{"all":true,"rate":1.50}`),
	}
}

func create(t *testing.T, dir, id string) *journal.Journal {
	t.Helper()
	j, err := journal.Create(dir, header(id))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = j.Close() }) // mostly a second time
	return j
}

// write writes records, the last of them to the disk, and closes.
func write(t *testing.T, j *journal.Journal, records ...journal.Record) {
	t.Helper()
	for i, r := range records {
		put := j.Append
		if i == len(records)-1 {
			put = j.Commit
		}
		if err := put(r); err != nil {
			t.Fatal(err)
		}
	}
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
}

func end() journal.Record {
	return journal.Record{End: &journal.End{Time: begin.Add(time.Minute), Moved: 3, Skipped: 2, Failed: 1}}
}

// life is one message in each state.
func life() []journal.Record {
	return []journal.Record{
		{Chosen: []string{"deleted", "sent"}},
		{Chosen: []string{"tried"}},
		{},
		{Try: []journal.Pair{{"deleted", "r1"}, {"sent", "r2"}, {"tried", "r3"}, {"refused", "r4"}}},
		{Sent: []journal.Pair{{"deleted", "n1"}, {"sent", "n2"}}, Refused: []string{"refused"}},
		{Deleted: []string{"deleted"}},
		{Skipped: []string{"skipped"}},
		{Try: []journal.Pair{{"tried", "r5"}, {"sent", "r6"}}}, // again, with other receipt handles
	}
}

func checkLife(t *testing.T, st *journal.State) {
	t.Helper()
	want := []journal.Message{
		{ID: "deleted", NewID: "n1", Sent: true, Deleted: true},
		{ID: "refused", Receipt: "r4"},
		{ID: "sent", Receipt: "r6", NewID: "n2", Sent: true},
		{ID: "skipped", Skipped: true},
		{ID: "tried", Receipt: "r5", Tried: true},
	}
	var got []journal.Message
	for m := range st.Messages() {
		got = append(got, *m)
	}
	slices.SortFunc(got, func(a, b journal.Message) int { return strings.Compare(a.ID, b.ID) })
	if !reflect.DeepEqual(got, want) {
		t.Errorf("messages %+v\nwant %+v", got, want)
	}
	for _, m := range want {
		if st.Of(m.ID) != m {
			t.Errorf("of %s: %+v", m.ID, st.Of(m.ID))
		}
	}
	if m := st.Of("unknown"); m != (journal.Message{ID: "unknown"}) {
		t.Errorf("of a message that is not mentioned: %+v", m)
	}
	if n := st.Count(func(m *journal.Message) bool { return m.Sent }); n != 2 {
		t.Errorf("%d sent", n)
	}
	if c := st.Chosen; !slices.Equal(c, []string{"deleted", "sent", "tried"}) {
		t.Errorf("chosen %q", c)
	}
}

func TestRoundTrip(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "made", "for", "it")
	j := create(t, dir, "id-1")
	want := header("id-1")
	want.Version = journal.Version
	if path := journal.Path(dir, "id-1"); j.Path() != path || !reflect.DeepEqual(j.Header(), want) {
		t.Errorf("%s, %+v", j.Path(), j.Header())
	}
	if info, err := os.Stat(j.Path()); err != nil || info.Mode().Perm() != 0o600 && os.PathSeparator == '/' {
		t.Errorf("%v, %v", info.Mode(), err)
	}
	if st, err := journal.Read(j.Path()); err != nil || !reflect.DeepEqual(st.Header, want) || st.Chosen != nil || st.End != nil {
		t.Errorf("a new one is read as %+v, %v", st, err)
	}
	write(t, j, life()...)

	st, err := journal.Read(j.Path())
	if err != nil {
		t.Fatal(err)
	}
	checkLife(t, st)
	if st.LastWrite.IsZero() {
		t.Error("when it was written is not told")
	}
	j2, st, err := journal.Open(j.Path())
	if err != nil {
		t.Fatal(err)
	}
	checkLife(t, st)
	if !reflect.DeepEqual(j2.Header(), want) || j2.Path() != j.Path() {
		t.Errorf("opened as %+v, %s", j2.Header(), j2.Path())
	}
	write(t, j2, journal.Record{Sent: []journal.Pair{{"tried", "n3"}}}, end())

	st, err = journal.Read(j.Path())
	if err != nil {
		t.Fatal(err)
	}
	if m := st.Of("tried"); !m.Sent || m.Tried || m.NewID != "n3" || m.Receipt != "r5" {
		t.Errorf("%+v", m)
	}
	if !reflect.DeepEqual(st.End, end().End) {
		t.Errorf("ended as %+v", st.End)
	}
	if _, _, err := journal.Open(j.Path()); err == nil || !strings.Contains(err.Error(), j.Path()) || !strings.Contains(err.Error(), "come to its end") {
		t.Errorf("a journal that has an end is opened: %v", err)
	}
}

// A journal can be cut off after any byte: what was written whole counts, and it can
// be gone on with.
func TestTorn(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	j := create(t, dir, "whole")
	write(t, j, life()...)
	whole, err := os.ReadFile(j.Path())
	if err != nil {
		t.Fatal(err)
	}
	head := strings.IndexByte(string(whole), '\n')
	for cut := range len(whole) + 1 {
		path := journal.Path(dir, "torn")
		if err := os.WriteFile(path, whole[:cut], 0o600); err != nil {
			t.Fatal(err)
		}
		st, err := journal.Read(path)
		if cut <= head {
			_, _, openErr := journal.Open(path)
			for _, err := range []error{err, openErr} {
				if err == nil || !strings.HasSuffix(err.Error(), "torn.jsonl: it is empty") {
					t.Fatalf("cut at %d: %v", cut, err)
				}
			}
			continue
		}
		if err != nil {
			t.Fatalf("cut at %d: %v", cut, err)
		}
		opened, st2, err := journal.Open(path)
		if err != nil {
			t.Fatalf("cut at %d: %v", cut, err)
		}
		st2.LastWrite = st.LastWrite // Open does not know
		if !reflect.DeepEqual(st, st2) {
			t.Errorf("cut at %d: read as %+v, opened as %+v", cut, st, st2)
		}
		write(t, opened, journal.Record{Skipped: []string{"later"}})
		st3, err := journal.Read(path)
		if err != nil {
			t.Fatalf("cut at %d and gone on with: %v", cut, err)
		}
		if !st3.Of("later").Skipped || len(slices.Collect(st3.Messages())) != len(slices.Collect(st.Messages()))+1 {
			t.Errorf("cut at %d and gone on with: %+v", cut, st3)
		}
	}
}

func TestNotReadable(t *testing.T) {
	t.Parallel()
	const first = `{"version":1,"id":"x"}` + "\n"
	for name, c := range map[string]struct{ text, want string }{
		"empty":               {"", "it is empty"},
		"no journal":          {"hello\nworld\n", "it is no journal of a replay"},
		"an export":           {`{"id":"m","body":{}}` + "\n", "it is no journal of a replay"},
		"a list":              {"[1]\n", "it is no journal of a replay"},
		"a version below all": {`{"version":-1}` + "\n", "it is no journal of a replay"},
		"a field's type":      {`{"version":1,"lease":"1m"}` + "\n", "it is no journal of a replay"},
		"a newer one":         {`{"version":2}` + "\n{\"x\":\n", "it is of format 2 and this program knows 1: use the program that wrote it"},
		"a newer one, other":  {`{"id":7,"lease":"1m","version":2}` + "\n", "it is of format 2 and this program knows 1: use the program that wrote it"},
		"torn in the middle":  {first + `{"sent":[["a"` + "\n" + `{"deleted":["a"]}` + "\n", "line 2 cannot be read: "},
		"two in one line":     {first + "{}\n" + `{"sent":[["a"{"deleted":["a"]}` + "\n", "line 3 cannot be read: "},
		"zeros":               {first + "\x00\x00\x00\n", "line 2 cannot be read: "},
		"an empty line":       {first + "\n{}\n", "line 2 cannot be read: "},
		"another type":        {first + `{"deleted":"a"}` + "\n", "line 2 cannot be read: "},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path := filepath.Join(t.TempDir(), "x.jsonl")
			if err := os.WriteFile(path, []byte(c.text), 0o600); err != nil {
				t.Fatal(err)
			}
			_, err := journal.Read(path)
			_, _, openErr := journal.Open(path)
			for _, err := range []error{err, openErr} {
				if err == nil || !strings.Contains(err.Error(), path+": "+c.want) {
					t.Errorf("%v; want %s", err, c.want)
				}
			}
			if left, err := os.ReadFile(path); err != nil || string(left) != c.text {
				t.Errorf("the file is now %q, %v", left, err)
			}
		})
	}
}

// What a later program of the same format may write is passed over.
func TestUnknownFields(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "x.jsonl")
	text := `{"version":1,"id":"x","new":1}` + "\n" + `{"paused":["a"],"sent":[["b","n"]]}` + "\n"
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if st, err := journal.Read(path); err != nil || !st.Of("b").Sent || st.Header.ID != "x" {
		t.Errorf("%+v, %v", st, err)
	}
}

func TestMissing(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	_, readErr := journal.Read(journal.Path(dir, "none"))
	_, _, openErr := journal.Open(journal.Path(dir, "none"))
	if !errors.Is(readErr, os.ErrNotExist) || !errors.Is(openErr, os.ErrNotExist) {
		t.Errorf("%v, %v", readErr, openErr)
	}
	create(t, dir, "id-1")
	if _, err := journal.Create(dir, header("id-1")); !errors.Is(err, os.ErrExist) {
		t.Errorf("two of one name: %v", err)
	}
	if _, err := journal.Read(journal.Path(dir, "id-1")); err != nil {
		t.Errorf("the first of one name: %v", err)
	}
	file := filepath.Join(dir, "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := journal.Create(file, header("id-2")); err == nil || !strings.HasPrefix(err.Error(), "begin a journal: ") {
		t.Errorf("in a file: %v", err)
	}
}

// A journal that cannot be begun leaves nothing.
func TestCreateFailsWhole(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	h := header("id-1")
	h.Request = json.RawMessage("{") // no JSON
	if _, err := journal.Create(dir, h); err == nil {
		t.Error("it is begun")
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
		t.Errorf("left: %v, %v", left, err)
	}
}

func TestDiscard(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	j := create(t, dir, "id-1")
	if err := j.Discard(); err != nil {
		t.Error(err)
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
		t.Errorf("left: %v, %v", left, err)
	}
	if err := j.Append(journal.Record{}); err == nil || !strings.Contains(err.Error(), j.Path()) {
		t.Errorf("a closed journal takes records: %v", err)
	}
}

// Ids and receipt handles come back whatever is in them.
func TestOddTexts(t *testing.T) {
	t.Parallel()
	j := create(t, t.TempDir(), "id-1")
	var r journal.Record
	ids := []string{"a\nb", "\x00\x1b[m", "\u2028", `"\`, "ä😀", "", "<&>", strings.Repeat("x", 200_000)}
	for i, id := range ids {
		r.Sent = append(r.Sent, journal.Pair{id, fmt.Sprint(i)})
	}
	write(t, j, r)
	st, err := journal.Read(j.Path())
	if err != nil {
		t.Fatal(err)
	}
	for i, id := range ids {
		if st.Of(id).NewID != fmt.Sprint(i) {
			t.Errorf("%.20q is %+v", id, st.Of(id))
		}
	}
}
