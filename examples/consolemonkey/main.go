// Consolemonkey presses keys in the console, any key at any time, on a demo stage that works
// while its calls fail and heal and the terminal changes its size, and says whether the
// console stood it: no panic, no goroutine left behind, every frame whole, and whenever all
// is well again every screen is fresh again.
//
//	go run ./examples/consolemonkey -duration 1h -seed 7
//	go run ./examples/consolemonkey -replay consolemonkey-7.trace
//
// What it typed is kept in a trace, which -replay types again at the same times. It exits
// with 1 when something was wrong, and says where the trace is.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"path/filepath"
	goruntime "runtime"
	"syscall"
	"time"

	"github.com/microfox-ai/aiwctl/aws/local"
	"github.com/microfox-ai/aiwctl/dispatch"
	"github.com/microfox-ai/aiwctl/examples/workers/jobs"
	"github.com/microfox-ai/aiwctl/runtime"
)

// workerRole is the first argument of the process that is the stage's worker program.
const workerRole = "consolemonkey-worker"

type options struct {
	duration time.Duration
	seed     uint64
	trace    string
	replay   string
	every    time.Duration
}

func main() {
	if len(os.Args) > 1 && os.Args[1] == workerRole {
		app, err := runtime.NewApp(runtime.AppConfig{}, jobs.All()...)
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(app.Run(context.Background(), os.Args[2:], os.Stdin, os.Stdout, os.Stderr))
	}
	var o options
	flag.DurationVar(&o.duration, "duration", time.Hour, "how long")
	flag.Uint64Var(&o.seed, "seed", 0, "what the choices are made of; 0: the clock")
	flag.StringVar(&o.trace, "trace", "", "the file that keeps what was typed; empty: consolemonkey-SEED.trace among the temporary files")
	flag.StringVar(&o.replay, "replay", "", "type what this trace holds instead")
	flag.DurationVar(&o.every, "every", 60*time.Millisecond, "the mean time between two keys")
	flag.Parse()
	if o.seed == 0 {
		o.seed = uint64(time.Now().UnixNano())
	}
	if o.trace == "" {
		o.trace = filepath.Join(os.TempDir(), fmt.Sprintf("consolemonkey-%d.trace", o.seed))
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, o)
	stop()
	if err != nil {
		fmt.Fprintf(os.Stderr, "consolemonkey: seed %d: %v\nwhat was typed: %s\n", o.seed, err, o.trace)
		os.Exit(1)
	}
}

func run(ctx context.Context, o options) (err error) {
	dir, err := os.MkdirTemp("", "consolemonkey-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	exe, err := os.Executable()
	if err != nil {
		return err
	}
	server, err := local.Start(ctx, local.Config{
		Listen: "127.0.0.1:0", Stage: "demo", Logger: slog.New(slog.DiscardHandler),
		Programs: []local.Program{{Name: "the demo's workers", Command: []string{exe, workerRole}}},
	})
	if err != nil {
		return err
	}
	defer func() {
		closing, cancel := context.WithTimeout(context.WithoutCancel(ctx), 30*time.Second)
		defer cancel()
		err = errors.Join(err, server.Close(closing))
	}()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	go feed(ctx, server.Endpoint())

	m, err := newMonkey(o, server, dir)
	if err != nil {
		return err
	}
	fmt.Printf("seed %d, %v, trace %s\n", o.seed, o.duration, o.trace)
	err = m.live(ctx)
	fmt.Printf("%d keys in %d sessions, %d frames looked at, %d times all was made well, heap %.1f MB, %d goroutines\n",
		m.typed, m.sessions, m.frames.Load(), m.healed, heap(), goruntime.NumGoroutine())
	return errors.Join(err, m.close())
}

// feed keeps the stage busy, with jobs that end in every way.
func feed(ctx context.Context, url string) {
	client, err := dispatch.NewClient(dispatch.Config{BaseURL: url, Mode: dispatch.ModeRemote})
	if err != nil {
		return
	}
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for i := 1; ; i++ {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		switch i % 4 {
		case 0:
			_, _ = client.Dispatch(ctx, "fail", map[string]any{"order": i/4*2 + i/4%2})
		case 1:
			_, _ = client.Dispatch(ctx, "echo", map[string]any{"text": fmt.Sprint("hello ", i)})
		case 2:
			_, _ = client.Dispatch(ctx, "slow", map[string]any{"steps": 3, "stepMs": 400})
		case 3:
			_, _ = client.Dispatch(ctx, "flaky", map[string]any{})
		}
	}
}

func heap() float64 {
	var m goruntime.MemStats
	goruntime.GC()
	goruntime.ReadMemStats(&m)
	return float64(m.HeapAlloc) / (1 << 20)
}
