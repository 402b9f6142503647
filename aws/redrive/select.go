package redrive

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/microfox-ai/aiwctl/aws"
	"github.com/microfox-ai/aiwctl/aws/logs"
	"github.com/microfox-ai/aiwctl/aws/redrive/check"
	"github.com/microfox-ai/aiwctl/aws/redrive/letter"
	"github.com/microfox-ai/aiwctl/aws/redrive/where"
	"github.com/microfox-ai/aiwctl/aws/redrive/why"
)

// Choice says which dead letters are meant. The zero value means all.
type Choice struct {
	// IDs are message ids; empty means no limit by id.
	IDs []string
	// Where keeps the letters it is true of; nil keeps all.
	Where *where.Filter
	// Edited are letters as somebody changed them, each under the id of the
	// original, which is chosen by it.
	Edited []letter.Letter

	// Limit is how many messages to receive at most; zero or less: all. With IDs,
	// Edited or Where it means nothing: all have to be looked at.
	Limit int
	// Why finds out why each chosen letter's job died.
	Why bool
	// Check judges each chosen letter as if it were sent now, with NewJobIDs, To and
	// AnySource as in Replay.
	Check     bool
	NewJobIDs bool
	To        string
	AnySource bool
	// OnState is told what is being waited for; nil means nobody is.
	OnState func(string)
}

// Selection is what Select chose, held until Release: hidden from every other
// reader, so that what was shown is what will be moved.
type Selection struct {
	Worker aws.Worker
	// Depth, Seen and Warnings are those of the look. Complete is whether every
	// message was seen that could have been chosen.
	Depth    aws.Depth
	Seen     int
	Complete bool
	Warnings []string
	// Count is how many letters were chosen, Edits how many of them with a change.
	Count, Edits int
	// Missing are ids that were asked for and not seen, sorted.
	Missing []string
	// Unclear is how many letters Choice.Where could not be evaluated on, so that
	// they were not chosen; UnclearErr is the first reason.
	Unclear    int
	UnclearErr error
	// Notes say what is missing in the answers to why.
	Notes []string
	// Blocked counts the chosen letters that a check would keep from being sent, by
	// what is wrong with them.
	Blocked map[check.Kind]int

	look   *Look
	spool  *letter.Spool
	chosen map[key]bool
	edited map[string]*letter.Letter
	found  why.Found
	asked  bool // why they died
	// searched is whether found was filled, by records at least.
	searched bool
	// released is whether it was let go, or used up.
	released bool
	checker  *check.Checker
	choice   Choice
	shown    []Chosen // instead of all that, of Selected
}

// Chosen is a letter of a selection with what is known of it.
type Chosen struct {
	*letter.Letter
	// Edit is the letter as it would be sent; nil when nobody changed it.
	Edit *letter.Letter
	// Failure is why its job died; nil when not known or not asked for.
	Failure *why.Failure
	// Problems are what a check found, most serious first.
	Problems []check.Problem
}

// Select looks at a worker's dead-letter queue and chooses. Release the selection,
// or give it to Replay or Delete, which do.
//
// The error is Look's, or one of the temporary file for what does not fit into
// memory; nothing is held then. That logs or records cannot be read is one of the
// Notes.
func (e *Engine) Select(ctx context.Context, w aws.Worker, c Choice) (*Selection, error) {
	if c.OnState == nil {
		c.OnState = func(string) {}
	}
	s := &Selection{Worker: w, spool: &letter.Spool{}, chosen: map[key]bool{}, choice: c, edited: map[string]*letter.Letter{}, Blocked: map[check.Kind]int{}}
	wanted, err := c.wanted()
	if err != nil {
		return nil, err
	}
	if len(wanted) > 0 || c.Where != nil {
		c.Limit = 0
	}
	left := len(wanted)
	s.look, err = e.Look(ctx, w, c.Limit, func(batch []letter.Letter) (more bool, err error) {
		for i := range batch {
			if _, ok := wanted[batch[i].ID]; ok {
				left--
			} else if len(wanted) > 0 {
				continue
			}
			if err := s.spool.Add(batch[i]); err != nil {
				return false, err
			}
		}
		c.OnState("looking: " + messages(s.spool.Len()))
		return left > 0 || len(wanted) == 0, nil
	})
	defer c.OnState("")
	s.Depth, s.Seen, s.Complete, s.Warnings = s.look.Depth, s.look.Seen, s.look.Complete, s.look.Warnings
	if err == nil {
		err = e.choose(ctx, s, wanted)
	}
	if err != nil {
		_ = s.Release(ctx) // the error that led here says more
		return s, err
	}
	return s, nil
}

