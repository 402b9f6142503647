package cli

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/aws/smithy-go"
	"github.com/goccy/go-yaml"

	"github.com/microfox-ai/aiwctl/aws"
	"github.com/microfox-ai/aiwctl/aws/logs"
	"github.com/microfox-ai/aiwctl/aws/redrive"
	"github.com/microfox-ai/aiwctl/dispatch"
	"github.com/microfox-ai/aiwctl/tui"
)

// testApp is an App with buffers for streams and an environment of its own.
func testApp(in string, env map[string]string) (a *App, stdout, stderr *bytes.Buffer) {
	stdout, stderr = &bytes.Buffer{}, &bytes.Buffer{}
	return &App{
		In: strings.NewReader(in), Out: stdout, Err: stderr, InTTY: true,
		Getenv: func(k string) string {
			if k == "XDG_CONFIG_HOME" && env[k] == "" {
				return "/nonexistent" // not that of whoever runs the tests
			}
			return env[k]
		},
		Now: func() time.Time { return time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC) },
	}, stdout, stderr
}

func TestWrongCommandLines(t *testing.T) {
	t.Parallel()
	for line, want := range map[string]string{
		"wokers":                         "there is no command `aiwctl wokers`; did you mean `aiwctl workers`?",
		"dlq pek":                        "did you mean `aiwctl dlq peek`?",
		"workers x":                      "there is no command `aiwctl workers x`; `aiwctl workers --help` lists them",
		"help nonsense":                  "there is no command `aiwctl nonsense`",
		"completion nonsense":            "there is no command `aiwctl completion nonsense`",
		"workers --nope":                 "unknown flag: --nope; `aiwctl workers --help` lists the flags",
		"workers describe":               "the worker is missing: usage is `aiwctl workers describe WORKER`",
		"dlq replay a b --all":           "\"b\" is one argument too many",
		"logs":                           "the worker is missing",
		"version x":                      "one argument too many",
		"workers -o csv":                 "-o takes table, json, jsonl or yaml",
		"demo --listen x:0":              "--headless serves without one",
		"":                               "the console needs a terminal",
		"dispatch echo":                  "no input",
		"dispatch echo {} --timeout -1s": "--timeout -1s is negative",
		"dispatch echo {} --webhook-url ht!tp://x": "--webhook-url is no http or https URL",
		"dispatch echo {} --webhook-url ftp://x/y": "--webhook-url is no http or https URL",
		"job":                                 "the job's id is missing",
		"job x --dlq perhaps":                 "it takes auto, always or never",
		"job x --dlq-limit 0":                 "look at one message at least",
		"job x --since 1x":                    "--since",
		"job x --wait --timeout -1s":          "--timeout -1s is negative",
		"dispatch echo {} --mode x":           "it takes auto, local or remote",
		"logs echo --level loud":              `unknown --level "loud"`,
		"logs echo --invert":                  "--invert needs --grep",
		"logs echo -f --until 1m":             "exclude each other",
		"logs echo --since 1m --until 1h":     "--until is before --since",
		"dlq replay echo":                     "--all, --id",
		"dlq replay echo --all --id x":        "exclude each other",
		"dlq peek echo -n 0":                  "one message at least",
		"workers --log-file /nonexistent/log": "--log-file: open /nonexistent/log: no such file or directory",
	} {
		t.Run(line, func(t *testing.T) {
			t.Parallel()
			a, stdout, stderr := testApp("", nil)
			if code := a.Run(t.Context(), strings.Fields(line)); code != exitUsage {
				t.Errorf("exit code %d", code)
			}
			if !strings.Contains(stderr.String(), want) {
				t.Errorf("said %q, want %q", stderr, want)
			}
			if stdout.Len() > 0 {
				t.Errorf("on standard output: %q", stdout)
			}
			if n := strings.Count(stderr.String(), "aiwctl: "); n != 1 {
				t.Errorf("said %d times: %q", n, stderr)
			}
		})
	}
}

func TestHelpGoesToStandardOutput(t *testing.T) {
	t.Parallel()
	for _, line := range []string{"--help", "help", "help dlq replay", "dlq replay --help", "completion", "completion bash", "version", "--version"} {
		t.Run(line, func(t *testing.T) {
			t.Parallel()
			a, stdout, stderr := testApp("", nil)
			if code := a.Run(t.Context(), strings.Fields(line)); code != exitDone || stdout.Len() == 0 || stderr.Len() > 0 {
				t.Errorf("exit code %d\nstdout: %s\nstderr: %s", code, stdout, stderr)
			}
			if strings.Contains(stdout.String(), "\x1b[") {
				t.Error("colours in what is no terminal")
			}
		})
	}
}

