package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/microfox-ai/aiwctl/aws"
	"github.com/microfox-ai/aiwctl/aws/redrive"
	"github.com/microfox-ai/aiwctl/aws/redrive/check"
)

type replayFlags struct {
	choiceFlags
	to             string
	rate           string
	concurrency    int
	canary         int
	canaryTimeout  time.Duration
	watch          time.Duration
	newJobID       bool
	force          bool
	native         bool
	keepUnanswered bool
	yes, dryRun    bool
}

func (a *App) newReplay() *cobra.Command {
	var f replayFlags
	cmd := &cobra.Command{
		Use:   "replay WORKER {--all | --id ID... | --where EXPR | -f FILE}",
		Short: "Send dead letters back to their queue",
		Long: "Send dead letters back to the queue they came from. Each is sent first, and deleted from the dead-letter queue only when SQS " +
			"has accepted the copy; what was done is kept in a journal, so that a run that was interrupted or killed is finished by " +
			"`aiwctl dlq resume` without sending again what was sent.\n\n" +
			"Messages that are certain to die again, or to be swallowed, are skipped with the reason: an input that does not fit the " +
			"worker's schema, a job that the TypeScript runtime has recorded as failed (--new-job-id gets it through), ... --force sends " +
			"them all the same. What was chosen is shown before anything moves; --dry-run shows what a check finds, and moves nothing.\n\n" +
			"-f takes a file as `dlq export` writes it, in which bodies and attributes may have been edited: each message is sent as it " +
			"is in the file, and the original stays until that was accepted.",
		Example: "aiwctl dlq replay echo --all --dry-run\naiwctl dlq replay echo --where 'error contains \"timed out\"' --canary 3 --watch 2m\n" +
			"aiwctl dlq replay echo --id 7a1b... --id 9c2d... --new-job-id --yes\naiwctl dlq replay echo -f edited.jsonl --rate 50/s",
		Args:              takes(1, 1, "the worker"),
		ValidArgsFunction: a.completeWorker,
		RunE:              a.run(func(ctx context.Context, args []string) error { return a.dlqReplay(ctx, &f, args[0]) }),
	}
	f.register(cmd, "every message that is there now")
	fl := cmd.Flags()
	fl.StringVarP(&f.file, "file", "f", "", "replay the messages of this file as they are in it, - for standard input")
	fl.StringVar(&f.to, "to", "", "send to this worker, queue name or queue URL instead")
	must(cmd.RegisterFlagCompletionFunc("to", a.completeQueue))
	fl.StringVar(&f.rate, "rate", "", "send at most so many messages, such as 50/s or 600/m")
	fl.IntVar(&f.concurrency, "concurrency", redrive.DefaultConcurrency, "how many batches of ten are under way at once")
	fl.IntVar(&f.canary, "canary", 0, "send so many first, and the others only when these have completed")
	fl.DurationVar(&f.canaryTimeout, "canary-timeout", redrive.DefaultCanaryTimeout, "how long a canary has to complete")
	fl.DurationVar(&f.watch, "watch", 0, "look so long afterwards for messages that come back")
	fl.BoolVar(&f.newJobID, "new-job-id", false, "send each job under a new id; metadata.__trigger names the old one")
	fl.BoolVar(&f.force, "force", false, "send also what is certain to die again or to be swallowed")
	fl.BoolVar(&f.native, "native", false, "let AWS move everything, unedited (StartMessageMoveTask)")
	fl.BoolVar(&f.keepUnanswered, "keep-unanswered", false, "leave a message in place whose send was not answered, instead of sending it again")
	fl.BoolVar(&a.noJournal, "no-journal", false, "keep no journal: what is killed then cannot be resumed")
	fl.BoolVar(&f.yes, "yes", false, "do not ask")
	fl.BoolVar(&f.dryRun, "dry-run", false, "show what would be replayed, and move nothing; looking raises receive counts, as peek does")
	return cmd
}

