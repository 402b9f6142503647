package runtime

import (
	"encoding"
	"encoding/json"
	"fmt"
	"log/slog"
	"math"
	"math/big"
	"net"
	"net/netip"
	"net/url"
	"reflect"
	"time"

	"pgregory.net/rapid"
)

// The types below are what worker authors have, and what encoding/json has rules
// for.

type tree struct {
	Value    int     `json:"value"`
	Children []tree  `json:"children,omitempty"`
	Left     *tree   `json:"left"`
	ByName   forest  `json:"byName"`
	Pair     [2]*int `json:"pair"`
}

type forest map[string]tree

type ping struct {
	Pong *pong `json:"pong,omitempty"`
}

type pong struct {
	Pings []ping `json:"pings"`
	N     int8   `json:"n"`
}

type nested []nested

type page[T any] struct {
	Items []T      `json:"items"`
	Next  *page[T] `json:"next,omitempty"`
}

type base struct {
	ID     string `json:"id"`
	Hidden string `json:"name"`
	Kind   string
}

type audit struct {
	By   string `json:"by"`
	Kind string
}

type Exported struct {
	Region string `json:"region"`
}

type Deep struct {
	*Exported
	Level int `json:"level"`
}

// embedding has every rule of promoted fields: name hides base's, both Kinds hide
// each other, Deep is reached through a pointer.
type embedding struct {
	base
	audit
	*Deep
	Tagged Exported `json:"tagged"`
	Name   string   `json:"name"`
}

type taggedEmbedding struct {
	base     `json:"base"`
	Exported `json:",omitempty"`
	celsius  //nolint:unused // encoding/json ignores it: unexported and no struct
	Kelvin
}

type (
	celsius float64 //nolint:unused // see taggedEmbedding
	Kelvin  float64
)

type odd struct {
	Dash    string `json:"-,"` //nolint:staticcheck // encoding/json takes it for the name "-"
	Skipped string `json:"-"`
	Quote   string `json:"a\"b"` //nolint:staticcheck // no legal name
	Lower   string `json:"same"`
	Upper   string `json:"SAME"`
	Symbols string `json:"a/b~c"`
	Umlaut  string `json:"größe"`
	HTML    string `json:"<&>"`
	private string //nolint:unused // encoding/json ignores it
}

type strung struct {
	Int     int           `json:"int,string"`
	Uint    uint8         `json:"uint,string"`
	Float   float64       `json:"float,string"`
	Bool    bool          `json:"bool,string"`
	Text    string        `json:"text,string"`
	Ptr     *int64        `json:"ptr,string"`
	BoolPtr *bool         `json:"boolPtr,string"`
	List    []int         `json:"list,string"` //nolint:staticcheck // no effect
	Number  json.Number   `json:"number,string"`
	Wait    time.Duration `json:"wait,string"`
}

type level int

func (l level) MarshalText() ([]byte, error) { return fmt.Appendf(nil, "level-%d", int(l)), nil }

func (l *level) UnmarshalText(text []byte) error {
	_, err := fmt.Sscanf(string(text), "level-%d", (*int)(l))
	return err
}

type point struct{ x, y int }

func (p point) MarshalJSON() ([]byte, error) { return fmt.Appendf(nil, "[%d,%d]", p.x, p.y), nil }

func (p *point) UnmarshalJSON(text []byte) error {
	var xy [2]int
	err := json.Unmarshal(text, &xy)
	p.x, p.y = xy[0], xy[1]
	return err
}

// secret has its method on the pointer.
type secret struct{ text string }

func (s *secret) MarshalText() ([]byte, error)    { return []byte("s:" + s.text), nil }
func (s *secret) UnmarshalText(text []byte) error { s.text = string(text); return nil }

type methods struct {
	Level   level            `json:"level"`
	LevelP  *level           `json:"levelP"`
	Levels  []level          `json:"levels"`
	Keys    map[level]string `json:"keys"`
	Point   point            `json:"point"`
	PointP  *point           `json:"pointP"`
	Secret  secret           `json:"secret"`
	SecretP *secret          `json:"secretP"`
	Secrets []secret         `json:"secrets"`
}

