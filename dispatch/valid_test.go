package dispatch

import (
	"encoding/json"
	"strings"
	"testing"
)

// FuzzValidJSON: the same texts as for encoding/json, but for those nested very deep.
func FuzzValidJSON(f *testing.F) {
	for _, text := range []string{
		``, ` `, `{}`, `[]`, ` { "a" : [ 1 , -0.5e+3 , "x\u00e9\n" , true , false , null ] } `, `[01]`, `[1.]`, `[-]`, `[1e]`, `{"a":}`, `{"a" 1}`,
		`{"a":1,}`, `[1,]`, `[1 2]`, `"\q"`, `"\u12g4"`, `"\u12`, "\"\x1f\"", "\"12345678\x00\"", `"abcdefgh\"ijklmnop"`, `"no end`, "\"\xff\xfe12345\"",
		`tru`, `truex`, `nul`, `-`, `1 2`, `"`, `{`, `[`, `{"a"`, `0`, `-0`, `1E+9`, "\ufeff1", `{'a':1}`, strings.Repeat("[", 70) + strings.Repeat("]", 70),
	} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		got, want := ValidJSON(text), json.Valid(text)
		if got && !want {
			t.Fatalf("%q is taken for JSON", text)
		}
		if want && !got && strings.Count(string(text), "[")+strings.Count(string(text), "{") <= quickDepth {
			t.Fatalf("%q is JSON", text)
		}
	})
}

func BenchmarkValidJSON(b *testing.B) {
	text := []byte(`{"id":12,"text":"` + strings.Repeat("lorem ipsum ", 170) + `","list":[1,2,3],"ok":true}`)
	for name, valid := range map[string]func([]byte) bool{"this package": ValidJSON, "encoding/json": json.Valid} {
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(text)))
			for b.Loop() {
				if !valid(text) {
					b.Fatal("not valid")
				}
			}
		})
	}
}
