package compose_test

import (
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	tea "charm.land/bubbletea/v2"
	"pgregory.net/rapid"

	"github.com/microfox-ai/aiwctl/aws"
	"github.com/microfox-ai/aiwctl/dispatch"
	"github.com/microfox-ai/aiwctl/tui/compose"
	"github.com/microfox-ai/aiwctl/tui/screen"
	"github.com/microfox-ai/aiwctl/tui/screentest"
)

// two is a schema with two values to type.
const two = `{"type":"object","properties":{"order":{"type":"string","examples":["o-1"]},"amount":{"type":"integer"}},"required":["order","amount"]}`

// What an engineer wants at night: type two values, send, see the job.
func TestTwoValuesAndSend(t *testing.T) {
	t.Parallel()
	f := &sender{}
	s, _ := setup{workers: []aws.Worker{worker(two)}, sender: f}.open(t)
	msgs := press(s, "'o-77", "tab", "'12", "ctrl+s", "enter")
	if len(f.sent) != 1 || string(f.sent[0].Input) != "{\n  \"order\": \"o-77\",\n  \"amount\": 12\n}" {
		t.Fatalf("sent %v\n%s", f.sent, text(s, 80, 19))
	}
	if ask, _ := find[screen.OpenJob](msgs); ask.JobID != "job-1795471915568-abc1" {
		t.Errorf("enter opened %+v", ask)
	}
	// The text stays for the next one.
	wants(t, text(s, 120, 35), `"order": "o-77"`)
	if press(s, "e", "'8", "ctrl+s"); len(f.sent) != 2 || !strings.Contains(string(f.sent[1].Input), "128") {
		t.Errorf("the second one is %v", f.sent)
	}
}

// Going to the other side stays at the place.
func TestTheSidesKeepThePlace(t *testing.T) {
	t.Parallel()
	s, _ := setup{workers: []aws.Worker{worker(rich)}, input: richInput}.open(t)
	press(s, "tab", "ctrl+t", "backspace", "ctrl+t", "'5")
	wants(t, text(s, 120, 35), `"pages":125`) // backspace took the blank before it
	press(s, "ctrl+t", "ctrl+end", "up", "up", "ctrl+t")
	if got := s.Status(); !strings.HasPrefix(got, "25:") {
		t.Errorf("the form follows to %s", got)
	}
}

func TestOptionsAreSent(t *testing.T) {
	t.Parallel()
	f := &sender{}
	s, _ := setup{workers: []aws.Worker{worker(schema)}, sender: f}.open(t)
	press(s, "'a", "ctrl+g", "'job-mine", "tab", `'{"n": 12345678901234567890}`, "tab", "'https://hook.example/x", "tab", "'90", "tab", "right", "ctrl+s")
	if len(f.sent) != 1 {
		t.Fatalf("not sent:\n%s", text(s, 120, 35))
	}
	r := f.sent[0]
	if r.JobID != "job-mine" || fmt.Sprint(r.Metadata) != "map[n:12345678901234567890]" || r.WebhookURL != "https://hook.example/x" || r.Delay != 90*time.Second || r.Mode != dispatch.ModeLocal {
		t.Errorf("sent %+v", r)
	}
	want := `aiwctl dispatch video-processing '{"url":"a","quality":"high"}' --job-id job-mine --metadata '{"n":12345678901234567890}' --webhook-url https://hook.example/x --delay 1m30s --mode local`
	copied, _ := find[screen.Copy](press(s, "c"))
	if copied.Text != want {
		t.Errorf("the command is\n%s\nwant\n%s", copied.Text, want)
	}
}

