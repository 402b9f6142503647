package health_test

import (
	"encoding/json"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/microfox-ai/aiwctl/aws"
	"github.com/microfox-ai/aiwctl/aws/health"
	"github.com/microfox-ai/aiwctl/aws/metrics"
)

func now() time.Time { return time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC) }

func queue(visible, inFlight, delayed int) *aws.Queue {
	return &aws.Queue{Name: "q", Retention: 4 * 24 * time.Hour, Depth: aws.Depth{Visible: visible, InFlight: inFlight, Delayed: delayed, At: now()}}
}

func worker(visible, inFlight, delayed, dead int) *aws.Worker {
	return &aws.Worker{
		ID: "w", Queue: queue(visible, inFlight, delayed), DLQ: queue(dead, 0, 0),
		Function: &aws.Function{Name: "fn", Timeout: 30 * time.Second},
		Mapping:  &aws.Mapping{State: "Enabled"},
	}
}

// every makes readings, the newest a minute ago, a minute apart.
func every(visible ...int) []health.Sample {
	out := make([]health.Sample, len(visible))
	for i, n := range visible {
		out[i] = health.Sample{At: now().Add(-time.Duration(len(visible)-i) * time.Minute), Visible: n}
	}
	return out
}

func dying(dead ...int) []health.Sample {
	out := every(make([]int, len(dead))...)
	for i, n := range dead {
		out[i].Dead = n
	}
	return out
}

func taking(list []health.Sample) []health.Sample {
	for i := range list {
		list[i].InFlight = 3
	}
	return list
}

// counted is a count of CloudWatch in the last minutes.
func counted(n float64) metrics.Series {
	return metrics.Series{State: metrics.Complete, Points: []metrics.Point{{At: now().Add(-2 * time.Minute), Value: n}}}
}

func none() metrics.Series { return metrics.Series{State: metrics.Complete} }

func measured(invocations, errors, throttles float64, change ...func(*metrics.Worker)) *metrics.Worker {
	m := &metrics.Worker{At: now(), Since: now().Add(-15 * time.Minute)}
	m.Function.Invocations, m.Function.Errors, m.Function.Throttles = counted(invocations), counted(errors), counted(throttles)
	m.Queue.Deleted, m.Queue.Oldest = none(), none()
	for _, f := range change {
		f(m)
	}
	return m
}

