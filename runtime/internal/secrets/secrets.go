// Package secrets reads a function's secrets when it starts: each variable
// AIWORKER_SECRET_<NAME> refers to one, in Systems Manager or Secrets Manager, and the
// variable NAME is set to what is found there.
//
// The two calls that this takes are signed and read by hand: that adds 64 kB to a worker's
// binary, and the SDK's clients of the two services would add 1.5 MB.
package secrets

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	awssdk "github.com/aws/aws-sdk-go-v2/aws"

	"github.com/microfox-ai/aiwctl/dispatch/secretref"
)

// loadTimeout is how long all of it may take: Lambda gives a function 10 seconds to start,
// and what is told after them is told to nobody.
const loadTimeout = 8 * time.Second

// maxNames is how many parameters one call of GetParameters may ask for.
const maxNames = 10

var errTimeout = fmt.Errorf("there was no answer within %s", loadTimeout)

// Process is the environment that references are read from and secrets are written to.
type Process struct {
	// Environ are its variables, as os.Environ has them.
	Environ []string
	// Setenv sets one.
	Setenv func(name, value string) error
	// HTTP carries requests; nil means a client made from the environment.
	HTTP awssdk.HTTPClient
	// Now is the clock that requests are signed by; nil means time.Now.
	Now func() time.Time
}

// variable is one to be set.
type variable struct {
	name string
	ref  secretref.Ref
}

// source is what is asked for once, however many variables want it or a field of it.
type source struct {
	store secretref.Store
	name  string
}

// Load reads the secrets and sets their variables, and returns how many it has set. A
// variable that is set already, be it to nothing, keeps its value and is not asked for.
// Without a reference nothing is done and no credentials are needed. When one secret cannot
// be read, none is set; the error tells of all that failed, each with its variable, its
// reference and what to do, and never shows a value.
func Load(ctx context.Context, p Process) (int, error) {
	env := environment(p.Environ)
	variables, errs := wanted(env)
	if len(variables) == 0 || len(errs) > 0 {
		return 0, errors.Join(errs...)
	}
	ctx, cancel := context.WithTimeoutCause(ctx, loadTimeout, errTimeout)
	defer cancel()
	c, err := newClient(p, func(name string) string { return env[name] })
	if err != nil {
		return 0, fmt.Errorf("read the secrets of %s: %w", names(variables), err)
	}
	texts, failed := c.readAll(ctx, sources(variables))
	values := make([]string, len(variables))
	for i, v := range variables {
		from := source{v.ref.Store, v.ref.Name}
		err := failed[from]
		if err == nil {
			values[i], err = field(texts[from], v.ref.Key)
		}
		if err == nil && strings.ContainsRune(values[i], 0) {
			err = errors.New("a variable cannot hold its NUL byte")
		}
		if err != nil {
			errs = append(errs, fmt.Errorf("read the secret of %s (%s): %w", v.name, v.ref, err))
		}
	}
	if len(errs) > 0 {
		return 0, errors.Join(errs...)
	}
	for i, v := range variables {
		if err := p.Setenv(v.name, values[i]); err != nil {
			return i, fmt.Errorf("set the variable %s to its secret: %w", v.name, err)
		}
	}
	return len(variables), nil
}

func environment(list []string) map[string]string {
	env := make(map[string]string, len(list))
	for _, kv := range list {
		if name, value, found := strings.Cut(kv, "="); found {
			env[name] = value
		}
	}
	return env
}

// wanted are the variables that a reference is there for and no value, by name.
func wanted(env map[string]string) (variables []variable, errs []error) {
	for _, key := range slices.Sorted(maps.Keys(env)) {
		name, found := strings.CutPrefix(key, secretref.EnvPrefix)
		if _, set := env[name]; !found || name == "" || set {
			continue
		}
		ref, err := secretref.Parse(env[key])
		if err != nil {
			errs = append(errs, fmt.Errorf("read the variable %s: %w", key, err))
			continue
		}
		variables = append(variables, variable{name, ref})
	}
	return variables, errs
}

func names(variables []variable) string {
	list := make([]string, len(variables))
	for i, v := range variables {
		list[i] = v.name
	}
	return strings.Join(list, ", ")
}

// sources are what the variables are read from, each once.
func sources(variables []variable) []source {
	var list []source
	for _, v := range variables {
		if s := (source{v.ref.Store, v.ref.Name}); !slices.Contains(list, s) {
			list = append(list, s)
		}
	}
	return list
}

// readAll reads them at the same time: each secret of Secrets Manager by a call of its own,
// parameters by ten.
func (c *client) readAll(ctx context.Context, list []source) (texts map[source]string, failed map[source]error) {
	texts, failed = make(map[source]string), make(map[source]error)
	var mu sync.Mutex
	var wg sync.WaitGroup
	report := func(s source, text string, err error) {
		mu.Lock()
		defer mu.Unlock()
		if err != nil {
			failed[s] = err
			return
		}
		texts[s] = text
	}
	parameters := map[string][]string{} // by region
	for _, s := range list {
		region := c.regionOf(s.name)
		if s.store == secretref.SSM {
			parameters[region] = append(parameters[region], s.name)
			continue
		}
		wg.Go(func() {
			text, err := c.secret(ctx, region, s.name)
			report(s, text, err)
		})
	}
	for region, all := range parameters {
		for some := range slices.Chunk(all, maxNames) {
			wg.Go(func() {
				c.parameters(ctx, region, some, func(name, text string, err error) {
					report(source{secretref.SSM, name}, text, err)
				})
			})
		}
	}
	wg.Wait()
	return texts, failed
}

// regionOf is where a parameter or secret is: an ARN says so.
func (c *client) regionOf(name string) string {
	if parts := strings.SplitN(name, ":", 6); len(parts) == 6 && parts[0] == "arn" && parts[3] != "" {
		return parts[3]
	}
	return c.env.Region("us-east-1")
}
