package clipboard_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	goruntime "runtime"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/microfox-ai/aiwctl/tui/clipboard"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestCopy(t *testing.T) {
	t.Parallel()
	const short = "text"
	long := strings.Repeat("x", clipboard.TerminalMost+1)
	for name, tt := range map[string]struct {
		os    string
		env   string // NAME=value, separated by blanks
		has   string // the programs that are there
		fails string // those that fail
		text  string
		ran   string // the programs that were run, with what they were given
		words string
		err   string
		also  bool // the terminal is sent it too
	}{
		"macOS":            {os: "darwin", has: "pbcopy", ran: "pbcopy", words: "copied X (pbcopy)", also: true},
		"Wayland":          {env: "WAYLAND_DISPLAY=w DISPLAY=:0", has: "wl-copy xclip", ran: "wl-copy --type text/plain;charset=utf-8", words: "copied X (wl-copy)", also: true},
		"X":                {env: "DISPLAY=:0", has: "xclip xsel wl-copy", ran: "xclip -selection clipboard", words: "copied X (xclip)", also: true},
		"xsel":             {env: "DISPLAY=:0", has: "xsel", ran: "xsel --clipboard --input", words: "copied X (xsel)", also: true},
		"the second works": {env: "WAYLAND_DISPLAY=w DISPLAY=:0", has: "wl-copy xclip", fails: "wl-copy", ran: "wl-copy --type text/plain;charset=utf-8, xclip -selection clipboard", words: "copied X (xclip)", also: true},
		"Windows":          {os: "windows", has: "clip.exe", ran: "clip.exe", words: "copied X (clip.exe)", also: true},
		"WSL":              {env: "WSL_DISTRO_NAME=Debian DISPLAY=:0", has: "clip.exe xclip", ran: "clip.exe", words: "copied X (clip.exe)", also: true},
		"no tool":          {env: "DISPLAY=:0", words: "sent to the terminal, which does not say whether it took it (OSC 52): X", also: true},
		"no display":       {has: "xclip wl-copy", words: "sent to the terminal, which does not say whether it took it (OSC 52): X", also: true},
		"SSH":              {env: "SSH_TTY=/dev/pts/1 DISPLAY=localhost:10.0 WAYLAND_DISPLAY=w", has: "xclip wl-copy", words: "sent to the terminal, which does not say whether it took it (OSC 52): X", also: true},
		"SSH to a Mac":     {os: "darwin", env: "SSH_CONNECTION=1", has: "pbcopy", words: "sent to the terminal, which does not say whether it took it (OSC 52): X", also: true},
		"tmux over SSH":    {env: "SSH_TTY=/dev/pts/1 TMUX=/tmp/x,1,0", has: "tmux", ran: "tmux load-buffer -w -", words: "sent to tmux and its terminal, which does not say whether it took it (OSC 52): X"},
		"an old tmux":      {env: "TMUX=/tmp/x,1,0", has: "tmux", fails: "tmux", ran: "tmux load-buffer -w -", words: "sent to the terminal, which does not say whether it took it (OSC 52): X", also: true},
		"tmux on a desk":   {env: "TMUX=/tmp/x,1,0 DISPLAY=:0", has: "tmux xclip", ran: "xclip -selection clipboard", words: "copied X (xclip)", also: true},
		"long, with tool":  {env: "DISPLAY=:0", has: "xclip", text: long, ran: "xclip -selection clipboard", words: "copied X (xclip)"},
		"long, without":    {env: "DISPLAY=:0", text: long, words: "not copied: X", err: "74 KB is more than terminals take (74 KB); there is no xclip and no xsel on this machine"},
		"long, over SSH":   {env: "SSH_TTY=1", text: long + long, words: "not copied: X", err: "149 KB is more than terminals take (74 KB); over SSH only the terminal reaches your own machine"},
		"GNU screen":       {env: "STY=1.pts", words: "not copied: X", err: "GNU screen does not hand text on to the terminal"},
		"Linux console":    {env: "TERM=linux", words: "not copied: X", err: "this terminal has no clipboard"},
		"all fails":        {env: "TERM=linux DISPLAY=:0", has: "xclip", fails: "xclip", ran: "xclip -selection clipboard", words: "not copied: X", err: "there is no xsel on this machine; xclip: exit status 1"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if tt.os == "" {
				tt.os = "linux"
			}
			if tt.text == "" {
				tt.text = short
			}
			vars := map[string]string{}
			for _, kv := range strings.Fields(tt.env) {
				k, v, _ := strings.Cut(kv, "=")
				vars[k] = v
			}
			in := func(list, name string) bool { return strings.Contains(" "+list+" ", " "+name+" ") }
			var ran []string
			s := &clipboard.System{
				Getenv: func(name string) string { return vars[name] }, OS: tt.os,
				Look: func(name string) (string, error) {
					if in(tt.has, name) {
						return "/bin/" + name, nil
					}
					return "", errors.New("not found")
				},
				Run: func(_ context.Context, path string, args []string, text string) error {
					name := filepath.Base(path)
					ran = append(ran, strings.TrimSpace(name+" "+strings.Join(args, " ")))
					if name != "clip.exe" && text != tt.text || name == "clip.exe" && text != "\xff\xfet\x00e\x00x\x00t\x00" {
						t.Errorf("%s was given %q", name, text)
					}
					if in(tt.fails, name) {
						return errors.New("exit status 1")
					}
					return nil
				},
			}
			r := s.Copy(t.Context(), tt.text)
			if got := strings.Join(ran, ", "); got != tt.ran {
				t.Errorf("ran %q, want %q", got, tt.ran)
			}
			if got := r.Words("X"); got != tt.words || r.Terminal != tt.also || r.Confirmed() != (r.Tool != "") {
				t.Errorf("%q (%+v), want %q", got, r, tt.words)
			}
			if (r.Err == nil) != (tt.err == "") || r.Err != nil && !strings.Contains(r.Err.Error(), tt.err) {
				t.Errorf("error %v, want %q", r.Err, tt.err)
			}
		})
	}
}

