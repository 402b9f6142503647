package redisstore_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"

	"github.com/microfox-ai/aiwctl/runtime/jobstore"
	"github.com/microfox-ai/aiwctl/runtime/jobstore/redisstore"
)

// every calls each method of a store once.
func every(ctx context.Context, s *redisstore.Store) map[string]error {
	_, claimErr := s.Claim(ctx, claimOf("J", "first"))
	_, getErr := s.Get(ctx, "J")
	return map[string]error{
		"ping": s.Ping(ctx), "claim": claimErr, "get": getErr,
		"update": s.Update(ctx, "J", jobstore.Update{Owner: "first", Status: jobstore.Completed}),
	}
}

func open(t *testing.T, url string, opts ...redisstore.Option) *redisstore.Store {
	t.Helper()
	s, err := redisstore.Open(url, opts...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

// nobody is an address that refuses connections: the port of a service that is long
// out of use. One that was free a moment ago can be another test's by now.
const nobody = "127.0.0.1:1"

func TestServerIsGone(t *testing.T) {
	t.Parallel()
	for name, store := range map[string]*redisstore.Store{
		"redis":   open(t, "redis://user:s3cr3t@"+nobody),
		"upstash": must(redisstore.OpenUpstash("http://"+nobody, "s3cr3t")),
	} {
		start := time.Now()
		for call, err := range every(t.Context(), store) {
			if err == nil || !strings.Contains(err.Error(), nobody) || !strings.Contains(err.Error(), "cannot be reached") || strings.Contains(err.Error(), "s3cr3t") {
				t.Errorf("%s, %s: %v", name, call, err)
			}
		}
		if took := time.Since(start); took > time.Minute {
			t.Errorf("%s: four calls took %v", name, took)
		}
	}
}

func must(s *redisstore.Store, err error) *redisstore.Store {
	if err != nil {
		panic(err)
	}
	return s
}

// A server that takes connections and says nothing costs the Store's timeout, or what
// the caller has left.
func TestServerIsSilent(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var group sync.WaitGroup
	group.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			group.Go(func() { _, _ = io.Copy(io.Discard, c); _ = c.Close() })
		}
	})
	store := open(t, "redis://:s3cr3t@"+l.Addr().String(), redisstore.WithTimeout(100*time.Millisecond))
	t.Cleanup(func() { _ = store.Close(); _ = l.Close(); group.Wait() })

	start := time.Now()
	for call, err := range every(t.Context(), store) {
		if err == nil || !strings.Contains(err.Error(), l.Addr().String()) || !strings.Contains(err.Error(), "did not answer in time") ||
			!errors.Is(err, context.DeadlineExceeded) || strings.Contains(err.Error(), "s3cr3t") {
			t.Errorf("%s: %v", call, err)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := store.Get(ctx, "J"); !errors.Is(err, context.Canceled) {
		t.Errorf("with a context that is done: %v", err)
	}
	if took := time.Since(start); took > 15*time.Second {
		t.Errorf("five calls of 100 ms took %v", took)
	}
}

func TestPasswordIsWrong(t *testing.T) {
	t.Parallel()
	server := miniredis.RunT(t)
	server.RequireUserAuth("worker", "right")
	for call, err := range every(t.Context(), open(t, "redis://worker:s3cr3t@"+server.Addr())) {
		if err == nil || !strings.Contains(err.Error(), "refuses the password") || !strings.Contains(err.Error(), server.Addr()) || strings.Contains(err.Error(), "s3cr3t") {
			t.Errorf("%s: %v", call, err)
		}
	}
	for call, err := range every(t.Context(), open(t, "redis://worker:right@"+server.Addr())) {
		if err != nil && call != "get" && call != "update" {
			t.Errorf("with the right password, %s: %v", call, err)
		}
	}
}

func TestNoClient(t *testing.T) {
	t.Parallel()
	store := redisstore.New(nil)
	for call, err := range every(t.Context(), store) {
		if err == nil || !strings.Contains(err.Error(), "no client") {
			t.Errorf("%s: %v", call, err)
		}
	}
	if err := store.Close(); err != nil {
		t.Error(err)
	}
}

// cutter is a proxy that can lose the server's answer to a command: the command has
// been done, and the client never hears of it.
type cutter struct {
	addr string

	mu   sync.Mutex
	lose []string // what the next command whose answer is lost has in it; empty: none
	lost int
}

func newCutter(t *testing.T, server string) *cutter {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	c := &cutter{addr: l.Addr().String()}
	var group sync.WaitGroup
	group.Go(func() {
		for {
			client, err := l.Accept()
			if err != nil {
				return
			}
			group.Go(func() { c.carry(client, server) })
		}
	})
	t.Cleanup(func() { _ = l.Close(); group.Wait() })
	return c
}

func (c *cutter) carry(client net.Conn, server string) {
	defer func() { _ = client.Close() }()
	backend, err := net.Dial("tcp", server)
	if err != nil {
		return
	}
	defer func() { _ = backend.Close() }()
	var group sync.WaitGroup
	defer group.Wait()
	answers := make(chan struct{}, 1)
	group.Go(func() {
		defer func() { _ = client.Close() }()
		buffer := make([]byte, 64<<10)
		for {
			n, err := backend.Read(buffer)
			if err != nil {
				return
			}
			select {
			case <-answers:
				return // the answer to be lost is here: the command has been done
			default:
			}
			if _, err := client.Write(buffer[:n]); err != nil {
				return
			}
		}
	})
	defer func() { _ = backend.Close() }()
	buffer := make([]byte, 64<<10)
	for {
		n, err := client.Read(buffer)
		if err != nil {
			return
		}
		if c.loses(string(buffer[:n])) {
			answers <- struct{}{}
		}
		if _, err := backend.Write(buffer[:n]); err != nil {
			return
		}
	}
}

func (c *cutter) loses(command string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.lose) == 0 {
		return false
	}
	for _, part := range c.lose {
		if !strings.Contains(strings.ToLower(command), part) {
			return false
		}
	}
	c.lose = nil
	c.lost++
	return true
}

