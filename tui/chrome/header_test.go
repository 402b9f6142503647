package chrome_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/charmbracelet/x/ansi"
	"pgregory.net/rapid"

	"github.com/microfox-ai/aiwctl/aws"
	"github.com/microfox-ai/aiwctl/aws/health"
	"github.com/microfox-ai/aiwctl/tui/cell"
	"github.com/microfox-ai/aiwctl/tui/chrome"
	"github.com/microfox-ai/aiwctl/tui/screen"
	"github.com/microfox-ai/aiwctl/tui/screentest"
	"github.com/microfox-ai/aiwctl/tui/theme"
)

func reading(age time.Duration) *screen.Snapshot {
	now := screentest.Now()
	worker := func(id string, visible, dead int) aws.Worker {
		return aws.Worker{ID: id, Queue: &aws.Queue{Depth: aws.Depth{Visible: visible, InFlight: 13}}, DLQ: &aws.Queue{Depth: aws.Depth{Visible: dead}}}
	}
	bad := &health.Verdict{Reason: health.Reason{Severity: aws.SeverityError}}
	return &screen.Snapshot{
		Inventory: &aws.Inventory{Workers: []aws.Worker{worker("a", 1204, 9), worker("b", 3, 0)}},
		At:        now.Add(-age), CallsPerMinute: 128, DollarsPerDay: 1.5, Health: map[string]*health.Verdict{"a": bad},
	}
}

func prod() *screen.StageInfo {
	return &screen.StageInfo{
		Name: "prod", Region: "ap-southeast-1", Profile: "operations", Account: "111122223333", ReadOnly: true,
		Protected: aws.Protected{Needed: true, Name: "prod"},
	}
}

// At every width the frame is exact, and says which stage this is, where, and whether
// it may be written to.
func TestHeaderAtEveryWidth(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*screen.StageInfo, *screen.Snapshot){
		"plain":     func(s *screen.StageInfo, _ *screen.Snapshot) { s.ReadOnly, s.Protected.Needed = false, false },
		"protected": func(s *screen.StageInfo, _ *screen.Snapshot) { s.ReadOnly = false },
		"read-only": func(s *screen.StageInfo, _ *screen.Snapshot) { s.Protected.Needed = false },
		"both":      func(*screen.StageInfo, *screen.Snapshot) {},
		"long": func(s *screen.StageInfo, _ *screen.Snapshot) {
			s.Protected.Name, s.Name = "production-eu-west-1-checkout-blue", "p"
		},
		"named": func(s *screen.StageInfo, _ *screen.Snapshot) { s.Protected.Name = "checkout" },
		"local": func(s *screen.StageInfo, _ *screen.Snapshot) { s.Endpoint = "127.0.0.1:4566" },
		"failing": func(_ *screen.StageInfo, d *screen.Snapshot) {
			d.Err, d.NextAt = errors.New("denied"), screentest.Now().Add(12*time.Second)
		},
		"paused": func(_ *screen.StageInfo, d *screen.Snapshot) { d.Paused = true },
		"paused while it fails": func(_ *screen.StageInfo, d *screen.Snapshot) {
			d.Paused, d.Err = true, errors.New("connection refused")
		},
		"large": func(_ *screen.StageInfo, d *screen.Snapshot) {
			for i := range d.Inventory.Workers {
				d.Inventory.Workers[i].Queue.Depth.Visible = 987_654
				d.Inventory.Workers[i].DLQ.Depth.Visible = 123_456
			}
			d.CallsPerMinute = 1_000_000
		},
		"wide": func(s *screen.StageInfo, _ *screen.Snapshot) {
			s.Name, s.Protected.Name, s.Profile = "本番環境🚒e\u0301", "", "運用"
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			stage, data := prod(), reading(7*time.Second)
			change(stage, data)
			for i, th := range []*theme.Theme{theme.New(true, false), theme.New(false, false), theme.NewMono(true)} {
				for width := 60; width <= 300; width += 1 + 12*i {
					head := chrome.Header(th, stage, data, screentest.Now(), width)
					screentest.Frame(t, head, width, 2)
					text := ansi.Strip(head)
					first, _, _ := strings.Cut(text, "\n")
					want := []string{stage.Account, stage.Region, "7s", "dead "}
					if !strings.Contains(first, stage.Called()) || !strings.Contains(text, stage.Name) {
						t.Fatalf("at %d the stage's name is not whole:\n%s", width, text)
					}
					if stage.Protected.Needed && !strings.Contains(first, "PROTECTED") || stage.ReadOnly && !strings.Contains(first, "READ-ONLY") {
						t.Fatalf("at %d it does not say what keeps it from being written to:\n%s", width, text)
					}
					if stage.Endpoint != "" {
						want = append(want, stage.Endpoint)
					}
					for _, fact := range want {
						if !strings.Contains(text, fact) {
							t.Fatalf("at %d there is no %q:\n%s", width, fact, text)
						}
					}
				}
			}
		})
	}
}

