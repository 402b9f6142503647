package redisstore_test

import (
	"errors"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/microfox-ai/aiwctl/runtime/jobstore/redisstore"
)

// The variables and which of them win, seen in the key of a job and how long it lives.
func TestFromEnv(t *testing.T) {
	t.Parallel()
	const week = 604800 * time.Second
	for name, test := range map[string]struct {
		env    map[string]string
		opts   []redisstore.Option
		prefix string
		ttl    time.Duration
	}{
		"defaults": {prefix: "worker:jobs:", ttl: week},
		"first of all": {
			env: map[string]string{
				"WORKER_UPSTASH_REDIS_JOBS_PREFIX": "a:", "UPSTASH_REDIS_KEY_PREFIX": "b:", "REDIS_WORKER_JOB_PREFIX": "c:",
				"WORKER_JOBS_TTL_SECONDS": "100", "REDIS_WORKER_JOB_TTL_SECONDS": "200", "WORKFLOW_JOBS_TTL_SECONDS": "300",
			},
			prefix: "a:", ttl: 100 * time.Second,
		},
		"second": {
			env: map[string]string{
				"UPSTASH_REDIS_KEY_PREFIX": "b:", "REDIS_WORKER_JOB_PREFIX": "c:",
				"REDIS_WORKER_JOB_TTL_SECONDS": "200", "WORKFLOW_JOBS_TTL_SECONDS": "300",
			},
			prefix: "b:", ttl: 200 * time.Second,
		},
		"third":              {env: map[string]string{"REDIS_WORKER_JOB_PREFIX": "c:", "WORKFLOW_JOBS_TTL_SECONDS": "300"}, prefix: "c:", ttl: 300 * time.Second},
		"zero":               {env: map[string]string{"WORKER_JOBS_TTL_SECONDS": "0", "WORKFLOW_JOBS_TTL_SECONDS": "300"}, prefix: "worker:jobs:", ttl: week},
		"garbage":            {env: map[string]string{"WORKER_JOBS_TTL_SECONDS": "soon"}, prefix: "worker:jobs:", ttl: week},
		"negative":           {env: map[string]string{"WORKER_JOBS_TTL_SECONDS": "-5"}, prefix: "worker:jobs:", ttl: week},
		"a number and more":  {env: map[string]string{"WORKER_JOBS_TTL_SECONDS": " 3600s"}, prefix: "worker:jobs:", ttl: time.Hour},
		"more than there is": {env: map[string]string{"WORKER_JOBS_TTL_SECONDS": "99999999999999999999"}, prefix: "worker:jobs:", ttl: week},
		"options win": {
			env:    map[string]string{"WORKER_JOBS_TTL_SECONDS": "100", "REDIS_WORKER_JOB_PREFIX": "c:"},
			opts:   []redisstore.Option{redisstore.WithPrefix("mine:"), redisstore.WithTTL(time.Minute)},
			prefix: "mine:", ttl: time.Minute,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newServer(t)
			env := maps.Clone(test.env)
			if env == nil {
				env = map[string]string{}
			}
			env["UPSTASH_REDIS_REST_URL"] = s.url
			store, err := redisstore.FromEnv(func(name string) string { return env[name] }, test.opts...)
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = store.Close() })
			id := s.prefix // of its own, where tests share a server
			mustClaim(t, store, claimOf(id, "first"))
			ttl, err := s.client.TTL(t.Context(), test.prefix+id).Result()
			if err != nil || ttl > test.ttl || ttl < test.ttl-10*time.Second {
				t.Errorf("the job at %s lives %v, %v, want %v", test.prefix+id, ttl, err, test.ttl)
			}
			s.client.Del(t.Context(), test.prefix+id)
		})
	}
}

func TestFromEnvChoosesTheServer(t *testing.T) {
	t.Parallel()
	first, second := newBridge(t, newServer(t)), newBridge(t, newServer(t))
	env := map[string]string{
		"WORKER_UPSTASH_REDIS_REST_URL": first.url, "WORKER_UPSTASH_REDIS_REST_TOKEN": first.token,
		"UPSTASH_REDIS_REST_URL": second.url, "UPSTASH_REDIS_REST_TOKEN": second.token,
		"UPSTASH_REDIS_URL": "http://127.0.0.1:1", "UPSTASH_REDIS_TOKEN": "third",
	}
	for _, step := range []struct {
		drop []string
		want *bridge
	}{
		{nil, first},
		{[]string{"WORKER_UPSTASH_REDIS_REST_URL", "WORKER_UPSTASH_REDIS_REST_TOKEN"}, second},
		{[]string{"UPSTASH_REDIS_REST_URL", "UPSTASH_REDIS_REST_TOKEN"}, nil},
	} {
		for _, name := range step.drop {
			env[name] = ""
		}
		store, err := redisstore.FromEnv(func(name string) string { return env[name] })
		if err != nil {
			t.Fatal(err)
		}
		seen := []int64{first.requests.Load(), second.requests.Load()}
		err = store.Ping(t.Context())
		switch step.want {
		case nil:
			if err == nil || !strings.Contains(err.Error(), "127.0.0.1:1") {
				t.Errorf("the third server: %v", err)
			}
		default:
			if err != nil {
				t.Error(err)
			}
			if now := []int64{first.requests.Load(), second.requests.Load()}; (now[0] > seen[0]) != (step.want == first) || (now[1] > seen[1]) != (step.want == second) {
				t.Errorf("without %v: requests %v, then %v", step.drop, seen, now)
			}
		}
		if err := store.Close(); err != nil {
			t.Error(err)
		}
	}
}

func TestFromEnvRefuses(t *testing.T) {
	t.Parallel()
	const secret = "s3cr3t/pass"
	for name, env := range map[string]map[string]string{
		"nothing":            {},
		"no token":           {"UPSTASH_REDIS_REST_URL": "https://x.upstash.io"},
		"no URL":             {"UPSTASH_REDIS_REST_TOKEN": secret},
		"a user in the URL":  {"UPSTASH_REDIS_REST_URL": "https://default:" + secret + "@x.upstash.io", "UPSTASH_REDIS_REST_TOKEN": secret},
		"a token in the URL": {"UPSTASH_REDIS_REST_URL": "https://x.upstash.io?_token=" + secret, "UPSTASH_REDIS_REST_TOKEN": secret},
		"another scheme":     {"UPSTASH_REDIS_REST_URL": "ftp://" + secret + "@x", "UPSTASH_REDIS_REST_TOKEN": secret},
		"no host":            {"UPSTASH_REDIS_REST_URL": "https:" + secret, "UPSTASH_REDIS_REST_TOKEN": secret},
		"an unescaped slash": {"UPSTASH_REDIS_REST_URL": "redis://default:" + secret + "@x:6379"},
		"a broken port":      {"UPSTASH_REDIS_REST_URL": "rediss://default:" + strings.ReplaceAll(secret, "/", "%zz") + "@x:port"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			store, err := redisstore.FromEnv(func(name string) string { return env[name] })
			if err == nil {
				_ = store.Close()
				t.Fatal("accepted")
			}
			for _, part := range []string{secret, "s3cr3t", "pass"} {
				if strings.Contains(strings.ReplaceAll(err.Error(), "password", ""), part) {
					t.Errorf("the error has the secret in it: %v", err)
				}
			}
			if noURL := !slices.ContainsFunc(slices.Collect(maps.Keys(env)), func(name string) bool { return strings.HasSuffix(name, "URL") }); errors.Is(err, redisstore.ErrNotConfigured) != noURL {
				t.Errorf("the error is %v", err)
			}
		})
	}
}
