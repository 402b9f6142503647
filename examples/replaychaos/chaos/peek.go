package chaos

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/microfox-ai/aiwctl/aws/local/faults"
	"github.com/microfox-ai/aiwctl/examples/replaychaos/rig"
)

// Look is what an interrupted `aiwctl dlq peek` left behind.
type Look struct {
	Number int
	// Hold is whether it was `peek --hold`, Printed whether it had printed and held
	// what it saw when it was interrupted.
	Hold, Printed bool
	// At is when it was interrupted; zero when it had ended before.
	At time.Duration
	// Hidden is how many messages were hidden at that moment.
	Hidden int
	// Ended is how long after the interrupt the process ended, Visible how long after
	// it every message was visible again. Both count from the process's end when it was
	// not interrupted.
	Ended, Visible time.Duration
	// Code is its exit code.
	Code   int
	Broken []string
}

// visibleWithin is how soon after the end of a look its messages are back.
const visibleWithin = time.Second

// exitInterrupted is aiwctl's exit code after Ctrl-C.
const exitInterrupted = 130

// patience is how long a look may take, and its end.
const patience = time.Minute

// Peek interrupts Config.Peeks looks at Config.Messages messages at random moments,
// every second one with --hold.
func Peek(ctx context.Context, cfg Config) (looks []*Look, err error) {
	endpoint, err := rig.Start(faults.API{})
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, endpoint.Close()) }()
	q, err := rig.Open(ctx, endpoint.Plain, false)
	if err != nil {
		return nil, err
	}
	if err := q.Fill(ctx, cfg.Messages, 0, 0); err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("", "aiwctl-chaos-")
	if err != nil {
		return nil, fmt.Errorf("make a directory for the looks: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	l := looker{cfg: &cfg, endpoint: endpoint, queues: q, aiwctl: &rig.Aiwctl{Path: cfg.Aiwctl, Endpoint: endpoint.URL, Dir: dir}}
	for n := 0; n <= cfg.Peeks; n++ { // the first one is not interrupted: it says how long one takes
		look, err := l.look(ctx, n)
		if err != nil {
			return looks, err
		}
		looks = append(looks, look)
		if cfg.OnPeek != nil {
			cfg.OnPeek(look)
		}
	}
	return looks, nil
}

type looker struct {
	cfg      *Config
	endpoint *rig.Endpoint
	queues   *rig.Queues
	aiwctl   *rig.Aiwctl
	usual    time.Duration
}

func (l *looker) look(ctx context.Context, number int) (*Look, error) {
	ctx, cancel := context.WithTimeout(ctx, 2*patience)
	defer cancel()
	chance := rand.New(rand.NewPCG(l.cfg.Seed, uint64(number)<<32)) //nolint:gosec // moments are no secret
	look := &Look{Number: number, Hold: number > 0 && number%2 == 0}
	args := []string{"dlq", "peek", l.queues.Name, "-n", strconv.Itoa(l.cfg.Messages)}
	if look.Hold {
		args = append(args, "--hold")
	}
	p, err := l.aiwctl.Start(ctx, args...)
	if err != nil {
		return nil, err
	}
	from := l.interrupt(ctx, p, look, chance)
	if from.IsZero() {
		from = p.Ended
		l.usual = max(l.usual, p.Took())
	}
	look.Code = p.Code()
	look.Ended = p.Ended.Sub(from)
	switch look.Code {
	case 0, exitInterrupted:
	case -1: // interrupted before it had asked to be told of it
	default:
		look.Broken = append(look.Broken, p.String())
	}
	err = rig.Until(ctx, func() (bool, error) {
		n, err := l.queues.Visible(ctx, l.queues.DLQ)
		late := time.Since(p.Ended) > visibleWithin
		if late && n != l.cfg.Messages && len(look.Broken) == 0 {
			look.Broken = append(look.Broken, fmt.Sprintf("%v after its end %d of %d messages are visible", visibleWithin, n, l.cfg.Messages))
		}
		return n == l.cfg.Messages, err
	})
	look.Visible = time.Since(from)
	return look, err
}

// interrupt interrupts a look at its moment, waits for its end, and returns when it
// was interrupted; zero when it had ended before.
func (l *looker) interrupt(ctx context.Context, p *rig.Process, look *Look, chance *rand.Rand) time.Time {
	moment := time.Duration(chance.Float64() * 1.1 * float64(l.usual))
	if look.Number == 0 {
		moment = patience
	}
	if look.Hold && chance.IntN(2) == 0 { // some time after it has printed
		hctx, cancel := context.WithTimeout(ctx, patience)
		defer cancel()
		_ = rig.Until(hctx, func() (bool, error) { return strings.Contains(p.Said(), " held: "), nil })
		moment /= 4
	}
	timer := time.NewTimer(moment)
	defer timer.Stop()
	select {
	case <-p.Done():
		return time.Time{}
	case <-timer.C:
	}
	if d, err := l.endpoint.Depth(l.queues.DLQ); err == nil {
		look.Hidden = d.InFlight
	}
	look.Printed = strings.Contains(p.Said(), " held: ")
	look.At = time.Since(p.Began)
	at := time.Now()
	if err := p.Interrupt(); err != nil {
		look.Broken = append(look.Broken, fmt.Sprintf("it could not be interrupted: %v", err))
	}
	end := time.NewTimer(patience)
	defer end.Stop()
	select {
	case <-p.Done():
	case <-end.C:
		look.Broken = append(look.Broken, fmt.Sprintf("%v after the interrupt it still runs", patience))
		p.Kill()
	}
	return at
}

// LooksTitle heads the looks' lines.
const LooksTitle = "look   command      interrupted  hidden then  ended after  all visible after  exit"

// String is the look in a line.
func (l *Look) String() string {
	command, at := "peek", "-"
	if l.Hold {
		command = "peek --hold"
	}
	if l.At > 0 {
		at = fmt.Sprintf("%.2f s", l.At.Seconds())
	}
	return fmt.Sprintf("%4d   %-11s  %11s  %11d  %9.0f ms  %15.0f ms  %4d", l.Number, command, at, l.Hidden,
		l.Ended.Seconds()*1000, l.Visible.Seconds()*1000, l.Code)
}
