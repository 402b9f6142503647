package wire

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"strconv"
)

// ReadJSON reads a REST-JSON request's body into in; an empty body leaves it as
// it is. limit is in bytes; zero means DefaultMaxBody.
func ReadJSON(r *http.Request, limit int64, in any) error {
	body, err := ReadBody(r, nil, limit)
	if err != nil {
		return err
	}
	return Unmarshal(body, in)
}

// WriteJSON answers a REST-JSON request. A nil v means no body, as for 204.
func WriteJSON(w http.ResponseWriter, status int, v any) error {
	var body []byte
	if v != nil {
		var err error
		if body, err = Marshal(nil, v); err != nil {
			return err
		}
		w.Header().Set("Content-Type", "application/json")
	}
	writeREST(w, status, body)
	return nil
}

// WriteRESTError answers a REST-JSON request with an error: the code in the
// x-amzn-ErrorType header, and {"Type":"User","Message":...} in the body (User or
// Service, as Lambda has it). Errors that are not an *Error are InternalFailure;
// log them before.
func WriteRESTError(w http.ResponseWriter, err error) {
	e, _ := AsError(err)
	kind := "User"
	if !e.SenderFault {
		kind = "Service"
	}
	h := w.Header()
	h.Set("Content-Type", "application/json")
	h.Set("X-Amzn-Errortype", e.Code)
	b := []byte(`{"Type":"` + kind + `","Message":`)
	b = AppendString(b, e.Message)
	// SDKs look for the message under either spelling, depending on the shape.
	b = append(b, `,"message":`...)
	b = AppendString(b, e.Message)
	writeREST(w, e.HTTPStatus(), append(b, '}'))
}

func writeREST(w http.ResponseWriter, status int, body []byte) {
	h := w.Header()
	if h.Get("X-Amzn-Requestid") == "" {
		h.Set("X-Amzn-Requestid", NewID())
	}
	if status != http.StatusNoContent {
		h.Set("Content-Length", strconv.Itoa(len(body)))
	}
	w.WriteHeader(status)
	_, _ = w.Write(body) // a client that has gone away is no concern of ours
}

// REST makes an http.Handler of a REST-JSON operation: what f returns is the
// status and the body, its error is answered with WriteRESTError, and a panic is
// an InternalFailure, logged.
func REST(logger *slog.Logger, f func(ctx context.Context, r *http.Request) (status int, body any, err error)) http.Handler {
	return Recover(logger, WriteRESTError, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		status, body, err := f(r.Context(), r)
		if err == nil {
			err = WriteJSON(w, status, body)
		}
		if err == nil {
			return
		}
		if _, internal := AsError(err); internal && logger != nil {
			logger.ErrorContext(r.Context(), "operation failed", "method", r.Method, "path", r.URL.Path, "error", err)
		}
		WriteRESTError(w, err)
	}))
}

// Recover answers panics of next with InternalFailure through fail, and logs
// them. When next has begun its answer the connection is closed instead, since
// half an answer cannot be taken back. http.ErrAbortHandler passes through.
func Recover(logger *slog.Logger, fail func(http.ResponseWriter, error), next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		t := &tracked{ResponseWriter: w}
		defer func() {
			p := recover()
			if p == nil {
				return
			}
			if err, ok := p.(error); ok && errors.Is(err, http.ErrAbortHandler) {
				panic(p)
			}
			logPanic(r.Context(), logger, r, w.Header().Get("X-Amzn-Requestid"), p)
			if t.begun {
				panic(http.ErrAbortHandler)
			}
			fail(w, InternalFailure())
		}()
		next.ServeHTTP(t, r)
	})
}

// tracked knows whether an answer has begun.
type tracked struct {
	http.ResponseWriter
	begun bool
}

func (t *tracked) WriteHeader(status int) { t.begun = true; t.ResponseWriter.WriteHeader(status) }

func (t *tracked) Write(p []byte) (int, error) { t.begun = true; return t.ResponseWriter.Write(p) }

// Unwrap serves http.ResponseController.
func (t *tracked) Unwrap() http.ResponseWriter { return t.ResponseWriter }
