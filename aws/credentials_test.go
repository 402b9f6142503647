package aws_test

import (
	"crypto/sha1"
	"encoding/hex"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/microfox-ai/aiwctl/aws"
)

const profiles = `
[default]
region = eu-west-1
[profile corp]
sso_session = corp
sso_account_id = 111122223333
sso_role_name = reader
region = eu-central-1
[sso-session corp]
sso_region = eu-west-1
sso_start_url = https://corp.example/start
[profile legacy]
sso_start_url = https://legacy.example/start
sso_region = eu-west-1
sso_account_id = 111122223333
sso_role_name = reader
[profile ops]
role_arn = arn:aws:iam::111122223333:role/ops
source_profile = corp
region = ap-south-1
[profile process]
credential_process = /bin/false
[profile web]
role_arn = arn:aws:iam::111122223333:role/pod
web_identity_token_file = /run/token
[profile machine]
role_arn = arn:aws:iam::111122223333:role/ops
credential_source = Ec2InstanceMetadata
[profile keys]
[profile session]
`

const keys = "[keys]\naws_access_key_id = k\naws_secret_access_key = s3cret\n" +
	"[session]\naws_access_key_id = k\naws_secret_access_key = s3cret\naws_session_token = t0ken\n"

// files is an environment with AWS's files and an SSO login that has not ended. The SDK reads the process's own environment.
func files(t *testing.T, env map[string]string) map[string]string {
	t.Helper()
	home := t.TempDir()
	all := map[string]string{
		"HOME": home, "USERPROFILE": home, "AWS_CONFIG_FILE": write(t, "config", profiles), "AWS_SHARED_CREDENTIALS_FILE": write(t, "credentials", keys),
		"AWS_EC2_METADATA_DISABLED": "true",
	}
	for _, name := range []string{"AWS_PROFILE", "AWS_REGION", "AWS_DEFAULT_REGION", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_ENDPOINT_URL", "AWS_WEB_IDENTITY_TOKEN_FILE"} {
		all[name] = ""
	}
	for k, v := range env {
		all[k] = v
	}
	for k, v := range all {
		t.Setenv(k, v)
	}
	sum := sha1.Sum([]byte("corp"))
	cache := filepath.Join(home, ".aws", "sso", "cache")
	text := fmt.Sprintf(`{"accessToken":"sso-t0ken","expiresAt":%q,"region":"eu-west-1","startUrl":"https://corp.example/start"}`, loginEnds().Format(time.RFC3339))
	if err := os.MkdirAll(cache, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(cache, hex.EncodeToString(sum[:])+".json"), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return all
}

func loginEnds() time.Time { return time.Date(2199, 3, 4, 5, 6, 7, 0, time.UTC) }

func TestDescribe(t *testing.T) {
	static := map[string]string{"AWS_ACCESS_KEY_ID": "envkey", "AWS_SECRET_ACCESS_KEY": "s3cret"}
	with := func(more map[string]string) map[string]string {
		all := map[string]string{}
		for _, m := range []map[string]string{static, more} {
			for k, v := range m {
				all[k] = v
			}
		}
		return all
	}
	for name, tt := range map[string]struct {
		target      aws.Target
		env         map[string]string
		kind, text  string
		renew, from string
		expires     bool
	}{
		"an SSO login":            {target: aws.Target{Profile: "corp"}, kind: "sso", text: "SSO as reader in account 111122223333 of profile corp", renew: "aws sso login --profile corp", from: "profile corp of ", expires: true},
		"one in the older form":   {target: aws.Target{Profile: "legacy", Region: "r-1"}, kind: "sso", text: "of profile legacy", renew: "aws sso login --profile legacy"},
		"a role of an SSO login":  {target: aws.Target{Profile: "ops"}, kind: "sso", text: "of profile corp, then arn:aws:iam::111122223333:role/ops", renew: "aws sso login --profile corp", from: "profile ops of ", expires: true},
		"AWS_PROFILE":             {env: map[string]string{"AWS_PROFILE": "corp"}, kind: "sso", text: "of profile corp", from: "profile corp of ", expires: true},
		"keys before AWS_PROFILE": {env: with(map[string]string{"AWS_PROFILE": "corp"}), kind: "environment", text: "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY", renew: "pass --profile", from: "profile corp of "},
		"a session in variables":  {env: with(map[string]string{"AWS_SESSION_TOKEN": "t0ken"}), kind: "environment", text: "with AWS_SESSION_TOKEN", renew: "the session in AWS_SESSION_TOKEN is over", from: "profile default of "},
		"--profile before keys":   {target: aws.Target{Profile: "corp"}, env: static, kind: "sso", text: "of profile corp", from: "profile corp of ", expires: true},
		"credential_process":      {target: aws.Target{Profile: "process", Region: "r-1"}, kind: "process", text: "the credential_process of profile process", renew: "run it by hand"},
		"web identity":            {target: aws.Target{Profile: "web", Region: "r-1"}, kind: "web identity", text: "the web identity of profile web, as arn:aws:iam::111122223333:role/pod", renew: "/run/token"},
		"an instance's role":      {target: aws.Target{Profile: "machine", Region: "r-1"}, kind: "instance", text: "credential_source Ec2InstanceMetadata of profile machine, then arn:aws:iam::111122223333:role/ops"},
		"keys of a profile":       {target: aws.Target{Profile: "keys", Region: "r-1"}, kind: "profile", text: "keys of profile keys", renew: "aws configure --profile keys"},
		"a session of a profile":  {target: aws.Target{Profile: "session", Region: "r-1"}, kind: "profile", text: "a session of profile session", renew: "the tool that wrote it"},
		"nothing":                 {kind: "instance", text: "the instance's role", from: "profile default of "},
		"this machine":            {target: aws.Target{EndpointURL: "http://127.0.0.1:1"}, env: map[string]string{"AWS_PROFILE": "corp"}, kind: "local", text: "an endpoint on this machine checks neither", from: "default for an endpoint on this machine"},
	} {
		t.Run(name, func(t *testing.T) {
			env := files(t, tt.env)
			d, err := aws.Describe(t.Context(), tt.target, aws.Options{Getenv: getenv(env)})
			c := d.Credentials
			if err != nil || c.Kind != tt.kind || !strings.Contains(c.Text, tt.text) || !strings.Contains(c.Renew, tt.renew) || !strings.HasPrefix(d.RegionFrom, tt.from) || d.Target.Region == "" {
				t.Errorf("%v\n%+v\nregion %q from %q", err, c, d.Target.Region, d.RegionFrom)
			}
			if tt.expires != (c.Expires != nil) || tt.expires && !c.Expires.Equal(loginEnds()) {
				t.Errorf("expires %v", c.Expires)
			}
			if all := fmt.Sprintf("%+v", d); strings.Contains(all, "s3cret") || strings.Contains(all, "t0ken") {
				t.Errorf("a secret is told: %s", all)
			}
		})
	}
	env := files(t, nil)
	env["AWS_CONFIG_FILE"] = write(t, "config", "[profile bare]\n")
	d, err := aws.Describe(t.Context(), aws.Target{Profile: "keys"}, aws.Options{Getenv: getenv(env)})
	if err == nil || !strings.Contains(err.Error(), "no AWS region") || d.Credentials.Kind != "profile" {
		t.Errorf("without a region: %v, %+v", err, d.Credentials)
	}
}

// identityProvider is an SSO portal and STS.
type identityProvider struct {
	*httptest.Server
	refuse  atomic.Bool   // roles cannot be assumed
	expired atomic.Bool   // sessions are over
	signer  atomic.Value  // of the last GetCallerIdentity
	asked   atomic.Uint64 // for a role of the portal
}

func newIdentityProvider(t *testing.T) *identityProvider {
	t.Helper()
	p := &identityProvider{}
	p.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fail := func(code, message string) {
			w.WriteHeader(http.StatusForbidden)
			fmt.Fprintf(w, `<ErrorResponse><Error><Type>Sender</Type><Code>%s</Code><Message>%s</Message></Error><RequestId>r-1</RequestId></ErrorResponse>`, code, message)
		}
		end := time.Now().Add(time.Hour).UTC()
		switch {
		case r.URL.Path == "/federation/credentials":
			p.asked.Add(1)
			fmt.Fprintf(w, `{"roleCredentials":{"accessKeyId":"ssokey","secretAccessKey":"s","sessionToken":"t","expiration":%d}}`, end.UnixMilli())
		case r.FormValue("Action") == "AssumeRole" && p.refuse.Load():
			fail("AccessDenied", "User: arn:aws:sts::111122223333:assumed-role/reader/me is not authorized to perform: sts:AssumeRole on resource: "+r.FormValue("RoleArn"))
		case r.FormValue("Action") == "AssumeRole":
			fmt.Fprintf(w, `<AssumeRoleResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><AssumeRoleResult><Credentials><AccessKeyId>rolekey</AccessKeyId>
				<SecretAccessKey>s</SecretAccessKey><SessionToken>t</SessionToken><Expiration>%s</Expiration></Credentials></AssumeRoleResult></AssumeRoleResponse>`, end.Format(time.RFC3339))
		case p.expired.Load():
			fail("ExpiredToken", "The security token included in the request is expired")
		default:
			p.signer.Store(r.Header.Get("Authorization"))
			fmt.Fprint(w, `<GetCallerIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><GetCallerIdentityResult>
				<Arn>arn:aws:sts::111122223333:assumed-role/ops/me</Arn><UserId>x</UserId><Account>111122223333</Account></GetCallerIdentityResult></GetCallerIdentityResponse>`)
		}
	}))
	t.Cleanup(p.Close)
	return p
}

