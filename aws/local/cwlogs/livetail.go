package cwlogs

import (
	"bytes"
	"context"
	"encoding/json"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws/protocol/eventstream"

	"github.com/microfox-ai/aiwctl/aws/local/cwlogs/pattern"
	"github.com/microfox-ai/aiwctl/aws/local/wire"
)

// The bounds of a live session.
// https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_StartLiveTail.html
const (
	liveGroupsMost = 10
	liveUpdateMost = 500
	liveEvery      = time.Second
	liveLasts      = 3 * time.Hour
)

const startLiveTail = Target + ".StartLiveTail"

type liveInput struct {
	LogGroupIdentifiers   []string `json:"logGroupIdentifiers"`
	LogStreamNames        []string `json:"logStreamNames,omitempty"`
	LogStreamNamePrefixes []string `json:"logStreamNamePrefixes,omitempty"`
	LogEventFilterPattern string   `json:"logEventFilterPattern,omitempty"`
}

type liveStart struct {
	RequestID string `json:"requestId"`
	SessionID string `json:"sessionId"`
	liveInput
}

type liveUpdate struct {
	SessionMetadata struct {
		Sampled bool `json:"sampled"`
	} `json:"sessionMetadata"`
	SessionResults []liveEvent `json:"sessionResults"`
}

type liveEvent struct {
	LogStreamName      string `json:"logStreamName"`
	LogGroupIdentifier string `json:"logGroupIdentifier"`
	Message            string `json:"message"`
	Timestamp          int64  `json:"timestamp"`
	IngestionTime      int64  `json:"ingestionTime"`
}

// liveSession gathers what arrives for one client until it is sent, as a fair sample
// when there is too much.
type liveSession struct {
	groups   map[string]bool
	in       *liveInput
	pattern  *pattern.Pattern
	identify func(group string) string

	mu      sync.Mutex
	came    int // since the last update
	sampled []arrived
}

type arrived struct {
	group string
	*event
}

