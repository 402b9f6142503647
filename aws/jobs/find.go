package jobs

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/microfox-ai/aiwctl/aws"
	"github.com/microfox-ai/aiwctl/aws/logs"
	"github.com/microfox-ai/aiwctl/aws/redrive/letter"
	"github.com/microfox-ai/aiwctl/dispatch"
)

// The names of sources in a Life.
const (
	fromLog     = "log"
	fromRecord  = "record"
	fromLetter  = "dead-letter queue"
	fromAudit   = "audit trail"
	fromJournal = "journal"
	fromID      = "job id"
)

// The bounds of what is shown.
const (
	maxOutput   = 256 << 10
	maxText     = 2 << 10
	maxChildren = 100
	// lookedUpChildren is how many children's records are looked up.
	lookedUpChildren = 20
)

// search is one Find.
type search struct {
	f     *Finder
	req   Request
	key   string // the id as it stands in lines
	life  *Life
	rec   *Record
	hints []string // worker ids
	ids   []string // of its messages
	lines *collected
	now   time.Time

	groups [2][]logs.Source // searched first, and only when those know nothing
	letter *found           // the dead letter, when it was seen
	later  bool             // lines may be younger than the record, see Life.With
}

// found is the job's dead letter and where it was.
type found struct {
	queue  string
	letter *letter.Letter
}

// Find tells a job's life. What cannot be read is no error: the Life says it. The
// error is ctx's, and even with it the Life holds what was found until then.
func (f *Finder) Find(ctx context.Context, req Request) (*Life, error) {
	s := &search{
		f: f, req: req, key: text(req.JobID), now: f.cfg.Now(), lines: newCollected(),
		life: &Life{State: StateUnknown, Attempts: []Attempt{}, Events: []Event{}, Sources: []Source{}, Missing: []string{}},
	}
	s.life.JobID = s.key
	if s.req.DLQLimit <= 0 {
		s.req.DLQLimit = 500
	}
	if s.req.OnState == nil {
		s.req.OnState = func(string) {}
	}
	s.audit()
	s.record(ctx)
	s.journals()
	s.readLogs(ctx)
	told := s.fork()
	s.unlogged(ctx)
	s.attempts()
	s.judge()
	s.deadLetters(ctx)
	s.finish()
	told.letter = s.letter
	s.life.told = told
	return s.life, ctx.Err()
}

func (s *search) source(name, status, note string) {
	s.life.Sources = append(s.life.Sources, Source{Name: text(name), Status: status, Note: text(note)})
}

// unread notes a source that could not be read.
func (s *search) unread(name, what string, err error) {
	kind, hint := aws.Classify(err)
	status := SourceFailed
	if kind == aws.KindDenied || kind == aws.KindAuth {
		status = SourceDenied
	}
	note := short(text(err.Error()), 500)
	if hint != "" {
		note += " (" + text(hint) + ")"
	}
	s.source(name, status, note)
	s.miss("%s could not be read: %s", what, note)
}

func (s *search) miss(format string, args ...any) {
	sentence := text(fmt.Sprintf(format, args...))
	if !slices.Contains(s.life.Missing, sentence) {
		s.life.Missing = append(s.life.Missing, sentence)
	}
}

func (s *search) event(e Event) {
	e.Text = short(text(e.Text), maxText)
	s.life.Events = append(s.life.Events, e)
}

// record looks up the job's record.
func (s *search) record(ctx context.Context) {
	if s.f.cfg.Record == nil {
		s.source("record", SourceNotRead, "no job store is given")
		return
	}
	s.req.OnState("looking up the job's record")
	r, found, err := s.f.cfg.Record(ctx, s.req.JobID)
	switch {
	case ctx.Err() != nil:
		s.source("record", SourceNotRead, "the search was ended")
		return
	case err != nil:
		s.unread("record", "the job's record", err)
		return
	case !found:
		s.source("record", SourceNothing, "")
		return
	}
	s.source("record", SourceRead, "")
	s.rec = &r
	s.hint(r.WorkerID)
	s.input(r.Input, r.Metadata, fromRecord)
	if r.MessageID != "" {
		s.ids = append(s.ids, r.MessageID)
	}
	for i := range r.Children[:min(len(r.Children), maxChildren)] {
		c := r.Children[i]
		if i < lookedUpChildren {
			if child, found, err := s.f.cfg.Record(ctx, c.JobID); err == nil && found {
				c.Status = text(child.Status)
			}
		}
		s.life.Children = append(s.life.Children, Child{JobID: text(c.JobID), WorkerID: text(c.WorkerID), Awaited: c.Awaited, Status: c.Status})
	}
	if more := len(r.Children) - maxChildren; more > 0 {
		s.miss("%d more child jobs are in the record", more)
	}
	s.origin(trigger(r.Metadata), fromRecord)
}

// hint notes which worker the job may be of.
func (s *search) hint(workerID string) {
	if workerID != "" && !slices.Contains(s.hints, workerID) {
		s.hints = append(s.hints, workerID)
	}
}

