package form_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/charmbracelet/x/ansi"
	"pgregory.net/rapid"

	"github.com/microfox-ai/aiwctl/dispatch"
	"github.com/microfox-ai/aiwctl/dispatch/fullschema"
	"github.com/microfox-ai/aiwctl/tui/compose/form"
	"github.com/microfox-ai/aiwctl/tui/screentest"
	"github.com/microfox-ai/aiwctl/tui/theme"
)

// owner has a text and shows it to a pane, as the dispatch screen does.
type owner struct {
	t      interface{ Fatalf(string, ...any) }
	schema *dispatch.Schema
	pane   *form.Pane
	text   string
	option string
	note   string
}

func open(t interface{ Fatalf(string, ...any) }, schema, text string) *owner {
	o := &owner{t: t, pane: form.New(theme.New(true, false), 1<<20)}
	var err error
	if o.schema, err = fullschema.Compile(json.RawMessage(schema)); err != nil {
		t.Fatalf("%v", err)
	}
	o.show(text)
	o.pane.Begin()
	o.pane.Focus()
	return o
}

func (o *owner) show(text string) {
	o.text = text
	laid, problem := o.schema.Form([]byte(text))
	if problem != nil {
		o.pane.Freeze(text, problem.String())
		return
	}
	o.pane.Show(text, laid)
	o.pane.Violations(o.schema.Validate([]byte(text)))
}

func (o *owner) take(edit form.Edit) {
	o.note = edit.Note
	if edit.Extra != "" {
		o.option = edit.Value
		o.extras()
	}
	if edit.Text == nil {
		return
	}
	if !json.Valid([]byte(*edit.Text)) {
		o.t.Fatalf("an edit made %q of %q", *edit.Text, o.text)
	}
	o.show(*edit.Text)
}

func (o *owner) extras() {
	o.pane.Extras([]form.Extra{
		{ID: "who", Label: "who", Value: o.option, Empty: "nobody", Help: "who it is"},
		{ID: "how", Label: "how", Value: "auto", Choices: []string{"auto", "local"}},
	})
}

// press presses keys, and types what begins with '.
func (o *owner) press(keys ...string) *owner {
	for _, key := range keys {
		names := []string{key}
		if typed, ok := strings.CutPrefix(key, "'"); ok {
			names = strings.Split(typed, "")
		}
		for _, name := range names {
			if name == " " {
				name = "space"
			}
			o.take(o.pane.Key(screentest.Key(name)))
		}
	}
	return o
}

func (o *owner) frame(width, height int) string {
	return ansi.Strip(strings.Join(o.pane.Lines(width, height), "\n"))
}

