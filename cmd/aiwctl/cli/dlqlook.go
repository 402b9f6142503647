package cli

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"github.com/microfox-ai/aiwctl/aws/redrive"
	"github.com/microfox-ai/aiwctl/aws/redrive/letter"
	"github.com/microfox-ai/aiwctl/aws/redrive/why"
)

type peekFlags struct {
	choiceFlags
	n    int
	why  bool
	hold bool
}

func (a *App) newPeek() *cobra.Command {
	var f peekFlags
	cmd := &cobra.Command{
		Use:   "peek WORKER [--all | --id ID... | --where EXPR]",
		Short: "Look at the messages of a dead-letter queue",
		Long: "Look at the messages of a dead-letter queue, and at what their jobs died of. SQS has no peek: the messages are received, " +
			"which hides them from every other reader and raises their receive counts, and made visible again when the command ends, " +
			"also by Ctrl-C. Killed, it leaves them hidden for a minute at most. --hold keeps them hidden, so that nobody else moves " +
			"them meanwhile, until Ctrl-C.",
		Example:           "aiwctl dlq peek echo\naiwctl dlq peek echo -n 100 -o jsonl\naiwctl dlq peek echo --where 'input.order == 13'",
		Args:              takes(1, 1, "the worker"),
		ValidArgsFunction: a.completeWorker,
		RunE:              a.run(func(ctx context.Context, args []string) error { return a.dlqPeek(ctx, &f, args[0]) }),
	}
	f.register(cmd, "all messages")
	fl := cmd.Flags()
	fl.IntVarP(&f.n, "number", "n", 10, "how many messages to show")
	fl.BoolVar(&f.why, "why", true, "find out why they died, from the worker's log and the job records")
	fl.BoolVar(&f.hold, "hold", false, "keep the messages hidden from other readers until interrupted")
	return cmd
}

func (a *App) dlqPeek(ctx context.Context, f *peekFlags, name string) error {
	if f.n < 1 {
		return usagef("-n %d: look at one message at least", f.n)
	}
	l, err := a.begin(ctx, &f.choiceFlags, "", name)
	if err != nil {
		return err
	}
	most := f.n
	if f.all || len(f.ids) > 0 {
		most = 0
	}
	l.choice.Limit, l.choice.Why = most, f.why
	sel, err := a.selectLetters(ctx, &l)
	if err != nil {
		return err
	}
	defer a.release(ctx, sel)
	a.missing(&l, sel)
	if err := a.printLetters(sel, most); err != nil {
		return err
	}
	if f.hold {
		fmt.Fprintf(a.Err, "aiwctl: %s held: hidden from every other reader until Ctrl-C, and for %v should this process be killed\n",
			plural(sel.Held(), "message"), sel.Lease())
		<-ctx.Done()
	}
	if sel.Count == 0 && (l.choice.Where != nil || len(f.ids) > 0) {
		return nothingf("no such message in %s", plain(l.worker.DLQ.Name))
	}
	return ctx.Err()
}

// printLetters prints the chosen letters, as they are read from the selection.
func (a *App) printLetters(sel *redrive.Selection, most int) error {
	switch a.format() {
	case formatJSONL:
		return a.printLines(a.Out, sel, most)
	case formatJSON, formatYAML:
		rows := []json.RawMessage{}
		for c, err := range firstOf(sel, most) {
			if err != nil {
				return err
			}
			rows = append(rows, c.AppendLine(nil, extras(&c)...))
		}
		return a.print(rows, nil)
	case formatTable:
	}
	return a.print(nil, func(t *tableWriter) {
		shown := 0
		for c, err := range firstOf(sel, most) {
			if err != nil {
				t.line(plain(err.Error()))
				return
			}
			if shown == 0 {
				t.row("MESSAGE", "JOB", "AGE", "RECEIVES", "WHY", "BODY")
			}
			shown++
			body := oneLine(c.Body, 60)
			if c.ParseErr != nil {
				body = "not a job: " + body
			}
			t.row(c.ID, orDash(c.JobID()), age(a.Now(), c.SentAt), fmt.Sprint(c.ReceiveCount), orDash(oneLine(whyText(&c), 60)), body)
		}
		switch {
		case sel.Depth.Total() == 0:
			t.line("no dead letters of " + plain(sel.Worker.ID))
		case shown == 0:
			t.line("none chosen of " + messages(sel.Seen))
		default:
			t.line(fmt.Sprintf("%d of %s%s; hidden from other readers while they are looked at (%v leases), visible again afterwards",
				shown, about(sel), messages(max(sel.Depth.Total(), sel.Seen)), sel.Lease()))
		}
	})
}