func TestJudge(t *testing.T) {
	t.Parallel()
	oldest := func(d time.Duration) func(*metrics.Worker) {
		return func(m *metrics.Worker) { m.Queue.Oldest = counted(d.Seconds()) }
	}
	for _, tt := range []struct {
		name     string
		worker   *aws.Worker
		change   func(*health.Input)
		state    string
		severity aws.Severity
	}{
		{"idle", worker(0, 0, 0, 0), nil, "idle", aws.SeverityOK},
		{"in flight", worker(5, 2, 0, 0), nil, "healthy", aws.SeverityOK},
		{"it ran lately", worker(0, 0, 0, 0), func(in *health.Input) { in.Metrics = measured(12, 0, 0) }, "healthy", aws.SeverityOK},
		{"just sent", worker(5, 0, 0, 0), nil, "waiting", aws.SeverityInfo},
		{"delayed", worker(0, 0, 3, 0), nil, "delayed", aws.SeverityInfo},
		{"no queue", &aws.Worker{ID: "w"}, nil, "no queue", aws.SeverityError},
		{"never read", worker(0, 0, 0, 0), func(in *health.Input) { in.Worker.Queue.Depth = aws.Depth{} }, "unknown: queue not read", aws.SeverityWarning},
		{"read long ago", worker(120, 0, 0, 0), func(in *health.Input) { in.Worker.Queue.Depth.At = now().Add(-7 * time.Minute) }, "unknown: read 7 min ago", aws.SeverityWarning},
		{"a slow refresh is no staleness", worker(0, 0, 0, 0), func(in *health.Input) {
			in.Worker.Queue.Depth.At, in.StaleAfter = now().Add(-7*time.Minute), 10*time.Minute
		}, "idle", aws.SeverityOK},
		{"dead letters unread", worker(0, 0, 0, 0), func(in *health.Input) { in.Worker.DLQ.Depth = aws.Depth{} }, "unknown: dead letters not read", aws.SeverityWarning},
		{"function failed", worker(0, 0, 0, 0), func(in *health.Input) { in.Worker.Function.State = "Failed" }, "function failed", aws.SeverityError},
		{"an error of the deployment", worker(0, 1, 0, 9), func(in *health.Input) {
			in.Worker.Problems = []aws.Problem{{Severity: "error", Kind: aws.ProblemPartialFailures, Text: "deleted"}}
		}, "failures not reported", aws.SeverityError},
		{"a warning when idle", worker(0, 0, 0, 0), func(in *health.Input) {
			in.Worker.Problems = []aws.Problem{{Severity: "warning", Kind: aws.ProblemSingleAttempt}}
		}, "check: one attempt only", aws.SeverityInfo},
		{"a warning does not hide work", worker(0, 1, 0, 0), func(in *health.Input) {
			in.Worker.Problems = []aws.Problem{{Severity: "warning", Kind: aws.ProblemSingleAttempt}}
		}, "healthy", aws.SeverityOK},

		{"mapping off", worker(120, 0, 0, 0), func(in *health.Input) { in.Worker.Mapping.State = "Disabled" }, "stalled: mapping disabled", aws.SeverityError},
		{"mapping off, nothing to do", worker(0, 0, 0, 0), func(in *health.Input) {
			in.Worker.Mapping.State = "Disabled"
			in.Worker.Problems = []aws.Problem{{Severity: "error", Kind: aws.ProblemMappingDisabled}}
		}, "paused: mapping disabled", aws.SeverityWarning},
		{"nobody takes what waits", worker(120, 0, 0, 0), func(in *health.Input) { in.Samples = every(100, 110, 120) }, "stalled: nothing is taken although 120 wait", aws.SeverityError},
		{"seen for too short a time", worker(120, 0, 0, 0), func(in *health.Input) { in.Samples = every(120) }, "backlog 120", aws.SeverityWarning},
		{"something was in flight", worker(120, 0, 0, 0), func(in *health.Input) { in.Samples = taking(every(120, 120, 120)) }, "backlog 120", aws.SeverityWarning},
		{"CloudWatch saw jobs done", worker(90, 0, 0, 0), func(in *health.Input) {
			in.Samples, in.Metrics = every(90, 90, 90), measured(40, 0, 0)
		}, "healthy", aws.SeverityOK},
		{"CloudWatch alone saw it wait", worker(7, 0, 0, 0), func(in *health.Input) {
			in.Samples = every(7, 7, 7)
			for i := range in.Samples {
				in.Samples[i].InFlight = -1
			}
			in.Metrics = measured(0, 0, 0)
			in.Metrics.Function.Invocations = none()
		}, "stalled: nothing is taken although 7 wait", aws.SeverityError},
		{"who knows whether it was taken", worker(7, 0, 0, 0), func(in *health.Input) {
			in.Samples = every(7, 7, 7)
			for i := range in.Samples {
				in.Samples[i].InFlight = -1
			}
		}, "waiting", aws.SeverityInfo},

		{"failing", worker(0, 0, 0, 0), func(in *health.Input) { in.Metrics = measured(15, 12, 0) }, "failing: 12 of 15 invocations", aws.SeverityError},
		{"failing now and then", worker(0, 0, 0, 0), func(in *health.Input) { in.Metrics = measured(20, 3, 0) }, "failing: 3 of 20 invocations", aws.SeverityWarning},
		{"one failure", worker(0, 0, 0, 0), func(in *health.Input) { in.Metrics = measured(1, 1, 0) }, "healthy", aws.SeverityOK},
		{"errors came before invocations", worker(0, 0, 0, 0), func(in *health.Input) { in.Metrics = measured(2, 5, 0) }, "failing: 2 of 2 invocations", aws.SeverityError},
		{"failures unknown", worker(0, 0, 0, 0), func(in *health.Input) {
			in.Metrics = measured(15, 12, 0)
			in.Metrics.Function.Errors.State = metrics.Partial
		}, "healthy", aws.SeverityOK},
		{"failures of long ago", worker(0, 0, 0, 0), func(in *health.Input) {
			in.Metrics = measured(15, 12, 0)
			in.Metrics.At = now().Add(-2 * time.Hour)
		}, "idle", aws.SeverityOK},
		{"timing out", worker(0, 0, 0, 0), func(in *health.Input) {
			in.Metrics = measured(15, 12, 0, func(m *metrics.Worker) { m.Function.DurationMax = counted(30_000) })
		}, "timing out at 30 s", aws.SeverityError},
		{"slow, but in time", worker(0, 1, 0, 0), func(in *health.Input) {
			in.Metrics = measured(15, 0, 0, func(m *metrics.Worker) { m.Function.DurationMax = counted(29_990) })
		}, "healthy", aws.SeverityOK},
		{"throttled", worker(0, 1, 0, 0), func(in *health.Input) { in.Metrics = measured(50, 0, 30) }, "throttled: 30 of 80 invocations in 5 min", aws.SeverityWarning},
		{"all throttled", worker(0, 1, 0, 0), func(in *health.Input) { in.Metrics = measured(0, 0, 30) }, "throttled: 30 of 30 invocations in 5 min", aws.SeverityError},
		{"hardly throttled", worker(0, 1, 0, 0), func(in *health.Input) { in.Metrics = measured(500, 0, 5) }, "healthy", aws.SeverityOK},

		{"dead letters", worker(0, 0, 0, 9), nil, "dead letters: 9", aws.SeverityWarning},
		{"dead letters rise", worker(0, 0, 0, 12), func(in *health.Input) {
			in.Samples = dying(4, 4, 4, 4, 6, 8, 10, 11, 12, 12)
		}, "dead letters +8 in 10 min", aws.SeverityError},
		{"a count that flapped is no rise", worker(0, 0, 0, 9), func(in *health.Input) { in.Samples = dying(9, 9, 4, 9, 9) }, "dead letters: 9", aws.SeverityWarning},
		{"looked at, they are still dead", worker(0, 0, 0, 0), func(in *health.Input) {
			in.Worker.DLQ.Depth.InFlight = 9
			in.Samples = dying(9, 9, 9)
		}, "dead letters: 9", aws.SeverityWarning},

		{"growing", worker(520, 4, 0, 0), func(in *health.Input) {
			in.Samples = taking(every(120, 160, 200, 240, 280, 320, 360, 400, 440, 480))
		}, "backlog growing 40/min", aws.SeverityWarning},
		{"draining", worker(720, 4, 0, 0), func(in *health.Input) {
			in.Samples = taking(every(1320, 1200, 1080, 960, 840))
		}, "drains in 6 min at 120/min", aws.SeverityInfo},
		{"steady", worker(1204, 4, 0, 0), func(in *health.Input) { in.Samples = taking(every(1200, 1210, 1199, 1206)) }, "backlog 1,204", aws.SeverityWarning},
		{"a burst is no trend", worker(30, 4, 0, 0), func(in *health.Input) { in.Samples = taking(every(0, 0, 0, 0, 0, 0)) }, "healthy", aws.SeverityOK},
		{"one wrong count is no trend", worker(40, 4, 0, 0), func(in *health.Input) { in.Samples = taking(every(40, 41, 400, 39, 40)) }, "healthy", aws.SeverityOK},
		{"purged", worker(0, 0, 0, 0), func(in *health.Input) { in.Samples = taking(every(900, 900, 900, 0)) }, "idle", aws.SeverityOK},
		{"the clock was put back", worker(40, 4, 0, 0), func(in *health.Input) {
			in.Samples = taking(every(1, 2, 3, 4, 5))
			for i := range in.Samples {
				in.Samples[i].At = in.Samples[i].At.Add(time.Hour)
			}
		}, "healthy", aws.SeverityOK},

		{"overdue", worker(5, 1, 0, 0), func(in *health.Input) { in.Metrics = measured(50, 0, 0, oldest(2*time.Hour)) }, "oldest waits 2 h", aws.SeverityWarning},
		{"nearly lost", worker(5, 1, 0, 0), func(in *health.Input) { in.Metrics = measured(50, 0, 0, oldest(3*24*time.Hour)) }, "oldest waits 3 d", aws.SeverityError},
		{"old, but being worked on", worker(0, 1, 0, 0), func(in *health.Input) { in.Metrics = measured(50, 0, 0, oldest(2*time.Hour)) }, "healthy", aws.SeverityOK},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			in := health.Input{Worker: tt.worker, Now: now()}
			if tt.change != nil {
				tt.change(&in)
			}
			v := health.Judge(in)
			if v.State != tt.state || v.Severity != tt.severity || v.Evidence == "" && len(in.Worker.Problems) == 0 {
				t.Errorf("%q %s (%s), want %q %s; more: %+v", v.State, v.Severity, v.Evidence, tt.state, tt.severity, v.More)
			}
		})
	}
}

