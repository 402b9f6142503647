package redisstore

import (
	"context"
	"fmt"
	"strconv"

	"github.com/redis/go-redis/v9"
)

// casScript changes a hash if the fields that the change was computed from are
// still what they were. It answers 1, or 2 when the job has children; if they are
// not, it answers what they are now, as names and values.
//
//	KEYS  the hash
//	ARGV  seconds to live
//	      "all" to answer every field, otherwise those an update is computed from
//	      how many fields are compared; -1: there must be no hash
//	      name and value of each: "=" and the text, or "-" for none
//	      how many fields are set
//	      name and value of each
//	      names of the fields to remove
const casScript = `
local key, i, same = KEYS[1], 4, true
local exists = redis.call('EXISTS', key) == 1
local checks = tonumber(ARGV[3])
if checks < 0 then
  same = not exists
else
  same = exists
  for n = 1, checks do
    if same then
      local value = redis.call('HGET', key, ARGV[i])
      same = (value and '=' .. value or '-') == ARGV[i + 1]
    end
    i = i + 2
  end
end
if not same then
  if ARGV[2] == 'all' then
    return redis.call('HGETALL', key)
  end
  local state = {}
  if exists then
    state = {'', ''}
    for _, name in ipairs({'status', 'owner', 'leaseUntil', 'metadata', 'error', 'internalJobs', 'lastWrite'}) do
      local value = redis.call('HGET', key, name)
      if value then
        state[#state + 1] = name
        state[#state + 1] = value
      end
    end
  end
  return state
end
local sets = tonumber(ARGV[i])
redis.call('HSET', key, unpack(ARGV, i + 1, i + 2 * sets))
i = i + 2 * sets + 1
if i <= #ARGV then
  redis.call('HDEL', key, unpack(ARGV, i))
end
redis.call('EXPIRE', key, ARGV[1])
return 1 + redis.call('HEXISTS', key, 'hasChildren')
`

// appendScript appends to a list that is still as long as it was, and answers 1;
// otherwise it answers the elements.
//
//	KEYS  the list
//	ARGV  seconds to live, the length it had, the elements
const appendScript = `
if redis.call('LLEN', KEYS[1]) ~= tonumber(ARGV[2]) then
  return redis.call('LRANGE', KEYS[1], 0, -1)
end
for n = 3, #ARGV do
  redis.call('RPUSH', KEYS[1], ARGV[n])
end
redis.call('EXPIRE', KEYS[1], ARGV[1])
return 1
`

// What casScript answers when it has not written.
const (
	wantAll   = "all"
	wantState = "state"
)

// write is a change of a hash.
type write struct {
	// absent says that there must be no hash; otherwise there must be one.
	absent bool
	// checks are names and expected values, alternating.
	checks []string
	// sets are names and values, alternating; never empty.
	sets []string
	// removes are names.
	removes []string
}

// expect makes the write depend on fields having the values that they have in h.
func (w *write) expect(h hash, names ...string) {
	for _, name := range names {
		value, ok := h[name]
		if ok {
			w.checks = append(w.checks, name, "="+value)
		} else {
			w.checks = append(w.checks, name, "-")
		}
	}
}

func (w *write) set(name, value string) { w.sets = append(w.sets, name, value) }
func (w *write) remove(names ...string) { w.removes = append(w.removes, names...) }

// casAnswer is what casScript has answered.
type casAnswer struct {
	applied, hasChildren bool
	// state is the hash as it is, when the write was not applied; empty when there
	// is none. With wantState it has the empty name as well, so that a hash
	// without any of the fields is not taken for none.
	state hash
}

// cas runs casScript.
func (s *Store) cas(ctx context.Context, jobID string, w write, want string) (casAnswer, error) {
	checks := len(w.checks) / 2
	if w.absent {
		checks = -1
	}
	args := make([]string, 0, 4+len(w.checks)+len(w.sets)+len(w.removes))
	args = append(args, s.seconds(), want, strconv.Itoa(checks))
	args = append(args, w.checks...)
	args = append(args, strconv.Itoa(len(w.sets)/2))
	args = append(args, w.sets...)
	args = append(args, w.removes...)
	answer, err := s.eval(ctx, casScript, s.key(jobID), args)
	if err != nil {
		return casAnswer{}, err
	}
	if n, ok := answer.(int64); ok {
		return casAnswer{applied: true, hasChildren: n > 1}, nil
	}
	return casAnswer{state: newHash(texts(answer))}, nil
}

// eval runs a script of one key. The server keeps scripts by their hash, so their
// text is sent only to one that has not seen it, or has been restarted.
func (s *Store) eval(ctx context.Context, script, key string, args []string) (any, error) {
	command := make([]any, 0, 4+len(args))
	command = append(command, "EVALSHA", s.scripts[script], "1", key)
	for _, a := range args {
		command = append(command, a)
	}
	answer, err := s.conn.do(ctx, command...)
	if err != nil && redis.HasErrorPrefix(err, "NOSCRIPT") {
		command[0], command[1] = "EVAL", script
		answer, err = s.conn.do(ctx, command...)
	}
	return answer, err
}

// list returns the elements of a job's list of children.
func (s *Store) list(ctx context.Context, jobID string) ([]string, error) {
	answer, err := s.conn.do(ctx, "LRANGE", s.listKey(jobID), "0", "-1")
	if err != nil {
		return nil, fmt.Errorf("its children: %w", err)
	}
	return texts(answer), nil
}

// keepList lets the list of children live as long as the hash.
func (s *Store) keepList(ctx context.Context, jobID string) error {
	if _, err := s.conn.do(ctx, "EXPIRE", s.listKey(jobID), s.seconds()); err != nil {
		return fmt.Errorf("keep its children: %w", err)
	}
	return nil
}
