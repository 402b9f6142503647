// Package chaos tails log groups that misbehave, through the whole `aiwctl logs` command, and
// counts how often each line was printed.
package chaos

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"time"

	"github.com/microfox-ai/aiwctl/examples/replaychaos/rig"
	"github.com/microfox-ai/aiwctl/examples/tailchaos/stage"
)

// Config is what Run does.
type Config struct {
	// Aiwctl is the executable, and Dir its home, which must exist.
	Aiwctl, Dir string
	// Events is how many are written, over Groups log groups, within Over.
	Events, Groups int
	Over           time.Duration
	// Jobs is how many jobs run side by side in the second round, of which Tailed are
	// followed.
	Jobs, Tailed int
	// Late is how late events arrive at most.
	Late time.Duration
	// Throttled is the part of the calls that is refused.
	Throttled float64
	// Live has the first round's tail use live sessions as well, which sample.
	Live bool
	Seed uint64
	// Quiet is how long nothing new may come before the tail is taken to have given up.
	Quiet time.Duration
	// OnLine gets a line about each round.
	OnLine func(string)
}

// Result counts the lines of a round.
type Result struct {
	Name                                string
	Written, Printed                    int
	Missing, Twice, Foreign             int
	Calls, Refused                      int64
	Took                                time.Duration
	MissingExample, TwiceOrOtherExample string
}

// Holds is whether each line was printed exactly once, and nothing else.
func (r *Result) Holds() bool {
	return r.Missing == 0 && r.Twice == 0 && r.Foreign == 0 && r.Written > 0
}

func (r *Result) String() string {
	s := fmt.Sprintf("%-28s %7d written %7d printed %4d missing %4d twice %4d others  %5d calls, %d throttled, %.1f s", r.Name, r.Written, r.Printed, r.Missing,
		r.Twice, r.Foreign, r.Calls, r.Refused, r.Took.Seconds())
	if r.MissingExample != "" {
		s += "\n  missing: " + r.MissingExample
	}
	if r.TwiceOrOtherExample != "" {
		s += "\n  twice, or none of ours: " + r.TwiceOrOtherExample
	}
	return s
}

// compare counts printed lines against those that should have been.
func compare(r *Result, want map[string]bool, printed string) {
	got := make(map[string]int, len(want))
	for line := range strings.Lines(printed) {
		line = strings.TrimSuffix(line, "\n")
		r.Printed++
		got[line]++
		switch {
		case !want[line]:
			r.Foreign++
			r.TwiceOrOtherExample = line
		case got[line] == 2:
			r.Twice++
			r.TwiceOrOtherExample = line
		}
	}
	r.Written = len(want)
	for line := range want {
		if got[line] == 0 {
			r.Missing++
			r.MissingExample = line
		}
	}
}

// Run makes the rounds. Its error says that it could not; whether lines were lost is in
// the results.
func Run(ctx context.Context, cfg Config) (results []Result, err error) {
	for _, round := range []func(context.Context, Config) ([]Result, error){everything, jobs} {
		r, err := round(ctx, cfg)
		if err != nil {
			return results, err
		}
		for i := range r {
			cfg.OnLine(r[i].String())
		}
		results = append(results, r...)
	}
	return results, nil
}

// everything tails all groups while they are written to.
func everything(ctx context.Context, cfg Config) (out []Result, err error) {
	s, err := stage.Serve(stage.Config{Workers: cfg.Groups, Throttled: cfg.Throttled, Cut: true, Seed: cfg.Seed})
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	began := time.Now()
	args := []string{"-f", "-o", "raw", "--since", "5m"}
	if cfg.Live {
		args = append(args, "--live")
	}
	p, err := start(ctx, cfg, s, args...)
	if err != nil {
		return nil, err
	}
	rng := rand.New(rand.NewPCG(cfg.Seed, 2)) //nolint:gosec // chaos that can be repeated
	want := make(map[string]bool, cfg.Events)
	err = paced(ctx, cfg.Events, cfg.Over, func(i int) {
		// Half of them in time, the others late; many share a millisecond.
		at := time.Now()
		if rng.IntN(2) == 0 {
			at = at.Add(-time.Duration(rng.Int64N(int64(cfg.Late))))
		}
		text := fmt.Sprintf("line %06d of the %d", i, cfg.Events)
		want[text] = true
		s.Write(rng.IntN(cfg.Groups), fmt.Sprint("s", rng.IntN(3)), at.Truncate(50*time.Millisecond), text)
	})
	if err != nil {
		return nil, err
	}
	printed, err := finish(ctx, p, len(want), cfg.Quiet)
	r := Result{Name: fmt.Sprintf("tail of %d groups", cfg.Groups), Calls: s.Calls.Load(), Refused: s.Refused.Load(), Took: time.Since(began)}
	compare(&r, want, printed)
	return []Result{r}, err
}

func start(ctx context.Context, cfg Config, s *stage.Stage, args ...string) (*rig.Process, error) {
	a := &rig.Aiwctl{Path: cfg.Aiwctl, Endpoint: s.URL, Dir: cfg.Dir}
	args = append(append([]string{"logs"}, stage.Names(cfg.Groups)...), args...)
	return a.Start(ctx, append(args, "--call-rate", "300")...)
}

// paced calls do n times, evenly over a time.
func paced(ctx context.Context, n int, over time.Duration, do func(i int)) error {
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	began := time.Now()
	for done := 0; done < n; {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C:
		}
		for due := min(n, int(float64(n)*min(1, time.Since(began).Seconds()/over.Seconds()))); done < due; done++ {
			do(done)
		}
	}
	return nil
}

// finish waits until a tail has printed n lines, then a little for more of them, or until
// nothing has come for long; then it interrupts the tail.
func finish(ctx context.Context, p *rig.Process, n int, quiet time.Duration) (printed string, err error) {
	tick := time.NewTicker(200 * time.Millisecond)
	defer tick.Stop()
	for lines, since := 0, time.Now(); ; {
		select {
		case <-ctx.Done():
			return "", ctx.Err()
		case <-p.Done():
			return "", fmt.Errorf("the tail ended by itself: %s", p)
		case <-tick.C:
		}
		if now := strings.Count(p.Printed(), "\n"); now != lines {
			lines, since = now, time.Now()
		}
		wait := quiet
		if lines >= n {
			wait = min(quiet, 3*time.Second) // for what should not come
		}
		if time.Since(since) > wait {
			break
		}
	}
	if err := p.Interrupt(); err != nil {
		return "", err
	}
	<-p.Done()
	if code := p.Code(); code != 130 {
		return "", fmt.Errorf("an interrupted tail exits with %d: %s", code, p)
	}
	return p.Printed(), nil
}