func TestParseTime(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC)
	ago := func(d time.Duration) time.Time { return now.Add(-d) }
	day := func(days, hour, minute int) time.Time {
		y, m, d := now.Local().Date()
		return time.Date(y, m, d+days, hour, minute, 0, 0, time.Local)
	}
	for text, want := range map[string]time.Time{
		"15m": ago(15 * time.Minute), "-15m": ago(15 * time.Minute), "0s": now,
		"1h30m": ago(90 * time.Minute), "3d": ago(72 * time.Hour), "-3d": ago(72 * time.Hour), "1d12h": ago(36 * time.Hour), "0d": now,
		"2026-03-01T00:00:00Z":        time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC),
		"2026-03-01T02:00:00.5+02:00": time.Date(2026, 3, 1, 0, 0, 0, 5e8, time.UTC),
		"2026-03-01":                  time.Date(2026, 3, 1, 0, 0, 0, 0, time.Local),
		"2026-03-01 10:11":            time.Date(2026, 3, 1, 10, 11, 0, 0, time.Local),
		"14:05":                       day(0, 14, 5), "today 14:05": day(0, 14, 5), "yesterday 23:59": day(-1, 23, 59), "today": day(0, 0, 0), "yesterday": day(-1, 0, 0),
		"60000d": time.Unix(0, 0), "1803-01-01": time.Unix(0, 0),
		"": {}, "d": {}, "1xd": {}, "1h30d": {}, "1d2d": {}, "99999999d": {}, "3": {}, "tomorrow": {}, "yesterday noon": {}, "25:00": {}, "1 14:05": {}, "--3d": {}, "2026-13-01": {}, "1d-2h": {},
	} {
		got, err := parseTime(now, text)
		if want.IsZero() != (err != nil) || !got.Equal(want) {
			t.Errorf("parseTime(%q) = %v, %v; want %v", text, got, err, want)
		}
	}
}

func TestParseLevel(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]logs.Level{
		"": logs.LevelNone, "debug": logs.LevelDebug, "INFO": logs.LevelInfo, "warn": logs.LevelWarn, "Warning": logs.LevelWarn, "error": logs.LevelError,
	} {
		if got, err := parseLevel(text); err != nil || got != want {
			t.Errorf("parseLevel(%q) = %v, %v", text, got, err)
		}
	}
	if _, err := parseLevel("loud"); err == nil {
		t.Error("loud is a level")
	}
}

// gate is a terminal at which nobody types.
type gate struct{ opened chan struct{} }

func (g gate) Read([]byte) (int, error) {
	<-g.opened
	return 0, io.EOF
}

func TestConfirm(t *testing.T) {
	t.Parallel()
	const what = "replay 2 messages of orders-dlq to orders in stage prod"
	for answer, code := range map[string]int{
		"y\n": exitDone, "YES\n": exitDone, " y \n": exitDone, "y": exitDone,
		"n\n": exitFailed, "\n": exitFailed, "yikes\n": exitFailed, "": exitInterrupted,
	} {
		a, stdout, stderr := testApp(answer, nil)
		_, err := a.confirm(t.Context(), aws.Protected{Name: "prod"}, what, false)
		if got := exitCode(t.Context(), err); got != code {
			t.Errorf("%q: exit code %d, want %d", answer, got, code)
		}
		if !strings.HasPrefix(stderr.String(), "Replay 2 messages of orders-dlq to orders in stage prod? [y/N] ") || stdout.Len() > 0 {
			t.Errorf("asked %q", stderr)
		}
	}
	a, _, stderr := testApp("y\n", nil)
	a.InTTY = false
	if _, err := a.confirm(t.Context(), aws.Protected{}, what, false); exitCode(t.Context(), err) != exitUsage || !strings.Contains(err.Error(), "--yes") || stderr.Len() > 0 {
		t.Errorf("without a person: %v, %q", err, stderr)
	}
	if _, err := a.confirm(t.Context(), aws.Protected{}, what, true); err != nil || stderr.String() != "aiwctl: "+what+"\n" {
		t.Errorf("--yes: %v, %q", err, stderr)
	}
}

