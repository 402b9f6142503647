package live

import (
	"time"

	"github.com/microfox-ai/aiwctl/aws/health"
)

// minutesKept is how many minutes of a worker's past are shown.
const minutesKept = 16

// minutes are the most messages of each of the last minutes of the clock, so that what is
// drawn of them moves once a minute, however often the queue is read. A minute in which
// nobody read has what the one before it had; one before the first reading is negative.
func minutes(samples []health.Sample, now time.Time) []int {
	out := make([]int, minutesKept)
	for i := range out {
		out[i] = -1
	}
	last := now.Unix() / 60
	for _, s := range samples {
		at := minutesKept - 1 - int(last-s.At.Unix()/60)
		if at < 0 || at >= minutesKept || s.Visible < 0 {
			continue
		}
		out[at] = max(out[at], s.Visible+max(0, s.InFlight))
	}
	for i := 1; i < minutesKept; i++ {
		if out[i] < 0 {
			out[i] = out[i-1]
		}
	}
	return out
}