func TestKeysOfEveryKindOfField(t *testing.T) {
	t.Parallel()
	object := func(property string) string { return `{"type":"object","properties":{"a":` + property + `}}` }
	union := `{"properties":{"via":{"oneOf":[
		{"type":"object","properties":{"k":{"const":"m"},"to":{"type":"string"},"n":{"type":"integer"}},"required":["k","to"]},
		{"type":"object","properties":{"k":{"const":"h"},"url":{"type":"string"},"n":{"type":"integer"}},"required":["k","url"]}]}}}`
	for _, tt := range []struct {
		name, schema, text string
		keys               []string
		want               string
	}{
		{"a string", object(`{"type":"string"}`), `{"a":"x"}`, []string{"'y\"z"}, `{"a":"xy\"z"}`},
		{"a string that was not there", object(`{"type":"string"}`), `{}`, []string{"'hi"}, "{\n  \"a\": \"hi\"\n}"},
		{"a string of several lines", object(`{"type":"string"}`), `{"a":"x"}`, []string{"ctrl+j", "'y"}, `{"a":"x\ny"}`},
		{"moving within a string of several lines", object(`{"type":"string"}`), `{"a":"x\ny"}`, []string{"up", "'1", "down", "'2"}, `{"a":"x1\ny2"}`},
		{"wide characters", object(`{"type":"string"}`), `{"a":"日本"}`, []string{"backspace", "'é"}, `{"a":"日é"}`},
		{"a number", object(`{"type":"number"}`), `{"a":1}`, []string{"'.5e3"}, `{"a":1.5e3}`},
		{"an integer that was not there", object(`{"type":"integer"}`), `{}`, []string{"'42"}, "{\n  \"a\": 42\n}"},
		{"half a number is a text until it is one", object(`{"type":"integer"}`), `{"a":7}`, []string{"backspace", "'-"}, "{\n  \"a\": \"-\"\n}"},
		{"an optional number without a digit is left out", object(`{"type":"integer"}`), `{"a":7,"b":1}`, []string{"backspace"}, `{"b":1}`},
		{"a number that is written as a text", object(`{"type":"integer"}`), `{"a":"12"}`, []string{"'3"}, `{"a":123}`},
		{"a boolean", object(`{"type":"boolean"}`), `{"a":false}`, []string{"space"}, `{"a":true}`},
		{"a boolean by its letter", object(`{"type":"boolean"}`), `{"a":false}`, []string{"'y"}, `{"a":true}`},
		{"a boolean that was not there", object(`{"type":"boolean"}`), `{}`, []string{"left"}, "{\n  \"a\": true\n}"},
		{"an enum", object(`{"enum":["x","y",3]}`), `{"a":"x"}`, []string{"right", "right"}, `{"a":3}`},
		{"an enum, back and around", object(`{"enum":["x","y",3]}`), `{"a":"x"}`, []string{"left"}, `{"a":3}`},
		{"an enum by its letter", object(`{"enum":["low","high","higher"]}`), `{"a":"low"}`, []string{"'hh"}, `{"a":"higher"}`},
		{"a value that is none of an enum", object(`{"enum":["x","y"]}`), `{"a":"z"}`, []string{"right"}, `{"a":"x"}`},
		{"a const", object(`{"const":{"v":1}}`), `{}`, []string{"space"}, "{\n  \"a\": {\n    \"v\": 1\n  }\n}"},
		{"null", object(`{"type":["string","null"]}`), `{"a":"x"}`, []string{"alt+n"}, `{"a":null}`},
		{"null and back", object(`{"type":["integer","null"]}`), `{"a":3}`, []string{"alt+n", "alt+n"}, `{"a":0}`},
		{"typing over null", object(`{"type":["string","null"]}`), `{"a":null}`, []string{"'x"}, `{"a":"x"}`},
		{"the default", object(`{"type":"integer","default":9}`), `{"a":1}`, []string{"alt+d"}, `{"a":9}`},
		{"examples one after the other", object(`{"type":"string","examples":["p","q"]}`), `{}`, []string{"alt+e", "alt+e"}, "{\n  \"a\": \"q\"\n}"},
		{"taken out", object(`{"type":"string"}`), `{"a":"x", "b":1}`, []string{"alt+x"}, `{"b":1}`},
		{"an object that was not there", object(`{"type":"object","properties":{"x":{"type":"integer","minimum":2}},"required":["x"]}`), `{}`, []string{"ctrl+home", "enter"}, "{\n  \"a\": {\n    \"x\": 2\n  }\n}"},
		{"a member of an object that was not there", object(`{"type":"object","properties":{"x":{"type":"string"}}}`), `{}`, []string{"ctrl+home", "enter", "down", "'v"}, "{\n  \"a\": {\n    \"x\": \"v\"\n  }\n}"},
		{"folding changes nothing", object(`{"type":"object","properties":{"x":{"type":"string"}}}`), `{"a":{"x":"1"}}`, []string{"ctrl+home", "enter", "down", "up", "enter", "down", "'2"}, `{"a":{"x":"12"}}`},
		{"an item more", object(`{"type":"array","items":{"type":"string"}}`), `{"a":["x"]}`, []string{"ctrl+home", "down", "down", "enter", "'y"}, `{"a":["x", "y"]}`},
		{"the first item of an array that was not there", object(`{"type":"array","items":{"type":"integer"}}`), `{}`, []string{"ctrl+home", "enter", "down", "enter", "backspace", "'7"}, "{\n  \"a\": [\n    7\n  ]\n}"},
		{"an item out", object(`{"type":"array","items":{"type":"string"}}`), `{"a":["x","y"]}`, []string{"ctrl+home", "down", "alt+x"}, `{"a":["y"]}`},
		{"an item moved, the cursor with it", object(`{"type":"array","items":{"type":"string"}}`), `{"a":["x","y","z"]}`, []string{"ctrl+home", "down", "alt+down", "alt+down", "'!"}, `{"a":["y","z","x!"]}`},
		{"another variant keeps what both have", union, `{"via":{"k":"m","to":"t","n":4}}`, []string{"ctrl+home", "right"}, `{"via":{"k":"h","url":"","n":4}}`},
		{"another type", object(`{"anyOf":[{"type":"string"},{"type":"integer"}]}`), `{"a":"x"}`, []string{"alt+v"}, `{"a":0}`},
		{"any JSON", object(`{}`), `{"a":1}`, []string{"ctrl+u", "'[1]"}, `{"a":[1]}`},
		{"any text", object(`{}`), `{"a":1}`, []string{"' x"}, `{"a":"1 x"}`},
		{"a property more", `{"type":"object","additionalProperties":{"type":"integer"}}`, `{"x":1}`, []string{"down", "'né w/", "enter", "backspace", "'5"}, `{"x":1,"né w/":5}`},
		{"a property that is there", `{"type":"object"}`, `{"x":1}`, []string{"down", "'x", "enter", "'2"}, `{"x":12}`},
		{"the whole input", `{"type":"string"}`, `"x"`, []string{"'y"}, `"xy"`},
		{"in the order of the schema", `{"properties":{"a":{"type":"string"},"b":{"type":"string"},"c":{"type":"string"}}}`, "{\n  \"c\": \"1\",\n  \"z\": 0\n}", []string{"down", "'x"}, "{\n  \"b\": \"x\",\n  \"c\": \"1\",\n  \"z\": 0\n}"},
		{"a carriage return is kept", object(`{"type":"string"}`), `{"a":"x\r\ny"}`, []string{"left", "'z"}, `{"a":"x\r\nyz"}`},
		{"the person's own formatting", object(`{"type":"string"}`), "{ \"q\" :[ 1,2 ],\t\"a\":\"x\"}", []string{"'y"}, "{ \"q\" :[ 1,2 ],\t\"a\":\"xy\"}"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			o := open(t, tt.schema, tt.text).press(tt.keys...)
			if o.text != tt.want {
				t.Errorf("got\n%s\nwant\n%s\n%s\n%s", o.text, tt.want, o.note, o.frame(60, 20))
			}
		})
	}
}

