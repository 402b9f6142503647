package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	goruntime "runtime"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	tea "charm.land/bubbletea/v2"

	"github.com/microfox-ai/aiwctl/aws"
	"github.com/microfox-ai/aiwctl/aws/history"
	"github.com/microfox-ai/aiwctl/aws/jobs"
	"github.com/microfox-ai/aiwctl/aws/local"
	"github.com/microfox-ai/aiwctl/aws/logs"
	"github.com/microfox-ai/aiwctl/aws/metrics"
	"github.com/microfox-ai/aiwctl/aws/recall"
	"github.com/microfox-ai/aiwctl/aws/redrive"
	"github.com/microfox-ai/aiwctl/tui"
)

const (
	// healEvery is how often all is made well, and wellAfter how long the console then has
	// until every screen must be fresh: reading backs off to a minute.
	healEvery = 2 * time.Minute
	wellAfter = 75 * time.Second
	// silence is how long the program may not take in any message: it ticks each second.
	silence = 30 * time.Second
)

type monkey struct {
	options options
	rand    *rand.Rand
	backend tui.Backend
	weather *weather
	dir     string
	trace   *os.File
	log     *bufio.Writer
	began   time.Time

	watcher
	strokes                 []stroke // of the trace that is typed again: those to come
	typed, sessions, healed int
	healAt                  time.Time // when all is made well next
}

func newMonkey(o options, server *local.Server, dir string) (*monkey, error) {
	m := &monkey{options: o, rand: rand.New(rand.NewPCG(o.seed, 1)), dir: dir, began: time.Now(), healAt: time.Now().Add(healEvery)} //nolint:gosec // choices that can be repeated
	m.weather = &weather{inner: http.DefaultTransport.(*http.Transport).Clone()}
	stage, err := aws.Open(context.Background(), aws.Target{EndpointURL: server.Endpoint(), BaseURL: server.Endpoint(), Stage: "demo"}, aws.Options{
		AuditPath: filepath.Join(dir, "audit.jsonl"), HTTPClient: &http.Client{Transport: m.weather, Timeout: 30 * time.Second},
	})
	if err != nil {
		return nil, err
	}
	if m.backend, err = backend(stage, dir); err != nil {
		return nil, err
	}
	if m.trace, err = os.Create(o.trace); err != nil {
		return nil, err
	}
	m.log = bufio.NewWriter(m.trace)
	return m, nil
}

// backend is the stage as the real program hands it to the console.
func backend(stage *aws.Stage, dir string) (tui.Backend, error) {
	reader := logs.For(stage, logs.WithLive(logs.LiveOf(stage)))
	engine := redrive.New(stage, redrive.Config{Dir: filepath.Join(dir, "replays")})
	kept, err := recall.For(stage, getenv(dir))
	return tui.Backend{
		Stage: stage, Logs: reader, Recent: reader, Metrics: metrics.For(stage), Redrive: engine, Recall: kept,
		Jobs:    jobs.New(jobs.Config{Logs: reader, Letters: engine, Target: stage.Target(), Audit: stage.AuditPath()}),
		History: history.Trail{Path: stage.AuditPath(), Target: stage.Target()},
	}, err
}

// getenv is the environment of a console that keeps its files in dir and whose editor
// changes nothing.
func getenv(dir string) func(string) string {
	of := map[string]string{"EDITOR": "true", "HOME": dir, "XDG_STATE_HOME": dir, "XDG_CONFIG_HOME": dir}
	return func(name string) string { return of[name] }
}

func (m *monkey) close() error { return errors.Join(m.log.Flush(), m.trace.Close()) }

// live runs one console after another, since a monkey quits sometimes.
func (m *monkey) live(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, m.options.duration)
	defer cancel()
	if err := m.recorded(); err != nil {
		return err
	}
	for ctx.Err() == nil {
		m.sessions++
		if err := m.session(ctx); err != nil {
			return err
		}
		if left := leftBehind(); len(left) > 0 {
			return fmt.Errorf("session %d left %d goroutines behind:\n%s", m.sessions, len(left), strings.Join(left, "\n\n"))
		}
		if m.options.replay != "" && len(m.strokes) == 0 {
			return nil
		}
	}
	return nil
}

// leftBehind are the goroutines of a console that has ended, once they had time to end too.
func leftBehind() (left []string) {
	for range 50 {
		left = nil
		for stack := range strings.SplitSeq(stacks(), "\n\n") {
			for _, room := range []string{"/tui.", "/tui/", "/aws/logs.", "/aws/redrive.", "/aws/metrics.", "/aws/jobs.", "/aws/history.", "/aws/recall."} {
				if strings.Contains(stack, "microfox-ai/aiwctl"+room) {
					left = append(left, stack)
					break
				}
			}
		}
		if len(left) == 0 {
			return nil
		}
		time.Sleep(100 * time.Millisecond)
	}
	return left
}

