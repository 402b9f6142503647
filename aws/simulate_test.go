package aws_test

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/microfox-ai/aiwctl/aws"
)

// TestSimulate speaks to an IAM of one answer, in the Query protocol.
func TestSimulate(t *testing.T) {
	t.Parallel()
	var (
		mu    sync.Mutex
		asked []string
	)
	iam := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := r.ParseForm(); err != nil || !strings.Contains(r.Header.Get("Authorization"), "/us-east-1/iam/aws4_request") {
			w.WriteHeader(http.StatusForbidden)
			fmt.Fprint(w, `<ErrorResponse><Error><Code>SignatureDoesNotMatch</Code><Message>not signed for IAM</Message></Error></ErrorResponse>`)
			return
		}
		mu.Lock()
		asked = append(asked, r.Form.Get("Action")+" "+r.Form.Get("RoleName")+r.Form.Get("PolicySourceArn"))
		mu.Unlock()
		switch {
		case r.Form.Get("RoleName") == "plain":
			w.WriteHeader(http.StatusForbidden)
			fmt.Fprint(w, `<ErrorResponse><Error><Code>AccessDenied</Code><Message>no</Message></Error></ErrorResponse>`)
		case r.Form.Get("Action") == "GetRole":
			fmt.Fprintf(w, `<GetRoleResponse xmlns="https://iam.amazonaws.com/doc/2010-05-08/"><GetRoleResult><Role><Arn>arn:aws:iam::111122223333:role/some/path/%s</Arn></Role></GetRoleResult></GetRoleResponse>`, r.Form.Get("RoleName"))
		default:
			if r.Form.Get("ActionNames.member.2") != "sqs:DeleteMessage" || r.Form.Get("ResourceArns.member.1") != "arn:q" {
				t.Errorf("form %v", r.Form)
			}
			fmt.Fprint(w, `<SimulatePrincipalPolicyResponse xmlns="https://iam.amazonaws.com/doc/2010-05-08/"><SimulatePrincipalPolicyResult><IsTruncated>false</IsTruncated><EvaluationResults>
				<member><EvalActionName>sqs:SendMessage</EvalActionName><EvalDecision>allowed</EvalDecision><OrganizationsDecisionDetail><AllowedByOrganizations>true</AllowedByOrganizations></OrganizationsDecisionDetail></member>
				<member><EvalActionName>sqs:DeleteMessage</EvalActionName><EvalDecision>implicitDeny</EvalDecision><PermissionsBoundaryDecisionDetail><AllowedByPermissionsBoundary>false</AllowedByPermissionsBoundary></PermissionsBoundaryDecisionDetail></member>
				</EvaluationResults></SimulatePrincipalPolicyResult></SimulatePrincipalPolicyResponse>`)
		}
	}))
	t.Cleanup(iam.Close)
	s, err := aws.Open(t.Context(), aws.Target{EndpointURL: iam.URL}, aws.Options{Getenv: func(string) string { return "" }, AuditPath: aws.NoAudit})
	if err != nil {
		t.Fatal(err)
	}
	for caller, want := range map[string]string{
		"arn:aws:sts::111122223333:assumed-role/ops/me":   "arn:aws:iam::111122223333:role/some/path/ops",
		"arn:aws:sts::111122223333:assumed-role/plain/me": "arn:aws:iam::111122223333:role/plain", // GetRole is denied
		"arn:aws:iam::111122223333:user/me":               "arn:aws:iam::111122223333:user/me",
	} {
		got, err := s.Simulate(t.Context(), caller, []string{"sqs:SendMessage", "sqs:DeleteMessage"}, "arn:q")
		if err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(got, []aws.SimulatedDecision{
			{Action: "sqs:SendMessage", Decision: "allowed", Organization: true, Boundary: true},
			{Action: "sqs:DeleteMessage", Decision: "implicitDeny", Organization: true},
		}) {
			t.Errorf("%+v", got)
		}
		if !slices.Contains(asked, "SimulatePrincipalPolicy "+want) {
			t.Errorf("asked %q, want the policies of %s", asked, want)
		}
	}
	for _, caller := range []string{"arn:aws:iam::111122223333:root", "arn:aws:sts::111122223333:federated-user/me", ""} {
		if _, err := s.Simulate(t.Context(), caller, []string{"sqs:SendMessage"}, "*"); !errors.Is(err, aws.ErrNotSimulable) {
			t.Errorf("%q: %v", caller, err)
		}
	}
}

// Where the calls go is the SDK's to say, and an override's where there is one.
func TestEndpoints(t *testing.T) {
	t.Parallel()
	env := func(kv map[string]string) func(string) string { return func(k string) string { return kv[k] } }
	of := func(target aws.Target) map[string]aws.ServiceEndpoint {
		s, err := aws.Open(t.Context(), target, aws.Options{Getenv: env(map[string]string{
			"AWS_CONFIG_FILE": "/nowhere", "AWS_SHARED_CREDENTIALS_FILE": "/nowhere",
		}), AuditPath: aws.NoAudit})
		if err != nil {
			t.Fatal(err)
		}
		out := make(map[string]aws.ServiceEndpoint)
		for _, e := range s.Endpoints(t.Context()) {
			out[e.Service] = e
		}
		return out
	}
	own := of(aws.Target{Region: "eu-west-1"})
	for service, url := range map[string]string{
		"sqs": "https://sqs.eu-west-1.amazonaws.com", "lambda": "https://lambda.eu-west-1.amazonaws.com",
		"logs": "https://logs.eu-west-1.amazonaws.com", "cloudwatch": "https://monitoring.eu-west-1.amazonaws.com", "sts": "https://sts.eu-west-1.amazonaws.com",
	} {
		if e := own[service]; e.URL != url || e.Overridden || e.Err != nil {
			t.Errorf("%s: %+v, want %s", service, e, url)
		}
	}
	if e := of(aws.Target{Region: "eu-west-1", EndpointURL: "http://127.0.0.1:1"})["logs"]; e.URL != "http://127.0.0.1:1" || !e.Overridden {
		t.Errorf("%+v", e)
	}
}
