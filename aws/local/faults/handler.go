package faults

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"time"

	"github.com/microfox-ai/aiwctl/aws/local/dice"
	"github.com/microfox-ai/aiwctl/aws/local/queues"
	"github.com/microfox-ai/aiwctl/aws/local/wire"
)

// Handler serves a broker's SQS API, worse: without faults it is broker.Handler().
// What uses the broker without HTTP meets none of them. f must be valid.
func Handler(broker *queues.Broker, f API) http.Handler {
	if f.none() {
		return broker.Handler()
	}
	chance := dice.New(f.Seed)
	var refuse func() bool
	if f.Partial > 0 {
		refuse = func() bool { return chance.Hit(f.Partial) }
	}
	return &handler{faults: f, dice: chance, next: broker.HandlerRefusing(refuse)}
}

type handler struct {
	faults API
	dice   *dice.Dice
	next   http.Handler
}

// errThrottled is how SQS throttles: by this code and status in the service's
// model, and with these words in what its users report.
func errThrottled() error {
	return wire.NewError("RequestThrottled", "Request is throttled.").WithStatus(http.StatusForbidden)
}

// ServeHTTP decides first what becomes of a call, so that a call which fails has no
// effect unless its answer is what is lost.
func (h *handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	// An answer that comes while the client is still sending is lost, and net/http
	// sees that a client has gone away only once its body has been read.
	body, err := wire.ReadBody(r, nil, queues.MaxRequest)
	if err == nil {
		err = pause(r.Context(), h.faults.Latency)
	}
	if err != nil {
		queues.Refuse(w, err)
		return
	}
	r.Body = io.NopCloser(bytes.NewReader(body))

	f, roll := &h.faults, h.dice.Roll()
	switch throttle, fail := f.Throttle, f.Throttle+f.Error; {
	case roll < throttle:
		queues.Refuse(w, errThrottled())
	case roll < fail:
		queues.Refuse(w, wire.InternalFailure())
	case roll < fail+f.Cut/2:
		panic(http.ErrAbortHandler) // net/http closes the connection, and logs nothing
	case roll < fail+f.Cut:
		h.next.ServeHTTP(lost{}, r)
		panic(http.ErrAbortHandler)
	default:
		h.next.ServeHTTP(w, r)
	}
}

// pause waits, or ends with ctx and its error.
func pause(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return nil
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// lost is an answer that nobody gets.
type lost struct{}

func (lost) Header() http.Header { return http.Header{} }

func (lost) Write(p []byte) (int, error) { return len(p), nil }

func (lost) WriteHeader(int) {}
