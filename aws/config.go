package aws

import (
	"bufio"
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"slices"
	"strings"
	"time"

	awssdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/smithy-go/logging"

	"github.com/microfox-ai/aiwctl/dispatch"
)

// ErrNoRegion is returned by Open when nothing names a region.
var ErrNoRegion = errors.New("no AWS region: pass --region, set AWS_REGION, or give the profile a region in the AWS config file")

// ErrEndpoint is returned by Open when the endpoint is no URL that can be called.
var ErrEndpoint = errors.New("the endpoint is no http or https URL with a host, such as http://127.0.0.1:4566: check --endpoint-url, AIWCTL_ENDPOINT_URL and AWS_ENDPOINT_URL")

// ProfileError is returned by Open when the profile is not in the AWS config
// and credentials files.
type ProfileError struct {
	Profile string
	// Known lists the profiles there are, sorted.
	Known []string
	Err   error
}

// Error names the profile and those that exist.
func (e *ProfileError) Error() string {
	if len(e.Known) == 0 {
		return fmt.Sprintf("no AWS profile %q: the AWS config and credentials files have no profiles", e.Profile)
	}
	return fmt.Sprintf("no AWS profile %q: there is %s", e.Profile, strings.Join(e.Known, ", "))
}

// Unwrap is the SDK's error.
func (e *ProfileError) Unwrap() error { return e.Err }

// CredentialsError is the error of every call for which no credentials could be
// had, and of one that AWS refused because those it came with have expired.
type CredentialsError struct {
	Profile string
	// Expired is true for the latter.
	Expired bool
	// Remedy is what to do, as a sentence.
	Remedy string
	Err    error
}

// Error says what to do after what went wrong.
func (e *CredentialsError) Error() string {
	what := "no AWS credentials"
	if e.Expired {
		what = "the AWS credentials have expired"
	}
	if e.Profile != "" {
		what += fmt.Sprintf(" for profile %q", e.Profile)
	}
	return fmt.Sprintf("%s: %s (%v)", what, e.Remedy, e.Err)
}

// Unwrap is the credential provider's error.
func (e *CredentialsError) Unwrap() error { return e.Err }

// localRegion and localKey serve a loopback endpoint, which checks neither.
const (
	localRegion = "us-east-1"
	localKey    = "local"
)

// maxAttempts is the SDK's "up to": it stops earlier when its retry quota is used
// up. With maxBackoff they are over within about ten seconds, so that who waits for
// a reading is told that AWS throttles, and not that time ran out. The SDK's
// adaptive mode would wait for as long as its caller does.
const (
	maxAttempts = 5
	maxBackoff  = 4 * time.Second
)

// loadConfig loads the SDK's configuration for a resolved target, and fills in
// what only the configuration knows: the region and the endpoint of the
// profile. It makes no call.
func loadConfig(ctx context.Context, t Target, o Options) (awssdk.Config, Target, *countingClient, error) {
	cfg, err := baseConfig(ctx, t, o)
	if err != nil {
		return awssdk.Config{}, t, nil, err
	}
	if t.EndpointURL == "" && cfg.BaseEndpoint != nil {
		t.EndpointURL = *cfg.BaseEndpoint
	}
	if t.EndpointURL != "" {
		cfg.BaseEndpoint = awssdk.String(t.EndpointURL)
	}
	if t.Loopback() {
		cfg.Region = cmp.Or(cfg.Region, localRegion)
		// Nobody throttles here, and an endpoint that is not running should be
		// reported at once.
		cfg.Retryer = func() awssdk.Retryer {
			return retry.NewStandard(func(so *retry.StandardOptions) {
				so.MaxAttempts, so.MaxBackoff = 2, 100*time.Millisecond
			})
		}
	} else if cfg.RetryMode == "" && cfg.Retryer == nil {
		attempts := cmp.Or(cfg.RetryMaxAttempts, maxAttempts)
		cfg.Retryer = func() awssdk.Retryer {
			return retry.NewStandard(func(so *retry.StandardOptions) { so.MaxAttempts, so.MaxBackoff = attempts, maxBackoff })
		}
	}
	if cfg.Region == "" {
		return awssdk.Config{}, t, nil, ErrNoRegion
	}
	t.Region = cfg.Region

	var next dispatch.Doer = cfg.HTTPClient
	if o.HTTPClient != nil {
		next = o.HTTPClient
	}
	limit := o.MaxCalls
	if limit == 0 && !t.Loopback() {
		limit = DefaultMaxCalls
	}
	counter := &countingClient{next: dispatch.StableHTTPClient(next), plain: next, pacer: newPacer(limit)}
	cfg.HTTPClient = counter
	source := sourceOf(cfg, t)
	if cfg.Credentials != nil {
		renewed := newRenewedCredentials(cfg.Credentials, o.Now, func(ctx context.Context) (awssdk.CredentialsProvider, error) {
			fresh, err := baseConfig(ctx, t, o)
			return fresh.Credentials, err
		})
		cfg.Credentials = explainedCredentials{CredentialsProvider: renewed, source: source}
		cfg.APIOptions = append(cfg.APIOptions, renewed.watch)
	}
	cfg.APIOptions = append(cfg.APIOptions, source.tellExpired, tellBriefly)
	return cfg, t, counter, nil
}

