package scan_test

import (
	"path/filepath"
	goruntime "runtime"
	"testing"

	"github.com/microfox-ai/aiwctl/aws/deploy/moduletest"
	"github.com/microfox-ai/aiwctl/aws/deploy/project"
	"github.com/microfox-ai/aiwctl/aws/deploy/scan"
)

// A program alone is there for Lambda when it has been scanned, and what is wrong with it is
// told as ever.
func TestScanAhead(t *testing.T) {
	t.Parallel()
	if goruntime.GOMAXPROCS(0) < 2 {
		t.Skip("one processor: none is idle")
	}
	dir := moduletest.New(t)
	moduletest.Worker(t, dir, "one", "first")
	o := scan.Options{Dir: dir, Cache: t.TempDir(), Ahead: project.ARM64}
	if _, err := scan.Scan(t.Context(), o); err != nil {
		t.Fatal(err)
	}
	found, err := filepath.Glob(filepath.Join(o.Cache, "*", "linux-arm64", "0", "one"))
	if err != nil || len(found) != 1 {
		t.Errorf("for Lambda there is %q, %v", found, err)
	}
	moduletest.Program(t, dir, "one", "runtime.Main(nothing)")
	_, err = scan.Scan(t.Context(), o)
	check(t, err, []problem{{"example.test/app/workers/one", "", []string{"undefined: nothing"}}})
}
