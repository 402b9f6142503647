package jsontext

// Checker is a compiled schema.
type Checker interface {
	// Check says what of a text does not fit, and how much it has left out.
	Check(t *Parsed) ([]Finding, LeftOut)
	// Pattern compiles a regular expression as the checker reads it; false when it
	// reads none, or not this one.
	Pattern(source string) (match func(string) bool, ok bool)
	// Warnings says what of the schema could not be used.
	Warnings() []string
}

// Source is a schema as an engine gets it. The engine may keep it.
type Source struct {
	// Doc is what decides; Closed, unless nil, is Doc with the
	// additionalProperties:false that make warnings only.
	Doc, Closed any
	// OutputMode says that the schema is one of the TypeScript system.
	OutputMode bool
	// PartsOfAll is how many schemas stand in the allOf at a place of the schema.
	PartsOfAll func(schemaURL string) int
}
