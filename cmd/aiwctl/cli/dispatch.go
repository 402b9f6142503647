package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/microfox-ai/aiwctl/aws"
	"github.com/microfox-ai/aiwctl/aws/logs"
	"github.com/microfox-ai/aiwctl/dispatch"
)

type dispatchFlags struct {
	input      inputFlags
	jobID      string
	webhookURL string
	metadata   []string
	mode       string
	delay      time.Duration
	wait       bool
	timeout    time.Duration
	force      bool
	dryRun     bool
}

// dispatched is what `dispatch` prints; with --wait it says how the job ended.
type dispatched struct {
	JobID     string               `json:"jobId"`
	MessageID string               `json:"messageId,omitempty"`
	WorkerID  string               `json:"workerId"`
	Status    string               `json:"status"`
	QueueURL  string               `json:"queueUrl"`
	Via       string               `json:"via"`
	SentAt    *time.Time           `json:"sentAt,omitempty"`
	Warnings  []dispatch.Violation `json:"warnings,omitempty"`
	// Message is what would be sent, with --dry-run.
	Message json.RawMessage `json:"message,omitempty"`
	// The rest belongs to --wait.
	Output json.RawMessage `json:"output,omitempty"`
	// OutputBytes is how long an output was that the worker left out of its log.
	OutputBytes int                `json:"outputBytes,omitempty"`
	Error       *dispatch.JobError `json:"error,omitempty"`
	RequestID   string             `json:"requestId,omitempty"`
	Attempt     int                `json:"attempt,omitempty"`
	DurationMS  float64            `json:"durationMs,omitempty"`
}

func (a *App) newDispatch() *cobra.Command {
	var f dispatchFlags
	cmd := &cobra.Command{
		Use:   "dispatch WORKER [JSON | -f FILE | -]",
		Short: "Send a job, its input checked against the worker's schema",
		Long: "Send a job to a worker. The input is checked against the worker's schema first; input that " +
			"does not fit is not sent, and exits 2.\n\nWith --wait the command follows the job in the logs to its " +
			"end and prints its output; a job that fails exits 1.",
		Example:           "aiwctl dispatch echo '{\"text\":\"hi\"}' --wait\naiwctl dispatch echo -f input.json --dry-run -o json\njq -c .job jobs.json | aiwctl dispatch echo -",
		Args:              cobra.RangeArgs(1, 2),
		ValidArgsFunction: a.completeWorkers,
		RunE: a.run(func(ctx context.Context, args []string) error {
			return a.dispatch(ctx, f, args[0], args[1:])
		}),
	}
	f.input.register(cmd)
	fl := cmd.Flags()
	fl.StringVar(&f.jobID, "job-id", "", "the job's id (default: a new one)")
	fl.StringVar(&f.webhookURL, "webhook-url", "", "called when the job has ended")
	fl.StringArrayVar(&f.metadata, "metadata", nil, "key=value, kept with the job; may be repeated")
	fl.StringVar(&f.mode, "mode", string(dispatch.ModeAuto), "auto; local: only an endpoint on this machine; remote: never one")
	fl.DurationVar(&f.delay, "delay", 0, "deliver it later, up to 15m; goes straight to the queue")
	fl.BoolVar(&f.wait, "wait", false, "follow the job to its end and print its output")
	fl.DurationVar(&f.timeout, "timeout", 15*time.Minute, "how long --wait waits")
	fl.BoolVar(&f.force, "force", false, "send the input even though it does not fit the schema")
	fl.BoolVar(&f.dryRun, "dry-run", false, "show what would be sent, and send nothing")
	must(cmd.RegisterFlagCompletionFunc("mode", cobra.FixedCompletions(
		[]string{"auto", "local", "remote"}, cobra.ShellCompDirectiveNoFileComp)))
	return cmd
}

func (a *App) dispatch(ctx context.Context, f dispatchFlags, name string, args []string) error {
	text, given, err := a.readInput(f.input, args)
	if err != nil {
		return err
	}
	if !given {
		return usagef("no input: give it as an argument, with --file, or as - for standard input")
	}
	req, err := f.request(text)
	if err != nil {
		return err
	}
	s, err := a.openStage(ctx)
	if err != nil {
		return err
	}
	if req.Worker, err = a.findWorker(ctx, s, name); err != nil {
		return err
	}
	if f.dryRun {
		plan, err := s.PlanDispatch(ctx, req)
		if err != nil {
			return err
		}
		return a.printPlan(plan)
	}
	sent, err := s.Dispatch(ctx, req)
	if err != nil {
		return err
	}
	for _, v := range sent.Warnings {
		fmt.Fprintln(a.Err, "aiwctl: warning:", plain(v.String()))
	}
	out := dispatched{
		JobID: sent.JobID, MessageID: sent.MessageID, WorkerID: sent.WorkerID, Status: sent.Status,
		QueueURL: sent.QueueURL, Via: sent.Via, SentAt: &sent.SentAt, Warnings: sent.Warnings,
	}
	if !f.wait {
		return a.print(out, func(t *tableWriter) {
			t.line(plain(fmt.Sprintf("sent %s to %s by %s (message %s)", sent.JobID, sent.WorkerID, sent.Via, sent.MessageID)))
		})
	}
	return a.waitForJob(ctx, s, req.Worker, out, f.timeout)
}

