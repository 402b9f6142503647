package logview

import (
	"context"
	"fmt"
	goruntime "runtime"
	"sync"
	"testing"
	"time"

	"github.com/microfox-ai/aiwctl/aws"
	"github.com/microfox-ai/aiwctl/aws/logs"
	"github.com/microfox-ai/aiwctl/tui/logview/pane"
	"github.com/microfox-ai/aiwctl/tui/screen"
	"github.com/microfox-ai/aiwctl/tui/screentest"
)

type silent struct{}

func (silent) Follow(ctx context.Context, _ logs.Query, _ func(logs.State), _ func([]logs.Line) error) error {
	<-ctx.Done()
	return ctx.Err()
}

func epoch() time.Time { return time.Date(2026, time.March, 2, 3, 0, 0, 0, time.UTC) }

// busyLine is the i-th line of a busy worker: invocations of ten lines, a millisecond
// apart.
func busyLine(i int) logs.Line {
	request := fmt.Sprintf("0f9c6a1e-0000-4000-8000-%012d", i/10)
	text := fmt.Sprintf(`{"time":"2026-03-02T03:04:05.000Z","level":"INFO","msg":"job completed","event":"job.completed","jobId":"job-%d","workerId":"orders","requestId":%q,"attempt":1,"durationMs":%d,"output":{"text":"some output of the job"}}`, i/10, request, i%900)
	switch i % 10 {
	case 0:
		text = "START RequestId: " + request + " Version: $LATEST"
	case 9:
		text = "REPORT RequestId: " + request + "\tDuration: 102.10 ms\tBilled Duration: 103 ms\tMemory Size: 128 MB\tMax Memory Used: 88 MB\t"
	}
	return logs.Parse("/aws/lambda/orders", "stream", "orders", fmt.Sprint(i), epoch().Add(time.Duration(i)*time.Millisecond), text)
}

func busyLines(from, to int) []logs.Line {
	lines := make([]logs.Line, 0, to-from)
	for i := from; i < to; i++ {
		lines = append(lines, busyLine(i))
	}
	return lines
}

// hundredThousand are the first of them. They are never changed, so one copy will do.
var hundredThousand = sync.OnceValue(func() []logs.Line { return busyLines(0, pane.Capacity) })

func opened(b testing.TB) *Screen {
	b.Helper()
	env := screentest.Env(b)
	env.Data.Inventory = &aws.Inventory{Workers: []aws.Worker{{ID: "orders", Function: &aws.Function{Name: "orders"}}}}
	s := New(env, silent{}, screen.OpenLogs{WorkerIDs: []string{"orders"}})
	b.Cleanup(s.Close)
	s.start()
	return s
}

func full(b testing.TB) *Screen {
	b.Helper()
	s := opened(b)
	s.pane.Add(hundredThousand())
	return s
}

// settle lets filter and search get to their ends.
func (s *Screen) settle() {
	for s.pane.Buf.Busy() {
		s.stepped(s.pane.Advance())
	}
}

// set filters and searches, to the end.
func (s *Screen) set(filter, search string) {
	s.filter.Set(filter)
	s.refilter()
	s.search.Set(search)
	s.research()
	s.settle()
}

// BenchmarkKeyToFrame100k is how long a key takes until its frame is drawn, 200x50, with
// 100,000 lines: of a filter or a search that is typed its first chunk.
func BenchmarkKeyToFrame100k(b *testing.B) {
	for _, k := range []struct {
		name           string
		filter, search string
		before         []string
		keys           []string // one after another, in turn
	}{
		{name: "move", keys: []string{"k", "k", "j", "j"}},
		{name: "page", keys: []string{"pgup", "pgup", "pgup", "pgdown"}},
		{name: "ends", keys: []string{"g", "G"}},
		{name: "wrap", keys: []string{"w"}},
		{name: "wrapped-page", before: []string{"w"}, keys: []string{"pgup", "pgup", "pgdown"}},
		{name: "fold", keys: []string{"z"}},
		{name: "folded-move", before: []string{"z"}, keys: []string{"k", "k", "j", "j"}},
		{name: "toggle-fold", before: []string{"z", "k", "k"}, keys: []string{"tab"}},
		{name: "open-folds", before: []string{"z"}, keys: []string{"Z"}},
		{name: "search-step", search: "job-9", keys: []string{"N", "N", "n"}},
		{name: "search-step-regexp", search: `~durationms":\d*7\b`, keys: []string{"N", "N", "n"}},
		{name: "folded-search-step", search: "job-9", before: []string{"z"}, keys: []string{"N", "N", "n"}},
		{name: "type-search", before: []string{"/"}, keys: []string{"c", "backspace"}},
		{name: "type-search-regexp", before: []string{"/", "~"}, keys: []string{"c", "backspace"}},
		{name: "type-filter", before: []string{"&"}, keys: []string{"c", "backspace"}},
		{name: "type-filter-regexp", before: []string{"&", "~"}, keys: []string{"c", "backspace"}},
		{name: "type-filter-field", before: []string{"&", "@", "a"}, keys: []string{"t", "backspace"}},
		{name: "type-filter-folded", before: []string{"z", "&"}, keys: []string{"c", "backspace"}},
		{name: "level", keys: []string{"v"}},
		{name: "filtered-move", filter: "completed", keys: []string{"k", "j"}},
		{name: "mark", before: []string{"k"}, keys: []string{"space"}},
		{name: "columns", before: []string{"c"}, keys: []string{"space"}},
	} {
		b.Run(k.name, func(b *testing.B) {
			s := full(b)
			s.set(k.filter, k.search)
			for _, key := range k.before {
				screentest.Press(s, key)
				s.settle()
			}
			s.View(200, 50)
			cost := screentest.Cost(b)
			for i := 0; b.Loop(); i++ {
				screentest.Press(s, k.keys[i%len(k.keys)])
				if s.View(200, 50) == "" {
					b.Fatal("no frame")
				}
			}
			cost()
		})
	}
}

