package dispatch

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/microfox-ai/aiwctl/dispatch/internal/jsontext"
)

// Schema is a compiled JSON Schema. It is safe for concurrent use. A nil
// *Schema accepts every JSON text.
type Schema struct {
	raw json.RawMessage
	// doc is the schema as it is applied, with the order of its text.
	doc schemaDoc
	// check finds what does not fit; nil accepts everything.
	check jsontext.Checker
	// quick says yes to most texts at a fraction of the cost; nil when the schema is
	// not simple enough.
	quick *quick
	notes []string
	// facts are what Form tells of a place in doc, by its *jsontext.Node: a *facts.
	facts sync.Map
}

// SchemaEngine compiles schemas that say more than this package checks by itself.
// The one there is, is fullschema.Engine.
type SchemaEngine interface {
	CompileSource(src jsontext.Source) (jsontext.Checker, error)
}

// UnsupportedSchemaError is a schema that needs an engine and was given none.
type UnsupportedSchemaError struct {
	// Pointer is where in the schema, as a JSON pointer, and Keyword what.
	Pointer, Keyword string
}

// Error says what to do about it.
func (e *UnsupportedSchemaError) Error() string {
	at := e.Pointer
	if at == "" {
		at = "the root"
	}
	return fmt.Sprintf("the schema has %s at %s, which takes the full engine to check: package dispatch/fullschema", jsontext.QuoteShort(e.Keyword), at)
}

// SchemaOption changes how CompileSchema reads a schema.
type SchemaOption func(*schemaOptions)

type schemaOptions struct {
	outputMode bool
	engine     SchemaEngine
	// engineOnly leaves every schema to the engine, so that tests can compare.
	engineOnly bool
}

// WithEngine gives CompileSchema an engine for what it does not check by itself;
// fullschema.Compile does that. Nil means none.
func WithEngine(e SchemaEngine) SchemaOption { return func(o *schemaOptions) { o.engine = e } }

// TolerateOutputMode reads a schema published by the TypeScript system.
//
// What that system publishes under /workers/config describes what its Zod
// schemas give out, not what they take in: a property with a default is listed
// as required, and additionalProperties is false where the worker itself drops
// unknown properties silently. With this option a property with a default is
// not required, at any depth, and an additional property is a Violation with
// Warning set. Strings are checked as Zod checks them: by the pattern where one
// stands next to a format, and URLs as JavaScript reads them.
//
// Some of what a Zod schema takes does not show in its JSON Schema: prefault,
// catch, coerce, transforms, the flags of a regular expression. Input that needs
// those is refused; see WithoutValidation.
func TolerateOutputMode() SchemaOption { return func(o *schemaOptions) { o.outputMode = true } }

// Violation is one way in which a text does not fit a schema.
type Violation struct {
	// Pointer is the JSON pointer (RFC 6901) of the offending value; empty is
	// the root. A missing property belongs to the object that lacks it, an
	// additional one to the property itself. Empty for a syntax error.
	Pointer string `json:"pointer"`
	// Keyword is the schema keyword that failed; or "syntax" for text that is
	// not JSON, "number" for a number outside the range programs can read,
	// "duplicate" (a warning) for a property that is given twice, "more" for
	// those that are not listed one by one.
	Keyword string `json:"keyword"`
	// Message says what is wrong, in words and without control characters, such
	// as `must be a string, is a number (7)`.
	Message string `json:"message"`
	// Line and Column (in characters) are one-based positions in the text: of
	// the value, of the opening brace for a missing property, of the name for an
	// additional one. The end of the text counts as a position. Zero when the text
	// was checked elsewhere, see StatusError.
	Line   int `json:"line"`
	Column int `json:"column"`
	// Warning marks a violation that does not make the text invalid.
	Warning bool `json:"warning,omitempty"`
	// More is how many violations this one stands for; zero for an ordinary one.
	// Validate lists the first hundred of a text, in the order of the text, and
	// then one with the keyword "more" for all others; warnings likewise.
	More int `json:"more,omitempty"`
}

// String is the violation as one line: line and column where they are known,
// pointer, message.
func (v Violation) String() string {
	var b strings.Builder
	if v.Line > 0 {
		fmt.Fprintf(&b, "line %d, column %d: ", v.Line, v.Column)
	}
	if v.Pointer != "" {
		b.WriteString(jsontext.Printable(v.Pointer) + ": ")
	}
	b.WriteString(v.Message)
	return b.String()
}

// Valid reports whether vs holds nothing but warnings.
func Valid(vs []Violation) bool {
	return !slices.ContainsFunc(vs, func(v Violation) bool { return !v.Warning })
}

// ValidationError is returned when input does not fit its schema. Nothing was
// sent.
type ValidationError struct {
	// WorkerID is the worker whose schema it is; may be empty.
	WorkerID string
	// Violations holds the violations and warnings as Schema.Validate lists them.
	Violations []Violation
}

// maxErrorLines is how many violations Error spells out.
const maxErrorLines = 20

// Error names the worker and the first violations, one in a line when there are
// several.
func (e *ValidationError) Error() string {
	head := "input is invalid"
	if e.WorkerID != "" {
		head = fmt.Sprintf("input for worker %q is invalid", e.WorkerID)
	}
	var lines []string
	total := 0
	for _, v := range e.Violations {
		if v.Warning {
			continue
		}
		total += max(v.More, 1)
		if v.More == 0 && len(lines) < maxErrorLines {
			lines = append(lines, v.String())
		}
	}
	switch total {
	case 0:
		return head
	case 1:
		return head + ": " + strings.Join(lines, "")
	}
	if left := total - len(lines); left > 0 {
		lines = append(lines, fmt.Sprintf("and %d more", left))
	}
	return head + ":\n  " + strings.Join(lines, "\n  ")
}

// Validate checks JSON text and returns its violations, sorted by position: the
// first hundred, and how many more there are. A text that is not JSON has
// exactly one, with the keyword "syntax". No violations, or only warnings, means
// that the text is valid: see Valid.
func (s *Schema) Validate(text []byte) []Violation {
	if s != nil && s.quick.accepts(text) {
		return nil
	}
	parsed, problem := jsontext.Parse(text)
	if problem != nil {
		return place(text, []jsontext.Finding{{
			Off: problem.Off, Path: problem.Path, Keyword: problem.Keyword, Message: problem.Message,
		}}, jsontext.LeftOut{})
	}
	var found []jsontext.Finding
	var left jsontext.LeftOut
	if s != nil && s.check != nil {
		found, left = s.check.Check(parsed)
	}
	for _, d := range parsed.Duplicates {
		found = append(found, jsontext.Finding{Off: d.Off, Path: d.Path, Keyword: d.Keyword, Message: d.Message, Warning: true})
	}
	return place(text, found, left)
}

func place(text []byte, found []jsontext.Finding, left jsontext.LeftOut) []Violation {
	located := jsontext.Place(text, found, left)
	if len(located) == 0 {
		return nil
	}
	out := make([]Violation, len(located))
	for i, l := range located {
		out[i] = Violation(l)
	}
	return out
}

// Warnings says what of the schema could not be used, such as a pattern that no
// engine compiles. Patterns that take too long are added as they are met.
func (s *Schema) Warnings() []string {
	if s == nil {
		return nil
	}
	notes := slices.Clone(s.notes)
	if s.check != nil {
		notes = append(notes, s.check.Warnings()...)
	}
	return notes
}

// Raw is the schema as it was given; nil for a nil Schema.
func (s *Schema) Raw() json.RawMessage {
	if s == nil {
		return nil
	}
	return slices.Clone(s.raw)
}
