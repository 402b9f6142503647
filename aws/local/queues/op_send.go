package queues

import (
	"context"
	"encoding/base64"

	"github.com/microfox-ai/aiwctl/aws/local/wire"
)

func (b *Broker) sendMessage(ctx context.Context, call *wire.Call, dst []byte) ([]byte, error) {
	return b.with(ctx, call, dst,
		func(r *request, key []byte) {
			if len(r.entries) == 0 {
				r.entries = append(r.entries, outgoing{})
			}
			r.readOutgoing(&r.entries[0], key)
		},
		func(_ context.Context, r *request, dst []byte) ([]byte, error) {
			if len(r.entries) == 0 {
				return dst, missing("MessageBody")
			}
			if err := r.queue.send(r.entries); err != nil {
				return dst, err
			}
			o := &r.entries[0]
			if o.err != nil {
				return dst, o.err
			}
			dst = append(dst, '{')
			dst = appendSent(dst, o)
			return append(dst, '}'), nil
		})
}

func (b *Broker) sendMessageBatch(refuse refusal) wire.Operation {
	return func(ctx context.Context, call *wire.Call, dst []byte) ([]byte, error) {
		return b.with(ctx, call, dst, (*request).readOutgoings, func(_ context.Context, r *request, dst []byte) ([]byte, error) {
			if err := r.queue.checkSendBatch(r.entries); err != nil {
				return dst, err
			}
			for i := range r.entries {
				r.entries[i].err = refuse.err()
			}
			if err := r.queue.send(r.entries); err != nil {
				return dst, err
			}
			return appendBatch(dst, len(r.entries),
				func(i int) (string, error) { return r.entries[i].entryID, r.entries[i].err },
				func(dst []byte, i int) []byte { return appendSent(append(dst, ','), &r.entries[i]) }), nil
		})
	}
}

// readOutgoings reads the members of a request to send a batch.
func (r *request) readOutgoings(key []byte) {
	if string(key) != "Entries" {
		r.reader.Skip()
		return
	}
	r.entries = r.entries[:0]
	r.eachEntry(func() {
		r.entries = append(r.entries, outgoing{})
		r.members(func(key []byte) { r.readOutgoing(&r.entries[len(r.entries)-1], key) })
	})
}

// eachEntry reads an array and calls f at each element.
func (r *request) eachEntry(f func()) {
	if !r.reader.Array() {
		return
	}
	for n := 0; r.reader.Element(&n); {
		f()
	}
}

// members reads an object and calls f at each value.
func (r *request) members(f func(key []byte)) {
	if !r.reader.Object() {
		return
	}
	for n := 0; ; {
		key, ok := r.reader.Key(&n)
		if !ok {
			return
		}
		f(key)
	}
}

func (r *request) readOutgoing(o *outgoing, key []byte) {
	switch string(key) {
	case "Id":
		o.entryID = r.reader.String()
	case "MessageBody":
		o.body = r.reader.String()
	case "DelaySeconds":
		o.delay, o.hasDelay = r.reader.Int()
	case "MessageAttributes":
		o.attributes = r.readAttributes()
	case "MessageSystemAttributes":
		o.system = r.readAttributes()
	case "MessageDeduplicationId":
		o.hasDedup = !r.reader.Null()
		if o.hasDedup {
			o.dedup = r.reader.String()
		}
	case "MessageGroupId":
		o.hasGroup = !r.reader.Null()
		if o.hasGroup {
			o.group = r.reader.String()
		}
	default:
		r.reader.Skip()
	}
}

// readAttributes reads message attributes, in order of name.
func (r *request) readAttributes() (list []attribute) {
	r.members(func(key []byte) {
		a := attribute{name: string(key)}
		var text, binary string
		r.members(func(key []byte) {
			switch string(key) {
			case "DataType":
				a.dataType = r.reader.String()
			case "StringValue":
				text = r.reader.String()
			case "BinaryValue":
				raw := r.reader.Bytes()
				value, err := base64.StdEncoding.AppendDecode(nil, raw)
				if err != nil {
					r.invalid = wire.Serialization("the BinaryValue of the message attribute %q is not base64", a.name)
				}
				binary = string(value)
			default:
				r.reader.Skip()
			}
		})
		if a.value = text; a.binary() {
			a.value = binary
		}
		list = append(list, a)
	})
	sortAttributes(list)
	return list
}

// appendSent writes what is answered for a sent message, without the braces.
func appendSent(dst []byte, o *outgoing) []byte {
	c := o.sent
	dst = append(dst, `"MessageId":"`...)
	dst = append(dst, c.id...)
	dst = append(dst, `","MD5OfMessageBody":"`...)
	dst = append(dst, c.bodyMD5...)
	dst = append(dst, '"')
	if c.attrsMD5 != "" {
		dst = append(dst, `,"MD5OfMessageAttributes":"`...)
		dst = append(dst, c.attrsMD5...)
		dst = append(dst, '"')
	}
	if len(o.system) > 0 {
		dst = append(dst, `,"MD5OfMessageSystemAttributes":"`...)
		dst = append(dst, attributesMD5(o.system)...)
		dst = append(dst, '"')
	}
	if c.sequence != "" {
		dst = append(dst, `,"SequenceNumber":"`...)
		dst = append(dst, c.sequence...)
		dst = append(dst, '"')
	}
	return dst
}

// appendBatch writes the answer to a batch: every entry in Successful with what
// more adds, or in Failed with its error.
func appendBatch(dst []byte, n int, entry func(i int) (string, error), more func(dst []byte, i int) []byte) []byte {
	dst = append(dst, `{"Successful":[`...)
	count := 0
	for i := range n {
		id, err := entry(i)
		if err != nil {
			continue
		}
		if count++; count > 1 {
			dst = append(dst, ',')
		}
		dst = append(dst, `{"Id":"`...) // checked: it needs no escapes
		dst = append(dst, id...)
		dst = append(dst, '"')
		if more != nil {
			dst = more(dst, i)
		}
		dst = append(dst, '}')
	}
	dst = append(dst, `],"Failed":[`...)
	count = 0
	for i := range n {
		id, err := entry(i)
		if err == nil {
			continue
		}
		if count++; count > 1 {
			dst = append(dst, ',')
		}
		e, _ := wire.AsError(err)
		code := e.QueryCode
		if code == "" {
			code = e.Code
		}
		dst = append(dst, `{"Id":"`...)
		dst = append(dst, id...)
		dst = append(dst, `","SenderFault":`...)
		if e.SenderFault {
			dst = append(dst, `true,"Code":`...)
		} else {
			dst = append(dst, `false,"Code":`...)
		}
		dst = wire.AppendString(dst, code)
		dst = append(dst, `,"Message":`...)
		dst = wire.AppendString(dst, e.Message)
		dst = append(dst, '}')
	}
	return append(dst, `]}`...)
}
