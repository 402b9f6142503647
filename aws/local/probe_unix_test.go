//go:build !windows

package local_test

import (
	"os"
	"syscall"
)

func probe(p *os.Process) error { return p.Signal(syscall.Signal(0)) }
