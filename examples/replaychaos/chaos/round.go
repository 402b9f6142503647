package chaos

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/microfox-ai/aiwctl/aws/local/faults"
	"github.com/microfox-ai/aiwctl/aws/local/queues"
	"github.com/microfox-ai/aiwctl/examples/replaychaos/rig"
)

// Round is what became of one replay that was killed.
type Round struct {
	// Number is zero for the replay that was not killed and says how long one takes.
	Number int
	Kind   string
	// Usual is how long a replay of this kind takes that is not killed, Kill when this
	// one was.
	Usual, Kill time.Duration
	// Messages is how many there were, Moved how many of them were in the target
	// when the replay had been killed.
	Messages, Moved int
	// Kills is how many processes were killed in all, Runs what was run and how it
	// ended: "replay:killed", "resume:0".
	Kills int
	Runs  []string
	// Waited is whether resume had to wait for what the killed process hid.
	Waited bool
	Took   time.Duration
	Count
	// Bound is how many extra copies there may be, CutSends how many of these for
	// sends whose answer was lost.
	Bound, CutSends int
	// Broken are the promises that were broken, and Kept the directory with the
	// journals, kept for looking into, when there are any.
	Broken []string
	Kept   string
	// Log has each command with what it said.
	Log []string

	// whole is how long the first replay took; zero when it was killed.
	whole time.Duration
}

// round is one under way.
type round struct {
	*Round
	cfg      *Config
	plan     *plan
	endpoint *rig.Endpoint
	queues   *rig.Queues
	aiwctl   *rig.Aiwctl
	jumps    int
}

// play plays a round. takes is how long a replay of its kind takes.
func (c *Config) play(ctx context.Context, p *plan, takes time.Duration) (_ *Round, err error) {
	began := time.Now()
	r := &round{cfg: c, plan: p, Round: &Round{Number: p.number, Kind: p.kind.String(), Usual: takes, Messages: c.Messages, Waited: p.wait}}
	if p.kind.fifo {
		r.Messages = c.FIFOMessages
	}
	var wrong faults.API
	if p.kind.faults {
		wrong = c.Faults
		wrong.Seed = p.chance.Uint64()
	}
	if r.endpoint, err = rig.Start(wrong); err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, r.endpoint.Close()) }()
	if r.queues, err = rig.Open(ctx, r.endpoint.Plain, p.kind.fifo); err != nil {
		return nil, err
	}
	if err := r.queues.Fill(ctx, r.Messages, 0, c.Groups); err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("", "aiwctl-chaos-")
	if err != nil {
		return nil, fmt.Errorf("make a directory for the round: %w", err)
	}
	defer func() {
		if len(r.Broken) == 0 {
			err = errors.Join(err, os.RemoveAll(dir))
		}
	}()
	r.aiwctl = &rig.Aiwctl{Path: c.Aiwctl, Endpoint: r.endpoint.URL, Dir: dir}
	if err := r.commands(ctx); err != nil {
		return nil, err
	}
	if err := r.judge(ctx); err != nil {
		return nil, err
	}
	r.Took = time.Since(began)
	if len(r.Broken) > 0 {
		r.Kept = r.aiwctl.Journals()
	}
	return r.Round, nil
}

func (r *round) breaks(format string, args ...any) {
	r.Broken = append(r.Broken, fmt.Sprintf(format, args...))
}

const (
	replay = "replay"
	resume = "resume"
	// exitNothing is aiwctl's exit code when there was nothing to do.
	exitNothing = 3
)

// commands replays, kills and resumes until aiwctl says that nothing is left.
func (r *round) commands(ctx context.Context) error {
	next := replay
	for run := 0; run < runsMost; run++ {
		p, killed, err := r.command(ctx, next, run == 0)
		if err != nil {
			return err
		}
		if run == 0 {
			r.Moved = r.arrived()
			if !killed && p.Code() == 0 {
				r.whole = p.Took()
			}
		}
		left, err := r.endpoint.Depth(r.queues.DLQ)
		if err != nil {
			return err
		}
		n := left.Visible + left.InFlight + left.Delayed
		switch code := p.Code(); {
		case killed:
			next = resume
		case code == 0 && n > 0:
			r.breaks("%s ended with 0, and the dead-letter queue has %d messages: %d visible, %d hidden", next, n, left.Visible, left.InFlight)
			return nil
		case next == replay && code == exitNothing && n > 0:
			r.breaks("%s found nothing to do, and the dead-letter queue has %d messages: %d visible, %d hidden", next, n, left.Visible, left.InFlight)
			return nil
		case next == replay, code != 0 && code != exitNothing:
			next = resume
		case n == 0:
			return nil
		default: // it was killed before it had a journal, or had come to its end with failures
			next = replay
		}
	}
	r.breaks("it has not come to its end after %d commands", runsMost)
	return nil
}