// BenchmarkChunk100k is the longest that a filter or a search holds up the next key.
func BenchmarkChunk100k(b *testing.B) {
	for name, typed := range map[string]string{"common": "completed", "rare": "job-9999", "absent": "zzz", "inverse": "!completed", "regexp": `~output.*job$`, "field": "@durationMs>890", "field-equal": "@event=job.completed"} {
		for _, folded := range []bool{false, true} {
			b.Run(fmt.Sprintf("%s/folded=%v", name, folded), func(b *testing.B) {
				s := full(b)
				s.pane.SetFolded(folded)
				f, err := pane.ParseFilter(typed)
				if err != nil {
					b.Fatal(err)
				}
				var most time.Duration
				for b.Loop() {
					for step := func() { s.pane.SetFilter(f) }; ; step = func() { s.pane.Advance() } {
						began := time.Now()
						step()
						most = max(most, time.Since(began))
						if !s.pane.Buf.Busy() {
							break
						}
					}
				}
				b.ReportMetric(float64(most.Microseconds())/1000, "ms-longest")
			})
		}
	}
}

// BenchmarkFollowMinute follows 1,000 lines a second for a minute with a full buffer, a
// batch and a frame of 200x50 ten times a second: what a second of it costs, reading
// the lines apart included, and what the screen holds before and after.
func BenchmarkFollowMinute(b *testing.B) {
	for _, mode := range []struct {
		name   string
		keys   []string
		filter string
		search string
	}{
		{name: "plain"},
		{name: "scrolled", keys: []string{"k"}},
		{name: "wrapped", keys: []string{"w"}},
		{name: "folded", keys: []string{"z"}},
		{name: "folded-open", keys: []string{"z", "Z"}},
		{name: "filtered", filter: "completed"},
		{name: "searched", search: "job-9"},
		{name: "folded-searched", keys: []string{"z"}, search: "job-9"},
	} {
		b.Run(mode.name, func(b *testing.B) {
			before := screentest.Live()
			s := opened(b)
			for i := 0; i < pane.Capacity; i += 100 {
				s.pane.Add(busyLines(i, i+100))
			}
			s.set(mode.filter, mode.search)
			for _, key := range mode.keys {
				screentest.Press(s, key)
			}
			s.View(200, 50)
			first := screentest.Live() - before
			at := pane.Capacity
			began := screentest.Processor()
			for b.Loop() {
				for range 600 {
					s.take(busyLines(at, at+100))
					at += 100
					if s.View(200, 50) == "" {
						b.Fatal("no frame")
					}
				}
			}
			ns := float64((screentest.Processor() - began).Nanoseconds()) / float64(b.N) / 60
			b.ReportMetric(ns, "cpu-ns/tail-second")
			b.ReportMetric(ns/1e7, "%core")
			b.ReportMetric(first, "MB-full")
			b.ReportMetric(screentest.Live()-before, "MB-after")
			goruntime.KeepAlive(s)
		})
	}
}

// BenchmarkMillion sends a million lines through the pane, which keeps a hundred
// thousand: what it holds after the first of them that fill it, and after the last.
func BenchmarkMillion(b *testing.B) {
	var full, last float64
	for b.Loop() {
		before := screentest.Live()
		s := opened(b)
		for i := 0; i < 10*pane.Capacity; i += 100 {
			s.pane.Add(busyLines(i, i+100))
			if i == pane.Capacity {
				full = screentest.Live() - before
			}
		}
		last = screentest.Live() - before
		if n := s.pane.Buf.Len(); n != pane.Capacity {
			b.Fatalf("%d lines are kept", n)
		}
		s.Close()
	}
	b.ReportMetric(full, "MB-after-100k")
	b.ReportMetric(last, "MB-after-1M")
	b.ReportMetric(10*pane.Capacity*float64(b.N)/b.Elapsed().Seconds(), "lines/s")
}