// offer takes an event. The service's lock is held.
func (l *liveSession) offer(group string, e *event) {
	if !l.groups[group] || !l.shows(e.stream.name) || !l.pattern.Match(e.message) {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.came++
	if len(l.sampled) < liveUpdateMost {
		l.sampled = append(l.sampled, arrived{group, e})
	} else if i := rand.IntN(l.came); i < liveUpdateMost { //nolint:gosec // a sample need not be unpredictable
		l.sampled[i] = arrived{group, e}
	}
}

func (l *liveSession) shows(stream string) bool {
	if len(l.in.LogStreamNames) == 0 && len(l.in.LogStreamNamePrefixes) == 0 {
		return true
	}
	return slices.Contains(l.in.LogStreamNames, stream) ||
		slices.ContainsFunc(l.in.LogStreamNamePrefixes, func(p string) bool { return strings.HasPrefix(stream, p) })
}

func (l *liveSession) update() *liveUpdate {
	l.mu.Lock()
	took, came := l.sampled, l.came
	l.sampled, l.came = nil, 0
	l.mu.Unlock()
	slices.SortFunc(took, func(a, b arrived) int { return a.compare(b.position) })
	u := &liveUpdate{SessionResults: make([]liveEvent, len(took))}
	u.SessionMetadata.Sampled = came > len(took)
	for i, e := range took {
		u.SessionResults[i] = liveEvent{
			LogStreamName: e.stream.name, LogGroupIdentifier: l.identify(e.group), Message: e.message,
			Timestamp: e.time, IngestionTime: e.ingested,
		}
	}
	return u
}

// serveLiveTail answers with an event stream until the client goes, the service ends, or the
// session has lasted its time.
func (s *Service) serveLiveTail(w http.ResponseWriter, r *http.Request) {
	in := &liveInput{}
	body, err := wire.ReadBody(r, nil, 0)
	if err == nil {
		err = wire.Unmarshal(body, in)
	}
	var session *liveSession
	if err == nil {
		session, err = s.openLive(in)
	}
	if err != nil {
		s.handler.Refuse(w, err)
		return
	}
	defer s.closeLive(session)
	h := w.Header()
	h.Set("Content-Type", "application/vnd.amazon.eventstream")
	h.Set("X-Amzn-Requestid", wire.NewID())
	w.WriteHeader(http.StatusOK)
	out := &eventWriter{w: w, flush: http.NewResponseController(w).Flush, encoder: eventstream.NewEncoder()}
	out.event("initial-response", struct{}{})
	out.event("sessionStart", liveStart{RequestID: h.Get("X-Amzn-Requestid"), SessionID: wire.NewID(), liveInput: *in})
	s.stream(r.Context(), session, out)
}

// stream sends updates. A client that has gone is noticed by the first that fails.
func (s *Service) stream(ctx context.Context, session *liveSession, out *eventWriter) {
	tick := time.NewTicker(s.cfg.LiveEvery)
	defer tick.Stop()
	end := time.NewTimer(s.cfg.LiveLasts)
	defer end.Stop()
	for out.err == nil {
		select {
		case <-ctx.Done():
			return
		case <-end.C:
			out.exception("SessionTimeoutException", "The Live Tail session has timed out.")
			return
		case <-tick.C:
			out.event("sessionUpdate", session.update())
		}
	}
}

// openLive checks a request and begins to gather.
func (s *Service) openLive(in *liveInput) (*liveSession, error) {
	n := len(in.LogGroupIdentifiers)
	switch {
	case n == 0:
		return nil, constraint("[]", "logGroupIdentifiers", "Member must have length greater than or equal to 1")
	case n > liveGroupsMost:
		return nil, constraint("[...]", "logGroupIdentifiers", "Member must have length less than or equal to 10")
	case len(in.LogStreamNames) > 0 && len(in.LogStreamNamePrefixes) > 0:
		return nil, invalid("logStreamNames and logStreamNamePrefixes cannot be specified together.")
	case n > 1 && len(in.LogStreamNames)+len(in.LogStreamNamePrefixes) > 0:
		return nil, invalid("Log streams can be specified for a single log group only.")
	}
	p, err := pattern.Parse(in.LogEventFilterPattern)
	if err != nil {
		return nil, invalid("%v", err)
	}
	session := &liveSession{groups: map[string]bool{}, in: in, pattern: p, identify: func(group string) string { return s.cfg.Account + ":" + group }}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, id := range in.LogGroupIdentifiers {
		if strings.HasSuffix(id, "*") {
			return nil, invalid("The log group identifier %q must not end with an asterisk.", id)
		}
		name, err := groupName("", id)
		if err != nil {
			return nil, err
		}
		if _, err := s.group(name); err != nil {
			return nil, err
		}
		session.groups[name] = true
	}
	s.live[session] = true
	return session, nil
}

func (s *Service) closeLive(session *liveSession) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.live, session)
}

// eventWriter writes the messages of an event stream.
// https://smithy.io/2.0/aws/amazon-eventstream.html
type eventWriter struct {
	w       http.ResponseWriter
	flush   func() error
	encoder *eventstream.Encoder
	err     error // the first failure
}

func (e *eventWriter) event(name string, payload any) {
	e.message(payload, eventstream.Header{Name: ":message-type", Value: eventstream.StringValue("event")},
		eventstream.Header{Name: ":event-type", Value: eventstream.StringValue(name)})
}

func (e *eventWriter) exception(name, text string) {
	e.message(map[string]string{"message": text}, eventstream.Header{Name: ":message-type", Value: eventstream.StringValue("exception")},
		eventstream.Header{Name: ":exception-type", Value: eventstream.StringValue(name)})
}

func (e *eventWriter) message(payload any, headers ...eventstream.Header) {
	if e.err != nil {
		return
	}
	text, err := json.Marshal(payload)
	var b bytes.Buffer
	if err == nil {
		m := eventstream.Message{Payload: text, Headers: append(headers, eventstream.Header{Name: ":content-type", Value: eventstream.StringValue("application/json")})}
		err = e.encoder.Encode(&b, m)
	}
	if err == nil {
		_, err = e.w.Write(b.Bytes())
	}
	if err == nil {
		err = e.flush()
	}
	e.err = err
}
