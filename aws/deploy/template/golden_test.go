package template_test

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/microfox-ai/aiwctl/aws/deploy/template"
)

var update = flag.Bool("update", false, "write the golden files anew")

// golden holds a text to what is in testdata.
func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	path := filepath.Join("testdata", filepath.FromSlash(name))
	if *update {
		write(t, path, got)
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatalf("%v (go test ./aws/deploy/template -update writes it)", err)
	}
	if text := strings.ReplaceAll(string(want), "\r\n", "\n"); text != string(got) {
		t.Errorf("%s differs (-update writes it anew):\n%s", path, firstDifference(text, string(got)))
	}
}

// firstDifference is where two texts part, with the line of each.
func firstDifference(want, got string) string {
	a, b := strings.Split(want, "\n"), strings.Split(got, "\n")
	for i := range min(len(a), len(b)) {
		if a[i] != b[i] {
			return "want " + a[i] + "\ngot  " + b[i]
		}
	}
	return "one is longer"
}

func TestTemplates(t *testing.T) {
	t.Parallel()
	for name, p := range projects() {
		documents, err := template.CloudFormation(p)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range documents {
			golden(t, name+"/"+d.Stack.Name+".json", d.Body)
		}
		files, err := template.Serverless(p)
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range files {
			golden(t, name+"/"+f.Path, f.Body)
		}
	}
}
