// Consolebench measures the whole console on a terminal of 200x50, beside a stage in a process
// of its own that writes log lines: what it sends to the terminal while nothing happens, and
// what following a busy worker costs in processor time, memory and bytes.
//
//	go run ./examples/consolebench [-for 1m] [-rate 1000]
//
// It takes three and a half minutes.
// It prints a table, and exits with 1 when a bar is missed: 1 KiB/s at rest, a quarter of one
// core while it follows, and no growth of memory once the buffer is full (-fill lines, more
// than the pane keeps, are there before it begins, and -settle passes).
package main

import (
	"bufio"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"math"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	goruntime "runtime"
	"sync/atomic"
	"syscall"
	"time"

	tea "charm.land/bubbletea/v2"

	"github.com/microfox-ai/aiwctl/aws"
	"github.com/microfox-ai/aiwctl/aws/history"
	"github.com/microfox-ai/aiwctl/aws/jobs"
	"github.com/microfox-ai/aiwctl/aws/local/functions"
	"github.com/microfox-ai/aiwctl/aws/logs"
	"github.com/microfox-ai/aiwctl/aws/recall"
	"github.com/microfox-ai/aiwctl/aws/redrive"
	"github.com/microfox-ai/aiwctl/examples/tailchaos/stage"
	"github.com/microfox-ai/aiwctl/tui"
)

// stageRole is the first argument of the process that is the stage.
const stageRole = "consolebench-stage"

type options struct {
	length, settle time.Duration
	rate, fill     int
	bars           bool
}

func main() {
	if len(os.Args) > 1 && os.Args[1] == stageRole {
		if err := serve(); err != nil {
			fmt.Fprintln(os.Stderr, "consolebench: the stage:", err)
			os.Exit(1)
		}
		return
	}
	var o options
	flag.DurationVar(&o.length, "for", time.Minute, "how long to follow, and a quarter of it to rest")
	flag.DurationVar(&o.settle, "settle", 75*time.Second, "how long to follow before that: the tail remembers the ids of the last minute's lines")
	flag.IntVar(&o.rate, "rate", 1000, "log lines a second")
	flag.IntVar(&o.fill, "fill", 110_000, "log lines that are there before")
	flag.BoolVar(&o.bars, "bars", true, "exit with 1 when a bar is missed; not on a machine that does other work meanwhile")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, o)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "consolebench:", err)
		os.Exit(1)
	}
}

// serve is the stage's process. It is told on standard input how many lines to write, at
// once ("fill N") or each second from then on ("rate N"), and ends when that does.
func serve() error {
	s, err := stage.Serve(stage.Config{Workers: 1})
	if err != nil {
		return err
	}
	defer s.Close()
	fmt.Println(s.URL)
	var rate atomic.Int64
	number := 0
	write := func(n int, at time.Time) {
		events := make([]functions.LogEvent, n)
		for i := range events {
			number++
			events[i] = functions.LogEvent{Time: at, Message: fmt.Sprintf(
				`{"level":"INFO","msg":"job completed","event":"job.completed","jobId":"job-%d","workerId":"w0","durationMs":%d,"output":{"text":"some output of the job"}}`, number, number%900)}
		}
		s.Logs.Append(stage.Group(0), "2026/11/23/[$LATEST]0123456789abcdef0123456789abcdef", events...)
	}
	go func() {
		const perSecond = 20
		for now := range time.Tick(time.Second / perSecond) {
			if n := int(rate.Load()); n > 0 {
				write(n/perSecond, now)
			}
		}
	}()
	in := bufio.NewScanner(os.Stdin)
	for in.Scan() {
		var (
			what string
			n    int
		)
		if _, err := fmt.Sscan(in.Text(), &what, &n); err != nil {
			return err
		}
		switch what {
		case "fill":
			write(n, time.Now().Add(-time.Second))
		case "rate":
			rate.Store(int64(n))
		}
	}
	return in.Err()
}

// counter counts what is sent to a terminal.
type counter struct{ bytes, writes atomic.Int64 }

func (c *counter) Write(p []byte) (int, error) {
	c.bytes.Add(int64(len(p)))
	c.writes.Add(1)
	return len(p), nil
}

func run(ctx context.Context, o options) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	exe, err := os.Executable()
	if err != nil {
		return err
	}
	child := exec.CommandContext(ctx, exe, stageRole) //nolint:gosec // this program
	child.Stderr = os.Stderr
	orders, err := child.StdinPipe()
	if err != nil {
		return err
	}
	said, err := child.StdoutPipe()
	if err != nil {
		return err
	}
	if err := child.Start(); err != nil {
		return err
	}
	defer func() { _ = orders.Close(); _ = child.Wait() }()
	var url string
	if _, err := fmt.Fscanln(said, &url); err != nil {
		return fmt.Errorf("the stage did not start: %w", err)
	}
	dir, err := os.MkdirTemp("", "consolebench-")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	backend, err := open(ctx, url, dir)
	if err != nil {
		return err
	}
	in, keyboard := io.Pipe()
	out := &counter{}
	cfg := tui.Config{
		Backend: backend,
		In:      in, Out: out, Getenv: func(string) string { return "" },
		Options: []tea.ProgramOption{tea.WithWindowSize(200, 50), tea.WithEnvironment([]string{"TERM=xterm-256color"})},
	}
	ended := make(chan error, 1)
	go func() { ended <- tui.Run(ctx, cfg) }()
	err = measure(ctx, o, orders, keyboard, out)
	cancel()
	return errors.Join(err, <-ended, keyboard.Close())
}

