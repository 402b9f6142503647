package conformance

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/microfox-ai/aiwctl/aws/logs"
)

// logReading is what is read from log groups, which hold the lines of the two kinds of
// workers.
func logReading() []check {
	return []check{
		{"logs are read in order, over groups and streams", func(p *probe, s *stage) {
			now := time.Now().Truncate(time.Millisecond)
			first, second := "/conformance/order-1", "/conformance/order-2"
			s.write(p, first, now, event{"a", 9 * time.Second, "1"}, event{"a", 7 * time.Second, "3"}, event{"b", 8 * time.Second, "2"}, event{"b", 5 * time.Second, "5"})
			s.write(p, second, now, event{"a", 6 * time.Second, "4"}, event{"a", 4 * time.Second, "6"})
			got := s.read(p, logs.Query{Sources: []logs.Source{{WorkerID: "x", Group: first}, {WorkerID: "y", Group: second}, {WorkerID: "z", Group: "/conformance/never-made"}}})
			p.equal("lines", texts(got), []string{"1", "2", "3", "4", "5", "6"})
			p.equal("where the fourth is from", [4]string{got[3].Group, got[3].Stream, got[3].WorkerID, got[3].Time.UTC().String()},
				[4]string{second, "a", "y", now.Add(-6 * time.Second).UTC().String()})
		}},
		{"a time range", func(p *probe, s *stage) {
			now := time.Now().Truncate(time.Millisecond)
			group := "/conformance/range"
			s.write(p, group, now, event{"a", 3 * time.Hour, "old"}, event{"a", time.Hour, "in"}, event{"a", time.Minute, "new"})
			got := s.read(p, logs.Query{Sources: source(group), Since: now.Add(-2 * time.Hour), Until: now.Add(-30 * time.Minute)})
			p.equal("lines", texts(got), []string{"in"})
			got = s.read(p, logs.Query{Sources: source(group), Since: now.Add(-time.Hour)})
			p.equal("from a line's own millisecond", texts(got), []string{"in", "new"})
		}},
		{"one job among others, with what its function says of it", func(p *probe, s *stage) {
			now := time.Now()
			group := "/conformance/job"
			s.write(p, group, now, append(invocation("r-1", "job-1", "a", 10*time.Second), invocation("r-2", "job-2", "b", 9*time.Second)...)...)
			got := s.read(p, logs.Query{Sources: source(group), JobID: "job-2"})
			p.equal("lines", len(got), 6)
			for _, l := range got {
				p.equal("request of "+l.Text, l.RequestID, "r-2")
			}
			out, err := logs.For(s.opened).WaitJob(p.ctx, logs.Query{Sources: source(group), JobID: "job-2", Since: now.Add(-time.Minute)}, 3, nil)
			p.must("WaitJob", err)
			p.equal("status", out.Status, logs.StatusCompleted)
		}},
		{"lines of a level, and lines that match", func(p *probe, s *stage) {
			group := "/conformance/level"
			s.write(p, group, time.Now(), event{"a", 3 * time.Second, `{"level":"INFO","msg":"fine"}`}, event{"a", 2 * time.Second, `{"level":"ERROR","msg":"worse"}`},
				event{"a", time.Second, `{"level":"WARN","msg":"odd"}`})
			p.equal("errors", texts(s.read(p, logs.Query{Sources: source(group), MinLevel: logs.LevelError})), []string{"worse"})
			odd := func(l *logs.Line) bool { return strings.Contains(l.Text, "o") }
			p.equal("with an o", texts(s.read(p, logs.Query{Sources: source(group), Match: odd})), []string{"worse", "odd"})
		}},
		{"a pattern of terms", func(p *probe, s *stage) {
			group := "/conformance/terms"
			s.write(p, group, time.Now(), event{"a", 3 * time.Second, "alpha beta"}, event{"a", 2 * time.Second, "beta"}, event{"a", time.Second, "alpha"})
			p.equal("lines", texts(s.read(p, logs.Query{Sources: source(group), Pattern: "alpha beta"})), []string{"alpha beta"})
		}},
		{"a pattern of JSON", func(p *probe, s *stage) {
			group := "/conformance/json"
			s.write(p, group, time.Now(), event{"a", 3 * time.Second, `{"jobId":"one","n":1}`}, event{"a", 2 * time.Second, `{"jobId":"two","n":2}`})
			got := s.read(p, logs.Query{Sources: source(group), Pattern: `{ $.jobId = "two" && $.n >= 2 }`})
			if len(got) != 1 || !strings.Contains(got[0].Raw, `"two"`) {
				p.failf("the pattern matches %d lines", len(got))
			}
		}},
		{"a pattern that cannot be parsed is an error", func(p *probe, s *stage) {
			group := "/conformance/json"
			err := logs.For(s.opened).Read(p.ctx, logs.Query{Sources: source(group), Pattern: `{ $.jobId = }`}, func([]logs.Line) error { return nil })
			if err == nil {
				p.failf("no error")
			}
		}},
		{"more than a page: every event once", func(p *probe, s *stage) {
			group := "/conformance/pages"
			now := time.Now()
			filler := strings.Repeat("x", 8<<10) // a page ends at 1 MiB
			var events []event
			for i := range 300 {
				// Ten events share each millisecond.
				events = append(events, event{fmt.Sprintf("s%d", i%3), time.Duration(3000-i/10) * time.Millisecond, fmt.Sprintf("%d %s", i, filler)})
			}
			for at := range slices.Chunk(events, 90) { // a batch ends at 1 MiB, too
				s.write(p, group, now, at...)
			}
			count := make(map[string]int)
			got := s.read(p, logs.Query{Sources: source(group)})
			for _, l := range got {
				number, _, _ := strings.Cut(l.Text, " ")
				count[number]++
			}
			p.equal("lines", [2]int{len(got), len(count)}, [2]int{300, 300})
			if !slices.IsSortedFunc(got, func(a, b logs.Line) int { return a.Time.Compare(b.Time) }) {
				p.failf("they are out of order")
			}
		}},
		{"a tail: every event once, late ones too", func(p *probe, s *stage) {
			group := "/conformance/tail"
			now := time.Now()
			s.write(p, group, now, event{"a", 3 * time.Second, "1"}, event{"b", 3 * time.Second, "2"})
			ctx, cancel := context.WithCancel(p.ctx)
			defer cancel()
			var got []string
			err := logs.For(s.opened).Follow(ctx, logs.Query{Sources: source(group), Since: now.Add(-time.Minute)}, nil, func(lines []logs.Line) error {
				before := len(got)
				got = append(got, texts(lines)...)
				switch {
				case before < 2 && len(got) >= 2:
					// One has the millisecond of the two before, and one comes late.
					s.write(p, group, now, event{"c", 3 * time.Second, "3"}, event{"a", 0, "5"})
					s.write(p, group, now, event{"d", 4 * time.Second, "4"})
				case len(got) >= 5:
					cancel()
				}
				return nil
			})
			if !errors.Is(err, context.Canceled) || p.ctx.Err() != nil {
				p.failf("the tail ended with %v after %q", err, got)
			}
			slices.Sort(got)
			p.equal("lines", got, []string{"1", "2", "3", "4", "5"})
		}},
		{"hostile text is shown without control characters", func(p *probe, s *stage) {
			group := "/conformance/hostile"
			s.write(p, group, time.Now(), event{"a", time.Second, "red \x1b[31malert\x1b[0m\x07 grüße \U0001f98a"})
			p.equal("lines", texts(s.read(p, logs.Query{Sources: source(group)})), []string{"red alert grüße \U0001f98a"})
		}},
	}
}

