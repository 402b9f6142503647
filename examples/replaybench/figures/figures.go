// Package figures measures `aiwctl dlq replay` from outside: how fast it is beside
// a mover that does nothing else, how much latency it hides, how much memory it
// takes, and how well it keeps to a rate.
package figures

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/microfox-ai/aiwctl/examples/replaychaos/rig"
)

// The bars.
const (
	ceilingShare = 0.60
	latencyGain  = 10
	memoryMost   = 100 << 20
	rateError    = 0.05
)

const (
	// messageBytes is how long a message's body is.
	messageBytes = 1024
	// latency is what a call takes in measurement b.
	latency = 10 * time.Millisecond
	// perSecond is the rate of measurement d.
	perSecond = 50
)

// Config says what to measure.
type Config struct {
	// Aiwctl is the executable that is judged, Self the one that calls Child where
	// IsChild says so.
	Aiwctl, Self string
	// N is how many messages measurements a and b replay; the serial mover of b moves
	// a tenth, c ten times, and d a tenth of them.
	N int
	// Runs is how often each pair of a and b is run; their medians count.
	Runs int
	// Concurrency is how many batches are under way at once.
	Concurrency int
	// Only has the letters of the measurements to make; empty means all.
	Only string
	// OnLine is told of each line as it is known.
	OnLine func(Line)
}

// Line is a figure, and its bar if it has one.
type Line struct {
	// Measurement is its letter, a to d.
	Measurement, What, Figure string
	// Bar is what is wanted; empty means nothing is. Holds is whether it is so.
	Bar   string
	Holds bool
}

// String is the line as it is printed.
func (l Line) String() string {
	text := fmt.Sprintf("%s  %-62s  %s", l.Measurement, l.What, l.Figure)
	switch {
	case l.Bar == "":
	case l.Holds:
		text += "   bar " + l.Bar + ": holds"
	default:
		text += "   bar " + l.Bar + ": DOES NOT HOLD"
	}
	return text
}

