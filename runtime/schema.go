package runtime

import (
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"sync"

	"github.com/microfox-ai/aiwctl/dispatch"
)

// schema is a worker's input or output schema.
type schema struct {
	raw json.RawMessage
	// compile is called at most once. An inferred schema is compiled when the
	// first job needs it, so that a program with many workers starts at once and
	// one that only prints its manifest compiles nothing.
	compile func() (*dispatch.Schema, error)
}

// newSchema takes the author's schema, or infers one from t when that is empty.
func newSchema(given json.RawMessage, t reflect.Type) (*schema, error) {
	if len(given) > 0 {
		compiled, err := dispatch.CompileSchema(given)
		if err != nil {
			return nil, err
		}
		raw, err := compactJSON(given)
		if err != nil {
			return nil, err
		}
		return &schema{raw: raw, compile: func() (*dispatch.Schema, error) { return compiled, nil }}, nil
	}
	raw, err := inferSchema(t)
	if err != nil {
		return nil, err
	}
	return &schema{raw: raw, compile: sync.OnceValues(func() (*dispatch.Schema, error) {
		// An inferred schema is closed, so that whoever types an input hears of a
		// misspelt property. A worker that is already deployed must still accept
		// the message of a newer sender with a property more: here an unknown
		// property is a warning.
		return dispatch.CompileSchema(raw, dispatch.TolerateOutputMode())
	})}, nil
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
	return encodeJSON(json.RawMessage(slices.Clone(raw)))
}
