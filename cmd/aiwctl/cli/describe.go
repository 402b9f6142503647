package cli

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/microfox-ai/aiwctl/aws"
	"github.com/microfox-ai/aiwctl/aws/health"
)

// workerDetail is a worker as `workers describe` prints it; the field names are
// part of the interface. Times are in seconds.
type workerDetail struct {
	ID    string `json:"id"`
	Group string `json:"group,omitempty"`
	// Kind to Missing are as in workerRow.
	Kind          health.Kind     `json:"kind"`
	State         string          `json:"state"`
	Severity      string          `json:"severity"`
	Evidence      string          `json:"evidence,omitempty"`
	Advice        string          `json:"advice,omitempty"`
	Reasons       []health.Reason `json:"reasons,omitempty"`
	Missing       []string        `json:"missing,omitempty"`
	OldestSeconds *int64          `json:"oldestSeconds"`
	Queue         *queueDetail    `json:"queue"`
	DLQ           *queueDetail    `json:"dlq"`
	Function      *functionDetail `json:"function"`
	Mapping       *aws.Mapping    `json:"mapping"`
	InputSchema   json.RawMessage `json:"inputSchema,omitempty"`
	Problems      []aws.Problem   `json:"problems,omitempty"`
}

type queueDetail struct {
	Name string `json:"name"`
	URL  string `json:"url"`
	ARN  string `json:"arn"`
	FIFO bool   `json:"fifo,omitempty"`
	// The counts are null when they could not be read.
	Visible           *int    `json:"visible"`
	InFlight          *int    `json:"inFlight"`
	Delayed           *int    `json:"delayed"`
	VisibilityTimeout float64 `json:"visibilityTimeoutSeconds"`
	Retention         float64 `json:"retentionSeconds"`
	MaxReceiveCount   int     `json:"maxReceiveCount,omitempty"`
	DeadLetterARN     string  `json:"deadLetterArn,omitempty"`
}

type functionDetail struct {
	Name         string     `json:"name"`
	ARN          string     `json:"arn,omitempty"`
	Runtime      string     `json:"runtime,omitempty"`
	State        string     `json:"state,omitempty"`
	Handler      string     `json:"handler,omitempty"`
	LogGroup     string     `json:"logGroup"`
	Timeout      float64    `json:"timeoutSeconds"`
	MemoryMB     int        `json:"memoryMB"`
	LastModified *time.Time `json:"lastModified,omitempty"`
	// Derived is true when only the names are known.
	Derived bool `json:"derived,omitempty"`
}

func detailOf(w *aws.Worker, v *health.Verdict) workerDetail {
	r := rowOf(w, v)
	d := workerDetail{
		ID: w.ID, Group: w.Group, Kind: r.Kind, State: r.State, Severity: r.Severity, Evidence: r.Evidence, Advice: r.Advice,
		Reasons: r.Reasons, Missing: r.Missing, OldestSeconds: r.OldestSeconds,
		Queue: queueDetailOf(w.Queue), DLQ: queueDetailOf(w.DLQ),
		Mapping: w.Mapping, InputSchema: w.InputSchema, Problems: w.Problems,
	}
	if f := w.Function; f != nil {
		d.Function = &functionDetail{
			Name: f.Name, ARN: f.ARN, Runtime: f.Runtime, State: f.State, Handler: f.Handler, LogGroup: f.LogGroup,
			Timeout: f.Timeout.Seconds(), MemoryMB: f.MemoryMB, LastModified: timeOrNil(f.LastModified), Derived: f.Derived,
		}
	}
	return d
}

func queueDetailOf(q *aws.Queue) *queueDetail {
	if q == nil {
		return nil
	}
	d := &queueDetail{
		Name: q.Name, URL: q.URL, ARN: q.ARN, FIFO: q.FIFO,
		VisibilityTimeout: q.VisibilityTimeout.Seconds(), Retention: q.Retention.Seconds(),
		MaxReceiveCount: q.MaxReceiveCount, DeadLetterARN: q.DeadLetterARN,
	}
	d.Visible, d.InFlight, d.Delayed = depthOf(q)
	return d
}

// depthOf is a queue's depth, nil where it was not read.
func depthOf(q *aws.Queue) (visible, inFlight, delayed *int) {
	if q == nil || q.Depth.At.IsZero() {
		return nil, nil, nil
	}
	return new(q.Depth.Visible), new(q.Depth.InFlight), new(q.Depth.Delayed)
}

func (a *App) workersDescribe(ctx context.Context, name string) error {
	s, w, err := a.findWorker(ctx, name)
	if err != nil {
		return err
	}
	board := boardOf(s, &workersFlags{})
	board.Discovered(&aws.Inventory{Workers: []aws.Worker{w}}, a.Now())
	a.measure(ctx, s, board, nil, func(err error) { a.warnErr("CloudWatch's numbers could not be read", err) })
	d := detailOf(&w, new(board.Verdict(w.ID, a.Now())))
	return a.print(d, func(t *tableWriter) {
		t.row("worker", d.ID)
		t.row("group", orDash(d.Group))
		t.row("state", d.State)
		for _, text := range []string{d.Evidence, d.Advice} {
			if text != "" {
				t.row("", text)
			}
		}
		for _, r := range d.Reasons {
			t.row("also", r.State)
			if r.Evidence != "" {
				t.row("", r.Evidence)
			}
		}
		describeQueue(t, "queue", w.Queue)
		describeQueue(t, "dead letters", w.DLQ)
		describeFunction(t, w.Function)
		if m := w.Mapping; m != nil {
			partial := "whole batches only"
			if m.ReportsBatchItemFailures {
				partial = "partial batch responses"
			}
			t.row("mapping", fmt.Sprintf("%s, batches of %d, %s", m.State, m.BatchSize, partial))
		} else {
			t.row("mapping", "-")
		}
		for _, p := range w.Problems {
			t.row(p.Severity, p.Text)
		}
		if len(w.InputSchema) > 0 {
			t.line("\ninput schema:\n" + plain(indentJSON(w.InputSchema)))
		}
	})
}

func describeQueue(t *tableWriter, label string, q *aws.Queue) {
	if q == nil {
		t.row(label, "-")
		return
	}
	t.row(label, q.URL)
	d := q.Depth
	text := "not read"
	if !d.At.IsZero() {
		text = fmt.Sprintf("%d visible, %d in flight, %d delayed", d.Visible, d.InFlight, d.Delayed)
	}
	t.row("", text)
	if q.MaxReceiveCount > 0 {
		t.row("", fmt.Sprintf("visibility timeout %s, dead after %d receives", q.VisibilityTimeout, q.MaxReceiveCount))
	}
}

func describeFunction(t *tableWriter, f *aws.Function) {
	switch {
	case f == nil:
		t.row("function", "-")
		return
	case f.Derived:
		t.row("function", f.Name+" (named as deployments name it; Lambda could not be read)")
	default:
		t.row("function", fmt.Sprintf("%s, %s, timeout %s, %d MB", f.Name, orDash(f.Runtime), f.Timeout, f.MemoryMB))
	}
	t.row("log group", orDash(f.LogGroup))
	if !f.LastModified.IsZero() {
		t.row("deployed", f.LastModified.Local().Format(time.DateTime))
	}
}
