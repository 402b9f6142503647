//go:build linux || darwin || freebsd

package doctor

import "golang.org/x/sys/unix"

// freeSpace is how many bytes this user may still write below dir.
func freeSpace(dir string) (uint64, error) {
	var s unix.Statfs_t
	if err := unix.Statfs(dir, &s); err != nil {
		return 0, err
	}
	return uint64(s.Bavail) * uint64(s.Bsize), nil //nolint:gosec,unconvert,nolintlint // the fields' types differ between systems
}
