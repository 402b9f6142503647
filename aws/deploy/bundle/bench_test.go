package bundle_test

import (
	"fmt"
	"os"
	"testing"

	"github.com/microfox-ai/aiwctl/aws/deploy/bundle"
	"github.com/microfox-ai/aiwctl/aws/deploy/moduletest"
	"github.com/microfox-ai/aiwctl/aws/deploy/scan"
)

// BenchmarkUnchanged is what a second push costs before it calls AWS: scan and bundle of ten
// small programs that have not changed.
func BenchmarkUnchanged(b *testing.B) {
	dir := moduletest.New(b)
	var names []string
	for i := range 10 {
		name := fmt.Sprint("program", i)
		moduletest.Worker(b, dir, name, name)
		names = append(names, name)
	}
	cache := b.TempDir()
	push := func() {
		if _, err := scan.Scan(b.Context(), scan.Options{Dir: dir, Cache: cache}); err != nil {
			b.Fatal(err)
		}
		if err := bundle.Build(b.Context(), bundle.Options{Dir: dir, Cache: cache}, stage(dir, names...)); err != nil {
			b.Fatal(err)
		}
	}
	push() // something is kept
	for b.Loop() {
		push()
	}
}

// BenchmarkPack is what packing a program costs whose zip file is not kept; the program is
// 8 MB of this test.
func BenchmarkPack(b *testing.B) {
	self, err := os.Executable()
	if err != nil {
		b.Fatal(err)
	}
	text, err := os.ReadFile(self)
	if err != nil {
		b.Fatal(err)
	}
	text = text[:min(len(text), 8<<20)]
	b.SetBytes(int64(len(text)))
	for b.Loop() {
		if _, err := bundle.Compress(text); err != nil {
			b.Fatal(err)
		}
	}
}