// wanted are the ids that are asked for, with their edits; empty when any id will
// do.
func (c *Choice) wanted() (map[string]*letter.Letter, error) {
	ids := make(map[string]*letter.Letter, len(c.IDs)+len(c.Edited))
	for _, id := range c.IDs {
		ids[id] = nil
	}
	for i := range c.Edited {
		l := &c.Edited[i]
		if l.ID == "" {
			return nil, fmt.Errorf("message %d of the file has no id: only messages that are in the dead-letter queue can be replayed; dlq import takes new ones", i+1)
		}
		if ids[l.ID] != nil {
			return nil, fmt.Errorf("message %s is twice in the file", l.ID)
		}
		ids[l.ID] = l
	}
	return ids, nil
}

// choose fills a selection from what was looked at.
func (e *Engine) choose(ctx context.Context, s *Selection, wanted map[string]*letter.Letter) error {
	c := &s.choice
	if c.Check {
		if err := e.checkerFor(ctx, s); err != nil {
			return err
		}
	}
	s.asked = c.Why || c.Where != nil && c.Where.NeedsFailure()
	if byLogs := s.asked || c.Check && asksStatus(&s.Worker); byLogs || c.Check && e.cfg.Records != nil {
		c.OnState("reading why they died")
		if err := e.findWhy(ctx, s, byLogs); err != nil {
			return err
		}
	}
	byID := len(wanted) > 0
	now := time.Now()
	for l, err := range s.spool.All() {
		if err != nil {
			return err
		}
		if byID {
			edit, ok := wanted[l.ID]
			if !ok {
				continue
			}
			delete(wanted, l.ID)
			if edit != nil && !sameLetter(l, edit) {
				s.edited[l.ID] = edited(l, edit)
				s.Edits++
			}
		}
		if c.Where != nil {
			facts := where.Facts{Now: now}
			if f := s.failure(l); f != nil {
				facts.Error, facts.Group = f.Text(), f.Signature()
			}
			keep, err := c.Where.Match(l, facts)
			if err != nil {
				s.Unclear++
				s.UnclearErr = cmp.Or(s.UnclearErr, err)
			}
			if !keep {
				continue
			}
		}
		s.chosen[keyOf(l.ID)] = true
		s.Count++
		if p := s.problems(l); len(p) > 0 && p[0].Blocks {
			s.Blocked[p[0].Kind]++
		}
	}
	s.Complete = s.Complete || byID && len(wanted) == 0
	s.Missing = slices.Sorted(maps.Keys(wanted))
	return s.letGo(ctx)
}

// letGo makes visible again what was looked at and not chosen.
func (s *Selection) letGo(ctx context.Context) error {
	var others []string
	for _, id := range s.look.lease.ids() {
		if !s.chosen[keyOf(id)] {
			others = append(others, id)
		}
	}
	if err := s.look.lease.change(ctx, others, 0); err != nil && ctx.Err() != nil {
		return ctx.Err()
	}
	return nil // what could not be let go is released with the rest
}

// asksStatus is whether what is recorded of a worker's jobs decides about a replay:
// it does, where the TypeScript runtime may be at work.
func asksStatus(w *aws.Worker) bool {
	return w.Function != nil && !strings.HasPrefix(w.Function.Runtime, "provided")
}

func (e *Engine) checkerFor(ctx context.Context, s *Selection) error {
	to := s.choice.To
	if to == "" && s.Worker.Queue != nil {
		to = s.Worker.Queue.URL
	}
	opts := check.Options{ToOther: s.Worker.Queue == nil || to != s.Worker.Queue.URL}
	if to != "" {
		st, err := e.state(ctx, &aws.Queue{Name: queueName(to), URL: to})
		if err != nil {
			return fmt.Errorf("the queue to send to: %w", err)
		}
		opts.DestinationMaxBytes = st.maxBytes
	}
	s.checker = check.New(s.Worker, opts)
	return nil
}

// findWhy joins the letters to their jobs' failures, by logs and records or by
// records alone.
func (e *Engine) findWhy(ctx context.Context, s *Selection, byLogs bool) error {
	var jobs []why.Job
	for l, err := range s.spool.All() {
		if err != nil {
			return err
		}
		if id := l.JobID(); id != "" {
			jobs = append(jobs, why.Job{ID: id, From: l.SentAt})
		}
	}
	found, err := e.why(ctx, &s.Worker, jobs, byLogs)
	s.found, s.Notes, s.searched = found, found.Notes, true
	return err
}

// WorkerProblems are what is wrong with the worker as a whole, when Choice.Check
// was set.
func (s *Selection) WorkerProblems() []check.Problem {
	if s.checker == nil {
		return nil
	}
	return s.checker.Worker()
}

// problems judges a letter as it would be sent.
func (s *Selection) problems(l *letter.Letter) []check.Problem {
	if s.checker == nil {
		return nil
	}
	if e := s.edited[l.ID]; e != nil {
		l = e
	}
	if s.choice.To == "" && isForeign(l, s.Worker.Queue) {
		if !s.choice.AnySource {
			return []check.Problem{{Kind: KindOtherQueue, Blocks: true, Text: otherQueue(l)}}
		}
		return nil // it is another worker's to judge
	}
	return s.checker.Letter(l, check.Facts{Status: s.found.Status[l.JobID()], NewJobID: s.choice.NewJobIDs})
}

