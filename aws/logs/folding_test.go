package logs

import (
	"fmt"
	"reflect"
	"testing"
	"time"
)

// Foldings of the lines sorted by request are what Fold makes of all.
func TestFoldingIsFold(t *testing.T) {
	t.Parallel()
	epoch := time.Date(2026, time.March, 2, 3, 0, 0, 0, time.UTC)
	var lines []Line
	add := func(second int, message string) {
		lines = append(lines, Parse("g", "s", "orders", fmt.Sprint(len(lines)), epoch.Add(time.Duration(second)*time.Second), message))
	}
	add(0, "INIT_START Runtime Version: provided:al2023.v1")
	for run := range 2 { // the second time is a repetition under the same id
		from := 10 * run
		add(from, "START RequestId: r-1 Version: $LATEST")
		add(from+1, `{"time":"2026-03-02T03:00:00Z","level":"WARN","msg":"job started","event":"job.started","jobId":"job-1","workerId":"orders","requestId":"r-1","attempt":2}`)
		add(from+2, `{"time":"2026-03-02T03:00:00Z","level":"INFO","msg":"job completed","event":"job.completed","jobId":"job-1","workerId":"orders","requestId":"r-1","attempt":2}`)
		add(from+3, "END RequestId: r-1")
		add(from+3, "REPORT RequestId: r-1\tDuration: 3000.00 ms\tBilled Duration: 3000 ms\tMemory Size: 128 MB\tMax Memory Used: 64 MB\t")
	}
	add(20, "START RequestId: r-2 Version: $LATEST")
	want := Fold(lines, epoch.Add(30*time.Second))

	tr := newTracker()
	var all []*Folding
	open := map[string]*Folding{}
	for i := range lines {
		l := &lines[i]
		tr.observe(l)
		if !l.InInvocation() {
			continue
		}
		if f := open[l.RequestID]; f != nil && !f.Over(l) {
			f.Add(l)
			continue
		}
		open[l.RequestID] = NewFolding(l)
		all = append(all, open[l.RequestID])
	}
	var got []Invocation
	for _, f := range all {
		got = append(got, f.Invocation(epoch.Add(30*time.Second)))
	}
	if len(want) != 3 || !reflect.DeepEqual(got, want) {
		t.Errorf("foldings are\n%+v, want\n%+v", got, want)
	}
}

func TestRecord(t *testing.T) {
	t.Parallel()
	l := Parse("g", "s", "orders", "id-1", time.Date(2026, 3, 2, 4, 0, 0, 0, time.FixedZone("X", 3600)), `{"level":"error","msg":"boom","jobId":"job-1"}`)
	r := RecordOf(&l)
	if r.Level != "error" || !r.Time.Equal(l.Time) || r.Time.Location() != time.UTC || string(r.Fields) != l.Raw || r.ID != "id-1" || r.WorkerID != "orders" {
		t.Errorf("the record is %+v", r)
	}
	l = Parse("g", "s", "orders", "id-2", time.Unix(0, 0), "plain")
	if r := RecordOf(&l); r.Level != "" || r.Fields != nil || r.Event != "" || r.Text != "plain" {
		t.Errorf("the record is %+v", r)
	}
}

func TestParseTimeIsInNowsZone(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, time.March, 2, 3, 4, 5, 0, time.FixedZone("X", 2*3600))
	for text, want := range map[string]time.Time{
		"90s":              now.Add(-90 * time.Second),
		"1d2h":             now.Add(-26 * time.Hour),
		"02:30":            time.Date(2026, time.March, 2, 2, 30, 0, 0, now.Location()),
		"yesterday 14:05":  time.Date(2026, time.March, 1, 14, 5, 0, 0, now.Location()),
		"2026-03-01 12:00": time.Date(2026, time.March, 1, 12, 0, 0, 0, now.Location()),
		"60000d":           time.Unix(0, 0),
	} {
		if got, err := ParseTime(now, text); err != nil || !got.Equal(want) {
			t.Errorf("%q is %v, %v; want %v", text, got, err, want)
		}
	}
	if _, err := ParseTime(now, "soon"); err == nil {
		t.Error("soon is a time")
	}
}
