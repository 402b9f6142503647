package tui

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/x/ansi"

	"github.com/microfox-ai/aiwctl/aws/local/functions"
	"github.com/microfox-ai/aiwctl/tui/screen"
	"github.com/microfox-ai/aiwctl/tui/screentest"
)

// The faults that consoles like this one are known for, each as a test that would fail
// where it is. Others have theirs elsewhere: keys in an input, a dialog or a list
// (everykey_test.go), dialogs that stop a tail (undisturbed_test.go), replies of a
// closed screen and questions that are answered by keys in flight (tui_test.go).

// each runs a test on every kind of screen, in a bubble of its own.
func each(t *testing.T, s setting, test func(*testing.T, *person)) {
	for kind := range places() {
		t.Run(string(kind), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				p := newPerson(t, s)
				p.pass(2 * time.Second)
				if !p.goTo(kind) {
					t.Fatal("the console has no such screen")
				}
				p.pass(3 * time.Second)
				p.frame()
				test(t, p)
			})
		})
	}
}

// Typing q in a filter quits the program, or leaves the screen.
func TestFaultTypingQuits(t *testing.T) {
	t.Parallel()
	each(t, setting{}, func(t *testing.T, p *person) {
		depth := p.depth()
		p.tap("/")
		if !p.m.visible().Typing() {
			t.Skip("it has no filter")
		}
		for _, key := range []string{"q", "u", "i", "t", "?", ":", "!", "q", "q"} {
			p.tap(key)
		}
		if p.quit || p.depth() != depth || len(p.m.dialogs) > 0 || !p.m.visible().Typing() {
			t.Error("text in a filter was taken for commands")
		}
	})
}

// One failed fetch leaves "loading" set, and the list never comes.
func TestFaultOneErrorFreezesAList(t *testing.T) {
	t.Parallel()
	for _, w := range []wrong{fails, silent, refused} {
		t.Run(string(w), func(t *testing.T) {
			t.Parallel()
			for kind := range places() {
				t.Run(string(kind), func(t *testing.T) {
					t.Parallel()
					synctest.Test(t, func(t *testing.T) {
						well, ill := newPerson(t, setting{}), newPerson(t, setting{})
						well.pass(2 * time.Second)
						if !well.goTo(kind) {
							t.Fatal("the console has no such screen")
						}
						well.pass(3 * time.Minute)
						ill.pass(2 * time.Second)
						ill.cloud.set("*", w)
						ill.goTo(kind)
						ill.pass(2 * time.Minute)
						ill.cloud.set("*", "")
						ill.pass(2 * time.Minute)
						for _, key := range []string{"r", "R"} { // where a person must ask for it
							if ill.stuck() != "" {
								ill.tap(key)
								ill.pass(30 * time.Second)
							}
						}
						if a, b := lines(well), lines(ill); a != b {
							t.Errorf("after the failure the screen has other lines:\n%s\nthan without:\n%s", b, a)
						}
					})
				})
			}
		})
	}
}

// lines are the first words of the visible screen's lines: what it lists, without ages.
func lines(p *person) string {
	w, h := p.m.body()
	var first []string
	for line := range strings.SplitSeq(ansi.Strip(p.m.visible().View(w, h)), "\n") {
		if words := strings.Fields(strings.TrimPrefix(line, "▌")); len(words) > 1 && len(words[0]) > 3 {
			first = append(first, words[0])
		}
	}
	slices.Sort(first)
	return strings.Join(first, "\n")
}

// A reply carries no owner, so that the rows of one view land in another, and a key acts
// on a row that is not what it seems.
func TestFaultRepliesLandInAnotherView(t *testing.T) {
	t.Parallel()
	each(t, setting{}, func(t *testing.T, p *person) {
		p.pass(time.Second)
		type nothing struct{}
		p.send(nothing{}) // ages may be written anew for any message
		body := func() string { w, h := p.m.body(); return p.m.visible().View(w, h) }
		before, at := body(), p.m.env.Now()
		for _, msg := range slices.Clone(p.out) {
			r, ok := msg.(screen.Reply)
			if !ok || r.Owner == rootID {
				continue
			}
			if !r.More {
				p.m.reply(r) // it was taken
			}
			for _, other := range []screen.ID{r.Owner + 1, r.Owner - 1, r.Owner + 100} {
				for _, gen := range []uint64{1, 2, 3, r.Gen} {
					if astray := (screen.Reply{Owner: other, Purpose: r.Purpose, Gen: gen, Payload: r.Payload}); other != rootID {
						p.m.reply(astray)
					}
				}
			}
		}
		if p.m.env.Now().Equal(at) && body() != before {
			t.Errorf("replies that were taken already, or of others, changed the screen:\n%s", ansi.Strip(body()))
		}
	})
}