func source(group string) []logs.Source { return []logs.Source{{WorkerID: "w", Group: group}} }

func (s *stage) read(p *probe, q logs.Query) []logs.Line {
	var all []logs.Line
	p.must("Read", logs.For(s.opened).Read(p.ctx, q, func(lines []logs.Line) error {
		all = append(all, lines...)
		return nil
	}))
	return all
}

func texts(lines []logs.Line) []string {
	out := make([]string, len(lines))
	for i := range lines {
		out[i] = lines[i].Text
	}
	return out
}

// invocation is what a function writes that runs one job.
func invocation(request, jobID, stream string, ago time.Duration) []event {
	var events []event
	for _, line := range []string{
		"START RequestId: " + request + " Version: $LATEST\n",
		`[AIWORKER_RUN] {"jobId":"` + jobID + `","workerId":"w","awsRequestId":"` + request + `"}`,
		"a bare print",
		`{"level":"INFO","msg":"job.completed","event":"job.completed","jobId":"` + jobID + `","workerId":"w","requestId":"` + request + `","attempt":1,"output":{}}`,
		"END RequestId: " + request + "\n",
		"REPORT RequestId: " + request + "\tDuration: 12.00 ms\tBilled Duration: 12 ms\tMemory Size: 128 MB\tMax Memory Used: 30 MB\n",
	} {
		events = append(events, event{stream, ago, line})
		ago -= time.Millisecond
	}
	return events
}