// validate checks flags against each other before anything is asked of AWS.
func (f *replayFlags) validate() (rate float64, err error) {
	if rate, err = parseRate(f.rate); err != nil {
		return 0, err
	}
	switch {
	case f.canary < 0 || f.watch < 0 || f.canaryTimeout <= 0 || f.concurrency < 1 || f.concurrency > 128:
		return 0, usagef("--canary and --watch are not below zero, --canary-timeout is above it, and --concurrency is 1 to 128")
	case f.native && (!f.all || f.newJobID || f.canary > 0 || f.watch > 0 || f.force):
		return 0, usagef("--native moves everything as it is: it goes with --all, --to and --rate, and with no choice, edit, canary or watch")
	case f.native && rate > 0 && (rate < 1 || rate > redrive.MoveTaskRateMost):
		return 0, usagef("--native: AWS moves 1 to %d messages a second", redrive.MoveTaskRateMost)
	}
	return rate, nil
}

// parseRate reads 50, 50/s or 600/m; empty is no limit.
func parseRate(text string) (perSecond float64, err error) {
	if text == "" {
		return 0, nil
	}
	number, unit, _ := strings.Cut(text, "/")
	n, err := strconv.ParseFloat(number, 64)
	per := map[string]float64{"": 1, "s": 1, "m": 60, "h": 3600}[unit]
	if err != nil || per == 0 || !(n/per >= 0.001 && n/per <= 1e6) {
		return 0, usagef("--rate %s: write it as 50/s or 600/m", text)
	}
	return n / per, nil
}

func (a *App) dlqReplay(ctx context.Context, f *replayFlags, name string) error {
	rate, err := f.validate()
	if err != nil {
		return err
	}
	l, err := a.begin(ctx, &f.choiceFlags, "replay", name)
	if err != nil {
		return err
	}
	t := &l.dlqTarget
	r := redrive.Replay{
		Worker: t.worker, All: f.all, AnySource: t.byQueue, NewJobIDs: f.newJobID, Force: f.force, KeepUnanswered: f.keepUnanswered,
		Rate: rate, Concurrency: f.concurrency, Canary: f.canary, CanaryTimeout: f.canaryTimeout, Watch: f.watch,
	}
	if r.To, err = t.queueURL(ctx, f.to); err != nil {
		return err
	}
	if depth := t.worker.DLQ.Depth; f.all && !depth.At.IsZero() && depth.Total() == 0 {
		return nothingf("nothing to replay in %s", plain(t.worker.DLQ.Name))
	}
	if !f.dryRun {
		if err := a.mayWrite(ctx, t.stage, aws.Action{Name: "replay", Object: t.worker.DLQ.Name, Queues: t.queues(r.To)}, f.yes); err != nil {
			return err
		}
	}
	if f.native {
		return a.moveTask(ctx, f, l.engine, t, r)
	}
	l.choice.Check, l.choice.NewJobIDs, l.choice.To, l.choice.AnySource = true, f.newJobID, r.To, t.byQueue
	if f.all && !f.dryRun && !mustLook(&t.worker, f) {
		return a.replayAll(ctx, f, l.engine, t, r)
	}
	sel, err := a.selectLetters(ctx, &l)
	if err != nil {
		return err
	}
	defer a.release(ctx, sel)
	r.Selection, r.All = sel, false
	if f.dryRun {
		return a.dryReplay(t, sel, f)
	}
	if sel.Count == 0 && len(sel.Missing) == 0 {
		return nothingf("nothing to replay in %s", plain(t.worker.DLQ.Name))
	}
	a.showPlan(t, sel, f)
	ctx, err = a.confirm(ctx, t.protected(r.To), describeReplay(&r, sel.Count, "", t.stage.Target().Stage), f.yes)
	if err != nil {
		return err
	}
	return a.replay(ctx, l.engine, r, sel.Count)
}

// mustLook is whether a replay of all has to look at everything first: of jobs of
// the TypeScript system it must be known whether they are recorded as failed, since
// those would be swallowed.
func mustLook(w *aws.Worker, f *replayFlags) bool {
	return !f.newJobID && !f.force && f.to == "" && w.Function != nil && strings.HasPrefix(w.Function.Runtime, "nodejs")
}

