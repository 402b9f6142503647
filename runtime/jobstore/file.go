package jobstore

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// File keeps job records in a directory, a JSON document for each, for the processes
// of one machine. Use OpenFile; there is nothing to close.
//
// A change is written to another file, which then takes the place of the document:
// when a process is killed in the middle, or the disk is full, the document is as it
// was or as it should be. Nothing waits for the disk itself, so a machine that loses
// power may lose the changes of its last seconds: this is a store for local work.
//
// A document is <dir>/<xx>/<name>.json. The name is the SHA-256 of the job id, so
// that every id is a file name on every system and ids that differ in case stay
// apart; xx are its first two digits. A change holds a lock on <dir>/<xx>/lock, which
// the system takes from a process that dies. Directories and files are the user's
// own (0700, 0600).
type File struct {
	dir    string
	ttl    time.Duration
	shards [256]shard
}

var _ Store = (*File)(nil)

// shard is one of the 256 parts of a store.
type shard struct {
	// turn is taken by the goroutine of this process that may ask for the lock.
	turn chan struct{}
}

const (
	lockName = "lock"
	// scratchName is the file that the next document is written to. There is one in a
	// shard, since whoever writes has the lock: what a killed process left behind is
	// overwritten by the next change.
	scratchName = "next.tmp"
)

// OpenFile opens the store in a directory, which is made when it is not there.
// Several processes, and several stores of one process, may have it open.
func OpenFile(dir string, opts ...Option) (*File, error) {
	if dir == "" {
		return nil, errors.New("open a job store: no directory given")
	}
	path, err := filepath.Abs(dir) // the process may change its own directory later
	if err != nil {
		return nil, fmt.Errorf("open the job store %s: %w", dir, err)
	}
	if err := os.MkdirAll(path, 0o700); err != nil {
		return nil, fmt.Errorf("open the job store %s: %w", dir, err)
	}
	f := &File{dir: path, ttl: newConfig(opts).ttl}
	for i := range f.shards {
		f.shards[i].turn = make(chan struct{}, 1)
	}
	return f, nil
}

// Claim takes a job for one delivery; see Store.
func (f *File) Claim(ctx context.Context, c Claim) (Claimed, error) {
	if err := firstError(ctx.Err(), c.Validate()); err != nil {
		return Claimed{}, f.failed("claim", c.JobID, err)
	}
	at := f.place(c.JobID)
	unlock, err := f.lock(ctx, at)
	if err != nil {
		return Claimed{}, f.failed("claim", c.JobID, err)
	}
	defer unlock()
	now := time.Now()
	before, err := at.read(now)
	if err != nil {
		return Claimed{}, f.failed("claim", c.JobID, err)
	}
	after, decision, err := claim(before, c, now)
	if err == nil && decision == ClaimedJob {
		err = at.write(after, now.Add(f.ttl))
	}
	if err != nil {
		return Claimed{}, f.failed("claim", c.JobID, err)
	}
	return Claimed{Decision: decision, Before: before}, nil
}

// Update changes a record; see Store.
func (f *File) Update(ctx context.Context, jobID string, u Update) error {
	if err := firstError(ctx.Err(), u.Validate()); err != nil {
		return f.failed("update", jobID, err)
	}
	at := f.place(jobID)
	unlock, err := f.lock(ctx, at)
	if err != nil {
		return f.failed("update", jobID, err)
	}
	defer unlock()
	now := time.Now()
	before, err := at.read(now)
	if err == nil && before == nil {
		err = ErrNotFound
	}
	if err != nil {
		return f.failed("update", jobID, err)
	}
	after, err := update(before, u, now)
	if err == nil && after != before {
		err = at.write(after, now.Add(f.ttl))
	}
	if err != nil {
		return f.failed("update", jobID, err)
	}
	return nil
}

// Get returns the record of a job; see Store.
func (f *File) Get(ctx context.Context, jobID string) (*Record, error) {
	if err := ctx.Err(); err != nil {
		return nil, f.failed("read", jobID, err)
	}
	at := f.place(jobID)
	if readersLock {
		unlock, err := f.lock(ctx, at)
		if err != nil {
			return nil, f.failed("read", jobID, err)
		}
		defer unlock()
	}
	record, err := at.read(time.Now())
	if err == nil && record == nil {
		err = ErrNotFound
	}
	if err != nil {
		return nil, f.failed("read", jobID, err)
	}
	return record, nil
}

func (f *File) failed(doing, jobID string, err error) error {
	return fmt.Errorf("%s job %s in %s: %w", doing, shortID(jobID), f.dir, err)
}

// place is where a job's document is.
type place struct {
	jobID string
	shard byte
	// dir is the shard's directory, and path the document.
	dir, path string
}