func (f *dispatchFlags) request(text []byte) (aws.DispatchRequest, error) {
	mode := dispatch.Mode(f.mode)
	switch mode {
	case dispatch.ModeAuto, dispatch.ModeLocal, dispatch.ModeRemote:
	default:
		return aws.DispatchRequest{}, usagef("unknown --mode %q; it takes auto, local or remote", f.mode)
	}
	metadata := map[string]any{}
	for _, kv := range f.metadata {
		k, v, ok := strings.Cut(kv, "=")
		if !ok || k == "" {
			return aws.DispatchRequest{}, usagef("--metadata %q is not key=value", kv)
		}
		metadata[k] = v
	}
	return aws.DispatchRequest{
		Input: text, Force: f.force, Mode: mode, JobID: f.jobID,
		WebhookURL: f.webhookURL, Metadata: metadata, Delay: f.delay,
	}, nil
}

func (a *App) printPlan(plan aws.DispatchResult) error {
	out := dispatched{
		JobID: plan.JobID, WorkerID: plan.WorkerID, Status: "not sent", QueueURL: plan.QueueURL,
		Via: plan.Via, Warnings: plan.Warnings, Message: plan.Message,
	}
	return a.print(out, func(t *tableWriter) {
		t.line(plain(fmt.Sprintf("would send %d bytes to %s by %s, as %s:", len(plan.Message), plan.QueueURL, plan.Via, plan.JobID)))
		t.line(plain(indentJSON(plan.Message)))
		for _, v := range plan.Warnings {
			t.line("warning: " + plain(v.String()))
		}
	})
}

// waitForJob follows a job in its worker's logs and prints how it ended.
func (a *App) waitForJob(ctx context.Context, s *aws.Stage, w aws.Worker, out dispatched, timeout time.Duration) error {
	sources := logs.Sources(w)
	if len(sources) == 0 {
		return fmt.Errorf("%s was sent, but %s has no function whose log could be followed", out.JobID, w.ID)
	}
	maxReceives := 0
	if w.Queue != nil {
		maxReceives = w.Queue.MaxReceiveCount
	}
	if a.OutTTY {
		fmt.Fprintln(a.Err, plain("sent "+out.JobID+" to "+w.ID+", waiting for its end"))
	}
	waitCtx, cancel := context.WithTimeoutCause(ctx, timeout, errWaited)
	defer cancel()
	q := logs.Query{Sources: sources, Since: out.SentAt.Add(-5 * time.Second), JobID: out.JobID}
	end, err := logs.NewReader(s.Logs()).WaitJob(waitCtx, q, maxReceives, func(l logs.Line) {
		if a.OutTTY && l.Event != nil {
			fmt.Fprintln(a.Err, "  "+oneLine(l.Text, 200))
		}
	})
	if errors.Is(context.Cause(waitCtx), errWaited) {
		return fmt.Errorf("%s was sent, but had not ended after %s; `aiwctl logs %s --job %s` shows how it is doing",
			out.JobID, timeout, w.ID, out.JobID)
	}
	if err != nil {
		return fmt.Errorf("%s was sent, but could not be followed: %w", out.JobID, err)
	}
	out.Status, out.Output, out.OutputBytes, out.Error = end.Status, end.Output, end.OutputBytes, end.Error
	out.RequestID, out.Attempt = end.RequestID, end.Attempt
	out.DurationMS = float64(end.Duration.Microseconds()) / 1000
	if err := a.print(out, func(t *tableWriter) {
		if len(end.Output) > 0 {
			t.line(plain(indentJSON(end.Output)))
		}
	}); err != nil {
		return err
	}
	if end.OutputBytes > 0 && len(end.Output) == 0 {
		fmt.Fprintf(a.Err, "aiwctl: %s completed; its output of %d bytes is not in the log, where `--wait` reads it\n", out.JobID, end.OutputBytes)
	}
	if end.Status == logs.StatusCompleted {
		return nil
	}
	reason := end.Status
	if end.Error != nil {
		reason += ": " + end.Error.Message
	}
	return &codeError{exitFailed, fmt.Errorf("%s of %s %s", out.JobID, w.ID, reason)}
}

var errWaited = errors.New("waited long enough")
