package logview

import (
	"github.com/charmbracelet/x/ansi"
)

// The texts here are clean (see logs.Line). They may be 256 KiB long, so that
// nothing looks further into one than what is on the screen.

// plain is whether s holds one cell in each byte.
func plain(s string) bool {
	for i := range len(s) {
		if s[i] < ' ' || s[i] >= 0x7f {
			return false
		}
	}
	return true
}

// advance is the byte behind as many whole characters of s as fit into cells,
// and the cells they take.
func advance(s string, cells int) (end, used int) {
	// One byte more tells whether the last one is combined with something.
	if head := s[:min(len(s), cells+1)]; plain(head) {
		n := min(len(s), cells)
		return n, n
	}
	for end < len(s) {
		cluster, w := ansi.FirstGraphemeCluster(s[end:], ansi.GraphemeWidth)
		if used+w > cells {
			break
		}
		end, used = end+len(cluster), used+w
	}
	return end, used
}

// piece is a part of a text that fits a row.
type piece struct {
	from, to int
	cells    int
	// cutLeft and cutRight say that there is more of it on that side. A cell of
	// room is then left for the mark that says so.
	cutLeft, cutRight bool
}

// window is the part of a text from the cell skip on that fits room cells.
func window(text string, skip, room int) piece {
	p := piece{}
	if skip > 0 && room > 2 {
		end, _ := advance(text, skip+1)
		p.from, p.cutLeft = end, true
		room--
	}
	end, used := advance(text[p.from:], room)
	if p.from+end < len(text) {
		p.cutRight = true
		end, used = advance(text[p.from:], room-1)
	}
	p.to, p.cells = p.from+end, used
	return p
}

// wrapped cuts a text into rows of room cells, at most most of them; the last
// one says when there is more.
func wrapped(text string, room, most int) []piece {
	var out []piece
	at := 0
	for at < len(text) && len(out) < most {
		if len(out) == most-1 {
			last := window(text[at:], 0, room)
			last.from, last.to = last.from+at, last.to+at
			return append(out, last)
		}
		end, used := advance(text[at:], room)
		if end == 0 { // wider than the room
			break
		}
		out = append(out, piece{from: at, to: at + end, cells: used})
		at += end
	}
	if len(out) == 0 {
		return []piece{{}}
	}
	return out
}
