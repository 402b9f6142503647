// Package figures measures `aiwctl workers` from outside: how long it takes beside
// a bare SDK program that makes the same calls, and which calls it makes.
package figures

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/microfox-ai/aiwctl/examples/replaychaos/rig"
)

// mostOfBare is the bar: how many times the bare program's time it may take.
const mostOfBare = 1.3

// metricsOf is how many metrics a worker's state takes, and metricsACall how many AWS
// takes in a call.
const (
	metricsOf    = 8
	metricsACall = 500
)

// DefaultLatency is what a call takes in the second measurement: about what it does
// from a machine in the same continent.
const DefaultLatency = 20 * time.Millisecond

// probeLatency is what a call takes while the calls are counted.
const probeLatency = 5 * time.Millisecond

// Config says what to measure.
type Config struct {
	// Aiwctl is the executable that is judged, Self the one that calls Bare where
	// IsBare says so.
	Aiwctl, Self string
	// Workers is how many the stage has, each with a dead-letter queue.
	Workers int
	// Runs is how often each is run; medians count.
	Runs int
	// Latency is what a call takes in the second measurement.
	Latency time.Duration
}

// Result is one measurement.
type Result struct {
	Workers int
	Latency time.Duration
	// Calls is how many calls each makes, and Width how many are under way at once.
	Calls, Width int
	Aiwctl, Bare time.Duration // medians
}

// Ratio is how many times the bare program's time aiwctl takes.
func (r Result) Ratio() float64 { return float64(r.Aiwctl) / float64(r.Bare) }

// Holds is whether the bar does.
func (r Result) Holds() bool { return r.Ratio() <= mostOfBare }

// String is the result in a line.
func (r Result) String() string {
	verdict := "holds"
	if !r.Holds() {
		verdict = "DOES NOT HOLD"
	}
	return fmt.Sprintf("%d workers, %v a call: %d calls, %d at once: aiwctl workers %v, bare SDK program %v, ratio %.2f   bar %.1f: %s",
		r.Workers, r.Latency, r.Calls, r.Width, r.Aiwctl.Round(time.Millisecond), r.Bare.Round(time.Millisecond), r.Ratio(), mostOfBare, verdict)
}

// Needed are the calls that reading the stage takes, by name: one for a hundred
// mappings, one for fifty functions, one that lists the service's queues, so that
// none is missed that nothing reads, one for each queue, and of CloudWatch one for
// five hundred metrics, eight a worker.
func Needed(workers int) map[string]int {
	return map[string]int{
		"ListEventSourceMappings": (workers + 99) / 100,
		"ListFunctions":           (workers + 49) / 50,
		"ListQueues":              1,
		"GetQueueAttributes":      2 * workers,
		"GetMetricData":           (metricsOf*workers + metricsACall - 1) / metricsACall,
	}
}

// Run makes the measurements, without and with a latency. The error says that one
// could not be made, or that aiwctl made other calls than are needed.
func Run(ctx context.Context, cfg Config) (results []Result, err error) {
	dir, err := os.MkdirTemp("", "aiwctl-bench-")
	if err != nil {
		return nil, fmt.Errorf("make a directory for the state: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	for _, latency := range []time.Duration{0, cfg.Latency} {
		r, err := measure(ctx, cfg, dir, latency)
		if err != nil {
			return results, err
		}
		results = append(results, r)
	}
	return results, nil
}

func measure(ctx context.Context, cfg Config, dir string, latency time.Duration) (r Result, err error) {
	s, err := startStage(cfg.Workers)
	if err != nil {
		return r, err
	}
	defer func() { err = errors.Join(err, s.close()) }()
	a := rig.Aiwctl{Path: cfg.Aiwctl, Endpoint: s.URL, Dir: dir}
	r = Result{Workers: cfg.Workers, Latency: latency}
	// The first run reads the executables from the disk, and tells the calls. How many
	// are under way at once shows only when they take some time.
	s.latency.Store(int64(max(latency, probeLatency)))
	if _, err := judged(ctx, a, cfg.Workers); err != nil {
		return r, err
	}
	calls, width := s.counted()
	r.Width = width
	for name, n := range calls {
		r.Calls += n
		if want := Needed(cfg.Workers)[name]; n != want {
			return r, fmt.Errorf("aiwctl workers made %d calls of %s, and %d are needed", n, name, want)
		}
	}
	s.latency.Store(int64(latency))
	if _, err := yardstick(ctx, cfg.Self, s.URL, width, cfg.Workers); err != nil {
		return r, err
	}
	var ours, theirs []time.Duration
	for range cfg.Runs {
		took, err := judged(ctx, a, cfg.Workers)
		if err != nil {
			return r, err
		}
		ours = append(ours, took)
		if took, err = yardstick(ctx, cfg.Self, s.URL, width, cfg.Workers); err != nil {
			return r, err
		}
		theirs = append(theirs, took)
	}
	slices.Sort(ours)
	slices.Sort(theirs)
	r.Aiwctl, r.Bare = ours[len(ours)/2], theirs[len(theirs)/2]
	return r, nil
}

// judged is how long aiwctl takes.
func judged(ctx context.Context, a rig.Aiwctl, workers int) (time.Duration, error) {
	p, err := a.Run(ctx, "workers", "-o", "jsonl")
	if err != nil {
		return 0, err
	}
	if lines := strings.Count(p.Printed(), "\n"); p.Code() != 0 || lines != workers {
		return 0, fmt.Errorf("%d lines for %d workers: %v", lines, workers, p)
	}
	return p.Took(), nil
}

// yardstick is how long the bare program takes.
func yardstick(ctx context.Context, self, endpoint string, width, workers int) (time.Duration, error) {
	cmd := exec.CommandContext(ctx, self, bareChild, endpoint, strconv.Itoa(width)) //nolint:gosec // this program itself
	began := time.Now()
	out, err := cmd.Output()
	took := time.Since(began)
	if err != nil {
		return 0, fmt.Errorf("the bare program: %w", err)
	}
	if lines := strings.Count(string(out), "\n"); lines != workers {
		return 0, fmt.Errorf("the bare program printed %d lines for %d workers", lines, workers)
	}
	return took, nil
}
