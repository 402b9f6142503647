package journal

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"reflect"
	"strings"
	"testing"
	"testing/iotest"
)

func TestLines(t *testing.T) {
	t.Parallel()
	const most = 200 << 10
	long := strings.Repeat("x", 150<<10)
	for text, want := range map[string][]string{
		"":                           nil,
		"torn":                       nil,
		"\n":                         {""},
		"a\n\nb\ntorn":               {"a", "", "b"},
		long + "\nb\n" + long + "\n": {long, "b", long},
		"a\n" + long:                 {"a"},
	} {
		for name, r := range map[string]io.Reader{"whole": strings.NewReader(text), "bytewise": iotest.OneByteReader(strings.NewReader(text))} {
			l := newLines(r, most)
			var got []string
			line, err := l.next()
			for ; err == nil; line, err = l.next() {
				got = append(got, string(line))
			}
			if !errors.Is(err, io.EOF) || !reflect.DeepEqual(got, want) {
				t.Errorf("%s: %.20q has %d lines, %v; want %d", name, text, len(got), err, len(want))
			}
		}
	}
	for name, r := range map[string]io.Reader{
		"a long line":      strings.NewReader(strings.Repeat("x", most+1) + "\n"),
		"a long torn line": strings.NewReader(strings.Repeat("x", most+1)),
		"an endless line":  endless{},
		"a broken disk":    iotest.ErrReader(errDisk),
	} {
		if line, err := newLines(r, most).next(); err == nil || errors.Is(err, io.EOF) {
			t.Errorf("%s: %d bytes, %v", name, len(line), err)
		}
	}
}

type endless struct{}

func (endless) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = 'x'
	}
	return len(p), nil
}

// However long a journal is, cutting it into lines takes one buffer. Not parallel:
// the allocations of other tests would be counted.
func TestLinesTakeOneBuffer(t *testing.T) {
	text := strings.Repeat(strings.Repeat("x", 99)+"\n", 100_000)
	allocs := testing.AllocsPerRun(3, func() {
		l := newLines(strings.NewReader(text), lineMost)
		n := 0
		for _, err := l.next(); err == nil; _, err = l.next() {
			n++
		}
		if n != 100_000 {
			t.Error(n)
		}
	})
	if allocs > 10 {
		t.Errorf("%v allocations", allocs)
	}
}

func FuzzRead(f *testing.F) {
	for _, text := range []string{
		"", "{", "{}\n", `{"version":1}` + "\n", `{"version":1}`, `{"version":2}` + "\n", `{"version":1e99}` + "\n", "null\nnull\n",
		`{"version":1,"request":{"a":[1]}}` + "\n" + `{"chosen":["a"]}` + "\n" + `{"try":[["a","r"]]}` + "\n" + `{"sent":[["a","n"]]}` + "\n" + `{"deleted":["a"]}` + "\n" + `{"end":{}}` + "\n",
		`{"version":1}` + "\n" + `{"sent":[["a"],[],["b","c","d"],null]}` + "\n" + `{"sk`, `{"version":1}` + "\n\n", `{"version":1}` + "\n" + "null\n" + `{"end":null}` + "\n",
	} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		st, size, err := read(bytes.NewReader(text))
		if err != nil {
			return
		}
		if size <= 0 || size > int64(len(text)) || text[size-1] != '\n' || bytes.IndexByte(text[size:], '\n') >= 0 {
			t.Fatalf("%q is whole up to %d", text, size)
		}
		if len(st.messages)+len(st.Chosen) > len(text) {
			t.Fatalf("%d bytes have %d messages", len(text), len(st.messages))
		}
		for m := range st.Messages() {
			if m.Tried && m.Sent || st.Of(m.ID) != *m {
				t.Fatalf("%+v", m)
			}
		}
		// What Open leaves is the same journal.
		again, size2, err := read(bytes.NewReader(text[:size]))
		if err != nil || size2 != size || !reflect.DeepEqual(again, st) {
			t.Fatalf("%q cut at %d: %+v, %v", text, size, again, err)
		}
	})
}

// A journal of a hundred thousand messages, with receipt handles as long as SQS's.
func BenchmarkRead(b *testing.B) {
	path := b.TempDir() + "/x.jsonl"
	file, err := os.Create(path)
	if err != nil {
		b.Fatal(err)
	}
	out := bufio.NewWriter(file)
	enc := json.NewEncoder(out)
	receipt := strings.Repeat("AQEB", 100)
	write := func(v any) {
		if err := enc.Encode(v); err != nil {
			b.Fatal(err)
		}
	}
	write(Header{Version: Version, ID: "x"})
	const messages = 100_000
	for i := 0; i < messages; i += 10 {
		var try, sent, deleted Record
		for n := i; n < i+10; n++ {
			id := fmt.Sprintf("0b2f6a3e-6c1d-4a55-8a64-4f1b2%07d", n)
			try.Try = append(try.Try, Pair{id, receipt + id})
			sent.Sent = append(sent.Sent, Pair{id, "n" + id})
			deleted.Deleted = append(deleted.Deleted, id)
		}
		write(try)
		write(sent)
		write(deleted)
	}
	if err := errors.Join(out.Flush(), file.Close()); err != nil {
		b.Fatal(err)
	}
	info, err := os.Stat(path)
	if err != nil {
		b.Fatal(err)
	}
	b.SetBytes(info.Size())
	b.ReportAllocs()
	for b.Loop() {
		st, err := Read(path)
		if err != nil || len(st.messages) != messages {
			b.Fatal(err)
		}
	}
}
