package cli

import (
	"context"
	"encoding/json"
	"strconv"

	"github.com/spf13/cobra"

	"github.com/microfox-ai/aiwctl/aws"
)

// workerRow is a worker as `workers` prints it; the field names are part of the
// interface.
type workerRow struct {
	ID       string `json:"id"`
	Group    string `json:"group,omitempty"`
	State    string `json:"state"`
	Severity string `json:"severity"`
	// The counts are null when they could not be read, dead also when the worker
	// has no dead-letter queue.
	Visible  *int `json:"visible"`
	InFlight *int `json:"inFlight"`
	Delayed  *int `json:"delayed"`
	Dead     *int `json:"dead"`
	// Mapping is the event source mapping's state, empty when there is none.
	Mapping     string          `json:"mapping,omitempty"`
	QueueURL    string          `json:"queueUrl,omitempty"`
	DLQURL      string          `json:"dlqUrl,omitempty"`
	Function    string          `json:"function,omitempty"`
	LogGroup    string          `json:"logGroup,omitempty"`
	InputSchema json.RawMessage `json:"inputSchema,omitempty"`
	Problems    []aws.Problem   `json:"problems,omitempty"`
}

func rowOf(w aws.Worker) workerRow {
	text, severity := w.State()
	r := workerRow{
		ID: w.ID, Group: w.Group, State: text, Severity: severity.String(),
		InputSchema: w.InputSchema, Problems: w.Problems,
	}
	if q := w.Queue; q != nil {
		r.QueueURL = q.URL
		r.Visible, r.InFlight, r.Delayed = depthOf(q)
	}
	if q := w.DLQ; q != nil {
		r.DLQURL = q.URL
		if !q.Depth.At.IsZero() {
			r.Dead = new(q.Depth.Total())
		}
	}
	if w.Mapping != nil {
		r.Mapping = w.Mapping.State
	}
	if w.Function != nil {
		r.Function, r.LogGroup = w.Function.Name, w.Function.LogGroup
	}
	return r
}

func (a *App) newWorkers() *cobra.Command {
	list := a.run(func(ctx context.Context, _ []string) error { return a.workersList(ctx) })
	cmd := &cobra.Command{
		Use:     "workers",
		Short:   "List the stage's workers with their queue depths",
		Example: "aiwctl workers\naiwctl workers -o json\naiwctl workers describe echo",
		Args:    subcommands,
		RunE:    list,
	}
	cmd.AddCommand(
		&cobra.Command{Use: "ls", Short: "List the stage's workers", Args: takes(0, 0, ""), RunE: list},
		&cobra.Command{
			Use:               "describe WORKER",
			Short:             "Show one worker: queues, function, mapping, schema, problems",
			Args:              takes(1, 1, "the worker"),
			ValidArgsFunction: a.completeWorker,
			RunE: a.run(func(ctx context.Context, args []string) error {
				return a.workersDescribe(ctx, args[0])
			}),
		})
	return cmd
}

func (a *App) workersList(ctx context.Context) error {
	s, inv, err := a.discover(ctx)
	if err != nil {
		return err
	}
	a.findings(inv)
	rows := make([]workerRow, len(inv.Workers))
	for i, w := range inv.Workers {
		rows[i] = rowOf(w)
	}
	err = a.print(rows, func(t *tableWriter) {
		t.row("WORKER", "GROUP", "STATE", "VISIBLE", "IN FLIGHT", "DELAYED", "DEAD", "MAPPING")
		for _, r := range rows {
			t.row(r.ID, orDash(r.Group), r.State, count(r.Visible), count(r.InFlight), count(r.Delayed), count(r.Dead), orDash(r.Mapping))
		}
	})
	if err == nil && len(rows) == 0 {
		err = nothingf("no workers in stage %q of %s; check --stage, --region, --service and --profile",
			s.Target().Stage, s.Target().Region)
	}
	return err
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
