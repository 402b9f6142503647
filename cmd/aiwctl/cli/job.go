package cli

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/spf13/cobra"

	"github.com/microfox-ai/aiwctl/aws"
	"github.com/microfox-ai/aiwctl/aws/jobs"
	"github.com/microfox-ai/aiwctl/aws/logs"
	"github.com/microfox-ai/aiwctl/aws/redrive"
	"github.com/microfox-ai/aiwctl/runtime/jobstore"
)

type jobFlags struct {
	wait     bool
	timeout  time.Duration
	workers  []string
	since    string
	extend   bool // --since was not given
	dlq      string
	dlqLimit int
}

// waitGroupsMost is how many log groups --wait follows when nothing says whose the
// job is: a tail reads each of them over and over.
const waitGroupsMost = 20

func (a *App) newJob() *cobra.Command {
	var f jobFlags
	cmd := &cobra.Command{
		Use:   "job ID",
		Short: "Tell one job's life: sent, attempts, webhook, dead letter, replays",
		Long: "Tell one job's life in order: who sent it, each attempt with its outcome, tries and progress within it, child jobs, the webhook, " +
			"the dead letter, and what it was sent again as. It is put together from the workers' logs, the job's record where --store names " +
			"a store, the dead-letter queue, and what this machine has done itself (audit trail, journals of replays). What could not be read, " +
			"and what is not known, is said.\n\n" +
			"SQS has no peek: looking into a dead-letter queue receives its messages, which raises their receive counts. It is done when the " +
			"job is said to be dead, when its next delivery is overdue, or when nothing else knows it (--dlq never or always says otherwise), " +
			"and of --dlq-limit messages at most.\n\n" +
			"Exits 0 when the job is found, 3 when nothing knows it, 4 when what might know it is denied, 5 when it is found and something " +
			"could not be read. With --wait it exits 0 when the job completes and 1 when it does not.",
		Example: "aiwctl job job-1700000000000-abc\naiwctl job job-1700000000000-abc --wait --worker echo\n" +
			"aiwctl job order-13 --since 7d --store dynamodb:jobs -o json",
		Args:              takes(1, 1, "the job's id"),
		ValidArgsFunction: cobra.NoFileCompletions,
	}
	cmd.RunE = a.run(func(ctx context.Context, args []string) error {
		f.extend = !cmd.Flags().Changed("since")
		return a.job(ctx, &f, args[0])
	})
	fl := cmd.Flags()
	fl.BoolVar(&f.wait, "wait", false, "follow the job to its end first")
	fl.DurationVar(&f.timeout, "timeout", 15*time.Minute, "how long --wait waits; 0 for as long as it takes")
	fl.StringArrayVar(&f.workers, "worker", nil, "search this worker only; may be repeated")
	fl.StringVar(&f.since, "since", "24h", "how far back the logs are searched: a duration (2h, 7d) or a time; unless given, further back when the job is older by its id or a record")
	fl.StringVar(&a.store, "store", "", "the workers' job records: redis://…, dynamodb:TABLE, file:DIR, none (default: AIWCTL_STORE, then the deployed system's variables)")
	fl.StringVar(&f.dlq, "dlq", "auto", "look into the dead-letter queue: auto, always or never")
	fl.IntVar(&f.dlqLimit, "dlq-limit", 500, "receive at most so many messages of a dead-letter queue")
	must(cmd.RegisterFlagCompletionFunc("worker", a.completeWorker))
	must(cmd.RegisterFlagCompletionFunc("store", cobra.NoFileCompletions))
	must(cmd.RegisterFlagCompletionFunc("dlq", cobra.FixedCompletions([]string{"auto", "always", "never"}, cobra.ShellCompDirectiveNoFileComp)))
	return cmd
}

// request makes a jobs.Request of the flags, without its workers.
func (f *jobFlags) request(now time.Time, id string) (jobs.Request, error) {
	r := jobs.Request{JobID: id, Named: len(f.workers) > 0, Extend: f.extend, DLQLimit: f.dlqLimit}
	var err error
	if r.Since, err = parseTime(now, f.since); err != nil {
		return r, usagef("--since: %w", err)
	}
	at := slices.Index([]string{"auto", "always", "never"}, f.dlq)
	switch {
	case strings.TrimSpace(id) == "":
		return r, usagef("the job's id is empty")
	case at < 0:
		return r, usagef("unknown --dlq %q; it takes auto, always or never", f.dlq)
	case f.dlqLimit < 1:
		return r, usagef("--dlq-limit %d: look at one message at least", f.dlqLimit)
	case f.timeout < 0:
		return r, usagef("--timeout %s is negative", f.timeout)
	}
	r.DLQ = []jobs.DLQ{jobs.DLQAuto, jobs.DLQAlways, jobs.DLQNever}[at]
	return r, nil
}

