package cli

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/microfox-ai/aiwctl/aws"
	"github.com/microfox-ai/aiwctl/aws/redrive"
)

func (a *App) newDLQ() *cobra.Command {
	list := a.run(func(ctx context.Context, _ []string) error { return a.dlqList(ctx) })
	cmd := &cobra.Command{
		Use:     "dlq",
		Short:   "Look into dead-letter queues and replay what is in them",
		Example: "aiwctl dlq ls\naiwctl dlq peek echo -n 20 -o json\naiwctl dlq replay echo --all --yes",
		Args:    cobra.NoArgs,
		RunE:    list,
	}
	cmd.AddCommand(
		&cobra.Command{Use: "ls", Short: "List every dead-letter queue of the stage", Args: cobra.NoArgs, RunE: list},
		a.newPeek(), a.newReplay(),
	)
	return cmd
}

// dlqRow is a dead-letter queue as `dlq ls` prints it.
type dlqRow struct {
	WorkerID        string `json:"workerId"`
	Name            string `json:"name"`
	URL             string `json:"url"`
	Visible         *int   `json:"visible"`
	InFlight        *int   `json:"inFlight"`
	Delayed         *int   `json:"delayed"`
	MaxReceiveCount int    `json:"maxReceiveCount"`
	// Onward is the queue that this dead-letter queue itself passes messages on
	// to when they are received too often; looking may trigger it.
	Onward string `json:"onwardDlqArn,omitempty"`
}

func (a *App) dlqList(ctx context.Context) error {
	s, err := a.openStage(ctx)
	if err != nil {
		return err
	}
	inv, err := s.Inventory(ctx)
	if err != nil {
		return err
	}
	a.warn(inv)
	rows := []dlqRow{}
	for _, w := range inv.Workers {
		if w.DLQ == nil {
			continue
		}
		r := dlqRow{WorkerID: w.ID, Name: w.DLQ.Name, URL: w.DLQ.URL, Onward: w.DLQ.DeadLetterARN}
		if w.Queue != nil {
			r.MaxReceiveCount = w.Queue.MaxReceiveCount
		}
		if d := w.DLQ.Depth; !d.At.IsZero() {
			r.Visible, r.InFlight, r.Delayed = new(d.Visible), new(d.InFlight), new(d.Delayed)
		}
		rows = append(rows, r)
	}
	err = a.print(rows, func(t *tableWriter) {
		t.row("WORKER", "DEAD-LETTER QUEUE", "VISIBLE", "IN FLIGHT", "AFTER")
		for _, r := range rows {
			t.row(r.WorkerID, r.Name, count(r.Visible), count(r.InFlight), fmt.Sprintf("%d receives", r.MaxReceiveCount))
			if r.Onward != "" {
				t.line(plain("note: " + r.Name + " has a redrive policy of its own; looking into it may move messages on to " + r.Onward))
			}
		}
	})
	if err == nil && len(rows) == 0 {
		err = nothingf("no worker of the stage has a dead-letter queue")
	}
	return err
}

// letterRow is a dead letter as `dlq peek` prints it.
type letterRow struct {
	ID            string         `json:"id"`
	JobID         string         `json:"jobId,omitempty"`
	WorkerID      string         `json:"workerId,omitempty"`
	SentAt        *time.Time     `json:"sentAt,omitempty"`
	FirstReceived *time.Time     `json:"firstReceivedAt,omitempty"`
	ReceiveCount  int            `json:"receiveCount"`
	Attributes    map[string]any `json:"attributes,omitempty"`
	// Body is the message as JSON, else BodyText is its text and ParseError says
	// why it is not a job.
	Body       json.RawMessage `json:"body,omitempty"`
	BodyText   *string         `json:"bodyText,omitempty"`
	ParseError string          `json:"parseError,omitempty"`
}

