package tui

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/x/ansi"

	"github.com/microfox-ai/aiwctl/aws"
	"github.com/microfox-ai/aiwctl/aws/audit"
	"github.com/microfox-ai/aiwctl/aws/history"
	"github.com/microfox-ai/aiwctl/aws/jobs"
	"github.com/microfox-ai/aiwctl/aws/local/functions"
	"github.com/microfox-ai/aiwctl/aws/logs"
	"github.com/microfox-ai/aiwctl/aws/recall"
	"github.com/microfox-ai/aiwctl/aws/redrive"
	"github.com/microfox-ai/aiwctl/dispatch"
	"github.com/microfox-ai/aiwctl/tui/screen"
	"github.com/microfox-ai/aiwctl/tui/screentest"
)

// This file is what the proofs of the whole console stand on: a console on the cloud,
// with jobs, dead letters and log lines, looked at the way a person does. What they
// know of the root's insides is here and nowhere else.

// setting says what kind of stage a proof wants.
type setting struct {
	readOnly, protected bool
	// empty is a stage whose queues and log groups hold nothing.
	empty bool
	// wrong is what every call meets from the beginning.
	wrong wrong
	// width and height; zero means 100x30.
	width, height int
}

// person is somebody at a console on the cloud.
type person struct {
	*console
	cloud *cloud
	stage *aws.Stage
	trail string // the audit trail's file
	began time.Time
	// checked is the last frame that was found whole.
	checked string
	// below has look look below the dialogs.
	below bool
}

const (
	theWorker = "orders"
	theJob    = "job-3"
	cloudDLQ  = "shop-orders-dlq-live"
	cloudLog  = "2026/11/23/[$LATEST]0123456789abcdef0123456789abcdef"
)

const orderSchema = `{"type":"object","required":["sku"],"additionalProperties":false,"properties":{
	"sku":{"type":"string","minLength":1,"description":"what is ordered"},
	"count":{"type":"integer","minimum":1,"default":1},
	"size":{"enum":["S","M","L"]},
	"gift":{"type":"boolean"},
	"to":{"type":"object","properties":{"street":{"type":"string"},"zip":{"type":"string"}}},
	"notes":{"type":"array","items":{"type":"string"}}}}`

// newPerson opens the console and lets it read the stage. It must be called within a
// bubble of synctest.
func newPerson(t testing.TB, s setting) *person {
	t.Helper()
	t.Cleanup(func() {
		// A person saves what a log shows where they are; their clock stands in the year 2000.
		saved, _ := filepath.Glob("*-20000101-*")
		for _, path := range saved {
			_ = os.Remove(path) // another person may have been faster
		}
	})
	dir := t.TempDir()
	manifest := filepath.Join(dir, "manifest.json")
	worker := func(id string) dispatch.ManifestWorker {
		return dispatch.ManifestWorker{
			ID: id, Group: "default", InputSchema: json.RawMessage(orderSchema), TimeoutSeconds: 30, MemoryMB: 256,
			SQS: dispatch.SQSSetting{VisibilityTimeoutSeconds: 180, MaxReceiveCount: 3, RetentionSeconds: 345600, DLQRetentionSeconds: 1209600, BatchSize: 1},
		}
	}
	text, err := json.Marshal(dispatch.Manifest{Version: dispatch.ManifestVersion, Workers: []dispatch.ManifestWorker{worker(theWorker), worker("slow")}})
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(manifest, text, 0o600); err != nil {
		t.Fatal(err)
	}
	p := &person{cloud: newCloud(t), trail: filepath.Join(dir, "audit.jsonl")}
	if !s.empty {
		p.cloud.fill(t)
	}
	p.stage = p.cloud.stageOf(t, newProfile(t),
		aws.Target{Profile: "ops", Stage: "live", ReadOnly: s.readOnly, Manifest: manifest},
		aws.Options{AuditPath: p.trail, Protection: aws.Protection{Always: s.protected}})
	if !s.empty {
		past(t, p.trail, p.stage.Target())
	}
	p.began = time.Now()
	if s.wrong != "" {
		p.cloud.set("*", s.wrong)
	}
	if s.width == 0 {
		s.width, s.height = 100, 30
	}
	env := map[string]string{"EDITOR": "true", "HOME": dir, "XDG_STATE_HOME": dir, "XDG_CONFIG_HOME": dir}
	p.console = open(t, Config{
		Backend: p.backend(dir), Choices: p.choices,
		Connect: func(_ context.Context, to screen.Choice) (Backend, error) {
			if to.Begun {
				return p.backend(dir), nil
			}
			return Backend{}, fmt.Errorf("read the profile of %s: access denied", to.Name())
		},
		Getenv: func(name string) string { return env[name] },
	}, s.width, s.height)
	p.m.env.Exec = handOver
	return p
}

