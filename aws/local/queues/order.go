package queues

// ring is a queue of pointers that grows, with both ends open.
type ring[T any] struct {
	items []*T // the length is a power of two, or zero
	head  int
	n     int
}

func (r *ring[T]) grow() {
	if r.n < len(r.items) {
		return
	}
	items := make([]*T, max(16, 2*len(r.items)))
	k := copy(items, r.items[r.head:])
	copy(items[k:], r.items[:r.head])
	r.items, r.head = items, 0
}

func (r *ring[T]) pushBack(item *T) {
	r.grow()
	r.items[(r.head+r.n)&(len(r.items)-1)] = item
	r.n++
}

func (r *ring[T]) pushFront(item *T) {
	r.grow()
	r.head = (r.head - 1) & (len(r.items) - 1)
	r.items[r.head] = item
	r.n++
}

// at is the i-th item from the front.
func (r *ring[T]) at(i int) *T { return r.items[(r.head+i)&(len(r.items)-1)] }

// popFront takes the first item; nil when there is none.
func (r *ring[T]) popFront() *T {
	if r.n == 0 {
		return nil
	}
	item := r.items[r.head]
	r.items[r.head] = nil
	r.head = (r.head + 1) & (len(r.items) - 1)
	if r.n--; r.n == 0 && len(r.items) > 1024 {
		r.items, r.head = nil, 0 // a burst is over: its memory goes back
	}
	return item
}

// insert puts item before the first one from the back that before says it follows.
func (r *ring[T]) insert(item *T, before func(a, b *T) bool) {
	r.pushBack(item)
	mask := len(r.items) - 1
	for i := r.n - 1; i > 0; i-- {
		at, prev := (r.head+i)&mask, (r.head+i-1)&mask
		if !before(r.items[at], r.items[prev]) {
			return
		}
		r.items[at], r.items[prev] = r.items[prev], r.items[at]
	}
}

// remove takes item out, wherever it is.
func (r *ring[T]) remove(item *T) bool {
	mask := len(r.items) - 1
	for i := range r.n {
		if r.items[(r.head+i)&mask] != item {
			continue
		}
		for ; i < r.n-1; i++ {
			r.items[(r.head+i)&mask] = r.items[(r.head+i+1)&mask]
		}
		r.items[(r.head+r.n-1)&mask] = nil
		r.n--
		return true
	}
	return false
}

// hidden is a min-heap of messages by the time they become visible. Every message
// knows its place in it.
type hidden []*message

func (h hidden) before(i, j int) bool {
	if h[i].due != h[j].due {
		return h[i].due < h[j].due
	}
	return h[i].order < h[j].order
}

func (h hidden) swap(i, j int) {
	h[i], h[j] = h[j], h[i]
	h[i].heapAt, h[j].heapAt = i, j
}

func (h hidden) up(i int) {
	for i > 0 {
		parent := (i - 1) / 2
		if !h.before(i, parent) {
			return
		}
		h.swap(i, parent)
		i = parent
	}
}

func (h hidden) down(i int) {
	for {
		child := 2*i + 1
		if child >= len(h) {
			return
		}
		if child+1 < len(h) && h.before(child+1, child) {
			child++
		}
		if !h.before(child, i) {
			return
		}
		h.swap(i, child)
		i = child
	}
}

func (h *hidden) push(m *message) {
	m.heapAt = len(*h)
	*h = append(*h, m)
	h.up(m.heapAt)
}

// remove takes m out; it must be in.
func (h *hidden) remove(m *message) {
	i, last := m.heapAt, len(*h)-1
	if i != last {
		h.swap(i, last)
	}
	(*h)[last] = nil
	*h = (*h)[:last]
	if i != last {
		h.fix(i)
	}
}

// fix restores the order after the item at i has changed.
func (h hidden) fix(i int) {
	h.up(i)
	h.down(i)
}
