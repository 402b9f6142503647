package redisstore_test

import (
	"context"
	"crypto/rand"
	"fmt"
	"net"
	"os"
	"strings"
	"testing"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"

	"github.com/microfox-ai/aiwctl/runtime/jobstore"
	"github.com/microfox-ai/aiwctl/runtime/jobstore/jobstoretest"
	"github.com/microfox-ai/aiwctl/runtime/jobstore/redisstore"
)

// realCluster names a node of a Redis Cluster to test against; without it the tests
// run against an imitation of a cluster of one node.
const realCluster = "AIWCTL_TEST_REDIS_CLUSTER"

// oneKey fails a test for a command that a cluster could refuse: a script of several
// keys, which stand in several slots.
type oneKey struct{ t *testing.T }

func (oneKey) DialHook(next redis.DialHook) redis.DialHook { return next }

func (h oneKey) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, cmd redis.Cmder) error {
		if args := cmd.Args(); strings.HasPrefix(strings.ToUpper(cmd.Name()), "EVAL") && fmt.Sprint(args[2]) != "1" {
			h.t.Errorf("a script with %v keys", args[2])
		}
		return next(ctx, cmd)
	}
}

func (oneKey) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return next
}

func TestCluster(t *testing.T) {
	t.Parallel()
	jobstoretest.Run(t, func(t *testing.T) jobstore.Store {
		node := os.Getenv(realCluster)
		if node == "" {
			node = miniredis.RunT(t).Addr()
		}
		client := redis.NewClusterClient(&redis.ClusterOptions{Addrs: []string{node}, ContextTimeoutEnabled: true})
		client.AddHook(oneKey{t})
		t.Cleanup(func() { _ = client.Close() })
		return redisstore.New(client, redisstore.WithPrefix("aiwctl-test:"+rand.Text()+":"))
	})
}

// A client of a cluster names a node in its errors, and a client of one server that is
// a node of a cluster says which client it takes.
func TestClusterErrors(t *testing.T) {
	t.Parallel()
	client := redis.NewClusterClient(&redis.ClusterOptions{Addrs: []string{nobody}, Password: "s3cr3t", ContextTimeoutEnabled: true, MaxRedirects: -1})
	t.Cleanup(func() { _ = client.Close() })
	_, err := redisstore.New(client).Get(t.Context(), "J")
	if err == nil || !strings.Contains(err.Error(), nobody) || strings.Contains(err.Error(), "s3cr3t") {
		t.Errorf("a cluster that is gone: %v", err)
	}

	moved := answering(t, "-MOVED 1234 10.0.0.7:6379\r\n")
	_, err = open(t, "redis://"+moved).Get(t.Context(), "J")
	if err == nil || !strings.Contains(err.Error(), "ClusterClient") {
		t.Errorf("a node of a cluster: %v", err)
	}
	// A server that does not know a command quotes its arguments, the password among them.
	quoting := answering(t, "-ERR unknown command 'HGETALL', with args beginning with: 'AUTH' 's3cr3t'\r\n")
	_, err = open(t, "redis://:s3cr3t@"+quoting).Get(t.Context(), "J")
	if err == nil || strings.Contains(err.Error(), "s3cr3t") || !strings.Contains(err.Error(), "unknown command") {
		t.Errorf("a server that quotes the password: %v", err)
	}
}

// answering is a server that gives one answer to everything.
func answering(t *testing.T, answer string) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			buffer := make([]byte, 64<<10)
			for {
				n, err := c.Read(buffer)
				if err != nil {
					break
				}
				// A client sends several commands at once when it greets the server.
				commands := max(1, strings.Count("\n"+string(buffer[:n]), "\n*"))
				if strings.Contains(strings.ToUpper(string(buffer[:n])), "HELLO") {
					_, err = c.Write([]byte(strings.Repeat("%0\r\n", commands)))
				} else {
					_, err = c.Write([]byte(strings.Repeat(answer, commands)))
				}
				if err != nil {
					break
				}
			}
			_ = c.Close()
		}
	}()
	t.Cleanup(func() { _ = l.Close(); <-done })
	return l.Addr().String()
}
