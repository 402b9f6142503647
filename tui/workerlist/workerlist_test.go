package workerlist_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/aws/smithy-go"
	"github.com/charmbracelet/x/ansi"

	"github.com/microfox-ai/aiwctl/aws"
	"github.com/microfox-ai/aiwctl/aws/health"
	"github.com/microfox-ai/aiwctl/tui/pausing"
	"github.com/microfox-ai/aiwctl/tui/screen"
	"github.com/microfox-ai/aiwctl/tui/screentest"
	"github.com/microfox-ai/aiwctl/tui/workerlist"
)

func queue(name string, visible, inFlight, delayed int) *aws.Queue {
	return &aws.Queue{
		Name: name, URL: "http://127.0.0.1:4566/000000000000/" + name, MaxReceiveCount: 3,
		Depth: aws.Depth{Visible: visible, InFlight: inFlight, Delayed: delayed, At: screentest.Now()},
	}
}

func worker(id string, visible, inFlight, delayed, dead int) aws.Worker {
	return aws.Worker{
		ID: id, Group: "default",
		Queue: queue("aiw-"+id+"-demo", visible, inFlight, delayed), DLQ: queue("aiw-"+id+"-dlq-demo", dead, 0, 0),
		Function: &aws.Function{Name: "aiw-demo-worker" + id, State: "Active", Timeout: 30 * time.Second, MemoryMB: 256},
		Mapping:  &aws.Mapping{State: "Enabled", BatchSize: 10, ReportsBatchItemFailures: true},
	}
}

func stage() []aws.Worker {
	paused := worker("orders", 1204, 0, 0, 0)
	paused.Mapping.State = "Disabled"
	broken := worker("invoices", 2, 1, 0, 0)
	broken.Problems = []aws.Problem{{Severity: "error", Text: "the mapping does not honour ReportBatchItemFailures: failed jobs are deleted"}}
	lost := worker("mail", 0, 0, 0, 0)
	lost.Queue, lost.DLQ = nil, nil
	bare := worker("search", 0, 0, 0, 0)
	bare.DLQ, bare.Mapping, bare.Function = nil, nil, nil
	return []aws.Worker{
		worker("echo", 0, 0, 0, 0), worker("fail", 3, 1, 0, 9), worker("slow", 12, 4, 0, 0),
		worker("timeout", 0, 1, 0, 2), worker("video-processing", 4, 0, 0, 0), worker("later", 0, 0, 6, 0),
		paused, broken, lost, bare,
	}
}

func newScreen(t testing.TB, workers []aws.Worker, width, height int) (*workerlist.Screen, screen.Env) {
	t.Helper()
	return newScreenOn(t, workers, &fakeStage{}, width, height)
}

func newScreenOn(t testing.TB, workers []aws.Worker, on pausing.Stage, width, height int) (*workerlist.Screen, screen.Env) {
	t.Helper()
	env := screentest.Env(t)
	if workers != nil {
		load(env, workers)
	}
	s := workerlist.New(env, on)
	t.Cleanup(s.Close)
	s.Update(screen.Resized{Width: width, Height: height})
	return s, env
}

// load puts a reading into env.
func load(env screen.Env, workers []aws.Worker) {
	env.Data.Inventory = &aws.Inventory{Workers: workers, At: env.Now(), Sources: []string{"workers/config", "event source mappings"}}
	env.Data.At = env.Now()
	for i := range workers {
		t := env.Data.Trends[workers[i].ID]
		if t == nil {
			t = &screen.Trend{}
			env.Data.Trends[workers[i].ID] = t
		}
		t.Samples = append(t.Samples, screen.CountsOf(&workers[i]))
		if t.Minutes == nil {
			n := t.Samples[len(t.Samples)-1].Backlog()
			t.Minutes = []int{-1, -1, -1, -1, 0, 0, n / 2, n, n / 3, n, n, 2 * n, n, n, n / 2, n}
		}
	}
}