func TestWrongOptionsAreNotSent(t *testing.T) {
	t.Parallel()
	fifo := worker(schema)
	fifo.Queue.FIFO = true
	for name, test := range map[string]struct {
		worker aws.Worker
		keys   []string
		says   string
	}{
		"job id":   {worker(schema), []string{"'a b"}, "neither blanks"},
		"metadata": {worker(schema), []string{"tab", "'[]"}, "must be a JSON object"},
		"no JSON":  {worker(schema), []string{"tab", "'{"}, "is not JSON"},
		"webhook":  {worker(schema), []string{"tab", "tab", "'example.com"}, "must be an http or https URL"},
		"too long": {worker(schema), []string{"tab", "tab", "tab", "'901"}, "0 to 900 seconds"},
		"no delay": {worker(schema), []string{"tab", "tab", "tab", "'soon"}, "want seconds"},
		"fifo":     {fifo, []string{"tab", "tab", "tab", "'5s"}, "FIFO"},
	} {
		f := &sender{}
		s, _ := setup{workers: []aws.Worker{test.worker}, sender: f}.open(t)
		press(s, append([]string{"ctrl+g"}, append(test.keys, "ctrl+t", "ctrl+s")...)...)
		if len(f.sent) != 0 {
			t.Errorf("%s: sent %+v", name, f.sent[0])
		}
		wants(t, text(s, 120, 35), "not sent", test.says)
	}
}

func TestInvalidInputIsSentOnlyWhenAskedTo(t *testing.T) {
	t.Parallel()
	f := &sender{}
	s, _ := setup{workers: []aws.Worker{worker(schema)}, sender: f, input: `{"url":7,"more":1}`}.open(t)
	msgs := press(s, "ctrl+x")
	ask, ok := find[screen.Confirm](msgs)
	if !ok || len(f.sent) != 0 {
		t.Fatalf("asked %v, sent %d", ok, len(f.sent))
	}
	lines := strings.Join(ask.Lines, "\n")
	wants(t, lines, "demo in us-east-1", "000000000000", "aiw-video-processing-demo, 1 job", "/url: must be a string", "/more: is not an allowed property")
	if ask.Verb != "Send anyway" || ask.Command != `aiwctl dispatch video-processing '{"url":7,"more":1}' --force` || ask.Write == nil {
		t.Errorf("asked %+v", ask)
	}
	screentest.Settle(s, ask.Write(""))
	if len(f.sent) != 1 || !f.sent[0].Force {
		t.Errorf("sent %+v", f.sent)
	}
	for input, why := range map[string]string{`{"url":"x"}`: "ctrl+s sends it", `{"url":`: "not JSON"} {
		s, _ := setup{workers: []aws.Worker{worker(schema)}, input: input}.open(t)
		if a := actionOf(t, s, "send-anyway"); !strings.Contains(a.Refused, why) || !a.Writes {
			t.Errorf("%s: refused with %q", input, a.Refused)
		}
	}
	// Another text than was agreed to is not sent.
	s, _ = setup{workers: []aws.Worker{worker(schema)}, sender: f, input: `{"url":7}`}.open(t)
	ask, _ = find[screen.Confirm](press(s, "ctrl+x"))
	press(s, "'8")
	screentest.Settle(s, ask.Write(""))
	if len(f.sent) != 1 {
		t.Error("a text was sent that nobody agreed to")
	}
}

func actionOf(t testing.TB, s *compose.Screen, id string) screen.Action {
	t.Helper()
	for _, a := range s.Actions() {
		if a.ID == id {
			return a
		}
	}
	t.Fatalf("there is no action %s", id)
	return screen.Action{}
}

func TestAProtectedStageIsAskedFor(t *testing.T) {
	t.Parallel()
	f := &sender{}
	s, _ := setup{workers: []aws.Worker{worker(schema)}, sender: f, guarded: true}.open(t)
	ask, ok := find[screen.Confirm](press(s, "'a", "ctrl+s"))
	if !ok || ask.Write == nil || len(f.sent) != 0 {
		t.Fatalf("asked %v, sent %d", ok, len(f.sent))
	}
	screentest.Settle(s, ask.Write("demo"))
	if len(f.sent) != 1 {
		t.Error("not sent")
	}
}

