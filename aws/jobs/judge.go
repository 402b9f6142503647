package jobs

import (
	"fmt"
	"slices"
	"time"

	"github.com/microfox-ai/aiwctl/aws/logs"
)

// judge says where the job is, by its log and its record.
func (s *search) judge() {
	end, ended := s.outcome()
	life := s.life
	switch {
	case ended:
		life.State, life.StateFrom = State(end.Status), fromLog
		life.Error = shownError(end.Error)
	case len(life.Attempts) > 0:
		life.StateFrom = fromLog
		switch last := life.Attempts[len(life.Attempts)-1]; last.Outcome {
		case logs.OutcomeRunning:
			life.State = StateRunning
		case logs.OutcomeDeferred:
			life.State = StateDeferred
		case logs.OutcomeUnknown:
			life.State = StateUnknown
		default:
			life.State, life.Error = StateRetrying, last.Error
		}
	case life.Sent != nil || len(life.Replays) > 0:
		life.State = StateSent
	}
	// The error that was explained says more than the line that ended the job.
	if n := len(life.Attempts); ended && n > 0 && life.State != StateCompleted && life.Attempts[n-1].Error != nil {
		life.Error = life.Attempts[n-1].Error
	}
	if n := len(life.Attempts); n > 0 && life.State.Ended() {
		life.EndedAt = life.Attempts[n-1].End
	}
	if s.rec != nil {
		s.reconcile()
	}
	if n := len(life.Replays); n > 0 && life.State.Ended() && life.State != StateCompleted {
		if r := life.Replays[n-1]; r.NewJobID == "" && r.At.After(latest(life.lastSeen(), life.EndedAt)) {
			life.State, life.StateFrom, life.EndedAt, life.Error = StateSent, fromJournal, time.Time{}, nil
		}
	}
}

// outcome has the log's own word on the end.
func (s *search) outcome() (logs.Outcome, bool) {
	receives := 0
	for i := range s.req.Workers {
		if w := &s.req.Workers[i]; w.ID == s.life.WorkerID && w.Queue != nil {
			receives = w.Queue.MaxReceiveCount
		}
	}
	job := logs.NewJob(s.req.JobID, receives)
	var (
		out   logs.Outcome
		ended bool
	)
	for i := range s.lines.lines {
		out, ended = job.Observe(&s.lines.lines[i])
	}
	return out, ended
}

// reconcile puts the record beside what the log says.
func (s *search) reconcile() {
	life, r := s.life, s.rec
	s.output(r.Output, r.OutputBytes)
	if life.WorkerID == "" {
		life.WorkerID = text(r.WorkerID)
	}
	recorded := State(r.Status)
	written := "written " + moment(r.UpdatedAt)
	switch {
	case recorded != StateCompleted && recorded != StateFailed:
		s.reconcileOpen(recorded, written)
	case !life.State.Ended():
		if life.State != StateUnknown && life.State != StateSent && len(life.Attempts) > 0 && life.lastSeen().After(r.UpdatedAt) {
			s.disagree("the log says %s, and the record, %s, %s: it seems to run again", life.State, written, recorded)
			break
		}
		life.State, life.StateFrom, life.EndedAt = recorded, fromRecord, r.CompletedAt
		if recorded == StateFailed {
			life.Error = shownError(r.Error)
		} else {
			life.Error = nil
		}
	case (life.State == StateCompleted) != (recorded == StateCompleted):
		s.disagree("the log says %s, and the record, %s, %s", life.State, written, recorded)
		if r.CompletedAt.After(life.EndedAt) {
			life.State, life.StateFrom, life.EndedAt, life.Error = recorded, fromRecord, r.CompletedAt, nil
			if recorded == StateFailed {
				life.Error = shownError(r.Error)
			}
		}
	case life.Error == nil && recorded == StateFailed:
		life.Error = shownError(r.Error)
	}
	if len(life.Attempts) == 0 {
		s.fromRecordAlone(recorded)
	}
	if w := r.Webhook; w != nil {
		was := life.Webhook
		if was != nil && was.Delivered != w.Delivered && !was.Pending && !w.Pending {
			s.disagree("the log says that the webhook was %s, the record that it was %s", delivered(was.Delivered), delivered(w.Delivered))
		}
		if was == nil || w.At.After(was.At) {
			shown := *w
			shown.Error, shown.From = short(text(shown.Error), 500), fromRecord
			life.Webhook = &shown
			if was == nil && !w.At.IsZero() {
				s.event(Event{At: w.At, Kind: EventWebhook, Source: fromRecord, Text: delivered(w.Delivered)})
			}
		}
	}
	for _, c := range life.Children {
		how := ""
		if c.Awaited {
			how = ", waited for"
		}
		if c.Status != "" {
			how += ", " + c.Status
		}
		s.event(Event{At: s.childAt(c.JobID), Kind: EventChild, Source: fromRecord, JobID: c.JobID, WorkerID: c.WorkerID, Text: fmt.Sprintf("%s of %s%s", c.JobID, c.WorkerID, how)})
	}
}

