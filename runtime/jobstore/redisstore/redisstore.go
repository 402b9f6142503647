package redisstore

import (
	"cmp"
	"context"
	"crypto/rand"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/microfox-ai/aiwctl/runtime/jobstore"
)

const (
	// DefaultPrefix is what the deployed system puts before a job's id.
	DefaultPrefix = "worker:jobs:"
	// DefaultTimeout is how long one call of a Store may take.
	DefaultTimeout = 5 * time.Second

	// listSuffix ends the key of a job's list of children.
	listSuffix = ":internal"
	// maxTries is how often a change is computed again because somebody else changed
	// the record in between. One of the contenders always gets through, so this many
	// must meet on one job to exhaust it.
	maxTries = 200
	// maxQuoted bounds a job id in an error.
	maxQuoted = 256
)

// Store is a jobstore.Store in Redis. It is safe for concurrent use. Make one with
// FromEnv, Open, OpenUpstash or New.
type Store struct {
	conn    conn
	prefix  string
	ttl     time.Duration
	timeout time.Duration
	now     func() time.Time
	// scripts are the hashes of the Lua scripts, by their text.
	scripts map[string]string
}

var _ jobstore.Store = (*Store)(nil)

// Option changes a setting of a Store. Of several for one setting the last wins.
type Option func(*Store)

// WithPrefix sets what stands before a job's id in the name of its key. Default:
// DefaultPrefix; empty means the default.
func WithPrefix(prefix string) Option {
	return func(s *Store) { s.prefix = cmp.Or(prefix, DefaultPrefix) }
}

// WithTTL sets how long a record is kept after its last change, in seconds; parts
// of a second are rounded up. Default: jobstore.DefaultTTL; zero and below mean the
// default.
func WithTTL(d time.Duration) Option {
	return func(s *Store) {
		if d <= 0 {
			d = jobstore.DefaultTTL
		}
		s.ttl = d
	}
}

// WithTimeout bounds every call of the Store, in addition to its context. Default:
// DefaultTimeout; zero and below mean the default.
func WithTimeout(d time.Duration) Option {
	return func(s *Store) {
		if d <= 0 {
			d = DefaultTimeout
		}
		s.timeout = d
	}
}

// WithClock sets the clock that leases are compared with and that the times of a
// record come from. Default: time.Now.
func WithClock(now func() time.Time) Option {
	return func(s *Store) { s.now = now }
}

// New makes a Store on a go-redis client, of one server, a cluster or a ring. The
// client stays the caller's: Close does not close it. Set its
// ContextTimeoutEnabled, without which it waits for an answer as long as its own
// timeouts and retries say, whatever the Store's timeout is. A nil client makes
// every call fail.
func New(client redis.UniversalClient, opts ...Option) *Store {
	return newStore(newClientConn(client, false), opts)
}

func newStore(c conn, opts []Option) *Store {
	s := &Store{
		conn: c, prefix: DefaultPrefix, ttl: jobstore.DefaultTTL, timeout: DefaultTimeout, now: time.Now,
		scripts: map[string]string{
			casScript:    redis.NewScript(casScript).Hash(),
			appendScript: redis.NewScript(appendScript).Hash(),
		},
	}
	for _, o := range opts {
		o(s)
	}
	return s
}

// Ping asks the server whether it answers.
func (s *Store) Ping(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, s.timeout)
	defer cancel()
	if _, err := s.conn.do(ctx, "PING"); err != nil {
		return fmt.Errorf("ping the job store: %w", err)
	}
	return nil
}

// Close closes the connections that the Store has opened itself.
func (s *Store) Close() error { return s.conn.close() }

// Claim implements jobstore.Store.
func (s *Store) Claim(ctx context.Context, c jobstore.Claim) (jobstore.Claimed, error) {
	out, err := s.claim(ctx, c)
	if err != nil {
		return jobstore.Claimed{}, about("claim", c.JobID, err)
	}
	return out, nil
}

func (s *Store) claim(ctx context.Context, c jobstore.Claim) (jobstore.Claimed, error) {
	if err := c.Validate(); err != nil {
		return jobstore.Claimed{}, err
	}
	ctx, cancel := context.WithTimeout(ctx, s.timeout)
	defer cancel()

	now := s.now()
	mark := rand.Text()
	// Most jobs are new: the first write is computed for one without a record.
	var before hash
	for range maxTries {
		w, err := claimWrite(c, before, now, mark)
		if err != nil {
			return jobstore.Claimed{}, err
		}
		answer, err := s.cas(ctx, c.JobID, w, wantAll)
		if err != nil {
			return jobstore.Claimed{}, err
		}
		// The client sends again when an answer is lost. A record that carries our
		// mark says that the write of which we have no answer was made.
		if answer.applied || answer.state.writtenAs(mark) {
			return s.claimed(ctx, jobstore.ClaimedJob, c.JobID, before)
		}
		before = answer.state
		if d := before.decide(c.Owner, now); d != jobstore.ClaimedJob {
			return s.claimed(ctx, d, c.JobID, before)
		}
	}
	return jobstore.Claimed{}, errContended
}

