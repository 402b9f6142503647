package deadletters_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/charmbracelet/x/ansi"

	"github.com/microfox-ai/aiwctl/aws/logs"
	"github.com/microfox-ai/aiwctl/aws/redrive"
	"github.com/microfox-ai/aiwctl/aws/redrive/letter"
	"github.com/microfox-ai/aiwctl/aws/redrive/why"
	"github.com/microfox-ai/aiwctl/tui/deadletters"
	"github.com/microfox-ai/aiwctl/tui/screen"
	"github.com/microfox-ai/aiwctl/tui/screentest"
	"github.com/microfox-ai/aiwctl/tui/theme"
)

var errDenied = errors.New("look into \"aiw-orders-dlq-demo\": access denied: sqs:ReceiveMessage is missing from role ops-read")

func lines() []logs.Line {
	at := screentest.Now().Add(-4 * time.Minute)
	return []logs.Line{
		{Time: at, Level: logs.LevelInfo, Text: "fetching https://media.example/one.mp4"},
		{Time: at.Add(3 * time.Second), Level: logs.LevelError, Text: "TimeoutError: no answer from https://media.example/1 in 3000 ms"},
	}
}

func TestGolden(t *testing.T) {
	t.Parallel()
	all := func(e *engine) *engine {
		e.letters, e.found, e.lines = letters(), known(), lines()
		return e
	}
	states := map[string]struct {
		make     func() *engine
		keys     string
		early    bool // before the first look has ended
		holdsWhy bool
	}{
		"looking": {make: func() *engine { return &engine{} }, early: true},
		"empty":   {make: func() *engine { return &engine{} }},
		"failed": {make: func() *engine {
			return &engine{lookErr: errors.New("look into \"aiw-orders-dlq-demo\": connection refused")}
		}},
		"denied":   {make: func() *engine { return &engine{lookErr: errDenied} }},
		"groups":   {make: func() *engine { return all(&engine{depth: 700_000}) }},
		"pending":  {make: func() *engine { return all(&engine{}) }, holdsWhy: true},
		"unknown":  {make: func() *engine { e := all(&engine{}); e.found = why.Found{Notes: known().Notes}; return e }},
		"messages": {make: func() *engine { return all(&engine{}) }, keys: "enter"},
		"flat": {make: func() *engine {
			return all(&engine{warnings: []string{"aiw-orders-dlq-demo has a redrive policy of its own: after 5 receives a message goes on to aiw-graveyard"}})
		}, keys: "t space space j"},
		"error": {make: func() *engine { return all(&engine{}) }, keys: "enter tab tab"},
		"log":   {make: func() *engine { return all(&engine{}) }, keys: "enter tab tab tab"},
		"before": {make: func() *engine {
			e := all(&engine{})
			e.sent = []redrive.Sent{{At: screentest.Now().Add(-time.Hour), MessageID: "old-message", NewMessageID: id(1), JobID: "job-0", NewJobID: "job-1"}}
			return e
		}, keys: "enter"},
		"no-match":  {make: func() *engine { return all(&engine{}) }, keys: "/ n o p e"},
		"filtered":  {make: func() *engine { return all(&engine{}) }, keys: "t a / s l o w enter"},
		"where":     {make: func() *engine { return all(&engine{}) }, keys: "f e r tab space c o n t a i n s space"},
		"where-bad": {make: func() *engine { return all(&engine{}) }, keys: "f i n p u t . u r l space = = space 1 3 enter f &"},
		"range":     {make: func() *engine { return all(&engine{}) }, keys: "t j v j j"},
		"editing":   {make: func() *engine { return all(&engine{}) }, keys: "t j j j j e"},
		"changed":   {make: func() *engine { return all(&engine{}) }, keys: "t j j j j e ctrl+k \" h t t p s : / / x \" "},
		"syntax":    {make: func() *engine { return all(&engine{}) }, keys: "t e { ctrl+s"},
		"diff":      {make: func() *engine { return all(&engine{}) }, keys: "t j j j j e ctrl+k \" h t t p s : / / x \" ctrl+s tab tab"},
	}
	for name, state := range states {
		for _, size := range [][2]int{{60, 20}, {80, 24}, {120, 40}, {200, 50}} {
			t.Run(fmt.Sprintf("%s-%d", name, size[0]), func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					e := state.make()
					if state.holdsWhy {
						e.holdWhy = make(chan struct{})
					}
					w, h := size[0], size[1]-5
					s := newScreen(t, e, deadletters.NewEdits())
					if state.early {
						t.Cleanup(s.Close)
						s.Update(screen.Resized{Width: w, Height: h})
						s.Init()
					} else {
						screentest.Drive(t, s, w, h).Press(state.keys)
					}
					screentest.Golden(t, fmt.Sprintf("%s-%d", name, w), s.View(w, h), w, h)
				})
			})
		}
	}
}

