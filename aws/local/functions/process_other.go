//go:build !linux

package functions

import "os/exec"

// dieWithParent does nothing: only Linux can do that. A program whose Runtime API
// has gone ends by itself, with the error of its next request.
func dieWithParent(*exec.Cmd) {}

// peakMemoryMB is not known of a running process on this system.
func peakMemoryMB(int) int { return 0 }
