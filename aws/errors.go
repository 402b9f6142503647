package aws

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"unicode"

	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/credentials/ssocreds"
	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"github.com/microfox-ai/aiwctl/dispatch"
)

// ErrorKind says what a person can do about an error.
type ErrorKind string

// The kinds of error a panel or a command tells apart.
const (
	KindNone      ErrorKind = ""
	KindAuth      ErrorKind = "auth"      // no or expired credentials
	KindDenied    ErrorKind = "denied"    // a permission is missing
	KindThrottled ErrorKind = "throttled" // AWS asks us to slow down
	KindNotFound  ErrorKind = "not found"
	KindNetwork   ErrorKind = "network" // nothing answered
	KindInvalid   ErrorKind = "invalid" // AWS refused the request itself
	KindOther     ErrorKind = "other"
)

// urgency orders the kinds for an error made of several: what has to be put
// right first comes first.
func (k ErrorKind) urgency() int {
	return slices.Index([]ErrorKind{
		KindNone, KindOther, KindInvalid, KindNotFound, KindThrottled, KindNetwork, KindDenied, KindAuth,
	}, k)
}

// Transient reports whether the same call may succeed a moment later.
func (k ErrorKind) Transient() bool {
	return k == KindThrottled || k == KindNetwork || k == KindOther
}

// Classify sorts an error of the SDK, the workers API or the network, and says
// in one sentence what to do about it (may be empty). Of a joined error it
// takes the part that has to be put right first: expired credentials before a
// missing permission before a network that is down. A part for which merely no
// time was left counts only when there is no other: the time may have gone by in
// retries of what another part says.
func Classify(err error) (kind ErrorKind, hint string) {
	if err == nil {
		return KindNone, ""
	}
	if parts := branches(err); len(parts) > 1 {
		if answered := slices.DeleteFunc(slices.Clone(parts), outOfTime); len(answered) > 0 {
			parts = answered
		}
		for _, part := range parts {
			if k, h := Classify(part); k.urgency() > kind.urgency() {
				kind, hint = k, h
			}
		}
		return kind, hint
	}
	for _, sort := range []func(error) (ErrorKind, string){classifyOwn, classifyAPI, classifyWorkersAPI, classifyNetwork} {
		if k, h := sort(err); k != KindNone {
			return k, h
		}
	}
	return KindOther, ""
}

// branches finds the first place where err divides into several. An error whose
// own type says what to do is not taken apart.
func branches(err error) []error {
	for err != nil {
		switch err.(type) { //nolint:errorlint // this is the walk itself
		case *CredentialsError, *ProfileError, *dispatch.StatusError:
			return nil
		}
		if m, ok := err.(interface{ Unwrap() []error }); ok {
			if parts := m.Unwrap(); len(parts) != 1 {
				return parts
			}
			err = m.Unwrap()[0]
			continue
		}
		err = errors.Unwrap(err)
	}
	return nil
}

// outOfTime is whether a context's deadline is all that an error tells.
func outOfTime(err error) bool {
	_, answered := errors.AsType[smithy.APIError](err)
	return errors.Is(err, context.DeadlineExceeded) && !answered && len(branches(err)) < 2
}

func classifyOwn(err error) (ErrorKind, string) {
	if errors.Is(err, ErrPaced) {
		return KindThrottled, "it goes on by itself; --max-calls and AIWCTL_MAX_CALLS set the limit"
	}
	if errors.Is(err, ErrLocked) {
		return KindDenied, "allow writes first: the console asks at the first one, aiwctl --write begins so"
	}
	if errors.Is(err, ErrReadOnly) {
		return KindDenied, "leave out --read-only and AIWCTL_READ_ONLY to allow writes"
	}
	if errors.Is(err, ErrProtected) {
		return KindDenied, "" // the error says which name is wanted
	}
	if errors.Is(err, ErrNoRegion) || errors.Is(err, ErrEndpoint) {
		return KindInvalid, "" // the error says it all
	}
	if e, ok := errors.AsType[*CredentialsError](err); ok {
		return KindAuth, e.Remedy
	}
	if e, ok := errors.AsType[*ProfileError](err); ok {
		if len(e.Known) == 0 {
			return KindAuth, "run `aws configure`, or leave out --profile"
		}
		return KindAuth, "choose one of these profiles: " + strings.Join(e.Known, ", ")
	}
	if _, ok := errors.AsType[config.SharedConfigProfileNotExistError](err); ok {
		return KindAuth, "choose a profile that exists"
	}
	if _, ok := errors.AsType[*ssocreds.InvalidTokenError](err); ok {
		return KindAuth, "run `aws sso login`"
	}
	if _, ok := errors.AsType[*dispatch.ValidationError](err); ok {
		return KindInvalid, "" // the violations say it all
	}
	if errors.Is(err, dispatch.ErrDelay) || errors.Is(err, dispatch.ErrTooLarge) {
		return KindInvalid, ""
	}
	return KindNone, ""
}