// command runs one command and may kill it, the first one at the planned moment.
func (r *round) command(ctx context.Context, name string, first bool) (p *rig.Process, killed bool, err error) {
	args := []string{"dlq", resume, "--yes"}
	if name == replay {
		args = []string{"dlq", replay, r.queues.Name, "--all", "--yes", "--concurrency", strconv.Itoa(r.cfg.Concurrency)}
	}
	at := r.plan.at
	if !first && (r.plan.at < 0 || r.Kills == killsMost || r.plan.chance.Float64() >= r.cfg.ResumesKilled) {
		at = -1
	} else if !first {
		at = r.plan.chance.Float64()
	}
	if p, err = r.aiwctl.Start(ctx, args...); err != nil {
		return nil, false, err
	}
	var moment <-chan time.Time
	if at >= 0 {
		timer := time.NewTimer(time.Duration(at * float64(r.Usual)))
		defer timer.Stop()
		moment = timer.C
	}
	killed = r.watch(p, moment)
	if err := ctx.Err(); err != nil {
		return nil, false, err
	}
	if killed {
		err = r.killed(ctx, p, first)
	}
	how := "killed"
	if !killed {
		how = strconv.Itoa(p.Code())
	}
	r.Runs = append(r.Runs, name+":"+how)
	r.Log = append(r.Log, p.String())
	return p, killed, err
}

// watch waits for the end of a process, or for the moment to kill it. Where
// nothing happens any more and messages are hidden, it lets them come back.
func (r *round) watch(p *rig.Process, moment <-chan time.Time) (killed bool) {
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	var before queues.Depth
	since := time.Now()
	for {
		select {
		case <-p.Done():
			return false
		case <-moment:
			return p.Kill()
		case <-tick.C:
		}
		now, _ := r.endpoint.Depth(r.queues.DLQ) // the queue is there: it was made
		switch {
		case now != before || now.Visible > 0 || now.InFlight == 0:
			before, since = now, time.Now()
		case time.Since(since) > idle && !r.plan.wait:
			r.jump()
			since = time.Now()
		}
	}
}

// jump moves the queues' clock.
func (r *round) jump() {
	if r.jumps < jumpsMost {
		r.jumps++
		r.endpoint.Forward(r.cfg.Jump)
	}
}

// killed books a kill, and may let the time pass in which the killed process's
// messages are hidden.
func (r *round) killed(ctx context.Context, p *rig.Process, first bool) error {
	r.Kills++
	if first {
		r.Kill = p.Took()
	}
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	if err := r.endpoint.Quiet(ctx); err != nil {
		return fmt.Errorf("wait for the calls of a process that was killed: %w", err)
	}
	if r.plan.wait {
		return nil
	}
	switch r.plan.chance.IntN(3) {
	case 0: // resume comes at once, while they are hidden
	case 1: // they are back early
		r.jump()
	case 2: // somebody resumes after a while, by the clock of aiwctl as well
		r.jump()
		return r.age()
	}
	return nil
}

// age makes the journals as old as if the clock of aiwctl had jumped, too.
func (r *round) age() error {
	journals, err := filepath.Glob(filepath.Join(r.aiwctl.Journals(), "*.jsonl"))
	if err != nil {
		return err
	}
	for _, path := range journals {
		info, err := os.Stat(path)
		if err == nil {
			at := info.ModTime().Add(-r.cfg.Jump)
			err = os.Chtimes(path, at, at)
		}
		if err != nil {
			return fmt.Errorf("make a journal older: %w", err)
		}
	}
	return nil
}

func (r *round) arrived() int {
	d, _ := r.endpoint.Depth(r.queues.Target) // the queue is there: it was made
	return d.Visible
}

// Title heads the rounds' lines.
const Title = "round  kind             killed at         moved  lost  doubled (most)  seconds  runs"

// String is the round in a line.
func (r *Round) String() string {
	kill := "-"
	if r.Kill > 0 {
		kill = fmt.Sprintf("%.2f of %.2f s", r.Kill.Seconds(), r.Usual.Seconds())
	}
	how := ""
	if r.Waited {
		how = ", waited"
	}
	return fmt.Sprintf("%5d  %-15s  %-14s  %4d/%-4d  %4d  %7d %6s  %7.1f  %s%s", r.Number, r.Kind, kill, r.Moved, r.Messages,
		r.Lost, r.Doubled, "("+strconv.Itoa(r.Bound)+")", r.Took.Seconds(), strings.Join(r.Runs, " "), how)
}