// backend is the stage as the real program hands it to the console.
func (p *person) backend(dir string) Backend {
	stage := p.stage
	reader := logs.For(stage)
	engine := redrive.New(stage, redrive.Config{Dir: filepath.Join(dir, "replays"), Logs: reader})
	kept, err := recall.For(stage, func(name string) string {
		return map[string]string{"HOME": dir, "XDG_STATE_HOME": dir}[name]
	})
	if err != nil {
		p.t.Fatal(err)
	}
	return Backend{
		Stage: stage, Logs: reader, Recent: reader, Redrive: engine, Recall: kept,
		Jobs:    jobs.New(jobs.Config{Logs: reader, Letters: engine, Target: stage.Target(), Audit: p.trail}),
		History: history.Trail{Path: p.trail, Target: stage.Target()},
	}
}

// handOver runs what wants the terminal, without one.
func handOver(cmd tea.ExecCommand, done tea.ExecCallback) tea.Cmd {
	return func() tea.Msg {
		cmd.SetStdin(strings.NewReader(""))
		cmd.SetStdout(io.Discard)
		cmd.SetStderr(io.Discard)
		return done(cmd.Run())
	}
}

// fill gives the stage jobs that wait, one that was done and three that died, with
// what their function said.
func (c *cloud) fill(t testing.TB) {
	t.Helper()
	for i := range 4 {
		c.put(t, cloudQueue, job(fmt.Sprintf("job-%d", 10+i), `{"sku":"a-1"}`))
	}
	for i := range 3 {
		c.put(t, cloudDLQ, job(fmt.Sprintf("job-%d", 1+i), `{"sku":"no such","count":2,"notes":[`+strings.Repeat(`"wrap it",`, 60)+`"and send it"]}`))
	}
	for _, name := range []string{"shop-slow-dlq-live", "shop-slow-live"} {
		if _, _, err := c.broker.CreateQueue(name, nil); err != nil {
			t.Fatal(err)
		}
	}
	now := time.Now()
	c.ran("job-0", "r-0", now.Add(-2*time.Minute), `{"level":"INFO","msg":"job completed","event":"job.completed","jobId":"job-0","workerId":"orders","output":{"booked":1}}`)
	for i := range 3 {
		id := fmt.Sprintf("job-%d", 1+i)
		c.ran(id, "r-"+id, now.Add(-time.Minute+time.Duration(i)*time.Second),
			`{"level":"ERROR","msg":"job failed","event":"job.failed","jobId":"`+id+`","workerId":"orders","attempt":3,"maxAttempts":3,"error":{"name":"NoSuchSKU","message":"there is no article \"no such\""}}`)
	}
}

func job(id, input string) string {
	return fmt.Sprintf(`{"workerId":%q,"jobId":%q,"input":%s,"context":{},"metadata":{}}`, theWorker, id, input)
}

// ran is what a function writes for one job.
func (c *cloud) ran(job, request string, at time.Time, end string) {
	var events []functions.LogEvent
	for i, line := range []string{
		"START RequestId: " + request + " Version: $LATEST",
		dispatch.RunMarker + ` {"jobId":"` + job + `","workerId":"orders","awsRequestId":"` + request + `"}`,
		`{"level":"INFO","msg":"looking up the article","jobId":"` + job + `","requestId":"` + request + `","sku":"no such","why":"` + strings.Repeat("it is a long story, ", 20) + `"}`,
		end,
		"END RequestId: " + request,
		"REPORT RequestId: " + request + "\tDuration: 12.30 ms\tBilled Duration: 13 ms\tMemory Size: 256 MB\tMax Memory Used: 60 MB\t",
	} {
		events = append(events, functions.LogEvent{Time: at.Add(time.Duration(i) * time.Millisecond), Message: line})
	}
	c.said.Append(cloudGroup, cloudLog, events...)
}

// talk has the function write a line again and again, until the test ends.
func (c *cloud) talk(ctx context.Context, every time.Duration) {
	go func() {
		tick := time.NewTicker(every)
		defer tick.Stop()
		for i := 0; ; i++ {
			select {
			case <-ctx.Done():
				return
			case now := <-tick.C:
				c.said.Append(cloudGroup, cloudLog, functions.LogEvent{Time: now, Message: fmt.Sprintf("spoken line %d", i)})
			}
		}
	}()
}

// wrote is how many calls were made that change something.
func (c *cloud) wrote() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	n := 0
	for call, times := range c.seen {
		_, op, _ := strings.Cut(call, ":")
		reads := slices.ContainsFunc([]string{"Get", "List", "Describe", "Filter", "Receive", "ChangeMessageVisibility", "StartLiveTail", "config"}, func(verb string) bool {
			return strings.HasPrefix(op, verb)
		})
		if !reads {
			n += times
		}
	}
	return n
}

