package aws

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"strings"
	"syscall"
	"testing"

	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"
)

func TestBrief(t *testing.T) {
	t.Parallel()
	call := func(err error) error {
		return &smithy.OperationError{ServiceID: "SQS", OperationName: "ListQueues", Err: err}
	}
	response := func(status int, id string, err error) error {
		return &awshttp.ResponseError{RequestID: id, ResponseError: &smithyhttp.ResponseError{
			Response: &smithyhttp.Response{Response: &http.Response{StatusCode: status}}, Err: err,
		}}
	}
	refused := &net.OpError{Op: "dial", Net: "tcp", Err: os.NewSyscallError("connect", syscall.ECONNREFUSED)}
	for want, err := range map[string]error{
		"ours": errors.New("ours"),
		"queue x: SQS ListQueues: AccessDenied: no (request r-1)": fmt.Errorf("queue x: %w", call(response(403, "r-1", &smithy.GenericAPIError{Code: "AccessDenied", Message: "no\x1b"}))),
		"SQS ListQueues: Throttled":                               call(&smithy.GenericAPIError{Code: "Throttled"}),
		"dial tcp: connect: connection refused":                   call(response(0, "", &smithyhttp.RequestSendError{Err: refused})),
		"SQS ListQueues: cut":                                     call(response(0, "", &smithyhttp.RequestSendError{Err: errors.New("cut")})),
		"no AWS credentials: log in (why)":                        call(&CredentialsError{Remedy: "log in", Err: errors.New("why")}),
		"operation error SQS: ListQueues, out of luck":            call(errors.New("out of luck")),
	} {
		if got := brief(err); got != want {
			t.Errorf("brief(%v)\n = %q\nwant %q", err, got, want)
		}
	}
}

// Every package that calls AWS through a stage gets the brief error, and can
// still look inside it.
func TestCallsFailBriefly(t *testing.T) {
	t.Parallel()
	s, err := Open(t.Context(), Target{EndpointURL: "http://127.0.0.1:1"}, Options{Getenv: func(string) string { return "" }, AuditPath: NoAudit})
	if err != nil {
		t.Fatal(err)
	}
	_, err = s.SQS().ListQueues(t.Context(), &sqs.ListQueuesInput{})
	if err == nil || strings.Contains(err.Error(), "StatusCode") || strings.Contains(err.Error(), "RequestID") {
		t.Errorf("error = %v", err)
	}
	if _, ok := errors.AsType[*net.OpError](err); !ok {
		t.Errorf("the cause is lost: %v", err)
	}
	if kind, _ := Classify(err); kind != KindNetwork {
		t.Errorf("kind = %q", kind)
	}
}