func letterRowOf(l *redrive.DeadLetter) letterRow {
	r := letterRow{ID: l.ID, ReceiveCount: l.ReceiveCount, SentAt: timeOrNil(l.SentAt), FirstReceived: timeOrNil(l.FirstReceived)}
	if json.Valid([]byte(l.Body)) {
		r.Body = json.RawMessage(l.Body)
	} else {
		r.BodyText = &l.Body
	}
	if l.Message != nil {
		r.JobID, r.WorkerID = l.Message.JobID, l.Message.WorkerID
	}
	if l.ParseErr != nil {
		r.ParseError = l.ParseErr.Error()
	}
	for k, v := range l.Attributes {
		if r.Attributes == nil {
			r.Attributes = map[string]any{}
		}
		if v.StringValue != nil {
			r.Attributes[k] = *v.StringValue
		} else {
			r.Attributes[k] = v.BinaryValue
		}
	}
	return r
}

func timeOrNil(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return new(t.UTC())
}

func (a *App) newPeek() *cobra.Command {
	var n int
	cmd := &cobra.Command{
		Use:   "peek WORKER",
		Short: "Look at the messages of a dead-letter queue",
		Long: "Look at the messages of a worker's dead-letter queue. SQS has no peek: the messages are received " +
			"and made visible again at once, which raises their receive counts.",
		Args:              cobra.ExactArgs(1),
		ValidArgsFunction: a.completeWorkers,
		RunE:              a.run(func(ctx context.Context, args []string) error { return a.dlqPeek(ctx, args[0], n) }),
	}
	cmd.Flags().IntVarP(&n, "number", "n", 10, "how many messages to look at")
	return cmd
}

func (a *App) dlqPeek(ctx context.Context, name string, n int) error {
	if n < 1 {
		return usagef("-n %d: look at one message at least", n)
	}
	s, err := a.openStage(ctx)
	if err != nil {
		return err
	}
	w, err := a.findWorker(ctx, s, name)
	if err != nil {
		return err
	}
	found, err := redrive.New(s).Peek(ctx, w, n)
	if err != nil {
		return err
	}
	for _, warning := range found.Warnings {
		fmt.Fprintln(a.Err, "aiwctl: warning:", plain(warning))
	}
	rows := make([]letterRow, len(found.Letters))
	for i := range found.Letters {
		rows[i] = letterRowOf(&found.Letters[i])
	}
	return a.print(rows, func(t *tableWriter) {
		if len(rows) == 0 {
			t.line("no dead letters of " + plain(w.ID))
			return
		}
		t.row("MESSAGE", "JOB", "AGE", "RECEIVES", "BODY")
		for i, r := range rows {
			body := oneLine(found.Letters[i].Body, 80)
			if r.ParseError != "" {
				body = "not a job: " + body
			}
			t.row(r.ID, orDash(r.JobID), age(a.Now(), found.Letters[i].SentAt), fmt.Sprint(r.ReceiveCount), body)
		}
		if !found.Complete {
			t.line(fmt.Sprintf("%d of about %d messages", len(rows), found.Depth.Total()))
		}
	})
}

// age is a time's distance from now in its largest unit.
func age(now, t time.Time) string {
	if t.IsZero() {
		return "-"
	}
	switch d := now.Sub(t); {
	case d < time.Minute:
		return fmt.Sprintf("%ds", int(max(d, 0).Seconds()))
	case d < time.Hour:
		return fmt.Sprintf("%dm", int(d.Minutes()))
	case d < 48*time.Hour:
		return fmt.Sprintf("%dh", int(d.Hours()))
	default:
		return fmt.Sprintf("%dd", int(d.Hours()/24))
	}
}

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
		Args:              cobra.ExactArgs(1),
		ValidArgsFunction: a.completeWorkers,
		RunE:              a.run(func(ctx context.Context, args []string) error { return a.dlqReplay(ctx, f, args[0]) }),
	}
	fl := cmd.Flags()
	fl.BoolVar(&f.all, "all", false, "every message that is there now")
	fl.StringArrayVar(&f.ids, "id", nil, "a message id; may be repeated")
	fl.StringVar(&f.to, "to", "", "send to this worker, queue name or queue URL instead")
	fl.BoolVar(&f.yes, "yes", false, "do not ask")
	fl.BoolVar(&f.dryRun, "dry-run", false, "show what would be replayed, and move nothing")
	return cmd
}

