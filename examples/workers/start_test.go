package main

import (
	"archive/zip"
	"compress/flate"
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// The sizes a worker program must stay below: stripped, and as the zip archive
// that Lambda is given.
const (
	maxBinary = 14_000_000
	maxZip    = 5_000_000
)

// buildForLambda builds a program as it is deployed.
func buildForLambda(tb testing.TB, source string) string {
	tb.Helper()
	binary := filepath.Join(tb.TempDir(), "bootstrap")
	cmd := exec.CommandContext(tb.Context(), "go", "build", "-tags", "lambda.norpc", "-trimpath", "-ldflags", "-s -w", "-o", binary, source)
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		tb.Fatalf("build %s: %v\n%s", source, err, out)
	}
	return binary
}

func zipSize(tb testing.TB, path string) int64 {
	tb.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		tb.Fatal(err)
	}
	var size countingWriter
	z := zip.NewWriter(&size)
	z.RegisterCompressor(zip.Deflate, func(w io.Writer) (io.WriteCloser, error) { return flate.NewWriter(w, flate.BestCompression) })
	w, err := z.Create("bootstrap")
	if err == nil {
		_, err = w.Write(text)
	}
	if err == nil {
		err = z.Close()
	}
	if err != nil {
		tb.Fatal(err)
	}
	return int64(size)
}

type countingWriter int64

func (c *countingWriter) Write(p []byte) (int, error) {
	*c += countingWriter(len(p))
	return len(p), nil
}

// TestSize builds the program as it is deployed and weighs it.
func TestSize(t *testing.T) {
	if testing.Short() {
		t.Skip("builds a program")
	}
	t.Parallel()
	binary := buildForLambda(t, ".")
	info, err := os.Stat(binary)
	if err != nil {
		t.Fatal(err)
	}
	zipped := zipSize(t, binary)
	t.Logf("%d bytes, %d as a zip archive", info.Size(), zipped)
	if info.Size() >= maxBinary || zipped >= maxZip {
		t.Errorf("%d bytes, %d as a zip archive; below %d and %d is wanted", info.Size(), zipped, maxBinary, maxZip)
	}
}

// startTime starts a program as Lambda does and returns how long it took until it
// asked for its first invocation.
func startTime(tb testing.TB, binary string) time.Duration {
	tb.Helper()
	polled := make(chan time.Time, 1)
	srv := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.URL.Path, "/invocation/next") {
			polled <- time.Now()
			<-r.Context().Done()
		}
	}))
	defer srv.Close()
	defer srv.CloseClientConnections()
	ctx, cancel := context.WithTimeout(tb.Context(), 2*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, binary)
	cmd.Env = []string{
		"AWS_LAMBDA_RUNTIME_API=" + strings.TrimPrefix(srv.URL, "http://"), "_HANDLER=worker.echo",
		"AWS_REGION=us-east-1", "AIWORKER_MAX_RECEIVE_COUNT=3", "HOME=" + os.TempDir(),
	}
	began := time.Now()
	if err := cmd.Start(); err != nil {
		tb.Fatal(err)
	}
	defer func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	}()
	select {
	case at := <-polled:
		return at.Sub(began)
	case <-ctx.Done():
		tb.Fatalf("%s does not ask for work", binary)
		return 0
	}
}

// BenchmarkStart measures exec to first poll, of a bare aws-lambda-go function and
// of the example program, in turns.
func BenchmarkStart(b *testing.B) {
	bare, worker := buildForLambda(b, "./testdata/bare"), buildForLambda(b, ".")
	var bareTook, workerTook time.Duration
	n := 0
	for b.Loop() {
		bareTook += startTime(b, bare)
		workerTook += startTime(b, worker)
		n++
	}
	b.ReportMetric(float64(bareTook.Microseconds())/float64(n), "bare-µs")
	b.ReportMetric(float64(workerTook.Microseconds())/float64(n), "worker-µs")
	b.ReportMetric(float64(workerTook)/float64(bareTook), "ratio")
}
