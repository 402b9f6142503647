package template

import (
	"regexp"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
	"pgregory.net/rapid"
)

// Any text comes out of YAML as it was, but for what the framework unescapes.
func TestTextsInYAML(t *testing.T) {
	t.Parallel()
	unescape := regexp.MustCompile(`(\\*)\$\{`)
	rapid.Check(t, func(t *rapid.T) {
		want := rapid.OneOf(
			rapid.String(),
			rapid.StringMatching(`[-?:,\[\]{}#&*!|>'"%@~=<$\\ 0-9a-z]{0,12}`),
			rapid.SampledFrom([]string{"yes", "1e3", "<<", "2026-11-28", "0x1f", "null", "~", "", "a: b", `\\${x}`, `\${x}`, "${x}", "x\n y\n"}),
		).Draw(t, "value")
		body, err := yaml.MarshalWithOptions(forYAML(object{"a": list{want}, "b": object{"c": want}}), yaml.IndentSequence(true))
		if err != nil {
			t.Fatal(err)
		}
		var doc struct {
			A []any
			B map[string]any
		}
		if err := yaml.Unmarshal(body, &doc); err != nil || len(doc.A) != 1 {
			t.Fatalf("%v\n%s", err, body)
		}
		for _, v := range []any{doc.A[0], doc.B["c"]} {
			text, ok := v.(string)
			got := unescape.ReplaceAllStringFunc(text, func(m string) string { return strings.Repeat(`\`, (len(m)-3)/2) + "${" })
			if !ok || got != want {
				t.Fatalf("%q became %q (%T) of\n%s", want, got, v, body)
			}
		}
	})
}
