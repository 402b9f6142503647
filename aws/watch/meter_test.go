package watch

import (
	"testing"
	"time"
)

func TestMeter(t *testing.T) {
	t.Parallel()
	var m Meter
	start := time.Date(2026, 3, 2, 3, 4, 5, 0, time.UTC)
	for _, step := range []struct {
		after       time.Duration
		total, want uint64
	}{
		{0, 30, 30},                  // the first minute: all there were
		{10 * time.Second, 42, 42},   //
		{59 * time.Second, 100, 100}, //
		{60 * time.Second, 110, 80},  // the first 30 are a minute old
		{70 * time.Second, 120, 78},  // since 42
		{75 * time.Second, 121, 79},  // still since 42: no newer reading is old enough
		{10 * time.Minute, 121, 0},   // paused: nothing was called
	} {
		if got := m.Note(start.Add(step.after), step.total); got != step.want {
			t.Errorf("after %s: %d calls in the last minute, want %d", step.after, got, step.want)
		}
	}
	if len(m.readings) > 2 {
		t.Errorf("%d readings kept", len(m.readings))
	}
}
