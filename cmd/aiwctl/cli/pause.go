package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/microfox-ai/aiwctl/aws"
)

type pauseFlags struct {
	resume      bool
	wait        bool
	timeout     time.Duration
	yes, dryRun bool
}

// pausedRow is what became of a worker; the field names are part of the interface.
type pausedRow struct {
	aws.PauseResult
	// Status is "paused", "resumed", "already paused", "already enabled", "would be
	// ...", "still disabling", "failed" or "not tried".
	Status string `json:"status"`
	Error  string `json:"error,omitempty"`
}

func (a *App) newPause(resume bool) *cobra.Command {
	f := pauseFlags{resume: resume}
	cmd := &cobra.Command{
		Use:   "pause WORKER...",
		Short: "Stop delivering jobs to workers, by disabling their event source mappings",
		Long: "Stop delivering jobs to workers, by disabling the event source mappings that read their queues. Jobs under way go on; new " +
			"ones wait in the queue until `aiwctl workers resume`, or until the queue's retention is over.\n\n" +
			"AWS takes some seconds to half a minute: --wait returns when it is done.",
		Example:           "aiwctl workers pause checkout --wait\naiwctl workers pause checkout invoices --dry-run",
		Args:              takes(1, -1, "the worker"),
		ValidArgsFunction: a.completeWorkers,
		RunE:              a.run(func(ctx context.Context, args []string) error { return a.workersPause(ctx, f, args) }),
	}
	if resume {
		cmd.Use, cmd.Short = "resume WORKER...", "Deliver jobs to paused workers again"
		cmd.Long = "Deliver jobs to workers again, by enabling the event source mappings that read their queues.\n\n" +
			"AWS takes some seconds to half a minute: --wait returns when it is done."
		cmd.Example = "aiwctl workers resume checkout --wait"
	}
	fl := cmd.Flags()
	fl.BoolVar(&f.wait, "wait", false, "return when AWS has done it")
	fl.DurationVar(&f.timeout, "timeout", 5*time.Minute, "how long --wait waits; 0 for as long as it takes")
	fl.BoolVar(&f.yes, "yes", false, "do not ask")
	fl.BoolVar(&f.dryRun, "dry-run", false, "say what would be changed, and change nothing")
	return cmd
}

// verb and done are what is done to a worker, and what it then is.
func (f *pauseFlags) verb() string {
	if f.resume {
		return "resume"
	}
	return "pause"
}

func (f *pauseFlags) done() string { return strings.TrimSuffix(f.verb(), "e") + "ed" }

func (f *pauseFlags) already() string {
	if f.resume {
		return "already enabled"
	}
	return "already paused"
}

func (a *App) workersPause(ctx context.Context, f pauseFlags, names []string) error {
	if f.timeout < 0 {
		return usagef("--timeout %s is negative", f.timeout)
	}
	s, inv, err := a.discover(ctx)
	if err != nil {
		return err
	}
	var workers []aws.Worker
	var ids []string
	seen := map[string]bool{}
	for _, name := range names {
		w, err := pickWorker(inv, name)
		if err != nil {
			return err
		}
		if !seen[w.ID] {
			seen[w.ID] = true
			workers, ids = append(workers, w), append(ids, w.ID)
		}
	}
	rows := make([]pausedRow, len(workers))
	var todo []string
	for i, w := range workers {
		plan, err := s.PlanPause(ctx, aws.PauseRequest{Worker: w, Resume: f.resume})
		if err != nil {
			return notThere(err)
		}
		rows[i] = pausedRow{PauseResult: plan, Status: f.already()}
		if plan.Changed {
			rows[i].Status = "would be " + f.done()
			todo = append(todo, fmt.Sprintf("%s (%s, %s)", w.ID, strings.ToLower(plan.States()), depthText(w.Queue)))
		}
	}
	a.warnings(sharers(inv, workers))
	if f.dryRun {
		for i := range rows {
			rows[i].Changed = false // a dry run changes nothing
		}
		return a.printPaused(rows)
	}
	if len(todo) > 0 {
		if err := a.mayWrite(ctx, s, aws.Action{Name: f.verb(), Object: strings.Join(ids, ", ")}, f.yes); err != nil {
			return err
		}
		what := fmt.Sprintf("%s %s in stage %s", f.verb(), strings.Join(todo, ", "), s.Target().Stage)
		if ctx, err = a.confirm(ctx, s.Guard().Protected(), what, f.yes); err != nil {
			return err
		}
	}
	return a.pauseEach(ctx, f, s, workers, rows)
}

