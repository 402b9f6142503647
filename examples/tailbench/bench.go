package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"

	awssdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"

	"github.com/microfox-ai/aiwctl/dispatch"
	"github.com/microfox-ai/aiwctl/examples/tailchaos/stage"
)

type bench struct {
	aiwctl, awscli, saw, self, home string
	events, runs                    int
}

// program is one that prints the events of the log group.
type program struct {
	name string
	args []string
	env  []string
	// endless is true of one that goes on: it has done when it has printed them all.
	endless bool
	// times are from exec to the end or the last line; work is what it took of the processors.
	times, work []time.Duration
}

func (b *bench) run(ctx context.Context) (holds bool, err error) {
	s, err := stage.Serve(stage.Config{Workers: 1})
	if err != nil {
		return false, err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	fill(s, b.events)
	group := stage.Group(0)
	own := []string{"w0", "--endpoint-url", s.URL, "--since", "1h"}
	aiwctl := &program{name: "aiwctl logs", args: append([]string{b.aiwctl, "logs"}, own...)}
	follow := &program{name: "aiwctl logs -f", args: append([]string{b.aiwctl, "logs", "-f"}, own...), endless: true}
	raw := &program{name: "aiwctl logs -o raw", args: append([]string{b.aiwctl, "logs", "-o", "raw"}, own...)}
	get := &program{name: "bare, as saw get", args: []string{b.self, bareCommand, s.URL, group}}
	watch := &program{name: "bare, as saw watch", args: []string{b.self, watchCommand, s.URL, group}}
	all := []*program{aiwctl, follow, raw, get, watch}
	var awscli, saw *program
	if path := b.findAWS(); path != "" && (b.awscli != "" || tails(ctx, path)) {
		awscli = &program{
			name: "aws logs tail", args: []string{path, "logs", "tail", group, "--since", "1h", "--endpoint-url", s.URL},
			env: []string{"AWS_DEFAULT_REGION=us-east-1"},
		}
		all = append(all, awscli)
	}
	if b.saw != "" { // not the one on PATH, which would ask AWS
		saw = &program{name: "saw get", args: []string{b.saw, "get", group, "--start", "-1h"}, env: []string{"AWS_ENDPOINT_URL=" + s.URL}}
		all = append(all, saw)
	}
	for range b.runs {
		for _, p := range all {
			took, work, err := b.time(ctx, p)
			if err != nil {
				return false, err
			}
			p.times, p.work = append(p.times, took), append(p.work, work)
		}
	}
	fmt.Printf("%d events, medians of %d\n\n%-26s %10s %12s %10s %14s\n", b.events, b.runs, "", "time", "events/s", "processor", "aiwctl is")
	for _, p := range all {
		fmt.Printf("%-26s %8.2f s %12.0f %8.2f s %8.2f times as fast\n", p.name, p.median().Seconds(), float64(b.events)/p.median().Seconds(), median(p.work).Seconds(), p.median().Seconds()/aiwctl.median().Seconds())
	}
	fmt.Println()
	holds = true
	judge := func(own, other *program, name string, bar float64) {
		if other == nil {
			fmt.Printf("bar: %s, %.0f times as fast as %s: not measured, since there is none here; name one with a flag\n", own.name, bar, name)
			return
		}
		ratio := other.median().Seconds() / own.median().Seconds()
		holds = holds && ratio >= bar
		fmt.Printf("bar: %s, %.0f times as fast as %s: %.2f, holds: %t\n", own.name, bar, name, ratio, ratio >= bar)
	}
	for _, own := range []*program{aiwctl, follow} {
		judge(own, awscli, "aws logs tail", 3)
	}
	judge(raw, saw, "saw get", 1)
	judge(raw, get, get.name, 1)
	judge(follow, watch, watch.name, 1)
	return holds, nil
}

func (p *program) median() time.Duration { return median(p.times) }

// median is of an odd number of times the middle one.
func median(of []time.Duration) time.Duration {
	t := slices.Sorted(slices.Values(of))
	return t[len(t)/2]
}

// fill writes what a worker writes: six lines a job.
func fill(s *stage.Stage, n int) {
	at := time.Now().Add(-30 * time.Minute)
	for i := range n {
		job, req := fmt.Sprintf("job-%d", i/6), fmt.Sprintf("4f7a0000-0000-4000-8000-%012d", i/6)
		event := func(name string) string {
			return fmt.Sprintf(`{"time":"2026-03-02T03:04:05.000Z","level":"INFO","msg":%q,"event":%q,"jobId":%q,"workerId":"w0","requestId":%q,"attempt":1,"maxAttempts":3,"durationMs":12.5,"output":{"text":"some output of the job"}}`, name, name, job, req)
		}
		text := [...]string{
			"START RequestId: " + req + " Version: $LATEST",
			fmt.Sprintf(`[AIWORKER_RUN] {"jobId":%q,"workerId":"w0","awsRequestId":%q}`, job, req),
			event("job.started"), "a bare print of " + job, event("job.completed"),
			"REPORT RequestId: " + req + "\tDuration: 12.00 ms\tBilled Duration: 12 ms\tMemory Size: 128 MB\tMax Memory Used: 30 MB\t",
		}[i%6]
		s.Write(0, "s", at.Add(time.Duration(i)*time.Millisecond), text)
	}
}

// time runs a program until it ends, or has printed every event, and checks that it did.
func (b *bench) time(ctx context.Context, p *program) (took, work time.Duration, err error) {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, p.args[0], p.args[1:]...) //nolint:gosec // running the given programs is what this is for
	cmd.Env = append(b.env(), p.env...)
	var said bytes.Buffer
	cmd.Stderr = &said
	out, err := cmd.StdoutPipe()
	if err != nil {
		return 0, 0, err
	}
	began := time.Now()
	if err := cmd.Start(); err != nil {
		return 0, 0, fmt.Errorf("start %s: %w", p.name, err)
	}
	lines, buf := 0, make([]byte, 256<<10)
	for err == nil && (!p.endless || lines < b.events) {
		var n int
		n, err = out.Read(buf)
		lines += bytes.Count(buf[:n], []byte{'\n'})
	}
	took = time.Since(began)
	if p.endless {
		err = cmd.Process.Signal(os.Interrupt)
		_, _ = io.Copy(io.Discard, out) // what it says while it ends
	} else if errors.Is(err, io.EOF) {
		err = nil
	}
	if ended := cmd.Wait(); !p.endless {
		took, err = time.Since(began), errors.Join(err, ended)
	}
	if err != nil || lines != b.events {
		return 0, 0, fmt.Errorf("%s printed %d lines of %d: %w\n%s", p.name, lines, b.events, err, said.String())
	}
	return took, cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime(), nil
}

