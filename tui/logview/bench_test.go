package logview

import (
	"context"
	"fmt"
	goruntime "runtime"
	"testing"
	"time"

	"github.com/microfox-ai/aiwctl/aws"
	"github.com/microfox-ai/aiwctl/aws/logs"
	"github.com/microfox-ai/aiwctl/tui/screen"
	"github.com/microfox-ai/aiwctl/tui/screentest"
)

type silent struct{}

func (silent) Follow(ctx context.Context, _ logs.Query, _ func(logs.State), _ func([]logs.Line) error) error {
	<-ctx.Done()
	return ctx.Err()
}

// hundredThousand are lines as a busy worker writes them.
func hundredThousand() []logs.Line {
	lines := make([]logs.Line, capacity)
	for i := range lines {
		text := fmt.Sprintf(`{"time":"2026-03-02T03:04:05.000Z","level":"INFO","msg":"job completed","event":"job.completed","jobId":"job-%d","workerId":"orders","requestId":"0f9c%08d","attempt":1,"durationMs":%d,"output":{"text":"some output of the job"}}`, i, i, i%900)
		lines[i] = logs.Parse("/aws/lambda/orders", "stream", "orders", fmt.Sprint(i), epoch().Add(time.Duration(i)*time.Millisecond), text)
	}
	return lines
}

func full(b *testing.B, typed string) *Screen {
	b.Helper()
	env := screentest.Env(b)
	env.Data.Inventory = &aws.Inventory{Workers: []aws.Worker{{ID: "orders", Function: &aws.Function{Name: "orders"}}}}
	s := New(env, silent{}, screen.OpenLogs{WorkerIDs: []string{"orders"}})
	b.Cleanup(s.Close)
	s.start()
	s.pane.add(hundredThousand())
	if typed != "" {
		s.filter.Set(typed)
		s.refilter()
		for s.pane.buf.searching() {
			s.pane.search()
		}
	}
	return s
}

func BenchmarkLogFrame100k(b *testing.B) {
	for name, typed := range map[string]string{"all": "", "text": "completed", "regexp": `~duration=\d*7`} {
		for _, wrap := range []bool{false, true} {
			b.Run(fmt.Sprintf("%s/wrap=%v", name, wrap), func(b *testing.B) {
				s := full(b, typed)
				s.wrap = wrap
				for b.Loop() {
					if s.View(200, 50) == "" {
						b.Fatal("no frame")
					}
				}
			})
		}
	}
}

// BenchmarkAppend adds one line to a full buffer, which drops its oldest.
func BenchmarkAppend(b *testing.B) {
	for name, typed := range map[string]string{"all": "", "text": "completed", "regexp": `~duration=\d*7`} {
		b.Run(name, func(b *testing.B) {
			s := full(b, typed)
			lines := hundredThousand()
			for i := 0; b.Loop(); i++ {
				l := lines[i%len(lines)]
				l.Time = epoch().Add(capacity*time.Millisecond + time.Duration(i)*time.Millisecond)
				s.pane.add([]logs.Line{l})
			}
		})
	}
}

// BenchmarkFilterChange100k types a filter over a full buffer: "key" is how long
// one key is held up, "whole" how long until every line was searched.
func BenchmarkFilterChange100k(b *testing.B) {
	for name, typed := range map[string]string{"common": "completed", "rare": "job-99999", "absent": "zzz", "inverse": "!completed", "regexp": `~output.*job$`} {
		f, err := parseFilter(typed, logs.LevelNone)
		if err != nil {
			b.Fatal(err)
		}
		b.Run(name+"/key", func(b *testing.B) {
			s := full(b, "")
			for b.Loop() {
				s.pane.setFilter(f)
			}
		})
		b.Run(name+"/whole", func(b *testing.B) {
			s := full(b, "")
			for b.Loop() {
				s.pane.setFilter(f)
				for s.pane.buf.searching() {
					s.pane.search()
				}
			}
		})
	}
}

// BenchmarkMillion sends a million lines through the pane, which keeps a hundred thousand: what it
// holds after the first of them that fill it, and after the last.
func BenchmarkMillion(b *testing.B) {
	live := func() float64 {
		var m goruntime.MemStats
		goruntime.GC()
		goruntime.ReadMemStats(&m)
		return float64(m.HeapAlloc) / (1 << 20)
	}
	var full, last float64
	for b.Loop() {
		before := live()
		env := screentest.Env(b)
		env.Data.Inventory = &aws.Inventory{Workers: []aws.Worker{{ID: "orders", Function: &aws.Function{Name: "orders"}}}}
		s := New(env, silent{}, screen.OpenLogs{WorkerIDs: []string{"orders"}})
		s.start()
		for i := range 10 * capacity {
			text := fmt.Sprintf("[INFO] [orders] [job-%d] a line of a busy worker, as long as lines are on an ordinary day", i)
			s.pane.add([]logs.Line{logs.Parse("/aws/lambda/orders", "stream", "orders", fmt.Sprint(i), epoch().Add(time.Duration(i)*time.Millisecond), text)})
			if i == capacity {
				full = live() - before
			}
		}
		last = live() - before
		if n := s.pane.buf.all.len(); n != capacity {
			b.Fatalf("%d lines are kept", n)
		}
		s.Close()
	}
	b.ReportMetric(full, "MB-after-100k")
	b.ReportMetric(last, "MB-after-1M")
	b.ReportMetric(10*capacity*float64(b.N)/b.Elapsed().Seconds(), "lines/s")
}
