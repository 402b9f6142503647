package doctor

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/aws/smithy-go"

	"github.com/microfox-ai/aiwctl/aws"
)

// expiresSoon is how long before credentials expire it is worth a warning: a
// replay of a large queue takes that long.
const expiresSoon = 10 * time.Minute

// caller is who we are, as far as it could be found out.
type caller struct {
	aws.Identity
	checks []Check
	// refused is true when there are no credentials or AWS does not take them:
	// nothing that is signed is worth trying.
	refused bool
}

func (d *diagnosis) askIdentity(ctx context.Context) caller {
	var who caller
	var info aws.CredentialsInfo
	err := d.ask(ctx, func(ctx context.Context) (err error) {
		info, err = d.s.Credentials(ctx)
		return err
	})
	if err != nil {
		who.refused = refusedBy(err)
		who.checks = []Check{failed("credentials", err), {
			Name: "caller", Status: NotTried, Text: "there are no credentials to ask with",
		}}
		return who
	}
	who.checks = append(who.checks, d.credentialsCheck(info))
	if d.unreachable("sts") != nil {
		who.checks = append(who.checks, Check{Name: "caller", Status: NotTried, Text: "sts cannot be reached"})
		return who
	}
	err = d.ask(ctx, func(ctx context.Context) (err error) {
		who.Identity, err = d.s.Identity(ctx)
		return err
	})
	switch {
	case err != nil:
		who.refused = refusedBy(err)
		c := failed("caller", err)
		if api, ok := errors.AsType[smithy.APIError](err); ok && strings.Contains(api.ErrorCode(), "ClientTokenId") {
			c.Remedy += fmt.Sprintf("; a region that the account has not enabled answers the same: is %s enabled?", d.target.Region)
		}
		who.checks = append(who.checks, c)
	case strings.HasSuffix(who.ARN, ":root"):
		who.checks = append(who.checks, Check{
			Name: "caller", Status: Warning, Text: who.ARN + " in account " + who.Account + ": the root user, whom no policy binds",
			Remedy: "use a role with the policy of `aiwctl doctor --policy read`",
		})
	default:
		who.checks = append(who.checks, Check{Name: "caller", Status: OK, Text: who.ARN + " in account " + who.Account})
	}
	return who
}

// refusedBy is whether an error means that there are no good credentials.
func refusedBy(err error) bool {
	kind, _ := aws.Classify(err)
	return kind == aws.KindAuth
}

func (d *diagnosis) credentialsCheck(info aws.CredentialsInfo) Check {
	c := Check{Name: "credentials", Status: OK, Text: "from " + sourceName(info.Source)}
	if d.target.Profile != "" {
		c.Text += fmt.Sprintf(", profile %q", d.target.Profile)
	}
	if info.Expires.IsZero() {
		return c
	}
	left := info.Expires.Sub(d.o.Now()).Round(time.Second)
	c.Text += fmt.Sprintf(", expire in %s (%s)", left, info.Expires.UTC().Format(time.RFC3339))
	if left < expiresSoon {
		c.Status, c.Remedy = Warning, "renew them before you begin something long: log in again (`aws sso login`), or get new session credentials"
	}
	return c
}

// sourceName is the SDK's name for a source of credentials, in a person's words.
func sourceName(source string) string {
	for _, known := range []struct{ prefix, words string }{
		{"EnvConfigCredentials", "the environment (AWS_ACCESS_KEY_ID)"},
		{"SharedConfigCredentials", "the AWS credentials file"},
		{"SSOProvider", "SSO (`aws sso login`)"},
		{"LoginProvider", "`aws login`"},
		{"AssumeRoleProvider", "an assumed role"},
		{"WebIdentityCredentials", "an assumed role (web identity)"},
		{"ProcessProvider", "the profile's credential_process"},
		{"EC2RoleProvider", "this machine's instance profile"},
		{"CredentialsEndpointProvider", "the container's credentials endpoint"},
		{"StaticCredentials", "the environment, or made up for an endpoint on this machine"},
	} {
		if strings.HasPrefix(source, known.prefix) {
			return known.words
		}
	}
	if source == "" {
		return "a source without a name"
	}
	return source
}

// failed is the check of a call that failed: an error where AWS said no, unknown
// where nothing was said.
func failed(name string, err error) Check {
	kind, hint := aws.Classify(err)
	c := Check{Name: name, Status: Error, Text: aws.Brief(err), Remedy: hint}
	switch kind {
	case aws.KindNetwork, aws.KindThrottled, aws.KindOther:
		c.Status = Unknown
	case aws.KindNone, aws.KindAuth, aws.KindDenied, aws.KindNotFound, aws.KindInvalid:
	}
	if e, ok := errors.AsType[*aws.CredentialsError](err); ok {
		c.Text = "none: " + aws.Brief(e.Err) // its own text says the remedy once more
	}
	if errors.Is(err, context.DeadlineExceeded) {
		c.Text = "no answer in time"
	}
	if errors.Is(err, context.Canceled) {
		c.Status, c.Text, c.Remedy = Unknown, "interrupted", ""
	}
	return c
}
