package journal_test

import (
	"bufio"
	"errors"
	"io"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/microfox-ai/aiwctl/aws/redrive/journal"
)

func TestRunning(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	j := create(t, dir, "id-1")
	running(t, j.Path())
	if _, err := journal.Read(j.Path()); err != nil {
		t.Errorf("a running one cannot be read: %v", err)
	}
	write(t, j, journal.Record{Skipped: []string{"x"}})
	j2, _, err := journal.Open(j.Path())
	if err != nil {
		t.Fatal(err)
	}
	// Closing the first once more does not let go of what the second holds.
	if err := j.Close(); err == nil {
		t.Error("closed twice")
	}
	running(t, j.Path())
	if err := j2.Close(); err != nil {
		t.Error(err)
	}
	j3, st, err := journal.Open(j.Path())
	if err != nil || !st.Of("x").Skipped {
		t.Fatalf("%+v, %v", st, err)
	}
	if err := j3.Close(); err != nil {
		t.Error(err)
	}
}

func running(t *testing.T, path string) {
	t.Helper()
	if _, _, err := journal.Open(path); !errors.Is(err, journal.ErrRunning) || !strings.Contains(err.Error(), path) {
		t.Errorf("open: %v", err)
	}
}

// childEnv is the journal that a child process of TestKilled writes.
const childEnv = "JOURNAL_TEST_CHILD"

// A journal is its process's until that is killed; what was committed is there.
func TestKilled(t *testing.T) {
	if path := os.Getenv(childEnv); path != "" {
		writeAsChild(t, path)
		return
	}
	t.Parallel()
	j := create(t, t.TempDir(), "id-1")
	write(t, j, journal.Record{Try: []journal.Pair{{"m-1", "r"}}})

	cmd := exec.Command(os.Args[0], "-test.run=^TestKilled$")
	cmd.Env = append(os.Environ(), childEnv+"="+j.Path())
	in, err := cmd.StdinPipe() // the child ends with this test at the latest
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = in.Close() }() // Wait may have
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	if line, err := bufio.NewReader(out).ReadString('\n'); err != nil || line != "written\n" {
		t.Errorf("the child says %q, %v", line, err)
	}
	running(t, j.Path())
	if err := cmd.Process.Kill(); err != nil {
		t.Error(err)
	}
	if err := cmd.Wait(); err == nil {
		t.Error("the child ended by itself")
	}
	j2, st, err := journal.Open(j.Path())
	if err != nil {
		t.Fatal(err)
	}
	if m := st.Of("m-1"); !m.Sent || m.NewID != "n" || !st.Of("m-2").Tried {
		t.Errorf("%+v, %+v", m, st.Of("m-2"))
	}
	write(t, j2, end())
}

func writeAsChild(t *testing.T, path string) {
	j, st, err := journal.Open(path)
	if err != nil || !st.Of("m-1").Tried {
		t.Fatalf("%+v, %v", st, err)
	}
	if err := errors.Join(j.Commit(journal.Record{Sent: []journal.Pair{{"m-1", "n"}}}), j.Append(journal.Record{Try: []journal.Pair{{"m-2", "r"}}})); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stdout.WriteString("written\n"); err != nil {
		t.Fatal(err)
	}
	_, _ = io.Copy(io.Discard, os.Stdin) // until it is killed
	t.Fatal("nobody killed it")
}

func TestRunningSaysWhoStillWrites(t *testing.T) {
	t.Parallel()
	j := create(t, t.TempDir(), "id-1")
	if !journal.Running(j.Path()) {
		t.Error("a journal that is being written is not running")
	}
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	if journal.Running(j.Path()) || journal.Running(j.Path()+"x") {
		t.Error("a journal that nobody writes is running")
	}
	j, _, err := journal.Open(j.Path())
	if err != nil {
		t.Fatalf("it cannot be opened after somebody asked: %v", err)
	}
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
}
