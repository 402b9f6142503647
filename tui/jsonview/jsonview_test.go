package jsonview_test

import (
	"strings"
	"testing"

	"github.com/charmbracelet/x/ansi"

	"github.com/microfox-ai/aiwctl/tui/jsonview"
	"github.com/microfox-ai/aiwctl/tui/screentest"
	"github.com/microfox-ai/aiwctl/tui/theme"
)

func show(t *testing.T, v *jsonview.View, width, height int) string {
	t.Helper()
	v.SetSize(width, height)
	frame := strings.Join(v.Lines(), "\n")
	screentest.Frame(t, frame, width, height)
	var lines []string
	for line := range strings.SplitSeq(ansi.Strip(frame), "\n") {
		lines = append(lines, strings.TrimRight(line, " "))
	}
	return strings.TrimRight(strings.Join(lines, "\n"), "\n")
}

func TestShow(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name, body string
		fields     []jsonview.Field
		width      int
		want       string
	}{
		{"indents", `{"b":1,"a":[true,null],"c":{}}`, nil, 40, "{\n  \"b\": 1,\n  \"a\": [\n    true,\n    null\n  ],\n  \"c\": {}\n}"},
		{"keeps numbers as they are", `{"n":12345678901234567890.10e2}`, nil, 40, "{\n  \"n\": 12345678901234567890.10e2\n}"},
		{"wraps long strings", `{"a":"abcdefghijklmno"}`, nil, 14, "{\n  \"a\": \"abcdef\n    ghijklmno\"\n}"},
		{"wraps wide letters", `{"a":"日本語日本語"}`, nil, 14, "{\n  \"a\": \"日本語\n    日本語\"\n}"},
		{"not JSON", "one\n two {", nil, 40, "one\n two {"},
		{"text wraps at words", "one two three four", nil, 10, "one two\nthree four"},
		{"escaped quotes", `{"a":"say \"hi\": ok"}`, nil, 40, "{\n  \"a\": \"say \\\"hi\\\": ok\"\n}"},
		{"fields", `1`, []jsonview.Field{{"job", "job-1"}, {"message", "a b c d e f g h i j"}}, 20, "job      job-1\nmessage  a b c d e f\n         g h i j\n\n1"},
		{"empty", "", nil, 40, "(empty)"},
		{"control characters", "{\"a\":\"\u009b31mred\u202e\"}", nil, 40, "{\n  \"a\": \"red\"\n}"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			v := jsonview.New(theme.New(true, false))
			v.Set("1", test.fields, test.body)
			if got := show(t, v, test.width, 12); got != test.want {
				t.Errorf("got\n%s\nwant\n%s", got, test.want)
			}
		})
	}
}

func TestScroll(t *testing.T) {
	t.Parallel()
	v := jsonview.New(theme.New(true, false))
	v.SetSize(20, 3)
	v.Set("1", nil, "1\n2\n3\n4\n5\nx")
	for _, step := range []struct{ key, want string }{
		{"j", "2\n3\n4"}, {"G", "4\n5\nx"}, {"k", "3\n4\n5"}, {"pgdown", "4\n5\nx"}, {"g", "1\n2\n3"}, {"k", "1\n2\n3"}, {"ctrl+d", "2\n3\n4"},
	} {
		v.Key(step.key)
		if got := show(t, v, 20, 3); got != step.want {
			t.Errorf("after %s: %q, want %q", step.key, got, step.want)
		}
	}
	v.Set("1", nil, "1\n2\n3\n4\n5\n6\nx")
	if got := show(t, v, 20, 3); got != "2\n3\n4" {
		t.Errorf("the same document lost its place: %q", got)
	}
	v.Set("2", nil, "1\n2\n3\n4\n5\nx")
	if got := show(t, v, 20, 3); got != "1\n2\n3" {
		t.Errorf("another document does not begin at its top: %q", got)
	}
}
