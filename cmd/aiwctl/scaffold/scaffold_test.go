package scaffold_test

import (
	"errors"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/goccy/go-yaml"

	"github.com/microfox-ai/aiwctl/cmd/aiwctl/scaffold"
)

func project(t *testing.T, change func(*scaffold.Project)) map[string]string {
	t.Helper()
	p := scaffold.Project{Module: "example.com/shop", Service: "shop", Version: "v0.1.0", Worker: scaffold.Worker{ID: "greet"}}
	if change != nil {
		change(&p)
	}
	files, err := p.Files()
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]string{}
	for _, f := range files {
		out[f.Path] = string(f.Body)
	}
	return out
}

// A module that requires a library of a later go line would not build.
func TestNewModuleHasTheLibrarysGoLine(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile(filepath.Join("..", "..", "..", "go.mod"))
	if err != nil {
		t.Fatal(err)
	}
	line := regexp.MustCompile(`(?m)^go .*$`)
	if got, want := line.FindString(project(t, nil)["go.mod"]), line.FindString(string(text)); got != want {
		t.Errorf("a new module says %q, this one %q", got, want)
	}
}

func TestGoModNamesTheLibrary(t *testing.T) {
	t.Parallel()
	if mod := project(t, nil)["go.mod"]; !strings.Contains(mod, "require github.com/microfox-ai/aiwctl v0.1.0\n") || strings.Contains(mod, "replace") {
		t.Errorf("go.mod of a published version:\n%s", mod)
	}
	files := project(t, func(p *scaffold.Project) { p.Version, p.Replace = "", "/home/ada/my code/aiwctl" })
	want := "require github.com/microfox-ai/aiwctl v0.0.0\n\nreplace github.com/microfox-ai/aiwctl => \"/home/ada/my code/aiwctl\"\n"
	if mod := files["go.mod"]; !strings.HasSuffix(mod, want) {
		t.Errorf("go.mod of a working copy:\n%s", mod)
	}
}

// The workflow is one that GitHub can read, and deploys what the README says.
func TestWorkflow(t *testing.T) {
	t.Parallel()
	text := project(t, nil)[".github/workflows/ci.yml"]
	var flow struct {
		Jobs map[string]struct {
			If    string
			Steps []struct{ Uses, Run string }
		}
	}
	if err := yaml.Unmarshal([]byte(text), &flow); err != nil {
		t.Fatal(err)
	}
	push := flow.Jobs["push"]
	last := push.Steps[len(push.Steps)-1].Run
	if want := "aiwctl push --service shop --stage prod --confirm-stage prod --yes"; last != want {
		t.Errorf("the workflow ends with %q, want %q", last, want)
	}
	if !strings.Contains(push.If, "vars.AWS_ROLE") || !strings.Contains(text, "role-to-assume: ${{ vars.AWS_ROLE }}") {
		t.Errorf("the workflow deploys without a role:\n%s", text)
	}
	if !strings.Contains(text, "cmd/aiwctl@v0.1.0\n") {
		t.Errorf("the workflow installs another version than go.mod requires:\n%s", text)
	}
}

func TestModulePaths(t *testing.T) {
	t.Parallel()
	for module, legal := range map[string]bool{
		"example.com/shop": true, "shop": true, "github.com/A/b_c~d": true,
		"": false, "/x": false, "x/": false, "a//b": false, "a b": false, "./x": false, "-x": false, "x.": false, "\"x\"": false, scaffold.Library: false,
	} {
		p := scaffold.Project{Module: module, Version: "v1.0.0", Worker: scaffold.Worker{ID: "greet"}}
		if err := p.Validate(); (err == nil) != legal {
			t.Errorf("module path %q: %v", module, err)
		}
	}
}

func TestTimeoutsReadAsAPersonWritesThem(t *testing.T) {
	t.Parallel()
	for timeout, want := range map[time.Duration]string{
		time.Second: "WithTimeout(time.Second)", 90 * time.Second: "WithTimeout(90*time.Second)", 5 * time.Minute: "WithTimeout(5*time.Minute)",
	} {
		body := project(t, func(p *scaffold.Project) { p.Worker.Timeout = timeout })["workers/greet/worker.go"]
		if !strings.Contains(body, want) {
			t.Errorf("a timeout of %v is not written as %s", timeout, want)
		}
	}
}

// A file that appears between the look and the writing is not overwritten either.
func TestWriteNeverOverwrites(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	files := []scaffold.File{{Path: "a/x.txt", Body: []byte("1")}, {Path: "a/x.txt", Body: []byte("2")}, {Path: "b", Body: []byte("3")}}
	written, err := scaffold.Write(root, files)
	if !errors.Is(err, os.ErrExist) || !slices.Equal(written, []string{"a/x.txt"}) {
		t.Errorf("wrote %v: %v", written, err)
	}
	if text, err := os.ReadFile(filepath.Join(root, "a", "x.txt")); err != nil || string(text) != "1" {
		t.Errorf("the file has %q, %v", text, err)
	}
	_, err = scaffold.Write(root, files)
	var conflict *scaffold.ConflictError
	if !errors.As(err, &conflict) || !slices.Equal(conflict.Paths, []string{"a/x.txt"}) {
		t.Errorf("writing again: %v", err)
	}
	if _, err := os.Stat(filepath.Join(root, "b")); err == nil {
		t.Error("something was written in spite of a conflict")
	}
	// a link that leads nowhere is something that is there
	if err := os.Symlink("nowhere", filepath.Join(root, "link")); err != nil {
		t.Skip(err)
	}
	if err := scaffold.Check(root, []scaffold.File{{Path: "link"}}); err == nil {
		t.Error("a link is overwritten")
	}
}

func TestFindModule(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	write := func(name, text string) {
		t.Helper()
		if _, err := scaffold.Write(root, []scaffold.File{{Path: name, Body: []byte(text)}}); err != nil {
			t.Fatal(err)
		}
	}
	write("go.mod", "// a comment\nmodule \"example.com/shop\" // why\n\nrequire (\n\tgithub.com/microfox-ai/aiwctl v0.1.0 // indirect\n)\n")
	write("other/go.mod", "module other\n\nrequire github.com/microfox-ai/aiwctl/v9 v9.0.0\n")
	write("file", "")
	for dir, want := range map[string]scaffold.Module{
		".":             {Dir: root, Path: "example.com/shop", Requires: true},
		"not/there/yet": {Dir: root, Path: "example.com/shop", Requires: true},
		"file":          {Dir: root, Path: "example.com/shop", Requires: true},
		"other/deep":    {Dir: filepath.Join(root, "other"), Path: "other"},
	} {
		got, ok, err := scaffold.FindModule(filepath.Join(root, dir))
		if err != nil || !ok || got != want {
			t.Errorf("the module of %s is %+v, %v, %v; want %+v", dir, got, ok, err, want)
		}
	}
}
