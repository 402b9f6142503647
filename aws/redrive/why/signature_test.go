package why_test

import (
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/microfox-ai/aiwctl/aws/redrive/why"
)

func TestSignature(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"":                                  "",
		"boom":                              "boom",
		"  two\n\t lines \x1b[31mred":       "two lines red",
		"Task timed out after 3.00 seconds": "Task timed out after <n> seconds",
		"TypeError: Cannot read properties of undefined (reading 'name')": "TypeError: Cannot read properties of undefined (reading 'name')",
		"order 17 of 1,204 at -3.5%":                                      "order <n> of <n> at <n>%",
		"order-17 in eu-west-1, utf8, 3000ms":                             "order-<n> in eu-west-<n>, utf<n>, <n>ms",
		"job job-1767323045678-abcdefghi failed":                          "job <id> failed",
		"request 8f507cfc-1234-4697-b07a-ac58fc914c95: denied":            "request <id>: denied",
		"commit deadbeef12 at 0xc000123":                                  "commit <id> at <id>",
		"nanoid V1StGXR8_Z5jdHi6B-myT.":                                   "nanoid <id>.",
		"GET https://api.example.com/v1/orders/17?x=1: 503":               "GET <url>: <n>",
		"see (http://x.test/a), then stop":                                "see (<url>), then stop",
		"mail jane.doe+x@mail.example.co.uk bounced.":                     "mail <email> bounced.",
		"dial tcp 10.0.0.12:5432: connect: connection refused":            "dial tcp <ip>:<n>: connect: connection refused",
		"dial tcp [fe80::1]:443":                                          "dial tcp [<ip>]:<n>",
		"at 2026-01-02T03:04:05.678Z and 2026-01-02 03:04:05+01:00":       "at <time> and <time>",
		"since 2026-01-02, 03:04:05":                                      "since <time>, <time>",
		"/var/task/index.js:12:34":                                        "/var/task/index.js:<n>:<n>",
		"ERR_MODULE_NOT_FOUND":                                            "ERR_MODULE_NOT_FOUND",
		`unexpected token in "a text that is much too long to be a name"`: `unexpected token in "<text>"`,
		"it's 'broken' and can't":                                         "it's 'broken' and can't",
		`{"code":12,"id":"k3j9x0a2b"}`:                                    `{"code":<n>,"id":"<id>"}`,
		"arn:aws:sqs:eu-west-1:123456789012:orders-dlq":                   "arn:aws:sqs:eu-west-<n>:<n>:orders-dlq",
		"größe \u202eabc":                                                 "größe abc",
	} {
		got := why.Signature(in)
		if got != want {
			t.Errorf("Signature(%q)\n got %q\nwant %q", in, got, want)
		}
		if again := why.Signature(got); again != got {
			t.Errorf("Signature(%q) = %q, want it unchanged", got, again)
		}
	}
}

// Texts that differ in what belongs to one occurrence only are of one group.
func TestSignatureUnites(t *testing.T) {
	t.Parallel()
	for _, same := range [][]string{
		{"order 1 failed", "order 999999 failed", "order -4 failed", "order 1.5 failed"},
		{"user 8f507cfc-1234-4697-b07a-ac58fc914c95 not found", "user 00000000-0000-4000-8000-000000000000 not found"},
		{"job job-1767323045678-abcdefghi gone", "job job-1767323099999-x1y2z3abc gone"},
		{"GET http://a.test/1: refused", "GET https://b.example/x/y?z=1#f: refused"},
		{"at 2026-01-02T03:04:05Z: late", "at 2025-12-31T23:59:59.123456Z: late", "at 2025-12-31 23:59:59: late"},
		{"peer 10.0.0.1:80 reset", "peer 192.168.100.200:54321 reset"},
		{"to a@b.com", "to someone.else+tag@sub.example.org"},
		{`bad input "` + strings.Repeat("x", 40) + `"`, `bad input "` + strings.Repeat("y z ", 90) + `"`},
	} {
		for _, text := range same[1:] {
			if a, b := why.Signature(same[0]), why.Signature(text); a != b {
				t.Errorf("%q and %q have the signatures %q and %q, want one", same[0], text, a, b)
			}
		}
	}
	if why.Signature("cannot read 'name'") == why.Signature("cannot read 'size'") {
		t.Error("different errors have one signature")
	}
}

func TestSignatureIsBounded(t *testing.T) {
	t.Parallel()
	for _, in := range []string{
		strings.Repeat("word ", 1000), strings.Repeat("é", 5000), strings.Repeat("1 ", 3000), strings.Repeat("'\"", 2000),
		strings.Repeat("x", 195) + " 1 2 3", strings.Repeat("(", 197) + "a@b.com", strings.Repeat("a.", 3000) + "@",
	} {
		checkSignature(t, in)
	}
}

func checkSignature(t *testing.T, in string) {
	t.Helper()
	got := why.Signature(in)
	if n := utf8.RuneCountInString(got); n > why.MaxSignature {
		t.Errorf("the signature of %q has %d characters", in, n)
	}
	if !utf8.ValidString(got) || strings.ContainsFunc(got, unicode.IsControl) {
		t.Errorf("the signature of %q is %q", in, got)
	}
	if strings.ContainsAny(got, "0123456789") {
		t.Errorf("the signature of %q keeps a digit: %q", in, got)
	}
	if again := why.Signature(got); again != got {
		t.Errorf("the signature of %q is %q,\nand that one's %q", in, got, again)
	}
}

func FuzzSignature(f *testing.F) {
	for _, s := range []string{
		"order_1_foo://x", "1=x@c.d", "3000ms://x", "'a'-5 x'", "'it's'", `"a 'b" c'`, "5'abc'", "<b>http://x</b>", "<n>5", "-5--6", "::1'a'", "a::b1:'x'",
		"x@1.2.3.4", "http://.5", "12:30:45x", "8f507cfc-1234-4697-b07a-ac58fc914c957", "\u200d\u1b80é 1", "`'\"`", "2026-01-02T", "<ema", strings.Repeat("a ", 99) + "https://x",
		strings.Repeat("\"b' ", 50) + strings.Repeat("9", 40), "\u200d'é1'é",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) { checkSignature(t, s) })
}

func BenchmarkSignature(b *testing.B) {
	for name, s := range map[string]string{
		"short": "TypeError: Cannot read properties of undefined (reading 'name')",
		"ids":   "POST https://api.example.com/v1/orders/17 for job-1767323045678-abcdefghi at 2026-01-02T03:04:05.678Z from 10.0.0.12:5432: 503 Service Unavailable",
		"long":  strings.Repeat("the quick brown fox 17 jumps over 'the lazy dog' ", 40),
		"evil":  strings.Repeat("a.'\"`-1@", 256),
		"parts": strings.Repeat("a-", 1000) + "1 :// @",
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			b.SetBytes(int64(len(s)))
			for b.Loop() {
				why.Signature(s)
			}
		})
	}
}
