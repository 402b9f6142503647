// Firstresponse is an engineer at three in the morning, as a program: it starts a demo
// stage, opens the console on it in a real terminal, and goes from a red row to its cause,
// to an edited replay, to "completed". Each key is pressed when the screen shows what the
// one before led to, and counted.
//
//	go run ./examples/firstresponse [-aiwctl bin/aiwctl] [-size 104x27] [-pictures DIR] [-v]
//
// It needs tmux. It exits with 1 when a step does not lead where it should, or when the way
// takes more than twelve keys beside typed text. With -pictures it keeps what the terminal
// showed on the way, with colours, as NAME.ansi; docs/pictures/take.sh makes pictures of them.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"time"

	"github.com/microfox-ai/aiwctl/examples/firstresponse/terminal"
	"github.com/microfox-ai/aiwctl/tui/dialog"
)

type options struct {
	aiwctl, pictures string
	width, height    int
	background       string
	verbose          bool
	patience         time.Duration
	settle           time.Duration
}

func main() {
	var (
		o    options
		size string
	)
	flag.StringVar(&o.aiwctl, "aiwctl", "", "the program; empty: it is built from this module")
	flag.StringVar(&o.pictures, "pictures", "", "a directory to keep the screens in")
	flag.StringVar(&size, "size", "104x27", "the terminal's columns and rows")
	flag.StringVar(&o.background, "background", "", "the terminal's background as #rrggbb, which it says when it is asked; empty: it does not say")
	flag.BoolVar(&o.verbose, "v", false, "print the screen after each step")
	flag.DurationVar(&o.patience, "patience", 2*time.Minute, "how long to wait for a screen")
	flag.DurationVar(&o.settle, "settle", 0, "how long the demo runs before somebody looks: for pictures of a stage with a past")
	flag.Parse()
	if _, err := fmt.Sscanf(size, "%dx%d", &o.width, &o.height); err != nil {
		fmt.Fprintln(os.Stderr, "firstresponse: -size wants COLUMNSxROWS")
		os.Exit(2)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, o)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "firstresponse:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, o options) (err error) {
	dir, err := os.MkdirTemp("", "firstresponse-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	if o.aiwctl == "" {
		o.aiwctl = filepath.Join(dir, "aiwctl")
		build := exec.CommandContext(ctx, "go", "build", "-o", o.aiwctl, "./cmd/aiwctl") //nolint:gosec // this module's own program
		build.Stderr = os.Stderr
		if err := build.Run(); err != nil {
			return fmt.Errorf("build aiwctl: %w", err)
		}
	}
	if o.aiwctl, err = filepath.Abs(o.aiwctl); err != nil {
		return err
	}
	demo, err := startDemo(ctx, o.aiwctl, dir)
	if err != nil {
		return err
	}
	defer demo.stop()
	if err := wait(ctx, o.settle); err != nil {
		return err
	}
	// Jobs that fail at once, so that nobody waits for the stream's own, and enough of them
	// that this worker is the first of those in trouble.
	for _, order := range []string{"41", "43", "45"} {
		dispatch := demo.command(ctx, "dispatch", "fail", `{"order":`+order+`}`)
		if out, err := dispatch.CombinedOutput(); err != nil {
			return fmt.Errorf("dispatch a job: %w: %s", err, out)
		}
	}
	begun := time.Now()
	keys, err := inTerminal(ctx, o, demo, steps)
	if err != nil {
		return err
	}
	fmt.Printf("%d keys beside typed text (at most %d), %.1f s\n", keys, most, time.Since(begun).Seconds())
	if keys > most {
		return fmt.Errorf("the way took %d keys, and %d are too many", keys, most)
	}
	if o.pictures != "" {
		_, err = inTerminal(ctx, o, demo, tour)
	}
	return err
}

// inTerminal goes a way in a console that has just been opened, and counts its keys.
func inTerminal(ctx context.Context, o options, demo *demo, way []step) (keys int, err error) {
	term, err := terminal.Start(ctx, terminal.Size{Width: o.width, Height: o.height}, o.background, demo.shell())
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, term.Close()) }()
	return walk(ctx, o, term, way)
}

