package queues

import (
	"context"
	"log/slog"
	"net/http"
	"sync"

	"github.com/microfox-ai/aiwctl/aws/local/wire"
)

// MaxRequest is the largest request that is read: a batch of 1 MiB, every byte of
// which may be written as an escape of six, and the rest of the request.
const MaxRequest = 8 << 20

// Handler serves the SQS API over AWS JSON 1.0: POST requests whose X-Amz-Target
// begins with "AmazonSQS.", on any path, since clients post to "/" or to the
// queue's URL.
func (b *Broker) Handler() http.Handler { return b.HandlerRefusing(nil) }

// HandlerRefusing is Handler, except that refuse is asked about every entry of a
// batch, and true answers it with InternalError and leaves it without effect,
// which AWS allows itself at any time. refuse must be safe for concurrent use;
// nil refuses nothing.
func (b *Broker) HandlerRefusing(refuse func() bool) http.Handler {
	s := newService(b.logger)
	// The operations that carry messages read and write their JSON by hand: with
	// encoding/json they take half of the server's time.
	s.Handle("SendMessage", b.sendMessage)
	s.Handle("SendMessageBatch", b.sendMessageBatch(refuse))
	s.Handle("ReceiveMessage", b.receiveMessage)
	s.Handle("DeleteMessage", b.deleteMessage)
	s.Handle("DeleteMessageBatch", b.deleteMessageBatch(refuse))
	s.Handle("ChangeMessageVisibility", b.changeMessageVisibility)
	s.Handle("ChangeMessageVisibilityBatch", b.changeMessageVisibilityBatch(refuse))

	s.Handle("ListQueues", wire.JSON(b.listQueues))
	s.Handle("CreateQueue", wire.JSON(b.createQueue))
	s.Handle("DeleteQueue", wire.Empty(b.deleteQueue))
	s.Handle("GetQueueUrl", wire.JSON(b.getQueueURL))
	s.Handle("GetQueueAttributes", wire.JSON(b.getQueueAttributes))
	s.Handle("SetQueueAttributes", wire.Empty(b.setQueueAttributes))
	s.Handle("PurgeQueue", wire.Empty(b.purgeQueue))
	s.Handle("ListDeadLetterSourceQueues", wire.JSON(b.listDeadLetterSourceQueues))
	s.Handle("StartMessageMoveTask", wire.JSON(b.startMessageMoveTask))
	s.Handle("CancelMessageMoveTask", wire.JSON(b.cancelMessageMoveTask))
	s.Handle("ListMessageMoveTasks", wire.JSON(b.listMessageMoveTasks))
	s.Handle("TagQueue", wire.Empty(b.tagQueue))
	s.Handle("UntagQueue", wire.Empty(b.untagQueue))
	s.Handle("ListQueueTags", wire.JSON(b.listQueueTags))
	return s
}

// newService is SQS's way of speaking, without an operation.
func newService(logger *slog.Logger) *wire.Service {
	return &wire.Service{
		Target: "AmazonSQS", Namespace: "com.amazonaws.sqs", Version: wire.JSON10,
		QueryCompatible: true, MaxBody: MaxRequest, Logger: logger,
	}
}

// Refuse answers a request for SQS with an error, as SQS would: for a handler in
// front of Handler's that has read the request's body.
func Refuse(w http.ResponseWriter, err error) { newService(nil).Refuse(w, err) }

// refusal says of an entry of a batch that it comes to nothing; nil of none.
type refusal func() bool

func (f refusal) err() error {
	if f == nil || !f() {
		return nil
	}
	return errInternal()
}

// request is what the operations that carry messages read. It comes from a pool.
type request struct {
	reader wire.Reader

	queue   *queue
	entries []outgoing
	handles []handleEntry

	number, visibility, wait int // -1 means not given
	system                   []string
	attributes               []string
	delivered                []delivery
	invalid                  error // a value that could be read and is wrong
}

// handleEntry is one message of a request that names messages by receipt handle.
type handleEntry struct {
	id      string
	handle  string
	timeout int // seconds, if timed
	timed   bool
	err     error
}

// requests is the pool. The zero value is ready.
type requests struct{ pool sync.Pool }

func (p *requests) get(body []byte) *request {
	r, ok := p.pool.Get().(*request)
	if !ok {
		r = &request{}
	}
	r.reader.Reset(body)
	r.number, r.visibility, r.wait = -1, -1, -1
	return r
}

// put clears r, so that no message lives on in the pool.
func (p *requests) put(r *request) {
	r.reader.Reset(nil)
	clear(r.entries)
	clear(r.handles)
	clear(r.delivered)
	clear(r.system)
	clear(r.attributes)
	*r = request{
		reader: r.reader, entries: r.entries[:0], handles: r.handles[:0],
		delivered: r.delivered[:0], system: r.system[:0], attributes: r.attributes[:0],
	}
	p.pool.Put(r)
}

// with runs an operation that carries messages: read takes the request's members
// apart, then run answers.
func (b *Broker) with(ctx context.Context, call *wire.Call, dst []byte, read func(*request, []byte), run func(context.Context, *request, []byte) ([]byte, error)) ([]byte, error) {
	r := b.requests.get(call.Body)
	defer b.requests.put(r)
	var lookup error
	body := &r.reader
	if body.Object() {
		for n := 0; ; {
			key, ok := body.Key(&n)
			if !ok {
				break
			}
			if string(key) == "QueueUrl" {
				r.queue, lookup = b.byURL(body.Bytes())
				continue
			}
			read(r, key)
		}
	}
	if err := body.End(); err != nil {
		return dst, err
	}
	if r.queue == nil {
		if lookup == nil {
			lookup = missing("QueueUrl")
		}
		return dst, lookup
	}
	if r.invalid != nil {
		return dst, r.invalid
	}
	return run(ctx, r, dst)
}
