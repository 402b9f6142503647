package faults

import (
	"strings"
	"testing"
	"time"

	"github.com/microfox-ai/aiwctl/aws/local/functions"
)

func TestParse(t *testing.T) {
	t.Parallel()
	got, err := Parse("duplicate=0.1, delay=0.2,reorder=1,kill=0.02,max-delay=2s,kill-within=5ms," +
		"throttle=0.3,error=0.05,partial=0.04,cut=0.01,latency=10ms,seed=7")
	want := Faults{
		Delivery: functions.Faults{Duplicate: 0.1, Delay: 0.2, Reorder: 1, Kill: 0.02, MaxDelay: 2 * time.Second, KillWithin: 5 * time.Millisecond, Seed: 7},
		API:      API{Throttle: 0.3, Error: 0.05, Partial: 0.04, Cut: 0.01, Latency: 10 * time.Millisecond, Seed: 7},
	}
	if err != nil || got != want {
		t.Errorf("got %+v, %v", got, err)
	}
	if got, err := Parse(""); err != nil || got != (Faults{}) {
		t.Errorf("nothing is %+v, %v", got, err)
	}
	if _, err := Parse("throttle=0.6,error=0.3,cut=0.1"); err != nil {
		t.Errorf("shares that are 1 together: %v", err)
	}
	for text, says := range map[string]string{
		"loss=1": "there is duplicate, delay, reorder, kill, throttle, error, partial, cut (shares from 0 to 1, such as kill=0.02), " +
			"max-delay, kill-within, latency (durations, such as 50ms) and seed (a whole number)",
		"kill=often": `"kill=often"`, "kill": `"kill"`, "latency=10": `"latency=10"`, "seed=x": `"seed=x"`,
		"delay=1.5": "delay is 1.5: it is a share from 0 to 1", "duplicate=-1": "a share from 0 to 1", "reorder=NaN": "a share from 0 to 1",
		"throttle=2": "throttle is 2: it is a share from 0 to 1", "error=-0.1": "a share from 0 to 1", "partial=NaN": "a share from 0 to 1",
		"cut=Inf": "a share from 0 to 1", "throttle=0.6,error=0.6": "1 at most", "max-delay=-1s": "not below zero", "latency=-1s": "not below zero",
	} {
		if got, err := Parse(text); err == nil || !strings.Contains(err.Error(), says) || got != (Faults{}) {
			t.Errorf("%q: %+v, %v", text, got, err)
		}
	}
}
