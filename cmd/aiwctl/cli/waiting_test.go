package cli

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/microfox-ai/aiwctl/aws"
)

// busy is a stage that has used so many calls of its minute.
type busy aws.Pace

func (b busy) Pace() aws.Pace { return aws.Pace(b) }

func TestAReadingThatWaitsSaysSo(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct {
		pace aws.Pace
		took time.Duration
		want int
	}{
		"used up":          {aws.Pace{Limit: 1200, Used: 1300}, time.Minute, 1},
		"used up, briefly": {aws.Pace{Limit: 1200, Used: 1200}, 500 * time.Millisecond, 0},
		"calls left":       {aws.Pace{Limit: 1200, Used: 1199}, time.Minute, 0},
		"no limit":         {aws.Pace{}, time.Minute, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				a, _, stderr := testApp("", nil)
				end := a.whileReading(busy(row.pace))
				time.Sleep(row.took) // of the bubble
				end()
				if n := strings.Count(stderr.String(), "the 1200 calls of this minute are used up"); n != row.want {
					t.Errorf("said %d times: %q", n, stderr)
				}
			})
		})
	}
}
