// Package examples_test holds the README and docs/workers.md to their word.
package examples_test

import (
	"context"
	"fmt"
	"go/ast"
	"go/format"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	goruntime "runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"

	"github.com/microfox-ai/aiwctl/aws/local"
	"github.com/microfox-ai/aiwctl/dispatch"
)

var (
	goBlock      = regexp.MustCompile("(?s)```go\n(package main\n.*?)```")
	anyGoBlock   = regexp.MustCompile("(?s)```go\n(.*?)```")
	packageLine  = regexp.MustCompile(`^package (\w+)\n`)
	variableName = regexp.MustCompile(`^_?[A-Z][A-Z0-9]*(_[A-Z0-9]+)*_?$`)
)

// buildReadme builds the complete program of the README, in a directory of its own
// and with this module's packages.
func buildReadme(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile("../README.md")
	if err != nil {
		t.Fatal(err)
	}
	programs := goBlock.FindAllStringSubmatch(string(text), -1)
	if len(programs) != 1 {
		t.Fatalf("the README has %d complete programs, want one", len(programs))
	}
	dir := t.TempDir()
	source := filepath.Join(dir, "main.go")
	if err := os.WriteFile(source, []byte(programs[0][1]), 0o600); err != nil {
		t.Fatal(err)
	}
	binary := filepath.Join(dir, "shout")
	if goruntime.GOOS == "windows" {
		binary += ".exe"
	}
	if out, err := exec.CommandContext(t.Context(), "go", "build", "-ldflags=-s -w", "-o", binary, source).CombinedOutput(); err != nil {
		t.Fatalf("the README's program does not build: %v\n%s", err, out)
	}
	return binary
}

func TestReadmeProgram(t *testing.T) {
	t.Parallel()
	binary := buildReadme(t)

	out, err := exec.CommandContext(t.Context(), binary, "run", "shout", `{"text":"hi"}`).Output()
	if err != nil || strings.TrimSpace(string(out)) != `{"text":"HI"}` {
		t.Errorf("run shout = %s, %v", out, err)
	}

	// And deployed, as aiwctl dev does it: trigger, queue, function, log.
	server, err := local.Start(t.Context(), local.Config{
		Listen: "127.0.0.1:0", Programs: []local.Program{{Name: "the README's program", Command: []string{binary}}},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		if err := server.Close(ctx); err != nil {
			t.Error(err)
		}
	})
	client, err := dispatch.NewClient(dispatch.Config{BaseURL: server.Endpoint(), Getenv: func(string) string { return "" }})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := client.Dispatch(t.Context(), "shout", map[string]string{"text": "hi"}, dispatch.WithJobID("job-readme")); err != nil {
		t.Fatal(err)
	}
	waitForLine(t, server.Endpoint(), `"output":{"text":"HI"}`)
}

// waitForLine waits for a line of the worker's log that completes the job.
func waitForLine(t *testing.T, endpoint, want string) {
	t.Helper()
	cfg, err := config.LoadDefaultConfig(t.Context(), config.WithRegion("us-east-1"),
		config.WithCredentialsProvider(credentials.NewStaticCredentialsProvider("local", "local", "")))
	if err != nil {
		t.Fatal(err)
	}
	logs := cloudwatchlogs.NewFromConfig(cfg, func(o *cloudwatchlogs.Options) { o.BaseEndpoint = &endpoint })
	group, pattern := "/aws/lambda/aiw-dev-workerShout", `{ $.jobId = "job-readme" && $.event = "job.completed" }`
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		out, err := logs.FilterLogEvents(ctx, &cloudwatchlogs.FilterLogEventsInput{LogGroupName: &group, FilterPattern: &pattern})
		if err != nil {
			t.Fatalf("read the log: %v", err)
		}
		if len(out.Events) > 0 {
			if line := *out.Events[0].Message; !strings.Contains(line, want) {
				t.Errorf("completed with %s, want %s", line, want)
			}
			return
		}
		select {
		case <-ctx.Done():
			t.Fatal("the job was not completed")
		case <-tick.C:
		}
	}
}

// goBlocks are the Go blocks of a document, in their order.
func goBlocks(t *testing.T, path string) []string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var blocks []string
	for _, m := range anyGoBlock.FindAllStringSubmatch(string(text), -1) {
		blocks = append(blocks, m[1])
	}
	return blocks
}