func about(sel *redrive.Selection) string {
	if sel.Complete {
		return ""
	}
	return "about "
}

// firstOf are the first few of a selection; zero: all.
func firstOf(sel *redrive.Selection, most int) func(func(redrive.Chosen, error) bool) {
	return func(yield func(redrive.Chosen, error) bool) {
		n := 0
		for c, err := range sel.Letters() {
			if most > 0 && n == most || !yield(c, err) {
				return
			}
			n++
		}
	}
}

func whyText(c *redrive.Chosen) string {
	if c.Failure == nil {
		return ""
	}
	return c.Failure.Text()
}

// extras are what a line says of a letter beside the letter.
func extras(c *redrive.Chosen) []letter.Field {
	if c.Failure == nil {
		return nil
	}
	f := c.Failure
	failure := map[string]any{"kind": f.Kind, "via": f.Via}
	if f.RequestID != "" {
		failure["requestId"] = f.RequestID
	}
	if f.Attempt > 0 {
		failure["attempt"] = f.Attempt
	}
	if !f.At.IsZero() {
		failure["at"] = f.At.UTC()
	}
	return []letter.Field{{Name: "error", Value: f.Text()}, {Name: "group", Value: f.Signature()}, {Name: "failure", Value: failure}}
}

// printLines writes letters as an export does.
func (a *App) printLines(out io.Writer, sel *redrive.Selection, most int) error {
	w := bufio.NewWriterSize(out, 256<<10)
	var line []byte
	for c, err := range firstOf(sel, most) {
		if err != nil {
			return err
		}
		line = append(c.AppendLine(line[:0], extras(&c)...), '\n')
		if _, err := w.Write(line); err != nil {
			return err
		}
	}
	return w.Flush()
}

// groupRow is a group of dead letters as `dlq why` prints it.
type groupRow struct {
	// Group is the text by which --where can choose it: group == "...".
	Group string     `json:"group"`
	Count int        `json:"count"`
	First *time.Time `json:"first,omitempty"`
	Last  *time.Time `json:"last,omitempty"`
	// Example is one of the errors, as it was; JobIDs are a few of the jobs.
	Example string   `json:"example,omitempty"`
	Kind    why.Kind `json:"kind,omitempty"`
	JobIDs  []string `json:"jobIds,omitempty"`
}

func (a *App) newWhy() *cobra.Command {
	var f choiceFlags
	cmd := &cobra.Command{
		Use:   "why WORKER [--where EXPR]",
		Short: "Group dead letters by what their jobs died of",
		Long: "Group dead letters by what their jobs died of: each message is joined to its job's failure by the job id, through the worker's " +
			"log and the job records. Errors that differ only in ids, numbers, URLs and times are one group. To choose a group's messages: " +
			"--where 'group == \"...\"'. Looking raises receive counts, as peek does.",
		Example:           "aiwctl dlq why checkout\naiwctl dlq why checkout --where 'age < \"1h\"' -o json",
		Args:              takes(1, 1, "the worker"),
		ValidArgsFunction: a.completeWorker,
		RunE:              a.run(func(ctx context.Context, args []string) error { return a.dlqWhy(ctx, &f, args[0]) }),
	}
	f.register(cmd, "all messages (the default)")
	return cmd
}