func (a *App) job(ctx context.Context, f *jobFlags, id string) error {
	req, err := f.request(a.Now(), id)
	if err != nil {
		return err
	}
	s, inv, err := a.discover(ctx)
	if err != nil {
		return err
	}
	req.Workers = inv.Workers
	if req.Named {
		req.Workers = nil
		for _, name := range f.workers {
			w, err := pickWorker(inv, name)
			if err != nil {
				return err
			}
			req.Workers = append(req.Workers, w)
		}
	}
	records, err := a.openRecords(ctx, s)
	if err != nil {
		return err
	}
	p := a.newProgress()
	finder := a.finder(s, logs.For(s), a.engine(s, records), records)
	req.OnState = p.state
	find := func() (*jobs.Life, error) {
		life, err := finder.Find(ctx, req)
		p.done()
		return life, err
	}
	if !f.wait {
		life, err := find()
		return a.told(life, err)
	}
	return a.jobWait(ctx, f, s, req, find)
}

// finder finds jobs of a stage, for the command and the console. Records may be nil.
func (a *App) finder(s *aws.Stage, r *logs.Reader, e *redrive.Engine, records *jobRecords) *jobs.Finder {
	cfg := jobs.Config{Logs: r, Letters: e, Target: s.Target(), Now: a.Now}
	cfg.Retention = func(ctx context.Context, group string) (time.Duration, error) { return retention(ctx, s.Logs(), group) }
	if records != nil {
		cfg.Record = records.record
	}
	cfg.Audit = s.AuditPath()
	return jobs.New(cfg)
}

// retention is for how long a log group keeps its lines; zero: for ever.
func retention(ctx context.Context, api aws.LogsReader, group string) (time.Duration, error) {
	out, err := api.DescribeLogGroups(ctx, &cloudwatchlogs.DescribeLogGroupsInput{LogGroupNamePrefix: &group})
	if err != nil {
		return 0, err
	}
	for _, g := range out.LogGroups {
		if g.LogGroupName != nil && *g.LogGroupName == group && g.RetentionInDays != nil {
			return time.Duration(*g.RetentionInDays) * 24 * time.Hour, nil
		}
	}
	return 0, nil
}

// told prints a life and says by the exit code how much of it is known.
func (a *App) told(life *jobs.Life, err error) error {
	if life.Found() {
		if perr := a.printLife(life); perr != nil {
			return perr
		}
	}
	switch {
	case err != nil && life.Found():
		return interruptedf("interrupted; what is printed is what was found until then")
	case err != nil:
		return err
	}
	if !life.Found() {
		return notFound(life)
	}
	if failed := failedSources(life); len(failed) > 0 {
		return &codeError{exitPartly, fmt.Errorf("not everything could be read: %s", strings.Join(failed, "; "))}
	}
	return nil
}

// notFound says where a job was looked for.
func notFound(life *jobs.Life) error {
	var looked []string
	denied, failed := 0, 0
	for _, src := range life.Sources {
		switch src.Status {
		case jobs.SourceDenied:
			denied++
		case jobs.SourceFailed:
			failed++
		case jobs.SourceNothing, jobs.SourceRead, jobs.SourcePartly:
			looked = append(looked, src.Name)
		}
	}
	if n := len(looked); n > 6 {
		looked = append(looked[:5], fmt.Sprintf("and %d more", n-5))
	}
	said := "nothing knows job " + life.JobID
	if len(looked) > 0 {
		said += "; looked at: " + strings.Join(looked, ", ")
	}
	for _, m := range life.Missing {
		said += "\n  " + m
	}
	code := exitNothing
	switch {
	case denied > 0:
		code = exitDenied
	case failed > 0 && len(looked) > 0:
		code = exitPartly
	case failed > 0:
		code = exitFailed
	}
	return &codeError{code, errors.New(plain(said))}
}

func failedSources(life *jobs.Life) []string {
	var out []string
	for _, src := range life.Sources {
		if src.Status == jobs.SourceDenied || src.Status == jobs.SourceFailed {
			out = append(out, src.Name+" ("+src.Status+")")
		}
	}
	return out
}

// jobWait follows a job to its end.
func (a *App) jobWait(ctx context.Context, f *jobFlags, s *aws.Stage, req jobs.Request, find func() (*jobs.Life, error)) error {
	waitCtx := ctx
	if f.timeout > 0 {
		var cancel context.CancelFunc
		waitCtx, cancel = context.WithTimeoutCause(ctx, f.timeout, errWaited)
		defer cancel()
	}
	for again := false; ; again = true {
		life, err := find()
		if err != nil {
			return a.told(life, err)
		}
		if life.State.Ended() {
			return a.waited(life)
		}
		if !again {
			fmt.Fprintln(a.Err, plain("waiting for the end of "+life.JobID))
		}
		// The tail also sees the end that the job had before it was replayed: then it
		// is read anew until its next life shows.
		if err := a.jobEnd(waitCtx, s, req, life); err != nil {
			return a.jobNotEnded(ctx, waitCtx, f, life, err)
		}
		if again {
			select {
			case <-waitCtx.Done():
			case <-time.After(time.Second):
			}
		}
	}
}

