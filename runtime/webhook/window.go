package webhook

import "sync"

// window remembers the last ids that were handled, and those being handled now.
type window struct {
	mu    sync.Mutex
	limit int
	known map[string]bool // false while the event is being handled
	order []string        // of those that were handled, oldest first
}

func newWindow(limit int) *window {
	return &window{limit: limit, known: make(map[string]bool)}
}

// begin says whether an event was handled before, or is being handled now. If it is
// neither, it is being handled from now on, until end.
func (w *window) begin(id string) (handled, busy bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	done, there := w.known[id]
	if !there {
		w.known[id] = false
	}
	return done, there && !done
}

// end remembers the event, or forgets it so that its next attempt is handled again.
func (w *window) end(id string, handled bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if !handled {
		delete(w.known, id)
		return
	}
	w.known[id] = true
	w.order = append(w.order, id)
	if len(w.order) > w.limit {
		delete(w.known, w.order[0])
		w.order = w.order[1:]
	}
}
