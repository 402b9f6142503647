package jsonedit_test

import (
	"encoding/json"
	"errors"
	"reflect"
	"slices"
	"strconv"
	"testing"

	"pgregory.net/rapid"

	"github.com/microfox-ai/aiwctl/dispatch/jsonedit"
)

func doc(t interface{ Fatal(...any) }, text string) *jsonedit.Doc {
	d, err := jsonedit.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func TestChangesKeepTheRest(t *testing.T) {
	t.Parallel()
	type change func(*jsonedit.Doc) (string, error)
	set := func(raw string, behind []string, path ...string) change {
		return func(d *jsonedit.Doc) (string, error) { return d.Set(path, raw, behind) }
	}
	remove := func(path ...string) change {
		return func(d *jsonedit.Doc) (string, error) { return d.Remove(path) }
	}
	insert := func(index int, raw string, path ...string) change {
		return func(d *jsonedit.Doc) (string, error) { return d.InsertItem(path, index, raw) }
	}
	move := func(by int, path ...string) change {
		return func(d *jsonedit.Doc) (string, error) { return d.Move(path, by) }
	}
	for _, tt := range []struct {
		name, text string
		do         change
		want       string
	}{
		{"a value", "{ \"a\" :1,  \"b\": 1e2 }", set(`"x"`, nil, "a"), "{ \"a\" :\"x\",  \"b\": 1e2 }"},
		{"an item", `[1, 2 ,3]`, set(`9`, nil, "1"), `[1, 9 ,3]`},
		{"the whole", `7`, set(`{"a":1}`, nil), "{\n  \"a\": 1\n}"},
		{"a member at the end", "{\n  \"a\": 1\n}", set(`2`, nil, "b"), "{\n  \"a\": 1,\n  \"b\": 2\n}"},
		{"a member in its place", "{\n  \"a\": 1,\n  \"c\": 3\n}", set(`2`, []string{"a"}, "b"), "{\n  \"a\": 1,\n  \"b\": 2,\n  \"c\": 3\n}"},
		{"a member at the start", "{\n  \"c\": 3\n}", set(`2`, []string{}, "b"), "{\n  \"b\": 2,\n  \"c\": 3\n}"},
		{"tabs", "{\n\t\"a\": {\n\t\t\"x\": 1\n\t}\n}", set(`{"z":[]}`, nil, "a", "y"), "{\n\t\"a\": {\n\t\t\"x\": 1,\n\t\t\"y\": {\n\t\t\t\"z\": []\n\t\t}\n\t}\n}"},
		{"compact", `{"a":1,"b":2}`, set(`{ "x": 3 }`, nil, "c"), `{"a":1,"b":2,"c":{"x":3}}`},
		{"one line with blanks", `{"a": 1, "b": 2}`, set(`3`, nil, "c"), `{"a": 1, "b": 2, "c": 3}`},
		{"compact, alone", `{"a":1}`, set(`3`, nil, "c"), `{"a":1,"c":3}`},
		{"into nothing", `{}`, set(`1`, nil, "a"), "{\n  \"a\": 1\n}"},
		{"into nothing, inside a line", `{"o":{}}`, set(`1`, nil, "o", "a"), `{"o":{"a":1}}`},
		{"into nothing, inside lines", "{\n  \"o\": {}\n}", set(`1`, nil, "o", "a"), "{\n  \"o\": {\n    \"a\": 1\n  }\n}"},
		{"with the objects it belongs to", "{\n  \"x\": 0\n}", set(`1`, nil, "o", "p", "a"), "{\n  \"x\": 0,\n  \"o\": {\n    \"p\": {\n      \"a\": 1\n    }\n  }\n}"},
		{"an item at the end by its index", `[1,2]`, set(`3`, nil, "2"), `[1,2,3]`},
		{"an item before others", "[\n  1,\n  2\n]", insert(0, `0`), "[\n  0,\n  1,\n  2\n]"},
		{"an item into nothing", `{"l":[]}`, insert(0, `0`, "l"), `{"l":[0]}`},
		{"the first member out", "{\n  \"a\": 1,\n  \"b\": 2\n}", remove("a"), "{\n  \"b\": 2\n}"},
		{"the last member out", "{\n  \"a\": 1,\n  \"b\": 2\n}", remove("b"), "{\n  \"a\": 1\n}"},
		{"the only member out", "{\n  \"a\": 1\n}", remove("a"), "{}"},
		{"a member given twice out", `{"a":1,"b":2,"a":3}`, remove("a"), `{"b":2}`},
		{"an item out", `[1, 2, 3]`, remove("1"), `[1, 3]`},
		{"items exchanged", "[\n  {\"a\":1},\n  2\n]", move(1, "0"), "[\n  2,\n  {\"a\":1}\n]"},
		{"the last of equal names counts", `{"a":1,"a":2}`, set(`3`, nil, "a"), `{"a":1,"a":3}`},
		{"names are escaped", `{"a":1}`, set(`3`, nil, "\"\n\x1b"), `{"a":1,"\"\n\u001b":3}`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got, err := tt.do(doc(t, tt.text))
			if err != nil {
				t.Fatal(err)
			}
			if got != tt.want {
				t.Errorf("got\n%s\nwant\n%s", got, tt.want)
			}
		})
	}
}

