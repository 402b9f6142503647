package secrets

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"strings"
	"time"

	awssdk "github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"

	"github.com/microfox-ai/aiwctl/runtime/internal/awsenv"
	"github.com/microfox-ai/aiwctl/runtime/internal/jsonlog"
	"github.com/microfox-ai/aiwctl/runtime/internal/pause"
)

const (
	// tries is how often a call is made that fails for a passing reason, tryTimeout how long
	// each may take, and firstPause the longest pause after the first, doubled each time.
	tries      = 5
	tryTimeout = 2500 * time.Millisecond
	firstPause = 100 * time.Millisecond
	// maxAnswer bounds an answer: ten parameters have 80 kB at most, a secret 64 kB.
	maxAnswer = 2 << 20
)

// service is one of the two that keep secrets.
type service struct {
	name   string // in host names and signatures
	env    string // in AWS_ENDPOINT_URL_<env>
	target string // of its operations
}

var (
	ssm            = service{"ssm", "SSM", "AmazonSSM"}
	secretsManager = service{"secretsmanager", "SECRETS_MANAGER", "secretsmanager"}
)

// client makes calls in AWS's JSON 1.1 protocol.
type client struct {
	env         awsenv.Getenv
	credentials awssdk.CredentialsProvider
	http        awssdk.HTTPClient
	now         func() time.Time
}

func newClient(p Process, getenv awsenv.Getenv) (*client, error) {
	c := &client{env: getenv, http: p.HTTP, now: p.Now}
	if c.now == nil {
		c.now = time.Now
	}
	provider, err := getenv.Credentials()
	if err != nil {
		return nil, err
	}
	c.credentials = awssdk.NewCredentialsCache(provider)
	if c.http == nil {
		c.http, err = getenv.HTTPClient()
	}
	return c, err
}

// apiError is AWS's refusal.
type apiError struct {
	status        int
	code, message string
}

func (e *apiError) Error() string {
	return fmt.Sprintf("AWS answered %s: %s", cmp.Or(e.code, fmt.Sprintf("status %d", e.status)), cmp.Or(e.message, "no reason given"))
}

func (e *apiError) denied() bool {
	return strings.Contains(e.code, "AccessDenied") || strings.Contains(e.code, "NotAuthorized") || strings.Contains(e.message, "kms:Decrypt")
}

// passing reports whether the same call may succeed a little later.
func (e *apiError) passing() bool {
	return e.status >= 500 || e.status == http.StatusTooManyRequests || strings.Contains(e.code, "Throttl") || strings.Contains(e.code, "TooManyRequests")
}

// call makes one call, again where that may help.
func (c *client) call(ctx context.Context, s service, region, operation string, in, out any) error {
	body, err := json.Marshal(in)
	if err != nil {
		return fmt.Errorf("write the request %s: %w", operation, err)
	}
	wait := firstPause
	for n := 1; ; n++ {
		err := c.try(ctx, s, region, operation, body, out)
		if err == nil {
			return nil
		}
		refused, ok := errors.AsType[*apiError](err)
		if ok && !refused.passing() || n == tries {
			return err
		}
		//nolint:gosec // a pause is no secret
		if ended := pause.Sleep(ctx, wait/2+rand.N(wait/2)); ended != nil {
			return fmt.Errorf("%w; the last try: %w", ended, err)
		}
		wait *= 2
	}
}

