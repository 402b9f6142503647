package pattern_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/microfox-ai/aiwctl/aws/local/cwlogs/pattern"
)

// The JSON messages of AWS's description of the syntax.
const (
	trail = `{"eventType":"UpdateTrail","sourceIPAddress":"111.111.111.111","arrayKey":["value","another value"],
		"objectList":[{"name":"a","id":1},{"name":"b","id":2}],"SomeObject":null,"ThisFlag":true}`
	users = `{"user":{"id":1,"email":"John.Stiles@example.com"},
		"users":[{"id":2,"email":"John.Doe@example.com"},{"id":3,"email":"Jane.Doe@example.com"}],
		"actions":["GET","PUT","DELETE"],"coordinates":[[0,1,2],[4,5,6],[7,8,9]]}`
	access404 = `127.0.0.1 - frank [10/Oct/2000:13:25:15 -0700] "GET /index.html HTTP/1.0" 404 1534`
)

func TestMatch(t *testing.T) {
	t.Parallel()
	tests := []struct {
		pattern, message string
		want             bool
	}{
		// From AWS's description: terms.
		{`ERROR`, "[ERROR] A fatal exception has occurred", true},
		{`ERROR`, "Exiting with ERRORCODE: -1", true},
		{`ERROR`, "error: lower case", false},
		{`"ERROR" -"Exiting"`, "[ERROR] A fatal exception has occurred", true},
		{`"ERROR" -"Exiting"`, "Exiting with ERRORCODE: -1", false},
		{`ERROR Exception`, "[ERROR] Caught IllegalArgumentException", true},
		{`ERROR Exception`, "[ERROR] A fatal exception has occurred", false},
		{`Failed to process the request`, "[ERROR] Unable to continue: Failed to process the request", true},
		{`ERROR`, "WARN message", false},
		{`?ERROR ?WARN`, "ERROR message", true},
		{`?ERROR ?WARN`, "WARN message", true},
		{`?ERROR ?WARN`, "INFO message", false},
		{`ERROR WARN`, "ERROR WARN message", true},
		{`ERROR WARN`, "WARN message", false},
		{`ERROR -WARN`, "ERROR message", true},
		{`ERROR -WARN`, "ERROR WARN message", false},
		{`?ERROR ?ARGUMENTS REQUEST`, "INFO REQUEST", true}, // the optional terms are ignored
		{`?ERROR ?ARGUMENTS REQUEST`, "ERROR ARGUMENTS", false},
		{`"INTERNAL SERVER ERROR"`, "[ERROR 500] INTERNAL SERVER ERROR", true},
		{`"INTERNAL SERVER ERROR"`, "[ERROR 500] SERVER ERROR, INTERNAL", false},
		{`" "`, "anything", true},
		{`""`, "anything", true},
		{``, "anything", true},
		{`"say \"hi\""`, `they say "hi" to you`, true},

		// Regular expressions.
		{`%colou?r%`, "the colour red", true},
		{`%^[hc]at%`, "hat on", true},
		{`%^[hc]at%`, "that", false},
		{`%a{3,5}%`, "aa", false},
		{`%10\.10\.0\.1%`, "from 10.10.0.1 today", true},
		{`%10\.10\.0\.1%`, "from 10x10.0.1 today", false},
		{`%gray|grey% -dark`, "dark grey", false},

		// From AWS's description: JSON.
		{`{ $.eventType = "UpdateTrail" }`, trail, true},
		{`{$.eventType="UpdateTrail"}`, trail, true},
		{`{ $.eventType = UpdateTrail }`, trail, true},
		{`{ $.eventType = %Trail% }`, trail, true},
		{`{ $.eventType != %Trail% }`, trail, false},
		{`{ $.sourceIPAddress != 123.123.* }`, trail, true},
		{`{ $.sourceIPAddress = 111.111.* }`, trail, true},
		{`{ $.arrayKey[0] = "value" }`, trail, true},
		{`{ $.arrayKey[1] = "value" }`, trail, false},
		{`{ $.arrayKey[9] = "value" }`, trail, false},
		{`{ $.arrayKey[*] = "another value" }`, trail, true},
		{`{ $.objectList[1].id = 2 }`, trail, true},
		{`{ $.objectList[*].id = 2 }`, trail, true},
		{`{ $.objectList[*].id > 2 }`, trail, false},
		{`{ $.SomeObject IS NULL }`, trail, true},
		{`{ $.ThisFlag IS NULL }`, trail, false},
		{`{ $.SomeOtherObject NOT EXISTS }`, trail, true},
		{`{ $.SomeObject NOT EXISTS }`, trail, false},
		{`{ $.ThisFlag IS TRUE }`, trail, true},
		{`{ $.ThisFlag IS FALSE }`, trail, false},
		{`{ $.arrayKey IS TRUE }`, trail, false},
		{`{ ($.user.id = 1) && ($.users[0].email = "John.Doe@example.com") }`, users, true},
		{`{ ($.user.id = 2 && $.users[0].email = "nonmatch") || $.actions[2] = "GET" }`, users, false},
		{`{ $.user.email = "John.Stiles@example.com" || $.coordinates[0][1] = nonmatch && $.actions[2] = nomatch }`, users, true},
		{`{ ($.user.email = "John.Stiles@example.com" || $.coordinates[0][1] = nonmatch) && $.actions[2] = nomatch }`, users, false},
		{`{ $.coordinates[1][2] = 6 }`, users, true},
		{`{ $.users = 1 }`, `{"users":[1,2,3]}`, false},
		{`{ $.users != 1 }`, `{"users":[1,2,3]}`, false},
		{`{ $.foo = bar || $.foo = baz }`, `{"foo":"baz"}`, true},
		{`{ $.latency = * }`, `{"latency":12}`, true},
		{`{ $.latency = * }`, `{"other":12}`, false},
		{`{ $.latency >= 500 }`, `{"latency":500}`, true},
		{`{ $.latency > +1000 }`, `{"latency":1000}`, false},
		{`{ $.numbers[0] < 10e3 }`, `{"numbers":[9999.5]}`, true},
		{`{ $.numbers[0] < 10e-3 }`, `{"numbers":[0.01]}`, false},
		{`{ $.processes[4].averageRuntime <= 55.5 }`, `{"processes":[0,0,0,0,{"averageRuntime":55.5}]}`, true},
		{`{ $.errorCode = 400 }`, `{"errorCode":400}`, true},
		{`{ $.errorCode = 400 }`, `{"errorCode":"400"}`, true},
		{`{ $.errorCode != 500 }`, `{"errorCode":400}`, true},
		{`{ $.status = 4* }`, `{"status":404}`, true},
		{`{ $.msg = *Event }`, `{"msg":"PutEvent"}`, true},
		{`{ $.msg = Ev*ent }`, `{"msg":"EvXent"}`, false},
		{`{ $.msg = Ev*ent }`, `{"msg":"Ev*ent"}`, true},
		{`{ $.['a.b'] = 1 }`, `{"a.b":1}`, true},
		{`{ $.* = "x" }`, `{"a":"y","b":"x"}`, true},

		// The log lines of a worker.
		{`{ $.jobId = "job-1" && ($.attempt > 5 || $.error IS NULL) }`, `{"jobId":"job-1","attempt":1,"error":null}`, true},
		{`{ $.jobId = "job-1" && ($.attempt > 5 || $.error IS NULL) }`, `{"jobId":"job-1","attempt":1}`, false},
		{`{ $.jobId = "job-1" }`, `[AIWORKER_RUN] {"jobId":"job-1"}`, false},
		{`{ $.jobId = "job-1" }`, `{"jobId":"job-1"} trailing`, false},
		{`{ $.jobId = "job-1" }`, `  {"jobId":"job-1"}` + "\n", true},
		{`{ $.jobId = "job-1" }`, `{"jobId":`, false},
		{`{ $.jobId = "job-1" }`, `{"jobId":"\u006aob-1"}`, true}, // the same text, written otherwise
		{`{ $.a = "x" || $.b = "y" }`, `{"b":"y"}`, true},
		{`{ ($.a = "x" && $.b = 2) || $.c = "z*" }`, `{"c":"zoo"}`, true},
		{`{ $.a = "x" && ($.b = "y" || $.c = "z") }`, `{"a":"x","c":"z"}`, true},
		{`{ $.a = "ü" }`, `{"a":"ü"}`, true},

		// From AWS's description: fields between spaces.
		{`[ip, user, username, timestamp, request, status_code, bytes]`, access404, true},
		{`[ip, user, username, timestamp, request, status_code]`, access404, false},
		{`[..., status_code, bytes]`, access404, true},
		{`[ip, user, ..., status_code, bytes]`, access404, true},
		{`[ip, user, ...]`, access404, true},
		{`[ip, user, username, timestamp, request, status_code, bytes > 1000]`, access404, true},
		{`[ip, user, username, timestamp, request, status_code, bytes > 2000]`, access404, false},
		{`[ip, user, username, timestamp, request, status_code = 200, bytes]`, access404, false},
		{`[ip, user, username, timestamp, request, status_code = 4*, bytes]`, access404, true},
		{`[ip, user, username, timestamp, request = *html*, status_code = 4*, bytes]`, access404, true},
		{`[..., request=*.html*, status_code=4*,]`, access404, true},
		{`[ip, user, username, timestamp, request, status_code = 4* && status_code != 403, bytes]`, access404, true},
		{`[ip, user, username, timestamp, request, status_code = 4* && status_code != 404, bytes]`, access404, false},
		{`[ip=%127\.0\.0\.[1-9]%, ...]`, access404, true},
		{`[..., timestamp="10/Oct/2000*", request, status, bytes]`, access404, true},
		{`[w1=ERROR, w2]`, "ERROR message", true},
		{`[w1=ERROR, w2]`, "ERROR WARN message", false},
		{`[w1=ERROR || w1=WARN, w2]`, "WARN message", true},
		{`[w1=!ERROR&&w1=!WARN, w2]`, "INFO message", true},
		{`[w1=!ERROR&&w1=!WARN, w2]`, "WARN message", false},
		{`[(w1=ERROR || w1=WARN) && w1!=WARN, w2]`, "WARN message", false},
		{`[a, b]`, `an "unclosed`, true},
		{`[...]`, "", true},
	}
	for _, tt := range tests {
		t.Run(tt.pattern, func(t *testing.T) {
			t.Parallel()
			p, err := pattern.Parse(tt.pattern)
			if err != nil {
				t.Fatalf("Parse(%s): %v", tt.pattern, err)
			}
			if got := p.Match(tt.message); got != tt.want {
				t.Errorf("%s matches %s: got %v, want %v", tt.pattern, tt.message, got, tt.want)
			}
		})
	}
}

