package cli

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/microfox-ai/aiwctl/aws/redrive"
)

func (a *App) newDLQ() *cobra.Command {
	list := a.run(func(ctx context.Context, _ []string) error { return a.dlqList(ctx) })
	cmd := &cobra.Command{
		Use:     "dlq",
		Short:   "Look into dead-letter queues and replay what is in them",
		Example: "aiwctl dlq ls\naiwctl dlq peek echo -n 20 -o json\naiwctl dlq replay echo --all --yes",
		Args:    subcommands,
		RunE:    list,
	}
	cmd.AddCommand(
		&cobra.Command{Use: "ls", Short: "List every dead-letter queue of the stage", Args: takes(0, 0, ""), RunE: list},
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
	_, inv, err := a.discover(ctx)
	if err != nil {
		return err
	}
	rows := []dlqRow{}
	for _, w := range inv.Workers {
		if w.DLQ == nil {
			continue
		}
		r := dlqRow{WorkerID: w.ID, Name: w.DLQ.Name, URL: w.DLQ.URL, Onward: w.DLQ.DeadLetterARN}
		if w.Queue != nil {
			r.MaxReceiveCount = w.Queue.MaxReceiveCount
		}
		r.Visible, r.InFlight, r.Delayed = depthOf(w.DLQ)
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
		Example:           "aiwctl dlq peek echo\naiwctl dlq peek echo -n 100 -o jsonl",
		Args:              takes(1, 1, "the worker"),
		ValidArgsFunction: a.completeWorker,
		RunE:              a.run(func(ctx context.Context, args []string) error { return a.dlqPeek(ctx, args[0], n) }),
	}
	cmd.Flags().IntVarP(&n, "number", "n", 10, "how many messages to look at")
	return cmd
}

func (a *App) dlqPeek(ctx context.Context, name string, n int) error {
	if n < 1 {
		return usagef("-n %d: look at one message at least", n)
	}
	s, w, err := a.findWorker(ctx, name)
	if err != nil {
		return err
	}
	found, err := redrive.New(s).Peek(ctx, w, n)
	if err != nil {
		return err
	}
	a.warnings(found.Warnings)
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
