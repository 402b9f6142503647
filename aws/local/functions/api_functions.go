package functions

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"

	"github.com/microfox-ai/aiwctl/aws/local/wire"
)

// configuration is Lambda's FunctionConfiguration.
type configuration struct {
	FunctionName     string
	FunctionArn      string
	Runtime          string
	Role             string
	Handler          string
	CodeSize         int64
	Description      string
	Timeout          int // seconds
	MemorySize       int // MB
	LastModified     string
	CodeSha256       string
	Version          string
	TracingConfig    struct{ Mode string }
	RevisionId       string //nolint:revive // the API's spelling
	State            string `json:",omitempty"`
	LastUpdateStatus string `json:",omitempty"`
	PackageType      string
	Architectures    []string
	EphemeralStorage struct{ Size int }
	LoggingConfig    struct{ LogFormat, LogGroup string }
	Environment      *variables `json:",omitempty"`
}

type variables struct{ Variables map[string]string }

const (
	lastModifiedFormat = "2006-01-02T15:04:05.000-0700"
	functionsPerPage   = 50
)

func (m *Manager) configuration(f *function) configuration {
	spec := f.pool.spec
	c := configuration{
		FunctionName:     spec.Name,
		FunctionArn:      m.functionARN(spec.Name),
		Runtime:          spec.Runtime,
		Role:             cmp.Or(spec.Role, fmt.Sprintf("arn:aws:iam::%s:role/local", m.cfg.Account)),
		Handler:          spec.Handler,
		Description:      spec.Description,
		Timeout:          spec.timeoutSeconds(),
		MemorySize:       spec.MemoryMB,
		LastModified:     f.modified.UTC().Format(lastModifiedFormat),
		Version:          latest,
		RevisionId:       f.revision,
		State:            "Active",
		LastUpdateStatus: "Successful",
		PackageType:      "Zip",
		Architectures:    []string{spec.Architecture},
	}
	c.TracingConfig.Mode = "PassThrough"
	c.EphemeralStorage.Size = 512
	c.LoggingConfig.LogFormat = "Text"
	c.LoggingConfig.LogGroup = spec.LogGroup
	if c.CodeSize, c.CodeSha256 = spec.CodeSize, spec.CodeSHA256; c.CodeSha256 == "" {
		c.CodeSize, c.CodeSha256 = executable(spec)
	}
	shown := visible(append(slices.Clone(m.cfg.BaseEnv), spec.Env...))
	if spec.Owner != "" {
		shown = given(spec.Env)
	}
	if len(shown) > 0 {
		c.Environment = &variables{shown}
	}
	return c
}

// executable is the size of the executable, and a digest that changes when it is built
// anew: of its path, size and time, since reading it each time would cost too much.
func executable(spec Function) (int64, string) {
	path, err := exec.LookPath(spec.Command[0])
	if err != nil {
		return 0, ""
	}
	info, err := os.Stat(path)
	if err != nil {
		return 0, ""
	}
	sum := sha256.Sum256(fmt.Appendf(nil, "%s %d %d", path, info.Size(), info.ModTime().UnixNano()))
	return info.Size(), base64.StdEncoding.EncodeToString(sum[:])
}

var secretName = regexp.MustCompile(`(?i)(secret|token|passw|pwd|credential|private|auth|api_?key|access_?key|_key$|^key$|cookie|dsn$)`)

// visible are the variables of env that may be shown. Lambda shows all to whoever
// may call GetFunction; the local endpoint asks nobody who they are, so it leaves
// out what looks like a secret: by its name, or a URL with a password in it.
func visible(env []string) map[string]string {
	shown := map[string]string{}
	for _, entry := range env {
		key := keyOf(entry)
		if len(key) == len(entry) {
			continue
		}
		value := entry[len(key)+1:]
		delete(shown, key) // the last one counts
		if secretName.MatchString(key) || hasPassword(value) {
			continue
		}
		shown[key] = value
	}
	return shown
}

// given are all variables of env, for a function whose variables a client has given and may
// read back, as from Lambda.
func given(env []string) map[string]string {
	all := map[string]string{}
	for _, entry := range env {
		key, value, _ := strings.Cut(entry, "=")
		all[key] = value
	}
	return all
}

func hasPassword(value string) bool {
	if !strings.Contains(value, "@") {
		return false
	}
	u, err := url.Parse(value)
	if err != nil {
		return strings.Contains(value, "://")
	}
	_, has := u.User.Password()
	return has
}

func (m *Manager) listFunctions(_ context.Context, r *http.Request) (int, any, error) {
	// ALL asks for every version of each function, of which there is one.
	if v := r.URL.Query().Get("FunctionVersion"); v != "" && v != "ALL" {
		return 0, nil, wire.Errorf("ValidationException",
			"1 validation error detected: Value '%s' at 'functionVersion' failed to satisfy constraint: Member must satisfy enum value set: [ALL]", v)
	}
	m.mu.Lock()
	names := slices.Sorted(maps.Keys(m.functions))
	m.mu.Unlock()
	names, next, err := page(names, func(s string) string { return s }, r.URL.Query(), functionsPerPage)
	if err != nil {
		return 0, nil, err
	}
	out := struct {
		Functions  []configuration
		NextMarker *string `json:",omitempty"`
	}{Functions: []configuration{}, NextMarker: next}
	for _, name := range names {
		if f := m.function(name); f != nil {
			c := m.configuration(f)
			c.State, c.LastUpdateStatus = "", "" // which Lambda tells only of one function at a time
			out.Functions = append(out.Functions, c)
		}
	}
	return http.StatusOK, out, nil
}

func (m *Manager) function(name string) *function {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.functions[name]
}

// named is the function that a request's path and Qualifier name.
func (m *Manager) named(r *http.Request) (*function, error) {
	name := r.PathValue("name")
	if q := r.URL.Query().Get("Qualifier"); q != "" && q != latest {
		return nil, wire.NotFound("ResourceNotFoundException", "Function not found: %s:%s", m.functionARN(name), q)
	}
	name, err := m.resolve(name)
	if err != nil {
		return nil, err
	}
	if f := m.function(name); f != nil {
		return f, nil
	}
	return nil, m.notFound(name)
}

func (m *Manager) getFunction(_ context.Context, r *http.Request) (int, any, error) {
	f, err := m.named(r)
	if err != nil {
		return 0, nil, err
	}
	type concurrency struct{ ReservedConcurrentExecutions int }
	out := struct {
		Configuration configuration
		Code          struct{ RepositoryType, Location string }
		Concurrency   *concurrency      `json:",omitempty"`
		Tags          map[string]string `json:",omitempty"`
	}{Configuration: m.configuration(f)}
	out.Tags = m.copyTags(f)
	out.Code.RepositoryType = "Local"
	out.Code.Location = (&url.URL{Scheme: "file", Path: f.pool.spec.Command[0]}).String()
	if n := f.pool.spec.ReservedConcurrency; n > 0 {
		out.Concurrency = &concurrency{n}
	}
	return http.StatusOK, out, nil
}

func (m *Manager) getConfiguration(_ context.Context, r *http.Request) (int, any, error) {
	f, err := m.named(r)
	if err != nil {
		return 0, nil, err
	}
	return http.StatusOK, m.configuration(f), nil
}
