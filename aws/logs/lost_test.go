package logs_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"

	"github.com/microfox-ai/aiwctl/aws/logs"
)

// events is how many events the tests write: few, unless AIWCTL_TEST_EVENTS says more. The whole
// command is judged by examples/tailchaos.
func events(t *testing.T, few int) int {
	t.Helper()
	if text := os.Getenv("AIWCTL_TEST_EVENTS"); text != "" {
		n, err := strconv.Atoi(text)
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	return few
}

// badWeather throttles a tenth of the calls and cuts each page at a size of its own.
func badWeather(c *cloud, seed uint64) {
	luck := rand.New(rand.NewPCG(seed, 9))
	c.fail = func(_ int, in *cloudwatchlogs.FilterLogEventsInput) error {
		if luck.IntN(10) == 0 {
			return throttled()
		}
		if in.NextToken == nil || luck.IntN(2) == 0 {
			c.pageSize = int(math.Exp(luck.Float64() * math.Log(10_000)))
		}
		return nil
	}
}

// Ten groups, equal times, events up to the whole minute late, pages cut at every size, a tenth
// of the calls throttled: each line comes exactly once.
func TestNoLineIsLost(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		n := events(t, 3_000)
		c := newCloud()
		badWeather(c, 1)
		var groups []string
		for i := range 10 {
			groups = append(groups, fmt.Sprint("g", i))
		}
		f := follow(t, logs.NewReader(c, logs.WithCallRate(100, 20)), logs.Query{Sources: source(groups...), Since: time.Now()})
		rng := rand.New(rand.NewPCG(5, 6))
		for i := range n {
			late := time.Duration(rng.IntN(60_001)) * time.Millisecond
			if rng.IntN(2) == 0 {
				late = 0
			}
			c.put(groups[rng.IntN(10)], "s", time.Now().Truncate(20*time.Millisecond), late, "x")
			if i%max(n/1000, 1) == 0 {
				time.Sleep(100 * time.Millisecond)
			}
		}
		got := map[string]int{}
		for _, l := range f.end(t, 3*time.Minute) {
			got[l.ID]++
		}
		wrong := 0
		for _, all := range c.groups {
			for _, e := range all {
				if got[e.id] != 1 {
					wrong++
				}
			}
		}
		if wrong > 0 || len(got) != n {
			t.Errorf("%d of %d lines did not come exactly once, %d came", wrong, n, len(got))
		}
	})
}

// The same for jobs among hundreds that run side by side, a thousand in the long form.
func TestNoLineOfAJobIsLost(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := newCloud()
		badWeather(c, 2)
		rng := rand.New(rand.NewPCG(7, 8))
		groups := []string{"g0", "g1", "g2", "g3", "g4", "g5", "g6", "g7", "g8", "g9"}
		r := logs.NewReader(c, logs.WithCallRate(200, 20))
		n := min(events(t, 150), 1000)
		wanted := []string{"job-11", fmt.Sprint("job-", n-2)}
		tails := map[string]*tail{}
		for _, job := range wanted {
			tails[job] = follow(t, r, logs.Query{Sources: source(groups...), JobID: job, Since: time.Now()})
		}
		want := map[string][]string{}
		for i := range n {
			job := fmt.Sprint("job-", i)
			// An environment hands in an invocation's lines together.
			late := time.Duration(rng.IntN(60_001)) * time.Millisecond
			v := &invocation{
				c: c, group: groups[i%10], stream: fmt.Sprint("s", i/10%4), req: fmt.Sprint("r", i), at: time.Now(),
				delay: func() time.Duration { return late },
			}
			ids := []string{v.start(), v.marker(job), v.event("job.started", job, 1, ""), v.say("a bare print"), v.event("job.completed", job, 1, "")}
			end := v.end()
			want[job] = append(ids, end[0], end[1])
			time.Sleep(50 * time.Millisecond)
		}
		for job, f := range tails {
			var got []string
			for _, l := range f.end(t, 3*time.Minute) {
				got = append(got, l.ID)
			}
			slices.Sort(got)
			if !slices.Equal(got, want[job]) {
				t.Errorf("%s: got %q, want %q", job, got, want[job])
			}
		}
	})
}
