package tui

import (
	"flag"
	"fmt"
	"image/color"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/x/ansi"

	"github.com/microfox-ai/aiwctl/aws"
	"github.com/microfox-ai/aiwctl/tui/screen"
)

// A monkey at the console: any key at any time, mostly those that do something where it
// is, while calls fail and heal, time passes and the terminal changes its size. Nothing
// panics, every frame is whole, nothing is written that nobody agreed to, and when all
// is well again every panel is fresh again.

var (
	monkeySeed = flag.Uint64("monkey.seed", 0, "the seed of the only monkey; 0: several, with seeds of their own")
	monkeyKeys = flag.Int("monkey.keys", 400, "how many things each monkey does")
)

func TestMonkey(t *testing.T) {
	t.Parallel()
	seeds := []uint64{1, 2, 3, 4, 5}
	if *monkeySeed != 0 {
		seeds = []uint64{*monkeySeed}
	}
	for _, seed := range seeds {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			left := *monkeyKeys
			for life := uint64(0); left > 0; life++ {
				synctest.Test(t, func(t *testing.T) {
					m := newMonkey(t, seed, life)
					left = m.live(left)
				})
			}
		})
	}
}

type monkey struct {
	*person
	rand    *rand.Rand
	setting setting
	did     []string // what it did, oldest first
	agreed  int      // how often it agreed to a write
	seen    map[screen.Kind]int
}

func newMonkey(t *testing.T, seed, life uint64) *monkey {
	r := rand.New(rand.NewPCG(seed, life))
	s := setting{protected: r.IntN(3) == 0, readOnly: r.IntN(6) == 0, empty: r.IntN(8) == 0}
	if r.IntN(4) == 0 {
		s.wrong = fails
	}
	m := &monkey{rand: r, setting: s, person: newPerson(t, s), seen: map[screen.Kind]int{}}
	m.cloud.talk(t.Context(), time.Duration(200+r.IntN(3000))*time.Millisecond)
	t.Cleanup(func() {
		t.Logf("%d deeds, %d agreements, %d writes, %d calls that write, screens %v", len(m.did), m.agreed, len(m.acts()), m.cloud.wrote(), m.seen)
		if t.Failed() {
			t.Logf("seed %d, life %d, %+v; its last deeds: %s", seed, life, s, strings.Join(m.did[max(0, len(m.did)-120):], " "))
		}
	})
	return m
}

// live does so many things, or fewer when it happens to quit, and returns how many are
// left.
func (m *monkey) live(left int) int {
	for i := 1; left > 0 && !m.quit && !m.t.Failed(); i++ {
		m.act()
		left--
		m.judge()
		if i%200 == 0 || left == 0 {
			m.heal()
		}
	}
	return left
}

func (m *monkey) note(format string, args ...any) {
	m.did = append(m.did, fmt.Sprintf(format, args...))
}

func (m *monkey) one(of ...string) string { return of[m.rand.IntN(len(of))] }

// act does one thing.
func (m *monkey) act() {
	switch n := m.rand.IntN(100); {
	case n < 4:
		d := time.Duration(m.rand.IntN(20_000)) * time.Millisecond
		m.note("(%v pass)", d)
		m.pass(d)
	case n < 6:
		size := [][2]int{{60, 20}, {80, 24}, {120, 40}, {200, 50}, {300, 60}, {61, 15}, {59, 20}, {20, 5}, {1, 1}}[m.rand.IntN(9)]
		m.note("(%dx%d)", size[0], size[1])
		m.send(tea.WindowSizeMsg{Width: size[0], Height: size[1]})
	case n < 7:
		m.note("(away and back)")
		m.send(tea.BlurMsg{})
		m.pass(time.Duration(m.rand.IntN(10_000)) * time.Millisecond)
		m.send(tea.FocusMsg{})
	case n < 8:
		m.note("(other background)")
		m.send(tea.BackgroundColorMsg{Color: []color.Color{color.Black, color.White}[m.rand.IntN(2)]})
	case n < 9:
		text := m.one("job-3", `{"sku": "x"}`, "a\nb\tc\x1b[2J\u202e", strings.Repeat("long ", 200), "日本語 🎬")
		m.note("(paste %.12q)", text)
		m.send(tea.PasteMsg{Content: text})
	case n < 11:
		call := m.one("*", "sqs:ReceiveMessage", "sqs:GetQueueAttributes", "logs:FilterLogEvents", "sqs:SendMessageBatch", "sqs:SendMessage")
		w := []wrong{fails, throttles, denies, expired, silent, refused}[m.rand.IntN(6)]
		m.note("(%s: %s)", call, w)
		m.cloud.set(call, w)
	case n < 15:
		m.note("(all well)")
		m.allWell()
	case n < 17 && m.depth() < 6 && len(m.m.dialogs) == 0 && !m.m.visible().Typing():
		kinds := []screen.Kind{screen.KindWorker, screen.KindDispatch, screen.KindJob, screen.KindLogs, screen.KindDead, screen.KindReplay, screen.KindHistory, screen.KindStages}
		kind := kinds[m.rand.IntN(len(kinds))]
		m.note("(open %s)", kind)
		m.goTo(kind)
	default:
		m.press1(m.choose())
	}
	m.settle()
	if m.rand.IntN(3) == 0 {
		m.pass(time.Duration(m.rand.IntN(600)) * time.Millisecond)
	}
}

