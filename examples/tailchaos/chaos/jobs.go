package chaos

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/microfox-ai/aiwctl/examples/replaychaos/rig"
	"github.com/microfox-ai/aiwctl/examples/tailchaos/stage"
)

// environments is how many run side by side for each worker.
const environments = 4

// invocation is what one attempt of a job logs.
type invocation struct {
	worker  int
	stream  string
	arrives time.Duration // since the beginning
	at      time.Duration // when it ran
	lines   []string
	job     string
}

// invocations of cfg.Jobs jobs, two attempts each, in the order in which their lines arrive: an
// environment hands in an invocation's lines together, some of them late.
func invocations(cfg Config) []invocation {
	rng := rand.New(rand.NewPCG(cfg.Seed, 3)) //nolint:gosec // chaos that can be repeated
	out := make([]invocation, 0, 2*cfg.Jobs)
	for i := range 2 * cfg.Jobs {
		job := fmt.Sprintf("job-%04d", i%cfg.Jobs)
		req := fmt.Sprintf("4f7a0000-0000-4000-8000-%012d", i)
		v := invocation{worker: i % cfg.Groups, stream: fmt.Sprint("s", i/cfg.Groups%environments), job: job}
		v.arrives = time.Duration(float64(cfg.Over) * float64(i) / float64(2*cfg.Jobs))
		v.at = v.arrives
		if rng.IntN(2) == 0 {
			v.arrives += time.Duration(rng.Int64N(int64(cfg.Late)))
		}
		event, attempt := "job.retrying", 1
		if i >= cfg.Jobs {
			event, attempt = "job.completed", 2
		}
		say := func(name string) string {
			return fmt.Sprintf(`{"level":"INFO","msg":%q,"event":%q,"jobId":%q,"workerId":"w%d","requestId":%q,"attempt":%d,"maxAttempts":3}`, name, name, job, v.worker, req, attempt)
		}
		v.lines = []string{
			"START RequestId: " + req + " Version: $LATEST",
			fmt.Sprintf(`[AIWORKER_RUN] {"jobId":%q,"workerId":"w%d","awsRequestId":%q}`, job, v.worker, req),
			say("job.started"), "a bare print within " + req, say(event), "END RequestId: " + req,
			"REPORT RequestId: " + req + "\tDuration: 12.00 ms\tBilled Duration: 12 ms\tMemory Size: 128 MB\tMax Memory Used: 30 MB\t",
		}
		out = append(out, v)
	}
	slices.SortStableFunc(out, func(a, b invocation) int { return int(a.arrives - b.arrives) })
	return out
}

// jobs tails some jobs among many, then reads each once more when all is there.
func jobs(ctx context.Context, cfg Config) (out []Result, err error) {
	s, err := stage.Serve(stage.Config{Workers: cfg.Groups, Throttled: cfg.Throttled, Cut: true, Seed: cfg.Seed})
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	ids := make([]string, cfg.Tailed)
	tails := make([]*rig.Process, cfg.Tailed)
	began := time.Now()
	for i := range ids {
		ids[i] = fmt.Sprintf("job-%04d", (i*37+11)%cfg.Jobs)
		if tails[i], err = start(ctx, cfg, s, "-f", "-o", "raw", "--since", "5m", "--job", ids[i]); err != nil {
			return nil, err
		}
	}
	want := map[string]map[string]bool{}
	all := invocations(cfg)
	err = paced(ctx, len(all), cfg.Over, func(i int) {
		v := &all[i]
		// What is late is written when it comes, with the time when it was.
		at := time.Now().Add(v.at - v.arrives)
		if want[v.job] == nil {
			want[v.job] = map[string]bool{}
		}
		for n, line := range v.lines {
			want[v.job][line] = true
			s.Write(v.worker, v.stream, at.Add(time.Duration(n)*time.Millisecond).Truncate(time.Millisecond), line)
		}
	})
	if err != nil {
		return nil, err
	}
	followed, read := Result{Name: fmt.Sprintf("tails of %d jobs of %d", cfg.Tailed, cfg.Jobs)}, Result{Name: "the same jobs read"}
	for i, id := range ids {
		printed, err := finish(ctx, tails[i], len(want[id]), cfg.Quiet)
		if err != nil {
			return nil, err
		}
		followed.add(want[id], printed)
	}
	followed.Took, followed.Calls, followed.Refused = time.Since(began), s.Calls.Load(), s.Refused.Load()
	began = time.Now()
	for _, id := range ids {
		p, err := start(ctx, cfg, s, "-o", "raw", "--since", "10m", "--job", id)
		if err != nil {
			return nil, err
		}
		<-p.Done()
		if p.Code() != 0 {
			return nil, fmt.Errorf("reading a job failed: %s", p)
		}
		read.add(want[id], p.Printed())
	}
	read.Took, read.Calls, read.Refused = time.Since(began), s.Calls.Load()-followed.Calls, s.Refused.Load()-followed.Refused
	return []Result{followed, read}, nil
}

// add counts another tail's lines.
func (r *Result) add(want map[string]bool, printed string) {
	var one Result
	compare(&one, want, printed)
	r.Written += one.Written
	r.Printed += one.Printed
	r.Missing += one.Missing
	r.Twice += one.Twice
	r.Foreign += one.Foreign
	if one.MissingExample != "" {
		r.MissingExample = one.MissingExample
	}
	if one.TwiceOrOtherExample != "" {
		r.TwiceOrOtherExample = one.TwiceOrOtherExample
	}
}