// claimed is the answer to a claim of a job whose hash was before.
func (s *Store) claimed(ctx context.Context, d jobstore.Decision, jobID string, before hash) (jobstore.Claimed, error) {
	if len(before) == 0 {
		return jobstore.Claimed{Decision: d}, nil
	}
	list, err := s.list(ctx, jobID)
	if err != nil {
		return jobstore.Claimed{}, err
	}
	if d == jobstore.ClaimedJob && len(list) > 0 {
		if err := s.keepList(ctx, jobID); err != nil {
			return jobstore.Claimed{}, err
		}
	}
	return jobstore.Claimed{Decision: d, Before: before.record(jobID, list, s.now())}, nil
}

// Update implements jobstore.Store.
func (s *Store) Update(ctx context.Context, jobID string, u jobstore.Update) error {
	if err := s.update(ctx, jobID, u); err != nil {
		return about("update", jobID, err)
	}
	return nil
}

func (s *Store) update(ctx context.Context, jobID string, u jobstore.Update) error {
	if err := u.Validate(); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, s.timeout)
	defer cancel()

	now := s.now()
	mark := rand.Text()
	// Without the metadata or the children in it, a change needs to know nothing of
	// the record but that it is there and whose it is, which the script compares.
	var state hash
	for range maxTries {
		w, err := updateWrite(u, state, now, mark)
		if err != nil {
			return err
		}
		answer, err := s.cas(ctx, jobID, w, wantState)
		if err != nil {
			return err
		}
		if answer.applied || answer.state.writtenAs(mark) {
			return s.updateList(ctx, jobID, u, state, answer)
		}
		state = answer.state
		switch {
		case len(state) == 0:
			return jobstore.ErrNotFound
		case state.endedBy(u.Owner, u.Status):
			return nil // repeated, since its answer was lost
		case u.Owner != "" && !state.heldBy(u.Owner):
			return jobstore.ErrLeaseLost
		}
	}
	return errContended
}

// updateList does to the children what an update asks for, after the update of
// the hash.
func (s *Store) updateList(ctx context.Context, jobID string, u jobstore.Update, state hash, answer casAnswer) error {
	switch {
	case u.Child != nil:
		return s.addChild(ctx, jobID, *u.Child, state)
	case answer.hasChildren && u.Status != "":
		return s.keepList(ctx, jobID)
	}
	return nil
}

// Get implements jobstore.Store.
func (s *Store) Get(ctx context.Context, jobID string) (*jobstore.Record, error) {
	ctx, cancel := context.WithTimeout(ctx, s.timeout)
	defer cancel()
	answer, err := s.conn.do(ctx, "HGETALL", s.key(jobID))
	if err != nil {
		return nil, about("read", jobID, err)
	}
	h := newHash(texts(answer))
	if len(h) == 0 {
		return nil, about("read", jobID, jobstore.ErrNotFound)
	}
	list, err := s.list(ctx, jobID)
	if err != nil {
		return nil, about("read", jobID, err)
	}
	return h.record(jobID, list, s.now()), nil
}

func (s *Store) key(jobID string) string     { return s.prefix + escaped(jobID) }
func (s *Store) listKey(jobID string) string { return s.prefix + jobID + listSuffix }

// escaped is a job id that ends like no key of a list: the deployed system's names
// for the children of job "a" and for the job "a:internal" are the same.
func escaped(jobID string) string {
	if strings.HasSuffix(strings.TrimRight(jobID, "~"), listSuffix) {
		return jobID + "~"
	}
	return jobID
}

// seconds is the time to live as EXPIRE takes it.
func (s *Store) seconds() string {
	return strconv.FormatInt(int64((s.ttl+time.Second-1)/time.Second), 10)
}

var errContended = fmt.Errorf("the record changed %d times while it was being written: "+
	"something writes it without pause", maxTries)

func about(doing, jobID string, err error) error {
	if len(jobID) > maxQuoted {
		jobID = jobID[:maxQuoted] + "..."
	}
	return fmt.Errorf("%s job %q: %w", doing, jobID, err)
}
