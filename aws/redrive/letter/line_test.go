package letter_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"pgregory.net/rapid"

	"github.com/microfox-ai/aiwctl/aws/redrive/letter"
)

// oddBodies are bodies that something could go wrong with.
func oddBodies() map[string]string {
	return map[string]string{
		"one character":           "x",
		"text":                    "hello",
		"escape-like":             `\n \u0041 \\ "\"`,
		"a terminal's escape":     "\u009b31mred",
		"delete":                  "a\x7fb",
		"bidi":                    "a\u202eb\u2066c\u200fd\u061ce",
		"line separators":         "a\u2028b\u2029c",
		"next line":               "a\u0085b",
		"replacement character":   "a\ufffdb",
		"a replaced in an object": "{\"a\":\"\ufffd\"}",
		"last of the planes":      "\ud7ff\ue000\U00010000\U0010ffff",
		"noncharacters":           "\ufdd0\U0001fffe",
		"byte order mark":         "\ufeff{}",
		"tab and ends of lines":   "a\tb\nc\r\nd\re",
		"job":                     `{"jobId":"j-1","workerId":"w","input":{"n":1}}`,
		"odd spacing":             `{ "a" :1 ,  "b":[ ] , "c":{ } }`,
		"space before":            ` {"a":1}`,
		"space after":             `{"a":1} `,
		"spaces around an array":  `  [1]  `,
		"newline after":           "{\"a\":1}\n",
		"newline inside":          "{\n  \"a\": 1\n}",
		"carriage return inside":  "{\"a\":1,\r\"b\":2}",
		"tab inside":              "{\"a\":\t1}",
		"a tab in a string":       "{\"a\":\"\t\"}", // no JSON
		"duplicate keys":          `{"a":1,"a":2,"body":3,"id":"x","body":4}`,
		"keys of a line":          `{"id":"x","system":{"SentTimestamp":"5"},"body":null}`,
		"huge numbers":            `{"a":123456789012345678901234567890,"b":1e999,"c":-0.0E-07}`,
		"escapes in an object":    `{"a":"\u0000\u001b\ud800\uD83D\uDE00\/\b\f"}`,
		"characters of HTML":      `{"a":"<b>&amp;</b>"}`,
		"bidi in an object":       "{\"a\":\"\u202e\"}",
		"C1 in an object":         "{\"\u0090\":1}",
		"separator in an object":  "{\"a\":\"\u2028\"}",
		"delete in an object":     "{\"a\":\"\x7f\"}",
		"emoji in an object":      `{"a":"👩‍👩‍👧 Åke"}`,
		"array":                   `[1,[2],{"a":null}]`,
		"two values":              `{} {}`,
		"out of the line":         `{},"id":"x","body":{}`,
		"two arrays":              `[],[]`,
		"broken":                  `{"a":`,
		"a string of JSON":        `"hello"`,
		"a number":                `5`,
		"null":                    `null`,
		"true":                    `true`,
		"deep":                    strings.Repeat("[", 400) + strings.Repeat("]", 400),
		// encoding/json reads it, and refuses a line that has it inside.
		"as deep as can be": strings.Repeat("[", 10_000) + strings.Repeat("]", 10_000),
		"deeper":            strings.Repeat(`{"a":`, 20_000) + "1" + strings.Repeat("}", 20_000),
		"1 MiB of text":     strings.Repeat("x", 1<<20),
		"1 MiB of escapes":  strings.Repeat("\x7f", 1<<20),
		"1 MiB of job":      `{"jobId":"` + strings.Repeat("\\n", 1<<19-7) + `"}`,
	}
}

// sameAfter writes a letter and reads it again, and says what is different then.
func sameAfter(l *letter.Letter) error {
	line := l.AppendLine([]byte("before"))
	if !bytes.HasPrefix(line, []byte("before")) {
		return errors.New("what was there is gone")
	}
	line = line[len("before"):]
	if err := isLine(line); err != nil {
		return err
	}
	got, err := letter.ParseLine(line)
	if err != nil {
		return err
	}
	return same(&got, l)
}

