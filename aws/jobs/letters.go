package jobs

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/microfox-ai/aiwctl/aws"
	"github.com/microfox-ai/aiwctl/aws/redrive/letter"
)

// autoQueues is how many dead-letter queues are looked into when nothing says whose
// the job is: every look raises the receive counts of what is there.
const autoQueues = 3

// justSent is for how long a job of which nothing else is known is taken to be on
// its way.
const justSent = time.Minute

// handoffField marks a message by which the Go runtime tries a job's webhook later.
const handoffField = "webhookDelivery"

// settled is how long after the last change SQS's count of messages is right.
const settled = time.Minute

// deadLetters looks for the job's message among the dead.
func (s *search) deadLetters(ctx context.Context) {
	dead := s.life.State.Ended() && s.life.State != StateCompleted
	unknown := len(s.life.Attempts) == 0 && s.rec == nil
	fresh := s.life.Sent != nil && s.now.Sub(s.life.Sent.At) < justSent
	due := s.overdue()
	switch {
	case s.req.DLQ == DLQNever || s.f.cfg.Letters == nil:
		if dead || unknown || !due.IsZero() {
			s.miss("the dead-letter queue was not looked into")
		}
		return
	case ctx.Err() != nil:
		return
	case s.req.DLQ == DLQAuto && !dead && (!unknown || fresh) && due.IsZero():
		return // and nothing is missing: it is not said to be dead
	}
	queues := s.deadQueues(unknown)
	for i := range queues {
		if s.life.DeadLetter == nil && ctx.Err() == nil {
			s.look(ctx, &queues[i], unknown)
		}
	}
	if !due.IsZero() && !s.life.State.Ended() {
		s.miss("its next delivery was due by %s, and is not in the log", moment(due))
	}
}

// overdue is by when SQS should have delivered the job again, or its end have been
// told; zero while that is not over. A delivery that never ran, for the function was
// throttled, counts too, so a job can die without another line.
func (s *search) overdue() time.Time {
	n := len(s.life.Attempts)
	if n == 0 {
		return time.Time{}
	}
	wait := justSent
	switch last := &s.life.Attempts[n-1]; s.life.State {
	case StateRetrying, StateDeferred:
		wait += time.Duration(last.RetryInMS * float64(time.Millisecond))
	case StateUnknown:
	default:
		return time.Time{}
	}
	for i := range s.req.Workers {
		if w := &s.req.Workers[i]; w.ID == s.life.WorkerID && w.Queue != nil {
			wait += w.Queue.VisibilityTimeout
		}
	}
	if due := s.life.lastSeen().Add(wait); due.Before(s.now) {
		return due
	}
	return time.Time{}
}

// deadQueues are the workers whose dead-letter queues may hold the message, each
// queue once.
func (s *search) deadQueues(unknown bool) []aws.Worker {
	var likely, other []aws.Worker
	seen := map[string]bool{}
	for i := range s.req.Workers {
		w := s.req.Workers[i]
		if w.DLQ == nil || seen[w.DLQ.URL] {
			continue
		}
		switch {
		case s.req.Named || slices.Contains(s.hints, w.ID):
			likely = append(likely, w)
		case !w.DLQ.Depth.At.IsZero() && w.DLQ.Depth.Total() == 0:
			continue // whichever worker's it is, it is not there
		default:
			other = append(other, w)
		}
		seen[w.DLQ.URL] = true
	}
	switch {
	case len(likely) > 0:
		return likely
	case !unknown:
		s.miss("no dead-letter queue of worker %q can be seen", s.life.WorkerID)
		return nil
	case s.req.DLQ == DLQAuto && len(other) > autoQueues:
		s.miss("%d dead-letter queues hold messages, and were not looked into, since that raises receive counts: name the worker, or ask for it", len(other))
		return nil
	}
	return other
}

