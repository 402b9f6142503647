package aws

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"os"
	"strings"
	"time"

	awssdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/arn"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/credentials/ssocreds"
	"github.com/aws/smithy-go"
	"github.com/aws/smithy-go/middleware"
)

// CredentialsSource says where credentials come from; never what they are.
type CredentialsSource struct {
	// Kind is "environment", "profile", "sso", "login", "process", "web identity",
	// "container", "instance" or "local".
	Kind string `json:"kind"`
	// Role is the ARN of the role that is assumed with them; the last of several.
	Role string `json:"role,omitempty"`
	// Text says it in words.
	Text string `json:"text"`
	// Expires is when the login or the session ends, where that is known without
	// asking anybody.
	Expires *time.Time `json:"expires,omitempty"`
	// Renew is what to do when they have expired.
	Renew string `json:"renew,omitempty"`

	profile string
	// account is the one that the login is for.
	account string
	// missing is what to do when none can be had, if that is not Renew.
	missing string
	// login is true when the credentials come from a login service: then a
	// network that is down is not a login that has expired.
	login bool
}

// Account is the account that AWS's files say they are for; empty where they do not.
func (s CredentialsSource) Account() string {
	if role, err := arn.Parse(s.Role); err == nil {
		return role.AccountID
	}
	return s.account
}

// sourceOf finds the source of a configuration's credentials, in the SDK's own
// order: a profile that was asked for, keys in the environment, a web identity
// there, then the profile that AWS_PROFILE or nothing names.
// https://docs.aws.amazon.com/sdkref/latest/guide/standardized-credentials.html
func sourceOf(cfg awssdk.Config, t Target) CredentialsSource {
	if t.Loopback() && t.Profile == "" {
		return CredentialsSource{
			Kind: "local", Text: "access keys of the environment, else made-up ones: an endpoint on this machine checks neither",
			Renew: "the endpoint on this machine says that they have expired: take AWS_SESSION_TOKEN out of the environment",
		}
	}
	var env config.EnvConfig
	var shared *config.SharedConfig
	for _, s := range cfg.ConfigSources {
		switch s := s.(type) {
		case config.EnvConfig:
			env = s
		case config.SharedConfig:
			shared = &s
		}
	}
	asked := t.Profile != "" && !t.ambientProfile
	switch {
	case !asked && env.Credentials.HasKeys():
		s := CredentialsSource{
			Kind: "environment", Text: "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY",
			Renew: "put new keys into AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or unset them and pass --profile",
		}
		if env.Credentials.SessionToken != "" {
			s.Text += ", with AWS_SESSION_TOKEN"
			s.Renew = "the session in AWS_SESSION_TOKEN is over: put a new one into AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_SESSION_TOKEN, or unset all three and pass --profile"
		}
		return s
	case !asked && env.WebIdentityTokenFilePath != "":
		return CredentialsSource{
			Kind: "web identity", Role: env.RoleARN, Text: "the web identity in AWS_WEB_IDENTITY_TOKEN_FILE, as " + principal(env.RoleARN),
			Renew: "the token in AWS_WEB_IDENTITY_TOKEN_FILE has expired: whatever wrote it has to write another",
		}
	case shared == nil:
		return noSource(env)
	}
	s := ofProfile(shared, env)
	s.profile = t.Profile
	return s
}

// noSource is what is left when nothing names credentials.
func noSource(env config.EnvConfig) CredentialsSource {
	if env.ContainerCredentialsEndpoint != "" || env.ContainerCredentialsRelativePath != "" {
		return CredentialsSource{
			Kind: "container", Text: "the container's role, from AWS_CONTAINER_CREDENTIALS_*",
			Renew: "the container's credentials endpoint handed out credentials that are over: check the role of the task or the pod",
		}
	}
	return CredentialsSource{
		Kind: "instance", Text: "the instance's role, from its metadata service: nothing else names credentials",
		Renew:   "the instance's metadata service handed out credentials that are over: check the instance's profile and its clock",
		missing: "pass --profile, set AWS_PROFILE, or set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY",
	}
}

