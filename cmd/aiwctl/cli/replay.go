package cli

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/microfox-ai/aiwctl/aws"
	"github.com/microfox-ai/aiwctl/aws/redrive"
)

type replayFlags struct {
	all, yes, dryRun bool
	ids              []string
	to               string
}

func (a *App) newReplay() *cobra.Command {
	var f replayFlags
	cmd := &cobra.Command{
		Use:   "replay WORKER {--all | --id ID...}",
		Short: "Send dead letters back to their queue",
		Long: "Send dead letters back to the worker's queue. Each is sent first, and deleted from the dead-letter " +
			"queue only when SQS has accepted the copy: an interruption never loses one.",
		Example:           "aiwctl dlq replay echo --all --dry-run\naiwctl dlq replay echo --id 7a1b... --id 9c2d... --yes",
		Args:              takes(1, 1, "the worker"),
		ValidArgsFunction: a.completeWorker,
		RunE:              a.run(func(ctx context.Context, args []string) error { return a.dlqReplay(ctx, f, args[0]) }),
	}
	fl := cmd.Flags()
	fl.BoolVar(&f.all, "all", false, "every message that is there now")
	fl.StringArrayVar(&f.ids, "id", nil, "a message id; may be repeated")
	fl.StringVar(&f.to, "to", "", "send to this worker, queue name or queue URL instead")
	must(cmd.RegisterFlagCompletionFunc("to", a.completeQueue))
	must(cmd.RegisterFlagCompletionFunc("id", cobra.NoFileCompletions))
	fl.BoolVar(&f.yes, "yes", false, "do not ask")
	fl.BoolVar(&f.dryRun, "dry-run", false, "show what would be replayed, and move nothing; looking raises receive counts, as peek does")
	return cmd
}

func (a *App) dlqReplay(ctx context.Context, f replayFlags, name string) error {
	switch {
	case f.all && len(f.ids) > 0:
		return usagef("--all and --id exclude each other")
	case !f.all && len(f.ids) == 0:
		return usagef("say what to replay: --all, or --id once for each message")
	}
	s, inv, err := a.discover(ctx)
	if err != nil {
		return err
	}
	w, err := pickWorker(inv, name)
	if err != nil {
		return err
	}
	if w.DLQ == nil {
		return nothingf("worker %q has no dead-letter queue", w.ID)
	}
	r := redrive.Replay{Worker: w, IDs: f.ids, All: f.all}
	if r.To, err = replayTarget(inv, f.to); err != nil {
		return err
	}
	if f.all && !w.DLQ.Depth.At.IsZero() && w.DLQ.Depth.Total() == 0 {
		return nothingf("nothing to replay in %s", w.DLQ.Name)
	}
	what := describeReplay(r, s.Target().Stage)
	if f.dryRun {
		fmt.Fprintln(a.Err, plain("dry run: would "+what))
		return a.dryReplay(ctx, s, r)
	}
	if s.Guard().ReadOnly() { // before a person is asked
		return fmt.Errorf("replay %s: %w", w.DLQ.Name, aws.ErrReadOnly)
	}
	if err := a.confirm(ctx, what, f.yes); err != nil {
		return err
	}
	report, err := redrive.New(s).Replay(ctx, r, nil)
	if report.Results == nil {
		report.Results = []redrive.Result{}
	}
	if err != nil && len(report.Results) == 0 {
		return err
	}
	a.warnings(report.Warnings)
	if perr := a.print(report, func(t *tableWriter) { printReport(t, report) }); perr != nil {
		return errors.Join(err, fmt.Errorf("%d replayed, %d failed, but the output could not be written: %w", report.Replayed, report.Failed, perr))
	}
	if err == nil && report.Replayed == 0 {
		return nothingf("nothing to replay in %s", w.DLQ.Name)
	}
	return err
}

func printReport(t *tableWriter, report redrive.Report) {
	reportRows(t, report)
	t.line(fmt.Sprintf("%d replayed, %d failed", report.Replayed, report.Failed))
}

