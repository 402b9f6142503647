package redisstore

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strconv"
	"strings"

	"github.com/redis/go-redis/v9"
)

// conn sends one command and returns its answer: a string, an int64, a list of
// answers, or nil. An error that is the server's own answer is a redis.Error. Every
// error names the server, and none a password or token.
type conn interface {
	do(ctx context.Context, args ...any) (any, error)
	close() error
}

// clientConn is a conn of go-redis.
type clientConn struct {
	client redis.UniversalClient
	// server is where it is, and secrets what must not be seen.
	server  string
	secrets []string
	own     bool
}

func newClientConn(client redis.UniversalClient, own bool) *clientConn {
	c := &clientConn{client: client, server: "redis", own: own}
	switch client := client.(type) {
	case *redis.Client:
		o := client.Options()
		c.server, c.secrets = "redis at "+o.Addr, []string{o.Password}
	case *redis.ClusterClient:
		o := client.Options()
		c.server, c.secrets = "redis cluster at "+strings.Join(o.Addrs, ", "), []string{o.Password}
	}
	return c
}

func (c *clientConn) do(ctx context.Context, args ...any) (any, error) {
	if c.client == nil {
		return nil, errors.New("the store has no client: redisstore.New was given nil")
	}
	if err := ctx.Err(); err != nil {
		return nil, explained(ctx, c.server, err)
	}
	answer, err := c.client.Do(ctx, args...).Result()
	switch {
	case err == nil:
		return answer, nil
	case errors.Is(err, redis.Nil):
		return nil, nil
	}
	return nil, c.failure(ctx, err)
}

func (c *clientConn) close() error {
	if !c.own {
		return nil
	}
	if err := c.client.Close(); err != nil {
		return fmt.Errorf("close %s: %w", c.server, err)
	}
	return nil
}

// failure says what went wrong and what to look at.
func (c *clientConn) failure(ctx context.Context, err error) error {
	for _, secret := range c.secrets {
		// A server that does not know a command quotes its arguments.
		if secret != "" && strings.Contains(err.Error(), secret) {
			err = errors.New(strings.ReplaceAll(err.Error(), secret, "***"))
		}
	}
	return explained(ctx, c.server, err)
}

// explained adds to an error where it happened and what to do next.
func explained(ctx context.Context, server string, err error) error {
	if done := ctx.Err(); done != nil && !errors.Is(err, done) {
		// What a connection says of it is a timeout of its own, or that it is closed.
		err = fmt.Errorf("%w (%w)", done, err)
	}
	var dial *net.OpError
	switch {
	case errors.Is(err, context.Canceled):
		return fmt.Errorf("%s: %w", server, err)
	case redis.HasErrorPrefix(err, "WRONGPASS"), redis.HasErrorPrefix(err, "NOAUTH"):
		return fmt.Errorf("%s refuses the password: %w", server, err)
	case redis.HasErrorPrefix(err, "WRONGTYPE"):
		return fmt.Errorf("%s has something else than a job under that key; is the prefix right? %w", server, err)
	case redis.HasErrorPrefix(err, "CROSSSLOT"), redis.HasErrorPrefix(err, "MOVED"):
		return fmt.Errorf("%s is one node of a cluster; give redisstore.New a redis.ClusterClient: %w", server, err)
	case isServerAnswer(err):
		return fmt.Errorf("%s: %w", server, err)
	case errors.Is(err, context.DeadlineExceeded), isTimeout(err):
		return fmt.Errorf("%s did not answer in time: %w", server, err)
	case errors.As(err, &dial) && dial.Op == "dial":
		return fmt.Errorf("%s cannot be reached; check the address and the network in between: %w", server, err)
	}
	return fmt.Errorf("%s: %w", server, err)
}

func isServerAnswer(err error) bool {
	_, ok := errors.AsType[redis.Error](err)
	return ok
}

func isTimeout(err error) bool {
	timeout, ok := errors.AsType[net.Error](err)
	return ok && timeout.Timeout()
}

// texts is an answer that is a list, or pairs of names and values, as texts; empty
// when it is neither.
func texts(answer any) []string {
	var out []string
	switch answer := answer.(type) {
	case []any:
		out = make([]string, 0, len(answer))
		for _, a := range answer {
			out = append(out, text(a))
		}
	case map[any]any: // the third version of the protocol has a type for pairs
		out = make([]string, 0, 2*len(answer))
		for name, value := range answer {
			out = append(out, text(name), text(value))
		}
	}
	return out
}

func text(answer any) string {
	switch answer := answer.(type) {
	case string:
		return answer
	case int64:
		return strconv.FormatInt(answer, 10)
	case nil:
		return ""
	default:
		return fmt.Sprint(answer)
	}
}
