package jobstore

import (
	"context"
	"path/filepath"
)

// Lock takes the lock of a part of a File store, as another program would.
func Lock(ctx context.Context, dir string) (unlock func(), err error) {
	file, err := lockFile(ctx, dir)
	if err != nil {
		return nil, err
	}
	return func() { _ = file.Close() }, nil
}

// Shard is the part of a File store that has a job.
func Shard(jobID string) string { return filepath.Base((&File{}).place(jobID).dir) }

// Decode reads a document and writes it again.
func Decode(text []byte) (again []byte, err error) {
	record, expires, err := decode(text)
	if err != nil {
		return nil, err
	}
	return record.encode(expires)
}

// Kept is how many records a Memory store holds, expired ones included.
func Kept(m *Memory) int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return len(m.jobs)
}