func TestFurtherReasons(t *testing.T) {
	t.Parallel()
	v := health.Judge(health.Input{
		Worker: worker(520, 4, 0, 9), Now: now(), Metrics: measured(50, 3, 30),
		Samples: taking(every(120, 220, 320, 420)),
	})
	states := []string{v.State}
	for _, r := range v.More {
		states = append(states, r.State)
	}
	want := "dead letters +9 in 4 min; throttled: 30 of 80 invocations in 5 min; backlog growing 100/min"
	if got := strings.Join(states, "; "); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	if !v.Has(health.Throttled) || v.Has(health.Failing) || *v.PerMinute != 100 {
		t.Errorf("verdict %+v", v)
	}
	text, err := json.Marshal(v)
	if err != nil || !strings.Contains(string(text), `"kind":"dead letters rising","state":"dead letters +9 in 4 min","severity":"error","evidence":"9 dead letters, 4 min ago there were 0"`) {
		t.Errorf("%s, %v", text, err)
	}
}

// Near a threshold the word stays what it was.
func TestWordsDoNotFlap(t *testing.T) {
	t.Parallel()
	for name, near := range map[string]func(*health.Input) health.Kind{
		"failing":   func(in *health.Input) health.Kind { in.Metrics = measured(100, 7, 0); return health.Failing },
		"throttled": func(in *health.Input) health.Kind { in.Metrics = measured(100, 0, 4); return health.Throttled },
		"backlog":   func(in *health.Input) health.Kind { in.Worker.Queue.Depth.Visible = 80; return health.Backlog },
		"growing": func(in *health.Input) health.Kind {
			in.Samples = taking(every(10, 11, 12, 12, 13, 14, 15))
			return health.Growing
		},
		"overdue": func(in *health.Input) health.Kind {
			in.Metrics = measured(100, 0, 0)
			in.Metrics.Queue.Oldest = counted(12 * 60)
			return health.Overdue
		},
	} {
		in := health.Input{Worker: worker(16, 3, 0, 0), Now: now()}
		kind := near(&in)
		if v := health.Judge(in); v.Has(kind) {
			t.Errorf("%s: it begins with %q", name, v.State)
		}
		in.Previous = &health.Verdict{Reason: health.Reason{Kind: kind}}
		if v := health.Judge(in); !v.Has(kind) {
			t.Errorf("%s: it ends with %q", name, v.State)
		}
	}
}

