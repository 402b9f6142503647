package cwlogs

import (
	"context"
	"time"
)

// The limits of PutLogEvents.
const (
	maxBatchEvents = 10_000
	maxBatchBytes  = 1_048_576
	maxBatchSpan   = int64(24 * time.Hour / time.Millisecond)
	maxEventAge    = int64(14 * 24 * time.Hour / time.Millisecond)
	maxEventAhead  = int64(2 * time.Hour / time.Millisecond)
)

type putEventsInput struct {
	LogGroupName  string `json:"logGroupName"`
	LogStreamName string `json:"logStreamName"`
	LogEvents     []struct {
		Timestamp *int64  `json:"timestamp"`
		Message   *string `json:"message"`
	} `json:"logEvents"`
}

type putEventsOutput struct {
	NextSequenceToken     string    `json:"nextSequenceToken"`
	RejectedLogEventsInfo *rejected `json:"rejectedLogEventsInfo,omitempty"`
}

// rejected says which events of a batch were not taken: those before an end
// index, and those from a start index on.
type rejected struct {
	TooNewStart *int `json:"tooNewLogEventStartIndex,omitempty"`
	TooOldEnd   *int `json:"tooOldLogEventEndIndex,omitempty"`
	ExpiredEnd  *int `json:"expiredLogEventEndIndex,omitempty"`
}

func (s *Service) putLogEvents(_ context.Context, in *putEventsInput) (*putEventsOutput, error) {
	if err := checkBatch(in); err != nil {
		return nil, err
	}
	out := &putEventsOutput{}
	err := s.change(in.LogGroupName, func(g *group) error {
		st := g.streams[in.LogStreamName]
		if st == nil {
			return noStream()
		}
		now := s.cfg.Now().UnixMilli()
		first, last, info := accepted(in, g, now)
		if last > first && *in.LogEvents[last-1].Timestamp-*in.LogEvents[first].Timestamp > maxBatchSpan {
			return invalid("The batch of log events in a single PutLogEvents request cannot span more than 24 hours.")
		}
		for _, e := range in.LogEvents[first:last] {
			s.add(g, st, *e.Timestamp, now, *e.Message)
		}
		out.NextSequenceToken = uploadToken(s.seq)
		out.RejectedLogEventsInfo = info
		return nil
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// checkBatch refuses a batch that AWS refuses whole, whatever its group.
func checkBatch(in *putEventsInput) error {
	if err := checkStreamName(in.LogStreamName); err != nil {
		return err
	}
	switch n := len(in.LogEvents); {
	case n == 0:
		return constraint("[]", "logEvents", "Member must have length greater than or equal to 1")
	case n > maxBatchEvents:
		return constraint("[...]", "logEvents", "Member must have length less than or equal to 10000")
	}
	size, previous := 0, int64(0)
	for i, e := range in.LogEvents {
		switch {
		case e.Timestamp == nil:
			return constraint("null", "logEvents.member.timestamp", "Member must not be null")
		case *e.Timestamp < 0:
			return constraint(*e.Timestamp, "logEvents.member.timestamp", "Member must have value greater than or equal to 0")
		case e.Message == nil:
			return constraint("null", "logEvents.member.message", "Member must not be null")
		case *e.Message == "":
			return constraint("", "logEvents.member.message", "Member must have length greater than or equal to 1")
		case i > 0 && *e.Timestamp < previous:
			return invalid("Log events in a single PutLogEvents request must be in chronological order.")
		}
		previous = *e.Timestamp
		size += len(*e.Message) + eventOverhead
	}
	if size > maxBatchBytes {
		return invalid("Upload too large: %d bytes exceeds limit of %d", size, maxBatchBytes)
	}
	return nil
}

// accepted is the range of events that are neither too old nor too new; the
// batch is in order of time.
func accepted(in *putEventsInput, g *group, now int64) (first, last int, info *rejected) {
	last = len(in.LogEvents)
	info = &rejected{}
	for i, e := range in.LogEvents {
		age := now - *e.Timestamp
		switch {
		case age > maxEventAge:
			first = i + 1
			info.TooOldEnd = new(i + 1)
		case g.retention > 0 && age > int64(g.retention)*24*60*60*1000:
			first = i + 1
			info.ExpiredEnd = new(i + 1)
		case age < -maxEventAhead:
			info.TooNewStart = new(i)
			last = i
			return first, last, info
		}
	}
	if first == 0 {
		info = nil
	}
	return first, last, info
}
