//go:build unix

package rig

import (
	goruntime "runtime"
	"syscall"
)

// PeakMemory is the most memory that a process which has ended had resident, in
// bytes; zero when the system does not say. On Linux a process that is started by
// exec also counts its starter's, so the starter must be the smaller one.
func (p *Process) PeakMemory() int64 {
	usage, ok := p.cmd.ProcessState.SysUsage().(*syscall.Rusage)
	if !ok {
		return 0
	}
	if goruntime.GOOS == "darwin" || goruntime.GOOS == "ios" { // bytes there, KiB elsewhere
		return int64(usage.Maxrss)
	}
	return int64(usage.Maxrss) << 10
}
