package cwlogs

import "context"

type getInput struct {
	LogGroupName       string `json:"logGroupName"`
	LogGroupIdentifier string `json:"logGroupIdentifier"`
	LogStreamName      string `json:"logStreamName"`
	StartTime          *int64 `json:"startTime"`
	EndTime            *int64 `json:"endTime"`
	Limit              *int   `json:"limit"`
	StartFromHead      bool   `json:"startFromHead"`
	NextToken          string `json:"nextToken"`
}

type getOutput struct {
	Events            []outputEvent `json:"events"`
	NextForwardToken  string        `json:"nextForwardToken"`
	NextBackwardToken string        `json:"nextBackwardToken"`
}

type outputEvent struct {
	Timestamp     int64  `json:"timestamp"`
	Message       string `json:"message"`
	IngestionTime int64  `json:"ingestionTime"`
}

// getToken is the event next to a page.
type getToken struct {
	Time int64  `json:"t"`
	Seq  uint64 `json:"s"`
}

// The kinds of token of GetLogEvents, spelled as AWS does.
const (
	forward  = "f/"
	backward = "b/"
)

func tokenAt(kind string, p position) string {
	return token(kind, getToken{Time: p.time, Seq: p.seq})
}

func (s *Service) getLogEvents(_ context.Context, in *getInput) (*getOutput, error) {
	name, err := groupName(in.LogGroupName, in.LogGroupIdentifier)
	if err != nil {
		return nil, err
	}
	if err := checkStreamName(in.LogStreamName); err != nil {
		return nil, err
	}
	n, err := limit(in.Limit, maxPageEvents)
	if err != nil {
		return nil, err
	}
	from, to := position{}, endOfTime()
	if in.StartTime != nil {
		from = beginning(*in.StartTime)
	}
	if in.EndTime != nil {
		// An event at endTime is not shown here, unlike in FilterLogEvents.
		to = beginning(*in.EndTime)
	}
	if from.compare(to) > 0 {
		return nil, invalid("endTime must be greater than or equal to startTime.")
	}
	fromHead := in.StartFromHead
	if in.NextToken != "" {
		if fromHead, err = in.resume(&from, &to); err != nil {
			return nil, err
		}
	}

	s.mu.RLock()
	defer s.mu.RUnlock()
	g, err := s.group(name)
	if err != nil {
		return nil, err
	}
	st := g.streams[in.LogStreamName]
	if st == nil {
		return nil, noStream()
	}
	line := st.events[st.events.after(from):max(st.events.before(to), st.events.after(from))]
	line = cut(line, n, fromHead)

	out := &getOutput{Events: []outputEvent{}}
	for _, e := range line {
		out.Events = append(out.Events, outputEvent{Timestamp: e.time, Message: e.message, IngestionTime: e.ingested})
	}
	switch {
	case len(line) > 0:
		out.NextForwardToken = tokenAt(forward, line[len(line)-1].position)
		out.NextBackwardToken = tokenAt(backward, line[0].position)
	case fromHead:
		// Nothing more: the token is repeated, and so says that this is the end.
		out.NextForwardToken, out.NextBackwardToken = tokenAt(forward, from), tokenAt(backward, from)
	default:
		out.NextForwardToken, out.NextBackwardToken = tokenAt(forward, from), tokenAt(backward, to)
	}
	return out, nil
}

// resume narrows the range to what lies beyond a token, and says in which
// direction.
func (in *getInput) resume(from, to *position) (fromHead bool, err error) {
	var t getToken
	if readToken(forward, in.NextToken, &t) == nil {
		if p := (position{time: t.Time, seq: t.Seq}); p.compare(*from) > 0 {
			*from = p
		}
		return true, nil
	}
	if err := readToken(backward, in.NextToken, &t); err != nil {
		return false, err
	}
	if p := (position{time: t.Time, seq: t.Seq}); p.compare(*to) < 0 {
		*to = p
	}
	return false, nil
}

// cut keeps what fits a page: its first events, or its last ones.
func cut(line timeline, n int, fromHead bool) timeline {
	size, kept := int64(0), 0
	fits := func(e *event) bool {
		size += e.size()
		return kept < n && (size <= maxPageBytes || kept == 0)
	}
	if fromHead {
		for kept < len(line) && fits(line[kept]) {
			kept++
		}
		return line[:kept]
	}
	for kept < len(line) && fits(line[len(line)-1-kept]) {
		kept++
	}
	return line[len(line)-kept:]
}
