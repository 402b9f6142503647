package deploy

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/microfox-ai/aiwctl/aws/deploy/project"
)

// body is what this package needs to know of a template.
type body struct {
	Resources map[string]bodyResource `json:"Resources"`
}

type bodyResource struct {
	Type                string
	DeletionPolicy      string
	UpdateReplacePolicy string
	Properties          struct {
		QueueName json.RawMessage
		FifoQueue json.RawMessage
		Code      struct{ S3Key json.RawMessage }
		Tags      json.RawMessage
	}
}

const queueType = "AWS::SQS::Queue"

func parseBody(text []byte) (body, error) {
	var b body
	if len(bytes.TrimSpace(text)) == 0 {
		return b, nil
	}
	if err := json.Unmarshal(text, &b); err != nil {
		return body{}, fmt.Errorf("it is no JSON template of ours: %w", err)
	}
	return b, nil
}

// text is a property that is a plain text; empty when it is anything else.
func text(raw json.RawMessage) string {
	var s string
	if json.Unmarshal(raw, &s) != nil {
		return ""
	}
	return s
}

// artifacts are the keys of the zip files that functions are made of, each once, with the
// workers that they hold.
func (b body) artifacts(of workers) map[string][]string {
	out := map[string][]string{}
	for logical, r := range b.Resources {
		key := text(r.Properties.Code.S3Key)
		if r.Type != "AWS::Lambda::Function" || key == "" {
			continue
		}
		if out[key] == nil {
			out[key] = []string{}
		}
		if id := of.worker(logical); id != "" {
			out[key] = append(out[key], id)
		}
	}
	for key := range out {
		slices.Sort(out[key])
	}
	return out
}

// workers tells which worker a resource of a template is of.
type workers struct {
	tagged   map[string]string // logical id -> worker
	prefixes []prefix          // the longest first
}

type prefix struct{ logical, worker string }

// workersOf reads the workers' tags in a template: what bears none is recognised by the way in
// which logical ids begin.
func workersOf(b body) workers {
	w := workers{tagged: map[string]string{}}
	known := map[string]bool{}
	for logical, r := range b.Resources {
		var tags []struct{ Key, Value any }
		if json.Unmarshal(r.Properties.Tags, &tags) != nil {
			continue
		}
		for _, t := range tags {
			id, ok := t.Value.(string)
			if t.Key != project.TagWorker || !ok {
				continue
			}
			w.tagged[logical] = id
			if !known[id] {
				known[id] = true
				w.prefixes = append(w.prefixes, prefix{project.LogicalID(id, ""), id})
			}
		}
	}
	slices.SortFunc(w.prefixes, func(a, b prefix) int {
		return cmp.Or(len(b.logical)-len(a.logical), strings.Compare(a.logical, b.logical))
	})
	return w
}

// ids are the workers, sorted.
func (w workers) ids() []string {
	out := make([]string, len(w.prefixes))
	for i, p := range w.prefixes {
		out[i] = p.worker
	}
	slices.Sort(out)
	return out
}

// worker is the id of the worker that a resource is of; empty when it is of none.
func (w workers) worker(logical string) string {
	if id := w.tagged[logical]; id != "" {
		return id
	}
	for _, p := range w.prefixes {
		if strings.HasPrefix(logical, p.logical) {
			return p.worker
		}
	}
	return ""
}

// sameTemplate is whether two templates say the same, however they are laid out.
func sameTemplate(a, b []byte) bool {
	return bytes.Equal(a, b) || canonical(a) != "" && canonical(a) == canonical(b)
}

// canonical is JSON text in one layout; empty when it is none.
func canonical(text []byte) string {
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.UseNumber()
	var v any
	if dec.Decode(&v) != nil {
		return ""
	}
	out, err := json.Marshal(v)
	if err != nil {
		return ""
	}
	return string(out)
}

// hash is a text's SHA-256 in hex.
func hash(text []byte) string {
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:])
}