func TestCompare(t *testing.T) {
	t.Parallel()
	row := func(id string, w *aws.Worker, m *metrics.Worker) health.Row {
		v := health.Judge(health.Input{Worker: w, Now: now(), Metrics: m})
		return health.Row{ID: id, Verdict: &v, Dead: w.DLQ.Depth.Total(), Backlog: w.Queue.Depth.Total()}
	}
	off := worker(3, 0, 0, 0)
	off.Mapping.State = "Disabled"
	unguarded := worker(0, 1, 0, 0)
	unguarded.DLQ = &aws.Queue{Name: "gone"}
	unguarded.Problems = []aws.Problem{{Severity: string(aws.SeverityError), Kind: aws.ProblemDLQGone, Text: "it does not exist"}}
	rising := health.Judge(health.Input{Worker: worker(0, 1, 0, 5), Now: now(), Samples: dying(0, 0, 0, 2, 4)})
	rows := []health.Row{
		row("unguarded", unguarded, nil), row("failing now and then", worker(0, 0, 0, 0), measured(30, 6, 0)),
		{ID: "rising", Verdict: &rising, Dead: 5},
		row("idle", worker(0, 0, 0, 0), nil), row("few", worker(0, 1, 0, 3), nil), row("many", worker(0, 1, 0, 30), nil),
		row("failing", worker(0, 0, 0, 0), measured(3, 3, 0)), row("stalled", off, nil), row("busy", worker(9, 9, 0, 0), nil), row("alike", worker(8, 8, 0, 0), nil),
	}
	slices.SortFunc(rows, health.Compare)
	var ids []string
	for _, r := range rows {
		ids = append(ids, r.ID)
	}
	if got := strings.Join(ids, " "); got != "stalled rising failing failing now and then unguarded many few alike busy idle" {
		t.Errorf("order: %s", got)
	}
}

