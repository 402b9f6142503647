package cli

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"github.com/microfox-ai/aiwctl/aws"
	"github.com/microfox-ai/aiwctl/aws/detail"
	"github.com/microfox-ai/aiwctl/aws/health"
	"github.com/microfox-ai/aiwctl/aws/metrics"
	"github.com/microfox-ai/aiwctl/aws/watch"
)

// workerRow is a worker as `workers` prints it; the field names are part of the
// interface.
type workerRow struct {
	ID    string `json:"id"`
	Group string `json:"group,omitempty"`
	// State, Severity, Evidence and Advice are the most serious of what is the
	// matter, Reasons the rest of it, Missing what could not be judged. Kind is the
	// state without its numbers, for programs.
	Kind     health.Kind     `json:"kind"`
	State    string          `json:"state"`
	Severity string          `json:"severity"`
	Evidence string          `json:"evidence,omitempty"`
	Advice   string          `json:"advice,omitempty"`
	Reasons  []health.Reason `json:"reasons,omitempty"`
	Missing  []string        `json:"missing,omitempty"`
	// The counts are null when they could not be read, dead also when the worker
	// has no dead-letter queue.
	Visible  *int `json:"visible"`
	InFlight *int `json:"inFlight"`
	Delayed  *int `json:"delayed"`
	Dead     *int `json:"dead"`
	// OldestSeconds is how long the oldest message has waited, as CloudWatch says;
	// null when it does not. PerMinute is how fast the waiting messages change; null
	// when the readings do not tell.
	OldestSeconds *int64   `json:"oldestSeconds"`
	PerMinute     *float64 `json:"perMinute"`
	// ReadAt is when the depth was read; null when it never was.
	ReadAt *time.Time `json:"readAt"`
	// Mapping is the event source mapping's state, empty when there is none.
	Mapping     string          `json:"mapping,omitempty"`
	QueueURL    string          `json:"queueUrl,omitempty"`
	DLQURL      string          `json:"dlqUrl,omitempty"`
	Function    string          `json:"function,omitempty"`
	LogGroup    string          `json:"logGroup,omitempty"`
	InputSchema json.RawMessage `json:"inputSchema,omitempty"`
	Problems    []aws.Problem   `json:"problems,omitempty"`
}

func rowOf(w *aws.Worker, v *health.Verdict) workerRow {
	r := workerRow{
		ID: w.ID, Group: w.Group, Kind: v.Kind, State: v.State, Severity: v.Severity.String(), Evidence: v.Evidence, Advice: v.Advice,
		Reasons: v.More, Missing: v.Missing, PerMinute: v.PerMinute, InputSchema: w.InputSchema, Problems: w.Problems,
	}
	if q := w.Queue; q != nil {
		r.QueueURL = q.URL
		r.Visible, r.InFlight, r.Delayed = detail.DepthOf(q)
		r.ReadAt = timeOrNil(q.Depth.At)
	}
	if q := w.DLQ; q != nil {
		r.DLQURL = q.URL
		if !q.Depth.At.IsZero() {
			r.Dead = new(q.Depth.Total())
		}
	}
	if v.Oldest != nil {
		r.OldestSeconds = new(int64(*v.Oldest / time.Second))
	}
	if w.Mapping != nil {
		r.Mapping = w.Mapping.State
	}
	if w.Function != nil {
		r.Function, r.LogGroup = w.Function.Name, w.Function.LogGroup
	}
	return r
}

// workersFlags are the flags of workers ls.
type workersFlags struct {
	noMetrics bool
	sort      string
	watch     string // the interval as it was written; empty: once
}

// The orders of workers ls.
const (
	byState = "state"
	byID    = "id"
	byDepth = "depth"
	byDead  = "dead"
)

func (f *workersFlags) register(cmd *cobra.Command) {
	cmd.Flags().BoolVar(&f.noMetrics, "no-metrics", false, "do not ask CloudWatch: no failures, throttles and oldest ages")
	cmd.Flags().StringVar(&f.sort, "sort", byState, "order: state (what needs attention first), id, depth or dead")
	cmd.Flags().StringVarP(&f.watch, "watch", "w", "", "read again and again, every so often")
	cmd.Flags().Lookup("watch").NoOptDefVal = watch.Every.String()
	must(cmd.RegisterFlagCompletionFunc("sort", cobra.FixedCompletions([]string{byState, byID, byDepth, byDead}, cobra.ShellCompDirectiveNoFileComp)))
}

// interval is how often to read again; zero means once. args may have it, too: a
// flag's optional value cannot stand apart from it.
func (f *workersFlags) interval(args []string) (time.Duration, error) {
	text := f.watch
	if len(args) > 0 {
		text = args[0]
	}
	if text == "" {
		return 0, nil
	}
	d, err := time.ParseDuration(text)
	if err != nil || d < time.Second {
		return 0, usagef("--watch: %q is no time of a second or more, such as 5s", oneLine(text, 40))
	}
	return d, nil
}

// args allows an interval after --watch.
func (f *workersFlags) args(otherwise cobra.PositionalArgs) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if f.watch != "" && len(args) == 1 {
			return nil
		}
		return otherwise(cmd, args)
	}
}

const workersLong = "List the stage's workers: how each is, in words, what waits, is in flight, delayed and dead, and how long the " +
	"oldest message has waited. What needs attention comes first. `docs/health.md` explains the words.\n\n" +
	"CloudWatch is asked for eight metrics a worker, which costs $0.08 for a thousand workers, and with --watch for " +
	"at most 50 a minute from then on; --no-metrics leaves it out. Reading the stage keeps to 1,200 calls a minute (--max-calls).\n\n" +
	"Exit code 5 says that some workers could not be read."

