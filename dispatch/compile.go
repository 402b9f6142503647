package dispatch

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/microfox-ai/aiwctl/dispatch/internal/jsontext"
)

// CompileSchema compiles a draft 2020-12 schema. An empty or null raw accepts every
// input.
//
// This package checks by itself what types of Go and simple objects say: types,
// properties, required, additionalProperties, propertyNames, items, enum and const of
// texts, patterns that Go reads, limits of numbers, lengths and lists, date-time,
// anyOf, and references within $defs. Other keywords, and drafts 4, 6, 7 and 2019-09
// where $schema names them, need the engine of package dispatch/fullschema, whose
// Compile is CompileSchema with that engine; without it they are an
// *UnsupportedSchemaError. A worker that needs no engine links none, and starts the
// sooner for it.
//
// References are followed inside the schema only: nothing is ever read from a
// file or fetched.
func CompileSchema(raw json.RawMessage, opts ...SchemaOption) (*Schema, error) {
	var o schemaOptions
	for _, opt := range opts {
		if opt != nil {
			opt(&o)
		}
	}
	s := &Schema{raw: slices.Clone(raw)}
	if trimmed := bytes.TrimSpace(raw); len(trimmed) == 0 || string(trimmed) == "null" || string(trimmed) == "true" {
		return s, nil
	}
	parsed, problem := jsontext.Parse(raw)
	if problem != nil {
		line, column := jsontext.NewLocator(raw).At(problem.Off)
		return nil, fmt.Errorf("compile schema: line %d, column %d: %s", line, column, problem.Message)
	}
	switch parsed.Value.(type) {
	case bool, map[string]any:
	default:
		return nil, fmt.Errorf("compile schema: it is %s, not an object or a boolean", jsontext.Describe(parsed.Value))
	}
	parsed.Root.IndexAll()
	s.readDialect(parsed.Value)
	s.doc = schemaDoc{value: parsed.Value, node: &parsed.Root, root: parsed.Value, rootNode: &parsed.Root}
	closed := o.outputMode && relaxRequired(s.doc)
	quick, unknown := compileQuick(parsed.Value)
	if unknown == nil && !o.engineOnly {
		s.quick, s.check = quick, simpleCheck{root: quick, tolerant: o.outputMode}
		return s, nil
	}
	if o.engine == nil {
		return nil, fmt.Errorf("compile schema: %w", unknown)
	}
	source := jsontext.Source{OutputMode: o.outputMode, PartsOfAll: s.partsOfAll}
	if closed {
		// The same values with additionalProperties:false still in place.
		source.Closed = asApplied(parsed.Value, o)
		openObjects(parsed.Value)
	}
	source.Doc = asApplied(parsed.Value, o)
	check, err := o.engine.CompileSource(source)
	if err != nil {
		return nil, fmt.Errorf("compile schema: %w", err)
	}
	s.check = check
	return s, nil
}

// asApplied is a copy of a schema for an engine, which keeps what it is given; and
// Skeleton wants the formats.
func asApplied(doc any, o schemaOptions) any {
	doc = cloneValue(doc)
	if o.outputMode {
		zodChecks(doc)
	}
	return doc
}

// partsOfAll is how many schemas stand in the allOf of a place in the schema; 1
// when that cannot be told, and then every part counts for itself.
func (s *Schema) partsOfAll(schemaURL string) int {
	_, pointer, _ := strings.Cut(schemaURL, "#")
	at, _ := s.doc.at("#" + pointer)
	all, _ := at.child("allOf")
	return max(len(all.array()), 1)
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
	s.notes = append(s.notes, "$schema "+jsontext.QuoteShort(dialect)+" is not known; the schema is read as draft 2020-12")
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
