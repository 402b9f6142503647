package logview

import (
	tea "charm.land/bubbletea/v2"

	"github.com/microfox-ai/aiwctl/aws/logs"
	"github.com/microfox-ai/aiwctl/tui/logview/pane"
)

const (
	// cup is how many lines are taken in before the next key may come between.
	cup = 2_000
	// heldBytes is how much text is held back while somebody has paused; the oldest
	// goes first.
	heldBytes = 128 << 20
)

// inflow is what was read and is not shown yet: since it is paused, or since so much
// came at once that keys shall come between.
type inflow struct {
	paused  bool
	batches [][]logs.Line
	lines   int
	bytes   int
	dropped int
}

func textOf(lines []logs.Line) (n int) {
	for i := range lines {
		n += len(lines[i].Text) + len(lines[i].Raw)
	}
	return n
}

func (f *inflow) add(lines []logs.Line) {
	for len(lines) > 0 {
		n := min(len(lines), cup)
		f.batches = append(f.batches, lines[:n])
		f.bytes += textOf(lines[:n])
		f.lines += n
		lines = lines[n:]
	}
	for len(f.batches) > 1 && (f.lines > pane.Capacity || f.bytes > heldBytes) {
		f.dropped += len(f.next())
	}
}

func (f *inflow) next() []logs.Line {
	lines := f.batches[0]
	f.batches[0] = nil
	f.batches = f.batches[1:]
	f.lines -= len(lines)
	f.bytes -= textOf(lines)
	return lines
}

// take takes lines in as they are read.
func (s *Screen) take(lines []logs.Line) tea.Cmd {
	f := &s.inflow
	if !f.paused && f.lines == 0 && len(lines) <= cup {
		s.pane.Add(lines)
		return nil
	}
	f.add(lines)
	if f.paused || s.requests.Live(forInflow) {
		return nil
	}
	return s.pour()
}

// pour shows a part of what is held back, and goes on after the next key.
func (s *Screen) pour() tea.Cmd {
	f := &s.inflow
	if f.paused || f.lines == 0 {
		return nil
	}
	s.pane.Buf.Dropped += f.dropped
	f.dropped = 0
	s.pane.Add(f.next())
	if f.lines == 0 {
		f.batches = nil
		return nil
	}
	return s.requests.After(forInflow, 0)
}

func (s *Screen) togglePause() tea.Cmd {
	s.inflow.paused = !s.inflow.paused
	return s.pour()
}