func isLine(line []byte) error {
	if !utf8.Valid(line) || !json.Valid(line) {
		return fmt.Errorf("the line is no JSON: %.200q", line)
	}
	for _, r := range string(line) {
		if unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r) || r == '\u2028' || r == '\u2029' {
			return fmt.Errorf("the line has %U: %.200q", r, line)
		}
	}
	return nil
}

func same(got, want *letter.Letter) error {
	if got.Body != want.Body {
		return fmt.Errorf("the body %.200q is now %.200q", want.Body, got.Body)
	}
	if got.ID != want.ID || got.Source != want.Source || got.ReceiveCount != want.ReceiveCount {
		return fmt.Errorf("is %+v, was %+v", got, want)
	}
	if !got.SentAt.Equal(want.SentAt) || !got.FirstReceived.Equal(want.FirstReceived) {
		return fmt.Errorf("times %v, %v; were %v, %v", got.SentAt, got.FirstReceived, want.SentAt, want.FirstReceived)
	}
	if len(got.System)+len(want.System) > 0 && !reflect.DeepEqual(got.System, want.System) {
		return fmt.Errorf("system %q, was %q", got.System, want.System)
	}
	if !reflect.DeepEqual(got.Message, want.Message) || (got.ParseErr == nil) != (want.ParseErr == nil) {
		return fmt.Errorf("read as %+v, %w; was %+v, %w", got.Message, got.ParseErr, want.Message, want.ParseErr)
	}
	if len(got.Attributes) != len(want.Attributes) {
		return fmt.Errorf("%d attributes, were %d", len(got.Attributes), len(want.Attributes))
	}
	for name, w := range want.Attributes {
		g := got.Attributes[name]
		if *g.DataType != *w.DataType || (g.StringValue == nil) != (w.StringValue == nil) || !bytes.Equal(g.BinaryValue, w.BinaryValue) ||
			g.StringValue != nil && *g.StringValue != *w.StringValue {
			return fmt.Errorf("attribute %q is %+v, was %+v", name, g, w)
		}
	}
	return nil
}

func TestOddBodiesComeBack(t *testing.T) {
	t.Parallel()
	for name, body := range oddBodies() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l := letter.FromSQS(&types.Message{MessageId: new("id-1"), Body: &body})
			if err := sameAfter(&l); err != nil {
				t.Error(err)
			}
			for got, err := range letter.ReadLines(bytes.NewReader(append(l.AppendLine(nil), '\n'))) {
				if err != nil || got.Body != body {
					t.Errorf("read from a file: %v", err)
				}
			}
		})
	}
}

// An object stands in the line, so that jq '.body.input.n = 2' works.
func TestObjectsStandAsTheyAre(t *testing.T) {
	t.Parallel()
	for _, body := range []string{`{"jobId":"j","input":{ "n":1e3,"n":2}}`, `[{"ä":"\u0000"},1]`, `{}`, `[]`} {
		l := letter.FromSQS(&types.Message{Body: &body})
		if line := string(l.AppendLine(nil)); !strings.HasSuffix(line, `,"body":`+body+`}`) {
			t.Errorf("%s is in the line as %s", body, line)
		}
	}
}

func TestLine(t *testing.T) {
	t.Parallel()
	l := letter.FromSQS(&types.Message{
		MessageId: new("m-1"), Body: new(`{"jobId":"j-1","workerId":"orders"}`),
		Attributes: map[string]string{
			letter.SysSentAt: "1770000000123", letter.SysFirstReceived: "1770000001000", letter.SysReceiveCount: "4", letter.SysSource: "arn:q",
		},
		MessageAttributes: map[string]types.MessageAttributeValue{
			"n":   {DataType: new("Number.int"), StringValue: new("7")},
			"b":   {DataType: new("Binary"), BinaryValue: []byte{0, 1}},
			"nil": {DataType: new("Binary.png")}, // an empty one, as the SDK may give it
		},
	})
	want := `{"id":"m-1","jobId":"j-1","workerId":"orders","sentAt":"2026-02-02T02:40:00.123Z","firstReceivedAt":"2026-02-02T02:40:01.000Z",` +
		`"receiveCount":4,"source":"arn:q","error":{"text":"<a>\u009b\u202e\u2028"},"n":3,` +
		`"attributes":{"b":{"type":"Binary","base64":"AAE="},"n":{"type":"Number.int","value":"7"},"nil":{"type":"Binary.png","base64":""}},` +
		`"system":{"ApproximateFirstReceiveTimestamp":"1770000001000","ApproximateReceiveCount":"4","DeadLetterQueueSourceArn":"arn:q","SentTimestamp":"1770000000123"},` +
		`"body":{"jobId":"j-1","workerId":"orders"}}`
	extra := []letter.Field{
		{Name: "error", Value: map[string]string{"text": "<a>\u009b\u202e\u2028"}},
		{Name: "n", Value: 3},
		{Name: "never", Value: make(chan int)}, // no JSON
	}
	got := l.AppendLine(nil, extra...)
	if string(got) != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	back, err := letter.ParseLine(got)
	if err == nil {
		err = same(&back, &l)
	}
	if err != nil {
		t.Error(err)
	}
	if err := sameAfter(&back); err != nil {
		t.Errorf("a second time: %v", err)
	}
}

