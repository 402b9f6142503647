package dispatch

import (
	"bytes"
	"encoding/json"
	"testing"
)

// FuzzSplitLanes makes jobs of a text, a byte for each: its size and its group.
// Every job is sent once, in batches SQS takes, and the order of a group is kept.
func FuzzSplitLanes(f *testing.F) {
	f.Add([]byte("hello, a few jobs of several sizes and groups"), uint8(8), uint8(10), uint16(300))
	f.Add(bytes.Repeat([]byte{0}, 95), uint8(1), uint8(10), uint16(1000))
	f.Add([]byte{255, 1, 255, 2, 254, 3}, uint8(3), uint8(2), uint16(255))
	f.Add([]byte{7, 7, 7, 7}, uint8(2), uint8(1), uint16(0))
	f.Add([]byte{}, uint8(4), uint8(10), uint16(10))
	f.Fuzz(func(t *testing.T, text []byte, parallel, most uint8, room uint16) {
		lanesMax, batchMax := int(parallel%16)+1, int(most%MaxBatch)+1
		jobs := make([]manyJob, len(text))
		for i, b := range text {
			m := &Message{}
			if b%4 != 0 {
				m.GroupID = string(rune('a' + b%4*(b/64)))
			}
			jobs[i] = manyJob{index: i, message: m, body: make([]byte, b)}
		}
		type place struct{ lane, position int }
		placed := map[int]place{}
		for l, lane := range splitLanes(jobs, lanesMax, batchMax, int(room)) {
			position := 0
			for _, batch := range lane {
				sum := 0
				for _, job := range batch {
					if _, twice := placed[job.index]; twice {
						t.Fatalf("job %d is sent twice", job.index)
					}
					placed[job.index] = place{l, position}
					position++
					sum += len(job.body)
				}
				if len(batch) == 0 || len(batch) > batchMax || len(batch) > 1 && sum > int(room) {
					t.Fatalf("a batch of %d messages and %d bytes; %d and %d are allowed", len(batch), sum, batchMax, room)
				}
			}
		}
		if len(placed) != len(jobs) {
			t.Fatalf("%d of %d jobs are sent", len(placed), len(jobs))
		}
		last := map[string]place{}
		for i := range jobs {
			group := jobs[i].message.GroupID
			if group == "" {
				continue
			}
			before, ok := last[group]
			if now := placed[i]; ok && (now.lane != before.lane || now.position < before.position) {
				t.Fatalf("job %d at %v, after one of its group at %v", i, now, before)
			}
			last[group] = placed[i]
		}
	})
}

func FuzzCompacted(f *testing.F) {
	for _, text := range []string{
		`{"a" : [ 1, 2 ]}`, "\"\\\\\"", `"a \" b"`, ` "x" `, `[" \\", "\\\" ", ""]`, "{\n\t\"k\\u0022 \": -1.5e3 }", `"` + "\xff" + ` "`, `""`,
	} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		var want bytes.Buffer
		if json.Compact(&want, text) != nil {
			compacted(nil, text) // must not panic, though nobody asks it to
			return
		}
		if got := compacted(nil, text); !bytes.Equal(got, want.Bytes()) {
			t.Fatalf("%q is compacted to %q, want %q", text, got, want.Bytes())
		}
	})
}