func (a *App) dlqWhy(ctx context.Context, f *choiceFlags, name string) error {
	l, err := a.begin(ctx, f, "", name)
	if err != nil {
		return err
	}
	l.choice.Why = true
	sel, err := a.selectLetters(ctx, &l)
	if err != nil {
		return err
	}
	defer a.release(ctx, sel)
	groups, err := sel.Groups()
	if err != nil {
		return err
	}
	rows := make([]groupRow, len(groups))
	for i, g := range groups {
		rows[i] = groupRow{
			Group: g.Signature, Count: g.Count, First: timeOrNil(g.First), Last: timeOrNil(g.Last),
			Example: g.Example.Text(), Kind: g.Example.Kind, JobIDs: g.JobIDs,
		}
	}
	err = a.print(rows, func(w *tableWriter) {
		if len(rows) > 0 {
			w.row("COUNT", "FIRST", "LAST", "WHY", "JOBS")
		}
		for _, r := range rows {
			w.row(fmt.Sprint(r.Count), ageOf(a.Now(), r.First), ageOf(a.Now(), r.Last), oneLine(r.Group, 100), oneLine(firstFew(r.JobIDs), 60))
		}
		w.line(fmt.Sprintf("%s of %s, by why they died", messages(sel.Count), plain(l.worker.DLQ.Name)))
	})
	if err == nil && sel.Count == 0 {
		return nothingf("no such message in %s", plain(l.worker.DLQ.Name))
	}
	if err == nil {
		err = errIncomplete(sel)
	}
	return err
}

func firstFew(ids []string) string {
	text := ""
	for i, id := range ids[:min(len(ids), 2)] {
		if i > 0 {
			text += ", "
		}
		text += id
	}
	if len(ids) > 2 {
		text += ", …"
	}
	return text
}

func ageOf(now time.Time, at *time.Time) string {
	if at == nil {
		return "-"
	}
	return age(now, *at)
}

func timeOrNil(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return new(t.UTC())
}

func (a *App) newExport() *cobra.Command {
	var (
		f       choiceFlags
		path    string
		withWhy bool
	)
	cmd := &cobra.Command{
		Use:   "export WORKER [--all | --id ID... | --where EXPR] > FILE",
		Short: "Write dead letters to a file, one JSON object a line",
		Long: "Write dead letters to standard output, one JSON object a line, with all that is needed to bring them back (import) or to send " +
			"them changed (replay -f). They stay in the queue. A body that is a JSON object or array stands in its line as it is and can be " +
			"edited there; any other body is a string. Either way it comes back byte for byte.",
		Example:           "aiwctl dlq export echo > echo.jsonl\naiwctl dlq export echo --where 'input.order == 13' -f order.jsonl",
		Args:              takes(1, 1, "the worker"),
		ValidArgsFunction: a.completeWorker,
		RunE:              a.run(func(ctx context.Context, args []string) error { return a.dlqExport(ctx, &f, path, withWhy, args[0]) }),
	}
	f.register(cmd, "all messages (the default)")
	fl := cmd.Flags()
	fl.StringVarP(&path, "file", "f", "", "write to this file, which must not exist, instead of standard output")
	fl.BoolVar(&withWhy, "why", false, "add why they died, from the worker's log and the job records")
	return cmd
}

func (a *App) dlqExport(ctx context.Context, f *choiceFlags, path string, withWhy bool, name string) (err error) {
	if !slices.Contains([]format{formatTable, formatJSONL}, a.format()) {
		return usagef("-o %s: an export is JSON lines", a.format())
	}
	l, err := a.begin(ctx, f, "", name)
	if err != nil {
		return err
	}
	l.choice.Why = withWhy
	out := a.Out
	if path != "" {
		file, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
		if err != nil {
			return usageError(err)
		}
		out = file
		defer func() {
			if cerr := file.Close(); err == nil {
				err = cerr
			}
		}()
	}
	sel, err := a.selectLetters(ctx, &l)
	if err != nil {
		return err
	}
	defer a.release(ctx, sel)
	a.missing(&l, sel)
	if err := a.printLines(out, sel, 0); err != nil {
		return fmt.Errorf("write the export: %w", err)
	}
	fmt.Fprintf(a.Err, "aiwctl: %s of %s exported\n", messages(sel.Count), plain(l.worker.DLQ.Name))
	if sel.Count == 0 {
		return nothingf("nothing to export in %s", plain(l.worker.DLQ.Name))
	}
	return errIncomplete(sel)
}

// compactJSON is a value as one line.
func compactJSON(v any) ([]byte, error) {
	var b bytes.Buffer
	if err := writeJSON(&b, v, ""); err != nil {
		return nil, err
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), nil
}
