package watch_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/microfox-ai/aiwctl/aws"
	"github.com/microfox-ai/aiwctl/aws/health"
	"github.com/microfox-ai/aiwctl/aws/metrics"
	"github.com/microfox-ai/aiwctl/aws/watch"
)

func begin() time.Time { return time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC) }

func worker(id string, visible, dead int, at time.Time) aws.Worker {
	return aws.Worker{
		ID:       id,
		Queue:    &aws.Queue{Name: id, Depth: aws.Depth{Visible: visible, At: at}},
		DLQ:      &aws.Queue{Name: id + "-dlq", Depth: aws.Depth{Visible: dead, At: at}},
		Function: &aws.Function{Name: "fn-" + id},
	}
}

func stage(n int) *aws.Inventory {
	inv := &aws.Inventory{At: begin()}
	for i := range n {
		inv.Workers = append(inv.Workers, worker(fmt.Sprintf("w%03d", i), 1, 0, begin()))
	}
	return inv
}

func reread(list []aws.Worker, at time.Time) []aws.Worker {
	out := make([]aws.Worker, len(list))
	for i, w := range list {
		out[i] = worker(w.ID, w.Queue.Depth.Visible, w.DLQ.Depth.Visible, at)
	}
	return out
}

// Five hundred workers within 1,200 calls a minute: what is on the screen is read
// every time, everything else in turn, and nobody is forgotten.
func TestALargeStage(t *testing.T) {
	t.Parallel()
	b := watch.New(watch.Config{MaxCalls: 1200})
	b.Discovered(stage(500), begin())
	var shown []string
	for i := range 30 {
		shown = append(shown, fmt.Sprintf("w%03d", 100+i))
	}
	last := map[string]int{}
	perMinute := map[int]int{}
	const rounds = 120
	for i := range rounds {
		at := begin().Add(time.Duration(i) * watch.Every)
		list := b.Next(shown, watch.Every, 1200)
		perMinute[i/12] += 2 * len(list)
		for _, w := range list {
			last[w.ID] = i
		}
		for _, id := range shown {
			if last[id] != i {
				t.Fatalf("round %d: %s is on the screen and was not read", i, id)
			}
		}
		b.Refreshed(reread(list, at))
	}
	for minute, calls := range perMinute {
		if calls > 1200 || calls < 900 {
			t.Errorf("minute %d: %d calls", minute, calls)
		}
	}
	if len(last) != 500 {
		t.Errorf("%d of 500 workers were read", len(last))
	}
	for id, i := range last {
		if age := time.Duration(rounds-i) * watch.Every; age > b.Round() {
			t.Errorf("%s was read %s ago, a round is %s", id, age, b.Round())
		}
	}
	// Discovery reads everything, and so it comes seldom, and may take its time.
	if b.DiscoverDue(begin().Add(8*time.Minute)) || !b.DiscoverDue(begin().Add(9*time.Minute)) {
		t.Error("discovery is due at another time than after eight minutes and some")
	}
	if d := b.DiscoverTimeout(20 * time.Second); d < time.Minute || d > 3*time.Minute {
		t.Errorf("a discovery may take %s", d)
	}
	short := stage(500)
	short.Warnings = []error{fmt.Errorf("read queues: %w", aws.ErrPaced)}
	b.Discovered(short, begin())
	if !b.DiscoverDue(begin().Add(time.Minute)) {
		t.Error("a discovery that was cut short is not tried again soon")
	}
	if list := b.Next(shown, watch.Every, 20); len(list) != 10 {
		t.Errorf("%d workers with 20 calls left", len(list))
	}
}

func TestASmallStage(t *testing.T) {
	t.Parallel()
	b := watch.New(watch.Config{MaxCalls: 1200})
	if b.Next(nil, watch.Every, 100) != nil || !b.DiscoverDue(begin()) {
		t.Error("there is something to read before anything was found")
	}
	b.Discovered(stage(9), begin())
	if list := b.Next(nil, watch.Every, 1200); len(list) != 9 {
		t.Errorf("%d of 9 are read", len(list))
	}
	if b.DiscoverDue(begin().Add(59*time.Second)) || !b.DiscoverDue(begin().Add(time.Minute)) {
		t.Error("discovery is not due after a minute")
	}
}

// CloudWatch is asked about everything once, and then within its price.
func TestThePriceOfMetrics(t *testing.T) {
	t.Parallel()
	b := watch.New(watch.Config{MaxCalls: 1200, Metrics: true})
	b.Discovered(stage(500), begin())
	list, q := b.NextMetrics(nil, begin())
	if len(list) != 500 || q.Set != metrics.ForHealth {
		t.Fatalf("the first question is about %d workers: %+v", len(list), q)
	}
	if list, _ := b.NextMetrics(nil, begin().Add(59*time.Second)); len(list) != 0 {
		t.Errorf("after a minute it is asked about %d workers again", len(list))
	}
	b.Measured(nil, nil)
	shown := []string{"w007", "w008"}
	asked, times := 0, map[string]int{}
	const minutes = 4 * 60
	for i := range minutes {
		list, q := b.NextMetrics(shown, begin().Add(time.Duration(i+1)*time.Minute))
		asked += q.Cost(list)
		for _, w := range list {
			times[w.ID]++
		}
	}
	// What was left of the beginning may be used up later: 1,000 metrics.
	if dollars := float64(asked) * aws.PricePerMetric; dollars > 0.72/6+0.01 {
		t.Errorf("four hours cost $%.2f, for %d metrics", dollars, asked)
	}
	if times["w007"] < 3*times["w300"] || times["w300"] == 0 {
		t.Errorf("on the screen %d times, elsewhere %d times", times["w007"], times["w300"])
	}
	if got := b.PerDay(100); got < 0.77 || got > 0.79 { // 0.72 and 0.0576
		t.Errorf("a day is said to cost $%.3f", got)
	}
	small := watch.New(watch.Config{MaxCalls: 1200, Metrics: true})
	small.Discovered(stage(4), begin())
	for i := range 3 {
		if list, _ := small.NextMetrics(nil, begin().Add(time.Duration(i)*time.Minute)); len(list) != 4 {
			t.Errorf("minute %d: %d of 4 workers", i, len(list))
		}
	}
	free := watch.New(watch.Config{Metrics: true, Free: true})
	free.Discovered(stage(500), begin())
	for i := range 9 {
		if list, _ := free.NextMetrics(nil, begin().Add(time.Duration(i)*10*time.Second)); len(list) != 500 {
			t.Errorf("for free: %d of 500 workers", len(list))
		}
	}
	if free.PerDay(1e6) != 0 {
		t.Error("what is free costs something")
	}
	if list, _ := watch.New(watch.Config{}).NextMetrics(nil, begin()); list != nil {
		t.Error("CloudWatch is asked although it should not be")
	}
}

