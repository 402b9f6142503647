package cli

import (
	"context"
	"fmt"
	"path"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/microfox-ai/aiwctl/aws"
	"github.com/microfox-ai/aiwctl/aws/audit"
	"github.com/microfox-ai/aiwctl/aws/history"
	"github.com/microfox-ai/aiwctl/aws/settings"
	tuihistory "github.com/microfox-ai/aiwctl/tui/history"
)

// historyMost is how many actions are shown when nothing is said.
const historyMost = 50

type historyFlags struct {
	since  string
	action string
	failed bool
	here   bool
	most   int
}

func (a *App) newHistory() *cobra.Command {
	var f historyFlags
	cmd := &cobra.Command{
		Use:   "history",
		Short: "Show what was written to AWS from this machine, and what came of it",
		Long: "Show what was written to AWS by aiwctl from this machine, the newest first, whichever stage it was: every dispatch, replay, " +
			"deletion, import, pause and resume, with who did it. --stage shows one stage only, --here the one that the flags, " +
			"the environment and the config file name now.\n\n" +
			"An action without an end was interrupted by a kill or a crash: what can be finished says how.",
		Example: "aiwctl history\naiwctl history --since 24h --failed\naiwctl history --stage prod --action 'dlq.*' -o json",
		Args:    takes(0, 0, ""),
		RunE:    a.run(func(_ context.Context, _ []string) error { return a.history(f) }),
	}
	fl := cmd.Flags()
	fl.StringVar(&f.since, "since", "", "only what began since: a duration such as 2h or 3d, or a time")
	fl.StringVar(&f.action, "action", "", "only these actions: a name such as dlq.replay, or a pattern such as 'dlq.*'")
	fl.BoolVar(&f.failed, "failed", false, "only what did not end well, or at all")
	fl.BoolVar(&f.here, "here", false, "only the stage that is meant now")
	fl.IntVarP(&f.most, "most", "n", historyMost, "how many actions are shown; 0 for all")
	must(cmd.RegisterFlagCompletionFunc("action", cobra.FixedCompletions(
		[]string{"dispatch", "dlq.replay", "dlq.delete", "dlq.import", "dlq.move-task", "workers.pause", "workers.resume"}, cobra.ShellCompDirectiveNoFileComp)))
	must(cmd.RegisterFlagCompletionFunc("since", cobra.NoFileCompletions))
	return cmd
}

func (a *App) history(f historyFlags) error {
	if f.most < 0 {
		return usagef("-n is not below zero")
	}
	var since time.Time
	if f.since != "" {
		var err error
		if since, err = parseTime(a.Now(), f.since); err != nil {
			return usagef("--since: %w", err)
		}
	}
	if _, err := path.Match(f.action, ""); err != nil {
		return usagef("--action %q is no pattern", f.action)
	}
	of, err := a.historyOf(f)
	if err != nil {
		return err
	}
	trail, err := aws.DefaultAuditPath(a.Getenv)
	if err != nil {
		return err
	}
	h, err := audit.Read(trail, since, func(r audit.Record) bool {
		ok := f.action == "" || r.Action == f.action
		if !ok {
			ok, _ = path.Match(f.action, r.Action) // it was checked
		}
		return ok && of(r)
	})
	if err != nil {
		return fmt.Errorf("read the audit trail: %w", err)
	}
	if h.UnreadableCount > 0 {
		a.warnings([]string{fmt.Sprintf("%s of the audit trail %s no record, as after a crash or a full disk: %s",
			plural(h.UnreadableCount, "line"), areOrIs(h.UnreadableCount), strings.Join(h.Unreadable, ", "))})
	}
	rows := []history.Action{}
	for _, e := range h.Entries {
		if f.failed && (e.Outcome == audit.OutcomeDone || e.Outcome == audit.OutcomeUnderWay) {
			continue
		}
		if rows = append(rows, history.Of(e)); len(rows) == f.most {
			break
		}
	}
	err = a.print(rows, func(t *tableWriter) { a.historyTable(t, rows) })
	if err == nil && len(rows) == 0 {
		err = nothingf("nothing in %s matches", plain(trail))
	}
	return err
}

// trail is what the console shows of the writes to a stage; nil where none are kept.
func (a *App) trail(s *aws.Stage) tuihistory.Trail {
	if s.AuditPath() == "" {
		return nil
	}
	return history.Trail{Path: s.AuditPath(), Target: s.Target()}
}

func areOrIs(n int) string {
	if n == 1 {
		return "is"
	}
	return "are"
}

// historyOf is the filter by stage. A stage of the config file is its region and
// service too.
func (a *App) historyOf(f historyFlags) (func(audit.Record) bool, error) {
	if !f.here && a.global.target.Stage == "" {
		return func(audit.Record) bool { return true }, nil
	}
	r, _, err := a.resolve()
	if err != nil {
		return nil, err
	}
	t := r.Target
	if !f.here && r.Entry == "" { // a word, and nothing else was said
		t = a.global.target
	}
	endpoint := r.Value(settings.EndpointURL).Value
	return func(rec audit.Record) bool {
		return (t.Stage == "" || rec.Stage == t.Stage) && (t.Region == "" || rec.Region == t.Region) &&
			(t.Service == "" || rec.Service == t.Service) && (!f.here && t.EndpointURL == "" || rec.Endpoint == endpoint)
	}, nil
}

func (a *App) historyTable(t *tableWriter, rows []history.Action) {
	if len(rows) == 0 {
		return
	}
	t.row("WHEN", "ACTION", "OBJECT", "STAGE", "RESULT", "TOOK", "WHO")
	for _, r := range rows {
		took := "-"
		if r.Ended != nil {
			took = tookText(time.Duration(r.DurationMS) * time.Millisecond)
		}
		t.row(r.Time.Local().Format("2006-01-02 15:04:05"), oneLine(r.Action, 20), oneLine(r.Object, 48), oneLine(r.At(), 48),
			resultText(&r), took, oneLine(r.By(), 48))
	}
}

func tookText(d time.Duration) string {
	if d < 10*time.Second {
		return fmt.Sprintf("%.1fs", d.Seconds())
	}
	return span(d)
}

// resultText is what came of an action, and how it can be finished.
func resultText(a *history.Action) string {
	said := oneLine(a.Result(), 0)
	if a.Remedy != "" {
		said += "; `" + oneLine(a.Remedy, 80) + "`"
	}
	return said
}
