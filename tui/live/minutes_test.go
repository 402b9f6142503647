package live

import (
	"slices"
	"testing"
	"time"

	"github.com/microfox-ai/aiwctl/aws/health"
)

func TestMinutes(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, time.March, 2, 3, 4, 40, 0, time.UTC)
	at := func(back time.Duration, visible, inFlight int) health.Sample {
		return health.Sample{At: now.Add(-back), Visible: visible, InFlight: inFlight}
	}
	tail := func(values ...int) []int {
		out := make([]int, minutesKept)
		for i := range out {
			out[i] = -1
		}
		copy(out[minutesKept-len(values):], values)
		return out
	}
	for name, test := range map[string]struct {
		samples []health.Sample
		want    []int
	}{
		"nothing is known":                     {nil, tail()},
		"one reading":                          {[]health.Sample{at(0, 3, 1)}, tail(4)},
		"the most of a minute":                 {[]health.Sample{at(30*time.Second, 9, 0), at(10*time.Second, 2, 1)}, tail(9)},
		"CloudWatch has no messages in flight": {[]health.Sample{at(2*time.Minute, 5, -1)}, tail(5, 5, 5)},
		"a minute without a reading":           {[]health.Sample{at(3*time.Minute, 7, 0), at(time.Minute, 1, 0), at(0, 0, 0)}, tail(7, 7, 1, 0)},
		"zero is not unknown":                  {[]health.Sample{at(time.Minute, 0, 0), at(0, 2, 0)}, tail(0, 2)},
		"too long ago, not read, to come":      {[]health.Sample{at(time.Hour, 9, 0), at(0, -1, -1), at(-time.Hour, 8, 0)}, tail()},
	} {
		if got := minutes(test.samples, now); !slices.Equal(got, test.want) {
			t.Errorf("%s: %v, want %v", name, got, test.want)
		}
	}
	// Within a minute of the clock nothing moves.
	samples := []health.Sample{at(2*time.Minute, 3, 0), at(0, 5, 0)}
	if a, b := minutes(samples, now), minutes(samples, now.Add(19*time.Second)); !slices.Equal(a, b) {
		t.Errorf("%v, then %v", a, b)
	}
}
