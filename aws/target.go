package aws

import (
	"cmp"
	"net"
	"net/url"
	"strconv"
	"strings"

	"github.com/microfox-ai/aiwctl/dispatch"
)

// DefaultStage is the stage of a target when nothing names one, as in the
// deployed system's own tools.
const DefaultStage = "prod"

// Target names a stage: the workers one project has deployed to one account,
// region and stage. Empty fields are resolved by Resolve, then by Open.
type Target struct {
	// Profile is the AWS shared-config profile; empty means AIWCTL_PROFILE, then
	// AWS_PROFILE. A loopback endpoint ignores AWS_PROFILE: what it names has
	// credentials that may have to be fetched over the network, and nothing on
	// this machine asks for them.
	Profile string `json:"profile,omitempty"`
	// Region; empty means AIWCTL_REGION, AWS_REGION, AWS_DEFAULT_REGION, the
	// profile's, and "us-east-1" for a loopback endpoint.
	Region string `json:"region,omitempty"`
	// Stage is the deployment stage; empty means AIWCTL_STAGE, then what
	// workers/config says, or without it the functions' ENVIRONMENT or STAGE
	// variables when they agree, then DefaultStage. Discovery leaves other stages out
	// only when the stage was named.
	Stage string `json:"stage,omitempty"`
	// Service limits discovery to functions and queues of one service name;
	// empty means AIWCTL_SERVICE, then no limit.
	Service string `json:"service,omitempty"`
	// Prefix limits discovery to queues and functions whose names begin with it;
	// empty means AIWCTL_PREFIX, then no limit.
	Prefix string `json:"prefix,omitempty"`
	// Tags limit discovery to workers of which the queue or the function carries
	// all of these tags: key=value, or a key alone for any value, separated by commas,
	// which no tag of AWS contains; several values of one key are alternatives. Empty
	// means AIWCTL_TAGS, then no limit.
	Tags string `json:"tags,omitempty"`
	// Manifest is a file with what a worker program says of its workers, "-" for
	// standard input; empty means AIWCTL_MANIFEST, then none.
	Manifest string `json:"manifest,omitempty"`
	// BaseURL of the workers API; empty means AIWCTL_BASE_URL, then
	// dispatch.BaseURLFromEnv, then none. For a loopback endpoint the last of
	// these counts only when it is on this machine too: the API of a deployed
	// stage must not mix with local queues.
	BaseURL string `json:"baseUrl,omitempty"`
	// EndpointURL replaces every AWS endpoint; empty means AIWCTL_ENDPOINT_URL,
	// then AWS_ENDPOINT_URL, then the profile's endpoint_url, then AWS itself.
	// A loopback endpoint needs no credentials and no region.
	EndpointURL string `json:"endpointUrl,omitempty"`
	// ReadOnly refuses every write. AIWCTL_READ_ONLY sets it too: see ReadOnlyFrom.
	ReadOnly bool `json:"readOnly,omitempty"`

	// ambientProfile is true when Profile came from AWS_PROFILE. The SDK and the
	// AWS CLI let access keys in the environment win over that variable, but not
	// over a profile that was asked for.
	ambientProfile bool
}

// Resolve fills empty fields from the environment. It reads no file and makes
// no call; what remains empty is Open's to fill.
func (t Target) Resolve(getenv func(string) string) Target {
	first := func(names ...string) string {
		for _, name := range names {
			if v := getenv(name); v != "" {
				return v
			}
		}
		return ""
	}
	t.EndpointURL = cmp.Or(t.EndpointURL, getenv("AIWCTL_ENDPOINT_URL"))
	if t.EndpointURL == "" && !truthy(getenv("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS")) {
		t.EndpointURL = getenv("AWS_ENDPOINT_URL")
	}
	t.Profile = cmp.Or(t.Profile, getenv("AIWCTL_PROFILE"))
	if p := getenv("AWS_PROFILE"); t.Profile == "" && p != "" && !t.Loopback() {
		t.Profile, t.ambientProfile = p, true
	}
	t.Region = cmp.Or(t.Region, first("AIWCTL_REGION", "AWS_REGION", "AWS_DEFAULT_REGION"))
	t.Stage = cmp.Or(t.Stage, getenv("AIWCTL_STAGE"))
	t.Service = cmp.Or(t.Service, getenv("AIWCTL_SERVICE"))
	t.Prefix = cmp.Or(t.Prefix, getenv("AIWCTL_PREFIX"))
	t.Tags = cmp.Or(t.Tags, getenv("AIWCTL_TAGS"))
	t.Manifest = cmp.Or(t.Manifest, getenv("AIWCTL_MANIFEST"))
	t.BaseURL = cmp.Or(t.BaseURL, getenv("AIWCTL_BASE_URL"))
	if t.BaseURL == "" {
		if base := dispatch.BaseURLFromEnv(getenv); !t.Loopback() || loopbackURL(base) {
			t.BaseURL = base
		}
	}
	t.ReadOnly = t.ReadOnly || ReadOnlyFrom(getenv("AIWCTL_READ_ONLY"))
	return t
}

// Loopback reports whether EndpointURL is on this machine: localhost, a name
// below it, or a loopback address.
func (t Target) Loopback() bool { return loopbackURL(t.EndpointURL) }

// loopbackURL judges by the host as written. It never looks a name up: a name
// that happens to resolve to 127.0.0.1 is somebody's choice, not a fact about
// this machine.
func loopbackURL(raw string) bool {
	u, err := url.Parse(raw)
	if err != nil || raw == "" {
		return false
	}
	host := strings.TrimSuffix(strings.ToLower(u.Hostname()), ".")
	if host == "localhost" || strings.HasSuffix(host, ".localhost") {
		return true
	}
	ip := net.ParseIP(host)
	return ip != nil && ip.IsLoopback()
}

// callable is whether raw is a URL that a request can be sent to.
func callable(raw string) bool {
	u, err := url.Parse(raw)
	return err == nil && (u.Scheme == "http" || u.Scheme == "https") && u.Host != ""
}

// redactURL is raw without its password, for messages and the audit trail.
func redactURL(raw string) string {
	u, err := url.Parse(raw)
	if err != nil {
		return "(not a URL)"
	}
	return u.Redacted()
}

// ReadOnlyFrom reads AIWCTL_READ_ONLY. Whoever writes yes, or anything else that
// does not say no, means it: the other mistake could not be taken back.
func ReadOnlyFrom(v string) bool {
	b, err := strconv.ParseBool(strings.ToLower(strings.TrimSpace(v)))
	switch strings.ToLower(strings.TrimSpace(v)) {
	case "", "no", "off":
		return false
	}
	return err != nil || b
}

func truthy(v string) bool {
	b, err := strconv.ParseBool(strings.TrimSpace(v))
	return err == nil && b
}