func TestHeaderGolden(t *testing.T) {
	t.Parallel()
	var b strings.Builder
	for _, width := range []int{60, 70, 80, 100, 120, 200} {
		for _, change := range []func(*screen.StageInfo){
			func(s *screen.StageInfo) { s.ReadOnly, s.Protected.Needed = false, false },
			func(s *screen.StageInfo) { s.ReadOnly = false },
			func(*screen.StageInfo) {},
		} {
			stage := prod()
			change(stage)
			b.WriteString(cell.Box(strings.Split(chrome.Header(theme.New(true, false), stage, reading(2*time.Second), screentest.Now(), width), "\n"), 200, 2) + "\n")
		}
	}
	screentest.Golden(t, "header", strings.TrimSuffix(b.String(), "\n"), 200, 36)
}

// A name that has no room is cut in its middle, and never away.
func TestNamesThatAreTooLong(t *testing.T) {
	t.Parallel()
	stage := prod()
	stage.Protected.Name = "begin" + strings.Repeat("x", 300) + "end"
	for width := 60; width <= 300; width += 7 {
		first, _, _ := strings.Cut(ansi.Strip(chrome.Header(theme.New(true, false), stage, reading(0), screentest.Now(), width)), "\n")
		for _, want := range []string{"PROTECTED begin", "xend", "READ-ONLY"} {
			if !strings.Contains(strings.Join(strings.Fields(first), " "), want) {
				t.Fatalf("at %d there is no %q: %s", width, want, first)
			}
		}
	}
}

// Whatever a stage is called, the header is exact and harmless.
func TestHeaderHoldsAnything(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		text := rapid.StringOf(rapid.RuneFrom([]rune("ab 日é\u200d👩\U0001F3FD\x1b[31m\u0301\u202e\u200f\t\n\u0007🇩🇪")))
		stage := prod()
		stage.Name, stage.Region, stage.Account, stage.Profile = text.Draw(rt, "name"), text.Draw(rt, "region"), text.Draw(rt, "account"), text.Draw(rt, "profile")
		stage.Protected.Name = text.Draw(rt, "called")
		stage.ReadOnly, stage.Protected.Needed = rapid.Bool().Draw(rt, "read-only"), rapid.Bool().Draw(rt, "protected")
		width := rapid.IntRange(60, 300).Draw(rt, "width")
		head := chrome.Header(theme.New(true, false), stage, reading(time.Second), screentest.Now(), width)
		for i, line := range strings.Split(head, "\n") {
			if w := cell.Width(line); w != width {
				rt.Fatalf("line %d is %d cells wide, want %d: %q", i, w, width, line)
			}
		}
		screentest.Harmless(t, head)
		if title := chrome.WindowTitle(stage, reading(0)); strings.ContainsAny(title, "\x1b\x07\n\t\u202e") {
			rt.Fatalf("the title is %q", title)
		}
	})
}

// A protected stage cannot be taken for another one: in colour its whole line is a
// bar, without colours it is reversed.
func TestProtectedIsABar(t *testing.T) {
	t.Parallel()
	for name, th := range map[string]*theme.Theme{"dark": theme.New(true, false), "light": theme.New(false, false), "mono": theme.NewMono(false)} {
		first, _, _ := strings.Cut(chrome.Header(th, prod(), reading(0), screentest.Now(), 100), "\n")
		want := "\x1b[1;7m"
		if name != "mono" {
			want = "48;2;175;0;0m"
		}
		bare := ansi.Strip(first)
		for _, part := range strings.SplitAfter(first, "\x1b[m") {
			if ansi.Strip(part) != "" && !strings.Contains(part, want) {
				t.Errorf("%s: %q of %q is outside the bar", name, part, bare)
			}
		}
	}
}