func TestConfirmAProtectedStage(t *testing.T) {
	t.Parallel()
	is := aws.Protected{Needed: true, Name: "checkout", Why: "config.yaml:3 stage checkout"}
	const what = "replay 2 messages"
	for name, tt := range map[string]struct {
		answer, flag string
		yes, noTTY   bool
		code         int
		says         string
	}{
		"its name":               {answer: "checkout\n", code: exitDone, says: "Replay 2 messages? Type the stage's name, checkout: "},
		"yes is no name":         {answer: "y\n", code: exitFailed, says: "this stage is protected: config.yaml:3"},
		"nothing":                {answer: "\n", code: exitFailed},
		"the end":                {code: exitInterrupted},
		"--yes":                  {yes: true, code: exitDenied, says: "--yes alone is not enough"},
		"--yes without a person": {yes: true, noTTY: true, code: exitDenied, says: "add --confirm-stage checkout; --yes alone is not enough"},
		"without a person":       {noTTY: true, code: exitDenied, says: "add --confirm-stage checkout"},
		"the flag":               {flag: "checkout", noTTY: true, code: exitDone, says: "aiwctl: replay 2 messages"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a, _, stderr := testApp(tt.answer, nil)
			a.InTTY, a.global.confirmStage = !tt.noTTY, tt.flag
			_, err := a.confirm(t.Context(), is, what, tt.yes)
			code := exitCode(t.Context(), err)
			if text := stderr.String() + errorText(err, code); code != tt.code || !strings.Contains(text, tt.says) {
				t.Errorf("exit code %d, said %q", code, text)
			}
		})
	}
}

// Ctrl-C ends what waits for somebody to type.
func TestInterruptWhileReading(t *testing.T) {
	t.Parallel()
	g := gate{make(chan struct{})}
	t.Cleanup(func() { close(g.opened) })
	a, stdout, stderr := testApp("", nil)
	a.In = g
	ctx, interrupt := context.WithCancel(t.Context())
	interrupt()
	_, err := a.confirm(ctx, aws.Protected{}, "purge everything", false)
	if code := exitCode(ctx, err); code != exitInterrupted || !strings.Contains(errorText(err, code), "nothing was done") {
		t.Errorf("the question ended with %v", err)
	}
	stderr.Reset()
	if code := a.Run(ctx, []string{"dispatch", "echo", "-"}); code != exitInterrupted || stdout.Len() > 0 {
		t.Errorf("exit code %d, %q", code, stdout)
	}
	if got := stderr.String(); got != "aiwctl: interrupted\n" {
		t.Errorf("said %q", got)
	}
}

func TestEmptyInputIsNotSent(t *testing.T) {
	t.Parallel()
	for _, args := range [][]string{{"dispatch", "w", ""}, {"dispatch", "w", "-"}, {"dispatch", "w", "-f", "-"}, {"dispatch", "w", "-f", os.DevNull}, {"validate", "w", " \n"}} {
		a, _, stderr := testApp(" \n", nil)
		if code := a.Run(t.Context(), args); code != exitUsage || !strings.Contains(stderr.String(), "the input is empty; an empty object is {}") {
			t.Errorf("%q: exit code %d, %q", args, code, stderr)
		}
	}
}

