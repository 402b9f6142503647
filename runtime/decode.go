package runtime

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"math/big"
	"strings"

	"github.com/google/jsonschema-go/jsonschema"
	"github.com/microfox-ai/aiwctl/runtime/internal/jsonlog"
)

// decodeInput reads the input into v. Numbers keep all their digits: in an any
// they become json.Number.
func decodeInput(input json.RawMessage, v any) error {
	dec := json.NewDecoder(bytes.NewReader(input))
	dec.UseNumber()
	if err := dec.Decode(v); err != nil {
		return err
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return errors.New("more than one JSON value")
	}
	return nil
}

// decodeJob is decodeInput for a handler's type. JSON Schema takes 3.0 and 3e2 for
// integers, since JSON has one kind of number; encoding/json does not read them
// into an int. So what fails for a number is read once more with its whole
// numbers written plainly.
func decodeJob[In any](input json.RawMessage, in *In) error {
	err := decodeInput(input, in)
	mismatch, ok := errors.AsType[*json.UnmarshalTypeError](err)
	if !ok || !strings.HasPrefix(mismatch.Value, "number") {
		return err
	}
	var again In // the first attempt may have filled in a part
	if decodeInput(plainIntegers(input), &again) != nil {
		return err
	}
	*in = again
	return nil
}

// maxIntegerText is longer than any integer type of Go in decimal digits.
const maxIntegerText = 40

// plainIntegers writes whole numbers without a point and an exponent. text is
// valid JSON.
func plainIntegers(text []byte) []byte {
	var out bytes.Buffer
	inString := false
	for i := 0; i < len(text); i++ {
		c := text[i]
		switch {
		case inString && c == '\\':
			out.WriteByte(c)
			i++
			c = text[i]
		case c == '"':
			inString = !inString
		case !inString && (c == '-' || c >= '0' && c <= '9'):
			end := i
			for end < len(text) && strings.IndexByte("+-.eE0123456789", text[end]) >= 0 {
				end++
			}
			out.WriteString(plainInteger(string(text[i:end])))
			i = end - 1
			continue
		}
		out.WriteByte(c)
	}
	return out.Bytes()
}

func plainInteger(number string) string {
	// Longer ones fit no integer type, and their exponent could fill the memory.
	if !strings.ContainsAny(number, ".eE") || len(number) > maxIntegerText {
		return number
	}
	f, _, err := big.ParseFloat(number, 10, 200, big.ToNearestEven)
	if err != nil || !f.IsInt() || f.MantExp(nil) > 64 {
		return number
	}
	return f.Text('f', 0)
}

// dropUnknown takes the properties out of an input that its inferred schema does
// not know. They fit nothing, and still could change something: encoding/json
// fills the field "url" from a property "URL" too, which nobody has checked.
func (s *schema) dropUnknown(input json.RawMessage) (json.RawMessage, error) {
	if s.inferred == nil {
		return input, nil
	}
	var v any
	if err := decodeInput(input, &v); err != nil {
		return nil, err
	}
	keepKnown(s.inferred, v)
	return jsonlog.Encode(v)
}

// keepKnown edits v in place. An inferred schema has neither references nor
// alternatives.
func keepKnown(s *jsonschema.Schema, v any) {
	switch v := v.(type) {
	case map[string]any:
		rest := s.AdditionalProperties
		for name, x := range v {
			switch property, known := s.Properties[name]; {
			case known:
				keepKnown(property, x)
			case rest != nil && rest.Not != nil: // additionalProperties: false
				delete(v, name)
			case rest != nil:
				keepKnown(rest, x)
			}
		}
	case []any:
		if s.Items == nil {
			return
		}
		for _, x := range v {
			keepKnown(s.Items, x)
		}
	}
}
