package wire

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"reflect"
	"strconv"
	"strings"
	"time"

	"github.com/aws/smithy-go/encoding/cbor"
)

// CBOR makes an operation of RPC v2 of the typed function that JSON makes one of
// the JSON protocols of. In and Out are structs with encoding/json's tags; their
// values are strings, booleans, numbers, times as Time, and structs, pointers and
// slices of these.
func CBOR[In, Out any](f func(ctx context.Context, in *In) (*Out, error)) Operation {
	return func(ctx context.Context, call *Call, dst []byte) ([]byte, error) {
		in := new(In)
		if err := unmarshalCBOR(call.Body, in); err != nil {
			return dst, err
		}
		out, err := f(ctx, in)
		if err != nil {
			return dst, err
		}
		if out == nil {
			return append(dst, cbor.Encode(cbor.Map{})...), nil
		}
		v, err := cborOf(reflect.ValueOf(out))
		if err != nil {
			return dst, err
		}
		return append(dst, cbor.Encode(v)...), nil
	}
}

func cborError(code, message string) []byte {
	return cbor.Encode(cbor.Map{"__type": cbor.String(code), "message": cbor.String(message)})
}

// unmarshalCBOR goes by way of JSON, which knows how to fill structs: the protocol's
// values are JSON's, except for times, which are tagged numbers.
func unmarshalCBOR(body []byte, in any) error {
	if len(body) == 0 {
		return nil
	}
	v, err := cbor.Decode(body)
	if err != nil {
		return Serialization("the request body is not CBOR: %v", err)
	}
	text, err := json.Marshal(plain(v))
	if err != nil {
		return Serialization("the request body is not what the operation takes: %v", err)
	}
	return Unmarshal(text, in)
}

// plain is v as encoding/json writes it.
func plain(v cbor.Value) any {
	switch v := v.(type) {
	case cbor.Map:
		m := make(map[string]any, len(v))
		for key, value := range v {
			m[key] = plain(value)
		}
		return m
	case cbor.List:
		list := make([]any, len(v))
		for i, value := range v {
			list[i] = plain(value)
		}
		return list
	case *cbor.Tag:
		return plain(v.Value)
	case cbor.NegInt:
		return json.Number("-" + strconv.FormatUint(uint64(v), 10))
	case *cbor.Nil, *cbor.Undefined:
		return nil
	default: // strings, bytes, booleans and other numbers are of Go's kinds
		return v
	}
}

// epochTag marks a number as a time: RFC 8949, section 3.4.2.
const epochTag = 1

// cborOf is a value of Go as CBOR, with the names that encoding/json would use.
func cborOf(v reflect.Value) (cbor.Value, error) {
	if v.Kind() == reflect.Pointer {
		if v.IsNil() {
			return &cbor.Nil{}, nil
		}
		return cborOf(v.Elem())
	}
	if t, ok := v.Interface().(Time); ok {
		return &cbor.Tag{ID: epochTag, Value: cbor.Float64(t.seconds())}, nil
	}
	switch v.Kind() {
	case reflect.String:
		return cbor.String(v.String()), nil
	case reflect.Bool:
		return cbor.Bool(v.Bool()), nil
	case reflect.Int, reflect.Int32, reflect.Int64:
		if n := v.Int(); n < 0 {
			return cbor.NegInt(-n), nil // that of the smallest number is itself, which is right
		}
		return cbor.Uint(v.Int()), nil //nolint:gosec // not below zero
	case reflect.Float64:
		return cbor.Float64(v.Float()), nil
	case reflect.Slice:
		list := make(cbor.List, v.Len())
		for i := range list {
			var err error
			if list[i], err = cborOf(v.Index(i)); err != nil {
				return nil, err
			}
		}
		return list, nil
	case reflect.Struct:
		return cborOfStruct(v)
	default:
		return nil, fmt.Errorf("write CBOR: there is no form for a %s", v.Type())
	}
}

func cborOfStruct(v reflect.Value) (cbor.Value, error) {
	m := cbor.Map{}
	for i := range v.NumField() {
		field := v.Type().Field(i)
		name, options, _ := strings.Cut(field.Tag.Get("json"), ",")
		if name == "" {
			name = field.Name
		}
		if options == "omitempty" && v.Field(i).IsZero() {
			continue
		}
		var err error
		if m[name], err = cborOf(v.Field(i)); err != nil {
			return nil, err
		}
	}
	return m, nil
}

// Time is a moment as AWS's JSON and CBOR have it: seconds since 1970, to the
// millisecond.
type Time struct{ time.Time }

func (t Time) seconds() float64 { return float64(t.UnixMilli()) / 1000 }

// MarshalJSON implements json.Marshaler.
func (t Time) MarshalJSON() ([]byte, error) {
	return strconv.AppendFloat(nil, t.seconds(), 'f', -1, 64), nil
}

// UnmarshalJSON implements json.Unmarshaler; null leaves t as it is.
func (t *Time) UnmarshalJSON(text []byte) error {
	if string(text) == "null" {
		return nil
	}
	// A double has every millisecond of 200,000 years; times beyond are no times.
	seconds, err := strconv.ParseFloat(string(text), 64)
	if err != nil || math.Abs(seconds) > math.MaxInt32*1000 {
		return fmt.Errorf("the time %s is not a number of seconds", text)
	}
	t.Time = time.UnixMilli(int64(math.Round(seconds * 1000))).UTC()
	return nil
}