func TestWhatHasNoPlace(t *testing.T) {
	t.Parallel()
	d := doc(t, `{"a":1,"l":[1]}`)
	for name, err := range map[string]error{
		"a member of a number":  second(d.Set([]string{"a", "b"}, `1`, nil)),
		"an item far behind":    second(d.Set([]string{"l", "5"}, `1`, nil)),
		"a name for an item":    second(d.Set([]string{"l", "x"}, `1`, nil)),
		"no array":              second(d.InsertItem([]string{"a"}, 0, `1`)),
		"nothing to remove":     second(d.Remove([]string{"z"})),
		"the root":              second(d.Remove(nil)),
		"moved over the edge":   second(d.Move([]string{"l", "0"}, 1)),
		"a member has no order": second(d.Move([]string{"a"}, 1)),
	} {
		if !errors.Is(err, jsonedit.ErrNoPlace) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := d.Set(nil, `{`, nil); err == nil {
		t.Error("what is not JSON was put in")
	}
	var syntax *jsonedit.SyntaxError
	if _, err := jsonedit.Parse("{\n1"); !errors.As(err, &syntax) || syntax.Line != 2 || syntax.Column != 1 {
		t.Errorf("%v", err)
	}
}

func second(_ string, err error) error { return err }

// TestChangesDoWhatTheySay holds every change to the same change of the decoded value.
func TestChangesDoWhatTheySay(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		text := drawText(rt, 3)
		for range rapid.IntRange(1, 12).Draw(rt, "changes") {
			d := doc(rt, text)
			path := drawPath(rt, decode(rt, text))
			raw := drawText(rt, 1)
			var next string
			var err error
			want := decode(rt, text)
			switch rapid.SampledFrom([]string{"set", "remove", "insert", "add"}).Draw(rt, "change") {
			case "set":
				next, err = d.Set(path, raw, nil)
				want = changed(want, path, func(any) (any, bool) { return decode(rt, raw), true })
			case "add":
				if _, ok := at(want, path).(map[string]any); !ok {
					continue
				}
				name := rapid.StringOfN(rapid.RuneFrom([]rune("ab\"/ü")), 0, 3, -1).Draw(rt, "name")
				path = append(slices.Clone(path), name)
				next, err = d.Set(path, raw, rapid.SampledFrom([][]string{nil, {}, {"a"}}).Draw(rt, "behind"))
				want = changed(want, path, func(any) (any, bool) { return decode(rt, raw), true })
			case "insert":
				list, ok := at(want, path).([]any)
				if !ok {
					continue
				}
				i := rapid.IntRange(0, len(list)).Draw(rt, "index")
				next, err = d.InsertItem(path, i, raw)
				want = changed(want, path, func(any) (any, bool) { return slices.Insert(slices.Clone(list), i, decode(rt, raw)), true })
			case "remove":
				if len(path) == 0 {
					continue
				}
				next, err = d.Remove(path)
				want = changed(want, path, func(any) (any, bool) { return nil, false })
			}
			if err != nil {
				rt.Fatalf("%q at %q: %v", text, path, err)
			}
			if got := decode(rt, next); !reflect.DeepEqual(got, want) {
				rt.Fatalf("%q at %q became %q", text, path, next)
			}
			text = next
		}
	})
}

