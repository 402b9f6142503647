package editor_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/charmbracelet/x/ansi"
	"pgregory.net/rapid"

	"github.com/microfox-ai/aiwctl/tui/compose/editor"
	"github.com/microfox-ai/aiwctl/tui/screentest"
	"github.com/microfox-ai/aiwctl/tui/theme"
)

const limit = 1 << 20

func newEditor(text string) *editor.Editor {
	e := editor.New(theme.New(true, false), limit)
	e.SetText(text)
	e.Focus()
	return e
}

// press presses keys, named as in screentest.Key; what is in quotes is typed.
func press(t testing.TB, e *editor.Editor, keys ...string) {
	t.Helper()
	for _, key := range keys {
		if typed, ok := strings.CutPrefix(key, "'"); ok {
			for _, r := range strings.TrimSuffix(typed, "'") {
				name := string(r)
				if r == ' ' {
					name = "space"
				}
				if err := e.Key(screentest.Key(name)); err != nil {
					t.Fatal(err)
				}
			}
			continue
		}
		if err := e.Key(screentest.Key(key)); err != nil {
			t.Fatal(err)
		}
	}
}

func frame(t testing.TB, e *editor.Editor, width, height int) []string {
	t.Helper()
	lines := e.Lines(width, height)
	screentest.Frame(t, strings.Join(lines, "\n"), width, height)
	for i := range lines {
		lines[i] = strings.TrimRight(ansi.Strip(lines[i]), " ")
	}
	return lines
}

func TestKeys(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name, text string
		keys       []string
		want       string // with | where the cursor is
	}{
		{"types", "", []string{"'a b'"}, "a b|"},
		{"newline keeps the indentation", "  a", []string{"end", "enter", "'b'"}, "  a\n  b|"},
		{"newline in a block", "{}", []string{"right", "enter", "'x'"}, "{\n  x|\n}"},
		{"newline after an opening bracket", "[1]", []string{"right", "enter"}, "[\n  |1]"},
		{"a closing bracket goes back", "{\n  ", []string{"ctrl+end", "'}'"}, "{\n}|"},
		{"backspace joins lines", "a\nb", []string{"down", "home", "backspace"}, "a|b"},
		{"delete joins lines", "a\nb", []string{"end", "delete"}, "a|b"},
		{"backspace takes a whole character", "e\u0301👩‍👩‍👧x", []string{"end", "left", "backspace"}, "e\u0301|x"},
		{"backspace takes an accent with its letter", "ae\u0301", []string{"end", "backspace"}, "a|"},
		{"right goes over a wide character", "日本", []string{"right"}, "日|本"},
		{"down keeps the cell", "日本\nabcdef", []string{"end", "down"}, "日本\nabcd|ef"},
		{"down keeps the cell over a short line", "abcdef\nx\nabcdef", []string{"end", "down", "down"}, "abcdef\nx\nabcdef|"},
		{"down is not next problem here", "a\nb", []string{"down"}, "a\n|b"},
		{"home goes to the text, then to the edge", "  ab", []string{"end", "home", "home"}, "|  ab"},
		{"words", `{"first": "second"}`, []string{"alt+right", "alt+right", "alt+left"}, `{"first": "|second"}`},
		{"delete word", "one two", []string{"end", "ctrl+w"}, "one |"},
		{"delete to the end", "one two", []string{"alt+right", "ctrl+k"}, "one|"},
		{"delete to the start", "one two", []string{"alt+right", "ctrl+u"}, "| two"},
		{"tab indents", "a", []string{"tab", "tab", "shift+tab"}, "  |a"},
		{"undo takes a typed word back at once", "x", []string{"end", "'yz'", "ctrl+z"}, "x|"},
		{"undo and redo", "x", []string{"end", "'y'", "enter", "'z'", "ctrl+z", "ctrl+z", "ctrl+y"}, "xy\n|"},
		{"page down", strings.Repeat("a\n", 30), []string{"pgdown", "'b'"}, strings.Repeat("a\n", 9) + "b|a\n" + strings.Repeat("a\n", 20)},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			e := newEditor(test.text)
			e.Lines(60, 10)
			press(t, e, test.keys...)
			if got := marked(e); got != test.want {
				t.Errorf("got  %q\nwant %q", got, test.want)
			}
		})
	}
}

