package cli

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/microfox-ai/aiwctl/aws"
	"github.com/microfox-ai/aiwctl/aws/logs"
)

type logsFlags struct {
	follow       bool
	since, until string
	jobID        string
	level        string
	grep         string
	invert       bool
}

// logRow is a line as `logs -o json` prints it.
type logRow struct {
	Time      time.Time       `json:"time"`
	WorkerID  string          `json:"workerId"`
	Level     string          `json:"level,omitempty"`
	JobID     string          `json:"jobId,omitempty"`
	RequestID string          `json:"requestId,omitempty"`
	Event     string          `json:"event,omitempty"`
	Text      string          `json:"text"`
	Raw       string          `json:"raw"`
	Stream    string          `json:"stream"`
	ID        string          `json:"id"`
	Fields    json.RawMessage `json:"fields,omitempty"`
}

func (a *App) newLogs() *cobra.Command {
	var f logsFlags
	cmd := &cobra.Command{
		Use:   "logs WORKER...",
		Short: "Print or follow the logs of workers, or of one job",
		Long: "Print what workers have logged, or follow it with -f until interrupted (exit 130). With --job only that " +
			"job's lines are printed: those that name it, and those of its invocations that name no other.\n\n" +
			"Exits 3 when --job, --level or --grep leave nothing.",
		Example: "aiwctl logs echo -f\naiwctl logs echo --job job-1700000000000-abc --since 1h\n" +
			"aiwctl logs echo slow --level warn --since 15m -o jsonl",
		Args:              takes(1, -1, "the worker"),
		ValidArgsFunction: a.completeWorkers,
		RunE:              a.run(func(ctx context.Context, args []string) error { return a.logs(ctx, f, args) }),
	}
	fl := cmd.Flags()
	fl.BoolVarP(&f.follow, "follow", "f", false, "go on until interrupted")
	fl.StringVar(&f.since, "since", "15m", "how far back: a duration (15m, 2h, 3d) or a time (RFC 3339)")
	fl.StringVar(&f.until, "until", "", "up to when: a duration ago or a time (default: now)")
	fl.StringVar(&f.jobID, "job", "", "only this job's lines")
	fl.StringVar(&f.level, "level", "", "only lines of this level and above: debug, info, warn, error")
	fl.StringVar(&f.grep, "grep", "", "only lines that match this regular expression")
	fl.BoolVar(&f.invert, "invert", false, "only lines that do not match --grep")
	must(cmd.RegisterFlagCompletionFunc("level", cobra.FixedCompletions(
		[]string{"debug", "info", "warn", "error"}, cobra.ShellCompDirectiveNoFileComp)))
	return cmd
}

func (f *logsFlags) query(now time.Time) (logs.Query, error) {
	q := logs.Query{JobID: f.jobID}
	var err error
	if q.Since, err = parseTime(now, f.since); err != nil {
		return q, usagef("--since: %w", err)
	}
	if f.until != "" {
		if f.follow {
			return q, usagef("--until and --follow exclude each other")
		}
		if q.Until, err = parseTime(now, f.until); err != nil {
			return q, usagef("--until: %w", err)
		}
		if q.Until.Before(q.Since) {
			return q, usagef("--until is before --since")
		}
	}
	if q.MinLevel, err = parseLevel(f.level); err != nil {
		return q, err
	}
	if f.grep == "" {
		if f.invert {
			return q, usagef("--invert needs --grep")
		}
		return q, nil
	}
	re, err := regexp.Compile(f.grep)
	if err != nil {
		return q, usagef("--grep: %w", err)
	}
	q.Match = func(l *logs.Line) bool { return re.MatchString(l.Raw) != f.invert }
	return q, nil
}

func (a *App) logs(ctx context.Context, f logsFlags, names []string) error {
	q, err := f.query(a.Now())
	if err != nil {
		return err
	}
	s, inv, err := a.discover(ctx)
	if err != nil {
		return err
	}
	workers := make([]aws.Worker, len(names))
	for i, name := range names {
		if workers[i], err = pickWorker(inv, name); err != nil {
			return err
		}
		if workers[i].Function == nil {
			return nothingf("worker %q has no function, so no log group is known", workers[i].ID)
		}
	}
	q.Sources = logs.Sources(workers...)
	out := &logPrinter{app: a, many: len(workers) > 1, dated: a.Now().Sub(q.Since) > 12*time.Hour}
	reader := logs.For(s)
	if f.follow {
		out.stream = true
		return reader.Follow(ctx, q, a.tailState(), out.print)
	}
	if err := reader.Read(ctx, q, out.print); err != nil {
		return err
	}
	if err := out.end(); err != nil || out.n > 0 {
		return err
	}
	if q.JobID != "" || q.Match != nil || q.MinLevel != logs.LevelNone {
		return nothingf("no such line since %s; --since looks further back", q.Since.Local().Format(time.DateTime))
	}
	fmt.Fprintf(a.Err, "aiwctl: no lines since %s; --since looks further back\n", q.Since.Local().Format(time.DateTime))
	return nil
}

