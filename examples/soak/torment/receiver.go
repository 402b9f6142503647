package torment

import (
	"context"
	"errors"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/microfox-ai/aiwctl/runtime/webhook"
)

// receiver takes the completion webhooks.
type receiver struct {
	url    string
	server *http.Server
	served chan error
	down   atomic.Bool

	mu      sync.Mutex
	success map[string]int // callbacks by job id
	failure map[string]int
	refused int // while it was down
}

func newReceiver(secret string) (*receiver, error) {
	r := &receiver{success: map[string]int{}, failure: map[string]int{}}
	handler, err := webhook.Handler(webhook.Config{Secret: secret}, func(_ context.Context, e webhook.Event[Output]) error {
		r.mu.Lock()
		defer r.mu.Unlock()
		if e.Status == webhook.StatusSuccess {
			r.success[e.JobID]++
		} else {
			r.failure[e.JobID]++
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	r.url = "http://" + listener.Addr().String() + "/done"
	r.server = &http.Server{ReadHeaderTimeout: 10 * time.Second, Handler: http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		if r.down.Load() {
			r.mu.Lock()
			r.refused++
			r.mu.Unlock()
			http.Error(w, "down for maintenance", http.StatusServiceUnavailable)
			return
		}
		handler.ServeHTTP(w, req)
	})}
	r.served = make(chan error, 1)
	go func() { r.served <- r.server.Serve(listener) }()
	return r, nil
}

func (r *receiver) close() error {
	err := r.server.Close()
	if served := <-r.served; !errors.Is(served, http.ErrServerClosed) {
		err = errors.Join(err, served)
	}
	return err
}