func TestGolden(t *testing.T) {
	t.Parallel()
	states := map[string]func(screen.Env){
		"loading": func(screen.Env) {},
		"empty":   func(env screen.Env) { load(env, []aws.Worker{}) },
		"data": func(env screen.Env) {
			env.Data.Trends["fail"] = &screen.Trend{Samples: []screen.Counts{{Visible: 1}, {Visible: 9}, {Visible: 5, Dead: 8}}}
			oldest := 2 * time.Hour
			env.Data.Health = map[string]*health.Verdict{
				"fail": {
					Reason: health.Reason{Kind: health.Rising, State: "dead letters +1 in 2 min", Severity: aws.SeverityError, Evidence: "9 dead letters, 2 min ago there were 8"},
					More:   []health.Reason{{Kind: health.Failing, State: "failing: 3 of 20 invocations", Severity: aws.SeverityWarning}},
				},
				"slow": {Reason: health.Reason{Kind: health.Overdue, State: "oldest waits 2 h", Severity: aws.SeverityWarning, Evidence: "the oldest of 16 messages came 2 h ago"}, Oldest: &oldest},
			}
			load(env, stage())
		},
		"stale": func(env screen.Env) {
			load(env, stage())
			env.Data.At = env.Now().Add(-95 * time.Second)
			env.Data.Err = errors.New("get the depth of aiw-echo-demo in us-east-1: dial tcp 127.0.0.1:4566: connect: connection refused")
		},
		"old-row": func(env screen.Env) {
			load(env, stage())
			old := env.Data.Inventory.Workers[3].Queue
			old.Depth.At = env.Now().Add(-4 * time.Minute)
		},
		"denied": func(env screen.Env) {
			env.Data.Err = errors.New("list event source mappings in us-east-1: AccessDeniedException: not authorized to perform lambda:ListEventSourceMappings")
		},
		"denied-cloudwatch": func(env screen.Env) {
			load(env, stage()[:3])
			env.Data.MetricsErr = fmt.Errorf("read 15 metrics in us-east-1: %w", &smithy.OperationError{
				ServiceID: "CloudWatch", OperationName: "GetMetricData", Err: &smithy.GenericAPIError{Code: "AccessDenied", Message: "no"},
			})
		},
		"partial": func(env screen.Env) {
			load(env, stage()[:3])
			env.Data.Inventory.Warnings = []error{errors.New("read workers/config: 401 Unauthorized")}
		},
		"findings": func(env screen.Env) {
			load(env, stage()[:3])
			env.Data.Inventory.Findings = []aws.Problem{
				{Severity: "error", Text: "step 2 of chain nightly is worker \"mail\x1b[31m\", which workers/config does not list"},
				{Severity: "warning", Text: "aiw-old-dlq-demo is a dead-letter queue"},
				{Severity: "info", Text: "nothing to do"},
			}
		},
	}
	for name, prepare := range states {
		for _, size := range [][2]int{{60, 15}, {80, 19}, {120, 35}, {200, 45}} {
			t.Run(fmt.Sprintf("%s-%d", name, size[0]), func(t *testing.T) {
				t.Parallel()
				s, env := newScreen(t, nil, size[0], size[1])
				prepare(env)
				s.Update(screen.DataChanged{})
				screentest.Golden(t, fmt.Sprintf("%s-%d", name, size[0]), s.View(size[0], size[1]), size[0], size[1])
			})
		}
	}
}

// rows are the names on the screen, in order.
func rows(s *workerlist.Screen, width, height int) []string {
	var names []string
	for _, line := range strings.Split(ansi.Strip(s.View(width, height)), "\n")[1:] {
		line = string([]rune(line)[2:])
		if strings.TrimSpace(line) == "" {
			break
		}
		names = append(names, strings.Fields(line)[0])
	}
	return names
}

func TestWhatNeedsAPersonComesFirst(t *testing.T) {
	t.Parallel()
	s, _ := newScreen(t, stage(), 120, 35)
	got := strings.Join(rows(s, 120, 35), " ")
	want := "invoices mail orders fail timeout video-processing later slow echo search"
	if got != want {
		t.Errorf("order: %s\nwant:  %s", got, want)
	}
}

// The words and the order are those of package health; the line below tells the rest.
func TestTheVerdictIsShown(t *testing.T) {
	t.Parallel()
	s, env := newScreen(t, nil, 120, 20)
	age := 40 * time.Minute
	env.Data.Health = map[string]*health.Verdict{"w": {
		Reason: health.Reason{Kind: health.Failing, State: "failing: 12 of 15 invocations", Severity: aws.SeverityError, Evidence: "12 of 15 invocations failed"},
		More:   []health.Reason{{Kind: health.Growing, State: "backlog growing 40/min", Severity: aws.SeverityWarning}},
		Oldest: &age,
	}}
	load(env, []aws.Worker{worker("calm", 0, 0, 0, 0), worker("w", 5, 1, 0, 0)})
	s.Update(screen.DataChanged{})
	frame := ansi.Strip(s.View(120, 20))
	for _, want := range []string{" failing: 12 of 15 invocations · backlog growing 40/min ", " 40m ", "12 of 15 invocations failed (l shows its logs); also backlog growing 40/min", " idle "} {
		if !strings.Contains(frame, want) {
			t.Errorf("the frame does not say %q:\n%s", want, frame)
		}
	}
	if got := strings.Join(rows(s, 120, 20), " "); got != "w calm" {
		t.Errorf("order: %s", got)
	}
	if got := strings.Join(env.Data.Shown, " "); got != "w calm" {
		t.Errorf("shown: %s", got)
	}
}