func (f *File) place(jobID string) place {
	sum := sha256.Sum256([]byte(jobID))
	name := hex.EncodeToString(sum[:])
	dir := filepath.Join(f.dir, name[:2])
	return place{jobID: jobID, shard: sum[0], dir: dir, path: filepath.Join(dir, name+".json")}
}

// read is the record in a document; nil when there is none or its time is over.
func (p place) read(now time.Time) (*Record, error) {
	record, expires, err := readDocument(p.path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, nil
	case err != nil:
		return nil, err
	case expired(expires, now):
		return nil, nil
	}
	// An id that is not UTF-8 does not survive JSON.
	record.JobID = p.jobID
	return record, nil
}

func readDocument(path string) (record *Record, expires time.Time, err error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, time.Time{}, err
	}
	record, expires, err = decode(text)
	if err != nil {
		return nil, time.Time{}, fmt.Errorf("the record in %s is damaged (%w); without that file the job begins anew", path, err)
	}
	return record, expires, nil
}

// write puts a record in the place of the document. The caller has the lock.
func (p place) write(record *Record, expires time.Time) error {
	text, err := record.encode(millis(expires))
	if err != nil {
		return err
	}
	scratch := filepath.Join(p.dir, scratchName)
	err = os.WriteFile(scratch, text, 0o600)
	if err == nil {
		err = os.Rename(scratch, p.path)
	}
	if err != nil {
		// A part of a document takes room on a disk that may be full of such.
		return errors.Join(err, ignoreMissing(os.Remove(scratch)))
	}
	return nil
}

// lock takes the lock of a shard; the record is the caller's until unlock.
func (f *File) lock(ctx context.Context, at place) (unlock func(), err error) {
	turn := f.shards[at.shard].turn
	select {
	case turn <- struct{}{}:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	file, err := lockFile(ctx, at.dir)
	if err != nil {
		<-turn
		return nil, err
	}
	f.sweep(file, at.dir)
	return func() {
		_ = file.Close() // which gives the lock back; nothing was written
		<-turn
	}, nil
}

// lockFile opens a shard's lock file and waits until no other process has it locked.
func lockFile(ctx context.Context, dir string) (*os.File, error) {
	path := filepath.Join(dir, lockName)
	file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if errors.Is(err, fs.ErrNotExist) {
		if err := os.MkdirAll(dir, 0o700); err != nil {
			return nil, err
		}
		file, err = os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	}
	if err != nil {
		return nil, err
	}
	// A change takes some 0.1 ms. Asking again and again, instead of waiting in the
	// system, lets a context end the wait for a process that is stopped.
	for pause := 50 * time.Microsecond; ; pause = min(2*pause, 5*time.Millisecond) {
		locked, err := tryLock(file)
		if err == nil && !locked {
			timer := time.NewTimer(pause)
			select {
			case <-timer.C:
				continue
			case <-ctx.Done():
				timer.Stop()
				err = fmt.Errorf("wait for the lock %s, which another process holds: %w", path, ctx.Err())
			}
		} else if err != nil {
			err = fmt.Errorf("lock %s: %w", path, err)
		}
		if err != nil {
			_ = file.Close() // nothing was written
			return nil, err
		}
		return file, nil
	}
}

// sweep removes the documents of a shard whose time is over. It does so ten times in
// a record's lifetime, for all processes together: the lock file's modification time
// says when. What goes wrong is left to the next one: no job waits for it.
func (f *File) sweep(lock *os.File, dir string) {
	now := time.Now()
	info, err := lock.Stat()
	if err != nil || now.Sub(info.ModTime()) < f.ttl/10 {
		return
	}
	if err := os.Chtimes(lock.Name(), now, now); err != nil {
		return
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return
	}
	for _, entry := range entries {
		if !strings.HasSuffix(entry.Name(), ".json") {
			continue
		}
		// The document itself says when, since another process may keep them longer;
		// its own modification time spares reading those that are younger than ours.
		if info, err := entry.Info(); err != nil || now.Sub(info.ModTime()) < f.ttl {
			continue
		}
		path := filepath.Join(dir, entry.Name())
		if _, expires, err := readDocument(path); err == nil && expired(expires, now) {
			_ = os.Remove(path) // the next sweep tries again
		}
	}
}

func ignoreMissing(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

// shortID is a job id for an error: quoted, since it comes from a message, and not
// longer than a line.
func shortID(jobID string) string {
	const most = 120
	if len(jobID) <= most {
		return fmt.Sprintf("%q", jobID)
	}
	return fmt.Sprintf("%q... (%d bytes)", strings.ToValidUTF8(jobID[:most], ""), len(jobID))
}
