package journal

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"
)

// Hit is a message that a journal says was sent.
type Hit struct {
	Header Header
	// At is when the send was accepted; zero in older journals.
	At time.Time
	// ID is the message's id, NewID that of the copy.
	ID, NewID string
	// JobID and NewJobID are as in Record.Jobs.
	JobID, NewJobID string
}

// Search looks through the journals in dir for messages that were sent: those whose
// message id, job id or new job id is among ids. They come in the order in which they
// were sent. What cannot be read is left out, and told by the error beside what could
// be.
//
// A journal of a hundred thousand messages is read at the pace of the disk: only lines
// that hold an id are taken apart.
func Search(dir string, ids ...string) ([]Hit, error) {
	names, err := list(dir, extension)
	if err != nil {
		return nil, err
	}
	wanted := make([][]byte, 0, len(ids))
	for _, id := range ids {
		if id == "" {
			continue
		}
		text, err := json.Marshal(id)
		if err != nil {
			return nil, fmt.Errorf("search the journals: %w", err)
		}
		wanted = append(wanted, text)
	}
	if len(wanted) == 0 {
		return nil, nil
	}
	var (
		out  []Hit
		errs []error
	)
	for _, name := range names {
		hits, err := searchOne(filepath.Join(dir, name), wanted)
		out = append(out, hits...)
		if err != nil && !errors.Is(err, os.ErrNotExist) {
			errs = append(errs, err)
		}
	}
	return out, errors.Join(errs...)
}

func searchOne(path string, wanted [][]byte) ([]Hit, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("search the journal: %w", err)
	}
	defer func() { _ = f.Close() }() // only read
	lines := newLines(f, lineMost)
	var (
		st  *State
		out []Hit
	)
	for n := 1; ; n++ {
		line, err := lines.next()
		if errors.Is(err, io.EOF) {
			return out, nil
		}
		if err == nil && n == 1 {
			st, err = begin(line)
		} else if err == nil && holds(line, wanted) {
			var r Record
			if err = json.Unmarshal(line, &r); err == nil {
				out = append(out, r.hits(&st.Header, wanted)...)
			}
		}
		if err != nil {
			return out, fmt.Errorf("search the journal %s: line %d: %w", path, n, err)
		}
	}
}

func holds(line []byte, wanted [][]byte) bool {
	for _, id := range wanted {
		if bytes.Contains(line, id) {
			return true
		}
	}
	return false
}

func (r *Record) hits(h *Header, wanted [][]byte) []Hit {
	var out []Hit
	for i, p := range r.Sent {
		hit := Hit{Header: *h, ID: p[0], NewID: p[1]}
		if r.At != 0 {
			hit.At = time.UnixMilli(r.At)
		}
		if i < len(r.Jobs) {
			hit.JobID, hit.NewJobID = r.Jobs[i][0], r.Jobs[i][1]
		}
		for _, id := range [...]string{hit.ID, hit.NewID, hit.JobID, hit.NewJobID} {
			if text, err := json.Marshal(id); id != "" && err == nil && holds(text, wanted) {
				out = append(out, hit)
				break
			}
		}
	}
	return out
}