func TestVerdictsFollowTheReadings(t *testing.T) {
	t.Parallel()
	b := watch.New(watch.Config{})
	inv := &aws.Inventory{Workers: []aws.Worker{worker("a", 0, 0, begin()), worker("b", 100, 0, begin())}}
	b.Discovered(inv, begin())
	at := begin()
	for i := range 60 {
		at = begin().Add(time.Duration(i) * 5 * time.Second)
		list := reread(inv.Workers, at)
		list[0].DLQ.Depth.Visible = i / 10
		list[1].Queue.Depth.Visible, list[1].Queue.Depth.InFlight = 100+4*i, 1
		b.Refreshed(list)
		_ = b.Verdicts(at)
	}
	verdicts := b.Verdicts(at)
	if s := verdicts["a"].State; s != "dead letters +5 in 5 min" {
		t.Errorf("a is %q", s)
	}
	if s := verdicts["b"].State; s != "backlog growing 48/min" {
		t.Errorf("b is %q", s)
	}
	if b.Inventory() == inv || inv.Workers[1].Queue.Depth.Visible != 100 {
		t.Error("an inventory was changed in place")
	}
	if v := b.Verdict("b", at.Add(6*time.Minute)); v.Kind != health.Unknown {
		t.Errorf("six minutes without a reading it is %q", v.State)
	}
	if v := b.Verdict("nobody", at); v.Kind != health.Idle {
		t.Errorf("nobody is %q", v.State)
	}
}

// One call tells of growth, since CloudWatch has the minutes before it.
func TestThePastComesFromCloudWatch(t *testing.T) {
	t.Parallel()
	b := watch.New(watch.Config{Metrics: true})
	w := worker("a", 500, 9, begin())
	b.Discovered(&aws.Inventory{Workers: []aws.Worker{w}}, begin())
	m := &metrics.Worker{At: begin(), Since: begin().Add(-15 * time.Minute)}
	m.Queue.Visible.State, m.DLQ.Visible.State = metrics.Complete, metrics.Complete
	for i := range 10 {
		at := begin().Truncate(time.Minute).Add(time.Duration(i-10) * time.Minute)
		m.Queue.Visible.Points = append(m.Queue.Visible.Points, metrics.Point{At: at, Value: float64(40 * i)})
		m.DLQ.Visible.Points = append(m.DLQ.Visible.Points, metrics.Point{At: at, Value: 1})
	}
	b.Measured(map[string]*metrics.Worker{"a": m}, nil)
	v := b.Verdict("a", begin())
	if v.State != "dead letters +8 in 9 min" || !v.Has(health.Growing) {
		t.Errorf("it is %q, %+v", v.State, v.More)
	}
	// An answer that failed does not wipe what is known.
	failed := &metrics.Worker{At: begin()}
	failed.Function.Invocations.State, failed.Queue.Oldest.State = metrics.Failed, metrics.Failed
	b.Measured(map[string]*metrics.Worker{"a": failed}, errors.New("denied"))
	if v := b.Verdict("a", begin()); strings.Contains(strings.Join(v.Missing, ""), "invocation") && b.MetricsError() == nil {
		t.Errorf("missing: %q", v.Missing)
	}
}

func TestWorkersOfASourceThatFailsAreKept(t *testing.T) {
	t.Parallel()
	b := watch.New(watch.Config{})
	b.Discovered(stage(3), begin())
	part := stage(1)
	part.Warnings = []error{errors.New("lambda: denied")}
	b.Discovered(part, begin())
	if n := len(b.Inventory().Workers); n != 3 || len(part.Workers) != 1 {
		t.Errorf("%d workers after a partial discovery", n)
	}
	b.Discovered(stage(1), begin())
	if n := len(b.Inventory().Workers); n != 1 {
		t.Errorf("%d workers after a whole one", n)
	}
}

func BenchmarkRefresh500(b *testing.B) {
	board := watch.New(watch.Config{})
	inv := stage(500)
	board.Discovered(inv, begin())
	at := begin()
	for range 60 {
		at = at.Add(12 * time.Second)
		board.Refreshed(reread(inv.Workers, at))
	}
	b.ReportAllocs()
	for b.Loop() {
		at = at.Add(5 * time.Second)
		board.Refreshed(reread(inv.Workers, at))
		_ = board.Verdicts(at)
	}
}