// stacks are those of all goroutines.
func stacks() string {
	text := make([]byte, 1<<20)
	return string(text[:goruntime.Stack(text, true)])
}

// session is one console, from its start until the monkey quits it or time is up.
func (m *monkey) session(ctx context.Context) error {
	m.begin()
	in, keyboard := io.Pipe()
	cfg := tui.Config{
		Backend: m.backend, In: in, Out: io.Discard, Getenv: getenv(m.dir),
		Options: []tea.ProgramOption{tea.WithWindowSize(100, 30), tea.WithEnvironment([]string{"TERM=xterm-256color"}), tea.WithFilter(m.watch)},
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	ended := make(chan error, 1)
	go func() { ended <- tui.Run(ctx, cfg); _ = in.Close() }()
	var typing sync.WaitGroup
	typing.Go(func() {
		if m.options.replay == "" {
			m.play(ctx, keyboard)
			return
		}
		m.again(ctx, keyboard)
		if len(m.strokes) == 0 {
			cancel()
		}
	})
	var err error
	select {
	case err = <-ended:
	case err = <-m.faults:
		cancel()
		select {
		case also := <-ended:
			err = errors.Join(err, also)
		case <-time.After(10 * time.Second):
			err = fmt.Errorf("%w\nand it does not end:\n%s", err, stacks())
		}
	}
	cancel()
	_ = keyboard.Close()
	typing.Wait()
	return err
}

// play types until the console ends.
func (m *monkey) play(ctx context.Context, keyboard *io.PipeWriter) {
	for ctx.Err() == nil {
		wait := time.Duration(m.rand.Int64N(int64(2 * m.options.every)))
		if m.rand.IntN(200) == 0 {
			wait += time.Duration(m.rand.IntN(5000)) * time.Millisecond
		}
		if !pause(ctx, wait) {
			return
		}
		if quiet := m.quietFor(); quiet > silence {
			m.fault(fmt.Errorf("the console took in nothing for %v:\n%s", quiet, stacks()))
			return
		}
		if time.Now().After(m.healAt) {
			if !m.makeWell(ctx, keyboard) {
				return
			}
			m.healAt = time.Now().Add(healEvery)
			continue
		}
		if m.rand.IntN(300) == 0 {
			m.turn(m.rand.IntN(4))
		}
		key := m.choose()
		if key == "q" && !strings.Contains(m.last(), "›") && m.rand.IntN(20) > 0 {
			continue // it would quit
		}
		if !m.write(keyboard, key) {
			return
		}
	}
}

// makeWell ends what is wrong and looks whether the console is well again.
func (m *monkey) makeWell(ctx context.Context, keyboard *io.PipeWriter) bool {
	m.healed++
	m.turn(0)
	m.write(keyboard, "\x1b[I"+resize(120, 40))
	// The frame that is there now may be one of a window too small to say that it is paused, or
	// of a dialog that covers it.
	if !pause(ctx, 2*time.Second) {
		return false
	}
	for range 8 {
		m.write(keyboard, "\x1b")
		if !pause(ctx, 500*time.Millisecond) {
			return false
		}
	}
	if strings.Contains(header(m.last()), "paused") {
		m.write(keyboard, "p")
	}
	if !pause(ctx, wellAfter) {
		return false
	}
	if head := header(m.last()); strings.Contains(head, " old") && !strings.Contains(head, "paused") || strings.Contains(head, "not connected") {
		m.fault(fmt.Errorf("%v after all was well the stage is not fresh:\n%s", wellAfter, m.last()))
		return false
	}
	return true
}

func pause(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// write types bytes and keeps them in the trace.
func (m *monkey) write(keyboard *io.PipeWriter, bytes string) bool {
	at := time.Since(m.began)
	if _, err := io.WriteString(keyboard, bytes); err != nil {
		return false // the console has ended
	}
	m.typed++
	m.keep(stroke{at: at, bytes: bytes})
	return true
}

// turn makes calls fare well or badly, and keeps that in the trace.
func (m *monkey) turn(bad int) {
	m.keep(stroke{at: time.Since(m.began), weather: true, bad: bad})
	m.weather.turn(bad)
}

// keep writes a line of the trace: milliseconds, and what was typed or became of calls.
func (m *monkey) keep(s stroke) {
	if s.weather {
		fmt.Fprintf(m.log, "%d weather %d\n", s.at.Milliseconds(), s.bad)
	} else {
		fmt.Fprintf(m.log, "%d %q\n", s.at.Milliseconds(), s.bytes)
	}
	_ = m.log.Flush()
}

func resize(width, height int) string { return fmt.Sprintf("\x1b[48;%d;%d;0;0t", height, width) }

// choose is what is typed next: mostly a key that the footer shows.
func (m *monkey) choose() string {
	one := func(of ...string) string { return of[m.rand.IntN(len(of))] }
	printable := string(' ' + m.rand.Int32N('~'-' '+1))
	switch n := m.rand.IntN(100); {
	case n < 45:
		if keys := footer(m.last()); len(keys) > 0 {
			return bytesOf(one(keys...))
		}
		return printable
	case n < 70:
		return bytesOf(one("j", "k", "g", "G", "down", "up", "left", "right", "pgdown", "pgup", "home", "end", "ctrl+d", "ctrl+u", "space", "tab", "enter", "esc", "esc"))
	case n < 75:
		return one("?", "!", ":", "/", "y", "y", "n", "q")
	case n < 77:
		return one(resize(60, 20), resize(80, 24), resize(200, 50), resize(61, 15), resize(30, 8), resize(120, 40))
	case n < 78:
		return one("\x1b[O", "\x1b[I", "\x1b]11;rgb:ffff/ffff/ffff\x07", "\x1b]11;rgb:0000/0000/0000\x07")
	case n < 79:
		return "\x1b[200~" + one("job-1", `{"order": 2}`, "日本語 \t tab", strings.Repeat("long ", 50)) + "\x1b[201~"
	case n < 80 && m.rand.IntN(20) == 0:
		return "\x03"
	}
	return printable
}

// bytesOf is what a terminal sends for a key.
func bytesOf(key string) string {
	named := map[string]string{
		"enter": "\r", "esc": "\x1b", "tab": "\t", "shift+tab": "\x1b[Z", "space": " ", "backspace": "\x7f",
		"up": "\x1b[A", "↑": "\x1b[A", "down": "\x1b[B", "↓": "\x1b[B", "right": "\x1b[C", "→": "\x1b[C", "left": "\x1b[D", "←": "\x1b[D",
		"home": "\x1b[H", "end": "\x1b[F", "pgup": "\x1b[5~", "pgdown": "\x1b[6~",
	}
	if bytes, ok := named[key]; ok {
		return bytes
	}
	if letter, ok := strings.CutPrefix(key, "ctrl+"); ok && len(letter) == 1 {
		return string(rune(letter[0] & 0x1f))
	}
	return key
}

// stroke is one line of a trace: what was typed, or how calls fare from then on.
type stroke struct {
	at      time.Duration
	bytes   string
	weather bool
	bad     int
}

// recorded reads the trace to type again, if one is wanted.
func (m *monkey) recorded() error {
	if m.options.replay == "" {
		return nil
	}
	text, err := os.ReadFile(m.options.replay)
	if err != nil {
		return err
	}
	for line := range strings.Lines(string(text)) {
		at, what, _ := strings.Cut(strings.TrimSpace(line), " ")
		ms, err := strconv.Atoi(at)
		if err != nil {
			return fmt.Errorf("%s: %w", m.options.replay, err)
		}
		s := stroke{at: time.Duration(ms) * time.Millisecond}
		if bad, ok := strings.CutPrefix(what, "weather "); ok {
			s.weather = true
			s.bad, err = strconv.Atoi(bad)
		} else {
			s.bytes, err = strconv.Unquote(what)
		}
		if err != nil {
			return fmt.Errorf("%s: %w", m.options.replay, err)
		}
		m.strokes = append(m.strokes, s)
	}
	return nil
}

// again types what the trace holds, until it or the console ends. What the console did not
// take any more is for the next one.
func (m *monkey) again(ctx context.Context, keyboard *io.PipeWriter) {
	for len(m.strokes) > 0 {
		s := m.strokes[0]
		if !pause(ctx, s.at-time.Since(m.began)) {
			return
		}
		if s.weather {
			m.turn(s.bad)
		} else if !m.write(keyboard, s.bytes) {
			return
		}
		m.strokes = m.strokes[1:]
	}
}

// weather is how calls fare: well, or badly.
type weather struct {
	inner http.RoundTripper
	bad   atomic.Int64
}

func (w *weather) turn(bad int) { w.bad.Store(int64(bad)) }

// RoundTrip implements http.RoundTripper.
func (w *weather) RoundTrip(r *http.Request) (*http.Response, error) {
	switch w.bad.Load() {
	case 1:
		return nil, errors.New("connection refused")
	case 2:
		return &http.Response{
			StatusCode: http.StatusInternalServerError, Header: http.Header{}, Request: r,
			Body: io.NopCloser(strings.NewReader(`{"__type":"InternalFailure","message":"out of order"}`)),
		}, nil
	case 3:
		select {
		case <-r.Context().Done():
			return nil, r.Context().Err()
		case <-time.After(3 * time.Second):
		}
	}
	return w.inner.RoundTrip(r)
}
