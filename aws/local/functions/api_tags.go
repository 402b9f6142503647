package functions

import (
	"context"
	"maps"
	"net/http"
	"unicode/utf8"

	"github.com/microfox-ai/aiwctl/aws/local/wire"
)

// tagsVersion and concurrencyVersion begin the paths of operations that came to
// Lambda's API later.
const (
	tagsVersion        = "/2017-03-31"
	concurrencyVersion = "/2019-09-30"
)

const maxTags = 50

// tagsOf is the function whose ARN a request's path gives. Names do not do: Lambda
// wants the ARN here, without a version.
func (m *Manager) tagsOf(r *http.Request) (*function, error) {
	arn := r.PathValue("arn")
	name, err := m.resolve(arn)
	if err != nil || arn != m.functionARN(name) {
		return nil, wire.Errorf("InvalidParameterValueException", "%q is not the ARN of a function", arn)
	}
	if f := m.function(name); f != nil {
		return f, nil
	}
	return nil, m.notFound(name)
}

func (m *Manager) listTags(_ context.Context, r *http.Request) (int, any, error) {
	f, err := m.tagsOf(r)
	if err != nil {
		return 0, nil, err
	}
	return http.StatusOK, struct{ Tags map[string]string }{m.copyTags(f)}, nil
}

func (m *Manager) copyTags(f *function) map[string]string {
	m.mu.Lock()
	defer m.mu.Unlock()
	tags := map[string]string{}
	maps.Copy(tags, f.tags)
	return tags
}

func (m *Manager) tagResource(_ context.Context, r *http.Request) (int, any, error) {
	var in struct{ Tags map[string]string }
	if err := wire.ReadJSON(r, 1<<20, &in); err != nil {
		return 0, nil, err
	}
	return http.StatusNoContent, nil, m.changeTags(r, func(tags map[string]string) { maps.Copy(tags, in.Tags) })
}

func (m *Manager) untagResource(_ context.Context, r *http.Request) (int, any, error) {
	return http.StatusNoContent, nil, m.changeTags(r, func(tags map[string]string) {
		for _, key := range r.URL.Query()["tagKeys"] {
			delete(tags, key)
		}
	})
}

func (m *Manager) changeTags(r *http.Request, change func(map[string]string)) error {
	f, err := m.tagsOf(r)
	if err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	tags := map[string]string{}
	maps.Copy(tags, f.tags)
	change(tags)
	if len(tags) > maxTags {
		return wire.Errorf("InvalidParameterValueException", "a function has at most %d tags", maxTags)
	}
	for key, value := range tags {
		if n := utf8.RuneCountInString(key); n < 1 || n > 128 || utf8.RuneCountInString(value) > 256 {
			return wire.NewError("InvalidParameterValueException", "a tag's key has 1 to 128 characters, its value at most 256")
		}
	}
	f.tags = tags
	return nil
}

// Tags are the tags of every function that has some, by ARN.
func (m *Manager) Tags() map[string]map[string]string {
	m.mu.Lock()
	defer m.mu.Unlock()
	all := map[string]map[string]string{}
	for name, f := range m.functions {
		if len(f.tags) > 0 {
			all[m.functionARN(name)] = f.tags // replaced, never changed
		}
	}
	return all
}

func (m *Manager) getConcurrency(_ context.Context, r *http.Request) (int, any, error) {
	f, err := m.named(r)
	if err != nil {
		return 0, nil, err
	}
	var out struct {
		ReservedConcurrentExecutions *int `json:",omitempty"`
	}
	if n := f.pool.spec.ReservedConcurrency; n > 0 {
		out.ReservedConcurrentExecutions = &n
	}
	return http.StatusOK, out, nil
}
