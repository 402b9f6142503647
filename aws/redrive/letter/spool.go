package letter

import (
	"bufio"
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"iter"
	"os"
)

// spoolMemory is how many bytes of letters a Spool keeps in memory; what is more
// goes to a file.
const spoolMemory = 24 << 20

// Spool keeps letters in the order in which they were added, in bounded memory:
// many or large ones in a temporary file that only its owner can read. It is not
// safe for concurrent use. The zero value is ready; Close removes the file. Where
// the system lets an open file be removed it has no name, and not even a process
// that is killed leaves one behind.
type Spool struct {
	letters []Letter
	bytes   int // about what the letters in memory take
	n       int

	file *os.File
	gone bool // the file's name is
	out  *bufio.Writer
	size int64 // of what was written to out
	buf  []byte
	err  error

	// Tests set these. memory is for spoolMemory and dir for the system's directory
	// of temporary files; zero values mean those.
	memory int
	dir    string
}

// Len is how many letters there are.
func (s *Spool) Len() int { return s.n }

// Add keeps letters. The error, which every later call repeats, is one of the
// temporary file: a full disk.
func (s *Spool) Add(letters ...Letter) error {
	if s.err != nil {
		return s.err
	}
	for i := range letters {
		if s.file == nil && s.bytes > cmp.Or(s.memory, spoolMemory) {
			if s.err = s.open(); s.err != nil {
				return s.err
			}
		}
		if s.file == nil {
			s.letters = append(s.letters, letters[i])
			s.bytes += 2*letters[i].Size() + 1024 // the body once more, read as a job
			s.n++
			continue
		}
		s.buf = append(letters[i].AppendLine(s.buf[:0]), '\n')
		if _, err := s.out.Write(s.buf); err != nil {
			s.err = fmt.Errorf("keep the messages that were looked at in %s: %w", s.file.Name(), err)
			return s.err
		}
		s.size += int64(len(s.buf))
		s.n++
	}
	return nil
}

func (s *Spool) open() error {
	f, err := os.CreateTemp(s.dir, "aiwctl-letters-*")
	if err != nil {
		return fmt.Errorf("keep the messages that were looked at: %w", err)
	}
	s.gone = os.Remove(f.Name()) == nil // Windows refuses: Close removes it
	s.file, s.out = f, bufio.NewWriterSize(f, 256<<10)
	return nil
}

// All are the letters. A letter is the caller's only until the next.
func (s *Spool) All() iter.Seq2[*Letter, error] {
	return func(yield func(*Letter, error) bool) {
		for i := range s.letters {
			if !yield(&s.letters[i], nil) {
				return
			}
		}
		if s.file == nil && s.err == nil {
			return
		}
		if s.err == nil {
			if err := s.out.Flush(); err != nil {
				s.err = fmt.Errorf("keep the messages that were looked at in %s: %w", s.file.Name(), err)
			}
		}
		if s.err != nil {
			yield(nil, s.err)
			return
		}
		// Not through the file's own position, which is where the next is written.
		for l, err := range ReadLines(io.NewSectionReader(s.file, 0, s.size)) {
			if err != nil {
				err = fmt.Errorf("read the messages that were looked at: %w", err)
			}
			if !yield(l, err) {
				return
			}
		}
	}
}

// Close forgets the letters and removes the file.
func (s *Spool) Close() error {
	f, gone := s.file, s.gone
	*s = Spool{err: s.err, memory: s.memory, dir: s.dir}
	if f == nil {
		return nil
	}
	err := f.Close()
	if !gone {
		err = errors.Join(err, os.Remove(f.Name()))
	}
	return err
}

// lineMost is the longest line of an export: a message of 1 MiB in which every
// character is escaped, once more as the id of its job, and what else is said of it.
const lineMost = 16 << 20

// bom is how some editors begin a file.
var bom = []byte("\ufeff")

// ReadLines reads an export, edited or not. The error names the line, and ends the
// reading. Empty lines are skipped. A letter is the caller's to keep.
func ReadLines(r io.Reader) iter.Seq2[*Letter, error] {
	return func(yield func(*Letter, error) bool) {
		scan := bufio.NewScanner(r)
		scan.Buffer(make([]byte, 0, 64<<10), lineMost)
		n := 0
		for scan.Scan() {
			n++
			raw := scan.Bytes()
			if n == 1 {
				raw = bytes.TrimPrefix(raw, bom)
			}
			if raw = bytes.Trim(raw, " \t\r"); len(raw) == 0 {
				continue
			}
			l, err := ParseLine(raw)
			if err != nil {
				yield(nil, fmt.Errorf("line %d: %w", n, err))
				return
			}
			if !yield(&l, nil) {
				return
			}
		}
		err := scan.Err()
		if errors.Is(err, bufio.ErrTooLong) {
			err = fmt.Errorf("it is longer than %d MiB", lineMost>>20)
		}
		if err != nil {
			yield(nil, fmt.Errorf("line %d: %w", n+1, err))
		}
	}
}
