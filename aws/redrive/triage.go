package redrive

import (
	"context"
	"errors"
	"time"

	"github.com/microfox-ai/aiwctl/aws"
	"github.com/microfox-ai/aiwctl/aws/logs"
	"github.com/microfox-ai/aiwctl/aws/redrive/check"
	"github.com/microfox-ai/aiwctl/aws/redrive/why"
)

// Why joins jobs of a worker to their failures, by logs and job records, as
// Choice.Why does, and touches no queue. What could not be read is one of the Notes;
// with ctx's error Found still has what was found until then.
func (e *Engine) Why(ctx context.Context, w aws.Worker, jobs []why.Job) (why.Found, error) {
	return e.why(ctx, &w, jobs, true)
}

func (e *Engine) why(ctx context.Context, w *aws.Worker, jobs []why.Job, byLogs bool) (why.Found, error) {
	var reader why.LogReader
	if e.logs != nil && byLogs {
		reader = e.logs
	}
	var opts []why.Option
	if e.cfg.Records != nil {
		opts = append(opts, why.WithRecords(e.cfg.Records))
	}
	return why.New(reader, opts...).Find(ctx, logs.Sources(*w), jobs)
}

// attemptLines is how many of an attempt's lines are kept: the last ones.
const attemptLines = 500

// Attempt reads the last log lines of one attempt of a job: of one invocation, where
// requestID is known, else of the job. About bounds the search: the attempt ended
// then, where requestID is known, else the job was sent then; zero means not known,
// and the logs are read from their oldest line.
func (e *Engine) Attempt(ctx context.Context, w aws.Worker, jobID, requestID string, about time.Time) ([]logs.Line, error) {
	if e.logs == nil {
		return nil, errors.New("there is no log to read")
	}
	q := logs.Query{Sources: logs.Sources(w), JobID: jobID, Last: attemptLines}
	if !about.IsZero() {
		q.Since = about.Add(-time.Minute) // clocks differ
	}
	if requestID != "" {
		q.JobID, q.RequestID = "", requestID
		if !about.IsZero() {
			// The longest a function may run, 15 minutes:
			// https://docs.aws.amazon.com/lambda/latest/dg/configuration-timeout.html
			q.Since, q.Until = about.Add(-16*time.Minute), about.Add(time.Minute)
		}
	}
	var lines []logs.Line
	err := e.logs.Read(ctx, q, func(batch []logs.Line) error {
		lines = append(lines, batch...)
		return nil
	})
	return lines, err
}

// Recheck judges a selection again, as it would be sent with other NewJobIDs, To and
// AnySource, the only ones of a Choice that count. Nothing is received anew. It must
// not be called while the selection's letters are read.
func (e *Engine) Recheck(ctx context.Context, s *Selection, c Choice) error {
	s.choice.NewJobIDs, s.choice.To, s.choice.AnySource, s.choice.Check = c.NewJobIDs, c.To, c.AnySource, true
	s.Blocked = map[check.Kind]int{}
	if s.look == nil {
		return nil // of Selected: it says what it was given
	}
	if err := e.checkerFor(ctx, s); err != nil {
		return err
	}
	for l, err := range s.chosenLetters() {
		if err != nil {
			return err
		}
		if p := s.problems(l); len(p) > 0 && p[0].Blocks {
			s.Blocked[p[0].Kind]++
		}
	}
	return nil
}

// Protected is whether a write that touches queues, by name or URL, wants a stage's
// name; see aws.Guard.ProtectedFor.
func (e *Engine) Protected(queues ...string) aws.Protected {
	if e.protected == nil {
		return aws.Protected{}
	}
	return e.protected(queues...)
}

// Selected is a selection of letters that nobody holds: for tests of what shows
// selections. No engine moves it.
func Selected(w aws.Worker, chosen ...Chosen) *Selection {
	s := &Selection{Worker: w, Seen: len(chosen), Count: len(chosen), Complete: true, shown: chosen, Blocked: map[check.Kind]int{}}
	for i := range chosen {
		if chosen[i].Edit != nil {
			s.Edits++
		}
		if p := chosen[i].Problems; len(p) > 0 && p[0].Blocks {
			s.Blocked[p[0].Kind]++
		}
	}
	return s
}
