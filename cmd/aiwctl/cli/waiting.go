package cli

import (
	"fmt"
	"sync"
	"time"

	"github.com/microfox-ai/aiwctl/aws"
)

// whileReading says on standard error, once, that a reading waits for its turn
// because the calls of the minute are used up. The returned function ends the watch
// when the reading is over.
func (a *App) whileReading(s interface{ Pace() aws.Pace }) (end func()) {
	over := make(chan struct{})
	var watching sync.WaitGroup
	watching.Go(func() {
		tick := time.NewTicker(time.Second)
		defer tick.Stop()
		for {
			select {
			case <-over:
				return
			case <-tick.C:
			}
			if p := s.Pace(); p.Limit > 0 && p.Free() == 0 {
				fmt.Fprintf(a.Err, "aiwctl: the %d calls of this minute are used up; reading goes on when there are more (--max-calls says how many a minute has)\n", p.Limit)
				return
			}
		}
	})
	return func() {
		close(over)
		watching.Wait()
	}
}
