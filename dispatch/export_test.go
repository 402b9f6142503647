package dispatch

import "github.com/microfox-ai/aiwctl/dispatch/internal/jsontext"

// EngineOnly leaves a schema to its engine, even a simple one.
func EngineOnly() SchemaOption { return func(o *schemaOptions) { o.engineOnly = true } }

// QuickAccepts is what the quick check says of a text.
func QuickAccepts(s *Schema, text []byte) bool { return s.quick.accepts(text) }

// IsSimple reports whether a schema needs no engine.
func IsSimple(s *Schema) bool { return s.quick != nil }

// MaxViolations is how many violations are listed one by one.
const MaxViolations = jsontext.MaxFindings
