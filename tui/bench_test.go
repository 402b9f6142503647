package tui

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/x/ansi"

	"github.com/microfox-ai/aiwctl/aws"
	"github.com/microfox-ai/aiwctl/aws/local/functions"
	"github.com/microfox-ai/aiwctl/aws/logs"
	"github.com/microfox-ai/aiwctl/aws/redrive"
	"github.com/microfox-ai/aiwctl/dispatch"
	"github.com/microfox-ai/aiwctl/tui/screen"
	"github.com/microfox-ai/aiwctl/tui/screentest"
)

// The cost of the console, on the real SDK and local services, in real time.

// crowded is a console on a stage with so many workers, dead letters and log lines.
func crowded(b *testing.B, workers, dead, lines int) *person {
	b.Helper()
	dir := b.TempDir()
	p := &person{cloud: newCloud(b), trail: filepath.Join(dir, "audit.jsonl")}
	m := dispatch.Manifest{Version: dispatch.ManifestVersion}
	for i := range workers {
		id := fmt.Sprintf("w%03d", i)
		if i == 0 {
			id = theWorker
		} else if _, _, err := p.cloud.broker.CreateQueue("shop-"+id+"-live", nil); err != nil {
			b.Fatal(err)
		} else {
			p.cloud.more = append(p.cloud.more, "shop-"+id+"-live")
		}
		m.Workers = append(m.Workers, dispatch.ManifestWorker{ID: id, Group: "default", TimeoutSeconds: 30, MemoryMB: 256, SQS: dispatch.SQSSetting{MaxReceiveCount: 3, BatchSize: 1}})
	}
	text, err := json.Marshal(m)
	if err != nil {
		b.Fatal(err)
	}
	manifest := filepath.Join(dir, "manifest.json")
	if err := os.WriteFile(manifest, text, 0o600); err != nil {
		b.Fatal(err)
	}
	for i := range dead {
		p.cloud.put(b, cloudDLQ, job(fmt.Sprintf("job-%d", i), fmt.Sprintf(`{"sku":"no such","n":%d}`, i)))
	}
	begin := time.Now().Add(-10 * time.Minute)
	for i := range lines {
		p.cloud.said.Append(cloudGroup, cloudLog, functions.LogEvent{
			Time:    begin.Add(time.Duration(i) * time.Millisecond),
			Message: fmt.Sprintf(`{"level":"INFO","msg":"job completed","event":"job.completed","jobId":"job-%d","workerId":"orders","durationMs":%d,"output":{"text":"some output of the job"}}`, i, i%900),
		})
	}
	p.stage = p.cloud.stageOf(b, newProfile(b), aws.Target{Profile: "ops", Stage: "live", Manifest: manifest}, aws.Options{AuditPath: p.trail, MaxCalls: -1})
	env := map[string]string{"HOME": dir, "XDG_STATE_HOME": dir}
	p.console = open(b, Config{Backend: p.backend(dir), Getenv: func(name string) string { return env[name] }}, 200, 50)
	return p
}

// until waits for a text on the screen.
func (p *person) until(text string) {
	p.t.Helper()
	for end := time.Now().Add(30 * time.Second); !strings.Contains(ansi.Strip(p.m.frame()), text); {
		if time.Now().After(end) {
			p.t.Fatalf("%q does not come:\n%s", text, ansi.Strip(p.m.frame()))
		}
		p.pass(20 * time.Millisecond)
	}
}

// strokes measures keys pressed in turn: each is taken in and the frame drawn.
func strokes(b *testing.B, p *person, keys ...string) {
	b.Helper()
	b.Run(strings.Join(keys, ""), func(b *testing.B) {
		cost := screentest.Cost(b)
		for i := 0; b.Loop(); i++ {
			_, cmd := p.m.Update(screentest.Key(keys[i%len(keys)]))
			if p.m.View().Content == "" {
				b.Fatal("no frame")
			}
			if cmd != nil {
				p.run(cmd)
			}
		}
		cost()
	})
}