func TestProposalsAreReplacedByTyping(t *testing.T) {
	t.Parallel()
	schema := `{"properties":{"a":{"type":"string"},"b":{"type":"integer"}}}`
	for name, tt := range map[string]struct {
		keys []string
		want string
	}{
		"typing replaces":              {[]string{"'x", "tab", "'7"}, `{"a":"x","b":7}`},
		"right edits":                  {[]string{"right", "'x"}, `{"a":"propx","b":1}`},
		"backspace empties":            {[]string{"backspace", "'y"}, `{"a":"y","b":1}`},
		"going over it changes it not": {[]string{"tab", "up", "tab", "enter"}, `{"a":"prop","b":1}`},
	} {
		o := open(t, schema, `{"a":"prop","b":1}`)
		o.pane.Propose()
		if o.press(tt.keys...); o.text != tt.want {
			t.Errorf("%s: %s, want %s", name, o.text, tt.want)
		}
	}
}

func TestATextThatIsNotJSONHoldsTheForm(t *testing.T) {
	t.Parallel()
	o := open(t, `{"properties":{"a":{"type":"string"}}}`, `{"a":"x"}`)
	o.extras()
	o.show(`{"a":"x`)
	o.press("'y")
	if o.text != `{"a":"x` || o.note == "" {
		t.Errorf("typing made %s, and says %q", o.text, o.note)
	}
	if frame := o.frame(70, 14); !strings.Contains(frame, "the form waits for JSON: line 1, column 6") || !strings.Contains(frame, "a") {
		t.Errorf("got\n%s", frame)
	}
	// Options are no part of the text.
	o.pane.ToExtra("who")
	if o.press("'me"); o.option != "me" {
		t.Errorf("the option is %q", o.option)
	}
	o.show(`{"a":"xz"}`)
	o.pane.ToPointer("/a")
	if o.press("'!"); o.text != `{"a":"xz!"}` {
		t.Errorf("after it was corrected: %s", o.text)
	}
}

