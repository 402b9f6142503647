package deploy

import "slices"

// unconfirmed are the queues that need their names and have not got them.
func unconfirmed(queues []QueueLoss, c Confirmed) []QueueLoss {
	var out []QueueLoss
	for _, q := range queues {
		if q.Needs && !slices.Contains(c.Queues, q.Queue) {
			out = append(out, q)
		}
	}
	return out
}
