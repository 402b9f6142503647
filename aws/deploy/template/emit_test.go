package template_test

import (
	"flag"
	"os"
	"path/filepath"
	"testing"

	"github.com/microfox-ai/aiwctl/aws/deploy/project"
	"github.com/microfox-ai/aiwctl/aws/deploy/template"
)

// emit is where TestEmit writes to, for the judges in .ci/deploy.
var emit = flag.String("emit", "", "write the templates of the test's stages below this directory")

// TestEmit writes what others judge: each stage's templates, and its files for the
// Serverless Framework with artifacts to pack.
func TestEmit(t *testing.T) {
	if *emit == "" {
		t.Skip("only with -emit")
	}
	for name, p := range projects() {
		dir := filepath.Join(*emit, name)
		documents, err := template.CloudFormation(p)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range documents {
			write(t, filepath.Join(dir, "cloudformation", d.Stack.Name+".json"), d.Body)
		}
		files, err := template.Serverless(p)
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range files {
			write(t, filepath.Join(dir, "serverless", filepath.FromSlash(f.Path)), f.Body)
		}
		artifacts := []project.Artifact{p.API}
		for i := range p.Programs {
			artifacts = append(artifacts, p.Programs[i].Artifact)
		}
		for _, a := range artifacts {
			write(t, filepath.Join(dir, "serverless", filepath.FromSlash(template.ArtifactPath(a))), []byte("PK\x05\x06"+string(make([]byte, 18)))) // an empty zip file
		}
	}
}

func write(t *testing.T, path string, body []byte) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, body, 0o644); err != nil {
		t.Fatal(err)
	}
}
