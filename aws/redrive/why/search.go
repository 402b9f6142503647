package why

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/microfox-ai/aiwctl/aws"
	"github.com/microfox-ai/aiwctl/aws/logs"
)

const (
	// fewJobs is how many jobs are searched for one by one, and fewSearches how many
	// searches that may make: each costs a call and one more for each log stream the
	// job ran in, at four calls a second.
	fewJobs     = 8
	fewSearches = 32
	// searchLimit is how many searches are under way at once; the reader's pace
	// limits further.
	searchLimit = 4
	// skew is how far the clocks of SQS and of the functions may be apart.
	skew = time.Minute
)

// telling are what the lines have in common that tell of an end, or which
// request runs which job. CloudWatch finds a term within words too.
var telling = [...]string{
	"[AIWORKER_RUN]",
	"job.failed", "job.retrying", "job.completed", "job.deferred", "job.skipped",
	"Task timed out after", "Runtime exited", "Status: timeout", "Status: error", "platform.report",
	"Error processing SQS record", "Job status updated to", "Skipping already terminal job",
	"Invoke Error", "Uncaught Exception", "Unhandled Promise Rejection", "stackTrace",
	"panic: ", "fatal error: ", "FATAL ERROR: ",
}

// pattern is the filter pattern for which any of the telling terms is enough.
func pattern() string {
	var b strings.Builder
	for _, term := range telling {
		if b.Len() > 0 {
			b.WriteByte(' ')
		}
		b.WriteString(`?"` + term + `"`)
	}
	return b.String()
}

// search is one log group read for one job, or for all of them.
type search struct {
	source logs.Source
	job    *jobState // nil: all
}

// searches are all of one Find, and how they went.
type searches struct {
	mu sync.Mutex
	// broken is why a log group cannot be read, by group; the rest of its searches
	// are left out.
	broken map[string]error
	cut    map[string]bool // groups that were not read to the end
}

// readLogs feeds the collector and says what is missing.
func (f *Finder) readLogs(ctx context.Context, sources []logs.Source, c *collector) []string {
	groups := distinct(sources)
	if len(groups) == 0 {
		return []string{"no logs were searched: no log group is known"}
	}
	limited, cancel := context.WithTimeout(ctx, f.limit)
	defer cancel()
	s := &searches{broken: map[string]error{}, cut: map[string]bool{}}
	var g errgroup.Group
	g.SetLimit(searchLimit)
	for _, one := range plan(groups, c) {
		g.Go(func() error {
			f.search(limited, one, c, s)
			return nil
		})
	}
	_ = g.Wait() // the functions return none
	if ctx.Err() != nil {
		return nil // Find's error says it
	}
	return append(s.notes(f.limit, len(groups)), c.notes(len(s.broken) < len(groups), len(s.cut) > 0)...)
}

func distinct(sources []logs.Source) []logs.Source {
	var out []logs.Source
	for _, s := range sources {
		if s.Group != "" && !slices.ContainsFunc(out, func(o logs.Source) bool { return o.Group == s.Group }) {
			out = append(out, s)
		}
	}
	return out
}

// plan decides between a search for each job and one for all.
func plan(groups []logs.Source, c *collector) []search {
	var out []search
	one := len(c.jobs) == 1 || len(c.jobs) <= fewJobs && len(c.jobs)*len(groups) <= fewSearches
	for _, j := range c.jobs {
		one = one && logs.Searchable(j.ids[0])
	}
	if !one {
		for _, g := range groups {
			out = append(out, search{source: g})
		}
		return out
	}
	for _, id := range c.ids {
		if j := c.jobs[oneLine(id)]; j.ids[0] == id {
			for _, g := range groups {
				out = append(out, search{source: g, job: j})
			}
		}
	}
	return out
}

func (f *Finder) search(ctx context.Context, one search, c *collector, s *searches) {
	group := one.source.Group
	if ctx.Err() != nil {
		s.ended(group)
		return
	}
	if s.unreadable(group) {
		return
	}
	q := logs.Query{Sources: []logs.Source{one.source}, Since: c.from, Until: c.to}
	if one.job != nil {
		q.JobID, q.Since, q.Until = one.job.ids[0], one.job.from, one.job.to
	} else {
		q.Pattern = pattern()
	}
	err := f.reader.Read(ctx, q, func(lines []logs.Line) error {
		c.observe(lines)
		return ctx.Err()
	})
	switch {
	case err == nil:
	case ctx.Err() != nil:
		s.ended(group)
	default:
		s.failed(group, err)
	}
}

func (s *searches) ended(group string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.cut[group] = true
}

func (s *searches) failed(group string, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.broken[group] == nil {
		s.broken[group] = err
	}
}

func (s *searches) unreadable(group string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.broken[group] != nil
}

// notes say which log groups could not be read: those that fail alike, together.
func (s *searches) notes(limit time.Duration, of int) []string {
	var notes []string
	alike := map[string][]string{}
	for group, err := range s.broken {
		kind, hint := aws.Classify(err)
		key := string(kind) + "\x00" + hint
		alike[key] = append(alike[key], group)
	}
	for _, groups := range alike {
		slices.Sort(groups)
		why := reason(s.broken[groups[0]])
		if len(groups) == 1 && of == 1 {
			notes = append(notes, "the logs could not be read: "+why)
		} else {
			notes = append(notes, fmt.Sprintf("the logs could not be read of %d of %s: %s", len(groups), count(of, "log group"), why))
		}
	}
	slices.Sort(notes)
	if n := len(s.cut); n > 0 {
		notes = append(notes, fmt.Sprintf("the search of the logs was ended after %v: %d of %s not read to the end", limit, n, count(of, "log group")))
	}
	return notes
}
