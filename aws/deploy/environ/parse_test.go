package environ

import (
	"fmt"
	"strings"
	"testing"
)

// read parses a file and gives its variables, sorted by fmt.
func read(t *testing.T, text string) (string, []string, error) {
	t.Helper()
	entries, warnings, err := parse(".env", text)
	values := map[string]string{}
	for name, e := range entries {
		values[name] = e.value
	}
	return fmt.Sprintf("%q", values), warnings, err
}

func TestSyntax(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"":                                      `map[]`,
		"\ufeffA=1\r\nB=2\r\n":                  `map["A":"1" "B":"2"]`,
		"# A=1\n\n  # B=2\n\tC = 3 \n":          `map["C":"3"]`,
		"export A=1\nexport\tB=2\n export  C=3": `map["A":"1" "B":"2" "C":"3"]`,
		"export=1":                              `map["export":"1"]`,
		"A=":                                    `map["A":""]`,
		"A=  # nothing\nB=#nothing":             `map["A":"" "B":""]`,
		"A=a#b # c\nB=http://x/#top":            `map["A":"a#b" "B":"http://x/#top"]`,
		"A=a=b==":                               `map["A":"a=b=="]`,
		"A=it's \"fine\"":                       `map["A":"it's \"fine\""]`,
		"A=pa$$word\\n":                         `map["A":"pa$$word\\n"]`,
		"A='a # \\n ${B} \" `x`' # c":           `map["A":"a # \\n ${B} \" ` + "`x`" + `"]`,
		"A='one\ntwo'\nB=2":                     `map["A":"one\ntwo" "B":"2"]`,
		`A="a\nb\t\"q\" \\ \$x \d $y # no" # c`: `map["A":"a\nb\t\"q\" \\ $x \\d $y # no"]`,
		"A=\"-----BEGIN\nabc=\n-----END\"\nB='x'": `map["A":"-----BEGIN\nabc=\n-----END" "B":"x"]`,
		"A=\"\"\nB=''": `map["A":"" "B":""]`,
		"A=\"a\"\nB=2": `map["A":"a" "B":"2"]`,
		"_a1=x\nA=é":   `map["A":"é" "_a1":"x"]`,
	} {
		got, warnings, err := read(t, text)
		if err != nil || got != want || len(warnings) != 0 {
			t.Errorf("%q\ngave %s (%v, %q)\nwant %s", text, got, err, warnings, want)
		}
	}
}

// Errors name the line and the variable, never a value: "hunter2" is one in every file here.
func TestWhatCannotBeReadIsToldByLine(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"A=1\nhunter2\n":               ".env:2: it is neither NAME=value nor a comment; a value of several lines needs quotes around it",
		"A-hunter2=1":                  ".env:1: it is neither NAME=value nor a comment; a value of several lines needs quotes around it",
		"=hunter2":                     ".env:1: it is neither NAME=value nor a comment; a value of several lines needs quotes around it",
		"1A=hunter2":                   ".env:1: it is neither NAME=value nor a comment; a value of several lines needs quotes around it",
		"A: hunter2":                   ".env:1: it is neither NAME=value nor a comment; a value of several lines needs quotes around it",
		"A=1\n\nB=\"hunter2\nC=3\n":    ".env:3: the quote that begins the value of B is never closed",
		"A='hunter2":                   ".env:1: the quote that begins the value of A is never closed",
		"A=\"a\nb\" hunter2\nC=1":      ".env:2: something follows the closing quote of A: put a \\ before a quote that belongs to the value",
		"A='it''s hunter2'":            ".env:1: something follows the closing quote of A: put a \\ before a quote that belongs to the value",
		"A=hunter2${B}":                ".env:1: the value of A holds ${...}, which is not filled in here: write it out, or put the value into single quotes to have it as it is",
		"A=\"x\nhunter2 ${B} ${C}\"\n": ".env:2: the value of A holds ${...}, which is not filled in here: write it out, or write \\$ for a $",
		"A=`hunter2`":                  ".env:1: the value of A is in backquotes, which tools read differently: use single quotes",
		"A=\xffhunter2":                ".env: it is no text in UTF-8",
		"A=hunter2\x00":                ".env: it is no text in UTF-8",
		"hunter2\nA=${hunter2}\nB=1\nC='hunter2'x": ".env:1: it is neither NAME=value nor a comment; a value of several lines needs quotes around it\n" +
			".env:2: the value of A holds ${...}, which is not filled in here: write it out, or put the value into single quotes to have it as it is\n" +
			".env:4: something follows the closing quote of C: put a \\ before a quote that belongs to the value",
	} {
		_, _, err := read(t, text)
		if err == nil || err.Error() != want || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%q\ngave %v\nwant %s", text, err, want)
		}
	}
}

func TestOfTwoTheLastCountsAndSaysSo(t *testing.T) {
	t.Parallel()
	got, warnings, err := read(t, "A=1\nB=2\nA='hunter2'\n")
	if err != nil || got != `map["A":"hunter2" "B":"2"]` || len(warnings) != 1 || warnings[0] != ".env has A in line 1 and in line 3: the last one counts" {
		t.Errorf("%s, %q, %v", got, warnings, err)
	}
}

// Whatever a file holds, it is read or refused, and what is refused is not shown.
func FuzzParse(f *testing.F) {
	for _, seed := range []string{"A=1", "export A='x'\n", "A=\"a\\n${B}\"", "A='", "=", "A=\"x\"y", "# c\r\n", "A=`x`", "A=\"\\"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		entries, _, err := parse(".env", text)
		for name, e := range entries {
			if !isName(name) || e.line < 1 || e.line > strings.Count(text, "\n")+1 {
				t.Errorf("%q in line %d of %q", name, e.line, text)
			}
		}
		if err != nil && err.Error() != ".env: it is no text in UTF-8" {
			for line := range strings.SplitSeq(err.Error(), "\n") {
				if !strings.HasPrefix(line, ".env:") {
					t.Errorf("%q: %v", text, err)
				}
			}
		}
	})
}
