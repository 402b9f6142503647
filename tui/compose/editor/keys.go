package editor

import (
	"strings"
	"unicode"
	"unicode/utf8"

	tea "charm.land/bubbletea/v2"
)

// step is what one tab indents by.
const step = "  "

// Key handles a key, when the editor has a use for it. The error of one that
// writes wraps ErrFull.
func (e *Editor) Key(msg tea.KeyPressMsg) error {
	name := msg.String()
	if e.Move(name) || e.remove(name) {
		return nil
	}
	switch name {
	case "enter", "shift+enter", "ctrl+j", "ctrl+m":
		return e.newline()
	case "tab":
		return e.insert([]string{step}, false)
	case "shift+tab":
		if line := e.lines[e.row]; strings.HasPrefix(line, step) {
			col := max(0, e.col-len(step))
			e.erase(e.row, 0, e.row, len(step))
			e.col = col
		}
		return nil
	case "ctrl+z":
		e.Undo()
		return nil
	case "ctrl+y", "ctrl+shift+z":
		e.Redo()
		return nil
	}
	if msg.Text == "" {
		return nil
	}
	if (msg.Text == "}" || msg.Text == "]") && !e.bare {
		// A bracket that closes goes back to where its block began.
		if head := e.lines[e.row][:e.col]; blank(head) && strings.HasSuffix(head, step) {
			e.erase(e.row, len(head)-len(step), e.row, len(head))
		}
	}
	return e.insert(split(msg.Text), true)
}

// newline keeps the indentation, one step deeper in a block that has just begun.
func (e *Editor) newline() error {
	if e.bare {
		return e.insert([]string{"", ""}, false)
	}
	line := e.lines[e.row]
	head, tail := strings.TrimRight(line[:e.col], " "), strings.TrimLeft(line[e.col:], " ")
	margin := line[:min(indent(line), e.col)]
	if !strings.HasSuffix(head, "{") && !strings.HasSuffix(head, "[") {
		return e.insert([]string{"", margin}, false)
	}
	if strings.HasPrefix(tail, "}") || strings.HasPrefix(tail, "]") {
		if err := e.insert([]string{"", margin + step, margin}, false); err != nil {
			return err
		}
		e.row--
		e.col = len(e.lines[e.row])
		return nil
	}
	return e.insert([]string{"", margin + step}, false)
}

// remove handles the keys that delete.
func (e *Editor) remove(name string) bool {
	line := e.lines[e.row]
	switch name {
	case "backspace", "ctrl+h", "shift+backspace":
		switch {
		case e.col > 0:
			e.erase(e.row, before(line, e.col), e.row, e.col)
		case e.row > 0:
			e.erase(e.row-1, len(e.lines[e.row-1]), e.row, 0)
		}
	case "delete", "ctrl+d":
		switch {
		case e.col < len(line):
			e.erase(e.row, e.col, e.row, after(line, e.col))
		case e.row < len(e.lines)-1:
			e.erase(e.row, e.col, e.row+1, 0)
		}
	case "ctrl+w", "alt+backspace", "ctrl+backspace":
		row, col := e.wordBefore()
		e.erase(row, col, e.row, e.col)
	case "alt+d", "alt+delete", "ctrl+delete":
		row, col := e.wordAfter()
		e.erase(e.row, e.col, row, col)
	case "ctrl+k":
		if e.col == len(line) && e.row < len(e.lines)-1 {
			e.erase(e.row, e.col, e.row+1, 0)
		} else {
			e.erase(e.row, e.col, e.row, len(line))
		}
	case "ctrl+u":
		e.erase(e.row, 0, e.row, e.col)
	default:
		return false
	}
	return true
}

// Move handles the keys that move the cursor; it is false for another.
func (e *Editor) Move(name string) bool {
	line := e.lines[e.row]
	goal := -1
	switch name {
	case "left", "ctrl+b":
		switch {
		case e.col > 0:
			e.col = before(line, e.col)
		case e.row > 0:
			e.row--
			e.col = len(e.lines[e.row])
		}
	case "right", "ctrl+f":
		switch {
		case e.col < len(line):
			e.col = after(line, e.col)
		case e.row < len(e.lines)-1:
			e.row, e.col = e.row+1, 0
		}
	case "up", "ctrl+p":
		goal = e.climb(-1)
	case "down":
		goal = e.climb(1)
	case "pgup":
		goal = e.climb(-max(1, e.height-1))
	case "pgdown":
		goal = e.climb(max(1, e.height-1))
	case "home", "ctrl+a":
		if start := indent(line); e.col != start {
			e.col = start
		} else {
			e.col = 0
		}
	case "end", "ctrl+e":
		e.col = len(line)
	case "alt+left", "ctrl+left", "alt+b":
		e.row, e.col = e.wordBefore()
	case "alt+right", "ctrl+right", "alt+f":
		e.row, e.col = e.wordAfter()
	case "ctrl+home", "alt+<":
		e.row, e.col = 0, 0
	case "ctrl+end", "alt+>":
		e.row = len(e.lines) - 1
		e.col = len(e.lines[e.row])
	default:
		return false
	}
	e.goal, e.typing = goal, false
	return true
}

// climb moves by rows on the screen and returns the cell that it keeps to.
func (e *Editor) climb(rows int) (goal int) {
	at := e.place()
	starts := rowsOf(e.lines[e.row], e.room)
	goal = e.goal
	if goal < 0 {
		goal = cellsOf(e.lines[e.row][starts[at.part]:e.col])
	}
	to := e.walk(at, rows)
	line := e.lines[to.line]
	starts = rowsOf(line, e.room)
	begin := starts[to.part]
	e.row = to.line
	e.col = begin + byteAt(line[begin:], goal)
	if to.part+1 < len(starts) {
		// The end of a row is the beginning of the next: stay before it.
		if end := starts[to.part+1]; e.col >= end {
			e.col = before(line, end)
		}
	}
	return goal
}

// wordBefore is where the word before the cursor begins.
func (e *Editor) wordBefore() (row, col int) {
	if e.col == 0 {
		if e.row == 0 {
			return 0, 0
		}
		return e.row - 1, len(e.lines[e.row-1])
	}
	head := strings.TrimRightFunc(e.lines[e.row][:e.col], func(r rune) bool { return !inWord(r) })
	return e.row, floor(e.lines[e.row], len(strings.TrimRightFunc(head, inWord)))
}

// wordAfter is where the word behind the cursor ends.
func (e *Editor) wordAfter() (row, col int) {
	line := e.lines[e.row]
	if e.col == len(line) {
		if e.row == len(e.lines)-1 {
			return e.row, e.col
		}
		return e.row + 1, 0
	}
	tail := strings.TrimLeftFunc(line[e.col:], func(r rune) bool { return !inWord(r) })
	return e.row, floor(line, len(line)-len(strings.TrimLeftFunc(tail, inWord)))
}

func inWord(r rune) bool {
	return r == '_' || unicode.IsLetter(r) || unicode.IsDigit(r) || unicode.IsMark(r) || r == utf8.RuneError
}