// in runs a test of one screen in a bubble.
func in(t *testing.T, e *engine, fn func(*person)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) { fn(open(t, e, 120, 35)) })
}

func full() *engine { return &engine{letters: letters(), found: known(), lines: lines()} }

func (p *person) frame() string { return ansi.Strip(p.s.View(120, 35)) }

func (p *person) says(texts ...string) {
	p.t.Helper()
	frame := p.frame() + "\n" + p.s.Title() + "\n" + p.s.Status()
	for _, text := range texts {
		if !strings.Contains(frame, text) {
			p.t.Errorf("the screen does not say %q:\n%s", text, frame)
		}
	}
}

// plan is what the last key asked for.
func (p *person) plan() screen.PlanReplay {
	p.t.Helper()
	plan, ok := p.Last().(screen.PlanReplay)
	if !ok {
		p.t.Fatalf("asked for %#v, want a replay", p.Last())
	}
	return plan
}

func ids(of ...int) []string {
	list := make([]string, len(of))
	for i, n := range of {
		list[i] = id(n)
	}
	return list
}

func TestWhatIsReplayed(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		keys   string
		ids    []string
		all    bool
		chosen string
		where  string
		remove bool
	}{
		{keys: "R", ids: ids(1, 2, 4), chosen: "all that died of", where: `group == "TimeoutError: no answer from <url> in <n> ms"`},
		{keys: "j R", ids: ids(5), where: `group == "ValidationError: url must be a string"`},
		{keys: "enter R", ids: ids(1)},
		{keys: "enter j R", ids: ids(2)},
		{keys: "enter A", ids: ids(1, 2, 4), where: `group == "TimeoutError: no answer from <url> in <n> ms"`},
		{keys: "space R", ids: ids(1, 2, 4), chosen: "3 marked"},
		{keys: "space space R", ids: ids(1, 2, 4, 5), chosen: "4 marked"},
		{keys: "t space space R", ids: ids(1, 2)},
		{keys: "t space i R", ids: ids(2, 3, 4, 5, 6)},
		{keys: "t j v j j v R", ids: ids(2, 3, 4)},
		{keys: "t j v j R", ids: ids(2, 3)},
		{keys: "t j v j esc R", ids: ids(3)},
		{keys: "t shift+down shift+down R", ids: ids(1, 2, 3)},
		{keys: "t a R", ids: ids(1, 2, 3, 4, 5, 6)},
		{keys: "t space / s l o w enter R", ids: ids(1), chosen: "1 marked, 1 of them hidden by the filter"},
		{keys: "t / m e d i a enter A", ids: ids(1, 2, 4, 6), chosen: `all that match "media"`}, // 4 died of a URL of media
		{keys: "/ s l o w enter A", ids: ids(4), chosen: `all that match "slow"`},
		{keys: "f i n p u t . u r l = = 1 3 enter A", ids: ids(5), where: "input.url==13"},
		{keys: "A", all: true, chosen: "seen here or not"},
		{keys: "D", ids: ids(1, 2, 4), remove: true, where: `group == "TimeoutError: no answer from <url> in <n> ms"`},
		{keys: "t j D", ids: ids(2), remove: true},
	} {
		t.Run(test.keys, func(t *testing.T) {
			t.Parallel()
			in(t, full(), func(p *person) {
				p.Press(test.keys)
				plan := p.plan()
				if !slices.Equal(plan.IDs, test.ids) || plan.All != test.all || plan.Delete != test.remove || plan.Where != test.where {
					t.Errorf("asked for %+v", plan)
				}
				if !strings.Contains(plan.Chosen, test.chosen) {
					t.Errorf("chosen: %q, want %q", plan.Chosen, test.chosen)
				}
			})
		})
	}
}

