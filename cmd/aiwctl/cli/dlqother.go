package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/microfox-ai/aiwctl/aws"
	"github.com/microfox-ai/aiwctl/aws/redrive"
	"github.com/microfox-ai/aiwctl/aws/redrive/journal"
)

type deleteFlags struct {
	choiceFlags
	export      string
	noExport    bool
	yes, dryRun bool
}

func (a *App) newDelete() *cobra.Command {
	var f deleteFlags
	cmd := &cobra.Command{
		Use:   "delete WORKER {--all | --id ID... | --where EXPR}",
		Short: "Delete dead letters, after writing them to a file",
		Long: "Delete dead letters. Each is first written to a file, from which `dlq import` brings it back: below the state directory, " +
			"or where --export says; --no-export keeps nothing.",
		Example:           "aiwctl dlq delete echo --where 'age > \"10d\"' --dry-run\naiwctl dlq delete echo --id 7a1b... --yes",
		Args:              takes(1, 1, "the worker"),
		ValidArgsFunction: a.completeWorker,
		RunE:              a.run(func(ctx context.Context, args []string) error { return a.dlqDelete(ctx, &f, args[0]) }),
	}
	f.register(cmd, "every message that is there now")
	fl := cmd.Flags()
	fl.StringVar(&f.export, "export", "", "write the messages to this file, which must not exist")
	fl.BoolVar(&f.noExport, "no-export", false, "keep nothing of what is deleted")
	fl.BoolVar(&f.yes, "yes", false, "do not ask")
	fl.BoolVar(&f.dryRun, "dry-run", false, "show what would be deleted, and delete nothing; looking raises receive counts, as peek does")
	return cmd
}

func (a *App) dlqDelete(ctx context.Context, f *deleteFlags, name string) error {
	if f.noExport && f.export != "" {
		return usagef("--export and --no-export exclude each other")
	}
	l, err := a.begin(ctx, &f.choiceFlags, "delete", name)
	if err != nil {
		return err
	}
	t := &l.dlqTarget
	if !f.dryRun {
		if err := a.mayWrite(ctx, t.stage, aws.Action{Name: "delete from", Object: t.worker.DLQ.Name, Queues: t.queues("")}, f.yes); err != nil {
			return err
		}
	}
	d := redrive.Delete{Worker: t.worker, All: f.all, Export: f.export}
	if f.noExport {
		d.Export = redrive.NoExport
	}
	total := t.worker.DLQ.Depth.Total()
	if !f.all || f.dryRun {
		sel, err := a.selectLetters(ctx, &l)
		if err != nil {
			return err
		}
		defer a.release(ctx, sel)
		if sel.Count == 0 && len(sel.Missing) == 0 {
			return nothingf("nothing to delete in %s", plain(t.worker.DLQ.Name))
		}
		if f.dryRun {
			fmt.Fprintf(a.Err, "dry run: %s of %s would be deleted\n", messages(sel.Count), plain(t.worker.DLQ.Name))
			return a.printLetters(sel, 0)
		}
		d.Selection, d.All, total = sel, false, sel.Count
		a.showPlan(t, sel, &replayFlags{})
	}
	what := fmt.Sprintf("delete %s of %s in stage %s", messages(total), t.worker.DLQ.Name, t.stage.Target().Stage)
	if f.noExport {
		what += " for good"
	}
	ctx, err = a.confirm(ctx, t.protected(""), what, f.yes)
	if err != nil {
		return err
	}
	p := a.newProgress()
	p.of("deleted", total)
	out := a.newResults(redrive.StatusDeleted)
	d.OnResult = func(res redrive.Result) { p.result(res); out.add(res) }
	report, err := l.engine.Delete(ctx, d)
	p.done()
	return a.moved(out, report, err, t.worker.DLQ.Name)
}

type importFlags struct {
	file        string
	to          string
	rate        string
	yes, dryRun bool
}

func (a *App) newImport() *cobra.Command {
	var f importFlags
	cmd := &cobra.Command{
		Use:   "import WORKER -f FILE",
		Short: "Put messages of a file into a dead-letter queue",
		Long: "Put messages of a file, as `dlq export` and `dlq delete` write it, into the worker's dead-letter queue, or into the queue " +
			"that --to names. SQS gives them new message ids. The file is checked whole before anything is sent.",
		Example:           "aiwctl dlq import echo -f echo.jsonl",
		Args:              takes(1, 1, "the worker"),
		ValidArgsFunction: a.completeWorker,
		RunE:              a.run(func(ctx context.Context, args []string) error { return a.dlqImport(ctx, &f, args[0]) }),
	}
	fl := cmd.Flags()
	fl.StringVarP(&f.file, "file", "f", "", "the file of messages")
	fl.StringVar(&f.to, "to", "", "put them into this worker's queue, queue name or queue URL instead")
	must(cmd.RegisterFlagCompletionFunc("to", a.completeQueue))
	fl.StringVar(&f.rate, "rate", "", "send at most so many messages, such as 50/s or 600/m")
	fl.BoolVar(&a.noJournal, "no-journal", false, "keep no journal: what is killed then cannot be resumed")
	fl.BoolVar(&f.yes, "yes", false, "do not ask")
	fl.BoolVar(&f.dryRun, "dry-run", false, "check the file, and send nothing")
	return cmd
}

