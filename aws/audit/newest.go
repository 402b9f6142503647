package audit

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"time"
)

// Newest reads the newest actions of the trail at path that keep wants (nil: all), at
// most most of them, from the end of its files: it costs what it returns, however long
// the trail is. More says that there are older ones. What it says of unreadable lines is
// of those that it came by. A trail that was never begun is empty.
func Newest(ctx context.Context, path string, most int, keep func(Record) bool) (h History, more bool, err error) {
	files, err := trail(path, time.Time{})
	if err != nil {
		return h, false, err
	}
	ends := make(map[string]Record) // whose begin was not seen yet
	for _, file := range slices.Backward(files) {
		err := eachLineBack(ctx, file, func(at int64, line []byte) bool {
			var r Record
			if json.Unmarshal(line, &r) != nil || !r.valid() {
				h.unreadable(fmt.Sprintf("%s, byte %d", file, at))
				return true
			}
			e := Entry{Record: r}
			switch r.Event {
			case EventEnd:
				ends[r.ID] = r
				return true
			case EventBegin:
				if end, ended := ends[r.ID]; ended {
					delete(ends, r.ID)
					e = joined(r, end)
				}
			default:
				e = alone(r)
			}
			if keep != nil && !keep(r) {
				return true
			}
			if more = len(h.Entries) == most; !more {
				h.Entries = append(h.Entries, e)
			}
			return !more
		})
		if err != nil || more {
			h.finish()
			return h, more, err
		}
	}
	for _, r := range ends { // their begins are in files that are gone
		if len(h.Entries) == most {
			more = true
		} else if keep == nil || keep(r) {
			h.Entries = append(h.Entries, alone(r))
		}
	}
	h.finish()
	return h, more, nil
}

// Stamp is a text that changes whenever something is written to the trail at path. It
// looks at the file, and does not read it.
func Stamp(path string) (string, error) {
	info, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return "none", nil
	}
	if err != nil {
		return "", err
	}
	return fmt.Sprint(info.Size(), " ", info.ModTime().UnixNano()), nil
}

// joined is an action of its two records.
func joined(begin, end Record) Entry {
	e := Entry{Record: end}
	e.Time, e.IDs = begin.Time, begin.IDs
	e.Who, e.Account = cmp.Or(end.Who, begin.Who), cmp.Or(end.Account, begin.Account)
	e.Ended = new(end.Time)
	return e
}

// alone is an action of its only record: an end whose begin is gone, a begin without an
// end, or a record of the first versions.
func alone(r Record) Entry {
	e := Entry{Record: r}
	switch r.Event {
	case EventEnd:
		e.Ended = new(r.Time)
		e.Time = r.Time.Add(-time.Duration(r.DurationMS) * time.Millisecond)
	case "":
		e.Ended = new(r.Time.Add(time.Duration(r.DurationMS) * time.Millisecond))
	}
	return e
}

// chunk is how much is read at once.
const chunk = 256 << 10

// eachLineBack calls fn with the lines of a file that are not empty and the places where
// they begin, the last one first, until it says no.
func eachLineBack(ctx context.Context, path string, fn func(at int64, line []byte) bool) error {
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil // renamed a moment ago
	}
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }() // only read
	info, err := f.Stat()
	if err != nil {
		return err
	}
	var rest []byte // the end of a line that begins further ahead
	for end := info.Size(); end > 0; {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		n := min(chunk, end)
		buf := make([]byte, n, n+int64(len(rest)))
		if _, err := f.ReadAt(buf, end-n); err != nil {
			return err
		}
		buf = append(buf, rest...)
		end -= n
		for i := bytes.LastIndexByte(buf, '\n'); i >= 0; i = bytes.LastIndexByte(buf, '\n') {
			if line := bytes.TrimSpace(buf[i+1:]); len(line) > 0 && !fn(end+int64(i)+1, line) {
				return nil
			}
			buf = buf[:i]
		}
		rest = buf
	}
	if line := bytes.TrimSpace(rest); len(line) > 0 {
		fn(0, line)
	}
	return nil
}
