package wire_test

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/microfox-ai/aiwctl/aws/local/wire"
)

// sample is read by both readers: it has every kind of value that Reader reads.
type sample struct {
	S string
	I *int
	L []string
	O map[string]string
	X json.RawMessage // only skipped
}

// read takes data apart with Reader as encoding/json would fill a sample.
func read(data []byte) (v sample, err error) {
	var r wire.Reader
	r.Reset(data)
	if r.Object() {
		for n := 0; ; {
			key, ok := r.Key(&n)
			if !ok {
				break
			}
			switch string(key) {
			case "S":
				if !r.Null() {
					v.S = r.String()
				}
			case "I":
				if i, ok := r.Int(); ok {
					v.I = &i
				} else {
					v.I = nil
				}
			case "L":
				v.L = nil
				if r.Array() {
					v.L = []string{}
					for n := 0; r.Element(&n); {
						v.L = append(v.L, r.String())
					}
				}
			case "O":
				if !r.Object() {
					v.O = nil
					continue
				}
				if v.O == nil {
					v.O = map[string]string{}
				}
				for n := 0; ; {
					key, ok := r.Key(&n)
					if !ok {
						break
					}
					name := string(key)
					v.O[name] = r.String()
				}
			default:
				r.Skip()
			}
		}
	}
	return v, r.End()
}

var samples = []string{
	`{}`, `null`, ` { "S" : "a" , "I" : -12 , "L" : [ "x" , null , "" ] , "O" : { "k" : "v" } , "X" : [1.5e-3,{"a":[true,false,null]},"s"] } `,
	`{"S":"\u00e9\ud834\udd1e\ud834x\udd1e\n\/\"\\","S":"twice"}`, `{"S":null,"I":null,"L":null,"O":null}`,
	`{"I":1.0}`, `{"I":1e2}`, `{"I":01}`, `{"I":-}`, `{"I":99999999999999999999}`, `{"S":1}`, `{"S":"`, `{"S":"\x"}`, `{"S":"\u12"}`,
	`{"S":"a` + "\n" + `"}`, `{"S" "a"}`, `{"S":"a",}`, `{,}`, `{"S":"a" "I":1}`, `[]`, `"x"`, ``, ` `, `{}x`, `{}{}`, `{"L":["a",]}`, `{"L":["a" "b"]}`,
	`{"X":tru}`, `{"X":{"a":1,}}`, `{"X":[1,2`, `{"X":-0.5E+10}`, `{"X":.5}`, `{"X":1.}`, `{"O":{"a":1}}`, "{\"S\":\"\x00\"}", "\x00", "{}\x00",
}

func check(t *testing.T, data string) {
	t.Helper()
	if !utf8.ValidString(data) {
		return // encoding/json takes it, Reader does not
	}
	if strings.Count(data, "[")+strings.Count(data, "{") > 90 {
		return // perhaps nested too deeply for Reader
	}
	var want sample
	wantErr := json.Unmarshal([]byte(data), &want)
	want.X = nil // Reader skipped it
	// encoding/json takes keys in any case; Reader wants them exact.
	var keys map[string]json.RawMessage
	_ = json.Unmarshal([]byte(data), &keys)
	for key := range keys {
		if len(key) > 0 && strings.Contains("SILOX", strings.ToUpper(key)) && key != strings.ToUpper(key) || strings.ContainsAny(key, "\u017f\u212a") {
			return
		}
	}
	got, err := read([]byte(data))
	if (err == nil) != (wantErr == nil) {
		t.Errorf("%q: got error %v, encoding/json has %v", data, err, wantErr)
		return
	}
	if err == nil && !reflect.DeepEqual(got, want) {
		t.Errorf("%q: got %+v, want %+v", data, got, want)
	}
}

func TestReader(t *testing.T) {
	t.Parallel()
	for _, data := range samples {
		check(t, data)
	}
	if _, err := read([]byte("{\"S\":\"\xff\"}")); err == nil {
		t.Error("text that is not UTF-8 was taken")
	}
	if _, err := read([]byte(`{"X":` + strings.Repeat("[", 100000))); err == nil {
		t.Error("endless nesting was taken")
	}
}

// FuzzReader compares with encoding/json.
func FuzzReader(f *testing.F) {
	for _, data := range samples {
		f.Add(data)
	}
	f.Fuzz(check)
}