// Run makes the measurements. The error says that one could not be made, or that a
// message did not arrive once: a figure below its bar is none.
func Run(ctx context.Context, cfg Config) (err error) {
	dir, err := os.MkdirTemp("", "aiwctl-bench-")
	if err != nil {
		return fmt.Errorf("make a directory for the state: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	b := &bench{cfg: cfg, dir: dir}
	// The first start of each executable reads it from the disk.
	if _, err := b.pair(ctx, 0, 10, 10, 1, nil, nil); err != nil {
		return err
	}
	for _, m := range []struct {
		letter string
		run    func(context.Context) error
	}{{"a", b.ceiling}, {"b", b.hidden}, {"c", b.memory}, {"d", b.rate}} {
		if cfg.Only != "" && !strings.Contains(cfg.Only, m.letter) {
			continue
		}
		b.letter = m.letter
		if err := m.run(ctx); err != nil {
			return fmt.Errorf("measurement %s: %w", m.letter, err)
		}
	}
	return nil
}

type bench struct {
	cfg    Config
	dir    string
	letter string
}

func (b *bench) line(what, figure string) {
	b.cfg.OnLine(Line{Measurement: b.letter, What: what, Figure: figure})
}

func (b *bench) bar(what, figure, bar string, holds bool) {
	b.cfg.OnLine(Line{Measurement: b.letter, What: what, Figure: figure, Bar: bar, Holds: holds})
}

// replay lets aiwctl replay everything of an endpoint.
func (b *bench) replay(ctx context.Context, s *service, flags ...string) (*rig.Process, error) {
	a := rig.Aiwctl{Path: b.cfg.Aiwctl, Endpoint: s.URL, Dir: b.dir}
	args := []string{"dlq", "replay", "orders", "--all", "--yes", "--concurrency", strconv.Itoa(b.cfg.Concurrency)}
	p, err := a.Run(ctx, append(args, flags...)...)
	if err == nil && p.Code() != 0 {
		err = errors.New(p.String())
	}
	return p, err
}

// whole checks that all n messages have arrived, each once.
func whole(s *service, n int) (arrivals, error) {
	a, err := s.arrived()
	if err == nil && (a.Messages != n || a.Different != n || a.Left != 0) {
		err = fmt.Errorf("of %d messages %d arrived, %d of them different, and %d are left", n, a.Messages, a.Different, a.Left)
	}
	return a, err
}

// with runs something against a new endpoint with n messages, and checks that they
// have arrived.
func (b *bench) with(ctx context.Context, delay time.Duration, n int, run func(*service) error) (a arrivals, err error) {
	s, err := start(ctx, b.cfg.Self, delay, n)
	if err != nil {
		return a, err
	}
	defer func() { err = errors.Join(err, s.close()) }()
	if err := run(s); err != nil {
		return a, err
	}
	return whole(s, n)
}

// rates are messages a second.
type rates []float64

func (r *rates) add(n int, took time.Duration) { *r = append(*r, float64(n)/took.Seconds()) }

func (r rates) median() float64 {
	s := slices.Sorted(slices.Values(r))
	if len(s)%2 == 1 {
		return s[len(s)/2]
	}
	return (s[len(s)/2-1] + s[len(s)/2]) / 2
}

func (r rates) String() string {
	text := fmt.Sprintf("%.0f/s", r.median())
	if len(r) == 1 {
		return text
	}
	all := make([]string, len(r))
	for i, one := range r {
		all[i] = fmt.Sprintf("%.0f", one)
	}
	return text + " (" + strings.Join(all, ", ") + ")"
}

// pair runs the bare mover on some messages and aiwctl on others, and returns how
// fast the mover was without its start.
func (b *bench) pair(ctx context.Context, delay time.Duration, forMover, forAiwctl, width int, mover, aiwctl *rates) (inside float64, err error) {
	_, err = b.with(ctx, delay, forMover, func(s *service) error {
		m, took, err := s.bare(ctx, forMover, width)
		if err == nil && mover != nil {
			mover.add(m.Messages, took)
			inside = float64(m.Messages) / m.Took.Seconds()
		}
		return err
	})
	if err != nil {
		return 0, err
	}
	_, err = b.with(ctx, delay, forAiwctl, func(s *service) error {
		p, err := b.replay(ctx, s)
		if err == nil && aiwctl != nil {
			aiwctl.add(forAiwctl, p.Took())
		}
		return err
	})
	return inside, err
}

// ceiling is measurement a: aiwctl beside a mover that does nothing but move.
func (b *bench) ceiling(ctx context.Context) error {
	var mover, inside, aiwctl rates
	for range b.cfg.Runs {
		in, err := b.pair(ctx, 0, b.cfg.N, b.cfg.N, b.cfg.Concurrency, &mover, &aiwctl)
		if err != nil {
			return err
		}
		inside = append(inside, in)
	}
	b.line(fmt.Sprintf("a bare mover of %d messages, %d batches at once", b.cfg.N, b.cfg.Concurrency), mover.String())
	b.line("  without its start-up", inside.String())
	b.line(fmt.Sprintf("aiwctl dlq replay of %d messages, the whole command", b.cfg.N), aiwctl.String())
	share := aiwctl.median() / mover.median()
	b.bar("  of the bare mover's", fmt.Sprintf("%.2f", share), fmt.Sprintf(">= %.2f", ceilingShare), share >= ceilingShare)
	return nil
}

// hidden is measurement b: how much latency is hidden by batches side by side.
func (b *bench) hidden(ctx context.Context) error {
	var mover, aiwctl rates
	few := max(b.cfg.N/10, 10)
	for range b.cfg.Runs {
		if _, err := b.pair(ctx, latency, few, b.cfg.N, 1, &mover, &aiwctl); err != nil {
			return err
		}
	}
	b.line(fmt.Sprintf("calls take %v: a mover of one batch after another, %d messages", latency, few), mover.String())
	b.line(fmt.Sprintf("aiwctl dlq replay of %d messages, the whole command", b.cfg.N), aiwctl.String())
	gain := aiwctl.median() / mover.median()
	b.bar("  times as fast", fmt.Sprintf("%.1f", gain), fmt.Sprintf(">= %d", latencyGain), gain >= latencyGain)
	return nil
}

// memory is measurement c.
func (b *bench) memory(ctx context.Context) error {
	n := b.cfg.N * 10
	_, err := b.with(ctx, 0, n, func(s *service) error {
		p, err := b.replay(ctx, s)
		if err != nil {
			return err
		}
		b.line(fmt.Sprintf("aiwctl dlq replay of %d messages, the whole command", n), fmt.Sprintf("%.0f/s", float64(n)/p.Took().Seconds()))
		what := "  its peak memory"
		peak := p.PeakMemory()
		if peak == 0 {
			b.line(what, "this system does not say")
			return nil
		}
		b.bar(what, fmt.Sprintf("%d MB", peak>>20), fmt.Sprintf("< %d MB", memoryMost>>20), peak < memoryMost)
		return nil
	})
	return err
}

// rate is measurement d.
func (b *bench) rate(ctx context.Context) error {
	n := max(b.cfg.N/10, 2*perSecond/5) // two of the batches that a rate is cut into at least
	a, err := b.with(ctx, 0, n, func(s *service) error {
		_, err := b.replay(ctx, s, "--rate", fmt.Sprintf("%d/s", perSecond))
		return err
	})
	if err != nil {
		return err
	}
	// What comes at first comes at once, so the time is of those that follow.
	took := a.Last.Sub(a.First)
	rate := float64(n-a.AtFirst) / took.Seconds()
	off := rate/perSecond - 1
	b.bar(fmt.Sprintf("--rate %d/s: %d messages, from the first arrival to the last", perSecond, n),
		fmt.Sprintf("%.1f s, %.2f/s", took.Seconds(), rate), fmt.Sprintf("within %.0f%%", rateError*100), off >= -rateError && off <= rateError)
	return nil
}