func (s *search) look(ctx context.Context, w *aws.Worker, unknown bool) {
	name := "queue " + w.DLQ.Name
	depth := w.DLQ.Depth
	switch {
	case depth.Total() == 0 && depth.At.After(s.life.lastSeen().Add(settled)) && s.req.DLQ == DLQAuto:
		s.source(name, SourceNothing, "it is empty")
		s.gone(unknown)
		return
	case w.DLQ.DeadLetterARN != "" && s.req.DLQ == DLQAuto:
		note := "it has a redrive policy of its own, by which a look may pass messages on to another queue"
		s.source(name, SourceNotRead, note)
		s.miss("dead-letter queue %s was not looked into: %s", w.DLQ.Name, note)
		return
	}
	s.req.OnState("looking into " + w.DLQ.Name)
	var mine, callback *letter.Letter
	l, err := s.f.cfg.Letters.Look(ctx, *w, s.req.DLQLimit, func(batch []letter.Letter) (bool, error) {
		for i := range batch {
			switch of := &batch[i]; {
			case of.JobID() != s.req.JobID:
			case of.Message.Extra[handoffField] != nil:
				callback = of
			case mine == nil:
				mine = of
			}
		}
		return mine == nil, nil
	})
	if err == nil {
		if rel := l.Release(ctx); rel != nil {
			s.miss("%s", rel.Error())
		}
	}
	if callback != nil {
		s.event(Event{
			At: callback.SentAt, Kind: EventDead, Source: fromLetter,
			Text: fmt.Sprintf("its webhook was given up: %s, message %s; a replay tries it again", w.DLQ.Name, callback.ID),
		})
	}
	note := "no message was received"
	if l.Seen > 0 {
		note = fmt.Sprintf("%d of about %d messages were received, which raised their receive counts", l.Seen, max(l.Depth.Total(), l.Seen))
	}
	switch {
	case err != nil && ctx.Err() == nil:
		s.unread(name, "dead-letter queue "+w.DLQ.Name, err)
	case err != nil:
		s.source(name, SourceNotRead, "the search was ended")
	case mine != nil:
		s.source(name, SourceRead, note)
		s.dead(w.DLQ.Name, mine)
	case l.Complete:
		s.source(name, SourceNothing, note)
		s.gone(unknown)
	default:
		s.source(name, SourcePartly, note)
		s.miss("it is not among the %d messages of about %d in %s that were looked at", l.Seen, l.Depth.Total(), w.DLQ.Name)
	}
}

// gone says that a dead job's message is not where it would be.
func (s *search) gone(unknown bool) {
	if unknown || len(s.life.Replays) > 0 {
		return
	}
	s.miss("its message is not in the dead-letter queue: deleted, replayed from elsewhere, expired, or on its way there")
}

// dead takes in the job's dead letter.
func (s *search) dead(queue string, l *letter.Letter) {
	life := s.life
	s.letter = &found{queue, l}
	if l.Message != nil {
		s.input(l.Message.Input, l.Message.Metadata, fromLetter)
	}
	life.DeadLetter = &DeadLetter{Queue: text(queue), MessageID: text(l.ID), SentAt: l.SentAt, ReceiveCount: l.ReceiveCount}
	s.origin(trigger(l.Message.Metadata), fromLetter)
	// What its first attempt came after is when it was sent; a worker that gives a job
	// up sends a copy, whose time is that of the end.
	if at := l.SentAt; !at.IsZero() && (len(life.Attempts) == 0 || !at.After(life.Attempts[0].Start)) {
		s.origin(&Sent{At: at}, fromLetter)
	}
	if life.WorkerID == "" {
		life.WorkerID = text(l.WorkerID())
	}
	if life.State == StateRetrying || life.State == StateDeferred || life.State == StateUnknown || len(life.Attempts) == 0 && !life.State.Ended() {
		life.State, life.StateFrom = StateFailed, fromLetter
	}
	if life.State == StateCompleted {
		s.disagree("the %s says completed, and its message is in %s: a replay may run it again", life.StateFrom, queue)
	}
	at := life.EndedAt
	if at.IsZero() {
		at = latest(life.lastSeen(), l.SentAt, l.FirstReceived)
	}
	s.event(Event{
		At: at, Kind: EventDead, Source: fromLetter,
		Text: fmt.Sprintf("in %s, message %s, received %d times, looks included", queue, l.ID, l.ReceiveCount),
	})
}

func latest(all ...time.Time) time.Time {
	var out time.Time
	for _, t := range all {
		if t.After(out) {
			out = t
		}
	}
	return out
}
