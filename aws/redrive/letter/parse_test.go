package letter_test

import (
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/microfox-ai/aiwctl/aws/redrive/letter"
)

// Lines as people and programs leave them.
func TestEditedLines(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ line, body string }{
		"jq -c":             {`{"id":"m","body":{"jobId":"j","input":{"n":2}}}`, `{"jobId":"j","input":{"n":2}}`},
		"python's spaces":   {`{"id": "m", "body": {"jobId": "j", "input": {"n": 2}}}`, `{"jobId": "j", "input": {"n": 2}}`},
		"a string":          {`{"id":"m","body":"{\"jobId\":\"j\"}"}`, `{"jobId":"j"}`},
		"escaped by python": {`{"id":"m","body":"\u00e5 \ud83d\ude00"}`, "å 😀"},
		"an array":          {`{"id":"m","body":[1, 2]}`, `[1, 2]`},
		"a bare number":     {`{"id":"m","body":5}`, `5`},
		"unknown fields":    {`{"id":"m","note":{"by":["me"]},"body":"x","priority":1e999}`, `x`},
		"nulls":             {`{"id":"m","sentAt":null,"attributes":null,"system":null,"receiveCount":null,"body":"x"}`, `x`},
		"nothing else":      {`{"body":"x"}`, `x`},
		"the body twice":    {`{"body":"x","body":{"a":1}}`, `{"a":1}`},
		"space around":      {" \t{\"body\":\"x\"} \t", `x`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := letter.ParseLine([]byte(c.line))
			if err != nil || got.Body != c.body {
				t.Errorf("body %q, %v; want %q", got.Body, err, c.body)
			}
			if strings.Contains(c.line, `"m"`) && got.ID != "m" {
				t.Errorf("id %q", got.ID)
			}
		})
	}
}

// Every error names what is wrong, and none says what a message says.
func TestParseErrors(t *testing.T) {
	t.Parallel()
	const secret = "s3cr3t"
	for line, want := range map[string]string{
		`{"id":"s3cr3t"}`:                                    "it has no body",
		`{"body":null,"id":"s3cr3t"}`:                        "it has no body",
		`null`:                                               "it has no body",
		`{"body":"s3cr3t"`:                                   "it is not JSON at byte 16 of 16",
		`{"body":s3cr3t}`:                                    "it is not JSON at byte 9 of 15",
		`{"body":"s3cr3t"} {"body":"x"}`:                     "it is not JSON at byte 19 of 30",
		`["s3cr3t"]`:                                         "it is JSON of type array and must be an object",
		`"s3cr3t"`:                                           "it is JSON of type string and must be an object",
		`{"id":{"s3cr3t":1},"body":"x"}`:                     `its field "id" is JSON of type object and must be a text`,
		`{"receiveCount":"s3cr3t","body":"x"}`:               `its field "receiveCount" is JSON of type string and must be a whole number`,
		`{"receiveCount":77123e999,"body":"x"}`:              `its field "receiveCount" is JSON of type number and must be a whole number`,
		`{"sentAt":"s3cr3t","body":"x"}`:                     `its field "sentAt" is no time such as 2026-05-04T10:11:12.000Z`,
		`{"firstReceivedAt":"2026-13-01","body":"x"}`:        `its field "firstReceivedAt" is no time such as 2026-05-04T10:11:12.000Z`,
		`{"system":{"MessageGroupId":7},"body":"x"}`:         `its field "system" is JSON of type number and must be a text`,
		`{"attributes":["s3cr3t"],"body":"x"}`:               `its field "attributes" is JSON of type array and must be an object`,
		`{"attributes":{"a":"s3cr3t"},"body":"x"}`:           `its field "attributes" is JSON of type string and must be an object`,
		`{"attributes":{"a":{"value":1}},"body":"x"}`:        `its field "attributes.value" is JSON of type number and must be a text`,
		`{"attributes":{"b":{},"a":null},"body":"x"}`:        `its attribute "a" needs a type, and either a value or base64`,
		"{\"body\":\"s3cr3t\xff\"}":                          "it is not UTF-8 text",
		"\xff\xfe{\x00\"\x00b\x00":                           "it is not UTF-8 text",
		`{"attributes":{"a":{"value":"s3cr3t"}},"body":"x"}`: `its attribute "a" needs a type, and either a value or base64`,
		`{"attributes":{"a":{"type":"String"}},"body":"x"}`:  `its attribute "a" needs a type, and either a value or base64`,
		`{"attributes":{"a":{"type":"String","value":"s3cr3t","base64":""}},"body":"x"}`: `its attribute "a" needs a type, and either a value or base64`,
		`{"attributes":{"a":{"type":"Binary","base64":"s3cr3t"}},"body":"x"}`:            `the base64 of its attribute "a" cannot be read: illegal base64 data at input byte 4`,
		`{"body":` + strings.Repeat("[", 20_000) + strings.Repeat("]", 20_000) + `}`:     "it is not JSON at byte 10008 of 40009",
	} {
		_, err := letter.ParseLine([]byte(line))
		if err == nil {
			t.Errorf("%.80q is read", line)
			continue
		}
		if err.Error() != want {
			t.Errorf("%.80q:\ngot  %v\nwant %s", line, err, want)
		}
		if strings.Contains(err.Error(), secret) || strings.Contains(err.Error(), "77123") {
			t.Errorf("%.80q is quoted: %v", line, err)
		}
	}
}

