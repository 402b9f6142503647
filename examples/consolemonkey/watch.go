package main

import (
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/x/ansi"
)

// watcher sees every message that the console takes in, and now and then its frame.
type watcher struct {
	frames atomic.Int64
	heard  atomic.Int64 // when the last message came, in Unix nanoseconds
	faults chan error

	mu            sync.Mutex
	frame         string
	at            time.Time
	width, height int
}

func (w *watcher) begin() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.faults = make(chan error, 8)
	w.width, w.height, w.frame = 80, 24, "" // until the terminal has said its own
	w.heard.Store(time.Now().UnixNano())
}

func (w *watcher) quietFor() time.Duration { return time.Since(time.Unix(0, w.heard.Load())) }

// last is the newest frame that was looked at, without colours.
func (w *watcher) last() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.frame
}

func (w *watcher) fault(err error) {
	select {
	case w.faults <- err:
	default: // there are enough
	}
}

// watch is the program's filter: it runs on Bubble Tea's goroutine, before each message.
func (w *watcher) watch(model tea.Model, msg tea.Msg) tea.Msg {
	now := time.Now()
	w.heard.Store(now.UnixNano())
	w.mu.Lock()
	defer w.mu.Unlock()
	if now.Sub(w.at) > 50*time.Millisecond && w.width > 0 {
		w.at = now
		frame := ansi.Strip(model.View().Content)
		w.frame = frame
		w.frames.Add(1)
		if err := whole(frame, w.width, w.height); err != nil {
			w.fault(err)
		}
	}
	if size, ok := msg.(tea.WindowSizeMsg); ok {
		w.width, w.height = size.Width, size.Height
	}
	return msg
}

// whole says what is wrong with a frame without colours.
func whole(frame string, width, height int) error {
	lines := strings.Split(frame, "\n")
	if len(lines) != height {
		return fmt.Errorf("the frame has %d lines and the terminal %d:\n%s", len(lines), height, frame)
	}
	for _, line := range lines {
		if n := ansi.StringWidth(line); n != width {
			return fmt.Errorf("a line has %d cells and the terminal %d: %q", n, width, line)
		}
	}
	for _, r := range frame {
		if r < 0x20 && r != '\n' || r >= 0x7f && r < 0xa0 {
			return fmt.Errorf("the control character %U is in the frame:\n%q", r, frame)
		}
	}
	if strings.Contains(frame, "internal fault") {
		return fmt.Errorf("something panicked:\n%s", frame)
	}
	return nil
}

// header is the top line of a frame.
func header(frame string) string {
	line, _, _ := strings.Cut(frame, "\n")
	return line
}

// footer are the keys that a frame's last line shows.
func footer(frame string) []string {
	lines := strings.Split(frame, "\n")
	var keys []string
	for part := range strings.SplitSeq(lines[len(lines)-1], "   ") {
		if key, _, ok := strings.Cut(strings.TrimSpace(part), " "); ok {
			keys = append(keys, key)
		}
	}
	return keys
}
