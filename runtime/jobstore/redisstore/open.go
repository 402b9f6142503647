package redisstore

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/maintnotifications"

	"github.com/microfox-ai/aiwctl/runtime/jobstore"
)

const (
	// dialTimeout, readTimeout and clientRetries are for a client that Open makes: a
	// server next door answers in a millisecond, and a function has better things to
	// pay for than waiting for one that is gone.
	dialTimeout   = 2 * time.Second
	readTimeout   = 3 * time.Second
	clientRetries = 2
)

// ErrNotConfigured is FromEnv's error when no variable names a server.
var ErrNotConfigured = errors.New("no Redis is configured")

// Open makes a Store on one Redis server at redis://[user:password@]host[:port][/db],
// or rediss:// for TLS. Parameters of the client can be given as a query, as
// redis.ParseURL knows them. It does not connect: a worker whose store is down when it
// starts must still start, to put its messages back with a delay. Ping does.
//
// go-redis writes a line to standard error for each connection that fails;
// redis.SetLogger, which is for the whole program, changes that.
func Open(address string, opts ...Option) (*Store, error) {
	options, err := redis.ParseURL(strings.TrimSpace(address))
	if err != nil {
		// Not its text: what it quotes can be a part of the password.
		return nil, errors.New("open the Redis job store: the URL is not of the form redis://[user:password@]host[:port][/db]; " +
			"a password in it must be percent-encoded")
	}
	options.DialTimeout = cmp.Or(options.DialTimeout, dialTimeout)
	options.ReadTimeout = cmp.Or(options.ReadTimeout, readTimeout)
	options.MaxRetries = cmp.Or(options.MaxRetries, clientRetries)
	options.DialerRetries = cmp.Or(options.DialerRetries, 1)
	options.ContextTimeoutEnabled = true
	// A question to the server at every connection, which few servers know.
	options.MaintNotificationsConfig = &maintnotifications.Config{Mode: maintnotifications.ModeDisabled}
	return newStore(newClientConn(redis.NewClient(options), true), opts), nil
}

// OpenUpstash makes a Store on Upstash's REST API at https://<name>.upstash.io,
// which the deployed system uses. It does not connect; Ping does.
func OpenUpstash(address, token string, opts ...Option) (*Store, error) {
	c, err := newUpstashConn(address, token)
	if err != nil {
		return nil, fmt.Errorf("open the Redis job store: %w", err)
	}
	return newStore(c, opts), nil
}

// FromEnv makes the Store that the environment asks for, by the variables of the
// deployed system. Of several that stand in a row the first that is not empty
// counts:
//
//	URL     WORKER_UPSTASH_REDIS_REST_URL, UPSTASH_REDIS_REST_URL, UPSTASH_REDIS_URL
//	token   WORKER_UPSTASH_REDIS_REST_TOKEN, UPSTASH_REDIS_REST_TOKEN, UPSTASH_REDIS_TOKEN
//	prefix  WORKER_UPSTASH_REDIS_JOBS_PREFIX, UPSTASH_REDIS_KEY_PREFIX, REDIS_WORKER_JOB_PREFIX;
//	        DefaultPrefix
//	TTL     WORKER_JOBS_TTL_SECONDS, REDIS_WORKER_JOB_TTL_SECONDS, WORKFLOW_JOBS_TTL_SECONDS;
//	        jobstore.DefaultTTL, also for what is no positive number
//
// A URL that begins with redis:// or rediss:// is opened as by Open, needs no token and
// is no part of the deployed system. Options win over variables. A nil getenv means
// os.Getenv. Without a URL the error is ErrNotConfigured. It does not connect; Ping
// does.
func FromEnv(getenv func(string) string, opts ...Option) (*Store, error) {
	if getenv == nil {
		getenv = os.Getenv
	}
	first := func(names ...string) string {
		for _, name := range names {
			if value := strings.TrimSpace(getenv(name)); value != "" {
				return value
			}
		}
		return ""
	}
	address := first("WORKER_UPSTASH_REDIS_REST_URL", "UPSTASH_REDIS_REST_URL", "UPSTASH_REDIS_URL")
	token := first("WORKER_UPSTASH_REDIS_REST_TOKEN", "UPSTASH_REDIS_REST_TOKEN", "UPSTASH_REDIS_TOKEN")
	fromEnv := []Option{
		WithPrefix(first("WORKER_UPSTASH_REDIS_JOBS_PREFIX", "UPSTASH_REDIS_KEY_PREFIX", "REDIS_WORKER_JOB_PREFIX")),
		WithTTL(parseTTL(first("WORKER_JOBS_TTL_SECONDS", "REDIS_WORKER_JOB_TTL_SECONDS", "WORKFLOW_JOBS_TTL_SECONDS"))),
	}
	opts = slices.Concat(fromEnv, opts)
	switch {
	case address == "":
		return nil, fmt.Errorf("%w: set WORKER_UPSTASH_REDIS_REST_URL and WORKER_UPSTASH_REDIS_REST_TOKEN", ErrNotConfigured)
	case strings.HasPrefix(address, "redis://"), strings.HasPrefix(address, "rediss://"):
		return Open(address, opts...)
	case token == "":
		return nil, errors.New("open the Redis job store: the URL of Upstash's REST API is set, but no token: " +
			"set WORKER_UPSTASH_REDIS_REST_TOKEN")
	}
	return OpenUpstash(address, token, opts...)
}

// parseTTL reads seconds as the deployed system does with parseInt: the digits that
// the text begins with. Zero when that is no positive number.
func parseTTL(text string) time.Duration {
	digits := strings.TrimPrefix(text, "+")
	end := strings.IndexFunc(digits, func(r rune) bool { return r < '0' || r > '9' })
	if end >= 0 {
		digits = digits[:end]
	}
	n, err := strconv.ParseInt(digits, 10, 64)
	// EXPIRE refuses a time beyond what fits, and a century is for ever.
	const century = 100 * 365 * 24 * 60 * 60
	if err != nil || n <= 0 || n > century {
		return jobstore.DefaultTTL
	}
	return time.Duration(n) * time.Second
}