func reportRows(t *tableWriter, report redrive.Report) {
	if len(report.Results) > 0 {
		t.row("MESSAGE", "JOB", "STATUS", "NEW MESSAGE", "ERROR")
	}
	for _, r := range report.Results {
		t.row(r.ID, orDash(r.JobID), r.Status, orDash(r.NewID), oneLine(r.Error, 120))
	}
}

// replayTarget resolves --to: a worker or a queue of the stage, or any queue's
// URL.
func replayTarget(inv *aws.Inventory, to string) (string, error) {
	if to == "" || strings.Contains(to, "://") {
		return to, nil
	}
	w, err := pickWorker(inv, to)
	if err != nil {
		return "", err
	}
	for _, q := range []*aws.Queue{w.DLQ, w.Queue} {
		if q != nil && (q.Name == to || q == w.Queue) {
			return q.URL, nil
		}
	}
	return "", nothingf("worker %q has no queue", w.ID)
}

func describeReplay(r redrive.Replay, stage string) string {
	count := messages(len(r.IDs))
	switch {
	case r.All && r.Worker.DLQ.Depth.At.IsZero():
		count = "all messages (how many could not be read)"
	case r.All:
		count = "all messages (about " + strconv.Itoa(r.Worker.DLQ.Depth.Total()) + ")"
	}
	to := r.To
	if to == "" && r.Worker.Queue != nil {
		to = r.Worker.Queue.Name
	}
	return fmt.Sprintf("replay %s of %s to %s in stage %s", count, r.Worker.DLQ.Name, to, stage)
}

func messages(n int) string {
	if n == 1 {
		return "1 message"
	}
	return strconv.Itoa(n) + " messages"
}

// statusWould is the status of a message that a dry run would replay.
const statusWould = "would be replayed"

// dryReplay looks at what a replay would move.
func (a *App) dryReplay(ctx context.Context, s *aws.Stage, r redrive.Replay) error {
	found, err := redrive.New(s).Peek(ctx, r.Worker, 0)
	if err != nil {
		return err
	}
	a.warnings(found.Warnings)
	missing := map[string]bool{}
	for _, id := range r.IDs {
		missing[id] = true
	}
	report := redrive.Report{Results: []redrive.Result{}}
	would := 0
	for i := range found.Letters {
		l := &found.Letters[i]
		if !r.All && !missing[l.ID] {
			continue
		}
		delete(missing, l.ID)
		would++
		report.Results = append(report.Results, redrive.Result{ID: l.ID, JobID: l.JobID(), Status: statusWould})
	}
	for _, id := range slices.Sorted(maps.Keys(missing)) {
		report.Failed++
		report.Results = append(report.Results, redrive.Result{ID: id, Status: redrive.StatusNotFound})
	}
	err = a.print(report, func(t *tableWriter) {
		reportRows(t, report)
		t.line(fmt.Sprintf("%s would be replayed, %d not found", messages(would), len(missing)))
	})
	if err == nil && would == 0 {
		return nothingf("nothing to replay in %s", r.Worker.DLQ.Name)
	}
	return err
}

// confirm asks a person before a write. Without a person there must be --yes.
func (a *App) confirm(ctx context.Context, what string, yes bool) error {
	if yes {
		return nil
	}
	if !a.InTTY {
		return usagef("nobody is there to be asked whether to %s: add --yes, or --dry-run to look first", what)
	}
	fmt.Fprint(a.Err, plain(strings.ToUpper(what[:1])+what[1:]+"? [y/N] "))
	answer, err := interruptible(ctx, func() (string, error) { return bufio.NewReader(a.In).ReadString('\n') })
	if err != nil && answer == "" {
		fmt.Fprintln(a.Err)
		return interruptedf("no answer; nothing was done")
	}
	switch strings.ToLower(strings.TrimSpace(answer)) {
	case "y", "yes":
		return nil
	}
	return &codeError{exitFailed, errors.New("not confirmed; nothing was done")}
}