// env is the caller's environment without what would lead the programs elsewhere.
func (b *bench) env() []string {
	var env []string
	for _, v := range os.Environ() {
		name, _, _ := strings.Cut(v, "=")
		if !strings.HasPrefix(name, "AWS_") && !strings.HasPrefix(name, "AIWCTL_") && !strings.HasPrefix(name, "XDG_") {
			env = append(env, v)
		}
	}
	return append(env, "HOME="+b.home, "AWS_REGION=us-east-1", "AWS_ACCESS_KEY_ID=local", "AWS_SECRET_ACCESS_KEY=local")
}

// tails is whether an AWS CLI has `logs tail`, which came with version 2.
func tails(ctx context.Context, path string) bool {
	out, err := exec.CommandContext(ctx, path, "--version").CombinedOutput()
	return err == nil && !bytes.HasPrefix(out, []byte("aws-cli/1."))
}

// findAWS is the AWS CLI that was named, the one on PATH, or the one that
// .ci/conformance/run installed.
func (b *bench) findAWS() string {
	if b.awscli != "" {
		return b.awscli
	}
	if path, err := exec.LookPath("aws"); err == nil {
		return path
	}
	return cached()
}

// cached is the AWS CLI that .ci/conformance/run installed last, if it did.
func cached() string {
	cache := os.Getenv("XDG_CACHE_HOME")
	if cache == "" {
		home, err := os.UserHomeDir()
		if err != nil {
			return ""
		}
		cache = filepath.Join(home, ".cache")
	}
	ready, err := filepath.Glob(filepath.Join(cache, "aiwctl-ci", "conformance-*", "ready"))
	if err != nil || len(ready) == 0 {
		return ""
	}
	return filepath.Join(filepath.Dir(ready[len(ready)-1]), "bin", "aws")
}

// The first argument that makes this program the bare one.
const (
	bareCommand  = "bare"
	watchCommand = "bare-watch"
)

// bare does what saw does with the SDK, and nothing else: `saw get` prints the messages, `saw watch` a
// time, the stream, and what is JSON decoded and written anew. The library that saw writes it with adds
// colours, and is slower than encoding/json.
func bare(ctx context.Context, watch bool, url, group string) error {
	cfg, err := config.LoadDefaultConfig(ctx, config.WithBaseEndpoint(url))
	if err != nil {
		return err
	}
	// Without it the SDK cuts its own connections on a fast loopback server, and is slower.
	cfg.HTTPClient = dispatch.StableHTTPClient(cfg.HTTPClient)
	in := &cloudwatchlogs.FilterLogEventsInput{LogGroupName: &group, StartTime: awssdk.Int64(time.Now().Add(-time.Hour).UnixMilli())}
	for pages := cloudwatchlogs.NewFilterLogEventsPaginator(cloudwatchlogs.NewFromConfig(cfg), in); pages.HasMorePages(); {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return err
		}
		for i := range page.Events {
			e := &page.Events[i]
			text := *e.Message
			if watch {
				var fields map[string]any
				if json.Unmarshal([]byte(text), &fields) == nil {
					if again, err := json.Marshal(fields); err == nil {
						text = string(again)
					}
				}
				text = fmt.Sprintf("[%s] (%s) %s", time.UnixMilli(*e.Timestamp).Format(time.RFC3339), *e.LogStreamName, text)
			}
			fmt.Println(strings.TrimRight(text, "\n"))
		}
	}
	return nil
}