func TestParseRefuses(t *testing.T) {
	t.Parallel()
	tests := []struct{ pattern, reason string }{
		{`foo-bar`, "Invalid character(s) in term 'foo-bar'"},
		{`ERROR -`, "alone"},
		{`"open`, "not closed"},
		{`%open`, "not closed"},
		{`%something!%`, "cannot contain"},
		{`%(a)%`, "cannot contain"},
		{`%[z%`, "cannot be read"},
		{`%%`, "empty"},
		{`{`, "expected a field"},
		{`{ $.a }`, "expected one of"},
		{`{ $ = 1 }`, "expected a property"},
		{`{ $[0] = 1 }`, "must follow a property"},
		{`{ $.a[x] = 1 }`, "not an element's number"},
		{`{ $.a[1 = 1 }`, "not closed"},
		{`{ $.a = }`, "expected a value"},
		{`{ $.a > foo }`, "numbers only"},
		{`{ $.a IS MAYBE }`, "TRUE, FALSE or NULL"},
		{`{ $.a NOT NULL }`, "EXISTS"},
		{`{ ($.a = 1 }`, "expected )"},
		{`{ $.a = 1 && }`, "expected a field"},
		{`{ $.a = 1 } x`, "nothing may follow"},
		{`{ $.a = %x% || $.a = %y% || $.a = %z% }`, "at most 2"},
		{`[a, b`, "must end with ]"},
		{`[..., a, ...]`, "only one ellipsis"},
		{`[a = ]`, "expected a value"},
		{`[a b]`, "expected one of"},
		{strings.Repeat("a", pattern.MaxLength+1), "at most 1024"},
		{`{` + strings.Repeat("(", 500), "nested too deeply"},
	}
	for _, tt := range tests {
		t.Run(tt.pattern[:min(len(tt.pattern), 40)], func(t *testing.T) {
			t.Parallel()
			_, err := pattern.Parse(tt.pattern)
			syntax, ok := errors.AsType[*pattern.SyntaxError](err)
			if !ok {
				t.Fatalf("Parse(%s) = %v, want a *SyntaxError", tt.pattern, err)
			}
			if !strings.Contains(syntax.Error(), tt.reason) {
				t.Errorf("Parse(%s): %q does not say %q", tt.pattern, syntax, tt.reason)
			}
		})
	}
}