func baseConfig(ctx context.Context, t Target, o Options) (awssdk.Config, error) {
	if t.Loopback() && t.Profile == "" {
		cfg := localConfig(t, o.Getenv)
		cfg.Logger = sdkLogger(o.Logger)
		return cfg, nil
	}
	load := []func(*config.LoadOptions) error{config.WithHTTPClient(newSDKClient()), config.WithLogger(sdkLogger(o.Logger))}
	if t.Profile != "" && !t.ambientProfile {
		load = append(load, config.WithSharedConfigProfile(t.Profile))
	}
	if t.Region != "" {
		load = append(load, config.WithRegion(t.Region))
	}
	if f := o.Getenv("AWS_CONFIG_FILE"); f != "" {
		load = append(load, config.WithSharedConfigFiles([]string{f}))
	}
	if f := o.Getenv("AWS_SHARED_CREDENTIALS_FILE"); f != "" {
		load = append(load, config.WithSharedCredentialsFiles([]string{f}))
	}
	cfg, err := config.LoadDefaultConfig(ctx, load...)
	if missing, ok := errors.AsType[config.SharedConfigProfileNotExistError](err); ok {
		return awssdk.Config{}, &ProfileError{
			Profile: cmp.Or(missing.Profile, t.Profile),
			Known:   knownProfiles(o.Getenv),
			Err:     err,
		}
	}
	if _, ok := errors.AsType[config.AssumeRoleTokenProviderNotSetError](err); ok {
		return awssdk.Config{}, fmt.Errorf("profile %q wants a one-time code (mfa_serial), which cannot be asked for here: get a session with another tool and use its credentials: %w", t.Profile, err)
	}
	if err != nil {
		return awssdk.Config{}, fmt.Errorf("load the AWS configuration: %w", err)
	}
	return cfg, nil
}

// sdkLogger hands on what the SDK logs.
func sdkLogger(log *slog.Logger) logging.Logger {
	return logging.LoggerFunc(func(c logging.Classification, format string, args ...any) {
		level := slog.LevelDebug
		if c == logging.Warn {
			level = slog.LevelWarn
		}
		log.Log(context.Background(), level, clean(fmt.Sprintf(format, args...)), "source", "aws-sdk-go")
	})
}

// localConfig is the configuration of a loopback endpoint. It reads no AWS
// file, and asks no metadata service and no login service for credentials:
// access keys in the environment are used, else made-up ones.
func localConfig(t Target, getenv func(string) string) awssdk.Config {
	id, secret, token := getenv("AWS_ACCESS_KEY_ID"), getenv("AWS_SECRET_ACCESS_KEY"), getenv("AWS_SESSION_TOKEN")
	if id == "" || secret == "" {
		id, secret, token = localKey, localKey, ""
	}
	return awssdk.Config{
		Region:      t.Region,
		HTTPClient:  newSDKClient(),
		Credentials: credentials.NewStaticCredentialsProvider(id, secret, token),
	}
}

// knownProfiles lists the profiles of the AWS files. What cannot be read is not
// listed: the error it goes into is about something else.
func knownProfiles(getenv func(string) string) []string {
	var names []string
	for _, path := range []string{
		cmp.Or(getenv("AWS_CONFIG_FILE"), config.DefaultSharedConfigFilename()),
		cmp.Or(getenv("AWS_SHARED_CREDENTIALS_FILE"), config.DefaultSharedCredentialsFilename()),
	} {
		f, err := os.Open(path)
		if err != nil {
			continue
		}
		lines := bufio.NewScanner(f)
		for lines.Scan() {
			if name, ok := profileSection(lines.Text()); ok {
				names = append(names, name)
			}
		}
		_ = f.Close()
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// profileSection reads "[profile name]", "[default]" and, as the credentials
// file has it, "[name]".
func profileSection(line string) (string, bool) {
	head, _, ok := strings.Cut(strings.TrimSpace(line), "]")
	if !ok || !strings.HasPrefix(head, "[") {
		return "", false
	}
	fields := strings.Fields(head[1:])
	switch {
	case len(fields) == 1:
		return fields[0], true
	case len(fields) == 2 && fields[0] == "profile":
		return fields[1], true
	}
	return "", false // sso-session, services
}

var _ dispatch.Doer = (*http.Client)(nil)
