package runtime

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"math/big"
	"reflect"
	"strings"

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
//
// numbers says that a number may land in an any. Without, encoding/json needs no
// Decoder, which costs as much as the decoding of a small input.
func decodeJob[In any](input json.RawMessage, in *In, numbers bool) error {
	decode := decodeInput
	if !numbers {
		decode = func(input json.RawMessage, v any) error { return json.Unmarshal(input, v) }
	}
	err := decode(input, in)
	mismatch, ok := errors.AsType[*json.UnmarshalTypeError](err)
	if !ok || !strings.HasPrefix(mismatch.Value, "number") {
		return err
	}
	var again In // the first attempt may have filled in a part
	if decode(plainIntegers(input), &again) != nil {
		return err
	}
	*in = again
	return nil
}

// holdsAny reports whether encoding/json may put a value of its own choice
// somewhere into t.
func holdsAny(t reflect.Type, seen map[reflect.Type]bool) bool {
	if seen[t] {
		return false
	}
	if seen == nil {
		seen = map[reflect.Type]bool{}
	}
	seen[t] = true
	switch t.Kind() { //nolint:exhaustive // the other kinds hold nothing
	case reflect.Interface:
		return true
	case reflect.Pointer, reflect.Slice, reflect.Array, reflect.Map:
		return holdsAny(t.Elem(), seen)
	case reflect.Struct:
		for i := range t.NumField() {
			if holdsAny(t.Field(i).Type, seen) {
				return true
			}
		}
	}
	return false
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

// keepKnown edits v in place.
func keepKnown(s *shape, v any) {
	s = s.resolved()
	switch v := v.(type) {
	case map[string]any:
		for name, x := range v {
			switch property, known := s.known[name]; {
			case known:
				keepKnown(property, x)
			case s.closed:
				delete(v, name)
			case s.values != nil:
				keepKnown(s.values, x)
			}
		}
	case []any:
		if s.items == nil {
			return
		}
		for _, x := range v {
			keepKnown(s.items, x)
		}
	}
}