func TestTheOwnEditor(t *testing.T) {
	t.Parallel()
	t.Run("the text", func(t *testing.T) {
		t.Parallel()
		s, _ := setup{workers: []aws.Worker{worker(schema)}, editor: "sed -i s/before/after/", input: `{"url":"before"}`}.open(t)
		press(s, "ctrl+e")
		wants(t, text(s, 120, 35), `"url": "after"`, "url*      after")
		press(s, "ctrl+z")
		wants(t, text(s, 120, 35), `"url": "before"`)
	})
	t.Run("it fails after it wrote", func(t *testing.T) {
		t.Parallel()
		s, _ := setup{workers: []aws.Worker{worker(schema)}, editor: "f() { sed -i s/before/after/ \"$1\"; exit 3; }; f", input: `{"url":"before"}`}.open(t)
		press(s, "ctrl+e")
		wants(t, text(s, 120, 35), `"url": "after"`, "the editor failed")
		press(s, "ctrl+z")
		wants(t, text(s, 120, 35), `"url": "before"`)
	})
	t.Run("it is not there", func(t *testing.T) {
		t.Parallel()
		s, _ := setup{workers: []aws.Worker{worker(schema)}, editor: "no-such-editor-anywhere", input: `{"url":"before"}`}.open(t)
		press(s, "ctrl+e")
		wants(t, text(s, 120, 35), `"url": "before"`, "the editor failed", "set EDITOR")
	})
	t.Run("what comes back is not JSON", func(t *testing.T) {
		t.Parallel()
		s, _ := setup{workers: []aws.Worker{worker(schema)}, editor: "sed -i s/:/=/", input: `{"url":"before"}`}.open(t)
		press(s, "ctrl+e")
		wants(t, text(s, 120, 35), "not JSON yet", "the form waits for JSON", "before")
		press(s, "ctrl+z")
		wants(t, text(s, 120, 35), "fits the schema")
	})
	t.Run("one value", func(t *testing.T) {
		t.Parallel()
		s, _ := setup{workers: []aws.Worker{worker(schema)}, editor: "f() { printf 'one\\ntwo' > \"$1\"; }; f", input: `{"url":"before"}`}.open(t)
		press(s, "alt+o")
		wants(t, text(s, 120, 35), `"url": "one\ntwo"`)
	})
}

func TestTheDryRunIsCopied(t *testing.T) {
	t.Parallel()
	s, _ := setup{workers: []aws.Worker{worker(schema)}, input: `{"url":"a"}`}.open(t)
	copied, ok := find[screen.Copy](press(s, "esc", "y"))
	if want := "would send 16 bytes to http://127.0.0.1:4566/q by trigger, as job-1795471915568-abc0:\n{\n  \"url\": \"a\"\n}\n"; !ok || copied.Text != want {
		t.Errorf("copied %q, want %q", copied.Text, want)
	}
	if a := actionOf(t, s, "copy-dry-run"); a.Command() != `aiwctl dispatch video-processing '{"url":"a"}' --dry-run` {
		t.Errorf("its command is %s", a.Command())
	}
	press(s, "ctrl+s")
	if copied, _ := find[screen.Copy](press(s, "y")); copied.Text != "job-1795471915568-abc1" {
		t.Errorf("y copied %q after sending", copied.Text)
	}
	if copied, _ := find[screen.Copy](press(s, "D")); !strings.HasPrefix(copied.Text, "would send") {
		t.Errorf("D copied %q after sending", copied.Text)
	}
}

func TestWhatWasSentIsChosenAgain(t *testing.T) {
	t.Parallel()
	f, k := &sender{}, before()
	s, _ := setup{workers: []aws.Worker{worker(schema)}, sender: f, recall: k}.open(t)
	press(s, "'mine", "ctrl+r", "enter")
	wants(t, text(s, 120, 35), `"url": "https://media.example/late.mp4"`, `{"ticket":"OPS-1"}`, "1m0s", "ctrl+z brings back")
	press(s, "ctrl+z")
	wants(t, text(s, 120, 35), `"url": "mine"`)
	press(s, "ctrl+r", "k", "enter")
	wants(t, text(s, 120, 35), `smoke.mp4`)
	// esc leaves the list and nothing else.
	press(s, "ctrl+r", "esc")
	wants(t, text(s, 120, 35), `smoke.mp4`)
	if !s.Typing() {
		t.Error("back from the list nobody types")
	}
	press(s, "ctrl+s")
	if len(k.sent) != 3 || k.sent[0].JobID != "job-1795471915568-abc1" || !strings.Contains(k.sent[0].Input, "smoke.mp4") {
		t.Errorf("kept %+v", k.sent)
	}
}

