package aws

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"syscall"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws/ratelimit"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"github.com/microfox-ai/aiwctl/dispatch"
)

func TestClassify(t *testing.T) {
	t.Parallel()
	status := func(code int, err error) error {
		return &smithyhttp.ResponseError{Response: &smithyhttp.Response{Response: &http.Response{StatusCode: code}}, Err: err}
	}
	code := func(c string) error { return &smithy.GenericAPIError{Code: c, Message: "words"} }
	for _, tt := range []struct {
		name string
		err  error
		kind ErrorKind
		hint string // a part of it
	}{
		{"nil", nil, KindNone, ""},
		{"unknown", errors.New("?"), KindOther, ""},
		{"a full disk", fmt.Errorf("write: %w", &os.PathError{Op: "write", Path: "/dev/stdout", Err: syscall.ENOSPC}), KindOther, ""},
		{"a taken port", fmt.Errorf("serve: %w", &net.OpError{Op: "listen", Err: os.NewSyscallError("bind", syscall.EADDRINUSE)}), KindOther, ""},

		{"expired", code("ExpiredToken"), KindAuth, "log in again"},
		{"expired, Lambda", code("ExpiredTokenException"), KindAuth, "log in again"},
		{"unknown key", code("UnrecognizedClientException"), KindAuth, "does not know these credentials"},
		{"unknown key, STS", code("InvalidClientTokenId"), KindAuth, "does not know these credentials"},
		{"wrong secret", code("SignatureDoesNotMatch"), KindAuth, "secret access key"},
		{"clock", &smithy.GenericAPIError{Code: "InvalidSignatureException", Message: "Signature expired: 2026..."}, KindAuth, "clock"},
		{"credentials", &CredentialsError{Remedy: "run `aws sso login`", Err: errors.Join(io.EOF, errors.New("x"))}, KindAuth, "aws sso login"},
		{"profile", &ProfileError{Profile: "x", Known: []string{"a", "b"}}, KindAuth, "a, b"},
		{"region", fmt.Errorf("open: %w", ErrNoRegion), KindInvalid, ""},

		{"denied, no detail", apiError("SQS", "ReceiveMessage", "AccessDenied", "Access to the resource https://sqs... is denied."), KindDenied, "access denied: sqs:ReceiveMessage is missing from these credentials"},
		{"denied, S3", apiError("S3", "HeadBucket", "AccessDenied", "Access Denied"), KindDenied, "access denied: s3:ListBucket is missing from these credentials"},
		{"denied, CloudFormation", apiError("CloudFormation", "CreateChangeSet", "AccessDenied", "no"), KindDenied, "access denied: cloudformation:CreateChangeSet is missing from these credentials"},
		{"denied, SQS", apiError("SQS", "ReceiveMessage", "AccessDenied", "User: arn:aws:sts::111122223333:assumed-role/ops-read/somebody is not authorized to perform: sqs:receivemessage on resource: arn:aws:sqs:eu-west-1:111122223333:orders because no identity-based policy allows the sqs:receivemessage action"), KindDenied, "access denied: sqs:ReceiveMessage is missing from role ops-read"},
		{"denied, user", apiError("Lambda", "ListFunctions", "AccessDeniedException", "User: arn:aws:iam::111122223333:user/ops is not authorized to perform: lambda:ListFunctions on resource: * because no identity-based policy allows the lambda:ListFunctions action"), KindDenied, "access denied: lambda:ListFunctions is missing from user ops"},
		{"denied by a boundary", apiError("CloudWatch Logs", "FilterLogEvents", "AccessDeniedException", "User: arn:aws:iam::111122223333:user/ops is not authorized to perform: logs:FilterLogEvents on resource: x with an explicit deny in a service control policy"), KindDenied, "logs:FilterLogEvents is refused to user ops by an explicit deny in a service control policy"},
		{"denied another action", apiError("SQS", "SendMessage", "AccessDenied", "User: arn:aws:iam::111122223333:user/ops is not authorized to perform: kms:GenerateDataKey on resource: x"), KindDenied, "kms:GenerateDataKey is missing from user ops"},
		{"denied, hostile", apiError("SQS", "SendMessage", "AccessDenied", "User: \x1b]0;x\a is not authorized to perform: sqs:sendmessage"), KindDenied, "access denied"},
		{"read-only", fmt.Errorf("dispatch: %w", ErrReadOnly), KindDenied, "--read-only"},

		{"throttled", code("ThrottlingException"), KindThrottled, "wait"},
		{"throttled, SQS", code("RequestThrottled"), KindThrottled, "wait"},
		{"throttled, Lambda", code("TooManyRequestsException"), KindThrottled, "wait"},
		{"limit", code("RequestLimitExceeded"), KindThrottled, "wait"},
		{"503 without a code", status(503, errors.New("x")), KindThrottled, ""},
		{"retries used up", errors.Join(code("ThrottlingException"), ratelimit.QuotaExceededError{}), KindThrottled, "wait"},

		{"no queue", &types.QueueDoesNotExist{}, KindNotFound, "region"},
		{"no queue, query code", code("AWS.SimpleQueueService.NonExistentQueue"), KindNotFound, "region"},
		{"no function", code("ResourceNotFoundException"), KindNotFound, "region"},
		{"namespaced", code("com.amazonaws.sqs#QueueDoesNotExist"), KindNotFound, "region"},

		{"no change set", code("ChangeSetNotFoundException"), KindNotFound, "run the same again"},
		{"no object", code("NoSuchKey"), KindNotFound, ""},

		{"refused", &smithy.GenericAPIError{Code: "InvalidParameterValue", Message: "too \x1blong"}, KindInvalid, "too long"},
		{"AWS's fault", code("InternalFailure"), KindOther, ""},
		{"input", &dispatch.ValidationError{}, KindInvalid, ""},

		{"key", &dispatch.StatusError{StatusCode: 401}, KindAuth, "WORKERS_API_KEY"},
		{"no such path", &dispatch.StatusError{StatusCode: 403, Body: `{"message":"Missing Authentication Token"}`}, KindNotFound, "base URL"},
		{"worker", &dispatch.StatusError{StatusCode: 404}, KindNotFound, "worker's id"},
		{"API fault", &dispatch.StatusError{StatusCode: 500}, KindOther, ""},

		{"refused connection", &net.OpError{Op: "dial", Err: os.NewSyscallError("connect", syscall.ECONNREFUSED)}, KindNetwork, "nothing listens"},
		{"no such host", &net.DNSError{Name: "sqs.mars-1.amazonaws.com", IsNotFound: true}, KindNetwork, "sqs.mars-1.amazonaws.com"},
		{"too slow", fmt.Errorf("x: %w", context.DeadlineExceeded), KindNetwork, "no answer in time"},
		{"cut", io.ErrUnexpectedEOF, KindNetwork, "connection"},
		{"cancelled", fmt.Errorf("x: %w", context.Canceled), KindOther, ""},

		{"several: time that went by in retries", errors.Join(code("ThrottlingException"), fmt.Errorf("list: %w", context.DeadlineExceeded)), KindThrottled, "refresh less often"},
		{"several: nothing but time", errors.Join(context.DeadlineExceeded, context.DeadlineExceeded), KindNetwork, "no answer in time"},
		{"several: what must be put right first", errors.Join(code("ThrottlingException"), io.EOF, fmt.Errorf("a: %w", code("ExpiredToken")), code(denied)), KindAuth, "log in again"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			kind, hint := Classify(tt.err)
			if kind != tt.kind || !strings.Contains(hint, tt.hint) || tt.hint == "" && hint != "" {
				t.Errorf("Classify = %q, %q, want %q, %q", kind, hint, tt.kind, tt.hint)
			}
			if strings.ContainsAny(hint, "\x1b\a") {
				t.Errorf("hint %q has control characters", hint)
			}
			if tt.err == nil {
				return
			}
			if again, _ := Classify(fmt.Errorf("read the queue: %w", tt.err)); again != tt.kind {
				t.Errorf("wrapped: %q, want %q", again, tt.kind)
			}
		})
	}
}
