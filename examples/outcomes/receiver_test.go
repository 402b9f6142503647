package outcomes_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/microfox-ai/aiwctl/runtime/webhook"
)

// receiver is whom the workers call: it takes the webhooks, whose signatures it
// verifies, and holds up the handlers that ask it.
type receiver struct {
	url string

	mu     sync.Mutex
	events []webhook.Event[Output]
	tries  int
	// instead answers a webhook in the place of the receiver; nil: the receiver does.
	instead http.HandlerFunc
	holds   map[string]*hold // by job id
}

// hold is a handler that waits for the test.
type hold struct {
	arrived, open chan struct{}
	come, gone    sync.Once
}

func newReceiver(t *testing.T, secret webhook.Secret) *receiver {
	r := &receiver{holds: map[string]*hold{}}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /done", func(w http.ResponseWriter, req *http.Request) { r.done(t, secret, w, req) })
	mux.HandleFunc("GET /hold/{job}", func(_ http.ResponseWriter, req *http.Request) {
		h := r.hold(req.PathValue("job"))
		h.come.Do(func() { close(h.arrived) })
		select {
		case <-h.open:
		case <-req.Context().Done():
		}
	})
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	r.url = server.URL
	return r
}

func (r *receiver) done(t *testing.T, secret webhook.Secret, w http.ResponseWriter, req *http.Request) {
	r.mu.Lock()
	r.tries++
	instead := r.instead
	r.mu.Unlock()
	if instead != nil {
		instead(w, req)
		return
	}
	body, err := io.ReadAll(req.Body)
	if err == nil {
		err = webhook.Verify([]webhook.Secret{secret}, req.Header, body)
	}
	var e webhook.Event[Output]
	if err == nil {
		e, err = webhook.Parse[Output](req.Header, body)
	}
	if err != nil {
		t.Errorf("a webhook is refused: %v\n%s", err, body)
		http.Error(w, err.Error(), http.StatusUnauthorized)
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.events = append(r.events, e)
}

// callbacks are the webhooks that came for a job.
func (r *receiver) callbacks(jobID string) []webhook.Event[Output] {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.DeleteFunc(slices.Clone(r.events), func(e webhook.Event[Output]) bool { return e.JobID != jobID })
}

// answer makes f answer the webhooks; nil: the receiver does.
func (r *receiver) answer(f http.HandlerFunc) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.instead = f
}

// tried is how many webhooks were tried, whoever answered them.
func (r *receiver) tried() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.tries
}

func (r *receiver) hold(jobID string) *hold {
	r.mu.Lock()
	defer r.mu.Unlock()
	h := r.holds[jobID]
	if h == nil {
		h = &hold{arrived: make(chan struct{}), open: make(chan struct{})}
		r.holds[jobID] = h
	}
	return h
}

// held waits until the handler of a job waits for the test.
func (r *receiver) held(t *testing.T, jobID string) {
	t.Helper()
	select {
	case <-r.hold(jobID).arrived:
	case <-time.After(patience):
		t.Fatalf("job %s does not run", jobID)
	}
}

// letGo ends the wait of a job's handler, and of its further runs.
func (r *receiver) letGo(jobID string) {
	h := r.hold(jobID)
	h.gone.Do(func() { close(h.open) })
}
