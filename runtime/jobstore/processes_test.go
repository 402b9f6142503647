package jobstore_test

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/microfox-ai/aiwctl/runtime/jobstore"
)

// childEnv makes the test binary a program that uses a store: <role> <jobs> <dir>.
const childEnv = "AIWCTL_TEST_JOBSTORE_CHILD"

func TestMain(m *testing.M) {
	role, rest, ok := strings.Cut(os.Getenv(childEnv), " ")
	if !ok {
		os.Exit(m.Run())
	}
	var jobs int
	var dir string
	if _, err := fmt.Sscanf(rest, "%d %q", &jobs, &dir); err != nil {
		panic(err)
	}
	store, err := jobstore.OpenFile(dir)
	if err == nil {
		switch role {
		case "all":
			err = childAll(store, jobs)
		case "rewrite":
			err = childRewrite(store)
		}
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// childAll claims every job, in an order of its own, and runs those that it gets: adds
// its process to the record of the shared job, and completes. It prints the jobs that
// it ran.
func childAll(store *jobstore.File, jobs int) error {
	ctx, me := context.Background(), fmt.Sprint(os.Getpid())
	out := bufio.NewWriter(os.Stdout)
	for _, n := range rand.Perm(jobs) {
		id := fmt.Sprint("job-", n)
		got, err := store.Claim(ctx, jobstore.Claim{JobID: id, WorkerID: "w", Owner: me + " " + id, Lease: time.Now().Add(time.Hour)})
		if err != nil {
			return err
		}
		if got.Decision != jobstore.ClaimedJob {
			continue
		}
		if err := store.Update(ctx, id, jobstore.Update{Owner: me + " " + id, Status: jobstore.Completed, Output: json.RawMessage(`{"by":` + me + `}`)}); err != nil {
			return err
		}
		if _, err := fmt.Fprintln(out, id); err != nil {
			return err
		}
	}
	// All write one record, at the same time.
	for n := range 50 {
		u := jobstore.Update{Child: &jobstore.Child{JobID: fmt.Sprint(me, " ", n), WorkerID: "w"}, Metadata: map[string]any{fmt.Sprint(me, " ", n): n}}
		if err := store.Update(ctx, "shared", u); err != nil {
			return err
		}
	}
	return out.Flush()
}

// childRewrite changes a record until it is killed.
func childRewrite(store *jobstore.File) error {
	for n := 0; ; n++ {
		letter := string(rune('a' + n%26))
		u := jobstore.Update{Owner: "dying", Output: json.RawMessage(`"` + strings.Repeat(letter, 200_000) + `"`), Metadata: map[string]any{"letter": letter}}
		if err := store.Update(context.Background(), "j", u); err != nil {
			return err
		}
		if n == 0 {
			fmt.Println("writing")
		}
	}
}

func TestFileManyProcesses(t *testing.T) {
	t.Parallel()
	const processes, jobs = 4, 400
	dir := t.TempDir()
	store := openFile(t, dir)
	claim(t, store, "shared", "nobody", jobstore.ClaimedJob)
	ran := runAll(t, dir, processes, jobs)
	if len(ran) != jobs {
		t.Errorf("%d of %d jobs ran", len(ran), jobs)
	}
	for id, times := range ran {
		if got := get(t, store, id); times != 1 || got.Status != jobstore.Completed || len(got.Output) == 0 {
			t.Errorf("%s ran %d times: %+v", id, times, got)
		}
	}
	if got := get(t, store, "shared"); len(got.Children) != processes*50 || len(got.Metadata) != processes*50 {
		t.Errorf("%d children and %d metadata keys of %d", len(got.Children), len(got.Metadata), processes*50)
	}
}

// A process that is killed in the middle of a change leaves a whole record and no
// lock.
func TestFileKilledProcess(t *testing.T) {
	t.Parallel()
	for range 5 {
		dir := t.TempDir()
		store := openFile(t, dir)
		_, err := store.Claim(t.Context(), jobstore.Claim{JobID: "j", WorkerID: "w", Owner: "dying"})
		if err != nil {
			t.Fatal(err)
		}
		cmd, out := child(t, "rewrite", 0, dir)
		if line, err := bufio.NewReader(out).ReadString('\n'); line != "writing\n" {
			t.Fatalf("the child says %q, %v", line, err)
		}
		// Some changes later, at no moment in particular.
		for seen, last := 0, ""; seen < 3; {
			got := get(t, store, "j")
			if letter := fmt.Sprint(got.Metadata["letter"]); letter != last {
				seen, last = seen+1, letter
			}
			whole(t, got)
		}
		if err := cmd.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		_ = cmd.Wait() // killed
		whole(t, get(t, store, "j"))
		claim(t, store, "j", "next", jobstore.ClaimedJob)
		finish(t, store, "j", "next")
	}
}

// whole says whether the parts of a record are of one change.
func whole(t *testing.T, record *jobstore.Record) {
	t.Helper()
	letter := fmt.Sprint(record.Metadata["letter"])
	if want := `"` + strings.Repeat(letter, 200_000) + `"`; string(record.Output) != want {
		t.Fatalf("an output of %d bytes beside the letter %s", len(record.Output), letter)
	}
}

// runAll has processes claim and run jobs; how often each ran.
func runAll(t testing.TB, dir string, processes, jobs int) map[string]int {
	t.Helper()
	var running []*exec.Cmd
	var outs []io.Reader
	for range processes {
		cmd, out := child(t, "all", jobs, dir)
		running, outs = append(running, cmd), append(outs, out)
	}
	ran := map[string]int{}
	for n, out := range outs {
		lines := bufio.NewScanner(out)
		for lines.Scan() {
			ran[lines.Text()]++
		}
		if err := running[n].Wait(); err != nil {
			t.Errorf("a child: %v", err)
		}
	}
	return ran
}

// child starts this test binary as a program that uses a store.
func child(t testing.TB, role string, jobs int, dir string) (*exec.Cmd, io.Reader) {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), self)
	cmd.Env = append(os.Environ(), fmt.Sprintf("%s=%s %d %q", childEnv, role, jobs, dir))
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if cmd.ProcessState == nil {
			_ = cmd.Process.Kill() // a test that has failed
			_ = cmd.Wait()
		}
	})
	return cmd, out
}