func TestSendingAgainAsks(t *testing.T) {
	t.Parallel()
	f := &sender{}
	s, _ := setup{workers: []aws.Worker{worker(schema)}, sender: f, recall: before()}.open(t)
	ask, ok := find[screen.Confirm](press(s, "ctrl+r", "R"))
	if !ok || len(f.sent) != 0 || !strings.Contains(ask.Title, "job-1795471915568-abc9") {
		t.Fatalf("asked %+v, sent %d", ask, len(f.sent))
	}
	screentest.Settle(s, ask.Write(""))
	if len(f.sent) != 1 {
		t.Fatalf("not sent:\n%s", text(s, 120, 35))
	}
	trigger, _ := f.sent[0].Metadata["__trigger"].(map[string]any)
	if trigger["replayOf"] != "job-1795471915568-abc9" || f.sent[0].Metadata["ticket"] != "OPS-1" || f.sent[0].Delay != time.Minute {
		t.Errorf("sent %+v", f.sent[0])
	}
}

func TestTemplatesAreSavedAndDeleted(t *testing.T) {
	t.Parallel()
	k := before()
	s, _ := setup{workers: []aws.Worker{worker(schema)}, recall: k, input: `{"url":"a"}`}.open(t)
	msgs := press(s, "alt+s", "'night q", "enter")
	if len(k.templates) != 2 || k.templates[1].Name != "night q" || !strings.Contains(k.templates[1].Input, `"a"`) {
		t.Fatalf("saved %+v", k.templates)
	}
	if got := lastTask(msgs); got.Text != "saved template night q" || got.Err != nil {
		t.Errorf("told %+v", got)
	}
	press(s, "alt+s", "'no", "esc")
	if len(k.templates) != 2 || !s.Typing() {
		t.Error("esc saved a template, or took the keys away")
	}
	press(s, "ctrl+r", "t", "'from list", "enter")
	if len(k.templates) != 3 || !strings.Contains(k.templates[2].Input, "late.mp4") {
		t.Errorf("saved %+v", k.templates)
	}
	ask, ok := find[screen.Confirm](press(s, "g", "X"))
	if !ok || !strings.Contains(ask.Title, "smoke test") || ask.Command != "aiwctl inputs video-processing --delete 'smoke test'" {
		t.Fatalf("asked %+v", ask)
	}
	screentest.Settle(s, ask.Yes())
	if len(k.templates) != 2 {
		t.Errorf("left %+v", k.templates)
	}
	if a := actionOf(t, s, "delete-template"); a.Refused != "" {
		t.Errorf("the next template cannot be deleted: %s", a.Refused)
	}
}

func TestAJobThatIsSentAgain(t *testing.T) {
	t.Parallel()
	f := &sender{}
	s, _ := setup{workers: []aws.Worker{worker(schema)}, sender: f, input: `{"url":"a"}`, metadata: `{"ticket":"OPS-1","__trigger":{"type":"cron"}}`, again: "job-old"}.open(t)
	wants(t, text(s, 120, 35), "repeats job-old")
	press(s, "ctrl+s")
	got, err := json.Marshal(f.sent[0].Metadata)
	if want := `{"__trigger":{"at":"2026-03-02T03:04:05.000Z","previous":{"type":"cron"},"replayOf":"job-old","type":"replay"},"ticket":"OPS-1"}`; err != nil || string(got) != want {
		t.Errorf("metadata %s, want %s", got, want)
	}
}

func TestReplacedRepliesAreDropped(t *testing.T) {
	t.Parallel()
	k := before()
	s, _ := setup{workers: []aws.Worker{worker(schema)}, recall: k}.open(t)
	late := screentest.Press(s, "ctrl+r")
	press(s, "esc")
	if msgs := screentest.Settle(s, late); len(msgs) != 0 {
		t.Errorf("a list that was closed did something: %v", msgs)
	}
	wants(t, text(s, 120, 35), `"url": ""`)
}