// What is said besides never changes the letter, whatever it is called.
func TestExtraFieldsAreNotRead(t *testing.T) {
	t.Parallel()
	l := jobOf(1)
	l.Attributes, l.System = nil, nil
	for _, name := range []string{"error", "problems", "body", "BODY", "Id2"} {
		line := l.AppendLine(nil, letter.Field{Name: name, Value: "x"})
		if err := isLine(line); err != nil {
			t.Error(err)
		}
		if got, err := letter.ParseLine(line); err != nil || got.Body != l.Body || got.ID != l.ID {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// A time that no time can be written for is left out: the letter can still be kept.
func TestTimesBeyondTheCalendar(t *testing.T) {
	t.Parallel()
	l := letter.FromSQS(&types.Message{Body: new("x"), Attributes: map[string]string{letter.SysSentAt: "999999999999999999"}})
	if err := sameAfter(&l); err != nil {
		t.Error(err)
	}
}

// The characters that SQS allows.
func allowed() *rapid.Generator[rune] {
	return rapid.Custom(func(t *rapid.T) rune {
		r := rapid.OneOf(
			rapid.SampledFrom([]rune("\t\n\r \"\\/{}[]:,abn09-.eE\u007f\u0080\u0085\u009b\u061c\u200e\u2028\u2029\u202e\u2069\ufeff\ufffd\U00010000")),
			rapid.RuneFrom(nil, unicode.L, unicode.Cf, unicode.So),
			rapid.Int32Range(0x20, 0x10ffff),
		).Draw(t, "rune")
		if r >= 0xd800 && r < 0xe000 || r == 0xfffe || r == 0xffff {
			return 'x'
		}
		return r
	})
}

func anyText(most int) *rapid.Generator[string] {
	return rapid.StringOfN(allowed(), 1, most, -1)
}

// anyJSON is JSON as odd programs write it.
func anyJSON() *rapid.Generator[string] {
	scalar := rapid.OneOf(
		rapid.SampledFrom([]string{"null", "true", "false", "0", "-0", "1e+9", "12345678901234567890.50", `""`, `"\u2028"`, `"\ud800"`}),
		rapid.Map(anyText(8), func(s string) string {
			out, _ := json.Marshal(s) // a string is JSON
			return string(out)
		}),
		rapid.Map(anyText(8), func(s string) string { return `"` + s + `"` }), // perhaps none
	)
	space := rapid.SampledFrom([]string{"", "", "", " ", "  ", "\n", "\t", "\r\n"})
	return rapid.Deferred(func() *rapid.Generator[string] { return nested(scalar, space, 3) })
}

func nested(scalar, space *rapid.Generator[string], depth int) *rapid.Generator[string] {
	if depth == 0 {
		return scalar
	}
	return rapid.Custom(func(t *rapid.T) string {
		gap := func() string { return space.Draw(t, "space") }
		open, shut := "[", "]"
		object := rapid.Bool().Draw(t, "object")
		if object {
			open, shut = "{", "}"
		}
		var b strings.Builder
		b.WriteString(gap() + open + gap())
		for i := range rapid.IntRange(0, 3).Draw(t, "members") {
			if i > 0 {
				b.WriteString("," + gap())
			}
			if object {
				b.WriteString(rapid.SampledFrom([]string{`"a"`, `"body"`, `"jobId"`, `"\u0041"`}).Draw(t, "key") + gap() + ":" + gap())
			}
			b.WriteString(nested(scalar, space, rapid.IntRange(0, depth-1).Draw(t, "depth")).Draw(t, "member") + gap())
		}
		b.WriteString(shut + gap())
		return b.String()
	})
}

func anyLetter(t *rapid.T) letter.Letter {
	m := types.Message{MessageId: new(anyText(20).Draw(t, "id")), Body: new(rapid.OneOf(anyText(60), anyJSON()).Draw(t, "body"))}
	if n := rapid.IntRange(0, 10).Draw(t, "attributes"); n > 0 {
		m.MessageAttributes = map[string]types.MessageAttributeValue{}
		for range n {
			var v types.MessageAttributeValue
			switch kind := rapid.SampledFrom([]string{"String", "Number", "Binary"}).Draw(t, "type"); kind {
			case "Binary":
				v.BinaryValue = rapid.SliceOfN(rapid.Byte(), 0, 20).Draw(t, "binary")
				v.DataType = new(kind + rapid.SampledFrom([]string{"", ".png"}).Draw(t, "custom"))
			case "Number":
				v.StringValue = new(rapid.StringMatching(`-?[0-9]{1,30}(\.[0-9]{1,30})?(e[0-9]{2})?`).Draw(t, "number"))
				v.DataType = new(kind + rapid.SampledFrom([]string{"", ".int"}).Draw(t, "custom"))
			default:
				v.StringValue, v.DataType = new(anyText(20).Draw(t, "string")), new(kind+rapid.StringMatching(`(\.[^\x00-\x1f]{1,10})?`).Draw(t, "custom"))
			}
			m.MessageAttributes[rapid.StringMatching(`[A-Za-z0-9_.-]{1,20}`).Draw(t, "name")] = v
		}
	}
	m.Attributes = rapid.MapOfN(
		rapid.SampledFrom([]string{letter.SysSentAt, letter.SysFirstReceived, letter.SysReceiveCount}),
		rapid.Map(rapid.Int64Range(-1, 1<<50), func(n int64) string { return fmt.Sprint(n) }), 0, 3,
	).Draw(t, "numbers")
	for _, name := range []string{letter.SysSource, letter.SysGroup, letter.SysDeduplication, letter.SysTraceHeader, "SenderId"} {
		if rapid.Bool().Draw(t, name) {
			m.Attributes[name] = anyText(20).Draw(t, "text of "+name)
		}
	}
	return letter.FromSQS(&m)
}

func TestLettersComeBack(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		l := anyLetter(t)
		if err := sameAfter(&l); err != nil {
			t.Fatal(err)
		}
	})
}

func FuzzLine(f *testing.F) {
	for _, body := range oddBodies() {
		if len(body) < 1000 {
			f.Add("id", body, "String", "text", []byte(nil))
		}
	}
	f.Add("", "x", "Binary", "", []byte{0, 255})
	f.Fuzz(func(t *testing.T, id, body, kind, value string, binary []byte) {
		for _, s := range []string{id, body, kind, value} {
			if !utf8.ValidString(s) || body == "" || kind == "" {
				t.Skip()
			}
		}
		v := types.MessageAttributeValue{DataType: &kind, BinaryValue: binary}
		if len(binary) == 0 {
			v = types.MessageAttributeValue{DataType: &kind, StringValue: &value}
		}
		l := letter.FromSQS(&types.Message{
			MessageId: &id, Body: &body, MessageAttributes: map[string]types.MessageAttributeValue{value: v}, Attributes: map[string]string{value: id},
		})
		if err := sameAfter(&l); err != nil {
			t.Fatal(err)
		}
	})
}

// Bytes that are no text can come only from a broken queue; what is written then is
// still a line.
func TestBrokenTextIsStillALine(t *testing.T) {
	t.Parallel()
	for _, body := range []string{"\xff", "{\"a\":\"\xff\"}", "a\xe2\x80"} {
		l := letter.FromSQS(&types.Message{Body: &body})
		if err := isLine(l.AppendLine(nil, letter.Field{Name: "x", Value: json.RawMessage("\"\xff\"")})); err != nil {
			t.Errorf("%q: %v", body, err)
		}
	}
}
