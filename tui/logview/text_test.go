package logview

import (
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestWrappedLosesNothing(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		text := rapid.StringOf(rapid.RuneFrom([]rune("abc 日本é👍"))).Draw(rt, "text")
		room := rapid.IntRange(roomLeast, 20).Draw(rt, "room")
		var b strings.Builder
		for _, p := range wrapped(text, room, 1000) {
			if p.cells > room || p.cutLeft || p.cutRight {
				rt.Fatalf("a row of %d cells has %+v", room, p)
			}
			b.WriteString(text[p.from:p.to])
		}
		if b.String() != text {
			rt.Fatalf("%q became %q", text, b.String())
		}
		p := window(text, rapid.IntRange(0, 30).Draw(rt, "skip"), room)
		cells := p.cells
		for _, cut := range []bool{p.cutLeft, p.cutRight} {
			if cut {
				cells++
			}
		}
		if cells > room || p.from > p.to || p.to > len(text) {
			rt.Fatalf("the window of %q in %d cells is %+v", text, room, p)
		}
	})
}
