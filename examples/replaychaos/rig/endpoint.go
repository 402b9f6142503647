// Package rig is what a program needs that judges aiwctl from outside: an SQS
// endpoint that it owns, a plain client beside it, and the command itself in an
// environment of its own.
package rig

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/microfox-ai/aiwctl/aws/local/faults"
	"github.com/microfox-ai/aiwctl/aws/local/queues"
)

// Endpoint is an SQS endpoint with two doors to the same queues.
type Endpoint struct {
	// URL is for the program that is judged: calls through it meet the faults. Plain
	// is for the judge.
	URL, Plain string

	broker  *queues.Broker
	servers []*http.Server
	serve   sync.WaitGroup
	ahead   atomic.Int64
	calls   atomic.Int64
	cut     atomic.Int64
}

// Start opens an endpoint without queues on two ports of the loopback interface.
func Start(wrong faults.API) (*Endpoint, error) {
	e := &Endpoint{}
	e.broker = queues.New(queues.Config{BaseURL: func() string { return e.URL }, Now: e.now})
	var err error
	if e.URL, err = e.listen(e.counted(faults.Handler(e.broker, wrong), wrong.Cut > 0)); err == nil {
		e.Plain, err = e.listen(e.broker.Handler())
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("start an endpoint: %w", err), e.Close())
	}
	return e, nil
}

func (e *Endpoint) listen(h http.Handler) (url string, err error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	srv := &http.Server{Handler: h, ReadHeaderTimeout: time.Minute}
	e.servers = append(e.servers, srv)
	e.serve.Go(func() { _ = srv.Serve(l) }) // ends with ErrServerClosed
	return "http://" + l.Addr().String(), nil
}

// Close ends the endpoint with its queues.
func (e *Endpoint) Close() error {
	e.broker.Close()
	var errs []error
	for _, srv := range e.servers {
		errs = append(errs, srv.Close())
	}
	e.serve.Wait()
	return errors.Join(errs...)
}

func (e *Endpoint) now() time.Time { return time.Now().Add(time.Duration(e.ahead.Load())) }

// Forward moves the queues' clock: what has been hidden for less than d is visible
// afterwards.
func (e *Endpoint) Forward(d time.Duration) { e.ahead.Add(int64(d)) }

// Depth counts the messages of a queue exactly.
func (e *Endpoint) Depth(queueURL string) (queues.Depth, error) {
	name := queueURL[strings.LastIndexByte(queueURL, '/')+1:]
	m, ok := e.broker.Measure(name)
	if !ok {
		return queues.Depth{}, fmt.Errorf("there is no queue %q", name)
	}
	return m.Depth, nil
}

// CutSends is how many messages were in those SendMessageBatch calls through URL
// whose answer was cut off, whether or not the queue had taken them.
func (e *Endpoint) CutSends() int { return int(e.cut.Load()) }

// counted counts calls, and the messages of sends that are cut.
func (e *Endpoint) counted(next http.Handler, cuts bool) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		e.calls.Add(1)
		defer e.calls.Add(-1)
		if !cuts || !strings.HasSuffix(r.Header.Get("X-Amz-Target"), ".SendMessageBatch") {
			next.ServeHTTP(w, r)
			return
		}
		body, err := io.ReadAll(io.LimitReader(r.Body, queues.MaxRequest))
		if err != nil {
			return // the client has gone away, and the queues have seen nothing
		}
		r.Body = io.NopCloser(bytes.NewReader(body))
		defer func() {
			if cut := recover(); cut != nil {
				e.cut.Add(entries(body))
				panic(cut) // net/http closes the connection
			}
		}()
		next.ServeHTTP(w, r)
	})
}

func entries(body []byte) int64 {
	var batch struct{ Entries []json.RawMessage }
	if json.Unmarshal(body, &batch) != nil {
		return 0
	}
	return int64(len(batch.Entries))
}

// Quiet waits until no call through URL is being served: those of a process that
// was killed may still be.
func (e *Endpoint) Quiet(ctx context.Context) error {
	return Until(ctx, func() (bool, error) { return e.calls.Load() == 0, nil })
}

// Until asks every few milliseconds until it is so, ctx ends or asking fails.
func Until(ctx context.Context, so func() (bool, error)) error {
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for {
		if is, err := so(); is || err != nil {
			return err
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}
