package logs

import (
	"hash/maphash"
	"strconv"
	"sync"
	"time"
)

// way is how a line came.
type way int

const (
	byPoll way = iota
	byLive
)

// ways tells the lines that came by both ways apart from those that only look alike. Live
// tail gives no event ids, so what it brings is compared by stream, time and text; of lines
// that are equal in all three as many are passed on as the way that brought more
// of them brought.
type ways struct {
	mu    sync.Mutex
	seed  maphash.Seed
	lines map[uint64]*wayCount
	swept time.Time
	n     uint64
}

type wayCount struct {
	came [2]int
	at   time.Time
}

func newWays() *ways { return &ways{seed: maphash.MakeSeed(), lines: map[uint64]*wayCount{}} }

// count notes a line. fresh is false when the other way has brought it; n is a
// number of its own.
func (w *ways) count(stream string, at int64, message string, by way) (n uint64, fresh bool) {
	var h maphash.Hash
	h.SetSeed(w.seed)
	_, _ = h.WriteString(stream)
	var b [16]byte
	_, _ = h.Write(strconv.AppendInt(append(b[:0], 0), at, 36))
	_ = h.WriteByte(0)
	_, _ = h.WriteString(message)
	key := h.Sum64()

	w.mu.Lock()
	defer w.mu.Unlock()
	now := time.Now()
	if now.Sub(w.swept) > liveMemory/2 {
		w.swept = now
		for k, c := range w.lines {
			if now.Sub(c.at) > liveMemory {
				delete(w.lines, k)
			}
		}
	}
	c := w.lines[key]
	if c == nil {
		c = &wayCount{}
		w.lines[key] = c
	}
	passed := max(c.came[byPoll], c.came[byLive])
	c.came[by]++
	c.at = now
	w.n++
	return w.n, c.came[by] > passed
}