// SQS's own attributes are the truth; what they do not say is taken from the line.
func TestSystemAndFields(t *testing.T) {
	t.Parallel()
	got, err := letter.ParseLine([]byte(`{"sentAt":"2026-05-04T12:11:12.5+02:00","firstReceivedAt":"2026-05-05T00:00:00Z","receiveCount":3,"source":"arn:line",
		"system":{"SentTimestamp":"1770000000123","MessageGroupId":"g"},"body":"x"}`))
	if err != nil {
		t.Fatal(err)
	}
	if !got.SentAt.Equal(time.UnixMilli(1770000000123)) || !got.FirstReceived.Equal(time.Date(2026, 5, 5, 0, 0, 0, 0, time.UTC)) ||
		got.ReceiveCount != 3 || got.Source != "arn:line" || got.Group() != "g" {
		t.Errorf("%+v", got)
	}
}

func TestReadLines(t *testing.T) {
	t.Parallel()
	file := "\ufeff{\"body\":\"1\"}\r\n\r\n \t \n{\"body\":\"2\"}   \r\n\t{\"body\":{\"n\":3}}\n\n{\"body\":\"4\"}"
	for name, r := range map[string]*strings.Reader{"whole": strings.NewReader(file), "bytewise": strings.NewReader(file)} {
		in := letter.ReadLines(r)
		if name == "bytewise" {
			in = letter.ReadLines(iotest.OneByteReader(r))
		}
		var got []string
		for l, err := range in {
			if err != nil {
				t.Fatal(err)
			}
			got = append(got, l.Body)
		}
		if want := `1 2 {"n":3} 4`; strings.Join(got, " ") != want {
			t.Errorf("%s: %q", name, got)
		}
	}
}

func TestReadLinesStopsAtItsFirstError(t *testing.T) {
	t.Parallel()
	for file, want := range map[string]string{
		"{\"body\":\"1\"}\n\n\n{\"body\"}\n{\"body\":\"2\"}\n": "line 4: it is not JSON at byte 8 of 8",
		"{\"body\":\"1\"}\n\ufeff{\"body\":\"2\"}\n":           "line 2: it is not JSON at byte 1 of 15", // only a file begins with it
		"{\"body\":\"1\"}\n" + strings.Repeat("x", 17<<20):     "line 2: it is longer than 16 MiB",
		"{\"body\":\"1\"}\n{\n  \"body\": \"pretty\"\n}\n":     "line 2: it is not JSON at byte 1 of 1",
		"{\"body\":\"1\"}\n{\"body\":\"torn":                   "line 2: it is not JSON at byte 13 of 13",
	} {
		var errs []error
		n := 0
		for l, err := range letter.ReadLines(strings.NewReader(file)) {
			if err != nil {
				errs = append(errs, err)
				continue
			}
			if n++; l.Body != "1" {
				t.Errorf("%.60q: body %q", file, l.Body)
			}
		}
		if n != 1 || len(errs) != 1 || errs[0].Error() != want {
			t.Errorf("%.60q: %d letters, %v; want %s", file, n, errs, want)
		}
	}
	for _, err := range letter.ReadLines(iotest.ErrReader(iotest.ErrTimeout)) {
		if err == nil || err.Error() != "line 1: timeout" {
			t.Errorf("%v", err)
		}
	}
}

// A letter is its receiver's to keep.
func TestReadLinesSharesNothing(t *testing.T) {
	t.Parallel()
	var file []byte
	for i := range 300 {
		l := jobOf(i)
		file = append(l.AppendLine(file), '\n')
	}
	var all []*letter.Letter
	for l, err := range letter.ReadLines(strings.NewReader(string(file))) {
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, l)
	}
	for i, l := range all {
		want := jobOf(i)
		if err := same(l, &want); err != nil {
			t.Fatal(err)
		}
	}
}

func FuzzParseLine(f *testing.F) {
	l := jobOf(1)
	f.Add(l.AppendLine(nil))
	for _, line := range []string{`{"body":5}`, `{"attributes":{"b":{"type":"Binary","base64":"AAE="}},"body":"\ud800"}`, `{"sentAt":"2026-05-04T10:11:12Z","body":[]}`} {
		f.Add([]byte(line))
	}
	f.Fuzz(func(t *testing.T, line []byte) {
		got, err := letter.ParseLine(line)
		if err != nil {
			return
		}
		// Whatever was read can be written and read again.
		got.SentAt, got.FirstReceived = got.SentAt.Truncate(time.Millisecond), got.FirstReceived.Truncate(time.Millisecond)
		if err := sameAfter(&got); err != nil {
			t.Fatal(err)
		}
	})
}