// A role that is assumed with an SSO login, through the SDK, and what is said when
// one of them is over or does not let in.
func TestRoleOfAnSSOLogin(t *testing.T) {
	p := newIdentityProvider(t)
	env := files(t, map[string]string{"AWS_ENDPOINT_URL_SSO": p.URL, "AWS_ENDPOINT_URL_STS": p.URL})
	options := aws.Options{Getenv: getenv(env), AuditPath: aws.NoAudit}
	target := aws.Target{Profile: "ops", EndpointURL: p.URL}
	id, expires, err := aws.Check(t.Context(), target, options)
	if err != nil || id.ARN != "arn:aws:sts::111122223333:assumed-role/ops/me" || expires == nil || time.Until(*expires) > time.Hour {
		t.Fatalf("%+v, %v, %v", id, expires, err)
	}
	if signer, _ := p.signer.Load().(string); !strings.Contains(signer, "Credential=rolekey/") || !strings.Contains(signer, "/ap-south-1/") || p.asked.Load() != 1 {
		t.Errorf("signed with %q, and the portal asked %d times", signer, p.asked.Load())
	}

	for name, tt := range map[string]struct {
		target  aws.Target
		expired bool
		refuse  bool
		want    string
	}{
		"a role's session is over":    {target: target, expired: true, want: "run `aws sso login --profile corp`"},
		"a profile's session is over": {target: aws.Target{Profile: "session", EndpointURL: p.URL}, expired: true, want: "the session of profile session is over: let the tool that wrote it write another"},
		"a role that refuses":         {target: target, refuse: true, want: "role/ops does not let these credentials in: it takes sts:AssumeRole"},
		"a login that has ended":      {target: aws.Target{Profile: "legacy", EndpointURL: p.URL}, want: "run `aws sso login --profile legacy`"},
		"a process that fails":        {target: aws.Target{Profile: "process", EndpointURL: p.URL}, want: "the credential_process of profile process failed: run it by hand"},
	} {
		t.Run(name, func(t *testing.T) {
			p.expired.Store(tt.expired)
			p.refuse.Store(tt.refuse)
			_, _, err := aws.Check(t.Context(), tt.target, options)
			kind, hint := aws.Classify(err)
			if kind != aws.KindAuth || !strings.Contains(hint, tt.want) || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("%v is of kind %q: %s", err, kind, hint)
			}
			if tt.expired && !strings.Contains(err.Error(), "the AWS credentials have expired") {
				t.Errorf("%v", err)
			}
		})
	}
}

// Of the environment's keys it is said which variables to renew.
func TestExpiredSessionInTheEnvironment(t *testing.T) {
	p := newIdentityProvider(t)
	p.expired.Store(true)
	env := files(t, map[string]string{"AWS_ACCESS_KEY_ID": "k", "AWS_SECRET_ACCESS_KEY": "s", "AWS_SESSION_TOKEN": "t", "AWS_ENDPOINT_URL_STS": p.URL})
	_, _, err := aws.Check(t.Context(), aws.Target{Region: "eu-west-1"}, aws.Options{Getenv: getenv(env), AuditPath: aws.NoAudit})
	if kind, hint := aws.Classify(err); kind != aws.KindAuth || !strings.Contains(hint, "put a new one into AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_SESSION_TOKEN") {
		t.Errorf("%v is of kind %q: %s", err, kind, hint)
	}
}