func TestKeysOpenScreens(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		keys string
		want any
	}{
		{"d", screen.OpenDispatch{WorkerID: "invoices"}},
		{"enter", screen.OpenWorker{WorkerID: "invoices"}},
		{"j j d", screen.OpenDispatch{WorkerID: "orders"}},
		{"x", screen.OpenDead{WorkerID: "invoices"}},
		{"l", screen.OpenLogs{WorkerIDs: []string{"invoices"}}},
		{"/ f a i enter x", screen.OpenDead{WorkerID: "fail"}},
		{"/ d x l backspace esc x", screen.OpenDead{WorkerID: "invoices"}},
		{"/ f a i enter esc g d", screen.OpenDispatch{WorkerID: "invoices"}},
		{"s d", screen.OpenDispatch{WorkerID: "echo"}},
		{"j k s d", screen.OpenDispatch{WorkerID: "invoices"}},
		{"s g d", screen.OpenDispatch{WorkerID: "echo"}},
		{"s S g d", screen.OpenDispatch{WorkerID: "video-processing"}},
		{"space j space l", screen.OpenLogs{WorkerIDs: []string{"orders", "invoices"}}},
		{"space esc j l", screen.OpenLogs{WorkerIDs: []string{"orders"}}},
		{"r", screen.Refresh{Discover: true}},
		{"p", screen.PauseRefresh{}},
		{"G k d", screen.OpenDispatch{WorkerID: "echo"}},
		{"G x", nil}, // search has no dead-letter queue
	} {
		t.Run(test.keys, func(t *testing.T) {
			t.Parallel()
			s, _ := newScreen(t, stage(), 120, 30)
			var got any
			for key := range strings.FieldsSeq(test.keys) {
				got = nil
				for _, msg := range screentest.Settle(s, screentest.Press(s, key)) {
					got = msg
				}
			}
			if fmt.Sprintf("%#v", got) != fmt.Sprintf("%#v", test.want) {
				t.Errorf("got %#v, want %#v", got, test.want)
			}
		})
	}
}

func TestTheCursorStaysWithItsWorker(t *testing.T) {
	t.Parallel()
	s, env := newScreen(t, stage(), 80, 19)
	for range 7 {
		screentest.Press(s, "j")
	}
	// slow is under the cursor; now others get worse than it.
	workers := stage()
	for i := range workers {
		if id := workers[i].ID; id == "echo" || id == "later" {
			workers[i].DLQ.Depth.Visible = 50
		}
	}
	load(env, workers)
	s.Update(screen.DataChanged{})
	msgs := screentest.Settle(s, screentest.Press(s, "d"))
	if len(msgs) != 1 || msgs[0] != (screen.OpenDispatch{WorkerID: "slow"}) {
		t.Errorf("d after a refresh opened %v, want slow", msgs)
	}
}

func TestHostileNamesAreHarmless(t *testing.T) {
	t.Parallel()
	evil := "evil\x1b]52;c;cHduZWQ=\x07\x1b[2J\rname\u202e\x9b31m\x00"
	w := worker(evil, 1, 0, 0, 1)
	w.Group = evil
	w.Queue.Name, w.Function.Name, w.Mapping.State = evil, evil, evil
	w.Problems = []aws.Problem{{Severity: "error", Text: evil}}
	for _, width := range []int{60, 80, 120, 200} {
		s, env := newScreen(t, []aws.Worker{w}, width, 20)
		screentest.Frame(t, s.View(width, 20), width, 20)
		env.Data.Err = errors.New(evil)
		s.Update(screen.DataChanged{})
		screentest.Frame(t, s.View(width, 20), width, 20)
	}
}

func BenchmarkWorkersFrame500(b *testing.B) {
	workers := make([]aws.Worker, 500)
	for i := range workers {
		workers[i] = worker(fmt.Sprintf("worker-%03d", i), i%17, i%5, i%3, i%11)
	}
	judged := map[string]*health.Verdict{}
	for i := range workers {
		v := health.Judge(health.Input{Worker: &workers[i], Now: screentest.Now()})
		judged[workers[i].ID] = &v
	}
	b.Run("refresh", func(b *testing.B) {
		// A new reading of all workers, sorted, and its frame.
		s, env := newScreen(b, workers, 200, 45)
		env.Data.Health = judged
		b.ReportAllocs()
		cost := screentest.Cost(b)
		for b.Loop() {
			s.Update(screen.DataChanged{})
			_ = s.View(200, 45)
		}
		cost()
	})
	b.Run("move", func(b *testing.B) {
		// A frame after a key: only the rows under the cursor are drawn again.
		s, env := newScreen(b, workers, 200, 45)
		env.Data.Health = judged
		keys := []string{"j", "k"}
		i := 0
		b.ReportAllocs()
		cost := screentest.Cost(b)
		for b.Loop() {
			screentest.Press(s, keys[i%2])
			_ = s.View(200, 45)
			i++
		}
		cost()
	})
}
