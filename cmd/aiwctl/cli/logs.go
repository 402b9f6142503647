package cli

import (
	"cmp"
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/microfox-ai/aiwctl/aws"
	"github.com/microfox-ai/aiwctl/aws/logs"
)

type logsFlags struct {
	follow, live bool
	since, until string
	last         int
	jobID        string
	requestID    string
	level        string
	grep         string
	invert       bool
	fields       []string
	settle       string
	maxCalls     float64
	save         string
	invocations  bool
}

func (a *App) newLogs() *cobra.Command {
	var f logsFlags
	cmd := &cobra.Command{
		Use:   "logs WORKER...",
		Short: "Print or follow the logs of workers, or of one job",
		Long: "Print what workers have logged, or follow it with -f until interrupted (exit 130). With --job only that " +
			"job's lines are printed: those that name it, and those of its invocations that name no other; with --request " +
			"one invocation's. All filters that are given have to hold.\n\n" +
			"--field looks into the JSON of a line: `user.id` is there, `!user.id` is not, `user.id=7` and != < <= > >= compare, " +
			"~ and !~ match a regular expression. Numbers are compared as numbers, everything else as text.\n\n" +
			"-o text (the same as table) is for reading, raw prints the events as CloudWatch has them: unchanged when standard output is " +
			"a file or a pipe, without control characters on a terminal.\n\n" +
			"A tail never ends by itself. It says on standard error when it lags, is throttled or denied, and when it goes on. " +
			"CloudWatch lets a whole account make five calls a second in a region; --call-rate says how many of them " +
			"this tail takes, shared fairly between log groups. --live adds CloudWatch's Live Tail, at about $0.01 a minute for each ten " +
			"log groups, for lines within a second; what it samples away is still read the usual way.\n\n" +
			"Exits 3 when --job, --request, --level, --grep or --field leave nothing.",
		Example: "aiwctl logs echo -f\naiwctl logs echo --job job-1700000000000-abc --since 1h\n" +
			"aiwctl logs echo slow --level warn --since 'today 14:05' -o jsonl\n" +
			"aiwctl logs echo -f --field 'durationMs>1000' --save slow.jsonl\naiwctl logs echo -n 20 -o raw\naiwctl logs echo --invocations --since 1h",
		Args:              takes(1, -1, "the worker"),
		Annotations:       map[string]string{moreFormats: "text raw"},
		ValidArgsFunction: a.completeWorkers,
		RunE:              a.run(func(ctx context.Context, args []string) error { return a.logs(ctx, f, args) }),
	}
	fl := cmd.Flags()
	fl.BoolVarP(&f.follow, "follow", "f", false, "go on until interrupted")
	fl.BoolVar(&f.live, "live", false, "with -f: also open live sessions (about $0.01 a minute for each ten log groups)")
	fl.StringVar(&f.since, "since", "15m", "how far back: a duration (15m, 2h, 3d), a time (RFC 3339, 14:05, 'yesterday 14:05') or a date")
	fl.StringVar(&f.until, "until", "", "up to when: a duration ago or a time (default: now)")
	fl.IntVarP(&f.last, "tail", "n", 0, "only the last so many lines of these, then with -f the new ones")
	fl.StringVar(&f.jobID, "job", "", "only this job's lines")
	fl.StringVar(&f.requestID, "request", "", "only the lines of the invocation with this request id")
	fl.StringVar(&f.level, "level", "", "only lines of this level and above: debug, info, warn, error")
	fl.StringVar(&f.grep, "grep", "", "only lines that match this regular expression")
	fl.BoolVar(&f.invert, "invert", false, "only lines that do not match --grep")
	fl.StringArrayVar(&f.fields, "field", nil, "only lines with this in their JSON, such as user.id=7 (may be repeated)")
	fl.StringVar(&f.settle, "settle", "", "with -f: how long lines wait for older ones that come late (default: 0s for one log group, 2s for several)")
	fl.Float64Var(&f.maxCalls, "call-rate", 0, fmt.Sprintf("calls to CloudWatch a second at most (default: %d, of the 5 that an account has; 100 on this machine)", logs.DefaultCallRate))
	fl.StringVar(&f.save, "save", "", "also write every line, whatever --request, --level, --grep and --field hide, to this new file as JSON lines")
	fl.BoolVar(&f.invocations, "invocations", false, "one row for each invocation instead of its lines: outcome, duration, billed, memory, init, jobs")
	must(cmd.RegisterFlagCompletionFunc("level", cobra.FixedCompletions(
		[]string{"debug", "info", "warn", "error"}, cobra.ShellCompDirectiveNoFileComp)))
	return cmd
}

// query is what the flags ask for. The filters but JobID are in show: what they hide may
// still be saved.
func (f *logsFlags) query(now time.Time) (q logs.Query, show func(*logs.Line) bool, err error) {
	q = logs.Query{JobID: f.jobID, Last: f.last, Live: f.live}
	if q.Since, err = parseTime(now, f.since); err != nil {
		return q, nil, usagef("--since: %w", err)
	}
	if err = f.readRange(&q, now); err != nil {
		return q, nil, err
	}
	show, err = f.filters(&q)
	return q, show, err
}

