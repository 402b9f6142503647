package functions

import (
	"os"
	"os/exec"
	"syscall"
)

// isolate gives the process a group of its own, so that Ctrl-C in our console does
// not reach it.
func isolate(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{CreationFlags: syscall.CREATE_NEW_PROCESS_GROUP}
}

// killGroup ends the process. Windows has no signal for a group; children end
// when they next use what the process held open for them.
func killGroup(p *os.Process) { _ = p.Kill() }

// terminate cannot be asked for on Windows; the kill that follows does it.
func terminate(*os.Process) {}

// peakMemoryMB is not known of a running process on this system.
func peakMemoryMB(int) int { return 0 }
