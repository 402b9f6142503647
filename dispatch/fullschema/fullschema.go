// Package fullschema checks JSON Schemas whole: drafts 2020-12, 2019-09, 7, 6 and 4,
// formats, and patterns as JavaScript reads them. Package dispatch checks simple
// schemas by itself; who meets the schemas of others takes this package's Compile.
//
// It costs a program some two megabytes, and a few milliseconds at its start.
package fullschema

import (
	"encoding/json"
	"fmt"
	"slices"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/santhosh-tekuri/jsonschema/v6/kind"

	"github.com/microfox-ai/aiwctl/dispatch"
	"github.com/microfox-ai/aiwctl/dispatch/internal/jsontext"
)

// schemaURL is the base of a schema without an $id. Nothing can be loaded from
// it or relative to it.
const schemaURL = "schema:///input"

// Compile is dispatch.CompileSchema with the full engine. Formats are asserted. A
// pattern that cannot be used is a warning, see Schema.Warnings; so is a $schema
// that is not known.
func Compile(raw json.RawMessage, opts ...dispatch.SchemaOption) (*dispatch.Schema, error) {
	return dispatch.CompileSchema(raw, append(slices.Clone(opts), dispatch.WithEngine(Engine{}))...)
}

// Engine is the full engine; see dispatch.WithEngine.
type Engine struct{}

// CompileSource implements dispatch.SchemaEngine.
func (Engine) CompileSource(src jsontext.Source) (jsontext.Checker, error) {
	c := &checker{source: src, patterns: &patternSet{}}
	defer c.patterns.finish()
	if src.Closed != nil {
		var err error
		if c.extras, err = c.compile(src.Closed); err != nil {
			return nil, err
		}
	}
	var err error
	if c.check, err = c.compile(src.Doc); err != nil {
		return nil, err
	}
	return c, nil
}

// checker is a compiled schema.
type checker struct {
	source jsontext.Source
	// check decides what is valid.
	check *jsonschema.Schema
	// extras, when set, is check plus the additionalProperties:false that
	// TolerateOutputMode took out of it. It only makes warnings.
	extras   *jsonschema.Schema
	patterns *patternSet
}

// Check implements jsontext.Checker.
func (c *checker) Check(t *jsontext.Parsed) ([]jsontext.Finding, jsontext.LeftOut) {
	in := collector{schema: c, text: t}
	found := in.all(c.check.Validate(t.Value))
	if c.extras != nil {
		extras, _ := in.extras(asValidation(c.extras.Validate(t.Value)))
		for _, f := range extras {
			f.Warning = true
			f.Message = "is not a property the worker's schema knows"
			found = append(found, f)
		}
	}
	return found, in.left
}

// Pattern implements jsontext.Checker.
func (c *checker) Pattern(source string) (func(string) bool, bool) {
	re, err := c.patterns.engine(source)
	if err != nil {
		return nil, false
	}
	return re.MatchString, true
}

// Warnings implements jsontext.Checker.
func (c *checker) Warnings() []string { return c.patterns.list() }

// compile compiles one document.
func (c *checker) compile(doc any) (*jsonschema.Schema, error) {
	compiler := jsonschema.NewCompiler()
	compiler.DefaultDraft(jsonschema.Draft2020)
	compiler.AssertFormat()
	compiler.UseLoader(noLoader{})
	compiler.UseRegexpEngine(c.patterns.engine)
	if mentions(doc, "propertyNames") {
		if err := registerNames(compiler); err != nil {
			return nil, err
		}
	}
	if c.source.OutputMode {
		compiler.RegisterFormat(zodURI())
	}
	if err := compiler.AddResource(schemaURL, doc); err != nil {
		return nil, err
	}
	return compiler.Compile(schemaURL)
}

// noLoader refuses every reference that leaves the schema.
type noLoader struct{}

func (noLoader) Load(url string) (any, error) {
	return nil, fmt.Errorf("%s is outside the schema, and nothing is loaded: put it under $defs", jsontext.QuoteShort(url))
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
		return err
	}
	anything, err := meta.Compile(url)
	if err != nil {
		return err
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
