package sqsclient

import (
	"encoding/pem"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/sqs"
)

// queueService answers GetQueueUrl, and keeps the last request.
type queueService struct {
	host, auth, token string
}

func (s *queueService) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path == "/credentials" {
		s.token = r.Header.Get("Authorization")
		_, _ = io.WriteString(w, `{"AccessKeyId":"from-container","SecretAccessKey":"s","Token":"session"}`)
		return
	}
	s.host, s.auth = r.Host, r.Header.Get("Authorization")
	w.Header().Set("Content-Type", "application/x-amz-json-1.0")
	_, _ = io.WriteString(w, `{"QueueUrl":"http://queue"}`)
}

func env(values map[string]string) func(string) string {
	return func(name string) string { return values[name] }
}

// call makes the client and has it ask for a queue.
func call(t *testing.T, values map[string]string) error {
	t.Helper()
	client, err := NewLazy(nil, "us-west-2", env(values)).Get(t.Context())
	if err != nil {
		return err
	}
	name := "q"
	_, err = client.GetQueueUrl(t.Context(), &sqs.GetQueueUrlInput{QueueName: &name})
	return err
}

func TestClientFromTheEnvironment(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name string
		env  map[string]string
		auth string // is in the signature
	}{
		{"region of the program", map[string]string{"AWS_ENDPOINT_URL": "{}", "AWS_ACCESS_KEY_ID": "id", "AWS_SECRET_ACCESS_KEY": "s"}, "Credential=id/"},
		{"region of Lambda", map[string]string{"AWS_ENDPOINT_URL_SQS": "{}", "AWS_ENDPOINT_URL": "http://127.0.0.1:1", "AWS_REGION": "eu-west-1", "AWS_DEFAULT_REGION": "x", "AWS_ACCESS_KEY_ID": "id", "AWS_SECRET_ACCESS_KEY": "s"}, "/eu-west-1/sqs/"},
		{"container credentials", map[string]string{"AWS_ENDPOINT_URL": "{}", "AWS_CONTAINER_CREDENTIALS_FULL_URI": "{}/credentials", "AWS_CONTAINER_AUTHORIZATION_TOKEN": "let me in"}, "Credential=from-container/"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			service := &queueService{}
			srv := httptest.NewServer(service)
			t.Cleanup(srv.Close)
			for name, value := range tt.env {
				tt.env[name] = strings.ReplaceAll(value, "{}", srv.URL)
			}
			if err := call(t, tt.env); err != nil {
				t.Fatal(err)
			}
			if !strings.Contains(service.auth, tt.auth) || (tt.env["AWS_REGION"] == "" && !strings.Contains(service.auth, "/us-west-2/")) {
				t.Errorf("signed as %s, want %s", service.auth, tt.auth)
			}
			if want := tt.env["AWS_CONTAINER_AUTHORIZATION_TOKEN"]; service.token != want {
				t.Errorf("asked for credentials with %q, want %q", service.token, want)
			}
		})
	}
}

func TestClientTrustsTheBundle(t *testing.T) {
	t.Parallel()
	srv := httptest.NewTLSServer(&queueService{})
	t.Cleanup(srv.Close)
	bundle := filepath.Join(t.TempDir(), "ca.pem")
	text := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: srv.Certificate().Raw})
	if err := os.WriteFile(bundle, text, 0o600); err != nil {
		t.Fatal(err)
	}
	values := map[string]string{"AWS_ENDPOINT_URL": srv.URL, "AWS_ACCESS_KEY_ID": "id", "AWS_SECRET_ACCESS_KEY": "s", "AWS_CA_BUNDLE": bundle}
	if err := call(t, values); err != nil {
		t.Error(err)
	}
	values["AWS_CA_BUNDLE"] = filepath.Join(t.TempDir(), "none.pem")
	if err := call(t, values); err == nil || !strings.Contains(err.Error(), "AWS_CA_BUNDLE") {
		t.Errorf("without the file: %v", err)
	}
}

func TestClientWithoutCredentialsSaysWhatToDo(t *testing.T) {
	t.Parallel()
	err := call(t, map[string]string{"AWS_PROFILE": "ops", "AWS_ACCESS_KEY_ID": "half"})
	if err == nil || !strings.Contains(err.Error(), "AWS_SECRET_ACCESS_KEY") || strings.Contains(err.Error(), "half") {
		t.Errorf("got %v", err)
	}
}

func TestQueueName(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"https://sqs.eu-west-1.amazonaws.com/1/q.fifo": "q.fifo", "arn:aws:sqs:us-east-1:1:jobs": "jobs", "plain": "plain", "": "",
	} {
		if got := QueueName(in); got != want {
			t.Errorf("QueueName(%q) = %q, want %q", in, got, want)
		}
	}
}
