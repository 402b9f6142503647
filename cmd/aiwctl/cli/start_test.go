package cli

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"
)

// BenchmarkStart is how long the program takes to answer, beside a program of Go that
// only prints a line, in turn. The bar of ratio is 3.
//
//	go test -run '^$' -bench Start -benchtime 100x ./cmd/aiwctl/cli
func BenchmarkStart(b *testing.B) {
	dir := b.TempDir()
	bare, aiwctl := filepath.Join(dir, "bare"), filepath.Join(dir, "aiwctl")
	source := filepath.Join(dir, "bare.go")
	if err := os.WriteFile(source, []byte("package main\n\nimport \"fmt\"\n\nfunc main() { fmt.Println(\"bare\") }\n"), 0o600); err != nil {
		b.Fatal(err)
	}
	for out, from := range map[string]string{bare: source, aiwctl: "github.com/microfox-ai/aiwctl/cmd/aiwctl"} {
		if text, err := exec.CommandContext(b.Context(), "go", "build", "-o", out, from).CombinedOutput(); err != nil {
			b.Fatalf("%v: %s", err, text)
		}
	}
	run := func(path string, args ...string) time.Duration {
		began := time.Now()
		if err := exec.CommandContext(b.Context(), path, args...).Run(); err != nil {
			b.Fatal(err)
		}
		return time.Since(began)
	}
	for _, arg := range []string{"version", "--help"} {
		b.Run(arg, func(b *testing.B) {
			run(bare)
			run(aiwctl, arg)
			var ours, theirs time.Duration
			for b.Loop() {
				theirs += run(bare)
				ours += run(aiwctl, arg)
			}
			b.ReportMetric(float64(ours.Microseconds())/float64(b.N)/1000, "ms/aiwctl")
			b.ReportMetric(float64(theirs.Microseconds())/float64(b.N)/1000, "ms/bare")
			b.ReportMetric(float64(ours)/float64(theirs), "ratio")
		})
	}
}
