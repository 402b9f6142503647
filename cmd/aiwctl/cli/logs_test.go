package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs/types"
	"github.com/aws/smithy-go"

	"github.com/microfox-ai/aiwctl/aws/logs"
)

func TestLogsOfSeveralWorkers(t *testing.T) {
	t.Parallel()
	const evil = "hello \x1b[2Jthere"
	lines := make([]logs.Line, 2)
	for i, w := range []string{"a", "longer"} {
		lines[i] = logs.Parse("g-"+w, "s", w, "id", time.UnixMilli(0), "2026-01-02T03:04:05.678Z\treq\tERROR\t"+evil)
		lines[i].Original = evil + "\n"
	}
	for _, tt := range []struct {
		name    string
		format  format
		tty     bool
		noColor bool
		want    string
	}{
		{"text in a pipe", formatTable, false, false, "a      error hello there\nlonger error hello there\n"},
		{"text on a terminal", formatTable, true, false, "\x1b[36ma\x1b[0m      \x1b[31merror\x1b[0m hello there\n\x1b[32mlonger\x1b[0m \x1b[31merror\x1b[0m hello there\n"},
		{"without colours", formatTable, true, true, "a      error hello there\nlonger error hello there\n"},
		{"raw in a pipe", formatRaw, false, false, evil + "\n" + evil + "\n"},
		{"raw on a terminal", formatRaw, true, false, strings.Repeat("2026-01-02T03:04:05.678Z\treq\tERROR\thello there\n", 2)},
	} {
		a, stdout, _ := testApp("", nil)
		a.OutTTY, a.global.noColor = tt.tty, tt.noColor
		p := &logPrinter{app: a, format: tt.format}
		p.name([]logs.Source{{WorkerID: "a", Group: "g-a"}, {WorkerID: "longer", Group: "g-longer"}})
		if err := p.print(lines); err != nil {
			t.Fatal(err)
		}
		stamp := time.UnixMilli(0).Format("15:04:05.000 ")
		if got := strings.ReplaceAll(stdout.String(), stamp, ""); got != tt.want {
			t.Errorf("%s: %q", tt.name, got)
		}
	}
}

// What a person reads about a tail, from its beginning to its recovery.
func TestTailState(t *testing.T) {
	t.Parallel()
	denied := &smithy.GenericAPIError{Code: "AccessDeniedException", Message: "no \x1b[2J"}
	a, _, stderr := testApp("", nil)
	tell := a.tailState()
	for _, st := range []logs.State{
		{Groups: 10},
		{Groups: 10, Lag: 6 * time.Second, Behind: 2, Throttled: true},
		{Groups: 10, Lag: 7 * time.Second, Behind: 2},
		{Groups: 10, Lag: 13 * time.Second, Behind: 1},
		{Groups: 10, Lag: 14 * time.Second, Behind: 1, Err: denied},
		{Groups: 10, Lag: 15 * time.Second, Behind: 1, Err: denied},
		{Groups: 10, Lag: 16 * time.Second, Behind: 1},
		{Groups: 10, Sampled: true},
		{Groups: 10, Sampled: true},
		{Groups: 1, Lag: 9 * time.Second, Behind: 1},
	} {
		tell(st)
	}
	want := []string{
		"lagging: 6s behind in 2 of 10 log groups, throttled", "lagging: 13s behind in 1 of 10 log groups", "the tail is interrupted, trying again: ", "the tail goes on",
		"caught up", "live tail samples: ", "lagging: 9s behind",
	}
	got := strings.Split(strings.TrimSpace(stderr.String()), "\n")
	if len(got) != len(want) || strings.Contains(stderr.String(), "\x1b") {
		t.Fatalf("said %q", got)
	}
	for i := range want {
		if !strings.HasPrefix(got[i], "aiwctl: "+want[i]) {
			t.Errorf("said %q, want %q", got[i], want[i])
		}
	}
}

// A disk that is full does not end a tail, is told at once and at the end.
func TestSaveOnAFullDisk(t *testing.T) {
	t.Parallel()
	full, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
	if err != nil {
		t.Skip("there is no /dev/full here")
	}
	a, _, stderr := testApp("", nil)
	s := &saver{app: a, file: full, path: "f"}
	show := s.before(func(l *logs.Line) bool { return l.Text == "shown" })
	for _, text := range []string{"shown", "hidden", "shown"} {
		l := logs.Parse("g", "s", "w", "id", time.UnixMilli(0), text)
		if got := show(&l); got != (text == "shown") {
			t.Errorf("%q was shown: %t", text, got)
		}
	}
	if n := strings.Count(stderr.String(), "no longer saved"); n != 1 {
		t.Errorf("said %d times: %s", n, stderr)
	}
	for _, ended := range []error{nil, fmt.Errorf("tail: %w", context.Canceled)} {
		s.file = full
		if err := s.end(ended); exitCode(t.Context(), err) != exitPartly || !strings.Contains(err.Error(), "only 0 lines were saved in f") {
			t.Errorf("ended with %v", err)
		}
	}
}

func TestLivePrice(t *testing.T) {
	t.Parallel()
	a, _, stderr := testApp("", nil)
	now := a.Now()
	a.Now = func() time.Time { return now }
	m := &liveMeter{app: a, open: func(context.Context, []string) (logs.LiveTail, error) { return quietTail{}, nil }}
	m.begin(23)
	for _, d := range []time.Duration{90 * time.Second, 12 * time.Minute} {
		tail, err := m.start(t.Context(), nil)
		if err != nil {
			t.Fatal(err)
		}
		now = now.Add(d)
		if err := errors.Join(tail.Close(), tail.Close()); err != nil {
			t.Fatal(err)
		}
	}
	m.end()
	want := "aiwctl: live: 3 sessions, about $0.03 a minute while open, after the 1,800 free minutes of a month\n" +
		"aiwctl: live: 2 sessions, 13.5 minutes, about $0.14\n"
	if got := stderr.String(); got != want {
		t.Errorf("said %q", got)
	}
}

type quietTail struct{}

func (quietTail) Events() <-chan types.StartLiveTailResponseStream { return nil }
func (quietTail) Close() error                                     { return nil }
func (quietTail) Err() error                                       { return nil }
