package cli

import (
	"strings"
	"testing"

	"github.com/charmbracelet/x/ansi"
)

func TestWorkersTableFits(t *testing.T) {
	t.Parallel()
	n := func(v int) *int { return &v }
	age, rate := int64(7300), 40.4
	rows := []workerRow{
		{
			ID: "video-processing-of-very-long-names-eu", Group: "default", State: "throttled: 30 of 80 invocations in 5 min",
			Visible: n(12345), InFlight: n(120), Delayed: n(0), Dead: n(8), OldestSeconds: &age, PerMinute: &rate, Mapping: "Enabled",
		},
		{ID: "日本語の仕事", State: "idle", Mapping: "Disabled"},
	}
	for _, tt := range []struct {
		width int
		head  string
	}{
		{0, "WORKER GROUP STATE VISIBLE IN FLIGHT DELAYED DLQ OLDEST MAPPING PER MIN"},
		{200, "WORKER GROUP STATE VISIBLE IN FLIGHT DELAYED DLQ OLDEST MAPPING PER MIN"},
		{110, "WORKER STATE VISIBLE IN FLIGHT DELAYED DLQ OLDEST MAPPING"},
		{90, "WORKER STATE VISIBLE IN FLIGHT DELAYED DLQ OLDEST MAPPING"},
		{80, "WORKER STATE VISIBLE IN FLIGHT DELAYED DLQ OLDEST"},
		{72, "WORKER STATE VISIBLE IN FLIGHT DLQ OLDEST"},
		{20, "WORKER STATE VISIBLE IN FLIGHT DLQ OLDEST"},
	} {
		lines := workersLines(rows, tt.width)
		if head := strings.Join(lines[0], " "); head != tt.head {
			t.Errorf("%d columns: %s, want %s", tt.width, head, tt.head)
		}
		table := &tableWriter{}
		for _, line := range lines {
			table.row(line...)
		}
		var b strings.Builder
		if err := table.writeTo(&b); err != nil {
			t.Fatal(err)
		}
		for line := range strings.SplitSeq(b.String(), "\n") {
			if w := ansi.StringWidth(line); tt.width >= 72 && w > tt.width {
				t.Errorf("%d columns: %d cells: %s", tt.width, w, line)
			}
		}
		if tt.width == 80 && (!strings.Contains(b.String(), "video-…es-eu") || !strings.Contains(b.String(), "throttled: 30 of")) {
			t.Errorf("80 columns:\n%s", b.String())
		}
	}
	for v, want := range map[float64]string{40.4: "+40", -120.2: "-120", 0.2: "0", -0.3: "0"} {
		if got := perMinute(&v); got != want {
			t.Errorf("%v: %q", v, got)
		}
	}
}

func TestRowsThatWereNotReadAreExit5(t *testing.T) {
	t.Parallel()
	one := 1
	for _, tt := range []struct {
		row  workerRow
		code int
	}{
		{workerRow{QueueURL: "q"}, exitPartly},
		{workerRow{}, exitDone}, // it has no queue
		{workerRow{DLQURL: "dead"}, exitPartly},
		{workerRow{DLQURL: "dead", Dead: &one}, exitDone},
	} {
		if got := exitCode(t.Context(), unreadError([]workerRow{tt.row})); got != tt.code {
			t.Errorf("%+v: %d, want %d", tt.row, got, tt.code)
		}
	}
}