// With one look the engineer sees how many failed by what.
func TestTheTopGroupIsTheBiggestKnownCause(t *testing.T) {
	t.Parallel()
	e := full()
	e.depth = 700_000
	in(t, e, func(p *person) {
		p.says("3  TimeoutError: no answer from <url> in <n> ms", "3 of 6 seen of about 700,000 died of it", "at fetch (worker.js:12:4)",
			"no reason found: the logs before", "not a job: their bodies name no job")
		p.Press("m")
		if !slices.Equal(e.limits, []int{1000, 10_000}) {
			t.Errorf("looked for %v", e.limits)
		}
	})
}

func TestCausesComeLaterAndBlockNothing(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		e := full()
		e.holdWhy = make(chan struct{})
		p := open(t, e, 120, 35)
		p.says("5  not known yet: logs and job records", "5 of 6 died of nobody knows what", "reading why they died")
		p.Press("enter j")
		p.says("job-2", "logs and job records")
		close(e.holdWhy)
		p.Pass(time.Second)
		p.says("▌ job-2", "› TimeoutError: no answer") // its group is another one now
		if strings.Contains(p.frame(), "not known yet") {
			t.Errorf("the group of what is not known is still there:\n%s", p.frame())
		}
	})
}

func TestWhatWasSeenIsShownWhileTheLookGoesOn(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		e := full()
		for i := range 20 {
			e.letters = append(e.letters, job(100+i, `{}`))
		}
		e.holdLook = make(chan struct{})
		p := open(t, e, 120, 35)
		p.says("looking: 10 messages so far")
		p.Press("t j")
		p.says("▌ job-")
		for range 3 {
			e.holdLook <- struct{}{}
			p.Pass(time.Second)
		}
		p.says("26 messages")
	})
}

func TestAGroupThatIsGoneLeadsBackToTheGroups(t *testing.T) {
	t.Parallel()
	e := full()
	in(t, e, func(p *person) {
		p.Press("j enter") // the one that does not fit the schema
		p.says("▌ job-5")
		e.letters = slices.DeleteFunc(e.letters, func(l letter.Letter) bool { return l.ID == id(5) })
		p.Press("r")
		p.says("COUNT", "TimeoutError")
		p.Press("G enter") // of nobody knows what
		p.says("▌ job-6")
		p.Press("r")
		p.says("▌ job-6")
	})
}

func TestOnlyNewJobsAreAskedAbout(t *testing.T) {
	t.Parallel()
	e := full()
	in(t, e, func(p *person) {
		e.letters = append(e.letters, job(7, `{}`))
		p.Press("r")
		if len(e.asked) != 2 || len(e.asked[0]) != 5 || len(e.asked[1]) != 2 { // job-6, of which nothing was found, and job-7
			t.Errorf("asked about %v", e.asked)
		}
	})
}

func TestALookThatFailsKeepsWhatIsThere(t *testing.T) {
	t.Parallel()
	e := full()
	in(t, e, func(p *person) {
		e.lookErr = errDenied
		p.Press("r")
		p.says("access denied", "TimeoutError")
		e.lookErr = nil
		p.Press("r")
		if strings.Contains(p.frame(), "access denied") {
			t.Errorf("the error is still shown:\n%s", p.frame())
		}
	})
}

func TestTheLogOfTheLastAttemptIsReadOnDemand(t *testing.T) {
	t.Parallel()
	e := full()
	in(t, e, func(p *person) {
		p.Press("enter")
		if len(e.attempts) != 0 {
			t.Fatal("the log was read before anybody looked at it")
		}
		p.Press("tab tab tab")
		p.says("fetching https://media.example/one.mp4")
		p.Press("esc j")
		if !slices.Equal(e.attempts, []string{"job-1/req-1", "job-2/req-2"}) {
			t.Errorf("attempts read: %v", e.attempts)
		}
		e.linesErr, e.lines = errors.New("throttled"), nil
		p.Press("j")
		p.says("its log could not be read: throttled", "l opens the logs")
	})
}

func TestAnExpressionThatCannotBeReadKeepsTheOneBefore(t *testing.T) {
	t.Parallel()
	in(t, full(), func(p *person) {
		p.Press("t f i n p u t . u r l = = 1 3")
		p.says("1 of 6", "job-5")
		p.Press("& &")
		p.says("1 of 6", "input.url==13 still filters", "column")
		p.Press("enter")
		if !p.s.Typing() {
			t.Error("enter took an expression that cannot be read")
		}
		p.Press("esc")
		p.says("6 messages")
		if strings.Contains(p.frame(), "of 6") {
			t.Errorf("esc did not clear it:\n%s", p.frame())
		}
	})
}

