package aws

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/microfox-ai/aiwctl/dispatch"
)

// maxManifest is the longest manifest that is read.
const maxManifest = 16 << 20

// ManifestError is returned by Open for a manifest that cannot be used.
type ManifestError struct {
	// Path is the file; "-" is standard input.
	Path string
	Err  error
}

// Error names the file and says how to make one that can be used.
func (e *ManifestError) Error() string {
	name := e.Path
	if name == "-" {
		name = "standard input"
	}
	return fmt.Sprintf("read the manifest of %s: %v; a worker program writes one: ./workers manifest > manifest.json", clean(name), e.Err)
}

// Unwrap is the cause.
func (e *ManifestError) Unwrap() error { return e.Err }

// readManifest reads the file that a worker binary's manifest subcommand has
// written.
func readManifest(path string, stdin io.Reader) (*dispatch.Manifest, error) {
	text, err := manifestText(path, stdin)
	if err == nil {
		var m *dispatch.Manifest
		if m, err = parseManifest(text); err == nil {
			return m, nil
		}
	}
	return nil, &ManifestError{Path: path, Err: err}
}

func manifestText(path string, stdin io.Reader) ([]byte, error) {
	in := stdin
	if path != "-" {
		f, err := os.Open(path)
		if err != nil {
			if p, ok := errors.AsType[*os.PathError](err); ok {
				err = p.Err // the path is said once
			}
			return nil, err
		}
		defer func() { _ = f.Close() }()
		in = f
	}
	text, err := io.ReadAll(io.LimitReader(in, maxManifest+1))
	if err == nil && len(text) > maxManifest {
		err = fmt.Errorf("it is longer than %d MiB", maxManifest>>20)
	}
	return text, err
}

func parseManifest(text []byte) (*dispatch.Manifest, error) {
	if len(bytes.TrimSpace(text)) == 0 {
		return nil, errors.New("it is empty")
	}
	var m dispatch.Manifest
	if err := json.Unmarshal(text, &m); err != nil {
		if at, ok := errors.AsType[*json.SyntaxError](err); ok {
			line := 1 + bytes.Count(text[:min(int(at.Offset), len(text))], []byte("\n"))
			return nil, fmt.Errorf("it is not JSON: line %d: %w", line, err)
		}
		return nil, fmt.Errorf("it is JSON, but no manifest: %w", err)
	}
	switch {
	case m.Version > dispatch.ManifestVersion:
		return nil, fmt.Errorf("it is of version %d, and this aiwctl knows up to %d: update aiwctl", m.Version, dispatch.ManifestVersion)
	case m.Version < 1:
		return nil, errors.New(`it is JSON, but no manifest: there is no "version"`)
	case len(m.Workers) == 0:
		return nil, errors.New("it lists no workers")
	}
	seen := make(map[string]bool)
	for i, w := range m.Workers {
		if w.ID == "" {
			return nil, fmt.Errorf("workers[%d] has no id", i)
		}
		if seen[w.ID] {
			return nil, fmt.Errorf("it lists worker %q twice", clean(w.ID))
		}
		seen[w.ID] = true
	}
	return &m, nil
}

// joinManifest gives the candidates what the manifest says of them. A worker whose
// id no source says is found by the name that a deployment gives its queue; names
// are only ever put together here, never taken apart. What is in the manifest and
// nowhere else is a finding; what is elsewhere and not in the manifest is not, since
// a stage may be made of several programs.
func (d *discovery) joinManifest() {
	m := d.s.manifest
	if m == nil {
		return
	}
	d.source(SourceManifest)
	stage := cmp.Or(d.t.Stage, d.stage)
	services := d.knownServices()
	for i := range m.Workers {
		w := &m.Workers[i]
		found := false
		for _, c := range d.cands {
			named := slices.ContainsFunc(services, func(service string) bool {
				return stage != "" && c.hasRef && c.ref.baseName() == service+"-"+w.ID+"-"+stage
			})
			if c.ID == w.ID || named && !c.listed {
				c.ID, found = w.ID, true
				c.declare(w)
			}
		}
		if !found && (d.configRead || d.mappingsRead) {
			d.finding(SeverityWarning, FindingNotDeployed, w.ID, "worker %s is in the manifest, and nothing of it was found in %s: deploy it, or check --stage, --service and --region", clean(w.ID), d.where())
		}
	}
}

// where is what was looked through, in words.
func (d *discovery) where() string {
	stage := cmp.Or(d.t.Stage, d.stage)
	if stage == "" {
		return d.t.Region
	}
	return "stage " + stage + " in " + d.t.Region
}

// declare takes over from the manifest what nothing else has said.
func (c *candidate) declare(w *dispatch.ManifestWorker) {
	c.declared = w
	c.Group = cmp.Or(c.Group, w.Group)
	c.Description = cmp.Or(c.Description, w.Description)
	if len(c.InputSchema) == 0 && len(w.InputSchema) > 0 && string(w.InputSchema) != "null" {
		c.InputSchema, c.schemaDeclared = w.InputSchema, true
	}
	if len(c.OutputSchema) == 0 && len(w.OutputSchema) > 0 && string(w.OutputSchema) != "null" {
		c.OutputSchema = w.OutputSchema
	}
}

// judgeManifest compares what is deployed with what the manifest says.
func (c *candidate) judgeManifest() {
	w := c.declared
	if w == nil {
		return
	}
	var differs []string
	say := func(what, deployed, declared string) {
		differs = append(differs, fmt.Sprintf("%s is %s (manifest: %s)", what, deployed, declared))
	}
	seconds := func(what string, deployed time.Duration, declared int) {
		if want := time.Duration(declared) * time.Second; declared > 0 && deployed != want {
			say(what, short(deployed), short(want))
		}
	}
	number := func(what string, deployed, declared int) {
		if deployed != declared {
			say(what, fmt.Sprint(deployed), fmt.Sprint(declared))
		}
	}
	if f := c.Function; f != nil && !f.Derived {
		seconds("the function's timeout", f.Timeout, w.TimeoutSeconds)
		if w.MemoryMB > 0 && f.MemoryMB != w.MemoryMB {
			say("its memory", fmt.Sprintf("%d MB", f.MemoryMB), fmt.Sprintf("%d MB", w.MemoryMB))
		}
	}
	if m := c.Mapping; m != nil {
		if w.SQS.BatchSize > 0 {
			number("the batch size", m.BatchSize, w.SQS.BatchSize)
		}
		number("the mapping's maximum concurrency", m.MaximumConcurrency, w.SQS.MaximumConcurrency)
	}
	if q := c.Queue; q != nil && c.queueErr == nil {
		seconds("the visibility timeout", q.VisibilityTimeout, w.SQS.VisibilityTimeoutSeconds)
		seconds("the retention", q.Retention, w.SQS.RetentionSeconds)
		if q.DeadLetterARN != "" && w.SQS.MaxReceiveCount > 0 {
			number("maxReceiveCount", q.MaxReceiveCount, w.SQS.MaxReceiveCount)
		}
		if q.FIFO != w.SQS.FIFO {
			say("the queue", queueKind(q), queueKind(&Queue{FIFO: w.SQS.FIFO}))
		}
	}
	if q := c.DLQ; q != nil && c.dlqErr == nil {
		seconds("the dead-letter queue's retention", q.Retention, w.SQS.DLQRetentionSeconds)
	}
	if len(differs) > 0 {
		c.problem(SeverityWarning, ProblemManifest, "%s deployed otherwise than its manifest says: %s; deploy it again, or name the manifest of what is deployed", "worker "+c.ID+" is", strings.Join(differs, ", "))
	}
}