// reconcileOpen is for a record that knows of no end.
func (s *search) reconcileOpen(recorded State, written string) {
	life, r := s.life, s.rec
	switch {
	case life.State.Ended() && life.State != StateCompleted && recorded == "running" && !s.later:
		// A timeout or a crash: nobody was left to write it down.
		s.disagree("the log says %s, and the record, %s, still running", life.State, written)
	case life.State.Ended() && life.StateFrom == fromLog && life.EndedAt.Before(r.UpdatedAt) && recorded == "running":
		life.State, life.StateFrom, life.EndedAt, life.Error = StateRunning, fromRecord, time.Time{}, nil
	case life.State.Ended() && s.later: // the record may have been written since it was read
	case life.State.Ended():
		s.disagree("the log says %s, and the record, %s, %s", life.State, written, recorded)
	case len(life.Attempts) == 0 && recorded == "running":
		life.State, life.StateFrom = StateRunning, fromRecord
		if !r.LeaseUntil.IsZero() && r.LeaseUntil.Before(s.now) {
			life.State = StateUnknown
			s.miss("the record says running since %s, but that delivery must have ended by %s", moment(r.UpdatedAt), moment(r.LeaseUntil))
		}
	case len(life.Attempts) == 0 && recorded == "queued":
		life.StateFrom = fromRecord
		if life.State = StateSent; r.LastError != nil {
			life.State, life.Error = StateRetrying, shownError(r.LastError)
		}
	case len(life.Attempts) == 0:
		life.State, life.StateFrom = StateUnknown, fromRecord
	}
}

// fromRecordAlone makes events of a record of which the log knows nothing.
func (s *search) fromRecordAlone(recorded State) {
	r := s.rec
	if !r.CreatedAt.IsZero() {
		s.event(Event{At: r.CreatedAt, Kind: EventAttempt, Text: "first claimed", Source: fromRecord})
	}
	at := r.CompletedAt
	if at.IsZero() {
		at = r.UpdatedAt
	}
	if at.IsZero() {
		at = s.now
	}
	said := string(recorded)
	e := r.Error
	if e == nil {
		e = r.LastError
	}
	if why := errorText(e); why != "" {
		said += ": " + why
	}
	if r.Receives > 0 {
		said += fmt.Sprintf(" (delivery %d)", r.Receives)
	}
	s.event(Event{At: at, Kind: EventRecord, Text: said, Source: fromRecord})
}

// childAt is when a child was made, as far as its id says, else when the job was
// last claimed: the record has no time.
func (s *search) childAt(id string) time.Time {
	if at := madeAt(id); !at.IsZero() {
		return at
	}
	if n := len(s.life.Attempts); n > 0 {
		return s.life.Attempts[n-1].Start
	}
	return s.rec.CreatedAt
}

func (l *Life) lastSeen() time.Time {
	var out time.Time
	for i := range l.Attempts {
		for _, at := range [...]time.Time{l.Attempts[i].Start, l.Attempts[i].End} {
			if at.After(out) {
				out = at
			}
		}
	}
	return out
}

func (s *search) disagree(format string, args ...any) {
	s.life.Disagreements = append(s.life.Disagreements, text(fmt.Sprintf(format, args...)))
}

func delivered(yes bool) string {
	if yes {
		return "delivered"
	}
	return "not delivered"
}

func moment(t time.Time) string {
	if t.IsZero() {
		return "at an unknown time"
	}
	return t.UTC().Format("2006-01-02 15:04:05Z")
}

