package jobview

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	tea "charm.land/bubbletea/v2"

	"github.com/microfox-ai/aiwctl/aws"
	"github.com/microfox-ai/aiwctl/aws/jobs"
	"github.com/microfox-ai/aiwctl/aws/logs"
	"github.com/microfox-ai/aiwctl/tui/cell"
	"github.com/microfox-ai/aiwctl/tui/screen"
)

const (
	// findTimeout bounds one look: a stage of 500 workers takes two minutes at four
	// calls a second.
	findTimeout = 4 * time.Minute
	// sinceBefore is how far before the time that somebody knew the search begins:
	// clocks differ.
	sinceBefore = time.Minute
	// againAfter is after how long a job that has not ended is looked for again: what
	// its record says, and what was replayed, no tail tells.
	againAfter = 30 * time.Second
	// settling is how long after its end the last lines of a job are waited for:
	// memory, webhook.
	settling = 3 * time.Second
	// firstWait is for how long a job that nothing knows is waited for, where its
	// worker is known: it may have been sent just now.
	firstWait = 2 * time.Minute
	// groupsMost is how many log groups are followed when nothing says whose the job
	// is: a tail reads each of them over and over.
	groupsMost = 20
	// mayRun is for how long a job that has ended is followed after something was
	// written from here: it may run again, and no journal need say so.
	mayRun = 30 * time.Second
	// justSent is how young a job is not to be looked for among the dead.
	justSent = time.Minute
)

// The purposes of requests.
const (
	forFind   = "find"
	forFollow = "follow"
	forTell   = "tell"
)

// backs is how far back is searched, and further with every wish.
var backs = []struct {
	ago  time.Duration // zero: to the beginning
	said string
}{
	{24 * time.Hour, "24 hours"}, {7 * 24 * time.Hour, "7 days"}, {30 * 24 * time.Hour, "30 days"}, {90 * 24 * time.Hour, "90 days"}, {0, "to the beginning of the logs"},
}

// searching is where the job is looked for.
type searching struct {
	begun bool
	named bool      // at the worker that was asked for only
	since time.Time // zero: to the beginning
	doing string    // what the look under way does
	err   error     // of the last look
	again bool      // look again when the one under way has ended
}

// following is the tail of the job's lines.
type following struct {
	state   logs.State
	stateAt time.Time
	err     error // why it ended, which it does only when it cannot go on
	why     string
	pending []logs.Line // not told yet
	endedAt time.Time   // when the end was first seen in the lines; zero: not
	until   time.Time   // until when a job that has ended is followed all the same
}

// begin looks for the job as soon as the stage's workers are known.
func (s *Screen) begin() tea.Cmd {
	if s.search.begun || s.env.Data.Inventory == nil {
		return nil
	}
	s.search.begun = true
	dlq := jobs.DLQAuto
	if since := s.ask.Since; !since.IsZero() && s.opened.Sub(since) < justSent {
		dlq = jobs.DLQNever
	}
	return s.find(dlq)
}

// workers are those of the stage, or the one that was asked for.
func (s *Screen) workers() []aws.Worker {
	if s.search.named {
		if w, ok := s.env.Worker(s.ask.WorkerID); ok {
			return []aws.Worker{w}
		}
	}
	if s.env.Data.Inventory == nil {
		return nil
	}
	return slices.Clone(s.env.Data.Inventory.Workers)
}