type library struct {
	Raw    json.RawMessage  `json:"raw"`
	RawP   *json.RawMessage `json:"rawP"`
	Bytes  []byte           `json:"bytes"`
	BytesP *[]byte          `json:"bytesP"`
	Hash   [4]byte          `json:"hash"`
	At     time.Time        `json:"at"`
	AtP    *time.Time       `json:"atP"`
	For    time.Duration    `json:"for"`
	Addr   netip.Addr       `json:"addr"`
	Prefix netip.Prefix     `json:"prefix"`
	IP     net.IP           `json:"ip"`
	URL    url.URL          `json:"url"`
	URLP   *url.URL         `json:"urlP"`
	Big    big.Int          `json:"big"`
	BigP   *big.Int         `json:"bigP"`
	Ratio  *big.Rat         `json:"ratio"`
	Number json.Number      `json:"number"`
	Log    slog.Level       `json:"log"`
	Any    any              `json:"any"`
	Map    map[string]any   `json:"map"`
	Zero   time.Time        `json:"zero,omitzero"`
}

// interfaces with methods can be written, and not read.
type interfaces struct {
	Err    error                  `json:"err"`
	Texter encoding.TextMarshaler `json:"texter"`
	Raw    json.Marshaler         `json:"raw"`
}

type numbers struct {
	I   int     `json:"i"`
	I8  int8    `json:"i8"`
	I16 int16   `json:"i16"`
	I32 int32   `json:"i32"`
	I64 int64   `json:"i64"`
	U   uint    `json:"u"`
	U8  uint8   `json:"u8"`
	U16 uint16  `json:"u16"`
	U32 uint32  `json:"u32"`
	U64 uint64  `json:"u64"`
	F32 float32 `json:"f32"`
	F64 float64 `json:"f64"`
}

type keyed struct {
	Int    map[int]string           `json:"int"`
	Uint   map[uint16]*leaf         `json:"uint"`
	Deep   map[string]map[int8]bool `json:"deep"`
	Named  map[label]int            `json:"named"`
	Struct map[string]struct {
		A int `json:"a"`
	} `json:"struct"`
}

type label string

type clockIn struct{ time.Time } // promotes MarshalJSON

type pointers struct {
	PP   **int             `json:"pp"`
	List []*leaf           `json:"list"`
	Ptr  *[]*leaf          `json:"ptr"`
	Map  *map[string]*leaf `json:"map,omitempty"`
}

// species is a type with values of it. made draws them, by reflection unless the
// type needs values that encoding/json can write.
type species struct {
	typ  reflect.Type
	made *rapid.Generator[any]
	// refused are parts of the errors with which encoding/json may refuse what the
	// schema accepts: see inferSchema.
	refused []string
	// written says that the type can only be written.
	written bool
}

func kindOf[T any](fixed ...T) species {
	t := reflect.TypeFor[T]()
	if len(fixed) == 0 {
		return species{typ: t, made: rapid.Custom(func(rt *rapid.T) any {
			v := reflect.New(t)
			fill(rt, v.Elem(), 0)
			return v.Interface()
		})}
	}
	values := []any{new(T)}
	for i := range fixed {
		values = append(values, &fixed[i])
	}
	return species{typ: t, made: rapid.SampledFrom(values)}
}

func (s species) refusing(errors ...string) species {
	s.refused = errors
	return s
}

