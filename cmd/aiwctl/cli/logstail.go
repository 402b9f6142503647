package cli

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/microfox-ai/aiwctl/aws"
	"github.com/microfox-ai/aiwctl/aws/logs"
)

// tailState tells a person on standard error when a tail stumbles or lags, and when it
// is well again. Lag is told when it begins and whenever it has doubled.
func (a *App) tailState() func(logs.State) {
	var failing string
	var lag time.Duration
	var sampled bool
	say := func(format string, args ...any) {
		fmt.Fprintln(a.Err, plain("aiwctl: "+fmt.Sprintf(format, args...)))
	}
	return func(st logs.State) {
		now := ""
		if st.Err != nil {
			now = string(kindOf(st.Err))
		}
		switch {
		case now != "" && now != failing:
			_, hint := aws.Classify(st.Err)
			say("the tail is interrupted, trying again: %v %s", st.Err, hint)
		case now == "" && failing != "":
			say("the tail goes on")
		}
		failing = now
		switch {
		case st.Lag >= 2*lag && st.Lag > 0:
			lag = st.Lag
			say("%s", lagText(st))
		case st.Lag == 0 && lag > 0:
			lag = 0
			say("caught up")
		}
		if st.Sampled && !sampled {
			say("live tail samples: there are more than 500 lines a second; the others are read the usual way and come later")
		}
		sampled = st.Sampled
	}
}

func kindOf(err error) aws.ErrorKind {
	kind, _ := aws.Classify(err)
	return kind
}

func lagText(st logs.State) string {
	text := fmt.Sprintf("lagging: %s behind", st.Lag.Round(time.Second))
	if st.Groups > 1 {
		text += fmt.Sprintf(" in %d of %d log groups", st.Behind, st.Groups)
	}
	if st.Throttled {
		text += ", throttled"
	}
	return text
}

// liveMeter says what live sessions cost, and counts how long they were open.
type liveMeter struct {
	app  *App
	open logs.OpenLive
	free bool // the endpoint bills nothing

	mu       sync.Mutex
	sessions int
	minutes  float64
	running  sync.WaitGroup
}

func (m *liveMeter) begin(groups int) {
	n := (groups + logs.LiveGroups - 1) / logs.LiveGroups
	if m.free {
		fmt.Fprintf(m.app.Err, "aiwctl: live: %s; this endpoint bills nothing, AWS about $%.2f a minute\n", plural(n, "session"), float64(n)*logs.LivePrice)
		return
	}
	fmt.Fprintf(m.app.Err, "aiwctl: live: %s, about $%.2f a minute while open, after the 1,800 free minutes of a month\n", plural(n, "session"), float64(n)*logs.LivePrice)
}

func (m *liveMeter) start(ctx context.Context, arns []string) (logs.LiveTail, error) {
	tail, err := m.open(ctx, arns)
	if err != nil {
		return nil, err
	}
	m.running.Add(1)
	m.mu.Lock()
	m.sessions++
	m.mu.Unlock()
	return &meteredTail{LiveTail: tail, meter: m, since: m.app.Now()}, nil
}

// end is called when the tail has ended, and with it all sessions.
func (m *liveMeter) end() {
	m.running.Wait()
	text := fmt.Sprintf("live: %s, %.1f minutes", plural(m.sessions, "session"), m.minutes)
	if !m.free {
		text += fmt.Sprintf(", about $%.2f", math.Ceil(m.minutes)*logs.LivePrice)
	}
	fmt.Fprintln(m.app.Err, "aiwctl: "+text)
}

// meteredTail tells the meter when it is closed.
type meteredTail struct {
	logs.LiveTail
	meter *liveMeter
	since time.Time
	once  sync.Once
}

func (t *meteredTail) Close() error {
	t.once.Do(func() {
		t.meter.mu.Lock()
		t.meter.minutes += t.meter.app.Now().Sub(t.since).Minutes()
		t.meter.mu.Unlock()
		t.meter.running.Done()
	})
	return t.LiveTail.Close()
}

// saver writes every line that is read to a file. When that fails, as with a full disk, it says so
// at once and once more at the end; the tail goes on.
type saver struct {
	app    *App
	file   *os.File
	path   string
	failed error
	lines  int // in the file
}

func (a *App) newSaver(path string) (*saver, error) {
	file, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if errors.Is(err, fs.ErrExist) {
		return nil, usagef("--save %s: the file exists, and is not written over: choose another name", plain(path))
	}
	if err != nil {
		return nil, usagef("--save: %w", err)
	}
	return &saver{app: a, file: file, path: path}, nil
}

// before is show, which sees only what was saved before.
func (s *saver) before(show func(*logs.Line) bool) func(*logs.Line) bool {
	return func(l *logs.Line) bool {
		s.save(l)
		return show == nil || show(l)
	}
}

func (s *saver) save(l *logs.Line) {
	if s.failed != nil {
		return
	}
	row := logs.RecordOf(l)
	row.Raw = l.Original
	var b strings.Builder
	err := writeJSON(&b, row, "")
	if err == nil {
		_, err = s.file.WriteString(b.String())
	}
	if err == nil {
		s.lines++
		return
	}
	s.failed = err
	fmt.Fprintln(s.app.Err, plain(fmt.Sprintf("aiwctl: lines are no longer saved, but still printed: %v", err)))
}

// end closes the file. What was not saved is an error even where the rest went well.
func (s *saver) end(err error) error {
	if closed := s.file.Close(); s.failed == nil {
		s.failed = closed
	}
	if s.failed == nil {
		if err == nil || errors.Is(err, context.Canceled) {
			fmt.Fprintln(s.app.Err, plain(fmt.Sprintf("aiwctl: %s saved in %s", plural(s.lines, "line"), s.path)))
		}
		return err
	}
	partly := fmt.Errorf("only %s were saved in %s: %w", plural(s.lines, "line"), s.path, s.failed)
	if err != nil && !errors.Is(err, context.Canceled) {
		return errors.Join(err, partly)
	}
	return &codeError{exitPartly, partly}
}
