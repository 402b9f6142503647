package letter

import (
	"bufio"
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
)

func numbered(n int) Letter {
	return FromSQS(&types.Message{
		MessageId: new(strconv.Itoa(n)), Body: new("body " + strconv.Itoa(n) + "\n\x7f" + strings.Repeat("x", 100)),
		Attributes:        map[string]string{SysReceiveCount: strconv.Itoa(n), SysGroup: "g"},
		MessageAttributes: map[string]types.MessageAttributeValue{"b": {DataType: new("Binary"), BinaryValue: []byte{byte(n)}}},
	})
}

// small is a spool that keeps a few letters in memory, and the others in a file in
// a directory of the test's.
func small(t *testing.T) *Spool {
	t.Helper()
	s := &Spool{memory: 5000, dir: t.TempDir()}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
		empty(t, s.dir)
	})
	return s
}

func empty(t *testing.T, dir string) {
	t.Helper()
	if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

func add(t *testing.T, s *Spool, from, to int) {
	t.Helper()
	for n := from; n < to; n++ {
		if err := s.Add(numbered(n)); err != nil {
			t.Fatal(err)
		}
	}
}

func has(t *testing.T, s *Spool, want int) {
	t.Helper()
	n := 0
	for l, err := range s.All() {
		if err != nil {
			t.Fatal(err)
		}
		w := numbered(n)
		if l.ID != w.ID || l.Body != w.Body || l.Group() != "g" || l.ReceiveCount != n || l.Attributes["b"].BinaryValue[0] != byte(n) {
			t.Fatalf("at %d is %+v", n, l)
		}
		n++
	}
	if n != want || s.Len() != want {
		t.Errorf("%d letters of %d, want %d", n, s.Len(), want)
	}
}

func TestSpool(t *testing.T) {
	t.Parallel()
	s := small(t)
	has(t, s, 0)
	add(t, s, 0, 3)
	if s.file != nil {
		t.Error("three letters go to a file")
	}
	has(t, s, 3)
	add(t, s, 3, 1500) // more than is buffered
	if s.file == nil || len(s.letters) > 6 {
		t.Fatalf("%d letters are in memory", len(s.letters))
	}
	has(t, s, 1500)
	has(t, s, 1500)
	add(t, s, 1500, 1600)
	has(t, s, 1600)
	for _, err := range s.All() {
		if err != nil {
			t.Error(err)
		}
		break
	}
	for l, err := range s.All() {
		if err != nil || l.ID == "1200" {
			break
		}
	}
	add(t, s, 1600, 1601)
	has(t, s, 1601)
	for outer, err := range s.All() {
		if err != nil || outer.ID == "1202" {
			break
		}
		if outer.ID == "1" || outer.ID == "1201" {
			has(t, s, 1601) // while another reads
		}
	}
	info, err := s.file.Stat()
	if err != nil {
		t.Fatal(err)
	}
	if mode := info.Mode(); mode.Perm() != 0o600 && os.PathSeparator == '/' {
		t.Errorf("the file is %v", mode)
	}
	if s.gone { // a killed process leaves nothing
		empty(t, s.dir)
	}
	if err := errors.Join(s.Close(), s.Close()); err != nil {
		t.Error(err)
	}
	empty(t, s.dir)
	has(t, s, 0)
	add(t, s, 0, 100) // as good as new
	has(t, s, 100)
}

// Where a file cannot be removed while it is open, Close does it.
func TestSpoolRemovesItsFile(t *testing.T) {
	t.Parallel()
	s := small(t)
	f, err := os.CreateTemp(s.dir, "aiwctl-letters-*")
	if err != nil {
		t.Fatal(err)
	}
	s.file, s.out = f, bufio.NewWriter(f)
	add(t, s, 0, 10)
	has(t, s, 10)
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	empty(t, s.dir)
}

func TestSpoolInMemoryMakesNoFile(t *testing.T) {
	t.Parallel()
	s := Spool{dir: filepath.Join(t.TempDir(), "missing")}
	add(t, &s, 0, 2000)
	has(t, &s, 2000)
	if s.file != nil {
		t.Error("there is a file")
	}
}

// every is every call's error.
func every(t *testing.T, s *Spool, want error, words string) {
	t.Helper()
	for range 2 {
		if err := s.Add(numbered(0)); !errors.Is(err, want) || !strings.Contains(err.Error(), words) {
			t.Errorf("add: %v", err)
		}
		var err error
		for _, e := range s.All() {
			err = e
		}
		if !errors.Is(err, want) || !strings.Contains(err.Error(), words) {
			t.Errorf("all: %v", err)
		}
	}
}

func TestSpoolWithoutADirectory(t *testing.T) {
	t.Parallel()
	s := Spool{memory: 1, dir: filepath.Join(t.TempDir(), "missing")}
	add(t, &s, 0, 1)
	every(t, &s, os.ErrNotExist, "keep the messages that were looked at")
	if s.Len() != 1 {
		t.Errorf("%d letters", s.Len())
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
}

// A full disk is told by whatever call comes upon it, and by all after it.
func TestSpoolOnAFullDisk(t *testing.T) {
	t.Parallel()
	for name, noticed := range map[string]func(*Spool) error{
		"by Add": func(s *Spool) error {
			for n := range 10_000 {
				if err := s.Add(numbered(n)); err != nil {
					return err
				}
			}
			return nil
		},
		"by All": func(s *Spool) error {
			if err := s.Add(numbered(1)); err != nil {
				return err
			}
			for _, err := range s.All() {
				if err != nil {
					return err
				}
			}
			return nil
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			full, err := os.OpenFile("/dev/full", os.O_RDWR, 0)
			if err != nil {
				t.Skip("no /dev/full here: ", err)
			}
			s := &Spool{file: full, gone: true, out: bufio.NewWriter(full)}
			if err := noticed(s); !errors.Is(err, syscall.ENOSPC) {
				t.Errorf("%v", err)
			}
			every(t, s, syscall.ENOSPC, "/dev/full")
			if err := s.Close(); err != nil {
				t.Error(err)
			}
		})
	}
}

func BenchmarkSpool(b *testing.B) {
	s := Spool{memory: 1, dir: b.TempDir()}
	defer func() { _ = s.Close() }() // what is measured has been checked
	l := numbered(1)
	b.ReportAllocs()
	for b.Loop() {
		if err := s.Add(l); err != nil {
			b.Fatal(err)
		}
	}
}
