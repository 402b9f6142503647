package logs

import (
	"context"
	"time"
)

// batcher paces what reaches the caller, and holds lines back for settle so that those
// that come late find their place. Only Follow's goroutine uses it.
type batcher struct {
	fn     func([]Line) error
	settle time.Duration
	buf    []Line
	last   time.Time

	held []heldLine
	next time.Time // when the first of them is due
}

// heldLine waits until due: a while after its time, or after it came if its time is yet to come.
type heldLine struct {
	line Line
	due  time.Time
}

// add takes lines and passes them on at once when the last batch is long ago.
func (b *batcher) add(ctx context.Context, lines []Line) error {
	b.take(lines)
	wait, _ := b.due()
	if wait > 0 {
		if len(b.buf) < batchMost {
			return nil
		}
		if err := sleep(ctx, wait); err != nil {
			return err
		}
	}
	return b.flush()
}

func (b *batcher) take(lines []Line) {
	if b.settle <= 0 {
		if len(b.buf) == 0 {
			b.buf = lines
			return
		}
		b.buf = append(b.buf, lines...)
		return
	}
	now := time.Now()
	for i := range lines {
		from := lines[i].Time
		if from.After(now) {
			from = now
		}
		due := from.Add(b.settle)
		if !due.After(now) {
			b.buf = append(b.buf, lines[i])
			continue
		}
		if len(b.held) == 0 || due.Before(b.next) {
			b.next = due
		}
		b.held = append(b.held, heldLine{lines[i], due})
	}
}

// ripe moves what was held long enough.
func (b *batcher) ripe(now time.Time) {
	if len(b.held) == 0 || b.next.After(now) {
		return
	}
	kept := b.held[:0]
	for _, h := range b.held {
		if h.due.After(now) {
			if len(kept) == 0 || h.due.Before(b.next) {
				b.next = h.due
			}
			kept = append(kept, h)
			continue
		}
		b.buf = append(b.buf, h.line)
	}
	clear(b.held[len(kept):])
	b.held = kept
}

// due is how long to wait until the lines that wait may be passed on.
func (b *batcher) due() (wait time.Duration, waiting bool) {
	pace := max(flushEvery-time.Since(b.last), 0)
	switch {
	case len(b.buf) > 0:
		return pace, true
	case len(b.held) > 0:
		return max(pace, time.Until(b.next)), true
	}
	return pace, false
}

func (b *batcher) flush() error {
	now := time.Now()
	b.ripe(now)
	if len(b.buf) == 0 {
		return nil
	}
	lines := b.buf
	b.buf = nil // the caller may keep the slice
	b.last = now
	sortLines(lines)
	return b.fn(lines)
}

// end passes on whatever waits: those lines have been read.
func (b *batcher) end() error {
	for _, h := range b.held {
		b.buf = append(b.buf, h.line)
	}
	b.held = nil
	return b.flush()
}

// lastLines keeps the last n of the lines it is given.
type lastLines struct {
	n     int
	lines []Line
}

func (l *lastLines) add(lines []Line) {
	l.lines = append(l.lines, lines...)
	if len(l.lines) > 2*l.n+1024 {
		l.cut()
	}
}

// cut drops all but the last ones. Groups are merged in order of time, but lines of
// a job that waited come later than younger ones.
func (l *lastLines) cut() {
	sortLines(l.lines)
	if over := len(l.lines) - l.n; over > 0 {
		l.lines = append(l.lines[:0:0], l.lines[over:]...)
	}
}
