package wire

import (
	"context"
	"errors"
	"fmt"
	"net/http"
)

// Error is a failure as an AWS client sees it. Operations return it (wrapped or
// not); any other error reaches the client as InternalFailure.
type Error struct {
	// Code is the name of the error's shape, for example QueueDoesNotExist. SDKs
	// choose the error type by it.
	Code string
	// Message is for people; clients print it as it is.
	Message string
	// Status is the HTTP status; zero means 400 when SenderFault and 500 when not.
	Status int
	// SenderFault says that the request was wrong, not the service.
	SenderFault bool
	// QueryCode is the code that the service used in the older Query protocol.
	// Services that keep such codes alive (SQS) send it in the x-amzn-query-error
	// header, and SDKs then report it as the code. Empty means Code.
	QueryCode string
}

// Error is the code and the message.
func (e *Error) Error() string {
	if e.Message == "" {
		return e.Code
	}
	return e.Code + ": " + e.Message
}

// HTTPStatus is Status, or the default that belongs to SenderFault.
func (e *Error) HTTPStatus() int {
	switch {
	case e.Status != 0:
		return e.Status
	case e.SenderFault:
		return http.StatusBadRequest
	default:
		return http.StatusInternalServerError
	}
}

// Fault is who is to blame, in the word of the x-amzn-query-error header and of
// the Query protocol: Sender or Receiver.
func (e *Error) Fault() string {
	if e.SenderFault {
		return "Sender"
	}
	return "Receiver"
}

// NewError is an error of the client's making, with status 400.
func NewError(code, message string) *Error {
	return &Error{Code: code, Message: message, Status: http.StatusBadRequest, SenderFault: true}
}

// Errorf is NewError with a formatted message.
func Errorf(code, format string, args ...any) *Error {
	return NewError(code, fmt.Sprintf(format, args...))
}

// WithStatus is a copy of e with another HTTP status.
func (e *Error) WithStatus(status int) *Error {
	c := *e
	c.Status = status
	return &c
}

// WithQueryCode is a copy of e with another Query code.
func (e *Error) WithQueryCode(code string) *Error {
	c := *e
	c.QueryCode = code
	return &c
}

// NotFound is an error of the client's making with status 404, the form of
// REST services: NotFound("ResourceNotFoundException", "Function not found: ...").
func NotFound(code, format string, args ...any) *Error {
	return Errorf(code, format, args...).WithStatus(http.StatusNotFound)
}

// UnknownOperation answers a request for an operation that is not served.
func UnknownOperation(name string) *Error {
	if name == "" {
		return NewError("UnknownOperationException", "the request names no operation: it has no X-Amz-Target header")
	}
	return Errorf("UnknownOperationException", "the local endpoint does not serve %q", name)
}

// Serialization answers a request whose body cannot be read.
func Serialization(format string, args ...any) *Error {
	return Errorf("SerializationException", format, args...)
}

// TooLarge answers a request whose body is larger than limit bytes.
func TooLarge(limit int64) *Error {
	return Errorf("RequestEntityTooLargeException", "the request body is larger than %d bytes", limit).
		WithStatus(http.StatusRequestEntityTooLarge)
}

// InternalFailure is what a client sees of a fault of ours.
func InternalFailure() *Error {
	return &Error{
		Code:    "InternalFailure",
		Message: "The request processing has failed because of an unknown error, exception or failure.",
		Status:  http.StatusInternalServerError,
	}
}

// AsError is err as a client may see it. An error that is not an *Error becomes
// InternalFailure, and internal tells that it should be logged; a cancelled
// context becomes ServiceUnavailable, which SDKs try again.
func AsError(err error) (e *Error, internal bool) {
	if e, ok := errors.AsType[*Error](err); ok {
		return e, false
	}
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return &Error{
			Code:    "ServiceUnavailable",
			Message: "The request was cancelled before it was done.",
			Status:  http.StatusServiceUnavailable,
		}, false
	}
	return InternalFailure(), true
}