// finish puts the life in order.
func (s *search) finish() {
	life := s.life
	known := len(life.Events) > 0 || life.Sent != nil || s.rec != nil
	if life.Sent == nil {
		life.Sent = &Sent{From: fromID}
	}
	for i := range s.req.Workers {
		w := &s.req.Workers[i]
		if life.WorkerID == "" && known && slices.Contains(s.hints, w.ID) {
			life.WorkerID = text(w.ID)
		}
		if life.MaxAttempts == 0 && w.ID == life.WorkerID && w.Queue != nil {
			life.MaxAttempts = w.Queue.MaxReceiveCount
		}
	}
	if made := madeAt(s.req.JobID); life.Sent.At.IsZero() && known {
		life.Sent.At = made
	}
	switch {
	case !known:
		life.Sent = nil
	case life.Sent.At.IsZero() && life.Sent.How == "":
		life.Sent = nil
		s.miss("when and by whom it was sent is not known")
	case life.Sent.How == "":
		s.miss("by whom it was sent is not known: not by aiwctl on this machine, and its message carries no stamp that can be seen")
	}
	if o := life.Sent; o != nil && !o.At.IsZero() {
		e := Event{At: o.At, Kind: EventSent, Text: o.said(), Source: o.From, JobID: o.ParentJobID, WorkerID: o.ParentWorkerID}
		if e.JobID == "" {
			e.JobID = o.ReplayOf
		}
		s.event(e)
	}
	slices.SortStableFunc(life.Events, func(a, b Event) int {
		if c := a.At.Compare(b.At); c != 0 {
			return c
		}
		return rankOf(a.Kind) - rankOf(b.Kind)
	})
	life.utc()
	if began := life.Began(); !life.EndedAt.IsZero() && life.EndedAt.After(began) {
		life.TotalMS = float64(life.EndedAt.Sub(began).Microseconds()) / 1000
	}
	if !known {
		return
	}
	if s.f.cfg.Record == nil {
		unknown := "child jobs and metadata"
		if life.State == StateCompleted && life.Output == nil {
			unknown = "output, " + unknown
		}
		s.miss("no store is given: %s are not known", unknown)
	} else if s.rec == nil && life.State == StateCompleted && life.Output == nil {
		s.miss("its output is not in the log, and the store has no record of it")
	}
}

// utc has every time say the same wherever it is printed.
func (l *Life) utc() {
	all := []*time.Time{&l.EndedAt}
	for i := range l.Events {
		all = append(all, &l.Events[i].At)
	}
	for i := range l.Attempts {
		all = append(all, &l.Attempts[i].Start, &l.Attempts[i].End)
	}
	for i := range l.Replays {
		all = append(all, &l.Replays[i].At)
	}
	if l.Sent != nil {
		all = append(all, &l.Sent.At)
	}
	if l.Webhook != nil {
		all = append(all, &l.Webhook.At)
	}
	if l.DeadLetter != nil {
		all = append(all, &l.DeadLetter.SentAt)
	}
	for _, t := range all {
		*t = t.UTC()
	}
}

// rankOf orders what happened in the same millisecond.
func rankOf(kind string) int {
	switch kind {
	case EventSent:
		return 0
	case EventAttempt, EventSkipped:
		return 1
	case EventEnded:
		return 3
	case EventRecord, EventWebhook:
		return 4
	case EventDead:
		return 5
	case EventReplayed:
		return 6
	}
	return 2
}

// said is how the job came into being, in words.
func (o *Sent) said() string {
	said := "sent"
	switch o.How {
	case "dispatch":
		said = "dispatched by aiwctl on this machine"
	case "replay":
		said = "replayed"
	case "worker":
		said = "dispatched by a job"
	case "queue":
		said = "a step of queue " + o.QueueID
	case "schedule":
		said = "sent by its schedule"
	case "external":
		said = "started from outside"
	case "api":
		said = "sent through the workers API"
	case "":
		if o.From == fromID {
			said = "its id was made"
		}
	default:
		said = "sent by " + o.How
	}
	if o.ReplayOf != "" {
		said += " as the new " + o.ReplayOf
	}
	if o.ParentJobID != "" {
		said += ", " + o.ParentJobID
	}
	if o.ParentWorkerID != "" {
		said += " of " + o.ParentWorkerID
	}
	if o.By != "" {
		said += ", by " + o.By
	}
	return said
}
