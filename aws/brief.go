package aws

import (
	"errors"
	"net"
	"strings"

	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"
)

// brief is an error without the SDK's wrapping, where that says nothing to a
// person: which call, and what AWS, the network or the credentials had to say.
// The SDK tells the same of a refused connection in four layers, and gives a
// status of 0 and an empty request id to an answer that never came.
func brief(err error) string {
	op, ok := errors.AsType[*smithy.OperationError](err)
	if !ok {
		return err.Error()
	}
	// What stands before the operation is ours.
	before, _, _ := strings.Cut(err.Error(), op.Error())
	if e, ok := errors.AsType[*CredentialsError](op); ok {
		return before + e.Error()
	}
	if e, ok := errors.AsType[smithy.APIError](op); ok {
		text := before + op.ServiceID + " " + op.OperationName + ": " + e.ErrorCode()
		if m := clean(e.ErrorMessage()); m != "" {
			text += ": " + m
		}
		if e, ok := errors.AsType[interface {
			error
			ServiceRequestID() string
		}](op); ok && e.ServiceRequestID() != "" {
			text += " (request " + clean(e.ServiceRequestID()) + ")"
		}
		return text
	}
	if e, ok := errors.AsType[*net.OpError](op); ok {
		return before + e.Error()
	}
	if e, ok := errors.AsType[*smithyhttp.RequestSendError](op); ok {
		return before + op.ServiceID + " " + op.OperationName + ": " + e.Err.Error()
	}
	return err.Error()
}
