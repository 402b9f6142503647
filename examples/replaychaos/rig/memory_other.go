//go:build !unix

package rig

// PeakMemory is zero: this system does not say.
func (p *Process) PeakMemory() int64 { return 0 }
