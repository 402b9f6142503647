package wire

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"sync"
)

// DefaultMaxBody is the largest request body that is read unless a service says
// otherwise: enough for 1 MiB of text in which every byte is an escape of six.
const DefaultMaxBody = 8 << 20

// keepBuffer is the largest buffer that goes back to the pool, so that one large
// request does not occupy memory for ever.
const keepBuffer = 256 << 10

// buffers is a pool of byte slices.
type buffers struct{ pool sync.Pool }

func (b *buffers) get() *[]byte {
	if p, ok := b.pool.Get().(*[]byte); ok {
		return p
	}
	p := make([]byte, 0, 8<<10)
	return &p
}

func (b *buffers) put(p *[]byte) {
	if cap(*p) > keepBuffer {
		return
	}
	*p = (*p)[:0]
	b.pool.Put(p)
}

// ReadBody reads r's body to its end, appending to dst, and refuses one that is
// larger than limit bytes (zero means DefaultMaxBody).
func ReadBody(r *http.Request, dst []byte, limit int64) ([]byte, error) {
	if limit <= 0 {
		limit = DefaultMaxBody
	}
	if r.Body == nil {
		return dst, nil
	}
	if r.ContentLength > limit {
		discard(r.Body, limit)
		return dst, TooLarge(limit)
	}
	start := len(dst)
	if need := int(r.ContentLength) + 1; r.ContentLength > 0 && cap(dst)-start < need {
		grown := make([]byte, start, start+need)
		copy(grown, dst)
		dst = grown
	}
	for {
		if len(dst) == cap(dst) {
			dst = append(dst, 0)[:len(dst)]
		}
		n, err := r.Body.Read(dst[len(dst):cap(dst)])
		dst = dst[:len(dst)+n]
		if int64(len(dst)-start) > limit {
			discard(r.Body, limit)
			return dst, TooLarge(limit)
		}
		if errors.Is(err, io.EOF) {
			return dst, nil
		}
		if err != nil {
			return dst, fmt.Errorf("read the request body: %w", errors.Join(err, Serialization("the request body ended too early")))
		}
	}
}

// discard reads on for a while, because a client that is still sending when the
// connection closes sees a broken pipe and not the answer.
func discard(body io.Reader, limit int64) {
	// The answer is already decided; a client that stops sending changes nothing.
	_, _ = io.CopyN(io.Discard, body, 4*limit)
}