func TestUndoElsewhereShowsInTheField(t *testing.T) {
	t.Parallel()
	o := open(t, `{"properties":{"a":{"type":"string"}}}`, `{"a":"x"}`).press("'yz")
	o.show(`{"a":"x"}`)
	if o.press("'!"); o.text != `{"a":"x!"}` {
		t.Errorf("got %s", o.text)
	}
}

// A long text is laid out beside the typing; the field that is typed into knows where it
// stands meanwhile.
func TestTypingGoesOnWhileTheFormIsBeingMade(t *testing.T) {
	t.Parallel()
	o := open(t, `{"properties":{"a":{"type":"string"},"b":{"type":"string"}}}`, `{"a":"x","b":""}`)
	for _, key := range []string{"1", "2"} {
		edit := o.pane.Key(screentest.Key(key))
		if edit.Text == nil {
			t.Fatalf("%s did nothing: %s", key, edit.Note)
		}
		o.text = *edit.Text
		o.pane.Show(o.text, nil)
	}
	if o.text != `{"a":"x12","b":""}` {
		t.Errorf("got %s", o.text)
	}
	o.pane.Key(screentest.Key("down"))
	if edit := o.pane.Key(screentest.Key("3")); edit.Text != nil || edit.Note == "" {
		t.Errorf("a field without a place took a key: %+v", edit)
	}
	o.show(o.text)
	if o.press("'4"); o.text != `{"a":"x12","b":"4"}` {
		t.Errorf("got %s", o.text)
	}
}

func TestViolationsStandBesideTheirFields(t *testing.T) {
	t.Parallel()
	o := open(t, `{"properties":{"a":{"type":"integer","minimum":3},"o":{"type":"object","properties":{"deep":{"type":"string"}}}},"required":["need"]}`, `{"a":1,"o":{"deep":7}}`)
	frame := o.frame(60, 20)
	for _, want := range []string{"must be at least 3", "must be a string", "need*", "required"} {
		if !strings.Contains(frame, want) {
			t.Errorf("%q is not in\n%s", want, frame)
		}
	}
	o.pane.ToPointer("/o")
	if o.press("enter"); !strings.Contains(o.frame(60, 20), "1 problem inside") {
		t.Errorf("a folded field says nothing:\n%s", o.frame(60, 20))
	}
	o.pane.ToPointer("/o/deep")
	if frame := o.frame(60, 20); !strings.Contains(frame, "must be a string") {
		t.Errorf("the way to a problem does not unfold it:\n%s", frame)
	}
	if got := o.pane.Missing(dispatch.Violation{Keyword: "required"}); got != "/need" {
		t.Errorf("missing is %s", got)
	}
}

func TestHostileSchemasAreHarmless(t *testing.T) {
	t.Parallel()
	evil, err := json.Marshal("\x1b]0;title\x07\x1b[2J\r\n\u202e\u009b31m\x00\ttext")
	if err != nil {
		t.Fatal(err)
	}
	schema := strings.ReplaceAll(`{"title":E,"properties":{
		E:{"type":"string","title":E,"description":E,"default":E,"examples":[E],"format":E,"pattern":"x"},
		"e":{"enum":[E,1]},"v":{"oneOf":[{"title":E,"type":"object","properties":{E:{"const":E}}},{"title":E,"type":"object","properties":{"z":{"const":1}}}]},
		"l":{"type":"array","items":{"type":"object","additionalProperties":{"type":"string"}}}}}`, "E", string(evil))
	text := strings.ReplaceAll(`{E:E,"e":E,"v":{E:E},"l":[{E:E}]}`, "E", string(evil))
	o := open(t, schema, text)
	for range 20 {
		for _, size := range [][2]int{{20, 3}, {40, 9}, {60, 15}, {120, 40}} {
			screentest.Frame(t, strings.Join(o.pane.Lines(size[0], size[1]), "\n"), size[0], size[1])
		}
		o.press("down", "right", "alt+v", "alt+e")
	}
}