// marked is the text with | where the cursor is.
func marked(e *editor.Editor) string {
	line, column := e.Position()
	lines := strings.Split(e.Text(), "\n")
	runes := []rune(lines[line-1])
	lines[line-1] = string(slices.Insert(runes, column-1, '|'))
	return strings.Join(lines, "\n")
}

func TestPastesKeepEveryByte(t *testing.T) {
	t.Parallel()
	e := newEditor("")
	if err := e.Insert("{\r\n\t\"a\":\u202e\"\u009b31m\x01\"\r}"); err != nil {
		t.Fatal(err)
	}
	if want := "{\n\t\"a\":\u202e\"\u009b31m\x01\"\n}"; e.Text() != want {
		t.Errorf("the text is %q, want %q", e.Text(), want)
	}
	got := frame(t, e, 40, 4)
	if want := "   2   \"a\":\uFFFD\"\uFFFD31m\uFFFD\""; got[1] != want {
		t.Errorf("shown as %q, want %q", got[1], want)
	}
}

func TestTheLimitIsTold(t *testing.T) {
	t.Parallel()
	e := editor.New(theme.New(true, false), 10)
	e.SetText("12345678")
	if err := e.Insert("abc"); !errors.Is(err, editor.ErrFull) {
		t.Errorf("err = %v, want ErrFull", err)
	}
	if e.Text() != "12345678" {
		t.Errorf("a part was inserted: %q", e.Text())
	}
	if err := e.Insert("ab"); err != nil || e.Size() != 10 {
		t.Errorf("what fits was refused: %v, %d bytes", err, e.Size())
	}
	if err := e.Key(screentest.Key("x")); !errors.Is(err, editor.ErrFull) {
		t.Errorf("err = %v, want ErrFull", err)
	}
}

func TestMarksStandBesideTheirLinesAlsoWhenLinesWrap(t *testing.T) {
	t.Parallel()
	e := newEditor("{\n" + strings.Repeat("x", 40) + "\n}")
	e.SetMarks(map[int]editor.Mark{2: editor.MarkError, 3: editor.MarkWarning})
	got := strings.Join(frame(t, e, 26, 6), "\n")
	want := strings.Join([]string{
		"   1 {",
		"✗  2 " + strings.Repeat("x", 20),
		"     " + strings.Repeat("x", 20),
		"!  3 }",
		"", "",
	}, "\n")
	if got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func TestReplaceCanBeUndone(t *testing.T) {
	t.Parallel()
	e := newEditor("one\ntwo")
	press(t, e, "down", "end")
	e.Replace("three")
	if line, _ := e.Position(); e.Text() != "three" || line != 1 {
		t.Errorf("text %q, line %d", e.Text(), line)
	}
	press(t, e, "ctrl+z")
	if got := marked(e); got != "one\ntwo|" {
		t.Errorf("undone to %q", got)
	}
}

// model is the simplest editor there is.
type model struct {
	text []rune
	at   int
	past []model
}

func (m *model) edit(text []rune, at int) {
	m.past = append(m.past, model{text: m.text, at: m.at})
	m.text, m.at = text, at
}

func TestEditingIsWhatTheModelDoes(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		e, m := newEditor(""), &model{}
		word := rapid.StringOfN(rapid.RuneFrom([]rune("a\"{é日 \n")), 1, 12, -1)
		width, height := rapid.IntRange(10, 40).Draw(rt, "width"), rapid.IntRange(1, 8).Draw(rt, "height")
		for range rapid.IntRange(1, 40).Draw(rt, "steps") {
			switch op := rapid.SampledFrom([]string{"insert", "insert", "backspace", "delete", "left", "right", "ctrl+home", "ctrl+end", "undo", "goto"}).Draw(rt, "op"); op {
			case "insert":
				s := word.Draw(rt, "text")
				if err := e.Insert(s); err != nil {
					rt.Fatal(err)
				}
				m.edit(slices.Concat(m.text[:m.at], []rune(s), m.text[m.at:]), m.at+len([]rune(s)))
			case "backspace":
				press(t, e, op)
				if m.at > 0 {
					m.edit(slices.Concat(m.text[:m.at-1], m.text[m.at:]), m.at-1)
				}
			case "delete":
				press(t, e, op)
				if m.at < len(m.text) {
					m.edit(slices.Concat(m.text[:m.at], m.text[m.at+1:]), m.at)
				}
			case "left":
				press(t, e, op)
				m.at = max(0, m.at-1)
			case "right":
				press(t, e, op)
				m.at = min(len(m.text), m.at+1)
			case "ctrl+home":
				press(t, e, op)
				m.at = 0
			case "ctrl+end":
				press(t, e, op)
				m.at = len(m.text)
			case "undo":
				e.Undo()
				if n := len(m.past); n > 0 {
					*m = model{text: m.past[n-1].text, at: m.past[n-1].at, past: m.past[:n-1]}
				}
			case "goto":
				m.at = rapid.IntRange(0, len(m.text)).Draw(rt, "at")
				head := string(m.text[:m.at])
				line := strings.Count(head, "\n")
				e.Goto(line+1, len([]rune(head[strings.LastIndex(head, "\n")+1:]))+1)
			}
			if e.Text() != string(m.text) {
				rt.Fatalf("the text is %q, want %q", e.Text(), string(m.text))
			}
			if e.Size() != len(e.Text()) {
				rt.Fatalf("the size is %d, want %d", e.Size(), len(e.Text()))
			}
			head := string(m.text[:m.at])
			wantLine := strings.Count(head, "\n") + 1
			wantColumn := len([]rune(head[strings.LastIndex(head, "\n")+1:])) + 1
			if line, column := e.Position(); line != wantLine || column != wantColumn {
				rt.Fatalf("the cursor is on %d:%d, want %d:%d in %q", line, column, wantLine, wantColumn, e.Text())
			}
			lines := e.Lines(width, height)
			drawn := strings.Join(lines, "\n")
			screentest.Frame(t, drawn, width, height)
			if strings.Count(drawn, "\x1b[7m") != 1 {
				rt.Fatalf("the cursor is not to be seen once in %q", drawn)
			}
		}
	})
}

