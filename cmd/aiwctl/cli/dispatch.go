package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/microfox-ai/aiwctl/aws"
	"github.com/microfox-ai/aiwctl/aws/logs"
	"github.com/microfox-ai/aiwctl/aws/recall"
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
	recall     recallFlags
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
		Use:   "dispatch WORKER [JSON | -f FILE | - | --template NAME | --again]",
		Short: "Send a job, its input checked against the worker's schema",
		Long: "Send a job to a worker. The input is checked against the worker's schema first; input that " +
			"does not fit is not sent, and exits 2.\n\nWith --wait the command follows the job in the logs to its " +
			"end and prints its output; a job that fails exits 1.\n\n" +
			"What is sent is kept on this machine, readable by you only, the last " + strconv.Itoa(recall.DefaultMost) + " inputs of each worker; " +
			recall.EnvMost + " says how many, and off keeps none. --again sends the last one, or that of a job, once more; `aiwctl inputs` lists them.",
		Example:           "aiwctl dispatch echo '{\"text\":\"hi\"}' --wait\naiwctl dispatch echo -f input.json --dry-run -o json\naiwctl dispatch echo --again\naiwctl dispatch echo --template smoke --wait\njq -c .job jobs.json | aiwctl dispatch echo -",
		Args:              takes(1, 2, "the worker"),
		ValidArgsFunction: a.completeWorker,
		RunE: a.run(func(ctx context.Context, args []string) error {
			return a.dispatch(ctx, f, args[0], args[1:])
		}),
	}
	f.input.register(cmd)
	fl := cmd.Flags()
	fl.StringVar(&f.jobID, "job-id", "", "the job's id (default: a new one)")
	fl.StringVar(&f.webhookURL, "webhook-url", "", "called when the job has ended")
	fl.StringArrayVar(&f.metadata, "metadata", nil, "key=value, or a JSON object, kept with the job; may be repeated")
	fl.StringVar(&f.mode, "mode", string(dispatch.ModeAuto), "auto; local: only an endpoint on this machine; remote: never one")
	fl.DurationVar(&f.delay, "delay", 0, "deliver it later, up to 15m; goes straight to the queue")
	fl.BoolVar(&f.wait, "wait", false, "follow the job to its end and print its output")
	fl.DurationVar(&f.timeout, "timeout", 15*time.Minute, "how long --wait waits; 0 for as long as it takes")
	fl.BoolVar(&f.force, "force", false, "send the input even though it does not fit the schema")
	fl.BoolVar(&f.dryRun, "dry-run", false, "show what would be sent, and send nothing")
	f.recall.register(cmd)
	must(cmd.RegisterFlagCompletionFunc("mode", cobra.FixedCompletions(
		[]string{"auto", "local", "remote"}, cobra.ShellCompDirectiveNoFileComp)))
	return cmd
}

func (a *App) dispatch(ctx context.Context, f dispatchFlags, name string, args []string) error {
	text, given, err := a.readInput(ctx, f.input, args)
	if err != nil {
		return err
	}
	switch {
	case given && f.recall.any():
		return usagef("the input is given twice: --template and --again bring their own")
	case !given && !f.recall.any():
		return usagef("no input: give it as an argument, with --file, as - for standard input, with --template, or with --again")
	}
	if f.timeout < 0 {
		return usagef("--timeout %s is negative", f.timeout)
	}
	req, err := f.request(text)
	if err != nil {
		return err
	}
	s, w, err := a.findWorker(ctx, name)
	if err != nil {
		return err
	}
	req.Worker = w
	kept, err := recall.For(s, a.Getenv)
	if err != nil {
		return usageError(err)
	}
	if err := f.recall.fill(kept, &req, a.Now()); err != nil {
		return err
	}
	if f.dryRun {
		plan, err := s.PlanDispatch(ctx, req)
		if err != nil {
			return err
		}
		if err := f.recall.save(kept, req, a.Now()); err != nil {
			return err
		}
		return a.printPlan(plan)
	}
	if ctx, err = a.mayDispatch(ctx, s, w.ID); err != nil {
		return err
	}
	sent, err := s.Dispatch(ctx, req)
	if err != nil && sent.JobID == "" {
		return err
	}
	if kerr := errors.Join(kept.Keep(w.ID, kept.Job(req, sent)), f.recall.save(kept, req, sent.SentAt)); kerr != nil {
		fmt.Fprintln(a.Err, "aiwctl: warning:", plain(sent.JobID+" was sent, but: "+kerr.Error()))
	}
	for _, v := range sent.Warnings {
		fmt.Fprintln(a.Err, "aiwctl: warning:", plain(v.String()))
	}
	out := dispatched{
		JobID: sent.JobID, MessageID: sent.MessageID, WorkerID: sent.WorkerID, Status: sent.Status,
		QueueURL: sent.QueueURL, Via: sent.Via, SentAt: &sent.SentAt, Warnings: sent.Warnings,
	}
	if err != nil { // it was sent, and is not on record
		return errors.Join(err, a.printSent(out))
	}
	if !f.wait {
		return a.printSent(out)
	}
	return a.waitForJob(ctx, s, req.Worker, out, f.timeout)
}