func zoo() map[string]species {
	raw, at := json.RawMessage(`{"a":[1,"x",null]}`), time.Date(2026, 3, 4, 5, 6, 7, 89, time.FixedZone("", 5400))
	bytesV, text := []byte{0, 1, 255}, "https://u:p@example.com:8080/a?b=c#d"
	link, _ := url.Parse(text)
	full := library{
		Raw: raw, RawP: &raw, Bytes: bytesV, BytesP: &bytesV, Hash: [4]byte{1, 2}, At: at, AtP: &at, For: math.MinInt64,
		Addr: netip.MustParseAddr("2001:db8::1"), Prefix: netip.MustParsePrefix("192.0.2.0/24"), IP: net.IPv4(192, 0, 2, 1),
		URL: *link, URLP: link, BigP: new(big.Int).Lsh(big.NewInt(1), 200), Ratio: big.NewRat(1, 3), Number: "-1.5e3",
		Log: slog.LevelWarn, Any: []any{1.5, nil, map[string]any{"x": true}},
		Map: map[string]any{"": nil}, Zero: at,
	}
	full.Big.SetInt64(-7)
	written := kindOf(interfaces{Err: net.UnknownNetworkError("x"), Texter: level(3), Raw: point{1, 2}})
	written.written = true
	return map[string]species{
		"interfaces":   written,
		"everything":   kindOf(everything{Exact: "1", Addr: netip.MustParseAddr("192.0.2.1")}).refusing("ParseAddr"),
		"tree":         kindOf[tree](),
		"tree pointer": kindOf[*tree](),
		"trees":        kindOf[[]tree](),
		"forest":       kindOf[forest](),
		"ping":         kindOf[ping](),
		"pong":         kindOf[map[string]*pong](),
		"nested":       kindOf[nested](),
		"page":         kindOf[page[leaf]](),
		"pages": kindOf[struct {
			A page[int]
			B page[string]
			C *page[page[bool]]
		}](),
		"embedding":   kindOf[embedding](),
		"tagged":      kindOf[taggedEmbedding](),
		"odd":         kindOf[odd](),
		"strung":      kindOf[strung]().refusing("of type uint8"),
		"methods":     kindOf(methods{Level: 3, Levels: []level{1}, Keys: map[level]string{2: "x"}, Point: point{1, 2}, PointP: &point{3, 4}, Secret: secret{"x"}, SecretP: &secret{}, Secrets: []secret{{"y"}}}).refusing("of type [2]int", "of type int", "expected integer", "input does not match", "unexpected EOF"),
		"library":     kindOf(full).refusing("parsing time", "ParseAddr", "ParsePrefix", "invalid IP address", "slog: level", "math/big", "netip."),
		"numbers":     kindOf[numbers](),
		"maps":        kindOf[keyed](),
		"pointers":    kindOf[pointers](),
		"clock":       kindOf(clockIn{at}).refusing("parsing time", "input is not a JSON string"),
		"time":        kindOf(at),
		"bytes":       kindOf[[]byte](),
		"raw":         kindOf(raw),
		"any":         kindOf[any](any(1.5), any("x"), any(map[string]any{})),
		"string":      kindOf[string](),
		"int":         kindOf[int](),
		"empty":       kindOf(struct{}{}),
		"array":       kindOf[[3]uint8](),
		"empty array": kindOf([0]int{}),
		"unnamed": kindOf[struct {
			A struct{ B []struct{ C map[string]int } }
		}](),
		"map of any":   kindOf[map[string]any](map[string]any{"a": []any{nil}}),
		"level":        kindOf(level(7)).refusing("expected integer", "input does not match", "unexpected EOF"),
		"bool pointer": kindOf[*bool](),
	}
}

// fill draws a value of any type whose zero value encoding/json can write.
func fill(rt *rapid.T, v reflect.Value, depth int) {
	deeper := depth < 4
	switch v.Kind() { //nolint:exhaustive // the others keep their zero value
	case reflect.Bool:
		v.SetBool(rapid.Bool().Draw(rt, "bool"))
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		most := int64(math.MaxInt64) >> (64 - v.Type().Bits())
		v.SetInt(rapid.Int64Range(-most-1, most).Draw(rt, "int"))
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		v.SetUint(rapid.Uint64Range(0, uint64(math.MaxUint64)>>(64-v.Type().Bits())).Draw(rt, "uint"))
	case reflect.Float32:
		v.SetFloat(float64(rapid.Float32().Draw(rt, "float32")))
	case reflect.Float64:
		v.SetFloat(rapid.Float64().Draw(rt, "float64"))
	case reflect.String:
		if v.Type() == reflect.TypeFor[json.Number]() {
			v.SetString(rapid.SampledFrom([]string{"", "1", "-2.5e7", "12345678901234567890"}).Draw(rt, "number"))
			return
		}
		v.SetString(rapid.String().Draw(rt, "string"))
	case reflect.Pointer:
		if deeper && rapid.Bool().Draw(rt, "there") {
			v.Set(reflect.New(v.Type().Elem()))
			fill(rt, v.Elem(), depth+1)
		}
	case reflect.Slice:
		if deeper && rapid.Bool().Draw(rt, "there") {
			n := rapid.IntRange(0, 2).Draw(rt, "length")
			v.Set(reflect.MakeSlice(v.Type(), n, n))
			for i := range n {
				fill(rt, v.Index(i), depth+1)
			}
		}
	case reflect.Array:
		for i := range v.Len() {
			fill(rt, v.Index(i), depth+1)
		}
	case reflect.Map:
		if deeper && rapid.Bool().Draw(rt, "there") {
			v.Set(reflect.MakeMap(v.Type()))
			for range rapid.IntRange(0, 2).Draw(rt, "length") {
				key, value := reflect.New(v.Type().Key()).Elem(), reflect.New(v.Type().Elem()).Elem()
				fill(rt, key, depth+1)
				fill(rt, value, depth+1)
				v.SetMapIndex(key, value)
			}
		}
	case reflect.Struct:
		for i := range v.NumField() {
			f := v.Type().Field(i)
			if f.IsExported() || f.Anonymous && f.Type.Kind() == reflect.Struct {
				if v.Field(i).CanSet() || f.Anonymous {
					fill(rt, v.Field(i), depth+1)
				}
			}
		}
	}
}
