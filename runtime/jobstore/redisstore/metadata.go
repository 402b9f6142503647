package redisstore

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/microfox-ai/aiwctl/dispatch"
	"github.com/microfox-ai/aiwctl/runtime/jobstore"
)

// The keys of the metadata that are the runtime's. The deployed system has the
// first three.
const (
	keyProgress  = "progress"
	keyNote      = "progressMessage"
	keyTokens    = "tokenUsage"
	keyLastError = "lastError"
)

// metadata is the field of that name. The texts of its values stay what they are.
type metadata map[string]json.RawMessage

// readMetadata reads the field; empty when it is no object.
func readMetadata(raw string) metadata {
	m := metadata{}
	if err := json.Unmarshal([]byte(unwrap(raw)), &m); err != nil || m == nil {
		return metadata{}
	}
	return m
}

// fold puts into a record what the metadata says. A key of the runtime's whose
// value is not of its kind is the caller's, and stays in the metadata.
func (m metadata) fold(r *jobstore.Record) {
	taken := map[string]bool{}
	if p := m.progress(); p != nil {
		r.Progress = p
		taken[keyProgress], taken[keyNote] = true, true
	}
	if t := m.tokens(); t != nil {
		r.Tokens = t
		taken[keyTokens] = true
	}
	if e := m.lastError(); e != nil {
		r.LastError = e
		taken[keyLastError] = true
	}
	r.Metadata = make(map[string]any, len(m))
	for key, raw := range m {
		if !taken[key] {
			r.Metadata[key] = value(raw)
		}
	}
}

// progress is what the keys progress and progressMessage say. A worker that
// reported a message only has written the latter alone.
func (m metadata) progress() *jobstore.Progress {
	percent, isNumber := float(m[keyProgress])
	note, isText := value(m[keyNote]).(string)
	if !isNumber && (!isText || m[keyProgress] != nil && string(m[keyProgress]) != "null") {
		return nil
	}
	return &jobstore.Progress{Percent: percent, Message: note}
}

func (m metadata) tokens() *jobstore.Tokens {
	var fields struct {
		Input  json.RawMessage `json:"inputTokens"`
		Output json.RawMessage `json:"outputTokens"`
		Budget json.RawMessage `json:"budget"`
	}
	if json.Unmarshal(m[keyTokens], &fields) != nil || fields.Input == nil && fields.Output == nil {
		return nil
	}
	t := &jobstore.Tokens{Input: whole(fields.Input), Output: whole(fields.Output)}
	if _, ok := float(fields.Budget); ok {
		budget := whole(fields.Budget)
		t.Budget = &budget
	}
	return t
}

func (m metadata) lastError() *dispatch.JobError {
	var fields map[string]json.RawMessage
	if json.Unmarshal(m[keyLastError], &fields) != nil || fields["message"] == nil {
		return nil
	}
	return readError(string(m[keyLastError]))
}

// put sets a key, in the encoding of a JSON value of the deployed system.
func (m metadata) put(key string, v any) error {
	text, err := marshal(v)
	if err != nil {
		return fmt.Errorf("metadata %q: %w", key, err)
	}
	m[key] = text
	return nil
}

// merge puts a caller's metadata over m.
func (m metadata) merge(over map[string]any) error {
	for key, v := range over {
		if err := m.put(key, v); err != nil {
			return err
		}
	}
	return nil
}

func (m metadata) setProgress(p *jobstore.Progress) error {
	if p.Message == "" {
		delete(m, keyNote)
	} else if err := m.put(keyNote, short(p.Message)); err != nil {
		return err
	}
	return m.put(keyProgress, p.Percent)
}

// setLastError puts an error into the metadata, which every report of progress writes
// again.
func (m metadata) setLastError(e *dispatch.JobError) error {
	return m.put(keyLastError, shortError(e))
}

// text is the metadata as it is written.
func (m metadata) text() (string, error) {
	text, err := marshal(m)
	if err != nil {
		return "", fmt.Errorf("metadata: %w", err)
	}
	return string(text), nil
}

// maxText bounds a text that is for people. Upstash refuses a request above 1 MiB
// (https://upstash.com/pricing/redis), and a job must not fail to end because its error
// quotes a document.
const maxText = 16 << 10

func short(text string) string {
	if len(text) <= maxText {
		return text
	}
	return strings.ToValidUTF8(text[:maxText], "") + fmt.Sprintf("... (%d bytes)", len(text))
}

func shortError(e *dispatch.JobError) *dispatch.JobError {
	return &dispatch.JobError{Message: short(e.Message), Name: short(e.Name), Stack: short(e.Stack)}
}

// marshal writes JSON as JSON.stringify does, which leaves <, > and & alone.
func marshal(v any) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return nil, err
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), nil
}

// encode is marshal for values that always have a JSON text.
func encode(v any) json.RawMessage {
	text, err := marshal(v)
	if err != nil {
		return json.RawMessage("null")
	}
	return text
}

// value is a JSON text's value, with numbers as json.Number; nil if it has none.
func value(raw json.RawMessage) any {
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	var v any
	if d.Decode(&v) != nil {
		return nil
	}
	return v
}

// float is a JSON number's value.
func float(raw json.RawMessage) (float64, bool) {
	n, ok := value(raw).(json.Number)
	if !ok {
		return 0, false
	}
	f, err := n.Float64()
	return f, err == nil
}

// whole is a JSON number without its fraction; zero if it is none. JavaScript may
// write a count as 1e3.
func whole(raw json.RawMessage) int64 {
	if n, err := strconv.ParseInt(string(raw), 10, 64); err == nil {
		return n
	}
	f, ok := float(raw)
	if !ok || math.Abs(f) >= 1<<62 {
		return 0
	}
	return int64(f)
}