// jobEnd returns when the logs tell of the job's end.
func (a *App) jobEnd(ctx context.Context, s *aws.Stage, req jobs.Request, life *jobs.Life) error {
	sources, receives, err := waitSources(req, life)
	if err != nil {
		return err
	}
	since := life.Began()
	if n := len(life.Replays); n > 0 && life.State == jobs.StateSent {
		since = life.Replays[n-1].At
	}
	if since.IsZero() {
		since = a.Now().Add(-time.Minute)
	}
	_, err = logs.For(s).WaitJob(ctx, logs.Query{Sources: sources, Since: since, JobID: req.JobID}, receives, func(l logs.Line) {
		if a.OutTTY && l.Event != nil {
			fmt.Fprintln(a.Err, "  "+oneLine(l.Text, 200))
		}
	})
	return err
}

// waited prints the life of a job that has ended.
func (a *App) waited(life *jobs.Life) error {
	if err := a.printLife(life); err != nil {
		return err
	}
	if life.State == jobs.StateCompleted {
		return nil
	}
	reason := string(life.State)
	if life.Error != nil {
		reason += ": " + life.Error.Message
	}
	return &codeError{exitFailed, fmt.Errorf("%s %s", life.JobID, oneLine(reason, 0))}
}

// jobNotEnded prints what is known of a job that was waited for in vain.
func (a *App) jobNotEnded(ctx, waitCtx context.Context, f *jobFlags, life *jobs.Life, err error) error {
	if life.Found() {
		if perr := a.printLife(life); perr != nil {
			return perr
		}
	}
	var coded *codeError
	switch {
	case errors.As(err, &coded):
		return err
	case ctx.Err() != nil:
		return interruptedf("interrupted; %s goes on", life.JobID)
	case errors.Is(context.Cause(waitCtx), errWaited):
		return fmt.Errorf("%s had not ended after %s", life.JobID, f.timeout)
	}
	return fmt.Errorf("%s could not be followed: %w", life.JobID, err)
}

// waitSources are the log groups in which a job's end is to be expected.
func waitSources(req jobs.Request, life *jobs.Life) (sources []logs.Source, receives int, err error) {
	workers := req.Workers
	if i := slices.IndexFunc(workers, func(w aws.Worker) bool { return w.ID == life.WorkerID }); i >= 0 {
		workers = workers[i : i+1]
	}
	sources = logs.Sources(workers...)
	switch {
	case len(sources) == 0:
		return nil, 0, nothingf("no worker has a function whose log could be followed")
	case len(sources) > waitGroupsMost:
		return nil, 0, usagef("nothing says yet which of %d workers %s is of: name it with --worker", len(workers), life.JobID)
	}
	if len(workers) == 1 && workers[0].Queue != nil {
		receives = workers[0].Queue.MaxReceiveCount
	}
	return sources, receives, nil
}

// record implements jobs.Config.Record.
func (r *jobRecords) record(ctx context.Context, jobID string) (jobs.Record, bool, error) {
	ctx, cancel := context.WithTimeout(ctx, storeTimeout)
	defer cancel()
	rec, err := r.store.Get(ctx, jobID)
	if errors.Is(err, jobstore.ErrNotFound) {
		return jobs.Record{}, false, nil
	}
	if err != nil {
		return jobs.Record{}, false, err
	}
	out := jobs.Record{
		WorkerID: rec.WorkerID, Status: string(rec.Status), Input: rec.Input, Output: rec.Output, OutputBytes: rec.OutputBytes,
		Error: rec.Error, LastError: rec.LastError, Metadata: rec.Metadata, MessageID: rec.MessageID, Receives: rec.Receives,
		LeaseUntil: rec.LeaseUntil, CreatedAt: rec.CreatedAt, UpdatedAt: rec.UpdatedAt, CompletedAt: rec.CompletedAt,
	}
	for _, c := range rec.Children {
		out.Children = append(out.Children, jobs.Child{JobID: c.JobID, WorkerID: c.WorkerID, Awaited: c.Awaited})
	}
	if w := rec.Webhook; w != nil {
		out.Webhook = &jobs.Webhook{Delivered: w.Delivered, Pending: w.Pending, Attempts: w.Attempts, Status: w.Status, Error: w.Error, At: w.At}
	}
	return out, true, nil
}
