package logs_test

import (
	"strings"
	"testing"
	"time"

	"github.com/microfox-ai/aiwctl/aws/logs"
)

func TestFieldConditions(t *testing.T) {
	t.Parallel()
	object := `{"msg":"sent","n":3.0,"zero":0,"ok":true,"none":null,"at":"2026-03-02T03:04:05Z","code":"0300","user":{"id":7,"a.b":"dotted"},"list":[{"x":"y"},2]}`
	for _, prefix := range []string{"", "2026-03-02T03:04:05.000Z\t0f9c\tINFO\t", "[INFO] [w] [j] message "} {
		l := logs.Parse("g", "s", "w", "1", time.Unix(0, 0), prefix+object)
		for condition, want := range map[string]bool{
			"msg": true, "user.id": true, "user.none": false, "nothing": false, "none": true, "msg.deeper": false,
			"!msg": false, "!nothing": true, "!user.none": true,
			"msg=sent": true, "msg==sent": true, "msg=Sent": false, "nothing=": false,
			"n=3": true, "n=3.00": true, "n=4": false, "zero=0": true, "n=three": false,
			"code=0300": true, "code=300": false,
			"ok=true": true, "ok=false": false, "none=null": true, "ok!=false": true,
			"msg!=sent": false, "msg!=lost": true, "nothing!=x": false, "n!=4": true, "n!=three": true,
			"n<4": true, "n<3": false, "n<=3": true, "n>2.5": true, "n>=3": true, "n>3": false, "msg>2": true,
			"at>2026-03-01": true, "at<2026-03-01": false, "user>1": false, "nothing<1": false,
			"msg~^se": true, "msg~^x": false, "msg!~^x": true, "nothing!~x": false, "user.id~7": true, "n~^3": true,
			`user."a.b"=dotted`: true, "user.a.b=dotted": false, "list.0.x=y": true, "list.1=2": true, "list.2": false, "list.x": false,
		} {
			f, err := logs.ParseField(condition)
			if err != nil {
				t.Errorf("%s: %v", condition, err)
				continue
			}
			if got := logs.MatchFields([]logs.Field{f}, &l); got != want {
				t.Errorf("%s of %q: %t", condition, prefix, got)
			}
		}
	}
	plain := logs.Parse("g", "s", "w", "1", time.Unix(0, 0), "no object {here}")
	for condition, want := range map[string]bool{"here": false, "!here": true, "here=x": false, "here!=x": false} {
		if f, err := logs.ParseField(condition); err != nil || logs.MatchFields([]logs.Field{f}, &plain) != want {
			t.Errorf("%s of a plain line: not %t, %v", condition, want, err)
		}
	}
}

func TestFieldErrorsSayWhere(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"":            `"", character 1: a field's name is missing`,
		"a..b=c":      `character 3: a field's name is missing`,
		"a.=c":        `character 3: a field's name is missing`,
		"=c":          `character 1: a field's name is missing`,
		`a."b`:        `character 3: the quote is never closed`,
		"!a=c":        `character 3: a condition that begins with ! has no value`,
		"a!":          `character 2: here one of = !=`,
		"ä~x[a-":      `character 4: missing closing ]: [a-`,
		`"a"b=c`:      `character 4: here one of`,
		"a~(unclosed": `character 3: missing closing )`,
	} {
		if _, err := logs.ParseField(text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %s", text, err, want)
		}
	}
}

func TestFieldPhrase(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{"a=b-1 c": "b-1 c", "a=1": "", "a!=b": "", "a": "", `a=q"`: "", "a=": "", "a~b": ""} {
		if f, err := logs.ParseField(text); err != nil || f.Phrase() != want {
			t.Errorf("%s: %q, %v", text, f.Phrase(), err)
		}
	}
}