func (f *logsFlags) readRange(q *logs.Query, now time.Time) (err error) {
	switch {
	case f.last < 0:
		return usagef("--tail %d: it takes a number of lines", f.last)
	case f.live && !f.follow:
		return usagef("--live needs --follow")
	case f.settle != "" && !f.follow:
		return usagef("--settle needs --follow")
	case f.maxCalls < 0:
		return usagef("--call-rate %v: it takes a number above zero", f.maxCalls)
	}
	if f.settle != "" {
		if q.Settle, err = time.ParseDuration(f.settle); err != nil || q.Settle < 0 || q.Settle > time.Minute {
			return usagef("--settle %q: it takes a duration of up to 1m, such as 2s", f.settle)
		}
	}
	if f.until == "" {
		return nil
	}
	if f.follow {
		return usagef("--until and --follow exclude each other")
	}
	if q.Until, err = parseTime(now, f.until); err != nil {
		return usagef("--until: %w", err)
	}
	if q.Until.Before(q.Since) {
		return usagef("--until is before --since")
	}
	return nil
}

// filters makes show, nil when there is no filter, and has CloudWatch search where that
// changes nothing but the number of calls.
func (f *logsFlags) filters(q *logs.Query) (show func(*logs.Line) bool, err error) {
	level, err := parseLevel(f.level)
	if err != nil {
		return nil, err
	}
	matches := func(*logs.Line) bool { return true }
	if f.grep != "" {
		re, err := logs.ParseRegexp(f.grep)
		if err != nil {
			return nil, usagef("--grep: %w", err)
		}
		matches = func(l *logs.Line) bool { return re.MatchString(l.Raw) != f.invert }
	} else if f.invert {
		return nil, usagef("--invert needs --grep")
	}
	var phrases []string
	fields := make([]logs.Field, len(f.fields))
	for i, text := range f.fields {
		if fields[i], err = logs.ParseField(text); err != nil {
			return nil, usagef("--field: %w", err)
		}
		if p := fields[i].Phrase(); p != "" {
			phrases = append(phrases, `"`+p+`"`)
		}
	}
	// Of lines that CloudWatch finds nothing can be inferred, so not where more than their
	// text is printed.
	if len(phrases) > 0 && !f.follow && f.jobID == "" && f.requestID == "" && f.save == "" {
		q.Pattern = strings.Join(phrases, " ")
	}
	if level == logs.LevelNone && f.grep == "" && len(fields) == 0 && f.requestID == "" {
		return nil, nil
	}
	return func(l *logs.Line) bool {
		return l.Level >= level && (f.requestID == "" || l.RequestID == f.requestID) && matches(l) && logs.MatchFields(fields, l)
	}, nil
}

func (a *App) logs(ctx context.Context, f logsFlags, names []string) (err error) {
	q, show, err := f.query(a.Now())
	if err != nil {
		return err
	}
	out := &logPrinter{app: a, format: a.format(), stream: f.follow, dated: a.Now().Sub(q.Since) > 12*time.Hour}
	if out.format == formatText {
		out.format = formatTable
	}
	if out.format != formatTable && out.format != formatRaw {
		q.Pattern = ""
	}
	if f.invocations {
		if err := f.foldable(out.format); err != nil {
			return err
		}
		show, q.Pattern = nil, ""
	}
	q.Original, q.Match = out.format == formatRaw || f.save != "", show
	q.Unparsed = out.format == formatRaw && !a.OutTTY && !f.live && f.save == "" && q.JobID == "" && show == nil
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
	out.name(q.Sources)
	if f.save != "" {
		saver, failed := a.newSaver(f.save)
		if failed != nil {
			return failed
		}
		q.Match = saver.before(show)
		defer func() { err = saver.end(err) }()
	}
	opts := []logs.Option{logs.WithCallRate(f.maxCalls, int(cmp.Or(f.maxCalls, 1)))}
	read := func(ctx context.Context, q logs.Query, fn func([]logs.Line) error) error {
		if f.follow {
			return a.follow(ctx, s, q, f, opts, fn)
		}
		return logs.For(s, opts...).Read(ctx, q, fn)
	}
	if f.invocations {
		return a.invocations(ctx, f, q, out, read)
	}
	if err := read(ctx, q, out.print); err != nil || f.follow {
		return err
	}
	if err := out.end(); err != nil || out.n > 0 {
		return err
	}
	since := q.Since.Local().Format(time.DateTime)
	if q.JobID != "" || show != nil {
		return nothingf("no such line since %s; --since looks further back", since)
	}
	fmt.Fprintf(a.Err, "aiwctl: no lines since %s; --since looks further back\n", since)
	return nil
}

// follow tails until ctx ends.
func (a *App) follow(ctx context.Context, s *aws.Stage, q logs.Query, f logsFlags, opts []logs.Option, fn func([]logs.Line) error) error {
	if f.settle == "" && len(q.Sources) > 1 {
		q.Settle = 2 * time.Second
	}
	if f.live {
		meter := &liveMeter{app: a, open: logs.LiveOf(s), free: s.Target().Loopback()}
		meter.begin(len(q.Sources))
		defer meter.end()
		opts = append(opts, logs.WithLive(meter.start))
	}
	return logs.For(s, opts...).Follow(ctx, q, a.tailState(), fn)
}
