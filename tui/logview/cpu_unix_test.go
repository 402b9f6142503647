//go:build unix

package logview

import (
	"syscall"
	"time"
)

// processor is how much processor time this process has used: what a benchmark costs
// on a machine that others use, too.
func processor() time.Duration {
	var u syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &u) != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
