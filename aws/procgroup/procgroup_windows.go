package procgroup

import (
	"os"
	"os/exec"
	"syscall"
)

// Isolate puts the process that cmd will start into a group of its own. Ctrl-C in
// our console then does not reach it.
func Isolate(cmd *exec.Cmd) {
	if cmd.SysProcAttr == nil {
		cmd.SysProcAttr = &syscall.SysProcAttr{}
	}
	cmd.SysProcAttr.CreationFlags |= syscall.CREATE_NEW_PROCESS_GROUP
}

// Kill ends the process. Windows has no signal for a group; children end when they
// next use what the process held open for them.
func Kill(p *os.Process) { _ = p.Kill() }

// Terminate cannot be asked for on Windows; the Kill that follows does it.
func Terminate(*os.Process) {}
