package compose_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	tea "charm.land/bubbletea/v2"

	"github.com/microfox-ai/aiwctl/aws"
	"github.com/microfox-ai/aiwctl/aws/recall"
	"github.com/microfox-ai/aiwctl/tui/screen"
	"github.com/microfox-ai/aiwctl/tui/screentest"
	"github.com/microfox-ai/aiwctl/tui/theme"
)

// rich has a field of every kind.
const rich = `{
  "type": "object",
  "$defs": {
    "mail": {"type": "object", "title": "by mail", "properties": {"kind": {"const": "mail"}, "to": {"type": "string", "format": "email"}}, "required": ["kind", "to"]},
    "hook": {"type": "object", "title": "by webhook", "properties": {"kind": {"const": "hook"}, "url": {"type": "string", "format": "uri"}}, "required": ["kind", "url"]},
    "node": {"type": "object", "properties": {"name": {"type": "string"}, "next": {"$ref": "#/$defs/node"}}, "required": ["name"]}
  },
  "properties": {
    "title": {"type": "string", "minLength": 3, "maxLength": 80, "description": "what the report is called", "examples": ["Weekly", "Monthly"]},
    "pages": {"type": "integer", "minimum": 1, "maximum": 500, "default": 10},
    "ratio": {"type": "number", "exclusiveMinimum": 0},
    "draft": {"type": "boolean", "default": true},
    "paper": {"enum": ["a4", "a5", "letter"], "default": "a4"},
    "version": {"const": 2},
    "note": {"type": ["string", "null"], "description": "for whoever reads it"},
    "notify": {"oneOf": [{"$ref": "#/$defs/mail"}, {"$ref": "#/$defs/hook"}]},
    "tags": {"type": "array", "items": {"type": "string"}, "maxItems": 4},
    "chapters": {"type": "array", "items": {"type": "object", "properties": {"heading": {"type": "string"}, "from": {"type": "integer"}}, "required": ["heading"]}},
    "tree": {"$ref": "#/$defs/node"},
    "anything": {},
    "labels": {"type": "object", "additionalProperties": {"type": "string"}}
  },
  "required": ["title", "version", "notify"]
}`

const richInput = `{
  "title": "Weekly",
  "pages": 12,
  "version": 2,
  "note": null,
  "notify": {"kind": "mail", "to": "ann@example.com"},
  "tags": ["one", "two"],
  "chapters": [{"heading": "First", "from": 1}],
  "labels": {"team": "ops"},
  "extra": [1, {"a": true}]
}`

// kept is a Recall in memory.
type kept struct {
	sent, templates []recall.Job
	err             error
	keeps           int
}

func (k *kept) Keeps() int { return k.keeps }

func (k *kept) Job(r aws.DispatchRequest, result aws.DispatchResult) recall.Job {
	return (*recall.Store)(nil).Job(r, result)
}

func (k *kept) Keep(_ string, j recall.Job) error {
	k.sent = append([]recall.Job{j}, k.sent...)
	return k.err
}

func (k *kept) Recent(string) ([]recall.Job, error)    { return k.sent, k.err }
func (k *kept) Templates(string) ([]recall.Job, error) { return k.templates, k.err }

func (k *kept) Save(_ string, j recall.Job) error {
	k.templates = append(k.templates, j)
	return k.err
}

func (k *kept) Delete(_, name string) error {
	for i, j := range k.templates {
		if j.Name == name {
			k.templates = append(k.templates[:i:i], k.templates[i+1:]...)
			return nil
		}
	}
	return recall.ErrNotFound
}

func before() *kept {
	at := screentest.Now()
	return &kept{
		keeps: 50,
		sent: []recall.Job{
			{At: at.Add(-4 * time.Minute), JobID: "job-1795471915568-abc9", Input: "{\n  \"url\": \"https://media.example/late.mp4\"\n}", Metadata: []byte(`{"ticket":"OPS-1"}`), Delay: time.Minute},
			{At: at.Add(-26 * time.Hour), JobID: "job-1795371915568-xyz1", Input: `{"url":7}`, Unchecked: true},
		},
		templates: []recall.Job{{Name: "smoke test", At: at, Input: `{"url":"https://media.example/smoke.mp4","quality":"low"}`}},
	}
}

