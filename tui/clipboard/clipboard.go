// Package clipboard hands text over to whatever keeps it on this person's machine: a tool
// of the desktop, tmux, the terminal itself by OSC 52. It says truthfully what became of
// it: a tool answers, a terminal does not.
package clipboard

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	goruntime "runtime"
	"strings"
	"unicode/utf16"

	"github.com/microfox-ai/aiwctl/tui/cell"
)

// TerminalMost is the longest text, in bytes, that is sent to a terminal. xterm and those
// that follow it drop more than 100,000 characters of base64 without a word.
// https://chromium.googlesource.com/apps/libapps/+/HEAD/hterm/etc/osc52.sh
const TerminalMost = 74_994

// System is where text goes from here. Make one with New; tests fill in the fields.
type System struct {
	Getenv func(string) string
	// OS is the operating system, as runtime.GOOS has it.
	OS string
	// Look finds a program; exec.LookPath.
	Look func(name string) (path string, err error)
	// Run starts a program and hands it text on its standard input.
	Run func(ctx context.Context, path string, args []string, text string) error
}

// New is this machine.
func New(getenv func(string) string) *System {
	return &System{Getenv: getenv, OS: goruntime.GOOS, Look: exec.LookPath, Run: run}
}

func run(ctx context.Context, path string, args []string, text string) error {
	cmd := exec.CommandContext(ctx, path, args...) //nolint:gosec // one of the tools below, found on PATH
	cmd.Stdin = strings.NewReader(text)
	// No output is read: those that keep the text stay behind and hold on to it.
	return cmd.Run()
}

// Result is what became of a text.
type Result struct {
	// Tool is the program that took it; empty when none did.
	Tool string
	// Tmux is set when tmux took it, which hands it on to the terminal.
	Tmux bool
	// Terminal is set when it should be sent to the terminal as well, by OSC 52. No answer
	// comes of that.
	Terminal bool
	// Err is why it went nowhere; nil otherwise.
	Err error
}

// Confirmed is whether somebody said that they have it.
func (r Result) Confirmed() bool { return r.Tool != "" }

// Words say what happened to what. They begin with what matters: lines are cut at their
// end.
func (r Result) Words(what string) string {
	switch {
	case r.Tool != "":
		return "copied " + what + " (" + r.Tool + ")"
	case r.Tmux:
		return "sent to tmux and its terminal, which does not say whether it took it (OSC 52): " + what
	case r.Terminal:
		return "sent to the terminal, which does not say whether it took it (OSC 52): " + what
	}
	return "not copied: " + what
}

// tool is a program that puts its standard input on the clipboard.
type tool struct {
	name string
	args []string
	// utf16 is set where it takes any other encoding for the one of the console.
	utf16 bool
}

// tools are those that belong to this person's desktop, best first. Over SSH there are
// none: they would fill the clipboard of a machine that nobody sits at.
func (s *System) tools() []tool {
	switch {
	case s.remote():
		return nil
	case s.OS == "darwin":
		return []tool{{name: "pbcopy"}}
	case s.OS == "windows", s.Getenv("WSL_DISTRO_NAME") != "", s.Getenv("WSL_INTEROP") != "":
		return []tool{{name: "clip.exe", utf16: true}}
	}
	var all []tool
	if s.Getenv("WAYLAND_DISPLAY") != "" {
		all = append(all, tool{name: "wl-copy", args: []string{"--type", "text/plain;charset=utf-8"}})
	}
	if s.Getenv("DISPLAY") != "" {
		all = append(all, tool{name: "xclip", args: []string{"-selection", "clipboard"}}, tool{name: "xsel", args: []string{"--clipboard", "--input"}})
	}
	return all
}

func (s *System) remote() bool {
	return s.Getenv("SSH_TTY") != "" || s.Getenv("SSH_CONNECTION") != "" || s.Getenv("SSH_CLIENT") != ""
}

// terminal says why the terminal cannot be sent a text; empty when it can.
func (s *System) terminal(text string) string {
	switch term := s.Getenv("TERM"); {
	case s.Getenv("STY") != "" && s.Getenv("TMUX") == "":
		return "GNU screen does not hand text on to the terminal"
	case term == "linux", term == "dumb":
		return "this terminal has no clipboard"
	case len(text) > TerminalMost:
		return fmt.Sprintf("%s is more than terminals take (%s)", size(len(text)), size(TerminalMost))
	}
	return ""
}

func size(n int) string {
	if n < 10_000 {
		return fmt.Sprintf("%.1f KB", float64(n)/1000)
	}
	return cell.Count(n/1000) + " KB"
}

// Copy hands text over. It waits for programs, at most as long as ctx allows.
func (s *System) Copy(ctx context.Context, text string) Result {
	var (
		r       Result
		failed  []error
		missing []string
	)
	for _, t := range s.tools() {
		path, err := s.Look(t.name)
		if err != nil {
			missing = append(missing, t.name)
			continue
		}
		given := text
		if t.utf16 {
			given = utf16Text(text)
		}
		if err := s.Run(ctx, path, t.args, given); err != nil {
			failed = append(failed, fmt.Errorf("%s: %w", t.name, err))
			continue
		}
		r.Tool = t.name
		break
	}
	if r.Tool == "" && s.Getenv("TMUX") != "" {
		// -w hands it on to the terminal; older ones than 3.2 do not know it.
		if path, err := s.Look("tmux"); err != nil {
			missing = append(missing, "tmux")
		} else if err := s.Run(ctx, path, []string{"load-buffer", "-w", "-"}, text); err != nil {
			failed = append(failed, fmt.Errorf("tmux load-buffer: %w", err))
		} else {
			r.Tmux = true
		}
	}
	why := s.terminal(text)
	r.Terminal = why == "" && !r.Tmux
	if r.Tool != "" || r.Tmux || r.Terminal {
		return r
	}
	if len(missing) > 0 {
		why += "; there is no " + strings.Join(missing, " and no ") + " on this machine"
	} else if s.remote() {
		why += "; over SSH only the terminal reaches your own machine"
	}
	r.Err = errors.New(why)
	if len(failed) > 0 {
		r.Err = fmt.Errorf("%s; %w", why, errors.Join(failed...))
	}
	return r
}

// utf16Text is text as Windows has it, with its mark.
func utf16Text(text string) string {
	units := utf16.Encode([]rune("\ufeff" + text))
	b := make([]byte, 0, 2*len(units))
	for _, u := range units {
		b = append(b, byte(u), byte(u>>8)) //nolint:gosec // the two halves of a unit
	}
	return string(b)
}
