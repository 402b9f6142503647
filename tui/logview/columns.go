package logview

import (
	"strings"
	"time"

	tea "charm.land/bubbletea/v2"

	"github.com/microfox-ai/aiwctl/tui/cell"
)

const (
	// narrow is the width below which the time loses its milliseconds and the level is
	// a letter; jobFrom the one from which lines show their job.
	narrow  = 90
	jobFrom = 120
	// idWidth are the cells of a job's or request's id: its end, which tells them apart.
	idWidth = 9
	// roomLeast is what wrapped text gets at the least.
	roomLeast = 8
	// datedFrom is how far back times need a date.
	datedFrom = 12 * time.Hour
)

// columns are those that a person wants before the text, as far as they fit.
type columns struct {
	time, utc, worker, level bool
	job                      when
	request                  bool
}

// when is whether a column is shown.
type when int

const (
	whenWide when = iota // on a wide terminal
	always
	never
)

func standardColumns() columns { return columns{time: true, worker: true, level: true} }

// layout are the cells of what stands before a line's text; zero leaves a column out.
type layout struct {
	time    string
	zone    *time.Location
	marks   bool
	fold    int // the sign of an invocation, or the indent of its lines
	worker  int
	level   int
	job     int
	request int
}

func (s *Screen) layout(width int) layout {
	c := layout{zone: s.zone, level: 5, marks: s.pane.Marks() > 0}
	if s.cols.time {
		c.time = "15:04:05.000"
		if width < narrow {
			c.time = "15:04:05"
		}
		if s.env.Now().Sub(s.tail.since) > datedFrom {
			c.time = "01-02 " + c.time
		}
		if s.cols.utc {
			c.time, c.zone = c.time+"Z", time.UTC
		}
	}
	if width < narrow {
		c.level = 1
	}
	if !s.cols.level {
		c.level = 0
	}
	if len(s.tail.ids) > 1 && s.cols.worker {
		for _, id := range s.tail.ids {
			c.worker = max(c.worker, cell.Width(cell.Clean(id)))
		}
		c.worker = min(c.worker, width/5)
	}
	if s.cols.job == always || s.cols.job == whenWide && width >= jobFrom && s.tail.jobID == "" {
		c.job = idWidth
	}
	if s.cols.request {
		c.request = idWidth
	}
	if s.pane.Folded() {
		c.fold = 2
	}
	return c
}

// width is what the columns take together, with the cursor and their gaps.
func (c layout) width() int {
	w := 1 + c.fold
	if c.marks {
		w++
	}
	for _, col := range []int{len(c.time), c.worker, c.level, c.job, c.request} {
		if col > 0 {
			w += col + 1
		}
	}
	return w
}

// shortName is a worker's name in so many cells: without the beginning that it shares
// with the others, when it would have to be cut.
func (s *Screen) shortName(id string, cells int) string {
	name := cell.Clean(id)
	if cell.Width(name) <= cells || len(s.tail.ids) < 2 {
		return cell.Fit(name, cells)
	}
	shared := cell.Clean(s.tail.ids[0])
	for _, other := range s.tail.ids[1:] {
		other = cell.Clean(other)
		n := 0
		for n < min(len(shared), len(other)) && shared[n] == other[n] {
			n++
		}
		shared = shared[:n]
	}
	if i := strings.LastIndexAny(shared, "-_."); i > 0 && strings.HasPrefix(name, shared[:i+1]) && len(name) > i+1 {
		name = cell.Ellipsis + name[i+1:]
	}
	return cell.Fit(name, cells)
}

// shortID is the end of an id, which is what tells ids apart.
func shortID(id string) string {
	if i := strings.LastIndexByte(id, '-'); i >= 0 && i < len(id)-1 {
		id = id[i+1:]
	}
	return cell.Clean(id)
}

func (s *Screen) openColumns() tea.Cmd {
	flip := func(what *bool) func() tea.Cmd {
		return do(func() { *what = !*what })
	}
	s.menu = &menu{title: "Columns", key: "c", items: func() []item {
		c := &s.cols
		job := item{on: c.job != never, label: "job", note: "the end of its id, always", run: do(func() { c.job = (c.job + 1) % 3 })}
		switch c.job {
		case whenWide:
			job.note = "the end of its id, on a wide terminal"
		case never:
			job.note = "not shown"
		case always:
		}
		items := []item{
			{on: c.time, label: "time", run: flip(&c.time)},
			{on: c.utc, label: "UTC", note: "instead of " + s.env.Now().In(s.zone).Format("MST"), run: flip(&c.utc)},
			{on: c.level, label: "level", run: flip(&c.level)},
			job,
			{on: c.request, label: "request", note: "the end of its id", run: flip(&c.request)},
		}
		if len(s.tail.ids) > 1 {
			items = append(items, item{on: c.worker, label: "worker", run: flip(&c.worker)})
		}
		return items
	}}
	return nil
}
