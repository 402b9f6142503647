package dispatch

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/santhosh-tekuri/jsonschema/v6/kind"
)

// schemaURL is the base of a schema without an $id. Nothing can be loaded from
// it or relative to it.
const schemaURL = "schema:///input"

// CompileSchema compiles a draft 2020-12 schema, or one of draft 4, 6, 7 or
// 2019-09 when its $schema says so. Formats are asserted. An empty or null raw
// accepts every input.
//
// References are followed inside the schema only: nothing is ever read from a
// file or fetched. A pattern that cannot be used is a warning, see
// Schema.Warnings; so is a $schema that is not known.
func CompileSchema(raw json.RawMessage, opts ...SchemaOption) (*Schema, error) {
	var o schemaOptions
	for _, opt := range opts {
		if opt != nil {
			opt(&o)
		}
	}
	s := &Schema{raw: slices.Clone(raw), patterns: &patternSet{}}
	defer s.patterns.finish()
	if trimmed := bytes.TrimSpace(raw); len(trimmed) == 0 || string(trimmed) == "null" {
		return s, nil
	}
	parsed, problem := parseText(raw)
	if problem != nil {
		line, column := newLocator(raw).at(problem.off)
		return nil, fmt.Errorf("compile schema: line %d, column %d: %s", line, column, problem.message)
	}
	switch parsed.value.(type) {
	case bool, map[string]any:
	default:
		return nil, fmt.Errorf("compile schema: it is %s, not an object or a boolean", describe(parsed.value))
	}
	parsed.root.indexAll()
	s.readDialect(parsed.value)
	s.doc = schemaDoc{value: parsed.value, node: &parsed.root, root: parsed.value, rootNode: &parsed.root}
	closed := false
	if o.outputMode {
		closed = relaxRequired(s.doc)
	}
	s.quick = compileQuick(parsed.value)
	if closed {
		// The same values with additionalProperties:false still in place.
		extras, err := s.compile(parsed.value, o)
		if err != nil {
			return nil, err
		}
		s.extras = extras
		openObjects(parsed.value)
	}
	check, err := s.compile(parsed.value, o)
	if err != nil {
		return nil, err
	}
	s.check = check
	return s, nil
}

// readDialect drops a $schema nobody knows: the alternative is a worker whose
// input cannot be checked at all.
func (s *Schema) readDialect(doc any) {
	root, ok := doc.(map[string]any)
	if !ok {
		return
	}
	dialect, ok := root["$schema"].(string)
	if !ok {
		return
	}
	name := strings.TrimSuffix(dialect, "#")
	name = strings.TrimPrefix(strings.TrimPrefix(name, "https://"), "http://")
	switch name {
	case "json-schema.org/schema",
		"json-schema.org/draft/2020-12/schema", "json-schema.org/draft/2019-09/schema",
		"json-schema.org/draft-07/schema", "json-schema.org/draft-06/schema", "json-schema.org/draft-04/schema":
		return
	}
	delete(root, "$schema")
	s.patterns.warn("$schema %s is not known; the schema is read as draft 2020-12", quoteShort(dialect))
}

func (s *Schema) compile(doc any, o schemaOptions) (*jsonschema.Schema, error) {
	c := jsonschema.NewCompiler()
	c.DefaultDraft(jsonschema.Draft2020)
	c.AssertFormat()
	c.UseLoader(noLoader{})
	c.UseRegexpEngine(s.patterns.engine)
	if mentions(doc, "propertyNames") {
		if err := registerNames(c); err != nil {
			return nil, err
		}
	}
	// The compiler keeps what it is given, openObjects edits it later, and
	// Skeleton wants the formats.
	doc = cloneValue(doc)
	if o.outputMode {
		zodChecks(doc)
		c.RegisterFormat(zodURI())
	}
	if err := c.AddResource(schemaURL, doc); err != nil {
		return nil, fmt.Errorf("compile schema: %w", err)
	}
	out, err := c.Compile(schemaURL)
	if err != nil {
		return nil, fmt.Errorf("compile schema: %w", err)
	}
	return out, nil
}

// noLoader refuses every reference that leaves the schema.
type noLoader struct{}

func (noLoader) Load(url string) (any, error) {
	return nil, fmt.Errorf("%s is outside the schema, and nothing is loaded: put it under $defs", quoteShort(url))
}

func cloneValue(v any) any {
	switch v := v.(type) {
	case map[string]any:
		out := make(map[string]any, len(v))
		for k, x := range v {
			out[k] = cloneValue(x)
		}
		return out
	case []any:
		out := make([]any, len(v))
		for i, x := range v {
			out[i] = cloneValue(x)
		}
		return out
	}
	return v
}

func mentions(v any, key string) bool {
	switch v := v.(type) {
	case map[string]any:
		if _, ok := v[key]; ok {
			return true
		}
		for _, x := range v {
			if mentions(x, key) {
				return true
			}
		}
	case []any:
		return slices.ContainsFunc(v, func(x any) bool { return mentions(x, key) })
	}
	return false
}

// The library reports a propertyNames failure with a path that shares memory
// with its siblings' (v6.0.3, validator.go: InstanceLocation = vd.vloc), so by
// the time it is read it may name another object. An extension that checks the
// keyword a second time reports the true path; the library's own report is
// dropped.

// badName is the kind of the extension's report.
type badName struct{ kind.PropertyNames }

type nameCheck struct{ names *jsonschema.Schema }

func (c nameCheck) Validate(ctx *jsonschema.ValidatorContext, v any) {
	object, ok := v.(map[string]any)
	if !ok {
		return
	}
	for name := range object {
		err := c.names.Validate(name)
		if failed, ok := err.(*jsonschema.ValidationError); ok { //nolint:errorlint // the documented type, never wrapped
			ctx.AddErrors(failed.Causes, &badName{kind.PropertyNames{Property: name}})
		}
	}
}

func registerNames(c *jsonschema.Compiler) error {
	const url = "schema:///property-names"
	meta := jsonschema.NewCompiler()
	if err := meta.AddResource(url, true); err != nil {
		return fmt.Errorf("compile schema: %w", err)
	}
	anything, err := meta.Compile(url)
	if err != nil {
		return fmt.Errorf("compile schema: %w", err)
	}
	c.RegisterVocabulary(&jsonschema.Vocabulary{
		URL:    url,
		Schema: anything,
		Compile: func(ctx *jsonschema.CompilerContext, obj map[string]any) (jsonschema.SchemaExt, error) {
			if _, ok := obj["propertyNames"]; !ok {
				return nil, nil
			}
			return nameCheck{names: ctx.Enqueue([]string{"propertyNames"})}, nil
		},
	})
	c.AssertVocabs()
	return nil
}