// open is the stage as `aiwctl` itself gives it to the console, its files in dir. The metrics
// of CloudWatch are missing: the stage has none.
func open(ctx context.Context, url, dir string) (tui.Backend, error) {
	s, err := aws.Open(ctx, aws.Target{EndpointURL: url, Stage: "prod"}, aws.Options{AuditPath: filepath.Join(dir, "audit.jsonl")})
	if err != nil {
		return tui.Backend{}, err
	}
	reader := logs.For(s, logs.WithLive(logs.LiveOf(s)))
	engine := redrive.New(s, redrive.Config{Dir: dir})
	kept, err := recall.For(s, func(name string) string { return map[string]string{"HOME": dir, "XDG_STATE_HOME": dir}[name] })
	return tui.Backend{
		Stage: s, Logs: reader, Recent: reader, Redrive: engine, Recall: kept,
		Jobs:    jobs.New(jobs.Config{Logs: reader, Letters: engine, Target: s.Target(), Audit: s.AuditPath()}),
		History: history.Trail{Path: s.AuditPath(), Target: s.Target()},
	}, err
}

// figures are what one stretch of time has cost.
type figures struct {
	what          string
	length        time.Duration
	bytes         float64 // a second
	share         float64 // of one core
	before, after float64 // MB of live memory
}

func measure(ctx context.Context, o options, orders io.Writer, keyboard io.Writer, out *counter) error {
	stretch := func(what string, length time.Duration) (figures, error) {
		f := figures{what: what, length: length}
		var err error
		if f.before, err = heap(ctx); err != nil {
			return f, err
		}
		bytes, used, begun := out.bytes.Load(), cpu(), time.Now()
		if err := pause(ctx, length); err != nil {
			return f, err
		}
		took := time.Since(begun).Seconds()
		f.bytes, f.share = float64(out.bytes.Load()-bytes)/took, (cpu()-used).Seconds()/took
		f.after, err = heap(ctx)
		return f, err
	}
	if err := pause(ctx, 3*time.Second); err != nil {
		return err
	}
	rest, err := stretch("at rest, the workers", max(o.length/4, time.Second))
	if err != nil {
		return err
	}
	if _, err := fmt.Fprintf(orders, "fill %d\n", o.fill); err != nil {
		return err
	}
	if _, err := io.WriteString(keyboard, "l"); err != nil {
		return err
	}
	if err := pause(ctx, 12*time.Second); err != nil { // the buffer is filled
		return err
	}
	if _, err := fmt.Fprintf(orders, "rate %d\n", o.rate); err != nil {
		return err
	}
	if err := pause(ctx, o.settle); err != nil {
		return err
	}
	follow, err := stretch(fmt.Sprintf("following %d lines a second", o.rate), o.length)
	if err != nil {
		return err
	}
	fmt.Println("| for | what | bytes/s to the terminal | of one core | live memory before and after |")
	fmt.Println("|---|---|---|---|---|")
	for _, f := range []figures{rest, follow} {
		fmt.Printf("| %v | %s | %.0f | %.0f%% | %.1f MB, %.1f MB |\n", f.length, f.what, f.bytes, 100*f.share, f.before, f.after)
	}
	switch {
	case !o.bars:
	case rest.bytes > 1024:
		return fmt.Errorf("%.0f bytes a second are sent at rest, more than 1024", rest.bytes)
	case follow.share > 0.25:
		return fmt.Errorf("following takes %.0f%% of one core, more than 25%%", 100*follow.share)
	case follow.after > 1.03*follow.before+1: // how full the lists are varies
		return fmt.Errorf("memory grew from %.1f to %.1f MB while the buffer was full", follow.before, follow.after)
	case follow.after < 10:
		return fmt.Errorf("the buffer was not full: %.1f MB", follow.after)
	}
	return nil
}

func pause(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// heap is how much live memory there is: the least of some looks a second apart, since
// an answer of CloudWatch Logs that is being read is megabytes. What pools keep, the SDK's and that
// of package json for instance, survives the first collection.
func heap(ctx context.Context) (float64, error) {
	const looks = 8
	least := uint64(math.MaxUint64)
	for range looks {
		var m goruntime.MemStats
		goruntime.GC()
		goruntime.GC()
		goruntime.ReadMemStats(&m)
		least = min(least, m.HeapAlloc)
		if err := pause(ctx, time.Second); err != nil {
			return 0, err
		}
	}
	return float64(least) / (1 << 20), nil
}