// ofProfile follows a profile to where its credentials come from: they may be a
// role's, with the login one or more profiles behind it.
func ofProfile(p *config.SharedConfig, env config.EnvConfig) CredentialsSource {
	named := "profile " + cmp.Or(p.Profile, "default")
	suffix := ""
	if p.Profile != "" {
		suffix = " --profile " + p.Profile
	}
	var s CredentialsSource
	switch {
	case p.Source != nil:
		s = ofProfile(p.Source, env)
	case p.Credentials.HasKeys():
		s = CredentialsSource{Kind: "profile", Text: "keys of " + named, Renew: "put new keys into " + named + ": run `aws configure" + suffix + "`"}
		if p.Credentials.SessionToken != "" {
			s.Text = "a session of " + named
			s.Renew = "the session of " + named + " is over: let the tool that wrote it write another"
		}
	case p.CredentialSource != "":
		s = noSource(env)
		s.Text, s.missing = "credential_source "+p.CredentialSource+" of "+named, "credential_source "+p.CredentialSource+" of "+named+" has none"
	case p.WebIdentityTokenFile != "":
		return CredentialsSource{
			Kind: "web identity", Role: p.RoleARN, Text: "the web identity of " + named + ", as " + principal(p.RoleARN),
			Renew: "the token in " + p.WebIdentityTokenFile + " has expired: whatever wrote it has to write another",
		}
	case p.SSOSession != nil || p.SSOStartURL != "":
		s = CredentialsSource{
			Kind: "sso", login: true, Text: "SSO as " + p.SSORoleName + " in account " + p.SSOAccountID + " of " + named,
			Renew: "the SSO session has expired or was never begun: run `aws sso login" + suffix + "`",
		}
		key := p.SSOStartURL
		if p.SSOSession != nil {
			key = p.SSOSession.Name
		}
		s.Expires = ssoExpiry(key)
		s.account = p.SSOAccountID
	case p.LoginSession != "":
		s = CredentialsSource{Kind: "login", login: true, Text: "the login of " + named, Renew: "the login session has expired: run `aws login" + suffix + "`"}
	case p.CredentialProcess != "":
		s = CredentialsSource{
			Kind: "process", Text: "the credential_process of " + named,
			Renew:   "the credential_process of " + named + " handed out credentials that have expired: run it by hand, and log in where it wants that",
			missing: "the credential_process of " + named + " failed: run it by hand to see why",
		}
	default:
		s = noSource(env)
		s.Text += " (" + named + " has none)"
	}
	if p.RoleARN != "" {
		s.Role = p.RoleARN
		s.Text += ", then " + principal(p.RoleARN)
	}
	return s
}

// ssoExpiry reads when a login ends from the AWS CLI's cache; nil when it does not
// say. Of the file, which holds the login's token, nothing else is looked at.
func ssoExpiry(key string) *time.Time {
	path, err := ssocreds.StandardCachedTokenFilepath(key)
	if err != nil {
		return nil
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return nil
	}
	var token struct {
		ExpiresAt time.Time `json:"expiresAt"`
	}
	if json.Unmarshal(text, &token) != nil || token.ExpiresAt.IsZero() {
		return nil
	}
	return &token.ExpiresAt
}

// explainedCredentials turns a provider's failure into a *CredentialsError.
type explainedCredentials struct {
	awssdk.CredentialsProvider
	source CredentialsSource
}

// Retrieve implements the SDK's CredentialsProvider.
func (p explainedCredentials) Retrieve(ctx context.Context) (awssdk.Credentials, error) {
	c, err := p.CredentialsProvider.Retrieve(ctx)
	if err == nil || ctx.Err() != nil {
		return c, err
	}
	kind, _ := Classify(err)
	if p.source.login && kind == KindNetwork {
		return c, err
	}
	remedy := cmp.Or(p.source.missing, p.source.Renew)
	if kind == KindDenied && p.source.Role != "" {
		remedy = principal(p.source.Role) + " does not let these credentials in: it takes sts:AssumeRole for it, and its trust policy"
	}
	return c, &CredentialsError{Profile: p.source.profile, Remedy: remedy, Err: err}
}