// choose is the next key.
func (m *monkey) choose() string {
	printable := string(rune('!' + m.rand.IntN('~'-'!'+1)))
	switch {
	case len(m.m.dialogs) > 0:
		if strings.Contains(m.dialog(), "Named") && m.rand.IntN(3) == 0 {
			m.pass(time.Second)
			for _, r := range "live" {
				m.press1(string(r))
			}
			return "enter"
		}
		return m.one("y", "n", "esc", "esc", "enter", "tab", "left", "right", "j", "k", "q", "G", "pgdown", "ctrl+u", "backspace", printable)
	case m.m.visible().Typing():
		if keys := m.keysOf(m.offered()); len(keys) > 0 && m.rand.IntN(4) == 0 {
			return keys[m.rand.IntN(len(keys))]
		}
		return m.one(printable, printable, printable, "space", "enter", "esc", "esc", "backspace", "left", "up", "down", "home", "end", "tab", "ctrl+w", "ctrl+u", "ctrl+z", `"`, "{", "}", "1")
	}
	switch n := m.rand.IntN(20); {
	case n < 12:
		if keys := m.keysOf(m.offered()); len(keys) > 0 {
			return keys[m.rand.IntN(len(keys))]
		}
	case n < 15:
		return m.one("j", "k", "g", "G", "pgdown", "pgup", "ctrl+d", "ctrl+u", "up", "down", "left", "right", "home", "end")
	case n < 17:
		return m.one("?", "!", ":", "esc", "T")
	case n == 17 && (m.depth() > 1 || m.rand.IntN(20) == 0):
		return "q"
	case n == 18 && m.rand.IntN(20) == 0:
		return "ctrl+c"
	}
	return printable
}

func (m *monkey) keysOf(actions []screen.Action) []string {
	var keys []string
	for _, a := range actions {
		keys = append(keys, a.Keys...)
	}
	return keys
}

// press1 presses a key and notes whether that was the agreement to a write.
func (m *monkey) press1(key string) {
	dialogs, asked := len(m.m.dialogs), m.dialog()
	if dialogs == 0 {
		for _, a := range m.offered() {
			// A key that says "send" is an agreement, where nothing is protected.
			if a.Writes && a.Run != nil && a.Refused == "" && !m.setting.protected && !m.setting.readOnly && slices.Contains(a.Keys, key) {
				m.agreed++
			}
		}
	}
	m.note("%s", key)
	m.tap(key)
	if len(m.m.dialogs) < dialogs && (key == "y" || key == "enter") && (strings.Contains(asked, "Confirm") || strings.Contains(asked, "Named")) {
		m.agreed++
	}
}

// judge looks at the console as it is now.
func (m *monkey) judge() {
	m.t.Helper()
	frame := m.look().frame
	m.seen[m.m.visible().Kind()]++
	if strings.Contains(frame, "internal fault") {
		m.t.Fatalf("something panicked:\n%s", ansi.Strip(frame))
	}
	if m.agreed == 0 || m.setting.readOnly {
		if n := m.cloud.wrote(); n > 0 {
			m.t.Fatalf("%d calls wrote, and nobody agreed to anything", n)
		}
	}
	for _, f := range m.m.tasks.Failures() {
		if strings.Contains(f.Text, aws.ErrProtected.Error()) {
			m.t.Fatalf("a write to a protected stage did not ask for its name: %s: %s", f.What, f.Text)
		}
	}
}

// heal ends all that is wrong and finds the console well again.
func (m *monkey) heal() {
	m.t.Helper()
	m.note("(heals)")
	m.allWell()
	m.send(tea.FocusMsg{})
	m.send(tea.WindowSizeMsg{Width: 120, Height: 40})
	if m.m.env.Data.Paused {
		m.send(screen.PauseRefresh{})
	}
	m.pass(3 * time.Minute)
	if m.quit {
		return
	}
	if acts := len(m.acts()); acts > m.agreed {
		m.t.Fatalf("%d writes are in the audit trail, and %d were agreed to", acts, m.agreed)
	}
	if data := m.m.env.Data; data.Err != nil || m.m.env.Now().Sub(data.At) > time.Minute {
		m.t.Fatalf("three minutes after all was well the stage was read %v ago, with %v", m.m.env.Now().Sub(data.At), data.Err)
	}
	// A panel that failed waits for somebody to try again, and then it is well.
	for range 3 {
		for len(m.m.dialogs) > 0 && !m.quit {
			m.tap("esc")
			m.pass(time.Second)
		}
		for _, key := range []string{"esc", "r", "R", "esc"} {
			if len(m.m.dialogs) == 0 && !m.m.visible().Typing() && m.stuck() != "" {
				m.press1(key)
				m.pass(5 * time.Second)
			}
		}
	}
	if stuck := m.stuck(); stuck != "" && len(m.m.dialogs) == 0 {
		m.t.Fatalf("all is well and a panel is stuck: %s\n%s", stuck, ansi.Strip(m.frame()))
	}
}
