package jobview_test

import (
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/smithy-go"

	"github.com/microfox-ai/aiwctl/aws/jobs"
	"github.com/microfox-ai/aiwctl/aws/logs"
	"github.com/microfox-ai/aiwctl/tui/jobview"
	"github.com/microfox-ai/aiwctl/tui/screen"
	"github.com/microfox-ai/aiwctl/tui/screentest"
	"github.com/microfox-ai/aiwctl/tui/theme"
)

// errorState is a tail that is throttled.
func errorState() logs.State {
	return logs.State{Err: &smithy.GenericAPIError{Code: "ThrottlingException", Message: "Rate exceeded"}, RetryIn: 8 * time.Second, Throttled: true}
}

// unread is a screen of a stage whose workers are not known yet.
func unread(c *console) *console {
	env := *c.env
	env.ID = 7
	env.Data = &screen.Snapshot{}
	s := jobview.New(env, c.w, c.w, screen.OpenJob{JobID: jobID})
	c.t.Cleanup(s.Close)
	c.Close()
	out := &console{Screen: s, t: c.t, w: c.w, env: &env, msgs: c.msgs}
	out.do(s.Init())
	out.settle()
	return out
}

// manyLines are lines of the job's first invocation, a millisecond apart.
func manyLines(n int) []logs.Line {
	out := make([]logs.Line, n)
	for i := range out {
		text := fmt.Sprintf("line %d of a job that has a lot to say, and says it in JSON", i)
		out[i] = logs.Line{
			ID: fmt.Sprint("many-", i), Time: start.Add(5*time.Second + time.Duration(i)*time.Millisecond), Group: "/aws/lambda/orders", Stream: "s", WorkerID: "orders",
			JobID: jobID, RequestID: "r-1", Level: logs.LevelInfo, Text: text, Raw: `{"level":"INFO","msg":"` + text + `","jobId":"` + jobID + `"}`,
		}
	}
	return out
}

// Each key asks the root for what it says.
func TestKeys(t *testing.T) {
	t.Parallel()
	began := start.Add(-time.Minute)
	for name, test := range map[string]struct {
		world func() *world
		keys  []string
		want  any
	}{
		"retry":           {dead, []string{"n"}, screen.OpenDispatch{WorkerID: "orders", Input: `{"order":"o-13"}`, Metadata: `{"tenant":"t-1"}`, Again: jobID}},
		"retry a success": {completed, []string{"n"}, screen.OpenDispatch{WorkerID: "orders", Input: `{"order":"o-1","items":[{"sku":"a","n":2}]}`, Metadata: `{"tenant":"t-1"}`, Again: jobID}},
		"no input":        {timedOut, []string{"n"}, nil},
		"dead letter":     {dead, []string{"x"}, screen.OpenDead{WorkerID: "orders", JobID: jobID, MessageID: "5f3c0001-8d1e-4b2a-9c3d-0123456789ab"}},
		"not dead":        {completed, []string{"x"}, nil},
		"gone":            {timedOut, []string{"x"}, nil},
		"logs":            {dead, []string{"l"}, screen.OpenLogs{WorkerIDs: []string{"orders"}, Since: began}},
		"logs at a line":  {dead, []string{"tab", "g", "l"}, screen.OpenLogs{WorkerIDs: []string{"orders"}, Since: start.Add(10*time.Second - time.Minute)}},
		"last invocation": {completed, []string{"L"}, screen.OpenLogs{WorkerIDs: []string{"orders"}, RequestID: "r-2", Since: start.Add(12*time.Second - time.Minute)}},
		"invocation":      {completed, []string{"g", "j", "L"}, screen.OpenLogs{WorkerIDs: []string{"orders"}, RequestID: "r-1", Since: start.Add(3*time.Second - time.Minute)}},
		"worker":          {dead, []string{"w"}, screen.OpenWorker{WorkerID: "orders"}},
		"child":           {completed, []string{"g", "j", "j", "j", "o"}, screen.OpenJob{JobID: "job-1772420590000-child", WorkerID: "mail", Since: start.Add(-24 * time.Hour)}},
		"child, enter":    {completed, []string{"g", "j", "j", "j", "enter"}, screen.OpenJob{JobID: "job-1772420590000-child", WorkerID: "mail", Since: start.Add(-24 * time.Hour)}},
		"parent":          {completed, []string{"tab", "o"}, screen.OpenJob{JobID: "job-parent", WorkerID: "mail", Since: start.Add(-24 * time.Hour)}},
		"replayed as":     {replayed, []string{"o"}, screen.OpenJob{JobID: "job-1772420630000-again", Since: start.Add(-24 * time.Hour)}},
		"no parent":       {dead, []string{"o"}, nil},
		"command":         {dead, []string{"Y"}, screen.Copy{What: "the command", Text: "aiwctl job " + jobID}},
		"open line":       {completed, []string{"tab", "g", "j", "j", "j", "enter", "y"}, screen.Copy{What: "the log line", Text: app("INFO", "r-1", "charging the card", `,"amount":1250`)}},
		"open event":      {dead, []string{"k", "enter", "y"}, screen.Copy{What: "the timeline", Text: "failed after 812ms, 71 of 256 MB: PermanentError: order o-13 does not exist"}},
		"closed again":    {dead, []string{"k", "enter", "esc", "Y"}, screen.Copy{What: "the command", Text: "aiwctl job " + jobID}},
		"not found":       {func() *world { return newWorld("orders") }, []string{"n", "x", "tab", "enter", "/", "y", "L", "w", "o"}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			run(t, test.world(), screen.OpenJob{JobID: jobID}, func(c *console) {
				msgs := c.press(test.keys...)
				var got any
				if len(msgs) > 0 {
					got = msgs[0]
				}
				if len(msgs) > 1 || !reflect.DeepEqual(got, test.want) {
					t.Errorf("%v led to\n%#v, want\n%#v", test.keys, msgs, test.want)
				}
			})
		})
	}
}