func TestWindowTitle(t *testing.T) {
	t.Parallel()
	failing := reading(0)
	broken := &screen.Snapshot{Err: errors.New("denied")}
	stale := reading(0)
	stale.Err = errors.New("denied")
	well := reading(0)
	well.Health, well.Inventory.Workers = nil, well.Inventory.Workers[1:]
	for want, data := range map[string]*screen.Snapshot{
		"aiwctl prod: 1 failing, 9 dead":           failing,
		"aiwctl prod: not connected":               broken,
		"aiwctl prod: old data, 1 failing, 9 dead": stale,
		"aiwctl prod": well,
	} {
		if got := chrome.WindowTitle(prod(), data); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
	if got := chrome.WindowTitle(&screen.StageInfo{Name: "a\x1b]0;b\x07c"}, &screen.Snapshot{}); strings.ContainsAny(got, "\x1b\x07") {
		t.Errorf("%q", got)
	}
}

func BenchmarkHeader(b *testing.B) {
	stage, data := prod(), reading(time.Second)
	for i := range 500 {
		w := data.Inventory.Workers[0]
		w.ID = fmt.Sprint("w", i)
		data.Inventory.Workers = append(data.Inventory.Workers, w)
	}
	th := theme.New(true, false)
	for b.Loop() {
		chrome.Header(th, stage, data, screentest.Now(), 200)
	}
}

// Data that was just read has no age worth a look: a figure that changes with every
// reading draws the eye for nothing.
func TestHeaderIsCalmWhileDataIsFresh(t *testing.T) {
	t.Parallel()
	for age, want := range map[time.Duration]string{0: "fresh", 4 * time.Second: "fresh", 5 * time.Second: "5s ago", time.Minute: "1m ago"} {
		text := ansi.Strip(chrome.Header(theme.New(true, false), prod(), reading(age), screentest.Now(), 80))
		if !strings.Contains(text, want) || strings.Contains(text, "fresh") != (want == "fresh") {
			t.Errorf("after %s, want %q:\n%s", age, want, text)
		}
	}
	cheap := reading(0)
	cheap.DollarsPerDay = 0.001
	if text := ansi.Strip(chrome.Header(theme.New(true, false), prod(), cheap, screentest.Now(), 200)); strings.Contains(text, "$") {
		t.Errorf("a price of nothing:\n%s", text)
	}
}

// The title line says where one is and what goes on there, at any width and depth.
func TestTitleKeepsItsEnd(t *testing.T) {
	t.Parallel()
	deep := []string{"Workers", "fail", "fail dead letters", "Replay"}
	for _, test := range []struct {
		crumbs []string
		status string
		width  int
		want   string
	}{
		{deep, "", 60, "─ Workers › fail › fail dead letters › Replay ──────────────"},
		{deep, "12 of 300 sent", 60, "─ … › fail › fail dead letters › Replay ─── 12 of 300 sent ─"},
		{deep, "3 messages held back from others meanwhile", 60, "─ … › Replay ── 3 messages held back from others meanwhile ─"},
		{[]string{"Workers", "logs of video-processing, summarize and flaky"}, "following", 60, "─ … › logs of video-processing, summarize and …  following ─"},
		{[]string{"Workers", "order <n> cannot be booked"}, strings.Repeat("s", 50), 60, "─ … › order <n> cannot be booked ───────────────────────────"},
		{nil, "", 10, "          "},
	} {
		got := chrome.Title(theme.New(true, false), test.crumbs, test.status, test.width)
		screentest.Frame(t, got, test.width, 1)
		if got = ansi.Strip(got); got != test.want {
			t.Errorf("%q, %q:\n%s\nwant\n%s", test.crumbs, test.status, got, test.want)
		}
	}
}