// journals asks what was replayed from this machine, of the job and as it.
func (s *search) journals() {
	if s.f.cfg.Letters == nil {
		return
	}
	sent, err := s.f.cfg.Letters.Replays(append([]string{s.req.JobID}, s.ids...)...)
	if err != nil {
		s.unread("journals", "a journal of replays", err)
	} else {
		status := SourceRead
		if len(sent) == 0 {
			status = SourceNothing
		}
		s.source("journals", status, "")
	}
	for _, r := range sent {
		s.hint(r.Worker)
		if r.NewJobID == s.req.JobID {
			s.origin(&Sent{At: r.At, How: "replay", ReplayOf: text(r.JobID)}, fromJournal)
			continue
		}
		for _, id := range [...]string{r.MessageID, r.NewMessageID} {
			if id != "" && !slices.Contains(s.ids, id) {
				s.ids = append(s.ids, id)
			}
		}
		s.life.Replays = append(s.life.Replays, Replay{
			At: r.At, MessageID: text(r.MessageID), NewMessageID: text(r.NewMessageID), NewJobID: text(r.NewJobID), Journal: text(r.Journal),
		})
		as := "under its own id"
		if r.NewJobID != "" {
			as = "as " + r.NewJobID
		}
		s.event(Event{At: r.At, Kind: EventReplayed, Source: fromJournal, JobID: text(r.NewJobID), Text: fmt.Sprintf("replayed %s, as message %s", as, r.NewMessageID)})
	}
}

// origin takes in what a source says of how the job came into being. The first that
// says how, and the first that says when, are believed.
func (s *search) origin(o *Sent, from string) {
	if o == nil {
		return
	}
	o.From = from
	if s.life.Sent == nil {
		s.life.Sent = o
		return
	}
	was := s.life.Sent
	if was.At.IsZero() {
		was.At = o.At
	}
	if was.How == "" || was.How == "dispatch" && o.How == "replay" {
		was.How = o.How
	}
	for _, f := range [...]struct{ to, from *string }{
		{&was.By, &o.By}, {&was.ParentJobID, &o.ParentJobID}, {&was.ParentWorkerID, &o.ParentWorkerID}, {&was.QueueID, &o.QueueID}, {&was.ReplayOf, &o.ReplayOf},
	} {
		if *f.to == "" {
			*f.to = *f.from
		}
	}
}

// trigger reads the stamp that says where a message comes from: metadata.__trigger.
func trigger(metadata map[string]any) *Sent {
	stamp, ok := metadata["__trigger"].(map[string]any)
	if !ok {
		return nil
	}
	field := func(name string) string {
		v, _ := stamp[name].(string)
		return short(text(v), 200)
	}
	out := &Sent{
		How: field("type"), ParentJobID: field("parentJobId"), ParentWorkerID: field("parentWorkerId"),
		QueueID: field("queueId"), ReplayOf: field("replayOf"),
	}
	if at, err := time.Parse(time.RFC3339, field("at")); err == nil {
		out.At = at
	}
	return out
}

// madeAt is when an id of the form job-<milliseconds>-<random> was made; zero for
// others.
func madeAt(id string) time.Time {
	ms, _, ok := strings.Cut(strings.TrimPrefix(id, "job-"), "-")
	n, err := strconv.ParseInt(ms, 10, 64)
	if !ok || err != nil || !strings.HasPrefix(id, "job-") || len(ms) != 13 {
		return time.Time{}
	}
	return time.UnixMilli(n)
}

func text(s string) string { return strings.TrimSpace(logs.Sanitize(s, false)) }

// short cuts to at most most bytes, a last "…" included.
func short(s string, most int) string {
	if len(s) <= most {
		return s
	}
	end := most - len("…")
	for end > 0 && s[end]&0xc0 == 0x80 { // within a character
		end--
	}
	return s[:end] + "…"
}

// shownError is an error made safe and short; nil stays nil.
func shownError(e *dispatch.JobError) *dispatch.JobError {
	if e == nil || e.Message == "" && e.Name == "" {
		return nil
	}
	return &dispatch.JobError{
		Name: short(text(e.Name), 200), Message: short(logs.Sanitize(e.Message, true), maxText), Stack: short(logs.Sanitize(e.Stack, true), 8<<10),
	}
}

// errorText is an error on one line.
func errorText(e *dispatch.JobError) string {
	switch {
	case e == nil:
		return ""
	case e.Name == "" || e.Name == "Error" || strings.HasPrefix(e.Message, e.Name):
		return text(e.Message)
	case e.Message == "":
		return text(e.Name)
	}
	return text(e.Name + ": " + e.Message)
}

// input takes the message's input and metadata in, from the first source that has
// them.
func (s *search) input(raw json.RawMessage, metadata map[string]any, from string) {
	switch {
	case s.life.Input != nil || len(raw) == 0 || !json.Valid(raw):
		return
	case len(raw) > maxOutput:
		s.miss("the input of %d bytes is too long to be shown", len(raw))
		return
	}
	s.life.Input, s.life.InputFrom = raw, from
	if text, err := json.Marshal(metadata); err == nil && len(metadata) > 0 && len(text) <= maxOutput {
		s.life.Metadata = text
	}
}

// output takes a job's output in, if it is JSON and not too long.
func (s *search) output(raw json.RawMessage, bytes int) {
	switch {
	case s.life.Output != nil:
	case len(raw) > maxOutput:
		s.life.OutputBytes = len(raw)
		s.miss("the output of %d bytes is too long to be shown", len(raw))
	case len(raw) > 0 && json.Valid(raw):
		s.life.Output, s.life.OutputBytes = raw, 0
	case bytes > 0:
		s.life.OutputBytes = bytes
	}
}
