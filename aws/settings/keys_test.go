package settings_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/microfox-ai/aiwctl/aws/settings"
)

// The section keys is read as far as its shape is right; each thing that is not says
// its place, and the stages are there all the same.
func TestKeys(t *testing.T) {
	t.Parallel()
	f := parse(t, `keys:
  dead-letters: {replay: ctrl+r, mark: [space, m], none: []}
  everywhere:
    help: f1
    back: 0
    quit: "?"
    errors: a b
    stages: {x: y}
    palette:
  workers: [a]
stages: {prod: {}}
`)
	var got strings.Builder
	for _, b := range f.Keys {
		fmt.Fprintf(&got, "%d:%d %s %s", b.Action.Line, b.Action.Column, b.Screen.Text, b.Action.Text)
		for _, k := range b.Keys {
			fmt.Fprintf(&got, " %s@%d:%d", k.Text, k.Line, k.Column)
		}
		got.WriteByte('\n')
	}
	want := `2:18 dead-letters replay ctrl+r@2:26
2:34 dead-letters mark space@2:41 m@2:48
2:52 dead-letters none
4:5 everywhere help f1@4:11
5:5 everywhere back 0@5:11
6:5 everywhere quit ?@6:11
`
	if got.String() != want {
		t.Errorf("read:\n%s\nwant:\n%s", got.String(), want)
	}
	for i, want := range []string{
		`/etc/x/config.yaml:7:13: "a b" is no key: several are a list, [a, b]`,
		"config.yaml:8:13: a key of stages is a text",
		"config.yaml:9:", // no value
		"config.yaml:10:12: keys of workers is a mapping",
	} {
		if i >= len(f.KeyFaults) || !strings.Contains(f.KeyFaults[i].Error(), want) {
			t.Fatalf("faults %v, want %q", f.KeyFaults, want)
		}
	}
	if len(f.KeyFaults) != 4 || f.Entry("prod") == nil {
		t.Errorf("faults %v, stages %v", f.KeyFaults, f.Stages)
	}
	if f := parse(t, "keys: 3"); len(f.KeyFaults) != 1 {
		t.Errorf("%v", f.KeyFaults)
	}
	if e := f.Fault(settings.Word{Line: 3, Column: 4}, "no"); e.Error() != "/etc/x/config.yaml:3:4: no" {
		t.Error(e)
	}
}

// What is no YAML, and what looks like a secret, is an error of the file as elsewhere.
func TestKeysThatAreNoFile(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"keys: {w: {a: b, a: c}}":              `mapping key "a" already defined`,
		"keys: {w: {a: AKIAIOSFODNN7EXAMPLE}}": "1:15: this file holds no keys, and this looks like an access key",
	} {
		_, err := settings.Parse("/etc/x/config.yaml", []byte(text))
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "AKIA") {
			t.Errorf("%q: %v, want %q", text, err, want)
		}
	}
}
