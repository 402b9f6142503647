//go:build unix

package functions

import (
	"bufio"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"testing"
)

// TestNothingSurvivesUs kills a process that runs functions, without giving it a
// chance to clean up.
func TestNothingSurvivesUs(t *testing.T) {
	t.Parallel()
	cmd := exec.Command(testBinary(t))
	cmd.Env = append(os.Environ(), programVariable+"=parent")
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	line, readErr := bufio.NewReader(out).ReadString('\n')
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait() // it was killed
	pid, err := strconv.Atoi(strings.TrimSpace(line))
	if err != nil {
		t.Fatalf("the parent said %q, %v", line, readErr)
	}
	eventually(t, "the end of the function's process", func() bool { return !alive(pid) })
}

// alive says whether a process exists and is more than an entry that nobody has
// waited for.
func alive(pid int) bool {
	return syscall.Kill(pid, 0) == nil && !zombie(pid)
}
