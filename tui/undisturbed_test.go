package tui

import (
	"regexp"
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	"github.com/charmbracelet/x/ansi"

	"github.com/microfox-ai/aiwctl/aws/audit"
	"github.com/microfox-ai/aiwctl/tui/screen"
)

// openers of what the root lays over a screen, each with what closes it.
var overlays = map[string][]string{"?": {"esc"}, "!": {"esc"}, ":": {"esc"}, "/": {"x", "esc"}}

// overlay opens something over the screen; it is false when the key opens nothing.
func (p *person) overlay(key string) bool {
	p.tap(key)
	return len(p.m.dialogs) > 0 || p.m.visible().Typing()
}

var spoken = regexp.MustCompile(`spoken line (\d+)`)

// newestSpoken is the newest line of the tail that is on the screen.
func (p *person) newestSpoken() int {
	w, h := p.m.body()
	newest := -1
	for _, m := range spoken.FindAllStringSubmatch(ansi.Strip(p.m.visible().View(w, h)), -1) {
		n, _ := strconv.Atoi(m[1])
		newest = max(newest, n)
	}
	return newest
}

// Help, the list of errors, the palette and the filter open and close over a tail, and
// it goes on behind them: when they are gone the newest line is there, and none is missing.
func TestATailGoesOnBehindDialogs(t *testing.T) {
	t.Parallel()
	watch := func(t *testing.T, disturb func(*person)) (newest int, status string) {
		synctest.Test(t, func(t *testing.T) {
			p := newPerson(t, setting{height: 40, width: 120})
			p.pass(2 * time.Second)
			p.cloud.talk(t.Context(), 700*time.Millisecond)
			p.goTo(screen.KindLogs)
			p.pass(10 * time.Second)
			if p.newestSpoken() < 5 {
				t.Fatalf("the tail does not run:\n%s", ansi.Strip(p.frame()))
			}
			disturb(p)
			newest = p.newestSpoken() // at once, not when time has passed
			if s, ok := p.m.visible().(screen.Statuser); ok {
				status = s.Status()
			}
		})
		return newest, status
	}
	calm, calmStatus := watch(t, func(p *person) { p.pass(30 * time.Second) })
	for key, closing := range overlays {
		t.Run(key, func(t *testing.T) {
			t.Parallel()
			newest, status := watch(t, func(p *person) {
				for range 5 {
					open := p.overlay(key)
					p.pass(5 * time.Second)
					for _, k := range closing {
						if open {
							p.tap(k)
						}
					}
					p.pass(time.Second)
				}
			})
			if newest != calm || status != calmStatus {
				t.Errorf("with %s opened and closed the tail is at line %d (%s), without at %d (%s)", key, newest, status, calm, calmStatus)
			}
		})
	}
}

// A replay runs to its end behind whatever is opened over it.
func TestAReplayGoesOnBehindDialogs(t *testing.T) {
	t.Parallel()
	for key, closing := range overlays {
		t.Run(key, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				p := newPerson(t, setting{height: 40, width: 120})
				p.pass(2 * time.Second)
				p.replayAll()
				p.cloud.set("sqs:SendMessageBatch", slow)
				p.agree()
				for range 4 {
					open := p.overlay(key)
					p.pass(900 * time.Millisecond)
					for _, k := range closing {
						if open {
							p.tap(k)
						}
					}
				}
				p.pass(20 * time.Second)
				if n := p.cloud.depth(t, cloudDLQ); n != 0 {
					t.Errorf("%d messages were left behind while %s was opened and closed:\n%s", n, key, ansi.Strip(p.frame()))
				}
				if acts := p.acts(); len(acts) != 1 || acts[0].Outcome != audit.OutcomeDone {
					t.Errorf("the audit trail has %+v, want one replay that was done", acts)
				}
			})
		})
	}
}

// replayAll asks for the replay of every dead letter there is.
func (p *person) replayAll() {
	p.t.Helper()
	p.goTo(screen.KindDead)
	p.pass(4 * time.Second)
	p.frame()
	p.askAll()
}

// askAll goes on from the dead letters to the question whether to replay all that are
// chosen: A asks it, or shows a plan from where the key that writes does.
func (p *person) askAll() {
	p.t.Helper()
	p.tap("A")
	p.pass(2 * time.Second)
	for _, a := range p.offered() {
		if len(p.m.dialogs) == 0 && a.Writes && a.Run != nil && a.Refused == "" && p.m.visible().Kind() == screen.KindReplay {
			p.frame()
			p.tap(a.Keys[0])
			p.pass(time.Second)
		}
	}
	if len(p.m.dialogs) == 0 {
		p.t.Fatalf("nothing asks:\n%s", ansi.Strip(p.frame()))
	}
}

// agree says yes to the question on the screen.
func (p *person) agree() {
	p.t.Helper()
	p.tap("y")
	if len(p.m.dialogs) > 0 {
		p.t.Fatalf("y is no answer:\n%s", ansi.Strip(p.frame()))
	}
}

// depth is how many messages a queue holds, whoever looks at them.
func (c *cloud) depth(t testing.TB, queue string) int {
	t.Helper()
	d, err := c.broker.Depth("arn:aws:sqs:eu-west-1:000000000000:" + queue)
	if err != nil {
		t.Fatal(err)
	}
	return d.Visible + d.InFlight + d.Delayed
}