// replayAll replays everything as it is received.
func (a *App) replayAll(ctx context.Context, f *replayFlags, e *redrive.Engine, t *dlqTarget, r redrive.Replay) error {
	total := t.worker.DLQ.Depth.Total()
	about := "about "
	if t.worker.DLQ.Depth.At.IsZero() {
		about = "an unknown number of "
	}
	what := describeReplay(&r, total, about, t.stage.Target().Stage)
	if !f.yes && a.InTTY {
		sample, err := e.Peek(ctx, t.worker, 3)
		if err != nil {
			return err
		}
		a.warnings(sample.Warnings)
		for i := range sample.Letters {
			l := &sample.Letters[i]
			fmt.Fprintf(a.Err, "  %s  %s old  %s\n", cmp.Or(oneLine(l.JobID(), 40), l.ID), age(a.Now(), l.SentAt), oneLine(l.Body, 60))
		}
		if more := total - len(sample.Letters); more > 0 {
			fmt.Fprintf(a.Err, "  and %d more\n", more)
		}
	}
	ctx, err := a.confirm(ctx, t.protected(r.To), what, f.yes)
	if err != nil {
		return err
	}
	return a.replay(ctx, e, r, total)
}

// replay moves, prints what becomes of each message, and ends with the summary.
func (a *App) replay(ctx context.Context, e *redrive.Engine, r redrive.Replay, total int) error {
	p := a.newProgress()
	p.of("replayed", total)
	out := a.newResults(redrive.StatusReplayed)
	r.OnResult = func(res redrive.Result) { p.result(res); out.add(res) }
	r.OnState = p.state
	report, err := e.Replay(ctx, r)
	p.done()
	return a.moved(out, report, err, r.Worker.DLQ.Name)
}

// moved prints the end of a replay, a deletion or an import.
func (a *App) moved(out *results, report redrive.Report, err error, queue string) error {
	nothing := out.n == 0 && report.Before == 0
	if err != nil && nothing {
		return err
	}
	a.warnings(report.Warnings)
	if perr := out.end(report); perr != nil {
		return errors.Join(err, perr)
	}
	if report.Unfinished {
		fmt.Fprintf(a.Err, "aiwctl: it is not finished: `aiwctl dlq resume %s` goes on where it ended\n",
			strings.TrimSuffix(filepath.Base(report.Journal), filepath.Ext(report.Journal)))
	}
	if err == nil && nothing {
		return nothingf("nothing to do in %s", plain(queue))
	}
	return err
}

// moveTask lets AWS move everything.
func (a *App) moveTask(ctx context.Context, f *replayFlags, e *redrive.Engine, t *dlqTarget, r redrive.Replay) error {
	what := describeReplay(&r, t.worker.DLQ.Depth.Total(), "about ", t.stage.Target().Stage) + " by AWS's move task"
	if f.dryRun {
		fmt.Fprintln(a.Err, plain("dry run: would "+what))
		return nil
	}
	ctx, err := a.confirm(ctx, t.protected(r.To), what, f.yes)
	if err != nil {
		return err
	}
	p := a.newProgress()
	p.of("moved", t.worker.DLQ.Depth.Total())
	report, err := e.MoveTask(ctx, redrive.MoveTask{Worker: t.worker, To: r.To, AnySource: t.byQueue, Rate: int(r.Rate), OnProgress: p.moved})
	p.done()
	if err != nil && report.Replayed == 0 {
		return err
	}
	a.warnings(report.Warnings)
	if perr := a.newResults(redrive.StatusReplayed).end(report); perr != nil {
		return errors.Join(err, perr)
	}
	if err == nil && report.Replayed == 0 {
		return nothingf("nothing to replay in %s", plain(t.worker.DLQ.Name))
	}
	return err
}