func TestMovingByRowsNeverLeavesTheText(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		text := rapid.StringOfN(rapid.RuneFrom([]rune("ab日\t\n\u0301")), 0, 120, -1).Draw(rt, "text")
		e := newEditor(text)
		for range 40 {
			e.Lines(rapid.IntRange(8, 30).Draw(rt, "width"), rapid.IntRange(1, 9).Draw(rt, "height"))
			press(t, e, rapid.SampledFrom([]string{"up", "down", "pgup", "pgdown", "home", "end", "alt+left", "alt+right"}).Draw(rt, "key"))
		}
		for range len(text) + 2 {
			press(t, e, "down")
		}
		last := strings.Count(text, "\n") + 1
		if line, _ := e.Position(); line != last {
			rt.Fatalf("down ends on line %d of %d", line, last)
		}
		for range len(text) + 2 {
			press(t, e, "up")
		}
		if line, _ := e.Position(); line != 1 {
			rt.Fatalf("up ends on line %d", line)
		}
		if e.Text() != text {
			rt.Fatal("moving changed the text")
		}
	})
}

func BenchmarkLines(b *testing.B) {
	for name, text := range map[string]string{
		"50-lines":    strings.Repeat(`  "name": "value", "n": 12,`+"\n", 50),
		"20000-lines": strings.Repeat(`  "name": "value", "n": 12,`+"\n", 20000),
		"one-line":    `{"data":"` + strings.Repeat("x", 1<<19) + `"}`,
	} {
		b.Run(name, func(b *testing.B) {
			e := newEditor(text)
			e.Goto(len(text), 1)
			for b.Loop() {
				if got := len(e.Lines(120, 40)); got != 40 {
					b.Fatal(got)
				}
			}
		})
	}
}

func BenchmarkType(b *testing.B) {
	text := strings.Repeat(`  "name": "value", "n": 12,`+"\n", 20000)
	e := newEditor(text)
	e.Goto(10000, 5)
	for i := 0; b.Loop(); i++ {
		key := "a"
		if i%2 == 1 {
			key = "backspace"
		}
		if err := e.Key(screentest.Key(key)); err != nil {
			b.Fatal(err)
		}
	}
}