// Every block of the guide compiles, is formatted, and passes go vet; its tests pass. Each is
// a package of one module, which is vetted at once: the go command reads this module's
// packages once instead of once a block.
func TestGuideCompiles(t *testing.T) {
	t.Parallel()
	blocks := goBlocks(t, "../docs/workers.md")
	if len(blocks) < 10 {
		t.Fatalf("docs/workers.md has %d Go blocks", len(blocks))
	}
	dir := guideModule(t)
	var vetted, tested []string
	for i, block := range blocks {
		name := packageLine.FindStringSubmatch(block)
		if name == nil {
			t.Errorf("block %d of docs/workers.md is no whole file: it begins with %.40q", i+1, block)
			continue
		}
		if formatted, err := format.Source([]byte(block)); err != nil || string(formatted) != block {
			t.Errorf("block %d, %s, is not formatted: %v", i+1, name[1], err)
		}
		pkg, file := fmt.Sprintf("./block%d", i+1), "snippet.go"
		if strings.HasSuffix(name[1], "_test") {
			file = "snippet_test.go"
			tested = append(tested, pkg)
		} else {
			vetted = append(vetted, pkg)
		}
		write(t, filepath.Join(dir, pkg, file), block)
	}
	if len(vetted) == 0 || len(tested) == 0 {
		t.Fatalf("docs/workers.md has programs in %v and tests in %v", vetted, tested)
	}
	for _, command := range [][]string{append([]string{"vet"}, vetted...), append([]string{"test", "-count=1"}, tested...)} {
		t.Run(command[0], func(t *testing.T) {
			t.Parallel()
			cmd := exec.CommandContext(t.Context(), "go", command...)
			cmd.Dir = dir
			if out, err := cmd.CombinedOutput(); err != nil {
				t.Errorf("go %s: %v\n%s", strings.Join(command, " "), err, out)
			}
		})
	}
}

// guideModule is the directory of a module that uses this one, with what this one uses.
func guideModule(t *testing.T) string {
	t.Helper()
	root, err := filepath.Abs("..")
	if err != nil {
		t.Fatal(err)
	}
	const this = "github.com/microfox-ai/aiwctl"
	dir := t.TempDir()
	for _, name := range []string{"go.mod", "go.sum"} {
		text, err := os.ReadFile(filepath.Join(root, name))
		if err != nil {
			t.Fatal(err)
		}
		if name == "go.mod" {
			rest, ok := strings.CutPrefix(string(text), "module "+this+"\n")
			if !ok {
				t.Fatalf("go.mod begins with %.80q", text)
			}
			text = fmt.Appendf(nil, "module example.test/guide\n\nrequire %s v0.0.0\n\nreplace %[1]s => %s\n%s", this, strconv.Quote(root), rest)
		}
		write(t, filepath.Join(dir, name), string(text))
	}
	return dir
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o750); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// What the README shows in short stands in the guide, where it is compiled.
func TestReadmeFragmentsStandInTheGuide(t *testing.T) {
	t.Parallel()
	known := map[string]bool{}
	for _, block := range goBlocks(t, "../docs/workers.md") {
		for line := range strings.Lines(block) {
			known[strings.TrimSpace(line)] = true
		}
	}
	for _, block := range goBlocks(t, "../README.md") {
		if packageLine.MatchString(block) {
			continue
		}
		for line := range strings.Lines(block) {
			if line = strings.TrimSpace(line); line != "" && !known[line] {
				t.Errorf("this line of the README is not in docs/workers.md: %s", line)
			}
		}
	}
}

// The guide's table names every variable that the library reads, and no other.
func TestGuideNamesEveryVariable(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../docs/workers.md")
	if err != nil {
		t.Fatal(err)
	}
	_, table, ok := strings.Cut(string(text), "\n## Variables\n")
	if !ok {
		t.Fatal("docs/workers.md has no section Variables")
	}
	named := map[string]bool{}
	for row := range strings.Lines(table) {
		cells := strings.Split(row, "|")
		if len(cells) < 4 {
			continue
		}
		for name := range strings.FieldsFuncSeq(cells[1], func(r rune) bool { return strings.ContainsRune("`, ", r) }) {
			if name = strings.TrimSuffix(strings.TrimSuffix(name, "<ID>"), "<NAME>"); variableName.MatchString(name) {
				named[name] = true
			}
		}
	}
	read := variablesIn(t, "../dispatch", "../runtime")
	for name := range read {
		if !named[name] {
			t.Errorf("the library reads %s, and the table does not name it", name)
		}
	}
	for name := range named {
		if !read[name] {
			t.Errorf("the table names %s, and the library does not read it", name)
		}
	}
}

// variablesIn are the texts of the library's code that look like variables.
func variablesIn(t *testing.T, dirs ...string) map[string]bool {
	t.Helper()
	// Of the names of one word, methods of HTTP among them, these are variables.
	short := map[string]bool{"DEBUG": true, "ENVIRONMENT": true, "STAGE": true, "_HANDLER": true}
	names := map[string]bool{}
	for _, dir := range dirs {
		err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
				return err
			}
			file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
			if err != nil {
				return err
			}
			ast.Inspect(file, func(n ast.Node) bool {
				lit, ok := n.(*ast.BasicLit)
				if !ok || lit.Kind != token.STRING {
					return true
				}
				text, err := strconv.Unquote(lit.Value)
				if err == nil && variableName.MatchString(text) && (strings.Contains(strings.Trim(text, "_"), "_") || short[text]) {
					names[text] = true
				}
				return true
			})
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return names
}
