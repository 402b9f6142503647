package dispatch_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/microfox-ai/aiwctl/dispatch"
)

// zodEmail is what Zod 4.1 publishes for z.email(): Go's regexp has no (?!.
const zodEmail = `^(?!\\.)(?!.*\\.\\.)([A-Za-z0-9_'+\\-\\.]*)[A-Za-z0-9_+-]@([A-Za-z0-9][A-Za-z0-9\\-]*\\.)+[A-Za-z]{2,}$`

// zodDuration is what it publishes for z.iso.duration().
const zodDuration = `^P(?:(\\d+W)|(?!.*W)(?=\\d|T\\d)(\\d+Y)?(\\d+M)?(\\d+D)?(T(?=\\d)(\\d+H)?(\\d+M)?(\\d+([.,]\\d+)?S)?)?)$`

func TestPatternsThatGoCannotCompileAreChecked(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, pattern, good, bad string }{
		{"email", zodEmail, "user@example.com", ".user@example.com"},
		{"duration", zodDuration, "P1DT2H", "P1W1D"},
		{"emoji", `^(\\p{Extended_Pictographic}|\\p{Emoji_Component})+$`, "🙂", "abc"},
		{"superfluous backslashes", `^(?=.)[\\_\\@]+$`, "_@", "a"},
		{"back-reference", `^(a|b)\\1$`, "aa", "ab"},
		{"unicode escape", `^[\\u4e00-\\u9fff]+$`, "日本", "abc"},
		{"a long repetition", `^a{1,2000}$`, strings.Repeat("a", 1500), ""},
		{"JavaScript's any character", `^x[^]y$`, "x\ny", "xy"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s := compile(t, `{"pattern":"`+tt.pattern+`"}`)
			if w := s.Warnings(); len(w) > 0 {
				t.Errorf("warnings %q", w)
			}
			if got := s.Validate(quoted(t, tt.good)); len(got) > 0 {
				t.Errorf("%q is refused: %s", tt.good, lines(got))
			}
			if got := s.Validate(quoted(t, tt.bad)); len(got) != 1 || got[0].Keyword != "pattern" {
				t.Errorf("%q: %s, want one violation of pattern", tt.bad, lines(got))
			}
		})
	}
}

func TestPatternsThatNoEngineReadsAreSkippedWithAWarning(t *testing.T) {
	t.Parallel()
	s := compile(t, `{"properties":{
		"emoji":{"type":"string","pattern":"^(\\p{No_Such_Property})+$"},
		"broken":{"pattern":"(["},
		"n":{"type":"number"}},
		"patternProperties":{"([":{"type":"string"}}}`)
	warnings := s.Warnings()
	if len(warnings) != 2 || !strings.Contains(strings.Join(warnings, "\n"), `"^(\\p{No_Such_Property})+$"`) {
		t.Errorf("warnings %q, want one for each of two patterns", warnings)
	}
	expect(t, s.Validate([]byte(`{"emoji":"abc","broken":"x"}`)))
	expect(t, s.Validate([]byte(`{"emoji":7}`)), `1:10 /emoji type: must be a string, is a number (7)`)
}

func TestRegexFormatLooksAtTheInput(t *testing.T) {
	t.Parallel()
	s := compile(t, `{"properties":{"re":{"type":"string","format":"regex"}}}`)
	expect(t, s.Validate([]byte(`{"re":"^(?!x)"}`)))
	if got := s.Validate([]byte(`{"re":"(["}`)); len(got) != 1 || got[0].Keyword != "format" {
		t.Errorf("got %s, want one violation of format", lines(got))
	}
	if got := s.Warnings(); len(got) > 0 {
		t.Errorf("the input made warnings of the schema: %q", got)
	}
}

func TestPatternsThatTakeTooLongDoNotRefuseAnybody(t *testing.T) {
	t.Parallel()
	s := compile(t, `{"items":{"pattern":"^(?=a)(a+)+$"}}`)
	slow := `"` + strings.Repeat("a", 40) + `!"`
	text := `[` + slow + strings.Repeat(","+slow, 200) + `,7]`
	if got := s.Validate([]byte(text)); !dispatch.Valid(got) {
		t.Errorf("got %s", lines(got))
	}
	if got := s.Warnings(); len(got) != 1 || !strings.Contains(got[0], "takes too long") {
		t.Errorf("warnings %q", got)
	}
}

func quoted(t *testing.T, s string) []byte {
	t.Helper()
	out, err := json.Marshal(s)
	if err != nil {
		t.Fatal(err)
	}
	return out
}
