package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"time"

	"github.com/microfox-ai/aiwctl/aws/logs"
)

// foldedMost is how many invocations under way `logs -f --invocations` keeps.
const foldedMost = 10_000

// readLogs reads lines to their end, or follows them.
type readLogs func(ctx context.Context, q logs.Query, fn func([]logs.Line) error) error

// foldable refuses the flags that choose among lines: an invocation is made of them
// all.
func (f *logsFlags) foldable(format format) error {
	for name, given := range map[string]bool{
		"--level": f.level != "", "--grep": f.grep != "", "--field": len(f.fields) > 0, "--tail": f.last > 0, "--save": f.save != "",
		"-o raw": format == formatRaw,
	} {
		if given {
			return usagef("--invocations and %s exclude each other: invocations are made of all their lines; --job and --request choose", name)
		}
	}
	return nil
}

// invocations prints one row for each invocation: all of them at the end, or with -f
// each when it is over.
func (a *App) invocations(ctx context.Context, f logsFlags, q logs.Query, out *logPrinter, read readLogs) error {
	if f.follow {
		return a.followInvocations(ctx, f, q, out, read)
	}
	folder := logs.NewFolder(1 << 20)
	if err := read(ctx, q, func(lines []logs.Line) error {
		for i := range lines {
			folder.Add(&lines[i])
		}
		return nil
	}); err != nil {
		return err
	}
	present := a.Now()
	if !q.Until.IsZero() {
		present = time.Time{}
	}
	rows := f.chosen(folder.Invocations(present))
	if len(rows) == 0 {
		return nothingf("no invocation since %s; --since looks further back", q.Since.Local().Format(time.DateTime))
	}
	return a.print(rows, func(t *tableWriter) {
		head := []string{"WHEN", "WORKER", "OUTCOME", "TOOK", "BILLED", "MEMORY", "INIT", "REQUEST", "JOBS"}
		if len(out.names) == 0 {
			head = append(head[:1], head[2:]...)
		}
		t.row(head...)
		for i := range rows {
			t.row(out.cells(&rows[i])...)
		}
	})
}

// chosen are those with the request that --request names, or all.
func (f *logsFlags) chosen(all []logs.Invocation) []logs.Invocation {
	if f.requestID == "" {
		return all
	}
	var out []logs.Invocation
	for i := range all {
		if all[i].RequestID == f.requestID {
			out = append(out, all[i])
		}
	}
	return out
}

func (a *App) followInvocations(ctx context.Context, f logsFlags, q logs.Query, out *logPrinter, read readLogs) error {
	var mu sync.Mutex // of the folder and the output
	folder := logs.NewFolder(foldedMost)
	emit := func(rows []logs.Invocation) error { return out.invocations(f.chosen(rows)) }
	// What is over is told without waiting for another line.
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var ticking sync.WaitGroup
	defer ticking.Wait()
	stop := make(chan struct{})
	defer close(stop)
	ticking.Go(func() {
		tick := time.NewTicker(time.Second)
		defer tick.Stop()
		for {
			select {
			case <-stop:
				return
			case <-tick.C:
			}
			mu.Lock()
			err := emit(folder.Settled(a.Now()))
			mu.Unlock()
			if err != nil {
				cancel(err)
				return
			}
		}
	})
	err := read(ctx, q, func(lines []logs.Line) error {
		mu.Lock()
		defer mu.Unlock()
		for i := range lines {
			folder.Add(&lines[i])
		}
		return emit(folder.Settled(a.Now()))
	})
	if cause := context.Cause(ctx); cause != nil && !errors.Is(cause, context.Canceled) {
		return cause
	}
	mu.Lock()
	defer mu.Unlock()
	return errors.Join(err, emit(folder.Invocations(a.Now())))
}

// invocations writes rows as they come.
func (p *logPrinter) invocations(rows []logs.Invocation) error {
	if len(rows) == 0 {
		return nil
	}
	var b strings.Builder
	for i := range rows {
		switch p.format {
		case formatTable:
			cells := p.cells(&rows[i])
			widths := []int{12, 13, 9, 9, 10, 9, 36}
			if len(p.names) > 0 {
				widths = append([]int{12, 0}, widths[1:]...)
			}
			for j, c := range cells {
				if j < len(widths) && widths[j] > 0 {
					c = fmt.Sprintf("%-*s", widths[j], c)
				}
				b.WriteString(oneLine(c, 0) + " ")
			}
			b.WriteByte('\n')
		case formatYAML:
			b.WriteString("---\n")
			if err := writeYAML(&b, rows[i]); err != nil {
				return err
			}
		default:
			if err := writeJSON(&b, rows[i], ""); err != nil {
				return err
			}
		}
	}
	_, err := io.WriteString(p.app.Out, b.String())
	return err
}

// cells are an invocation in a few words each.
func (p *logPrinter) cells(i *logs.Invocation) []string {
	stamp := "15:04:05.000"
	if p.dated {
		stamp = "2006-01-02 " + stamp
	}
	cells := []string{i.Start.Local().Format(stamp)}
	if name, ok := p.names[i.Group]; ok {
		cells = append(cells, name)
	}
	took, billed, memory, start := "", "", "", ""
	if d := i.Duration(); d > 0 {
		took = inBrief(d)
	}
	if r := i.Report; r != nil {
		billed, memory = inBrief(r.Billed), fmt.Sprintf("%d/%d MB", r.MaxMemoryMB, r.MemoryMB)
		if r.Init > 0 {
			start = inBrief(r.Init)
		}
		if r.Restore > 0 {
			start = inBrief(r.Restore)
		}
	}
	jobs := make([]string, len(i.Jobs))
	for j, job := range i.Jobs {
		jobs[j] = job.JobID + " " + job.Outcome
	}
	return append(cells, i.Outcome, took, billed, memory, start, i.RequestID, strings.Join(jobs, ", "))
}

// inBrief is a duration with three digits or so.
func inBrief(d time.Duration) string {
	switch {
	case d >= 100*time.Second:
		return d.Round(time.Second).String()
	case d >= time.Second:
		return d.Round(10 * time.Millisecond).String()
	}
	return d.Round(10 * time.Microsecond).String()
}
