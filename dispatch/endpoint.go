package dispatch

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net/url"
	"os"
	"strings"

	"github.com/microfox-ai/aiwctl/dispatch/internal/jsontext"
)

// The variables a caller reads, in the deployed system and here.
const (
	envBaseURL    = "WORKER_BASE_URL"
	envTriggerURL = "WORKERS_TRIGGER_API_URL"
	envConfigURL  = "WORKERS_CONFIG_API_URL"
	// envPublicBaseURL is where a Next.js program keeps what its browser part may
	// know, too.
	envPublicBaseURL = "NEXT_PUBLIC_WORKER_BASE_URL"
	envKey           = "WORKERS_API_KEY"
	envTriggerKey    = "WORKERS_TRIGGER_API_KEY"
	envConfigKey     = "WORKERS_CONFIG_API_KEY"
	envProjectID     = "MICROFOX_PROJECT_ID"
	envNodeEnv       = "NODE_ENV"
	envLocalMode     = "WORKERS_LOCAL_MODE"
)

// firstEnv is the first variable that is set to something. getenv nil means
// os.Getenv.
func firstEnv(getenv func(string) string, names ...string) string {
	if getenv == nil {
		getenv = os.Getenv
	}
	for _, name := range names {
		if v := strings.TrimSpace(getenv(name)); v != "" {
			return v
		}
	}
	return ""
}

// BaseURLFromEnv is WORKER_BASE_URL, else WORKERS_TRIGGER_API_URL, else
// WORKERS_CONFIG_API_URL (the caller precedence of the deployed system), else
// NEXT_PUBLIC_WORKER_BASE_URL. Empty when none is set. getenv nil means os.Getenv.
func BaseURLFromEnv(getenv func(string) string) string {
	return firstEnv(getenv, envBaseURL, envTriggerURL, envConfigURL, envPublicBaseURL)
}

// TriggerKeyFromEnv is WORKERS_TRIGGER_API_KEY, else WORKERS_API_KEY, else the
// key derived from MICROFOX_PROJECT_ID, else empty. That is the caller's
// precedence; a deployed API looks at WORKERS_API_KEY first.
func TriggerKeyFromEnv(getenv func(string) string) string {
	return keyFromEnv(getenv, envTriggerKey)
}

// ConfigKeyFromEnv is WORKERS_CONFIG_API_KEY, else WORKERS_API_KEY, else the key
// derived from MICROFOX_PROJECT_ID, else empty.
func ConfigKeyFromEnv(getenv func(string) string) string {
	return keyFromEnv(getenv, envConfigKey)
}

func keyFromEnv(getenv func(string) string, own string) string {
	if key := firstEnv(getenv, own, envKey); key != "" {
		return key
	}
	if project := firstEnv(getenv, envProjectID); project != "" {
		return DeriveKey(project)
	}
	return ""
}

// DeriveKey is hex(sha256("microfox-workers:"+projectID)), the key of a project
// that has set none. The id is used as it is, dashes included.
func DeriveKey(projectID string) string {
	sum := sha256.Sum256([]byte("microfox-workers:" + projectID))
	return hex.EncodeToString(sum[:])
}

// TriggerURL turns any accepted form of base URL into the trigger endpoint's:
// https://host/stage, with or without a slash at the end, or the full URL of
// /workers/trigger or /workers/config. Query and fragment are dropped.
func TriggerURL(base string) (string, error) { return endpointURL(base, "trigger") }

// ConfigURL is TriggerURL for the config endpoint.
func ConfigURL(base string) (string, error) { return endpointURL(base, "config") }

func endpointURL(base, name string) (string, error) {
	u, err := url.Parse(strings.TrimSpace(base))
	if err != nil {
		// The parser's own text quotes the whole URL, which may hold a password.
		if parse, ok := errors.AsType[*url.Error](err); ok {
			err = parse.Err
		}
		return "", fmt.Errorf("base URL of the workers API: %w", err)
	}
	if u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		return "", fmt.Errorf("base URL of the workers API: %s does not start with http:// or https:// and a host",
			jsontext.QuoteShort(u.Redacted()))
	}
	path := strings.TrimRight(u.EscapedPath(), "/")
	for _, own := range []string{"/workers/trigger", "/workers/config"} {
		if rest, ok := strings.CutSuffix(path, own); ok {
			path = strings.TrimRight(rest, "/")
			break
		}
	}
	out := *u
	out.RawQuery, out.ForceQuery, out.Fragment, out.RawFragment = "", false, "", ""
	out.RawPath = path + "/workers/" + name
	if out.Path, err = url.PathUnescape(out.RawPath); err != nil {
		return "", fmt.Errorf("base URL of the workers API: %w", err)
	}
	return out.String(), nil
}