// FuzzMatch looks for panics, and for a pattern that disagrees with itself when
// it is used twice.
func FuzzMatch(f *testing.F) {
	for _, p := range []string{
		`ERROR -WARN ?x "a b"`, `%a[bc]{1,2}%`, `{ $.a.b[0] = "x*" && ($.n > 5 || $.k IS NULL) }`,
		`{ $.* NOT EXISTS || $.['x'] != %y% }`, `[a, b=4* && b != 41, ..., (c > 5 || c = "q")]`,
	} {
		f.Add(p, `{"a":{"b":["xy"]},"n":6,"k":null}`)
		f.Add(p, `one [two three] "four five" 404 6`)
	}
	f.Fuzz(func(t *testing.T, text, message string) {
		p, err := pattern.Parse(text)
		if err != nil {
			if _, ok := errors.AsType[*pattern.SyntaxError](err); !ok {
				t.Fatalf("Parse(%q): %v is not a *SyntaxError", text, err)
			}
			return
		}
		if p.Match(message) != p.Match(message) { //nolint:staticcheck // twice on purpose
			t.Fatalf("%q decides about %q differently each time", text, message)
		}
	})
}

func BenchmarkMatchJSON(b *testing.B) {
	p, err := pattern.Parse(`{ $.jobId = "job-1763900000000-abcdefghi" }`)
	if err != nil {
		b.Fatal(err)
	}
	line := `{"time":"2026-11-23T21:00:00Z","level":"INFO","msg":"job completed","event":"job.completed","jobId":"job-1763900000000-abcdefghi","workerId":"echo","requestId":"0d5c6d4e-8a50-4b7e-9a5a-2f60b40be0f5","attempt":1,"output":{"text":"hi"}}`
	for b.Loop() {
		if !p.Match(line) {
			b.Fatal("the line does not match")
		}
	}
}