// acts are the writes since the console was opened, as the audit trail holds them.
func (p *person) acts() []audit.Entry {
	h, err := audit.Read(p.trail, p.began, nil)
	if err != nil && !os.IsNotExist(err) {
		p.t.Fatal(err)
	}
	return h.Entries
}

// settle lets everything happen that needs no time.
func (c *console) settle() {
	for range 10_000 {
		synctest.Wait()
		select {
		case msg := <-c.msgs:
			c.out = append(c.out, msg)
			c.send(msg)
		default:
			return
		}
	}
	c.t.Fatal("messages without end at one instant")
}

// tap presses a key in no time.
func (c *console) tap(key string) {
	c.send(screentest.Key(key))
	c.settle()
}

// tapShown is tap, and the frame that is shown before anything has answered.
func (c *console) tapShown(key string) string {
	c.send(screentest.Key(key))
	shown := c.m.frame()
	c.settle()
	return shown
}

// look is what a person can tell of the console at an instant.
type look struct {
	frame   string
	body    string // what is below a dialog, when that was asked for
	title   string
	depth   int
	dialogs int
	typing  bool
	quit    bool
	writes  int
	said    int // messages that are not replies: copies, questions, tasks
}

func (p *person) look() look {
	p.t.Helper()
	l := look{
		frame: p.m.frame(), title: p.m.visible().Title(), depth: p.depth(),
		dialogs: len(p.m.dialogs), typing: p.m.visible().Typing(), quit: p.quit, writes: p.cloud.wrote(),
	}
	if p.below {
		w, h := p.m.body()
		l.body = p.m.visible().View(w, h)
	}
	if l.frame != p.checked {
		screentest.Frame(p.t, l.frame, p.m.width, p.m.height)
		p.checked = l.frame
	}
	for _, msg := range p.out {
		if _, reply := msg.(screen.Reply); !reply {
			l.said++
		}
	}
	return l
}

// depth is how many screens lie upon each other.
func (c *console) depth() int { return len(c.m.stack) }

// dialog names the kind of the dialog that has the keys; empty when none is open.
func (c *console) dialog() string {
	if n := len(c.m.dialogs); n > 0 {
		return fmt.Sprintf("%T", c.m.dialogs[n-1])
	}
	return ""
}

// offered are the actions of the visible screen whose keys count now.
func (c *console) offered() []screen.Action {
	visible := c.m.visible()
	var offered []screen.Action
	for _, a := range c.m.actions() {
		if !visible.Typing() || a.WhileTyping || a.Run == nil {
			offered = append(offered, a)
		}
	}
	return offered
}

// everywhere are the root's own.
func (c *console) everywhere() []screen.Action { return c.m.always() }

// places are the messages that open each screen there is; nil is the first screen.
func places() map[screen.Kind]tea.Msg {
	return map[screen.Kind]tea.Msg{
		screen.KindWorkers:  nil,
		screen.KindWorker:   screen.OpenWorker{WorkerID: theWorker},
		screen.KindDispatch: screen.OpenDispatch{WorkerID: theWorker, Input: `{"sku":"a-1"}`},
		screen.KindJob:      screen.OpenJob{JobID: theJob, WorkerID: theWorker},
		screen.KindLogs:     screen.OpenLogs{WorkerIDs: []string{theWorker}, Since: time.Now().Add(-time.Hour)},
		screen.KindDead:     screen.OpenDead{WorkerID: theWorker},
		screen.KindReplay:   screen.OpenReplay{},
		screen.KindHistory:  screen.OpenHistory{},
		screen.KindStages:   screen.OpenStages{},
	}
}

// goTo opens a screen on top of the first; it is false when the console has none of
// that kind.
func (p *person) goTo(kind screen.Kind) bool {
	p.t.Helper()
	msg := places()[kind]
	if msg == nil {
		return p.m.visible().Kind() == kind
	}
	before := p.depth()
	p.send(msg)
	p.settle()
	return p.depth() > before || len(p.m.dialogs) > 0
}

// ofAWish is what a person asked for once, a write or another stage: what became of it
// stays until the next.
var ofAWish = regexp.MustCompile(`(Send|Delete)Message|UpdateEventSourceMapping|PurgeQueue|was not connected to`)

// stuck is the line of the visible screen that says it waits or failed; empty when it
// shows what it should.
func (p *person) stuck() string {
	w, h := p.m.body()
	body := ansi.Strip(p.m.visible().View(w, h))
	if ofAWish.MatchString(body) {
		return ""
	}
	for line := range strings.SplitSeq(body, "\n") {
		for _, words := range []string{"InternalFailure", "Rate exceeded", "AccessDenied", "access denied", "security token", "expired", "connection refused", "no answer in time", "Looking into", "Reading"} {
			if strings.Contains(line, words) {
				return strings.TrimSpace(line)
			}
		}
	}
	return ""
}