// attrError is the message attribute in which this project's runtime says why a job
// is a dead letter, when it was the runtime that made it one.
const attrError = "AIWorkerError"

// failure is why a letter's job died: by its log or record, else by what the
// message itself says.
func (s *Selection) failure(l *letter.Letter) *why.Failure {
	if f, ok := s.found.Failures[l.JobID()]; ok {
		return &f
	}
	if said := str(l.Attributes[attrError].StringValue); said != "" && s.asked {
		return &why.Failure{JobID: l.JobID(), Kind: why.KindError, Message: logs.Sanitize(said, false), At: l.SentAt, Via: ViaMessage}
	}
	return nil
}

// ViaMessage is the why.Failure.Via of a reason that the message itself carries.
const ViaMessage = "message"

// Letters are the chosen letters. Each is the caller's only until the next.
func (s *Selection) Letters() iter.Seq2[Chosen, error] {
	return func(yield func(Chosen, error) bool) {
		for _, c := range s.shown {
			if !yield(c, nil) {
				return
			}
		}
		if s.look == nil {
			return
		}
		for l, err := range s.chosenLetters() {
			if err != nil {
				yield(Chosen{}, err)
				return
			}
			if !yield(Chosen{Letter: l, Edit: s.edited[l.ID], Failure: s.failure(l), Problems: s.problems(l)}, nil) {
				return
			}
		}
	}
}

func (s *Selection) chosenLetters() iter.Seq2[*letter.Letter, error] {
	return func(yield func(*letter.Letter, error) bool) {
		for l, err := range s.spool.All() {
			if err == nil && !s.chosen[keyOf(l.ID)] {
				continue
			}
			if !yield(l, err) {
				return
			}
		}
	}
}

// Groups are the chosen letters by why they died, the largest group first.
func (s *Selection) Groups() ([]why.Group, error) {
	var g why.Grouper
	for c, err := range s.Letters() {
		if err != nil {
			return nil, err
		}
		signature, at := why.Unknown, c.SentAt
		if c.Failure != nil {
			signature, at = c.Failure.Signature(), c.Failure.At
		}
		g.Add(signature, at, c.JobID(), c.Failure)
	}
	return g.Groups(), nil
}

// Held is how many messages are hidden for this selection.
func (s *Selection) Held() int {
	if s.look == nil {
		return 0
	}
	return s.look.Held()
}

// Lease is how long they stay hidden should this process die.
func (s *Selection) Lease() time.Duration {
	if s.look == nil {
		return lookLease
	}
	return s.look.Lease()
}

// Release makes every message visible again that is still held, also when ctx has
// ended, and forgets the letters. A second call does nothing.
func (s *Selection) Release(ctx context.Context) error {
	s.released = true
	if s.look == nil {
		return nil
	}
	err := s.look.Release(ctx)
	return errors.Join(err, s.spool.Close())
}

// ids are the ids of what was chosen.
func (s *Selection) ids() []string {
	ids := make([]string, 0, s.Count)
	for l, err := range s.chosenLetters() {
		if err != nil {
			break
		}
		ids = append(ids, l.ID)
	}
	return ids
}

// edited is a letter as it would be sent with somebody's changes: body and
// attributes are theirs, the rest is SQS's.
func edited(original, edit *letter.Letter) *letter.Letter {
	out := *original
	out.Attributes = edit.Attributes
	body := edit.Body
	if sameJSON(original.Body, body) {
		body = original.Body
	}
	out.SetBody(body)
	return &out
}

// sameLetter is whether an edit changes nothing.
func sameLetter(l, edit *letter.Letter) bool {
	return sameJSON(l.Body, edit.Body) && bytes.Equal(attributesText(l), attributesText(edit))
}

func attributesText(l *letter.Letter) []byte {
	only := letter.Letter{Attributes: l.Attributes}
	return only.AppendLine(nil)
}

// sameJSON is whether two bodies say the same, however they are spelled: an edit
// that only moved spaces is none.
func sameJSON(a, b string) bool {
	if a == b {
		return true
	}
	ta, okA := spelled(a)
	tb, okB := spelled(b)
	return okA && okB && bytes.Equal(ta, tb)
}

// spelled is a JSON text in one spelling: keys sorted, numbers as they are written.
func spelled(text string) ([]byte, bool) {
	// Halves of surrogate pairs would all be read as one character.
	if !json.Valid([]byte(text)) || strings.Contains(text, `\ud`) || strings.Contains(text, `\uD`) {
		return nil, false
	}
	d := json.NewDecoder(strings.NewReader(text))
	d.UseNumber()
	var v any
	if d.Decode(&v) != nil {
		return nil, false
	}
	out, err := json.Marshal(v)
	return out, err == nil
}
