package cli

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/charmbracelet/x/ansi"

	"github.com/microfox-ai/aiwctl/aws"
	"github.com/microfox-ai/aiwctl/aws/watch"
)

const (
	// readTimeout is how long one reading may take, and slowestWatch the longest wait
	// between two that fail.
	readTimeout  = 20 * time.Second
	slowestWatch = time.Minute
)

// watchLine is what `workers --watch -o jsonl` prints for each reading; the field
// names are part of the interface.
type watchLine struct {
	At time.Time `json:"at"`
	// Error is why the last reading failed or was partial: the workers are then as
	// they were, each with its own readAt.
	Error          string  `json:"error,omitempty"`
	CallsPerMinute uint64  `json:"callsPerMinute"`
	DollarsPerDay  float64 `json:"dollarsPerDay"`
	// MaxCalls is the limit of calls a minute; zero means none.
	MaxCalls int `json:"maxCallsPerMinute"`
	// Workers have no inputSchema here.
	Workers []workerRow `json:"workers"`
}

// watching is a `workers --watch` under way.
type watching struct {
	app        *App
	flags      *workersFlags
	stage      *aws.Stage
	board      *watch.Board
	every      time.Duration
	shown      []string
	calls, sqs watch.Meter
	failures   int
	failed     error  // the last reading's
	warnings   string // of the last discovery
	noMetrics  string
	began      bool
}

// workersWatch reads the stage again and again until ctx ends.
func (a *App) workersWatch(ctx context.Context, f *workersFlags, every time.Duration) error {
	switch a.format() {
	case formatJSON, formatYAML:
		return usagef("--watch prints one table or one line of JSON after the other: -o jsonl, or no -o")
	case formatTable, formatJSONL:
	}
	s, err := a.openStage(ctx)
	if err != nil {
		return err
	}
	w := &watching{app: a, flags: f, stage: s, board: boardOf(s, f), every: every}
	defer w.leave()
	for {
		if err := w.read(ctx); err != nil {
			return err
		}
		if err := w.show(); err != nil {
			return err
		}
		wait := every
		for range min(w.failures, 6) {
			wait = min(2*wait, max(slowestWatch, every))
		}
		timer := time.NewTimer(wait)
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return ctx.Err()
		}
	}
}

// read reads what is due. Its error ends the watch: nothing was ever read, or ctx
// has ended.
func (w *watching) read(ctx context.Context) error {
	var err error
	if now := w.app.Now(); w.board.DiscoverDue(now) {
		err = w.within(ctx, w.board.DiscoverTimeout(readTimeout), func(ctx context.Context) error {
			inv, err := w.stage.Inventory(ctx)
			if err != nil {
				return err
			}
			w.board.Discovered(inv, w.app.Now())
			w.warned(inv)
			return nil
		})
		if w.board.Inventory() == nil {
			return err
		}
	} else {
		list := w.board.Next(w.shown, w.every, w.stage.Pace().Free())
		err = w.within(ctx, readTimeout, func(ctx context.Context) error {
			read, err := w.stage.Refresh(ctx, list)
			w.board.Refreshed(read)
			return err
		})
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	w.outcome(err)
	w.noMetrics = ""
	_ = w.within(ctx, readTimeout, func(ctx context.Context) error {
		w.app.measure(ctx, w.stage, w.board, w.shown, func(err error) { w.noMetrics = err.Error() })
		return nil
	})
	return ctx.Err()
}

func (w *watching) within(ctx context.Context, d time.Duration, f func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, d)
	defer cancel()
	return f(ctx)
}

// warned tells of sources that could not be read, once for as long as they cannot.
func (w *watching) warned(inv *aws.Inventory) {
	text := ""
	if err := errors.Join(inv.Warnings...); err != nil {
		text = err.Error()
	}
	if text != "" && text != w.warnings && !w.app.OutTTY {
		w.app.warn(inv)
	}
	w.warnings = text
}

// outcome counts failures and, where nobody sees the table change, tells of the first.
func (w *watching) outcome(err error) {
	if err == nil {
		if w.failures > 0 && !w.app.OutTTY {
			fmt.Fprintln(w.app.Err, "aiwctl: the reading goes on")
		}
		w.failures, w.failed = 0, nil
		return
	}
	if w.failures == 0 && !w.app.OutTTY {
		w.app.warnErr("the reading failed, trying again", err)
	}
	w.failures++
	w.failed = err
}

