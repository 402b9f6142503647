package editor

import (
	"strings"

	"github.com/charmbracelet/x/ansi"

	"github.com/microfox-ai/aiwctl/tui/cell"
)

const (
	// unshown stands for a character that a terminal must not be sent.
	unshown = "\uFFFD"
	tab     = "  "
)

// char is the character at the beginning of s, which is not empty: its size in
// bytes, what is shown of it and in how many cells. A character is what a person
// takes for one, a letter with its accents or an emoji.
func char(s string) (size int, shown string, cells int) {
	b := s[0]
	if b < 0x80 && (len(s) == 1 || s[1] < 0x80) {
		switch {
		case b == '\t':
			return 1, tab, len(tab)
		case b < ' ' || b == 0x7f:
			return 1, unshown, 1
		}
		return 1, s[:1], 1
	}
	cluster, width := ansi.FirstGraphemeCluster(s, ansi.GraphemeWidth)
	if width == 0 || cell.Clean(cluster) != cluster {
		return len(cluster), unshown, 1
	}
	return len(cluster), cluster, width
}

// plain is whether every byte is one character in one cell.
func plain(s string) bool {
	for i := range len(s) {
		if s[i] < ' ' || s[i] >= 0x7f {
			return false
		}
	}
	return true
}

// floor is the beginning of the character that the byte at belongs to.
func floor(s string, at int) int {
	if at >= len(s) {
		return len(s)
	}
	if plain(s[:at+1]) && (at+1 == len(s) || s[at+1] < 0x80) {
		return at
	}
	for i := 0; ; {
		size, _, _ := char(s[i:])
		if i+size > at {
			return i
		}
		i += size
	}
}

// before is the beginning of the character that ends at the byte at.
func before(s string, at int) int {
	if at == 0 {
		return 0
	}
	return floor(s, at-1)
}

// after is the end of the character that begins at the byte at.
func after(s string, at int) int {
	if at >= len(s) {
		return len(s)
	}
	size, _, _ := char(s[at:])
	return at + size
}

// cellsOf is how many cells a text takes.
func cellsOf(s string) int {
	if plain(s) {
		return len(s)
	}
	cells := 0
	for s != "" {
		size, _, w := char(s)
		cells += w
		s = s[size:]
	}
	return cells
}

// byteAt is the beginning of the character in a cell of s, or its end.
func byteAt(s string, want int) int {
	at, cells := 0, 0
	for at < len(s) {
		size, _, w := char(s[at:])
		if cells+w > want {
			break
		}
		at, cells = at+size, cells+w
	}
	return at
}

// rowsOf is where the rows of a wrapped line begin, in bytes; there is at least
// one.
func rowsOf(line string, room int) []int {
	room = max(2, room) // a wide character fits
	rows := []int{0}
	if plain(line) {
		for at := room; at < len(line); at += room {
			rows = append(rows, at)
		}
		return rows
	}
	used := 0
	for at := 0; at < len(line); {
		size, _, w := char(line[at:])
		if used+w > room {
			rows = append(rows, at)
			used = 0
		}
		used += w
		at += size
	}
	return rows
}

// blank is whether there is nothing but blanks.
func blank(s string) bool { return strings.Trim(s, " \t") == "" }
