package jobview_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	tea "charm.land/bubbletea/v2"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs/types"
	"github.com/aws/smithy-go"
	"github.com/charmbracelet/x/ansi"
	"go.uber.org/goleak"

	"github.com/microfox-ai/aiwctl/aws"
	"github.com/microfox-ai/aiwctl/aws/jobs"
	"github.com/microfox-ai/aiwctl/aws/logs"
	"github.com/microfox-ai/aiwctl/aws/redrive"
	"github.com/microfox-ai/aiwctl/aws/redrive/letter"
	"github.com/microfox-ai/aiwctl/tui/jobview"
	"github.com/microfox-ai/aiwctl/tui/screen"
	"github.com/microfox-ai/aiwctl/tui/screentest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// start is when the job began, a minute before the clock of the tests.
var start = screentest.Now().Add(-time.Minute)

const jobID = "job-1772420585000-k3x9q0a1b"

// world is a stage in memory, and a tail whose items a test hands out.
type world struct {
	mu      sync.Mutex
	events  map[string][]types.FilteredLogEvent // by group
	denied  bool
	letters []letter.Letter
	looks   int
	sent    []redrive.Sent
	record  *jobs.Record
	kids    map[string]jobs.Record
	ids     []string // of workers
	noGroup bool

	held  bool
	hold  chan struct{} // made when held: each look waits for it
	finds []jobs.Request
	fail  error

	items   chan any // logs lines, logs.State, or an error that ends the tail
	tails   []logs.Query
	tailing int
}

func newWorld(ids ...string) *world {
	return &world{events: map[string][]types.FilteredLogEvent{}, kids: map[string]jobs.Record{}, ids: ids}
}

// say writes lines to a worker's log, a second apart, beginning at a second.
func (w *world) say(worker string, second float64, texts ...string) *world {
	group := "/aws/lambda/" + worker
	for i, s := range texts {
		at := start.Add(time.Duration((second + float64(i)) * float64(time.Second))).UnixMilli()
		w.events[group] = append(w.events[group], types.FilteredLogEvent{
			EventId: new(fmt.Sprint(worker, at, s)), LogStreamName: new("2026/03/02/[$LATEST]s"), Message: new(s), Timestamp: &at, IngestionTime: &at,
		})
	}
	return w
}

