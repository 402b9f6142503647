package chaos

import (
	"context"
	"time"

	"github.com/microfox-ai/aiwctl/examples/replaychaos/rig"
)

// Count is where the messages are in the end, by their bodies.
type Count struct {
	// Lost are in neither queue, Left only in the dead-letter queue, Both in both.
	Lost, Left, Both int
	// Doubled is how many copies the target has beyond one of each.
	Doubled int
	// Unknown are messages that nobody has sent.
	Unknown int
	// Disordered is how many messages of a FIFO queue came after a later one of
	// their group.
	Disordered int
}

// batchMost is SQS's limit of messages in a send.
const batchMost = 10

// longer than anything stays hidden.
const longAfterwards = time.Hour

// judge counts the messages and says what is broken.
func (r *round) judge(ctx context.Context) error {
	r.endpoint.Forward(longAfterwards)
	target, err := r.queues.Drain(ctx, r.queues.Target)
	if err != nil {
		return err
	}
	dlq, err := r.queues.Drain(ctx, r.queues.DLQ)
	if err != nil {
		return err
	}
	r.Count = count(r.Messages, target, dlq)
	r.CutSends = r.endpoint.CutSends()
	if !r.plan.kind.fifo {
		// The queue took what a killed process was sending, and nobody knows; so it
		// did with half of the sends whose answer was cut.
		r.Bound = batchMost*r.cfg.Concurrency*r.Kills + r.CutSends
		r.Disordered = 0
	}
	for _, c := range []struct {
		n, most int
		what    string
	}{
		{r.Lost, 0, "lost"},
		{r.Left, 0, "still in the dead-letter queue"},
		{r.Both, 0, "in both queues"},
		{r.Unknown, 0, "not what was sent"},
		{r.Disordered, 0, "out of their group's order"},
		{r.Doubled, r.Bound, "extra copies"},
	} {
		if c.n > c.most {
			r.breaks("%d of %d messages are %s, where at most %d may be", c.n, r.Messages, c.what, c.most)
		}
	}
	return nil
}

// count compares what two queues had with the n messages of rig.Queues.Fill.
func count(n int, target, dlq []rig.Message) (c Count) {
	number := make(map[string]int, n)
	for i := range n {
		number[rig.Body(i, 0)] = i
	}
	sent, left := make([]int, n), make([]int, n)
	last := map[string]int{}
	for _, m := range target {
		i, ok := number[m.Body]
		if !ok {
			c.Unknown++
			continue
		}
		sent[i]++
		if before, ok := last[m.Group]; ok && i < before {
			c.Disordered++
		}
		last[m.Group] = i
	}
	for _, m := range dlq {
		i, ok := number[m.Body]
		if !ok {
			c.Unknown++
			continue
		}
		left[i]++
	}
	for i := range n {
		switch {
		case sent[i]+left[i] == 0:
			c.Lost++
		case sent[i] == 0:
			c.Left++
		case left[i] > 0:
			c.Both++
		}
		c.Doubled += max(sent[i]-1, 0)
	}
	return c
}
