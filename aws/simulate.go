package aws

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/aws/smithy-go"
)

// errNoProvider is the cause of a *CredentialsError when the configuration has
// no provider at all.
var errNoProvider = errors.New("the AWS configuration names no source of credentials")

// ErrNotSimulable is returned by Simulate for a caller whose policies IAM cannot
// look up: the root user, a federated user.
var ErrNotSimulable = errors.New("IAM simulates users and roles only")

// iamVersion is IAM's only API version.
const iamVersion = "2010-05-08"

// maxIAMAnswer bounds an answer of IAM; one of twenty decisions has some 20 kB.
const maxIAMAnswer = 1 << 20

// SimulatedDecision is what IAM's policy simulator says of one action.
type SimulatedDecision struct {
	Action string
	// Decision is IAM's word: "allowed", "explicitDeny", "implicitDeny".
	Decision string
	// Organization and Boundary are false when that is what stands in the way: a
	// service control policy, or the permissions boundary.
	Organization, Boundary bool
}

// Simulate asks IAM whether the caller may do each of the actions to a resource,
// without doing them. It needs iam:SimulatePrincipalPolicy, and for a role with a
// path also iam:GetRole. IAM judges by the caller's own policies, its boundary and
// the organisation's; policies of the session and of the resource are not looked at.
//
// There are two calls of IAM in this program, here and nowhere else. They are
// signed and read by hand: the SDK's package for them would add 1.3 MB.
func (s *Stage) Simulate(ctx context.Context, callerARN string, actions []string, resource string) ([]SimulatedDecision, error) {
	principal, err := s.policySource(ctx, callerARN)
	if err != nil {
		return nil, err
	}
	form := url.Values{"PolicySourceArn": {principal}, "ResourceArns.member.1": {resource}, "MaxItems": {"1000"}}
	for i, a := range actions {
		form.Set("ActionNames.member."+strconv.Itoa(i+1), a)
	}
	var out struct {
		Results []struct {
			Action       string `xml:"EvalActionName"`
			Decision     string `xml:"EvalDecision"`
			Organization *bool  `xml:"OrganizationsDecisionDetail>AllowedByOrganizations"`
			Boundary     *bool  `xml:"PermissionsBoundaryDecisionDetail>AllowedByPermissionsBoundary"`
		} `xml:"SimulatePrincipalPolicyResult>EvaluationResults>member"`
	}
	if err := s.callIAM(ctx, "SimulatePrincipalPolicy", form, &out); err != nil {
		return nil, err
	}
	decisions := make([]SimulatedDecision, len(out.Results))
	for i, r := range out.Results {
		decisions[i] = SimulatedDecision{
			Action: clean(r.Action), Decision: clean(r.Decision),
			Organization: r.Organization == nil || *r.Organization, Boundary: r.Boundary == nil || *r.Boundary,
		}
	}
	return decisions, nil
}

// policySource is whose policies to simulate: of an assumed role's session, the
// role. The session's ARN lacks the role's path, which only IAM knows.
func (s *Stage) policySource(ctx context.Context, callerARN string) (string, error) {
	parts := strings.SplitN(callerARN, ":", 6)
	if len(parts) != 6 {
		return "", fmt.Errorf("simulate for %q: %w", clean(callerARN), ErrNotSimulable)
	}
	kind, rest, _ := strings.Cut(parts[5], "/")
	switch kind {
	case "user", "role":
		return callerARN, nil
	case "assumed-role":
		role, _, _ := strings.Cut(rest, "/")
		var out struct {
			ARN string `xml:"GetRoleResult>Role>Arn"`
		}
		err := s.callIAM(ctx, "GetRole", url.Values{"RoleName": {role}}, &out)
		if err == nil && out.ARN != "" {
			return out.ARN, nil
		}
		if kind, _ := Classify(err); kind != KindDenied && kind != KindNone {
			return "", err
		}
		return "arn:" + parts[1] + ":iam::" + parts[4] + ":role/" + role, nil
	}
	return "", fmt.Errorf("simulate for %q: %w", clean(callerARN), ErrNotSimulable)
}

// iamEndpoint is where IAM is, and the region its requests are signed for: there
// is one for each partition.
// https://docs.aws.amazon.com/general/latest/gr/iam-service.html
func iamEndpoint(t Target) (endpoint, region string) {
	switch {
	case t.EndpointURL != "":
		return t.EndpointURL, t.Region
	case partition(t.Region) == "aws-cn":
		return "https://iam.cn-north-1.amazonaws.com.cn", "cn-north-1"
	case partition(t.Region) == "aws-us-gov":
		return "https://iam.us-gov.amazonaws.com", "us-gov-west-1"
	}
	return "https://iam.amazonaws.com", "us-east-1"
}

// callIAM makes one call of IAM's Query protocol, once.
func (s *Stage) callIAM(ctx context.Context, operation string, form url.Values, out any) (err error) {
	defer func() {
		if err != nil {
			err = &smithy.OperationError{ServiceID: "IAM", OperationName: operation, Err: err}
		}
	}()
	if s.api.wires.credentials == nil || s.api.wires.http == nil {
		return errNoProvider
	}
	form.Set("Action", operation)
	form.Set("Version", iamVersion)
	body := []byte(form.Encode())
	endpoint, region := iamEndpoint(s.target)
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, strings.TrimRight(endpoint, "/")+"/", bytes.NewReader(body))
	if err != nil {
		return err
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded; charset=utf-8")
	credentials, err := s.api.wires.credentials.Retrieve(ctx)
	if err != nil {
		return err
	}
	sum := sha256.Sum256(body)
	if err := v4.NewSigner().SignHTTP(ctx, credentials, r, hex.EncodeToString(sum[:]), "iam", region, s.opts.Now()); err != nil {
		return fmt.Errorf("sign the request: %w", err)
	}
	resp, err := s.api.wires.http.Do(r)
	if err != nil {
		return err
	}
	defer func() { _ = resp.Body.Close() }()
	text, err := io.ReadAll(io.LimitReader(resp.Body, maxIAMAnswer))
	if err != nil {
		return fmt.Errorf("read the answer: %w", err)
	}
	if resp.StatusCode != http.StatusOK {
		return iamError(resp.StatusCode, text)
	}
	if err := xml.Unmarshal(text, out); err != nil {
		return fmt.Errorf("the answer is not IAM's: %w", err)
	}
	return nil
}

// iamError reads an error of the Query protocol.
func iamError(status int, text []byte) error {
	var e struct {
		Code    string `xml:"Error>Code"`
		Message string `xml:"Error>Message"`
	}
	if err := xml.Unmarshal(text, &e); err != nil || e.Code == "" {
		e.Code, e.Message = "HTTP"+strconv.Itoa(status), http.StatusText(status)
		if status == http.StatusForbidden {
			e.Code = "AccessDenied"
		}
	}
	return &smithy.GenericAPIError{Code: e.Code, Message: clean(e.Message)}
}