func wait(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// walk takes the steps.
func walk(ctx context.Context, o options, term *terminal.Terminal, way []step) (keys int, err error) {
	for i, s := range way {
		switch {
		case s.key != "":
			keys++
			err = term.Press(ctx, s.key)
		case s.typed != "":
			err = term.Type(ctx, s.typed)
		}
		if err != nil {
			return keys, err
		}
		see := regexp.MustCompile(s.see)
		screen, err := term.Await(ctx, o.patience, func(coloured string) bool {
			return see.MatchString(terminal.Plain(coloured)) && (s.red == "" || redLine(coloured, regexp.MustCompile(s.red)))
		})
		if err == nil && s.reads {
			err = wait(ctx, dialog.Grace+100*time.Millisecond)
		}
		if err == nil {
			err = keep(o, s, screen)
		}
		if err != nil {
			return keys, fmt.Errorf("step %d, %s%s (%s), waits for %s %s: %w", i+1, s.key, s.typed, s.says, s.see, s.red, err)
		}
		if s.says != "" {
			fmt.Printf("%-10s %s\n", s.key+s.typed, s.says)
		}
	}
	return keys, nil
}

// keep keeps the screen that a step led to.
func keep(o options, s step, screen string) error {
	if o.verbose {
		fmt.Println(screen)
	}
	if o.pictures == "" || s.picture == "" {
		return nil
	}
	if err := os.MkdirAll(o.pictures, 0o750); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(o.pictures, s.picture+".ansi"), []byte(screen), 0o600)
}

// red is a foreground colour with much more red than green and blue.
var red = regexp.MustCompile(`38;2;(2[0-9][0-9]|1[6-9][0-9]);([0-9]{1,2}|1[0-3][0-9]);([0-9]{1,2}|1[0-4][0-9])[;m]|\x1b\[[0-9;]*\b(31|91)\b[0-9;]*m|38;5;(1|9|1[269][0-9]|20[0-9])[;m]`)

// redLine says whether the line that a pattern finds holds something red.
func redLine(screen string, pattern *regexp.Regexp) bool {
	for line := range strings.SplitSeq(screen, "\n") {
		if pattern.MatchString(terminal.Plain(line)) {
			return red.MatchString(line)
		}
	}
	return false
}

// demo is a running `aiwctl demo --headless`.
type demo struct {
	aiwctl string
	env    []string
	cmd    *exec.Cmd
}

func startDemo(ctx context.Context, aiwctl, dir string) (*demo, error) {
	d := &demo{aiwctl: aiwctl, env: []string{"XDG_STATE_HOME=" + filepath.Join(dir, "state"), "XDG_CONFIG_HOME=" + filepath.Join(dir, "config")}}
	d.cmd = exec.CommandContext(ctx, aiwctl, "demo", "--headless", "--listen", "127.0.0.1:0")
	d.cmd.Env = append(os.Environ(), d.env...)
	d.cmd.Cancel = func() error { return d.cmd.Process.Signal(os.Interrupt) }
	d.cmd.WaitDelay = 20 * time.Second
	out, err := d.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := d.cmd.Start(); err != nil {
		return nil, fmt.Errorf("start the demo: %w", err)
	}
	// It says how to reach it in one write, which is shorter than what a pipe takes at once.
	said := make([]byte, 1<<16)
	n, err := out.Read(said)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("the demo said nothing: %w", err), d.cmd.Wait())
	}
	for line := range strings.SplitSeq(string(said[:n]), "\n") {
		if assignment, ok := strings.CutPrefix(line, "export "); ok {
			d.env = append(d.env, assignment)
		}
	}
	return d, nil
}

// command is aiwctl on the demo's stage.
func (d *demo) command(ctx context.Context, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, d.aiwctl, args...) //nolint:gosec // the program under test
	cmd.Env = append(os.Environ(), d.env...)
	return cmd
}

// shell is the command line that opens the console on it.
func (d *demo) shell() string {
	return "env -u TMUX TERM=xterm-256color COLORTERM=truecolor " + strings.Join(d.env, " ") + " '" + d.aiwctl + "'"
}

// stop ends the demo with its workers.
func (d *demo) stop() {
	_ = d.cmd.Process.Signal(os.Interrupt)
	_ = d.cmd.Wait()
}
