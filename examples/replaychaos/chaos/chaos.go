// Package chaos kills replays of dead-letter queues at random moments, lets
// `aiwctl dlq resume` finish them, and counts what became of the messages.
package chaos

import (
	"cmp"
	"context"
	"errors"
	"math/rand/v2"
	"os"
	"slices"
	"sync"
	"time"

	"github.com/microfox-ai/aiwctl/aws/local/faults"
	"github.com/microfox-ai/aiwctl/examples/replaychaos/rig"
)

// DefaultFaults is what the rounds with faults meet.
const DefaultFaults = "throttle=0.1,error=0.05,partial=0.02,cut=0.01"

// Config says what to run.
type Config struct {
	// Aiwctl is the executable that is judged.
	Aiwctl string
	// Rounds is how many replays are killed. Of each four, two are of standard queues
	// and two of FIFO queues, and one of each two meets the faults.
	Rounds int
	// Messages is how many messages a standard queue has, FIFOMessages a FIFO queue,
	// in so many Groups. FIFO takes longer, since order makes it serial.
	Messages, FIFOMessages, Groups int
	// Concurrency is how many batches a replay has under way, as aiwctl is told.
	Concurrency int
	// Faults is what the rounds with faults meet.
	Faults faults.API
	// Seed decides the moments. With the same seed they are the same.
	Seed uint64
	// WaitRounds is how many rounds leave it to resume to wait for what a killed
	// process hides, half a minute. In the others the queues' clock jumps: before
	// the resume, or when it has nothing to do but wait.
	WaitRounds int
	// Jump is how far: more than the replay's lease of thirty seconds. FIFO queues
	// recognize a message that is sent again for five minutes, so that the jumps of a
	// round, eight at most, have to stay below that.
	Jump time.Duration
	// ResumesKilled is the share of the commands after the first that are killed, too.
	ResumesKilled float64
	// Parallel is how many rounds are played at once; zero means one.
	Parallel int
	// Only is the number of the one round to play, zero: all.
	Only int
	// Peeks is how many looks are interrupted, by Peek.
	Peeks int
	// OnRound is told of each round as it ends, one at a time; nil means nobody is.
	OnRound func(*Round)
	// OnPeek is told of each look.
	OnPeek func(*Look)
}

// kind is what a round is like.
type kind struct{ fifo, faults bool }

func kindOf(number int) kind { return kind{fifo: number%2 == 0, faults: (number-1)/2%2 == 1} }

func (k kind) String() string {
	name := "standard"
	if k.fifo {
		name = "FIFO"
	}
	if k.faults {
		name += "+faults"
	}
	return name
}

// plan is what was decided of a round before it began.
type plan struct {
	number int
	kind   kind
	// at is when the replay is killed, as a share of the time it usually takes.
	at float64
	// wait: the clock does not jump.
	wait bool
	// chance decides about the rest.
	chance *rand.Rand
}

const (
	// late is how far after its usual end a replay may still be killed.
	late = 1.15
	// killsMost bounds the kills of a round, jumpsMost the jumps of its clock.
	killsMost = 4
	jumpsMost = 8
	// idle is how long a command does nothing before its waiting is cut short.
	idle = 1500 * time.Millisecond
	// runsMost bounds the commands of a round: one that does not come to its end by
	// then is broken.
	runsMost = 15
)

func (c *Config) plans() []plan {
	var plans []plan
	waits := c.WaitRounds
	for n := 1; n <= c.Rounds; n++ {
		p := plan{number: n, kind: kindOf(n), chance: rand.New(rand.NewPCG(c.Seed, uint64(n)))} //nolint:gosec // moments are no secret
		p.at = p.chance.Float64() * late
		if wait := p.chance.IntN(2) == 0; wait && waits > 0 {
			waits--
			// One that is killed before it began or after it ended waits for nothing.
			p.wait, p.at = true, 0.4+p.at/late/2
		}
		if c.Only == 0 || c.Only == n {
			plans = append(plans, p)
		}
	}
	return plans
}

// Run plays the rounds. The first replay of each kind is not killed: it says how
// long one takes. The error says that a round could not be played at all.
func Run(ctx context.Context, cfg Config) ([]*Round, error) {
	plans := cfg.plans()
	// Its first start reads the executable from the disk.
	if p, err := (&rig.Aiwctl{Path: cfg.Aiwctl, Dir: os.TempDir()}).Run(ctx, "--version"); err != nil {
		return nil, err
	} else if p.Code() != 0 {
		return nil, errors.New(p.String())
	}
	first := map[kind]*plan{}
	for _, p := range plans {
		first[p.kind] = &plan{kind: p.kind, at: -1, chance: p.chance}
	}
	usual := map[kind]time.Duration{}
	var mu sync.Mutex
	var rounds []*Round
	play := func(ctx context.Context, p *plan) error {
		mu.Lock()
		takes := usual[p.kind]
		mu.Unlock()
		r, err := cfg.play(ctx, p, takes)
		if err != nil {
			return err
		}
		mu.Lock()
		defer mu.Unlock()
		if r.whole > 0 && takes > 0 { // other work on the machine changes it
			usual[p.kind] = (takes + r.whole) / 2
		} else if takes == 0 {
			usual[p.kind] = r.whole
		}
		rounds = append(rounds, r)
		if cfg.OnRound != nil {
			cfg.OnRound(r)
		}
		return nil
	}
	var calibrating []*plan
	for _, p := range first {
		calibrating = append(calibrating, p)
	}
	err := cfg.each(ctx, calibrating, play)
	if err == nil {
		var killing []*plan
		for i := range plans {
			killing = append(killing, &plans[i])
		}
		err = cfg.each(ctx, killing, play)
	}
	slices.SortFunc(rounds, func(a, b *Round) int { return cmp.Compare(a.Number, b.Number) })
	return rounds, err
}

// each plays rounds, several at a time, and stops at the first error.
func (c *Config) each(ctx context.Context, plans []*plan, play func(context.Context, *plan) error) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var wg sync.WaitGroup
	queue := make(chan *plan)
	for range max(c.Parallel, 1) {
		wg.Go(func() {
			for p := range queue {
				if ctx.Err() != nil {
					continue
				}
				if err := play(ctx, p); err != nil {
					cancel(err)
				}
			}
		})
	}
	for _, p := range plans {
		queue <- p
	}
	close(queue)
	wg.Wait()
	if ctx.Err() == nil {
		return nil
	}
	return context.Cause(ctx)
}
