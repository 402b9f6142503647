package jobs

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/microfox-ai/aiwctl/aws"
	"github.com/microfox-ai/aiwctl/aws/logs"
)

const (
	// groupsAtOnce is how many log groups are searched at once; the reader's pace
	// limits further.
	groupsAtOnce = 4
	// clockSkew is how far the clock that made a job's id may be wrong.
	clockSkew = 5 * time.Minute
	// maxLines is how many lines are kept; of more, those that tell least are left out.
	maxLines = 20_000
)

// collected are the lines of the job, from all groups.
type collected struct {
	mu      sync.Mutex
	lines   []logs.Line
	dropped int
}

func newCollected() *collected { return &collected{} }

func (c *collected) add(lines []logs.Line) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for i := range lines {
		l := &lines[i]
		if len(c.lines) >= maxLines || len(c.lines) >= maxLines/2 && idle(l) {
			c.dropped++
			continue
		}
		c.lines = append(c.lines, *l)
	}
}

// idle reports whether a line tells nothing of a job's life.
func idle(l *logs.Line) bool {
	if l.Kind != logs.KindApp || l.Level >= logs.LevelWarn || l.Event != nil {
		return false
	}
	if _, ok := l.Ending(); ok {
		return false
	}
	_, ok := l.Moment()
	return !ok
}

// readLogs searches the log groups: those of the workers that a source names first,
// and the others only when these know nothing.
func (s *search) readLogs(ctx context.Context) {
	if s.f.cfg.Logs == nil {
		s.miss("the logs were not searched")
		return
	}
	since := s.req.Since
	if s.req.Extend && !since.IsZero() {
		for _, at := range [...]time.Time{madeAt(s.req.JobID), s.earliest()} {
			if !at.IsZero() && at.Add(-clockSkew).Before(since) {
				since = at.Add(-clockSkew)
			}
		}
	}
	s.life.Since = since
	s.groups[0], s.groups[1] = s.hinted()
	s.searchGroups(ctx, s.groups[0], since)
	if len(s.groups[0]) == 0 || len(s.lines.lines) == 0 {
		s.searchGroups(ctx, s.groups[1], since)
	}
	slices.SortStableFunc(s.lines.lines, byTime)
}

// unlogged says what the lines do not tell.
func (s *search) unlogged(ctx context.Context) {
	first, since := s.groups[0], s.life.Since
	switch {
	case s.f.cfg.Logs == nil:
	case len(first)+len(s.groups[1]) == 0:
		s.miss("no log group is known: no worker has a function that can be seen")
	case len(s.lines.lines) == 0 && ctx.Err() == nil && s.expired(ctx, first):
	case len(s.lines.lines) == 0 && ctx.Err() == nil:
		said := "no log line"
		if !since.IsZero() {
			said += " since " + since.UTC().Format("2006-01-02 15:04:05Z")
		}
		s.miss("%s names it: never delivered, or logged elsewhere, or its lines have expired", said)
	}
	if s.lines.dropped > 0 {
		s.miss("%d of its log lines were left out", s.lines.dropped)
	}
}

// expired reports whether the lines of the job must have expired, and says so: its
// worker's log group keeps them for a shorter time than it is old.
func (s *search) expired(ctx context.Context, groups []logs.Source) bool {
	at := s.earliest()
	if at.IsZero() {
		at = madeAt(s.req.JobID)
	}
	if s.f.cfg.Retention == nil || at.IsZero() || len(groups) != 1 {
		return false
	}
	kept, err := s.f.cfg.Retention(ctx, groups[0].Group)
	if err != nil || kept <= 0 || s.now.Sub(at) < kept { // that it is not known is no harm
		return false
	}
	s.miss("its log lines have expired: it is from %s, and log group %s keeps %d days", moment(at), groups[0].Group, int(kept.Hours()/24))
	return true
}

// earliest is the first time that the sources read until now have of the job.
func (s *search) earliest() time.Time {
	var out time.Time
	note := func(at time.Time) {
		if !at.IsZero() && (out.IsZero() || at.Before(out)) {
			out = at
		}
	}
	if s.life.Sent != nil {
		note(s.life.Sent.At)
	}
	if s.rec != nil {
		note(s.rec.CreatedAt)
	}
	for _, r := range s.life.Replays {
		note(r.At)
	}
	return out
}

// hinted divides the log groups: of the workers that a source names, and the others.
func (s *search) hinted() (first, rest []logs.Source) {
	var likely []aws.Worker
	for i := range s.req.Workers {
		w := &s.req.Workers[i]
		if s.req.Named || slices.Contains(s.hints, w.ID) || w.Queue != nil && slices.Contains(s.hints, w.Queue.Name) {
			likely = append(likely, *w)
		}
	}
	first = logs.Sources(likely...)
	for _, src := range logs.Sources(s.req.Workers...) {
		if !slices.ContainsFunc(first, func(f logs.Source) bool { return f.Group == src.Group }) {
			rest = append(rest, src)
		}
	}
	return first, rest
}

func (s *search) searchGroups(ctx context.Context, groups []logs.Source, since time.Time) {
	if len(groups) == 0 {
		return
	}
	var (
		done atomic.Int32
		errs = make([]error, len(groups))
		saw  = make([]bool, len(groups))
		g    errgroup.Group
	)
	g.SetLimit(groupsAtOnce)
	// OnState is called one at a time, and may wait for whoever is told: no lock is held
	// over it.
	turn := make(chan struct{}, 1)
	for i, src := range groups {
		g.Go(func() error {
			if ctx.Err() != nil {
				errs[i] = ctx.Err()
				return nil
			}
			turn <- struct{}{}
			s.req.OnState(fmt.Sprintf("searching the logs: %d of %d log groups", done.Load(), len(groups)))
			<-turn
			errs[i] = s.f.cfg.Logs.Read(ctx, logs.Query{Sources: []logs.Source{src}, Since: since, JobID: s.req.JobID}, func(lines []logs.Line) error {
				saw[i] = true
				s.lines.add(lines)
				return ctx.Err()
			})
			done.Add(1)
			return nil
		})
	}
	_ = g.Wait() // the functions return none
	denied := map[string][]string{}
	for i, src := range groups {
		name := "log " + src.Group
		switch {
		case errs[i] == nil && saw[i]:
			s.source(name, SourceRead, "")
		case errs[i] == nil:
			s.source(name, SourceNothing, "")
		case ctx.Err() != nil && saw[i]:
			s.source(name, SourcePartly, "the search was ended")
		case ctx.Err() != nil:
			s.source(name, SourceNotRead, "the search was ended")
		default:
			kind, hint := aws.Classify(errs[i])
			status := SourceFailed
			if kind == aws.KindDenied || kind == aws.KindAuth {
				status = SourceDenied
			}
			s.source(name, status, short(text(errs[i].Error()), 500))
			key := string(kind) + ": " + hint
			denied[key] = append(denied[key], src.Group)
		}
	}
	for why, names := range denied {
		what := "log group " + names[0]
		if len(names) > 1 {
			what = fmt.Sprintf("%d log groups, %s among them,", len(names), names[0])
		}
		s.miss("%s could not be read: %s", what, strings.TrimSuffix(why, ": "))
	}
}