func (a *App) dlqReplay(ctx context.Context, f replayFlags, name string) error {
	switch {
	case f.all && len(f.ids) > 0:
		return usagef("--all and --id exclude each other")
	case !f.all && len(f.ids) == 0:
		return usagef("say what to replay: --all, or --id once for each message")
	}
	s, err := a.openStage(ctx)
	if err != nil {
		return err
	}
	inv, err := s.Inventory(ctx)
	if err != nil {
		return err
	}
	a.warn(inv)
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
	what := a.describeReplay(r, s.Target().Stage)
	if f.dryRun {
		fmt.Fprintln(a.Err, plain("dry run: would "+what))
		return a.dryReplay(ctx, s, r)
	}
	if err := a.confirm(what, f.yes); err != nil {
		return err
	}
	report, err := redrive.New(s).Replay(ctx, r, nil)
	if report.Results == nil {
		report.Results = []redrive.Result{}
	}
	if err != nil && len(report.Results) == 0 {
		return err
	}
	if perr := a.print(report, func(t *tableWriter) { printReport(t, report) }); perr != nil {
		return errors.Join(err, perr)
	}
	if err == nil && report.Replayed == 0 {
		return nothingf("nothing to replay in %s", w.DLQ.Name)
	}
	return err
}

func printReport(t *tableWriter, report redrive.Report) {
	if len(report.Results) > 0 {
		t.row("MESSAGE", "JOB", "STATUS", "NEW MESSAGE", "ERROR")
	}
	for _, r := range report.Results {
		t.row(r.ID, orDash(r.JobID), r.Status, orDash(r.NewID), oneLine(r.Error, 120))
	}
	t.line(fmt.Sprintf("%d replayed, %d failed", report.Replayed, report.Failed))
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

func (a *App) describeReplay(r redrive.Replay, stage string) string {
	count := fmt.Sprintf("%d messages", len(r.IDs))
	if r.All {
		count = fmt.Sprintf("all of about %d messages", r.Worker.DLQ.Depth.Total())
	}
	to := r.To
	if to == "" && r.Worker.Queue != nil {
		to = r.Worker.Queue.Name
	}
	return fmt.Sprintf("replay %s of %s to %s, stage %s", count, r.Worker.DLQ.Name, to, stage)
}

// dryReplay looks at what a replay would move.
func (a *App) dryReplay(ctx context.Context, s *aws.Stage, r redrive.Replay) error {
	found, err := redrive.New(s).Peek(ctx, r.Worker, max(r.Worker.DLQ.Depth.Total(), 10))
	if err != nil {
		return err
	}
	chosen := map[string]bool{}
	for _, id := range r.IDs {
		chosen[id] = true
	}
	report := redrive.Report{Results: []redrive.Result{}}
	for i := range found.Letters {
		l := &found.Letters[i]
		if !r.All && !chosen[l.ID] {
			continue
		}
		delete(chosen, l.ID)
		res := redrive.Result{ID: l.ID, Status: "would be replayed"}
		if l.Message != nil {
			res.JobID = l.Message.JobID
		}
		report.Results = append(report.Results, res)
	}
	for id := range chosen {
		report.Results = append(report.Results, redrive.Result{ID: id, Status: redrive.StatusNotFound})
	}
	return a.print(report, func(t *tableWriter) { printReport(t, report) })
}

// confirm asks a person before a write. Without a person there must be --yes.
func (a *App) confirm(what string, yes bool) error {
	if yes {
		return nil
	}
	if !a.InTTY {
		return usagef("refusing to %s without being asked by a person: add --yes", what)
	}
	fmt.Fprint(a.Err, plain(strings.ToUpper(what[:1])+what[1:]+"? [y/N] "))
	answer, err := bufio.NewReader(a.In).ReadString('\n')
	if err != nil && answer == "" {
		return &codeError{exitInterrupted, errors.New("no answer; nothing was done")}
	}
	switch strings.ToLower(strings.TrimSpace(answer)) {
	case "y", "yes":
		return nil
	}
	return &codeError{exitFailed, errors.New("not confirmed; nothing was done")}
}
