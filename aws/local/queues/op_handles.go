package queues

import (
	"context"
	"time"

	"github.com/microfox-ai/aiwctl/aws/local/wire"
)

func (b *Broker) deleteMessage(ctx context.Context, call *wire.Call, dst []byte) ([]byte, error) {
	return b.with(ctx, call, dst, (*request).readHandle, func(_ context.Context, r *request, dst []byte) ([]byte, error) {
		e, err := r.oneHandle()
		if err != nil {
			return dst, err
		}
		return dst, r.queue.change(func(now int64) error { return r.queue.remove(e.handle, now) })
	})
}

func (b *Broker) deleteMessageBatch(refuse refusal) wire.Operation {
	return func(ctx context.Context, call *wire.Call, dst []byte) ([]byte, error) {
		return b.with(ctx, call, dst, (*request).readHandles, func(_ context.Context, r *request, dst []byte) ([]byte, error) {
			return r.eachHandle(dst, "DeleteMessageBatch", refuse, func(e *handleEntry, now int64) error {
				return r.queue.remove(e.handle, now)
			})
		})
	}
}

func (b *Broker) changeMessageVisibility(ctx context.Context, call *wire.Call, dst []byte) ([]byte, error) {
	return b.with(ctx, call, dst, (*request).readHandle, func(_ context.Context, r *request, dst []byte) ([]byte, error) {
		e, err := r.oneHandle()
		if err != nil {
			return dst, err
		}
		return dst, r.queue.change(func(now int64) error { return r.queue.setTimeout(e, now) })
	})
}

func (b *Broker) changeMessageVisibilityBatch(refuse refusal) wire.Operation {
	return func(ctx context.Context, call *wire.Call, dst []byte) ([]byte, error) {
		return b.with(ctx, call, dst, (*request).readHandles, func(_ context.Context, r *request, dst []byte) ([]byte, error) {
			return r.eachHandle(dst, "ChangeMessageVisibilityBatch", refuse, r.queue.setTimeout)
		})
	}
}

func (q *queue) setTimeout(e *handleEntry, now int64) error {
	if !e.timed {
		return missing("VisibilityTimeout")
	}
	if err := checkVisibility(e.timeout); err != nil {
		return err
	}
	return q.setVisibility(e.handle, time.Duration(e.timeout)*time.Second, now)
}

func (r *request) readEntry(e *handleEntry, key []byte) {
	switch string(key) {
	case "Id":
		e.id = r.reader.String()
	case "ReceiptHandle":
		e.handle = r.reader.String()
	case "VisibilityTimeout":
		e.timeout, e.timed = r.reader.Int()
	default:
		r.reader.Skip()
	}
}

// readHandle reads the members of a request for one message.
func (r *request) readHandle(key []byte) {
	if len(r.handles) == 0 {
		r.handles = append(r.handles, handleEntry{})
	}
	r.readEntry(&r.handles[0], key)
}

// readHandles reads the members of a request for a batch.
func (r *request) readHandles(key []byte) {
	if string(key) != "Entries" {
		r.reader.Skip()
		return
	}
	r.handles = r.handles[:0]
	r.eachEntry(func() {
		r.handles = append(r.handles, handleEntry{})
		e := &r.handles[len(r.handles)-1]
		r.members(func(key []byte) { r.readEntry(e, key) })
	})
}

func (r *request) oneHandle() (*handleEntry, error) {
	if len(r.handles) == 0 || r.handles[0].handle == "" {
		return nil, missing("ReceiptHandle")
	}
	return &r.handles[0], nil
}

// eachHandle runs f for every entry of a batch that is not refused, under one lock,
// and writes the answer.
func (r *request) eachHandle(dst []byte, action string, refuse refusal, f func(e *handleEntry, now int64) error) ([]byte, error) {
	if err := checkBatch(len(r.handles), action, func(i int) string { return r.handles[i].id }); err != nil {
		return dst, err
	}
	err := r.queue.change(func(now int64) error {
		for i := range r.handles {
			e := &r.handles[i]
			if e.err = refuse.err(); e.err == nil {
				e.err = f(e, now)
			}
		}
		return nil
	})
	if err != nil {
		return dst, err
	}
	return appendBatch(dst, len(r.handles), func(i int) (string, error) { return r.handles[i].id, r.handles[i].err }, nil), nil
}
