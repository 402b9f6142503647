package doctor_test

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/microfox-ai/aiwctl/aws"
	"github.com/microfox-ai/aiwctl/aws/doctor"
)

// guarded is a workers API that takes one key.
func guarded(t *testing.T, key string) *httptest.Server {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("x-workers-config-key") != key && r.Header.Get("x-workers-trigger-key") != key {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		w.WriteHeader(http.StatusBadRequest)
		fmt.Fprint(w, `{"error":"workerId is missing"}`)
	}))
	t.Cleanup(server.Close)
	return server
}

// Where push has deployed the stage, doctor says what its stack says, and never holds the key.
func TestAPIOfAStack(t *testing.T) {
	t.Parallel()
	const ref = "ssm:/p-x/prod/WORKERS_API_KEY"
	f := newFake()
	f.info = aws.APIInfo{BaseURL: guarded(t, "k").URL, Stack: "p-x-prod", KeyRef: ref}
	f.sources = []string{aws.SourceConfig}
	r := run(t, f, nil)
	if c := find(t, r, "workers API"); c.Status != doctor.OK || !strings.Contains(c.Text, "stack p-x-prod") || !strings.Contains(c.Text, ref) {
		t.Errorf("%s %q", c.Status, c.Text)
	}
	for _, door := range []string{"workers/config", "workers/trigger"} {
		if c := find(t, r, door); c.Status != doctor.OK || !strings.Contains(c.Text, "read from "+ref) {
			t.Errorf("%s: %s %q", door, c.Status, c.Text)
		}
	}
	if c := find(t, r, "ssm:GetParameter"); c.Permission.How != doctor.HowSimulated || c.Permission.Resource != "arn:aws:ssm:"+region+":"+account+":parameter/p-x/prod/WORKERS_API_KEY" {
		t.Errorf("%+v", c.Permission)
	}
	if c := find(t, r, "cloudformation:DescribeStacks"); c.Permission.How != doctor.HowTried || c.Permission.Resource != "arn:aws:cloudformation:"+region+":"+account+":stack/p-x-prod/*" {
		t.Errorf("%+v", c.Permission)
	}

	// The key could not be read: the door says why, and what to do.
	f.sources, f.warnings = nil, []error{&aws.SourceError{Source: aws.SourceConfig, Err: errors.New("allow ssm:GetParameter on it")}}
	if c := find(t, run(t, f, nil), "workers/config"); c.Status != doctor.Error || !strings.Contains(c.Text, "allow ssm:GetParameter") || !strings.Contains(c.Remedy, "WORKERS_API_KEY") {
		t.Errorf("%s %q %q", c.Status, c.Text, c.Remedy)
	}

	// One in the environment comes first.
	if c := find(t, run(t, f, map[string]string{"WORKERS_API_KEY": "k"}), "workers/trigger"); c.Status != doctor.OK || strings.Contains(c.Text, ref) {
		t.Errorf("%s %q", c.Status, c.Text)
	}

	// Without the permission to look, a note says so.
	f.info = aws.APIInfo{Note: "allow cloudformation:DescribeStacks"}
	f.warnings = nil
	if c := find(t, run(t, f, nil), "workers API"); c.Status != doctor.Info || c.Text != f.info.Note {
		t.Errorf("%s %q", c.Status, c.Text)
	}
}

// A key in Secrets Manager wants another action, by the ARN that the name has there.
func TestKeyInSecretsManager(t *testing.T) {
	t.Parallel()
	for ref, want := range map[string]string{
		"secretsmanager:p-x/api#key":                                        "arn:aws:secretsmanager:" + region + ":" + account + ":secret:p-x/api-??????",
		"secretsmanager:arn:aws:secretsmanager:eu-west-1:1:secret:x-AbCdEf": "arn:aws:secretsmanager:eu-west-1:1:secret:x-AbCdEf",
	} {
		f := newFake()
		f.info.KeyRef = ref
		f.denied["secretsmanager:GetSecretValue"] = "no"
		r := run(t, f, nil)
		if c := find(t, r, "secretsmanager:GetSecretValue"); c.Status != doctor.Warning || c.Permission.Resource != want {
			t.Errorf("%s: %s %+v", ref, c.Status, c.Permission)
		}
		if r.MissingPolicy == nil || r.MissingPolicy.Statement[0].Resource[0] != want {
			t.Errorf("%s: missing %+v", ref, r.MissingPolicy)
		}
	}
}