// A tool that hangs is ended with the context; one that stays behind is not waited for.
func TestPrograms(t *testing.T) {
	t.Parallel()
	if goruntime.GOOS == "windows" {
		t.Skip("the programs are shell scripts")
	}
	dir := t.TempDir()
	script := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte("#!/bin/sh\n"+text), 0o700); err != nil {
			t.Fatal(err)
		}
		return path
	}
	copyWith := func(ctx context.Context, path string) clipboard.Result {
		s := clipboard.New(func(name string) string { return map[string]string{"DISPLAY": ":0"}[name] })
		s.OS = "linux"
		s.Look = func(name string) (string, error) {
			if name == "xclip" {
				return path, nil
			}
			return "", errors.New("not found")
		}
		return s.Copy(ctx, "text")
	}
	if r := copyWith(t.Context(), script("xclip", "cat > "+dir+"/got\n(sleep 5) &\n")); r.Tool != "xclip" {
		t.Errorf("%+v", r)
	}
	if got, err := os.ReadFile(dir + "/got"); err != nil || string(got) != "text" {
		t.Errorf("it got %q, %v", got, err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if r := copyWith(ctx, script("hangs", "exec sleep 60\n")); r.Tool != "" || !r.Terminal {
		t.Errorf("%+v", r)
	}
}

func TestSave(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "state", "copies")
	now := time.Date(2026, 3, 2, 3, 4, 5, 0, time.UTC)
	for _, want := range []string{"copy-20260302-030405.txt", "copy-20260302-030405-1.txt"} {
		path, err := clipboard.Save(dir, "text", now)
		if err != nil || filepath.Base(path) != want {
			t.Errorf("%s, %v; want %s", path, err, want)
		}
		info, err := os.Stat(path)
		if err != nil || goruntime.GOOS != "windows" && info.Mode().Perm() != 0o600 {
			t.Errorf("%v, %v", info.Mode(), err)
		}
	}
	if err := os.WriteFile(filepath.Join(dir, "file"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := clipboard.Save(filepath.Join(dir, "file"), "text", now); err == nil {
		t.Error("it was saved below a file")
	}
}