// lines are what say would have written, parsed as a tail brings them.
func (w *world) lines(t testing.TB, worker string, second float64, texts ...string) []logs.Line {
	t.Helper()
	other := newWorld(worker)
	other.say(worker, second, texts...)
	var out []logs.Line
	err := logs.NewReader(other, logs.WithCallRate(1e6, 1e6)).Read(context.Background(), logs.Query{Sources: []logs.Source{{WorkerID: worker, Group: "/aws/lambda/" + worker}}}, func(l []logs.Line) error {
		out = append(out, l...)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// FilterLogEvents knows terms in quotes.
func (w *world) FilterLogEvents(_ context.Context, in *cloudwatchlogs.FilterLogEventsInput, _ ...func(*cloudwatchlogs.Options)) (*cloudwatchlogs.FilterLogEventsOutput, error) {
	if w.denied {
		return nil, &smithy.GenericAPIError{Code: "AccessDeniedException", Message: "not authorized to perform: logs:FilterLogEvents"}
	}
	out := &cloudwatchlogs.FilterLogEventsOutput{}
	term := ""
	if in.FilterPattern != nil {
		term = strings.Trim(*in.FilterPattern, `"`)
	}
	for _, e := range w.events[*in.LogGroupName] {
		if !strings.Contains(*e.Message, term) || in.StartTime != nil && *e.Timestamp < *in.StartTime || in.EndTime != nil && *e.Timestamp > *in.EndTime {
			continue
		}
		out.Events = append(out.Events, e)
	}
	return out, nil
}

func (w *world) DescribeLogGroups(context.Context, *cloudwatchlogs.DescribeLogGroupsInput, ...func(*cloudwatchlogs.Options)) (*cloudwatchlogs.DescribeLogGroupsOutput, error) {
	return nil, errors.New("not asked for")
}

func (w *world) Look(_ context.Context, _ aws.Worker, limit int, each func([]letter.Letter) (bool, error)) (*redrive.Look, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.looks++
	seen := w.letters[:min(limit, len(w.letters))]
	_, err := each(seen)
	return &redrive.Look{Seen: len(seen), Complete: true, Depth: aws.Depth{Visible: len(w.letters)}}, err
}

func (w *world) Replays(...string) ([]redrive.Sent, error) { return w.sent, nil }

// Find implements jobview.Finder by the real one.
func (w *world) Find(ctx context.Context, req jobs.Request) (*jobs.Life, error) {
	w.mu.Lock()
	w.finds = append(w.finds, req)
	hold, fail := w.hold, w.fail
	w.mu.Unlock()
	if hold != nil {
		req.OnState("searching the logs: 1 of 3 log groups")
		select {
		case <-hold:
		case <-ctx.Done():
		}
	}
	if fail != nil {
		return nil, fail
	}
	cfg := jobs.Config{Logs: logs.NewReader(w, logs.WithCallRate(1e6, 1e6)), Letters: w, Target: aws.Target{Region: "us-east-1", Stage: "demo"}, Now: now}
	if w.record != nil || len(w.kids) > 0 {
		cfg.Record = func(_ context.Context, asked string) (jobs.Record, bool, error) {
			if r, ok := w.kids[asked]; ok {
				return r, true, nil
			}
			if w.record == nil {
				return jobs.Record{}, false, nil
			}
			return *w.record, true, nil
		}
	}
	return jobs.New(cfg).Find(ctx, req)
}

// Follow implements jobview.Tail.
func (w *world) Follow(ctx context.Context, q logs.Query, onState func(logs.State), fn func([]logs.Line) error) error {
	w.mu.Lock()
	w.tails, w.tailing = append(w.tails, q), w.tailing+1
	w.mu.Unlock()
	defer func() { w.mu.Lock(); w.tailing--; w.mu.Unlock() }()
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case item := <-w.items:
			switch item := item.(type) {
			case []logs.Line:
				if err := fn(item); err != nil {
					return err
				}
			case logs.State:
				onState(item)
			case error:
				return item
			}
		}
	}
}

func (w *world) inventory() *aws.Inventory {
	inv := &aws.Inventory{}
	for _, id := range w.ids {
		worker := aws.Worker{
			ID: id, Function: &aws.Function{Name: id, LogGroup: "/aws/lambda/" + id},
			Queue: &aws.Queue{Name: "aiw-" + id + "-demo", URL: "https://sqs/" + id, MaxReceiveCount: 3, Depth: aws.Depth{Visible: 4, At: screentest.Now()}},
			DLQ:   &aws.Queue{Name: "aiw-" + id + "-dlq-demo", URL: "https://sqs/" + id + "-dlq"},
		}
		if w.noGroup {
			worker.Function = nil
		}
		inv.Workers = append(inv.Workers, worker)
	}
	return inv
}

// console drives one screen in the time of a synctest bubble, as the root would.
type console struct {
	*jobview.Screen
	t    testing.TB
	w    *world
	env  *screen.Env
	msgs chan tea.Msg
	out  []tea.Msg // what was for the root
}

// moment is the tests' clock: Now, and on with the bubble's time.
var bubble = time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)

func now() time.Time { return screentest.Now().Add(time.Since(bubble)) }

// run opens the screen of a job within a bubble, lets what needs no time happen, and
// hands it to test.
func run(t *testing.T, w *world, ask screen.OpenJob, test func(c *console)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		// Within the bubble, so that waiting for them lets its time go on.
		w.items = make(chan any, 64)
		if w.held {
			w.hold = make(chan struct{})
		}
		env := screentest.Env(t)
		env.Now = now
		env.Data.Inventory = w.inventory()
		c := &console{t: t, w: w, env: &env, msgs: make(chan tea.Msg, 1000)}
		c.Screen = jobview.New(env, w, w, ask)
		defer c.Close()
		c.Update(screen.Resized{Width: 80, Height: 19})
		c.do(c.Init())
		c.settle()
		test(c)
	})
}