func TestCompletion(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ keys, want string }{
		{"r e c tab", "receiveCount"},
		{"i n p u t . u tab", "input.url"},
		{"j o b I d = = tab", `jobId=="job-1"`},
		{"j o b I d = = tab tab", `jobId=="job-2"`},
		{"j o b I d = = tab shift+tab", `jobId=="job-6"`},
		{`i n p u t . u r l = = " h t t p s : / / s tab`, `input.url=="https://slow.example/four.mp4"`},
		{"g r o u p space = = space tab", `group == "TimeoutError: no answer from <url> in <n> ms"`},
		{"l o tab", "lower("},
		{"a g e > \" 1 h \" space a n d space e r tab", `age>"1h" and error`},
	} {
		t.Run(test.keys, func(t *testing.T) {
			t.Parallel()
			in(t, full(), func(p *person) {
				p.Press("f " + test.keys)
				p.says("where " + test.want)
			})
		})
	}
}

func TestTheMessageThatWasAskedFor(t *testing.T) {
	t.Parallel()
	for _, ask := range []screen.OpenDead{{WorkerID: "orders", JobID: "job-4"}, {WorkerID: "orders", MessageID: id(4)}} {
		synctest.Test(t, func(t *testing.T) {
			s := deadletters.New(env(t, 6), full(), deadletters.NewEdits(), ask)
			screentest.Drive(t, s, 120, 35)
			if frame := ansi.Strip(s.View(120, 35)); !strings.Contains(frame, "▌ job-4") {
				t.Errorf("the cursor is elsewhere:\n%s", frame)
			}
		})
	}
	synctest.Test(t, func(t *testing.T) {
		s := deadletters.New(env(t, 6), full(), deadletters.NewEdits(), screen.OpenDead{WorkerID: "orders", JobID: "gone"})
		p := screentest.Drive(t, s, 120, 35)
		p.Pass(time.Second)
		if frame := ansi.Strip(s.View(120, 35)); !strings.Contains(frame, "was not seen") {
			t.Errorf("nothing is said of it:\n%s", frame)
		}
	})
}

func TestFollowUps(t *testing.T) {
	t.Parallel()
	since := screentest.Now().Add(-2 * time.Minute)
	for keys, want := range map[string]any{
		"enter l":        screen.OpenLogs{WorkerIDs: []string{"orders"}, JobID: "job-1", Since: since},
		"enter o":        screen.OpenJob{WorkerID: "orders", JobID: "job-1", Since: since},
		"enter j d":      screen.OpenDispatch{WorkerID: "orders", Input: `{"url":"https://media.example/two.mp4"}`, Again: "job-2"},
		"enter j y":      screen.Copy{What: "the body of job-2", Text: letters()[1].Body},
		"enter Y":        screen.Copy{What: "the job's id", Text: "job-1"},
		"y":              screen.Copy{What: "the error", Text: "TimeoutError: no answer from https://media.example/1 in 3000 ms"},
		"enter esc j  y": screen.Copy{What: "the error", Text: "ValidationError: url must be a string"},
	} {
		in(t, full(), func(p *person) {
			p.Press(keys)
			if got := p.Last(); fmt.Sprintf("%#v", got) != fmt.Sprintf("%#v", want) {
				t.Errorf("%s asked for %#v, want %#v", keys, got, want)
			}
		})
	}
}

func TestThePanesScroll(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := open(t, full(), 80, 15)
		p.Press("enter tab")
		p.s.View(80, 15)
		p.Press("G")
		frame := ansi.Strip(p.s.View(80, 15))
		if !strings.Contains(frame, "timestamp") || !strings.Contains(frame, "▌ job-1") {
			t.Errorf("want the end of the body, and the cursor where it was:\n%s", frame)
		}
		p.Press("esc j")
		if frame := ansi.Strip(p.s.View(80, 15)); !strings.Contains(frame, "▌ job-2") {
			t.Errorf("the list has not the keys back:\n%s", frame)
		}
	})
}

