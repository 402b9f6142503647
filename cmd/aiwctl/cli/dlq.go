package cli

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/microfox-ai/aiwctl/aws"
	"github.com/microfox-ai/aiwctl/aws/detail"
	"github.com/microfox-ai/aiwctl/aws/metrics"
	"github.com/microfox-ai/aiwctl/aws/redrive"
)

func (a *App) newDLQ() *cobra.Command {
	list := a.run(func(ctx context.Context, _ []string) error { return a.dlqList(ctx) })
	cmd := &cobra.Command{
		Use:   "dlq",
		Short: "Look into dead-letter queues, and replay, export or delete what is in them",
		Long: "Look into dead-letter queues, and replay, export or delete what is in them. WORKER is a worker's id, or the " +
			"name or URL of a queue: of a worker's, or of any other of the account.",
		Example: "aiwctl dlq ls\naiwctl dlq why checkout\naiwctl dlq peek checkout --where 'error contains \"timed out\"'\n" +
			"aiwctl dlq replay checkout --all --canary 5 --watch 2m",
		Args: subcommands,
		RunE: list,
	}
	cmd.PersistentFlags().StringVar(&a.store, "store", "", "the workers' job records: redis://…, dynamodb:TABLE, file:DIR, none (default: AIWCTL_STORE, then the deployed system's variables)")
	must(cmd.RegisterFlagCompletionFunc("store", cobra.NoFileCompletions))
	cmd.AddCommand(
		&cobra.Command{Use: "ls", Short: "List every dead-letter queue of the stage", Args: takes(0, 0, ""), RunE: list},
		a.newPeek(), a.newWhy(), a.newReplay(), a.newResume(), a.newDelete(), a.newExport(), a.newImport(),
	)
	return cmd
}

// dlqRow is a dead-letter queue as `dlq ls` prints it.
type dlqRow struct {
	// WorkerID is the first worker that the queue serves, Workers are all of them.
	WorkerID string   `json:"workerId"`
	Workers  []string `json:"workers"`
	Name     string   `json:"name"`
	URL      string   `json:"url"`
	Visible  *int     `json:"visible"`
	InFlight *int     `json:"inFlight"`
	Delayed  *int     `json:"delayed"`
	// OldestSeconds is how long the oldest message has been in the queue, as
	// CloudWatch says; null when it does not.
	OldestSeconds *int64 `json:"oldestSeconds"`
	// Sources are the queues whose redrive policy names this one.
	Sources         []string `json:"sources"`
	MaxReceiveCount int      `json:"maxReceiveCount"`
	// Onward is the queue that this dead-letter queue itself passes messages on
	// to when they are received too often; looking may trigger it.
	Onward string `json:"onwardDlqArn,omitempty"`
	// OnwardAfter is how many receives a message may have before that.
	OnwardAfter int `json:"onwardAfterReceives,omitempty"`
}

func (a *App) dlqList(ctx context.Context) error {
	s, inv, err := a.discover(ctx)
	if err != nil {
		return err
	}
	rows := a.dlqRows(ctx, s, inv)
	err = a.print(rows, func(t *tableWriter) {
		t.row("WORKER", "VISIBLE", "IN FLIGHT", "OLDEST", "DEAD-LETTER QUEUE", "AFTER", "FROM") // what matters within 80 columns
		for _, r := range rows {
			oldest := "-"
			if r.OldestSeconds != nil {
				oldest = span(time.Duration(*r.OldestSeconds) * time.Second)
			}
			t.row(strings.Join(r.Workers, ", "), count(r.Visible), count(r.InFlight), oldest, r.Name,
				plural(r.MaxReceiveCount, "receive"), strings.Join(r.Sources, ", "))
			if r.Onward != "" {
				t.line(plain(fmt.Sprintf("note: %s has a redrive policy of its own: a message that is received more than %d times moves on to %s, and every look is a receive",
					r.Name, r.OnwardAfter, r.Onward)))
			}
		}
	})
	if err == nil && len(rows) == 0 {
		err = nothingf("no worker of the stage has a dead-letter queue")
	}
	return err
}

// dlqRows are the stage's dead-letter queues, each once.
func (a *App) dlqRows(ctx context.Context, s *aws.Stage, inv *aws.Inventory) []dlqRow {
	rows := []dlqRow{}
	at := map[string]int{}
	var queues []*aws.Queue
	for _, w := range inv.Workers {
		if w.DLQ == nil {
			continue
		}
		if i, ok := at[w.DLQ.URL]; ok {
			rows[i].Workers = append(rows[i].Workers, w.ID)
			continue
		}
		at[w.DLQ.URL] = len(rows)
		queues = append(queues, w.DLQ)
		r := dlqRow{
			WorkerID: w.ID, Workers: []string{w.ID}, Name: w.DLQ.Name, URL: w.DLQ.URL, Sources: []string{},
			Onward: w.DLQ.DeadLetterARN, OnwardAfter: w.DLQ.MaxReceiveCount,
		}
		if w.Queue != nil {
			r.MaxReceiveCount = w.Queue.MaxReceiveCount
		}
		r.Visible, r.InFlight, r.Delayed = detail.DepthOf(w.DLQ)
		rows = append(rows, r)
	}
	ages, err := metrics.For(s).Ages(ctx, queues)
	if err != nil {
		a.warnErr("how old the oldest messages are could not be read", err)
	}
	engine := a.engine(s, nil)
	for i := range rows {
		if age, ok := ages[rows[i].URL]; ok {
			rows[i].OldestSeconds = new(int64(age / time.Second))
		}
	}
	a.eachSource(ctx, engine, queues, func(i int, sources []string) { rows[i].Sources = sources })
	return rows
}