func (a *App) dlqImport(ctx context.Context, f *importFlags, name string) error {
	if f.file == "" || f.file == "-" {
		return usagef("say which file to import: -f FILE; it is read twice, so it cannot be standard input")
	}
	rate, err := parseRate(f.rate)
	if err != nil {
		return err
	}
	n, err := redrive.CheckFile(f.file)
	if err != nil {
		return err
	}
	if n == 0 {
		return nothingf("%s has no message", plain(f.file))
	}
	t, err := a.findDLQ(ctx, name)
	if err != nil {
		return err
	}
	im := redrive.Import{Worker: t.worker, Path: f.file, Rate: rate}
	if im.To, err = t.queueURL(ctx, f.to); err != nil {
		return err
	}
	to := t.worker.DLQ.Name
	if im.To != "" {
		to = im.To[strings.LastIndexByte(im.To, '/')+1:]
	}
	what := fmt.Sprintf("put %s of %s into %s in stage %s", messages(n), filepath.Base(f.file), to, t.stage.Target().Stage)
	if f.dryRun {
		fmt.Fprintln(a.Err, plain("dry run: would "+what))
		return nil
	}
	if err := a.mayWrite(ctx, t.stage, aws.Action{Name: "import into", Object: to, Queues: t.queues(to)}, f.yes); err != nil {
		return err
	}
	ctx, err = a.confirm(ctx, t.protected(to), what, f.yes)
	if err != nil {
		return err
	}
	p := a.newProgress()
	p.of("imported", n)
	out := a.newResults(redrive.StatusImported)
	im.OnResult = func(res redrive.Result) { p.result(res); out.add(res) }
	report, err := a.engine(t.stage, nil).Import(ctx, im)
	p.done()
	return a.moved(out, report, err, to)
}

// journalRow is an unfinished journal as `dlq resume --list` prints it.
type journalRow struct {
	ID     string    `json:"id"`
	Kind   string    `json:"kind"`
	Time   time.Time `json:"time"`
	Worker string    `json:"workerId"`
	Queue  string    `json:"queue"`
	Stage  string    `json:"stage"`
	Count  int       `json:"count"`
	Sent   int       `json:"sent"`
	// Unknown counts messages whose send was begun and not known to have ended.
	Unknown int `json:"unknown"`
	Deleted int `json:"deleted"`
}

type resumeFlags struct{ list, yes, dryRun bool }

func (a *App) newResume() *cobra.Command {
	var f resumeFlags
	cmd := &cobra.Command{
		Use:   "resume [JOURNAL]",
		Short: "Finish a replay or an import that was interrupted",
		Long: "Finish a replay or an import that was interrupted or killed: the latest of this stage, or the one whose journal is named. " +
			"What was sent is deleted from the dead-letter queue and not sent again; then the rest goes on as it was asked for.",
		Example:           "aiwctl dlq resume --list\naiwctl dlq resume --yes",
		Args:              takes(0, 1, ""),
		ValidArgsFunction: a.completeJournal,
		RunE:              a.run(func(ctx context.Context, args []string) error { return a.dlqResume(ctx, f, args) }),
	}
	fl := cmd.Flags()
	fl.BoolVar(&f.list, "list", false, "list what can be finished")
	fl.BoolVar(&f.yes, "yes", false, "do not ask")
	fl.BoolVar(&f.dryRun, "dry-run", false, "say what would be finished, and do nothing")
	return cmd
}

// unfinished are the journals of this stage; those that cannot be read are told.
func (a *App) unfinished(e *redrive.Engine) ([]*journal.State, error) {
	states, err := e.Unfinished()
	if err != nil && len(states) == 0 {
		return nil, err
	}
	if err != nil {
		a.warnings([]string{err.Error()})
	}
	return states, nil
}