// BenchmarkKeyToFrame is what one key costs until its frame is there, at 200x50.
func BenchmarkKeyToFrame(b *testing.B) {
	b.Run("500-workers", func(b *testing.B) {
		p := crowded(b, 500, 0, 0)
		p.until("500 workers")
		p.pass(time.Second)
		strokes(b, p, "j", "k")
		strokes(b, p, "G", "g")
		strokes(b, p, "s")
		p.tap1("/")
		strokes(b, p, "w", "backspace")
	})
	b.Run("10000-dead-letters", func(b *testing.B) {
		p := crowded(b, 1, 10_000, 0)
		p.until("orders")
		p.send(screen.OpenDead{WorkerID: theWorker})
		p.until("job-")
		// A screen that looks at a few first is asked for more.
		for range 100 {
			if !strings.Contains(ansi.Strip(p.m.frame()), "of about") {
				break
			}
			p.tap1("m")
			p.pass(100 * time.Millisecond)
		}
		strokes(b, p, "j", "k")
		strokes(b, p, "G", "g")
		strokes(b, p, "space")
		p.tap1("/")
		strokes(b, p, "1", "backspace")
	})
	b.Run("100000-log-lines", func(b *testing.B) {
		p := crowded(b, 1, 0, 100_000)
		p.until("orders")
		p.send(screen.OpenLogs{WorkerIDs: []string{theWorker}, Since: time.Now().Add(-time.Hour)})
		p.until("100,000 lines")
		strokes(b, p, "j", "k")
		strokes(b, p, "G", "g")
		strokes(b, p, "w")
		strokes(b, p, "v")
		p.tap1("/")
		strokes(b, p, "7", "backspace")
	})
}

// tap1 presses a key and gives what it starts a moment.
func (p *person) tap1(key string) {
	p.send(screentest.Key(key))
	p.pass(50 * time.Millisecond)
}

// counter counts what is written to a terminal.
type counter struct{ bytes atomic.Int64 }

func (c *counter) Write(p []byte) (int, error) {
	c.bytes.Add(int64(len(p)))
	return len(p), nil
}

// BenchmarkBytesAtRest is what the program sends to a terminal of 200x50 while nothing
// happens but readings of the stage, a second at a time.
func BenchmarkBytesAtRest(b *testing.B) {
	for name, keys := range map[string]string{"workers": "", "logs": "l", "dead-letters": "x"} {
		b.Run(name, func(b *testing.B) {
			p := crowded(b, 20, 3, 50)
			in, keyboard := io.Pipe()
			out := &counter{}
			cfg := Config{
				Backend: Backend{Stage: p.stage, Logs: logs.For(p.stage), Redrive: redrive.New(p.stage, redrive.Config{Dir: redrive.NoJournal})},
				In:      in, Out: out, Getenv: noEnv,
				Options: []tea.ProgramOption{tea.WithWindowSize(200, 50), tea.WithEnvironment([]string{"TERM=xterm-256color"})},
			}
			ended := make(chan error, 1)
			go func() { ended <- Run(b.Context(), cfg) }()
			time.Sleep(time.Second) // the program draws by its own clock
			if keys != "" {
				_, _ = io.WriteString(keyboard, "/orders\r")
				time.Sleep(200 * time.Millisecond)
				_, _ = io.WriteString(keyboard, keys)
			}
			time.Sleep(1500 * time.Millisecond)
			seconds := 0.0
			before := out.bytes.Load()
			for b.Loop() {
				time.Sleep(time.Second)
				seconds++
			}
			b.ReportMetric(float64(out.bytes.Load()-before)/seconds, "bytes/s")
			_, _ = io.WriteString(keyboard, "\x03")
			if err := <-ended; err != nil {
				b.Fatal(err)
			}
			_ = keyboard.Close()
		})
	}
}
