package logs_test

import (
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/microfox-ai/aiwctl/aws/logs"
)

func TestSanitize(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		in        string
		multiline bool
		want      string
	}{
		"clean":                          {in: "hello, world", want: "hello, world"},
		"clean wide":                     {in: "größer 日本語 ✓", want: "größer 日本語 ✓"},
		"colour":                         {in: "\x1b[31mred\x1b[0m", want: "red"},
		"cursor and clear":               {in: "a\x1b[2J\x1b[1;1Hb", want: "ab"},
		"private mode":                   {in: "a\x1b[?1049lb", want: "ab"},
		"title, BEL":                     {in: "a\x1b]0;owned\x07b", want: "ab"},
		"clipboard, ST":                  {in: "a\x1b]52;c;aGk=\x1b\\b", want: "ab"},
		"link":                           {in: "\x1b]8;;http://x\x1b\\text\x1b]8;;\x1b\\", want: "text"},
		"DCS":                            {in: "a\x1bP1$qm\x1b\\b", want: "ab"},
		"C1 CSI":                         {in: "a\u009b31mb", want: "ab"},
		"C1 OSC ended by C1 ST":          {in: "a\u009d0;t\u009cb", want: "ab"},
		"an unterminated OSC hides nada": {in: "a\x1b]0;and all the rest", want: "a0;and all the rest"},
		"an OSC ends with its line":      {in: "\x1b]0;x\nsecond\x07", multiline: true, want: "0;x\nsecond"},
		"an OSC cut short by another":    {in: "\x1b]0;x\x1b[31my", want: "0;xy"},
		"charset":                        {in: "\x1b(0lqk\x1b(B", want: "lqk"},
		"reset":                          {in: "\x1bcx", want: "x"},
		"ESC at the end":                 {in: "x\x1b", want: "x"},
		"backspace and bell":             {in: "abc\b\b\x07", want: "abc"},
		"carriage return cannot hide":    {in: "secret\rpublic", want: "secret public"},
		"CRLF":                           {in: "a\r\nb", multiline: true, want: "a\nb"},
		"newline on one line":            {in: "{\n  jobId: 'x'\n}", want: "{ jobId: 'x' }"},
		"newline at the end":             {in: "a\n", want: "a"},
		"newline kept":                   {in: "a\n  b", multiline: true, want: "a\n  b"},
		"tab":                            {in: "a\tb", multiline: true, want: "a b"},
		"bidi override":                  {in: "user\u202egpj.exe", want: "usergpj.exe"},
		"bidi isolate":                   {in: "a\u2066b\u2069", want: "ab"},
		"zero width":                     {in: "pay\u200bpal\ufeff", want: "paypal"},
		"tag characters":                 {in: "a\U000e0041\U000e007fb", want: "ab"},
		"joiner between letters":         {in: "ad\u200dmin", want: "admin"},
		"joiner in an emoji":             {in: "👩\u200d💻", want: "👩\u200d💻"},
		"joiner in Persian":              {in: "می\u200cخواهم", want: "می\u200cخواهم"},
		"line separator":                 {in: "a\u2028b", want: "a b"},
		"invalid UTF-8":                  {in: "a\xffb\x9b31m", want: "a\ufffdb\ufffd31m"},
		"NUL and DEL":                    {in: "a\x00b\x7fc", want: "abc"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := logs.Sanitize(tt.in, tt.multiline); got != tt.want {
				t.Errorf("Sanitize(%q) = %q, want %q", tt.in, got, tt.want)
			}
		})
	}
}

// A megabyte of unterminated introducers must not take quadratic time.
func TestSanitizeHostileLength(t *testing.T) {
	t.Parallel()
	for _, unit := range []string{"\x1b]", "\u009d", "\x1bP", "\x1b[", "\u200d"} {
		s := strings.Repeat(unit, (1<<20)/len(unit))
		begin := time.Now()
		logs.Sanitize(s, false)
		if d := time.Since(begin); d > 30*time.Second {
			t.Errorf("%q repeated to 1 MiB takes %v", unit, d)
		}
	}
}

func FuzzSanitize(f *testing.F) {
	for _, s := range []string{
		"plain", "\x1b[31mred", "\x1b]0;t\x07", "\x1bP\x1b\\", "a\r\nb\tc", "\u202e\u200d\u009b", "\xff\xfe", "👩\u200d💻",
		"\x1b]\x1b[\x1b", "\x1b(0", "\x1bO", "\u2028 \n",
	} {
		f.Add(s, false)
		f.Add(s, true)
	}
	f.Fuzz(func(t *testing.T, s string, multiline bool) {
		got := logs.Sanitize(s, multiline)
		if !utf8.ValidString(got) {
			t.Fatalf("Sanitize(%q) = %q is not UTF-8", s, got)
		}
		for _, r := range got {
			if unicode.IsControl(r) && (r != '\n' || !multiline) || unicode.Is(unicode.Bidi_Control, r) {
				t.Fatalf("Sanitize(%q) = %q keeps %U", s, got, r)
			}
		}
		if again := logs.Sanitize(got, multiline); again != got {
			t.Fatalf("Sanitize(%q) = %q, again = %q", s, got, again)
		}
	})
}

func BenchmarkSanitize(b *testing.B) {
	ascii := strings.Repeat("a clean line of ordinary text, 100 % ", 4)
	for name, s := range map[string]string{
		"clean":   ascii,
		"wide":    strings.Repeat("größer 日本語 ", 8),
		"colours": strings.Repeat("\x1b[31mred\x1b[0m plain ", 7),
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			b.SetBytes(int64(len(s)))
			for b.Loop() {
				logs.Sanitize(s, false)
			}
		})
	}
}

func TestSanitizeCleanDoesNotAllocate(t *testing.T) {
	s := strings.Repeat("größer than 日本語 ", 20)
	if n := testing.AllocsPerRun(100, func() { logs.Sanitize(s, false) }); n != 0 {
		t.Errorf("clean text allocates %v times", n)
	}
}
