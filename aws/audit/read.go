package audit

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// Entry is an action, joined from its records.
type Entry struct {
	Record
	// Time is when it began, Ended when it ended; nil when it did not.
	Ended *time.Time `json:"ended,omitempty"`
}

// History is what a trail tells.
type History struct {
	// Entries are the actions, the newest first.
	Entries []Entry
	// Unreadable are the places of lines that are no records: what a process left
	// that was cut off, say. At most the first ten, of UnreadableCount.
	Unreadable      []string
	UnreadableCount int
}

// unreadableMost is how many places of unreadable lines are kept.
const unreadableMost = 10

// Read reads the trail at path, with the files that were renamed beside it, for
// actions that began at since or later. Keep, when not nil, is asked about each
// action's first record. A trail that was never begun is empty.
func Read(path string, since time.Time, keep func(Record) bool) (History, error) {
	return readLines(path, since, nil, keep)
}

// Mentioning is Read for the actions that name an id of a message or a job among theirs.
// Only the lines that may be of one are parsed, so that it takes a moment where Read
// takes seconds; what it says of unreadable lines is of those.
func Mentioning(path, id string, keep func(Record) bool) (History, error) {
	text, err := json.Marshal(id)
	if err != nil {
		return History{}, err
	}
	var ours [][]byte // of the actions whose begin names it
	return readLines(path, time.Time{}, func(line []byte) bool {
		return bytes.Contains(line, text) || slices.ContainsFunc(ours, func(action []byte) bool { return bytes.Contains(line, action) })
	}, func(r Record) bool {
		if !slices.Contains(r.IDs, id) || keep != nil && !keep(r) {
			return false
		}
		if r.ID != "" {
			ours = append(ours, []byte(r.ID))
		}
		return true
	})
}

// readLines reads the lines of a trail that may be wanted; a nil function wants all.
func readLines(path string, since time.Time, may func(line []byte) bool, keep func(Record) bool) (History, error) {
	var h History
	files, err := trail(path, since)
	if err != nil {
		return h, err
	}
	at := make(map[string]int)
	left := make(map[string]bool) // ids that keep did not want
	for _, file := range files {
		err := eachLine(file, func(n int, line []byte) {
			if may != nil && !may(line) {
				return
			}
			var r Record
			if json.Unmarshal(line, &r) != nil || !r.valid() {
				h.unreadable(fmt.Sprintf("%s:%d", file, n))
				return
			}
			h.add(r, at, left, since, keep)
		})
		if err != nil {
			return h, err
		}
	}
	slices.Reverse(h.Entries)
	h.finish()
	return h, nil
}

func (h *History) unreadable(place string) {
	if h.UnreadableCount++; len(h.Unreadable) < unreadableMost {
		h.Unreadable = append(h.Unreadable, place)
	}
}

// finish says what became of actions without an end, and puts all in order.
func (h *History) finish() {
	host, _ := os.Hostname() // without a name nothing can be said of its processes
	for i := range h.Entries {
		e := &h.Entries[i]
		e.Event = ""
		if e.Ended == nil {
			e.Outcome = OutcomeNoEnd
			if e.Host == host && host != "" && alive(e.PID) {
				e.Outcome = OutcomeUnderWay
			}
		}
	}
	// Appended in the order of their time, but by several processes.
	slices.SortStableFunc(h.Entries, func(a, b Entry) int { return b.Time.Compare(a.Time) })
}

// valid is whether a line is a record. Those of the first versions had no id and
// no begin.
func (r *Record) valid() bool {
	switch r.Event {
	case EventBegin, EventEnd:
		return r.ID != ""
	case "":
		return r.Outcome != "" && !r.Time.IsZero()
	}
	return false
}

func (h *History) add(r Record, at map[string]int, left map[string]bool, since time.Time, keep func(Record) bool) {
	if r.Event != EventBegin {
		if i, ok := at[r.ID]; ok && r.ID != "" {
			h.Entries[i] = joined(h.Entries[i].Record, r)
			return
		}
		if left[r.ID] {
			return
		}
	}
	e := alone(r)
	if e.Time.Before(since) || keep != nil && !keep(e.Record) {
		if r.ID != "" {
			left[r.ID] = true
		}
		return
	}
	if r.ID != "" {
		at[r.ID] = len(h.Entries)
	}
	h.Entries = append(h.Entries, e)
}

// trail are the files of a trail that may have records of since or later, the
// oldest first.
func trail(path string, since time.Time) ([]string, error) {
	dir, ext := filepath.Dir(path), filepath.Ext(path)
	prefix := strings.TrimSuffix(filepath.Base(path), ext) + "-"
	entries, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var files []string
	for _, e := range entries { // sorted by name, and so by time
		stamp, ok := strings.CutPrefix(e.Name(), prefix)
		if !ok || filepath.Ext(stamp) != ext || len(stamp) < len(rotatedFormat) {
			continue
		}
		renamed, err := time.Parse(rotatedFormat, stamp[:len(rotatedFormat)])
		if err != nil || renamed.Before(since.Add(-time.Minute)) {
			continue
		}
		files = append(files, filepath.Join(dir, e.Name()))
	}
	if _, err := os.Stat(path); err == nil {
		files = append(files, path)
	} else if !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	return files, nil
}

// eachLine calls fn with the lines that are not empty, under their numbers.
func eachLine(path string, fn func(n int, line []byte)) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }() // only read
	in := bufio.NewReaderSize(f, 64<<10)
	for n := 1; ; n++ {
		line, err := in.ReadBytes('\n')
		if err != nil && !errors.Is(err, io.EOF) {
			return err
		}
		if text := bytes.TrimSpace(line); len(text) > 0 {
			fn(n, text)
		}
		if err != nil {
			return nil
		}
	}
}