func (a *App) newWorkers() *cobra.Command {
	command := func(use string, check cobra.PositionalArgs) *cobra.Command {
		var f workersFlags
		cmd := &cobra.Command{
			Use: use, Short: "List the stage's workers: how they are, and what is in their queues", Long: workersLong,
			Example: "aiwctl workers\naiwctl workers --watch\naiwctl workers -o json --no-metrics\naiwctl workers describe echo\naiwctl workers pause echo --wait",
			Args:    f.args(check),
			RunE:    a.run(func(ctx context.Context, args []string) error { return a.workersList(ctx, &f, args) }),
		}
		f.register(cmd)
		return cmd
	}
	cmd := command("workers", subcommands)
	cmd.AddCommand(
		command("ls", takes(0, 0, "")),
		&cobra.Command{
			Use:               "describe WORKER",
			Short:             "Show one worker: queues, function, mapping, schema, problems",
			Args:              takes(1, 1, "the worker"),
			ValidArgsFunction: a.completeWorker,
			RunE: a.run(func(ctx context.Context, args []string) error {
				return a.workersDescribe(ctx, args[0])
			}),
		},
		a.newPause(false), a.newPause(true))
	return cmd
}

func (a *App) workersList(ctx context.Context, f *workersFlags, args []string) error {
	every, err := f.interval(args)
	if err != nil {
		return err
	}
	if !slices.Contains([]string{byState, byID, byDepth, byDead}, f.sort) {
		return usagef("--sort: %q is none of state, id, depth and dead", oneLine(f.sort, 40))
	}
	if every > 0 {
		return a.workersWatch(ctx, f, every)
	}
	s, inv, err := a.discover(ctx)
	if err != nil {
		return err
	}
	a.findings(inv)
	board := boardOf(s, f)
	board.Discovered(inv, a.Now())
	a.measure(ctx, s, board, nil, func(err error) { a.warnErr("CloudWatch's numbers could not be read", err) })
	rows := f.rows(board, a.Now())
	if err := a.print(rows, func(t *tableWriter) { a.workersTable(t, rows) }); err != nil {
		return err
	}
	if len(rows) == 0 {
		return nothingf("no workers in stage %q of %s; check --stage, --region, --service and --profile",
			s.Target().Stage, s.Target().Region)
	}
	return unreadError(rows)
}

// unreadError is the error when some rows could not be read; each was told of before.
func unreadError(rows []workerRow) error {
	n := 0
	for _, r := range rows {
		if r.QueueURL != "" && r.ReadAt == nil && !gone(r.Problems) || r.DLQURL != "" && r.Dead == nil && !gone(r.Problems) {
			n++
		}
	}
	if n == 0 {
		return nil
	}
	return &codeError{exitPartly, fmt.Errorf("%d of %s could not be read wholly", n, plural(len(rows), "worker"))}
}

// gone is whether a queue was not read because it does not exist, which is an answer.
func gone(list []aws.Problem) bool {
	return slices.ContainsFunc(list, func(p aws.Problem) bool {
		return p.Kind == aws.ProblemQueueGone || p.Kind == aws.ProblemDLQGone
	})
}

func boardOf(s *aws.Stage, f *workersFlags) *watch.Board {
	return watch.New(watch.Config{MaxCalls: s.Pace().Limit, Metrics: !f.noMetrics, Free: s.Target().Loopback()})
}

// measure asks CloudWatch what the board wants to know.
func (a *App) measure(ctx context.Context, s *aws.Stage, board *watch.Board, shown []string, failed func(error)) {
	list, q := board.NextMetrics(shown, a.Now())
	if len(list) == 0 {
		return
	}
	got, err := metrics.For(s).Read(ctx, list, q)
	board.Measured(got, err)
	if err != nil && ctx.Err() == nil {
		failed(err)
	}
}

// rows are the workers in the order that was asked for.
func (f *workersFlags) rows(board *watch.Board, now time.Time) []workerRow {
	inv, verdicts := board.Inventory(), board.Verdicts(now)
	type entry struct {
		health.Row
		worker *aws.Worker
	}
	list := make([]entry, len(inv.Workers))
	for i := range inv.Workers {
		w := &inv.Workers[i]
		e := entry{health.Row{ID: w.ID, Verdict: verdicts[w.ID]}, w}
		if w.Queue != nil {
			e.Backlog = w.Queue.Depth.Total()
		}
		if w.DLQ != nil {
			e.Dead = w.DLQ.Depth.Total()
		}
		list[i] = e
	}
	slices.SortStableFunc(list, func(x, y entry) int {
		switch f.sort {
		case byID:
			return cmp.Compare(x.ID, y.ID)
		case byDepth:
			return cmp.Or(cmp.Compare(y.Backlog, x.Backlog), cmp.Compare(x.ID, y.ID))
		case byDead:
			return cmp.Or(cmp.Compare(y.Dead, x.Dead), cmp.Compare(x.ID, y.ID))
		}
		return health.Compare(x.Row, y.Row)
	})
	rows := make([]workerRow, len(list))
	for i, e := range list {
		rows[i] = rowOf(e.worker, e.Verdict)
	}
	return rows
}

func count(n *int) string {
	if n == nil {
		return "-"
	}
	return strconv.Itoa(*n)
}

func orDash(s string) string {
	if s == "" {
		return "-"
	}
	return s
}
