package journal

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
)

// disk is a file whose syncs are counted, and wait where the test says so.
type disk struct {
	mu      sync.Mutex
	written int
	durable int
	syncs   int
	began   chan struct{} // is told of each sync, when not nil
	release chan struct{} // a sync waits for it to be closed, when not nil
	fail    error         // of the next write or sync
}

func (d *disk) failing() error {
	err := d.fail
	d.fail = nil
	return err
}

func (d *disk) Write(text []byte) (int, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if err := d.failing(); err != nil {
		return len(text) / 2, err
	}
	d.written++
	return len(text), nil
}

func (d *disk) Sync() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.syncs++
	upTo := d.written
	if d.began != nil {
		d.began <- struct{}{}
	}
	if d.release != nil {
		d.mu.Unlock() // what is written meanwhile is not synced by it
		<-d.release
		d.mu.Lock()
	}
	if err := d.failing(); err != nil {
		return err
	}
	d.durable = max(d.durable, upTo)
	return nil
}

func (d *disk) has(n int) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.durable >= n
}

// While one sync is under way, fifty more want one: they share the next.
func TestSyncsAreShared(t *testing.T) {
	t.Parallel()
	const n = 50
	d := &disk{began: make(chan struct{}, n+1), release: make(chan struct{})}
	a := &Appender{file: d}
	var appended, done sync.WaitGroup
	commit := func() {
		no, err := a.Append([]byte("x\n"))
		appended.Done()
		if err == nil {
			err = a.Sync(no)
		}
		if err != nil || !d.has(no) {
			t.Errorf("text %d is not on disk: %v", no, err)
		}
	}
	appended.Add(1)
	done.Go(commit)
	<-d.began
	appended.Add(n)
	for range n {
		done.Go(commit)
	}
	appended.Wait()
	close(d.release)
	done.Wait()
	if d.syncs != 2 || d.written != n+1 {
		t.Errorf("%d texts took %d syncs", d.written, d.syncs)
	}
	if err := a.Sync(n + 1); err != nil || d.syncs != 2 {
		t.Errorf("what is on disk is synced again: %d, %v", d.syncs, err)
	}
}

var errDisk = errors.New("the disk is gone")

// After an error nothing counts as written any more: half a line may be there, and
// after a failed sync the system may say that all is well.
func TestErrorsStay(t *testing.T) {
	t.Parallel()
	for name, first := range map[string]func(*Appender, *disk) error{
		"write": func(a *Appender, d *disk) error {
			d.fail = errDisk
			_, err := a.Append([]byte("x\n"))
			return err
		},
		"sync": func(a *Appender, d *disk) error {
			n, err := a.Append([]byte("x\n"))
			if err != nil {
				return err
			}
			d.fail = errDisk
			return a.Sync(n)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := &disk{}
			a := &Appender{file: d}
			one, err := a.Append([]byte("x\n"))
			if err == nil {
				err = a.Sync(one)
			}
			two, err2 := a.Append([]byte("x\n"))
			if err := errors.Join(err, err2); err != nil {
				t.Fatal(err)
			}
			if err := first(a, d); !errors.Is(err, errDisk) {
				t.Errorf("%v", err)
			}
			written := d.written
			for range 2 {
				if _, err := a.Append([]byte("x\n")); !errors.Is(err, errDisk) {
					t.Errorf("append: %v", err)
				}
				if err := a.Sync(two); !errors.Is(err, errDisk) {
					t.Errorf("sync: %v", err)
				}
			}
			if d.written != written {
				t.Error("it was written to once more")
			}
			if err := a.Sync(one); err != nil {
				t.Errorf("what was on disk before is no more: %v", err)
			}
		})
	}
}

// full is a file on a disk with little room.
type full struct {
	*os.File
	room int
}

func (f *full) Write(text []byte) (int, error) {
	fits := min(f.room, len(text))
	f.room -= fits
	n, err := f.File.Write(text[:fits])
	if err == nil && n < len(text) {
		err = errDisk
	}
	return n, err
}