// "All" ignores the filter, and says no number.
func TestFaultAllIgnoresTheFilter(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := newPerson(t, setting{})
		p.pass(2 * time.Second)
		p.goTo(screen.KindDead)
		p.pass(3 * time.Second)
		p.frame()
		p.tap("/")
		for _, r := range "job-2" {
			p.tap(string(r))
		}
		p.tap("enter")
		p.askAll()
		p.says("asked about all that pass the filter", "1 message")
		p.agree()
		p.pass(5 * time.Second)
		if n := p.cloud.depth(t, cloudDLQ); n != 2 {
			t.Errorf("%d dead letters are left of 3, want the 2 that the filter hid", n)
		}
	})
}

// A write that failed is wiped off the screen by the next reading that succeeds, or by the
// next key, before anybody has read it.
func TestFaultErrorsVanish(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := newPerson(t, setting{width: 160, height: 40})
		p.pass(2 * time.Second)
		p.replayAll()
		p.cloud.set("sqs:SendMessageBatch", denies)
		p.cloud.set("sqs:SendMessage", denies)
		p.agree()
		p.pass(time.Minute)
		for _, key := range []string{"j", "k", "space", "space"} {
			p.tap(key)
		}
		p.says("a minute and some keys after the write failed", "sqs:SendMessage")
		for p.depth() > 1 && !p.quit {
			p.tap("q")
			p.pass(time.Second)
		}
		p.tap("!")
		p.says("in the list of errors", "sqs:SendMessage")
		if n := p.cloud.depth(t, cloudDLQ); n != 3 {
			t.Errorf("%d dead letters are left, want all 3", n)
		}
	})
}

// A render helper changes what it renders.
func TestFaultDrawingChangesState(t *testing.T) {
	t.Parallel()
	each(t, setting{}, func(t *testing.T, p *person) {
		first := p.m.frame()
		actions := fmt.Sprint(len(p.offered()))
		for range 3 {
			if again := p.m.frame(); again != first {
				t.Fatalf("drawn again it looks otherwise:\n%s\nfirst:\n%s", ansi.Strip(again), ansi.Strip(first))
			}
		}
		if again := fmt.Sprint(len(p.offered())); again != actions {
			t.Errorf("drawing changed the actions from %s to %s", actions, again)
		}
	})
}

// A call is made on the goroutine that draws, and a slow one freezes the program.
func TestFaultKeysWaitForCalls(t *testing.T) {
	t.Parallel()
	each(t, setting{}, func(t *testing.T, p *person) {
		p.cloud.set("*", silent)
		for _, a := range p.offered() {
			for _, key := range a.Keys {
				begun := time.Now() // the bubble's: only waiting moves it
				p.m.Update(screentest.Key(key))
				if waited := time.Since(begun); waited > 0 {
					t.Errorf("%s kept the console from drawing for %v", key, waited)
				}
			}
		}
		for len(p.m.dialogs) > 0 {
			p.tap("esc")
			p.pass(time.Second)
		}
	})
}

// The mouse is captured, and nobody can select text any more.
func TestFaultTheMouseIsCaptured(t *testing.T) {
	t.Parallel()
	each(t, setting{}, func(t *testing.T, p *person) {
		if mode := p.m.View().MouseMode; mode != tea.MouseModeNone {
			t.Errorf("mouse mode %v", mode)
		}
	})
}

// The tail asks from the last line's time on, or ignores the next page: lines of one
// millisecond and of one burst are lost.
func TestFaultATailLosesLines(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := newPerson(t, setting{empty: true})
		p.pass(2 * time.Second)
		p.goTo(screen.KindLogs)
		p.pass(3 * time.Second)
		const bursts, each = 2, 2600
		for b := range bursts {
			var events []functions.LogEvent
			for i := range each {
				events = append(events, functions.LogEvent{Time: time.Now(), Message: fmt.Sprintf("burst %d line %d", b, i)})
			}
			p.cloud.said.Append(cloudGroup, cloudLog, events...)
			p.pass(1500 * time.Millisecond)
		}
		p.pass(30 * time.Second)
		p.says("after the bursts", "5,200 lines", fmt.Sprintf("burst %d line %d", bursts-1, each-1))
	})
}

