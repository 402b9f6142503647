package doctor

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/microfox-ai/aiwctl/aws"
)

// littleSpace is how much free space is worth a warning: the journal of a replay of
// a million messages with their bodies takes as much and more.
const littleSpace = 200 << 20

// checkMachine sees whether what outlives a command can be written: the audit
// trail, without which nothing is written to AWS, and the journals of replays.
func (d *diagnosis) checkMachine() []Check {
	bad := Error
	if d.target.ReadOnly {
		bad = Warning // nothing is going to be written
	}
	dir, err := aws.StateDir(d.o.Getenv)
	if err != nil {
		return []Check{{Name: "state directory", Status: bad, Text: err.Error(), Remedy: "set XDG_STATE_HOME to a directory"}}
	}
	c := Check{Name: "state directory", Status: OK, Text: dir + " can be written"}
	if err := writable(dir); err != nil {
		c.Status, c.Text = bad, "audit trail and journals cannot be written: "+err.Error()
		c.Remedy = "make " + dir + " writable, free space, or set XDG_STATE_HOME to another place"
		return []Check{c}
	}
	checks := []Check{c}
	// Not knowing how much is free is no fault of the machine's.
	if free, err := freeSpace(dir); err == nil {
		c := Check{Name: "disk space", Status: OK, Text: "enough is free for journals"}
		if free < littleSpace {
			c.Status, c.Text = Warning, fmt.Sprintf("%d MB are free where %s is", free>>20, dir)
			c.Remedy = "free some: a replay stops when its journal cannot be written"
		}
		checks = append(checks, c)
	}
	path, err := aws.DefaultAuditPath(d.o.Getenv)
	if err == nil {
		c := Check{Name: "audit trail", Status: OK, Text: path + " can be appended to"}
		f, err := os.OpenFile(path, os.O_APPEND|os.O_WRONLY, 0o600)
		switch {
		case err == nil:
			_ = f.Close()
		case errors.Is(err, os.ErrNotExist):
			c.Text = path + " begins with the first write"
		default:
			c.Status, c.Text = bad, "cannot be appended to: "+err.Error()
			c.Remedy = "make the file writable: nothing is written to AWS without a trail"
		}
		checks = append(checks, c)
	}
	return checks
}

// writable makes the directory, as the first write would, and writes a file there.
func writable(dir string) (err error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	f, err := os.CreateTemp(dir, "doctor-*")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.Remove(filepath.Clean(f.Name()))) }()
	_, err = f.WriteString("doctor was here\n")
	return errors.Join(err, f.Sync(), f.Close())
}
