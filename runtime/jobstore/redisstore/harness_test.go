package redisstore_test

import (
	"context"
	"crypto/rand"
	"os"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"
	"go.uber.org/goleak"

	"github.com/microfox-ai/aiwctl/runtime/jobstore"
	"github.com/microfox-ai/aiwctl/runtime/jobstore/redisstore"
)

// realServer names a Redis server to test against; without it the tests run
// against an imitation in this process.
const realServer = "AIWCTL_TEST_REDIS"

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m)
}

// server is where the records of one test are.
type server struct {
	url    string
	client *redis.Client
	prefix string
}

func newServer(t testing.TB) *server {
	t.Helper()
	url := os.Getenv(realServer)
	if url == "" {
		url = "redis://" + miniredis.RunT(t).Addr()
	}
	options, err := redis.ParseURL(url)
	if err != nil {
		t.Fatal(err)
	}
	client := redis.NewClient(options)
	t.Cleanup(func() { _ = client.Close() })
	// Tests share a real server; what they leave goes by itself.
	return &server{url: url, client: client, prefix: "aiwctl-test:" + rand.Text() + ":"}
}

// store opens the server by its URL.
func (s *server) store(t testing.TB, opts ...redisstore.Option) *redisstore.Store {
	t.Helper()
	opts = append([]redisstore.Option{redisstore.WithPrefix(s.prefix), redisstore.WithTTL(10 * time.Minute), redisstore.WithTimeout(time.Minute)}, opts...)
	store, err := redisstore.Open(s.url, opts...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := store.Close(); err != nil {
			t.Error(err)
		}
	})
	return store
}

// put writes a hash as another program would.
func (s *server) put(t testing.TB, jobID string, fields map[string]string) {
	t.Helper()
	key := s.prefix + jobID
	if err := s.client.HSet(t.Context(), key, fields).Err(); err != nil {
		t.Fatal(err)
	}
	s.client.Expire(t.Context(), key, 10*time.Minute)
}

// push appends to a job's list of children as another program would.
func (s *server) push(t testing.TB, jobID string, elements ...string) {
	t.Helper()
	key := s.prefix + jobID + ":internal"
	for _, e := range elements {
		if err := s.client.RPush(t.Context(), key, e).Err(); err != nil {
			t.Fatal(err)
		}
	}
	s.client.Expire(t.Context(), key, 10*time.Minute)
}

// fields is a job's hash as it stands.
func (s *server) fields(t testing.TB, jobID string) map[string]string {
	t.Helper()
	fields, err := s.client.HGetAll(t.Context(), s.prefix+jobID).Result()
	if err != nil {
		t.Fatal(err)
	}
	return fields
}

// elements is a job's list of children as it stands.
func (s *server) elements(t testing.TB, jobID string) []string {
	t.Helper()
	list, err := s.client.LRange(t.Context(), s.prefix+jobID+":internal", 0, -1).Result()
	if err != nil {
		t.Fatal(err)
	}
	return list
}

// clock is a clock that stands until it is moved.
type clock struct{ at time.Time }

func (c *clock) now() time.Time { return c.at }

// noon is a time with milliseconds.
var noon = time.Date(2026, 3, 4, 12, 0, 0, 5_000_000, time.UTC)

func claimOf(jobID, owner string) jobstore.Claim {
	return jobstore.Claim{
		JobID: jobID, WorkerID: "echo", Input: []byte(`{"n":1}`), MessageID: "m-" + owner, Receives: 1,
		Owner: owner, Lease: time.Now().Add(time.Minute),
	}
}

func mustClaim(t testing.TB, s jobstore.Store, c jobstore.Claim) jobstore.Claimed {
	t.Helper()
	claimed, err := s.Claim(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	if claimed.Decision != jobstore.ClaimedJob {
		t.Fatalf("the claim of %s by %s gave %d, want it claimed", c.JobID, c.Owner, claimed.Decision)
	}
	return claimed
}

func mustUpdate(t testing.TB, s jobstore.Store, jobID string, u jobstore.Update) {
	t.Helper()
	if err := s.Update(t.Context(), jobID, u); err != nil {
		t.Fatal(err)
	}
}

func mustGet(t testing.TB, s jobstore.Store, jobID string) *jobstore.Record {
	t.Helper()
	r, err := s.Get(context.WithoutCancel(t.Context()), jobID)
	if err != nil {
		t.Fatal(err)
	}
	return r
}
