package runtime_test

import (
	"bytes"
	"sync"
	"testing"

	"github.com/microfox-ai/aiwctl/runtime"
)

// logBuffer is a log that several goroutines write.
type logBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (b *logBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

func (b *logBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.String()
}

// newApp makes an App of the given workers, without a store and a queue.
func newApp(t testing.TB, workers ...runtime.Runner) (*runtime.App, *logBuffer) {
	t.Helper()
	return newAppWith(t, runtime.AppConfig{}, workers...)
}

func newAppWith(t testing.TB, cfg runtime.AppConfig, workers ...runtime.Runner) (*runtime.App, *logBuffer) {
	t.Helper()
	log := &logBuffer{}
	cfg.Output = log
	if cfg.Getenv == nil {
		cfg.Getenv = func(string) string { return "" }
	}
	app, err := runtime.NewApp(cfg, workers...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("log:\n%s", log)
		}
	})
	return app, log
}