// drawn is any input, sane or not.
func drawn(t *rapid.T) health.Input {
	n := func(name string) int { return rapid.IntRange(0, 5000).Draw(t, name) }
	w := worker(n("visible"), n("in flight"), n("delayed"), n("dead"))
	w.Mapping.State = rapid.SampledFrom([]string{"Enabled", "Disabled", "Creating", ""}).Draw(t, "mapping")
	if rapid.Bool().Draw(t, "old") {
		w.Queue.Depth.At = now().Add(-time.Duration(rapid.IntRange(-1000, 2000).Draw(t, "age")) * time.Second)
	}
	in := health.Input{Worker: w, Now: now()}
	for range rapid.IntRange(0, 40).Draw(t, "samples") {
		in.Samples = append(in.Samples, health.Sample{
			At:      now().Add(-time.Duration(rapid.IntRange(-600, 2000).Draw(t, "at")) * time.Second),
			Visible: rapid.IntRange(-1, 5000).Draw(t, "v"), InFlight: rapid.IntRange(-1, 3).Draw(t, "f"), Dead: rapid.IntRange(-1, 5000).Draw(t, "d"),
		})
	}
	if rapid.Bool().Draw(t, "metrics") {
		series := func() metrics.Series {
			s := metrics.Series{State: rapid.SampledFrom([]metrics.State{metrics.NotAsked, metrics.Complete, metrics.Partial, metrics.Failed}).Draw(t, "state")}
			for range rapid.IntRange(0, 3).Draw(t, "points") {
				s.Points = append(s.Points, metrics.Point{
					At:    now().Add(-time.Duration(rapid.IntRange(-60, 1200).Draw(t, "at")) * time.Second),
					Value: rapid.Float64().Draw(t, "value"),
				})
			}
			return s
		}
		in.Metrics = &metrics.Worker{At: now(), Since: now().Add(-15 * time.Minute)}
		f, q := &in.Metrics.Function, &in.Metrics.Queue
		f.Invocations, f.Errors, f.Throttles, f.DurationMax = series(), series(), series(), series()
		q.Oldest, q.Deleted = series(), series()
	}
	return in
}

var bad = regexp.MustCompile(`NaN|Inf|-\d|%!|\d{8}|  `)

func TestProperties(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		in := drawn(t)
		v := health.Judge(in)
		if !equal(v, health.Judge(in)) {
			t.Fatal("the same input gave another verdict")
		}
		last := v.Severity.Rank()
		for i, r := range append([]health.Reason{v.Reason}, v.More...) {
			if r.State == "" || bad.MatchString(r.State) || bad.MatchString(r.Evidence) {
				t.Fatalf("the words are %q: %q", r.State, r.Evidence)
			}
			if i > 0 && r.Severity.Rank() > max(last, 1) {
				t.Fatalf("reason %d, %q, is more serious than the one before", i, r.State)
			}
			last = r.Severity.Rank()
		}
		if _, err := json.Marshal(v); err != nil {
			t.Fatal(err)
		}
		// More dead letters never make it better.
		worse := in
		w, dlq := *in.Worker, *in.Worker.DLQ
		dlq.Depth.Visible += rapid.IntRange(1, 1000).Draw(t, "more")
		w.DLQ, worse.Worker = &dlq, &w
		if got := health.Judge(worse); got.Severity.Rank() < v.Severity.Rank() {
			t.Fatalf("with more dead letters it went from %q to %q", v.State, got.State)
		}
	})
}

func equal(a, b health.Verdict) bool {
	x, _ := json.Marshal(a)
	y, _ := json.Marshal(b)
	return string(x) == string(y)
}

// The trend follows a line through irregular, noisy and missing readings.
func TestTrendFollowsALine(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		slope := rapid.Float64Range(-200, 200).Draw(t, "slope")
		begin := rapid.IntRange(2000, 4000).Draw(t, "begin")
		in := health.Input{Worker: worker(0, 3, 0, 0), Now: now()}
		at := func(ago time.Duration) int { return begin + int(slope*(10-ago.Minutes())) }
		in.Worker.Queue.Depth.Visible = at(0)
		wrong := 0
		for ago := 10 * time.Minute; ago > 0; ago -= time.Duration(rapid.IntRange(5, 60).Draw(t, "gap")) * time.Second {
			v := at(ago)
			if wrong++; wrong >= 10 && rapid.Bool().Draw(t, "bad luck") {
				wrong = 0
				v = rapid.IntRange(0, 9000).Draw(t, "wrong") // SQS counts wrongly now and then
			}
			in.Samples = append(in.Samples, health.Sample{At: now().Add(-ago), Visible: v, InFlight: 3})
		}
		v := health.Judge(in)
		if v.PerMinute == nil {
			t.Fatal("no trend")
		}
		// Within the noise it is steady.
		if got := *v.PerMinute; abs(got-slope) > max(0.2*abs(slope), 3) && got != 0 || got == 0 && abs(slope)*10 > 300 {
			t.Fatalf("%v a minute, want %v", got, slope)
		}
	})
}

func abs(v float64) float64 { return max(v, -v) }

func BenchmarkJudge(b *testing.B) {
	in := health.Input{Worker: worker(520, 4, 0, 3), Now: now(), Metrics: measured(50, 3, 1)}
	for i := range 120 {
		in.Samples = append(in.Samples, health.Sample{At: now().Add(-time.Duration(i) * 5 * time.Second), Visible: 520 - i, InFlight: 3, Dead: 3})
	}
	b.ReportAllocs()
	for b.Loop() {
		_ = health.Judge(in)
	}
}
