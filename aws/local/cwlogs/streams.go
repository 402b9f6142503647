package cwlogs

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/microfox-ai/aiwctl/aws/local/wire"
)

type streamInput struct {
	LogGroupName  string `json:"logGroupName"`
	LogStreamName string `json:"logStreamName"`
}

func (s *Service) createLogStream(_ context.Context, in *streamInput) error {
	return s.change(in.LogGroupName, func(g *group) error {
		if err := checkStreamName(in.LogStreamName); err != nil {
			return err
		}
		if g.streams[in.LogStreamName] != nil {
			return wire.NewError("ResourceAlreadyExistsException", "The specified log stream already exists")
		}
		g.streams[in.LogStreamName] = &stream{name: in.LogStreamName, created: s.cfg.Now().UnixMilli()}
		return nil
	})
}

func (s *Service) deleteLogStream(_ context.Context, in *streamInput) error {
	return s.change(in.LogGroupName, func(g *group) error {
		st := g.streams[in.LogStreamName]
		if st == nil {
			return noStream()
		}
		delete(g.streams, st.name)
		for _, e := range st.events {
			g.bytes -= e.size()
		}
		g.events = slices.DeleteFunc(g.events, func(e *event) bool { return e.stream == st })
		return nil
	})
}

type describeStreamsInput struct {
	LogGroupName       string `json:"logGroupName"`
	LogGroupIdentifier string `json:"logGroupIdentifier"`
	Prefix             string `json:"logStreamNamePrefix"`
	OrderBy            string `json:"orderBy"`
	Descending         bool   `json:"descending"`
	Limit              *int   `json:"limit"`
	NextToken          string `json:"nextToken"`
}

type describeStreamsOutput struct {
	LogStreams []describedStream `json:"logStreams"`
	NextToken  string            `json:"nextToken,omitempty"`
}

type describedStream struct {
	LogStreamName       string `json:"logStreamName"`
	CreationTime        int64  `json:"creationTime"`
	FirstEventTimestamp *int64 `json:"firstEventTimestamp,omitempty"`
	LastEventTimestamp  *int64 `json:"lastEventTimestamp,omitempty"`
	LastIngestionTime   *int64 `json:"lastIngestionTime,omitempty"`
	UploadSequenceToken string `json:"uploadSequenceToken"`
	ARN                 string `json:"arn"`
	StoredBytes         int64  `json:"storedBytes"`
}

func (s *Service) describeLogStreams(_ context.Context, in *describeStreamsInput) (*describeStreamsOutput, error) {
	name, err := groupName(in.LogGroupName, in.LogGroupIdentifier)
	if err != nil {
		return nil, err
	}
	n, err := limit(in.Limit, 50)
	if err != nil {
		return nil, err
	}
	byTime := in.OrderBy == "LastEventTime"
	if !byTime && in.OrderBy != "" && in.OrderBy != "LogStreamName" {
		return nil, constraint(in.OrderBy, "orderBy", "Member must satisfy enum value set: [LogStreamName, LastEventTime]")
	}
	if byTime && in.Prefix != "" {
		return nil, invalid("Cannot order by LastEventTime with a logStreamNamePrefix.")
	}
	var from *after
	if in.NextToken != "" {
		from = &after{}
		if err := readToken("s/", in.NextToken, from); err != nil {
			return nil, err
		}
	}

	s.mu.RLock()
	defer s.mu.RUnlock()
	g, err := s.group(name)
	if err != nil {
		return nil, err
	}
	// A stream without events counts from its creation.
	key := func(st *stream) after {
		k := after{Name: st.name}
		if byTime {
			k.Time = st.created
			if len(st.events) > 0 {
				k.Time = st.events[len(st.events)-1].time
			}
		}
		return k
	}
	order := func(a, b after) int {
		c := cmp.Or(cmp.Compare(a.Time, b.Time), strings.Compare(a.Name, b.Name))
		if in.Descending {
			return -c
		}
		return c
	}
	streams := slices.SortedFunc(maps.Values(g.streams), func(a, b *stream) int { return order(key(a), key(b)) })
	out := &describeStreamsOutput{LogStreams: []describedStream{}}
	for _, st := range streams {
		if from != nil && order(key(st), *from) <= 0 || !strings.HasPrefix(st.name, in.Prefix) {
			continue
		}
		if len(out.LogStreams) == n {
			out.NextToken = token("s/", key(g.streams[out.LogStreams[n-1].LogStreamName]))
			break
		}
		out.LogStreams = append(out.LogStreams, s.describe(g, st))
	}
	return out, nil
}

func (s *Service) describe(g *group, st *stream) describedStream {
	d := describedStream{
		LogStreamName:       st.name,
		CreationTime:        st.created,
		UploadSequenceToken: uploadToken(s.seq),
		ARN:                 s.groupARN(g.name) + ":log-stream:" + st.name,
	}
	if n := len(st.events); n > 0 {
		d.FirstEventTimestamp, d.LastEventTimestamp = &st.events[0].time, &st.events[n-1].time
		d.LastIngestionTime = &st.ingested
	}
	return d
}

// uploadToken is the sequence token that AWS still sends and no longer reads.
func uploadToken(seq uint64) string {
	const digits = 56
	text := strconv.FormatUint(seq+1, 10)
	return "4" + strings.Repeat("0", digits-1-len(text)) + text
}
