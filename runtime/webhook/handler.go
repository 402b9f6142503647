package webhook

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"time"
)

// DefaultMaxBytes is how long a request's body may be. A message of SQS has at most
// 1 MiB, so a webhook with a longer output was sent from a single invocation.
const DefaultMaxBytes = 4 << 20

// Config configures a Handler.
type Config struct {
	// Secret is the secret that the worker signs with, "whsec_" and base64: what it
	// has in WORKER_WEBHOOK_SECRET. Several are separated by spaces. Required.
	Secret string
	// Tolerance is how far a timestamp may be from the clock; zero means DefaultTolerance.
	Tolerance time.Duration
	// MaxBytes is how long a body may be; zero means DefaultMaxBytes.
	MaxBytes int64
	// Remember is how many events are remembered in this process: one that was
	// handled is acknowledged again without calling the function. Zero means none.
	Remember int
	// Logger gets a line for each request that is refused or fails; nil means
	// slog.Default(). Secrets and signatures are never written.
	Logger *slog.Logger
	// Now is the clock; nil means time.Now.
	Now func() time.Time
}

// rejection marks an error that no repetition would cure.
type rejection struct{ err error }

func (r *rejection) Error() string { return r.err.Error() }
func (r *rejection) Unwrap() error { return r.err }

// Reject marks an error of a handler's function that no repetition of the event
// would cure: the worker is told not to send it again. Reject(nil) is nil.
func Reject(err error) error {
	if err == nil {
		return nil
	}
	return &rejection{err: err}
}

// Handler calls a function for each webhook that is signed with one of the secrets.
// Only then does it read the body as JSON. It answers
//
//	204  the function returned nil, or the event is remembered as handled
//	400  the body is not a webhook with an output of type Out
//	401  Verify refused the request
//	405  the method is not POST
//	413  the body is over MaxBytes
//	422  the function returned an error marked by Reject
//	500  the function returned another error
//	503  the same event is being handled at this moment
//
// A worker sends the event again after 500 and 503, and not after the others. The
// answers say nothing of the function's errors; the log does. The function's
// context ends with the request, which a worker gives up after ten seconds: what
// takes longer is to be queued. It may be called by several goroutines.
//
// The error says which part of the configuration is missing or wrong.
func Handler[Out any](cfg Config, handle func(ctx context.Context, e Event[Out]) error) (http.Handler, error) {
	secrets, err := ParseSecrets(cfg.Secret)
	switch {
	case err != nil:
		return nil, fmt.Errorf("webhook handler: %w", err)
	case len(secrets) == 0:
		return nil, fmt.Errorf("webhook handler: %w: set Config.Secret to the worker's WORKER_WEBHOOK_SECRET", ErrNoSecret)
	case handle == nil:
		return nil, errors.New("webhook handler: there is no function to call")
	case cfg.MaxBytes < 0 || cfg.Remember < 0 || cfg.Tolerance < 0:
		return nil, errors.New("webhook handler: MaxBytes, Remember and Tolerance cannot be negative")
	}
	h := &handler{
		secrets: secrets, maxBytes: cfg.MaxBytes, log: cfg.Logger,
		verify: []VerifyOption{WithTolerance(cfg.Tolerance), WithClock(cfg.Now)},
		handle: func(ctx context.Context, header http.Header, body []byte) error {
			e, err := Parse[Out](header, body)
			if err != nil {
				return &unreadable{err: err}
			}
			return handle(ctx, e)
		},
	}
	if h.maxBytes == 0 {
		h.maxBytes = DefaultMaxBytes
	}
	if cfg.Remember > 0 {
		h.seen = newWindow(cfg.Remember)
	}
	return h, nil
}

// unreadable is a signed body that is not the expected webhook.
type unreadable struct{ err error }

func (u *unreadable) Error() string { return u.err.Error() }
func (u *unreadable) Unwrap() error { return u.err }

type handler struct {
	secrets  []Secret
	verify   []VerifyOption
	maxBytes int64
	seen     *window // nil: nothing is remembered
	log      *slog.Logger
	handle   func(ctx context.Context, header http.Header, body []byte) error
}

// ServeHTTP implements http.Handler.
func (h *handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodPost {
		w.Header().Set("Allow", http.MethodPost)
		h.refuse(w, r, http.StatusMethodNotAllowed, "a webhook is a POST", nil)
		return
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, h.maxBytes))
	if err != nil {
		if tooLong, ok := errors.AsType[*http.MaxBytesError](err); ok {
			h.refuse(w, r, http.StatusRequestEntityTooLarge, fmt.Sprintf("the body is longer than %d bytes", tooLong.Limit), err)
			return
		}
		// The sender has gone, or its connection has: there is nobody to answer.
		h.refuse(w, r, http.StatusRequestTimeout, "the body could not be read", err)
		return
	}
	if err := Verify(h.secrets, r.Header, body, h.verify...); err != nil {
		h.refuse(w, r, http.StatusUnauthorized, err.Error(), err)
		return
	}
	h.serveVerified(w, r, body)
}

func (h *handler) serveVerified(w http.ResponseWriter, r *http.Request, body []byte) {
	done := false
	if h.seen != nil {
		id := r.Header.Get(HeaderID)
		handled, busy := h.seen.begin(id)
		switch {
		case handled:
			w.WriteHeader(http.StatusNoContent)
			return
		case busy:
			w.Header().Set("Retry-After", "1")
			h.refuse(w, r, http.StatusServiceUnavailable, "this event is being handled", nil)
			return
		}
		// Deferred, since a function that panics has not handled the event.
		defer func() { h.seen.end(id, done) }()
	}
	err := h.handle(r.Context(), r.Header, body)
	if done = err == nil; done {
		w.WriteHeader(http.StatusNoContent)
		return
	}
	if u, ok := errors.AsType[*unreadable](err); ok {
		h.refuse(w, r, http.StatusBadRequest, "the body is not a webhook that is expected here", u)
		return
	}
	if _, ok := errors.AsType[*rejection](err); ok {
		h.refuse(w, r, http.StatusUnprocessableEntity, "the event is rejected", err)
		return
	}
	h.refuse(w, r, http.StatusInternalServerError, "the event could not be handled; send it again", err)
}

// refuse answers with a text for the worker's log, and writes the error, if any, to
// the receiver's own.
func (h *handler) refuse(w http.ResponseWriter, r *http.Request, status int, text string, err error) {
	http.Error(w, text, status)
	if err == nil {
		return
	}
	log := h.log
	if log == nil {
		log = slog.Default()
	}
	level := slog.LevelWarn
	if status >= http.StatusInternalServerError {
		level = slog.LevelError
	}
	log.LogAttrs(r.Context(), level, "webhook not taken", slog.Int("status", status),
		slog.String("webhookId", clip(r.Header.Get(HeaderID))), slog.String("error", err.Error()))
}

// clip shortens a text of a request that may not be a worker's.
func clip(s string) string {
	if len(s) > maxIDBytes {
		return s[:maxIDBytes] + "..."
	}
	return s
}