func decode(t interface{ Fatal(...any) }, text string) any {
	var v any
	if err := json.Unmarshal([]byte(text), &v); err != nil {
		t.Fatal(err, text)
	}
	return v
}

func at(v any, path []string) any {
	for _, token := range path {
		switch x := v.(type) {
		case map[string]any:
			v = x[token]
		case []any:
			i, _ := strconv.Atoi(token)
			v = x[i]
		}
	}
	return v
}

func changed(v any, path []string, do func(any) (any, bool)) any {
	if len(path) == 0 {
		v, _ = do(v)
		return v
	}
	switch x := v.(type) {
	case map[string]any:
		if len(path) == 1 {
			fresh, keep := do(x[path[0]])
			if delete(x, path[0]); keep {
				x[path[0]] = fresh
			}
			return x
		}
		x[path[0]] = changed(x[path[0]], path[1:], do)
	case []any:
		i, _ := strconv.Atoi(path[0])
		if len(path) == 1 {
			fresh, keep := do(x[i])
			if !keep {
				return slices.Delete(x, i, i+1)
			}
			x[i] = fresh
			return x
		}
		x[i] = changed(x[i], path[1:], do)
	}
	return v
}

func drawPath(t *rapid.T, v any) []string {
	path := []string{}
	for rapid.Bool().Draw(t, "deeper") {
		switch x := v.(type) {
		case map[string]any:
			if len(x) == 0 {
				return path
			}
			names := make([]string, 0, len(x))
			for name := range x {
				names = append(names, name)
			}
			slices.Sort(names)
			name := rapid.SampledFrom(names).Draw(t, "member")
			path, v = append(path, name), x[name]
		case []any:
			if len(x) == 0 {
				return path
			}
			i := rapid.IntRange(0, len(x)-1).Draw(t, "item")
			path, v = append(path, strconv.Itoa(i)), x[i]
		default:
			return path
		}
	}
	return path
}

// drawText draws JSON with white space of every kind.
func drawText(t *rapid.T, depth int) string {
	space := rapid.SampledFrom([]string{"", "", " ", "\n", "\n  ", "\t", "\r\n    "})
	kinds := []string{"1", `"x"`, "null", "true", `"\"{[,:\\"`, "-0.5e3"}
	if depth > 0 {
		kinds = append(kinds, "{", "[", "{", "[")
	}
	kind := rapid.SampledFrom(kinds).Draw(t, "kind")
	if kind != "{" && kind != "[" {
		return kind
	}
	text := kind + space.Draw(t, "space")
	n := rapid.IntRange(0, 3).Draw(t, "length")
	for i := range n {
		if i > 0 {
			text += "," + space.Draw(t, "space")
		}
		if kind == "{" {
			text += rapid.SampledFrom([]string{`"a"`, `"b"`, `"c"`, `""`, `"\u0061"`, `"a/b"`}).Draw(t, "name") + space.Draw(t, "space") + ":" + space.Draw(t, "space")
		}
		text += drawText(t, depth-1) + space.Draw(t, "space")
	}
	return text + map[string]string{"{": "}", "[": "]"}[kind]
}
