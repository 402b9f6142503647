package wire

import (
	"context"
	"encoding/json"
	"log/slog"
	"net/http"
	"runtime/debug"
	"strconv"
	"strings"
)

// Version is a version of the AWS JSON protocol. They differ in the content type only.
type Version string

// The two versions in use: SQS speaks 1.0, CloudWatch Logs 1.1.
const (
	JSON10 Version = "1.0"
	JSON11 Version = "1.1"
)

// Call is one request to an operation.
type Call struct {
	// Body is the request's JSON. It belongs to a pool: it is valid until the
	// operation returns, so keep copies only.
	Body []byte
	// RequestID is the x-amzn-RequestId of the answer.
	RequestID string
	// HTTP is the request; its body has been read.
	HTTP *http.Request
}

// Operation answers a call. It appends the answer's JSON to dst, which belongs to
// a pool, and returns the extended slice; no JSON at all is answered with an
// empty body, the form of operations without output.
type Operation func(ctx context.Context, call *Call, dst []byte) ([]byte, error)

// JSON makes an operation of a typed function. A nil *Out is answered with an
// empty object.
func JSON[In, Out any](f func(ctx context.Context, in *In) (*Out, error)) Operation {
	return func(ctx context.Context, call *Call, dst []byte) ([]byte, error) {
		in := new(In)
		if err := Unmarshal(call.Body, in); err != nil {
			return dst, err
		}
		out, err := f(ctx, in)
		if err != nil {
			return dst, err
		}
		if out == nil {
			return append(dst, "{}"...), nil
		}
		return Marshal(dst, out)
	}
}

// Empty makes an operation of a typed function that has nothing to answer; the
// body of its answer is empty.
func Empty[In any](f func(ctx context.Context, in *In) error) Operation {
	return func(ctx context.Context, call *Call, dst []byte) ([]byte, error) {
		in := new(In)
		if err := Unmarshal(call.Body, in); err != nil {
			return dst, err
		}
		return dst, f(ctx, in)
	}
}

// Unmarshal reads a request's JSON; an empty body is an empty object. What cannot
// be read is a SerializationException.
func Unmarshal(body []byte, in any) error {
	if len(body) == 0 {
		return nil
	}
	if err := json.Unmarshal(body, in); err != nil {
		return Serialization("the request body is not what the operation takes: %v", err)
	}
	return nil
}

// Marshal appends v's JSON, without escaping <, > and &.
func Marshal(dst []byte, v any) ([]byte, error) {
	w := appender{b: dst}
	enc := json.NewEncoder(&w)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return dst, err
	}
	return w.b[:len(w.b)-1], nil // Encode ends with a newline
}

type appender struct{ b []byte }

func (a *appender) Write(p []byte) (int, error) { a.b = append(a.b, p...); return len(p), nil }

// Service is one AWS JSON service: POST requests whose X-Amz-Target is
// "<Target>.<Operation>". Fill in the fields, register operations with Handle,
// then serve; neither may change afterwards.
type Service struct {
	// Target is the prefix of X-Amz-Target: AmazonSQS, Logs_20140328.
	Target string
	// Namespace is put before error codes in bodies ("com.amazonaws.sqs" gives
	// "com.amazonaws.sqs#QueueDoesNotExist"). Empty means bare codes.
	Namespace string
	// Version is the protocol's; empty means JSON11.
	Version Version
	// QueryCompatible sends the x-amzn-query-error header with errors.
	QueryCompatible bool
	// MaxBody is the largest request body in bytes; zero means DefaultMaxBody.
	MaxBody int64
	// Logger gets faults of ours; nil means none.
	Logger *slog.Logger

	operations map[string]Operation
	buffers    buffers
}

// Handle registers an operation under its name (SendMessage).
func (s *Service) Handle(name string, op Operation) {
	if s.operations == nil {
		s.operations = map[string]Operation{}
	}
	s.operations[name] = op
}

// ServeHTTP answers one request.
func (s *Service) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	id := NewID()
	target := r.Header.Get("X-Amz-Target")
	prefix, name, _ := strings.Cut(target, ".")
	op := s.operations[name]
	if op == nil || prefix != s.Target {
		// The body is read first: an answer that arrives while the client is still
		// sending is lost.
		if r.Body != nil {
			discard(r.Body, DefaultMaxBody)
		}
		s.fail(w, id, name, UnknownOperation(target))
		return
	}
	in, out := s.buffers.get(), s.buffers.get()
	defer s.buffers.put(in)
	defer s.buffers.put(out)

	var err error
	*in, err = ReadBody(r, *in, s.MaxBody)
	if err == nil {
		*out, err = s.call(r.Context(), op, &Call{Body: *in, RequestID: id, HTTP: r}, *out)
	}
	if err != nil {
		s.fail(w, id, name, err)
		return
	}
	s.write(w, http.StatusOK, id, *out)
}

// call runs the operation; a panic becomes an InternalFailure, so that one bad
// request never costs the connection.
func (s *Service) call(ctx context.Context, op Operation, call *Call, dst []byte) (out []byte, err error) {
	defer func() {
		if p := recover(); p != nil {
			logPanic(ctx, s.Logger, call.HTTP, call.RequestID, p)
			out, err = dst, InternalFailure()
		}
	}()
	return op(ctx, call, dst)
}

func (s *Service) fail(w http.ResponseWriter, id, operation string, err error) {
	e, internal := AsError(err)
	if internal && s.Logger != nil {
		s.Logger.Error("operation failed", "service", s.Target, "operation", operation, "requestId", id, "error", err)
	}
	if s.QueryCompatible {
		code := e.QueryCode
		if code == "" {
			code = e.Code
		}
		w.Header().Set("X-Amzn-Query-Error", code+";"+e.Fault())
	}
	b := []byte(`{"__type":`)
	if s.Namespace != "" {
		b = AppendString(b, s.Namespace+"#"+e.Code)
	} else {
		b = AppendString(b, e.Code)
	}
	b = append(b, `,"message":`...)
	b = AppendString(b, e.Message)
	b = append(b, '}')
	s.write(w, e.HTTPStatus(), id, b)
}

func (s *Service) write(w http.ResponseWriter, status int, id string, body []byte) {
	h := w.Header()
	if s.Version == JSON10 {
		h["Content-Type"] = []string{"application/x-amz-json-1.0"}
	} else {
		h["Content-Type"] = []string{"application/x-amz-json-1.1"}
	}
	h["X-Amzn-Requestid"] = []string{id}
	h["Content-Length"] = []string{strconv.Itoa(len(body))}
	w.WriteHeader(status)
	// A client that has gone away is no concern of the operation.
	_, _ = w.Write(body)
}

func logPanic(ctx context.Context, logger *slog.Logger, r *http.Request, id string, p any) {
	if logger == nil {
		return
	}
	attrs := []any{"panic", p, "requestId", id, "stack", string(debug.Stack())}
	if r != nil {
		attrs = append(attrs, "target", r.Header.Get("X-Amz-Target"), "path", r.URL.Path)
	}
	logger.ErrorContext(ctx, "a request handler panicked", attrs...)
}
