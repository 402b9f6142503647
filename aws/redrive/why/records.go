package why

import (
	"context"
	"fmt"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/microfox-ai/aiwctl/aws"
)

const (
	// lookUpLimit is how many records are looked up at once.
	lookUpLimit = 8
	// lookUpTimeout bounds one look-up.
	lookUpTimeout = 10 * time.Second
	// lookUpFailures is how many look-ups may fail for a reason that does not say
	// whether the next will too.
	lookUpFailures = 20
)

// lookUps are the records found so far, and what went wrong.
type lookUps struct {
	mu      sync.Mutex
	records map[string]Record
	done    int
	failed  int
	err     error // the first
	stopped bool  // err would come again
}

// lookUp looks up the jobs' records.
func (f *Finder) lookUp(ctx context.Context, ids []string) (map[string]Record, []string) {
	limited, cancel := context.WithTimeout(ctx, f.limit)
	defer cancel()
	l := &lookUps{records: map[string]Record{}}
	var g errgroup.Group
	g.SetLimit(lookUpLimit)
	for _, id := range ids {
		if limited.Err() != nil {
			break
		}
		g.Go(func() error {
			if limited.Err() != nil {
				return nil
			}
			once, done := context.WithTimeout(limited, lookUpTimeout)
			defer done()
			r, found, err := f.records(once, id)
			if err != nil && limited.Err() != nil {
				return nil // cut short
			}
			if l.take(id, r, found, err) {
				cancel()
			}
			return nil
		})
	}
	_ = g.Wait() // the functions return none
	if ctx.Err() != nil {
		return l.records, nil // Find's error says it
	}
	return l.records, l.notes(len(ids), f.limit)
}

// take keeps the result of one look-up, and reports whether to stop.
func (l *lookUps) take(id string, r Record, found bool, err error) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if err == nil {
		l.done++
		if found {
			l.records[id] = r
		}
		return false
	}
	l.failed++
	if l.err == nil {
		l.err = err
	}
	switch kind, _ := aws.Classify(err); kind {
	case aws.KindAuth, aws.KindDenied, aws.KindNetwork:
		l.err, l.stopped = err, true
	default:
		l.stopped = l.stopped || l.failed >= lookUpFailures
	}
	return l.stopped
}

func (l *lookUps) notes(of int, limit time.Duration) []string {
	var notes []string
	switch {
	case l.stopped && l.done == 0:
		notes = append(notes, "the job records could not be read: "+reason(l.err))
	case l.stopped:
		notes = append(notes, fmt.Sprintf("the job records could not be read any further after %d of %d: %s", l.done, of, reason(l.err)))
	case l.err != nil:
		notes = append(notes, fmt.Sprintf("%d of %s could not be read: %s", l.failed, count(of, "job record"), reason(l.err)))
	}
	if left := of - l.done - l.failed; left > 0 && !l.stopped {
		notes = append(notes, fmt.Sprintf("%d of %s were not looked up: the search was ended after %v", left, count(of, "job record"), limit))
	}
	return notes
}
