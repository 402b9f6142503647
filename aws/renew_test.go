package aws_test

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/microfox-ai/aiwctl/aws"
)

// gate is STS and nothing else: it takes one access key, and refuses the others
// with a code.
type gate struct {
	key, code atomic.Value
	calls     atomic.Int64
}

func (g *gate) RoundTrip(r *http.Request) (*http.Response, error) {
	g.calls.Add(1)
	if r.Body != nil {
		_, _ = io.Copy(io.Discard, r.Body)
		_ = r.Body.Close()
	}
	status, body := http.StatusOK, `<GetCallerIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><GetCallerIdentityResult>
		<Arn>arn:aws:iam::111122223333:user/ops</Arn><UserId>x</UserId><Account>111122223333</Account></GetCallerIdentityResult></GetCallerIdentityResponse>`
	if !strings.Contains(r.Header.Get("Authorization"), "Credential="+g.key.Load().(string)+"/") {
		status = http.StatusForbidden
		body = fmt.Sprintf(`<ErrorResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><Error><Type>Sender</Type><Code>%s</Code><Message>The security token included in the request is expired</Message></Error></ErrorResponse>`, g.code.Load())
	}
	return &http.Response{StatusCode: status, Header: http.Header{"Content-Type": {"text/xml"}}, Body: io.NopCloser(strings.NewReader(body)), Request: r}, nil
}

// Keys that expire while the console is open are read anew from the files that
// whatever renewed them wrote, without a restart; until then the files are looked
// at now and then, and not with every call.
func TestRenewedKeysAreTakenUp(t *testing.T) {
	t.Parallel()
	for _, code := range []string{"ExpiredToken", "InvalidClientTokenId"} {
		t.Run(code, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				file := filepath.Join(t.TempDir(), "credentials")
				write := func(key string) {
					t.Helper()
					text := "[ops]\nregion = eu-west-1\naws_access_key_id = " + key + "\naws_secret_access_key = notakey\naws_session_token = notatoken\n"
					if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
						t.Fatal(err)
					}
				}
				g := &gate{}
				g.key.Store("FIRST")
				g.code.Store(code)
				write("FIRST")
				env := map[string]string{"AWS_SHARED_CREDENTIALS_FILE": file, "AWS_CONFIG_FILE": filepath.Join(t.TempDir(), "none")}
				s, err := aws.Open(t.Context(), aws.Target{Profile: "ops"}, aws.Options{
					AuditPath: aws.NoAudit, HTTPClient: &http.Client{Transport: g}, Getenv: func(name string) string { return env[name] },
				})
				if err != nil {
					t.Fatal(err)
				}
				ask := func() aws.ErrorKind {
					_, err := s.Identity(t.Context())
					kind, _ := aws.Classify(err)
					return kind
				}
				if kind := ask(); kind != aws.KindNone {
					t.Fatalf("at first: %v", kind)
				}
				g.key.Store("SECOND")
				for range 3 {
					if kind := ask(); kind != aws.KindAuth {
						t.Fatalf("with keys that AWS refuses: %q", kind)
					}
					time.Sleep(time.Minute) // of the bubble
				}
				write("SECOND")
				if kind := ask(); kind != aws.KindNone {
					t.Errorf("after the keys were renewed in the file: %q", kind)
				}
				// A file that is gone later does not take away keys that work.
				if err := os.Remove(file); err != nil {
					t.Fatal(err)
				}
				if kind := ask(); kind != aws.KindNone {
					t.Errorf("without the file: %q", kind)
				}
			})
		})
	}
}
