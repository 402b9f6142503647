package queues

import (
	"encoding/base64"
	"encoding/binary"
)

// A receipt handle names one receiving of one message: the queue's number, the
// slot in the queue's table where the message is, the message's serial number
// (slots are used again) and the count of its receives. Finding the message is
// then one look into a slice.

const (
	handleBytes = 24
	handleChars = 32
)

// handle is a receipt handle as text.
type handle [handleChars]byte

func (q *queue) handleOf(m *message) (h handle) {
	var raw [handleBytes]byte
	binary.BigEndian.PutUint64(raw[0:], q.nonce)
	binary.BigEndian.PutUint64(raw[8:], m.serial)
	binary.BigEndian.PutUint32(raw[16:], m.slot)
	binary.BigEndian.PutUint32(raw[20:], m.generation)
	base64.RawStdEncoding.Encode(h[:], raw[:])
	return h
}

// find is the message that a handle names. A nil message without an error means
// that the message has been deleted; current says whether the handle is from the
// last receive. A handle that is not one of this queue's is ReceiptHandleIsInvalid.
func (q *queue) find(text string) (m *message, current bool, err error) {
	var raw [handleBytes]byte
	if len(text) != handleChars {
		return nil, false, errHandle(text)
	}
	if _, err := base64.RawStdEncoding.Decode(raw[:], []byte(text)); err != nil {
		return nil, false, errHandle(text)
	}
	serial := binary.BigEndian.Uint64(raw[8:])
	slot := binary.BigEndian.Uint32(raw[16:])
	if binary.BigEndian.Uint64(raw[0:]) != q.nonce || serial == 0 || serial > q.serials {
		return nil, false, errHandle(text)
	}
	if int(slot) < len(q.slots) {
		m = q.slots[slot]
	}
	if m == nil || m.serial != serial {
		return nil, false, nil
	}
	return m, binary.BigEndian.Uint32(raw[20:]) == m.generation, nil
}

// assign gives m a slot, if it has none.
func (q *queue) assign(m *message) {
	if m.serial != 0 {
		return
	}
	q.serials++
	m.serial = q.serials
	if n := len(q.free); n > 0 {
		m.slot, q.free = q.free[n-1], q.free[:n-1]
		q.slots[m.slot] = m
		return
	}
	m.slot = uint32(len(q.slots)) //nolint:gosec // four thousand million messages do not fit into memory
	q.slots = append(q.slots, m)
}

// release takes m's slot back.
func (q *queue) release(m *message) {
	if m.serial == 0 {
		return
	}
	q.slots[m.slot] = nil
	q.free = append(q.free, m.slot)
	m.serial = 0
}