// find looks for the job. One look at a time: what is wished meanwhile comes after it.
func (s *Screen) find(dlq jobs.DLQ) tea.Cmd {
	if s.requests.Live(forFind) {
		s.search.again = true
		return nil
	}
	workers := s.workers()
	req := jobs.Request{
		JobID: s.ask.JobID, Workers: workers, Named: s.search.named && len(workers) == 1,
		Since: s.search.since, Extend: true, DLQ: dlq,
	}
	s.search.doing = ""
	finder := s.finder
	return s.requests.Stream(forFind, func(ctx context.Context, emit func(any) error) error {
		ctx, cancel := context.WithTimeoutCause(ctx, findTimeout, fmt.Errorf("not everything could be searched within %s", findTimeout))
		defer cancel()
		if finder == nil {
			return errors.New("this console was given nothing to look for jobs with")
		}
		req.OnState = func(said string) { _ = emit(said) } // a failed emit fails the last one too
		life, err := finder.Find(ctx, req)
		if life != nil {
			if err := emit(life); err != nil {
				return err
			}
		}
		if err != nil && errors.Is(err, context.DeadlineExceeded) {
			err = context.Cause(ctx)
		}
		return err
	})
}

// foundSome takes what a look says.
func (s *Screen) foundSome(reply screen.Reply) tea.Cmd {
	switch payload := reply.Payload.(type) {
	case string:
		s.search.doing = payload
	case *jobs.Life:
		s.foundAt = s.env.Now()
		s.setLife(payload)
		if s.requests.Live(forFollow) {
			// What the tail brought meanwhile is younger than this look.
			s.requests.Cancel(forTell)
			s.follow.pending = s.lines.copies()
			return s.tell()
		}
	}
	if reply.More {
		return nil
	}
	s.search.err, s.search.doing = reply.Err, ""
	if s.search.again {
		s.search.again = false
		return s.find(jobs.DLQNever)
	}
	return s.goOn()
}

// goOn follows the job while it has not ended, and stops when it has.
func (s *Screen) goOn() tea.Cmd {
	switch {
	case s.life == nil:
		return nil
	case s.life.State.Ended() && s.env.Now().After(s.follow.until):
		// What is being told anew may say that it runs again.
		if s.follow.endedAt.IsZero() && !s.requests.Live(forTell) {
			s.requests.Cancel(forFollow)
		}
		return nil
	case s.requests.Live(forFollow):
		return nil
	}
	s.follow.endedAt = time.Time{}
	return s.startTail()
}

// startTail follows the log groups in which the job's lines are to be expected.
func (s *Screen) startTail() tea.Cmd {
	s.follow.state, s.follow.err, s.follow.why = logs.State{}, nil, ""
	workers := s.workers()
	if i := slices.IndexFunc(workers, func(w aws.Worker) bool { return w.ID == s.workerID() }); i >= 0 {
		workers = workers[i : i+1]
	}
	sources := logs.Sources(workers...)
	switch {
	case !s.life.Found() && (s.ask.WorkerID == "" || s.env.Now().Sub(s.opened) > firstWait):
		return nil
	case len(sources) == 0:
		s.follow.why = "no worker has a function whose log could be followed"
		return nil
	case len(sources) > groupsMost:
		s.follow.why = fmt.Sprintf("nothing says yet which of %s it is of", cell.Plural(len(workers), "worker"))
		return nil
	}
	since := s.life.Began()
	if n := len(s.life.Replays); n > 0 && s.life.State == jobs.StateSent {
		since = s.life.Replays[n-1].At
	}
	switch {
	case !since.IsZero():
		since = since.Add(-sinceBefore)
	case !s.ask.Since.IsZero():
		since = s.ask.Since.Add(-sinceBefore)
	default:
		since = s.opened.Add(-sinceBefore)
	}
	q, tail := logs.Query{Sources: sources, Since: since, JobID: s.ask.JobID}, s.tail
	return s.requests.Stream(forFollow, func(ctx context.Context, emit func(any) error) error {
		return tail.Follow(ctx, q,
			func(st logs.State) { _ = emit(st) }, // a failed emit ends the batch that follows
			func(lines []logs.Line) error { return emit(lines) })
	})
}