// A full disk leaves half a record, wherever it ends; the journal can be opened
// when there is room again.
func TestFullDisk(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	record := Record{Sent: []Pair{{"id", "new id"}}}
	for room := range 100 {
		j, err := Create(dir, Header{ID: fmt.Sprint(room)})
		if err != nil {
			t.Fatal(err)
		}
		j.log.file = &full{j.file, room}
		whole := 0
		for ; err == nil; whole++ {
			record.Sent[0][0] = fmt.Sprint(whole)
			err = j.Commit(record)
		}
		whole-- // the last one failed
		for _, put := range []func(Record) error{j.Append, j.Commit} {
			if again := put(Record{}); !errors.Is(again, errDisk) || !strings.Contains(again.Error(), j.Path()) {
				t.Errorf("after %v: %v", err, again)
			}
		}
		if err := j.Close(); err != nil {
			t.Error(err)
		}
		j2, st, err := Open(j.Path())
		if err != nil {
			t.Fatalf("room for %d bytes: %v", room, err)
		}
		if len(st.messages) != whole {
			t.Errorf("room for %d bytes: %d messages of %d", room, len(st.messages), whole)
		}
		if err := errors.Join(j2.Commit(Record{Skipped: []string{"later"}}), j2.Close()); err != nil {
			t.Error(err)
		}
		if st, err := Read(j.Path()); err != nil || !st.Of("later").Skipped || len(st.messages) != whole+1 {
			t.Errorf("room for %d bytes, and gone on with: %v", room, err)
		}
	}
}

// A file that is closed underneath breaks the journal and nothing else.
func TestClosedUnderneath(t *testing.T) {
	t.Parallel()
	j, err := Create(t.TempDir(), Header{ID: "id"})
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(j.Commit(Record{Skipped: []string{"a"}}), j.file.Close()); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := j.Commit(Record{}); !errors.Is(err, os.ErrClosed) {
			t.Errorf("%v", err)
		}
		if err := j.Close(); !errors.Is(err, os.ErrClosed) {
			t.Errorf("%v", err)
		}
	}
	j2, st, err := Open(j.Path())
	if err != nil || !st.Of("a").Skipped {
		t.Fatalf("%+v, %v", st, err)
	}
	if err := j2.Close(); err != nil {
		t.Error(err)
	}
}

// counted counts a real file's syncs.
type counted struct {
	*os.File
	syncs atomic.Int64
}

func (c *counted) Sync() error {
	c.syncs.Add(1)
	return c.File.Sync()
}

func TestManyCommit(t *testing.T) {
	t.Parallel()
	const writers, each = 16, 50
	j, err := Create(t.TempDir(), Header{ID: "id"})
	if err != nil {
		t.Fatal(err)
	}
	disk := &counted{File: j.file}
	j.log.file = disk
	var wg sync.WaitGroup
	for w := range writers {
		wg.Go(func() {
			for i := range each {
				id := fmt.Sprintf("%d-%d", w, i)
				if err := j.Append(Record{Try: []Pair{{id, "r"}}}); err != nil {
					t.Error(err)
				}
				if err := j.Commit(Record{Sent: []Pair{{id, "new " + id}}}); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	if err := j.Close(); err != nil {
		t.Error(err)
	}
	if n := disk.syncs.Load(); n > writers*each {
		t.Errorf("%d commits took %d syncs", writers*each, n)
	}
	st, err := Read(j.Path())
	if err != nil || len(st.messages) != writers*each {
		t.Fatalf("%d messages, %v", len(st.messages), err)
	}
	for m := range st.Messages() {
		if !m.Sent || m.Tried || m.NewID != "new "+m.ID {
			t.Errorf("%+v", m)
		}
	}
}

func BenchmarkCommit(b *testing.B) {
	j, err := Create(b.TempDir(), Header{ID: "id"})
	if err != nil {
		b.Fatal(err)
	}
	disk := &counted{File: j.file}
	j.log.file = disk
	r := Record{}
	for i := range 10 {
		r.Sent = append(r.Sent, Pair{fmt.Sprintf("0b2f6a3e-6c1d-4a55-8a64-4f1b2f6a%04d", i), fmt.Sprintf("9f1c1c0e-2a0b-4a53-9a36-1b1d6ab1%04d", i)})
	}
	const writers = 16
	left := make(chan struct{}, 1000)
	var wg sync.WaitGroup
	for range writers {
		wg.Go(func() {
			for range left {
				if err := j.Commit(r); err != nil {
					b.Error(err)
				}
			}
		})
	}
	b.ReportAllocs()
	n := 0
	for b.Loop() {
		left <- struct{}{}
		n++
	}
	close(left)
	wg.Wait()
	b.ReportMetric(float64(disk.syncs.Load())/float64(n), "syncs/op")
	if err := j.Close(); err != nil {
		b.Error(err)
	}
}
