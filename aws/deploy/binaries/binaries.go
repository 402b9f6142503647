// Package binaries builds worker programs and keeps what it has built, so that the Go
// command links only what changed. What is kept is private to the user, checked by its hash
// before it is used, and made anew when it is broken.
package binaries

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	goruntime "runtime"
	"time"

	"github.com/microfox-ai/aiwctl/aws/filelock"
)

// Platform is what a program runs on, in Go's words.
type Platform struct {
	GOOS, GOARCH string
}

// Host is the platform of this process.
func Host() Platform { return Platform{goruntime.GOOS, goruntime.GOARCH} }

// Lambda is the platform of functions on a processor, in Go's words.
func Lambda(goarch string) Platform { return Platform{"linux", goarch} }

func (p Platform) String() string { return p.GOOS + "/" + p.GOARCH }

// Binary is a program that was built.
type Binary struct {
	// Package is the import path.
	Package string
	// Path is where it is; it stays there while the Kept is held.
	Path string
	// SHA256 is of its bytes, in lower-case hex; Size is their number.
	SHA256 string
	Size   int64
}

// Kept is what is kept of the programs of one directory. It is held by one process at a
// time; close it in the end.
type Kept struct {
	root   string // of everybody's
	dir    string // of this directory's
	source string // the directory, absolute
	lock   *os.File
	unlock func()
}

// DefaultDir is where things are kept unless somebody says otherwise.
func DefaultDir() (string, error) {
	dir, err := os.UserCacheDir()
	if err != nil {
		return "", fmt.Errorf("find the directory for caches: %w: name one with --cache-dir", err)
	}
	return filepath.Join(dir, "aiwctl", "push"), nil
}

// lockPoll is how often a lock is asked for that another process holds.
const lockPoll = 100 * time.Millisecond

// Hold opens what is kept below cache, empty for DefaultDir, of the programs that are built
// from dir, empty for the current directory. It waits while another process builds them.
func Hold(ctx context.Context, cache, dir string) (*Kept, error) {
	if cache == "" {
		var err error
		if cache, err = DefaultDir(); err != nil {
			return nil, err
		}
	}
	source, err := filepath.Abs(dir)
	if err != nil {
		return nil, fmt.Errorf("find %s: %w", dir, err)
	}
	if physical, err := filepath.EvalSymlinks(source); err == nil {
		source = physical
	}
	sum := sha256.Sum256([]byte(source))
	// The name tells a person whose it is, the sum tells it from others.
	k := &Kept{root: cache, source: source, dir: filepath.Join(cache, filepath.Base(source)+"-"+hex.EncodeToString(sum[:8]))}
	for {
		held, err := k.take()
		if err != nil {
			return nil, fmt.Errorf("lock %s: %w", k.dir, err)
		}
		if held {
			return k, nil
		}
		select {
		case <-ctx.Done():
			return nil, fmt.Errorf("wait for another build of %s: %w", source, context.Cause(ctx))
		case <-time.After(lockPoll):
		}
	}
}

// take takes the lock, if nobody holds it.
func (k *Kept) take() (held bool, err error) {
	if err := os.MkdirAll(k.dir, 0o700); err != nil {
		return false, err
	}
	name := filepath.Join(k.dir, lockName)
	f, err := os.OpenFile(name, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return false, err
	}
	defer func() {
		if !held {
			err = errors.Join(err, f.Close())
		}
	}()
	unlock, err := filelock.Lock(f)
	if errors.Is(err, filelock.ErrLocked) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	// Somebody who tidied up may have removed it before it was ours.
	mine, err := f.Stat()
	if there, serr := os.Stat(name); err != nil || serr != nil || !os.SameFile(mine, there) {
		unlock()
		return false, err
	}
	now := time.Now()
	if err := os.Chtimes(name, now, now); err != nil { // by which its age is told
		unlock()
		return false, err
	}
	k.lock, k.unlock = f, unlock
	return true, nil
}

// Close lets others have it, and removes what nobody has used for long.
func (k *Kept) Close() error {
	k.tidy(time.Now())
	k.unlock()
	return k.lock.Close()
}

// Dir is a directory below it, for what is made of the programs.
func (k *Kept) Dir(name string) (string, error) {
	dir := filepath.Join(k.dir, name)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return "", fmt.Errorf("make a directory for programs: %w", err)
	}
	return dir, nil
}

// Sum is the SHA-256 of a file, in lower-case hex, and its size.
func Sum(path string) (sum string, size int64, err error) {
	f, err := os.Open(path)
	if err != nil {
		return "", 0, err
	}
	defer f.Close()
	h := sha256.New()
	if size, err = io.Copy(h, f); err != nil {
		return "", 0, fmt.Errorf("read %s: %w", path, err)
	}
	return hex.EncodeToString(h.Sum(nil)), size, nil
}
