// Package cwlogs is CloudWatch Logs in memory, spoken over its own protocol:
// log groups, streams and events, with the filter patterns, limits and error
// codes of the service. The oldest events of a group are dropped when it
// reaches its bounds, so an endpoint may run for days.
//
// Facts about the service are those of its API reference
// (https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/).
package cwlogs

import (
	"cmp"
	"context"
	"log/slog"
	"maps"
	"net/http"
	"sync"
	"time"

	"github.com/microfox-ai/aiwctl/aws/local/functions"
	"github.com/microfox-ai/aiwctl/aws/local/wire"
)

// The bounds of a log group unless Config says otherwise.
const (
	DefaultMaxEvents = 200_000
	DefaultMaxBytes  = 64 << 20
)

// Config configures New. The zero value works.
type Config struct {
	// Region and Account appear in ARNs; empty means us-east-1 and 000000000000.
	Region, Account string
	// Now is the clock; nil means time.Now.
	Now func() time.Time
	// MaxEvents and MaxBytes bound each log group: with more than that, its oldest
	// events are dropped. Zero means DefaultMaxEvents and DefaultMaxBytes; an
	// event counts as its message and 26 bytes, as for PutLogEvents.
	MaxEvents int
	MaxBytes  int64
	// ScanLimit is how many events one FilterLogEvents looks at. Beyond it the
	// page ends early, perhaps empty, with a token to go on, as happens in AWS.
	// Zero means 20,000.
	ScanLimit int
	// LiveEvery is how often a live session is sent what arrived; zero means a second,
	// as in AWS. LiveLasts is how long it lasts at most; zero means three hours.
	LiveEvery, LiveLasts time.Duration
	// Logger gets faults of the service itself; nil means none.
	Logger *slog.Logger
}

func (c Config) withDefaults() Config {
	c.Region = cmp.Or(c.Region, "us-east-1")
	c.Account = cmp.Or(c.Account, "000000000000")
	if c.Now == nil {
		c.Now = time.Now
	}
	c.MaxEvents = cmp.Or(c.MaxEvents, DefaultMaxEvents)
	c.MaxBytes = cmp.Or(c.MaxBytes, DefaultMaxBytes)
	c.ScanLimit = cmp.Or(c.ScanLimit, 20_000)
	c.LiveEvery = cmp.Or(c.LiveEvery, liveEvery)
	c.LiveLasts = cmp.Or(c.LiveLasts, liveLasts)
	return c
}

// Service is one CloudWatch Logs. It is safe for concurrent use.
type Service struct {
	cfg     Config
	handler *wire.Service

	mu     sync.RWMutex
	groups map[string]*group
	// seq numbers events in order of arrival, over all groups.
	seq uint64
	// live are the live sessions that are open.
	live map[*liveSession]bool
}

var _ functions.Logs = (*Service)(nil)

// New returns an empty service.
func New(cfg Config) *Service {
	s := &Service{cfg: cfg.withDefaults(), groups: make(map[string]*group), live: make(map[*liveSession]bool)}
	s.handler = &wire.Service{Target: Target, Version: wire.JSON11, Logger: cfg.Logger}
	s.register()
	return s
}

// Target is the prefix of X-Amz-Target in requests for this service.
const Target = "Logs_20140328"

// Handler answers requests of the service's JSON protocol. A live session's answer goes on
// until the request's context ends.
func (s *Service) Handler() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("X-Amz-Target") == startLiveTail {
			s.serveLiveTail(w, r)
			return
		}
		s.handler.ServeHTTP(w, r)
	})
}

// EnsureGroup makes a log group unless it exists, as a deployment does for each
// of its functions.
func (s *Service) EnsureGroup(name string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ensureGroup(name)
}

// MakeGroup makes a log group as CreateLogGroup does, which keeps events for so many days;
// zero means for ever. One that is there already is a *wire.Error with the code
// ResourceAlreadyExistsException.
func (s *Service) MakeGroup(ctx context.Context, name string, days int, tags map[string]string) error {
	if err := checkRetention(days); err != nil {
		return err
	}
	if err := s.createLogGroup(ctx, &groupInput{LogGroupName: name, Tags: maps.Clone(tags)}); err != nil {
		return err
	}
	return s.change(name, func(g *group) error { g.retention = days; return nil })
}

// ChangeGroup gives a log group this retention, as for MakeGroup, and exactly these tags.
func (s *Service) ChangeGroup(name string, days int, tags map[string]string) error {
	if err := checkRetention(days); err != nil {
		return err
	}
	return s.change(name, func(g *group) error {
		g.retention, g.tags = days, maps.Clone(tags)
		return nil
	})
}

func checkRetention(days int) error {
	if days != 0 && !allowedRetention(days) {
		return badRetention(days)
	}
	return nil
}

// RemoveGroup deletes a log group with everything in it.
func (s *Service) RemoveGroup(ctx context.Context, name string) error {
	return s.deleteLogGroup(ctx, &groupInput{LogGroupName: name})
}

// CreateStream implements functions.Logs: it makes the stream, and the group,
// unless they exist.
func (s *Service) CreateStream(groupName, streamName string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ensureStream(groupName, streamName)
}

// Append implements functions.Logs. The stream and its group are made if need
// be. Empty messages are left out, since CloudWatch Logs takes none.
func (s *Service) Append(groupName, streamName string, events ...functions.LogEvent) {
	s.mu.Lock()
	defer s.mu.Unlock()
	g, st := s.ensureStream(groupName, streamName)
	now := s.cfg.Now().UnixMilli()
	for _, e := range events {
		if e.Message != "" {
			s.add(g, st, max(0, e.Time.UnixMilli()), now, e.Message)
		}
	}
}