// keys are what a person may press in a form.
var keys = []string{
	"up", "down", "tab", "shift+tab", "left", "right", "space", "enter", "pgdown", "pgup", "ctrl+home", "ctrl+end", "home", "end",
	"alt+x", "alt+d", "alt+e", "alt+n", "alt+v", "alt+up", "alt+down", "backspace", "delete", "ctrl+w", "ctrl+u", "ctrl+k", "ctrl+j",
	"a", "1", "\"", "{", "-", "日", "[", "t", "y",
}

const everything = `{"$defs":{"node":{"type":"object","properties":{"name":{"type":"string"},"next":{"$ref":"#/$defs/node"}},"required":["name"]}},
	"type":"object","required":["s","v"],"properties":{
	"s":{"type":"string","default":"d","examples":["p","q"]},"n":{"type":["number","null"]},"i":{"type":"integer","default":3},"b":{"type":"boolean"},
	"e":{"enum":["x","y",null,{"o":1}]},"c":{"const":"c"},"v":{"oneOf":[{"type":"object","properties":{"k":{"const":1},"a":{"type":"string"}},"required":["k"]},{"type":"object","properties":{"k":{"const":2},"l":{"type":"array","items":{"type":"integer"}}},"required":["k"]},{"type":"string"}]},
	"l":{"type":"array","items":{"anyOf":[{"type":"string"},{"type":"null"}]}},"t":{"$ref":"#/$defs/node"},"x":{},"m":{"type":"object","additionalProperties":{"type":"integer"}}}}`

// TestFormAndTextAgree: whatever is pressed and whatever is changed in the text, the
// text that comes out is JSON, the form is of that text, and frames are whole.
func TestFormAndTextAgree(t *testing.T) {
	t.Parallel()
	texts := []string{
		`{}`, "{\n  \"s\": \"x\",\n  \"l\": [\"a\", null]\n}", `{"v":{"k":2,"l":[1,2]},"t":{"name":"a","next":{"name":"b"}}}`, `[1]`, `null`, `{"s":{"no":1},"x":[[]],"x":2,"":3}`, `{"a":`, ``,
	}
	rapid.Check(t, func(rt *rapid.T) {
		o := open(rt, everything, rapid.SampledFrom(texts[:6]).Draw(rt, "text"))
		o.extras()
		for range rapid.IntRange(1, 60).Draw(rt, "steps") {
			switch rapid.IntRange(0, 20).Draw(rt, "step") {
			case 0:
				o.show(rapid.SampledFrom(texts).Draw(rt, "text"))
			case 1:
				o.take(o.pane.Paste("p\r\n\"\x1b日"))
			case 2:
				o.pane.Blur()
				o.pane.Focus()
			default:
				o.press(rapid.SampledFrom(keys).Draw(rt, "key"))
			}
			laid, problem := o.schema.Form([]byte(o.text))
			if problem == nil && !o.pane.Usable() || problem != nil && o.pane.Usable() {
				rt.Fatalf("the form of %q is usable: %v", o.text, o.pane.Usable())
			}
			if f := o.pane.Field(); f != nil && laid != nil {
				now := laid.Field(f.Path)
				if now == nil || string(now.Value) != string(f.Value) || now.Present != f.Present {
					rt.Fatalf("%s is %s in the form of %q", f.Pointer, f.Value, o.text)
				}
				if at, ok := o.pane.Offset(); ok != now.Present || ok && at != now.Start {
					rt.Fatalf("%s stands at %d, %v in %q", f.Pointer, at, ok, o.text)
				}
			}
			screentest.Frame(t, strings.Join(o.pane.Lines(50, 12), "\n"), 50, 12)
		}
	})
}

func BenchmarkKeyAndFrame(b *testing.B) {
	var properties, members []string
	for i := range 200 {
		properties = append(properties, fmt.Sprintf(`"field%d":{"type":"string","description":"what it is for","minLength":1}`, i))
		members = append(members, fmt.Sprintf(`"field%d":"value"`, i))
	}
	o := open(b, `{"type":"object","properties":{`+strings.Join(properties, ",")+`}}`, "{"+strings.Join(members, ",")+"}")
	for i := 0; b.Loop(); i++ {
		key := "a"
		if i%2 == 1 {
			key = "backspace"
		}
		o.press(key)
		if o.pane.Lines(100, 45) == nil {
			b.Fatal("no frame")
		}
	}
}