// bareCode is an error code without the namespace that the JSON protocols may
// prefix, and without the word that some services end it with.
func bareCode(code string) string {
	code = code[strings.LastIndexByte(code, '#')+1:]
	return strings.TrimSuffix(code[strings.LastIndexByte(code, '.')+1:], "Exception")
}

// The codes are those of the services' API references and of AWS's list of
// common errors. A code not listed here is sorted by its shape.
// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/CommonErrors.html
func kindOfCode(code string) ErrorKind {
	bare := bareCode(code)
	switch bare {
	case "ExpiredToken", "RequestExpired", "UnrecognizedClient", "InvalidClientTokenId", "InvalidAccessKeyId",
		"InvalidSignature", "SignatureDoesNotMatch", "IncompleteSignature", "MissingAuthenticationToken",
		"AuthFailure", "Unauthorized", "InvalidGrant", "RequestTimeTooSkewed", "InvalidSecurity", "InvalidToken":
		return KindAuth
	case "AccessDenied", "UnauthorizedOperation", "NotAuthorized", "AuthorizationError", "OptInRequired":
		return KindDenied
	case "RequestLimitExceeded", "TooManyRequests", "SlowDown", "OverLimit", "LimitExceeded", "BandwidthLimitExceeded",
		"RequestThrottled", "ServiceUnavailable", "PriorRequestNotComplete":
		return KindThrottled
	case "NonExistentQueue", "QueueDoesNotExist", "NoSuchEntity", "NoSuchBucket", "NoSuchKey":
		return KindNotFound
	case "InternalFailure", "InternalError", "InternalServerError", "InternalServiceError", "Service":
		return KindOther
	}
	switch {
	case strings.HasPrefix(bare, "ExpiredToken"):
		return KindAuth
	case strings.HasPrefix(bare, "AccessDenied"):
		return KindDenied
	case strings.Contains(bare, "Throttl"), strings.HasSuffix(bare, "Throughput"):
		return KindThrottled
	case strings.HasSuffix(bare, "NotFound"), strings.HasSuffix(bare, "DoesNotExist"):
		return KindNotFound
	case strings.HasPrefix(bare, "Invalid"), strings.Contains(bare, "Validation"), strings.HasPrefix(bare, "Malformed"),
		strings.HasPrefix(bare, "Missing"), strings.HasPrefix(bare, "Unsupported"):
		return KindInvalid
	}
	return KindNone
}

func classifyAPI(err error) (ErrorKind, string) {
	api, ok := errors.AsType[smithy.APIError](err)
	if !ok {
		if status := httpStatus(err); status != 0 {
			return kindOfStatus(status), ""
		}
		return KindNone, ""
	}
	kind := kindOfCode(api.ErrorCode())
	if kind == KindNone {
		kind = cmp.Or(kindOfStatus(httpStatus(err)), KindOther)
		if kind == KindOther && api.ErrorFault() == smithy.FaultClient {
			kind = KindInvalid
		}
	}
	switch kind {
	case KindAuth:
		return kind, authHint(api)
	case KindDenied:
		return kind, deniedHint(err, api)
	case KindThrottled:
		return kind, "AWS limits these calls: wait a moment, or refresh less often"
	case KindNotFound:
		return kind, notFoundHint(api.ErrorCode())
	case KindInvalid:
		return kind, clean(api.ErrorMessage())
	case KindNone, KindNetwork, KindOther:
	}
	return kind, ""
}

// notFoundHint says what to do about something that is not there. A change set and an object are not what a
// person has named.
func notFoundHint(code string) string {
	switch bareCode(code) {
	case "ChangeSetNotFound":
		return "somebody else has deleted the change set, or is deploying too: run the same again"
	case "NoSuchKey", "NoSuchBucket", "NoSuchUpload":
		return ""
	}
	return "check the region and the stage: it does not exist there"
}

func authHint(api smithy.APIError) string {
	switch code := api.ErrorCode(); {
	case strings.Contains(code, "Expired") && !strings.Contains(code, "Request"):
		return "the session has expired: log in again (`aws sso login`), or renew the access keys"
	case strings.Contains(code, "Skew"), strings.Contains(code, "RequestExpired"),
		strings.Contains(api.ErrorMessage(), "Signature expired"), strings.Contains(api.ErrorMessage(), "Signature not yet current"):
		return "this machine's clock is wrong: set it"
	case strings.Contains(code, "Signature"):
		return "the secret access key does not belong to the access key: check AWS_SECRET_ACCESS_KEY or the profile"
	}
	return "AWS does not know these credentials: check the profile, or AWS_ACCESS_KEY_ID and AWS_SESSION_TOKEN"
}

// deniedMessage is the sentence with which AWS's services refuse.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot_access-denied.html
var deniedMessage = regexp.MustCompile(`User: (\S+) is not authorized to perform: ([\w-]+:\w+)(?: on resource: (\S+))?(?:.*(explicit deny in an? [\w -]+))?`)

