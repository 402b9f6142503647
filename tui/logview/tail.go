package logview

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	tea "charm.land/bubbletea/v2"

	"github.com/microfox-ai/aiwctl/aws"
	"github.com/microfox-ai/aiwctl/aws/logs"
	"github.com/microfox-ai/aiwctl/tui/cell"
	"github.com/microfox-ai/aiwctl/tui/logview/pane"
	"github.com/microfox-ai/aiwctl/tui/screen"
)

// tail is what is read, and how that goes.
type tail struct {
	ids              []string
	jobID, requestID string
	since, until     time.Time // a zero until follows
	live             bool

	missing []string // workers without a known log group
	groups  int      // that are read
	started bool
	heard   bool // something came: lines, or how it goes
	state   logs.State
	stateAt time.Time
	whole   bool  // a range that has ended was read to its end
	ended   error // why it ended, which following does only when it cannot go on
}

// start begins to read. As long as no log group is known, which is the case before the
// stage was first read, it does nothing: DataChanged tries again.
func (s *Screen) start() tea.Cmd {
	t := &s.tail
	if t.started || s.env.Data.Inventory == nil {
		return nil
	}
	var workers []aws.Worker
	t.missing = nil
	for _, id := range t.ids {
		w, ok := s.env.Worker(id)
		if !ok || w.Function == nil {
			t.missing = append(t.missing, cell.Clean(id))
			continue
		}
		workers = append(workers, w)
	}
	sources := logs.Sources(workers...)
	if len(sources) == 0 {
		return nil
	}
	t.started, t.groups = true, len(sources)
	q := logs.Query{
		Sources: sources, Since: t.since, Until: t.until, JobID: t.jobID, RequestID: t.requestID, Live: t.live,
		// Saving writes events as CloudWatch has them.
		Original: true,
	}
	source := s.source
	return s.requests.Stream(forFollow, func(ctx context.Context, emit func(any) error) error {
		lines := func(lines []logs.Line) error { return emit(lines) }
		if past, ok := source.(Past); ok && !q.Until.IsZero() {
			return past.Read(ctx, q, lines)
		}
		return source.Follow(ctx, q,
			func(st logs.State) { _ = emit(st) }, // a failed emit ends the batch that follows
			lines)
	})
}

// restart reads anew; what is shown and how stays.
func (s *Screen) restart() tea.Cmd {
	filter, search, folded := *s.pane.Buf.Filter(), *s.pane.Buf.Search(), s.pane.Folded()
	shift := s.pane.Shift
	s.pane = pane.New(pane.NewBuffer(pane.Capacity))
	s.pane.SetFilter(filter)
	s.pane.SetSearch(search)
	s.pane.SetFolded(folded)
	s.pane.Shift = shift
	s.inflow, s.wrapped = inflow{}, ""
	s.requests.Cancel(forInflow)
	s.requests.Cancel(forSearch)
	s.requests.Cancel(forFollow)
	t := &s.tail
	t.started, t.heard, t.whole, t.ended, t.state = false, false, false, nil, logs.State{}
	s.opened = s.env.Now()
	return s.start()
}

// follow takes a reply of the tail.
func (s *Screen) follow(reply screen.Reply) tea.Cmd {
	t := &s.tail
	var cmd tea.Cmd
	switch payload := reply.Payload.(type) {
	case []logs.Line:
		t.heard = true
		cmd = s.take(payload)
	case logs.State:
		t.heard = true
		t.state, t.stateAt = payload, s.env.Now()
	}
	switch {
	case reply.More:
	case reply.Err == nil && !t.until.IsZero():
		t.heard, t.whole = true, true
	default:
		if t.ended = reply.Err; t.ended == nil {
			t.ended = errors.New("the tail ended by itself")
		}
	}
	return cmd
}

// read reads another range of time, from since on or between the two.
func (s *Screen) read(since, until time.Time) tea.Cmd {
	s.tail.since, s.tail.until = since, until
	if !until.IsZero() {
		s.tail.live = false
	}
	return s.restart()
}

// readMore follows another worker as well.
func (s *Screen) readMore(id string) tea.Cmd {
	s.tail.ids = append(slices.Clone(s.tail.ids), id)
	return s.restart()
}

// canLive says why there are no live sessions; empty when there are.
func (s *Screen) canLive() string {
	live, ok := s.source.(Live)
	switch {
	case !ok || !live.CanLive():
		return "this stage is read without live sessions"
	case !s.tail.until.IsZero():
		return "a range of time that has ended has no live lines"
	}
	return ""
}

// toggleLive asks before it spends money.
func (s *Screen) toggleLive() tea.Cmd {
	turn := func() tea.Cmd {
		s.tail.live = !s.tail.live
		return s.restart()
	}
	if s.tail.live {
		return turn()
	}
	sessions := (max(1, s.tail.groups) + logs.LiveGroups - 1) / logs.LiveGroups
	price := fmt.Sprintf("%s, about $%.2f a minute", cell.Plural(sessions, "live session"), float64(sessions)*logs.LivePrice)
	if s.env.Stage.Loopback {
		return tea.Batch(turn(), screen.Send(screen.Task{ID: "live", Text: price + " on AWS; this endpoint bills nothing", Done: true}))
	}
	return screen.Send(screen.Confirm{
		Title: "Follow with CloudWatch's Live Tail?",
		Lines: []string{
			"Stage " + cell.Clean(s.env.Stage.Name) + ": " + price + " while this screen is open,",
			"after the 1,800 free minutes of a month. Lines come within a second.",
			"The logs are read again from where they began.",
		},
		Verb: "Go live", Command: s.command("-f", "--live"), Yes: turn,
	})
}

// names are the workers, for a sentence.
func (s *Screen) names() string {
	names := make([]string, len(s.tail.ids))
	for i, id := range s.tail.ids {
		names[i] = cell.Clean(id)
	}
	return strings.Join(names, ", ")
}