// eachSource asks SQS which queues each dead-letter queue serves.
func (a *App) eachSource(ctx context.Context, e *redrive.Engine, queues []*aws.Queue, fn func(int, []string)) {
	all, err := e.SourcesOf(ctx, queues)
	for i, urls := range all {
		names := make([]string, len(urls))
		for n, url := range urls {
			names[n] = url[strings.LastIndexByte(url, '/')+1:]
		}
		slices.Sort(names)
		fn(i, names)
	}
	if err != nil {
		a.warnErr("which queues they serve could not be read", err)
	}
}

// warnErr says on standard error what could not be read, and what to do.
func (a *App) warnErr(what string, err error) {
	text := what + ": " + err.Error()
	if _, hint := aws.Classify(err); hint != "" && !strings.Contains(text, hint) {
		text += "; " + hint
	}
	a.warnings([]string{text})
}

// dlqTarget is the dead-letter queue that a command is about.
type dlqTarget struct {
	stage  *aws.Stage
	inv    *aws.Inventory
	worker aws.Worker
	// byQueue is whether the queue itself was named: then what is in it is meant,
	// whichever queue it came from.
	byQueue bool
}

// queues are those that a write touches; to is one more that was named, or empty.
func (t *dlqTarget) queues(to string) []string {
	var out []string
	if to != "" {
		out = append(out, to)
	}
	for _, q := range []*aws.Queue{t.worker.DLQ, t.worker.Queue} {
		if q != nil {
			out = append(out, q.Name)
		}
	}
	return out
}

// protected is whether a write wants a stage's name: the target's, or that of the
// queues that a person has named.
func (t *dlqTarget) protected(to string) aws.Protected {
	return t.stage.Guard().ProtectedFor(t.queues(to)...)
}

// findDLQ finds the worker, or the queue, that a person named.
func (a *App) findDLQ(ctx context.Context, name string) (dlqTarget, error) {
	s, inv, err := a.discover(ctx)
	if err != nil {
		// Without a single worker there may still be the queue that was named.
		if s, open := a.openStage(ctx); open == nil {
			if w, qerr := s.QueueWorker(ctx, name); qerr == nil {
				return dlqTarget{stage: s, inv: &aws.Inventory{}, worker: w, byQueue: true}, nil
			}
		}
		return dlqTarget{}, err
	}
	t := dlqTarget{stage: s, inv: inv}
	if w, ok := inv.Worker(name); ok {
		t.worker = *w
		t.byQueue = w.ID != name && w.DLQ != nil && (w.DLQ.Name == name || w.DLQ.URL == name)
	} else {
		if t.worker, err = s.QueueWorker(ctx, name); err != nil {
			if kind, _ := aws.Classify(err); kind != aws.KindNotFound && kind != aws.KindInvalid {
				return t, err
			}
			_, err = pickWorker(inv, name) // says what there is
			return t, err
		}
		t.byQueue = true
	}
	if q := t.worker.Queue; t.worker.DLQ == nil && q != nil && q.Depth.At.IsZero() {
		// It could not be read a moment ago, and so nobody knows whether it has one.
		w, err := s.QueueWorker(ctx, q.URL)
		if err != nil {
			return t, err
		}
		t.worker.Queue, t.worker.DLQ = w.Queue, w.DLQ
	}
	if t.worker.DLQ == nil {
		return t, nothingf("worker %q has no dead-letter queue", plain(t.worker.ID))
	}
	return t, nil
}

// queueURL resolves --to: a worker or a queue of the stage, any other queue's name,
// or any queue's URL.
func (t *dlqTarget) queueURL(ctx context.Context, to string) (string, error) {
	if to == "" || strings.Contains(to, "://") {
		return to, nil
	}
	if w, ok := t.inv.Worker(to); ok {
		for _, q := range []*aws.Queue{w.DLQ, w.Queue} {
			if q != nil && (q.Name == to || q == w.Queue) {
				return q.URL, nil
			}
		}
		return "", nothingf("worker %q has no queue", plain(w.ID))
	}
	w, err := t.stage.QueueWorker(ctx, to)
	if err != nil {
		if kind, _ := aws.Classify(err); kind == aws.KindNotFound || kind == aws.KindInvalid {
			_, err = pickWorker(t.inv, to)
		}
		return "", err
	}
	for _, q := range []*aws.Queue{w.DLQ, w.Queue} {
		if q != nil && (q.Name == to || q.ARN == to) {
			return q.URL, nil
		}
	}
	return "", nothingf("no queue %q", plain(to))
}

// span is a duration in its largest unit.
func span(d time.Duration) string {
	switch {
	case d < time.Minute:
		return fmt.Sprintf("%ds", int(max(d, 0).Seconds()))
	case d < time.Hour:
		return fmt.Sprintf("%dm", int(d.Minutes()))
	case d < 48*time.Hour:
		return fmt.Sprintf("%dh", int(d.Hours()))
	}
	return fmt.Sprintf("%dd", int(d.Hours()/24))
}

// age is a time's distance from now.
func age(now, t time.Time) string {
	if t.IsZero() {
		return "-"
	}
	return span(now.Sub(t))
}

// plural is a count with its word.
func plural(n int, one string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %ss", n, one)
}

func messages(n int) string { return plural(n, "message") }