// mayDispatch asks for the name of a protected stage; for others a dispatch asks
// nothing.
func (a *App) mayDispatch(ctx context.Context, s *aws.Stage, id string) (context.Context, error) {
	is := s.Guard().Protected()
	if err := a.mayWrite(ctx, s, aws.Action{Name: "dispatch", Object: id}, false); err != nil || !is.Needed && a.global.confirmStage == "" {
		return ctx, err
	}
	return a.confirm(ctx, is, fmt.Sprintf("send a job to %s in stage %s", id, s.Target().Stage), false)
}

// printSent prints what was sent, as yet without an end.
func (a *App) printSent(out dispatched) error {
	err := a.print(out, func(t *tableWriter) {
		t.line(plain(fmt.Sprintf("sent %s to %s by %s (message %s)", out.JobID, out.WorkerID, out.Via, out.MessageID)))
	})
	return notPrinted(out, err)
}

// notPrinted says that a job went out of which the output could not be written.
func notPrinted(out dispatched, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s was sent, but the output could not be written: %w", out.JobID, err)
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
		if strings.HasPrefix(strings.TrimSpace(kv), "{") {
			dec := json.NewDecoder(strings.NewReader(kv))
			dec.UseNumber() // nothing is rounded
			if err := dec.Decode(&metadata); err != nil || dec.More() {
				return aws.DispatchRequest{}, usagef("--metadata %q is no JSON object", kv)
			}
			continue
		}
		k, v, ok := strings.Cut(kv, "=")
		if !ok || k == "" {
			return aws.DispatchRequest{}, usagef("--metadata %q is not key=value", kv)
		}
		metadata[k] = v
	}
	if u, err := url.Parse(f.webhookURL); f.webhookURL != "" && (err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https") {
		return aws.DispatchRequest{}, usagef("--webhook-url is no http or https URL") // not quoted: it may hold a secret
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
		t.line(plain(strings.TrimSuffix(plan.PlanText(), "\n")))
	})
}

// waitForJob follows a job in its worker's logs and prints how it ended.
func (a *App) waitForJob(ctx context.Context, s *aws.Stage, w aws.Worker, out dispatched, timeout time.Duration) error {
	sources := logs.Sources(w)
	if len(sources) == 0 {
		return errors.Join(a.printSent(out), fmt.Errorf("%s was sent, but %s has no function whose log could be followed", out.JobID, w.ID))
	}
	maxReceives := 0
	if w.Queue != nil {
		maxReceives = w.Queue.MaxReceiveCount
	}
	if a.OutTTY {
		fmt.Fprintln(a.Err, plain("sent "+out.JobID+" to "+w.ID+", waiting for its end"))
	}
	waitCtx := ctx
	if timeout > 0 {
		var cancel context.CancelFunc
		waitCtx, cancel = context.WithTimeoutCause(ctx, timeout, errWaited)
		defer cancel()
	}
	q := logs.Query{Sources: sources, Since: out.SentAt.Add(-5 * time.Second), JobID: out.JobID}
	end, err := logs.For(s).WaitJob(waitCtx, q, maxReceives, func(l logs.Line) {
		if a.OutTTY && l.Event != nil {
			fmt.Fprintln(a.Err, "  "+oneLine(l.Text, 200))
		}
	})
	if err != nil {
		return a.notWaited(ctx, waitCtx, w, out, timeout, err)
	}
	out.Status, out.Output, out.OutputBytes, out.Error = end.Status, end.Output, end.OutputBytes, end.Error
	out.RequestID, out.Attempt = end.RequestID, end.Attempt
	out.DurationMS = float64(end.Duration.Microseconds()) / 1000
	if err := a.print(out, func(t *tableWriter) {
		if len(end.Output) > 0 {
			t.line(plain(indentJSON(end.Output)))
		}
	}); err != nil {
		return notPrinted(out, err)
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

// notWaited says that a job went out and how it is to be found again: as data for
// a program, whose standard output would otherwise be empty, and in words.
func (a *App) notWaited(ctx, waitCtx context.Context, w aws.Worker, out dispatched, timeout time.Duration, err error) error {
	if a.format() != formatTable {
		if perr := a.printSent(out); perr != nil {
			return perr
		}
	}
	find := fmt.Sprintf("`aiwctl logs %s --job %s` shows how it is doing", w.ID, out.JobID)
	switch {
	case ctx.Err() != nil:
		return interruptedf("interrupted; %s was sent and goes on: %s", out.JobID, find)
	case errors.Is(context.Cause(waitCtx), errWaited):
		return fmt.Errorf("%s was sent, but had not ended after %s; %s", out.JobID, timeout, find)
	}
	return fmt.Errorf("%s was sent, but could not be followed: %w", out.JobID, err)
}

var errWaited = errors.New("waited long enough")
