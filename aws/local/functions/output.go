package functions

import (
	"bytes"
	"fmt"
	"os"
	"sync"
	"sync/atomic"
	"time"
	"unicode/utf8"
)

// maxLine is the longest line that becomes one log event, in bytes; what is
// longer is cut into several. It is the size of a CloudWatch event of old
// (https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/cloudwatch_limits_cwl.html).
const maxLine = 256 << 10

// tailSize is how much of an invocation's log Invoke can return, as in Lambda.
const tailSize = 4 << 10

// stream writes one log stream and keeps the tail of the present invocation.
type stream struct {
	logs        Logs
	now         func() time.Time
	group, name string

	mu   sync.Mutex
	tail []byte
}

func (s *stream) write(lines ...string) {
	if len(lines) == 0 {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	// The lock makes the order of the events that of their times.
	now := s.now()
	events := make([]LogEvent, len(lines))
	for i, line := range lines {
		events[i] = LogEvent{Time: now, Message: line}
		s.tail = append(append(s.tail, line...), '\n')
	}
	if len(s.tail) > 4*tailSize {
		s.tail = append(s.tail[:0], s.tail[len(s.tail)-tailSize:]...)
	}
	s.logs.Append(s.group, s.name, events...)
}

// begin writes the first line of an invocation.
func (s *stream) begin(line string) {
	s.mu.Lock()
	s.tail = s.tail[:0]
	s.mu.Unlock()
	s.write(line)
}

func (s *stream) lastLines() []byte {
	s.mu.Lock()
	defer s.mu.Unlock()
	return bytes.Clone(s.tail[max(0, len(s.tail)-tailSize):])
}

// output reads what a process writes to its standard output and standard error
// (one pipe, so that their order is kept) and logs it line by line.
//
// A process answers over HTTP and prints into a pipe, so its lines may still be in
// the pipe when the answer is here. sync closes that gap exactly: it writes a mark
// into the same pipe, which comes out behind everything that was written before
// it. (A quiet period would have to guess; asking the system how much is in the
// pipe would not tell what the reader still holds.) The mark also ends the reading
// when the process is gone, so that no descendant with the pipe open can hold us.
type output struct {
	r, w    *os.File
	mark    []byte
	marks   chan struct{} // one for each mark that came out
	done    chan struct{} // closed when reading has ended
	closing atomic.Bool
	log     func(lines ...string)
}

func newOutput(log func(lines ...string)) (*output, error) {
	r, w, err := os.Pipe()
	if err != nil {
		return nil, fmt.Errorf("make a pipe for a function's output: %w", err)
	}
	o := &output{
		r: r, w: w,
		mark:  []byte("\x00" + randomHex(16) + "\x00"),
		marks: make(chan struct{}, 1),
		done:  make(chan struct{}),
		log:   log,
	}
	go o.read()
	return o, nil
}

// syncPatience bounds the wait for a mark, should the log be stuck.
const syncPatience = 2 * time.Second

// sync returns when everything that was written so far has been logged.
func (o *output) sync() {
	if _, err := o.w.Write(o.mark); err != nil {
		return // only when the reader has ended
	}
	timer := time.NewTimer(syncPatience)
	defer timer.Stop()
	select {
	case <-o.marks:
	case <-o.done:
	case <-timer.C:
	}
}

// close logs what is left, ends the reader and waits for it. The process must be gone.
func (o *output) close() {
	o.closing.Store(true)
	_, _ = o.w.Write(o.mark)
	<-o.done
	_ = o.w.Close()
	_ = o.r.Close()
}

func (o *output) read() {
	defer close(o.done)
	var held []byte // what has been read and not logged: a piece of a line
	chunk := make([]byte, 64<<10)
	for {
		n, err := o.r.Read(chunk)
		seen := max(0, len(held)-len(o.mark)) // the mark may have begun in what was held
		held = append(held, chunk[:n]...)
		for {
			at := bytes.Index(held[seen:], o.mark)
			if at < 0 {
				break
			}
			o.log(appendLines(nil, held[:seen+at], true)...)
			held = append(held[:0], held[seen+at+len(o.mark):]...)
			seen = 0
			if o.closing.Load() {
				return
			}
			select {
			case o.marks <- struct{}{}:
			default: // an earlier sync lost its patience
			}
		}
		end := bytes.LastIndexByte(held, '\n') + 1
		for len(held)-end > maxLine+len(o.mark) { // keep what may be the beginning of a mark
			end += cut(held[end:])
		}
		if end > 0 {
			o.log(appendLines(nil, held[:end], true)...)
			held = append(held[:0], held[end:]...)
		}
		if err != nil {
			o.log(appendLines(nil, held, true)...)
			return
		}
	}
}

// appendLines splits text into lines of at most maxLine bytes. Empty lines are left
// out: CloudWatch has no empty events. What follows the last newline is a line too
// when partial is set.
func appendLines(lines []string, text []byte, partial bool) []string {
	for len(text) > 0 {
		line, rest, whole := bytes.Cut(text, []byte{'\n'})
		if !whole && !partial {
			break
		}
		text = rest
		line = bytes.TrimSuffix(line, []byte{'\r'})
		for len(line) > maxLine {
			n := cut(line)
			lines = append(lines, string(line[:n]))
			line = line[n:]
		}
		if len(line) > 0 {
			lines = append(lines, string(line))
		}
	}
	return lines
}

// cut is where a long line is cut: at maxLine, or a few bytes before it when that
// is inside of a character.
func cut(line []byte) int {
	n := maxLine
	for back := 1; back < utf8.UTFMax && back < n; back++ {
		if !utf8.RuneStart(line[n]) {
			n--
			continue
		}
		break
	}
	return n
}
