package logview

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/microfox-ai/aiwctl/aws/logs"
)

// failing is a disk that is full after so many bytes.
type failing struct{ left int }

func (f *failing) Write(p []byte) (int, error) {
	if f.left -= len(p); f.left < 0 {
		return 0, syscall.ENOSPC
	}
	return len(p), nil
}

func TestAFullDiskIsAnError(t *testing.T) {
	t.Parallel()
	var lines []*logs.Line
	for range 5_000 {
		lines = append(lines, &logs.Line{Raw: strings.Repeat("x", 200)})
	}
	for _, records := range []bool{false, true} {
		err := writeLines(t.Context(), &failing{left: 300 << 10}, lines, records)
		if !errors.Is(err, syscall.ENOSPC) {
			t.Errorf("writing ends with %v", err)
		}
		if err := writeLines(t.Context(), &failing{left: 8 << 20}, lines, records); err != nil {
			t.Error(err)
		}
	}
}

// What could not be written whole is not left behind.
func TestNoHalfFileIsLeft(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "half.log")
	ended, stop := context.WithCancel(t.Context())
	stop()
	err := writeFile(ended, &saved{path: path}, []*logs.Line{{Raw: "x"}})
	if err == nil || !strings.Contains(err.Error(), "removed") {
		t.Errorf("it says %v", err)
	}
	if _, err := os.Stat(path); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the file is there: %v", err)
	}
}