// pauseEach pauses one worker after the other, and goes on after one that failed.
func (a *App) pauseEach(ctx context.Context, f pauseFlags, s *aws.Stage, workers []aws.Worker, rows []pausedRow) error {
	waitCtx := ctx
	if f.wait && f.timeout > 0 {
		var cancel context.CancelFunc
		waitCtx, cancel = context.WithTimeoutCause(ctx, f.timeout, errWaited)
		defer cancel()
	}
	p := a.newProgress()
	var first error
	changed, failed := 0, 0
	// All are told first; then, with --wait, each is waited for.
	for _, wait := range []bool{false, true} {
		for i, w := range workers {
			r := &rows[i]
			if wait && (!f.wait || r.Status == statusFailed) {
				continue
			}
			if ctx.Err() != nil && !wait {
				r.Status = "not tried"
				continue
			}
			req := aws.PauseRequest{Worker: w, Resume: f.resume, Wait: wait, OnState: func(state string) { p.state(w.ID + " is " + strings.ToLower(state)) }}
			res, err := s.Pause(waitCtx, req)
			if wait { // what it was before is known from the first time
				res.Changed = r.Changed
				for n := range min(len(r.Mappings), len(res.Mappings)) {
					res.Mappings[n].Before = r.Mappings[n].Before
				}
			}
			if r.Changed = res.Changed; len(res.Mappings) > 0 {
				r.PauseResult = res
			}
			switch {
			case err != nil:
				r.Status, r.Error = statusFailed, err.Error()
				if wait && r.Changed {
					r.Status = "still " + strings.ToLower(r.States())
				}
				first = cmp.Or(first, err)
			case res.Changed:
				r.Status = f.done()
			}
		}
	}
	p.done()
	for i := range rows {
		if rows[i].Changed {
			changed++
		}
		if rows[i].Status == statusFailed || rows[i].Status == "not tried" {
			failed++
		}
	}
	if perr := a.printPaused(rows); perr != nil {
		return errors.Join(first, perr)
	}
	switch {
	case ctx.Err() != nil:
		return interruptedf("interrupted; AWS goes on with what it has accepted: %s of %s", plural(changed, "worker"), fmt.Sprint(len(rows)))
	case first == nil:
		return nil
	case errors.Is(context.Cause(waitCtx), errWaited):
		return fmt.Errorf("AWS has not done it after %s: %w", f.timeout, first)
	case changed > 0:
		return &codeError{exitPartly, fmt.Errorf("%d of %d workers could not be %s: %w", failed, len(rows), f.done(), first)}
	}
	return notThere(first)
}

const statusFailed = "failed"

// notThere gives the want of a mapping its exit code.
func notThere(err error) error {
	if errors.Is(err, aws.ErrNoMapping) {
		return &codeError{exitNothing, err}
	}
	return err
}

// depthText is what waits in a queue, in words.
func depthText(q *aws.Queue) string {
	if q == nil || q.Depth.At.IsZero() {
		return "depth unknown"
	}
	return fmt.Sprintf("%d waiting, %d in flight", q.Depth.Visible+q.Depth.Delayed, q.Depth.InFlight)
}

// sharers says which other workers read the same queues: they stop as well.
func sharers(inv *aws.Inventory, workers []aws.Worker) []string {
	named := map[string]bool{}
	for _, w := range workers {
		named[w.ID] = true
	}
	var out []string
	for _, w := range workers {
		for _, o := range inv.Workers {
			if w.Queue != nil && o.Queue != nil && w.Queue.ARN == o.Queue.ARN && !named[o.ID] {
				out = append(out, fmt.Sprintf("worker %s reads the same queue as %s, and is changed with it", o.ID, w.ID))
			}
		}
	}
	return out
}

func (a *App) printPaused(rows []pausedRow) error {
	return a.print(rows, func(t *tableWriter) {
		t.row("WORKER", "STATUS", "MAPPING", "BEFORE", "FUNCTION")
		for _, r := range rows {
			for i, m := range r.Mappings {
				worker, status := r.WorkerID, r.Status
				if i > 0 {
					worker, status = "", ""
				}
				t.row(worker, status, m.State, m.Before, m.Function)
			}
		}
	})
}
