package redisstore_test

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/microfox-ai/aiwctl/runtime/jobstore"
	"github.com/microfox-ai/aiwctl/runtime/jobstore/jobstoretest"
	"github.com/microfox-ai/aiwctl/runtime/jobstore/redisstore"
)

// bridge is Upstash's REST API in front of a Redis server.
type bridge struct {
	url, token string
	requests   atomic.Int64
	// answer, if set, answers a request in the bridge's place; false lets it through.
	answer atomic.Pointer[func(w http.ResponseWriter, n int64) bool]
}

func newBridge(t *testing.T, s *server) *bridge {
	t.Helper()
	b := &bridge{token: "token-of-" + s.prefix}
	front := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		n := b.requests.Add(1)
		if answer := b.answer.Load(); answer != nil && (*answer)(w, n) {
			return
		}
		reply := func(status int, v map[string]any) {
			w.Header().Set("Content-Type", "application/json")
			w.WriteHeader(status)
			if err := json.NewEncoder(w).Encode(v); err != nil {
				t.Error(err)
			}
		}
		if r.Header.Get("Authorization") != "Bearer "+b.token {
			reply(http.StatusUnauthorized, map[string]any{"error": "Unauthorized"})
			return
		}
		var command []any
		if err := json.NewDecoder(r.Body).Decode(&command); err != nil || r.Method != http.MethodPost || r.URL.Path != "/" {
			reply(http.StatusBadRequest, map[string]any{"error": "ERR failed to parse command"})
			return
		}
		result, err := s.client.Do(r.Context(), command...).Result()
		if pairs, ok := result.(map[any]any); ok {
			flat := []any{}
			for name, value := range pairs {
				flat = append(flat, name, value)
			}
			result = flat
		}
		if err != nil && !errors.Is(err, redis.Nil) {
			reply(http.StatusBadRequest, map[string]any{"error": err.Error()})
			return
		}
		reply(http.StatusOK, map[string]any{"result": result})
	}))
	t.Cleanup(front.Close)
	b.url = front.URL
	return b
}

func (b *bridge) answers(answer func(w http.ResponseWriter, n int64) bool) { b.answer.Store(&answer) }

func (b *bridge) store(t *testing.T, s *server, opts ...redisstore.Option) *redisstore.Store {
	t.Helper()
	opts = append([]redisstore.Option{redisstore.WithPrefix(s.prefix), redisstore.WithTTL(10 * time.Minute), redisstore.WithTimeout(time.Minute)}, opts...)
	store, err := redisstore.OpenUpstash(b.url, b.token, opts...)
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

func TestUpstashConformance(t *testing.T) {
	t.Parallel()
	jobstoretest.Run(t, func(t *testing.T) jobstore.Store {
		s := newServer(t)
		return newBridge(t, s).store(t, s)
	})
}

// An answer that says to come again, and one that is cut off, are asked for again.
func TestUpstashTriesAgain(t *testing.T) {
	t.Parallel()
	for name, fail := range map[string]func(w http.ResponseWriter){
		"502": func(w http.ResponseWriter) { http.Error(w, "<html>bad gateway</html>", http.StatusBadGateway) },
		"429": func(w http.ResponseWriter) {
			http.Error(w, `{"error":"ERR too many requests"}`, http.StatusTooManyRequests)
		},
		"cut off": func(http.ResponseWriter) {
			panic(http.ErrAbortHandler)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newServer(t)
			b := newBridge(t, s)
			b.answers(func(w http.ResponseWriter, n int64) bool {
				if n > 2 {
					return false
				}
				fail(w)
				return true
			})
			mustClaim(t, b.store(t, s), claimOf("J", "first"))
			b.answers(func(w http.ResponseWriter, _ int64) bool { fail(w); return true })
			sent := b.requests.Load()
			if _, err := b.store(t, s).Get(t.Context(), "J"); err == nil || b.requests.Load() != sent+3 {
				t.Errorf("%d requests, then %v; want 3 and an error", b.requests.Load()-sent, err)
			}
		})
	}
}

// Whatever the server answers, the error names it, says what is wrong, and has no token
// in it.
func TestUpstashErrors(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	elsewhere := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		t.Errorf("the redirect was followed, with %q", r.Header.Get("Authorization"))
	}))
	t.Cleanup(elsewhere.Close)
	for name, test := range map[string]struct {
		status int
		body   string
		want   string
	}{
		"token refused":    {401, `{"error":"Unauthorized: $TOKEN"}`, "token is refused"},
		"forbidden":        {403, `no`, "token is refused"},
		"command refused":  {400, `{"error":"NOPERM this user has no permissions, args: $TOKEN"}`, "NOPERM"},
		"not the REST API": {200, `<html>welcome</html>`, "is the URL right"},
		"other JSON":       {200, `{"ok":true}`, "is the URL right"},
		"nothing":          {200, ``, "is the URL right"},
		"a redirect":       {307, ``, "307"},
		"not found":        {404, `<html>`, "404"},
		"endless":          {200, `{"result":"` + strings.Repeat("x", 33<<20), "longer than 32 MiB"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBridge(t, s)
			b.answers(func(w http.ResponseWriter, _ int64) bool {
				if test.status == http.StatusTemporaryRedirect {
					w.Header().Set("Location", elsewhere.URL)
				}
				w.WriteHeader(test.status)
				_, _ = io.WriteString(w, strings.ReplaceAll(test.body, "$TOKEN", b.token))
				return true
			})
			_, err := b.store(t, s).Get(t.Context(), "J")
			if err == nil || !strings.Contains(err.Error(), test.want) || !strings.Contains(err.Error(), strings.TrimPrefix(b.url, "http://")) || !strings.Contains(err.Error(), `"J"`) {
				t.Errorf("the error is %v, want %q, the server and the job in it", err, test.want)
			}
			if err != nil && strings.Contains(err.Error(), b.token) {
				t.Errorf("the token is in the error: %v", err)
			}
		})
	}
}

// A server that does not answer is given up.
func TestUpstashDoesNotAnswer(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	b := newBridge(t, s)
	release := make(chan struct{})
	b.answers(func(http.ResponseWriter, int64) bool { <-release; return true })
	defer close(release)
	_, err := b.store(t, s, redisstore.WithTimeout(50*time.Millisecond)).Claim(t.Context(), claimOf("J", "first"))
	if err == nil || !strings.Contains(err.Error(), "did not answer in time") {
		t.Errorf("the error is %v", err)
	}
}