// show prints a reading.
func (w *watching) show() error {
	now := w.app.Now()
	usage := w.stage.Usage()
	calls, sqs := w.calls.Note(now, usage.Calls), w.sqs.Note(now, usage.SQS)
	perDay := w.board.PerDay(float64(sqs))
	rows := w.flags.rows(w.board, now)
	if w.app.format() == formatJSONL {
		for i := range rows {
			rows[i].InputSchema = nil // it is long and does not change
		}
		line := watchLine{At: now, CallsPerMinute: calls, DollarsPerDay: perDay, MaxCalls: w.stage.Pace().Limit, Workers: rows}
		if w.failed != nil {
			line.Error = plain(w.failed.Error())
		}
		return writeJSON(w.app.Out, line, "")
	}
	head := w.heading(now, calls, perDay, len(rows))
	width, height := w.app.size()
	if width == 0 {
		if w.began {
			head = append([]string{""}, head...)
		}
		w.began = true
		w.shown = nil // nobody scrolls in a pipe: all rows are alike
		t := &tableWriter{}
		w.app.workersTable(t, rows)
		if _, err := fmt.Fprintln(w.app.Out, strings.Join(head, "\n")); err != nil {
			return err
		}
		return t.writeTo(w.app.Out)
	}
	return w.draw(head, rows, width, height)
}

// heading says what is looked at, how old it is and what the looking costs.
func (w *watching) heading(now time.Time, calls uint64, perDay float64, workers int) []string {
	t := w.stage.Target()
	line := fmt.Sprintf("%s · %s · %s · %s · %d calls/min", t.Stage, t.Region, plural(workers, "worker"), now.Local().Format(time.TimeOnly), calls)
	if limit := w.stage.Pace().Limit; limit > 0 {
		line += fmt.Sprintf(" of %d", limit)
	}
	if perDay > 0 {
		line += fmt.Sprintf(", about $%.2f a day", perDay)
	}
	lines := []string{oneLine(line, 0)}
	if w.failed != nil {
		text := "the last reading failed: " + w.failed.Error()
		if _, hint := aws.Classify(w.failed); hint != "" {
			text += "; " + hint
		}
		lines = append(lines, oneLine(text, 0))
	}
	if w.warnings != "" {
		lines = append(lines, oneLine("the list may be incomplete: "+w.warnings, 0))
	}
	if w.noMetrics != "" {
		lines = append(lines, oneLine("without CloudWatch: "+w.noMetrics, 0))
	}
	return lines
}

// draw paints the terminal anew, line over line, so that it does not flicker.
func (w *watching) draw(head []string, rows []workerRow, width, height int) error {
	room := max(1, height-len(head)-2) // the heading of the table, and the cursor's line
	visible := rows[:min(room, len(rows))]
	w.shown = w.shown[:0]
	for _, r := range visible {
		w.shown = append(w.shown, r.ID)
	}
	var table strings.Builder
	t := &tableWriter{}
	w.app.workersTable(t, visible)
	if err := t.writeTo(&table); err != nil {
		return err
	}
	lines := head
	lines = append(lines, strings.Split(strings.TrimRight(table.String(), "\n"), "\n")...)
	if more := len(rows) - len(visible); more > 0 {
		lines[0] += fmt.Sprintf(" · %d more below", more)
	}
	var b strings.Builder
	if !w.began {
		w.began = true
		b.WriteString("\x1b[?25l\x1b[2J") // no cursor, a blank screen
	}
	b.WriteString("\x1b[H")
	for _, line := range lines {
		b.WriteString(ansi.Truncate(line, width, "…") + "\x1b[K\n")
	}
	b.WriteString("\x1b[J")
	_, err := w.app.Out.Write([]byte(b.String()))
	return err
}

// leave gives the cursor back.
func (w *watching) leave() {
	if w.began && w.app.OutTTY && w.app.format() == formatTable {
		_, _ = w.app.Out.Write([]byte("\x1b[?25h"))
	}
}
