package cli

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/microfox-ai/aiwctl/examples/workers/receiver"
)

// demoHook is the application that hears of the demo's published jobs.
type demoHook struct {
	// url is where its webhooks go.
	url     string
	server  *http.Server
	serving sync.WaitGroup
}

// startDemoHook listens on a port of its own. secret is what the workers sign with.
func startDemoHook(ctx context.Context, secret string, log *slog.Logger) (*demoHook, error) {
	handler, err := receiver.New(secret, log)
	if err != nil {
		return nil, fmt.Errorf("make the demo's webhook receiver: %w", err)
	}
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("start the demo's webhook receiver: %w", err)
	}
	h := &demoHook{
		url:    "http://" + l.Addr().String() + "/published",
		server: &http.Server{Handler: handler, ReadHeaderTimeout: 5 * time.Second},
	}
	h.serving.Go(func() {
		if err := h.server.Serve(l); !errors.Is(err, http.ErrServerClosed) {
			log.Error("the demo's webhook receiver has ended", "error", err)
		}
	})
	return h, nil
}

func (h *demoHook) stop() {
	_ = h.server.Close() // nobody waits for an answer any more
	h.serving.Wait()
}