// An error ends the tail for good and takes the place of its lines, while the bar still
// says that it runs.
func TestFaultAnErrorEndsTheTail(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := newPerson(t, setting{})
		p.pass(2 * time.Second)
		p.cloud.talk(t.Context(), time.Second)
		p.goTo(screen.KindLogs)
		p.pass(10 * time.Second)
		p.cloud.set("logs:FilterLogEvents", fails)
		p.cloud.set("logs:StartLiveTail", fails)
		p.pass(time.Minute)
		p.says("while it fails", "spoken line 5", "InternalFailure")
		p.allWell()
		p.pass(2 * time.Minute)
		p.silentAbout("when it is over", "InternalFailure")
		if n := p.newestSpoken(); n < 185 {
			t.Errorf("the newest line is %d of about 190:\n%s", n, ansi.Strip(p.frame()))
		}
	})
}

// allWell ends all that is wrong.
func (p *person) allWell() {
	p.cloud.mu.Lock()
	defer p.cloud.mu.Unlock()
	clear(p.cloud.wrong)
}

// New lines take away the one that somebody reads.
func TestFaultNewLinesJumpToTheEnd(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := newPerson(t, setting{})
		p.pass(2 * time.Second)
		p.goTo(screen.KindLogs)
		p.pass(3 * time.Second)
		p.frame()
		for range 5 {
			p.tap("k")
		}
		body := func() string {
			w, h := p.m.body()
			return strings.Join(strings.Split(ansi.Strip(p.m.visible().View(w, h)), "\n")[:h-2], "\n")
		}
		before := body()
		p.cloud.talk(t.Context(), 300*time.Millisecond)
		p.pass(time.Minute)
		if after := body(); after != before {
			t.Errorf("the lines moved under the reader:\n%s\nbefore:\n%s", after, before)
		}
		p.tap("G")
		p.pass(2 * time.Second)
		if p.newestSpoken() < 190 {
			t.Errorf("G does not go on following:\n%s", ansi.Strip(p.frame()))
		}
	})
}

// After some failed connections the program ends itself, in the worst moment.
func TestFaultItQuitsWhenAWSIsAway(t *testing.T) {
	t.Parallel()
	each(t, setting{}, func(t *testing.T, p *person) {
		p.cloud.set("*", refused)
		p.pass(time.Hour)
		if p.quit {
			t.Fatal("it quit")
		}
		p.allWell()
		p.pass(2 * time.Minute)
		if age := p.m.env.Now().Sub(p.m.env.Data.At); age > time.Minute {
			t.Errorf("an hour later AWS is back and the data is %v old", age)
		}
	})
}

// The row under the cursor is kept by its number, so that a refresh puts another one
// under the finger.
func TestFaultTheCursorIsARowNumber(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := newPerson(t, setting{})
		p.pass(2 * time.Second)
		row := func() string {
			for line := range strings.SplitSeq(ansi.Strip(p.frame()), "\n") {
				if name, ok := strings.CutPrefix(line, "▌ "); ok {
					return strings.Fields(name)[0]
				}
			}
			return ""
		}
		p.tap("j")
		chosen := row()
		p.tap("S") // the other way round, as new data may have it
		if now := row(); chosen == "" || now != chosen {
			t.Errorf("the cursor was on %q and is on %q", chosen, now)
		}
		p.cloud.send(t, "shop-slow-live", 50)
		p.pass(2 * time.Minute)
		if now := row(); now != chosen {
			t.Errorf("after new data the cursor is on %q, and was on %q", now, chosen)
		}
	})
}

// An editor that ends badly leaves the program suspended: nothing is refreshed any more.
func TestFaultRefreshStopsAfterTheEditor(t *testing.T) {
	t.Parallel()
	each(t, setting{}, func(t *testing.T, p *person) {
		p.m.env.Exec = func(_ tea.ExecCommand, done tea.ExecCallback) tea.Cmd {
			return func() tea.Msg { return done(fmt.Errorf("the editor crashed")) }
		}
		for _, key := range []string{"e", "E", "ctrl+e", "ctrl+x"} {
			p.tap(key)
			p.pass(time.Second)
		}
		p.pass(2 * time.Minute)
		if age := p.m.env.Now().Sub(p.m.env.Data.At); age > time.Minute {
			t.Errorf("the data is %v old", age)
		}
	})
}