// tellExpired makes a *CredentialsError of a call that AWS refused for credentials
// that are over: only here it is known where they came from, and how to renew them.
func (s CredentialsSource) tellExpired(stack *middleware.Stack) error {
	return stack.Initialize.Add(middleware.InitializeMiddlewareFunc("TellExpired", func(
		ctx context.Context, in middleware.InitializeInput, next middleware.InitializeHandler,
	) (middleware.InitializeOutput, middleware.Metadata, error) {
		out, metadata, err := next.HandleInitialize(ctx, in)
		if api, ok := errors.AsType[smithy.APIError](err); ok && expired(api) {
			if _, told := errors.AsType[*CredentialsError](err); !told {
				text, _ := briefCause(err)
				err = &CredentialsError{Profile: s.profile, Expired: true, Remedy: s.Renew, Err: &callError{text: text, err: err}}
			}
		}
		return out, metadata, err
	}), middleware.Before)
}

// expired is whether AWS says that a session is over. A request that has expired is
// another thing: a clock that is wrong.
func expired(api smithy.APIError) bool {
	code := api.ErrorCode()
	return strings.HasPrefix(code[strings.LastIndexByte(code, '#')+1:], "ExpiredToken")
}

// Description is what is known of a target without a call.
type Description struct {
	// Target has what AWS's files say in it.
	Target Target `json:"-"`
	// RegionFrom and EndpointFrom say which file a region and an endpoint came from
	// that the target had not; empty when it had them.
	RegionFrom, EndpointFrom string
	Credentials              CredentialsSource
}

// Describe resolves a target as Open does, and says where what it finds in AWS's
// files comes from. It makes no call, and starts no credential_process.
func Describe(ctx context.Context, t Target, o Options) (Description, error) {
	o = o.withDefaults()
	before := t.Resolve(o.Getenv)
	cfg, after, _, err := loadConfig(ctx, before, o)
	noRegion := errors.Is(err, ErrNoRegion)
	if err != nil && !noRegion {
		return Description{Target: before}, err
	}
	if noRegion { // it says so, and the rest can be told
		if cfg, err = baseConfig(ctx, before, o); err != nil {
			return Description{Target: before}, err
		}
		after, err = before, ErrNoRegion
	}
	d := Description{Target: after, Credentials: sourceOf(cfg, after)}
	file := "AWS's files"
	for _, s := range cfg.ConfigSources {
		if shared, ok := s.(config.SharedConfig); ok {
			file = "profile " + cmp.Or(shared.Profile, "default") + " of " + cmp.Or(o.Getenv("AWS_CONFIG_FILE"), "~/.aws/config")
		}
	}
	if before.Region == "" && after.Region != "" {
		d.RegionFrom = file
		if after.Loopback() && after.Profile == "" {
			d.RegionFrom = "default for an endpoint on this machine"
		}
	}
	if before.EndpointURL == "" && after.EndpointURL != "" {
		d.EndpointFrom = file
	}
	return d, err
}

// Check asks AWS who we are, and says how long the credentials are good for; nil
// when they do not say.
func Check(ctx context.Context, t Target, o Options) (Identity, *time.Time, error) {
	s, err := Open(ctx, t, o)
	if err != nil {
		return Identity{}, nil, err
	}
	id, err := s.Identity(ctx)
	if err != nil {
		return id, nil, err
	}
	c, err := s.api.wires.credentials.Retrieve(ctx)
	if err != nil || !c.CanExpire {
		return id, nil, err
	}
	return id, &c.Expires, nil
}

// Profiles lists the profiles of AWS's files, sorted.
func Profiles(getenv func(string) string) []string { return knownProfiles(getenv) }