func deniedHint(err error, api smithy.APIError) string {
	action := ""
	op, hasOp := errors.AsType[*smithy.OperationError](err)
	if hasOp {
		action = iamAction(op)
	}
	m := deniedMessage.FindStringSubmatch(clean(api.ErrorMessage()))
	if m == nil {
		if action == "" {
			return "access denied: a permission is missing"
		}
		return fmt.Sprintf("access denied: %s is missing from these credentials' permissions", action)
	}
	// SQS names its actions in lower case in these messages.
	if !strings.EqualFold(action, m[2]) {
		action = m[2]
	}
	if m[4] != "" {
		return fmt.Sprintf("access denied: %s is refused to %s by an %s", action, principal(m[1]), m[4])
	}
	return fmt.Sprintf("access denied: %s is missing from %s", action, principal(m[1]))
}

// iamAction is the IAM action of an SDK operation, for those this program calls.
func iamAction(op *smithy.OperationError) string {
	prefix, ok := map[string]string{
		"SQS": "sqs", "Lambda": "lambda", "CloudWatch Logs": "logs", "CloudWatch": "cloudwatch", "STS": "sts",
		"CloudFormation": "cloudformation", "S3": "s3", "SSM": "ssm", "Secrets Manager": "secretsmanager",
	}[op.ServiceID]
	if !ok {
		return ""
	}
	name := op.OperationName
	if prefix == "s3" { // its actions are not its operations
		name = cmp.Or(map[string]string{
			"HeadBucket": "ListBucket", "ListObjectsV2": "ListBucket", "HeadObject": "GetObject", "DeleteObjects": "DeleteObject",
			"PutPublicAccessBlock": "PutBucketPublicAccessBlock",
		}[name], name)
	}
	return prefix + ":" + name
}

// principal shortens an ARN to what a person calls it: "role ops-read".
func principal(arn string) string {
	_, id, ok := strings.Cut(arn[strings.LastIndexByte(arn, ':')+1:], "/")
	switch {
	case ok && strings.Contains(arn, ":assumed-role/"):
		role, _, _ := strings.Cut(id, "/")
		return "role " + role
	case ok && strings.Contains(arn, ":user/"):
		return "user " + id
	}
	return arn
}

func classifyWorkersAPI(err error) (ErrorKind, string) {
	e, ok := errors.AsType[*dispatch.StatusError](err)
	if !ok {
		return KindNone, ""
	}
	switch kind := kindOfStatus(e.StatusCode); kind {
	case KindAuth, KindDenied:
		if !keyRefused(e) {
			return KindNotFound, "the workers API has no such path: check the base URL and its stage"
		}
		return KindAuth, "the workers API refused the key: set WORKERS_API_KEY to the stage's key"
	case KindNotFound:
		return kind, "check the worker's id and the base URL of the workers API"
	case KindThrottled:
		return kind, "the workers API limits these calls: wait a moment"
	default:
		return kind, ""
	}
}

func kindOfStatus(status int) ErrorKind {
	switch {
	case status == 0:
		return KindNone
	case status == http.StatusUnauthorized:
		return KindAuth
	case status == http.StatusForbidden:
		return KindDenied
	case status == http.StatusNotFound:
		return KindNotFound
	case status == http.StatusTooManyRequests, status == http.StatusServiceUnavailable:
		return KindThrottled
	case status >= 400 && status < 500:
		return KindInvalid
	}
	return KindOther
}

func httpStatus(err error) int {
	if e, ok := errors.AsType[*smithyhttp.ResponseError](err); ok && e.Response != nil && e.Response.Response != nil {
		return e.HTTPStatusCode()
	}
	return 0
}

func classifyNetwork(err error) (ErrorKind, string) {
	if errors.Is(err, context.Canceled) {
		return KindOther, ""
	}
	if e, ok := errors.AsType[*net.DNSError](err); ok {
		return KindNetwork, fmt.Sprintf("the name %s cannot be looked up: check the network, the region and --endpoint-url", clean(e.Name))
	}
	if errors.Is(err, syscall.ECONNREFUSED) {
		return KindNetwork, "nothing listens there: is the endpoint running, and is --endpoint-url right?"
	}
	netErr, isNet := errors.AsType[net.Error](err)
	if _, isErrno := netErr.(syscall.Errno); isErrno {
		// Every errno has net.Error's methods: a full disk is no network.
		isNet = false
	}
	if op, ok := errors.AsType[*net.OpError](err); ok && op.Op == "listen" {
		return KindNone, "" // this machine's own, and the listener says what to do
	}
	if errors.Is(err, context.DeadlineExceeded) || isNet && netErr.Timeout() {
		return KindNetwork, "no answer in time: check the network, the VPN and the region"
	}
	if isNet || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.EOF) || errors.Is(err, syscall.ECONNRESET) {
		return KindNetwork, "the connection failed: check the network"
	}
	return KindNone, ""
}

// clean drops control characters from a service's words, which reach a terminal.
func clean(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return -1
		}
		return r
	}, s)
}