func (c *console) do(cmd tea.Cmd) {
	if cmd == nil {
		return
	}
	go func() {
		switch msg := cmd().(type) {
		case nil:
		case tea.BatchMsg:
			for _, one := range msg {
				c.do(one)
			}
		default:
			c.msgs <- msg
		}
	}()
}

// settle lets everything happen that needs no time.
func (c *console) settle() {
	for {
		synctest.Wait()
		select {
		case msg := <-c.msgs:
			if reply, ok := msg.(screen.Reply); ok {
				c.do(c.Update(reply))
				continue
			}
			c.out = append(c.out, msg)
		default:
			return
		}
	}
}

// pass lets seconds go by, with the root's tick.
func (c *console) pass(d time.Duration) {
	for range int(d / time.Second) {
		time.Sleep(time.Second)
		c.do(c.Update(screen.Tick{Now: now()}))
		c.settle()
	}
}

// feed lets the tail bring items.
func (c *console) feed(items ...any) {
	for _, item := range items {
		c.w.items <- item
		c.settle()
	}
}

// press presses keys, and returns what the root was asked for by them; what begins with
// ' is typed.
func (c *console) press(keys ...string) []tea.Msg {
	c.out = nil
	for _, key := range keys {
		names := []string{key}
		if typed, ok := strings.CutPrefix(key, "'"); ok {
			names = strings.Split(typed, "")
		}
		for _, name := range names {
			c.do(screentest.Press(c.Screen, name))
			c.settle()
		}
	}
	return c.out
}

func (c *console) frame(width, height int) string {
	c.Update(screen.Resized{Width: width, Height: height})
	return ansi.Strip(c.View(width, height))
}

// has checks that the screen says something.
func (c *console) has(texts ...string) {
	c.t.Helper()
	frame := c.frame(200, 45)
	for _, text := range texts {
		if !strings.Contains(frame, text) {
			c.t.Errorf("the screen does not say %q:\n%s", text, frame)
		}
	}
}

func (c *console) hasNot(texts ...string) {
	c.t.Helper()
	frame := c.frame(200, 45)
	for _, text := range texts {
		if strings.Contains(frame, text) {
			c.t.Errorf("the screen says %q:\n%s", text, frame)
		}
	}
}

// The shapes of lines.
func marker(req string) string {
	return `[AIWORKER_RUN] {"jobId":"` + jobID + `","workerId":"orders","awsRequestId":"` + req + `"}`
}

func event(name, req string, attempt int, more string) string {
	message := strings.TrimPrefix(name, "job.")
	if message == "webhook" {
		message = "webhook delivered"
	}
	return fmt.Sprintf(`{"time":"2026-03-02T03:03:05Z","level":"INFO","msg":"%s","event":"%s","jobId":"%s","workerId":"orders","requestId":"%s","attempt":%d,"maxAttempts":3%s}`, message, name, jobID, req, attempt, more)
}

func app(level, req, text, more string) string {
	return fmt.Sprintf(`{"time":"2026-03-02T03:03:05Z","level":"%s","msg":"%s","jobId":"%s","workerId":"orders","requestId":"%s"%s}`, level, text, jobID, req, more)
}

func begins(req string) string { return "START RequestId: " + req + " Version: $LATEST" }
func ends(req string) string   { return "END RequestId: " + req }

func report(req, more string) string {
	return "REPORT RequestId: " + req + "\tDuration: 1402.10 ms\tBilled Duration: 1403 ms\tMemory Size: 256 MB\tMax Memory Used: 71 MB\t" + more
}

// findIn is the job's life as the finder tells it outside of a bubble.
func findIn(t testing.TB, w *world) *jobs.Life {
	t.Helper()
	life, err := w.Find(context.Background(), jobs.Request{JobID: jobID, Workers: w.inventory().Workers, Since: start.Add(-time.Hour)})
	if err != nil {
		t.Fatal(err)
	}
	return life
}