// followed takes what the tail brings.
func (s *Screen) followed(reply screen.Reply) tea.Cmd {
	switch payload := reply.Payload.(type) {
	case logs.State:
		s.follow.state, s.follow.stateAt = payload, s.env.Now()
	case []logs.Line:
		fresh := s.lines.add(payload)
		s.follow.pending = append(s.follow.pending, fresh...)
		return s.tell()
	}
	if !reply.More {
		if s.follow.err = reply.Err; s.follow.err == nil {
			s.follow.err = errors.New("the tail ended by itself")
		}
	}
	return nil
}

// tell has the life told again, when lines came that change it. That takes longer than
// a frame for a job of many lines, so it is done elsewhere, one at a time.
func (s *Screen) tell() tea.Cmd {
	pending := s.follow.pending
	if s.life == nil || s.requests.Live(forTell) || !slices.ContainsFunc(pending, func(l logs.Line) bool { return jobs.Tells(&l) }) {
		return nil
	}
	life, now := s.life, s.env.Now()
	s.follow.pending = nil
	return s.requests.Start(forTell, time.Minute, func(context.Context) (any, error) {
		return life.With(pending, now), nil
	})
}

func (s *Screen) toldAgain(reply screen.Reply) tea.Cmd {
	life, ok := reply.Payload.(*jobs.Life)
	if !ok {
		s.search.err = reply.Err
		return nil
	}
	was := s.life.State
	s.setLife(life)
	switch {
	case !life.State.Ended():
		s.follow.endedAt, s.follow.until = time.Time{}, time.Time{}
	case was == life.State && !s.follow.until.IsZero(): // it still is what it was
	case s.follow.endedAt.IsZero():
		s.follow.endedAt = s.env.Now()
	}
	return s.tell()
}

// tick looks again when it is time to.
func (s *Screen) tick(now time.Time) tea.Cmd {
	switch {
	case s.life == nil || s.requests.Live(forFind):
		return nil
	case !s.follow.endedAt.IsZero() && now.Sub(s.follow.endedAt) >= settling:
		// Once more, whole: the record has its output now, the dead-letter queue the message.
		s.follow.endedAt = time.Time{}
		s.requests.Cancel(forFollow)
		return s.find(jobs.DLQAuto)
	case s.life.State.Ended():
		if now.After(s.follow.until) && !s.requests.Live(forTell) {
			s.requests.Cancel(forFollow)
		}
		return nil
	case !s.life.Found() && now.Sub(s.opened) > firstWait:
		s.requests.Cancel(forFollow)
		return nil
	case s.life.Found() && now.Sub(s.foundAt) >= againAfter:
		return s.find(jobs.DLQNever)
	}
	return nil
}

// written looks again when something was written from here that may have been this
// job's replay.
func (s *Screen) written(task screen.Task) tea.Cmd {
	if !task.Done || task.ID == "notice" || s.life == nil || !s.life.State.Ended() || s.life.State == jobs.StateCompleted || !s.life.Found() {
		return nil
	}
	s.follow.until = s.env.Now().Add(mayRun)
	return s.find(jobs.DLQNever)
}

// lookAgain is a person's wish.
func (s *Screen) lookAgain() tea.Cmd { return s.find(jobs.DLQAuto) }

// furtherBack is the next of backs; ok is false when there is none.
func (s *Screen) furtherBack() (since time.Time, said string, ok bool) {
	if s.search.since.IsZero() {
		return time.Time{}, "", false
	}
	for _, b := range backs {
		if b.ago == 0 {
			return time.Time{}, b.said, true
		}
		// A little, since it was reckoned from another time.
		if at := s.env.Now().Add(-b.ago); at.Before(s.search.since.Add(-b.ago / 4)) {
			return at, b.said, true
		}
	}
	return time.Time{}, "", false
}

// lookBack searches further back and, where the job was not found at the worker that was
// asked for, at all of them.
func (s *Screen) lookBack() tea.Cmd {
	since, _, ok := s.furtherBack()
	if !ok {
		return nil
	}
	s.search.since = since
	if s.life != nil && !s.life.Found() {
		s.search.named = false
	}
	s.requests.Cancel(forFind)
	return s.find(jobs.DLQAuto)
}