func TestActionsCanBeBoundAndHaveCommands(t *testing.T) {
	t.Parallel()
	id := regexp.MustCompile(`^[a-z]+(-[a-z]+)*$`)
	s, _ := setup{workers: []aws.Worker{worker(schema)}, recall: before()}.open(t)
	for _, keys := range [][]string{nil, {"ctrl+t"}, {"esc"}, {"ctrl+s"}, {"e", "ctrl+r"}, {"t"}} {
		press(s, keys...)
		seen := map[string]string{}
		for _, a := range s.Actions() {
			if a.Run != nil && !id.MatchString(a.ID) {
				t.Errorf("%v has the ID %q", a.Keys, a.ID)
			}
			if a.Help == "" || a.Command != nil && !strings.HasPrefix(a.Command(), "aiwctl ") {
				t.Errorf("%s has no help, or no command", a.ID)
			}
			if a.Run == nil {
				continue
			}
			for _, key := range a.Keys {
				if was, twice := seen[key]; twice {
					t.Errorf("%s is %s and %s after %v", key, was, a.ID, keys)
				}
				seen[key] = a.ID
			}
		}
	}
}

// A person who presses anything never sees a broken frame, and what is sent is JSON.
func TestAnyKeys(t *testing.T) {
	t.Parallel()
	keys := []string{
		"up", "down", "tab", "shift+tab", "left", "right", "space", "enter", "pgdown", "pgup", "home", "end", "esc", "e", "i", "R", "t", "y", "Y", "c", "D", "j", "k", "g", "G", "X", "x", "l",
		"alt+x", "alt+d", "alt+e", "alt+n", "alt+v", "alt+s", "alt+up", "alt+down", "backspace", "delete", "ctrl+w", "ctrl+u", "ctrl+k", "ctrl+j", "ctrl+z", "ctrl+y",
		"ctrl+t", "ctrl+n", "ctrl+o", "ctrl+r", "ctrl+g", "ctrl+s", "ctrl+x", "a", "1", "\"", "{", "}", "日",
	}
	rapid.Check(t, func(rt *rapid.T) {
		f := &sender{}
		s, _ := setup{workers: []aws.Worker{worker(rich)}, sender: f, recall: before(), input: rapid.SampledFrom([]string{"", richInput, `{"title":`}).Draw(rt, "input")}.open(t)
		for range rapid.IntRange(1, 40).Draw(rt, "steps") {
			for _, msg := range press(s, rapid.SampledFrom(keys).Draw(rt, "key")) {
				if ask, ok := msg.(screen.Confirm); ok && ask.Write != nil && rapid.Bool().Draw(rt, "agrees") {
					screentest.Settle(s, ask.Write(""))
				}
			}
			screentest.Frame(t, s.View(70, 16), 70, 16)
		}
		for _, r := range f.sent {
			if !json.Valid(r.Input) {
				rt.Fatalf("sent %q", r.Input)
			}
		}
	})
}

// BenchmarkKeyToFrame is one key in a text of 256 KiB beside a form of 200 fields.
func BenchmarkKeyToFrame(b *testing.B) {
	var properties, members []string
	for i := range 200 {
		properties = append(properties, fmt.Sprintf(`"field%d":{"type":"string","description":"what it is for","minLength":1}`, i))
		members = append(members, fmt.Sprintf("\n  \"field%d\": %q", i, strings.Repeat("value ", 215)))
	}
	input := "{" + strings.Join(members, ",") + "\n}"
	for name, side := range map[string][]string{"form": nil, "text": {"ctrl+t"}} {
		b.Run(name, func(b *testing.B) {
			s, _ := setup{workers: []aws.Worker{worker(`{"type":"object","properties":{` + strings.Join(properties, ",") + `}}`)}, input: input}.open(b)
			press(s, append(slices.Clone(side), "down")...)
			var last tea.Cmd
			cost := screentest.Cost(b)
			for i := 0; b.Loop(); i++ {
				key := "a"
				if i%2 == 1 {
					key = "backspace"
				}
				last = screentest.Press(s, key)
				if s.View(200, 45) == "" {
					b.Fatal("no frame")
				}
			}
			cost()
			screentest.Settle(s, last)
		})
	}
}
