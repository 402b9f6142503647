package cwlogs

import (
	"context"
	"slices"
	"strings"

	"github.com/microfox-ai/aiwctl/aws/local/cwlogs/pattern"
)

// The bounds of a page of events.
const (
	maxPageEvents = 10_000
	maxPageBytes  = 1 << 20
)

// chunk is how many events are taken out under the lock at a time; patterns are
// tried without it.
const chunk = 1024

type filterInput struct {
	LogGroupName       string   `json:"logGroupName"`
	LogGroupIdentifier string   `json:"logGroupIdentifier"`
	LogStreamNames     []string `json:"logStreamNames"`
	Prefix             string   `json:"logStreamNamePrefix"`
	StartTime          *int64   `json:"startTime"`
	EndTime            *int64   `json:"endTime"`
	FilterPattern      string   `json:"filterPattern"`
	Limit              *int     `json:"limit"`
	NextToken          string   `json:"nextToken"`
}

type filterOutput struct {
	Events []filteredEvent `json:"events"`
	// AWS still sends this list, always empty.
	SearchedLogStreams []struct{} `json:"searchedLogStreams"`
	NextToken          string     `json:"nextToken,omitempty"`
}

type filteredEvent struct {
	LogStreamName string `json:"logStreamName"`
	Timestamp     int64  `json:"timestamp"`
	Message       string `json:"message"`
	IngestionTime int64  `json:"ingestionTime"`
	EventID       string `json:"eventId"`
}

// filterToken is where a search goes on: behind an event, and only through the
// events that had arrived when it began, so that it ends however fast more
// arrive, and shows none twice.
type filterToken struct {
	Time  int64  `json:"t"`
	Seq   uint64 `json:"s"`
	Until uint64 `json:"u"`
}

func (s *Service) filterLogEvents(ctx context.Context, in *filterInput) (*filterOutput, error) {
	name, err := groupName(in.LogGroupName, in.LogGroupIdentifier)
	if err != nil {
		return nil, err
	}
	n, err := limit(in.Limit, maxPageEvents)
	if err != nil {
		return nil, err
	}
	if err := in.check(); err != nil {
		return nil, err
	}
	p, err := pattern.Parse(in.FilterPattern)
	if err != nil {
		return nil, invalid("%v", err)
	}
	search := search{service: s, group: name, in: in, limit: n, pattern: p, left: s.cfg.ScanLimit}
	if in.NextToken != "" {
		var t filterToken
		if err := readToken("e/", in.NextToken, &t); err != nil {
			return nil, err
		}
		search.at, search.until = position{time: t.Time, seq: t.Seq}, t.Until
	} else if in.StartTime != nil {
		search.at = beginning(*in.StartTime)
	}
	return search.page(ctx)
}

func (in *filterInput) check() error {
	switch {
	case len(in.LogStreamNames) > 0 && in.Prefix != "":
		return invalid("logStreamNamePrefix and logStreamNames cannot be specified together.")
	case len(in.LogStreamNames) > 100:
		return constraint("[...]", "logStreamNames", "Member must have length less than or equal to 100")
	case in.StartTime != nil && *in.StartTime < 0:
		return constraint(*in.StartTime, "startTime", "Member must have value greater than or equal to 0")
	case in.EndTime != nil && *in.EndTime < 0:
		return constraint(*in.EndTime, "endTime", "Member must have value greater than or equal to 0")
	case in.StartTime != nil && in.EndTime != nil && *in.StartTime > *in.EndTime:
		return invalid("endTime must be greater than or equal to startTime.")
	}
	return nil
}

// search makes one page.
type search struct {
	service *Service
	group   string
	in      *filterInput
	limit   int
	pattern *pattern.Pattern
	left    int // how many events may still be looked at

	at    position // behind the last event looked at
	until uint64   // the last arrival to be shown; 0 means not yet known
}

func (q *search) page(ctx context.Context) (*filterOutput, error) {
	out := &filterOutput{Events: []filteredEvent{}, SearchedLogStreams: []struct{}{}}
	size := 0
	buffer := make([]*event, 0, chunk)
	for {
		events, more, err := q.next(buffer[:0])
		if err != nil {
			return nil, err
		}
		for _, e := range events {
			if q.shows(e) && q.pattern.Match(e.message) {
				if size += len(e.message) + eventOverhead; len(out.Events) == q.limit || size > maxPageBytes && len(out.Events) > 0 {
					out.NextToken = q.token()
					return out, nil
				}
				out.Events = append(out.Events, filteredEvent{
					LogStreamName: e.stream.name, Timestamp: e.time, Message: e.message, IngestionTime: e.ingested, EventID: e.id(),
				})
			}
			q.at = e.position
		}
		if !more {
			return out, nil
		}
		if q.left <= 0 {
			out.NextToken = q.token()
			return out, nil
		}
		if err := ctx.Err(); err != nil {
			return nil, err
		}
	}
}

func (q *search) token() string {
	return token("e/", filterToken{Time: q.at.time, Seq: q.at.seq, Until: q.until})
}

// next copies the next chunk of the group's events.
func (q *search) next(buffer []*event) (events []*event, more bool, err error) {
	s := q.service
	s.mu.RLock()
	defer s.mu.RUnlock()
	g, err := s.group(q.group)
	if err != nil {
		return nil, false, err
	}
	if q.until == 0 {
		for _, name := range q.in.LogStreamNames {
			if g.streams[name] == nil {
				return nil, false, noStream()
			}
		}
		q.until = s.seq
	}
	// One stream has its own timeline; going through all others' events for it
	// would be slow.
	line := g.events
	if len(q.in.LogStreamNames) == 1 {
		st := g.streams[q.in.LogStreamNames[0]]
		if st == nil {
			return nil, false, noStream()
		}
		line = st.events
	}
	line = line[line.after(q.at):q.end(line)]
	n := min(len(line), cap(buffer), max(q.left, 1))
	q.left -= n
	return append(buffer, line[:n]...), n < len(line), nil
}

// end is the index behind the last event in the time asked for.
func (q *search) end(line timeline) int {
	end := len(line)
	if q.in.EndTime != nil {
		// An event at endTime is still shown: "later than this time are not returned".
		end = line.before(beginning(*q.in.EndTime + 1))
	}
	return max(end, line.after(q.at))
}

// shows says whether an event is of the streams asked for.
func (q *search) shows(e *event) bool {
	if e.seq > q.until {
		return false
	}
	if len(q.in.LogStreamNames) > 1 && !slices.Contains(q.in.LogStreamNames, e.stream.name) {
		return false
	}
	return strings.HasPrefix(e.stream.name, q.in.Prefix)
}
