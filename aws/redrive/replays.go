package redrive

import (
	"time"

	"github.com/microfox-ai/aiwctl/aws/redrive/journal"
)

// Sent is a message that a replay from this machine has sent again.
type Sent struct {
	// At is when; of an older journal the beginning of its replay.
	At time.Time
	// MessageID is the dead letter's, NewMessageID the copy's.
	MessageID, NewMessageID string
	// JobID is the job's; empty in older journals. NewJobID is empty when the job kept
	// its id.
	JobID, NewJobID string
	// Worker is the worker whose dead-letter queue it was taken from.
	Worker string
	// Journal is the replay's id.
	Journal string
}

// Replays finds what was sent again of a job, or as it, in the journals of this
// machine that are about this stage. ids are its job id, and the ids of its messages
// where they are known: older journals have no job ids. They come in the order of
// their time. The error is of journals that cannot be read; what others say is there.
func (e *Engine) Replays(ids ...string) ([]Sent, error) {
	dir, err := e.Dir()
	if err != nil || dir == "" {
		return nil, err
	}
	hits, err := journal.Search(dir, ids...)
	t := e.target()
	endpoint := endpointOf(t)
	var out []Sent
	for _, h := range hits {
		if h.Header.Kind != kindReplay || h.Header.Region != t.Region || h.Header.Stage != t.Stage || h.Header.Endpoint != endpoint {
			continue
		}
		s := Sent{
			At: h.At, MessageID: h.ID, NewMessageID: h.NewID, JobID: h.JobID, NewJobID: h.NewJobID,
			Worker: h.Header.Worker, Journal: h.Header.ID,
		}
		if s.At.IsZero() {
			s.At = h.Header.Time
		}
		out = append(out, s)
	}
	return out, err
}