func TestLooksWhenTheStageIsKnown(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		e := full()
		is := env(t, 6)
		inventory := is.Data.Inventory
		is.Data.Inventory = nil
		p := screentest.Drive(t, deadletters.New(is, e, deadletters.NewEdits(), screen.OpenDead{WorkerID: "orders"}), 80, 19)
		if len(e.limits) != 0 {
			t.Fatal("it looked before it knew where")
		}
		is.Data.Inventory = inventory
		p.Send(screen.DataChanged{})
		p.Pass(time.Second)
		p.Send(screen.DataChanged{})
		p.Pass(time.Second)
		if len(e.limits) != 1 {
			t.Errorf("%d looks, want 1: looking is not free", len(e.limits))
		}
	})
}

func TestKeepAndRestore(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := open(t, full(), 120, 35)
		p.Press("t / s l o w enter f a g e > \" 1 m \" enter")
		s := newScreen(t, full(), deadletters.NewEdits())
		s.Restore(p.s.Keep())
		screentest.Drive(t, s, 120, 35)
		if frame := ansi.Strip(s.View(120, 35)); !strings.Contains(frame, "slow") || !strings.Contains(frame, `age>"1m"`) || !strings.Contains(frame, "1 of 6") {
			t.Errorf("the filter was not kept:\n%s", frame)
		}
	})
}

func TestHostileMessagesAreHarmless(t *testing.T) {
	t.Parallel()
	evil := "\x1b]52;c;cHduZWQ=\x07\x1b[2J\r\u202e\u009b31m\x00\ttext"
	list := letters()
	quoted, err := json.Marshal(map[string]any{"workerId": evil, "jobId": evil, "input": map[string]string{"k\x1b[31m": evil}})
	if err != nil {
		t.Fatal(err)
	}
	list[0] = deadLetter(1, string(quoted))
	list[1].Body = "{\"input\":{\"a\":\"\u009b31m\u202e\u0085\"}}"
	list[2].Body, list[2].ParseErr = evil+"\n"+evil, errors.New(evil)
	list[3].Attributes = map[string]types.MessageAttributeValue{evil: {StringValue: &evil}, "AIWorkerError": {StringValue: &evil}}
	found := why.Found{Failures: map[string]why.Failure{"job-2": {Name: evil, Message: evil + "\n" + evil, Stack: evil}}, Notes: []string{evil}}
	for _, mono := range []bool{false, true} {
		for _, width := range []int{60, 80, 120, 200} {
			synctest.Test(t, func(t *testing.T) {
				e := &engine{letters: list, warnings: []string{evil}, found: found, lines: []logs.Line{{Text: evil}}, sent: []redrive.Sent{{MessageID: evil, NewJobID: evil}}}
				is := env(t, 6)
				if mono {
					*is.Theme = *theme.NewMono(true)
				}
				s := deadletters.New(is, e, deadletters.NewEdits(), screen.OpenDead{WorkerID: "orders"})
				p := screentest.Drive(t, s, width, 30)
				screentest.Frame(t, s.View(width, 30), width, 30)
				p.Press("t")
				for range list {
					for _, keys := range []string{"tab", "tab", "tab", "esc"} {
						p.Press(keys)
						screentest.Frame(t, s.View(width, 30), width, 30)
					}
					p.Press("e x")
					screentest.Frame(t, s.View(width, 30), width, 30)
					p.Press("esc")
					screentest.Frame(t, s.View(width, 30), width, 30)
					p.Press("j")
				}
				p.Press("f i n p u t tab tab")
				screentest.Frame(t, s.View(width, 30), width, 30)
				s.Update(screen.ThemeChanged{})
				screentest.Frame(t, s.View(width, 30), width, 30)
			})
		}
	}
}

func TestAnySizeIsDrawnWhole(t *testing.T) {
	t.Parallel()
	for _, keys := range []string{"", "enter", "t tab tab", "t v j", "/ x", "f a g e > enter tab", "t e {", "t e x ctrl+s esc tab tab"} {
		in(t, full(), func(p *person) {
			p.Press(keys)
			for _, size := range [][2]int{{60, 10}, {61, 11}, {109, 10}, {110, 10}, {110, 16}, {159, 12}, {160, 10}, {300, 80}, {60, 60}} {
				p.Send(screen.Resized{Width: size[0], Height: size[1]})
				screentest.Frame(t, p.s.View(size[0], size[1]), size[0], size[1])
			}
		})
	}
}