// tailState tells a person on standard error when a tail stumbles and when it
// is well again.
func (a *App) tailState() func(logs.State) {
	failing := false
	return func(st logs.State) {
		switch {
		case st.Err != nil && !failing:
			_, hint := aws.Classify(st.Err)
			fmt.Fprintln(a.Err, plain(fmt.Sprintf("aiwctl: the tail is interrupted, trying again: %v %s", st.Err, hint)))
		case st.Err == nil && failing:
			fmt.Fprintln(a.Err, "aiwctl: the tail goes on")
		}
		failing = st.Err != nil
	}
}

// logPrinter prints batches of lines as they come; only a JSON array and YAML
// wait for the end.
type logPrinter struct {
	app    *App
	many   bool
	dated  bool // days may differ
	stream bool
	rows   []logRow
	n      int // lines printed
}

func (p *logPrinter) print(lines []logs.Line) error {
	f := p.app.format()
	if p.stream && f == formatJSON {
		f = formatJSONL // an array that never ends is of no use to anyone
	}
	p.n += len(lines)
	stamp := "15:04:05.000 "
	if p.dated {
		stamp = "2006-01-02 " + stamp
	}
	var b strings.Builder
	for i := range lines {
		l := &lines[i]
		switch f {
		case formatTable:
			b.WriteString(l.Time.Local().Format(stamp))
			if p.many {
				b.WriteString(oneLine(l.WorkerID, 0) + " ")
			}
			if l.Level != logs.LevelNone {
				fmt.Fprintf(&b, "%-5s ", l.Level)
			}
			b.WriteString(oneLine(l.Text, 0) + "\n")
		case formatJSONL:
			if err := writeJSON(&b, logRowOf(l), ""); err != nil {
				return err
			}
		case formatYAML:
			if !p.stream {
				p.rows = append(p.rows, logRowOf(l))
				continue
			}
			b.WriteString("---\n")
			if err := writeYAML(&b, logRowOf(l)); err != nil {
				return err
			}
		case formatJSON:
			p.rows = append(p.rows, logRowOf(l))
		}
	}
	_, err := io.WriteString(p.app.Out, b.String())
	return err
}

func (p *logPrinter) end() error {
	switch p.app.format() {
	case formatJSON, formatYAML:
		if p.rows == nil {
			p.rows = []logRow{}
		}
		return p.app.print(p.rows, nil)
	default:
		return nil
	}
}

func logRowOf(l *logs.Line) logRow {
	r := logRow{
		Time: l.Time.UTC(), WorkerID: l.WorkerID, JobID: l.JobID, RequestID: l.RequestID,
		Text: l.Text, Raw: l.Raw, Stream: l.Stream, ID: l.ID,
	}
	if l.Level != logs.LevelNone {
		r.Level = l.Level.String()
	}
	if l.Event != nil {
		r.Event = l.Event.Event
	}
	if strings.HasPrefix(l.Raw, "{") && json.Valid([]byte(l.Raw)) {
		r.Fields = json.RawMessage(l.Raw)
	}
	return r
}

func parseLevel(s string) (logs.Level, error) {
	if s == "" {
		return logs.LevelNone, nil
	}
	if level, ok := logs.ParseLevel(s); ok {
		return level, nil
	}
	return logs.LevelNone, usagef("unknown --level %q; it takes debug, info, warn or error", s)
}

// parseTime reads a duration ago (days included, as in 1d12h) or a point in
// time. CloudWatch knows no time before 1970.
func parseTime(now time.Time, s string) (time.Time, error) {
	if ago, ok := parseAgo(s); ok {
		return latest(now.Add(-ago), time.Unix(0, 0)), nil
	}
	for _, layout := range []string{time.RFC3339Nano, "2006-01-02T15:04:05", "2006-01-02 15:04:05", "2006-01-02T15:04", "2006-01-02 15:04", "2006-01-02"} {
		if t, err := time.ParseInLocation(layout, s, time.Local); err == nil {
			return latest(t, time.Unix(0, 0)), nil
		}
	}
	return time.Time{}, fmt.Errorf("%q is neither a duration such as 15m, 2h or 3d nor a time such as %s", s, now.Format(time.RFC3339))
}

// parseAgo reads a duration with days, its sign ignored.
func parseAgo(s string) (time.Duration, bool) {
	s = strings.TrimPrefix(s, "-")
	var ago time.Duration
	if days, rest, ok := strings.Cut(s, "d"); ok {
		n, err := strconv.ParseUint(days, 10, 16)
		if err != nil {
			return 0, false
		}
		ago, s = time.Duration(n)*24*time.Hour, rest
		if s == "" {
			return ago, true
		}
	}
	d, err := time.ParseDuration(s)
	return ago + d, err == nil && d >= 0
}

func latest(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}