func (c *client) try(ctx context.Context, s service, region, operation string, body []byte, out any) error {
	ctx, cancel := context.WithTimeoutCause(ctx, tryTimeout, fmt.Errorf("%s did not answer within %s", s.name, tryTimeout))
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, c.endpoint(s, region), bytes.NewReader(body))
	if err != nil {
		return fmt.Errorf("make the request %s: %w", operation, err)
	}
	r.Close = true // the next call to this service is a start away
	r.Header.Set("Content-Type", "application/x-amz-json-1.1")
	r.Header.Set("X-Amz-Target", s.target+"."+operation)
	credentials, err := c.credentials.Retrieve(ctx)
	if err != nil {
		return fmt.Errorf("get the function's credentials: %w", err)
	}
	sum := sha256.Sum256(body)
	if err := v4.NewSigner().SignHTTP(ctx, credentials, r, hex.EncodeToString(sum[:]), s.name, region, c.now()); err != nil {
		return fmt.Errorf("sign the request %s: %w", operation, err)
	}
	resp, err := c.http.Do(r)
	if err != nil {
		return fmt.Errorf("call %s of %s: %w", operation, s.name, because(ctx, err))
	}
	defer func() { _ = resp.Body.Close() }() // it has been read
	answer, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	if err != nil {
		return fmt.Errorf("read the answer to %s of %s: %w", operation, s.name, because(ctx, err))
	}
	if resp.StatusCode != http.StatusOK {
		return refusal(resp, answer)
	}
	if err := json.Unmarshal(answer, out); err != nil {
		// The error of encoding/json may show a part of what it has read.
		return fmt.Errorf("%s answered %s with what is not its JSON", s.name, operation)
	}
	return nil
}

// because prefers what ended a call to how that showed.
func because(ctx context.Context, err error) error {
	if cause := context.Cause(ctx); cause != nil {
		return cause
	}
	return err
}

// refusal reads an error. It has a code and AWS's own sentence, which goes into the log.
func refusal(resp *http.Response, answer []byte) error {
	var body struct {
		Type    string `json:"__type"`
		Message string `json:"message"` // in either letter case
	}
	_ = json.Unmarshal(answer, &body) // what a proxy answers may be anything: the status tells then
	code, _, _ := strings.Cut(cmp.Or(body.Type, resp.Header.Get("X-Amzn-Errortype")), ":")
	code = code[strings.LastIndex(code, "#")+1:]
	return &apiError{status: resp.StatusCode, code: plain(code), message: plain(body.Message)}
}

func plain(text string) string {
	return jsonlog.Truncate(strings.Map(func(r rune) rune {
		if r < ' ' || r >= 0x7f && r < 0xa0 {
			return ' '
		}
		return r
	}, text), 500)
}

// endpoint is the environment's, or AWS's own.
func (c *client) endpoint(s service, region string) string {
	if given := c.env.Endpoint(s.env); given != "" {
		return strings.TrimRight(given, "/") + "/"
	}
	host := s.name
	// GovCloud's plain endpoint of Systems Manager is its FIPS endpoint.
	if c.env.IsTrue("AWS_USE_FIPS_ENDPOINT") && (s != ssm || !strings.HasPrefix(region, "us-gov-")) {
		host += "-fips"
	}
	return "https://" + host + "." + region + "." + domain(region, c.env.IsTrue("AWS_USE_DUALSTACK_ENDPOINT")) + "/"
}

// domain is what the names of a region's endpoints end in. Source: the partitions of the
// SDK's endpoint rules.
func domain(region string, dualStack bool) string {
	for _, p := range []struct{ prefix, domain, dual string }{
		{"cn-", "amazonaws.com.cn", "api.amazonwebservices.com.cn"},
		{"eusc-", "amazonaws.eu", "api.amazonwebservices.eu"},
		{"us-iso-", "c2s.ic.gov", "api.aws.ic.gov"},
		{"us-isob-", "sc2s.sgov.gov", "api.aws.scloud"},
		{"us-isof-", "csp.hci.ic.gov", "api.aws.hci.ic.gov"},
		{"eu-isoe-", "cloud.adc-e.uk", "api.cloud-aws.adc-e.uk"},
		{"", "amazonaws.com", "api.aws"},
	} {
		if strings.HasPrefix(region, p.prefix) {
			if dualStack {
				return p.dual
			}
			return p.domain
		}
	}
	return "" // the last prefix is of every region
}
