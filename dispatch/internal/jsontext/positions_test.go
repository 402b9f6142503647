package jsontext

import (
	"bytes"
	"strconv"
	"strings"
	"testing"
	"unicode/utf8"
)

func TestLocator(t *testing.T) {
	t.Parallel()
	text := []byte("aé\r\n\xff🙂\n\nz")
	want := map[int][2]int{0: {1, 1}, 1: {1, 2}, 3: {1, 3}, 4: {1, 4}, 5: {2, 1}, 6: {2, 2}, 10: {2, 3}, 11: {3, 1}, 12: {4, 1}, 13: {4, 2}, 99: {4, 2}}
	for off, place := range want {
		if line, column := NewLocator(text).At(off); line != place[0] || column != place[1] {
			t.Errorf("offset %d is at %d:%d, want %d:%d", off, line, column, place[0], place[1])
		}
	}
	l := NewLocator(text)
	for off := range len(text) + 1 {
		if !utf8.RuneStart(append(bytes.Clone(text), 0)[off]) {
			continue
		}
		line, column := l.At(off)
		if wantLine, wantColumn := NewLocator(text).At(off); line != wantLine || column != wantColumn {
			t.Errorf("offset %d is at %d:%d after the offsets before, %d:%d alone", off, line, column, wantLine, wantColumn)
		}
	}
}

func TestNamesAreFoundInSmallAndLargeObjects(t *testing.T) {
	t.Parallel()
	for _, size := range []int{1, manyNames, manyNames + 1, 500} {
		var b strings.Builder
		b.WriteString(`{"0":"first"`)
		for i := range size {
			b.WriteString(`,"` + strconv.Itoa(i) + `":[` + strconv.Itoa(i) + `]`)
		}
		b.WriteString("}")
		text := b.String()
		parsed, problem := Parse([]byte(text))
		if problem != nil {
			t.Fatal(problem.Message)
		}
		for i := range size {
			name := strconv.Itoa(i)
			got := parsed.Root.Find([]string{name, "0"}).Off
			if want := strings.LastIndex(text, `"`+name+`":[`) + len(name) + 4; got != want {
				t.Errorf("%d members: /%s/0 is at %d, want %d", size, name, got, want)
			}
		}
		if parsed.Root.Find([]string{"missing"}) != &parsed.Root {
			t.Error("a missing name is not placed at its object")
		}
	}
}
