package queues

import (
	"errors"

	"github.com/microfox-ai/aiwctl/aws/local/wire"
)

// The __type of an answer and the older code in x-amzn-query-error differ for
// many errors; both are from the service's Smithy model and recorded answers.

func errNoQueue() error {
	return wire.NewError("QueueDoesNotExist", "The specified queue does not exist.").
		WithQueryCode("AWS.SimpleQueueService.NonExistentQueue")
}

// invalid is InvalidParameterValue, which the JSON protocol names with "Exception".
func invalid(format string, args ...any) *wire.Error {
	return wire.Errorf("InvalidParameterValueException", format, args...).WithQueryCode("InvalidParameterValue")
}

func invalidValue(value any, parameter, reason string) *wire.Error {
	return invalid("Value %v for parameter %s is invalid. Reason: %s", value, parameter, reason)
}

func missing(parameter string) *wire.Error {
	return wire.Errorf("MissingRequiredParameterException", "The request must contain the parameter %s.", parameter).
		WithQueryCode("MissingParameter")
}

func notFound(message string) *wire.Error {
	return wire.NotFound("ResourceNotFoundException", "%s", message)
}

func unsupported(message string) *wire.Error {
	return wire.NewError("UnsupportedOperation", message).WithQueryCode("AWS.SimpleQueueService.UnsupportedOperation")
}

func errHandle(handle string) *wire.Error {
	return wire.Errorf("ReceiptHandleIsInvalid", "The input receipt handle \"%s\" is not a valid receipt handle.", handle).WithStatus(404)
}

func errNotInFlight() *wire.Error {
	return wire.NewError("MessageNotInflight", "The specified message isn't in flight.").
		WithQueryCode("AWS.SimpleQueueService.MessageNotInflight")
}

func errOverLimit() *wire.Error {
	return wire.NewError("OverLimit", "The maximum number of in flight messages is reached.").WithStatus(403)
}

// errInternal is what an entry of a batch fails with when SQS could not do it.
func errInternal() *wire.Error {
	return &wire.Error{Code: "InternalError", Message: "We encountered an internal error. Please try again."}
}

func isCode(err error, code string) bool {
	e, ok := errors.AsType[*wire.Error](err)
	return ok && e.Code == code
}