func TestGolden(t *testing.T) {
	t.Parallel()
	denied := fmt.Errorf(`dispatch "video-processing": %w`, errors.New("access denied: sqs:SendMessage is missing from role ops-read"))
	full := []aws.Worker{worker(schema)}
	all := []aws.Worker{worker(rich)}
	tolerant := worker(schema)
	tolerant.TolerantSchema = true
	small := worker(schema)
	small.Queue.MaxMessageBytes = 150
	for name, state := range map[string]struct {
		setup setup
		keys  []string
	}{
		"loading":         {},
		"unknown":         {setup: setup{workers: []aws.Worker{}}},
		"valid":           {setup: setup{workers: full}, keys: []string{"'https://media.example/a.mp4"}},
		"valid-text":      {setup: setup{workers: full}, keys: []string{"'https://media.example/a.mp4", "ctrl+t"}},
		"problems":        {setup: setup{workers: full, input: `{"url":7,"quality":"best","crop":{"x":-1},"more":true}`}},
		"problems-text":   {setup: setup{workers: full, input: `{"url":7,"quality":"best","crop":{"x":-1},"more":true}`}, keys: []string{"ctrl+t"}},
		"refused":         {setup: setup{workers: full, input: `{"url":7,"crop":{"x":-1}}`}, keys: []string{"ctrl+s"}},
		"missing":         {setup: setup{workers: full, input: `{"crop":{}}`}, keys: []string{"ctrl+s"}},
		"syntax":          {setup: setup{workers: full}, keys: []string{"ctrl+t", "'a", "end", "', oops"}},
		"syntax-form":     {setup: setup{workers: full}, keys: []string{"ctrl+t", "'a", "end", "', oops", "ctrl+t"}},
		"warned":          {setup: setup{workers: []aws.Worker{tolerant}, input: `{"url":"a","more":1}`}},
		"no-schema":       {setup: setup{workers: []aws.Worker{worker("")}}},
		"no-schema-form":  {setup: setup{workers: []aws.Worker{worker("")}, input: `{"a":{"b":[1]}}`}, keys: []string{"ctrl+t"}},
		"bad-schema":      {setup: setup{workers: []aws.Worker{worker(`{"type": 7}`)}}},
		"sent":            {setup: setup{workers: full}, keys: []string{"ctrl+s"}},
		"denied":          {setup: setup{workers: full, sender: &sender{err: denied}}, keys: []string{"ctrl+s"}},
		"unplanned":       {setup: setup{workers: full, sender: &sender{planErr: errors.New("no queue was found for this worker and no base URL of the workers API is known: pass --base-url")}}},
		"read-only":       {setup: setup{workers: full, readOnly: true}},
		"reading":         {setup: setup{workers: full}, keys: []string{"esc"}},
		"rich":            {setup: setup{workers: all, input: richInput}},
		"rich-choice":     {setup: setup{workers: all, input: richInput}, keys: []string{"tab", "tab", "tab", "tab"}},
		"rich-variant":    {setup: setup{workers: all, input: richInput}, keys: []string{"tab", "tab", "tab", "tab", "tab", "tab", "tab", "right"}},
		"rich-folded":     {setup: setup{workers: all, input: richInput}, keys: []string{"tab", "tab", "tab", "tab", "tab", "tab", "tab", "enter"}},
		"rich-new":        {setup: setup{workers: all}},
		"several-lines":   {setup: setup{workers: full, input: `{"url":"one\ntwo\nthree"}`}},
		"options":         {setup: setup{workers: full}, keys: []string{"ctrl+g", "'my job", "tab", "'[1]", "tab", "'ftp://x", "tab", "'20m", "tab", "right"}},
		"options-refused": {setup: setup{workers: full}, keys: []string{"ctrl+g", "tab", "tab", "tab", "'20m", "ctrl+s"}},
		"again":           {setup: setup{workers: full, input: `{"url":"a"}`, metadata: `{"ticket":"OPS-1"}`, again: "job-1795471915568-abc9"}, keys: []string{"ctrl+g", "tab"}},
		"large":           {setup: setup{workers: []aws.Worker{small}, sender: &sender{queue: true}, input: `{"url":"` + strings.Repeat("x", 60) + `"}`}},
		"recent":          {setup: setup{workers: full, recall: before()}, keys: []string{"ctrl+r"}},
		"recent-empty":    {setup: setup{workers: full, recall: &kept{keeps: 50}}, keys: []string{"ctrl+r"}},
		"recent-off":      {setup: setup{workers: full, recall: &kept{}}, keys: []string{"ctrl+r"}},
		"recent-failed":   {setup: setup{workers: full, recall: &kept{err: errors.New("permission denied")}}, keys: []string{"ctrl+r"}},
		"naming":          {setup: setup{workers: full, recall: before()}, keys: []string{"alt+s", "'nightly"}},
	} {
		for _, size := range [][2]int{{60, 15}, {80, 19}, {120, 35}, {200, 45}} {
			t.Run(fmt.Sprintf("%s-%d", name, size[0]), func(t *testing.T) {
				t.Parallel()
				setup := state.setup
				if setup.sender != nil {
					own := *setup.sender
					setup.sender = &own
				}
				s, _ := setup.open(t)
				press(s, state.keys...)
				screentest.Golden(t, fmt.Sprintf("%s-%d", name, size[0]), s.View(size[0], size[1]), size[0], size[1])
			})
		}
	}
}

// A terminal of any size, any theme, gets whole frames of every state.
func TestFramesOfEverySize(t *testing.T) {
	t.Parallel()
	s, env := setup{workers: []aws.Worker{worker(rich)}, input: richInput, recall: before()}.open(t)
	check := func() {
		t.Helper()
		for _, w := range []int{40, 60, 99, 100, 101, 200, 300} {
			for _, h := range []int{3, 8, 15, 45} {
				s.Update(screen.Resized{Width: w, Height: h})
				screentest.Frame(t, s.View(w, h), w, h)
			}
		}
	}
	for range 30 {
		check()
		press(s, "tab")
	}
	for _, mono := range []*theme.Theme{theme.NewMono(true), theme.New(false, false)} {
		*env.Theme = *mono
		s.Update(screen.ThemeChanged{})
		check()
	}
	press(s, "ctrl+t")
	check()
	press(s, "ctrl+r")
	check()
	press(s, "t")
	s.Update(tea.PasteMsg{Content: "a\x1b[2Jname\n"})
	check()
}

func TestWithoutColoursNothingIsLost(t *testing.T) {
	t.Parallel()
	s, env := setup{workers: []aws.Worker{worker(schema)}, input: `{"url":7,"more":true}`}.open(t)
	*env.Theme = *theme.NewMono(true)
	s.Update(screen.ThemeChanged{})
	frame := theme.ToASCII(text(s, 120, 35))
	wants(t, frame, "must be a string", "x 2 problems", "to aiw-video-processing-demo", ">x url")
	for _, r := range frame {
		if r > 0x7f {
			t.Fatalf("%q is not ASCII in\n%s", r, frame)
		}
	}
}
