// Package template writes a stage down for AWS: as CloudFormation templates, one for each
// stack, or as files for the Serverless Framework; and it tells what differs between two
// templates. It is pure: what it returns follows from what it is given, and the same
// project gives the same bytes.
package template

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/microfox-ai/aiwctl/aws/deploy/project"
)

// Document is the template of one stack.
type Document struct {
	Stack project.Stack
	// Body is CloudFormation's JSON, indented.
	Body []byte
}

// MetadataVersion is the version of the Metadata that this package writes.
const MetadataVersion = 1

// metadataKey is what a template's Metadata has ours under.
const metadataKey = "aiwctl"

// Metadata is what a template says of itself under Metadata.aiwctl: what a later
// deployment needs to know of this one and cannot see in AWS.
type Metadata struct {
	Version int    `json:"version"`
	Service string `json:"service"` // the project's, which groups share
	Stage   string `json:"stage"`
	Group   string `json:"group"` // empty in the base stack
	// Adopted are the stack's workers whose queues another tool has made, by id.
	Adopted map[string]project.Adopted `json:"adopted,omitempty"`
}

// ReadMetadata finds the Metadata of a template. found is false for a template that this
// package has not written; the error is of one that cannot be read, or that a later version
// of this package has written.
func ReadMetadata(body []byte) (m Metadata, found bool, err error) {
	var doc struct {
		Metadata struct {
			Ours *Metadata `json:"aiwctl"`
		}
	}
	if err := json.Unmarshal(body, &doc); err != nil {
		return m, false, fmt.Errorf("read the metadata of a template: %w", err)
	}
	if doc.Metadata.Ours == nil {
		return m, false, nil
	}
	if m = *doc.Metadata.Ours; m.Version > MetadataVersion {
		return m, true, fmt.Errorf("the stack of service %q, stage %q was deployed by a later aiwctl (metadata version %d, this one knows %d): update aiwctl", m.Service, m.Stage, m.Version, MetadataVersion)
	}
	return m, true, nil
}

// ArtifactPath is where an artifact is in a directory that templates are written into, with
// forward slashes. Its last part is that of Artifact.Key.
func ArtifactPath(a project.Artifact) string { return "artifacts/" + a.SHA256 + ".zip" }

// BucketParameter is the parameter of a template that is not bound to a bucket
// (Project.Bucket is empty): the bucket in which the artifacts are, each under its key.
const BucketParameter = "ArtifactBucket"

// CloudFormation writes the templates of a stage, in the order of its deployment. Every
// program and the API must have an artifact. The error is project.Problems when the stage does
// not fit into AWS's limits.
func CloudFormation(p *project.Project) ([]Document, error) {
	if err := needArtifacts(p); err != nil {
		return nil, err
	}
	var documents []Document
	var problems project.Problems
	for _, stack := range p.Stacks() {
		b := newBuilder(p, stack)
		for _, w := range stack.Workers {
			b.worker(w)
		}
		if stack.Base() {
			b.api()
		}
		body, err := b.body()
		if err != nil {
			return nil, fmt.Errorf("write the template of stack %s: %w", stack.Name, err)
		}
		b.checkSize(body)
		problems = append(problems, b.problems...)
		documents = append(documents, Document{Stack: stack, Body: body})
	}
	if len(problems) > 0 {
		return nil, problems
	}
	return documents, nil
}

// Check says what of a stage does not fit into AWS's limits, before anything of it is built: p
// need not have artifacts. What is only known later, such as the names of adopted queues, is
// left to CloudFormation, which says the same. p has to be one that project.Check finds right.
func Check(p *project.Project) project.Problems {
	trial := *p
	sha := strings.Repeat("0", sha256.Size*2)
	trial.API = project.Artifact{SHA256: sha, Key: p.ArtifactKey(sha)}
	trial.Programs = slices.Clone(p.Programs)
	for i := range trial.Programs {
		trial.Programs[i].Artifact = trial.API
	}
	_, err := CloudFormation(&trial)
	if problems, ok := errors.AsType[project.Problems](err); ok {
		return problems
	}
	return nil // any other error is told by CloudFormation
}

// needArtifacts refuses a project that is not built.
func needArtifacts(p *project.Project) error {
	for i := range p.Programs {
		if a := p.Programs[i].Artifact; a.SHA256 == "" || a.Key == "" {
			return fmt.Errorf("write the templates of %s: program %s is not built: it has no artifact", p.Service, p.Programs[i].Package)
		}
	}
	if p.API.SHA256 == "" || p.API.Key == "" {
		return fmt.Errorf("write the templates of %s: the function of the workers API is not built: it has no artifact", p.Service)
	}
	return nil
}

// body is the document as text.
func (b *builder) body() ([]byte, error) {
	doc := struct {
		AWSTemplateFormatVersion, Description string
		Metadata                              map[string]Metadata
		Parameters                            object `json:",omitempty"`
		Resources                             map[string]entry
		Outputs                               object
	}{
		"2010-09-09", b.description(), map[string]Metadata{metadataKey: b.metadata()}, nil, b.resources, b.outputs,
	}
	if b.p.Bucket == "" {
		doc.Parameters = object{BucketParameter: object{
			"Type": "String", "Description": "The bucket in which the functions' artifacts are",
		}}
	}
	text, err := marshal(doc)
	if err != nil {
		return nil, err
	}
	return layout(text), nil
}

func (b *builder) description() string {
	what := "Workers of " + b.p.Service
	if !b.stack.Base() {
		what += ", group " + b.stack.Group
	}
	return what + ", stage " + b.p.Stage + " (made by aiwctl push)"
}

func (b *builder) metadata() Metadata {
	m := Metadata{Version: MetadataVersion, Service: b.p.Service, Stage: b.p.Stage, Group: b.stack.Group}
	for _, w := range b.stack.Workers {
		if a, found := b.p.Adopted[w.ID]; found {
			if m.Adopted == nil {
				m.Adopted = map[string]project.Adopted{}
			}
			m.Adopted[w.ID] = a
		}
	}
	return m
}

// marshal writes JSON in one line, without escaping what only HTML would mind.
func marshal(v any) ([]byte, error) {
	var out bytes.Buffer
	enc := json.NewEncoder(&out)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return nil, err
	}
	return bytes.TrimSpace(out.Bytes()), nil
}

// arch is what functions run on.
func arch(p *project.Project) string { return string(cmp.Or(p.Arch, project.ARM64)) }