// next loses the answer to the next command that has all the parts in it.
func (c *cutter) next(parts ...string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.lose = parts
}

// A write whose answer is lost is sent again, and is then known as the one that was
// made: a claim has the record from before it, and an end is no lost lease.
func TestAnswerIsLost(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	options, err := redis.ParseURL(s.url)
	if err != nil {
		t.Fatal(err)
	}
	proxy := newCutter(t, options.Addr)
	store := open(t, "redis://"+proxy.addr, redisstore.WithPrefix(s.prefix))
	if err := store.Ping(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := s.client.ScriptFlush(t.Context()).Err(); err != nil {
		t.Fatal(err)
	}
	mustClaim(t, store, claimOf("other", "first")) // the server knows the scripts now
	mustUpdate(t, store, "other", jobstore.Update{Owner: "first", Child: &jobstore.Child{JobID: "c", WorkerID: "w"}})

	proxy.next("evalsha")
	if claimed := mustClaim(t, store, claimOf("J", "first")); claimed.Before != nil {
		t.Errorf("there was a record before the first claim: %+v", claimed.Before)
	}
	proxy.next("evalsha")
	mustUpdate(t, store, "J", jobstore.Update{Owner: "first", Metadata: map[string]any{"k": "v"}})
	proxy.next("evalsha", ":internal")
	mustUpdate(t, store, "J", jobstore.Update{Owner: "first", Child: &jobstore.Child{JobID: "c", WorkerID: "w"}})
	proxy.next("evalsha")
	mustUpdate(t, store, "J", jobstore.Update{Owner: "first", Status: jobstore.Queued})
	proxy.next("evalsha")
	if claimed := mustClaim(t, store, claimOf("J", "second")); claimed.Before == nil || claimed.Before.Owner != "first" {
		t.Errorf("the record before the second claim: %+v", claimed.Before)
	}
	proxy.next("evalsha")
	mustUpdate(t, store, "J", jobstore.Update{Owner: "second", Status: jobstore.Completed, Output: json.RawMessage(`1`)})

	got := mustGet(t, s.store(t), "J")
	if got.Status != jobstore.Completed || string(got.Output) != "1" || len(got.Children) != 1 || got.Metadata["k"] != "v" {
		t.Errorf("the record: %+v", got)
	}
	if list := s.elements(t, "J"); len(list) != 1 {
		t.Errorf("the child was added more than once: %s", list)
	}
	if proxy.lost != 6 {
		t.Errorf("%d answers were lost, want 6: the test has tested something else", proxy.lost)
	}
}