// showPlan says what was chosen, and what a check found, before anything moves.
func (a *App) showPlan(t *dlqTarget, sel *redrive.Selection, f *replayFlags) {
	fmt.Fprintf(a.Err, "chosen: %d of %s in %s\n", sel.Count, messages(sel.Seen), plain(t.worker.DLQ.Name))
	shown := 0
	for c, err := range sel.Letters() {
		if err != nil || shown == 3 {
			break
		}
		shown++
		note := whyText(&c)
		if note == "" {
			note = c.Body
		}
		if c.Edit != nil {
			note = "edited: " + c.Edit.Body
		}
		fmt.Fprintf(a.Err, "  %s  %s old  %s\n", cmp.Or(oneLine(c.JobID(), 40), c.ID), age(a.Now(), c.SentAt), oneLine(note, 60))
	}
	if more := sel.Count - shown; more > 0 {
		fmt.Fprintf(a.Err, "  and %d more\n", more)
	}
	if sel.Edits > 0 {
		fmt.Fprintf(a.Err, "  %d of them edited\n", sel.Edits)
	}
	word := "would be skipped"
	if f.force {
		word = "are sent all the same (--force)"
	}
	for _, kind := range slices.Sorted(maps.Keys(sel.Blocked)) {
		fmt.Fprintf(a.Err, "  %d %s: %s\n", sel.Blocked[kind], word, kind)
	}
	for _, p := range sel.WorkerProblems() {
		fmt.Fprintln(a.Err, plain("  note: "+p.Text))
	}
}

func describeReplay(r *redrive.Replay, n int, about, stage string) string {
	what := messages(n)
	if about != "" {
		what = "all messages (" + about + strconv.Itoa(n) + ")"
	}
	to := "their own queues"
	switch {
	case r.To != "":
		to = r.To[strings.LastIndexByte(r.To, '/')+1:]
	case r.Worker.Queue != nil:
		to = r.Worker.Queue.Name
	}
	return fmt.Sprintf("replay %s of %s to %s in stage %s", what, r.Worker.DLQ.Name, to, stage)
}

// statusWould and statusWouldSkip are the statuses of a dry run.
const (
	statusWould     = "would be replayed"
	statusWouldSkip = "would be skipped"
)

// dryRow is a message of a dry run.
type dryRow struct {
	redrive.Result
	Edited bool `json:"edited,omitempty"`
	// Why is why it died, when the check had to find out.
	Why      string          `json:"why,omitempty"`
	Problems []check.Problem `json:"problems,omitempty"`
}

// dryReplay shows what would become of each message.
func (a *App) dryReplay(t *dlqTarget, sel *redrive.Selection, f *replayFlags) error {
	fmt.Fprintln(a.Err, plain(fmt.Sprintf("dry run: %s of %s would be looked at and sent; nothing is", messages(sel.Count), t.worker.DLQ.Name)))
	out := struct {
		Replayed int      `json:"replayed"`
		Skipped  int      `json:"skipped"`
		Failed   int      `json:"failed"`
		Results  []dryRow `json:"results"`
	}{Results: []dryRow{}}
	for c, err := range sel.Letters() {
		if err != nil {
			return err
		}
		row := dryRow{Result: redrive.Result{ID: c.ID, JobID: c.JobID(), Status: statusWould}, Edited: c.Edit != nil, Why: whyText(&c), Problems: c.Problems}
		if len(c.Problems) > 0 && c.Problems[0].Blocks && !f.force {
			row.Status, row.Error = statusWouldSkip, c.Problems[0].Text
			out.Skipped++
		} else {
			out.Replayed++
		}
		out.Results = append(out.Results, row)
	}
	for _, id := range sel.Missing {
		out.Failed++
		out.Results = append(out.Results, dryRow{Result: redrive.Result{ID: id, Status: redrive.StatusNotFound}})
	}
	for _, p := range sel.WorkerProblems() {
		a.warnings([]string{p.Text})
	}
	would := out.Replayed
	out.Replayed = 0 // a dry run replays nothing
	err := a.print(out, func(w *tableWriter) {
		if len(out.Results) > 0 {
			w.row("MESSAGE", "JOB", "STATUS", "PROBLEMS")
		}
		for _, r := range out.Results {
			var texts []string
			for _, p := range r.Problems {
				texts = append(texts, string(p.Kind)+": "+p.Text)
			}
			w.row(r.ID, orDash(r.JobID), r.Status, oneLine(strings.Join(texts, "; "), 160))
		}
		w.line(fmt.Sprintf("%s would be replayed, %d skipped, %d not found", messages(would), out.Skipped, out.Failed))
	})
	if err == nil && would+out.Skipped == 0 {
		return nothingf("nothing to replay in %s", plain(t.worker.DLQ.Name))
	}
	return err
}