func TestExitCodes(t *testing.T) {
	t.Parallel()
	partial := func(replayed int, cause error, status ...string) error {
		e := &redrive.PartialError{Verb: "replay", Queue: "q", Report: redrive.Report{Replayed: replayed}, Cause: cause}
		for _, s := range status {
			e.Report.Failed++
			e.Report.Problems = append(e.Report.Problems, redrive.Result{ID: "m", Status: s})
		}
		return fmt.Errorf("replay: %w", e)
	}
	denied := &smithy.GenericAPIError{Code: "AccessDenied", Message: "no"}
	for name, tt := range map[string]struct {
		err  error
		code int
	}{
		"done":             {nil, exitDone},
		"anything":         {errors.New("?"), exitFailed},
		"a full disk":      {&os.PathError{Op: "write", Path: "x", Err: syscall.ENOSPC}, exitFailed},
		"invalid":          {fmt.Errorf("x: %w", &dispatch.ValidationError{}), exitUsage},
		"too large":        {dispatch.ErrTooLarge, exitUsage},
		"mode":             {aws.ErrMode, exitUsage},
		"no region":        {aws.ErrNoRegion, exitUsage},
		"read-only":        {fmt.Errorf("x: %w", aws.ErrReadOnly), exitDenied},
		"denied":           {fmt.Errorf("x: %w", denied), exitDenied},
		"audit":            {aws.ErrAudit, exitFailed},
		"partly":           {partial(1, nil, redrive.StatusFailed), exitPartly},
		"in both queues":   {partial(0, nil, redrive.StatusNotDeleted), exitPartly},
		"none found":       {partial(0, nil, redrive.StatusNotFound, redrive.StatusNotFound), exitNothing},
		"none replayed":    {partial(0, nil, redrive.StatusNotFound, redrive.StatusFailed), exitFailed},
		"denied meanwhile": {partial(0, denied, redrive.StatusFailed), exitDenied},
	} {
		if got := exitCode(t.Context(), tt.err); got != tt.code {
			t.Errorf("%s: %d, want %d", name, got, tt.code)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	err := partial(3, context.Canceled, redrive.StatusFailed)
	if code := exitCode(ctx, err); code != exitInterrupted || !strings.Contains(errorText(err, code), "3 messages replayed, 1 failed (m); interrupted") {
		t.Errorf("an interrupted replay: %d, %q", code, errorText(err, code))
	}
}

func TestErrorsSayWhatToDo(t *testing.T) {
	t.Parallel()
	err := fmt.Errorf("peek: %w", aws.ErrReadOnly)
	if got := errorText(err, exitDenied); got != "aiwctl: peek: this target is read-only\n  leave out --read-only and AIWCTL_READ_ONLY to allow writes" {
		t.Errorf("got %q", got)
	}
	if got := errorText(&os.PathError{Op: "write", Path: "/dev/stdout", Err: syscall.ENOSPC}, exitFailed); strings.Contains(got, "network") {
		t.Errorf("a full disk is called %q", got)
	}
	if got := errorText(errors.New("said \x1b]0;owned\a\x1b[2J by a queue"), exitFailed); strings.ContainsAny(got, "\x1b\a") {
		t.Errorf("control characters in %q", got)
	}
	one := dispatch.Violation{Pointer: "/url", Message: "must be a string", Line: 3, Column: 9}
	if got := errorText(&dispatch.ValidationError{WorkerID: "w", Violations: []dispatch.Violation{one, {Warning: true, Message: "x"}, one}}, exitUsage); got != "aiwctl: input for worker \"w\" is invalid:\n  line 3, column 9: /url: must be a string\n  line 3, column 9: /url: must be a string" {
		t.Errorf("got %q", got)
	}
	many := make([]dispatch.Violation, 1000)
	if got := errorText(&dispatch.ValidationError{Violations: many}, exitUsage); !strings.HasSuffix(got, "\n  and 950 more") || strings.Count(got, "\n") != 51 {
		t.Errorf("1000 violations are %d lines", strings.Count(got, "\n"))
	}
}

func TestOutputFormats(t *testing.T) {
	t.Parallel()
	type row struct {
		Name string `json:"name"`
		N    *int   `json:"n"`
	}
	rows := []row{{"a <b>", new(1)}, {"日本", nil}}
	for f, want := range map[format]string{
		formatTable: "NAME   N\na <b>  1\n日本   -\nnote\n",
		formatJSON:  "[\n  {\n    \"name\": \"a <b>\",\n    \"n\": 1\n  },\n  {\n    \"name\": \"日本\",\n    \"n\": null\n  }\n]\n",
		formatJSONL: "{\"name\":\"a <b>\",\"n\":1}\n{\"name\":\"日本\",\"n\":null}\n",
		formatYAML:  "- name: a <b>\n  \"n\": 1\n- name: 日本\n  \"n\": null\n",
	} {
		a, stdout, _ := testApp("", nil)
		a.global.output = string(f)
		err := a.print(rows, func(t *tableWriter) {
			t.row("NAME", "N")
			for _, r := range rows {
				t.row(r.Name, count(r.N))
			}
			t.line("note")
		})
		if err != nil || stdout.String() != want {
			t.Errorf("%s: %q, %v", f, stdout, err)
		}
	}
}

// A tail never ends, so each of its lines is written when it comes, in any form.
func TestTailInEveryFormat(t *testing.T) {
	t.Parallel()
	line := logs.Parse("g", "s", "w", "id", time.UnixMilli(0), "hello \x1b[2Jthere")
	for _, f := range []format{formatTable, formatJSON, formatJSONL, formatYAML} {
		a, stdout, _ := testApp("", nil)
		p := &logPrinter{app: a, format: f, stream: true}
		if err := p.print([]logs.Line{line}); err != nil || !strings.Contains(stdout.String(), "hello") || strings.Contains(stdout.String(), "\x1b") {
			t.Errorf("%s: %q, %v", f, stdout, err)
		}
	}
}

func TestNewestNoticeIsKept(t *testing.T) {
	t.Parallel()
	a, _, stderr := testApp("", nil)
	ls := &localSession{app: a, notices: make(chan tui.Notice, 2)}
	for i := range 5 {
		ls.notice(tui.Notice{Text: fmt.Sprint(i)})
	}
	if first, second := <-ls.notices, <-ls.notices; first.Text != "3" || second.Text != "4" {
		t.Errorf("kept %q and %q", first.Text, second.Text)
	}
	ls.flags.headless = true
	ls.notice(tui.Notice{Text: "rebuild failed", Err: errors.New("x.go:1: \x1b[31mwrong")})
	if got := stderr.String(); got != "rebuild failed: x.go:1: wrong\n" {
		t.Errorf("said %q", got)
	}
}

func TestLogFile(t *testing.T) {
	t.Parallel()
	path := t.TempDir() + "/log"
	a, _, _ := testApp("", nil)
	a.Run(t.Context(), []string{"version", "--log-file", path})
	a.Run(t.Context(), []string{"dispatch", "w", `{"secret":"s3cr3t"}`, "--mode", "sideways", "--log-file", path})
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{`command="aiwctl version"`, "exit=0", `command="aiwctl dispatch"`, "exit=2"} {
		if !strings.Contains(string(text), want) {
			t.Errorf("the log lacks %s:\n%s", want, text)
		}
	}
	if strings.Contains(string(text), "s3cr3t") {
		t.Errorf("a job's input is in the log:\n%s", text)
	}
}

// What a person works with otherwise does not hide the demo's stage.
func TestLocalSessionIgnoresOtherTargets(t *testing.T) {
	t.Parallel()
	a, _, _ := testApp("", map[string]string{"AIWCTL_PROFILE": "ops", "AIWCTL_SERVICE": "other", "AIWCTL_STAGE": "prod", "WORKERS_API_KEY": "k"})
	got := aws.Target{EndpointURL: "http://127.0.0.1:1", Stage: "demo"}.Resolve(a.withoutTarget)
	if got.Profile != "" || got.Service != "" || got.Stage != "demo" || a.withoutTarget("WORKERS_API_KEY") != "k" {
		t.Errorf("the target is %+v", got)
	}
}

// A program gets every character back; a terminal that is in the way is told to
// do nothing.
func TestDataDoesNotActOnATerminal(t *testing.T) {
	t.Parallel()
	const evil = "j\x1b]0;owned\a\u009b2J\u202e\x7f\ttab\nline\r: [x] 'y' \"z\" \\ # 日本"
	for _, f := range []format{formatJSON, formatJSONL, formatYAML} {
		a, stdout, _ := testApp("", nil)
		a.global.output = string(f)
		if err := a.print(map[string]any{"text": evil, evil: 1, "list": []string{evil, "plain", "two\nlines", ""}}, nil); err != nil {
			t.Fatal(err)
		}
		if strings.ContainsAny(stdout.String(), "\x1b\a\x7f\r\u009b\u202e") {
			t.Errorf("%s: %q", f, stdout)
		}
		var got struct {
			Text string
			List []string
		}
		var all map[string]any
		if err := yaml.Unmarshal(stdout.Bytes(), &got); err != nil { // JSON is YAML
			t.Fatalf("%s: %v\n%s", f, err, stdout)
		}
		if err := yaml.Unmarshal(stdout.Bytes(), &all); err != nil || fmt.Sprint(all[evil]) != "1" {
			t.Errorf("%s: the key became %q, %v", f, all, err)
		}
		if got.Text != evil || !slices.Equal(got.List, []string{evil, "plain", "two\nlines", ""}) {
			t.Errorf("%s: got back %q", f, got)
		}
	}
}
