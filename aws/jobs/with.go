package jobs

import (
	"context"
	"slices"
	"time"

	"github.com/microfox-ai/aiwctl/aws/logs"
)

// Tells reports whether a line can change what is known of its job: its beginning, its
// end, a try, progress, a warning. Others are only to be read.
func Tells(l *logs.Line) bool { return !idle(l) || l.Kind != logs.KindApp }

// Lines are the job's log lines in the order of their time, those that tell least left
// out when there are more than 20,000. They are not to be changed.
func (l *Life) Lines() []logs.Line {
	if l.told == nil {
		return nil
	}
	return l.told.lines.lines
}

// With tells the life again at a later time, with lines of the job that came since, as
// a tail brings them; those that were there already do not count twice. Nothing is read
// for it: record, journals and dead-letter queue are as Find found them. The life itself
// is not changed, and any goroutine may call it.
func (l *Life) With(lines []logs.Line, now time.Time) *Life {
	if l.told == nil {
		return l
	}
	s := l.told.fork()
	s.now, s.later = now, s.later || len(lines) > 0
	s.lines.addNew(lines)
	for i := range s.life.Sources {
		src := &s.life.Sources[i]
		if src.Status == SourceNothing && slices.ContainsFunc(s.lines.lines, func(line logs.Line) bool { return src.Name == "log "+line.Group }) {
			src.Status = SourceRead
		}
	}
	told := s.fork()
	ended, cancel := context.WithCancel(context.Background())
	cancel() // whatever would have to be read is not
	s.unlogged(ended)
	s.attempts()
	s.judge()
	switch {
	case s.letter != nil && s.life.State != StateCompleted:
		s.dead(s.letter.queue, s.letter.letter)
	case s.life.State.Ended() && s.life.State != StateCompleted:
		s.miss("the dead-letter queue was not looked into since it ended")
	}
	for _, src := range l.Sources {
		if !slices.ContainsFunc(s.life.Sources, func(have Source) bool { return have.Name == src.Name }) {
			s.life.Sources = append(s.life.Sources, src)
		}
	}
	s.finish()
	s.life.told = told
	return s.life
}

// fork is a copy of a search that can go on without changing this one.
func (s *search) fork() *search {
	out := *s
	life := *s.life
	life.Attempts, life.Events = slices.Clone(life.Attempts), slices.Clone(life.Events)
	life.Children, life.Replays = slices.Clone(life.Children), slices.Clone(life.Replays)
	life.Sources, life.Missing = slices.Clone(life.Sources), slices.Clone(life.Missing)
	life.Disagreements = slices.Clone(life.Disagreements)
	if life.Sent != nil {
		sent := *life.Sent
		life.Sent = &sent
	}
	out.life, out.hints, out.ids = &life, slices.Clone(s.hints), slices.Clone(s.ids)
	out.lines = &collected{lines: slices.Clone(s.lines.lines), dropped: s.lines.dropped}
	return &out
}

func byTime(a, b logs.Line) int { return a.Time.Compare(b.Time) }

// addNew adds the lines that are not there yet, and puts all in order.
func (c *collected) addNew(lines []logs.Line) {
	if len(lines) == 0 {
		return
	}
	have := make(map[string]bool, len(c.lines)+len(lines))
	for i := range c.lines {
		have[c.lines[i].ID] = true
	}
	fresh := make([]logs.Line, 0, len(lines))
	for i := range lines {
		if id := lines[i].ID; id == "" || !have[id] {
			have[id] = true
			fresh = append(fresh, lines[i])
		}
	}
	c.add(fresh)
	slices.SortStableFunc(c.lines, byTime)
}
