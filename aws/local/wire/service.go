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

// Version is a version of the AWS JSON protocol, of which there are two that differ
// in the content type only, or what came after them.
type Version string

// The versions in use: SQS speaks JSON 1.0, CloudWatch Logs 1.1; CloudWatch speaks
// RPC v2, whose bodies are CBOR, and JSON 1.0 with those who cannot.
const (
	JSON10    Version = "1.0"
	JSON11    Version = "1.1"
	RPCv2CBOR Version = "rpc-v2-cbor"
)

// Call is one request to an operation.
type Call struct {
	// Body is the request's JSON or CBOR. It belongs to a pool: it is valid until the
	// operation returns, so keep copies only.
	Body []byte
	// RequestID is the x-amzn-RequestId of the answer.
	RequestID string
	// HTTP is the request; its body has been read.
	HTTP *http.Request
}

// Operation answers a call. It appends the answer's JSON or CBOR to dst, which
// belongs to a pool, and returns the extended slice; nothing at all is answered
// with an empty body, the form of operations without output.
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

// Service is one service of AWS: POST requests whose X-Amz-Target is
// "<Target>.<Operation>" or, in RPC v2, whose path is
// "/service/<Target>/operation/<Operation>". Fill in the fields, register
// operations with Handle, then serve; neither may change afterwards.
type Service struct {
	// Target is the service's name in requests: AmazonSQS, Logs_20140328.
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
	service, name := s.asked(r)
	op := s.operations[name]
	if op == nil || service != s.Target {
		// The body is read first: an answer that arrives while the client is still
		// sending is lost.
		if r.Body != nil {
			discard(r.Body, DefaultMaxBody)
		}
		s.fail(w, id, name, UnknownOperation(strings.Trim(service+"."+name, ".")))
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

// asked is which service and which operation a request names.
func (s *Service) asked(r *http.Request) (service, operation string) {
	if s.Version == RPCv2CBOR {
		service, operation, _ = strings.Cut(strings.TrimPrefix(r.URL.Path, "/service/"), "/operation/")
		return service, operation
	}
	service, operation, _ = strings.Cut(r.Header.Get("X-Amz-Target"), ".")
	return service, operation
}

// Refuse answers a request with an error without looking at its operation: for a
// handler in front of the service, which has read the request's body.
func (s *Service) Refuse(w http.ResponseWriter, err error) { s.fail(w, NewID(), "", err) }

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
	code := e.Code
	if s.Namespace != "" {
		code = s.Namespace + "#" + code
	}
	if s.Version == RPCv2CBOR {
		s.write(w, e.HTTPStatus(), id, cborError(code, e.Message))
		return
	}
	b := AppendString([]byte(`{"__type":`), code)
	b = append(b, `,"message":`...)
	b = AppendString(b, e.Message)
	b = append(b, '}')
	s.write(w, e.HTTPStatus(), id, b)
}

func (s *Service) write(w http.ResponseWriter, status int, id string, body []byte) {
	h := w.Header()
	switch s.Version {
	case JSON10:
		h["Content-Type"] = []string{"application/x-amz-json-1.0"}
	case RPCv2CBOR:
		h["Content-Type"] = []string{"application/cbor"}
		h["Smithy-Protocol"] = []string{string(RPCv2CBOR)}
	default:
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
