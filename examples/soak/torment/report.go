package torment

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/microfox-ai/aiwctl/runtime/jobstore"
)

// Report is what became of the jobs of a run.
type Report struct {
	// Jobs is how many were dispatched; Took, from the first to the end of the last.
	Jobs int
	Took time.Duration
	// Completed is how many the store has as completed; Dead, how many are dead
	// letters and not completed.
	Completed, Dead int
	// Both is how many are completed and have a dead letter too: the worker died
	// between recording the completion and the end of the last delivery. A replay
	// of such a message does nothing.
	Both int
	// Lost is how many are neither completed nor dead letters.
	Lost []string
	// Twice is how many completions the store took more than once for one job.
	Twice []string
	// WrongEnd is how many jobs ended otherwise than they behave: completed although
	// they always fail.
	WrongEnd []string
	// Runs is how often the handler ran, over all jobs.
	Runs int
	// Callbacks is how many success webhooks arrived; Unheard lists the completed
	// jobs whose callback neither arrived nor waits in the dead-letter queue.
	Callbacks int
	Unheard   []string
	// Refused is how many callbacks came while the receiver was down.
	Refused int
}

func (r *run) report(ctx context.Context) (*Report, error) {
	rep := &Report{Jobs: len(r.jobs), Took: time.Since(r.began) - quietFor}
	dead, err := r.deadLetters(ctx)
	if err != nil {
		return nil, err
	}
	completions, err := countLines(filepath.Join(r.dir, fileCompleted))
	if err != nil {
		return nil, err
	}
	runs, err := countLines(filepath.Join(r.dir, fileRuns))
	if err != nil {
		return nil, err
	}
	for _, n := range runs {
		rep.Runs += n
	}
	r.receiver.mu.Lock()
	defer r.receiver.mu.Unlock()
	rep.Refused = r.receiver.refused
	for _, n := range r.receiver.success {
		rep.Callbacks += n
	}
	for _, j := range r.jobs {
		record, err := r.store.Get(ctx, j.id)
		if err != nil && !errors.Is(err, jobstore.ErrNotFound) {
			return nil, err
		}
		completed := err == nil && record.Status == jobstore.Completed
		letters := len(dead[j.id]) > 0
		switch {
		case completed:
			rep.Completed++
			if letters {
				rep.Both++
			}
			if r.receiver.success[j.id] == 0 && !letters {
				rep.Unheard = append(rep.Unheard, j.id)
			}
			if j.input.Behaviour == failsAlways || j.input.Behaviour == permanent {
				rep.WrongEnd = append(rep.WrongEnd, j.id)
			}
		case letters:
			rep.Dead++
		default:
			rep.Lost = append(rep.Lost, j.id)
		}
		if completions[j.id] > 1 {
			rep.Twice = append(rep.Twice, j.id)
		}
	}
	return rep, nil
}

func countLines(path string) (map[string]int, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("read what the workers noted: %w", err)
	}
	defer func() { _ = f.Close() }()
	count := map[string]int{}
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		count[lines.Text()]++
	}
	return count, lines.Err()
}

// Broken lists the promises that were broken; none is what is wanted.
func (r *Report) Broken() (broken []string) {
	for _, p := range []struct {
		what string
		jobs []string
	}{
		{"lost: neither completed nor a dead letter", r.Lost},
		{"completed twice", r.Twice},
		{"completed although it always fails", r.WrongEnd},
		{"completed, and its callback never came", r.Unheard},
	} {
		if n := len(p.jobs); n > 0 {
			broken = append(broken, fmt.Sprintf("%d jobs %s: %s", n, p.what, strings.Join(p.jobs[:min(n, 5)], ", ")))
		}
	}
	return broken
}

// String is the report in words.
func (r *Report) String() string {
	var b strings.Builder
	row := func(what string, figure any) { fmt.Fprintf(&b, "%-34s %v\n", what, figure) }
	row("jobs", r.Jobs)
	row("time", r.Took.Round(100*time.Millisecond))
	row("completed", r.Completed)
	row("dead letters", r.Dead)
	row("completed, and a dead letter too", r.Both)
	row("lost", len(r.Lost))
	row("completed twice", len(r.Twice))
	row("handler runs", r.Runs)
	row("callbacks of completed jobs", r.Callbacks)
	row("completed without a callback", len(r.Unheard))
	row("callbacks refused in the outage", r.Refused)
	return b.String()
}