func (a *App) dlqResume(ctx context.Context, f resumeFlags, args []string) error {
	s, err := a.openNamed(ctx)
	if err != nil {
		return err
	}
	records, err := a.openRecords(ctx, s)
	if err != nil {
		return err
	}
	e := a.engine(s, records)
	states, err := a.unfinished(e)
	if err != nil {
		return err
	}
	if f.list {
		return a.listJournals(states)
	}
	st, path, err := a.pickJournal(e, states, args)
	if err != nil {
		return err
	}
	row := journalRowOf(st)
	what := fmt.Sprintf("finish the %s of %s of %s in stage %s, begun %s ago: %d sent, %d not known, %d deleted", row.Kind, messages(row.Count),
		row.Queue, row.Stage, age(a.Now(), row.Time), row.Sent, row.Unknown, row.Deleted)
	if f.dryRun {
		fmt.Fprintln(a.Err, plain("dry run: would "+what))
		return nil
	}
	if err := a.mayWrite(ctx, s, aws.Action{Name: "resume", Object: row.ID, Queues: redrive.QueuesOf(st)}, f.yes); err != nil {
		return err
	}
	ctx, err = a.confirm(ctx, s.Guard().ProtectedFor(redrive.QueuesOf(st)...), what, f.yes)
	if err != nil {
		return err
	}
	verb := redrive.StatusReplayed
	if row.Kind == "import" {
		verb = redrive.StatusImported
	}
	p := a.newProgress()
	p.of(verb, row.Count-row.Deleted)
	out := a.newResults(verb)
	report, err := e.Resume(ctx, redrive.Resume{Path: path, OnResult: func(res redrive.Result) { p.result(res); out.add(res) }, OnState: p.state})
	p.done()
	if err == nil && out.n == 0 { // everything was done but the last line of the journal
		return out.end(report)
	}
	return a.moved(out, report, err, row.Queue)
}

// pickJournal finds the journal that was named, by its id or its file, or the
// latest.
func (a *App) pickJournal(e *redrive.Engine, states []*journal.State, args []string) (*journal.State, string, error) {
	dir, err := e.Dir()
	if err != nil {
		return nil, "", err
	}
	if len(args) == 0 {
		if len(states) == 0 {
			return nil, "", nothingf("nothing to resume: no replay or import of this stage was interrupted (journals are in %s)", plain(dir))
		}
		return states[0], journal.Path(dir, states[0].Header.ID), nil
	}
	path := args[0]
	if !strings.ContainsRune(path, os.PathSeparator) {
		path = journal.Path(dir, strings.TrimSuffix(path, ".jsonl"))
	}
	st, err := journal.Read(path)
	if errors.Is(err, os.ErrNotExist) {
		return nil, "", nothingf("no journal %q in %s; `aiwctl dlq resume --list` has what can be resumed", plain(args[0]), plain(dir))
	}
	if err == nil && st.End != nil {
		err = nothingf("the journal %s has come to its end: there is nothing to resume", plain(st.Header.ID))
	}
	return st, path, err
}

func journalRowOf(st *journal.State) journalRow {
	h := st.Header
	return journalRow{
		ID: h.ID, Kind: h.Kind, Time: h.Time, Worker: h.Worker, Queue: h.Queue, Stage: h.Stage, Count: h.Count,
		Sent:    st.Count(func(m *journal.Message) bool { return m.Sent }),
		Unknown: st.Count(func(m *journal.Message) bool { return m.Tried }),
		Deleted: st.Count(func(m *journal.Message) bool { return m.Deleted }),
	}
}

func (a *App) listJournals(states []*journal.State) error {
	rows := make([]journalRow, len(states))
	for i, st := range states {
		rows[i] = journalRowOf(st)
	}
	return a.print(rows, func(t *tableWriter) {
		if len(rows) == 0 {
			t.line("nothing to resume")
			return
		}
		t.row("JOURNAL", "WHAT", "QUEUE", "AGE", "MESSAGES", "SENT", "NOT KNOWN", "DELETED")
		for _, r := range rows {
			t.row(r.ID, r.Kind, r.Queue, age(a.Now(), r.Time), fmt.Sprint(r.Count), fmt.Sprint(r.Sent), fmt.Sprint(r.Unknown), fmt.Sprint(r.Deleted))
		}
	})
}

// completeJournal offers the journals that can be resumed.
func (a *App) completeJournal(cmd *cobra.Command, args []string, prefix string) ([]string, cobra.ShellCompDirective) {
	s, err := a.openStage(cmd.Context())
	if err != nil || len(args) > 0 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	states, _ := a.engine(s, nil).Unfinished() // completion has nobody to tell
	var ids []string
	for _, st := range states {
		if strings.HasPrefix(st.Header.ID, prefix) {
			ids = append(ids, cobra.CompletionWithDesc(st.Header.ID, st.Header.Kind+" of "+st.Header.Queue))
		}
	}
	return ids, cobra.ShellCompDirectiveNoFileComp
}
