package aws

import (
	"context"
	"errors"
	"net"
	"strings"

	"github.com/aws/smithy-go"
	"github.com/aws/smithy-go/middleware"
	smithyhttp "github.com/aws/smithy-go/transport/http"
)

// brief is an error without the SDK's wrapping, where that says nothing to a
// person: which call, and what AWS, the network or the credentials had to say.
func brief(err error) string {
	op, ok := errors.AsType[*smithy.OperationError](err)
	if !ok {
		return err.Error()
	}
	cause, ok := briefCause(op)
	if !ok {
		return err.Error()
	}
	// What stands before the operation is ours.
	before, _, _ := strings.Cut(err.Error(), op.Error())
	if _, ok := errors.AsType[*CredentialsError](op); ok {
		return before + cause
	}
	if _, ok := errors.AsType[*net.OpError](op); ok {
		return before + cause // an address says more than the name of a call
	}
	return before + op.ServiceID + " " + op.OperationName + ": " + cause
}

// briefCause is what went wrong in a call. The SDK tells the same of a refused
// connection in four layers, and gives a status of 0 and an empty request id to
// an answer that never came. ok is false when there is nothing shorter to say.
func briefCause(err error) (text string, ok bool) {
	if e, ok := errors.AsType[*CredentialsError](err); ok {
		return e.Error(), true
	}
	if e, ok := errors.AsType[smithy.APIError](err); ok {
		text := e.ErrorCode()
		if m := clean(e.ErrorMessage()); m != "" {
			text += ": " + m
		}
		if e, ok := errors.AsType[interface {
			error
			ServiceRequestID() string
		}](err); ok && e.ServiceRequestID() != "" {
			text += " (request " + clean(e.ServiceRequestID()) + ")"
		}
		return text, true
	}
	if e, ok := errors.AsType[*net.OpError](err); ok {
		return e.Error(), true
	}
	if e, ok := errors.AsType[*smithyhttp.RequestSendError](err); ok {
		return e.Err.Error(), true
	}
	return "", false
}

// callError is an error of the SDK that is told briefly, and is still the same
// error to whoever looks inside.
type callError struct {
	text string
	err  error
}

func (e *callError) Error() string { return e.text }
func (e *callError) Unwrap() error { return e.err }

// tellBriefly makes every call's error a brief one, whoever wraps it later.
func tellBriefly(stack *middleware.Stack) error {
	return stack.Initialize.Add(middleware.InitializeMiddlewareFunc("TellBriefly", func(
		ctx context.Context, in middleware.InitializeInput, next middleware.InitializeHandler,
	) (middleware.InitializeOutput, middleware.Metadata, error) {
		out, metadata, err := next.HandleInitialize(ctx, in)
		if err != nil {
			if text, ok := briefCause(err); ok {
				err = &callError{text: text, err: err}
			}
		}
		return out, metadata, err
	}), middleware.Before)
}
