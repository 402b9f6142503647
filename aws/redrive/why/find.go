package why

import (
	"cmp"
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/microfox-ai/aiwctl/aws"
	"github.com/microfox-ai/aiwctl/aws/logs"
)

// DefaultLimit is how long Find reads, unless WithLimit says otherwise.
const DefaultLimit = 30 * time.Second

// LogReader reads log lines, as *logs.Reader does.
type LogReader interface {
	Read(ctx context.Context, q logs.Query, fn func([]logs.Line) error) error
}

// Finder finds out why jobs failed. It is safe for concurrent use if its
// LogReader and Records are.
type Finder struct {
	reader  LogReader
	records Records
	limit   time.Duration
}

// Option changes a Finder.
type Option func(*Finder)

// WithRecords has the jobs' records looked up too. Nil: they are not, as without
// this option.
func WithRecords(r Records) Option {
	return func(f *Finder) { f.records = r }
}

// WithLimit sets how long one Find reads logs, and looks up records, at most.
// Zero or less means DefaultLimit.
func WithLimit(d time.Duration) Option {
	return func(f *Finder) {
		if d > 0 {
			f.limit = d
		}
	}
}

// New returns a Finder. With a nil reader no logs are read.
func New(reader LogReader, opts ...Option) *Finder {
	f := &Finder{reader: reader, limit: DefaultLimit}
	for _, o := range opts {
		o(f)
	}
	return f
}

// Find looks for the latest failure of each job in the log groups of sources
// and, at the same time, in the job records. It takes no longer than the
// Finder's limit.
//
// A few jobs are searched for one by one. For more, each log group is read once,
// from the earliest job's From to the latest one's To, and CloudWatch leaves out
// the lines that tell nothing of an end: FilterLogEvents is limited to a few
// calls a second for a whole account.
//
// What cannot be read is no error but a note, and what was found stands. The
// error is ctx's, and even with it Found holds what was found until then.
func (f *Finder) Find(ctx context.Context, sources []logs.Source, jobs []Job) (Found, error) {
	c := newCollector(jobs, time.Now())
	var logNotes, recordNotes []string
	var records map[string]Record
	var wg sync.WaitGroup
	if f.records != nil {
		wg.Go(func() { records, recordNotes = f.lookUp(ctx, c.ids) })
	}
	if f.reader != nil && len(c.ids) > 0 {
		logNotes = f.readLogs(ctx, sources, c)
	}
	wg.Wait()
	found := c.found()
	for id, r := range records {
		found.add(id, r)
	}
	if c.nameless > 0 {
		found.Notes = append(found.Notes, fmt.Sprintf("no reason can be looked for where there is no job id: %s", count(c.nameless, "dead letter")))
	}
	found.Notes = append(found.Notes, logNotes...)
	found.Notes = append(found.Notes, recordNotes...)
	return found, ctx.Err()
}

// add takes in a job's record, which knows better than the log what the error
// was, and when it has one, as little as the log which delivery it was of.
func (found *Found) add(id string, r Record) {
	switch r.Status {
	case StatusCompleted, StatusFailed:
		found.Status[id] = r.Status
	case "":
	default: // it has been put back
		delete(found.Status, id)
	}
	if r.Error == nil || r.Error.Message == "" && r.Error.Name == "" {
		return
	}
	was := found.Failures[id]
	f := Failure{
		JobID: cmp.Or(was.JobID, oneLine(id)), Kind: kindOf(r.Error.Name),
		Name: cut(oneLine(r.Error.Name), MaxName), Message: cut(logs.Sanitize(r.Error.Message, true), MaxMessage),
		Stack: cut(logs.Sanitize(r.Error.Stack, true), MaxStack), RequestID: was.RequestID, Attempt: was.Attempt,
		At: r.At, Via: ViaRecord,
	}
	if f.At.IsZero() {
		f.At = was.At
	}
	found.Failures[id] = f
}

// kindOf sorts an error by its name: "Timeout" is the Go runtime's for an
// attempt whose time was up.
func kindOf(name string) Kind {
	if name == "Timeout" {
		return KindTimeout
	}
	return KindError
}

// cut shortens to at most most bytes, a last "…" included.
func cut(s string, most int) string {
	if len(s) <= most {
		return s
	}
	end := most - len("…")
	for end > 0 && s[end]&0xc0 == 0x80 { // within a character
		end--
	}
	return s[:end] + "…"
}

// reason is an error in a note, with what to do about it.
func reason(err error) string {
	text := cut(oneLine(err.Error()), 500)
	if _, hint := aws.Classify(err); hint != "" {
		text += " (" + oneLine(hint) + ")"
	}
	return text
}

func count(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}