// What cannot be done says why.
func TestRefusals(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		world func() *world
		id    string
		want  string
	}{
		"no input":     {timedOut, "retry", "its input is not known"},
		"completed":    {completed, "dead-letters", "it completed: it is not dead"},
		"running":      {running, "dead-letters", "it is not dead: running"},
		"gone":         {timedOut, "dead-letters", "its message is not in the dead-letter queue"},
		"nothing":      {func() *world { return newWorld("orders") }, "retry", "the job was not found"},
		"no parent":    {dead, "open-related", "no parent that is known"},
		"it has input": {dead, "retry", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			run(t, test.world(), screen.OpenJob{JobID: jobID}, func(c *console) {
				i := slices.IndexFunc(c.Actions(), func(a screen.Action) bool { return a.ID == test.id })
				if i < 0 {
					t.Fatal("there is no such action")
				}
				if got := c.Actions()[i].Refused; test.want == "" && got != "" || !strings.Contains(got, test.want) {
					t.Errorf("refused with %q, want %q", got, test.want)
				}
			})
		})
	}
}

// Actions have ids of their own, help that is a sentence, keys that nothing else has,
// and commands that can be made in every state.
func TestActionTable(t *testing.T) {
	t.Parallel()
	for name, world := range map[string]func() *world{"nothing": func() *world { return newWorld() }, "dead": dead, "completed": completed} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			run(t, world(), screen.OpenJob{JobID: jobID}, func(c *console) {
				for _, state := range [][]string{nil, {"tab"}, {"g", "enter"}} {
					c.press(state...)
					keys, ids := map[string]bool{}, map[string]bool{}
					for _, a := range c.Actions() {
						for _, key := range a.Keys {
							if keys[key] {
								t.Errorf("%s has two meanings", key)
							}
							keys[key] = true
						}
						if a.Help == "" || !strings.HasSuffix(a.Help, ".") {
							t.Errorf("help of %v: %q", a.Keys, a.Help)
						}
						if a.ID != "" && ids[a.ID] {
							t.Errorf("%s is there twice", a.ID)
						}
						ids[a.ID] = true
						if a.Command != nil && !strings.HasPrefix(a.Command(), "aiwctl ") {
							t.Errorf("command of %s: %s", a.ID, a.Command())
						}
					}
				}
			})
		})
	}
}

func TestCopyIsTheCommandsJSON(t *testing.T) {
	t.Parallel()
	run(t, dead(), screen.OpenJob{JobID: jobID}, func(c *console) {
		msgs := c.press("y")
		var life jobs.Life
		if err := json.Unmarshal([]byte(msgs[0].(screen.Copy).Text), &life); err != nil || life.JobID != jobID || life.State != jobs.StateFailed || life.DeadLetter == nil || len(life.Events) != 4 {
			t.Errorf("%v: %+v", err, life)
		}
	})
}

// The cursor stays with what it is on while the job goes on.
func TestTheCursorStays(t *testing.T) {
	t.Parallel()
	w := running()
	run(t, w, screen.OpenJob{JobID: jobID}, func(c *console) {
		c.press("k")
		c.feed(w.lines(t, "orders", 41.5, event("job.progress", "r-1", 1, `,"percent":5,"note":"late"`)), w.lines(t, "orders", 47, event("job.progress", "r-1", 1, `,"percent":90,"note":"soon"`)))
		c.has("▌  +44s  progress   25% frame 60", "90%  soon")
		c.press("G")
		c.has("▌") // the last row, whatever it is
	})
	run(t, running(), screen.OpenJob{JobID: jobID}, func(c *console) {
		c.feed(c.w.lines(t, "orders", 47, event("job.progress", "r-1", 1, `,"percent":90,"note":"soon"`)))
		c.has("▌+47s  progress   90% soon") // nobody moved it: it is on what happened last
	})
}

// Colours carry nothing that words do not, and a new theme shows at once.
func TestThemes(t *testing.T) {
	t.Parallel()
	run(t, dead(), screen.OpenJob{JobID: jobID}, func(c *console) {
		coloured := c.frame(80, 19)
		*c.env.Theme = *theme.NewMono(true)
		c.Update(screen.ThemeChanged{})
		frame := c.View(80, 19)
		screentest.Frame(t, frame, 80, 19)
		if c.frame(80, 19) != coloured {
			t.Error("without colours the frame says something else")
		}
		if ascii := theme.ToASCII(c.frame(200, 45)); strings.ContainsFunc(ascii, func(r rune) bool { return r > 0x7e }) {
			t.Errorf("not ASCII:\n%s", ascii)
		}
	})
}

// Every size between the smallest and the largest is filled.
func TestSizes(t *testing.T) {
	t.Parallel()
	run(t, completed(), screen.OpenJob{JobID: jobID}, func(c *console) {
		for width := 60; width <= 300; width += 7 {
			for height := 10; height <= 60; height += 5 {
				c.Update(screen.Resized{Width: width, Height: height})
				screentest.Frame(t, c.View(width, height), width, height)
			}
		}
		c.press("tab", "tab", "tab")
		screentest.Frame(t, c.View(60, 10), 60, 10)
	})
}
