package resources

import (
	"encoding/json"
	"fmt"
	"strconv"

	"github.com/microfox-ai/aiwctl/aws/local/wire"
)

// Values of properties, which JSON and YAML give as texts, numbers or booleans alike.

func text(v any) string {
	switch v := v.(type) {
	case nil:
		return ""
	case string:
		return v
	default:
		return fmt.Sprint(v)
	}
}

func object(v any) map[string]any { m, _ := v.(map[string]any); return m }

func list(v any) []any { l, _ := v.([]any); return l }

func isTrue(v any) bool { return text(v) == "true" }

// number is a whole number; otherwise is for a property that is not there.
func number(properties map[string]any, name string, otherwise int) (int, error) {
	v, ok := properties[name]
	if !ok {
		return otherwise, nil
	}
	n, err := strconv.Atoi(text(v))
	if err != nil {
		return 0, wire.Errorf("InvalidRequest", "#/%s: expected type: Integer, found: String", name)
	}
	return n, nil
}

// document is a value as JSON; a text is taken to be JSON already.
func document(v any) string {
	if s, ok := v.(string); ok {
		return s
	}
	b, err := json.Marshal(v)
	if err != nil { // what a template has can be written
		return ""
	}
	return string(b)
}
