package runtime

import (
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"sync"

	"github.com/microfox-ai/aiwctl/dispatch"
	"github.com/microfox-ai/aiwctl/runtime/internal/jsonlog"
)

// schema is a worker's input or output schema.
type schema struct {
	// text is the schema as it is published. That of an inferred one is written when
	// somebody asks: a function that starts needs it for one of its workers at most.
	text func() json.RawMessage
	// inferred is the schema as it was made from the Go type; nil when the author
	// gave one.
	inferred *shape
	// compile is called at most once. An inferred schema is compiled when the
	// first job needs it, so that a program with many workers starts at once and
	// one that only prints its manifest compiles nothing.
	compile func() (*dispatch.Schema, error)
}

// newSchema takes the author's schema, or infers one from t when that is empty.
func newSchema(given json.RawMessage, t reflect.Type, examples []any, engine dispatch.SchemaEngine) (*schema, error) {
	text, err := encodeExamples(t, examples)
	if err != nil {
		return nil, err
	}
	if len(given) > 0 {
		return newGivenSchema(given, examples, text, engine)
	}
	inferred, document, err := inferSchema(t)
	if err != nil {
		return nil, err
	}
	// An example of type t fits what was inferred from t, so this is all to check.
	s := &schema{inferred: inferred, text: sync.OnceValue(func() json.RawMessage { return withExamples(document(), text) })}
	s.compile = sync.OnceValues(func() (*dispatch.Schema, error) {
		// An inferred schema is closed, so that whoever types an input hears of a
		// misspelt property. A worker that is already deployed must still accept
		// the message of a newer sender with a property more: here an unknown
		// property is a warning.
		return dispatch.CompileSchema(s.text(), dispatch.TolerateOutputMode())
	})
	return s, nil
}

// newGivenSchema takes the author's schema. examples is also there as text.
func newGivenSchema(given json.RawMessage, examples []any, text json.RawMessage, engine dispatch.SchemaEngine) (*schema, error) {
	raw, err := compactJSON(given)
	if err != nil {
		return nil, err
	}
	if len(examples) > 0 {
		var members map[string]json.RawMessage
		if err := json.Unmarshal(raw, &members); err != nil {
			return nil, fmt.Errorf("the schema is not an object that an example could be added to: %w", err)
		}
		if _, taken := members["examples"]; taken {
			return nil, errors.New("the schema has examples of its own: add the example there")
		}
		raw = withExamples(raw, text)
	}
	compiled, err := dispatch.CompileSchema(raw, dispatch.WithEngine(engine))
	if _, needs := errors.AsType[*dispatch.UnsupportedSchemaError](err); needs {
		return nil, fmt.Errorf("%w, given by WithSchemaEngine(fullschema.Engine{})", err)
	}
	if err != nil {
		return nil, err
	}
	s := &schema{
		text:    func() json.RawMessage { return raw },
		compile: func() (*dispatch.Schema, error) { return compiled, nil },
	}
	return s, s.checkExamples(examples)
}

// encodeExamples writes the examples of an input of type t; nil when there are none.
func encodeExamples(t reflect.Type, examples []any) (json.RawMessage, error) {
	if len(examples) == 0 {
		return nil, nil
	}
	for _, x := range examples {
		if x == nil || !reflect.TypeOf(x).AssignableTo(t) {
			return nil, fmt.Errorf("the example is of type %T, the input of type %v", x, t)
		}
	}
	text, err := jsonlog.Encode(examples)
	if err != nil {
		return nil, fmt.Errorf("encode the example: %w", err)
	}
	return text, nil
}

// withExamples puts examples into the text of a schema, an object, whose order it
// keeps.
func withExamples(raw, examples json.RawMessage) json.RawMessage {
	if len(examples) == 0 {
		return raw
	}
	comma := ","
	if len(raw) == len("{}") {
		comma = ""
	}
	return slices.Concat(raw[:len(raw)-1], []byte(comma+`"examples":`), examples, []byte("}"))
}

// checkExamples refuses an example that does not fit the author's own schema.
func (s *schema) checkExamples(examples []any) error {
	for _, x := range examples {
		text, err := jsonlog.Encode(x)
		if err != nil {
			return fmt.Errorf("encode the example: %w", err)
		}
		violations, _, err := s.validate(text)
		if err != nil {
			return err
		}
		if len(violations) > 0 {
			return fmt.Errorf("the example %s does not fit the schema: %s", jsonlog.Truncate(string(text), 200), describeViolations(violations))
		}
	}
	return nil
}

// validate splits what does not fit into errors and warnings.
func (s *schema) validate(text []byte) (violations, warnings []dispatch.Violation, err error) {
	compiled, err := s.compile()
	if err != nil {
		return nil, nil, fmt.Errorf("compile the schema: %w", err)
	}
	for _, v := range compiled.Validate(text) {
		if v.Warning {
			warnings = append(warnings, v)
		} else {
			violations = append(violations, v)
		}
	}
	return violations, warnings, nil
}

func compactJSON(raw json.RawMessage) (json.RawMessage, error) {
	var v any
	if err := decodeInput(raw, &v); err != nil {
		return nil, err
	}
	return jsonlog.Encode(json.RawMessage(slices.Clone(raw)))
}
